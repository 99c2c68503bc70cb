#include "outcomes/rpc/due_walks.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace ipt::outcomes {

DuePlace PlaceOf(const DueLine& line) { return {line.occasion.day, line.course_id, line.rule_id}; }

bool operator<(const DuePlace& a, const DuePlace& b) {
  return std::tie(a.day, a.course_id, a.rule_id) < std::tie(b.day, b.course_id, b.rule_id);
}

size_t DueWalk::IndexAfter(const std::optional<DuePlace>& place) const {
  if (!place.has_value()) return 0;
  return std::upper_bound(
             lines.begin(), lines.end(), *place,
             [](const DuePlace& a, const DueLine& line) { return a < PlaceOf(line); }) -
         lines.begin();
}

void DueWalks::Keep(Walk walk, const std::optional<DuePlace>& place, absl::Time now) {
  if (walk->lines.size() > most_of_one_) {
    DueWalk part = {.id = walk->id,
                    .clinic_id = walk->clinic_id,
                    .request = walk->request,
                    .age = walk->age,
                    .after = place};
    const size_t begin = walk->IndexAfter(place);
    const size_t end = std::min(begin + most_of_one_, walk->lines.size());
    part.lines.assign(walk->lines.begin() + begin, walk->lines.begin() + end);
    part.more = end < walk->lines.size();
    walk = std::make_shared<const DueWalk>(std::move(part));
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  if (const Place old = FindKept(walk->id, walk->clinic_id, walk->request); old != walks_.end()) {
    Drop(old);
  }
  lines_ += walk->lines.size();
  walks_.push_back({std::move(walk), now});
  while (lines_ > most_lines_ || walks_.size() > kMostWalks) Drop(walks_.begin());
}

DueWalks::Walk DueWalks::Find(absl::string_view id, absl::string_view clinic_id,
                              absl::string_view request, const DuePlace& place, absl::Time now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  while (!walks_.empty() && now - walks_.front().used > kKept) Drop(walks_.begin());
  const Place kept = FindKept(id, clinic_id, request);
  if (kept == walks_.end()) return nullptr;
  const DueWalk& walk = *kept->walk;
  if (walk.after.has_value() && place < *walk.after) return nullptr;
  if (walk.more && walk.IndexAfter(place) == walk.lines.size()) return nullptr;
  kept->used = now;
  walks_.splice(walks_.end(), walks_, kept);
  return kept->walk;
}

DueWalks::Place DueWalks::FindKept(absl::string_view id, absl::string_view clinic_id,
                                   absl::string_view request) {
  return std::find_if(walks_.begin(), walks_.end(), [&](const Kept& kept) {
    return kept.walk->id == id && kept.walk->clinic_id == clinic_id &&
           kept.walk->request == request;
  });
}

void DueWalks::Drop(Place kept) {
  lines_ -= kept->walk->lines.size();
  walks_.erase(kept);
}

}  // namespace ipt::outcomes
