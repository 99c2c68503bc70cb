#include "platform/rpc/stream_call.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "absl/random/random.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"

namespace ipt::rpc {
namespace {

constexpr absl::Duration kPostRetry = absl::Milliseconds(100);
// What a stream that ends waits for its last response to go out; then the client is cut off.
constexpr absl::Duration kLastWrite = absl::Seconds(1);

}  // namespace

StreamCall::Reactor* StreamCall::Start(const MethodInfo& method, const NewRequest& new_request,
                                       const OpenStream& open, const RpcRuntime& runtime,
                                       grpc::CallbackServerContext& grpc) {
  auto stream = std::make_shared<StreamCall>(method, new_request, open, runtime, grpc);
  const Lock lock(stream->mutex_);
  stream->Begin();
  return stream.get();
}

StreamCall::StreamCall(const MethodInfo& method, const NewRequest& new_request,
                       const OpenStream& open, const RpcRuntime& runtime,
                       grpc::CallbackServerContext& grpc)
    : open_(open),
      client_streams_(method.client_streams()),
      grpc_(grpc),
      call_(method, new_request, runtime, grpc) {}

void StreamCall::Begin() {
  absl::Status status = call_.Identify();
  if (status.ok()) status = call_.runtime().streams.Enter(shared_from_this());
  if (!status.ok()) {
    self_ = shared_from_this();
    return EndWith(status);
  }
  const absl::Time now = call_.context().now;
  admit_by_ = now + call_.runtime().default_deadline;
  expires_ = call_.context().caller->expires;
  // Streams that were opened together do not end together.
  oldest_ = now + call_.runtime().streams.max_age() * absl::Uniform(absl::BitGen(), 0.8, 1.0);
  SetTimer();
  reading_ = true;
  StartRead(&in_);
}

void StreamCall::OnReadDone(bool ok) {
  const Lock lock(mutex_);
  reading_ = false;
  if (finished_ || ending_.has_value()) return;
  if (!admitted_) return OnFirstMessage(ok);
  if (ok) {
    message_ready_ = true;
  } else {
    read_all_ = true;
    // So ends one that was cut off, too, whose client never said that it is done: OnCancel follows.
    client_done_ = !call_.cancelled();
  }
  Schedule();
}

void StreamCall::ReadMore() {
  if (!client_streams_ || reading_ || message_ready_ || read_all_) return;
  if (finished_ || ending_.has_value() || !handler_->WantsMessage()) return;
  reading_ = true;
  StartRead(&in_);
}

void StreamCall::OnFirstMessage(bool ok) {
  if (!ok) {
    return EndWith(call_.cancelled() ? Gone()
                                     : InvalidField("", "the stream holds no message",
                                                    reason::kMalformedRequest));
  }
  if (const absl::Status admitted = call_.Admit(in_); !admitted.ok()) return EndWith(admitted);
  admitted_ = true;
  step_ = call_.context();
  if (!Post()) {
    return EndWith(ResourceExhausted(
        reason::kOverloaded, "the server is busy; retry after the stated delay", kBusyRetry));
  }
  SetTimer();
}

void StreamCall::OnWriteDone(bool ok) {
  const Lock lock(mutex_);
  writing_ = false;
  out_.Clear();
  if (finished_) return;
  if (!ok && !ending_.has_value()) ending_ = Gone();
  if (ending_.has_value()) return FinishNow();
  if (wanted_) Schedule();
}

void StreamCall::OnCancel() {
  const Lock lock(mutex_);
  if (finished_) return;
  if (!ending_.has_value()) ending_ = Gone();
  FinishNow();
}

void StreamCall::OnDone() {
  std::shared_ptr<StreamCall> self = shared_from_this();  // let go without the lock
  const Lock lock(mutex_);
  self_.reset();
  done_ = true;
  LeaveIfOver();
}

void StreamCall::Wake() {
  const Lock lock(mutex_);
  wanted_ = true;
  if (!finished_ && !writing_) Schedule();
}

void StreamCall::End(const absl::Status& status) {
  const Lock lock(mutex_);
  EndWith(status);
}

void StreamCall::OnTimer(absl::Time now) {
  const Lock lock(mutex_);
  if (now >= retry_) Schedule();
  if (!finished_) {
    if (ending_.has_value()) {
      if (now >= give_up_) {
        grpc_.TryCancel();  // OnCancel follows
        give_up_ = absl::InfiniteFuture();
      }
    } else if (!admitted_ && now >= admit_by_) {
      EndWith(DeadlineExceeded("the stream's first message did not come in time"));
    } else if (now >= expires_) {
      EndWith(Unauthenticated(
          "what the caller identified itself with has expired; open the stream again with a new "
          "token, and go on from where it was"));
    } else if (now >= oldest_) {
      EndWith(absl::OkStatus());
    } else if (now >= again_) {
      again_ = absl::InfiniteFuture();
      wanted_ = true;
      if (!writing_) Schedule();
    }
  }
  SetTimer();
}

void StreamCall::EndWith(const absl::Status& status) {
  if (finished_ || ending_.has_value()) return;
  ending_ = status;
  if (!writing_) return FinishNow();
  give_up_ = call_.runtime().clock.Now() + kLastWrite;
  SetTimer();
}

void StreamCall::FinishNow() {
  finished_ = true;
  Finish(call_.Conclude(*ending_));
  if (opened_) {
    Schedule();  // to tell the handler
  } else {
    over_told_ = true;
  }
}

bool StreamCall::Post() {
  return working_ = call_.runtime().executor.TryPost([self = shared_from_this()] { self->Work(); });
}

void StreamCall::Schedule() {
  retry_ = absl::InfiniteFuture();
  if (working_ || Post()) return;
  retry_ = call_.runtime().clock.Now() + kPostRetry;
  SetTimer();
}

void StreamCall::SetTimer() {
  absl::Time at = retry_;
  if (!finished_ && ending_.has_value()) {
    at = std::min(at, give_up_);
  } else if (!finished_) {
    at = std::min({at, expires_, oldest_, again_});
    if (!admitted_) at = std::min(at, admit_by_);
  }
  call_.runtime().streams.SetTimer(this, at);
}

void StreamCall::LeaveIfOver() {
  if (done_ && over_told_) call_.runtime().streams.Leave(this);
}

absl::Status StreamCall::Gone() const {
  if (call_.runtime().clock.Now() >= call_.context().deadline) {
    return DeadlineExceeded("the stream's deadline passed");
  }
  return absl::CancelledError("the client ended the stream");
}

void StreamCall::Work() {
  Lock lock(mutex_);
  while (!finished_ && !ending_.has_value()) {
    absl::Status status;
    if (!opened_) {
      status = Open(lock);
    } else if (message_ready_) {
      status = TakeMessage(lock);
    } else if (client_done_) {
      client_done_ = false;
      wanted_ = true;
      status = Step(lock, [this] {
        handler_->OnClientDone(step_);
        return absl::OkStatus();
      });
    } else if (wanted_ && !writing_) {
      status = Pull(lock);
    } else {
      break;
    }
    if (!status.ok()) {
      EndWith(status);
    } else {
      ReadMore();
    }
  }
  if (finished_ && !over_told_) {
    (void)Step(lock, [this] {
      if (handler_ != nullptr) handler_->OnOver(step_);
      handler_.reset();
      return absl::OkStatus();
    });
    over_told_ = true;
  }
  working_ = false;
  LeaveIfOver();  // the task that runs this still holds it
}

absl::Status StreamCall::Step(Lock& lock, absl::FunctionRef<absl::Status()> work) {
  const RpcRuntime& runtime = call_.runtime();
  lock.unlock();
  step_.now = runtime.clock.Now();
  step_.deadline = std::min(call_.context().deadline, step_.now + runtime.default_deadline);
  const TraceScope trace(step_.trace);
  const absl::Status status = Guarded(work);
  lock.lock();
  return status;
}

absl::Status StreamCall::Open(Lock& lock) {
  opened_ = true;
  IPT_RETURN_IF_ERROR(Step(lock, [this]() -> absl::Status {
    IPT_ASSIGN_OR_RETURN(handler_, open_(step_, call_.request(), shared_from_this()));
    return absl::OkStatus();
  }));
  call_.TellStreamBegun();
  return absl::OkStatus();
}

absl::Status StreamCall::TakeMessage(Lock& lock) {
  message_ready_ = false;
  wanted_ = true;
  return Step(lock, [this]() -> absl::Status {
    IPT_ASSIGN_OR_RETURN(const auto message, call_.ReadMessage(in_));
    return handler_->OnMessage(step_, *message);
  });
}

absl::Status StreamCall::Pull(Lock& lock) {
  wanted_ = false;
  again_ = absl::InfiniteFuture();
  Next<grpc::ByteBuffer> next;
  IPT_RETURN_IF_ERROR(Step(lock, [&]() -> absl::Status {
    IPT_ASSIGN_OR_RETURN(next, handler_->NextResponse(step_));
    return absl::OkStatus();
  }));
  if (finished_ || ending_.has_value()) return absl::OkStatus();
  if (next.response.has_value()) {
    out_ = *std::move(next.response);
    writing_ = true;
    wanted_ = true;
    StartWrite(&out_);
  } else {
    again_ = std::max(next.again, step_.now + absl::Milliseconds(1));
    SetTimer();
  }
  if (next.end) EndWith(absl::OkStatus());
  return absl::OkStatus();
}

}  // namespace ipt::rpc
