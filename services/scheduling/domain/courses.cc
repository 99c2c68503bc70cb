#include "scheduling/domain/courses.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "scheduling/domain/booking.h"
#include "scheduling/domain/course_edit.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/numbering.h"
#include "scheduling/domain/patients.h"
#include "scheduling/domain/reasons.h"
#include "scheduling/domain/reminders.h"
#include "scheduling/domain/time_zone.h"
#include "scheduling/domain/variants.h"

namespace ipt::scheduling {
namespace {

using Effect = CourseEdit::Effect;

// What is wrong with a cadence; empty when nothing is.
std::string CadenceRule(const Variant& variant, int cadence_days, int sessions, int weeks) {
  const int most = MostCadenceDays(variant, sessions, weeks);
  if (cadence_days <= most) return "";
  return absl::StrCat("must be 1 to ", most, ": further apart, ", sessions,
                      " sessions do not fit in ", weeks, " weeks");
}

// What may change while a course is open, with its defaults filled in.
absl::Status Apply(const CourseDraft& draft, const Clinic& clinic, const Therapist& therapist,
                   const Variant& variant, Course& course) {
  const SchedulingPolicy& policy = clinic.policy;
  course.indication = draft.indication;
  // What was agreed before stays, also where the course was extended since.
  if (draft.cadence_days.has_value() && draft.cadence_days != course.cadence_days) {
    const std::string wrong =
        CadenceRule(variant, *draft.cadence_days, course.planned_sessions, course.duration_weeks);
    if (!wrong.empty()) return InvalidField("course.cadence_days", wrong);
  }
  course.cadence_days = draft.cadence_days.value_or(
      std::min(policy.cadence_days.value_or(variant.cadence_days),
               MostCadenceDays(variant, course.planned_sessions, course.duration_weeks)));
  const int most = (course.cadence_days - 1) / 2;
  if (draft.cadence_tolerance_days.value_or(0) > most) {
    return InvalidField("course.cadence_tolerance_days", kToleranceRule);
  }
  course.cadence_tolerance_days = draft.cadence_tolerance_days.value_or(std::min(
      most, policy.cadence_tolerance_days.value_or(PolicyDefaults::kCadenceToleranceDays)));
  course.modality = draft.modality;
  course.session_minutes = draft.session_minutes.value_or(therapist.session_minutes.value_or(
      policy.session_minutes.value_or(PolicyDefaults::kSessionMinutes)));
  course.preferred_windows = draft.preferred_windows;
  return absl::OkStatus();
}

// A course of the draft, checked against its clinic and therapist, not yet stored.
absl::StatusOr<CourseEdit> Open(SchedulingTx& tx, const CallContext& ctx, IdSource& ids,
                                const std::string& course_id, const CourseDraft& draft) {
  IPT_ASSIGN_OR_RETURN(const Clinic clinic, tx.GetClinic(ctx.clinic_id));
  const Variant* variant = FindVariant(draft.variant_id);
  if (variant == nullptr) return InvalidField("course.variant", "is not a variant");
  IPT_ASSIGN_OR_RETURN(const std::string patient_id,
                       tx.FindOrAddPatient(ctx.clinic_id, draft.patient, ids.NewUuid(), ctx.now));
  IPT_RETURN_IF_ERROR(HoldOpenCourses(tx, ctx, draft.patient));
  // Held until the course is in, so that the next one counts it.
  IPT_ASSIGN_OR_RETURN(const Therapist therapist,
                       tx.LockTherapist(ctx.clinic_id, draft.therapist_id));
  IPT_ASSIGN_OR_RETURN(const int open, tx.CountOpenCourses(ctx.clinic_id, draft.therapist_id));
  IPT_RETURN_IF_ERROR(CheckTherapistTakes(therapist, draft.variant_id, open, 1));

  Course course;
  course.clinic_id = ctx.clinic_id;
  course.course_id = course_id.empty() ? ids.NewUuid() : course_id;
  course.therapist_id = draft.therapist_id;
  course.variant_id = draft.variant_id;
  course.planned_sessions =
      draft.planned_sessions != 0 ? draft.planned_sessions : variant->default_sessions;
  course.duration_weeks = draft.duration_weeks != 0 ? draft.duration_weeks : variant->default_weeks;
  course.time_zone = draft.time_zone.empty() ? clinic.time_zone : draft.time_zone;
  course.allow_concurrent = draft.allow_concurrent;
  IPT_RETURN_IF_ERROR(Apply(draft, clinic, therapist, *variant, course));
  course.patient = draft.patient;
  course.patient_id = patient_id;
  course.stamp.create_time = ctx.now;
  return CourseEdit::New(tx, ctx, std::move(course));
}

// The booked sessions to come that `keep_out` holds of, by start. Never one that has begun: it
// waits in the work list for its attendance, and what happened in it is not undone by cancelling
// it.
template <typename Predicate>
std::vector<std::string> BookedAhead(const CourseEdit& edit, absl::Time now, Predicate keep_out) {
  std::vector<std::string> ids;
  for (const Session& session : edit.sessions()) {
    if (session.state == SessionState::kBooked && session.interval.start > now &&
        keep_out(session)) {
      ids.push_back(session.session_id);
    }
  }
  return ids;
}
std::vector<std::string> BookedAhead(const CourseEdit& edit, absl::Time now) {
  return BookedAhead(edit, now, [](const Session&) { return true; });
}

// The booked sessions, not yet over, that end after the deadline, by start.
std::vector<Session> PastDeadline(const CourseEdit& edit, absl::Time now) {
  std::vector<Session> past;
  for (const Session& session : edit.sessions()) {
    if (session.state == SessionState::kBooked && session.interval.end > now &&
        session.interval.end > edit.course.progress.deadline) {
      past.push_back(session);
    }
  }
  return past;
}

absl::Status SessionsInTheWay(const Course& course, size_t count, absl::string_view description) {
  return FailedPrecondition(reason::kSessionsInTheWay,
                            CourseName(course.clinic_id, course.course_id), description,
                            {{"sessions", absl::StrCat(count)}});
}

absl::StatusOr<absl::CivilDay> Today(const Course& course, absl::Time now) {
  IPT_ASSIGN_OR_RETURN(const absl::TimeZone zone, StoredZone(course.time_zone));
  return absl::CivilDay(zone.At(now).cs);
}

// Adds a violation unless `value` lies within the bounds; `field` names it.
void CheckBounds(const Course& course, absl::string_view field, int value, int least, int most,
                 std::vector<PreconditionViolation>& violations, ErrorMetadata& metadata) {
  if (value >= least && value <= most) return;
  violations.push_back({reason::kVariantBounds, CourseName(course.clinic_id, course.course_id),
                        least <= most
                            ? absl::StrCat(field, " must be ", least, " to ", most)
                            : absl::StrCat(field, " cannot be changed this way any more")});
  metadata.try_emplace("field", field);
  metadata.try_emplace("minimum", absl::StrCat(least));
  metadata.try_emplace("maximum", absl::StrCat(most));
}

absl::Status OutOfBounds(const std::vector<PreconditionViolation>& violations,
                         ErrorMetadata metadata) {
  if (violations.empty()) return absl::OkStatus();
  return FailedPreconditions(reason::kVariantBounds, violations.front().description, violations,
                             std::move(metadata));
}

}  // namespace

void CheckCadence(const CourseDraft& draft, FieldViolations& bad) {
  const Variant* variant = FindVariant(draft.variant_id);
  if (variant == nullptr || !draft.cadence_days.has_value()) return;
  const std::string wrong =
      CadenceRule(*variant, *draft.cadence_days,
                  draft.planned_sessions != 0 ? draft.planned_sessions : variant->default_sessions,
                  draft.duration_weeks != 0 ? draft.duration_weeks : variant->default_weeks);
  if (!wrong.empty()) bad.Add("cadence_days", wrong);
}

absl::StatusOr<Course> CreateCourse(SchedulingTx& tx, const CallContext& ctx, IdSource& ids,
                                    const std::string& course_id, const CourseDraft& draft) {
  IPT_ASSIGN_OR_RETURN(CourseEdit edit, Open(tx, ctx, ids, course_id, draft));
  edit.Note(CourseChangeKind::kCreated);
  IPT_RETURN_IF_ERROR(edit.Save());
  return edit.course;
}

void CheckPastSessions(const std::vector<PastSession>& sessions, absl::Time now,
                       FieldViolations& bad) {
  const absl::Time earliest = now - absl::Hours(24 * 366 * kImportYears);
  for (size_t i = 0; i < sessions.size(); ++i) {
    if (sessions[i].start >= now || sessions[i].start < earliest) {
      bad.At("past_sessions", i)
          .Add("start_time", absl::StrCat("must be in the past ", kImportYears, " years"));
    }
  }
}

absl::StatusOr<Course> ImportCourse(SchedulingTx& tx, const CallContext& ctx, IdSource& ids,
                                    const ImportCourseCommand& command) {
  FieldViolations bad;
  CheckPastSessions(command.past_sessions, ctx.now, bad);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_ASSIGN_OR_RETURN(CourseEdit edit, Open(tx, ctx, ids, command.course_id, command.draft));
  IPT_ASSIGN_OR_RETURN(const Clinic* clinic, edit.calendars().GetClinic());
  const bool no_show_uses = clinic->policy.no_show_uses_session.value_or(false);

  std::vector<Interval> taken;
  for (size_t i = 0; i < command.past_sessions.size(); ++i) {
    const PastSession& past = command.past_sessions[i];
    const bool attended = past.outcome != AttendanceOutcome::kNoShow;
    Session session;
    session.clinic_id = edit.course.clinic_id;
    session.course_id = edit.course.course_id;
    session.session_id = ids.NewUuid();
    session.therapist_id = edit.course.therapist_id;
    session.patient_id = edit.course.patient_id;
    session.interval = {past.start, past.start + absl::Minutes(past.session_minutes != 0
                                                                   ? past.session_minutes
                                                                   : edit.course.session_minutes)};
    for (size_t k = 0; k < taken.size(); ++k) {
      if (taken[k].start < session.interval.end && session.interval.start < taken[k].end) {
        bad.At("past_sessions", i)
            .Add("start_time", absl::StrCat("the session overlaps past_sessions[", k, "]"));
        break;
      }
    }
    taken.push_back(session.interval);
    session.blocked_until = session.interval.end;
    session.blocking = false;
    session.time_zone = edit.course.time_zone;
    session.state = attended ? SessionState::kAttended : SessionState::kNoShow;
    session.modality =
        past.modality != Modality::kUnspecified ? past.modality : edit.course.modality;
    session.attendance = Attendance{past.outcome, AttendanceSource::kSystem, ctx.now};
    session.uses_session = attended || no_show_uses;
    session.changes.push_back({.time = ctx.now,
                               .kind = SessionChangeKind::kImported,
                               .caller = ctx.caller->subject,
                               .reason = "",
                               .previous_start = std::nullopt,
                               .previous_outcome = AttendanceOutcome::kUnspecified,
                               .previous_therapist_id = ""});
    edit.Add(std::move(session), Effect::kRecord);
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());

  edit.course.pauses = command.pauses;
  std::stable_sort(edit.course.pauses.begin(), edit.course.pauses.end(),
                   [](const Pause& a, const Pause& b) { return a.days.first < b.days.first; });
  edit.Note(CourseChangeKind::kImported);
  IPT_RETURN_IF_ERROR(edit.Save());
  return edit.course;
}

absl::StatusOr<Course> UpdateCourse(
    SchedulingTx& tx, const CallContext& ctx, const std::string& course_id, int64_t if_revision,
    absl::FunctionRef<absl::StatusOr<CourseDraft>(const Course&)> redraft) {
  IPT_ASSIGN_OR_RETURN(CourseEdit edit, CourseEdit::Open(tx, ctx, course_id, if_revision));
  IPT_RETURN_IF_ERROR(CheckOpen(edit.course));
  IPT_ASSIGN_OR_RETURN(const CourseDraft draft, redraft(edit.course));
  IPT_ASSIGN_OR_RETURN(const Clinic* clinic, edit.calendars().GetClinic());
  IPT_ASSIGN_OR_RETURN(const Therapist* therapist,
                       edit.calendars().GetTherapist(edit.course.therapist_id));
  const Variant* variant = FindVariant(edit.course.variant_id);
  if (variant == nullptr) return Internal("a stored course has an unknown variant");
  IPT_RETURN_IF_ERROR(Apply(draft, *clinic, *therapist, *variant, edit.course));
  edit.Note(CourseChangeKind::kUpdated);
  IPT_RETURN_IF_ERROR(edit.Save());
  return edit.course;
}

absl::StatusOr<CourseAndSessions> PauseCourse(SchedulingTx& tx, const CallContext& ctx,
                                              const PauseCourseCommand& command) {
  IPT_ASSIGN_OR_RETURN(CourseEdit edit,
                       CourseEdit::Open(tx, ctx, command.course_id, command.if_revision));
  Course& course = edit.course;
  IPT_RETURN_IF_ERROR(CheckOpen(course));
  IPT_ASSIGN_OR_RETURN(const absl::TimeZone zone, StoredZone(course.time_zone));
  const absl::CivilDay today(zone.At(ctx.now).cs);
  FieldViolations bad;
  if (command.pause.days.first < today - kPauseBackdateDays) {
    bad.Add("pause.first_day", absl::StrCat("must be at most ", kPauseBackdateDays, " days ago"));
  } else if (command.pause.days.first > today + kBookAheadDays) {
    bad.Add("pause.first_day", "must not be more than five years ahead");
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());

  const int days_before = PauseDays(course.pauses);
  std::vector<Pause> pauses = course.pauses;
  pauses.push_back(command.pause);
  std::stable_sort(pauses.begin(), pauses.end(),
                   [](const Pause& a, const Pause& b) { return a.days.first < b.days.first; });
  const int days_after = PauseDays(pauses);
  if (days_after == days_before) return CourseAndSessions{course, {}};
  IPT_ASSIGN_OR_RETURN(const Clinic* clinic, edit.calendars().GetClinic());
  const int cap = clinic->policy.pause_cap_days.value_or(PolicyDefaults::kPauseCapDays);
  if (days_after > cap) {
    return FailedPrecondition(reason::kPauseCap, CourseName(course.clinic_id, course.course_id),
                              absl::StrCat("with this pause the course would pause ", days_after,
                                           " days, of at most ", cap, "; agree a shorter one"),
                              {{"cap_days", absl::StrCat(cap)},
                               {"used_days", absl::StrCat(days_before)},
                               {"asked_days", absl::StrCat(days_after - days_before)}});
  }
  const auto in_pause = BookedAhead(edit, ctx.now, [&](const Session& session) {
    const absl::CivilDay day(zone.At(session.interval.start).cs);
    return day >= command.pause.days.first && day <= command.pause.days.last;
  });
  if (!in_pause.empty() && !command.cancel_sessions) {
    return SessionsInTheWay(course, in_pause.size(),
                            "sessions are booked in the pause; move or cancel them, or set "
                            "cancel_sessions");
  }
  course.pauses = std::move(pauses);
  edit.Note(CourseChangeKind::kPaused);
  edit.Cancel(in_pause, "the course pauses");
  IPT_RETURN_IF_ERROR(edit.Save());
  return CourseAndSessions{course, edit.Get(in_pause)};
}

absl::StatusOr<CourseAndSessions> ResumeCourse(SchedulingTx& tx, const CallContext& ctx,
                                               const std::string& course_id, int64_t if_revision,
                                               std::optional<absl::CivilDay> resume_day) {
  IPT_ASSIGN_OR_RETURN(CourseEdit edit, CourseEdit::Open(tx, ctx, course_id, if_revision));
  Course& course = edit.course;
  IPT_RETURN_IF_ERROR(CheckOpen(course));
  IPT_ASSIGN_OR_RETURN(const absl::CivilDay today, Today(course, ctx.now));
  const absl::CivilDay day = resume_day.value_or(today);
  if (!InPause(day, course.pauses)) {
    if (InPause(today, course.pauses)) {
      return InvalidField("resume_day", "must lie within the present pause");
    }
    return CourseAndSessions{course, PastDeadline(edit, ctx.now)};  // resumed already
  }
  std::vector<Pause> left;
  for (Pause pause : course.pauses) {
    if (day >= pause.days.first && day <= pause.days.last) pause.days.last = day - 1;
    if (pause.days.last >= pause.days.first) left.push_back(pause);
  }
  course.pauses = std::move(left);
  edit.Note(CourseChangeKind::kResumed);
  IPT_RETURN_IF_ERROR(edit.Save());
  return CourseAndSessions{course, PastDeadline(edit, ctx.now)};
}

absl::StatusOr<Course> ExtendCourse(SchedulingTx& tx, const CallContext& ctx,
                                    const ExtendCourseCommand& command) {
  IPT_ASSIGN_OR_RETURN(CourseEdit edit,
                       CourseEdit::Open(tx, ctx, command.course_id, command.if_revision));
  Course& course = edit.course;
  IPT_RETURN_IF_ERROR(CheckOpen(course));
  const Variant* variant = FindVariant(course.variant_id);
  if (variant == nullptr) return Internal("a stored course has an unknown variant");
  const int sessions =
      command.planned_sessions != 0 ? command.planned_sessions : course.planned_sessions;
  const int weeks = command.duration_weeks != 0 ? command.duration_weeks : course.duration_weeks;
  std::vector<PreconditionViolation> violations;
  ErrorMetadata metadata;
  CheckBounds(course, "planned_sessions", sessions, course.planned_sessions,
              std::max(variant->max_sessions, course.planned_sessions), violations, metadata);
  CheckBounds(course, "duration_weeks", weeks, course.duration_weeks,
              std::max(variant->max_weeks, course.duration_weeks), violations, metadata);
  IPT_RETURN_IF_ERROR(OutOfBounds(violations, metadata));
  if (sessions == course.planned_sessions && weeks == course.duration_weeks) return course;
  course.planned_sessions = sessions;
  course.duration_weeks = weeks;
  edit.Note(CourseChangeKind::kExtended, command.reason);
  IPT_RETURN_IF_ERROR(edit.Save());
  return course;
}

absl::StatusOr<CourseAndSessions> ShortenCourse(SchedulingTx& tx, const CallContext& ctx,
                                                const ShortenCourseCommand& command) {
  IPT_ASSIGN_OR_RETURN(CourseEdit edit,
                       CourseEdit::Open(tx, ctx, command.course_id, command.if_revision));
  Course& course = edit.course;
  IPT_RETURN_IF_ERROR(CheckOpen(course));
  const SessionCounts counts = CountSessions(course.planned_sessions, edit.sessions(), ctx.now);
  std::vector<PreconditionViolation> violations;
  ErrorMetadata metadata;
  CheckBounds(course, "planned_sessions", command.planned_sessions, std::max(1, counts.used),
              course.planned_sessions - 1, violations, metadata);
  IPT_RETURN_IF_ERROR(OutOfBounds(violations, metadata));

  const std::vector<std::string> ahead = BookedAhead(edit, ctx.now);
  const int begun = counts.booked - static_cast<int>(ahead.size());
  const int room = command.planned_sessions - counts.used - begun;
  if (room < 0) {
    return SessionsInTheWay(course, begun,
                            "sessions that have begun, without attendance recorded, may use up "
                            "more than would be left; record their attendance first");
  }
  std::vector<std::string> too_many;
  if (static_cast<int>(ahead.size()) > room) too_many.assign(ahead.begin() + room, ahead.end());
  if (!too_many.empty() && !command.cancel_sessions) {
    return SessionsInTheWay(course, too_many.size(),
                            "more sessions are booked than would be left; cancel the last ones, "
                            "or set cancel_sessions");
  }
  course.planned_sessions = command.planned_sessions;
  edit.Note(CourseChangeKind::kShortened, command.reason);
  edit.Cancel(too_many, "the course was shortened");
  IPT_RETURN_IF_ERROR(edit.Save());
  return CourseAndSessions{course, edit.Get(too_many)};
}

absl::StatusOr<Course> CompleteCourse(SchedulingTx& tx, const CallContext& ctx,
                                      const std::string& course_id, int64_t if_revision,
                                      bool cancel_sessions) {
  IPT_ASSIGN_OR_RETURN(CourseEdit edit, CourseEdit::Open(tx, ctx, course_id, if_revision));
  Course& course = edit.course;
  IPT_RETURN_IF_ERROR(CheckOpen(course));
  const SessionCounts counts = CountSessions(course.planned_sessions, edit.sessions(), ctx.now);
  if (counts.attended == 0) {
    return CourseStateError(course, "no session was attended; discontinue the course instead");
  }
  const auto ahead = BookedAhead(edit, ctx.now);
  if (!ahead.empty() && !cancel_sessions) {
    return SessionsInTheWay(course, ahead.size(),
                            "sessions to come are booked; cancel them, or set cancel_sessions");
  }
  edit.Cancel(ahead, "the course was completed");
  course.state = CourseState::kCompleted;
  course.closure =
      Closure{ctx.now, ClosureReason::kUnspecified, counts.used < course.planned_sessions};
  edit.Note(CourseChangeKind::kCompleted);
  IPT_RETURN_IF_ERROR(edit.Save());
  return course;
}

absl::StatusOr<Course> DiscontinueCourse(SchedulingTx& tx, const CallContext& ctx,
                                         const std::string& course_id, int64_t if_revision,
                                         ClosureReason why) {
  IPT_ASSIGN_OR_RETURN(CourseEdit edit, CourseEdit::Open(tx, ctx, course_id, if_revision));
  IPT_RETURN_IF_ERROR(CheckOpen(edit.course));
  edit.Cancel(BookedAhead(edit, ctx.now), "the course was discontinued");
  edit.course.state = CourseState::kDiscontinued;
  edit.course.closure = Closure{ctx.now, why, false};
  edit.Note(CourseChangeKind::kDiscontinued);
  IPT_RETURN_IF_ERROR(edit.Save());
  // Whatever else the clinic would have sent them is not sent either.
  if (why == ClosureReason::kDeceased) {
    IPT_RETURN_IF_ERROR(SetPatientGone(tx, ctx, edit.course.patient, true));
  }
  return edit.course;
}

absl::StatusOr<Course> ReopenCourse(SchedulingTx& tx, const CallContext& ctx,
                                    const std::string& course_id, int64_t if_revision,
                                    const std::string& why) {
  IPT_RETURN_IF_ERROR(HoldOpenCoursesBeside(tx, ctx, course_id));
  IPT_ASSIGN_OR_RETURN(CourseEdit edit, CourseEdit::Open(tx, ctx, course_id, if_revision));
  Course& course = edit.course;
  if (IsOpen(course.state)) return CourseStateError(course, "the course is open");
  IPT_ASSIGN_OR_RETURN(const Therapist therapist,
                       tx.LockTherapist(ctx.clinic_id, course.therapist_id));
  IPT_ASSIGN_OR_RETURN(const int open, tx.CountOpenCourses(ctx.clinic_id, course.therapist_id));
  // Undoing a mistake gives the therapist no new course: they may have left, or offer the variant
  // no more. Only what others took meanwhile is in the way.
  IPT_RETURN_IF_ERROR(CheckTherapistHasRoom(therapist, open, 1));
  CourseFilter others;
  others.patient = course.patient;
  others.states = {CourseState::kPlanned, CourseState::kActive, CourseState::kPaused};
  IPT_ASSIGN_OR_RETURN(const auto open_courses,
                       tx.ListCourses(ctx.clinic_id, others, "", kNoLimit));
  for (const Course& other : open_courses) {
    if (course.allow_concurrent || other.allow_concurrent) continue;
    return FailedPrecondition(reason::kOpenCourseExists, CourseName(ctx.clinic_id, course_id),
                              "the patient has another open course; close it first");
  }
  if (course.closure.has_value() && course.closure->reason == ClosureReason::kDeceased) {
    IPT_RETURN_IF_ERROR(SetPatientGone(tx, ctx, course.patient, false));
  }
  // Anything open: what it is follows from sessions, pauses and today.
  course.state = CourseState::kPlanned;
  course.closure.reset();
  edit.Note(CourseChangeKind::kReopened, why);
  IPT_RETURN_IF_ERROR(edit.Save());
  return course;
}

}  // namespace ipt::scheduling
