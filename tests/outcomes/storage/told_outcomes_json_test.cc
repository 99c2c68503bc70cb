#include "outcomes/storage/told_outcomes_json.h"

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using ipt::testing::StatusIs;

TEST(ToldOutcomesJsonTest, ComesBackAsItWas) {
  ToldOutcomes told;
  EXPECT_EQ(EncodeToldOutcomes(told), "");
  ASSERT_OK_AND_ASSIGN(const ToldOutcomes nothing, DecodeToldOutcomes(""));
  EXPECT_EQ(nothing, told);
  told.result = "2;y;\"quoted\";";
  told.signals = {{"deterioration", "m1", absl::FromUnixMicros(1'800'000'000'000'007),
                   SignalLevel::kRed, "10;20;;"},
                  {"midpoint", "m2", absl::FromUnixMicros(-1), SignalLevel::kAmber, ""}};
  ASSERT_OK_AND_ASSIGN(const ToldOutcomes back, DecodeToldOutcomes(EncodeToldOutcomes(told)));
  EXPECT_EQ(back, told);
}

TEST(ToldOutcomesJsonTest, ADamagedTextIsSaidToBe) {
  for (const char* text : {"x", "{}", "[]", "[\"\"]", "[1,[]]", "[\"\",{}]", "[\"\",[[]]]",
                           "[\"\",[[\"a\",\"b\",\"c\",1,\"\"]]]"}) {
    EXPECT_THAT(DecodeToldOutcomes(text), StatusIs(absl::StatusCode::kInternal)) << text;
  }
}

}  // namespace
}  // namespace ipt::outcomes
