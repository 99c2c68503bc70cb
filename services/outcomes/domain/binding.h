// Where a measurement stands in its course: session, week, phase, part; as far as the course is
// known. What could not be checked is said to be unverified, and never guessed.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "course_copies/domain/course_copies.h"
#include "outcomes/domain/types.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {

// What is known of the course that a measurement, of this session (empty: none stated), is bound
// to; as it is before the transaction, since asking may wait for scheduling. Without a directory
// (null) nothing is.
absl::StatusOr<courses::CourseAnswer> FindCourseOf(courses::CourseDirectory* courses,
                                                   const CallContext& ctx,
                                                   absl::string_view course_id,
                                                   absl::string_view session_id);

// Sets the binding of `measurement` (whose course, session and time of completion are stated) and
// what of it is unverified. Without a stated session: the one on whose day it was completed, or up
// to three days before.
//
// NOT_FOUND where scheduling says that there is no such course, or no such session of it.
absl::Status BindToCourse(const courses::CourseAnswer& course, Measurement& measurement);

}  // namespace ipt::outcomes
