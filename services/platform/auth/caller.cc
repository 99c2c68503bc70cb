#include "platform/auth/caller.h"

#include <cstdint>
#include <optional>

namespace ipt {
namespace {

// `<context>/<resource>.<permissions>`, permissions as a bit each of "cruds".
struct SmartScope {
  absl::string_view context;
  absl::string_view resource;
  uint32_t permissions = 0;
};

uint32_t ParsePermissions(absl::string_view text) {
  if (text == "read") text = "rs";
  if (text == "write") text = "cud";
  if (text == "*") text = "cruds";
  constexpr absl::string_view kOrder = "cruds";
  uint32_t bits = 0;
  size_t next = 0;  // SMART wants the letters in order, each at most once.
  for (char letter : text) {
    const size_t at = kOrder.find(letter, next);
    if (at == absl::string_view::npos) return 0;
    bits |= 1u << at;
    next = at + 1;
  }
  return bits;
}

std::optional<SmartScope> ParseSmartScope(absl::string_view text) {
  const size_t slash = text.find('/');
  const size_t dot = text.rfind('.');
  if (slash == absl::string_view::npos || dot == absl::string_view::npos || dot <= slash + 1) {
    return std::nullopt;
  }
  SmartScope scope{text.substr(0, slash), text.substr(slash + 1, dot - slash - 1),
                   ParsePermissions(text.substr(dot + 1))};
  if (scope.context.empty() || scope.permissions == 0) return std::nullopt;
  return scope;
}

}  // namespace

bool Caller::MayEnter(absl::string_view clinic) const {
  return all_clinics || clinics.contains(clinic);
}

bool Caller::HasScope(absl::string_view required) const {
  if (all_scopes) return true;
  for (const std::string& granted : scopes) {
    if (granted == required) return true;
  }
  const std::optional<SmartScope> wanted = ParseSmartScope(required);
  if (!wanted.has_value()) return false;
  // Permissions may come from several scopes: `.r` and `.u` together cover `.ru`.
  uint32_t missing = wanted->permissions;
  for (const std::string& text : scopes) {
    const std::optional<SmartScope> granted = ParseSmartScope(text);
    if (granted.has_value() && granted->context == wanted->context &&
        (granted->resource == wanted->resource || granted->resource == "*")) {
      missing &= ~granted->permissions;
    }
  }
  return missing == 0;
}

}  // namespace ipt
