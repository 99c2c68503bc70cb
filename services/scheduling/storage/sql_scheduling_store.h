// The store of scheduling on SQL: implements the port of domain/store.h on SQLite and PostgreSQL.
// Thread-safe. The database (with the components of PlatformMigrations and SchedulingMigrations in
// it) and the encoder must outlive it.
#pragma once

#include "platform/storage/database.h"
#include "scheduling/domain/commit_listener.h"
#include "scheduling/domain/events.h"
#include "scheduling/domain/queue_listener.h"
#include "scheduling/domain/store.h"

namespace ipt::scheduling {

class SqlSchedulingStore final : public SchedulingStore {
 public:
  // `listener` may be null; it hears of the commits made through this store.
  SqlSchedulingStore(storage::Database& db, const EventEncoder& encoder,
                     CommitListener* listener = nullptr)
      : db_(db), encoder_(encoder), listener_(listener) {}

  // Hears of the queue's changes, if not null. Before the first call.
  void SetQueueListener(QueueListener* listener) { queue_listener_ = listener; }

  absl::Status Read(absl::Time deadline,
                    absl::FunctionRef<absl::Status(SchedulingReader&)> body) override;
  absl::Status Write(absl::Time deadline,
                     absl::FunctionRef<absl::Status(SchedulingTx&)> body) override;

 private:
  storage::Database& db_;
  const EventEncoder& encoder_;
  CommitListener* const listener_;
  QueueListener* queue_listener_ = nullptr;
};

}  // namespace ipt::scheduling
