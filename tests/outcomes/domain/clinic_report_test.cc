#include "outcomes/domain/clinic_report.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/outcomes/domain/measures.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using ::testing::ElementsAre;

const RecoveryMeasures kRecovery{.depression = "phq-9", .anxiety = {"gad-7"}};
// Nothing suppressed.
const ReportOptions kOpenOptions{
    .by_group = true, .drop_out = DropOutDefinition::kBeforeContracted, .least_shown = 0};

ReportedCourse Ended(CourseEnd end, int attended = 16, std::string group = "") {
  return {.group = std::move(group),
          .opened_in_period = true,
          .ended_in_period = true,
          .end = end,
          .contracted_sessions = 16,
          .attended = attended,
          .no_shows = 0,
          .late_cancellations = 0,
          .cancellations = 0};
}

MeasureResult Measured(const std::string& measure, const ChangeRules& rules, double first,
                       std::optional<double> last) {
  MeasureResult result;
  result.measure = measure;
  result.rules = absl::StrCat(measure, "/1");
  result.better = rules.better;
  result.scores = last.has_value() ? 2 : 1;
  result.first = {first, first, absl::UnixEpoch()};
  result.last = {last.value_or(first), last.value_or(first), absl::UnixEpoch()};
  result.paired = last.has_value();
  result.change = EvaluateChange(rules, first, last.value_or(first));
  result.status = StatusOf(rules, first, last);
  return result;
}

CourseResult Scores(std::optional<double> phq_first, std::optional<double> phq_last,
                    std::optional<double> gad_first = std::nullopt,
                    std::optional<double> gad_last = std::nullopt) {
  CourseResult course;
  if (phq_first.has_value()) {
    SetMeasure(course, "phq-9", Measured("phq-9", Phq9(), *phq_first, phq_last));
  }
  if (gad_first.has_value()) {
    SetMeasure(course, "gad-7", Measured("gad-7", Gad7(), *gad_first, gad_last));
  }
  return course;
}

void ExpectRate(const RateCell& cell, int64_t hits, int64_t of) {
  if (of == 0) {
    EXPECT_EQ(cell.state, CellState::kEmpty);
    return;
  }
  EXPECT_EQ(cell.state, CellState::kShown);
  EXPECT_EQ(cell.rate, (Rate{hits, of}));
  EXPECT_EQ(cell.value, static_cast<double>(hits) / static_cast<double>(of));
  EXPECT_EQ(cell.interval, WilsonInterval(hits, of));
}

// ---- Drop-out

TEST(DropOutTest, BeforeContractedIsWithoutAgreement) {
  constexpr auto kBefore = DropOutDefinition::kBeforeContracted;
  EXPECT_TRUE(IsDropOut(kBefore, Ended(CourseEnd::kDroppedOut, 15)));
  EXPECT_FALSE(IsDropOut(kBefore, Ended(CourseEnd::kDroppedOut, 16)));
  EXPECT_FALSE(IsDropOut(kBefore, Ended(CourseEnd::kAgreedEarly, 3)));
  EXPECT_FALSE(IsDropOut(kBefore, Ended(CourseEnd::kOther, 3)));
  EXPECT_FALSE(IsDropOut(kBefore, Ended(CourseEnd::kCompleted, 12)));
  EXPECT_FALSE(CountsForDropOut(kBefore, Ended(CourseEnd::kDroppedOut, 0)));
}

TEST(DropOutTest, UnderHalfCountsSessions) {
  constexpr auto kHalf = DropOutDefinition::kUnderHalf;
  EXPECT_TRUE(IsDropOut(kHalf, Ended(CourseEnd::kDroppedOut, 7)));
  EXPECT_FALSE(IsDropOut(kHalf, Ended(CourseEnd::kDroppedOut, 8)));
  EXPECT_TRUE(IsDropOut(kHalf, Ended(CourseEnd::kOther, 7)));
  EXPECT_TRUE(IsDropOut(kHalf, Ended(CourseEnd::kCompleted, 7)));
  EXPECT_FALSE(IsDropOut(kHalf, Ended(CourseEnd::kAgreedEarly, 1)));
  EXPECT_FALSE(CountsForDropOut(kHalf, Ended(CourseEnd::kDroppedOut, 0)));
}

TEST(DropOutTest, AnyNonCompletionCountsThoseWhoNeverCame) {
  constexpr auto kAny = DropOutDefinition::kAnyNonCompletion;
  EXPECT_TRUE(IsDropOut(kAny, Ended(CourseEnd::kDroppedOut, 0)));
  EXPECT_TRUE(IsDropOut(kAny, Ended(CourseEnd::kDroppedOut, 16)));
  EXPECT_TRUE(IsDropOut(kAny, Ended(CourseEnd::kOther, 16)));
  EXPECT_FALSE(IsDropOut(kAny, Ended(CourseEnd::kCompleted, 16)));
  EXPECT_FALSE(IsDropOut(kAny, Ended(CourseEnd::kAgreedEarly, 1)));
  ReportedCourse open = Ended(CourseEnd::kOpen, 3);
  open.ended_in_period = false;
  EXPECT_FALSE(CountsForDropOut(kAny, open));
}

TEST(ClinicReportTest, DropOutIsByTheDefinitionThatItNames) {
  ReportTally tally;
  tally.Add(Ended(CourseEnd::kCompleted), {});
  tally.Add(Ended(CourseEnd::kAgreedEarly, 5), {});
  tally.Add(Ended(CourseEnd::kDroppedOut, 10), {});
  tally.Add(Ended(CourseEnd::kDroppedOut, 2), {});
  tally.Add(Ended(CourseEnd::kOther, 3), {});
  tally.Add(Ended(CourseEnd::kDroppedOut, 0), {});
  ReportOptions options = kOpenOptions;
  ExpectRate(BuildClinicReport(tally, options).total.drop_out, 2, 5);
  options.drop_out = DropOutDefinition::kUnderHalf;
  ExpectRate(BuildClinicReport(tally, options).total.drop_out, 2, 5);
  options.drop_out = DropOutDefinition::kAnyNonCompletion;
  const ClinicReport report = BuildClinicReport(tally, options);
  ExpectRate(report.total.drop_out, 4, 6);
  EXPECT_EQ(report.options.drop_out, DropOutDefinition::kAnyNonCompletion);
  ExpectRate(report.total.completion, 2, 5);
  EXPECT_EQ(report.total.completed.count, 1);
  EXPECT_EQ(report.total.agreed_early.count, 1);
  EXPECT_EQ(report.total.dropped_out.count, 2);
  EXPECT_EQ(report.total.ended_otherwise.count, 1);
}

// ---- A clinic counted by hand

ReportTally SmallClinic() {
  ReportTally tally(kRecovery);
  ReportedCourse course = Ended(CourseEnd::kCompleted, 16, "a");
  course.no_shows = 1;
  course.late_cancellations = 1;
  course.cancellations = 2;
  tally.Add(course, Scores(20, 4, 15, 3));                                 // recovered
  tally.Add(Ended(CourseEnd::kCompleted, 16, "a"), Scores(18, 9, 10, 9));  // case by GAD-7
  tally.Add(Ended(CourseEnd::kAgreedEarly, 8, "a"), Scores(12, 10, 6, 6));
  tally.Add(Ended(CourseEnd::kDroppedOut, 4, "b"), Scores(14, 20, 8, 8));
  tally.Add(Ended(CourseEnd::kDroppedOut, 1, "b"), Scores(16, std::nullopt, 12, std::nullopt));
  tally.Add(Ended(CourseEnd::kCompleted, 12, "b"), Scores(8, 4, 5, 5));  // never a case
  tally.Add(Ended(CourseEnd::kDroppedOut, 0, "b"), Scores(21, 3));       // never started
  ReportedCourse open = Ended(CourseEnd::kOpen, 5, "b");
  open.ended_in_period = false;
  open.opened_in_period = false;
  tally.Add(open, Scores(22, 3));
  return tally;
}

TEST(ClinicReportTest, CountsFlowAndAttendance) {
  const GroupReport total = BuildClinicReport(SmallClinic(), kOpenOptions).total;
  EXPECT_EQ(total.courses.count, 8);
  EXPECT_EQ(total.opened.count, 7);
  EXPECT_EQ(total.ended.count, 7);
  EXPECT_EQ(total.started.count, 6);
  EXPECT_EQ(total.cancellations.count, 2);
  EXPECT_EQ(total.attendance.rate, (Rate{62, 64}));
  EXPECT_EQ(total.attendance.interval, std::nullopt);
}

TEST(ClinicReportTest, KeepsItsPopulationsApart) {
  const MeasureReport phq = BuildClinicReport(SmallClinic(), kOpenOptions).total.measures[1];
  ASSERT_EQ(phq.measure, "phq-9");
  EXPECT_THAT(phq.rules, ElementsAre("phq-9/1"));
  EXPECT_EQ(phq.with_first.count, 6);
  EXPECT_EQ(phq.pairs.count, 5);
  ExpectRate(phq.paired_data, 5, 6);
  const auto effect = [](const std::vector<std::pair<double, double>>& pairs) {
    PairMoments moments;
    for (const auto& [first, last] : pairs) moments.Add(first, last);
    return PrePostEffectSize(moments, false)->d;
  };
  EXPECT_EQ(phq.paired.effect.pairs, 5);
  EXPECT_EQ(phq.paired.effect.d, effect({{20, 4}, {18, 9}, {12, 10}, {14, 20}, {8, 4}}));
  EXPECT_EQ(phq.completers.effect.pairs, 4);
  EXPECT_EQ(phq.completers.effect.d, effect({{20, 4}, {18, 9}, {12, 10}, {8, 4}}));
  // The one who left after a session stays as they were.
  EXPECT_EQ(phq.itt.effect.pairs, 6);
  EXPECT_EQ(phq.itt.effect.d, effect({{20, 4}, {18, 9}, {12, 10}, {14, 20}, {8, 4}, {16, 16}}));
  // Leaving out those who left flatters.
  EXPECT_LT(phq.itt.effect.d, phq.paired.effect.d);
  EXPECT_LT(phq.paired.effect.d, phq.completers.effect.d);
}

TEST(ClinicReportTest, RatesAreOfThoseWhoWereACase) {
  const MeasureReport phq = BuildClinicReport(SmallClinic(), kOpenOptions).total.measures[1];
  ExpectRate(phq.case_at_first, 4, 5);
  ExpectRate(phq.response, 2, 4);
  ExpectRate(phq.response_itt, 2, 5);
  ExpectRate(phq.remission, 1, 4);
  ExpectRate(phq.remission_itt, 1, 5);
  ExpectRate(phq.reliably_improved, 2, 5);
  ExpectRate(phq.reliably_unchanged, 2, 5);
  ExpectRate(phq.reliably_deteriorated, 1, 5);
  ExpectRate(phq.significant_recovered, 2, 5);
  ExpectRate(phq.significant_improved, 0, 5);
  ExpectRate(phq.significant_unchanged, 2, 5);
  ExpectRate(phq.significant_deteriorated, 1, 5);
}

TEST(ClinicReportTest, RecoveryIsOverBothMeasures) {
  const RecoveryReport recovery = *BuildClinicReport(SmallClinic(), kOpenOptions).total.recovery;
  // The one with a single session has not finished a course.
  EXPECT_EQ(recovery.finished.count, 5);
  ExpectRate(recovery.paired_data, 5, 5);
  ExpectRate(recovery.case_at_start, 4, 5);
  ExpectRate(recovery.recovery, 1, 4);
  ExpectRate(recovery.reliable_recovery, 1, 4);
  ExpectRate(recovery.improvement, 2, 5);
  ExpectRate(recovery.no_reliable_change, 2, 5);
  ExpectRate(recovery.deterioration, 1, 5);
  ExpectRate(recovery.paired_recovery, 1, 4);
  ReportTally without;
  without.Add(Ended(CourseEnd::kCompleted), Scores(20, 4, 15, 3));
  EXPECT_FALSE(BuildClinicReport(without, kOpenOptions).total.recovery.has_value());
}

TEST(ClinicReportTest, TakesTheAnxietyMeasureThatTheCourseHasAPairOf) {
  const RecoveryMeasures measures{.depression = "phq-9", .anxiety = {"pcl-5", "gad-7"}};
  ReportTally tally(measures);
  CourseResult course = Scores(20, 4, 15, 3);
  SetMeasure(course, "pcl-5", Measured("pcl-5", Gad7(), 40, std::nullopt));
  tally.Add(Ended(CourseEnd::kCompleted), course);
  EXPECT_EQ(tally.Total().recovery.reliably_recovered, 1);
}

TEST(ClinicReportTest, GroupsStandBesideTheirTotal) {
  const ClinicReport report = BuildClinicReport(SmallClinic(), kOpenOptions);
  ASSERT_EQ(report.groups.size(), 2u);
  EXPECT_EQ(report.groups[0].group, "a");
  EXPECT_EQ(report.groups[0].courses.count, 3);
  EXPECT_EQ(report.groups[1].courses.count, 5);
  ReportOptions options = kOpenOptions;
  options.by_group = false;
  EXPECT_TRUE(BuildClinicReport(SmallClinic(), options).groups.empty());
  EXPECT_EQ(BuildClinicReport(SmallClinic(), options).total.courses.count, 8);
}

TEST(ClinicReportTest, AMeasureWithoutRulesHasAnEffectAndNoRates) {
  ReportTally tally;
  CourseResult course;
  for (const double first : {4, 7, 9}) {
    SetMeasure(course, "goal", Measured("goal", ChangeRules(), first, 2));
    tally.Add(Ended(CourseEnd::kCompleted), course);
  }
  const MeasureReport goal = BuildClinicReport(tally, kOpenOptions).total.measures[0];
  EXPECT_EQ(goal.paired.state, CellState::kShown);
  EXPECT_EQ(goal.response.state, CellState::kEmpty);
  EXPECT_EQ(goal.reliably_improved.state, CellState::kEmpty);
  EXPECT_EQ(goal.case_at_first.state, CellState::kEmpty);
}

TEST(ClinicReportTest, AnEffectIsPositiveWhereHigherIsBetterAndRose) {
  ReportTally tally;
  CourseResult course;
  for (const double first : {20, 30, 45}) {
    SetMeasure(course, "who-5", Measured("who-5", Who5(), first, 70));
    tally.Add(Ended(CourseEnd::kCompleted), course);
  }
  const MeasureReport who = BuildClinicReport(tally, kOpenOptions).total.measures[0];
  EXPECT_GT(who.paired.effect.d, 0);
  ExpectRate(who.significant_recovered, 3, 3);
  EXPECT_EQ(who.response.state, CellState::kEmpty);
}

TEST(ClinicReportTest, MixedRulesAreNamed) {
  ReportTally tally;
  CourseResult course = Scores(20, 4);
  tally.Add(Ended(CourseEnd::kCompleted), course);
  course.measures[0].rules = "phq-9/2";
  tally.Add(Ended(CourseEnd::kCompleted), course);
  EXPECT_THAT(BuildClinicReport(tally, kOpenOptions).total.measures[0].rules,
              ElementsAre("phq-9/1", "phq-9/2"));
}

TEST(ClinicReportTest, AnEmptyClinicHasAnEmptyReport) {
  const ClinicReport report = BuildClinicReport(ReportTally(kRecovery), ReportOptions());
  EXPECT_EQ(report.total.courses.state, CellState::kEmpty);
  EXPECT_EQ(report.total.drop_out.state, CellState::kEmpty);
  EXPECT_EQ(report.total.recovery->recovery.state, CellState::kEmpty);
  EXPECT_TRUE(report.groups.empty());
}

// ---- Published results

TEST(ClinicReportTest, StandsBesideResultsOfItsOwnKindOnly) {
  const ClinicReport report = BuildClinicReport(SmallClinic(), kOpenOptions);
  int effects = 0;
  for (const PublishedComparison& comparison : report.comparisons) {
    EXPECT_NE(comparison.published.kind, PublishedKind::kControlledEffect);
    EXPECT_EQ(comparison.measure.empty(),
              comparison.published.kind != PublishedKind::kPrePostEffect);
    effects += comparison.published.kind == PublishedKind::kPrePostEffect;
  }
  EXPECT_EQ(effects, 1);
  for (const PublishedResult& published : report.context) {
    EXPECT_NE(published.kind, PublishedKind::kPrePostEffect);
  }
  EXPECT_EQ(report.comparisons.size() + report.context.size(), PublishedResults().size());
}

TEST(PublishedResultsTest, KeepThePrintedNumbers) {
  const auto value = [](absl::string_view id) {
    for (const PublishedResult& result : PublishedResults()) {
      if (result.id == id) return result;
    }
    ADD_FAILURE() << "no result " << std::string(id);
    return PublishedResult();
  };
  EXPECT_EQ(value("cuijpers-2011-control").value, 0.63);
  EXPECT_EQ(value("cuijpers-2011-control").low, 0.36);
  EXPECT_EQ(value("cuijpers-2011-control").high, 0.90);
  EXPECT_EQ(value("cuijpers-2016-acute").value, 0.60);
  EXPECT_EQ(value("va-2014").value, 1.26);
  EXPECT_EQ(value("linardon-2019").value, 0.206);
  EXPECT_EQ(value("cooper-conklin-2015").value, 0.175);
  EXPECT_EQ(PublishedResultsOf(PublishedKind::kDropOut).size(), 5u);
  for (const PublishedResult& result : PublishedResults()) {
    EXPECT_FALSE(result.caution.empty()) << std::string(result.id);
    EXPECT_FALSE(result.source.empty());
    EXPECT_FALSE(result.what.empty());
    EXPECT_GT(result.year, 1990);
    if (result.low.has_value()) {
      EXPECT_LT(*result.low, result.value);
      EXPECT_GT(*result.high, result.value);
    }
  }
}

// ---- Merging and suppression

struct AnyCourse {
  ReportedCourse course;
  CourseResult result;
};

std::optional<double> AnyScore(int highest, int missing) {
  const int score = *rc::gen::inRange(-missing, highest + 1);
  if (score < 0) return std::nullopt;
  return score;
}

AnyCourse DrawCourse(int groups) {
  AnyCourse any;
  any.course = Ended(*rc::gen::weightedElement<CourseEnd>({{10, CourseEnd::kCompleted},
                                                           {3, CourseEnd::kAgreedEarly},
                                                           {5, CourseEnd::kDroppedOut},
                                                           {3, CourseEnd::kOther},
                                                           {2, CourseEnd::kOpen}}),
                     *rc::gen::inRange(0, 17), absl::StrCat("g", *rc::gen::inRange(0, groups)));
  any.course.ended_in_period = any.course.end != CourseEnd::kOpen;
  any.course.opened_in_period = *rc::gen::arbitrary<bool>();
  any.course.no_shows = *rc::gen::inRange(0, 4);
  any.result = Scores(AnyScore(27, 2), AnyScore(27, 5), AnyScore(21, 2), AnyScore(21, 5));
  return any;
}

RC_GTEST_PROP(ClinicReportPropertyTest, PartsMergeToTheWhole, ()) {
  ReportTally whole(kRecovery);
  std::vector<ReportTally> parts(3, ReportTally(kRecovery));
  const int courses = *rc::gen::inRange(0, 40);
  for (int i = 0; i < courses; ++i) {
    const AnyCourse any = DrawCourse(3);
    whole.Add(any.course, any.result);
    parts[*rc::gen::inRange<size_t>(0, parts.size())].Add(any.course, any.result);
  }
  ReportTally merged(kRecovery);
  for (const ReportTally& part : parts) merged.Merge(part);
  RC_ASSERT(merged.groups() == whole.groups());
  RC_ASSERT(merged.Total() == whole.Total());
}

// The outcome rates of a group, in a fixed order. Those of the finished count people without an
// outcome among their misses: of them only the hits are outcomes.
struct OutcomeRate {
  const char* name;
  const RateCell* cell;
  bool misses_are_outcomes;
};

std::vector<OutcomeRate> OutcomeRates(const GroupReport& group) {
  std::vector<OutcomeRate> rates = {{"completion", &group.completion, true},
                                    {"drop_out", &group.drop_out, true}};
  for (const MeasureReport& m : group.measures) {
    rates.insert(rates.end(), {{"case_at_first", &m.case_at_first, true},
                               {"response", &m.response, true},
                               {"response_itt", &m.response_itt, true},
                               {"remission", &m.remission, true},
                               {"remission_itt", &m.remission_itt, true},
                               {"improved", &m.reliably_improved, true},
                               {"unchanged", &m.reliably_unchanged, true},
                               {"deteriorated", &m.reliably_deteriorated, true},
                               {"s_recovered", &m.significant_recovered, true},
                               {"s_improved", &m.significant_improved, true},
                               {"s_unchanged", &m.significant_unchanged, true},
                               {"s_deteriorated", &m.significant_deteriorated, true}});
  }
  const RecoveryReport& r = *group.recovery;
  rates.insert(rates.end(), {{"case_at_start", &r.case_at_start, false},
                             {"recovery", &r.recovery, false},
                             {"reliable_recovery", &r.reliable_recovery, false},
                             {"improvement", &r.improvement, false},
                             {"no_reliable_change", &r.no_reliable_change, false},
                             {"deterioration", &r.deterioration, false},
                             {"paired_recovery", &r.paired_recovery, true},
                             {"paired_reliable_recovery", &r.paired_reliable_recovery, true},
                             {"paired_improvement", &r.paired_improvement, true},
                             {"paired_unchanged", &r.paired_no_reliable_change, true},
                             {"paired_deterioration", &r.paired_deterioration, true}});
  return rates;
}

std::vector<const EffectCell*> Effects(const GroupReport& group) {
  std::vector<const EffectCell*> effects;
  for (const MeasureReport& m : group.measures) {
    effects.insert(effects.end(), {&m.paired, &m.completers, &m.itt});
  }
  return effects;
}

RC_GTEST_PROP(ClinicReportPropertyTest, NoSmallNumberIsShownOrFollowsFromTheTotal, ()) {
  ReportTally tally(kRecovery);
  const int groups = *rc::gen::inRange(1, 5);
  const int courses = *rc::gen::inRange(0, 150);
  for (int i = 0; i < courses; ++i) {
    const AnyCourse any = DrawCourse(groups);
    tally.Add(any.course, any.result);
  }
  ReportOptions options;
  options.by_group = true;
  options.drop_out = static_cast<DropOutDefinition>(*rc::gen::inRange(0, kDropOutDefinitions));
  options.least_shown = *rc::gen::inRange(2, 9);
  const ClinicReport report = BuildClinicReport(tally, options);
  options.least_shown = 0;
  const ClinicReport truth = BuildClinicReport(tally, options);
  const int64_t least = report.options.least_shown;
  const auto is_small = [least](int64_t n) { return n > 0 && n < least; };

  const std::vector<OutcomeRate> total = OutcomeRates(report.total);
  std::vector<int> hidden(total.size());
  std::vector<Rate> hidden_sum(total.size());
  for (size_t g = 0; g <= report.groups.size(); ++g) {
    const bool is_total = g == report.groups.size();
    const std::vector<OutcomeRate> shown = OutcomeRates(is_total ? report.total : report.groups[g]);
    const std::vector<OutcomeRate> real = OutcomeRates(is_total ? truth.total : truth.groups[g]);
    for (size_t i = 0; i < shown.size(); ++i) {
      const Rate& rate = real[i].cell->rate;
      if (shown[i].cell->state == CellState::kSuppressed) {
        if (is_total) continue;
        ++hidden[i];
        hidden_sum[i].hits += rate.hits;
        hidden_sum[i].of += rate.of;
        RC_ASSERT(shown[i].cell->rate == Rate());
        RC_ASSERT(!shown[i].cell->interval.has_value());
      } else {
        RC_LOG() << shown[i].name << "\n";
        RC_ASSERT(shown[i].cell->rate == rate);
        RC_ASSERT(!is_small(rate.hits));
        if (shown[i].misses_are_outcomes) RC_ASSERT(!is_small(rate.of - rate.hits));
      }
    }
  }
  for (size_t i = 0; i < total.size(); ++i) {
    if (total[i].cell->state == CellState::kSuppressed || hidden[i] == 0) continue;
    RC_LOG() << total[i].name << "\n";
    RC_ASSERT(hidden[i] >= 2);
    RC_ASSERT(!is_small(hidden_sum[i].hits));
    if (total[i].misses_are_outcomes) {
      RC_ASSERT(!is_small(hidden_sum[i].of - hidden_sum[i].hits));
    }
  }
  // Means of few, alone or by subtraction from the total's or from another population's.
  const std::vector<const EffectCell*> total_effects = Effects(report.total);
  std::vector<int64_t> hidden_pairs(total_effects.size());
  std::vector<int> hidden_effects(total_effects.size());
  for (size_t g = 0; g < report.groups.size(); ++g) {
    const std::vector<const EffectCell*> shown = Effects(report.groups[g]);
    const std::vector<const EffectCell*> real = Effects(truth.groups[g]);
    for (size_t i = 0; i < shown.size(); ++i) {
      if (shown[i]->state == CellState::kSuppressed) {
        RC_ASSERT(shown[i]->effect.pairs == 0);
        hidden_pairs[i] += real[i]->effect.pairs;
        ++hidden_effects[i];
      } else if (shown[i]->state == CellState::kShown) {
        RC_ASSERT(!is_small(shown[i]->effect.pairs));
      }
    }
    for (size_t m = 0; m < shown.size(); m += 3) {
      const auto pairs = [&shown](size_t cell) { return shown[cell]->effect.pairs; };
      if (shown[m]->state != CellState::kShown) continue;
      if (shown[m + 1]->state == CellState::kShown) {
        RC_ASSERT(!is_small(pairs(m) - pairs(m + 1)));
      }
      if (shown[m + 2]->state == CellState::kShown) {
        RC_ASSERT(!is_small(pairs(m + 2) - pairs(m)));
      }
    }
  }
  for (size_t i = 0; i < total_effects.size(); ++i) {
    if (total_effects[i]->state != CellState::kShown || hidden_effects[i] == 0) continue;
    RC_ASSERT(hidden_effects[i] >= 2);
  }
}

TEST(ClinicReportTest, ALargeClinicShowsWhatItHas) {
  ReportTally tally(kRecovery);
  for (int i = 0; i < 60; ++i) {
    const CourseEnd end = i % 6 == 0 ? CourseEnd::kDroppedOut : CourseEnd::kCompleted;
    tally.Add(Ended(end, end == CourseEnd::kCompleted ? 16 : 5, i % 2 == 0 ? "a" : "b"),
              Scores(12 + i % 10, i % 4 == 0 ? 18 : 3 + i % 5, 8 + i % 8, i % 3 == 0 ? 14 : 2));
  }
  const ClinicReport report = BuildClinicReport(tally, ReportOptions{.by_group = true});
  EXPECT_EQ(report.total.drop_out.state, CellState::kShown);
  EXPECT_EQ(report.total.measures[1].paired.state, CellState::kShown);
  EXPECT_EQ(report.total.measures[1].response.state, CellState::kShown);
  EXPECT_EQ(report.total.recovery->recovery.state, CellState::kShown);
  EXPECT_EQ(report.groups[0].courses.count, 30);
  // Ten drop-outs, all of even courses: "b" has none, so that "a" hides nothing.
  EXPECT_EQ(report.groups[0].drop_out.rate, (Rate{10, 30}));
  EXPECT_EQ(report.groups[1].drop_out.rate, (Rate{0, 30}));
}

TEST(CheckReportOptionsTest, NamesTheBadField) {
  FieldViolations bad;
  CheckReportOptions(ReportOptions{.least_shown = 1000}, bad.In("options"));
  EXPECT_TRUE(bad.empty()) << bad.ToStatus();
  CheckReportOptions(ReportOptions{.least_shown = 1001}, bad.In("options"));
  EXPECT_THAT(bad.ToStatus(), testing::HasBadFields("options.least_shown"));
}

}  // namespace
}  // namespace ipt::outcomes
