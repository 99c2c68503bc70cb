#include "platform/storage/idempotency.h"

#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/sql_error.h"

namespace ipt::storage::idempotency {
namespace {

constexpr Statement kLookup = {
    "SELECT request_hash, response FROM idempotency WHERE clinic_id = :clinic AND "
    "caller = :caller AND method = :method AND request_id = :request",
    {ColumnType::kBytes, ColumnType::kBytes}};

// Equal requests one after the other, in the order in which they came, each seeing what the one
// before it has kept: else a retry could be refused while the call that it repeats still waits for
// a row, and then is carried out with nobody to hear of it. (SQLite's one writer keeps that order
// by itself.)
constexpr Statement kLockAndLookup = {
    "SELECT request_hash, response FROM idempotency_answer(CAST(:clinic AS TEXT), "
    "CAST(:caller AS TEXT), CAST(:method AS TEXT), CAST(:request AS TEXT))",
    {ColumnType::kBytes, ColumnType::kBytes}};

// A commit that wrote nothing waits for no standby; this makes it wait for all that was before it.
constexpr Statement kWaitForStandby = {
    "SELECT CAST(pg_logical_emit_message(TRUE, 'ipt', '') AS TEXT)", {ColumnType::kText}};

constexpr Statement kRemember = {
    "INSERT INTO idempotency (clinic_id, caller, method, request_id, request_hash, response, "
    "created_us) VALUES (:clinic, :caller, :method, :request, :hash, :response, :created) "
    "ON CONFLICT (clinic_id, caller, method, request_id) DO NOTHING"};

constexpr Statement kPurge = {
    "DELETE FROM idempotency WHERE (clinic_id, caller, method, request_id) IN (SELECT clinic_id, "
    "caller, method, request_id FROM idempotency WHERE created_us < :before ORDER BY created_us "
    "LIMIT :limit)"};

}  // namespace

absl::StatusOr<std::optional<std::string>> Lookup(Connection& conn, const RequestKey& key,
                                                  absl::string_view request_hash) {
  bool same = true;
  std::optional<std::string> response;
  IPT_RETURN_IF_ERROR(conn.Query(conn.dialect() == Dialect::kPostgres ? kLockAndLookup : kLookup,
                                 {key.clinic_id, key.caller, key.method, key.request_id},
                                 [&](const Row& row) {
                                   same = row.Bytes(0) == request_hash;
                                   response = row.Bytes(1);
                                   return absl::OkStatus();
                                 }));
  if (!same) {
    return AlreadyExists(reason::kRequestIdReused, "request", key.request_id,
                         "this request_id was used for another request; make a new one");
  }
  // What is kept may be on this server alone, where its commit did not wait to its end: it was
  // cancelled, or the server restarted.
  if (response.has_value() && conn.dialect() == Dialect::kPostgres) {
    IPT_RETURN_IF_ERROR(
        conn.Query(kWaitForStandby, {}, [](const Row&) { return absl::OkStatus(); }));
  }
  return response;
}

absl::Status Remember(Connection& conn, const RequestKey& key, absl::string_view request_hash,
                      absl::string_view response, absl::Time now) {
  // Where another transaction is about to commit the same key, PostgreSQL waits for it here.
  IPT_ASSIGN_OR_RETURN(const int64_t inserted,
                       conn.Execute(kRemember, {key.clinic_id, key.caller, key.method,
                                                key.request_id, Bytes{std::string(request_hash)},
                                                Bytes{std::string(response)}, now}));
  return inserted == 1 ? absl::OkStatus() : RetryTransaction();
}

absl::StatusOr<int64_t> PurgeOlderThan(Connection& conn, absl::Time before, int64_t limit) {
  return conn.Execute(kPurge, {before, limit});
}

}  // namespace ipt::storage::idempotency
