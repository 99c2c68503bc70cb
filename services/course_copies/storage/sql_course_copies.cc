#include "course_copies/storage/sql_course_copies.h"

#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/json/stored_json.h"
#include "platform/storage/sql_text.h"

namespace ipt::courses {
namespace {

using nlohmann::json;
using storage::ColumnType;
using storage::ColumnTypes;
using storage::Connection;
using storage::Row;
using storage::Statement;

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kText = ColumnType::kText;

// An event replaces the same revision, a listing any, an answer older ones only.
#define REPLACES(table)                          \
  " WHERE CAST(:anyway AS BIGINT) = 1 OR " table \
  ".revision < excluded.revision "               \
  "OR (" table ".revision = excluded.revision AND CAST(:same AS BIGINT) = 1)"

constexpr Statement kPutCourse = {
    "INSERT INTO course_copies (clinic_id, course_id, patient_hash, therapist_id, variant_id, "
    "indication, state, closed_us, closure_reason, drop_out, closed_early, time_zone, "
    "planned_sessions, duration_weeks, cadence_days, created_us, start_day, deadline_day, pauses, "
    "phases, revision, listing, copied_us) VALUES (:clinic, :course, :patient, :therapist, "
    ":variant, :indication, :state, :closed, :reason, :drop_out, :early, :zone, :sessions, :weeks, "
    ":cadence, :created, :start, :deadline, :pauses, :phases, :revision, :listing, :at) "
    "ON CONFLICT (clinic_id, course_id) DO UPDATE SET patient_hash = excluded.patient_hash, "
    "therapist_id = excluded.therapist_id, variant_id = excluded.variant_id, "
    "indication = excluded.indication, state = excluded.state, closed_us = excluded.closed_us, "
    "closure_reason = excluded.closure_reason, drop_out = excluded.drop_out, "
    "closed_early = excluded.closed_early, time_zone = excluded.time_zone, "
    "planned_sessions = excluded.planned_sessions, duration_weeks = excluded.duration_weeks, "
    "cadence_days = excluded.cadence_days, created_us = excluded.created_us, "
    "start_day = excluded.start_day, deadline_day = excluded.deadline_day, "
    "pauses = excluded.pauses, phases = excluded.phases, revision = excluded.revision, "
    "listing = CASE WHEN excluded.listing > course_copies.listing THEN excluded.listing "
    "ELSE course_copies.listing END, copied_us = excluded.copied_us" REPLACES("course_copies")};

constexpr Statement kPutSession = {
    "INSERT INTO course_session_copies (clinic_id, course_id, session_id, therapist_id, number, "
    "phase, week, start_us, end_us, state, attendance, uses_session, revision, listing) "
    "VALUES (:clinic, :course, :session, :therapist, :number, :phase, :week, :start, :end, :state, "
    ":attendance, :uses, :revision, :listing) "
    "ON CONFLICT (clinic_id, course_id, session_id) DO UPDATE SET "
    "therapist_id = excluded.therapist_id, number = excluded.number, phase = excluded.phase, "
    "week = excluded.week, start_us = excluded.start_us, end_us = excluded.end_us, "
    "state = excluded.state, attendance = excluded.attendance, "
    "uses_session = excluded.uses_session, revision = excluded.revision, "
    "listing = CASE WHEN excluded.listing > course_session_copies.listing THEN excluded.listing "
    "ELSE course_session_copies.listing END" REPLACES("course_session_copies")};

constexpr Statement kSeenAgain = {
    "UPDATE course_copies SET copied_us = :at WHERE clinic_id = :clinic AND course_id = :course "
    "AND revision = :revision AND copied_us < :at"};

constexpr Statement kDropCourses = {
    "DELETE FROM course_copies WHERE clinic_id = :clinic AND listing < :listing"};
constexpr Statement kDropSessions = {
    "DELETE FROM course_session_copies WHERE clinic_id = :clinic AND listing < :listing"};

#define SELECT_COURSE                                                                     \
  "SELECT patient_hash, therapist_id, variant_id, indication, state, closed_us, "         \
  "closure_reason, drop_out, closed_early, time_zone, planned_sessions, duration_weeks, " \
  "start_day, deadline_day, pauses, phases, revision, copied_us, course_id, "             \
  "cadence_days, created_us FROM course_copies WHERE clinic_id = :clinic"
constexpr ColumnTypes kCourseColumns = {kText, kText, kText, kInt, kInt,  kInt, kInt,
                                        kInt,  kInt,  kText, kInt, kInt,  kInt, kInt,
                                        kText, kText, kInt,  kInt, kText, kInt, kInt};
#define SELECT_SESSION                                                                     \
  "SELECT s.session_id, s.therapist_id, s.number, s.phase, s.week, s.start_us, s.end_us, " \
  "s.state, s.attendance, s.uses_session, s.revision, s.course_id FROM course_session_copies s "
constexpr ColumnTypes kSessionColumns = {kText, kText, kInt, kInt, kInt, kInt,
                                         kInt,  kInt,  kInt, kInt, kInt, kText};

constexpr Statement kFindCourse = {SELECT_COURSE " AND course_id = :course", kCourseColumns};
constexpr Statement kFindSessions = {SELECT_SESSION
                                     "WHERE s.clinic_id = :clinic AND s.course_id = :course "
                                     "ORDER BY s.start_us, s.session_id",
                                     kSessionColumns};

// COMPLETED and DISCONTINUED are closed. Each half by its index: a clinic's closed courses become
// many more than it asks for. `state >= 0` has SQLite prefer the first to the primary key, which is
// no use for :from and for the order either.
#define OF_THERAPIST \
  " AND (CAST(:any AS BIGINT) = 1 OR therapist_id = :therapist) AND course_id || '' >= :from"
constexpr Statement kListCourses = {
    "SELECT * FROM (" SELECT_COURSE " AND state >= 0 AND state NOT IN (4, 5)" OF_THERAPIST
    " UNION ALL " SELECT_COURSE " AND state IN (4, 5) AND closed_us >= :since" OF_THERAPIST
    ") listed ORDER BY course_id || '' LIMIT :limit",
    kCourseColumns};
constexpr size_t kCoursesAtOnce = 250;

constexpr absl::CivilDay kEpoch(1970, 1, 1);

int64_t DayNumber(absl::CivilDay day) { return day - kEpoch; }

std::optional<int64_t> DayNumber(const std::optional<absl::CivilDay>& day) {
  return day.has_value() ? std::optional(DayNumber(*day)) : std::nullopt;
}

std::optional<absl::CivilDay> DayAt(const Row& row, size_t column) {
  if (row.IsNull(column)) return std::nullopt;
  return kEpoch + row.Int64(column);
}

std::string EncodePauses(const std::vector<CopiedPause>& pauses) {
  json list = json::array();
  for (const CopiedPause& pause : pauses) {
    list.push_back({DayNumber(pause.first_day), DayNumber(pause.last_day)});
  }
  return DumpStored(list);
}

std::string EncodePhases(const std::vector<CopiedPhase>& phases) {
  json list = json::array();
  for (const CopiedPhase& phase : phases) {
    list.push_back({phase.phase, phase.first_session, phase.last_session});
  }
  return DumpStored(list);
}

// A list of lists of `width` integers; INTERNAL for a damaged row.
absl::StatusOr<std::vector<std::vector<int64_t>>> Decode(const std::string& text, size_t width) {
  const json list = ParseStored(text);
  std::vector<std::vector<int64_t>> rows;
  if (!list.is_array()) return Internal("a copied course has no list where one belongs");
  for (const json& entry : list) {
    std::vector<int64_t> row;
    if (entry.is_array()) {
      for (const json& number : entry) {
        if (number.is_number_integer()) row.push_back(number.get<int64_t>());
      }
    }
    if (row.size() != width) return Internal("a copied course has a malformed list");
    rows.push_back(std::move(row));
  }
  return rows;
}

absl::StatusOr<CopiedCourse> CourseOf(const Row& row) {
  CopiedCourse course;
  course.patient_hash = row.Text(0);
  course.therapist_id = row.Text(1);
  course.variant_id = row.Text(2);
  course.indication = static_cast<int>(row.Int64(3));
  course.state = static_cast<CopiedCourseState>(row.Int64(4));
  course.closed_at = row.OptionalTime(5);
  course.closure_reason = static_cast<int>(row.Int64(6));
  course.drop_out = row.Bool(7);
  course.closed_early = row.Bool(8);
  course.time_zone = row.Text(9);
  course.planned_sessions = static_cast<int>(row.Int64(10));
  course.duration_weeks = static_cast<int>(row.Int64(11));
  course.start_day = DayAt(row, 12);
  course.deadline_day = DayAt(row, 13);
  IPT_ASSIGN_OR_RETURN(const auto pauses, Decode(row.Text(14), 2));
  for (const auto& pause : pauses) course.pauses.push_back({kEpoch + pause[0], kEpoch + pause[1]});
  IPT_ASSIGN_OR_RETURN(const auto phases, Decode(row.Text(15), 3));
  for (const auto& phase : phases) {
    course.phases.push_back(
        {static_cast<int>(phase[0]), static_cast<int>(phase[1]), static_cast<int>(phase[2])});
  }
  course.revision = row.Int64(16);
  course.course_id = row.Text(18);
  course.cadence_days = static_cast<int>(row.Int64(19));
  course.create_time = row.Time(20);
  return course;
}

CopiedSession SessionOf(const Row& row) {
  CopiedSession session;
  session.session_id = row.Text(0);
  session.therapist_id = row.Text(1);
  session.number = static_cast<int>(row.Int64(2));
  session.phase = static_cast<int>(row.Int64(3));
  session.week = static_cast<int>(row.Int64(4));
  session.start = row.Time(5);
  session.end = row.Time(6);
  session.state = static_cast<CopiedSessionState>(row.Int64(7));
  session.attendance = static_cast<int>(row.Int64(8));
  session.uses_session = row.Bool(9);
  session.revision = row.Int64(10);
  return session;
}

}  // namespace

absl::StatusOr<bool> SqlCourseCopies::PutCourse(Connection& conn, const CopiedCourse& course,
                                                const CopyStamp& stamp) {
  IPT_ASSIGN_OR_RETURN(const int64_t written,
                       conn.Execute(kPutCourse, {course.clinic_id,
                                                 course.course_id,
                                                 course.patient_hash,
                                                 course.therapist_id,
                                                 course.variant_id,
                                                 course.indication,
                                                 static_cast<int>(course.state),
                                                 course.closed_at,
                                                 course.closure_reason,
                                                 course.drop_out,
                                                 course.closed_early,
                                                 course.time_zone,
                                                 course.planned_sessions,
                                                 course.duration_weeks,
                                                 course.cadence_days,
                                                 course.create_time,
                                                 DayNumber(course.start_day),
                                                 DayNumber(course.deadline_day),
                                                 EncodePauses(course.pauses),
                                                 EncodePhases(course.phases),
                                                 course.revision,
                                                 stamp.listing,
                                                 stamp.at,
                                                 stamp.source == CopySource::kListing,
                                                 stamp.source == CopySource::kEvent}));
  return written > 0;
}

absl::Status SqlCourseCopies::PutSession(Connection& conn, absl::string_view clinic_id,
                                         absl::string_view course_id, const CopiedSession& session,
                                         const CopyStamp& stamp) {
  return conn
      .Execute(
          kPutSession,
          {clinic_id, course_id, session.session_id, session.therapist_id, session.number,
           session.phase, session.week, session.start, session.end, static_cast<int>(session.state),
           session.attendance, session.uses_session, session.revision, stamp.listing,
           stamp.source == CopySource::kListing, stamp.source == CopySource::kEvent})
      .status();
}

absl::Status SqlCourseCopies::DropUnlisted(Connection& conn, absl::string_view clinic_id,
                                           int64_t number) {
  IPT_RETURN_IF_ERROR(conn.Execute(kDropCourses, {clinic_id, number}).status());
  return conn.Execute(kDropSessions, {clinic_id, number}).status();
}

absl::Status SqlCourseCopies::PutAnswer(const CopiedCourse& course, absl::Time at,
                                        absl::Time deadline) {
  storage::CallOptions options;
  options.deadline = deadline;
  return db_.Write(options, [&](Connection& conn) -> absl::Status {
    const CopyStamp stamp{.source = CopySource::kAnswer, .at = at};
    IPT_RETURN_IF_ERROR(PutCourse(conn, course, stamp).status());
    for (const CopiedSession& session : course.sessions) {
      IPT_RETURN_IF_ERROR(PutSession(conn, course.clinic_id, course.course_id, session, stamp));
    }
    return conn.Execute(kSeenAgain, {at, course.clinic_id, course.course_id, course.revision})
        .status();
  });
}

absl::StatusOr<std::optional<SqlCourseCopies::Found>> SqlCourseCopies::Find(
    Connection& conn, absl::string_view clinic_id, absl::string_view course_id) {
  IPT_ASSIGN_OR_RETURN(auto row,
                       conn.QueryOne(kFindCourse, {clinic_id, course_id}, [](const Row& row) {
                         return std::make_pair(CourseOf(row), row.Time(17));
                       }));
  if (!row.has_value()) return std::nullopt;
  IPT_RETURN_IF_ERROR(row->first.status());
  Found found{*std::move(row->first), row->second};
  found.course.clinic_id = std::string(clinic_id);
  IPT_RETURN_IF_ERROR(conn.Query(kFindSessions, {clinic_id, course_id}, [&](const Row& session) {
    found.course.sessions.push_back(SessionOf(session));
    return absl::OkStatus();
  }));
  return found;
}

absl::StatusOr<std::optional<SqlCourseCopies::Found>> SqlCourseCopies::Find(
    absl::string_view clinic_id, absl::string_view course_id, absl::Time deadline) {
  storage::CallOptions options;
  options.deadline = deadline;
  std::optional<Found> found;
  IPT_RETURN_IF_ERROR(db_.Read(options, [&](Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(found, Find(conn, clinic_id, course_id));
    return absl::OkStatus();
  }));
  return found;
}

absl::StatusOr<std::vector<CopiedCourse>> SqlCourseCopies::List(Connection& conn,
                                                                absl::string_view clinic_id,
                                                                const CourseListing& listing) {
  const bool any = listing.therapist_id.empty();
  const int64_t limit = listing.limit > 0 ? listing.limit : std::numeric_limits<int64_t>::max();
  std::vector<CopiedCourse> courses;
  IPT_RETURN_IF_ERROR(conn.Query(
      kListCourses,
      {clinic_id, any, listing.therapist_id, listing.from_course_id, listing.closed_since, limit},
      [&](const Row& row) -> absl::Status {
        IPT_ASSIGN_OR_RETURN(CopiedCourse course, CourseOf(row));
        course.clinic_id = std::string(clinic_id);
        courses.push_back(std::move(course));
        return absl::OkStatus();
      }));
  std::map<std::string, CopiedCourse*> lot;
  const std::string sql = absl::StrCat(SELECT_SESSION "WHERE s.clinic_id = :clinic AND ",
                                       storage::InJson(conn.dialect(), "s.course_id", ":courses"),
                                       " ORDER BY s.course_id, s.start_us, s.session_id");
  for (CopiedCourse& course : courses) {
    if (!course.closed() || course.closed_at >= listing.sessions_since) {
      lot.emplace(course.course_id, &course);
    }
    const bool last = &course == &courses.back();
    if (lot.empty() || (lot.size() < kCoursesAtOnce && !last)) continue;
    std::vector<std::string> ids;
    ids.reserve(lot.size());
    for (const auto& [id, of] : lot) ids.push_back(id);
    IPT_RETURN_IF_ERROR(
        conn.Query({sql, kSessionColumns}, {clinic_id, DumpStored(json(ids))}, [&](const Row& row) {
          lot.at(row.Text(11))->sessions.push_back(SessionOf(row));
          return absl::OkStatus();
        }));
    lot.clear();
  }
  return courses;
}

}  // namespace ipt::courses
