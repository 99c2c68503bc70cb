// ErrorInfo reasons of scheduling: values of ipt.common.v1.ErrorReason without the prefix (a test
// compares the two).
#pragma once

#include "platform/errors/error.h"

namespace ipt::scheduling::reason {

inline constexpr char kSlotTaken[] = "SLOT_TAKEN";
inline constexpr char kSeriesConflict[] = "SERIES_CONFLICT";
inline constexpr char kOutsideAvailability[] = "OUTSIDE_AVAILABILITY";
inline constexpr char kPastDeadline[] = "PAST_DEADLINE";
inline constexpr char kCoursePaused[] = "COURSE_PAUSED";
inline constexpr char kCourseState[] = "COURSE_STATE";
inline constexpr char kSessionState[] = "SESSION_STATE";
inline constexpr char kSessionLimit[] = "SESSION_LIMIT";
inline constexpr char kPauseCap[] = "PAUSE_CAP";
inline constexpr char kSessionsInTheWay[] = "SESSIONS_IN_THE_WAY";
inline constexpr char kOpenCourseExists[] = "OPEN_COURSE_EXISTS";
inline constexpr char kTherapistFull[] = "THERAPIST_FULL";
inline constexpr char kTherapistInactive[] = "THERAPIST_INACTIVE";
inline constexpr char kTherapistLacksVariant[] = "THERAPIST_LACKS_VARIANT";
inline constexpr char kTherapistHasCourses[] = "THERAPIST_HAS_COURSES";
inline constexpr char kVariantBounds[] = "VARIANT_BOUNDS";
inline constexpr char kSessionInFuture[] = "SESSION_IN_FUTURE";
inline constexpr char kNoSlot[] = "NO_SLOT";
inline constexpr char kPatientExists[] = "PATIENT_EXISTS";
inline constexpr char kSessionHistoryFull[] = "SESSION_HISTORY_FULL";
inline constexpr char kTooManySessions[] = "TOO_MANY_SESSIONS";
inline constexpr char kReminderState[] = "REMINDER_STATE";

}  // namespace ipt::scheduling::reason
