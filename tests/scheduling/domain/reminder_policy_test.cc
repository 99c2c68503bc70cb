#include "scheduling/domain/reminder_policy.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ipt::scheduling {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> BadFields(const ReminderPolicy& policy) {
  FieldViolations bad;
  CheckReminderPolicy(policy, bad.In("policy"));
  std::vector<std::string> fields;
  for (const FieldViolation& violation : FieldViolationsOf(bad.ToStatus())) {
    fields.push_back(violation.field);
  }
  return fields;
}

std::vector<std::string> BadFields(const ContactPreferences& preferences) {
  FieldViolations bad;
  CheckContactPreferences(preferences, bad.In("preferences"));
  std::vector<std::string> fields;
  for (const FieldViolation& violation : FieldViolationsOf(bad.ToStatus())) {
    fields.push_back(violation.field);
  }
  return fields;
}

SessionReminderRule Session(ReminderAudience audience, int minutes) {
  return {audience, minutes, {ReminderChannel::kSms}, "session"};
}
CourseReminderRule Course(ReminderKind kind, int weeks = 0) {
  return {kind, ReminderAudience::kTherapist, weeks, {ReminderChannel::kEmail}, "course"};
}

TEST(ReminderPolicyTest, TheDefaultIsValidAndSendsPatientsNothing) {
  const ReminderPolicy& policy = DefaultReminderPolicy();
  EXPECT_THAT(BadFields(policy), IsEmpty());
  EXPECT_THAT(policy.session_rules, IsEmpty());
  EXPECT_FALSE(policy.course_rules.empty());
  for (const CourseReminderRule& rule : policy.course_rules) {
    EXPECT_EQ(rule.audience, ReminderAudience::kTherapist);
  }
}

TEST(ReminderPolicyTest, ACoursesOwnComesBeforeTheClinicsBeforeTheDefault) {
  ReminderSettings settings;
  EXPECT_EQ(PolicyOf(settings, false).policy, DefaultReminderPolicy());
  EXPECT_FALSE(PolicyOf(settings, false).inherited);
  EXPECT_TRUE(PolicyOf(settings, true).inherited);
  settings.clinic.emplace().revision = 3;
  EXPECT_EQ(PolicyOf(settings, false).revision, 3);
  EXPECT_EQ(PolicyOf(settings, true).revision, 3);
  EXPECT_TRUE(PolicyOf(settings, true).inherited);
  settings.course.emplace().revision = 5;
  EXPECT_EQ(PolicyOf(settings, false).revision, 3);
  EXPECT_EQ(PolicyOf(settings, true).revision, 5);
  EXPECT_FALSE(PolicyOf(settings, true).inherited);
}

TEST(ReminderPolicyTest, TakesTheBoundsAndNothingBeyond) {
  ReminderPolicy policy;
  EXPECT_THAT(BadFields(policy), IsEmpty());  // sends nothing
  policy.session_rules = {Session(ReminderAudience::kPatient, 5),
                          Session(ReminderAudience::kTherapist, 5),
                          Session(ReminderAudience::kPatient, 40320)};
  policy.course_rules = {Course(ReminderKind::kDeadlineAhead, 1),
                         Course(ReminderKind::kDeadlineAhead, 12),
                         Course(ReminderKind::kNoSessionBooked)};
  policy.quiet_hours = QuietHours{8 * 60, 7 * 60, QuietHoursShift::kUnspecified};
  policy.course_reminder_minute = 1439;
  policy.max_attempts = 20;
  policy.after_unknown = AfterUnknown::kHold;
  EXPECT_THAT(BadFields(policy), IsEmpty());

  policy.session_rules[0].minutes_before = 4;
  policy.session_rules[1].audience = ReminderAudience::kUnspecified;
  policy.session_rules[2].minutes_before = 40321;
  policy.course_rules[0].weeks_before = 0;
  policy.course_rules[1].weeks_before = 13;
  policy.course_rules[2].weeks_before = 1;
  policy.quiet_hours->end_minute = 7 * 60 + 1;
  policy.course_reminder_minute = 1440;
  policy.max_attempts = 21;
  policy.after_unknown = static_cast<AfterUnknown>(3);
  EXPECT_THAT(
      BadFields(policy),
      ElementsAre("policy.session_rules[0].minutes_before", "policy.session_rules[1].audience",
                  "policy.session_rules[2].minutes_before", "policy.course_rules[0].weeks_before",
                  "policy.course_rules[1].weeks_before", "policy.course_rules[2].weeks_before",
                  "policy.quiet_hours.end", "policy.course_reminder_time", "policy.max_attempts",
                  "policy.after_unknown"));
}

TEST(ReminderPolicyTest, WhatStandsOutIsForTherapistsOnly) {
  ReminderPolicy policy;
  policy.course_rules = {Course(ReminderKind::kProtocolFinding)};
  EXPECT_THAT(BadFields(policy), IsEmpty());
  policy.course_rules[0].audience = ReminderAudience::kPatient;
  EXPECT_THAT(BadFields(policy), ElementsAre("policy.course_rules[0].audience"));
}

TEST(ReminderPolicyTest, RefusesTwoRulesThatWouldBeOneReminder) {
  ReminderPolicy policy;
  policy.session_rules = {Session(ReminderAudience::kPatient, 60),
                          Session(ReminderAudience::kPatient, 60)};
  policy.course_rules = {Course(ReminderKind::kOverdue), Course(ReminderKind::kOverdue)};
  EXPECT_THAT(BadFields(policy),
              ElementsAre("policy.session_rules[1].minutes_before", "policy.course_rules[1].kind"));
}

TEST(ReminderPolicyTest, ChecksChannelsTemplatesAndKinds) {
  ReminderPolicy policy;
  policy.session_rules = {Session(ReminderAudience::kPatient, 60)};
  policy.session_rules[0].channels = {ReminderChannel::kSms, ReminderChannel::kUnspecified,
                                      ReminderChannel::kSms};
  policy.session_rules[0].template_key = "with space";
  policy.course_rules = {Course(ReminderKind::kMeasureDue), Course(ReminderKind::kSession)};
  policy.course_rules[0].channels = {};
  policy.course_rules[0].template_key = "";
  policy.course_rules[1].template_key = std::string(65, 'a');
  EXPECT_THAT(
      BadFields(policy),
      ElementsAre("policy.session_rules[0].channels[1]", "policy.session_rules[0].channels[2]",
                  "policy.session_rules[0].template", "policy.course_rules[0].channels",
                  "policy.course_rules[0].template", "policy.course_rules[0].kind",
                  "policy.course_rules[1].template", "policy.course_rules[1].kind"));
}

TEST(ReminderPolicyTest, ChecksPreferences) {
  ContactPreferences preferences;
  EXPECT_THAT(BadFields(preferences), IsEmpty());
  for (const char* language : {"en", "en-GB", "sr-Latn-RS", "de-CH-1996"}) {
    preferences.language = language;
    EXPECT_THAT(BadFields(preferences), IsEmpty()) << language;
  }
  for (const char* language : {"e", "en_GB", "en-", "1a", "en-toolongsub", "en GB"}) {
    preferences.language = language;
    EXPECT_THAT(BadFields(preferences), ElementsAre("preferences.language")) << language;
  }
  preferences = {};
  preferences.opted_out = {ReminderChannel::kSms, static_cast<ReminderChannel>(6),
                           ReminderChannel::kSms};
  preferences.time_zone = "Mars/Olympus";
  EXPECT_THAT(
      BadFields(preferences),
      ElementsAre("preferences.opted_out[1]", "preferences.opted_out[2]", "preferences.time_zone"));
}

}  // namespace
}  // namespace ipt::scheduling
