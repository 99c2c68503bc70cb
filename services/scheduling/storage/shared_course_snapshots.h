// CourseSnapshots in Redis. Each commit drops the answers of the courses whose rows it wrote: also
// those of the background's refreshing, which writes a course's row when its therapist's or its
// clinic's calendar moved on. Thread-safe.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "platform/cache/redis_client.h"
#include "platform/cache/snapshot_cache.h"
#include "scheduling/domain/commit_listener.h"
#include "scheduling/domain/course_snapshots.h"

namespace ipt::scheduling {

class SharedCourseSnapshots final : public CourseSnapshots, public CommitListener {
 public:
  // `redis` outlives it. `history` as SnapshotCache has it.
  SharedCourseSnapshots(cache::RedisClient& redis, cache::SnapshotCache::History history)
      : cache_(redis, "course", std::move(history)) {}

  void Find(absl::string_view key, int64_t min_revision, Found found) override {
    cache_.Get(key, min_revision, std::move(found));
  }
  std::string BeginFill(absl::string_view key) override { return cache_.BeginFill(key); }
  void Fill(absl::string_view key, absl::string_view ticket, int64_t revision,
            absl::string_view answer, absl::Duration keep) override {
    cache_.Fill(key, ticket, revision, answer, keep);
  }

  void OnCommitted(const CommittedChanges& changes) override {
    std::vector<std::string> keys;
    for (const auto& [clinic, id] : changes.courses) keys.push_back(CourseSnapshotKey(clinic, id));
    cache_.Invalidate(keys);
  }

 private:
  cache::SnapshotCache cache_;
};

}  // namespace ipt::scheduling
