// A course's formulation and its way from draft to agreement. At most one revision is DRAFT or
// PROPOSED, and at most one AGREED; one that was agreed never changes but to be superseded.
//
//   none --Save--> DRAFT --Propose--> PROPOSED --Agree--> AGREED --the next one's Agree-->
//   SUPERSEDED
//                        <-Withdraw--            AGREED --Revise--> a new DRAFT beside it
//
// Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "formulation/domain/course_parts.h"
#include "formulation/domain/protocol_set.h"
#include "formulation/domain/types.h"
#include "platform/errors/field_violations.h"

namespace ipt::formulation {

inline constexpr int kMostRevisions = 200;
inline constexpr int kMostGoalsOfFocus = 3;
inline constexpr size_t kMostKeptChanges = 50;

// --------------------------------------------------------------------------------------- content

// Adds what cannot be, by field, as the contract names them; what is only missing is none of it.
void CheckContent(const FormulationContent& content, const CourseParts& parts, int max_focus,
                  FieldViolations bad);

enum class OpenPointCode {
  kUnspecified = 0,
  kNoPatientNarrative,
  kNoFocus,
  kSecondFocusWithoutReason,
  kFocusWithoutCriterion,
  kNoLink,
  kLinkIncomplete,
  kFocusWithoutGoal,
  kTooManyGoals,
  kGoalNotOfFocus
};
// Its name in the contract, without the prefix.
absl::string_view NameOf(OpenPointCode code);

struct OpenPoint {
  OpenPointCode code = OpenPointCode::kUnspecified;
  std::string field{};    // a path in the content
  std::string subject{};  // the name of the area or goal; empty: none
  std::string message{};
  friend bool operator==(const OpenPoint&, const OpenPoint&) = default;
};

// What proposing a draft still needs, in the order of the content's fields.
std::vector<OpenPoint> OpenPointsOf(const FormulationRevision& draft, const CourseParts& parts,
                                    const CourseProtocol& protocol);

// What the content's names stand for now.
FormulationSnapshot SnapshotOf(const FormulationContent& content, const CourseParts& parts,
                               const CourseProtocol& protocol);

bool NamesProblemArea(const FormulationContent& content, absl::string_view problem_area_id);
bool NamesGoal(const FormulationContent& content, absl::string_view goal_id);
bool NamesLifeEvent(const FormulationContent& content, absl::string_view life_event_id);
// Adds the names of the pending and the current revision where their content is such.
void AddRevisionsThat(const CourseFormulation& formulation, std::vector<std::string>& names,
                      absl::FunctionRef<bool(const FormulationContent&)> is_such);

FocusPosition PositionOf(const CourseFormulation& formulation, absl::string_view problem_area_id);

// ----------------------------------------------------------------------------------------- steps

// Who takes a step, and when.
struct StepBy {
  std::string caller{};
  absl::Time now{};
};

// What they refuse: FORMULATION_STATE; ETAG_MISMATCH where `if_revision` is not the revision's that
// the step is about; and what each one says.

// False where a save with this etag (0: none) would write over what its caller has not seen.
bool IsOfDraft(const CourseFormulation& formulation, int64_t if_revision);
// Makes the draft, or changes it. `content` was checked.
absl::StatusOr<CourseFormulation> SaveStep(const CourseFormulation& before, int64_t if_revision,
                                           FormulationContent content, const StepBy& by);
// FORMULATION_INCOMPLETE; LIMIT_REACHED.
absl::StatusOr<CourseFormulation> ProposeStep(const CourseFormulation& before, int64_t if_revision,
                                              const CourseParts& parts,
                                              const CourseProtocol& protocol, const StepBy& by);
absl::StatusOr<CourseFormulation> WithdrawStep(const CourseFormulation& before, int64_t if_revision,
                                               absl::string_view reason, const StepBy& by);

struct AgreedStep {
  CourseFormulation after{};
  std::optional<FormulationRevision> superseded{};
};
// INVALID_FIELDS ("agreed_on") before the day on which the current one was agreed.
absl::StatusOr<AgreedStep> AgreeStep(const CourseFormulation& before, int64_t if_revision,
                                     Agreement agreement, const StepBy& by);
// `if_revision`: the current one's.
absl::StatusOr<CourseFormulation> ReviseStep(const CourseFormulation& before, int64_t if_revision,
                                             RevisionReason reason, absl::string_view reason_text,
                                             const StepBy& by);
absl::StatusOr<CourseFormulation> DiscardStep(const CourseFormulation& before, int64_t if_revision);

}  // namespace ipt::formulation
