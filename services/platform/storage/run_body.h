// Runs a transaction's body behind a wall: what it throws (foreign code may) is an error like any
// other, and a statement that failed is not forgotten by a body that returns OK.
#pragma once

#include <exception>

#include "platform/errors/error.h"
#include "platform/storage/soci_connection.h"
#include "platform/storage/sql_error.h"

namespace ipt::storage {

inline absl::Status RunBody(Body body, SociConnection& connection) {
  absl::Status status;
  try {
    status = body(connection);
  } catch (const std::exception&) {
    status = Internal("a transaction's body threw");
  }
  return status.ok() ? connection.failure() : status;
}

// A read-only refusal inside a Read is no state of the store, but a body that wrote.
inline absl::Status RunReadBody(Body body, SociConnection& connection) {
  absl::Status status = RunBody(body, connection);
  if (SqlErrorKindOf(status) != SqlErrorKind::kReadOnly) return status;
  connection.ForgetFailure();
  return Internal("a Read tried to write");
}

}  // namespace ipt::storage
