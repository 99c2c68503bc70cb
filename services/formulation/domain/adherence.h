// What of the protocol was done in a course, in counts and fractions, each by itself: no total, and
// no norm to hold it against. Of recorded facts alone; only attended sessions count.
//
// Pure functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "formulation/domain/protocol.h"
#include "formulation/domain/tasks.h"

namespace ipt::formulation {

enum class AdherenceVerdict { kUnspecified = 0, kYes, kNo, kNotYet, kNotEvaluated };

struct Fraction {
  int count = 0;
  int of = 0;
  friend bool operator==(const Fraction&, const Fraction&) = default;
};

struct PhaseAdherence {
  Phase phase = Phase::kInitial;
  std::optional<PhaseSpan> span{};  // unset: the course has none of it
  // Of tasks that are not voluntary.
  int expected = 0;
  int done = 0;
  int late = 0;
  int missing = 0;
  int open = 0;
  std::vector<TaskProgress> tasks{};  // all of them
};

struct FamilyCount {
  TechniqueFamily family = TechniqueFamily::kExploratory;
  int sessions = 0;
  int uses = 0;
  friend bool operator==(const FamilyCount&, const FamilyCount&) = default;
};

struct TechniqueCount {
  std::string technique{};
  const Technique* defined = nullptr;  // nullptr: the protocol does not have it any more
  int sessions = 0;
};

struct ProtocolAdherence {
  std::vector<PhaseAdherence> phases{};
  std::optional<int> focus_agreed_session_number{};
  std::optional<absl::CivilDay> first_agreed_on{};
  AdherenceVerdict focus_agreed_in_time = AdherenceVerdict::kUnspecified;
  AdherenceVerdict formulation_before_middle = AdherenceVerdict::kUnspecified;
  int agreed_formulations = 0;
  AdherenceVerdict midpoint_review_in_time = AdherenceVerdict::kUnspecified;
  std::optional<int> sessions_left_when_ending_raised{};
  AdherenceVerdict ending_raised_in_time = AdherenceVerdict::kUnspecified;
  Fraction sessions_recorded{};
  Fraction middle_sessions_with_focus_work{};
  Fraction sessions_with_technique{};
  std::vector<FamilyCount> families{};       // the protocol's
  std::vector<TechniqueCount> techniques{};  // those that were used, the most used first
};

ProtocolAdherence EvaluateAdherence(const CourseFacts& facts);

}  // namespace ipt::formulation
