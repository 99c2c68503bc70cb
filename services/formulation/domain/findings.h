// What stands out in a course: what the protocol would have otherwise, worked out of recorded facts
// at each read. A finding says "look at it", and is no verdict.
//
// Pure functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "formulation/domain/protocol.h"
#include "formulation/domain/tasks.h"
#include "formulation/domain/types.h"

namespace ipt::formulation {

enum class FindingSeverity { kUnspecified = 0, kInfo, kReview, kOverdue };

FindingSeverity SeverityOf(FindingRule rule);
// Its name in the contract, without the prefix.
absl::string_view NameOf(FindingRule rule);

// No word of what was said is in it.
struct Finding {
  std::string course_id{};
  std::string finding_id{};  // "TASK_OVERDUE:TIMELINE"
  FindingRule rule = FindingRule::kUnspecified;
  int rule_version = 1;
  FindingSeverity severity = FindingSeverity::kUnspecified;
  std::string message{};
  std::string therapist_id{};
  std::string session_id{};  // by which it shows; empty: none
  int session_number = 0;
  std::optional<absl::CivilDay> since_day{};
  std::optional<Phase> phase{};
  std::string task{};             // TASK_OVERDUE: its code
  std::string problem_area_id{};  // of one focus
  int due_session_number = 0;
  std::string protocol_id{};
  int protocol_version = 0;
  int policy_version = 0;
  friend bool operator==(const Finding&, const Finding&) = default;
};

// The greatest severity first, then by rule. Of rules that the policy has not turned off.
std::vector<Finding> EvaluateFindings(const CourseFacts& facts, absl::Time now);

// The session by whose attendance FOCUS_NOT_AGREED shows; nullptr: none was attended.
const UsedSession* FocusDuePassed(const CourseFacts& facts);
// The attended session by which the midpoint review was due, its grace included; nullptr: not yet.
const UsedSession* MidpointDuePassed(const CourseFacts& facts);
// The session that used up the last one before which the ending was to be raised; nullptr: not yet.
const UsedSession* TerminationDuePassed(const CourseFacts& facts);

}  // namespace ipt::formulation
