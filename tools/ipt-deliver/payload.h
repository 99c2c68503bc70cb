// The JSON that a receiver is given, one line a reminder. Its shape is a contract, documented in
// docs/ipt-deliver.md: keys are only ever added to a version.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "ipt/scheduling/v1/reminder.pb.h"

namespace ipt::deliver {

inline constexpr int kPayloadVersion = 1;

// `idempotency_key`: empty where there is none yet (then null). Without a line's end.
std::string PayloadOf(const scheduling::v1::Reminder& reminder, absl::string_view idempotency_key);

}  // namespace ipt::deliver
