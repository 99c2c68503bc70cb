// Resource names, `clinics/{clinic}/courses/{course}`: matched against the patterns that the
// contract states, taken apart into ids.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace ipt::rpc {

// Whether `name` has the collections of `pattern` and a valid id in each of its {places}. "-"
// counts as an id of any place but the first ("all courses of the clinic") where `allow_wildcard`.
bool MatchesPattern(absl::string_view name, absl::string_view pattern, bool allow_wildcard);

// The resource that a write was about: the one that its answer is (a created one has its name only
// there), else `requested`.
std::string ResourceWritten(const google::protobuf::Message& answer, const std::string& requested);

// The ids of a name that matched: "clinics/a/courses/b" -> {"a", "b"}.
std::vector<std::string> IdsOf(absl::string_view name);

}  // namespace ipt::rpc
