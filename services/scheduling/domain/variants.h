// The published forms of IPT that a course can take: how many sessions in how many weeks, and where
// the phases lie. Read-only after construction, so thread-safe.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// What a course takes when its creator names no variant.
inline constexpr char kDefaultVariant[] = "ipt-uk-16";

// However few sessions a course has.
inline constexpr int kMaxCadenceDays = 92;

// All variants, by id.
const std::vector<Variant>& Variants();

// nullptr when there is none of that id.
const Variant* FindVariant(absl::string_view id);

// The variant as a clinic of this policy divides it into phases.
Variant PhasedBy(const SchedulingPolicy& policy, const Variant& variant);

// The phases of a course of `sessions` sessions: the initial and the termination phase keep theirs,
// the middle one takes the rest. Where there are too few for all, termination keeps its sessions
// first, then initial, and each phase that is left without one is absent.
std::vector<PhaseSpan> PhasesOf(const Variant& variant, int sessions);

// The phase that a session number lies in; kUnspecified for 0 and for numbers beyond the last.
Phase PhaseOf(const std::vector<PhaseSpan>& phases, int session_number);

// The most days from session to session with which so many sessions fit in so many weeks, the first
// of them on the first day, or as many as the variant tapers to; 1 to kMaxCadenceDays.
int MostCadenceDays(const Variant& variant, int sessions, int weeks);

// Session with which the mid-course review goes: half of the sessions, rounded up.
int MidCourseSession(int sessions);

}  // namespace ipt::scheduling
