// Measurement plans: which measures a course is to be asked for and when, and what of it is done,
// due or overdue now.
//
// A plan's item makes occasions. An occasion opens on its day (some days before, if the item says
// so), and is due until it is done or the next one of the same item takes its place: a missed one
// is not owed on top of the next. It is overdue once its day and the item's days of grace have
// passed. A score belongs to the occasion that was open when it was completed; one that is bound to
// a session belongs to that session's, and to any other item's that was open.
//
//   every session   each session that is booked or attended, on its day
//   every N weeks   from the week clock's start on: days 0, 7 N, 14 N, ...
//   phase changes   the day of each phase's first session
//   follow-up       months after the course was closed; on the last day of a shorter month
//
// All but follow-ups end with the course: what is still open then may be caught up on for
// Plan::catch_up_days, or until a follow-up of the measure opens.
//
// Days are local ones of the course; instants come from them by its zone, so that a day is due from
// its first instant on, whatever clocks do. Pure functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "platform/errors/field_violations.h"

namespace ipt::outcomes {

enum class PlanTiming { kEverySession, kEveryWeeks, kPhaseChange, kFollowUp };

struct PlanItem {
  std::string measure;
  std::vector<std::string> indications;  // empty: all
  PlanTiming timing = PlanTiming::kEverySession;
  int every_weeks = 0;      // of kEveryWeeks
  std::vector<int> months;  // of kFollowUp; rising
  int days_before = 0;      // by which it opens before its day
  int grace_days = 0;       // by which it may be late
  friend bool operator==(const PlanItem&, const PlanItem&) = default;
};

struct Plan {
  std::vector<PlanItem> items;
  int catch_up_days = 14;
  friend bool operator==(const Plan&, const Plan&) = default;
};

// Adds a violation for each field that cannot be.
void CheckPlan(const Plan& plan, FieldViolations bad);

// A booked or attended session; no-shows and cancelled ones are none.
struct PlanSession {
  absl::Time start;
  int number = 0;
  std::string phase;  // empty where not known
};

// A score that was recorded, valid or not: the question was answered.
struct PlanAnswer {
  std::string measure;
  absl::Time completed_at;
  std::optional<int> session_number;
};

struct PlanCourse {
  std::string indication;
  std::vector<PlanSession> sessions;          // in any order
  std::optional<absl::CivilDay> clock_start;  // day of the first attended session
  std::optional<absl::CivilDay> closed;       // day on which it ended
  absl::TimeZone zone;
};

enum class OccasionState {
  kUpcoming,  // not open yet
  kDue,
  kOverdue,
  kDone,
  kMissed,  // the next has taken its place, or the time to catch up is over
};

struct Occasion {
  std::string measure;
  PlanTiming timing = PlanTiming::kEverySession;
  // Session's number, week from 0, number of the phase from 1, or month.
  int number = 0;
  std::string phase;   // of kPhaseChange
  absl::CivilDay day;  // the one that it is for
  absl::Time opens;
  absl::Time overdue_from;
  std::optional<absl::Time> ends;  // when the next takes its place; unset where there is none yet
  OccasionState state = OccasionState::kUpcoming;
  std::optional<absl::Time> done_at;  // of kDone
  friend bool operator==(const Occasion&, const Occasion&) = default;
};

// The occasions of all items, item by item and by day, up to the first upcoming one of each item.
std::vector<Occasion> OccasionsOf(const Plan& plan, const PlanCourse& course,
                                  const std::vector<PlanAnswer>& answers, absl::Time now);

// What is to be asked for now: one occasion a measure, the overdue before the due, then the
// earliest. One answer serves every item that waits for the measure.
std::vector<Occasion> DueNow(const std::vector<Occasion>& occasions);

// The day that many months later, or the last one of its month.
absl::CivilDay MonthsAfter(absl::CivilDay day, int months);

}  // namespace ipt::outcomes
