// What followers were told of a course <-> the text that is kept beside its result.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "outcomes/domain/told_outcomes.h"

namespace ipt::outcomes {

// Empty where nothing was told.
std::string EncodeToldOutcomes(const ToldOutcomes& told);
// INTERNAL for a damaged text.
absl::StatusOr<ToldOutcomes> DecodeToldOutcomes(const std::string& text);

}  // namespace ipt::outcomes
