// ipt-suite: all services in one process on one port, SQLite files in one folder, nothing else
// needed. The local default, the demo, the integrator's sandbox.
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "platform/server/server.h"
#include "platform/server/stop_signal.h"
#include "scheduling/module.h"

ABSL_FLAG(std::string, data_dir, "ipt-data",
          "Folder of the SQLite files; made where it is absent, for its owner alone.");

namespace {

constexpr char kUsage[] =
    "Runs all of IPT Suite in one process.\n\n"
    "  ipt-suite --data_dir=DIR            serve until SIGTERM; the schema is brought up to date "
    "at "
    "start\n"
    "  ipt-suite restored --data_dir=DIR   ready a folder that was put back from a copy, then "
    "exit\n\n"
    "Every setting is a flag (--listen=...), an environment variable (IPT_LISTEN=...) and a line\n"
    "of the file that --config names (listen = ...).\n\n"
    "  ipt-suite --data_dir=/tmp/ipt --listen=127.0.0.1:50051\n";

absl::Status MakeFolder(const std::string& path) {
  // What is made is its owner's alone from its first moment on, not by a second step that may fail.
  umask(077);
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    return absl::InvalidArgumentError(
        absl::StrCat("--data_dir: cannot make ", path, ": ", error.message()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> StoreUrl() {
  const std::string folder = absl::GetFlag(FLAGS_data_dir);
  if (absl::Status made = MakeFolder(folder); !made.ok()) return made;
  return absl::StrCat("sqlite://", std::filesystem::absolute(folder).string(), "/scheduling.db");
}

}  // namespace

int main(int argc, char** argv) {
  ipt::server::BlockStopSignals();
  return ipt::server::Main(
      "ipt-suite", argc, argv, kUsage,
      {
          .open =
              [](const ipt::server::Platform& platform) -> absl::StatusOr<ipt::server::Modules> {
            const auto url = StoreUrl();
            if (!url.ok()) return url.status();
            auto module =
                ipt::scheduling::OpenModule(platform, {.store = {.url = *url}, .migrate = true});
            if (!module.ok()) return module.status();
            ipt::server::Modules modules;
            modules.push_back(*std::move(module));
            return modules;
          },
          .commands = {{"restored",
                        [](const ipt::server::Platform& platform) -> absl::Status {
                          const auto url = StoreUrl();
                          if (!url.ok()) return url.status();
                          auto db = ipt::server::OpenStore(platform, {.url = *url});
                          if (!db.ok()) return db.status();
                          if (auto migrated = ipt::scheduling::MigrateStore(**db, platform.clock);
                              !migrated.ok()) {
                            return migrated;
                          }
                          return ipt::scheduling::MarkStoreRestored(**db);
                        }}},
      });
}
