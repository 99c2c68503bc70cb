#include "platform/storage/sql_error.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/reasons.h"
#include "scheduling/storage/sql_scheduling_tx.h"

namespace ipt::scheduling {
namespace {

using storage::ColumnType;
using storage::Row;
using storage::SqlErrorKind;
using storage::SqlErrorKindOf;
using storage::Statement;

constexpr Statement kFind = {
    "SELECT patient_id FROM patients WHERE clinic_id = :clinic AND system = :system "
    "AND value = :value",
    {ColumnType::kText}};

// Without a conflict target: the id may be taken as well as the identifier.
constexpr Statement kInsert = {
    "INSERT INTO patients (clinic_id, patient_id, system, value, created_us) "
    "VALUES (:clinic, :patient, :system, :value, :created) ON CONFLICT DO NOTHING"};

constexpr Statement kChange = {
    "UPDATE patients SET system = :system, value = :value WHERE clinic_id = :clinic "
    "AND patient_id = :patient"};

constexpr Statement kExists = {
    "SELECT 1 FROM patients WHERE clinic_id = :clinic AND patient_id = :patient",
    {ColumnType::kInt64}};

constexpr Statement kMoveCourses = {
    "UPDATE courses SET patient_id = :into WHERE clinic_id = :clinic AND patient_id = :from"};

constexpr Statement kMoveSessions = {
    "UPDATE sessions SET patient_id = :into WHERE clinic_id = :clinic AND patient_id = :from "
    "AND course_id IN (SELECT course_id FROM courses WHERE clinic_id = :clinic "
    "AND patient_id = :into)"};

constexpr Statement kMoveReminders = {
    "UPDATE reminders SET patient_id = :into WHERE clinic_id = :clinic AND course_id IN "
    "(SELECT course_id FROM courses WHERE clinic_id = :clinic AND patient_id = :into) "
    "AND patient_id = :from"};

constexpr Statement kDelete = {
    "DELETE FROM patients WHERE clinic_id = :clinic AND patient_id = :patient"};

// Named by the suite's own id: an identifier of the hospital has no place in an error.
std::string PatientName(absl::string_view clinic_id, absl::string_view patient_id) {
  return absl::StrCat(ClinicName(clinic_id), "/patients/", patient_id);
}

}  // namespace

absl::StatusOr<std::optional<std::string>> SqlSchedulingTx::FindPatient(absl::string_view clinic_id,
                                                                        const Identifier& patient) {
  return conn_.QueryOne(kFind, {clinic_id, patient.system, patient.value},
                        [](const Row& row) { return row.Text(0); });
}

absl::StatusOr<std::optional<std::string>> SqlSchedulingTx::LockPatient(absl::string_view clinic_id,
                                                                        const Identifier& patient) {
  // UPDATE, with the key: a course that refers to the patient waits to be inserted.
  IPT_RETURN_IF_ERROR(
      LockRow("FROM patients WHERE clinic_id = :clinic AND system = :system AND value = :value",
              {clinic_id, patient.system, patient.value}, "UPDATE"));
  return FindPatient(clinic_id, patient);
}

absl::StatusOr<std::string> SqlSchedulingTx::FindOrAddPatient(absl::string_view clinic_id,
                                                              const Identifier& patient,
                                                              absl::string_view new_id,
                                                              absl::Time now) {
  IPT_ASSIGN_OR_RETURN(std::optional<std::string> found, LockPatient(clinic_id, patient));
  if (found.has_value()) return *found;
  IPT_ASSIGN_OR_RETURN(
      const int64_t inserted,
      conn_.Execute(kInsert, {clinic_id, new_id, patient.system, patient.value, now}));
  if (inserted != 0) return std::string(new_id);
  // Another transaction added the same patient meanwhile, or the id is another patient's.
  IPT_ASSIGN_OR_RETURN(found, LockPatient(clinic_id, patient));
  if (found.has_value()) return *found;
  return AlreadyExists(::ipt::reason::kResourceExists, kPatientType, PatientName(clinic_id, new_id),
                       "the id is taken: choose another one");
}

absl::Status SqlSchedulingTx::ChangePatientIdentifier(absl::string_view clinic_id,
                                                      absl::string_view patient_id,
                                                      const Identifier& to) {
  changes_.clinics.emplace_back(clinic_id);
  const std::string name = PatientName(clinic_id, patient_id);
  absl::Status status =
      ExecuteOnRow(kChange, {to.system, to.value, clinic_id, patient_id}, kPatientType, name);
  if (SqlErrorKindOf(status) == SqlErrorKind::kUniqueViolation) {
    return FailedPrecondition(reason::kPatientExists, name,
                              "another patient has that identifier: merge the two instead");
  }
  return status;
}

absl::Status SqlSchedulingTx::MergePatient(absl::string_view clinic_id, absl::string_view from_id,
                                           absl::string_view into_id) {
  changes_.clinics.emplace_back(clinic_id);
  const std::string from = PatientName(clinic_id, from_id);
  const std::string into = PatientName(clinic_id, into_id);
  const auto exists = [](const Row&) -> absl::StatusOr<bool> { return true; };
  IPT_RETURN_IF_ERROR(GetRow(kExists, {clinic_id, into_id}, kPatientType, into, exists).status());
  // Courses first: whoever adds sessions to one of them holds its row, so that all of its sessions
  // are there to be moved once the courses are ours.
  absl::Status status = conn_.Execute(kMoveCourses, {into_id, clinic_id, from_id}).status();
  IPT_RETURN_IF_ERROR(OpenCourseExistsOr(
      status, into,
      "each of the two patients has an open course in this clinic: close one of them, then merge"));
  status = conn_.Execute(kMoveSessions, {into_id, clinic_id, from_id}).status();
  IPT_RETURN_IF_ERROR(SlotTakenOr(status, into));
  IPT_RETURN_IF_ERROR(conn_.Execute(kMoveReminders, {into_id, clinic_id, from_id}).status());
  status = ExecuteOnRow(kDelete, {clinic_id, from_id}, kPatientType, from);
  // A course of `from` was opened meanwhile: run again, and it comes along.
  if (SqlErrorKindOf(status) == SqlErrorKind::kForeignKey) return storage::RetryTransaction();
  return status;
}

}  // namespace ipt::scheduling
