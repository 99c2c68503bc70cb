// Runs a transaction's body behind a wall: what it throws (foreign code may) is an error like any
// other, and a statement that failed is not forgotten by a body that returns OK.
#pragma once

#include <exception>

#include "platform/errors/error.h"
#include "platform/storage/soci_connection.h"

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

}  // namespace ipt::storage
