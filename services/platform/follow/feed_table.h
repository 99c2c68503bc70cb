// Where a follower is in another service's events, kept in the store of what it makes of them, and
// who follows: one process a clinic, by a lease. What counts is not the lease but its FENCE: each
// owner has a greater one, and Advance checks it, and the cursor that it goes on from, in the
// transaction that applies. So a follower that sleeps through the end of its lease writes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/storage/database.h"

namespace ipt::follow {

// Which clinic's events of which service.
struct FeedKey {
  std::string clinic_id;
  std::string peer;
};

// How far it was followed.
struct FeedPosition {
  std::string cursor{};                          // empty: list anew
  absl::Time as_of = absl::InfinitePast();       // all that happened until then was applied
  absl::Time event_time = absl::InfinitePast();  // of the last event applied
  int64_t events = 0;                            // applied, all told
  int64_t listings = 0;                          // begun, all told

  // Whether all is known that happened until so long ago. While everything is listed anew, what is
  // here may be of any time since the last listing.
  bool IsCurrent(absl::Time now, absl::Duration max_age) const {
    return !cursor.empty() && now - as_of <= max_age;
  }
  friend bool operator==(const FeedPosition&, const FeedPosition&) = default;
};

// All of them inside a transaction of the follower's own store.
namespace feed_table {

struct Lease {
  int64_t fence = 0;
  FeedPosition position;
};

// Takes the feed for `owner` until `until`: where nobody has it at `now`, or `owner` has, or
// `even_if_taken`. nullopt: another one has it.
absl::StatusOr<std::optional<Lease>> Take(storage::Connection& conn, const FeedKey& key,
                                          absl::string_view owner, absl::Time now, absl::Time until,
                                          bool even_if_taken);

// Every one below: ABORTED when another owner has the feed by now.
absl::Status Renew(storage::Connection& conn, const FeedKey& key, int64_t fence, absl::Time until);
// Lets another owner begin at once.
absl::Status Release(storage::Connection& conn, const FeedKey& key, int64_t fence);

// Moves from `from` to `to`. The first statement of the transaction that applies what lies between:
// it holds the row until the end, so that two owners cannot both be in it. ABORTED, too, when the
// cursor is not `from` any more.
absl::Status Advance(storage::Connection& conn, const FeedKey& key, int64_t fence,
                     absl::string_view from, const FeedPosition& to);

// Begins a listing: forgets the cursor. Returns the listing's number.
absl::StatusOr<int64_t> BeginListing(storage::Connection& conn, const FeedKey& key, int64_t fence);
// Holds the row against another owner; for the transactions of a listing.
absl::Status Hold(storage::Connection& conn, const FeedKey& key, int64_t fence);

// nullopt: it was never followed. Needs no lease; one statement.
absl::StatusOr<std::optional<FeedPosition>> Find(storage::Connection& conn, const FeedKey& key);

}  // namespace feed_table
}  // namespace ipt::follow
