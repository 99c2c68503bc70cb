#include "outcomes/domain/names.h"
#include "outcomes/storage/measurement_json.h"
#include "outcomes/storage/sql_outcomes_tx.h"
#include "platform/storage/sql_text.h"

namespace ipt::outcomes {
namespace {

using storage::ColumnType;
using storage::ColumnTypes;
using storage::InJson;
using storage::Row;
using storage::Statement;

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kText = ColumnType::kText;

// Id, document, stamp.
constexpr ColumnTypes kPlanColumns = {kText, kText, kInt, kInt, kInt};

constexpr Statement kGetPlan = {
    "SELECT plan_id, document, revision, created_us, updated_us FROM measurement_plans "
    "WHERE clinic_id = :clinic AND plan_id = :id",
    kPlanColumns};
constexpr Statement kListPlans = {
    "SELECT plan_id, document, revision, created_us, updated_us FROM measurement_plans "
    "WHERE clinic_id = :clinic AND plan_id > :after ORDER BY plan_id LIMIT :limit",
    kPlanColumns};
constexpr Statement kInsertPlan = {
    "INSERT INTO measurement_plans (clinic_id, plan_id, document, revision, created_us, "
    "updated_us) VALUES (:clinic, :id, :document, :revision, :created, :updated) "
    "ON CONFLICT (clinic_id, plan_id) DO NOTHING"};
constexpr Statement kUpdatePlan = {
    "UPDATE measurement_plans SET document = :document, revision = :revision, "
    "updated_us = :updated WHERE clinic_id = :clinic AND plan_id = :id"};
constexpr Statement kDeletePlan = {
    "DELETE FROM measurement_plans WHERE clinic_id = :clinic AND plan_id = :id"};
constexpr Statement kPutCoursePlan = {
    "INSERT INTO course_plans (clinic_id, course_id, document, revision, created_us, updated_us) "
    "VALUES (:clinic, :course, :document, :revision, :created, :updated) "
    "ON CONFLICT (clinic_id, course_id) DO UPDATE SET document = excluded.document, "
    "revision = excluded.revision, updated_us = excluded.updated_us RETURNING created_us",
    {kInt}};
constexpr ColumnTypes kAnswerColumns = {kText, kText, kText, kInt, kInt, kText};

// DECEASED. What scheduling says of one course is so of all of the patient's.
constexpr Statement kListDeceased = {
    "SELECT patient_hash FROM course_copies WHERE clinic_id = :clinic AND closure_reason = 7",
    {kText}};
constexpr Statement kIsDeceased = {
    "SELECT patient_hash FROM course_copies WHERE clinic_id = :clinic AND closure_reason = 7 "
    "AND patient_hash = :patient LIMIT 1",
    {kText}};

absl::StatusOr<MeasurementPlan> PlanOf(absl::string_view clinic_id, const Row& row) {
  MeasurementPlan plan;
  plan.clinic_id = std::string(clinic_id);
  plan.plan_id = row.Text(0);
  IPT_RETURN_IF_ERROR(DecodePlan(row.Text(1), plan));
  plan.stamp = StampOf(row, 2);
  return plan;
}

}  // namespace

absl::StatusOr<MeasurementPlan> SqlOutcomesTx::GetPlan(absl::string_view clinic_id,
                                                       absl::string_view plan_id) {
  IPT_ASSIGN_OR_RETURN(auto found,
                       storage::GetRows(conn_, kGetPlan, {clinic_id, plan_id},
                                        [&](const Row& row) { return PlanOf(clinic_id, row); }));
  if (found.empty()) {
    return NotFound(kMeasurementPlanType, MeasurementPlanName(clinic_id, plan_id));
  }
  return std::move(found[0]);
}

absl::StatusOr<std::vector<MeasurementPlan>> SqlOutcomesTx::ListPlans(absl::string_view clinic_id,
                                                                      absl::string_view after_id,
                                                                      int limit) {
  return storage::GetRows(conn_, kListPlans, {clinic_id, after_id, limit},
                          [&](const Row& row) { return PlanOf(clinic_id, row); });
}

absl::StatusOr<std::vector<StoredCoursePlan>> SqlOutcomesTx::ListCoursePlans(
    absl::string_view clinic_id, const std::vector<std::string>& course_ids) {
  const std::string sql = absl::StrCat(
      "SELECT course_id, document, revision, created_us, updated_us FROM course_plans "
      "WHERE clinic_id = :clinic AND ",
      InJson(dialect(), "course_id", ":courses"), " ORDER BY course_id");
  return storage::GetRows(conn_, {sql, kPlanColumns}, {clinic_id, EncodeStrings(course_ids)},
                          [&](const Row& row) -> absl::StatusOr<StoredCoursePlan> {
                            StoredCoursePlan plan;
                            plan.clinic_id = std::string(clinic_id);
                            plan.course_id = row.Text(0);
                            IPT_RETURN_IF_ERROR(DecodeCoursePlan(row.Text(1), plan));
                            plan.stamp = StampOf(row, 2);
                            return plan;
                          });
}

absl::StatusOr<std::vector<PlanAnswer>> SqlOutcomesTx::ListAnswers(
    absl::string_view clinic_id, const std::vector<std::string>& course_ids,
    const std::vector<std::string>& instrument_ids) {
  const std::string sql = absl::StrCat(
      "SELECT course_id, measurement_id, instrument_id, respondent, completed_us, session_id "
      "FROM measurements WHERE clinic_id = :clinic AND ",
      InJson(dialect(), "course_id", ":courses"), " AND ",
      InJson(dialect(), "instrument_id", ":instruments"),
      " AND state <> 3 ORDER BY course_id, completed_us, measurement_id");
  return storage::GetRows(conn_, {sql, kAnswerColumns},
                          {clinic_id, EncodeStrings(course_ids), EncodeStrings(instrument_ids)},
                          [](const Row& row) -> absl::StatusOr<PlanAnswer> {
                            return PlanAnswer{.course_id = row.Text(0),
                                              .measurement_id = row.Text(1),
                                              .instrument_id = row.Text(2),
                                              .respondent = static_cast<AnsweredBy>(row.Int64(3)),
                                              .complete_time = row.Time(4),
                                              .session_id = row.Text(5)};
                          });
}

absl::StatusOr<std::set<std::string>> SqlOutcomesTx::ListDeceased(absl::string_view clinic_id) {
  std::set<std::string> deceased;
  IPT_RETURN_IF_ERROR(conn_.Query(kListDeceased, {clinic_id}, [&](const Row& row) {
    deceased.insert(row.Text(0));
    return absl::OkStatus();
  }));
  return deceased;
}

absl::StatusOr<bool> SqlOutcomesTx::IsDeceased(absl::string_view clinic_id,
                                               absl::string_view patient_hash) {
  IPT_ASSIGN_OR_RETURN(const auto found,
                       conn_.QueryOne(kIsDeceased, {clinic_id, patient_hash},
                                      [](const Row& row) { return row.Text(0); }));
  return found.has_value();
}

absl::Status SqlOutcomesTx::InsertPlan(MeasurementPlan& plan, absl::Time now) {
  IPT_RETURN_IF_ERROR(StampNew(plan.stamp, now));
  IPT_ASSIGN_OR_RETURN(const int64_t inserted,
                       conn_.Execute(kInsertPlan, {plan.clinic_id, plan.plan_id, EncodePlan(plan),
                                                   plan.stamp.revision, plan.stamp.create_time,
                                                   plan.stamp.update_time}));
  if (inserted != 0) return absl::OkStatus();
  return AlreadyExists(::ipt::reason::kResourceExists, kMeasurementPlanType,
                       MeasurementPlanName(plan.clinic_id, plan.plan_id),
                       "the id is taken: choose another one");
}

absl::Status SqlOutcomesTx::UpdatePlan(MeasurementPlan& plan, absl::Time now) {
  IPT_RETURN_IF_ERROR(StampChanged(plan.stamp, now));
  IPT_ASSIGN_OR_RETURN(
      const int64_t updated,
      conn_.Execute(kUpdatePlan, {EncodePlan(plan), plan.stamp.revision, plan.stamp.update_time,
                                  plan.clinic_id, plan.plan_id}));
  if (updated != 0) return absl::OkStatus();
  return NotFound(kMeasurementPlanType, MeasurementPlanName(plan.clinic_id, plan.plan_id));
}

absl::Status SqlOutcomesTx::DeletePlan(absl::string_view clinic_id, absl::string_view plan_id) {
  IPT_ASSIGN_OR_RETURN(const int64_t deleted, conn_.Execute(kDeletePlan, {clinic_id, plan_id}));
  if (deleted != 0) return absl::OkStatus();
  return NotFound(kMeasurementPlanType, MeasurementPlanName(clinic_id, plan_id));
}

absl::Status SqlOutcomesTx::PutCoursePlan(StoredCoursePlan& plan, absl::Time now) {
  IPT_RETURN_IF_ERROR(StampNew(plan.stamp, now));
  return conn_.Query(kPutCoursePlan,
                     {plan.clinic_id, plan.course_id, EncodeCoursePlan(plan), plan.stamp.revision,
                      plan.stamp.create_time, plan.stamp.update_time},
                     [&](const Row& row) {
                       plan.stamp.create_time = row.Time(0);
                       return absl::OkStatus();
                     });
}

}  // namespace ipt::outcomes
