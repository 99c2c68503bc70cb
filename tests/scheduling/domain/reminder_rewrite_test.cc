#include "scheduling/domain/reminder_rewrite.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "scheduling/domain/reminder_plan.h"
#include "scheduling/domain/reminder_policy.h"
#include "tests/scheduling/domain/course_fixture.h"

namespace ipt::scheduling {
namespace {

using absl::CivilDay;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int kDay = 24 * 60;

// A store of one course: Rewrite() applies what is to be done to `rows_`.
class ReminderRewriteTest : public ::testing::Test {
 protected:
  void SetUp() override {
    course_.state = CourseState::kActive;
    course_.stamp.create_time = Noon(CivilDay(2026, 6, 1));
    course_.progress.deadline_day = CivilDay(2026, 9, 1);
    policy_.session_rules = {Rule(2 * kDay), Rule(120)};
    sessions_ = {SessionAt(Noon(CivilDay(2026, 6, 10)))};
    Clock(CivilDay(2026, 6, 1), 12);
  }

  static absl::TimeZone zone() { return Zone("Europe/London"); }
  static absl::Time Noon(CivilDay day) { return At(day, 12, 0, zone()); }
  void Clock(CivilDay day, int hour, int minute = 0) { now_ = At(day, hour, minute, zone()); }
  static SessionReminderRule Rule(int minutes) {
    return {ReminderAudience::kPatient, minutes, {ReminderChannel::kSms}, "session"};
  }
  void Move(absl::Time start) { sessions_[0].interval = {start, start + absl::Minutes(50)}; }

  // How many rows were written.
  size_t Rewrite() {
    const NamedZone zone = {"Europe/London", this->zone()};
    const auto desired = DesiredReminders({.course = course_,
                                           .sessions = sessions_,
                                           .policy = policy_,
                                           .preferences = preferences_,
                                           .course_zone = zone.zone,
                                           .patient_zone = zone,
                                           .therapist_zone = zone,
                                           .now = now_});
    const ReminderRewrite rewrite =
        RewriteReminders(course_, sessions_, policy_, desired, rows_, now_);
    for (const Reminder& changed : rewrite.updated) {
      Reminder& row = Row(changed.reminder_id);
      EXPECT_GT(changed.generation, row.generation);
      EXPECT_EQ(changed.key, row.key);
      row = changed;
    }
    for (Reminder reminder : rewrite.inserted) {
      EXPECT_EQ(reminder.generation, 1);
      reminder.reminder_id = absl::StrCat("r", rows_.size());
      rows_.push_back(reminder);
    }
    return rewrite.inserted.size() + rewrite.updated.size();
  }
  Reminder& Row(absl::string_view id) {
    return *std::find_if(rows_.begin(), rows_.end(),
                         [&](const Reminder& row) { return row.reminder_id == id; });
  }
  // The one of the rule of that many minutes.
  Reminder& Of(int minutes) {
    return *std::find_if(rows_.begin(), rows_.end(),
                         [&](const Reminder& row) { return row.key.offset_minutes == minutes; });
  }
  void Lease(Reminder& row) {
    row.state = ReminderState::kLeased;
    row.attempt = 1;
    row.lease_token = 77;
  }
  void Send(Reminder& row) {
    Lease(row);
    row.state = ReminderState::kSent;
    row.sent_time = now_;
  }

  Course course_ = WeeklyCourse("Europe/London");
  std::vector<Session> sessions_;
  ReminderPolicy policy_;
  ContactPreferences preferences_;
  std::vector<Reminder> rows_;
  absl::Time now_;
};

TEST_F(ReminderRewriteTest, MakesWhatIsWantedOnce) {
  EXPECT_EQ(Rewrite(), 2);
  EXPECT_EQ(Of(2 * kDay).due, Noon(CivilDay(2026, 6, 8)));
  EXPECT_EQ(Of(2 * kDay).next, Noon(CivilDay(2026, 6, 8)));
  EXPECT_EQ(Of(120).due, At(CivilDay(2026, 6, 10), 10, 0, zone()));
  EXPECT_EQ(Rewrite(), 0);
  Clock(CivilDay(2026, 6, 8), 13);  // due, not yet leased
  EXPECT_EQ(Rewrite(), 0);
  Clock(CivilDay(2026, 6, 11), 0);  // too late, though nobody has said so yet
  EXPECT_EQ(Rewrite(), 0);
}

TEST_F(ReminderRewriteTest, AMovedSessionMovesItsReminders) {
  Rewrite();
  Move(Noon(CivilDay(2026, 6, 12)));
  EXPECT_EQ(Rewrite(), 2);
  EXPECT_EQ(Of(2 * kDay).due, Noon(CivilDay(2026, 6, 10)));
  EXPECT_EQ(Of(2 * kDay).generation, 2);
  EXPECT_EQ(Of(2 * kDay).variables.session_start, Noon(CivilDay(2026, 6, 12)));
  EXPECT_EQ(Of(2 * kDay).not_after, Noon(CivilDay(2026, 6, 12)));
}

TEST_F(ReminderRewriteTest, AChangeUnderALeaseIsANewGenerationWithTheOldToken) {
  Rewrite();
  Clock(CivilDay(2026, 6, 8), 12);
  Lease(Of(2 * kDay));
  sessions_[0].location = "room 5";
  EXPECT_EQ(Rewrite(), 2);
  const Reminder& row = Of(2 * kDay);
  EXPECT_EQ(row.state, ReminderState::kScheduled);
  EXPECT_EQ(row.generation, 2);
  EXPECT_EQ(row.lease_token, 77);
  EXPECT_EQ(row.attempt, 0);
  EXPECT_EQ(row.next, now_);  // still to be sent
  EXPECT_EQ(row.variables.location, "room 5");
}

TEST_F(ReminderRewriteTest, ACancelledSessionWithdrawsThem) {
  Rewrite();
  sessions_[0].state = SessionState::kCancelled;
  EXPECT_EQ(Rewrite(), 2);
  for (const Reminder& row : rows_) {
    EXPECT_EQ(row.state, ReminderState::kCancelled);
    EXPECT_EQ(row.why_not, ReminderWhyNot::kSessionGone);
    EXPECT_EQ(row.generation, 2);
  }
  EXPECT_EQ(Rewrite(), 0);
}

TEST_F(ReminderRewriteTest, SaysWhyAReminderWasWithdrawn) {
  policy_.course_rules = DefaultReminderPolicy().course_rules;
  Rewrite();
  ReminderPolicy without = policy_;
  without.session_rules.pop_back();
  std::swap(policy_, without);
  EXPECT_EQ(Rewrite(), 1);
  EXPECT_EQ(Of(120).why_not, ReminderWhyNot::kNoRule);
  std::swap(policy_, without);
  EXPECT_EQ(Rewrite(), 1);
  EXPECT_EQ(Of(120).state, ReminderState::kScheduled);

  Clock(CivilDay(2026, 6, 10), 13);  // the session is on, its reminders were never fetched
  course_.state = CourseState::kDiscontinued;
  EXPECT_EQ(Rewrite(), rows_.size());
  for (const Reminder& row : rows_) {
    if (row.key.kind == ReminderKind::kSession) {
      EXPECT_EQ(row.state, ReminderState::kSuppressed);
      EXPECT_EQ(row.why_not, ReminderWhyNot::kTooLate);
    } else {
      EXPECT_EQ(row.state, ReminderState::kCancelled);
      EXPECT_EQ(row.why_not, ReminderWhyNot::kCourseClosed);
    }
  }
}

TEST_F(ReminderRewriteTest, WhatWasSentStaysSentUntilTheSessionMoves) {
  Rewrite();
  Clock(CivilDay(2026, 6, 8), 12, 1);
  Send(Of(2 * kDay));
  sessions_[0].location = "room 5";  // not worth a second message
  EXPECT_EQ(Rewrite(), 1);
  EXPECT_EQ(Of(2 * kDay).state, ReminderState::kSent);
  Move(Noon(CivilDay(2026, 6, 17)));
  EXPECT_EQ(Rewrite(), 2);
  EXPECT_EQ(Of(2 * kDay).state, ReminderState::kScheduled);
  EXPECT_EQ(Of(2 * kDay).generation, 2);
  EXPECT_EQ(Of(2 * kDay).due, Noon(CivilDay(2026, 6, 15)));
  EXPECT_TRUE(Of(2 * kDay).sent_time.has_value());
}

TEST_F(ReminderRewriteTest, OfLateRemindersOnlyTheNearestIsSent) {
  struct Case {
    int hours_ahead;  // of the session, when it is booked
    const char* far;
    const char* near;
  };
  const std::vector<Case> cases = {
      {72, "SCHEDULED", "SCHEDULED"},
      {30, "BORN_LATE", "SCHEDULED"},  // the near one is still to come
      {1, "BORN_LATE", "NOW"},         // half of its two hours are left
  };
  for (const Case& c : cases) {
    rows_.clear();
    now_ = sessions_[0].interval.start - absl::Hours(c.hours_ahead);
    Rewrite();
    const auto word = [&](const Reminder& row) -> std::string {
      if (row.why_not == ReminderWhyNot::kBornLate) return "BORN_LATE";
      return row.next == now_ ? "NOW" : "SCHEDULED";
    };
    EXPECT_EQ(word(Of(2 * kDay)), c.far) << c.hours_ahead;
    EXPECT_EQ(word(Of(120)), c.near) << c.hours_ahead;
    EXPECT_EQ(Rewrite(), 0);
    now_ += absl::Minutes(5);
    EXPECT_EQ(Rewrite(), 0) << "decided once";
  }
  rows_.clear();
  now_ = sessions_[0].interval.start - absl::Minutes(59);
  Rewrite();
  EXPECT_EQ(Of(120).why_not, ReminderWhyNot::kBornLate);
  rows_.clear();
  now_ = sessions_[0].interval.start;
  EXPECT_EQ(Rewrite(), 0) << "nothing is said of a session that has begun";
}

TEST_F(ReminderRewriteTest, WhoWasToldOfAnotherTimeIsToldOfTheNewOneAtOnce) {
  policy_.session_rules = {Rule(2 * kDay)};
  Rewrite();
  Clock(CivilDay(2026, 6, 8), 12, 1);
  Send(Of(2 * kDay));
  Clock(CivilDay(2026, 6, 9), 12);
  Move(At(CivilDay(2026, 6, 9), 15, 0, zone()));  // in three hours, no near rule to tell
  EXPECT_EQ(Rewrite(), 1);
  EXPECT_EQ(Of(2 * kDay).state, ReminderState::kScheduled);
  EXPECT_EQ(Of(2 * kDay).next, now_);
  EXPECT_EQ(Rewrite(), 0);
}

TEST_F(ReminderRewriteTest, WhoWillBeToldInTimeIsNotToldTwice) {
  Rewrite();
  Clock(CivilDay(2026, 6, 8), 12, 1);
  Send(Of(2 * kDay));
  Clock(CivilDay(2026, 6, 9), 12);
  Move(At(CivilDay(2026, 6, 10), 16, 0, zone()));
  EXPECT_EQ(Rewrite(), 1);
  EXPECT_EQ(Of(2 * kDay).state, ReminderState::kSent);
  EXPECT_EQ(Of(120).due, At(CivilDay(2026, 6, 10), 14, 0, zone()));
  Clock(CivilDay(2026, 6, 10), 14, 1);
  Send(Of(120));
  EXPECT_EQ(Rewrite(), 0) << "the near one has told";
}

TEST_F(ReminderRewriteTest, ALateReminderHeedsQuietHours) {
  policy_.session_rules = {Rule(12 * 60)};
  policy_.quiet_hours = QuietHours{20 * 60, 8 * 60, QuietHoursShift::kEarlier};
  Clock(CivilDay(2026, 6, 9), 22);  // the reminder, due at midnight, was moved to 19:59
  Rewrite();
  EXPECT_EQ(Of(12 * 60).state, ReminderState::kScheduled);
  EXPECT_EQ(Of(12 * 60).due, At(CivilDay(2026, 6, 10), 8, 0, zone()));
  EXPECT_EQ(Of(12 * 60).next, Of(12 * 60).due);
  EXPECT_EQ(Of(12 * 60).quiet_from, At(CivilDay(2026, 6, 10), 20, 0, zone()));
  EXPECT_EQ(Rewrite(), 0);
  Clock(CivilDay(2026, 6, 9), 23);
  EXPECT_EQ(Rewrite(), 0);

  Move(At(CivilDay(2026, 6, 10), 8, 0, zone()));  // its start is the end of quiet hours
  rows_.clear();
  Rewrite();
  EXPECT_EQ(Of(12 * 60).why_not, ReminderWhyNot::kBornLate);
}

TEST_F(ReminderRewriteTest, NewQuietHoursMoveWhatWaits) {
  Rewrite();
  policy_.quiet_hours = QuietHours{9 * 60, 11 * 60, QuietHoursShift::kLater};
  EXPECT_EQ(Rewrite(), 2);
  EXPECT_EQ(Of(120).due, At(CivilDay(2026, 6, 10), 11, 0, zone()));
  EXPECT_EQ(Of(2 * kDay).quiet_from, At(CivilDay(2026, 6, 9), 9, 0, zone()));
}

TEST_F(ReminderRewriteTest, WishesSuppressAndBringBack) {
  Rewrite();
  preferences_.opted_out = {ReminderChannel::kSms};
  EXPECT_EQ(Rewrite(), 2);
  EXPECT_EQ(Of(120).state, ReminderState::kSuppressed);
  EXPECT_EQ(Of(120).why_not, ReminderWhyNot::kOptedOut);
  EXPECT_EQ(Rewrite(), 0);
  preferences_.gone = true;
  EXPECT_EQ(Rewrite(), 2);
  EXPECT_EQ(Of(120).why_not, ReminderWhyNot::kRecipientGone);
  Move(Noon(CivilDay(2026, 6, 11)));
  EXPECT_EQ(Rewrite(), 2) << "what would be sent is told as it is";
  preferences_ = {};
  EXPECT_EQ(Rewrite(), 2);
  EXPECT_EQ(Of(120).state, ReminderState::kScheduled);
  EXPECT_EQ(Of(120).due, At(CivilDay(2026, 6, 11), 10, 0, zone()));
}

TEST_F(ReminderRewriteTest, WhatAPersonDroppedStaysDroppedUntilTheSessionMoves) {
  Rewrite();
  Of(120).state = ReminderState::kSuppressed;
  Of(120).why_not = ReminderWhyNot::kDropped;
  sessions_[0].location = "room 5";
  EXPECT_EQ(Rewrite(), 1);
  EXPECT_EQ(Of(120).why_not, ReminderWhyNot::kDropped);
  Move(Noon(CivilDay(2026, 6, 11)));
  EXPECT_EQ(Rewrite(), 2);
  EXPECT_EQ(Of(120).state, ReminderState::kScheduled);
}

TEST_F(ReminderRewriteTest, ADeadLetterOfAMovedSessionIsNoneAnyMore) {
  Rewrite();
  Clock(CivilDay(2026, 6, 8), 13);
  Of(2 * kDay).state = ReminderState::kDead;
  Of(2 * kDay).why_not = ReminderWhyNot::kAttemptsExhausted;
  EXPECT_EQ(Rewrite(), 0);
  Move(Noon(CivilDay(2026, 6, 9)));
  EXPECT_EQ(Rewrite(), 2);
  EXPECT_EQ(Of(2 * kDay).state, ReminderState::kSuppressed);
  EXPECT_EQ(Of(2 * kDay).why_not, ReminderWhyNot::kBornLate);
  EXPECT_EQ(Of(120).state, ReminderState::kScheduled);

  Of(120).state = ReminderState::kDead;
  sessions_[0].state = SessionState::kCancelled;
  EXPECT_EQ(Rewrite(), 1);
  EXPECT_EQ(Of(120).state, ReminderState::kCancelled);
  EXPECT_EQ(Of(120).why_not, ReminderWhyNot::kSessionGone);
}

TEST_F(ReminderRewriteTest, ADaysReminderIsSentWhileTheDayLasts) {
  policy_ = {};
  policy_.course_rules = {{ReminderKind::kDeadlineDay,
                           ReminderAudience::kTherapist,
                           0,
                           {ReminderChannel::kEmail},
                           "deadline-day"}};
  course_.progress.deadline_day = CivilDay(2026, 6, 1);
  Clock(CivilDay(2026, 6, 1), 12);
  Rewrite();
  ASSERT_EQ(rows_.size(), 1);
  EXPECT_EQ(rows_[0].state, ReminderState::kScheduled);
  EXPECT_EQ(rows_[0].next, now_);
  Send(rows_[0]);
  course_.progress.deadline_day = CivilDay(2026, 6, 20);  // a pause was agreed
  EXPECT_EQ(Rewrite(), 1);
  EXPECT_EQ(rows_[0].state, ReminderState::kScheduled);
  EXPECT_EQ(rows_[0].due, At(CivilDay(2026, 6, 20), 9, 0, zone()));
  rows_.clear();
  Clock(CivilDay(2026, 6, 21), 0);
  Rewrite();
  EXPECT_EQ(rows_[0].why_not, ReminderWhyNot::kBornLate);
}

TEST_F(ReminderRewriteTest, NoSessionIsToldOfWhenItBecomesTrue) {
  policy_ = {};
  policy_.course_rules = {{ReminderKind::kNoSessionBooked,
                           ReminderAudience::kTherapist,
                           0,
                           {ReminderChannel::kEmail},
                           "no-session"}};
  Rewrite();
  EXPECT_EQ(rows_[0].due, At(CivilDay(2026, 6, 24), 9, 0, zone()));
  Clock(CivilDay(2026, 6, 20), 12);
  sessions_[0].state = SessionState::kCancelled;  // so none since 1 June, nor ahead
  EXPECT_EQ(Rewrite(), 1);
  EXPECT_EQ(rows_[0].next, now_);
  Send(rows_[0]);
  Clock(CivilDay(2026, 6, 27), 12);
  EXPECT_EQ(Rewrite(), 0) << "once";
}

TEST_F(ReminderRewriteTest, LastWeeksOverdueIsTooLateAndTheNextOneTakesOver) {
  policy_ = {};
  policy_.course_rules = {{ReminderKind::kOverdue,
                           ReminderAudience::kTherapist,
                           0,
                           {ReminderChannel::kEmail},
                           "overdue"}};
  course_.progress.deadline_day = CivilDay(2026, 5, 31);
  Clock(CivilDay(2026, 6, 1), 0);
  EXPECT_EQ(Rewrite(), 2);
  Clock(CivilDay(2026, 6, 8), 0);  // nobody fetched the first one
  EXPECT_EQ(Rewrite(), 2);
  ASSERT_EQ(rows_.size(), 3);
  EXPECT_EQ(rows_[0].why_not, ReminderWhyNot::kTooLate);
  EXPECT_EQ(rows_[1].state, ReminderState::kScheduled);
  EXPECT_EQ(rows_[2].state, ReminderState::kScheduled);
}

TEST_F(ReminderRewriteTest, TestsAreLeftAloneUntilTheCourseIsClosed) {
  Rewrite();
  Reminder test = rows_[0];
  test.reminder_id = "test";
  test.test = true;
  test.key.offset_minutes = 0;
  rows_.push_back(test);
  EXPECT_EQ(Rewrite(), 0);
  course_.state = CourseState::kCompleted;
  EXPECT_EQ(Rewrite(), 3);
  EXPECT_EQ(Row("test").why_not, ReminderWhyNot::kCourseClosed);
}

}  // namespace
}  // namespace ipt::scheduling
