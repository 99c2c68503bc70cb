// A measurement read without its answers is the same in all else.
#include "outcomes/storage/measurement_json.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

Measurement Form() {
  Measurement m;
  m.instrument_id = "phq-9";
  m.instrument_version = 1;
  m.state = MeasurementState::kRecorded;
  m.respondent = AnsweredBy::kSelf;
  m.complete_time = absl::FromUnixMicros(1'788'809'622'000'000);
  m.session_id = "s-1";
  m.scores.push_back({.scale = "total",
                      .state = HeldScoreState::kComplete,
                      .exact = {18, 1},
                      .rounded = 18,
                      .missing = {"q3"}});
  m.risks.push_back({.rule = "item-9", .item = "q9", .points = 2, .alert_id = "a"});
  m.caller = "bridge";
  return m;
}

// What is read without answers, written again; whole where the answers are taken out by hand.
std::string WithoutAnswers(const std::string& text) {
  Measurement read;
  EXPECT_OK(DecodeWithoutAnswers(text, read));
  EXPECT_THAT(read.answers, IsEmpty());
  return EncodeMeasurement(read);
}

TEST(MeasurementJsonTest, AnswersAreLeftOutAndNothingElse) {
  const Measurement bare = Form();
  Measurement whole = bare;
  whole.answers.push_back({.item = "q1", .value = 2, .option_id = "often", .points = 2});
  // All that could be taken for the end of the answers, or of a text in them.
  for (const char* item : {"]", "],", "}],\"caller\":", "[", "\"", "\\", "\\\"]", "\\\\", "é\n]"}) {
    whole.answers.push_back({.item = item, .option_id = item});
    const std::string text = EncodeMeasurement(whole);
    EXPECT_EQ(WithoutAnswers(text), EncodeMeasurement(bare)) << item;
    Measurement read;
    ASSERT_OK(DecodeMeasurement(text, read));
    EXPECT_EQ(read.answers, whole.answers) << item;
  }
}

TEST(MeasurementJsonTest, WithoutAnswersThereIsNothingToLeaveOut) {
  Measurement reported = Form();
  reported.reported.push_back({.scale = "total", .points = 18});
  EXPECT_EQ(WithoutAnswers(EncodeMeasurement(reported)), EncodeMeasurement(reported));
  EXPECT_EQ(WithoutAnswers("{}"), EncodeMeasurement(Measurement()));
}

TEST(MeasurementJsonTest, DamagedTextsAreErrors) {
  Measurement whole = Form();
  whole.answers.push_back({.item = "q1", .value = 2});
  const std::string text = EncodeMeasurement(whole);
  for (size_t length = 0; length < text.size(); ++length) {
    Measurement read;
    EXPECT_EQ(DecodeWithoutAnswers(text.substr(0, length), read).code(),
              absl::StatusCode::kInternal)
        << length;
  }
}

TEST(MeasurementJsonTest, OtherOrdersAreReadWhole) {
  Measurement read;
  ASSERT_OK(DecodeWithoutAnswers(R"({"caller":"x","answers":[{"item":"q1"}]})", read));
  EXPECT_EQ(read.caller, "x");
  EXPECT_THAT(read.answers, SizeIs(1));
}

}  // namespace
}  // namespace ipt::outcomes
