#include "platform/storage/audit.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"

namespace ipt::storage::audit {
namespace {

constexpr int64_t kRead = 1;
constexpr int64_t kWrite = 2;

constexpr Statement kAppend = {
    "INSERT INTO audit_entries (clinic_id, entry_id, at_us, last_us, caller, method, action, "
    "resource, request_id, outcome, count) VALUES (:clinic, :entry, :at, :last, :caller, :method, "
    ":action, :resource, :request, :outcome, :count)"};

constexpr ColumnTypes kColumns = {ColumnType::kText, ColumnType::kInt64, ColumnType::kInt64,
                                  ColumnType::kText, ColumnType::kText,  ColumnType::kInt64,
                                  ColumnType::kText, ColumnType::kText,  ColumnType::kText,
                                  ColumnType::kInt64};

constexpr Statement kPurge = {
    "DELETE FROM audit_entries WHERE (clinic_id, at_us, entry_id) IN (SELECT clinic_id, at_us, "
    "entry_id FROM audit_entries WHERE at_us < :before ORDER BY at_us LIMIT :limit)"};

}  // namespace

absl::Status Append(Connection& conn, const AuditRecord& record) {
  return conn
      .Execute(kAppend, {record.clinic_id, RandomIdSource().NewUuid(), record.time,
                         std::max(record.time, record.last_time), record.caller, record.method,
                         record.write ? kWrite : kRead, record.resource, record.request_id,
                         record.outcome, record.count})
      .status();
}

absl::StatusOr<std::vector<ipt::audit::AuditEntry>> List(
    Connection& conn, const ipt::audit::AuditFilter& filter,
    const std::optional<ipt::audit::AuditCursor>& after, int64_t limit) {
  // One of 32 texts: only the conditions that the filter has.
  std::string sql =
      "SELECT entry_id, at_us, last_us, caller, method, action, resource, request_id, outcome, "
      "count FROM audit_entries WHERE clinic_id = :clinic";
  std::vector<Value> params = {filter.clinic_id};
  if (!filter.resource.empty()) {
    // What lies beneath begins with "name/", and '0' is the character after '/'.
    absl::StrAppend(&sql,
                    " AND (resource = :resource OR (resource > :beneath AND resource < :end))");
    params.insert(params.end(), {filter.resource, absl::StrCat(filter.resource, "/"),
                                 absl::StrCat(filter.resource, "0")});
  }
  if (!filter.caller.empty()) {
    absl::StrAppend(&sql, " AND caller = :caller");
    params.emplace_back(filter.caller);
  }
  if (filter.since.has_value()) {
    absl::StrAppend(&sql, " AND at_us >= :since");
    params.emplace_back(*filter.since);
  }
  if (filter.until.has_value()) {
    absl::StrAppend(&sql, " AND at_us < :until");
    params.emplace_back(*filter.until);
  }
  if (after.has_value()) {
    absl::StrAppend(&sql, " AND (at_us, entry_id) < (:after_at, :after_id)");
    params.insert(params.end(), {after->time, after->entry_id});
  }
  absl::StrAppend(&sql, " ORDER BY at_us DESC, entry_id DESC LIMIT :limit");
  params.emplace_back(limit);

  std::vector<ipt::audit::AuditEntry> entries;
  IPT_RETURN_IF_ERROR(conn.Query({sql, kColumns}, params, [&](const Row& row) {
    ipt::audit::AuditEntry entry;
    entry.entry_id = row.Text(0);
    entry.record.clinic_id = filter.clinic_id;
    entry.record.time = row.Time(1);
    entry.record.last_time = row.Time(2);
    entry.record.caller = row.Text(3);
    entry.record.method = row.Text(4);
    entry.record.write = row.Int64(5) == kWrite;
    entry.record.resource = row.Text(6);
    entry.record.request_id = row.Text(7);
    entry.record.outcome = row.Text(8);
    entry.record.count = row.Int64(9);
    entries.push_back(std::move(entry));
    return absl::OkStatus();
  }));
  return entries;
}

absl::StatusOr<int64_t> PurgeOlderThan(Connection& conn, absl::Time before, int64_t limit) {
  return conn.Execute(kPurge, {before, limit});
}

absl::StatusOr<std::vector<ipt::audit::AuditEntry>> SqlAuditReader::List(
    const ipt::audit::AuditFilter& filter, const std::optional<ipt::audit::AuditCursor>& after,
    int limit, absl::Time deadline) {
  CallOptions options;
  options.deadline = deadline;
  options.single_statement = true;
  std::vector<ipt::audit::AuditEntry> entries;
  IPT_RETURN_IF_ERROR(db_.Read(options, [&](Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(entries, storage::audit::List(conn, filter, after, limit));
    return absl::OkStatus();
  }));
  return entries;
}

}  // namespace ipt::storage::audit
