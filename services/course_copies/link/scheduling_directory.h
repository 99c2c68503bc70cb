// Finds courses in the copy, and in scheduling where the copy does not do.
#pragma once

#include <atomic>
#include <functional>
#include <optional>

#include "course_copies/domain/course_copies.h"
#include "course_copies/storage/sql_course_copies.h"
#include "platform/peer/peer.h"
#include "platform/storage/database.h"

namespace ipt::courses {

struct DirectoryOptions {
  // What asking scheduling may take at most: whoever records a measurement waits for it.
  absl::Duration ask_time = absl::Seconds(1);
  // Of one attempt: less, so that one that hangs is counted against scheduling, and soon nobody
  // waits.
  absl::Duration attempt_time = absl::Milliseconds(400);
  // Called when a course turned up that the copy has not: its clinic may be new. Never blocks.
  std::function<void()> unknown_course = nullptr;
};

// Thread-safe. `db` and `scheduling` outlive it.
class SchedulingDirectory final : public CourseDirectory, public CourseLister, public CopyHorizon {
 public:
  SchedulingDirectory(storage::Database& db, peer::Peer& scheduling, DirectoryOptions options = {});

  absl::StatusOr<CourseAnswer> FindCourse(absl::string_view clinic_id, absl::string_view course_id,
                                          const CourseDemand& demand, absl::Time now,
                                          absl::Time deadline) override;
  absl::StatusOr<ListedCourses> ListCourses(absl::string_view clinic_id,
                                            const CourseListing& listing, absl::Time now,
                                            absl::Time deadline) override;
  absl::StatusOr<std::optional<absl::Time>> CopiedUntil(absl::string_view clinic_id,
                                                        absl::Time deadline) override;

  // In a transaction of the caller's.
  static absl::StatusOr<CopyAge> AgeOf(storage::Connection& conn, absl::string_view clinic_id,
                                       absl::Time now);

 private:
  absl::StatusOr<CopiedCourse> Ask(absl::string_view clinic_id, absl::string_view course_id,
                                   int64_t min_revision, absl::Time deadline);

  storage::Database& db_;
  peer::Peer& scheduling_;
  const DirectoryOptions options_;
  SqlCourseCopies copies_;
  std::atomic<int> asking_ = 0;
};

}  // namespace ipt::courses
