#include "outcomes/rpc/plan_proto.h"

#include <string>

#include "outcomes/domain/names.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/resource_name.h"
#include "platform/rpc/stamp.h"

namespace ipt::outcomes {
namespace {

void WriteMeasurementRule(absl::string_view clinic_id, const MeasurementRule& rule,
                          pb::MeasurementRule* out) {
  out->set_id(rule.id);
  out->set_instrument(InstrumentName(clinic_id, rule.instrument_id));
  out->set_timing(static_cast<pb::PlanTiming>(rule.timing));
  out->set_weeks(rule.weeks);
  for (const int months : rule.months) out->add_months(months);
  out->set_respondent(static_cast<pb::Respondent>(rule.respondent));
  if (rule.open_days_before.has_value()) out->set_open_days_before(*rule.open_days_before);
  if (rule.grace_days.has_value()) out->set_grace_days(*rule.grace_days);
  out->set_catch_up(static_cast<pb::CatchUp>(rule.catch_up));
  out->set_voluntary(rule.voluntary);
}

MeasurementRule ReadMeasurementRule(const pb::MeasurementRule& in) {
  MeasurementRule rule;
  rule.id = in.id();
  if (!in.instrument().empty()) rule.instrument_id = rpc::IdsOf(in.instrument())[1];
  rule.timing = static_cast<PlanTiming>(in.timing());
  rule.weeks = in.weeks();
  rule.months.assign(in.months().begin(), in.months().end());
  rule.respondent = static_cast<AnsweredBy>(in.respondent());
  if (in.has_open_days_before()) rule.open_days_before = in.open_days_before();
  if (in.has_grace_days()) rule.grace_days = in.grace_days();
  rule.catch_up = static_cast<CatchUp>(in.catch_up());
  rule.voluntary = in.voluntary();
  return rule;
}

}  // namespace

void WritePlan(const MeasurementPlan& plan, pb::MeasurementPlan* out) {
  out->Clear();
  out->set_name(MeasurementPlanName(plan.clinic_id, plan.plan_id));
  out->set_display_name(plan.display_name);
  for (const int indication : plan.indications) {
    out->add_indications(static_cast<scheduling::v1::Indication>(indication));
  }
  for (const MeasurementRule& rule : plan.rules) {
    WriteMeasurementRule(plan.clinic_id, rule, out->add_rules());
  }
  rpc::WriteStamp(plan.stamp, out);
}

void WriteCoursePlan(const CoursePlan& plan, pb::CourseMeasurementPlan* out) {
  out->Clear();
  out->set_name(CourseMeasurementPlanName(plan.clinic_id, plan.course_id));
  for (const MeasurementRule& rule : plan.rules) {
    WriteMeasurementRule(plan.clinic_id, rule, out->add_rules());
  }
  out->set_inherited(plan.inherited);
  if (!plan.inherited_from.empty()) {
    out->set_inherited_from(MeasurementPlanName(plan.clinic_id, plan.inherited_from));
  }
  rpc::WriteStamp(plan.stamp, out);
  out->set_revision(plan.revision);
  if (plan.inherited) out->clear_update_time();
}

void WriteDue(absl::string_view clinic_id, const DueLine& line, pb::DueMeasurement* out) {
  const Occasion& occasion = line.occasion;
  out->set_course(CourseName(clinic_id, line.course_id));
  if (!line.therapist_id.empty()) {
    out->set_therapist(TherapistName(clinic_id, line.therapist_id));
  }
  out->set_rule(line.rule_id);
  out->set_instrument(InstrumentName(clinic_id, line.instrument_id));
  out->set_instrument_version(line.instrument_version);
  out->set_respondent(static_cast<pb::Respondent>(line.respondent));
  out->set_state(static_cast<pb::DueState>(occasion.state));
  if (!occasion.session_id.empty()) {
    out->set_session(SessionName(clinic_id, line.course_id, occasion.session_id));
  }
  out->set_week_number(occasion.week_number);
  out->set_follow_up_months(occasion.follow_up_months);
  rpc::WriteDay(occasion.open_day, out->mutable_open_date());
  rpc::WriteDay(occasion.day, out->mutable_due_date());
  if (occasion.overdue_day.has_value()) {
    rpc::WriteDay(*occasion.overdue_day, out->mutable_overdue_date());
  }
  if (!occasion.measurement_id.empty()) {
    out->set_measurement(MeasurementName(clinic_id, line.course_id, occasion.measurement_id));
  }
  out->set_missed_in_a_row(occasion.missed_in_a_row);
  out->set_projected(occasion.projected);
  out->set_timing(static_cast<pb::PlanTiming>(line.timing));
  out->set_instrument_display_name(line.instrument_name);
}

MeasurementPlan ReadPlan(const pb::MeasurementPlan& in) {
  MeasurementPlan plan;
  plan.display_name = in.display_name();
  plan.indications.assign(in.indications().begin(), in.indications().end());
  for (const pb::MeasurementRule& rule : in.rules()) {
    plan.rules.push_back(ReadMeasurementRule(rule));
  }
  return plan;
}

std::vector<MeasurementRule> ReadRules(const pb::CourseMeasurementPlan& in) {
  std::vector<MeasurementRule> rules;
  for (const pb::MeasurementRule& rule : in.rules()) rules.push_back(ReadMeasurementRule(rule));
  return rules;
}

}  // namespace ipt::outcomes
