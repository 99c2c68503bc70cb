// Where Redis is, as the setting says it:
//
//   redis://[user@]host:port[/db]                      one server
//   unix:///path/to/socket[?db=n]                      the same by its socket
//   sentinel://[user@]host:port,host:port/master[/db]  the master that Sentinel names
//
// No passwords: they come from a file. `rediss://` is refused: Debian's hiredis has no TLS, a
// sidecar (stunnel, ghostunnel, a service mesh) does it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ipt::cache {

struct RedisAddress {
  std::string host;  // or, where `socket` is set, empty
  int port = 0;
  std::string socket;

  std::string ToString() const;
};

struct RedisUrl {
  std::vector<RedisAddress> addresses;  // the server, or the sentinels
  std::string master;                   // Sentinel's name of it; empty: no Sentinel
  std::string user;
  int db = 0;
};

// INVALID_ARGUMENT with a sentence that says what to write.
absl::StatusOr<RedisUrl> ParseRedisUrl(absl::string_view text);

}  // namespace ipt::cache
