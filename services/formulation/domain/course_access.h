// What writes and reads have to know of the course in scheduling first, and the course's own
// sessions and days.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "platform/transaction/call_context.h"

namespace ipt::formulation {

// As it is before the transaction, since asking may wait for scheduling. `session_id` (empty:
// none): one that has to be known, too.
absl::StatusOr<courses::CourseAnswer> FindCourse(courses::CourseDirectory& courses,
                                                 const CallContext& ctx,
                                                 absl::string_view course_id,
                                                 absl::string_view session_id = "");
// For a write about `session_id` (empty: none): that it was not held is no older a copy's word,
// either.
absl::StatusOr<courses::CourseAnswer> FindCourseToWrite(courses::CourseDirectory& courses,
                                                        const CallContext& ctx,
                                                        absl::string_view course_id,
                                                        absl::string_view session_id);

// The course to write to, in `answer`. NOT_FOUND where scheduling says that there is none;
// UNAVAILABLE (PEER_UNAVAILABLE) where it could not be asked.
absl::StatusOr<const courses::CopiedCourse*> CourseToWrite(const courses::CourseAnswer& answer,
                                                           absl::string_view clinic_id,
                                                           absl::string_view course_id);
// To read what is kept of a course here. NOT_FOUND where scheduling says that there is none; reads
// go on otherwise.
absl::StatusOr<courses::CourseAnswer> FindCourseToRead(courses::CourseDirectory& courses,
                                                       const CallContext& ctx,
                                                       absl::string_view course_id);
// Its variant; empty where nothing is known of it.
absl::string_view VariantOf(const courses::CourseAnswer& answer);

// NOT_FOUND where scheduling says that there is none; reads go on otherwise.
absl::Status RefuseAbsent(const courses::CourseAnswer& answer, absl::string_view clinic_id,
                          absl::string_view course_id);
// The course to read from, in `answer`, for what cannot be said without one: NOT_FOUND, and
// UNAVAILABLE where nothing is known of it.
absl::StatusOr<const courses::CopiedCourse*> CourseToRead(const courses::CourseAnswer& answer,
                                                          absl::string_view clinic_id,
                                                          absl::string_view course_id);

// NOT_FOUND where the course has no such session.
absl::StatusOr<const courses::CopiedSession*> SessionOf(const courses::CopiedCourse& course,
                                                        absl::string_view session_id);
// SESSION_NOT_HELD where it was cancelled or missed, or has not begun.
absl::Status RefuseNotHeld(const courses::CopiedCourse& course,
                           const courses::CopiedSession& session, absl::Time now);

// The day of an instant in the course's time zone.
absl::StatusOr<absl::CivilDay> DayIn(const courses::CopiedCourse& course, absl::Time time);

}  // namespace ipt::formulation
