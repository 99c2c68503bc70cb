#include "outcomes/domain/drop_out.h"

namespace ipt::outcomes {

CourseEnd EndOf(const courses::CopiedCourse& course) {
  if (!course.closed()) return CourseEnd::kOpen;
  if (course.state == courses::CopiedCourseState::kCompleted) return CourseEnd::kCompleted;
  if (course.closure_reason == courses::kClosedAgreedEarly) return CourseEnd::kAgreedEarly;
  return course.drop_out ? CourseEnd::kDroppedOut : CourseEnd::kOther;
}

bool CountsForDropOut(DropOutDefinition definition, CourseEnd end, int attended) {
  if (end == CourseEnd::kOpen) return false;
  return definition == DropOutDefinition::kAnyNonCompletion || attended > 0;
}

bool IsDropOut(DropOutDefinition definition, CourseEnd end, int attended, int planned) {
  if (end == CourseEnd::kOpen) return false;
  switch (definition) {
    case DropOutDefinition::kEndedWithoutAgreement:
      return end == CourseEnd::kDroppedOut && attended < planned;
    case DropOutDefinition::kUnderHalfAttended:
      return end == CourseEnd::kDroppedOut && 2 * attended < planned;
    case DropOutDefinition::kAnyNonCompletion:
      return end != CourseEnd::kCompleted && end != CourseEnd::kAgreedEarly;
  }
  return false;
}

}  // namespace ipt::outcomes
