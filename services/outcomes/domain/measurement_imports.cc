#include "outcomes/domain/measurement_imports.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "outcomes/domain/names.h"
#include "outcomes/domain/reasons.h"
#include "outcomes/domain/review_alerts.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"

namespace ipt::outcomes {
namespace {

// Of one row; more would say no more.
constexpr size_t kMostFieldsTold = 50;

std::string NameOf(const MeasurementImport& import) {
  return MeasurementImportName(import.clinic_id, import.import_id);
}

// What the domain refuses a row for. All else is no fault of the row.
bool IsRefusal(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsNotFound(status) ||
         absl::IsAlreadyExists(status) || absl::IsFailedPrecondition(status);
}

ImportRowError ErrorOf(int64_t row, const absl::Status& status) {
  ImportRowError error{.row = row,
                       .reason = ErrorReasonOf(status),
                       .fields = FieldViolationsOf(status),
                       .message = std::string(status.message())};
  if (error.fields.size() > kMostFieldsTold) error.fields.resize(kMostFieldsTold);
  return error;
}

// The import as it is stored, if `held` is still its holder.
absl::StatusOr<MeasurementImport> LockHeld(OutcomesTx& tx, const MeasurementImport& held) {
  IPT_ASSIGN_OR_RETURN(std::optional<MeasurementImport> stored,
                       tx.LockImport(held.clinic_id, held.import_id));
  if (!stored.has_value()) return NotFound(kMeasurementImportType, NameOf(held));
  if (stored->holder != held.holder) {
    return Aborted(reason::kImportTakenOver,
                   "another stream goes on with this import: open it again once that has ended");
  }
  return *std::move(stored);
}

bool IsHistory(const MeasurementImport& import, const ImportedRow& row) {
  return import.history_before.has_value() && row.input.complete_time < import.history_before;
}

const courses::CourseAnswer& AnswerOf(const CourseAnswers& courses, const std::string& course_id) {
  static const auto* const kNothing = new courses::CourseAnswer();
  const auto course = courses.find(course_id);
  return course == courses.end() ? *kNothing : course->second;
}

// Records rows, and reads each instrument only once.
class RowRecorder {
 public:
  RowRecorder(OutcomesTx& tx, const CallContext& ctx, IdSource& ids, const Catalog& catalog,
              const MeasurementImport& import, const OutcomePolicy& policy,
              const CourseAnswers& courses)
      : tx_(tx),
        ctx_(ctx),
        ids_(ids),
        catalog_(catalog),
        import_(import),
        policy_(policy),
        courses_(courses) {}

  absl::StatusOr<Recorded> Record(const ImportedRow& row) {
    IPT_RETURN_IF_ERROR(row.readable);
    RecordCommand command{.course_id = row.course_id,
                          .input = row.input,
                          .import_id = import_.import_id,
                          .history = IsHistory(import_, row)};
    if (!row.input.external_id.empty()) {
      IPT_ASSIGN_OR_RETURN(command.same_external_id,
                           tx_.FindByExternalId(ctx_.clinic_id, row.input.external_id));
    }
    int& version = command.input.instrument_version;
    if (version == 0 && command.same_external_id.has_value() &&
        command.same_external_id->instrument_id == command.input.instrument_id) {
      version =
          command.same_external_id->instrument_version;  // it answered the current one of then
    }
    const absl::StatusOr<HeldInstrument>& instrument =
        InstrumentOf(command.input.instrument_id, version);
    IPT_RETURN_IF_ERROR(instrument.status());
    return RecordOne(tx_, ctx_, ids_, catalog_, policy_, *instrument,
                     AnswerOf(courses_, row.course_id), std::move(command));
  }

 private:
  const absl::StatusOr<HeldInstrument>& InstrumentOf(const std::string& id, int version) {
    const auto [found, is_new] =
        instruments_.try_emplace({id, version}, absl::UnknownError("not looked for"));
    if (is_new) found->second = FindInstrument(tx_, catalog_, ctx_.clinic_id, id, version);
    return found->second;
  }

  OutcomesTx& tx_;
  const CallContext& ctx_;
  IdSource& ids_;
  const Catalog& catalog_;
  const MeasurementImport& import_;
  const OutcomePolicy& policy_;
  const CourseAnswers& courses_;
  std::map<std::pair<std::string, int>, absl::StatusOr<HeldInstrument>> instruments_;
};

}  // namespace

absl::Status OutOfOrder(const MeasurementImport& import) {
  return FailedPrecondition(reason::kImportRowOrder, NameOf(import),
                            import.complete
                                ? "the import is complete: bring in more rows by another one"
                                : "rows are told in order, each number one more than the one "
                                  "before: go on with next_row",
                            {{"next_row", absl::StrCat(import.next_row)}});
}

absl::StatusOr<MeasurementImport> OpenImport(OutcomesTx& tx, const CallContext& ctx,
                                             const OpenImportCommand& command) {
  IPT_ASSIGN_OR_RETURN(std::optional<MeasurementImport> stored,
                       tx.LockImport(ctx.clinic_id, command.import_id));
  FieldViolations bad;
  FieldViolations in = bad.In("open");
  if (command.history_before.has_value() && *command.history_before > ctx.now - kYoungestHistory) {
    in.Add("history_before_time", "must be at least 14 days ago: younger risk has to alert");
  }
  if (stored.has_value() && stored->history_before != command.history_before) {
    in.Add("history_before_time", "must be as when the import was begun");
  }
  if (stored.has_value() && stored->validate_only != command.validate_only) {
    in.Add("validate_only", "must be as when the import was begun");
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  if (stored.has_value()) {
    stored->holder = command.holder;
    stored->update_time = ctx.now;
    IPT_RETURN_IF_ERROR(tx.UpdateImport(*stored));
    return *std::move(stored);
  }
  MeasurementImport import{.clinic_id = ctx.clinic_id,
                           .import_id = command.import_id,
                           .display_name = command.display_name,
                           .history_before = command.history_before,
                           .validate_only = command.validate_only,
                           .holder = command.holder,
                           .create_time = ctx.now,
                           .update_time = ctx.now};
  IPT_ASSIGN_OR_RETURN(const bool inserted, tx.InsertImport(import));
  if (!inserted) {
    return Aborted(::ipt::reason::kStoreConflict,
                   "this import was opened at the same time: open it again");
  }
  return import;
}

absl::StatusOr<ImportStep> ImportRows(OutcomesTx& tx, const CallContext& ctx, IdSource& ids,
                                      const Catalog& catalog, const MeasurementImport& import,
                                      absl::Span<const ImportedRow> rows,
                                      const CourseAnswers& courses) {
  ImportStep step;
  IPT_ASSIGN_OR_RETURN(step.import, LockHeld(tx, import));
  MeasurementImport& after = step.import;
  if (rows.empty() || rows.front().row != after.next_row || after.complete) {
    return OutOfOrder(after);
  }
  IPT_ASSIGN_OR_RETURN(const OutcomePolicy policy, tx.GetPolicy(ctx.clinic_id));
  // In one order, so that two imports do not wait for each other.
  std::set<std::string> scopes;
  for (const ImportedRow& row : rows) {
    if (row.readable.ok()) scopes.insert(row.course_id);
  }
  for (const std::string& course_id : scopes) {
    IPT_RETURN_IF_ERROR(tx.LockScope(ctx.clinic_id, course_id));
  }
  for (const std::string& course_id : scopes) {
    IPT_RETURN_IF_ERROR(tx.LockCourseResult(ctx.clinic_id, course_id));
  }
  RowRecorder recorder(tx, ctx, ids, catalog, import, policy, courses);
  // The last one that is no history, by course and instrument.
  std::map<std::pair<std::string, std::string>, Measurement> to_review;
  for (const ImportedRow& row : rows) {
    if (row.row != after.next_row) return OutOfOrder(after);
    const absl::StatusOr<Recorded> recorded = recorder.Record(row);
    if (!recorded.ok()) {
      if (!IsRefusal(recorded.status())) return recorded.status();
      step.errors.push_back(ErrorOf(row.row, recorded.status()));
      ++after.failed_rows;
    } else if (recorded->known) {
      ++after.known_rows;
    } else {
      const Measurement& measurement = recorded->measurement;
      ++after.recorded_rows;
      after.alerts += std::count_if(measurement.risks.begin(), measurement.risks.end(),
                                    [](const HeldRisk& risk) { return !risk.alert_id.empty(); });
      step.recorded.push_back(MeasurementName(measurement.clinic_id, measurement.course_id,
                                              measurement.measurement_id));
      if (!IsHistory(import, row)) {
        to_review[{measurement.course_id, measurement.instrument_id}] = measurement;
      }
    }
    ++after.next_row;
  }
  // Once a batch: what holds now is told, not what held between two of its rows.
  for (const auto& [of, measurement] : to_review) {
    IPT_ASSIGN_OR_RETURN(
        const int reviews,
        RaiseReviews(tx, ids, catalog, policy, AnswerOf(courses, of.first), measurement, ctx.now));
    after.alerts += reviews;
  }
  after.update_time = ctx.now;
  return step;
}

absl::Status KeepImportStep(OutcomesTx& tx, const ImportStep& step) {
  IPT_RETURN_IF_ERROR(LockHeld(tx, step.import).status());
  if (!step.import.validate_only) {
    for (const std::string& name : step.recorded) tx.log().NoteChanged(name);
  }
  IPT_RETURN_IF_ERROR(tx.AddImportErrors(step.import, step.errors));
  return tx.UpdateImport(step.import);
}

absl::StatusOr<MeasurementImport> CompleteImport(OutcomesTx& tx, const MeasurementImport& import) {
  IPT_ASSIGN_OR_RETURN(MeasurementImport stored, LockHeld(tx, import));
  stored.complete = true;
  IPT_RETURN_IF_ERROR(tx.UpdateImport(stored));
  return stored;
}

}  // namespace ipt::outcomes
