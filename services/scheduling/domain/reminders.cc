#include "scheduling/domain/reminders.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/errors/error.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "scheduling/domain/calendar_loader.h"
#include "scheduling/domain/course_edit.h"
#include "scheduling/domain/course_reminders.h"
#include "scheduling/domain/course_state.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/reasons.h"
#include "scheduling/domain/reminder_policy.h"
#include "scheduling/domain/reminder_quiet.h"
#include "scheduling/domain/reminder_rewrite.h"
#include "scheduling/domain/time_zone.h"

namespace ipt::scheduling {
namespace {

absl::Status UnknownPatient(const CallContext& ctx) {
  return NotFound(kPatientType, absl::StrCat(ClinicName(ctx.clinic_id), "/patients/{patient}"));
}

absl::Status ReminderStateError(const Reminder& reminder, absl::string_view description) {
  return FailedPrecondition(reason::kReminderState,
                            ReminderName(reminder.clinic_id, reminder.reminder_id), description,
                            {{"state", std::string(StateWord(reminder.state))}});
}

// The reminder and its course, both locked: the course first, as whoever rewrites or leases does.
struct LockedReminder {
  Course course;
  Reminder reminder;
};
absl::StatusOr<LockedReminder> Lock(SchedulingTx& tx, const CallContext& ctx,
                                    const std::string& reminder_id) {
  IPT_ASSIGN_OR_RETURN(const Reminder found, tx.GetReminder(ctx.clinic_id, reminder_id));
  LockedReminder locked;
  IPT_ASSIGN_OR_RETURN(locked.course, tx.LockCourse(ctx.clinic_id, found.course_id));
  IPT_ASSIGN_OR_RETURN(locked.reminder, tx.LockReminder(ctx.clinic_id, reminder_id));
  return locked;
}

absl::StatusOr<Reminder> Store(SchedulingTx& tx, const CallContext& ctx, Reminder reminder) {
  ++reminder.generation;
  reminder.attempt = 0;
  std::vector<Reminder> one = {std::move(reminder)};
  IPT_RETURN_IF_ERROR(tx.UpdateReminders(one, ctx.now));
  return std::move(one.front());
}

// A course as it is now, with what is wanted of it.
struct Outlook {
  Course course;
  std::vector<Session> sessions;
  ReminderSettings settings;
  ReminderPolicy policy;
  std::vector<Reminder> desired;
};
absl::StatusOr<Outlook> Look(SchedulingReader& reader, const CallContext& ctx,
                             const std::string& course_id, const ReminderPolicy* draft = nullptr) {
  Outlook look;
  ClinicCalendars calendars(reader, ctx.clinic_id);
  IPT_ASSIGN_OR_RETURN(look.course, reader.GetCourse(ctx.clinic_id, course_id));
  IPT_ASSIGN_OR_RETURN(look.sessions, AllSessions(reader, ctx.clinic_id, course_id));
  IPT_RETURN_IF_ERROR(Derive(calendars, look.course, look.sessions, ctx.now).status());
  IPT_ASSIGN_OR_RETURN(
      look.settings, reader.GetReminderSettings(ctx.clinic_id, course_id, look.course.patient_id));
  look.policy = draft != nullptr ? *draft : PolicyOf(look.settings, /*of_course=*/true).policy;
  IPT_ASSIGN_OR_RETURN(look.desired, DesiredOf(calendars, look.course, look.sessions, look.policy,
                                               look.settings.preferences, ctx.now));
  return look;
}

void SortEachOnce(std::vector<ReminderChannel>& channels) {
  std::sort(channels.begin(), channels.end());
  channels.erase(std::unique(channels.begin(), channels.end()), channels.end());
}

// Rewrites the reminders of a course whose settings have changed.
absl::Status Follow(SchedulingTx& tx, const CallContext& ctx, const std::string& course_id) {
  ClinicCalendars calendars(tx, ctx.clinic_id);
  return RefreshCourse(tx, calendars, ctx.clinic_id, course_id, ctx.now).status();
}

bool IsFindingId(absl::string_view id) {
  return !id.empty() && std::all_of(id.begin(), id.end(), [](char c) {
    return absl::ascii_isalnum(c) || absl::StrContains("_-.:", c);
  });
}

// Whether something stands out in `after`, INFO apart, that did not in `before`.
bool HasFurther(const std::vector<CourseFinding>& before, const std::vector<CourseFinding>& after) {
  return std::any_of(after.begin(), after.end(), [&](const CourseFinding& finding) {
    return IsGrave(finding) &&
           std::none_of(before.begin(), before.end(), [&](const CourseFinding& known) {
             return IsGrave(known) && known.finding_id == finding.finding_id;
           });
  });
}

absl::Status CheckFindings(const std::vector<CourseFinding>& findings) {
  FieldViolations bad;
  std::set<absl::string_view> ids;
  for (size_t i = 0; i < findings.size(); ++i) {
    const CourseFinding& finding = findings[i];
    FieldViolations at = bad.At("findings", i);
    if (!IsFindingId(finding.finding_id)) {
      at.Add("finding_id", "must be 1 to 128 of A-Z, a-z, 0-9, \"_\", \"-\", \".\" and \":\"");
    } else if (!ids.insert(finding.finding_id).second) {
      at.Add("finding_id", "must not be named twice");
    }
    if (finding.severity < CourseFindingSeverity::kInfo ||
        finding.severity > CourseFindingSeverity::kOverdue) {
      at.Add("severity", "must be INFO, REVIEW or OVERDUE");
    }
  }
  return bad.ToStatus();
}

}  // namespace

absl::Status NoteCourseFindings(SchedulingTx& tx, const CallContext& ctx,
                                const std::string& course_id, std::vector<CourseFinding> findings) {
  IPT_RETURN_IF_ERROR(CheckFindings(findings));
  std::stable_sort(
      findings.begin(), findings.end(),
      [](const CourseFinding& a, const CourseFinding& b) { return a.severity > b.severity; });
  IPT_ASSIGN_OR_RETURN(Course course, tx.LockCourse(ctx.clinic_id, course_id));
  if (!IsOpen(course.state) || course.findings == findings) return absl::OkStatus();
  if (HasFurther(course.findings, findings)) {
    IPT_ASSIGN_OR_RETURN(const absl::TimeZone zone, StoredZone(course.time_zone));
    ++course.finding_note.number;
    course.finding_note.day = LocalDay(ctx.now, zone);
  }
  course.findings = std::move(findings);
  ClinicCalendars calendars(tx, ctx.clinic_id);
  return RefreshLocked(tx, calendars, std::move(course), ctx.now).status();
}

absl::StatusOr<HeldReminderPolicy> GetReminderPolicy(SchedulingReader& reader,
                                                     const CallContext& ctx,
                                                     const std::string& course_id) {
  if (!course_id.empty()) {
    IPT_RETURN_IF_ERROR(reader.GetCourse(ctx.clinic_id, course_id).status());
  }
  IPT_ASSIGN_OR_RETURN(const ReminderSettings settings,
                       reader.GetReminderSettings(ctx.clinic_id, course_id, ""));
  return PolicyOf(settings, !course_id.empty());
}

absl::StatusOr<HeldReminderPolicy> SetReminderPolicy(
    SchedulingTx& tx, const CallContext& ctx, const std::string& course_id, int64_t if_revision,
    absl::FunctionRef<absl::StatusOr<ReminderPolicy>(const ReminderPolicy&)> redraft) {
  const bool of_course = !course_id.empty();
  if (of_course) {
    IPT_RETURN_IF_ERROR(tx.LockCourse(ctx.clinic_id, course_id).status());
  } else {
    IPT_RETURN_IF_ERROR(tx.LockClinic(ctx.clinic_id).status());
  }
  IPT_ASSIGN_OR_RETURN(HeldReminderPolicy held, GetReminderPolicy(tx, ctx, course_id));
  IPT_RETURN_IF_ERROR(CheckIfRevision(if_revision, held.revision, kReminderPolicyType,
                                      ReminderPolicyName(ctx.clinic_id, course_id)));
  IPT_ASSIGN_OR_RETURN(held.policy, redraft(held.policy));
  held.inherited = false;
  IPT_RETURN_IF_ERROR(tx.PutReminderPolicy(ctx.clinic_id, course_id, held, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(ReminderPolicyChanged{ctx.clinic_id, course_id, held}, ctx.now));
  if (of_course) IPT_RETURN_IF_ERROR(Follow(tx, ctx, course_id));
  return held;
}

absl::StatusOr<HeldReminderPolicy> ResetReminderPolicy(SchedulingTx& tx, const CallContext& ctx,
                                                       const std::string& course_id) {
  IPT_RETURN_IF_ERROR(tx.LockCourse(ctx.clinic_id, course_id).status());
  IPT_ASSIGN_OR_RETURN(HeldReminderPolicy held, GetReminderPolicy(tx, ctx, course_id));
  if (held.inherited) return held;
  IPT_RETURN_IF_ERROR(tx.DeleteReminderPolicy(ctx.clinic_id, course_id));
  IPT_ASSIGN_OR_RETURN(held, GetReminderPolicy(tx, ctx, course_id));
  IPT_RETURN_IF_ERROR(tx.Emit(ReminderPolicyChanged{ctx.clinic_id, course_id, held}, ctx.now));
  IPT_RETURN_IF_ERROR(Follow(tx, ctx, course_id));
  return held;
}

absl::StatusOr<ContactPreferences> GetContactPreferences(SchedulingReader& reader,
                                                         const CallContext& ctx,
                                                         const Identifier& patient) {
  IPT_ASSIGN_OR_RETURN(const auto patient_id, reader.FindPatient(ctx.clinic_id, patient));
  if (!patient_id.has_value()) return UnknownPatient(ctx);
  IPT_ASSIGN_OR_RETURN(ReminderSettings settings,
                       reader.GetReminderSettings(ctx.clinic_id, "", *patient_id));
  return std::move(settings.preferences);
}

absl::StatusOr<ContactPreferences> SetContactPreferences(
    SchedulingTx& tx, const CallContext& ctx, const Identifier& patient, int64_t if_revision,
    absl::FunctionRef<absl::StatusOr<ContactPreferences>(const ContactPreferences&)> redraft) {
  IPT_ASSIGN_OR_RETURN(const auto patient_id, tx.LockPatient(ctx.clinic_id, patient));
  if (!patient_id.has_value()) return UnknownPatient(ctx);
  IPT_ASSIGN_OR_RETURN(const ReminderSettings settings,
                       tx.GetReminderSettings(ctx.clinic_id, "", *patient_id));
  IPT_RETURN_IF_ERROR(CheckIfRevision(
      if_revision, settings.preferences.revision, kPreferencesType,
      absl::StrCat(ClinicName(ctx.clinic_id), "/patients/{patient}", "/contactPreferences")));
  IPT_ASSIGN_OR_RETURN(ContactPreferences preferences, redraft(settings.preferences));
  std::sort(preferences.opted_out.begin(), preferences.opted_out.end());
  IPT_RETURN_IF_ERROR(tx.PutContactPreferences(ctx.clinic_id, *patient_id, preferences, ctx.now));
  CourseFilter theirs;
  theirs.patient = patient;
  theirs.states = {CourseState::kPlanned, CourseState::kActive, CourseState::kPaused};
  IPT_ASSIGN_OR_RETURN(const auto courses, tx.ListCourses(ctx.clinic_id, theirs, "", kNoLimit));
  for (const Course& course : courses) {  // by id, as whoever locks several
    IPT_RETURN_IF_ERROR(Follow(tx, ctx, course.course_id));
  }
  return preferences;
}

absl::Status SetPatientGone(SchedulingTx& tx, const CallContext& ctx, const Identifier& patient,
                            bool gone) {
  IPT_ASSIGN_OR_RETURN(const ContactPreferences held, GetContactPreferences(tx, ctx, patient));
  if (held.gone == gone) return absl::OkStatus();
  return SetContactPreferences(tx, ctx, patient, 0,
                               [&](ContactPreferences now) -> absl::StatusOr<ContactPreferences> {
                                 now.gone = gone;
                                 return now;
                               })
      .status();
}

absl::Status Unsubscribe(SchedulingTx& tx, const CallContext& ctx,
                         const std::vector<Unsubscription>& unsubscriptions) {
  struct Wish {
    Identifier patient;
    std::vector<ReminderChannel> channels;
  };
  std::map<std::string, Wish> wishes;  // by patient's id, as whoever locks several
  for (const Unsubscription& one : unsubscriptions) {
    const absl::StatusOr<Reminder> reminder = tx.GetReminder(ctx.clinic_id, one.reminder_id);
    if (absl::IsNotFound(reminder.status())) continue;
    IPT_RETURN_IF_ERROR(reminder.status());
    if (reminder->key.audience != ReminderAudience::kPatient) continue;
    Wish& wish = wishes[reminder->patient_id];
    wish.patient = reminder->patient;
    wish.channels.push_back(one.channel);
  }
  for (const auto& [patient_id, wish] : wishes) {
    IPT_ASSIGN_OR_RETURN(ContactPreferences held, GetContactPreferences(tx, ctx, wish.patient));
    const auto add = [&](ContactPreferences now) -> absl::StatusOr<ContactPreferences> {
      now.opted_out.insert(now.opted_out.end(), wish.channels.begin(), wish.channels.end());
      SortEachOnce(now.opted_out);
      return now;
    };
    if (add(held)->opted_out == held.opted_out) continue;
    IPT_RETURN_IF_ERROR(SetContactPreferences(tx, ctx, wish.patient, 0, add).status());
  }
  return absl::OkStatus();
}

absl::Status MergeContactPreferences(SchedulingTx& tx, const CallContext& ctx,
                                     const std::string& from_id, const std::string& into_id) {
  IPT_ASSIGN_OR_RETURN(const ReminderSettings given,
                       tx.GetReminderSettings(ctx.clinic_id, "", from_id));
  if (given.preferences.revision == 0) return absl::OkStatus();
  IPT_ASSIGN_OR_RETURN(ReminderSettings kept, tx.GetReminderSettings(ctx.clinic_id, "", into_id));
  const ContactPreferences& from = given.preferences;
  ContactPreferences& into = kept.preferences;
  into.opted_out.insert(into.opted_out.end(), from.opted_out.begin(), from.opted_out.end());
  SortEachOnce(into.opted_out);
  if (into.language.empty()) into.language = from.language;
  if (into.time_zone.empty()) into.time_zone = from.time_zone;
  into.gone |= from.gone;
  return tx.PutContactPreferences(ctx.clinic_id, into_id, into, ctx.now);
}

absl::StatusOr<SendingState> SetSending(SchedulingTx& tx, const CallContext& ctx,
                                        const SetSendingCommand& command) {
  IPT_RETURN_IF_ERROR(tx.LockClinic(ctx.clinic_id).status());
  IPT_ASSIGN_OR_RETURN(SendingState sending, tx.GetSending(ctx.clinic_id));
  IPT_RETURN_IF_ERROR(CheckIfRevision(command.if_revision, sending.revision, kSendingType,
                                      ClinicName(ctx.clinic_id)));
  sending.paused = command.paused;
  sending.max_per_minute = command.max_per_minute;
  sending.reason = command.reason;
  sending.caller = ctx.caller->subject;
  IPT_RETURN_IF_ERROR(tx.PutSending(sending, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(SendingChanged{sending}, ctx.now));
  return sending;
}

absl::StatusOr<std::vector<Reminder>> PreviewReminders(SchedulingReader& reader,
                                                       const CallContext& ctx,
                                                       const std::string& course_id,
                                                       const ReminderPolicy* draft) {
  IPT_ASSIGN_OR_RETURN(const Outlook look, Look(reader, ctx, course_id, draft));
  ReminderFilter of_course;
  of_course.course_id = course_id;
  IPT_ASSIGN_OR_RETURN(auto stored,
                       reader.ListReminders(ctx.clinic_id, of_course, std::nullopt, kNoLimit));
  std::erase_if(stored, [](const Reminder& reminder) { return reminder.test; });
  ReminderRewrite rewrite =
      RewriteReminders(look.course, look.sessions, look.policy, look.desired, stored, ctx.now);
  std::vector<Reminder> all = std::move(rewrite.inserted);
  for (Reminder& row : stored) {
    const auto changed =
        std::find_if(rewrite.updated.begin(), rewrite.updated.end(),
                     [&](const Reminder& r) { return r.reminder_id == row.reminder_id; });
    all.push_back(changed == rewrite.updated.end() ? std::move(row) : std::move(*changed));
  }
  std::erase_if(all, [](const Reminder& reminder) {
    return !IsQueued(reminder.state) && reminder.state != ReminderState::kSuppressed;
  });
  for (Reminder& reminder : all) {
    reminder.reminder_id.clear();
    reminder.patient = look.course.patient;
  }
  std::sort(all.begin(), all.end(), [](const Reminder& a, const Reminder& b) {
    return std::tie(a.due, a.key) < std::tie(b.due, b.key);
  });
  return all;
}

absl::StatusOr<Reminder> TestReminder(SchedulingTx& tx, const CallContext& ctx,
                                      const TestReminderCommand& command) {
  IPT_ASSIGN_OR_RETURN(const Course locked, tx.LockCourse(ctx.clinic_id, command.course_id));
  IPT_RETURN_IF_ERROR(CheckOpen(locked));
  // Planned as a real session's, so that it heeds all that a real one does.
  const absl::Time tomorrow =
      absl::FromUnixSeconds(absl::ToUnixSeconds(ctx.now) / 3600 * 3600 + 24 * 3600);
  Session session;
  session.interval = {tomorrow, tomorrow + absl::Minutes(locked.session_minutes)};
  session.therapist_id = locked.therapist_id;
  session.modality = locked.modality;
  ReminderPolicy policy;
  policy.session_rules = {{command.audience, 5, command.channels, command.template_key}};
  IPT_ASSIGN_OR_RETURN(const ReminderSettings settings,
                       tx.GetReminderSettings(ctx.clinic_id, command.course_id, locked.patient_id));
  const ReminderPolicy held = PolicyOf(settings, /*of_course=*/true).policy;
  policy.quiet_hours = held.quiet_hours;
  policy.max_attempts = held.max_attempts;
  policy.after_unknown = held.after_unknown;
  ClinicCalendars calendars(tx, ctx.clinic_id);
  IPT_ASSIGN_OR_RETURN(
      auto planned, DesiredOf(calendars, locked, {session}, policy, settings.preferences, ctx.now));
  Reminder& test = planned.front();
  test.test = true;
  test.key.offset_minutes = 0;
  test.key.occurrence = absl::ToUnixMicros(ctx.now);
  test.generation = 1;
  test.policy_version = settings.version;
  test.due = test.next = ctx.now;
  test.not_after = ctx.now + kTestLifetime;
  if (test.state == ReminderState::kScheduled && !SkipQuietHours(test, ctx.now)) {
    test.state = ReminderState::kSuppressed;
    test.why_not = ReminderWhyNot::kTooLate;
  }
  IPT_RETURN_IF_ERROR(tx.InsertReminders(planned, ctx.now));
  test.patient = locked.patient;
  return std::move(test);
}

absl::StatusOr<Reminder> ReplayReminder(SchedulingTx& tx, const CallContext& ctx,
                                        const std::string& reminder_id) {
  IPT_ASSIGN_OR_RETURN(const LockedReminder locked, Lock(tx, ctx, reminder_id));
  const Reminder& row = locked.reminder;
  if (row.state != ReminderState::kDead) {
    return ReminderStateError(row, "only dead letters are replayed");
  }
  Reminder again = row;
  if (!row.test) {
    IPT_ASSIGN_OR_RETURN(const Outlook look, Look(tx, ctx, row.course_id));
    const auto wanted = std::find_if(look.desired.begin(), look.desired.end(),
                                     [&](const Reminder& r) { return r.key == row.key; });
    if (wanted == look.desired.end() || !SameSubject(*wanted, row)) {
      return ReminderStateError(row, "what it told is no longer so: it is not sent any more");
    }
    if (wanted->state != ReminderState::kScheduled) {
      return ReminderStateError(row, "the recipient does not want it, or is gone");
    }
    again = *wanted;
    again.reminder_id = row.reminder_id;
    again.generation = row.generation;
    again.lease_token = row.lease_token;
    again.patient = row.patient;
    again.create_time = row.create_time;
    again.policy_version = look.settings.version;
  }
  again.state = ReminderState::kScheduled;
  again.why_not = ReminderWhyNot::kUnspecified;
  again.due = row.due;
  if (!SkipQuietHours(again, ctx.now)) {
    return ReminderStateError(row, "it is too late to send it");
  }
  return Store(tx, ctx, std::move(again));
}

absl::StatusOr<Reminder> DropReminder(SchedulingTx& tx, const CallContext& ctx,
                                      const std::string& reminder_id, const std::string& reason) {
  IPT_ASSIGN_OR_RETURN(LockedReminder locked, Lock(tx, ctx, reminder_id));
  Reminder& row = locked.reminder;
  if (row.state == ReminderState::kLeased) {
    return ReminderStateError(row, "a gateway has it; wait for its word, or for its lease to end");
  }
  if (row.state != ReminderState::kDead && row.state != ReminderState::kScheduled) {
    return ReminderStateError(row, "it is not in the queue any more");
  }
  row.state = ReminderState::kSuppressed;
  row.why_not = ReminderWhyNot::kDropped;
  row.note = reason;
  return Store(tx, ctx, std::move(row));
}

}  // namespace ipt::scheduling
