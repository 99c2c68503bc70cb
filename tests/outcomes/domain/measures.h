// Rules of known measures for tests.
#pragma once

#include "outcomes/domain/change.h"

namespace ipt::outcomes {

inline ChangeRules Phq9() {
  return {.better = BetterWhen::kLower,
          .cut_off = Limit{10, true},
          .remission = Limit{5, false},
          .response = 0.5,
          .reliable_change = ReliableChangeRule{6, true, "nhs-talking-therapies"}};
}

inline ChangeRules Gad7() {
  return {.better = BetterWhen::kLower,
          .cut_off = Limit{8, true},
          .remission = std::nullopt,
          .response = 0.5,
          .reliable_change = ReliableChangeRule{4, true, "nhs-talking-therapies"}};
}

inline ChangeRules Who5() {
  return {.better = BetterWhen::kHigher,
          .cut_off = Limit{50, true},
          .remission = std::nullopt,
          .response = std::nullopt,
          .reliable_change = ReliableChangeRule{10, true, "who-5"}};
}

}  // namespace ipt::outcomes
