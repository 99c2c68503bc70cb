#include "iptctl/time_input.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace ipt::ctl {
namespace {

absl::Status NeedsZone(absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text,
                   "\" is a local time: say whose with --zone, e.g. --zone Europe/London, "
                   "or give an offset, e.g. 2026-12-01T09:00+01:00"));
}

bool ParseDigits(absl::string_view text, size_t digits, int& value) {
  if (text.size() != digits) return false;
  for (char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return absl::SimpleAtoi(text, &value);
}

// Strictly YYYY-MM-DD, an existing day.
bool ParseCalendarDay(absl::string_view text, absl::CivilDay& day) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '-');
  int y, m, d;
  if (parts.size() != 3 || !ParseDigits(parts[0], 4, y) || !ParseDigits(parts[1], 2, m) ||
      !ParseDigits(parts[2], 2, d)) {
    return false;
  }
  day = absl::CivilDay(y, m, d);
  return day.year() == y && day.month() == m && day.day() == d;
}

constexpr absl::string_view kInstantForms =
    "an instant: write 2026-12-01T09:00 (with --zone), 2026-12-01T09:00+01:00, now or +90m";

absl::StatusOr<absl::Time> ResolveLocal(absl::CivilSecond local, absl::string_view text,
                                        TimeContext& context) {
  const absl::TimeZone& zone = *context.zone;
  const absl::TimeZone::TimeInfo info = zone.At(local);
  const auto full = [&](absl::Time t) { return absl::FormatTime("%Y-%m-%dT%H:%M%Ez", t, zone); };
  switch (info.kind) {
    case absl::TimeZone::TimeInfo::UNIQUE:
      return info.pre;
    case absl::TimeZone::TimeInfo::SKIPPED:
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", text, "\" does not exist in ", zone.name(), ": clocks go forward over it. Write ",
          full(info.post), " or ", full(info.pre)));
    case absl::TimeZone::TimeInfo::REPEATED:
      context.notes.push_back(absl::StrCat(text, " occurs twice in ", zone.name(),
                                           "; taken as the first, ", full(info.pre),
                                           ". For the second write ", full(info.post)));
      return info.pre;
  }
  return IsNot(text, kInstantForms);
}

}  // namespace

absl::Status IsNot(absl::string_view text, absl::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not ", wanted));
}

absl::StatusOr<absl::Duration> ParseSpan(absl::string_view text) {
  absl::string_view number = text;
  int count = 0;
  absl::Duration span;
  if (absl::ConsumeSuffix(&number, "w") && absl::SimpleAtoi(number, &count)) {
    span = absl::Hours(24) * 7 * count;
  } else if (number = text; absl::ConsumeSuffix(&number, "d") && absl::SimpleAtoi(number, &count)) {
    span = absl::Hours(24) * count;
  } else if (!absl::ParseDuration(text, &span)) {
    return IsNot(text, "a span of time: write 90m, 1h30m, 10d or 2w");
  }
  if (span < absl::ZeroDuration()) return IsNot(text, "a span of time: it is negative");
  return span;
}

absl::StatusOr<absl::Time> ParseInstant(absl::string_view text, TimeContext& context) {
  if (text == "now") return context.now;
  if (absl::StartsWith(text, "+")) {
    const absl::StatusOr<absl::Duration> span = ParseSpan(text.substr(1));
    if (!span.ok()) return span.status();
    return context.now + *span;
  }
  const auto cut = text.find_first_of("Tt ");
  absl::CivilDay day;
  if (cut == absl::string_view::npos || !ParseCalendarDay(text.substr(0, cut), day)) {
    return IsNot(text, kInstantForms);
  }
  const absl::string_view clock = text.substr(cut + 1);
  const auto offset_at = clock.find_first_of("Zz+-");
  // ParseTime demands seconds; people leave them out.
  std::string seconds(clock.substr(0, offset_at));
  if (seconds.size() == 5) seconds += ":00";
  const std::string offset =
      offset_at == absl::string_view::npos ? "" : absl::AsciiStrToUpper(clock.substr(offset_at));
  const std::string rfc3339 =
      absl::StrCat(text.substr(0, cut), "T", seconds, offset.empty() ? "Z" : offset);
  absl::Time instant;
  std::string problem;
  if (seconds.size() < 8 || absl::StartsWith(seconds.substr(6), "60") ||
      !absl::ParseTime(absl::RFC3339_full, rfc3339, &instant, &problem)) {
    return IsNot(text, kInstantForms);
  }
  if (!offset.empty()) return instant;
  if (!context.zone) return NeedsZone(text);
  return ResolveLocal(absl::ToCivilSecond(instant, absl::UTCTimeZone()), text, context);
}

absl::StatusOr<absl::CivilDay> ParseDay(absl::string_view text, const TimeContext& context) {
  absl::CivilDay day;
  if (ParseCalendarDay(text, day)) return day;
  absl::CivilDay today;
  if (context.zone) today = absl::ToCivilDay(context.now, *context.zone);
  int days = 0;
  if (text == "tomorrow") {
    days = 1;
  } else if (absl::StartsWith(text, "+")) {
    const absl::StatusOr<absl::Duration> span = ParseSpan(text.substr(1));
    if (!span.ok() || *span % absl::Hours(24) != absl::ZeroDuration()) {
      return IsNot(text, "a number of days: write +10d or +2w");
    }
    days = static_cast<int>(*span / absl::Hours(24));
  } else if (text != "today") {
    return IsNot(text, "a day: write 2026-12-01, today, tomorrow, +10d or +2w");
  }
  if (!context.zone) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" depends on where: say it with --zone, e.g. Europe/London"));
  }
  return today + days;
}

absl::StatusOr<int> ParseTimeOfDay(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  int hour, minute;
  if (parts.size() != 2 || !ParseDigits(parts[0], parts[0].size() == 1 ? 1 : 2, hour) ||
      !ParseDigits(parts[1], 2, minute) || minute > 59 || hour * 60 + minute > 24 * 60) {
    return IsNot(text, "a time of day: write 09:00, up to 24:00");
  }
  return hour * 60 + minute;
}

absl::StatusOr<std::pair<absl::Time, absl::Time>> ParseTimeRange(absl::string_view text,
                                                                 TimeContext& context) {
  const std::pair<absl::string_view, absl::string_view> ends =
      absl::StrSplit(text, absl::MaxSplits("..", 1));
  if (ends.second.empty()) {
    return IsNot(text, "a span: write START..END, e.g. 2026-12-05T09:00..13:00");
  }
  const absl::StatusOr<absl::Time> start = ParseInstant(ends.first, context);
  if (!start.ok()) return start.status();
  absl::StatusOr<absl::Time> end;
  if (absl::StartsWith(ends.second, "+")) {
    const absl::StatusOr<absl::Duration> span = ParseSpan(ends.second.substr(1));
    if (!span.ok()) return span.status();
    end = *start + *span;
  } else if (const absl::StatusOr<int> minute = ParseTimeOfDay(ends.second); minute.ok()) {
    if (!context.zone) return NeedsZone(ends.second);
    const absl::CivilDay day = absl::ToCivilDay(*start, *context.zone);
    end = ResolveLocal(absl::CivilSecond(day) + int64_t{*minute} * 60, ends.second, context);
  } else {
    end = ParseInstant(ends.second, context);
  }
  if (!end.ok()) return end.status();
  if (*end <= *start) return IsNot(text, "a span: it ends before it starts");
  return std::make_pair(*start, *end);
}

absl::StatusOr<std::pair<absl::CivilDay, absl::CivilDay>> ParseDayRange(
    absl::string_view text, const TimeContext& context) {
  const std::pair<absl::string_view, absl::string_view> ends =
      absl::StrSplit(text, absl::MaxSplits("..", 1));
  const absl::StatusOr<absl::CivilDay> first = ParseDay(ends.first, context);
  if (!first.ok()) return first.status();
  if (!absl::StrContains(text, "..")) return std::make_pair(*first, *first);
  const absl::StatusOr<absl::CivilDay> last = ParseDay(ends.second, context);
  if (!last.ok()) return last.status();
  if (*last < *first) return IsNot(text, "a run of days: it ends before it starts");
  return std::make_pair(*first, *last);
}

}  // namespace ipt::ctl
