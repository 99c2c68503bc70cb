#include "outcomes/storage/instrument_json.h"

#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/outcomes/instruments.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using ::ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The sample with one piece of its text replaced, which must be there once.
std::string With(absl::string_view piece, absl::string_view other) {
  const std::string text = WriteInstrument(Sample());
  const std::string changed = absl::StrReplaceAll(text, {{piece, other}});
  EXPECT_EQ(changed.size() + piece.size(), text.size() + other.size()) << piece;
  return changed;
}

std::string ErrorOf(absl::string_view text) {
  const auto read = ReadInstrument("mine.json", text);
  EXPECT_THAT(read, StatusIs(absl::StatusCode::kInvalidArgument));
  return std::string(read.status().message());
}

TEST(InstrumentJsonTest, EveryShippedFileIsSoundAndNamedAfterItsId) {
  const auto shipped = ShippedInstruments();
  ASSERT_TRUE(shipped.ok()) << shipped.status();
  std::vector<std::string> ids;
  for (const Instrument& instrument : *shipped) ids.push_back(instrument.id);
  EXPECT_THAT(ids, ElementsAre("ces-d", "epds", "gad-2", "gad-7", "goal-rating", "ham-d17", "k10",
                               "pcl-5", "phq-2", "phq-9", "problem-severity", "wsas"));
}

TEST(InstrumentJsonTest, WhatIsWrittenIsReadBackTheSame) {
  EXPECT_EQ(ReadInstrument("sample", WriteInstrument(Sample())).value(), Sample());
  for (const auto& [id, instrument] : AllShipped()) {
    EXPECT_EQ(ReadInstrument(id, WriteInstrument(instrument)).value(), instrument) << id;
  }
  Instrument rich = Sample();
  rich.look_back = std::nullopt;
  rich.items.push_back({.id = "beside",
                        .label = "Beside",
                        .text = "And?",
                        .in_total = false,
                        .options = rich.items[0].options});
  rich.items[0].may_be_not_applicable = true;
  rich.skips = {{"q1", 0, "q3", 1, rich.missing.basis}};
  rich.codes = {{CodeSystem::kSnomedCt, CodeUse::kTotal, "720433000", rich.missing.basis}};
  rich.missing.basis.note = "A note with \"quotes\" and \xc3\xa4";
  rich.reliable_change[0].value = 3.5;
  EXPECT_EQ(ReadInstrument("rich", WriteInstrument(rich)).value(), rich);
}

TEST(InstrumentJsonTest, AnUnknownKeyIsNamedWithItsFileAndPlace) {
  EXPECT_EQ(ErrorOf(With("\"multiplier\":1", "\"multiplier\":1,\"factor\":2")),
            "mine.json: factor: is no key of the format");
  EXPECT_EQ(ErrorOf(With("\"id\":\"q3\"", "\"id\":\"q3\",\"weight\":2")),
            "mine.json: items[2].weight: is no key of the format");
}

TEST(InstrumentJsonTest, AMissingKeyIsNamed) {
  EXPECT_EQ(ErrorOf(With("\"multiplier\":1,", "")), "mine.json: multiplier: is missing");
  EXPECT_EQ(ErrorOf(With("\"label\":\"Question 2\",", "")),
            "mine.json: items[1].label: is missing");
  EXPECT_THAT(ErrorOf("{}"), HasSubstr("mine.json: citations: is missing"));
}

TEST(InstrumentJsonTest, AWrongTypeIsNamed) {
  for (const auto& [piece, other, error] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"\"multiplier\":1", "\"multiplier\":\"1\"", "multiplier: must be a whole number"},
           {"\"multiplier\":1", "\"multiplier\":1.0", "multiplier: must be a whole number"},
           {"\"multiplier\":1", "\"multiplier\":4294967297", "multiplier: must be a whole number"},
           {"\"multiplier\":1", "\"multiplier\":-4294967297", "multiplier: must be a whole number"},
           {"\"normed\":true", "\"normed\":1", "normed: must be true or false"},
           {"\"language\":\"en\"", "\"language\":null", "language: must be a string"},
           {"\"skips\":[]", "\"skips\":{}", "skips: must be an array"},
           {"\"skips\":[]", "\"skips\":[7]", "skips[0]: must be an object"},
           {"\"range\":{\"min\":0,\"max\":12}", "\"range\":12", "range: must be an object"},
           {"\"look_back\":{\"amount\":1,\"unit\":\"week\"}",
            "\"look_back\":{\"amount\":1,\"unit\":\"year\"}",
            "look_back.unit: must be one of day, week, month"},
           {"\"inclusive\":true", "\"inclusive\":null",
            "reliable_change[0].inclusive: must be true or false"},
           {"\"value\":4.0", "\"value\":\"four\"", "reliable_change[0].value: must be a number"}}) {
    EXPECT_EQ(ErrorOf(With(piece, other)), absl::StrCat("mine.json: ", error));
  }
  EXPECT_EQ(ErrorOf("[]"), "mine.json: the whole: must be an object");
}

TEST(InstrumentJsonTest, AllErrorsOfAFileComeAtOnce) {
  std::string text = With("\"normed\":true", "\"normed\":1");
  text = absl::StrReplaceAll(text, {{"\"multiplier\":1,", ""}});
  EXPECT_EQ(ErrorOf(text),
            "mine.json: normed: must be true or false\nmine.json: multiplier: is missing");
}

TEST(InstrumentJsonTest, AKeyThatIsThereTwiceIsRefused) {
  EXPECT_EQ(ErrorOf(With("\"multiplier\":1", "\"multiplier\":1,\"multiplier\":2")),
            "mine.json: multiplier: is there twice");
  // The same key in another object is another key.
  EXPECT_TRUE(ReadInstrument("mine.json", WriteInstrument(Sample())).ok());
}

TEST(InstrumentJsonTest, BrokenJsonIsRefusedWithItsLine) {
  EXPECT_EQ(ErrorOf("{\n  \"id\": \"x\",\n  oops\n}\n"), "mine.json: line 3: is no valid JSON");
  EXPECT_EQ(ErrorOf(""), "mine.json: line 1: is no valid JSON");
  EXPECT_EQ(ErrorOf("{\"id\": \"\xff\"}"), "mine.json: line 1: is no valid JSON");
}

TEST(InstrumentJsonTest, WhatValidationFindsIsNamedWithTheFile) {
  EXPECT_EQ(ErrorOf(With("\"language\":\"en\"", "\"language\":\"english language\"")),
            "mine.json: language: must be a BCP 47 tag, like en or pt-BR");
}

TEST(InstrumentJsonTest, ItemsShareAnOptionSetByItsName) {
  const std::string options = WriteInstrument(Sample());
  const size_t from = options.find("\"options\":[") + 10;
  const std::string list = options.substr(from, options.find("]", from) + 1 - from);
  const auto shared = [&](const std::string& sets, const std::string& name) {
    return absl::StrReplaceAll(
        options, {{list, absl::StrCat("\"", name, "\"")},
                  {"\"items\":[{", absl::StrCat("\"option_sets\":", sets, ",\"items\":[{")}});
  };
  const std::string set = absl::StrCat("{\"how\":", list, "}");
  EXPECT_EQ(ReadInstrument("sample", shared(set, "how")).value(), Sample());
  EXPECT_THAT(ErrorOf(shared(set, "who")),
              HasSubstr("mine.json: items[3].options: names no option set"));
  EXPECT_THAT(ErrorOf(shared(set, "who")), HasSubstr("option_sets.how: is used by no item"));
}

TEST(InstrumentJsonTest, FreeWordingIsThereAndOtherWordingIsNot) {
  const Item& last = Shipped("phq-9").items[8];
  EXPECT_EQ(last.text,
            "Thoughts that you would be better off dead, or of hurting yourself in some way");
  EXPECT_EQ(Shipped("gad-7").items[0].options[0].text, "Not at all");
  EXPECT_EQ(Shipped("ces-d").items[0].options[3].text, "Most or all of the time (5-7 days)");
  for (const char* id : {"epds", "wsas"}) {
    for (const Item& item : Shipped(id).items) {
      EXPECT_EQ(item.text, "");
      EXPECT_THAT(item.label, HasSubstr("Item "));
      for (const Option& option : item.options) EXPECT_EQ(option.text, "");
    }
  }
}

}  // namespace
}  // namespace ipt::outcomes
