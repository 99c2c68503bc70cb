#include "ipt-deliver/payload.h"

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace ipt::deliver {
namespace {

namespace v1 = ipt::scheduling::v1;
using Json = nlohmann::ordered_json;

void SetTime(const char* text, google::protobuf::Timestamp* out) {
  absl::Time time;
  ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, nullptr));
  out->set_seconds(absl::ToUnixSeconds(time));
}

TEST(PayloadTest, OfASessionSaysAllThatASenderNeeds) {
  v1::Reminder reminder;
  reminder.set_name("clinics/north/reminders/r1");
  reminder.set_course("clinics/north/courses/c1");
  reminder.set_session("clinics/north/courses/c1/sessions/s1");
  reminder.set_kind(v1::REMINDER_KIND_SESSION);
  reminder.set_audience(v1::REMINDER_AUDIENCE_PATIENT);
  reminder.mutable_patient()->set_system("urn:mrn");
  reminder.mutable_patient()->set_value("4711 \"\n");
  reminder.set_therapist("clinics/north/therapists/ana");
  reminder.add_channels(v1::REMINDER_CHANNEL_SMS);
  reminder.add_channels(v1::REMINDER_CHANNEL_EMAIL);
  reminder.set_template_("session-reminder-days");
  reminder.set_language("en-GB");
  reminder.set_generation(3);
  reminder.set_attempt(2);
  SetTime("2026-07-05T09:00:00Z", reminder.mutable_due_time());
  SetTime("2026-07-07T09:00:00Z", reminder.mutable_expire_time());
  v1::ReminderVariables& variables = *reminder.mutable_variables();
  SetTime("2026-07-07T09:00:00Z", variables.mutable_session_start_time());
  SetTime("2026-07-07T09:50:00Z", variables.mutable_session_end_time());
  variables.set_time_zone("Europe/London");
  variables.set_modality(v1::MODALITY_VIDEO);
  variables.set_location("https://video.example/ana");
  variables.set_session_number(5);
  EXPECT_EQ(
      PayloadOf(reminder, "r1:3"),
      R"({"version":1,"idempotency_key":"r1:3","reminder":"clinics/north/reminders/r1",)"
      R"("clinic":"clinics/north","course":"clinics/north/courses/c1",)"
      R"("session":"clinics/north/courses/c1/sessions/s1","kind":"SESSION","audience":"PATIENT",)"
      R"("patient":{"system":"urn:mrn","value":"4711 \"\n"},)"
      R"("therapist":"clinics/north/therapists/ana","channels":["SMS","EMAIL"],)"
      R"("template":"session-reminder-days","language":"en-GB","variables":{)"
      R"("session_start_time":"2026-07-07T09:00:00Z",)"
      R"("session_start_local":"2026-07-07T10:00:00+01:00",)"
      R"("session_end_time":"2026-07-07T09:50:00Z",)"
      R"("session_end_local":"2026-07-07T10:50:00+01:00","time_zone":"Europe/London",)"
      R"("modality":"VIDEO","location":"https://video.example/ana","session_number":5,)"
      R"("day":null,"weeks":null,"findings":null},"generation":3,"attempt":2,)"
      R"("due_time":"2026-07-05T09:00:00Z","expire_time":"2026-07-07T09:00:00Z","test":false})");
}

TEST(PayloadTest, OfADeadlineHasTheSameKeysAndNullsForWhatItHasNot) {
  v1::Reminder reminder;
  reminder.set_name("clinics/north/reminders/r2");
  reminder.set_kind(v1::REMINDER_KIND_DEADLINE_AHEAD);
  reminder.set_audience(v1::REMINDER_AUDIENCE_THERAPIST);
  reminder.mutable_variables()->set_day("2026-12-24");
  reminder.mutable_variables()->set_weeks(4);
  const Json json = Json::parse(PayloadOf(reminder, ""));
  EXPECT_TRUE(json["idempotency_key"].is_null());
  EXPECT_EQ(json["kind"], "DEADLINE_AHEAD");
  EXPECT_EQ(json["variables"]["day"], "2026-12-24");
  EXPECT_EQ(json["variables"]["weeks"], 4);
  for (const char* none : {"session_start_time", "session_start_local", "modality", "location"}) {
    EXPECT_TRUE(json["variables"].at(none).is_null()) << none;
  }
  EXPECT_TRUE(json.at("session").is_null());
}

TEST(PayloadTest, OfWhatStandsOutSaysEachAndHowGraveItIs) {
  v1::Reminder reminder;
  reminder.set_kind(v1::REMINDER_KIND_PROTOCOL_FINDING);
  v1::CourseFinding* finding = reminder.mutable_variables()->add_findings();
  finding->set_finding_id("FOCUS_NOT_AGREED");
  finding->set_severity(v1::COURSE_FINDING_SEVERITY_OVERDUE);
  const Json json = Json::parse(PayloadOf(reminder, ""));
  EXPECT_EQ(json["kind"], "PROTOCOL_FINDING");
  EXPECT_EQ(json["variables"]["findings"].dump(),
            R"([{"id":"FOCUS_NOT_AGREED","severity":"OVERDUE"}])");
}

TEST(PayloadTest, SaysWhatThisBuildDoesNotKnowByNumber) {
  v1::Reminder reminder;
  reminder.set_name("clinics/north/reminders/r3");
  reminder.set_kind(static_cast<v1::ReminderKind>(99));
  reminder.mutable_variables()->set_time_zone("Mars/Olympus");
  SetTime("2026-07-07T09:00:00Z", reminder.mutable_variables()->mutable_session_start_time());
  const Json json = Json::parse(PayloadOf(reminder, "k"));
  EXPECT_EQ(json["kind"], "99");
  EXPECT_TRUE(json["variables"]["session_start_local"].is_null());
}

}  // namespace
}  // namespace ipt::deliver
