#include "formulation/rpc/formulation_handler.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "platform/errors/error.h"
#include "platform/rpc/proto_time.h"
#include "tests/formulation/rpc/formulated_course.h"

namespace ipt::formulation {
namespace {

using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ipt::testing::StatusIs;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

class FormulationHandlerTest : public FormulatedCourseTest {
 protected:
  absl::StatusOr<pb::FormulationRevision> Revision(const std::string& id,
                                                   const std::string& clinic = "north") {
    pb::GetFormulationRevisionRequest request;
    request.set_name(absl::StrCat("clinics/", clinic, "/courses/k1/formulation/revisions/", id));
    return formulations_.GetFormulationRevision(ReadCall(clinic), request);
  }
  // The last parts of the names of revisions, page by page.
  std::vector<std::string> Listed(int page_size,
                                  const std::vector<pb::RevisionState>& states = {}) {
    pb::ListFormulationRevisionsRequest request;
    request.set_parent(course_name_);
    request.set_page_size(page_size);
    for (const auto state : states) request.add_states(state);
    std::vector<std::string> ids;
    do {
      const auto page = formulations_.ListFormulationRevisions(ReadCall(), request);
      EXPECT_OK(page);
      if (!page.ok()) break;
      EXPECT_LE(page->revisions_size(), page_size == 0 ? 10 : page_size);
      for (const auto& revision : page->revisions()) {
        ids.push_back(revision.name().substr(revision.name().rfind('/') + 1));
      }
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return ids;
  }
  absl::StatusOr<pb::DiffFormulationRevisionsResponse> Diff(const std::string& from,
                                                            const std::string& to) {
    pb::DiffFormulationRevisionsRequest request;
    request.set_from_revision(Name("formulation/revisions/" + from));
    request.set_to_revision(Name("formulation/revisions/" + to));
    return formulations_.DiffFormulationRevisions(ReadCall(), request);
  }
  static std::vector<std::string> Paths(const pb::DiffFormulationRevisionsResponse& diff) {
    std::vector<std::string> paths;
    for (const pb::FieldChange& change : diff.changes()) paths.push_back(change.path());
    return paths;
  }
  absl::StatusOr<pb::PatientCopy> Copy(int number = 0, const std::string& clinic = "north") {
    pb::GetPatientCopyRequest request;
    request.set_course(absl::StrCat("clinics/", clinic, "/courses/k1"));
    request.set_number(number);
    return formulations_.GetPatientCopy(ReadCall(clinic), request);
  }
  static pb::ListCourseFocusesRequest FocusRequest(const std::string& clinic = "north") {
    pb::ListCourseFocusesRequest request;
    request.set_parent("clinics/" + clinic);
    return request;
  }
  std::vector<std::string> CoursesOf(pb::ListCourseFocusesRequest request) {
    std::vector<std::string> courses;
    do {
      const auto page = formulations_.ListCourseFocuses(ReadCall(), request);
      EXPECT_OK(page);
      if (!page.ok()) break;
      for (const auto& focus : page->course_focuses()) courses.push_back(focus.course());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return courses;
  }
  void ChangeGoalWords(const std::string& id, const std::string& words) {
    pb::UpdateGoalRequest request;
    request.mutable_goal()->set_name(Name("goals/" + id));
    request.mutable_goal()->set_description(words);
    ASSERT_OK(goals_.UpdateGoal(WriteCall(request), request));
  }
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(FormulationHandlerTest);

// ----------------------------------------------------------------------------------------- drafts

TEST_P(FormulationHandlerTest, ACourseWithoutOneSaysSo) {
  const pb::Formulation none = Present();
  EXPECT_EQ(none.name(), "clinics/north/courses/k1/formulation");
  EXPECT_EQ(none.state(), pb::FORMULATION_STATE_NONE);
  EXPECT_FALSE(none.has_current());
  EXPECT_FALSE(none.has_pending());
  EXPECT_EQ(none.revision(), 0);
  EXPECT_FALSE(none.has_update_time());
  EXPECT_EQ(none.max_focus_areas(), 2);
  EXPECT_EQ(none.protocol(),
            absl::StrCat("clinics/north/protocols/", protocols_.For("ipt-uk-16", {}).protocol->id));
  EXPECT_TRUE(none.scheduling().current());
  EXPECT_TRUE(none.scheduling().has_as_of_time());
}

TEST_P(FormulationHandlerTest, ADraftIsSavedAgainWithItsEtag) {
  pb::FormulationContent content;
  content.set_patient_narrative("So far.");
  ASSERT_OK_AND_ASSIGN(const auto first, Save(SaveRequest(content, "")));
  const pb::FormulationRevision& begun = first.saved();
  EXPECT_EQ(begun.name(), Name("formulation/revisions/draft"));
  EXPECT_EQ(begun.number(), 0);
  EXPECT_EQ(begun.state(), pb::REVISION_STATE_DRAFT);
  EXPECT_EQ(begun.caller(), "tester");
  EXPECT_FALSE(begun.has_snapshot());
  EXPECT_FALSE(begun.content().has_contract());
  EXPECT_THAT(begun.open_points(), Not(IsEmpty()));
  EXPECT_THAT(begun.changes(), SizeIs(1));
  EXPECT_EQ(first.revision(), begun.revision());
  EXPECT_GT(first.revision(), 0);
  EXPECT_TRUE(begun.scheduling().current());
  EXPECT_EQ(Present().state(), pb::FORMULATION_STATE_DRAFT);

  pb::FormulationContent more;
  more.mutable_contract()->set_sessions(16);
  more.set_clinical_narrative("It is not named by the mask.");
  ASSERT_OK_AND_ASSIGN(const auto second,
                       Save(SaveRequest(more, begun.etag(), {"contract.sessions"})));
  EXPECT_EQ(second.saved().content().patient_narrative(), "So far.");
  EXPECT_EQ(second.saved().content().contract().sessions(), 16);
  EXPECT_EQ(second.saved().content().clinical_narrative(), "");
  EXPECT_NE(second.saved().etag(), begun.etag());
  // Saves are none of its history.
  EXPECT_THAT(second.saved().changes(), SizeIs(1));

  ASSERT_OK_AND_ASSIGN(const auto third,
                       Save(SaveRequest(Complete(), second.saved().etag(), {"*"})));
  EXPECT_FALSE(third.saved().content().has_contract());
  EXPECT_EQ(third.saved().content().SerializeAsString(), Complete().SerializeAsString());
  EXPECT_THAT(third.saved().open_points(), IsEmpty());
  EXPECT_EQ(Present().pending().SerializeAsString(), third.saved().SerializeAsString());
}

TEST_P(FormulationHandlerTest, ASaveThatChangesNothingIsAWriteOfTheSameDraft) {
  ASSERT_OK_AND_ASSIGN(const auto first, Save(Complete()));
  ASSERT_OK_AND_ASSIGN(const auto second, Save(Complete()));
  EXPECT_EQ(second.saved().SerializeAsString(), first.saved().SerializeAsString());
  EXPECT_GT(second.revision(), first.revision());
  auto tried = SaveRequest(Complete(), second.saved().etag());
  tried.set_validate_only(true);
  EXPECT_EQ(Save(tried)->revision(), 0);
}

TEST_P(FormulationHandlerTest, ASaveIsInTheAuditOfTheFormulation) {
  const std::string of_it = "audit_entries WHERE resource = 'clinics/north/courses/k1/formulation'";
  ASSERT_OK(Save(Complete()));
  EXPECT_EQ(Count(of_it), 1);
  auto stale = SaveRequest(Complete(), "");
  stale.set_on_conflict(pb::CONFLICT_HANDLING_RETURN_BOTH);
  ASSERT_OK(Save(stale));
  EXPECT_EQ(Count(of_it), 1);
}

TEST_P(FormulationHandlerTest, LinksAreGivenIds) {
  pb::FormulationContent content;
  content.add_links()->set_symptom_text("Sleepless.");
  ASSERT_OK_AND_ASSIGN(const auto saved, Save(content));
  const std::string id = saved.saved().content().links(0).id();
  EXPECT_NE(id, "");
  EXPECT_EQ(Present().pending().content().links(0).id(), id);
}

TEST_P(FormulationHandlerTest, OfTwoEditorsTheSecondIsToldOfTheFirst) {
  ASSERT_OK_AND_ASSIGN(const auto begun, Save(Complete()));
  const std::string base = begun.saved().etag();
  pb::FormulationContent first;
  first.set_patient_narrative("As the first one has it.");
  first.set_clinical_narrative("Only the first one says this.");
  ASSERT_OK_AND_ASSIGN(const auto theirs, Save(SaveRequest(first, base)));

  pb::FormulationContent second;
  second.set_patient_narrative("As the second one has it.");
  auto request = SaveRequest(second, base);
  const auto refused = Save(request);
  EXPECT_THAT(refused, FailsWith(kAborted, "ETAG_MISMATCH"));
  EXPECT_THAT(ErrorMetadataOf(refused.status()),
              AllOf(Contains(Pair("etag", theirs.saved().etag())),
                    Contains(Pair("resource", Name("formulation/revisions/draft")))));

  request.set_on_conflict(pb::CONFLICT_HANDLING_RETURN_BOTH);
  const CallContext ctx = WriteCall(request);
  ASSERT_OK_AND_ASSIGN(const auto both, formulations_.SaveFormulationDraft(ctx, request));
  ASSERT_TRUE(both.has_conflict());
  EXPECT_EQ(both.revision(), 0);
  const pb::FormulationConflict& conflict = both.conflict();
  EXPECT_EQ(conflict.base_etag(), base);
  EXPECT_EQ(conflict.theirs().SerializeAsString(), theirs.saved().SerializeAsString());
  EXPECT_EQ(conflict.mine().patient_narrative(), "As the second one has it.");
  EXPECT_EQ(conflict.mine().clinical_narrative(), "Only the first one says this.");
  EXPECT_THAT(conflict.mine().links(), SizeIs(1));
  ASSERT_THAT(conflict.differences(), SizeIs(1));
  EXPECT_EQ(conflict.differences(0).path(), "patient_narrative");
  EXPECT_EQ(conflict.differences(0).kind(), pb::FIELD_CHANGE_KIND_CHANGED);
  EXPECT_EQ(conflict.differences(0).before(), "As the first one has it.");
  EXPECT_EQ(conflict.differences(0).after(), "As the second one has it.");
  EXPECT_EQ(Present().pending().SerializeAsString(), theirs.saved().SerializeAsString());

  ASSERT_OK_AND_ASSIGN(const auto chosen, Save(SaveRequest(second, conflict.theirs().etag())));
  EXPECT_TRUE(chosen.has_saved());
  // The answer of then is kept.
  ASSERT_OK_AND_ASSIGN(const auto again, formulations_.SaveFormulationDraft(ctx, request));
  EXPECT_EQ(again.SerializeAsString(), both.SerializeAsString());
}

TEST_P(FormulationHandlerTest, ASaveWithoutEtagOrWithOneOfNoDraftIsStale) {
  EXPECT_THAT(Save(SaveRequest(Complete(), "\"7\"")), FailsWith(kAborted, "ETAG_MISMATCH"));
  ASSERT_OK_AND_ASSIGN(const auto saved, Save(Complete()));
  EXPECT_THAT(Save(SaveRequest(Complete(), "")), FailsWith(kAborted, "ETAG_MISMATCH"));
  EXPECT_THAT(Save(SaveRequest(Complete(), "nonsense")), FailsWith(kAborted, "ETAG_MISMATCH"));
  ASSERT_OK(Discard());
  auto request = SaveRequest(Complete(), saved.saved().etag());
  request.set_on_conflict(pb::CONFLICT_HANDLING_RETURN_BOTH);
  EXPECT_THAT(Save(request), FailsWith(kAborted, "ETAG_MISMATCH"));
}

TEST_P(FormulationHandlerTest, NamesAndNumbersThatCannotBeAreFieldErrors) {
  pb::FormulationContent content = Complete();
  content.mutable_focus(0)->set_problem_area("clinics/north/courses/k2/problemAreas/row");
  content.mutable_links(0)->set_life_event("clinics/north/courses/k2/lifeEvents/quarrel");
  content.mutable_links(0)->add_goals("clinics/north/courses/k2/goals/g-row");
  content.mutable_contract()->mutable_end_date()->set_year(2026);
  EXPECT_THAT(Save(content),
              HasBadFields("content.focus[0].problem_area", "content.links[0].life_event",
                           "content.links[0].goals[1]", "content.contract.end_date"));

  content = Complete();
  content.mutable_focus(0)->set_problem_area(Name("problemAreas/none"));
  content.mutable_links(0)->set_symptom_event(Name("lifeEvents/quarrel"));
  content.mutable_contract()->set_sessions(101);
  EXPECT_THAT(Save(content),
              HasBadFields("content.focus[0].problem_area", "content.links[0].symptom_event",
                           "content.contract.sessions"));
  EXPECT_THAT(Save(Complete(), {"focus.reason", "nothing"}),
              HasBadFields("update_mask.paths[0]", "update_mask.paths[1]"));
  EXPECT_EQ(Present().state(), pb::FORMULATION_STATE_NONE);
}

TEST_P(FormulationHandlerTest, AThirdFocusIsRefused) {
  pb::FormulationContent content = Complete();
  content.add_focus()->set_problem_area(Name("problemAreas/mourning"));
  content.add_focus()->set_problem_area(Name("problemAreas/alone"));
  EXPECT_THAT(Save(content), HasBadFields("content.focus"));
}

TEST_P(FormulationHandlerTest, ADraftIsThrownAwayButNotAProposal) {
  ASSERT_OK(Save(Complete()));
  ASSERT_OK(Propose());
  EXPECT_THAT(Discard(), FailsWith(kPrecondition, "FORMULATION_STATE"));
  ASSERT_OK(Withdraw());
  ASSERT_OK_AND_ASSIGN(const pb::Formulation none, Discard());
  EXPECT_EQ(none.state(), pb::FORMULATION_STATE_NONE);
  EXPECT_GT(none.revision(), 0);
  EXPECT_THAT(Revision("draft"), StatusIs(kAbsent));
  EXPECT_THAT(Discard(), FailsWith(kPrecondition, "FORMULATION_STATE"));
  // Its number is never given again.
  ASSERT_OK(Save(Complete()));
  ASSERT_OK_AND_ASSIGN(const pb::Formulation proposed, Propose());
  EXPECT_EQ(proposed.pending().number(), 2);
}

// ------------------------------------------------------------------------------------- proposing

TEST_P(FormulationHandlerTest, AProposalNeedsEveryOpenPointClosed) {
  EXPECT_THAT(Propose(), FailsWith(kPrecondition, "FORMULATION_STATE"));
  pb::FormulationContent content;
  content.set_clinical_narrative("No more than this.");
  ASSERT_OK_AND_ASSIGN(const auto saved, Save(content));
  const auto refused = Propose();
  EXPECT_THAT(refused, FailsWith(kPrecondition, "FORMULATION_INCOMPLETE"));
  EXPECT_THAT(ErrorMetadataOf(refused.status()), Contains(Pair("open_points", "3")));
  std::vector<std::string> named;
  for (const auto& violation : PreconditionViolationsOf(refused.status())) {
    named.push_back(absl::StrCat(violation.reason, " ", violation.subject));
  }
  EXPECT_THAT(named, ElementsAre("NO_PATIENT_NARRATIVE patient_narrative", "NO_FOCUS focus",
                                 "NO_LINK links"));
  std::vector<std::string> shown;
  for (const pb::OpenPoint& point : saved.saved().open_points()) {
    shown.push_back(absl::StrCat(
        pb::OpenPointCode_Name(point.code()).substr(std::string("OPEN_POINT_CODE_").size()), " ",
        point.field()));
  }
  EXPECT_EQ(shown, named);
  EXPECT_EQ(Present().state(), pb::FORMULATION_STATE_DRAFT);
}

TEST_P(FormulationHandlerTest, ASecondFocusNeedsItsReason) {
  pb::FormulationContent content = Complete();
  content.add_focus()->set_problem_area(Name("problemAreas/mourning"));
  content.add_goals(Name("goals/g-mourning"));
  ASSERT_OK_AND_ASSIGN(const auto saved, Save(content));
  ASSERT_THAT(saved.saved().open_points(), SizeIs(1));
  EXPECT_EQ(saved.saved().open_points(0).code(), pb::OPEN_POINT_CODE_SECOND_FOCUS_WITHOUT_REASON);
  EXPECT_EQ(saved.saved().open_points(0).field(), "focus[1].reason");
  EXPECT_EQ(saved.saved().open_points(0).subject(), Name("problemAreas/mourning"));
  EXPECT_THAT(Propose(), FailsWith(kPrecondition, "FORMULATION_INCOMPLETE"));
  content.mutable_focus(1)->set_reason("The loss came first.");
  ASSERT_OK(Save(content));
  ASSERT_OK_AND_ASSIGN(const pb::Formulation proposed, Propose());
  ASSERT_THAT(proposed.pending().snapshot().problem_areas(), SizeIs(2));
  EXPECT_EQ(proposed.pending().snapshot().problem_areas(1).position(),
            pb::FOCUS_POSITION_SECONDARY);
}

TEST_P(FormulationHandlerTest, AProposalReadsAsItDidAndDoesNotChange) {
  ASSERT_OK(Save(Complete()));
  NewEvents();
  ASSERT_OK_AND_ASSIGN(const pb::Formulation proposed, Propose());
  EXPECT_THAT(NewEvents(), ElementsAre("FORMULATION_PROPOSED"));
  EXPECT_EQ(proposed.state(), pb::FORMULATION_STATE_PROPOSED);
  const pb::FormulationRevision& pending = proposed.pending();
  EXPECT_EQ(pending.name(), Name("formulation/revisions/1"));
  EXPECT_EQ(pending.number(), 1);
  EXPECT_EQ(pending.state(), pb::REVISION_STATE_PROPOSED);
  EXPECT_EQ(pending.revision(), proposed.revision());
  const pb::FormulationSnapshot& snapshot = pending.snapshot();
  ASSERT_THAT(snapshot.problem_areas(), SizeIs(1));
  EXPECT_EQ(snapshot.problem_areas(0).problem_area(), Name("problemAreas/row"));
  EXPECT_EQ(snapshot.problem_areas(0).position(), pb::FOCUS_POSITION_PRIMARY);
  EXPECT_EQ(snapshot.problem_areas(0).kind(), pb::PROBLEM_AREA_KIND_ROLE_DISPUTE);
  EXPECT_EQ(snapshot.problem_areas(0).display_name(), "My row");
  ASSERT_THAT(snapshot.goals(), SizeIs(1));
  EXPECT_EQ(snapshot.goals(0).description(), "To reach g-row");
  ASSERT_THAT(snapshot.life_events(), SizeIs(2));
  EXPECT_EQ(snapshot.life_events(0).life_event(), Name("lifeEvents/fall"));
  EXPECT_EQ(snapshot.life_events(0).start_date().date().month(), 10);
  EXPECT_THAT(Save(Complete()), FailsWith(kPrecondition, "FORMULATION_STATE"));

  ChangeGoalWords("g-row", "To reach something else");
  ASSERT_OK_AND_ASSIGN(const pb::FormulationRevision later, Revision("1"));
  EXPECT_EQ(later.snapshot().SerializeAsString(), snapshot.SerializeAsString());
  std::set<std::pair<int, std::string>> warnings;
  for (const pb::Warning& warning : later.warnings()) {
    warnings.insert({warning.code(), warning.subject()});
  }
  EXPECT_THAT(warnings, Contains(Pair(pb::WARNING_CODE_CHANGED_SINCE, Name("goals/g-row"))));
}

TEST_P(FormulationHandlerTest, AProposalIsTakenBackAndKeepsItsNumber) {
  ASSERT_OK(Save(Complete()));
  EXPECT_THAT(Withdraw(), FailsWith(kPrecondition, "FORMULATION_STATE"));
  ASSERT_OK(Propose());
  EXPECT_THAT(Withdraw(std::string(257, 'x')), HasBadFields("reason"));
  ASSERT_OK_AND_ASSIGN(const pb::Formulation withdrawn, Withdraw("They want to think."));
  EXPECT_EQ(withdrawn.state(), pb::FORMULATION_STATE_DRAFT);
  EXPECT_EQ(withdrawn.pending().number(), 1);
  EXPECT_FALSE(withdrawn.pending().has_snapshot());
  ASSERT_THAT(withdrawn.pending().changes(), SizeIs(3));
  EXPECT_EQ(withdrawn.pending().changes(2).kind(), pb::REVISION_CHANGE_KIND_WITHDRAWN);
  EXPECT_EQ(withdrawn.pending().changes(2).reason(), "They want to think.");
  EXPECT_EQ(withdrawn.pending().changes(2).caller(), "tester");
  EXPECT_EQ(Revision("1")->SerializeAsString(), Revision("draft")->SerializeAsString());
  ASSERT_OK_AND_ASSIGN(const pb::Formulation again, Propose());
  EXPECT_EQ(again.pending().number(), 1);
}

// -------------------------------------------------------------------------------------- agreeing

TEST_P(FormulationHandlerTest, WhatIsAgreedIsCurrentAndItsGoalsAreActive) {
  ASSERT_OK(Save(Complete()));
  EXPECT_THAT(Agree(AgreeRequest(DayOfSession(4))), FailsWith(kPrecondition, "FORMULATION_STATE"));
  ASSERT_OK(Propose());
  pb::AgreeFormulationRequest request = AgreeRequest(DayOfSession(4));
  request.set_mode(pb::AGREEMENT_MODE_IN_SESSION);
  request.set_session(Name("sessions/s4"));
  NewEvents();
  ASSERT_OK_AND_ASSIGN(const pb::Formulation agreed, Agree(request));
  EXPECT_THAT(NewEvents(), ElementsAre("GOAL_CHANGED", "FORMULATION_AGREED"));
  EXPECT_EQ(agreed.state(), pb::FORMULATION_STATE_AGREED);
  EXPECT_FALSE(agreed.has_pending());
  EXPECT_EQ(agreed.agreed_revisions(), 1);
  const pb::FormulationRevision& current = agreed.current();
  EXPECT_EQ(current.state(), pb::REVISION_STATE_AGREED);
  EXPECT_EQ(current.agreement().agreed_on().day(), DayOfSession(4).day());
  EXPECT_EQ(current.agreement().agreed_by(), pb::AGREEMENT_PARTY_PATIENT);
  EXPECT_EQ(current.agreement().mode(), pb::AGREEMENT_MODE_IN_SESSION);
  EXPECT_EQ(current.agreement().session(), Name("sessions/s4"));
  EXPECT_EQ(current.agreement().session_number(), 4);
  EXPECT_EQ(current.agreement().caller(), "tester");
  EXPECT_TRUE(current.agreement().has_record_time());
  ASSERT_OK_AND_ASSIGN(const pb::Goal named, GetGoal("g-row"));
  EXPECT_EQ(named.state(), pb::GOAL_STATE_ACTIVE);
  EXPECT_TRUE(named.in_current_formulation());
  ASSERT_OK_AND_ASSIGN(const pb::Goal other, GetGoal("g-alone"));
  EXPECT_EQ(other.state(), pb::GOAL_STATE_PROPOSED);
  EXPECT_FALSE(other.in_current_formulation());
  EXPECT_EQ(Present().SerializeAsString(), agreed.SerializeAsString());
}

TEST_P(FormulationHandlerTest, TheDayOfAgreeingIsOneOfTheCoursesZone) {
  ASSERT_OK(Save(Complete()));
  ASSERT_OK(Propose());
  const absl::CivilDay today = DayOfSession(8) + 1;
  EXPECT_THAT(Agree(AgreeRequest(today + 1)), HasBadFields("agreed_on"));
  auto no_day = AgreeRequest(today);
  no_day.mutable_agreed_on()->set_day(0);
  EXPECT_THAT(Agree(no_day), HasBadFields("agreed_on"));
  // Ten in the morning in London is midnight there.
  courses_.answer.course->time_zone = "Pacific/Kiritimati";
  EXPECT_THAT(Agree(AgreeRequest(today + 2)), HasBadFields("agreed_on"));
  ASSERT_OK(Agree(AgreeRequest(today + 1)));

  ASSERT_OK(Revise(ReviseRequest()));
  ASSERT_OK(Propose());
  EXPECT_THAT(Agree(AgreeRequest(today)), HasBadFields("agreed_on"));
  ASSERT_OK(Agree(AgreeRequest(today + 1)));
}

TEST_P(FormulationHandlerTest, TheSessionOfAgreeingWasHeld) {
  ASSERT_OK(Save(Complete()));
  ASSERT_OK(Propose());
  pb::AgreeFormulationRequest request = AgreeRequest(DayOfSession(4));
  request.set_session(Name("sessions/s4"));
  EXPECT_THAT(Agree(request), HasBadFields("session"));
  request.set_mode(pb::AGREEMENT_MODE_IN_SESSION);
  request.set_session(Name("sessions/s9"));
  EXPECT_THAT(Agree(request), FailsWith(kPrecondition, "SESSION_NOT_HELD"));
  request.set_session(Name("sessions/s99"));
  EXPECT_THAT(Agree(request), FailsWith(kAbsent, "RESOURCE_NOT_FOUND"));
  request.set_session("clinics/north/courses/k2/sessions/s4");
  EXPECT_THAT(Agree(request), HasBadFields("session"));
  request.clear_session();
  ASSERT_OK(Agree(request));
}

TEST_P(FormulationHandlerTest, ThatASessionWasNotHeldIsAskedOfSchedulingAgain) {
  ASSERT_OK(Save(Complete()));
  ASSERT_OK(Propose());
  pb::AgreeFormulationRequest request = AgreeRequest(DayOfSession(8));
  request.set_mode(pb::AGREEMENT_MODE_IN_SESSION);
  request.set_session(Name("sessions/s8"));
  const courses::CourseAnswer corrected = courses_.answer;
  courses_.answer.course->sessions[7].state = courses::CopiedSessionState::kNoShow;
  EXPECT_THAT(Agree(request), FailsWith(kPrecondition, "SESSION_NOT_HELD"));
  courses_.when_asked = corrected;
  ASSERT_OK_AND_ASSIGN(const pb::Formulation agreed, Agree(request));
  EXPECT_EQ(agreed.current().agreement().session_number(), 8);
}

TEST_P(FormulationHandlerTest, OnlyWhatTheCallerSawIsProposedAgreedAndRevised) {
  ASSERT_OK(Save(Complete()));
  auto propose = ProposeRequest();
  ASSERT_OK(Save(Complete("mourning")));
  EXPECT_THAT(formulations_.ProposeFormulation(WriteCall(propose), propose),
              FailsWith(kAborted, "ETAG_MISMATCH"));
  ASSERT_OK(Propose());
  auto agree = AgreeRequest(DayOfSession(4));
  ASSERT_OK(Withdraw());
  ASSERT_OK(Propose());
  EXPECT_THAT(Agree(agree), FailsWith(kAborted, "ETAG_MISMATCH"));
  ASSERT_OK(Agree(AgreeRequest(DayOfSession(4))));
  auto revise = ReviseRequest();
  revise.set_etag(agree.etag());
  EXPECT_THAT(Revise(revise), FailsWith(kAborted, "ETAG_MISMATCH"));
}

// -------------------------------------------------------------------------------------- revising

TEST_P(FormulationHandlerTest, ARevisionNeedsItsReasonAndHoldsNothingUntilAgreed) {
  EXPECT_THAT(Revise(ReviseRequest()), FailsWith(kPrecondition, "FORMULATION_STATE"));
  AgreeOn(Complete());
  EXPECT_THAT(Save(Complete()), FailsWith(kPrecondition, "FORMULATION_STATE"));
  EXPECT_THAT(Revise(ReviseRequest(pb::REVISION_REASON_UNSPECIFIED)), HasBadFields("reason"));
  EXPECT_THAT(Revise(ReviseRequest(pb::REVISION_REASON_OTHER, " ")), HasBadFields("reason_text"));
  ASSERT_OK_AND_ASSIGN(
      const pb::Formulation revised,
      Revise(ReviseRequest(pb::REVISION_REASON_OTHER, "Dad died in the fifth week.")));
  EXPECT_EQ(revised.state(), pb::FORMULATION_STATE_AGREED);
  EXPECT_EQ(revised.current().number(), 1);
  EXPECT_EQ(revised.pending().number(), 0);
  EXPECT_EQ(revised.pending().based_on(), 1);
  EXPECT_EQ(revised.pending().reason(), pb::REVISION_REASON_OTHER);
  EXPECT_EQ(revised.pending().reason_text(), "Dad died in the fifth week.");
  EXPECT_EQ(revised.pending().content().SerializeAsString(),
            revised.current().content().SerializeAsString());
  EXPECT_FALSE(revised.pending_differs());
  EXPECT_THAT(Revise(ReviseRequest()), FailsWith(kPrecondition, "FORMULATION_STATE"));
  ASSERT_OK(Save(Complete("mourning"), {"*"}));
  EXPECT_TRUE(Present().pending_differs());
}

TEST_P(FormulationHandlerTest, WhatWasAgreedNeverChangesAndExactlyOneIsCurrent) {
  AgreeOn(Complete());
  ASSERT_OK_AND_ASSIGN(const pb::FormulationRevision first, Revision("1"));
  AgreeOn(Complete("mourning"), DayOfSession(5));
  ChangeGoalWords("g-row", "To reach something else");
  AgreeOn(Complete("alone"), DayOfSession(6));
  ASSERT_OK_AND_ASSIGN(pb::FormulationRevision later, Revision("1"));
  EXPECT_EQ(later.state(), pb::REVISION_STATE_SUPERSEDED);
  EXPECT_EQ(later.content().SerializeAsString(), first.content().SerializeAsString());
  EXPECT_EQ(later.snapshot().SerializeAsString(), first.snapshot().SerializeAsString());
  EXPECT_EQ(later.agreement().SerializeAsString(), first.agreement().SerializeAsString());
  EXPECT_EQ(later.changes(later.changes_size() - 1).kind(), pb::REVISION_CHANGE_KIND_SUPERSEDED);
  EXPECT_THAT(Listed(0, {pb::REVISION_STATE_AGREED}), ElementsAre("3"));
  EXPECT_THAT(Listed(0, {pb::REVISION_STATE_SUPERSEDED}), ElementsAre("2", "1"));
  const pb::Formulation present = Present();
  EXPECT_EQ(present.current().number(), 3);
  EXPECT_EQ(present.agreed_revisions(), 3);
}

// --------------------------------------------------------------------------------------- reading

TEST_P(FormulationHandlerTest, RevisionsAreListedTheNewestFirstPageByPage) {
  EXPECT_THAT(Listed(0), IsEmpty());
  AgreeOn(Complete());
  AgreeOn(Complete(), DayOfSession(5));
  AgreeOn(Complete(), DayOfSession(6));
  ASSERT_OK(Revise(ReviseRequest()));
  for (const int page_size : {0, 1, 2, 3, 4, 20}) {
    EXPECT_THAT(Listed(page_size), ElementsAre("draft", "3", "2", "1")) << page_size;
  }
  EXPECT_THAT(Listed(1, {pb::REVISION_STATE_DRAFT, pb::REVISION_STATE_SUPERSEDED}),
              ElementsAre("draft", "2", "1"));
  ASSERT_OK(Propose());
  EXPECT_THAT(Listed(1), ElementsAre("4", "3", "2", "1"));

  pb::ListFormulationRevisionsRequest request;
  request.set_parent(course_name_);
  request.add_states(pb::REVISION_STATE_UNSPECIFIED);
  EXPECT_THAT(formulations_.ListFormulationRevisions(ReadCall(), request),
              HasBadFields("states[0]"));
  request.clear_states();
  request.set_page_token("bm9uZQ");
  EXPECT_THAT(formulations_.ListFormulationRevisions(ReadCall(), request),
              HasBadFields("page_token"));
}

TEST_P(FormulationHandlerTest, ARevisionThatIsAgreedBetweenTwoPagesComesOnce) {
  AgreeOn(Complete());
  pb::ListFormulationRevisionsRequest request;
  request.set_parent(course_name_);
  request.set_page_size(1);
  for (const bool proposed : {false, true}) {
    ASSERT_OK(Revise(ReviseRequest()));
    if (proposed) {
      ASSERT_OK(Propose());
    }
    request.clear_page_token();
    ASSERT_OK_AND_ASSIGN(const auto first,
                         formulations_.ListFormulationRevisions(ReadCall(), request));
    ASSERT_THAT(first.revisions(), SizeIs(1));
    EXPECT_NE(first.revisions(0).state(), pb::REVISION_STATE_AGREED);
    if (!proposed) {
      ASSERT_OK(Propose());
    }
    const int before = Present().current().number();
    ASSERT_OK(Agree(AgreeRequest(DayOfSession(5))));
    request.set_page_token(first.next_page_token());
    ASSERT_OK_AND_ASSIGN(const auto second,
                         formulations_.ListFormulationRevisions(ReadCall(), request));
    ASSERT_THAT(second.revisions(), SizeIs(1));
    EXPECT_EQ(second.revisions(0).number(), before);
  }
}

TEST_P(FormulationHandlerTest, APageHoldsTenRevisionsAndTwentyAtMost) {
  for (int i = 0; i < 21; ++i) AgreeOn(Complete());
  pb::ListFormulationRevisionsRequest request;
  request.set_parent(course_name_);
  EXPECT_THAT(formulations_.ListFormulationRevisions(ReadCall(), request)->revisions(), SizeIs(10));
  request.set_page_size(500);
  EXPECT_THAT(formulations_.ListFormulationRevisions(ReadCall(), request)->revisions(), SizeIs(20));
}

TEST_P(FormulationHandlerTest, ARevisionIsReadByItsNumberOrAsTheDraft) {
  AgreeOn(Complete());
  EXPECT_THAT(Revision("draft"), FailsWith(kAbsent, "RESOURCE_NOT_FOUND"));
  ASSERT_OK(Revise(ReviseRequest()));
  ASSERT_OK_AND_ASSIGN(const pb::FormulationRevision first, Revision("1"));
  EXPECT_EQ(first.name(), "clinics/north/courses/k1/formulation/revisions/1");
  EXPECT_EQ(first.SerializeAsString(), Present().current().SerializeAsString());
  ASSERT_OK_AND_ASSIGN(const pb::FormulationRevision draft, Revision("draft"));
  EXPECT_EQ(draft.name(), "clinics/north/courses/k1/formulation/revisions/draft");
  ASSERT_OK(Propose());
  ASSERT_OK_AND_ASSIGN(const pb::FormulationRevision proposed, Revision("draft"));
  EXPECT_EQ(proposed.name(), "clinics/north/courses/k1/formulation/revisions/2");
  EXPECT_EQ(proposed.SerializeAsString(), Revision("2")->SerializeAsString());
  for (const char* id : {"0", "01", "3", "current", "99999999999"}) {
    EXPECT_THAT(Revision(id), FailsWith(kAbsent, "RESOURCE_NOT_FOUND")) << id;
  }
}

TEST_P(FormulationHandlerTest, AnyTwoRevisionsAreCompared) {
  AgreeOn(Complete());
  pb::FormulationContent content = Complete();
  content.set_patient_narrative("You fell ill when Dad died.");
  content.mutable_contract()->set_sessions(16);
  AgreeOn(content, DayOfSession(5));
  ASSERT_OK_AND_ASSIGN(const auto forth, Diff("1", "2"));
  EXPECT_THAT(Paths(forth), ElementsAre("patient_narrative", "contract.sessions"));
  EXPECT_EQ(forth.changes(0).kind(), pb::FIELD_CHANGE_KIND_CHANGED);
  EXPECT_EQ(forth.changes(0).after(), "You fell ill when Dad died.");
  EXPECT_EQ(forth.changes(1).kind(), pb::FIELD_CHANGE_KIND_ADDED);
  EXPECT_EQ(forth.changes(1).after(), "16");
  EXPECT_EQ(forth.from_revision(), Name("formulation/revisions/1"));
  EXPECT_EQ(forth.to_revision(), Name("formulation/revisions/2"));
  ASSERT_OK_AND_ASSIGN(const auto back, Diff("2", "1"));
  EXPECT_EQ(back.changes(1).kind(), pb::FIELD_CHANGE_KIND_REMOVED);
  ASSERT_OK_AND_ASSIGN(const auto none, Diff("2", "2"));
  EXPECT_THAT(none.changes(), IsEmpty());

  ASSERT_OK(Revise(ReviseRequest()));
  ASSERT_OK_AND_ASSIGN(const auto draft, Diff("1", "draft"));
  EXPECT_THAT(Paths(draft), ElementsAre("patient_narrative", "contract.sessions"));
  EXPECT_EQ(draft.to_revision(), Name("formulation/revisions/draft"));
  // What its names stand for now is compared with what they stood for.
  ChangeGoalWords("g-row", "To talk again");
  ASSERT_OK_AND_ASSIGN(const auto words, Diff("2", "draft"));
  EXPECT_THAT(Paths(words), ElementsAre("snapshot.goals[g-row].description"));
  ASSERT_OK(Propose());
  ASSERT_OK_AND_ASSIGN(const auto proposed, Diff("draft", "1"));
  EXPECT_EQ(proposed.from_revision(), Name("formulation/revisions/3"));

  EXPECT_THAT(Diff("1", "9"), FailsWith(kAbsent, "RESOURCE_NOT_FOUND"));
  pb::DiffFormulationRevisionsRequest request;
  request.set_from_revision(Name("formulation/revisions/1"));
  request.set_to_revision("clinics/north/courses/k2/formulation/revisions/1");
  EXPECT_THAT(formulations_.DiffFormulationRevisions(ReadCall(), request),
              HasBadFields("to_revision"));
}

TEST_P(FormulationHandlerTest, ThePatientCopyHasNothingClinicalAndStaysWhatItWas) {
  EXPECT_THAT(Copy(), FailsWith(kAbsent, "RESOURCE_NOT_FOUND"));
  pb::FormulationContent content = Complete();
  content.set_clinical_narrative("CLINICAL narrative");
  content.mutable_focus(0)->set_reason("CLINICAL reason");
  content.mutable_links(0)->set_explanation("CLINICAL explanation");
  content.mutable_links(0)->set_symptom_text("CLINICAL symptom");
  content.mutable_contract()->set_missed_session_policy("We make up for one.");
  ASSERT_OK(Save(content));
  EXPECT_THAT(Copy(), FailsWith(kAbsent, "RESOURCE_NOT_FOUND"));
  EXPECT_THAT(Copy(1), FailsWith(kAbsent, "RESOURCE_NOT_FOUND"));
  ASSERT_OK(Propose());
  EXPECT_THAT(Copy(), FailsWith(kAbsent, "RESOURCE_NOT_FOUND"));
  ASSERT_OK_AND_ASSIGN(const pb::PatientCopy proposed, Copy(1));
  EXPECT_EQ(proposed.state(), pb::REVISION_STATE_PROPOSED);
  EXPECT_FALSE(proposed.has_agreed_on());
  ASSERT_OK(Withdraw());
  EXPECT_THAT(Copy(1), FailsWith(kPrecondition, "FORMULATION_STATE"));
  ASSERT_OK(Propose());
  ASSERT_OK(Agree(AgreeRequest(DayOfSession(4))));

  ASSERT_OK_AND_ASSIGN(const pb::PatientCopy copy, Copy());
  EXPECT_EQ(copy.revision_name(), Name("formulation/revisions/1"));
  EXPECT_EQ(copy.number(), 1);
  EXPECT_EQ(copy.state(), pb::REVISION_STATE_AGREED);
  EXPECT_EQ(copy.agreed_on().month(), DayOfSession(4).month());
  EXPECT_EQ(copy.narrative(), content.patient_narrative());
  ASSERT_THAT(copy.focus(), SizeIs(1));
  EXPECT_EQ(copy.focus(0).position(), pb::FOCUS_POSITION_PRIMARY);
  EXPECT_EQ(copy.focus(0).heading(), Shipped().FindArea("ROLE_DISPUTE")->plain_name);
  EXPECT_EQ(copy.focus(0).display_name(), "My row");
  EXPECT_THAT(copy.focus(0).goals(), ElementsAre("To reach g-row"));
  EXPECT_EQ(copy.contract().missed_session_policy(), "We make up for one.");
  EXPECT_EQ(copy.language(), "en");
  EXPECT_EQ(copy.revision(), Present().current().revision());
  EXPECT_THAT(copy.SerializeAsString(), Not(HasSubstr("CLINICAL")));

  ChangeGoalWords("g-row", "To talk again");
  EXPECT_EQ(Copy()->SerializeAsString(), copy.SerializeAsString());
  AgreeOn(Complete("mourning"), DayOfSession(5));
  EXPECT_EQ(Copy()->number(), 2);
  ASSERT_OK_AND_ASSIGN(const pb::PatientCopy before, Copy(1));
  EXPECT_EQ(before.state(), pb::REVISION_STATE_SUPERSEDED);
  EXPECT_EQ(before.focus(0).goals(0), "To reach g-row");
  EXPECT_THAT(Copy(-1), HasBadFields("number"));
}

TEST_P(FormulationHandlerTest, ThePatientCopyDoesNotNeedScheduling) {
  AgreeOn(Complete());
  ASSERT_OK_AND_ASSIGN(const pb::PatientCopy copy, Copy());
  NothingIsKnown();
  EXPECT_EQ(Copy()->SerializeAsString(), copy.SerializeAsString());
}

TEST_P(FormulationHandlerTest, FocusesOfCoursesAreFilteredAndPaged) {
  pb::FormulationContent two = Complete();
  two.add_focus()->set_problem_area(Name("problemAreas/mourning"));
  two.mutable_focus(1)->set_reason("The loss came first.");
  two.add_goals(Name("goals/g-mourning"));
  AgreeOn(two, DayOfSession(3));
  BeginCourse("k2");
  AgreeOn(Complete("alone"), DayOfSession(4));
  AgreeOn(Complete("mourning"), DayOfSession(5));
  BeginCourse("k3");
  AgreeOn(Complete("alone"), DayOfSession(6));
  BeginCourse("k4");
  ASSERT_OK(Save(Complete()));

  const std::string k1 = "clinics/north/courses/k1";
  const std::string k2 = "clinics/north/courses/k2";
  const std::string k3 = "clinics/north/courses/k3";
  EXPECT_THAT(CoursesOf(FocusRequest()), ElementsAre(k1, k2, k3));
  ASSERT_OK_AND_ASSIGN(const auto all, formulations_.ListCourseFocuses(ReadCall(), FocusRequest()));
  EXPECT_EQ(all.course_focuses(0).primary_kind(), pb::PROBLEM_AREA_KIND_ROLE_DISPUTE);
  EXPECT_EQ(all.course_focuses(0).secondary_kind(), pb::PROBLEM_AREA_KIND_GRIEF);
  const pb::CourseFocus& changed = all.course_focuses(1);
  EXPECT_EQ(changed.primary_kind(), pb::PROBLEM_AREA_KIND_GRIEF);
  EXPECT_EQ(changed.secondary_kind(), pb::PROBLEM_AREA_KIND_UNSPECIFIED);
  EXPECT_EQ(changed.first_primary_kind(), pb::PROBLEM_AREA_KIND_INTERPERSONAL_DEFICITS);
  EXPECT_EQ(changed.revision_number(), 2);
  EXPECT_EQ(changed.agreed_on().day(), DayOfSession(5).day());
  EXPECT_GT(changed.revision(), 0);

  auto request = FocusRequest();
  request.set_page_size(1);
  EXPECT_THAT(CoursesOf(request), ElementsAre(k1, k2, k3));
  request.add_kinds(pb::PROBLEM_AREA_KIND_GRIEF);
  EXPECT_THAT(CoursesOf(request), ElementsAre(k1, k2));
  request.set_primary_only(true);
  EXPECT_THAT(CoursesOf(request), ElementsAre(k2));
  request = FocusRequest();
  rpc::WriteDay(DayOfSession(4), request.mutable_agreed_from());
  EXPECT_THAT(CoursesOf(request), ElementsAre(k2, k3));
  rpc::WriteDay(DayOfSession(5), request.mutable_agreed_to());
  EXPECT_THAT(CoursesOf(request), ElementsAre(k2));
  request.mutable_agreed_to()->set_month(13);
  request.add_kinds(pb::PROBLEM_AREA_KIND_UNSPECIFIED);
  EXPECT_THAT(formulations_.ListCourseFocuses(ReadCall(), request),
              HasBadFields("agreed_to", "kinds[0]"));
}

TEST_P(FormulationHandlerTest, WarningsFollowFromTheCourse) {
  pb::FormulationContent content = Complete();
  content.mutable_contract()->set_sessions(12);
  ASSERT_OK_AND_ASSIGN(const auto saved, Save(content));
  std::vector<std::pair<int, std::string>> warnings;
  for (const pb::Warning& warning : saved.saved().warnings()) {
    warnings.push_back({warning.code(), warning.field()});
  }
  EXPECT_THAT(warnings, Contains(Pair(pb::WARNING_CODE_CONTRACT_DIFFERS, "contract.sessions")));
  EXPECT_THAT(warnings, Contains(Pair(pb::WARNING_CODE_CONTRACT_INCOMPLETE, "contract")));
  EXPECT_THAT(warnings, Contains(Pair(pb::WARNING_CODE_DISPUTE_WITHOUT_STAGE, "focus[0]")));
}

// ------------------------------------------------------------------------- what all methods
// promise

TEST_P(FormulationHandlerTest, ARepeatedRequestIsAnsweredAsBefore) {
  ASSERT_OK(Save(Complete()));
  const auto request = ProposeRequest();
  const CallContext ctx = WriteCall(request);
  ASSERT_OK_AND_ASSIGN(const pb::Formulation first, formulations_.ProposeFormulation(ctx, request));
  NewEvents();
  // Also while scheduling is away: it was decided then.
  SchedulingIsAway();
  ASSERT_OK_AND_ASSIGN(const pb::Formulation again, formulations_.ProposeFormulation(ctx, request));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_THAT(NewEvents(), IsEmpty());
  CallContext other = ctx;
  other.content_hash = "another";
  EXPECT_THAT(formulations_.ProposeFormulation(other, request),
              FailsWith(absl::StatusCode::kAlreadyExists, "REQUEST_ID_REUSED"));
}

TEST_P(FormulationHandlerTest, WhatIsOnlyTriedLeavesNothing) {
  auto save = SaveRequest(Complete(), "");
  save.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(const auto saved, Save(save));
  EXPECT_EQ(saved.saved().state(), pb::REVISION_STATE_DRAFT);
  EXPECT_EQ(saved.revision(), 0);
  EXPECT_EQ(saved.saved().revision(), 0);
  EXPECT_EQ(saved.saved().etag(), "");
  EXPECT_EQ(Present().state(), pb::FORMULATION_STATE_NONE);

  ASSERT_OK(Save(Complete()));
  auto propose = ProposeRequest();
  propose.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(const auto proposed,
                       formulations_.ProposeFormulation(WriteCall(propose), propose));
  EXPECT_EQ(proposed.state(), pb::FORMULATION_STATE_PROPOSED);
  EXPECT_EQ(proposed.revision(), 0);
  EXPECT_EQ(proposed.pending().revision(), 0);
  EXPECT_EQ(Present().state(), pb::FORMULATION_STATE_DRAFT);

  ASSERT_OK(Propose());
  auto agree = AgreeRequest(DayOfSession(4));
  agree.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(const auto agreed, Agree(agree));
  EXPECT_EQ(agreed.state(), pb::FORMULATION_STATE_AGREED);
  EXPECT_EQ(agreed.current().revision(), 0);
  EXPECT_EQ(Present().state(), pb::FORMULATION_STATE_PROPOSED);
  EXPECT_EQ(GetGoal("g-row")->state(), pb::GOAL_STATE_PROPOSED);

  ASSERT_OK(Agree(AgreeRequest(DayOfSession(4))));
  NewEvents();
  auto revise = ReviseRequest();
  revise.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(const auto revised, Revise(revise));
  EXPECT_TRUE(revised.has_pending());
  EXPECT_EQ(revised.pending().revision(), 0);
  // What it would have left as it is keeps its revision.
  EXPECT_EQ(revised.current().SerializeAsString(), Present().current().SerializeAsString());
  EXPECT_FALSE(Present().has_pending());
  EXPECT_THAT(NewEvents(), IsEmpty());
}

TEST_P(FormulationHandlerTest, AnotherClinicSeesNothing) {
  AgreeOn(Complete());
  pb::GetFormulationRequest request;
  request.set_course("clinics/south/courses/k1");
  ASSERT_OK_AND_ASSIGN(const auto theirs, formulations_.GetFormulation(ReadCall("south"), request));
  EXPECT_EQ(theirs.state(), pb::FORMULATION_STATE_NONE);
  EXPECT_FALSE(theirs.has_current());
  EXPECT_THAT(Revision("1", "south"), StatusIs(kAbsent));
  EXPECT_THAT(Copy(1, "south"), StatusIs(kAbsent));
  pb::ListFormulationRevisionsRequest list;
  list.set_parent("clinics/south/courses/k1");
  EXPECT_THAT(formulations_.ListFormulationRevisions(ReadCall("south"), list)->revisions(),
              IsEmpty());
  EXPECT_THAT(
      formulations_.ListCourseFocuses(ReadCall("south"), FocusRequest("south"))->course_focuses(),
      IsEmpty());
}

TEST_P(FormulationHandlerTest, WhileSchedulingIsAwayWritesWaitAndReadsGoOn) {
  AgreeOn(Complete());
  ASSERT_OK(Revise(ReviseRequest()));
  const auto save = SaveRequest(Complete(), PendingEtag());
  const auto propose = ProposeRequest();
  SchedulingIsAway();
  EXPECT_THAT(Save(save), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(formulations_.ProposeFormulation(WriteCall(propose), propose),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Discard(), StatusIs(absl::StatusCode::kUnavailable));

  pb::Formulation present = Present();
  EXPECT_EQ(present.state(), pb::FORMULATION_STATE_AGREED);
  EXPECT_FALSE(present.scheduling().current());
  EXPECT_EQ(present.scheduling().as_of_time().seconds(),
            absl::ToUnixSeconds(now_ - absl::Hours(1)));
  EXPECT_FALSE(present.current().scheduling().current());
  EXPECT_NE(present.protocol(), "");

  NothingIsKnown();
  present = Present();
  EXPECT_EQ(present.current().number(), 1);
  EXPECT_FALSE(present.scheduling().has_as_of_time());
  EXPECT_EQ(present.protocol(), "");
  EXPECT_OK(Revision("1"));
  EXPECT_THAT(Listed(0), SizeIs(2));
  EXPECT_OK(Diff("1", "draft"));
  const auto waits = Save(save);
  EXPECT_THAT(waits, StatusIs(absl::StatusCode::kUnavailable));
}

TEST_P(FormulationHandlerTest, WhatSchedulingDoesNotHaveIsNotFound) {
  CourseIsAbsent();
  pb::GetFormulationRequest request;
  request.set_course(course_name_);
  EXPECT_THAT(formulations_.GetFormulation(ReadCall(), request),
              FailsWith(kAbsent, "RESOURCE_NOT_FOUND"));
  EXPECT_THAT(Save(SaveRequest(Complete(), "")), FailsWith(kAbsent, "RESOURCE_NOT_FOUND"));
}

TEST_P(FormulationHandlerTest, AReadIsAsNewAsItIsAskedFor) {
  ASSERT_OK_AND_ASSIGN(const auto saved, Save(Complete()));
  pb::GetFormulationRequest request;
  request.set_course(course_name_);
  request.set_min_revision(saved.revision());
  EXPECT_OK(formulations_.GetFormulation(ReadCall(), request));
  request.set_min_revision(saved.revision() + 1000);
  EXPECT_THAT(formulations_.GetFormulation(ReadCall(), request),
              FailsWith(kPrecondition, "REVISION_NOT_REACHED"));
}

}  // namespace
}  // namespace ipt::formulation
