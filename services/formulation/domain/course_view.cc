#include "formulation/domain/course_view.h"

#include <algorithm>
#include <iterator>

#include "absl/algorithm/container.h"
#include "platform/errors/status_macros.h"
#include "platform/zone/time_zone.h"

namespace ipt::formulation {

absl::StatusOr<CourseView> CourseView::Of(const courses::CopiedCourse& course,
                                          const Protocol& protocol) {
  CourseView view;
  view.course_ = &course;
  IPT_ASSIGN_OR_RETURN(view.zone_, StoredZone(course.time_zone));
  for (const courses::CopiedPhase& phase : course.phases) {
    view.phases_.push_back(
        {static_cast<Phase>(phase.phase), phase.first_session, phase.last_session});
  }
  view.planned_sessions_ = course.planned_sessions;
  if (view.phases_.empty()) view.phases_ = protocol.split.Phases();
  if (view.planned_sessions_ == 0) view.planned_sessions_ = protocol.split.sessions;
  for (const courses::CopiedSession& session : course.sessions) {
    if (!session.uses_session || session.number <= 0 ||
        session.state == courses::CopiedSessionState::kBooked) {
      continue;
    }
    view.used_.push_back(
        {&session, session.number, view.DayOf(session.start), session.IsTreatment()});
  }
  absl::c_stable_sort(
      view.used_, [](const UsedSession& a, const UsedSession& b) { return a.number < b.number; });
  absl::c_copy_if(view.used_, std::back_inserter(view.attended_),
                  [](const UsedSession& session) { return session.attended; });
  return view;
}

std::optional<int> CourseView::FirstOf(Phase phase) const {
  for (const PhaseSpan& span : phases_) {
    if (span.phase == phase) return span.first_session;
  }
  return std::nullopt;
}

int CourseView::FirstAfterInitial() const {
  for (const PhaseSpan& span : phases_) {
    if (span.phase == Phase::kInitial) return span.last_session + 1;
  }
  return 1;
}

std::optional<Phase> CourseView::PhaseOf(int number) const {
  if (number <= 0 || phases_.empty()) return std::nullopt;
  for (const PhaseSpan& span : phases_) {
    if (number <= span.last_session) return span.phase;
  }
  return phases_.back().phase;
}

int CourseView::SessionsLeftAfter(int number) const {
  return std::max(0, planned_sessions_ - number);
}

int CourseView::LastAttendedBy(absl::CivilDay day) const {
  int last = 0;
  for (const UsedSession& session : attended_) {
    if (session.day <= day) last = std::max(last, session.number);
  }
  return last;
}

const UsedSession* CourseView::FirstFrom(const std::vector<UsedSession>& sessions, int number) {
  const auto found =
      absl::c_find_if(sessions, [&](const UsedSession& s) { return s.number >= number; });
  return found == sessions.end() ? nullptr : &*found;
}

}  // namespace ipt::formulation
