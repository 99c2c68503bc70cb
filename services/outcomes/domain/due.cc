#include "outcomes/domain/due.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/string_view.h"

namespace ipt::outcomes {
namespace {

// More than any course has; an open one that everybody forgot must not be asked for ever.
constexpr int kMostWeeks = 520;

// A treatment session, known or projected.
struct Slot {
  const courses::CopiedSession* session = nullptr;  // nullptr: not booked
  int number = 0;
  absl::CivilDay day;
  // Booked before one that was attended: whether it took place is not recorded, and its number goes
  // up with each that is.
  bool passed_over = false;
};

// A course's time line, without any rule.
class TimeLine {
 public:
  TimeLine(const courses::CopiedCourse& course, const absl::TimeZone& zone, absl::CivilDay today)
      : course_(course), zone_(zone), today_(today) {
    if (course.closed() && course.closed_at.has_value()) closed_ = DayOf(*course.closed_at);
    MakeSlots();
    start_ = course.start_day;
    if (!start_.has_value() && !slots_.empty()) start_ = slots_.front().day;
  }

  const courses::CopiedCourse& course() const { return course_; }
  absl::CivilDay today() const { return today_; }
  absl::CivilDay DayOf(absl::Time time) const { return absl::ToCivilDay(time, zone_); }
  // Treatment sessions by day.
  const std::vector<Slot>& slots() const { return slots_; }
  // The day on which it ended; unset while it is open.
  const std::optional<absl::CivilDay>& closed() const { return closed_; }
  // Its first day; a projection while `course().start_day` is unset. Unset: nothing is known of it.
  const std::optional<absl::CivilDay>& start() const { return start_; }

  // The day of the last session that was attended, of the treatment or not.
  const std::optional<absl::CivilDay>& last_contact() const { return last_contact_; }
  // It ended before it began.
  bool untreated() const { return course_.closed() && !course_.start_day.has_value(); }

 private:
  absl::CivilDay AfterPauses(absl::CivilDay day) const {
    for (const courses::CopiedPause& pause : course_.pauses) {
      if (pause.first_day <= day && day <= pause.last_day) day = pause.last_day + 1;
    }
    return day;
  }

  void MakeSlots() {
    const courses::CopiedSession* last_attended = nullptr;
    for (const courses::CopiedSession& session : course_.sessions) {
      if (session.state != courses::CopiedSessionState::kAttended) continue;
      last_contact_ = DayOf(session.start);
      if (session.number > 0) last_attended = &session;
    }
    int used = 0;  // numbers that sessions have, those that were missed among them
    absl::CivilDay last = today_;
    for (const courses::CopiedSession& session : course_.sessions) {
      if (session.number < 1) continue;
      const absl::CivilDay day = DayOf(session.start);
      used = std::max(used, session.number);
      last = day;
      const bool attended = session.state == courses::CopiedSessionState::kAttended;
      if (!attended && session.state != courses::CopiedSessionState::kBooked) continue;
      if (!attended && closed_.has_value() && day > *closed_) continue;
      const bool passed_over =
          !attended && last_attended != nullptr && session.start < last_attended->start;
      slots_.push_back({&session, session.number, day, passed_over});
    }
    if (closed_.has_value() || course_.closed()) return;
    const int planned = course_.planned_sessions;
    int pace = course_.cadence_days;
    if (pace < 1) pace = planned > 0 ? std::max(1, 7 * course_.duration_weeks / planned) : 7;
    absl::CivilDay day = used == 0 ? today_ : std::max(last + pace, today_);
    for (int number = used + 1; number <= planned; ++number) {
      day = AfterPauses(day);
      slots_.push_back({nullptr, number, day, false});
      day += pace;
    }
  }

  const courses::CopiedCourse& course_;
  const absl::TimeZone& zone_;
  const absl::CivilDay today_;
  std::vector<Slot> slots_;
  std::optional<absl::CivilDay> last_contact_;
  std::optional<absl::CivilDay> closed_;
  std::optional<absl::CivilDay> start_;
};

// Whose answer it is: a patient's is the patient's, whoever reads the questions.
AnsweredBy PersonOf(AnsweredBy respondent) {
  return respondent == AnsweredBy::kClinicianRead ? AnsweredBy::kSelf : respondent;
}

// The occasions of one rule.
class RuleOccasions {
 public:
  RuleOccasions(size_t index, const AskedRule& asked, const TimeLine& line, int last_score_days)
      : index_(index),
        rule_(asked.rule),
        respondent_(asked.respondent),
        line_(line),
        last_score_days_(last_score_days) {}

  std::vector<Occasion> Make(const std::vector<PlanAnswer>& answers) {
    Place();
    Bound();
    Fulfil(answers);
    WaitForTheStart();
    std::vector<Occasion> asked;
    int missed = 0;
    for (Occasion& occasion : made_) {
      occasion.state = StateOf(occasion);
      // Nobody was asked.
      const absl::Time since = rule_.SinceOf(occasion.follow_up_months);
      if ((occasion.day < line_.DayOf(since) || line_.untreated()) &&
          occasion.state != OccasionState::kDone) {
        continue;
      }
      occasion.missed_in_a_row = missed;
      missed = WasMissed(occasion, rule_) ? missed + 1 : 0;
      asked.push_back(std::move(occasion));
    }
    return asked;
  }

 private:
  void Add(absl::CivilDay day, const Slot* slot, int week, int months) {
    if (!made_.empty() && day <= made_.back().day) return;  // two sessions of one day
    Occasion& occasion = made_.emplace_back();
    occasion.rule = index_;
    occasion.day = day;
    occasion.week_number = week;
    occasion.follow_up_months = months;
    occasion.open_day = day - rule_.OpenDaysBefore();
    if (made_.size() > 1) {
      occasion.open_day = std::max(occasion.open_day, made_[made_.size() - 2].day + 1);
    }
    if (!rule_.voluntary) occasion.overdue_day = day + rule_.GraceDays();
    if (slot != nullptr && slot->session != nullptr)
      occasion.session_id = slot->session->session_id;
    occasion.unbooked = occasion.projected = slot != nullptr && slot->session == nullptr;
  }

  void Add(const Slot& slot) {
    const int week = slot.session != nullptr ? slot.session->week : line_.course().WeekOf(slot.day);
    Add(slot.day, &slot, week, 0);
  }

  void Place() {
    const std::vector<Slot>& slots = line_.slots();
    switch (rule_.timing) {
      case PlanTiming::kEverySession:
        for (const Slot& slot : slots) Add(slot);
        break;
      case PlanTiming::kEveryWeeks:
        EveryWeeks();
        break;
      case PlanTiming::kBaseline:
        AddFirst([](const Slot&) { return true; });
        break;
      case PlanTiming::kPhaseChange:
        for (const courses::CopiedPhase& phase : line_.course().phases) {
          AddFirst([&](const Slot& slot) {
            return slot.number >= phase.first_session && slot.number <= phase.last_session;
          });
        }
        break;
      case PlanTiming::kMidCourse:
        if (const int planned = line_.course().planned_sessions; planned > 0) {
          AddFirst([&](const Slot& slot) { return slot.number >= (planned + 1) / 2; });
        }
        break;
      case PlanTiming::kEnd:
        End();
        break;
      case PlanTiming::kFollowUp:
        FollowUps();
        break;
      case PlanTiming::kUnspecified:
        break;
    }
  }

  template <typename Wanted>
  void AddFirst(const Wanted& wanted) {
    const auto found =
        std::find_if(line_.slots().begin(), line_.slots().end(),
                     [&](const Slot& slot) { return !slot.passed_over && wanted(slot); });
    if (found != line_.slots().end()) Add(*found);
  }

  void EveryWeeks() {
    if (!line_.start().has_value() || rule_.weeks < 1) return;
    const courses::CopiedCourse& course = line_.course();
    const absl::CivilDay start = *line_.start();
    const absl::CivilDay deadline =
        course.deadline_day.value_or(course.FirstDayOfWeek(start, course.duration_weeks + 1) - 1);
    const absl::CivilDay end =
        line_.closed().value_or(std::max(deadline, line_.today() + rule_.OpenDaysBefore()));
    const bool started = course.start_day.has_value();
    for (int week = 1; week <= kMostWeeks; week += rule_.weeks) {
      const absl::CivilDay day = course.FirstDayOfWeek(start, week);
      if (day > end) return;
      Add(day, nullptr, week, 0);
      made_.back().projected = !started;
      // A course that nobody has a first session for yet begins on no day at all.
      made_.back().unbooked = !started && (week > 1 || line_.slots().front().session == nullptr);
    }
  }

  // A first session that has passed, and of which nobody says that it was attended, began nothing.
  void WaitForTheStart() {
    if (rule_.timing != PlanTiming::kEveryWeeks || line_.course().start_day.has_value()) return;
    if (made_.empty() || made_[0].day >= line_.today()) return;
    made_[0].unbooked = made_[0].measurement_id.empty();
  }

  void End() {
    const std::vector<Slot>& slots = line_.slots();
    if (!line_.closed().has_value()) {
      if (!slots.empty()) Add(slots.back());
      return;
    }
    for (auto slot = slots.rbegin(); slot != slots.rend(); ++slot) {
      if (slot->session->state != courses::CopiedSessionState::kAttended) continue;
      Add(*slot);
      return;
    }
  }

  void FollowUps() {
    if (!line_.closed().has_value() || !line_.course().start_day.has_value()) return;
    std::vector<int> months = rule_.months;
    std::sort(months.begin(), months.end());
    for (const int month : months) {
      Add(MonthsAfter(*line_.closed(), month), nullptr, 0, month);
      made_.back().open_day = std::max(made_.back().open_day, *line_.closed() + 1);
    }
  }

  // Until when each can be made up for.
  void Bound() {
    for (size_t i = 0; i < made_.size(); ++i) {
      Occasion& occasion = made_[i];
      const absl::CivilDay late = occasion.day + rule_.GraceDays();
      std::optional<absl::CivilDay>& missed = occasion.missed_day;
      if (rule_.catch_up == CatchUp::kNever) {
        missed = late;
        continue;
      }
      const bool always = rule_.catch_up == CatchUp::kAlways;
      if (rule_.timing == PlanTiming::kBaseline) {
        if (const Slot* second = SecondBooked(); second != nullptr) {
          missed = std::max(second->day, occasion.day + 1);
        }
      } else if (!always && i + 1 < made_.size() && !made_[i + 1].unbooked) {
        missed = made_[i + 1].open_day;
      }
      std::optional<absl::CivilDay> end;
      if (rule_.timing == PlanTiming::kFollowUp) {
        end = made_.back().day + kLastFollowUpDays;
      } else if (line_.closed().has_value()) {
        end = std::max(*line_.closed() + 1, late);
        if (!always && line_.last_contact().has_value()) {
          end = std::max(*end, *line_.last_contact() + 1 + last_score_days_);
        }
      }
      if (end.has_value()) missed = std::min(missed.value_or(*end), *end);
    }
  }

  const Slot* SecondBooked() const {
    const Slot* first = nullptr;
    for (const Slot& slot : line_.slots()) {
      if (slot.passed_over) continue;
      if (first != nullptr) return slot.session != nullptr ? &slot : nullptr;
      first = &slot;
    }
    return nullptr;
  }

  void Fulfil(const std::vector<PlanAnswer>& answers) {
    // Of several forms for one occasion the one completed last counts.
    std::vector<const PlanAnswer*> taken(made_.size());
    const auto take = [&](size_t i, const PlanAnswer& answer) {
      if (taken[i] != nullptr && answer.complete_time < taken[i]->complete_time) return;
      taken[i] = &answer;
    };
    std::vector<const PlanAnswer*> loose;
    std::map<absl::CivilDay, size_t> of_day;  // what a form of it is for: one of a day is enough
    for (const PlanAnswer& answer : answers) {
      if (answer.instrument_id != rule_.instrument_id ||
          PersonOf(answer.respondent) != PersonOf(respondent_)) {
        continue;
      }
      const absl::CivilDay day = line_.DayOf(answer.complete_time);
      const auto of_session =
          std::find_if(made_.begin(), made_.end(), [&](const Occasion& occasion) {
            return !occasion.session_id.empty() && occasion.session_id == answer.session_id;
          });
      // Of a session that was moved since, an answer is from long before it.
      if (of_session == made_.end() || day < of_session->day - rule_.OpenDaysBefore()) {
        loose.push_back(&answer);
        continue;
      }
      const size_t i = of_session - made_.begin();
      take(i, answer);
      of_day.emplace(day, i);
    }
    for (const PlanAnswer* answer : loose) {
      const absl::CivilDay day = line_.DayOf(answer->complete_time);
      if (const auto same = of_day.find(day); same != of_day.end()) {
        take(same->second, *answer);
        continue;
      }
      for (size_t i = made_.size(); i-- > 0;) {
        const Occasion& occasion = made_[i];
        if (occasion.unbooked || taken[i] != nullptr || day < occasion.open_day ||
            (occasion.missed_day.has_value() && day >= *occasion.missed_day)) {
          continue;
        }
        take(i, *answer);
        of_day.emplace(day, i);
        break;
      }
    }
    for (size_t i = 0; i < made_.size(); ++i) {
      if (taken[i] != nullptr) made_[i].measurement_id = taken[i]->measurement_id;
    }
  }

  OccasionState StateOf(const Occasion& occasion) const {
    const absl::CivilDay today = line_.today();
    if (!occasion.measurement_id.empty()) return OccasionState::kDone;
    if (occasion.unbooked || today < occasion.open_day) return OccasionState::kUpcoming;
    if (occasion.missed_day.has_value() && today >= *occasion.missed_day) {
      return OccasionState::kMissed;
    }
    return occasion.overdue_day.has_value() && today >= *occasion.overdue_day
               ? OccasionState::kOverdue
               : OccasionState::kDue;
  }

  const size_t index_;
  const MeasurementRule& rule_;
  const AnsweredBy respondent_;
  const TimeLine& line_;
  const int last_score_days_;
  std::vector<Occasion> made_;
};

}  // namespace

bool WasMissed(const Occasion& occasion, const MeasurementRule& rule) {
  return occasion.state == OccasionState::kMissed ||
         (occasion.state == OccasionState::kOverdue && rule.catch_up == CatchUp::kAlways);
}

absl::CivilDay MonthsAfter(absl::CivilDay day, int months) {
  const absl::CivilMonth month = absl::CivilMonth(day) + months;
  return std::min(absl::CivilDay(month) + (day.day() - 1), absl::CivilDay(month + 1) - 1);
}

std::vector<Occasion> OccasionsOf(const std::vector<AskedRule>& rules,
                                  const courses::CopiedCourse& course, const absl::TimeZone& zone,
                                  const std::vector<PlanAnswer>& answers, int last_score_days,
                                  absl::CivilDay today) {
  std::vector<Occasion> all;
  if (course.closed() && (course.closure_reason == courses::kClosedDeceased ||
                          course.closure_reason == courses::kClosedEnteredInError)) {
    return all;
  }
  const TimeLine line(course, zone, today);
  for (size_t i = 0; i < rules.size(); ++i) {
    for (Occasion& occasion : RuleOccasions(i, rules[i], line, last_score_days).Make(answers)) {
      all.push_back(std::move(occasion));
    }
  }
  // One whose day is known goes before one whose day may be another.
  std::set<std::tuple<absl::string_view, AnsweredBy, absl::CivilDay>> asked;
  std::vector<bool> again(all.size());
  for (const bool unbooked : {false, true}) {
    for (size_t i = 0; i < all.size(); ++i) {
      if (all[i].unbooked != unbooked) continue;
      const AskedRule& of = rules[all[i].rule];
      again[i] = !asked.insert({of.rule.instrument_id, of.respondent, all[i].day}).second;
    }
  }
  size_t kept = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    if (again[i]) continue;
    if (kept != i) all[kept] = std::move(all[i]);
    ++kept;
  }
  all.resize(kept);
  return all;
}

}  // namespace ipt::outcomes
