#include "outcomes/domain/clinic_reports.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "outcomes/domain/course_result.h"
#include "outcomes/domain/reasons.h"
#include "platform/errors/error.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/text/fnv.h"
#include "platform/zone/time_zone.h"

namespace ipt::outcomes {
namespace {

constexpr int kDefaultSmallestGroup = 5;
// Raised with every change of what results are made by that neither policies nor the suite's
// instruments tell of: kept ones are then made anew.
constexpr int kResultsVersion = 2;
// A result takes a millisecond or two.
constexpr absl::Duration kMadeWithin = absl::Milliseconds(5);
constexpr int kMostMade = 500;
constexpr absl::Duration kTryAgainIn = absl::Seconds(2);

absl::CivilDay DayIn(const absl::TimeZone& zone, absl::Time time) {
  return absl::CivilDay(zone.At(time).cs);
}

std::string RuleSetsOf(const ScaleSeries& series) {
  std::string rule_sets;
  if (series.cut_off.has_value()) rule_sets = series.cut_off->rule_set;
  if (series.reliable_change.has_value() && series.reliable_change->rule_set != rule_sets) {
    absl::StrAppend(&rule_sets, rule_sets.empty() ? "" : ",", series.reliable_change->rule_set);
  }
  return rule_sets;
}

// Of the first score of the measure of depression.
std::string BaselineBandOf(const CourseOutcomes& outcomes) {
  const ScaleSeries* series = SpeakingSeries(outcomes.series, outcomes.depression_instrument_id);
  if (series == nullptr || !series->trajectory.first.index.has_value()) return "";
  const SeriesScore& first = series->Placed(*series->trajectory.first.index);
  return outcomes.measurements[first.measurement].scores[first.score].band;
}

void AddSessions(const courses::CopiedCourse& course, const absl::TimeZone& zone,
                 CourseResult& result) {
  for (const courses::CopiedSession& session : course.sessions) {
    result.attended += session.state == courses::CopiedSessionState::kAttended;
    result.missed += session.state == courses::CopiedSessionState::kNoShow;
    if (!session.IsTreatment()) continue;
    const DayNumber day = DayIn(zone, session.start);
    result.start_day = std::min(result.start_day.value_or(day), day);
    result.last_day = std::max(result.last_day.value_or(day), day);
  }
}

}  // namespace

CourseResult CourseResultOf(const CourseOutcomes& outcomes) {
  CourseResult result;
  for (const Measurement& m : outcomes.measurements) {
    const bool left_out =
        !outcomes.course.course.has_value() || m.binding_problem != BindingProblem::kNone;
    ++(left_out ? result.left_out : result.measurements);
  }
  if (!outcomes.course.course.has_value()) {
    if (!outcomes.measurements.empty()) {
      result.closed_day = result.start_day =
          DayIn(absl::UTCTimeZone(), outcomes.measurements.back().complete_time);
    }
    return result;
  }
  const courses::CopiedCourse& course = *outcomes.course.course;
  // Read by EvaluateOutcomes already.
  const absl::TimeZone zone = StoredZone(course.time_zone).value_or(absl::UTCTimeZone());
  result.known = true;
  result.in_error = course.closure_reason == courses::kClosedEnteredInError;
  result.end = EndOf(course);
  if (course.closed() && course.closed_at.has_value()) {
    result.closed_day = DayIn(zone, *course.closed_at);
  }
  AddSessions(course, zone, result);
  result.planned_sessions = course.planned_sessions;
  result.attended_sessions = outcomes.attended_sessions;
  result.indication = course.indication;
  if (outcomes.focus.has_value()) result.focus = outcomes.focus->primary_kind;
  result.therapist_id = course.therapist_id;
  result.variant_id = course.variant_id;
  result.baseline_band = BaselineBandOf(outcomes);
  result.recovery = outcomes.recovery;
  for (const ScaleSeries& one : outcomes.series) {
    const std::string& id = one.instrument.definition.id;
    // Series of one instrument stand together; the one that speaks for it counts.
    const ScaleSeries* series = SpeakingSeries(outcomes.series, id);
    if (series != &one) continue;
    std::optional<MeasureResult> measure =
        MeasureResultOf(id, series->rules, RuleSetsOf(*series), series->trajectory);
    if (measure.has_value()) result.measures.push_back(*std::move(measure));
  }
  return result;
}

std::string MadeBy(const OutcomePolicy& policy, const Catalog& catalog, bool follows_formulation) {
  Fnv fnv;
  const auto add = [&fnv](const auto& stated) {
    fnv.Add(int64_t{stated.has_value()});
    if (stated.has_value()) fnv.Add(absl::StrCat(*stated));
  };
  fnv.Add(int64_t{kResultsVersion});
  fnv.Add(static_cast<int64_t>(catalog.fingerprint()));
  fnv.Add(int64_t{follows_formulation});
  fnv.Add(policy.depression_instrument_id);
  fnv.Add(policy.anxiety_instrument_id);
  fnv.Add(static_cast<int64_t>(policy.scale_rules.size()));
  for (const ScaleRules& rules : policy.scale_rules) {
    fnv.Add(rules.instrument_id);
    fnv.Add(rules.scale);
    fnv.Add(rules.cut_off_rule_set);
    fnv.Add(rules.reliable_change_rule_set);
  }
  add(policy.response_percent);
  add(policy.baseline_days);
  add(policy.last_score_days);
  add(policy.duplicate_minutes);
  // What followers are told of results and signals.
  fnv.Add(int64_t{policy.drop_out});
  const NotOnTrackPolicy& watch = policy.not_on_track;
  fnv.Add(watch.instrument_id);
  add(watch.baseline_at_least);
  add(watch.slow_start_days);
  add(watch.slow_start_sessions);
  add(watch.slow_start_percent);
  add(watch.late_week);
  add(watch.late_percent);
  fnv.Add(static_cast<int64_t>(watch.disabled_rules.size()));
  for (const std::string& rule : watch.disabled_rules) fnv.Add(rule);
  return absl::StrCat(absl::Hex(fnv.value(), absl::kZeroPad16));
}

int MostMadeIn(absl::Duration left) {
  return static_cast<int>(std::clamp<int64_t>(left / kMadeWithin, 1, kMostMade));
}

absl::StatusOr<ResultRules> LoadResultRules(OutcomesReader& reader, const Catalog& catalog,
                                            absl::string_view clinic_id) {
  ResultRules rules;
  IPT_ASSIGN_OR_RETURN(rules.policy, reader.GetPolicy(clinic_id));
  IPT_ASSIGN_OR_RETURN(rules.instruments, AllInstruments(reader, catalog, clinic_id, ""));
  rules.made_by = MadeBy(rules.policy, catalog, reader.follows_formulation());
  return rules;
}

absl::StatusOr<CourseOutcomes> MakeCourseOutcomes(OutcomesReader& reader, const ResultRules& rules,
                                                  absl::string_view clinic_id,
                                                  const std::string& course_id) {
  OutcomeInput input{.clinic_id = std::string(clinic_id),
                     .query = {.course_id = course_id},
                     .policy = rules.policy};
  IPT_ASSIGN_OR_RETURN(input.course.course, reader.FindCourseCopy(clinic_id, course_id));
  if (input.course.course.has_value()) input.course.known = courses::CourseAnswer::Known::kVerified;
  IPT_ASSIGN_OR_RETURN(input.measurements, MeasurementsOf(reader, clinic_id, input.query,
                                                          rules.policy.DuplicateWindow()));
  for (const HeldInstrument& instrument : rules.instruments) {
    const bool used = std::any_of(
        input.measurements.begin(), input.measurements.end(),
        [&](const Measurement& m) { return m.instrument_id == instrument.definition.id; });
    if (used) input.instruments.push_back(instrument);
  }
  IPT_ASSIGN_OR_RETURN(CourseOutcomes outcomes, EvaluateOutcomes(std::move(input)));
  IPT_ASSIGN_OR_RETURN(outcomes.focus, reader.FindCourseFocus(clinic_id, course_id));
  return outcomes;
}

absl::StatusOr<CourseResult> MakeCourseResult(OutcomesReader& reader, const ResultRules& rules,
                                              absl::string_view clinic_id,
                                              const std::string& course_id) {
  IPT_ASSIGN_OR_RETURN(const CourseOutcomes outcomes,
                       MakeCourseOutcomes(reader, rules, clinic_id, course_id));
  return CourseResultOf(outcomes);
}

absl::StatusOr<ClinicReportView> MakeClinicReport(OutcomesReader& reader, const Catalog& catalog,
                                                  absl::string_view clinic_id,
                                                  ReportRequest request, int most_made,
                                                  absl::Time now) {
  IPT_ASSIGN_OR_RETURN(ResultRules rules, LoadResultRules(reader, catalog, clinic_id));
  ReportQuery query = std::move(request.query);
  FieldViolations bad;
  for (size_t i = 0; i < query.instrument_ids.size(); ++i) {
    const std::string& id = query.instrument_ids[i];
    if (std::none_of(rules.instruments.begin(), rules.instruments.end(),
                     [&](const HeldInstrument& held) { return held.definition.id == id; })) {
      bad.In("query").At("instruments", i).Add("", "must be an instrument of the clinic");
    }
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  query.policy_drop_out = DropOutOf(rules.policy);
  query.drop_out = request.drop_out.value_or(query.policy_drop_out);
  query.policy_smallest_group = rules.policy.smallest_group.value_or(kDefaultSmallestGroup);
  query.smallest_group = std::max(request.smallest_group, query.policy_smallest_group);

  ReportTally tally(query);
  std::vector<std::string> stale;
  IPT_RETURN_IF_ERROR(reader.ReadCourseResults(
      {std::string(clinic_id), rules.made_by}, query.period,
      [&](const CourseResult& result) { return tally.Wants(result); },
      [&](const CourseResult& result) { tally.Add(result); }, most_made + 1, stale));
  if (static_cast<int>(stale.size()) > most_made) {
    return Unavailable(reason::kResultsBeingMade,
                       "results of too many courses are being made anew, as after a change of the "
                       "clinic's policy: try again",
                       kTryAgainIn);
  }
  int not_made = 0;
  for (const std::string& course_id : stale) {
    const absl::StatusOr<CourseResult> result =
        MakeCourseResult(reader, rules, clinic_id, course_id);
    if (absl::IsInternal(result.status())) {
      ++not_made;  // one course is no reason to have no report
      continue;
    }
    IPT_RETURN_IF_ERROR(result.status());
    tally.Add(*result);
  }
  ClinicReportView view{.report = BuildClinicReport(tally),
                        .policy = std::move(rules.policy),
                        .instruments = std::move(rules.instruments),
                        .not_made = not_made};
  IPT_ASSIGN_OR_RETURN(view.formulation, reader.GetFormulationAge(clinic_id, now));
  IPT_ASSIGN_OR_RETURN(view.revision, reader.CurrentRevision());
  return view;
}

}  // namespace ipt::outcomes
