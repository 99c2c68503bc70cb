// The operators' HTTP port: /metrics, and the probes that Kubernetes asks. No patient data, no
// authentication, its own address.
//
//   /startupz  200 once the gRPC port is bound
//   /readyz    200 while started, the schema fits, and not draining; never looks at the store
//              (503: the body says why)
//   /livez     200 while this server answers at all
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "platform/observability/metrics.h"

namespace ipt::server {

class AdminHttp {
 public:
  // UNAVAILABLE when the address cannot be had. `metrics` outlives it.
  static absl::StatusOr<std::unique_ptr<AdminHttp>> Start(const std::string& address,
                                                          const Metrics& metrics);
  virtual ~AdminHttp() = default;

  virtual void SetStarted() = 0;
  virtual void SetReady(bool ready) = 0;
  // What /startupz and /readyz say while they answer 503: a sentence of ours.
  virtual void SetReason(const std::string& reason) = 0;
};

}  // namespace ipt::server
