#include "scheduling/domain/calendar_loader.h"

#include <algorithm>

#include "platform/errors/status_macros.h"
#include "scheduling/domain/time_zone.h"

namespace ipt::scheduling {
namespace {

// What has to be loaded so that `window` is covered: nothing, or all of it with what was loaded.
std::optional<Interval> Missing(const std::optional<Interval>& loaded, Interval window) {
  if (!loaded.has_value()) return window;
  if (loaded->start <= window.start && window.end <= loaded->end) return std::nullopt;
  return Interval{std::min(loaded->start, window.start), std::max(loaded->end, window.end)};
}

bool Is(const BusySpan& span, const Session* session) {
  return session != nullptr && span.course_id == session->course_id &&
         span.session_id == session->session_id;
}

}  // namespace

absl::StatusOr<int64_t> ClinicCalendars::ClinicVersion() {
  if (!clinic_version_.has_value()) {
    IPT_ASSIGN_OR_RETURN(clinic_version_, reader_.ClinicCalendarVersion(clinic_id_));
  }
  return *clinic_version_;
}

absl::StatusOr<const Clinic*> ClinicCalendars::GetClinic() {
  if (!clinic_.has_value()) {
    IPT_RETURN_IF_ERROR(ClinicVersion().status());
    IPT_ASSIGN_OR_RETURN(clinic_, reader_.GetClinic(clinic_id_));
  }
  return &*clinic_;
}

absl::StatusOr<int64_t> ClinicCalendars::TherapistVersion(absl::string_view therapist_id) {
  TherapistCalendar& calendar = therapists_[std::string(therapist_id)];
  if (!calendar.version.has_value()) {
    IPT_ASSIGN_OR_RETURN(calendar.version,
                         reader_.TherapistCalendarVersion(clinic_id_, therapist_id));
  }
  return *calendar.version;
}

void ClinicCalendars::SetTherapistVersion(absl::string_view therapist_id, int64_t version) {
  therapists_[std::string(therapist_id)].version = version;
}

absl::StatusOr<const Therapist*> ClinicCalendars::GetTherapist(absl::string_view therapist_id) {
  TherapistCalendar& calendar = therapists_[std::string(therapist_id)];
  if (!calendar.therapist.has_value()) {
    IPT_RETURN_IF_ERROR(TherapistVersion(therapist_id).status());
    IPT_ASSIGN_OR_RETURN(calendar.therapist, reader_.GetTherapist(clinic_id_, therapist_id));
  }
  return &*calendar.therapist;
}

absl::Status ClinicCalendars::LoadHolidays(Interval window) {
  IPT_ASSIGN_OR_RETURN(const Clinic* clinic, GetClinic());
  const auto missing = Missing(holidays_loaded_, window);
  if (!missing.has_value()) return absl::OkStatus();
  IPT_ASSIGN_OR_RETURN(const absl::TimeZone zone, StoredZone(clinic->time_zone));
  IPT_ASSIGN_OR_RETURN(const auto holidays,
                       reader_.ListHolidays(clinic_id_, LocalDay(missing->start, zone),
                                            LocalDay(missing->end, zone), kNoLimit));
  holidays_.clear();
  for (const Holiday& holiday : holidays) holidays_.push_back(holiday.day);
  holidays_loaded_ = missing;
  return absl::OkStatus();
}

absl::StatusOr<const ClinicCalendars::TherapistCalendar*> ClinicCalendars::LoadTherapist(
    absl::string_view therapist_id, Interval window) {
  IPT_RETURN_IF_ERROR(GetTherapist(therapist_id).status());
  TherapistCalendar& calendar = therapists_[std::string(therapist_id)];
  const auto missing = Missing(calendar.loaded, window);
  if (!missing.has_value()) return &calendar;
  IPT_ASSIGN_OR_RETURN(const auto time_off,
                       reader_.ListTimeOff(clinic_id_, therapist_id, missing->start, missing->end,
                                           std::nullopt, kNoLimit));
  IPT_ASSIGN_OR_RETURN(const auto extra_hours,
                       reader_.ListExtraHours(clinic_id_, therapist_id, missing->start,
                                              missing->end, std::nullopt, kNoLimit));
  // A session that ends with the window keeps its buffer after it.
  const absl::Duration buffer = absl::Minutes(calendar.therapist->buffer_minutes);
  IPT_ASSIGN_OR_RETURN(
      calendar.busy,
      reader_.TherapistBusy(clinic_id_, therapist_id, {missing->start, missing->end + buffer}));
  calendar.time_off.clear();
  for (const TimeOff& span : time_off) calendar.time_off.push_back(span.interval);
  calendar.extra_hours.clear();
  for (const ExtraHours& span : extra_hours) calendar.extra_hours.push_back(span.interval);
  calendar.loaded = missing;
  return &calendar;
}

absl::StatusOr<const ClinicCalendars::PatientCalendar*> ClinicCalendars::LoadPatient(
    absl::string_view patient_id, Interval window) {
  PatientCalendar& calendar = patients_[std::string(patient_id)];
  const auto missing = Missing(calendar.loaded, window);
  if (!missing.has_value()) return &calendar;
  IPT_ASSIGN_OR_RETURN(calendar.busy, reader_.PatientBusy(clinic_id_, patient_id, *missing));
  calendar.loaded = missing;
  return &calendar;
}

absl::StatusOr<CalendarInputs> ClinicCalendars::Frame(absl::string_view therapist_id,
                                                      Interval window) {
  IPT_RETURN_IF_ERROR(LoadHolidays(window));
  IPT_ASSIGN_OR_RETURN(const TherapistCalendar* calendar, LoadTherapist(therapist_id, window));
  const Therapist& therapist = *calendar->therapist;
  CalendarInputs inputs;
  IPT_ASSIGN_OR_RETURN(inputs.therapist_zone, StoredZone(therapist.time_zone));
  IPT_ASSIGN_OR_RETURN(inputs.clinic_zone, StoredZone(clinic_->time_zone));
  inputs.course_zone = inputs.clinic_zone;
  inputs.therapist_active = therapist.active;
  inputs.working_hours = therapist.working_hours;
  inputs.extra_hours = calendar->extra_hours;
  inputs.time_off = calendar->time_off;
  inputs.holidays = holidays_;
  inputs.session_minutes = therapist.session_minutes.value_or(
      clinic_->policy.session_minutes.value_or(PolicyDefaults::kSessionMinutes));
  inputs.buffer_minutes = therapist.buffer_minutes;
  inputs.slot_minutes = clinic_->policy.slot_minutes.value_or(PolicyDefaults::kSlotMinutes);
  return inputs;
}

absl::Status ClinicCalendars::AddCourse(const Course& course, CalendarInputs& inputs) const {
  IPT_ASSIGN_OR_RETURN(inputs.course_zone, StoredZone(course.time_zone));
  inputs.patient_windows = course.preferred_windows;
  for (const Pause& pause : course.pauses) inputs.pauses.push_back(pause.days);
  return absl::OkStatus();
}

absl::StatusOr<CalendarInputs> ClinicCalendars::ForTherapist(absl::string_view therapist_id,
                                                             Interval window,
                                                             const Session* ignore_session) {
  IPT_ASSIGN_OR_RETURN(CalendarInputs inputs, Frame(therapist_id, window));
  for (const BusySpan& span : therapists_[std::string(therapist_id)].busy) {
    if (!Is(span, ignore_session)) inputs.therapist_busy.push_back(span.interval);
  }
  return inputs;
}

absl::StatusOr<CalendarInputs> ClinicCalendars::ForTherapistAndCourse(
    absl::string_view therapist_id, const Course& course, Interval window,
    const Session* ignore_session) {
  IPT_ASSIGN_OR_RETURN(CalendarInputs inputs, ForTherapist(therapist_id, window, ignore_session));
  IPT_RETURN_IF_ERROR(AddCourse(course, inputs));
  IPT_ASSIGN_OR_RETURN(const PatientCalendar* patient, LoadPatient(course.patient_id, window));
  for (const BusySpan& span : patient->busy) {
    if (!Is(span, ignore_session)) inputs.patient_busy.push_back(span.interval);
  }
  return inputs;
}

absl::StatusOr<CalendarInputs> ClinicCalendars::ForCourse(const Course& course,
                                                          const std::vector<Session>& sessions,
                                                          Interval window) {
  IPT_ASSIGN_OR_RETURN(CalendarInputs inputs, Frame(course.therapist_id, window));
  IPT_RETURN_IF_ERROR(AddCourse(course, inputs));
  inputs.session_minutes = course.session_minutes;
  for (const BusySpan& span : therapists_[course.therapist_id].busy) {
    if (span.course_id != course.course_id) inputs.therapist_busy.push_back(span.interval);
  }
  IPT_ASSIGN_OR_RETURN(const PatientCalendar* patient, LoadPatient(course.patient_id, window));
  for (const BusySpan& span : patient->busy) {
    if (span.course_id != course.course_id) inputs.patient_busy.push_back(span.interval);
  }
  for (const Session& session : sessions) {
    if (!session.blocking) continue;
    inputs.patient_busy.push_back(session.interval);
    if (session.therapist_id == course.therapist_id) {
      inputs.therapist_busy.push_back({session.interval.start, session.blocked_until});
    }
  }
  return inputs;
}

}  // namespace ipt::scheduling
