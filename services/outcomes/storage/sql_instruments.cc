#include "outcomes/domain/names.h"
#include "outcomes/storage/instrument_json.h"
#include "outcomes/storage/measurement_json.h"
#include "outcomes/storage/sql_outcomes_tx.h"
#include "platform/storage/sql_text.h"

namespace ipt::outcomes {
namespace {

using storage::ColumnType;
using storage::ColumnTypes;
using storage::Row;
using storage::Statement;

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kText = ColumnType::kText;
constexpr auto kBytes = ColumnType::kBytes;

constexpr ColumnTypes kInstrumentColumns = {kText,  kInt,  kText, kText, kText,
                                            kBytes, kText, kInt,  kInt,  kInt};
constexpr ColumnTypes kUseColumns = {kText, kInt, kInt, kInt, kText, kInt, kInt, kInt};

constexpr Statement kInsertInstrument = {
    "INSERT INTO instruments (clinic_id, instrument_id, version, origin, definition, respondents, "
    "risk_rules, stated, caller, revision, created_us, updated_us) VALUES (:clinic, :instrument, "
    ":version, :origin, :definition, :respondents, :rules, :stated, :caller, :revision, :created, "
    ":updated) ON CONFLICT (clinic_id, instrument_id, version) DO NOTHING"};

constexpr Statement kPutUse = {
    "INSERT INTO instrument_uses (clinic_id, instrument_id, version, retired, retired_us, reason, "
    "revision, created_us, updated_us) VALUES (:clinic, :instrument, :version, :retired, :at, "
    ":reason, :revision, :created, :updated) ON CONFLICT (clinic_id, instrument_id, version) DO "
    "UPDATE SET retired = excluded.retired, retired_us = excluded.retired_us, "
    "reason = excluded.reason, revision = excluded.revision, updated_us = excluded.updated_us "
    "RETURNING created_us",
    {kInt}};

constexpr Statement kGetPolicy = {
    "SELECT version, policy, revision, created_us, updated_us FROM outcome_policies "
    "WHERE clinic_id = :clinic",
    {kInt, kText, kInt, kInt, kInt}};

constexpr Statement kPutPolicy = {
    "INSERT INTO outcome_policies (clinic_id, version, policy, revision, created_us, updated_us) "
    "VALUES (:clinic, :version, :policy, :revision, :created, :updated) ON CONFLICT (clinic_id) DO "
    "UPDATE SET version = excluded.version, policy = excluded.policy, "
    "revision = excluded.revision, updated_us = excluded.updated_us RETURNING created_us",
    {kInt}};

absl::StatusOr<HeldInstrument> InstrumentOf(absl::string_view clinic_id, const Row& row) {
  HeldInstrument instrument;
  instrument.clinic_id = std::string(clinic_id);
  instrument.origin = static_cast<InstrumentOrigin>(row.Int64(1));
  IPT_ASSIGN_OR_RETURN(instrument.definition, ReadInstrument(row.Text(0), row.Text(2)));
  IPT_RETURN_IF_ERROR(DecodeRespondents(row.Text(3), instrument.respondents));
  IPT_RETURN_IF_ERROR(DecodeStrings(row.Text(4), instrument.risk_rules));
  instrument.stated = row.Bytes(5);
  instrument.caller = row.Text(6);
  instrument.stamp = StampOf(row, 7);
  return instrument;
}

}  // namespace

absl::StatusOr<std::vector<HeldInstrument>> SqlOutcomesTx::ListRegistered(
    absl::string_view clinic_id, absl::string_view instrument_id) {
  std::string sql =
      "SELECT instrument_id, origin, definition, respondents, risk_rules, stated, caller, "
      "revision, created_us, updated_us FROM instruments WHERE clinic_id = :clinic";
  std::vector<storage::Value> params = {clinic_id};
  if (!instrument_id.empty()) {
    sql += " AND instrument_id = :instrument";
    params.emplace_back(instrument_id);
  }
  sql += " ORDER BY instrument_id, version";
  auto rows = storage::GetRows(conn_, {sql, kInstrumentColumns}, params,
                               [&](const Row& row) { return InstrumentOf(clinic_id, row); });
  // A row that cannot be read is damaged; what the reader of files says is for whoever wrote one.
  if (absl::IsInvalidArgument(rows.status())) {
    return Internal("a stored instrument cannot be read");
  }
  return rows;
}

absl::StatusOr<std::vector<InstrumentUse>> SqlOutcomesTx::ListInstrumentUses(
    absl::string_view clinic_id, absl::string_view instrument_id) {
  std::string sql =
      "SELECT instrument_id, version, retired, retired_us, reason, revision, created_us, "
      "updated_us FROM instrument_uses WHERE clinic_id = :clinic";
  std::vector<storage::Value> params = {clinic_id};
  if (!instrument_id.empty()) {
    sql += " AND instrument_id = :instrument";
    params.emplace_back(instrument_id);
  }
  sql += " ORDER BY instrument_id, version";
  return storage::GetRows(conn_, {sql, kUseColumns}, params,
                          [&](const Row& row) -> absl::StatusOr<InstrumentUse> {
                            return InstrumentUse{.clinic_id = std::string(clinic_id),
                                                 .instrument_id = row.Text(0),
                                                 .version = static_cast<int>(row.Int64(1)),
                                                 .retired = row.Bool(2),
                                                 .retire_time = row.Time(3),
                                                 .retire_reason = row.Text(4),
                                                 .stamp = StampOf(row, 5)};
                          });
}

absl::Status SqlOutcomesTx::InsertInstrument(HeldInstrument& instrument, absl::Time now) {
  IPT_RETURN_IF_ERROR(StampNew(instrument.stamp, now));
  const Instrument& definition = instrument.definition;
  IPT_ASSIGN_OR_RETURN(
      const int64_t inserted,
      conn_.Execute(
          kInsertInstrument,
          {instrument.clinic_id, definition.id, definition.version,
           static_cast<int>(instrument.origin), WriteInstrument(definition),
           EncodeRespondents(instrument.respondents), EncodeStrings(instrument.risk_rules),
           storage::Bytes{instrument.stated}, instrument.caller, instrument.stamp.revision,
           instrument.stamp.create_time, instrument.stamp.update_time}));
  if (inserted != 0) return absl::OkStatus();
  return AlreadyExists(::ipt::reason::kResourceExists, kInstrumentType,
                       InstrumentName(instrument.clinic_id, definition.id),
                       "the version is taken: register the one after the newest");
}

absl::Status SqlOutcomesTx::PutInstrumentUse(InstrumentUse& use, absl::Time now) {
  IPT_RETURN_IF_ERROR(StampNew(use.stamp, now));
  return conn_.Query(
      kPutUse,
      {use.clinic_id, use.instrument_id, use.version, use.retired, use.retire_time,
       use.retire_reason, use.stamp.revision, use.stamp.create_time, use.stamp.update_time},
      [&](const Row& row) {
        use.stamp.create_time = row.Time(0);
        return absl::OkStatus();
      });
}

absl::StatusOr<OutcomePolicy> SqlOutcomesTx::GetPolicy(absl::string_view clinic_id) {
  OutcomePolicy policy;
  policy.clinic_id = std::string(clinic_id);
  IPT_RETURN_IF_ERROR(conn_.Query(kGetPolicy, {clinic_id}, [&](const Row& row) {
    policy.version = static_cast<int>(row.Int64(0));
    policy.stamp = StampOf(row, 2);
    return DecodePolicy(row.Text(1), policy);
  }));
  return policy;
}

absl::Status SqlOutcomesTx::PutPolicy(OutcomePolicy& policy, absl::Time now) {
  IPT_RETURN_IF_ERROR(StampNew(policy.stamp, now));
  return conn_.Query(kPutPolicy,
                     {policy.clinic_id, policy.version, EncodePolicy(policy), policy.stamp.revision,
                      policy.stamp.create_time, policy.stamp.update_time},
                     [&](const Row& row) {
                       policy.stamp.create_time = row.Time(0);
                       return absl::OkStatus();
                     });
}

}  // namespace ipt::outcomes
