#include "outcomes/domain/outcomes.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "outcomes/domain/binding.h"
#include "outcomes/domain/names.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/zone/time_zone.h"

namespace ipt::outcomes {
namespace {

constexpr char kDefaultDepression[] = "phq-9";
constexpr char kDefaultAnxiety[] = "gad-7";
// The rules' ids; those that a clinic may switch off.
constexpr char kSlowStart[] = "slow-start";
constexpr char kDeterioration[] = "deterioration";
constexpr char kMidpoint[] = "midpoint";
constexpr char kLate[] = "late";
constexpr int kDefaultDaysBefore = 0;
constexpr int kAtOnce = 250;

// Large enough for a sudden gain; of other scales no source states a number.
std::optional<double> LeastSuddenDrop(absl::string_view instrument_id, absl::string_view scale) {
  if (instrument_id == "phq-9" && scale == kTotal) return 6;
  return std::nullopt;
}

const Subscale* FindSubscale(const Instrument& definition, absl::string_view scale) {
  for (const Subscale& subscale : definition.subscales) {
    if (subscale.id == scale) return &subscale;
  }
  return nullptr;
}

int FullMaximum(const Instrument& definition, absl::string_view scale) {
  const Subscale* subscale = FindSubscale(definition, scale);
  if (subscale == nullptr) return definition.range.max;
  int maximum = 0;
  for (const std::string& item : subscale->items) maximum += definition.FindItem(item)->MaxValue();
  return maximum;
}

// What of a definition turns answers into scores; texts, bands and rules are read, not scored.
Instrument ScoringOf(const Instrument& definition) {
  Instrument scoring{.direction = definition.direction,
                     .multiplier = definition.multiplier,
                     .range = definition.range,
                     .missing = {definition.missing.max_missing, {}}};
  for (const Item& item : definition.items) {
    Item& kept = scoring.items.emplace_back();
    kept.id = item.id;
    kept.in_total = item.in_total;
    kept.reverse = item.reverse;
    kept.may_be_not_applicable = item.may_be_not_applicable;
    for (const Option& option : item.options) {
      kept.options.push_back({.id = option.id, .value = option.value});
    }
  }
  for (SkipRule skip : definition.skips) {
    skip.basis = {};
    scoring.skips.push_back(std::move(skip));
  }
  for (const Subscale& subscale : definition.subscales) {
    scoring.subscales.push_back({.id = subscale.id,
                                 .label = "",
                                 .items = subscale.items,
                                 .max_missing = subscale.max_missing,
                                 .basis = {}});
  }
  return scoring;
}

bool Inclusive(Comparison comparison) {
  return comparison == Comparison::kAtLeast || comparison == Comparison::kAtMost;
}

// The cut-off of caseness and the reliable change that the policy names, else the instrument's own.
void ChooseRules(const OutcomePolicy& policy, ScaleSeries& series) {
  const Instrument& definition = series.instrument.definition;
  ChangeRules& change = series.rules.change;
  change.better =
      definition.direction == Direction::kHigherIsWorse ? BetterWhen::kLower : BetterWhen::kHigher;
  if (change.better == BetterWhen::kLower && definition.normed) {
    change.response = policy.response_percent.value_or(50) / 100;
  }
  series.rules.window = {.days_before = policy.baseline_days.value_or(kDefaultDaysBefore),
                         .days_after = policy.LastScoreDays()};
  if (series.scale != kTotal) return;

  const ScaleRules* rules = policy.RulesOf(definition.id, series.scale);
  if (rules != nullptr && !rules->cut_off_rule_set.empty()) {
    for (const CutOff& cut_off : definition.cut_offs) {
      if (!series.cut_off.has_value() && cut_off.rule_set == rules->cut_off_rule_set &&
          cut_off.use != CutOffUse::kRemission) {
        series.cut_off = cut_off;
      }
    }
  } else if (const CutOff* own = definition.DefaultCutOff(CutOffUse::kCaseness); own != nullptr) {
    series.cut_off = *own;
  }
  if (rules != nullptr && !rules->reliable_change_rule_set.empty()) {
    for (const ReliableChange& reliable : definition.reliable_change) {
      if (reliable.rule_set == rules->reliable_change_rule_set) series.reliable_change = reliable;
    }
  } else if (const ReliableChange* own = definition.DefaultReliableChange(); own != nullptr) {
    series.reliable_change = *own;
  }
  if (series.cut_off.has_value()) {
    change.cut_off =
        Limit{static_cast<double>(series.cut_off->value), Inclusive(series.cut_off->comparison)};
  }
  if (const CutOff* own = definition.DefaultCutOff(CutOffUse::kRemission); own != nullptr) {
    change.remission = Limit{static_cast<double>(own->value), Inclusive(own->comparison)};
  }
  if (series.reliable_change.has_value()) {
    change.reliable_change =
        ReliableChangeRule{series.reliable_change->value, series.reliable_change->inclusive,
                           series.reliable_change->rule_set};
  }
  if (const auto drop = LeastSuddenDrop(definition.id, series.scale); drop.has_value()) {
    series.rules.sudden_gains = SuddenGainRules{.least_drop = *drop};
  }
}

NotOnTrackRules NoTrackRules() {
  NotOnTrackRules rules;
  rules.early_response.clear();
  rules.worsening.reset();
  rules.midpoint.reset();
  rules.late_response.reset();
  return rules;
}

// Each under the id that a clinic knows it by, and the version of its policy.
NotOnTrackRules TrackRulesOf(const OutcomePolicy& policy) {
  const NotOnTrackPolicy& stated = policy.not_on_track;
  const auto on = [&](absl::string_view rule) {
    return std::find(stated.disabled_rules.begin(), stated.disabled_rules.end(), rule) ==
           stated.disabled_rules.end();
  };
  NotOnTrackRules rules = NoTrackRules();
  if (on(kSlowStart)) {
    EarlyResponseRule& rule = rules.early_response.emplace_back();
    rule.name = {kSlowStart, policy.version};
    rule.least_severe_first = stated.baseline_at_least;
    rule.from_day = stated.slow_start_days.value_or(rule.from_day);
    rule.from_session = stated.slow_start_sessions.value_or(rule.from_session);
    if (stated.slow_start_percent.has_value()) rule.least_fall = *stated.slow_start_percent / 100;
  }
  if (on(kDeterioration)) rules.worsening.emplace().name = {kDeterioration, policy.version};
  if (on(kMidpoint)) rules.midpoint.emplace().name = {kMidpoint, policy.version};
  if (on(kLate)) {
    LateResponseRule& rule = rules.late_response.emplace();
    rule.name = {kLate, policy.version};
    if (stated.late_week.has_value()) rule.from_day = 7 * *stated.late_week;
    if (stated.late_percent.has_value()) rule.least_fall = *stated.late_percent / 100;
  }
  return rules;
}

std::string Days(int days) { return absl::StrCat(days, days == 1 ? " day" : " days"); }

class CourseEvaluation {
 public:
  explicit CourseEvaluation(OutcomeInput input)
      : query_(std::move(input.query)), instruments_(std::move(input.instruments)) {
    out_.clinic_id = std::move(input.clinic_id);
    out_.course_id = query_.course_id;
    out_.policy = std::move(input.policy);
    out_.course = std::move(input.course);
    out_.measurements = std::move(input.measurements);
  }

  absl::StatusOr<CourseOutcomes> Run() && {
    if (copy() != nullptr) {
      IPT_ASSIGN_OR_RETURN(zone_, StoredZone(copy()->time_zone));
    }
    const std::string& anxiety = out_.policy.anxiety_instrument_id;
    out_.depression_instrument_id = DepressionInstrument(out_.policy);
    out_.anxiety_instrument_id = anxiety.empty() ? kDefaultAnxiety : anxiety;
    IPT_RETURN_IF_ERROR(Bind());
    IPT_RETURN_IF_ERROR(MakeSeries());
    MakeEpisode();
    for (ScaleSeries& series : out_.series) Build(series);
    Watch();
    out_.score_choice = ScoreChoice();
    Conclude();
    return std::move(out_);
  }

 private:
  const courses::CopiedCourse* copy() const {
    return out_.course.course.has_value() ? &*out_.course.course : nullptr;
  }

  absl::CivilDay DayOf(absl::Time time) const { return absl::CivilDay(zone_.At(time).cs); }

  // As the course is known now: sessions move, and one that was not known is known later.
  absl::Status Bind() {
    std::vector<Measurement>& all = out_.measurements;
    all.erase(std::remove_if(all.begin(), all.end(),
                             [](const Measurement& m) {
                               return m.state == MeasurementState::kEnteredInError;
                             }),
              all.end());
    std::sort(all.begin(), all.end(), [](const Measurement& a, const Measurement& b) {
      return std::tie(a.complete_time, a.receive_time, a.measurement_id) <
             std::tie(b.complete_time, b.receive_time, b.measurement_id);
    });
    for (Measurement& m : all) {
      if (out_.course.known == courses::CourseAnswer::Known::kAbsent) {
        m.binding_problem = BindingProblem::kNoSuchCourse;
      } else if (copy() != nullptr) {
        Measurement bound = m;
        const absl::Status status = BindToCourse(out_.course, bound);
        if (status.ok()) {
          m = std::move(bound);
        } else if (absl::IsNotFound(status)) {
          m.binding_problem = BindingProblem::kNoSuchSession;
        } else {
          return status;
        }
      }
    }
    return absl::OkStatus();
  }

  const HeldInstrument* Find(absl::string_view id, int version) const {
    for (const HeldInstrument& instrument : instruments_) {
      if (instrument.definition.id == id && instrument.definition.version == version) {
        return &instrument;
      }
    }
    return nullptr;
  }

  // 0: depression, 1: anxiety, 2: others.
  int RankOf(absl::string_view instrument_id) const {
    if (instrument_id == out_.depression_instrument_id) return 0;
    return instrument_id == out_.anxiety_instrument_id ? 1 : 2;
  }

  ScaleSeries& SeriesOf(const Measurement& m, const std::string& scale) {
    for (ScaleSeries& series : out_.series) {
      if (series.instrument.definition.id == m.instrument_id && series.scale == scale &&
          series.respondent == m.respondent) {
        return series;
      }
    }
    ScaleSeries& series = out_.series.emplace_back();
    series.instrument.definition.id = m.instrument_id;
    series.scale = scale;
    series.respondent = m.respondent;
    return series;
  }

  absl::Status MakeSeries() {
    for (size_t i = 0; i < out_.measurements.size(); ++i) {
      const Measurement& m = out_.measurements[i];
      for (size_t k = 0; k < m.scores.size(); ++k) {
        if (m.scores[k].scale != kTotal && !query_.all_scales) continue;
        SeriesOf(m, m.scores[k].scale)
            .scores.push_back(
                {.measurement = i, .score = k, .day = DayOf(m.complete_time), .part = m.occasion});
      }
    }
    std::sort(
        out_.series.begin(), out_.series.end(), [this](const ScaleSeries& a, const ScaleSeries& b) {
          return std::make_tuple(RankOf(a.instrument.definition.id),
                                 absl::string_view(a.instrument.definition.id), a.scale != kTotal,
                                 absl::string_view(a.scale), a.respondent) <
                 std::make_tuple(RankOf(b.instrument.definition.id),
                                 absl::string_view(b.instrument.definition.id), b.scale != kTotal,
                                 absl::string_view(b.scale), b.respondent);
        });
    for (ScaleSeries& series : out_.series) {
      IPT_RETURN_IF_ERROR(Define(series));
      ChooseRules(out_.policy, series);
      series.rules.track = NoTrackRules();
    }
    return absl::OkStatus();
  }

  const HeldScore& ScoreOf(const SeriesScore& score) const {
    return out_.measurements[score.measurement].scores[score.score];
  }

  // The series' version, and what by itself does not count in it.
  absl::Status Define(ScaleSeries& series) {
    int version = 0;
    bool of_valid = false;
    for (const SeriesScore& score : series.scores) {
      const bool valid = ScoreOf(score).state != HeldScoreState::kInvalid;
      if (valid || !of_valid) version = out_.measurements[score.measurement].instrument_version;
      of_valid = of_valid || valid;
    }
    const std::string id = series.instrument.definition.id;
    const HeldInstrument* defined = Find(id, version);
    if (defined == nullptr) return Internal("a measurement's instrument is not there");
    series.instrument = *defined;
    const Instrument scoring = ScoringOf(defined->definition);
    const int maximum = FullMaximum(defined->definition, series.scale);
    for (SeriesScore& score : series.scores) {
      const Measurement& m = out_.measurements[score.measurement];
      const HeldScore& held = ScoreOf(score);
      const HeldInstrument* own = Find(id, m.instrument_version);
      if (own == nullptr) return Internal("a measurement's instrument is not there");
      if (m.binding_problem != BindingProblem::kNone) {
        score.exclusion = Exclusion::kBindingProblem;
      } else if (held.state == HeldScoreState::kInvalid) {
        score.exclusion = Exclusion::kInvalid;
      } else if (m.superseded) {
        score.exclusion = Exclusion::kSuperseded;
      } else if (m.instrument_version != version && !(ScoringOf(own->definition) == scoring)) {
        score.exclusion = Exclusion::kOtherVersion;
      } else if (held.maximum != maximum) {
        score.exclusion = Exclusion::kOtherRange;
      }
    }
    return absl::OkStatus();
  }

  void MakeEpisode() {
    if (copy() == nullptr) {
      // By dates alone: from the first score to the last.
      for (const ScaleSeries& series : out_.series) {
        for (const SeriesScore& score : series.scores) episode_.contacts.push_back(score.day);
      }
      return;
    }
    for (const courses::CopiedSession& session : copy()->sessions) {
      if (session.state != courses::CopiedSessionState::kAttended) continue;
      episode_.contacts.push_back(DayOf(session.start));
      if (!session.IsTreatment()) continue;
      episode_.sessions.push_back(DayOf(session.start));
      ++out_.attended_sessions;
    }
    episode_.planned_sessions = copy()->planned_sessions;
    episode_.ended = copy()->closed();
  }

  // The number of a session that its score belongs to: one that was attended, or is still to be.
  std::optional<int> SessionNumberOf(const Measurement& m) const {
    if (m.session_number < 1) return std::nullopt;
    if (copy() == nullptr) return m.session_number;
    for (const courses::CopiedSession& session : copy()->sessions) {
      if (session.session_id != m.session_id) continue;
      if (session.state == courses::CopiedSessionState::kAttended ||
          session.state == courses::CopiedSessionState::kBooked) {
        return m.session_number;
      }
    }
    return std::nullopt;
  }

  void Build(ScaleSeries& series) {
    std::vector<ScorePoint> points;
    for (const SeriesScore& score : series.scores) {
      if (score.exclusion != Exclusion::kCounts) continue;
      const Measurement& m = out_.measurements[score.measurement];
      const HeldScore& held = ScoreOf(score);
      points.push_back({.id = m.measurement_id,
                        .completed_at = m.complete_time,
                        .received_at = m.receive_time,
                        .day = score.day,
                        .session_number = SessionNumberOf(m),
                        .exact = held.exact.value(),
                        .value = static_cast<double>(held.rounded)});
    }
    series.trajectory = BuildTrajectory(series.rules, episode_, std::move(points));
    // Both are by completion, receipt and id.
    size_t next = 0;
    for (SeriesScore& score : series.scores) {
      if (score.exclusion != Exclusion::kCounts) continue;
      score.placed = next++;
      const PlacedScore& placed = series.trajectory.scores[*score.placed];
      if (placed.place == ScorePlace::kBeforeEpisode) {
        score.exclusion = Exclusion::kBeforeCourse;
        score.part = CoursePart::kBeforeTreatment;
      } else if (placed.place == ScorePlace::kFollowUp) {
        score.part = CoursePart::kFollowUp;
      } else if (score.part == CoursePart::kFollowUp) {
        score.part = CoursePart::kTreatment;  // the last form of it, filled in after the closing
      }
      if (placed.duplicate_of.has_value()) score.exclusion = Exclusion::kSuperseded;
    }
  }

  // Asks the rules of not on track of the series that speaks for what is watched.
  void Watch() {
    const ScaleSeries* watched = SpeakingSeries(out_.series, WatchedInstrument(out_.policy));
    if (watched == nullptr) return;
    ScaleSeries& series = out_.series[watched - out_.series.data()];
    series.watched = true;
    series.rules.track = TrackRulesOf(out_.policy);
    for (SeriesScore& score : series.scores) {
      if (score.placed.has_value()) score.exclusion = Exclusion::kCounts;
    }
    Build(series);
  }

  std::string ScoreChoice() const {
    if (copy() == nullptr) {
      return "By dates alone (days of UTC), since nothing is known of the course's sessions: the "
             "earliest and the latest valid score. Of one day's, the one completed last.";
    }
    if (episode_.contacts.empty()) {
      return "No contact has been attended yet: the earliest and the latest valid score that is "
             "bound to a session.";
    }
    const int before = out_.policy.baseline_days.value_or(kDefaultDaysBefore);
    const int after = out_.policy.LastScoreDays();
    return absl::StrCat(
        "First: the earliest valid score from ",
        before == 0 ? std::string() : absl::StrCat(Days(before), " before "),
        "the first attended contact on. Last: the latest valid one ",
        episode_.ended
            ? absl::StrCat("up to ",
                           after == 0 ? std::string() : absl::StrCat(Days(after), " after "),
                           "the last attended contact.")
            : "so far: the course is open.",
        " One bound to a session is of the course. Of one session's or day's, the one completed "
        "last.");
  }

  MeasureStatus StatusOfMeasure(absl::string_view instrument_id) const {
    const ScaleSeries* series = SpeakingSeries(out_.series, instrument_id);
    if (series == nullptr) return {};
    const Trajectory& trajectory = series->trajectory;
    const auto value = [&](const Endpoint& end) -> std::optional<double> {
      if (!end.index.has_value()) return std::nullopt;
      return trajectory.scores[*end.index].score.value;
    };
    return StatusOf(series->rules.change, value(trajectory.first), value(trajectory.last));
  }

  void Conclude() {
    const courses::CopiedCourse* course = copy();
    out_.unverified = course == nullptr;
    const bool in_error =
        course != nullptr && course->closure_reason == courses::kClosedEnteredInError;
    if (course != nullptr) {
      out_.state = in_error           ? OutcomeState::kVoid
                   : course->closed() ? OutcomeState::kFinal
                                      : OutcomeState::kSoFar;
    }
    const bool finished =
        course != nullptr && !in_error && IsFinished(course->closed(), out_.attended_sessions);
    out_.recovery = EvaluateRecovery(finished, StatusOfMeasure(out_.depression_instrument_id),
                                     StatusOfMeasure(out_.anxiety_instrument_id));
    const DropOutDefinition definition = DropOutOf(out_.policy);
    out_.drop_out_definition = static_cast<int>(definition);
    if (out_.state != OutcomeState::kFinal) return;
    // As a report counts them: one that never started is in no rate but the widest.
    if (!CountsForDropOut(definition, EndOf(*course), out_.attended_sessions)) return;
    out_.drop_out =
        IsDropOut(definition, EndOf(*course), out_.attended_sessions, course->planned_sessions);
  }

  const OutcomeQuery query_;
  const std::vector<HeldInstrument> instruments_;
  CourseOutcomes out_;
  absl::TimeZone zone_ = absl::UTCTimeZone();
  Episode episode_;
};

}  // namespace

const SeriesScore& ScaleSeries::Placed(size_t placed) const {
  return *std::find_if(scores.begin(), scores.end(),
                       [&](const SeriesScore& score) { return score.placed == placed; });
}

std::string DepressionInstrument(const OutcomePolicy& policy) {
  const std::string& stated = policy.depression_instrument_id;
  return stated.empty() ? kDefaultDepression : stated;
}

std::string WatchedInstrument(const OutcomePolicy& policy) {
  const std::string& stated = policy.not_on_track.instrument_id;
  return stated.empty() ? DepressionInstrument(policy) : stated;
}

DropOutDefinition DropOutOf(const OutcomePolicy& policy) {
  return policy.drop_out == 0 ? DropOutDefinition::kEndedWithoutAgreement
                              : static_cast<DropOutDefinition>(policy.drop_out);
}

const ScaleSeries* SpeakingSeries(const std::vector<ScaleSeries>& series,
                                  absl::string_view instrument_id) {
  for (const AnsweredBy respondent :
       {AnsweredBy::kSelf, AnsweredBy::kClinicianRead, AnsweredBy::kClinicianRated}) {
    for (const ScaleSeries& one : series) {
      if (one.instrument.definition.id == instrument_id && one.scale == kTotal &&
          one.respondent == respondent && one.trajectory.counted > 0) {
        return &one;
      }
    }
  }
  return nullptr;
}

std::optional<double> ExpectedBy(const ScaleSeries& series, const Signal& signal) {
  const Endpoint& end = series.trajectory.first;
  if (!end.index.has_value()) return std::nullopt;
  const double first = series.trajectory.scores[*end.index].score.value;
  const NotOnTrackRules& rules = series.rules.track;
  for (const EarlyResponseRule& rule : rules.early_response) {
    if (rule.name == signal.rule) return first * (1 - rule.least_fall);
  }
  if (rules.late_response.has_value() && rules.late_response->name == signal.rule) {
    return first * (1 - rules.late_response->least_fall);
  }
  if (rules.midpoint.has_value() && rules.midpoint->name == signal.rule &&
      series.reliable_change.has_value()) {
    const bool lower = series.rules.change.better == BetterWhen::kLower;
    return first - (lower ? 1 : -1) * series.reliable_change->value;
  }
  return std::nullopt;
}

absl::StatusOr<std::vector<Measurement>> MeasurementsOf(OutcomesReader& reader,
                                                        absl::string_view clinic_id,
                                                        const OutcomeQuery& query,
                                                        absl::Duration window) {
  MeasurementFilter filter{.course_id = query.course_id,
                           .states = {MeasurementState::kRecorded, MeasurementState::kCorrected,
                                      MeasurementState::kEnteredInError},
                           .without_answers = true};
  if (!query.instrument_id.empty()) filter.instrument_ids.push_back(query.instrument_id);
  std::vector<Measurement> all;
  std::optional<MeasurementCursor> after;
  while (true) {
    IPT_ASSIGN_OR_RETURN(
        std::vector<Measurement> page,
        reader.ListMeasurements(clinic_id, filter, /*newest_first=*/false, after, kAtOnce, window));
    const bool last = static_cast<int>(page.size()) < kAtOnce;
    std::move(page.begin(), page.end(), std::back_inserter(all));
    if (last) return all;
    after = MeasurementCursor{all.back().complete_time, all.back().course_id,
                              all.back().measurement_id};
  }
}

absl::StatusOr<std::vector<Alert>> AlertsOf(OutcomesReader& reader, absl::string_view clinic_id,
                                            const std::string& course_id) {
  const AlertFilter filter{.course_id = course_id,
                           .states = {AlertState::kOpen, AlertState::kEscalated,
                                      AlertState::kAcknowledged, AlertState::kResolved}};
  std::vector<Alert> all;
  std::optional<AlertCursor> after;
  while (true) {
    IPT_ASSIGN_OR_RETURN(std::vector<Alert> page,
                         reader.alerts().ListAlerts(clinic_id, filter, after, kAtOnce));
    const bool last = static_cast<int>(page.size()) < kAtOnce;
    std::move(page.begin(), page.end(), std::back_inserter(all));
    if (last) return all;
    after = AlertCursor{all.back().raised, all.back().alert_id};
  }
}

absl::StatusOr<CourseOutcomes> EvaluateOutcomes(OutcomeInput input) {
  return CourseEvaluation(std::move(input)).Run();
}

absl::StatusOr<CourseOutcomes> LoadOutcomes(OutcomesReader& reader, const Catalog& catalog,
                                            absl::string_view clinic_id, const OutcomeQuery& query,
                                            const courses::CourseAnswer& course, absl::Time now) {
  OutcomeInput input{.clinic_id = std::string(clinic_id), .query = query, .course = course};
  IPT_ASSIGN_OR_RETURN(input.policy, reader.GetPolicy(clinic_id));
  IPT_ASSIGN_OR_RETURN(input.measurements,
                       MeasurementsOf(reader, clinic_id, query, input.policy.DuplicateWindow()));
  if (input.measurements.empty() && !course.course.has_value()) {
    return NotFound(kCourseType, CourseName(clinic_id, query.course_id));
  }
  IPT_ASSIGN_OR_RETURN(input.instruments, AllInstruments(reader, catalog, clinic_id, ""));
  IPT_ASSIGN_OR_RETURN(CourseOutcomes outcomes, EvaluateOutcomes(std::move(input)));
  IPT_ASSIGN_OR_RETURN(outcomes.alerts, AlertsOf(reader, clinic_id, query.course_id));
  std::stable_sort(outcomes.alerts.begin(), outcomes.alerts.end(),
                   [](const Alert& a, const Alert& b) {
                     return a.completed.value_or(a.raised) < b.completed.value_or(b.raised);
                   });
  IPT_ASSIGN_OR_RETURN(outcomes.focus, reader.FindCourseFocus(clinic_id, query.course_id));
  IPT_ASSIGN_OR_RETURN(outcomes.formulation, reader.GetFormulationAge(clinic_id, now));
  IPT_ASSIGN_OR_RETURN(outcomes.revision, reader.CurrentRevision());
  return outcomes;
}

}  // namespace ipt::outcomes
