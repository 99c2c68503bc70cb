// What another service knows of scheduling's therapists: whether they work, and when they are away.
// Why they are is not copied: it can be health data of theirs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace ipt::courses {

// A span in which a therapist sees nobody; `end` is the first instant that they are back. Whole
// days are instants here: scheduling makes them of the therapist's zone, and tells when that moves
// them.
struct CopiedTimeOff {
  std::string time_off_id{};
  absl::Time start{};
  absl::Time end{};
  int64_t revision = 0;
  friend bool operator==(const CopiedTimeOff&, const CopiedTimeOff&) = default;
};

struct CopiedTherapist {
  std::string clinic_id{};
  std::string therapist_id{};
  bool active = false;
  int64_t revision = 0;                   // scheduling's
  std::vector<CopiedTimeOff> time_off{};  // by start, then id

  // When a therapist who is away at this instant is back: the end of the time off that holds it,
  // and of what begins before that has ended. nullopt: they are there.
  std::optional<absl::Time> AwayUntil(absl::Time now) const;
  friend bool operator==(const CopiedTherapist&, const CopiedTherapist&) = default;
};

}  // namespace ipt::courses
