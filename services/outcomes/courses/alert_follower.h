// Has alerts follow their courses: to another therapist, in the transaction that copies the course.
#pragma once

#include "course_copies/link/scheduling_source.h"
#include "outcomes/storage/sql_alert_store.h"
#include "platform/time/clock.h"

namespace ipt::outcomes {

// Thread-safe. `alerts` and `clock` outlive it.
class AlertFollower final : public courses::CopyListener {
 public:
  AlertFollower(SqlAlertStore& alerts, const Clock& clock) : alerts_(alerts), clock_(clock) {}

  absl::Status OnCourse(storage::Connection& conn, const courses::CopiedCourse& course) override;

 private:
  SqlAlertStore& alerts_;
  const Clock& clock_;
};

}  // namespace ipt::outcomes
