// One adapter between gRPC's callback API and plain handlers. Every method of every service passes
// through it, in this order: authentication, scope, parsing, the contract's field rules, clinic
// membership, deadline; then the handler on the bounded executor; then error mapping, metrics, log
// and audit. A handler is a function
//
//   absl::StatusOr<Resp> (const CallContext&, const Req&)
//
// Requests arrive as bytes, so that malformed ones get a precise answer (gRPC's own would be
// UNIMPLEMENTED without a word).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "grpcpp/impl/service_type.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "platform/auth/authenticator.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/call_observer.h"
#include "platform/rpc/executor.h"
#include "platform/rpc/method_info.h"
#include "platform/time/clock.h"
#include "platform/transaction/call_context.h"

namespace ipt::rpc {

// What all services of a server share. Everything outlives the server.
struct RpcRuntime {
  const auth::Authenticator& authenticator;
  const Clock& clock;
  Executor& executor;
  CallObserver& observer;
  // Calls that state no deadline get this one.
  absl::Duration default_deadline = absl::Seconds(10);
  // No handler and no store works longer for a call, whatever deadline its client states.
  absl::Duration max_call_time = absl::Seconds(60);
};

class RpcService final : public grpc::Service {
 public:
  // `full_name` as in the proto, e.g. "ipt.scheduling.v1.CourseService"; its generated code must be
  // linked in. The runtime outlives the service.
  RpcService(absl::string_view full_name, const RpcRuntime& runtime);
  ~RpcService() override;

  // Serves `method` by `handler`. REQUIRES: called before the server starts, once a method.
  template <typename Req, typename Resp>
  void Handle(absl::string_view method,
              std::function<absl::StatusOr<Resp>(const CallContext&, const Req&)> handler) {
    Add(
        method, [] { return std::unique_ptr<google::protobuf::Message>(new Req); },
        [handler = std::move(handler)](
            const CallContext& ctx,
            const google::protobuf::Message& request) -> absl::StatusOr<grpc::ByteBuffer> {
          IPT_ASSIGN_OR_RETURN(const Resp response, handler(ctx, static_cast<const Req&>(request)));
          return Serialize(response);
        });
  }
  // The same for a member function of a handler object, which outlives the service.
  template <typename Handler, typename Req, typename Resp>
  void Handle(absl::string_view method, Handler& object,
              absl::StatusOr<Resp> (Handler::*member)(const CallContext&, const Req&)) {
    Handle<Req, Resp>(method, [&object, member](const CallContext& ctx, const Req& request) {
      return (object.*member)(ctx, request);
    });
  }

  // What can be answered from memory: asked on the calling thread before the handler is queued.
  // Serialized answers are shared, never copied; nullptr sends the call to the handler.
  template <typename Req>
  using FromMemory =
      std::function<std::shared_ptr<const std::string>(const CallContext&, const Req&)>;
  // REQUIRES: Handle(method) before.
  template <typename Req>
  void AnswerFromMemory(absl::string_view method, FromMemory<Req> find) {
    AddFromMemory(method, [find = std::move(find)](const CallContext& ctx,
                                                   const google::protobuf::Message& request) {
      return find(ctx, static_cast<const Req&>(request));
    });
  }

  // OK when every method of the service has a policy and a handler; else says which has not.
  absl::Status CheckComplete() const;

  const std::string& name() const { return name_; }

 private:
  struct Method;
  using NewRequest = std::function<std::unique_ptr<google::protobuf::Message>()>;
  using Run = std::function<absl::StatusOr<grpc::ByteBuffer>(const CallContext&,
                                                             const google::protobuf::Message&)>;
  class Call;

  void AddFromMemory(absl::string_view method, FromMemory<google::protobuf::Message> find);
  static absl::StatusOr<grpc::ByteBuffer> Serialize(const google::protobuf::Message& message);
  void Add(absl::string_view method, NewRequest new_request, Run run);

  const std::string name_;
  const RpcRuntime& runtime_;
  const google::protobuf::ServiceDescriptor* descriptor_;
  std::vector<std::unique_ptr<Method>> methods_;
  absl::Status first_error_;
};

}  // namespace ipt::rpc
