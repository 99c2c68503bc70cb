#include "platform/server/loopback.h"

#include <arpa/inet.h>

#include <cstring>
#include <string>

#include "absl/strings/match.h"

namespace ipt::server {
namespace {

// Without its port, and without the brackets of an IPv6 address.
absl::string_view HostOf(absl::string_view address) {
  const size_t colon = address.rfind(':');
  if (absl::StartsWith(address, "[")) {
    const size_t end = address.find(']');
    const bool closed =
        end != absl::string_view::npos && (end + 1 == address.size() || end + 1 == colon);
    return closed ? address.substr(1, end - 1) : "";
  }
  // Several colons without brackets: an IPv6 address without a port.
  return colon != address.find(':') ? address : address.substr(0, colon);
}

}  // namespace

bool IsLoopback(absl::string_view address) {
  if (absl::StartsWith(address, "unix:")) return true;
  const std::string host(HostOf(address));
  if (host == "localhost") return true;
  in_addr v4 = {};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6 = {};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 &&
         std::memcmp(&v6, &in6addr_loopback, sizeof(v6)) == 0;
}

}  // namespace ipt::server
