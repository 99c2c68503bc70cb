// One transaction of the SQL store: what the use cases' reader and transaction really are. Private
// to this folder; sql_<aggregate>.cc holds each aggregate's methods and SQL.
//
// A method that fails in SQL dooms its transaction, as storage/database.h says; the expected
// violations (a slot taken, an open course, an identifier of another) are turned into their
// FAILED_PRECONDITION here.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/database.h"
#include "platform/storage/rows.h"
#include "platform/storage/sql_write_log.h"
#include "scheduling/domain/commit_listener.h"
#include "scheduling/domain/events.h"
#include "scheduling/domain/queue_listener.h"
#include "scheduling/domain/store.h"
#include "scheduling/storage/sql_delivery.h"

namespace ipt::scheduling {

class SqlSchedulingTx final : public SchedulingTx {
 public:
  SqlSchedulingTx(storage::Connection& conn, const EventEncoder& encoder)
      : conn_(conn), log_(conn), encoder_(encoder) {}

  // sql_scheduling_store.cc
  WriteLog& log() override { return log_; }
  absl::Status Emit(const Event& event, absl::Time now) override;
  absl::StatusOr<int64_t> CurrentRevision() override;
  QueueReader& queue() override { return delivery_; }
  DeliveryTx& delivery() override { return delivery_; }
  // What this transaction has changed so far.
  CommittedChanges TakeChanges() { return std::move(changes_); }
  std::vector<QueueChange> TakeQueueChanges() { return std::move(queue_changes_); }

  // sql_clinics.cc
  absl::StatusOr<Clinic> GetClinic(absl::string_view clinic_id) override;
  absl::StatusOr<std::vector<Clinic>> ListClinics(
      const std::optional<std::vector<std::string>>& only, absl::string_view after_id,
      int limit) override;
  absl::StatusOr<std::vector<Holiday>> ListHolidays(absl::string_view clinic_id,
                                                    absl::CivilDay first, absl::CivilDay last,
                                                    int limit) override;
  absl::StatusOr<int64_t> ClinicCalendarVersion(absl::string_view clinic_id) override;
  absl::StatusOr<Clinic> LockClinic(absl::string_view clinic_id) override;
  absl::StatusOr<int64_t> TouchClinicCalendar(absl::string_view clinic_id) override;
  absl::Status InsertClinic(Clinic& clinic, absl::Time now) override;
  absl::Status UpdateClinic(Clinic& clinic, absl::Time now) override;
  absl::Status PutHoliday(Holiday& holiday, absl::Time now) override;
  absl::Status DeleteHoliday(absl::string_view clinic_id, absl::CivilDay day) override;

  // sql_therapists.cc
  absl::StatusOr<Therapist> GetTherapist(absl::string_view clinic_id,
                                         absl::string_view therapist_id) override;
  absl::StatusOr<std::vector<Therapist>> ListTherapists(absl::string_view clinic_id,
                                                        const TherapistFilter& filter,
                                                        absl::string_view after_id,
                                                        int limit) override;
  absl::StatusOr<int64_t> TherapistCalendarVersion(absl::string_view clinic_id,
                                                   absl::string_view therapist_id) override;
  absl::StatusOr<Therapist> LockTherapist(absl::string_view clinic_id,
                                          absl::string_view therapist_id) override;
  absl::StatusOr<std::vector<int64_t>> TouchTherapistCalendars(
      absl::string_view clinic_id, const std::vector<std::string>& therapist_ids) override;
  absl::Status InsertTherapist(Therapist& therapist, absl::Time now) override;
  absl::Status UpdateTherapist(Therapist& therapist, absl::Time now) override;

  // sql_time_off.cc
  absl::StatusOr<std::vector<TimeOff>> ListTimeOff(absl::string_view clinic_id,
                                                   absl::string_view therapist_id,
                                                   absl::Time ends_after, absl::Time starts_before,
                                                   const std::optional<SpanCursor>& after,
                                                   int limit) override;
  absl::StatusOr<TimeOff> GetTimeOff(absl::string_view clinic_id, absl::string_view therapist_id,
                                     absl::string_view time_off_id) override;
  absl::StatusOr<std::vector<ExtraHours>> ListExtraHours(
      absl::string_view clinic_id, absl::string_view therapist_id, absl::Time ends_after,
      absl::Time starts_before, const std::optional<SpanCursor>& after, int limit) override;
  absl::StatusOr<ExtraHours> GetExtraHours(absl::string_view clinic_id,
                                           absl::string_view therapist_id,
                                           absl::string_view extra_hours_id) override;
  absl::Status InsertTimeOff(TimeOff& time_off, absl::Time now) override;
  absl::Status UpdateTimeOff(TimeOff& time_off, absl::Time now) override;
  absl::Status DeleteTimeOff(absl::string_view clinic_id, absl::string_view therapist_id,
                             absl::string_view time_off_id) override;
  absl::Status InsertExtraHours(ExtraHours& extra_hours, absl::Time now) override;
  absl::Status DeleteExtraHours(absl::string_view clinic_id, absl::string_view therapist_id,
                                absl::string_view extra_hours_id) override;

  // sql_patients.cc
  absl::StatusOr<std::optional<std::string>> FindPatient(absl::string_view clinic_id,
                                                         const Identifier& patient) override;
  absl::StatusOr<std::optional<std::string>> LockPatient(absl::string_view clinic_id,
                                                         const Identifier& patient) override;
  absl::StatusOr<std::string> FindOrAddPatient(absl::string_view clinic_id,
                                               const Identifier& patient, absl::string_view new_id,
                                               absl::Time now) override;
  absl::Status ChangePatientIdentifier(absl::string_view clinic_id, absl::string_view patient_id,
                                       const Identifier& to) override;
  absl::Status MergePatient(absl::string_view clinic_id, absl::string_view from_id,
                            absl::string_view into_id) override;

  // sql_courses.cc
  absl::StatusOr<Course> GetCourse(absl::string_view clinic_id,
                                   absl::string_view course_id) override;
  absl::StatusOr<std::vector<Course>> ListCourses(absl::string_view clinic_id,
                                                  const CourseFilter& filter,
                                                  absl::string_view after_id, int limit) override;
  absl::StatusOr<std::vector<CourseDeadline>> ListDeadlines(
      absl::string_view clinic_id, const std::optional<absl::CivilDay>& before,
      const std::optional<DeadlineCursor>& after, int limit) override;
  absl::StatusOr<int> CountOpenCourses(absl::string_view clinic_id,
                                       absl::string_view therapist_id) override;
  absl::StatusOr<OpenCourseCounts> CountOpenCoursesOfAll() override;
  absl::StatusOr<std::vector<CourseKey>> StaleCourses(absl::Time now, int limit,
                                                      const std::set<CourseKey>& but) override;
  absl::StatusOr<Course> LockCourse(absl::string_view clinic_id,
                                    absl::string_view course_id) override;
  absl::Status InsertCourse(Course& course, absl::Time now) override;
  absl::Status UpdateCourse(Course& course, absl::Time now) override;
  absl::Status UpdateCourseDerived(const Course& course) override;

  // sql_sessions.cc
  absl::StatusOr<Session> GetSession(absl::string_view clinic_id, absl::string_view course_id,
                                     absl::string_view session_id) override;
  absl::StatusOr<std::vector<Session>> ListSessions(absl::string_view clinic_id,
                                                    const SessionFilter& filter,
                                                    const std::optional<SessionCursor>& after,
                                                    int limit) override;
  absl::StatusOr<int> CountSessions(absl::string_view clinic_id,
                                    const SessionFilter& filter) override;
  absl::StatusOr<std::vector<BusySpan>> TherapistBusy(absl::string_view clinic_id,
                                                      absl::string_view therapist_id,
                                                      Interval within) override;
  absl::StatusOr<std::vector<BusySpan>> PatientBusy(absl::string_view clinic_id,
                                                    absl::string_view patient_id,
                                                    Interval within) override;
  absl::Status InsertSessions(std::vector<Session>& sessions, absl::Time now) override;
  absl::Status UpdateSessions(std::vector<Session>& sessions, absl::Time now) override;
  absl::Status UpdateSessionNumbers(const std::vector<Session>& sessions) override;

  // sql_reminders.cc
  absl::StatusOr<Reminder> GetReminder(absl::string_view clinic_id,
                                       absl::string_view reminder_id) override;
  absl::StatusOr<std::vector<Reminder>> ListReminders(absl::string_view clinic_id,
                                                      const ReminderFilter& filter,
                                                      const std::optional<ReminderCursor>& after,
                                                      int limit) override;
  absl::StatusOr<std::vector<DeliveryAttempt>> ListAttempts(absl::string_view clinic_id,
                                                            absl::string_view reminder_id) override;
  absl::StatusOr<std::vector<std::string>> LastReasons(
      absl::string_view clinic_id, const std::vector<std::string>& ids) override;
  absl::StatusOr<ReminderCounts> CountReminders(absl::string_view clinic_id,
                                                absl::Time now) override;
  absl::StatusOr<std::vector<Reminder>> LockReminders(absl::string_view clinic_id,
                                                      absl::string_view course_id) override;
  absl::StatusOr<Reminder> LockReminder(absl::string_view clinic_id,
                                        absl::string_view reminder_id) override;
  absl::Status InsertReminders(std::vector<Reminder>& reminders, absl::Time now) override;
  absl::Status UpdateReminders(std::vector<Reminder>& reminders, absl::Time now) override;
  absl::Status KeepReminders(absl::string_view clinic_id, absl::string_view course_id,
                             int64_t version) override;

  // sql_reminder_settings.cc
  absl::StatusOr<ReminderSettings> GetReminderSettings(absl::string_view clinic_id,
                                                       absl::string_view course_id,
                                                       absl::string_view patient_id) override;
  absl::StatusOr<SendingState> GetSending(absl::string_view clinic_id) override;
  absl::Status PutReminderPolicy(absl::string_view clinic_id, absl::string_view course_id,
                                 HeldReminderPolicy& policy, absl::Time now) override;
  absl::Status DeleteReminderPolicy(absl::string_view clinic_id,
                                    absl::string_view course_id) override;
  absl::Status PutContactPreferences(absl::string_view clinic_id, absl::string_view patient_id,
                                     ContactPreferences& preferences, absl::Time now) override;
  absl::Status PutSending(SendingState& sending, absl::Time now) override;

 private:
  using Params = absl::Span<const storage::Value>;

  // Locks the row that `sql_from_where` selects until this transaction ends. SQLite needs none: its
  // writer is one.
  absl::Status LockRow(absl::string_view sql_from_where, Params params,
                       absl::string_view strength = "NO KEY UPDATE");

  // Runs a statement that must hit a row; NOT_FOUND of the resource when it hits none.
  absl::Status ExecuteOnRow(const storage::Statement& statement, Params params,
                            absl::string_view resource_type, absl::string_view resource_name);
  // Runs an INSERT .. ON CONFLICT (primary key) DO NOTHING; ALREADY_EXISTS when it inserted none.
  absl::Status ExecuteInsert(const storage::Statement& statement, Params params,
                             absl::string_view resource_type, absl::string_view resource_name);

  // A single row converted by `convert` (Row -> StatusOr<T>); NOT_FOUND when there is none.
  template <typename Convert>
  auto GetRow(const storage::Statement& statement, Params params, absl::string_view resource_type,
              absl::string_view resource_name, Convert convert)
      -> std::invoke_result_t<Convert, const storage::Row&> {
    std::optional<std::invoke_result_t<Convert, const storage::Row&>> found;
    IPT_RETURN_IF_ERROR(conn_.Query(statement, params, [&](const storage::Row& row) {
      found.emplace(convert(row));
      return found->status();
    }));
    if (!found.has_value()) return NotFound(resource_type, resource_name);
    return *std::move(found);
  }
  // Sets revision and times of a row that is written at `now`, to the precision of the store.
  absl::Status StampNew(Stamp& stamp, absl::Time now);
  absl::Status StampChanged(Stamp& stamp, absl::Time now);

  storage::Dialect dialect() const { return conn_.dialect(); }

  storage::Connection& conn_;
  storage::SqlWriteLog log_;
  SqlDelivery delivery_{conn_, log_};
  const EventEncoder& encoder_;
  CommittedChanges changes_;
  std::vector<QueueChange> queue_changes_;
};

// The last three columns of every row.
Stamp StampOf(const storage::Row& row, size_t revision_column);

// SLOT_TAKEN for what the store says of a taken slot; any other status as it is. `subject` is what
// could not be placed there.
absl::Status SlotTakenOr(const absl::Status& status, absl::string_view subject);

// OPEN_COURSE_EXISTS with this message for what the store says of a second open course; any other
// status as it is.
absl::Status OpenCourseExistsOr(const absl::Status& status, absl::string_view subject,
                                absl::string_view message);

}  // namespace ipt::scheduling
