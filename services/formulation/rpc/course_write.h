// A write to a course: what scheduling says of the course first, since asking may wait for it, then
// the work, once, with the course's writers one after the other.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "course_copies/domain/course_copies.h"
#include "formulation/domain/course_access.h"
#include "formulation/domain/store.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/write_once.h"
#include "platform/transaction/call_context.h"

namespace ipt::formulation {

// `session_id` (empty: none): a session that has to be known, too. `body(tx, course)` returns
// absl::StatusOr<Resp>; `course` is a verified answer.
template <typename Resp, typename Body>
absl::StatusOr<Resp> WriteToCourse(FormulationStore& store, courses::CourseDirectory& courses,
                                   const CallContext& ctx, const std::string& course_id,
                                   const std::string& session_id, Body&& body) {
  IPT_ASSIGN_OR_RETURN(const courses::CourseAnswer course,
                       FindCourseToWrite(courses, ctx, course_id, session_id));
  return rpc::WriteOnce<Resp>(store, ctx, [&](FormulationTx& tx) -> absl::StatusOr<Resp> {
    // In here, so that a retry gets its answer also while scheduling is away.
    IPT_RETURN_IF_ERROR(CourseToWrite(course, ctx.clinic_id, course_id).status());
    IPT_RETURN_IF_ERROR(tx.LockScope(ctx.clinic_id, course_id));
    return body(tx, course);
  });
}

}  // namespace ipt::formulation
