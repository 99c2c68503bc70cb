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

TEST(ResultOfTest, IsTheTrajectorysEndsAndVerdicts) {
  const MeasureResult result =
      *ResultOf("phq-9", "phq-9/1", Rules(), WithScores(Rules(), {22, 21, 23, 5, 6, 7}));
  EXPECT_EQ(result.measure, "phq-9");
  EXPECT_EQ(result.rules, "phq-9/1");
  EXPECT_EQ(result.scores, 6);
  EXPECT_EQ(result.first.value, 22);
  EXPECT_EQ(result.first.exact, 22.25);
  EXPECT_EQ(result.last.value, 7);
  EXPECT_EQ(result.last.completed_at, absl::FromCivil(kStart + 35, absl::UTCTimeZone()));
  EXPECT_TRUE(result.paired);
  EXPECT_EQ(result.change, EvaluateChange(Phq9(), 22, 7));
  EXPECT_EQ(result.status, StatusOf(Phq9(), 22, 7));
  EXPECT_EQ(result.gains, 1);
  EXPECT_EQ(result.signals, 1);  // no reliable improvement by the second of four sessions
}

TEST(ResultOfTest, CarriesASingleScoreForward) {
  const MeasureResult result = *ResultOf("phq-9", "x", Rules(), WithScores(Rules(), {22}));
  EXPECT_FALSE(result.paired);
  EXPECT_EQ(result.last, result.first);
  EXPECT_EQ(result.change.improvement, 0);
  EXPECT_EQ(result.change.response, false);
  EXPECT_TRUE(result.status.has_first);
  EXPECT_FALSE(result.status.has_last);
}

TEST(ResultOfTest, IsNotThereWithoutAScore) {
  EXPECT_FALSE(ResultOf("phq-9", "x", Rules(), WithScores(Rules(), {})).has_value());
}

TEST(CourseResultTest, KeepsEachMeasureOnceByItsId) {
  const MeasureResult phq = *ResultOf("phq-9", "x", Rules(), WithScores(Rules(), {22, 7}));
  MeasureResult gad = phq;
  gad.measure = "gad-7";
  CourseResult course;
  EXPECT_EQ(FindMeasure(course, "phq-9"), nullptr);
  SetMeasure(course, "phq-9", phq);
  SetMeasure(course, "gad-7", gad);
  ASSERT_EQ(course.measures.size(), 2u);
  EXPECT_EQ(course.measures[0].measure, "gad-7");
  MeasureResult changed = phq;
  changed.scores = 9;
  SetMeasure(course, "phq-9", changed);
  ASSERT_EQ(course.measures.size(), 2u);
  EXPECT_EQ(FindMeasure(course, "phq-9")->scores, 9);
  SetMeasure(course, "gad-7", std::nullopt);
  SetMeasure(course, "gad-7", std::nullopt);
  EXPECT_EQ(FindMeasure(course, "gad-7"), nullptr);
  EXPECT_EQ(course.measures.size(), 1u);
}

TEST(CourseResultTest, MergesPartsThatWereMadeApart) {
  CourseResult one;
  CourseResult two;
  MeasureResult result;
  for (const char* measure : {"gad-7", "phq-9", "wsas"}) {
    result.measure = measure;
    result.scores = 1;
    SetMeasure(one, measure, result);
    result.scores = 2;
    if (result.measure != "gad-7") SetMeasure(two, measure, result);
  }
  MergeResult(one, two);
  EXPECT_EQ(one.measures.size(), 3u);
  EXPECT_EQ(FindMeasure(one, "gad-7")->scores, 1);
  EXPECT_EQ(FindMeasure(one, "wsas")->scores, 2);
}

}  // namespace
}  // namespace ipt::outcomes
