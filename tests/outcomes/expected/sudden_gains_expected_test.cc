// Every interval and series of sudden_gains.json.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "outcomes/domain/sudden_gains.h"
#include "tests/outcomes/expected/expected.h"

namespace ipt::outcomes {
namespace {

using ::nlohmann::json;

using Series = std::vector<std::optional<double>>;

constexpr double kNear = 1e-6;
// So little that every drop satisfies it.
constexpr double kAny = 1e-6;

const json& File() {
  static const auto* const kFile = new json(ReadExpected("sudden_gains.json"));
  return *kFile;
}

void Append(const json& scores, Series& series) {
  for (const json& score : scores) series.push_back(NumberOf(score));
}

// The scores of an interval, n being the third. Of a course that goes on, sessions without a score
// at the end are still to come: they are not in its series yet.
Series SeriesOf(const json& interval, bool ended) {
  Series series;
  Append(interval["before"], series);
  Append(interval["after"], series);
  while (!ended && !series.back().has_value()) series.pop_back();
  return series;
}

std::optional<SuddenGain> GainAfterTheThird(const SuddenGainRules& rules, const Series& series,
                                            bool ended) {
  for (const SuddenGain& gain : FindSuddenGains(rules, series, ended)) {
    if (gain.before == 2) return gain;
  }
  return std::nullopt;
}

bool IsGain(const std::optional<SuddenGain>& found) {
  return found.has_value() && found->state == GainState::kGain;
}

TEST(SuddenGainsExpectedTest, Intervals) {
  ASSERT_FALSE(File()["intervals"].empty());
  for (const json& expected : File()["intervals"]) {
    SCOPED_TRACE(NameOf(expected));
    const bool ended = expected.value("ended", true);
    const std::optional<SuddenGain> found =
        GainAfterTheThird({.least_drop = expected["cut_off"]}, SeriesOf(expected, ended), ended);
    const std::string decision = expected["decision"];
    EXPECT_EQ(IsGain(found), decision == "gain");
    // "no" and "not_evaluable" are alike to the code: nothing is to be shown.
    EXPECT_EQ(found.has_value() && found->state == GainState::kUndecided,
              decision == "undecidable");
    if (!IsGain(found)) continue;
    EXPECT_NEAR(found->drop, expected["drop"].get<double>(), kNear);
    EXPECT_NEAR(found->mean_before - found->mean_after, expected["mean_difference"].get<double>(),
                kNear);
    EXPECT_NEAR(found->critical_difference, expected["threshold"].get<double>(), kNear);
  }
}

// Each criterion by itself: the others hold, or are lowered to what every drop satisfies.
TEST(SuddenGainsExpectedTest, CriteriaOfAnInterval) {
  for (const json& expected : File()["intervals"]) {
    SCOPED_TRACE(NameOf(expected));
    const json& criteria = expected["criteria"];
    if (criteria[2].is_null() || expected["drop"].get<double>() <= 0) continue;
    const bool ended = expected.value("ended", true);
    const Series series = SeriesOf(expected, ended);
    const double cut_off = expected["cut_off"];
    const bool lasts = criteria[2];
    EXPECT_EQ(IsGain(GainAfterTheThird({kAny, kAny}, series, ended)), lasts);
    EXPECT_EQ(IsGain(GainAfterTheThird({cut_off, kAny}, series, ended)),
              lasts && criteria[0].get<bool>());
    EXPECT_EQ(IsGain(GainAfterTheThird({kAny, 0.25}, series, ended)),
              lasts && criteria[1].get<bool>());
  }
}

constexpr double kDeviation = 100;

// `count` scores of that standard deviation, with one missing before them where they are two.
Series OfDeviation(int count, double middle) {
  if (count == 3) return {middle + kDeviation, middle, middle - kDeviation};
  return {std::nullopt, middle, middle - kDeviation * std::sqrt(2)};
}

// In units of the pooled deviation, what the means must differ by is t itself.
TEST(SuddenGainsExpectedTest, CriticalValues) {
  ASSERT_FALSE(File()["critical_values"].empty());
  for (const json& expected : File()["critical_values"]) {
    SCOPED_TRACE(NameOf(expected));
    Series series = OfDeviation(expected["before"], 9000);
    Series after = OfDeviation(expected["after"], 2000);
    std::reverse(after.begin(), after.end());  // what is missing is not its first
    series.insert(series.end(), after.begin(), after.end());
    const std::optional<SuddenGain> found = GainAfterTheThird({.least_drop = 6}, series, true);
    ASSERT_TRUE(IsGain(found));
    EXPECT_NEAR(found->critical_difference / kDeviation, expected["t"].get<double>(), kNear);
  }
}

TEST(SuddenGainsExpectedTest, SeriesOfWholeCourses) {
  ASSERT_FALSE(File()["series"].empty());
  for (const json& expected : File()["series"]) {
    Series series;
    Append(expected["scores"], series);
    json gains = json::array();
    json undecided = json::array();
    for (const SuddenGain& gain : FindSuddenGains({.least_drop = expected["cut_off"]}, series,
                                                  expected["ended"].get<bool>())) {
      (gain.state == GainState::kGain ? gains : undecided).push_back(gain.before + 1);
    }
    EXPECT_EQ(gains, expected["gains_after"]) << NameOf(expected);
    EXPECT_EQ(undecided, expected["undecidable_after"]) << NameOf(expected);
  }
}

}  // namespace
}  // namespace ipt::outcomes
