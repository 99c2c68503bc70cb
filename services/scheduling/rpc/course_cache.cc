#include "scheduling/rpc/course_cache.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"

namespace ipt::scheduling {
namespace {

enum class Kind { kCourse, kTherapist, kClinic };

size_t HashOf(Kind kind, absl::string_view clinic_id, absl::string_view id) {
  return absl::HashOf(static_cast<int>(kind), clinic_id, id);
}

}  // namespace

CourseCache::CourseCache(size_t most_courses)
    : most_per_shard_(std::max<size_t>(1, most_courses / kShards)),
      marks_(std::make_unique<std::array<std::atomic<uint64_t>, kMarks>>()) {
  for (auto& mark : *marks_) mark.store(0, std::memory_order_relaxed);
}

CourseCache::Shard& CourseCache::ShardOf(absl::string_view name) const {
  return shards_[absl::HashOf(name) % kShards];
}

std::shared_ptr<const std::string> CourseCache::Find(const std::string& course_name,
                                                     int64_t min_revision, absl::Time now) const {
  const Shard& shard = ShardOf(course_name);
  std::lock_guard<std::mutex> lock(shard.mutex);
  const auto it = shard.entries.find(course_name);
  if (it == shard.entries.end()) return nullptr;
  const Entry& entry = it->second;
  if (now >= entry.valid_until || entry.revision < min_revision) return nullptr;
  for (const uint32_t mark : entry.marks) {
    if ((*marks_)[mark].load(std::memory_order_acquire) > entry.begun) return nullptr;
  }
  return entry.answer;
}

void CourseCache::Keep(uint64_t begun, const std::string& course_name, const Course& course,
                       std::string answer) {
  Entry entry;
  entry.answer = std::make_shared<const std::string>(std::move(answer));
  entry.begun = begun;
  entry.revision = course.stamp.revision;
  entry.valid_until = IsOpen(course.state) ? course.valid_until : absl::InfiniteFuture();
  entry.marks = {
      static_cast<uint32_t>(HashOf(Kind::kCourse, course.clinic_id, course.course_id) % kMarks),
      static_cast<uint32_t>(HashOf(Kind::kTherapist, course.clinic_id, course.therapist_id) %
                            kMarks),
      static_cast<uint32_t>(HashOf(Kind::kClinic, course.clinic_id, "") % kMarks)};
  Shard& shard = ShardOf(course_name);
  std::lock_guard<std::mutex> lock(shard.mutex);
  if (shard.entries.size() >= most_per_shard_ && !shard.entries.contains(course_name)) {
    shard.entries.erase(shard.entries.begin());
  }
  Entry& kept = shard.entries[course_name];
  if (kept.begun <= begun) kept = std::move(entry);
}

void CourseCache::Mark(uint32_t mark, uint64_t commit) {
  std::atomic<uint64_t>& last = (*marks_)[mark];
  uint64_t seen = last.load(std::memory_order_relaxed);
  while (seen < commit && !last.compare_exchange_weak(seen, commit, std::memory_order_release)) {
  }
}

void CourseCache::OnCommitted(const CommittedChanges& changes) {
  if (changes.empty()) return;
  // Counted first: a read that begins after this count sees the commit, one that began before it
  // may not have, and is marked as too old.
  const uint64_t commit = commits_.fetch_add(1, std::memory_order_acq_rel) + 1;
  for (const auto& [clinic, id] : changes.courses) {
    Mark(HashOf(Kind::kCourse, clinic, id) % kMarks, commit);
  }
  for (const auto& [clinic, id] : changes.therapists) {
    Mark(HashOf(Kind::kTherapist, clinic, id) % kMarks, commit);
  }
  for (const std::string& clinic : changes.clinics) {
    Mark(HashOf(Kind::kClinic, clinic, "") % kMarks, commit);
  }
}

}  // namespace ipt::scheduling
