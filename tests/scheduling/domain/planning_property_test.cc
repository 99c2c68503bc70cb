// Properties of plans and forecasts on small random calendars, against plain re-implementations:
// free time is asked minute by minute from the zone itself, plans are looked for by brute force.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <optional>
#include <set>

#include "scheduling/domain/forecast.h"
#include "scheduling/domain/numbering.h"
#include "scheduling/domain/planner.h"
#include "scheduling/domain/week_clock.h"
#include "tests/scheduling/domain/course_fixture.h"

namespace ipt::scheduling {
namespace {

using absl::CivilDay;

struct World {
  Course course;
  std::vector<Session> sessions;
  CalendarInputs calendar;
  absl::TimeZone zone;
  absl::Time now;
  int cap = 28;

  PlanRequest Request() const { return {course, DefaultVariant(), sessions, zone, cap, now, 0}; }
  CoursePlan Plan() const { return PlanCourse(Request(), calendar); }
  CourseOutlook Outlook() const {
    auto load = [this](Interval) -> absl::StatusOr<CalendarInputs> { return calendar; };
    return ComputeOutlook({course, DefaultVariant(), sessions, zone, cap, now}, load).value();
  }
  // What the planner sees.
  CalendarInputs Seen() const {
    CalendarInputs seen = calendar;
    ApplyCourse(course, zone, sessions, seen);
    return seen;
  }
};

bool Pick() { return *rc::gen::arbitrary<bool>(); }
int Int(int from, int to) { return *rc::gen::inRange(from, to + 1); }

absl::TimeZone AnyZone() {
  return Zone(*rc::gen::element<const char*>("Europe/London", "America/New_York",
                                             "Australia/Lord_Howe", "Pacific/Auckland", "UTC"));
}

std::vector<WeeklyWindow> AnyWindows(int days, int max_hours) {
  std::vector<WeeklyWindow> windows;
  for (int i = 0; i < days; ++i) {
    const int start = 60 * Int(6, 20);
    windows.push_back(
        {static_cast<Weekday>(Int(1, 7)), start, std::min(1440, start + 60 * Int(1, max_hours))});
  }
  return windows;
}

std::vector<Interval> AnySpans(absl::Time from, int days, int count, int max_minutes) {
  std::vector<Interval> spans;
  for (int i = 0; i < count; ++i) {
    const absl::Time start = from + absl::Minutes(15 * Int(0, 96 * days));
    spans.push_back({start, start + absl::Minutes(Int(1, max_minutes))});
  }
  return spans;
}

World AnyWorld(int max_sessions, int max_weeks, int max_windows, int max_hours) {
  World world;
  world.zone = AnyZone();
  world.calendar = Calendar(world.zone, AnyWindows(Int(0, max_windows), max_hours));
  if (Int(0, 3) == 0) world.calendar.therapist_zone = AnyZone();
  if (Int(0, 3) == 0) world.calendar.clinic_zone = AnyZone();
  // Around changes of the clocks in several zones, and a year's end.
  const CivilDay today = *rc::gen::element(CivilDay(2026, 3, 20), CivilDay(2026, 10, 15),
                                           CivilDay(2027, 12, 22), CivilDay(2028, 2, 20)) +
                         Int(0, 10);
  world.now = At(today, Int(0, 23), Int(0, 59), world.zone);

  Course& course = world.course;
  course = WeeklyCourse(world.zone.name());
  course.duration_weeks = Int(1, max_weeks);
  course.cadence_days = Int(1, 9);
  course.cadence_tolerance_days = Int(0, (course.cadence_days - 1) / 2);
  course.session_minutes = *rc::gen::element(30, 50, 90);
  if (Int(0, 2) == 0) course.preferred_windows = AnyWindows(Int(1, 8), max_hours);
  if (Int(0, 2) == 0) {
    for (int i = Int(1, 2); i > 0; --i) {
      const CivilDay first = today + Int(-5, 7 * max_weeks);
      course.pauses.push_back(PauseOf(first, first + Int(0, 6)));
    }
  }
  world.cap = Int(0, 20);

  CalendarInputs& calendar = world.calendar;
  const int days = 7 * course.duration_weeks + 10;
  calendar.slot_minutes = *rc::gen::element(30, 60);
  calendar.buffer_minutes = *rc::gen::element(0, 10, 30);
  calendar.therapist_busy = AnySpans(world.now, days, Int(0, 3 * course.duration_weeks), 180);
  calendar.patient_busy = AnySpans(world.now, days, Int(0, 2), 180);
  calendar.extra_hours = AnySpans(world.now, days, Int(0, 2), 180);
  calendar.time_off = AnySpans(world.now, days, Int(0, 1), 3 * 1440);
  for (int i = Int(0, 2); i > 0; --i) calendar.holidays.push_back(today + Int(0, days));

  // Held and booked sessions, never two a day.
  std::set<int> taken;
  int fixed = 0;
  for (int i = Pick() ? Int(1, 3) : 0; i > 0; --i) {
    const int day = -Int(1, 20);
    if (!taken.insert(day).second) continue;
    world.sessions.push_back(SessionAt(
        At(today + day, Int(8, 18), 0, world.zone),
        *rc::gen::element(SessionState::kAttended, SessionState::kNoShow, SessionState::kCancelled),
        course.session_minutes));
    fixed += world.sessions.back().uses_session;
  }
  for (int i = Pick() ? Int(1, 3) : 0; i > 0; --i) {
    const int day = Int(1, days);
    if (!taken.insert(day).second) continue;
    world.sessions.push_back(SessionAt(At(today + day, Int(8, 18), 0, world.zone),
                                       SessionState::kBooked, course.session_minutes));
    world.sessions.back().blocked_until += absl::Minutes(calendar.buffer_minutes);
    world.sessions.back().outside_availability = true;  // wherever it is, it stays
    ++fixed;
  }
  std::sort(world.sessions.begin(), world.sessions.end(),
            [](const Session& a, const Session& b) { return a.interval.start < b.interval.start; });
  course.planned_sessions = fixed + Int(0, max_sessions);
  return world;
}

// What a failing case looks like, since the generators alone do not tell.
std::string Describe(const World& world, const CoursePlan* plan) {
  const Course& course = world.course;
  std::string out = absl::StrCat(
      "now ", absl::FormatTime(world.now, world.zone), " ", world.zone.name(), "\nplanned ",
      course.planned_sessions, " weeks ", course.duration_weeks, " cadence ", course.cadence_days,
      "+-", course.cadence_tolerance_days, " minutes ", course.session_minutes, " buffer ",
      world.calendar.buffer_minutes, " slot ", world.calendar.slot_minutes, " cap ", world.cap);
  for (const Session& s : world.sessions) {
    absl::StrAppend(&out, "\nsession ", absl::FormatTime(s.interval.start, world.zone), " state ",
                    static_cast<int>(s.state));
  }
  for (const Pause& p : course.pauses) {
    absl::StrAppend(&out, "\npause ", absl::FormatCivilTime(p.days.first), " to ",
                    absl::FormatCivilTime(p.days.last));
  }
  auto spans = [&](absl::string_view what, const std::vector<Interval>& list) {
    for (const Interval& i : list) {
      absl::StrAppend(&out, "\n", what, " ", absl::FormatTime(i.start, world.zone), " to ",
                      absl::FormatTime(i.end, world.zone));
    }
  };
  auto windows = [&](absl::string_view what, const std::vector<WeeklyWindow>& list) {
    for (const WeeklyWindow& w : list) {
      absl::StrAppend(&out, "\n", what, " ", static_cast<int>(w.day), " ", w.start_minute, " to ",
                      w.end_minute);
    }
  };
  windows("hours", world.calendar.working_hours);
  windows("wish", course.preferred_windows);
  spans("busy", world.calendar.therapist_busy);
  spans("patient busy", world.calendar.patient_busy);
  spans("extra", world.calendar.extra_hours);
  spans("off", world.calendar.time_off);
  for (const CivilDay day : world.calendar.holidays) {
    absl::StrAppend(&out, "\nholiday ", absl::FormatCivilTime(day), " in ",
                    world.calendar.clinic_zone.name());
  }
  absl::StrAppend(&out, "\nhours in ", world.calendar.therapist_zone.name());
  if (plan != nullptr) {
    absl::StrAppend(&out, "\nunplaced ", plan->unplaced_sessions, " deadline ",
                    absl::FormatCivilTime(plan->deadline_day));
    for (const PlannedSession& s : plan->sessions) {
      absl::StrAppend(&out, "\nplan ", absl::FormatTime(s.interval.start, world.zone), " #",
                      s.session_number, " verdict ", static_cast<int>(s.verdict));
    }
  }
  return out + "\n";
}

// ------------------------------------------------------------------------- plain free time

bool Overlap(const Interval& a, const Interval& b) { return a.start < b.end && b.start < a.end; }

bool InWindows(absl::Time t, const absl::TimeZone& zone, const std::vector<WeeklyWindow>& windows) {
  const CivilDay day = LocalDay(t, zone);
  const int minute = MinuteOfDay(t, zone);
  return std::any_of(windows.begin(), windows.end(), [&](const WeeklyWindow& window) {
    return window.day == WeekdayOf(day) && window.start_minute <= minute &&
           minute < window.end_minute;
  });
}

bool IsFree(const CalendarInputs& c, absl::Time start) {
  const Interval session{start, start + absl::Minutes(c.session_minutes)};
  const Interval blocked{start, session.end + absl::Minutes(c.buffer_minutes)};
  auto hits = [](const std::vector<Interval>& spans, const Interval& i) {
    return std::any_of(spans.begin(), spans.end(),
                       [&](const Interval& span) { return Overlap(span, i); });
  };
  if (hits(c.time_off, session) || hits(c.therapist_busy, blocked) ||
      hits(c.patient_busy, session) || hits(c.own_sessions, blocked)) {
    return false;
  }
  for (absl::Time t = start; t < session.end; t += absl::Minutes(1)) {
    const bool extra = std::any_of(c.extra_hours.begin(), c.extra_hours.end(),
                                   [t](const Interval& i) { return i.start <= t && t < i.end; });
    if (!extra && !InWindows(t, c.therapist_zone, c.working_hours)) return false;
    if (!c.patient_windows.empty() && !InWindows(t, c.course_zone, c.patient_windows)) return false;
    const CivilDay clinic_day = LocalDay(t, c.clinic_zone);
    if (std::find(c.holidays.begin(), c.holidays.end(), clinic_day) != c.holidays.end()) {
      return false;
    }
    const CivilDay course_day = LocalDay(t, c.course_zone);
    for (const DayRange& pause : c.pauses) {
      if (pause.first <= course_day && course_day <= pause.last) return false;
    }
  }
  return true;
}

// Grid starts that are free and lie within the window, sorted.
std::vector<absl::Time> PlainFreeStarts(const CalendarInputs& c, Interval window) {
  std::set<absl::Time> starts;
  auto add = [&](absl::Time start) {
    if (start >= window.start && start + absl::Minutes(c.session_minutes) <= window.end &&
        IsFree(c, start)) {
      starts.insert(start);
    }
  };
  const CivilDay last = LocalDay(window.end, c.therapist_zone);
  for (CivilDay day = LocalDay(window.start, c.therapist_zone) - 1; day <= last; ++day) {
    for (const WeeklyWindow& weekly : c.working_hours) {
      if (weekly.day != WeekdayOf(day)) continue;
      for (int m = weekly.start_minute; m < weekly.end_minute; m += c.slot_minutes) {
        const LocalInstant at = ResolveLocal(absl::CivilSecond(day) + 60 * m, c.therapist_zone);
        if (at.kind != LocalTimeKind::kSkipped) add(at.instant);
      }
    }
  }
  for (const Interval& extra : c.extra_hours) {
    for (absl::Time t = extra.start; t < extra.end; t += absl::Minutes(c.slot_minutes)) add(t);
  }
  return {starts.begin(), starts.end()};
}

// ------------------------------------------------------------------------------ brute force

// Whether `count` starts from index `from` on can be taken: one a local day, buffers kept.
bool Search(const World& world, const std::vector<absl::Time>& starts, size_t from, int count,
            absl::Time not_before, std::optional<CivilDay> last_day, absl::Time end_by) {
  if (count == 0) return true;
  const absl::Duration length = absl::Minutes(world.course.session_minutes);
  const absl::Duration buffer = absl::Minutes(world.calendar.buffer_minutes);
  for (size_t i = from; i < starts.size(); ++i) {
    if (starts[i] + length > end_by) break;
    const CivilDay day = LocalDay(starts[i], world.zone);
    if (starts[i] < not_before || (last_day && day == *last_day)) continue;
    std::set<CivilDay> days_left;
    for (size_t j = i; j < starts.size() && starts[j] + length <= end_by; ++j) {
      days_left.insert(LocalDay(starts[j], world.zone));
    }
    if (static_cast<int>(days_left.size()) < count) return false;
    if (Search(world, starts, i + 1, count - 1, starts[i] + length + buffer, day, end_by)) {
      return true;
    }
  }
  return false;
}

bool BruteForceFindsAPlan(const World& world, int count) {
  const auto course_start = FindCourseStart(world.sessions, world.zone);
  std::set<CivilDay> fixed_days;
  for (const Session& session : world.sessions) {
    if (session.state == SessionState::kBooked || IsUsed(session)) {
      fixed_days.insert(LocalDay(session.interval.start, world.zone));
    }
  }
  const Interval window = PlanWindow(world.Request());
  std::vector<absl::Time> starts = PlainFreeStarts(world.Seen(), window);
  starts.erase(
      std::remove_if(starts.begin(), starts.end(),
                     [&](absl::Time start) {
                       const CivilDay day = LocalDay(start, world.zone);
                       return fixed_days.count(day) > 0 ||
                              (course_start && course_start->projected && day < course_start->day);
                     }),
      starts.end());
  if (count == 0) return true;
  if (course_start) {
    return Search(world, starts, 0, count, absl::InfinitePast(), std::nullopt, window.end);
  }
  for (size_t i = 0; i < starts.size(); ++i) {
    const CivilDay day = LocalDay(starts[i], world.zone);
    if (day > LocalDay(world.now, world.zone) + kStartSearchDays) break;
    const absl::Time end_by =
        WeekClock(day, world.course.duration_weeks, world.course.pauses, world.cap)
            .Deadline(world.zone);
    const absl::Time end = starts[i] + absl::Minutes(world.course.session_minutes);
    if (end <= end_by && Search(world, starts, i + 1, count - 1,
                                end + absl::Minutes(world.calendar.buffer_minutes), day, end_by)) {
      return true;
    }
  }
  return false;
}

// ------------------------------------------------------------------------------- properties

void AssertPlanIsSound(const World& world, const CoursePlan& plan) {
  RC_LOG() << Describe(world, &plan);
  const CalendarInputs seen = world.Seen();
  const SessionCounts counts =
      CountSessions(world.course.planned_sessions, world.sessions, world.now);
  RC_ASSERT(static_cast<int>(plan.sessions.size()) + plan.unplaced_sessions == counts.unbooked);
  const auto start = FindCourseStart(world.sessions, world.zone);
  const Interval window = PlanWindow(world.Request());
  std::set<CivilDay> days;
  std::set<int> numbers;
  for (const Session& session : world.sessions) {
    if (session.state == SessionState::kBooked || IsUsed(session)) {
      days.insert(LocalDay(session.interval.start, world.zone));
    }
  }
  const absl::Duration buffer = absl::Minutes(world.calendar.buffer_minutes);
  const CivilDay start_day = start ? start->day
                             : plan.sessions.empty()
                                 ? LocalDay(world.now, world.zone)
                                 : LocalDay(plan.sessions[0].interval.start, world.zone);
  const WeekClock clock(start_day, world.course.duration_weeks, world.course.pauses, world.cap);
  RC_ASSERT(plan.deadline_day == clock.deadline_day());
  for (size_t i = 0; i < plan.sessions.size(); ++i) {
    const PlannedSession& session = plan.sessions[i];
    RC_ASSERT(session.interval.start >= world.now);
    RC_ASSERT(session.interval.end - session.interval.start ==
              absl::Minutes(world.course.session_minutes));
    RC_ASSERT(IsFree(seen, session.interval.start));
    RC_ASSERT(CheckSlot(seen, session.interval).empty());
    RC_ASSERT(session.interval.end <= clock.Deadline(world.zone));
    RC_ASSERT(days.insert(LocalDay(session.interval.start, world.zone)).second);
    if (i > 0) RC_ASSERT(plan.sessions[i - 1].interval.end + buffer <= session.interval.start);
    RC_ASSERT(numbers.insert(session.session_number).second);
    RC_ASSERT(session.verdict != PlanVerdict::kUnspecified);
    RC_ASSERT((session.verdict == PlanVerdict::kOnPattern) == session.reasons.empty());
    RC_ASSERT(session.alternatives.size() <= 5);
    std::set<absl::Time> alternatives(session.alternatives.begin(), session.alternatives.end());
    RC_ASSERT(alternatives.size() == session.alternatives.size());
    RC_ASSERT(alternatives.count(session.interval.start) == 0);
    for (absl::Time alternative : session.alternatives) {
      RC_ASSERT(IsFree(seen, alternative));
      RC_ASSERT(alternative >= window.start);
      const absl::Time end = alternative + absl::Minutes(world.course.session_minutes);
      RC_ASSERT(end <= clock.Deadline(world.zone));
      if (i > 0) RC_ASSERT(plan.sessions[i - 1].interval.end + buffer <= alternative);
      if (i + 1 < plan.sessions.size()) {
        RC_ASSERT(end + buffer <= plan.sessions[i + 1].interval.start);
      }
    }
  }
}

RC_GTEST_PROP(PlanProperty, FreeStartsAreThePlainOnes, ()) {
  const World world = AnyWorld(6, 3, 8, 4);
  const Interval window{world.now, world.now + absl::Hours(24 * 30)};
  const CalendarInputs seen = world.Seen();
  RC_ASSERT(FindFreeStarts(seen, window) == PlainFreeStarts(seen, window));
}

RC_GTEST_PROP(PlanProperty, TheFirstStartIsTheFirstOfThePlainOnes, ()) {
  const World world = AnyWorld(6, 3, 8, 4);
  const Interval window{world.now, world.now + absl::Hours(24 * 30)};
  const CalendarInputs seen = world.Seen();
  const Availability availability(seen, window);
  const std::vector<absl::Time> starts = PlainFreeStarts(seen, window);
  const absl::Time from = world.now + absl::Minutes(*rc::gen::inRange(-1440, 31 * 1440));
  const absl::Time before = from + absl::Minutes(*rc::gen::inRange(0, 10 * 1440));
  const auto first = std::lower_bound(starts.begin(), starts.end(), from);
  RC_ASSERT(availability.FirstStart(from, before) ==
            (first == starts.end() ? before : std::min(*first, before)));
}

RC_GTEST_PROP(PlanProperty, PlansAreSound, ()) {
  const World world = AnyWorld(16, 20, 12, 8);
  AssertPlanIsSound(world, world.Plan());
}

RC_GTEST_PROP(PlanProperty, APlanIsFoundWheneverBruteForceFindsOne, ()) {
  World world = AnyWorld(6, 2, 5, 3);
  world.calendar.slot_minutes = 60;
  const CoursePlan plan = world.Plan();
  AssertPlanIsSound(world, plan);
  const SessionCounts counts =
      CountSessions(world.course.planned_sessions, world.sessions, world.now);
  const bool found = BruteForceFindsAPlan(world, counts.unbooked);
  RC_CLASSIFY(counts.unbooked > 0 && found, "feasible");
  RC_CLASSIFY(counts.unbooked > 0 && !found, "infeasible");
  RC_ASSERT((plan.unplaced_sessions == 0) == found);
}

RC_GTEST_PROP(ForecastProperty, AgreesWithThePlanner, ()) {
  const World world = AnyWorld(10, 8, 8, 4);
  const Forecast forecast = *world.Outlook().forecast;
  const bool past_deadline = std::count(forecast.reasons.begin(), forecast.reasons.end(),
                                        ForecastReason::kBookedPastDeadline) > 0;
  RC_PRE(forecast.state != ForecastState::kOverdue && !past_deadline);
  const CoursePlan plan = world.Plan();
  RC_LOG() << Describe(world, &plan);
  const bool on_cadence =
      plan.unplaced_sessions == 0 &&
      std::all_of(plan.sessions.begin(), plan.sessions.end(), [](const PlannedSession& session) {
        return session.verdict != PlanVerdict::kOffCadence;
      });
  // The forecast looks further ahead than the planner for the start of a course.
  const bool started = FindCourseStart(world.sessions, world.zone).has_value();
  if (started || plan.unplaced_sessions == 0) {
    RC_ASSERT((forecast.state == ForecastState::kInfeasible) == (plan.unplaced_sessions > 0));
  }
  if (started || on_cadence) RC_ASSERT((forecast.state == ForecastState::kOnTrack) == on_cadence);
  RC_TAG(static_cast<int>(forecast.state));
}

RC_GTEST_PROP(ForecastProperty, MoreFreeTimeNeverMakesTheStateWorse, ()) {
  World world = AnyWorld(10, 8, 8, 4);
  const ForecastState before = world.Outlook().forecast->state;
  for (auto* spans :
       {&world.calendar.therapist_busy, &world.calendar.patient_busy, &world.calendar.time_off}) {
    if (!spans->empty() && Pick()) spans->erase(spans->begin() + Int(0, spans->size() - 1));
  }
  RC_ASSERT(world.Outlook().forecast->state <= before);
}

RC_GTEST_PROP(ForecastProperty, IsConsistent, ()) {
  const World world = AnyWorld(10, 8, 8, 4);
  const CourseOutlook outlook = world.Outlook();
  const CourseOutlook again = world.Outlook();
  RC_ASSERT(outlook.progress == again.progress && outlook.forecast == again.forecast &&
            outlook.state == again.state && outlook.valid_until == again.valid_until);

  const Forecast& forecast = *outlook.forecast;
  RC_ASSERT(outlook.valid_until > world.now);
  RC_ASSERT(forecast.state == ForecastState::kOnTrack || !forecast.reasons.empty());
  RC_ASSERT(std::set<ForecastReason>(forecast.reasons.begin(), forecast.reasons.end()).size() ==
            forecast.reasons.size());
  const CalendarInputs seen = world.Seen();
  int number = outlook.progress.used_sessions;
  for (size_t i = 0; i < forecast.sessions.size(); ++i) {
    const ProjectedSession& session = forecast.sessions[i];
    RC_ASSERT(session.session_number == ++number);
    if (!session.booked) RC_ASSERT(IsFree(seen, session.start) && session.start >= world.now);
    if (i > 0) RC_ASSERT(forecast.sessions[i - 1].start < session.start);
  }
  if (forecast.state == ForecastState::kOnTrack && forecast.sessions_left > 0) {
    RC_ASSERT(forecast.projected_finish.has_value() && forecast.slack_days >= 0);
  }
  RC_ASSERT(outlook.progress.used_sessions + outlook.progress.booked_sessions +
                outlook.progress.unbooked_sessions >=
            world.course.planned_sessions);
}

RC_GTEST_PROP(ForecastProperty, SessionsThatLostTheirPlaceArePlacedAnew, ()) {
  World world = AnyWorld(10, 8, 8, 4);
  for (Session& session : world.sessions) session.outside_availability = false;
  const CourseOutlook outlook = world.Outlook();
  const Forecast& forecast = *outlook.forecast;
  const std::set<std::string> displaced(forecast.displaced_ids.begin(),
                                        forecast.displaced_ids.end());
  CalendarInputs hours = world.calendar;
  hours.therapist_busy.clear();
  hours.patient_busy.clear();
  hours.session_minutes = world.course.session_minutes;
  World standing = world;
  standing.sessions.clear();
  for (const Session& session : world.sessions) {
    const bool lost = displaced.count(session.session_id) > 0;
    if (!lost) standing.sessions.push_back(session);
    if (session.state != SessionState::kBooked ||
        session.interval.end > outlook.progress.deadline) {
      continue;
    }
    RC_ASSERT(lost == !IsFree(hours, session.interval.start));
  }
  const CalendarInputs seen = standing.Seen();
  for (const ProjectedSession& session : forecast.sessions) {
    if (!session.booked) RC_ASSERT(IsFree(seen, session.start));
  }
}

RC_GTEST_PROP(ForecastProperty, APauseNeverShortensADeadline, ()) {
  World world = AnyWorld(10, 8, 8, 4);
  RC_PRE(FindCourseStart(world.sessions, world.zone).has_value());
  const absl::Time before = world.Outlook().progress.deadline;
  const CivilDay first = LocalDay(world.now, world.zone) + Int(-20, 60);
  world.course.pauses.push_back(PauseOf(first, first + Int(0, 30)));
  RC_ASSERT(world.Outlook().progress.deadline >= before);
}

}  // namespace
}  // namespace ipt::scheduling
