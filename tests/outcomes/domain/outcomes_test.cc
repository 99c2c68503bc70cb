#include "outcomes/domain/outcomes.h"

#include "gmock/gmock.h"
#include "tests/outcomes/instruments.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

absl::Time Day(int day, int hour = 10) {
  return absl::FromCivil(absl::CivilHour(2026, 1, 5 + day, hour), absl::UTCTimeZone());
}

HeldInstrument Held(Instrument definition) {
  HeldInstrument held;
  held.definition = std::move(definition);
  return held;
}

// A course whose sessions are on days 0, 7, 14, ...; measured with the sample.
class OutcomesTest : public ::testing::Test {
 protected:
  OutcomesTest() {
    input_.clinic_id = "north";
    input_.query.course_id = "k1";
    input_.policy.clinic_id = "north";
    input_.instruments = {Held(Sample())};
    input_.course.known = courses::CourseAnswer::Known::kVerified;
    courses::CopiedCourse& course = input_.course.course.emplace();
    course.state = courses::CopiedCourseState::kActive;
    course.time_zone = "UTC";
    course.planned_sessions = 8;
    course.start_day = absl::CivilDay(2026, 1, 5);
  }

  courses::CopiedCourse& course() { return *input_.course.course; }
  courses::CopiedSession& AddSession(
      int number, courses::CopiedSessionState state = courses::CopiedSessionState::kAttended) {
    courses::CopiedSession& session = course().sessions.emplace_back();
    session.session_id = absl::StrCat("s", number);
    session.number = number;
    session.start = Day(7 * (number - 1));
    session.state = state;
    session.uses_session = true;
    return session;
  }
  Measurement& AddScore(int total, absl::Time completed, const std::string& session = "") {
    Measurement& m = input_.measurements.emplace_back();
    m.clinic_id = "north";
    m.course_id = "k1";
    m.measurement_id = absl::StrCat("m", input_.measurements.size());
    m.instrument_id = "sample";
    m.instrument_version = 1;
    m.state = MeasurementState::kRecorded;
    m.respondent = AnsweredBy::kSelf;
    m.complete_time = m.receive_time = completed;
    m.session_id = session;
    m.scores = {{.scale = "total",
                 .state = HeldScoreState::kComplete,
                 .exact = {total, 1},
                 .rounded = total,
                 .maximum = 12},
                {.scale = "first",
                 .state = HeldScoreState::kComplete,
                 .exact = {total / 2, 1},
                 .rounded = total / 2,
                 .maximum = 6}};
    return m;
  }
  CourseOutcomes Outcomes() {
    auto outcomes = EvaluateOutcomes(input_);
    EXPECT_THAT(outcomes, ipt::testing::IsOk());
    return outcomes.value_or(CourseOutcomes());
  }
  static std::vector<Exclusion> Exclusions(const ScaleSeries& series) {
    std::vector<Exclusion> exclusions;
    for (const SeriesScore& score : series.scores) exclusions.push_back(score.exclusion);
    return exclusions;
  }

  OutcomeInput input_;
};

TEST_F(OutcomesTest, VersionsThatScoreAlikeAreOneSeries) {
  Instrument reworded = Sample();
  reworded.version = 2;
  reworded.items[0].text = "How was 1?";
  reworded.bands[0].bands[0].label = "Lowest";
  reworded.cut_offs[0].value = 7;
  Instrument rescored = reworded;
  rescored.version = 3;
  rescored.items[1].reverse = false;
  input_.instruments = {Held(Sample()), Held(reworded), Held(rescored)};
  AddSession(1);
  AddSession(2);
  AddScore(6, Day(0));
  AddScore(3, Day(7)).instrument_version = 2;
  const CourseOutcomes alike = Outcomes();
  ASSERT_EQ(alike.series.size(), 1u);
  EXPECT_EQ(alike.series[0].instrument.definition.version, 2);
  EXPECT_THAT(Exclusions(alike.series[0]), ElementsAre(Exclusion::kCounts, Exclusion::kCounts));
  // The cut-off of the newest.
  EXPECT_EQ(alike.series[0].trajectory.change->case_at_first, false);

  AddSession(3);
  AddScore(2, Day(14)).instrument_version = 3;
  const CourseOutcomes other = Outcomes();
  EXPECT_THAT(Exclusions(other.series[0]),
              ElementsAre(Exclusion::kOtherVersion, Exclusion::kOtherVersion, Exclusion::kCounts));
  input_.instruments.pop_back();
  EXPECT_THAT(EvaluateOutcomes(input_), StatusIs(absl::StatusCode::kInternal));
}

TEST_F(OutcomesTest, AnInvalidNewestScoreDoesNotSayTheVersion) {
  Instrument rescored = Sample();
  rescored.version = 2;
  rescored.items[1].reverse = false;
  input_.instruments = {Held(Sample()), Held(rescored)};
  AddSession(1);
  AddScore(6, Day(0));
  Measurement& invalid = AddScore(0, Day(7));
  invalid.instrument_version = 2;
  invalid.scores.resize(1);
  invalid.scores[0] = {.scale = "total", .maximum = 12};
  const CourseOutcomes outcomes = Outcomes();
  EXPECT_EQ(outcomes.series[0].instrument.definition.version, 1);
  EXPECT_THAT(Exclusions(outcomes.series[0]), ElementsAre(Exclusion::kCounts, Exclusion::kInvalid));
}

TEST_F(OutcomesTest, AFormGoesWithItsSessionUnlessThatWasMissed) {
  AddSession(1, courses::CopiedSessionState::kNoShow);
  AddSession(2);
  AddScore(12, Day(0), "s1");   // missed: by its day, from before the first contact
  AddScore(10, Day(-3), "s2");  // filled in long before, for the first that was attended
  const CourseOutcomes missed = Outcomes();
  ASSERT_EQ(missed.series.size(), 1u);
  EXPECT_THAT(Exclusions(missed.series[0]),
              ElementsAre(Exclusion::kCounts, Exclusion::kBeforeCourse));
  EXPECT_EQ(missed.attended_sessions, 1);
  // Attended after all.
  course().sessions[0].state = courses::CopiedSessionState::kAttended;
  const CourseOutcomes attended = Outcomes();
  EXPECT_THAT(Exclusions(attended.series[0]), ElementsAre(Exclusion::kCounts, Exclusion::kCounts));
}

TEST_F(OutcomesTest, ASessionThatThereIsNotIsSaid) {
  AddSession(1);
  AddScore(10, Day(0), "s9");
  EXPECT_THAT(Exclusions(Outcomes().series[0]), ElementsAre(Exclusion::kBindingProblem));
  input_.course.known = courses::CourseAnswer::Known::kNotVerified;
  EXPECT_THAT(Exclusions(Outcomes().series[0]), ElementsAre(Exclusion::kCounts));
}

TEST_F(OutcomesTest, SubscalesAreAskedForAndHaveNoRules) {
  AddSession(1);
  AddSession(2);
  AddScore(12, Day(0));
  AddScore(4, Day(7));
  input_.query.all_scales = true;
  const CourseOutcomes outcomes = Outcomes();
  ASSERT_EQ(outcomes.series.size(), 2u);
  EXPECT_EQ(outcomes.series[0].scale, "total");
  EXPECT_EQ(outcomes.series[0].trajectory.change->reliable, ReliableVerdict::kImproved);
  const ScaleSeries& subscale = outcomes.series[1];
  EXPECT_EQ(subscale.scale, "first");
  EXPECT_EQ(subscale.trajectory.change->improvement, 4);
  EXPECT_EQ(subscale.trajectory.change->reliable, ReliableVerdict::kNotEvaluated);
  EXPECT_EQ(subscale.trajectory.change->case_at_first, std::nullopt);
}

TEST_F(OutcomesTest, RatingsWithoutNormsHaveNoResponse) {
  input_.instruments[0].definition.normed = false;
  AddSession(1);
  AddScore(12, Day(0));
  AddScore(4, Day(7));
  EXPECT_EQ(Outcomes().series[0].trajectory.change->response, std::nullopt);
}

TEST_F(OutcomesTest, WatchesOneSeriesOfWhatThePolicyNames) {
  for (int number = 1; number <= 5; ++number) AddSession(number);
  AddScore(6, Day(0));
  AddScore(12, Day(28));
  EXPECT_THAT(Outcomes().series[0].trajectory.track.signals, IsEmpty());  // PHQ-9 is watched
  input_.policy.version = 4;
  input_.policy.not_on_track.instrument_id = "sample";
  const CourseOutcomes outcomes = Outcomes();
  ASSERT_TRUE(outcomes.series[0].watched);
  std::vector<std::string> rules;
  for (const Signal& signal : outcomes.series[0].trajectory.track.signals) {
    rules.push_back(signal.rule.id);
    EXPECT_EQ(signal.rule.version, 4);
  }
  EXPECT_THAT(rules, ElementsAre("slow-start", "deterioration", "midpoint"));
  // What a clinician rated is watched where the patient answered nothing.
  for (Measurement& m : input_.measurements) m.respondent = AnsweredBy::kClinicianRated;
  EXPECT_TRUE(Outcomes().series[0].watched);
  AddScore(5, Day(1));
  const CourseOutcomes both = Outcomes();
  ASSERT_EQ(both.series.size(), 2u);
  EXPECT_TRUE(both.series[0].watched);
  EXPECT_EQ(both.series[0].respondent, AnsweredBy::kSelf);
  EXPECT_FALSE(both.series[1].watched);
}

TEST_F(OutcomesTest, ADropOutIsWhatThePolicySays) {
  for (int number = 1; number <= 4; ++number) AddSession(number);
  AddScore(6, Day(0));
  EXPECT_EQ(Outcomes().drop_out, std::nullopt);
  course().state = courses::CopiedCourseState::kDiscontinued;
  course().closed_at = Day(30);
  course().closure_reason = 1;
  course().drop_out = true;
  const auto by = [&](int definition) {
    input_.policy.drop_out = definition;
    return Outcomes().drop_out;
  };
  // Half of the planned eight were attended.
  EXPECT_EQ(by(0), true);
  EXPECT_EQ(by(1), true);
  EXPECT_EQ(by(2), false);
  EXPECT_EQ(by(3), true);
  course().closure_reason = 4;  // moved away
  course().drop_out = false;
  EXPECT_EQ(by(1), false);
  EXPECT_EQ(by(3), true);
  course().closure_reason = courses::kClosedAgreedEarly;
  EXPECT_EQ(by(3), false);
  course().closure_reason = 1;
  course().drop_out = true;
  course().sessions[3].state = courses::CopiedSessionState::kNoShow;
  EXPECT_EQ(by(2), true);
}

}  // namespace
}  // namespace ipt::outcomes
