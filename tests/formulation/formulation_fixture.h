// A course with people, events, areas and goals to formulate, in a store in memory.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formulation/domain/formulations.h"
#include "formulation/domain/goals.h"
#include "formulation/domain/inventory.h"
#include "formulation/domain/policy.h"
#include "formulation/domain/problem_areas.h"
#include "formulation/domain/session_work.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/formulation/courses.h"
#include "tests/formulation/memory_store.h"
#include "tests/support/status_matchers.h"

namespace ipt::formulation {

inline constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;

inline Relationship Person(const std::string& id, RelationshipStatus status) {
  return {.relationship_id = id,
          .display_name = id,
          .kind = RelationshipKind::kPartner,
          .status = status};
}

inline LifeEvent Happened(const std::string& id, LifeEventKind kind, PartialDate when) {
  return {.life_event_id = id, .kind = kind, .display_name = id, .start_date = when};
}

// With the first criterion of its kind, which is CORE, present.
inline ProblemArea AreaOf(const std::string& id, ProblemAreaKind kind) {
  return {.problem_area_id = id,
          .kind = kind,
          .display_name = absl::StrCat("My ", id),
          .evidence = {{.criterion = Shipped().FindArea(CodeOf(kind))->criteria[0].code,
                        .finding = CriterionFinding::kPresent}}};
}

inline Goal GoalOf(const std::string& id, const std::string& area_id) {
  return {.goal_id = id, .description = absl::StrCat("To reach ", id), .problem_area_id = area_id};
}

// IPT-UK of 16 sessions, eight of them attended; now is the day after the eighth. People "m"
// (partner) and "dad" (who has died); events "fall" (a symptom's onset), "loss" (dad's death) and
// "quarrel"; areas "row" (a dispute), "mourning" (grief) and "alone" (deficits), each with a goal.
class FormulationWorld {
 public:
  FormulationWorld() : course_(CourseOf("ipt-uk-16", 8)), ctx_(ContextAt(At(DayOfSession(8) + 1))) {
    for (auto person : {Person("m", RelationshipStatus::kCurrent),
                        Person("dad", RelationshipStatus::kDeceased)}) {
      Must(CreateRelationship(tx_, ctx_, ids_, course_, std::move(person)));
    }
    for (auto event : {Happened("fall", LifeEventKind::kSymptomOnset, {2025, 10}),
                       Happened("loss", LifeEventKind::kLossByDeath, {2025, 9, 3}),
                       Happened("quarrel", LifeEventKind::kDispute, {2025})}) {
      Must(CreateLifeEvent(tx_, ctx_, ids_, course_, std::move(event)));
    }
    for (auto area :
         {AreaOf("row", ProblemAreaKind::kRoleDispute), AreaOf("mourning", ProblemAreaKind::kGrief),
          AreaOf("alone", ProblemAreaKind::kInterpersonalDeficits)}) {
      const std::string id = area.problem_area_id;
      Must(CreateProblemArea(tx_, ctx_, ids_, ShippedSet(), course_, std::move(area)));
      Must(CreateGoal(tx_, ctx_, ids_, course_, GoalOf(absl::StrCat("g-", id), id)));
    }
    tx_.events.clear();
  }

  template <typename Result>
  static void Must(const Result& result) {
    EXPECT_THAT(result, ipt::testing::IsOk());
  }

  // With all that proposing needs.
  static FormulationContent Complete(const std::string& area = "row") {
    return {.patient_narrative = "You fell ill as the two of you fell out.",
            .focus = {{.problem_area_id = area}},
            .links = {{.id = "l1",
                       .symptom_event_id = "fall",
                       .life_event_id = "quarrel",
                       .problem_area_id = area,
                       .explanation = "The row brought it on."}},
            .goal_ids = {absl::StrCat("g-", area)}};
  }

  CourseFormulation Present() { return *tx_.GetFormulation("north", "k1"); }
  FormulationGround Ground() {
    return *ReadGround(tx_, ShippedSet(), "north", "k1", course_.variant_id);
  }
  int64_t PendingRevision() {
    const CourseFormulation present = Present();
    return present.pending.has_value() ? present.pending->stamp.revision : 0;
  }

  absl::StatusOr<SavedDraft> Save(FormulationContent content) {
    return SaveDraft(tx_, ctx_, ids_, ShippedSet(), course_, Present(),
                     {PendingRevision(), std::move(content)});
  }
  absl::StatusOr<CourseFormulation> Propose() {
    return ProposeFormulation(tx_, ctx_, ShippedSet(), course_, Present(), PendingRevision());
  }
  absl::StatusOr<CourseFormulation> Withdraw() {
    return WithdrawProposal(tx_, ctx_, Present(), PendingRevision(), "They want to think.");
  }
  absl::StatusOr<CourseFormulation> Agree(absl::CivilDay day) {
    return AgreeFormulation(tx_, ctx_, course_, Present(),
                            {.if_revision = PendingRevision(),
                             .agreed_on = day,
                             .agreed_by = AgreementParty::kPatient,
                             .mode = AgreementMode::kInWriting});
  }
  absl::StatusOr<CourseFormulation> Revise() {
    const CourseFormulation present = Present();
    return ReviseFormulation(
        tx_, ctx_, present,
        present.current.has_value() ? present.current->stamp.revision : PendingRevision(),
        RevisionReason::kFocusChanged, "");
  }
  absl::StatusOr<CourseFormulation> Discard() {
    return DiscardDraft(tx_, ctx_, Present(), PendingRevision());
  }

  // Saves, proposes and agrees; where one is agreed, as its revision.
  void AgreeOn(FormulationContent content, absl::CivilDay day = DayOfSession(4)) {
    if (Present().current.has_value()) Must(Revise());
    Must(Save(std::move(content)));
    Must(Propose());
    Must(Agree(day));
  }

  MemoryTx tx_;
  NumberedIds ids_;
  courses::CopiedCourse course_;
  CallContext ctx_;
};

class FormulationTest : public ::testing::Test, protected FormulationWorld {};

}  // namespace ipt::formulation
