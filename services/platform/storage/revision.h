// Store-wide increasing numbers, stamped on every row that a write changes; etags derive from them.
//
// Increasing means: a revision taken after another write's commit was seen is higher than that
// write's. Concurrent transactions may commit in another order than their numbers, and numbers of
// transactions that rolled back are missing on PostgreSQL (a sequence: no lock between writers).
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "platform/storage/database.h"

namespace ipt::storage {

// The next revision, in a Write.
absl::StatusOr<int64_t> NextRevision(Connection& conn);

// The highest revision handed out so far. A Read begun after it was taken from the primary sees
// every write that was acknowledged with a revision up to it.
absl::StatusOr<int64_t> CurrentRevision(Connection& conn);

// Who reads rows by revision must not pass over one that is still being written, under a lower
// number than those read already. So: a revision R (CurrentRevision, in one Read), then a mark in
// the next one; once WritersAreOver(mark), in Reads after it, every write of this database with a
// revision up to R is committed or never will be, and Reads that begin then see it. REQUIRES:
// writers lock or write a row before they take their revision. SQLite: at once.
absl::StatusOr<int64_t> MarkWriters(Connection& conn);
absl::StatusOr<bool> WritersAreOver(Connection& conn, int64_t mark);

}  // namespace ipt::storage
