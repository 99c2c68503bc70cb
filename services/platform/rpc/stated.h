// Lists of enumerations in requests.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"
#include "platform/errors/field_violations.h"

namespace ipt::rpc {

// Each of them has to be stated; the domain's have the contract's numbers.
template <typename Value, typename List>
std::vector<Value> ReadStated(const List& list, FieldViolations& bad, absl::string_view field) {
  std::vector<Value> read;
  for (int i = 0; i < list.size(); ++i) {
    if (list[i] == 0) bad.At(field, i).Add("", "must be stated");
    read.push_back(static_cast<Value>(list[i]));
  }
  return read;
}

}  // namespace ipt::rpc
