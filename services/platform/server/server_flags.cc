#include "platform/server/server_flags.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "platform/errors/status_macros.h"
#include "platform/server/loopback.h"

ABSL_FLAG(std::string, config, "", "File with one `name = value` a line; # begins a comment.");
ABSL_FLAG(std::string, listen, "127.0.0.1:50051",
          "Address of the gRPC port. Anything but loopback needs TLS (or --allow_insecure).");
ABSL_FLAG(std::string, admin_listen, "127.0.0.1:9090",
          "Address of the HTTP port with /metrics, /startupz, /readyz and /livez. Empty: none.");
ABSL_FLAG(std::string, auth, "",
          "Who may call: `jwt` (bearer tokens, client certificates) or `none` (anybody, loopback "
          "only). Unset: jwt when --jwks_file is given, none otherwise.");
ABSL_FLAG(std::string, jwks_file, "", "Keys that tokens are verified with, a JWKS file; reloaded.");
ABSL_FLAG(std::string, jwt_issuer, "", "What `iss` of a token must be.");
ABSL_FLAG(std::vector<std::string>, jwt_audience, {}, "What `aud` of a token must name one of.");
ABSL_FLAG(std::string, client_certs_file, "",
          "JSON file: which client certificates are which callers; reloaded.");
ABSL_FLAG(std::string, tls_cert_file, "", "Certificate chain of the server, PEM; reloaded.");
ABSL_FLAG(std::string, tls_key_file, "", "Private key of the server, PEM; reloaded.");
ABSL_FLAG(std::string, tls_client_ca_file, "", "CA of client certificates, PEM; reloaded.");
ABSL_FLAG(bool, tls_require_client_cert, false, "Refuse clients without a certificate.");
ABSL_FLAG(bool, allow_insecure, false,
          "Listen beyond loopback without TLS, behind a proxy or mesh that provides it.");
ABSL_FLAG(std::string, reflection, "auto",
          "gRPC reflection: `on`, `off`, or `auto` (off under TLS).");
ABSL_FLAG(int, executor_threads, 32, "Threads that run calls, 1 to 512.");
ABSL_FLAG(int, executor_queue, 1024, "Calls that may wait for a thread; more are refused.");
ABSL_FLAG(int, max_streams, 1000, "Streams that may be open; more are refused. 1 to 100000.");
ABSL_FLAG(absl::Duration, max_stream_age, absl::Minutes(10),
          "Streams end by themselves, with OK, when they are about so old: clients open the next.");
ABSL_FLAG(absl::Duration, event_heartbeat, absl::Seconds(15),
          "A follower of events that hears of none for so long is sent a cursor all the same.");
ABSL_FLAG(absl::Duration, keep_events, absl::Hours(30 * 24),
          "How long events are kept for followers to catch up; then they are deleted.");
ABSL_FLAG(
    absl::Duration, keep_reminders, absl::Hours(400 * 24),
    "How long reminders of closed courses, and attempts to deliver, are kept after their end.");
ABSL_FLAG(int, database_sessions, 16, "PostgreSQL sessions, or SQLite readers, 1 to 256.");
ABSL_FLAG(absl::Duration, statement_timeout, absl::Seconds(10),
          "The longest an SQL statement runs.");
ABSL_FLAG(bool, group_commit, true, "SQLite: commit waiting writes together.");
ABSL_FLAG(std::string, redis, "",
          "Redis that replicas share: redis://host:6379, unix:///path/to/socket or "
          "sentinel://host:26379,host:26379/master-name. Empty: none.");
ABSL_FLAG(std::string, redis_password_file, "",
          "File whose one line is Redis' password; read again at every connection.");
ABSL_FLAG(absl::Duration, default_deadline, absl::Seconds(10),
          "Deadline of calls that state none.");
ABSL_FLAG(absl::Duration, max_call_time, absl::Seconds(60),
          "The longest that the server works for a call, whatever deadline its client states.");
ABSL_FLAG(absl::Duration, drain_delay, absl::ZeroDuration(),
          "After SIGTERM: how long to serve on while not ready, so that clients move away.");
ABSL_FLAG(absl::Duration, grace, absl::Seconds(30),
          "After SIGTERM: how long calls in flight may take.");
ABSL_FLAG(absl::Duration, max_connection_age, absl::Minutes(5),
          "Connections are closed (gracefully) after this time, so that new replicas get load.");
ABSL_FLAG(absl::Duration, slow_call, absl::Milliseconds(500), "Calls above it are marked slow.");
ABSL_FLAG(absl::Duration, slow_statement, absl::Milliseconds(100),
          "SQL statements above it are logged.");
ABSL_FLAG(std::string, log_level, "info", "debug, info, warning or error.");

namespace ipt::server {
namespace {

constexpr char kEnvironmentPrefix[] = "IPT_";
// gRPC keeps it as an int of milliseconds.
constexpr absl::Duration kMaxConnectionAge = absl::Hours(596);

absl::Status SetFlag(absl::string_view name, absl::string_view value, absl::string_view origin) {
  absl::CommandLineFlag* flag = absl::FindCommandLineFlag(name);
  if (flag == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(origin, ": there is no setting ", name, "; --help lists all"));
  }
  std::string error;
  if (!flag->ParseFrom(value, &error)) {
    return absl::InvalidArgumentError(absl::StrCat(origin, ": ", name, ": ", error));
  }
  return absl::OkStatus();
}

bool IsSwitch(absl::string_view name) {
  const absl::CommandLineFlag* flag = absl::FindCommandLineFlag(name);
  return flag != nullptr && flag->IsOfType<bool>();
}

absl::Status ReadFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return absl::InvalidArgumentError(absl::StrCat("--config: cannot read ", path));
  }
  std::string line;
  int number = 0;
  while (std::getline(file, line)) {
    ++number;
    const std::string origin = absl::StrCat(path, ":", number);
    const absl::string_view text = absl::StripAsciiWhitespace(line);
    if (text.empty() || text[0] == '#') continue;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(text, absl::MaxSplits('=', 1));
    if (!absl::StrContains(text, "=")) {
      return absl::InvalidArgumentError(absl::StrCat(origin, ": write `name = value`"));
    }
    const absl::string_view name = absl::StripAsciiWhitespace(parts.first);
    if (name == "config") {
      return absl::InvalidArgumentError(absl::StrCat(origin, ": a file cannot name another one"));
    }
    IPT_RETURN_IF_ERROR(SetFlag(name, absl::StripAsciiWhitespace(parts.second), origin));
  }
  return absl::OkStatus();
}

// Kubernetes puts the addresses of services into the environment of pods, under names such as
// IPT_SCHEDULING_SERVICE_HOST and IPT_SCHEDULING_PORT_8443_TCP: no settings of ours.
bool IsServiceLink(absl::string_view name) {
  return absl::StrContains(name, "_SERVICE_HOST") || absl::StrContains(name, "_SERVICE_PORT") ||
         absl::StrContains(name, "_PORT_") || absl::EndsWith(name, "_PORT");
}

absl::Status ReadEnvironment() {
  for (char** entry = environ; *entry != nullptr; ++entry) {
    absl::string_view text = *entry;
    if (!absl::ConsumePrefix(&text, kEnvironmentPrefix)) continue;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(text, absl::MaxSplits('=', 1));
    if (IsServiceLink(parts.first)) continue;
    IPT_RETURN_IF_ERROR(SetFlag(absl::AsciiStrToLower(parts.first), parts.second,
                                absl::StrCat(kEnvironmentPrefix, parts.first)));
  }
  return absl::OkStatus();
}

// Takes what begins with "-" as settings and adds the other words to `rest`. Abseil's own parser
// would end the process by itself, with other sentences and another exit status than a wrong
// setting elsewhere.
absl::Status ReadCommandLine(int argc, char** argv, std::vector<std::string>& rest) {
  for (int i = 1; i < argc; ++i) {
    absl::string_view word = argv[i];
    if (!absl::ConsumePrefix(&word, "-")) {
      rest.emplace_back(word);
      continue;
    }
    absl::ConsumePrefix(&word, "-");
    const std::vector<std::string> parts = absl::StrSplit(word, absl::MaxSplits('=', 1));
    std::string name = parts[0];
    std::string value = parts.size() > 1 ? parts[1] : "true";
    if (parts.size() == 1) {
      absl::string_view negated = name;
      if (IsSwitch(name)) {
        // Just named: true.
      } else if (absl::ConsumePrefix(&negated, "no") && IsSwitch(negated)) {
        name = std::string(negated);
        value = "false";
      } else if (absl::FindCommandLineFlag(name) != nullptr) {
        if (i + 1 == argc) {
          return absl::InvalidArgumentError(absl::StrCat("--", name, " needs a value"));
        }
        value = argv[++i];
      }
    }
    IPT_RETURN_IF_ERROR(SetFlag(name, value, absl::StrCat("--", name)));
  }
  return absl::OkStatus();
}

// The settings that the services define; not those of the libraries that they are built from.
std::map<std::string, const absl::CommandLineFlag*> AllSettings() {
  std::map<std::string, const absl::CommandLineFlag*> settings;
  for (const auto& [name, flag] : absl::GetAllFlags()) {
    if (absl::StrContains(flag->Filename(), "services/")) settings.emplace(name, flag);
  }
  return settings;
}

void PrintHelp(absl::string_view usage) {
  std::cout << usage << "\nSettings:\n";
  for (const auto& [name, flag] : AllSettings()) {
    const std::string standard = flag->DefaultValue();
    std::cout << "  --" << name << (standard.empty() ? "" : absl::StrCat("  (", standard, ")"))
              << "\n      " << flag->Help() << "\n";
  }
  std::cout << "  --version\n      Prints the version.\n";
}

// The value of --config on the command line, before flags are parsed for real.
std::string ConfigPath(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  for (size_t i = 0; i < words.size(); ++i) {
    absl::string_view word = words[i];
    if (!absl::ConsumePrefix(&word, "-")) continue;
    absl::ConsumePrefix(&word, "-");
    if (absl::ConsumePrefix(&word, "config=")) return std::string(word);
    if (word == "config" && i + 1 < words.size()) return words[i + 1];
  }
  const char* const from_environment = std::getenv("IPT_CONFIG");  // NOLINT(concurrency-mt-unsafe)
  return from_environment != nullptr ? from_environment : "";
}

absl::Status Wrong(absl::string_view sentence) { return absl::InvalidArgumentError(sentence); }

absl::StatusOr<Settings> Collect() {
  Settings settings;
  settings.listen = absl::GetFlag(FLAGS_listen);
  settings.admin_listen = absl::GetFlag(FLAGS_admin_listen);
  settings.auth = absl::GetFlag(FLAGS_auth);
  settings.jwks_file = absl::GetFlag(FLAGS_jwks_file);
  settings.jwt_issuer = absl::GetFlag(FLAGS_jwt_issuer);
  settings.jwt_audiences = absl::GetFlag(FLAGS_jwt_audience);
  settings.client_certs_file = absl::GetFlag(FLAGS_client_certs_file);
  settings.tls_cert_file = absl::GetFlag(FLAGS_tls_cert_file);
  settings.tls_key_file = absl::GetFlag(FLAGS_tls_key_file);
  settings.tls_client_ca_file = absl::GetFlag(FLAGS_tls_client_ca_file);
  settings.tls_require_client_cert = absl::GetFlag(FLAGS_tls_require_client_cert);
  settings.executor_threads = absl::GetFlag(FLAGS_executor_threads);
  settings.executor_queue = absl::GetFlag(FLAGS_executor_queue);
  settings.max_streams = absl::GetFlag(FLAGS_max_streams);
  settings.max_stream_age = absl::GetFlag(FLAGS_max_stream_age);
  settings.event_heartbeat = absl::GetFlag(FLAGS_event_heartbeat);
  settings.keep_events = absl::GetFlag(FLAGS_keep_events);
  settings.keep_reminders = absl::GetFlag(FLAGS_keep_reminders);
  settings.database_sessions = absl::GetFlag(FLAGS_database_sessions);
  settings.statement_timeout = absl::GetFlag(FLAGS_statement_timeout);
  settings.group_commit = absl::GetFlag(FLAGS_group_commit);
  settings.default_deadline = absl::GetFlag(FLAGS_default_deadline);
  settings.max_call_time = absl::GetFlag(FLAGS_max_call_time);
  settings.drain_delay = absl::GetFlag(FLAGS_drain_delay);
  settings.grace = absl::GetFlag(FLAGS_grace);
  settings.max_connection_age = absl::GetFlag(FLAGS_max_connection_age);
  settings.slow_call = absl::GetFlag(FLAGS_slow_call);
  settings.slow_statement = absl::GetFlag(FLAGS_slow_statement);

  settings.redis_password_file = absl::GetFlag(FLAGS_redis_password_file);
  if (const std::string redis = absl::GetFlag(FLAGS_redis); !redis.empty()) {
    IPT_ASSIGN_OR_RETURN(settings.redis, cache::ParseRedisUrl(redis));
    if (!settings.redis->user.empty() && settings.redis_password_file.empty()) {
      return Wrong("--redis names a user; give the password by --redis_password_file");
    }
  } else if (!settings.redis_password_file.empty()) {
    return Wrong("--redis_password_file needs --redis");
  }

  if (settings.tls_cert_file.empty() != settings.tls_key_file.empty()) {
    return Wrong("--tls_cert_file and --tls_key_file belong together; give both or neither");
  }
  if (!settings.uses_tls() && !settings.tls_client_ca_file.empty()) {
    return Wrong("--tls_client_ca_file needs --tls_cert_file and --tls_key_file");
  }
  if (settings.tls_require_client_cert && settings.tls_client_ca_file.empty()) {
    return Wrong("--tls_require_client_cert needs --tls_client_ca_file to verify them with");
  }
  if (!IsLoopback(settings.listen) && !settings.uses_tls() &&
      !absl::GetFlag(FLAGS_allow_insecure)) {
    return Wrong(absl::StrCat(
        "--listen=", settings.listen,
        " is reachable from other machines: give --tls_cert_file and --tls_key_file, or say "
        "--allow_insecure when something in front of it provides TLS"));
  }
  for (const std::string& audience : settings.jwt_audiences) {
    if (absl::StripAsciiWhitespace(audience).empty()) {
      return Wrong(
          "--jwt_audience holds an empty name; write the names with one comma between them");
    }
  }
  if (settings.auth.empty()) settings.auth = settings.jwks_file.empty() ? "none" : "jwt";
  if (settings.auth == "jwt") {
    if (settings.jwks_file.empty() || settings.jwt_issuer.empty() ||
        settings.jwt_audiences.empty()) {
      return Wrong("--auth=jwt needs --jwks_file, --jwt_issuer and --jwt_audience");
    }
  } else if (settings.auth == "none") {
    if (!settings.jwks_file.empty() || !settings.client_certs_file.empty()) {
      return Wrong("--auth=none contradicts --jwks_file and --client_certs_file");
    }
    if (!IsLoopback(settings.listen)) {
      return Wrong(absl::StrCat("--auth=none is for loopback only, not for --listen=",
                                settings.listen, "; use --auth=jwt with --jwks_file"));
    }
  } else {
    return Wrong("--auth must be jwt or none");
  }
  if (settings.executor_threads < 1 || settings.executor_threads > 512) {
    return Wrong("--executor_threads must be 1 to 512");
  }
  if (settings.executor_queue < 1 || settings.executor_queue > 1'000'000) {
    return Wrong("--executor_queue must be 1 to 1000000");
  }
  if (settings.max_streams < 1 || settings.max_streams > 100'000) {
    return Wrong("--max_streams must be 1 to 100000");
  }
  if (settings.database_sessions < 1 || settings.database_sessions > 256) {
    return Wrong("--database_sessions must be 1 to 256");
  }
  for (const auto& [name, value] :
       {std::pair<const char*, absl::Duration>{"statement_timeout", settings.statement_timeout},
        {"default_deadline", settings.default_deadline},
        {"max_call_time", settings.max_call_time},
        {"max_connection_age", settings.max_connection_age},
        {"max_stream_age", settings.max_stream_age},
        {"event_heartbeat", settings.event_heartbeat},
        {"keep_events", settings.keep_events},
        {"keep_reminders", settings.keep_reminders}}) {
    if (value <= absl::ZeroDuration()) return Wrong(absl::StrCat("--", name, " must be above 0"));
  }
  if (settings.max_connection_age > kMaxConnectionAge) {
    return Wrong(absl::StrCat("--max_connection_age must be at most ",
                              absl::ToInt64Hours(kMaxConnectionAge), "h"));
  }
  if (settings.max_call_time > absl::Hours(24)) {
    return Wrong("--max_call_time must be at most 24h");
  }
  if (settings.default_deadline > settings.max_call_time) {
    return Wrong(absl::StrCat(
        "--default_deadline=", absl::FormatDuration(settings.default_deadline),
        " must not be above --max_call_time=", absl::FormatDuration(settings.max_call_time)));
  }
  if (settings.max_stream_age > absl::Hours(24)) {
    return Wrong("--max_stream_age must be at most 24h");
  }
  for (const auto& [name, value] :
       {std::pair<const char*, absl::Duration>{"drain_delay", settings.drain_delay},
        {"grace", settings.grace}}) {
    if (value < absl::ZeroDuration())
      return Wrong(absl::StrCat("--", name, " must not be below 0"));
  }
  const std::string reflection = absl::GetFlag(FLAGS_reflection);
  if (reflection != "auto" && reflection != "on" && reflection != "off") {
    return Wrong("--reflection must be auto, on or off");
  }
  settings.reflection = reflection == "on" || (reflection == "auto" && !settings.uses_tls());

  const std::string level = absl::GetFlag(FLAGS_log_level);
  if (level == "debug") {
    settings.log_level = log::Level::kDebug;
  } else if (level == "info") {
    settings.log_level = log::Level::kInfo;
  } else if (level == "warning") {
    settings.log_level = log::Level::kWarning;
  } else if (level == "error") {
    settings.log_level = log::Level::kError;
  } else {
    return Wrong("--log_level must be debug, info, warning or error");
  }
  return settings;
}

}  // namespace

absl::StatusOr<Settings> ReadSettings(int argc, char** argv, absl::string_view usage,
                                      std::vector<std::string>& rest) {
  for (int i = 1; i < argc; ++i) {
    const absl::string_view word = argv[i];
    if (word == "--help" || word == "-help" || word == "-h") {
      PrintHelp(usage);
      std::exit(0);  // NOLINT(concurrency-mt-unsafe): no thread has been started
    }
    if (word == "--version" || word == "-version") {
      const absl::string_view program = argv[0];
      std::cout << program.substr(program.rfind('/') + 1) << " " << Version() << "\n";
      std::exit(0);  // NOLINT(concurrency-mt-unsafe)
    }
  }

  // The later ones win: file, environment, command line.
  if (const std::string path = ConfigPath(argc, argv); !path.empty()) {
    IPT_RETURN_IF_ERROR(ReadFile(path));
  }
  IPT_RETURN_IF_ERROR(ReadEnvironment());
  IPT_RETURN_IF_ERROR(ReadCommandLine(argc, argv, rest));
  return Collect();
}

}  // namespace ipt::server
