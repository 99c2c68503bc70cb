// One stream from its arrival to its end, between gRPC's reactor and the handler's plain object
// (platform/rpc/stream.h). Methods that stream only their responses come through here as well: on
// the wire they are streams whose client sends one message.
//
// At most one message is held that came in and one that goes out. Thread-safe; held by the
// StreamSet until the handler has heard of its end.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "platform/rpc/incoming_call.h"
#include "platform/rpc/rpc_runtime.h"
#include "platform/rpc/stream.h"
#include "platform/rpc/stream_set.h"

namespace ipt::rpc {

using ByteStream = BidiStream<google::protobuf::Message, grpc::ByteBuffer>;
using OpenStream = std::function<absl::StatusOr<std::unique_ptr<ByteStream>>(
    const CallContext&, const google::protobuf::Message& first, std::shared_ptr<StreamHandle>)>;

class StreamCall final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                         public StreamSet::Member,
                         public std::enable_shared_from_this<StreamCall> {
 public:
  using Reactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

  // All of them outlive the call. The reactor owns itself.
  static Reactor* Start(const MethodInfo& method, const NewRequest& new_request,
                        const OpenStream& open, const RpcRuntime& runtime,
                        grpc::CallbackServerContext& grpc);

  StreamCall(const MethodInfo& method, const NewRequest& new_request, const OpenStream& open,
             const RpcRuntime& runtime, grpc::CallbackServerContext& grpc);

  void Wake() override;
  void End(const absl::Status& status) override;
  void OnTimer(absl::Time now) override;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  using Lock = std::unique_lock<std::mutex>;

  // All of these with mutex_ held.
  void Begin();
  void OnFirstMessage(bool ok);
  void ReadMore();
  void EndWith(const absl::Status& status);
  void FinishNow();
  bool Post();
  void Schedule();
  void SetTimer();
  void LeaveIfOver();
  absl::Status Gone() const;

  // The strand: runs on the executor, once at a time.
  void Work();
  absl::Status Step(Lock& lock, absl::FunctionRef<absl::Status()> work);
  absl::Status Open(Lock& lock);
  absl::Status TakeMessage(Lock& lock);
  absl::Status Pull(Lock& lock);

  const OpenStream& open_;
  const bool client_streams_;
  grpc::CallbackServerContext& grpc_;

  std::mutex mutex_;
  IncomingCall call_;
  std::shared_ptr<StreamCall> self_;  // of one that was refused entry
  std::unique_ptr<ByteStream> handler_;
  CallContext step_;  // the strand's

  grpc::ByteBuffer in_;
  grpc::ByteBuffer out_;
  bool admitted_ = false;
  bool opened_ = false;
  bool reading_ = false;                // into in_
  bool read_all_ = false;               // the client has ended its side
  bool message_ready_ = false;          // in in_
  bool client_done_ = false;            // to be told
  bool wanted_ = true;                  // NextResponse is to be called
  bool writing_ = false;                // out_ is on its way
  bool working_ = false;                // the strand is posted or runs
  std::optional<absl::Status> ending_;  // once out_ is out
  bool finished_ = false;               // gRPC was told
  bool over_told_ = false;              // the handler was told, or there is none
  bool done_ = false;                   // gRPC has let go

  absl::Time admit_by_ = absl::InfiniteFuture();
  absl::Time expires_ = absl::InfiniteFuture();  // the caller's proof of identity
  absl::Time oldest_ = absl::InfiniteFuture();
  absl::Time again_ = absl::InfiniteFuture();    // NextResponse
  absl::Time retry_ = absl::InfiniteFuture();    // posting to a full executor
  absl::Time give_up_ = absl::InfiniteFuture();  // writing out_
};

}  // namespace ipt::rpc
