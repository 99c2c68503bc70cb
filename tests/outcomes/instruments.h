// Instruments for tests: the shipped ones, and a small one that has a bit of everything.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "outcomes/domain/instrument.h"
#include "outcomes/domain/scoring.h"
#include "outcomes/storage/instrument_json.h"

namespace ipt::outcomes {

inline const std::map<std::string, Instrument>& AllShipped() {
  static const auto* const kAll = [] {
    auto* all = new std::map<std::string, Instrument>;
    const std::vector<Instrument> shipped = ShippedInstruments().value();
    for (const Instrument& instrument : shipped) all->emplace(instrument.id, instrument);
    return all;
  }();
  return *kAll;
}

inline const Instrument& Shipped(const std::string& id) { return AllShipped().at(id); }

// The items q1, q2, ... with these values as printed.
inline Answers Values(const std::vector<int>& values) {
  Answers answers;
  for (size_t i = 0; i < values.size(); ++i) {
    answers.answers.push_back({.item = absl::StrCat("q", i + 1), .value = values[i]});
  }
  return answers;
}

inline Answers Total(double total) { return {.total = total}; }

// Answers of every item that counts whose scored values add up to `total`, the first items highest.
inline Answers AnswersFor(const Instrument& instrument, int total) {
  Answers answers;
  int rest = total / instrument.multiplier;
  for (const Item& item : instrument.items) {
    if (item.in_total) rest -= item.MinValue();
  }
  for (const Item& item : instrument.items) {
    if (!item.in_total) continue;
    const int more = std::min(rest, item.MaxValue() - item.MinValue());
    rest -= more;
    answers.answers.push_back({.item = item.id, .value = item.Scored(item.MinValue() + more)});
  }
  return answers;
}

// Four items of 0 to 3, the second reversed, the fourth a risk item; 1 may be missing.
inline Instrument Sample() {
  const Basis basis{Evidence::kClinic, {"us"}, ""};
  std::vector<Option> options;
  for (int i = 0; i <= 3; ++i) {
    options.push_back({absl::StrCat("a", i), i, absl::StrCat("Answer ", i), ""});
  }
  Instrument sample{.id = "sample",
                    .version = 1,
                    .language = "en",
                    .name = "Sample",
                    .measures = "depression",
                    .licence = "Ours",
                    .text_included = true,
                    .respondents = {Respondent::kSelf},
                    .look_back = LookBack{1, TimeUnit::kWeek},
                    .range = {0, 12},
                    .missing = {1, basis},
                    .citations = {{"us", "Ourselves"}}};
  for (int i = 1; i <= 4; ++i) {
    sample.items.push_back({.id = absl::StrCat("q", i),
                            .label = absl::StrCat("Question ", i),
                            .text = absl::StrCat("How is ", i, "?"),
                            .reverse = i == 2,
                            .options = options});
  }
  sample.bands = {{"us", true, {{"low", "Low", 0, 5}, {"high", "High", 6, 12}}, basis}};
  sample.cut_offs = {{"us", CutOffUse::kCaseness, true, Comparison::kAtLeast, 6, basis},
                     {"us", CutOffUse::kRemission, true, Comparison::kBelow, 3, basis}};
  sample.reliable_change = {{"us", true, 4, true, basis}};
  sample.risk_items = {{"q4", 1, "self_harm", basis}};
  sample.risk_totals = {{"very-high", Comparison::kAtLeast, 11, "severity", basis}};
  sample.subscales = {{"first", "First", {"q1", "q2"}, 0, basis}};
  sample.symptom_counts = {{"syndrome",
                            {{"q1", 2}, {"q2", 2}, {"q3", 2}},
                            {"q1", "q2"},
                            {{"full", "Full", 3, 3}, {"part", "Part", 2, 2}},
                            basis}};
  return sample;
}

}  // namespace ipt::outcomes
