#include "formulation/domain/findings.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "formulation/domain/policy.h"
#include "formulation/domain/warnings.h"

namespace ipt::formulation {
namespace {

// Tasks that a rule of their own speaks of.
constexpr absl::string_view kSpokenOf[] = {kFocusSelection, kFormulationTask, kMidpointReview,
                                           kTerminationRaised};

// The last session that still leaves as many as the ending is to be raised before.
int TerminationDue(const CourseFacts& facts) {
  return std::max(1, facts.view.planned_sessions() -
                         TerminationSessionsBeforeEnd(facts.policy, facts.protocol));
}

class FindingSearch {
 public:
  FindingSearch(const CourseFacts& facts, absl::Time now)
      : facts_(facts), view_(facts.view), records_(facts.records), today_(view_.DayOf(now)) {}

  std::vector<Finding> Run() {
    FocusNotAgreed();
    ProposalWaiting();
    WorkNotRecorded();
    SessionWithoutFocusWork();
    SessionWithoutTechnique();
    MidpointReviewMissed();
    TerminationNotRaised();
    TasksOverdue();
    ContractDiffers();
    FocusWithoutGoal();
    GoalsLeftOpen();
    absl::c_stable_sort(findings_, [](const Finding& a, const Finding& b) {
      if (a.severity != b.severity) return a.severity > b.severity;
      return a.rule < b.rule;
    });
    return std::move(findings_);
  }

 private:
  // nullptr: the rule is off.
  Finding* Add(FindingRule rule, std::string message, absl::string_view of = "") {
    if (!IsOn(facts_.policy, rule)) return nullptr;
    Finding& finding = findings_.emplace_back();
    finding.course_id = view_.course().course_id;
    finding.finding_id = absl::StrCat(NameOf(rule), of.empty() ? "" : ":", of);
    finding.rule = rule;
    finding.severity = SeverityOf(rule);
    finding.message = std::move(message);
    finding.therapist_id = view_.course().therapist_id;
    finding.protocol_id = facts_.protocol.id;
    finding.protocol_version = facts_.protocol.version;
    finding.policy_version = facts_.policy.version;
    return &finding;
  }

  void ShowBy(const UsedSession& session, Finding* finding) const {
    if (finding == nullptr) return;
    finding->session_id = session.session->session_id;
    finding->session_number = session.number;
    if (!finding->since_day.has_value()) finding->since_day = session.day;
    if (!finding->phase.has_value()) finding->phase = view_.PhaseOf(session.number);
  }

  // Of sessions by number the last ones that are such, in order.
  template <typename IsSuch>
  static std::vector<const UsedSession*> LastInARow(const std::vector<const UsedSession*>& sessions,
                                                    const IsSuch& is_such) {
    const auto first = std::find_if_not(sessions.rbegin(), sessions.rend(), is_such).base();
    return {first, sessions.end()};
  }

  void FocusNotAgreed() {
    if (!records_.agreed.empty()) return;
    const UsedSession* passed = FocusDuePassed(facts_);
    if (passed == nullptr) return;
    Finding* finding = Add(FindingRule::kFocusNotAgreed,
                           "look at it: no formulation with its focus is agreed yet");
    if (finding == nullptr) return;
    finding->phase = Phase::kInitial;
    finding->due_session_number =
        std::max(1, std::min(facts_.policy.FocusBySession(), view_.FirstAfterInitial() - 1));
    ShowBy(*passed, finding);
  }

  void ProposalWaiting() {
    if (!records_.proposed_time.has_value()) return;
    const absl::CivilDay proposed = view_.DayOf(*records_.proposed_time);
    for (const UsedSession& session : view_.attended()) {
      if (session.day <= proposed) continue;
      ShowBy(session, Add(FindingRule::kProposalWaiting,
                          "look at it: a formulation was put to the patient, and a session was "
                          "held since, but it is neither agreed nor withdrawn"));
      return;
    }
  }

  void WorkNotRecorded() {
    const int days = facts_.policy.RecordDays();
    std::vector<const UsedSession*> sessions;
    for (const UsedSession& session : view_.attended()) {
      // The record of a session of these days may still come.
      if (facts_.WorkOf(session) == nullptr && today_ - session.day < days) continue;
      sessions.push_back(&session);
    }
    const auto row = LastInARow(
        sessions, [&](const UsedSession* session) { return facts_.WorkOf(*session) == nullptr; });
    const size_t most = facts_.policy.UnrecordedInARow();
    if (row.size() < most) return;
    Finding* finding =
        Add(FindingRule::kWorkNotRecorded, absl::StrCat("look at it: of the last ", row.size(),
                                                        " attended sessions no work is "
                                                        "recorded"));
    if (finding == nullptr) return;
    finding->since_day = row[most - 1]->day + days;
    ShowBy(*row.back(), finding);
  }

  void SessionWithoutFocusWork() {
    std::vector<const UsedSession*> sessions;
    for (const UsedSession& session : view_.attended()) {
      if (view_.PhaseOf(session.number) == Phase::kMiddle && facts_.WorkOf(session) != nullptr) {
        sessions.push_back(&session);
      }
    }
    const auto row = LastInARow(sessions, [&](const UsedSession* session) {
      return !WorkedOnFocus(records_, *facts_.WorkOf(*session), session->day);
    });
    const size_t most = facts_.policy.WithoutFocusWorkInARow();
    if (row.size() < most) return;
    const std::string sessions_named =
        row.size() == 1 ? "middle session" : absl::StrCat(row.size(), " middle sessions");
    Finding* finding = Add(FindingRule::kSessionWithoutFocusWork,
                           absl::StrCat("look at it: the last ", sessions_named,
                                        " with work recorded had no strategy of a focus"));
    if (finding == nullptr) return;
    finding->since_day = row[most - 1]->day;
    ShowBy(*row.back(), finding);
  }

  void SessionWithoutTechnique() {
    const UsedSession* last = nullptr;
    for (const UsedSession& session : view_.attended()) {
      if (facts_.WorkOf(session) != nullptr) last = &session;
    }
    if (last == nullptr || !facts_.WorkOf(*last)->techniques.empty()) return;
    ShowBy(*last, Add(FindingRule::kSessionWithoutTechnique,
                      "look at it: the last session with work recorded has no technique"));
  }

  void MidpointReviewMissed() {
    const UsedSession* passed = MidpointDuePassed(facts_);
    if (passed == nullptr || FirstDone(facts_, kMidpointReview) != nullptr) return;
    Finding* finding = Add(FindingRule::kMidpointReviewMissed,
                           "look at it: the midpoint review is not recorded as done");
    if (finding == nullptr) return;
    finding->phase = Phase::kMiddle;
    finding->due_session_number = view_.mid_course_session();
    ShowBy(*passed, finding);
  }

  void TerminationNotRaised() {
    const UsedSession* passed = TerminationDuePassed(facts_);
    if (passed == nullptr || FirstDone(facts_, kTerminationRaised) != nullptr) return;
    Finding* finding = Add(FindingRule::kTerminationNotRaised,
                           "look at it: few sessions are left, and the ending is not recorded as "
                           "raised");
    if (finding == nullptr) return;
    finding->phase = Phase::kEnding;
    finding->due_session_number = TerminationDue(facts_);
    ShowBy(*passed, finding);
  }

  void TasksOverdue() {
    for (const TaskProgress& progress : ProgressOf(facts_)) {
      const Task& task = *progress.task;
      if (task.optional || progress.of_each_session() || progress.done() ||
          absl::c_linear_search(kSpokenOf, task.code)) {
        continue;
      }
      const UsedSession* passed =
          CourseView::FirstFrom(view_.attended(), progress.due_session_number);
      if (passed == nullptr) continue;
      Finding* finding =
          Add(FindingRule::kTaskOverdue,
              absl::StrCat("look at it: ", task.name, " is not recorded as done"), task.code);
      if (finding == nullptr) continue;
      finding->task = task.code;
      finding->phase = task.phase;
      finding->due_session_number = progress.due_session_number;
      ShowBy(*passed, finding);
    }
  }

  void ContractDiffers() {
    const AgreedFormulation* current = records_.current();
    if (current == nullptr || ContractDifferences(current->contract, view_.course()).empty()) {
      return;
    }
    Finding* finding = Add(FindingRule::kContractDiffers,
                           "look at it: what was agreed on sessions, weeks or how often is not "
                           "the course's plan");
    if (finding != nullptr) finding->since_day = current->agreed_on;
  }

  void FocusWithoutGoal() {
    const AgreedFormulation* current = records_.current();
    if (current == nullptr) return;
    for (const FocusSnapshot& focus : current->focus) {
      absl::CivilDay since = current->agreed_on;
      bool left = false;
      for (const RecordedGoal& goal : records_.goals) {
        if (!IsOfFocus(goal, focus.problem_area_id, *current)) continue;
        left = left || goal.state == GoalState::kActive || goal.state == GoalState::kAchieved ||
               goal.state == GoalState::kPartlyAchieved;
        since = std::max(since, view_.DayOf(goal.state_time));
      }
      if (left) continue;
      Finding* finding = Add(FindingRule::kFocusWithoutGoal,
                             "look at it: a focus has no goal left that is active or reached",
                             focus.problem_area_id);
      if (finding == nullptr) continue;
      finding->problem_area_id = focus.problem_area_id;
      finding->since_day = since;
    }
  }

  // As it was agreed, or as it is now.
  static bool IsOfFocus(const RecordedGoal& goal, const std::string& area_id,
                        const AgreedFormulation& current) {
    return goal.problem_area_id == area_id ||
           absl::c_any_of(current.goals, [&](const GoalSnapshot& agreed) {
             return agreed.goal_id == goal.goal_id && agreed.problem_area_id == area_id;
           });
  }

  void GoalsLeftOpen() {
    const courses::CopiedCourse& course = view_.course();
    if (!course.closed() || absl::c_none_of(records_.goals, [](const RecordedGoal& goal) {
          return goal.state == GoalState::kActive;
        })) {
      return;
    }
    Finding* finding = Add(FindingRule::kGoalsLeftOpen,
                           "look at it: the course is closed, and goals are still active");
    if (finding != nullptr && course.closed_at.has_value()) {
      finding->since_day = view_.DayOf(*course.closed_at);
    }
  }

  const CourseFacts& facts_;
  const CourseView& view_;
  const CourseRecords& records_;
  const absl::CivilDay today_;
  std::vector<Finding> findings_;
};

}  // namespace

FindingSeverity SeverityOf(FindingRule rule) {
  switch (rule) {
    case FindingRule::kFocusNotAgreed:
    case FindingRule::kMidpointReviewMissed:
    case FindingRule::kTerminationNotRaised:
    case FindingRule::kTaskOverdue:
      return FindingSeverity::kOverdue;
    case FindingRule::kProposalWaiting:
    case FindingRule::kWorkNotRecorded:
    case FindingRule::kSessionWithoutFocusWork:
    case FindingRule::kFocusWithoutGoal:
      return FindingSeverity::kReview;
    case FindingRule::kSessionWithoutTechnique:
    case FindingRule::kContractDiffers:
    case FindingRule::kGoalsLeftOpen:
      return FindingSeverity::kInfo;
    case FindingRule::kUnspecified:
      break;
  }
  return FindingSeverity::kUnspecified;
}

absl::string_view NameOf(FindingRule rule) {
  static constexpr absl::string_view kNames[] = {
      "FINDING_RULE_UNSPECIFIED", "FOCUS_NOT_AGREED",           "PROPOSAL_WAITING",
      "WORK_NOT_RECORDED",        "SESSION_WITHOUT_FOCUS_WORK", "SESSION_WITHOUT_TECHNIQUE",
      "MIDPOINT_REVIEW_MISSED",   "TERMINATION_NOT_RAISED",     "TASK_OVERDUE",
      "CONTRACT_DIFFERS",         "FOCUS_WITHOUT_GOAL",         "GOALS_LEFT_OPEN"};
  return kNames[static_cast<int>(rule)];
}

std::vector<Finding> EvaluateFindings(const CourseFacts& facts, absl::Time now) {
  return FindingSearch(facts, now).Run();
}

const UsedSession* FocusDuePassed(const CourseFacts& facts) {
  // Whichever comes first: the policy's session, or the middle phase.
  const int due = std::min(facts.policy.FocusBySession(), facts.view.FirstAfterInitial());
  return CourseView::FirstFrom(facts.view.attended(), due);
}

const UsedSession* MidpointDuePassed(const CourseFacts& facts) {
  const Task* task = facts.protocol.FindTask(kMidpointReview);
  if (task == nullptr || task->optional) return nullptr;
  const int middle = facts.view.mid_course_session();
  const int grace = facts.policy.MidpointGraceSessions();
  if (grace == 0) return CourseView::FirstFrom(facts.view.attended(), middle);
  int beyond = 0;
  for (const UsedSession& session : facts.view.attended()) {
    if (session.number > middle && ++beyond == grace) return &session;
  }
  return nullptr;
}

const UsedSession* TerminationDuePassed(const CourseFacts& facts) {
  const Task* task = facts.protocol.FindTask(kTerminationRaised);
  if (task == nullptr || task->optional) return nullptr;
  return CourseView::FirstFrom(facts.view.used(), TerminationDue(facts));
}

}  // namespace ipt::formulation
