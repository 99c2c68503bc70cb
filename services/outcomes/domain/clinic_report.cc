#include "outcomes/domain/clinic_report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "outcomes/domain/suppression.h"

namespace ipt::outcomes {
namespace {

void Merge(Rate& rate, const Rate& other) {
  rate.hits += other.hits;
  rate.of += other.of;
}

void Count(const std::optional<bool>& hit, Rate& rate) {
  if (!hit.has_value()) return;
  ++rate.of;
  rate.hits += *hit;
}

template <typename T>
bool Picks(const std::vector<T>& picked, const T& value) {
  return picked.empty() || std::find(picked.begin(), picked.end(), value) != picked.end();
}

std::optional<absl::CivilDay> DayOf(const ReportPeriod& period, const CourseResult& course) {
  return period.basis == PeriodBasis::kClosed ? course.closed_day : course.start_day;
}

// ---- A row's blocks, in the order in which they are built

struct MeasureBlocks {
  size_t paired = 0;
  size_t scores = 0;
  size_t response = 0;
  size_t remission = 0;
  size_t reliable = 0;
  size_t significant = 0;
};

struct RecoveryBlocks {
  size_t paired = 0;
  size_t cases = 0;
  size_t reliable = 0;
  size_t recovery = 0;
  size_t reliable_recovery = 0;
};

struct Blocks {
  size_t courses = 0;
  size_t open = 0;
  size_t never_started = 0;
  size_t started = 0;
  size_t drop_out = 0;
  size_t completed = 0;
  size_t other_ends = 0;
  size_t finished = 0;
  std::vector<MeasureBlocks> measures;
  RecoveryBlocks recovery;
};

class RowBuilder {
 public:
  size_t Add(std::vector<size_t> parents, std::vector<int64_t> parts) {
    row_.push_back({.parents = std::move(parents), .parts = std::move(parts)});
    return row_.size() - 1;
  }
  SuppressionRow Take() { return std::move(row_); }

 private:
  SuppressionRow row_;
};

std::vector<int64_t> Halves(const Rate& rate) { return {rate.hits, rate.of - rate.hits}; }

MeasureBlocks AddMeasure(const MeasureTally& tally, ReportPopulation population,
                         const Blocks& blocks, RowBuilder& row) {
  MeasureBlocks m;
  m.paired = row.Add({blocks.finished}, {tally.pairs});
  m.scores = row.Add({population == ReportPopulation::kPaired ? m.paired : blocks.started},
                     {tally.scores.count()});
  m.response = row.Add({m.scores}, Halves(tally.response));
  m.remission = row.Add({m.scores}, Halves(tally.remission));
  m.reliable = row.Add({m.scores},
                       {tally.reliably_improved, tally.reliably_deteriorated,
                        tally.reliable_of - tally.reliably_improved - tally.reliably_deteriorated});
  m.significant =
      row.Add({m.reliable}, {tally.significant.hits, tally.significant.of - tally.significant.hits,
                             tally.reliably_improved - tally.significant.hits,
                             tally.reliable_of - tally.significant.of});
  return m;
}

RecoveryBlocks AddRecovery(const RecoveryTally& tally, size_t finished, RowBuilder& row) {
  RecoveryBlocks blocks;
  blocks.paired = row.Add({finished}, {tally.paired});
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

Blocks AddBlocks(const GroupTally& tally, const std::vector<std::string>& measures,
                 ReportPopulation population, RowBuilder& row) {
  static const auto* const kNoTally = new MeasureTally();
  Blocks blocks;
  blocks.courses = row.Add({}, {tally.courses});
  blocks.open = row.Add({blocks.courses}, {tally.open});
  blocks.never_started = row.Add({blocks.courses}, {tally.never_started});
  blocks.started = row.Add({blocks.courses}, {tally.started});
  // The rate may also be of those never started; how the others ended tells it without them.
  blocks.drop_out =
      row.Add({blocks.started}, {tally.drop_out.hits, tally.drop_out.of - tally.drop_out.hits,
                                 tally.dropped_out, tally.started - tally.dropped_out});
  blocks.completed = row.Add(
      {blocks.drop_out}, {tally.completed, tally.started - tally.dropped_out - tally.completed});
  blocks.other_ends = row.Add({blocks.completed}, {tally.agreed_early, tally.ended_otherwise()});
  blocks.finished = row.Add({blocks.started}, {tally.recovery.finished});
  for (const std::string& measure : measures) {
    const auto found = tally.measures.find(measure);
    blocks.measures.push_back(AddMeasure(found == tally.measures.end() ? *kNoTally : found->second,
                                         population, blocks, row));
  }
  blocks.recovery = AddRecovery(tally.recovery, blocks.finished, row);
  return blocks;
}

// ---- Cells

Shown ShownOf(const SuppressionBlock& block) {
  if (!block.hidden) return Shown::kYes;
  return block.complementary ? Shown::kComplementary : Shown::kSmall;
}

// One group's report, from its tally and what of it is hidden.
class RowWriter {
 public:
  RowWriter(const Blocks& blocks, const SuppressionRow& row) : blocks_(blocks), row_(row) {}

  GroupReport Write(std::string group, const GroupTally& tally,
                    const std::vector<std::string>& measures) const {
    GroupReport report;
    report.group = std::move(group);
    report.shown = ShownOf(row_[blocks_.courses]);
    report.courses = Count(blocks_.courses, tally.courses);
    report.open = Count(blocks_.open, tally.open);
    report.never_started = Count(blocks_.never_started, tally.never_started);
    const int64_t finished = tally.recovery.finished;
    report.finished = Count(blocks_.finished, finished);
    report.completed = RateOf(blocks_.completed, {tally.completed, tally.started});
    report.agreed_early = RateOf(blocks_.other_ends, {tally.agreed_early, tally.started});
    report.dropped_out = RateOf(blocks_.drop_out, tally.drop_out);
    report.ended_otherwise = RateOf(blocks_.other_ends, {tally.ended_otherwise(), tally.started});
    report.attended = RateOf(blocks_.courses, {tally.attended, tally.attended + tally.missed});
    report.attended.interval.reset();
    report.mean_sessions = Mean(blocks_.finished, tally.sessions, finished);
    report.mean_weeks = Mean(blocks_.finished, tally.days, 7 * finished);
    report.recovery = RecoveryOf(tally.recovery);
    for (size_t i = 0; i < measures.size(); ++i) {
      const auto found = tally.measures.find(measures[i]);
      report.measures.push_back(
          MeasureOf(measures[i], found == tally.measures.end() ? MeasureTally() : found->second,
                    finished, blocks_.measures[i]));
    }
    return report;
  }

 private:
  CountCell Count(size_t block, int64_t count) const {
    const Shown shown = ShownOf(row_[block]);
    return {shown, shown == Shown::kYes ? count : 0};
  }

  RateCell RateOf(size_t block, const Rate& rate) const {
    RateCell cell;
    if (row_[block].hidden) {
      cell.shown = ShownOf(row_[block]);
    } else if (rate.of > 0) {
      cell = {Shown::kYes, rate, static_cast<double>(rate.hits) / static_cast<double>(rate.of),
              WilsonInterval(rate.hits, rate.of)};
    }
    return cell;
  }

  MeanCell Mean(size_t block, int64_t sum, int64_t of) const {
    if (row_[block].hidden) return {ShownOf(row_[block]), 0};
    if (of == 0) return {};
    return {Shown::kYes, static_cast<double>(sum) / static_cast<double>(of)};
  }

  EffectCell EffectOf(size_t block, const MeasureTally& tally) const {
    if (row_[block].hidden) return {ShownOf(row_[block]), {}};
    const std::optional<EffectSize> effect =
        PrePostEffectSize(tally.scores, tally.better == BetterWhen::kHigher);
    if (effect.has_value()) return {Shown::kYes, *effect};
    EffectCell cell;
    cell.effect.pairs = tally.scores.count();
    return cell;
  }

  MeasureReport MeasureOf(const std::string& instrument_id, const MeasureTally& tally,
                          int64_t finished, const MeasureBlocks& blocks) const {
    MeasureReport report;
    report.instrument_id = instrument_id;
    report.rule_sets.assign(tally.rule_sets.begin(), tally.rule_sets.end());
    report.paired = RateOf(blocks.paired, {tally.pairs, finished});
    report.effect = EffectOf(blocks.scores, tally);
    report.response = RateOf(blocks.response, tally.response);
    report.remission = RateOf(blocks.remission, tally.remission);
    report.reliably_improved =
        RateOf(blocks.reliable, {tally.reliably_improved, tally.reliable_of});
    report.reliably_deteriorated =
        RateOf(blocks.reliable, {tally.reliably_deteriorated, tally.reliable_of});
    report.significantly_changed = RateOf(blocks.significant, tally.significant);
    return report;
  }

  RecoveryReport RecoveryOf(const RecoveryTally& tally) const {
    const RecoveryBlocks& blocks = blocks_.recovery;
    RecoveryReport report;
    report.paired = RateOf(blocks.paired, tally.PairedData());
    report.case_at_start = RateOf(blocks.cases, {tally.case_at_start, tally.finished});
    report.recovered = RateOf(blocks.recovery, tally.Recovery());
    report.reliably_improved = RateOf(blocks.reliable, tally.Improvement());
    report.no_reliable_change = RateOf(blocks.reliable, tally.NoReliableChange());
    report.reliably_deteriorated = RateOf(blocks.reliable, tally.Deterioration());
    report.reliably_recovered = RateOf(blocks.reliable_recovery, tally.ReliableRecovery());
    report.recovered_of_paired = RateOf(blocks.recovery, tally.PairedRecovery());
    report.improved_of_paired = RateOf(blocks.reliable, tally.PairedImprovement());
    return report;
  }

  const Blocks& blocks_;
  const SuppressionRow& row_;
};

}  // namespace

bool IsOfPeriod(const ReportPeriod& period, const CourseResult& course) {
  const std::optional<absl::CivilDay> day = DayOf(period, course);
  return day.has_value() && period.first_day <= *day && *day <= period.last_day;
}

std::string GroupOf(const ReportQuery& query, const CourseResult& course) {
  switch (query.group_by) {
    case ReportGrouping::kNone:
      return "";
    case ReportGrouping::kIndication:
      return course.indication == 0 ? "" : absl::StrCat(course.indication);
    case ReportGrouping::kTherapist:
      return course.therapist_id;
    case ReportGrouping::kVariant:
      return course.variant_id;
    case ReportGrouping::kBaselineBand:
      return course.baseline_band;
    case ReportGrouping::kMonth: {
      const absl::CivilDay day = DayOf(query.period, course).value_or(absl::CivilDay());
      return absl::StrFormat("%04d-%02d", day.year(), day.month());
    }
  }
  return "";
}

void MeasureTally::Add(const MeasureResult& result, bool finished, ReportPopulation population) {
  const bool pair = finished && result.paired;
  pairs += pair;
  if (population == ReportPopulation::kPaired && !pair) return;
  better = result.better;
  rule_sets.insert(result.rule_sets.begin(), result.rule_sets.end());
  scores.Add(result.first, result.last);
  Count(result.response, response);
  Count(result.remission, remission);
  reliable_of += result.reliable != ReliableVerdict::kNotEvaluated;
  reliably_improved += result.reliable == ReliableVerdict::kImproved;
  reliably_deteriorated += result.reliable == ReliableVerdict::kDeteriorated;
  if (result.significant != SignificantChange::kNotEvaluated &&
      result.case_at_first.value_or(false)) {
    ++significant.of;
    significant.hits += result.significant == SignificantChange::kRecovered;
  }
}

void MeasureTally::Merge(const MeasureTally& other) {
  if (scores.count() == 0) better = other.better;
  rule_sets.insert(other.rule_sets.begin(), other.rule_sets.end());
  pairs += other.pairs;
  scores.Merge(other.scores);
  outcomes::Merge(response, other.response);
  outcomes::Merge(remission, other.remission);
  reliable_of += other.reliable_of;
  reliably_improved += other.reliably_improved;
  reliably_deteriorated += other.reliably_deteriorated;
  outcomes::Merge(significant, other.significant);
}

void GroupTally::Add(const CourseResult& course, const ReportQuery& query) {
  ++courses;
  attended += course.attended;
  missed += course.missed;
  if (course.end == CourseEnd::kOpen) {
    ++open;
    return;
  }
  const bool counts = CountsForDropOut(query.drop_out, course.end, course.attended_sessions);
  const bool drops_out = counts && IsDropOut(query.drop_out, course.end, course.attended_sessions,
                                             course.planned_sessions);
  drop_out.of += counts;
  drop_out.hits += drops_out;
  if (course.attended_sessions == 0) {
    ++never_started;
    return;
  }
  ++started;
  completed += course.end == CourseEnd::kCompleted;
  agreed_early += course.end == CourseEnd::kAgreedEarly;
  dropped_out += drops_out;
  if (course.finished()) {
    sessions += course.attended_sessions;
    if (course.start_day.has_value() && course.last_day.has_value()) {
      days += *course.last_day - *course.start_day;
    }
  }
  for (const MeasureResult& measure : course.measures) {
    if (!Picks(query.instrument_ids, measure.instrument_id)) continue;
    measures[measure.instrument_id].Add(measure, course.finished(), query.population);
  }
  recovery.Add(course.recovery);
}

void GroupTally::Merge(const GroupTally& other) {
  courses += other.courses;
  open += other.open;
  never_started += other.never_started;
  started += other.started;
  completed += other.completed;
  agreed_early += other.agreed_early;
  dropped_out += other.dropped_out;
  outcomes::Merge(drop_out, other.drop_out);
  attended += other.attended;
  missed += other.missed;
  sessions += other.sessions;
  days += other.days;
  for (const auto& [measure, tally] : other.measures) measures[measure].Merge(tally);
  recovery.Merge(other.recovery);
}

void ReportTally::Add(const CourseResult& course) {
  if (course.in_error || !IsOfPeriod(query_.period, course)) return;
  if (!course.known) {
    left_out_ += course.left_out;
    return;
  }
  if (!Picks(query_.indications, course.indication) ||
      !Picks(query_.therapist_ids, course.therapist_id) ||
      !Picks(query_.variant_ids, course.variant_id)) {
    return;
  }
  measurements_ += course.measurements;
  left_out_ += course.left_out;
  groups_[GroupOf(query_, course)].Add(course, query_);
}

void ReportTally::Merge(const ReportTally& other) {
  for (const auto& [group, tally] : other.groups_) groups_[group].Merge(tally);
  measurements_ += other.measurements_;
  left_out_ += other.left_out_;
}

GroupTally ReportTally::Total() const {
  GroupTally total;
  for (const auto& [group, tally] : groups_) total.Merge(tally);
  return total;
}

ClinicReport BuildClinicReport(const ReportTally& tally) {
  const ReportQuery& query = tally.query();
  const GroupTally total = tally.Total();
  std::vector<std::string> measures = query.instrument_ids;
  if (measures.empty()) {
    for (const auto& [measure, of_measure] : total.measures) {
      if (of_measure.scores.count() > 0) measures.push_back(measure);
    }
  }

  RowBuilder total_builder;
  const Blocks blocks = AddBlocks(total, measures, query.population, total_builder);
  SuppressionRow total_row = total_builder.Take();
  std::vector<SuppressionRow> rows;
  const bool by_group = query.group_by != ReportGrouping::kNone;
  if (by_group) {
    for (const auto& [group, of_group] : tally.groups()) {
      RowBuilder builder;
      AddBlocks(of_group, measures, query.population, builder);
      rows.push_back(builder.Take());
    }
  }
  Suppress(query.smallest_group, rows, total_row);

  ClinicReport report;
  report.query = query;
  report.total = RowWriter(blocks, total_row).Write("", total, measures);
  if (by_group) {
    size_t row = 0;
    for (const auto& [group, of_group] : tally.groups()) {
      report.groups.push_back(RowWriter(blocks, rows[row++]).Write(group, of_group, measures));
    }
  }
  report.measurements = tally.measurements();
  report.left_out = tally.left_out();
  return report;
}

}  // namespace ipt::outcomes
