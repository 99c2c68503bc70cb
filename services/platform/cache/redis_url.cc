#include "platform/cache/redis_url.h"

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "platform/errors/status_macros.h"

namespace ipt::cache {
namespace {

// The text itself may hold a password by mistake, so it is not repeated.
absl::Status Bad(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("the Redis URL ", what,
                   "; write redis://host:6379, unix:///path/to/socket or "
                   "sentinel://host:26379,host:26379/master-name"));
}

absl::StatusOr<int> ParseDb(absl::string_view text) {
  int db = 0;
  if (!absl::SimpleAtoi(text, &db) || db < 0 || db > 1023) {
    return Bad("names a database that is not 0 to 1023");
  }
  return db;
}

absl::StatusOr<RedisAddress> ParseAddress(absl::string_view text, int default_port) {
  RedisAddress address;
  address.port = default_port;
  absl::string_view host = text;
  std::optional<absl::string_view> port;
  if (absl::ConsumePrefix(&host, "[")) {  // IPv6
    const size_t end = host.find(']');
    if (end == absl::string_view::npos) return Bad("has a [ without a ]");
    absl::string_view rest = host.substr(end + 1);
    host = host.substr(0, end);
    if (absl::ConsumePrefix(&rest, ":")) {
      port = rest;
    } else if (!rest.empty()) {
      return Bad("has no :port after the ]");
    }
  } else if (const size_t colon = host.find(':'); colon != absl::string_view::npos) {
    port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  if (host.empty()) return Bad("names no host");
  if (port.has_value() &&
      (!absl::SimpleAtoi(*port, &address.port) || address.port < 1 || address.port > 65535)) {
    return Bad("has a port that is not 1 to 65535");
  }
  address.host = std::string(host);
  return address;
}

}  // namespace

std::string RedisAddress::ToString() const {
  return socket.empty() ? absl::StrCat(host, ":", port) : socket;
}

absl::StatusOr<RedisUrl> ParseRedisUrl(absl::string_view text) {
  RedisUrl url;
  if (absl::ConsumePrefix(&text, "unix://")) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(text, absl::MaxSplits("?db=", 1));
    if (!absl::StartsWith(parts.first, "/")) return Bad("names no absolute path");
    if (!parts.second.empty()) {
      IPT_ASSIGN_OR_RETURN(url.db, ParseDb(parts.second));
    }
    url.addresses.push_back({"", 0, std::string(parts.first)});
    return url;
  }
  if (absl::StartsWith(text, "rediss://")) {
    return Bad("asks for TLS, which a sidecar has to do (docs/operations.md)");
  }
  const bool sentinel = absl::ConsumePrefix(&text, "sentinel://");
  if (!sentinel && !absl::ConsumePrefix(&text, "redis://")) return Bad("has an unknown scheme");
  if (const size_t at = text.rfind('@'); at != absl::string_view::npos) {
    const absl::string_view user = text.substr(0, at);
    if (absl::StrContains(user, ":")) {
      return Bad("holds a password; put it into a file and name that by --redis_password_file");
    }
    url.user = std::string(user);
    text.remove_prefix(at + 1);
  }
  std::vector<absl::string_view> path = absl::StrSplit(text, '/');
  for (const absl::string_view address : absl::StrSplit(path[0], ',')) {
    IPT_ASSIGN_OR_RETURN(RedisAddress parsed, ParseAddress(address, sentinel ? 26379 : 6379));
    url.addresses.push_back(std::move(parsed));
  }
  if (!sentinel && url.addresses.size() > 1) return Bad("names more than one server");
  size_t next = 1;
  if (sentinel) {
    if (path.size() < 2 || path[1].empty()) return Bad("names no master after the sentinels");
    url.master = std::string(path[1]);
    next = 2;
  }
  if (path.size() > next && !path[next].empty()) {
    IPT_ASSIGN_OR_RETURN(url.db, ParseDb(path[next]));
  }
  if (path.size() > next + 1) return Bad("goes on after the database");
  return url;
}

}  // namespace ipt::cache
