#include "outcomes/domain/recovery.h"

namespace ipt::outcomes {

MeasureStatus StatusOf(const ChangeRules& rules, std::optional<double> first,
                       std::optional<double> last) {
  MeasureStatus status;
  if (!first.has_value() || !rules.cut_off.has_value() || !rules.reliable_change.has_value()) {
    return status;
  }
  status.has_first = true;
  status.case_at_first = *IsCase(rules, *first);
  if (!last.has_value()) return status;
  status.has_last = true;
  status.case_at_last = *IsCase(rules, *last);
  status.reliable = ReliableVerdictOf(rules, *first, *last);
  return status;
}

bool IsFinished(bool referral_ended, int attended_treatment_appointments) {
  return referral_ended && attended_treatment_appointments >= kLeastAttendedOfFinished;
}

RecoveryResult EvaluateRecovery(bool finished, const MeasureStatus& depression,
                                const MeasureStatus& anxiety) {
  RecoveryResult result;
  result.finished = finished;
  if ((depression.has_first && depression.case_at_first) ||
      (anxiety.has_first && anxiety.case_at_first)) {
    result.case_at_start = true;
  } else if (depression.has_first && anxiety.has_first) {
    result.case_at_start = false;
  }
  if (!finished) return result;
  if (!depression.has_first || !anxiety.has_first) {
    result.no_outcome = NoOutcome::kNoScore;
    return result;
  }
  if (!depression.has_last || !anxiety.has_last) {
    result.no_outcome = NoOutcome::kSingleScore;
    return result;
  }
  result.no_outcome = NoOutcome::kNone;
  const bool better = depression.reliable == ReliableVerdict::kImproved ||
                      anxiety.reliable == ReliableVerdict::kImproved;
  const bool worse = depression.reliable == ReliableVerdict::kDeteriorated ||
                     anxiety.reliable == ReliableVerdict::kDeteriorated;
  result.mixed = better && worse;
  result.reliable = better == worse ? ReliableOutcome::kNoReliableChange
                    : better        ? ReliableOutcome::kImproved
                                    : ReliableOutcome::kDeteriorated;
  result.recovered = *result.case_at_start && !depression.case_at_last && !anxiety.case_at_last;
  result.reliably_recovered = result.recovered && result.reliable == ReliableOutcome::kImproved;
  return result;
}

void RecoveryTally::Add(const RecoveryResult& result) {
  ++courses;
  if (!result.finished) return;
  ++finished;
  ++(!result.case_at_start.has_value() ? case_unknown
     : *result.case_at_start           ? case_at_start
                                       : not_case_at_start);
  switch (result.no_outcome) {
    case NoOutcome::kNotFinished:
      break;
    case NoOutcome::kNoScore:
      ++no_score;
      break;
    case NoOutcome::kSingleScore:
      ++single_score;
      break;
    case NoOutcome::kNone:
      ++paired;
      paired_cases += *result.case_at_start;
      break;
  }
  recovered += result.recovered;
  reliably_recovered += result.reliably_recovered;
  improved += result.reliable == ReliableOutcome::kImproved;
  unchanged += result.reliable == ReliableOutcome::kNoReliableChange;
  deteriorated += result.reliable == ReliableOutcome::kDeteriorated;
  mixed += result.mixed;
}

void RecoveryTally::Merge(const RecoveryTally& other) {
  courses += other.courses;
  finished += other.finished;
  paired += other.paired;
  no_score += other.no_score;
  single_score += other.single_score;
  case_at_start += other.case_at_start;
  not_case_at_start += other.not_case_at_start;
  case_unknown += other.case_unknown;
  recovered += other.recovered;
  reliably_recovered += other.reliably_recovered;
  improved += other.improved;
  unchanged += other.unchanged;
  deteriorated += other.deteriorated;
  mixed += other.mixed;
  paired_cases += other.paired_cases;
}

}  // namespace ipt::outcomes
