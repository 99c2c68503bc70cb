#include "outcomes/domain/instrument.h"

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/outcomes/instruments.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using ::ipt::testing::IsOk;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

std::vector<std::string> BadFields(const Instrument& instrument) {
  std::vector<std::string> fields;
  for (const auto& violation : FieldViolationsOf(ValidateInstrument(instrument))) {
    fields.push_back(violation.field);
  }
  return fields;
}

// One thing wrong with the sample, and the only field that is named for it.
struct Fault {
  std::string field;
  std::function<void(Instrument&)> commit;
};

// clang-format off
const std::vector<Fault>& Faults() {
  static const auto* const kFaults = new std::vector<Fault>{
      {"id", [](Instrument& i) { i.id = "Sample One"; }},
      {"version", [](Instrument& i) { i.version = 0; }},
      {"version", [](Instrument& i) { i.version = 1000001; }},
      {"language", [](Instrument& i) { i.language = ""; }},
      {"language", [](Instrument& i) { i.language = "english language"; }},
      {"name", [](Instrument& i) { i.name = " "; }},
      {"name", [](Instrument& i) { i.name = std::string(201, 'n'); }},
      {"name", [](Instrument& i) { i.name = "\xff"; }},
      {"note", [](Instrument& i) { i.note = "bell\a"; }},
      {"measures", [](Instrument& i) { i.measures = "Low mood"; }},
      {"licence", [](Instrument& i) { i.licence = ""; }},
      {"direction", [](Instrument& i) { i.direction = Direction{}; }},
      {"respondents", [](Instrument& i) { i.respondents.clear(); }},
      {"respondents[1]", [](Instrument& i) { i.respondents = {Respondent::kSelf, Respondent::kSelf}; }},
      {"respondents[0]", [](Instrument& i) { i.respondents = {Respondent{7}}; }},
      {"look_back.amount", [](Instrument& i) { i.look_back->amount = 0; }},
      {"look_back.unit", [](Instrument& i) { i.look_back->unit = TimeUnit{}; }},
      {"codes[0].code", [](Instrument& i) { i.codes = {{CodeSystem::kLoinc, CodeUse::kTotal, "44261-7", i.missing.basis}}; }},
      {"codes[0].code", [](Instrument& i) { i.codes = {{CodeSystem::kSnomedCt, CodeUse::kTotal, "72-3", i.missing.basis}}; }},
      {"codes[0].use", [](Instrument& i) { i.codes = {{CodeSystem::kLoinc, CodeUse{}, "44261-6", i.missing.basis}}; }},
      {"citations[1].key", [](Instrument& i) { i.citations.push_back({"us", "Again"}); }},
      {"citations[0].text", [](Instrument& i) { i.citations[0].text = ""; }},
      {"items", [](Instrument& i) { i.items.clear(); }},
      {"items", [](Instrument& i) { i.items.resize(201); }},
      {"items[1].id", [](Instrument& i) { i.items[1].id = "Q 2"; i.subscales.clear(); i.symptom_counts.clear(); }},
      {"items[3].id", [](Instrument& i) { i.items[3].id = "q3"; i.risk_items.clear(); }},
      {"items[0].label", [](Instrument& i) { i.items[0].label = ""; }},
      {"items[0].text", [](Instrument& i) { i.items[0].text = ""; }},
      {"items[0].loinc", [](Instrument& i) { i.items[0].loinc = "44250-8"; }},
      {"items[0].options", [](Instrument& i) { i.items[0].options.resize(1); }},
      {"items[0].options", [](Instrument& i) { i.items[0].options.resize(102); }},
      {"items[0].options[1].id", [](Instrument& i) { i.items[0].options[1].id = "a0"; }},
      {"items[0].options[1].text", [](Instrument& i) { i.items[0].options[1].text = ""; }},
      {"items[0].options[1].loinc", [](Instrument& i) { i.items[0].options[1].loinc = "6569-3"; }},
      {"items[0].options[3].value", [](Instrument& i) { i.items[0].options[3].value = std::numeric_limits<int>::max(); }},
      {"items[1].reverse", [](Instrument& i) { i.items[1].options[1].value = 2; }},
      {"multiplier", [](Instrument& i) { i.multiplier = 0; }},
      {"range.max", [](Instrument& i) { i.multiplier = 4; }},
      {"range.min", [](Instrument& i) { i.range.min = i.bands[0].bands[0].low = 1; }},
      {"missing.max_missing", [](Instrument& i) { i.missing.max_missing = 3; }},
      {"missing.max_missing", [](Instrument& i) { i.missing.max_missing = -1; }},
      {"missing.evidence", [](Instrument& i) { i.missing.basis.evidence = Evidence{}; }},
      {"missing.sources", [](Instrument& i) { i.missing.basis.sources.clear(); }},
      {"missing.sources[0]", [](Instrument& i) { i.missing.basis.sources = {"them"}; }},
      {"skips[0].if_item", [](Instrument& i) { i.skips = {{"q9", 0, "q3", 0, i.missing.basis}}; }},
      {"skips[0].if_value", [](Instrument& i) { i.skips = {{"q1", 9, "q3", 0, i.missing.basis}}; }},
      {"skips[0].then_value", [](Instrument& i) { i.skips = {{"q1", 0, "q3", 9, i.missing.basis}}; }},
      {"skips[0].then_item", [](Instrument& i) { i.skips = {{"q1", 0, "q4", 0, i.missing.basis}}; }},
      {"skips[1].then_item", [](Instrument& i) { i.skips = {{"q1", 0, "q3", 0, i.missing.basis}, {"q2", 0, "q3", 0, i.missing.basis}}; }},
      {"skips[1].if_item", [](Instrument& i) { i.skips = {{"q1", 0, "q3", 0, i.missing.basis}, {"q3", 0, "q2", 0, i.missing.basis}}; }},
      {"subscales[0].id", [](Instrument& i) { i.subscales[0].id = ""; }},
      {"subscales[0].items[1]", [](Instrument& i) { i.subscales[0].items = {"q1", "q9"}; }},
      {"subscales[0].items[1]", [](Instrument& i) { i.subscales[0].items = {"q1", "q1"}; }},
      {"subscales[0].items", [](Instrument& i) { i.subscales[0].items.clear(); }},
      {"subscales[0].max_missing", [](Instrument& i) { i.subscales[0].max_missing = 2; }},
      {"bands[0].bands[1].low", [](Instrument& i) { i.bands[0].bands[1].low = 7; }},   // a gap
      {"bands[0].bands[1].low", [](Instrument& i) { i.bands[0].bands[1].low = 5; }},   // an overlap
      {"bands[0].bands[0].low", [](Instrument& i) { i.bands[0].bands[0].low = 1; }},
      {"bands[0].bands[1].high", [](Instrument& i) { i.bands[0].bands[1].high = 11; }},
      {"bands[0].bands[1].high", [](Instrument& i) { i.bands[0].bands[1].high = std::numeric_limits<int>::max(); }},
      {"bands[0].bands[1].id", [](Instrument& i) { i.bands[0].bands[1].id = "low"; }},
      {"bands[0].bands[0].label", [](Instrument& i) { i.bands[0].bands[0].label = ""; }},
      {"bands[0].bands", [](Instrument& i) { i.bands[0].bands.clear(); }},
      {"bands[1].default", [](Instrument& i) { i.bands.push_back(i.bands[0]); i.bands[1].rule_set = "other"; }},
      {"bands[1].rule_set", [](Instrument& i) { i.bands.push_back(i.bands[0]); i.bands[1].is_default = false; }},
      {"bands[0].default", [](Instrument& i) { i.bands[0].basis.evidence = Evidence::kLikely; }},
      {"cut_offs[0].value", [](Instrument& i) { i.cut_offs[0].value = 0; }},
      {"cut_offs[0].value", [](Instrument& i) { i.cut_offs[0].value = 13; }},
      {"cut_offs[0].comparison", [](Instrument& i) { i.cut_offs[0].comparison = Comparison::kBelow; }},
      {"cut_offs[1].comparison", [](Instrument& i) { i.cut_offs[1].comparison = Comparison::kAtLeast; }},
      {"cut_offs[1].rule_set", [](Instrument& i) { i.cut_offs[1] = i.cut_offs[0]; i.cut_offs[1].is_default = false; }},
      {"cut_offs[1].default", [](Instrument& i) { i.cut_offs[1] = i.cut_offs[0]; i.cut_offs[1].rule_set = "other"; }},
      {"cut_offs[0].default", [](Instrument& i) { i.cut_offs[0].basis.evidence = Evidence::kLikely; }},
      {"reliable_change[0].value", [](Instrument& i) { i.reliable_change[0].value = 0; }},
      {"reliable_change[0].value", [](Instrument& i) { i.reliable_change[0].value = 13; }},
      {"reliable_change[0].value", [](Instrument& i) { i.reliable_change[0].value = std::numeric_limits<double>::quiet_NaN(); }},
      {"reliable_change[0].default", [](Instrument& i) { i.reliable_change[0].basis.evidence = Evidence::kLikely; }},
      {"reliable_change[1].default", [](Instrument& i) { i.reliable_change.push_back(i.reliable_change[0]); i.reliable_change[1].rule_set = "other"; }},
      {"risk_items[0].item", [](Instrument& i) { i.risk_items[0].item = "q9"; }},
      {"risk_items[0].at_least", [](Instrument& i) { i.risk_items[0].at_least = 0; }},  // would always fire
      {"risk_items[0].at_least", [](Instrument& i) { i.risk_items[0].at_least = 4; }},  // would never
      {"risk_items[1].item", [](Instrument& i) { i.risk_items.push_back(i.risk_items[0]); }},
      {"risk_items[0].item", [](Instrument& i) { i.items[3].may_be_not_applicable = true; }},
      {"risk_items[0].about", [](Instrument& i) { i.risk_items[0].about = ""; }},
      {"risk_totals[0].value", [](Instrument& i) { i.risk_totals[0].value = 13; }},
      {"risk_totals[0].comparison", [](Instrument& i) { i.risk_totals[0].comparison = Comparison::kAtMost; }},
      {"symptom_counts[0].symptoms[0].item", [](Instrument& i) { i.symptom_counts[0].symptoms[0].item = "q9"; i.symptom_counts[0].one_of = {"q2"}; }},
      {"symptom_counts[0].symptoms[0].at_least", [](Instrument& i) { i.symptom_counts[0].symptoms[0].at_least = 4; }},
      {"symptom_counts[0].one_of[0]", [](Instrument& i) { i.symptom_counts[0].one_of = {"q4"}; }},
      {"symptom_counts[0].results[1].low", [](Instrument& i) { i.symptom_counts[0].results[1].low = 3; i.symptom_counts[0].results[1].high = 3; }},
      {"symptom_counts[0].results[0].high", [](Instrument& i) { i.symptom_counts[0].results[0].high = 4; }},
      {"symptom_counts[0].results", [](Instrument& i) { i.symptom_counts[0].results.clear(); }},
  };
  return *kFaults;
}
// clang-format on

TEST(InstrumentTest, TheSampleIsSound) { EXPECT_THAT(ValidateInstrument(Sample()), IsOk()); }

TEST(InstrumentTest, EachFaultIsFoundWithItsFieldAndNothingElse) {
  for (size_t i = 0; i < Faults().size(); ++i) {
    Instrument instrument = Sample();
    Faults()[i].commit(instrument);
    EXPECT_THAT(BadFields(instrument), ElementsAre(Faults()[i].field)) << "fault " << i;
  }
}

TEST(InstrumentTest, AllFaultsAreFoundAtOnceUnderTheFieldOfTheRequest) {
  Instrument instrument = Sample();
  instrument.name = "";
  instrument.items[2].label = "";
  instrument.risk_items[0].at_least = 0;
  FieldViolations bad;
  ValidateInstrument(instrument, bad.In("instrument"));
  std::vector<std::string> fields;
  for (const auto& violation : FieldViolationsOf(bad.ToStatus())) fields.push_back(violation.field);
  EXPECT_THAT(fields, ElementsAre("instrument.name", "instrument.items[2].label",
                                  "instrument.risk_items[0].at_least"));
}

TEST(InstrumentTest, HugeNumbersAreRefusedWithoutBeingCountedWith) {
  Instrument instrument = Sample();
  instrument.items[0].options[0].value = std::numeric_limits<int>::min();
  instrument.items[0].options[3].value = std::numeric_limits<int>::max();
  instrument.range = {std::numeric_limits<int>::min(), std::numeric_limits<int>::max()};
  EXPECT_THAT(BadFields(instrument), Contains("items[0].options[3].value"));
  instrument = Sample();
  instrument.range = {std::numeric_limits<int>::min(), std::numeric_limits<int>::max()};
  EXPECT_THAT(BadFields(instrument), IsSupersetOf({"range.min", "range.max"}));
}

TEST(InstrumentTest, WithoutTextsThereMustBeNone) {
  Instrument instrument = Sample();
  instrument.text_included = false;
  instrument.instructions = "Read this";
  EXPECT_EQ(BadFields(instrument).size(), 1 + 4 + 4 * 4u);
  instrument.instructions.clear();
  for (Item& item : instrument.items) {
    item.text.clear();
    for (Option& option : item.options) option.text.clear();
  }
  EXPECT_THAT(BadFields(instrument), IsEmpty());
}

TEST(InstrumentTest, ARatingWithoutNormsHasNoBandsCutOffsOrReliableChange) {
  Instrument instrument = Sample();
  instrument.normed = false;
  EXPECT_THAT(BadFields(instrument), ElementsAre("bands", "cut_offs", "reliable_change"));
  instrument.bands.clear();
  instrument.cut_offs.clear();
  instrument.reliable_change.clear();
  EXPECT_THAT(BadFields(instrument), IsEmpty());
}

TEST(InstrumentTest, ItemsOfDifferentRangesCannotStandForOneAnother) {
  Instrument instrument = Sample();
  instrument.items[0].options.resize(3);
  instrument.range.max = 11;
  instrument.bands.clear();
  instrument.symptom_counts[0].symptoms[0].at_least = 1;
  EXPECT_THAT(BadFields(instrument), ElementsAre("missing.max_missing"));
  instrument.missing.max_missing = 0;
  EXPECT_THAT(BadFields(instrument), IsEmpty());
}

TEST(InstrumentTest, WhereHigherIsBetterCutOffsLookTheOtherWay) {
  Instrument instrument = Sample();
  instrument.direction = Direction::kHigherIsBetter;
  EXPECT_THAT(BadFields(instrument), ElementsAre("cut_offs[0].comparison", "cut_offs[1].comparison",
                                                 "risk_totals[0].comparison"));
  instrument.cut_offs[0].comparison = Comparison::kAtMost;
  instrument.cut_offs[1].comparison = Comparison::kAbove;
  instrument.risk_totals[0].comparison = Comparison::kBelow;
  EXPECT_THAT(BadFields(instrument), IsEmpty());
}

TEST(InstrumentTest, ComparisonsIncludeOrExcludeTheValue) {
  EXPECT_TRUE(Compare(10, Comparison::kAtLeast, 10));
  EXPECT_FALSE(Compare(9, Comparison::kAtLeast, 10));
  EXPECT_FALSE(Compare(10, Comparison::kAbove, 10));
  EXPECT_TRUE(Compare(11, Comparison::kAbove, 10));
  EXPECT_TRUE(Compare(10, Comparison::kAtMost, 10));
  EXPECT_FALSE(Compare(11, Comparison::kAtMost, 10));
  EXPECT_FALSE(Compare(10, Comparison::kBelow, 10));
  EXPECT_TRUE(Compare(9, Comparison::kBelow, 10));
}

TEST(InstrumentTest, DefaultsAreFound) {
  const Instrument instrument = Sample();
  EXPECT_EQ(instrument.DefaultBands(), &instrument.bands[0]);
  EXPECT_EQ(instrument.DefaultCutOff(CutOffUse::kRemission), &instrument.cut_offs[1]);
  EXPECT_EQ(instrument.DefaultCutOff(CutOffUse::kScreening), nullptr);
  EXPECT_EQ(instrument.DefaultReliableChange(), &instrument.reliable_change[0]);
  EXPECT_EQ(instrument.FindItem("q9"), nullptr);
}

}  // namespace
}  // namespace ipt::outcomes
