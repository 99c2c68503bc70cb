#include "formulation/rpc/protocol_handler.h"

#include <algorithm>
#include <functional>
#include <future>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/match.h"
#include "formulation/rpc/course_entry.h"
#include "formulation/rpc/formulation_policy_handler.h"
#include "gmock/gmock.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/resource_name.h"
#include "tests/formulation/formulation_fixture.h"
#include "tests/formulation/rpc/handler_fixture.h"

namespace ipt::formulation {
namespace {

using courses::CopiedSessionState;
using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ipt::testing::IsOk;
using ipt::testing::StatusIs;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

std::string Session(const std::string& id, const std::string& course = kCourse) {
  return absl::StrCat(course, "/sessions/", id);
}

// What the copy has of the clinic's courses.
class FixedLister final : public courses::CourseLister {
 public:
  absl::StatusOr<courses::ListedCourses> ListCourses(absl::string_view,
                                                     const courses::CourseListing& listing,
                                                     absl::Time, absl::Time) override {
    courses::ListedCourses answer = listed;
    std::erase_if(answer.courses, [&](const courses::CopiedCourse& course) {
      return (course.closed() && course.closed_at < listing.closed_since) ||
             (!listing.therapist_id.empty() && course.therapist_id != listing.therapist_id);
    });
    return answer;
  }
  courses::ListedCourses listed;
};

// What outcomes would say, and what it was asked.
class FixedDue final : public DueMeasureSource {
 public:
  std::future<DueMeasures> Ask(DueQuestion question) override {
    asked.push_back(std::move(question));
    std::promise<DueMeasures> promised;
    promised.set_value(answer);
    return promised.get_future();
  }
  DueMeasures answer;
  std::vector<DueQuestion> asked;
};

class ProtocolHandlerTest : public HandlerTest {
 protected:
  courses::CopiedCourse& course() { return *courses_.answer.course; }
  courses::CopiedSession& SessionNumber(int number) { return course().sessions[number - 1]; }

  // Now is the day after the last one.
  void Attended(int sessions) {
    courses_.answer.course = CourseOf("ipt-uk-16", sessions);
    now_ = At(DayOfSession(std::max(1, sessions)) + 1);
    courses_.answer.as_of = now_;
  }

  void Do(absl::FunctionRef<absl::Status(FormulationTx&)> body) {
    ASSERT_THAT(store_.Write(absl::InfiniteFuture(), body), IsOk());
  }
  // Symptoms and a quarrel; areas "row" (a dispute) and "mourning" (grief), each with a goal.
  void SetUpParts() {
    Do([&](FormulationTx& tx) -> absl::Status {
      const CallContext ctx = ReadCall();
      for (auto event : {Happened("fall", LifeEventKind::kSymptomOnset, {2025, 10}),
                         Happened("quarrel", LifeEventKind::kDispute, {2025})}) {
        IPT_RETURN_IF_ERROR(CreateLifeEvent(tx, ctx, ids_, course(), std::move(event)).status());
      }
      for (auto area : {AreaOf("row", ProblemAreaKind::kRoleDispute),
                        AreaOf("mourning", ProblemAreaKind::kGrief)}) {
        const std::string id = area.problem_area_id;
        IPT_RETURN_IF_ERROR(
            CreateProblemArea(tx, ctx, ids_, protocols_, course(), std::move(area)).status());
        IPT_RETURN_IF_ERROR(
            CreateGoal(tx, ctx, ids_, course(), GoalOf(absl::StrCat("g-", id), id)).status());
      }
      return absl::OkStatus();
    });
  }
  void Propose(const FormulationContent& content = FormulationWorld::Complete()) {
    Do([&](FormulationTx& tx) -> absl::Status {
      const CallContext ctx = ReadCall();
      IPT_ASSIGN_OR_RETURN(const CourseFormulation before, tx.GetFormulation("north", "k1"));
      IPT_ASSIGN_OR_RETURN(const SavedDraft saved,
                           SaveDraft(tx, ctx, ids_, protocols_, course(), before, {0, content}));
      return ProposeFormulation(tx, ctx, protocols_, course(), saved.formulation,
                                saved.formulation.pending->stamp.revision)
          .status();
    });
  }
  void Agree(const FormulationContent& content = FormulationWorld::Complete()) {
    SetUpParts();
    Propose(content);
    Do([&](FormulationTx& tx) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const CourseFormulation before, tx.GetFormulation("north", "k1"));
      return AgreeFormulation(tx, ReadCall(), course(), before,
                              {.if_revision = before.pending->stamp.revision,
                               .agreed_on = DayOfSession(4),
                               .agreed_by = AgreementParty::kPatient,
                               .mode = AgreementMode::kInWriting})
          .status();
    });
  }
  void MoveGoal(GoalState state) {
    Do([&](FormulationTx& tx) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const Goal goal, tx.GetGoal("north", "k1", "g-row"));
      return ChangeGoalState(tx, ReadCall(), goal, {.state = state, .reason = "So it is."})
          .status();
    });
  }

  static pb::RecordSessionWorkRequest WorkOf(const std::string& session,
                                             const pb::SessionWork& work,
                                             const std::vector<std::string>& paths = {}) {
    pb::RecordSessionWorkRequest request;
    request.set_session(Session(session));
    *request.mutable_session_work() = work;
    for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
    return request;
  }
  absl::StatusOr<pb::SessionWork> Record(const std::string& session, const pb::SessionWork& work,
                                         const std::vector<std::string>& paths = {}) {
    const auto request = WorkOf(session, work, paths);
    return handler_.RecordSessionWork(WriteCall(request), request);
  }
  static void AddTask(const std::string& code, pb::SessionWork& work) {
    pb::TaskWork* task = work.add_tasks();
    task->set_task(code);
    task->set_state(pb::TASK_WORK_STATE_DONE);
  }
  static pb::SessionWork TaskDone(const std::string& code) {
    pb::SessionWork work;
    AddTask(code, work);
    return work;
  }
  // A strategy of the middle phase, in the area "row".
  pb::SessionWork WorkOnRow() {
    pb::SessionWork work;
    pb::FocusWork* focus = work.add_focus_work();
    focus->set_problem_area(absl::StrCat(kCourse, "/problemAreas/row"));
    focus->add_strategies(
        protocol_.FindArea("ROLE_DISPUTE")->StrategiesIn(Phase::kMiddle)[0]->code);
    work.add_techniques(protocol_.techniques[0].code);
    return work;
  }
  absl::StatusOr<pb::SessionWork> GetWork(const std::string& session,
                                          const std::string& clinic = "north") {
    pb::GetSessionWorkRequest request;
    request.set_session(absl::StrCat("clinics/", clinic, "/courses/k1/sessions/", session));
    return handler_.GetSessionWork(ReadCall(clinic), request);
  }
  std::vector<std::string> ListedWork(pb::ListSessionWorkRequest request = {}) {
    request.set_parent(kCourse);
    std::vector<std::string> sessions;
    do {
      const auto page = handler_.ListSessionWork(ReadCall(), request);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      for (const auto& work : page->session_work()) {
        sessions.push_back(EntryIds(work.name()).entry_id);
      }
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return sessions;
  }

  absl::StatusOr<pb::SessionGuide> Guide(const std::string& session,
                                         const std::string& clinic = "north") {
    pb::GetSessionGuideRequest request;
    request.set_session(absl::StrCat("clinics/", clinic, "/courses/k1/sessions/", session));
    return handler_.GetSessionGuide(ReadCall(clinic), request);
  }
  // By which guides are asked for; to come by the machine's clock, which the store goes by.
  static constexpr absl::Time kDeadline = absl::FromUnixSeconds(4'000'000'000);

  // Of a server that asks outcomes.
  absl::StatusOr<pb::DueMeasures> DueOf(const std::string& session) {
    pb::GetSessionGuideRequest request;
    request.set_session(Session(session));
    CallContext ctx = ReadCall();
    ctx.deadline = kDeadline;
    IPT_ASSIGN_OR_RETURN(const pb::SessionGuide guide, asking_.GetSessionGuide(ctx, request));
    EXPECT_EQ(guide.session(), Session(session));
    EXPECT_GT(guide.sources_size(), 0);  // the rest is as ever
    return guide.due_measures();
  }
  static std::vector<std::string> TasksOf(const pb::SessionGuide& guide) {
    std::vector<std::string> codes;
    for (const pb::GuideTask& task : guide.tasks()) codes.push_back(task.task().code());
    return codes;
  }

  absl::StatusOr<pb::Termination> GetEnding(const std::string& clinic = "north") {
    pb::GetTerminationRequest request;
    request.set_course(absl::StrCat("clinics/", clinic, "/courses/k1"));
    return handler_.GetTermination(ReadCall(clinic), request);
  }
  static pb::UpdateTerminationRequest EndingOf(const pb::Termination& termination,
                                               const std::vector<std::string>& paths = {}) {
    pb::UpdateTerminationRequest request;
    request.set_course(kCourse);
    *request.mutable_termination() = termination;
    for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
    return request;
  }
  absl::StatusOr<pb::Termination> UpdateEnding(const pb::Termination& termination,
                                               const std::vector<std::string>& paths = {}) {
    const auto request = EndingOf(termination, paths);
    return handler_.UpdateTermination(WriteCall(request), request);
  }

  absl::StatusOr<pb::ProtocolAdherence> Adherence(const std::string& clinic = "north") {
    pb::GetProtocolAdherenceRequest request;
    request.set_course(absl::StrCat("clinics/", clinic, "/courses/k1"));
    return handler_.GetProtocolAdherence(ReadCall(clinic), request);
  }

  absl::StatusOr<pb::ListFindingsResponse> List(pb::ListFindingsRequest request,
                                                const std::string& clinic = "north") {
    if (request.parent().empty()) {
      request.set_parent(absl::StrCat("clinics/", clinic, "/courses/k1"));
    }
    return handler_.ListFindings(ReadCall(clinic), request);
  }
  // The ids of the course's, or with the courses' of the clinic's, "k1 TASK_OVERDUE:TIMELINE".
  std::vector<std::string> Findings(pb::ListFindingsRequest request = {}) {
    std::vector<std::string> ids;
    do {
      const auto page = List(request);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      for (const pb::Finding& finding : page->findings()) {
        const bool of_clinic = absl::EndsWith(request.parent(), "/-");
        ids.push_back(of_clinic
                          ? absl::StrCat(rpc::IdsOf(finding.course())[1], " ", finding.finding_id())
                          : finding.finding_id());
      }
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return ids;
  }
  void SetPolicy(const pb::FormulationPolicy& policy) {
    pb::UpdateFormulationPolicyRequest request;
    request.set_clinic("clinics/north");
    *request.mutable_policy() = policy;
    request.mutable_update_mask()->add_paths("*");
    ASSERT_OK(policies_.UpdateFormulationPolicy(WriteCall(request), request));
  }
  // It is there; not while its rule is off; and gone once it is mended.
  void IsGoneAfter(const std::string& id, pb::FindingRule rule, const std::function<void()>& mend) {
    EXPECT_THAT(Findings(), Contains(id));
    pb::FormulationPolicy policy;
    policy.add_disabled_rules(rule);
    SetPolicy(policy);
    EXPECT_THAT(Findings(), Not(Contains(id)));
    SetPolicy({});
    EXPECT_THAT(Findings(), Contains(id));
    mend();
    EXPECT_THAT(Findings(), Not(Contains(id)));
  }

  const Protocol& protocol_ = *protocols_.Find("ipt-uk-16--ipt-uk");
  FixedLister lister_;
  FixedDue due_;
  ProtocolHandler handler_{store_, protocols_, courses_, lister_};
  ProtocolHandler asking_{store_, protocols_, courses_, lister_, &due_};
  FormulationPolicyHandler policies_{store_, protocols_};
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(ProtocolHandlerTest);

// -------------------------------------------------------------------------------------- protocols

TEST_P(ProtocolHandlerTest, ListsEachVariantInEachTradition) {
  pb::ListProtocolsRequest request;
  request.set_parent("clinics/north");
  request.set_page_size(10);
  std::vector<std::string> names;
  do {
    ASSERT_OK_AND_ASSIGN(const auto page, handler_.ListProtocols(ReadCall(), request));
    EXPECT_LE(page.protocols_size(), 10);
    for (const pb::Protocol& protocol : page.protocols()) {
      names.push_back(protocol.name());
      EXPECT_GT(protocol.phases_size(), 0);
      EXPECT_THAT(protocol.tasks(), IsEmpty());
      EXPECT_THAT(protocol.sources(), IsEmpty());
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(names.size(), protocols_.all().size());
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));

  request.set_page_size(0);
  request.set_variant("ipt-uk-16");
  ASSERT_OK_AND_ASSIGN(auto some, handler_.ListProtocols(ReadCall(), request));
  EXPECT_EQ(some.protocols_size(), 3);
  request.set_tradition("WMK");
  ASSERT_OK_AND_ASSIGN(some, handler_.ListProtocols(ReadCall(), request));
  ASSERT_EQ(some.protocols_size(), 1);
  EXPECT_EQ(some.protocols(0).name(), "clinics/north/protocols/ipt-uk-16--wmk");
  EXPECT_FALSE(some.protocols(0).in_use());
}

TEST_P(ProtocolHandlerTest, ThePolicySaysWhichAreInUse) {
  pb::ListProtocolsRequest request;
  request.set_parent("clinics/north");
  request.set_in_use_only(true);
  ASSERT_OK_AND_ASSIGN(auto in_use, handler_.ListProtocols(ReadCall(), request));
  EXPECT_EQ(in_use.protocols_size(), static_cast<int>(Shipped().variants.size()));
  std::set<std::string> traditions;
  for (const auto& protocol : in_use.protocols()) traditions.insert(protocol.tradition());
  EXPECT_GT(traditions.size(), 1u);
  pb::FormulationPolicy policy;
  policy.set_tradition("WMK");
  SetPolicy(policy);
  ASSERT_OK_AND_ASSIGN(in_use, handler_.ListProtocols(ReadCall(), request));
  EXPECT_EQ(in_use.protocols_size(), static_cast<int>(Shipped().variants.size()));
  for (const auto& protocol : in_use.protocols()) {
    EXPECT_EQ(protocol.tradition(), "WMK");
    EXPECT_TRUE(protocol.in_use());
  }
}

TEST_P(ProtocolHandlerTest, AProtocolComesWithAllThatItSays) {
  for (const Protocol& of : protocols_.all()) {
    pb::GetProtocolRequest request;
    request.set_name(absl::StrCat("clinics/north/protocols/", of.id));
    ASSERT_OK_AND_ASSIGN(const pb::Protocol protocol, handler_.GetProtocol(ReadCall(), request));
    EXPECT_EQ(protocol.name(), request.name());
    EXPECT_EQ(protocol.version(), of.version);
    ASSERT_EQ(protocol.areas_size(), static_cast<int>(of.areas.size()));
    ASSERT_EQ(protocol.tasks_size(), static_cast<int>(of.tasks.size()));
    EXPECT_EQ(protocol.techniques_size(), static_cast<int>(of.techniques.size()));
    EXPECT_EQ(protocol.areas_left_out_size(), static_cast<int>(of.areas_left_out.size()));
    for (const pb::ProtocolArea& area : protocol.areas()) {
      EXPECT_EQ(pb::ProblemAreaKind_Name(area.kind()),
                absl::StrCat("PROBLEM_AREA_KIND_", area.code()));
      EXPECT_GT(area.basis().sources_size(), 0) << of.id << area.code();
      for (const pb::AreaStage& stage : area.stages()) {
        EXPECT_NE(stage.stage(), pb::DISPUTE_STAGE_UNSPECIFIED) << of.id << area.code();
      }
      for (const pb::Strategy& strategy : area.strategies()) {
        EXPECT_GT(strategy.phases_size(), 0) << strategy.code();
        EXPECT_THAT(strategy.stages(), Not(Contains(pb::DISPUTE_STAGE_UNSPECIFIED)));
      }
    }
    for (int i = 0; i < protocol.tasks_size(); ++i) {
      EXPECT_EQ(protocol.tasks(i).code(), of.tasks[i].code);
      EXPECT_EQ(protocol.tasks(i).voluntary(), of.tasks[i].optional);
      EXPECT_NE(protocol.tasks(i).due().by(), pb::TASK_DUE_BY_UNSPECIFIED);
      EXPECT_NE(protocol.tasks(i).phase(), scheduling::v1::PHASE_UNSPECIFIED);
    }
    std::set<std::string> cited;
    for (const pb::Source& source : protocol.sources()) cited.insert(source.key());
    for (const pb::Technique& technique : protocol.techniques()) {
      for (const std::string& key : technique.basis().sources()) {
        EXPECT_TRUE(cited.contains(key)) << key;
      }
    }
  }
  pb::GetProtocolRequest request;
  request.set_name("clinics/north/protocols/ipt-uk-16--ipt-uk");
  ASSERT_OK_AND_ASSIGN(const pb::Protocol protocol, handler_.GetProtocol(ReadCall(), request));
  EXPECT_TRUE(protocol.in_use());
  const auto& raised = *std::find_if(
      protocol.tasks().begin(), protocol.tasks().end(),
      [](const pb::ProtocolTask& task) { return task.code() == "TERMINATION_RAISED"; });
  EXPECT_EQ(raised.due().by(), pb::TASK_DUE_BY_SESSIONS_LEFT);
  EXPECT_EQ(raised.due().number(), 2);
  EXPECT_EQ(raised.due().offered_from(), 4);
  EXPECT_THAT(raised.also_phases(), ElementsAre(scheduling::v1::PHASE_MIDDLE));
  request.set_name("clinics/north/protocols/no-such");
  EXPECT_THAT(handler_.GetProtocol(ReadCall(), request), StatusIs(absl::StatusCode::kNotFound));
}

// -------------------------------------------------------------------------------------- the guide

TEST_P(ProtocolHandlerTest, TheFirstSessionHasTheTasksOfTheInitialPhase) {
  Attended(0);
  ASSERT_OK_AND_ASSIGN(const pb::SessionGuide guide, Guide("s1"));
  EXPECT_EQ(guide.session(), Session("s1"));
  EXPECT_EQ(guide.standing().session_number(), 1);
  EXPECT_EQ(guide.standing().planned_sessions(), 16);
  EXPECT_EQ(guide.standing().sessions_left(), 15);
  EXPECT_EQ(guide.standing().phase(), scheduling::v1::PHASE_INITIAL);
  EXPECT_FALSE(guide.standing().has_deadline_date());
  EXPECT_EQ(guide.protocol(), "clinics/north/protocols/ipt-uk-16--ipt-uk");
  EXPECT_EQ(guide.protocol_version(), protocol_.version);
  EXPECT_THAT(TasksOf(guide), Contains("INTERPERSONAL_INVENTORY"));
  for (const pb::GuideTask& task : guide.tasks()) {
    EXPECT_EQ(task.progress().state(), pb::TASK_STATE_OPEN) << task.task().code();
    EXPECT_EQ(task.progress().task(), task.task().code());
  }
  EXPECT_THAT(guide.focus(), IsEmpty());
  EXPECT_THAT(guide.findings(), IsEmpty());
  EXPECT_FALSE(guide.work_recorded());
  EXPECT_GT(guide.sources_size(), 0);
  EXPECT_TRUE(guide.scheduling().current());
  EXPECT_EQ(guide.scheduling().as_of_time().seconds(), absl::ToUnixSeconds(now_));
}

TEST_P(ProtocolHandlerTest, InMidCourseTheFocusHasItsStrategies) {
  course().deadline_day = absl::CivilDay(2026, 4, 26);
  Agree();
  ASSERT_OK(Record("s7", WorkOnRow()));
  ASSERT_OK_AND_ASSIGN(const pb::SessionGuide guide, Guide("s9"));
  EXPECT_EQ(guide.standing().session_number(), 9);
  EXPECT_EQ(guide.standing().sessions_left(), 7);
  EXPECT_EQ(guide.standing().week_number(), 9);
  EXPECT_EQ(guide.standing().phase(), scheduling::v1::PHASE_MIDDLE);
  EXPECT_EQ(guide.standing().mid_course_session(), 8);
  EXPECT_EQ(guide.standing().termination_session(), 13);
  EXPECT_EQ(guide.standing().deadline_date().day(), 26);
  EXPECT_EQ(TasksOf(guide)[0], "MOOD_REVIEW");
  EXPECT_THAT(TasksOf(guide), Not(Contains("FORMULATION")));
  ASSERT_EQ(guide.focus_size(), 1);
  const pb::GuideFocus& focus = guide.focus(0);
  EXPECT_EQ(focus.position(), pb::FOCUS_POSITION_PRIMARY);
  EXPECT_EQ(focus.problem_area(), absl::StrCat(kCourse, "/problemAreas/row"));
  EXPECT_EQ(focus.kind(), pb::PROBLEM_AREA_KIND_ROLE_DISPUTE);
  EXPECT_EQ(focus.kind_display_name(), protocol_.FindArea("ROLE_DISPUTE")->name);
  EXPECT_EQ(focus.last_worked_session_number(), 7);
  EXPECT_EQ(focus.strategies(0).sessions_used(), 1);
  EXPECT_GT(focus.questions_size(), 0);
  ASSERT_GT(focus.techniques_size(), 0);
  EXPECT_THAT(focus.techniques(), Contains(guide.techniques(0).code()));
  EXPECT_THAT(Findings(), SizeIs(guide.findings_size()));
  EXPECT_GT(guide.findings_size(), 0);
  EXPECT_TRUE(guide.findings(0).scheduling().current());
  EXPECT_GT(guide.revision(), 0);
  ASSERT_OK_AND_ASSIGN(const pb::SessionGuide seventh, Guide("s7"));
  EXPECT_TRUE(seventh.work_recorded());
  EXPECT_EQ(seventh.focus(0).strategies(0).sessions_used(), 0);
}

TEST_P(ProtocolHandlerTest, TheEndingHasItsTasksAndStrategies) {
  Attended(14);
  Agree();
  ASSERT_OK_AND_ASSIGN(const pb::SessionGuide guide, Guide("s15"));
  EXPECT_EQ(guide.standing().phase(), scheduling::v1::PHASE_TERMINATION);
  EXPECT_EQ(guide.standing().sessions_left(), 1);
  EXPECT_THAT(TasksOf(guide), Contains("RELAPSE_PLAN"));
  EXPECT_EQ(guide.findings(0).severity(), pb::FINDING_SEVERITY_OVERDUE);
  ASSERT_EQ(guide.focus_size(), 1);
  const auto expected = protocol_.FindArea("ROLE_DISPUTE")->StrategiesIn(Phase::kEnding);
  EXPECT_EQ(guide.focus(0).strategies_size(), static_cast<int>(expected.size()));
  for (const pb::GuideStrategy& offered : guide.focus(0).strategies()) {
    EXPECT_THAT(offered.strategy().phases(), Contains(scheduling::v1::PHASE_TERMINATION));
  }
}

TEST_P(ProtocolHandlerTest, ASessionThatUsesUpNoneHasNoNumberAndNoTasks) {
  Agree();
  SessionNumber(9).state = CopiedSessionState::kCancelled;
  SessionNumber(9).number = 0;
  ASSERT_OK_AND_ASSIGN(const pb::SessionGuide guide, Guide("s9"));
  EXPECT_EQ(guide.standing().session_number(), 0);
  EXPECT_EQ(guide.standing().phase(), scheduling::v1::PHASE_UNSPECIFIED);
  EXPECT_EQ(guide.standing().sessions_left(), 8);
  EXPECT_THAT(guide.tasks(), IsEmpty());
  EXPECT_GT(guide.focus(0).strategies_size(), 0);
}

TEST_P(ProtocolHandlerTest, AGuideTellsWhatIsDueForItsSession) {
  const DueMeasure own{.instrument_id = "phq-9",
                       .display_name = "PHQ-9",
                       .state = DueMeasureState::kDue,
                       .occasion = pb::DUE_MEASURE_OCCASION_EVERY_SESSION,
                       .respondent = pb::DUE_MEASURE_RESPONDENT_SELF,
                       .session_id = "s9",
                       .week_number = 9,
                       .due_day = DayOfSession(9),
                       .overdue_day = DayOfSession(9) + 1};
  DueMeasure later = own;
  later.session_id = "s10";
  later.due_day = DayOfSession(10);
  const DueMeasure weekly{
      .instrument_id = "wsas", .state = DueMeasureState::kOverdue, .due_day = DayOfSession(7)};
  due_.answer = {.state = DueMeasuresState::kKnown,
                 .measures = {weekly, own, later},
                 .asked_at = now_,
                 .age = {.as_of = now_ - absl::Seconds(30), .current = true}};
  ASSERT_OK_AND_ASSIGN(const pb::DueMeasures due, DueOf("s9"));
  EXPECT_EQ(due.state(), pb::DUE_MEASURES_STATE_KNOWN);
  EXPECT_EQ(due.asked_time().seconds(), absl::ToUnixSeconds(now_));
  EXPECT_TRUE(due.scheduling().current());
  EXPECT_EQ(due.scheduling().as_of_time().seconds(), absl::ToUnixSeconds(now_) - 30);
  ASSERT_EQ(due.measures_size(), 2);
  EXPECT_EQ(due.measures(0).instrument(), "clinics/north/instruments/wsas");
  EXPECT_EQ(due.measures(0).state(), pb::DUE_MEASURE_STATE_OVERDUE);
  EXPECT_EQ(due.measures(0).session(), "");
  EXPECT_FALSE(due.measures(0).has_overdue_date());
  EXPECT_EQ(due.measures(1).instrument(), "clinics/north/instruments/phq-9");
  EXPECT_EQ(due.measures(1).display_name(), "PHQ-9");
  EXPECT_EQ(due.measures(1).state(), pb::DUE_MEASURE_STATE_DUE);
  EXPECT_EQ(due.measures(1).occasion(), pb::DUE_MEASURE_OCCASION_EVERY_SESSION);
  EXPECT_EQ(due.measures(1).respondent(), pb::DUE_MEASURE_RESPONDENT_SELF);
  EXPECT_EQ(due.measures(1).session(), Session("s9"));
  EXPECT_EQ(due.measures(1).week_number(), 9);
  EXPECT_EQ(due.measures(1).due_date().day(), DayOfSession(9).day());
  EXPECT_EQ(due.measures(1).overdue_date().day(), DayOfSession(9).day() + 1);

  ASSERT_EQ(due_.asked.size(), 1u);
  EXPECT_EQ(due_.asked[0].clinic_id, "north");
  EXPECT_EQ(due_.asked[0].course_id, "k1");
  EXPECT_EQ(due_.asked[0].last_day, DayOfSession(9));
  EXPECT_EQ(due_.asked[0].deadline, kDeadline);
}

TEST_P(ProtocolHandlerTest, AGuideSaysWhereItIsNotKnownWhatIsDue) {
  for (const auto state : {DueMeasuresState::kNotPermitted, DueMeasuresState::kUnavailable}) {
    due_.answer = {.state = state, .asked_at = now_};
    ASSERT_OK_AND_ASSIGN(const pb::DueMeasures due, DueOf("s9"));
    EXPECT_EQ(due.state(), static_cast<pb::DueMeasuresState>(state));
    EXPECT_THAT(due.measures(), IsEmpty());
    EXPECT_TRUE(due.has_asked_time());
    EXPECT_FALSE(due.has_scheduling());
  }
  // A server that knows of no outcomes asks none.
  ASSERT_OK_AND_ASSIGN(const pb::SessionGuide guide, Guide("s9"));
  EXPECT_EQ(guide.due_measures().state(), pb::DUE_MEASURES_STATE_NOT_CONFIGURED);
  EXPECT_FALSE(guide.due_measures().has_asked_time());
  EXPECT_THAT(due_.asked, SizeIs(2));
}

TEST_P(ProtocolHandlerTest, OutcomesIsNotAskedForASessionThatNothingCanBeDueFor) {
  due_.answer.state = DueMeasuresState::kUnavailable;
  const auto nothing_due = [&](const std::string& session) {
    ASSERT_OK_AND_ASSIGN(const pb::DueMeasures due, DueOf(session));
    EXPECT_EQ(due.state(), pb::DUE_MEASURES_STATE_KNOWN);
    EXPECT_THAT(due.measures(), IsEmpty());
    EXPECT_FALSE(due.has_asked_time());
    EXPECT_FALSE(due.has_scheduling());
  };
  nothing_due("s3");
  SessionNumber(9).state = CopiedSessionState::kCancelled;
  nothing_due("s9");
  course().state = courses::CopiedCourseState::kCompleted;
  course().closed_at = now_;
  nothing_due("s8");
  EXPECT_THAT(due_.asked, IsEmpty());
  EXPECT_THAT(DueOf("nowhere"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(due_.asked, IsEmpty());
}

TEST_P(ProtocolHandlerTest, AGuideGoesOnFromTheCopyWhileSchedulingIsAway) {
  EXPECT_THAT(Guide("nowhere"), StatusIs(absl::StatusCode::kNotFound));
  SchedulingIsAway();
  ASSERT_OK_AND_ASSIGN(const pb::SessionGuide guide, Guide("s9"));
  EXPECT_FALSE(guide.scheduling().current());
  EXPECT_EQ(guide.scheduling().as_of_time().seconds(), absl::ToUnixSeconds(now_) - 3600);
  EXPECT_EQ(guide.standing().session_number(), 9);
  // It may have been booked within the hour.
  EXPECT_THAT(Guide("nowhere"), StatusIs(absl::StatusCode::kUnavailable));
  NothingIsKnown();
  EXPECT_THAT(Guide("s9"), StatusIs(absl::StatusCode::kUnavailable));
  CourseIsAbsent();
  EXPECT_THAT(Guide("s9"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(ProtocolHandlerTest, OfAVariantThatTheDataDoNotHaveTheGuideSaysWhereTheCourseIs) {
  course().variant_id = "own-10";
  ASSERT_OK_AND_ASSIGN(const pb::SessionGuide guide, Guide("s9"));
  EXPECT_EQ(guide.standing().session_number(), 9);
  EXPECT_EQ(guide.standing().phase(), scheduling::v1::PHASE_MIDDLE);
  EXPECT_EQ(guide.protocol(), "");
  EXPECT_THAT(guide.tasks(), IsEmpty());
  EXPECT_THAT(guide.techniques(), IsEmpty());
  EXPECT_THAT(Findings(), Contains("FOCUS_NOT_AGREED"));
  EXPECT_OK(Adherence());
}

// ---------------------------------------------------------------------------------- sessions' work

TEST_P(ProtocolHandlerTest, WorkIsRecordedAndChangedByItsMask) {
  SetUpParts();
  NewEvents();
  ASSERT_OK_AND_ASSIGN(const pb::SessionWork none, GetWork("s7"));
  EXPECT_EQ(none.name(), Session("s7") + "/work");
  EXPECT_EQ(none.revision(), 0);
  EXPECT_EQ(none.etag(), "");
  EXPECT_EQ(none.caller(), "");
  EXPECT_EQ(none.session_number(), 7);

  pb::SessionWork work = WorkOnRow();
  AddTask("MOOD_REVIEW", work);
  work.mutable_tasks(0)->set_note("Better since Tuesday.");
  work.mutable_focus_work(0)->set_note("What each of them wants.");
  work.set_mood_and_events("Low after the call.");
  work.set_tryouts_reviewed("She rang him.");
  work.set_tryouts_agreed("Ask for an evening off.");
  work.set_process_notes("Rushed.");
  ASSERT_OK_AND_ASSIGN(const pb::SessionWork first, Record("s7", work));
  EXPECT_EQ(first.name(), Session("s7") + "/work");
  EXPECT_EQ(first.session_number(), 7);
  EXPECT_EQ(first.phase(), scheduling::v1::PHASE_MIDDLE);
  EXPECT_EQ(first.session_date().month(), 2);
  EXPECT_EQ(first.session_date().day(), 16);
  EXPECT_EQ(first.session_state(), scheduling::v1::SESSION_STATE_ATTENDED);
  EXPECT_TRUE(first.scheduling().current());
  EXPECT_EQ(first.caller(), "tester");
  EXPECT_GT(first.revision(), 0);
  EXPECT_EQ(GetWork("s7")->SerializeAsString(), first.SerializeAsString());
  EXPECT_THAT(NewEvents(), ElementsAre("SESSION_WORK_CHANGED"));
  EXPECT_EQ(first.tasks(0).note(), "Better since Tuesday.");
  EXPECT_EQ(first.focus_work(0).SerializeAsString(), work.focus_work(0).SerializeAsString());

  pb::SessionWork change;
  change.set_process_notes("Rushed, and late.");
  change.set_mood_and_events("Not named in the mask.");
  change.set_etag(first.etag());
  ASSERT_OK_AND_ASSIGN(const pb::SessionWork second,
                       Record("s7", change, {"process_notes", "techniques"}));
  EXPECT_EQ(second.process_notes(), "Rushed, and late.");
  EXPECT_EQ(second.mood_and_events(), "Low after the call.");
  EXPECT_THAT(second.techniques(), IsEmpty());
  EXPECT_EQ(second.tasks_size(), 1);
  EXPECT_THAT(Record("s7", change, {"process_notes"}),
              FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  EXPECT_THAT(Record("s7", change, {"session_number"}), HasBadFields("update_mask.paths[0]"));
  // Without an etag, what is set is written over, and what is not stays.
  change.clear_etag();
  change.clear_process_notes();
  ASSERT_OK_AND_ASSIGN(const pb::SessionWork third, Record("s7", change));
  EXPECT_EQ(third.mood_and_events(), "Not named in the mask.");
  EXPECT_EQ(third.process_notes(), "Rushed, and late.");
  ASSERT_OK_AND_ASSIGN(const pb::SessionWork emptied, Record("s7", {}, {"*"}));
  EXPECT_THAT(emptied.tasks(), IsEmpty());
  EXPECT_EQ(emptied.mood_and_events(), "");
  EXPECT_GT(emptied.revision(), third.revision());
}

TEST_P(ProtocolHandlerTest, OnlyASessionThatBeganAndWasNotMissedHasWork) {
  const auto refused = FailsWith(absl::StatusCode::kFailedPrecondition, "SESSION_NOT_HELD");
  EXPECT_THAT(Record("s9", TaskDone("MOOD_REVIEW")), refused);
  SessionNumber(7).state = CopiedSessionState::kNoShow;
  EXPECT_THAT(Record("s7", TaskDone("MOOD_REVIEW")), refused);
  SessionNumber(7).state = CopiedSessionState::kCancelled;
  EXPECT_THAT(Record("s7", TaskDone("MOOD_REVIEW")), refused);
  // It has begun, and its attendance is not recorded yet.
  SessionNumber(7).state = CopiedSessionState::kBooked;
  EXPECT_OK(Record("s7", TaskDone("MOOD_REVIEW")));
  EXPECT_THAT(Record("nowhere", TaskDone("MOOD_REVIEW")), StatusIs(absl::StatusCode::kNotFound));
  // Work that was recorded before stays, and says so.
  SessionNumber(7).state = CopiedSessionState::kNoShow;
  SessionNumber(7).number = 0;
  ASSERT_OK_AND_ASSIGN(const pb::SessionWork work, GetWork("s7"));
  EXPECT_EQ(work.tasks_size(), 1);
  EXPECT_EQ(work.session_state(), scheduling::v1::SESSION_STATE_NO_SHOW);
  EXPECT_EQ(work.session_number(), 0);
  EXPECT_EQ(work.phase(), scheduling::v1::PHASE_UNSPECIFIED);
}

TEST_P(ProtocolHandlerTest, CodesThatTheProtocolDoesNotHaveAreRefusedByField) {
  SetUpParts();
  pb::SessionWork work = WorkOnRow();
  AddTask("NO_SUCH", work);
  work.add_tasks()->set_task("TIMELINE");
  work.mutable_focus_work(0)->add_strategies("NO_SUCH");
  *work.add_focus_work() = work.focus_work(0);
  work.mutable_focus_work(1)->set_problem_area("clinics/north/courses/k2/problemAreas/row");
  work.add_focus_work();
  work.add_techniques("NO_SUCH");
  EXPECT_THAT(
      Record("s7", work),
      HasBadFields("session_work.tasks[0].task", "session_work.tasks[1].state",
                   "session_work.focus_work[0].strategies[1]",
                   "session_work.focus_work[1].problem_area",
                   "session_work.focus_work[2].problem_area", "session_work.techniques[1]"));
  EXPECT_EQ(GetWork("s7")->revision(), 0);
}

TEST_P(ProtocolHandlerTest, TryingToRecordLeavesNothing) {
  NewEvents();
  auto request = WorkOf("s7", TaskDone("MOOD_REVIEW"));
  request.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(const pb::SessionWork tried,
                       handler_.RecordSessionWork(WriteCall(request), request));
  EXPECT_EQ(tried.tasks_size(), 1);
  EXPECT_EQ(tried.revision(), 0);
  EXPECT_EQ(tried.etag(), "");
  EXPECT_EQ(GetWork("s7")->tasks_size(), 0);
  EXPECT_THAT(NewEvents(), IsEmpty());
}

TEST_P(ProtocolHandlerTest, RecordingNeedsSchedulingAndARetryGetsItsAnswer) {
  const auto request = WorkOf("s7", TaskDone("MOOD_REVIEW"));
  const CallContext ctx = WriteCall(request);
  ASSERT_OK_AND_ASSIGN(const auto first, handler_.RecordSessionWork(ctx, request));
  NewEvents();
  SchedulingIsAway();
  ASSERT_OK_AND_ASSIGN(const auto again, handler_.RecordSessionWork(ctx, request));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_THAT(NewEvents(), IsEmpty());
  EXPECT_THAT(Record("s7", TaskDone("MOOD_REVIEW")), StatusIs(absl::StatusCode::kUnavailable));
  ASSERT_OK_AND_ASSIGN(const pb::SessionWork from_copy, GetWork("s7"));
  EXPECT_FALSE(from_copy.scheduling().current());
  EXPECT_EQ(from_copy.session_number(), 7);
  EXPECT_OK(GetWork("nowhere"));
  NothingIsKnown();
  ASSERT_OK_AND_ASSIGN(const pb::SessionWork alone, GetWork("s7"));
  EXPECT_EQ(alone.tasks_size(), 1);
  EXPECT_EQ(alone.session_number(), 0);
  EXPECT_FALSE(alone.has_session_date());
  EXPECT_FALSE(alone.scheduling().has_as_of_time());
  CourseIsAbsent();
  EXPECT_THAT(GetWork("s7"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Record("s7", TaskDone("MOOD_REVIEW")), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(ProtocolHandlerTest, OfASessionThatSchedulingDoesNotHaveThereIsNoWork) {
  EXPECT_THAT(GetWork("nowhere"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(ProtocolHandlerTest, WorkIsListedByTheSessionsStart) {
  SetUpParts();
  EXPECT_THAT(ListedWork(), IsEmpty());
  ASSERT_OK(Record("s6", WorkOnRow()));
  ASSERT_OK(Record("s2", TaskDone("TIMELINE")));
  ASSERT_OK(Record("s8", TaskDone("MIDPOINT_REVIEW")));
  pb::ListSessionWorkRequest request;
  EXPECT_THAT(ListedWork(request), ElementsAre("s2", "s6", "s8"));
  request.set_page_size(1);
  EXPECT_THAT(ListedWork(request), ElementsAre("s2", "s6", "s8"));
  request.add_phases(scheduling::v1::PHASE_INITIAL);
  EXPECT_THAT(ListedWork(request), ElementsAre("s2"));
  request.clear_phases();
  request.set_problem_area(absl::StrCat(kCourse, "/problemAreas/row"));
  EXPECT_THAT(ListedWork(request), ElementsAre("s6"));
  request.set_parent(kCourse);
  request.set_problem_area("clinics/north/courses/k2/problemAreas/row");
  request.add_phases(scheduling::v1::PHASE_UNSPECIFIED);
  EXPECT_THAT(handler_.ListSessionWork(ReadCall(), request),
              HasBadFields("problem_area", "phases[0]"));
  // The last one was moved to before the first.
  SessionNumber(8).start = SessionNumber(1).start - absl::Hours(1);
  EXPECT_THAT(ListedWork(), ElementsAre("s8", "s2", "s6"));
  // Where nothing is known of the sessions, as it was recorded.
  NothingIsKnown();
  EXPECT_THAT(ListedWork(), ElementsAre("s6", "s2", "s8"));
  CourseIsAbsent();
  request.Clear();
  request.set_parent(kCourse);
  EXPECT_THAT(handler_.ListSessionWork(ReadCall(), request), StatusIs(absl::StatusCode::kNotFound));
}

// -------------------------------------------------------------------------------------- the ending

TEST_P(ProtocolHandlerTest, AnEndingIsWrittenAndChangedByItsMask) {
  NewEvents();
  ASSERT_OK_AND_ASSIGN(const pb::Termination none, GetEnding());
  EXPECT_EQ(none.name(), absl::StrCat(kCourse, "/termination"));
  EXPECT_EQ(none.revision(), 0);
  EXPECT_EQ(none.etag(), "");
  EXPECT_TRUE(none.scheduling().current());
  pb::Termination ending;
  ending.set_gains("Says what she wants.");
  ending.set_remaining_difficulties("Sundays.");
  ending.set_feelings_about_ending("Sad, and proud.");
  ending.add_early_warning_signs("I stop answering.");
  ending.add_risk_situations("Christmas.");
  ending.add_plan_steps("Ring M.");
  pb::HelpContact* contact = ending.add_contacts();
  contact->set_display_name("GP practice");
  contact->set_how("mornings");
  ending.mutable_plan_given_on()->set_year(2026);
  ending.mutable_plan_given_on()->set_month(2);
  ending.mutable_plan_given_on()->set_day(23);
  ending.set_nonresponse_plan("Medication.");
  ending.set_continuation(pb::CONTINUATION_DECISION_FOLLOW_UP);
  ending.set_continuation_note("Once, in June.");
  *ending.mutable_decided_on() = ending.plan_given_on();
  ASSERT_OK_AND_ASSIGN(const pb::Termination first, UpdateEnding(ending));
  EXPECT_EQ(GetEnding()->SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(first.contacts(0).how(), "mornings");
  EXPECT_EQ(first.decided_on().day(), 23);
  EXPECT_EQ(first.continuation(), pb::CONTINUATION_DECISION_FOLLOW_UP);
  EXPECT_EQ(first.caller(), "tester");
  EXPECT_THAT(NewEvents(), ElementsAre("TERMINATION_CHANGED"));

  pb::Termination change;
  change.add_plan_steps("Ring M.");
  change.add_plan_steps("Then the practice.");
  change.set_etag(first.etag());
  ASSERT_OK_AND_ASSIGN(const pb::Termination second,
                       UpdateEnding(change, {"plan_steps", "decided_on"}));
  EXPECT_EQ(second.plan_steps_size(), 2);
  EXPECT_FALSE(second.has_decided_on());
  EXPECT_EQ(second.gains(), "Says what she wants.");
  EXPECT_THAT(UpdateEnding(change, {"plan_steps"}),
              FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  change.clear_etag();
  change.mutable_plan_given_on()->set_year(2026);
  change.mutable_plan_given_on()->set_month(13);
  EXPECT_THAT(UpdateEnding(change), HasBadFields("termination.plan_given_on"));
  change.clear_plan_given_on();
  change.add_contacts();
  EXPECT_THAT(UpdateEnding(change), HasBadFields("termination.contacts[0].display_name"));
  change.clear_contacts();
  auto tried = EndingOf(change);
  tried.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(const pb::Termination only,
                       handler_.UpdateTermination(WriteCall(tried), tried));
  EXPECT_EQ(only.revision(), 0);
  EXPECT_EQ(GetEnding()->revision(), second.revision());
}

TEST_P(ProtocolHandlerTest, AnEndingSaysWhenItWasRaised) {
  EXPECT_EQ(GetEnding()->raised_in(), "");
  EXPECT_FALSE(GetEnding()->has_sessions_left_when_raised());
  ASSERT_OK(Record("s8", TaskDone("TERMINATION_RAISED")));
  ASSERT_OK(Record("s6", TaskDone("TERMINATION_RAISED")));
  EXPECT_EQ(GetEnding()->raised_in(), Session("s6"));
  EXPECT_EQ(GetEnding()->sessions_left_when_raised(), 10);
  // It turned out that nobody came.
  SessionNumber(6).state = CopiedSessionState::kNoShow;
  EXPECT_EQ(GetEnding()->raised_in(), Session("s8"));
}

TEST_P(ProtocolHandlerTest, AnEndingOfAClosedCourseCanBeWrittenWhileSchedulingIsThere) {
  course().state = courses::CopiedCourseState::kCompleted;
  course().closed_at = now_ - absl::Hours(1);
  pb::Termination ending;
  ending.set_gains("A good deal.");
  ASSERT_OK(UpdateEnding(ending));
  SchedulingIsAway();
  EXPECT_THAT(UpdateEnding(ending), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(GetEnding()->scheduling().current());
  NothingIsKnown();
  EXPECT_EQ(GetEnding()->gains(), "A good deal.");
  CourseIsAbsent();
  EXPECT_THAT(GetEnding(), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(UpdateEnding(ending), StatusIs(absl::StatusCode::kNotFound));
}

// -------------------------------------------------------------------------------------- adherence

TEST_P(ProtocolHandlerTest, AProfileIsMadeOfWhatWasRecorded) {
  Agree();
  ASSERT_OK(Record("s2", TaskDone("TIMELINE")));
  ASSERT_OK(Record("s6", WorkOnRow()));
  ASSERT_OK(Record("s7", TaskDone("MOOD_REVIEW")));
  ASSERT_OK(Record("s8", TaskDone("MIDPOINT_REVIEW")));
  ASSERT_OK_AND_ASSIGN(const pb::ProtocolAdherence profile, Adherence());
  EXPECT_EQ(profile.course(), kCourse);
  EXPECT_EQ(profile.protocol(), "clinics/north/protocols/ipt-uk-16--ipt-uk");
  EXPECT_EQ(profile.protocol_version(), protocol_.version);
  EXPECT_EQ(profile.policy_version(), 0);
  ASSERT_EQ(profile.phases_size(), 3);
  const pb::PhaseAdherence& initial = profile.phases(0);
  EXPECT_EQ(initial.phase(), scheduling::v1::PHASE_INITIAL);
  EXPECT_EQ(initial.span().last_session(), 4);
  EXPECT_EQ(initial.expected(),
            initial.done() + initial.late() + initial.missing() + initial.open());
  // TIMELINE, and by the agreement FOCUS_SELECTION, FORMULATION and GOALS.
  EXPECT_EQ(initial.done(), 4);
  EXPECT_EQ(initial.open(), 0);
  for (const pb::TaskProgress& task : initial.tasks()) {
    if (task.task() == "TIMELINE") {
      EXPECT_EQ(task.done_session(), Session("s2"));
      EXPECT_FALSE(task.inferred());
    }
    if (task.task() == "GOALS") {
      EXPECT_EQ(task.done_session_number(), 4);
      EXPECT_TRUE(task.inferred());
    }
  }
  EXPECT_EQ(profile.focus_agreed_session_number(), 4);
  EXPECT_EQ(profile.first_agreed_on().day(), 26);
  EXPECT_EQ(profile.focus_agreed_in_time(), pb::ADHERENCE_VERDICT_YES);
  EXPECT_EQ(profile.formulation_before_middle(), pb::ADHERENCE_VERDICT_YES);
  EXPECT_EQ(profile.agreed_formulations(), 1);
  EXPECT_EQ(profile.midpoint_review_in_time(), pb::ADHERENCE_VERDICT_YES);
  EXPECT_FALSE(profile.has_sessions_left_when_ending_raised());
  EXPECT_EQ(profile.ending_raised_in_time(), pb::ADHERENCE_VERDICT_NOT_YET);
  EXPECT_EQ(profile.sessions_recorded().count(), 4);
  EXPECT_EQ(profile.sessions_recorded().of(), 8);
  EXPECT_EQ(profile.middle_sessions_with_focus_work().count(), 1);
  EXPECT_EQ(profile.middle_sessions_with_focus_work().of(), 3);
  EXPECT_EQ(profile.sessions_with_technique().count(), 1);
  ASSERT_EQ(profile.techniques_size(), 1);
  EXPECT_EQ(profile.techniques(0).technique(), protocol_.techniques[0].code);
  EXPECT_EQ(profile.techniques(0).display_name(), protocol_.techniques[0].name);
  EXPECT_EQ(profile.techniques(0).sessions(), 1);
  int uses = 0;
  for (const pb::FamilyCount& family : profile.families()) uses += family.uses();
  EXPECT_EQ(uses, 1);
  EXPECT_GT(profile.revision(), 0);
  EXPECT_TRUE(profile.scheduling().current());
  // What a policy says of it holds at once.
  pb::FormulationPolicy policy;
  policy.set_focus_by_session(3);
  SetPolicy(policy);
  EXPECT_EQ(Adherence()->policy_version(), 1);
  EXPECT_EQ(Adherence()->focus_agreed_in_time(), pb::ADHERENCE_VERDICT_NO);
}

TEST_P(ProtocolHandlerTest, AProfileOfNothingSaysThatNothingWasAgreed) {
  ASSERT_OK_AND_ASSIGN(const pb::ProtocolAdherence profile, Adherence());
  EXPECT_FALSE(profile.has_focus_agreed_session_number());
  EXPECT_FALSE(profile.has_first_agreed_on());
  EXPECT_EQ(profile.midpoint_review_in_time(), pb::ADHERENCE_VERDICT_NOT_EVALUATED);
  SchedulingIsAway();
  EXPECT_FALSE(Adherence()->scheduling().current());
  NothingIsKnown();
  EXPECT_THAT(Adherence(), StatusIs(absl::StatusCode::kUnavailable));
  CourseIsAbsent();
  EXPECT_THAT(Adherence(), StatusIs(absl::StatusCode::kNotFound));
}

// --------------------------------------------------------------------------------------- findings

TEST_P(ProtocolHandlerTest, FindsAFocusThatIsNotAgreed) {
  IsGoneAfter("FOCUS_NOT_AGREED", pb::FINDING_RULE_FOCUS_NOT_AGREED, [&] { Agree(); });
}

TEST_P(ProtocolHandlerTest, FindsAProposalThatWaits) {
  Attended(4);
  SetUpParts();
  Propose();
  EXPECT_THAT(Findings(), Not(Contains("PROPOSAL_WAITING")));
  Attended(5);
  IsGoneAfter("PROPOSAL_WAITING", pb::FINDING_RULE_PROPOSAL_WAITING, [&] {
    Do([&](FormulationTx& tx) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const CourseFormulation before, tx.GetFormulation("north", "k1"));
      return WithdrawProposal(tx, ReadCall(), before, before.pending->stamp.revision,
                              "They want to think.")
          .status();
    });
  });
}

TEST_P(ProtocolHandlerTest, FindsWorkThatIsNotRecorded) {
  IsGoneAfter("WORK_NOT_RECORDED", pb::FINDING_RULE_WORK_NOT_RECORDED,
              [&] { ASSERT_OK(Record("s7", TaskDone("MOOD_REVIEW"))); });
}

TEST_P(ProtocolHandlerTest, FindsASessionWithoutFocusWork) {
  Agree();
  ASSERT_OK(Record("s8", TaskDone("MOOD_REVIEW")));
  IsGoneAfter("SESSION_WITHOUT_FOCUS_WORK", pb::FINDING_RULE_SESSION_WITHOUT_FOCUS_WORK,
              [&] { ASSERT_OK(Record("s8", WorkOnRow())); });
}

TEST_P(ProtocolHandlerTest, FindsASessionWithoutTechnique) {
  ASSERT_OK(Record("s8", TaskDone("MOOD_REVIEW")));
  IsGoneAfter("SESSION_WITHOUT_TECHNIQUE", pb::FINDING_RULE_SESSION_WITHOUT_TECHNIQUE, [&] {
    pb::SessionWork work;
    work.add_techniques(protocol_.techniques[0].code);
    ASSERT_OK(Record("s8", work));
  });
}

TEST_P(ProtocolHandlerTest, FindsAMidpointReviewThatWasMissed) {
  Attended(9);
  IsGoneAfter("MIDPOINT_REVIEW_MISSED", pb::FINDING_RULE_MIDPOINT_REVIEW_MISSED,
              [&] { ASSERT_OK(Record("s9", TaskDone("MIDPOINT_REVIEW"))); });
}

TEST_P(ProtocolHandlerTest, FindsAnEndingThatWasNotRaised) {
  Attended(14);
  IsGoneAfter("TERMINATION_NOT_RAISED", pb::FINDING_RULE_TERMINATION_NOT_RAISED,
              [&] { ASSERT_OK(Record("s14", TaskDone("TERMINATION_RAISED"))); });
}

TEST_P(ProtocolHandlerTest, FindsATaskThatIsOverdue) {
  IsGoneAfter("TASK_OVERDUE:TIMELINE", pb::FINDING_RULE_TASK_OVERDUE,
              [&] { ASSERT_OK(Record("s8", TaskDone("TIMELINE"))); });
}

TEST_P(ProtocolHandlerTest, FindsAContractThatIsNotTheCoursesPlan) {
  FormulationContent content = FormulationWorld::Complete();
  content.contract.sessions = 12;
  Agree(content);
  IsGoneAfter("CONTRACT_DIFFERS", pb::FINDING_RULE_CONTRACT_DIFFERS,
              [&] { course().planned_sessions = 12; });
}

TEST_P(ProtocolHandlerTest, FindsAFocusWithoutAGoal) {
  Agree();
  MoveGoal(GoalState::kAbandoned);
  IsGoneAfter("FOCUS_WITHOUT_GOAL:row", pb::FINDING_RULE_FOCUS_WITHOUT_GOAL,
              [&] { MoveGoal(GoalState::kActive); });
}

TEST_P(ProtocolHandlerTest, FindsGoalsThatWereLeftOpen) {
  Agree();
  course().state = courses::CopiedCourseState::kCompleted;
  course().closed_at = now_;
  IsGoneAfter("GOALS_LEFT_OPEN", pb::FINDING_RULE_GOALS_LEFT_OPEN,
              [&] { MoveGoal(GoalState::kAchieved); });
}

TEST_P(ProtocolHandlerTest, AFindingSaysByWhatItShows) {
  pb::FormulationPolicy policy;
  policy.set_record_days(7);
  SetPolicy(policy);
  ASSERT_OK_AND_ASSIGN(const pb::ListFindingsResponse all, List({}));
  EXPECT_TRUE(all.scheduling().current());
  const pb::Finding& timeline =
      *std::find_if(all.findings().begin(), all.findings().end(),
                    [](const pb::Finding& finding) { return finding.task() == "TIMELINE"; });
  EXPECT_EQ(timeline.course(), kCourse);
  EXPECT_EQ(timeline.rule(), pb::FINDING_RULE_TASK_OVERDUE);
  EXPECT_EQ(timeline.rule_version(), 1);
  EXPECT_EQ(timeline.severity(), pb::FINDING_SEVERITY_OVERDUE);
  EXPECT_NE(timeline.message(), "");
  EXPECT_EQ(timeline.therapist(), "clinics/north/therapists/ana");
  EXPECT_EQ(timeline.session(), Session("s4"));
  EXPECT_EQ(timeline.session_number(), 4);
  EXPECT_EQ(timeline.due_session_number(), 4);
  EXPECT_EQ(timeline.since_date().day(), 26);
  EXPECT_EQ(timeline.phase(), scheduling::v1::PHASE_INITIAL);
  EXPECT_EQ(timeline.protocol(), "clinics/north/protocols/ipt-uk-16--ipt-uk");
  EXPECT_EQ(timeline.protocol_version(), protocol_.version);
  EXPECT_EQ(timeline.policy_version(), 1);
  EXPECT_TRUE(timeline.scheduling().current());
}

TEST_P(ProtocolHandlerTest, FindingsAreChosenByRuleSeverityAndTherapist) {
  Agree();
  ASSERT_OK(Record("s8", TaskDone("MOOD_REVIEW")));
  pb::ListFindingsRequest request;
  request.add_rules(pb::FINDING_RULE_SESSION_WITHOUT_FOCUS_WORK);
  request.add_rules(pb::FINDING_RULE_SESSION_WITHOUT_TECHNIQUE);
  EXPECT_THAT(Findings(request),
              ElementsAre("SESSION_WITHOUT_FOCUS_WORK", "SESSION_WITHOUT_TECHNIQUE"));
  request.set_least_severity(pb::FINDING_SEVERITY_REVIEW);
  EXPECT_THAT(Findings(request), ElementsAre("SESSION_WITHOUT_FOCUS_WORK"));
  request.set_therapist("clinics/north/therapists/ana");
  EXPECT_THAT(Findings(request), SizeIs(1));
  request.set_therapist("clinics/north/therapists/ben");
  EXPECT_THAT(Findings(request), IsEmpty());
  request.add_rules(pb::FINDING_RULE_UNSPECIFIED);
  EXPECT_THAT(List(request), HasBadFields("rules[2]"));
}

TEST_P(ProtocolHandlerTest, FindingsGoOnFromTheCopyAndAreNoneWhereNothingIsKnown) {
  SchedulingIsAway();
  ASSERT_OK_AND_ASSIGN(auto findings, List({}));
  EXPECT_GT(findings.findings_size(), 0);
  EXPECT_FALSE(findings.scheduling().current());
  EXPECT_EQ(findings.scheduling().as_of_time().seconds(), absl::ToUnixSeconds(now_) - 3600);
  EXPECT_FALSE(findings.findings(0).scheduling().current());
  NothingIsKnown();
  ASSERT_OK_AND_ASSIGN(findings, List({}));
  EXPECT_THAT(findings.findings(), IsEmpty());
  EXPECT_FALSE(findings.scheduling().has_as_of_time());
  CourseIsAbsent();
  EXPECT_THAT(List({}), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(ProtocolHandlerTest, AClinicsFindingsComeByCourseInPages) {
  for (const char* id : {"k1", "k2", "k3"}) {
    courses::CopiedCourse open = CourseOf("ipt-uk-16", 4);
    open.course_id = id;
    if (open.course_id == "k2") open.therapist_id = "ben";
    lister_.listed.courses.push_back(std::move(open));
  }
  lister_.listed.courses.push_back(CourseOf("ipt-uk-16", 4));
  lister_.listed.courses.back().course_id = "k4";
  lister_.listed.courses.back().state = courses::CopiedCourseState::kCompleted;
  lister_.listed.courses.back().closed_at = now_;
  lister_.listed.age = {.as_of = now_ - absl::Minutes(5), .current = false};
  pb::ListFindingsRequest request;
  request.set_parent("clinics/north/courses/-");
  const std::vector<std::string> all = Findings(request);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.substr(0, 2) < b.substr(0, 2);
  }));
  EXPECT_THAT(all, Contains("k3 FOCUS_NOT_AGREED"));
  EXPECT_THAT(all, Each(Not(::testing::StartsWith("k4"))));
  for (const int size : {1, 2, 7, 1000}) {
    request.set_page_size(size);
    EXPECT_EQ(Findings(request), all) << size;
  }
  request.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(const auto page, List(request));
  EXPECT_EQ(page.findings_size(), 1);
  EXPECT_FALSE(page.scheduling().current());
  EXPECT_EQ(page.scheduling().as_of_time().seconds(), absl::ToUnixSeconds(now_) - 300);
  EXPECT_EQ(page.findings(0).scheduling().as_of_time().seconds(),
            page.scheduling().as_of_time().seconds());
  // What is gone by the next page leaves out nothing that is there.
  request.set_page_token(page.next_page_token());
  lister_.listed.courses.erase(lister_.listed.courses.begin());
  EXPECT_THAT(Findings(request)[0], ::testing::StartsWith("k2"));
  request.clear_page_token();
  request.set_therapist("clinics/north/therapists/ben");
  EXPECT_THAT(Findings(request), Each(::testing::StartsWith("k2")));
  request.set_page_token(page.next_page_token());
  EXPECT_THAT(List(request), HasBadFields("page_token"));
}

TEST_P(ProtocolHandlerTest, APageOfAClinicsFindingsLooksAtABoundedNumberOfCourses) {
  for (int i = 0; i < 2100; ++i) {
    courses::CopiedCourse open = CourseOf("ipt-uk-16", i == 0 || i == 2099 ? 4 : 0);
    open.course_id = absl::StrCat("k", 10000 + i);
    lister_.listed.courses.push_back(std::move(open));
  }
  lister_.listed.age = {.as_of = now_, .current = true};
  pb::ListFindingsRequest request;
  request.set_parent("clinics/north/courses/-");
  request.add_rules(pb::FINDING_RULE_FOCUS_NOT_AGREED);
  EXPECT_THAT(Findings(request), ElementsAre("k10000 FOCUS_NOT_AGREED", "k12099 FOCUS_NOT_AGREED"));
  ASSERT_OK_AND_ASSIGN(auto page, List(request));
  EXPECT_EQ(page.findings_size(), 1);
  request.set_page_token(page.next_page_token());
  ASSERT_OK_AND_ASSIGN(page, List(request));
  EXPECT_EQ(page.findings_size(), 0);
  EXPECT_NE(page.next_page_token(), "");
}

// ------------------------------------------------------------------------------------ other
// clinics

TEST_P(ProtocolHandlerTest, AnotherClinicSeesNothing) {
  Agree();
  ASSERT_OK(Record("s7", WorkOnRow()));
  pb::Termination ending;
  ending.set_gains("A good deal.");
  ASSERT_OK(UpdateEnding(ending));
  EXPECT_EQ(GetWork("s7", "south")->revision(), 0);
  EXPECT_EQ(GetWork("s7", "south")->techniques_size(), 0);
  EXPECT_EQ(GetEnding("south")->gains(), "");
  EXPECT_EQ(Guide("s9", "south")->focus_size(), 0);
  EXPECT_EQ(Adherence("south")->sessions_recorded().count(), 0);
  EXPECT_EQ(Adherence("south")->agreed_formulations(), 0);
  pb::ListSessionWorkRequest request;
  request.set_parent("clinics/south/courses/k1");
  ASSERT_OK_AND_ASSIGN(const auto listed, handler_.ListSessionWork(ReadCall("south"), request));
  EXPECT_THAT(listed.session_work(), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto findings, List({}, "south"));
  EXPECT_EQ(findings.findings(0).rule(), pb::FINDING_RULE_FOCUS_NOT_AGREED);
}

TEST_P(ProtocolHandlerTest, ReadsAreAsNewAsTheyAreAskedToBe) {
  ASSERT_OK_AND_ASSIGN(const pb::SessionWork work, Record("s7", TaskDone("MOOD_REVIEW")));
  pb::GetSessionGuideRequest guide;
  guide.set_session(Session("s9"));
  guide.set_min_revision(work.revision());
  EXPECT_OK(handler_.GetSessionGuide(ReadCall(), guide));
  guide.set_min_revision(work.revision() + 1000);
  EXPECT_THAT(handler_.GetSessionGuide(ReadCall(), guide),
              FailsWith(absl::StatusCode::kFailedPrecondition, "REVISION_NOT_REACHED"));
  pb::ListFindingsRequest findings;
  findings.set_min_revision(work.revision() + 1000);
  EXPECT_THAT(List(findings),
              FailsWith(absl::StatusCode::kFailedPrecondition, "REVISION_NOT_REACHED"));
}

}  // namespace
}  // namespace ipt::formulation
