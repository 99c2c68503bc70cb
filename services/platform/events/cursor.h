// Where a follower of events is: opaque to clients, and of one clinic in one history of one store.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ipt::events {

struct Cursor {
  std::string epoch;
  std::string clinic_id;
  int64_t position = 0;  // of the last event that was read
  friend bool operator==(const Cursor&, const Cursor&) = default;
};

std::string WriteCursor(const Cursor& cursor);
// INVALID_ARGUMENT, naming the field `cursor`, for what WriteCursor did not make.
absl::StatusOr<Cursor> ReadCursor(absl::string_view text);

}  // namespace ipt::events
