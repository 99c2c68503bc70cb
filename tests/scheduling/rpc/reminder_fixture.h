// What tests of reminders share: the clinic of booking_fixture.h, which reminds patients two days
// and two hours before their sessions, and the verbs of ReminderService as short calls.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "scheduling/rpc/reminder_handler.h"
#include "tests/scheduling/rpc/booking_fixture.h"

namespace ipt::scheduling {

class RemindersTest : public BookingTest {
 protected:
  static pb::ReminderPolicy SmsPolicy() {
    pb::ReminderPolicy policy;
    for (const int minutes : {2880, 120}) {
      pb::SessionReminderRule* rule = policy.add_session_rules();
      rule->set_audience(pb::REMINDER_AUDIENCE_PATIENT);
      rule->set_minutes_before(minutes);
      rule->add_channels(pb::REMINDER_CHANNEL_SMS);
      rule->set_template_(minutes == 120 ? "hours" : "days");
    }
    return policy;
  }

  absl::StatusOr<pb::ReminderPolicy> GetPolicy(const std::string& course = "") {
    pb::GetReminderPolicyRequest request;
    request.set_clinic("clinics/north");
    request.set_course(course);
    return reminders_.GetReminderPolicy(Read(), request);
  }
  absl::StatusOr<pb::ReminderPolicy> SetPolicy(const pb::ReminderPolicy& policy,
                                               const std::string& course = "",
                                               bool validate_only = false) {
    pb::UpdateReminderPolicyRequest request;
    request.set_clinic("clinics/north");
    request.set_course(course);
    *request.mutable_policy() = policy;
    request.mutable_update_mask()->add_paths("*");
    request.set_validate_only(validate_only);
    return reminders_.UpdateReminderPolicy(Write(request), request);
  }
  absl::StatusOr<pb::ContactPreferences> SetPreferences(const std::string& patient,
                                                        const pb::ContactPreferences& preferences) {
    pb::UpdateContactPreferencesRequest request;
    request.set_parent("clinics/north");
    request.mutable_patient()->set_system("urn:mrn");
    request.mutable_patient()->set_value(patient);
    *request.mutable_preferences() = preferences;
    request.mutable_update_mask()->add_paths("*");
    return reminders_.UpdateContactPreferences(Write(request), request);
  }
  absl::StatusOr<pb::ContactPreferences> GetPreferences(const std::string& patient) {
    pb::GetContactPreferencesRequest request;
    request.set_parent("clinics/north");
    request.mutable_patient()->set_system("urn:mrn");
    request.mutable_patient()->set_value(patient);
    return reminders_.GetContactPreferences(Read(), request);
  }
  std::vector<pb::Reminder> List(const std::string& course) {
    pb::ListRemindersRequest request;
    request.set_parent("clinics/north");
    request.set_course(course);
    request.set_page_size(1000);
    const auto response = reminders_.ListReminders(Read(), request);
    EXPECT_OK(response);
    if (!response.ok()) return {};
    return {response->reminders().begin(), response->reminders().end()};
  }
  // "days 11-07 10:00 SCHEDULED" of each, by due time; with why not, and whose.
  static std::string Line(const pb::Reminder& reminder) {
    std::string line =
        absl::StrCat(reminder.template_(), " ", Local(reminder.due_time()), " ",
                     pb::ReminderState_Name(reminder.state()).substr(sizeof("REMINDER_STATE")));
    if (reminder.why_not() != 0) {
      absl::StrAppend(
          &line, " ",
          pb::ReminderWhyNot_Name(reminder.why_not()).substr(sizeof("REMINDER_WHY_NOT")));
    }
    return line;
  }
  std::vector<std::string> Lines(const std::string& course) {
    std::vector<std::string> lines;
    for (const pb::Reminder& reminder : List(course)) lines.push_back(Line(reminder));
    return lines;
  }
  absl::StatusOr<pb::Reminder> GetReminder(const std::string& name) {
    pb::GetReminderRequest request;
    request.set_name(name);
    return reminders_.GetReminder(Read(), request);
  }
  absl::StatusOr<pb::Reminder> Drop(const std::string& name) {
    pb::DropReminderRequest request;
    request.set_name(name);
    request.set_reason("told by telephone");
    return reminders_.DropReminder(Write(request), request);
  }
  absl::StatusOr<pb::Reminder> Replay(const std::string& name) {
    pb::ReplayReminderRequest request;
    request.set_name(name);
    return reminders_.ReplayReminder(Write(request), request);
  }

  // What delivery does to a reminder.
  void Sql(const std::string& sql) {
    EXPECT_OK(db_->Write({}, [&](storage::Connection& conn) { return conn.ExecuteScript(sql); }));
  }
  static std::string IdOf(const pb::Reminder& reminder) {
    return reminder.name().substr(reminder.name().rfind('/') + 1);
  }
  void Lease(const pb::Reminder& reminder, int token = 1) {
    Sql(absl::StrCat("UPDATE reminders SET state = 2, attempt = 1, lease_token = ", token,
                     " WHERE reminder_id = '", IdOf(reminder), "'"));
    Sql(absl::StrCat(
        "INSERT INTO reminder_attempts (clinic_id, reminder_id, generation, attempt, lease_token, "
        "caller, leased_us, ended_us, outcome, reason) VALUES ('north', '",
        IdOf(reminder), "', ", reminder.generation(), ", 1, ", token, ", 'gw', ",
        absl::ToUnixMicros(now_), ", NULL, 0, '')"));
  }
  void Send(const pb::Reminder& reminder) {
    Sql(absl::StrCat("UPDATE reminders SET state = 3, sent_us = ", absl::ToUnixMicros(now_),
                     ", lease_token = 1 WHERE reminder_id = '", IdOf(reminder), "'"));
  }
  void Kill(const pb::Reminder& reminder) {
    Sql(
        absl::StrCat("UPDATE reminders SET state = 4, why_not = 8, attempt = 8, lease_token = 1 "
                     "WHERE reminder_id = '",
                     IdOf(reminder), "'"));
  }
  int Refresh() {
    ipt::testing::FakeClock clock(now_);
    const auto result = RefreshSome(store_, clock, 100);
    EXPECT_OK(result);
    EXPECT_OK(result->last_error);
    return result->refreshed;
  }

  ReminderHandler reminders_{store_};
};

}  // namespace ipt::scheduling
