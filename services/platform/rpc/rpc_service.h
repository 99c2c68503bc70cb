// One adapter between gRPC's callback API and plain handlers. Every method of every service passes
// through it, in this order: authentication, scope, parsing, the contract's field rules, clinic
// membership, deadline; then the handler on the bounded executor; then error mapping, metrics, log
// and audit. A handler is a function
//
//   absl::StatusOr<Resp> (const CallContext&, const Req&)
//
// that of a streaming method makes an object a stream (platform/rpc/stream.h).
//
// Requests arrive as bytes, so that malformed ones get a precise answer (gRPC's own would be
// UNIMPLEMENTED without a word).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
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
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/incoming_call.h"
#include "platform/rpc/rpc_runtime.h"
#include "platform/rpc/stream.h"
#include "platform/rpc/stream_call.h"
#include "platform/transaction/call_context.h"

namespace ipt::rpc {

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
        method, &New<Req>,
        [handler = std::move(handler)](
            const CallContext& ctx,
            const google::protobuf::Message& request) -> absl::StatusOr<grpc::ByteBuffer> {
          IPT_ASSIGN_OR_RETURN(const Resp response, handler(ctx, static_cast<const Req&>(request)));
          return Serialize(response);
        },
        nullptr);
  }
  // The same for a member function of a handler object, which outlives the service.
  template <typename Handler, typename Req, typename Resp>
  void Handle(absl::string_view method, Handler& object,
              absl::StatusOr<Resp> (Handler::*member)(const CallContext&, const Req&)) {
    Add(
        method, &New<Req>,
        [&object, member](const CallContext& ctx, const google::protobuf::Message& request)
            -> absl::StatusOr<grpc::ByteBuffer> {
          IPT_ASSIGN_OR_RETURN(const Resp response,
                               (object.*member)(ctx, static_cast<const Req&>(request)));
          return Serialize(response);
        },
        nullptr);
  }

  // Serves a method that streams its responses: `open` runs on the executor, once the request was
  // found right, and what it makes lives as long as the stream.
  template <typename Req, typename Resp>
  using OpenServerStream = std::function<absl::StatusOr<std::unique_ptr<ServerStream<Resp>>>(
      const CallContext&, const Req&, std::shared_ptr<StreamHandle>)>;
  template <typename Req, typename Resp>
  void HandleStream(absl::string_view method, OpenServerStream<Req, Resp> open) {
    Add(method, &New<Req>, nullptr, Erase<Req, Resp, ServerStream<Resp>>(std::move(open)));
  }
  template <typename Handler, typename Req, typename Resp>
  void HandleStream(absl::string_view method, Handler& object,
                    absl::StatusOr<std::unique_ptr<ServerStream<Resp>>> (Handler::*member)(
                        const CallContext&, const Req&, std::shared_ptr<StreamHandle>)) {
    HandleStream<Req, Resp>(method, [&object, member](const CallContext& ctx, const Req& request,
                                                      std::shared_ptr<StreamHandle> handle) {
      return (object.*member)(ctx, request, std::move(handle));
    });
  }

  // Serves a method that streams both ways: `open` gets the first message. `each_alone`: full names
  // of repeated fields, "ipt.outcomes.v1.ImportRows.rows", whose elements the handler checks one by
  // one (MessageRules), so that one that is wrong stops no other.
  template <typename Req, typename Resp>
  using OpenBidiStream = std::function<absl::StatusOr<std::unique_ptr<BidiStream<Req, Resp>>>(
      const CallContext&, const Req&, std::shared_ptr<StreamHandle>)>;
  template <typename Req, typename Resp>
  void HandleBidi(absl::string_view method, OpenBidiStream<Req, Resp> open,
                  const std::vector<std::string>& each_alone = {}) {
    Add(method, &New<Req>, nullptr, Erase<Req, Resp, BidiStream<Req, Resp>>(std::move(open)),
        each_alone);
  }
  template <typename Handler, typename Req, typename Resp>
  void HandleBidi(absl::string_view method, Handler& object,
                  absl::StatusOr<std::unique_ptr<BidiStream<Req, Resp>>> (Handler::*member)(
                      const CallContext&, const Req&, std::shared_ptr<StreamHandle>),
                  const std::vector<std::string>& each_alone = {}) {
    HandleBidi<Req, Resp>(
        method,
        [&object, member](const CallContext& ctx, const Req& request,
                          std::shared_ptr<StreamHandle> handle) {
          return (object.*member)(ctx, request, std::move(handle));
        },
        each_alone);
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

  // What may be answered from a cache that other servers share: asked on the calling thread, before
  // the handler is queued. It calls `found` once, on any thread and at any time: with the
  // serialized answer, or with nullptr, which sends the call to the handler. The context and the
  // request live until then.
  using FoundAnswer = std::function<void(std::shared_ptr<const std::string>)>;
  template <typename Req>
  using FromCache = std::function<void(const CallContext&, const Req&, FoundAnswer found)>;
  // REQUIRES: Handle(method) before.
  template <typename Req>
  void AnswerFromCache(absl::string_view method, FromCache<Req> find) {
    AddFromCache(method, [find = std::move(find)](const CallContext& ctx,
                                                  const google::protobuf::Message& request,
                                                  FoundAnswer found) {
      find(ctx, static_cast<const Req&>(request), std::move(found));
    });
  }

  // OK when every method of the service has a policy and a handler; else says which has not.
  absl::Status CheckComplete() const;

  const std::string& name() const { return name_; }

 private:
  struct Method;
  using Run = std::function<absl::StatusOr<grpc::ByteBuffer>(const CallContext&,
                                                             const google::protobuf::Message&)>;
  class Call;

  template <typename Req>
  static std::unique_ptr<google::protobuf::Message> New() {
    return std::make_unique<Req>();
  }

  // A handler's stream of messages as one of bytes.
  template <typename Req, typename Resp, typename Stream>
  class Erased final : public ByteStream {
   public:
    explicit Erased(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {}

    absl::StatusOr<Next<grpc::ByteBuffer>> NextResponse(const CallContext& ctx) override {
      IPT_ASSIGN_OR_RETURN(const Next<Resp> next, stream_->NextResponse(ctx));
      Next<grpc::ByteBuffer> erased{std::nullopt, next.again, next.end};
      if (next.response.has_value()) {
        IPT_ASSIGN_OR_RETURN(erased.response, Serialize(*next.response));
      }
      return erased;
    }
    absl::Status OnMessage(const CallContext& ctx,
                           const google::protobuf::Message& message) override {
      if constexpr (std::is_same_v<Stream, BidiStream<Req, Resp>>) {
        return stream_->OnMessage(ctx, static_cast<const Req&>(message));
      }
      return Internal("a message on a stream whose client sends none");
    }
    bool WantsMessage() const override {
      if constexpr (std::is_same_v<Stream, BidiStream<Req, Resp>>) return stream_->WantsMessage();
      return true;
    }
    void OnClientDone(const CallContext& ctx) override {
      if constexpr (std::is_same_v<Stream, BidiStream<Req, Resp>>) stream_->OnClientDone(ctx);
    }
    void OnOver(const CallContext& ctx) override { stream_->OnOver(ctx); }

   private:
    const std::unique_ptr<Stream> stream_;
  };

  template <typename Req, typename Resp, typename Stream, typename Open>
  static OpenStream Erase(Open open) {
    return
        [open = std::move(open)](
            const CallContext& ctx, const google::protobuf::Message& first,
            std::shared_ptr<StreamHandle> handle) -> absl::StatusOr<std::unique_ptr<ByteStream>> {
          IPT_ASSIGN_OR_RETURN(std::unique_ptr<Stream> stream,
                               open(ctx, static_cast<const Req&>(first), std::move(handle)));
          return std::make_unique<Erased<Req, Resp, Stream>>(std::move(stream));
        };
  }

  void AddFromMemory(absl::string_view method, FromMemory<google::protobuf::Message> find);
  void AddFromCache(absl::string_view method, FromCache<google::protobuf::Message> find);
  static absl::StatusOr<grpc::ByteBuffer> Serialize(const google::protobuf::Message& message);
  // One of `run` and `open`.
  void Add(absl::string_view method, NewRequest new_request, Run run, OpenStream open,
           const std::vector<std::string>& each_alone = {});

  const std::string name_;
  const RpcRuntime& runtime_;
  const google::protobuf::ServiceDescriptor* descriptor_;
  std::vector<std::unique_ptr<Method>> methods_;
  absl::Status first_error_;
};

}  // namespace ipt::rpc
