// What is said of scheduling beside what follows from it.
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "ipt/outcomes/v1/measurement.pb.h"
#include "platform/rpc/proto_time.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

inline void WriteScheduling(bool current, std::optional<absl::Time> as_of,
                            pb::SchedulingView* out) {
  out->set_current(current);
  if (as_of.has_value()) rpc::WriteTime(*as_of, out->mutable_as_of_time());
}

inline void WriteScheduling(const courses::CourseAnswer& course, pb::SchedulingView* out) {
  WriteScheduling(course.known == courses::CourseAnswer::Known::kVerified,
                  course.course.has_value() ? std::optional(course.as_of) : std::nullopt, out);
}

}  // namespace ipt::outcomes
