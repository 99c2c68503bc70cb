#include "outcomes/storage/sql_alert_tx.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "outcomes/storage/alert_json.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/revision.h"
#include "platform/storage/sql_text.h"

namespace ipt::outcomes {
namespace {

using storage::ColumnTypes;
using storage::FilteredQuery;
using storage::InJson;
using storage::Row;
using storage::Value;

constexpr auto kInt = storage::ColumnType::kInt64;
constexpr auto kText = storage::ColumnType::kText;
constexpr auto kDouble = storage::ColumnType::kDouble;

constexpr absl::string_view kAlertColumnNames =
    "clinic_id, alert_id, course_id, kind, state, measurement_id, measurement_revision, "
    "instrument_id, instrument_version, rule, rule_version, item, points, signal_level, "
    "completed_us, raised_us, therapist_id, owner, assignee, level, step, escalate_us, "
    "acknowledged_us, acknowledged_by, basis, measurement_error, first_sent_us, patient_system, "
    "patient_value, unverified, details, revision, updated_us";
constexpr ColumnTypes kAlertColumns = {
    kText, kText,   kText, kInt, kInt, kText, kInt,  kText, kInt,  kText, kInt,
    kText, kDouble, kInt,  kInt, kInt, kText, kText, kText, kInt,  kInt,  kInt,
    kInt,  kText,   kInt,  kInt, kInt, kText, kText, kText, kText, kInt,  kInt};

std::string EncodeNumbers(const std::vector<int>& numbers) { return absl::StrJoin(numbers, ","); }

absl::Status DecodeNumbers(absl::string_view text, std::vector<int>& numbers) {
  for (const absl::string_view part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    int number = 0;
    if (!absl::SimpleAtoi(part, &number)) return Internal("a stored list of numbers is none");
    numbers.push_back(number);
  }
  return absl::OkStatus();
}

absl::StatusOr<Alert> AlertOf(const Row& row) {
  Alert alert;
  alert.clinic_id = row.Text(0);
  alert.alert_id = row.Text(1);
  alert.course_id = row.Text(2);
  alert.kind = static_cast<AlertKind>(row.Int64(3));
  alert.state = static_cast<AlertState>(row.Int64(4));
  alert.measurement_id = row.Text(5);
  alert.measurement_revision = static_cast<int>(row.Int64(6));
  alert.instrument_id = row.Text(7);
  alert.instrument_version = static_cast<int>(row.Int64(8));
  alert.rule = row.Text(9);
  alert.rule_version = static_cast<int>(row.Int64(10));
  alert.item = row.Text(11);
  alert.points = row.OptionalDouble(12);
  alert.signal_level = static_cast<int>(row.Int64(13));
  alert.completed = row.OptionalTime(14);
  alert.raised = row.Time(15);
  alert.therapist_id = row.Text(16);
  alert.owner = DecodeRecipient(row.Text(17));
  alert.assignee = DecodeRecipient(row.Text(18));
  alert.level = static_cast<int>(row.Int64(19));
  alert.step = static_cast<int>(row.Int64(20));
  alert.escalate = row.OptionalTime(21);
  alert.acknowledged = row.OptionalTime(22);
  alert.acknowledged_by = row.Text(23);
  alert.basis = static_cast<AlertBasis>(row.Int64(24));
  alert.measurement_error = static_cast<int>(row.Int64(25));
  alert.first_sent = row.OptionalTime(26);
  if (!row.IsNull(27)) alert.patient = AlertPatient{row.Text(27), row.Text(28)};
  IPT_RETURN_IF_ERROR(DecodeNumbers(row.Text(29), alert.unverified));
  IPT_RETURN_IF_ERROR(DecodeAlertDetails(row.Text(30), alert));
  alert.revision = row.Int64(31);
  alert.updated = row.Time(32);
  return alert;
}

constexpr absl::string_view kRoutingColumnNames =
    "clinic_id, therapist_id, owner, cover, steps, resolve_minutes, away_until_us, revision, "
    "updated_us";
constexpr ColumnTypes kRoutingColumns = {kText, kText, kText, kText, kText, kInt, kInt, kInt, kInt};

absl::StatusOr<AlertRouting> RoutingOf(const Row& row) {
  AlertRouting routing;
  routing.clinic_id = row.Text(0);
  routing.therapist_id = row.Text(1);
  routing.owner = DecodeRecipient(row.Text(2));
  IPT_RETURN_IF_ERROR(DecodeRecipients(row.Text(3), routing.cover));
  IPT_RETURN_IF_ERROR(DecodeSteps(row.Text(4), routing.steps));
  if (!row.IsNull(5)) routing.resolve_minutes = static_cast<int>(row.Int64(5));
  routing.away_until = row.OptionalTime(6);
  routing.revision = row.Int64(7);
  routing.updated = row.Time(8);
  return routing;
}

// All rows, each converted by `convert` (Row -> StatusOr<T>).
template <typename Convert>
auto Rows(storage::Connection& conn, const storage::Statement& statement,
          absl::Span<const Value> params, Convert convert)
    -> absl::StatusOr<std::vector<typename std::invoke_result_t<Convert, const Row&>::value_type>> {
  std::vector<typename std::invoke_result_t<Convert, const Row&>::value_type> result;
  IPT_RETURN_IF_ERROR(conn.Query(statement, params, [&](const Row& row) {
    auto converted = convert(row);
    if (!converted.ok()) return converted.status();
    result.push_back(*std::move(converted));
    return absl::OkStatus();
  }));
  return result;
}

absl::StatusOr<std::string> TextOf(const Row& row) { return row.Text(0); }

// To the precision of the store.
absl::Time Whole(absl::Time time) { return absl::FromUnixMicros(absl::ToUnixMicros(time)); }
void Whole(std::optional<absl::Time>& time) {
  if (time.has_value()) time = Whole(*time);
}

}  // namespace

absl::StatusOr<std::vector<Alert>> SqlAlertTx::Select(absl::string_view rest, Params params) {
  const std::string sql = absl::StrCat("SELECT ", kAlertColumnNames, " FROM alerts WHERE ", rest);
  return Rows(conn_, {sql, kAlertColumns}, params, AlertOf);
}

absl::StatusOr<std::vector<Alert>> SqlAlertTx::SelectLocked(absl::string_view rest, Params params,
                                                            bool skip) {
  if (sqlite()) return Select(rest, params);
  return Select(absl::StrCat(rest, skip ? " FOR UPDATE SKIP LOCKED" : " FOR UPDATE"), params);
}

absl::StatusOr<Alert> SqlAlertTx::GetAlert(absl::string_view clinic_id, absl::string_view course_id,
                                           absl::string_view alert_id) {
  IPT_ASSIGN_OR_RETURN(std::vector<Alert> found,
                       Select("clinic_id = :clinic AND alert_id = :alert AND course_id = :course",
                              {clinic_id, alert_id, course_id}));
  if (found.empty()) return NotFound(kAlertType, AlertName(clinic_id, course_id, alert_id));
  return std::move(found.front());
}

absl::StatusOr<Alert> SqlAlertTx::LockAlert(absl::string_view clinic_id,
                                            absl::string_view course_id,
                                            absl::string_view alert_id) {
  IPT_ASSIGN_OR_RETURN(
      std::vector<Alert> found,
      SelectLocked("clinic_id = :clinic AND alert_id = :alert AND course_id = :course",
                   {clinic_id, alert_id, course_id}, false));
  if (found.empty()) return NotFound(kAlertType, AlertName(clinic_id, course_id, alert_id));
  return std::move(found.front());
}

absl::StatusOr<std::vector<Alert>> SqlAlertTx::ListAlerts(absl::string_view clinic_id,
                                                          const AlertFilter& filter,
                                                          const std::optional<AlertCursor>& after,
                                                          int limit) {
  FilteredQuery query(
      absl::StrCat("SELECT ", kAlertColumnNames, " FROM alerts WHERE clinic_id = :clinic"),
      {clinic_id});
  if (!filter.course_id.empty()) query.And("course_id = :course", {filter.course_id});
  if (filter.states.empty()) {
    query.And("state < 4");
  } else {
    query.AndIn("state", "state", filter.states);
  }
  if (!filter.kinds.empty()) query.AndIn("kind", "kind", filter.kinds);
  if (!filter.assignees.empty()) {
    query.And(InJson(conn_.dialect(), "assignee", ":assignees"),
              {EncodeRecipients(filter.assignees)});
  }
  if (filter.raised_from.has_value()) query.And("raised_us >= :from", {filter.raised_from});
  if (filter.raised_before.has_value()) query.And("raised_us < :before", {filter.raised_before});
  if (!filter.measurement_id.empty()) {
    query.And("measurement_id = :measurement", {filter.measurement_id});
  }
  if (after.has_value()) {
    query.And("(raised_us, alert_id) > (:after_us, :after_id)", {after->raised, after->alert_id});
  }
  query.OrderBy("raised_us, alert_id", limit);
  return Rows(conn_, query.statement(kAlertColumns), query.params(), AlertOf);
}

absl::StatusOr<std::vector<std::string>> SqlAlertTx::OpenAlertIds(absl::string_view clinic_id,
                                                                  absl::string_view course_id,
                                                                  int limit) {
  return Rows(conn_,
              {"SELECT alert_id FROM alerts WHERE clinic_id = :clinic AND course_id = :course "
               "AND state < 4 ORDER BY raised_us DESC, alert_id DESC LIMIT :limit",
               {kText}},
              {clinic_id, course_id, limit}, TextOf);
}

absl::StatusOr<std::optional<absl::Time>> SqlAlertTx::NextEscalation() {
  IPT_ASSIGN_OR_RETURN(
      const auto next,
      conn_.QueryOne({"SELECT MIN(escalate_us) FROM alerts WHERE escalate_us IS NOT NULL", {kInt}},
                     {}, [](const Row& row) { return row.OptionalTime(0); }));
  return next.value_or(std::nullopt);
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> SqlAlertTx::TherapistsWithAlerts(
    int limit) {
  return Rows(conn_,
              {"SELECT DISTINCT clinic_id, assignee FROM alerts WHERE state < 3 AND kind < 4 "
               "AND assignee >= 'therapists/' AND assignee < 'therapists0' "
               "ORDER BY clinic_id, assignee LIMIT :limit",
               {kText, kText}},
              {limit}, [](const Row& row) -> absl::StatusOr<std::pair<std::string, std::string>> {
                return std::make_pair(row.Text(0), DecodeRecipient(row.Text(1)).therapist_id);
              });
}

absl::StatusOr<AlertCounts> SqlAlertTx::CountAlerts(absl::string_view clinic_id) {
  constexpr absl::string_view kCounts =
      "SELECT COALESCE(SUM(CASE WHEN state < 3 THEN 1 ELSE 0 END), 0), "
      "MIN(CASE WHEN state < 3 THEN raised_us END), "
      "COALESCE(SUM(CASE WHEN state < 3 AND first_sent_us IS NULL THEN 1 ELSE 0 END), 0), "
      "COALESCE(SUM(CASE WHEN state = 3 THEN 1 ELSE 0 END), 0) "
      "FROM alerts WHERE state < 4 AND kind < 4";
  const std::string sql =
      clinic_id.empty() ? std::string(kCounts) : absl::StrCat(kCounts, " AND clinic_id = :clinic");
  std::vector<Value> params;
  if (!clinic_id.empty()) params.emplace_back(clinic_id);
  IPT_ASSIGN_OR_RETURN(const auto counts,
                       conn_.QueryOne({sql, {kInt, kInt, kInt, kInt}}, params, [](const Row& row) {
                         return AlertCounts{.unacknowledged = row.Int64(0),
                                            .oldest_unacknowledged = row.OptionalTime(1),
                                            .unsent = row.Int64(2),
                                            .unresolved = row.Int64(3)};
                       }));
  return counts.value_or(AlertCounts());
}

absl::StatusOr<std::vector<AlertRouting>> SqlAlertTx::SelectRoutings(absl::string_view rest,
                                                                     Params params) {
  const std::string sql =
      absl::StrCat("SELECT ", kRoutingColumnNames, " FROM alert_routings WHERE ", rest);
  return Rows(conn_, {sql, kRoutingColumns}, params, RoutingOf);
}

absl::StatusOr<std::optional<AlertRouting>> SqlAlertTx::FindRouting(
    absl::string_view clinic_id, absl::string_view therapist_id) {
  IPT_ASSIGN_OR_RETURN(std::vector<AlertRouting> found,
                       SelectRoutings("clinic_id = :clinic AND therapist_id = :therapist",
                                      {clinic_id, therapist_id}));
  if (found.empty()) return std::optional<AlertRouting>();
  return std::optional<AlertRouting>(std::move(found.front()));
}

absl::StatusOr<std::vector<AlertRouting>> SqlAlertTx::ListRoutings(absl::string_view clinic_id,
                                                                   absl::string_view after_id,
                                                                   int limit) {
  return SelectRoutings(
      "clinic_id = :clinic AND therapist_id > :after ORDER BY therapist_id LIMIT :limit",
      {clinic_id, after_id, limit});
}

absl::StatusOr<std::vector<AlertListener>> SqlAlertTx::ListListeners(absl::string_view clinic_id,
                                                                     absl::Time now) {
  return Rows(conn_,
              {"SELECT listener_id, clinic_id, label, caller, recipients, since_us, last_us, "
               "expires_us FROM alert_listeners WHERE clinic_id = :clinic AND expires_us > :now "
               "ORDER BY since_us, listener_id",
               {kText, kText, kText, kText, kText, kInt, kInt, kInt}},
              {clinic_id, now}, [](const Row& row) -> absl::StatusOr<AlertListener> {
                AlertListener listener;
                listener.listener_id = row.Text(0);
                listener.clinic_id = row.Text(1);
                listener.label = row.Text(2);
                listener.caller = row.Text(3);
                IPT_RETURN_IF_ERROR(DecodeRecipients(row.Text(4), listener.recipients));
                listener.since = row.Time(5);
                listener.last_response = row.Time(6);
                listener.expires = row.Time(7);
                return listener;
              });
}

absl::StatusOr<std::vector<AlertRecipient>> SqlAlertTx::OpenAssignees(absl::string_view clinic_id,
                                                                      int limit) {
  return Rows(conn_,
              {"SELECT DISTINCT assignee FROM alerts WHERE clinic_id = :clinic AND state < 4 "
               "AND kind < 4 LIMIT :limit",
               {kText}},
              {clinic_id, limit}, [](const Row& row) -> absl::StatusOr<AlertRecipient> {
                return DecodeRecipient(row.Text(0));
              });
}

absl::StatusOr<std::optional<AlertReader::CoverageRow>> SqlAlertTx::FindCoverage(
    absl::string_view clinic_id) {
  return conn_.QueryOne(
      {"SELECT state, since_us FROM alert_coverage WHERE clinic_id = :clinic", {kInt, kInt}},
      {clinic_id}, [](const Row& row) {
        return CoverageRow{.state = static_cast<CoverageState>(row.Int64(0)), .since = row.Time(1)};
      });
}

absl::StatusOr<absl::Duration> SqlAlertTx::Uncovered(absl::string_view clinic_id, absl::Time from,
                                                     absl::Time to) {
  absl::Duration sum;
  IPT_RETURN_IF_ERROR(conn_.Query(
      {"SELECT from_us, to_us FROM alert_uncovered WHERE clinic_id = :clinic AND from_us < :to "
       "AND (to_us IS NULL OR to_us > :from)",
       {kInt, kInt}},
      {clinic_id, to, from}, [&](const Row& row) {
        const absl::Time begin = std::max(row.Time(0), from);
        const absl::Time end = std::min(row.OptionalTime(1).value_or(to), to);
        if (end > begin) sum += end - begin;
        return absl::OkStatus();
      }));
  return sum;
}

absl::StatusOr<std::vector<std::string>> SqlAlertTx::AlertClinics(absl::string_view after_id,
                                                                  int limit) {
  return Rows(conn_,
              {"SELECT clinic_id FROM (SELECT clinic_id FROM alert_coverage "
               "UNION SELECT clinic_id FROM alert_routings "
               "UNION SELECT clinic_id FROM alert_listeners "
               "UNION SELECT clinic_id FROM alerts WHERE state < 4) AS known "
               "WHERE clinic_id > :after ORDER BY clinic_id LIMIT :limit",
               {kText}},
              {after_id, limit}, TextOf);
}

absl::StatusOr<int64_t> SqlAlertTx::CountCoverage(CoverageState state) {
  IPT_ASSIGN_OR_RETURN(
      const auto count,
      conn_.QueryOne({"SELECT COUNT(*) FROM alert_coverage WHERE state = :state", {kInt}},
                     {static_cast<int>(state)}, [](const Row& row) { return row.Int64(0); }));
  return count.value_or(0);
}

absl::StatusOr<int64_t> SqlAlertTx::CountListeners(absl::Time now) {
  IPT_ASSIGN_OR_RETURN(
      const auto count,
      conn_.QueryOne({"SELECT COUNT(*) FROM alert_listeners WHERE expires_us > :now", {kInt}},
                     {now}, [](const Row& row) { return row.Int64(0); }));
  return count.value_or(0);
}

absl::StatusOr<int64_t> SqlAlertTx::CurrentRevision() { return storage::CurrentRevision(conn_); }

absl::Status SqlAlertTx::Emit(const AlertEvent& event, absl::Time now) {
  AlertEventEncoder::Encoded encoded = encoder_.Encode(event);
  return log_.AppendEvent({.clinic_id = std::move(encoded.clinic_id),
                           .subject = std::move(encoded.subject),
                           .kind = std::move(encoded.kind),
                           .payload = std::move(encoded.payload),
                           .time = now});
}

absl::StatusOr<std::vector<Alert>> SqlAlertTx::LockAlertsOf(absl::string_view clinic_id,
                                                            absl::string_view course_id,
                                                            absl::string_view measurement_id) {
  if (measurement_id.empty()) {
    return SelectLocked(
        "clinic_id = :clinic AND course_id = :course AND state < 4 ORDER BY raised_us, alert_id",
        {clinic_id, course_id}, false);
  }
  return SelectLocked(
      "clinic_id = :clinic AND course_id = :course AND measurement_id = :measurement "
      "ORDER BY raised_us, alert_id",
      {clinic_id, course_id, measurement_id}, false);
}

absl::StatusOr<std::vector<Alert>> SqlAlertTx::LockDue(absl::Time now, int limit) {
  return SelectLocked(
      "escalate_us IS NOT NULL AND escalate_us <= :now "
      "ORDER BY escalate_us, clinic_id, alert_id LIMIT :limit",
      {now, limit}, true);
}

absl::StatusOr<std::vector<Alert>> SqlAlertTx::LockUnacknowledged(absl::string_view clinic_id,
                                                                  const AlertRecipient& assignee,
                                                                  int limit) {
  return SelectLocked(
      "clinic_id = :clinic AND assignee = :assignee AND state < 3 AND kind < 4 "
      "ORDER BY raised_us, alert_id LIMIT :limit",
      {clinic_id, EncodeRecipient(assignee), limit}, true);
}

absl::Status SqlAlertTx::InsertAlert(Alert& alert, absl::Time now) {
  IPT_ASSIGN_OR_RETURN(alert.revision, log_.Revision());
  alert.updated = Whole(now);
  alert.raised = Whole(alert.raised);
  Whole(alert.escalate);
  Whole(alert.completed);
  const std::string sql = absl::StrCat(
      "INSERT INTO alerts (", kAlertColumnNames,
      ") VALUES (:clinic, :alert, :course, :kind, :state, :measurement, :measurement_revision, "
      ":instrument, :instrument_version, :rule, :rule_version, :item, :points, :signal_level, "
      ":completed, :raised, :therapist, :owner, :assignee, :level, :step, :escalate, "
      ":acknowledged, :acknowledged_by, :basis, :measurement_error, :first_sent, "
      ":patient_system, :patient_value, :unverified, :details, :revision, :updated)");
  IPT_RETURN_IF_ERROR(
      conn_
          .Execute({sql}, {alert.clinic_id,
                           alert.alert_id,
                           alert.course_id,
                           static_cast<int>(alert.kind),
                           static_cast<int>(alert.state),
                           alert.measurement_id,
                           alert.measurement_revision,
                           alert.instrument_id,
                           alert.instrument_version,
                           alert.rule,
                           alert.rule_version,
                           alert.item,
                           alert.points,
                           alert.signal_level,
                           alert.completed,
                           alert.raised,
                           alert.therapist_id,
                           EncodeRecipient(alert.owner),
                           EncodeRecipient(alert.assignee),
                           alert.level,
                           alert.step,
                           alert.escalate,
                           alert.acknowledged,
                           alert.acknowledged_by,
                           static_cast<int>(alert.basis),
                           alert.measurement_error,
                           alert.first_sent,
                           alert.patient.has_value() ? Value(alert.patient->system) : Value(),
                           alert.patient.has_value() ? Value(alert.patient->value) : Value(),
                           EncodeNumbers(alert.unverified),
                           EncodeAlertDetails(alert),
                           alert.revision,
                           alert.updated})
          .status());
  ++raised_[static_cast<size_t>(alert.kind)];
  return absl::OkStatus();
}

absl::StatusOr<bool> SqlAlertTx::UpdateAlert(Alert& alert, absl::Time now) {
  const int64_t before = alert.revision;
  IPT_ASSIGN_OR_RETURN(alert.revision, log_.Revision());
  alert.updated = Whole(now);
  Whole(alert.escalate);
  Whole(alert.acknowledged);
  // What it was raised for does not change, and who was sent it is noted by NoteSent alone.
  IPT_ASSIGN_OR_RETURN(
      const int64_t written,
      conn_.Execute({"UPDATE alerts SET state = :state, therapist_id = :therapist, "
                     "owner = :owner, assignee = :assignee, level = :level, step = :step, "
                     "escalate_us = :escalate, acknowledged_us = :acknowledged, "
                     "acknowledged_by = :acknowledged_by, basis = :basis, "
                     "measurement_error = :error, patient_system = :patient_system, "
                     "patient_value = :patient_value, unverified = :unverified, "
                     "details = :details, revision = :revision, updated_us = :updated "
                     "WHERE clinic_id = :clinic AND alert_id = :alert AND revision = :before"},
                    {static_cast<int>(alert.state),
                     alert.therapist_id,
                     EncodeRecipient(alert.owner),
                     EncodeRecipient(alert.assignee),
                     alert.level,
                     alert.step,
                     alert.escalate,
                     alert.acknowledged,
                     alert.acknowledged_by,
                     static_cast<int>(alert.basis),
                     alert.measurement_error,
                     alert.patient.has_value() ? Value(alert.patient->system) : Value(),
                     alert.patient.has_value() ? Value(alert.patient->value) : Value(),
                     EncodeNumbers(alert.unverified),
                     EncodeAlertDetails(alert),
                     alert.revision,
                     alert.updated,
                     alert.clinic_id,
                     alert.alert_id,
                     before}));
  return written == 1;
}

absl::Status SqlAlertTx::NoteSent(absl::string_view clinic_id,
                                  const std::vector<std::string>& alert_ids, absl::Time now) {
  if (alert_ids.empty()) return absl::OkStatus();
  const std::string ids = EncodeIds(alert_ids);
  const std::string among = absl::StrCat("clinic_id = :clinic AND first_sent_us IS NULL AND ",
                                         InJson(conn_.dialect(), "alert_id", ":ids"));
  if (!sqlite()) {
    // In the order in which everybody locks several.
    const std::string lock = absl::StrCat("SELECT alert_id FROM alerts WHERE ", among,
                                          " ORDER BY raised_us, alert_id FOR UPDATE");
    IPT_RETURN_IF_ERROR(conn_.Query({lock, {kText}}, {clinic_id, ids},
                                    [](const Row&) { return absl::OkStatus(); }));
  }
  const std::string sql = absl::StrCat("UPDATE alerts SET first_sent_us = :now WHERE ", among);
  return conn_.Execute({sql}, {now, clinic_id, ids}).status();
}

absl::StatusOr<bool> SqlAlertTx::PutRouting(AlertRouting& routing, absl::Time now) {
  const int64_t before = routing.revision;
  IPT_ASSIGN_OR_RETURN(routing.revision, log_.Revision());
  routing.updated = Whole(now);
  Whole(routing.away_until);
  if (before == 0) {
    IPT_ASSIGN_OR_RETURN(
        const int64_t inserted,
        conn_.Execute(
            {"INSERT INTO alert_routings (clinic_id, therapist_id, owner, cover, steps, "
             "resolve_minutes, away_until_us, revision, updated_us) VALUES (:clinic, "
             ":therapist, :owner, :cover, :steps, :resolve, :away, :revision, :updated) "
             "ON CONFLICT (clinic_id, therapist_id) DO NOTHING"},
            {routing.clinic_id, routing.therapist_id, EncodeRecipient(routing.owner),
             EncodeRecipients(routing.cover), EncodeSteps(routing.steps), routing.resolve_minutes,
             routing.away_until, routing.revision, routing.updated}));
    return inserted == 1;
  }
  IPT_ASSIGN_OR_RETURN(
      const int64_t written,
      conn_.Execute(
          {"UPDATE alert_routings SET owner = :owner, cover = :cover, steps = :steps, "
           "resolve_minutes = :resolve, away_until_us = :away, revision = :revision, "
           "updated_us = :updated WHERE clinic_id = :clinic "
           "AND therapist_id = :therapist AND revision = :before"},
          {EncodeRecipient(routing.owner), EncodeRecipients(routing.cover),
           EncodeSteps(routing.steps), routing.resolve_minutes, routing.away_until,
           routing.revision, routing.updated, routing.clinic_id, routing.therapist_id, before}));
  return written == 1;
}

absl::Status SqlAlertTx::DeleteRouting(absl::string_view clinic_id,
                                       absl::string_view therapist_id) {
  return conn_
      .Execute({"DELETE FROM alert_routings WHERE clinic_id = :clinic "
                "AND therapist_id = :therapist"},
               {clinic_id, therapist_id})
      .status();
}

absl::Status SqlAlertTx::PutListener(const AlertListener& listener) {
  return conn_
      .Execute({"INSERT INTO alert_listeners (clinic_id, listener_id, label, caller, recipients, "
                "since_us, last_us, expires_us) VALUES (:clinic, :listener, :label, :caller, "
                ":recipients, :since, :last, :expires) ON CONFLICT (clinic_id, listener_id) "
                "DO UPDATE SET last_us = excluded.last_us, expires_us = excluded.expires_us"},
               {listener.clinic_id, listener.listener_id, listener.label, listener.caller,
                EncodeRecipients(listener.recipients), listener.since, listener.last_response,
                listener.expires})
      .status();
}

absl::Status SqlAlertTx::DeleteListener(absl::string_view clinic_id,
                                        absl::string_view listener_id) {
  return conn_
      .Execute({"DELETE FROM alert_listeners WHERE clinic_id = :clinic "
                "AND listener_id = :listener"},
               {clinic_id, listener_id})
      .status();
}

absl::Status SqlAlertTx::DeleteLapsedListeners(absl::Time now) {
  return conn_.Execute({"DELETE FROM alert_listeners WHERE expires_us <= :now"}, {now}).status();
}

absl::StatusOr<bool> SqlAlertTx::MoveCoverage(absl::string_view clinic_id,
                                              const std::optional<CoverageRow>& from,
                                              const CoverageRow& to) {
  const int state = static_cast<int>(to.state);
  int64_t written = 0;
  if (from.has_value()) {
    IPT_ASSIGN_OR_RETURN(
        written,
        conn_.Execute({"UPDATE alert_coverage SET state = :state, since_us = :since "
                       "WHERE clinic_id = :clinic AND state = :from_state "
                       "AND since_us = :from_since"},
                      {state, to.since, clinic_id, static_cast<int>(from->state), from->since}));
  } else {
    IPT_ASSIGN_OR_RETURN(written,
                         conn_.Execute({"INSERT INTO alert_coverage (clinic_id, state, since_us) "
                                        "VALUES (:clinic, :state, :since) "
                                        "ON CONFLICT (clinic_id) DO NOTHING"},
                                       {clinic_id, state, to.since}));
  }
  if (written == 0) return false;
  if (to.state == CoverageState::kNobody) {
    IPT_RETURN_IF_ERROR(
        conn_
            .Execute({"INSERT INTO alert_uncovered (clinic_id, from_us, to_us) "
                      "VALUES (:clinic, :from, NULL) ON CONFLICT (clinic_id, from_us) "
                      "DO UPDATE SET to_us = NULL"},
                     {clinic_id, to.since})
            .status());
  } else {
    IPT_RETURN_IF_ERROR(conn_
                            .Execute({"UPDATE alert_uncovered SET to_us = :to "
                                      "WHERE clinic_id = :clinic AND to_us IS NULL"},
                                     {to.since, clinic_id})
                            .status());
  }
  return true;
}

absl::Status SqlAlertTx::PurgeCoverage(absl::Time before) {
  return conn_
      .Execute({"DELETE FROM alert_uncovered WHERE to_us IS NOT NULL AND to_us < :before"},
               {before})
      .status();
}

}  // namespace ipt::outcomes
