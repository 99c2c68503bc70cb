#include <algorithm>

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

// The schema's bounds (sessions_span, sessions_buffer): what overlaps a time started no longer
// before it. They make a search for overlaps a short range of an index by start.
constexpr absl::Duration kLongestSession = absl::Minutes(240);
constexpr absl::Duration kLongestBlock = absl::Minutes(240 + 120);

#define SELECT_SESSION                                                                           \
  "SELECT course_id, session_id, therapist_id, patient_id, start_us, end_us, blocked_until_us, " \
  "blocking, time_zone, state, modality, location, uses_session, sequence, details, "            \
  "session_number, phase, week_number, revision, created_us, updated_us FROM sessions "          \
  "WHERE clinic_id = :clinic"
constexpr ColumnTypes kSessionColumns = {kText, kText, kText, kText, kInt,  kInt, kInt,
                                         kInt,  kText, kInt,  kInt,  kText, kInt, kInt,
                                         kText, kInt,  kInt,  kInt,  kInt,  kInt, kInt};

absl::StatusOr<Session> SessionOf(absl::string_view clinic_id, const Row& row) {
  const auto integer = [&](size_t i) { return static_cast<int>(row.Int64(i)); };
  Session session;
  session.clinic_id = std::string(clinic_id);
  session.course_id = row.Text(0);
  session.session_id = row.Text(1);
  session.therapist_id = row.Text(2);
  session.patient_id = row.Text(3);
  session.interval = {FromMicros(row.Int64(4)), FromMicros(row.Int64(5))};
  session.blocked_until = FromMicros(row.Int64(6));
  session.blocking = row.Bool(7);
  session.time_zone = row.Text(8);
  session.state = static_cast<SessionState>(row.Int64(9));
  session.modality = static_cast<Modality>(row.Int64(10));
  session.location = row.Text(11);
  session.uses_session = row.Bool(12);
  session.sequence = integer(13);
  IPT_RETURN_IF_ERROR(DecodeSessionDetails(row.Text(14), session));
  session.session_number = integer(15);
  session.phase = static_cast<Phase>(row.Int64(16));
  session.week_number = integer(17);
  session.stamp = StampOf(row, 18);
  return session;
}

constexpr Statement kGetSession = {
    SELECT_SESSION " AND course_id = :course AND session_id = :session", kSessionColumns};

constexpr Statement kInsertSession = {
    "INSERT INTO sessions (clinic_id, course_id, session_id, therapist_id, patient_id, start_us, "
    "end_us, blocked_until_us, blocking, time_zone, state, modality, location, uses_session, "
    "sequence, details, session_number, phase, week_number, revision, created_us, updated_us) "
    "VALUES (:clinic, :course, :session, :therapist, :patient, :start, :end, :blocked_until, "
    ":blocking, :zone, :state, :modality, :location, :uses_session, :sequence, :details, :number, "
    ":phase, :week, :revision, :created, :updated) "
    "ON CONFLICT (clinic_id, course_id, session_id) DO NOTHING"};

constexpr Statement kUpdateSession = {
    "UPDATE sessions SET therapist_id = :therapist, patient_id = :patient, start_us = :start, "
    "end_us = :end, blocked_until_us = :blocked_until, blocking = :blocking, time_zone = :zone, "
    "state = :state, modality = :modality, location = :location, uses_session = :uses_session, "
    "sequence = :sequence, details = :details, session_number = :number, phase = :phase, "
    "week_number = :week, revision = :revision, updated_us = :updated "
    "WHERE clinic_id = :clinic AND course_id = :course AND session_id = :session"};

constexpr Statement kTherapistBusy = {
    "SELECT start_us, blocked_until_us, course_id, session_id FROM sessions "
    "WHERE clinic_id = :clinic AND therapist_id = :therapist AND start_us > :look_back "
    "AND start_us < :end AND blocked_until_us > :start AND blocking = 1 ORDER BY start_us",
    {kInt, kInt, kText, kText}};

constexpr Statement kPatientBusy = {
    "SELECT start_us, end_us, course_id, session_id FROM sessions "
    "WHERE clinic_id = :clinic AND patient_id = :patient AND start_us > :look_back "
    "AND start_us < :end AND end_us > :start AND blocking = 1 ORDER BY start_us",
    {kInt, kInt, kText, kText}};

absl::StatusOr<BusySpan> BusySpanOf(const Row& row) {
  return BusySpan{.interval = {FromMicros(row.Int64(0)), FromMicros(row.Int64(1))},
                  .course_id = row.Text(2),
                  .session_id = row.Text(3)};
}

// A query for the sessions that the filter lets through.
FilteredQuery Filtered(absl::string_view select, absl::string_view clinic_id,
                       const SessionFilter& filter) {
  FilteredQuery query(select, {clinic_id});
  if (!filter.course_id.empty()) query.And("course_id = :course", {filter.course_id});
  if (!filter.therapist_id.empty()) {
    query.And("therapist_id = :therapist", {filter.therapist_id});
  }
  if (!filter.states.empty()) query.AndIn("state", "state", filter.states);
  if (filter.ends_after.has_value()) {
    query.And("start_us > :look_back AND end_us > :ends_after",
              {*filter.ends_after - kLongestSession, *filter.ends_after});
  }
  if (filter.starts_before.has_value()) {
    query.And("start_us < :starts_before", {*filter.starts_before});
  }
  if (filter.unrecorded_at.has_value()) {
    // `state = 1` as written in the index over booked sessions; 1 is BOOKED.
    static_assert(static_cast<int>(SessionState::kBooked) == 1);
    query.And("state = 1 AND start_us < :ended_by AND end_us <= :ended_by",
              {*filter.unrecorded_at});
  }
  return query;
}

std::string NameOf(const Session& session) {
  return SessionName(session.clinic_id, session.course_id, session.session_id);
}

// What a caller calls the session that found its place taken.
std::string SubjectOf(const std::vector<Session>& sessions, size_t i) {
  return sessions.size() == 1 ? NameOf(sessions[0]) : absl::StrCat("sessions[", i, "]");
}

// Two series that meet take their places in the same order, and so never wait for one another.
absl::Status CheckSorted(const std::vector<Session>& sessions) {
  const bool sorted = std::is_sorted(
      sessions.begin(), sessions.end(),
      [](const Session& a, const Session& b) { return a.interval.start < b.interval.start; });
  return sorted ? absl::OkStatus() : Internal("sessions to be written are not sorted by start");
}

}  // namespace

absl::StatusOr<Session> SqlSchedulingTx::GetSession(absl::string_view clinic_id,
                                                    absl::string_view course_id,
                                                    absl::string_view session_id) {
  return GetRow(kGetSession, {clinic_id, course_id, session_id}, kSessionType,
                SessionName(clinic_id, course_id, session_id),
                [&](const Row& row) { return SessionOf(clinic_id, row); });
}

absl::StatusOr<std::vector<Session>> SqlSchedulingTx::ListSessions(
    absl::string_view clinic_id, const SessionFilter& filter,
    const std::optional<SessionCursor>& after, int limit) {
  FilteredQuery query = Filtered(SELECT_SESSION, clinic_id, filter);
  if (after.has_value()) {
    query.And("(start_us, course_id, session_id) > (:after_start, :after_course, :after_session)",
              {after->start, after->course_id, after->session_id});
  }
  query.OrderBy("start_us, course_id, session_id", limit);
  return storage::GetRows(conn_, query.statement(kSessionColumns), query.params(),
                          [&](const Row& row) { return SessionOf(clinic_id, row); });
}

absl::StatusOr<int> SqlSchedulingTx::CountSessions(absl::string_view clinic_id,
                                                   const SessionFilter& filter) {
  const FilteredQuery query =
      Filtered("SELECT COUNT(*) FROM sessions WHERE clinic_id = :clinic", clinic_id, filter);
  int count = 0;
  IPT_RETURN_IF_ERROR(conn_.Query(query.statement({kInt}), query.params(), [&](const Row& row) {
    count = static_cast<int>(row.Int64(0));
    return absl::OkStatus();
  }));
  return count;
}

absl::StatusOr<std::vector<BusySpan>> SqlSchedulingTx::TherapistBusy(absl::string_view clinic_id,
                                                                     absl::string_view therapist_id,
                                                                     Interval within) {
  return storage::GetRows(
      conn_, kTherapistBusy,
      {clinic_id, therapist_id, within.start - kLongestBlock, within.end, within.start},
      BusySpanOf);
}

absl::StatusOr<std::vector<BusySpan>> SqlSchedulingTx::PatientBusy(absl::string_view clinic_id,
                                                                   absl::string_view patient_id,
                                                                   Interval within) {
  return storage::GetRows(
      conn_, kPatientBusy,
      {clinic_id, patient_id, within.start - kLongestSession, within.end, within.start},
      BusySpanOf);
}

absl::Status SqlSchedulingTx::InsertSessions(std::vector<Session>& sessions, absl::Time now) {
  IPT_RETURN_IF_ERROR(CheckSorted(sessions));
  for (size_t i = 0; i < sessions.size(); ++i) {
    Session& session = sessions[i];
    IPT_RETURN_IF_ERROR(StampNew(session.stamp, now));
    const absl::Status status = ExecuteInsert(kInsertSession,
                                              {session.clinic_id,
                                               session.course_id,
                                               session.session_id,
                                               session.therapist_id,
                                               session.patient_id,
                                               session.interval.start,
                                               session.interval.end,
                                               session.blocked_until,
                                               session.blocking,
                                               session.time_zone,
                                               static_cast<int>(session.state),
                                               static_cast<int>(session.modality),
                                               session.location,
                                               session.uses_session,
                                               session.sequence,
                                               EncodeSessionDetails(session),
                                               session.session_number,
                                               static_cast<int>(session.phase),
                                               session.week_number,
                                               session.stamp.revision,
                                               session.stamp.create_time,
                                               session.stamp.update_time},
                                              kSessionType, NameOf(session));
    IPT_RETURN_IF_ERROR(SlotTakenOr(status, SubjectOf(sessions, i)));
  }
  return absl::OkStatus();
}

absl::Status SqlSchedulingTx::UpdateSessions(std::vector<Session>& sessions, absl::Time now) {
  IPT_RETURN_IF_ERROR(CheckSorted(sessions));
  // A session never stands in its own way; several may in each other's: all leave their old places
  // before the first takes its new one.
  if (sessions.size() > 1) {
    const std::string release = absl::StrCat(
        "UPDATE sessions SET blocking = 0 FROM ",
        JsonRows(dialect(), ":sessions", {{"course_id"}, {"session_id"}}),
        " AS v WHERE sessions.clinic_id = :clinic AND sessions.course_id = v.course_id "
        "AND sessions.session_id = v.session_id AND sessions.blocking = 1");
    IPT_RETURN_IF_ERROR(
        conn_.Execute({release}, {EncodeSessionKeys(sessions), sessions[0].clinic_id}).status());
  }
  for (size_t i = 0; i < sessions.size(); ++i) {
    Session& session = sessions[i];
    IPT_RETURN_IF_ERROR(StampChanged(session.stamp, now));
    const absl::Status status = ExecuteOnRow(kUpdateSession,
                                             {session.therapist_id,
                                              session.patient_id,
                                              session.interval.start,
                                              session.interval.end,
                                              session.blocked_until,
                                              session.blocking,
                                              session.time_zone,
                                              static_cast<int>(session.state),
                                              static_cast<int>(session.modality),
                                              session.location,
                                              session.uses_session,
                                              session.sequence,
                                              EncodeSessionDetails(session),
                                              session.session_number,
                                              static_cast<int>(session.phase),
                                              session.week_number,
                                              session.stamp.revision,
                                              session.stamp.update_time,
                                              session.clinic_id,
                                              session.course_id,
                                              session.session_id},
                                             kSessionType, NameOf(session));
    IPT_RETURN_IF_ERROR(SlotTakenOr(status, SubjectOf(sessions, i)));
  }
  return absl::OkStatus();
}

absl::Status SqlSchedulingTx::UpdateSessionNumbers(const std::vector<Session>& sessions) {
  if (sessions.empty()) return absl::OkStatus();
  const std::string sql = absl::StrCat(
      "UPDATE sessions SET session_number = v.session_number, phase = v.phase, "
      "week_number = v.week_number FROM ",
      JsonRows(dialect(), ":sessions",
               {{"course_id"},
                {"session_id"},
                {"session_number", true},
                {"phase", true},
                {"week_number", true}}),
      " AS v WHERE sessions.clinic_id = :clinic AND sessions.course_id = v.course_id "
      "AND sessions.session_id = v.session_id");
  IPT_ASSIGN_OR_RETURN(const int64_t affected, conn_.Execute({sql}, {EncodeSessionNumbers(sessions),
                                                                     sessions[0].clinic_id}));
  if (affected != static_cast<int64_t>(sessions.size())) {
    return NotFound(kSessionType, SessionName(sessions[0].clinic_id, sessions[0].course_id, "-"));
  }
  return absl::OkStatus();
}

}  // namespace ipt::scheduling
