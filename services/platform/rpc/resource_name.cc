#include "platform/rpc/resource_name.h"

#include "absl/strings/str_split.h"
#include "platform/ids/ids.h"

namespace ipt::rpc {

bool MatchesPattern(absl::string_view name, absl::string_view pattern, bool allow_wildcard) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  const std::vector<absl::string_view> wanted = absl::StrSplit(pattern, '/');
  if (parts.size() != wanted.size()) return false;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool is_place = !wanted[i].empty() && wanted[i].front() == '{';
    if (!is_place) {
      if (parts[i] != wanted[i]) return false;
    } else if (!IsValidId(parts[i]) && !(allow_wildcard && i > 1 && parts[i] == "-")) {
      return false;
    }
  }
  return true;
}

std::string ResourceWritten(const google::protobuf::Message& answer, const std::string& requested) {
  const auto* name = answer.GetDescriptor()->FindFieldByName("name");
  if (name == nullptr || name->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
    return requested;
  }
  std::string written = answer.GetReflection()->GetString(answer, name);
  return written.empty() ? requested : written;
}

std::vector<std::string> IdsOf(absl::string_view name) {
  std::vector<std::string> ids;
  size_t index = 0;
  for (absl::string_view part : absl::StrSplit(name, '/')) {
    if (index++ % 2 == 1) ids.emplace_back(part);
  }
  return ids;
}

}  // namespace ipt::rpc
