// One course being changed within one transaction: the locked row with all its sessions. A use case
// edits them, then Save() recomputes what follows from them, stores what changed and tells
// followers of it.
//
//   IPT_ASSIGN_OR_RETURN(CourseEdit edit, CourseEdit::Open(tx, ctx, course_id, if_revision));
//   edit.course.pauses.push_back(pause);
//   edit.Note(CourseChangeKind::kPaused);
//   IPT_RETURN_IF_ERROR(edit.Save());
//
// Used by one thread; must not outlive the transaction. Failures are the store's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "platform/transaction/call_context.h"
#include "scheduling/domain/calendar_loader.h"
#include "scheduling/domain/store.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// A course's sessions are read as a whole, and each is sent with its history: both have an end.
inline constexpr int kMaxSessions = 500;  // of a course, cancelled ones included
inline constexpr int kMaxSessionChanges = 100;
inline constexpr int kKeptForAttendance = 20;  // of these

class CourseEdit {
 public:
  // Locks the course of ctx.clinic_id and loads its sessions. NOT_FOUND; ABORTED (ETAG_MISMATCH)
  // when `if_revision` is neither 0 nor the course's.
  static absl::StatusOr<CourseEdit> Open(SchedulingTx& tx, const CallContext& ctx,
                                         absl::string_view course_id, int64_t if_revision = 0);
  // Of a course that Save() inserts.
  static CourseEdit New(SchedulingTx& tx, const CallContext& ctx, Course course);

  Course course;

  // All sessions: by start after Open and Save, in between in no order.
  const std::vector<Session>& sessions() const { return sessions_; }
  // nullptr when the course has none of that id.
  const Session* Find(absl::string_view session_id) const;
  // The session as it is after Save(). REQUIRES: there is one of that id.
  const Session& Get(absl::string_view session_id) const { return *Find(session_id); }
  std::vector<Session> Get(const std::vector<std::string>& session_ids) const;

  // What a change of a session does to shared free time.
  enum class Effect {
    kRecord,    // nothing
    kCalendar,  // frees or takes some
  };
  // The session, to be changed in what its history does not tell.
  Session& Touch(absl::string_view session_id, Effect effect);
  // The same with an entry in its history, to be completed by the caller.
  Session& Change(absl::string_view session_id, SessionChangeKind kind, absl::string_view reason,
                  Effect effect);
  void Add(Session session, Effect effect);

  // Cancels as by the clinic and returns the ids, by start.
  std::vector<std::string> Cancel(const std::vector<std::string>& session_ids,
                                  absl::string_view reason);

  // Appends to the course's history: the course itself was changed.
  void Note(CourseChangeKind kind, absl::string_view reason = "",
            absl::string_view previous_therapist_id = "");

  // Takes the calendars of the course's therapist, of `more`, of the therapists of changed sessions
  // and of those whose courses share this patient: transactions that book any of them follow one
  // another from here on. Call it before free time is looked at; Save() does where it was not.
  absl::Status TakeCalendars(const std::vector<std::string>& more = {});
  // The same for several courses at once, so that all calendars are taken in one order.
  static absl::Status TakeCalendars(const std::vector<CourseEdit*>& edits,
                                    const std::vector<std::string>& more);

  // What free time is looked up with. Fresh after TakeCalendars.
  ClinicCalendars& calendars() { return *calendars_; }

  // Stores added and changed sessions. Only for use cases that change several courses: each one's
  // sessions first, then Save() of all, so that each forecast sees them all. Forgets what was
  // loaded of calendars.
  absl::Status StoreSessions();

  // Where ctx.validate_only, what is left here keeps its revision: none where it is new.
  absl::Status Save();

 private:
  CourseEdit(SchedulingTx& tx, const CallContext& ctx)
      : tx_(&tx), ctx_(&ctx), calendars_(std::make_unique<ClinicCalendars>(tx, ctx.clinic_id)) {}

  size_t IndexOf(absl::string_view session_id) const;
  void SortSessions();
  // Tells the audit what was changed; not what only has another number or forecast by it.
  void NoteChanged();
  // The stamp of something stored, as the caller may be told of it.
  Stamp KeptStamp(Stamp stamp, int64_t revision_before) const;

  SchedulingTx* tx_;
  const CallContext* ctx_;
  std::unique_ptr<ClinicCalendars> calendars_;
  std::vector<Session> sessions_;
  absl::flat_hash_set<std::string> added_;
  absl::flat_hash_set<std::string> changed_;
  bool is_new_ = false;
  bool noted_ = false;
  bool calendar_changed_ = false;
  bool calendars_taken_ = false;
  bool sessions_stored_ = false;
  CourseState state_before_ = CourseState::kUnspecified;
  ForecastState forecast_before_ = ForecastState::kUnspecified;
};

// ABORTED (ETAG_MISMATCH) when `if_revision` is neither 0 nor `revision`.
absl::Status CheckIfRevision(int64_t if_revision, int64_t revision, absl::string_view resource_type,
                             absl::string_view resource_name);

// COURSE_STATE unless the course is open.
absl::Status CheckOpen(const Course& course);

// TOO_MANY_SESSIONS unless the course has room for `more`.
absl::Status CheckSessionCount(const CourseEdit& edit, size_t more);

// SESSION_HISTORY_FULL unless the session may be changed once more. Asked of what can be repeated
// without end: moves, updates, transfers, and corrections of attendance, which have room of their
// own. So a first attendance is always recorded and a cancellation always done.
absl::Status CheckHistory(const Session& session, bool correction = false);

// FAILED_PRECONDITION (COURSE_STATE or SESSION_STATE) with the state in the metadata.
absl::Status CourseStateError(const Course& course, absl::string_view description);
absl::Status SessionStateError(const Session& session, absl::string_view description);

}  // namespace ipt::scheduling
