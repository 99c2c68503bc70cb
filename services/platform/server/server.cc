#include "platform/server/server.h"

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/protobuf/stubs/logging.h"
#include "grpcpp/ext/health_check_service_server_builder_option.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "platform/auth/authenticator.h"
#include "platform/auth/client_identity.h"
#include "platform/auth/jwk_set.h"
#include "platform/auth/tls_credentials.h"
#include "platform/auth/token_verifier.h"
#include "platform/auth/watched_files.h"
#include "platform/errors/status_macros.h"
#include "platform/observability/log.h"
#include "platform/server/admin_http.h"
#include "platform/server/reflection.h"
#include "platform/server/stop_signal.h"

namespace ipt::server {
namespace {

constexpr int kMaxRequestBytes = 4 << 20;
constexpr int kMaxMetadataBytes = 16 << 10;

// Token keys, known clients and TLS files, each reloaded when its file changes.
class Identity {
 public:
  static absl::StatusOr<std::unique_ptr<Identity>> Open(const Settings& settings,
                                                        const Clock& clock, Metrics& metrics) {
    auto identity = std::make_unique<Identity>();
    if (settings.auth == "jwt") {
      IPT_ASSIGN_OR_RETURN(
          identity->keys_,
          auth::WatchedFiles<auth::JwkSet>::Open(
              {settings.jwks_file}, [](const auto& files) { return auth::JwkSet::Parse(files[0]); },
              Watch("jwks", metrics)));
      auth::TokenRules rules;
      rules.issuer = settings.jwt_issuer;
      rules.audiences = settings.jwt_audiences;
      auto verifier = std::make_shared<auth::TokenVerifier>(
          rules, [keys = identity->keys_.get()] { return keys->current(); });
      auth::JwtAuthenticator::ClientSource clients;
      if (!settings.client_certs_file.empty()) {
        IPT_ASSIGN_OR_RETURN(
            identity->clients_,
            auth::WatchedFiles<auth::ClientIdentities>::Open(
                {settings.client_certs_file},
                [](const auto& files) { return auth::ClientIdentities::Parse(files[0]); },
                Watch("client_certs", metrics)));
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
                           auth::ServerTls::Open(tls, clock, Watch("tls", metrics)));
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
  static auth::ReloadObserver Watch(const std::string& what, Metrics& metrics) {
    auto* reloads =
        &metrics.Counter("file_reloads_total", "Watched files taken over.", {{"file", what}});
    auto* errors = &metrics.Counter("file_reload_errors_total",
                                    "Watched files that could not be used; the last good one is.",
                                    {{"file", what}});
    return [what, reloads, errors](const absl::Status& result) {
      (result.ok() ? reloads : errors)->Increment();
      log::Line(result.ok() ? log::Level::kInfo : log::Level::kError, "file_reload",
                {{log::Key::kPath, what}, {log::Key::kDetail, result.message()}});
    };
  }

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
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, 10 * 60 * 1000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60 * 1000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20 * 1000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10 * 1000);
  builder.AddListeningPort(settings.listen, identity.credentials(), port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  return builder.BuildAndStart();
}

// Asks the modules' stores every two seconds and sets the named services' health by it.
class HealthLoop {
 public:
  HealthLoop(grpc::Server& server, const std::vector<std::unique_ptr<Module>>& modules,
             Metrics& metrics, std::function<void()> also)
      : server_(server), modules_(modules), also_(std::move(also)) {
    for (const auto& module : modules_) {
      up_.push_back(
          &metrics.Gauge("store_up", "1 while the store answers.", {{"module", module->name()}}));
    }
    thread_ = std::thread([this] { Run(); });
  }
  ~HealthLoop() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

 private:
  void Run() {
    std::vector<bool> was_up(modules_.size(), true);
    bool first = true;
    while (true) {
      for (size_t i = 0; i < modules_.size(); ++i) {
        const absl::Status status = modules_[i]->Probe();
        up_[i]->Set(status.ok() ? 1 : 0);
        for (const rpc::RpcService* service : modules_[i]->services()) {
          server_.GetHealthCheckService()->SetServingStatus(service->name(), status.ok());
        }
        if (status.ok() != was_up[i] || (first && !status.ok())) {
          log::Line(
              status.ok() ? log::Level::kInfo : log::Level::kError,
              status.ok() ? "store_up" : "store_down",
              {{log::Key::kService, modules_[i]->name()}, {log::Key::kDetail, status.message()}});
        }
        was_up[i] = status.ok();
      }
      also_();
      first = false;
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait_for(lock, std::chrono::seconds(2), [this] { return stopping_; });
      if (stopping_) return;
    }
  }

  grpc::Server& server_;
  const std::vector<std::unique_ptr<Module>>& modules_;
  const std::function<void()> also_;
  std::vector<prometheus::Gauge*> up_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

// Protobuf would print its own complaints about malformed requests.
void Silence(google::protobuf::LogLevel, const char*, int, const std::string&) {}

absl::Status Run(const std::string& binary, const Settings& settings,
                 const MakeModules& make_modules) {
  google::protobuf::SetLogHandler(&Silence);
  SystemClock clock;
  Metrics metrics(binary, Version());
  Telemetry telemetry(metrics, {settings.slow_call, settings.slow_statement});
  IPT_ASSIGN_OR_RETURN(const auto identity, Identity::Open(settings, clock, metrics));

  rpc::Executor executor(settings.executor_threads, settings.executor_queue);
  const rpc::RpcRuntime runtime{identity->authenticator(), clock, executor, telemetry,
                                settings.default_deadline};
  const Platform platform{settings, clock, metrics, telemetry, runtime};

  std::unique_ptr<AdminHttp> admin;
  if (!settings.admin_listen.empty()) {
    IPT_ASSIGN_OR_RETURN(admin, AdminHttp::Start(settings.admin_listen, metrics));
  }
  IPT_ASSIGN_OR_RETURN(const auto modules, make_modules(platform));

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
  for (const auto& module : modules) module->Start();

  auto& queue_depth = metrics.Gauge("rpc_queue_depth", "Calls waiting for a thread.");
  {
    HealthLoop health(*server, modules, metrics, [&] {
      queue_depth.Set(static_cast<double>(executor.queued()));
      identity->Report();
    });
    if (admin != nullptr) {
      admin->SetStarted();
      admin->SetReady(true);
    }
    log::Line(log::Level::kInfo, "start",
              {{log::Key::kService, binary},
               {log::Key::kVersion, Version()},
               {log::Key::kAddress, settings.listen},
               {log::Key::kDetail, absl::StrCat("auth=", settings.auth,
                                                settings.uses_tls() ? " tls" : " plaintext")}});
    WaitForStopSignal();
    log::Line(log::Level::kInfo, "stop", {{log::Key::kDetail, "draining"}});
    if (admin != nullptr) admin->SetReady(false);
  }
  server->GetHealthCheckService()->SetServingStatus(false);
  absl::SleepFor(settings.drain_delay);
  server->Shutdown(absl::ToChronoTime(absl::Now() + settings.grace));
  server->Wait();
  executor.Stop();
  for (const auto& module : modules) module->Stop();
  log::Line(log::Level::kInfo, "stop", {{log::Key::kDetail, "done"}});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<storage::Database>> OpenStore(const Platform& platform,
                                                             const std::string& url) {
  storage::DatabaseOptions options;
  options.url = url;
  options.sessions = platform.settings.database_sessions;
  options.statement_timeout = platform.settings.statement_timeout;
  options.group_commit = platform.settings.group_commit;
  return storage::OpenDatabase(options, platform.clock, &platform.telemetry);
}

int Serve(const std::string& binary, const Settings& settings, const MakeModules& make_modules) {
  log::Init(settings.log_level);
  const absl::Status status = Run(binary, settings, make_modules);
  log::Shutdown();
  if (status.ok()) return 0;
  const std::string message(status.message());
  std::fprintf(stderr, "%s: %s\n", binary.c_str(), message.c_str());
  return 1;
}

}  // namespace ipt::server
