#include "client/channel.h"

#include "absl/strings/str_cat.h"
#include "platform/server/loopback.h"

namespace ipt::client {

absl::Status CheckTarget(const Target& target) {
  if (target.cert.empty() == target.key.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError("--cert and --key go together: give both or neither");
}

absl::Status CheckTokenIsSafe(const Target& target, absl::string_view consent) {
  if (UsesTls(target) || server::IsLoopback(target.server)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the token would cross the network in the clear: add --tls (or --ca FILE), or "
                   "say ",
                   consent));
}

}  // namespace ipt::client
