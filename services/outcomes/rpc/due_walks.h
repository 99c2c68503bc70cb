// Lists of what is due, kept for the pages that are asked for next: a clinic's list is made of all
// of its courses, and making it anew for each page would cost as much for every one of them.
//
// A walk that is not here any more (another replica, a minute later, too many others) is made anew
// by who asks, and goes on from its cursor: nothing but work depends on this.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "outcomes/domain/due_list.h"

namespace ipt::outcomes {

struct DueWalk {
  std::string id{};
  std::string clinic_id{};
  std::string request{};  // what was asked for, without its place in the list
  absl::Time made{};
  bool current = false;  // as ListedCourses
  absl::Time as_of{};
  std::vector<DueLine> lines{};  // by day, course and rule
};

// Thread-safe.
class DueWalks {
 public:
  using Walk = std::shared_ptr<const DueWalk>;

  static constexpr absl::Duration kKept = absl::Minutes(1);
  static constexpr size_t kMostLines = 100'000;  // of all walks

  void Keep(Walk walk) {
    if (walk->lines.size() > kMostLines) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    lines_ += walk->lines.size();
    walks_.push_back(std::move(walk));
    while (lines_ > kMostLines || walks_.size() > kMostWalks) DropOldest();
  }

  // nullptr where it is not here, or was made of another clinic or request.
  Walk Find(absl::string_view id, absl::string_view clinic_id, absl::string_view request,
            absl::Time now) {
    const std::lock_guard<std::mutex> lock(mutex_);
    while (!walks_.empty() && now - walks_.front()->made > kKept) DropOldest();
    for (const Walk& walk : walks_) {
      if (walk->id == id && walk->clinic_id == clinic_id && walk->request == request) return walk;
    }
    return nullptr;
  }

 private:
  static constexpr size_t kMostWalks = 100;

  void DropOldest() {
    lines_ -= walks_.front()->lines.size();
    walks_.pop_front();
  }

  std::mutex mutex_;
  std::list<Walk> walks_;
  size_t lines_ = 0;
};

}  // namespace ipt::outcomes
