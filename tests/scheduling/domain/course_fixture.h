// A small clinic to plan in: a therapist, a course, and short ways to say days, times and sessions.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "scheduling/domain/availability.h"
#include "scheduling/domain/time_zone.h"
#include "scheduling/domain/types.h"
#include "scheduling/domain/variants.h"

namespace ipt::scheduling {

inline absl::TimeZone Zone(absl::string_view name) { return LoadZone(name).value(); }

inline absl::Time At(absl::CivilDay day, int hour, int minute, const absl::TimeZone& zone) {
  return ResolveLocal(absl::CivilSecond(day) + 3600 * hour + 60 * minute, zone).instant;
}

// Monday to Friday, from and to whole hours.
inline std::vector<WeeklyWindow> OfficeHours(int from, int to) {
  std::vector<WeeklyWindow> hours;
  for (int day = 1; day <= 5; ++day) {
    hours.push_back({static_cast<Weekday>(day), 60 * from, 60 * to});
  }
  return hours;
}

inline CalendarInputs Calendar(const absl::TimeZone& zone, std::vector<WeeklyWindow> hours) {
  CalendarInputs calendar;
  calendar.therapist_zone = calendar.clinic_zone = calendar.course_zone = zone;
  calendar.working_hours = std::move(hours);
  return calendar;
}

// 16 weekly sessions of 50 minutes in 16 weeks.
inline Course WeeklyCourse(absl::string_view zone) {
  Course course;
  course.clinic_id = "clinic";
  course.course_id = "course";
  course.variant_id = kDefaultVariant;
  course.planned_sessions = 16;
  course.duration_weeks = 16;
  course.cadence_days = 7;
  course.cadence_tolerance_days = 2;
  course.session_minutes = 50;
  course.time_zone = std::string(zone);
  return course;
}

inline const Variant& DefaultVariant() { return *FindVariant(kDefaultVariant); }

inline Session SessionAt(absl::Time start, SessionState state = SessionState::kBooked,
                         int minutes = 50) {
  Session session;
  session.session_id = absl::StrCat("s", absl::ToUnixSeconds(start));
  session.interval = {start, start + absl::Minutes(minutes)};
  session.blocked_until = session.interval.end;
  session.state = state;
  session.blocking = state != SessionState::kCancelled;
  session.uses_session = state == SessionState::kAttended;
  return session;
}

inline Pause PauseOf(absl::CivilDay first, absl::CivilDay last) {
  return {{first, last}, PauseReason::kPatientAway};
}

}  // namespace ipt::scheduling
