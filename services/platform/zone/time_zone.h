// IANA time zones, by their names. Thread-safe. Only these functions touch the machine (they read
// tzdata once a zone).
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ipt {

// The zone of an IANA name such as "Europe/London". INVALID_ARGUMENT for anything else: the empty
// name, "localtime", offsets ("UTC+3", "+03:00"), paths, other spellings of the case.
absl::StatusOr<absl::TimeZone> LoadZone(absl::string_view name);

// The zone of a stored resource: INTERNAL when this machine's tzdata does not know it.
absl::StatusOr<absl::TimeZone> StoredZone(absl::string_view name);

}  // namespace ipt
