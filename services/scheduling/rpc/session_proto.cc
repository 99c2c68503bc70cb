#include "scheduling/rpc/session_proto.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/rpc/proto_time.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/time_zone.h"
#include "scheduling/rpc/stamp_proto.h"

namespace ipt::scheduling {
namespace {

static_assert(static_cast<int>(SessionState::kCancelled) == pb::SESSION_STATE_CANCELLED);
static_assert(static_cast<int>(AttendanceOutcome::kNoShow) == pb::ATTENDANCE_OUTCOME_NO_SHOW);
static_assert(static_cast<int>(AttendanceSource::kSystem) == pb::ATTENDANCE_SOURCE_SYSTEM);
static_assert(static_cast<int>(CancelledBy::kClinic) == pb::CANCELLED_BY_CLINIC);
static_assert(static_cast<int>(SessionChangeKind::kUpdated) == pb::SESSION_CHANGE_KIND_UPDATED);

void WriteChange(const std::string& clinic_id, const SessionChange& change,
                 pb::SessionChange* out) {
  rpc::WriteTime(change.time, out->mutable_time());
  out->set_kind(static_cast<pb::SessionChangeKind>(change.kind));
  out->set_caller(change.caller);
  out->set_reason(change.reason);
  if (change.previous_start.has_value()) {
    rpc::WriteTime(*change.previous_start, out->mutable_previous_start_time());
  }
  out->set_previous_outcome(static_cast<pb::AttendanceOutcome>(change.previous_outcome));
  if (!change.previous_therapist_id.empty()) {
    out->set_previous_therapist(TherapistName(clinic_id, change.previous_therapist_id));
  }
}

}  // namespace

void WriteSession(const Session& session, pb::Session* out) {
  out->Clear();
  out->set_name(SessionName(session.clinic_id, session.course_id, session.session_id));
  out->set_therapist(TherapistName(session.clinic_id, session.therapist_id));
  rpc::WriteTime(session.interval.start, out->mutable_start_time());
  rpc::WriteTime(session.interval.end, out->mutable_end_time());
  out->set_time_zone(session.time_zone);
  if (const absl::StatusOr<absl::TimeZone> zone = LoadZone(session.time_zone); zone.ok()) {
    const absl::CivilMinute local(zone->At(session.interval.start).cs);
    rpc::WriteDay(absl::CivilDay(local), out->mutable_local_date());
    rpc::WriteMinute(local.hour() * 60 + local.minute(), out->mutable_local_time());
  }
  out->set_state(static_cast<pb::SessionState>(session.state));
  out->set_session_number(session.session_number);
  out->set_phase(static_cast<pb::Phase>(session.phase));
  out->set_week_number(session.week_number);
  out->set_modality(static_cast<pb::Modality>(session.modality));
  out->set_location(session.location);
  if (session.attendance.has_value()) {
    pb::Attendance* attendance = out->mutable_attendance();
    attendance->set_outcome(static_cast<pb::AttendanceOutcome>(session.attendance->outcome));
    attendance->set_source(static_cast<pb::AttendanceSource>(session.attendance->source));
    rpc::WriteTime(session.attendance->record_time, attendance->mutable_record_time());
  }
  if (session.cancellation.has_value()) {
    pb::Cancellation* cancellation = out->mutable_cancellation();
    cancellation->set_cancelled_by(
        static_cast<pb::CancelledBy>(session.cancellation->cancelled_by));
    cancellation->set_late(session.cancellation->late);
    rpc::WriteTime(session.cancellation->time, cancellation->mutable_time());
  }
  out->set_uses_session(session.state != SessionState::kBooked && session.uses_session);
  out->set_sequence(session.sequence);
  out->set_outside_availability(session.outside_availability);
  for (const SessionChange& change : session.changes) {
    WriteChange(session.clinic_id, change, out->add_changes());
  }
  WriteStamp(session.stamp, out);
}

}  // namespace ipt::scheduling
