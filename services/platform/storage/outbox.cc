#include "platform/storage/outbox.h"

#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"

namespace ipt::storage::outbox {
namespace {

constexpr Statement kAppend = {
    "INSERT INTO outbox (clinic_id, event_id, subject, kind, payload, at_us) "
    "VALUES (:clinic, :event, :subject, :kind, :payload, :at)"};

constexpr Statement kList = {
    "SELECT seq, event_id, subject, kind, payload, at_us FROM outbox "
    "WHERE clinic_id = :clinic AND seq > :after ORDER BY seq LIMIT :limit",
    {ColumnType::kInt64, ColumnType::kText, ColumnType::kText, ColumnType::kText,
     ColumnType::kBytes, ColumnType::kInt64}};

}  // namespace

absl::Status Append(Connection& conn, const OutboxEvent& event) {
  return conn
      .Execute(kAppend, {event.clinic_id, RandomIdSource().NewUuid(), event.subject, event.kind,
                         Bytes{event.payload}, event.time})
      .status();
}

absl::StatusOr<std::vector<StoredEvent>> ListFrom(Connection& conn, absl::string_view clinic_id,
                                                  int64_t after_seq, int64_t limit) {
  std::vector<StoredEvent> events;
  IPT_RETURN_IF_ERROR(conn.Query(kList, {clinic_id, after_seq, limit}, [&](const Row& row) {
    events.push_back({{std::string(clinic_id), row.Text(2), row.Text(3), row.Bytes(4), row.Time(5)},
                      row.Text(1),
                      row.Int64(0)});
    return absl::OkStatus();
  }));
  return events;
}

}  // namespace ipt::storage::outbox
