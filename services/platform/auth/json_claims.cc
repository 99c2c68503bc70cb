#include "platform/auth/json_claims.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace ipt::auth {
namespace {

constexpr size_t kMaxSubjectBytes = 256;

const nlohmann::json* FindMember(const nlohmann::json& object, absl::string_view name) {
  const auto it = object.find(std::string(name));
  return it == object.end() ? nullptr : &*it;
}

absl::Status Wrong(absl::string_view name, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("'", name, "' must be ", what));
}

// Moves an array of non-empty strings into `out`; false for anything else.
template <typename Out>
bool ReadStrings(const nlohmann::json& array, Out out) {
  if (!array.is_array()) return false;
  for (const nlohmann::json& item : array) {
    if (!item.is_string() || item.get_ref<const std::string&>().empty()) return false;
    out(item.get_ref<const std::string&>());
  }
  return true;
}

}  // namespace

const std::string* FindString(const nlohmann::json& object, absl::string_view name) {
  const nlohmann::json* member = FindMember(object, name);
  return member != nullptr && member->is_string() ? &member->get_ref<const std::string&>()
                                                  : nullptr;
}

absl::Status ReadSubject(const nlohmann::json& object, absl::string_view name, Caller& caller) {
  const std::string* subject = FindString(object, name);
  // The subject reaches logs and audit entries: nothing in it may break a line.
  if (subject == nullptr || subject->empty() || subject->size() > kMaxSubjectBytes ||
      std::any_of(subject->begin(), subject->end(),
                  [](unsigned char c) { return absl::ascii_iscntrl(c); })) {
    return Wrong(name, absl::StrCat("a string of 1 to ", kMaxSubjectBytes,
                                    " bytes without control characters"));
  }
  caller.subject = *subject;
  return absl::OkStatus();
}

absl::Status ReadClinics(const nlohmann::json& object, absl::string_view name, Caller& caller) {
  const nlohmann::json* clinics = FindMember(object, name);
  if (clinics == nullptr) return absl::OkStatus();
  if (clinics->is_string() && *clinics == "*") {
    caller.all_clinics = true;
    return absl::OkStatus();
  }
  const bool ok = ReadStrings(*clinics, [&](const std::string& id) { caller.clinics.insert(id); });
  if (!ok || caller.clinics.contains("*")) {
    return Wrong(name, "an array of clinic ids, or the string \"*\" for all clinics");
  }
  return absl::OkStatus();
}

absl::Status ReadScopes(const nlohmann::json& object, absl::string_view name, Caller& caller) {
  const nlohmann::json* scopes = FindMember(object, name);
  if (scopes == nullptr) return absl::OkStatus();
  if (scopes->is_string()) {
    for (absl::string_view scope :
         absl::StrSplit(scopes->get_ref<const std::string&>(), ' ', absl::SkipEmpty())) {
      caller.scopes.emplace(scope);
    }
  } else if (!ReadStrings(*scopes, [&](const std::string& s) { caller.scopes.insert(s); })) {
    return Wrong(name, "a space-separated string or an array of strings");
  }
  return absl::OkStatus();
}

}  // namespace ipt::auth
