#include "scheduling/rpc/event_proto.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ipt/scheduling/v1/event_service.pb.h"

namespace ipt::scheduling {
namespace {

pb::SchedulingEvent Decoded(const EventEncoder::Encoded& encoded) {
  pb::SchedulingEvent event;
  EXPECT_TRUE(event.ParseFromString(encoded.payload));
  return event;
}

TEST(EventProtoTest, SaysWhatChangedAndHow) {
  Session session;
  session.clinic_id = "north";
  session.course_id = "k1";
  session.session_id = "s1";
  session.time_zone = "Europe/London";
  session.interval = {absl::FromUnixSeconds(1'800'000'000), absl::FromUnixSeconds(1'800'003'000)};
  const auto encoded = ProtoEventEncoder().Encode(SessionChanged{session});
  EXPECT_EQ(encoded.clinic_id, "north");
  EXPECT_EQ(encoded.subject, "clinics/north/courses/k1/sessions/s1");
  EXPECT_EQ(encoded.kind, "SESSION_CHANGED");
  EXPECT_EQ(Decoded(encoded).session_changed().start_time().seconds(), 1'800'000'000);
}

TEST(EventProtoTest, AForecastChangeNamesTheStateBefore) {
  Course course;
  course.clinic_id = "north";
  course.course_id = "k1";
  course.forecast.emplace().state = ForecastState::kAtRisk;
  const auto encoded = ProtoEventEncoder().Encode(ForecastChanged{course, ForecastState::kOnTrack});
  EXPECT_EQ(encoded.kind, "FORECAST_CHANGED");
  EXPECT_EQ(encoded.subject, "clinics/north/courses/k1");
  const pb::ForecastChange change = Decoded(encoded).forecast_changed();
  EXPECT_EQ(change.previous_state(), pb::FORECAST_STATE_ON_TRACK);
  EXPECT_EQ(change.course().forecast().state(), pb::FORECAST_STATE_AT_RISK);
}

TEST(EventProtoTest, EveryKindOfEventHasItsFieldSubjectAndClinic) {
  Clinic clinic;
  clinic.clinic_id = "north";
  const Holiday holiday{
      .clinic_id = "north", .day = absl::CivilDay(2026, 12, 25), .display_name = "", .stamp = {}};
  Therapist therapist;
  therapist.clinic_id = "north";
  TimeOff off;
  off.clinic_id = "north";
  ExtraHours extra;
  extra.clinic_id = "north";
  Course course;
  course.clinic_id = "north";
  SendingState sending;
  sending.clinic_id = "north";
  const std::vector<std::pair<Event, std::string>> events = {
      {ClinicChanged{clinic}, "CLINIC_CHANGED"},
      {HolidayCreated{holiday}, "HOLIDAY_CREATED"},
      {HolidayDeleted{holiday}, "HOLIDAY_DELETED"},
      {TherapistChanged{therapist}, "THERAPIST_CHANGED"},
      {TimeOffCreated{off}, "TIME_OFF_CREATED"},
      {TimeOffDeleted{off}, "TIME_OFF_DELETED"},
      {TimeOffMoved{off}, "TIME_OFF_MOVED"},
      {ExtraHoursCreated{extra}, "EXTRA_HOURS_CREATED"},
      {ExtraHoursDeleted{extra}, "EXTRA_HOURS_DELETED"},
      {CourseChanged{course}, "COURSE_CHANGED"},
      {ReminderPolicyChanged{"north", "k1", {}}, "REMINDER_POLICY_CHANGED"},
      {ReminderPolicyChanged{"north", "", {}}, "REMINDER_POLICY_CHANGED"},
      {SendingChanged{sending}, "SENDING_CHANGED"}};
  for (const auto& [event, kind] : events) {
    const auto encoded = ProtoEventEncoder().Encode(event);
    EXPECT_EQ(encoded.kind, kind);
    EXPECT_EQ(encoded.clinic_id, "north");
    EXPECT_THAT(encoded.subject, ::testing::StartsWith("clinics/north"));
  }
}

// Whoever follows may choose among all kinds, and is told each one's.
TEST(EventProtoTest, EveryKindIsOneToChoose) {
  const auto* event = pb::SchedulingEvent::descriptor();
  EXPECT_EQ(event->field_count() + 1, pb::EventKind_descriptor()->value_count());
  for (int i = 0; i < event->field_count(); ++i) {
    pb::EventKind kind = pb::EVENT_KIND_UNSPECIFIED;
    EXPECT_TRUE(pb::EventKind_Parse(
        absl::StrCat("EVENT_KIND_", absl::AsciiStrToUpper(event->field(i)->name())), &kind))
        << event->field(i)->name();
  }
}

}  // namespace
}  // namespace ipt::scheduling
