// A course with events, areas and goals to formulate, in a store, and the steps of its formulation
// as calls of the handler.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "formulation/rpc/formulation_handler.h"
#include "formulation/rpc/goal_handler.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/proto_time.h"
#include "tests/formulation/formulation_fixture.h"
#include "tests/formulation/rpc/handler_fixture.h"

namespace ipt::formulation {

// Events "fall" (a symptom's onset) and "quarrel"; areas "row" (a dispute), "mourning" (grief) and
// "alone" (deficits), each with a goal "g-<area>".
class FormulatedCourseTest : public HandlerTest {
 protected:
  FormulatedCourseTest() { BeginCourse("k1"); }

  // From now on calls are of this course, which has all of the above.
  void BeginCourse(const std::string& course_id) {
    courses_.answer.course->course_id = course_id;
    course_name_ = absl::StrCat("clinics/north/courses/", course_id);
    EXPECT_OK(store_.Write(absl::InfiniteFuture(),
                           [&](FormulationTx& tx) { return Fill(tx, *courses_.answer.course); }));
  }

  std::string Name(absl::string_view below) const { return absl::StrCat(course_name_, "/", below); }

  // With all that proposing needs.
  pb::FormulationContent Complete(const std::string& area = "row") const {
    pb::FormulationContent content;
    content.set_patient_narrative("You fell ill as the two of you fell out.");
    content.add_focus()->set_problem_area(Name("problemAreas/" + area));
    pb::FormulationLink& link = *content.add_links();
    link.set_id("l1");
    link.set_symptom_event(Name("lifeEvents/fall"));
    link.set_life_event(Name("lifeEvents/quarrel"));
    link.set_problem_area(Name("problemAreas/" + area));
    link.add_goals(Name("goals/g-" + area));
    link.set_explanation("The row brought it on.");
    content.add_goals(Name("goals/g-" + area));
    return content;
  }

  pb::Formulation Present() {
    pb::GetFormulationRequest request;
    request.set_course(course_name_);
    const auto formulation = formulations_.GetFormulation(ReadCall(), request);
    EXPECT_OK(formulation);
    return formulation.ok() ? *formulation : pb::Formulation();
  }
  std::string PendingEtag() { return Present().pending().etag(); }

  pb::SaveFormulationDraftRequest SaveRequest(const pb::FormulationContent& content,
                                              const std::string& etag,
                                              const std::vector<std::string>& paths = {}) const {
    pb::SaveFormulationDraftRequest request;
    request.set_course(course_name_);
    request.set_etag(etag);
    *request.mutable_content() = content;
    for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
    return request;
  }
  absl::StatusOr<pb::SaveFormulationDraftResponse> Save(
      const pb::SaveFormulationDraftRequest& request) {
    return formulations_.SaveFormulationDraft(WriteCall(request), request);
  }
  // Over the present draft.
  absl::StatusOr<pb::SaveFormulationDraftResponse> Save(
      const pb::FormulationContent& content, const std::vector<std::string>& paths = {}) {
    return Save(SaveRequest(content, PendingEtag(), paths));
  }
  pb::ProposeFormulationRequest ProposeRequest() {
    pb::ProposeFormulationRequest request;
    request.set_course(course_name_);
    request.set_etag(PendingEtag());
    return request;
  }
  absl::StatusOr<pb::Formulation> Propose() {
    const auto request = ProposeRequest();
    return formulations_.ProposeFormulation(WriteCall(request), request);
  }
  absl::StatusOr<pb::Formulation> Withdraw(const std::string& reason = "They want to think.") {
    pb::WithdrawProposalRequest request;
    request.set_course(course_name_);
    request.set_etag(PendingEtag());
    request.set_reason(reason);
    return formulations_.WithdrawProposal(WriteCall(request), request);
  }
  pb::AgreeFormulationRequest AgreeRequest(absl::CivilDay day) {
    pb::AgreeFormulationRequest request;
    request.set_course(course_name_);
    request.set_etag(PendingEtag());
    rpc::WriteDay(day, request.mutable_agreed_on());
    request.set_agreed_by(pb::AGREEMENT_PARTY_PATIENT);
    request.set_mode(pb::AGREEMENT_MODE_IN_WRITING);
    return request;
  }
  absl::StatusOr<pb::Formulation> Agree(const pb::AgreeFormulationRequest& request) {
    return formulations_.AgreeFormulation(WriteCall(request), request);
  }
  pb::ReviseFormulationRequest ReviseRequest(
      pb::RevisionReason reason = pb::REVISION_REASON_FOCUS_CHANGED, const std::string& text = "") {
    pb::ReviseFormulationRequest request;
    request.set_course(course_name_);
    request.set_etag(Present().current().etag());
    request.set_reason(reason);
    request.set_reason_text(text);
    return request;
  }
  absl::StatusOr<pb::Formulation> Revise(const pb::ReviseFormulationRequest& request) {
    return formulations_.ReviseFormulation(WriteCall(request), request);
  }
  absl::StatusOr<pb::Formulation> Discard() {
    pb::DiscardFormulationDraftRequest request;
    request.set_course(course_name_);
    request.set_etag(PendingEtag());
    return formulations_.DiscardFormulationDraft(WriteCall(request), request);
  }
  // Saves, proposes and agrees; where one is agreed, as its revision.
  void AgreeOn(const pb::FormulationContent& content, absl::CivilDay day = DayOfSession(4)) {
    if (Present().has_current()) {
      ASSERT_OK(Revise(ReviseRequest()));
    }
    ASSERT_OK(Save(content, {"*"}));
    ASSERT_OK(Propose());
    ASSERT_OK(Agree(AgreeRequest(day)));
  }

  absl::StatusOr<pb::Goal> GetGoal(const std::string& id) {
    pb::GetGoalRequest request;
    request.set_name(Name("goals/" + id));
    return goals_.GetGoal(ReadCall(), request);
  }

  std::string course_name_;
  FormulationHandler formulations_{store_, protocols_, ids_, courses_};
  GoalHandler goals_{store_, ids_, courses_};

 private:
  absl::Status Fill(FormulationTx& tx, const courses::CopiedCourse& course) {
    const CallContext ctx = ReadCall();
    for (auto event : {Happened("fall", LifeEventKind::kSymptomOnset, {2025, 10}),
                       Happened("quarrel", LifeEventKind::kDispute, {2025})}) {
      IPT_RETURN_IF_ERROR(CreateLifeEvent(tx, ctx, ids_, course, std::move(event)).status());
    }
    for (auto area :
         {AreaOf("row", ProblemAreaKind::kRoleDispute), AreaOf("mourning", ProblemAreaKind::kGrief),
          AreaOf("alone", ProblemAreaKind::kInterpersonalDeficits)}) {
      const std::string id = area.problem_area_id;
      IPT_RETURN_IF_ERROR(
          CreateProblemArea(tx, ctx, ids_, protocols_, course, std::move(area)).status());
      IPT_RETURN_IF_ERROR(
          CreateGoal(tx, ctx, ids_, course, GoalOf(absl::StrCat("g-", id), id)).status());
    }
    return absl::OkStatus();
  }
};

}  // namespace ipt::formulation
