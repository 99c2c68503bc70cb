// Reading courses whose derived values hold: what is stale is recomputed and stored first. Where
// the store takes no writes, the recomputed values are answered all the same and stored later.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "platform/transaction/call_context.h"
#include "scheduling/domain/store.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// In the order of `ids`; NOT_FOUND when one does not exist.
absl::StatusOr<std::vector<Course>> ReadCourses(SchedulingStore& store, const CallContext& ctx,
                                                const std::vector<std::string>& ids,
                                                int64_t min_revision);

struct CoursePage {
  std::vector<Course> courses;  // by id
  std::string next;             // the id after which the next page begins; empty at the end
};
// A course that no longer matches once it is recomputed is left out, so a page may be short.
absl::StatusOr<CoursePage> ReadCoursePage(SchedulingStore& store, const CallContext& ctx,
                                          const CourseFilter& filter, absl::string_view after_id,
                                          int size, int64_t min_revision);

// Computed for ctx.now. COURSE_STATE for a closed course.
absl::StatusOr<Forecast> ReadForecast(SchedulingReader& reader, const CallContext& ctx,
                                      absl::string_view course_id);

}  // namespace ipt::scheduling
