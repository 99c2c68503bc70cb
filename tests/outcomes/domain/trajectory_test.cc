#include "outcomes/domain/trajectory.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "tests/outcomes/domain/measures.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using absl::CivilDay;

// Over a year's end.
const CivilDay kStart(2025, 12, 15);

MeasureRules Rules() {
  MeasureRules rules;
  rules.change = Phq9();
  rules.sudden_gains = SuddenGainRules{.least_drop = 6};
  return rules;
}

// Weekly sessions, all attended.
Episode Weekly(int sessions, bool ended) {
  Episode episode{.contacts = {}, .sessions = {}, .planned_sessions = 16, .ended = ended};
  for (int i = 0; i < sessions; ++i) episode.sessions.push_back(kStart + 7 * i);
  episode.contacts = episode.sessions;
  return episode;
}

ScorePoint On(CivilDay day, double value, std::optional<int> session = std::nullopt,
              int hour = 12) {
  const absl::Time at = absl::FromCivil(absl::CivilHour(day) + hour, absl::UTCTimeZone());
  return {.id = absl::StrCat(absl::FormatCivilTime(day), "#", hour),
          .completed_at = at,
          .received_at = at,
          .day = day,
          .session_number = session,
          .follow_up = false,
          .exact = value,
          .value = value};
}

// The value of an endpoint, -1 without one.
double ValueOf(const Trajectory& trajectory, const Endpoint& endpoint) {
  return endpoint.index.has_value() ? trajectory.scores[*endpoint.index].score.value : -1;
}

TEST(TrajectoryTest, FirstAndLastAreOfTheEpisodesContacts) {
  const Trajectory trajectory =
      BuildTrajectory(Rules(), Weekly(4, true),
                      {On(kStart - 30, 25), On(kStart, 20), On(kStart + 7, 16), On(kStart + 21, 8),
                       On(kStart + 22, 5), On(kStart + 200, 1)});
  EXPECT_EQ(ValueOf(trajectory, trajectory.first), 20);
  EXPECT_EQ(trajectory.first.reason, EndpointReason::kEarliestOfEpisode);
  EXPECT_EQ(ValueOf(trajectory, trajectory.last), 8);
  EXPECT_EQ(trajectory.last.reason, EndpointReason::kLatestOfEpisode);
  EXPECT_EQ(trajectory.counted, 3);
  EXPECT_EQ(trajectory.scores[0].place, ScorePlace::kBeforeEpisode);
  EXPECT_EQ(trajectory.scores[0].improvement, std::nullopt);
  EXPECT_EQ(trajectory.scores[0].elapsed_days, -30);
  EXPECT_EQ(trajectory.scores[4].place, ScorePlace::kFollowUp);
  EXPECT_EQ(trajectory.scores[5].improvement, 19);
  ASSERT_TRUE(trajectory.change.has_value());
  EXPECT_EQ(*trajectory.change, EvaluateChange(Phq9(), 20, 8));
  EXPECT_EQ(*trajectory.follow_up_change, EvaluateChange(Phq9(), 20, 1));
}

TEST(TrajectoryTest, AScoreOfASessionIsInTheEpisodeWheneverItWasCompleted) {
  const Trajectory trajectory =
      BuildTrajectory(Rules(), Weekly(3, true),
                      {On(kStart - 1, 20, 1), On(kStart + 15, 8, 3), On(kStart + 15, 30)});
  EXPECT_EQ(ValueOf(trajectory, trajectory.first), 20);
  EXPECT_EQ(trajectory.scores[0].sessions_attended, 1);
  EXPECT_EQ(trajectory.scores[0].elapsed_days, -1);
  EXPECT_EQ(ValueOf(trajectory, trajectory.last), 8);
}

TEST(TrajectoryTest, AFollowUpIsNeverTheLast) {
  ScorePoint early = On(kStart + 14, 3);
  early.follow_up = true;
  const Trajectory trajectory =
      BuildTrajectory(Rules(), Weekly(3, true), {On(kStart, 20), On(kStart + 7, 10), early});
  EXPECT_EQ(ValueOf(trajectory, trajectory.last), 10);
  EXPECT_EQ(trajectory.follow_up_change->improvement, 17);
}

TEST(TrajectoryTest, AnOpenCoursesLastIsTheLastSoFar) {
  const Trajectory trajectory =
      BuildTrajectory(Rules(), Weekly(2, false), {On(kStart, 20), On(kStart + 40, 10)});
  EXPECT_EQ(ValueOf(trajectory, trajectory.last), 10);
  EXPECT_EQ(trajectory.last.reason, EndpointReason::kLatestSoFar);
}

TEST(TrajectoryTest, TheWindowMayBeWidened) {
  MeasureRules rules = Rules();
  rules.window = {.days_before = 14, .days_after = 7};
  const std::vector<ScorePoint> scores = {On(kStart - 15, 27), On(kStart - 14, 20),
                                          On(kStart + 28, 10), On(kStart + 29, 3)};
  const Trajectory trajectory = BuildTrajectory(rules, Weekly(4, true), scores);
  EXPECT_EQ(ValueOf(trajectory, trajectory.first), 20);
  EXPECT_EQ(ValueOf(trajectory, trajectory.last), 10);
}

TEST(TrajectoryTest, SaysWhyThereIsNoPair) {
  Trajectory trajectory = BuildTrajectory(Rules(), Weekly(3, true), {On(kStart, 20)});
  EXPECT_EQ(ValueOf(trajectory, trajectory.first), 20);
  EXPECT_EQ(trajectory.last, (Endpoint{std::nullopt, EndpointReason::kSingleScore}));
  EXPECT_FALSE(trajectory.change.has_value());

  trajectory = BuildTrajectory(Rules(), Weekly(3, true), {On(kStart - 1, 20)});
  EXPECT_EQ(trajectory.first, (Endpoint{std::nullopt, EndpointReason::kNoScoreInEpisode}));
  EXPECT_EQ(trajectory.last, trajectory.first);

  trajectory = BuildTrajectory(Rules(), Weekly(0, false), {On(kStart, 20)});
  EXPECT_EQ(trajectory.first, (Endpoint{std::nullopt, EndpointReason::kNoContact}));
  EXPECT_EQ(trajectory.scores[0].elapsed_days, std::nullopt);

  trajectory = BuildTrajectory(Rules(), Weekly(0, false), {On(kStart, 20, 1)});
  EXPECT_EQ(ValueOf(trajectory, trajectory.first), 20);

  trajectory = BuildTrajectory(Rules(), Weekly(3, true), {});
  EXPECT_EQ(trajectory.first.reason, EndpointReason::kNoScoreInEpisode);
}

TEST(TrajectoryTest, ALatePaperFormTakesItsPlace) {
  ScorePoint paper = On(kStart, 22, 1, 9);
  paper.received_at = paper.completed_at + absl::Hours(24 * 60);
  const Trajectory trajectory = BuildTrajectory(
      Rules(), Weekly(4, true), {On(kStart + 7, 18, 2), On(kStart + 21, 9, 4), paper});
  EXPECT_EQ(ValueOf(trajectory, trajectory.first), 22);
  EXPECT_EQ(trajectory.scores[1].improvement, 4);
}

TEST(TrajectoryTest, OfDuplicatesTheOneCompletedLastCounts) {
  // Of one session, on two days.
  Trajectory trajectory = BuildTrajectory(
      Rules(), Weekly(4, true), {On(kStart - 1, 24, 1), On(kStart, 20, 1), On(kStart + 21, 9, 4)});
  EXPECT_EQ(ValueOf(trajectory, trajectory.first), 20);
  EXPECT_EQ(trajectory.scores[0].duplicate_of, 1u);
  EXPECT_EQ(trajectory.scores[0].improvement, std::nullopt);
  EXPECT_EQ(trajectory.counted, 2);
  // Of one day, bound to none; the later one.
  trajectory = BuildTrajectory(Rules(), Weekly(4, true),
                               {On(kStart, 20, std::nullopt, 9), On(kStart, 21, std::nullopt, 10)});
  EXPECT_EQ(ValueOf(trajectory, trajectory.first), 21);
  EXPECT_EQ(trajectory.last.reason, EndpointReason::kSingleScore);
  // One bound, one not, on one day: the one that counts stands for the session.
  trajectory = BuildTrajectory(Rules(), Weekly(4, true),
                               {On(kStart, 20, 1, 9), On(kStart, 21, std::nullopt, 10)});
  EXPECT_EQ(ValueOf(trajectory, trajectory.first), 21);
  EXPECT_EQ(trajectory.scores[1].score.session_number, 1);
  // Two sessions of one day are none.
  trajectory =
      BuildTrajectory(Rules(), Weekly(4, true), {On(kStart, 20, 1, 9), On(kStart, 21, 2, 15)});
  EXPECT_EQ(trajectory.counted, 2);
}

TEST(TrajectoryTest, ADuplicateOutsideOfTheEpisodeHidesNoneInside) {
  ScorePoint follow_up = On(kStart + 21, 2, std::nullopt, 18);
  follow_up.follow_up = true;
  const Trajectory trajectory =
      BuildTrajectory(Rules(), Weekly(4, true), {On(kStart, 20), On(kStart + 21, 9), follow_up});
  EXPECT_EQ(ValueOf(trajectory, trajectory.last), 9);
}

TEST(TrajectoryTest, SignalsCountDaysFromTheFirstAttendedSession) {
  // An assessment two weeks before does not start the clock.
  Episode episode = Weekly(5, false);
  episode.contacts.push_back(kStart - 14);
  const Trajectory trajectory = BuildTrajectory(
      Rules(), episode,
      {On(kStart - 14, 20), On(kStart + 14, 20), On(kStart + 27, 20), On(kStart + 28, 20)});
  EXPECT_EQ(ValueOf(trajectory, trajectory.first), 20);
  EXPECT_EQ(trajectory.scores[0].elapsed_days, -14);
  ASSERT_EQ(trajectory.track.signals.size(), 1u);
  EXPECT_EQ(trajectory.track.signals[0].rule.id, "early-response");
  EXPECT_EQ(trajectory.track.signals[0].raised_by, trajectory.scores[3].score.id);
  EXPECT_EQ(trajectory.scores[3].sessions_attended, 5);
}

TEST(TrajectoryTest, FollowUpsRaiseNoSignal) {
  const Trajectory trajectory = BuildTrajectory(
      Rules(), Weekly(4, true), {On(kStart, 12), On(kStart + 21, 8), On(kStart + 200, 27)});
  EXPECT_THAT(trajectory.track.signals, ::testing::IsEmpty());
  EXPECT_EQ(trajectory.follow_up_change->reliable, ReliableVerdict::kDeteriorated);
}

TEST(TrajectoryTest, GainsLieBetweenSessionsThatFollowOnOneAnother) {
  const auto weekly = [](const std::vector<double>& values, int missing = 0) {
    std::vector<ScorePoint> scores;
    for (size_t i = 0; i < values.size(); ++i) {
      const int session = static_cast<int>(i) + 1 + (i >= 3 ? missing : 0);
      scores.push_back(On(kStart + 7 * (session - 1), values[i], session));
    }
    return scores;
  };
  Trajectory trajectory = BuildTrajectory(Rules(), Weekly(6, true), weekly({22, 21, 23, 5, 6, 7}));
  ASSERT_EQ(trajectory.gains.size(), 1u);
  EXPECT_EQ(trajectory.gains[0].before, 2u);
  EXPECT_EQ(trajectory.gains[0].after, 3u);
  EXPECT_EQ(trajectory.gains[0].gain.state, GainState::kGain);
  // A session without a score lies between.
  trajectory = BuildTrajectory(Rules(), Weekly(7, true), weekly({22, 21, 23, 5, 6, 7}, 1));
  EXPECT_THAT(trajectory.gains, ::testing::IsEmpty());
  MeasureRules rules = Rules();
  rules.sudden_gains.reset();
  EXPECT_THAT(BuildTrajectory(rules, Weekly(6, true), weekly({22, 21, 23, 5, 6, 7})).gains,
              ::testing::IsEmpty());
}

RC_GTEST_PROP(TrajectoryPropertyTest, TheOrderOfArrivalDoesNotMatter, ()) {
  std::vector<ScorePoint> scores;
  const int count = *rc::gen::inRange(0, 12);
  for (int i = 0; i < count; ++i) {
    const int session = *rc::gen::inRange(0, 6);
    scores.push_back(On(kStart + *rc::gen::inRange(-20, 80), *rc::gen::inRange(0, 28),
                        session > 0 ? std::optional<int>(session) : std::nullopt,
                        *rc::gen::inRange(0, 24)));
    scores.back().id = absl::StrCat("s", i);
    scores.back().follow_up = *rc::gen::inRange(0, 6) == 0;
  }
  const Episode episode = Weekly(*rc::gen::inRange(0, 7), *rc::gen::arbitrary<bool>());
  const Trajectory one = BuildTrajectory(Rules(), episode, scores);
  for (size_t i = scores.size(); i > 1; --i) {
    std::swap(scores[i - 1], scores[*rc::gen::inRange<size_t>(0, i)]);
  }
  const Trajectory other = BuildTrajectory(Rules(), episode, scores);
  RC_ASSERT(one.scores == other.scores);
  RC_ASSERT(one.first == other.first);
  RC_ASSERT(one.last == other.last);
  RC_ASSERT(one.change == other.change);
  RC_ASSERT(one.track.signals == other.track.signals);
  // What is promised of the endpoints.
  if (one.last.index.has_value()) {
    RC_ASSERT(*one.first.index < *one.last.index);
    RC_ASSERT(one.scores[*one.last.index].place == ScorePlace::kInEpisode);
    RC_ASSERT(!one.scores[*one.last.index].duplicate_of.has_value());
  }
  for (const PlacedScore& score : one.scores) {
    if (!score.duplicate_of.has_value()) continue;
    RC_ASSERT(!one.scores[*score.duplicate_of].duplicate_of.has_value());
    RC_ASSERT(one.scores[*score.duplicate_of].place == score.place);
  }
}

TEST(CheckEpisodeWindowTest, NamesEveryBadField) {
  FieldViolations bad;
  CheckEpisodeWindow({.days_before = 0, .days_after = 180}, bad.In("window"));
  EXPECT_TRUE(bad.empty()) << bad.ToStatus();
  CheckEpisodeWindow({.days_before = -1, .days_after = 181}, bad.In("window"));
  EXPECT_THAT(bad.ToStatus(), testing::HasBadFields("window.days_before", "window.days_after"));
}

}  // namespace
}  // namespace ipt::outcomes
