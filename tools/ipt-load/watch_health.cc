#include "ipt-load/watch_health.h"

#include "absl/time/clock.h"

namespace ipt::load {

HealthHistory WatchHealth(const Connections& connections, const std::string& service,
                          absl::Duration duration, absl::Duration every,
                          const std::function<bool()>& stop) {
  HealthHistory history;
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  const absl::Time began = absl::Now();
  for (absl::Time now = began; now < began + duration && !stop(); now = absl::Now()) {
    grpc::ClientContext context;
    connections.Prepare(context);
    grpc::health::v1::HealthCheckResponse response;
    const grpc::Status status = connections.at(0).health->Check(&context, request, &response);
    history.latency.Add(absl::Now() - now);
    const std::string state =
        status.ok() ? grpc::health::v1::HealthCheckResponse::ServingStatus_Name(response.status())
                    : CodeName(status.error_code());
    if (history.changes.empty() || history.changes.back().state != state) {
      history.changes.push_back({now - began, state});
    }
    absl::SleepFor(every);
  }
  return history;
}

}  // namespace ipt::load
