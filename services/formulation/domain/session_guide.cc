#include "formulation/domain/session_guide.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "absl/algorithm/container.h"

namespace ipt::formulation {
namespace {

class GuideWriter {
 public:
  GuideWriter(const CourseFacts& facts, const std::vector<ProblemArea>& areas,
              const courses::CopiedSession& session)
      : facts_(facts), areas_(areas), session_(session) {}

  SessionGuide Run(absl::Time now) {
    out_.session_id = session_.session_id;
    out_.standing = StandingAt(facts_.view, session_);
    if (out_.standing.phase.has_value()) AddTasks(*out_.standing.phase);
    AddFocus();
    AddTechniques();
    out_.findings = EvaluateFindings(facts_, now);
    out_.work_recorded = facts_.records.FindWork(session_.session_id) != nullptr;
    CiteSources();
    return std::move(out_);
  }

 private:
  void AddTasks(Phase phase) {
    std::vector<TaskProgress> each;
    std::vector<TaskProgress> overdue;
    std::vector<TaskProgress> open;
    for (TaskProgress& progress : ProgressOf(facts_, out_.standing.session_number)) {
      if (progress.of_each_session()) {
        if (progress.task->OfferedIn(phase)) each.push_back(std::move(progress));
      } else if (progress.state == TaskState::kOverdue) {
        overdue.push_back(std::move(progress));
      } else if (progress.state == TaskState::kOpen) {
        open.push_back(std::move(progress));
      }
    }
    absl::c_stable_sort(open, [](const TaskProgress& a, const TaskProgress& b) {
      return a.due_session_number < b.due_session_number;
    });
    for (std::vector<TaskProgress>* list : {&each, &overdue, &open}) {
      absl::c_move(*list, std::back_inserter(out_.tasks));
    }
  }

  // The phase of the session; of one without a number, of the next that has one.
  Phase PhaseOfWork() const {
    const int number = out_.standing.session_number;
    return facts_.view.PhaseOf(number > 0 ? number : facts_.view.LastUsed() + 1)
        .value_or(Phase::kInitial);
  }

  bool IsEarlier(const UsedSession& session) const {
    return session.session->start < session_.start;
  }

  // The work in an area in sessions before this one.
  void CountEarlier(GuideFocus& focus) const {
    for (const UsedSession& session : facts_.view.attended()) {
      const RecordedWork* work = facts_.WorkOf(session);
      if (work == nullptr || !IsEarlier(session)) continue;
      for (const FocusWork& done : work->focus_work) {
        if (done.problem_area_id != focus.problem_area_id) continue;
        focus.last_worked_session_number = session.number;
        for (GuideStrategy& strategy : focus.strategies) {
          if (absl::c_linear_search(done.strategies, strategy.strategy->code)) {
            ++strategy.sessions_used;
          }
        }
      }
    }
  }

  void AddFocus() {
    const AgreedFormulation* current = facts_.records.current();
    if (current == nullptr) return;
    const Phase phase = PhaseOfWork();
    for (const FocusSnapshot& agreed : current->focus) {
      GuideFocus& focus = out_.focus.emplace_back();
      focus.position = agreed.position;
      focus.problem_area_id = agreed.problem_area_id;
      focus.kind = agreed.kind;
      for (const ProblemArea& area : areas_) {
        if (area.problem_area_id == agreed.problem_area_id) focus.dispute_stage = area.stage();
      }
      const Area* defined = facts_.protocol.FindArea(CodeOf(agreed.kind));
      if (defined == nullptr) {
        focus.kind_display_name = NameElsewhere(agreed.kind);
        CountEarlier(focus);
        continue;
      }
      focus.kind_display_name = defined->name;
      const absl::string_view stage = CodeOf(focus.dispute_stage);
      for (const Strategy* strategy : defined->StrategiesIn(phase, stage)) {
        focus.strategies.push_back({strategy, 0});
      }
      focus.questions = defined->QuestionsIn(phase, stage);
      focus.techniques = defined->TechniquesIn(phase, stage);
      CountEarlier(focus);
    }
  }

  // Of an area that the clinic's tradition does not have.
  std::string NameElsewhere(ProblemAreaKind kind) const {
    for (const AreaLeftOut& area : facts_.protocol.areas_left_out) {
      if (area.code == CodeOf(kind)) return area.name;
    }
    return "";
  }

  void AddTechniques() {
    for (const Technique& technique : facts_.protocol.techniques) {
      out_.techniques.push_back(&technique);
    }
    std::stable_partition(out_.techniques.begin(), out_.techniques.end(),
                          [&](const Technique* technique) {
                            return absl::c_any_of(out_.focus, [&](const GuideFocus& focus) {
                              return absl::c_linear_search(focus.techniques, technique->code);
                            });
                          });
  }

  void CiteSources() {
    std::set<std::string> cited;
    const auto cite = [&](const Basis& basis) {
      cited.insert(basis.sources.begin(), basis.sources.end());
    };
    for (const TaskProgress& progress : out_.tasks) {
      cite(progress.task->basis);
      for (const Question& question : progress.task->questions) cite(question.basis);
    }
    for (const GuideFocus& focus : out_.focus) {
      for (const GuideStrategy& strategy : focus.strategies) cite(strategy.strategy->basis);
      for (const Question* question : focus.questions) cite(question->basis);
    }
    for (const Technique* technique : out_.techniques) cite(technique->basis);
    for (const Source& source : facts_.protocol.sources) {
      if (cited.contains(source.key)) out_.sources.push_back(&source);
    }
  }

  const CourseFacts& facts_;
  const std::vector<ProblemArea>& areas_;
  const courses::CopiedSession& session_;
  SessionGuide out_;
};

}  // namespace

CourseStanding StandingAt(const CourseView& view, const courses::CopiedSession& session) {
  const courses::CopiedCourse& course = view.course();
  return {.session_number = session.number,
          .planned_sessions = view.planned_sessions(),
          .sessions_left =
              view.SessionsLeftAfter(session.number > 0 ? session.number : view.LastUsed()),
          .week_number = session.week,
          .duration_weeks = course.duration_weeks,
          .phase = view.PhaseOf(session.number),
          .mid_course_session = view.mid_course_session(),
          .termination_session = view.FirstOf(Phase::kEnding).value_or(0),
          .deadline_day = course.deadline_day};
}

SessionGuide GuideFor(const CourseFacts& facts, const std::vector<ProblemArea>& areas,
                      const courses::CopiedSession& session, absl::Time now) {
  return GuideWriter(facts, areas, session).Run(now);
}

EndingRaised WhenRaised(const CourseFacts& facts) {
  const UsedSession* raised = FirstDone(facts, kTerminationRaised);
  if (raised == nullptr) return {};
  return {raised->session->session_id, facts.view.SessionsLeftAfter(raised->number)};
}

}  // namespace ipt::formulation
