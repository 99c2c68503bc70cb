// The expected values of tests/data/outcomes (its README.md says what each field is), and what the
// tests that hold the code to them share.
#pragma once

#include <optional>
#include <string>

#include "nlohmann/json.hpp"
#include "outcomes/domain/change.h"
#include "outcomes/domain/instrument.h"

namespace ipt::outcomes {

// One file: "change.json".
nlohmann::json ReadExpected(const std::string& file);

// What a failure calls a case: its id, else all of it.
std::string NameOf(const nlohmann::json& expected);

// A number, or nullopt of null.
std::optional<double> NumberOf(const nlohmann::json& value);

// What an instrument has in force by default, as rules of change; response as policy has it.
ChangeRules RulesOf(const Instrument& instrument);
// The same of a shipped one.
ChangeRules RulesOf(const std::string& instrument);

// The least score above a cut-off: 8 of "at least 8", and of "at most 7".
int UpperFrom(const CutOff& cut_off);

}  // namespace ipt::outcomes
