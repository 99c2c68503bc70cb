// A private redis-server (or redis-sentinel) for tests, in a folder of its own, reached by a Unix
// socket or a free loopback port. It goes away with this object, and also when the thread that
// made it ends. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ipt::testing {

class RedisProcess {
 public:
  // `settings` as on redis-server's command line: {"--maxmemory", "3mb"}. Without `tcp` it listens
  // on a socket only.
  static absl::StatusOr<std::unique_ptr<RedisProcess>> Create(
      std::vector<std::string> settings = {}, bool tcp = false);
  // A sentinel that watches the master at this port under the name "mymaster", alone.
  static absl::StatusOr<std::unique_ptr<RedisProcess>> CreateSentinel(int master_port);
  ~RedisProcess();

  // As the setting takes it.
  std::string Url() const;
  int port() const { return port_; }
  const std::string& folder() const { return folder_; }

  // As a crash does it. What was not saved is gone.
  void Kill();
  // Starts it again, on the same address.
  absl::Status Start();
  // SIGSTOP and SIGCONT.
  void Freeze();
  void Thaw();

  // Runs one command on a connection of its own; its answer as text (arrays joined by spaces).
  absl::StatusOr<std::string> Run(const std::vector<std::string>& command);

 private:
  RedisProcess() = default;
  absl::Status Spawn();

  std::string folder_;
  std::vector<std::string> args_;
  std::string password_;
  int port_ = 0;
  pid_t pid_ = -1;
};

// A port that was free a moment ago.
absl::StatusOr<int> FreePort();

}  // namespace ipt::testing
