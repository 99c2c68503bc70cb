// Remembers the answer to each request, in the transaction that the request made, so that the same
// request gets the same answer however often it is sent.
//
//   db.Write(options, [&](Connection& conn) -> absl::Status {
//     IPT_ASSIGN_OR_RETURN(auto seen, idempotency::Lookup(conn, key, hash));
//     if (seen.has_value()) { answer = *seen; return absl::OkStatus(); }
//     ... the write ...
//     return idempotency::Remember(conn, key, hash, answer, clock.Now());
//   });
//
// Component `platform` of the schema (storage/platform_migrations.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/storage/database.h"
#include "platform/transaction/write_log.h"

namespace ipt::storage::idempotency {

// The answer given before; nothing if the request is new. ALREADY_EXISTS with reason
// REQUEST_ID_REUSED if it was another request (another hash). Waits while another transaction that
// has looked the same key up is open, whatever becomes of it, and sees what that one has kept.
absl::StatusOr<std::optional<std::string>> Lookup(Connection& conn, const RequestKey& key,
                                                  absl::string_view request_hash);

// Stores the answer. If an equal key was committed since Lookup, the returned status makes Write
// run the whole body again, whose Lookup then finds the first answer.
absl::Status Remember(Connection& conn, const RequestKey& key, absl::string_view request_hash,
                      absl::string_view response, absl::Time now);

// Deletes at most `limit` records older than `before`, oldest first. Returns how many.
absl::StatusOr<int64_t> PurgeOlderThan(Connection& conn, absl::Time before, int64_t limit);

}  // namespace ipt::storage::idempotency
