// How ipt-load reaches a server: TCP connections that are really apart, credentials, deadlines, and
// what an error says about trying again.
//
// Thread-safe once open.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/channel.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "ipt/outcomes/v1/alert_service.grpc.pb.h"
#include "ipt/outcomes/v1/measurement_service.grpc.pb.h"
#include "ipt/scheduling/v1/clinic_service.grpc.pb.h"
#include "ipt/scheduling/v1/course_service.grpc.pb.h"
#include "ipt/scheduling/v1/delivery_service.grpc.pb.h"
#include "ipt/scheduling/v1/session_service.grpc.pb.h"
#include "ipt/scheduling/v1/therapist_service.grpc.pb.h"

namespace ipt::load {

namespace v1 = ipt::scheduling::v1;
namespace ov1 = ipt::outcomes::v1;

struct Target : client::Target {
  std::string token;
  bool allow_insecure = false;  // a token may travel in the clear beyond this machine
  absl::Duration deadline = absl::Seconds(10);
};

// The services over one TCP connection.
struct Stubs {
  std::unique_ptr<v1::ClinicService::Stub> clinics;
  std::unique_ptr<v1::TherapistService::Stub> therapists;
  std::unique_ptr<v1::CourseService::Stub> courses;
  std::unique_ptr<v1::SessionService::Stub> sessions;
  std::unique_ptr<v1::DeliveryService::Stub> deliveries;
  std::unique_ptr<ov1::MeasurementService::Stub> measurements;
  std::unique_ptr<ov1::AlertService::Stub> alerts;
  std::unique_ptr<grpc::health::v1::Health::Stub> health;
  std::shared_ptr<grpc::Channel> channel{};  // for methods of other services, by their names
};

class Connections {
 public:
  // INVALID_ARGUMENT when a file cannot be read, or a token would cross the network in the clear.
  // Does not connect yet.
  static absl::StatusOr<std::unique_ptr<Connections>> Open(const Target& target, int count);

  // Connection `i`, modulo how many there are.
  const Stubs& at(size_t i) const { return stubs_[i % stubs_.size()]; }

  // Every call has a deadline, and bears the token.
  void Prepare(grpc::ClientContext& context) const;
  // Of a stream that is followed until it is cancelled.
  void PrepareStream(grpc::ClientContext& context) const;

 private:
  explicit Connections(const Target& target) : deadline_(target.deadline) {
    if (!target.token.empty()) authorization_ = "Bearer " + target.token;
  }

  const absl::Duration deadline_;
  std::string authorization_;
  std::vector<Stubs> stubs_;
};

// What a failed call's status says, beyond its message.
struct ErrorFacts {
  std::string
      name;  // "UNAVAILABLE STORE_UNAVAILABLE"; without a reason it did not come from a handler
  std::string reason;      // google.rpc.ErrorInfo.reason
  bool explained = false;  // it has a reason, and PreconditionFailure where a state is at fault
  bool has_retry_info = false;
  bool has_pushback = false;                   // grpc-retry-pushback-ms
  absl::Duration wait = absl::ZeroDuration();  // what the server asks for
};
ErrorFacts FactsOf(const grpc::Status& status, const grpc::ClientContext& context);

std::string CodeName(grpc::StatusCode code);

}  // namespace ipt::load
