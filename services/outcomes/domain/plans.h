// Which measures are asked for: a clinic's plans by indication, and courses' own. Which of them
// holds for a course is found out at every read, so that a change of a plan, or of what is known of
// a course, holds at once.
//
// Each function that writes runs in the caller's transaction, with the scope of the clinic, or of
// the course, locked since what it is given was read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "course_copies/domain/course_copies.h"
#include "outcomes/domain/due.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/plan_types.h"
#include "outcomes/domain/store.h"
#include "platform/errors/field_violations.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {

// Adds what cannot be, by field, as the contract names them in a plan. `before`: the rules as they
// were; one that stays as it is stays, even where its instrument is in use no more. `instruments`:
// all versions of the clinic's.
void CheckRules(const std::vector<MeasurementRule>& rules,
                const std::vector<MeasurementRule>& before,
                const std::vector<HeldInstrument>& instruments, FieldViolations bad);
void CheckPlan(const MeasurementPlan& plan, const std::vector<MeasurementRule>& before,
               const std::vector<HeldInstrument>& instruments, FieldViolations bad);

// Another plan that is for one of the same courses.
struct TakenIndication {
  std::string plan_id{};
  int indication = 0;  // 0: both are for all that no other plan names
};
std::optional<TakenIndication> FindTaken(const std::vector<MeasurementPlan>& plans,
                                         const MeasurementPlan& plan);

// The whole of them: indications bound their number.
absl::StatusOr<std::vector<MeasurementPlan>> AllPlans(OutcomesReader& reader,
                                                      absl::string_view clinic_id);

// RESOURCE_EXISTS.
absl::StatusOr<MeasurementPlan> CreatePlan(OutcomesTx& tx, const CallContext& ctx,
                                           MeasurementPlan plan);
absl::StatusOr<MeasurementPlan> ChangePlan(OutcomesTx& tx, const CallContext& ctx,
                                           const MeasurementPlan& before, MeasurementPlan after);
absl::Status RemovePlan(OutcomesTx& tx, const CallContext& ctx, const MeasurementPlan& plan);

// The clinic's plan that holds for a course; nullptr: none, or its indication is not known.
const MeasurementPlan* PlanFor(const std::vector<MeasurementPlan>& plans,
                               const courses::CopiedCourse* course);

// What a course is asked for, each rule since it began to ask this course: since it was stated, its
// plan was for the course's indication, the course's own plan was taken away, and the course came
// to scheduling. That an indication was corrected is not known: it is as if it had always been so.
// `stored` (may be null): of this course. Of one that nothing is known of: its own plan, or no
// rules.
CoursePlan HeldPlan(absl::string_view clinic_id, absl::string_view course_id,
                    const StoredCoursePlan* stored, const std::vector<MeasurementPlan>& plans,
                    const courses::CopiedCourse* course);
absl::StatusOr<CoursePlan> FindCoursePlan(OutcomesReader& reader, absl::string_view clinic_id,
                                          absl::string_view course_id,
                                          const courses::CopiedCourse* course);

absl::StatusOr<CoursePlan> SetCoursePlan(OutcomesTx& tx, const CallContext& ctx,
                                         const CoursePlan& before,
                                         std::vector<MeasurementRule> rules);
// The one that is inherited afterwards. Does nothing where there was no plan of its own.
absl::StatusOr<CoursePlan> ResetCoursePlan(OutcomesTx& tx, const CallContext& ctx,
                                           absl::string_view course_id,
                                           const courses::CopiedCourse* course);

// Rules as they are asked: those of instruments that are in use, by their current version.
std::vector<AskedRule> AskedRules(const std::vector<MeasurementRule>& rules,
                                  const std::vector<HeldInstrument>& instruments);

}  // namespace ipt::outcomes
