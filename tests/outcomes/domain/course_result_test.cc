#include "outcomes/domain/course_result.h"

#include <vector>

#include "gmock/gmock.h"
#include "tests/outcomes/domain/measures.h"

namespace ipt::outcomes {
namespace {

const absl::CivilDay kStart(2026, 3, 2);

Trajectory WithScores(const MeasureRules& rules, const std::vector<double>& values) {
  Episode episode{.contacts = {}, .sessions = {}, .planned_sessions = 4, .ended = true};
  std::vector<ScorePoint> scores;
  for (size_t i = 0; i < values.size(); ++i) {
    const absl::CivilDay day = kStart + 7 * i;
    episode.sessions.push_back(day);
    const absl::Time at = absl::FromCivil(day, absl::UTCTimeZone());
    scores.push_back({.id = std::string(1, static_cast<char>('a' + i)),
                      .completed_at = at,
                      .received_at = at,
                      .day = day,
                      .session_number = static_cast<int>(i) + 1,
                      .follow_up = false,
                      .exact = values[i] + 0.25,
                      .value = values[i]});
  }
  episode.contacts = episode.sessions;
  return BuildTrajectory(rules, episode, scores);
}

MeasureRules Rules() {
  MeasureRules rules;
  rules.change = Phq9();
  rules.sudden_gains = SuddenGainRules{.least_drop = 6};
  return rules;
}

TEST(MeasureResultOfTest, IsTheTrajectorysEndsAndVerdicts) {
  const MeasureResult result =
      *MeasureResultOf("phq-9", Rules(), "nhs", WithScores(Rules(), {22, 21, 23, 5, 6, 7}));
  EXPECT_EQ(result.instrument_id, "phq-9");
  EXPECT_EQ(result.rule_sets, "nhs");
  // Exact ones for means, printed ones for verdicts.
  EXPECT_EQ(result.first, 22.25);
  EXPECT_EQ(result.last, 7.25);
  EXPECT_TRUE(result.paired);
  EXPECT_EQ(result.case_at_first, true);
  EXPECT_EQ(result.response, true);
  EXPECT_EQ(result.remission, false);
  EXPECT_EQ(result.reliable, ReliableVerdict::kImproved);
  EXPECT_EQ(result.significant, SignificantChange::kRecovered);
}

TEST(MeasureResultOfTest, CarriesASingleScoreForward) {
  const MeasureResult result = *MeasureResultOf("phq-9", Rules(), {}, WithScores(Rules(), {22}));
  EXPECT_FALSE(result.paired);
  EXPECT_EQ(result.last, result.first);
  EXPECT_EQ(result.response, false);
  EXPECT_EQ(result.reliable, ReliableVerdict::kUnchanged);
}

TEST(MeasureResultOfTest, IsNotThereWithoutAScore) {
  EXPECT_FALSE(MeasureResultOf("phq-9", Rules(), {}, WithScores(Rules(), {})).has_value());
}

// ---- Drop-out

constexpr auto kBefore = DropOutDefinition::kEndedWithoutAgreement;
constexpr auto kHalf = DropOutDefinition::kUnderHalfAttended;
constexpr auto kAny = DropOutDefinition::kAnyNonCompletion;

TEST(DropOutTest, EndedWithoutAgreementIsBeforeTheAgreedNumber) {
  EXPECT_TRUE(IsDropOut(kBefore, CourseEnd::kDroppedOut, 15, 16));
  EXPECT_FALSE(IsDropOut(kBefore, CourseEnd::kDroppedOut, 16, 16));
  EXPECT_FALSE(IsDropOut(kBefore, CourseEnd::kAgreedEarly, 3, 16));
  EXPECT_FALSE(IsDropOut(kBefore, CourseEnd::kOther, 3, 16));
  EXPECT_FALSE(IsDropOut(kBefore, CourseEnd::kCompleted, 12, 16));
  EXPECT_TRUE(CountsForDropOut(kBefore, CourseEnd::kDroppedOut, 1));
  EXPECT_FALSE(CountsForDropOut(kBefore, CourseEnd::kDroppedOut, 0));
}

TEST(DropOutTest, UnderHalfIsWithoutAgreement) {
  EXPECT_TRUE(IsDropOut(kHalf, CourseEnd::kDroppedOut, 7, 16));
  EXPECT_FALSE(IsDropOut(kHalf, CourseEnd::kDroppedOut, 8, 16));
  EXPECT_FALSE(IsDropOut(kHalf, CourseEnd::kOther, 7, 16));
  EXPECT_FALSE(IsDropOut(kHalf, CourseEnd::kCompleted, 7, 16));
  EXPECT_FALSE(CountsForDropOut(kHalf, CourseEnd::kDroppedOut, 0));
}

TEST(DropOutTest, AnyNonCompletionCountsThoseWhoNeverCame) {
  EXPECT_TRUE(CountsForDropOut(kAny, CourseEnd::kDroppedOut, 0));
  EXPECT_TRUE(IsDropOut(kAny, CourseEnd::kDroppedOut, 0, 16));
  EXPECT_TRUE(IsDropOut(kAny, CourseEnd::kDroppedOut, 16, 16));
  EXPECT_TRUE(IsDropOut(kAny, CourseEnd::kOther, 16, 16));
  EXPECT_FALSE(IsDropOut(kAny, CourseEnd::kCompleted, 16, 16));
  EXPECT_FALSE(IsDropOut(kAny, CourseEnd::kAgreedEarly, 1, 16));
  EXPECT_FALSE(CountsForDropOut(kAny, CourseEnd::kOpen, 3));
}

TEST(EndOfTest, IsWhatSchedulingSays) {
  courses::CopiedCourse course;
  course.state = courses::CopiedCourseState::kActive;
  EXPECT_EQ(EndOf(course), CourseEnd::kOpen);
  course.state = courses::CopiedCourseState::kCompleted;
  EXPECT_EQ(EndOf(course), CourseEnd::kCompleted);
  course.state = courses::CopiedCourseState::kDiscontinued;
  course.closure_reason = 4;  // moved away
  EXPECT_EQ(EndOf(course), CourseEnd::kOther);
  course.closure_reason = courses::kClosedAgreedEarly;
  EXPECT_EQ(EndOf(course), CourseEnd::kAgreedEarly);
  course.closure_reason = 1;
  course.drop_out = true;
  EXPECT_EQ(EndOf(course), CourseEnd::kDroppedOut);
}

}  // namespace
}  // namespace ipt::outcomes
