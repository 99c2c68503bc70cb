// What unary calls and streams have in common: who calls, what about, whether they may; and what is
// told of it at the end. Not thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"
#include "platform/rpc/method_info.h"
#include "platform/rpc/rpc_runtime.h"
#include "platform/transaction/call_context.h"

namespace ipt::rpc {

using NewRequest = std::function<std::unique_ptr<google::protobuf::Message>()>;

class IncomingCall {
 public:
  // All of them outlive the call.
  IncomingCall(const MethodInfo& method, const NewRequest& new_request, const RpcRuntime& runtime,
               grpc::CallbackServerContext& grpc)
      : method_(method),
        new_request_(new_request),
        runtime_(runtime),
        grpc_(grpc),
        began_(std::chrono::steady_clock::now()) {}

  // Who calls, and the call's id. First of all.
  absl::Status Identify();
  // All else that precedes the handler: scope, deadline, request, clinic. REQUIRES: Identify().
  absl::Status Admit(const grpc::ByteBuffer& request);

  // A further message of a stream: its own facts must be of the first one's clinic.
  absl::StatusOr<std::unique_ptr<google::protobuf::Message>> ReadMessage(
      const grpc::ByteBuffer& bytes) const;

  // Tells the observer, and returns what the client is told, its trailers set. Once, at the end.
  grpc::Status Conclude(const absl::Status& status);

  const MethodInfo& method() const { return method_; }
  const RpcRuntime& runtime() const { return runtime_; }
  const CallContext& context() const { return context_; }
  // The request, or a stream's first message. REQUIRES: Admit() was OK.
  const google::protobuf::Message& request() const { return *request_; }
  bool cancelled() const { return grpc_.IsCancelled(); }

  // Tells the observer that the handler has opened the stream.
  void TellStreamBegun();

 private:
  absl::Duration age() const;
  absl::Status Authenticate();
  absl::Status ReadRequest(const grpc::ByteBuffer& bytes);
  absl::Status SetDeadline();

  const MethodInfo& method_;
  const NewRequest& new_request_;
  const RpcRuntime& runtime_;
  grpc::CallbackServerContext& grpc_;
  const std::chrono::steady_clock::time_point began_;
  CallContext context_;
  bool call_id_asked_ = false;
  bool stream_begun_ = false;
  std::unique_ptr<google::protobuf::Message> request_;
};

// A deadline that passed before the work began.
absl::Status TooLate();

// Runs `work` (which returns a Status or StatusOr): the single place where foreign exceptions end.
absl::Status InternalFrom(const std::exception* e);
template <typename Work>
auto Guarded(Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::exception& e) {
    return InternalFrom(&e);
  } catch (...) {
    return InternalFrom(nullptr);
  }
}

}  // namespace ipt::rpc
