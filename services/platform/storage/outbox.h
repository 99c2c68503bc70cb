// Events, appended in the transaction of the change that they tell, and read by position: dense, in
// the order of commits. Neither insertion order nor `seq` is commit order, so on PostgreSQL a relay
// (Place) gives positions to what is committed; a row that is not yet is never stepped over. On
// SQLite the one writer's order is the position.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/storage/database.h"
#include "platform/transaction/write_log.h"

namespace ipt::storage::outbox {

// The event gets a random id, by which consumers drop repeats. `revision` is the write's.
absl::Status Append(Connection& conn, const OutboxEvent& event, int64_t revision);

struct FeedState {
  // Names this history of the store; another one after a restore.
  std::string epoch{};
  // The newest position given.
  int64_t end = 0;
  // Events up to this position were purged.
  int64_t purged = 0;
  // Committed events wait for Place.
  bool waiting = false;
};

// One statement.
absl::StatusOr<FeedState> ReadFeed(Connection& conn);

// While another relay is at it.
enum class IfBusy {
  kLeaveIt,  // place nothing: it does
  kWait,     // until it has committed
};

// Gives positions to at most `limit` events that wait. Returns how many got one. With kWait, fewer
// than `limit` means that all that was committed before the call has its position. In a Write.
absl::StatusOr<int64_t> Place(Connection& conn, int64_t limit, IfBusy if_busy);

// When the oldest event happened that waits for Place; nullopt: none waits. One statement.
absl::StatusOr<std::optional<absl::Time>> OldestWaiting(Connection& conn);

// The clinics with events after `after` and up to `upto`, each with its newest such position.
absl::StatusOr<std::vector<std::pair<std::string, int64_t>>> NewestByClinic(Connection& conn,
                                                                            int64_t after,
                                                                            int64_t upto);

struct StoredEvent {
  OutboxEvent event{};
  std::string event_id{};
  int64_t revision = 0;
  int64_t position = 0;
};

struct Page {
  std::vector<StoredEvent> events{};
  // Nothing more of this clinic lies within the bounds that were asked for.
  bool complete = false;
};

// Events of a clinic with after < position <= upto, in order: at most `limit`, and no more than fit
// into `max_bytes` of payload (one, if it alone does not).
absl::StatusOr<Page> ReadPage(Connection& conn, absl::string_view clinic_id, int64_t after,
                              int64_t upto, int limit, size_t max_bytes);

// Deletes, oldest first, at most `limit` events older than `before`; one that is younger keeps all
// after it. Returns how many. In a Write.
absl::StatusOr<int64_t> PurgeOlderThan(Connection& conn, absl::Time before, int64_t limit);

// After a copy of the store was put in its place: another epoch, so that nobody follows on from a
// history that is gone, and revisions far beyond those that clients may have seen. In a Write.
absl::Status MarkRestored(Connection& conn);

}  // namespace ipt::storage::outbox
