// What the protocol offers for a session: where the course is, which tasks are due, what can be
// done and asked in the focus. A help, not a rule.
//
// Pure functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "formulation/domain/findings.h"
#include "formulation/domain/protocol.h"
#include "formulation/domain/tasks.h"
#include "formulation/domain/types.h"

namespace ipt::formulation {

struct CourseStanding {
  int session_number = 0;  // 0: it uses up none
  int planned_sessions = 0;
  int sessions_left = 0;
  int week_number = 0;
  int duration_weeks = 0;
  std::optional<Phase> phase{};
  int mid_course_session = 0;
  int termination_session = 0;  // 0: the course has no ending phase
  std::optional<absl::CivilDay> deadline_day{};
  friend bool operator==(const CourseStanding&, const CourseStanding&) = default;
};

struct GuideStrategy {
  const Strategy* strategy = nullptr;
  int sessions_used = 0;  // earlier ones
};

struct GuideFocus {
  FocusPosition position = FocusPosition::kUnspecified;
  std::string problem_area_id{};
  ProblemAreaKind kind = ProblemAreaKind::kUnspecified;
  std::string kind_display_name{};
  DisputeStage dispute_stage = DisputeStage::kUnspecified;  // as it is recorded now
  std::vector<GuideStrategy> strategies{};
  std::vector<const Question*> questions{};
  std::vector<std::string> techniques{};  // codes
  int last_worked_session_number = 0;     // 0: none
};

// It points into the protocol, which must outlive it.
struct SessionGuide {
  std::string session_id{};
  CourseStanding standing{};
  std::vector<TaskProgress>
      tasks{};  // of each session, overdue, then open ones by when they are due
  std::vector<GuideFocus> focus{};
  std::vector<const Technique*> techniques{};  // those that serve the focus first
  std::vector<Finding> findings{};
  bool work_recorded = false;
  std::vector<const Source*> sources{};
};

CourseStanding StandingAt(const CourseView& view, const courses::CopiedSession& session);

// `areas`: the course's, as they are now. `session`: one of the course.
SessionGuide GuideFor(const CourseFacts& facts, const std::vector<ProblemArea>& areas,
                      const courses::CopiedSession& session, absl::Time now);

// What is said of the ending besides what was written of it.
struct EndingRaised {
  std::string session_id{};  // empty: in none
  std::optional<int> sessions_left{};
  friend bool operator==(const EndingRaised&, const EndingRaised&) = default;
};
EndingRaised WhenRaised(const CourseFacts& facts);

}  // namespace ipt::formulation
