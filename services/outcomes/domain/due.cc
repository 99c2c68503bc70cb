#include "outcomes/domain/due.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"

namespace ipt::outcomes {
namespace {

constexpr int kMostWeeks = 52;
constexpr int kMostMonths = 60;
constexpr int kMostPlanDays = 27;  // the shortest distance of two follow-ups is 28 days
constexpr int kMostCatchUpDays = 92;
constexpr size_t kMostItems = 50;

// The first instant of a day; where midnight is skipped, the end of the gap.
absl::Time DayStart(absl::CivilDay day, const absl::TimeZone& zone) {
  return absl::FromCivil(day, zone);
}

bool IsFor(const PlanItem& item, absl::string_view indication) {
  return item.indications.empty() || absl::c_linear_search(item.indications, indication);
}

class ItemOccasions {
 public:
  ItemOccasions(const PlanItem& item, const PlanCourse& course,
                const std::vector<PlanSession>& sessions, absl::Time now)
      : item_(item), course_(course), sessions_(sessions), now_(now) {}

  std::vector<Occasion> Make() {
    switch (item_.timing) {
      case PlanTiming::kEverySession:
        EverySession();
        break;
      case PlanTiming::kEveryWeeks:
        EveryWeeks();
        break;
      case PlanTiming::kPhaseChange:
        PhaseChanges();
        break;
      case PlanTiming::kFollowUp:
        FollowUps();
        break;
    }
    for (size_t i = 0; i + 1 < made_.size(); ++i) made_[i].ends = made_[i + 1].opens;
    return std::move(made_);
  }

 private:
  Occasion& Add(int number, absl::CivilDay day) {
    made_.push_back({.measure = item_.measure,
                     .timing = item_.timing,
                     .number = number,
                     .phase = "",
                     .day = day,
                     .opens = DayStart(day - item_.days_before, course_.zone),
                     .overdue_from = DayStart(day + (1 + item_.grace_days), course_.zone),
                     .ends = std::nullopt,
                     .state = OccasionState::kUpcoming,
                     .done_at = std::nullopt});
    return made_.back();
  }

  bool IsAfterClose(absl::CivilDay day) const {
    return course_.closed.has_value() && day > *course_.closed;
  }

  absl::CivilDay DayOf(const PlanSession& session) const {
    return absl::ToCivilDay(session.start, course_.zone);
  }

  void EverySession() {
    const PlanSession* before = nullptr;
    for (const PlanSession& session : sessions_) {
      if (IsAfterClose(DayOf(session))) break;
      Occasion& occasion = Add(session.number, DayOf(session));
      // Until it has begun, the session before has the word.
      if (before != nullptr) occasion.opens = std::max(occasion.opens, before->start);
      before = &session;
    }
  }

  void EveryWeeks() {
    if (!course_.clock_start.has_value() || item_.every_weeks < 1) return;
    for (int week = 0;; week += item_.every_weeks) {
      const absl::CivilDay day = *course_.clock_start + absl::civil_diff_t{7} * week;
      if (IsAfterClose(day)) return;
      if (Add(week, day).opens > now_) return;
    }
  }

  void PhaseChanges() {
    std::string phase;
    for (const PlanSession& session : sessions_) {
      if (IsAfterClose(DayOf(session))) return;
      if (session.phase.empty() || session.phase == phase) continue;
      phase = session.phase;
      Add(static_cast<int>(made_.size()) + 1, DayOf(session)).phase = phase;
    }
  }

  void FollowUps() {
    if (!course_.closed.has_value()) return;
    for (const int months : item_.months) Add(months, MonthsAfter(*course_.closed, months));
  }

  const PlanItem& item_;
  const PlanCourse& course_;
  const std::vector<PlanSession>& sessions_;
  const absl::Time now_;
  std::vector<Occasion> made_;
};

// When what is still open of a closed course's treatment can no longer be caught up on.
absl::Time CatchUpEnd(const Plan& plan, const PlanCourse& course, absl::string_view measure) {
  absl::Time end = DayStart(*course.closed + (1 + plan.catch_up_days), course.zone);
  for (const PlanItem& item : plan.items) {
    if (item.timing != PlanTiming::kFollowUp || item.measure != measure || item.months.empty() ||
        !IsFor(item, course.indication)) {
      continue;
    }
    const absl::CivilDay day = MonthsAfter(*course.closed, item.months.front());
    end = std::min(end, DayStart(day - item.days_before, course.zone));
  }
  return end;
}

bool IsAnswer(const PlanAnswer& answer, const Occasion& occasion) {
  if (answer.measure != occasion.measure) return false;
  if (occasion.timing == PlanTiming::kEverySession && answer.session_number.has_value()) {
    return *answer.session_number == occasion.number;
  }
  return answer.completed_at >= occasion.opens &&
         (!occasion.ends.has_value() || answer.completed_at < *occasion.ends);
}

void Settle(const std::vector<PlanAnswer>& answers, absl::Time now, Occasion& occasion) {
  for (const PlanAnswer& answer : answers) {
    if (!IsAnswer(answer, occasion)) continue;
    occasion.done_at =
        std::min(occasion.done_at.value_or(absl::InfiniteFuture()), answer.completed_at);
  }
  occasion.state = occasion.done_at.has_value()                         ? OccasionState::kDone
                   : now < occasion.opens                               ? OccasionState::kUpcoming
                   : occasion.ends.has_value() && now >= *occasion.ends ? OccasionState::kMissed
                   : now >= occasion.overdue_from                       ? OccasionState::kOverdue
                                                                        : OccasionState::kDue;
}

void CheckDays(int days, int most, absl::string_view field, FieldViolations& bad) {
  if (days < 0 || days > most) bad.Add(field, absl::StrCat("must be 0 to ", most));
}

void CheckItem(const PlanItem& item, FieldViolations bad) {
  if (item.measure.empty()) bad.Add("measure", "must name the instrument");
  const std::set<std::string> indications(item.indications.begin(), item.indications.end());
  if (indications.size() != item.indications.size()) {
    bad.Add("indications", "must name each indication once");
  }
  if (item.timing == PlanTiming::kEveryWeeks) {
    if (item.every_weeks < 1 || item.every_weeks > kMostWeeks) {
      bad.Add("every_weeks", "must be 1 to 52");
    } else if (item.days_before >= 7 * item.every_weeks) {
      bad.Add("days_before", "must be shorter than the time between two occasions");
    }
  } else if (item.every_weeks != 0) {
    bad.Add("every_weeks", "must be unset but for every N weeks");
  }
  if (item.timing == PlanTiming::kFollowUp) {
    if (item.months.empty()) bad.Add("months", "must say after how many months");
    for (size_t i = 0; i < item.months.size(); ++i) {
      if (item.months[i] < 1 || item.months[i] > kMostMonths) {
        bad.Add(absl::StrCat("months[", i, "]"), "must be 1 to 60");
      } else if (i > 0 && item.months[i] <= item.months[i - 1]) {
        bad.Add(absl::StrCat("months[", i, "]"), "must be more than the one before");
      }
    }
  } else if (!item.months.empty()) {
    bad.Add("months", "must be unset but for follow-ups");
  }
  CheckDays(item.days_before, kMostPlanDays, "days_before", bad);
  CheckDays(item.grace_days, kMostPlanDays, "grace_days", bad);
}

}  // namespace

void CheckPlan(const Plan& plan, FieldViolations bad) {
  if (plan.items.size() > kMostItems) {
    bad.Add("items", "must be 50 at most");
    return;
  }
  for (size_t i = 0; i < plan.items.size(); ++i) CheckItem(plan.items[i], bad.At("items", i));
  CheckDays(plan.catch_up_days, kMostCatchUpDays, "catch_up_days", bad);
}

absl::CivilDay MonthsAfter(absl::CivilDay day, int months) {
  const absl::CivilMonth month = absl::CivilMonth(day) + months;
  return std::min(absl::CivilDay(month) + (day.day() - 1), absl::CivilDay(month + 1) - 1);
}

std::vector<Occasion> OccasionsOf(const Plan& plan, const PlanCourse& course,
                                  const std::vector<PlanAnswer>& answers, absl::Time now) {
  std::vector<PlanSession> sessions = course.sessions;
  std::sort(sessions.begin(), sessions.end(), [](const PlanSession& a, const PlanSession& b) {
    return a.start != b.start ? a.start < b.start : a.number < b.number;
  });
  std::vector<Occasion> all;
  for (const PlanItem& item : plan.items) {
    if (!IsFor(item, course.indication)) continue;
    for (Occasion& occasion : ItemOccasions(item, course, sessions, now).Make()) {
      if (course.closed.has_value() && item.timing != PlanTiming::kFollowUp) {
        occasion.ends = std::min(occasion.ends.value_or(absl::InfiniteFuture()),
                                 CatchUpEnd(plan, course, item.measure));
      }
      Settle(answers, now, occasion);
      const bool upcoming = occasion.state == OccasionState::kUpcoming;
      all.push_back(std::move(occasion));
      if (upcoming) break;
    }
  }
  return all;
}

std::vector<Occasion> DueNow(const std::vector<Occasion>& occasions) {
  std::vector<Occasion> due;
  absl::c_copy_if(occasions, std::back_inserter(due), [](const Occasion& occasion) {
    return occasion.state == OccasionState::kDue || occasion.state == OccasionState::kOverdue;
  });
  absl::c_stable_sort(due, [](const Occasion& a, const Occasion& b) {
    const bool a_late = a.state == OccasionState::kOverdue;
    const bool b_late = b.state == OccasionState::kOverdue;
    return a_late != b_late ? a_late : a.day < b.day;
  });
  std::set<std::string> measures;
  std::vector<Occasion> firsts;
  for (Occasion& occasion : due) {
    if (measures.insert(occasion.measure).second) firsts.push_back(std::move(occasion));
  }
  return firsts;
}

}  // namespace ipt::outcomes
