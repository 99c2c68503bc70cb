// What is to be told of a course when its outcomes were made anew: its result, once it is closed,
// and the signals that are found at its scores. What nothing of this follows from is not told:
// which policy's version, which revision, how old the copy of the course is.
//
// That too many measures were missed is not among it: it follows from the passing of days, and no
// write says when.
//
// Pure; thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "outcomes/domain/events.h"
#include "outcomes/domain/outcomes.h"
#include "outcomes/domain/told_outcomes.h"

namespace ipt::outcomes {

struct OutcomeNews {
  std::vector<Event> events{};
  ToldOutcomes told{};  // once they are told
};

// `outcomes`: of all of the course's totals. `told`: what was told before; nullopt: not known, then
// what holds now is the start and nothing is told. A closed course in which nothing was ever
// measured has no result to tell of.
OutcomeNews NewsOf(std::shared_ptr<const CourseOutcomes> outcomes,
                   const std::optional<ToldOutcomes>& told);

}  // namespace ipt::outcomes
