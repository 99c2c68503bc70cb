// The way to another service: a channel, and what a call says of who makes it.
//
// Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "platform/auth/watched_files.h"
#include "platform/observability/metrics.h"
#include "platform/peer/channel.h"
#include "platform/peer/in_process.h"
#include "platform/time/clock.h"

namespace ipt::peer {

class Link {
 public:
  virtual ~Link() = default;
  // Does not connect. UNAVAILABLE while there is none.
  virtual absl::StatusOr<std::shared_ptr<grpc::Channel>> channel() const = 0;
  // The value of `authorization` for a call on this clinic's behalf (empty: on nobody's); empty
  // where a call carries none.
  virtual std::string Authorization(absl::string_view clinic_id) = 0;
};

// Where another process is, from settings.
struct Settings {
  Target target{};
  std::string token_file{};  // one line, a bearer token; read again when it changes
  bool allow_insecure = false;
};

// INVALID_ARGUMENT with a sentence that says what to do. `flag` is how the settings begin,
// e.g. "scheduling": --scheduling, --scheduling_ca_file, ...
absl::Status CheckSettings(const Settings& settings, absl::string_view flag);

// Told, at once and with each new one, when the certificate expires that connections show.
using ExpiryObserver = std::function<void(absl::Time not_after)>;
// A gauge of it. `peer` is the name of the other service; `metrics` outlives the observer.
ExpiryObserver ReportExpiry(const std::string& peer, Metrics& metrics);

// TLS files and token are looked at every second; what cannot be used is told to `observer`, and
// the last good ones go on. Fails where a file cannot be used right now. `clock` outlives it.
absl::StatusOr<std::unique_ptr<Link>> OpenNetworkLink(const Settings& settings, const Clock& clock,
                                                      auth::ReloadObserver observer = nullptr,
                                                      ExpiryObserver expiry = nullptr);

// To the other services of this process. `in_process` outlives it.
std::unique_ptr<Link> MakeInProcessLink(InProcess& in_process, LocalCaller caller);

}  // namespace ipt::peer
