#include "scheduling/domain/delivery.h"

#include "gtest/gtest.h"

namespace ipt::scheduling {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1767225600);
constexpr BackOff kBackOff;

// Leased for the second time, by token 7.
LeaseRecord Leased() {
  return {.clinic_id = "c1",
          .reminder_id = "r1",
          .state = ReminderState::kLeased,
          .generation = 3,
          .not_after = kNow + absl::Hours(1),
          .attempt = 2,
          .max_attempts = 8,
          .lease_token = 7,
          .named = LeaseRecord::Attempt{.lease_token = 7, .generation = 3, .attempt = 2}};
}

Completion Says(AttemptOutcome outcome, absl::Duration delay = absl::ZeroDuration()) {
  return {.reminder_id = "r1",
          .lease_token = 7,
          .outcome = outcome,
          .reason = "BUSY",
          .retry_delay = delay};
}

Judgement Judge(const LeaseRecord& record, const Completion& word) {
  return JudgeCompletion(record, word, kNow, kBackOff, 1);
}

// The record as it is after the judgement was written.
LeaseRecord After(LeaseRecord record, const Judgement& judged) {
  if (judged.row.has_value()) {
    record.state = judged.row->state;
    record.why_not = judged.row->why_not;
  }
  if (judged.attempt.has_value()) {
    record.named->ended = true;
    record.named->outcome = judged.attempt->outcome;
  }
  return record;
}

TEST(WaitAfterTest, DoublesUpToTheMostBetweenHalfAndWhole) {
  EXPECT_EQ(WaitAfter(1, kBackOff, 1), absl::Seconds(30));
  EXPECT_EQ(WaitAfter(1, kBackOff, 0), absl::Seconds(15));
  EXPECT_EQ(WaitAfter(2, kBackOff, 1), absl::Seconds(60));
  EXPECT_EQ(WaitAfter(7, kBackOff, 1), absl::Minutes(32));
  EXPECT_EQ(WaitAfter(8, kBackOff, 1), absl::Hours(1));
  EXPECT_EQ(WaitAfter(1000, kBackOff, 0.5), absl::Minutes(45));
}

TEST(JudgeCompletionTest, AppliesTheNewestLeasesWord) {
  const Judgement sent = Judge(Leased(), Says(AttemptOutcome::kSent));
  EXPECT_EQ(sent.verdict, LeaseVerdict::kApplied);
  EXPECT_EQ(sent.row->state, ReminderState::kSent);
  EXPECT_EQ(sent.row->sent, kNow);
  EXPECT_EQ(sent.attempt->outcome, AttemptOutcome::kSent);
  EXPECT_EQ(sent.attempt->generation, 3);
  EXPECT_EQ(sent.attempt->attempt, 2);

  const Judgement dead = Judge(Leased(), Says(AttemptOutcome::kDead));
  EXPECT_EQ(dead.row->state, ReminderState::kDead);
  EXPECT_EQ(dead.row->why_not, ReminderWhyNot::kRejected);
  EXPECT_EQ(dead.attempt->reason, "BUSY");
}

TEST(JudgeCompletionTest, RetriesAfterTheLongerOfBackOffAndAskedDelay) {
  EXPECT_EQ(Judge(Leased(), Says(AttemptOutcome::kRetry)).row->next, kNow + absl::Minutes(1));
  const Judgement asked = Judge(Leased(), Says(AttemptOutcome::kRetry, absl::Minutes(5)));
  EXPECT_EQ(asked.row->state, ReminderState::kScheduled);
  EXPECT_EQ(asked.row->next, kNow + absl::Minutes(5));
  EXPECT_EQ(asked.attempt->outcome, AttemptOutcome::kRetry);
}

TEST(JudgeCompletionTest, GivesUpAfterTheLastAttempt) {
  LeaseRecord last = Leased();
  last.attempt = last.max_attempts;
  const Judgement judged = Judge(last, Says(AttemptOutcome::kRetry));
  EXPECT_EQ(judged.row->state, ReminderState::kDead);
  EXPECT_EQ(judged.row->why_not, ReminderWhyNot::kAttemptsExhausted);
  EXPECT_EQ(judged.attempt->outcome, AttemptOutcome::kDead);
  EXPECT_EQ(Judge(After(last, judged), Says(AttemptOutcome::kRetry)).verdict,
            LeaseVerdict::kRepeated);
}

TEST(JudgeCompletionTest, ARepeatedWordChangesNothing) {
  for (AttemptOutcome outcome :
       {AttemptOutcome::kSent, AttemptOutcome::kRetry, AttemptOutcome::kDead}) {
    const Judgement first = Judge(Leased(), Says(outcome));
    const Judgement again = Judge(After(Leased(), first), Says(outcome));
    EXPECT_EQ(again.verdict, LeaseVerdict::kRepeated);
    EXPECT_EQ(again.state, first.state);
    EXPECT_FALSE(again.row.has_value() || again.attempt.has_value());
  }
}

TEST(JudgeCompletionTest, AnotherWordThanTheFirstIsLost) {
  const AttemptOutcome all[] = {AttemptOutcome::kSent, AttemptOutcome::kRetry,
                                AttemptOutcome::kDead};
  for (AttemptOutcome first : all) {
    const LeaseRecord after = After(Leased(), Judge(Leased(), Says(first)));
    for (AttemptOutcome second : all) {
      if (first == second) continue;
      const Judgement judged = Judge(after, Says(second));
      EXPECT_EQ(judged.verdict, LeaseVerdict::kLost);
      EXPECT_FALSE(judged.row.has_value() || judged.attempt.has_value());
    }
  }
}

// The lease ran out; nobody has it since: what the gateway did spares a second send.
TEST(JudgeCompletionTest, ALateWordCountsUntilAnotherLeaseIsGiven) {
  const LeaseRecord lapsed = After(Leased(), JudgeEnd(Leased(), kNow));
  ASSERT_EQ(lapsed.state, ReminderState::kScheduled);
  const Judgement late = Judge(lapsed, Says(AttemptOutcome::kSent));
  EXPECT_EQ(late.verdict, LeaseVerdict::kApplied);
  EXPECT_EQ(late.row->state, ReminderState::kSent);

  LeaseRecord again = lapsed;
  again.state = ReminderState::kLeased;
  again.lease_token = 8;
  again.attempt = 3;
  EXPECT_EQ(Judge(again, Says(AttemptOutcome::kSent)).verdict, LeaseVerdict::kLost);
  EXPECT_FALSE(Judge(again, Says(AttemptOutcome::kSent)).row.has_value());
}

// Given up without its word, it is as its gateway says after all.
TEST(JudgeCompletionTest, ALateWordCountsForWhatWasGivenUpMeanwhile) {
  LeaseRecord held = Leased();
  held.hold_unknown = true;
  LeaseRecord last = Leased();
  last.attempt = last.max_attempts;
  const absl::Time ends[] = {kNow, kNow, Leased().not_after};
  const LeaseRecord leased[] = {held, last, Leased()};
  for (int i = 0; i < 3; ++i) {
    const LeaseRecord over = After(leased[i], JudgeEnd(leased[i], ends[i]));
    ASSERT_NE(over.state, ReminderState::kScheduled);
    const Judgement late = JudgeCompletion(over, Says(AttemptOutcome::kSent), ends[i], kBackOff, 1);
    EXPECT_EQ(late.verdict, LeaseVerdict::kApplied);
    EXPECT_EQ(late.row->state, ReminderState::kSent);
    EXPECT_EQ(Judge(After(over, late), Says(AttemptOutcome::kSent)).verdict,
              LeaseVerdict::kRepeated);
  }
  // It was not sent: it is tried again, unless it is too late.
  const LeaseRecord dead = After(held, JudgeEnd(held, kNow));
  EXPECT_EQ(Judge(dead, Says(AttemptOutcome::kRetry)).row->state, ReminderState::kScheduled);
  const Judgement too_late =
      JudgeCompletion(dead, Says(AttemptOutcome::kRetry), held.not_after, kBackOff, 1);
  EXPECT_EQ(too_late.row->state, ReminderState::kSuppressed);
  EXPECT_EQ(too_late.row->why_not, ReminderWhyNot::kTooLate);
}

TEST(JudgeCompletionTest, TellsThatTheReminderChangedUnderTheLease) {
  LeaseRecord moved = Leased();
  moved.generation = 4;
  moved.state = ReminderState::kScheduled;
  const Judgement judged = Judge(moved, Says(AttemptOutcome::kSent));
  EXPECT_EQ(judged.verdict, LeaseVerdict::kSuperseded);
  EXPECT_FALSE(judged.row.has_value());
  EXPECT_EQ(judged.attempt->outcome, AttemptOutcome::kSuperseded);
  EXPECT_EQ(judged.attempt->generation, 3);

  LeaseRecord cancelled = Leased();
  cancelled.state = ReminderState::kCancelled;
  EXPECT_EQ(Judge(cancelled, Says(AttemptOutcome::kSent)).verdict, LeaseVerdict::kSuperseded);
}

TEST(JudgeCompletionTest, UnknownRemindersAndTokens) {
  EXPECT_EQ(JudgeCompletion(std::nullopt, Says(AttemptOutcome::kSent), kNow, kBackOff, 1).verdict,
            LeaseVerdict::kNotFound);
  LeaseRecord other = Leased();
  other.named.reset();
  EXPECT_EQ(Judge(other, Says(AttemptOutcome::kSent)).verdict, LeaseVerdict::kLost);
}

TEST(JudgeExtensionTest, KeepsALeaseButNotPastTheReminder) {
  const Judgement kept = JudgeExtension(Leased(), kNow + absl::Minutes(2));
  EXPECT_EQ(kept.verdict, LeaseVerdict::kApplied);
  EXPECT_EQ(kept.row->next, kNow + absl::Minutes(2));
  EXPECT_EQ(JudgeExtension(Leased(), kNow + absl::Hours(2)).row->next, Leased().not_after);
  EXPECT_EQ(JudgeExtension(After(Leased(), JudgeEnd(Leased(), kNow)), kNow).verdict,
            LeaseVerdict::kLost);
  EXPECT_EQ(JudgeExtension(std::nullopt, kNow).verdict, LeaseVerdict::kNotFound);
}

TEST(JudgeEndTest, ALeaseWithoutAWordIsGivenAgainUntilItIsTooOftenOrTooLate) {
  const Judgement again = JudgeEnd(Leased(), kNow);
  EXPECT_EQ(again.row->state, ReminderState::kScheduled);
  EXPECT_EQ(again.row->next, kNow);
  EXPECT_EQ(again.attempt->outcome, AttemptOutcome::kUnknown);

  LeaseRecord last = Leased();
  last.attempt = last.max_attempts;
  EXPECT_EQ(JudgeEnd(last, kNow).row->state, ReminderState::kDead);

  const Judgement late = JudgeEnd(last, last.not_after);
  EXPECT_EQ(late.row->state, ReminderState::kSuppressed);
  EXPECT_EQ(late.row->why_not, ReminderWhyNot::kTooLate);
}

TEST(JudgeEndTest, ALeaseWithoutAWordIsHeldWhereThePolicySaysSo) {
  LeaseRecord held = Leased();
  held.hold_unknown = true;
  const Judgement judged = JudgeEnd(held, kNow);
  EXPECT_EQ(judged.row->state, ReminderState::kDead);
  EXPECT_EQ(judged.row->why_not, ReminderWhyNot::kOutcomeUnknown);
  EXPECT_EQ(judged.attempt->outcome, AttemptOutcome::kUnknown);
  EXPECT_EQ(JudgeEnd(held, held.not_after).row->why_not, ReminderWhyNot::kTooLate);
  // One that nobody had is no such case.
  held.state = ReminderState::kScheduled;
  EXPECT_EQ(JudgeEnd(held, held.not_after).row->why_not, ReminderWhyNot::kTooLate);
}

}  // namespace
}  // namespace ipt::scheduling
