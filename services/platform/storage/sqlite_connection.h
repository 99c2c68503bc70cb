// A connection to an SQLite file, set up as this suite wants it, with the few statements that frame
// a transaction. Not thread-safe.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "platform/storage/soci_connection.h"

struct sqlite3;
struct sqlite3_stmt;

namespace ipt::storage {

class SqliteConnection final : public SociConnection {
 public:
  enum class Mode { kWriter, kReader };

  static absl::StatusOr<std::unique_ptr<SqliteConnection>> Open(const std::string& path, Mode mode,
                                                                const DatabaseOptions& options,
                                                                StorageObserver* observer);
  ~SqliteConnection() override;

  Dialect dialect() const override { return Dialect::kSqlite; }

  absl::Status BeginSnapshot() { return Control(kBegin); }
  // Takes the write lock now: a plain BEGIN that reads first can only fail when it writes later.
  absl::Status BeginWrite() { return Control(kBeginImmediate); }
  absl::Status Commit();
  absl::Status Rollback() { return Control(kRollback); }
  absl::Status Savepoint() { return Control(kSavepoint); }
  absl::Status Release() { return Control(kRelease); }
  absl::Status RollbackToSavepoint();

  // False after SQLite rolled the transaction back by itself (disk full, interrupted write).
  bool in_transaction() const;

 private:
  enum ControlStatement {
    kBegin,
    kBeginImmediate,
    kCommit,
    kRollback,
    kSavepoint,
    kRelease,
    kRollbackTo,
    kControlStatements
  };

  SqliteConnection(std::unique_ptr<soci::session> session, const DatabaseOptions& options,
                   StorageObserver* observer);

  absl::Status Control(ControlStatement which);
  absl::Status SetUp(Mode mode, const DatabaseOptions& options);
  absl::Status LastError() const;

  absl::Status ErrorNow(soci::details::statement_backend* statement) override;
  int ColumnCount(soci::details::statement_backend* statement) override;
  void Finish(soci::details::statement_backend* statement) override;
  void Abandon(soci::details::statement_backend*) override {}
  absl::Status RunScript(const std::string& sql) override;

  bool IsOver() const;  // the time limit of what runs
  static int OnProgress(void* self);
  static int OnBusy(void* self, int attempts);

  ::sqlite3* db_;
  absl::Duration busy_timeout_;
  std::array<::sqlite3_stmt*, kControlStatements> control_ = {};
  SteadyTime busy_since_;
};

}  // namespace ipt::storage
