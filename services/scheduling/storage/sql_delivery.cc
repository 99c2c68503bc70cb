#include "scheduling/storage/sql_delivery.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "scheduling/domain/names.h"
#include "scheduling/storage/json_codec.h"
#include "scheduling/storage/reminder_row.h"
#include "scheduling/storage/sql_text.h"

namespace ipt::scheduling {
namespace {

using storage::ColumnTypes;
using storage::Dialect;
using storage::Row;
using storage::Value;

constexpr auto kInt = storage::ColumnType::kInt64;
constexpr auto kText = storage::ColumnType::kText;

constexpr absl::Duration kMinute = absl::Minutes(1);

// PostgreSQL, told nothing of the table yet, takes a clinic's whole queue for one row, and would
// walk through it for each reminder of a batch. So the state of rows that are looked up by their
// ids is compared as a number of its own: no index of the queue serves then.
constexpr absl::string_view kStateById = "(r.state + 0)";

// What may be leased by the row's own columns. `t` is the row's alias.
std::string Claimable(absl::string_view t, absl::string_view state) {
  return absl::StrCat(state, " AND ", t, ".next_us <= :now AND ", t, ".not_after_us > :now AND ", t,
                      ".policy_version = :version AND (CAST(:channels AS BIGINT) = -1 OR (", t,
                      ".channel_mask & :channels) <> 0)");
}

// And by the others of its course: none is leased, none that may be leased is due before it. OFFSET
// keeps PostgreSQL from joining, and states are asked for as ranges, which no index but that of the
// courses has: for the same reason.
std::string FirstOfCourse() {
  return absl::StrCat(
      "NOT EXISTS (SELECT 1 FROM reminders o WHERE o.clinic_id = :clinic "
      "AND o.course_id = r.course_id AND o.state < 3 AND o.state > 1 LIMIT 1 OFFSET 0) "
      "AND NOT EXISTS (SELECT 1 FROM reminders e WHERE e.clinic_id = :clinic "
      "AND e.course_id = r.course_id AND e.state < 3 AND e.due_us <= r.due_us "
      "AND (e.due_us, e.reminder_id) < (r.due_us, r.reminder_id) AND e.quiet_us > :now AND ",
      Claimable("e", "e.state < 2"), " LIMIT 1 OFFSET 0)");
}

constexpr absl::string_view kQueued =
    "SELECT r.reminder_id, r.generation, r.next_us, r.state FROM reminders r "
    "WHERE r.clinic_id = :clinic AND ";
constexpr ColumnTypes kQueuedColumns = {kText, kInt, kInt, kInt};

QueueEntry EntryOf(const Row& row) {
  return {.reminder_id = row.Text(0),
          .generation = row.Int64(1),
          .next = FromMicros(row.Int64(2)),
          .leased = static_cast<ReminderState>(row.Int64(3)) == ReminderState::kLeased};
}

// A LeaseRecord's columns; the attempt's are null where there is none.
constexpr absl::string_view kRecord =
    "r.clinic_id, r.reminder_id, r.state, r.why_not, r.generation, r.not_after_us, r.attempt, "
    "r.max_attempts, r.lease_token, r.delivery, a.lease_token, a.generation, a.attempt, "
    "a.ended_us, a.outcome, r.hold_unknown";
constexpr ColumnTypes kRecordColumns = {kText, kText, kInt, kInt, kInt, kInt, kInt, kInt,
                                        kInt,  kInt,  kInt, kInt, kInt, kInt, kInt, kInt};

LeaseRecord RecordOf(const Row& row) {
  LeaseRecord record{.clinic_id = row.Text(0),
                     .reminder_id = row.Text(1),
                     .state = static_cast<ReminderState>(row.Int64(2)),
                     .why_not = static_cast<ReminderWhyNot>(row.Int64(3)),
                     .generation = row.Int64(4),
                     .not_after = FromMicros(row.Int64(5)),
                     .attempt = static_cast<int>(row.Int64(6)),
                     .max_attempts = static_cast<int>(row.Int64(7)),
                     .hold_unknown = row.Bool(15),
                     .lease_token = row.Int64(8),
                     .delivery = static_cast<DeliveryOutcome>(row.Int64(9))};
  if (!row.IsNull(10)) {
    record.named = LeaseRecord::Attempt{.lease_token = row.Int64(10),
                                        .generation = row.Int64(11),
                                        .attempt = static_cast<int>(row.Int64(12)),
                                        .ended = !row.IsNull(13),
                                        .outcome = static_cast<AttemptOutcome>(row.Int64(14))};
  }
  return record;
}

// A JSON array of arrays for JsonRows. Texts are ids or words of A-Z, 0-9 and "_": nothing to
// escape.
class JsonTable {
 public:
  template <typename... Cells>
  void Add(const Cells&... cells) {
    if (!text_.empty()) text_ += ',';
    text_ += '[';
    bool first = true;
    ((absl::StrAppend(&text_, first ? "" : ",", Cell(cells)), first = false), ...);
    text_ += ']';
  }
  std::string Text() const { return absl::StrCat("[", text_, "]"); }

 private:
  static std::string Cell(int64_t value) { return absl::StrCat(value); }
  static std::string Cell(int value) { return absl::StrCat(value); }
  static std::string Cell(const std::string& value) { return absl::StrCat("\"", value, "\""); }
  static std::string Cell(const std::optional<absl::Time>& value) {
    return value.has_value() ? absl::StrCat(ToMicros(*value)) : "null";
  }
  std::string text_;
};

// The engines differ here in whose clock is asked: a store that several processes share has its
// own.
constexpr absl::string_view kPostgresNow =
    "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)";

template <typename Convert>
auto Collect(storage::Connection& conn, const storage::Statement& statement,
             absl::Span<const Value> params, Convert convert)
    -> absl::StatusOr<std::vector<std::invoke_result_t<Convert, const Row&>>> {
  std::vector<std::invoke_result_t<Convert, const Row&>> result;
  IPT_RETURN_IF_ERROR(conn.Query(statement, params, [&](const Row& row) {
    result.push_back(convert(row));
    return absl::OkStatus();
  }));
  return result;
}

std::string TextOf(const Row& row) { return row.Text(0); }

}  // namespace

absl::StatusOr<absl::Time> SqlDelivery::StoreNow(absl::Time own_now) {
  if (sqlite()) return own_now;
  const std::string sql = absl::StrCat("SELECT ", kPostgresNow);
  IPT_ASSIGN_OR_RETURN(const auto now, conn_.QueryOne({sql, {kInt}}, {}, [](const Row& row) {
    return FromMicros(row.Int64(0));
  }));
  return now.value_or(own_now);
}

absl::StatusOr<std::string> SqlDelivery::QueueEpoch() {
  // The feed's part is another one after a restore (outbox::MarkRestored).
  IPT_ASSIGN_OR_RETURN(
      const auto epoch,
      conn_.QueryOne({"SELECT q.epoch || '-' || f.epoch FROM reminder_queue_epoch q "
                      "JOIN event_feed f ON f.id = q.id WHERE q.id = 1",
                      {kText}},
                     {}, TextOf));
  if (!epoch.has_value()) return Internal("the queue's epoch has no row");
  return *epoch;
}

absl::StatusOr<bool> SqlDelivery::AnyToSweep(absl::Time now) {
  IPT_ASSIGN_OR_RETURN(
      const auto any,
      conn_.QueryOne({"SELECT CASE WHEN EXISTS (SELECT 1 FROM reminders WHERE state = 2 "
                      "AND next_us <= :now) OR EXISTS (SELECT 1 FROM reminders "
                      "WHERE state = 1 AND not_after_us <= :now) "
                      "THEN 1 ELSE 0 END",
                      {kInt}},
                     {ToMicros(now)}, [](const Row& row) { return row.Bool(0); }));
  return any.value_or(false);
}

absl::StatusOr<std::vector<QueueHead>> SqlDelivery::QueueHeads() {
  // Each clinic's first entry by the queue's index.
  return Collect(conn_,
                 {"SELECT clinic_id, next_us, paused FROM (SELECT c.clinic_id AS clinic_id, "
                  "(SELECT MIN(r.next_us) FROM reminders r WHERE r.clinic_id = c.clinic_id "
                  "AND r.state IN (1, 2)) AS next_us, COALESCE(s.paused, 0) AS paused "
                  "FROM clinics c LEFT JOIN reminder_sending s ON s.clinic_id = c.clinic_id) "
                  "AS heads WHERE next_us IS NOT NULL ORDER BY clinic_id",
                  {kText, kInt, kInt}},
                 {}, [](const Row& row) {
                   return QueueHead{.clinic_id = row.Text(0),
                                    .next = FromMicros(row.Int64(1)),
                                    .paused = row.Bool(2)};
                 });
}

absl::StatusOr<std::vector<QueueEntry>> SqlDelivery::QueuePage(absl::string_view clinic_id,
                                                               absl::Time after_next,
                                                               absl::string_view after_id,
                                                               absl::Time before, int limit) {
  const std::string sql = absl::StrCat(kQueued,
                                       "r.state IN (1, 2) AND r.next_us >= :after AND (r.next_us, "
                                       "r.reminder_id) > (:after, :after_id) "
                                       "AND r.next_us < :before AND r.state = 1 "
                                       "ORDER BY r.next_us, r.reminder_id LIMIT :limit");
  return Collect(conn_, {sql, kQueuedColumns},
                 {clinic_id, ToMicros(after_next), after_id, ToMicros(before), limit}, EntryOf);
}

absl::StatusOr<std::vector<QueueEntry>> SqlDelivery::FindQueued(
    absl::string_view clinic_id, const std::vector<std::string>& ids) {
  const std::string sql = absl::StrCat(kQueued, kStateById, " IN (1, 2) AND ",
                                       InJson(conn_.dialect(), "r.reminder_id", ":ids"));
  return Collect(conn_, {sql, kQueuedColumns}, {clinic_id, EncodeStrings(ids)}, EntryOf);
}

absl::StatusOr<QueueCounts> SqlDelivery::CountQueue(absl::Time now, int64_t most) {
  QueueCounts counts;
  IPT_ASSIGN_OR_RETURN(
      const auto found,
      conn_.QueryOne(
          {"SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM clinics c JOIN reminders r "
           "ON r.clinic_id = c.clinic_id AND r.state IN (1, 2) AND r.next_us <= :now "
           "AND r.state = 1 LIMIT :most) AS due), "
           "(SELECT COUNT(*) FROM (SELECT 1 FROM reminders WHERE state = 2 LIMIT :most) AS "
           "leased), "
           "(SELECT COUNT(*) FROM (SELECT 1 FROM reminders WHERE state = 4 LIMIT :most) AS dead)",
           {kInt, kInt, kInt}},
          {ToMicros(now), most}, [](const Row& row) {
            return QueueCounts{.due = row.Int64(0), .leased = row.Int64(1), .dead = row.Int64(2)};
          }));
  if (found.has_value()) counts = *found;
  return counts;
}

absl::StatusOr<SendingGate> SqlDelivery::Gate(absl::string_view clinic_id, absl::Time own_now) {
  const std::string sql = absl::StrCat(
      "SELECT c.reminder_version, COALESCE(s.paused, 0), COALESCE(s.max_per_minute, 0), "
      "COALESCE(s.window_us, 0), COALESCE(s.window_used, 0), ",
      sqlite() ? absl::string_view("0") : kPostgresNow,
      " FROM clinics c LEFT JOIN reminder_sending s ON s.clinic_id = c.clinic_id "
      "WHERE c.clinic_id = :clinic");
  const storage::Statement statement = {sql, {kInt, kInt, kInt, kInt, kInt, kInt}};
  bool capped = false;
  const auto read = [&](const Row& row) {
    SendingGate gate;
    gate.now = sqlite() ? own_now : FromMicros(row.Int64(5));
    gate.policy_version = row.Int64(0);
    gate.paused = row.Bool(1);
    const absl::Time minute =
        absl::UnixEpoch() + absl::Floor(gate.now - absl::UnixEpoch(), kMinute);
    gate.next_minute = minute + kMinute;
    capped = row.Int64(2) > 0;
    if (capped) {
      const int64_t used = FromMicros(row.Int64(3)) == minute ? row.Int64(4) : 0;
      gate.room = std::max<int64_t>(row.Int64(2) - used, 0);
    }
    return gate;
  };
  IPT_ASSIGN_OR_RETURN(auto gate, conn_.QueryOne(statement, {clinic_id}, read));
  if (capped && !sqlite()) {
    // In a statement of its own, so that what is read after it is newer than the last holder's
    // commit.
    IPT_RETURN_IF_ERROR(conn_.Query(
        {"SELECT 1 FROM reminder_sending WHERE clinic_id = :clinic FOR NO KEY UPDATE", {kInt}},
        {clinic_id}, [](const Row&) { return absl::OkStatus(); }));
    IPT_ASSIGN_OR_RETURN(gate, conn_.QueryOne(statement, {clinic_id}, read));
  }
  if (!gate.has_value()) return NotFound(kClinicType, ClinicName(clinic_id));
  return *gate;
}

absl::Status SqlDelivery::UseRoom(absl::string_view clinic_id, absl::Time now, int64_t leases) {
  const absl::Time minute = absl::UnixEpoch() + absl::Floor(now - absl::UnixEpoch(), kMinute);
  return conn_
      .Execute({"UPDATE reminder_sending SET window_used = CASE WHEN window_us = :minute "
                "THEN window_used ELSE 0 END + :leases, window_us = :minute "
                "WHERE clinic_id = :clinic"},
               {ToMicros(minute), leases, clinic_id})
      .status();
}

absl::StatusOr<std::vector<std::string>> SqlDelivery::DueIds(const ClaimCommand& command,
                                                             int limit) {
  const std::string sql = absl::StrCat(
      "SELECT r.reminder_id FROM reminders r WHERE r.clinic_id = :clinic AND r.state IN (1, 2) "
      "AND ",
      Claimable("r", "r.state = 1"), " AND ", FirstOfCourse(),
      " ORDER BY r.next_us, r.reminder_id LIMIT :limit");
  return Collect(
      conn_, {sql, {kText}},
      {command.clinic_id, ToMicros(command.now), command.policy_version, command.channels, limit},
      TextOf);
}

absl::StatusOr<std::vector<Reminder>> SqlDelivery::Claim(const ClaimCommand& command,
                                                         const std::vector<std::string>& ids,
                                                         int64_t& lease_token) {
  const std::string wanted = EncodeStrings(ids);
  const Dialect dialect = conn_.dialect();
  std::vector<Value> params;
  std::string courses;
  if (!sqlite()) {
    const std::string lock = absl::StrCat(
        "SELECT k.course_id FROM courses k WHERE k.clinic_id = :clinic AND k.course_id = ANY "
        "(ARRAY(SELECT r.course_id FROM reminders r WHERE r.clinic_id = :clinic AND ",
        InJson(dialect, "r.reminder_id", ":ids"),
        ")) ORDER BY k.course_id FOR NO KEY UPDATE SKIP LOCKED");
    IPT_ASSIGN_OR_RETURN(const std::vector<std::string> held,
                         Collect(conn_, {lock, {kText}}, {command.clinic_id, wanted}, TextOf));
    if (held.empty()) return std::vector<Reminder>();
    courses = EncodeStrings(held);
  }
  IPT_ASSIGN_OR_RETURN(lease_token, log_.Revision());
  const std::string claim = absl::StrCat(
      "UPDATE reminders AS r SET state = 2, attempt = attempt + 1, lease_token = :token, "
      "next_us = CASE WHEN not_after_us < :until THEN not_after_us ELSE :until END, "
      "updated_us = :now WHERE r.clinic_id = :clinic AND ",
      InJson(dialect, "r.reminder_id", ":ids"),
      sqlite() ? "" : absl::StrCat(" AND ", InJson(dialect, "(r.course_id || '')", ":courses")),
      " AND r.quiet_us > :now AND ", Claimable("r", absl::StrCat(kStateById, " = 1")), " AND ",
      FirstOfCourse());
  params = {lease_token, ToMicros(command.until), ToMicros(command.now), command.clinic_id, wanted};
  if (!sqlite()) params.emplace_back(courses);
  params.insert(params.end(), {command.policy_version, command.channels});
  IPT_ASSIGN_OR_RETURN(const int64_t claimed, conn_.Execute({claim}, params));
  if (claimed == 0) return std::vector<Reminder>();

  const std::string begin = absl::StrCat(
      "INSERT INTO reminder_attempts (clinic_id, reminder_id, generation, attempt, lease_token, "
      "caller, leased_us, ended_us, outcome, reason) SELECT r.clinic_id, r.reminder_id, "
      "r.generation, r.attempt, r.lease_token, CAST(:caller AS TEXT), CAST(:now AS BIGINT), NULL, "
      "0, '' FROM reminders r WHERE r.clinic_id = :clinic AND r.lease_token = :token "
      "AND ",
      InJson(dialect, "r.reminder_id", ":ids"));
  IPT_RETURN_IF_ERROR(conn_
                          .Execute({begin}, {command.caller, ToMicros(command.now),
                                             command.clinic_id, lease_token, wanted})
                          .status());
  return ReadReminders(
      command.clinic_id,
      absl::StrCat("r.lease_token = :token AND ", InJson(dialect, "r.reminder_id", ":ids"),
                   " ORDER BY r.due_us, r.reminder_id"),
      {lease_token, wanted});
}

absl::StatusOr<std::vector<Reminder>> SqlDelivery::ReadReminders(absl::string_view clinic_id,
                                                                 absl::string_view condition,
                                                                 std::vector<Value> params) {
  params.insert(params.begin(), clinic_id);
  const std::string sql = absl::StrCat(SELECT_REMINDER " AND ", condition);
  std::vector<Reminder> reminders;
  IPT_RETURN_IF_ERROR(conn_.Query({sql, kReminderColumns}, params, [&](const Row& row) {
    IPT_ASSIGN_OR_RETURN(Reminder reminder, ReminderOf(clinic_id, row));
    reminders.push_back(std::move(reminder));
    return absl::OkStatus();
  }));
  return reminders;
}

absl::StatusOr<std::vector<Reminder>> SqlDelivery::FindScheduled(
    absl::string_view clinic_id, const std::vector<std::string>& ids) {
  return ReadReminders(
      clinic_id,
      absl::StrCat(kStateById, " = 1 AND ", InJson(conn_.dialect(), "r.reminder_id", ":ids")),
      {EncodeStrings(ids)});
}

absl::StatusOr<std::vector<std::optional<LeaseRecord>>> SqlDelivery::LockLeases(
    absl::string_view clinic_id, const std::vector<Named>& leases) {
  std::vector<std::optional<LeaseRecord>> records(leases.size());
  if (leases.empty()) return records;
  JsonTable table;
  std::vector<std::string> ids;
  for (const Named& lease : leases) {
    table.Add(lease.reminder_id, lease.lease_token);
    ids.push_back(lease.reminder_id);
  }
  const Dialect dialect = conn_.dialect();
  const std::string wanted = EncodeStrings(ids);
  if (!sqlite()) {
    const std::string lock = absl::StrCat("SELECT 1 FROM reminders WHERE clinic_id = :clinic AND ",
                                          InJson(dialect, "reminder_id", ":ids"),
                                          " ORDER BY reminder_id FOR NO KEY UPDATE");
    IPT_RETURN_IF_ERROR(conn_.Query({lock, {kInt}}, {clinic_id, wanted},
                                    [](const Row&) { return absl::OkStatus(); }));
  }
  const std::string sql = absl::StrCat(
      "SELECT ", kRecord, " FROM ",
      JsonRows(dialect, ":leases", {{"reminder_id"}, {"lease_token", true}}),
      " AS v JOIN reminders r ON r.clinic_id = :clinic AND r.reminder_id = v.reminder_id "
      "LEFT JOIN reminder_attempts a ON a.clinic_id = r.clinic_id "
      "AND a.reminder_id = r.reminder_id AND a.lease_token = v.lease_token WHERE ",
      InJson(dialect, "r.reminder_id", ":ids"));
  IPT_ASSIGN_OR_RETURN(
      std::vector<LeaseRecord> found,
      Collect(conn_, {sql, kRecordColumns}, {table.Text(), clinic_id, wanted}, RecordOf));
  absl::flat_hash_map<std::string, LeaseRecord> by_id;
  for (LeaseRecord& record : found) {
    std::string id = record.reminder_id;
    by_id.insert_or_assign(std::move(id), std::move(record));
  }
  for (size_t i = 0; i < leases.size(); ++i) {
    if (const auto it = by_id.find(leases[i].reminder_id); it != by_id.end()) {
      records[i] = it->second;
    }
  }
  return records;
}

absl::StatusOr<std::vector<LeaseRecord>> SqlDelivery::LockQueued(absl::string_view condition,
                                                                 absl::Time now, int limit) {
  // The engines differ here in how a row is left out that another transaction holds.
  const std::string ids =
      absl::StrCat("SELECT r.clinic_id, r.reminder_id FROM reminders r WHERE ", condition,
                   " LIMIT :limit", sqlite() ? "" : " FOR NO KEY UPDATE SKIP LOCKED");
  struct Key {
    std::string clinic_id;
    std::string reminder_id;
  };
  IPT_ASSIGN_OR_RETURN(
      const std::vector<Key> keys,
      Collect(conn_, {ids, {kText, kText}}, {ToMicros(now), limit}, [](const Row& row) {
        return Key{row.Text(0), row.Text(1)};
      }));
  if (keys.empty()) return std::vector<LeaseRecord>();
  JsonTable table;
  for (const Key& key : keys) table.Add(key.clinic_id, key.reminder_id);
  const std::string sql = absl::StrCat(
      "SELECT ", kRecord, " FROM ",
      JsonRows(conn_.dialect(), ":keys", {{"clinic_id"}, {"reminder_id"}}),
      " AS v JOIN reminders r ON r.clinic_id = v.clinic_id AND r.reminder_id = v.reminder_id "
      "LEFT JOIN reminder_attempts a ON a.clinic_id = r.clinic_id "
      "AND a.reminder_id = r.reminder_id AND a.generation = r.generation "
      "AND a.attempt = r.attempt");
  return Collect(conn_, {sql, kRecordColumns}, {table.Text()}, RecordOf);
}

absl::StatusOr<std::vector<LeaseRecord>> SqlDelivery::LockLapsed(absl::Time now, int limit) {
  return LockQueued("r.state = 2 AND r.next_us <= :now ORDER BY r.next_us", now, limit);
}

absl::StatusOr<std::vector<LeaseRecord>> SqlDelivery::LockTooLate(absl::Time now, int limit) {
  return LockQueued("r.state = 1 AND r.not_after_us <= :now ORDER BY r.not_after_us", now, limit);
}

absl::StatusOr<std::vector<QueueEntry>> SqlDelivery::FirstDueOfCourses(
    absl::string_view clinic_id, const std::vector<std::string>& ids, absl::Time now) {
  // As in FirstOfCourse, states are ranges so that the courses' index serves.
  const std::string sql = absl::StrCat(
      "SELECT (SELECT o.reminder_id FROM reminders o WHERE o.clinic_id = :clinic "
      "AND o.course_id = r.course_id AND o.state < 3 AND o.state < 2 AND o.due_us <= :now "
      "AND o.next_us <= :now "
      "ORDER BY o.due_us, o.reminder_id LIMIT 1) FROM reminders r WHERE r.clinic_id = :clinic AND ",
      InJson(conn_.dialect(), "r.reminder_id", ":ids"));
  std::vector<std::string> first;
  IPT_RETURN_IF_ERROR(conn_.Query({sql, {kText}}, {clinic_id, ToMicros(now), EncodeStrings(ids)},
                                  [&](const Row& row) {
                                    if (!row.IsNull(0)) first.push_back(row.Text(0));
                                    return absl::OkStatus();
                                  }));
  if (first.empty()) return std::vector<QueueEntry>();
  return FindQueued(clinic_id, first);
}

absl::Status SqlDelivery::WriteRows(const std::vector<KeyedRowChange>& changes, absl::Time now) {
  if (changes.empty()) return absl::OkStatus();
  JsonTable table;
  for (const KeyedRowChange& row : changes) {
    table.Add(row.clinic_id, row.reminder_id, static_cast<int>(row.change.state),
              static_cast<int>(row.change.why_not), ToMicros(row.change.next),
              row.change.quiet_from, row.change.sent);
  }
  const std::string sql = absl::StrCat(
      "UPDATE reminders SET state = v.state, why_not = v.why_not, next_us = v.next_us, "
      "quiet_us = COALESCE(v.quiet_us, reminders.quiet_us), "
      "sent_us = COALESCE(v.sent_us, reminders.sent_us), updated_us = :now FROM ",
      JsonRows(conn_.dialect(), ":rows",
               {{"clinic_id"},
                {"reminder_id"},
                {"state", true},
                {"why_not", true},
                {"next_us", true},
                {"quiet_us", true},
                {"sent_us", true}}),
      " AS v WHERE reminders.clinic_id = v.clinic_id AND reminders.reminder_id = v.reminder_id");
  return conn_.Execute({sql}, {ToMicros(now), table.Text()}).status();
}

absl::Status SqlDelivery::EndAttempts(const std::vector<KeyedAttemptEnd>& ends, absl::Time now) {
  if (ends.empty()) return absl::OkStatus();
  JsonTable table;
  for (const KeyedAttemptEnd& row : ends) {
    table.Add(row.clinic_id, row.reminder_id, row.end.generation, row.end.attempt,
              static_cast<int>(row.end.outcome), row.end.reason);
  }
  const std::string sql = absl::StrCat(
      "UPDATE reminder_attempts SET ended_us = :now, outcome = v.outcome, reason = v.reason FROM ",
      JsonRows(conn_.dialect(), ":ends",
               {{"clinic_id"},
                {"reminder_id"},
                {"generation", true},
                {"attempt", true},
                {"outcome", true},
                {"reason"}}),
      " AS v WHERE reminder_attempts.clinic_id = v.clinic_id "
      "AND reminder_attempts.reminder_id = v.reminder_id "
      "AND reminder_attempts.generation = v.generation AND reminder_attempts.attempt = v.attempt");
  return conn_.Execute({sql}, {ToMicros(now), table.Text()}).status();
}

absl::Status SqlDelivery::WriteReports(absl::string_view clinic_id,
                                       const std::vector<std::string>& reminder_ids,
                                       DeliveryOutcome outcome, absl::Time time, absl::Time now) {
  const std::string sql = absl::StrCat(
      "UPDATE reminders SET delivery = :outcome, delivery_us = :time, updated_us = :now "
      "WHERE clinic_id = :clinic AND (state + 0) = 3 AND ",
      InJson(conn_.dialect(), "reminder_id", ":ids"));
  return conn_
      .Execute({sql}, {static_cast<int>(outcome), ToMicros(time), ToMicros(now), clinic_id,
                       EncodeStrings(reminder_ids)})
      .status();
}

}  // namespace ipt::scheduling
