#include <algorithm>
#include <iterator>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "outcomes/domain/names.h"
#include "outcomes/storage/measurement_json.h"
#include "outcomes/storage/sql_outcomes_tx.h"
#include "platform/storage/sql_error.h"
#include "platform/storage/sql_text.h"

namespace ipt::outcomes {
namespace {

using storage::ColumnType;
using storage::ColumnTypes;
using storage::FilteredQuery;
using storage::InJson;
using storage::Row;
using storage::Statement;

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kText = ColumnType::kText;

// Whether another one of its series, completed later but within the window, counts in its place.
#define SUPERSEDED                                                                            \
  "CASE WHEN m.state <> 3 AND EXISTS (SELECT 1 FROM measurements n "                          \
  "WHERE n.clinic_id = m.clinic_id AND n.course_id = m.course_id "                            \
  "AND n.instrument_id = m.instrument_id AND n.respondent = m.respondent AND n.state <> 3 "   \
  "AND n.measurement_id <> m.measurement_id "                                                 \
  "AND n.completed_us >= m.completed_us AND n.completed_us <= m.completed_us + :window "      \
  "AND (n.completed_us > m.completed_us OR n.created_us > m.created_us "                      \
  "OR (n.created_us = m.created_us AND n.measurement_id > m.measurement_id))) THEN 1 ELSE 0 " \
  "END"

#define SELECT_FROM(table)                                        \
  "SELECT m.course_id, m.measurement_id, m.document, " SUPERSEDED \
  ", m.revision, m.created_us, m.updated_us FROM " table " m WHERE m.clinic_id = :clinic"
#define SELECT_MEASUREMENT SELECT_FROM("measurements")
#define SELECT_STATE SELECT_FROM("measurement_states")
constexpr ColumnTypes kColumns = {kText, kText, kText, kInt, kInt, kInt, kInt};

constexpr Statement kGet = {
    SELECT_MEASUREMENT " AND m.course_id = :course AND m.measurement_id = :id", kColumns};

constexpr Statement kNear = {
    "SELECT course_id, measurement_id, document, 0, revision, created_us, updated_us "
    "FROM measurements WHERE clinic_id = :clinic AND course_id = :course "
    "AND instrument_id = :instrument AND respondent = :respondent AND state <> 3 "
    "AND completed_us >= :from AND completed_us <= :to ORDER BY completed_us, measurement_id",
    kColumns};

constexpr Statement kByExternalId = {
    "SELECT course_id, measurement_id, document, 0, revision, created_us, updated_us "
    "FROM measurements WHERE clinic_id = :clinic AND external_id = :external "
    "AND external_id IS NOT NULL AND state <> 3",
    kColumns};

constexpr Statement kPast = {
    "SELECT course_id, measurement_id, document, 0, revision, created_us, updated_us "
    "FROM measurement_revisions WHERE clinic_id = :clinic AND course_id = :course "
    "AND measurement_id = :id AND revision_number > :after ORDER BY revision_number LIMIT :limit",
    kColumns};

constexpr Statement kInsert = {
    "INSERT INTO measurements (clinic_id, course_id, measurement_id, instrument_id, state, "
    "respondent, occasion, completed_us, session_id, external_id, unsettled, risk, invalid, "
    "revision_number, document, revision, created_us, updated_us) VALUES (:clinic, :course, :id, "
    ":instrument, :state, :respondent, :occasion, :completed, :session, :external, :unsettled, "
    ":risk, :invalid, :number, :document, :revision, :created, :updated) "
    "ON CONFLICT (clinic_id, course_id, measurement_id) DO NOTHING"};

constexpr Statement kUpdate = {
    "UPDATE measurements SET state = :state, respondent = :respondent, occasion = :occasion, "
    "completed_us = :completed, session_id = :session, unsettled = :unsettled, risk = :risk, "
    "invalid = :invalid, revision_number = :number, document = :document, revision = :revision, "
    "updated_us = :updated "
    "WHERE clinic_id = :clinic AND course_id = :course AND measurement_id = :id"};

// What an update writes over; but not what its own transaction wrote, which nobody ever saw.
constexpr Statement kKeepState = {
    "INSERT INTO measurement_states (clinic_id, course_id, measurement_id, instrument_id, state, "
    "respondent, occasion, completed_us, unsettled, risk, invalid, document, revision, created_us, "
    "updated_us, until_revision, until_us) SELECT clinic_id, course_id, measurement_id, "
    "instrument_id, state, respondent, occasion, completed_us, unsettled, risk, invalid, document, "
    "revision, created_us, updated_us, CAST(:until AS BIGINT), CAST(:at AS BIGINT) "
    "FROM measurements WHERE clinic_id = :clinic AND course_id = :course AND measurement_id = :id "
    "AND revision <> :until"};

constexpr Statement kUnsettledCourses = {
    "SELECT DISTINCT clinic_id, course_id FROM measurements WHERE unsettled = 1 AND "
    "(clinic_id, course_id) > (:clinic, :course) ORDER BY clinic_id, course_id LIMIT :limit",
    {kText, kText}};
constexpr Statement kKeep = {
    "INSERT INTO measurement_revisions (clinic_id, course_id, measurement_id, revision_number, "
    "document, revision, created_us, updated_us) VALUES (:clinic, :course, :id, :number, "
    ":document, :revision, :created, :updated)"};

absl::StatusOr<Measurement> MeasurementOf(absl::string_view clinic_id, const Row& row,
                                          bool without_answers = false) {
  Measurement measurement;
  measurement.clinic_id = std::string(clinic_id);
  measurement.course_id = row.Text(0);
  measurement.measurement_id = row.Text(1);
  IPT_RETURN_IF_ERROR(without_answers ? DecodeWithoutAnswers(row.Text(2), measurement)
                                      : DecodeMeasurement(row.Text(2), measurement));
  measurement.superseded = row.Bool(3);
  measurement.stamp = StampOf(row, 4);
  return measurement;
}

void AddFilter(storage::Dialect dialect, const MeasurementFilter& filter, FilteredQuery& query) {
  if (!filter.course_id.empty()) query.And("m.course_id = :course", {filter.course_id});
  if (!filter.instrument_ids.empty()) {
    query.And(InJson(dialect, "m.instrument_id", ":instruments"),
              {EncodeStrings(filter.instrument_ids)});
  }
  if (filter.states.empty()) {
    query.And("m.state <> 3");
  } else {
    query.AndIn("m.state", "state", filter.states);
  }
  if (!filter.respondents.empty()) query.AndIn("m.respondent", "respondent", filter.respondents);
  if (!filter.occasions.empty()) query.AndIn("m.occasion", "occasion", filter.occasions);
  if (filter.from.has_value()) query.And("m.completed_us >= :from", {*filter.from});
  if (filter.before.has_value()) query.And("m.completed_us < :before", {*filter.before});
  if (filter.unsettled_only) query.And("m.unsettled = 1");
  if (filter.risk_only) query.And("m.risk = 1");
  if (filter.invalid_only) query.And("m.invalid = 1");
}

// What lists ask for, beside the document.
bool Unsettled(const Measurement& m) {
  return !m.unverified.empty() || m.binding_problem != BindingProblem::kNone;
}
bool AtRisk(const Measurement& m) {
  return std::any_of(m.risks.begin(), m.risks.end(),
                     [](const HeldRisk& risk) { return risk.outcome != RiskOutcome::kBelow; });
}
bool Invalid(const Measurement& m) {
  return m.scores.empty() || m.scores[0].state == HeldScoreState::kInvalid;
}

}  // namespace

absl::StatusOr<Measurement> SqlOutcomesTx::GetMeasurement(absl::string_view clinic_id,
                                                          absl::string_view course_id,
                                                          absl::string_view measurement_id,
                                                          absl::Duration window) {
  IPT_ASSIGN_OR_RETURN(
      auto found,
      storage::GetRows(conn_, kGet,
                       {absl::ToInt64Microseconds(window), clinic_id, course_id, measurement_id},
                       [&](const Row& row) { return MeasurementOf(clinic_id, row); }));
  if (found.empty()) {
    return NotFound(kMeasurementType, MeasurementName(clinic_id, course_id, measurement_id));
  }
  return std::move(found[0]);
}

absl::StatusOr<std::vector<Measurement>> SqlOutcomesTx::ListMeasurements(
    absl::string_view clinic_id, const MeasurementFilter& filter, bool newest_first,
    const std::optional<MeasurementCursor>& after, int limit, absl::Duration window) {
  FilteredQuery query(SELECT_MEASUREMENT, {absl::ToInt64Microseconds(window), clinic_id});
  AddFilter(dialect(), filter, query);
  if (after.has_value()) {
    query.And(newest_first ? "(m.completed_us, m.course_id, m.measurement_id) < "
                             "(:at, :after_course, :after_id)"
                           : "(m.completed_us, m.course_id, m.measurement_id) > "
                             "(:at, :after_course, :after_id)",
              {after->complete_time, after->course_id, after->measurement_id});
  }
  query.OrderBy(newest_first ? "m.completed_us DESC, m.course_id DESC, m.measurement_id DESC"
                             : "m.completed_us, m.course_id, m.measurement_id",
                limit);
  return storage::GetRows(conn_, query.statement(kColumns), query.params(), [&](const Row& row) {
    return MeasurementOf(clinic_id, row, filter.without_answers);
  });
}

absl::StatusOr<std::vector<Measurement>> SqlOutcomesTx::ListMeasurementsAsOf(
    absl::string_view clinic_id, const MeasurementFilter& filter, int64_t upto,
    const RevisionCursor& after, int limit, absl::Duration window) {
  // Those that are still as they were then, and of those that were changed since what they were.
  FilteredQuery present(SELECT_MEASUREMENT, {absl::ToInt64Microseconds(window), clinic_id});
  FilteredQuery past(SELECT_STATE, {absl::ToInt64Microseconds(window), clinic_id});
  past.And("m.until_revision > :until", {upto});
  std::vector<Measurement> all;
  for (FilteredQuery* query : {&present, &past}) {
    AddFilter(dialect(), filter, *query);
    query->And("m.revision <= :upto", {upto});
    query->And("(m.revision, m.course_id, m.measurement_id) > (:at, :after_course, :after_id)",
               {after.revision, after.course_id, after.measurement_id});
    query->OrderBy("m.revision, m.course_id, m.measurement_id", limit);
    IPT_ASSIGN_OR_RETURN(
        auto found,
        storage::GetRows(conn_, query->statement(kColumns), query->params(), [&](const Row& row) {
          return MeasurementOf(clinic_id, row, filter.without_answers);
        }));
    all.insert(all.end(), std::make_move_iterator(found.begin()),
               std::make_move_iterator(found.end()));
  }
  std::sort(all.begin(), all.end(), [](const Measurement& a, const Measurement& b) {
    return std::tie(a.stamp.revision, a.course_id, a.measurement_id) <
           std::tie(b.stamp.revision, b.course_id, b.measurement_id);
  });
  if (all.size() > static_cast<size_t>(limit)) all.resize(limit);
  return all;
}

absl::StatusOr<std::vector<UnsettledCourse>> SqlOutcomesTx::ListUnsettledCourses(
    const UnsettledCourse& after, int limit) {
  return storage::GetRows(conn_, kUnsettledCourses, {after.clinic_id, after.course_id, limit},
                          [](const Row& row) -> absl::StatusOr<UnsettledCourse> {
                            return UnsettledCourse{row.Text(0), row.Text(1)};
                          });
}

absl::StatusOr<std::vector<Measurement>> SqlOutcomesTx::ListPastRevisions(
    absl::string_view clinic_id, absl::string_view course_id, absl::string_view measurement_id,
    int after_number, int limit) {
  return storage::GetRows(conn_, kPast, {clinic_id, course_id, measurement_id, after_number, limit},
                          [&](const Row& row) { return MeasurementOf(clinic_id, row); });
}

absl::StatusOr<std::vector<Measurement>> SqlOutcomesTx::ListNear(const MeasurementSeries& series,
                                                                 absl::Time from, absl::Time to) {
  return storage::GetRows(conn_, kNear,
                          {series.clinic_id, series.course_id, series.instrument_id,
                           static_cast<int>(series.respondent), from, to},
                          [&](const Row& row) { return MeasurementOf(series.clinic_id, row); });
}

absl::StatusOr<std::optional<Measurement>> SqlOutcomesTx::FindByExternalId(
    absl::string_view clinic_id, absl::string_view external_id) {
  IPT_ASSIGN_OR_RETURN(
      auto found, storage::GetRows(conn_, kByExternalId, {clinic_id, external_id},
                                   [&](const Row& row) { return MeasurementOf(clinic_id, row); }));
  if (found.empty()) return std::optional<Measurement>();
  return std::optional<Measurement>(std::move(found[0]));
}

absl::Status SqlOutcomesTx::InsertMeasurement(Measurement& m, absl::Time now) {
  IPT_RETURN_IF_ERROR(StampNew(m.stamp, now));
  const std::optional<std::string> external_id =
      m.external_id.empty() ? std::nullopt : std::optional<std::string>(m.external_id);
  const absl::StatusOr<int64_t> inserted = conn_.Execute(
      kInsert,
      {m.clinic_id, m.course_id, m.measurement_id, m.instrument_id, static_cast<int>(m.state),
       static_cast<int>(m.respondent), static_cast<int>(m.occasion), m.complete_time, m.session_id,
       external_id, Unsettled(m), AtRisk(m), Invalid(m), m.revision_number, EncodeMeasurement(m),
       m.stamp.revision, m.stamp.create_time, m.stamp.update_time});
  if (storage::SqlErrorKindOf(inserted.status()) == storage::SqlErrorKind::kUniqueViolation) {
    // Of another course: who comes second here finds the first one when they try again.
    return Aborted(::ipt::reason::kStoreConflict,
                   "a measurement with this external_id was recorded at the same time: send the "
                   "request again");
  }
  IPT_RETURN_IF_ERROR(inserted.status());
  if (*inserted != 0) return absl::OkStatus();
  return AlreadyExists(::ipt::reason::kResourceExists, kMeasurementType,
                       MeasurementName(m.clinic_id, m.course_id, m.measurement_id),
                       "the id is taken: choose another one");
}

absl::Status SqlOutcomesTx::UpdateMeasurement(Measurement& m, absl::Time now) {
  IPT_RETURN_IF_ERROR(StampChanged(m.stamp, now));
  IPT_RETURN_IF_ERROR(conn_
                          .Execute(kKeepState, {m.stamp.revision, m.stamp.update_time, m.clinic_id,
                                                m.course_id, m.measurement_id})
                          .status());
  IPT_ASSIGN_OR_RETURN(
      const int64_t updated,
      conn_.Execute(kUpdate, {static_cast<int>(m.state), static_cast<int>(m.respondent),
                              static_cast<int>(m.occasion), m.complete_time, m.session_id,
                              Unsettled(m), AtRisk(m), Invalid(m), m.revision_number,
                              EncodeMeasurement(m), m.stamp.revision, m.stamp.update_time,
                              m.clinic_id, m.course_id, m.measurement_id}));
  if (updated != 0) return absl::OkStatus();
  return NotFound(kMeasurementType, MeasurementName(m.clinic_id, m.course_id, m.measurement_id));
}

absl::Status SqlOutcomesTx::KeepRevision(const Measurement& m) {
  return conn_
      .Execute(kKeep,
               {m.clinic_id, m.course_id, m.measurement_id, m.revision_number, EncodeMeasurement(m),
                m.stamp.revision, m.stamp.create_time, m.stamp.update_time})
      .status();
}

}  // namespace ipt::outcomes
