// What a course has, by name: clinics/{clinic}/courses/{course}/<collection>/{entry}.
#pragma once

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "platform/rpc/resource_name.h"

namespace ipt::formulation {

// The ids in an entry's name, which the adapter has matched.
struct EntryIds {
  explicit EntryIds(absl::string_view name) {
    const auto ids = rpc::IdsOf(name);
    course_id = ids[1];
    entry_id = ids[2];
  }
  std::string course_id;
  std::string entry_id;
};

// The id of an entry that a field of `course_id` names; empty where it names none. A name of
// another course's stays a whole name: no entry has such an id, so it is refused as one that the
// course does not have.
inline std::string EntryIdIn(absl::string_view course_id, const std::string& name) {
  if (name.empty()) return "";
  EntryIds ids(name);
  return ids.course_id == course_id ? std::move(ids.entry_id) : name;
}

}  // namespace ipt::formulation
