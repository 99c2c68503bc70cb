#include "scheduling/rpc/plan_proto.h"

#include "absl/time/time.h"
#include "platform/rpc/proto_time.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/time_zone.h"
#include "scheduling/domain/variants.h"
#include "scheduling/rpc/course_proto.h"

namespace ipt::scheduling {

static_assert(static_cast<int>(PlanVerdict::kOffCadence) == pb::PLAN_VERDICT_OFF_CADENCE);
static_assert(static_cast<int>(DeviationReason::kNeighbour) == pb::DEVIATION_REASON_NEIGHBOUR);

void WritePlan(const Course& course, const CoursePlan& plan, pb::CoursePlan* out) {
  out->Clear();
  out->set_course(CourseName(course.clinic_id, course.course_id));
  if (!plan.sessions.empty()) {
    out->set_day(static_cast<google::type::DayOfWeek>(plan.day));
    rpc::WriteMinute(plan.minute_of_day, out->mutable_time());
  }
  const absl::TimeZone zone = LoadZone(course.time_zone).value_or(absl::UTCTimeZone());
  for (const PlannedSession& session : plan.sessions) {
    pb::PlannedSession* written = out->add_sessions();
    written->set_session_number(session.session_number);
    written->set_phase(static_cast<pb::Phase>(session.phase));
    rpc::WriteTime(session.interval.start, written->mutable_start_time());
    rpc::WriteTime(session.interval.end, written->mutable_end_time());
    const absl::CivilMinute local(zone.At(session.interval.start).cs);
    rpc::WriteDay(absl::CivilDay(local), written->mutable_local_date());
    rpc::WriteMinute(local.hour() * 60 + local.minute(), written->mutable_local_time());
    written->set_verdict(static_cast<pb::PlanVerdict>(session.verdict));
    for (DeviationReason reason : session.reasons) {
      written->add_reasons(static_cast<pb::DeviationReason>(reason));
    }
    for (absl::Time alternative : session.alternatives) {
      rpc::WriteTime(alternative, written->add_alternatives());
    }
  }
  out->set_unplaced_sessions(plan.unplaced_sessions);
  if (plan.finish_day.has_value()) {
    rpc::WriteDay(*plan.finish_day, out->mutable_finish_date());
  }
  rpc::WriteDay(plan.deadline_day, out->mutable_deadline_date());
  out->set_slack_days(plan.slack_days);
}

void WriteSlot(const std::string& clinic_id, const Slot& slot, pb::Slot* out) {
  out->Clear();
  out->set_therapist(TherapistName(clinic_id, slot.therapist_id));
  rpc::WriteTime(slot.interval.start, out->mutable_start_time());
  rpc::WriteTime(slot.interval.end, out->mutable_end_time());
}

void WriteVariant(const Variant& variant, pb::Variant* out) {
  out->Clear();
  out->set_id(variant.id);
  out->set_display_name(variant.display_name);
  out->set_tradition(variant.tradition);
  out->set_min_sessions(variant.min_sessions);
  out->set_default_sessions(variant.default_sessions);
  out->set_max_sessions(variant.max_sessions);
  out->set_min_weeks(variant.min_weeks);
  out->set_default_weeks(variant.default_weeks);
  out->set_max_weeks(variant.max_weeks);
  out->set_cadence_days(variant.cadence_days);
  WritePhases(PhasesOf(variant, variant.default_sessions), out->mutable_phases());
  out->set_source(variant.source);
  out->set_phases_proposed(variant.phases_proposed);
  out->set_taper_days(variant.taper_days);
}

}  // namespace ipt::scheduling
