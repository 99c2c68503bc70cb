// What followers of events were told last of what a course came to: kept beside its result, so that
// only what has changed is told. Values; made by outcome_news.h.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "outcomes/domain/not_on_track.h"

namespace ipt::outcomes {

struct ToldSignal {
  std::string rule{};
  std::string raised_by{};
  absl::Time raised_at{};
  SignalLevel level = SignalLevel::kAmber;
  std::string says{};  // the rest of what was told, as text that is equal where that is
  friend bool operator==(const ToldSignal&, const ToldSignal&) = default;
};

struct ToldOutcomes {
  std::string result{};  // as ToldSignal::says, of a closed course; empty: nothing was told
  std::vector<ToldSignal> signals{};
  friend bool operator==(const ToldOutcomes&, const ToldOutcomes&) = default;
};

}  // namespace ipt::outcomes
