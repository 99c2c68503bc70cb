// Redis for many threads over one connection, which pipelines: what concurrent callers send while
// answers are on their way goes out together, and nobody waits for another's answer first.
//
// A circuit breaker in front: commands are sent while the connection stands and refused at once
// (UNAVAILABLE) while it does not, so no caller ever waits for a connection. An answer that does
// not come in time costs the connection: what was under way fails (whether it happened is unknown),
// and a thread of the client's own connects anew, at once after the first failure and with growing,
// jittered pauses after each that follows without an answer between. The probe is the whole way to
// a session: Sentinel, connect, AUTH, SELECT, ROLE. Each second of silence the role is asked again,
// so that a server that hangs or was demoted is left soon.
//
// Thread-safe. Errors: UNAVAILABLE; RESOURCE_EXHAUSTED when Redis is out of memory; INTERNAL for an
// answer that says that our command is wrong. Nothing is thrown.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "platform/cache/redis_connection.h"
#include "platform/cache/redis_observer.h"
#include "platform/cache/redis_reply.h"

namespace ipt::cache {

// A Lua script, sent by its SHA-1 and in full only to a server that does not know it.
class RedisScript {
 public:
  explicit RedisScript(absl::string_view source);
  const std::string& source() const { return source_; }
  const std::string& sha() const { return sha_; }

 private:
  const std::string source_;
  const std::string sha_;
};

class RedisClient {
 public:
  using Answer = absl::StatusOr<RedisReply>;
  using Done = std::function<void(Answer)>;
  using Args = absl::Span<const absl::string_view>;

  // Connects in the background, whether or not Redis is there. `observer` may be null; it outlives
  // the client. No callback runs after the destructor.
  explicit RedisClient(RedisOptions options, RedisObserver* observer = nullptr);
  ~RedisClient();
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;

  RedisObserver* observer() const { return observer_; }

  // `done` (none: nobody asks) is called once: on the client's own thread, where it must not block
  // nor wait for another answer, or before Send returns where the command is refused at once.
  void Send(Args args, Done done);
  // Runs a script; `keys` come before `args` there. A script that the server does not know yet is
  // sent again, and then runs after what was sent in between.
  void SendScript(const RedisScript& script, Args keys, Args args, Done done);

  // The same, waiting for the answer. REQUIRES: not called in a `done`.
  Answer Call(Args args);
  Answer CallScript(const RedisScript& script, Args keys, Args args);

  bool connected() const { return state_.load() == BreakerState::kClosed; }
  BreakerState state() const { return state_.load(); }
  // What the server of the present (or last) session said of itself; empty before the first.
  RedisServer server() const;
  std::string run_id() const { return server().run_id; }
  // Why there is no session; OK while there is one.
  absl::Status why_not() const;
  // Waits for a session, for tests and at the start. True when there is one.
  bool AwaitConnected(absl::Duration limit) const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Command {
    std::string bytes;
    std::string full_script;  // to be sent if the server does not know the script
    Done done;
    Time handed_over;
  };

  void Enqueue(Command command);
  void Run();
  // Serves until the connection fails or the client stops. Why.
  absl::Status Serve(RedisConnection& connection);
  absl::Status TakeAnswers(RedisConnection& connection, std::deque<Command>& under_way);
  void Settle(Command& command, Answer answer);
  void SetState(BreakerState state, absl::Status why);
  // Fails what waits and what was under way.
  void FailAll(std::deque<Command>& under_way, const absl::Status& why);
  void Pause(int failures);
  void WakeThread();

  const RedisOptions options_;
  RedisObserver* const observer_;
  int wake_fd_ = -1;

  mutable std::mutex mutex_;
  std::deque<Command> waiting_;
  bool asleep_ = false;  // the thread waits in poll(), or is about to
  bool stopping_ = false;
  absl::Status why_not_;
  RedisServer server_;
  std::atomic<BreakerState> state_{BreakerState::kHalfOpen};
  std::atomic<int> commands_{0};  // waiting and under way

  // The thread's own.
  int failures_ = 0;  // in a row
  std::thread thread_;
};

}  // namespace ipt::cache
