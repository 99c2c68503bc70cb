#include "platform/storage/outbox.h"

#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"

namespace ipt::storage::outbox {
namespace {

// What the engines do differently: PostgreSQL's positions are rows of their own.
constexpr Statement kStateSqlite = {
    "SELECT epoch, MAX(purged, COALESCE((SELECT MAX(seq) FROM outbox), 0)), purged, 0 "
    "FROM event_feed WHERE id = 1",
    {ColumnType::kText, ColumnType::kInt64, ColumnType::kInt64, ColumnType::kInt64}};
constexpr Statement kStatePostgres = {
    "SELECT epoch, position, purged, CAST(CASE WHEN EXISTS (SELECT 1 FROM outbox_waiting) THEN 1 "
    "ELSE 0 END AS BIGINT) FROM event_feed WHERE id = 1",
    {ColumnType::kText, ColumnType::kInt64, ColumnType::kInt64, ColumnType::kInt64}};

constexpr Statement kLockFeed = {"SELECT position FROM event_feed WHERE id = 1 FOR UPDATE",
                                 {ColumnType::kInt64}};
constexpr Statement kLockFeedIfFree = {
    "SELECT position FROM event_feed WHERE id = 1 FOR UPDATE SKIP LOCKED", {ColumnType::kInt64}};
// Waiting events in the order of `seq`: who began after another's commit appends behind it. Whoever
// waits is not locked by anybody: only a relay deletes, and there is one at a time.
constexpr Statement kPlace = {
    "WITH placed AS (DELETE FROM outbox_waiting WHERE seq <= (SELECT MAX(seq) FROM (SELECT seq "
    "FROM outbox_waiting ORDER BY seq LIMIT :limit) AS first_ones) RETURNING seq, clinic_id) "
    "INSERT INTO outbox_position (clinic_id, position, seq) "
    "SELECT clinic_id, :last + ROW_NUMBER() OVER (ORDER BY seq), seq FROM placed"};
constexpr Statement kMoveEnd = {"UPDATE event_feed SET position = position + :count WHERE id = 1"};

// Many wait when the relay is at fault: only the first one's row is looked up.
constexpr Statement kOldestWaiting = {
    "SELECT at_us FROM outbox WHERE (clinic_id, seq) = "
    "(SELECT clinic_id, seq FROM outbox_waiting ORDER BY seq LIMIT 1)",
    {ColumnType::kInt64}};

constexpr Statement kNewestByClinic = {
    "SELECT clinic_id, MAX(position) FROM outbox_position WHERE position > :after AND "
    "position <= :upto GROUP BY clinic_id",
    {ColumnType::kText, ColumnType::kInt64}};

constexpr Statement kPage = {
    "SELECT p.position, o.event_id, o.subject, o.kind, o.payload, o.at_us, o.revision "
    "FROM outbox_position p JOIN outbox o ON o.clinic_id = p.clinic_id AND o.seq = p.seq "
    "WHERE p.clinic_id = :clinic AND p.position > :after AND p.position <= :upto "
    "ORDER BY p.position LIMIT :limit",
    {ColumnType::kInt64, ColumnType::kText, ColumnType::kText, ColumnType::kText,
     ColumnType::kBytes, ColumnType::kInt64, ColumnType::kInt64}};

constexpr Statement kOldest = {
    "SELECT p.position, o.at_us FROM outbox_position p JOIN outbox o ON "
    "o.clinic_id = p.clinic_id AND o.seq = p.seq ORDER BY p.position LIMIT :limit",
    {ColumnType::kInt64, ColumnType::kInt64}};
// SQLite 3.40 finds no row by (clinic_id, seq) IN (...), seq being the rowid.
constexpr Statement kDeleteSqlite = {"DELETE FROM outbox WHERE seq <= :upto"};
constexpr Statement kDeletePostgres = {
    "DELETE FROM outbox WHERE (clinic_id, seq) IN (SELECT clinic_id, seq FROM outbox_position "
    "WHERE position <= :upto)"};
constexpr Statement kDeletePositions = {"DELETE FROM outbox_position WHERE position <= :upto"};
constexpr Statement kSetPurged = {"UPDATE event_feed SET purged = :upto WHERE id = 1"};

// Beyond what any store issues between its last copy and its loss.
constexpr int64_t kRevisionJump = 1'000'000'000;
constexpr Statement kSetEpoch = {"UPDATE event_feed SET epoch = :epoch WHERE id = 1"};
constexpr Statement kJumpSqlite = {
    "UPDATE revision_counter SET value = value + :jump WHERE id = 1 RETURNING value",
    {ColumnType::kInt64}};
constexpr Statement kJumpPostgres = {
    "SELECT setval('revision_counter', nextval('revision_counter') + :jump)", {ColumnType::kInt64}};

constexpr Statement kAppend = {
    "INSERT INTO outbox (clinic_id, event_id, subject, kind, payload, at_us, revision) "
    "VALUES (:clinic, :event, :subject, :kind, :payload, :at, :revision)"};

bool IsSqlite(const Connection& conn) { return conn.dialect() == Dialect::kSqlite; }

}  // namespace

absl::Status Append(Connection& conn, const OutboxEvent& event, int64_t revision) {
  return conn
      .Execute(kAppend, {event.clinic_id, RandomIdSource().NewUuid(), event.subject, event.kind,
                         Bytes{event.payload}, event.time, revision})
      .status();
}

absl::StatusOr<FeedState> ReadFeed(Connection& conn) {
  IPT_ASSIGN_OR_RETURN(
      auto state,
      conn.QueryOne(IsSqlite(conn) ? kStateSqlite : kStatePostgres, {}, [](const Row& row) {
        return FeedState{row.Text(0), row.Int64(1), row.Int64(2), row.Bool(3)};
      }));
  if (!state.has_value()) return Internal("the event feed has no row");
  return *std::move(state);
}

absl::StatusOr<int64_t> Place(Connection& conn, int64_t limit, IfBusy if_busy) {
  if (IsSqlite(conn)) return 0;
  IPT_ASSIGN_OR_RETURN(const auto last,
                       conn.QueryOne(if_busy == IfBusy::kWait ? kLockFeed : kLockFeedIfFree, {},
                                     [](const Row& row) { return row.Int64(0); }));
  if (!last.has_value()) return 0;
  IPT_ASSIGN_OR_RETURN(const int64_t placed, conn.Execute(kPlace, {limit, *last}));
  if (placed > 0) IPT_RETURN_IF_ERROR(conn.Execute(kMoveEnd, {placed}).status());
  return placed;
}

absl::StatusOr<std::optional<absl::Time>> OldestWaiting(Connection& conn) {
  if (IsSqlite(conn)) return std::nullopt;
  return conn.QueryOne(kOldestWaiting, {}, [](const Row& row) { return row.Time(0); });
}

absl::StatusOr<std::vector<std::pair<std::string, int64_t>>> NewestByClinic(Connection& conn,
                                                                            int64_t after,
                                                                            int64_t upto) {
  std::vector<std::pair<std::string, int64_t>> clinics;
  IPT_RETURN_IF_ERROR(conn.Query(kNewestByClinic, {after, upto}, [&](const Row& row) {
    clinics.emplace_back(row.Text(0), row.Int64(1));
    return absl::OkStatus();
  }));
  return clinics;
}

absl::StatusOr<Page> ReadPage(Connection& conn, absl::string_view clinic_id, int64_t after,
                              int64_t upto, int limit, size_t max_bytes) {
  Page page;
  int rows = 0;
  size_t bytes = 0;
  IPT_RETURN_IF_ERROR(conn.Query(kPage, {clinic_id, after, upto, limit}, [&](const Row& row) {
    ++rows;
    bytes += row.Bytes(4).size();
    if (bytes > max_bytes && !page.events.empty()) return absl::OkStatus();  // for the next page
    page.events.push_back(
        {{std::string(clinic_id), row.Text(2), row.Text(3), row.Bytes(4), row.Time(5)},
         row.Text(1),
         row.Int64(6),
         row.Int64(0)});
    return absl::OkStatus();
  }));
  page.complete = rows < limit && page.events.size() == static_cast<size_t>(rows);
  return page;
}

absl::StatusOr<int64_t> PurgeOlderThan(Connection& conn, absl::Time before, int64_t limit) {
  int64_t count = 0;
  int64_t upto = 0;
  bool old = true;
  IPT_RETURN_IF_ERROR(conn.Query(kOldest, {limit}, [&](const Row& row) {
    old = old && row.Time(1) < before;
    if (!old) return absl::OkStatus();
    ++count;
    upto = row.Int64(0);
    return absl::OkStatus();
  }));
  if (count == 0) return 0;
  IPT_RETURN_IF_ERROR(conn.Execute(kSetPurged, {upto}).status());
  if (IsSqlite(conn)) {
    IPT_RETURN_IF_ERROR(conn.Execute(kDeleteSqlite, {upto}).status());
    return count;
  }
  IPT_RETURN_IF_ERROR(conn.Execute(kDeletePostgres, {upto}).status());
  IPT_RETURN_IF_ERROR(conn.Execute(kDeletePositions, {upto}).status());
  return count;
}

absl::Status MarkRestored(Connection& conn) {
  IPT_RETURN_IF_ERROR(conn.Execute(kSetEpoch, {RandomIdSource().NewUuid()}).status());
  return conn.Query(IsSqlite(conn) ? kJumpSqlite : kJumpPostgres, {kRevisionJump},
                    [](const Row&) { return absl::OkStatus(); });
}

}  // namespace ipt::storage::outbox
