#include <algorithm>
#include <utility>

#include "platform/storage/sql_error.h"
#include "scheduling/domain/names.h"
#include "scheduling/storage/json_codec.h"
#include "scheduling/storage/sql_scheduling_tx.h"
#include "scheduling/storage/sql_text.h"

namespace ipt::scheduling {
namespace {

using storage::ColumnType;
using storage::ColumnTypes;
using storage::Row;
using storage::Statement;

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kText = ColumnType::kText;

// LEFT, though a course always has its patient: the planner then begins with the courses, in their
// order, unless the patient is given.
#define SELECT_COURSE                                                                          \
  "SELECT c.course_id, c.patient_id, p.system, p.value, c.therapist_id, c.variant_id, "        \
  "c.indication, c.state, c.planned_sessions, c.duration_weeks, c.cadence_days, "              \
  "c.cadence_tolerance_days, c.modality, c.time_zone, c.session_minutes, c.allow_concurrent, " \
  "c.details, c.derived, c.valid_until_us, c.therapist_calendar_version, "                     \
  "c.clinic_calendar_version, c.reminder_version, c.reminder_digest, c.revision, "             \
  "c.created_us, c.updated_us FROM courses c "                                                 \
  "LEFT JOIN patients p ON p.clinic_id = c.clinic_id AND p.patient_id = c.patient_id "         \
  "WHERE c.clinic_id = :clinic"
constexpr ColumnTypes kCourseColumns = {
    kText, kText, kText, kText, kText, kText, kInt, kInt, kInt, kInt, kInt, kInt, kInt,
    kText, kInt,  kInt,  kText, kText, kInt,  kInt, kInt, kInt, kInt, kInt, kInt, kInt};

absl::StatusOr<Course> CourseOf(absl::string_view clinic_id, const Row& row) {
  const auto integer = [&](size_t i) { return static_cast<int>(row.Int64(i)); };
  Course course;
  course.clinic_id = std::string(clinic_id);
  course.course_id = row.Text(0);
  course.patient_id = row.Text(1);
  course.patient = {row.Text(2), row.Text(3)};
  course.therapist_id = row.Text(4);
  course.variant_id = row.Text(5);
  course.indication = static_cast<Indication>(row.Int64(6));
  course.state = static_cast<CourseState>(row.Int64(7));
  course.planned_sessions = integer(8);
  course.duration_weeks = integer(9);
  course.cadence_days = integer(10);
  course.cadence_tolerance_days = integer(11);
  course.modality = static_cast<Modality>(row.Int64(12));
  course.time_zone = row.Text(13);
  course.session_minutes = integer(14);
  course.allow_concurrent = row.Bool(15);
  IPT_RETURN_IF_ERROR(DecodeCourseDetails(row.Text(16), course));
  IPT_RETURN_IF_ERROR(DecodeCourseDerived(row.Text(17), course));
  course.valid_until = FromMicros(row.Int64(18));
  course.therapist_calendar_version = row.Int64(19);
  course.clinic_calendar_version = row.Int64(20);
  course.reminder_version = row.Int64(21);
  course.reminder_digest = row.Int64(22);
  course.stamp = StampOf(row, 23);
  return course;
}

constexpr ColumnTypes kDeadlineColumns = {kText, kInt, kInt};

// Of a course that is there already: whether it allows another beside it was said when it was
// opened.
constexpr char kCloseTheOther[] =
    "the patient has another open course in this clinic: close one of the two first";

constexpr Statement kGetCourse = {SELECT_COURSE " AND c.course_id = :course", kCourseColumns};

constexpr Statement kInsertCourse = {
    "INSERT INTO courses (clinic_id, course_id, patient_id, therapist_id, variant_id, indication, "
    "state, open, planned_sessions, duration_weeks, cadence_days, cadence_tolerance_days, "
    "modality, "
    "time_zone, session_minutes, allow_concurrent, details, derived, deadline_day, forecast_state, "
    "valid_until_us, therapist_calendar_version, clinic_calendar_version, reminder_version, "
    "reminder_digest, revision, created_us, updated_us) VALUES (:clinic, :course, :patient, "
    ":therapist, :variant, :indication, :state, "
    ":open, :planned, :weeks, :cadence, :tolerance, :modality, :zone, :minutes, :concurrent, "
    ":details, :derived, :deadline, :forecast, :valid_until, :therapist_version, :clinic_version, "
    ":reminder_version, :digest, :revision, :created, :updated) ON CONFLICT (clinic_id, course_id) "
    "DO NOTHING"};

constexpr Statement kUpdateCourse = {
    "UPDATE courses SET patient_id = :patient, therapist_id = :therapist, variant_id = :variant, "
    "indication = :indication, state = :state, open = :open, planned_sessions = :planned, "
    "duration_weeks = :weeks, cadence_days = :cadence, cadence_tolerance_days = :tolerance, "
    "modality = :modality, time_zone = :zone, session_minutes = :minutes, "
    "allow_concurrent = :concurrent, details = :details, derived = :derived, "
    "deadline_day = :deadline, forecast_state = :forecast, valid_until_us = :valid_until, "
    "therapist_calendar_version = :therapist_version, clinic_calendar_version = :clinic_version, "
    "reminder_version = :reminder_version, reminder_digest = :digest, "
    "revision = :revision, updated_us = :updated WHERE clinic_id = :clinic "
    "AND course_id = :course"};

constexpr Statement kUpdateDerived = {
    "UPDATE courses SET state = :state, open = :open, derived = :derived, "
    "deadline_day = :deadline, forecast_state = :forecast, valid_until_us = :valid_until, "
    "therapist_calendar_version = :therapist_version, clinic_calendar_version = :clinic_version, "
    "reminder_version = :reminder_version, reminder_digest = :digest "
    "WHERE clinic_id = :clinic AND course_id = :course"};

constexpr Statement kCountOpen = {
    "SELECT COUNT(*) FROM courses WHERE clinic_id = :clinic AND therapist_id = :therapist "
    "AND open = 1",
    {kInt}};

// Every course_id is greater than ''. It is said so that SQLite takes courses_open_by_id, which has
// all that is asked for: 9 ms for 20,000 open courses, where reading their rows took 60.
constexpr Statement kCountOpenOfAll = {
    "SELECT forecast_state, COUNT(*), MIN(deadline_day) FROM courses WHERE open = 1 "
    "AND course_id > '' GROUP BY forecast_state",
    {kInt, kInt, kInt}};

// Stale courses in four parts, each through an index of its own over open courses:
//
// - by age: the entries of courses_open_by_age up to now, nothing but stale ones;
// - by a clinic's calendar and by a therapist's: first the calendars that have moved on since the
//   oldest version that any of their open courses was computed from (the first entry under the
//   calendar in its index), then the courses of each.
//
// With nothing stale the work is one index probe a calendar, not a course: 2 ms for the 5,000
// therapists of 100,000 open courses on SQLite. MIN in a subquery of its own keeps
// it so: given a join, planners (which cannot know how rarely a version is behind) read every open
// course.
//
// Comparing versions needs no marks that a concurrent writer could miss: whichever of a touch and a
// course's write commits last, the next look sees a course whose version is behind its calendar's.
// A work list of touched calendars would be read faster, but would have to be cleared under the
// lock of each calendar, or lose a course that was computed before the touch and committed after.
constexpr Statement kStaleByAge = {
    "SELECT clinic_id, course_id FROM courses WHERE open = 1 AND valid_until_us <= :now "
    "LIMIT :limit",
    {kText, kText}};

constexpr Statement kMovedClinics = {
    "SELECT k.clinic_id, '' AS therapist_id, k.calendar_version FROM clinics k WHERE "
    "(SELECT MIN(c.clinic_calendar_version) FROM courses c WHERE c.clinic_id = k.clinic_id "
    "AND c.open = 1 AND c.clinic_calendar_version < k.calendar_version) IS NOT NULL LIMIT :limit",
    {kText, kText, kInt}};
constexpr Statement kMovedTherapists = {
    "SELECT t.clinic_id, t.therapist_id, t.version FROM therapist_calendars t WHERE "
    "(SELECT MIN(c.therapist_calendar_version) FROM courses c WHERE c.clinic_id = t.clinic_id "
    "AND c.therapist_id = t.therapist_id AND c.open = 1 "
    "AND c.therapist_calendar_version < t.version) IS NOT NULL LIMIT :limit",
    {kText, kText, kInt}};

constexpr Statement kMovedReminders = {
    "SELECT k.clinic_id, '' AS therapist_id, k.reminder_version FROM clinics k WHERE "
    "(SELECT MIN(c.reminder_version) FROM courses c WHERE c.clinic_id = k.clinic_id "
    "AND c.open = 1 AND c.reminder_version < k.reminder_version) IS NOT NULL LIMIT :limit",
    {kText, kText, kInt}};

constexpr Statement kStaleOfClinic = {
    "SELECT clinic_id, course_id FROM courses WHERE clinic_id = :clinic AND open = 1 "
    "AND clinic_calendar_version < :version LIMIT :limit",
    {kText, kText}};
constexpr Statement kStaleOfTherapist = {
    "SELECT clinic_id, course_id FROM courses WHERE clinic_id = :clinic "
    "AND therapist_id = :therapist AND open = 1 AND therapist_calendar_version < :version "
    "LIMIT :limit",
    {kText, kText}};

constexpr Statement kStaleOfReminders = {
    "SELECT clinic_id, course_id FROM courses WHERE clinic_id = :clinic AND open = 1 "
    "AND reminder_version < :version LIMIT :limit",
    {kText, kText}};

struct Calendar {
  std::string clinic_id;
  std::string therapist_id;  // empty: the clinic's own
  int64_t version = 0;
};

absl::StatusOr<Calendar> CalendarOf(const Row& row) {
  return Calendar{row.Text(0), row.Text(1), row.Int64(2)};
}

int ForecastStateOf(const Course& course) {
  return course.forecast.has_value() ? static_cast<int>(course.forecast->state) : 0;
}

}  // namespace

absl::StatusOr<Course> SqlSchedulingTx::GetCourse(absl::string_view clinic_id,
                                                  absl::string_view course_id) {
  return GetRow(kGetCourse, {clinic_id, course_id}, kCourseType, CourseName(clinic_id, course_id),
                [&](const Row& row) { return CourseOf(clinic_id, row); });
}

absl::StatusOr<std::vector<Course>> SqlSchedulingTx::ListCourses(absl::string_view clinic_id,
                                                                 const CourseFilter& filter,
                                                                 absl::string_view after_id,
                                                                 int limit) {
  FilteredQuery query(SELECT_COURSE, {clinic_id});
  query.And("c.course_id > :after", {after_id});
  const bool only_open =
      filter.deadline_before.has_value() || !filter.forecast_states.empty() ||
      (!filter.states.empty() && std::all_of(filter.states.begin(), filter.states.end(), IsOpen));
  // Said besides the states, so that the indexes over open courses serve.
  if (only_open) query.And("c.open = 1");
  if (!filter.states.empty()) query.AndIn("c.state", "state", filter.states);
  if (!filter.therapist_id.empty()) {
    query.And("c.therapist_id = :therapist", {filter.therapist_id});
  }
  if (filter.patient.has_value()) {
    query.And("p.system = :system AND p.value = :value",
              {filter.patient->system, filter.patient->value});
  }
  if (filter.deadline_before.has_value()) {
    query.And("c.deadline_day < :deadline", {ToDayNumber(*filter.deadline_before)});
  }
  if (!filter.forecast_states.empty()) {
    query.AndIn("c.forecast_state", "forecast", filter.forecast_states);
  }
  query.OrderBy("c.course_id", limit);
  return storage::GetRows(conn_, query.statement(kCourseColumns), query.params(),
                          [&](const Row& row) { return CourseOf(clinic_id, row); });
}

absl::StatusOr<std::vector<CourseDeadline>> SqlSchedulingTx::ListDeadlines(
    absl::string_view clinic_id, const std::optional<absl::CivilDay>& before,
    const std::optional<DeadlineCursor>& after, int limit) {
  FilteredQuery query(
      "SELECT c.course_id, c.deadline_day, c.forecast_state FROM courses c "
      "WHERE c.clinic_id = :clinic AND c.open = 1",
      {clinic_id});
  if (before.has_value()) query.And("c.deadline_day < :before", {ToDayNumber(*before)});
  if (after.has_value()) {
    const int64_t day = ToDayNumber(after->day);
    query.And(
        "(c.deadline_day > :after_day OR (c.deadline_day = :same_day AND c.course_id > :after))",
        {day, day, after->course_id});
  }
  query.OrderBy("c.deadline_day, c.course_id", limit);
  return storage::GetRows(conn_, query.statement(kDeadlineColumns), query.params(),
                          [](const Row& row) -> absl::StatusOr<CourseDeadline> {
                            return CourseDeadline{row.Text(0), FromDayNumber(row.Int64(1)),
                                                  static_cast<ForecastState>(row.Int64(2))};
                          });
}

absl::StatusOr<int> SqlSchedulingTx::CountOpenCourses(absl::string_view clinic_id,
                                                      absl::string_view therapist_id) {
  int count = 0;
  IPT_RETURN_IF_ERROR(conn_.Query(kCountOpen, {clinic_id, therapist_id}, [&](const Row& row) {
    count = static_cast<int>(row.Int64(0));
    return absl::OkStatus();
  }));
  return count;
}

absl::StatusOr<OpenCourseCounts> SqlSchedulingTx::CountOpenCoursesOfAll() {
  OpenCourseCounts counts;
  IPT_RETURN_IF_ERROR(conn_.Query(kCountOpenOfAll, {}, [&](const Row& row) {
    const int64_t count = row.Int64(1);
    counts.open += count;
    switch (static_cast<ForecastState>(row.Int64(0))) {
      case ForecastState::kAtRisk:
        counts.at_risk = count;
        break;
      case ForecastState::kInfeasible:
        counts.infeasible = count;
        break;
      case ForecastState::kOverdue:
        counts.overdue = count;
        counts.oldest_overdue = FromDayNumber(row.Int64(2));
        break;
      case ForecastState::kUnspecified:
      case ForecastState::kOnTrack:
        break;
    }
    return absl::OkStatus();
  }));
  return counts;
}

absl::StatusOr<std::vector<CourseKey>> SqlSchedulingTx::StaleCourses(
    absl::Time now, int limit, const std::set<CourseKey>& but) {
  std::vector<CourseKey> keys;
  std::set<CourseKey> seen = but;
  const auto add = [&](const Row& row) {
    CourseKey key{row.Text(0), row.Text(1)};
    if (static_cast<int>(keys.size()) < limit && seen.insert(key).second) {
      keys.push_back(std::move(key));
    }
    return absl::OkStatus();
  };
  // Of the first so many rows, `limit` are none of `but`; and of the first so many calendars, as
  // many have a stale course that is none of `but`.
  const int enough = limit + static_cast<int>(but.size());
  IPT_RETURN_IF_ERROR(conn_.Query(kStaleByAge, {now, enough}, add));
  // What one part has found may be found again by the next: each is asked for as many.
  struct Part {
    const Statement& moved;
    const Statement& stale;
    bool of_therapist;
  };
  for (const Part& part :
       {Part{kMovedReminders, kStaleOfReminders, false}, Part{kMovedClinics, kStaleOfClinic, false},
        Part{kMovedTherapists, kStaleOfTherapist, true}}) {
    if (static_cast<int>(keys.size()) >= limit) break;
    IPT_ASSIGN_OR_RETURN(const std::vector<Calendar> calendars,
                         storage::GetRows(conn_, part.moved, {enough}, CalendarOf));
    for (const Calendar& c : calendars) {
      if (static_cast<int>(keys.size()) >= limit) break;
      IPT_RETURN_IF_ERROR(
          part.of_therapist
              ? conn_.Query(part.stale, {c.clinic_id, c.therapist_id, c.version, enough}, add)
              : conn_.Query(part.stale, {c.clinic_id, c.version, enough}, add));
    }
  }
  return keys;
}

absl::StatusOr<Course> SqlSchedulingTx::LockCourse(absl::string_view clinic_id,
                                                   absl::string_view course_id) {
  IPT_RETURN_IF_ERROR(LockRow("FROM courses WHERE clinic_id = :clinic AND course_id = :course",
                              {clinic_id, course_id}));
  return GetCourse(clinic_id, course_id);
}

absl::Status SqlSchedulingTx::InsertCourse(Course& course, absl::Time now) {
  changes_.courses.push_back({course.clinic_id, course.course_id});
  IPT_RETURN_IF_ERROR(StampNew(course.stamp, now));
  const std::string name = CourseName(course.clinic_id, course.course_id);
  absl::Status status = ExecuteInsert(kInsertCourse,
                                      {course.clinic_id,
                                       course.course_id,
                                       course.patient_id,
                                       course.therapist_id,
                                       course.variant_id,
                                       static_cast<int>(course.indication),
                                       static_cast<int>(course.state),
                                       IsOpen(course.state),
                                       course.planned_sessions,
                                       course.duration_weeks,
                                       course.cadence_days,
                                       course.cadence_tolerance_days,
                                       static_cast<int>(course.modality),
                                       course.time_zone,
                                       course.session_minutes,
                                       course.allow_concurrent,
                                       EncodeCourseDetails(course),
                                       EncodeCourseDerived(course),
                                       ToDayNumber(course.progress.deadline_day),
                                       ForecastStateOf(course),
                                       course.valid_until,
                                       course.therapist_calendar_version,
                                       course.clinic_calendar_version,
                                       course.reminder_version,
                                       course.reminder_digest,
                                       course.stamp.revision,
                                       course.stamp.create_time,
                                       course.stamp.update_time},
                                      kCourseType, name);
  // The patient was merged into another one since they were looked up: run again, and find that
  // one.
  if (storage::SqlErrorKindOf(status) == storage::SqlErrorKind::kForeignKey) {
    return storage::RetryTransaction();
  }
  return OpenCourseExistsOr(status, name,
                            "the patient has an open course in this clinic: close it first, or let "
                            "the new one allow a concurrent course");
}

absl::Status SqlSchedulingTx::UpdateCourse(Course& course, absl::Time now) {
  changes_.courses.push_back({course.clinic_id, course.course_id});
  IPT_RETURN_IF_ERROR(StampChanged(course.stamp, now));
  const std::string name = CourseName(course.clinic_id, course.course_id);
  return OpenCourseExistsOr(ExecuteOnRow(kUpdateCourse,
                                         {course.patient_id,
                                          course.therapist_id,
                                          course.variant_id,
                                          static_cast<int>(course.indication),
                                          static_cast<int>(course.state),
                                          IsOpen(course.state),
                                          course.planned_sessions,
                                          course.duration_weeks,
                                          course.cadence_days,
                                          course.cadence_tolerance_days,
                                          static_cast<int>(course.modality),
                                          course.time_zone,
                                          course.session_minutes,
                                          course.allow_concurrent,
                                          EncodeCourseDetails(course),
                                          EncodeCourseDerived(course),
                                          ToDayNumber(course.progress.deadline_day),
                                          ForecastStateOf(course),
                                          course.valid_until,
                                          course.therapist_calendar_version,
                                          course.clinic_calendar_version,
                                          course.reminder_version,
                                          course.reminder_digest,
                                          course.stamp.revision,
                                          course.stamp.update_time,
                                          course.clinic_id,
                                          course.course_id},
                                         kCourseType, name),
                            name, kCloseTheOther);
}

absl::Status SqlSchedulingTx::UpdateCourseDerived(const Course& course) {
  changes_.courses.push_back({course.clinic_id, course.course_id});
  const std::string name = CourseName(course.clinic_id, course.course_id);
  return OpenCourseExistsOr(
      ExecuteOnRow(
          kUpdateDerived,
          {static_cast<int>(course.state), IsOpen(course.state), EncodeCourseDerived(course),
           ToDayNumber(course.progress.deadline_day), ForecastStateOf(course), course.valid_until,
           course.therapist_calendar_version, course.clinic_calendar_version,
           course.reminder_version, course.reminder_digest, course.clinic_id, course.course_id},
          kCourseType, name),
      name, kCloseTheOther);
}

}  // namespace ipt::scheduling
