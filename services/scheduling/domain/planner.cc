#include "scheduling/domain/planner.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "scheduling/domain/numbering.h"
#include "scheduling/domain/placement.h"
#include "scheduling/domain/time_zone.h"
#include "scheduling/domain/variants.h"
#include "scheduling/domain/week_clock.h"

namespace ipt::scheduling {
namespace {

// What deviations from a pattern cost. Chiefly the number of deviating sessions counts.
constexpr int kOtherTimeCost = 10;
constexpr int kOtherDayCost = 11;
constexpr int kSkippedCost = 12;
constexpr int kMaxAlternatives = 5;
constexpr int kMinutesPerDay = 1440;

int SessionsToPlan(const PlanRequest& request, const SessionCounts& counts) {
  return request.session_count > 0 ? std::min(request.session_count, counts.unbooked)
                                   : counts.unbooked;
}

// The week clock of a course that starts that day.
WeekClock ClockFrom(const PlanRequest& request, absl::CivilDay day) {
  return WeekClock(day, request.course.duration_weeks, request.course.pauses,
                   request.pause_cap_days);
}

// A weekday and local time: sessions lie on days place, place + cadence...
struct Pattern {
  int first_place = 0;
  int minute = 0;
};

struct Choice {
  absl::Time start;
  int day = 0;
  int minute = 0;
};

struct Draft {
  Pattern pattern;
  std::vector<Choice> sessions;  // by start
  int unplaced = 0;
  int cost = 0;
};

class Planner {
 public:
  Planner(const PlanRequest& request, const CalendarInputs& calendar, Interval window,
          const std::optional<CourseStart>& start, int count)
      : request_(request),
        window_(window),
        count_(count),
        cadence_(std::max(1, request.course.cadence_days)),
        tolerance_(std::clamp(request.course.cadence_tolerance_days, 0, (cadence_ - 1) / 2)),
        modulus_(cadence_ % 7 == 0 ? 7 : cadence_),
        free_(calendar, window),
        length_(free_.availability().length()),
        spacing_(length_ + free_.availability().buffer()),
        fixed_(FixedSessions(request.sessions, request.zone, free_.days().day(0))) {
    if (start) {
      deadline_ = ClockFrom(request, start->day).Deadline(request.zone);
      if (start->projected) {
        first_day_ = std::max(0, static_cast<int>(start->day - free_.days().day(0)) + 1);
      }
    }
    minutes_.reserve(free_.starts().size());
    for (int day = 0; day < free_.size(); ++day) {
      for (const absl::Time at : free_.starts(day)) {
        minutes_.push_back(free_.days().MinuteAt(day, at));
      }
    }
  }

  Draft Plan() const {
    Draft plan = BestPattern();
    if (plan.unplaced == 0) return plan;
    if (auto greedy = Greedy(/*keep_cadence=*/true); greedy.unplaced == 0) return greedy;
    Repair(plan);
    if (plan.unplaced == 0) return plan;
    Draft greedy = Greedy(/*keep_cadence=*/false);
    return greedy.unplaced < plan.unplaced ? greedy : plan;
  }

  // Verdict, reasons and alternatives of each session of a plan; numbers are the caller's.
  std::vector<PlannedSession> Explain(const Draft& plan) const {
    std::vector<PlannedSession> out;
    out.reserve(plan.sessions.size());
    const absl::Time end_by = EndBy(plan);
    Cadence cadence;  // of the sessions that keep it; the others come in between
    for (size_t i = 0; i < plan.sessions.size(); ++i) {
      const Choice& choice = plan.sessions[i];
      int place = 0;
      const bool keeps = Keeps(cadence, choice.day, place);
      if (keeps) cadence = {choice.day, place};
      PlannedSession session;
      session.interval = {choice.start, choice.start + length_};
      // The nearest day of the pattern.
      int off = Mod(choice.day - plan.pattern.first_place, modulus_);
      if (off > modulus_ / 2) off -= modulus_;
      const int pattern_day = choice.day - off;
      session.verdict = !keeps                                 ? PlanVerdict::kOffCadence
                        : off != 0                             ? PlanVerdict::kOtherDay
                        : choice.minute != plan.pattern.minute ? PlanVerdict::kOtherTime
                                                               : PlanVerdict::kOnPattern;
      if (session.verdict != PlanVerdict::kOnPattern) {
        session.reasons = WhyNot(pattern_day, plan.pattern.minute, end_by);
        if (session.verdict == PlanVerdict::kOffCadence) {
          AddOnce(session.reasons, DeviationReason::kDeadline);
        }
      }
      session.alternatives = Alternatives(plan, i, pattern_day);
      out.push_back(std::move(session));
    }
    return out;
  }

  // The pattern's, where its places have one.
  Weekday MostKeptWeekday(const Draft& plan) const {
    if (modulus_ == 7 || plan.sessions.empty()) return WeekdayOf(day(plan.pattern.first_place));
    std::map<Weekday, int> counts;
    for (const Choice& choice : plan.sessions) ++counts[WeekdayOf(day(choice.day))];
    return std::max_element(counts.begin(), counts.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; })
        ->first;
  }

  absl::CivilDay day(int index) const { return free_.days().day(index); }

 private:
  static int Mod(int value, int modulus) { return ((value % modulus) + modulus) % modulus; }

  static void AddOnce(std::vector<DeviationReason>& reasons, DeviationReason reason) {
    if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) {
      reasons.push_back(reason);
    }
  }

  // Sessions of a plan that starts on `first_day` end by then.
  absl::Time EndBy(int first_day) const {
    return deadline_ ? *deadline_ : ClockFrom(request_, day(first_day)).Deadline(request_.zone);
  }
  absl::Time EndBy(const Draft& plan) const {
    return plan.sessions.empty() ? EndBy(first_day_) : EndBy(plan.sessions.front().day);
  }

  // The last fixed session before a day, or the first on or after it; nullptr if none.
  const FixedSession* FixedBefore(int day) const {
    auto it = FirstFixedFrom(day);
    return it == fixed_.begin() ? nullptr : &*std::prev(it);
  }
  const FixedSession* FixedFrom(int day) const {
    auto it = FirstFixedFrom(day);
    return it == fixed_.end() ? nullptr : &*it;
  }
  std::vector<FixedSession>::const_iterator FirstFixedFrom(int day) const {
    return std::lower_bound(fixed_.begin(), fixed_.end(), day,
                            [](const FixedSession& session, int d) { return session.day < d; });
  }

  // The cadence, as a plan grows: see placement.h.
  struct Cadence {
    std::optional<int> last_day;  // of the plan's own sessions
    int place = 0;
  };
  // Whether a session on `day` keeps the cadence with what lies before and after it; sets its
  // place.
  bool Keeps(const Cadence& cadence, int day, int& place) const {
    if (cadence.last_day && day <= *cadence.last_day) return false;
    const FixedSession* before = FixedBefore(day);
    place = day;
    if (before != nullptr && (!cadence.last_day || before->day > *cadence.last_day)) {
      if (day < before->day + cadence_ - tolerance_) return false;
      place = std::max(before->day + cadence_, day - tolerance_);
    } else if (cadence.last_day) {
      if (day < cadence.place + cadence_ - tolerance_) return false;
      place = std::max(cadence.place + cadence_, day - tolerance_);
    }
    const FixedSession* after = FixedFrom(day);
    return after == nullptr || place + cadence_ <= after->day + tolerance_;
  }

  // The start of a day closest to a local time, no earlier than `from`, its session ending by
  // `end_by`. Index into starts, -1 if none.
  int Closest(int day, int minute, absl::Time from, absl::Time end_by) const {
    int best = -1;
    int distance = std::numeric_limits<int>::max();
    for (int i = free_.first_start(day); i < free_.first_start(day + 1); ++i) {
      const int d = std::abs(minutes_[i] - minute);
      if (d >= distance) continue;
      const absl::Time start = free_.starts()[i];
      if (start < from || start + length_ > end_by) continue;
      best = i;
      distance = d;
      if (d == 0) break;
    }
    return best;
  }

  // Follows a pattern over its places. Gives up (nullopt) once it costs more than `bound`.
  std::optional<Draft> Follow(const Pattern& pattern, int cost, int bound) const {
    Draft draft{.pattern = pattern, .sessions = {}, .unplaced = 0, .cost = cost};
    draft.sessions.reserve(count_);
    Cadence cadence;
    absl::Time from = absl::InfinitePast();
    absl::Time end_by = deadline_.value_or(absl::InfiniteFuture());
    for (int place = pattern.first_place; static_cast<int>(draft.sessions.size()) < count_;
         place += cadence_) {
      if (place - tolerance_ >= free_.size()) break;
      if (free_.days().start(std::max(0, place - tolerance_)) >= end_by) break;
      int chosen = -1;
      int chosen_day = 0;
      int new_place = 0;
      bool open = false;  // some day of this place keeps the cadence
      for (int distance = 0; distance <= tolerance_ && chosen < 0; ++distance) {
        for (const int side : {1, -1}) {
          if (distance == 0 && side < 0) continue;
          const int day = place + side * distance;
          int its_place = 0;
          if (day < first_day_ || day >= free_.size() || !Keeps(cadence, day, its_place)) continue;
          open = true;
          if (!free_.free(day)) continue;
          const int index = Closest(day, pattern.minute, from, end_by);
          if (index < 0) continue;
          if (chosen >= 0 && std::abs(minutes_[index] - pattern.minute) >=
                                 std::abs(minutes_[chosen] - pattern.minute)) {
            continue;
          }
          chosen = index;
          chosen_day = day;
          new_place = its_place;
        }
      }
      if (chosen < 0) {
        if (open && (deadline_ || !draft.sessions.empty())) draft.cost += kSkippedCost;
      } else {
        const absl::Time start = free_.starts()[chosen];
        draft.sessions.push_back({start, chosen_day, minutes_[chosen]});
        if (!deadline_ && draft.sessions.size() == 1) {
          if (chosen_day > first_day_ + kStartSearchDays) return std::nullopt;
          end_by = EndBy(chosen_day);
        }
        cadence = {chosen_day, new_place};
        from = start + spacing_;
        draft.cost += chosen_day != place                  ? kOtherDayCost
                      : minutes_[chosen] != pattern.minute ? kOtherTimeCost
                                                           : 0;
      }
      if (draft.cost > bound) return std::nullopt;
    }
    draft.unplaced = count_ - static_cast<int>(draft.sessions.size());
    return draft;
  }

  // Of two plans, the one that places more, deviates less, ends and starts earlier.
  static bool Better(const Draft& a, const Draft& b) {
    auto key = [](const Draft& d) {
      return std::tuple(d.unplaced, d.cost,
                        d.sessions.empty() ? absl::InfiniteFuture() : d.sessions.back().start,
                        d.sessions.empty() ? absl::InfiniteFuture() : d.sessions.front().start);
    };
    return key(a) < key(b);
  }

  Draft BestPattern() const {
    struct Candidate {
      Pattern pattern;
      int base_cost;
      int least_cost;
    };
    // The pattern that the course has kept so far.
    const FixedSession* last = fixed_.empty() ? nullptr : &fixed_.back();
    const int last_minute = last != nullptr ? MinuteOfDay(last->interval.start, request_.zone) : 0;
    const FixedSession* before = FixedBefore(first_day_);
    int lowest = first_day_;
    if (before != nullptr) lowest = std::max(lowest, before->day + cadence_ - tolerance_);

    std::vector<Candidate> candidates;
    std::array<int, kMinutesPerDay> matches{};
    std::vector<int> seen;
    for (int offset = 0; offset < cadence_; ++offset) {
      const int first_place = lowest + offset;
      for (int day = first_place; day < free_.size(); day += cadence_) {
        for (int i = free_.first_start(day); i < free_.first_start(day + 1); ++i) {
          if (matches[minutes_[i]]++ == 0) seen.push_back(minutes_[i]);
        }
      }
      for (const int minute : seen) {
        int cost = 0;
        if (last != nullptr) {
          if (Mod(first_place - last->day, modulus_) != 0) cost += 2 * kOtherDayCost;
          if (minute != last_minute) cost += kOtherTimeCost;
        }
        const int misses = std::max(0, count_ - matches[minute]);
        candidates.push_back({{first_place, minute}, cost, cost + misses * kOtherTimeCost});
        matches[minute] = 0;
      }
      seen.clear();
    }
    std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
      return std::tuple(a.least_cost, a.pattern.first_place, a.pattern.minute) <
             std::tuple(b.least_cost, b.pattern.first_place, b.pattern.minute);
    });
    Draft best;
    best.unplaced = count_;
    best.cost = std::numeric_limits<int>::max();
    best.pattern = {lowest, last_minute};
    for (const Candidate& candidate : candidates) {
      const int bound = best.unplaced == 0 ? best.cost : std::numeric_limits<int>::max();
      if (candidate.least_cost > bound) break;
      auto draft = Follow(candidate.pattern, candidate.base_cost, bound);
      if (draft && Better(*draft, best)) best = *std::move(draft);
    }
    return best;
  }

  // The most sessions that can be placed, each as early as possible.
  Draft Greedy(bool keep_cadence) const {
    PlacementRules rules{.first_day = first_day_,
                         .count = count_,
                         .cadence_days = cadence_,
                         .tolerance_days = tolerance_,
                         .keep_cadence = keep_cadence};
    std::vector<Placement> best;
    if (deadline_) {
      rules.end_by = *deadline_;
      best = PlaceEarliest(rules, fixed_, free_);
    } else {
      const int last_start = std::min(first_day_ + kStartSearchDays, free_.size() - 1);
      for (int start = free_.NextFree(first_day_); start <= last_start;
           start = free_.NextFree(start + 1)) {
        rules.first_day = start;
        rules.end_by = EndBy(start);
        std::vector<Placement> placed = PlaceEarliest(rules, fixed_, free_);
        if (placed.empty() || placed.front().day != start) continue;
        if (placed.size() > best.size()) best = std::move(placed);
        if (static_cast<int>(best.size()) == count_) break;
      }
    }
    Draft draft;
    draft.unplaced = count_ - static_cast<int>(best.size());
    draft.sessions.reserve(best.size());
    for (const Placement& placement : best) {
      const auto it =
          std::lower_bound(free_.starts().begin(), free_.starts().end(), placement.start);
      draft.sessions.push_back(
          {placement.start, placement.day, minutes_[it - free_.starts().begin()]});
    }
    SettleTimes(draft);
    return draft;
  }

  // Gives a plan whose days are settled the pattern that most of its days and free times share.
  void SettleTimes(Draft& draft) const {
    if (draft.sessions.empty()) return;
    std::array<int, kMinutesPerDay> days_free{};
    std::map<int, int> offsets;
    for (const Choice& choice : draft.sessions) {
      ++offsets[Mod(choice.day - first_day_, modulus_)];
      for (int i = free_.first_start(choice.day); i < free_.first_start(choice.day + 1); ++i) {
        ++days_free[minutes_[i]];
      }
    }
    auto by_count = [](const auto& a, const auto& b) { return a.second < b.second; };
    draft.pattern.first_place =
        first_day_ + std::max_element(offsets.begin(), offsets.end(), by_count)->first;
    draft.pattern.minute =
        static_cast<int>(std::max_element(days_free.begin(), days_free.end()) - days_free.begin());
    // Earlier sessions may only move as far as the next one, still at its earliest, lets them.
    const absl::Time end_by = EndBy(draft);
    absl::Time from = absl::InfinitePast();
    for (size_t i = 0; i < draft.sessions.size(); ++i) {
      Choice& choice = draft.sessions[i];
      absl::Time latest_end = end_by;
      if (i + 1 < draft.sessions.size()) {
        latest_end = std::min(latest_end, draft.sessions[i + 1].start - (spacing_ - length_));
      }
      const int index = Closest(choice.day, draft.pattern.minute, from, latest_end);
      if (index >= 0) choice = {free_.starts()[index], choice.day, minutes_[index]};
      from = choice.start + spacing_;
    }
  }

  // Adds sessions on days that the pattern left free, each as far from all others as possible.
  void Repair(Draft& draft) const {
    const absl::Time end_by = EndBy(draft);
    const int first =
        deadline_ || draft.sessions.empty() ? first_day_ : draft.sessions.front().day + 1;
    if (!deadline_ && draft.sessions.empty()) return;
    while (draft.unplaced > 0) {
      int best_gap = 0;
      Choice best;
      for (int day = free_.NextFree(first); day < free_.size(); day = free_.NextFree(day + 1)) {
        if (free_.days().start(day) >= end_by) break;
        int gap = std::numeric_limits<int>::max();
        if (const FixedSession* f = FixedBefore(day)) gap = std::min(gap, day - f->day);
        if (const FixedSession* f = FixedFrom(day)) gap = std::min(gap, f->day - day);
        const auto after =
            std::lower_bound(draft.sessions.begin(), draft.sessions.end(), day,
                             [](const Choice& choice, int d) { return choice.day < d; });
        absl::Time from = absl::InfinitePast();
        absl::Time until = end_by;
        if (after != draft.sessions.end()) {
          gap = std::min(gap, after->day - day);
          until = std::min(until, after->start - (spacing_ - length_));
        }
        if (after != draft.sessions.begin()) {
          gap = std::min(gap, day - std::prev(after)->day);
          from = std::prev(after)->start + spacing_;
        }
        if (gap <= best_gap) continue;
        const int index = Closest(day, draft.pattern.minute, from, until);
        if (index < 0) continue;
        best_gap = gap;
        best = {free_.starts()[index], day, minutes_[index]};
      }
      if (best_gap == 0) return;
      draft.sessions.insert(
          std::upper_bound(draft.sessions.begin(), draft.sessions.end(), best,
                           [](const Choice& a, const Choice& b) { return a.start < b.start; }),
          best);
      --draft.unplaced;
    }
  }

  // What keeps a session from the pattern's day and time.
  std::vector<DeviationReason> WhyNot(int day, int minute, absl::Time end_by) const {
    if (day < 0 || day >= free_.size()) return {DeviationReason::kNeighbour};
    const LocalInstant at = free_.days().At(day, minute);
    const Interval slot{at.instant, at.instant + length_};
    std::vector<DeviationReason> reasons;
    if (slot.start >= window_.start && slot.end <= window_.end) {
      reasons = free_.availability().Check(slot);
    }
    if (at.kind == LocalTimeKind::kSkipped) {
      reasons.insert(reasons.begin(), DeviationReason::kClockChange);
    }
    if (slot.end > end_by) AddOnce(reasons, DeviationReason::kDeadline);
    if (reasons.empty()) {
      const auto starts = free_.starts(day);
      const bool on_grid = slot.start < window_.start ||
                           std::find(starts.begin(), starts.end(), slot.start) != starts.end();
      reasons.push_back(on_grid ? DeviationReason::kNeighbour : DeviationReason::kOutsideHours);
    }
    return reasons;
  }

  // Other starts for one session: nearest to the pattern's day, then to its time; all others stay.
  std::vector<absl::Time> Alternatives(const Draft& plan, size_t index, int pattern_day) const {
    struct Candidate {
      int day_distance;
      int minute_distance;
      absl::Time start;
      bool operator<(const Candidate& other) const {
        return std::tie(day_distance, minute_distance, start) <
               std::tie(other.day_distance, other.minute_distance, other.start);
      }
    };
    const bool starts_course = !deadline_ && index == 0;
    absl::Time from = absl::InfinitePast();
    absl::Time until = EndBy(plan);
    int first = std::max(first_day_, std::min(pattern_day, plan.sessions[index].day) - tolerance_);
    int last =
        std::min(free_.size() - 1, std::max(pattern_day, plan.sessions[index].day) + tolerance_);
    if (index > 0) {
      from = plan.sessions[index - 1].start + spacing_;
      first = std::max(first, plan.sessions[index - 1].day + 1);
    }
    if (index + 1 < plan.sessions.size()) {
      until = std::min(until, plan.sessions[index + 1].start - (spacing_ - length_));
      last = std::min(last, plan.sessions[index + 1].day - 1);
    }
    std::vector<Candidate> candidates;
    for (int day = first; day <= last; ++day) {
      if (!free_.free(day)) continue;
      if (const FixedSession* fixed = FixedFrom(day); fixed != nullptr && fixed->day == day)
        continue;
      if (starts_course && plan.sessions.back().start + length_ > EndBy(day)) continue;
      const int day_distance = std::abs(day - pattern_day);
      for (int i = free_.first_start(day); i < free_.first_start(day + 1); ++i) {
        const absl::Time start = free_.starts()[i];
        if (start < from || start + length_ > until || start == plan.sessions[index].start)
          continue;
        candidates.push_back({day_distance, std::abs(minutes_[i] - plan.pattern.minute), start});
      }
    }
    const size_t count = std::min<size_t>(candidates.size(), kMaxAlternatives);
    std::partial_sort(candidates.begin(), candidates.begin() + count, candidates.end());
    std::vector<absl::Time> out;
    out.reserve(count);
    for (size_t i = 0; i < count; ++i) out.push_back(candidates[i].start);
    return out;
  }

  const PlanRequest& request_;
  const Interval window_;
  const int count_;
  const int cadence_;
  const int tolerance_;
  const int modulus_;  // days after which the pattern's weekday comes again
  const FreeDays free_;
  const absl::Duration length_;
  const absl::Duration spacing_;  // from start to start, at least
  const std::vector<FixedSession> fixed_;
  std::vector<int> minutes_;            // local time of each free start
  std::optional<absl::Time> deadline_;  // unset while the plan's own start decides it
  int first_day_ = 0;
};

// Numbers planned sessions among the booked ones, in order of time.
void Number(const PlanRequest& request, const SessionCounts& counts,
            std::vector<PlannedSession>& planned) {
  const std::vector<PhaseSpan> phases = PhasesOf(request.variant, request.course.planned_sessions);
  auto booked = request.sessions.begin();
  int number = counts.used;
  for (PlannedSession& session : planned) {
    for (; booked != request.sessions.end() && booked->interval.start < session.interval.start;
         ++booked) {
      if (booked->state == SessionState::kBooked) ++number;
    }
    session.session_number = ++number;
    session.phase = PhaseOf(phases, number);
  }
}

}  // namespace

Interval PlanWindow(const PlanRequest& request) {
  const SessionCounts counts =
      CountSessions(request.course.planned_sessions, request.sessions, request.earliest);
  if (SessionsToPlan(request, counts) == 0) return {request.earliest, request.earliest};
  const auto start = FindCourseStart(request.sessions, request.zone);
  if (start) {
    return {request.earliest, ClockFrom(request, start->day).Deadline(request.zone)};
  }
  // Pauses may come into any start's course, so all are allowed for.
  const absl::CivilDay last_start = LocalDay(request.earliest, request.zone) + kStartSearchDays;
  const int days = 7 * request.course.duration_weeks +
                   std::min(request.pause_cap_days, PauseDays(request.course.pauses));
  return {request.earliest, DayStart(last_start + days, request.zone)};
}

CoursePlan PlanCourse(const PlanRequest& request, CalendarInputs calendar) {
  const SessionCounts counts =
      CountSessions(request.course.planned_sessions, request.sessions, request.earliest);
  const auto start = FindCourseStart(request.sessions, request.zone);
  CoursePlan plan;
  plan.unplaced_sessions = SessionsToPlan(request, counts);
  absl::CivilDay start_day = start ? start->day : LocalDay(request.earliest, request.zone);

  const Interval window = PlanWindow(request);
  if (window.start < window.end) {
    ApplyCourse(request.course, request.zone, request.sessions, calendar);
    const Planner planner(request, calendar, window, start, plan.unplaced_sessions);
    const Draft draft = planner.Plan();
    plan.sessions = planner.Explain(draft);
    Number(request, counts, plan.sessions);
    plan.unplaced_sessions = draft.unplaced;
    plan.minute_of_day = draft.pattern.minute;
    plan.day = planner.MostKeptWeekday(draft);
    if (!draft.sessions.empty()) {
      plan.finish_day = planner.day(draft.sessions.back().day);
      if (!start) start_day = planner.day(draft.sessions.front().day);
    }
  }
  plan.deadline_day = ClockFrom(request, start_day).deadline_day();
  if (plan.finish_day) plan.slack_days = static_cast<int>(plan.deadline_day - *plan.finish_day);
  return plan;
}

}  // namespace ipt::scheduling
