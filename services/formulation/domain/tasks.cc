#include "formulation/domain/tasks.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"

namespace ipt::formulation {
namespace {

// The day since which what is stored says that a task is done.
std::optional<absl::CivilDay> StoredSince(const CourseRecords& records, absl::string_view task) {
  if (task == kFocusSelection || task == kFormulationTask || task == kGoalsTask) {
    if (!records.agreed.empty()) return records.agreed.front().agreed_on;
  }
  if (task == kContractTask) {
    for (const AgreedFormulation& agreed : records.agreed) {
      if (agreed.has_contract) return agreed.agreed_on;
    }
  }
  if (task == kRelapsePlan) return records.plan_given_on;
  return std::nullopt;
}

class ProgressSearch {
 public:
  ProgressSearch(const CourseFacts& facts, int at_number)
      : facts_(facts),
        counted_before_(at_number == 0 ? std::numeric_limits<int>::max() : at_number),
        next_(at_number == 0 ? facts.view.LastUsed() + 1 : at_number),
        closed_(at_number == 0 && facts.view.course().closed()) {}

  TaskProgress Of(const Task& task) const {
    TaskProgress progress{.task = &task};
    progress.due_session_number =
        DueSession(task, facts_.view.phases(), facts_.view.planned_sessions());
    CountSessions(task, progress);
    progress.state =
        progress.of_each_session() ? StateOfEach(task, progress) : StateOfOnce(task, progress);
    return progress;
  }

 private:
  void CountSessions(const Task& task, TaskProgress& progress) const {
    for (const UsedSession& session : facts_.view.attended()) {
      if (session.number >= counted_before_) break;
      const RecordedWork* work = facts_.WorkOf(session);
      if (work == nullptr) continue;
      if (progress.of_each_session()) {
        // What was done in a session of another phase was not asked for there.
        const std::optional<Phase> phase = facts_.view.PhaseOf(session.number);
        if (!phase.has_value() || !task.OfferedIn(*phase)) continue;
        ++progress.sessions_expected;
      }
      if (!IsDoneIn(*work, task.code)) continue;
      if (progress.sessions_done++ == 0) {
        progress.done_session_id = session.session->session_id;
        progress.done_session_number = session.number;
      }
    }
  }

  // Whether the phase of the next session is one of the task's, or later than its own.
  bool Offered(const Task& task) const {
    const std::optional<Phase> phase = facts_.view.PhaseOf(next_);
    if (!phase.has_value()) return false;
    if (task.due.by == DueBy::kSessionsLeft && task.due.from > 0 && *phase < task.phase &&
        facts_.view.SessionsLeftAfter(next_) > task.due.from) {
      return false;
    }
    return task.OfferedIn(*phase) || *phase > task.phase;
  }

  TaskState StateOfEach(const Task& task, const TaskProgress& progress) const {
    if (progress.sessions_expected > 0 && progress.sessions_done == progress.sessions_expected) {
      return TaskState::kDone;
    }
    if (closed_ && !task.optional) return TaskState::kMissed;
    return Offered(task) || progress.sessions_expected > 0 ? TaskState::kOpen
                                                           : TaskState::kUpcoming;
  }

  TaskState StateOfOnce(const Task& task, TaskProgress& progress) const {
    const auto in_time = [&](int number) {
      return number <= progress.due_session_number ? TaskState::kDone : TaskState::kDoneLate;
    };
    if (progress.sessions_done > 0) return in_time(progress.done_session_number);
    if (const auto since = StoredSince(facts_.records, task.code); since.has_value()) {
      progress.inferred = true;
      progress.done_session_number = facts_.view.LastAttendedBy(*since);
      if (const UsedSession* session =
              CourseView::FirstFrom(facts_.view.attended(), progress.done_session_number);
          progress.done_session_number > 0 && session != nullptr) {
        progress.done_session_id = session->session->session_id;
      }
      return in_time(progress.done_session_number);
    }
    if (!task.optional) {
      if (closed_) return TaskState::kMissed;
      const UsedSession* due =
          CourseView::FirstFrom(facts_.view.attended(), progress.due_session_number);
      if (due != nullptr && due->number < counted_before_) return TaskState::kOverdue;
    }
    return Offered(task) ? TaskState::kOpen : TaskState::kUpcoming;
  }

  const CourseFacts& facts_;
  const int counted_before_;
  const int next_;
  const bool closed_;
};

}  // namespace

std::vector<TaskProgress> ProgressOf(const CourseFacts& facts, int at_number) {
  const ProgressSearch search(facts, at_number);
  std::vector<TaskProgress> progress;
  for (const Task& task : facts.protocol.tasks) progress.push_back(search.Of(task));
  return progress;
}

const UsedSession* FirstDone(const CourseFacts& facts, absl::string_view task) {
  for (const UsedSession& session : facts.view.attended()) {
    const RecordedWork* work = facts.WorkOf(session);
    if (work != nullptr && IsDoneIn(*work, task)) return &session;
  }
  return nullptr;
}

bool IsDoneIn(const RecordedWork& work, absl::string_view task) {
  return absl::c_any_of(work.tasks, [&](const TaskWork& done) {
    return done.task == task && done.state == TaskWorkState::kDone;
  });
}

bool WorkedOnFocus(const CourseRecords& records, const RecordedWork& work, absl::CivilDay day) {
  const AgreedFormulation* held = records.HeldOn(day);
  if (held == nullptr) return false;
  return absl::c_any_of(work.focus_work, [&](const FocusWork& done) {
    return !done.strategies.empty() && absl::c_any_of(held->focus, [&](const FocusSnapshot& focus) {
      return focus.problem_area_id == done.problem_area_id;
    });
  });
}

}  // namespace ipt::formulation
