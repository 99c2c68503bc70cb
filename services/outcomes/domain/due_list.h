// What is due in courses, read anew: each course's plan as it holds now, with what was answered.
// Read in lots, so that a clinic of thousands of open courses costs what they hold, once.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "outcomes/domain/due.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/outcomes.h"
#include "outcomes/domain/plan_types.h"
#include "outcomes/domain/store.h"

namespace ipt::outcomes {

// One line of the list.
struct DueLine {
  std::string course_id{};
  std::string therapist_id{};
  std::string rule_id{};
  std::string instrument_id{};
  int instrument_version = 0;
  std::string instrument_name{};
  PlanTiming timing = PlanTiming::kUnspecified;
  AnsweredBy respondent = AnsweredBy::kUnspecified;
  Occasion occasion{};
};

struct DueQuery {
  std::vector<OccasionState> states{};     // empty: due and overdue
  std::string instrument_id{};             // empty: all
  std::string therapist_id{};              // empty: all
  std::optional<absl::CivilDay> before{};  // unset: up to 31 days ahead
  int missed_in_a_row_at_least = 0;
};

// Closed courses are asked about so far back, and those closed before the second instant only for
// their follow-ups.
courses::CourseListing ListingFor(const DueQuery& query, absl::Time now);

// By day, course and rule.
absl::StatusOr<std::vector<DueLine>> ListDue(OutcomesReader& reader, const Catalog& catalog,
                                             absl::string_view clinic_id,
                                             const std::vector<courses::CopiedCourse>& courses,
                                             const DueQuery& query, absl::Time now);

// States the rule whose occasion the measurement fulfils, as far as anything is known of its
// course. Call before it is written.
absl::Status NameRule(OutcomesReader& reader, const Catalog& catalog, const OutcomePolicy& policy,
                      const courses::CourseAnswer& course, absl::Time now,
                      Measurement& measurement);

// Asks the rule of not on track that looks at occasions: whether too many of the treatment's for
// what is watched were missed in a row.
absl::Status FindMissed(OutcomesReader& reader, const Catalog& catalog, absl::Time now,
                        CourseOutcomes& outcomes);

}  // namespace ipt::outcomes
