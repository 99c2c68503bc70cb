#include "platform/rpc/incoming_call.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <optional>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "grpc/support/time.h"
#include "grpcpp/security/auth_context.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "platform/auth/tls_credentials.h"
#include "platform/errors/error.h"
#include "platform/errors/grpc_status.h"
#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"
#include "platform/rpc/content_hash.h"

namespace ipt::rpc {
namespace {

constexpr char kRequestIdHeader[] = "x-request-id";
constexpr char kTraceParentHeader[] = "traceparent";
constexpr char kTraceStateHeader[] = "tracestate";

absl::string_view View(const grpc::string_ref& ref) { return {ref.data(), ref.size()}; }

// The id that the caller gave the call, if any.
std::optional<absl::string_view> GivenCallId(const grpc::CallbackServerContext& context) {
  const auto& metadata = context.client_metadata();
  const auto it = metadata.find(kRequestIdHeader);
  if (it == metadata.end()) return std::nullopt;
  return View(it->second);
}

// The caller's own id where it is fit for a log line, else a new one.
std::string CallId(std::optional<absl::string_view> given) {
  if (given.has_value()) {
    bool clean = !given->empty() && given->size() <= 64;
    for (const char c : *given) clean = clean && (absl::ascii_isalnum(c) || c == '-' || c == '_');
    if (clean) return std::string(*given);
  }
  static RandomIdSource ids;
  return ids.NewUuid();
}

// Two parents are none, as the standard says; a state may come in several pieces.
std::optional<TraceContext> GivenTrace(const grpc::CallbackServerContext& context) {
  const auto& metadata = context.client_metadata();
  const auto parents = metadata.equal_range(kTraceParentHeader);
  if (parents.first == parents.second || std::next(parents.first) != parents.second) {
    return std::nullopt;
  }
  std::string state;
  const auto states = metadata.equal_range(kTraceStateHeader);
  for (auto it = states.first; it != states.second; ++it) {
    absl::StrAppend(&state, state.empty() ? "" : ",", View(it->second));
  }
  return ReadTraceContext(View(parents.first->second), state);
}

absl::Status Parse(const grpc::ByteBuffer& bytes, google::protobuf::Message& request) {
  grpc::ByteBuffer copy(bytes);  // shares the slices
  {
    grpc::ProtoBufferReader reader(&copy);
    if (reader.status().ok() && request.ParseFromZeroCopyStream(&reader)) return absl::OkStatus();
  }
  std::vector<grpc::Slice> slices;
  std::string flat;
  if (bytes.Dump(&slices).ok()) {
    for (const auto& slice : slices) {
      flat.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
  }
  return DiagnoseUnparsable(flat, *request.GetDescriptor());
}

}  // namespace

absl::Status IncomingCall::Identify() {
  const auto given_call_id = GivenCallId(grpc_);
  call_id_asked_ = given_call_id.has_value();
  context_.call_id = CallId(given_call_id);
  context_.trace = GivenTrace(grpc_);
  context_.method = method_.path();
  context_.now = runtime_.clock.Now();
  return Authenticate();
}

absl::Status IncomingCall::Admit(const grpc::ByteBuffer& request) {
  if (!context_.caller->HasScope(method_.scope())) {
    ReadRequest(request).IgnoreError();  // for audit: what it asked for
    return PermissionDenied(reason::kScopeMissing,
                            absl::StrCat("this token lacks the scope ", method_.scope()),
                            {{"scope", method_.scope()}});
  }
  IPT_RETURN_IF_ERROR(SetDeadline());
  IPT_RETURN_IF_ERROR(ReadRequest(request));
  if (method_.is_write()) {
    context_.validate_only = method_.ValidateOnly(*request_);
    context_.request_id = method_.RequestId(*request_);
    context_.content_hash = ContentHash(*request_);
    context_.abandoned = [this] { return cancelled(); };
  } else if (method_.patient_data()) {
    IPT_RETURN_IF_ERROR(runtime_.observer.BeforeRead(method_));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<google::protobuf::Message>> IncomingCall::ReadMessage(
    const grpc::ByteBuffer& bytes) const {
  auto message = new_request_();
  IPT_RETURN_IF_ERROR(Parse(bytes, *message));
  RequestFacts facts;
  IPT_RETURN_IF_ERROR(method_.CheckRequest(*message, *context_.caller, facts));
  if (!facts.clinic_id.empty() && facts.clinic_id != context_.clinic_id) {
    return InvalidField("", "all messages of a stream must be of its first one's clinic");
  }
  return message;
}

grpc::Status IncomingCall::Conclude(const absl::Status& status) {
  const TraceScope trace(context_.trace);
  runtime_.observer.OnFinished({method_, context_, status, age(), stream_begun_});
  // Each trailer costs both sides some microseconds: only who may need the id is sent it.
  if (call_id_asked_ || !status.ok()) {
    grpc_.AddTrailingMetadata(kRequestIdHeader, context_.call_id);
  }
  if (const absl::Duration wait = RetryDelayOf(status); wait > absl::ZeroDuration()) {
    grpc_.AddTrailingMetadata("grpc-retry-pushback-ms",
                              absl::StrCat(absl::ToInt64Milliseconds(wait)));
  }
  return ToGrpcStatus(status, context_.call_id);
}

void IncomingCall::TellStreamBegun() {
  stream_begun_ = true;
  const TraceScope trace(context_.trace);
  runtime_.observer.OnStreamBegun({method_, context_, absl::OkStatus(), age(), true});
}

absl::Duration IncomingCall::age() const {
  return absl::FromChrono(std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::steady_clock::now() - began_));
}

absl::Status IncomingCall::Authenticate() {
  auth::Credentials credentials;
  const auto range = grpc_.client_metadata().equal_range("authorization");
  if (range.first != range.second) {
    if (std::next(range.first) != range.second) {
      return Unauthenticated("more than one authorization header; send one");
    }
    credentials.authorization = View(range.first->second);
  }
  const std::shared_ptr<const grpc::AuthContext> connection = grpc_.auth_context();
  const auto peer = connection == nullptr ? std::nullopt : auth::PeerCertificateOf(*connection);
  credentials.peer = peer.has_value() ? &*peer : nullptr;
  IPT_ASSIGN_OR_RETURN(context_.caller,
                       runtime_.authenticator.Authenticate(credentials, context_.now));
  return absl::OkStatus();
}

absl::Status IncomingCall::ReadRequest(const grpc::ByteBuffer& bytes) {
  request_ = new_request_();
  IPT_RETURN_IF_ERROR(Parse(bytes, *request_));
  RequestFacts facts;
  const absl::Status status = method_.CheckRequest(*request_, *context_.caller, facts);
  context_.clinic_id = std::move(facts.clinic_id);
  context_.resource = std::move(facts.resource);
  return status;
}

absl::Status IncomingCall::SetDeadline() {
  // As gRPC keeps it: in std::chrono's nanoseconds a deadline beyond 2262 overflows, and clients
  // that want no limit state one.
  const gpr_timespec deadline = grpc_.raw_deadline();
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) {
    context_.deadline =
        method_.streams() ? absl::InfiniteFuture() : context_.now + runtime_.default_deadline;
  } else {
    const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
    context_.deadline = context_.now + absl::Seconds(left.tv_sec) + absl::Nanoseconds(left.tv_nsec);
    if (!method_.streams()) {
      context_.deadline = std::min(context_.deadline, context_.now + runtime_.max_call_time);
    }
  }
  return context_.deadline <= context_.now ? TooLate() : absl::OkStatus();
}

absl::Status TooLate() {
  return DeadlineExceeded("the call's deadline had passed before its work began");
}

absl::Status InternalFrom(const std::exception* e) {
  if (e == nullptr) return Internal("exception of unknown type");
  return Internal(absl::StrCat("exception of type ", typeid(*e).name()));
}

}  // namespace ipt::rpc
