#include "outcomes/domain/policy.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/errors/status_macros.h"

namespace ipt::outcomes {
namespace {

template <typename T>
void CheckSpan(const std::optional<T>& value, T least, T most, absl::string_view field,
               FieldViolations& bad) {
  // Also refuses what is no number.
  if (value.has_value() && !(*value >= least && *value <= most)) {
    bad.Add(field, absl::StrCat("must be ", least, " to ", most));
  }
}

class PolicyCheck {
 public:
  PolicyCheck(std::vector<HeldInstrument> instruments, FieldViolations& bad)
      : instruments_(std::move(instruments)), bad_(bad) {}

  void Run(const OutcomePolicy& policy) {
    CheckInstrument(policy.depression_instrument_id, "depression_instrument", bad_);
    CheckInstrument(policy.anxiety_instrument_id, "anxiety_instrument", bad_);
    std::set<std::pair<std::string, std::string>> seen;
    for (size_t i = 0; i < policy.scale_rules.size(); ++i) {
      const ScaleRules& rules = policy.scale_rules[i];
      FieldViolations at = bad_.At("scale_rules", i);
      if (rules.instrument_id.empty()) {
        at.Add("instrument", "is required");
        continue;
      }
      const std::string scale = rules.scale.empty() ? "total" : rules.scale;
      if (!seen.insert({rules.instrument_id, scale}).second) {
        at.Add("scale", "must have its rules once only");
      }
      CheckRules(rules, scale, at);
    }
    CheckSpan(policy.response_percent, 1.0, 100.0, "response_percent", bad_);
    CheckSpan(policy.baseline_days, 0, 180, "baseline_days", bad_);
    CheckSpan(policy.last_score_days, 0, 90, "last_score_days", bad_);
    CheckSpan(policy.duplicate_minutes, 0, 10080, "duplicate_minutes", bad_);
    CheckSpan(policy.smallest_group, 3, 100, "smallest_group", bad_);
    CheckNotOnTrack(policy.not_on_track);
  }

 private:
  const HeldInstrument* Find(absl::string_view id) const {
    const HeldInstrument* found = nullptr;  // the newest
    for (const HeldInstrument& instrument : instruments_) {
      if (instrument.definition.id == id) found = &instrument;
    }
    return found;
  }

  const HeldInstrument* CheckInstrument(const std::string& id, absl::string_view field,
                                        FieldViolations& bad) {
    if (id.empty()) return nullptr;
    const HeldInstrument* found = Find(id);
    if (found == nullptr) bad.Add(field, "must be an instrument of the clinic");
    return found;
  }

  void CheckRules(const ScaleRules& rules, const std::string& scale, FieldViolations& at) {
    const HeldInstrument* found = CheckInstrument(rules.instrument_id, "instrument", at);
    if (found == nullptr) return;
    const Instrument& definition = found->definition;
    const bool total = scale == "total";
    if (!total && std::none_of(definition.subscales.begin(), definition.subscales.end(),
                               [&](const Subscale& s) { return s.id == scale; })) {
      at.Add("scale", "must be the id of one of the instrument's scales");
      return;
    }
    const auto has_cut_off = [&](const CutOff& c) { return c.rule_set == rules.cut_off_rule_set; };
    if (!rules.cut_off_rule_set.empty() &&
        !(total &&
          std::any_of(definition.cut_offs.begin(), definition.cut_offs.end(), has_cut_off))) {
      at.Add("cut_off_rule_set", "must be the rule set of one of the scale's cut-offs");
    }
    const auto has_change = [&](const ReliableChange& c) {
      return c.rule_set == rules.reliable_change_rule_set;
    };
    if (!rules.reliable_change_rule_set.empty() &&
        !(total && std::any_of(definition.reliable_change.begin(), definition.reliable_change.end(),
                               has_change))) {
      at.Add("reliable_change_rule_set",
             "must be the rule set of one of the scale's reliable changes");
    }
  }

  void CheckNotOnTrack(const NotOnTrackPolicy& rules) {
    static constexpr const char* kRules[] = {"slow-start", "deterioration", "midpoint", "late",
                                             "no-measure"};
    FieldViolations in = bad_.In("not_on_track");
    CheckInstrument(rules.instrument_id, "instrument", in);
    CheckSpan(rules.baseline_at_least, 0.0, 1000.0, "baseline_at_least", in);
    CheckSpan(rules.slow_start_days, 7, 180, "slow_start_days", in);
    CheckSpan(rules.slow_start_sessions, 1, 20, "slow_start_sessions", in);
    CheckSpan(rules.slow_start_percent, 1.0, 100.0, "slow_start_percent", in);
    CheckSpan(rules.late_week, 4, 52, "late_week", in);
    CheckSpan(rules.late_percent, 1.0, 100.0, "late_percent", in);
    CheckSpan(rules.missed_in_a_row, 1, 20, "missed_in_a_row", in);
    for (size_t i = 0; i < rules.disabled_rules.size(); ++i) {
      if (std::find(std::begin(kRules), std::end(kRules), rules.disabled_rules[i]) ==
          std::end(kRules)) {
        in.At("disabled_rules", i)
            .Add("", "must be slow-start, deterioration, midpoint, late or no-measure");
      }
    }
  }

  const std::vector<HeldInstrument> instruments_;
  FieldViolations& bad_;
};

}  // namespace

const ScaleRules* OutcomePolicy::RulesOf(absl::string_view instrument_id,
                                         absl::string_view scale) const {
  for (const ScaleRules& rules : scale_rules) {
    const absl::string_view of = rules.scale.empty() ? absl::string_view("total") : rules.scale;
    if (rules.instrument_id == instrument_id && of == scale) return &rules;
  }
  return nullptr;
}

absl::Status CheckPolicy(OutcomesReader& reader, const Catalog& catalog,
                         const OutcomePolicy& policy, FieldViolations bad) {
  IPT_ASSIGN_OR_RETURN(auto instruments, AllInstruments(reader, catalog, policy.clinic_id, ""));
  PolicyCheck(std::move(instruments), bad).Run(policy);
  return absl::OkStatus();
}

absl::StatusOr<OutcomePolicy> UpdatePolicy(OutcomesTx& tx, const CallContext& ctx,
                                           const OutcomePolicy& before, OutcomePolicy after) {
  after.clinic_id = before.clinic_id;
  after.version = before.version + 1;
  after.stamp = before.stamp;
  IPT_RETURN_IF_ERROR(tx.PutPolicy(after, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(PolicyChanged{after}, ctx.now));
  return after;
}

}  // namespace ipt::outcomes
