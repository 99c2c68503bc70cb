#include "scheduling/rpc/course_proto.h"

#include "absl/time/time.h"
#include "platform/ids/ids.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/resource_name.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/time_zone.h"
#include "scheduling/domain/variants.h"
#include "scheduling/rpc/stamp_proto.h"
#include "scheduling/rpc/window_proto.h"

namespace ipt::scheduling {
namespace {

// Conversions of enums are casts: the last of each proves that the two are numbered alike.
static_assert(static_cast<int>(CourseState::kDiscontinued) == pb::COURSE_STATE_DISCONTINUED);
static_assert(static_cast<int>(Indication::kOther) == pb::INDICATION_OTHER);
static_assert(static_cast<int>(Modality::kTelephone) == pb::MODALITY_TELEPHONE);
static_assert(static_cast<int>(PauseReason::kOther) == pb::PAUSE_REASON_OTHER);
static_assert(static_cast<int>(ForecastState::kOverdue) == pb::FORECAST_STATE_OVERDUE);
static_assert(static_cast<int>(ForecastReason::kSessionsDisplaced) ==
              pb::FORECAST_REASON_SESSIONS_DISPLACED);
static_assert(static_cast<int>(ClosureReason::kOther) == pb::CLOSURE_REASON_OTHER);
static_assert(static_cast<int>(CourseChangeKind::kPatientChanged) ==
              pb::COURSE_CHANGE_KIND_PATIENT_CHANGED);
static_assert(static_cast<int>(Phase::kTermination) == pb::PHASE_TERMINATION);

void WriteProgress(const Course& course, pb::CourseProgress* out) {
  const CourseProgress& progress = course.progress;
  rpc::WriteDay(progress.start_day, out->mutable_start_date());
  out->set_start_projected(progress.start_projected);
  rpc::WriteDay(progress.deadline_day, out->mutable_deadline_date());
  rpc::WriteTime(progress.deadline, out->mutable_deadline_time());
  out->set_pause_days(progress.pause_days);
  out->set_week_number(progress.week_number);
  out->set_days_left(progress.days_left);
  out->set_attended_sessions(progress.attended_sessions);
  out->set_used_sessions(progress.used_sessions);
  out->set_booked_sessions(progress.booked_sessions);
  out->set_unbooked_sessions(progress.unbooked_sessions);
  out->set_excess_sessions(progress.excess_sessions);
  out->set_next_session_number(progress.next_session_number);
  out->set_phase(static_cast<pb::Phase>(progress.phase));
  WritePhases(progress.phases, out->mutable_phases());
  out->set_mid_course_session(progress.mid_course_session);
  if (progress.mid_course_review_day.has_value()) {
    rpc::WriteDay(*progress.mid_course_review_day, out->mutable_mid_course_review_date());
  }
  out->set_termination_session(progress.termination_session);
  if (progress.termination_start_day.has_value()) {
    rpc::WriteDay(*progress.termination_start_day, out->mutable_termination_start_date());
  }
  if (!progress.next_session_id.empty()) {
    out->set_next_session(
        SessionName(course.clinic_id, course.course_id, progress.next_session_id));
  }
  if (progress.next_session_time.has_value()) {
    rpc::WriteTime(*progress.next_session_time, out->mutable_next_session_time());
  }
}

void WriteChange(const std::string& clinic_id, const CourseChange& change, pb::CourseChange* out) {
  rpc::WriteTime(change.time, out->mutable_time());
  out->set_kind(static_cast<pb::CourseChangeKind>(change.kind));
  out->set_caller(change.caller);
  out->set_reason(change.reason);
  if (!change.previous_therapist_id.empty()) {
    out->set_previous_therapist(TherapistName(clinic_id, change.previous_therapist_id));
  }
}

// An optional number within bounds, or nullopt.
std::optional<int> ReadWithin(bool present, int value, int least, int most, FieldViolations& bad,
                              absl::string_view field) {
  if (!present) return std::nullopt;
  if (value < least || value > most) {
    bad.Add(field, absl::StrCat("must be ", least, " to ", most));
    return std::nullopt;
  }
  return value;
}

}  // namespace

void WriteForecast(absl::string_view course_name, const Forecast& forecast, pb::Forecast* out) {
  out->Clear();
  out->set_state(static_cast<pb::ForecastState>(forecast.state));
  rpc::WriteTime(forecast.as_of, out->mutable_as_of());
  out->set_sessions_left(forecast.sessions_left);
  if (forecast.projected_finish.has_value()) {
    rpc::WriteDay(*forecast.projected_finish, out->mutable_projected_finish_date());
  }
  out->set_slack_days(forecast.slack_days);
  for (ForecastReason reason : forecast.reasons) {
    out->add_reasons(static_cast<pb::ForecastReason>(reason));
  }
  for (const ProjectedSession& session : forecast.sessions) {
    pb::ProjectedSession* written = out->add_sessions();
    written->set_session_number(session.session_number);
    rpc::WriteTime(session.start, written->mutable_start_time());
    written->set_booked(session.booked);
  }
  for (const std::string& id : forecast.displaced_ids) {
    out->add_displaced_sessions(absl::StrCat(course_name, "/sessions/", id));
  }
}

void WritePhases(const std::vector<PhaseSpan>& phases,
                 google::protobuf::RepeatedPtrField<pb::PhaseSpan>* out) {
  out->Clear();
  for (const PhaseSpan& span : phases) {
    pb::PhaseSpan* written = out->Add();
    written->set_phase(static_cast<pb::Phase>(span.phase));
    written->set_first_session(span.first_session);
    written->set_last_session(span.last_session);
  }
}

void WriteCourse(const Course& course, pb::Course* out) {
  out->Clear();
  out->set_name(CourseName(course.clinic_id, course.course_id));
  out->mutable_patient()->set_system(course.patient.system);
  out->mutable_patient()->set_value(course.patient.value);
  out->set_therapist(TherapistName(course.clinic_id, course.therapist_id));
  out->set_variant(course.variant_id);
  out->set_indication(static_cast<pb::Indication>(course.indication));
  out->set_state(static_cast<pb::CourseState>(course.state));
  out->set_planned_sessions(course.planned_sessions);
  out->set_duration_weeks(course.duration_weeks);
  out->set_cadence_days(course.cadence_days);
  out->set_cadence_tolerance_days(course.cadence_tolerance_days);
  out->set_modality(static_cast<pb::Modality>(course.modality));
  out->set_time_zone(course.time_zone);
  out->set_session_minutes(course.session_minutes);
  WriteWindows(course.preferred_windows, out->mutable_preferred_windows());
  out->set_allow_concurrent(course.allow_concurrent);
  for (const Pause& pause : course.pauses) {
    pb::Pause* written = out->add_pauses();
    rpc::WriteDay(pause.days.first, written->mutable_first_day());
    rpc::WriteDay(pause.days.last, written->mutable_last_day());
    written->set_reason(static_cast<pb::PauseReason>(pause.reason));
  }
  WriteProgress(course, out->mutable_progress());
  if (course.forecast.has_value())
    WriteForecast(out->name(), *course.forecast, out->mutable_forecast());
  if (course.closure.has_value()) {
    pb::Closure* closure = out->mutable_closure();
    rpc::WriteTime(course.closure->time, closure->mutable_time());
    closure->set_reason(static_cast<pb::ClosureReason>(course.closure->reason));
    closure->set_drop_out(course.closure->reason == ClosureReason::kDroppedOut);
    closure->set_early(course.closure->early);
  }
  for (const CourseChange& change : course.changes) {
    WriteChange(course.clinic_id, change, out->add_changes());
  }
  WriteStamp(course.stamp, out);
}

CourseDraft ReadCourse(const pb::Course& course, FieldViolations& bad) {
  CourseDraft draft;
  if (course.has_patient()) {
    FieldViolations patient = bad.In("patient");
    draft.patient = ReadIdentifier(course.patient(), patient);
  } else {
    bad.Add("patient", "is required");
  }
  if (course.therapist().empty()) {
    bad.Add("therapist", "is required");
  } else {
    draft.therapist_id = rpc::IdsOf(course.therapist()).back();
  }
  draft.variant_id = course.variant().empty() ? kDefaultVariant : course.variant();
  const Variant* variant = FindVariant(draft.variant_id);
  if (variant == nullptr) {
    bad.Add("variant", "must be the id of a variant, as ListVariants has them");
  } else {
    draft.planned_sessions =
        ReadWithin(course.has_planned_sessions(), course.planned_sessions(), variant->min_sessions,
                   variant->max_sessions, bad, "planned_sessions")
            .value_or(0);
    draft.duration_weeks = ReadWithin(course.has_duration_weeks(), course.duration_weeks(),
                                      variant->min_weeks, variant->max_weeks, bad, "duration_weeks")
                               .value_or(0);
  }
  draft.indication = static_cast<Indication>(course.indication());
  draft.cadence_days = ReadWithin(course.has_cadence_days(), course.cadence_days(), 1,
                                  kMaxCadenceDays, bad, "cadence_days");
  draft.cadence_tolerance_days =
      ReadWithin(course.has_cadence_tolerance_days(), course.cadence_tolerance_days(), 0, 45, bad,
                 "cadence_tolerance_days");
  if (draft.cadence_days.has_value() && draft.cadence_tolerance_days.has_value() &&
      *draft.cadence_tolerance_days * 2 >= *draft.cadence_days) {
    bad.Add("cadence_tolerance_days", kToleranceRule);
    draft.cadence_tolerance_days.reset();
  }
  draft.modality = static_cast<Modality>(course.modality());
  draft.time_zone = course.time_zone();
  if (!draft.time_zone.empty() && !LoadZone(draft.time_zone).ok()) {
    bad.Add("time_zone", "must be an IANA time zone, such as Europe/London");
  }
  draft.session_minutes = ReadWithin(course.has_session_minutes(), course.session_minutes(), 15,
                                     240, bad, "session_minutes");
  draft.preferred_windows = ReadWindows(course.preferred_windows(), bad, "preferred_windows");
  draft.allow_concurrent = course.allow_concurrent();
  return draft;
}

Pause ReadPause(const pb::Pause& pause, FieldViolations& bad) {
  Pause read;
  const auto first = rpc::ReadDay(pause.first_day(), bad, "first_day");
  const auto last = rpc::ReadDay(pause.last_day(), bad, "last_day");
  if (first.has_value() && last.has_value()) {
    read.days = {*first, *last};
    if (*last < *first) {
      bad.Add("last_day", "must not be before first_day");
    } else if (*last - *first + 1 > kMaxPauseDays) {
      bad.Add("last_day", absl::StrCat("a pause is at most ", kMaxPauseDays, " days long"));
    }
  }
  read.reason = static_cast<PauseReason>(pause.reason());
  if (read.reason == PauseReason::kUnspecified) bad.Add("reason", "is required");
  return read;
}

Identifier ReadIdentifier(const ipt::common::v1::Identifier& identifier, FieldViolations& bad) {
  if (identifier.system().empty()) bad.Add("system", "is required");
  if (identifier.value().empty()) bad.Add("value", "is required");
  return {identifier.system(), identifier.value()};
}

int ReadMinutes(bool stated, int minutes, FieldViolations& bad, absl::string_view field) {
  return ReadWithin(stated, minutes, 15, 240, bad, field).value_or(0);
}

std::string ReadNewId(const std::string& id, FieldViolations& bad, absl::string_view field) {
  if (!id.empty() && !IsValidId(id)) {
    bad.Add(field,
            "must be 1 to 63 of a-z, 0-9 and \"-\", starting with a letter or digit, or empty");
  }
  return id;
}

}  // namespace ipt::scheduling
