#include "platform/server/service_main.h"

#include <utility>

#include "absl/strings/substitute.h"
#include "platform/errors/status_macros.h"
#include "platform/server/service_store.h"
#include "platform/server/stop_signal.h"
#include "platform/server/store_flags.h"

namespace ipt::server {
namespace {

// $0: the service's name.
constexpr char kUsage[] =
    "Runs IPT Suite's $0 service.\n\n"
    "  ipt-$0 migrate --database=URL    bring the schema up to date, then exit\n"
    "  ipt-$0 restored --database=URL   ready a store that was put back from a copy, then exit\n"
    "  ipt-$0 [serve] --database=URL    serve until SIGTERM\n\n"
    "Every setting is a flag (--listen=...), an environment variable (IPT_LISTEN=...) and a line\n"
    "of the file that --config names (listen = ...).\n\n"
    "  ipt-$0 migrate --database=sqlite:///tmp/ipt.db\n"
    "  ipt-$0 --database=sqlite:///tmp/ipt.db --listen=127.0.0.1:50051\n";

absl::StatusOr<std::unique_ptr<storage::Database>> OpenNamedStore(const Platform& platform) {
  IPT_ASSIGN_OR_RETURN(const StoreLocation store, ReadStoreFlags());
  return OpenStore(platform, store);
}

}  // namespace

int ServiceMain(const Service& service, int argc, char** argv) {
  BlockStopSignals();
  Program program;
  program.open = [&](const Platform& platform) -> absl::StatusOr<Modules> {
    IPT_ASSIGN_OR_RETURN(const StoreLocation store, ReadStoreFlags());
    IPT_ASSIGN_OR_RETURN(std::unique_ptr<Module> module, service.open(platform, store));
    Modules modules;
    modules.push_back(std::move(module));
    return modules;
  };
  program.commands["migrate"] = [&](const Platform& platform) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(const auto db, OpenNamedStore(platform));
    return storage::Migrate(*db, service.components, platform.clock);
  };
  program.commands["restored"] = [&](const Platform& platform) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(const auto db, OpenNamedStore(platform));
    return MarkStoreRestored(*db, service.components);
  };
  return Main("ipt-" + service.name, argc, argv, absl::Substitute(kUsage, service.name), program);
}

}  // namespace ipt::server
