// ipt-scheduling: the scheduling service by itself, on SQLite or PostgreSQL.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/server/server.h"
#include "platform/server/stop_signal.h"
#include "scheduling/module.h"

ABSL_FLAG(std::string, database, "",
          "The store: sqlite:///var/lib/ipt/scheduling.db, or postgresql://user@host/db (several "
          "hosts allowed). Give a password by --database_file, never here.");
ABSL_FLAG(std::string, database_file, "", "File whose one line is the value of --database.");

namespace {

constexpr char kUsage[] =
    "Runs IPT Suite's scheduling service.\n\n"
    "  ipt-scheduling migrate --database=URL   bring the schema up to date, then exit\n"
    "  ipt-scheduling [serve] --database=URL   serve until SIGTERM\n\n"
    "Every setting is a flag (--listen=...), an environment variable (IPT_LISTEN=...) and a line\n"
    "of the file that --config names (listen = ...).\n\n"
    "  ipt-scheduling migrate --database=sqlite:///tmp/ipt.db\n"
    "  ipt-scheduling --database=sqlite:///tmp/ipt.db --listen=127.0.0.1:50051\n";

absl::StatusOr<std::string> DatabaseUrl() {
  const std::string url = absl::GetFlag(FLAGS_database);
  const std::string path = absl::GetFlag(FLAGS_database_file);
  if (url.empty() == path.empty()) {
    return absl::InvalidArgumentError("give one of --database and --database_file");
  }
  return url.empty() ? ipt::server::ReadSecretLine(path) : url;
}

}  // namespace

int main(int argc, char** argv) {
  ipt::server::BlockStopSignals();
  return ipt::server::Main(
      "ipt-scheduling", argc, argv, kUsage,
      {
          .open =
              [](const ipt::server::Platform& platform) -> absl::StatusOr<ipt::server::Modules> {
            auto url = DatabaseUrl();
            if (!url.ok()) return url.status();
            auto module = ipt::scheduling::OpenModule(platform, {.database_url = *url});
            if (!module.ok()) return module.status();
            ipt::server::Modules modules;
            modules.push_back(*std::move(module));
            return modules;
          },
          .migrate = [](const ipt::server::Platform& platform) -> absl::Status {
            auto url = DatabaseUrl();
            if (!url.ok()) return url.status();
            auto db = ipt::server::OpenStore(platform, *url);
            if (!db.ok()) return db.status();
            return ipt::scheduling::MigrateStore(**db, platform.clock);
          },
      });
}
