// NHS Talking Therapies' outcomes of a course over two measures, one of depression (PHQ-9) and one
// of anxiety (GAD-7 or a disorder's own), as NHS England's measure definitions of 2024-25 construct
// them.
//
//   finished course       the referral has ended, with two attended treatment appointments or more
//   case at the start     at or above the cut-off on either measure at first
//   recovery              a case at the start; below the cut-off on both at last
//   reliable improvement  reliably better on at least one, reliably worse on none
//   reliable deterioration  reliably worse on at least one, reliably better on none
//   no reliable change    neither; also better on the one and worse on the other
//   reliable recovery     recovery, and reliable improvement
//
// Nothing is guessed: with the first and the last score of both measures there is an outcome, else
// the reason why there is none. Which scores are first and last is trajectory.h's to say.
//
// Pure functions, thread-safe; a tally is a value.
#pragma once

#include <cstdint>
#include <optional>

#include "outcomes/domain/change.h"

namespace ipt::outcomes {

// One measure of a course, held against its rules (which must have a cut-off and a reliable
// change; without them the measure has no status).
struct MeasureStatus {
  bool has_first = false;
  bool has_last = false;       // another score than the first
  bool case_at_first = false;  // of what there is
  bool case_at_last = false;
  ReliableVerdict reliable = ReliableVerdict::kNotEvaluated;
  friend bool operator==(const MeasureStatus&, const MeasureStatus&) = default;
};

MeasureStatus StatusOf(const ChangeRules& rules, std::optional<double> first,
                       std::optional<double> last);

inline constexpr int kLeastAttendedOfFinished = 2;

// Assessments, follow-ups and missed appointments are not treatment appointments.
bool IsFinished(bool referral_ended, int attended_treatment_appointments);

enum class NoOutcome {
  kNone,         // there is an outcome
  kNotFinished,  // open, or fewer than two attended appointments
  kNoScore,      // a measure has no score within the episode
  kSingleScore,  // a measure has one only: no pair
};

enum class ReliableOutcome { kNone, kImproved, kNoReliableChange, kDeteriorated };

struct RecoveryResult {
  bool finished = false;
  NoOutcome no_outcome = NoOutcome::kNotFinished;
  // nullopt where the scores that there are do not tell.
  std::optional<bool> case_at_start;
  ReliableOutcome reliable = ReliableOutcome::kNone;  // kNone without an outcome
  bool mixed = false;  // better on the one, worse on the other; counted as no reliable change
  bool recovered = false;
  bool reliably_recovered = false;
  friend bool operator==(const RecoveryResult&, const RecoveryResult&) = default;
};

RecoveryResult EvaluateRecovery(bool finished, const MeasureStatus& depression,
                                const MeasureStatus& anxiety);

// A rate with both of its numbers.
struct Rate {
  int64_t hits = 0;
  int64_t of = 0;
  friend bool operator==(const Rate&, const Rate&) = default;
};

// Counts over courses. Mergeable: adding to parts and merging them equals adding to one.
struct RecoveryTally {
  int64_t courses = 0;
  int64_t finished = 0;
  // Of the finished.
  int64_t paired = 0;
  int64_t no_score = 0;
  int64_t single_score = 0;
  int64_t case_at_start = 0;
  int64_t not_case_at_start = 0;
  int64_t case_unknown = 0;
  int64_t recovered = 0;
  int64_t reliably_recovered = 0;
  int64_t improved = 0;
  int64_t unchanged = 0;  // no reliable change, mixed ones among them
  int64_t deteriorated = 0;
  int64_t mixed = 0;
  int64_t paired_cases = 0;  // of the paired, a case at the start

  void Add(const RecoveryResult& result);
  void Merge(const RecoveryTally& other);

  // As published: of the finished but those known not to be cases at the start.
  Rate Recovery() const { return {recovered, finished - not_case_at_start}; }
  Rate ReliableRecovery() const { return {reliably_recovered, finished - not_case_at_start}; }
  // As published: of all finished.
  Rate Improvement() const { return {improved, finished}; }
  Rate NoReliableChange() const { return {unchanged, finished}; }
  Rate Deterioration() const { return {deteriorated, finished}; }
  // The same, of those whose scores allow an outcome.
  Rate PairedRecovery() const { return {recovered, paired_cases}; }
  Rate PairedReliableRecovery() const { return {reliably_recovered, paired_cases}; }
  Rate PairedImprovement() const { return {improved, paired}; }
  Rate PairedNoReliableChange() const { return {unchanged, paired}; }
  Rate PairedDeterioration() const { return {deteriorated, paired}; }
  Rate PairedData() const { return {paired, finished}; }

  friend bool operator==(const RecoveryTally&, const RecoveryTally&) = default;
};

}  // namespace ipt::outcomes
