#include "formulation/domain/course_parts.h"

#include "absl/algorithm/container.h"
#include "platform/errors/status_macros.h"

namespace ipt::formulation {
namespace {

template <typename T>
const T* FindById(const std::vector<T>& list, std::string T::*id_of, absl::string_view id) {
  const auto found = absl::c_find_if(list, [&](const T& entry) { return entry.*id_of == id; });
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

const Relationship* CourseParts::FindRelationship(absl::string_view id) const {
  return FindById(relationships, &Relationship::relationship_id, id);
}

const LifeEvent* CourseParts::FindLifeEvent(absl::string_view id) const {
  return FindById(life_events, &LifeEvent::life_event_id, id);
}

const ProblemArea* CourseParts::FindArea(absl::string_view id) const {
  return FindById(areas, &ProblemArea::problem_area_id, id);
}

const Goal* CourseParts::FindGoal(absl::string_view id) const {
  return FindById(goals, &Goal::goal_id, id);
}

absl::StatusOr<CourseParts> ReadParts(FormulationReader& reader, absl::string_view clinic_id,
                                      absl::string_view course_id) {
  CourseParts parts;
  IPT_ASSIGN_OR_RETURN(parts.relationships, reader.ListRelationships(clinic_id, course_id));
  IPT_ASSIGN_OR_RETURN(parts.life_events, reader.ListLifeEvents(clinic_id, course_id));
  IPT_ASSIGN_OR_RETURN(parts.areas, reader.ListProblemAreas(clinic_id, course_id));
  IPT_ASSIGN_OR_RETURN(parts.goals, reader.ListGoals(clinic_id, course_id));
  return parts;
}

}  // namespace ipt::formulation
