#include "ipt-deliver/outcome.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace ipt::deliver {
namespace {

constexpr absl::Duration kLongestDelay = absl::Hours(24);

}  // namespace

Outcome Sent() { return {}; }

Outcome Retry(absl::string_view reason) {
  return {.word = v1::ATTEMPT_OUTCOME_RETRY, .reason = std::string(reason)};
}

Outcome ReceiverFault(absl::string_view reason) {
  Outcome outcome = Retry(reason);
  outcome.receiver_fault = true;
  return outcome;
}

Outcome OutcomeOfStatus(long status, absl::Duration retry_after) {
  if (status >= 200 && status <= 299) return Sent();
  const std::string reason = absl::StrCat("HTTP_", status);
  switch (status) {
    case 400:
    case 410:
    case 413:
    case 422:
      return {.word = v1::ATTEMPT_OUTCOME_DEAD, .reason = reason};
    default:
      break;
  }
  Outcome outcome = status == 409 ? Retry(reason) : ReceiverFault(reason);
  outcome.retry_delay = std::clamp(retry_after, absl::ZeroDuration(), kLongestDelay);
  return outcome;
}

}  // namespace ipt::deliver
