// Answers of GetCourse and ListDeadlines that replicas share, serialized: at most kKeepSnapshots
// old. A course's is dropped as soon as its row changes, as a rule; a list of deadlines runs out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ipt::scheduling {

// As the contract states it (ipt.common.v1.Consistency).
inline constexpr absl::Duration kKeepSnapshots = absl::Seconds(30);

// Keys: of the clinic's slot in a cluster.
inline std::string CourseSnapshotKey(absl::string_view clinic_id, absl::string_view course_id) {
  return absl::StrCat("{", clinic_id, "}:", course_id);
}
// `request` tells one list of the clinic from another.
inline std::string DeadlinesSnapshotKey(absl::string_view clinic_id, absl::string_view request) {
  return absl::StrCat("{", clinic_id, "}:deadlines:", request);
}

// Implementations are thread-safe.
class CourseSnapshots {
 public:
  using Found = std::function<void(std::shared_ptr<const std::string>)>;

  virtual ~CourseSnapshots() = default;

  // Without waiting: `found` gets an answer of at least `min_revision`, or nullptr.
  virtual void Find(absl::string_view key, int64_t min_revision, Found found) = 0;

  // Before the store is read: the ticket to fill with. May be empty.
  virtual std::string BeginFill(absl::string_view key) = 0;
  // Keeps the answer for at most `keep`, unless its course was written since.
  virtual void Fill(absl::string_view key, absl::string_view ticket, int64_t revision,
                    absl::string_view answer, absl::Duration keep) = 0;
};

}  // namespace ipt::scheduling
