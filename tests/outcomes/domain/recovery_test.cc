#include "outcomes/domain/recovery.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <vector>

#include "gmock/gmock.h"
#include "tests/outcomes/domain/measures.h"

namespace ipt::outcomes {
namespace {

// The first and last score of both measures.
RecoveryResult Evaluate(std::optional<double> phq_first, std::optional<double> phq_last,
                        std::optional<double> gad_first, std::optional<double> gad_last,
                        bool finished = true) {
  return EvaluateRecovery(finished, StatusOf(Phq9(), phq_first, phq_last),
                          StatusOf(Gad7(), gad_first, gad_last));
}

TEST(FinishedTest, TakesTwoAttendedTreatmentAppointmentsAndAnEnd) {
  EXPECT_FALSE(IsFinished(true, 0));
  EXPECT_FALSE(IsFinished(true, 1));
  EXPECT_TRUE(IsFinished(true, 2));
  EXPECT_FALSE(IsFinished(false, 16));
}

TEST(RecoveryTest, IsBelowBothCutOffsAtTheEnd) {
  EXPECT_TRUE(Evaluate(10, 9, 0, 0).recovered);
  EXPECT_FALSE(Evaluate(10, 10, 0, 0).recovered);
  EXPECT_TRUE(Evaluate(10, 9, 0, 7).recovered);
  EXPECT_FALSE(Evaluate(10, 9, 0, 8).recovered);
  EXPECT_TRUE(Evaluate(9, 9, 8, 7).recovered);    // a case by anxiety alone
  EXPECT_FALSE(Evaluate(9, 10, 8, 7).recovered);  // and one by depression at the end
  EXPECT_FALSE(Evaluate(9, 0, 7, 0).recovered);   // never a case
}

TEST(RecoveryTest, ReliableRecoveryTakesReliableImprovement) {
  const RecoveryResult crossed = Evaluate(10, 9, 8, 7);
  EXPECT_TRUE(crossed.recovered);
  EXPECT_FALSE(crossed.reliably_recovered);
  EXPECT_EQ(crossed.reliable, ReliableOutcome::kNoReliableChange);
  EXPECT_FALSE(Evaluate(14, 9, 0, 0).reliably_recovered);   // 5 points
  EXPECT_TRUE(Evaluate(15, 9, 0, 0).reliably_recovered);    // 6 points
  EXPECT_FALSE(Evaluate(10, 9, 10, 7).reliably_recovered);  // 3 points
  EXPECT_TRUE(Evaluate(10, 9, 11, 7).reliably_recovered);   // 4 points
  // Worse on the other, if still below its cut-off.
  const RecoveryResult mixed = Evaluate(15, 9, 3, 7);
  EXPECT_TRUE(mixed.recovered);
  EXPECT_TRUE(mixed.mixed);
  EXPECT_FALSE(mixed.reliably_recovered);
  EXPECT_TRUE(Evaluate(15, 9, 4, 7).reliably_recovered);
}

TEST(RecoveryTest, OneBetterAndOneWorseIsNeither) {
  const RecoveryResult result = Evaluate(20, 14, 8, 12);
  EXPECT_TRUE(result.mixed);
  EXPECT_EQ(result.reliable, ReliableOutcome::kNoReliableChange);
  EXPECT_EQ(Evaluate(20, 14, 8, 11).reliable, ReliableOutcome::kImproved);
  EXPECT_EQ(Evaluate(20, 15, 8, 12).reliable, ReliableOutcome::kDeteriorated);
}

TEST(RecoveryTest, ImprovementNeedsNoCase) {
  const RecoveryResult result = Evaluate(9, 3, 0, 0);
  EXPECT_EQ(result.case_at_start, false);
  EXPECT_EQ(result.reliable, ReliableOutcome::kImproved);
}

TEST(RecoveryTest, SaysWhyThereIsNoOutcome) {
  const RecoveryResult open = Evaluate(15, 3, 10, 2, false);
  EXPECT_EQ(open.no_outcome, NoOutcome::kNotFinished);
  EXPECT_FALSE(open.recovered);
  EXPECT_EQ(open.reliable, ReliableOutcome::kNone);
  EXPECT_EQ(Evaluate(15, std::nullopt, 10, 2).no_outcome, NoOutcome::kSingleScore);
  EXPECT_EQ(Evaluate(15, 3, std::nullopt, std::nullopt).no_outcome, NoOutcome::kNoScore);
  EXPECT_EQ(Evaluate(15, std::nullopt, std::nullopt, std::nullopt).no_outcome, NoOutcome::kNoScore);
  EXPECT_EQ(Evaluate(15, 3, 10, 2).no_outcome, NoOutcome::kNone);
}

TEST(RecoveryTest, AnUnknownStartIsNotGuessed) {
  EXPECT_EQ(Evaluate(15, 3, std::nullopt, std::nullopt).case_at_start, true);
  EXPECT_EQ(Evaluate(9, 3, std::nullopt, std::nullopt).case_at_start, std::nullopt);
  EXPECT_EQ(Evaluate(9, 3, 7, 7).case_at_start, false);
}

TEST(RecoveryTest, AMeasureWithoutACutOffOrAReliableChangeHasNoStatus) {
  ChangeRules rules = Gad7();
  rules.reliable_change.reset();
  EXPECT_EQ(StatusOf(rules, 10, 2), MeasureStatus());
  rules = Gad7();
  rules.cut_off.reset();
  EXPECT_EQ(StatusOf(rules, 10, 2), MeasureStatus());
  EXPECT_EQ(StatusOf(Gad7(), std::nullopt, 2), MeasureStatus());
}

// Every combination about every boundary, against the definitions written out over whole numbers.
TEST(RecoveryTest, HoldsOnAllBoundaryCombinations) {
  const std::vector<int> phq = {0, 3, 4, 5, 9, 10, 11, 15, 16, 17, 27};
  const std::vector<int> gad = {0, 3, 4, 5, 7, 8, 9, 11, 12, 13, 21};
  int recovered = 0;
  RecoveryTally tally;
  for (const int p1 : phq) {
    for (const int p2 : phq) {
      for (const int g1 : gad) {
        for (const int g2 : gad) {
          const bool start = p1 >= 10 || g1 >= 8;
          const bool end = p2 >= 10 || g2 >= 8;
          const bool better = p1 - p2 >= 6 || g1 - g2 >= 4;
          const bool worse = p2 - p1 >= 6 || g2 - g1 >= 4;
          const RecoveryResult result = Evaluate(p1, p2, g1, g2);
          tally.Add(result);
          const auto where = ::testing::Message() << p1 << ">" << p2 << " " << g1 << ">" << g2;
          ASSERT_EQ(result.case_at_start, start) << where;
          ASSERT_EQ(result.recovered, start && !end) << where;
          ASSERT_EQ(result.reliable == ReliableOutcome::kImproved, better && !worse) << where;
          ASSERT_EQ(result.reliable == ReliableOutcome::kDeteriorated, worse && !better) << where;
          ASSERT_EQ(result.mixed, better && worse) << where;
          ASSERT_EQ(result.reliably_recovered, start && !end && better && !worse) << where;
          recovered += start && !end;
        }
      }
    }
  }
  EXPECT_EQ(tally.recovered, recovered);
  EXPECT_EQ(tally.paired, 11 * 11 * 11 * 11);
  EXPECT_EQ(tally.improved + tally.unchanged + tally.deteriorated, tally.paired);
}

TEST(RecoveryTallyTest, KeepsEveryDenominator) {
  RecoveryTally tally;
  tally.Add(Evaluate(15, 3, 10, 2));                        // reliably recovered
  tally.Add(Evaluate(10, 9, 8, 7));                         // recovered
  tally.Add(Evaluate(20, 20, 15, 15));                      // a case, unchanged
  tally.Add(Evaluate(9, 3, 5, 5));                          // no case, improved
  tally.Add(Evaluate(9, 15, 5, 5));                         // no case, worse
  tally.Add(Evaluate(20, 14, 8, 12));                       // mixed
  tally.Add(Evaluate(15, std::nullopt, 10, std::nullopt));  // a case, single scores
  tally.Add(Evaluate(9, 3, std::nullopt, std::nullopt));    // not known, no anxiety score
  tally.Add(Evaluate(15, 3, 10, 2, false));                 // open
  EXPECT_EQ(tally.courses, 9);
  EXPECT_EQ(tally.finished, 8);
  EXPECT_EQ(tally.case_at_start, 5);
  EXPECT_EQ(tally.not_case_at_start, 2);
  EXPECT_EQ(tally.case_unknown, 1);
  EXPECT_EQ(tally.single_score, 1);
  EXPECT_EQ(tally.no_score, 1);
  EXPECT_EQ(tally.Recovery(), (Rate{2, 6}));
  EXPECT_EQ(tally.ReliableRecovery(), (Rate{1, 6}));
  EXPECT_EQ(tally.Improvement(), (Rate{2, 8}));
  EXPECT_EQ(tally.NoReliableChange(), (Rate{3, 8}));
  EXPECT_EQ(tally.Deterioration(), (Rate{1, 8}));
  EXPECT_EQ(tally.PairedData(), (Rate{6, 8}));
  EXPECT_EQ(tally.PairedRecovery(), (Rate{2, 4}));
  EXPECT_EQ(tally.PairedReliableRecovery(), (Rate{1, 4}));
  EXPECT_EQ(tally.PairedImprovement(), (Rate{2, 6}));
  EXPECT_EQ(tally.PairedNoReliableChange(), (Rate{3, 6}));
  EXPECT_EQ(tally.PairedDeterioration(), (Rate{1, 6}));
}

std::optional<double> AnyScore(int highest) {
  const int score = *rc::gen::inRange(-3, highest + 1);
  if (score < 0) return std::nullopt;
  return score;
}

RC_GTEST_PROP(RecoveryPropertyTest, HoldsItsPromises, ()) {
  const RecoveryResult result = Evaluate(AnyScore(27), AnyScore(27), AnyScore(21), AnyScore(21),
                                         *rc::gen::weightedElement<bool>({{4, true}, {1, false}}));
  if (result.recovered) RC_ASSERT(result.case_at_start == true);
  if (result.reliably_recovered) {
    RC_ASSERT(result.recovered);
    RC_ASSERT(result.reliable == ReliableOutcome::kImproved);
  }
  if (result.mixed) RC_ASSERT(result.reliable == ReliableOutcome::kNoReliableChange);
  RC_ASSERT((result.no_outcome == NoOutcome::kNone) == (result.reliable != ReliableOutcome::kNone));
  if (result.no_outcome != NoOutcome::kNone) RC_ASSERT(!result.recovered);
}

RC_GTEST_PROP(RecoveryPropertyTest, TalliesMergeToTheWhole, ()) {
  RecoveryTally whole;
  std::vector<RecoveryTally> parts(3);
  const int courses = *rc::gen::inRange(0, 40);
  for (int i = 0; i < courses; ++i) {
    const RecoveryResult result =
        Evaluate(AnyScore(27), AnyScore(27), AnyScore(21), AnyScore(21),
                 *rc::gen::weightedElement<bool>({{4, true}, {1, false}}));
    whole.Add(result);
    parts[*rc::gen::inRange<size_t>(0, parts.size())].Add(result);
  }
  RecoveryTally merged;
  for (const RecoveryTally& part : parts) merged.Merge(part);
  RC_ASSERT(merged == whole);
  RC_ASSERT(whole.finished == whole.paired + whole.single_score + whole.no_score);
  RC_ASSERT(whole.finished == whole.case_at_start + whole.not_case_at_start + whole.case_unknown);
  RC_ASSERT(whole.paired == whole.improved + whole.unchanged + whole.deteriorated);
}

}  // namespace
}  // namespace ipt::outcomes
