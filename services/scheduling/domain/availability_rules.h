// The rules that clinics, therapists and the spans in their calendars keep. Pure functions. Each
// adds a violation for everything that is wrong, named by its field as in the contract.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/errors/field_violations.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

inline constexpr int kMaxTimeOffDays = 731;  // two years, one of them a leap year
inline constexpr absl::Duration kMaxExtraHours = absl::Hours(24);

void CheckClinic(const Clinic& clinic, FieldViolations& bad);

// `working_hours` are taken as read: their reader has seen to them. An empty zone passes: it is the
// clinic's.
void CheckTherapist(const Therapist& therapist, FieldViolations& bad);

// Names first and last of a DateRange.
void CheckTimeOffDays(const DayRange& days, FieldViolations& bad);

// Names start_time and end_time of a TimeRange; `longest` in words is `limit`.
void CheckTimeRange(const Interval& interval, absl::Duration longest, absl::string_view limit,
                    FieldViolations& bad);

// The tag in BCP 47's usual case ("pt-BR", "zh-Hant"), nullopt when it has not the shape of one.
// Whether the language exists is not asked.
std::optional<std::string> CanonicalLanguage(absl::string_view tag);

}  // namespace ipt::scheduling
