// What of a course a formulation can name.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "formulation/domain/store.h"
#include "formulation/domain/types.h"

namespace ipt::formulation {

struct CourseParts {
  std::vector<Relationship> relationships{};
  std::vector<LifeEvent> life_events{};
  std::vector<ProblemArea> areas{};
  std::vector<Goal> goals{};

  // nullptr where there is none.
  const Relationship* FindRelationship(absl::string_view id) const;
  const LifeEvent* FindLifeEvent(absl::string_view id) const;
  const ProblemArea* FindArea(absl::string_view id) const;
  const Goal* FindGoal(absl::string_view id) const;
};

// Lists as they were entered.
absl::StatusOr<CourseParts> ReadParts(FormulationReader& reader, absl::string_view clinic_id,
                                      absl::string_view course_id);

}  // namespace ipt::formulation
