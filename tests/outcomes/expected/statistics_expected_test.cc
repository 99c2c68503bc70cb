// Every case of statistics.json. Of its intervals of an effect size, the code claims Bonett's.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "outcomes/domain/clinic_report.h"
#include "outcomes/domain/course_result.h"
#include "outcomes/domain/statistics.h"
#include "outcomes/domain/suppression.h"
#include "outcomes/domain/trajectory.h"
#include "tests/outcomes/expected/expected.h"

namespace ipt::outcomes {
namespace {

using ::nlohmann::json;

constexpr double kNear = 1e-6;

const json& File() {
  static const auto* const kFile = new json(ReadExpected("statistics.json"));
  return *kFile;
}

// ---- Effect sizes

void ExpectEffect(const PairMoments& pairs, const json& expected) {
  const std::optional<EffectSize> effect =
      PrePostEffectSize(pairs, !expected["higher_is_worse"].get<bool>());
  const json& values = expected["expected"];
  ASSERT_EQ(effect.has_value(), !values.is_null());
  if (!effect.has_value()) return;
  EXPECT_NEAR(effect->d, values["d"].get<double>(), kNear);
  EXPECT_NEAR(effect->first_mean, expected["mean_start"].get<double>(), kNear);
  EXPECT_NEAR(effect->last_mean, expected["mean_end"].get<double>(), kNear);
  EXPECT_NEAR(effect->first_standard_deviation, expected["sd_start"].get<double>(), kNear);
  EXPECT_NEAR(effect->last_standard_deviation, expected["sd_end"].get<double>(), kNear);
  // Some cases have no interval, since Becker's is not defined there (it needs a correlation), or
  // the bias is not (it needs three pairs). Bonett's needs neither.
  if (!values.contains("d_interval_bonett")) return;
  EXPECT_NEAR(effect->interval.low, values["d_interval_bonett"][0].get<double>(), kNear);
  EXPECT_NEAR(effect->interval.high, values["d_interval_bonett"][1].get<double>(), kNear);
  EXPECT_NEAR(std::pow((effect->interval.high - effect->d) / kZ95, 2),
              values["d_variance_bonett"].get<double>(), kNear);
}

TEST(EffectSizeExpectedTest, OfScores) {
  ASSERT_FALSE(File()["effect_sizes"]["raw"].empty());
  for (const json& expected : File()["effect_sizes"]["raw"]) {
    SCOPED_TRACE(NameOf(expected));
    PairMoments pairs;
    for (size_t i = 0; i < expected["start"].size(); ++i) {
      const std::optional<double> first = NumberOf(expected["start"][i]);
      const std::optional<double> last = NumberOf(expected["end"][i]);
      if (first.has_value() && last.has_value()) pairs.Add(*first, *last);
    }
    EXPECT_EQ(pairs.count(), expected["n"].get<int64_t>());
    ExpectEffect(pairs, expected);
    const json others = expected.value("not", json::object());
    for (const auto& [other, d] : others.items()) {
      EXPECT_GT(std::abs(PrePostEffectSize(pairs, false)->d - d.get<double>()), 0.1) << other;
    }
  }
}

// Pairs that have the means, deviations and correlation of a published table, exactly: of a
// circle's points, the sines and the cosines are uncorrelated and of one variance.
PairMoments PairsOf(const json& summary, int64_t n, double r) {
  const double mean_start = summary["mean_start"];
  const double mean_end = summary["mean_end"];
  const double sd_start = summary["sd_start"];
  const double sd_end = summary["sd_end"];
  const double unit = std::sqrt(2.0 * static_cast<double>(n - 1) / static_cast<double>(n));
  PairMoments pairs;
  for (int64_t i = 0; i < n; ++i) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(n);
    const double u = unit * std::cos(angle);
    const double v = unit * std::sin(angle);
    pairs.Add(mean_start + sd_start * u, mean_end + sd_end * (r * u + std::sqrt(1 - r * r) * v));
  }
  return pairs;
}

TEST(EffectSizeExpectedTest, OfPublishedTables) {
  ASSERT_FALSE(File()["effect_sizes"]["summary"].empty());
  for (json expected : File()["effect_sizes"]["summary"]) {
    SCOPED_TRACE(NameOf(expected));
    // The code keeps millionths of a point. The tables have scores of tenths, and an effect size
    // has no unit: in hundredths of them, rounding is far below the tolerance.
    for (const char* field : {"mean_start", "mean_end", "sd_start", "sd_end"}) {
      expected[field] = 100 * expected[field].get<double>();
    }
    // The NHS publishes neither n nor r, and no interval: d is the same with any.
    const bool whole = !expected["n"].is_null();
    ExpectEffect(PairsOf(expected, whole ? expected["n"].get<int64_t>() : 10,
                         whole ? expected["r"].get<double>() : 0),
                 expected);
  }
}

// One score a week, each of a session.
MeasureResult ResultOfScores(const json& scores) {
  const absl::CivilDay begin(2026, 1, 5);
  Episode episode{.contacts = {}, .sessions = {}, .planned_sessions = 16, .ended = true};
  std::vector<ScorePoint> points;
  for (const json& score : scores) {
    const absl::CivilDay day = begin + 7 * static_cast<int>(points.size());
    const absl::Time at = absl::FromCivil(day, absl::UTCTimeZone());
    episode.sessions.push_back(day);
    points.push_back({.id = absl::StrCat("score-", points.size()),
                      .completed_at = at,
                      .received_at = at,
                      .day = day,
                      .session_number = static_cast<int>(points.size()) + 1,
                      .follow_up = false,
                      .exact = score,
                      .value = score});
  }
  episode.contacts = episode.sessions;
  MeasureRules rules;
  rules.change = RulesOf("phq-9");
  return MeasureResultOf("phq-9", rules, {"nhs"}, BuildTrajectory(rules, episode, points)).value();
}

void ExpectCell(const EffectCell& cell, const json& expected) {
  ASSERT_EQ(cell.shown, Shown::kYes);
  EXPECT_EQ(cell.effect.pairs, expected["n"].get<int64_t>());
  EXPECT_NEAR(cell.effect.first_mean, expected["mean_start"].get<double>(), kNear);
  EXPECT_NEAR(cell.effect.last_mean, expected["mean_end"].get<double>(), kNear);
  EXPECT_NEAR(cell.effect.d, expected["d"].get<double>(), kNear);
}

TEST(EffectSizeExpectedTest, OfCompletersAndOfEveryoneWithTheLastScoreCarriedForward) {
  const json& expected = File()["effect_sizes"]["carried_forward"];
  const absl::CivilDay day(2026, 6, 1);
  ReportQuery query{.period = {PeriodBasis::kClosed, day, day}, .smallest_group = 0};
  ReportTally completers(query);
  query.population = ReportPopulation::kCarriedForward;
  ReportTally everyone(query);
  for (const json& course : expected["courses"]) {
    CourseResult result;
    result.known = true;
    result.closed_day = day;
    const bool completed = course["completed"];
    result.end = completed ? CourseEnd::kCompleted : CourseEnd::kDroppedOut;
    result.planned_sessions = 16;
    result.attended_sessions = static_cast<int>(course["scores"].size());
    result.recovery.finished = IsFinished(true, result.attended_sessions);
    result.measures = {ResultOfScores(course["scores"])};
    everyone.Add(result);
    if (completed) completers.Add(result);
  }
  const auto effect_of = [](const ReportTally& tally) {
    return BuildClinicReport(tally).total.measures.at(0).effect;
  };
  ExpectCell(effect_of(completers), expected["expected"]["completers"]);
  ExpectCell(effect_of(everyone), expected["expected"]["everyone"]);
}

// ---- Rates

// The normal distribution's point that leaves half of what the level leaves out above it.
double NormalPoint(double level) { return level == 0.9 ? 1.6448536269514722 : kZ95; }

TEST(WilsonExpectedTest, EveryInterval) {
  ASSERT_FALSE(File()["wilson"]["cases"].empty());
  for (const json& expected : File()["wilson"]["cases"]) {
    SCOPED_TRACE(NameOf(expected));
    const double level = expected["level"];
    ASSERT_TRUE(level == 0.9 || level == 0.95);
    const std::optional<ConfidenceInterval> interval =
        WilsonInterval(expected["x"], expected["n"], NormalPoint(level));
    ASSERT_EQ(interval.has_value(), !expected["interval"].is_null());
    if (!interval.has_value()) continue;
    EXPECT_NEAR(interval->low, expected["interval"][0].get<double>(), 2e-9);
    EXPECT_NEAR(interval->high, expected["interval"][1].get<double>(), 2e-9);
    EXPECT_GE(interval->low, 0);
    EXPECT_LE(interval->high, 1);
  }
}

TEST(SuppressionExpectedTest, WhichGroupsAreHidden) {
  ASSERT_FALSE(File()["suppression"]["cases"].empty());
  for (const json& expected : File()["suppression"]["cases"]) {
    SCOPED_TRACE(expected["what"].get<std::string>());
    std::vector<std::string> names;
    std::vector<SuppressionRow> groups;
    SuppressionRow total = {{.parents = {}, .parts = {0}}};
    for (const auto& [name, count] : expected["groups"].items()) {
      names.push_back(name);
      groups.push_back({{.parents = {}, .parts = {count.get<int64_t>()}}});
      total[0].parts[0] += count.get<int64_t>();
    }
    Suppress(expected["threshold"], groups, total);
    std::set<std::string> hidden;
    for (size_t i = 0; i < groups.size(); ++i) {
      if (groups[i][0].hidden) hidden.insert(names[i]);
    }
    std::set<std::string> expected_hidden = expected["hidden"].get<std::set<std::string>>();
    if (!expected["hidden_second"].is_null()) {
      expected_hidden.insert(expected["hidden_second"].get<std::string>());
    }
    EXPECT_EQ(hidden, expected_hidden);
    // A total is told by its groups where nothing else is hidden with the one.
    EXPECT_EQ(total[0].hidden, expected_hidden.size() == 1);
  }
}

// ---- Drop-out

// Who used up what was agreed has completed it, agreed or not: a course that goes on beyond it is
// agreed anew.
CourseEnd EndOf(const json& course) {
  if (!course["ended"].get<bool>()) return CourseEnd::kOpen;
  if (course["attended"] >= course["contracted"]) return CourseEnd::kCompleted;
  return course["agreed"].get<bool>() ? CourseEnd::kAgreedEarly : CourseEnd::kDroppedOut;
}

TEST(DropOutExpectedTest, ByEachDefinition) {
  ASSERT_FALSE(File()["drop_out"]["cases"].empty());
  for (const json& expected : File()["drop_out"]["cases"]) {
    SCOPED_TRACE(expected["what"].get<std::string>());
    const CourseEnd end = EndOf(expected);
    const int attended = expected["attended"];
    for (const auto& [letter, definition] :
         {std::pair("a", DropOutDefinition::kEndedWithoutAgreement),
          std::pair("b", DropOutDefinition::kUnderHalfAttended),
          std::pair("c", DropOutDefinition::kAnyNonCompletion)}) {
      EXPECT_EQ(IsDropOut(definition, end, attended, expected["contracted"]),
                expected["drop_out"][letter].get<bool>())
          << letter;
      // A rate's denominator is another matter. Who never came is in no rate of the first two,
      // which are of courses that had started: not as a drop-out, and not otherwise.
      const bool counts = expected["ended"].get<bool>() &&
                          (attended > 0 || definition == DropOutDefinition::kAnyNonCompletion);
      EXPECT_EQ(CountsForDropOut(definition, end, attended), counts) << letter;
    }
  }
}

}  // namespace
}  // namespace ipt::outcomes
