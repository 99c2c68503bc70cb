// Refusals and checks that several use cases share.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "platform/errors/field_violations.h"

namespace ipt::formulation {

// LIMIT_REACHED where `count` of `collection` are there already.
absl::Status RefuseMore(size_t count, size_t most, absl::string_view parent_name,
                        absl::string_view collection);
// RESOURCE_IN_USE, naming who uses it; OK where nobody does.
absl::Status RefuseInUse(const std::vector<std::string>& used_by);
// ETAG_MISMATCH where `if_revision` (0: any) is not the present one.
absl::Status CheckRevision(int64_t if_revision, int64_t revision, absl::string_view type,
                           absl::string_view name);

void CheckIn(const std::optional<int>& value, int least, int most, absl::string_view field,
             FieldViolations& bad);
// Of a new id that is stated (empty: none).
void CheckNewId(absl::string_view id, absl::string_view field, FieldViolations& bad);
// A reason that is kept: 1 to 256 bytes, or none where it is not required.
void CheckReason(absl::string_view text, bool required, FieldViolations& bad);
// All texts of a resource together.
void CheckTotal(size_t bytes, size_t most, FieldViolations& bad);
bool IsBlank(absl::string_view text);

// Of a list of ids or codes: each has to be `known`, else it `otherwise`, and there once only.
void CheckOnce(const std::string& id, bool known, absl::string_view otherwise,
               std::set<std::string>& seen, FieldViolations bad);

}  // namespace ipt::formulation
