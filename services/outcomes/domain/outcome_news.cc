#include "outcomes/domain/outcome_news.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "outcomes/domain/change.h"

namespace ipt::outcomes {
namespace {

// Texts stay in the store from release to release: where they change, what they are of is told
// anew.
class ToldText {
 public:
  ToldText& Word(absl::string_view value) {
    absl::StrAppend(&out_, value, ";");
    return *this;
  }
  ToldText& Number(int64_t value) { return Word(absl::StrCat(value)); }
  template <typename Enum>
  ToldText& Kind(Enum value) {
    return Number(static_cast<int>(value));
  }
  ToldText& Is(const std::optional<bool>& is) {
    return Word(is.has_value() ? *is ? "y" : "n" : "");
  }
  ToldText& Exact(const std::optional<double>& value) {
    if (!value.has_value()) return Word("");
    absl::StrAppendFormat(&out_, "%.12g;", *value);
    return *this;
  }
  ToldText& When(const std::optional<absl::Time>& time) {
    return time.has_value() ? Number(absl::ToUnixMicros(*time)) : Word("");
  }
  // A score by its place in a trajectory.
  ToldText& Score(const Trajectory& trajectory, const std::optional<size_t>& index) {
    if (!index.has_value()) return Word("");
    const ScorePoint& score = trajectory.scores[*index].score;
    return Word(score.id).Exact(score.value);
  }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

void TellChange(const ScaleSeries& series, const std::optional<size_t>& first,
                const std::optional<size_t>& last, ToldText& out) {
  const Trajectory& trajectory = series.trajectory;
  out.Score(trajectory, first).Score(trajectory, last);
  if (!first.has_value()) return;
  const ChangeRules& rules = series.rules.change;
  const double from = trajectory.scores[*first].score.value;
  out.Is(IsCase(rules, from));
  if (!last.has_value()) return;
  const ChangeResult change = EvaluateChange(rules, from, trajectory.scores[*last].score.value);
  out.Is(change.case_at_last)
      .Is(change.response)
      .Is(change.remission)
      .Kind(change.reliable)
      .Kind(change.significant);
}

void TellSeries(const CourseOutcomes& outcomes, const ScaleSeries& series, ToldText& out) {
  const Trajectory& trajectory = series.trajectory;
  out.Word(series.instrument.definition.id)
      .Word(series.scale)
      .Kind(series.respondent)
      .Number(trajectory.counted)
      .Kind(trajectory.first.reason)
      .Kind(trajectory.last.reason)
      .Word(series.cut_off.has_value() ? series.cut_off->rule_set : "")
      .Word(series.reliable_change.has_value() ? series.reliable_change->rule_set : "");
  TellChange(series, trajectory.first.index, trajectory.last.index, out);
  if (outcomes.state != OutcomeState::kFinal) return;
  for (const SeriesScore& score : series.scores) {
    if (score.exclusion != Exclusion::kCounts) continue;
    if (trajectory.scores[*score.placed].place != ScorePlace::kFollowUp) continue;
    TellChange(series, trajectory.first.index, score.placed, out);
    TellChange(series, trajectory.last.index, score.placed, out);
  }
}

std::string ResultTold(const CourseOutcomes& outcomes) {
  const courses::CopiedCourse& course = *outcomes.course.course;
  const RecoveryResult& recovery = outcomes.recovery;
  ToldText out;
  out.Kind(outcomes.state)
      .Is(recovery.finished)
      .Kind(recovery.no_outcome)
      .Is(recovery.case_at_start)
      .Kind(recovery.reliable)
      .Is(recovery.mixed)
      .Is(recovery.recovered)
      .Is(recovery.reliably_recovered)
      .Word(outcomes.depression_instrument_id)
      .Word(outcomes.anxiety_instrument_id)
      .Number(outcomes.attended_sessions)
      .Number(course.planned_sessions)
      .When(course.closed_at)
      .Number(course.closure_reason)
      .Is(course.drop_out)
      .Is(course.closed_early)
      .Number(outcomes.drop_out_definition)
      .Is(outcomes.drop_out);
  for (const ScaleSeries& series : outcomes.series) TellSeries(outcomes, series, out);
  // At the end, where there is one: what was told of courses without one stays as it was.
  if (outcomes.focus.has_value()) {
    const CourseFocus& focus = *outcomes.focus;
    out.Word("focus")
        .Number(focus.primary_kind)
        .Number(focus.secondary_kind)
        .Word(absl::FormatCivilTime(focus.agreed_on))
        .Number(focus.revision_number)
        .Number(focus.first_primary_kind);
  }
  return out.Take();
}

ToldSignal SignalTold(const ScaleSeries& series, const Signal& signal) {
  const Trajectory& trajectory = series.trajectory;
  ToldText says;
  says.Score(trajectory, trajectory.first.index);
  for (const PlacedScore& placed : trajectory.scores) {
    if (placed.score.id == signal.raised_by) says.Exact(placed.score.value);
  }
  says.Exact(ExpectedBy(series, signal)).Word(signal.cleared_by).When(signal.cleared_at);
  return {.rule = signal.rule.id,
          .raised_by = signal.raised_by,
          .raised_at = signal.raised_at,
          .level = signal.level,
          .says = says.Take()};
}

bool HasSignal(const std::vector<ToldSignal>& signals, const ToldSignal& one) {
  return std::any_of(signals.begin(), signals.end(), [&](const ToldSignal& other) {
    return one.rule == other.rule && one.raised_by == other.raised_by;
  });
}

}  // namespace

OutcomeNews NewsOf(std::shared_ptr<const CourseOutcomes> outcomes,
                   const std::optional<ToldOutcomes>& told) {
  OutcomeNews news;
  const bool closed =
      outcomes->state == OutcomeState::kFinal || outcomes->state == OutcomeState::kVoid;
  const bool was_told = told.has_value() && !told->result.empty();
  if (closed && (was_told || !outcomes->measurements.empty())) {
    news.told.result = ResultTold(*outcomes);
  }
  if (told.has_value() && news.told.result != told->result) {
    news.events.push_back(CourseResultChanged{outcomes});
  }
  for (const ScaleSeries& series : outcomes->series) {
    if (!series.watched) continue;
    for (const Signal& signal : series.trajectory.track.signals) {
      const ToldSignal& now = news.told.signals.emplace_back(SignalTold(series, signal));
      if (told.has_value() &&
          std::find(told->signals.begin(), told->signals.end(), now) == told->signals.end()) {
        news.events.push_back(SignalChanged{outcomes, signal});
      }
    }
  }
  if (!told.has_value()) return news;
  for (const ToldSignal& before : told->signals) {
    if (HasSignal(news.told.signals, before)) continue;
    news.events.push_back(SignalChanged{outcomes,
                                        {.rule = {.id = before.rule},
                                         .level = before.level,
                                         .wording = "",
                                         .raised_by = before.raised_by,
                                         .raised_at = before.raised_at,
                                         .cleared_by = "",
                                         .cleared_at = std::nullopt},
                                        true});
  }
  return news;
}

}  // namespace ipt::outcomes
