#include "platform/errors/error.h"

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"

namespace ipt {
namespace {

constexpr char kTypePrefix[] = "type.googleapis.com/";

template <typename Detail>
void Attach(absl::Status& status, const Detail& detail) {
  status.SetPayload(absl::StrCat(kTypePrefix, Detail::descriptor()->full_name()),
                    absl::Cord(detail.SerializeAsString()));
}

template <typename Detail>
bool Extract(const absl::Status& status, Detail* detail) {
  auto payload = status.GetPayload(absl::StrCat(kTypePrefix, Detail::descriptor()->full_name()));
  return payload.has_value() && detail->ParseFromString(std::string(*payload));
}

absl::Status Make(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                  const ErrorMetadata& metadata = {}) {
  absl::Status status(code, message);
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain(kErrorDomain);
  for (const auto& [key, value] : metadata) (*info.mutable_metadata())[key] = value;
  Attach(status, info);
  return status;
}

void AttachResource(absl::Status& status, absl::string_view type, absl::string_view name,
                    absl::string_view description) {
  google::rpc::ResourceInfo info;
  info.set_resource_type(std::string(type));
  info.set_resource_name(std::string(name));
  info.set_description(std::string(description));
  Attach(status, info);
}

void AttachRetry(absl::Status& status, absl::Duration retry_after) {
  google::rpc::RetryInfo info;
  absl::Duration rest;
  info.mutable_retry_delay()->set_seconds(absl::IDivDuration(retry_after, absl::Seconds(1), &rest));
  info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  Attach(status, info);
}

}  // namespace

absl::Status InvalidFields(std::vector<FieldViolation> violations, absl::string_view reason) {
  std::string message = "invalid request: ";
  google::rpc::BadRequest bad;
  for (size_t i = 0; i < violations.size(); ++i) {
    if (i < 3) {
      absl::StrAppend(&message, i > 0 ? "; " : "", violations[i].field, ": ",
                      violations[i].description);
    }
    auto* violation = bad.add_field_violations();
    violation->set_field(std::move(violations[i].field));
    violation->set_description(std::move(violations[i].description));
  }
  if (violations.size() > 3) absl::StrAppend(&message, "; and ", violations.size() - 3, " more");
  absl::Status status = Make(absl::StatusCode::kInvalidArgument, reason, message);
  Attach(status, bad);
  return status;
}

absl::Status InvalidField(absl::string_view field, absl::string_view description,
                          absl::string_view reason) {
  return InvalidFields({{std::string(field), std::string(description)}}, reason);
}

absl::Status NotFound(absl::string_view resource_type, absl::string_view resource_name) {
  absl::Status status =
      Make(absl::StatusCode::kNotFound, reason::kResourceNotFound,
           absl::StrCat(resource_name, " does not exist, or this caller may not see it"),
           {{"resource", std::string(resource_name)}});
  AttachResource(status, resource_type, resource_name, "not found");
  return status;
}

absl::Status AlreadyExists(absl::string_view reason, absl::string_view resource_type,
                           absl::string_view resource_name, absl::string_view message,
                           const ErrorMetadata& metadata) {
  ErrorMetadata all = metadata;
  all["resource"] = std::string(resource_name);
  absl::Status status = Make(absl::StatusCode::kAlreadyExists, reason, message, all);
  AttachResource(status, resource_type, resource_name, message);
  return status;
}

absl::Status FailedPrecondition(absl::string_view reason, absl::string_view subject,
                                absl::string_view description, const ErrorMetadata& metadata) {
  return FailedPreconditions(
      reason, description, {{std::string(reason), std::string(subject), std::string(description)}},
      metadata);
}

absl::Status FailedPreconditions(absl::string_view reason, absl::string_view message,
                                 const std::vector<PreconditionViolation>& violations,
                                 const ErrorMetadata& metadata) {
  absl::Status status = Make(absl::StatusCode::kFailedPrecondition, reason, message, metadata);
  google::rpc::PreconditionFailure failure;
  for (const PreconditionViolation& violation : violations) {
    auto* added = failure.add_violations();
    added->set_type(violation.reason);
    added->set_subject(violation.subject);
    added->set_description(violation.description);
  }
  Attach(status, failure);
  return status;
}

absl::Status EtagMismatch(absl::string_view resource_type, absl::string_view resource_name,
                          const ErrorMetadata& metadata) {
  ErrorMetadata all = metadata;
  all["resource"] = std::string(resource_name);
  absl::Status status = Make(
      absl::StatusCode::kAborted, reason::kEtagMismatch,
      absl::StrCat(resource_name,
                   " has changed since it was read; read it again and retry with its new etag"),
      all);
  AttachResource(status, resource_type, resource_name, "etag mismatch");
  return status;
}

absl::Status OutOfRange(absl::string_view reason, absl::string_view message) {
  return Make(absl::StatusCode::kOutOfRange, reason, message);
}

absl::Status Aborted(absl::string_view reason, absl::string_view message) {
  return Make(absl::StatusCode::kAborted, reason, message);
}

absl::Status Unauthenticated(absl::string_view message) {
  return Make(absl::StatusCode::kUnauthenticated, reason::kUnauthenticated, message);
}

absl::Status PermissionDenied(absl::string_view reason, absl::string_view message,
                              const ErrorMetadata& metadata) {
  return Make(absl::StatusCode::kPermissionDenied, reason, message, metadata);
}

absl::Status Unavailable(absl::string_view reason, absl::string_view message,
                         absl::Duration retry_after, const ErrorMetadata& metadata) {
  absl::Status status = Make(absl::StatusCode::kUnavailable, reason, message, metadata);
  AttachRetry(status, retry_after);
  return status;
}

absl::Status ResourceExhausted(absl::string_view reason, absl::string_view message,
                               absl::Duration retry_after) {
  absl::Status status = Make(absl::StatusCode::kResourceExhausted, reason, message);
  AttachRetry(status, retry_after);
  return status;
}

absl::Status DeadlineExceeded(absl::string_view message) {
  return Make(absl::StatusCode::kDeadlineExceeded, reason::kDeadlineExceeded, message);
}

absl::Status Internal(absl::string_view detail) {
  return Make(absl::StatusCode::kInternal, reason::kInternal, detail);
}

std::string ErrorReasonOf(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  return Extract(status, &info) ? info.reason() : "";
}

std::vector<FieldViolation> FieldViolationsOf(const absl::Status& status) {
  std::vector<FieldViolation> fields;
  google::rpc::BadRequest bad;
  if (Extract(status, &bad)) {
    for (const auto& violation : bad.field_violations()) {
      fields.push_back({violation.field(), violation.description()});
    }
  }
  return fields;
}

std::vector<PreconditionViolation> PreconditionViolationsOf(const absl::Status& status) {
  std::vector<PreconditionViolation> violations;
  google::rpc::PreconditionFailure failure;
  if (Extract(status, &failure)) {
    for (const auto& violation : failure.violations()) {
      violations.push_back({violation.type(), violation.subject(), violation.description()});
    }
  }
  return violations;
}

ErrorMetadata ErrorMetadataOf(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  if (!Extract(status, &info)) return {};
  return {info.metadata().begin(), info.metadata().end()};
}

absl::Duration RetryDelayOf(const absl::Status& status) {
  google::rpc::RetryInfo info;
  if (!Extract(status, &info)) return absl::ZeroDuration();
  return absl::Seconds(info.retry_delay().seconds()) +
         absl::Nanoseconds(info.retry_delay().nanos());
}

}  // namespace ipt
