// Use cases of courses: opened, brought in, changed, paused, extended, closed. Each runs in the
// given transaction, which must be rolled back when it fails, and takes ctx.now as now and
// ctx.clinic_id as clinic.
//
// Refusals are FAILED_PRECONDITION with the reasons of reasons.h; values that only the instant or
// the store can judge are INVALID_ARGUMENT with the request's fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "platform/errors/field_violations.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"
#include "scheduling/domain/store.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// Where a use case cancels sessions, it cancels those to come. Those that have begun stay in the
// work list until their attendance is recorded, also of a closed course.

inline constexpr int kMaxPauseDays = 366;
inline constexpr int kPauseBackdateDays = 31;
inline constexpr int kImportYears = 5;
inline constexpr char kToleranceRule[] = "must be less than half of cadence_days";

// What whoever opens a course states of it. What is unset takes the variant's, the therapist's or
// the clinic's default.
struct CourseDraft {
  Identifier patient;
  std::string therapist_id;
  std::string variant_id;    // a known one
  int planned_sessions = 0;  // 0 (not stated), or within the variant's bounds
  int duration_weeks = 0;    // the same
  Indication indication = Indication::kUnspecified;
  std::optional<int> cadence_days;
  std::optional<int> cadence_tolerance_days;
  Modality modality = Modality::kUnspecified;
  std::string time_zone;  // empty, or a known one
  std::optional<int> session_minutes;
  std::vector<WeeklyWindow> preferred_windows;
  bool allow_concurrent = false;
};

// Adds a violation when the draft's sessions, at the cadence that it states, do not fit its weeks.
void CheckCadence(const CourseDraft& draft, FieldViolations& bad);
absl::StatusOr<Course> CreateCourse(SchedulingTx& tx, const CallContext& ctx, IdSource& ids,
                                    const std::string& course_id, const CourseDraft& draft);

struct PastSession {
  absl::Time start;
  int session_minutes = 0;  // 0: the course's
  AttendanceOutcome outcome = AttendanceOutcome::kUnspecified;
  Modality modality = Modality::kUnspecified;
};
struct ImportCourseCommand {
  std::string course_id;
  CourseDraft draft;
  std::vector<PastSession> past_sessions;
  std::vector<Pause> pauses;
};
// Adds a violation for each start that is not in the past.
void CheckPastSessions(const std::vector<PastSession>& sessions, absl::Time now,
                       FieldViolations& bad);
absl::StatusOr<Course> ImportCourse(SchedulingTx& tx, const CallContext& ctx, IdSource& ids,
                                    const ImportCourseCommand& command);

// `redraft` makes the new draft of the course as locked; what a draft cannot change is left as is.
absl::StatusOr<Course> UpdateCourse(
    SchedulingTx& tx, const CallContext& ctx, const std::string& course_id, int64_t if_revision,
    absl::FunctionRef<absl::StatusOr<CourseDraft>(const Course&)> redraft);

// A course after a change, and the sessions that the change cancelled or left without a place, by
// start.
struct CourseAndSessions {
  Course course;
  std::vector<Session> sessions;
};

struct PauseCourseCommand {
  std::string course_id;
  int64_t if_revision = 0;
  Pause pause;  // first <= last, at most kMaxPauseDays
  bool cancel_sessions = false;
};
// A pause whose days are all paused already changes nothing.
absl::StatusOr<CourseAndSessions> PauseCourse(SchedulingTx& tx, const CallContext& ctx,
                                              const PauseCourseCommand& command);

// Ends every pause that holds `resume_day` (nullopt: today, the course's) the day before it. The
// sessions: those booked, not yet over, that end after the deadline as it then is. They stay.
absl::StatusOr<CourseAndSessions> ResumeCourse(SchedulingTx& tx, const CallContext& ctx,
                                               const std::string& course_id, int64_t if_revision,
                                               std::optional<absl::CivilDay> resume_day);

struct ExtendCourseCommand {
  std::string course_id;
  int64_t if_revision = 0;
  int planned_sessions = 0;  // 0: as now
  int duration_weeks = 0;    // 0: as now
  std::string reason;
};
absl::StatusOr<Course> ExtendCourse(SchedulingTx& tx, const CallContext& ctx,
                                    const ExtendCourseCommand& command);

struct ShortenCourseCommand {
  std::string course_id;
  int64_t if_revision = 0;
  int planned_sessions = 0;
  std::string reason;
  bool cancel_sessions = false;
};
absl::StatusOr<CourseAndSessions> ShortenCourse(SchedulingTx& tx, const CallContext& ctx,
                                                const ShortenCourseCommand& command);

absl::StatusOr<Course> CompleteCourse(SchedulingTx& tx, const CallContext& ctx,
                                      const std::string& course_id, int64_t if_revision,
                                      bool cancel_sessions);

absl::StatusOr<Course> DiscontinueCourse(SchedulingTx& tx, const CallContext& ctx,
                                         const std::string& course_id, int64_t if_revision,
                                         ClosureReason why);

// Also of a therapist who is not active any more: booking then waits for a transfer.
absl::StatusOr<Course> ReopenCourse(SchedulingTx& tx, const CallContext& ctx,
                                    const std::string& course_id, int64_t if_revision,
                                    const std::string& why);

}  // namespace ipt::scheduling
