// Resource names of outcomes, as callers see them.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ipt::outcomes {

inline std::string ClinicName(absl::string_view clinic) { return absl::StrCat("clinics/", clinic); }
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
inline std::string InstrumentName(absl::string_view clinic, absl::string_view instrument) {
  return absl::StrCat("clinics/", clinic, "/instruments/", instrument);
}
inline std::string MeasurementName(absl::string_view clinic, absl::string_view course,
                                   absl::string_view measurement) {
  return absl::StrCat(CourseName(clinic, course), "/measurements/", measurement);
}
inline std::string MeasurementImportName(absl::string_view clinic, absl::string_view import) {
  return absl::StrCat("clinics/", clinic, "/measurementImports/", import);
}
inline std::string MeasurementPlanName(absl::string_view clinic, absl::string_view plan) {
  return absl::StrCat("clinics/", clinic, "/measurementPlans/", plan);
}
inline std::string CourseMeasurementPlanName(absl::string_view clinic, absl::string_view course) {
  return absl::StrCat(CourseName(clinic, course), "/measurementPlan");
}
inline std::string OutcomePolicyName(absl::string_view clinic) {
  return absl::StrCat("clinics/", clinic, "/outcomePolicy");
}

// Resource types in google.rpc.ResourceInfo.
inline constexpr char kCourseType[] = "ipt.scheduling/Course";
inline constexpr char kSessionType[] = "ipt.scheduling/Session";
inline constexpr char kInstrumentType[] = "ipt.outcomes/Instrument";
inline constexpr char kMeasurementType[] = "ipt.outcomes/Measurement";
inline constexpr char kMeasurementPlanType[] = "ipt.outcomes/MeasurementPlan";
inline constexpr char kCourseMeasurementPlanType[] = "ipt.outcomes/CourseMeasurementPlan";
inline constexpr char kMeasurementImportType[] = "ipt.outcomes/MeasurementImport";
inline constexpr char kOutcomePolicyType[] = "ipt.outcomes/OutcomePolicy";

}  // namespace ipt::outcomes
