// What a clinician should look at once more: possible, but doubtful. A warning never stands in the
// way of a call.
//
// Pure functions, thread-safe.
#pragma once

#include <string>
#include <vector>

#include "course_copies/domain/course_copies.h"
#include "formulation/domain/course_parts.h"
#include "formulation/domain/protocol_set.h"
#include "formulation/domain/types.h"

namespace ipt::formulation {

enum class WarningCode {
  kUnspecified = 0,
  kGriefWithoutDeath,
  kDeathAsTransition,
  kDeficitsNotLastResort,
  kKindNotInProtocol,
  kFocusNotLinkedToOnset,
  kDisputeWithoutStage,
  kPersonNotNamed,
  kContractIncomplete,
  kContractDiffers,
  kChangedSince,
  kUnknownCode,
  kCoreCriterionAbsent
};

struct Warning {
  WarningCode code = WarningCode::kUnspecified;
  std::string field{};    // a path in the resource; empty: all of it
  std::string subject{};  // a resource name
  std::string message{};
  friend bool operator==(const Warning&, const Warning&) = default;
};

// `in_focus`: of the current formulation.
std::vector<Warning> WarningsOf(const ProblemArea& area, bool in_focus, const CourseParts& parts,
                                const CourseProtocol& protocol);

// As things are now. `course` may be null: nothing is known of it.
std::vector<Warning> WarningsOf(const FormulationRevision& revision, const CourseParts& parts,
                                const CourseProtocol& protocol,
                                const courses::CopiedCourse* course);

// What a contract states otherwise than the course's plan, as paths in the content. What either of
// them does not say does not differ.
std::vector<std::string> ContractDifferences(const TreatmentContract& contract,
                                             const courses::CopiedCourse& course);

}  // namespace ipt::formulation
