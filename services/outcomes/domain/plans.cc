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

// Whether the same is asked of the same person at the same times; months are looked at one by one.
bool AsksTheSame(const MeasurementRule& a, const MeasurementRule& b) {
  return a.id == b.id && a.instrument_id == b.instrument_id && a.timing == b.timing &&
         a.weeks == b.weeks && a.respondent == b.respondent && a.voluntary == b.voluntary;
}

const MeasurementRule* FindSame(const std::vector<MeasurementRule>& rules,
                                const MeasurementRule& wanted) {
  const auto same = std::find_if(rules.begin(), rules.end(), [&](const MeasurementRule& rule) {
    return AsksTheSame(rule, wanted);
  });
  return same == rules.end() ? nullptr : &*same;
}

// `since_of`: since when it asks, by month; 0 where it has none.
template <typename SinceOf>
void StateSince(const SinceOf& since_of, MeasurementRule& rule) {
  std::vector<SinceWhen> months;
  for (const int month : rule.months) months.push_back({month, since_of(month)});
  rule.since = months.empty() ? since_of(0) : months.front().since;
  rule.months_since.clear();
  for (const SinceWhen& month : months) {
    if (month.since != rule.since) rule.months_since.push_back(month);
  }
}

// A rule that was there before goes on asking; a new one begins now, and so does a new month.
void SetSince(const std::vector<MeasurementRule>& before, absl::Time now,
              std::vector<MeasurementRule>& rules) {
  for (MeasurementRule& rule : rules) {
    const MeasurementRule* same = FindSame(before, rule);
    StateSince(
        [&](int month) {
          const bool is_new =
              same == nullptr || (month != 0 && std::find(same->months.begin(), same->months.end(),
                                                          month) == same->months.end());
          return is_new ? now : same->SinceOf(month);
        },
        rule);
  }
}

// None of them asked before this instant.
void AskFrom(absl::Time since, std::vector<MeasurementRule>& rules) {
  for (MeasurementRule& rule : rules) {
    const MeasurementRule stated = rule;
    StateSince([&](int month) { return std::max(stated.SinceOf(month), since); }, rule);
  }
}

bool IsFor(const MeasurementPlan& plan, int indication) {
  return std::find(plan.indications.begin(), plan.indications.end(), indication) !=
         plan.indications.end();
}

// A plan goes on for whom it was for; for all others it begins now.
void SetForSince(const MeasurementPlan& before, absl::Time now, MeasurementPlan& after) {
  const bool was_for_all = before.indications.empty();
  after.for_since.clear();
  if (after.indications.empty()) {
    if (was_for_all) {
      after.for_since = before.for_since;
      return;
    }
    for (const int indication : before.indications) {
      after.for_since.push_back({indication, before.SinceOf(indication)});
    }
    after.for_since.push_back({0, now});
    return;
  }
  for (const int indication : after.indications) {
    // No other plan names it, so a plan for all was for it, too.
    const bool was_for = was_for_all || IsFor(before, indication);
    after.for_since.push_back({indication, was_for ? before.SinceOf(indication) : now});
  }
}

// The plan for all is, from now on, for these, too.
absl::Status LeaveToPlanForAll(OutcomesTx& tx, const MeasurementPlan& left,
                               const std::vector<int>& indications, absl::Time now) {
  if (indications.empty()) return absl::OkStatus();
  IPT_ASSIGN_OR_RETURN(const auto plans, AllPlans(tx, left.clinic_id));
  const auto for_all = std::find_if(plans.begin(), plans.end(), [&](const MeasurementPlan& plan) {
    return plan.plan_id != left.plan_id && plan.indications.empty();
  });
  if (for_all == plans.end()) return absl::OkStatus();
  MeasurementPlan after = *for_all;
  for (const int indication : indications) {
    after.for_since.erase(
        std::remove_if(after.for_since.begin(), after.for_since.end(),
                       [&](const SinceWhen& stated) { return stated.of == indication; }),
        after.for_since.end());
    after.for_since.push_back({indication, now});
  }
  IPT_RETURN_IF_ERROR(tx.UpdatePlan(after, now));
  return tx.Emit(PlanChanged{after}, now);
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

// Since when it asks is the service's own.
bool IsStatedAs(MeasurementRule before, const MeasurementRule& rule) {
  before.since = rule.since;
  before.months_since = rule.months_since;
  return before == rule;
}

void CheckRule(const MeasurementRule& rule, const std::vector<MeasurementRule>& before,
               const std::vector<HeldInstrument>& instruments, FieldViolations bad) {
  // What was taken once stays, whatever became of its instrument.
  if (std::any_of(before.begin(), before.end(),
                  [&](const MeasurementRule& other) { return IsStatedAs(other, rule); })) {
    return;
  }
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
                const std::vector<MeasurementRule>& before,
                const std::vector<HeldInstrument>& instruments, FieldViolations bad) {
  std::set<std::string> ids;
  for (size_t i = 0; i < rules.size(); ++i) {
    FieldViolations at = bad.At("rules", i);
    if (!IsValidId(rules[i].id)) {
      at.Add("id", "must be 1 to 63 of a-z, 0-9 and -, starting with a letter or digit");
    } else if (!ids.insert(rules[i].id).second) {
      at.Add("id", "must differ from the other rules' ids");
    }
    CheckRule(rules[i], before, instruments, at.In(""));
  }
}

void CheckPlan(const MeasurementPlan& plan, const std::vector<MeasurementRule>& before,
               const std::vector<HeldInstrument>& instruments, FieldViolations bad) {
  if (plan.display_name.empty()) bad.Add("display_name", "is required");
  std::set<int> seen;
  for (size_t i = 0; i < plan.indications.size(); ++i) {
    if (plan.indications[i] == 0) {
      bad.At("indications", i).Add("", "must be stated");
    } else if (!seen.insert(plan.indications[i]).second) {
      bad.At("indications", i).Add("", "must be there once only");
    }
  }
  CheckRules(plan.rules, before, instruments, bad.In(""));
}

std::optional<TakenIndication> FindTaken(const std::vector<MeasurementPlan>& plans,
                                         const MeasurementPlan& plan) {
  for (const MeasurementPlan& other : plans) {
    if (other.plan_id == plan.plan_id) continue;
    if (plan.indications.empty() && other.indications.empty()) {
      return TakenIndication{other.plan_id, 0};
    }
    for (const int indication : plan.indications) {
      if (IsFor(other, indication)) return TakenIndication{other.plan_id, indication};
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
  SetForSince(before, ctx.now, after);
  IPT_RETURN_IF_ERROR(tx.UpdatePlan(after, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(PlanChanged{after}, ctx.now));
  std::vector<int> left;
  if (!after.indications.empty()) {
    for (const int indication : before.indications) {
      if (!IsFor(after, indication)) left.push_back(indication);
    }
  }
  IPT_RETURN_IF_ERROR(LeaveToPlanForAll(tx, before, left, ctx.now));
  return after;
}

absl::Status RemovePlan(OutcomesTx& tx, const CallContext& ctx, const MeasurementPlan& plan) {
  IPT_RETURN_IF_ERROR(tx.DeletePlan(plan.clinic_id, plan.plan_id));
  IPT_RETURN_IF_ERROR(tx.Emit(PlanDeleted{plan}, ctx.now));
  return LeaveToPlanForAll(tx, plan, plan.indications, ctx.now);
}

const MeasurementPlan* PlanFor(const std::vector<MeasurementPlan>& plans,
                               const courses::CopiedCourse* course) {
  if (course == nullptr) return nullptr;
  const MeasurementPlan* for_all = nullptr;
  for (const MeasurementPlan& plan : plans) {
    if (plan.indications.empty()) {
      for_all = &plan;
    } else if (IsFor(plan, course->indication)) {
      return &plan;
    }
  }
  return for_all;
}

CoursePlan HeldPlan(absl::string_view clinic_id, absl::string_view course_id,
                    const StoredCoursePlan* stored, const std::vector<MeasurementPlan>& plans,
                    const courses::CopiedCourse* course) {
  CoursePlan held{.clinic_id = std::string(clinic_id), .course_id = std::string(course_id)};
  held.inherited = stored == nullptr || stored->reset_time.has_value();
  if (!held.inherited) {
    held.rules = stored->rules;
    held.stamp = stored->stamp;
  } else if (const MeasurementPlan* plan = PlanFor(plans, course); plan != nullptr) {
    held.rules = plan->rules;
    held.inherited_from = plan->plan_id;
    held.stamp = plan->stamp;
    if (stored != nullptr) {
      SetSince(stored->rules, *stored->reset_time, held.rules);
      for (size_t i = 0; i < held.rules.size(); ++i) {
        const MeasurementRule own = held.rules[i];
        StateSince(
            [&](int month) { return std::max(own.SinceOf(month), plan->rules[i].SinceOf(month)); },
            held.rules[i]);
      }
    }
    AskFrom(plan->SinceOf(course->indication), held.rules);
  }
  held.revision = std::max(held.stamp.revision, stored == nullptr ? 0 : stored->stamp.revision);
  if (course != nullptr) AskFrom(course->create_time, held.rules);
  return held;
}

absl::StatusOr<CoursePlan> FindCoursePlan(OutcomesReader& reader, absl::string_view clinic_id,
                                          absl::string_view course_id,
                                          const courses::CopiedCourse* course) {
  IPT_ASSIGN_OR_RETURN(const auto stored,
                       reader.ListCoursePlans(clinic_id, {std::string(course_id)}));
  IPT_ASSIGN_OR_RETURN(const auto plans, AllPlans(reader, clinic_id));
  return HeldPlan(clinic_id, course_id, stored.empty() ? nullptr : &stored[0], plans, course);
}

absl::StatusOr<CoursePlan> SetCoursePlan(OutcomesTx& tx, const CallContext& ctx,
                                         const CoursePlan& before,
                                         std::vector<MeasurementRule> rules) {
  StoredCoursePlan stored{.clinic_id = before.clinic_id, .course_id = before.course_id};
  stored.rules = std::move(rules);
  SetSince(before.rules, ctx.now, stored.rules);
  IPT_RETURN_IF_ERROR(tx.PutCoursePlan(stored, ctx.now));
  CoursePlan plan = HeldPlan(stored.clinic_id, stored.course_id, &stored, {}, nullptr);
  IPT_RETURN_IF_ERROR(tx.Emit(CoursePlanChanged{plan}, ctx.now));
  return plan;
}

absl::StatusOr<CoursePlan> ResetCoursePlan(OutcomesTx& tx, const CallContext& ctx,
                                           absl::string_view course_id,
                                           const courses::CopiedCourse* course) {
  IPT_ASSIGN_OR_RETURN(auto stored, tx.ListCoursePlans(ctx.clinic_id, {std::string(course_id)}));
  if (!stored.empty() && !stored[0].reset_time.has_value()) {
    stored[0].reset_time = ctx.now;
    IPT_RETURN_IF_ERROR(tx.PutCoursePlan(stored[0], ctx.now));
    IPT_ASSIGN_OR_RETURN(CoursePlan after, FindCoursePlan(tx, ctx.clinic_id, course_id, course));
    IPT_RETURN_IF_ERROR(tx.Emit(CoursePlanChanged{after}, ctx.now));
    return after;
  }
  return FindCoursePlan(tx, ctx.clinic_id, course_id, course);
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
    one.instrument_name = instrument->definition.name;
  }
  return asked;
}

}  // namespace ipt::outcomes
