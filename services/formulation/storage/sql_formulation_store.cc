#include "formulation/storage/sql_formulation_store.h"

#include <utility>

#include "formulation/domain/names.h"
#include "formulation/storage/formulation_json.h"
#include "formulation/storage/sql_formulation_tx.h"
#include "platform/storage/revision.h"
#include "platform/storage/write_scope.h"

namespace ipt::formulation {
namespace {

using storage::ColumnType;
using storage::Row;
using storage::Statement;

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kText = ColumnType::kText;

constexpr Statement kGetPolicy = {
    "SELECT version, policy, revision, created_us, updated_us FROM formulation_policies "
    "WHERE clinic_id = :clinic",
    {kInt, kText, kInt, kInt, kInt}};
constexpr Statement kPutPolicy = {
    "INSERT INTO formulation_policies (clinic_id, version, policy, revision, created_us, "
    "updated_us) VALUES (:clinic, :version, :policy, :revision, :created, :updated) "
    "ON CONFLICT (clinic_id) DO UPDATE SET version = excluded.version, policy = excluded.policy, "
    "revision = excluded.revision, updated_us = excluded.updated_us RETURNING created_us",
    {kInt}};

}  // namespace

absl::Status SqlFormulationStore::Read(absl::Time deadline,
                                       absl::FunctionRef<absl::Status(FormulationReader&)> body) {
  storage::CallOptions options;
  options.deadline = deadline;
  return db_.Read(options, [&](storage::Connection& conn) {
    SqlFormulationTx tx(conn, encoder_);
    return body(tx);
  });
}

absl::Status SqlFormulationStore::Write(absl::Time deadline,
                                        absl::FunctionRef<absl::Status(FormulationTx&)> body) {
  storage::CallOptions options;
  options.deadline = deadline;
  const absl::Status status = db_.Write(options, [&](storage::Connection& conn) {
    SqlFormulationTx tx(conn, encoder_);
    return body(tx);
  });
  // A store that went away during the commit may have committed.
  if (on_committed_ != nullptr && (status.ok() || absl::IsUnavailable(status))) on_committed_();
  return status;
}

absl::Status SqlFormulationTx::Emit(const Event& event, absl::Time now) {
  EventEncoder::Encoded encoded = encoder_.Encode(event);
  return log_.AppendEvent({.clinic_id = std::move(encoded.clinic_id),
                           .subject = std::move(encoded.subject),
                           .kind = std::move(encoded.kind),
                           .payload = std::move(encoded.payload),
                           .time = now});
}

absl::StatusOr<int64_t> SqlFormulationTx::CurrentRevision() {
  return storage::CurrentRevision(conn_);
}

absl::Status SqlFormulationTx::LockScope(absl::string_view clinic_id, absl::string_view course_id) {
  return storage::LockWriteScope(conn_, clinic_id, course_id);
}

absl::StatusOr<FormulationPolicy> SqlFormulationTx::GetPolicy(absl::string_view clinic_id) {
  FormulationPolicy policy{.clinic_id = std::string(clinic_id)};
  IPT_RETURN_IF_ERROR(conn_.Query(kGetPolicy, {clinic_id}, [&](const Row& row) {
    policy.version = static_cast<int>(row.Int64(0));
    policy.stamp = StampOf(row, 2);
    return DecodePolicy(row.Text(1), policy);
  }));
  return policy;
}

absl::Status SqlFormulationTx::PutPolicy(FormulationPolicy& policy, absl::Time now) {
  IPT_RETURN_IF_ERROR(SetStamp(policy.stamp, now));
  return conn_.Query(kPutPolicy,
                     {policy.clinic_id, policy.version, EncodePolicy(policy), policy.stamp.revision,
                      policy.stamp.create_time, policy.stamp.update_time},
                     [&](const Row& row) {
                       policy.stamp.create_time = row.Time(0);
                       return absl::OkStatus();
                     });
}

absl::Status SqlFormulationTx::Insert(const Statement& statement, Params params,
                                      absl::string_view type, absl::string_view name) {
  IPT_ASSIGN_OR_RETURN(const int64_t inserted, conn_.Execute(statement, params));
  if (inserted != 0) return absl::OkStatus();
  return AlreadyExists(::ipt::reason::kResourceExists, type, name,
                       "the id is taken: choose another one");
}

absl::Status SqlFormulationTx::ExecuteOnRow(const Statement& statement, Params params,
                                            absl::string_view type, absl::string_view name) {
  IPT_ASSIGN_OR_RETURN(const int64_t affected, conn_.Execute(statement, params));
  return affected != 0 ? absl::OkStatus() : NotFound(type, name);
}

absl::Status SqlFormulationTx::SetStamp(Stamp& stamp, absl::Time now) {
  const bool is_new = stamp.revision == 0;
  IPT_ASSIGN_OR_RETURN(stamp.revision, log_.Revision());
  stamp.update_time = absl::FromUnixMicros(absl::ToUnixMicros(now));
  if (is_new) stamp.create_time = stamp.update_time;
  return absl::OkStatus();
}

Stamp StampOf(const Row& row, size_t revision_column) {
  return {.revision = row.Int64(revision_column),
          .create_time = row.Time(revision_column + 1),
          .update_time = row.Time(revision_column + 2)};
}

}  // namespace ipt::formulation
