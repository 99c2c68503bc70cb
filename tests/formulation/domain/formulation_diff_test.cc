#include "formulation/domain/formulation_diff.h"

#include <string>
#include <vector>

#include "tests/formulation/formulation_fixture.h"

namespace ipt::formulation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kAdded = FieldChangeKind::kAdded;
constexpr auto kRemoved = FieldChangeKind::kRemoved;
constexpr auto kChanged = FieldChangeKind::kChanged;

class DiffTest : public FormulationTest {
 protected:
  DiffTest() : ground_(Ground()) {}

  std::vector<FieldChange> Between(const FormulationContent& from, const FormulationContent& to) {
    const FormulationSnapshot a = SnapshotOf(from, ground_.parts, ground_.protocol);
    const FormulationSnapshot b = SnapshotOf(to, ground_.parts, ground_.protocol);
    return Diff("north", "k1", {from, a}, {to, b});
  }

  const FormulationGround ground_;
};

TEST_F(DiffTest, WhatIsEqualDoesNotDiffer) {
  EXPECT_THAT(Between(Complete(), Complete()), IsEmpty());
}

TEST_F(DiffTest, FieldsComeInTheContentsOrderWithTheirWholeValues) {
  FormulationContent from = Complete();
  FormulationContent to = from;
  from.contract = {.sessions = 16, .cadence_days = 7};
  to.patient_narrative = "Otherwise.";
  to.clinical_narrative = "For colleagues.";
  to.focus[0].reason = "It came first.";
  to.links[0].explanation.clear();
  to.contract = {.sessions = 12, .end_date = absl::CivilDay(2026, 12, 25)};
  EXPECT_THAT(
      Between(from, to),
      ElementsAre(FieldChange{"patient_narrative", kChanged, from.patient_narrative, "Otherwise."},
                  FieldChange{"clinical_narrative", kAdded, "", "For colleagues."},
                  FieldChange{"focus[row].reason", kAdded, "", "It came first."},
                  FieldChange{"links[l1].explanation", kRemoved, "The row brought it on.", ""},
                  FieldChange{"contract.sessions", kChanged, "16", "12"},
                  FieldChange{"contract.cadence_days", kRemoved, "7", ""},
                  FieldChange{"contract.end_date", kAdded, "", "2026-12-25"}));
}

TEST_F(DiffTest, ElementsAreMatchedByTheirIds) {
  FormulationContent from = Complete();
  from.focus[0].reason = "First.";
  FormulationContent to = Complete("mourning");
  to.links[0].id = "l2";
  EXPECT_THAT(Between(from, to),
              ElementsAre(FieldChange{"focus[row]", kRemoved, "First.", ""},
                          FieldChange{"focus[mourning]", kAdded, "", ""},
                          FieldChange{"links[l1]", kRemoved, "The row brought it on.", ""},
                          FieldChange{"links[l2]", kAdded, "", "The row brought it on."},
                          FieldChange{"goals[g-row]", kRemoved, "To reach g-row", ""},
                          FieldChange{"goals[g-mourning]", kAdded, "", "To reach g-mourning"}));
}

TEST_F(DiffTest, AnotherOrderAloneIsOneChange) {
  FormulationContent from;
  from.focus = {{"row", "a"}, {"mourning", "b"}};
  from.goal_ids = {"g-row", "g-mourning", "g-alone"};
  from.links = {{.id = "l1"}, {.id = "l2"}};
  FormulationContent to = from;
  std::swap(to.focus[0], to.focus[1]);
  std::swap(to.goal_ids[0], to.goal_ids[2]);
  std::swap(to.links[0], to.links[1]);
  EXPECT_THAT(Between(from, to),
              ElementsAre(FieldChange{"focus", kChanged, "row, mourning", "mourning, row"},
                          FieldChange{"links", kChanged, "l1, l2", "l2, l1"},
                          FieldChange{"goals", kChanged, "g-row, g-mourning, g-alone",
                                      "g-alone, g-mourning, g-row"}));
}

TEST_F(DiffTest, ALinksNamesAreToldAsTheyAre) {
  const FormulationContent from = Complete();
  FormulationContent to = from;
  to.links[0].symptom_event_id.clear();
  to.links[0].symptom_text = "Sleeps badly.";
  to.links[0].life_event_id = "loss";
  to.links[0].problem_area_id.clear();
  to.links[0].goal_ids = {"g-row"};
  EXPECT_THAT(Between(from, to),
              ElementsAre(FieldChange{"links[l1].symptom_text", kAdded, "", "Sleeps badly."},
                          FieldChange{"links[l1].symptom_event", kRemoved,
                                      "clinics/north/courses/k1/lifeEvents/fall", ""},
                          FieldChange{"links[l1].life_event", kChanged,
                                      "clinics/north/courses/k1/lifeEvents/quarrel",
                                      "clinics/north/courses/k1/lifeEvents/loss"},
                          FieldChange{"links[l1].problem_area", kRemoved,
                                      "clinics/north/courses/k1/problemAreas/row", ""},
                          FieldChange{"links[l1].goals", kAdded, "", "g-row"}));
}

TEST_F(DiffTest, WhatBothNameAndReadOtherwiseIsToldBesides) {
  const FormulationContent content = Complete();
  const FormulationSnapshot then = SnapshotOf(content, ground_.parts, ground_.protocol);
  FormulationSnapshot now = then;
  now.problem_areas[0].display_name = "The row";
  now.problem_areas[0].dispute_stage = DisputeStage::kImpasse;
  now.goals[0].description = "To talk";
  now.life_events[0].start_date = {2025, 10, 3, true};
  EXPECT_THAT(
      Diff("north", "k1", {content, then}, {content, now}),
      ElementsAre(
          FieldChange{"snapshot.problem_areas[row].display_name", kChanged, "My row", "The row"},
          FieldChange{"snapshot.problem_areas[row].dispute_stage", kAdded, "", "IMPASSE"},
          FieldChange{"snapshot.goals[g-row].description", kChanged, "To reach g-row", "To talk"},
          FieldChange{"snapshot.life_events[fall].start_date", kChanged, "2025-10",
                      "about 2025-10-03"}));
}

}  // namespace
}  // namespace ipt::formulation
