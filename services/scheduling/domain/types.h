// The nouns of scheduling: plain values, no behaviour. Enumerators have the numbers of their proto
// twins (rpc/ asserts it), so that conversion is a cast.
//
// Resource ids (clinic_id, therapist_id, ...) are the last segments of resource names. Instants are
// absl::Time; days and wall-clock times belong to the zone named beside them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace ipt::scheduling {

// ---------------------------------------------------------------------------------------- time

enum class Weekday { kMonday = 1, kTuesday, kWednesday, kThursday, kFriday, kSaturday, kSunday };

// A span of a weekday in minutes from local midnight: 0 <= start < end <= 1440.
struct WeeklyWindow {
  Weekday day = Weekday::kMonday;
  int start_minute = 0;
  int end_minute = 0;
  friend bool operator==(const WeeklyWindow&, const WeeklyWindow&) = default;
};

// Half-open [start, end).
struct Interval {
  absl::Time start;
  absl::Time end;
  friend bool operator==(const Interval&, const Interval&) = default;
};

// Both days included.
struct DayRange {
  absl::CivilDay first;
  absl::CivilDay last;
  friend bool operator==(const DayRange&, const DayRange&) = default;
};

// What every stored resource carries. The etag is made of the revision.
struct Stamp {
  int64_t revision = 0;
  absl::Time create_time;
  absl::Time update_time;
  friend bool operator==(const Stamp&, const Stamp&) = default;
};

// -------------------------------------------------------------------------------------- clinics

// How a clinic divides the courses of a variant into phases.
struct VariantPhases {
  std::string variant_id;
  int initial_sessions = 0;
  int termination_sessions = 0;
  friend bool operator==(const VariantPhases&, const VariantPhases&) = default;
};

struct SchedulingPolicy {
  std::optional<int> session_minutes;
  std::optional<int> cadence_days;
  std::optional<int> cadence_tolerance_days;
  std::optional<int> cancellation_notice_hours;
  std::optional<int> pause_cap_days;
  std::optional<bool> no_show_uses_session;
  std::optional<bool> late_cancellation_uses_session;
  std::optional<int> slot_minutes;
  std::vector<VariantPhases> variant_phases = {};
  friend bool operator==(const SchedulingPolicy&, const SchedulingPolicy&) = default;
};

// What holds where a policy leaves a value unset. Cadence comes from the variant instead.
struct PolicyDefaults {
  static constexpr int kSessionMinutes = 50;
  static constexpr int kCadenceToleranceDays = 2;
  static constexpr int kCancellationNoticeHours = 24;
  static constexpr int kPauseCapDays = 28;
  static constexpr int kSlotMinutes = 15;
};

struct Clinic {
  std::string clinic_id;
  std::string display_name;
  std::string time_zone;
  SchedulingPolicy policy;
  Stamp stamp;
  friend bool operator==(const Clinic&, const Clinic&) = default;
};

struct Holiday {
  std::string clinic_id;
  absl::CivilDay day;
  std::string display_name;
  Stamp stamp;
  friend bool operator==(const Holiday&, const Holiday&) = default;
};

// ----------------------------------------------------------------------------------- therapists

struct Therapist {
  std::string clinic_id;
  std::string therapist_id;
  std::string display_name;
  std::string time_zone;  // never empty once stored
  std::vector<WeeklyWindow> working_hours;
  std::optional<int> session_minutes;
  int buffer_minutes = 0;
  std::optional<int> max_active_courses;
  std::vector<std::string> languages;
  std::vector<std::string> variants;
  bool active = true;
  int open_courses = 0;  // read-only: counted when read
  Stamp stamp;
  friend bool operator==(const Therapist&, const Therapist&) = default;
};

enum class TimeOffReason { kUnspecified = 0, kLeave, kSickness, kTraining, kOther };

struct TimeOff {
  std::string clinic_id;
  std::string therapist_id;
  std::string time_off_id;
  Interval interval;
  std::optional<DayRange> days;  // set where it was given as whole days
  TimeOffReason reason = TimeOffReason::kUnspecified;
  Stamp stamp;
  friend bool operator==(const TimeOff&, const TimeOff&) = default;
};

struct ExtraHours {
  std::string clinic_id;
  std::string therapist_id;
  std::string extra_hours_id;
  Interval interval;
  Stamp stamp;
  friend bool operator==(const ExtraHours&, const ExtraHours&) = default;
};

// -------------------------------------------------------------------------------------- courses

enum class Phase { kUnspecified = 0, kInitial, kMiddle, kTermination };

struct PhaseSpan {
  Phase phase = Phase::kUnspecified;
  int first_session = 0;
  int last_session = 0;
  friend bool operator==(const PhaseSpan&, const PhaseSpan&) = default;
};

// A published form of IPT. Phases for another length than the usual: the initial and the
// termination phase keep their sessions, the middle one takes the rest.
struct Variant {
  std::string id;
  std::string display_name;
  std::string tradition;
  int min_sessions = 0;
  int default_sessions = 0;
  int max_sessions = 0;
  int min_weeks = 0;
  int default_weeks = 0;
  int max_weeks = 0;
  int cadence_days = 7;
  int initial_sessions = 0;
  int termination_sessions = 0;
  // The source gives no split into phases: it is a clinic's to confirm or to replace.
  bool phases_proposed = false;
  // Where sessions grow rarer towards the end: how rare. 0: they do not.
  int taper_days = 0;
  std::string source;
};

struct Identifier {
  std::string system;
  std::string value;
  friend bool operator==(const Identifier&, const Identifier&) = default;
};

enum class CourseState { kUnspecified = 0, kPlanned, kActive, kPaused, kCompleted, kDiscontinued };

inline bool IsOpen(CourseState state) {
  return state == CourseState::kPlanned || state == CourseState::kActive ||
         state == CourseState::kPaused;
}

enum class Indication {
  kUnspecified = 0,
  kDepression,
  kPerinatalDepression,
  kAdolescentDepression,
  kLateLifeDepression,
  kBipolarDisorder,
  kEatingDisorder,
  kPtsd,
  kMaintenance,
  kOther
};

enum class Modality { kUnspecified = 0, kInPerson, kVideo, kTelephone };

enum class PauseReason {
  kUnspecified = 0,
  kIllness,
  kPatientAway,
  kTherapistAway,
  kHospitalStay,
  kOther
};

struct Pause {
  DayRange days;
  PauseReason reason = PauseReason::kUnspecified;
  friend bool operator==(const Pause&, const Pause&) = default;
};

enum class ForecastState { kUnspecified = 0, kOnTrack, kAtRisk, kInfeasible, kOverdue };

enum class ForecastReason {
  kUnspecified = 0,
  kBehindCadence,
  kTherapistAway,
  kHoliday,
  kTherapistBusy,
  kPatientWindows,
  kPause,
  kBookedPastDeadline,
  kDeadlinePassed,
  kTherapistUnavailable,
  kSessionsDisplaced
};

struct ProjectedSession {
  int session_number = 0;
  absl::Time start;
  bool booked = false;
  friend bool operator==(const ProjectedSession&, const ProjectedSession&) = default;
};

struct Forecast {
  ForecastState state = ForecastState::kUnspecified;
  absl::Time as_of;
  int sessions_left = 0;
  std::optional<absl::CivilDay> projected_finish;
  int slack_days = 0;
  std::vector<ForecastReason> reasons;
  std::vector<ProjectedSession> sessions;
  std::vector<std::string> displaced_ids;  // booked sessions that have lost their place, by start
  friend bool operator==(const Forecast&, const Forecast&) = default;
};

// Both clocks and what follows from them; see the proto for each field's meaning.
struct CourseProgress {
  absl::CivilDay start_day;
  bool start_projected = true;
  absl::CivilDay deadline_day;
  absl::Time deadline;  // first instant after deadline_day
  int pause_days = 0;
  int week_number = 0;
  int days_left = 0;
  int attended_sessions = 0;
  int used_sessions = 0;
  int booked_sessions = 0;
  int unbooked_sessions = 0;
  int excess_sessions = 0;
  int next_session_number = 0;
  Phase phase = Phase::kUnspecified;
  std::vector<PhaseSpan> phases;
  int mid_course_session = 0;
  std::optional<absl::CivilDay> mid_course_review_day;
  int termination_session = 0;
  std::optional<absl::CivilDay> termination_start_day;
  std::string next_session_id;
  std::optional<absl::Time> next_session_time;
  friend bool operator==(const CourseProgress&, const CourseProgress&) = default;
};

enum class ClosureReason {
  kUnspecified = 0,
  kDroppedOut,
  kAgreedEarlyFinish,
  kReferredOn,
  kMovedAway,
  kNotSuitable,
  kDeteriorated,
  kDeceased,
  kDeclined,
  kEnteredInError,
  kOther
};

struct Closure {
  absl::Time time;
  ClosureReason reason = ClosureReason::kUnspecified;
  bool early = false;
  friend bool operator==(const Closure&, const Closure&) = default;
};

enum class CourseChangeKind {
  kUnspecified = 0,
  kCreated,
  kImported,
  kUpdated,
  kPaused,
  kResumed,
  kExtended,
  kShortened,
  kTransferred,
  kCompleted,
  kDiscontinued,
  kReopened,
  kPatientChanged
};

struct CourseChange {
  absl::Time time;
  CourseChangeKind kind = CourseChangeKind::kUnspecified;
  std::string caller;
  std::string reason;
  std::string previous_therapist_id;
  friend bool operator==(const CourseChange&, const CourseChange&) = default;
};

enum class CourseFindingSeverity { kUnspecified = 0, kInfo, kReview, kOverdue };

struct CourseFinding {
  std::string finding_id;
  CourseFindingSeverity severity = CourseFindingSeverity::kUnspecified;
  absl::CivilDay since_day;
  friend bool operator==(const CourseFinding&, const CourseFinding&) = default;
};

// Of what a therapist is reminded.
inline bool IsGrave(const CourseFinding& finding) {
  return finding.severity > CourseFindingSeverity::kInfo;
}

struct FindingNote {
  int64_t number = 0;
  absl::CivilDay day;
  friend bool operator==(const FindingNote&, const FindingNote&) = default;
};

struct Course {
  std::string clinic_id;
  std::string course_id;
  std::string patient_id;  // the suite's own id of the patient, stable when identifiers change
  Identifier patient;
  std::string therapist_id;
  std::string variant_id;
  Indication indication = Indication::kUnspecified;
  CourseState state = CourseState::kPlanned;
  int planned_sessions = 0;
  int duration_weeks = 0;
  int cadence_days = 0;
  int cadence_tolerance_days = 0;
  Modality modality = Modality::kUnspecified;
  std::string time_zone;
  int session_minutes = 0;
  std::vector<WeeklyWindow> preferred_windows;
  bool allow_concurrent = false;
  std::vector<Pause> pauses;  // by first day
  std::optional<Closure> closure;
  std::vector<CourseChange> changes;  // oldest first, the last 200

  // Derived from the course, its sessions and the calendars, kept with the row so that a read need
  // not compute them. Fresh while now < valid_until and both calendar versions are current.
  CourseProgress progress;
  std::optional<Forecast> forecast;  // open courses only
  absl::Time valid_until;            // next local midnight, or the end of the next booked session
  int64_t therapist_calendar_version = 0;
  int64_t clinic_calendar_version = 0;
  // What stands out in it, as formulation said last, the gravest first; and when something further
  // last came to it (INFO apart), counted from 1.
  std::vector<CourseFinding> findings;
  FindingNote finding_note;
  // What its reminders follow: the clinic's reminder version, and a digest of what they are to be.
  int64_t reminder_version = 0;
  int64_t reminder_digest = 0;

  Stamp stamp;
  friend bool operator==(const Course&, const Course&) = default;
};

// ------------------------------------------------------------------------------------- sessions

enum class SessionState { kUnspecified = 0, kBooked, kAttended, kNoShow, kCancelled };

enum class AttendanceOutcome { kUnspecified = 0, kAttended, kAttendedLate, kNoShow };
enum class AttendanceSource { kUnspecified = 0, kTherapist, kFrontDesk, kPatient, kSystem };

struct Attendance {
  AttendanceOutcome outcome = AttendanceOutcome::kUnspecified;
  AttendanceSource source = AttendanceSource::kUnspecified;
  absl::Time record_time;
  friend bool operator==(const Attendance&, const Attendance&) = default;
};

enum class CancelledBy { kUnspecified = 0, kPatient, kTherapist, kClinic };

struct Cancellation {
  CancelledBy cancelled_by = CancelledBy::kUnspecified;
  bool late = false;
  absl::Time time;
  friend bool operator==(const Cancellation&, const Cancellation&) = default;
};

enum class SessionChangeKind {
  kUnspecified = 0,
  kBooked,
  kImported,
  kRescheduled,
  kCancelled,
  kAttendanceRecorded,
  kAttendanceCorrected,
  kTransferred,
  kUpdated
};

struct SessionChange {
  absl::Time time;
  SessionChangeKind kind = SessionChangeKind::kUnspecified;
  std::string caller;
  std::string reason;
  std::optional<absl::Time> previous_start;
  AttendanceOutcome previous_outcome = AttendanceOutcome::kUnspecified;
  std::string previous_therapist_id;
  friend bool operator==(const SessionChange&, const SessionChange&) = default;
};

struct Session {
  std::string clinic_id;
  std::string course_id;
  std::string session_id;
  std::string therapist_id;
  std::string patient_id;
  Interval interval;
  // The therapist is taken until then: interval.end and their buffer.
  absl::Time blocked_until;
  // False for cancelled sessions and for those that took place before the course was brought in:
  // they keep nobody's time.
  bool blocking = true;
  std::string time_zone;
  SessionState state = SessionState::kBooked;
  Modality modality = Modality::kUnspecified;
  std::string location;
  std::optional<Attendance> attendance;
  std::optional<Cancellation> cancellation;
  // Whether it uses up one of the agreed sessions, by the policy of the moment it was decided.
  // Meaningless while BOOKED.
  bool uses_session = false;
  // Booked or last moved with the override of that name, so that it keeps a place that is none.
  bool outside_availability = false;
  int sequence = 0;
  std::vector<SessionChange> changes;

  // Derived when the course's numbering is recomputed, kept with the row.
  int session_number = 0;
  Phase phase = Phase::kUnspecified;
  int week_number = 0;

  Stamp stamp;
  friend bool operator==(const Session&, const Session&) = default;
};

// ----------------------------------------------------------------------------------------- plans

enum class PlanVerdict { kUnspecified = 0, kOnPattern, kOtherTime, kOtherDay, kOffCadence };

enum class DeviationReason {
  kUnspecified = 0,
  kHoliday,
  kTimeOff,
  kTherapistBooked,
  kPatientBooked,
  kOutsideHours,
  kPatientWindows,
  kPause,
  kClockChange,
  kDeadline,
  kNeighbour
};

struct PlannedSession {
  int session_number = 0;
  Phase phase = Phase::kUnspecified;
  Interval interval;
  PlanVerdict verdict = PlanVerdict::kUnspecified;
  std::vector<DeviationReason> reasons;
  std::vector<absl::Time> alternatives;  // best first, at most 5
};

struct CoursePlan {
  Weekday day = Weekday::kMonday;
  int minute_of_day = 0;
  std::vector<PlannedSession> sessions;
  int unplaced_sessions = 0;
  std::optional<absl::CivilDay> finish_day;
  absl::CivilDay deadline_day;
  int slack_days = 0;
};

struct Slot {
  std::string therapist_id;
  Interval interval;
};

}  // namespace ipt::scheduling
