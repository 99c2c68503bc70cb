#include "platform/storage/write_scope.h"

#include "platform/errors/status_macros.h"

namespace ipt::storage {
namespace {

constexpr Statement kAddScope = {
    "INSERT INTO write_scopes (clinic_id, course_id) VALUES (:clinic, :course) "
    "ON CONFLICT (clinic_id, course_id) DO NOTHING"};
constexpr Statement kLockScope = {
    "SELECT 1 FROM write_scopes WHERE clinic_id = :clinic AND course_id = :course "
    "FOR NO KEY UPDATE",
    {ColumnType::kInt64}};

}  // namespace

absl::Status LockWriteScope(Connection& conn, absl::string_view clinic_id,
                            absl::string_view course_id) {
  if (conn.dialect() == Dialect::kSqlite) return absl::OkStatus();
  IPT_RETURN_IF_ERROR(conn.Execute(kAddScope, {clinic_id, course_id}).status());
  return conn.Query(kLockScope, {clinic_id, course_id},
                    [](const Row&) { return absl::OkStatus(); });
}

}  // namespace ipt::storage
