// How a course ended, and whether that is a drop-out: rates differ by the definition, so that every
// rate says which it is by.
//
// Pure functions, thread-safe.
#pragma once

#include "course_copies/domain/course_copies.h"

namespace ipt::outcomes {

enum class CourseEnd {
  kOpen,
  kCompleted,
  kAgreedEarly,  // finished early by agreement: never a drop-out
  kDroppedOut,   // ended by the patient, without agreement
  kOther,        // referred on, moved away, not suitable, deceased
};

CourseEnd EndOf(const courses::CopiedCourse& course);

// The contract's numbers.
enum class DropOutDefinition {
  // Ended without agreement, before the agreed number of sessions.
  kEndedWithoutAgreement = 1,
  // The same with less than half of the agreed sessions attended.
  kUnderHalfAttended,
  // Ended in any other way than completed or agreed.
  kAnyNonCompletion,
};

// `attended`: treatment sessions; `planned`: those agreed.
bool IsDropOut(DropOutDefinition definition, CourseEnd end, int attended, int planned);
// Whether a course is in a rate of drop-outs at all: by the first two definitions those that had
// started, by the last one also those that never did.
bool CountsForDropOut(DropOutDefinition definition, CourseEnd end, int attended);

}  // namespace ipt::outcomes
