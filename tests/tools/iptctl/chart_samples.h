// Courses and reports as a server would send them, for tests of what is drawn of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "ipt/outcomes/v1/report.pb.h"
#include "iptctl/course_chart.h"

namespace ipt::ctl::samples {

namespace o = outcomes::v1;
namespace s = scheduling::v1;

inline void SetDay(google::type::Date* out, absl::CivilDay day) {
  out->set_year(static_cast<int>(day.year()));
  out->set_month(day.month());
  out->set_day(day.day());
}

// IPT_CHART_DIR=/some/folder keeps what the tests draw there, to be looked at.
inline void Keep(const std::string& name, const std::string& text) {
  if (const char* folder = std::getenv("IPT_CHART_DIR"); folder != nullptr) {
    std::ofstream(absl::StrCat(folder, "/", name), std::ios::binary) << text;
  }
}

class SampleCourse {
 public:
  explicit SampleCourse(absl::CivilDay start = absl::CivilDay(2026, 8, 5),
                        const std::string& course = "clinics/north/courses/c1")
      : start_(start) {
    absl::LoadTimeZone("Europe/London", &zone_);
    facts.trajectory.set_course(course);
    facts.trajectory.set_policy_version(3);
    facts.trajectory.set_score_choice(
        "First: the earliest valid one of the course. Last: the latest so far.");
    SetDay(facts.trajectory.mutable_start_date(), start);
    facts.trajectory.mutable_scheduling()->set_current(true);
    facts.trajectory.mutable_scheduling()->mutable_as_of_time()->set_seconds(1790000000);
    facts.now = At(start + 70);
  }

  ChartFacts facts;

  absl::Time At(absl::CivilDay day, int hour = 12) const {
    return absl::FromCivil(absl::CivilHour(day.year(), day.month(), day.day(), hour), zone_);
  }
  absl::CivilDay start() const { return start_; }

  o::MeasureSeries* Series(const std::string& instrument, const std::string& name, double maximum) {
    o::MeasureSeries* series = facts.trajectory.add_series();
    series->set_instrument("clinics/north/instruments/" + instrument);
    series->set_scale("total");
    series->set_display_name(name);
    series->set_respondent(o::RESPONDENT_SELF);
    series->set_direction(o::DIRECTION_HIGHER_IS_WORSE);
    series->set_maximum(maximum);
    return series;
  }

  o::MeasureSeries* Phq9() {
    o::MeasureSeries* series = Series("phq-9", "PHQ-9", 27);
    Band(series, "none", 0, 4);
    Band(series, "mild", 5, 9);
    Band(series, "moderate", 10, 14);
    Band(series, "moderately severe", 15, 19);
    Band(series, "severe", 20, 27);
    Rules(series, 10, 6);
    return series;
  }

  o::MeasureSeries* Gad7() {
    o::MeasureSeries* series = Series("gad-7", "GAD-7", 21);
    Band(series, "minimal", 0, 4);
    Band(series, "mild", 5, 9);
    Band(series, "moderate", 10, 14);
    Band(series, "severe", 15, 21);
    Rules(series, 8, 4);
    return series;
  }

  static void Band(o::MeasureSeries* series, const std::string& name, double low, double high) {
    o::Band* band = series->add_bands();
    band->set_id(name);
    band->set_display_name(name);
    band->set_lowest(low);
    band->set_highest(high);
  }

  static void Rules(o::MeasureSeries* series, double cut_off, double reliable) {
    o::CutOff* cut = series->mutable_change()->mutable_cut_off();
    cut->set_kind(o::CUT_OFF_KIND_CASENESS);
    cut->set_points(cut_off);
    cut->set_inclusive(true);
    cut->set_rule_set("nhs-talking-therapies");
    cut->mutable_source()->set_citation("NHS Talking Therapies manual");
    cut->mutable_source()->set_evidence(o::EVIDENCE_ESTABLISHED);
    o::ReliableChange* change = series->mutable_change()->mutable_reliable_change();
    change->set_points(reliable);
    change->set_inclusive(true);
    change->set_rule_set("nhs-talking-therapies");
    change->mutable_source()->set_citation("NHS England 2024-25");
    change->mutable_source()->set_evidence(o::EVIDENCE_VERIFIED);
  }

  // A score `days` after the start, at noon. Completes the series' change.
  o::SeriesPoint* Score(o::MeasureSeries* series, int days, double score) {
    o::SeriesPoint* point = Form(series, days);
    point->mutable_score()->set_state(o::SCORE_STATE_COMPLETE);
    point->mutable_score()->set_rounded(score);
    for (const o::Band& band : series->bands()) {
      if (score >= band.lowest() && score <= band.highest()) {
        point->mutable_score()->set_band_display_name(band.display_name());
      }
    }
    o::MeasureChange* change = series->mutable_change();
    if (!change->has_first()) {
      change->set_first(score);
      change->set_first_measurement(point->measurement());
      change->set_case_at_first(score >= change->cut_off().points() ? o::VERDICT_YES
                                                                    : o::VERDICT_NO);
      return point;
    }
    const double better = change->first() - score;
    point->set_improvement(better);
    point->set_reliable(better >= change->reliable_change().points() ? o::RELIABLE_VERDICT_IMPROVED
                        : -better >= change->reliable_change().points()
                            ? o::RELIABLE_VERDICT_DETERIORATED
                            : o::RELIABLE_VERDICT_UNCHANGED);
    change->set_last(score);
    change->set_last_measurement(point->measurement());
    change->set_last_choice(o::SCORE_CHOICE_LATEST);
    change->set_improvement(better);
    if (change->first() > 0) change->set_fall_share(better / change->first());
    change->set_reliable(point->reliable());
    change->set_response(better * 2 >= change->first() ? o::VERDICT_YES : o::VERDICT_NO);
    change->set_remission(score < 5 ? o::VERDICT_YES : o::VERDICT_NO);
    change->set_case_at_last(score >= change->cut_off().points() ? o::VERDICT_YES : o::VERDICT_NO);
    change->set_significant(better >= change->reliable_change().points() &&
                                    score < change->cut_off().points()
                                ? o::SIGNIFICANT_CHANGE_RECOVERED
                                : o::SIGNIFICANT_CHANGE_UNCHANGED);
    return point;
  }

  // One that does not count.
  o::SeriesPoint* Excluded(o::MeasureSeries* series, int days, double score,
                           o::SeriesExclusion why) {
    o::SeriesPoint* point = Form(series, days);
    point->mutable_score()->set_rounded(score);
    point->set_exclusion(why);
    return point;
  }

  o::SeriesPoint* Invalid(o::MeasureSeries* series, int days) {
    o::SeriesPoint* point = Form(series, days);
    point->mutable_score()->set_state(o::SCORE_STATE_INVALID);
    point->mutable_score()->set_invalid_reason(o::INVALID_REASON_TOO_MANY_MISSING);
    point->set_exclusion(o::SERIES_EXCLUSION_INVALID);
    return point;
  }

  void Signal(int days, const std::string& rule, o::SignalLevel level,
              const std::string& measurement, int ends = -1) {
    o::Signal* signal = facts.trajectory.add_signals();
    signal->set_rule(rule);
    signal->set_level(level);
    signal->set_measurement(measurement);
    signal->mutable_raise_time()->set_seconds(absl::ToUnixSeconds(At(start_ + days)));
    if (ends >= 0) signal->mutable_end_time()->set_seconds(absl::ToUnixSeconds(At(start_ + ends)));
    signal->set_text(absl::StrCat("PHQ-9: review: ", rule));
  }

  void Alert(int days, o::AlertKind kind, o::AlertState state) {
    o::Alert alert;
    alert.set_name(absl::StrCat(facts.trajectory.course(), "/alerts/a", facts.alerts.size()));
    alert.set_kind(kind);
    alert.set_state(state);
    alert.set_item("q9");
    alert.mutable_patient()->set_value("SECRET-4711");
    alert.mutable_complete_time()->set_seconds(absl::ToUnixSeconds(At(start_ + days)));
    facts.alerts.push_back(alert);
  }

  // Scheduling's course with a session a week: attended, but `missed` (from 1), up to `held`.
  void Course(int planned, int held, const std::vector<int>& missed = {}) {
    s::Course course;
    course.set_name(facts.trajectory.course());
    course.set_time_zone("Europe/London");
    course.mutable_patient()->set_value("SECRET-4711");
    SetDay(course.mutable_progress()->mutable_start_date(), start_);
    SetDay(course.mutable_progress()->mutable_deadline_date(), start_ + planned * 7 - 1);
    facts.course = course;
    for (int i = 0; i < planned; ++i) {
      s::Session session;
      session.mutable_start_time()->set_seconds(absl::ToUnixSeconds(At(start_ + 7 * i, 10)));
      const bool gone = std::find(missed.begin(), missed.end(), i + 1) != missed.end();
      session.set_state(i >= held ? s::SESSION_STATE_BOOKED
                        : gone    ? s::SESSION_STATE_NO_SHOW
                                  : s::SESSION_STATE_ATTENDED);
      session.set_session_number(i + 1);
      session.set_phase(i < planned / 4             ? s::PHASE_INITIAL
                        : i < planned - planned / 4 ? s::PHASE_MIDDLE
                                                    : s::PHASE_TERMINATION);
      facts.sessions.push_back(session);
    }
  }

 private:
  o::SeriesPoint* Form(o::MeasureSeries* series, int days) {
    o::SeriesPoint* point = series->add_points();
    point->set_measurement(absl::StrCat(facts.trajectory.course(), "/measurements/m", ++forms_));
    point->mutable_complete_time()->set_seconds(absl::ToUnixSeconds(At(start_ + days)));
    SetDay(point->mutable_local_date(), start_ + days);
    point->set_occasion(days < 0 ? o::OCCASION_BEFORE_TREATMENT : o::OCCASION_TREATMENT);
    point->set_week_number(days < 0 ? 0 : days / 7 + 1);
    return point;
  }

  const absl::CivilDay start_;
  absl::TimeZone zone_;
  int forms_ = 0;
};

// Ten weeks, two measures, all that a chart can show.
inline SampleCourse FullCourse() {
  SampleCourse course;
  course.Course(16, 10, {5});
  o::MeasureSeries* phq = course.Phq9();
  course.Excluded(phq, -20, 21, o::SERIES_EXCLUSION_BEFORE_COURSE);
  const int scores[] = {18, 19, 17, 18, 16, 9, 8, 9, 7, 6};
  std::vector<std::string> names;
  for (int week = 0; week < 10; ++week) {
    names.push_back(course.Score(phq, 7 * week, scores[week])->measurement());
  }
  course.Excluded(phq, 28, 14, o::SERIES_EXCLUSION_SUPERSEDED);
  course.Invalid(phq, 45);
  o::SuddenGain* gain = phq->add_sudden_gains();
  gain->set_before_measurement(names[4]);
  gain->set_after_measurement(names[5]);
  gain->set_fall(7);
  gain->set_state(o::SUDDEN_GAIN_STATE_FOUND);
  o::MeasureSeries* gad = course.Gad7();
  const int anxiety[] = {14, 15, 12, 11, 9};
  for (int i = 0; i < 5; ++i) course.Score(gad, 14 * i, anxiety[i]);
  course.Signal(28, "slow-start", o::SIGNAL_LEVEL_AMBER, names[4], 35);
  course.Signal(7, "deterioration", o::SIGNAL_LEVEL_RED, names[1], 14);
  course.Signal(63, "midpoint", o::SIGNAL_LEVEL_AMBER, names[9]);
  course.Alert(0, o::ALERT_KIND_RISK_ITEM, o::ALERT_STATE_RESOLVED);
  course.Alert(7, o::ALERT_KIND_RISK_ITEM, o::ALERT_STATE_OPEN);
  course.Alert(45, o::ALERT_KIND_RISK_UNKNOWN, o::ALERT_STATE_ACKNOWLEDGED);
  return course;
}

// Two years of forms, every nine days, with a long follow-up.
inline SampleCourse LongCourse() {
  SampleCourse course(absl::CivilDay(2025, 1, 8));
  course.Course(20, 20);
  course.facts.course->mutable_closure()->mutable_time()->set_seconds(
      absl::ToUnixSeconds(course.At(course.start() + 140)));
  o::MeasureSeries* phq = course.Phq9();
  for (int i = 0; i < 80; ++i) {
    const double score = std::round(12 + 9 * std::cos(i / 7.0) - i * 0.05);
    o::SeriesPoint* point = course.Score(phq, 9 * i, std::max(0.0, score));
    if (9 * i > 150) point->set_occasion(o::OCCASION_FOLLOW_UP);
  }
  for (int i = 0; i < 12; ++i) {
    course.Alert(9 * i * 2, o::ALERT_KIND_RISK_ITEM,
                 i < 10 ? o::ALERT_STATE_RESOLVED : o::ALERT_STATE_ESCALATED);
  }
  return course;
}

// ---- Reports

inline void Count(o::Rate* rate, int hits, int of) {
  rate->set_hits(hits);
  rate->set_of(of);
  const double p = static_cast<double>(hits) / of, z = 1.96;
  rate->set_share(p);
  const double middle = (p + z * z / (2 * of)) / (1 + z * z / of);
  const double half = z / (1 + z * z / of) * std::sqrt(p * (1 - p) / of + z * z / (4.0 * of * of));
  rate->mutable_interval()->set_low(middle - half);
  rate->mutable_interval()->set_high(middle + half);
}

inline o::ReportRow SampleRow(int n, double good) {
  o::ReportRow row;
  const auto part = [n](double share) { return static_cast<int>(std::lround(n * share)); };
  o::CourseFlow* flow = row.mutable_flow();
  flow->set_courses(n + part(0.3));
  flow->set_open(part(0.2));
  flow->set_never_started(part(0.1));
  flow->set_finished(part(0.92));
  Count(flow->mutable_completed(), part(0.7), n);
  Count(flow->mutable_agreed_early(), part(0.1), n);
  Count(flow->mutable_dropped_out(), part(0.16), n);
  Count(flow->mutable_ended_otherwise(), part(0.04), n);
  Count(row.mutable_attendance()->mutable_attended(), n * 11, n * 13);
  row.mutable_attendance()->mutable_attended()->clear_interval();
  row.mutable_attendance()->set_mean_sessions(12.4);
  row.mutable_attendance()->set_mean_weeks(15.2);
  o::RecoveryFigures* recovery = row.mutable_recovery();
  const int cases = part(0.8);
  Count(recovery->mutable_paired(), part(0.86), n);
  Count(recovery->mutable_case_at_start(), cases, n);
  Count(recovery->mutable_recovered(), static_cast<int>(cases * good), cases);
  Count(recovery->mutable_reliably_improved(), part(good + 0.15), n);
  Count(recovery->mutable_no_reliable_change(), part(0.8 - good), n);
  Count(recovery->mutable_reliably_deteriorated(), part(0.05), n);
  Count(recovery->mutable_reliably_recovered(), static_cast<int>(cases * (good - 0.04)), cases);
  Count(recovery->mutable_recovered_of_paired(), static_cast<int>(cases * good), part(0.75));
  Count(recovery->mutable_improved_of_paired(), part(good + 0.1), part(0.86));
  for (const char* instrument : {"phq-9", "gad-7"}) {
    o::MeasureFigures* figures = row.add_measures();
    figures->set_instrument(absl::StrCat("clinics/north/instruments/", instrument));
    figures->set_scale("total");
    Count(figures->mutable_paired(), part(0.88), n);
    o::EffectSize* effect = figures->mutable_effect();
    effect->set_pairs(part(0.88));
    effect->set_d(good * 2.4);
    effect->mutable_interval()->set_low(good * 2.4 - 3 / std::sqrt(n));
    effect->mutable_interval()->set_high(good * 2.4 + 3 / std::sqrt(n));
    effect->set_first_mean(16.2);
    effect->set_first_standard_deviation(5.4);
    effect->set_last_mean(16.2 - good * 2.4 * 5.4);
    effect->set_last_standard_deviation(6.1);
    effect->set_method("d = (mean of first - mean of last) / standard deviation of first");
    effect->set_interval_method("95 % with Bonett's variance (Bonett 2008)");
    Count(figures->mutable_response(), part(good), part(0.88));
    Count(figures->mutable_remission(), part(good - 0.2), part(0.88));
    Count(figures->mutable_reliably_improved(), part(good + 0.1), part(0.88));
    Count(figures->mutable_reliably_deteriorated(), part(0.04), part(0.88));
    Count(figures->mutable_significantly_changed(), part(good - 0.05), part(0.7));
    figures->add_rule_sets("nhs-talking-therapies");
  }
  return row;
}

inline void AddBenchmark(o::ClinicReport* report, const char* id, const char* measure, double value,
                         o::Comparability comparability, double low = 0, double high = 0) {
  o::Benchmark* benchmark = report->add_benchmarks();
  benchmark->set_id(id);
  benchmark->set_citation(absl::StrCat("Publication of ", id));
  benchmark->set_measure(measure);
  benchmark->set_value(value);
  if (high > 0) {
    benchmark->mutable_interval()->set_low(low);
    benchmark->mutable_interval()->set_high(high);
  }
  benchmark->set_comparability(comparability);
  benchmark->set_caution(absl::StrCat("Mind the population of ", id, "."));
}

// By therapist: three groups shown, one too small, one left out since it would tell that one.
inline o::ClinicReport SampleReport() {
  o::ClinicReport report;
  report.set_clinic("clinics/north");
  SetDay(report.mutable_query()->mutable_first_date(), absl::CivilDay(2026, 1, 1));
  SetDay(report.mutable_query()->mutable_last_date(), absl::CivilDay(2026, 6, 30));
  report.mutable_query()->set_basis(o::PERIOD_BASIS_CLOSED);
  report.mutable_query()->set_population(o::REPORT_POPULATION_PAIRED);
  report.mutable_query()->set_drop_out(o::DROP_OUT_DEFINITION_ENDED_WITHOUT_AGREEMENT);
  report.mutable_query()->set_group_by(o::REPORT_GROUPING_THERAPIST);
  report.mutable_query()->set_smallest_group(5);
  *report.add_rows() = SampleRow(120, 0.52);
  const struct {
    const char* name;
    int n;
    double good;
  } groups[] = {{"Ana Ortiz", 48, 0.55},
                {"Ben Lloyd-Williams the Younger of Aberystwyth", 36, 0.5},
                {"Cerys <b>Price</b> & Co", 24, 0.44}};
  for (const auto& group : groups) {
    o::ReportRow row = SampleRow(group.n, group.good);
    row.set_grouping(o::REPORT_GROUPING_THERAPIST);
    row.set_group(absl::StrCat("clinics/north/therapists/", group.n));
    row.set_display_name(group.name);
    *report.add_rows() = row;
  }
  for (const o::Suppression suppression : {o::SUPPRESSION_SMALL, o::SUPPRESSION_COMPLEMENTARY}) {
    o::ReportRow* row = report.add_rows();
    row->set_grouping(o::REPORT_GROUPING_THERAPIST);
    row->set_display_name(suppression == o::SUPPRESSION_SMALL ? "Dai Evans" : "Eira Rhys");
    row->set_suppression(suppression);
  }
  report.mutable_rows(3)->mutable_recovery()->mutable_reliably_deteriorated()->Clear();
  report.mutable_rows(3)->mutable_recovery()->mutable_reliably_deteriorated()->set_suppression(
      o::SUPPRESSION_SMALL);
  AddBenchmark(&report, "va-2014", "BDI-II, pre-post, intention to treat", 1.26,
               o::COMPARABILITY_SAME_KIND);
  AddBenchmark(&report, "linardon-2019", "drop-out, all disorders", 0.206,
               o::COMPARABILITY_SAME_KIND, 0.174, 0.242);
  AddBenchmark(&report, "cuijpers-2011", "IPT against control groups, d", 0.63,
               o::COMPARABILITY_FOR_ORIENTATION, 0.36, 0.90);
  AddBenchmark(&report, "cuijpers-2011-drugs", "IPT against medication, d", -0.19,
               o::COMPARABILITY_FOR_ORIENTATION, -0.38, -0.01);
  AddBenchmark(&report, "nhs-target", "recovery, of finished courses that were cases", 0.5,
               o::COMPARABILITY_SAME_KIND);
  o::ReportDefinition* definition = report.add_definitions();
  definition->set_term("recovered");
  definition->set_meaning("a case on either measure at first, below the cut-off on both at last");
  definition->set_source("NHS Digital");
  report.add_cautions("Paired data are under 90 %: read the rest with care.");
  report.add_cautions("7 measurements could not be checked yet, and are left out.");
  report.set_measurements(1412);
  report.set_unverified_measurements(7);
  report.set_policy_version(2);
  report.set_depression_instrument("clinics/north/instruments/phq-9");
  report.mutable_create_time()->set_seconds(1790000000);
  report.mutable_scheduling()->set_current(true);
  report.mutable_scheduling()->mutable_as_of_time()->set_seconds(1789999990);
  report.set_revision(4711);
  return report;
}

}  // namespace ipt::ctl::samples
