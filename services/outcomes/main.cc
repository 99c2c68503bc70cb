// ipt-outcomes: the outcomes service by itself, on SQLite or PostgreSQL.
#include <functional>
#include <utility>

#include "outcomes/module.h"
#include "platform/server/server.h"
#include "platform/server/stop_signal.h"
#include "platform/server/store_flags.h"

namespace {

constexpr char kUsage[] =
    "Runs IPT Suite's outcomes service.\n\n"
    "  ipt-outcomes migrate --database=URL    bring the schema up to date, then exit\n"
    "  ipt-outcomes restored --database=URL   ready a store that was put back from a copy, then "
    "exit\n"
    "  ipt-outcomes [serve] --database=URL    serve until SIGTERM\n\n"
    "Every setting is a flag (--listen=...), an environment variable (IPT_LISTEN=...) and a line\n"
    "of the file that --config names (listen = ...).\n\n"
    "  ipt-outcomes migrate --database=sqlite:///tmp/ipt.db\n"
    "  ipt-outcomes --database=sqlite:///tmp/ipt.db --listen=127.0.0.1:50051\n";

absl::Status OnStore(const ipt::server::Platform& platform,
                     const std::function<absl::Status(ipt::storage::Database&)>& work) {
  auto store = ipt::server::ReadStoreFlags();
  if (!store.ok()) return store.status();
  auto db = ipt::server::OpenStore(platform, *store);
  if (!db.ok()) return db.status();
  return work(**db);
}

}  // namespace

int main(int argc, char** argv) {
  ipt::server::BlockStopSignals();
  return ipt::server::Main(
      "ipt-outcomes", argc, argv, kUsage,
      {
          .open =
              [](const ipt::server::Platform& platform) -> absl::StatusOr<ipt::server::Modules> {
            auto store = ipt::server::ReadStoreFlags();
            if (!store.ok()) return store.status();
            auto module = ipt::outcomes::OpenModule(platform, {.store = *std::move(store)});
            if (!module.ok()) return module.status();
            ipt::server::Modules modules;
            modules.push_back(*std::move(module));
            return modules;
          },
          .commands = {{"migrate",
                        [](const ipt::server::Platform& platform) {
                          return OnStore(platform, [&](ipt::storage::Database& db) {
                            return ipt::outcomes::MigrateStore(db, platform.clock);
                          });
                        }},
                       {"restored",
                        [](const ipt::server::Platform& platform) {
                          return OnStore(platform, &ipt::outcomes::MarkStoreRestored);
                        }}},
      });
}
