// Answers of GetCourse that replicas share, serialized, by the course's name: at most
// kKeepSnapshots old, and as a rule dropped as soon as the course's row changed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// As the contract states it (ipt.common.v1.Consistency).
inline constexpr absl::Duration kKeepSnapshots = absl::Seconds(30);

// Implementations are thread-safe.
class CourseSnapshots {
 public:
  using Found = std::function<void(std::shared_ptr<const std::string>)>;

  virtual ~CourseSnapshots() = default;

  // Without waiting: `found` gets an answer of at least `min_revision`, or nullptr.
  virtual void Find(absl::string_view course_name, int64_t min_revision, Found found) = 0;

  // Before the store is read: the ticket to fill with. May be empty.
  virtual std::string BeginFill(absl::string_view course_name) = 0;
  // Keeps the answer unless the course was written since; `read` is when it was true.
  virtual void Fill(absl::string_view course_name, absl::string_view ticket, const Course& course,
                    absl::Time read, absl::string_view answer) = 0;
};

}  // namespace ipt::scheduling
