// A PostgreSQL session, set up as this suite wants it, with the statements that frame a
// transaction. Not thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "platform/storage/soci_connection.h"
#include "platform/storage/socket_watch.h"

struct pg_conn;

namespace ipt::storage {

class PostgresConnection final : public SociConnection {
 public:
  // libpq's keyword/value string for a URL, with our defaults where the URL says nothing.
  static absl::StatusOr<std::string> ConnectionString(const DatabaseOptions& options);

  // Whether a URL says what nobody else should read. INVALID_ARGUMENT when libpq does not
  // understand it.
  static absl::StatusOr<bool> HoldsPassword(const std::string& url);

  // Does not wait longer than until `end`, which may change meanwhile, nor for a server that takes
  // the connection and then hangs.
  static absl::StatusOr<std::unique_ptr<PostgresConnection>> Open(
      const std::string& connection_string, const DatabaseOptions& options,
      StorageObserver* observer, const std::atomic<SteadyTime>& end);
  ~PostgresConnection() override;

  Dialect dialect() const override { return Dialect::kPostgres; }

  // `mode` follows BEGIN, e.g. "ISOLATION LEVEL SERIALIZABLE". A statement may then take `timeout`.
  absl::Status Begin(absl::string_view mode, absl::Duration timeout);
  // kConnection, too, where the transaction was committed here, but not where the server should
  // have waited for it: a standby.
  absl::Status Commit();
  absl::Status Rollback();

  // Not in a transaction, and connected.
  bool idle() const;
  // The connection is gone, as far as is known without asking.
  bool broken() const;
  std::shared_ptr<const SocketHandle> socket() const { return socket_; }

 private:
  // Waits for as long as the server does.
  static absl::StatusOr<std::unique_ptr<PostgresConnection>> Connect(
      const std::string& connection_string, const DatabaseOptions& options,
      StorageObserver* observer);
  PostgresConnection(std::unique_ptr<soci::session> session, const DatabaseOptions& options,
                     StorageObserver* observer);

  absl::Status RunScript(const std::string& sql) override;
  absl::Status ErrorNow(soci::details::statement_backend* statement) override;
  int ColumnCount(soci::details::statement_backend* statement) override;
  void Finish(soci::details::statement_backend* statement) override;
  void Abandon(soci::details::statement_backend* statement) override;

  ::pg_conn* connection_;
  bool warned_ = false;  // by the server, since this was last set
  const std::shared_ptr<const SocketHandle> socket_;
  absl::Duration statement_timeout_;  // the session's own
};

}  // namespace ipt::storage
