#include <utility>

#include "outcomes/domain/names.h"
#include "outcomes/storage/measurement_json.h"
#include "outcomes/storage/sql_bulk_purge.h"
#include "outcomes/storage/sql_outcomes_tx.h"

namespace ipt::outcomes {
namespace {

using storage::ColumnType;
using storage::Row;
using storage::Statement;

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kText = ColumnType::kText;

#define SELECT_IMPORT                                                                      \
  "SELECT import_id, display_name, history_before_us, validate_only, holder, next_row, "   \
  "recorded_rows, known_rows, failed_rows, alerts, complete, created_us, updated_us FROM " \
  "measurement_imports WHERE clinic_id = :clinic AND import_id = :import"
constexpr storage::ColumnTypes kColumns = {kText, kText, kInt, kInt, kText, kInt, kInt,
                                           kInt,  kInt,  kInt, kInt, kInt,  kInt};
constexpr Statement kGet = {SELECT_IMPORT, kColumns};
constexpr Statement kLock = {SELECT_IMPORT " FOR UPDATE", kColumns};

constexpr Statement kInsert = {
    "INSERT INTO measurement_imports (clinic_id, import_id, display_name, history_before_us, "
    "validate_only, holder, next_row, recorded_rows, known_rows, failed_rows, alerts, complete, "
    "created_us, updated_us) VALUES (:clinic, :import, :display_name, :history, :validate_only, "
    ":holder, :next, :recorded, :known, :failed, :alerts, :complete, :created, :updated) "
    "ON CONFLICT (clinic_id, import_id) DO NOTHING"};
constexpr Statement kUpdate = {
    "UPDATE measurement_imports SET holder = :holder, next_row = :next, recorded_rows = :recorded, "
    "known_rows = :known, failed_rows = :failed, alerts = :alerts, complete = :complete, "
    "updated_us = :updated WHERE clinic_id = :clinic AND import_id = :import"};

constexpr Statement kErrors = {
    "SELECT row_of_import, document FROM measurement_import_errors WHERE clinic_id = :clinic "
    "AND import_id = :import AND row_of_import > :after ORDER BY row_of_import LIMIT :limit",
    {kInt, kText}};
constexpr Statement kAddError = {
    "INSERT INTO measurement_import_errors (clinic_id, import_id, row_of_import, document) "
    "VALUES (:clinic, :import, :row, :document)"};

// First what errors are left of the oldest ones, then these. One that is being opened again is
// passed over.
#define SELECT_OLDEST                                                                \
  "SELECT clinic_id, import_id FROM measurement_imports WHERE updated_us < :before " \
  "ORDER BY updated_us LIMIT :limit"
constexpr Statement kOldest = {SELECT_OLDEST, {kText, kText}};
constexpr Statement kLockOldest = {SELECT_OLDEST " FOR UPDATE SKIP LOCKED", {kText, kText}};
constexpr Statement kDeleteErrors = {
    "DELETE FROM measurement_import_errors WHERE clinic_id = :clinic AND import_id = :import "
    "AND row_of_import IN (SELECT row_of_import FROM measurement_import_errors "
    "WHERE clinic_id = :clinic AND import_id = :import ORDER BY row_of_import LIMIT :limit)"};
constexpr Statement kDeleteImport = {
    "DELETE FROM measurement_imports WHERE clinic_id = :clinic AND import_id = :import"};
constexpr Statement kDeleteStates = {
    "DELETE FROM measurement_states WHERE (clinic_id, revision, course_id, measurement_id) IN "
    "(SELECT clinic_id, revision, course_id, measurement_id FROM measurement_states "
    "WHERE until_us < :before ORDER BY until_us LIMIT :limit)"};

MeasurementImport ImportOf(absl::string_view clinic_id, const Row& row) {
  MeasurementImport import;
  import.clinic_id = std::string(clinic_id);
  import.import_id = row.Text(0);
  import.display_name = row.Text(1);
  import.history_before = row.OptionalTime(2);
  import.validate_only = row.Bool(3);
  import.holder = row.Text(4);
  import.next_row = row.Int64(5);
  import.recorded_rows = row.Int64(6);
  import.known_rows = row.Int64(7);
  import.failed_rows = row.Int64(8);
  import.alerts = row.Int64(9);
  import.complete = row.Bool(10);
  import.create_time = row.Time(11);
  import.update_time = row.Time(12);
  return import;
}

}  // namespace

absl::StatusOr<MeasurementImport> SqlOutcomesTx::GetImport(absl::string_view clinic_id,
                                                           absl::string_view import_id) {
  IPT_ASSIGN_OR_RETURN(auto found,
                       conn_.QueryOne(kGet, {clinic_id, import_id},
                                      [&](const Row& row) { return ImportOf(clinic_id, row); }));
  if (!found.has_value()) {
    return NotFound(kMeasurementImportType, MeasurementImportName(clinic_id, import_id));
  }
  return *std::move(found);
}

// SQLite needs no lock: its writer is one.
absl::StatusOr<std::optional<MeasurementImport>> SqlOutcomesTx::LockImport(
    absl::string_view clinic_id, absl::string_view import_id) {
  return conn_.QueryOne(dialect() == storage::Dialect::kSqlite ? kGet : kLock,
                        {clinic_id, import_id},
                        [&](const Row& row) { return ImportOf(clinic_id, row); });
}

absl::StatusOr<bool> SqlOutcomesTx::InsertImport(const MeasurementImport& import) {
  IPT_ASSIGN_OR_RETURN(
      const int64_t inserted,
      conn_.Execute(kInsert,
                    {import.clinic_id, import.import_id, import.display_name, import.history_before,
                     import.validate_only, import.holder, import.next_row, import.recorded_rows,
                     import.known_rows, import.failed_rows, import.alerts, import.complete,
                     import.create_time, import.update_time}));
  return inserted != 0;
}

absl::Status SqlOutcomesTx::UpdateImport(const MeasurementImport& import) {
  IPT_ASSIGN_OR_RETURN(
      const int64_t updated,
      conn_.Execute(kUpdate, {import.holder, import.next_row, import.recorded_rows,
                              import.known_rows, import.failed_rows, import.alerts, import.complete,
                              import.update_time, import.clinic_id, import.import_id}));
  if (updated != 0) return absl::OkStatus();
  return NotFound(kMeasurementImportType,
                  MeasurementImportName(import.clinic_id, import.import_id));
}

absl::StatusOr<std::vector<ImportRowError>> SqlOutcomesTx::ListImportErrors(
    absl::string_view clinic_id, absl::string_view import_id, int64_t after_row, int limit) {
  return storage::GetRows(conn_, kErrors, {clinic_id, import_id, after_row, limit},
                          [](const Row& row) -> absl::StatusOr<ImportRowError> {
                            ImportRowError error;
                            error.row = row.Int64(0);
                            IPT_RETURN_IF_ERROR(DecodeImportRowError(row.Text(1), error));
                            return error;
                          });
}

absl::Status SqlOutcomesTx::AddImportErrors(const MeasurementImport& import,
                                            const std::vector<ImportRowError>& errors) {
  for (const ImportRowError& error : errors) {
    IPT_RETURN_IF_ERROR(conn_
                            .Execute(kAddError, {import.clinic_id, import.import_id, error.row,
                                                 EncodeImportRowError(error)})
                            .status());
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> PurgeImports(storage::Connection& conn, absl::Time before, int64_t limit) {
  std::vector<std::pair<std::string, std::string>> imports;
  const Statement& oldest = conn.dialect() == storage::Dialect::kSqlite ? kOldest : kLockOldest;
  IPT_RETURN_IF_ERROR(conn.Query(oldest, {before, limit}, [&](const Row& row) {
    imports.emplace_back(row.Text(0), row.Text(1));
    return absl::OkStatus();
  }));
  int64_t deleted = 0;
  for (const auto& [clinic_id, import_id] : imports) {
    IPT_ASSIGN_OR_RETURN(const int64_t errors,
                         conn.Execute(kDeleteErrors, {clinic_id, import_id, limit - deleted}));
    deleted += errors;
    if (deleted >= limit) break;
    IPT_ASSIGN_OR_RETURN(const int64_t gone, conn.Execute(kDeleteImport, {clinic_id, import_id}));
    deleted += gone;
    if (deleted >= limit) break;
  }
  return deleted;
}

absl::StatusOr<int64_t> PurgeMeasurementStates(storage::Connection& conn, absl::Time before,
                                               int64_t limit) {
  return conn.Execute(kDeleteStates, {before, limit});
}

}  // namespace ipt::outcomes
