#include "outcomes/domain/plans.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "outcomes/domain/not_on_track.h"
#include "tests/outcomes/instruments.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using ipt::testing::HasBadFields;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

HeldInstrument Held(const std::string& id, int version, bool current) {
  HeldInstrument held;
  held.definition = Sample();
  held.definition.id = id;
  held.definition.version = version;
  held.respondents = {AnsweredBy::kSelf, AnsweredBy::kClinicianRead};
  held.current = current;
  held.retired = !current;
  return held;
}

const std::vector<HeldInstrument>& Instruments() {
  static const auto* const instruments = new std::vector<HeldInstrument>{
      Held("mood", 1, false), Held("mood", 2, true), Held("old", 1, false)};
  return *instruments;
}

MeasurementRule Rule(const std::string& id, PlanTiming timing) {
  MeasurementRule rule;
  rule.id = id;
  rule.instrument_id = "mood";
  rule.timing = timing;
  return rule;
}

MeasurementPlan Plan(const std::string& id, std::vector<int> indications) {
  MeasurementPlan plan;
  plan.clinic_id = "north";
  plan.plan_id = id;
  plan.display_name = id;
  plan.indications = std::move(indications);
  return plan;
}

absl::Status Check(const MeasurementPlan& plan, const std::vector<MeasurementRule>& before = {}) {
  FieldViolations bad;
  CheckPlan(plan, before, Instruments(), bad.In("plan"));
  return bad.ToStatus();
}

TEST(CheckPlanTest, TakesAllThatTheContractTakes) {
  MeasurementPlan plan = Plan("p", {1, 2});
  plan.rules = {Rule("each", PlanTiming::kEverySession), Rule("weeks", PlanTiming::kEveryWeeks),
                Rule("a", PlanTiming::kBaseline),        Rule("b", PlanTiming::kPhaseChange),
                Rule("c", PlanTiming::kMidCourse),       Rule("d", PlanTiming::kEnd),
                Rule("0-1", PlanTiming::kFollowUp)};
  plan.rules[0].open_days_before = 0;
  plan.rules[0].grace_days = 0;
  plan.rules[1].weeks = 26;
  plan.rules[1].open_days_before = 31;
  plan.rules[1].grace_days = 62;
  plan.rules[2].respondent = AnsweredBy::kClinicianRead;
  plan.rules[6].months = {24, 1, 12};
  EXPECT_OK(Check(plan));
}

TEST(CheckPlanTest, NamesAllThatCannotBe) {
  MeasurementPlan plan = Plan("p", {1, 0, 1});
  plan.display_name = "";
  plan.rules = {Rule("Each", PlanTiming::kUnspecified),
                Rule("b", PlanTiming::kEveryWeeks),
                Rule("b", PlanTiming::kFollowUp),
                Rule("c", PlanTiming::kFollowUp),
                Rule("d", PlanTiming::kEnd),
                Rule("e", PlanTiming::kBaseline)};
  plan.rules[0].instrument_id = "";
  plan.rules[1].weeks = 27;
  plan.rules[1].instrument_id = "old";
  plan.rules[3].months = {0, 3, 3, 25};
  plan.rules[4].weeks = 1;
  plan.rules[4].months = {3};
  plan.rules[4].respondent = AnsweredBy::kProxy;
  plan.rules[4].open_days_before = 32;
  plan.rules[4].grace_days = 63;
  plan.rules[5].open_days_before = 0;
  plan.rules[5].grace_days = 0;
  plan.rules[5].catch_up = CatchUp::kNever;
  EXPECT_THAT(
      Check(plan),
      HasBadFields("plan.display_name", "plan.indications[1]", "plan.indications[2]",
                   "plan.rules[0].id", "plan.rules[0].instrument", "plan.rules[0].timing",
                   "plan.rules[1].instrument", "plan.rules[1].weeks", "plan.rules[2].id",
                   "plan.rules[2].months", "plan.rules[3].months[0]", "plan.rules[3].months[2]",
                   "plan.rules[3].months[3]", "plan.rules[4].weeks", "plan.rules[4].months",
                   "plan.rules[4].respondent", "plan.rules[4].open_days_before",
                   "plan.rules[4].grace_days", "plan.rules[5].grace_days"));
}

TEST(CheckPlanTest, WhatStaysAsItWasStays) {
  MeasurementPlan plan = Plan("p", {1});
  plan.rules = {Rule("retired", PlanTiming::kEnd), Rule("person", PlanTiming::kEnd)};
  plan.rules[0].instrument_id = "old";
  plan.rules[1].respondent = AnsweredBy::kProxy;
  std::vector<MeasurementRule> before = plan.rules;
  for (MeasurementRule& rule : before) rule.since = absl::FromUnixSeconds(7);
  EXPECT_OK(Check(plan, before));
  plan.rules[0].grace_days = 3;
  plan.rules[1].voluntary = true;
  EXPECT_THAT(Check(plan, before),
              HasBadFields("plan.rules[0].instrument", "plan.rules[1].respondent"));
}

TEST(TakenTest, AnIndicationIsInOnePlan) {
  const std::vector<MeasurementPlan> plans = {Plan("a", {1, 2}), Plan("b", {})};
  const auto taken = FindTaken(plans, Plan("c", {3, 2}));
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->plan_id, "a");
  EXPECT_EQ(taken->indication, 2);
  const auto for_all = FindTaken(plans, Plan("c", {}));
  ASSERT_TRUE(for_all.has_value());
  EXPECT_EQ(for_all->plan_id, "b");
  EXPECT_EQ(for_all->indication, 0);
  EXPECT_FALSE(FindTaken(plans, Plan("c", {3})).has_value());
  EXPECT_FALSE(FindTaken(plans, Plan("a", {2})).has_value());
  EXPECT_FALSE(FindTaken(plans, Plan("b", {})).has_value());
}

TEST(PlanForTest, TheOneThatNamesTheIndicationElseTheOneForAll) {
  const std::vector<MeasurementPlan> plans = {Plan("all", {}), Plan("one", {1})};
  courses::CopiedCourse course;
  const auto held = [&](int indication) {
    course.indication = indication;
    return PlanFor(plans, &course)->plan_id;
  };
  EXPECT_EQ(held(1), "one");
  EXPECT_EQ(held(2), "all");
  EXPECT_EQ(held(0), "all");
  EXPECT_EQ(PlanFor(plans, nullptr), nullptr);
  EXPECT_EQ(PlanFor({plans[1]}, &course), nullptr);
}

// ---- Since when a course is asked

absl::Time Day(int day) { return absl::FromUnixSeconds(86'400 * day); }

MeasurementPlan Since(int day, std::vector<int> months = {}) {
  MeasurementPlan plan = Plan("p", {});
  plan.rules = {Rule("r", months.empty() ? PlanTiming::kEverySession : PlanTiming::kFollowUp)};
  plan.rules[0].months = std::move(months);
  plan.rules[0].since = Day(day);
  return plan;
}

// Of each rule, by month where it has some.
std::vector<int> SincesOf(const std::vector<MeasurementRule>& rules) {
  std::vector<int> days;
  const auto add = [&](absl::Time since) {
    days.push_back(static_cast<int>(absl::ToUnixSeconds(since) / 86'400));
  };
  for (const MeasurementRule& rule : rules) {
    if (rule.months.empty()) add(rule.since);
    for (const int month : rule.months) add(rule.SinceOf(month));
  }
  return days;
}
std::vector<int> AskedSince(const MeasurementPlan& plan, const StoredCoursePlan* stored = nullptr,
                            const courses::CopiedCourse& course = {}) {
  return SincesOf(HeldPlan("north", "k1", stored, {plan}, &course).rules);
}

TEST(SinceTest, NothingIsAskedOfACourseBeforeItCameToScheduling) {
  courses::CopiedCourse course;
  course.create_time = Day(9);
  EXPECT_THAT(AskedSince(Since(5), nullptr, course), ElementsAre(9));
  EXPECT_THAT(AskedSince(Since(12), nullptr, course), ElementsAre(12));
  EXPECT_THAT(AskedSince(Since(5, {3, 6}), nullptr, course), ElementsAre(9, 9));
}

TEST(SinceTest, APlanAsksOfAnIndicationSinceItIsForIt) {
  MeasurementPlan plan = Since(5);
  plan.for_since = {{1, Day(8)}, {0, Day(20)}};
  courses::CopiedCourse course;
  course.indication = 1;
  EXPECT_THAT(AskedSince(plan, nullptr, course), ElementsAre(8));
  course.indication = 2;
  EXPECT_THAT(AskedSince(plan, nullptr, course), ElementsAre(20));
}

TEST(SinceTest, AfterItsOwnPlanACourseFollowsTheClinicsFromThenOn) {
  MeasurementPlan plan = Since(5);
  plan.rules.push_back(Rule("other", PlanTiming::kEnd));
  plan.rules.push_back(Rule("newer", PlanTiming::kEnd));
  plan.rules[2].since = Day(40);
  StoredCoursePlan stored;
  stored.rules = plan.rules;
  stored.rules[0].since = Day(6);    // it asked all the time
  stored.rules[1].voluntary = true;  // it was another one
  stored.rules.pop_back();           // it was not there
  stored.reset_time = Day(30);
  stored.stamp.revision = 17;
  EXPECT_THAT(AskedSince(plan, &stored), ElementsAre(6, 30, 40));
  courses::CopiedCourse course;
  const CoursePlan held = HeldPlan("north", "k1", &stored, {plan}, &course);
  EXPECT_TRUE(held.inherited);
  EXPECT_EQ(held.inherited_from, "p");
  EXPECT_EQ(held.revision, 17);
  EXPECT_EQ(held.stamp.revision, plan.stamp.revision);
  // While it holds, it is what is asked.
  stored.reset_time.reset();
  EXPECT_THAT(AskedSince(plan, &stored), ElementsAre(6, 0));
}

TEST(AskedRulesTest, AreOfInstrumentsInUseByTheirCurrentVersion) {
  MeasurementRule old = Rule("old", PlanTiming::kEnd), read = Rule("read", PlanTiming::kEnd);
  old.instrument_id = "old";
  read.respondent = AnsweredBy::kClinicianRead;
  const auto asked = AskedRules({old, read, Rule("b", PlanTiming::kEnd)}, Instruments());
  ASSERT_THAT(asked, SizeIs(2));
  EXPECT_EQ(asked[0].rule.id, "read");
  EXPECT_EQ(asked[0].instrument_version, 2);
  EXPECT_EQ(asked[0].respondent, AnsweredBy::kClinicianRead);
  EXPECT_EQ(asked[1].respondent, AnsweredBy::kSelf);
}

TEST(NoMeasureTest, IsRaisedOnceAndEndedByTheNextAnswer) {
  const auto at = [](int day) { return absl::FromUnixSeconds(86'400 * day); };
  const auto missed = [&](int day) { return AskedPoint{.missed = true, .at = at(day)}; };
  const auto answered = [&](int day, const std::string& id) {
    return AskedPoint{.missed = false, .at = at(day), .score_id = id};
  };
  const NoMeasureRule rule{.name = {"no-measure", 4}};
  EXPECT_THAT(EvaluateMissed(rule, {missed(1), missed(2), answered(3, "a"), missed(4), missed(5)}),
              IsEmpty());
  const auto signals =
      EvaluateMissed(rule, {missed(1), missed(2), missed(3), missed(4), answered(5, "a"),
                            answered(6, "b"), missed(7), missed(8), missed(9)});
  ASSERT_THAT(signals, SizeIs(2));
  EXPECT_EQ(signals[0].rule.version, 4);
  EXPECT_EQ(signals[0].level, SignalLevel::kAmber);
  EXPECT_EQ(signals[0].raised_at, at(3));
  EXPECT_EQ(signals[0].cleared_at, at(5));
  EXPECT_EQ(signals[0].cleared_by, "a");
  EXPECT_EQ(signals[0].wording, "review: 3 due measures missed in a row");
  EXPECT_EQ(signals[1].raised_at, at(9));
  EXPECT_EQ(signals[1].cleared_at, std::nullopt);
}

}  // namespace
}  // namespace ipt::outcomes
