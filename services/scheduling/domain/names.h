// Resource names of scheduling, as callers see them.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ipt::scheduling {

inline std::string ClinicName(absl::string_view clinic) { return absl::StrCat("clinics/", clinic); }
inline std::string HolidayName(absl::string_view clinic, absl::string_view day) {
  return absl::StrCat("clinics/", clinic, "/holidays/", day);
}
inline std::string TherapistName(absl::string_view clinic, absl::string_view therapist) {
  return absl::StrCat("clinics/", clinic, "/therapists/", therapist);
}
inline std::string TimeOffName(absl::string_view clinic, absl::string_view therapist,
                               absl::string_view time_off) {
  return absl::StrCat(TherapistName(clinic, therapist), "/timeOff/", time_off);
}
inline std::string ExtraHoursName(absl::string_view clinic, absl::string_view therapist,
                                  absl::string_view extra_hours) {
  return absl::StrCat(TherapistName(clinic, therapist), "/extraHours/", extra_hours);
}
inline std::string CourseName(absl::string_view clinic, absl::string_view course) {
  return absl::StrCat("clinics/", clinic, "/courses/", course);
}
inline std::string SessionName(absl::string_view clinic, absl::string_view course,
                               absl::string_view session) {
  return absl::StrCat(CourseName(clinic, course), "/sessions/", session);
}
inline std::string ReminderName(absl::string_view clinic, absl::string_view reminder) {
  return absl::StrCat("clinics/", clinic, "/reminders/", reminder);
}
// `course` empty: the clinic's.
inline std::string ReminderPolicyName(absl::string_view clinic, absl::string_view course) {
  return absl::StrCat(course.empty() ? ClinicName(clinic) : CourseName(clinic, course),
                      "/reminderPolicy");
}

// Resource types in google.rpc.ResourceInfo.
inline constexpr char kClinicType[] = "ipt.scheduling/Clinic";
inline constexpr char kHolidayType[] = "ipt.scheduling/Holiday";
inline constexpr char kTherapistType[] = "ipt.scheduling/Therapist";
inline constexpr char kTimeOffType[] = "ipt.scheduling/TimeOff";
inline constexpr char kExtraHoursType[] = "ipt.scheduling/ExtraHours";
inline constexpr char kCourseType[] = "ipt.scheduling/Course";
inline constexpr char kSessionType[] = "ipt.scheduling/Session";
inline constexpr char kPatientType[] = "ipt.scheduling/Patient";
inline constexpr char kReminderType[] = "ipt.scheduling/Reminder";
inline constexpr char kReminderPolicyType[] = "ipt.scheduling/ReminderPolicy";
inline constexpr char kSendingType[] = "ipt.scheduling/SendingState";
inline constexpr char kPreferencesType[] = "ipt.scheduling/ContactPreferences";

}  // namespace ipt::scheduling
