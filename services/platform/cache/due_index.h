// Which ids of a clinic are due, in due order: a disposable index over rows whose truth is SQL. It
// holds ids only. It may be lost, flushed or old at any time, and says so: a claim from an index
// that was not built for the caller's epoch is refused with IsRebuildNeeded(), never answered
// "nothing due". What a claim hands out is a hint: the caller's compare-and-set in SQL decides.
//
// Two implementations, one conformance suite: MemoryDueIndex (this process) and RedisDueIndex
// (shared by all replicas). Thread-safe. Methods block for a bounded time. Errors: UNAVAILABLE (not
// reached, or no answer in time: a write may or may not have happened; all of them may be
// repeated), RESOURCE_EXHAUSTED (out of memory: nothing of the refused batch was stored),
// FAILED_PRECONDITION with IsRebuildNeeded(), INVALID_ARGUMENT.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace ipt::cache {

struct DueEntry {
  std::string id;          // 1 to 63 bytes, as a resource id
  int64_t generation = 0;  // 0 to kMaxGeneration; a rewrite of the row raises it
  // Kept to an eighth of a second, rounded up: never handed out early, at most 125 ms late.
  absl::Time due;
};

struct Claimed {
  // Names this lease in the index. It fences the index alone; what counts is issued by SQL.
  std::string lease;
  std::vector<DueEntry> entries;  // in due order
  // When the next of the clinic's entries is due or the next lease runs out. The past when there is
  // more to claim now, InfiniteFuture when there is nothing at all.
  absl::Time next;
};

// What the index knows of one id.
struct DueState {
  int64_t generation = 0;
  absl::Time due;
  bool leased = false;
};

struct DueDepth {
  int64_t queued = 0;
  int64_t leased = 0;
  absl::Time oldest;  // the earliest due time among the queued; InfiniteFuture when there is none
};

// The answer of BeginRebuild.
struct RebuildTicket {
  enum Outcome {
    kStarted,    // the caller rebuilds, under `token`
    kNotNeeded,  // the index is built for this epoch already
    kBusy,       // somebody else rebuilds; ask again later
  };
  Outcome outcome = kBusy;
  std::string token;
};

// One page of Scan.
struct DuePage {
  std::vector<DueEntry> entries;
  std::string next;  // empty at the end
};

class DueIndex {
 public:
  static constexpr int64_t kMaxGeneration = (1 << 18) - 1;
  // The most that one claim hands out. Longer lists to the other methods are cut into batches of
  // this size by themselves and sent together.
  static constexpr int kMaxBatch = 500;

  virtual ~DueIndex() = default;

  // Queues each id at its due time. A higher generation replaces a lower one, and ends its lease; a
  // lower one is ignored. The same generation moves a queued entry and leaves a leased one alone.
  virtual absl::Status Upsert(absl::string_view clinic, absl::Span<const DueEntry> entries) = 0;

  // Drops each id, queued or leased, up to and including its generation. `due` is not looked at.
  virtual absl::Status Remove(absl::string_view clinic, absl::Span<const DueEntry> entries) = 0;

  // Leases up to `most` (cut to kMaxBatch) entries that are due by the index's own clock. Leases
  // that have run out are queued again first. An entry is in one lease at a time. One round trip.
  virtual absl::StatusOr<Claimed> Claim(absl::string_view clinic, absl::string_view epoch, int most,
                                        absl::Duration lease_for) = 0;

  // What these three refuse, id by id, is what `lease` does not hold any more. They return how many
  // ids it did hold. One round trip up to kMaxBatch ids.
  //
  // Done: the ids leave the index.
  virtual absl::StatusOr<int> Complete(absl::string_view clinic, absl::string_view lease,
                                       absl::Span<const std::string> ids) = 0;
  // Back into the queue at the entry's due time (a retry's, or the old one). The generation is not
  // looked at: the leased one stays.
  virtual absl::StatusOr<int> Release(absl::string_view clinic, absl::string_view lease,
                                      absl::Span<const DueEntry> entries) = 0;
  // The lease runs for `lease_for` from now.
  virtual absl::StatusOr<int> Extend(absl::string_view clinic, absl::string_view lease,
                                     absl::Span<const std::string> ids,
                                     absl::Duration lease_for) = 0;

  // For each clinic, in order, when there will be something to claim (as Claimed::next), or nullopt
  // where the index has to be rebuilt. One round trip for all of them.
  virtual absl::StatusOr<std::vector<std::optional<absl::Time>>> NextDue(
      absl::Span<const std::string> clinics, absl::string_view epoch) = 0;

  virtual absl::StatusOr<DueDepth> Depth(absl::string_view clinic) = 0;

  // For comparing with SQL. For each id, in order, what is known of it.
  virtual absl::StatusOr<std::vector<std::optional<DueState>>> Lookup(
      absl::string_view clinic, absl::Span<const std::string> ids) = 0;
  // And the other way: all queued entries, page by page, each at least once if it stays all the
  // while. Empty `from`: the first page.
  virtual absl::StatusOr<DuePage> Scan(absl::string_view clinic, absl::string_view from) = 0;

  // Rebuilding: BeginRebuild, Upsert of all that SQL holds within the horizon, FinishRebuild. From
  // the first to the last of these, claims are refused with IsRebuildNeeded(). What others write
  // meanwhile stays: an entry of an older generation never replaces a newer one.
  //
  // Unless the contents are known to be of this epoch, BeginRebuild drops them all: a store that
  // was restored has gone back, and generations of what it lost would keep out its own.
  //
  // One rebuilds at a time: the ticket is held for `hold`, and each KeepRebuild holds it for as
  // long again. `again` rebuilds though the index is built for this epoch.
  virtual absl::StatusOr<RebuildTicket> BeginRebuild(absl::string_view clinic,
                                                     absl::string_view epoch, absl::Duration hold,
                                                     bool again = false) = 0;
  // FAILED_PRECONDITION with IsRebuildNeeded() when the ticket is lost: it ran out and another took
  // over, or the index was flushed or restarted, and what was upserted may be gone. Begin again.
  virtual absl::Status KeepRebuild(absl::string_view clinic, absl::string_view token,
                                   absl::Duration hold) = 0;
  // Opens the index for claims under `epoch`. Errors as KeepRebuild.
  virtual absl::Status FinishRebuild(absl::string_view clinic, absl::string_view token,
                                     absl::string_view epoch) = 0;
};

// The FAILED_PRECONDITION of an index that has to be rebuilt from SQL before it can be asked.
absl::Status RebuildNeeded();
bool IsRebuildNeeded(const absl::Status& status);

// A token for a claim or a rebuild, unlike any other: for the indexes themselves.
std::string NewToken();

}  // namespace ipt::cache
