// A running gRPC server: port, TLS, authentication, health, reflection, probes, metrics, graceful
// stop. Services come from modules; what they need of the process is a Platform.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/audit/read_audit.h"
#include "platform/cache/shared.h"
#include "platform/observability/metrics.h"
#include "platform/peer/in_process.h"
#include "platform/rpc/rpc_service.h"
#include "platform/server/server_flags.h"
#include "platform/server/telemetry.h"
#include "platform/storage/database.h"
#include "platform/time/clock.h"

namespace ipt::server {

// What modules are built from. Outlives them.
struct Platform {
  const Settings& settings;
  const Clock& clock;
  Metrics& metrics;
  Telemetry& telemetry;
  const rpc::RpcRuntime& runtime;
  cache::Shared& shared;
  // To the other services of this process.
  peer::InProcess& in_process;
};

// One service area (scheduling, ...), built by its module.
class Module {
 public:
  virtual ~Module() = default;

  virtual const char* name() const = 0;
  // All gRPC services, complete (CheckComplete).
  virtual std::vector<rpc::RpcService*> services() = 0;
  // OK while the store answers; decides the health of the named services.
  virtual absl::Status Probe() = 0;
  // Background work begins after the port is bound and ends before the store is closed.
  virtual void Start() = 0;
  virtual void Stop() = 0;
  // The process ends: nobody waits for the store longer than `left` from now. Stop() has some
  // seconds of its own, whatever was left.
  virtual void EndWithin(absl::Duration left) = 0;
};

using Modules = std::vector<std::unique_ptr<Module>>;

// What a binary adds to the platform.
struct Program {
  // Builds the modules to serve.
  std::function<absl::StatusOr<Modules>(const Platform&)> open = nullptr;
  // What else it can be told to do by a word on the command line: it does that and ends.
  std::map<std::string, std::function<absl::Status(const Platform&)>> commands{};
};

// The whole of a server's main(): reads the settings, then `serve` (the default) or
// one of the program's commands.
// Serves until SIGTERM or SIGINT and stops gracefully. Returns the process' exit status: 0 done, 1
// failed, 2 wrong settings; what went wrong is on stderr in one sentence. REQUIRES:
// BlockStopSignals() was called before any thread started.
int Main(const std::string& binary, int argc, char** argv, const std::string& usage,
         const Program& program);

// The first line of a file, for secrets. INVALID_ARGUMENT when it cannot be read.
absl::StatusOr<std::string> ReadSecretLine(const std::string& path);

struct StoreLocation {
  std::string url;  // as storage::DatabaseOptions has it
  // PostgreSQL: the password is this file's first line, read at every connection. Empty: none.
  std::string password_file = {};
};

// Opens one store as the settings have it, reporting to `platform`'s telemetry.
absl::StatusOr<std::unique_ptr<storage::Database>> OpenStore(const Platform& platform,
                                                             const StoreLocation& store);

}  // namespace ipt::server
