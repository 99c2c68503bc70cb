#include "outcomes/domain/clinic_report.h"

#include <algorithm>

#include "outcomes/domain/suppression.h"

namespace ipt::outcomes {
namespace {

constexpr int kMostLeastShown = 1000;

void Merge(Rate& rate, const Rate& other) {
  rate.hits += other.hits;
  rate.of += other.of;
}

bool AgreedEnd(CourseEnd end) {
  return end == CourseEnd::kCompleted || end == CourseEnd::kAgreedEarly;
}

// Adds a course to a rate of the paired and to that of all with a first score.
void AddOutcome(const std::optional<bool>& outcome, bool paired, Rate& of_paired, Rate& of_itt) {
  if (!outcome.has_value()) return;
  ++of_itt.of;
  of_itt.hits += *outcome;
  if (!paired) return;
  ++of_paired.of;
  of_paired.hits += *outcome;
}

MeasureStatus StatusIn(const CourseResult& result, absl::string_view measure) {
  const MeasureResult* found = FindMeasure(result, measure);
  return found == nullptr ? MeasureStatus() : found->status;
}

MeasureStatus AnxietyStatus(const CourseResult& result, const std::vector<std::string>& measures) {
  MeasureStatus first;
  for (const std::string& measure : measures) {
    const MeasureStatus status = StatusIn(result, measure);
    if (status.has_last) return status;
    if (!first.has_first) first = status;
  }
  return first;
}

// ---- A row's blocks, in the order in which they are built

struct MeasureBlocks {
  size_t first = 0;
  size_t paired = 0;
  size_t itt = 0;
  size_t completers = 0;
  size_t cases = 0;
  size_t response = 0;
  size_t response_itt = 0;
  size_t remission = 0;
  size_t remission_itt = 0;
  size_t reliable = 0;
  size_t significant = 0;
};

struct RecoveryBlocks {
  size_t finished = 0;
  size_t paired = 0;
  size_t cases = 0;
  size_t reliable = 0;
  size_t recovery = 0;
  size_t reliable_recovery = 0;
};

struct Blocks {
  size_t courses = 0;
  size_t opened = 0;
  size_t ended = 0;
  size_t started = 0;
  size_t drop_out = 0;
  size_t completion_rate = 0;
  size_t completion = 0;
  std::vector<MeasureBlocks> measures;
  RecoveryBlocks recovery;
};

class RowBuilder {
 public:
  size_t Add(std::vector<size_t> parents, std::vector<int64_t> parts) {
    row_.push_back({std::move(parents), std::move(parts), false});
    return row_.size() - 1;
  }
  SuppressionRow Take() { return std::move(row_); }

 private:
  SuppressionRow row_;
};

std::vector<int64_t> Halves(const Rate& rate) { return {rate.hits, rate.of - rate.hits}; }

// The parts of the rate over all with a first score that the one over the paired does not have.
std::vector<int64_t> IttParts(const MeasureTally& tally, const Rate& paired, const Rate& itt) {
  return {itt.hits,           itt.of - itt.hits,   itt.hits - paired.hits,
          itt.of - paired.of, tally.carried_cases, tally.carried_not_cases};
}

MeasureBlocks AddMeasure(const MeasureTally& tally, size_t started, RowBuilder& row) {
  MeasureBlocks blocks;
  const int64_t pairs = tally.paired.count();
  const int64_t with_first = tally.itt.count();
  blocks.first = row.Add({started}, {with_first});
  blocks.paired = row.Add({blocks.first}, {pairs});
  // What the two together would tell is the scores of those without a pair.
  blocks.itt = row.Add({blocks.first}, {with_first, with_first - pairs});
  blocks.completers =
      row.Add({blocks.paired}, {tally.completers.count(), pairs - tally.completers.count()});
  blocks.cases = row.Add({blocks.paired}, {tally.cases, tally.not_cases});
  blocks.response = row.Add({blocks.cases}, Halves(tally.response));
  blocks.response_itt =
      row.Add({blocks.response, blocks.itt}, IttParts(tally, tally.response, tally.response_itt));
  blocks.remission = row.Add({blocks.cases}, Halves(tally.remission));
  blocks.remission_itt = row.Add({blocks.remission, blocks.itt},
                                 IttParts(tally, tally.remission, tally.remission_itt));
  blocks.reliable = row.Add({blocks.paired}, {tally.reliably_improved, tally.reliably_unchanged,
                                              tally.reliably_deteriorated});
  blocks.significant =
      row.Add({blocks.reliable}, {tally.significant_recovered, tally.significant_improved,
                                  tally.significant_unchanged, tally.significant_deteriorated});
  return blocks;
}

RecoveryBlocks AddRecovery(const RecoveryTally& tally, size_t started, int64_t started_courses,
                           RowBuilder& row) {
  RecoveryBlocks blocks;
  blocks.finished = row.Add({started}, {tally.finished, started_courses - tally.finished});
  blocks.paired = row.Add({blocks.finished}, {tally.paired});
  blocks.cases = row.Add({blocks.paired}, {tally.case_at_start, tally.not_case_at_start,
                                           tally.paired_cases, tally.paired - tally.paired_cases});
  blocks.reliable = row.Add({blocks.paired}, {tally.improved, tally.unchanged, tally.deteriorated});
  blocks.recovery = row.Add({blocks.cases}, Halves(tally.PairedRecovery()));
  blocks.reliable_recovery =
      row.Add({blocks.recovery, blocks.reliable},
              {tally.reliably_recovered, tally.recovered - tally.reliably_recovered,
               tally.paired_cases - tally.reliably_recovered});
  return blocks;
}

// What a drop-out rate's parts are, and what follows from it with the counts of how courses ended.
std::vector<int64_t> DropOutParts(const GroupTally& tally, DropOutDefinition definition) {
  std::vector<int64_t> parts = Halves(tally.drop_out[static_cast<int>(definition)]);
  int64_t not_started = 0;
  if (definition == DropOutDefinition::kAnyNonCompletion) {
    not_started = parts.front() - tally.dropped_out - tally.ended_otherwise;
  }
  parts.push_back(not_started);
  return parts;
}

Blocks AddBlocks(const GroupTally& tally, const std::vector<std::string>& measures,
                 DropOutDefinition definition, RowBuilder& row) {
  static const auto* const kNoTally = new MeasureTally();
  Blocks blocks;
  blocks.courses = row.Add({}, {tally.courses});
  blocks.opened = row.Add({blocks.courses}, {tally.opened, tally.courses - tally.opened});
  blocks.ended = row.Add({blocks.courses}, {tally.ended, tally.courses - tally.ended});
  blocks.started = row.Add({blocks.ended}, {tally.started, tally.ended - tally.started});
  blocks.drop_out = row.Add({blocks.started}, DropOutParts(tally, definition));
  blocks.completion_rate = row.Add({blocks.drop_out}, {tally.completed + tally.agreed_early,
                                                       tally.dropped_out + tally.ended_otherwise});
  const int64_t contracted =
      definition == DropOutDefinition::kBeforeContracted
          ? tally.dropped_out - tally.drop_out[static_cast<int>(definition)].hits
          : 0;
  blocks.completion = row.Add(
      {blocks.completion_rate},
      {tally.completed, tally.agreed_early, tally.dropped_out, tally.ended_otherwise, contracted});
  for (const std::string& measure : measures) {
    const auto found = tally.measures.find(measure);
    blocks.measures.push_back(
        AddMeasure(found == tally.measures.end() ? *kNoTally : found->second, blocks.started, row));
  }
  blocks.recovery = AddRecovery(tally.recovery, blocks.started, tally.started, row);
  return blocks;
}

// ---- Cells

CountCell Count(bool hidden, int64_t count) {
  if (hidden) return {CellState::kSuppressed, 0};
  return {count == 0 ? CellState::kEmpty : CellState::kShown, count};
}

RateCell RateOf(bool hidden, const Rate& rate) {
  RateCell cell;
  if (hidden) {
    cell.state = CellState::kSuppressed;
  } else if (rate.of > 0) {
    cell = {CellState::kShown, rate, static_cast<double>(rate.hits) / static_cast<double>(rate.of),
            WilsonInterval(rate.hits, rate.of)};
  }
  return cell;
}

EffectCell EffectOf(bool hidden, const PairMoments& pairs, BetterWhen better) {
  if (hidden) return {CellState::kSuppressed, {}};
  const std::optional<EffectSize> effect = PrePostEffectSize(pairs, better == BetterWhen::kHigher);
  if (!effect.has_value()) return {};
  return {CellState::kShown, *effect};
}

MeasureReport ReportOf(const std::string& measure, const MeasureTally& tally, int64_t started,
                       const MeasureBlocks& blocks, const SuppressionRow& row) {
  auto hidden = [&row](size_t block) { return row[block].hidden; };
  MeasureReport report;
  report.measure = measure;
  report.rules.assign(tally.rules.begin(), tally.rules.end());
  report.with_first = Count(hidden(blocks.first), tally.itt.count());
  report.pairs = Count(hidden(blocks.paired), tally.paired.count());
  report.paired_data = RateOf(hidden(blocks.paired), {tally.paired.count(), started});
  report.paired = EffectOf(hidden(blocks.paired), tally.paired, tally.better);
  report.completers = EffectOf(hidden(blocks.completers), tally.completers, tally.better);
  report.itt = EffectOf(hidden(blocks.itt), tally.itt, tally.better);
  report.case_at_first = RateOf(hidden(blocks.cases), {tally.cases, tally.cases + tally.not_cases});
  report.response = RateOf(hidden(blocks.response), tally.response);
  report.response_itt = RateOf(hidden(blocks.response_itt), tally.response_itt);
  report.remission = RateOf(hidden(blocks.remission), tally.remission);
  report.remission_itt = RateOf(hidden(blocks.remission_itt), tally.remission_itt);
  auto reliable = [&](int64_t hits) {
    return RateOf(hidden(blocks.reliable), {hits, tally.reliable_of});
  };
  report.reliably_improved = reliable(tally.reliably_improved);
  report.reliably_unchanged = reliable(tally.reliably_unchanged);
  report.reliably_deteriorated = reliable(tally.reliably_deteriorated);
  auto significant = [&](int64_t hits) {
    return RateOf(hidden(blocks.significant), {hits, tally.significant_of});
  };
  report.significant_recovered = significant(tally.significant_recovered);
  report.significant_improved = significant(tally.significant_improved);
  report.significant_unchanged = significant(tally.significant_unchanged);
  report.significant_deteriorated = significant(tally.significant_deteriorated);
  return report;
}

RecoveryReport ReportOf(const RecoveryTally& tally, const RecoveryBlocks& blocks,
                        const SuppressionRow& row) {
  auto rate = [&row](size_t block, const Rate& of) { return RateOf(row[block].hidden, of); };
  RecoveryReport report;
  report.finished = Count(row[blocks.finished].hidden, tally.finished);
  report.paired_data = rate(blocks.paired, tally.PairedData());
  report.case_at_start = rate(blocks.cases, {tally.case_at_start, tally.finished});
  report.recovery = rate(blocks.recovery, tally.Recovery());
  report.reliable_recovery = rate(blocks.reliable_recovery, tally.ReliableRecovery());
  report.improvement = rate(blocks.reliable, tally.Improvement());
  report.no_reliable_change = rate(blocks.reliable, tally.NoReliableChange());
  report.deterioration = rate(blocks.reliable, tally.Deterioration());
  report.paired_recovery = rate(blocks.recovery, tally.PairedRecovery());
  report.paired_reliable_recovery = rate(blocks.reliable_recovery, tally.PairedReliableRecovery());
  report.paired_improvement = rate(blocks.reliable, tally.PairedImprovement());
  report.paired_no_reliable_change = rate(blocks.reliable, tally.PairedNoReliableChange());
  report.paired_deterioration = rate(blocks.reliable, tally.PairedDeterioration());
  return report;
}

GroupReport ReportOf(const std::string& group, const GroupTally& tally,
                     const std::vector<std::string>& measures, bool with_recovery,
                     DropOutDefinition definition, const Blocks& blocks,
                     const SuppressionRow& row) {
  auto count = [&row](size_t block, int64_t value) { return Count(row[block].hidden, value); };
  GroupReport report;
  report.group = group;
  report.courses = count(blocks.courses, tally.courses);
  report.opened = count(blocks.opened, tally.opened);
  report.ended = count(blocks.ended, tally.ended);
  report.started = count(blocks.started, tally.started);
  report.completed = count(blocks.completion, tally.completed);
  report.agreed_early = count(blocks.completion, tally.agreed_early);
  report.dropped_out = count(blocks.completion, tally.dropped_out);
  report.ended_otherwise = count(blocks.completion, tally.ended_otherwise);
  report.completion = RateOf(row[blocks.completion_rate].hidden,
                             {tally.completed + tally.agreed_early, tally.started});
  report.drop_out =
      RateOf(row[blocks.drop_out].hidden, tally.drop_out[static_cast<int>(definition)]);
  report.attendance =
      RateOf(row[blocks.courses].hidden,
             {tally.attended, tally.attended + tally.no_shows + tally.late_cancellations});
  report.attendance.interval.reset();
  report.cancellations = count(blocks.courses, tally.cancellations);
  for (size_t i = 0; i < measures.size(); ++i) {
    const auto found = tally.measures.find(measures[i]);
    report.measures.push_back(
        ReportOf(measures[i], found == tally.measures.end() ? MeasureTally() : found->second,
                 tally.started, blocks.measures[i], row));
  }
  if (with_recovery) report.recovery = ReportOf(tally.recovery, blocks.recovery, row);
  return report;
}

}  // namespace

bool CountsForDropOut(DropOutDefinition definition, const ReportedCourse& course) {
  if (!course.ended_in_period) return false;
  return definition == DropOutDefinition::kAnyNonCompletion || course.attended > 0;
}

bool IsDropOut(DropOutDefinition definition, const ReportedCourse& course) {
  if (!CountsForDropOut(definition, course)) return false;
  switch (definition) {
    case DropOutDefinition::kBeforeContracted:
      return course.end == CourseEnd::kDroppedOut && course.attended < course.contracted_sessions;
    case DropOutDefinition::kUnderHalf:
      return course.end != CourseEnd::kAgreedEarly &&
             2 * course.attended < course.contracted_sessions;
    case DropOutDefinition::kAnyNonCompletion:
      return !AgreedEnd(course.end);
  }
  return false;
}

void MeasureTally::Add(const MeasureResult& result, bool completer) {
  better = result.better;
  if (rules.find(result.rules) == rules.end()) rules.insert(result.rules);
  itt.Add(result.first.exact, result.last.exact);
  if (result.paired) {
    paired.Add(result.first.exact, result.last.exact);
    if (completer) completers.Add(result.first.exact, result.last.exact);
  }
  const ChangeResult& change = result.change;
  if (change.case_at_first.has_value()) {
    ++(result.paired ? (*change.case_at_first ? cases : not_cases)
                     : (*change.case_at_first ? carried_cases : carried_not_cases));
  }
  if (change.case_at_first.value_or(true)) {
    AddOutcome(change.response, result.paired, response, response_itt);
    AddOutcome(change.remission, result.paired, remission, remission_itt);
  }
  if (!result.paired) return;
  reliable_of += change.reliable != ReliableVerdict::kNotEvaluated;
  reliably_improved += change.reliable == ReliableVerdict::kImproved;
  reliably_unchanged += change.reliable == ReliableVerdict::kUnchanged;
  reliably_deteriorated += change.reliable == ReliableVerdict::kDeteriorated;
  significant_of += change.significant != SignificantChange::kNotEvaluated;
  significant_recovered += change.significant == SignificantChange::kRecovered;
  significant_improved += change.significant == SignificantChange::kImproved;
  significant_unchanged += change.significant == SignificantChange::kUnchanged;
  significant_deteriorated += change.significant == SignificantChange::kDeteriorated;
}

void MeasureTally::Merge(const MeasureTally& other) {
  if (itt.count() == 0) better = other.better;
  rules.insert(other.rules.begin(), other.rules.end());
  paired.Merge(other.paired);
  completers.Merge(other.completers);
  itt.Merge(other.itt);
  cases += other.cases;
  not_cases += other.not_cases;
  carried_cases += other.carried_cases;
  carried_not_cases += other.carried_not_cases;
  outcomes::Merge(response, other.response);
  outcomes::Merge(response_itt, other.response_itt);
  outcomes::Merge(remission, other.remission);
  outcomes::Merge(remission_itt, other.remission_itt);
  reliable_of += other.reliable_of;
  reliably_improved += other.reliably_improved;
  reliably_unchanged += other.reliably_unchanged;
  reliably_deteriorated += other.reliably_deteriorated;
  significant_of += other.significant_of;
  significant_recovered += other.significant_recovered;
  significant_improved += other.significant_improved;
  significant_unchanged += other.significant_unchanged;
  significant_deteriorated += other.significant_deteriorated;
}

void GroupTally::Add(const ReportedCourse& course, const CourseResult& result,
                     const std::optional<RecoveryMeasures>& recovery_of) {
  ++courses;
  opened += course.opened_in_period;
  attended += course.attended;
  no_shows += course.no_shows;
  late_cancellations += course.late_cancellations;
  cancellations += course.cancellations;
  if (!course.ended_in_period) return;
  ++ended;
  for (int i = 0; i < kDropOutDefinitions; ++i) {
    const auto definition = static_cast<DropOutDefinition>(i);
    drop_out[i].of += CountsForDropOut(definition, course);
    drop_out[i].hits += IsDropOut(definition, course);
  }
  if (course.attended == 0) return;
  ++started;
  completed += course.end == CourseEnd::kCompleted;
  agreed_early += course.end == CourseEnd::kAgreedEarly;
  dropped_out += course.end == CourseEnd::kDroppedOut;
  ended_otherwise += course.end == CourseEnd::kOther || course.end == CourseEnd::kOpen;
  for (const MeasureResult& measure : result.measures) {
    measures[measure.measure].Add(measure, AgreedEnd(course.end));
  }
  if (recovery_of.has_value()) {
    recovery.Add(EvaluateRecovery(IsFinished(true, course.attended),
                                  StatusIn(result, recovery_of->depression),
                                  AnxietyStatus(result, recovery_of->anxiety)));
  }
}

void GroupTally::Merge(const GroupTally& other) {
  courses += other.courses;
  opened += other.opened;
  ended += other.ended;
  started += other.started;
  completed += other.completed;
  agreed_early += other.agreed_early;
  dropped_out += other.dropped_out;
  ended_otherwise += other.ended_otherwise;
  for (int i = 0; i < kDropOutDefinitions; ++i) outcomes::Merge(drop_out[i], other.drop_out[i]);
  attended += other.attended;
  no_shows += other.no_shows;
  late_cancellations += other.late_cancellations;
  cancellations += other.cancellations;
  for (const auto& [measure, tally] : other.measures) measures[measure].Merge(tally);
  recovery.Merge(other.recovery);
}

void ReportTally::Add(const ReportedCourse& course, const CourseResult& result) {
  groups_[course.group].Add(course, result, recovery_);
}

void ReportTally::Merge(const ReportTally& other) {
  for (const auto& [group, tally] : other.groups_) groups_[group].Merge(tally);
}

GroupTally ReportTally::Total() const {
  GroupTally total;
  for (const auto& [group, tally] : groups_) total.Merge(tally);
  return total;
}

void CheckReportOptions(const ReportOptions& options, FieldViolations bad) {
  if (options.least_shown < 0 || options.least_shown > kMostLeastShown) {
    bad.Add("least_shown", "must be 0 to 1000");
  }
}

ClinicReport BuildClinicReport(const ReportTally& tally, const ReportOptions& options) {
  const GroupTally total = tally.Total();
  std::vector<std::string> measures;
  for (const auto& [measure, of_measure] : total.measures) measures.push_back(measure);

  RowBuilder total_builder;
  const Blocks blocks = AddBlocks(total, measures, options.drop_out, total_builder);
  SuppressionRow total_row = total_builder.Take();
  std::vector<SuppressionRow> rows;
  if (options.by_group) {
    for (const auto& [group, of_group] : tally.groups()) {
      RowBuilder builder;
      AddBlocks(of_group, measures, options.drop_out, builder);
      rows.push_back(builder.Take());
    }
  }
  Suppress(options.least_shown, rows, total_row);

  ClinicReport report;
  report.options = options;
  const bool with_recovery = tally.recovery().has_value();
  report.total = ReportOf("", total, measures, with_recovery, options.drop_out, blocks, total_row);
  if (options.by_group) {
    size_t row = 0;
    for (const auto& [group, of_group] : tally.groups()) {
      report.groups.push_back(ReportOf(group, of_group, measures, with_recovery, options.drop_out,
                                       blocks, rows[row++]));
    }
  }
  for (const PublishedResult& published : PublishedResults()) {
    switch (published.kind) {
      case PublishedKind::kPrePostEffect:
        // A depression measure's effect, so only beside one.
        if (with_recovery && total.measures.count(tally.recovery()->depression) > 0) {
          report.comparisons.push_back({published, tally.recovery()->depression});
        }
        break;
      case PublishedKind::kDropOut:
      case PublishedKind::kPairedData:
        report.comparisons.push_back({published, ""});
        break;
      case PublishedKind::kRecovery:
        if (with_recovery) report.comparisons.push_back({published, ""});
        break;
      case PublishedKind::kControlledEffect:
      case PublishedKind::kRemission:
        report.context.push_back(published);
        break;
    }
  }
  return report;
}

}  // namespace ipt::outcomes
