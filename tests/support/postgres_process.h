// A private PostgreSQL server for tests: its own data folder, a free loopback port, durable as in
// production (fsync on) but for the shared one. Run as root it becomes the `postgres` user, since
// PostgreSQL refuses root. It goes away with this object, and also when the test process dies. Not
// thread-safe.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ipt::testing {

class PostgresProcess {
 public:
  static absl::StatusOr<std::unique_ptr<PostgresProcess>> Create(bool sync = true);
  ~PostgresProcess();

  // The one server of this test binary, started on first use. It does not sync: what it committed
  // outlives its death, not the machine's.
  static PostgresProcess& Shared();

  absl::Status Start();
  // Ends all sessions and shuts down cleanly. The data stays.
  absl::Status Stop();
  // As a crash does it: SIGKILL, no checkpoint. The data stays.
  absl::Status Kill();
  absl::Status Restart();

  // A copy of `from`, to which nobody may be connected; empty: an empty one.
  absl::Status CreateDatabase(absl::string_view name, absl::string_view from = "");
  absl::Status DropDatabase(absl::string_view name);
  // Runs SQL in a database, as an administrator.
  absl::Status Run(absl::string_view database, absl::string_view sql);

  std::string Url(absl::string_view database) const;

 private:
  explicit PostgresProcess(bool sync) : sync_(sync) {}
  absl::Status Spawn();
  absl::Status AwaitReady();
  pid_t PostmasterPid() const;
  void Reap();

  const bool sync_;
  std::string bin_;     // where postgres and initdb are
  std::string folder_;  // the data folder and the log
  int port_ = 0;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
  pid_t guardian_ = -1;
  int guardian_pipe_ = -1;
};

}  // namespace ipt::testing
