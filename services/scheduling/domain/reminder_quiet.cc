#include "scheduling/domain/reminder_quiet.h"

#include <algorithm>

#include "scheduling/domain/time_zone.h"

namespace ipt::scheduling {
namespace {

absl::Time First(absl::CivilSecond local, const absl::TimeZone& zone) {
  const absl::TimeZone::TimeInfo info = zone.At(local);
  return info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.pre;
}

absl::Time Last(absl::CivilSecond local, const absl::TimeZone& zone) {
  const absl::TimeZone::TimeInfo info = zone.At(local);
  return info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.post;
}

// Those that begin on `day`.
Interval QuietHoursOf(const QuietHours& quiet, const absl::TimeZone& zone, absl::CivilDay day) {
  const absl::CivilDay end_day = quiet.end_minute <= quiet.start_minute ? day + 1 : day;
  return {First(absl::CivilSecond(day) + 60 * quiet.start_minute, zone),
          Last(absl::CivilSecond(end_day) + 60 * quiet.end_minute, zone)};
}

}  // namespace

std::optional<Interval> QuietHoursAt(const QuietHours& quiet, const absl::TimeZone& zone,
                                     absl::Time instant) {
  const absl::CivilDay today = LocalDay(instant, zone);
  // Tomorrow's, too: where clocks go back over midnight, they may have begun already.
  for (absl::CivilDay day = today - 1; day <= today + 1; ++day) {
    const Interval hours = QuietHoursOf(quiet, zone, day);
    if (hours.start <= instant && instant < hours.end) return hours;
  }
  return std::nullopt;
}

absl::Time NextQuietHours(const QuietHours& quiet, const absl::TimeZone& zone, absl::Time instant) {
  absl::CivilDay day = LocalDay(instant, zone) - 1;
  while (true) {
    const Interval hours = QuietHoursOf(quiet, zone, day++);
    // Empty where clocks skip all of them.
    if (hours.start > instant && hours.start < hours.end) return hours.start;
  }
}

bool SkipQuietHours(Reminder& reminder, absl::Time earliest) {
  reminder.next = earliest;
  reminder.quiet_from = kNoQuietTime;
  if (reminder.quiet_hours.has_value()) {
    absl::TimeZone zone = absl::UTCTimeZone();  // where tzdata has lost a stored zone
    if (const auto stored = StoredZone(reminder.variables.time_zone); stored.ok()) zone = *stored;
    // Twice at most: where clocks go back, the end of one night's may lie in the next one's.
    while (const auto hours = QuietHoursAt(*reminder.quiet_hours, zone, reminder.next)) {
      reminder.next = hours->end;
    }
    reminder.quiet_from = NextQuietHours(*reminder.quiet_hours, zone, reminder.next);
  }
  return reminder.next < reminder.not_after;
}

}  // namespace ipt::scheduling
