#include "outcomes/rpc/report_proto.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "course_copies/rpc/scheduling_view.h"
#include "outcomes/domain/names.h"
#include "outcomes/domain/published.h"
#include "outcomes/rpc/focus_proto.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/resource_name.h"
#include "platform/rpc/stated.h"

namespace ipt::outcomes {
namespace {

constexpr int kMostYears = 10;
constexpr int kMostSmallestGroup = 1000;
// Below it the rest of a report is read with care.
constexpr double kEnoughPaired = 0.9;

template <typename T>
void KeepOnce(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

template <typename Names>
std::vector<std::string> IdsIn(const Names& names) {
  std::vector<std::string> ids;
  for (const std::string& name : names) ids.push_back(rpc::IdsOf(name)[1]);
  return ids;
}

// ---- Cells

template <typename Cell, typename Out>
bool WriteShown(const Cell& cell, Out* out) {
  out->set_suppression(static_cast<pb::Suppression>(cell.shown));
  return cell.shown == Shown::kYes;
}

void WriteInterval(const ConfidenceInterval& interval, pb::Interval* out) {
  out->set_low(interval.low);
  out->set_high(interval.high);
}

void WriteRate(const RateCell& cell, pb::Rate* out) {
  if (!WriteShown(cell, out)) {
    if (cell.shown == Shown::kNotComputable) {
      out->set_hits(0);
      out->set_of(0);
    }
    return;
  }
  out->set_hits(cell.rate.hits);
  out->set_of(cell.rate.of);
  out->set_share(cell.share);
  if (cell.interval.has_value()) WriteInterval(*cell.interval, out->mutable_interval());
}

void WriteEffect(const EffectCell& cell, pb::EffectSize* out) {
  if (!WriteShown(cell, out)) {
    if (cell.shown == Shown::kNotComputable) out->set_pairs(cell.effect.pairs);
    return;
  }
  out->set_pairs(cell.effect.pairs);
  out->set_d(cell.effect.d);
  WriteInterval(cell.effect.interval, out->mutable_interval());
  out->set_first_mean(cell.effect.first_mean);
  out->set_first_standard_deviation(cell.effect.first_standard_deviation);
  out->set_last_mean(cell.effect.last_mean);
  out->set_last_standard_deviation(cell.effect.last_standard_deviation);
}

void WriteFlow(const GroupReport& group, pb::CourseFlow* out) {
  // A count says by its absence that it is hidden; why, the first one that is.
  const auto write = [out](const CountCell& cell, auto set) {
    if (cell.shown == Shown::kYes) {
      (out->*set)(cell.count);
    } else if (out->suppression() == pb::SUPPRESSION_UNSPECIFIED) {
      out->set_suppression(static_cast<pb::Suppression>(cell.shown));
    }
  };
  write(group.courses, &pb::CourseFlow::set_courses);
  write(group.open, &pb::CourseFlow::set_open);
  write(group.never_started, &pb::CourseFlow::set_never_started);
  write(group.finished, &pb::CourseFlow::set_finished);
  WriteRate(group.completed, out->mutable_completed());
  WriteRate(group.agreed_early, out->mutable_agreed_early());
  WriteRate(group.dropped_out, out->mutable_dropped_out());
  WriteRate(group.ended_otherwise, out->mutable_ended_otherwise());
}

void WriteAttendance(const GroupReport& group, pb::AttendanceFigures* out) {
  WriteRate(group.attended, out->mutable_attended());
  if (group.mean_sessions.shown == Shown::kYes) out->set_mean_sessions(group.mean_sessions.mean);
  if (group.mean_weeks.shown == Shown::kYes) out->set_mean_weeks(group.mean_weeks.mean);
}

void WriteRecoveryFigures(const RecoveryReport& recovery, pb::RecoveryFigures* out) {
  WriteRate(recovery.paired, out->mutable_paired());
  WriteRate(recovery.case_at_start, out->mutable_case_at_start());
  WriteRate(recovery.recovered, out->mutable_recovered());
  WriteRate(recovery.reliably_improved, out->mutable_reliably_improved());
  WriteRate(recovery.no_reliable_change, out->mutable_no_reliable_change());
  WriteRate(recovery.reliably_deteriorated, out->mutable_reliably_deteriorated());
  WriteRate(recovery.reliably_recovered, out->mutable_reliably_recovered());
  WriteRate(recovery.recovered_of_paired, out->mutable_recovered_of_paired());
  WriteRate(recovery.improved_of_paired, out->mutable_improved_of_paired());
}

void WriteMeasure(absl::string_view clinic_id, const MeasureReport& measure,
                  pb::MeasureFigures* out) {
  out->set_instrument(InstrumentName(clinic_id, measure.instrument_id));
  out->set_scale(kTotal);
  WriteRate(measure.paired, out->mutable_paired());
  WriteEffect(measure.effect, out->mutable_effect());
  WriteRate(measure.response, out->mutable_response());
  WriteRate(measure.remission, out->mutable_remission());
  WriteRate(measure.reliably_improved, out->mutable_reliably_improved());
  WriteRate(measure.reliably_deteriorated, out->mutable_reliably_deteriorated());
  WriteRate(measure.significantly_changed, out->mutable_significantly_changed());
  for (const std::string& rule_set : measure.rule_sets) out->add_rule_sets(rule_set);
}

// ---- Groups' names

// "Late life depression" of INDICATION_LATE_LIFE_DEPRESSION.
std::string TextOf(absl::string_view name, absl::string_view prefix) {
  if (name == "INDICATION_PTSD") return "PTSD";
  std::string text =
      absl::AsciiStrToLower(absl::StrReplaceAll(absl::StripPrefix(name, prefix), {{"_", " "}}));
  if (!text.empty()) text[0] = absl::ascii_toupper(text[0]);
  return text;
}

// Of the newest version of the measure of depression that has it; nullptr where none has.
const Band* FindBand(const ClinicReportView& view, absl::string_view id) {
  const std::string depression = DepressionInstrument(view.policy);
  const Band* found = nullptr;
  for (const HeldInstrument& instrument : view.instruments) {
    if (instrument.definition.id != depression) continue;
    const BandSet* bands = instrument.definition.DefaultBands();
    if (bands == nullptr) continue;
    for (const Band& band : bands->bands) {
      if (band.id == id) found = &band;
    }
  }
  return found;
}

// That nobody reads what is not known as what is not there.
std::string NoFocusText(const FormulationAge& formulation) {
  if (!formulation.has_value()) return "Not known: formulation is not followed";
  return "None agreed, or not known";
}

int NumberIn(const std::string& group) {
  int number = 0;
  return absl::SimpleAtoi(group, &number) ? number : 0;
}

void WriteGroup(const ClinicReportView& view, absl::string_view clinic_id, const std::string& group,
                pb::ReportRow* out) {
  const ReportGrouping grouping = view.report.query.group_by;
  out->set_grouping(static_cast<pb::ReportGrouping>(grouping));
  if (group.empty()) {
    out->set_display_name(grouping == ReportGrouping::kFocus ? NoFocusText(view.formulation)
                                                             : "Not known");
    return;
  }
  out->set_group(group);
  out->set_display_name(group);
  // A contract's name in place of its number; one of a later release has none.
  const auto set_name = [&](const std::string& name, absl::string_view prefix) {
    if (name.empty()) return;
    out->set_group(name);
    out->set_display_name(TextOf(name, prefix));
  };
  switch (grouping) {
    case ReportGrouping::kNone:
    case ReportGrouping::kVariant:
      break;
    case ReportGrouping::kIndication:
      set_name(ipt::scheduling::v1::Indication_Name(
                   static_cast<ipt::scheduling::v1::Indication>(NumberIn(group))),
               "INDICATION_");
      break;
    case ReportGrouping::kFocus:
      set_name(ipt::formulation::v1::ProblemAreaKind_Name(
                   static_cast<ipt::formulation::v1::ProblemAreaKind>(NumberIn(group))),
               "PROBLEM_AREA_KIND_");
      break;
    case ReportGrouping::kTherapist:
      out->set_group(TherapistName(clinic_id, group));
      break;
    case ReportGrouping::kBaselineBand:
      if (const Band* band = FindBand(view, group)) out->set_display_name(band->label);
      break;
    case ReportGrouping::kMonth: {
      absl::CivilMonth month;
      if (absl::ParseCivilTime(group, &month)) {
        out->set_display_name(absl::FormatTime("%B %Y", absl::FromCivil(month, absl::UTCTimeZone()),
                                               absl::UTCTimeZone()));
      }
      break;
    }
  }
}

void WriteRow(absl::string_view clinic_id, const GroupReport& group, pb::ReportRow* out) {
  WriteFlow(group, out->mutable_flow());
  WriteAttendance(group, out->mutable_attendance());
  WriteRecoveryFigures(group.recovery, out->mutable_recovery());
  for (const MeasureReport& measure : group.measures) {
    WriteMeasure(clinic_id, measure, out->add_measures());
  }
  out->set_suppression(static_cast<pb::Suppression>(group.shown));
}

// ---- What is said beside the numbers

void WriteQuery(const ReportQuery& query, absl::string_view clinic_id, pb::ReportQuery* out) {
  rpc::WriteDay(query.period.first_day, out->mutable_first_date());
  rpc::WriteDay(query.period.last_day, out->mutable_last_date());
  out->set_basis(static_cast<pb::PeriodBasis>(query.period.basis));
  for (const int indication : query.indications) {
    out->add_indications(static_cast<ipt::scheduling::v1::Indication>(indication));
  }
  for (const int focus : query.focuses) {
    out->add_focuses(static_cast<ipt::formulation::v1::ProblemAreaKind>(focus));
  }
  for (const std::string& id : query.therapist_ids)
    out->add_therapists(TherapistName(clinic_id, id));
  for (const std::string& id : query.variant_ids) out->add_variants(id);
  for (const std::string& id : query.instrument_ids) {
    out->add_instruments(InstrumentName(clinic_id, id));
  }
  out->set_population(static_cast<pb::ReportPopulation>(query.population));
  out->set_drop_out(static_cast<pb::DropOutDefinition>(query.drop_out));
  out->set_group_by(static_cast<pb::ReportGrouping>(query.group_by));
  out->set_smallest_group(query.smallest_group);
}

bool AsksForFocus(const ReportQuery& query) {
  return query.group_by == ReportGrouping::kFocus || !query.focuses.empty();
}

std::string DropOutMeaning(DropOutDefinition definition) {
  switch (definition) {
    case DropOutDefinition::kEndedWithoutAgreement:
      return "ended by the patient without agreement, before the agreed number of sessions; of "
             "courses closed after their start: one that never started is none";
    case DropOutDefinition::kUnderHalfAttended:
      return "ended by the patient without agreement, with fewer than half of the agreed sessions "
             "attended; of courses closed after their start: one that never started is none";
    case DropOutDefinition::kAnyNonCompletion:
      return "ended in any other way than completed or agreed; of all closed courses, those that "
             "never started among them";
  }
  return "";
}

void WriteDefinitions(const ReportQuery& query, pb::ClinicReport* out) {
  const auto add = [out](absl::string_view term, absl::string_view meaning,
                         absl::string_view source) {
    pb::ReportDefinition* definition = out->add_definitions();
    definition->set_term(std::string(term));
    definition->set_meaning(std::string(meaning));
    definition->set_source(std::string(source));
  };
  constexpr char kNhs[] = "NHS Talking Therapies";
  constexpr char kNhsMeasures[] = "NHS England, measure definitions 2024-25";
  add("courses",
      query.period.basis == PeriodBasis::kClosed
          ? "closed in the period, by days of the course's time zone; those opened by mistake are "
            "left out"
          : "with their first treatment session attended in the period, by days of the course's "
            "time zone; "
            "those opened by mistake are left out. Open ones have no result yet",
      "");
  add("started", "closed, with a treatment session attended; the others never started", "");
  add("finished",
      "closed, with two attended treatment sessions or more; assessments, follow-ups and missed "
      "ones do not count",
      kNhs);
  if (AsksForFocus(query)) {
    add("focus",
        "the kind of the primary problem area of the formulation that was agreed with the patient, "
        "as it is now: of a course whose focus changed, the later one",
        "");
  }
  add("dropped out", DropOutMeaning(query.drop_out), "Linardon 2019, on why it must be stated");
  add("attended", "sessions that were attended, of these and those not come to", "");
  add("first and last",
      "of the measure's total, as the patient answered it, else as it was read to them, else as a "
      "clinician rated it: the earliest and the latest score that counts in the course, by the "
      "clinic's policy",
      "");
  add("population",
      query.population == ReportPopulation::kPaired
          ? "finished courses with a first and a last score"
          : "all courses closed after their start with a first score; where there is no last one "
            "the first is carried forward: no change",
      "");
  add("effect size", absl::StrCat(kEffectSizeMethod, "; without a control group"),
      "NHS; interval: Bonett 2008");
  add("interval of a rate", "95 %, Wilson's score interval", "Wilson 1927, Newcombe 1998");
  add("response",
      "a fall of the first score by half, or by what the policy says, or more; of those whose "
      "first "
      "score was not 0",
      "HEDIS");
  add("remission", "the last score is beyond the measure's limit of remission (PHQ-9: below 5)",
      "HEDIS");
  add("reliable change", "better, or worse, by the measure's reliable change or more",
      kNhsMeasures);
  add("significantly changed",
      "reliably better, and across the cut-off; of those that were cases at first",
      "Jacobson and Truax 1991");
  add("case", "at or beyond the cut-off on either measure", kNhs);
  add("recovered",
      "a case on either measure at first, below the cut-off on both at last; of the finished "
      "courses but those known not to be cases at first",
      "NHS Digital");
  add("reliably improved",
      "reliably better on one measure, and not reliably worse on the other; of the finished",
      kNhsMeasures);
  add("reliably deteriorated",
      "reliably worse on one measure, and not reliably better on the other; of the finished",
      kNhsMeasures);
  add("no reliable change", "neither; also better on one and worse on the other", kNhsMeasures);
  add("reliably recovered", "recovered, and reliably improved", kNhsMeasures);
  add("not shown",
      absl::StrCat(
          "numbers of fewer than ", query.smallest_group,
          " people, and what would tell them with the other rows or figures, or with a report of "
          "the same courses and groups by another population, definition of drop-out or smallest "
          "group. What reports of other filters or other groups tell together is not guarded, nor "
          "what the figures of two measures do"),
      "");
}

// Published drop-outs are of those who began and ended without agreement.
bool IsSameKind(PublishedKind kind, DropOutDefinition drop_out) {
  switch (kind) {
    case PublishedKind::kDropOut:
      return drop_out == DropOutDefinition::kEndedWithoutAgreement;
    case PublishedKind::kPrePostEffect:
    case PublishedKind::kRecovery:
    case PublishedKind::kPairedData:
      return true;
    case PublishedKind::kControlledEffect:
    case PublishedKind::kRemission:
      return false;
  }
  return false;
}

void WriteBenchmarks(DropOutDefinition drop_out, pb::ClinicReport* out) {
  for (const PublishedResult& published : PublishedResults()) {
    pb::Benchmark* benchmark = out->add_benchmarks();
    benchmark->set_id(std::string(published.id));
    benchmark->set_citation(absl::StrCat(published.source, " (", published.year, ")"));
    benchmark->set_measure(std::string(published.what));
    benchmark->set_value(published.value);
    if (published.low.has_value() && published.high.has_value()) {
      WriteInterval({*published.low, *published.high}, benchmark->mutable_interval());
    }
    benchmark->set_patients(published.people);
    benchmark->set_studies(published.studies);
    benchmark->set_comparability(IsSameKind(published.kind, drop_out)
                                     ? pb::COMPARABILITY_SAME_KIND
                                     : pb::COMPARABILITY_FOR_ORIENTATION);
    benchmark->set_caution(std::string(published.caution));
  }
}

void CautionOfPairs(absl::string_view of_what, const RateCell& paired, pb::ClinicReport* out) {
  if (paired.shown != Shown::kYes || paired.share >= kEnoughPaired) return;
  out->add_cautions(absl::StrFormat(
      "Paired data of %s: %.1f %% of the finished courses (%d of %d), below 90 %%. Those without "
      "may have done otherwise: read the rest with care.",
      of_what, 100 * paired.share, paired.rate.hits, paired.rate.of));
}

std::string AsOfText(absl::Time as_of) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", as_of, absl::UTCTimeZone());
}

void CautionOfFocuses(const FormulationAge& formulation, pb::ClinicReport* out) {
  if (!formulation.has_value()) {
    out->add_cautions(
        "Formulation is not followed: no course's focus is known here, whether one was agreed or "
        "not.");
  } else if (formulation->as_of == absl::InfinitePast()) {
    out->add_cautions(
        "Which focus courses have is not all in yet: it is being read from formulation, or "
        "formulation cannot be reached.");
  } else if (!formulation->current) {
    out->add_cautions(absl::StrCat("Formulation is away: what is known of focuses is as of ",
                                   AsOfText(formulation->as_of), "."));
  }
}

void WriteCautions(const ClinicReportView& view, const ReportHorizon& horizon,
                   pb::ClinicReport* out) {
  const ClinicReport& report = view.report;
  CautionOfPairs("both measures of recovery", report.total.recovery.paired, out);
  for (const MeasureReport& measure : report.total.measures) {
    CautionOfPairs(measure.instrument_id, measure.paired, out);
  }
  if (report.left_out > 0) {
    out->add_cautions(absl::StrCat(
        report.left_out, report.left_out == 1 ? " measurement is" : " measurements are",
        " left out: the course or session that they belong to is not known from scheduling yet, "
        "or wrong."));
  }
  if (view.not_made > 0) {
    out->add_cautions(absl::StrCat(view.not_made,
                                   view.not_made == 1 ? " course is" : " courses are",
                                   " left out, since what is stored of them cannot be evaluated."));
  }
  if (!horizon.as_of.has_value()) {
    out->add_cautions(
        "The clinic's courses are not all in yet: they are being read from scheduling, and some "
        "are missing.");
  } else if (!horizon.current) {
    out->add_cautions(absl::StrCat("Scheduling is away: what is known of courses is as of ",
                                   AsOfText(*horizon.as_of), "."));
  }
  if (AsksForFocus(report.query)) CautionOfFocuses(view.formulation, out);
  if (report.total.open.shown == Shown::kYes && report.total.open.count > 0) {
    out->add_cautions("Courses that are still open have no result yet.");
  }
}

}  // namespace

ReportRequest ReadReportQuery(const pb::ReportQuery& in, FieldViolations& bad) {
  ReportRequest request;
  ReportQuery& query = request.query;
  const auto read_day = [&](bool stated, const google::type::Date& date, absl::string_view field) {
    if (stated) return rpc::ReadDay(date, bad, field);
    bad.Add(field, "is required");
    return std::optional<absl::CivilDay>();
  };
  const auto first = read_day(in.has_first_date(), in.first_date(), "first_date");
  const auto last = read_day(in.has_last_date(), in.last_date(), "last_date");
  if (first.has_value() && last.has_value()) {
    if (*last < *first) {
      bad.Add("last_date", "must not be before first_date");
    } else if (*last > absl::CivilDay(first->year() + kMostYears, first->month(), first->day())) {
      bad.Add("last_date", "must be at most ten years after first_date");
    }
    query.period.first_day = *first;
    query.period.last_day = *last;
  }
  if (in.basis() != pb::PERIOD_BASIS_UNSPECIFIED) {
    query.period.basis = static_cast<PeriodBasis>(in.basis());
  }
  query.indications = rpc::ReadStated<int>(in.indications(), bad, "indications");
  query.focuses = rpc::ReadStated<int>(in.focuses(), bad, "focuses");
  for (int i = 0; i < in.variants_size(); ++i) {
    if (in.variants(i).empty()) bad.At("variants", i).Add("", "must be a variant's id");
    query.variant_ids.push_back(in.variants(i));
  }
  query.therapist_ids = IdsIn(in.therapists());
  query.instrument_ids = IdsIn(in.instruments());
  KeepOnce(query.indications);
  KeepOnce(query.focuses);
  KeepOnce(query.therapist_ids);
  KeepOnce(query.variant_ids);
  if (in.population() != pb::REPORT_POPULATION_UNSPECIFIED) {
    query.population = static_cast<ReportPopulation>(in.population());
  }
  if (in.drop_out() != pb::DROP_OUT_DEFINITION_UNSPECIFIED) {
    request.drop_out = static_cast<DropOutDefinition>(in.drop_out());
  }
  query.group_by = static_cast<ReportGrouping>(in.group_by());
  if (in.smallest_group() < 0 || in.smallest_group() > kMostSmallestGroup) {
    bad.Add("smallest_group", absl::StrCat("must be 0 to ", kMostSmallestGroup));
  }
  request.smallest_group = in.smallest_group();
  return request;
}

void WriteClinicReport(const ClinicReportView& view, absl::string_view clinic_id,
                       const ReportHorizon& horizon, absl::Time now, pb::ClinicReport* out) {
  const ClinicReport& report = view.report;
  out->Clear();
  out->set_clinic(ClinicName(clinic_id));
  WriteQuery(report.query, clinic_id, out->mutable_query());
  WriteRow(clinic_id, report.total, out->add_rows());
  out->mutable_rows(0)->set_display_name("All");
  // Once: of many groups they would be most of the message.
  for (pb::MeasureFigures& measure : *out->mutable_rows(0)->mutable_measures()) {
    measure.mutable_effect()->set_method(kEffectSizeMethod);
    measure.mutable_effect()->set_interval_method(kEffectIntervalMethod);
  }
  std::vector<const GroupReport*> groups;
  for (const GroupReport& group : report.groups) groups.push_back(&group);
  if (report.query.group_by == ReportGrouping::kBaselineBand) {
    const auto severity = [&](const GroupReport* group) {
      const Band* band = FindBand(view, group->group);
      return band == nullptr ? -1 : band->low;
    };
    std::stable_sort(groups.begin(), groups.end(),
                     [&](const auto* a, const auto* b) { return severity(a) < severity(b); });
  }
  for (const GroupReport* group : groups) {
    pb::ReportRow* row = out->add_rows();
    WriteRow(clinic_id, *group, row);
    WriteGroup(view, clinic_id, group->group, row);
  }
  WriteDefinitions(report.query, out);
  WriteBenchmarks(report.query.drop_out, out);
  WriteCautions(view, horizon, out);
  // Of too few courses it would tell something of them.
  if (report.total.shown == Shown::kYes) out->set_measurements(report.measurements);
  out->set_unverified_measurements(report.left_out);
  out->set_policy_version(view.policy.version);
  rpc::WriteTime(now, out->mutable_create_time());
  courses::WriteScheduling(horizon.current, horizon.as_of, out->mutable_scheduling());
  WriteFormulation(view.formulation, out->mutable_formulation());
  out->set_revision(view.revision);
  out->set_depression_instrument(InstrumentName(clinic_id, DepressionInstrument(view.policy)));
}

}  // namespace ipt::outcomes
