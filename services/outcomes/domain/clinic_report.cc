#include "outcomes/domain/clinic_report.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
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

// `picked` is in order.
template <typename T>
bool Picks(const std::vector<T>& picked, const T& value) {
  return picked.empty() || std::binary_search(picked.begin(), picked.end(), value);
}

// Empty: not stated.
std::string NumberOf(int value) { return value == 0 ? "" : absl::StrCat(value); }

std::optional<DayNumber> DayOf(const ReportPeriod& period, const CourseResult& course) {
  return period.basis == PeriodBasis::kClosed ? course.closed_day : course.start_day;
}

// Instruments, which are shown one after the other, only once.
ReportQuery InOrder(ReportQuery query) {
  std::sort(query.indications.begin(), query.indications.end());
  std::sort(query.focuses.begin(), query.focuses.end());
  std::sort(query.therapist_ids.begin(), query.therapist_ids.end());
  std::sort(query.variant_ids.begin(), query.variant_ids.end());
  std::vector<std::string>& instruments = query.instrument_ids;
  std::sort(instruments.begin(), instruments.end());
  instruments.erase(std::unique(instruments.begin(), instruments.end()), instruments.end());
  return query;
}

// ---- A row's blocks, in the order in which they are built

// Of each definition of drop-out.
using ByDefinition = std::array<size_t, 3>;

size_t IndexOf(DropOutDefinition definition) { return static_cast<size_t>(definition) - 1; }

struct EndBlocks {
  size_t completed = 0;
  size_t agreed_early = 0;
  ByDefinition dropped_out{};
  ByDefinition ended_otherwise{};
};

struct ChangeBlocks {
  size_t scores = 0;
  size_t response = 0;
  size_t remission = 0;
  size_t reliable = 0;
  size_t significant = 0;
};

struct MeasureBlocks {
  ChangeBlocks pairs;
  ChangeBlocks others;  // and of both together
};

struct RecoveryBlocks {
  size_t paired = 0;
  size_t reliable = 0;
  size_t recovery = 0;
  size_t reliable_recovery = 0;
  size_t of_paired = 0;
  size_t cases = 0;
};

struct Blocks {
  size_t courses = 0;
  size_t open = 0;
  size_t never_started = 0;
  size_t started = 0;
  EndBlocks ends;
  size_t finished = 0;
  std::vector<MeasureBlocks> measures;
  RecoveryBlocks recovery;
};

class RowBuilder {
 public:
  size_t Add(std::vector<size_t> parents, std::vector<int64_t> parts,
             std::vector<SuppressionDifference> differences = {}) {
    row_.push_back({.parents = std::move(parents),
                    .parts = std::move(parts),
                    .differences = std::move(differences)});
    return row_.size() - 1;
  }
  SuppressionRow Take() { return std::move(row_); }

 private:
  SuppressionRow row_;
};

std::vector<int64_t> Halves(const Rate& rate) { return {rate.hits, rate.of - rate.hits}; }

// How courses ended, split in two again and again, so that all that is shown of it is sums of parts
// that could be shown: the clinic's own drop-outs first, what other definitions add to them last.
EndBlocks AddEnds(const GroupTally& tally, DropOutDefinition own, size_t started,
                  size_t never_started, RowBuilder& row) {
  const int64_t completed = tally.completed;
  const int64_t agreed = tally.agreed_early;
  const int64_t early = tally.left_before_half;
  const int64_t late = tally.left_after_half;
  const int64_t others = tally.ended_otherwise();
  const int64_t as_agreed = completed + agreed;
  EndBlocks blocks;
  const auto dropped = [&blocks](DropOutDefinition by) -> size_t& {
    return blocks.dropped_out[IndexOf(by)];
  };
  const auto otherwise = [&blocks](DropOutDefinition by) -> size_t& {
    return blocks.ended_otherwise[IndexOf(by)];
  };
  using Is = DropOutDefinition;
  // That tells how many of the started ended otherwise than as agreed.
  size_t not_agreed = 0;
  switch (own) {
    case Is::kEndedWithoutAgreement:
      dropped(own) = row.Add({started}, {early + late, as_agreed + others});
      blocks.completed = row.Add({dropped(own)}, {completed, agreed + others});
      blocks.agreed_early = otherwise(own) = not_agreed =
          row.Add({blocks.completed}, {agreed, others});
      dropped(Is::kUnderHalfAttended) = row.Add({dropped(own)}, {early, late});
      otherwise(Is::kUnderHalfAttended) =
          row.Add({otherwise(own), dropped(Is::kUnderHalfAttended)}, {late + others});
      break;
    case Is::kUnderHalfAttended:
      dropped(own) = row.Add({started}, {early, as_agreed + late + others});
      blocks.completed = row.Add({dropped(own)}, {completed, agreed + late + others});
      blocks.agreed_early = otherwise(own) = not_agreed =
          row.Add({blocks.completed}, {agreed, late + others});
      dropped(Is::kEndedWithoutAgreement) = otherwise(Is::kEndedWithoutAgreement) =
          row.Add({otherwise(own)}, {late, others, early + late});
      break;
    case Is::kAnyNonCompletion:
      not_agreed = row.Add({started}, {as_agreed, early + late + others});
      blocks.completed = blocks.agreed_early = row.Add({not_agreed}, {completed, agreed});
      dropped(Is::kEndedWithoutAgreement) = otherwise(Is::kEndedWithoutAgreement) =
          row.Add({not_agreed}, {early + late, others});
      dropped(Is::kUnderHalfAttended) = otherwise(Is::kUnderHalfAttended) =
          row.Add({dropped(Is::kEndedWithoutAgreement)}, {early, late});
      break;
  }
  // Also of those that never started.
  const size_t never = row.Add(
      {never_started}, {tally.never_as_agreed, tally.never_started - tally.never_as_agreed});
  dropped(Is::kAnyNonCompletion) = otherwise(Is::kAnyNonCompletion) =
      row.Add({not_agreed, never}, Halves(tally.DropOut(Is::kAnyNonCompletion)));
  return blocks;
}

// `coarser`: of the other courses that these are shown together with, each block of which has to be
// shown for these to follow from both; nullptr: they are shown alone.
ChangeBlocks AddChange(const ChangeTally& tally, std::vector<size_t> parents,
                       const ChangeBlocks* coarser, RowBuilder& row) {
  const auto within = [&](size_t block, size_t ChangeBlocks::*beside) {
    std::vector<size_t> of = {block};
    if (coarser != nullptr) of.push_back(coarser->*beside);
    return of;
  };
  const int64_t count = tally.scores.count();
  const Rate& response = tally.response;
  const Rate& significant = tally.significant;
  ChangeBlocks blocks;
  if (coarser != nullptr) parents.push_back(coarser->scores);
  blocks.scores = row.Add(std::move(parents), {count});
  const int64_t not_worse = tally.reliable_of - tally.reliably_deteriorated;
  blocks.reliable = row.Add(within(blocks.scores, &ChangeBlocks::reliable),
                            {tally.reliably_improved, tally.reliably_deteriorated,
                             not_worse - tally.reliably_improved, count - tally.reliable_of});
  blocks.significant =
      row.Add(within(blocks.reliable, &ChangeBlocks::significant),
              {significant.hits, significant.of - significant.hits,
               tally.reliably_improved - significant.hits, tally.reliable_of - significant.of});
  // Who responds or is remitted has not got worse; who improves or was a case had a first score
  // above 0, from which alone there is a response.
  blocks.response = row.Add(within(blocks.scores, &ChangeBlocks::response),
                            {response.hits, response.of - response.hits, count - response.of},
                            {{blocks.reliable, not_worse - response.hits},
                             {blocks.reliable, response.of - tally.reliably_improved},
                             {blocks.significant, response.of - significant.of}});
  blocks.remission = row.Add(
      within(blocks.scores, &ChangeBlocks::remission),
      {tally.remission.hits, tally.remission.of - tally.remission.hits, count - tally.remission.of},
      {{blocks.reliable, not_worse - tally.remission.hits}});
  return blocks;
}

// Those carried forward are shown with the pairs only, and where the pairs are: else the one report
// less the other would tell of them.
MeasureBlocks AddMeasure(const MeasureTally& tally, const Blocks& blocks, RowBuilder& row) {
  MeasureBlocks measure;
  measure.pairs = AddChange(tally.pairs, {blocks.finished}, nullptr, row);
  measure.others = AddChange(tally.others, {blocks.started}, &measure.pairs, row);
  return measure;
}

// Recovery as published comes first; what it tells with the other figures hides those.
RecoveryBlocks AddRecovery(const RecoveryTally& tally, size_t finished, RowBuilder& row) {
  const int64_t paired_others = tally.paired - tally.paired_cases;
  RecoveryBlocks blocks;
  blocks.paired = row.Add({finished}, {tally.paired});
  blocks.reliable = row.Add({blocks.paired}, {tally.improved, tally.unchanged, tally.deteriorated});
  // Tells how many were no case, too.
  blocks.recovery =
      row.Add({blocks.paired}, {tally.recovered, tally.paired_cases - tally.recovered,
                                tally.paired - tally.recovered, tally.not_case_at_start});
  blocks.reliable_recovery = row.Add(
      {blocks.recovery, blocks.reliable},
      {tally.reliably_recovered, tally.recovered - tally.reliably_recovered,
       tally.paired_cases - tally.reliably_recovered, tally.improved - tally.reliably_recovered});
  blocks.of_paired = row.Add({blocks.recovery}, {tally.paired_cases, paired_others,
                                                 tally.not_case_at_start - paired_others});
  blocks.cases = row.Add({blocks.paired}, {tally.case_at_start, tally.not_case_at_start},
                         {{blocks.recovery, tally.case_at_start - tally.recovered},
                          {blocks.of_paired, tally.case_at_start - tally.paired_cases}});
  return blocks;
}

// The same whatever population and definition the query asks for.
Blocks AddBlocks(const GroupTally& tally, const std::vector<std::string>& measures,
                 DropOutDefinition own, RowBuilder& row) {
  static const auto* const kNoTally = new MeasureTally();
  Blocks blocks;
  blocks.courses = row.Add({}, {tally.courses});
  blocks.open = row.Add({blocks.courses}, {tally.open});
  blocks.never_started = row.Add({blocks.courses}, {tally.never_started});
  blocks.started = row.Add({blocks.courses}, {tally.started});
  blocks.ends = AddEnds(tally, own, blocks.started, blocks.never_started, row);
  blocks.finished = row.Add({blocks.started}, {tally.recovery.finished});
  for (const std::string& measure : measures) {
    const auto found = tally.measures.find(measure);
    blocks.measures.push_back(
        AddMeasure(found == tally.measures.end() ? *kNoTally : found->second, blocks, row));
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
  RowWriter(const ReportQuery& query, const Blocks& blocks, const SuppressionRow& row)
      : query_(query), blocks_(blocks), row_(row) {}

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
    const EndBlocks& ends = blocks_.ends;
    const size_t by = IndexOf(query_.drop_out);
    report.completed = RateOf(ends.completed, {tally.completed, tally.started});
    report.agreed_early = RateOf(ends.agreed_early, {tally.agreed_early, tally.started});
    report.dropped_out = RateOf(ends.dropped_out[by], tally.DropOut(query_.drop_out));
    report.ended_otherwise =
        RateOf(ends.ended_otherwise[by], {tally.EndedOtherwise(query_.drop_out), tally.started});
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

  EffectCell EffectOf(size_t block, const PairMoments& scores, BetterWhen better) const {
    if (row_[block].hidden) return {ShownOf(row_[block]), {}};
    const std::optional<EffectSize> effect =
        PrePostEffectSize(scores, better == BetterWhen::kHigher);
    if (effect.has_value()) return {Shown::kYes, *effect};
    EffectCell cell;
    cell.effect.pairs = scores.count();
    return cell;
  }

  MeasureReport MeasureOf(const std::string& instrument_id, const MeasureTally& tally,
                          int64_t finished, const MeasureBlocks& measure) const {
    const ChangeTally change = tally.Of(query_.population);
    const ChangeBlocks& blocks =
        query_.population == ReportPopulation::kPaired ? measure.pairs : measure.others;
    MeasureReport report;
    report.instrument_id = instrument_id;
    std::set<std::string> rule_sets;
    for (const std::string& joined : change.rule_sets) {
      for (const absl::string_view one : absl::StrSplit(joined, ',', absl::SkipEmpty())) {
        rule_sets.emplace(one);
      }
    }
    report.rule_sets.assign(rule_sets.begin(), rule_sets.end());
    report.paired = RateOf(measure.pairs.scores, {tally.pairs.scores.count(), finished});
    report.effect = EffectOf(blocks.scores, change.scores, tally.better);
    report.response = RateOf(blocks.response, change.response);
    report.remission = RateOf(blocks.remission, change.remission);
    report.reliably_improved =
        RateOf(blocks.reliable, {change.reliably_improved, change.reliable_of});
    report.reliably_deteriorated =
        RateOf(blocks.reliable, {change.reliably_deteriorated, change.reliable_of});
    report.significantly_changed = RateOf(blocks.significant, change.significant);
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
    report.recovered_of_paired = RateOf(blocks.of_paired, tally.PairedRecovery());
    report.improved_of_paired = RateOf(blocks.reliable, tally.PairedImprovement());
    return report;
  }

  const ReportQuery& query_;
  const Blocks& blocks_;
  const SuppressionRow& row_;
};

}  // namespace

bool IsOfPeriod(const ReportPeriod& period, const CourseResult& course) {
  const std::optional<DayNumber> day = DayOf(period, course);
  return day.has_value() && period.first_day <= *day && *day <= period.last_day;
}

std::string GroupOf(const ReportQuery& query, const CourseResult& course) {
  switch (query.group_by) {
    case ReportGrouping::kNone:
      return "";
    case ReportGrouping::kIndication:
      return NumberOf(course.indication);
    case ReportGrouping::kTherapist:
      return course.therapist_id;
    case ReportGrouping::kVariant:
      return course.variant_id;
    case ReportGrouping::kBaselineBand:
      return course.baseline_band;
    case ReportGrouping::kMonth: {
      const absl::CivilDay day = DayOf(query.period, course).value_or(DayNumber());
      return absl::StrFormat("%04d-%02d", day.year(), day.month());
    }
    case ReportGrouping::kFocus:
      return NumberOf(course.focus);
  }
  return "";
}

void ChangeTally::Add(const MeasureResult& result) {
  // Nearly always the same ones.
  if (rule_sets.find(result.rule_sets) == rule_sets.end()) rule_sets.insert(result.rule_sets);
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

void ChangeTally::Merge(const ChangeTally& other) {
  rule_sets.insert(other.rule_sets.begin(), other.rule_sets.end());
  scores.Merge(other.scores);
  outcomes::Merge(response, other.response);
  outcomes::Merge(remission, other.remission);
  reliable_of += other.reliable_of;
  reliably_improved += other.reliably_improved;
  reliably_deteriorated += other.reliably_deteriorated;
  outcomes::Merge(significant, other.significant);
}

void MeasureTally::Add(const MeasureResult& result, bool finished) {
  better = result.better;
  (finished && result.paired ? pairs : others).Add(result);
}

void MeasureTally::Merge(const MeasureTally& other) {
  if (pairs.scores.count() + others.scores.count() == 0) better = other.better;
  pairs.Merge(other.pairs);
  others.Merge(other.others);
}

ChangeTally MeasureTally::Of(ReportPopulation population) const {
  ChangeTally change = pairs;
  if (population == ReportPopulation::kCarriedForward) change.Merge(others);
  return change;
}

Rate GroupTally::DropOut(DropOutDefinition definition) const {
  switch (definition) {
    case DropOutDefinition::kEndedWithoutAgreement:
      return {left_before_half + left_after_half, started};
    case DropOutDefinition::kUnderHalfAttended:
      return {left_before_half, started};
    case DropOutDefinition::kAnyNonCompletion:
      return {started - completed - agreed_early + never_started - never_as_agreed,
              started + never_started};
  }
  return {};
}

int64_t GroupTally::EndedOtherwise(DropOutDefinition definition) const {
  switch (definition) {
    case DropOutDefinition::kEndedWithoutAgreement:
      return ended_otherwise();
    case DropOutDefinition::kUnderHalfAttended:
      return ended_otherwise() + left_after_half;
    case DropOutDefinition::kAnyNonCompletion:
      return 0;
  }
  return 0;
}

void GroupTally::Add(const CourseResult& course, const ReportQuery& query) {
  ++courses;
  attended += course.attended;
  missed += course.missed;
  if (course.end == CourseEnd::kOpen) {
    ++open;
    return;
  }
  if (course.attended_sessions == 0) {
    ++never_started;
    never_as_agreed += course.end == CourseEnd::kCompleted || course.end == CourseEnd::kAgreedEarly;
    return;
  }
  ++started;
  completed += course.end == CourseEnd::kCompleted;
  agreed_early += course.end == CourseEnd::kAgreedEarly;
  const auto is_drop_out = [&course](DropOutDefinition definition) {
    return IsDropOut(definition, course.end, course.attended_sessions, course.planned_sessions);
  };
  if (is_drop_out(DropOutDefinition::kUnderHalfAttended)) {
    ++left_before_half;
  } else if (is_drop_out(DropOutDefinition::kEndedWithoutAgreement)) {
    ++left_after_half;
  }
  if (course.finished()) {
    sessions += course.attended_sessions;
    if (course.start_day.has_value() && course.last_day.has_value()) {
      days += course.last_day->number() - course.start_day->number();
    }
  }
  for (const MeasureResult& measure : course.measures) {
    if (!Picks(query.instrument_ids, measure.instrument_id)) continue;
    measures[measure.instrument_id].Add(measure, course.finished());
  }
  recovery.Add(course.recovery);
}

void GroupTally::Merge(const GroupTally& other) {
  courses += other.courses;
  open += other.open;
  never_started += other.never_started;
  never_as_agreed += other.never_as_agreed;
  started += other.started;
  completed += other.completed;
  agreed_early += other.agreed_early;
  left_before_half += other.left_before_half;
  left_after_half += other.left_after_half;
  attended += other.attended;
  missed += other.missed;
  sessions += other.sessions;
  days += other.days;
  for (const auto& [measure, tally] : other.measures) measures[measure].Merge(tally);
  recovery.Merge(other.recovery);
}

ReportTally::ReportTally(ReportQuery query) : query_(InOrder(std::move(query))) {}

bool ReportTally::Wants(const CourseResult& course) const {
  if (course.in_error || !IsOfPeriod(query_.period, course)) return false;
  return !course.known ||
         (Picks(query_.indications, course.indication) && Picks(query_.focuses, course.focus) &&
          Picks(query_.therapist_ids, course.therapist_id) &&
          Picks(query_.variant_ids, course.variant_id));
}

void ReportTally::Add(const CourseResult& course) {
  if (!Wants(course)) return;
  left_out_ += course.left_out;
  if (!course.known) return;
  measurements_ += course.measurements;
  GroupFor(course).Add(course, query_);
}

GroupTally& ReportTally::GroupFor(const CourseResult& course) {
  if (query_.group_by != ReportGrouping::kMonth) return groups_[GroupOf(query_, course)];
  const int day = DayOf(query_.period, course).value_or(DayNumber()).number();
  const auto [month, is_new] = months_.try_emplace(day);
  if (is_new) month->second = GroupOf(query_, course);
  return groups_[month->second];
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
      if (of_measure.Of(query.population).scores.count() > 0) measures.push_back(measure);
    }
  }
  std::map<absl::string_view, const GroupTally*> groups;  // by name
  if (query.group_by != ReportGrouping::kNone) {
    for (const auto& [group, of_group] : tally.groups()) groups[group] = &of_group;
  }

  RowBuilder total_builder;
  const Blocks blocks = AddBlocks(total, measures, query.policy_drop_out, total_builder);
  SuppressionRow total_row = total_builder.Take();
  std::vector<SuppressionRow> rows;
  for (const auto& [group, of_group] : groups) {
    RowBuilder builder;
    AddBlocks(*of_group, measures, query.policy_drop_out, builder);
    rows.push_back(builder.Take());
  }
  // What the clinic hides stays hidden, and as it was: a request for more only adds to it.
  Suppress(query.policy_smallest_group, rows, total_row);
  Suppress(query.smallest_group, rows, total_row);

  ClinicReport report;
  report.query = query;
  report.total = RowWriter(query, blocks, total_row).Write("", total, measures);
  size_t row = 0;
  for (const auto& [group, of_group] : groups) {
    report.groups.push_back(
        RowWriter(query, blocks, rows[row++]).Write(std::string(group), *of_group, measures));
  }
  report.measurements = tally.measurements();
  report.left_out = tally.left_out();
  return report;
}

}  // namespace ipt::outcomes
