#include "platform/server/server.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "google/protobuf/stubs/logging.h"
#include "grpc/grpc.h"
#include "grpcpp/ext/health_check_service_server_builder_option.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "platform/auth/authenticator.h"
#include "platform/auth/client_identity.h"
#include "platform/auth/jwk_set.h"
#include "platform/auth/tls_credentials.h"
#include "platform/auth/token_verifier.h"
#include "platform/auth/watched_files.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/observability/log.h"
#include "platform/server/admin_http.h"
#include "platform/server/periodic.h"
#include "platform/server/redis_telemetry.h"
#include "platform/server/reflection.h"
#include "platform/server/reload_report.h"
#include "platform/server/stop_signal.h"
#include "platform/storage/migrator.h"

namespace ipt::server {
namespace {

constexpr int kMaxRequestBytes = 4 << 20;
constexpr int kMaxMetadataBytes = 16 << 10;
// What streams of a connection beyond its age get to end by themselves (--max_stream_age).
constexpr absl::Duration kConnectionGrace = absl::Minutes(10);

// Token keys, known clients and TLS files, each reloaded when its file changes.
class Identity {
 public:
  static absl::StatusOr<std::unique_ptr<Identity>> Open(const Settings& settings,
                                                        const Clock& clock, Metrics& metrics) {
    auto identity = std::make_unique<Identity>();
    if (settings.auth == "jwt") {
      IPT_ASSIGN_OR_RETURN(identity->keys_,
                           auth::OpenWatchedFile(settings.jwks_file, &auth::JwkSet::Parse,
                                                 ReportReloads("jwks", metrics)));
      auth::TokenRules rules;
      rules.issuer = settings.jwt_issuer;
      rules.audiences = settings.jwt_audiences;
      auto verifier = std::make_shared<auth::TokenVerifier>(
          rules, [keys = identity->keys_.get()] { return keys->current(); });
      auth::JwtAuthenticator::ClientSource clients;
      if (!settings.client_certs_file.empty()) {
        IPT_ASSIGN_OR_RETURN(
            identity->clients_,
            auth::OpenWatchedFile(settings.client_certs_file, &auth::ClientIdentities::Parse,
                                  ReportReloads("client_certs", metrics)));
        clients = [files = identity->clients_.get()] { return files->current(); };
      }
      identity->authenticator_ = std::make_unique<auth::JwtAuthenticator>(verifier, clients);
    } else {
      identity->authenticator_ = std::make_unique<auth::NoneAuthenticator>();
    }
    if (settings.uses_tls()) {
      auth::TlsOptions tls;
      tls.certificate_file = settings.tls_cert_file;
      tls.key_file = settings.tls_key_file;
      tls.client_ca_file = settings.tls_client_ca_file;
      tls.client_certificates =
          settings.tls_require_client_cert      ? auth::ClientCertificates::kRequire
          : settings.tls_client_ca_file.empty() ? auth::ClientCertificates::kNone
                                                : auth::ClientCertificates::kRequest;
      IPT_ASSIGN_OR_RETURN(identity->tls_,
                           auth::ServerTls::Open(tls, clock, ReportReloads("tls", metrics)));
      identity->not_after_ = &metrics.Gauge("tls_certificate_not_after_seconds",
                                            "When the server's certificate expires.");
    }
    return identity;
  }

  const auth::Authenticator& authenticator() const { return *authenticator_; }
  std::shared_ptr<grpc::ServerCredentials> credentials() {
    return tls_ == nullptr ? grpc::InsecureServerCredentials() : tls_->Credentials();
  }
  void Report() {
    if (not_after_ != nullptr) {
      not_after_->Set(static_cast<double>(absl::ToUnixSeconds(tls_->NotAfter())));
    }
  }

 private:
  std::unique_ptr<auth::WatchedFiles<auth::JwkSet>> keys_;
  std::unique_ptr<auth::WatchedFiles<auth::ClientIdentities>> clients_;
  std::unique_ptr<auth::Authenticator> authenticator_;
  std::unique_ptr<auth::ServerTls> tls_;
  prometheus::Gauge* not_after_ = nullptr;
};

std::unique_ptr<grpc::Server> BuildServer(const Settings& settings, Identity& identity,
                                          const std::vector<grpc::Service*>& services, int* port) {
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 1000);
  builder.AddChannelArgument(
      GRPC_ARG_MAX_CONNECTION_AGE_MS,
      static_cast<int>(absl::ToInt64Milliseconds(settings.max_connection_age)));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                             static_cast<int>(absl::ToInt64Milliseconds(std::max(
                                 kConnectionGrace, settings.max_stream_age + absl::Minutes(1)))));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60 * 1000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20 * 1000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10 * 1000);
  builder.AddListeningPort(settings.listen, identity.credentials(), port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  return builder.BuildAndStart();
}

// Asks the modules' stores and sets the named services' health by what they say.
class HealthCheck {
 public:
  HealthCheck(grpc::Server& server, const Modules& modules, Metrics& metrics)
      : server_(server), modules_(modules), was_up_(modules.size()) {
    for (const auto& module : modules_) {
      up_.push_back(
          &metrics.Gauge("store_up", "1 while the store answers.", {{"module", module->name()}}));
    }
  }

  void Run() {
    for (size_t i = 0; i < modules_.size(); ++i) {
      const absl::Status status = modules_[i]->Probe();
      if (ended_) return;
      up_[i]->Set(status.ok() ? 1 : 0);
      // Told on a change only: every telling goes out to all who watch.
      if (was_up_[i] == status.ok()) continue;
      for (const rpc::RpcService* service : modules_[i]->services()) {
        server_.GetHealthCheckService()->SetServingStatus(service->name(), status.ok());
      }
      if (status.ok() != was_up_[i]) {
        log::Line(
            status.ok() ? log::Level::kInfo : log::Level::kError,
            status.ok() ? "store_up" : "store_down",
            {{log::Key::kService, modules_[i]->name()}, {log::Key::kDetail, status.message()}});
      }
      was_up_[i] = status.ok();
    }
  }

  // Nothing is served any more, whatever the stores say; a look at one that hangs is not waited
  // for.
  void End() {
    ended_ = true;
    server_.GetHealthCheckService()->Shutdown();
  }

 private:
  grpc::Server& server_;
  const Modules& modules_;
  std::vector<prometheus::Gauge*> up_;
  std::vector<std::optional<bool>> was_up_;  // nothing before the first look
  std::atomic<bool> ended_ = false;
};

// Protobuf would print its own complaints about malformed requests.
void Silence(google::protobuf::LogLevel, const char*, int, const std::string&) {}

// On an older schema, or before the store can be reached, a replica waits unready instead of dying
// again and again: the job that migrates may come after it. CANCELLED when it is told to stop
// first.
absl::StatusOr<Modules> OpenWhenSchemaFits(const Platform& platform, const Program& program,
                                           AdminHttp* admin) {
  auto& outdated =
      platform.metrics.Gauge("ipt_schema_outdated", "1 while the server waits for `migrate`.");
  std::string said;
  while (true) {
    absl::StatusOr<Modules> modules = program.open(platform);
    const absl::StatusCode code = modules.status().code();
    const bool old = ErrorReasonOf(modules.status()) == storage::kSchemaOutdated;
    outdated.Set(old ? 1 : 0);
    const bool may_come = code == absl::StatusCode::kUnavailable || old;
    if (modules.ok() || !may_come) return modules;
    const absl::string_view why = modules.status().message();
    if (why != said) {
      log::Line(log::Level::kWarning, "waiting_for_store", {{log::Key::kDetail, why}});
      if (admin != nullptr) admin->SetReason(absl::StrCat("waiting for the store: ", why));
      said = std::string(why);
    }
    if (WaitForStopSignal(absl::Seconds(1))) return absl::CancelledError(said);
  }
}

std::unique_ptr<cache::Shared> OpenShared(const Settings& settings, const Clock& clock,
                                          cache::RedisObserver& observer) {
  if (!settings.redis.has_value()) return cache::Shared::InProcess(clock);
  cache::RedisOptions options;
  options.url = *settings.redis;
  if (!settings.redis_password_file.empty()) {
    options.password = [path = settings.redis_password_file] { return ReadSecretLine(path); };
  }
  return cache::Shared::OnRedis(std::move(options), &observer);
}

// Takes no more calls and waits for those that work, for at most `grace`. Streams that only wait
// (who watches health, reflection kept open) would use all of it up: once nothing works, and what
// was answered has had the time to go out, they are cut.
void FinishCalls(grpc::Server& server, const rpc::Executor& executor, absl::Duration grace) {
  constexpr int kIdleLooks = 20;
  int idle = 0;
  const Periodic cut(absl::Milliseconds(50), [&] {
    idle = executor.idle() ? idle + 1 : 0;
    if (idle == kIdleLooks) grpc_server_cancel_all_calls(server.c_server());
  });
  server.Shutdown(absl::ToChronoTime(absl::Now() + grace));
  server.Wait();
}

absl::Status Run(const std::string& binary, const Settings& settings, const Program& program,
                 const std::string& command) {
  google::protobuf::SetLogHandler(&Silence);
  // Debian builds Abseil with its lock-order checks on; gRPC takes many locks a call.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  SystemClock clock;
  Metrics metrics(binary, Version());
  Telemetry telemetry(metrics, {settings.slow_call, settings.slow_statement});
  IPT_ASSIGN_OR_RETURN(const auto identity, Identity::Open(settings, clock, metrics));

  rpc::Executor executor(settings.executor_threads, settings.executor_queue);
  rpc::StreamSet streams(clock, settings.max_streams, settings.max_stream_age);
  peer::InProcess in_process(identity->authenticator());
  const rpc::RpcRuntime runtime{in_process,
                                clock,
                                executor,
                                telemetry,
                                streams,
                                settings.default_deadline,
                                settings.max_call_time};
  RedisTelemetry redis_telemetry(metrics);
  const std::unique_ptr<cache::Shared> shared = OpenShared(settings, clock, redis_telemetry);
  const Platform platform{settings, clock, metrics, telemetry, runtime, *shared, in_process};

  if (const auto it = program.commands.find(command); it != program.commands.end()) {
    EndAtStopSignal();  // what is not committed is undone by the store
    return it->second(platform);
  }

  auto& ready = metrics.Gauge("ipt_ready", "1 while /readyz answers 200.");
  std::unique_ptr<AdminHttp> admin;
  if (!settings.admin_listen.empty()) {
    IPT_ASSIGN_OR_RETURN(admin, AdminHttp::Start(settings.admin_listen, metrics));
  }
  absl::StatusOr<Modules> opened = OpenWhenSchemaFits(platform, program, admin.get());
  if (absl::IsCancelled(opened.status())) {
    log::Line(log::Level::kInfo, "stop", {{log::Key::kDetail, "before the store was ready"}});
    return absl::OkStatus();
  }
  IPT_ASSIGN_OR_RETURN(const Modules modules, std::move(opened));

  std::vector<grpc::Service*> services;
  std::vector<std::string> names;
  for (const auto& module : modules) {
    for (rpc::RpcService* service : module->services()) {
      IPT_RETURN_IF_ERROR(service->CheckComplete());
      telemetry.AddService(service->name());
      services.push_back(service);
      names.push_back(service->name());
    }
  }
  std::unique_ptr<grpc::Service> reflection;
  if (settings.reflection) {
    names.insert(names.end(),
                 {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"});
    reflection = MakeReflectionService(names);
    services.push_back(reflection.get());
  }

  grpc::EnableDefaultHealthCheckService(true);
  int port = 0;
  const std::unique_ptr<grpc::Server> server = BuildServer(settings, *identity, services, &port);
  if (server == nullptr) {
    return absl::UnavailableError(absl::StrCat("--listen: cannot listen on ", settings.listen,
                                               "; is it in use by another process?"));
  }
  in_process.SetChannel(server->InProcessChannel(peer::InProcessArguments()));
  for (const auto& module : modules) module->Start();

  auto& queue_depth = metrics.Gauge("rpc_queue_depth", "Calls waiting for a thread.");
  HealthCheck health(*server, modules, metrics);
  std::optional<Periodic> watch;
  watch.emplace(absl::Seconds(2), [&] {
    health.Run();
    queue_depth.Set(static_cast<double>(executor.queued()));
    identity->Report();
  });
  ready.Set(1);
  if (admin != nullptr) {
    admin->SetStarted();
    admin->SetReady(true);
  }
  log::Line(log::Level::kInfo, "start",
            {{log::Key::kService, binary},
             {log::Key::kVersion, Version()},
             {log::Key::kAddress, settings.listen},
             {log::Key::kDetail,
              absl::StrCat("auth=", settings.auth, settings.uses_tls() ? " tls" : " plaintext")}});
  WaitForStopSignal();
  log::Line(log::Level::kInfo, "stop", {{log::Key::kDetail, "draining"}});
  ready.Set(0);
  if (admin != nullptr) {
    admin->SetReason("draining");
    admin->SetReady(false);
  }
  health.End();
  absl::SleepFor(settings.drain_delay);
  streams.Stop();
  for (const auto& module : modules) module->EndWithin(settings.grace);
  FinishCalls(*server, executor, settings.grace);
  executor.Stop();
  for (const auto& module : modules) module->Stop();
  in_process.SetChannel(nullptr);
  watch.reset();
  log::Line(log::Level::kInfo, "stop", {{log::Key::kDetail, "done"}});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<storage::Database>> OpenStore(const Platform& platform,
                                                             const StoreLocation& store) {
  storage::DatabaseOptions options;
  options.url = store.url;
  if (!store.password_file.empty()) {
    options.password = [path = store.password_file] { return ReadSecretLine(path); };
  }
  options.sessions = platform.settings.database_sessions;
  options.statement_timeout = platform.settings.statement_timeout;
  options.group_commit = platform.settings.group_commit;
  options.exclusive = true;
  return storage::OpenDatabase(options, platform.clock, &platform.telemetry);
}

absl::StatusOr<std::string> ReadSecretLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line) || line.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read a line from ", path));
  }
  return line;
}

int Main(const std::string& binary, int argc, char** argv, const std::string& usage,
         const Program& program) {
  auto complain = [&](const absl::Status& status) {
    const std::string message(status.message());
    std::fprintf(stderr, "%s: %s\n", binary.c_str(), message.c_str());
  };
  std::vector<std::string> words;
  const absl::StatusOr<Settings> settings = ReadSettings(argc, argv, usage, words);
  if (!settings.ok()) {
    complain(settings.status());
    return 2;
  }
  const std::string command = words.empty() ? "serve" : words[0];
  if (words.size() > 1 || (command != "serve" && !program.commands.contains(command))) {
    complain(absl::InvalidArgumentError(
        absl::StrCat("no such command: ", absl::StrJoin(words, " "), "; --help lists them")));
    return 2;
  }
  log::Init(settings->log_level);
  const absl::Status status = Run(binary, *settings, program, command);
  log::Shutdown();
  if (status.ok()) return 0;
  complain(status);
  return status.code() == absl::StatusCode::kInvalidArgument ? 2 : 1;
}

}  // namespace ipt::server
