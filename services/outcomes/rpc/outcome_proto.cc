#include "outcomes/rpc/outcome_proto.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "course_copies/rpc/scheduling_view.h"
#include "outcomes/domain/alert_types.h"
#include "outcomes/domain/names.h"
#include "outcomes/domain/review_alerts.h"
#include "outcomes/rpc/focus_proto.h"
#include "outcomes/rpc/instrument_proto.h"
#include "outcomes/rpc/measurement_proto.h"
#include "platform/rpc/proto_time.h"

namespace ipt::outcomes {
namespace {

constexpr char kDefaultCitation[] = "A default for a clinician to confirm.";
constexpr double kDaysOfAMonth = 365.25 / 12;

pb::Verdict VerdictOf(const std::optional<bool>& is) {
  if (!is.has_value()) return pb::VERDICT_NOT_EVALUATED;
  return *is ? pb::VERDICT_YES : pb::VERDICT_NO;
}

pb::ReliableVerdict ReliableOf(ReliableVerdict verdict) {
  switch (verdict) {
    case ReliableVerdict::kNotEvaluated:
      return pb::RELIABLE_VERDICT_NOT_EVALUATED;
    case ReliableVerdict::kImproved:
      return pb::RELIABLE_VERDICT_IMPROVED;
    case ReliableVerdict::kUnchanged:
      return pb::RELIABLE_VERDICT_UNCHANGED;
    case ReliableVerdict::kDeteriorated:
      return pb::RELIABLE_VERDICT_DETERIORATED;
  }
  return pb::RELIABLE_VERDICT_NOT_EVALUATED;
}

pb::SignificantChange SignificantOf(SignificantChange change) {
  switch (change) {
    case SignificantChange::kNotEvaluated:
      return pb::SIGNIFICANT_CHANGE_NOT_EVALUATED;
    case SignificantChange::kRecovered:
      return pb::SIGNIFICANT_CHANGE_RECOVERED;
    case SignificantChange::kImproved:
      return pb::SIGNIFICANT_CHANGE_IMPROVED;
    case SignificantChange::kUnchanged:
      return pb::SIGNIFICANT_CHANGE_UNCHANGED;
    case SignificantChange::kDeteriorated:
      return pb::SIGNIFICANT_CHANGE_DETERIORATED;
  }
  return pb::SIGNIFICANT_CHANGE_NOT_EVALUATED;
}

pb::ScoreChoice ChoiceOf(EndpointReason reason) {
  switch (reason) {
    case EndpointReason::kEarliestOfEpisode:
      return pb::SCORE_CHOICE_FIRST_OF_COURSE;
    case EndpointReason::kLatestOfEpisode:
      return pb::SCORE_CHOICE_LAST_OF_COURSE;
    case EndpointReason::kLatestSoFar:
      return pb::SCORE_CHOICE_LATEST;
    case EndpointReason::kNoContact:
    case EndpointReason::kNoScoreInEpisode:
    case EndpointReason::kSingleScore:
      break;
  }
  return pb::SCORE_CHOICE_UNSPECIFIED;
}

// "PHQ-9" of "Patient Health Questionnaire-9 (PHQ-9)".
std::string ShortName(const std::string& name) {
  const size_t open = name.rfind('(');
  if (open == std::string::npos || name.back() != ')' || open + 2 >= name.size()) return name;
  return name.substr(open + 1, name.size() - open - 2);
}

// What every signal has; `of`: what it is of, for people.
void WriteAnySignal(absl::string_view of, const Signal& signal, pb::Signal* out) {
  out->set_rule(signal.rule.id);
  out->set_rule_version(signal.rule.version);
  out->set_level(signal.level == SignalLevel::kRed ? pb::SIGNAL_LEVEL_RED : pb::SIGNAL_LEVEL_AMBER);
  rpc::WriteTime(signal.raised_at, out->mutable_raise_time());
  if (signal.cleared_at.has_value()) rpc::WriteTime(*signal.cleared_at, out->mutable_end_time());
  out->set_text(absl::StrCat(of, ": ", signal.wording));
  out->mutable_source()->set_evidence(pb::EVIDENCE_TO_CONFIRM);
  out->mutable_source()->set_citation(kDefaultCitation);
}

// A series on the wire: its scale is the contract's own of that instrument, sources included.
class SeriesWriter {
 public:
  SeriesWriter(const CourseOutcomes& outcomes, const ScaleSeries& series)
      : outcomes_(outcomes), series_(series), trajectory_(series.trajectory) {
    pb::Instrument instrument;
    HeldInstrument of_clinic = series.instrument;
    of_clinic.clinic_id = outcomes.clinic_id;
    WriteInstrument(of_clinic, &instrument);
    for (pb::Scale& scale : *instrument.mutable_scales()) {
      if (scale.id() == series.scale) scale_ = std::move(scale);
    }
  }

  std::string InstrumentOf() const {
    return InstrumentName(outcomes_.clinic_id, series_.instrument.definition.id);
  }
  std::string DisplayName() const {
    const std::string name = ShortName(series_.instrument.definition.name);
    return series_.scale == "total" ? name : absl::StrCat(name, ", ", scale_.display_name());
  }

  void Write(pb::MeasureSeries* out) const {
    out->set_instrument(InstrumentOf());
    out->set_instrument_version(series_.instrument.definition.version);
    out->set_scale(series_.scale);
    out->set_display_name(DisplayName());
    out->set_respondent(static_cast<pb::Respondent>(series_.respondent));
    out->set_direction(static_cast<pb::Direction>(series_.instrument.definition.direction));
    out->set_minimum(scale_.minimum());
    out->set_maximum(scale_.maximum());
    *out->mutable_bands() = scale_.bands();
    std::optional<double> previous;
    for (const SeriesScore& score : series_.scores) WritePoint(score, previous, out->add_points());
    WriteCourseChange(out->mutable_change());
    for (const PlacedGain& gain : trajectory_.gains) {
      pb::SuddenGain* written = out->add_sudden_gains();
      written->set_before_measurement(NameOf(gain.before));
      written->set_after_measurement(NameOf(gain.after));
      written->set_fall(gain.gain.drop);
      written->set_state(gain.gain.state == GainState::kGain ? pb::SUDDEN_GAIN_STATE_FOUND
                                                             : pb::SUDDEN_GAIN_STATE_UNDECIDED);
    }
  }

  // From the first to the last score of the course.
  void WriteCourseChange(pb::MeasureChange* out) const {
    WriteChange(trajectory_.first.index, ChoiceOf(trajectory_.first.reason), trajectory_.last.index,
                ChoiceOf(trajectory_.last.reason), out);
  }

  // Between two places of the trajectory; what there is of them.
  void WriteChange(const std::optional<size_t>& first, pb::ScoreChoice first_choice,
                   const std::optional<size_t>& last, pb::ScoreChoice last_choice,
                   pb::MeasureChange* out) const {
    const ChangeRules& rules = series_.rules.change;
    out->set_case_at_first(pb::VERDICT_NOT_EVALUATED);
    out->set_case_at_last(pb::VERDICT_NOT_EVALUATED);
    out->set_response(pb::VERDICT_NOT_EVALUATED);
    out->set_remission(pb::VERDICT_NOT_EVALUATED);
    out->set_reliable(pb::RELIABLE_VERDICT_NOT_EVALUATED);
    out->set_significant(pb::SIGNIFICANT_CHANGE_NOT_EVALUATED);
    if (first.has_value()) {
      out->set_first_measurement(NameOf(*first));
      out->set_first_choice(first_choice);
      out->set_first(ValueAt(*first));
      out->set_case_at_first(VerdictOf(IsCase(rules, ValueAt(*first))));
    }
    if (last.has_value()) {
      out->set_last_measurement(NameOf(*last));
      out->set_last_choice(last_choice);
      out->set_last(ValueAt(*last));
    }
    if (first.has_value() && last.has_value()) {
      const ChangeResult change = EvaluateChange(rules, ValueAt(*first), ValueAt(*last));
      out->set_improvement(change.improvement);
      if (change.fall_share.has_value()) out->set_fall_share(*change.fall_share);
      out->set_case_at_last(VerdictOf(change.case_at_last));
      out->set_response(VerdictOf(change.response));
      out->set_remission(VerdictOf(change.remission));
      out->set_reliable(ReliableOf(change.reliable));
      out->set_significant(SignificantOf(change.significant));
    }
    WriteRules(out);
  }

  void WriteSignal(const Signal& signal, pb::Signal* out) const {
    WriteAnySignal(DisplayName(), signal, out);
    out->set_measurement(
        MeasurementName(outcomes_.clinic_id, outcomes_.course_id, signal.raised_by));
    const Alert* const alert = series_.watched ? ReviewAlertOf(outcomes_.alerts, signal) : nullptr;
    if (alert != nullptr) {
      out->set_alert(AlertName(alert->clinic_id, alert->course_id, alert->alert_id));
    }
    if (trajectory_.first.index.has_value()) out->set_baseline(ValueAt(*trajectory_.first.index));
    for (const PlacedScore& placed : trajectory_.scores) {
      if (placed.score.id == signal.raised_by) out->set_score(placed.score.value);
    }
    if (const auto expected = ExpectedBy(series_, signal); expected.has_value()) {
      out->set_expected(*expected);
    }
    WriteSource(signal.rule.id, out->mutable_source());
  }

  std::string NameOf(size_t placed) const {
    return MeasurementName(outcomes_.clinic_id, outcomes_.course_id,
                           trajectory_.scores[placed].score.id);
  }

 private:
  double ValueAt(size_t placed) const { return trajectory_.scores[placed].score.value; }

  // `previous`: the value of the one before that counts.
  void WritePoint(const SeriesScore& score, std::optional<double>& previous,
                  pb::SeriesPoint* out) const {
    const Measurement& m = outcomes_.measurements[score.measurement];
    out->set_measurement(MeasurementName(m.clinic_id, m.course_id, m.measurement_id));
    rpc::WriteTime(m.complete_time, out->mutable_complete_time());
    rpc::WriteDay(score.day, out->mutable_local_date());
    out->set_occasion(static_cast<pb::Occasion>(score.part));
    out->set_week_number(m.week_number);
    if (!m.session_id.empty()) {
      out->set_session(SessionName(m.clinic_id, m.course_id, m.session_id));
    }
    out->set_session_number(m.session_number);
    WriteScore(m.scores[score.score], out->mutable_score());
    out->set_exclusion(static_cast<pb::SeriesExclusion>(score.exclusion));
    out->set_reliable(pb::RELIABLE_VERDICT_NOT_EVALUATED);
    if (score.exclusion != Exclusion::kCounts) return;
    const PlacedScore& placed = trajectory_.scores[*score.placed];
    if (!placed.improvement.has_value() || !trajectory_.first.index.has_value()) return;
    const ChangeRules& rules = series_.rules.change;
    const double first = ValueAt(*trajectory_.first.index);
    const double value = placed.score.value;
    out->set_improvement(*placed.improvement);
    if (const auto share = FallShare(rules.better, first, value); share.has_value()) {
      out->set_fall_share(*share);
    }
    out->set_reliable(ReliableOf(ReliableVerdictOf(rules, first, value)));
    if (previous.has_value()) {
      out->set_improvement_from_previous(Improvement(rules.better, *previous, value));
    }
    previous = value;
  }

  void WriteRules(pb::MeasureChange* out) const {
    if (series_.cut_off.has_value()) {
      for (const pb::CutOff& cut_off : scale_.cut_offs()) {
        if (cut_off.rule_set() == series_.cut_off->rule_set &&
            static_cast<int>(cut_off.kind()) == static_cast<int>(series_.cut_off->use)) {
          *out->mutable_cut_off() = cut_off;
          break;
        }
      }
    }
    if (series_.reliable_change.has_value()) {
      for (const pb::ReliableChange& change : scale_.reliable_changes()) {
        if (change.rule_set() == series_.reliable_change->rule_set) {
          *out->mutable_reliable_change() = change;
          break;
        }
      }
    }
  }

  // In place of what holds for all rules, where more is known of a rule's default.
  void WriteSource(const std::string& rule, pb::Source* out) const {
    if (rule == "slow-start") {
      out->set_citation(
          "A default for a clinician to confirm. Near it: less than 16.2 % of HAM-D by week 4, "
          "Gunlicks-Stoessel and Mufson 2011 (IPT-A, 63 patients).");
    } else if (rule == "deterioration" && series_.reliable_change.has_value()) {
      out->set_citation(
          absl::StrCat("A default for a clinician to confirm: the reliable change of ",
                       series_.reliable_change->rule_set, "."));
    }
  }

  const CourseOutcomes& outcomes_;
  const ScaleSeries& series_;
  const Trajectory& trajectory_;
  pb::Scale scale_;
};

void WriteSessions(const CourseOutcomes& outcomes, pb::Trajectory* out) {
  const courses::CopiedCourse& course = *outcomes.course.course;
  if (course.start_day.has_value()) rpc::WriteDay(*course.start_day, out->mutable_start_date());
  for (const courses::CopiedSession& session : course.sessions) {
    if (session.state == courses::CopiedSessionState::kCancelled) continue;
    pb::TrajectorySession* written = out->add_sessions();
    written->set_session(SessionName(outcomes.clinic_id, outcomes.course_id, session.session_id));
    rpc::WriteTime(session.start, written->mutable_start_time());
    written->set_session_number(session.number);
    written->set_phase(static_cast<scheduling::v1::Phase>(session.phase));
    written->set_attended(session.state == courses::CopiedSessionState::kAttended);
    written->set_no_show(session.state == courses::CopiedSessionState::kNoShow);
  }
}

void WriteRecovery(const CourseOutcomes& outcomes, pb::Recovery* out) {
  const RecoveryResult& recovery = outcomes.recovery;
  out->set_depression_instrument(
      InstrumentName(outcomes.clinic_id, outcomes.depression_instrument_id));
  out->set_anxiety_instrument(InstrumentName(outcomes.clinic_id, outcomes.anxiety_instrument_id));
  out->set_finished(recovery.finished);
  out->set_case_at_start(VerdictOf(recovery.case_at_start));
  out->set_recovered(pb::VERDICT_NOT_EVALUATED);
  out->set_reliably_recovered(pb::VERDICT_NOT_EVALUATED);
  switch (recovery.no_outcome) {
    case NoOutcome::kNone:
      break;
    case NoOutcome::kNotFinished:
      out->set_no_outcome(outcomes.unverified ? pb::NO_OUTCOME_UNVERIFIED
                                              : pb::NO_OUTCOME_NOT_FINISHED);
      return;
    case NoOutcome::kNoScore:
      out->set_no_outcome(pb::NO_OUTCOME_NO_SCORE);
      return;
    case NoOutcome::kSingleScore:
      out->set_no_outcome(pb::NO_OUTCOME_SINGLE_SCORE);
      return;
  }
  switch (recovery.reliable) {
    case ReliableOutcome::kNone:
      break;
    case ReliableOutcome::kImproved:
      out->set_reliable(pb::RELIABLE_OUTCOME_IMPROVED);
      break;
    case ReliableOutcome::kNoReliableChange:
      out->set_reliable(pb::RELIABLE_OUTCOME_NO_RELIABLE_CHANGE);
      break;
    case ReliableOutcome::kDeteriorated:
      out->set_reliable(pb::RELIABLE_OUTCOME_DETERIORATED);
      break;
  }
  out->set_mixed(recovery.mixed);
  out->set_recovered(VerdictOf(recovery.recovered));
  out->set_reliably_recovered(VerdictOf(recovery.reliably_recovered));
}

// Scores after the course, each from its first and from its last one.
void WriteFollowUps(const CourseOutcomes& outcomes, const ScaleSeries& series,
                    const SeriesWriter& writer, pb::CourseResult* out) {
  const Trajectory& trajectory = series.trajectory;
  const std::vector<SeriesScore>& scores = series.scores;
  for (const SeriesScore& score : scores) {
    if (score.exclusion != Exclusion::kCounts) continue;
    if (trajectory.scores[*score.placed].place != ScorePlace::kFollowUp) continue;
    pb::FollowUpResult* written = out->add_follow_ups();
    const absl::Duration after =
        outcomes.measurements[score.measurement].complete_time - *outcomes.course.course->closed_at;
    written->set_months(std::max(
        0, static_cast<int>(std::lround(absl::ToDoubleHours(after) / 24 / kDaysOfAMonth))));
    written->set_measurement(writer.NameOf(*score.placed));
    written->set_instrument(writer.InstrumentOf());
    written->set_scale(series.scale);
    writer.WriteChange(trajectory.first.index, ChoiceOf(trajectory.first.reason), score.placed,
                       pb::SCORE_CHOICE_FOLLOW_UP, written->mutable_from_first());
    writer.WriteChange(trajectory.last.index, ChoiceOf(trajectory.last.reason), score.placed,
                       pb::SCORE_CHOICE_FOLLOW_UP, written->mutable_from_last());
  }
}

}  // namespace

void WriteTrajectory(const CourseOutcomes& outcomes, const std::vector<std::string>& instrument_ids,
                     pb::Trajectory* out) {
  out->Clear();
  out->set_course(CourseName(outcomes.clinic_id, outcomes.course_id));
  for (const ScaleSeries& series : outcomes.series) {
    const SeriesWriter writer(outcomes, series);
    // By completion; the newest first.
    const std::vector<Signal>& signals = series.trajectory.track.signals;
    for (auto signal = signals.rbegin(); signal != signals.rend(); ++signal) {
      writer.WriteSignal(*signal, out->add_signals());
    }
    if (instrument_ids.empty() ||
        std::find(instrument_ids.begin(), instrument_ids.end(), series.instrument.definition.id) !=
            instrument_ids.end()) {
      writer.Write(out->add_series());
    }
  }
  // That nothing was measured: of no score.
  for (const Signal& signal : outcomes.missed) {
    WriteAnySignal(ShortName(outcomes.missed_of), signal, out->add_signals());
  }
  std::stable_sort(out->mutable_signals()->begin(), out->mutable_signals()->end(),
                   [](const pb::Signal& a, const pb::Signal& b) {
                     return std::make_pair(a.raise_time().seconds(), a.raise_time().nanos()) >
                            std::make_pair(b.raise_time().seconds(), b.raise_time().nanos());
                   });
  if (outcomes.course.course.has_value()) WriteSessions(outcomes, out);
  for (const Alert& alert : outcomes.alerts) {
    pb::TrajectoryAlert* written = out->add_alerts();
    written->set_alert(AlertName(alert.clinic_id, alert.course_id, alert.alert_id));
    written->set_kind(static_cast<pb::AlertKind>(alert.kind));
    written->set_state(static_cast<pb::AlertState>(alert.state));
    if (alert.completed.has_value()) {
      rpc::WriteTime(*alert.completed, written->mutable_complete_time());
    }
  }
  out->set_score_choice(outcomes.score_choice);
  out->set_policy_version(outcomes.policy.version);
  courses::WriteScheduling(outcomes.course, out->mutable_scheduling());
  if (outcomes.focus.has_value()) WriteFocus(*outcomes.focus, out->mutable_focus());
  WriteFormulation(outcomes.formulation, out->mutable_formulation());
  out->set_revision(outcomes.revision);
}

void WriteSignal(const CourseOutcomes& outcomes, const Signal& signal, pb::Signal* out) {
  out->Clear();
  for (const ScaleSeries& series : outcomes.series) {
    const std::vector<Signal>& signals = series.trajectory.track.signals;
    if (std::find(signals.begin(), signals.end(), signal) != signals.end()) {
      SeriesWriter(outcomes, series).WriteSignal(signal, out);
      return;
    }
  }
  WriteAnySignal("", signal, out);
  out->set_measurement(MeasurementName(outcomes.clinic_id, outcomes.course_id, signal.raised_by));
}

void WriteCourseResult(const CourseOutcomes& outcomes, pb::CourseResult* out) {
  out->Clear();
  out->set_course(CourseName(outcomes.clinic_id, outcomes.course_id));
  out->set_state(static_cast<pb::ResultState>(outcomes.state));
  WriteRecovery(outcomes, out->mutable_recovery());
  for (const ScaleSeries& series : outcomes.series) {
    const SeriesWriter writer(outcomes, series);
    pb::MeasureResult* written = out->add_measures();
    written->set_instrument(writer.InstrumentOf());
    written->set_scale(series.scale);
    written->set_respondent(static_cast<pb::Respondent>(series.respondent));
    writer.WriteCourseChange(written->mutable_change());
    written->set_scores(series.trajectory.counted);
    if (outcomes.state == OutcomeState::kFinal && outcomes.course.course->closed_at.has_value()) {
      WriteFollowUps(outcomes, series, writer, out);
    }
  }
  std::stable_sort(out->mutable_follow_ups()->begin(), out->mutable_follow_ups()->end(),
                   [](const pb::FollowUpResult& a, const pb::FollowUpResult& b) {
                     return a.months() < b.months();
                   });
  if (outcomes.course.course.has_value()) {
    const courses::CopiedCourse& course = *outcomes.course.course;
    out->set_attended_sessions(outcomes.attended_sessions);
    out->set_planned_sessions(course.planned_sessions);
    if (course.closed() && course.closed_at.has_value()) {
      scheduling::v1::Closure* closure = out->mutable_closure();
      rpc::WriteTime(*course.closed_at, closure->mutable_time());
      closure->set_reason(static_cast<scheduling::v1::ClosureReason>(course.closure_reason));
      closure->set_drop_out(course.drop_out);
      closure->set_early(course.closed_early);
    }
  }
  out->set_drop_out(VerdictOf(outcomes.drop_out));
  out->set_drop_out_definition(static_cast<pb::DropOutDefinition>(outcomes.drop_out_definition));
  out->set_score_choice(outcomes.score_choice);
  out->set_policy_version(outcomes.policy.version);
  courses::WriteScheduling(outcomes.course, out->mutable_scheduling());
  if (outcomes.focus.has_value()) WriteFocus(*outcomes.focus, out->mutable_focus());
  WriteFormulation(outcomes.formulation, out->mutable_formulation());
  out->set_revision(outcomes.revision);
}

}  // namespace ipt::outcomes
