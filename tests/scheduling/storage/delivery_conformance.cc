// The queue: who is given what, once. On both engines, alone and at once.
#include <atomic>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "absl/strings/str_join.h"
#include "platform/storage/outbox.h"
#include "scheduling/domain/delivery.h"
#include "tests/scheduling/reminder_rows.h"
#include "tests/scheduling/storage/scheduling_store_conformance.h"

namespace ipt::scheduling {
namespace {

// The store's clock decides on PostgreSQL: rows are placed around the real now.
class DeliveryTest : public SchedulingStoreTest {
 protected:
  void SetUp() override {
    AddCourses();
    ASSERT_OK(Sql("UPDATE clinics SET reminder_version = 1"));
  }

  void Add(const TestRow& row) { ASSERT_OK(Sql(InsertReminder(row, now_))); }
  static int64_t ToMicros(absl::Time time) { return absl::ToUnixMicros(time); }

  LeaseCommand Command(int most = 100) {
    LeaseCommand command;
    command.clinic_id = "c1";
    command.caller = "gateway";
    command.most = most;
    command.lease_for = absl::Minutes(1);
    return command;
  }
  absl::StatusOr<LeaseResult> Lease(const LeaseCommand& command) {
    return Write([&](SchedulingTx& tx) { return LeaseDue(tx.delivery(), command, Clock()); });
  }
  std::vector<std::string> LeasedIds(const LeaseCommand& command) {
    const auto result = Lease(command);
    EXPECT_OK(result);
    std::vector<std::string> ids;
    if (result.ok()) {
      for (const Reminder& reminder : result->leased) ids.push_back(reminder.reminder_id);
    }
    return ids;
  }
  absl::StatusOr<Verdict> Complete(const std::string& id, int64_t token, AttemptOutcome outcome) {
    auto result = Write([&](SchedulingTx& tx) {
      return CompleteLeases(
          tx.delivery(), "c1",
          {{.reminder_id = id, .lease_token = token, .outcome = outcome, .reason = "WHY"}}, Clock(),
          {}, 1);
    });
    if (!result.ok()) return result.status();
    return result->verdicts.at(0);
  }
  absl::StatusOr<SweepResult> SweepNow() {
    return Write([&](SchedulingTx& tx) { return Sweep(tx.delivery(), Clock(), 500); });
  }
  // As if the lease had run out.
  void Lapse(const std::string& id) {
    ASSERT_OK(Sql(absl::StrCat("UPDATE reminders SET next_us = ", ToMicros(now_) - 1,
                               " WHERE reminder_id = '", id, "'")));
  }
  int64_t Rows(absl::string_view where) { return Count(absl::StrCat("reminders WHERE ", where)); }
  int64_t Attempts(absl::string_view where) {
    return Count(absl::StrCat("reminder_attempts WHERE ", where));
  }
  static absl::Time Clock() { return absl::Now(); }

  const absl::Time now_ = absl::FromUnixMicros(absl::ToUnixMicros(absl::Now()));
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(DeliveryTest);

TEST_P(DeliveryTest, LeasesWhatIsDueWithItsAttempt) {
  Add({.id = "r1"});
  Add({.id = "later", .course = "k2", .due = absl::Hours(1)});
  ASSERT_OK_AND_ASSIGN(const LeaseResult result, Lease(Command()));
  ASSERT_EQ(result.leased.size(), 1);
  const Reminder& leased = result.leased[0];
  EXPECT_EQ(leased.reminder_id, "r1");
  EXPECT_EQ(leased.state, ReminderState::kLeased);
  EXPECT_EQ(leased.attempt, 1);
  EXPECT_EQ(leased.generation, 1);
  EXPECT_GT(leased.lease_token, 0);
  EXPECT_EQ(leased.lease_token, result.lease_token);
  EXPECT_EQ(leased.patient, (Identifier{"urn:mrn", "value-p1"}));
  EXPECT_EQ(leased.variables.time_zone, "UTC");
  EXPECT_GE(leased.next, now_ + absl::Minutes(1));
  EXPECT_EQ(Attempts(absl::StrCat("reminder_id = 'r1' AND attempt = 1 AND generation = 1 "
                                  "AND caller = 'gateway' AND ended_us IS NULL AND lease_token = ",
                                  leased.lease_token)),
            1);
  EXPECT_THAT(LeasedIds(Command()), IsEmpty());
}

TEST_P(DeliveryTest, TokensGrow) {
  Add({.id = "r1"});
  Add({.id = "r2", .course = "k2"});
  ASSERT_OK_AND_ASSIGN(const LeaseResult first, Lease(Command(1)));
  ASSERT_OK_AND_ASSIGN(const LeaseResult second, Lease(Command(1)));
  EXPECT_LT(first.leased.at(0).lease_token, second.leased.at(0).lease_token);
}

TEST_P(DeliveryTest, GivesOneOfACourseAtATimeInDueOrder) {
  Add({.id = "r2", .due = -absl::Minutes(1)});
  Add({.id = "r1", .due = -absl::Minutes(2)});
  Add({.id = "x1", .course = "k2", .due = -absl::Minutes(3)});
  EXPECT_THAT(LeasedIds(Command()), ElementsAre("x1", "r1"));
  EXPECT_THAT(LeasedIds(Command()), IsEmpty());
  // Nor is it given by its name.
  LeaseCommand by_id = Command();
  by_id.candidates = {"r2"};
  ASSERT_OK_AND_ASSIGN(const LeaseResult refused, Lease(by_id));
  EXPECT_THAT(refused.leased, IsEmpty());
  ASSERT_EQ(refused.refused.size(), 1);
  EXPECT_GT(refused.refused[0].next, now_);

  ASSERT_OK_AND_ASSIGN(const auto tokens, Read([](SchedulingReader& reader) {
                         return reader.queue().FindQueued("c1", {"r1"});
                       }));
  ASSERT_EQ(tokens.size(), 1);
  EXPECT_TRUE(tokens[0].leased);
}

// The index has put it off, and is told at once that its turn has come.
TEST_P(DeliveryTest, AWordTellsWhoseTurnItIs) {
  Add({.id = "r3", .due = absl::Minutes(1)});
  Add({.id = "r2", .due = -absl::Minutes(1)});
  Add({.id = "r1", .due = -absl::Minutes(2)});
  Add({.id = "x1", .course = "k2", .due = -absl::Minutes(3)});
  const std::map<std::string, std::string> turns = {{"r1", "r2"}, {"r2", ""}};
  for (const auto& [id, next] : turns) {
    LeaseCommand by_id = Command();
    by_id.candidates = {id};
    ASSERT_OK_AND_ASSIGN(const LeaseResult leased, Lease(by_id));
    ASSERT_EQ(leased.leased.size(), 1);
    ASSERT_OK_AND_ASSIGN(const WordResult result, Write([&](SchedulingTx& tx) {
                           return CompleteLeases(tx.delivery(), "c1",
                                                 {{.reminder_id = id,
                                                   .lease_token = leased.lease_token,
                                                   .outcome = AttemptOutcome::kSent,
                                                   .reason = ""}},
                                                 Clock(), {}, 1);
                         }));
    std::vector<std::string> again;
    for (const QueueChange& change : result.changes) {
      if (!change.next.has_value()) continue;
      again.push_back(change.reminder_id);
      EXPECT_LE(*change.next, now_);
      EXPECT_EQ(change.generation, 1);
    }
    EXPECT_EQ(absl::StrJoin(again, ","), next);
  }
}

TEST_P(DeliveryTest, ALeaseThatIsGivenUpTellsWhoseTurnItIs) {
  Add({.id = "r1", .due = -absl::Minutes(2), .max_attempts = 1});
  Add({.id = "r2", .due = -absl::Minutes(1)});
  EXPECT_THAT(LeasedIds(Command()), ElementsAre("r1"));
  Lapse("r1");
  ASSERT_OK_AND_ASSIGN(const SweepResult swept, SweepNow());
  EXPECT_EQ(swept.dead, 1);
  ASSERT_EQ(swept.changes.size(), 2);
  EXPECT_EQ(swept.changes[0].reminder_id, "r1");
  EXPECT_FALSE(swept.changes[0].next.has_value());
  EXPECT_EQ(swept.changes[1].reminder_id, "r2");
  EXPECT_TRUE(swept.changes[1].next.has_value());
}

TEST_P(DeliveryTest, OneThatWaitsForItsRetryDoesNotHoldBackTheNext) {
  Add({.id = "r1", .due = -absl::Minutes(2), .next = absl::Minutes(5)});
  Add({.id = "r2", .due = -absl::Minutes(1)});
  EXPECT_THAT(LeasedIds(Command()), ElementsAre("r2"));
}

TEST_P(DeliveryTest, GivesNoneThatIsNotToBeSentNow) {
  Add({.id = "early", .due = absl::Minutes(1)});
  Add({.id = "late", .not_after = -absl::Seconds(1)});
  Add({.id = "old-policy", .policy_version = 0});
  LeaseCommand by_id = Command();
  by_id.candidates = {"early", "late", "old-policy", "absent"};
  ASSERT_OK_AND_ASSIGN(const LeaseResult result, Lease(by_id));
  EXPECT_THAT(result.leased, IsEmpty());
  std::map<std::string, std::optional<absl::Time>> again;
  for (const QueueChange& refused : result.refused) again[refused.reminder_id] = refused.next;
  ASSERT_EQ(again.size(), 4);
  EXPECT_EQ(again["early"], now_ + absl::Minutes(1));
  EXPECT_EQ(again["late"], std::nullopt);
  EXPECT_GT(again["old-policy"], now_);
  EXPECT_EQ(again["absent"], std::nullopt);
  EXPECT_THAT(LeasedIds(Command()), IsEmpty());
  EXPECT_EQ(Attempts("1 = 1"), 0);
}

TEST_P(DeliveryTest, QuietHoursThatBeganMoveItOn) {
  Add({.id = "r1", .not_after = absl::Hours(72), .quiet_from = -absl::Minutes(1)});
  // Quiet all day but a minute: its next is that minute's, which is not now unless it is.
  ASSERT_OK_AND_ASSIGN(const LeaseResult result, Lease(Command()));
  EXPECT_THAT(result.leased, IsEmpty());
  ASSERT_EQ(result.refused.size(), 1);
  ASSERT_TRUE(result.refused[0].next.has_value());
  EXPECT_GT(result.refused[0].next, now_ - absl::Minutes(1));
  EXPECT_EQ(Rows(absl::StrCat("quiet_us > ", ToMicros(now_), " AND state = 1")), 1);
}

TEST_P(DeliveryTest, QuietHoursUntilTheEndMakeItTooLate) {
  Add({.id = "r1", .not_after = absl::Seconds(30), .quiet_from = -absl::Minutes(1)});
  const absl::CivilSecond utc = absl::ToCivilSecond(now_, absl::UTCTimeZone());
  if (utc.hour() == 23 && utc.minute() >= 58) GTEST_SKIP() << "the one minute that is not quiet";
  EXPECT_THAT(LeasedIds(Command()), IsEmpty());
  EXPECT_EQ(Rows("state = 6 AND why_not = 2"), 1);
}

TEST_P(DeliveryTest, APausedClinicLeasesNothing) {
  Add({.id = "r1"});
  ASSERT_OK(Sql("INSERT INTO reminder_sending VALUES ('c1', 1, 0, 'why', 'x', 0, 0, 1, 0)"));
  ASSERT_OK_AND_ASSIGN(const LeaseResult paused, Lease(Command()));
  EXPECT_TRUE(paused.gate.paused);
  EXPECT_THAT(paused.leased, IsEmpty());
  ASSERT_OK(Sql("UPDATE reminder_sending SET paused = 0"));
  EXPECT_THAT(LeasedIds(Command()), ElementsAre("r1"));
}

TEST_P(DeliveryTest, APaceIsKeptWithinTheMinute) {
  Add({.id = "r1", .course = "k1"});
  Add({.id = "r2", .course = "k2"});
  ASSERT_OK(Sql("INSERT INTO reminder_sending VALUES ('c1', 0, 1, '', 'x', 0, 0, 1, 0)"));
  EXPECT_EQ(LeasedIds(Command()).size(), 1);
  ASSERT_OK_AND_ASSIGN(const LeaseResult spent, Lease(Command()));
  // A minute may have turned between the two; else there is no room.
  if (spent.gate.room == 0) {
    EXPECT_THAT(spent.leased, IsEmpty());
    EXPECT_GT(spent.gate.next_minute, spent.gate.now);
  }
  ASSERT_OK(Sql("UPDATE reminder_sending SET window_us = 0"));
  EXPECT_EQ(LeasedIds(Command()).size(), 1);
}

TEST_P(DeliveryTest, ChannelsAreChosen) {
  Add({.id = "sms", .channel = 1});
  Add({.id = "mail", .course = "k2", .channel = 2});
  LeaseCommand mail = Command();
  mail.channels = 1 << 2;
  EXPECT_THAT(LeasedIds(mail), ElementsAre("mail"));
}

TEST_P(DeliveryTest, AnotherChannelsReminderOfTheCourseDoesNotHoldBack) {
  Add({.id = "sms", .due = -absl::Minutes(2), .channel = 1});
  Add({.id = "mail", .due = -absl::Minutes(1), .channel = 2});
  LeaseCommand mail = Command();
  mail.channels = 1 << 2;
  EXPECT_THAT(LeasedIds(mail), ElementsAre("mail"));
}

TEST_P(DeliveryTest, ALeaseEndsWithTheReminder) {
  Add({.id = "r1", .not_after = absl::Seconds(50)});
  ASSERT_OK_AND_ASSIGN(const LeaseResult result, Lease(Command()));
  EXPECT_EQ(result.leased.at(0).next, now_ + absl::Seconds(50));
}

TEST_P(DeliveryTest, AWordIsAppliedOnce) {
  Add({.id = "r1"});
  ASSERT_OK_AND_ASSIGN(const LeaseResult leased, Lease(Command()));
  const int64_t token = leased.lease_token;
  ASSERT_OK_AND_ASSIGN(Verdict verdict, Complete("r1", token, AttemptOutcome::kSent));
  EXPECT_EQ(verdict.verdict, LeaseVerdict::kApplied);
  EXPECT_EQ(Rows("state = 3 AND sent_us IS NOT NULL"), 1);
  EXPECT_EQ(Attempts("outcome = 1 AND ended_us IS NOT NULL"), 1);
  ASSERT_OK_AND_ASSIGN(verdict, Complete("r1", token, AttemptOutcome::kSent));
  EXPECT_EQ(verdict.verdict, LeaseVerdict::kRepeated);
  ASSERT_OK_AND_ASSIGN(verdict, Complete("r1", token, AttemptOutcome::kDead));
  EXPECT_EQ(verdict.verdict, LeaseVerdict::kLost);
  ASSERT_OK_AND_ASSIGN(verdict, Complete("r1", token + 1, AttemptOutcome::kSent));
  EXPECT_EQ(verdict.verdict, LeaseVerdict::kLost);
  ASSERT_OK_AND_ASSIGN(verdict, Complete("absent", token, AttemptOutcome::kSent));
  EXPECT_EQ(verdict.verdict, LeaseVerdict::kNotFound);
  EXPECT_EQ(verdict.state, ReminderState::kUnspecified);
  EXPECT_EQ(Rows("state = 3"), 1);
}

TEST_P(DeliveryTest, ARetryWaitsAndIsGivenAgainUnderANewToken) {
  Add({.id = "r1"});
  ASSERT_OK_AND_ASSIGN(const LeaseResult leased, Lease(Command()));
  ASSERT_OK_AND_ASSIGN(Verdict verdict, Complete("r1", leased.lease_token, AttemptOutcome::kRetry));
  EXPECT_EQ(verdict.state, ReminderState::kScheduled);
  EXPECT_EQ(Attempts("outcome = 2 AND reason = 'WHY'"), 1);
  EXPECT_THAT(LeasedIds(Command()), IsEmpty());
  Lapse("r1");
  ASSERT_OK_AND_ASSIGN(const LeaseResult again, Lease(Command()));
  EXPECT_EQ(again.leased.at(0).attempt, 2);
  EXPECT_EQ(again.leased.at(0).generation, 1);
  EXPECT_GT(again.lease_token, leased.lease_token);
  ASSERT_OK_AND_ASSIGN(verdict, Complete("r1", leased.lease_token, AttemptOutcome::kSent));
  EXPECT_EQ(verdict.verdict, LeaseVerdict::kLost);
  EXPECT_EQ(verdict.state, ReminderState::kLeased);
}

TEST_P(DeliveryTest, ALeaseWithoutAWordIsSweptAndGivenAgain) {
  Add({.id = "r1"});
  ASSERT_OK_AND_ASSIGN(const LeaseResult leased, Lease(Command()));
  Lapse("r1");
  EXPECT_THAT(LeasedIds(Command()), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const SweepResult swept, SweepNow());
  EXPECT_EQ(swept.lapsed, 1);
  ASSERT_EQ(swept.changes.size(), 1);
  EXPECT_TRUE(swept.changes[0].next.has_value());
  EXPECT_EQ(Attempts("outcome = 4 AND ended_us IS NOT NULL"), 1);
  // Late, and nobody has it: taken.
  ASSERT_OK_AND_ASSIGN(Verdict verdict, Complete("r1", leased.lease_token, AttemptOutcome::kSent));
  EXPECT_EQ(verdict.verdict, LeaseVerdict::kApplied);
  EXPECT_EQ(Rows("state = 3"), 1);
  EXPECT_EQ(Attempts("outcome = 1"), 1);
}

TEST_P(DeliveryTest, AConsumerThatNeverSpeaksMakesADeadLetter) {
  Add({.id = "r1", .max_attempts = 2});
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(LeasedIds(Command()).size(), 1);
    Lapse("r1");
    ASSERT_OK(SweepNow());
  }
  EXPECT_EQ(Rows("state = 4 AND why_not = 8"), 1);
  EXPECT_EQ(Attempts("outcome = 4"), 2);
}

TEST_P(DeliveryTest, WhatMayHaveBeenSentIsHeldWhereThePolicySaysSo) {
  Add({.id = "r1", .hold_unknown = true});
  ASSERT_OK_AND_ASSIGN(const LeaseResult leased, Lease(Command()));
  Lapse("r1");
  ASSERT_OK_AND_ASSIGN(const SweepResult swept, SweepNow());
  EXPECT_EQ(swept.dead, 1);
  EXPECT_FALSE(swept.changes.at(0).next.has_value());
  EXPECT_EQ(Rows("state = 4 AND why_not = 12"), 1);
  EXPECT_THAT(LeasedIds(Command()), IsEmpty());
  ASSERT_OK_AND_ASSIGN(Verdict verdict, Complete("r1", leased.lease_token, AttemptOutcome::kSent));
  EXPECT_EQ(verdict.verdict, LeaseVerdict::kApplied);
  EXPECT_EQ(Rows("state = 3"), 1);
}

TEST_P(DeliveryTest, WhatIsTooLateIsSuppressed) {
  Add({.id = "late", .not_after = -absl::Seconds(1)});
  Add({.id = "in-time", .course = "k2"});
  ASSERT_OK_AND_ASSIGN(const SweepResult swept, SweepNow());
  EXPECT_EQ(swept.too_late, 1);
  EXPECT_EQ(Rows("reminder_id = 'late' AND state = 6 AND why_not = 2"), 1);
  EXPECT_EQ(Rows("reminder_id = 'in-time' AND state = 1"), 1);
}

TEST_P(DeliveryTest, ARewrittenReminderTellsItsGatewayAndGoesOutAnew) {
  Add({.id = "r1"});
  ASSERT_OK_AND_ASSIGN(const LeaseResult leased, Lease(Command()));
  ASSERT_OK(Sql("UPDATE reminders SET state = 1, generation = 2, attempt = 0"));
  Lapse("r1");
  ASSERT_OK_AND_ASSIGN(Verdict verdict, Complete("r1", leased.lease_token, AttemptOutcome::kSent));
  EXPECT_EQ(verdict.verdict, LeaseVerdict::kSuperseded);
  EXPECT_EQ(Rows("state = 1"), 1);
  EXPECT_EQ(Attempts("generation = 1 AND outcome = 5"), 1);
  ASSERT_OK_AND_ASSIGN(const LeaseResult again, Lease(Command()));
  EXPECT_EQ(again.leased.at(0).generation, 2);
  EXPECT_EQ(again.leased.at(0).attempt, 1);
}

TEST_P(DeliveryTest, ExtendsWhatIsHeld) {
  Add({.id = "r1"});
  ASSERT_OK_AND_ASSIGN(const LeaseResult leased, Lease(Command()));
  const auto extend = [&](const std::string& id, int64_t token) {
    return Write([&](SchedulingTx& tx) {
      return ExtendLeases(tx.delivery(), "c1", {{id, token}}, absl::Minutes(5), Clock());
    });
  };
  ASSERT_OK_AND_ASSIGN(WordResult result, extend("r1", leased.lease_token));
  EXPECT_EQ(result.verdicts[0].verdict, LeaseVerdict::kApplied);
  EXPECT_GE(result.verdicts[0].lease_until, now_ + absl::Minutes(5));
  EXPECT_EQ(Rows(absl::StrCat("next_us >= ", ToMicros(now_ + absl::Minutes(5)))), 1);
  ASSERT_OK_AND_ASSIGN(result, extend("r1", leased.lease_token - 1));
  EXPECT_EQ(result.verdicts[0].verdict, LeaseVerdict::kLost);
  ASSERT_OK_AND_ASSIGN(result, extend("absent", 1));
  EXPECT_EQ(result.verdicts[0].verdict, LeaseVerdict::kNotFound);
}

TEST_P(DeliveryTest, KeepsWhatBecameOfIt) {
  Add({.id = "r1"});
  const auto report = [&](DeliveryOutcome outcome) {
    return Write([&](SchedulingTx& tx) {
      return ReportDeliveries(tx.delivery(), "c1",
                              {{.reminder_id = "r1", .outcome = outcome, .time = now_}}, Clock());
    });
  };
  ASSERT_OK_AND_ASSIGN(WordResult result, report(DeliveryOutcome::kDelivered));
  EXPECT_EQ(result.verdicts[0].verdict, LeaseVerdict::kLost);
  ASSERT_OK_AND_ASSIGN(const LeaseResult leased, Lease(Command()));
  ASSERT_OK(Complete("r1", leased.lease_token, AttemptOutcome::kSent));
  ASSERT_OK_AND_ASSIGN(result, report(DeliveryOutcome::kDelivered));
  EXPECT_EQ(result.verdicts[0].verdict, LeaseVerdict::kApplied);
  ASSERT_OK_AND_ASSIGN(result, report(DeliveryOutcome::kDelivered));
  EXPECT_EQ(result.verdicts[0].verdict, LeaseVerdict::kRepeated);
  EXPECT_EQ(Rows(absl::StrCat("delivery = 1 AND delivery_us = ", ToMicros(now_))), 1);
}

TEST_P(DeliveryTest, PagesAndCountsTheQueue) {
  for (int i = 0; i < 7; ++i) {
    Add({.id = absl::StrCat("r", i), .due = absl::Minutes(i / 2 - 1)});
  }
  std::vector<std::string> seen;
  QueueEntry last;
  last.next = absl::UnixEpoch();
  while (true) {
    ASSERT_OK_AND_ASSIGN(const auto page, Read([&](SchedulingReader& reader) {
                           return reader.queue().QueuePage("c1", last.next, last.reminder_id,
                                                           now_ + absl::Minutes(2), 2);
                         }));
    if (page.empty()) break;
    for (const QueueEntry& entry : page) seen.push_back(entry.reminder_id);
    last = page.back();
  }
  EXPECT_THAT(seen, ElementsAre("r0", "r1", "r2", "r3", "r4", "r5"));
  ASSERT_OK_AND_ASSIGN(const auto heads,
                       Read([](SchedulingReader& reader) { return reader.queue().QueueHeads(); }));
  ASSERT_EQ(heads.size(), 1);
  EXPECT_EQ(heads[0].clinic_id, "c1");
  EXPECT_EQ(heads[0].next, now_ - absl::Minutes(1));
  ASSERT_EQ(LeasedIds(Command()).size(), 1);
  ASSERT_OK_AND_ASSIGN(const QueueCounts counts, Read([&](SchedulingReader& reader) {
                         return reader.queue().CountQueue(absl::Now(), 1000);
                       }));
  EXPECT_EQ(counts.leased, 1);
  EXPECT_EQ(counts.due, 3);
  EXPECT_EQ(counts.dead, 0);
}

TEST_P(DeliveryTest, ARestoreGivesTheQueueAnotherEpoch) {
  const auto epoch = [&] {
    const auto read = Read([](SchedulingReader& reader) { return reader.queue().QueueEpoch(); });
    EXPECT_OK(read);
    return read.value_or("");
  };
  const std::string before = epoch();
  EXPECT_FALSE(before.empty());
  Add({.id = "r1"});
  EXPECT_EQ(epoch(), before);
  ASSERT_OK(db_->Write({}, storage::outbox::MarkRestored));
  EXPECT_NE(epoch(), before);
}

// Eight claimers at once over one queue, each word said twice: every reminder is given once, no
// course is out twice, and each outcome is applied once.
TEST_P(DeliveryTest, ManyClaimersShareTheQueue) {
  constexpr int kCourses = 20;
  constexpr int kEach = 6;
  for (int c = 0; c < kCourses; ++c) {
    Course course = SampleCourse(absl::StrCat("kc", c), "p1", "t1");
    course.state = CourseState::kCompleted;  // one patient has one open course
    ASSERT_OK(Insert(course));
    for (int i = 0; i < kEach; ++i) {
      Add({.id = absl::StrCat("r", c, "-", i),
           .course = course.course_id,
           .due = -absl::Minutes(10 - i)});
    }
  }
  std::mutex mutex;
  std::map<std::string, int> given;
  std::map<std::string, int> applied;
  std::map<std::string, std::vector<std::string>> order;
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      const absl::Time end = absl::Now() + absl::Seconds(60);
      while (done < kCourses * kEach && absl::Now() < end) {
        LeaseCommand command = Command(1 + static_cast<int>(random() % 8));
        if (t % 2 == 0) {  // by what an index would say, in any state of truth
          command.candidates.emplace();
          for (int i = 0; i < 10; ++i) {
            command.candidates->push_back(
                absl::StrCat("r", random() % kCourses, "-", random() % kEach));
          }
          std::sort(command.candidates->begin(), command.candidates->end());
          command.candidates->erase(
              std::unique(command.candidates->begin(), command.candidates->end()),
              command.candidates->end());
        }
        const auto leased = Lease(command);
        ASSERT_OK(leased);
        {
          std::lock_guard<std::mutex> lock(mutex);
          std::set<std::string> courses;
          for (const Reminder& reminder : leased->leased) {
            ++given[reminder.reminder_id];
            EXPECT_TRUE(courses.insert(reminder.course_id).second);
            order[reminder.course_id].push_back(reminder.reminder_id);
          }
        }
        for (const Reminder& reminder : leased->leased) {
          for (int say = 0; say < 2; ++say) {
            const auto verdict =
                Complete(reminder.reminder_id, reminder.lease_token, AttemptOutcome::kSent);
            ASSERT_OK(verdict);
            if (verdict->verdict != LeaseVerdict::kApplied) continue;
            ++done;
            std::lock_guard<std::mutex> lock(mutex);
            ++applied[reminder.reminder_id];
          }
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(given.size(), kCourses * kEach);
  for (const auto& [id, times] : given) EXPECT_EQ(times, 1) << id;
  for (const auto& [id, times] : applied) EXPECT_EQ(times, 1) << id;
  for (const auto& [course, ids] : order) {
    EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end())) << course;
  }
  EXPECT_EQ(Rows("state = 3"), kCourses * kEach);
  EXPECT_EQ(Attempts("outcome = 1"), kCourses * kEach);
}

}  // namespace
}  // namespace ipt::scheduling
