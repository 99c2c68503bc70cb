#include "scheduling/domain/time_zone.h"

#include <algorithm>

namespace ipt::scheduling {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

}  // namespace

LocalInstant ResolveLocal(absl::CivilSecond local, const absl::TimeZone& zone) {
  const absl::TimeZone::TimeInfo info = zone.At(local);
  switch (info.kind) {
    case absl::TimeZone::TimeInfo::SKIPPED:
      return {info.pre, LocalTimeKind::kSkipped};
    case absl::TimeZone::TimeInfo::REPEATED:
      return {info.pre, LocalTimeKind::kRepeated};
    default:
      return {info.pre, LocalTimeKind::kUnique};
  }
}

absl::Time DayStart(absl::CivilDay day, const absl::TimeZone& zone) {
  const absl::TimeZone::TimeInfo info = zone.At(absl::CivilSecond(day));
  return info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.pre;
}

Interval SpanOfDays(const DayRange& days, const absl::TimeZone& zone) {
  return {DayStart(days.first, zone), DayStart(days.last + 1, zone)};
}

absl::CivilDay LocalDay(absl::Time instant, const absl::TimeZone& zone) {
  return absl::CivilDay(zone.At(instant).cs);
}

int MinuteOfDay(absl::Time instant, const absl::TimeZone& zone) {
  const absl::CivilSecond local = zone.At(instant).cs;
  return local.hour() * 60 + local.minute();
}

Weekday WeekdayOf(absl::CivilDay day) {
  return static_cast<Weekday>(static_cast<int>(absl::GetWeekday(day)) + 1);
}

LocalDays::LocalDays(const absl::TimeZone& zone, absl::CivilDay first, absl::CivilDay last)
    : zone_(zone), first_(first) {
  const int days = std::max<int>(0, static_cast<int>(last - first) + 1);
  starts_.reserve(days + 1);
  clock_change_.assign(days, false);
  starts_.push_back(DayStart(first, zone));
  absl::Time change;  // the first clock change after the start of the day in hand
  auto find_change = [&](absl::Time after) {
    absl::TimeZone::CivilTransition transition;
    change = zone.NextTransition(after, &transition) ? zone.At(transition.to).trans
                                                     : absl::InfiniteFuture();
  };
  // A change at the very start of a day belongs to the day before, unless it moves that start.
  find_change(starts_[0] - absl::Nanoseconds(1));
  for (int i = 0; i < days; ++i) {
    const absl::Time start = starts_[i];
    if (change < start) find_change(start - absl::Nanoseconds(1));
    const absl::Time next = start + kDay;
    if (change > next) {
      starts_.push_back(next);
    } else {
      clock_change_[i] = true;
      starts_.push_back(DayStart(first + (i + 1), zone));
    }
  }
}

LocalInstant LocalDays::At(int index, int minute) const {
  if (!clock_change_[index])
    return {starts_[index] + absl::Minutes(minute), LocalTimeKind::kUnique};
  return ResolveLocal(absl::CivilSecond(day(index)) + 60 * minute, zone_);
}

absl::Time LocalDays::Bound(int index, int minute) const {
  if (!clock_change_[index]) return starts_[index] + absl::Minutes(minute);
  const absl::TimeZone::TimeInfo info = zone_.At(absl::CivilSecond(day(index)) + 60 * minute);
  return info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.pre;
}

int LocalDays::IndexAt(absl::Time instant) const {
  if (instant < starts_.front()) return -1;
  if (instant >= starts_.back()) return size();
  int index = std::min<int>(static_cast<int>((instant - starts_.front()) / kDay), size() - 1);
  while (instant < starts_[index]) --index;
  while (instant >= starts_[index + 1]) ++index;
  return index;
}

int LocalDays::MinuteAt(int index, absl::Time instant) const {
  if (!clock_change_[index]) {
    return static_cast<int>(absl::ToInt64Minutes(instant - starts_[index]));
  }
  return MinuteOfDay(instant, zone_);
}

}  // namespace ipt::scheduling
