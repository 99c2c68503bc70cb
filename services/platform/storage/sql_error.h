// What went wrong in SQL, as an absl::Status that repositories can test and clients may see.
//
// The driver's own text is never kept: it repeats bound values. What remains is the kind, the
// SQLSTATE or SQLite result code, and the name of the constraint that was violated.
//
//   kind                                   code                 reason
//   violations, kOther                     INTERNAL             INTERNAL (a repository maps the
//                                                               violations that it expects)
//   kSerialization, kDeadlock, kRetry      ABORTED              STORE_CONFLICT
//   kConnection, kReadOnly, kCorrupt, kBusy UNAVAILABLE         STORE_UNAVAILABLE, RetryInfo
//   kFull                                  RESOURCE_EXHAUSTED   STORE_FULL, RetryInfo
//   kTimeout, kLocked                      DEADLINE_EXCEEDED    DEADLINE_EXCEEDED
//   kBadText                               INVALID_ARGUMENT     MALFORMED_REQUEST
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace ipt::storage {

enum class SqlErrorKind {
  kNone,  // the status did not come from SQL
  kUniqueViolation,
  kExclusionViolation,
  kForeignKey,
  kCheck,         // CHECK and NOT NULL
  kTriggerAbort,  // RAISE(ABORT, 'name') in SQLite, RAISE EXCEPTION in PostgreSQL
  kSerialization,
  kDeadlock,
  kRetry,  // RetryTransaction()
  kConnection,
  kFull,
  kReadOnly,
  kCorrupt,
  kBusy,  // another process holds the SQLite file
  kTimeout,
  kLocked,   // PostgreSQL's lock_timeout
  kBadText,  // text that the engine cannot store (NUL, invalid UTF-8)
  kOther,
};

SqlErrorKind SqlErrorKindOf(const absl::Status& status);

// PostgreSQL: the constraint's name. SQLite: what it reports, which is "table.column, ..." for a
// unique or NOT NULL constraint and the constraint's name for a CHECK. Of a trigger: the name that
// it raised (RAISE(ABORT, 'slot_taken'); RAISE EXCEPTION 'slot_taken'), if it is one word of
// [A-Za-z0-9_]. Empty where there is none.
std::string ConstraintNameOf(const absl::Status& status);

// A status for a body to return when it has to run again from the start, such as after losing a
// race that only the other transaction's commit could show. Write retries it as a conflict.
absl::Status RetryTransaction();

// `code` is a SQLSTATE or a SQLite result code as text, for the log.
absl::Status SqlError(SqlErrorKind kind, absl::string_view code, absl::string_view constraint = "");

// The constructors of the two engines' errors. `message` is read for constraint names only.
absl::Status SqliteError(int extended_code, absl::string_view message);
absl::Status PostgresError(absl::string_view sqlstate, absl::string_view constraint,
                           absl::string_view message);

}  // namespace ipt::storage
