// A session's statements, run through SOCI: prepared once, bound once to slots that stay where they
// are, and run again by changing what the slots hold. What differs between the engines is left to
// the two subclasses. Not thread-safe.
#pragma once

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "platform/storage/database.h"
#include "platform/storage/time_limit.h"

namespace soci {
class session;
namespace details {
class statement_backend;
}
}  // namespace soci

namespace ipt::storage {

class SociConnection : public Connection {
 public:
  ~SociConnection() override;

  absl::StatusOr<int64_t> Execute(const Statement& statement,
                                  absl::Span<const Value> params) override;
  absl::Status Query(const Statement& statement, absl::Span<const Value> params,
                     absl::FunctionRef<absl::Status(const Row&)> on_row) override;
  absl::Status ExecuteScript(absl::string_view sql) override;

  // The first error of a statement since the last ForgetFailure: it dooms a Write.
  const absl::Status& failure() const { return failure_; }
  void ForgetFailure() { failure_ = absl::OkStatus(); }

  // Statements that begin or are still running after `limit` fail as kTimeout.
  void set_limit(SteadyTime limit) { limit_ = limit; }

 protected:
  SociConnection(std::unique_ptr<soci::session> session, StorageObserver* observer);

  // The error behind the SOCI exception being handled; `statement` may be null (not prepared).
  virtual absl::Status ErrorNow(soci::details::statement_backend* statement) = 0;
  virtual int ColumnCount(soci::details::statement_backend* statement) = 0;
  // Lets go of what a run holds on to: SQLite's cursor, PostgreSQL's rows.
  virtual void Finish(soci::details::statement_backend* statement) = 0;
  // The session is being thrown away.
  virtual void Abandon(soci::details::statement_backend* statement) = 0;
  virtual absl::Status RunScript(const std::string& sql) = 0;

  // Drops all prepared statements. Subclasses' destructors call it first.
  void AbandonStatements();

  soci::session& session() { return *session_; }
  SteadyTime limit() const { return limit_; }

 private:
  struct Prepared;
  using RowFunction = absl::FunctionRef<absl::Status(const Row&)>;

  absl::StatusOr<int64_t> Run(const Statement& statement, absl::Span<const Value> params,
                              const RowFunction* on_row);
  absl::StatusOr<int64_t> RunPrepared(Prepared& prepared, const RowFunction* on_row,
                                      absl::Status& row_status);
  absl::StatusOr<Prepared*> Prepare(const Statement& statement);
  absl::Status SetParams(Prepared& prepared, absl::Span<const Value> params);
  void Bind(Prepared& prepared);

  std::unique_ptr<soci::session> session_;
  StorageObserver* observer_;
  absl::flat_hash_map<std::string, std::unique_ptr<Prepared>> prepared_;
  absl::Status failure_;
  SteadyTime limit_ = kNoLimit;
};

}  // namespace ipt::storage
