#include "formulation/domain/formulation.h"

#include <functional>
#include <string>
#include <vector>

#include "formulation/domain/patient_copy.h"
#include "formulation/domain/reasons.h"
#include "tests/formulation/formulation_fixture.h"

namespace ipt::formulation {
namespace {

using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ipt::testing::IsOk;
using ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Leads a new course there.
void Go(absl::string_view to, FormulationWorld& world) {
  const auto complete = FormulationWorld::Complete();
  if (to == "none") return;
  if (to == "agreed" || to == "revising" || to == "proposed again") world.AgreeOn(complete);
  if (to == "revising" || to == "proposed again") world.Must(world.Revise());
  if (to == "draft" || to == "proposed") world.Must(world.Save(complete));
  if (to == "proposed" || to == "proposed again") world.Must(world.Propose());
}

// The states of pending and current: "PA".
std::string StatesOf(const CourseFormulation& formulation) {
  const bool proposed =
      formulation.pending.has_value() && formulation.pending->state == RevisionState::kProposed;
  return absl::StrCat(proposed                          ? "P"
                      : formulation.pending.has_value() ? "D"
                                                        : "-",
                      formulation.current.has_value() ? "A" : "-");
}

// Every step from every state: where it leads, or which state stands in its way.
TEST(FormulationStepsTest, EveryStepFromEveryStateLeadsOnOrIsRefused) {
  using Step = std::function<absl::Status(FormulationWorld&)>;
  const std::vector<Step> steps = {
      [](FormulationWorld& w) { return w.Save(w.Complete("mourning")).status(); },
      [](FormulationWorld& w) { return w.Propose().status(); },
      [](FormulationWorld& w) { return w.Withdraw().status(); },
      [](FormulationWorld& w) { return w.Agree(DayOfSession(5)).status(); },
      [](FormulationWorld& w) { return w.Revise().status(); },
      [](FormulationWorld& w) { return w.Discard().status(); },
  };
  struct Row {
    const char* from;
    std::vector<std::string> outcomes;
  };
  for (const Row& row : std::vector<Row>{
           // from            save        propose     withdraw  agree    revise      discard
           {"none", {"D-", "NONE", "NONE", "NONE", "NONE", "NONE"}},
           {"draft", {"D-", "P-", "DRAFT", "DRAFT", "DRAFT", "--"}},
           {"proposed", {"PROPOSED", "PROPOSED", "D-", "-A", "PROPOSED", "PROPOSED"}},
           {"agreed", {"AGREED", "NONE", "NONE", "NONE", "DA", "NONE"}},
           {"revising", {"DA", "PA", "DRAFT", "DRAFT", "DRAFT", "-A"}},
           {"proposed again", {"PROPOSED", "PROPOSED", "DA", "-A", "PROPOSED", "PROPOSED"}}}) {
    for (size_t i = 0; i < steps.size(); ++i) {
      SCOPED_TRACE(absl::StrCat(row.from, ", step ", i));
      FormulationWorld world;
      Go(row.from, world);
      const CourseFormulation before = world.Present();
      const absl::Status status = steps[i](world);
      if (row.outcomes[i].size() == 2) {
        EXPECT_THAT(status, IsOk());
        EXPECT_EQ(StatesOf(world.Present()), row.outcomes[i]);
      } else {
        EXPECT_THAT(status, FailsWith(kPrecondition, reason::kFormulationState));
        EXPECT_EQ(ErrorMetadataOf(status)["state"], row.outcomes[i]);
        EXPECT_EQ(world.Present(), before);
      }
    }
  }
}

TEST(FormulationStepsTest, EveryStepWithAStaleEtagIsRefused) {
  constexpr auto kAborted = absl::StatusCode::kAborted;
  FormulationWorld world;
  Go("draft", world);
  const StepBy by{"ana", world.ctx_.now};
  const FormulationGround ground = world.Ground();
  CourseFormulation now = world.Present();
  for (const int64_t stale : {int64_t{0}, int64_t{-1}, now.pending->stamp.revision - 1}) {
    EXPECT_THAT(SaveStep(now, stale, {}, by), StatusIs(kAborted));
    EXPECT_THAT(ProposeStep(now, stale, ground.parts, ground.protocol, by), StatusIs(kAborted));
    EXPECT_THAT(DiscardStep(now, stale), StatusIs(kAborted));
  }
  world.Must(world.Propose());
  now = world.Present();
  EXPECT_THAT(WithdrawStep(now, 1, "So.", by), StatusIs(kAborted));
  EXPECT_THAT(AgreeStep(now, 1, {}, by), StatusIs(kAborted));
  world.Must(world.Agree(DayOfSession(4)));
  EXPECT_THAT(ReviseStep(world.Present(), 1, RevisionReason::kCorrection, "", by),
              StatusIs(kAborted));
  // A draft that is gone.
  FormulationWorld empty;
  EXPECT_THAT(SaveStep(empty.Present(), 7, {}, by), StatusIs(kAborted));
}

TEST(FormulationStepsTest, ANumberIsGivenAtTheFirstProposalAndNeverTwice) {
  FormulationWorld world;
  Go("draft", world);
  EXPECT_EQ(world.Present().pending->number, 0);
  world.Must(world.Propose());
  EXPECT_EQ(world.Present().pending->number, 1);
  world.Must(world.Withdraw());
  EXPECT_EQ(world.Present().pending->number, 1);
  EXPECT_EQ(world.Present().pending->snapshot, FormulationSnapshot());
  world.Must(world.Propose());
  EXPECT_EQ(world.Present().pending->number, 1);
  world.Must(world.Withdraw());
  world.Must(world.Discard());
  world.AgreeOn(world.Complete());
  EXPECT_EQ(world.Present().current->number, 2);
  world.AgreeOn(world.Complete("mourning"), DayOfSession(5));
  EXPECT_EQ(world.Present().current->number, 3);
  EXPECT_EQ(world.Present().agreed_revisions, 2);
}

TEST(FormulationStepsTest, TheFormerOneIsSupersededAndOtherwiseAsItWas) {
  FormulationWorld world;
  world.AgreeOn(world.Complete());
  const FormulationRevision first = *world.Present().current;
  auto other = std::make_shared<Caller>();
  other->subject = "ben@north";
  world.ctx_.caller = std::move(other);
  world.AgreeOn(world.Complete("mourning"), DayOfSession(6));
  ASSERT_EQ(world.tx_.superseded().size(), 1u);
  const FormulationRevision& former = world.tx_.superseded()[0];
  EXPECT_EQ(former.state, RevisionState::kSuperseded);
  EXPECT_EQ(former.content, first.content);
  EXPECT_EQ(former.snapshot, first.snapshot);
  EXPECT_EQ(former.agreement, first.agreement);
  EXPECT_EQ(former.caller, "ana@north");
  EXPECT_EQ(former.changes.back().kind, RevisionChangeKind::kSuperseded);
  EXPECT_EQ(former.changes.back().caller, "ben@north");
  const CourseFormulation now = world.Present();
  EXPECT_EQ(now.first_agreed_on, DayOfSession(4));
  EXPECT_EQ(now.first_primary_kind, ProblemAreaKind::kRoleDispute);
  const CourseFocus focus = *FocusOf(now);
  EXPECT_EQ(focus.primary_kind, ProblemAreaKind::kGrief);
  EXPECT_EQ(focus.secondary_kind, ProblemAreaKind::kUnspecified);
  EXPECT_EQ(focus.first_primary_kind, ProblemAreaKind::kRoleDispute);
  EXPECT_EQ(focus.revision_number, 2);
}

TEST(FormulationStepsTest, ARevisionBeginsAsACopyOfTheCurrentOne) {
  FormulationWorld world;
  world.AgreeOn(world.Complete());
  world.Must(world.Revise());
  const FormulationRevision draft = *world.Present().pending;
  EXPECT_EQ(draft.content, world.Present().current->content);
  EXPECT_EQ(draft.based_on, 1);
  EXPECT_EQ(draft.number, 0);
  EXPECT_EQ(draft.reason, RevisionReason::kFocusChanged);
  EXPECT_FALSE(draft.agreement.has_value());
}

TEST(FormulationStepsTest, OnlyTheLastFiftyChangesAreKept) {
  FormulationWorld world;
  Go("draft", world);
  for (int i = 0; i < 30; ++i) {
    world.Must(world.Propose());
    world.Must(world.Withdraw());
  }
  const std::vector<RevisionChange> changes = world.Present().pending->changes;
  EXPECT_EQ(changes.size(), 50u);
  EXPECT_EQ(changes.back().kind, RevisionChangeKind::kWithdrawn);
  EXPECT_EQ(changes.back().reason, "They want to think.");
}

TEST(FormulationStepsTest, ACourseHasAtMostTwoHundredRevisions) {
  FormulationWorld world;
  Go("draft", world);
  CourseFormulation full = world.Present();
  const FormulationGround ground = world.Ground();
  const auto propose = [&] {
    return ProposeStep(full, full.pending->stamp.revision, ground.parts, ground.protocol,
                       {"ana", world.ctx_.now});
  };
  full.agreed_revisions = 199;
  EXPECT_THAT(propose(), IsOk());
  full.agreed_revisions = 200;
  EXPECT_THAT(propose(), FailsWith(kPrecondition, reason::kLimitReached));
  EXPECT_EQ(ErrorMetadataOf(propose().status())["of"], "revisions");
}

// ------------------------------------------------------------------------------------ open points

std::vector<std::string> OpenPoints(FormulationWorld& world, FormulationContent content) {
  FormulationRevision draft{.clinic_id = "north", .course_id = "k1"};
  draft.content = std::move(content);
  const FormulationGround ground = world.Ground();
  std::vector<std::string> points;
  for (const OpenPoint& point : OpenPointsOf(draft, ground.parts, ground.protocol)) {
    points.push_back(absl::StrCat(NameOf(point.code), " ", point.field));
  }
  return points;
}

TEST(OpenPointsTest, WhatIsCompleteHasNone) {
  FormulationWorld world;
  EXPECT_THAT(OpenPoints(world, world.Complete()), IsEmpty());
}

TEST(OpenPointsTest, AnEmptyDraftLacksNarrativeFocusAndLink) {
  FormulationWorld world;
  EXPECT_THAT(OpenPoints(world, {}), ElementsAre("NO_PATIENT_NARRATIVE patient_narrative",
                                                 "NO_FOCUS focus", "NO_LINK links"));
}

TEST(OpenPointsTest, ASecondFocusNeedsItsReasonAndGoal) {
  FormulationWorld world;
  FormulationContent content = world.Complete();
  content.focus.push_back({.problem_area_id = "mourning", .reason = "  "});
  EXPECT_THAT(OpenPoints(world, content), ElementsAre("SECOND_FOCUS_WITHOUT_REASON focus[1].reason",
                                                      "FOCUS_WITHOUT_GOAL focus[1]"));
  content.focus[1].reason = "Both came at once.";
  content.goal_ids.push_back("g-mourning");
  EXPECT_THAT(OpenPoints(world, content), IsEmpty());
}

TEST(OpenPointsTest, AFocusNeedsACriterionThatSpeaksForIt) {
  FormulationWorld world;
  ProblemArea area = *world.tx_.GetProblemArea("north", "k1", "row");
  const auto points_with = [&](const std::string& criterion, CriterionFinding finding) {
    area.evidence = {{.criterion = criterion, .finding = finding}};
    world.Must(world.tx_.UpdateProblemArea(area, world.ctx_.now));
    return OpenPoints(world, world.Complete());
  };
  const Area& defined = *Shipped().FindArea("ROLE_DISPUTE");
  for (const Criterion& criterion : defined.criteria) {
    EXPECT_EQ(points_with(criterion.code, CriterionFinding::kPresent).empty(),
              criterion.weight != Weight::kContext)
        << criterion.code;
  }
  for (const auto finding : {CriterionFinding::kAbsent, CriterionFinding::kUnclear}) {
    EXPECT_THAT(points_with(defined.criteria[0].code, finding),
                ElementsAre("FOCUS_WITHOUT_CRITERION focus[0]"));
  }
}

TEST(OpenPointsTest, AFocusHasOneToThreeGoalsThatWereNotGivenUp) {
  FormulationWorld world;
  FormulationContent content = world.Complete();
  for (int i = 2; i <= 4; ++i) {
    const std::string id = absl::StrCat("g", i);
    world.Must(CreateGoal(world.tx_, world.ctx_, world.ids_, world.course_, GoalOf(id, "row")));
    content.goal_ids.push_back(id);
    EXPECT_EQ(OpenPoints(world, content).empty(), i <= 3) << i;
  }
  EXPECT_THAT(OpenPoints(world, content), ElementsAre("TOO_MANY_GOALS focus[0]"));
  const Goal goal = *world.tx_.GetGoal("north", "k1", "g4");
  world.Must(ChangeGoalState(world.tx_, world.ctx_, goal,
                             {.state = GoalState::kAbandoned, .reason = "No more."}));
  EXPECT_THAT(OpenPoints(world, content), ElementsAre("GOAL_NOT_OF_FOCUS goals[3]"));
  content.goal_ids = {"g-mourning"};
  EXPECT_THAT(OpenPoints(world, content),
              ElementsAre("FOCUS_WITHOUT_GOAL focus[0]", "GOAL_NOT_OF_FOCUS goals[0]"));
}

TEST(OpenPointsTest, ALinkNeedsASymptomAndAnArea) {
  FormulationWorld world;
  FormulationContent content = world.Complete();
  content.links[0].symptom_event_id.clear();
  EXPECT_THAT(OpenPoints(world, content), ElementsAre("LINK_INCOMPLETE links[0]"));
  content.links[0].symptom_text = "Sleeps badly.";
  EXPECT_THAT(OpenPoints(world, content), IsEmpty());
  content.links[0].problem_area_id.clear();
  EXPECT_THAT(OpenPoints(world, content), ElementsAre("LINK_INCOMPLETE links[0]"));
}

TEST(OpenPointsTest, ProposingWithAnyNamesAllOfThem) {
  FormulationWorld world;
  world.Must(world.Save({}));
  const absl::Status refused = world.Propose().status();
  EXPECT_THAT(refused, FailsWith(kPrecondition, reason::kFormulationIncomplete));
  EXPECT_EQ(ErrorMetadataOf(refused)["open_points"], "3");
  const auto violations = PreconditionViolationsOf(refused);
  ASSERT_EQ(violations.size(), 3u);
  EXPECT_EQ(violations[2].reason, "NO_LINK");
  EXPECT_EQ(violations[2].subject, "links");
}

// ---------------------------------------------------------------------------------------- content

absl::Status Check(FormulationWorld& world, const FormulationContent& content, int max_focus = 2) {
  FieldViolations bad;
  CheckContent(content, world.Ground().parts, max_focus, bad.In("content"));
  return bad.ToStatus();
}

TEST(CheckContentTest, WhatIsOnlyMissingIsNoError) {
  FormulationWorld world;
  EXPECT_THAT(Check(world, {}), IsOk());
  FormulationContent content;
  content.links.push_back({.id = "l1"});
  EXPECT_THAT(Check(world, content), IsOk());
  EXPECT_THAT(Check(world, world.Complete()), IsOk());
}

TEST(CheckContentTest, TheFocusIsOneAreaOrTwoNeverTheSame) {
  FormulationWorld world;
  FormulationContent content;
  content.focus = {{"row", ""}, {"mourning", ""}};
  EXPECT_THAT(Check(world, content), IsOk());
  EXPECT_THAT(Check(world, content, 1), HasBadFields("content.focus"));
  content.focus[1] = {"row", ""};
  EXPECT_THAT(Check(world, content), HasBadFields("content.focus[1].problem_area"));
  content.focus = {{"row", ""}, {"mourning", ""}, {"alone", ""}};
  EXPECT_THAT(Check(world, content), HasBadFields("content.focus"));
}

TEST(CheckContentTest, WhatItNamesIsOfTheCourse) {
  FormulationWorld world;
  FormulationContent content;
  content.focus = {{"nowhere", ""}};
  content.goal_ids = {"g-row", "nowhere", "g-row"};
  content.links = {{.id = "l1",
                    .symptom_event_id = "nowhere",
                    .life_event_id = "nowhere",
                    .problem_area_id = "nowhere",
                    .goal_ids = {"g-row", "g-mourning", "g-row"}},
                   {.id = "l1", .symptom_event_id = "quarrel"},
                   {.id = "L 3"}};
  EXPECT_THAT(Check(world, content),
              HasBadFields("content.focus[0].problem_area", "content.goals[1]", "content.goals[2]",
                           "content.links[0].symptom_event", "content.links[0].life_event",
                           "content.links[0].problem_area", "content.links[0].goals[1]",
                           "content.links[0].goals[2]", "content.links[1].id",
                           "content.links[1].symptom_event", "content.links[2].id"));
}

TEST(CheckContentTest, TheContractsNumbersHaveBounds) {
  FormulationWorld world;
  FormulationContent content;
  content.contract = {.sessions = 1, .weeks = 208, .session_minutes = 15, .cadence_days = 92};
  EXPECT_THAT(Check(world, content), IsOk());
  content.contract = {.sessions = 0, .weeks = 209, .session_minutes = 14, .cadence_days = 93};
  EXPECT_THAT(Check(world, content),
              HasBadFields("content.contract.sessions", "content.contract.weeks",
                           "content.contract.session_minutes", "content.contract.cadence_days"));
}

TEST(CheckContentTest, AllTextsTogetherAreBounded) {
  FormulationWorld world;
  FormulationContent content;
  for (int i = 0; i < 16; ++i) {
    content.links.push_back({.id = absl::StrCat("l", i), .explanation = std::string(4000, 'x')});
  }
  EXPECT_THAT(Check(world, content), IsOk());
  content.patient_narrative = "x";
  EXPECT_THAT(Check(world, content), HasBadFields("content"));
}

// --------------------------------------------------------------------------------------- snapshot

TEST(SnapshotTest, KeepsAreasGoalsAndEventsAsTheyRead) {
  FormulationWorld world;
  ProblemArea row = *world.tx_.GetProblemArea("north", "k1", "row");
  row.role_dispute = RoleDisputeDetail{.stage = DisputeStage::kImpasse};
  world.Must(world.tx_.UpdateProblemArea(row, world.ctx_.now));
  FormulationContent content = world.Complete();
  content.links.push_back({.id = "l2", .life_event_id = "loss", .problem_area_id = "mourning"});
  const FormulationGround ground = world.Ground();
  const FormulationSnapshot snapshot = SnapshotOf(content, ground.parts, ground.protocol);
  ASSERT_EQ(snapshot.problem_areas.size(), 2u);
  EXPECT_EQ(snapshot.problem_areas[0],
            (FocusSnapshot{.problem_area_id = "row",
                           .position = FocusPosition::kPrimary,
                           .kind = ProblemAreaKind::kRoleDispute,
                           .display_name = "My row",
                           .plain_name = Shipped().FindArea("ROLE_DISPUTE")->plain_name,
                           .dispute_stage = DisputeStage::kImpasse}));
  EXPECT_EQ(snapshot.problem_areas[1].position, FocusPosition::kUnspecified);
  EXPECT_THAT(snapshot.goals, ElementsAre(GoalSnapshot{"g-row", "To reach g-row", "row"}));
  ASSERT_EQ(snapshot.life_events.size(), 3u);
  EXPECT_EQ(snapshot.life_events[2].life_event_id, "loss");
}

TEST(SnapshotTest, WhatWasProposedReadsAsItDid) {
  FormulationWorld world;
  world.AgreeOn(world.Complete());
  const Goal goal = *world.tx_.GetGoal("north", "k1", "g-row");
  Goal after = goal;
  after.description = "Something else";
  world.Must(ChangeGoal(world.tx_, world.ctx_, goal, after, 0));
  EXPECT_EQ(world.Present().current->snapshot.goals[0].description, "To reach g-row");
}

// ----------------------------------------------------------------------------- the patient's copy

TEST(PatientCopyTest, HoldsTheAgreedWordsAndNothingElse) {
  FormulationWorld world;
  FormulationContent content = world.Complete();
  content.clinical_narrative = "SECRET";
  content.focus[0].reason = "SECRET";
  content.focus.push_back({.problem_area_id = "mourning", .reason = "SECRET"});
  content.goal_ids.push_back("g-mourning");
  content.contract = {.sessions = 16, .missed_session_policy = "Call us."};
  world.AgreeOn(content);
  const PatientCopy copy = *PatientCopyOf(*world.Present().current, "en");
  EXPECT_EQ(copy.narrative, content.patient_narrative);
  EXPECT_EQ(copy.contract, content.contract);
  EXPECT_EQ(copy.agreed_on, DayOfSession(4));
  EXPECT_EQ(copy.state, RevisionState::kAgreed);
  EXPECT_EQ(copy.language, "en");
  ASSERT_EQ(copy.focus.size(), 2u);
  EXPECT_EQ(copy.focus[1].position, FocusPosition::kSecondary);
  EXPECT_EQ(copy.focus[1].heading, Shipped().FindArea("GRIEF")->plain_name);
  EXPECT_EQ(copy.focus[1].display_name, "My mourning");
  EXPECT_THAT(copy.focus[1].goals, ElementsAre("To reach g-mourning"));
}

TEST(PatientCopyTest, ThereIsNoneOfADraft) {
  FormulationWorld world;
  world.Must(world.Save(world.Complete()));
  EXPECT_THAT(PatientCopyOf(*world.Present().pending, "en"),
              FailsWith(kPrecondition, reason::kFormulationState));
  world.Must(world.Propose());
  const PatientCopy copy = *PatientCopyOf(*world.Present().pending, "en");
  EXPECT_EQ(copy.state, RevisionState::kProposed);
  EXPECT_FALSE(copy.agreed_on.has_value());
}

}  // namespace
}  // namespace ipt::formulation
