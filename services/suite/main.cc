// ipt-suite: all services in one process on one port, SQLite files in one folder, nothing else
// needed. The local default, the demo, the integrator's sandbox.
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "formulation/module.h"
#include "outcomes/module.h"
#include "platform/server/server.h"
#include "platform/server/service_store.h"
#include "platform/server/stop_signal.h"
#include "scheduling/module.h"

ABSL_FLAG(std::string, data_dir, "ipt-data",
          "Folder of the SQLite files; made where it is absent, for its owner alone.");
ABSL_FLAG(bool, outcomes, true,
          "Serve outcomes: instruments, measurements, alerts. Its store is outcomes.db.");
ABSL_FLAG(bool, formulation, true,
          "Serve formulation: inventory, problem areas, the agreed formulation, the protocol. Its "
          "store is formulation.db.");
ABSL_FLAG(std::string, protocol_dir, "",
          "Folder with the protocol's data, in the place of those that the binary has. Read once, "
          "when it starts; it does not start with data in error.");

namespace {

constexpr char kUsage[] =
    "Runs all of IPT Suite in one process.\n\n"
    "  ipt-suite --data_dir=DIR            serve until SIGTERM; the schema is brought up to date "
    "at "
    "start\n"
    "  ipt-suite restored --data_dir=DIR   ready a folder that was put back from a copy, then "
    "exit;\n"
    "                                      with the flags that it serves with\n"
    "  ipt-suite --nooutcomes              serve without outcomes; --noformulation likewise\n\n"
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

absl::StatusOr<std::string> StoreUrl(absl::string_view file) {
  const std::string folder = absl::GetFlag(FLAGS_data_dir);
  if (absl::Status made = MakeFolder(folder); !made.ok()) return made;
  return absl::StrCat("sqlite://", std::filesystem::absolute(folder).string(), "/", file);
}

constexpr char kSchedulingFile[] = "scheduling.db";
constexpr char kFormulationFile[] = "formulation.db";
constexpr char kOutcomesFile[] = "outcomes.db";

absl::StatusOr<ipt::server::ServiceStoreOptions> StoreIn(absl::string_view file) {
  const auto url = StoreUrl(file);
  if (!url.ok()) return url.status();
  return ipt::server::ServiceStoreOptions{.location = {.url = *url}, .migrate = true};
}

absl::StatusOr<ipt::server::Modules> Open(const ipt::server::Platform& platform) {
  ipt::scheduling::ModuleOptions options;
  // Scheduling, which reads the others' audit, is the first to go.
  ipt::server::Modules others;
  if (!absl::GetFlag(FLAGS_protocol_dir).empty() && !absl::GetFlag(FLAGS_formulation)) {
    return absl::InvalidArgumentError(
        "--protocol_dir is read for formulation only: leave out --noformulation");
  }
  if (absl::GetFlag(FLAGS_formulation)) {
    const auto store = StoreIn(kFormulationFile);
    if (!store.ok()) return store.status();
    auto opened =
        ipt::formulation::OpenModule(platform, {.store = *store,
                                                .protocol_dir = absl::GetFlag(FLAGS_protocol_dir),
                                                .serve_audit = false,
                                                .ask_outcomes = absl::GetFlag(FLAGS_outcomes)});
    if (!opened.ok()) return opened.status();
    options.other_audits.push_back(&(*opened)->audit_reader());
    others.push_back(*std::move(opened));
  }
  if (absl::GetFlag(FLAGS_outcomes)) {
    const auto store = StoreIn(kOutcomesFile);
    if (!store.ok()) return store.status();
    auto opened = ipt::outcomes::OpenModule(
        platform, {.store = *store,
                   .serve_audit = false,
                   .follow_formulation = absl::GetFlag(FLAGS_formulation)});
    if (!opened.ok()) return opened.status();
    options.other_audits.push_back(&(*opened)->audit_reader());
    others.push_back(*std::move(opened));
  }
  const auto store = StoreIn(kSchedulingFile);
  if (!store.ok()) return store.status();
  options.store = *store;
  auto scheduling = ipt::scheduling::OpenModule(platform, options);
  if (!scheduling.ok()) return scheduling.status();
  ipt::server::Modules modules;
  modules.push_back(*std::move(scheduling));
  for (auto& other : others) modules.push_back(std::move(other));
  return modules;
}

// A store that is served, by the flags.
struct Served {
  absl::string_view file;
  std::vector<ipt::storage::Component> components;
};

std::vector<Served> AllServed() {
  std::vector<Served> served = {{kSchedulingFile, ipt::scheduling::Components()}};
  if (absl::GetFlag(FLAGS_formulation)) {
    served.push_back({kFormulationFile, ipt::formulation::Components()});
  }
  if (absl::GetFlag(FLAGS_outcomes)) {
    served.push_back({kOutcomesFile, ipt::outcomes::Components()});
  }
  return served;
}

absl::Status RestoreAll(const ipt::server::Platform& platform) {
  const std::vector<Served> all = AllServed();
  // Before any is touched. An empty store made here would pass for the one that was put back.
  std::vector<std::string> missing;
  for (const Served& one : all) {
    const auto path = std::filesystem::path(absl::GetFlag(FLAGS_data_dir)) / std::string(one.file);
    if (!std::filesystem::exists(path)) missing.push_back(path.string());
  }
  if (!missing.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "there is no such store: ", absl::StrJoin(missing, ", "),
        "; put the copies into --data_dir first, or add --noformulation, --nooutcomes where it was "
        "served so"));
  }
  for (const Served& one : all) {
    const auto store = StoreIn(one.file);
    if (!store.ok()) return store.status();
    auto db = ipt::server::OpenServiceStore(platform, *store, one.components);
    if (!db.ok()) return db.status();
    absl::Status marked = ipt::server::MarkStoreRestored(**db, one.components);
    if (!marked.ok()) return marked;
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  ipt::server::BlockStopSignals();
  return ipt::server::Main("ipt-suite", argc, argv, kUsage,
                           {
                               .open = Open,
                               .commands = {{"restored", RestoreAll}},
                           });
}
