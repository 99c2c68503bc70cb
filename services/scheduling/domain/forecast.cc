#include "scheduling/domain/forecast.h"

#include <algorithm>
#include <array>
#include <utility>

#include "platform/errors/status_macros.h"
#include "scheduling/domain/numbering.h"
#include "scheduling/domain/placement.h"
#include "scheduling/domain/planner.h"
#include "scheduling/domain/time_zone.h"
#include "scheduling/domain/variants.h"
#include "scheduling/domain/week_clock.h"

namespace ipt::scheduling {
namespace {

constexpr int kHorizonDays = 366;
// Looked at beyond the deadline at first: enough for a course that is a little late.
constexpr int kMarginDays = 28;

constexpr int kReasons = static_cast<int>(ForecastReason::kSessionsDisplaced) + 1;

// Where the unbooked sessions fall.
struct Projection {
  WeekClock clock;
  std::vector<Placement> placed{};                 // at the cadence, past the deadline, too
  std::vector<std::pair<int, int>> passed_over{};  // days; see PlacementRules
  ForecastState state = ForecastState::kInfeasible;
};

class Forecaster {
 public:
  Forecaster(const ForecastRequest& request, const SessionCounts& counts,
             std::optional<CourseStart> start)
      : request_(request),
        counts_(counts),
        start_(start),
        today_(LocalDay(request.now, request.zone)),
        fixed_(FixedSessions(request.sessions, request.zone, today_)) {}

  // The projection when free time does not matter, or none is known.
  Projection WithoutCalendar() const {
    Projection projection{ClockFrom(start_ ? start_->day : today_), {}};
    projection.state = StateOf(projection.clock, counts_.unbooked == 0, false);
    return projection;
  }

  Interval NearWindow() const {
    const WeekClock clock = ClockFrom(start_ ? start_->day : today_ + kStartSearchDays);
    const absl::CivilDay last =
        std::max(clock.deadline_day(),
                 today_ + counts_.unbooked * std::max(1, request_.course.cadence_days));
    return WindowTo(std::min(last, Horizon()) + kMarginDays);
  }
  Interval FarWindow() const { return WindowTo(Horizon() + kMarginDays); }

  // Places the sessions in a calendar that covers `window`. `decided` is false when a longer window
  // could say more.
  Projection Project(const FirstFree& free, bool* decided) const {
    *decided = true;
    if (start_) {
      Projection projection = ProjectFrom(free, FirstDay(), ClockFrom(start_->day));
      *decided = static_cast<int>(projection.placed.size()) == counts_.unbooked;
      return projection;
    }
    // Not started: of all days on which it could start, the first of those that fit best.
    std::optional<Projection> best;
    const int last_start = static_cast<int>(Horizon() - today_);
    for (int day = free.NextFree(0); day < free.size() && day <= last_start;
         day = free.NextFree(day + 1)) {
      PlacementRules rules = Rules(day);
      rules.count = 1;
      const std::vector<Placement> first = PlaceEarliest(rules, fixed_, free);
      if (first.empty()) break;
      if (first[0].day != day) continue;
      Projection projection = ProjectFrom(free, day, ClockFrom(free.days().day(day)));
      if (!best || projection.state < best->state) best = std::move(projection);
      if (best->state == ForecastState::kOnTrack) return *std::move(best);
    }
    *decided = false;
    return best ? *std::move(best) : WithoutCalendar();
  }

  // What keeps the course from being on track, or has cost it a place, weightiest first. `free` may
  // be null when no free time was needed.
  std::vector<ForecastReason> Reasons(const Projection& projection, const FirstFree* free,
                                      const CalendarInputs* calendar) const {
    std::array<int, kReasons> weight{};
    auto add = [&weight](ForecastReason reason, int days) {
      weight[static_cast<int>(reason)] += days;
    };
    const bool on_track = projection.state == ForecastState::kOnTrack;
    const absl::Time deadline = projection.clock.Deadline(request_.zone);
    if (projection.state == ForecastState::kOverdue) {
      add(ForecastReason::kDeadlinePassed, 1 << 20);
    }
    add(ForecastReason::kBookedPastDeadline, BookedPast(deadline) * request_.course.cadence_days);
    if (!on_track) add(ForecastReason::kPause, projection.clock.days_over_cap());
    if (free != nullptr) {
      const Interval ahead{request_.now, std::max(deadline, free->days().start(0))};
      if (!calendar->therapist_active ||
          (calendar->working_hours.empty() &&
           !free->availability().HasRoom(ahead, Availability::kHours))) {
        add(ForecastReason::kTherapistUnavailable, 1 << 19);
      } else {
        AddBlame(projection, *free, deadline, weight);
      }
    }
    std::vector<ForecastReason> reasons;
    for (int i = 1; i < kReasons; ++i) {
      if (weight[i] > 0) reasons.push_back(static_cast<ForecastReason>(i));
    }
    std::stable_sort(reasons.begin(), reasons.end(), [&](ForecastReason a, ForecastReason b) {
      return weight[static_cast<int>(a)] > weight[static_cast<int>(b)];
    });
    if (reasons.empty() && !on_track) reasons.push_back(ForecastReason::kBehindCadence);
    return reasons;
  }

 private:
  WeekClock ClockFrom(absl::CivilDay day) const {
    return WeekClock(day, request_.course.duration_weeks, request_.course.pauses,
                     request_.pause_cap_days);
  }

  // A year ahead, or the deadline where that lies later.
  absl::CivilDay Horizon() const {
    const absl::CivilDay year = today_ + kHorizonDays;
    return start_ ? std::max(year, ClockFrom(start_->day).deadline_day()) : year;
  }

  Interval WindowTo(absl::CivilDay last) const {
    return {request_.now, DayStart(last + 1, request_.zone)};
  }

  // Nothing is placed before the session that starts the course.
  int FirstDay() const {
    return std::max(0, static_cast<int>(start_->day - today_) + (start_->projected ? 1 : 0));
  }

  PlacementRules Rules(int first_day) const {
    const Course& course = request_.course;
    return {.first_day = first_day,
            .count = counts_.unbooked,
            .cadence_days = course.cadence_days,
            .tolerance_days = course.cadence_tolerance_days,
            .length = absl::Minutes(course.session_minutes)};
  }

  Projection ProjectFrom(const FirstFree& free, int first_day, WeekClock clock) const {
    const absl::Time deadline = clock.Deadline(request_.zone);
    PlacementRules rules = Rules(first_day);
    Projection projection{.clock = std::move(clock)};
    rules.passed_over = &projection.passed_over;
    projection.placed = PlaceEarliest(rules, fixed_, free);
    rules.passed_over = nullptr;
    const bool at_cadence =
        static_cast<int>(projection.placed.size()) == counts_.unbooked &&
        (projection.placed.empty() || projection.placed.back().start + rules.length <= deadline);
    bool off_cadence = at_cadence;
    if (!at_cadence) {
      rules.keep_cadence = false;
      rules.end_by = deadline;
      off_cadence = static_cast<int>(PlaceEarliest(rules, fixed_, free).size()) == rules.count;
    }
    projection.state = StateOf(projection.clock, at_cadence, off_cadence);
    return projection;
  }

  ForecastState StateOf(const WeekClock& clock, bool at_cadence, bool off_cadence) const {
    const absl::Time deadline = clock.Deadline(request_.zone);
    if (request_.now >= deadline) return ForecastState::kOverdue;
    if (BookedPast(deadline) > 0) return ForecastState::kInfeasible;
    if (at_cadence) return ForecastState::kOnTrack;
    return off_cadence ? ForecastState::kAtRisk : ForecastState::kInfeasible;
  }

  int BookedPast(absl::Time deadline) const {
    return static_cast<int>(std::count_if(
        request_.sessions.begin(), request_.sessions.end(), [deadline](const Session& session) {
          return session.state == SessionState::kBooked && session.interval.end > deadline;
        }));
  }

  // Weighs each reason by the days that it keeps sessions waiting.
  void AddBlame(const Projection& projection, const FirstFree& free, absl::Time deadline,
                std::array<int, kReasons>& weight) const {
    const int end =
        std::min(free.size(), static_cast<int>(projection.clock.deadline_day() + 1 - today_));
    const bool on_track = projection.state == ForecastState::kOnTrack;
    if (!on_track) {
      // With all bookings, absences and wishes gone, do the days left suffice?
      PlacementRules rules = Rules(start_ ? FirstDay() : 0);
      rules.end_by = deadline;
      const std::vector<Placement> ideal =
          PlaceEarliest(rules, fixed_, [&free](int day, absl::Time, Placement& found) {
            for (found.day = std::max(day, 0); found.day < free.size(); ++found.day) {
              found.start = free.days().start(found.day);
              if (free.availability().HasRoom(SpanOf(free, found.day), Availability::kHours)) {
                return true;
              }
            }
            return false;
          });
      const int missing = counts_.unbooked - static_cast<int>(ideal.size());
      weight[static_cast<int>(ForecastReason::kBehindCadence)] +=
          missing * request_.course.cadence_days;
    }
    if (projection.state == ForecastState::kInfeasible) {
      for (int day = 0; day < end; ++day) BlameDay(free, day, weight);
      return;
    }
    if (!on_track) {
      for (const auto& [first, last] : projection.passed_over) {
        for (int day = std::max(0, first); day < std::min(last, end); ++day) {
          BlameDay(free, day, weight);
        }
      }
    }
    // Days on which a session waited. On track only where a place was lost over it.
    int tolerated = on_track ? 2 * request_.course.cadence_tolerance_days : 0;
    for (const Placement& placement : projection.placed) {
      if (placement.day - placement.wanted_day <= tolerated) continue;
      for (int day = std::max(0, placement.wanted_day); day < std::min(placement.day, end); ++day) {
        BlameDay(free, day, weight);
      }
    }
  }

  static Interval SpanOf(const FirstFree& free, int day) {
    return {free.days().start(day), free.days().start(day + 1)};
  }

  // Finds what took the last room of a day that the hours leave room on.
  static void BlameDay(const FirstFree& free, int day, std::array<int, kReasons>& weight) {
    static constexpr std::array<ForecastReason, Availability::kLayers> kBlame = {
        ForecastReason::kUnspecified,   ForecastReason::kPause,
        ForecastReason::kHoliday,       ForecastReason::kTherapistAway,
        ForecastReason::kTherapistBusy, ForecastReason::kPatientWindows};
    if (free.free(day)) return;
    const Interval span = SpanOf(free, day);
    if (!free.availability().HasRoom(span, Availability::kHours)) return;
    for (int layer = Availability::kPauses; layer < Availability::kLayers; ++layer) {
      if (!free.availability().HasRoom(span, static_cast<Availability::Layer>(layer))) {
        ++weight[static_cast<int>(kBlame[layer])];
        return;
      }
    }
  }

  const ForecastRequest& request_;
  const SessionCounts& counts_;
  const std::optional<CourseStart> start_;
  const absl::CivilDay today_;
  const std::vector<FixedSession> fixed_;
};

// The booked sessions and the placed ones, numbered on from the used ones.
std::vector<ProjectedSession> InOrder(const ForecastRequest& request, const SessionCounts& counts,
                                      const std::vector<Placement>& placed) {
  std::vector<ProjectedSession> all;
  all.reserve(counts.booked + placed.size());
  for (const Session& session : request.sessions) {
    if (session.state == SessionState::kBooked) all.push_back({0, session.interval.start, true});
  }
  for (const Placement& placement : placed) all.push_back({0, placement.start, false});
  std::sort(all.begin(), all.end(),
            [](const ProjectedSession& a, const ProjectedSession& b) { return a.start < b.start; });
  int number = counts.used;
  for (ProjectedSession& session : all) session.session_number = ++number;
  return all;
}

// The day of the session with that number, held or ahead.
std::optional<absl::CivilDay> DayOfNumber(int number, const ForecastRequest& request,
                                          const SessionCounts& counts,
                                          const std::vector<ProjectedSession>& ahead) {
  if (number <= 0) return std::nullopt;
  if (number > counts.used) {
    const size_t index = number - counts.used - 1;
    if (index >= ahead.size()) return std::nullopt;
    return LocalDay(ahead[index].start, request.zone);
  }
  for (const Session& session : request.sessions) {
    if (IsUsed(session) && --number == 0) return LocalDay(session.interval.start, request.zone);
  }
  return std::nullopt;
}

CourseProgress ProgressOf(const ForecastRequest& request, const SessionCounts& counts,
                          const std::optional<CourseStart>& start, const WeekClock& clock,
                          const std::vector<ProjectedSession>& ahead) {
  const absl::CivilDay today = LocalDay(request.now, request.zone);
  CourseProgress progress;
  progress.start_day = clock.start_day();
  progress.start_projected = !start || start->projected;
  progress.deadline_day = clock.deadline_day();
  progress.deadline = clock.Deadline(request.zone);
  progress.pause_days = clock.pause_days();
  progress.week_number = clock.WeekNumber(today);
  progress.days_left = clock.DaysLeft(today);
  progress.attended_sessions = counts.attended;
  progress.used_sessions = counts.used;
  progress.booked_sessions = counts.booked;
  progress.unbooked_sessions = counts.unbooked;
  progress.excess_sessions = counts.excess;
  progress.next_session_number = counts.next_number;
  progress.phases = PhasesOf(request.variant, request.course.planned_sessions);
  progress.phase = PhaseOf(progress.phases, counts.next_number);
  progress.mid_course_session = MidCourseSession(request.course.planned_sessions);
  progress.mid_course_review_day = DayOfNumber(progress.mid_course_session, request, counts, ahead);
  for (const PhaseSpan& span : progress.phases) {
    if (span.phase == Phase::kTermination) progress.termination_session = span.first_session;
  }
  progress.termination_start_day =
      DayOfNumber(progress.termination_session, request, counts, ahead);
  if (counts.next != nullptr) {
    progress.next_session_id = counts.next->session_id;
    progress.next_session_time = counts.next->interval.start;
  }
  return progress;
}

// The local day of the last session, if all have one.
std::optional<absl::CivilDay> FinishOf(const ForecastRequest& request, const SessionCounts& counts,
                                       const std::vector<ProjectedSession>& ahead) {
  if (static_cast<int>(ahead.size()) < counts.booked + counts.unbooked) return std::nullopt;
  if (!ahead.empty()) return LocalDay(ahead.back().start, request.zone);
  return DayOfNumber(counts.used, request, counts, ahead);
}

absl::Time NextMidnight(absl::Time now, const absl::TimeZone& zone) {
  absl::CivilDay day = LocalDay(now, zone) + 1;
  while (DayStart(day, zone) <= now) ++day;
  return DayStart(day, zone);
}

CourseOutlook ClosedOutlook(ForecastRequest request) {
  const Course& course = request.course;
  if (course.closure) request.now = std::min(request.now, course.closure->time);
  const SessionCounts counts =
      CountSessions(course.planned_sessions, request.sessions, request.now);
  const auto start = FindCourseStart(request.sessions, request.zone);
  const WeekClock clock(start ? start->day : LocalDay(request.now, request.zone),
                        course.duration_weeks, course.pauses, request.pause_cap_days);
  return {.state = course.state,
          .progress = ProgressOf(request, counts, start, clock, InOrder(request, counts, {})),
          .forecast = std::nullopt,
          .valid_until = absl::InfiniteFuture()};
}

// Whether the session is ahead and takes place only where its therapist has hours.
bool NeedsHours(const ForecastRequest& request, const Session& session) {
  return session.state == SessionState::kBooked && session.interval.start > request.now &&
         session.therapist_id == request.course.therapist_id && !session.outside_availability;
}

// Those that can no longer take place where they are booked, by start. `availability` covers
// `window`; later ones stand.
std::vector<Session> Displaced(const ForecastRequest& request, const Availability& availability,
                               Interval window) {
  std::vector<Session> displaced;
  for (const Session& session : request.sessions) {
    if (!NeedsHours(request, session) || session.interval.end > window.end) continue;
    const std::vector<DeviationReason> found = availability.Check(session.interval);
    if (std::any_of(found.begin(), found.end(), [](DeviationReason reason) {
          return reason == DeviationReason::kHoliday || reason == DeviationReason::kTimeOff ||
                 reason == DeviationReason::kOutsideHours;
        })) {
      displaced.push_back(session);
    }
  }
  return displaced;
}

// The free time of a course in a window.
struct Loaded {
  Interval window;
  CalendarInputs calendar;
  FirstFree free;
};
absl::StatusOr<Loaded> LoadFree(const ForecastRequest& request, Interval window,
                                CalendarLoader load) {
  IPT_ASSIGN_OR_RETURN(CalendarInputs calendar, load(window));
  ApplyCourse(request.course, request.zone, request.sessions, calendar);
  FirstFree free(calendar, window);
  return Loaded{window, std::move(calendar), std::move(free)};
}

struct Projected {
  WeekClock clock;
  Forecast forecast;
};

// `near`: the near window, if it was loaded before.
absl::StatusOr<Projected> ProjectCourse(const ForecastRequest& request, const SessionCounts& counts,
                                        const Forecaster& forecaster, std::optional<Loaded> near,
                                        CalendarLoader load) {
  Projection projection = forecaster.WithoutCalendar();
  std::optional<Loaded> loaded = std::move(near);
  if (counts.unbooked > 0) {
    if (!loaded.has_value()) {
      IPT_ASSIGN_OR_RETURN(loaded, LoadFree(request, forecaster.NearWindow(), load));
    }
    bool decided = false;
    projection = forecaster.Project(loaded->free, &decided);
    const Interval far = forecaster.FarWindow();
    if (!decided && loaded->window.end < far.end) {
      IPT_ASSIGN_OR_RETURN(loaded, LoadFree(request, far, load));
      projection = forecaster.Project(loaded->free, &decided);
    }
  }
  Projected projected{.clock = projection.clock, .forecast = {}};
  Forecast& forecast = projected.forecast;
  forecast.state = projection.state;
  forecast.as_of = request.now;
  forecast.sessions_left = counts.booked + counts.unbooked;
  forecast.sessions = InOrder(request, counts, projection.placed);
  forecast.projected_finish = FinishOf(request, counts, forecast.sessions);
  if (forecast.projected_finish) {
    forecast.slack_days =
        static_cast<int>(projection.clock.deadline_day() - *forecast.projected_finish);
  }
  forecast.reasons = forecaster.Reasons(projection, loaded ? &loaded->free : nullptr,
                                        loaded ? &loaded->calendar : nullptr);
  return projected;
}

// As if the sessions that lost their place were to be booked.
absl::StatusOr<Projected> ProjectWithout(const std::vector<Session>& displaced,
                                         const ForecastRequest& request,
                                         const std::optional<CourseStart>& start,
                                         CalendarLoader load) {
  std::vector<Session> standing;
  for (const Session& session : request.sessions) {
    const bool lost = std::any_of(displaced.begin(), displaced.end(), [&](const Session& other) {
      return other.session_id == session.session_id;
    });
    if (!lost) standing.push_back(session);
  }
  const ForecastRequest others{request.course, request.variant,        standing,
                               request.zone,   request.pause_cap_days, request.now};
  const SessionCounts counts =
      CountSessions(request.course.planned_sessions, standing, request.now);
  IPT_ASSIGN_OR_RETURN(
      Projected projected,
      ProjectCourse(others, counts, Forecaster(others, counts, start), std::nullopt, load));
  projected.forecast.reasons.push_back(ForecastReason::kSessionsDisplaced);
  for (const Session& session : displaced) {
    projected.forecast.displaced_ids.push_back(session.session_id);
  }
  return projected;
}

}  // namespace

absl::StatusOr<CourseOutlook> ComputeOutlook(const ForecastRequest& request, CalendarLoader load) {
  const Course& course = request.course;
  if (!IsOpen(course.state)) return ClosedOutlook(request);

  const SessionCounts counts =
      CountSessions(course.planned_sessions, request.sessions, request.now);
  const auto start = FindCourseStart(request.sessions, request.zone);
  const Forecaster forecaster(request, counts, start);

  std::optional<Loaded> near;
  std::vector<Session> displaced;
  if (counts.unbooked > 0) {
    IPT_ASSIGN_OR_RETURN(near, LoadFree(request, forecaster.NearWindow(), load));
    displaced = Displaced(request, near->free.availability(), near->window);
  } else {
    Interval ahead{request.now, request.now};
    for (const Session& session : request.sessions) {
      if (NeedsHours(request, session)) ahead.end = std::max(ahead.end, session.interval.end);
    }
    if (ahead.end > ahead.start) {
      IPT_ASSIGN_OR_RETURN(const CalendarInputs calendar, load(ahead));
      displaced = Displaced(request, Availability(calendar, ahead), ahead);
    }
  }
  IPT_ASSIGN_OR_RETURN(Projected projected,
                       displaced.empty()
                           ? ProjectCourse(request, counts, forecaster, std::move(near), load)
                           : ProjectWithout(displaced, request, start, load));

  CourseOutlook outlook;
  outlook.progress =
      ProgressOf(request, counts, start, projected.clock, projected.forecast.sessions);
  outlook.forecast = std::move(projected.forecast);
  const absl::CivilDay today = LocalDay(request.now, request.zone);
  outlook.state = InPause(today, course.pauses) ? CourseState::kPaused
                  : counts.attended > 0         ? CourseState::kActive
                                                : CourseState::kPlanned;
  outlook.valid_until = NextMidnight(request.now, request.zone);
  if (counts.next != nullptr) {
    outlook.valid_until = std::min(outlook.valid_until, counts.next->interval.end);
  }
  return outlook;
}

absl::StatusOr<std::vector<size_t>> RefreshDerived(const Variant& variant,
                                                   const absl::TimeZone& zone, int pause_cap_days,
                                                   absl::Time now, Course& course,
                                                   std::vector<Session>& sessions,
                                                   CalendarLoader load) {
  IPT_ASSIGN_OR_RETURN(
      CourseOutlook outlook,
      ComputeOutlook({course, variant, sessions, zone, pause_cap_days, now}, load));
  course.state = outlook.state;
  course.progress = std::move(outlook.progress);
  course.forecast = std::move(outlook.forecast);
  course.valid_until = outlook.valid_until;
  const WeekClock clock(course.progress.start_day, course.duration_weeks, course.pauses,
                        pause_cap_days);
  return NumberSessions(course.progress.phases, clock, zone, sessions);
}

}  // namespace ipt::scheduling
