#include <algorithm>
#include <vector>

#include "scheduling/storage/reminder_purge.h"
#include "tests/scheduling/storage/scheduling_store_conformance.h"

namespace ipt::scheduling {
namespace {

class RecordingListener final : public QueueListener {
 public:
  void OnQueueChanged(const std::vector<QueueChange>& changes) override {
    for (const QueueChange& c : changes) {
      told.push_back(absl::StrCat(c.clinic_id, "/", c.reminder_id, ":", c.generation,
                                  c.next.has_value() ? " in" : " out"));
    }
  }
  std::vector<std::string> told;
};

class RemindersTest : public SchedulingStoreTest {
 protected:
  void SetUp() override {
    AddCourses();
    store_.SetQueueListener(&listener_);
  }

  absl::StatusOr<std::vector<Reminder>> Put(std::vector<Reminder> reminders) {
    return Write([&](SchedulingTx& tx) -> absl::StatusOr<std::vector<Reminder>> {
      std::vector<Reminder> copy = reminders;
      IPT_RETURN_IF_ERROR(tx.InsertReminders(copy, Now()));
      return copy;
    });
  }
  absl::Status Change(std::vector<Reminder> reminders) {
    return Write([&](SchedulingTx& tx) { return tx.UpdateReminders(reminders, At(5)); });
  }
  Reminder Get(absl::string_view id) {
    auto found = Read([&](SchedulingReader& r) { return r.GetReminder("c1", id); });
    EXPECT_OK(found);
    return found.value_or(Reminder());
  }
  std::vector<std::string> Ids(const ReminderFilter& filter,
                               const std::optional<ReminderCursor>& after = std::nullopt,
                               int limit = 100) {
    const auto found =
        Read([&](SchedulingReader& r) { return r.ListReminders("c1", filter, after, limit); });
    EXPECT_OK(found);
    std::vector<std::string> ids;
    for (const Reminder& reminder : *found) ids.push_back(reminder.reminder_id);
    return ids;
  }

  RecordingListener listener_;
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(RemindersTest);

// Of course k1, due `due` minutes from At(0).
Reminder SampleReminder(const std::string& id, int due = 0) {
  Reminder reminder;
  reminder.clinic_id = "c1";
  reminder.reminder_id = id;
  reminder.course_id = "k1";
  reminder.key = {id, ReminderKind::kSession, ReminderAudience::kPatient, 120, 0};
  reminder.therapist_id = "t1";
  reminder.patient_id = "p1";
  reminder.generation = 1;
  reminder.due = reminder.next = At(due);
  reminder.not_after = At(due + 120);
  reminder.state = ReminderState::kScheduled;
  reminder.max_attempts = 8;
  reminder.channels = {ReminderChannel::kSms};
  reminder.template_key = "session";
  reminder.variables.time_zone = "Europe/Berlin";
  reminder.quiet_from = kNoQuietTime;
  reminder.policy_version = 1;
  return reminder;
}

TEST_P(RemindersTest, ReadBackAsWritten) {
  Reminder full = SampleReminder("");
  full.key = {"s1", ReminderKind::kDeadlineAhead, ReminderAudience::kTherapist, 40320, 1LL << 40};
  full.test = true;
  full.generation = 1LL << 40;
  full.due += absl::Microseconds(1);
  full.state = ReminderState::kSuppressed;
  full.why_not = ReminderWhyNot::kBornLate;
  full.attempt = 3;
  full.max_attempts = 20;
  full.hold_unknown = true;
  full.lease_token = 1LL << 50;
  full.channels = {ReminderChannel::kLetter, ReminderChannel::kSms};
  full.template_key = "a.b-c_D";
  full.language = "en-GB";
  full.note = kHardText;
  full.variables = {.session_start = At(9) + absl::Microseconds(3),
                    .session_end = At(59),
                    .time_zone = "Australia/Lord_Howe",
                    .modality = Modality::kVideo,
                    .location = kHardText,
                    .session_number = 7,
                    .day = absl::CivilDay(2026, 12, 31),
                    .weeks = 4};
  full.quiet_hours = QuietHours{1200, 480, QuietHoursShift::kUnspecified};
  full.quiet_from = At(77);
  full.policy_version = 1LL << 33;
  const auto stored = Put({full});
  ASSERT_OK(stored);
  const std::string id = stored->front().reminder_id;
  EXPECT_EQ(id.size(), 36);
  full.reminder_id = id;
  full.patient = {"urn:mrn", "value-p1"};
  full.create_time = full.update_time = Now();
  EXPECT_EQ(Get(id), full);

  Reminder changed = full;
  changed.therapist_id = "t2";
  changed.patient_id = "p2";
  changed.generation += 1;
  changed.due = changed.next = At(50);
  changed.not_after = At(60);
  changed.state = ReminderState::kScheduled;
  changed.why_not = ReminderWhyNot::kUnspecified;
  changed.attempt = 0;
  changed.max_attempts = 1;
  changed.hold_unknown = false;
  changed.channels = {ReminderChannel::kPush};
  changed.template_key = "other";
  changed.language = "";
  changed.note = "";
  changed.variables.location = "";
  changed.quiet_hours.reset();
  changed.quiet_from = kNoQuietTime;
  changed.policy_version = 2;
  ASSERT_OK(Change({changed}));
  changed.patient = {"urn:mrn", "value-p2"};
  changed.update_time = At(5);
  EXPECT_EQ(Get(id), changed);
}

TEST_P(RemindersTest, ManyGoInOneStatement) {
  std::vector<Reminder> many;
  for (int i = 0; i < 300; ++i) many.push_back(SampleReminder(absl::StrCat("r", 1000 + i), i));
  ASSERT_OK(Put(many));
  EXPECT_EQ(Count("reminders"), 300);
  for (Reminder& reminder : many) {
    reminder.generation = 2;
    reminder.due += absl::Hours(1);
  }
  ASSERT_OK(Change(many));
  EXPECT_EQ(Count("reminders WHERE generation = 2"), 300);
  EXPECT_EQ(Get("r1299").due, At(299 + 60));
}

TEST_P(RemindersTest, ThereIsOneOfEachKey) {
  Reminder reminder = SampleReminder("r1");
  ASSERT_OK(Put({reminder}));
  reminder.reminder_id = "r2";
  EXPECT_THAT(Put({reminder}), StatusIs(absl::StatusCode::kAlreadyExists));
  reminder.key.occurrence = 1;
  EXPECT_OK(Put({reminder}));
}

TEST_P(RemindersTest, ListsAreByDueTimeAndFiltered) {
  std::vector<Reminder> some = {SampleReminder("b", 10), SampleReminder("a", 10),
                                SampleReminder("c", 5), SampleReminder("d", 20)};
  some[2].course_id = "k2";
  some[3].state = ReminderState::kDead;
  some[1].key.kind = ReminderKind::kOverdue;
  ASSERT_OK(Put(some));
  EXPECT_THAT(Ids({}), ElementsAre("c", "a", "b", "d"));
  EXPECT_THAT(Ids({}, std::nullopt, 2), ElementsAre("c", "a"));
  EXPECT_THAT(Ids({}, ReminderCursor{At(10), "a"}), ElementsAre("b", "d"));
  ReminderFilter filter;
  filter.course_id = "k1";
  EXPECT_THAT(Ids(filter), ElementsAre("a", "b", "d"));
  filter = {};
  filter.states = {ReminderState::kDead, ReminderState::kSent};
  EXPECT_THAT(Ids(filter), ElementsAre("d"));
  filter = {};
  filter.kinds = {ReminderKind::kOverdue};
  EXPECT_THAT(Ids(filter), ElementsAre("a"));
  filter = {};
  filter.due_from = At(10);
  filter.due_before = At(20);
  EXPECT_THAT(Ids(filter), ElementsAre("a", "b"));
}

TEST_P(RemindersTest, ACoursesAreLockedWithItsTests) {
  std::vector<Reminder> some = {SampleReminder("a"), SampleReminder("b"), SampleReminder("c")};
  some[1].test = true;
  some[2].course_id = "k2";
  ASSERT_OK(Put(some));
  const auto locked = Write([](SchedulingTx& tx) { return tx.LockReminders("c1", "k1"); });
  ASSERT_OK(locked);
  EXPECT_EQ(locked->size(), 2);
  const auto one = Write([](SchedulingTx& tx) { return tx.LockReminder("c1", "c"); });
  ASSERT_OK(one);
  EXPECT_EQ(one->course_id, "k2");
  EXPECT_THAT(Write([](SchedulingTx& tx) { return tx.LockReminder("c1", "none"); }),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(RemindersTest, KeepingMarksWhatWaits) {
  std::vector<Reminder> some = {SampleReminder("a"), SampleReminder("b"), SampleReminder("c")};
  some[1].state = ReminderState::kSent;
  some[2].course_id = "k2";
  ASSERT_OK(Put(some));
  ASSERT_OK(Write([](SchedulingTx& tx) { return tx.KeepReminders("c1", "k1", 9); }));
  EXPECT_EQ(Get("a").policy_version, 9);
  EXPECT_EQ(Get("b").policy_version, 1);
  EXPECT_EQ(Get("c").policy_version, 1);
}

TEST_P(RemindersTest, ARewritingEndsTheAttemptUnderWay) {
  Reminder reminder = SampleReminder("a");
  reminder.lease_token = 4;
  ASSERT_OK(Put({reminder}));
  ASSERT_OK(Sql(
      "INSERT INTO reminder_attempts (clinic_id, reminder_id, generation, attempt, lease_token, "
      "caller, leased_us, ended_us, outcome, reason) VALUES "
      "('c1', 'a', 1, 1, 3, 'gw', 100, 200, 2, 'BUSY'), ('c1', 'a', 1, 2, 4, 'gw', 300, NULL, 0, "
      "''), ('c1', 'a', 2, 1, 5, 'gw', 400, NULL, 0, '')"));
  reminder.generation = 2;
  ASSERT_OK(Change({reminder}));
  const auto attempts = Read([](SchedulingReader& r) { return r.ListAttempts("c1", "a"); });
  ASSERT_OK(attempts);
  ASSERT_EQ(attempts->size(), 3);
  const DeliveryAttempt first = {.generation = 1,
                                 .attempt = 1,
                                 .lease_token = 3,
                                 .caller = "gw",
                                 .lease_time = absl::FromUnixMicros(100),
                                 .end_time = absl::FromUnixMicros(200),
                                 .outcome = AttemptOutcome::kRetry,
                                 .reason = "BUSY"};
  EXPECT_EQ((*attempts)[0], first);
  EXPECT_EQ((*attempts)[1].outcome, AttemptOutcome::kSuperseded);
  EXPECT_EQ((*attempts)[1].end_time, At(5));
  EXPECT_EQ((*attempts)[2].outcome, AttemptOutcome::kUnspecified);
}

TEST_P(RemindersTest, TheNewestAttemptHasTheLastReason) {
  Reminder failed = SampleReminder("a");
  failed.attempt = 2;
  Reminder other = SampleReminder("b");
  other.course_id = "k2";
  ASSERT_OK(Put({failed}));
  ASSERT_OK(Put({other}));
  ASSERT_OK(Sql(
      "INSERT INTO reminder_attempts (clinic_id, reminder_id, generation, attempt, lease_token, "
      "caller, leased_us, ended_us, outcome, reason) VALUES "
      "('c1', 'a', 1, 1, 3, 'gw', 100, 200, 2, 'BUSY'), ('c1', 'a', 1, 2, 4, 'gw', 300, 400, 3, "
      "'NO_ADDRESS'), ('c1', 'b', 0, 1, 2, 'gw', 300, 400, 2, 'OLD')"));
  const auto reasons = Read([](SchedulingReader& r) {
    return r.LastReasons("c1", {"b", "a", "absent"});
  });
  ASSERT_OK(reasons);
  EXPECT_EQ(*reasons, (std::vector<std::string>{"", "NO_ADDRESS", ""}));
}

TEST_P(RemindersTest, TheQueueIsCounted) {
  std::vector<Reminder> some;
  const auto add = [&](ReminderState state, int next, int attempt = 0) {
    some.push_back(SampleReminder(absl::StrCat("r", some.size()), next));
    some.back().state = state;
    some.back().attempt = attempt;
  };
  add(ReminderState::kScheduled, 10);
  add(ReminderState::kScheduled, 20, 1);
  add(ReminderState::kScheduled, -10);
  add(ReminderState::kScheduled, -20, 2);
  add(ReminderState::kLeased, 1);
  add(ReminderState::kDead, 0);
  add(ReminderState::kSent, 0);
  add(ReminderState::kSent, 0);
  add(ReminderState::kCancelled, 0);
  ASSERT_OK(Put(some));
  ASSERT_OK(Sql(absl::StrCat("UPDATE reminders SET sent_us = ", absl::ToUnixMicros(At(-5)),
                             " WHERE reminder_id = 'r6'")));
  const auto counts = Read([](SchedulingReader& r) -> absl::StatusOr<ReminderCounts> {
    return r.CountReminders("c1", At(0));
  });
  ASSERT_OK(counts);
  EXPECT_EQ(counts->scheduled, 2);
  EXPECT_EQ(counts->due, 2);
  EXPECT_EQ(counts->leased, 1);
  EXPECT_EQ(counts->retrying, 2);
  EXPECT_EQ(counts->dead, 1);
  EXPECT_EQ(counts->sent_day, 1);
  EXPECT_EQ(counts->oldest_due, At(-20));
  EXPECT_EQ(counts->next_due, At(10));
  const auto none = Read([](SchedulingReader& r) -> absl::StatusOr<ReminderCounts> {
    return r.CountReminders("c2", At(0));
  });
  ASSERT_OK(none);
  EXPECT_EQ(none->oldest_due, std::nullopt);
  EXPECT_EQ(none->next_due, std::nullopt);
}

TEST_P(RemindersTest, WhatIsOverIsPurgedByAge) {
  const auto purge = [&](absl::Time before, int64_t limit) {
    int64_t deleted = -1;
    EXPECT_OK(db_->Write({}, [&](storage::Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(deleted, PurgeReminders(conn, before, limit));
      return absl::OkStatus();
    }));
    return deleted;
  };
  std::vector<Reminder> some;
  for (const char* id : {"a", "b", "c", "waits"}) {
    some.push_back(SampleReminder(id));
    some.back().state = ReminderState::kSent;
  }
  some[2].course_id = "k2";
  some[3].state = ReminderState::kScheduled;
  ASSERT_OK(Put(some));
  ASSERT_OK(
      Sql("INSERT INTO reminder_attempts (clinic_id, reminder_id, generation, attempt, "
          "lease_token, caller, leased_us, ended_us, outcome, reason) VALUES "
          "('c1', 'a', 1, 1, 3, 'gw', 100, 200, 1, ''), ('c1', 'a', 1, 2, 3, 'gw', 300, 400, 1, "
          "'')"));
  EXPECT_EQ(purge(absl::FromUnixMicros(301), 1), 1);
  EXPECT_EQ(Count("reminder_attempts"), 1);
  EXPECT_EQ(purge(At(1), 10), 1) << "an attempt; both courses are open";
  EXPECT_EQ(Count("reminders"), 4);
  ASSERT_OK(Sql("UPDATE courses SET open = 0, state = 4 WHERE course_id = 'k1'"));
  EXPECT_EQ(purge(At(0), 10), 0);  // not old enough
  EXPECT_EQ(purge(At(1), 1), 1);
  EXPECT_EQ(purge(At(1), 10), 1);
  EXPECT_THAT(Ids({}), UnorderedElementsAre("c", "waits"));
}

TEST_P(RemindersTest, TheListenerHearsOfWhatWasCommitted) {
  Reminder reminder = SampleReminder("a");
  Reminder suppressed = SampleReminder("b");
  suppressed.state = ReminderState::kSuppressed;
  ASSERT_OK(Put({reminder, suppressed}));
  EXPECT_THAT(std::exchange(listener_.told, {}), ElementsAre("c1/a:1 in"));
  const absl::Status refused = Write([&](SchedulingTx& tx) -> absl::Status {
    std::vector<Reminder> copy = {reminder};
    IPT_RETURN_IF_ERROR(tx.UpdateReminders(copy, At(5)));
    return absl::CancelledError();
  });
  EXPECT_FALSE(refused.ok());
  EXPECT_THAT(listener_.told, IsEmpty());
  reminder.generation = 2;
  reminder.state = ReminderState::kCancelled;
  ASSERT_OK(Change({reminder}));
  EXPECT_THAT(listener_.told, ElementsAre("c1/a:2 out"));
}

}  // namespace
}  // namespace ipt::scheduling
