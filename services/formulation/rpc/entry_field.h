// A field that names an entry of the request's own course, where no use case looks whether the
// course has it.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "formulation/rpc/course_entry.h"
#include "platform/errors/field_violations.h"

namespace ipt::formulation {

// The id of the entry; empty where none is named. An entry of another course is a field error.
inline std::string ReadEntryId(absl::string_view course_id, const std::string& name,
                               absl::string_view field, FieldViolations& bad) {
  std::string id = EntryIdIn(course_id, name);
  if (id == name && !name.empty()) bad.Add(field, "must be of the same course");
  return id;
}

}  // namespace ipt::formulation
