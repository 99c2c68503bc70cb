// ErrorInfo reasons of formulation: values of ipt.common.v1.ErrorReason without the prefix (a test
// compares the two).
#pragma once

#include "platform/errors/error.h"

namespace ipt::formulation::reason {

inline constexpr char kFormulationState[] = "FORMULATION_STATE";
inline constexpr char kFormulationIncomplete[] = "FORMULATION_INCOMPLETE";
inline constexpr char kResourceInUse[] = "RESOURCE_IN_USE";
inline constexpr char kLimitReached[] = "LIMIT_REACHED";
inline constexpr char kGoalState[] = "GOAL_STATE";
inline constexpr char kSessionNotHeld[] = "SESSION_NOT_HELD";
using ::ipt::reason::kPeerUnavailable;
using ::ipt::reason::kRevisionNotReached;

}  // namespace ipt::formulation::reason
