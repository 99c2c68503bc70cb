// Events, appended in the transaction of the change that they tell. Rows are inserted, never
// changed by their writer. A position (dense, in commit order) is assigned later, by the relay:
// neither insertion order nor `seq` is commit order, so nothing here orders events across writers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/storage/database.h"
#include "platform/transaction/write_log.h"

namespace ipt::storage::outbox {

// The event gets a random id, by which consumers drop repeats.
absl::Status Append(Connection& conn, const OutboxEvent& event);

struct StoredEvent {
  OutboxEvent event;
  std::string event_id;
  int64_t seq = 0;  // insertion order on this store
};

// Up to `limit` events of a clinic after `after_seq`, in insertion order: for replay on a store at
// rest, where insertion order holds every event. Followers of a live store use positions.
absl::StatusOr<std::vector<StoredEvent>> ListFrom(Connection& conn, absl::string_view clinic_id,
                                                  int64_t after_seq, int64_t limit);

}  // namespace ipt::storage::outbox
