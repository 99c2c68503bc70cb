// The settings that every server binary has. Each is a flag (--listen), an environment variable
// (IPT_LISTEN) and a line of the file that --config names (listen = ...); the first of these that
// is given holds. Secrets are given as files only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/cache/redis_url.h"
#include "platform/observability/log.h"

namespace ipt::server {

struct Settings {
  std::string listen;
  std::string admin_listen;

  std::string auth;  // "none" or "jwt"
  std::string jwks_file;
  std::string jwt_issuer;
  std::vector<std::string> jwt_audiences;
  std::string client_certs_file;

  std::string tls_cert_file;
  std::string tls_key_file;
  std::string tls_client_ca_file;
  bool tls_require_client_cert = false;
  bool reflection = true;

  int executor_threads = 0;
  int executor_queue = 0;
  int max_streams = 0;
  absl::Duration max_stream_age;
  absl::Duration event_heartbeat;
  absl::Duration keep_events;
  absl::Duration keep_reminders;
  int database_sessions = 0;
  absl::Duration statement_timeout;
  bool group_commit = true;

  std::optional<cache::RedisUrl> redis;  // unset: none
  std::string redis_password_file;

  absl::Duration default_deadline;
  absl::Duration max_call_time;
  absl::Duration drain_delay;
  absl::Duration grace;
  absl::Duration max_connection_age;
  absl::Duration slow_call;
  absl::Duration slow_statement;
  log::Level log_level = log::Level::kInfo;

  bool uses_tls() const { return !tls_cert_file.empty(); }
};

// Reads flags, environment and file, in this order of precedence, and checks that they fit
// together. Prints help or version and exits where asked to. INVALID_ARGUMENT with a sentence that
// says what to do; unknown flags, unknown IPT_ variables and unknown lines are errors, too.
//
// `usage` is what --help begins with. `rest` receives what is no flag.
absl::StatusOr<Settings> ReadSettings(int argc, char** argv, absl::string_view usage,
                                      std::vector<std::string>& rest);

// The version of this build, e.g. "0.1.0".
std::string Version();

}  // namespace ipt::server
