#include "outcomes/courses/settler.h"

#include <vector>

#include "outcomes/domain/settling.h"
#include "platform/errors/status_macros.h"
#include "platform/observability/log.h"

namespace ipt::outcomes {
namespace {

constexpr absl::Duration kSettleEvery = absl::Seconds(15);
constexpr size_t kCoursesAtOnce = 200;
// Then scheduling is away, or the store: the next look will tell. One course is no reason to stop.
constexpr int kMostInARow = 5;

}  // namespace

void Settler::Start() {
  periodic_.emplace(kSettleEvery, [this] {
    const absl::Status status = SettleOnce();
    if (!status.ok() && !failing_) {
      log::Line(log::Level::kWarning, "settling_failed", {{log::Key::kDetail, status.message()}});
    }
    failing_ = !status.ok();
  });
}

absl::StatusOr<bool> Settler::Settle(const UnsettledCourse& course) {
  bool waits = false;
  IPT_RETURN_IF_ERROR(store_.Read(Deadline(), [&](OutcomesReader& reader) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(waits, WaitsForScheduling(reader, course.clinic_id, course.course_id));
    return absl::OkStatus();
  }));
  if (!waits) return true;
  const absl::Time now = clock_.Now();
  // Never by the copy: what it has not may have been booked a moment ago, and what is settled here
  // is not looked at again.
  IPT_ASSIGN_OR_RETURN(const courses::CourseAnswer answer,
                       courses_.FindCourse(course.clinic_id, course.course_id,
                                           {.max_age = absl::ZeroDuration()}, now, Deadline()));
  if (answer.known == courses::CourseAnswer::Known::kNotVerified) return false;
  IPT_RETURN_IF_ERROR(store_.Write(Deadline(), [&](OutcomesTx& tx) {
    return SettleMeasurements(tx, catalog_, course.clinic_id, course.course_id, answer, now);
  }));
  return true;
}

absl::Status Settler::SettleOnce() {
  absl::Status first_error;
  int in_a_row = 0;  // courses of which nothing was learnt
  UnsettledCourse after;
  while (true) {
    std::vector<UnsettledCourse> page;
    IPT_RETURN_IF_ERROR(store_.Read(Deadline(), [&](OutcomesReader& reader) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(page, reader.ListUnsettledCourses(after, kCoursesAtOnce));
      return absl::OkStatus();
    }));
    for (const UnsettledCourse& course : page) {
      const absl::StatusOr<bool> answered = Settle(course);
      first_error.Update(answered.status());
      in_a_row = answered.ok() && *answered ? 0 : in_a_row + 1;
      if (in_a_row == kMostInARow) return first_error;
    }
    if (page.size() < kCoursesAtOnce) return first_error;
    after = page.back();
  }
}

}  // namespace ipt::outcomes
