// A clinic's report, from what its courses came to: how many and what became of them, how sessions
// were kept, pre-post effect sizes, rates with their intervals, by group.
//
// One pass: a ReportTally adds course after course and keeps no row, and tallies of parts merge to
// the very tally of the whole, in any order.
//
// Results are of courses that are closed and had started (a treatment session attended). Changes of
// a measure are of one of two populations, which are never mixed, since leaving out those who left
// flatters:
//   paired           finished courses with a first and a last score
//   carried forward  all closed after their start with a first score; where there is no last one,
//                    the first stands for it: no change
//
// Small numbers are suppressed as suppression.h says, and so that reports of the same courses which
// differ only in population, definition of drop-out or smallest group tell together no more than
// the widest of them: what is hidden does not hang on the first two, and only grows with the third.
// How many are open, never started, finished or have a pair is of the data and not of anybody's
// outcome: it is shown unless it is itself small, and may then follow from what it is a part of.
// Figures of two measures, or of two groupings, are not held against each other. A rate's interval
// is Wilson's; of attendance there is none, since sessions of one course are not independent. The
// effect size and its interval are statistics.h's.
//
// Values; not synchronized.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "outcomes/domain/course_result.h"
#include "outcomes/domain/drop_out.h"
#include "outcomes/domain/recovery.h"
#include "outcomes/domain/statistics.h"

namespace ipt::outcomes {

// All with the contract's numbers.
enum class PeriodBasis { kClosed = 1, kStarted };
enum class ReportPopulation { kPaired = 1, kCarriedForward };
enum class ReportGrouping {
  kNone = 0,
  kIndication,
  kTherapist,
  kVariant,
  kBaselineBand,
  kMonth,
  kFocus
};

struct ReportPeriod {
  PeriodBasis basis = PeriodBasis::kClosed;
  DayNumber first_day{};
  DayNumber last_day{};  // itself included
};

struct ReportQuery {
  ReportPeriod period{};
  // Empty: all.
  std::vector<int> indications{};
  std::vector<int> focuses{};  // primary ones
  std::vector<std::string> therapist_ids{};
  std::vector<std::string> variant_ids{};
  std::vector<std::string> instrument_ids{};  // empty: all with scores of the population
  ReportPopulation population = ReportPopulation::kPaired;
  DropOutDefinition drop_out = DropOutDefinition::kEndedWithoutAgreement;
  ReportGrouping group_by = ReportGrouping::kNone;
  // The least number of people that may be shown; below 2, nothing is suppressed.
  int smallest_group = 5;
  // The clinic's own, which is not greater, and its own definition: by these it is decided what is
  // hidden whatever is asked.
  int policy_smallest_group = 0;
  DropOutDefinition policy_drop_out = DropOutDefinition::kEndedWithoutAgreement;
};

// Whether the course is of the period; those that nothing is known of are by the day of their
// newest measurement.
bool IsOfPeriod(const ReportPeriod& period, const CourseResult& course);
// What the row of the course is called, as ReportRow.group says, but ids for names; empty: not
// known.
std::string GroupOf(const ReportQuery& query, const CourseResult& course);

// The changes of some of a measure's courses.
struct ChangeTally {
  std::set<std::string, std::less<>> rule_sets;  // as MeasureResult has them
  PairMoments scores;
  Rate response;
  Rate remission;
  int64_t reliable_of = 0;
  int64_t reliably_improved = 0;
  int64_t reliably_deteriorated = 0;
  Rate significant;  // of those that were a case at first

  void Add(const MeasureResult& result);
  void Merge(const ChangeTally& other);
  friend bool operator==(const ChangeTally&, const ChangeTally&) = default;
};

struct MeasureTally {
  BetterWhen better = BetterWhen::kLower;
  ChangeTally pairs;   // finished, with a first and a last score
  ChangeTally others;  // closed after their start with a first score, and no such pair

  void Add(const MeasureResult& result, bool finished);
  void Merge(const MeasureTally& other);
  ChangeTally Of(ReportPopulation population) const;
  friend bool operator==(const MeasureTally&, const MeasureTally&) = default;
};

// Of one group.
struct GroupTally {
  int64_t courses = 0;
  int64_t open = 0;
  int64_t never_started = 0;    // closed all the same
  int64_t never_as_agreed = 0;  // of these: completed, or ended early by agreement
  // Closed after their start, as all below.
  int64_t started = 0;
  int64_t completed = 0;
  int64_t agreed_early = 0;
  int64_t left_before_half = 0;  // dropped out by the strictest definition
  int64_t left_after_half = 0;   // only by the one without it
  int64_t attended = 0;          // sessions, of all courses
  int64_t missed = 0;
  int64_t sessions = 0;  // attended of the treatment, of the finished
  int64_t days = 0;      // from the first of them to the last
  std::map<std::string, MeasureTally, std::less<>> measures;
  RecoveryTally recovery;  // of the closed

  int64_t ended_otherwise() const {
    return started - completed - agreed_early - left_before_half - left_after_half;
  }
  Rate DropOut(DropOutDefinition definition) const;
  // Of the started, those that are neither drop-outs nor ended as agreed.
  int64_t EndedOtherwise(DropOutDefinition definition) const;

  void Add(const CourseResult& course, const ReportQuery& query);
  void Merge(const GroupTally& other);
  friend bool operator==(const GroupTally&, const GroupTally&) = default;
};

class ReportTally {
 public:
  using Groups = absl::node_hash_map<std::string, GroupTally>;

  explicit ReportTally(ReportQuery query);

  // Whether the query picks the course; told without its measures.
  bool Wants(const CourseResult& course) const;
  // Counts what the query picks, and passes over the others.
  void Add(const CourseResult& course);
  // REQUIRES: made for the same query.
  void Merge(const ReportTally& other);

  const ReportQuery& query() const { return query_; }
  const Groups& groups() const { return groups_; }
  GroupTally Total() const;
  // Measurements of the courses counted, without `left_out`.
  int64_t measurements() const { return measurements_; }
  // Of the courses counted, and of those in the period that nothing is known of: what could not be
  // bound to its course or session.
  int64_t left_out() const { return left_out_; }

 private:
  GroupTally& GroupFor(const CourseResult& course);

  const ReportQuery query_;
  Groups groups_;
  absl::flat_hash_map<int, std::string> months_;  // of days: writing one is dear
  int64_t measurements_ = 0;
  int64_t left_out_ = 0;
};

// ---- The report

// Why a number is not shown; the contract's numbers.
enum class Shown { kYes = 0, kSmall, kComplementary, kNotComputable };

struct CountCell {
  Shown shown = Shown::kYes;
  int64_t count = 0;  // where shown, as all below
};

struct RateCell {
  Shown shown = Shown::kNotComputable;  // of none
  Rate rate{};
  double share = 0;
  std::optional<ConfidenceInterval> interval{};
};

struct MeanCell {
  Shown shown = Shown::kNotComputable;
  double mean = 0;
};

struct EffectCell {
  Shown shown = Shown::kNotComputable;  // no pairs, or all first scores are equal
  EffectSize effect{};
};

struct MeasureReport {
  std::string instrument_id;
  // Of its courses; more than one of a kind where the policy's changed.
  std::vector<std::string> rule_sets;
  RateCell paired;  // of the finished
  EffectCell effect;
  RateCell response;
  RateCell remission;
  RateCell reliably_improved;
  RateCell reliably_deteriorated;
  RateCell significantly_changed;
};

// As published (recovery.h), and of those with an outcome.
struct RecoveryReport {
  RateCell paired;
  RateCell case_at_start;
  RateCell recovered;
  RateCell reliably_improved;
  RateCell no_reliable_change;
  RateCell reliably_deteriorated;
  RateCell reliably_recovered;
  RateCell recovered_of_paired;
  RateCell improved_of_paired;
};

struct GroupReport {
  std::string group;
  Shown shown = Shown::kYes;  // else nothing of the row is
  CountCell courses;
  CountCell open;
  CountCell never_started;
  CountCell finished;
  RateCell completed;
  RateCell agreed_early;
  RateCell dropped_out;
  RateCell ended_otherwise;
  RateCell attended;
  MeanCell mean_sessions;
  MeanCell mean_weeks;
  RecoveryReport recovery;
  std::vector<MeasureReport> measures;
};

struct ClinicReport {
  ReportQuery query;
  GroupReport total;
  std::vector<GroupReport> groups;  // by name; none without grouping
  int64_t measurements = 0;
  int64_t left_out = 0;
};

ClinicReport BuildClinicReport(const ReportTally& tally);

}  // namespace ipt::outcomes
