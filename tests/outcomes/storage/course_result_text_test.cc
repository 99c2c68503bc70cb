#include "outcomes/storage/course_result_text.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "absl/strings/str_cat.h"

namespace ipt::outcomes {
namespace {

template <typename T>
std::optional<T> Maybe(T value) {
  return *rc::gen::arbitrary<bool>() ? std::optional<T>(value) : std::nullopt;
}

std::optional<DayNumber> AnyDay() { return Maybe(DayNumber(*rc::gen::inRange(-30000, 30000))); }

MeasureResult AnyMeasure(int number) {
  MeasureResult measure;
  measure.instrument_id = absl::StrCat("m-", number);
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
    absl::StrAppend(&measure.rule_sets, measure.rule_sets.empty() ? "" : ",", "rules-", i);
  }
  measure.better = *rc::gen::element(BetterWhen::kLower, BetterWhen::kHigher);
  const auto score = [] {
    const int score = *rc::gen::inRange(-700, 28000);
    return *rc::gen::element(score / 7.0, 1.0 * (score / 100));  // whole ones are read otherwise
  };
  measure.first = score();
  measure.last = score();
  measure.paired = *rc::gen::arbitrary<bool>();
  measure.case_at_first = Maybe(*rc::gen::arbitrary<bool>());
  measure.response = Maybe(*rc::gen::arbitrary<bool>());
  measure.remission = Maybe(*rc::gen::arbitrary<bool>());
  measure.reliable = static_cast<ReliableVerdict>(*rc::gen::inRange(0, 4));
  measure.significant = static_cast<SignificantChange>(*rc::gen::inRange(0, 5));
  return measure;
}

CourseResult AnyResult() {
  CourseResult result;
  result.known = *rc::gen::arbitrary<bool>();
  result.in_error = *rc::gen::arbitrary<bool>();
  result.end = static_cast<CourseEnd>(*rc::gen::inRange(0, 5));
  result.closed_day = AnyDay();
  result.start_day = AnyDay();
  result.last_day = AnyDay();
  for (int* number :
       {&result.planned_sessions, &result.attended_sessions, &result.attended, &result.missed,
        &result.indication, &result.focus, &result.measurements, &result.left_out}) {
    *number = *rc::gen::inRange(0, 1000);
  }
  result.therapist_id = *rc::gen::element<std::string>("", "ana", "ben-2");
  result.variant_id = *rc::gen::element<std::string>("", "ipt-16");
  result.baseline_band = *rc::gen::element<std::string>("", "moderately_severe");
  result.recovery = {.finished = *rc::gen::arbitrary<bool>(),
                     .no_outcome = static_cast<NoOutcome>(*rc::gen::inRange(0, 4)),
                     .case_at_start = Maybe(*rc::gen::arbitrary<bool>()),
                     .reliable = static_cast<ReliableOutcome>(*rc::gen::inRange(0, 4)),
                     .mixed = *rc::gen::arbitrary<bool>(),
                     .recovered = *rc::gen::arbitrary<bool>(),
                     .reliably_recovered = *rc::gen::arbitrary<bool>()};
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) result.measures.push_back(AnyMeasure(i));
  return result;
}

RC_GTEST_PROP(CourseResultTextTest, IsReadAsItWasWrittenWhateverWasReadBefore, ()) {
  const CourseResult result = AnyResult();
  CourseResult read = AnyResult();
  RC_ASSERT(DecodeCourseResult(EncodeCourseResult(result), read));
  RC_ASSERT(read == result);
}

TEST(CourseResultTextTest, WhatIsCutOffIsNotRead) {
  CourseResult result;
  result.therapist_id = "ana";
  MeasureResult measure;
  measure.instrument_id = "phq-9";
  measure.rule_sets = "nhs";
  result.measures = {measure};
  const std::string text = EncodeCourseResult(result);
  const std::string whole = [&] {
    CourseResult without = result;
    without.measures.clear();
    return EncodeCourseResult(without);
  }();
  CourseResult read;
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_EQ(DecodeCourseResult(text.substr(0, length), read), length == whole.size()) << length;
  }
  EXPECT_FALSE(DecodeCourseResult("nonsense", read));
}

TEST(CourseResultTextTest, IsReadWithoutItsMeasuresFirst) {
  const CourseResult result = [] {
    CourseResult result;
    result.therapist_id = "ana";
    result.closed_day = absl::CivilDay(2026, 6, 15);
    result.measures.emplace_back().instrument_id = "phq-9";
    return result;
  }();
  const std::string text = EncodeCourseResult(result);
  absl::string_view left = text;
  CourseResult read;
  ASSERT_TRUE(DecodeCourse(left, read));
  EXPECT_EQ(read.therapist_id, "ana");
  EXPECT_EQ(read.closed_day, result.closed_day);
  EXPECT_TRUE(DecodeMeasures(left, read));
  EXPECT_EQ(read, result);
  EXPECT_FALSE(DecodeMeasures(left.substr(1), read));
}

}  // namespace
}  // namespace ipt::outcomes
