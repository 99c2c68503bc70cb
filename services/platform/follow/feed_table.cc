#include "platform/follow/feed_table.h"

#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"

namespace ipt::follow::feed_table {
namespace {

using storage::ColumnType;
using storage::Connection;
using storage::Row;
using storage::Statement;

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kText = ColumnType::kText;

constexpr Statement kTake = {
    "INSERT INTO followed_feeds (clinic_id, peer, cursor, as_of_us, event_us, events, listings, "
    "owner, lease_us, fence) VALUES (:clinic, :peer, '', 0, 0, 0, 0, :owner, :until, 1) "
    "ON CONFLICT (clinic_id, peer) DO UPDATE SET owner = excluded.owner, "
    "lease_us = excluded.lease_us, fence = followed_feeds.fence + 1 "
    "WHERE followed_feeds.lease_us <= :now OR followed_feeds.owner = excluded.owner "
    "OR CAST(:anyway AS BIGINT) = 1 "
    "RETURNING fence, cursor, as_of_us, event_us, events, listings",
    {kInt, kText, kInt, kInt, kInt, kInt}};

constexpr Statement kRenew = {
    "UPDATE followed_feeds SET lease_us = :until "
    "WHERE clinic_id = :clinic AND peer = :peer AND fence = :fence"};

constexpr Statement kRelease = {
    "UPDATE followed_feeds SET lease_us = 0, owner = '' "
    "WHERE clinic_id = :clinic AND peer = :peer AND fence = :fence"};

constexpr Statement kAdvance = {
    "UPDATE followed_feeds SET cursor = :to, as_of_us = :as_of, event_us = :event, "
    "events = :events WHERE clinic_id = :clinic AND peer = :peer AND fence = :fence "
    "AND cursor = :from"};

constexpr Statement kBeginListing = {
    "UPDATE followed_feeds SET cursor = '', listings = listings + 1 "
    "WHERE clinic_id = :clinic AND peer = :peer AND fence = :fence RETURNING listings",
    {kInt}};

constexpr Statement kHold = {
    "UPDATE followed_feeds SET fence = fence "
    "WHERE clinic_id = :clinic AND peer = :peer AND fence = :fence"};

constexpr Statement kFind = {
    "SELECT cursor, as_of_us, event_us, events, listings FROM followed_feeds "
    "WHERE clinic_id = :clinic AND peer = :peer",
    {kText, kInt, kInt, kInt, kInt}};

absl::Time TimeAt(const Row& row, size_t column) {
  return row.Int64(column) == 0 ? absl::InfinitePast() : row.Time(column);
}
int64_t Micros(absl::Time time) {
  return time == absl::InfinitePast() ? 0 : absl::ToUnixMicros(time);
}

FeedPosition PositionOf(const Row& row, size_t first) {
  return {row.Text(first), TimeAt(row, first + 1), TimeAt(row, first + 2), row.Int64(first + 3),
          row.Int64(first + 4)};
}

absl::Status ExactlyOne(const absl::StatusOr<int64_t>& affected) {
  if (!affected.ok()) return affected.status();
  if (*affected == 1) return absl::OkStatus();
  return Aborted(reason::kStoreConflict, "another process follows these events by now");
}

}  // namespace

absl::StatusOr<std::optional<Lease>> Take(Connection& conn, const FeedKey& key,
                                          absl::string_view owner, absl::Time now, absl::Time until,
                                          bool even_if_taken) {
  return conn.QueryOne(kTake, {key.clinic_id, key.peer, owner, until, now, even_if_taken ? 1 : 0},
                       [](const Row& row) {
                         return Lease{row.Int64(0), PositionOf(row, 1)};
                       });
}

absl::Status Renew(Connection& conn, const FeedKey& key, int64_t fence, absl::Time until) {
  return ExactlyOne(conn.Execute(kRenew, {until, key.clinic_id, key.peer, fence}));
}

absl::Status Release(Connection& conn, const FeedKey& key, int64_t fence) {
  return ExactlyOne(conn.Execute(kRelease, {key.clinic_id, key.peer, fence}));
}

absl::Status Advance(Connection& conn, const FeedKey& key, int64_t fence, absl::string_view from,
                     const FeedPosition& to) {
  return ExactlyOne(conn.Execute(kAdvance, {to.cursor, Micros(to.as_of), Micros(to.event_time),
                                            to.events, key.clinic_id, key.peer, fence, from}));
}

absl::StatusOr<int64_t> BeginListing(Connection& conn, const FeedKey& key, int64_t fence) {
  IPT_ASSIGN_OR_RETURN(const auto listing,
                       conn.QueryOne(kBeginListing, {key.clinic_id, key.peer, fence},
                                     [](const Row& row) { return row.Int64(0); }));
  IPT_RETURN_IF_ERROR(ExactlyOne(listing.has_value() ? 1 : 0));
  return *listing;
}

absl::Status Hold(Connection& conn, const FeedKey& key, int64_t fence) {
  return ExactlyOne(conn.Execute(kHold, {key.clinic_id, key.peer, fence}));
}

absl::StatusOr<std::optional<FeedPosition>> Find(Connection& conn, const FeedKey& key) {
  return conn.QueryOne(kFind, {key.clinic_id, key.peer},
                       [](const Row& row) { return PositionOf(row, 0); });
}

}  // namespace ipt::follow::feed_table
