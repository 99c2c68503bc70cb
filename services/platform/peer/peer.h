// Another service of the suite, as a client of it: every call has a deadline, what is safe to
// repeat is repeated a bounded number of times with jitter, and a service that is away is said to
// be away, by name, at once once that is known.
//
//   scheduling::GetCourseRequest request;  ...
//   scheduling::Course course;
//   IPT_RETURN_IF_ERROR(peer.Call("ipt.scheduling.v1.CourseService.GetCourse", request, course,
//                                 {.clinic_id = "north", .deadline = ctx.deadline}));
//
// Services see no gRPC: methods by their names in the contract, messages, absl::Status.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "platform/observability/metrics.h"
#include "platform/peer/breaker.h"
#include "platform/peer/link.h"
#include "platform/rpc/method_info.h"
#include "platform/time/clock.h"

namespace grpc {
class ClientContext;
class Status;
}  // namespace grpc

namespace ipt::peer {

struct PeerOptions {
  std::string name{};                           // "scheduling": in errors, metrics and logs
  absl::Duration call_time = absl::Seconds(2);  // of one attempt, at most
  int attempts = 3;
  absl::Duration first_pause = absl::Milliseconds(50);  // doubled with each attempt
  absl::Duration longest_pause = absl::Seconds(1);
  BreakerOptions breaker{};
};

struct CallOptions {
  std::string clinic_id{};                       // on whose behalf; empty: nobody's
  absl::Time deadline = absl::InfiniteFuture();  // attempts and pauses end by then
  std::optional<absl::Duration> call_time{};     // of one attempt; unset: the peer's
};

// Messages that a method streams to us. Used by one thread, but for Cancel.
class PeerStream {
 public:
  virtual ~PeerStream() = default;
  // The next one into `message`; false when the stream has ended with OK. Waits as long as it
  // takes.
  virtual absl::StatusOr<bool> Read(google::protobuf::Message& message) = 0;
  // Ends it: a Read that waits returns CANCELLED. Any thread.
  virtual void Cancel() = 0;
};

// Of a status of a Peer: the service does not allow us that call, whatever else it allows.
bool IsNotAllowed(const absl::Status& status);
// The service does not know who calls: it allows us nothing.
bool IsNotKnown(const absl::Status& status);

// Thread-safe.
class Peer {
 public:
  // `clock` and `metrics` outlive it. The clock is the system's: gRPC keeps deadlines in it.
  Peer(PeerOptions options, std::unique_ptr<Link> link, const Clock& clock, Metrics& metrics);
  ~Peer();

  const std::string& name() const { return options_.name; }

  // A unary call. Repeated where that is safe: reads, and writes with a request_id (the same one,
  // so nothing is done twice). UNAVAILABLE (PEER_UNAVAILABLE, metadata "service") when the service
  // cannot be reached, does not answer in time, fails inside, or does not accept us as a caller;
  // DEADLINE_EXCEEDED when the caller's own deadline left no time to find that out; everything else
  // is the service's own answer, with its details.
  absl::Status Call(absl::string_view method, const google::protobuf::Message& request,
                    google::protobuf::Message& response, const CallOptions& options);

  // A stream from the service, without a deadline. Not held up by the breaker: who follows has
  // pauses of its own, and the first message heals it.
  absl::StatusOr<std::unique_ptr<PeerStream>> Open(absl::string_view method,
                                                   const google::protobuf::Message& request,
                                                   const std::string& clinic_id);

  // Ends calls, pauses and streams: once it returns no call is made any more, and everything is
  // CANCELLED. Before the server is shut down: a call that is then made to it, in one process, is
  // none that gRPC survives.
  void Stop();

  // Whether calls are refused at once.
  bool away() const { return breaker_.open(); }

 private:
  struct Method;
  class Stream;

  absl::StatusOr<Method*> Find(absl::string_view method, const google::protobuf::Message& request);
  struct Outcome {
    absl::Status status;
    bool away = false;  // nothing was answered, or that there is no room: counts, and is repeated
    absl::Duration asked_pause{};
  };
  Outcome Attempt(Method& method, const google::protobuf::Message& request,
                  google::protobuf::Message& response, const CallOptions& options);
  // What a finished call tells about the service.
  void Judge(const Outcome& outcome);
  absl::Status Translate(const grpc::Status& status) const;
  absl::Status Away(absl::string_view why) const;
  // False when it was stopped meanwhile.
  bool PauseFor(absl::Duration pause);
  bool Begin(grpc::ClientContext& context);
  // The call of a context that has begun is made (a unary one: is over).
  void Created();
  void End(grpc::ClientContext& context);
  void PrepareContext(grpc::ClientContext& context, const std::string& clinic_id);

  const PeerOptions options_;
  const std::unique_ptr<Link> link_;
  const Clock& clock_;
  Metrics& metrics_;
  Breaker breaker_;
  prometheus::Counter& retries_;
  prometheus::Gauge& breaker_open_;

  std::mutex mutex_;
  std::condition_variable stopped_changed_;
  bool stopped_ = false;
  int creating_ = 0;
  std::set<grpc::ClientContext*> active_;
  absl::flat_hash_map<std::string, std::unique_ptr<Method>> methods_;
};

}  // namespace ipt::peer
