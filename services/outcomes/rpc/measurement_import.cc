#include "outcomes/rpc/measurement_import.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "outcomes/domain/binding.h"
#include "outcomes/domain/names.h"
#include "outcomes/rpc/measurement_proto.h"
#include "platform/errors/error.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/resource_name.h"
#include "platform/rpc/write_once.h"

namespace ipt::outcomes {
namespace {

// Rows a transaction: far more than a sync to disk is worth, and few enough that whoever records a
// measurement meanwhile hardly waits for them.
constexpr size_t kRowsACommit = 100;
// Errors of before in one response: each may name many fields.
constexpr int kErrorsAResponse = 100;
// Lost races with other writers, which a batch may try again.
constexpr int kMostAttempts = 3;

bool IsConflict(const absl::Status& status) {
  return absl::IsAborted(status) && ErrorReasonOf(status) == ::ipt::reason::kStoreConflict;
}

// Audits of an import are found by its id.
absl::Status AuditImport(OutcomesTx& tx, CallContext ctx, const MeasurementImport& import,
                         size_t rows = 1) {
  ctx.request_id = import.import_id;
  return rpc::AuditWrite(tx.log(), ctx, MeasurementImportName(import.clinic_id, import.import_id),
                         static_cast<int64_t>(rows));
}

}  // namespace

void WriteImport(const MeasurementImport& import, pb::MeasurementImport* out) {
  out->Clear();
  out->set_name(MeasurementImportName(import.clinic_id, import.import_id));
  out->set_display_name(import.display_name);
  out->set_next_row(import.next_row);
  out->set_recorded_rows(import.recorded_rows);
  out->set_known_rows(import.known_rows);
  out->set_failed_rows(import.failed_rows);
  out->set_alerts(import.alerts);
  out->set_complete(import.complete);
  out->set_validate_only(import.validate_only);
  rpc::WriteTime(import.create_time, out->mutable_create_time());
  rpc::WriteTime(import.update_time, out->mutable_update_time());
}

absl::StatusOr<std::unique_ptr<ImportStream>> ImportStream::Open(
    const Parts& parts, const CallContext& ctx, const pb::ImportMeasurementsRequest& first) {
  if (!first.has_open()) {
    return InvalidField("open", "is required in the first message of the stream");
  }
  const pb::ImportOpen& open = first.open();
  FieldViolations bad;
  FieldViolations in = bad.In("open");
  if (open.parent().empty()) in.Add("parent", "is required");
  if (!IsUuid(open.import_id())) {
    in.Add("import_id", "is required: a UUID of your making, the same to go on with the import");
  }
  OpenImportCommand command{.import_id = absl::AsciiStrToLower(open.import_id()),
                            .holder = parts.ids.NewUuid(),
                            .display_name = open.display_name(),
                            .validate_only = open.validate_only()};
  if (open.has_history_before_time()) {
    command.history_before = rpc::ReadTime(open.history_before_time(), in, "history_before_time");
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  MeasurementImport import;
  IPT_RETURN_IF_ERROR(parts.store.Write(ctx.deadline, [&](OutcomesTx& tx) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(import, OpenImport(tx, ctx, command));
    return AuditImport(tx, ctx, import);
  }));
  return std::unique_ptr<ImportStream>(new ImportStream(parts, std::move(import)));
}

ImportedRow ImportStream::ReadRow(const CallContext& ctx, const pb::ImportRow& in) const {
  ImportedRow row{.row = in.row()};
  FieldViolations bad;
  rpc::RequestFacts facts;
  parts_.row_rules.Check(in, bad, facts);
  if (in.course().empty()) bad.Add("course", "is required");
  if (!facts.clinic_id.empty() && facts.clinic_id != ctx.clinic_id) {
    bad.Add("course", "must be of the clinic that the import was opened for");
  }
  if (!in.has_measurement()) {
    bad.Add("measurement", "is required");
  } else if (!in.measurement().has_complete_time()) {
    bad.Add("measurement.complete_time", "is required in an import");
  }
  if (bad.empty()) {
    row.course_id = rpc::IdsOf(in.course())[1];
    FieldViolations at = bad.In("measurement");
    row.input = ReadMeasurement(in.measurement(), row.course_id, at);
  }
  row.readable = bad.ToStatus();
  return row;
}

absl::Status ImportStream::OnMessage(const CallContext& ctx,
                                     const pb::ImportMeasurementsRequest& message) {
  if (message.has_open()) return InvalidField("open", "only the first message opens the stream");
  if (!message.has_rows()) return InvalidField("rows", "is required");
  if (message.rows().rows().empty()) return InvalidField("rows.rows", "must have 1 to 500 rows");
  if (import_.complete) return OutOfOrder(import_);
  for (const pb::ImportRow& in : message.rows().rows()) {
    if (in.row() != import_.next_row + static_cast<int64_t>(rows_.size())) {
      return OutOfOrder(import_);
    }
    rows_.push_back(ReadRow(ctx, in));
  }
  return absl::OkStatus();
}

bool ImportStream::WantsMessage() const { return rows_.size() < kRowsACommit; }

void ImportStream::OnClientDone(const CallContext&) { client_done_ = true; }

pb::ImportMeasurementsResponse ImportStream::Respond(
    const std::vector<ImportRowError>& errors) const {
  pb::ImportMeasurementsResponse response;
  WriteImport(import_, response.mutable_progress());
  for (const ImportRowError& error : errors) {
    pb::ImportRowError* written = response.add_errors();
    written->set_row(error.row);
    written->set_reason(error.reason);
    written->set_message(error.message);
    for (const FieldViolation& violation : error.fields) {
      pb::ImportFieldError* field = written->add_fields();
      field->set_field(violation.field);
      field->set_description(violation.description);
    }
  }
  return response;
}

absl::StatusOr<rpc::Next<pb::ImportMeasurementsResponse>> ImportStream::NextResponse(
    const CallContext& ctx) {
  if (telling_of_before_) return TellOfBefore(ctx);
  if (!rows_.empty()) return Commit(ctx);
  if (!client_done_) return Next::Later();
  if (told_complete_) return Next::End();
  return Complete(ctx);
}

absl::StatusOr<rpc::Next<pb::ImportMeasurementsResponse>> ImportStream::TellOfBefore(
    const CallContext& ctx) {
  std::vector<ImportRowError> errors;
  if (import_.failed_rows > 0) {
    IPT_RETURN_IF_ERROR(
        parts_.store.Read(ctx.deadline, [&](OutcomesReader& reader) -> absl::Status {
          IPT_ASSIGN_OR_RETURN(errors, reader.ListImportErrors(import_.clinic_id, import_.import_id,
                                                               told_row_, kErrorsAResponse));
          return absl::OkStatus();
        }));
  }
  telling_of_before_ = errors.size() == kErrorsAResponse;
  if (!errors.empty()) told_row_ = errors.back().row;
  return Next::Send(Respond(errors));
}

absl::StatusOr<CourseAnswers> ImportStream::FindCourses(const CallContext& ctx,
                                                        std::vector<ImportedRow>& batch) const {
  std::map<std::string, std::set<std::string>> sessions;  // that are stated, by course
  for (const ImportedRow& row : batch) {
    if (row.readable.ok()) sessions[row.course_id].insert(row.input.session_id);
  }
  // The other half is for recording.
  const absl::Time enough = ctx.now + (ctx.deadline - ctx.now) / 2;
  CallContext ask = ctx;
  CourseAnswers courses;
  for (size_t i = 0; i < batch.size(); ++i) {
    const std::string& course_id = batch[i].course_id;
    if (!batch[i].readable.ok() || courses.contains(course_id)) continue;
    if (!courses.empty() && parts_.clock.Now() > enough) {
      batch.resize(i);
      break;
    }
    courses::CourseAnswer& answer = courses[course_id];
    for (const std::string& session_id : sessions[course_id]) {
      // What asking may take counts from now, for each of them.
      ask.now = parts_.clock.Now();
      IPT_ASSIGN_OR_RETURN(answer, FindCourseOf(parts_.courses, ask, course_id, session_id));
      // Whatever else is stated: there is nothing newer than an answer to a session that is absent.
      if (!answer.course.has_value() || answer.course->FindSession(session_id) == nullptr) {
        if (!session_id.empty()) break;
      }
    }
  }
  return courses;
}

absl::StatusOr<ImportStep> ImportStream::Record(const CallContext& ctx,
                                                const std::vector<ImportedRow>& batch,
                                                const CourseAnswers& courses) {
  ImportStep step;
  bool tried = false;
  const auto audited = [&](OutcomesTx& tx) -> absl::Status {
    IPT_RETURN_IF_ERROR(KeepImportStep(tx, step));
    return AuditImport(tx, ctx, step.import, batch.size());
  };
  const absl::Status status = parts_.store.Write(ctx.deadline, [&](OutcomesTx& tx) -> absl::Status {
    tried = false;
    IPT_ASSIGN_OR_RETURN(step,
                         ImportRows(tx, ctx, parts_.ids, parts_.catalog, import_, batch, courses));
    if (!import_.validate_only) return audited(tx);
    tried = true;
    return absl::CancelledError("validate_only");
  });
  if (!tried) {
    IPT_RETURN_IF_ERROR(status);
  } else {
    // What was only tried is rolled back; how far it was tried is kept.
    IPT_RETURN_IF_ERROR(parts_.store.Write(ctx.deadline, audited));
  }
  return step;
}

absl::StatusOr<rpc::Next<pb::ImportMeasurementsResponse>> ImportStream::Commit(
    const CallContext& ctx) {
  const auto most = static_cast<long>(std::min(rows_.size(), kRowsACommit));
  std::vector<ImportedRow> batch(rows_.begin(), rows_.begin() + most);
  IPT_ASSIGN_OR_RETURN(const CourseAnswers courses, FindCourses(ctx, batch));
  absl::StatusOr<ImportStep> step = Record(ctx, batch, courses);
  for (int attempt = 1; attempt < kMostAttempts && IsConflict(step.status()); ++attempt) {
    step = Record(ctx, batch, courses);
  }
  IPT_RETURN_IF_ERROR(step.status());
  rows_.erase(rows_.begin(), rows_.begin() + static_cast<long>(batch.size()));
  import_ = std::move(step->import);
  return Next::Send(Respond(step->errors));
}

absl::StatusOr<rpc::Next<pb::ImportMeasurementsResponse>> ImportStream::Complete(
    const CallContext& ctx) {
  told_complete_ = true;
  if (import_.complete) return Next::End();
  IPT_RETURN_IF_ERROR(parts_.store.Write(ctx.deadline, [&](OutcomesTx& tx) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(import_, CompleteImport(tx, import_));
    return AuditImport(tx, ctx, import_);
  }));
  return Next::Send(Respond({}));
}

}  // namespace ipt::outcomes
