// CourseSnapshots in Redis. Each commit drops the answers of the courses whose rows it wrote: also
// those of the background's refreshing, which writes a course's row when its therapist's or its
// clinic's calendar moved on. Thread-safe.
#pragma once

#include "platform/cache/redis_client.h"
#include "platform/cache/snapshot_cache.h"
#include "scheduling/domain/commit_listener.h"
#include "scheduling/domain/course_snapshots.h"

namespace ipt::scheduling {

class SharedCourseSnapshots final : public CourseSnapshots, public CommitListener {
 public:
  // `redis` outlives it.
  explicit SharedCourseSnapshots(cache::RedisClient& redis) : cache_(redis, "course") {}

  void Find(absl::string_view course_name, int64_t min_revision, Found found) override;
  std::string BeginFill(absl::string_view course_name) override;
  void Fill(absl::string_view course_name, absl::string_view ticket, const Course& course,
            absl::Time read, absl::string_view answer) override;

  void OnCommitted(const CommittedChanges& changes) override;

 private:
  cache::SnapshotCache cache_;
};

}  // namespace ipt::scheduling
