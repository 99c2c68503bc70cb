#include "platform/peer/peer.h"

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/client_context.h"
#include "grpcpp/impl/client_unary_call.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/impl/rpc_method.h"
#include "grpcpp/support/sync_stream.h"
#include "platform/errors/error.h"
#include "platform/errors/grpc_status.h"
#include "platform/errors/status_macros.h"
#include "platform/observability/log.h"
#include "platform/observability/trace_context.h"

namespace ipt::peer {
namespace {

using google::protobuf::Message;
using google::protobuf::MessageLite;

constexpr int kCodes = 17;
constexpr absl::Duration kRetryAfter = absl::Seconds(1);
// By what gRPC's timers may be early.
constexpr absl::Duration kTimersTick = absl::Milliseconds(2);
// A payload's name; for this process alone.
constexpr char kNotAllowed[] = "ipt/peer-not-allowed";
constexpr char kNotKnown[] = "ipt/peer-not-known";

// 0 to 1.
double Random() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

std::string CodeName(absl::StatusCode code) {
  return code == absl::StatusCode::kOk ? "OK" : absl::StatusCodeToString(code);
}

bool MeansAway(grpc::StatusCode code) {
  return code == grpc::StatusCode::UNAVAILABLE || code == grpc::StatusCode::DEADLINE_EXCEEDED ||
         code == grpc::StatusCode::RESOURCE_EXHAUSTED;
}

}  // namespace

struct Peer::Method {
  std::string path;
  rpc::MethodInfo info;
  const google::protobuf::Descriptor* output;
  std::array<prometheus::Counter*, kCodes> calls{};
  prometheus::Histogram* seconds;  // of attempts; null of streams

  // A repeated write with a request_id is the same write.
  bool SafeToRepeat(const Message& request) const {
    return !info.is_write() || !info.RequestId(request).empty();
  }
};

Peer::Peer(PeerOptions options, std::unique_ptr<Link> link, const Clock& clock, Metrics& metrics)
    : options_(std::move(options)),
      link_(std::move(link)),
      clock_(clock),
      metrics_(metrics),
      breaker_(options_.breaker, Random),
      retries_(metrics.Counter("ipt_peer_retries_total", "Calls to another service sent again.",
                               {{"peer", options_.name}})),
      breaker_open_(metrics.Gauge("ipt_peer_breaker_open",
                                  "1 while calls to another service are refused at once.",
                                  {{"peer", options_.name}})) {}

Peer::~Peer() { Stop(); }

bool IsNotAllowed(const absl::Status& status) { return status.GetPayload(kNotAllowed).has_value(); }

bool IsNotKnown(const absl::Status& status) { return status.GetPayload(kNotKnown).has_value(); }

absl::Status Peer::Away(absl::string_view why) const {
  const absl::Duration pause = breaker_.next_trial() - clock_.Now();
  return Unavailable(reason::kPeerUnavailable,
                     absl::StrCat("the service ", options_.name, " ", why),
                     std::max(kRetryAfter, breaker_.open() ? pause : absl::ZeroDuration()),
                     {{"service", options_.name}});
}

absl::Status Peer::Translate(const grpc::Status& status) const {
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return absl::OkStatus();
    case grpc::StatusCode::UNAVAILABLE:
      return Away("is away");
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return Away("did not answer in time");
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return Away("has too much to do");
    case grpc::StatusCode::UNAUTHENTICATED: {
      absl::Status unknown =
          Away("does not know who calls: look at this service's token or client certificate");
      unknown.SetPayload(kNotKnown, absl::Cord());
      return unknown;
    }
    case grpc::StatusCode::PERMISSION_DENIED: {
      absl::Status denied =
          Away("does not allow this service that call: look at the scopes of its token");
      denied.SetPayload(kNotAllowed, absl::Cord());
      return denied;
    }
    case grpc::StatusCode::UNIMPLEMENTED:
      return Away("does not know that method: it is older than this service");
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::DATA_LOSS:
      return Away("failed at this call; its log says why");
    default:
      return FromGrpcStatus(status);
  }
}

absl::StatusOr<Peer::Method*> Peer::Find(absl::string_view name, const Message& request) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::unique_ptr<Method>& found = methods_[std::string(name)];
  if (found == nullptr) {
    const google::protobuf::MethodDescriptor* method =
        google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(std::string(name));
    if (method == nullptr) return Internal(absl::StrCat("the contract has no method ", name));
    IPT_ASSIGN_OR_RETURN(rpc::MethodInfo info, rpc::MethodInfo::Compile(*method));
    std::string path = info.path();
    found = std::make_unique<Method>(
        Method{std::move(path), std::move(info), method->output_type(), {}, nullptr});
    for (int code = 0; code < kCodes; ++code) {
      found->calls[code] =
          &metrics_.Counter("ipt_peer_calls_total", "Calls to another service finished, by code.",
                            {{"peer", options_.name},
                             {"grpc_method", found->info.method()},
                             {"grpc_code", CodeName(static_cast<absl::StatusCode>(code))}});
    }
    if (!found->info.streams()) {
      found->seconds = &metrics_.Histogram(
          "ipt_peer_call_seconds", "Time of attempts to call another service.", LatencyBuckets(),
          {{"peer", options_.name}, {"grpc_method", found->info.method()}});
    }
  }
  if (&found->info.input() != request.GetDescriptor()) {
    return Internal(absl::StrCat(name, " takes another request"));
  }
  return found.get();
}

bool Peer::Begin(grpc::ClientContext& context) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (stopped_) return false;
  active_.insert(&context);
  ++creating_;
  return true;
}

void Peer::Created() {
  std::lock_guard<std::mutex> lock(mutex_);
  --creating_;
  stopped_changed_.notify_all();
}

void Peer::End(grpc::ClientContext& context) {
  std::lock_guard<std::mutex> lock(mutex_);
  active_.erase(&context);
}

bool Peer::PauseFor(absl::Duration pause) {
  std::unique_lock<std::mutex> lock(mutex_);
  stopped_changed_.wait_for(lock, absl::ToChronoNanoseconds(pause), [this] { return stopped_; });
  return !stopped_;
}

void Peer::Stop() {
  std::unique_lock<std::mutex> lock(mutex_);
  stopped_ = true;
  for (grpc::ClientContext* context : active_) context->TryCancel();
  stopped_changed_.notify_all();
  stopped_changed_.wait(lock, [this] { return creating_ == 0; });
}

void Peer::PrepareContext(grpc::ClientContext& context, const std::string& clinic_id) {
  if (const std::string who = link_->Authorization(clinic_id); !who.empty()) {
    context.AddMetadata("authorization", who);
  }
  if (const TraceContext* const trace = TraceScope::Current(); trace != nullptr) {
    context.AddMetadata("traceparent", TraceParent(*trace));
    if (!trace->state.empty()) context.AddMetadata("tracestate", trace->state);
  }
}

void Peer::Judge(const Outcome& outcome) {
  if (!outcome.away) {
    if (!breaker_.Succeeded()) return;
    breaker_open_.Set(0);
    log::Line(log::Level::kInfo, "peer_up", {{log::Key::kService, options_.name}});
  } else if (breaker_.Failed(clock_.Now())) {
    breaker_open_.Set(1);
    log::Line(log::Level::kWarning, "peer_down",
              {{log::Key::kService, options_.name}, {log::Key::kDetail, outcome.status.message()}});
  }
}

Peer::Outcome Peer::Attempt(Method& method, const Message& request, Message& response,
                            const CallOptions& options) {
  const absl::Time begun = clock_.Now();
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = link_->channel();
  if (!channel.ok()) return {Away(channel.status().message()), true};
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(
      std::min(options.deadline, begun + options.call_time.value_or(options_.call_time))));
  PrepareContext(context, options.clinic_id);
  if (!Begin(context)) return {absl::CancelledError("this process stops")};
  const grpc::internal::RpcMethod call(method.path.c_str(), grpc::internal::RpcMethod::NORMAL_RPC);
  response.Clear();
  const grpc::Status status =
      grpc::internal::BlockingUnaryCall<MessageLite, MessageLite, MessageLite, MessageLite>(
          channel->get(), call, &context, request, &response);
  Created();
  End(context);
  const int code = static_cast<int>(status.error_code());
  if (code >= 0 && code < kCodes) method.calls[code]->Increment();
  method.seconds->Observe(absl::ToDoubleSeconds(clock_.Now() - begun));
  return {Translate(status), MeansAway(status.error_code()), RetryDelay(status)};
}

absl::Status Peer::Call(absl::string_view name, const Message& request, Message& response,
                        const CallOptions& options) {
  IPT_ASSIGN_OR_RETURN(Method* const method, Find(name, request));
  if (method->info.streams() || method->output != response.GetDescriptor()) {
    return Internal(absl::StrCat(name, " gives another answer"));
  }
  const int attempts = method->SafeToRepeat(request) ? options_.attempts : 1;
  absl::Duration pause = options_.first_pause;
  for (int attempt = 1;; ++attempt) {
    const absl::Time now = clock_.Now();
    if (now >= options.deadline) return DeadlineExceeded("the deadline has passed");
    if (!breaker_.Allow(now)) return Away("is away; it is asked again now and then");
    const Outcome outcome = Attempt(*method, request, response, options);
    // A caller in a hurry proves nothing about the service, which may be the first to see that time
    // is up, and cancels then.
    const bool hurried = options.deadline - now < options.call_time.value_or(options_.call_time);
    const bool late = clock_.Now() + kTimersTick >= options.deadline;
    if (hurried && late && (outcome.away || absl::IsCancelled(outcome.status))) {
      return DeadlineExceeded(absl::StrCat("no time was left to hear from ", options_.name));
    }
    if (!absl::IsCancelled(outcome.status)) Judge(outcome);
    if (!outcome.away || attempt == attempts) return outcome.status;
    const absl::Duration wait = std::max(outcome.asked_pause, pause * (0.5 + 0.5 * Random()));
    pause = std::min(2 * pause, options_.longest_pause);
    if (wait > options_.longest_pause || clock_.Now() + wait >= options.deadline) {
      return outcome.status;
    }
    if (!PauseFor(wait)) return absl::CancelledError("this process stops");
    retries_.Increment();
  }
}

class Peer::Stream final : public PeerStream {
 public:
  Stream(Peer& peer, Method& method) : peer_(peer), method_(method) {}
  ~Stream() override {
    context_.TryCancel();
    // gRPC wants a stream read to its end and finished.
    if (reader_ != nullptr && !finished_) Finish();
    if (begun_) peer_.End(context_);
  }

  absl::Status Begin(std::shared_ptr<grpc::Channel> channel, const Message& request,
                     const std::string& clinic_id) {
    channel_ = std::move(channel);
    peer_.PrepareContext(context_, clinic_id);
    begun_ = peer_.Begin(context_);
    if (!begun_) return absl::CancelledError("this process stops");
    const grpc::internal::RpcMethod call(method_.path.c_str(),
                                         grpc::internal::RpcMethod::SERVER_STREAMING);
    reader_.reset(grpc::internal::ClientReaderFactory<MessageLite>::Create<MessageLite>(
        channel_.get(), call, &context_, request));
    peer_.Created();
    return absl::OkStatus();
  }

  absl::StatusOr<bool> Read(Message& message) override {
    if (message.GetDescriptor() != method_.output) return Internal("another message is streamed");
    if (!finished_ && reader_->Read(&message)) {
      if (!heard_) peer_.Judge({});
      heard_ = true;
      return true;
    }
    if (!finished_) Finish();
    if (!status_.ok()) return status_;
    return false;
  }

  void Cancel() override { context_.TryCancel(); }

 private:
  void Finish() {
    finished_ = true;
    const grpc::Status status = reader_->Finish();
    const int code = static_cast<int>(status.error_code());
    if (code >= 0 && code < kCodes) method_.calls[code]->Increment();
    status_ = peer_.Translate(status);
  }

  Peer& peer_;
  Method& method_;
  std::shared_ptr<grpc::Channel> channel_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<MessageLite>> reader_;
  bool begun_ = false;
  bool heard_ = false;
  bool finished_ = false;
  absl::Status status_;
};

absl::StatusOr<std::unique_ptr<PeerStream>> Peer::Open(absl::string_view name,
                                                       const Message& request,
                                                       const std::string& clinic_id) {
  IPT_ASSIGN_OR_RETURN(Method* const method, Find(name, request));
  if (!method->info.streams() || method->info.client_streams()) {
    return Internal(absl::StrCat(name, " does not stream to its caller"));
  }
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = link_->channel();
  if (!channel.ok()) return Away(channel.status().message());
  auto stream = std::make_unique<Stream>(*this, *method);
  IPT_RETURN_IF_ERROR(stream->Begin(*std::move(channel), request, clinic_id));
  return stream;
}

}  // namespace ipt::peer
