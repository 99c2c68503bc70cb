// Which focus a course has, as formulation says that it was agreed with the patient, and how old
// what is known of it is. Formulation owns it; here it is only read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/civil_time.h"
#include "course_copies/domain/course_copies.h"

namespace ipt::outcomes {

// Kinds are ipt.formulation.v1.ProblemAreaKind; ones that it adds later come as they are.
struct CourseFocus {
  std::string clinic_id{};
  std::string course_id{};
  int primary_kind = 0;
  int secondary_kind = 0;  // 0: there is none
  absl::CivilDay agreed_on{};
  int revision_number = 0;     // of the formulation that says so
  int first_primary_kind = 0;  // that was agreed first
  int64_t revision = 0;        // formulation's
  friend bool operator==(const CourseFocus&, const CourseFocus&) = default;
};

// How old a clinic's copy is; nullopt: formulation is not followed, and no focus is known.
using FormulationAge = std::optional<courses::CopyAge>;

}  // namespace ipt::outcomes
