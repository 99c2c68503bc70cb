// Every case of not_on_track.json, each against its rule as it ships and what the shipped
// instruments have in force.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "outcomes/domain/not_on_track.h"
#include "tests/outcomes/expected/expected.h"

namespace ipt::outcomes {
namespace {

using ::nlohmann::json;

const json& Group(const std::string& group) {
  static const auto* const kFile = new json(ReadExpected("not_on_track.json"));
  EXPECT_FALSE((*kFile)[group]["cases"].empty()) << group;
  return (*kFile)[group];
}

NotOnTrackRules None() {
  NotOnTrackRules rules;
  rules.early_response.clear();
  rules.worsening.reset();
  rules.midpoint.reset();
  rules.late_response.reset();
  return rules;
}

// The newest score of a case, after its baseline of the first session.
struct Newest {
  std::optional<int> days;
  int sessions = 0;
  int planned_sessions = 16;
};

// Whether the only rule there is speaks at the newest score, and as loudly as it should.
void ExpectSignal(const NotOnTrackRules& rules, const json& group, const json& expected,
                  const Newest& newest) {
  const absl::Time begin = absl::UnixEpoch();
  const std::vector<TrackPoint> points = {
      {.score_id = "baseline",
       .completed_at = begin,
       .value = expected["baseline"],
       .elapsed_days = 0,
       .sessions = 1},
      {.score_id = "newest",
       .completed_at = begin + absl::Hours(24 * newest.days.value_or(1)),
       .value = expected["score"],
       .elapsed_days = newest.days,
       .sessions = newest.sessions}};
  const ChangeRules change = RulesOf(expected["instrument"].get<std::string>());
  const TrackVerdict verdict = EvaluateTrack(rules, change, newest.planned_sessions, points);
  EXPECT_EQ(verdict.signals.size(), expected["speaks"].get<bool>() ? 1u : 0u) << NameOf(expected);
  for (const Signal& signal : verdict.signals) {
    EXPECT_EQ(signal.raised_by, "newest") << NameOf(expected);
    // To consider a change is no third level: it is what the signal's words ask for.
    const bool red = group["says"] == "RED";
    EXPECT_EQ(signal.level, red ? SignalLevel::kRed : SignalLevel::kAmber) << NameOf(expected);
    if (group["says"] == "CONSIDER_CHANGE") {
      EXPECT_NE(signal.wording.find("whether the treatment should change"), std::string::npos);
    }
  }
}

TEST(NotOnTrackExpectedTest, EarlyResponse) {
  NotOnTrackRules rules = None();
  rules.early_response = {EarlyResponseRule()};
  const json& group = Group("early");
  for (const json& expected : group["cases"]) {
    ExpectSignal(rules, group, expected,
                 {.days = expected["days"].get<int>(), .sessions = expected["sessions"]});
  }
}

TEST(NotOnTrackExpectedTest, Rise) {
  NotOnTrackRules rules = None();
  rules.worsening = WorseningRule();
  const json& group = Group("rise");
  for (const json& expected : group["cases"]) {
    EXPECT_EQ(RulesOf(expected["instrument"].get<std::string>()).reliable_change->points,
              expected["points"].get<double>());
    ExpectSignal(rules, group, expected,
                 {.days = expected["days"].get<int>(), .sessions = expected["sessions"]});
  }
}

TEST(NotOnTrackExpectedTest, Midpoint) {
  NotOnTrackRules rules = None();
  rules.midpoint = MidpointRule();
  const json& group = Group("midpoint");
  for (const json& expected : group["cases"]) {
    EXPECT_EQ(RulesOf(expected["instrument"].get<std::string>()).reliable_change->points,
              expected["points"].get<double>());
    ExpectSignal(rules, group, expected,
                 {.days = std::nullopt,  // sessions decide
                  .sessions = expected["session"],
                  .planned_sessions = expected["contracted"]});
  }
}

TEST(NotOnTrackExpectedTest, Week12) {
  NotOnTrackRules rules = None();
  rules.late_response = LateResponseRule();
  const json& group = Group("week_12");
  for (const json& expected : group["cases"]) {
    EXPECT_EQ(RulesOf(expected["instrument"].get<std::string>()).cut_off->value,
              expected["cut_off"].get<double>());
    ExpectSignal(rules, group, expected, {.days = expected["days"].get<int>(), .sessions = 10});
  }
}

// By week 4 is from four weeks on, as days count from the first session.
TEST(NotOnTrackExpectedTest, IptAWeek4) {
  NotOnTrackRules rules = None();
  rules.early_response = {IptAdolescentRule()};
  const json& group = Group("ipt_a_week_4");
  for (const json& expected : group["cases"]) {
    ExpectSignal(rules, group, expected, {.days = 7 * expected["week"].get<int>(), .sessions = 4});
  }
}

}  // namespace
}  // namespace ipt::outcomes
