#include "platform/cache/redis_connection.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "platform/errors/status_macros.h"

namespace ipt::cache {
namespace {

// ZMSCORE and SET's GET are of 6.2.
constexpr int kLeastMajor = 6;
constexpr int kLeastMinor = 2;

absl::string_view InfoField(absl::string_view info, absl::string_view name) {
  for (absl::string_view line : absl::StrSplit(info, "\r\n")) {
    if (absl::ConsumePrefix(&line, name) && absl::ConsumePrefix(&line, ":")) return line;
  }
  return {};
}

}  // namespace

void AppendRedisCommand(std::string& out, absl::Span<const absl::string_view> args) {
  absl::StrAppend(&out, "*", args.size(), "\r\n");
  for (const absl::string_view arg : args) {
    absl::StrAppend(&out, "$", arg.size(), "\r\n", arg, "\r\n");
  }
}

void RedisConnection::Free::operator()(redisContext* context) const { redisFree(context); }

RedisConnection::~RedisConnection() = default;

int RedisConnection::fd() const { return context_->fd; }

absl::Status RedisConnection::Error(absl::string_view doing) const {
  absl::string_view what = context_->errstr;
  if (context_->err == REDIS_ERR_EOF) what = "it closed the connection";
  if (context_->err == REDIS_ERR_IO && errno == EAGAIN) what = "no answer in time";
  return absl::UnavailableError(absl::StrCat("Redis ", server_.address, ": ", doing, ": ", what));
}

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisConnection::Connect(
    const RedisOptions& options, const RedisAddress& address) {
  std::unique_ptr<RedisConnection> connection(new RedisConnection);
  connection->server_.address = address.ToString();
  const timeval limit = absl::ToTimeval(options.connect_timeout);
  connection->context_.reset(
      address.socket.empty() ? redisConnectWithTimeout(address.host.c_str(), address.port, limit)
                             : redisConnectUnixWithTimeout(address.socket.c_str(), limit));
  redisContext* context = connection->context_.get();
  if (context == nullptr) return absl::ResourceExhaustedError("no memory for a Redis connection");
  if (context->err != 0 || redisSetTimeout(context, limit) != REDIS_OK) {
    return connection->Error("connecting");
  }
  if (address.socket.empty()) (void)redisEnableKeepAlive(context);
  return connection;
}

absl::StatusOr<RedisReply> RedisConnection::Call(absl::Span<const absl::string_view> args) {
  std::string command;
  AppendRedisCommand(command, args);
  void* reply = nullptr;
  if (redisAppendFormattedCommand(context_.get(), command.data(), command.size()) != REDIS_OK ||
      redisGetReply(context_.get(), &reply) != REDIS_OK) {
    return Error(args[0]);
  }
  RedisReply owned(static_cast<redisReply*>(reply));
  if (owned.is_error()) {
    return absl::UnavailableError(
        absl::StrCat("Redis ", server_.address, ": ", args[0], ": ", owned.text()));
  }
  return owned;
}

absl::Status RedisConnection::Authenticate(const RedisOptions& options, absl::string_view user) {
  if (options.password == nullptr) {
    if (user.empty()) return absl::OkStatus();
    return absl::UnavailableError("the Redis user of the URL needs --redis_password_file");
  }
  IPT_ASSIGN_OR_RETURN(const std::string password, options.password());
  if (user.empty()) return Call({"AUTH", password}).status();
  return Call({"AUTH", user, password}).status();
}

absl::StatusOr<RedisAddress> RedisConnection::AskSentinels(const RedisOptions& options) {
  std::vector<std::string> wrong;
  for (const RedisAddress& sentinel : options.url.addresses) {
    const auto ask = [&]() -> absl::StatusOr<RedisAddress> {
      IPT_ASSIGN_OR_RETURN(const auto connection, Connect(options, sentinel));
      const std::vector<absl::string_view> question = {"SENTINEL", "get-master-addr-by-name",
                                                       options.url.master};
      absl::StatusOr<RedisReply> reply = connection->Call(question);
      if (!reply.ok() && absl::StrContains(reply.status().message(), "NOAUTH")) {
        IPT_RETURN_IF_ERROR(connection->Authenticate(options, ""));
        reply = connection->Call(question);
      }
      IPT_RETURN_IF_ERROR(reply.status());
      RedisAddress master{std::string((*reply)[0].text()), 0, ""};
      if (!absl::SimpleAtoi((*reply)[1].text(), &master.port)) {
        return absl::UnavailableError(absl::StrCat("the sentinel ", sentinel.ToString(),
                                                   " knows no master ", options.url.master));
      }
      return master;
    };
    absl::StatusOr<RedisAddress> master = ask();
    if (master.ok()) return master;
    wrong.emplace_back(master.status().message());
  }
  return absl::UnavailableError(absl::StrCat("no sentinel answers: ", absl::StrJoin(wrong, "; ")));
}

absl::Status RedisConnection::ReadFacts() {
  IPT_ASSIGN_OR_RETURN(const RedisReply role, Call({"ROLE"}));
  if (role[0].text() != "master") {
    return absl::UnavailableError(
        absl::StrCat("Redis ", server_.address, " is a ", role[0].text(), ", not the master"));
  }
  IPT_ASSIGN_OR_RETURN(const RedisReply info, Call({"INFO"}));
  server_.run_id = std::string(InfoField(info.text(), "run_id"));
  server_.version = std::string(InfoField(info.text(), "redis_version"));
  server_.eviction = std::string(InfoField(info.text(), "maxmemory_policy"));
  const std::vector<std::string> parts = absl::StrSplit(server_.version, '.');
  int major = 0;
  int minor = 0;
  if (parts.size() < 2 || !absl::SimpleAtoi(parts[0], &major) ||
      !absl::SimpleAtoi(parts[1], &minor) || server_.run_id.empty()) {
    return absl::UnavailableError(
        absl::StrCat("Redis ", server_.address, " does not say its version"));
  }
  if (major < kLeastMajor || (major == kLeastMajor && minor < kLeastMinor)) {
    return absl::UnavailableError(absl::StrCat("Redis ", server_.address, " is of version ",
                                               server_.version, "; 6.2 or later is needed"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisConnection::Open(
    const RedisOptions& options) {
  RedisAddress address = options.url.addresses[0];
  if (!options.url.master.empty()) {
    IPT_ASSIGN_OR_RETURN(address, AskSentinels(options));
  }
  IPT_ASSIGN_OR_RETURN(auto connection, Connect(options, address));
  IPT_RETURN_IF_ERROR(connection->Authenticate(options, options.url.user));
  if (options.url.db != 0) {
    IPT_RETURN_IF_ERROR(connection->Call({"SELECT", absl::StrCat(options.url.db)}).status());
  }
  IPT_RETURN_IF_ERROR(connection->ReadFacts());
  return connection;
}

absl::Status RedisConnection::StopBlocking() {
  const int flags = fcntl(context_->fd, F_GETFL);
  if (flags < 0 || fcntl(context_->fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return absl::UnavailableError("fcntl of a Redis connection");
  }
  context_->flags &= ~REDIS_BLOCK;
  return absl::OkStatus();
}

absl::Status RedisConnection::Append(absl::string_view commands) {
  if (redisAppendFormattedCommand(context_.get(), commands.data(), commands.size()) != REDIS_OK) {
    return Error("queueing");
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> RedisConnection::Write() {
  int done = 0;
  if (redisBufferWrite(context_.get(), &done) != REDIS_OK) return Error("writing");
  return done != 0;
}

absl::Status RedisConnection::Read() {
  return redisBufferRead(context_.get()) == REDIS_OK ? absl::OkStatus() : Error("reading");
}

absl::StatusOr<std::optional<RedisReply>> RedisConnection::Next() {
  void* reply = nullptr;
  if (redisGetReplyFromReader(context_.get(), &reply) != REDIS_OK) return Error("reading");
  if (reply == nullptr) return std::optional<RedisReply>();
  return std::optional<RedisReply>(RedisReply(static_cast<redisReply*>(reply)));
}

}  // namespace ipt::cache
