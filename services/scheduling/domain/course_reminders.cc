#include "scheduling/domain/course_reminders.h"

#include <utility>

#include "platform/errors/status_macros.h"
#include "scheduling/domain/reminder_plan.h"
#include "scheduling/domain/reminder_rewrite.h"
#include "scheduling/domain/time_zone.h"

namespace ipt::scheduling {
namespace {

// Of a closed course; no list has it.
constexpr int64_t kClosedDigest = -1;

}  // namespace

absl::StatusOr<std::vector<Reminder>> DesiredOf(ClinicCalendars& calendars, const Course& course,
                                                const std::vector<Session>& sessions,
                                                const ReminderPolicy& policy,
                                                const ContactPreferences& preferences,
                                                absl::Time now) {
  if (!IsOpen(course.state) || (policy.session_rules.empty() && policy.course_rules.empty())) {
    return std::vector<Reminder>();
  }
  IPT_ASSIGN_OR_RETURN(const absl::TimeZone course_zone, StoredZone(course.time_zone));
  IPT_ASSIGN_OR_RETURN(const Therapist* therapist, calendars.GetTherapist(course.therapist_id));
  // A zone that tzdata has lost must not stand in the way of a booking.
  const auto zone_or_course = [&](const std::string& name) -> NamedZone {
    if (name.empty()) return {course.time_zone, course_zone};
    auto zone = StoredZone(name);
    return zone.ok() ? NamedZone{name, *zone} : NamedZone{course.time_zone, course_zone};
  };
  return DesiredReminders({.course = course,
                           .sessions = sessions,
                           .policy = policy,
                           .preferences = preferences,
                           .course_zone = course_zone,
                           .patient_zone = zone_or_course(preferences.time_zone),
                           .therapist_zone = zone_or_course(therapist->time_zone),
                           .now = now});
}

absl::Status RewriteCourseReminders(SchedulingTx& tx, ClinicCalendars& calendars, Course& course,
                                    const std::vector<Session>& sessions, absl::Time now) {
  ReminderSettings settings;
  settings.version = course.reminder_version;
  if (!IsOpen(course.state)) {  // a closed one wants nothing, whatever is set
    course.findings.clear();    // they are told anew where it is reopened
  } else {
    IPT_ASSIGN_OR_RETURN(
        settings, tx.GetReminderSettings(course.clinic_id, course.course_id, course.patient_id));
  }
  const ReminderPolicy policy = PolicyOf(settings, /*of_course=*/true).policy;
  IPT_ASSIGN_OR_RETURN(const auto desired,
                       DesiredOf(calendars, course, sessions, policy, settings.preferences, now));
  const bool new_version = course.reminder_version != settings.version;
  const int64_t digest = IsOpen(course.state) ? DigestOf(desired) : kClosedDigest;
  // 0: never looked at, so nothing is stored either.
  const bool changed =
      course.reminder_digest != digest && (course.reminder_digest != 0 || !desired.empty());
  course.reminder_version = settings.version;
  course.reminder_digest = digest;
  if (changed) {
    IPT_ASSIGN_OR_RETURN(const auto stored, tx.LockReminders(course.clinic_id, course.course_id));
    ReminderRewrite rewrite = RewriteReminders(course, sessions, policy, desired, stored, now);
    for (auto* reminders : {&rewrite.inserted, &rewrite.updated}) {
      for (Reminder& reminder : *reminders) reminder.policy_version = settings.version;
    }
    IPT_RETURN_IF_ERROR(tx.InsertReminders(rewrite.inserted, now));
    IPT_RETURN_IF_ERROR(tx.UpdateReminders(rewrite.updated, now));
  }
  if (!new_version) return absl::OkStatus();
  return tx.KeepReminders(course.clinic_id, course.course_id, settings.version);
}

}  // namespace ipt::scheduling
