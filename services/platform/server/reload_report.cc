#include "platform/server/reload_report.h"

#include "platform/observability/log.h"

namespace ipt::server {

auth::ReloadObserver ReportReloads(const std::string& what, Metrics& metrics) {
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

}  // namespace ipt::server
