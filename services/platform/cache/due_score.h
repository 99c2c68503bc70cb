// Due time and generation in one number, so that an index entry is an id and a score and nothing
// else: 35 bits of eighths of a second since 1970 (until 2106), 18 bits of generation. 53 bits are
// what a Redis score (a double) holds exactly. Scores order by due time first.
#pragma once

#include <algorithm>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "platform/cache/due_index.h"

namespace ipt::cache {

inline constexpr int64_t kGenerations = DueIndex::kMaxGeneration + 1;
inline constexpr int64_t kUnitMs = 125;
inline constexpr int64_t kMaxUnits = (int64_t{1} << 35) - 1;

inline int64_t ScoreOf(int64_t generation, absl::Time due) {
  const int64_t units =
      absl::ToInt64Milliseconds(absl::Ceil(due - absl::UnixEpoch(), absl::Milliseconds(kUnitMs))) /
      kUnitMs;
  return std::clamp<int64_t>(units, 0, kMaxUnits) * kGenerations + generation;
}
inline int64_t GenerationOf(int64_t score) { return score % kGenerations; }
inline absl::Time DueOf(int64_t score) {
  return absl::UnixEpoch() + absl::Milliseconds(score / kGenerations * kUnitMs);
}
// The highest score that is due at `now`.
inline int64_t LastDueScore(absl::Time now) {
  const int64_t units = absl::ToInt64Milliseconds(now - absl::UnixEpoch()) / kUnitMs;
  return std::clamp<int64_t>(units, 0, kMaxUnits) * kGenerations + DueIndex::kMaxGeneration;
}

inline absl::Status CheckEntries(absl::Span<const DueEntry> entries) {
  for (const DueEntry& entry : entries) {
    if (entry.id.empty() || entry.id.size() > 63) {
      return absl::InvalidArgumentError("an id has 1 to 63 bytes");
    }
    if (entry.generation < 0 || entry.generation > DueIndex::kMaxGeneration) {
      return absl::InvalidArgumentError(
          absl::StrCat("a generation is 0 to ", DueIndex::kMaxGeneration));
    }
  }
  return absl::OkStatus();
}

}  // namespace ipt::cache
