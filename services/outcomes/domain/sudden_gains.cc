#include "outcomes/domain/sudden_gains.h"

#include <algorithm>
#include <cmath>

#include "outcomes/domain/statistics.h"

namespace ipt::outcomes {
namespace {

constexpr size_t kSide = 3;

// Student's t, two-sided 5 %, to the digits that the definition prints.
double CriticalT(int64_t scores) { return scores == 6 ? 2.776 : scores == 5 ? 3.182 : 4.303; }

Moments MomentsOf(const std::vector<std::optional<double>>& series, size_t begin, size_t end) {
  Moments moments;
  for (size_t i = begin; i < std::min(end, series.size()); ++i) {
    if (series[i].has_value()) moments.Add(*series[i]);
  }
  return moments;
}

}  // namespace

void CheckSuddenGainRules(const SuddenGainRules& rules, BetterWhen better, FieldViolations bad) {
  if (better == BetterWhen::kHigher) {
    bad.Add("", "must be unset where higher is better: sudden gains are defined as drops");
  }
  if (!(rules.least_drop > 0 && rules.least_drop <= kLargestScore)) {
    bad.Add("least_drop", "must be above 0, up to 10000");
  }
  if (!(rules.least_share > 0 && rules.least_share <= 1)) {
    bad.Add("least_share", "must be above 0, up to 1");
  }
}

std::vector<SuddenGain> FindSuddenGains(const SuddenGainRules& rules,
                                        const std::vector<std::optional<double>>& series,
                                        bool complete) {
  std::vector<SuddenGain> gains;
  for (size_t n = 0; n + 1 < series.size(); ++n) {
    if (!series[n].has_value() || !series[n + 1].has_value() || *series[n] <= 0) continue;
    SuddenGain gain{.before = n, .drop = *series[n] - *series[n + 1]};
    gain.share = gain.drop / *series[n];
    if (!Reaches(gain.drop, rules.least_drop, true) ||
        !Reaches(gain.drop, rules.least_share * *series[n], true)) {
      continue;
    }
    const Moments before = MomentsOf(series, n + 1 >= kSide ? n + 1 - kSide : 0, n + 1);
    const Moments after = MomentsOf(series, n + 1, n + 1 + kSide);
    if (before.count() < 2) continue;
    gain.settled = complete || n + 1 + kSide <= series.size();
    if (after.count() < 2) {
      if (!gain.settled) gains.push_back(gain);
      continue;
    }
    const int64_t scores = before.count() + after.count();
    const double pooled = (static_cast<double>(before.count() - 1) * *before.variance() +
                           static_cast<double>(after.count() - 1) * *after.variance()) /
                          static_cast<double>(scores - 2);
    gain.state = GainState::kGain;
    gain.mean_before = before.mean();
    gain.mean_after = after.mean();
    gain.critical_difference = CriticalT(scores) * std::sqrt(pooled);
    if (Reaches(gain.mean_before - gain.mean_after, gain.critical_difference, false)) {
      gains.push_back(gain);
    }
  }
  return gains;
}

}  // namespace ipt::outcomes
