// What is asked for, and when: a clinic's plans, and those of single courses. Plain values.
// Enumerations have the contract's numbers, 0 for what is not stated.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "outcomes/domain/types.h"

namespace ipt::outcomes {

enum class PlanTiming {
  kUnspecified = 0,
  kEverySession,
  kEveryWeeks,
  kBaseline,
  kPhaseChange,
  kMidCourse,
  kEnd,
  kFollowUp
};
enum class CatchUp { kUnspecified = 0, kUntilNext, kNever, kAlways };

// Since when something is asked of what has this number.
struct SinceWhen {
  int of = 0;
  absl::Time since{};
  friend bool operator==(const SinceWhen&, const SinceWhen&) = default;
};

// nullptr where nothing is stated of that number.
inline const SinceWhen* FindSince(const std::vector<SinceWhen>& stated, int of) {
  const auto found = std::find_if(stated.begin(), stated.end(),
                                  [of](const SinceWhen& since) { return since.of == of; });
  return found == stated.end() ? nullptr : &*found;
}

// One measure of a plan.
struct MeasurementRule {
  std::string id{};
  std::string instrument_id{};
  PlanTiming timing = PlanTiming::kUnspecified;
  int weeks = 0;                                     // of kEveryWeeks
  std::vector<int> months{};                         // of kFollowUp
  AnsweredBy respondent = AnsweredBy::kUnspecified;  // the instrument's first
  std::optional<int> open_days_before{};
  std::optional<int> grace_days{};
  CatchUp catch_up = CatchUp::kUnspecified;  // kUntilNext
  bool voluntary = false;
  // Since when it asks: what was to be answered before is not missing. The service's own.
  absl::Time since{};
  std::vector<SinceWhen> months_since{};  // by month, where not since `since`

  // Of follow-ups `follow_up` is their month, else 0.
  absl::Time SinceOf(int follow_up) const {
    const SinceWhen* stated = FindSince(months_since, follow_up);
    return stated != nullptr ? stated->since : since;
  }
  int OpenDaysBefore() const {
    return open_days_before.value_or(timing == PlanTiming::kFollowUp ? 14 : 3);
  }
  int GraceDays() const { return grace_days.value_or(timing == PlanTiming::kFollowUp ? 28 : 1); }
  friend bool operator==(const MeasurementRule&, const MeasurementRule&) = default;
};

struct MeasurementPlan {
  std::string clinic_id{};
  std::string plan_id{};
  std::string display_name{};
  std::vector<int> indications{};  // ipt.scheduling.v1; empty: all that no other plan names
  std::vector<MeasurementRule> rules{};
  // Since when it is for an indication (0: for those that no plan names), where it was not for it
  // from the beginning. The service's own.
  std::vector<SinceWhen> for_since{};
  Stamp stamp{};

  // UnixEpoch: from its beginning.
  absl::Time SinceOf(int indication) const {
    const SinceWhen* stated = FindSince(for_since, indication);
    if (stated == nullptr) stated = FindSince(for_since, 0);
    return stated != nullptr ? stated->since : absl::UnixEpoch();
  }
};

// What one course is asked for: by its own plan, or by the clinic's that holds for it.
struct CoursePlan {
  std::string clinic_id{};
  std::string course_id{};
  std::vector<MeasurementRule> rules{};
  bool inherited = false;
  std::string inherited_from{};  // id of the clinic's plan
  Stamp stamp{};                 // of the plan that holds
  int64_t revision = 0;          // at which it last changed, where that is not the stamp's
};

// What is stored of a course: its own plan, or one that was taken away, which is kept so that what
// asked before it and goes on asking is known.
struct StoredCoursePlan {
  std::string clinic_id{};
  std::string course_id{};
  std::vector<MeasurementRule> rules{};
  std::optional<absl::Time> reset_time{};  // unset: it holds
  Stamp stamp{};
};

// That a form was answered, whatever its score.
struct PlanAnswer {
  std::string course_id{};
  std::string measurement_id{};
  std::string instrument_id{};
  AnsweredBy respondent = AnsweredBy::kUnspecified;
  absl::Time complete_time{};
  std::string session_id{};
};

}  // namespace ipt::outcomes
