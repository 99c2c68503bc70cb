#include "scheduling/domain/reminder_plan.h"
#include "scheduling/domain/reminder_policy.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "scheduling/domain/numbering.h"
#include "scheduling/domain/reminder_quiet.h"
#include "tests/scheduling/domain/course_fixture.h"

namespace ipt::scheduling {
namespace {

using absl::CivilDay;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int kDay = 24 * 60;

SessionReminderRule SessionRule(int minutes,
                                ReminderAudience audience = ReminderAudience::kPatient) {
  return {audience, minutes, {ReminderChannel::kSms, ReminderChannel::kEmail}, "session"};
}
CourseReminderRule CourseRule(ReminderKind kind, int weeks = 0,
                              ReminderAudience audience = ReminderAudience::kTherapist) {
  return {kind, audience, weeks, {ReminderChannel::kEmail}, "course"};
}

// A course in Europe/London, created on 1 March 2026, its clinic likewise.
class ReminderPlanTest : public ::testing::Test {
 protected:
  void SetUp() override {
    course_.state = CourseState::kActive;
    course_.therapist_id = "t1";
    course_.patient_id = "p1";
    course_.stamp.create_time = At(CivilDay(2026, 3, 1), 10, 0, zone_);
    course_.progress.deadline_day = CivilDay(2026, 6, 21);
    course_.progress.mid_course_session = 2;
    course_.progress.termination_session = 3;
  }

  std::vector<Reminder> Plan() {
    return DesiredReminders({.course = course_,
                             .sessions = sessions_,
                             .policy = policy_,
                             .preferences = preferences_,
                             .course_zone = zone_,
                             .patient_zone = patient_zone_,
                             .therapist_zone = {"Europe/London", zone_},
                             .now = now_});
  }
  // When each is due, on the recipient's wall clock.
  std::vector<std::string> Due() {
    std::vector<std::string> due;
    for (const Reminder& reminder : Plan()) {
      due.push_back(
          absl::FormatTime("%m-%d %H:%M", reminder.due, Zone(reminder.variables.time_zone)));
    }
    return due;
  }
  Session& Book(CivilDay day, int hour, int minute = 0) {
    sessions_.push_back(SessionAt(At(day, hour, minute, patient_zone_.zone)));
    sessions_.back().session_number = static_cast<int>(sessions_.size());
    sessions_.back().therapist_id = "t1";
    return sessions_.back();
  }
  void InZone(const std::string& name) { patient_zone_ = {name, Zone(name)}; }

  absl::TimeZone zone_ = Zone("Europe/London");
  NamedZone patient_zone_ = {"Europe/London", zone_};
  Course course_ = WeeklyCourse("Europe/London");
  std::vector<Session> sessions_;
  ReminderPolicy policy_;
  ContactPreferences preferences_;
  absl::Time now_ = At(CivilDay(2026, 3, 2), 12, 0, zone_);
};

TEST_F(ReminderPlanTest, WholeDaysKeepTheWallClockAndHoursDoNot) {
  struct Case {
    const char* zone;
    CivilDay day;
    int hour;
    int minutes_before;
    const char* due;
  };
  // Each session is on the day after clocks changed, or on the day itself.
  const std::vector<Case> cases = {
      {"Europe/London", CivilDay(2026, 3, 30), 10, 2 * kDay, "03-28 10:00"},
      {"Europe/London", CivilDay(2026, 3, 30), 10, 47 * 60, "03-28 10:00"},
      {"Europe/London", CivilDay(2026, 10, 26), 10, 2 * kDay, "10-24 10:00"},
      {"Europe/London", CivilDay(2026, 10, 26), 10, 49 * 60, "10-24 10:00"},
      {"America/New_York", CivilDay(2026, 3, 8), 9, kDay, "03-07 09:00"},
      {"America/New_York", CivilDay(2026, 3, 8), 9, 7 * 60, "03-08 01:00"},
      {"America/New_York", CivilDay(2026, 11, 1), 9, kDay, "10-31 09:00"},
      {"America/New_York", CivilDay(2026, 11, 1), 9, 9 * 60, "11-01 01:00"},
      {"Australia/Lord_Howe", CivilDay(2026, 10, 4), 9, kDay, "10-03 09:00"},
      {"Australia/Lord_Howe", CivilDay(2026, 10, 4), 9, 60 * 9, "10-03 23:30"},
      {"Australia/Lord_Howe", CivilDay(2026, 4, 5), 9, kDay, "04-04 09:00"},
      {"Australia/Lord_Howe", CivilDay(2026, 4, 5), 9, 60 * 9, "04-05 00:30"},
      {"Europe/London", CivilDay(2027, 1, 1), 9, kDay, "12-31 09:00"},
      {"Europe/London", CivilDay(2027, 1, 4), 9, 7 * kDay, "12-28 09:00"},
      // The same wall clock is skipped on the day before: read with the offset before the gap.
      {"Europe/London", CivilDay(2026, 3, 30), 1, kDay, "03-29 02:00"},
  };
  for (const Case& c : cases) {
    InZone(c.zone);
    sessions_.clear();
    Book(c.day, c.hour);
    policy_.session_rules = {SessionRule(c.minutes_before)};
    EXPECT_THAT(Due(), ElementsAre(c.due)) << c.zone << " " << absl::FormatCivilTime(c.day);
  }
}

TEST_F(ReminderPlanTest, ASessionReminderSaysWhatTheTemplateMay) {
  Session& session = Book(CivilDay(2026, 4, 1), 15);
  session.modality = Modality::kVideo;
  session.location = "room 4";
  session.session_number = 7;
  session.therapist_id = "t2";
  preferences_.language = "cy";
  policy_.session_rules = {SessionRule(60), SessionRule(120, ReminderAudience::kTherapist)};
  const auto plan = Plan();
  ASSERT_EQ(plan.size(), 2);
  for (const Reminder& reminder : plan) {
    EXPECT_EQ(reminder.state, ReminderState::kScheduled);
    EXPECT_EQ(reminder.key.session_id, session.session_id);
    EXPECT_EQ(reminder.variables.session_start, session.interval.start);
    EXPECT_EQ(reminder.variables.session_end, session.interval.end);
    EXPECT_EQ(reminder.variables.modality, Modality::kVideo);
    EXPECT_EQ(reminder.variables.location, "room 4");
    EXPECT_EQ(reminder.variables.session_number, 7);
    EXPECT_EQ(reminder.not_after, session.interval.start);
    EXPECT_EQ(reminder.therapist_id, "t2");
    EXPECT_EQ(reminder.patient_id, "p1");
    EXPECT_EQ(reminder.max_attempts, 8);
    EXPECT_EQ(reminder.template_key, "session");
  }
  EXPECT_EQ(plan[0].language, "");  // the therapist's
  EXPECT_EQ(plan[1].language, "cy");
}

TEST_F(ReminderPlanTest, OnlyBookedSessionsOfOpenCoursesAreRemindedOf) {
  policy_.session_rules = {SessionRule(60)};
  for (const SessionState state : {SessionState::kAttended, SessionState::kNoShow,
                                   SessionState::kCancelled, SessionState::kBooked}) {
    sessions_.clear();
    Book(CivilDay(2026, 4, 1), 15).state = state;
    EXPECT_EQ(Plan().size(), state == SessionState::kBooked ? 1 : 0);
  }
  policy_.course_rules = DefaultReminderPolicy().course_rules;
  course_.state = CourseState::kCompleted;
  EXPECT_THAT(Plan(), IsEmpty());
}

TEST_F(ReminderPlanTest, QuietHoursMoveEarlierOrLaterButNeverToTheSession) {
  struct Case {
    const char* zone;
    CivilDay day;
    int hour;
    int minutes_before;
    QuietHours quiet;
    const char* due;
  };
  constexpr QuietHours kEarly = {20 * 60, 8 * 60, QuietHoursShift::kEarlier};
  constexpr QuietHours kUnset = {20 * 60, 8 * 60, QuietHoursShift::kUnspecified};
  constexpr QuietHours kLate = {20 * 60, 8 * 60, QuietHoursShift::kLater};
  const std::vector<Case> cases = {
      {"Europe/London", CivilDay(2026, 6, 2), 9, 120, kEarly, "06-01 19:59"},
      {"Europe/London", CivilDay(2026, 6, 2), 9, 120, kUnset, "06-01 19:59"},
      {"Europe/London", CivilDay(2026, 6, 2), 9, 120, kLate, "06-02 08:00"},
      // Their end is the session's start: earlier instead.
      {"Europe/London", CivilDay(2026, 6, 2), 8, 120, kLate, "06-01 19:59"},
      {"Europe/London", CivilDay(2026, 6, 2), 10, 120, kEarly, "06-02 08:00"},  // just outside
      {"Europe/London", CivilDay(2026, 6, 2), 22, 120, kEarly, "06-02 19:59"},  // just inside
      {"Europe/London", CivilDay(2026, 6, 2), 21, 2 * kDay, kEarly, "05-31 19:59"},
      {"Europe/London", CivilDay(2026, 6, 2), 21, 2 * kDay, kLate, "06-01 08:00"},
      // Over the nights on which clocks change.
      {"Europe/London", CivilDay(2026, 3, 29), 9, 120, kEarly, "03-28 19:59"},
      {"Europe/London", CivilDay(2026, 10, 25), 9, 120, kLate, "10-25 08:00"},
      {"America/New_York", CivilDay(2026, 3, 8), 9, 120, kLate, "03-08 08:00"},
      {"America/New_York", CivilDay(2026, 11, 1), 9, 120, kEarly, "10-31 19:59"},
      {"Australia/Lord_Howe", CivilDay(2026, 10, 4), 9, 120, kEarly, "10-03 19:59"},
      {"Australia/Lord_Howe", CivilDay(2026, 4, 5), 9, 120, kLate, "04-05 08:00"},
      {"Europe/London", CivilDay(2027, 1, 1), 9, 120, kEarly, "12-31 19:59"},
  };
  for (const Case& c : cases) {
    InZone(c.zone);
    sessions_.clear();
    Book(c.day, c.hour);
    policy_.session_rules = {SessionRule(c.minutes_before)};
    policy_.quiet_hours = c.quiet;
    EXPECT_THAT(Due(), ElementsAre(c.due)) << c.zone << " " << absl::FormatCivilTime(c.day);
  }
}

TEST_F(ReminderPlanTest, QuietHoursAreThePatientsAndInTheirZone) {
  InZone("America/New_York");
  sessions_.push_back(SessionAt(At(CivilDay(2026, 6, 2), 15, 0, zone_)));  // 10:00 in New York
  policy_.session_rules = {SessionRule(180), SessionRule(180, ReminderAudience::kTherapist),
                           SessionRule(12 * 60, ReminderAudience::kTherapist)};
  policy_.quiet_hours = QuietHours{20 * 60, 8 * 60, QuietHoursShift::kLater};
  EXPECT_THAT(Due(), ElementsAre("06-02 03:00", "06-02 12:00", "06-02 08:00"));
}

TEST_F(ReminderPlanTest, OptedOutChannelsAreLeftOut) {
  Book(CivilDay(2026, 4, 1), 15);
  policy_.session_rules = {SessionRule(60), SessionRule(60, ReminderAudience::kTherapist)};
  preferences_.opted_out = {ReminderChannel::kSms};
  for (const Reminder& reminder : Plan()) {
    EXPECT_EQ(reminder.state, ReminderState::kScheduled);
    if (reminder.key.audience == ReminderAudience::kPatient) {
      EXPECT_THAT(reminder.channels, ElementsAre(ReminderChannel::kEmail));
    } else {
      EXPECT_EQ(reminder.channels.size(), 2);  // the patient's wishes are the patient's
    }
  }
  preferences_.opted_out = {ReminderChannel::kSms, ReminderChannel::kEmail};
  EXPECT_EQ(Plan()[0].why_not, ReminderWhyNot::kOptedOut);
  EXPECT_EQ(Plan()[0].state, ReminderState::kSuppressed);
  EXPECT_EQ(Plan()[1].state, ReminderState::kScheduled);
  preferences_.gone = true;
  EXPECT_EQ(Plan()[0].why_not, ReminderWhyNot::kRecipientGone);
  EXPECT_EQ(Plan()[1].state, ReminderState::kScheduled);
}

TEST_F(ReminderPlanTest, CourseRemindersComeAtThePolicysTimeOfDay) {
  Book(CivilDay(2026, 3, 2), 10);
  Book(CivilDay(2026, 3, 9), 10);
  Book(CivilDay(2026, 3, 30), 10);
  struct Case {
    CourseReminderRule rule;
    const char* due;
    const char* not_after;
    CivilDay about;
  };
  const std::vector<Case> cases = {
      {CourseRule(ReminderKind::kMidCourseReview), "03-09 09:00", "03-10 00:00",
       CivilDay(2026, 3, 9)},
      {CourseRule(ReminderKind::kTerminationStart), "03-30 09:00", "03-31 00:00",
       CivilDay(2026, 3, 30)},
      {CourseRule(ReminderKind::kDeadlineAhead, 4), "05-24 09:00", "05-25 00:00",
       CivilDay(2026, 6, 21)},
      {CourseRule(ReminderKind::kDeadlineDay), "06-21 09:00", "06-22 00:00", CivilDay(2026, 6, 21)},
      {CourseRule(ReminderKind::kOverdue), "06-22 09:00", "06-29 00:00", CivilDay(2026, 6, 21)},
  };
  for (const Case& c : cases) {
    policy_.course_rules = {c.rule};
    const auto plan = Plan();
    ASSERT_EQ(plan.size(), 1);
    EXPECT_EQ(absl::FormatTime("%m-%d %H:%M", plan[0].due, zone_), c.due);
    EXPECT_EQ(absl::FormatTime("%m-%d %H:%M", plan[0].not_after, zone_), c.not_after);
    EXPECT_EQ(plan[0].variables.day, c.about);
    EXPECT_EQ(plan[0].variables.weeks, c.rule.weeks_before);
    EXPECT_EQ(plan[0].key.session_id, "");
  }
  policy_.course_reminder_minute = 7 * 60 + 30;
  EXPECT_THAT(Due(), ElementsAre("06-22 07:30"));
}

TEST_F(ReminderPlanTest, AReviewBeforeTheTimeOfDayIsRemindedOfTheDayBefore) {
  policy_.course_rules = {CourseRule(ReminderKind::kMidCourseReview)};
  Book(CivilDay(2026, 3, 2), 9);
  Book(CivilDay(2026, 3, 9), 9);
  EXPECT_THAT(Due(), ElementsAre("03-08 09:00"));
  EXPECT_EQ(Plan()[0].variables.day, CivilDay(2026, 3, 9));
  sessions_.back().interval.start += absl::Minutes(1);
  EXPECT_THAT(Due(), ElementsAre("03-09 09:00"));
}

TEST_F(ReminderPlanTest, WhatIsOnlyProjectedIsNotRemindedOf) {
  policy_.course_rules = {
      CourseRule(ReminderKind::kMidCourseReview), CourseRule(ReminderKind::kTerminationStart),
      CourseRule(ReminderKind::kDeadlineAhead, 1), CourseRule(ReminderKind::kDeadlineDay),
      CourseRule(ReminderKind::kOverdue)};
  course_.progress.mid_course_review_day = CivilDay(2026, 5, 1);
  course_.progress.termination_start_day = CivilDay(2026, 6, 1);
  EXPECT_THAT(Plan(), IsEmpty());
  Book(CivilDay(2026, 3, 2), 10);  // gives the deadline a day
  EXPECT_EQ(Plan().size(), 3);
  Book(CivilDay(2026, 3, 9), 10).state = SessionState::kAttended;
  EXPECT_EQ(Plan().size(), 3);  // the review has taken place
}

TEST_F(ReminderPlanTest, OverdueComesWeeklyUntilTheCourseIsClosed) {
  policy_.course_rules = {CourseRule(ReminderKind::kOverdue)};
  Book(CivilDay(2026, 3, 2), 10).state = SessionState::kAttended;
  struct Case {
    CivilDay today;
    std::vector<std::string> due;
  };
  const std::vector<Case> cases = {
      {CivilDay(2026, 6, 1), {"06-22 09:00"}},
      {CivilDay(2026, 6, 21), {"06-22 09:00"}},
      {CivilDay(2026, 6, 22), {"06-22 09:00", "06-29 09:00"}},
      {CivilDay(2026, 6, 28), {"06-22 09:00", "06-29 09:00"}},
      {CivilDay(2026, 6, 29), {"06-29 09:00", "07-06 09:00"}},
      {CivilDay(2026, 11, 30), {"11-30 09:00", "12-07 09:00"}},
  };
  for (const Case& c : cases) {
    now_ = At(c.today, 12, 0, zone_);
    EXPECT_EQ(Due(), c.due) << absl::FormatCivilTime(c.today);
    const auto plan = Plan();
    EXPECT_EQ(plan.back().key.occurrence, plan.back().variables.weeks);
  }
  course_.state = CourseState::kDiscontinued;
  EXPECT_THAT(Plan(), IsEmpty());
}

TEST_F(ReminderPlanTest, NoSessionIsDueAFortnightAfterTheLast) {
  policy_.course_rules = {CourseRule(ReminderKind::kNoSessionBooked)};
  EXPECT_THAT(Due(), ElementsAre("03-15 09:00"));  // since the course was opened
  Book(CivilDay(2026, 3, 9), 10).state = SessionState::kAttended;
  EXPECT_THAT(Due(), ElementsAre("03-23 09:00"));
  Book(CivilDay(2026, 3, 16), 10);  // ahead: not before it is long past
  EXPECT_THAT(Due(), ElementsAre("03-30 09:00"));
  sessions_.back().state = SessionState::kNoShow;
  EXPECT_THAT(Due(), ElementsAre("03-23 09:00"));
  sessions_.back().state = SessionState::kCancelled;
  EXPECT_THAT(Due(), ElementsAre("03-23 09:00"));
  course_.pauses = {PauseOf(CivilDay(2026, 3, 20), CivilDay(2026, 4, 2))};
  EXPECT_THAT(Due(), ElementsAre("04-03 09:00"));
  EXPECT_EQ(Plan()[0].variables.day, CivilDay(2026, 3, 9));
}

TEST_F(ReminderPlanTest, FindingsAreToldOfOnTheDayAfterTheyWereNoted) {
  policy_.course_rules = {CourseRule(ReminderKind::kProtocolFinding)};
  EXPECT_THAT(Plan(), IsEmpty());
  course_.finding_note = {1, CivilDay(2026, 4, 6)};
  course_.findings = {{"CONTRACT_DIFFERS", CourseFindingSeverity::kInfo, CivilDay(2026, 4, 20)}};
  EXPECT_THAT(Plan(), IsEmpty()) << "none speaks of INFO";
  course_.findings = {{"FOCUS_NOT_AGREED", CourseFindingSeverity::kOverdue, CivilDay(2026, 3, 30)},
                      {"PROPOSAL_WAITING", CourseFindingSeverity::kReview, CivilDay(2026, 4, 6)},
                      {"CONTRACT_DIFFERS", CourseFindingSeverity::kInfo, CivilDay(2026, 4, 20)}};
  EXPECT_THAT(Due(), ElementsAre("04-07 09:00"));
  const Reminder both = Plan()[0];
  EXPECT_EQ(both.variables.findings,
            std::vector<CourseFinding>(course_.findings.begin(), course_.findings.begin() + 2));
  EXPECT_EQ(both.variables.day, CivilDay(2026, 4, 6));
  course_.findings.erase(course_.findings.begin() + 1);
  EXPECT_EQ(Plan()[0].key, both.key) << "what was told of the others stays told";
  course_.finding_note = {2, CivilDay(2026, 4, 6)};
  EXPECT_NE(Plan()[0].key, both.key);
  course_.finding_note = {3, CivilDay(2026, 10, 24)};
  EXPECT_THAT(Due(), ElementsAre("10-25 09:00")) << "on the day when clocks change";
  course_.finding_note = {4, CivilDay(2026, 12, 31)};
  EXPECT_THAT(Due(), ElementsAre("01-01 09:00"));
  course_.state = CourseState::kCompleted;
  EXPECT_THAT(Plan(), IsEmpty());
}

TEST_F(ReminderPlanTest, ADigestTellsEveryPartOfAListApart) {
  Book(CivilDay(2026, 4, 1), 15);
  policy_.session_rules = {SessionRule(60)};
  policy_.course_rules = {CourseRule(ReminderKind::kOverdue)};
  policy_.quiet_hours = QuietHours{20 * 60, 8 * 60, QuietHoursShift::kLater};
  std::set<int64_t> seen = {DigestOf(Plan()), DigestOf({})};
  EXPECT_EQ(seen.size(), 2);
  EXPECT_EQ(seen.count(DigestOf(Plan())), 1);
  const std::vector<void (*)(Reminder&)> changes = {
      [](Reminder& r) { r.key.session_id = "other"; },
      [](Reminder& r) { r.key.kind = ReminderKind::kMeasureDue; },
      [](Reminder& r) { r.key.audience = ReminderAudience::kTherapist; },
      [](Reminder& r) { ++r.key.offset_minutes; },
      [](Reminder& r) { ++r.key.occurrence; },
      [](Reminder& r) { r.therapist_id = "t9"; },
      [](Reminder& r) { r.patient_id = "p9"; },
      [](Reminder& r) { r.due += absl::Minutes(1); },
      [](Reminder& r) { r.not_after += absl::Minutes(1); },
      [](Reminder& r) { r.why_not = ReminderWhyNot::kRecipientGone; },
      [](Reminder& r) { ++r.max_attempts; },
      [](Reminder& r) { r.hold_unknown = !r.hold_unknown; },
      [](Reminder& r) { r.channels.pop_back(); },
      [](Reminder& r) { r.template_key += "x"; },
      [](Reminder& r) { r.language = "de"; },
      [](Reminder& r) { *r.variables.session_start += absl::Minutes(1); },
      [](Reminder& r) { *r.variables.session_end += absl::Minutes(1); },
      [](Reminder& r) { r.variables.time_zone = "Europe/Berlin"; },
      [](Reminder& r) { r.variables.modality = Modality::kTelephone; },
      [](Reminder& r) { r.variables.location = "elsewhere"; },
      [](Reminder& r) { ++r.variables.session_number; },
      [](Reminder& r) { r.variables.day = CivilDay(2026, 1, 1); },
      [](Reminder& r) { ++r.variables.weeks; },
      [](Reminder& r) {
        r.variables.findings = {{"A", CourseFindingSeverity::kReview, {}}};
      },
      [](Reminder& r) {
        r.variables.findings = {{"B", CourseFindingSeverity::kReview, {}}};
      },
      [](Reminder& r) {
        r.variables.findings = {{"A", CourseFindingSeverity::kInfo, {}}};
      },
      [](Reminder& r) {
        r.variables.findings = {{"A", CourseFindingSeverity::kReview, CivilDay(2026, 1, 1)}};
      },
      [](Reminder& r) { ++r.quiet_hours->start_minute; },
      [](Reminder& r) { ++r.quiet_hours->end_minute; },
  };
  for (const auto change : changes) {
    auto plan = Plan();
    change(plan.front());
    EXPECT_TRUE(seen.insert(DigestOf(plan)).second) << seen.size();
  }
}

const std::vector<std::string>& Zones() {
  static const auto* const kZones = new std::vector<std::string>{
      "Europe/London", "America/New_York", "Australia/Lord_Howe", "Pacific/Kiritimati", "UTC"};
  return *kZones;
}

// One of each rule and session, none in quiet hours, none at or after its end.
RC_GTEST_PROP(ReminderPlanPropertyTest, EveryPlanKeepsItsPromises, ()) {
  const absl::Time origin = absl::FromUnixSeconds(1767225600);
  const auto zone = [] {
    const std::string name = *rc::gen::elementOf(Zones());
    return NamedZone{name, Zone(name)};
  };
  const NamedZone course_zone = zone();
  const NamedZone patient_zone = zone();
  const NamedZone therapist_zone = zone();
  Course course = WeeklyCourse(course_zone.name);
  course.state = CourseState::kActive;
  course.stamp.create_time = origin;
  course.progress.deadline_day = CivilDay(2026, 1, 1) + *rc::gen::inRange(1, 300);
  course.progress.mid_course_session = 3;
  course.progress.termination_session = 5;
  std::vector<Session> sessions;
  const int count = *rc::gen::inRange(0, 7);
  for (int i = 0; i < count; ++i) {
    sessions.push_back(SessionAt(
        origin + absl::Minutes(i * 14 * kDay + *rc::gen::inRange(0, 14 * kDay)),
        *rc::gen::element(SessionState::kBooked, SessionState::kAttended, SessionState::kNoShow)));
    sessions.back().session_number = i + 1;
  }
  ReminderPolicy policy;
  for (const int minutes : *rc::gen::unique<std::vector<int>>(
           *rc::gen::inRange(0, 6), rc::gen::element(5, 60, 120, 601, kDay, 2 * kDay, 28 * kDay))) {
    policy.session_rules.push_back(SessionRule(minutes));
    policy.session_rules.push_back(SessionRule(minutes, ReminderAudience::kTherapist));
  }
  for (int kind = 2; kind <= 7; ++kind) {
    policy.course_rules.push_back(
        CourseRule(static_cast<ReminderKind>(kind), kind == 4 ? *rc::gen::inRange(1, 13) : 0,
                   *rc::gen::element(ReminderAudience::kPatient, ReminderAudience::kTherapist)));
  }
  QuietHours quiet;
  quiet.start_minute = *rc::gen::inRange(0, 1440);
  quiet.end_minute = (quiet.start_minute + *rc::gen::inRange(1, 23 * 60 + 1)) % 1440;
  quiet.shift = *rc::gen::element(QuietHoursShift::kEarlier, QuietHoursShift::kLater);
  policy.quiet_hours = quiet;
  policy.course_reminder_minute = *rc::gen::inRange(0, 1440);
  ContactPreferences preferences;
  preferences.gone = *rc::gen::arbitrary<bool>();
  const absl::Time now = origin + absl::Minutes(*rc::gen::inRange(0, 400 * kDay));

  const auto plan = DesiredReminders({.course = course,
                                      .sessions = sessions,
                                      .policy = policy,
                                      .preferences = preferences,
                                      .course_zone = course_zone.zone,
                                      .patient_zone = patient_zone,
                                      .therapist_zone = therapist_zone,
                                      .now = now});
  std::set<ReminderKey> keys;
  size_t of_sessions = 0;
  for (const Reminder& reminder : plan) {
    RC_ASSERT(keys.insert(reminder.key).second);
    RC_ASSERT(reminder.due < reminder.not_after);
    if (reminder.key.kind == ReminderKind::kSession) {
      ++of_sessions;
      RC_ASSERT(reminder.due < *reminder.variables.session_start);
    }
    if (reminder.key.audience == ReminderAudience::kPatient) {
      RC_ASSERT(!QuietHoursAt(quiet, patient_zone.zone, reminder.due).has_value());
      RC_ASSERT((reminder.state == ReminderState::kSuppressed) == preferences.gone);
    } else {
      RC_ASSERT(reminder.state == ReminderState::kScheduled);
      RC_ASSERT(!reminder.quiet_hours.has_value());
    }
  }
  const auto booked = std::count_if(sessions.begin(), sessions.end(), [](const Session& session) {
    return session.state == SessionState::kBooked;
  });
  RC_ASSERT(of_sessions == booked * policy.session_rules.size());
  RC_ASSERT(std::is_sorted(plan.begin(), plan.end(),
                           [](const Reminder& a, const Reminder& b) { return a.due < b.due; }));
}

}  // namespace
}  // namespace ipt::scheduling
