// Answers of GetCourse in this process' memory, serialized, so that a hot course costs no SQL. For
// a store that only this process writes (SQLite): every commit tells the cache what it changed.
//
// An answer is given only while it is what the store would give: its course, its therapist's
// calendar and its clinic's have not been committed to since it was read, and its derived values
// have not run out of date. Thread-safe; bounded.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "scheduling/domain/commit_listener.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

class CourseCache final : public CommitListener {
 public:
  // `most_courses`: beyond it, answers are dropped to make room.
  explicit CourseCache(size_t most_courses = 100'000);

  // The answer for the course of this name, nullptr when it has to be read. It is at least as new
  // as `min_revision`.
  std::shared_ptr<const std::string> Find(const std::string& course_name, int64_t min_revision,
                                          absl::Time now) const;

  // Take one before reading the store; answers read after it may be kept under it.
  uint64_t BeginRead() const { return commits_.load(std::memory_order_acquire); }
  void Keep(uint64_t begun, const std::string& course_name, const Course& course,
            std::string answer);

  void OnCommitted(const CommittedChanges& changes) override;

 private:
  struct Entry {
    std::shared_ptr<const std::string> answer;
    uint64_t begun = 0;
    int64_t revision = 0;
    absl::Time valid_until;
    std::array<uint32_t, 3> marks{};  // of course, therapist and clinic
  };
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    absl::flat_hash_map<std::string, Entry> entries;
  };
  static constexpr size_t kShards = 64;
  static constexpr size_t kMarks = 1 << 14;

  Shard& ShardOf(absl::string_view name) const;
  void Mark(uint32_t mark, uint64_t commit);

  const size_t most_per_shard_;
  // Commits seen so far; and for each mark (a hash of what can change) the last that touched it. A
  // collision of hashes costs a read too many, never a stale answer.
  std::atomic<uint64_t> commits_{0};
  std::unique_ptr<std::array<std::atomic<uint64_t>, kMarks>> marks_;
  mutable std::array<Shard, kShards> shards_;
};

}  // namespace ipt::scheduling
