// What is said of scheduling beside what follows from it.
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "platform/rpc/proto_time.h"

namespace ipt::courses {

// `out`: the SchedulingView of a service's contract.
template <typename SchedulingView>
void WriteScheduling(bool current, std::optional<absl::Time> as_of, SchedulingView* out) {
  out->set_current(current);
  if (as_of.has_value()) rpc::WriteTime(*as_of, out->mutable_as_of_time());
}

template <typename SchedulingView>
void WriteScheduling(const CourseAnswer& course, SchedulingView* out) {
  WriteScheduling(course.known == CourseAnswer::Known::kVerified,
                  course.course.has_value() ? std::optional(course.as_of) : std::nullopt, out);
}

template <typename SchedulingView>
void WriteScheduling(const CopyAge& age, SchedulingView* out) {
  const bool known = age.as_of > absl::UnixEpoch();
  WriteScheduling(age.current, known ? std::optional(age.as_of) : std::nullopt, out);
}

}  // namespace ipt::courses
