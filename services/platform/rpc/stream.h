// What the handler of a streaming method is: an object a stream, asked for the next response
// whenever the client can take one (so that a slow reader holds one response and no more), and, for
// methods whose client streams, too, told of each message. Knows no gRPC.
//
//   class Ticks final : public ServerStream<Tick> {
//     absl::StatusOr<Next<Tick>> NextResponse(const CallContext& ctx) override {
//       if (!clock_due) return Next<Tick>::Later(ctx.now + absl::Seconds(1));
//       return Next<Tick>::Send(tick);
//     }
//   };
//
// All calls of one object come from the executor and one at a time, so it needs no lock of its own;
// they may block as any handler may. Between calls it is waiting, on no thread.
//
// A stream ends when a call returns an error, at Next::End, and by the adapter's doing: when the
// client gives up or its deadline passes, when what the caller showed expires (UNAUTHENTICATED), at
// its greatest age (OK: the client opens another), when the server stops (UNAVAILABLE).
#pragma once

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/transaction/call_context.h"

namespace ipt::rpc {

// Any thread may hold and use it, for as long as it likes: on a stream that is over, nothing
// happens. Never blocks, and calls nothing of the handler's.
class StreamHandle {
 public:
  virtual ~StreamHandle() = default;

  // NextResponse will be called once more, as soon as the client can take a response.
  virtual void Wake() = 0;
  // Ends the stream with this status; the response that is on its way goes out before it.
  virtual void End(const absl::Status& status) = 0;
};

template <typename Resp>
struct Next {
  // Nothing: there is nothing to send now.
  std::optional<Resp> response{};
  // Without a response: NextResponse is called again then, or at a Wake() before. With one, it is
  // called again as soon as this one is sent.
  absl::Time again = absl::InfiniteFuture();
  // The stream ends with OK, after the response if there is one.
  bool end = false;

  static Next Send(Resp response) { return {std::move(response), absl::InfinitePast(), false}; }
  static Next Later(absl::Time again = absl::InfiniteFuture()) {
    return {std::nullopt, again, false};
  }
  static Next End() { return {std::nullopt, absl::InfiniteFuture(), true}; }
};

// `ctx` is the stream's own: caller, clinic and resource of its first message; `now` is the instant
// of this call, `deadline` what it may take (not the stream's end).
template <typename Resp>
class ServerStream {
 public:
  virtual ~ServerStream() = default;

  virtual absl::StatusOr<Next<Resp>> NextResponse(const CallContext& ctx) = 0;

  // The stream is over, for whatever reason; the last call. Not made when the process is stopping
  // and has no time left for it.
  virtual void OnOver(const CallContext& ctx) { (void)ctx; }
};

template <typename Req, typename Resp>
class BidiStream : public ServerStream<Resp> {
 public:
  // Each message after the first one (which opened the stream), in order. The next one is not read
  // before this returns. A call of NextResponse follows.
  virtual absl::Status OnMessage(const CallContext& ctx, const Req& message) = 0;

  // Whether there is room for another message: until there is, none is read, and the client waits.
  // Asked after each call, and never blocks.
  virtual bool WantsMessage() const { return true; }

  // The client will send no more. Its stream goes on until NextResponse ends it.
  virtual void OnClientDone(const CallContext& ctx) { (void)ctx; }
};

}  // namespace ipt::rpc
