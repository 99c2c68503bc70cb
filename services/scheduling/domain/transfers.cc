#include "scheduling/domain/transfers.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "scheduling/domain/availability.h"
#include "scheduling/domain/booking.h"
#include "scheduling/domain/course_edit.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/reasons.h"

namespace ipt::scheduling {
namespace {

using Effect = CourseEdit::Effect;

struct Moving {
  CourseEdit* edit;
  std::string session_id;
  Interval interval;
  Interval blocked;  // with the new therapist's buffer
};

// The booked sessions to come, of all courses, by start.
std::vector<Moving> SessionsToMove(const std::vector<CourseEdit*>& edits, const Therapist& to,
                                   absl::Time now) {
  std::vector<Moving> moving;
  for (CourseEdit* edit : edits) {
    for (const Session& session : edit->sessions()) {
      if (session.state != SessionState::kBooked || session.interval.start <= now) continue;
      moving.push_back(
          {edit,
           session.session_id,
           session.interval,
           {session.interval.start, session.interval.end + absl::Minutes(to.buffer_minutes)}});
    }
  }
  std::stable_sort(moving.begin(), moving.end(), [](const Moving& a, const Moving& b) {
    return a.interval.start < b.interval.start;
  });
  return moving;
}

// Why the new therapist cannot take the session; empty when they can. The patient's own time does
// not change, so it is not looked at.
std::vector<std::string> Conflicts(const Availability& availability, const Moving& session,
                                   const std::vector<Moving>& placed) {
  std::vector<std::string> found;
  for (DeviationReason reason : availability.Check(session.interval)) {
    if (reason == DeviationReason::kHoliday) found.push_back("HOLIDAY");
    if (reason == DeviationReason::kTimeOff) found.push_back("TIME_OFF");
    if (reason == DeviationReason::kOutsideHours) found.push_back("OUTSIDE_HOURS");
    if (reason == DeviationReason::kTherapistBooked) found.push_back("THERAPIST_BOOKED");
  }
  for (const Moving& other : placed) {
    if (other.blocked.start < session.blocked.end && session.blocked.start < other.blocked.end) {
      found.push_back("THERAPIST_BOOKED");
      break;
    }
  }
  return found;
}

absl::Status Refuse(const std::vector<PreconditionViolation>& violations, size_t sessions) {
  return FailedPreconditions(
      reason::kSeriesConflict,
      absl::StrCat(violations.size(), " of ", sessions,
                   " booked sessions cannot go along to the new therapist; nothing was "
                   "transferred. Move or cancel them, or let the call cancel them"),
      violations,
      {{"conflicts", absl::StrCat(violations.size())}, {"sessions", absl::StrCat(sessions)}});
}

// Transfers locked courses to a locked therapist. `subject_by_index`: conflicts are told as
// sessions[i] among those to move, else by the sessions' names.
absl::StatusOr<std::vector<Transfer>> Carry(SchedulingTx& tx, const CallContext& ctx,
                                            const std::vector<CourseEdit*>& edits,
                                            const Therapist& to, bool cancel_conflicts,
                                            const std::string& why, bool subject_by_index) {
  std::vector<std::string> therapists = {to.therapist_id};
  IPT_RETURN_IF_ERROR(CourseEdit::TakeCalendars(edits, therapists));

  const std::vector<Moving> moving = SessionsToMove(edits, to, ctx.now);
  std::map<const CourseEdit*, std::pair<std::vector<std::string>, std::vector<std::string>>> fate;
  if (!moving.empty()) {
    Interval window{moving.front().blocked.start, moving.front().blocked.end};
    for (const Moving& session : moving) window.end = std::max(window.end, session.blocked.end);
    ClinicCalendars calendars(tx, ctx.clinic_id);
    IPT_ASSIGN_OR_RETURN(const CalendarInputs inputs,
                         calendars.ForTherapist(to.therapist_id, window));
    const Availability availability(inputs, window);
    std::vector<Moving> placed;
    std::vector<PreconditionViolation> refused;
    for (size_t i = 0; i < moving.size(); ++i) {
      const Moving& session = moving[i];
      auto conflicts = Conflicts(availability, session, placed);
      const bool full = !CheckHistory(session.edit->Get(session.session_id)).ok();
      if (full) conflicts.push_back("HISTORY_FULL");
      auto& [moved_ids, cancelled_ids] = fate[session.edit];
      if (conflicts.empty()) {
        placed.push_back(session);
        moved_ids.push_back(session.session_id);
        continue;
      }
      cancelled_ids.push_back(session.session_id);
      const std::string name =
          SessionName(ctx.clinic_id, session.edit->course.course_id, session.session_id);
      const bool booked = conflicts.size() == 1 && conflicts[0] == "THERAPIST_BOOKED";
      refused.push_back({full     ? reason::kSessionHistoryFull
                         : booked ? reason::kSlotTaken
                                  : reason::kOutsideAvailability,
                         subject_by_index ? absl::StrCat("sessions[", i, "]") : name,
                         absl::StrCat(name, ": ", absl::StrJoin(conflicts, ","))});
    }
    if (!refused.empty() && !cancel_conflicts) return Refuse(refused, moving.size());
  }

  for (CourseEdit* edit : edits) {
    const std::string before = edit->course.therapist_id;
    auto& [moved_ids, cancelled_ids] = fate[edit];
    edit->course.therapist_id = to.therapist_id;
    edit->Note(CourseChangeKind::kTransferred, why, before);
    edit->Cancel(cancelled_ids, "the new therapist is not free then");
    for (const std::string& id : moved_ids) {
      Session& session = edit->Change(id, SessionChangeKind::kTransferred, why, Effect::kCalendar);
      session.changes.back().previous_therapist_id = session.therapist_id;
      session.therapist_id = to.therapist_id;
      session.outside_availability = false;
      session.blocked_until = session.interval.end + absl::Minutes(to.buffer_minutes);
    }
  }
  // All sessions first, so that each course's forecast sees those of all.
  for (CourseEdit* edit : edits) IPT_RETURN_IF_ERROR(edit->StoreSessions());
  std::vector<Transfer> transfers;
  for (CourseEdit* edit : edits) {
    IPT_RETURN_IF_ERROR(edit->Save());
    const auto& [moved_ids, cancelled_ids] = fate[edit];
    transfers.push_back({edit->course, edit->Get(moved_ids), edit->Get(cancelled_ids)});
  }
  return transfers;
}

}  // namespace

absl::StatusOr<Transfer> TransferCourse(SchedulingTx& tx, const CallContext& ctx,
                                        const TransferCourseCommand& command) {
  IPT_ASSIGN_OR_RETURN(CourseEdit edit,
                       CourseEdit::Open(tx, ctx, command.course_id, command.if_revision));
  IPT_RETURN_IF_ERROR(CheckOpen(edit.course));
  if (edit.course.therapist_id == command.therapist_id) {
    return InvalidField("therapist", "is the course's therapist already");
  }
  IPT_ASSIGN_OR_RETURN(const Therapist to, tx.LockTherapist(ctx.clinic_id, command.therapist_id));
  IPT_ASSIGN_OR_RETURN(const int open, tx.CountOpenCourses(ctx.clinic_id, command.therapist_id));
  IPT_RETURN_IF_ERROR(CheckTherapistTakes(to, edit.course.variant_id, open, 1));
  IPT_ASSIGN_OR_RETURN(auto transfers, Carry(tx, ctx, {&edit}, to, command.cancel_conflicts,
                                             command.reason, /*subject_by_index=*/true));
  return std::move(transfers.front());
}

absl::StatusOr<Transfers> TransferCourses(SchedulingTx& tx, const CallContext& ctx,
                                          const TransferCoursesCommand& command) {
  IPT_RETURN_IF_ERROR(tx.GetTherapist(ctx.clinic_id, command.from_therapist_id).status());
  std::vector<std::string> ids = command.course_ids;
  if (ids.empty()) {
    CourseFilter filter;
    filter.therapist_id = command.from_therapist_id;
    filter.states = {CourseState::kPlanned, CourseState::kActive, CourseState::kPaused};
    IPT_ASSIGN_OR_RETURN(const auto courses, tx.ListCourses(ctx.clinic_id, filter, "", kNoLimit));
    for (const Course& course : courses) ids.push_back(course.course_id);
  }
  // Courses are locked in the order of their ids.
  std::vector<std::string> sorted = ids;
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::vector<CourseEdit> edits;
  FieldViolations bad;
  for (const std::string& id : sorted) {
    IPT_ASSIGN_OR_RETURN(CourseEdit edit, CourseEdit::Open(tx, ctx, id));
    const bool of_giver = edit.course.therapist_id == command.from_therapist_id;
    if (command.course_ids.empty()) {
      // Closed or given away between the list and the lock: not one of those asked for.
      if (!of_giver || !IsOpen(edit.course.state)) continue;
    } else if (!of_giver) {
      const auto at = std::find(ids.begin(), ids.end(), id) - ids.begin();
      bad.Add(absl::StrCat("courses[", at, "]"), "is not a course of from_therapist");
    } else {
      IPT_RETURN_IF_ERROR(CheckOpen(edit.course));
    }
    edits.push_back(std::move(edit));
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());

  IPT_ASSIGN_OR_RETURN(const Therapist to,
                       tx.LockTherapist(ctx.clinic_id, command.to_therapist_id));
  IPT_ASSIGN_OR_RETURN(const int open, tx.CountOpenCourses(ctx.clinic_id, command.to_therapist_id));
  IPT_RETURN_IF_ERROR(CheckTherapistActive(to));
  std::vector<CourseEdit*> all;
  for (CourseEdit& edit : edits) {
    IPT_RETURN_IF_ERROR(
        CheckTherapistTakes(to, edit.course.variant_id, open, static_cast<int>(edits.size())));
    all.push_back(&edit);
  }
  Transfers result;
  if (!all.empty()) {
    IPT_ASSIGN_OR_RETURN(result.transfers, Carry(tx, ctx, all, to, command.cancel_conflicts,
                                                 command.reason, /*subject_by_index=*/false));
  }
  IPT_ASSIGN_OR_RETURN(result.revision, tx.log().Revision());
  return result;
}

}  // namespace ipt::scheduling
