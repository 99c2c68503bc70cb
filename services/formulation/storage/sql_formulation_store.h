// The store of formulation on SQL: implements the port of domain/store.h on SQLite and PostgreSQL.
// Thread-safe. The database (with the components of PlatformMigrations and FormulationMigrations in
// it) and the encoder must outlive it.
#pragma once

#include <functional>
#include <utility>

#include "formulation/domain/store.h"
#include "platform/storage/database.h"

namespace ipt::formulation {

class SqlFormulationStore final : public FormulationStore {
 public:
  // `on_committed` (may be empty) is called after each commit made through this store; it never
  // blocks.
  SqlFormulationStore(storage::Database& db, const EventEncoder& encoder,
                      std::function<void()> on_committed = nullptr)
      : db_(db), encoder_(encoder), on_committed_(std::move(on_committed)) {}

  absl::Status Read(absl::Time deadline,
                    absl::FunctionRef<absl::Status(FormulationReader&)> body) override;
  absl::Status Write(absl::Time deadline,
                     absl::FunctionRef<absl::Status(FormulationTx&)> body) override;

 private:
  storage::Database& db_;
  const EventEncoder& encoder_;
  const std::function<void()> on_committed_;
};

}  // namespace ipt::formulation
