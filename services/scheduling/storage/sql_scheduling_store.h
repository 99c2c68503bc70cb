// The store of scheduling on SQL: implements the port of domain/store.h on SQLite and PostgreSQL.
// Thread-safe. The database (with the components of PlatformMigrations and SchedulingMigrations in
// it) and the encoder must outlive it.
#pragma once

#include "platform/storage/database.h"
#include "scheduling/domain/events.h"
#include "scheduling/domain/store.h"

namespace ipt::scheduling {

class SqlSchedulingStore final : public SchedulingStore {
 public:
  SqlSchedulingStore(storage::Database& db, const EventEncoder& encoder)
      : db_(db), encoder_(encoder) {}

  absl::Status Read(absl::Time deadline,
                    absl::FunctionRef<absl::Status(SchedulingReader&)> body) override;
  absl::Status Write(absl::Time deadline,
                     absl::FunctionRef<absl::Status(SchedulingTx&)> body) override;

 private:
  storage::Database& db_;
  const EventEncoder& encoder_;
};

}  // namespace ipt::scheduling
