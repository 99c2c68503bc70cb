// Resource names as people shorten them. With a default clinic "ana" is enough where the contract
// asks for clinics/{clinic}/therapists/{therapist}. Pure functions.
#pragma once

#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace ipt::ctl {

// The full name that `text` stands for, where the contract asks for `pattern`:
//   clinics/...           as it is (under `wildcard`, a parent's name takes "/courses/-" or alike);
//   courses/c1            below `clinic`;
//   c1                    the last part of a name below `clinic`; for a clinic itself, its id.
// What cannot be completed is returned as it is, for the server to refuse.
std::string ExpandName(absl::string_view text, absl::string_view pattern, bool wildcard,
                       absl::string_view clinic);

// The parent and the id for a create method: `text` is the new resource's name, or the parent's
// alone (then the id is empty, and the server makes one).
std::pair<std::string, std::string> SplitNewName(absl::string_view text,
                                                 absl::string_view parent_pattern,
                                                 absl::string_view collection,
                                                 absl::string_view clinic);

// "time_off" -> "timeOff", "session" -> "sessions": the collection's segment for an id field's
// stem.
std::string CollectionOf(absl::string_view stem);

}  // namespace ipt::ctl
