// The flags of a method: one for each field of its request that a caller may set, named by the
// field's path (--course.cadence-days) or by any tail of it that is the only one of its kind
// (--cadence-days). Of a repeated field also the singular (--state for states).
//
// Immutable after construction.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "iptctl/contract.h"
#include "iptctl/field_value.h"

namespace ipt::ctl {

struct Flag {
  std::string path;                           // course.cadence-days
  std::string shortest;                       // cadence-days
  std::vector<const FieldDescriptor*> field;  // from the request down
  const FieldDescriptor& leaf() const { return *field.back(); }
  bool is_switch() const {  // may stand without a value
    return leaf().cpp_type() == FieldDescriptor::CPPTYPE_BOOL && !leaf().is_repeated();
  }
};

// A flag as typed: its name without dashes, and its value.
using FlagText = std::pair<std::string, std::string>;

class RequestFlags {
 public:
  explicit RequestFlags(const Descriptor& request);

  const std::vector<Flag>& all() const { return flags_; }
  // nullptr when no flag, or more than one, is meant.
  const Flag* Find(absl::string_view typed) const;
  // Why Find() found none, and what to type instead.
  absl::Status NotFound(absl::string_view typed) const;

  // Sets the fields in their order. In an update the named fields make the mask, unless one is
  // given; an empty value there takes the field back to its default.
  absl::Status Apply(const std::vector<FlagText>& flags, ValueContext& context,
                     Message& request) const;

  // The field of the resource that an update changes; nullptr for other methods.
  const FieldDescriptor* updated() const { return updated_; }

 private:
  void Collect(const Descriptor& type, std::vector<const FieldDescriptor*>& path);
  std::vector<const Flag*> Matches(absl::string_view typed) const;

  const FieldDescriptor* updated_ = nullptr;
  std::vector<Flag> flags_;
};

}  // namespace ipt::ctl
