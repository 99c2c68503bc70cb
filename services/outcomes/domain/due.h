// Occasions: when a course's plan asks for its measures, and what of it is done, due or missed.
//
// All is by days of the course's time zone. A rule makes occasions, each with its own day:
//
//   every session   each treatment session that is booked or attended; those not booked yet are
//                   projected at the agreed pace (evenly, where that is not known)
//   every N weeks   the first days of weeks 1, 1 + N, 1 + 2 N, ...; days of pauses do not count
//   baseline        the first treatment session
//   phase change    the first treatment session of each phase
//   mid-course      the session that half of the planned ones, rounded up, lead to
//   end             the last one: of a closed course, the last that was attended
//   follow-up       months after the course ended; on the last day of a shorter month. None where
//                   no treatment was begun
//
// A booked session before one that was attended is none of the treatment's until its attendance is
// recorded: it asks for its own measure only, and is not the first of anything.
//
// After a death, and of a course that was entered in error, nothing is asked for any more; of one
// that was closed before it began, nothing but what was answered is told. One whose first session
// was not recorded is not behind in its weeks: they have not begun.
//
// An occasion can be answered from some days before its day on, but not before the day after the
// one before it, nor, of a follow-up, before the day after the course ended. What becomes of one
// that is late is the rule's to say (CatchUp); what has no next one can be made up for until the
// course ends, and as long after its last attended session as a score can still be its last. A
// follow-up can be made up for until the next one, the last for a quarter of a year.
//
// What had its day before the rule began to ask is asked for by nobody, and is not missing.
//
// An answer counts for the session that it is bound to, if it could be answered for it on its day;
// otherwise for the newest occasion that could be answered on its day and was not. Of several for
// one occasion the one completed last counts. What a patient answered alone
// or read to is the patient's answer either way. One answer serves every rule that waits for it.
//
// Pure functions, thread-safe.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "outcomes/domain/plan_types.h"

namespace ipt::outcomes {

// How long after its day the last follow-up can be made up for.
inline constexpr int kLastFollowUpDays = 92;
// How long after its closing a course may have a follow-up that can be answered, at most.
inline constexpr int kFollowUpHorizonDays = 24 * 31 + kLastFollowUpDays + 1;

// The contract's numbers.
enum class OccasionState { kUnspecified = 0, kUpcoming, kDue, kOverdue, kMissed, kDone };

// A rule with what its instrument says of it now.
struct AskedRule {
  MeasurementRule rule{};
  AnsweredBy respondent = AnsweredBy::kUnspecified;  // the rule's, or the instrument's first
  int instrument_version = 0;
  std::string instrument_name{};
};

struct Occasion {
  size_t rule = 0;           // of the rules that were asked
  std::string session_id{};  // empty: it is for none, or for one that is not booked
  int week_number = 0;       // from 1; 0 before the course's start, and for follow-ups
  int follow_up_months = 0;
  absl::CivilDay open_day;                      // the first on which it can be answered
  absl::CivilDay day;                           // its own
  std::optional<absl::CivilDay> overdue_day{};  // the first on which it is; unset: voluntary
  // The first on which it cannot be made up for any more; unset while that is not known.
  std::optional<absl::CivilDay> missed_day{};
  OccasionState state = OccasionState::kUpcoming;
  std::string measurement_id{};  // of kDone
  // Occasions of the rule right before it that nobody answered in time.
  int missed_in_a_row = 0;
  bool projected = false;
  bool unbooked = false;  // nobody knows its day yet: it is upcoming, whatever that is
  friend bool operator==(const Occasion&, const Occasion&) = default;
};

// Of all rules, in their order, each by day. Where two ask for one instrument of one respondent on
// one day, only the first does, or the one that knows its day. `answers`: the course's.
// `last_score_days`: how long after its last attended session a score can still be its last.
std::vector<Occasion> OccasionsOf(const std::vector<AskedRule>& rules,
                                  const courses::CopiedCourse& course, const absl::TimeZone& zone,
                                  const std::vector<PlanAnswer>& answers, int last_score_days,
                                  absl::CivilDay today);

// Whether nobody answered it in time. One that stays due for ever is missed once it is overdue.
bool WasMissed(const Occasion& occasion, const MeasurementRule& rule);

// The day that many months later, or the last one of its month.
absl::CivilDay MonthsAfter(absl::CivilDay day, int months);

}  // namespace ipt::outcomes
