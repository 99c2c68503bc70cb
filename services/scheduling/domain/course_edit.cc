#include "scheduling/domain/course_edit.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "scheduling/domain/course_reminders.h"
#include "scheduling/domain/course_state.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/reasons.h"

namespace ipt::scheduling {
namespace {

constexpr size_t kMaxChanges = 200;

}  // namespace

absl::StatusOr<CourseEdit> CourseEdit::Open(SchedulingTx& tx, const CallContext& ctx,
                                            absl::string_view course_id, int64_t if_revision) {
  CourseEdit edit(tx, ctx);
  IPT_ASSIGN_OR_RETURN(edit.course, tx.LockCourse(ctx.clinic_id, course_id));
  IPT_RETURN_IF_ERROR(CheckIfRevision(if_revision, edit.course.stamp.revision, kCourseType,
                                      CourseName(ctx.clinic_id, course_id)));
  IPT_ASSIGN_OR_RETURN(edit.sessions_, AllSessions(tx, ctx.clinic_id, course_id));
  edit.state_before_ = edit.course.state;
  if (edit.course.forecast.has_value()) edit.forecast_before_ = edit.course.forecast->state;
  return edit;
}

CourseEdit CourseEdit::New(SchedulingTx& tx, const CallContext& ctx, Course course) {
  CourseEdit edit(tx, ctx);
  edit.course = std::move(course);
  edit.is_new_ = true;
  return edit;
}

size_t CourseEdit::IndexOf(absl::string_view session_id) const {
  size_t i = 0;
  while (i < sessions_.size() && sessions_[i].session_id != session_id) ++i;
  return i;
}

const Session* CourseEdit::Find(absl::string_view session_id) const {
  const size_t i = IndexOf(session_id);
  return i < sessions_.size() ? &sessions_[i] : nullptr;
}

std::vector<Session> CourseEdit::Get(const std::vector<std::string>& session_ids) const {
  std::vector<Session> found;
  for (const std::string& id : session_ids) found.push_back(Get(id));
  std::sort(found.begin(), found.end(), [](const Session& a, const Session& b) {
    return std::tie(a.interval.start, a.session_id) < std::tie(b.interval.start, b.session_id);
  });
  return found;
}

Session& CourseEdit::Touch(absl::string_view session_id, Effect effect) {
  Session& session = sessions_[IndexOf(session_id)];
  changed_.insert(session.session_id);
  calendar_changed_ |= effect == Effect::kCalendar;
  return session;
}

Session& CourseEdit::Change(absl::string_view session_id, SessionChangeKind kind,
                            absl::string_view reason, Effect effect) {
  Session& session = Touch(session_id, effect);
  session.changes.push_back({.time = ctx_->now,
                             .kind = kind,
                             .caller = ctx_->caller->subject,
                             .reason = std::string(reason),
                             .previous_start = std::nullopt,
                             .previous_outcome = AttendanceOutcome::kUnspecified,
                             .previous_therapist_id = ""});
  return session;
}

void CourseEdit::Add(Session session, Effect effect) {
  added_.insert(session.session_id);
  calendar_changed_ |= effect == Effect::kCalendar;
  sessions_.push_back(std::move(session));
}

std::vector<std::string> CourseEdit::Cancel(const std::vector<std::string>& session_ids,
                                            absl::string_view reason) {
  for (const std::string& id : session_ids) {
    Session& session = Change(id, SessionChangeKind::kCancelled, reason, Effect::kCalendar);
    session.state = SessionState::kCancelled;
    session.blocking = false;
    session.uses_session = false;
    session.cancellation = Cancellation{CancelledBy::kClinic, false, ctx_->now};
  }
  return session_ids;
}

void CourseEdit::Note(CourseChangeKind kind, absl::string_view reason,
                      absl::string_view previous_therapist_id) {
  noted_ = true;
  course.changes.push_back({.time = ctx_->now,
                            .kind = kind,
                            .caller = ctx_->caller->subject,
                            .reason = std::string(reason),
                            .previous_therapist_id = std::string(previous_therapist_id)});
  if (course.changes.size() > kMaxChanges) course.changes.erase(course.changes.begin());
}

absl::Status CourseEdit::TakeCalendars(const std::vector<std::string>& more) {
  return TakeCalendars({this}, more);
}

absl::Status CourseEdit::TakeCalendars(const std::vector<CourseEdit*>& edits,
                                       const std::vector<std::string>& more) {
  if (edits.empty()) return absl::OkStatus();
  SchedulingTx& tx = *edits.front()->tx_;
  const std::string& clinic_id = edits.front()->ctx_->clinic_id;
  std::map<std::string, int64_t> taken;  // with the versions
  bool again = true;
  while (again) {
    again = false;
    std::set<std::string> ids(more.begin(), more.end());
    for (const CourseEdit* edit : edits) {
      ids.insert(edit->course.therapist_id);
      for (const Session& session : edit->sessions_) {
        if (edit->changed_.contains(session.session_id)) ids.insert(session.therapist_id);
      }
      // The patient's other open courses lose or win free time, too. They are marked stale through
      // their therapists' calendars, which everyone takes in one order.
      CourseFilter same_patient;
      same_patient.patient = edit->course.patient;
      same_patient.states = {CourseState::kPlanned, CourseState::kActive, CourseState::kPaused};
      IPT_ASSIGN_OR_RETURN(const auto courses,
                           tx.ListCourses(clinic_id, same_patient, "", kNoLimit));
      for (const Course& other : courses) {
        ids.insert(other.therapist_id);
        again |= other.course_id != edit->course.course_id;
      }
    }
    std::vector<std::string> wanted;
    for (const std::string& id : ids) {
      if (!taken.contains(id)) wanted.push_back(id);
    }
    IPT_ASSIGN_OR_RETURN(const auto versions, tx.TouchTherapistCalendars(clinic_id, wanted));
    for (size_t i = 0; i < wanted.size(); ++i) taken[wanted[i]] = versions[i];
    // While this waited, one of the others may have gone to another therapist: whoever gave it away
    // took these calendars as well, so that a second look sees it. None can have been opened: that
    // waits for this course (HoldOpenCourses).
    again &= !wanted.empty();
  }
  for (CourseEdit* edit : edits) {
    edit->calendars_taken_ = true;
    edit->calendars_ = std::make_unique<ClinicCalendars>(tx, clinic_id);
    for (const auto& [id, version] : taken) edit->calendars_->SetTherapistVersion(id, version);
  }
  return absl::OkStatus();
}

void CourseEdit::SortSessions() {
  std::sort(sessions_.begin(), sessions_.end(), [](const Session& a, const Session& b) {
    return std::tie(a.interval.start, a.session_id) < std::tie(b.interval.start, b.session_id);
  });
}

absl::Status CourseEdit::StoreSessions() {
  if (calendar_changed_ && !calendars_taken_) IPT_RETURN_IF_ERROR(TakeCalendars());
  SortSessions();
  std::vector<Session> added;
  std::vector<Session> changed;
  for (const Session& session : sessions_) {
    if (added_.contains(session.session_id)) {
      added.push_back(session);
    } else if (changed_.contains(session.session_id)) {
      changed.push_back(session);
    }
  }
  if (!added.empty()) IPT_RETURN_IF_ERROR(tx_->InsertSessions(added, ctx_->now));
  if (!changed.empty()) IPT_RETURN_IF_ERROR(tx_->UpdateSessions(changed, ctx_->now));
  for (const auto* stored : {&added, &changed}) {
    for (const Session& session : *stored) {
      Stamp& stamp = sessions_[IndexOf(session.session_id)].stamp;
      stamp = KeptStamp(session.stamp, stamp.revision);
    }
  }
  sessions_stored_ = true;
  calendars_ = std::make_unique<ClinicCalendars>(*tx_, ctx_->clinic_id);
  return absl::OkStatus();
}

void CourseEdit::NoteChanged() {
  WriteLog& log = tx_->log();
  if (is_new_ || noted_) log.NoteChanged(CourseName(course.clinic_id, course.course_id));
  for (const auto* sessions : {&added_, &changed_}) {
    for (const std::string& id : *sessions) {
      log.NoteChanged(SessionName(course.clinic_id, course.course_id, id));
    }
  }
}

Stamp CourseEdit::KeptStamp(Stamp stamp, int64_t revision_before) const {
  // A revision that is rolled back becomes another write's: told to a caller, its etag would pass
  // for that write's.
  if (ctx_->validate_only) stamp.revision = revision_before;
  return stamp;
}

absl::Status CourseEdit::Save() {
  if (calendar_changed_ && !calendars_taken_) IPT_RETURN_IF_ERROR(TakeCalendars());
  SortSessions();
  const bool numbers_stored = !sessions_stored_;  // with the sessions, below
  IPT_ASSIGN_OR_RETURN(const auto renumbered, Derive(*calendars_, course, sessions_, ctx_->now));
  // Of them, reminders only ask for what the sessions' places do not change.
  const std::unique_ptr<ClinicCalendars> before =
      std::exchange(calendars_, std::make_unique<ClinicCalendars>(*tx_, ctx_->clinic_id));
  const int64_t revision_before = course.stamp.revision;
  if (is_new_) IPT_RETURN_IF_ERROR(tx_->InsertCourse(course, ctx_->now));
  if (!sessions_stored_) IPT_RETURN_IF_ERROR(StoreSessions());
  std::vector<Session> others;
  absl::flat_hash_set<absl::string_view> told(added_.begin(), added_.end());
  told.insert(changed_.begin(), changed_.end());
  for (size_t i : renumbered) {
    const std::string& id = sessions_[i].session_id;
    told.insert(id);
    if (numbers_stored && (added_.contains(id) || changed_.contains(id))) continue;
    others.push_back(sessions_[i]);
  }
  if (!others.empty()) IPT_RETURN_IF_ERROR(tx_->UpdateSessionNumbers(others));
  // Of a new course after its row: from then on, its patient's wishes do not change unseen.
  IPT_RETURN_IF_ERROR(RewriteCourseReminders(*tx_, *before, course, sessions_, ctx_->now));
  IPT_RETURN_IF_ERROR(is_new_ ? tx_->UpdateCourseDerived(course)
                              : tx_->UpdateCourse(course, ctx_->now));
  course.stamp = KeptStamp(course.stamp, revision_before);
  NoteChanged();

  // All that was stored is told: who follows has the same rows in the end.
  for (const Session& session : sessions_) {
    if (!told.contains(session.session_id)) continue;
    IPT_RETURN_IF_ERROR(tx_->Emit(SessionChanged{session}, ctx_->now));
  }
  IPT_RETURN_IF_ERROR(tx_->Emit(CourseChanged{course}, ctx_->now));
  if (!is_new_ && !noted_ && course.state == state_before_ && course.forecast.has_value() &&
      course.forecast->state != forecast_before_) {
    return tx_->Emit(ForecastChanged{course, forecast_before_}, ctx_->now);
  }
  return absl::OkStatus();
}

absl::Status CheckIfRevision(int64_t if_revision, int64_t revision, absl::string_view resource_type,
                             absl::string_view resource_name) {
  if (if_revision == 0 || if_revision == revision) return absl::OkStatus();
  return EtagMismatch(resource_type, resource_name);
}

absl::Status CheckOpen(const Course& course) {
  if (IsOpen(course.state)) return absl::OkStatus();
  return CourseStateError(course, "the course is closed; reopen it first");
}

absl::Status CheckSessionCount(const CourseEdit& edit, size_t more) {
  if (edit.sessions().size() + more <= kMaxSessions) return absl::OkStatus();
  return FailedPrecondition(
      reason::kTooManySessions, CourseName(edit.course.clinic_id, edit.course.course_id),
      absl::StrCat("a course keeps at most ", kMaxSessions,
                   " sessions, cancelled ones included; close it and open another one"),
      {{"sessions", absl::StrCat(edit.sessions().size())},
       {"maximum", absl::StrCat(kMaxSessions)}});
}

absl::Status CheckHistory(const Session& session, bool correction) {
  const size_t most = correction ? kMaxSessionChanges : kMaxSessionChanges - kKeptForAttendance;
  if (session.changes.size() < most) return absl::OkStatus();
  return FailedPrecondition(
      reason::kSessionHistoryFull,
      SessionName(session.clinic_id, session.course_id, session.session_id),
      correction ? "attendance was corrected as often as it may be; look for a program that "
                   "repeats its calls"
                 : "the session was changed as often as it may be; cancel it and book another one",
      {{"changes", absl::StrCat(session.changes.size())}});
}

absl::Status CourseStateError(const Course& course, absl::string_view description) {
  return FailedPrecondition(reason::kCourseState, CourseName(course.clinic_id, course.course_id),
                            description, {{"state", std::string(StateWord(course.state))}});
}

absl::Status SessionStateError(const Session& session, absl::string_view description) {
  return FailedPrecondition(reason::kSessionState,
                            SessionName(session.clinic_id, session.course_id, session.session_id),
                            description, {{"state", std::string(StateWord(session.state))}});
}

}  // namespace ipt::scheduling
