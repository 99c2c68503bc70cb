#include "formulation/domain/problem_areas.h"

#include <string>
#include <utility>
#include <vector>

#include "formulation/domain/reasons.h"
#include "formulation/domain/warnings.h"
#include "tests/formulation/formulation_fixture.h"

namespace ipt::formulation {
namespace {

using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ipt::testing::IsOk;
using ipt::testing::StatusIs;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using ::testing::UnorderedElementsAre;

class ProblemAreasTest : public FormulationTest {
 protected:
  absl::StatusOr<ProblemArea> Create(ProblemArea area) {
    return CreateProblemArea(tx_, ctx_, ids_, ShippedSet(), course_, std::move(area));
  }
  ProblemArea Get(const std::string& id) { return *tx_.GetProblemArea("north", "k1", id); }
  // Writes an area as it is, whatever it says.
  void Put(ProblemArea area) { Must(tx_.UpdateProblemArea(area, ctx_.now)); }

  std::vector<WarningCode> Warnings(const ProblemArea& area, bool in_focus) {
    const FormulationGround ground = Ground();
    std::vector<WarningCode> codes;
    for (const Warning& warning : WarningsOf(area, in_focus, ground.parts, ground.protocol)) {
      codes.push_back(warning.code);
    }
    return codes;
  }
  std::vector<Warning> Warnings(const FormulationRevision& revision) {
    const FormulationGround ground = Ground();
    return WarningsOf(revision, ground.parts, ground.protocol, &course_);
  }
};

TEST_F(ProblemAreasTest, EveryFieldThatCannotBeIsNamed) {
  ProblemArea area = AreaOf("new", ProblemAreaKind::kGrief);
  area.display_name = "";
  const std::string criterion = area.evidence[0].criterion;
  area.evidence = {{criterion, CriterionFinding::kPresent, ""},
                   {criterion, CriterionFinding::kAbsent, ""},
                   {"NO_SUCH", CriterionFinding::kPresent, ""},
                   {"", CriterionFinding::kUnspecified, ""}};
  area.onset_links = {{"loss", EventRelation::kAtOnset, ""},
                      {"loss", EventRelation::kAtOnset, ""},
                      {"nowhere", EventRelation::kUnspecified, ""}};
  area.grief = GriefDetail{.deceased_id = "nobody"};
  area.role_dispute = RoleDisputeDetail{.other_party_id = "nobody"};
  area.role_transition = RoleTransitionDetail{.life_event_id = "nowhere"};
  area.interpersonal_deficits = InterpersonalDetail{};
  area.patient_severity = -1;
  area.therapist_severity = 11;
  area.rank = 21;
  EXPECT_THAT(
      Create(area),
      HasBadFields("problem_area.display_name", "problem_area.evidence[1].criterion",
                   "problem_area.evidence[2].criterion", "problem_area.evidence[3].criterion",
                   "problem_area.evidence[3].finding", "problem_area.onset_links[1].life_event",
                   "problem_area.onset_links[2].life_event", "problem_area.onset_links[2].relation",
                   "problem_area.role_dispute", "problem_area.role_transition",
                   "problem_area.interpersonal_deficits", "problem_area.grief.deceased",
                   "problem_area.role_dispute.other_party",
                   "problem_area.role_transition.life_event", "problem_area.patient_severity",
                   "problem_area.therapist_severity", "problem_area.rank"));
  EXPECT_THAT(Create({.display_name = "What?"}), HasBadFields("problem_area.kind"));
}

TEST_F(ProblemAreasTest, AKindIsOneOfTheCoursesProtocol) {
  const ProblemArea fifth = AreaOf("self", ProblemAreaKind::kGriefForTheHealthySelf);
  EXPECT_THAT(Create(fifth), HasBadFields("problem_area.kind"));
  course_.variant_id = "ipsrt";
  EXPECT_THAT(Create(fifth), IsOk());
  // The clinic follows a tradition that has no deficits.
  FormulationPolicy policy{.clinic_id = "north", .tradition = "IPT_INSTITUTE"};
  Must(tx_.PutPolicy(policy, ctx_.now));
  EXPECT_THAT(Create(AreaOf("new", ProblemAreaKind::kInterpersonalDeficits)),
              HasBadFields("problem_area.kind"));
  // One that there is may be changed all the same.
  ProblemArea alone = Get("alone");
  alone.rank = 3;
  EXPECT_THAT(ChangeProblemArea(tx_, ctx_, ShippedSet(), course_, Get("alone"), alone, 0), IsOk());
  EXPECT_THAT(Warnings(alone, false), ElementsAre(WarningCode::kKindNotInProtocol));
}

TEST_F(ProblemAreasTest, ACriterionThatWasRecordedMayStay) {
  ProblemArea row = Get("row");
  row.evidence.push_back({"FORMER", CriterionFinding::kUnclear, ""});
  Put(row);
  row = Get("row");
  ProblemArea after = row;
  after.rank = 1;
  EXPECT_THAT(ChangeProblemArea(tx_, ctx_, ShippedSet(), course_, row, after, 0), IsOk());
  after.evidence.push_back({"NEWER", CriterionFinding::kUnclear, ""});
  EXPECT_THAT(ChangeProblemArea(tx_, ctx_, ShippedSet(), course_, row, after, 0),
              HasBadFields("problem_area.evidence[2].criterion"));
  EXPECT_THAT(Warnings(row, false), Contains(WarningCode::kUnknownCode));
}

TEST_F(ProblemAreasTest, ItsKindStaysAndItsFocusIsTold) {
  AgreeOn(Complete());
  ProblemArea after = Get("row");
  after.kind = ProblemAreaKind::kGrief;
  const auto changed = ChangeProblemArea(tx_, ctx_, ShippedSet(), course_, Get("row"), after, 0);
  ASSERT_THAT(changed, IsOk());
  EXPECT_EQ(changed->kind, ProblemAreaKind::kRoleDispute);
  EXPECT_EQ(tx_.Last<ProblemAreaChanged>().focus, FocusPosition::kPrimary);
  EXPECT_THAT(ChangeProblemArea(tx_, ctx_, ShippedSet(), course_, Get("row"), after, 1),
              StatusIs(absl::StatusCode::kAborted));
}

TEST_F(ProblemAreasTest, ACourseHasAtMostTwenty) {
  for (int i = 3; i < 20; ++i) {
    Must(Create(AreaOf(absl::StrCat("a", i), ProblemAreaKind::kRoleDispute)));
  }
  EXPECT_THAT(Create(AreaOf("one-more", ProblemAreaKind::kRoleDispute)),
              FailsWith(kPrecondition, reason::kLimitReached));
}

TEST_F(ProblemAreasTest, AllTextsTogetherAreBounded) {
  ProblemArea area = AreaOf("new", ProblemAreaKind::kRoleDispute);
  const std::string text(4000, 'x');
  area.display_name = "X";
  area.patient_view = area.therapist_view = text;
  area.role_dispute = RoleDisputeDetail{
      .issue = text, .patient_expectation = text, .other_expectation = text, .history = text};
  for (int i = 0; i < 8; ++i) area.evidence.push_back({"NO_SUCH", {}, std::string(1000, 'x')});
  EXPECT_THAT(FieldViolationsOf(Create(area).status()),
              Contains(::testing::Field(&FieldViolation::field, "problem_area")));
  area.evidence.resize(1);
  EXPECT_THAT(Create(area), IsOk());
}

TEST_F(ProblemAreasTest, WhatNamesItHoldsIt) {
  const auto remove = [&](const std::string& id) {
    return RemoveProblemArea(tx_, ctx_, Get(id), 0);
  };
  EXPECT_THAT(ErrorMetadataOf(remove("row"))["used_by"], "1");  // its goal
  Must(RemoveGoal(tx_, ctx_, *tx_.GetGoal("north", "k1", "g-row"), 0));
  FormulationContent content;
  content.focus = {{"row", ""}};
  Must(Save(content));
  EXPECT_THAT(remove("row"), FailsWith(kPrecondition, reason::kResourceInUse));
  Must(Discard());
  SessionWork work = *tx_.GetSessionWork("north", "k1", "s5");
  work.focus_work = {{.problem_area_id = "row"}};
  Must(tx_.PutSessionWork(work, ctx_.now));
  EXPECT_THAT(PreconditionViolationsOf(remove("row")),
              ElementsAre(::testing::Field(&PreconditionViolation::subject,
                                           "clinics/north/courses/k1/sessions/s5/work")));
  work.focus_work.clear();
  Must(tx_.PutSessionWork(work, ctx_.now));
  EXPECT_THAT(remove("row"), IsOk());
  EXPECT_EQ(tx_.Told<ProblemAreaDeleted>(), 1);
}

TEST(SortTest, AreasAreByRankThoseWithoutOneLast) {
  std::vector<ProblemArea> areas = {AreaOf("none", ProblemAreaKind::kGrief),
                                    AreaOf("twenty", ProblemAreaKind::kGrief),
                                    AreaOf("one", ProblemAreaKind::kGrief)};
  areas[1].rank = 20;
  areas[2].rank = 1;
  SortAreas(areas);
  EXPECT_EQ(areas[0].problem_area_id, "one");
  EXPECT_EQ(areas[2].problem_area_id, "none");
}

// --------------------------------------------------------------------------------------- warnings

TEST_F(ProblemAreasTest, GriefIsAboutADeath) {
  ProblemArea area = Get("mourning");
  EXPECT_THAT(Warnings(area, false),
              UnorderedElementsAre(WarningCode::kPersonNotNamed, WarningCode::kGriefWithoutDeath));
  area.grief = GriefDetail{.deceased_id = "m"};
  EXPECT_THAT(Warnings(area, false), ElementsAre(WarningCode::kGriefWithoutDeath));
  area.grief = GriefDetail{.deceased_id = "dad"};
  EXPECT_THAT(Warnings(area, false), IsEmpty());
  area.grief.reset();
  area.onset_links = {{"loss", EventRelation::kBeforeOnset, ""}};
  EXPECT_THAT(Warnings(area, false), ElementsAre(WarningCode::kPersonNotNamed));
  area.onset_links[0].relation = EventRelation::kUnrelated;
  EXPECT_THAT(Warnings(area, false), Contains(WarningCode::kGriefWithoutDeath));
}

TEST_F(ProblemAreasTest, ADeathAloneIsNoTransition) {
  ProblemArea area = AreaOf("widowed", ProblemAreaKind::kRoleTransition);
  EXPECT_THAT(Warnings(area, false), IsEmpty());
  area.onset_links = {{"loss", EventRelation::kBeforeOnset, ""}};
  EXPECT_THAT(Warnings(area, false), ElementsAre(WarningCode::kDeathAsTransition));
  area.onset_links.push_back({"quarrel", EventRelation::kMaintains, ""});
  EXPECT_THAT(Warnings(area, false), IsEmpty());
}

TEST_F(ProblemAreasTest, ADisputeHasAStageAndAnotherParty) {
  ProblemArea area = Get("row");
  EXPECT_THAT(Warnings(area, false), UnorderedElementsAre(WarningCode::kDisputeWithoutStage,
                                                          WarningCode::kPersonNotNamed));
  area.role_dispute =
      RoleDisputeDetail{.other_party_id = "m", .stage = DisputeStage::kRenegotiation};
  EXPECT_THAT(Warnings(area, false), IsEmpty());
}

TEST_F(ProblemAreasTest, AFocusIsTiedToTheEpisodeAndHasItsCoreCriteria) {
  ProblemArea area = Get("row");
  area.role_dispute = RoleDisputeDetail{.other_party_id = "m", .stage = DisputeStage::kImpasse};
  EXPECT_THAT(Warnings(area, true), ElementsAre(WarningCode::kFocusNotLinkedToOnset));
  area.onset_links = {{"quarrel", EventRelation::kMaintains, ""}};
  EXPECT_THAT(Warnings(area, true), IsEmpty());
  area.evidence[0].finding = CriterionFinding::kAbsent;
  EXPECT_THAT(Warnings(area, true), ElementsAre(WarningCode::kCoreCriterionAbsent));
  EXPECT_THAT(Warnings(area, false), IsEmpty());
}

TEST_F(ProblemAreasTest, DeficitsAreTheLastResort) {
  EXPECT_THAT(Warnings(Get("alone"), false), IsEmpty());
  EXPECT_THAT(Warnings(Get("alone"), true), ElementsAre(WarningCode::kDeficitsNotLastResort));
  for (const char* id : {"row", "mourning"}) {
    ProblemArea other = Get(id);
    other.evidence[0].finding = CriterionFinding::kAbsent;
    Put(other);
  }
  EXPECT_THAT(Warnings(Get("alone"), true), IsEmpty());
}

TEST_F(ProblemAreasTest, ARevisionSaysWhatIsDoubtfulInItsFocusAndContract) {
  FormulationContent content = Complete();
  content.contract = {
      .sessions = 12, .weeks = 16, .cadence_days = 7, .missed_session_policy = "Call us."};
  AgreeOn(content);
  std::vector<Warning> warnings = Warnings(*Present().current);
  ASSERT_EQ(warnings.size(), 4u);
  EXPECT_EQ(warnings[0].field, "focus[0]");
  EXPECT_EQ(warnings[0].subject, "clinics/north/courses/k1/problemAreas/row");
  EXPECT_EQ(warnings[3].code, WarningCode::kContractDiffers);
  EXPECT_EQ(warnings[3].field, "contract.sessions");
  content.contract.cadence_days.reset();
  AgreeOn(content, DayOfSession(5));
  warnings = Warnings(*Present().current);
  EXPECT_EQ(warnings[3].code, WarningCode::kContractIncomplete);
}

TEST_F(ProblemAreasTest, WhatReadsOtherwiseNowIsSaid) {
  AgreeOn(Complete());
  const auto changed = [&] {
    std::vector<std::string> fields;
    for (const Warning& warning : Warnings(*Present().current)) {
      if (warning.code == WarningCode::kChangedSince) fields.push_back(warning.field);
    }
    return fields;
  };
  EXPECT_THAT(changed(), IsEmpty());
  ProblemArea row = Get("row");
  row.display_name = "The row";
  Put(row);
  Goal goal = *tx_.GetGoal("north", "k1", "g-row");
  goal.description = "To talk";
  Must(tx_.UpdateGoal(goal, ctx_.now));
  LifeEvent quarrel = *tx_.GetLifeEvent("north", "k1", "quarrel");
  quarrel.display_name = "The quarrel";
  Must(tx_.UpdateLifeEvent(quarrel, ctx_.now));
  EXPECT_THAT(changed(), ElementsAre("snapshot.problem_areas[0]", "snapshot.goals[0]",
                                     "snapshot.life_events[1]"));
}

}  // namespace
}  // namespace ipt::formulation
