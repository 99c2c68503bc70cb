#include "formulation/storage/told_findings.h"

#include "platform/errors/status_macros.h"

namespace ipt::formulation {
namespace {

using storage::ColumnType;
using storage::Connection;
using storage::Row;
using storage::Statement;

constexpr Statement kNextClinic = {
    "SELECT clinic_id FROM formulations WHERE clinic_id > :after ORDER BY clinic_id LIMIT 1",
    {ColumnType::kText}};
constexpr Statement kList = {"SELECT course_id, told FROM told_findings WHERE clinic_id = :clinic",
                             {ColumnType::kText, ColumnType::kText}};
constexpr Statement kInsert = {
    "INSERT INTO told_findings (clinic_id, course_id, told) VALUES (:clinic, :course, :told) "
    "ON CONFLICT (clinic_id, course_id) DO NOTHING"};
constexpr Statement kUpdate = {
    "UPDATE told_findings SET told = :told WHERE clinic_id = :clinic AND course_id = :course "
    "AND told = :before"};
constexpr Statement kDelete = {
    "DELETE FROM told_findings WHERE clinic_id = :clinic AND course_id = :course"};

storage::CallOptions Until(absl::Time deadline) {
  storage::CallOptions options;
  options.deadline = deadline;
  return options;
}

}  // namespace

absl::StatusOr<std::optional<std::string>> ToldFindings::NextClinic(absl::string_view after,
                                                                    absl::Time deadline) {
  std::optional<std::string> next;
  IPT_RETURN_IF_ERROR(db_.Read(Until(deadline), [&](Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(
        next, conn.QueryOne(kNextClinic, {after}, [](const Row& row) { return row.Text(0); }));
    return absl::OkStatus();
  }));
  return next;
}

absl::StatusOr<std::map<std::string, std::string>> ToldFindings::List(absl::string_view clinic_id,
                                                                      absl::Time deadline) {
  std::map<std::string, std::string> told;
  IPT_RETURN_IF_ERROR(db_.Read(Until(deadline), [&](Connection& conn) {
    told.clear();
    return conn.Query(kList, {clinic_id}, [&](const Row& row) {
      told.emplace(row.Text(0), row.Text(1));
      return absl::OkStatus();
    });
  }));
  return told;
}

absl::StatusOr<bool> ToldFindings::Put(absl::string_view clinic_id, absl::string_view course_id,
                                       const std::optional<std::string>& before,
                                       absl::string_view told, absl::Time deadline) {
  int64_t written = 0;
  IPT_RETURN_IF_ERROR(db_.Write(Until(deadline), [&](Connection& conn) -> absl::Status {
    if (before.has_value()) {
      IPT_ASSIGN_OR_RETURN(written, conn.Execute(kUpdate, {told, clinic_id, course_id, *before}));
    } else {
      IPT_ASSIGN_OR_RETURN(written, conn.Execute(kInsert, {clinic_id, course_id, told}));
    }
    return absl::OkStatus();
  }));
  return written > 0;
}

absl::Status ToldFindings::Drop(absl::string_view clinic_id, absl::string_view course_id,
                                absl::Time deadline) {
  return db_.Write(Until(deadline), [&](Connection& conn) {
    return conn.Execute(kDelete, {clinic_id, course_id}).status();
  });
}

}  // namespace ipt::formulation
