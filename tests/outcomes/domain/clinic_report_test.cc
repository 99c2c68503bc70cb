#include "outcomes/domain/clinic_report.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "outcomes/domain/published.h"
#include "tests/outcomes/domain/measures.h"

namespace ipt::outcomes {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr absl::CivilDay kFirst(2026, 1, 1);
constexpr absl::CivilDay kLast(2026, 12, 31);

// Nothing suppressed, by therapist.
ReportQuery OpenQuery() {
  return {.period = {PeriodBasis::kClosed, kFirst, kLast},
          .group_by = ReportGrouping::kTherapist,
          .smallest_group = 0};
}

// Closed in the period after so many weekly sessions; without scores.
CourseResult Ended(CourseEnd end, int attended = 16, std::string therapist = "a") {
  CourseResult course;
  course.known = true;
  course.end = end;
  course.planned_sessions = 16;
  course.attended_sessions = course.attended = attended;
  course.therapist_id = std::move(therapist);
  course.closed_day = absl::CivilDay(2026, 6, 15);
  if (attended > 0) {
    course.start_day = absl::CivilDay(2026, 2, 2);
    course.last_day = absl::CivilDay(*course.start_day) + 7 * (attended - 1);
  }
  course.recovery.finished = IsFinished(end != CourseEnd::kOpen, attended);
  return course;
}

CourseResult Open(int attended, std::string therapist = "a") {
  CourseResult course = Ended(CourseEnd::kOpen, attended, std::move(therapist));
  course.closed_day.reset();
  return course;
}

MeasureResult Measured(const std::string& instrument, const ChangeRules& rules, double first,
                       std::optional<double> last) {
  const ChangeResult change = EvaluateChange(rules, first, last.value_or(first));
  return {.instrument_id = instrument,
          .rule_sets = "nhs",
          .better = rules.better,
          .first = first,
          .last = last.value_or(first),
          .paired = last.has_value(),
          .case_at_first = change.case_at_first,
          .response = change.response,
          .remission = change.remission,
          .reliable = change.reliable,
          .significant = change.significant};
}

// With scores of both measures, as far as they are there.
CourseResult WithScores(CourseResult course, std::optional<double> phq_first,
                        std::optional<double> phq_last,
                        std::optional<double> gad_first = std::nullopt,
                        std::optional<double> gad_last = std::nullopt) {
  if (gad_first.has_value()) {
    course.measures.push_back(Measured("gad-7", Gad7(), *gad_first, gad_last));
  }
  if (phq_first.has_value()) {
    course.measures.push_back(Measured("phq-9", Phq9(), *phq_first, phq_last));
  }
  course.recovery =
      EvaluateRecovery(course.recovery.finished, StatusOf(Phq9(), phq_first, phq_last),
                       StatusOf(Gad7(), gad_first, gad_last));
  return course;
}

ClinicReport ReportOf(ReportQuery query, const std::vector<CourseResult>& courses) {
  ReportTally tally(std::move(query));
  for (const CourseResult& course : courses) tally.Add(course);
  return BuildClinicReport(tally);
}

void ExpectRate(const RateCell& cell, int64_t hits, int64_t of) {
  if (of == 0) {
    EXPECT_EQ(cell.shown, Shown::kNotComputable);
    return;
  }
  EXPECT_EQ(cell.shown, Shown::kYes);
  EXPECT_EQ(cell.rate, (Rate{hits, of}));
  EXPECT_EQ(cell.share, static_cast<double>(hits) / static_cast<double>(of));
  EXPECT_EQ(cell.interval, WilsonInterval(hits, of));
}

// ---- What is picked

TEST(ReportPeriodTest, PicksByTheDayOfClosingOrOfTheFirstSession) {
  CourseResult course = Ended(CourseEnd::kCompleted);
  course.start_day = kLast;
  course.closed_day = kLast + 1;
  EXPECT_FALSE(IsOfPeriod({PeriodBasis::kClosed, kFirst, kLast}, course));
  EXPECT_TRUE(IsOfPeriod({PeriodBasis::kStarted, kFirst, kLast}, course));
  course.start_day = kFirst - 1;
  course.closed_day = kFirst;
  EXPECT_TRUE(IsOfPeriod({PeriodBasis::kClosed, kFirst, kLast}, course));
  EXPECT_FALSE(IsOfPeriod({PeriodBasis::kStarted, kFirst, kLast}, course));
  EXPECT_FALSE(IsOfPeriod({PeriodBasis::kClosed, kFirst, kLast}, Open(3)));
  EXPECT_FALSE(IsOfPeriod({PeriodBasis::kStarted, kFirst, kLast}, Ended(CourseEnd::kOther, 0)));
}

TEST(ReportTallyTest, CountsWhatTheQueryPicks) {
  CourseResult other = Ended(CourseEnd::kCompleted, 16, "b");
  other.indication = 3;
  other.variant_id = "ipt-a";
  other.focus = 2;
  const std::vector<CourseResult> courses = {Ended(CourseEnd::kCompleted), other};
  ReportQuery query = OpenQuery();
  EXPECT_EQ(ReportOf(query, courses).total.courses.count, 2);
  query.therapist_ids = {"b", "c"};
  EXPECT_EQ(ReportOf(query, courses).total.courses.count, 1);
  query.therapist_ids = {"a"};
  query.indications = {3};
  EXPECT_EQ(ReportOf(query, courses).total.courses.count, 0);
  query.therapist_ids = {};
  query.variant_ids = {"ipt-a"};
  EXPECT_EQ(ReportOf(query, courses).total.courses.count, 1);
  query = OpenQuery();
  query.focuses = {3, 2};
  EXPECT_EQ(ReportOf(query, courses).total.courses.count, 1);
  query.focuses = {3};
  EXPECT_EQ(ReportOf(query, courses).total.courses.count, 0);
}

TEST(ReportTallyTest, LeavesOutWhatIsInErrorAndWhatNothingIsKnownOf) {
  CourseResult in_error = Ended(CourseEnd::kOther);
  in_error.in_error = true;
  in_error.measurements = 5;
  CourseResult unknown;
  unknown.left_out = 3;
  unknown.closed_day = unknown.start_day = kFirst;
  CourseResult later = unknown;
  later.closed_day = later.start_day = kLast + 1;
  CourseResult course = Ended(CourseEnd::kCompleted);
  course.measurements = 7;
  course.left_out = 1;
  const ClinicReport report = ReportOf(OpenQuery(), {in_error, unknown, later, course});
  EXPECT_EQ(report.total.courses.count, 1);
  EXPECT_EQ(report.measurements, 7);
  EXPECT_EQ(report.left_out, 4);
}

TEST(ReportTallyTest, GroupsByWhatIsAsked) {
  CourseResult course = Ended(CourseEnd::kCompleted);
  course.indication = 2;
  course.variant_id = "ipt";
  course.baseline_band = "severe";
  course.focus = 3;
  ReportQuery query = OpenQuery();
  const auto by = [&](ReportGrouping grouping) {
    query.group_by = grouping;
    return GroupOf(query, course);
  };
  EXPECT_EQ(by(ReportGrouping::kNone), "");
  EXPECT_EQ(by(ReportGrouping::kIndication), "2");
  EXPECT_EQ(by(ReportGrouping::kTherapist), "a");
  EXPECT_EQ(by(ReportGrouping::kVariant), "ipt");
  EXPECT_EQ(by(ReportGrouping::kBaselineBand), "severe");
  EXPECT_EQ(by(ReportGrouping::kMonth), "2026-06");
  EXPECT_EQ(by(ReportGrouping::kFocus), "3");
  query.period.basis = PeriodBasis::kStarted;
  EXPECT_EQ(by(ReportGrouping::kMonth), "2026-02");
  course.indication = course.focus = 0;
  EXPECT_EQ(by(ReportGrouping::kIndication), "");
  EXPECT_EQ(by(ReportGrouping::kFocus), "");
}

TEST(ReportTallyTest, CoursesWithoutAFocusAreAGroupBesideTheOthers) {
  std::vector<CourseResult> courses(7, Ended(CourseEnd::kCompleted));
  courses[0].focus = courses[1].focus = 1;
  courses[2].focus = 4;
  ReportQuery query = OpenQuery();
  query.group_by = ReportGrouping::kFocus;
  const ClinicReport report = ReportOf(query, courses);
  std::map<std::string, int64_t> counted;
  for (const GroupReport& group : report.groups) counted[group.group] = group.courses.count;
  EXPECT_THAT(counted, ElementsAre(Pair("", 4), Pair("1", 2), Pair("4", 1)));
  EXPECT_EQ(report.total.courses.count, 7);
  // Without them, where a kind is asked for; of these, two are too few.
  query.focuses = {1, 4};
  query.smallest_group = query.policy_smallest_group = 3;
  const ClinicReport some = ReportOf(query, courses);
  EXPECT_EQ(some.total.courses.count, 3);
  ASSERT_EQ(some.groups.size(), 2);
  for (const GroupReport& group : some.groups) EXPECT_EQ(group.shown, Shown::kSmall);
}

// ---- Drop-out

TEST(ClinicReportTest, TheEndsAreOfTheStartedAndAddUp) {
  const std::vector<CourseResult> courses = {
      Ended(CourseEnd::kCompleted),      Ended(CourseEnd::kAgreedEarly, 5),
      Ended(CourseEnd::kDroppedOut, 10), Ended(CourseEnd::kDroppedOut, 2),
      Ended(CourseEnd::kOther, 3),       Ended(CourseEnd::kDroppedOut, 0),
      Ended(CourseEnd::kAgreedEarly, 0)};
  ReportQuery query = OpenQuery();
  GroupReport total = ReportOf(query, courses).total;
  EXPECT_EQ(total.courses.count, 7);
  EXPECT_EQ(total.never_started.count, 2);
  ExpectRate(total.completed, 1, 5);
  ExpectRate(total.agreed_early, 1, 5);
  ExpectRate(total.dropped_out, 2, 5);
  ExpectRate(total.ended_otherwise, 1, 5);
  // Who left after half is no drop-out by the stricter word, and ended otherwise.
  query.drop_out = DropOutDefinition::kUnderHalfAttended;
  total = ReportOf(query, courses).total;
  ExpectRate(total.dropped_out, 1, 5);
  ExpectRate(total.ended_otherwise, 2, 5);
  // By the widest word those who never came are, too, and the rate is of all that closed.
  query.drop_out = DropOutDefinition::kAnyNonCompletion;
  total = ReportOf(query, courses).total;
  ExpectRate(total.dropped_out, 4, 7);
  ExpectRate(total.completed, 1, 5);
  ExpectRate(total.ended_otherwise, 0, 5);
}

// ---- A clinic counted by hand

std::vector<CourseResult> SmallClinic() {
  CourseResult recovered = Ended(CourseEnd::kCompleted);
  recovered.attended = 17;  // an assessment among them
  recovered.missed = 2;
  return {
      WithScores(recovered, 20, 4, 15, 3),
      WithScores(Ended(CourseEnd::kCompleted), 18, 9, 10, 9),  // still a case by GAD-7
      WithScores(Ended(CourseEnd::kAgreedEarly, 8), 12, 10, 6, 6),
      WithScores(Ended(CourseEnd::kDroppedOut, 4, "b"), 14, 20, 8, 8),
      WithScores(Ended(CourseEnd::kDroppedOut, 1, "b"), 16, std::nullopt, 12, std::nullopt),
      WithScores(Ended(CourseEnd::kCompleted, 12, "b"), 8, 4, 5, 5),  // never a case
      WithScores(Ended(CourseEnd::kDroppedOut, 0, "b"), 21, 3),       // never started
  };
}

TEST(ClinicReportTest, CountsFlowAndAttendance) {
  const GroupReport total = ReportOf(OpenQuery(), SmallClinic()).total;
  EXPECT_EQ(total.courses.count, 7);
  EXPECT_EQ(total.open.count, 0);
  EXPECT_EQ(total.never_started.count, 1);
  EXPECT_EQ(total.finished.count, 5);
  EXPECT_EQ(total.attended.rate, (Rate{58, 60}));
  EXPECT_EQ(total.attended.interval, std::nullopt);
  // Of 16, 16, 8, 4 and 12 weekly sessions; that of a single one is not finished.
  EXPECT_DOUBLE_EQ(total.mean_sessions.mean, 56 / 5.0);
  EXPECT_DOUBLE_EQ(total.mean_weeks.mean, 51 / 5.0);
}

TEST(ClinicReportTest, OpenCoursesOfAPeriodOfStartsHaveNoResult) {
  ReportQuery query = OpenQuery();
  query.period.basis = PeriodBasis::kStarted;
  std::vector<CourseResult> courses = SmallClinic();
  courses.push_back(WithScores(Open(5), 22, 3));
  const GroupReport total = ReportOf(query, courses).total;
  EXPECT_EQ(total.courses.count, 7);  // the one that never started is not of it
  EXPECT_EQ(total.open.count, 1);
  EXPECT_EQ(total.never_started.count, 0);
  EXPECT_EQ(total.attended.rate, (Rate{63, 65}));
  EXPECT_EQ(total.measures[1].effect.effect.pairs, 5);
}

double EffectOf(const std::vector<std::pair<double, double>>& pairs) {
  PairMoments moments;
  for (const auto& [first, last] : pairs) moments.Add(first, last);
  return PrePostEffectSize(moments, false)->d;
}

TEST(ClinicReportTest, ChangesAreOfThePopulationThatIsAsked) {
  ReportQuery query = OpenQuery();
  const MeasureReport paired = ReportOf(query, SmallClinic()).total.measures[1];
  ASSERT_EQ(paired.instrument_id, "phq-9");
  EXPECT_THAT(paired.rule_sets, ElementsAre("nhs"));
  ExpectRate(paired.paired, 5, 5);
  EXPECT_EQ(paired.effect.effect.pairs, 5);
  EXPECT_EQ(paired.effect.effect.d, EffectOf({{20, 4}, {18, 9}, {12, 10}, {14, 20}, {8, 4}}));
  ExpectRate(paired.response, 3, 5);
  ExpectRate(paired.remission, 2, 5);
  ExpectRate(paired.reliably_improved, 2, 5);
  ExpectRate(paired.reliably_deteriorated, 1, 5);
  ExpectRate(paired.significantly_changed, 2, 4);  // one was no case

  // The one who left after a session stays as they were.
  query.population = ReportPopulation::kCarriedForward;
  const MeasureReport carried = ReportOf(query, SmallClinic()).total.measures[1];
  ExpectRate(carried.paired, 5, 5);
  EXPECT_EQ(carried.effect.effect.pairs, 6);
  EXPECT_EQ(carried.effect.effect.d,
            EffectOf({{20, 4}, {18, 9}, {12, 10}, {14, 20}, {8, 4}, {16, 16}}));
  ExpectRate(carried.response, 3, 6);
  ExpectRate(carried.significantly_changed, 2, 5);
  EXPECT_LT(carried.effect.effect.d, paired.effect.effect.d);
}

TEST(ClinicReportTest, RecoveryIsOverBothMeasures) {
  const RecoveryReport recovery = ReportOf(OpenQuery(), SmallClinic()).total.recovery;
  ExpectRate(recovery.paired, 5, 5);
  ExpectRate(recovery.case_at_start, 4, 5);
  ExpectRate(recovery.recovered, 1, 4);
  ExpectRate(recovery.reliably_recovered, 1, 4);
  ExpectRate(recovery.reliably_improved, 2, 5);
  ExpectRate(recovery.no_reliable_change, 2, 5);
  ExpectRate(recovery.reliably_deteriorated, 1, 5);
  ExpectRate(recovery.recovered_of_paired, 1, 4);
  ExpectRate(recovery.improved_of_paired, 2, 5);
}

TEST(ClinicReportTest, GroupsStandBesideTheirTotal) {
  ReportQuery query = OpenQuery();
  const ClinicReport report = ReportOf(query, SmallClinic());
  ASSERT_EQ(report.groups.size(), 2u);
  EXPECT_EQ(report.groups[0].group, "a");
  EXPECT_EQ(report.groups[0].courses.count, 3);
  EXPECT_EQ(report.groups[1].courses.count, 4);
  query.group_by = ReportGrouping::kNone;
  EXPECT_TRUE(ReportOf(query, SmallClinic()).groups.empty());
  EXPECT_EQ(ReportOf(query, SmallClinic()).total.courses.count, 7);
}

TEST(ClinicReportTest, HasTheMeasuresThatAreAskedFor) {
  ReportQuery query = OpenQuery();
  query.instrument_ids = {"phq-9", "wsas"};
  const GroupReport total = ReportOf(query, SmallClinic()).total;
  ASSERT_EQ(total.measures.size(), 2u);
  EXPECT_EQ(total.measures[0].effect.shown, Shown::kYes);
  EXPECT_EQ(total.measures[1].effect.shown, Shown::kNotComputable);
  ExpectRate(total.measures[1].response, 0, 0);
  // A measure that nobody has a pair of is not there unless it is asked for.
  query.instrument_ids = {};
  const auto single = WithScores(Ended(CourseEnd::kCompleted), 20, std::nullopt);
  EXPECT_TRUE(ReportOf(query, {single}).total.measures.empty());
}

TEST(ClinicReportTest, AMeasureWithoutRulesHasAnEffectAndNoRates) {
  std::vector<CourseResult> courses;
  for (const double first : {4, 7, 9}) {
    courses.push_back(Ended(CourseEnd::kCompleted));
    courses.back().measures = {Measured("goal", ChangeRules(), first, 2)};
  }
  const MeasureReport goal = ReportOf(OpenQuery(), courses).total.measures[0];
  EXPECT_EQ(goal.effect.shown, Shown::kYes);
  EXPECT_EQ(goal.response.shown, Shown::kNotComputable);
  EXPECT_EQ(goal.reliably_improved.shown, Shown::kNotComputable);
  EXPECT_EQ(goal.significantly_changed.shown, Shown::kNotComputable);
  // All first scores alike: no standard deviation to divide by.
  for (CourseResult& course : courses) course.measures[0].first = 7;
  const MeasureReport alike = ReportOf(OpenQuery(), courses).total.measures[0];
  EXPECT_EQ(alike.effect.shown, Shown::kNotComputable);
  EXPECT_EQ(alike.effect.effect.pairs, 3);
}

TEST(ClinicReportTest, AnEffectIsPositiveWhereHigherIsBetterAndRose) {
  std::vector<CourseResult> courses;
  for (const double first : {20, 30, 45}) {
    courses.push_back(Ended(CourseEnd::kCompleted));
    courses.back().measures = {Measured("who-5", Who5(), first, 70)};
  }
  const MeasureReport who = ReportOf(OpenQuery(), courses).total.measures[0];
  EXPECT_GT(who.effect.effect.d, 0);
  ExpectRate(who.significantly_changed, 3, 3);
  EXPECT_EQ(who.response.shown, Shown::kNotComputable);
}

TEST(ClinicReportTest, MixedRulesAreNamed) {
  std::vector<CourseResult> courses(2, WithScores(Ended(CourseEnd::kCompleted), 20, 4));
  courses[1].measures[0].rule_sets = "nhs,delgadillo";
  EXPECT_THAT(ReportOf(OpenQuery(), courses).total.measures[0].rule_sets,
              ElementsAre("delgadillo", "nhs"));
}

TEST(ClinicReportTest, AnEmptyClinicHasAnEmptyReport) {
  ReportQuery query = OpenQuery();
  query.smallest_group = 5;
  const ClinicReport report = ReportOf(query, {});
  EXPECT_EQ(report.total.courses.shown, Shown::kYes);
  EXPECT_EQ(report.total.courses.count, 0);
  EXPECT_EQ(report.total.dropped_out.shown, Shown::kNotComputable);
  EXPECT_EQ(report.total.recovery.recovered.shown, Shown::kNotComputable);
  EXPECT_TRUE(report.groups.empty());
}

// ---- Published results

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

std::optional<double> AnyScore(int highest, int missing) {
  const int score = *rc::gen::inRange(-missing, highest + 1);
  if (score < 0) return std::nullopt;
  return score;
}

CourseResult DrawCourse(int groups) {
  const CourseEnd end = *rc::gen::weightedElement<CourseEnd>({{10, CourseEnd::kCompleted},
                                                              {3, CourseEnd::kAgreedEarly},
                                                              {5, CourseEnd::kDroppedOut},
                                                              {3, CourseEnd::kOther},
                                                              {2, CourseEnd::kOpen}});
  CourseResult course =
      Ended(end, *rc::gen::inRange(0, 17), absl::StrCat("g", *rc::gen::inRange(0, groups)));
  course.missed = *rc::gen::inRange(0, 4);
  course.measurements = *rc::gen::inRange(0, 4);
  course.focus = *rc::gen::inRange(0, groups + 1);
  return WithScores(std::move(course), AnyScore(27, 2), AnyScore(27, 5), AnyScore(21, 2),
                    AnyScore(21, 5));
}

// By therapist or by focus; of all courses, or of those with some focuses.
void DrawFocus(ReportQuery& query) {
  query.group_by = *rc::gen::element(ReportGrouping::kTherapist, ReportGrouping::kFocus);
  query.focuses = *rc::gen::element(std::vector<int>{}, std::vector<int>{}, std::vector<int>{2},
                                    std::vector<int>{1, 3});
}

ReportQuery DrawQuery() {
  ReportQuery query = OpenQuery();
  query.population =
      *rc::gen::element(ReportPopulation::kPaired, ReportPopulation::kCarriedForward);
  query.drop_out = *rc::gen::element(DropOutDefinition::kEndedWithoutAgreement,
                                     DropOutDefinition::kUnderHalfAttended,
                                     DropOutDefinition::kAnyNonCompletion);
  DrawFocus(query);
  return query;
}

RC_GTEST_PROP(ClinicReportPropertyTest, PartsMergeToTheWhole, ()) {
  const ReportQuery query = DrawQuery();
  ReportTally whole(query);
  std::vector<ReportTally> parts(3, ReportTally(query));
  const int courses = *rc::gen::inRange(0, 40);
  for (int i = 0; i < courses; ++i) {
    const CourseResult any = DrawCourse(3);
    whole.Add(any);
    parts[*rc::gen::inRange<size_t>(0, parts.size())].Add(any);
  }
  ReportTally merged(query);
  for (const ReportTally& part : parts) merged.Merge(part);
  RC_ASSERT(merged.groups() == whole.groups());
  RC_ASSERT(merged.Total() == whole.Total());
  RC_ASSERT(merged.measurements() == whole.measurements());
}

// The outcome rates of a group, in a fixed order. Those of the finished count people without an
// outcome among their misses: of them only the hits are outcomes.
struct OutcomeRate {
  const char* name;
  const RateCell* cell;
  bool misses_are_outcomes;
};

std::vector<OutcomeRate> OutcomeRates(const GroupReport& group) {
  std::vector<OutcomeRate> rates = {{"completed", &group.completed, true},
                                    {"agreed_early", &group.agreed_early, true},
                                    {"dropped_out", &group.dropped_out, true},
                                    {"ended_otherwise", &group.ended_otherwise, true}};
  for (const MeasureReport& m : group.measures) {
    rates.insert(rates.end(), {{"response", &m.response, true},
                               {"remission", &m.remission, true},
                               {"improved", &m.reliably_improved, true},
                               {"deteriorated", &m.reliably_deteriorated, true},
                               {"significant", &m.significantly_changed, true}});
  }
  const RecoveryReport& r = group.recovery;
  rates.insert(rates.end(), {{"case_at_start", &r.case_at_start, false},
                             {"recovered", &r.recovered, false},
                             {"reliably_recovered", &r.reliably_recovered, false},
                             {"reliably_improved", &r.reliably_improved, false},
                             {"no_reliable_change", &r.no_reliable_change, false},
                             {"reliably_deteriorated", &r.reliably_deteriorated, false},
                             {"recovered_of_paired", &r.recovered_of_paired, true},
                             {"improved_of_paired", &r.improved_of_paired, true}});
  return rates;
}

std::vector<const CountCell*> Counts(const GroupReport& group) {
  return {&group.courses, &group.open, &group.never_started, &group.finished};
}

bool Suppressed(Shown shown) { return shown == Shown::kSmall || shown == Shown::kComplementary; }

RC_GTEST_PROP(ClinicReportPropertyTest, NoSmallNumberIsShownOrFollowsFromTheTotal, ()) {
  ReportQuery query = DrawQuery();
  const int groups = *rc::gen::inRange(1, 5);
  std::vector<CourseResult> courses;
  const int count = *rc::gen::inRange(0, 150);
  for (int i = 0; i < count; ++i) courses.push_back(DrawCourse(groups));
  query.smallest_group = 0;
  const ClinicReport truth = ReportOf(query, courses);
  query.smallest_group = query.policy_smallest_group = *rc::gen::inRange(2, 9);
  const ClinicReport report = ReportOf(query, courses);
  const int64_t least = query.smallest_group;
  const auto is_small = [least](int64_t n) { return n > 0 && n < least; };

  const std::vector<OutcomeRate> total = OutcomeRates(report.total);
  std::vector<int> hidden(total.size());
  std::vector<Rate> hidden_sum(total.size());
  for (size_t g = 0; g <= report.groups.size(); ++g) {
    const bool is_total = g == report.groups.size();
    const GroupReport& group = is_total ? report.total : report.groups[g];
    const std::vector<OutcomeRate> shown = OutcomeRates(group);
    const std::vector<OutcomeRate> real = OutcomeRates(is_total ? truth.total : truth.groups[g]);
    for (const CountCell* cell : Counts(group)) {
      RC_ASSERT(!is_small(cell->count));
      RC_ASSERT(cell->shown == Shown::kYes || cell->count == 0);
    }
    RC_ASSERT((group.shown == Shown::kYes) == (group.courses.shown == Shown::kYes));
    for (size_t i = 0; i < shown.size(); ++i) {
      const Rate& rate = real[i].cell->rate;
      if (Suppressed(group.shown)) RC_ASSERT(Suppressed(shown[i].cell->shown));
      if (Suppressed(shown[i].cell->shown)) {
        RC_ASSERT(shown[i].cell->rate == Rate());
        RC_ASSERT(!shown[i].cell->interval.has_value());
        if (is_total) continue;
        ++hidden[i];
        hidden_sum[i].hits += rate.hits;
        hidden_sum[i].of += rate.of;
      } else {
        RC_LOG() << shown[i].name << "\n";
        RC_ASSERT(shown[i].cell->rate == rate);
        RC_ASSERT(!is_small(rate.hits));
        if (shown[i].misses_are_outcomes) RC_ASSERT(!is_small(rate.of - rate.hits));
      }
    }
  }
  for (size_t i = 0; i < total.size(); ++i) {
    if (Suppressed(total[i].cell->shown) || hidden[i] == 0) continue;
    RC_LOG() << total[i].name << "\n";
    RC_ASSERT(hidden[i] >= 2);
    RC_ASSERT(!is_small(hidden_sum[i].hits));
    if (total[i].misses_are_outcomes) {
      RC_ASSERT(!is_small(hidden_sum[i].of - hidden_sum[i].hits));
    }
  }
  // Means of few, alone or by subtraction from the total's.
  for (size_t m = 0; m < report.total.measures.size(); ++m) {
    int hidden_effects = 0;
    for (size_t g = 0; g < report.groups.size(); ++g) {
      const EffectCell& cell = report.groups[g].measures[m].effect;
      if (Suppressed(cell.shown)) {
        RC_ASSERT(cell.effect.pairs == 0);
        ++hidden_effects;
      } else {
        RC_ASSERT(!is_small(cell.effect.pairs));
      }
    }
    if (Suppressed(report.total.measures[m].effect.shown)) continue;
    RC_ASSERT(hidden_effects != 1);
  }
}

// ---- An attacker with several reports

// What a report tells of one row: how many courses are of a set that anybody can name.
struct Figure {
  std::string name;
  std::function<bool(const CourseResult&)> has;
  std::function<std::optional<int64_t>(const GroupReport&)> shown;
  // Of what the outcome is told: the misses are of it. Empty: tells of no outcome.
  std::string of{};
};

std::optional<int64_t> HitsOf(const RateCell& cell) {
  if (Suppressed(cell.shown)) return std::nullopt;
  return cell.rate.hits;
}
std::optional<int64_t> MissesOf(const RateCell& cell) {
  if (Suppressed(cell.shown)) return std::nullopt;
  return cell.rate.of - cell.rate.hits;
}

bool Started(const CourseResult& course) {
  return course.end != CourseEnd::kOpen && course.attended_sessions > 0;
}

const MeasureResult* ResultOf(const CourseResult& course, const std::string& instrument) {
  for (const MeasureResult& measure : course.measures) {
    if (measure.instrument_id == instrument) return &measure;
  }
  return nullptr;
}

const MeasureReport* MeasureOf(const GroupReport& row, const std::string& instrument) {
  for (const MeasureReport& measure : row.measures) {
    if (measure.instrument_id == instrument) return &measure;
  }
  return nullptr;
}

class Figures {
 public:
  Figures() {
    for (const auto definition :
         {DropOutDefinition::kEndedWithoutAgreement, DropOutDefinition::kUnderHalfAttended,
          DropOutDefinition::kAnyNonCompletion}) {
      AddDropOut(definition);
    }
    for (const auto population : {ReportPopulation::kPaired, ReportPopulation::kCarriedForward}) {
      AddMeasure("phq-9", population);
    }
    AddRecovery();
    AddNested();
  }

  // Those of a report; of others what it does not ask is not in it.
  std::map<std::string, int64_t> ShownIn(const GroupReport& row, const ReportQuery& query) const {
    std::map<std::string, int64_t> shown;
    for (const Figure& figure : figures_) {
      const bool other = absl::StartsWith(figure.name, "by ") &&
                         !absl::StartsWith(figure.name, DropOutPrefix(query.drop_out));
      const bool of_others = absl::StartsWith(figure.name, "of ") &&
                             !absl::StartsWith(figure.name, PopulationPrefix(query.population));
      if (other || of_others) continue;
      if (const auto count = figure.shown(row); count.has_value()) shown[figure.name] = *count;
    }
    return shown;
  }

  // Pairs of which the second has all that the first has, whoever they are, so that the difference
  // is how many of an outcome there are.
  const std::vector<std::pair<std::string, std::string>>& nested() const { return nested_; }

  int64_t Count(const std::string& name, const std::vector<CourseResult>& courses) const {
    for (const Figure& figure : figures_) {
      if (figure.name == name) return std::count_if(courses.begin(), courses.end(), figure.has);
    }
    return -1;
  }

 private:
  static std::string DropOutPrefix(DropOutDefinition definition) {
    return absl::StrCat("by ", static_cast<int>(definition), ": ");
  }
  static std::string PopulationPrefix(ReportPopulation population) {
    return absl::StrCat("of ", static_cast<int>(population), ": ");
  }

  // How courses ended, one measure's changes, or recovery.
  static std::string FamilyOf(const Figure& figure) {
    const std::string begin = figure.name.substr(0, 3);
    return begin == "by " || begin == "of " ? begin : "";
  }

  using Has = std::function<bool(const CourseResult&)>;

  // A rate's hits and misses.
  void AddRate(const std::string& name, const Has& in, const Has& hit,
               std::function<const RateCell*(const GroupReport&)> cell) {
    const auto shown = [cell](std::optional<int64_t> (*of)(const RateCell&)) {
      return [cell, of](const GroupReport& row) -> std::optional<int64_t> {
        const RateCell* found = cell(row);
        return found == nullptr ? std::nullopt : of(*found);
      };
    };
    figures_.push_back(
        {absl::StrCat(name, " of"), in, [cell](const GroupReport& row) -> std::optional<int64_t> {
           const RateCell* found = cell(row);
           if (found == nullptr || Suppressed(found->shown)) return std::nullopt;
           return found->rate.of;
         }});
    figures_.push_back({name, [in, hit](const auto& course) { return in(course) && hit(course); },
                        shown(HitsOf), absl::StrCat(name, " of")});
    figures_.push_back({absl::StrCat("not ", name),
                        [in, hit](const auto& course) { return in(course) && !hit(course); },
                        shown(MissesOf), absl::StrCat(name, " of")});
    // Named by what it belongs to first.
    figures_.back().name = absl::StrCat(name, " missed");
  }

  void AddDropOut(DropOutDefinition definition) {
    const std::string by = DropOutPrefix(definition);
    const auto drops_out = [definition](const CourseResult& c) {
      return IsDropOut(definition, c.end, c.attended_sessions, c.planned_sessions);
    };
    AddRate(
        by + "dropped out",
        [definition](const CourseResult& c) {
          return CountsForDropOut(definition, c.end, c.attended_sessions);
        },
        drops_out, [](const GroupReport& row) { return &row.dropped_out; });
    AddRate(
        by + "completed", Started,
        [](const CourseResult& c) { return c.end == CourseEnd::kCompleted; },
        [](const GroupReport& row) { return &row.completed; });
    AddRate(
        by + "agreed", Started,
        [](const CourseResult& c) { return c.end == CourseEnd::kAgreedEarly; },
        [](const GroupReport& row) { return &row.agreed_early; });
    AddRate(
        by + "otherwise", Started,
        [drops_out](const CourseResult& c) {
          return c.end != CourseEnd::kCompleted && c.end != CourseEnd::kAgreedEarly &&
                 !drops_out(c);
        },
        [](const GroupReport& row) { return &row.ended_otherwise; });
  }

  void AddMeasure(const std::string& instrument, ReportPopulation population) {
    const std::string of = PopulationPrefix(population);
    const Has in = [instrument, population](const CourseResult& c) {
      const MeasureResult* result = ResultOf(c, instrument);
      return result != nullptr && Started(c) &&
             (population == ReportPopulation::kCarriedForward || (c.finished() && result->paired));
    };
    const auto with = [instrument, in](bool (*is)(const MeasureResult&)) -> Has {
      return [=](const CourseResult& c) { return in(c) && is(*ResultOf(c, instrument)); };
    };
    figures_.push_back({of + "scores", in,
                        [instrument](const GroupReport& row) -> std::optional<int64_t> {
                          const MeasureReport* measure = MeasureOf(row, instrument);
                          if (measure == nullptr || Suppressed(measure->effect.shown)) {
                            return std::nullopt;
                          }
                          return measure->effect.effect.pairs;
                        },
                        of + "scores"});
    const auto add = [&](const std::string& name, bool (*counts)(const MeasureResult&),
                         bool (*hit)(const MeasureResult&), RateCell MeasureReport::*cell) {
      AddRate(of + name, with(counts), with(hit),
              [instrument, cell](const GroupReport& row) -> const RateCell* {
                const MeasureReport* measure = MeasureOf(row, instrument);
                return measure == nullptr ? nullptr : &(measure->*cell);
              });
      // Whom a rate leaves out is an outcome, too: a first score of 0, no case.
      figures_[figures_.size() - 3].of = of + "scores";
    };
    add(
        "response", [](const MeasureResult& m) { return m.response.has_value(); },
        [](const MeasureResult& m) { return m.response.value_or(false); },
        &MeasureReport::response);
    add(
        "remission", [](const MeasureResult& m) { return m.remission.has_value(); },
        [](const MeasureResult& m) { return m.remission.value_or(false); },
        &MeasureReport::remission);
    const auto evaluated = [](const MeasureResult& m) {
      return m.reliable != ReliableVerdict::kNotEvaluated;
    };
    add(
        "improved", evaluated,
        [](const MeasureResult& m) { return m.reliable == ReliableVerdict::kImproved; },
        &MeasureReport::reliably_improved);
    add(
        "deteriorated", evaluated,
        [](const MeasureResult& m) { return m.reliable == ReliableVerdict::kDeteriorated; },
        &MeasureReport::reliably_deteriorated);
    add(
        "significant",
        [](const MeasureResult& m) {
          return m.significant != SignificantChange::kNotEvaluated &&
                 m.case_at_first.value_or(false);
        },
        [](const MeasureResult& m) { return m.significant == SignificantChange::kRecovered; },
        &MeasureReport::significantly_changed);
  }

  // Of the finished, their misses are also people without an outcome: only the pairs tell.
  void AddRecovery() {
    const Has paired = [](const CourseResult& c) {
      return Started(c) && c.recovery.no_outcome == NoOutcome::kNone;
    };
    const auto hits = [&](const std::string& name, const Has& has, const std::string& of,
                          RateCell RecoveryReport::*cell) {
      figures_.push_back(
          {name, has, [cell](const GroupReport& row) { return HitsOf(row.recovery.*cell); }, of});
    };
    const auto reliably = [&](ReliableOutcome outcome) -> Has {
      return [=](const CourseResult& c) { return paired(c) && c.recovery.reliable == outcome; };
    };
    hits("both paired", paired, "", &RecoveryReport::paired);
    hits(
        "case",
        [](const CourseResult& c) {
          return c.finished() && c.recovery.case_at_start.value_or(false);
        },
        "case", &RecoveryReport::case_at_start);
    figures_.push_back({"no case",
                        [](const CourseResult& c) {
                          return c.finished() && !c.recovery.case_at_start.value_or(true);
                        },
                        [](const GroupReport& row) -> std::optional<int64_t> {
                          const RateCell& recovered = row.recovery.recovered;
                          if (Suppressed(recovered.shown) || Suppressed(row.finished.shown)) {
                            return std::nullopt;
                          }
                          return row.finished.count - recovered.rate.of;
                        },
                        "no case"});
    hits(
        "recovered", [](const CourseResult& c) { return c.recovery.recovered; }, "both paired",
        &RecoveryReport::recovered);
    hits(
        "reliably recovered", [](const CourseResult& c) { return c.recovery.reliably_recovered; },
        "both paired", &RecoveryReport::reliably_recovered);
    hits("better", reliably(ReliableOutcome::kImproved), "both paired",
         &RecoveryReport::reliably_improved);
    hits("the same", reliably(ReliableOutcome::kNoReliableChange), "both paired",
         &RecoveryReport::no_reliable_change);
    hits("worse", reliably(ReliableOutcome::kDeteriorated), "both paired",
         &RecoveryReport::reliably_deteriorated);
    AddRate(
        "case recovered",
        [paired](const CourseResult& c) { return paired(c) && *c.recovery.case_at_start; },
        [](const CourseResult& c) { return c.recovery.recovered; },
        [](const GroupReport& row) { return &row.recovery.recovered_of_paired; });
    figures_[figures_.size() - 3].of = "both paired";
    AddRate("improved of paired", paired, reliably(ReliableOutcome::kImproved),
            [](const GroupReport& row) { return &row.recovery.improved_of_paired; });
  }

  // Which sets are in which follows from courses of every kind.
  void AddNested() {
    std::vector<CourseResult> kinds;
    const std::vector<int> phq = {0, 1, 2, 4, 5, 8, 9, 10, 11, 15, 16, 20, 27};
    const std::vector<int> gad = {0, 1, 3, 4, 7, 8, 11, 12, 16, 21};
    const auto with_none = [](const std::vector<int>& values) {
      std::vector<std::optional<double>> all(values.begin(), values.end());
      all.push_back(std::nullopt);
      return all;
    };
    for (const CourseEnd end : {CourseEnd::kOpen, CourseEnd::kCompleted, CourseEnd::kAgreedEarly,
                                CourseEnd::kDroppedOut, CourseEnd::kOther}) {
      for (const int attended : {0, 1, 2, 7, 8, 15, 16}) {
        for (const auto& [first, last] : {std::pair(20, 4), std::pair(4, 12)}) {
          kinds.push_back(WithScores(Ended(end, attended), first, last, first, last));
          kinds.push_back(WithScores(Ended(end, attended), first, std::nullopt));
        }
      }
    }
    for (const auto& [end, attended] :
         {std::pair(CourseEnd::kCompleted, 16), std::pair(CourseEnd::kDroppedOut, 1)}) {
      for (const auto& phq_first : with_none(phq)) {
        for (const auto& phq_last : with_none(phq)) {
          for (const auto& gad_first : with_none(gad)) {
            for (const auto& gad_last : with_none(gad)) {
              kinds.push_back(
                  WithScores(Ended(end, attended), phq_first, phq_last, gad_first, gad_last));
            }
          }
        }
      }
    }
    std::vector<std::vector<bool>> members;
    for (const Figure& figure : figures_) {
      std::vector<bool>& of = members.emplace_back();
      for (const CourseResult& kind : kinds) of.push_back(figure.has(kind));
    }
    for (size_t a = 0; a < figures_.size(); ++a) {
      if (figures_[a].of.empty()) continue;
      for (size_t b = 0; b < figures_.size(); ++b) {
        // Figures of two measures, recovery's among them, are not held against each other. What is
        // no outcome itself may follow, but for that which the outcome is told of.
        if (a == b || FamilyOf(figures_[a]) != FamilyOf(figures_[b]) ||
            (figures_[b].of.empty() && figures_[a].of != figures_[b].name))
          continue;
        bool within = true;
        for (size_t i = 0; i < kinds.size() && within; ++i)
          within = !members[a][i] || members[b][i];
        if (within) nested_.emplace_back(figures_[a].name, figures_[b].name);
      }
    }
  }

  std::vector<Figure> figures_;
  std::vector<std::pair<std::string, std::string>> nested_;
};

const Figures& AllFigures() {
  static const auto* const kFigures = new Figures();
  return *kFigures;
}

TEST(FiguresTest, KnowsWhatLiesInWhat) {
  const auto has = [](const std::string& inner, const std::string& outer) {
    const auto& nested = AllFigures().nested();
    return std::find(nested.begin(), nested.end(), std::pair(inner, outer)) != nested.end();
  };
  EXPECT_TRUE(has("reliably recovered", "better"));
  EXPECT_TRUE(has("case recovered of", "case"));
  EXPECT_TRUE(has("of 1: response of", "of 1: scores"));
  EXPECT_TRUE(has("of 1: scores", "of 2: scores"));
  EXPECT_TRUE(has("by 1: dropped out", "by 3: dropped out"));
  EXPECT_FALSE(has("recovered", "better"));
  EXPECT_FALSE(has("of 1: response", "of 1: remission"));
}

// All reports of the same courses and groups, by any population, definition and smallest group:
// all figures of a row subtracted from each other, and all groups' from the total's.
RC_GTEST_PROP(ClinicReportPropertyTest, NoSmallNumberFollowsFromReportsOfTheSameCourses, ()) {
  ReportQuery query = OpenQuery();
  query.policy_smallest_group = *rc::gen::inRange(2, 9);
  query.policy_drop_out = *rc::gen::element(DropOutDefinition::kEndedWithoutAgreement,
                                            DropOutDefinition::kUnderHalfAttended,
                                            DropOutDefinition::kAnyNonCompletion);
  const int64_t least = query.policy_smallest_group;
  const auto is_small = [least](int64_t n) { return n > 0 && n < least; };
  DrawFocus(query);
  const ReportTally tally(query);
  const int groups = *rc::gen::inRange(1, 5);
  std::vector<CourseResult> courses;
  const int count = *rc::gen::inRange(0, 200);
  for (int i = 0; i < count; ++i) {
    CourseResult course = DrawCourse(groups);
    if (tally.Wants(course)) courses.push_back(std::move(course));
  }

  // By group, the total's last; what any of the reports tells.
  std::map<std::string, std::map<std::string, int64_t>> known;
  for (const int more : {0, 1, 2, 5, 11}) {
    query.smallest_group = query.policy_smallest_group + more;
    for (const auto population : {ReportPopulation::kPaired, ReportPopulation::kCarriedForward}) {
      for (const auto definition :
           {DropOutDefinition::kEndedWithoutAgreement, DropOutDefinition::kUnderHalfAttended,
            DropOutDefinition::kAnyNonCompletion}) {
        query.population = population;
        query.drop_out = definition;
        const ClinicReport report = ReportOf(query, courses);
        known["all"].merge(AllFigures().ShownIn(report.total, query));
        for (const GroupReport& row : report.groups) {
          known[row.group].merge(AllFigures().ShownIn(row, query));
        }
      }
    }
  }
  for (const auto& [group, figures] : known) {
    std::vector<CourseResult> of_group;
    for (const CourseResult& course : courses) {
      if (group == "all" || GroupOf(query, course) == group) of_group.push_back(course);
    }
    for (const auto& [name, shown] : figures) {
      RC_LOG() << group << ", " << name << "\n";
      RC_ASSERT(shown == AllFigures().Count(name, of_group));
    }
    for (const auto& [inner, outer] : AllFigures().nested()) {
      const auto a = figures.find(inner);
      const auto b = figures.find(outer);
      if (a == figures.end() || b == figures.end()) continue;
      RC_LOG() << group << ": " << outer << " less " << inner << "\n";
      RC_ASSERT(!is_small(b->second - a->second));
    }
  }
  for (const auto& [name, total] : known["all"]) {
    int64_t hidden = total;
    int rows = 0;
    for (const auto& [group, figures] : known) {
      if (group == "all") continue;
      const auto found = figures.find(name);
      if (found != figures.end()) {
        hidden -= found->second;
      } else {
        ++rows;
      }
    }
    RC_LOG() << name << " of the groups that hide it\n";
    // What is no outcome may follow.
    if (absl::EndsWith(name, " of")) continue;
    RC_ASSERT(!is_small(hidden));
    RC_ASSERT(rows != 1);
  }
}

// What a clinic hides, a request for more protection does not show.
TEST(ClinicReportTest, AGreaterSmallestGroupShowsNothingMore) {
  ReportQuery query = OpenQuery();
  query.policy_smallest_group = 5;
  std::vector<CourseResult> courses;
  const auto add = [&](const char* therapist, int better, int same) {
    for (int i = 0; i < better + same; ++i) {
      courses.push_back(
          WithScores(Ended(CourseEnd::kCompleted, 16, therapist), 20, i < better ? 4 : 19));
    }
  };
  add("a", 3, 20);
  add("b", 15, 10);
  add("c", 5, 55);
  query.smallest_group = 5;
  ClinicReport report = ReportOf(query, courses);
  EXPECT_EQ(report.groups[1].measures[0].response.shown, Shown::kComplementary);
  EXPECT_EQ(report.groups[2].measures[0].response.rate, (Rate{5, 60}));
  query.smallest_group = 6;
  report = ReportOf(query, courses);
  EXPECT_EQ(report.groups[0].measures[0].response.shown, Shown::kSmall);
  EXPECT_EQ(report.groups[1].measures[0].response.shown, Shown::kComplementary);
  EXPECT_EQ(report.groups[2].measures[0].response.shown, Shown::kSmall);
}

TEST(ClinicReportTest, OneWhoIsCarriedForwardIsNotTold) {
  ReportQuery query = OpenQuery();
  query.smallest_group = query.policy_smallest_group = 5;
  std::vector<CourseResult> courses;
  for (int i = 0; i < 40; ++i) {
    courses.push_back(WithScores(Ended(CourseEnd::kCompleted), 12 + i % 10, 3));
  }
  courses.push_back(WithScores(Ended(CourseEnd::kCompleted), 27, std::nullopt));
  EXPECT_EQ(ReportOf(query, courses).total.measures[0].effect.effect.pairs, 40);
  query.population = ReportPopulation::kCarriedForward;
  const MeasureReport carried = ReportOf(query, courses).total.measures[0];
  EXPECT_EQ(carried.effect.shown, Shown::kSmall);
  EXPECT_EQ(carried.response.shown, Shown::kSmall);
  // Of five it is told.
  for (int i = 0; i < 4; ++i) {
    courses.push_back(WithScores(Ended(CourseEnd::kCompleted), 20 + i, std::nullopt));
  }
  EXPECT_EQ(ReportOf(query, courses).total.measures[0].effect.effect.pairs, 45);
}

TEST(ClinicReportTest, AFewWithoutAPairDoNotHideRecovery) {
  ReportQuery query = OpenQuery();
  query.smallest_group = query.policy_smallest_group = 5;
  std::vector<CourseResult> courses;
  for (int i = 0; i < 30; ++i) {
    courses.push_back(WithScores(Ended(CourseEnd::kCompleted), 20, i < 12 ? 4 : 15, 15, 3));
  }
  for (int i = 0; i < 2; ++i) {
    courses.push_back(WithScores(Ended(CourseEnd::kCompleted), 20, std::nullopt, 15, std::nullopt));
  }
  // 32 cases less the 30 of the pairs would tell of the two.
  const RecoveryReport recovery = ReportOf(query, courses).total.recovery;
  EXPECT_EQ(recovery.recovered.rate, (Rate{12, 32}));
  EXPECT_EQ(recovery.recovered_of_paired.rate, (Rate{12, 30}));
  EXPECT_EQ(recovery.case_at_start.shown, Shown::kSmall);
}

TEST(ClinicReportTest, TheClinicsOwnDefinitionOfDropOutIsShownFirst) {
  ReportQuery query = OpenQuery();
  query.smallest_group = query.policy_smallest_group = 5;
  std::vector<CourseResult> courses;
  const auto add = [&](CourseEnd end, int count) {
    for (int i = 0; i < count; ++i) courses.push_back(Ended(end, 4));
  };
  add(CourseEnd::kCompleted, 20);
  add(CourseEnd::kAgreedEarly, 6);
  add(CourseEnd::kDroppedOut, 10);
  add(CourseEnd::kOther, 2);
  GroupReport total = ReportOf(query, courses).total;
  EXPECT_EQ(total.dropped_out.rate, (Rate{10, 38}));
  EXPECT_EQ(total.completed.rate, (Rate{20, 38}));
  EXPECT_EQ(total.ended_otherwise.shown, Shown::kSmall);
  query.drop_out = DropOutDefinition::kAnyNonCompletion;  // less the other one: the two
  total = ReportOf(query, courses).total;
  EXPECT_EQ(total.dropped_out.shown, Shown::kSmall);
  query.policy_drop_out = DropOutDefinition::kAnyNonCompletion;
  EXPECT_EQ(ReportOf(query, courses).total.dropped_out.rate, (Rate{12, 38}));
  query.drop_out = DropOutDefinition::kEndedWithoutAgreement;
  EXPECT_EQ(ReportOf(query, courses).total.dropped_out.shown, Shown::kSmall);
}

TEST(ClinicReportTest, ALargeClinicShowsWhatItHas) {
  ReportQuery query = OpenQuery();
  query.smallest_group = 5;
  std::vector<CourseResult> courses;
  for (int i = 0; i < 60; ++i) {
    const CourseEnd end = i % 6 == 0 ? CourseEnd::kDroppedOut : CourseEnd::kCompleted;
    courses.push_back(
        WithScores(Ended(end, end == CourseEnd::kCompleted ? 16 : 5, i % 2 == 0 ? "a" : "b"),
                   12 + i % 10, i % 4 == 0 ? 18 : 3 + i % 5, 8 + i % 8, i % 3 == 0 ? 14 : 2));
  }
  const ClinicReport report = ReportOf(query, courses);
  EXPECT_EQ(report.total.dropped_out.shown, Shown::kYes);
  EXPECT_EQ(report.total.completed.shown, Shown::kYes);
  EXPECT_EQ(report.total.measures[1].effect.shown, Shown::kYes);
  EXPECT_EQ(report.total.measures[1].response.shown, Shown::kYes);
  EXPECT_EQ(report.total.recovery.recovered.shown, Shown::kYes);
  EXPECT_EQ(report.groups[0].courses.count, 30);
  // Ten drop-outs, all of even courses: "b" has none, so that "a" hides nothing.
  EXPECT_EQ(report.groups[0].dropped_out.rate, (Rate{10, 30}));
  EXPECT_EQ(report.groups[1].dropped_out.rate, (Rate{0, 30}));
}

TEST(ClinicReportTest, ASmallGroupTakesAnotherOneWithIt) {
  ReportQuery query = OpenQuery();
  query.smallest_group = 5;
  std::vector<CourseResult> courses;
  for (const auto& [therapist, count] :
       {std::pair("a", 12), std::pair("b", 8), std::pair("c", 3)}) {
    for (int i = 0; i < count; ++i) courses.push_back(Ended(CourseEnd::kCompleted, 16, therapist));
  }
  const ClinicReport report = ReportOf(query, courses);
  EXPECT_EQ(report.total.courses.count, 23);
  EXPECT_EQ(report.groups[0].courses.count, 12);
  EXPECT_EQ(report.groups[1].shown, Shown::kComplementary);
  EXPECT_EQ(report.groups[1].completed.shown, Shown::kComplementary);
  EXPECT_EQ(report.groups[2].shown, Shown::kSmall);
  EXPECT_EQ(report.groups[2].recovery.recovered.shown, Shown::kSmall);
}

// How many never started is nobody's result, but what became of few is.
TEST(ClinicReportTest, FewWhoNeverStartedHideThemselvesOnly) {
  ReportQuery query = OpenQuery();
  query.smallest_group = 5;
  std::vector<CourseResult> courses(20, WithScores(Ended(CourseEnd::kCompleted), 20, 4));
  courses[0].measures[0].first = 15;
  courses.push_back(Ended(CourseEnd::kOther, 0));
  const GroupReport total = ReportOf(query, courses).total;
  EXPECT_EQ(total.never_started.shown, Shown::kSmall);
  EXPECT_EQ(total.completed.rate, (Rate{20, 20}));
  EXPECT_EQ(total.measures[0].effect.shown, Shown::kYes);
  query.drop_out = DropOutDefinition::kAnyNonCompletion;
  EXPECT_EQ(ReportOf(query, courses).total.dropped_out.shown, Shown::kSmall);
}

}  // namespace
}  // namespace ipt::outcomes
