// What is told of a watched file: counted (file_reloads_total, file_reload_errors_total) and
// logged.
#pragma once

#include <string>

#include "platform/auth/watched_files.h"
#include "platform/observability/metrics.h"

namespace ipt::server {

// `what` names the file in metrics and log: "jwks", "tls". `metrics` outlives the observer.
auth::ReloadObserver ReportReloads(const std::string& what, Metrics& metrics);

}  // namespace ipt::server
