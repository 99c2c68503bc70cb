// Where a measurement stands in its course: session, week, phase, part; as far as the course is
// known. What could not be checked is said to be unverified, and never guessed.
#pragma once

#include "absl/status/status.h"
#include "outcomes/domain/course_copies.h"
#include "outcomes/domain/types.h"

namespace ipt::outcomes {

// Sets the binding of `measurement` (whose course, session and time of completion are stated) and
// what of it is unverified. Without a stated session: the one on whose day it was completed, or up
// to three days before.
//
// NOT_FOUND where scheduling says that there is no such course, or no such session of it.
absl::Status BindToCourse(const CourseAnswer& course, Measurement& measurement);

}  // namespace ipt::outcomes
