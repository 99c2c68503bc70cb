// Resource names of formulation, as callers see them.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ipt::formulation {

inline std::string TherapistName(absl::string_view clinic, absl::string_view therapist) {
  return absl::StrCat("clinics/", clinic, "/therapists/", therapist);
}
inline std::string CourseName(absl::string_view clinic, absl::string_view course) {
  return absl::StrCat("clinics/", clinic, "/courses/", course);
}
inline std::string SessionName(absl::string_view clinic, absl::string_view course,
                               absl::string_view session) {
  return absl::StrCat(CourseName(clinic, course), "/sessions/", session);
}
inline std::string RelationshipName(absl::string_view clinic, absl::string_view course,
                                    absl::string_view relationship) {
  return absl::StrCat(CourseName(clinic, course), "/relationships/", relationship);
}
inline std::string LifeEventName(absl::string_view clinic, absl::string_view course,
                                 absl::string_view life_event) {
  return absl::StrCat(CourseName(clinic, course), "/lifeEvents/", life_event);
}
inline std::string ProblemAreaName(absl::string_view clinic, absl::string_view course,
                                   absl::string_view problem_area) {
  return absl::StrCat(CourseName(clinic, course), "/problemAreas/", problem_area);
}
inline std::string GoalName(absl::string_view clinic, absl::string_view course,
                            absl::string_view goal) {
  return absl::StrCat(CourseName(clinic, course), "/goals/", goal);
}
inline std::string GoalRatingName(absl::string_view clinic, absl::string_view course,
                                  absl::string_view goal, absl::string_view rating) {
  return absl::StrCat(GoalName(clinic, course, goal), "/ratings/", rating);
}
inline std::string FormulationName(absl::string_view clinic, absl::string_view course) {
  return absl::StrCat(CourseName(clinic, course), "/formulation");
}
// A revision without a number is the draft.
inline std::string RevisionName(absl::string_view clinic, absl::string_view course, int number) {
  return absl::StrCat(FormulationName(clinic, course), "/revisions/",
                      number == 0 ? "draft" : absl::StrCat(number));
}
inline std::string SessionWorkName(absl::string_view clinic, absl::string_view course,
                                   absl::string_view session) {
  return absl::StrCat(SessionName(clinic, course, session), "/work");
}
inline std::string TerminationName(absl::string_view clinic, absl::string_view course) {
  return absl::StrCat(CourseName(clinic, course), "/termination");
}
// Outcomes' own.
inline std::string InstrumentName(absl::string_view clinic, absl::string_view instrument) {
  return absl::StrCat("clinics/", clinic, "/instruments/", instrument);
}
inline std::string FormulationPolicyName(absl::string_view clinic) {
  return absl::StrCat("clinics/", clinic, "/formulationPolicy");
}
inline std::string ProtocolName(absl::string_view clinic, absl::string_view protocol) {
  return absl::StrCat("clinics/", clinic, "/protocols/", protocol);
}

// Resource types in google.rpc.ResourceInfo.
inline constexpr char kCourseType[] = "ipt.scheduling/Course";
inline constexpr char kSessionType[] = "ipt.scheduling/Session";
inline constexpr char kRelationshipType[] = "ipt.formulation/Relationship";
inline constexpr char kLifeEventType[] = "ipt.formulation/LifeEvent";
inline constexpr char kProblemAreaType[] = "ipt.formulation/ProblemArea";
inline constexpr char kGoalType[] = "ipt.formulation/Goal";
inline constexpr char kGoalRatingType[] = "ipt.formulation/GoalRating";
inline constexpr char kFormulationType[] = "ipt.formulation/Formulation";
inline constexpr char kRevisionType[] = "ipt.formulation/FormulationRevision";
inline constexpr char kSessionWorkType[] = "ipt.formulation/SessionWork";
inline constexpr char kTerminationType[] = "ipt.formulation/Termination";
inline constexpr char kFormulationPolicyType[] = "ipt.formulation/FormulationPolicy";
inline constexpr char kProtocolType[] = "ipt.formulation/Protocol";

}  // namespace ipt::formulation
