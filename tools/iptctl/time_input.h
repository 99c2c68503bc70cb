// Times as people type them. Never guesses: a local time needs a zone, one that clocks skip is
// refused, one that they show twice is the first, with a note.
//
// Errors are INVALID_ARGUMENT with a sentence that says what to type instead.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace ipt::ctl {

struct TimeContext {
  absl::Time now;
  // Zone of local times; without one they are refused.
  std::optional<absl::TimeZone> zone;
  // What the reader should know about how their input was read.
  std::vector<std::string> notes;
};

// 2026-12-01T09:00:00Z, 2026-12-01T09:00+01:00, local 2026-12-01T09:00 (a blank may stand for the
// T), now, or +90m, +2d, +3w from now.
absl::StatusOr<absl::Time> ParseInstant(absl::string_view text, TimeContext& context);

// 2026-12-01, today, tomorrow, or +10d, +2w from today; words need a zone.
absl::StatusOr<absl::CivilDay> ParseDay(absl::string_view text, const TimeContext& context);

// Minutes since 00:00 of "09:00"; 24:00 is 1440.
absl::StatusOr<int> ParseTimeOfDay(absl::string_view text);

// 90m, 1h30m, 45s, 10d, 2w; not negative.
absl::StatusOr<absl::Duration> ParseSpan(absl::string_view text);

// START..END; END may be a time of day on START's local day, or +SPAN.
absl::StatusOr<std::pair<absl::Time, absl::Time>> ParseTimeRange(absl::string_view text,
                                                                 TimeContext& context);

// FIRST..LAST, or one day.
absl::StatusOr<std::pair<absl::CivilDay, absl::CivilDay>> ParseDayRange(absl::string_view text,
                                                                        const TimeContext& context);

// INVALID_ARGUMENT: "TEXT" is not WANTED.
absl::Status IsNot(absl::string_view text, absl::string_view wanted);

}  // namespace ipt::ctl
