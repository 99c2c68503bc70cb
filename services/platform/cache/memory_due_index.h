// The due-index in this process' memory, for a suite without Redis. Empty at the start, so that it
// asks for a rebuild first, as a flushed Redis does.
//
// Thread-safe: one lock a clinic. Bounded by a number of entries. An entry of a UUID takes some 125
// bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "platform/cache/due_index.h"
#include "platform/time/clock.h"

namespace ipt::cache {

class MemoryDueIndex final : public DueIndex {
 public:
  // `clock` outlives it. Beyond `most_entries`, upserts are refused with RESOURCE_EXHAUSTED.
  explicit MemoryDueIndex(const Clock& clock, int64_t most_entries = 20'000'000);
  ~MemoryDueIndex() override;

  absl::Status Upsert(absl::string_view clinic, absl::Span<const DueEntry> entries) override;
  absl::Status Remove(absl::string_view clinic, absl::Span<const DueEntry> entries) override;
  absl::StatusOr<Claimed> Claim(absl::string_view clinic, absl::string_view epoch, int most,
                                absl::Duration lease_for) override;
  absl::StatusOr<int> Complete(absl::string_view clinic, absl::string_view lease,
                               absl::Span<const std::string> ids) override;
  absl::StatusOr<int> Release(absl::string_view clinic, absl::string_view lease,
                              absl::Span<const DueEntry> entries) override;
  absl::StatusOr<int> Extend(absl::string_view clinic, absl::string_view lease,
                             absl::Span<const std::string> ids, absl::Duration lease_for) override;
  absl::StatusOr<std::vector<std::optional<absl::Time>>> NextDue(
      absl::Span<const std::string> clinics, absl::string_view epoch) override;
  absl::StatusOr<DueDepth> Depth(absl::string_view clinic) override;
  absl::StatusOr<std::vector<std::optional<DueState>>> Lookup(
      absl::string_view clinic, absl::Span<const std::string> ids) override;
  absl::StatusOr<DuePage> Scan(absl::string_view clinic, absl::string_view from) override;
  absl::StatusOr<RebuildTicket> BeginRebuild(absl::string_view clinic, absl::string_view epoch,
                                             absl::Duration hold, bool again) override;
  absl::Status KeepRebuild(absl::string_view clinic, absl::string_view token,
                           absl::Duration hold) override;
  absl::Status FinishRebuild(absl::string_view clinic, absl::string_view token,
                             absl::string_view epoch) override;

 private:
  struct Clinic;
  Clinic& Of(absl::string_view clinic);

  const Clock& clock_;
  const int64_t most_entries_;
  std::atomic<int64_t> entries_{0};
  std::mutex mutex_;  // of the map; a clinic, once there, stays
  absl::flat_hash_map<std::string, std::unique_ptr<Clinic>> clinics_;
};

}  // namespace ipt::cache
