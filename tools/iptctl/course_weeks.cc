#include "iptctl/course_weeks.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "iptctl/value_text.h"

namespace ipt::ctl {
namespace {

using scheduling::v1::Course;
using scheduling::v1::Forecast;

Mark MarkOf(const scheduling::v1::Session& session, absl::Time now) {
  switch (session.state()) {
    case scheduling::v1::SESSION_STATE_ATTENDED:
      return session.attendance().outcome() == scheduling::v1::ATTENDANCE_OUTCOME_ATTENDED_LATE
                 ? Mark::kLate
                 : Mark::kAttended;
    case scheduling::v1::SESSION_STATE_NO_SHOW:
      return Mark::kNoShow;
    case scheduling::v1::SESSION_STATE_CANCELLED:
      return Mark::kCancelled;
    default:
      return InstantOf(session.end_time()) <= now ? Mark::kUnrecorded : Mark::kBooked;
  }
}

scheduling::v1::Phase PhaseOf(const Course& course, int number) {
  for (const auto& span : course.progress().phases()) {
    if (number >= span.first_session() && number <= span.last_session()) return span.phase();
  }
  return scheduling::v1::PHASE_UNSPECIFIED;
}

std::vector<MarkedSession> MarkSessions(const Course& course,
                                        const std::vector<scheduling::v1::Session>& sessions,
                                        const Forecast* forecast, const absl::TimeZone& zone,
                                        absl::Time now) {
  std::vector<MarkedSession> marked;
  marked.reserve(sessions.size());
  for (const scheduling::v1::Session& session : sessions) {
    marked.push_back({MarkOf(session, now), session.session_number(),
                      absl::ToCivilSecond(InstantOf(session.start_time()), zone), session.phase()});
  }
  if (forecast != nullptr) {
    for (const auto& projected : forecast->sessions()) {
      if (projected.booked()) continue;  // among `sessions` already
      marked.push_back({Mark::kProjected, projected.session_number(),
                        absl::ToCivilSecond(InstantOf(projected.start_time()), zone),
                        PhaseOf(course, projected.session_number())});
    }
  }
  std::stable_sort(marked.begin(), marked.end(),
                   [](const auto& a, const auto& b) { return a.local < b.local; });
  return marked;
}

int MinuteOf(absl::CivilSecond local) { return local.hour() * 60 + local.minute(); }

std::optional<std::pair<absl::Weekday, int>> UsualSlot(const std::vector<MarkedSession>& sessions) {
  std::map<std::pair<int, int>, int> counts;
  for (const MarkedSession& session : sessions) {
    if (session.mark == Mark::kCancelled) continue;
    ++counts[{static_cast<int>(absl::GetWeekday(session.local)), MinuteOf(session.local)}];
  }
  const auto most =
      std::max_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == counts.end() || most->second < 2) return std::nullopt;
  return std::make_pair(static_cast<absl::Weekday>(most->first.first), most->first.second);
}

absl::CivilDay MondayOf(absl::CivilDay day) {
  return absl::PrevWeekday(day + 1, absl::Weekday::monday);
}

std::string EnumWord(const google::protobuf::EnumDescriptor& type, int number,
                     absl::string_view prefix) {
  const auto* value = type.FindValueByNumber(number);
  if (value == nullptr || number == 0) return "";
  std::string word = value->name().substr(prefix.size());
  for (char& c : word) c = c == '_' ? ' ' : static_cast<char>(c - 'A' + 'a');
  return word;
}

// Days of pauses that moved the deadline: as many, from the start on, as the course says.
class WeekCounter {
 public:
  WeekCounter(const Course& course, absl::CivilDay start) : start_(start) {
    int left = course.progress().pause_days();
    std::vector<std::pair<absl::CivilDay, absl::CivilDay>> ranges;
    for (const auto& pause : course.pauses()) {
      const auto first = DayOf(pause.first_day()), last = DayOf(pause.last_day());
      if (first && last) ranges.emplace_back(*first, *last);
    }
    std::sort(ranges.begin(), ranges.end());
    absl::CivilDay next = start;
    for (const auto& [first, last] : ranges) {
      for (absl::CivilDay day = std::max(first, next); day <= last && left > 0; ++day, --left) {
        counted_.push_back(day);
        next = day + 1;
      }
    }
  }

  // The number of the course's week that begins on the day; 0 when none does.
  int BeginningOn(absl::CivilDay day) const {
    if (day < start_ || std::binary_search(counted_.begin(), counted_.end(), day)) return 0;
    const auto paused = std::lower_bound(counted_.begin(), counted_.end(), day) - counted_.begin();
    const int64_t elapsed = (day - start_) - paused;
    return elapsed % 7 == 0 ? static_cast<int>(elapsed / 7) + 1 : 0;
  }

 private:
  absl::CivilDay start_;
  std::vector<absl::CivilDay> counted_;
};

std::string ClockChange(absl::CivilDay monday, const absl::TimeZone& zone) {
  const absl::Time begin = absl::FromCivil(monday, zone), end = absl::FromCivil(monday + 7, zone);
  const absl::Duration gained = (end - begin) - absl::Hours(24 * 7);
  if (gained == absl::ZeroDuration()) return "";
  // Monday to Monday lasts longer when clocks go back.
  return gained > absl::ZeroDuration() ? "clocks go back" : "clocks go forward";
}

void AddNotes(const Course& course, const CourseWeeks& layout, CourseWeek& week) {
  const absl::CivilDay monday = week.monday(), sunday = monday + 6;
  const auto inside = [&](const std::optional<absl::CivilDay>& day) {
    return day && monday <= *day && *day <= sunday;
  };
  const auto& progress = course.progress();
  for (const CourseDay& day : week.days) {
    if (day.today) week.notes.push_back("today");
    if (day.deadline) week.notes.push_back("deadline");
  }
  for (const auto& pause : course.pauses()) {
    const auto first = DayOf(pause.first_day());
    if (!inside(first)) continue;
    const std::string reason =
        EnumWord(*scheduling::v1::PauseReason_descriptor(), pause.reason(), "PAUSE_REASON_");
    week.notes.push_back(reason.empty() ? "pause" : absl::StrCat("pause: ", reason));
  }
  const auto review = DayOf(progress.mid_course_review_date());
  if (inside(review)) week.notes.push_back("mid-course review");
  for (const CourseDay& day : week.days) {
    for (const MarkedSession& session : day.sessions) {
      const bool off = layout.usual && session.mark != Mark::kCancelled &&
                       (absl::GetWeekday(session.local) != layout.usual->first ||
                        MinuteOf(session.local) != layout.usual->second);
      if (off) {
        week.notes.push_back(absl::FormatTime(
            "%a %H:%M", absl::FromCivil(session.local, absl::UTCTimeZone()), absl::UTCTimeZone()));
      }
    }
  }
  const std::string change = ClockChange(monday, layout.zone);
  if (!change.empty()) week.notes.push_back(change);
}

}  // namespace

bool CourseWeek::empty() const {
  return notes.empty() && std::all_of(days.begin(), days.end(), [](const CourseDay& day) {
           return day.sessions.empty() && !day.today && !day.deadline;
         });
}

std::optional<absl::CivilDay> DayOf(const google::type::Date& date) {
  if (date.year() == 0 || date.month() == 0 || date.day() == 0) return std::nullopt;
  return absl::CivilDay(date.year(), date.month(), date.day());
}

CourseWeeks LayOutCourse(const Course& course, const std::vector<scheduling::v1::Session>& sessions,
                         const Forecast* forecast, absl::Time now) {
  CourseWeeks layout;
  if (!absl::LoadTimeZone(course.time_zone(), &layout.zone)) layout.zone = absl::UTCTimeZone();
  layout.today = absl::ToCivilDay(now, layout.zone);
  layout.start = DayOf(course.progress().start_date());
  layout.deadline = DayOf(course.progress().deadline_date());
  const std::vector<MarkedSession> marked =
      MarkSessions(course, sessions, forecast, layout.zone, now);
  layout.usual = UsualSlot(marked);

  const bool open = course.state() != scheduling::v1::COURSE_STATE_COMPLETED &&
                    course.state() != scheduling::v1::COURSE_STATE_DISCONTINUED;
  std::optional<absl::CivilDay> first = layout.start, last = layout.start;
  const auto include = [&](absl::CivilDay day) {
    if (!first || day < *first) first = day;
    if (!last || day > *last) last = day;
  };
  for (const MarkedSession& session : marked) include(absl::CivilDay(session.local));
  if (open && layout.deadline) include(*layout.deadline);
  // Today belongs to the picture of a course that has begun or is about to.
  if (open && (!first || layout.today >= *first - 7)) include(layout.today);
  if (!first) return layout;

  const WeekCounter counter(course, layout.start.value_or(*first));
  auto session = marked.begin();
  for (absl::CivilDay monday = MondayOf(*first); monday <= *last; monday += 7) {
    CourseWeek week;
    for (int i = 0; i < 7; ++i) {
      CourseDay& day = week.days[i];
      day.day = monday + i;
      day.today = day.day == layout.today;
      day.deadline = layout.deadline && day.day == *layout.deadline;
      for (const auto& pause : course.pauses()) {
        const auto from = DayOf(pause.first_day()), to = DayOf(pause.last_day());
        day.paused = day.paused || (from && to && *from <= day.day && day.day <= *to);
      }
      if (const int number = counter.BeginningOn(day.day); number > 0) week.number = number;
      while (session != marked.end() && absl::CivilDay(session->local) == day.day) {
        day.sessions.push_back(*session++);
      }
    }
    AddNotes(course, layout, week);
    layout.weeks.push_back(std::move(week));
  }
  return layout;
}

}  // namespace ipt::ctl
