#include "outcomes/storage/sql_outcomes_store.h"

#include <memory>
#include <utility>

#include "outcomes/storage/sql_outcomes_tx.h"
#include "platform/storage/revision.h"
#include "platform/storage/write_scope.h"

namespace ipt::outcomes {
absl::Status SqlOutcomesStore::Read(absl::Time deadline,
                                    absl::FunctionRef<absl::Status(OutcomesReader&)> body) {
  storage::CallOptions options;
  options.deadline = deadline;
  return db_.Read(options, [&](storage::Connection& conn) {
    const std::unique_ptr<AlertDirectory> directory = directory_(conn);
    SqlOutcomesTx tx(conn, encoder_, alert_encoder_, *directory, formulation_age_);
    return body(tx);
  });
}

absl::Status SqlOutcomesStore::Write(absl::Time deadline,
                                     absl::FunctionRef<absl::Status(OutcomesTx&)> body) {
  storage::CallOptions options;
  options.deadline = deadline;
  SqlAlertTx::Raised raised{};
  const absl::Status status = db_.Write(options, [&](storage::Connection& conn) {
    const std::unique_ptr<AlertDirectory> directory = directory_(conn);
    SqlOutcomesTx tx(conn, encoder_, alert_encoder_, *directory, formulation_age_);
    absl::Status ran = body(tx);
    raised = tx.raised();
    return ran;
  });
  // A store that went away during the commit may have committed.
  if (on_committed_ != nullptr && (status.ok() || absl::IsUnavailable(status))) {
    on_committed_(status.ok() ? raised : SqlAlertTx::Raised{});
  }
  return status;
}

absl::Status SqlOutcomesTx::Emit(const Event& event, absl::Time now) {
  EventEncoder::Encoded encoded = encoder_.Encode(event);
  return log_.AppendEvent({.clinic_id = std::move(encoded.clinic_id),
                           .subject = std::move(encoded.subject),
                           .kind = std::move(encoded.kind),
                           .payload = std::move(encoded.payload),
                           .time = now});
}

absl::StatusOr<int64_t> SqlOutcomesTx::CurrentRevision() { return storage::CurrentRevision(conn_); }

absl::StatusOr<int64_t> SqlOutcomesTx::MarkWriters() { return storage::MarkWriters(conn_); }

absl::StatusOr<bool> SqlOutcomesTx::WritersAreOver(int64_t mark) {
  return storage::WritersAreOver(conn_, mark);
}

absl::Status SqlOutcomesTx::LockScope(absl::string_view clinic_id, absl::string_view course_id) {
  return storage::LockWriteScope(conn_, clinic_id, course_id);
}

absl::StatusOr<std::optional<CourseFocus>> SqlOutcomesTx::FindCourseFocus(
    absl::string_view clinic_id, absl::string_view course_id) {
  if (!follows_formulation()) return std::nullopt;
  return SqlCourseFocuses::Find(conn_, clinic_id, course_id);
}

absl::StatusOr<FormulationAge> SqlOutcomesTx::GetFormulationAge(absl::string_view clinic_id,
                                                                absl::Time now) {
  if (!follows_formulation()) return std::nullopt;
  return formulation_age_(conn_, clinic_id, now);
}

absl::Status SqlOutcomesTx::StampNew(Stamp& stamp, absl::Time now) {
  IPT_RETURN_IF_ERROR(StampChanged(stamp, now));
  stamp.create_time = stamp.update_time;
  return absl::OkStatus();
}

absl::Status SqlOutcomesTx::StampChanged(Stamp& stamp, absl::Time now) {
  IPT_ASSIGN_OR_RETURN(stamp.revision, log_.Revision());
  stamp.update_time = absl::FromUnixMicros(absl::ToUnixMicros(now));
  return absl::OkStatus();
}

Stamp StampOf(const storage::Row& row, size_t revision_column) {
  return {.revision = row.Int64(revision_column),
          .create_time = row.Time(revision_column + 1),
          .update_time = row.Time(revision_column + 2)};
}

}  // namespace ipt::outcomes
