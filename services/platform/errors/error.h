// The suite's error vocabulary: one builder per situation, each an absl::Status that carries the
// google.rpc details clients need (ErrorInfo always; BadRequest, PreconditionFailure, ResourceInfo
// or RetryInfo where they apply). errors/grpc_status.h turns it into a grpc::Status at the edge.
//
// Messages and metadata reach callers and logs: never put patient data into them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ipt {

// google.rpc.ErrorInfo.domain of every error of the suite.
inline constexpr char kErrorDomain[] = "ipt";

// Reasons that the platform itself gives; services add their own. Each is a value of
// ipt.common.v1.ErrorReason without its prefix (a test compares the two).
namespace reason {
inline constexpr char kInvalidFields[] = "INVALID_FIELDS";
inline constexpr char kMalformedRequest[] = "MALFORMED_REQUEST";
inline constexpr char kRequestIdRequired[] = "REQUEST_ID_REQUIRED";
inline constexpr char kRequestIdReused[] = "REQUEST_ID_REUSED";
inline constexpr char kEtagMismatch[] = "ETAG_MISMATCH";
inline constexpr char kResourceNotFound[] = "RESOURCE_NOT_FOUND";
inline constexpr char kResourceExists[] = "RESOURCE_EXISTS";
inline constexpr char kUnauthenticated[] = "UNAUTHENTICATED";
inline constexpr char kScopeMissing[] = "SCOPE_MISSING";
inline constexpr char kDeadlineExceeded[] = "DEADLINE_EXCEEDED";
inline constexpr char kCancelled[] = "CANCELLED";
inline constexpr char kOverloaded[] = "OVERLOADED";
inline constexpr char kStoreUnavailable[] = "STORE_UNAVAILABLE";
inline constexpr char kStoreFull[] = "STORE_FULL";
inline constexpr char kStoreConflict[] = "STORE_CONFLICT";
inline constexpr char kShuttingDown[] = "SHUTTING_DOWN";
inline constexpr char kResyncRequired[] = "RESYNC_REQUIRED";
inline constexpr char kPeerUnavailable[] = "PEER_UNAVAILABLE";
inline constexpr char kRevisionNotReached[] = "REVISION_NOT_REACHED";
inline constexpr char kInternal[] = "INTERNAL";
}  // namespace reason

// One bad field: its path in the request as a client writes it (`sessions[3].start_time`) and what
// to do about it, a sentence without the field's value.
struct FieldViolation {
  std::string field;
  std::string description;
};

using ErrorMetadata = std::map<std::string, std::string>;

// INVALID_ARGUMENT with BadRequest. `violations` must not be empty.
absl::Status InvalidFields(std::vector<FieldViolation> violations,
                           absl::string_view reason = reason::kInvalidFields);
absl::Status InvalidField(absl::string_view field, absl::string_view description,
                          absl::string_view reason = reason::kInvalidFields);

// NOT_FOUND with ResourceInfo. The same answer for what does not exist and for what the caller may
// not know of.
absl::Status NotFound(absl::string_view resource_type, absl::string_view resource_name);

// ALREADY_EXISTS with ResourceInfo.
absl::Status AlreadyExists(absl::string_view reason, absl::string_view resource_type,
                           absl::string_view resource_name, absl::string_view message,
                           const ErrorMetadata& metadata = {});

// FAILED_PRECONDITION with PreconditionFailure (type = reason): the state of `subject` (a resource
// name) forbids the call; `description` says what to do.
absl::Status FailedPrecondition(absl::string_view reason, absl::string_view subject,
                                absl::string_view description, const ErrorMetadata& metadata = {});

// One violated precondition of several: its own reason, what it is about, and what to do.
struct PreconditionViolation {
  std::string reason;
  std::string subject;
  std::string description;
};

// FAILED_PRECONDITION with `reason` and every violation, where a call fails in more than one place
// at once. `violations` must not be empty.
absl::Status FailedPreconditions(absl::string_view reason, absl::string_view message,
                                 const std::vector<PreconditionViolation>& violations,
                                 const ErrorMetadata& metadata = {});

// ABORTED, reason ETAG_MISMATCH: read the resource again, then retry with its new etag.
absl::Status EtagMismatch(absl::string_view resource_type, absl::string_view resource_name,
                          const ErrorMetadata& metadata = {});

// OUT_OF_RANGE: what is asked for lies before or beyond what there is.
absl::Status OutOfRange(absl::string_view reason, absl::string_view message);

// ABORTED, for a write that lost against concurrent ones more often than it may retry.
absl::Status Aborted(absl::string_view reason, absl::string_view message);

absl::Status Unauthenticated(absl::string_view message);
absl::Status PermissionDenied(absl::string_view reason, absl::string_view message,
                              const ErrorMetadata& metadata = {});

// UNAVAILABLE and RESOURCE_EXHAUSTED, with RetryInfo (and grpc-retry-pushback-ms at the edge).
absl::Status Unavailable(absl::string_view reason, absl::string_view message,
                         absl::Duration retry_after, const ErrorMetadata& metadata = {});
absl::Status ResourceExhausted(absl::string_view reason, absl::string_view message,
                               absl::Duration retry_after);

absl::Status DeadlineExceeded(absl::string_view message);

// INTERNAL. `detail` is for the log only; the client sees "internal error" and the request id.
absl::Status Internal(absl::string_view detail);

// The ErrorInfo.reason of a status, empty where it has none.
std::string ErrorReasonOf(const absl::Status& status);

// The fields that a status' BadRequest names, empty where it has none.
std::vector<FieldViolation> FieldViolationsOf(const absl::Status& status);

// What a status' PreconditionFailure names, empty where it has none.
std::vector<PreconditionViolation> PreconditionViolationsOf(const absl::Status& status);

// The ErrorInfo.metadata of a status, empty where it has none.
ErrorMetadata ErrorMetadataOf(const absl::Status& status);

// RetryInfo's delay, or zero.
absl::Duration RetryDelayOf(const absl::Status& status);

}  // namespace ipt
