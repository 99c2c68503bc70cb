#include "platform/json/strict_json.h"

#include "absl/algorithm/container.h"
#include "platform/errors/error.h"

namespace ipt {

absl::Status ParseStrictly(absl::string_view file, absl::string_view text, OrderedJson& json) {
  using Event = OrderedJson::parse_event_t;
  std::vector<std::set<std::string>> open;
  std::string twice;
  const auto watch = [&](int, Event event, OrderedJson& parsed) {
    if (event == Event::object_start) open.emplace_back();
    if (event == Event::object_end) open.pop_back();
    if (event == Event::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!open.back().insert(key).second) twice = key;
    }
    return true;
  };
  try {
    json = OrderedJson::parse(text.begin(), text.end(), watch);
  } catch (const OrderedJson::parse_error& error) {
    const auto line = 1 + absl::c_count(text.substr(0, error.byte), '\n');
    return absl::InvalidArgumentError(absl::StrCat(file, ": line ", line, ": is no valid JSON"));
  }
  if (twice.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(file, ": ", twice, ": is there twice"));
}

absl::Status InFile(absl::string_view file, const FieldViolations& bad) {
  const absl::Status status = bad.ToStatus();
  if (status.ok()) return absl::OkStatus();
  std::vector<std::string> lines;
  for (const FieldViolation& violation : FieldViolationsOf(status)) {
    const absl::string_view field =
        violation.field.empty() ? "the whole" : absl::string_view(violation.field);
    lines.push_back(absl::StrCat(file, ": ", field, ": ", violation.description));
  }
  return absl::InvalidArgumentError(absl::StrJoin(lines, "\n"));
}

}  // namespace ipt
