#include "platform/json/stored_json.h"

#include "absl/strings/str_cat.h"
#include "platform/errors/error.h"

namespace ipt {

using nlohmann::json;

std::string DumpStored(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json ParseStored(absl::string_view text) {
  return json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
}

absl::Status ReadStored(absl::string_view text, absl::string_view what,
                        absl::FunctionRef<void(const json&)> read) {
  try {
    read(json::parse(text.begin(), text.end()));
    return absl::OkStatus();
  } catch (const json::exception& error) {
    return Internal(absl::StrCat("a stored ", what, " cannot be read: JSON error ", error.id));
  }
}

}  // namespace ipt
