#include "platform/rpc/rpc_service.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "grpc/support/time.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/impl/codegen/server_callback_handlers.h"
#include "grpcpp/security/auth_context.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/proto_buffer_writer.h"
#include "platform/auth/tls_credentials.h"
#include "platform/errors/error.h"
#include "platform/errors/grpc_status.h"
#include "platform/ids/ids.h"
#include "platform/rpc/content_hash.h"

namespace ipt::rpc {
namespace {

constexpr char kRequestIdHeader[] = "x-request-id";
constexpr absl::Duration kBusyRetry = absl::Milliseconds(200);

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

absl::Status ParseRequest(const grpc::ByteBuffer& bytes, google::protobuf::Message& request) {
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

struct RpcService::Method {
  MethodInfo info;
  NewRequest new_request;
  Run run;
  FromMemory<google::protobuf::Message> from_memory;
};

// One call from its arrival to its end. Owns itself through the tasks that hold it.
class RpcService::Call {
 public:
  Call(const Method& method, const RpcRuntime& runtime, grpc::CallbackServerContext& grpc,
       const grpc::ByteBuffer& request, grpc::ByteBuffer& response)
      : method_(method),
        runtime_(runtime),
        grpc_(grpc),
        request_bytes_(request),
        response_(response),
        reactor_(grpc.DefaultReactor()),
        began_(std::chrono::steady_clock::now()) {}

  grpc::ServerUnaryReactor* reactor() { return reactor_; }

  // All that precedes the handler. OK: the handler may run.
  absl::Status Admit() {
    const auto given_call_id = GivenCallId(grpc_);
    call_id_asked_ = given_call_id.has_value();
    context_.call_id = CallId(given_call_id);
    context_.method = method_.info.path();
    context_.now = runtime_.clock.Now();
    IPT_RETURN_IF_ERROR(Authenticate());
    if (!context_.caller->HasScope(method_.info.scope())) {
      ReadRequest().IgnoreError();  // for audit: what it asked for
      return PermissionDenied(reason::kScopeMissing,
                              absl::StrCat("this token lacks the scope ", method_.info.scope()),
                              {{"scope", method_.info.scope()}});
    }
    IPT_RETURN_IF_ERROR(SetDeadline());
    IPT_RETURN_IF_ERROR(ReadRequest());
    if (method_.info.is_write()) {
      context_.validate_only = method_.info.ValidateOnly(*request_);
      context_.request_id = method_.info.RequestId(*request_);
      context_.content_hash = ContentHash(*request_);
    } else if (method_.info.patient_data()) {
      IPT_RETURN_IF_ERROR(runtime_.observer.BeforeRead(method_.info));
    }
    return absl::OkStatus();
  }

  // True when the call was answered from memory.
  bool AnsweredFromMemory() {
    if (method_.from_memory == nullptr) return false;
    std::shared_ptr<const std::string> answer = method_.from_memory(context_, *request_);
    if (answer == nullptr) return false;
    // The slice holds the shared answer until gRPC has sent it.
    auto* held = new std::shared_ptr<const std::string>(std::move(answer));
    grpc::Slice slice(const_cast<char*>((*held)->data()), (*held)->size(), &Release, held);
    response_ = grpc::ByteBuffer(&slice, 1);
    Finish(absl::OkStatus());
    return true;
  }

  void RunHandler() {
    if (grpc_.IsCancelled()) {
      return Finish(absl::CancelledError("the client gave up before the work began"));
    }
    if (runtime_.clock.Now() >= context_.deadline) return Finish(TooLate());
    Finish(Guarded());
  }

  void Finish(const absl::Status& status) {
    const auto took = std::chrono::steady_clock::now() - began_;
    runtime_.observer.OnFinished(
        {method_.info, context_, status,
         absl::FromChrono(std::chrono::duration_cast<std::chrono::nanoseconds>(took))});
    // Each trailer costs both sides some microseconds: only who may need the id is sent it.
    if (call_id_asked_ || !status.ok()) {
      grpc_.AddTrailingMetadata(kRequestIdHeader, context_.call_id);
    }
    if (const absl::Duration wait = RetryDelayOf(status); wait > absl::ZeroDuration()) {
      grpc_.AddTrailingMetadata("grpc-retry-pushback-ms",
                                absl::StrCat(absl::ToInt64Milliseconds(wait)));
    }
    reactor_->Finish(ToGrpcStatus(status, context_.call_id));
  }

 private:
  absl::Status Authenticate() {
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

  absl::Status ReadRequest() {
    request_ = method_.new_request();
    IPT_RETURN_IF_ERROR(ParseRequest(request_bytes_, *request_));
    RequestFacts facts;
    const absl::Status status = method_.info.CheckRequest(*request_, *context_.caller, facts);
    context_.clinic_id = std::move(facts.clinic_id);
    context_.resource = std::move(facts.resource);
    return status;
  }

  absl::Status SetDeadline() {
    // As gRPC keeps it: in std::chrono's nanoseconds a deadline beyond 2262 overflows, and clients
    // that want no limit state one.
    const gpr_timespec deadline = grpc_.raw_deadline();
    if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) {
      context_.deadline = context_.now + runtime_.default_deadline;
    } else {
      const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
      context_.deadline =
          context_.now + std::min(absl::Seconds(left.tv_sec) + absl::Nanoseconds(left.tv_nsec),
                                  runtime_.max_call_time);
    }
    return context_.deadline <= context_.now ? TooLate() : absl::OkStatus();
  }

  static void Release(void* held) { delete static_cast<std::shared_ptr<const std::string>*>(held); }

  static absl::Status TooLate() {
    return DeadlineExceeded("the call's deadline had passed before its work began");
  }

  // The single place where foreign exceptions end.
  absl::Status Guarded() {
    try {
      IPT_ASSIGN_OR_RETURN(response_, method_.run(context_, *request_));
      return absl::OkStatus();
    } catch (const std::exception& e) {
      return Internal(absl::StrCat("exception of type ", typeid(e).name()));
    } catch (...) {
      return Internal("exception of unknown type");
    }
  }

  const Method& method_;
  const RpcRuntime& runtime_;
  grpc::CallbackServerContext& grpc_;
  const grpc::ByteBuffer& request_bytes_;
  grpc::ByteBuffer& response_;
  grpc::ServerUnaryReactor* reactor_;
  const std::chrono::steady_clock::time_point began_;
  CallContext context_;
  bool call_id_asked_ = false;
  std::unique_ptr<google::protobuf::Message> request_;
};

RpcService::RpcService(absl::string_view full_name, const RpcRuntime& runtime)
    : name_(full_name),
      runtime_(runtime),
      descriptor_(google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name_)) {
  if (descriptor_ == nullptr) {
    first_error_ = absl::FailedPreconditionError(absl::StrCat("no service ", name_));
  }
}

RpcService::~RpcService() = default;

absl::StatusOr<grpc::ByteBuffer> RpcService::Serialize(const google::protobuf::Message& message) {
  grpc::ByteBuffer bytes;
  bool own_buffer = false;
  const grpc::Status status =
      grpc::GenericSerialize<grpc::ProtoBufferWriter, google::protobuf::Message>(message, &bytes,
                                                                                 &own_buffer);
  if (!status.ok()) return Internal("the answer does not serialize");
  return bytes;
}

void RpcService::Add(absl::string_view method, NewRequest new_request, Run run) {
  const auto* descriptor =
      descriptor_ == nullptr ? nullptr : descriptor_->FindMethodByName(std::string(method));
  auto fail = [&](absl::Status status) {
    if (first_error_.ok()) first_error_ = std::move(status);
  };
  if (descriptor == nullptr) {
    return fail(absl::FailedPreconditionError(absl::StrCat(name_, " has no method ", method)));
  }
  absl::StatusOr<MethodInfo> info = MethodInfo::Compile(*descriptor);
  if (!info.ok()) return fail(info.status());

  auto owned = std::make_unique<Method>(
      Method{*std::move(info), std::move(new_request), std::move(run), nullptr});
  const Method& entry = *owned;
  methods_.push_back(std::move(owned));

  // As generated code does it for raw callback methods, but for all methods of a descriptor alike.
  const int index = static_cast<int>(methods_.size()) - 1;
  AddMethod(new grpc::internal::RpcServiceMethod(entry.info.path().c_str(),
                                                 grpc::internal::RpcMethod::NORMAL_RPC, nullptr));
  MarkMethodRawCallback(
      index, new grpc::internal::CallbackUnaryHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
                 [this, &entry](grpc::CallbackServerContext* grpc, const grpc::ByteBuffer* request,
                                grpc::ByteBuffer* response) -> grpc::ServerUnaryReactor* {
                   auto call = std::make_shared<Call>(entry, runtime_, *grpc, *request, *response);
                   grpc::ServerUnaryReactor* reactor = call->reactor();
                   if (const absl::Status admitted = call->Admit(); !admitted.ok()) {
                     call->Finish(admitted);
                   } else if (call->AnsweredFromMemory()) {
                     return reactor;
                   } else if (!runtime_.executor.TryPost([call] { call->RunHandler(); })) {
                     call->Finish(ResourceExhausted(
                         reason::kOverloaded, "the server is busy; retry after the stated delay",
                         kBusyRetry));
                   }
                   return reactor;
                 }));
}

void RpcService::AddFromMemory(absl::string_view method,
                               FromMemory<google::protobuf::Message> find) {
  for (auto& entry : methods_) {
    if (entry->info.method() == method) entry->from_memory = std::move(find);
  }
}

absl::Status RpcService::CheckComplete() const {
  IPT_RETURN_IF_ERROR(first_error_);
  std::vector<std::string> missing;
  for (int i = 0; i < descriptor_->method_count(); ++i) {
    const std::string& method = descriptor_->method(i)->name();
    bool served = false;
    for (const auto& entry : methods_) served |= entry->info.method() == method;
    if (!served) missing.push_back(method);
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(name_, " lacks handlers: ", absl::StrJoin(missing, ", ")));
}

}  // namespace ipt::rpc
