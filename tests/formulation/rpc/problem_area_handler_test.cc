#include "formulation/rpc/problem_area_handler.h"

#include <utility>

#include "formulation/domain/formulations.h"
#include "formulation/domain/goals.h"
#include "formulation/domain/inventory.h"
#include "formulation/domain/problem_areas.h"
#include "platform/errors/status_macros.h"
#include "tests/formulation/rpc/handler_fixture.h"

namespace ipt::formulation {
namespace {

using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ipt::testing::IsOk;
using ipt::testing::StatusIs;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kArea[] = "clinics/north/courses/k1/problemAreas/row";
constexpr char kPartner[] = "clinics/north/courses/k1/relationships/m";
constexpr char kDad[] = "clinics/north/courses/k1/relationships/dad";
constexpr char kQuarrel[] = "clinics/north/courses/k1/lifeEvents/quarrel";
constexpr char kLoss[] = "clinics/north/courses/k1/lifeEvents/loss";

// A course with people "m" (partner) and "dad" (who has died), and with events "loss" (his death)
// and "quarrel".
class ProblemAreaHandlerTest : public HandlerTest {
 protected:
  ProblemAreaHandlerTest() {
    InWrite([&](FormulationTx& tx) -> absl::Status {
      for (const auto& [id, status] :
           {std::pair("m", RelationshipStatus::kCurrent), {"dad", RelationshipStatus::kDeceased}}) {
        Relationship person{.clinic_id = "north",
                            .course_id = "k1",
                            .relationship_id = id,
                            .display_name = id,
                            .kind = RelationshipKind::kPartner,
                            .status = status};
        IPT_RETURN_IF_ERROR(tx.InsertRelationship(person, now_));
      }
      for (const auto& [id, kind] :
           {std::pair("loss", LifeEventKind::kLossByDeath), {"quarrel", LifeEventKind::kDispute}}) {
        LifeEvent event{.clinic_id = "north",
                        .course_id = "k1",
                        .life_event_id = id,
                        .kind = kind,
                        .display_name = id,
                        .start_date = PartialDate{.year = 2025}};
        IPT_RETURN_IF_ERROR(tx.InsertLifeEvent(event, now_));
      }
      return absl::OkStatus();
    });
  }

  void InWrite(absl::FunctionRef<absl::Status(FormulationTx&)> body) {
    EXPECT_THAT(store_.Write(absl::InfiniteFuture(), body), IsOk());
  }

  static pb::ProblemArea Area(pb::ProblemAreaKind kind, const std::string& display_name) {
    pb::ProblemArea area;
    area.set_kind(kind);
    area.set_display_name(display_name);
    return area;
  }
  static pb::ProblemArea Dispute() {
    return Area(pb::PROBLEM_AREA_KIND_ROLE_DISPUTE, "The row with M.");
  }
  static std::string Criterion(ProblemAreaKind kind, size_t index = 0) {
    return Shipped().FindArea(CodeOf(kind))->criteria[index].code;
  }
  static void AddEvidence(const std::string& criterion, pb::CriterionFinding finding,
                          pb::ProblemArea& area) {
    pb::AreaEvidence& evidence = *area.add_evidence();
    evidence.set_criterion(criterion);
    evidence.set_finding(finding);
  }
  static void AddLink(const std::string& event, pb::EventRelation relation, pb::ProblemArea& area) {
    pb::OnsetLink& link = *area.add_onset_links();
    link.set_life_event(event);
    link.set_relation(relation);
  }
  // With every field that may be stated.
  static pb::ProblemArea FullDispute() {
    pb::ProblemArea area = Dispute();
    AddEvidence(Criterion(ProblemAreaKind::kRoleDispute, 0), pb::CRITERION_FINDING_PRESENT, area);
    AddEvidence(Criterion(ProblemAreaKind::kRoleDispute, 1), pb::CRITERION_FINDING_UNCLEAR, area);
    area.mutable_evidence(0)->set_note("They differ.");
    AddLink(kQuarrel, pb::EVENT_RELATION_AT_ONSET, area);
    AddLink(kLoss, pb::EVENT_RELATION_UNRELATED, area);
    area.mutable_onset_links(0)->set_note("The week after.");
    pb::RoleDisputeDetail& detail = *area.mutable_role_dispute();
    detail.set_other_party(kPartner);
    detail.set_stage(pb::DISPUTE_STAGE_IMPASSE);
    detail.set_issue("Who stays home.");
    detail.set_patient_expectation("Help.");
    detail.set_other_expectation("Peace.");
    detail.set_history("Long.");
    area.set_patient_severity(0);
    area.set_therapist_severity(7);
    area.set_patient_view("It is hopeless.");
    area.set_therapist_view("It is not.");
    area.set_change_prospect(pb::CHANGE_PROSPECT_POSSIBLE);
    area.set_rank(2);
    return area;
  }

  static pb::CreateProblemAreaRequest Creation(const pb::ProblemArea& area,
                                               const std::string& id = "row") {
    pb::CreateProblemAreaRequest request;
    request.set_parent(kCourse);
    request.set_problem_area_id(id);
    *request.mutable_problem_area() = area;
    return request;
  }
  absl::StatusOr<pb::ProblemArea> Send(const pb::CreateProblemAreaRequest& request) {
    return areas_.CreateProblemArea(WriteCall(request), request);
  }
  absl::StatusOr<pb::ProblemArea> Create(const pb::ProblemArea& area,
                                         const std::string& id = "row") {
    return Send(Creation(area, id));
  }
  absl::StatusOr<pb::ProblemArea> Get(const std::string& name = kArea,
                                      const std::string& clinic = "north") {
    pb::GetProblemAreaRequest request;
    request.set_name(name);
    return areas_.GetProblemArea(ReadCall(clinic), request);
  }
  absl::StatusOr<pb::ProblemArea> Update(pb::ProblemArea area,
                                         const std::vector<std::string>& paths = {},
                                         bool validate_only = false) {
    if (area.name().empty()) area.set_name(kArea);
    pb::UpdateProblemAreaRequest request;
    *request.mutable_problem_area() = area;
    for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
    request.set_validate_only(validate_only);
    return areas_.UpdateProblemArea(WriteCall(request), request);
  }
  absl::StatusOr<pb::DeleteProblemAreaResponse> Delete(const std::string& etag = "",
                                                       const std::string& name = kArea) {
    pb::DeleteProblemAreaRequest request;
    request.set_name(name);
    request.set_etag(etag);
    return areas_.DeleteProblemArea(WriteCall(request), request);
  }
  // Display names, over all pages.
  std::vector<std::string> Listed(pb::ListProblemAreasRequest request = {}) {
    request.set_parent(kCourse);
    std::vector<std::string> names;
    do {
      const auto page = areas_.ListProblemAreas(ReadCall(), request);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      for (const auto& area : page->problem_areas()) names.push_back(area.display_name());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return names;
  }
  static std::vector<pb::WarningCode> Codes(const pb::ProblemArea& area) {
    std::vector<pb::WarningCode> codes;
    for (const pb::Warning& warning : area.warnings()) {
      EXPECT_EQ(warning.subject(), area.name());
      EXPECT_NE(warning.message(), "");
      codes.push_back(warning.code());
    }
    return codes;
  }

  // Agrees on the area "row" as the focus, with a goal.
  void AgreeOnRow() {
    InWrite([&](FormulationTx& tx) -> absl::Status {
      const CallContext call = ReadCall();
      const courses::CopiedCourse& course = *courses_.answer.course;
      IPT_RETURN_IF_ERROR(
          CreateGoal(tx, call, ids_, course,
                     {.goal_id = "g", .description = "To talk.", .problem_area_id = "row"})
              .status());
      const FormulationContent content{.patient_narrative = "You fell out, and fell ill.",
                                       .focus = {{.problem_area_id = "row"}},
                                       .links = {{.symptom_text = "Low mood",
                                                  .life_event_id = "quarrel",
                                                  .problem_area_id = "row",
                                                  .explanation = "It began with the row."}},
                                       .goal_ids = {"g"}};
      IPT_ASSIGN_OR_RETURN(const auto saved, SaveDraft(tx, call, ids_, protocols_, course,
                                                       {.clinic_id = "north", .course_id = "k1"},
                                                       {.content = content}));
      IPT_ASSIGN_OR_RETURN(const auto proposed,
                           ProposeFormulation(tx, call, protocols_, course, saved.formulation,
                                              saved.formulation.pending->stamp.revision));
      return AgreeFormulation(tx, call, course, proposed,
                              {.if_revision = proposed.pending->stamp.revision,
                               .agreed_on = DayOfSession(4),
                               .agreed_by = AgreementParty::kPatient,
                               .mode = AgreementMode::kInSession})
          .status();
    });
  }

  ProblemAreaHandler areas_{store_, protocols_, ids_, courses_};
};

TEST_P(ProblemAreaHandlerTest, KeepsEveryField) {
  ASSERT_OK_AND_ASSIGN(const pb::ProblemArea created, Create(FullDispute()));
  pb::ProblemArea expected = FullDispute();
  expected.set_name(kArea);
  expected.set_present_criteria(1);
  expected.set_etag(created.etag());
  expected.set_revision(created.revision());
  *expected.mutable_create_time() = created.create_time();
  *expected.mutable_update_time() = created.update_time();
  expected.mutable_scheduling()->set_current(true);
  *expected.mutable_scheduling()->mutable_as_of_time() = created.scheduling().as_of_time();
  EXPECT_EQ(created.DebugString(), expected.DebugString());
  EXPECT_GT(created.revision(), 0);
  EXPECT_FALSE(created.etag().empty());
  EXPECT_EQ(created.scheduling().as_of_time().seconds(), absl::ToUnixSeconds(now_));
  ASSERT_OK_AND_ASSIGN(const pb::ProblemArea got, Get());
  EXPECT_EQ(got.DebugString(), expected.DebugString());
  EXPECT_THAT(NewEvents(), ElementsAre("PROBLEM_AREA_CHANGED"));
}

TEST_P(ProblemAreaHandlerTest, KeepsTheDetailsOfEachKind) {
  pb::ProblemArea grief = Area(pb::PROBLEM_AREA_KIND_GRIEF, "Losing Dad");
  grief.mutable_grief()->set_deceased(kDad);
  grief.mutable_grief()->set_circumstances("Suddenly.");
  grief.mutable_grief()->set_mourning("Not yet.");
  ASSERT_OK_AND_ASSIGN(pb::ProblemArea made, Create(grief, ""));
  EXPECT_EQ(made.grief().DebugString(), grief.grief().DebugString());
  EXPECT_THAT(Get(made.name()), IsOk());

  pb::ProblemArea transition = Area(pb::PROBLEM_AREA_KIND_ROLE_TRANSITION, "Leaving");
  transition.mutable_role_transition()->set_life_event(kQuarrel);
  transition.mutable_role_transition()->set_old_role("Partner.");
  transition.mutable_role_transition()->set_new_role("Alone.");
  transition.mutable_role_transition()->set_losses("Home.");
  transition.mutable_role_transition()->set_supports("Friends.");
  ASSERT_OK_AND_ASSIGN(made, Create(transition, ""));
  ASSERT_OK_AND_ASSIGN(made, Get(made.name()));
  EXPECT_EQ(made.role_transition().DebugString(), transition.role_transition().DebugString());

  pb::ProblemArea deficits = Area(pb::PROBLEM_AREA_KIND_INTERPERSONAL_DEFICITS, "Alone");
  deficits.mutable_interpersonal_deficits()->set_past_relationships("Few.");
  deficits.mutable_interpersonal_deficits()->set_patterns("Leaves first.");
  ASSERT_OK_AND_ASSIGN(made, Create(deficits, ""));
  ASSERT_OK_AND_ASSIGN(made, Get(made.name()));
  EXPECT_EQ(made.interpersonal_deficits().DebugString(),
            deficits.interpersonal_deficits().DebugString());
  EXPECT_FALSE(made.has_patient_severity());
}

TEST_P(ProblemAreaHandlerTest, RefusesIdsThatAreTakenOrNone) {
  ASSERT_OK(Create(Dispute()));
  EXPECT_THAT(Create(Dispute()), FailsWith(absl::StatusCode::kAlreadyExists, "RESOURCE_EXISTS"));
  EXPECT_THAT(Create(Dispute(), "Not An Id"), HasBadFields("problem_area_id"));
}

TEST_P(ProblemAreaHandlerTest, NamesEveryBadField) {
  pb::ProblemArea area = Area(pb::PROBLEM_AREA_KIND_GRIEF, " ");
  const std::string criterion = Criterion(ProblemAreaKind::kGrief);
  AddEvidence(criterion, pb::CRITERION_FINDING_PRESENT, area);
  AddEvidence(criterion, pb::CRITERION_FINDING_UNSPECIFIED, area);
  AddEvidence("NO_SUCH_CRITERION", pb::CRITERION_FINDING_PRESENT, area);
  AddLink(kLoss, pb::EVENT_RELATION_AT_ONSET, area);
  AddLink(kLoss, pb::EVENT_RELATION_UNSPECIFIED, area);
  AddLink("clinics/north/courses/k1/lifeEvents/none", pb::EVENT_RELATION_AT_ONSET, area);
  AddLink("clinics/north/courses/k2/lifeEvents/loss", pb::EVENT_RELATION_AT_ONSET, area);
  AddLink("", pb::EVENT_RELATION_AT_ONSET, area);
  area.mutable_grief()->set_deceased("clinics/north/courses/k2/relationships/dad");
  area.set_patient_severity(11);
  area.set_therapist_severity(-1);
  area.set_rank(21);
  EXPECT_THAT(
      Create(area),
      HasBadFields(
          "problem_area.display_name", "problem_area.evidence[1].criterion",
          "problem_area.evidence[1].finding", "problem_area.evidence[2].criterion",
          "problem_area.onset_links[1].life_event", "problem_area.onset_links[1].relation",
          "problem_area.onset_links[2].life_event", "problem_area.onset_links[3].life_event",
          "problem_area.onset_links[4].life_event", "problem_area.grief.deceased",
          "problem_area.patient_severity", "problem_area.therapist_severity", "problem_area.rank"));
  EXPECT_THAT(Create(Area(pb::PROBLEM_AREA_KIND_UNSPECIFIED, "X")),
              HasBadFields("problem_area.kind"));
  // Only variants that add it have it.
  EXPECT_THAT(Create(Area(pb::PROBLEM_AREA_KIND_GRIEF_FOR_THE_HEALTHY_SELF, "X")),
              HasBadFields("problem_area.kind"));
}

TEST_P(ProblemAreaHandlerTest, RefusesWhatNamesNobodyOfTheCourse) {
  pb::ProblemArea dispute = Dispute();
  dispute.mutable_role_dispute()->set_other_party("clinics/north/courses/k1/relationships/nobody");
  EXPECT_THAT(Create(dispute), HasBadFields("problem_area.role_dispute.other_party"));
  pb::ProblemArea transition = Area(pb::PROBLEM_AREA_KIND_ROLE_TRANSITION, "Leaving");
  transition.mutable_role_transition()->set_life_event(
      "clinics/north/courses/k2/lifeEvents/quarrel");
  EXPECT_THAT(Create(transition), HasBadFields("problem_area.role_transition.life_event"));
  transition.mutable_interpersonal_deficits();
  EXPECT_THAT(Create(transition), HasBadFields("problem_area.interpersonal_deficits"));
}

TEST_P(ProblemAreaHandlerTest, TakesTheFifthAreaWhereTheVariantHasIt) {
  courses_.answer.course = CourseOf("ipsrt", 8);
  EXPECT_THAT(Create(Area(pb::PROBLEM_AREA_KIND_GRIEF_FOR_THE_HEALTHY_SELF, "Who I was")), IsOk());
}

TEST_P(ProblemAreaHandlerTest, BoundsItsTexts) {
  pb::ProblemArea area = Dispute();
  const std::string most(4000, 'x');
  area.set_patient_view(most);
  area.set_therapist_view(most);
  area.mutable_role_dispute()->set_issue(most);
  area.mutable_role_dispute()->set_patient_expectation(most);
  area.mutable_role_dispute()->set_other_expectation(most);
  area.mutable_role_dispute()->set_history(most);
  ASSERT_OK(Create(area));
  for (int i = 0; i < 8; ++i) {
    AddEvidence(Criterion(ProblemAreaKind::kRoleDispute), pb::CRITERION_FINDING_PRESENT, area);
    area.mutable_evidence(i)->set_note(std::string(1000, 'x'));
  }
  pb::ProblemArea links = area;
  links.clear_evidence();
  AddLink(kQuarrel, pb::EVENT_RELATION_AT_ONSET, links);
  links.mutable_onset_links(0)->set_note(std::string(1000, 'x'));
  EXPECT_THAT(Create(links, "links"), IsOk());
  std::vector<std::string> fields;
  for (const auto& bad : FieldViolationsOf(Create(area, "more").status())) {
    fields.push_back(bad.field);
  }
  EXPECT_THAT(fields, Contains("problem_area"));
}

TEST_P(ProblemAreaHandlerTest, WarnsOfWhatIsDoubtful) {
  ASSERT_OK_AND_ASSIGN(const pb::ProblemArea dispute, Create(Dispute()));
  EXPECT_THAT(Codes(dispute), ElementsAre(pb::WARNING_CODE_DISPUTE_WITHOUT_STAGE,
                                          pb::WARNING_CODE_PERSON_NOT_NAMED));
  pb::ProblemArea grief = Area(pb::PROBLEM_AREA_KIND_GRIEF, "Losing Dad");
  ASSERT_OK_AND_ASSIGN(const pb::ProblemArea of_nobody, Create(grief, "nobody"));
  EXPECT_THAT(Codes(of_nobody),
              ElementsAre(pb::WARNING_CODE_PERSON_NOT_NAMED, pb::WARNING_CODE_GRIEF_WITHOUT_DEATH));
  grief.mutable_grief()->set_deceased(kDad);
  ASSERT_OK_AND_ASSIGN(const pb::ProblemArea of_dad, Create(grief, "dad"));
  EXPECT_THAT(Codes(of_dad), IsEmpty());
}

TEST_P(ProblemAreaHandlerTest, ChangesWhatAMaskNames) {
  ASSERT_OK(Create(FullDispute()));
  now_ += absl::Hours(1);
  pb::ProblemArea change;
  change.mutable_role_dispute()->set_stage(pb::DISPUTE_STAGE_DISSOLUTION);
  ASSERT_OK_AND_ASSIGN(pb::ProblemArea changed,
                       Update(change, {"role_dispute.stage", "patient_severity"}));
  EXPECT_EQ(changed.role_dispute().stage(), pb::DISPUTE_STAGE_DISSOLUTION);
  EXPECT_EQ(changed.role_dispute().issue(), "Who stays home.");
  EXPECT_FALSE(changed.has_patient_severity());
  EXPECT_TRUE(changed.has_therapist_severity());
  EXPECT_GT(changed.update_time().seconds(), changed.create_time().seconds());

  change = pb::ProblemArea();
  change.set_rank(1);
  AddEvidence(Criterion(ProblemAreaKind::kRoleDispute), pb::CRITERION_FINDING_ABSENT, change);
  ASSERT_OK_AND_ASSIGN(changed, Update(change));  // what is set
  EXPECT_EQ(changed.rank(), 1);
  EXPECT_THAT(changed.evidence(), SizeIs(1));
  EXPECT_EQ(changed.present_criteria(), 0);
  EXPECT_EQ(changed.therapist_view(), "It is not.");

  change = pb::ProblemArea();
  change.set_display_name("The row");
  ASSERT_OK_AND_ASSIGN(changed, Update(change, {"*"}));
  EXPECT_EQ(changed.kind(), pb::PROBLEM_AREA_KIND_ROLE_DISPUTE);
  EXPECT_FALSE(changed.has_role_dispute());
  EXPECT_FALSE(changed.has_therapist_severity());
  EXPECT_THAT(changed.evidence(), IsEmpty());
  EXPECT_EQ(changed.rank(), 0);
  ASSERT_OK_AND_ASSIGN(const pb::ProblemArea got, Get());
  EXPECT_EQ(got.DebugString(), changed.DebugString());
  EXPECT_THAT(NewEvents(), SizeIs(4));
}

TEST_P(ProblemAreaHandlerTest, RefusesMasksAndChangesThatCannotBe) {
  ASSERT_OK(Create(FullDispute()));
  pb::ProblemArea area;
  EXPECT_THAT(Update(area, {"colour", "kind", "focus", "warnings", "detail"}),
              HasBadFields("update_mask.paths[0]", "update_mask.paths[1]", "update_mask.paths[2]",
                           "update_mask.paths[3]", "update_mask.paths[4]"));
  EXPECT_THAT(Update(area, {"display_name"}), HasBadFields("problem_area.display_name"));
  area.mutable_grief()->set_mourning("Late.");
  EXPECT_THAT(Update(area), HasBadFields("problem_area.grief"));
  EXPECT_THAT(Update(area, {"grief.mourning"}), HasBadFields("problem_area.grief"));
  ASSERT_OK_AND_ASSIGN(const pb::ProblemArea kept, Get());
  EXPECT_TRUE(kept.has_role_dispute());
}

// The clinic's course is of another variant now, whose protocol does not have the criterion.
TEST_P(ProblemAreaHandlerTest, KeepsCriteriaThatWereRecordedBefore) {
  courses_.answer.course = CourseOf("ipsrt", 8);
  pb::ProblemArea area = Area(pb::PROBLEM_AREA_KIND_GRIEF_FOR_THE_HEALTHY_SELF, "Who I was");
  AddEvidence(Criterion(ProblemAreaKind::kGriefForTheHealthySelf), pb::CRITERION_FINDING_PRESENT,
              area);
  ASSERT_OK(Create(area));
  courses_.answer.course = CourseOf("ipt-uk-16", 8);
  area.set_patient_view("As before.");
  ASSERT_OK_AND_ASSIGN(const pb::ProblemArea changed, Update(area));
  EXPECT_THAT(changed.evidence(), SizeIs(1));
  EXPECT_THAT(Codes(changed), Contains(pb::WARNING_CODE_KIND_NOT_IN_PROTOCOL));
}

TEST_P(ProblemAreaHandlerTest, TellsOfConflicts) {
  ASSERT_OK_AND_ASSIGN(pb::ProblemArea area, Create(FullDispute()));
  const std::string old = area.etag();
  ASSERT_OK_AND_ASSIGN(area, Update(area));
  EXPECT_NE(area.etag(), old);
  area.set_etag(old);
  EXPECT_THAT(Update(area), FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  EXPECT_THAT(Delete(old), FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  ASSERT_OK_AND_ASSIGN(area, Get());
  EXPECT_THAT(Delete(area.etag()), IsOk());
  EXPECT_THAT(Update(area), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(ProblemAreaHandlerTest, AnswersARetryAsItDid) {
  const auto request = Creation(Dispute(), "");
  const CallContext call = WriteCall(request);
  ASSERT_OK_AND_ASSIGN(const pb::ProblemArea first, areas_.CreateProblemArea(call, request));
  ASSERT_OK_AND_ASSIGN(const pb::ProblemArea again, areas_.CreateProblemArea(call, request));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_THAT(Listed(), SizeIs(1));
  const auto other = Creation(FullDispute(), "");
  CallContext reused = WriteCall(other);
  reused.request_id = call.request_id;
  EXPECT_THAT(areas_.CreateProblemArea(reused, other),
              FailsWith(absl::StatusCode::kAlreadyExists, "REQUEST_ID_REUSED"));
}

TEST_P(ProblemAreaHandlerTest, TriesWithoutWriting) {
  auto request = Creation(Dispute());
  request.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(const pb::ProblemArea tried, Send(request));
  EXPECT_EQ(tried.name(), kArea);
  EXPECT_EQ(tried.revision(), 0);
  EXPECT_EQ(tried.etag(), "");
  EXPECT_THAT(Codes(tried), SizeIs(2));
  EXPECT_THAT(Get(), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(NewEvents(), IsEmpty());

  ASSERT_OK_AND_ASSIGN(const pb::ProblemArea kept, Create(Dispute()));
  ASSERT_OK_AND_ASSIGN(const pb::ProblemArea changed, Update(FullDispute(), {}, true));
  EXPECT_EQ(changed.rank(), 2);
  EXPECT_EQ(changed.present_criteria(), 1);
  EXPECT_EQ(changed.revision(), 0);
  ASSERT_OK_AND_ASSIGN(const pb::ProblemArea got, Get());
  EXPECT_EQ(got.DebugString(), kept.DebugString());
  EXPECT_THAT(NewEvents(), SizeIs(1));
}

TEST_P(ProblemAreaHandlerTest, SaysWhatIsInFocus) {
  ASSERT_OK(Create(FullDispute()));
  ASSERT_OK(Create(Area(pb::PROBLEM_AREA_KIND_INTERPERSONAL_DEFICITS, "Alone"), "alone"));
  AgreeOnRow();
  ASSERT_OK_AND_ASSIGN(pb::ProblemArea row, Get());
  EXPECT_EQ(row.focus(), pb::FOCUS_POSITION_PRIMARY);
  EXPECT_THAT(Codes(row), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const pb::ProblemArea alone,
                       Get("clinics/north/courses/k1/problemAreas/alone"));
  EXPECT_EQ(alone.focus(), pb::FOCUS_POSITION_UNSPECIFIED);

  pb::ProblemArea change;
  ASSERT_OK_AND_ASSIGN(row, Update(change, {"onset_links"}));
  EXPECT_EQ(row.focus(), pb::FOCUS_POSITION_PRIMARY);
  EXPECT_THAT(Codes(row), ElementsAre(pb::WARNING_CODE_FOCUS_NOT_LINKED_TO_ONSET));
}

TEST_P(ProblemAreaHandlerTest, DeletesForGood) {
  ASSERT_OK_AND_ASSIGN(const pb::ProblemArea area, Create(FullDispute()));
  ASSERT_OK_AND_ASSIGN(const auto deleted, Delete());
  EXPECT_GT(deleted.revision(), area.revision());
  EXPECT_THAT(Get(), FailsWith(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND"));
  EXPECT_THAT(Delete(), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(NewEvents(), ElementsAre("PROBLEM_AREA_CHANGED", "PROBLEM_AREA_DELETED"));
}

TEST_P(ProblemAreaHandlerTest, DeletesNothingThatIsNamed) {
  const auto in_use = FailsWith(absl::StatusCode::kFailedPrecondition, "RESOURCE_IN_USE");
  ASSERT_OK(Create(FullDispute()));
  ASSERT_OK(Create(Dispute(), "worked"));
  AgreeOnRow();
  EXPECT_THAT(Delete(), in_use);
  InWrite([&](FormulationTx& tx) {
    SessionWork work{.clinic_id = "north",
                     .course_id = "k1",
                     .session_id = "s4",
                     .focus_work = {{.problem_area_id = "worked"}}};
    return tx.PutSessionWork(work, now_);
  });
  EXPECT_THAT(Delete("", "clinics/north/courses/k1/problemAreas/worked"), in_use);
}

TEST_P(ProblemAreaHandlerTest, DeletesNoAreaThatAGoalServes) {
  ASSERT_OK(Create(Dispute()));
  InWrite([&](FormulationTx& tx) {
    return CreateGoal(tx, ReadCall(), ids_, *courses_.answer.course,
                      {.description = "To talk.", .problem_area_id = "row"})
        .status();
  });
  EXPECT_THAT(Delete(), FailsWith(absl::StatusCode::kFailedPrecondition, "RESOURCE_IN_USE"));
}

TEST_P(ProblemAreaHandlerTest, HasAsManyAsACourseMayHave) {
  for (size_t i = 0; i < kMostProblemAreas; ++i) {
    ASSERT_OK(Create(Dispute(), absl::StrCat("a", i)));
  }
  EXPECT_THAT(Create(Dispute()), FailsWith(absl::StatusCode::kFailedPrecondition, "LIMIT_REACHED"));
  pb::ListProblemAreasRequest request;
  request.set_parent(kCourse);
  for (const int size : {0, 1000}) {
    request.set_page_size(size);
    ASSERT_OK_AND_ASSIGN(const auto all, areas_.ListProblemAreas(ReadCall(), request));
    EXPECT_THAT(all.problem_areas(), SizeIs(20));
    EXPECT_EQ(all.next_page_token(), "");
  }
}

TEST_P(ProblemAreaHandlerTest, ListsThemByRank) {
  const auto put = [&](const std::string& id, pb::ProblemAreaKind kind, int rank) {
    pb::ProblemArea area = Area(kind, id);
    area.set_rank(rank);
    ASSERT_OK(Create(area, id));
  };
  put("unranked", pb::PROBLEM_AREA_KIND_GRIEF, 0);
  put("last", pb::PROBLEM_AREA_KIND_ROLE_DISPUTE, 20);
  put("zoe", pb::PROBLEM_AREA_KIND_ROLE_DISPUTE, 1);
  put("adam", pb::PROBLEM_AREA_KIND_GRIEF, 1);
  const auto in_order = ElementsAre("zoe", "adam", "last", "unranked");
  EXPECT_THAT(Listed(), in_order);
  pb::ListProblemAreasRequest request;
  request.set_page_size(3);
  EXPECT_THAT(Listed(request), in_order);
  request.add_kinds(pb::PROBLEM_AREA_KIND_GRIEF);
  EXPECT_THAT(Listed(request), ElementsAre("adam", "unranked"));
  request.set_parent(kCourse);
  request.add_kinds(pb::PROBLEM_AREA_KIND_UNSPECIFIED);
  EXPECT_THAT(areas_.ListProblemAreas(ReadCall(), request), HasBadFields("kinds[1]"));
  request.clear_kinds();
  request.set_page_token("AAAA");
  EXPECT_THAT(areas_.ListProblemAreas(ReadCall(), request), HasBadFields("page_token"));
}

TEST_P(ProblemAreaHandlerTest, ReadsAreAsNewAsAskedFor) {
  ASSERT_OK_AND_ASSIGN(const pb::ProblemArea area, Create(Dispute()));
  pb::GetProblemAreaRequest request;
  request.set_name(kArea);
  request.set_min_revision(area.revision());
  EXPECT_THAT(areas_.GetProblemArea(ReadCall(), request), IsOk());
  request.set_min_revision(area.revision() + 1000);
  EXPECT_THAT(areas_.GetProblemArea(ReadCall(), request),
              FailsWith(absl::StatusCode::kFailedPrecondition, "REVISION_NOT_REACHED"));
}

TEST_P(ProblemAreaHandlerTest, AnotherClinicSeesNothing) {
  ASSERT_OK(Create(Dispute()));
  EXPECT_THAT(Get("clinics/south/courses/k1/problemAreas/row", "south"),
              StatusIs(absl::StatusCode::kNotFound));
  pb::ListProblemAreasRequest request;
  request.set_parent("clinics/south/courses/k1");
  ASSERT_OK_AND_ASSIGN(const auto all, areas_.ListProblemAreas(ReadCall("south"), request));
  EXPECT_THAT(all.problem_areas(), IsEmpty());
}

TEST_P(ProblemAreaHandlerTest, ReadsGoOnWhileSchedulingIsAway) {
  ASSERT_OK(Create(FullDispute()));
  SchedulingIsAway();
  ASSERT_OK_AND_ASSIGN(pb::ProblemArea area, Get());
  EXPECT_FALSE(area.scheduling().current());
  EXPECT_EQ(area.scheduling().as_of_time().seconds(), absl::ToUnixSeconds(now_ - absl::Hours(1)));
  EXPECT_EQ(area.present_criteria(), 1);
  EXPECT_THAT(Listed(), SizeIs(1));
  const auto away = StatusIs(absl::StatusCode::kUnavailable);
  EXPECT_THAT(Create(Dispute(), "another"), away);
  EXPECT_THAT(Update(Dispute()), away);
  EXPECT_THAT(Delete(), away);
  NothingIsKnown();
  ASSERT_OK_AND_ASSIGN(area, Get());
  EXPECT_FALSE(area.scheduling().has_as_of_time());
  EXPECT_EQ(area.present_criteria(), 1);
  EXPECT_THAT(Codes(area), Not(Contains(pb::WARNING_CODE_KIND_NOT_IN_PROTOCOL)));
}

TEST_P(ProblemAreaHandlerTest, ThereAreNoneOfACourseThatIsNone) {
  ASSERT_OK(Create(Dispute()));
  CourseIsAbsent();
  const auto absent = FailsWith(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND");
  EXPECT_THAT(Get(), absent);
  pb::ListProblemAreasRequest request;
  request.set_parent(kCourse);
  EXPECT_THAT(areas_.ListProblemAreas(ReadCall(), request), absent);
  EXPECT_THAT(Create(Dispute(), "another"), absent);
  EXPECT_THAT(Update(Dispute()), absent);
  EXPECT_THAT(Delete(), absent);
}

TEST_P(ProblemAreaHandlerTest, WritesToClosedCoursesToo) {
  courses_.answer.course->state = courses::CopiedCourseState::kCompleted;
  EXPECT_THAT(Create(Dispute()), IsOk());
}

IPT_INSTANTIATE_ON_BOTH_ENGINES(ProblemAreaHandlerTest);

}  // namespace
}  // namespace ipt::formulation
