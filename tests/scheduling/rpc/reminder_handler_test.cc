#include "scheduling/rpc/reminder_handler.h"

#include "scheduling/domain/reminders.h"
#include "tests/scheduling/rpc/reminder_fixture.h"

namespace ipt::scheduling {
namespace {

constexpr auto kAborted = absl::StatusCode::kAborted;
constexpr auto kNotFound = absl::StatusCode::kNotFound;

using ReminderHandlerTest = RemindersTest;

TEST_F(ReminderHandlerTest, WithoutAPolicyTheDefaultHolds) {
  const auto policy = GetPolicy();
  ASSERT_OK(policy);
  EXPECT_EQ(policy->name(), "clinics/north/reminderPolicy");
  EXPECT_EQ(policy->session_rules_size(), 0);
  EXPECT_EQ(policy->course_rules_size(), 9);
  EXPECT_EQ(policy->quiet_hours().start().hours(), 20);
  EXPECT_EQ(policy->course_reminder_time().hours(), 9);
  EXPECT_EQ(policy->max_attempts(), 8);
  EXPECT_EQ(policy->etag(), "");
  EXPECT_FALSE(policy->has_update_time());
  EXPECT_THAT(GetPolicy("clinics/north/courses/none"), StatusIs(kNotFound));
}

TEST_F(ReminderHandlerTest, APolicyReadsBackAsSet) {
  pb::ReminderPolicy policy = SmsPolicy();
  policy.mutable_quiet_hours()->mutable_start()->set_hours(21);
  policy.mutable_quiet_hours()->mutable_end()->set_hours(7);
  policy.mutable_quiet_hours()->mutable_end()->set_minutes(30);
  policy.mutable_quiet_hours()->set_shift(pb::QUIET_HOURS_SHIFT_LATER);
  policy.mutable_course_reminder_time();  // midnight
  policy.set_max_attempts(3);
  const auto set = SetPolicy(policy);
  ASSERT_OK(set);
  EXPECT_GT(set->revision(), 0);
  EXPECT_EQ(TimeOf(set->update_time()), now_);
  EXPECT_EQ(GetPolicy()->SerializeAsString(), set->SerializeAsString());
  policy.set_name(set->name());
  policy.set_etag(set->etag());
  policy.set_revision(set->revision());
  *policy.mutable_update_time() = set->update_time();
  EXPECT_EQ(set->SerializeAsString(), policy.SerializeAsString());
  EXPECT_THAT(NewEvents(), ElementsAre("policy"));
}

TEST_F(ReminderHandlerTest, AMaskChangesItsFieldsOnly) {
  ASSERT_OK(SetPolicy(SmsPolicy()));
  pb::UpdateReminderPolicyRequest request;
  request.set_clinic("clinics/north");
  request.mutable_policy()->set_max_attempts(5);
  const auto changed = reminders_.UpdateReminderPolicy(Write(request), request);
  ASSERT_OK(changed);
  EXPECT_EQ(changed->session_rules_size(), 2);
  EXPECT_EQ(changed->max_attempts(), 5);
  request.mutable_policy()->Clear();
  request.mutable_update_mask()->add_paths("session_rules");
  EXPECT_EQ(reminders_.UpdateReminderPolicy(Write(request), request)->session_rules_size(), 0);
  request.mutable_update_mask()->set_paths(0, "etag");
  EXPECT_THAT(reminders_.UpdateReminderPolicy(Write(request), request),
              HasBadFields("update_mask.paths[0]"));
}

TEST_F(ReminderHandlerTest, AnOldEtagIsRefused) {
  pb::ReminderPolicy policy = *SetPolicy(SmsPolicy());
  ASSERT_OK(SetPolicy(policy));
  EXPECT_THAT(SetPolicy(policy), FailsWith(kAborted, "ETAG_MISMATCH"));
}

TEST_F(ReminderHandlerTest, WhatIsOnlyCheckedIsNotSet) {
  const auto checked = SetPolicy(SmsPolicy(), "", /*validate_only=*/true);
  ASSERT_OK(checked);
  EXPECT_EQ(checked->session_rules_size(), 2);
  EXPECT_EQ(checked->etag(), "");
  EXPECT_EQ(GetPolicy()->session_rules_size(), 0);
}

TEST_F(ReminderHandlerTest, AllBadFieldsAreNamed) {
  pb::ReminderPolicy policy = SmsPolicy();
  policy.mutable_session_rules(0)->clear_audience();
  policy.mutable_session_rules(1)->set_minutes_before(3);
  policy.add_course_rules()->set_kind(pb::REMINDER_KIND_SESSION);
  policy.mutable_quiet_hours()->mutable_start()->set_hours(20);
  policy.mutable_course_reminder_time()->set_hours(25);
  policy.set_max_attempts(-1);
  EXPECT_THAT(
      SetPolicy(policy),
      HasBadFields("policy.quiet_hours.end", "policy.course_reminder_time",
                   "policy.session_rules[0].audience", "policy.session_rules[1].minutes_before",
                   "policy.course_rules[0].audience", "policy.course_rules[0].channels",
                   "policy.course_rules[0].template", "policy.course_rules[0].kind",
                   "policy.max_attempts"));
}

TEST_F(ReminderHandlerTest, ACoursesOwnPolicyStartsFromTheClinics) {
  ASSERT_OK(SetPolicy(SmsPolicy()));
  const std::string course = OpenCourse("p");
  NewEvents();
  EXPECT_TRUE(GetPolicy(course)->inherited());
  EXPECT_EQ(GetPolicy(course)->name(), course + "/reminderPolicy");
  pb::UpdateReminderPolicyRequest request;
  request.set_clinic("clinics/north");
  request.set_course(course);
  request.mutable_policy()->set_max_attempts(5);
  ASSERT_OK(reminders_.UpdateReminderPolicy(Write(request), request));
  const auto own = GetPolicy(course);
  EXPECT_FALSE(own->inherited());
  EXPECT_EQ(own->session_rules_size(), 2);
  EXPECT_EQ(own->max_attempts(), 5);
  EXPECT_EQ(GetPolicy()->max_attempts(), 0);
  pb::ResetReminderPolicyRequest reset;
  reset.set_course(course);
  ASSERT_OK(reminders_.ResetReminderPolicy(Write(reset), reset));
  ASSERT_OK(reminders_.ResetReminderPolicy(Write(reset), reset));  // there is none any more
  EXPECT_TRUE(GetPolicy(course)->inherited());
  EXPECT_THAT(NewEvents(), ElementsAre("policy", "policy"));
}

TEST_F(ReminderHandlerTest, PreferencesReadBackAsSet) {
  OpenCourse("p");
  NewEvents();
  EXPECT_EQ(GetPreferences("p")->etag(), "");
  EXPECT_EQ(GetPreferences("p")->patient().value(), "p");
  pb::ContactPreferences wishes;
  wishes.add_opted_out(pb::REMINDER_CHANNEL_VOICE);
  wishes.add_opted_out(pb::REMINDER_CHANNEL_SMS);
  wishes.set_language("en-GB");
  wishes.set_time_zone("Europe/Paris");
  const auto set = SetPreferences("p", wishes);
  ASSERT_OK(set);
  EXPECT_THAT(set->opted_out(), ElementsAre(pb::REMINDER_CHANNEL_SMS, pb::REMINDER_CHANNEL_VOICE));
  EXPECT_EQ(GetPreferences("p")->SerializeAsString(), set->SerializeAsString());
  EXPECT_THAT(NewEvents(), IsEmpty()) << "a patient's wishes are told to nobody";
  wishes.set_etag("\"1\"");
  EXPECT_THAT(SetPreferences("p", wishes), FailsWith(kAborted, "ETAG_MISMATCH"));
  EXPECT_THAT(SetPreferences("unknown", {}), StatusIs(kNotFound));
  EXPECT_THAT(GetPreferences("unknown"), StatusIs(kNotFound));
  wishes.clear_etag();
  wishes.set_time_zone("Mars/Olympus");
  wishes.set_language("x");
  EXPECT_THAT(SetPreferences("p", wishes),
              HasBadFields("preferences.language", "preferences.time_zone"));
}

TEST_F(ReminderHandlerTest, SendingIsPausedPacedAndResumed) {
  pb::GetSendingRequest get;
  get.set_clinic("clinics/north");
  const auto before = reminders_.GetSending(Read(), get);
  ASSERT_OK(before);
  EXPECT_FALSE(before->paused());
  EXPECT_EQ(before->etag(), "");
  pb::SetSendingRequest set;
  set.set_clinic("clinics/north");
  set.set_paused(true);
  EXPECT_THAT(reminders_.SetSending(Write(set), set), HasBadFields("reason"));
  set.set_reason("the gateway is being replaced");
  set.set_max_per_minute(600);
  const auto paused = reminders_.SetSending(Write(set), set);
  ASSERT_OK(paused);
  EXPECT_TRUE(paused->paused());
  EXPECT_EQ(paused->caller(), "tester");
  EXPECT_EQ(reminders_.GetSending(Read(), get)->SerializeAsString(), paused->SerializeAsString());
  EXPECT_THAT(NewEvents(), ElementsAre("sending"));
  set.set_paused(false);
  set.set_etag("\"1\"");
  EXPECT_THAT(reminders_.SetSending(Write(set), set), FailsWith(kAborted, "ETAG_MISMATCH"));
  set.set_etag(paused->etag());
  set.set_max_per_minute(1'000'001);
  EXPECT_THAT(reminders_.SetSending(Write(set), set), HasBadFields("max_per_minute"));
  set.set_max_per_minute(0);
  EXPECT_FALSE(reminders_.SetSending(Write(set), set)->paused());
}

TEST_F(ReminderHandlerTest, ListsArePagedAndFiltered) {
  ASSERT_OK(SetPolicy(SmsPolicy()));
  const std::string one = OpenCourse("p");
  const std::string two = OpenCourse("q", "b");
  BookAt(one, Monday(1, 10));
  BookAt(two, Monday(1, 10));
  pb::ListRemindersRequest request;
  request.set_parent("clinics/north");
  request.set_page_size(3);
  auto page = reminders_.ListReminders(Read(), request);
  ASSERT_OK(page);
  EXPECT_EQ(page->reminders_size(), 3);
  std::set<std::string> names;
  for (const auto& name : NamesOf(page->reminders())) names.insert(name);
  request.set_page_token(page->next_page_token());
  page = reminders_.ListReminders(Read(), request);
  ASSERT_OK(page);
  EXPECT_EQ(page->reminders_size(), 1);
  EXPECT_EQ(page->next_page_token(), "");
  names.insert(page->reminders(0).name());
  EXPECT_EQ(names.size(), 4);
  request.add_states(pb::REMINDER_STATE_SENT);
  EXPECT_THAT(reminders_.ListReminders(Read(), request), HasBadFields("page_token"));
  request.clear_page_token();
  EXPECT_EQ(reminders_.ListReminders(Read(), request)->reminders_size(), 0);
  request.clear_states();
  *request.mutable_start_time() = Stamp(Monday(1, 8));
  EXPECT_EQ(reminders_.ListReminders(Read(), request)->reminders_size(), 2);
  *request.mutable_end_time() = Stamp(Monday(1, 8));
  request.add_kinds(pb::REMINDER_KIND_UNSPECIFIED);
  EXPECT_THAT(reminders_.ListReminders(Read(), request), HasBadFields("kinds[0]", "end_time"));
  request.Clear();
  request.set_parent("clinics/north");
  request.set_course("clinics/north/courses/none");
  EXPECT_THAT(reminders_.ListReminders(Read(), request), StatusIs(kNotFound));
}

TEST_F(ReminderHandlerTest, APreviewShowsWhatWouldBeSentAndWritesNothing) {
  const std::string course = OpenCourse("p");
  BookAt(course, Monday(1, 10));
  const size_t stored = List(course).size();
  pb::PreviewRemindersRequest request;
  request.set_course(course);
  const auto preview = [&] {
    const auto response = reminders_.PreviewReminders(Read(), request);
    EXPECT_OK(response);
    std::vector<std::string> lines;
    for (const pb::Reminder& reminder : response->reminders()) {
      EXPECT_EQ(reminder.name(), "");
      EXPECT_EQ(reminder.patient().value(), "p");
      lines.push_back(Line(reminder));
    }
    return lines;
  };
  EXPECT_EQ(preview(), Lines(course));
  *request.mutable_policy() = SmsPolicy();
  EXPECT_THAT(preview(), ElementsAre("days 11-07 10:00 SCHEDULED", "hours 11-09 08:00 SCHEDULED"));
  now_ = Monday(1, 9, 30);
  EXPECT_THAT(preview(), ElementsAre("days 11-07 10:00 SUPPRESSED BORN_LATE",
                                     "hours 11-09 08:00 SUPPRESSED BORN_LATE"));
  EXPECT_EQ(List(course).size(), stored);
  request.mutable_policy()->mutable_session_rules(0)->clear_channels();
  EXPECT_THAT(reminders_.PreviewReminders(Read(), request),
              HasBadFields("policy.session_rules[0].channels"));
}

TEST_F(ReminderHandlerTest, APreviewLeavesOutWhatWasSent) {
  ASSERT_OK(SetPolicy(SmsPolicy()));
  const std::string course = OpenCourse("p");
  BookAt(course, Monday(1, 10));
  Send(List(course)[0]);
  pb::PreviewRemindersRequest request;
  request.set_course(course);
  EXPECT_EQ(reminders_.PreviewReminders(Read(), request)->reminders_size(), 1);
}

TEST_F(ReminderHandlerTest, ATestIsDueAtOnceAndForAShortWhile) {
  const std::string course = OpenCourse("p");
  pb::TestReminderRequest request;
  request.set_course(course);
  request.add_channels(pb::REMINDER_CHANNEL_EMAIL);
  request.set_template_("days");
  const auto test = reminders_.TestReminder(Write(request), request);
  ASSERT_OK(test);
  EXPECT_TRUE(test->test());
  EXPECT_EQ(test->audience(), pb::REMINDER_AUDIENCE_THERAPIST);
  EXPECT_EQ(test->state(), pb::REMINDER_STATE_SCHEDULED);
  EXPECT_EQ(test->session(), "");
  EXPECT_EQ(test->patient().value(), "p");
  EXPECT_EQ(TimeOf(test->next_attempt_time()), now_);
  EXPECT_EQ(TimeOf(test->expire_time()), now_ + kTestLifetime);
  EXPECT_EQ(TimeOf(test->variables().session_start_time()), now_ + absl::Hours(24));
  EXPECT_EQ(GetReminder(test->name())->SerializeAsString(), test->SerializeAsString());
  now_ += absl::Seconds(1);
  EXPECT_OK(reminders_.TestReminder(Write(request), request)) << "another beside it";

  pb::ContactPreferences wishes;
  wishes.add_opted_out(pb::REMINDER_CHANNEL_EMAIL);
  ASSERT_OK(SetPreferences("p", wishes));
  request.set_audience(pb::REMINDER_AUDIENCE_PATIENT);
  now_ += absl::Seconds(1);
  EXPECT_EQ(reminders_.TestReminder(Write(request), request)->why_not(),
            pb::REMINDER_WHY_NOT_OPTED_OUT);
  ASSERT_OK(SetPreferences("p", {}));
  now_ = Monday(1, 22);  // the default's quiet hours
  EXPECT_EQ(reminders_.TestReminder(Write(request), request)->why_not(),
            pb::REMINDER_WHY_NOT_TOO_LATE);

  request.set_template_("not a key");
  request.add_channels(pb::REMINDER_CHANNEL_EMAIL);
  EXPECT_THAT(reminders_.TestReminder(Write(request), request),
              HasBadFields("channels[1]", "template"));
  request.set_template_("days");
  request.mutable_channels()->RemoveLast();
  ASSERT_OK(Discontinue(course));
  EXPECT_THAT(reminders_.TestReminder(Write(request), request),
              FailsWith(kPrecondition, "COURSE_STATE"));
}

TEST_F(ReminderHandlerTest, ADeadLetterIsReplayed) {
  ASSERT_OK(SetPolicy(SmsPolicy()));
  const std::string course = OpenCourse("p");
  BookAt(course, Monday(1, 10));
  now_ = At(CivilMinute(2026, 11, 8, 21, 0));
  const pb::Reminder dead = List(course)[0];
  EXPECT_THAT(Replay(dead.name()), FailsWith(kPrecondition, "REMINDER_STATE"));
  Kill(dead);
  const auto again = Replay(dead.name());
  ASSERT_OK(again);
  EXPECT_EQ(again->state(), pb::REMINDER_STATE_SCHEDULED);
  EXPECT_EQ(again->why_not(), pb::REMINDER_WHY_NOT_UNSPECIFIED);
  EXPECT_EQ(again->generation(), 2);
  EXPECT_EQ(again->attempt(), 0);
  EXPECT_EQ(TimeOf(again->due_time()), TimeOf(dead.due_time()));
  EXPECT_EQ(TimeOf(again->next_attempt_time()), now_);
  EXPECT_EQ(GetReminder(dead.name())->SerializeAsString(), again->SerializeAsString());
  EXPECT_THAT(Replay("clinics/north/reminders/none"), StatusIs(kNotFound));
}

TEST_F(ReminderHandlerTest, ADeadLetterThatTellsNothingTrueIsNotReplayed) {
  ASSERT_OK(SetPolicy(SmsPolicy()));
  const std::string course = OpenCourse("p");
  const std::string session = BookAt(course, Monday(1, 10));
  const pb::Reminder dead = List(course)[1];
  Kill(dead);
  now_ = Monday(1, 10);
  EXPECT_THAT(Replay(dead.name()), FailsWith(kPrecondition, "REMINDER_STATE"));
  now_ = Monday(1, 9);
  pb::ContactPreferences wishes;
  wishes.set_gone(true);
  ASSERT_OK(SetPreferences("p", wishes));
  EXPECT_THAT(Replay(dead.name()), FailsWith(kPrecondition, "REMINDER_STATE"));
  ASSERT_OK(SetPreferences("p", {}));
  ASSERT_OK(Cancel(session));
  EXPECT_THAT(Replay(dead.name()), FailsWith(kPrecondition, "REMINDER_STATE"));
  EXPECT_EQ(GetReminder(dead.name())->state(), pb::REMINDER_STATE_CANCELLED);
}

TEST_F(ReminderHandlerTest, AReminderIsDroppedWithItsReason) {
  ASSERT_OK(SetPolicy(SmsPolicy()));
  const std::string course = OpenCourse("p");
  BookAt(course, Monday(1, 10));
  const auto reminders = List(course);
  const auto dropped = Drop(reminders[0].name());
  ASSERT_OK(dropped);
  EXPECT_EQ(dropped->state(), pb::REMINDER_STATE_SUPPRESSED);
  EXPECT_EQ(dropped->why_not(), pb::REMINDER_WHY_NOT_DROPPED);
  EXPECT_EQ(dropped->note(), "told by telephone");
  EXPECT_EQ(GetReminder(dropped->name())->SerializeAsString(), dropped->SerializeAsString());
  EXPECT_THAT(Drop(reminders[0].name()), FailsWith(kPrecondition, "REMINDER_STATE"));
  Lease(reminders[1]);
  const auto leased = Drop(reminders[1].name());
  EXPECT_THAT(leased, FailsWith(kPrecondition, "REMINDER_STATE"));
  EXPECT_EQ(Meta(leased, "state"), "LEASED");
  Kill(reminders[1]);
  EXPECT_OK(Drop(reminders[1].name()));
}

TEST_F(ReminderHandlerTest, TheQueueIsCounted) {
  ASSERT_OK(SetPolicy(SmsPolicy()));
  const std::string course = OpenCourse("p");
  BookAt(course, Monday(1, 10));
  BookAt(course, Monday(2, 10));
  now_ = Monday(1, 9);
  const auto reminders = List(course);
  Lease(reminders[0]);
  pb::GetReminderQueueRequest request;
  request.set_clinic("clinics/north");
  const auto queue = reminders_.GetReminderQueue(Read(), request);
  ASSERT_OK(queue);
  EXPECT_EQ(queue->clinic(), "clinics/north");
  EXPECT_EQ(TimeOf(queue->as_of()), now_);
  EXPECT_EQ(queue->scheduled(), 2);
  EXPECT_EQ(queue->due(), 1);
  EXPECT_EQ(queue->leased(), 1);
  EXPECT_EQ(TimeOf(queue->oldest_due_time()), Monday(1, 8));
  EXPECT_EQ(TimeOf(queue->next_due_time()), Monday(2, 10) - absl::Hours(48));
  EXPECT_FALSE(queue->paused());
}

}  // namespace
}  // namespace ipt::scheduling
