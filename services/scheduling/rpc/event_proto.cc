#include "scheduling/rpc/event_proto.h"

#include <variant>

#include "absl/strings/ascii.h"
#include "absl/time/civil_time.h"
#include "scheduling/domain/names.h"
#include "scheduling/rpc/clinic_proto.h"
#include "scheduling/rpc/course_proto.h"
#include "scheduling/rpc/reminder_policy_proto.h"
#include "scheduling/rpc/session_proto.h"
#include "scheduling/rpc/therapist_proto.h"

namespace ipt::scheduling {
namespace {

// Writes each kind of event into its field and names its subject.
struct Writer {
  pb::SchedulingEvent* out;

  std::string operator()(const ClinicChanged& event) {
    WriteClinic(event.clinic, out->mutable_clinic_changed());
    return ClinicName(event.clinic.clinic_id);
  }
  std::string operator()(const HolidayCreated& event) {
    WriteHoliday(event.holiday, out->mutable_holiday_created());
    return out->holiday_created().name();
  }
  std::string operator()(const HolidayDeleted& event) {
    WriteHoliday(event.holiday, out->mutable_holiday_deleted());
    return out->holiday_deleted().name();
  }
  std::string operator()(const TherapistChanged& event) {
    WriteTherapist(event.therapist, out->mutable_therapist_changed());
    return out->therapist_changed().name();
  }
  std::string operator()(const TimeOffCreated& event) {
    WriteTimeOff(event.time_off, out->mutable_time_off_created());
    return out->time_off_created().name();
  }
  std::string operator()(const TimeOffDeleted& event) {
    WriteTimeOff(event.time_off, out->mutable_time_off_deleted());
    return out->time_off_deleted().name();
  }
  std::string operator()(const TimeOffMoved& event) {
    WriteTimeOff(event.time_off, out->mutable_time_off_moved());
    return out->time_off_moved().name();
  }
  std::string operator()(const ExtraHoursCreated& event) {
    WriteExtraHours(event.extra_hours, out->mutable_extra_hours_created());
    return out->extra_hours_created().name();
  }
  std::string operator()(const ExtraHoursDeleted& event) {
    WriteExtraHours(event.extra_hours, out->mutable_extra_hours_deleted());
    return out->extra_hours_deleted().name();
  }
  std::string operator()(const CourseChanged& event) {
    WriteCourse(event.course, out->mutable_course_changed());
    return out->course_changed().name();
  }
  std::string operator()(const ForecastChanged& event) {
    pb::ForecastChange* change = out->mutable_forecast_changed();
    WriteCourse(event.course, change->mutable_course());
    change->set_previous_state(static_cast<pb::ForecastState>(event.previous));
    return change->course().name();
  }
  std::string operator()(const ReminderPolicyChanged& event) {
    WriteReminderPolicy(event.policy, event.clinic_id, event.course_id,
                        out->mutable_reminder_policy_changed());
    return out->reminder_policy_changed().name();
  }
  std::string operator()(const SendingChanged& event) {
    WriteSending(event.sending, out->mutable_sending_changed());
    return out->sending_changed().clinic();
  }
  std::string operator()(const SessionChanged& event) {
    WriteSession(event.session, out->mutable_session_changed());
    return out->session_changed().name();
  }
};

const std::string& ClinicOf(const Event& event) {
  return std::visit(
      [](const auto& e) -> const std::string& {
        if constexpr (requires { e.clinic; }) return e.clinic.clinic_id;
        if constexpr (requires { e.holiday; }) return e.holiday.clinic_id;
        if constexpr (requires { e.therapist; }) return e.therapist.clinic_id;
        if constexpr (requires { e.time_off; }) return e.time_off.clinic_id;
        if constexpr (requires { e.extra_hours; }) return e.extra_hours.clinic_id;
        if constexpr (requires { e.course; }) return e.course.clinic_id;
        if constexpr (requires { e.session; }) return e.session.clinic_id;
        if constexpr (requires { e.sending; }) return e.sending.clinic_id;
        if constexpr (requires { e.clinic_id; }) return e.clinic_id;
      },
      event);
}

}  // namespace

void WriteEvent(const Event& event, pb::SchedulingEvent* out) {
  out->Clear();
  std::visit(Writer{out}, event);
}

EventEncoder::Encoded ProtoEventEncoder::Encode(const Event& event) const {
  pb::SchedulingEvent written;
  Encoded encoded;
  encoded.clinic_id = ClinicOf(event);
  encoded.subject = std::visit(Writer{&written}, event);
  const auto* kind = pb::SchedulingEvent::descriptor()->FindFieldByNumber(written.event_case());
  encoded.kind = absl::AsciiStrToUpper(kind->name());
  encoded.payload = written.SerializeAsString();
  return encoded;
}

}  // namespace ipt::scheduling
