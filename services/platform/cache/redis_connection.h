// One connection to the Redis that takes writes, from its address (through Sentinel, if need be) to
// a checked, authenticated session. Every wait is bounded. A connection that gave an error is of no
// more use.
//
// Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "platform/cache/redis_reply.h"
#include "platform/cache/redis_url.h"

struct redisContext;  // hiredis

namespace ipt::cache {

struct RedisOptions {
  RedisUrl url;
  // Asked for at every connection, so that a changed password is taken up. Unset: none. Sentinels
  // that ask for a password are given the same.
  std::function<absl::StatusOr<std::string>()> password = nullptr;
  // To connect, and for each answer until the session stands.
  absl::Duration connect_timeout = absl::Seconds(1);
  // For each answer after that.
  absl::Duration command_timeout = absl::Milliseconds(500);
};

// What a server says of itself.
struct RedisServer {
  std::string address;
  std::string run_id;  // another one after each restart, and of each replica
  std::string version;
  std::string eviction;  // "noeviction", or what it may do to our keys
};

// One command in Redis' protocol, appended to `out`.
void AppendRedisCommand(std::string& out, absl::Span<const absl::string_view> args);

class RedisConnection {
 public:
  // Finds the master, connects, authenticates, selects the database and checks that it is a master
  // of a version that has what we use. UNAVAILABLE with a sentence that holds no secret.
  static absl::StatusOr<std::unique_ptr<RedisConnection>> Open(const RedisOptions& options);
  ~RedisConnection();

  const RedisServer& server() const { return server_; }
  int fd() const;

  // Sends one command and waits for its answer at most for the connect timeout; error answers are
  // errors.
  absl::StatusOr<RedisReply> Call(absl::Span<const absl::string_view> args);

  // For who polls: StopBlocking once, then these.
  absl::Status StopBlocking();
  absl::Status Append(absl::string_view commands);
  // True when everything is written.
  absl::StatusOr<bool> Write();
  // Takes what has arrived.
  absl::Status Read();
  // The next complete answer, or none yet.
  absl::StatusOr<std::optional<RedisReply>> Next();

 private:
  struct Free {
    void operator()(redisContext* context) const;
  };
  RedisConnection() = default;

  static absl::StatusOr<std::unique_ptr<RedisConnection>> Connect(const RedisOptions& options,
                                                                  const RedisAddress& address);
  static absl::StatusOr<RedisAddress> AskSentinels(const RedisOptions& options);
  absl::Status Authenticate(const RedisOptions& options, absl::string_view user);
  absl::Status ReadFacts();
  absl::Status Error(absl::string_view doing) const;

  std::unique_ptr<redisContext, Free> context_;
  RedisServer server_;
};

}  // namespace ipt::cache
