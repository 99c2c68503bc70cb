// Lists of what is due, kept for the pages that are asked for next: a clinic's list is made of all
// of its courses, and making it anew for each page would cost as much for every one of them.
//
// A walk that is not here any more (another replica, a minute later, too many others) is made anew
// by who asks, and goes on from its cursor under its own id, so that each of several replicas makes
// it once: nothing but work depends on this.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "outcomes/domain/due_list.h"

namespace ipt::outcomes {

// Where a list goes on: after this line.
struct DuePlace {
  absl::CivilDay day;
  std::string course_id{};
  std::string rule_id{};
};
DuePlace PlaceOf(const DueLine& line);
bool operator<(const DuePlace& a, const DuePlace& b);

struct DueWalk {
  std::string id{};
  std::string clinic_id{};
  std::string request{};  // what was asked for, without its place in the list
  courses::CopyAge age{};
  std::optional<DuePlace> after{};  // it begins after this; unset: with the first line
  std::vector<DueLine> lines{};     // by day, course and rule
  bool more = false;                // lines come after these

  // Of the line after a place (unset: of the first); size() where there is none here.
  size_t IndexAfter(const std::optional<DuePlace>& place) const;
};

// Thread-safe.
class DueWalks {
 public:
  using Walk = std::shared_ptr<const DueWalk>;

  // Since it was last asked for.
  static constexpr absl::Duration kKept = absl::Minutes(1);

  // `most_lines`: of all walks; `most_of_one`: what is kept of one.
  explicit DueWalks(size_t most_lines = 100'000, size_t most_of_one = 20'000)
      : most_lines_(most_lines), most_of_one_(most_of_one) {}

  // All of it, or of a large one so much as comes after `place`. In place of an older one.
  void Keep(Walk walk, const std::optional<DuePlace>& place, absl::Time now);

  // nullptr where it is not here, was made of another clinic or request, or has nothing that comes
  // after `place`.
  Walk Find(absl::string_view id, absl::string_view clinic_id, absl::string_view request,
            const DuePlace& place, absl::Time now);

 private:
  static constexpr size_t kMostWalks = 100;

  struct Kept {
    Walk walk;
    absl::Time used{};
  };
  using Place = std::list<Kept>::iterator;

  Place FindKept(absl::string_view id, absl::string_view clinic_id, absl::string_view request);
  void Drop(Place kept);

  const size_t most_lines_;
  const size_t most_of_one_;
  std::mutex mutex_;
  std::list<Kept> walks_;  // by last use
  size_t lines_ = 0;
};

}  // namespace ipt::outcomes
