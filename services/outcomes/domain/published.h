// Published results that a clinic's may stand beside, each with its source and with the caution
// that it needs. A result stands beside its own kind only: pre-post effects, which hold also what
// time alone would have brought, never beside effects against a control group.
#pragma once

#include <optional>
#include <vector>

#include "absl/strings/string_view.h"

namespace ipt::outcomes {

enum class PublishedKind {
  kPrePostEffect,
  kControlledEffect,  // against other groups: to read, not to compare with
  kDropOut,
  kRecovery,
  kPairedData,
  kRemission,
};

struct PublishedResult {
  absl::string_view id;
  absl::string_view source;
  int year = 0;
  PublishedKind kind = PublishedKind::kControlledEffect;
  absl::string_view what;
  double value = 0;  // effects in standard deviations, shares as 0 to 1
  std::optional<double> low;
  std::optional<double> high;  // of the 95 % interval, where published
  int studies = 0;             // 0 where it is not of a meta-analysis or not stated
  int people = 0;              // 0 where not stated
  absl::string_view caution;
};

// All of them, in a fixed order.
const std::vector<PublishedResult>& PublishedResults();

// Those of one kind.
std::vector<PublishedResult> PublishedResultsOf(PublishedKind kind);

}  // namespace ipt::outcomes
