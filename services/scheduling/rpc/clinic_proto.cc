#include "scheduling/rpc/clinic_proto.h"

#include <optional>
#include <set>
#include <string>

#include "platform/rpc/proto_time.h"
#include "scheduling/domain/availability_rules.h"
#include "scheduling/domain/names.h"
#include "scheduling/rpc/stamp_proto.h"

namespace ipt::scheduling {
namespace {

// Every single value of a policy, named once so that reading and writing cannot drift apart.
#define IPT_POLICY_FIELDS(X)        \
  X(session_minutes)                \
  X(cadence_days)                   \
  X(cadence_tolerance_days)         \
  X(cancellation_notice_hours)      \
  X(pause_cap_days)                 \
  X(no_show_uses_session)           \
  X(late_cancellation_uses_session) \
  X(slot_minutes)

SchedulingPolicy ReadPolicy(const pb::SchedulingPolicy& policy) {
  SchedulingPolicy read;
#define IPT_READ(field) \
  if (policy.has_##field()) read.field = policy.field();
  IPT_POLICY_FIELDS(IPT_READ)
#undef IPT_READ
  for (const pb::VariantPhases& phases : policy.variant_phases()) {
    read.variant_phases.push_back(
        {phases.variant(), phases.initial_sessions(), phases.termination_sessions()});
  }
  return read;
}

void WritePolicy(const SchedulingPolicy& policy, pb::SchedulingPolicy* out) {
#define IPT_WRITE(field) \
  if (policy.field.has_value()) out->set_##field(*policy.field);
  IPT_POLICY_FIELDS(IPT_WRITE)
#undef IPT_WRITE
  for (const VariantPhases& phases : policy.variant_phases) {
    pb::VariantPhases* written = out->add_variant_phases();
    written->set_variant(phases.variant_id);
    written->set_initial_sessions(phases.initial_sessions);
    written->set_termination_sessions(phases.termination_sessions);
  }
}

}  // namespace

void WriteClinic(const Clinic& clinic, pb::Clinic* out) {
  out->Clear();
  out->set_name(ClinicName(clinic.clinic_id));
  out->set_display_name(clinic.display_name);
  out->set_time_zone(clinic.time_zone);
  WritePolicy(clinic.policy, out->mutable_policy());
  WriteStamp(clinic.stamp, out);
}

void WriteHoliday(const Holiday& holiday, pb::Holiday* out) {
  out->Clear();
  out->set_name(HolidayName(holiday.clinic_id, absl::FormatCivilTime(holiday.day)));
  rpc::WriteDay(holiday.day, out->mutable_date());
  out->set_display_name(holiday.display_name);
  WriteCreation(holiday.stamp, out);
}

Clinic ReadClinic(const pb::Clinic& clinic, FieldViolations& bad) {
  Clinic read;
  read.display_name = clinic.display_name();
  read.time_zone = clinic.time_zone();
  read.policy = ReadPolicy(clinic.policy());
  CheckClinic(read, bad);
  return read;
}

std::vector<Holiday> ReadHolidays(const google::protobuf::RepeatedPtrField<pb::Holiday>& holidays,
                                  absl::string_view clinic_id, FieldViolations& bad,
                                  absl::string_view field) {
  std::vector<Holiday> read;
  std::set<absl::CivilDay> seen;
  for (int i = 0; i < holidays.size(); ++i) {
    FieldViolations at = bad.At(field, i);
    if (!holidays[i].has_date()) {
      at.Add("date", "is required");
      continue;
    }
    const auto day = rpc::ReadDay(holidays[i].date(), at, "date");
    if (!day.has_value()) continue;
    if (!seen.insert(*day).second) {
      at.Add("date", "is listed twice");
      continue;
    }
    Holiday& holiday = read.emplace_back();
    holiday.clinic_id = std::string(clinic_id);
    holiday.day = *day;
    holiday.display_name = holidays[i].display_name();
  }
  return read;
}

}  // namespace ipt::scheduling
