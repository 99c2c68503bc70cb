#include "scheduling/domain/sessions.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "scheduling/domain/course_edit.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/numbering.h"
#include "scheduling/domain/reasons.h"
#include "scheduling/domain/time_zone.h"

namespace ipt::scheduling {
namespace {

using Effect = CourseEdit::Effect;

// The session of the command, of the course as locked.
absl::StatusOr<Session> FindSession(const CourseEdit& edit, absl::string_view session_id,
                                    int64_t if_revision) {
  const Course& course = edit.course;
  const std::string name = SessionName(course.clinic_id, course.course_id, session_id);
  const Session* session = edit.Find(session_id);
  if (session == nullptr) return NotFound(kSessionType, name);
  IPT_RETURN_IF_ERROR(CheckIfRevision(if_revision, session->stamp.revision, kSessionType, name));
  return *session;
}

// A booked session of the course, not yet in it.
Session NewSession(const CallContext& ctx, const Course& course, const Therapist& therapist,
                   std::string id, absl::Time start, int minutes) {
  Session session;
  session.clinic_id = course.clinic_id;
  session.course_id = course.course_id;
  session.session_id = std::move(id);
  session.therapist_id = course.therapist_id;
  session.patient_id = course.patient_id;
  session.interval = {start,
                      start + absl::Minutes(minutes != 0 ? minutes : course.session_minutes)};
  session.blocked_until = session.interval.end + absl::Minutes(therapist.buffer_minutes);
  session.time_zone = course.time_zone;
  session.modality = course.modality;
  session.changes.push_back({.time = ctx.now,
                             .kind = SessionChangeKind::kBooked,
                             .caller = ctx.caller->subject,
                             .reason = "",
                             .previous_start = std::nullopt,
                             .previous_outcome = AttendanceOutcome::kUnspecified,
                             .previous_therapist_id = ""});
  return session;
}

// A stored clinic's answer to whether something uses up a session.
absl::StatusOr<const SchedulingPolicy*> Policy(CourseEdit& edit) {
  IPT_ASSIGN_OR_RETURN(const Clinic* clinic, edit.calendars().GetClinic());
  return &clinic->policy;
}

AttendanceOutcome OutcomeOf(const Session& session) {
  return session.attendance.has_value() ? session.attendance->outcome
                                        : AttendanceOutcome::kUnspecified;
}

}  // namespace

absl::StatusOr<Session> BookSession(SchedulingTx& tx, const CallContext& ctx, IdSource& ids,
                                    const BookSessionCommand& command) {
  FieldViolations bad;
  CheckStart(command.start, ctx.now, command.retrospective, bad, "start_time");
  IPT_RETURN_IF_ERROR(bad.ToStatus());

  IPT_ASSIGN_OR_RETURN(CourseEdit edit, CourseEdit::Open(tx, ctx, command.course_id));
  IPT_RETURN_IF_ERROR(CheckOpen(edit.course));
  IPT_RETURN_IF_ERROR(CheckSessionCount(edit, 1));
  IPT_RETURN_IF_ERROR(edit.TakeCalendars());
  IPT_ASSIGN_OR_RETURN(const Therapist* therapist,
                       edit.calendars().GetTherapist(edit.course.therapist_id));
  if (!command.retrospective) IPT_RETURN_IF_ERROR(CheckTherapistActive(*therapist));

  Session session = NewSession(ctx, edit.course, *therapist,
                               command.session_id.empty() ? ids.NewUuid() : command.session_id,
                               command.start, command.session_minutes);
  if (command.modality != Modality::kUnspecified) session.modality = command.modality;
  session.location = command.location;
  session.outside_availability = command.override.outside_availability;
  session.changes.back().reason = command.override.reason;
  const std::string name = SessionName(session.clinic_id, session.course_id, session.session_id);
  if (edit.Find(session.session_id) != nullptr) {
    return AlreadyExists(ipt::reason::kResourceExists, kSessionType, name,
                         absl::StrCat(name, " exists already; take another session_id"));
  }

  const std::vector<Session> placed = {session};
  IPT_ASSIGN_OR_RETURN(const auto refusals,
                       CheckPlacements(edit.calendars(), {.course = edit.course,
                                                          .others = edit.sessions(),
                                                          .placed = placed,
                                                          .override = command.override,
                                                          .retrospective = command.retrospective,
                                                          .moves = false,
                                                          .now = ctx.now}));
  if (!refusals.empty()) {
    return RefuseOne(CourseName(session.clinic_id, session.course_id), refusals);
  }
  const std::string id = session.session_id;
  edit.Add(std::move(session), Effect::kCalendar);
  IPT_RETURN_IF_ERROR(edit.Save());
  return edit.Get(id);
}

void CheckSlots(const std::vector<PlanSlot>& slots, absl::Time now, FieldViolations& bad) {
  std::map<absl::Time, size_t> first;
  for (size_t i = 0; i < slots.size(); ++i) {
    FieldViolations at = bad.At("slots", i);
    CheckStart(slots[i].start, now, false, at, "start_time");
    const auto [earlier, is_first] = first.emplace(slots[i].start, i);
    if (!is_first) {
      at.Add("start_time", absl::StrCat("is the start of slots[", earlier->second, "], too"));
    }
  }
}

absl::StatusOr<BookedPlan> BookPlan(SchedulingTx& tx, const CallContext& ctx, IdSource& ids,
                                    const BookPlanCommand& command) {
  FieldViolations bad;
  CheckSlots(command.slots, ctx.now, bad);
  IPT_RETURN_IF_ERROR(bad.ToStatus());

  IPT_ASSIGN_OR_RETURN(CourseEdit edit,
                       CourseEdit::Open(tx, ctx, command.course_id, command.if_revision));
  IPT_RETURN_IF_ERROR(CheckOpen(edit.course));
  IPT_RETURN_IF_ERROR(CheckSessionCount(edit, command.slots.size()));
  IPT_RETURN_IF_ERROR(edit.TakeCalendars());
  IPT_ASSIGN_OR_RETURN(const Therapist* therapist,
                       edit.calendars().GetTherapist(edit.course.therapist_id));
  IPT_RETURN_IF_ERROR(CheckTherapistActive(*therapist));

  // Placed by start, told by the caller's order.
  std::vector<size_t> order(command.slots.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return command.slots[a].start < command.slots[b].start; });
  std::vector<Session> placed;
  std::vector<std::string> booked;
  for (size_t i : order) {
    const PlanSlot& slot = command.slots[i];
    Session session =
        NewSession(ctx, edit.course, *therapist, ids.NewUuid(), slot.start, slot.session_minutes);
    session.location = slot.location;
    booked.push_back(session.session_id);
    placed.push_back(std::move(session));
  }
  IPT_ASSIGN_OR_RETURN(auto refusals, CheckPlacements(edit.calendars(), {.course = edit.course,
                                                                         .others = edit.sessions(),
                                                                         .placed = placed,
                                                                         .override = {},
                                                                         .retrospective = false,
                                                                         .moves = false,
                                                                         .now = ctx.now}));
  if (!refusals.empty()) {
    for (Refusal& refusal : refusals) refusal.index = order[refusal.index];
    std::stable_sort(refusals.begin(), refusals.end(),
                     [](const Refusal& a, const Refusal& b) { return a.index < b.index; });
    return RefuseSeries("slots", command.slots.size(), refusals);
  }
  for (Session& session : placed) edit.Add(std::move(session), Effect::kCalendar);
  IPT_RETURN_IF_ERROR(edit.Save());
  return BookedPlan{edit.Get(booked), edit.course};
}

absl::StatusOr<Session> UpdateSession(
    SchedulingTx& tx, const CallContext& ctx, const std::string& course_id,
    const std::string& session_id, int64_t if_revision,
    absl::FunctionRef<absl::StatusOr<SessionDetails>(const Session&)> redraft) {
  IPT_ASSIGN_OR_RETURN(CourseEdit edit, CourseEdit::Open(tx, ctx, course_id));
  IPT_ASSIGN_OR_RETURN(const Session before, FindSession(edit, session_id, if_revision));
  IPT_ASSIGN_OR_RETURN(SessionDetails details, redraft(before));
  if (before.modality == details.modality && before.location == details.location) return before;
  IPT_RETURN_IF_ERROR(CheckHistory(before));
  Session& session = edit.Change(session_id, SessionChangeKind::kUpdated, "", Effect::kRecord);
  session.modality = details.modality;
  session.location = std::move(details.location);
  IPT_RETURN_IF_ERROR(edit.Save());
  return edit.Get(session_id);
}

absl::StatusOr<Rescheduled> RescheduleSession(SchedulingTx& tx, const CallContext& ctx,
                                              const RescheduleCommand& command) {
  FieldViolations bad;
  CheckStart(command.start, ctx.now, false, bad, "start_time");
  IPT_RETURN_IF_ERROR(bad.ToStatus());

  IPT_ASSIGN_OR_RETURN(CourseEdit edit, CourseEdit::Open(tx, ctx, command.course_id));
  IPT_ASSIGN_OR_RETURN(const Session anchor,
                       FindSession(edit, command.session_id, command.if_revision));
  IPT_RETURN_IF_ERROR(CheckOpen(edit.course));
  if (anchor.state != SessionState::kBooked) {
    return SessionStateError(anchor, "only a booked session can be moved; book a new one");
  }
  if (anchor.interval.start <= ctx.now) {
    return SessionStateError(anchor, "the session has begun; record its attendance instead");
  }
  IPT_RETURN_IF_ERROR(edit.TakeCalendars());
  IPT_ASSIGN_OR_RETURN(const Therapist* therapist,
                       edit.calendars().GetTherapist(edit.course.therapist_id));
  IPT_RETURN_IF_ERROR(CheckTherapistActive(*therapist));
  IPT_ASSIGN_OR_RETURN(const absl::TimeZone zone, StoredZone(edit.course.time_zone));

  // By the same local days and minutes, whatever clocks do in between.
  const absl::CivilSecond from(zone.At(anchor.interval.start).cs);
  const absl::CivilSecond to(zone.At(command.start).cs);
  const absl::civil_diff_t shift = to - from;

  std::vector<Session> others;
  std::vector<Session> placed;
  for (const Session& session : edit.sessions()) {
    const bool is_anchor = session.session_id == anchor.session_id;
    const bool follows = command.following && session.state == SessionState::kBooked &&
                         session.interval.start > anchor.interval.start;
    if (!is_anchor && !follows) {
      others.push_back(session);
      continue;
    }
    Session moved = session;
    const absl::Duration length = command.session_minutes != 0
                                      ? absl::Minutes(command.session_minutes)
                                      : session.interval.end - session.interval.start;
    const absl::Time start =
        is_anchor
            ? command.start
            : ResolveLocal(absl::CivilSecond(zone.At(session.interval.start).cs) + shift, zone)
                  .instant;
    moved.interval = {start, start + length};
    moved.blocked_until = moved.interval.end + absl::Minutes(therapist->buffer_minutes);
    placed.push_back(std::move(moved));
  }
  // Resolving local times keeps order but may, in a gap, make two starts one; then they overlap
  // and are refused as such.
  std::stable_sort(placed.begin(), placed.end(), [](const Session& a, const Session& b) {
    return a.interval.start < b.interval.start;
  });
  if (placed.front().interval.start <= ctx.now) {
    return InvalidField("start_time", "would move a session that follows into the past");
  }

  IPT_ASSIGN_OR_RETURN(const auto refusals,
                       CheckPlacements(edit.calendars(), {.course = edit.course,
                                                          .others = others,
                                                          .placed = placed,
                                                          .override = command.override,
                                                          .retrospective = false,
                                                          .moves = true,
                                                          .now = ctx.now}));
  if (!refusals.empty()) {
    if (command.following) return RefuseSeries("sessions", placed.size(), refusals);
    return RefuseOne(SessionName(anchor.clinic_id, anchor.course_id, anchor.session_id), refusals);
  }
  std::vector<std::string> moved_ids;
  bool changes = false;
  for (const Session& moved : placed) {
    moved_ids.push_back(moved.session_id);
    const Session& before = edit.Get(moved.session_id);
    if (before.interval == moved.interval) {
      // Stays where it is, with the buffer that the therapist keeps by now.
      if (before.blocked_until == moved.blocked_until) continue;
      edit.Touch(moved.session_id, Effect::kCalendar).blocked_until = moved.blocked_until;
      changes = true;
      continue;
    }
    IPT_RETURN_IF_ERROR(CheckHistory(before));
    changes = true;
    const absl::Time previous = before.interval.start;
    Session& session =
        edit.Change(moved.session_id, SessionChangeKind::kRescheduled,
                    HistoryReason(command.reason, command.override), Effect::kCalendar);
    session.interval = moved.interval;
    session.blocked_until = moved.blocked_until;
    session.outside_availability = command.override.outside_availability;
    ++session.sequence;
    session.changes.back().previous_start = previous;
  }
  if (changes) IPT_RETURN_IF_ERROR(edit.Save());
  Rescheduled result;
  result.sessions = edit.Get(moved_ids);
  IPT_ASSIGN_OR_RETURN(result.revision, tx.log().Revision());
  return result;
}

absl::StatusOr<Session> CancelSession(SchedulingTx& tx, const CallContext& ctx,
                                      const CancelSessionCommand& command) {
  IPT_ASSIGN_OR_RETURN(CourseEdit edit, CourseEdit::Open(tx, ctx, command.course_id));
  IPT_ASSIGN_OR_RETURN(const Session before,
                       FindSession(edit, command.session_id, command.if_revision));
  if (before.state != SessionState::kBooked) {
    return SessionStateError(before, "only a booked session can be cancelled");
  }
  if (before.interval.start <= ctx.now) {
    return SessionStateError(before, "the session has begun; record its attendance instead");
  }
  IPT_RETURN_IF_ERROR(edit.TakeCalendars());
  IPT_ASSIGN_OR_RETURN(const SchedulingPolicy* policy, Policy(edit));
  const absl::Duration notice = absl::Hours(
      policy->cancellation_notice_hours.value_or(PolicyDefaults::kCancellationNoticeHours));
  // Notice that is exactly as long as asked for is in time.
  const bool late =
      command.cancelled_by == CancelledBy::kPatient && before.interval.start - ctx.now < notice;
  const bool uses = late && policy->late_cancellation_uses_session.value_or(false);

  Session& session = edit.Change(command.session_id, SessionChangeKind::kCancelled, command.reason,
                                 Effect::kCalendar);
  session.state = SessionState::kCancelled;
  session.blocking = false;
  session.uses_session = uses;
  session.cancellation = Cancellation{command.cancelled_by, late, ctx.now};
  IPT_RETURN_IF_ERROR(edit.Save());
  return edit.Get(command.session_id);
}

absl::StatusOr<Session> RecordAttendance(SchedulingTx& tx, const CallContext& ctx,
                                         const RecordAttendanceCommand& command) {
  IPT_ASSIGN_OR_RETURN(CourseEdit edit, CourseEdit::Open(tx, ctx, command.course_id));
  IPT_ASSIGN_OR_RETURN(const Session before,
                       FindSession(edit, command.session_id, command.if_revision));
  if (before.state == SessionState::kCancelled) {
    return SessionStateError(before,
                             "a cancelled session has no attendance; book the session "
                             "that took place as a retrospective one");
  }
  if (before.interval.start > ctx.now) {
    return FailedPrecondition(reason::kSessionInFuture,
                              SessionName(before.clinic_id, before.course_id, before.session_id),
                              "attendance can be recorded once the session has begun");
  }
  const bool correction = before.attendance.has_value();
  if (correction && command.correction_reason.empty()) {
    return InvalidField("correction_reason", "is required: attendance was recorded before");
  }
  if (correction) IPT_RETURN_IF_ERROR(CheckHistory(before, correction));

  const bool attended = command.outcome != AttendanceOutcome::kNoShow;
  const SessionState state = attended ? SessionState::kAttended : SessionState::kNoShow;
  IPT_ASSIGN_OR_RETURN(const SchedulingPolicy* policy, Policy(edit));
  // What was recorded keeps whether it used up a session, unless it turns out otherwise.
  const bool uses = before.state == state
                        ? before.uses_session
                        : attended || policy->no_show_uses_session.value_or(false);

  Session& session = edit.Change(
      command.session_id,
      correction ? SessionChangeKind::kAttendanceCorrected : SessionChangeKind::kAttendanceRecorded,
      command.correction_reason, Effect::kRecord);
  session.changes.back().previous_outcome = OutcomeOf(before);
  session.state = state;
  session.uses_session = uses;
  session.attendance =
      Attendance{command.outcome,
                 command.source == AttendanceSource::kUnspecified ? AttendanceSource::kTherapist
                                                                  : command.source,
                 ctx.now};
  if (edit.course.state == CourseState::kCompleted) {
    const SessionCounts counts =
        CountSessions(edit.course.planned_sessions, edit.sessions(), ctx.now);
    if (counts.attended == 0) {
      return CourseStateError(edit.course,
                              "it would leave a completed course without an attended session; "
                              "reopen the course first");
    }
    edit.course.closure->early = counts.used < edit.course.planned_sessions;
  }
  IPT_RETURN_IF_ERROR(edit.Save());
  return edit.Get(command.session_id);
}

}  // namespace ipt::scheduling
