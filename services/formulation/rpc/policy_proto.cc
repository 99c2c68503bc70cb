#include "formulation/rpc/policy_proto.h"

#include "formulation/domain/names.h"
#include "platform/rpc/stamp.h"

namespace ipt::formulation {

void WritePolicy(const FormulationPolicy& policy, pb::FormulationPolicy* out) {
  out->Clear();
  out->set_name(FormulationPolicyName(policy.clinic_id));
  out->set_version(policy.version);
  out->set_tradition(policy.tradition);
  if (policy.max_focus_areas) out->set_max_focus_areas(*policy.max_focus_areas);
  if (policy.focus_by_session) out->set_focus_by_session(*policy.focus_by_session);
  if (policy.termination_sessions_before_end) {
    out->set_termination_sessions_before_end(*policy.termination_sessions_before_end);
  }
  if (policy.unrecorded_in_a_row) out->set_unrecorded_in_a_row(*policy.unrecorded_in_a_row);
  if (policy.record_days) out->set_record_days(*policy.record_days);
  if (policy.without_focus_work_in_a_row) {
    out->set_without_focus_work_in_a_row(*policy.without_focus_work_in_a_row);
  }
  if (policy.midpoint_grace_sessions) {
    out->set_midpoint_grace_sessions(*policy.midpoint_grace_sessions);
  }
  for (const FindingRule rule : policy.disabled_rules) {
    out->add_disabled_rules(static_cast<pb::FindingRule>(rule));
  }
  rpc::WriteStamp(policy.stamp, out);
}

FormulationPolicy ReadPolicy(const pb::FormulationPolicy& in) {
  FormulationPolicy policy;
  policy.tradition = in.tradition();
  if (in.has_max_focus_areas()) policy.max_focus_areas = in.max_focus_areas();
  if (in.has_focus_by_session()) policy.focus_by_session = in.focus_by_session();
  if (in.has_termination_sessions_before_end()) {
    policy.termination_sessions_before_end = in.termination_sessions_before_end();
  }
  if (in.has_unrecorded_in_a_row()) policy.unrecorded_in_a_row = in.unrecorded_in_a_row();
  if (in.has_record_days()) policy.record_days = in.record_days();
  if (in.has_without_focus_work_in_a_row()) {
    policy.without_focus_work_in_a_row = in.without_focus_work_in_a_row();
  }
  if (in.has_midpoint_grace_sessions()) {
    policy.midpoint_grace_sessions = in.midpoint_grace_sessions();
  }
  for (const int rule : in.disabled_rules()) {
    policy.disabled_rules.push_back(static_cast<FindingRule>(rule));
  }
  return policy;
}

}  // namespace ipt::formulation
