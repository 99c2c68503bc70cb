// Ids of resources: what may be one, and where new ones come from.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace ipt {

// The last segment of a resource name: 1 to 63 of a-z, 0-9 and "-", starting with a letter or
// digit.
bool IsValidId(absl::string_view id);

// 8-4-4-4-12 hexadecimal digits, either case.
bool IsUuid(absl::string_view text);

// Thread-safe.
class IdSource {
 public:
  virtual ~IdSource() = default;
  // A new UUID in lower case.
  virtual std::string NewUuid() = 0;
};

// Version 4 UUIDs from a generator of each thread's own, seeded by the system.
class RandomIdSource final : public IdSource {
 public:
  std::string NewUuid() override;
};

}  // namespace ipt
