// ipt-deliver: the reference gateway, from due reminders to a webhook or a file.
#include <curl/curl.h>

#include <csignal>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ipt-deliver/dry_run.h"
#include "ipt-deliver/file_sink.h"
#include "ipt-deliver/gateway.h"
#include "ipt-deliver/options.h"
#include "ipt-deliver/webhook.h"
#include "iptctl/error_output.h"
#include "platform/observability/log.h"
#include "platform/server/admin_http.h"
#include "platform/server/stop_signal.h"

namespace ipt::deliver {
namespace {

constexpr char kProgram[] = "ipt-deliver";
constexpr absl::Duration kLook = absl::Milliseconds(20);

// Where SIGHUP goes; set before the handler is.
FileSink* file_to_reopen = nullptr;

void OnHangUp(int) {
  if (file_to_reopen != nullptr) file_to_reopen->Reopen();
}

void CatchHangUp() {
  struct sigaction action {};
  action.sa_handler = &OnHangUp;
  action.sa_flags = SA_RESTART;
  sigaction(SIGHUP, &action, nullptr);
}

int UsageError(const absl::Status& status, bool json) {
  std::cerr << ctl::DescribeUsageError(absl::string_view(status.message()),
                                       "ipt-deliver --help explains it", json, kProgram);
  return ctl::kExitUsage;
}

int CallError(const grpc::Status& status, bool json) {
  std::cerr << ctl::DescribeError(status, "", json, kProgram);
  return ctl::ExitCodeOf(status.error_code());
}

auth::ReloadObserver TellReload(const std::string& path) {
  return [path](const absl::Status& status) {
    log::Line(status.ok() ? log::Level::kInfo : log::Level::kError, "file_reload",
              {{log::Key::kPath, path}, {log::Key::kDetail, absl::string_view(status.message())}});
  };
}

// The webhook's keys, or the file: what lives as long as the sink.
struct Delivery {
  std::unique_ptr<auth::WatchedFiles<SigningKeys>> keys;
  std::unique_ptr<Sink> sink;
};

absl::StatusOr<Delivery> OpenDelivery(const Options& options) {
  Delivery delivery;
  if (!options.file.empty()) {
    absl::StatusOr<std::unique_ptr<FileSink>> file = FileSink::Open(options.file);
    if (!file.ok())
      return absl::InvalidArgumentError(absl::StrCat("--file: ", file.status().message()));
    file_to_reopen = file->get();
    delivery.sink = *std::move(file);
    return delivery;
  }
  auto keys = WatchKeys(options.keys_file, TellReload(options.keys_file));
  if (!keys.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--keys-file: ", keys.status().message()));
  }
  delivery.keys = *std::move(keys);
  if (!options.webhook_ca.empty()) {
    const auto readable = client::ReadFile(options.webhook_ca);
    if (!readable.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--webhook-ca: ", readable.status().message()));
    }
  }
  delivery.sink = std::make_unique<Webhook>(
      WebhookOptions{.url = options.webhook,
                     .ca_file = options.webhook_ca,
                     .timeout = options.timeout,
                     .concurrency = static_cast<size_t>(options.concurrency),
                     .user_agent = absl::StrCat(kProgram, "/", IPT_VERSION)},
      [&keys = *delivery.keys] { return keys.current(); });
  return delivery;
}

int Deliver(const Options& options, ServerLink& link) {
  absl::StatusOr<Delivery> delivery = OpenDelivery(options);
  if (!delivery.ok()) return UsageError(delivery.status(), options.json_output);
  CatchHangUp();

  Metrics metrics(kProgram, IPT_VERSION);
  Tally tally(options.clinics, metrics);
  std::unique_ptr<server::AdminHttp> admin;
  if (!options.admin_listen.empty()) {
    auto started = server::AdminHttp::Start(options.admin_listen, metrics);
    if (!started.ok()) return UsageError(started.status(), options.json_output);
    admin = *std::move(started);
    admin->SetStarted();
  }

  Gateway gateway(options.clinics,
                  DeskOptions{.channels = options.channels,
                              .lease = options.lease,
                              .timeout = options.timeout,
                              .connect_within = options.connect_within,
                              .once = options.once},
                  link, *delivery->sink, tally);
  log::Line(log::Level::kInfo, "start",
            {{log::Key::kVersion, IPT_VERSION},
             {log::Key::kAddress, options.target.server},
             {log::Key::kCount, static_cast<int64_t>(options.clinics.size())}});
  gateway.Start();
  bool told_to_stop = false;
  while (!gateway.IsThrough() && !(told_to_stop = server::WaitForStopSignal(kLook))) {
    if (admin != nullptr) admin->SetReady(gateway.HasBegun());
  }
  if (admin != nullptr) admin->SetReady(false);
  // Told once more, it ends at once.
  if (!told_to_stop) server::EndAtStopSignal();
  log::Line(log::Level::kInfo, "stopping", {});
  const int64_t left = gateway.Stop(options.grace);
  std::signal(SIGHUP, SIG_IGN);
  log::Line(log::Level::kInfo, "stopped", {{log::Key::kCount, left}});

  std::cout << (options.json_output ? tally.Json(left) : tally.Table(left)) << std::flush;
  if (const auto fatal = gateway.fatal(); fatal.has_value()) {
    return CallError(*fatal, options.json_output);
  }
  const bool again = left > 0 || (options.once && tally.AnyToRetry());
  return again ? ctl::ExitCodeOf(grpc::StatusCode::UNAVAILABLE) : 0;
}

int Main(const std::vector<std::string>& args) {
  const absl::StatusOr<Options> options = ParseOptions(args);
  if (!options.ok()) {
    bool json = false;
    for (size_t i = 0; i < args.size(); ++i) {
      json = json || args[i] == "--output=json" ||
             (args[i] == "--output" && i + 1 < args.size() && args[i + 1] == "json");
    }
    return UsageError(options.status(), json);
  }
  if (options->help || options->version) {
    std::cout << (options->help ? HelpText() : absl::StrCat(kProgram, " ", IPT_VERSION, "\n"));
    return 0;
  }
  server::BlockStopSignals();
  curl_global_init(CURL_GLOBAL_DEFAULT);
  log::Init(log::Level::kInfo);
  int exit_code = 0;
  {
    const auto link =
        ServerLink::Open(options->target, options->token_file, TellReload(options->token_file));
    if (!link.ok()) {
      exit_code = UsageError(link.status(), options->json_output);
    } else if (options->dry_run) {
      server::EndAtStopSignal();
      const grpc::Status status = PrintDue(**link, options->clinics, options->channels, std::cout);
      std::cout.flush();
      if (!status.ok()) exit_code = CallError(status, options->json_output);
    } else {
      exit_code = Deliver(*options, **link);
    }
  }
  log::Shutdown();
  return exit_code;
}

}  // namespace
}  // namespace ipt::deliver

int main(int argc, char** argv) {
  return ipt::deliver::Main(std::vector<std::string>(argv + 1, argv + argc));
}
