// One transaction of the SQL store: what the use cases' reader and transaction really are. Private
// to this folder; sql_<aggregate>.cc holds each aggregate's methods and SQL.
//
// A method that fails in SQL dooms its transaction, as storage/database.h says.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "outcomes/domain/store.h"
#include "outcomes/storage/sql_alert_tx.h"
#include "outcomes/storage/sql_course_focuses.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/database.h"
#include "platform/storage/rows.h"
#include "platform/storage/sql_write_log.h"

namespace ipt::outcomes {

class SqlOutcomesTx final : public OutcomesTx {
 public:
  SqlOutcomesTx(storage::Connection& conn, const EventEncoder& encoder,
                const AlertEventEncoder& alert_encoder, AlertDirectory& directory,
                SqlCourseFocuses::AgeOf formulation_age)
      : conn_(conn),
        log_(conn),
        encoder_(encoder),
        alerts_(conn, log_, alert_encoder, directory),
        formulation_age_(formulation_age) {}

  // sql_outcomes_store.cc
  WriteLog& log() override { return log_; }
  absl::Status Emit(const Event& event, absl::Time now) override;
  AlertTx& alerts() override { return alerts_; }
  const SqlAlertTx::Raised& raised() const { return alerts_.raised(); }
  absl::StatusOr<int64_t> CurrentRevision() override;
  absl::StatusOr<int64_t> MarkWriters() override;
  absl::StatusOr<bool> WritersAreOver(int64_t mark) override;
  absl::Status LockScope(absl::string_view clinic_id, absl::string_view course_id) override;
  bool follows_formulation() const override { return formulation_age_ != nullptr; }
  absl::StatusOr<std::optional<CourseFocus>> FindCourseFocus(absl::string_view clinic_id,
                                                             absl::string_view course_id) override;
  absl::StatusOr<FormulationAge> GetFormulationAge(absl::string_view clinic_id,
                                                   absl::Time now) override;

  // sql_instruments.cc
  absl::StatusOr<std::vector<HeldInstrument>> ListRegistered(
      absl::string_view clinic_id, absl::string_view instrument_id) override;
  absl::StatusOr<std::vector<InstrumentUse>> ListInstrumentUses(
      absl::string_view clinic_id, absl::string_view instrument_id) override;
  absl::Status InsertInstrument(HeldInstrument& instrument, absl::Time now) override;
  absl::Status PutInstrumentUse(InstrumentUse& use, absl::Time now) override;
  absl::StatusOr<OutcomePolicy> GetPolicy(absl::string_view clinic_id) override;
  absl::Status PutPolicy(OutcomePolicy& policy, absl::Time now) override;

  // sql_measurements.cc
  absl::StatusOr<Measurement> GetMeasurement(absl::string_view clinic_id,
                                             absl::string_view course_id,
                                             absl::string_view measurement_id,
                                             absl::Duration window) override;
  absl::StatusOr<std::vector<Measurement>> ListMeasurements(
      absl::string_view clinic_id, const MeasurementFilter& filter, bool newest_first,
      const std::optional<MeasurementCursor>& after, int limit, absl::Duration window) override;
  absl::StatusOr<std::vector<Measurement>> ListMeasurementsAsOf(
      absl::string_view clinic_id, const MeasurementFilter& filter, int64_t upto,
      const RevisionCursor& after, int limit, absl::Duration window) override;
  absl::StatusOr<std::vector<UnsettledCourse>> ListUnsettledCourses(const UnsettledCourse& after,
                                                                    int limit) override;
  absl::StatusOr<std::vector<Measurement>> ListPastRevisions(absl::string_view clinic_id,
                                                             absl::string_view course_id,
                                                             absl::string_view measurement_id,
                                                             int after_number, int limit) override;
  absl::StatusOr<std::vector<Measurement>> ListNear(const MeasurementSeries& series,
                                                    absl::Time from, absl::Time to) override;
  absl::StatusOr<std::optional<Measurement>> FindByExternalId(
      absl::string_view clinic_id, absl::string_view external_id) override;
  absl::Status InsertMeasurement(Measurement& measurement, absl::Time now) override;
  absl::Status UpdateMeasurement(Measurement& measurement, absl::Time now) override;
  absl::Status KeepRevision(const Measurement& before) override;

  // sql_plans.cc
  absl::StatusOr<MeasurementPlan> GetPlan(absl::string_view clinic_id,
                                          absl::string_view plan_id) override;
  absl::StatusOr<std::vector<MeasurementPlan>> ListPlans(absl::string_view clinic_id,
                                                         absl::string_view after_id,
                                                         int limit) override;
  absl::StatusOr<std::vector<StoredCoursePlan>> ListCoursePlans(
      absl::string_view clinic_id, const std::vector<std::string>& course_ids) override;
  absl::StatusOr<std::vector<PlanAnswer>> ListAnswers(
      absl::string_view clinic_id, const std::vector<std::string>& course_ids,
      const std::vector<std::string>& instrument_ids) override;
  absl::StatusOr<std::set<std::string>> ListDeceased(absl::string_view clinic_id) override;
  absl::StatusOr<bool> IsDeceased(absl::string_view clinic_id,
                                  absl::string_view patient_hash) override;
  absl::Status InsertPlan(MeasurementPlan& plan, absl::Time now) override;
  absl::Status UpdatePlan(MeasurementPlan& plan, absl::Time now) override;
  absl::Status DeletePlan(absl::string_view clinic_id, absl::string_view plan_id) override;
  absl::Status PutCoursePlan(StoredCoursePlan& plan, absl::Time now) override;
  // sql_measurement_imports.cc
  absl::StatusOr<MeasurementImport> GetImport(absl::string_view clinic_id,
                                              absl::string_view import_id) override;
  absl::StatusOr<std::vector<ImportRowError>> ListImportErrors(absl::string_view clinic_id,
                                                               absl::string_view import_id,
                                                               int64_t after_row,
                                                               int limit) override;
  absl::StatusOr<std::optional<MeasurementImport>> LockImport(absl::string_view clinic_id,
                                                              absl::string_view import_id) override;
  absl::StatusOr<bool> InsertImport(const MeasurementImport& import) override;
  absl::Status UpdateImport(const MeasurementImport& import) override;
  absl::Status AddImportErrors(const MeasurementImport& import,
                               const std::vector<ImportRowError>& errors) override;
  // sql_course_results.cc
  absl::Status ReadCourseResults(const ResultMaker& made, const ReportPeriod& period,
                                 absl::FunctionRef<bool(const CourseResult&)> wants,
                                 absl::FunctionRef<void(const CourseResult&)> on_result, int limit,
                                 std::vector<std::string>& stale) override;
  absl::StatusOr<std::vector<StaleResult>> ListStaleResults(const StaleResult& after,
                                                            int limit) override;
  absl::StatusOr<std::optional<ResultMaker>> NextResultMaker(const ResultMaker& after) override;
  absl::StatusOr<std::vector<StaleResult>> ListResultsMadeBy(const ResultMaker& made,
                                                             absl::string_view after_course,
                                                             int limit) override;
  absl::StatusOr<std::optional<courses::CopiedCourse>> FindCourseCopy(
      absl::string_view clinic_id, absl::string_view course_id) override;
  absl::StatusOr<bool> KeepCourseResult(const StaleResult& of, absl::string_view made_by,
                                        const CourseResult& result,
                                        const ToldOutcomes& told) override;
  absl::Status LockCourseResult(absl::string_view clinic_id, absl::string_view course_id) override;

 private:
  using Params = absl::Span<const storage::Value>;

  // Sets revision and times of a row that is written at `now`, to the precision of the store.
  absl::Status StampNew(Stamp& stamp, absl::Time now);
  absl::Status StampChanged(Stamp& stamp, absl::Time now);

  storage::Dialect dialect() const { return conn_.dialect(); }

  storage::Connection& conn_;
  storage::SqlWriteLog log_;
  const EventEncoder& encoder_;
  SqlAlertTx alerts_;
  const SqlCourseFocuses::AgeOf formulation_age_;  // nullptr: formulation is not followed
};

// The last three columns of every row.
Stamp StampOf(const storage::Row& row, size_t revision_column);

}  // namespace ipt::outcomes
