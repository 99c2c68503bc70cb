#include "formulation/domain/policy.h"

#include <set>

#include "absl/algorithm/container.h"
#include "formulation/domain/names.h"
#include "formulation/domain/refusals.h"
#include "formulation/domain/tasks.h"
#include "platform/errors/status_macros.h"

namespace ipt::formulation {
namespace {

constexpr int kSessionsBeforeEnd = 2;

}  // namespace

void CheckPolicy(const FormulationPolicy& policy, const ProtocolCatalog& catalog,
                 FieldViolations bad) {
  if (!policy.tradition.empty() && catalog.FindTradition(policy.tradition) == nullptr) {
    bad.Add("tradition", "must be the code of one of the protocol's traditions");
  }
  CheckIn(policy.max_focus_areas, 1, 2, "max_focus_areas", bad);
  CheckIn(policy.focus_by_session, 1, 20, "focus_by_session", bad);
  CheckIn(policy.termination_sessions_before_end, 1, 10, "termination_sessions_before_end", bad);
  CheckIn(policy.unrecorded_in_a_row, 1, 20, "unrecorded_in_a_row", bad);
  CheckIn(policy.record_days, 0, 31, "record_days", bad);
  CheckIn(policy.without_focus_work_in_a_row, 1, 20, "without_focus_work_in_a_row", bad);
  CheckIn(policy.midpoint_grace_sessions, 0, 10, "midpoint_grace_sessions", bad);
  std::set<FindingRule> seen;
  for (size_t i = 0; i < policy.disabled_rules.size(); ++i) {
    const FindingRule rule = policy.disabled_rules[i];
    if (rule <= FindingRule::kUnspecified || rule > FindingRule::kGoalsLeftOpen) {
      bad.At("disabled_rules", i).Add("", "must be a rule of this release");
    } else if (!seen.insert(rule).second) {
      bad.At("disabled_rules", i).Add("", "must be there once only");
    }
  }
}

int TerminationSessionsBeforeEnd(const FormulationPolicy& policy, const Protocol& protocol) {
  if (policy.termination_sessions_before_end.has_value()) {
    return *policy.termination_sessions_before_end;
  }
  const Task* task = protocol.FindTask(kTerminationRaised);
  return task != nullptr && task->due.by == DueBy::kSessionsLeft ? task->due.number
                                                                 : kSessionsBeforeEnd;
}

bool IsOn(const FormulationPolicy& policy, FindingRule rule) {
  return !absl::c_linear_search(policy.disabled_rules, rule);
}

absl::StatusOr<FormulationPolicy> UpdatePolicy(FormulationTx& tx, const CallContext& ctx,
                                               const ProtocolCatalog& catalog,
                                               const FormulationPolicy& before,
                                               FormulationPolicy after, int64_t if_revision) {
  IPT_RETURN_IF_ERROR(CheckRevision(if_revision, before.stamp.revision, kFormulationPolicyType,
                                    FormulationPolicyName(before.clinic_id)));
  after.clinic_id = before.clinic_id;
  after.version = before.version + 1;
  after.stamp = before.stamp;
  FieldViolations bad;
  CheckPolicy(after, catalog, bad.In("policy"));
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_RETURN_IF_ERROR(tx.PutPolicy(after, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(PolicyChanged{after}, ctx.now));
  return after;
}

}  // namespace ipt::formulation
