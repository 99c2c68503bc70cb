#include "platform/cache/redis_wake.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"

namespace ipt::cache {
namespace {

using std::chrono::steady_clock;

constexpr auto kPingAfter = std::chrono::seconds(5);
constexpr auto kRetryPause = std::chrono::seconds(1);

}  // namespace

// At most one message of a kind is on its way; more of it become one that follows.
struct RedisWake::Outbox {
  Outbox(RedisClient& client, std::string to, std::string us)
      : redis(client), channel(std::move(to)), sender(std::move(us)) {}

  RedisClient& redis;
  const std::string channel;
  const std::string sender;  // of this process: it has heard itself already
  std::mutex mutex;
  absl::flat_hash_map<std::string, bool> under_way;  // true: again afterwards
};

RedisWake::RedisWake(RedisClient& redis, RedisOptions options, absl::string_view channel)
    : options_(std::move(options)),
      channel_(channel),
      outbox_(std::make_shared<Outbox>(redis, channel_, RandomIdSource().NewUuid())),
      stop_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  thread_ = std::thread([this] { Run(); });
}

RedisWake::~RedisWake() {
  const uint64_t one = 1;
  (void)!write(stop_fd_, &one, sizeof(one));
  thread_.join();
  close(stop_fd_);
}

void RedisWake::Ring(absl::string_view topic, absl::string_view detail) {
  local_.Ring(topic, detail);
  const std::string message = absl::StrCat(outbox_->sender, " ", topic, " ", detail);
  {
    std::lock_guard<std::mutex> lock(outbox_->mutex);
    const auto [it, is_new] = outbox_->under_way.try_emplace(message, false);
    if (!is_new) {
      it->second = true;
      return;
    }
  }
  Publish(outbox_, message);
}

void RedisWake::Publish(const std::shared_ptr<Outbox>& outbox, const std::string& message) {
  outbox->redis.Send({"PUBLISH", outbox->channel, message},
                     [outbox, message](const RedisClient::Answer& answer) {
                       {
                         std::lock_guard<std::mutex> lock(outbox->mutex);
                         const auto it = outbox->under_way.find(message);
                         if (!answer.ok() || !it->second) {
                           outbox->under_way.erase(it);
                           return;
                         }
                         it->second = false;
                       }
                       Publish(outbox, message);
                     });
}

std::unique_ptr<Wake::Listener> RedisWake::Listen(absl::string_view topic, Heard heard) {
  return local_.Listen(topic, std::move(heard));
}

bool RedisWake::AwaitSubscribed(absl::Duration limit) const {
  const auto end = steady_clock::now() + absl::ToChronoNanoseconds(limit);
  while (!subscribed_ && steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return subscribed_;
}

void RedisWake::Hear(const RedisReply& message) {
  if (message[0].text() != "message") return;
  const std::vector<absl::string_view> words = absl::StrSplit(message[2].text(), ' ');
  if (words.size() == 3 && words[0] != outbox_->sender) local_.Ring(words[1], words[2]);
}

absl::Status RedisWake::Subscribe(RedisConnection& connection) {
  IPT_RETURN_IF_ERROR(connection.Call({"SUBSCRIBE", channel_}).status());
  IPT_RETURN_IF_ERROR(connection.StopBlocking());
  subscribed_ = true;
  local_.RingAll();
  auto heard = steady_clock::now();
  bool pinged = false;
  while (true) {
    const auto limit =
        pinged ? std::chrono::milliseconds(absl::ToInt64Milliseconds(options_.command_timeout))
               : std::chrono::duration_cast<std::chrono::milliseconds>(kPingAfter);
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(heard + limit - steady_clock::now());
    pollfd fds[2] = {{connection.fd(), POLLIN, 0}, {stop_fd_, POLLIN, 0}};
    poll(fds, 2, static_cast<int>(std::max<int64_t>(left.count(), 0)));
    if (fds[1].revents != 0) return absl::OkStatus();
    if (fds[0].revents != 0) {
      heard = steady_clock::now();
      pinged = false;
      IPT_RETURN_IF_ERROR(connection.Read());
      while (true) {
        IPT_ASSIGN_OR_RETURN(const std::optional<RedisReply> message, connection.Next());
        if (!message.has_value()) break;
        Hear(*message);
      }
    } else if (steady_clock::now() - heard >= limit) {
      if (pinged) return absl::UnavailableError("the subscription does not answer");
      std::string ping;
      AppendRedisCommand(ping, {"PING"});
      IPT_RETURN_IF_ERROR(connection.Append(ping));
      IPT_RETURN_IF_ERROR(connection.Write().status());  // a few bytes into an idle socket
      pinged = true;
      heard = steady_clock::now();
    }
  }
}

void RedisWake::Run() {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  while (true) {
    // The client's own breaker says why Redis is away; this says nothing of its own.
    auto connection = RedisConnection::Open(options_);
    if (connection.ok() && Subscribe(**connection).ok()) return;
    subscribed_ = false;
    pollfd stop = {stop_fd_, POLLIN, 0};
    poll(&stop, 1, static_cast<int>(std::chrono::milliseconds(kRetryPause).count()));
    if (stop.revents != 0) return;
  }
}

}  // namespace ipt::cache
