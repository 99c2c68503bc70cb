// What became of one attempt to deliver, and what a webhook's answer means.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "ipt/scheduling/v1/delivery_service.pb.h"

namespace ipt::deliver {

namespace v1 = ipt::scheduling::v1;

struct Outcome {
  v1::AttemptOutcome word = v1::ATTEMPT_OUTCOME_SENT;
  std::string reason{};                               // RETRY and DEAD: 1 to 64 of A-Z, 0-9 and _
  absl::Duration retry_delay = absl::ZeroDuration();  // RETRY: not before this long
  // It tells of the receiver as a whole (down, overloaded, misconfigured), not of this reminder.
  bool receiver_fault = false;
};

Outcome Sent();
Outcome Retry(absl::string_view reason);
Outcome ReceiverFault(absl::string_view reason);

// 2xx: SENT. 400, 410, 413, 422: DEAD, since they speak of this message. All else: RETRY, and but
// for 409 a fault of the receiver, so that a wrong path or key kills no queue. `retry_after` is the
// answer's; more than a day counts as a day.
Outcome OutcomeOfStatus(long status, absl::Duration retry_after);

}  // namespace ipt::deliver
