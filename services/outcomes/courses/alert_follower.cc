#include "outcomes/courses/alert_follower.h"

#include "outcomes/domain/alerts.h"

namespace ipt::outcomes {

absl::Status AlertFollower::OnCourse(storage::Connection& conn,
                                     const courses::CopiedCourse& course) {
  const absl::Time now = clock_.Now();
  return alerts_.WriteIn(conn, course.clinic_id, now, [&](AlertTx& tx) {
    return FollowCourse(tx, course.clinic_id, course.course_id, course.therapist_id, now);
  });
}

}  // namespace ipt::outcomes
