#include "ipt-load/connection.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/code.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "platform/errors/status_macros.h"

namespace ipt::load {
namespace {

// Pages of 1000 resources may be larger than gRPC's default of 4 MiB.
constexpr int kMaxMessageBytes = 64 << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<Connections>> Connections::Open(const Target& target, int count) {
  IPT_RETURN_IF_ERROR(client::CheckTarget(target));
  if (!target.token.empty() && !target.allow_insecure) {
    IPT_RETURN_IF_ERROR(client::CheckTokenIsSafe(target, "--allow_insecure"));
  }
  std::unique_ptr<Connections> connections(new Connections(target));
  for (int i = 0; i < count; ++i) {
    grpc::ChannelArguments args;
    // Equal channels would share one connection.
    args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    // Trying again is done, and counted, here.
    args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    // A server that comes back is found again at once.
    args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
    args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
    args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
    args.SetMaxReceiveMessageSize(kMaxMessageBytes);
    IPT_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel,
                         client::OpenChannel(target, args));
    connections->stubs_.push_back(
        {v1::ClinicService::NewStub(channel), v1::TherapistService::NewStub(channel),
         v1::CourseService::NewStub(channel), v1::SessionService::NewStub(channel),
         v1::DeliveryService::NewStub(channel), ov1::MeasurementService::NewStub(channel),
         ov1::AlertService::NewStub(channel), grpc::health::v1::Health::NewStub(channel), channel});
  }
  return connections;
}

void Connections::Prepare(grpc::ClientContext& context) const {
  context.set_deadline(absl::ToChronoTime(absl::Now() + deadline_));
  PrepareStream(context);
}

void Connections::PrepareStream(grpc::ClientContext& context) const {
  if (!authorization_.empty()) context.AddMetadata("authorization", authorization_);
}

std::string CodeName(grpc::StatusCode code) {
  return google::rpc::Code_Name(static_cast<google::rpc::Code>(code));
}

ErrorFacts FactsOf(const grpc::Status& status, const grpc::ClientContext& context) {
  ErrorFacts facts;
  bool has_precondition = false;
  google::rpc::Status details;
  if (details.ParseFromString(status.error_details())) {
    google::rpc::ErrorInfo info;
    google::rpc::RetryInfo retry;
    google::rpc::PreconditionFailure precondition;
    for (const auto& any : details.details()) {
      if (any.UnpackTo(&info)) {
        facts.reason = info.reason();
      } else if (any.UnpackTo(&retry)) {
        facts.has_retry_info = true;
        facts.wait = client::RetryDelay(status);
      } else if (any.UnpackTo(&precondition)) {
        has_precondition = precondition.violations_size() > 0;
      }
    }
  }
  const auto& trailers = context.GetServerTrailingMetadata();
  if (const auto it = trailers.find("grpc-retry-pushback-ms"); it != trailers.end()) {
    int64_t ms = 0;
    facts.has_pushback =
        absl::SimpleAtoi(absl::string_view(it->second.data(), it->second.size()), &ms);
    if (facts.has_pushback) facts.wait = std::max(facts.wait, absl::Milliseconds(ms));
  }
  facts.explained =
      !facts.reason.empty() &&
      (status.error_code() != grpc::StatusCode::FAILED_PRECONDITION || has_precondition);
  facts.name = CodeName(status.error_code());
  if (!facts.reason.empty()) absl::StrAppend(&facts.name, " ", facts.reason);
  return facts;
}

}  // namespace ipt::load
