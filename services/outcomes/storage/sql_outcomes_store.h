// The store of outcomes on SQL: implements the port of domain/store.h on SQLite and PostgreSQL.
// Thread-safe. The database (with the components of PlatformMigrations and OutcomesMigrations in
// it) and the encoders must outlive it.
#pragma once

#include <array>
#include <functional>
#include <utility>

#include "outcomes/domain/store.h"
#include "outcomes/storage/sql_alert_store.h"
#include "outcomes/storage/sql_course_focuses.h"
#include "platform/storage/database.h"

namespace ipt::outcomes {

class SqlOutcomesStore final : public OutcomesStore {
 public:
  // `directory`: what raising alerts may know of scheduling. `on_committed` (may be empty) is
  // called after each commit made through this store, with how many alerts of each kind it raised;
  // it never blocks. `formulation_age` (nullptr: formulation is not followed) says how old the copy
  // of focuses is.
  using OnCommitted = std::function<void(const std::array<int, 5>& raised)>;
  SqlOutcomesStore(storage::Database& db, const EventEncoder& encoder,
                   const AlertEventEncoder& alert_encoder, SqlAlertStore::OpenDirectory directory,
                   OnCommitted on_committed = nullptr,
                   SqlCourseFocuses::AgeOf formulation_age = nullptr)
      : db_(db),
        encoder_(encoder),
        alert_encoder_(alert_encoder),
        directory_(std::move(directory)),
        on_committed_(std::move(on_committed)),
        formulation_age_(formulation_age) {}

  absl::Status Read(absl::Time deadline,
                    absl::FunctionRef<absl::Status(OutcomesReader&)> body) override;
  absl::Status Write(absl::Time deadline,
                     absl::FunctionRef<absl::Status(OutcomesTx&)> body) override;

 private:
  storage::Database& db_;
  const EventEncoder& encoder_;
  const AlertEventEncoder& alert_encoder_;
  const SqlAlertStore::OpenDirectory directory_;
  const OnCommitted on_committed_;
  const SqlCourseFocuses::AgeOf formulation_age_;
};

}  // namespace ipt::outcomes
