#include "formulation/domain/names.h"
#include "formulation/storage/day_number.h"
#include "formulation/storage/formulation_json.h"
#include "formulation/storage/sql_formulation_tx.h"

namespace ipt::formulation {
namespace {

using storage::ColumnType;
using storage::ColumnTypes;
using storage::Row;
using storage::Statement;

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kText = ColumnType::kText;

#define OF_COURSE " WHERE clinic_id = :clinic AND course_id = :course"
#define SELECT_WORK \
  "SELECT session_id, done, notes, revision, created_us, updated_us FROM session_work" OF_COURSE
constexpr ColumnTypes kWorkColumns = {kText, kText, kText, kInt, kInt, kInt};

constexpr Statement kGetWork = {SELECT_WORK " AND session_id = :session", kWorkColumns};
constexpr Statement kListWork = {SELECT_WORK " ORDER BY position", kWorkColumns};
constexpr Statement kInsertWork = {
    "INSERT INTO session_work (clinic_id, course_id, session_id, position, done, notes, revision, "
    "created_us, updated_us) VALUES (:clinic, :course, :session, "
    "(SELECT COALESCE(MAX(position), 0) + 1 FROM session_work" OF_COURSE
    "), :done, :notes, :revision, :created, :updated) "
    "ON CONFLICT (clinic_id, course_id, session_id) DO NOTHING"};
constexpr Statement kUpdateWork = {
    "UPDATE session_work SET done = :done, notes = :notes, revision = :revision, "
    "updated_us = :updated" OF_COURSE " AND session_id = :session"};

constexpr Statement kGetTermination = {
    "SELECT plan_given_day, document, revision, created_us, updated_us FROM terminations" OF_COURSE,
    {kInt, kText, kInt, kInt, kInt}};
constexpr Statement kPutTermination = {
    "INSERT INTO terminations (clinic_id, course_id, plan_given_day, document, revision, "
    "created_us, updated_us) VALUES (:clinic, :course, :day, :document, :revision, :created, "
    ":updated) ON CONFLICT (clinic_id, course_id) DO UPDATE SET "
    "plan_given_day = excluded.plan_given_day, document = excluded.document, "
    "revision = excluded.revision, updated_us = excluded.updated_us RETURNING created_us",
    {kInt}};

absl::StatusOr<SessionWork> WorkOf(absl::string_view clinic_id, absl::string_view course_id,
                                   const Row& row) {
  RecordedWork done;
  IPT_RETURN_IF_ERROR(DecodeWorkDone(row.Text(1), done));
  SessionWork work;
  work.clinic_id = std::string(clinic_id);
  work.course_id = std::string(course_id);
  work.session_id = row.Text(0);
  work.tasks = std::move(done.tasks);
  work.focus_work = std::move(done.focus_work);
  work.techniques = std::move(done.techniques);
  IPT_RETURN_IF_ERROR(DecodeWorkNotes(row.Text(2), work));
  work.stamp = StampOf(row, 3);
  return work;
}

}  // namespace

absl::StatusOr<SessionWork> SqlFormulationTx::GetSessionWork(absl::string_view clinic_id,
                                                             absl::string_view course_id,
                                                             absl::string_view session_id) {
  IPT_ASSIGN_OR_RETURN(
      auto found,
      storage::GetRows(conn_, kGetWork, {clinic_id, course_id, session_id},
                       [&](const Row& row) { return WorkOf(clinic_id, course_id, row); }));
  if (!found.empty()) return std::move(found[0]);
  return SessionWork{.clinic_id = std::string(clinic_id),
                     .course_id = std::string(course_id),
                     .session_id = std::string(session_id)};
}

absl::StatusOr<std::vector<SessionWork>> SqlFormulationTx::ListSessionWork(
    absl::string_view clinic_id, absl::string_view course_id) {
  return storage::GetRows(conn_, kListWork, {clinic_id, course_id},
                          [&](const Row& row) { return WorkOf(clinic_id, course_id, row); });
}

absl::Status SqlFormulationTx::PutSessionWork(SessionWork& work, absl::Time now) {
  const bool is_new = work.stamp.revision == 0;
  IPT_RETURN_IF_ERROR(SetStamp(work.stamp, now));
  const std::string done = EncodeWorkDone(RecordedOf(work));
  const std::string notes = EncodeWorkNotes(work);
  const std::string name = SessionWorkName(work.clinic_id, work.course_id, work.session_id);
  if (!is_new) {
    return ExecuteOnRow(kUpdateWork,
                        {done, notes, work.stamp.revision, work.stamp.update_time, work.clinic_id,
                         work.course_id, work.session_id},
                        kSessionWorkType, name);
  }
  return Insert(kInsertWork,
                {work.clinic_id, work.course_id, work.session_id, done, notes, work.stamp.revision,
                 work.stamp.create_time, work.stamp.update_time},
                kSessionWorkType, name);
}

absl::StatusOr<Termination> SqlFormulationTx::GetTermination(absl::string_view clinic_id,
                                                             absl::string_view course_id) {
  Termination termination{.clinic_id = std::string(clinic_id), .course_id = std::string(course_id)};
  IPT_RETURN_IF_ERROR(conn_.Query(kGetTermination, {clinic_id, course_id}, [&](const Row& row) {
    termination.plan_given_on = DayAt(row, 0);
    termination.stamp = StampOf(row, 2);
    return DecodeTermination(row.Text(1), termination);
  }));
  return termination;
}

absl::Status SqlFormulationTx::PutTermination(Termination& termination, absl::Time now) {
  IPT_RETURN_IF_ERROR(SetStamp(termination.stamp, now));
  return conn_.Query(
      kPutTermination,
      {termination.clinic_id, termination.course_id, ToDayNumber(termination.plan_given_on),
       EncodeTermination(termination), termination.stamp.revision, termination.stamp.create_time,
       termination.stamp.update_time},
      [&](const Row& row) {
        termination.stamp.create_time = row.Time(0);
        return absl::OkStatus();
      });
}

}  // namespace ipt::formulation
