// What is said of scheduling beside what follows from it.
#pragma once

#include "absl/time/time.h"
#include "ipt/outcomes/v1/measurement.pb.h"
#include "outcomes/domain/course_copies.h"
#include "platform/rpc/proto_time.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

inline void WriteScheduling(const CourseAnswer& course, pb::SchedulingView* out) {
  out->set_current(course.known == CourseAnswer::Known::kVerified);
  if (course.course.has_value()) rpc::WriteTime(course.as_of, out->mutable_as_of_time());
}

inline void WriteScheduling(const ListedCourses& listed, pb::SchedulingView* out) {
  out->set_current(listed.current);
  if (listed.as_of > absl::UnixEpoch()) rpc::WriteTime(listed.as_of, out->mutable_as_of_time());
}

}  // namespace ipt::outcomes
