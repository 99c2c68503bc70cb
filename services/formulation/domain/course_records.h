// What was recorded of a course as far as guides, profiles and findings are made of it: codes,
// states and days, no text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "formulation/domain/types.h"

namespace ipt::formulation {

// A formulation that was agreed.
struct AgreedFormulation {
  int number = 0;
  absl::CivilDay agreed_on{};
  std::vector<FocusSnapshot> focus{};  // the primary one first; without names
  std::vector<GoalSnapshot> goals{};   // without their words
  TreatmentContract contract{};        // without its texts
  bool has_contract = false;           // it says something
  friend bool operator==(const AgreedFormulation&, const AgreedFormulation&) = default;
};

struct RecordedGoal {
  std::string goal_id{};
  std::string problem_area_id{};
  GoalState state = GoalState::kUnspecified;
  absl::Time state_time{};  // since when it is in it
  friend bool operator==(const RecordedGoal&, const RecordedGoal&) = default;
};

struct RecordedWork {
  std::string session_id{};
  std::vector<TaskWork> tasks{};        // without notes
  std::vector<FocusWork> focus_work{};  // without notes
  std::vector<std::string> techniques{};
  friend bool operator==(const RecordedWork&, const RecordedWork&) = default;
};

struct CourseRecords {
  std::string course_id{};
  std::vector<AgreedFormulation> agreed{};    // by number; the last one is the current one
  std::optional<absl::Time> proposed_time{};  // of the pending one, where it is PROPOSED
  std::vector<RecordedGoal> goals{};
  std::vector<RecordedWork> work{};
  std::optional<absl::CivilDay> plan_given_on{};
  friend bool operator==(const CourseRecords&, const CourseRecords&) = default;

  // nullptr where there is none.
  const AgreedFormulation* current() const { return agreed.empty() ? nullptr : &agreed.back(); }
  const RecordedWork* FindWork(absl::string_view session_id) const;
  // The formulation that held on a day: the last one that was agreed by then. nullptr: none.
  const AgreedFormulation* HeldOn(absl::CivilDay day) const;
};

// Of one that is AGREED or SUPERSEDED.
AgreedFormulation AgreedOf(const FormulationRevision& revision);
RecordedGoal RecordedOf(const Goal& goal);
RecordedWork RecordedOf(const SessionWork& work);
// When it was put to the patient last; nullopt where it is no proposal.
std::optional<absl::Time> ProposedTimeOf(const FormulationRevision& revision);

}  // namespace ipt::formulation
