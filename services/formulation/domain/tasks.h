// Where the protocol's tasks stand in a course, of recorded facts alone.
//
// Pure functions, thread-safe.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "formulation/domain/course_records.h"
#include "formulation/domain/course_view.h"
#include "formulation/domain/protocol.h"
#include "formulation/domain/types.h"

namespace ipt::formulation {

// Tasks that rules and records speak of by themselves.
inline constexpr absl::string_view kFocusSelection = "FOCUS_SELECTION";
inline constexpr absl::string_view kFormulationTask = "FORMULATION";
inline constexpr absl::string_view kGoalsTask = "GOALS";
inline constexpr absl::string_view kContractTask = "CONTRACT";
inline constexpr absl::string_view kMidpointReview = "MIDPOINT_REVIEW";
inline constexpr absl::string_view kTerminationRaised = "TERMINATION_RAISED";
inline constexpr absl::string_view kRelapsePlan = "RELAPSE_PLAN";

enum class TaskState { kUnspecified = 0, kUpcoming, kOpen, kOverdue, kDone, kDoneLate, kMissed };

struct TaskProgress {
  const Task* task = nullptr;  // the protocol's
  TaskState state = TaskState::kUnspecified;
  int due_session_number = 0;  // 0: of each session
  std::string done_session_id{};
  int done_session_number = 0;
  bool inferred = false;  // no session's work says that it is done, but what is stored does
  int sessions_done = 0;
  int sessions_expected = 0;  // of each session
  friend bool operator==(const TaskProgress&, const TaskProgress&) = default;

  bool of_each_session() const { return task->due.by == DueBy::kEachSession; }
  bool done() const { return state == TaskState::kDone || state == TaskState::kDoneLate; }
};

// What one course's guide, profile and findings are made of. The members must outlive it.
struct CourseFacts {
  const CourseView& view;
  const CourseRecords& records;
  const Protocol& protocol;
  const FormulationPolicy& policy;

  // nullptr: none is recorded.
  const RecordedWork* WorkOf(const UsedSession& session) const {
    return records.FindWork(session.session->session_id);
  }
};

// In the protocol's order. `at_number`: the session that is next, of which and after which nothing
// counts; 0: the one after all that were used up.
std::vector<TaskProgress> ProgressOf(const CourseFacts& facts, int at_number = 0);

// The first attended session whose work says that a task is done; nullptr: none does.
const UsedSession* FirstDone(const CourseFacts& facts, absl::string_view task);

bool IsDoneIn(const RecordedWork& work, absl::string_view task);
// A strategy was used in an area that was a focus on that day.
bool WorkedOnFocus(const CourseRecords& records, const RecordedWork& work, absl::CivilDay day);

}  // namespace ipt::formulation
