#include "outcomes/storage/told_outcomes_json.h"

#include <cstdint>
#include <utility>

#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "platform/errors/error.h"
#include "platform/json/stored_json.h"

namespace ipt::outcomes {
namespace {

using nlohmann::json;

}  // namespace

// [result, [[rule, raised by, when in microseconds, 1 for RED, what else], ...]]
std::string EncodeToldOutcomes(const ToldOutcomes& told) {
  if (told == ToldOutcomes()) return "";
  json signals = json::array();
  for (const ToldSignal& signal : told.signals) {
    signals.push_back({signal.rule, signal.raised_by, absl::ToUnixMicros(signal.raised_at),
                       signal.level == SignalLevel::kRed ? 1 : 0, signal.says});
  }
  return DumpStored(json::array({told.result, std::move(signals)}));
}

absl::StatusOr<ToldOutcomes> DecodeToldOutcomes(const std::string& text) {
  ToldOutcomes told;
  if (text.empty()) return told;
  const absl::Status damaged = Internal("what was told of a course is damaged");
  const json list = ParseStored(text);
  if (!list.is_array() || list.size() != 2 || !list[0].is_string() || !list[1].is_array()) {
    return damaged;
  }
  told.result = list[0].get<std::string>();
  for (const json& one : list[1]) {
    if (!one.is_array() || one.size() != 5 || !one[0].is_string() || !one[1].is_string() ||
        !one[2].is_number_integer() || !one[3].is_number_integer() || !one[4].is_string()) {
      return damaged;
    }
    told.signals.push_back(
        {.rule = one[0].get<std::string>(),
         .raised_by = one[1].get<std::string>(),
         .raised_at = absl::FromUnixMicros(one[2].get<int64_t>()),
         .level = one[3].get<int>() == 1 ? SignalLevel::kRed : SignalLevel::kAmber,
         .says = one[4].get<std::string>()});
  }
  return told;
}

}  // namespace ipt::outcomes
