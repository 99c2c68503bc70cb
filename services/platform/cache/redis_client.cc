#include "platform/cache/redis_client.h"

#include <openssl/sha.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "platform/errors/status_macros.h"
#include "platform/sync/countdown.h"

namespace ipt::cache {
namespace {

using std::chrono::steady_clock;

// Beyond it, commands are refused: Redis is slower than its callers.
constexpr int kMostCommands = 20'000;
constexpr auto kAskRoleAfter = std::chrono::seconds(1);
constexpr absl::Duration kFirstPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestPause = absl::Seconds(5);

std::string Sha1Hex(absl::string_view text) {
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), sizeof(digest)));
}

// An error answer, as a status. Those after which the server is of no use to us say so.
struct ErrorAnswer {
  absl::Status status;
  bool leave = false;
};
ErrorAnswer ReadError(absl::string_view text) {
  const std::string message = absl::StrCat("Redis: ", text);
  for (const char* word : {"READONLY", "MASTERDOWN", "LOADING", "NOAUTH", "CLUSTERDOWN"}) {
    if (absl::StartsWith(text, word)) return {absl::UnavailableError(message), true};
  }
  if (absl::StartsWith(text, "OOM")) return {absl::ResourceExhaustedError(message)};
  for (const char* word : {"BUSY", "TRYAGAIN", "MISCONF", "NOREPLICAS", "NOPERM"}) {
    if (absl::StartsWith(text, word)) return {absl::UnavailableError(message)};
  }
  return {absl::InternalError(message)};
}

absl::Duration Since(steady_clock::time_point then) {
  return absl::FromChrono(
      std::chrono::duration_cast<std::chrono::nanoseconds>(steady_clock::now() - then));
}

std::string Format(RedisClient::Args first, RedisClient::Args keys, RedisClient::Args args) {
  std::vector<absl::string_view> all(first.begin(), first.end());
  all.insert(all.end(), keys.begin(), keys.end());
  all.insert(all.end(), args.begin(), args.end());
  std::string bytes;
  AppendRedisCommand(bytes, all);
  return bytes;
}

}  // namespace

RedisScript::RedisScript(absl::string_view source) : source_(source), sha_(Sha1Hex(source)) {}

RedisClient::RedisClient(RedisOptions options, RedisObserver* observer)
    : options_(std::move(options)),
      observer_(observer),
      wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      why_not_(absl::UnavailableError("not connected to Redis yet")) {
  thread_ = std::thread([this] { Run(); });
}

RedisClient::~RedisClient() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  WakeThread();
  thread_.join();
  close(wake_fd_);
}

void RedisClient::WakeThread() {
  const uint64_t one = 1;
  (void)!write(wake_fd_, &one, sizeof(one));  // full: it is awake already
}

RedisServer RedisClient::server() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return server_;
}

absl::Status RedisClient::why_not() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return why_not_;
}

bool RedisClient::AwaitConnected(absl::Duration limit) const {
  const auto began = steady_clock::now();
  while (!connected() && Since(began) < limit) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return connected();
}

void RedisClient::Send(Args args, Done done) {
  Command command;
  AppendRedisCommand(command.bytes, args);
  command.done = std::move(done);
  Enqueue(std::move(command));
}

void RedisClient::SendScript(const RedisScript& script, Args keys, Args args, Done done) {
  const std::string count = absl::StrCat(keys.size());
  Command command;
  command.bytes = Format({"EVALSHA", script.sha(), count}, keys, args);
  command.full_script = script.source();
  command.done = std::move(done);
  Enqueue(std::move(command));
}

RedisClient::Answer RedisClient::Call(Args args) {
  Countdown done(1);
  Answer answer = absl::UnknownError("");
  Send(args, [&](Answer a) {
    answer = std::move(a);
    done.Done();
  });
  done.Wait();
  return answer;
}

RedisClient::Answer RedisClient::CallScript(const RedisScript& script, Args keys, Args args) {
  Countdown done(1);
  Answer answer = absl::UnknownError("");
  SendScript(script, keys, args, [&](Answer a) {
    answer = std::move(a);
    done.Done();
  });
  done.Wait();
  return answer;
}

void RedisClient::Enqueue(Command command) {
  command.handed_over = steady_clock::now();
  std::unique_lock<std::mutex> lock(mutex_);
  absl::Status refused;
  if (state_ != BreakerState::kClosed) {
    refused = why_not_;
  } else if (commands_ >= kMostCommands) {
    refused = absl::UnavailableError("too many commands wait for Redis");
  }
  if (refused.ok()) {
    ++commands_;
    waiting_.push_back(std::move(command));
    const bool wake = std::exchange(asleep_, false);
    lock.unlock();
    if (wake) WakeThread();
    return;
  }
  lock.unlock();
  if (observer_ != nullptr) observer_->OnRefused();
  if (command.done) command.done(std::move(refused));
}

void RedisClient::SetState(BreakerState state, absl::Status why) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    state_ = state;
    why_not_ = std::move(why);
  }
  if (observer_ != nullptr) observer_->OnBreaker(state);
}

void RedisClient::Settle(Command& command, Answer answer) {
  --commands_;
  if (observer_ != nullptr) observer_->OnRoundTrip(Since(command.handed_over), answer.ok());
  if (command.done) command.done(std::move(answer));
}

void RedisClient::FailAll(std::deque<Command>& under_way, const absl::Status& why) {
  std::deque<Command> waiting;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    waiting.swap(waiting_);
  }
  for (Command& command : under_way) Settle(command, why);
  for (Command& command : waiting) Settle(command, why);
  under_way.clear();
}

void RedisClient::Pause(int failures) {
  if (failures <= 1) return;
  thread_local absl::BitGen random;
  const absl::Duration most =
      std::min(kLongestPause, kFirstPause * static_cast<double>(1 << std::min(failures - 2, 10)));
  const absl::Duration pause = most * absl::Uniform(random, 0.5, 1.0);
  const auto end = steady_clock::now() + absl::ToChronoNanoseconds(pause);
  // Only the destructor ends it early: nothing is sent to the thread while the breaker is open.
  while (steady_clock::now() < end) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (stopping_) return;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now());
    pollfd wake = {wake_fd_, POLLIN, 0};
    poll(&wake, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
    uint64_t count = 0;
    (void)!read(wake_fd_, &count, sizeof(count));
  }
}

void RedisClient::Run() {
  // A write to a connection that the server closed is an error here, not the end of the process.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);

  std::string reported;
  absl::Status why = why_not();
  while (true) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (stopping_) return;
    }
    SetState(BreakerState::kHalfOpen, why);
    absl::StatusOr<std::unique_ptr<RedisConnection>> connection = RedisConnection::Open(options_);
    if (connection.ok()) {
      if (absl::Status set = (*connection)->StopBlocking(); !set.ok()) connection = set;
    }
    if (connection.ok()) {
      reported.clear();
      {
        std::lock_guard<std::mutex> lock(mutex_);
        server_ = (*connection)->server();
      }
      if (observer_ != nullptr) observer_->OnConnected((*connection)->server());
      SetState(BreakerState::kClosed, absl::OkStatus());
      why = Serve(**connection);
      if (why.ok()) return;  // stopping
    } else {
      why = connection.status();
    }
    ++failures_;
    if (observer_ != nullptr && why.message() != reported) observer_->OnFailure(why);
    reported = std::string(why.message());
    SetState(BreakerState::kOpen, why);
    Pause(failures_);
  }
}

absl::Status RedisClient::TakeAnswers(RedisConnection& connection, std::deque<Command>& under_way) {
  IPT_RETURN_IF_ERROR(connection.Read());
  absl::Status leave;
  while (true) {
    IPT_ASSIGN_OR_RETURN(std::optional<RedisReply> reply, connection.Next());
    if (!reply.has_value()) return leave;
    if (under_way.empty()) return absl::UnavailableError("Redis answers what was not asked");
    Command command = std::move(under_way.front());
    under_way.pop_front();
    failures_ = 0;
    if (!reply->is_error()) {
      Settle(command, *std::move(reply));
    } else if (!command.full_script.empty() && absl::StartsWith(reply->text(), "NOSCRIPT")) {
      // The arguments stay: EVALSHA becomes EVAL, the digest the script. Both are the first words
      // of the command, of known sizes.
      const size_t digest = command.bytes.find("$40\r\n");
      const size_t rest = digest + 5 + 40 + 2;
      const size_t count_end = command.bytes.find("\r\n");
      std::string full = absl::StrCat(command.bytes.substr(0, count_end), "\r\n$4\r\nEVAL\r\n$",
                                      command.full_script.size(), "\r\n", command.full_script,
                                      "\r\n", absl::string_view(command.bytes).substr(rest));
      command.bytes = std::move(full);
      command.full_script.clear();
      under_way.push_back(std::move(command));
      IPT_RETURN_IF_ERROR(connection.Append(under_way.back().bytes));
    } else {
      ErrorAnswer error = ReadError(reply->text());
      if (error.leave) leave = error.status;
      Settle(command, std::move(error.status));
    }
  }
}

absl::Status RedisClient::Serve(RedisConnection& connection) {
  std::deque<Command> under_way;
  bool written = true;
  const auto limit = absl::ToChronoNanoseconds(options_.command_timeout);
  auto heard = steady_clock::now();
  auto sent_first = heard;  // since when an answer is outstanding
  absl::Status why;
  while (true) {
    std::deque<Command> fresh;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (stopping_) break;
      fresh.swap(waiting_);
      asleep_ = false;
    }
    const auto now = steady_clock::now();
    if (fresh.empty() && under_way.empty() && now - heard >= kAskRoleAfter) {
      heard = now;
      Command role;
      AppendRedisCommand(role.bytes, {"ROLE"});
      role.handed_over = now;
      role.done = [&why](Answer answer) {
        if (answer.ok() && (*answer)[0].text() != "master") {
          why = absl::UnavailableError("Redis is not the master any more");
        }
      };
      ++commands_;
      fresh.push_back(std::move(role));
    }
    if (!fresh.empty()) {
      if (under_way.empty()) sent_first = now;
      for (Command& command : fresh) {
        if (why.ok()) why = connection.Append(command.bytes);
        under_way.push_back(std::move(command));
      }
      written = false;
    }
    if (why.ok() && !written) {
      absl::StatusOr<bool> wrote = connection.Write();
      if (wrote.ok()) {
        written = *wrote;
      } else {
        why = wrote.status();
      }
    }
    if (!why.ok()) break;

    bool more = false;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      more = stopping_ || !waiting_.empty();
      asleep_ = !more;
    }
    pollfd fds[2] = {{connection.fd(), static_cast<short>(written ? POLLIN : POLLIN | POLLOUT), 0},
                     {wake_fd_, POLLIN, 0}};
    const auto until = under_way.empty() ? heard + kAskRoleAfter : sent_first + limit;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
    poll(fds, 2, more ? 0 : static_cast<int>(std::clamp<int64_t>(left, 0, 60'000)));
    if (fds[1].revents != 0) {
      uint64_t count = 0;
      (void)!read(wake_fd_, &count, sizeof(count));
    }
    if (fds[0].revents & (POLLIN | POLLERR | POLLHUP)) {
      const absl::Status taken = TakeAnswers(connection, under_way);
      if (why.ok()) why = taken;
      heard = sent_first = steady_clock::now();
      written = false;  // a script may have been queued again
    } else if (!under_way.empty() && steady_clock::now() - sent_first >= limit) {
      why = absl::UnavailableError(
          absl::StrCat("Redis ", connection.server().address, ": no answer in time"));
    }
    if (!why.ok()) break;
  }
  if (why.ok()) {  // stopping
    SetState(BreakerState::kOpen, absl::UnavailableError("the Redis client was closed"));
    FailAll(under_way, absl::UnavailableError("the Redis client was closed"));
    return absl::OkStatus();
  }
  SetState(BreakerState::kOpen, why);  // before: nothing joins what fails now
  FailAll(under_way, why);
  return why;
}

}  // namespace ipt::cache
