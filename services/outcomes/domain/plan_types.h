// What is asked for, and when: a clinic's plans, and those of single courses. Plain values.
// Enumerations have the contract's numbers, 0 for what is not stated.
#pragma once

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
  Stamp stamp{};
};

// What one course is asked for: by its own plan, or by the clinic's that holds for it.
struct CoursePlan {
  std::string clinic_id{};
  std::string course_id{};
  std::vector<MeasurementRule> rules{};
  bool inherited = false;
  std::string inherited_from{};  // id of the clinic's plan
  Stamp stamp{};                 // of the plan that holds
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
