// A course's reminders follow it: each change of it rewrites them in its own transaction.
#include "tests/scheduling/rpc/reminder_fixture.h"

namespace ipt::scheduling {
namespace {

class CourseRemindersTest : public RemindersTest {
 protected:
  void SetUp() override { ASSERT_OK(SetPolicy(SmsPolicy())); }
};

TEST_F(CourseRemindersTest, BookedMovedAndCancelled) {
  const std::string course = OpenCourse("p");
  EXPECT_THAT(Lines(course), IsEmpty());
  const std::string session = BookAt(course, Monday(1, 10));
  EXPECT_THAT(Lines(course),
              ElementsAre("days 11-07 10:00 SCHEDULED", "hours 11-09 08:00 SCHEDULED"));
  ASSERT_OK(Move(session, Monday(1, 15)));
  EXPECT_THAT(Lines(course),
              ElementsAre("days 11-07 15:00 SCHEDULED", "hours 11-09 13:00 SCHEDULED"));
  EXPECT_EQ(List(course)[0].generation(), 2);
  EXPECT_EQ(TimeOf(List(course)[0].variables().session_start_time()), Monday(1, 15));
  ASSERT_OK(Cancel(session));
  EXPECT_THAT(Lines(course), ElementsAre("days 11-07 15:00 CANCELLED SESSION_GONE",
                                         "hours 11-09 13:00 CANCELLED SESSION_GONE"));
}

TEST_F(CourseRemindersTest, AReminderIsWhatTheGatewayNeeds) {
  const std::string course = OpenCourse("p");
  auto booking = Booking(course, Monday(1, 10));
  booking.set_location("room 4");
  booking.set_modality(pb::MODALITY_VIDEO);
  const auto session = Book(booking);
  ASSERT_OK(session);
  const pb::Reminder reminder = List(course)[0];
  EXPECT_EQ(reminder.course(), course);
  EXPECT_EQ(reminder.session(), session->name());
  EXPECT_EQ(reminder.kind(), pb::REMINDER_KIND_SESSION);
  EXPECT_EQ(reminder.audience(), pb::REMINDER_AUDIENCE_PATIENT);
  EXPECT_EQ(reminder.patient().value(), "p");
  EXPECT_EQ(reminder.therapist(), "clinics/north/therapists/a");
  EXPECT_THAT(reminder.channels(), ElementsAre(pb::REMINDER_CHANNEL_SMS));
  EXPECT_EQ(reminder.variables().location(), "room 4");
  EXPECT_EQ(reminder.variables().modality(), pb::MODALITY_VIDEO);
  EXPECT_EQ(reminder.variables().session_number(), 1);
  EXPECT_EQ(reminder.variables().time_zone(), "Europe/London");
  EXPECT_EQ(TimeOf(reminder.expire_time()), Monday(1, 10));
  EXPECT_EQ(TimeOf(reminder.next_attempt_time()), TimeOf(reminder.due_time()));
}

TEST_F(CourseRemindersTest, ASeriesIsOneStatementsWork) {
  const std::string course = OpenCourse("p");
  std::vector<absl::Time> starts;
  for (int week = 1; week <= 16; ++week) starts.push_back(Monday(week, 10));
  ASSERT_OK(BookPlan(course, starts));
  EXPECT_THAT(Lines(course), SizeIs(32));
}

TEST_F(CourseRemindersTest, WhatIsOnlyCheckedLeavesNone) {
  const std::string course = OpenCourse("p");
  ASSERT_OK(BookPlan(course, {Monday(1, 10)}, /*validate_only=*/true));
  EXPECT_THAT(Lines(course), IsEmpty());
}

TEST_F(CourseRemindersTest, AMoveUnderALeaseEndsTheAttempt) {
  const std::string course = OpenCourse("p");
  const std::string session = BookAt(course, Monday(1, 10));
  now_ = Monday(1, 10) - absl::Hours(48);
  Lease(List(course)[0]);
  ASSERT_OK(Move(session, Monday(2, 10)));
  const auto reminder = GetReminder(List(course)[0].name());
  ASSERT_OK(reminder);
  EXPECT_EQ(reminder->state(), pb::REMINDER_STATE_SCHEDULED);
  EXPECT_EQ(reminder->generation(), 2);
  ASSERT_EQ(reminder->attempts_size(), 1);
  EXPECT_EQ(reminder->attempts(0).outcome(), pb::ATTEMPT_OUTCOME_SUPERSEDED);
  EXPECT_EQ(TimeOf(reminder->attempts(0).end_time()), now_);
}

TEST_F(CourseRemindersTest, AttendedClosedAndReopened) {
  const std::string course = OpenCourse("p");
  const std::string first = BookAt(course, Monday(1, 10));
  BookAt(course, Monday(2, 10));
  now_ = Monday(1, 11);
  ASSERT_OK(Record(first));
  EXPECT_THAT(
      Lines(course),
      ElementsAre("days 11-07 10:00 SUPPRESSED TOO_LATE", "hours 11-09 08:00 SUPPRESSED TOO_LATE",
                  "days 11-14 10:00 SCHEDULED", "hours 11-16 08:00 SCHEDULED"));
  ASSERT_OK(Discontinue(course));
  EXPECT_THAT(Lines(course), ElementsAre("days 11-07 10:00 SUPPRESSED TOO_LATE",
                                         "hours 11-09 08:00 SUPPRESSED TOO_LATE",
                                         "days 11-14 10:00 CANCELLED COURSE_CLOSED",
                                         "hours 11-16 08:00 CANCELLED COURSE_CLOSED"));
  ASSERT_OK(Reopen(course));
  BookAt(course, Monday(3, 10));
  EXPECT_EQ(Lines(course).size(), 6);
}

TEST_F(CourseRemindersTest, APauseMovesTheDeadlineAndItsReminders) {
  pb::ReminderPolicy policy;
  pb::CourseReminderRule* rule = policy.add_course_rules();
  rule->set_kind(pb::REMINDER_KIND_DEADLINE_DAY);
  rule->set_audience(pb::REMINDER_AUDIENCE_THERAPIST);
  rule->add_channels(pb::REMINDER_CHANNEL_EMAIL);
  rule->set_template_("deadline");
  ASSERT_OK(SetPolicy(policy));
  const std::string course = OpenCourse("p");
  BookAt(course, Monday(1, 10));
  EXPECT_THAT(Lines(course), ElementsAre("deadline 02-28 09:00 SCHEDULED"));
  ASSERT_OK(Pause(course, CivilDay(2026, 12, 1), CivilDay(2026, 12, 14)));
  EXPECT_THAT(Lines(course), ElementsAre("deadline 03-14 09:00 SCHEDULED"));
  EXPECT_EQ(List(course)[0].variables().day(), "2027-03-14");
}

TEST_F(CourseRemindersTest, ATransferTakesThemAlong) {
  const std::string course = OpenCourse("p");
  BookAt(course, Monday(1, 10));
  ASSERT_OK(Transfer(course, "b"));
  for (const pb::Reminder& reminder : List(course)) {
    EXPECT_EQ(reminder.therapist(), "clinics/north/therapists/b");
    EXPECT_EQ(reminder.generation(), 2);
  }
}

TEST_F(CourseRemindersTest, ANewPolicyIsFollowedByTheNextLook) {
  const std::string course = OpenCourse("p");
  BookAt(course, Monday(1, 10));
  pb::ReminderPolicy policy = SmsPolicy();
  policy.mutable_session_rules()->RemoveLast();
  policy.mutable_session_rules(0)->set_template_("other");
  ASSERT_OK(SetPolicy(policy));
  EXPECT_EQ(List(course)[0].template_(), "days");
  EXPECT_EQ(Refresh(), 1);
  EXPECT_THAT(Lines(course),
              ElementsAre("other 11-07 10:00 SCHEDULED", "hours 11-09 08:00 CANCELLED NO_RULE"));
  EXPECT_EQ(Refresh(), 0);
  // The same policy again changes no reminder, but they are of it from then on.
  ASSERT_OK(SetPolicy(policy));
  EXPECT_EQ(Refresh(), 1);
  EXPECT_EQ(List(course)[0].generation(), 2);
  int64_t version = 0;
  EXPECT_OK(db_->Read({}, [&](storage::Connection& conn) {
    return conn.Query({"SELECT COUNT(*) FROM reminders r JOIN clinics k USING (clinic_id) "
                       "WHERE r.state = 1 AND r.policy_version = k.reminder_version",
                       {storage::ColumnType::kInt64}},
                      {}, [&](const storage::Row& row) {
                        version = row.Int64(0);
                        return absl::OkStatus();
                      });
  }));
  EXPECT_EQ(version, 1);
}

TEST_F(CourseRemindersTest, ACoursesOwnPolicyIsFollowedAtOnce) {
  const std::string course = OpenCourse("p");
  const std::string other = OpenCourse("q", "b");
  BookAt(course, Monday(1, 10));
  BookAt(other, Monday(1, 10));
  pb::ReminderPolicy none;
  ASSERT_OK(SetPolicy(none, course));
  EXPECT_THAT(Lines(course), ElementsAre("days 11-07 10:00 CANCELLED NO_RULE",
                                         "hours 11-09 08:00 CANCELLED NO_RULE"));
  EXPECT_THAT(Lines(other), SizeIs(2));
  EXPECT_EQ(Lines(other)[0], "days 11-07 10:00 SCHEDULED");
  pb::ResetReminderPolicyRequest reset;
  reset.set_course(course);
  const auto held = reminders_.ResetReminderPolicy(Write(reset), reset);
  ASSERT_OK(held);
  EXPECT_TRUE(held->inherited());
  EXPECT_THAT(Lines(course),
              ElementsAre("days 11-07 10:00 SCHEDULED", "hours 11-09 08:00 SCHEDULED"));
}

TEST_F(CourseRemindersTest, WishesAreFollowedAtOnce) {
  const std::string course = OpenCourse("p");
  const std::string other = OpenCourse("q", "b");
  BookAt(course, Monday(1, 10));
  BookAt(other, Monday(1, 10));
  pb::ContactPreferences wishes;
  wishes.add_opted_out(pb::REMINDER_CHANNEL_SMS);
  ASSERT_OK(SetPreferences("p", wishes));
  EXPECT_THAT(Lines(course), ElementsAre("days 11-07 10:00 SUPPRESSED OPTED_OUT",
                                         "hours 11-09 08:00 SUPPRESSED OPTED_OUT"));
  EXPECT_EQ(Lines(other)[0], "days 11-07 10:00 SCHEDULED");
  wishes.clear_opted_out();
  wishes.set_time_zone("America/New_York");
  wishes.set_language("cy");
  ASSERT_OK(SetPreferences("p", wishes));
  EXPECT_EQ(Lines(course)[0], "days 11-07 10:00 SCHEDULED");
  EXPECT_EQ(List(course)[0].language(), "cy");
  EXPECT_EQ(List(course)[0].variables().time_zone(), "America/New_York");
}

TEST_F(CourseRemindersTest, NothingIsSentToWhoDied) {
  auto one = NewCourse("p");
  one.mutable_course()->set_allow_concurrent(true);
  auto two = NewCourse("p", "b");
  two.mutable_course()->set_allow_concurrent(true);
  const std::string first = Create(one)->name();
  const std::string second = Create(two)->name();
  BookAt(second, Monday(1, 10));
  ASSERT_OK(Discontinue(first, pb::CLOSURE_REASON_DECEASED));
  EXPECT_TRUE(GetPreferences("p")->gone());
  EXPECT_THAT(Lines(second), ElementsAre("days 11-07 10:00 SUPPRESSED RECIPIENT_GONE",
                                         "hours 11-09 08:00 SUPPRESSED RECIPIENT_GONE"));
  ASSERT_OK(Reopen(first));  // by mistake
  EXPECT_FALSE(GetPreferences("p")->gone());
  EXPECT_EQ(Lines(second)[0], "days 11-07 10:00 SCHEDULED");
}

TEST_F(CourseRemindersTest, AMergedPatientKeepsWhatBothWanted) {
  const std::string course = OpenCourse("p");
  BookAt(course, Monday(1, 10));
  auto beside = NewCourse("q", "b");
  const std::string closed = Create(beside)->name();
  ASSERT_OK(Discontinue(closed));
  pb::ContactPreferences wishes;
  wishes.add_opted_out(pb::REMINDER_CHANNEL_SMS);
  wishes.set_language("cy");
  ASSERT_OK(SetPreferences("p", wishes));
  wishes.set_opted_out(0, pb::REMINDER_CHANNEL_VOICE);
  wishes.set_language("en");
  ASSERT_OK(SetPreferences("q", wishes));
  pb::MergePatientsRequest merge;
  merge.set_parent("clinics/north");
  merge.mutable_from()->set_system("urn:mrn");
  merge.mutable_from()->set_value("p");
  merge.mutable_into()->set_system("urn:mrn");
  merge.mutable_into()->set_value("q");
  ASSERT_OK(courses_.MergePatients(Write(merge), merge));
  const auto merged = GetPreferences("q");
  ASSERT_OK(merged);
  EXPECT_THAT(merged->opted_out(),
              ElementsAre(pb::REMINDER_CHANNEL_SMS, pb::REMINDER_CHANNEL_VOICE));
  EXPECT_EQ(merged->language(), "en");
  for (const pb::Reminder& reminder : List(course)) {
    EXPECT_EQ(reminder.patient().value(), "q");
    EXPECT_EQ(reminder.why_not(), pb::REMINDER_WHY_NOT_OPTED_OUT);
  }
}

TEST_F(CourseRemindersTest, AnotherIdentifierIsReadAtOnce) {
  const std::string course = OpenCourse("p");
  BookAt(course, Monday(1, 10));
  pb::ChangePatientIdentifierRequest change;
  change.set_parent("clinics/north");
  change.mutable_from()->set_system("urn:mrn");
  change.mutable_from()->set_value("p");
  change.mutable_to()->set_system("urn:mrn");
  change.mutable_to()->set_value("new");
  ASSERT_OK(courses_.ChangePatientIdentifier(Write(change), change));
  EXPECT_EQ(List(course)[0].patient().value(), "new");
}

TEST_F(CourseRemindersTest, OverdueGoesOnWeekByWeekAsTimePasses) {
  pb::ReminderPolicy policy;
  pb::CourseReminderRule* rule = policy.add_course_rules();
  rule->set_kind(pb::REMINDER_KIND_OVERDUE);
  rule->set_audience(pb::REMINDER_AUDIENCE_THERAPIST);
  rule->add_channels(pb::REMINDER_CHANNEL_EMAIL);
  rule->set_template_("overdue");
  ASSERT_OK(SetPolicy(policy));
  const std::string course = OpenCourse("p");
  Attended(course, Monday(1, 10));
  EXPECT_THAT(Lines(course), ElementsAre("overdue 03-01 09:00 SCHEDULED"));
  now_ = At(CivilMinute(2027, 3, 1, 9, 30));
  Send(List(course)[0]);
  Refresh();
  EXPECT_THAT(Lines(course),
              ElementsAre("overdue 03-01 09:00 SENT", "overdue 03-08 09:00 SCHEDULED"));
  now_ = At(CivilMinute(2027, 3, 8, 0, 30));
  Refresh();
  EXPECT_THAT(Lines(course),
              ElementsAre("overdue 03-01 09:00 SENT", "overdue 03-08 09:00 SCHEDULED",
                          "overdue 03-15 09:00 SCHEDULED"));
  ASSERT_OK(Discontinue(course));
  EXPECT_THAT(Lines(course),
              ElementsAre("overdue 03-01 09:00 SENT", "overdue 03-08 09:00 CANCELLED COURSE_CLOSED",
                          "overdue 03-15 09:00 CANCELLED COURSE_CLOSED"));
}

pb::NoteCourseFindingsRequest Found(
    const std::string& course, const std::vector<std::pair<std::string, absl::CivilDay>>& ids) {
  pb::NoteCourseFindingsRequest request;
  request.set_course(course);
  for (const auto& [id, day] : ids) {
    pb::CourseFinding* finding = request.add_findings();
    finding->set_finding_id(id);
    finding->set_severity(pb::COURSE_FINDING_SEVERITY_OVERDUE);
    finding->mutable_since_date()->set_year(static_cast<int>(day.year()));
    finding->mutable_since_date()->set_month(day.month());
    finding->mutable_since_date()->set_day(day.day());
  }
  return request;
}

TEST_F(CourseRemindersTest, WhatStandsOutIsToldOnceEachTimeThatSomethingFurtherDoes) {
  pb::ReminderPolicy policy;
  pb::CourseReminderRule* rule = policy.add_course_rules();
  rule->set_kind(pb::REMINDER_KIND_PROTOCOL_FINDING);
  rule->set_audience(pb::REMINDER_AUDIENCE_THERAPIST);
  rule->add_channels(pb::REMINDER_CHANNEL_EMAIL);
  rule->set_template_("finding");
  ASSERT_OK(SetPolicy(policy));
  const std::string course = OpenCourse("p");
  const std::string etag = Get(course).etag();
  const auto note = [&](const std::vector<std::pair<std::string, absl::CivilDay>>& ids) {
    const pb::NoteCourseFindingsRequest request = Found(course, ids);
    return reminders_.NoteCourseFindings(Write(request), request);
  };
  now_ = At(CivilMinute(2027, 1, 12, 14, 0));
  const absl::CivilDay day(2027, 1, 11);
  const absl::CivilDay older(2026, 12, 1);
  ASSERT_OK(note({{"FOCUS_NOT_AGREED", day}}));
  EXPECT_THAT(Lines(course), ElementsAre("finding 01-13 09:00 SCHEDULED")) << "the day after";
  EXPECT_EQ(Get(course).etag(), etag);
  ASSERT_EQ(List(course)[0].variables().findings_size(), 1);
  EXPECT_EQ(List(course)[0].variables().findings(0).finding_id(), "FOCUS_NOT_AGREED");
  EXPECT_EQ(List(course)[0].variables().findings(0).since_date().day(), 11);
  now_ = At(CivilMinute(2027, 1, 13, 10, 0));
  Send(List(course)[0]);
  ASSERT_OK(note({{"FOCUS_NOT_AGREED", day}}));
  ASSERT_OK(note({{"FOCUS_NOT_AGREED", day + 7}}));
  EXPECT_THAT(Lines(course), ElementsAre("finding 01-13 09:00 SENT")) << "once, since whenever";

  // Something further, of the same day or an older one: with all that stands.
  ASSERT_OK(note({{"FOCUS_NOT_AGREED", day}, {"TASK_OVERDUE:TIMELINE", older}}));
  EXPECT_THAT(Lines(course),
              ElementsAre("finding 01-13 09:00 SENT", "finding 01-14 09:00 SCHEDULED"));
  EXPECT_EQ(List(course)[1].variables().findings_size(), 2);
  // Two of one day are told together.
  ASSERT_OK(note({{"FOCUS_NOT_AGREED", day}, {"TASK_OVERDUE:TIMELINE", older}, {"A", older}}));
  EXPECT_THAT(Lines(course),
              ::testing::UnorderedElementsAre("finding 01-13 09:00 SENT",
                                              "finding 01-14 09:00 CANCELLED SUPERSEDED",
                                              "finding 01-14 09:00 SCHEDULED"));
  for (const pb::Reminder& reminder : List(course)) {
    if (reminder.state() == pb::REMINDER_STATE_SCHEDULED) Send(reminder);
  }
  // What is left of it when some is mended was told.
  ASSERT_OK(note({{"FOCUS_NOT_AGREED", day}, {"A", older}}));
  ASSERT_OK(note({{"A", older}}));
  EXPECT_EQ(List(course).size(), 3);
  ASSERT_OK(note({}));
  // What is mended by the morning is not told.
  now_ = At(CivilMinute(2027, 1, 20, 8, 0));
  ASSERT_OK(note({{"B", day}}));
  ASSERT_OK(note({}));
  EXPECT_EQ(Lines(course).back(), "finding 01-21 09:00 CANCELLED SUPERSEDED");

  now_ = At(CivilMinute(2027, 1, 25, 8, 0));
  ASSERT_OK(note({{"C", day}}));
  EXPECT_EQ(Lines(course).back(), "finding 01-26 09:00 SCHEDULED");
  ASSERT_OK(Discontinue(course));
  EXPECT_EQ(Lines(course).back(), "finding 01-26 09:00 CANCELLED COURSE_CLOSED");
  const size_t all = List(course).size();
  ASSERT_OK(note({{"D", day}}));
  pb::ReopenCourseRequest reopen;
  reopen.set_name(course);
  reopen.set_reason("closed by mistake");
  ASSERT_OK(courses_.ReopenCourse(Write(reopen), reopen));
  EXPECT_EQ(List(course).size(), all);
  EXPECT_EQ(Lines(course).back(), "finding 01-26 09:00 CANCELLED COURSE_CLOSED")
      << "of a closed course nothing is kept: it is told anew";
}

TEST_F(CourseRemindersTest, FindingsThatCannotBeAreRefusedAndNamed) {
  const std::string course = OpenCourse("p");
  const absl::CivilDay day(2027, 1, 11);
  pb::NoteCourseFindingsRequest request =
      Found(course, {{"", day}, {"a b", day}, {"A", day}, {"A", day}, {"C", day}});
  request.mutable_findings(4)->set_severity(pb::COURSE_FINDING_SEVERITY_UNSPECIFIED);
  EXPECT_THAT(reminders_.NoteCourseFindings(Write(request), request),
              HasBadFields("findings[0].finding_id", "findings[1].finding_id",
                           "findings[3].finding_id", "findings[4].severity"));
  request = Found("clinics/north/courses/none", {{"A", day}});
  EXPECT_THAT(reminders_.NoteCourseFindings(Write(request), request),
              StatusIs(absl::StatusCode::kNotFound));
  request = Found(course, {{"A", day}});
  request.mutable_findings(0)->clear_since_date();
  EXPECT_THAT(reminders_.NoteCourseFindings(Write(request), request),
              HasBadFields("findings[0].since_date"));
}

// A clinic that has set nothing, as after an upgrade.
TEST_F(CourseRemindersTest, CoursesOfAnOlderReleaseAreTakenUp) {
  const std::string course = OpenCourse("p");
  BookAt(course, Monday(1, 10));
  Sql("DELETE FROM reminders; DELETE FROM reminder_policies; "
      "UPDATE courses SET reminder_version = 0, reminder_digest = 0;");
  EXPECT_EQ(Refresh(), 1);
  std::vector<std::string> templates;
  for (const pb::Reminder& reminder : List(course)) {
    EXPECT_EQ(reminder.audience(), pb::REMINDER_AUDIENCE_THERAPIST);
    templates.push_back(reminder.template_());
  }
  EXPECT_THAT(templates, ElementsAre("no-session-booked", "deadline-ahead", "deadline-ahead",
                                     "deadline-ahead", "deadline-day", "overdue"));
}

TEST_F(CourseRemindersTest, ARefreshThatChangesNothingWritesNone) {
  const std::string course = OpenCourse("p");
  BookAt(course, Monday(1, 10));
  Sql("UPDATE reminders SET template = 'as it was'");
  now_ += absl::Hours(24);
  EXPECT_EQ(Refresh(), 1);
  EXPECT_EQ(List(course)[0].template_(), "as it was");
}

}  // namespace
}  // namespace ipt::scheduling
