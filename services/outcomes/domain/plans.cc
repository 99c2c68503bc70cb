#include "outcomes/domain/plans.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "outcomes/domain/names.h"
#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"

namespace ipt::outcomes {
namespace {

constexpr int kPlansAtOnce = 100;

// A rule that was there before goes on asking; a new one begins now.
void SetSince(const std::vector<MeasurementRule>& before, absl::Time now,
              std::vector<MeasurementRule>& rules) {
  for (MeasurementRule& rule : rules) {
    const auto same = std::find_if(before.begin(), before.end(), [&](const MeasurementRule& other) {
      return other.id == rule.id && other.instrument_id == rule.instrument_id &&
             other.timing == rule.timing;
    });
    rule.since = same == before.end() ? now : same->since;
  }
}

// The version that is asked for; nullptr: the clinic has it no more, or not at all.
const HeldInstrument* CurrentOf(const std::vector<HeldInstrument>& instruments,
                                absl::string_view id) {
  for (const HeldInstrument& instrument : instruments) {
    if (instrument.definition.id == id && instrument.current) return &instrument;
  }
  return nullptr;
}

void CheckDays(const std::optional<int>& days, int most, absl::string_view field,
               FieldViolations& bad) {
  if (days.has_value() && (*days < 0 || *days > most)) {
    bad.Add(field, absl::StrCat("must be 0 to ", most));
  }
}

void CheckTiming(const MeasurementRule& rule, FieldViolations& bad) {
  if (rule.timing == PlanTiming::kUnspecified) bad.Add("timing", "is required");
  if (rule.timing == PlanTiming::kEveryWeeks) {
    if (rule.weeks < 1 || rule.weeks > 26) bad.Add("weeks", "must be 1 to 26");
  } else if (rule.weeks != 0) {
    bad.Add("weeks", "must be unset but for EVERY_WEEKS");
  }
  if (rule.timing != PlanTiming::kFollowUp) {
    if (!rule.months.empty()) bad.Add("months", "must be unset but for FOLLOW_UP");
    return;
  }
  if (rule.months.empty()) bad.Add("months", "is required: after how many months");
  std::set<int> seen;
  for (size_t i = 0; i < rule.months.size(); ++i) {
    if (rule.months[i] < 1 || rule.months[i] > 24) {
      bad.At("months", i).Add("", "must be 1 to 24");
    } else if (!seen.insert(rule.months[i]).second) {
      bad.At("months", i).Add("", "must be there once only");
    }
  }
}

void CheckRule(const MeasurementRule& rule, const std::vector<HeldInstrument>& instruments,
               FieldViolations bad) {
  const HeldInstrument* instrument = CurrentOf(instruments, rule.instrument_id);
  if (rule.instrument_id.empty()) {
    bad.Add("instrument", "is required");
  } else if (instrument == nullptr) {
    bad.Add("instrument", "must be an instrument of the clinic that is in use");
  }
  CheckTiming(rule, bad);
  if (instrument != nullptr && rule.respondent != AnsweredBy::kUnspecified &&
      std::find(instrument->respondents.begin(), instrument->respondents.end(), rule.respondent) ==
          instrument->respondents.end()) {
    bad.Add("respondent", "must be one of the instrument's respondents");
  }
  CheckDays(rule.open_days_before, 31, "open_days_before", bad);
  CheckDays(rule.grace_days, 62, "grace_days", bad);
  if (rule.catch_up == CatchUp::kNever && rule.OpenDaysBefore() == 0 && rule.GraceDays() == 0) {
    bad.Add("grace_days", "must be 1 or more here, or there is no day on which to answer");
  }
}

}  // namespace

void CheckRules(const std::vector<MeasurementRule>& rules,
                const std::vector<HeldInstrument>& instruments, FieldViolations bad) {
  std::set<std::string> ids;
  for (size_t i = 0; i < rules.size(); ++i) {
    FieldViolations at = bad.At("rules", i);
    if (!IsValidId(rules[i].id)) {
      at.Add("id", "must be 1 to 63 of a-z, 0-9 and -, starting with a letter or digit");
    } else if (!ids.insert(rules[i].id).second) {
      at.Add("id", "must differ from the other rules' ids");
    }
    CheckRule(rules[i], instruments, at.In(""));
  }
}

void CheckPlan(const MeasurementPlan& plan, const std::vector<HeldInstrument>& instruments,
               FieldViolations bad) {
  if (plan.display_name.empty()) bad.Add("display_name", "is required");
  std::set<int> seen;
  for (size_t i = 0; i < plan.indications.size(); ++i) {
    if (plan.indications[i] == 0) {
      bad.At("indications", i).Add("", "must be stated");
    } else if (!seen.insert(plan.indications[i]).second) {
      bad.At("indications", i).Add("", "must be there once only");
    }
  }
  CheckRules(plan.rules, instruments, bad.In(""));
}

std::optional<TakenIndication> FindTaken(const std::vector<MeasurementPlan>& plans,
                                         const MeasurementPlan& plan) {
  for (const MeasurementPlan& other : plans) {
    if (other.plan_id == plan.plan_id) continue;
    if (plan.indications.empty() && other.indications.empty()) {
      return TakenIndication{other.plan_id, 0};
    }
    for (const int indication : plan.indications) {
      if (std::find(other.indications.begin(), other.indications.end(), indication) !=
          other.indications.end()) {
        return TakenIndication{other.plan_id, indication};
      }
    }
  }
  return std::nullopt;
}

absl::StatusOr<std::vector<MeasurementPlan>> AllPlans(OutcomesReader& reader,
                                                      absl::string_view clinic_id) {
  return reader.ListPlans(clinic_id, "", kPlansAtOnce);
}

absl::StatusOr<MeasurementPlan> CreatePlan(OutcomesTx& tx, const CallContext& ctx,
                                           MeasurementPlan plan) {
  SetSince({}, ctx.now, plan.rules);
  IPT_RETURN_IF_ERROR(tx.InsertPlan(plan, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(PlanChanged{plan}, ctx.now));
  return plan;
}

absl::StatusOr<MeasurementPlan> ChangePlan(OutcomesTx& tx, const CallContext& ctx,
                                           const MeasurementPlan& before, MeasurementPlan after) {
  after.clinic_id = before.clinic_id;
  after.plan_id = before.plan_id;
  after.stamp = before.stamp;
  SetSince(before.rules, ctx.now, after.rules);
  IPT_RETURN_IF_ERROR(tx.UpdatePlan(after, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(PlanChanged{after}, ctx.now));
  return after;
}

absl::Status RemovePlan(OutcomesTx& tx, const CallContext& ctx, const MeasurementPlan& plan) {
  IPT_RETURN_IF_ERROR(tx.DeletePlan(plan.clinic_id, plan.plan_id));
  return tx.Emit(PlanDeleted{plan}, ctx.now);
}

const MeasurementPlan* PlanFor(const std::vector<MeasurementPlan>& plans,
                               const CopiedCourse* course) {
  if (course == nullptr) return nullptr;
  const MeasurementPlan* for_all = nullptr;
  for (const MeasurementPlan& plan : plans) {
    if (plan.indications.empty()) {
      for_all = &plan;
    } else if (std::find(plan.indications.begin(), plan.indications.end(), course->indication) !=
               plan.indications.end()) {
      return &plan;
    }
  }
  return for_all;
}

absl::StatusOr<CoursePlan> FindCoursePlan(OutcomesReader& reader, absl::string_view clinic_id,
                                          absl::string_view course_id, const CopiedCourse* course) {
  IPT_ASSIGN_OR_RETURN(auto own, reader.ListCoursePlans(clinic_id, {std::string(course_id)}));
  if (!own.empty()) return std::move(own[0]);
  CoursePlan plan{
      .clinic_id = std::string(clinic_id), .course_id = std::string(course_id), .inherited = true};
  IPT_ASSIGN_OR_RETURN(const auto plans, AllPlans(reader, clinic_id));
  if (const MeasurementPlan* held = PlanFor(plans, course); held != nullptr) {
    plan.rules = held->rules;
    plan.inherited_from = held->plan_id;
    plan.stamp = held->stamp;
  }
  return plan;
}

absl::StatusOr<CoursePlan> SetCoursePlan(OutcomesTx& tx, const CallContext& ctx,
                                         const CoursePlan& before,
                                         std::vector<MeasurementRule> rules) {
  CoursePlan plan{.clinic_id = before.clinic_id, .course_id = before.course_id};
  plan.rules = std::move(rules);
  SetSince(before.rules, ctx.now, plan.rules);
  IPT_RETURN_IF_ERROR(tx.PutCoursePlan(plan, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(CoursePlanChanged{plan}, ctx.now));
  return plan;
}

absl::StatusOr<CoursePlan> ResetCoursePlan(OutcomesTx& tx, const CallContext& ctx,
                                           absl::string_view course_id,
                                           const CopiedCourse* course) {
  IPT_ASSIGN_OR_RETURN(CoursePlan before, FindCoursePlan(tx, ctx.clinic_id, course_id, course));
  if (before.inherited) return before;
  IPT_RETURN_IF_ERROR(tx.DeleteCoursePlan(ctx.clinic_id, course_id));
  IPT_ASSIGN_OR_RETURN(CoursePlan after, FindCoursePlan(tx, ctx.clinic_id, course_id, course));
  IPT_RETURN_IF_ERROR(tx.Emit(CoursePlanChanged{after}, ctx.now));
  return after;
}

std::vector<AskedRule> AskedRules(const std::vector<MeasurementRule>& rules,
                                  const std::vector<HeldInstrument>& instruments) {
  std::vector<AskedRule> asked;
  for (const MeasurementRule& rule : rules) {
    const HeldInstrument* instrument = CurrentOf(instruments, rule.instrument_id);
    if (instrument == nullptr) continue;
    AskedRule& one = asked.emplace_back();
    one.rule = rule;
    one.respondent = rule.respondent;
    if (one.respondent == AnsweredBy::kUnspecified && !instrument->respondents.empty()) {
      one.respondent = instrument->respondents.front();
    }
    one.instrument_version = instrument->definition.version;
  }
  return asked;
}

}  // namespace ipt::outcomes
