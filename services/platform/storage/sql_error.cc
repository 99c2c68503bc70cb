#include "platform/storage/sql_error.h"

#include <algorithm>
#include <string>

// SOCI redefines SQLITE_STATIC, so this file takes the result codes from SQLite itself.
#include <sqlite3.h>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "platform/errors/error.h"

namespace ipt::storage {
namespace {

// "<kind> <constraint>". Not a google.rpc type, so it stays inside the process.
constexpr char kPayload[] = "ipt.internal/storage.SqlError";

bool IsName(absl::string_view text) {
  return !text.empty() && text.size() <= 63 && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '_';
  });
}

absl::Status Build(SqlErrorKind kind, absl::string_view code, absl::string_view constraint) {
  switch (kind) {
    case SqlErrorKind::kSerialization:
    case SqlErrorKind::kDeadlock:
    case SqlErrorKind::kRetry:
      return Aborted(reason::kStoreConflict,
                     "the write kept losing against concurrent ones; send it again");
    case SqlErrorKind::kConnection:
    case SqlErrorKind::kReadOnly:
    case SqlErrorKind::kCorrupt:
      return Unavailable(reason::kStoreUnavailable,
                         absl::StrCat("the store cannot be used now (", code, ")"),
                         absl::Seconds(1));
    case SqlErrorKind::kBusy:
      return Unavailable(reason::kStoreUnavailable, "the store is held by another process",
                         absl::Seconds(1));
    case SqlErrorKind::kFull:
      return ResourceExhausted(reason::kStoreFull, "the store's disk is full; reads still work",
                               absl::Seconds(30));
    case SqlErrorKind::kTimeout:
    case SqlErrorKind::kLocked:
      return DeadlineExceeded("the store did not finish in time");
    case SqlErrorKind::kBadText:
      return InvalidFields({{"", "text must be UTF-8 without NUL characters"}},
                           reason::kMalformedRequest);
    default:
      return Internal(
          absl::StrCat("SQL error ", code, constraint.empty() ? "" : " of ", constraint));
  }
}

}  // namespace

absl::Status SqlError(SqlErrorKind kind, absl::string_view code, absl::string_view constraint) {
  absl::Status status = Build(kind, code, constraint);
  status.SetPayload(kPayload, absl::Cord(absl::StrCat(static_cast<int>(kind), " ", constraint)));
  return status;
}

absl::Status RetryTransaction() { return SqlError(SqlErrorKind::kRetry, "retry"); }

SqlErrorKind SqlErrorKindOf(const absl::Status& status) {
  if (status.ok()) return SqlErrorKind::kNone;
  const auto payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return SqlErrorKind::kNone;
  const std::string text(*payload);
  int kind = 0;
  if (!absl::SimpleAtoi(text.substr(0, text.find(' ')), &kind)) return SqlErrorKind::kNone;
  return static_cast<SqlErrorKind>(kind);
}

std::string ConstraintNameOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return "";
  const std::string text(*payload);
  return text.substr(text.find(' ') + 1);
}

absl::Status SqliteError(int extended_code, absl::string_view message) {
  const std::string code = absl::StrCat("sqlite ", extended_code);
  // "UNIQUE constraint failed: table.column, table.other"
  std::string constraint;
  if (const size_t colon = message.find("constraint failed: "); colon != message.npos) {
    constraint = std::string(message.substr(colon + 19));
  }
  switch (extended_code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return SqlError(SqlErrorKind::kUniqueViolation, code, constraint);
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return SqlError(SqlErrorKind::kForeignKey, code);
    case SQLITE_CONSTRAINT_CHECK:
    case SQLITE_CONSTRAINT_NOTNULL:
      return SqlError(SqlErrorKind::kCheck, code, constraint);
    case SQLITE_CONSTRAINT_TRIGGER:
      return SqlError(SqlErrorKind::kTriggerAbort, code, IsName(message) ? message : "");
  }
  switch (extended_code & 0xff) {
    case SQLITE_FULL:
      return SqlError(SqlErrorKind::kFull, code);
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return SqlError(SqlErrorKind::kReadOnly, code);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_IOERR:
      return SqlError(SqlErrorKind::kCorrupt, code);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return SqlError(SqlErrorKind::kBusy, code);
    case SQLITE_INTERRUPT:
      return SqlError(SqlErrorKind::kTimeout, code);
    default:
      return SqlError(SqlErrorKind::kOther, code);
  }
}

absl::Status PostgresError(absl::string_view sqlstate, absl::string_view constraint,
                           absl::string_view message) {
  const auto is = [&](absl::string_view state) { return sqlstate == state; };
  const absl::string_view error_class = sqlstate.substr(0, 2);
  SqlErrorKind kind = SqlErrorKind::kOther;
  std::string name(constraint);
  if (is("23505")) {
    kind = SqlErrorKind::kUniqueViolation;
  } else if (is("23P01")) {
    kind = SqlErrorKind::kExclusionViolation;
  } else if (is("23503")) {
    kind = SqlErrorKind::kForeignKey;
  } else if (is("23514") || is("23502")) {
    kind = SqlErrorKind::kCheck;
  } else if (is("P0001")) {
    kind = SqlErrorKind::kTriggerAbort;
    if (name.empty() && IsName(message)) name = std::string(message);
  } else if (is("40001")) {
    kind = SqlErrorKind::kSerialization;
  } else if (is("40P01")) {
    kind = SqlErrorKind::kDeadlock;
  } else if (is("57014") || is("25P03")) {
    kind = SqlErrorKind::kTimeout;
  } else if (is("55P03")) {
    kind = SqlErrorKind::kLocked;
  } else if (is("53100")) {
    kind = SqlErrorKind::kFull;
  } else if (is("25006")) {
    kind = SqlErrorKind::kReadOnly;  // a primary that became a standby
  } else if (is("22021") || is("22P05")) {
    kind = SqlErrorKind::kBadText;
  } else if (error_class == "XX" || error_class == "58") {
    kind = SqlErrorKind::kCorrupt;
  } else if (sqlstate.empty() || error_class == "08" || error_class == "57" ||
             error_class == "53" || error_class == "28" || error_class == "3D" || is("26000") ||
             is("0A000")) {
    // 26000 and 0A000: a statement prepared before a failover or a migration. A fresh session
    // prepares it anew.
    kind = SqlErrorKind::kConnection;
  }
  return SqlError(kind, absl::StrCat("SQLSTATE ", sqlstate.empty() ? "none" : sqlstate), name);
}

}  // namespace ipt::storage
