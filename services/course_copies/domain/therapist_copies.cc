#include "course_copies/domain/therapist_copies.h"

#include <algorithm>

namespace ipt::courses {

std::optional<absl::Time> CopiedTherapist::AwayUntil(absl::Time now) const {
  absl::Time until = now;
  // By start: what begins before the end so far has been reached by then.
  for (const CopiedTimeOff& off : time_off) {
    if (off.start <= until) until = std::max(until, off.end);
  }
  if (until == now) return std::nullopt;
  return until;
}

}  // namespace ipt::courses
