// Sudden gains: large, lasting drops from one session to the next (Tang and DeRubeis 1999, in the
// form of the R package `suddengains`).
//
// Between sessions n and n + 1 there is a gain when
//   1. the score drops by the measure's cut-off or more (BDI: 7; PHQ-9: 6),
//   2. by 25 % of the score at n or more,
//   3. mean(n-2, n-1, n) - mean(n+1, n+2, n+3) > t * sqrt(((n1-1) s1^2 + (n2-1) s2^2) / (n1+n2-2))
//      with t = 2.776 of three scores a side, 3.182 with one missing, 4.303 with one missing on
//      each; at least two a side. The published form has no sqrt(1/n1 + 1/n2).
//
// Shown, not used to predict: in a steady decline up to .70 of the "gains" are none, and in IPT
// gains were unrelated to remission (Kelly 2007).
//
// Pure functions, thread-safe.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "outcomes/domain/change.h"
#include "platform/errors/field_violations.h"

namespace ipt::outcomes {

struct SuddenGainRules {
  double least_drop = 0;      // points
  double least_share = 0.25;  // of the score before
  friend bool operator==(const SuddenGainRules&, const SuddenGainRules&) = default;
};

void CheckSuddenGainRules(const SuddenGainRules& rules, BetterWhen better, FieldViolations bad);

enum class GainState {
  kGain,
  // Large enough, but the scores after it are too few yet to tell whether it lasts.
  kUndecided,
};

struct SuddenGain {
  size_t before = 0;  // index of score n in the series; the gain is between it and the next
  GainState state = GainState::kUndecided;
  double drop = 0;
  double share = 0;
  // Of kGain.
  double mean_before = 0;
  double mean_after = 0;
  double critical_difference = 0;  // the right side of 3.
  // All three sessions after it have passed: no later score changes the verdict.
  bool settled = false;
  friend bool operator==(const SuddenGain&, const SuddenGain&) = default;
};

// `series` has an element a session, empty where it has no score. `complete`: no session follows.
// Only for measures of which less is better; a score of 0 has nothing to gain.
std::vector<SuddenGain> FindSuddenGains(const SuddenGainRules& rules,
                                        const std::vector<std::optional<double>>& series,
                                        bool complete);

}  // namespace ipt::outcomes
