#include "platform/rpc/rpc_service.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/impl/codegen/server_callback_handlers.h"
#include "grpcpp/support/proto_buffer_writer.h"
#include "platform/errors/error.h"

namespace ipt::rpc {
struct RpcService::Method {
  MethodInfo info;
  NewRequest new_request;
  Run run;
  OpenStream open;  // instead of `run`
  FromMemory<google::protobuf::Message> from_memory;
  FromCache<google::protobuf::Message> from_cache;
};

// One unary call from its arrival to its end. Owns itself through the tasks that hold it.
class RpcService::Call {
 public:
  Call(const Method& method, const RpcRuntime& runtime, grpc::CallbackServerContext& grpc,
       grpc::ByteBuffer& response)
      : method_(method),
        call_(method.info, method.new_request, runtime, grpc),
        response_(response),
        reactor_(grpc.DefaultReactor()) {}

  grpc::ServerUnaryReactor* reactor() { return reactor_; }

  // All that precedes the handler. OK: the handler may run.
  absl::Status Admit(const grpc::ByteBuffer& request) {
    IPT_RETURN_IF_ERROR(call_.Identify());
    return call_.Admit(request);
  }

  // True when the call was answered from memory.
  bool AnsweredFromMemory() {
    if (method_.from_memory == nullptr) return false;
    std::shared_ptr<const std::string> answer =
        method_.from_memory(call_.context(), call_.request());
    if (answer == nullptr) return false;
    Answer(std::move(answer));
    return true;
  }

  // Asks the cache, and then answers from it or queues the handler.
  static void AskCacheOrQueue(const std::shared_ptr<Call>& call) {
    if (call->method_.from_cache == nullptr) return Queue(call);
    call->method_.from_cache(call->call_.context(), call->call_.request(),
                             [call](std::shared_ptr<const std::string> answer) {
                               if (answer == nullptr) return Queue(call);
                               call->Answer(std::move(answer));
                             });
  }

  static void Queue(const std::shared_ptr<Call>& call) {
    if (!call->call_.runtime().executor.TryPost([call] { call->RunHandler(); })) {
      call->Finish(ResourceExhausted(
          reason::kOverloaded, "the server is busy; retry after the stated delay", kBusyRetry));
    }
  }

  void RunHandler() {
    if (call_.cancelled()) {
      return Finish(absl::CancelledError("the client gave up before the work began"));
    }
    if (call_.runtime().clock.Now() >= call_.context().deadline) return Finish(TooLate());
    const TraceScope trace(call_.context().trace);
    Finish(Guarded([this]() -> absl::Status {
      IPT_ASSIGN_OR_RETURN(response_, method_.run(call_.context(), call_.request()));
      return absl::OkStatus();
    }));
  }

  void Finish(const absl::Status& status) { reactor_->Finish(call_.Conclude(status)); }

 private:
  // Ends the call with a serialized answer, which the slice holds until gRPC has sent it.
  void Answer(std::shared_ptr<const std::string> answer) {
    auto* held = new std::shared_ptr<const std::string>(std::move(answer));
    grpc::Slice slice(const_cast<char*>((*held)->data()), (*held)->size(), &Release, held);
    response_ = grpc::ByteBuffer(&slice, 1);
    Finish(absl::OkStatus());
  }

  static void Release(void* held) { delete static_cast<std::shared_ptr<const std::string>*>(held); }

  const Method& method_;
  IncomingCall call_;
  grpc::ByteBuffer& response_;
  grpc::ServerUnaryReactor* reactor_;
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

void RpcService::Add(absl::string_view method, NewRequest new_request, Run run, OpenStream open,
                     const std::vector<std::string>& each_alone) {
  const auto* descriptor =
      descriptor_ == nullptr ? nullptr : descriptor_->FindMethodByName(std::string(method));
  auto fail = [&](absl::Status status) {
    if (first_error_.ok()) first_error_ = std::move(status);
  };
  if (descriptor == nullptr) {
    return fail(absl::FailedPreconditionError(absl::StrCat(name_, " has no method ", method)));
  }
  absl::StatusOr<MethodInfo> info = MethodInfo::Compile(*descriptor, each_alone);
  if (!info.ok()) return fail(info.status());
  if (info->streams() != (open != nullptr)) {
    return fail(absl::FailedPreconditionError(
        absl::StrCat(info->path(), info->streams() ? " streams" : " does not stream")));
  }

  auto owned = std::make_unique<Method>(Method{*std::move(info), std::move(new_request),
                                               std::move(run), std::move(open), nullptr, nullptr});
  const Method& entry = *owned;
  methods_.push_back(std::move(owned));

  // As generated code does it for raw callback methods, but for all methods of a descriptor alike.
  const int index = static_cast<int>(methods_.size()) - 1;
  const bool streams = entry.info.streams();
  AddMethod(new grpc::internal::RpcServiceMethod(
      entry.info.path().c_str(),
      streams ? grpc::internal::RpcMethod::BIDI_STREAMING : grpc::internal::RpcMethod::NORMAL_RPC,
      nullptr));
  if (streams) {
    MarkMethodRawCallback(
        index, new grpc::internal::CallbackBidiHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
                   [this, &entry](grpc::CallbackServerContext* grpc) {
                     return StreamCall::Start(entry.info, entry.new_request, entry.open, runtime_,
                                              *grpc);
                   }));
    return;
  }
  MarkMethodRawCallback(
      index, new grpc::internal::CallbackUnaryHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
                 [this, &entry](grpc::CallbackServerContext* grpc, const grpc::ByteBuffer* request,
                                grpc::ByteBuffer* response) -> grpc::ServerUnaryReactor* {
                   auto call = std::make_shared<Call>(entry, runtime_, *grpc, *response);
                   grpc::ServerUnaryReactor* reactor = call->reactor();
                   if (const absl::Status admitted = call->Admit(*request); !admitted.ok()) {
                     call->Finish(admitted);
                   } else if (!call->AnsweredFromMemory()) {
                     Call::AskCacheOrQueue(call);
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

void RpcService::AddFromCache(absl::string_view method, FromCache<google::protobuf::Message> find) {
  for (auto& entry : methods_) {
    if (entry->info.method() == method) entry->from_cache = std::move(find);
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
