// What can be handed to a patient: made of a revision alone, so that it stays what it was.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "formulation/domain/types.h"

namespace ipt::formulation {

struct PatientFocus {
  FocusPosition position = FocusPosition::kUnspecified;
  std::string heading{};  // its kind in plain words
  std::string display_name{};
  std::vector<std::string> goals{};  // in their words
  friend bool operator==(const PatientFocus&, const PatientFocus&) = default;
};

// No therapist's view, no clinical narrative, no reason of a focus, nothing of the inventory.
struct PatientCopy {
  std::string clinic_id{};
  std::string course_id{};
  int number = 0;
  RevisionState state = RevisionState::kUnspecified;
  std::optional<absl::CivilDay> agreed_on{};
  std::string narrative{};
  std::vector<PatientFocus> focus{};
  TreatmentContract contract{};
  std::string language{};  // of the headings
  int64_t revision = 0;
  friend bool operator==(const PatientCopy&, const PatientCopy&) = default;
};

// FORMULATION_STATE of a draft.
absl::StatusOr<PatientCopy> PatientCopyOf(const FormulationRevision& revision,
                                          absl::string_view language);

}  // namespace ipt::formulation
