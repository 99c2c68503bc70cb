#include "scheduling/storage/shared_course_snapshots.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "scheduling/domain/names.h"

namespace ipt::scheduling {
namespace {

// Of the clinic's slot in a cluster.
std::string Key(absl::string_view clinic_id, absl::string_view course_id) {
  return absl::StrCat("{", clinic_id, "}:", course_id);
}
std::string Key(absl::string_view course_name) {
  const std::vector<absl::string_view> words = absl::StrSplit(course_name, '/');
  return Key(words[1], words[3]);
}

}  // namespace

void SharedCourseSnapshots::Find(absl::string_view course_name, int64_t min_revision, Found found) {
  cache_.Get(Key(course_name), min_revision, std::move(found));
}

std::string SharedCourseSnapshots::BeginFill(absl::string_view course_name) {
  return cache_.BeginFill(Key(course_name));
}

void SharedCourseSnapshots::Fill(absl::string_view course_name, absl::string_view ticket,
                                 const Course& course, absl::Time read, absl::string_view answer) {
  absl::Duration keep = kKeepSnapshots;
  // What is derived from the time does not outlive it.
  if (IsOpen(course.state)) keep = std::min(keep, course.valid_until - read);
  cache_.Fill(Key(course_name), ticket, course.stamp.revision, answer, keep);
}

void SharedCourseSnapshots::OnCommitted(const CommittedChanges& changes) {
  std::vector<std::string> keys;
  for (const auto& [clinic, id] : changes.courses) keys.push_back(Key(clinic, id));
  cache_.Invalidate(keys);
}

}  // namespace ipt::scheduling
