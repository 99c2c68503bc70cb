// The words of a command that are no flags, and the request's fields they stand for.
//
// A spec is LABEL=field:
//   NAME=name                  a field, also below a message field (course.name) and in the first
//                              element of a repeated one (holidays.date);
//   COURSE=parent+course_id    the name of a resource to create, or its parent alone;
//   COURSE...=names            all words that are left;
//   [NAME]=...                 may be left out;
//   FILE=                      no field: the command itself takes it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "iptctl/contract.h"
#include "iptctl/field_value.h"

namespace ipt::ctl {

struct Positional {
  explicit Positional(absl::string_view spec);
  std::string label;
  std::string field;
  std::string id_field;  // of parent+id
  bool optional = false;
  bool rest = false;
};

// Sets the words in the request. A first argument that is a clinic may be left out when the context
// has a default one. INVALID_ARGUMENT when a word is missing or too many.
absl::Status ApplyPositionals(const std::vector<Positional>& specs,
                              const std::vector<std::string>& words, ValueContext& context,
                              Message& request);

// "CLINIC DATE [NAME]", for help.
std::string PositionalUsage(const std::vector<Positional>& specs);

}  // namespace ipt::ctl
