// The port through which use cases reach the store. Implementations live in storage/ and pass one
// conformance suite on both engines.
//
// SchedulingStore is thread-safe. A SchedulingReader or SchedulingTx is one transaction: used by
// one thread, gone when the body returns. Bodies may run again after a conflict, so they have no
// effect but through the transaction. Every failure of the store itself comes as UNAVAILABLE,
// ABORTED or RESOURCE_EXHAUSTED with retry advice; a body returns such a status as it is.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "platform/transaction/call_context.h"
#include "platform/transaction/write_log.h"
#include "scheduling/domain/delivery_tx.h"
#include "scheduling/domain/events.h"
#include "scheduling/domain/reminder_store.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

struct TherapistFilter {
  bool active_only = false;
  std::string language;
  std::string variant;  // therapists without variants offer all
};

struct CourseFilter {
  std::vector<CourseState> states;
  std::string therapist_id;
  std::optional<Identifier> patient;
  std::optional<absl::CivilDay> deadline_before;  // open courses only
  std::vector<ForecastState> forecast_states;     // open courses only
};

struct SessionFilter {
  std::string course_id;  // empty: all courses
  std::vector<SessionState> states;
  std::string therapist_id;
  std::optional<absl::Time> ends_after;
  std::optional<absl::Time> starts_before;
  // Only BOOKED ones that have ended by this instant.
  std::optional<absl::Time> unrecorded_at;
};

// Keyset position in a list of sessions: (start, course_id, session_id) of the last one returned.
struct SessionCursor {
  absl::Time start;
  std::string course_id;
  std::string session_id;
};

// A course's deadline as stored with its row.
struct CourseDeadline {
  std::string course_id;
  absl::CivilDay day;
  ForecastState forecast_state = ForecastState::kUnspecified;
};
// Keyset position in a list of deadlines: the last one returned.
struct DeadlineCursor {
  absl::CivilDay day;
  std::string course_id;
};

// Keyset position in time off and extra hours: (start, id) of the last one returned.
struct SpanCursor {
  absl::Time start;
  std::string id;
};

// A span in which a therapist or a patient is taken.
struct BusySpan {
  Interval interval;  // for therapists with the buffer
  std::string course_id;
  std::string session_id;
  friend bool operator==(const BusySpan&, const BusySpan&) = default;
};

struct CourseKey {
  std::string clinic_id;
  std::string course_id;
  friend auto operator<=>(const CourseKey&, const CourseKey&) = default;
};

// Open courses of all clinics, by their stored forecast; those without one count as open only.
struct OpenCourseCounts {
  int64_t open = 0;
  int64_t at_risk = 0;
  int64_t infeasible = 0;
  int64_t overdue = 0;
  std::optional<absl::CivilDay> oldest_overdue{};  // the deadline of the first overdue one
  friend bool operator==(const OpenCourseCounts&, const OpenCourseCounts&) = default;
};

class SchedulingReader : public ReminderReader {
 public:
  // Get*: NOT_FOUND (with ResourceInfo) when absent. List*: ordered as stated, at most `limit`,
  // strictly after the given position (empty/nullopt: from the first).

  virtual absl::StatusOr<Clinic> GetClinic(absl::string_view clinic_id) = 0;
  // By clinic_id. `only`: nullopt for all clinics, else just these ids.
  virtual absl::StatusOr<std::vector<Clinic>> ListClinics(
      const std::optional<std::vector<std::string>>& only, absl::string_view after_id,
      int limit) = 0;

  // By day; `first` and `last` included.
  virtual absl::StatusOr<std::vector<Holiday>> ListHolidays(absl::string_view clinic_id,
                                                            absl::CivilDay first,
                                                            absl::CivilDay last, int limit) = 0;

  virtual absl::StatusOr<Therapist> GetTherapist(absl::string_view clinic_id,
                                                 absl::string_view therapist_id) = 0;
  // By therapist_id.
  virtual absl::StatusOr<std::vector<Therapist>> ListTherapists(absl::string_view clinic_id,
                                                                const TherapistFilter& filter,
                                                                absl::string_view after_id,
                                                                int limit) = 0;

  // By start, then id; those that end after `ends_after` and start before `starts_before`
  // (InfinitePast / InfiniteFuture: no bound).
  virtual absl::StatusOr<std::vector<TimeOff>> ListTimeOff(
      absl::string_view clinic_id, absl::string_view therapist_id, absl::Time ends_after,
      absl::Time starts_before, const std::optional<SpanCursor>& after, int limit) = 0;
  virtual absl::StatusOr<TimeOff> GetTimeOff(absl::string_view clinic_id,
                                             absl::string_view therapist_id,
                                             absl::string_view time_off_id) = 0;
  virtual absl::StatusOr<std::vector<ExtraHours>> ListExtraHours(
      absl::string_view clinic_id, absl::string_view therapist_id, absl::Time ends_after,
      absl::Time starts_before, const std::optional<SpanCursor>& after, int limit) = 0;
  virtual absl::StatusOr<ExtraHours> GetExtraHours(absl::string_view clinic_id,
                                                   absl::string_view therapist_id,
                                                   absl::string_view extra_hours_id) = 0;

  // The internal id of the patient with this identifier, nullopt when the clinic has none.
  virtual absl::StatusOr<std::optional<std::string>> FindPatient(absl::string_view clinic_id,
                                                                 const Identifier& patient) = 0;

  virtual absl::StatusOr<Course> GetCourse(absl::string_view clinic_id,
                                           absl::string_view course_id) = 0;
  // By course_id.
  virtual absl::StatusOr<std::vector<Course>> ListCourses(absl::string_view clinic_id,
                                                          const CourseFilter& filter,
                                                          absl::string_view after_id,
                                                          int limit) = 0;
  // Of open courses, by day, then by course_id; only those before `before`, and after `after`.
  virtual absl::StatusOr<std::vector<CourseDeadline>> ListDeadlines(
      absl::string_view clinic_id, const std::optional<absl::CivilDay>& before,
      const std::optional<DeadlineCursor>& after, int limit) = 0;
  virtual absl::StatusOr<int> CountOpenCourses(absl::string_view clinic_id,
                                               absl::string_view therapist_id) = 0;
  virtual absl::StatusOr<OpenCourseCounts> CountOpenCoursesOfAll() = 0;

  virtual absl::StatusOr<Session> GetSession(absl::string_view clinic_id,
                                             absl::string_view course_id,
                                             absl::string_view session_id) = 0;
  // By start, then course_id, then session_id.
  virtual absl::StatusOr<std::vector<Session>> ListSessions(
      absl::string_view clinic_id, const SessionFilter& filter,
      const std::optional<SessionCursor>& after, int limit) = 0;
  virtual absl::StatusOr<int> CountSessions(absl::string_view clinic_id,
                                            const SessionFilter& filter) = 0;

  // Blocking sessions of the therapist (interval with buffer) or patient that overlap `within`, by
  // start.
  virtual absl::StatusOr<std::vector<BusySpan>> TherapistBusy(absl::string_view clinic_id,
                                                              absl::string_view therapist_id,
                                                              Interval within) = 0;
  virtual absl::StatusOr<std::vector<BusySpan>> PatientBusy(absl::string_view clinic_id,
                                                            absl::string_view patient_id,
                                                            Interval within) = 0;

  // Versions of what courses share: they grow with every change of a therapist's calendar (hours,
  // time off, any booking) and of a clinic's (holidays, policy).
  virtual absl::StatusOr<int64_t> TherapistCalendarVersion(absl::string_view clinic_id,
                                                           absl::string_view therapist_id) = 0;
  virtual absl::StatusOr<int64_t> ClinicCalendarVersion(absl::string_view clinic_id) = 0;

  // Open courses whose derived values are stale at `now`: valid_until has passed, or a calendar's
  // or the reminders' version has moved on. In no order, and none of `but`.
  virtual absl::StatusOr<std::vector<CourseKey>> StaleCourses(absl::Time now, int limit,
                                                              const std::set<CourseKey>& but) = 0;

  // The newest revision that this store has issued.
  virtual absl::StatusOr<int64_t> CurrentRevision() = 0;

  // The queue of reminders, in this transaction.
  virtual QueueReader& queue() = 0;
};

class SchedulingTx : public SchedulingReader, public ReminderWriter {
 public:
  // Idempotency, audit and revision of this transaction.
  virtual WriteLog& log() = 0;

  // Leases of the queue, in this transaction.
  virtual DeliveryTx& delivery() = 0;

  // Appends to the outbox (encoded by the store's EventEncoder, stamped with `now`).
  virtual absl::Status Emit(const Event& event, absl::Time now) = 0;

  // As Get*, and no other transaction changes the row until this one ends.
  virtual absl::StatusOr<Clinic> LockClinic(absl::string_view clinic_id) = 0;
  virtual absl::StatusOr<Therapist> LockTherapist(absl::string_view clinic_id,
                                                  absl::string_view therapist_id) = 0;
  virtual absl::StatusOr<Course> LockCourse(absl::string_view clinic_id,
                                            absl::string_view course_id) = 0;

  // Takes the therapists' calendars (in id order) and moves their versions on; returns the new
  // ones in the order given. Two transactions that book the same therapist follow one another
  // from here on.
  virtual absl::StatusOr<std::vector<int64_t>> TouchTherapistCalendars(
      absl::string_view clinic_id, const std::vector<std::string>& therapist_ids) = 0;
  virtual absl::StatusOr<int64_t> TouchClinicCalendar(absl::string_view clinic_id) = 0;

  // Insert*: ALREADY_EXISTS when the id is taken. Update*: the row must exist. All set
  // stamp.revision to this transaction's, and update_time (Insert: create_time, too) to `now`.
  virtual absl::Status InsertClinic(Clinic& clinic, absl::Time now) = 0;
  virtual absl::Status UpdateClinic(Clinic& clinic, absl::Time now) = 0;

  // Inserts, or renames the holiday that there is.
  virtual absl::Status PutHoliday(Holiday& holiday, absl::Time now) = 0;
  virtual absl::Status DeleteHoliday(absl::string_view clinic_id, absl::CivilDay day) = 0;

  virtual absl::Status InsertTherapist(Therapist& therapist, absl::Time now) = 0;
  virtual absl::Status UpdateTherapist(Therapist& therapist, absl::Time now) = 0;

  virtual absl::Status InsertTimeOff(TimeOff& time_off, absl::Time now) = 0;
  // Stores the interval; nothing else of time off changes.
  virtual absl::Status UpdateTimeOff(TimeOff& time_off, absl::Time now) = 0;
  virtual absl::Status DeleteTimeOff(absl::string_view clinic_id, absl::string_view therapist_id,
                                     absl::string_view time_off_id) = 0;
  virtual absl::Status InsertExtraHours(ExtraHours& extra_hours, absl::Time now) = 0;
  virtual absl::Status DeleteExtraHours(absl::string_view clinic_id, absl::string_view therapist_id,
                                        absl::string_view extra_hours_id) = 0;

  // As FindPatient; the patient keeps identifier and courses (none is opened for them) until this
  // transaction ends.
  virtual absl::StatusOr<std::optional<std::string>> LockPatient(absl::string_view clinic_id,
                                                                 const Identifier& patient) = 0;
  // Finds the patient or adds one under `new_id`; returns the id. Locked as by LockPatient.
  virtual absl::StatusOr<std::string> FindOrAddPatient(absl::string_view clinic_id,
                                                       const Identifier& patient,
                                                       absl::string_view new_id,
                                                       absl::Time now) = 0;
  // FAILED_PRECONDITION (PATIENT_EXISTS) when another patient has `to`. The patient's courses read
  // back with the new identifier.
  virtual absl::Status ChangePatientIdentifier(absl::string_view clinic_id,
                                               absl::string_view patient_id,
                                               const Identifier& to) = 0;
  // Gives all courses and sessions of `from_id` to `into_id` and deletes `from_id`. SLOT_TAKEN when
  // their sessions overlap, OPEN_COURSE_EXISTS when both have an open course that allows none
  // beside it.
  virtual absl::Status MergePatient(absl::string_view clinic_id, absl::string_view from_id,
                                    absl::string_view into_id) = 0;

  // OPEN_COURSE_EXISTS when the patient has an open course and neither allows another beside it.
  virtual absl::Status InsertCourse(Course& course, absl::Time now) = 0;
  virtual absl::Status UpdateCourse(Course& course, absl::Time now) = 0;
  // Stores the derived values only (state, progress, forecast, valid_until, versions): no new
  // revision, so that a course that only aged keeps its etag.
  virtual absl::Status UpdateCourseDerived(const Course& course) = 0;

  // SLOT_TAKEN when therapist or patient is taken then: a guarantee of the store itself, at any
  // concurrency. `sessions` must be sorted by start.
  virtual absl::Status InsertSessions(std::vector<Session>& sessions, absl::Time now) = 0;
  // The same guarantee. All are moved as one: their own old places do not stand in their way.
  virtual absl::Status UpdateSessions(std::vector<Session>& sessions, absl::Time now) = 0;
  // Stores session_number, phase and week_number only: no new revision.
  virtual absl::Status UpdateSessionNumbers(const std::vector<Session>& sessions) = 0;
};

class SchedulingStore {
 public:
  virtual ~SchedulingStore() = default;

  // One consistent view. `deadline` bounds each statement and the wait for a connection.
  virtual absl::Status Read(absl::Time deadline,
                            absl::FunctionRef<absl::Status(SchedulingReader&)> body) = 0;
  // One durable transaction: OK means committed, anything else means nothing happened.
  virtual absl::Status Write(absl::Time deadline,
                             absl::FunctionRef<absl::Status(SchedulingTx&)> body) = 0;
};

}  // namespace ipt::scheduling
