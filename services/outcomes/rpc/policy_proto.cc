#include "outcomes/rpc/policy_proto.h"

#include <optional>
#include <string>

#include "outcomes/domain/names.h"
#include "platform/rpc/resource_name.h"
#include "platform/rpc/stamp.h"

namespace ipt::outcomes {
namespace {

std::string Name(const OutcomePolicy& policy, const std::string& instrument_id) {
  return instrument_id.empty() ? "" : InstrumentName(policy.clinic_id, instrument_id);
}

std::string IdOf(const std::string& name) {
  const auto ids = rpc::IdsOf(name);
  return ids.size() == 2 ? ids[1] : "";
}

}  // namespace

void WritePolicy(const OutcomePolicy& policy, pb::OutcomePolicy* out) {
  out->Clear();
  out->set_name(OutcomePolicyName(policy.clinic_id));
  out->set_version(policy.version);
  out->set_depression_instrument(Name(policy, policy.depression_instrument_id));
  out->set_anxiety_instrument(Name(policy, policy.anxiety_instrument_id));
  for (const ScaleRules& rules : policy.scale_rules) {
    pb::ScaleRules* written = out->add_scale_rules();
    written->set_instrument(Name(policy, rules.instrument_id));
    written->set_scale(rules.scale);
    written->set_cut_off_rule_set(rules.cut_off_rule_set);
    written->set_reliable_change_rule_set(rules.reliable_change_rule_set);
  }
  if (policy.response_percent.has_value()) out->set_response_percent(*policy.response_percent);
  if (policy.baseline_days.has_value()) out->set_baseline_days(*policy.baseline_days);
  if (policy.last_score_days.has_value()) out->set_last_score_days(*policy.last_score_days);
  if (policy.duplicate_minutes.has_value()) out->set_duplicate_minutes(*policy.duplicate_minutes);
  const NotOnTrackPolicy& rules = policy.not_on_track;
  if (!(rules == NotOnTrackPolicy())) {
    pb::NotOnTrackRules* written = out->mutable_not_on_track();
    written->set_instrument(Name(policy, rules.instrument_id));
    if (rules.baseline_at_least) written->set_baseline_at_least(*rules.baseline_at_least);
    if (rules.slow_start_days) written->set_slow_start_days(*rules.slow_start_days);
    if (rules.slow_start_sessions) written->set_slow_start_sessions(*rules.slow_start_sessions);
    if (rules.slow_start_percent) written->set_slow_start_percent(*rules.slow_start_percent);
    if (rules.late_week) written->set_late_week(*rules.late_week);
    if (rules.late_percent) written->set_late_percent(*rules.late_percent);
    if (rules.missed_in_a_row) written->set_missed_in_a_row(*rules.missed_in_a_row);
    for (const std::string& rule : rules.disabled_rules) written->add_disabled_rules(rule);
  }
  out->set_review_alert_level(static_cast<pb::SignalLevel>(policy.review_alert_level));
  out->set_no_review_alerts(policy.no_review_alerts);
  out->set_drop_out(static_cast<pb::DropOutDefinition>(policy.drop_out));
  if (policy.smallest_group.has_value()) out->set_smallest_group(*policy.smallest_group);
  rpc::WriteStamp(policy.stamp, out);
}

OutcomePolicy ReadPolicy(const pb::OutcomePolicy& in) {
  OutcomePolicy policy;
  policy.depression_instrument_id = IdOf(in.depression_instrument());
  policy.anxiety_instrument_id = IdOf(in.anxiety_instrument());
  for (const pb::ScaleRules& rules : in.scale_rules()) {
    policy.scale_rules.push_back({IdOf(rules.instrument()), rules.scale(), rules.cut_off_rule_set(),
                                  rules.reliable_change_rule_set()});
  }
  if (in.has_response_percent()) policy.response_percent = in.response_percent();
  if (in.has_baseline_days()) policy.baseline_days = in.baseline_days();
  if (in.has_last_score_days()) policy.last_score_days = in.last_score_days();
  if (in.has_duplicate_minutes()) policy.duplicate_minutes = in.duplicate_minutes();
  const pb::NotOnTrackRules& rules = in.not_on_track();
  NotOnTrackPolicy& read = policy.not_on_track;
  read.instrument_id = IdOf(rules.instrument());
  if (rules.has_baseline_at_least()) read.baseline_at_least = rules.baseline_at_least();
  if (rules.has_slow_start_days()) read.slow_start_days = rules.slow_start_days();
  if (rules.has_slow_start_sessions()) read.slow_start_sessions = rules.slow_start_sessions();
  if (rules.has_slow_start_percent()) read.slow_start_percent = rules.slow_start_percent();
  if (rules.has_late_week()) read.late_week = rules.late_week();
  if (rules.has_late_percent()) read.late_percent = rules.late_percent();
  if (rules.has_missed_in_a_row()) read.missed_in_a_row = rules.missed_in_a_row();
  read.disabled_rules.assign(rules.disabled_rules().begin(), rules.disabled_rules().end());
  policy.review_alert_level = static_cast<ReviewLevel>(in.review_alert_level());
  policy.no_review_alerts = in.no_review_alerts();
  policy.drop_out = in.drop_out();
  if (in.has_smallest_group()) policy.smallest_group = in.smallest_group();
  return policy;
}

}  // namespace ipt::outcomes
