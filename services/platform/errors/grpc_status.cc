#include "platform/errors/grpc_status.h"

#include <algorithm>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "platform/errors/error.h"

namespace ipt {
namespace {

constexpr size_t kMaxDetailBytes = 4096;
// Of a list of violations, so that it does not crowd the others out.
constexpr size_t kMaxListBytes = kMaxDetailBytes / 2;

google::protobuf::RepeatedPtrField<google::rpc::BadRequest::FieldViolation>& ViolationsOf(
    google::rpc::BadRequest& bad) {
  return *bad.mutable_field_violations();
}
google::protobuf::RepeatedPtrField<google::rpc::PreconditionFailure::Violation>& ViolationsOf(
    google::rpc::PreconditionFailure& failure) {
  return *failure.mutable_violations();
}
void Mark(google::rpc::BadRequest::FieldViolation& more) { more.set_field("..."); }
void Mark(google::rpc::PreconditionFailure::Violation& more) { more.set_type("..."); }

// Keeps as many violations as fit, and says how many were left out. False if `any` is no Detail.
template <typename Detail>
bool Cap(google::protobuf::Any& any, size_t budget) {
  Detail detail;
  if (!any.UnpackTo(&detail)) return false;
  auto& violations = ViolationsOf(detail);
  size_t used = 0;
  int kept = 0;
  for (; kept < violations.size(); ++kept) {
    used += violations[kept].ByteSizeLong() + 4;
    if (used > budget) break;
  }
  const int dropped = violations.size() - kept;
  if (dropped == 0) return true;
  violations.DeleteSubrange(kept, dropped);
  auto* more = violations.Add();
  Mark(*more);
  more->set_description(absl::StrCat(dropped, " more"));
  any.PackFrom(detail);
  return true;
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status, absl::string_view request_id) {
  if (status.ok()) return grpc::Status::OK;
  const auto code = static_cast<grpc::StatusCode>(status.code());
  google::rpc::Status details;
  details.set_code(static_cast<int>(code));

  google::rpc::RequestInfo request;
  request.set_request_id(std::string(request_id));

  if (status.code() == absl::StatusCode::kInternal || status.code() == absl::StatusCode::kUnknown) {
    google::rpc::ErrorInfo info;
    info.set_reason(reason::kInternal);
    info.set_domain(kErrorDomain);
    details.set_code(static_cast<int>(grpc::StatusCode::INTERNAL));
    details.set_message(absl::StrCat("internal error; quote request ", request_id,
                                     " to whoever operates this server"));
    details.add_details()->PackFrom(info);
    details.add_details()->PackFrom(request);
    return grpc::Status(grpc::StatusCode::INTERNAL, details.message(), details.SerializeAsString());
  }

  std::string message(status.message());
  if (message.size() > 1024) message = message.substr(0, 1021) + "...";
  details.set_message(message);
  status.ForEachPayload([&](absl::string_view type_url, const absl::Cord& payload) {
    // What layers beneath tell each other (a constraint's name) is no business of clients.
    if (!absl::StartsWith(type_url, "type.googleapis.com/")) return;
    auto* any = details.add_details();
    any->set_type_url(std::string(type_url));
    any->set_value(std::string(payload));
    if (any->value().size() > kMaxListBytes) {
      if (!Cap<google::rpc::BadRequest>(*any, kMaxListBytes)) {
        Cap<google::rpc::PreconditionFailure>(*any, kMaxListBytes);
      }
    }
  });
  // Payloads come in no order; ErrorInfo, which programs branch on, goes first and is cut last.
  std::stable_partition(
      details.mutable_details()->begin(), details.mutable_details()->end(),
      [](const google::protobuf::Any& any) { return any.Is<google::rpc::ErrorInfo>(); });
  if (!request_id.empty()) details.add_details()->PackFrom(request);
  // What is still too fat (an enormous resource name) goes without details rather than not at all.
  while (details.ByteSizeLong() > kMaxDetailBytes && details.details_size() > 0) {
    details.mutable_details()->RemoveLast();
  }
  return grpc::Status(code, message, details.SerializeAsString());
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  google::rpc::Status details;
  if (result.ok() || !details.ParseFromString(status.error_details())) return result;
  for (const google::protobuf::Any& any : details.details()) {
    // Which call of theirs it was is no business of our own callers.
    if (any.Is<google::rpc::RequestInfo>()) continue;
    result.SetPayload(any.type_url(), absl::Cord(any.value()));
  }
  return result;
}

}  // namespace ipt
