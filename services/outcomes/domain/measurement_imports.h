// Bringing in measurements in bulk. An import's rows and how far it is are written together, a
// batch a transaction, so that it goes on where it was whatever happens. A row is checked before it
// is written: one that is refused leaves nothing, and stops no other.
//
// An import has one holder: who opens it (again) takes it over, and who was overtaken writes no
// more.
//
// Each function runs in the caller's transaction.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "course_copies/domain/course_copies.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/measurements.h"
#include "outcomes/domain/store.h"
#include "outcomes/domain/types.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {

// What is younger than this is no history: its risk alerts.
inline constexpr absl::Duration kYoungestHistory = absl::Hours(24 * 14);
// How long an import is kept, and can go on, after it was opened or had a row last.
inline constexpr absl::Duration kImportKept = absl::Hours(24 * 30);

struct OpenImportCommand {
  std::string import_id{};
  std::string holder{};  // of the caller's making, of this opening alone
  std::string display_name{};
  std::optional<absl::Time> history_before{};
  bool validate_only = false;
};
// Begins it, or takes it over. INVALID_FIELDS ("open.history_before_time") also where it was begun
// in another way.
absl::StatusOr<MeasurementImport> OpenImport(OutcomesTx& tx, const CallContext& ctx,
                                             const OpenImportCommand& command);

struct ImportedRow {
  int64_t row = 0;
  absl::Status readable{};  // why it could not be read: the rest is not set then
  std::string course_id{};
  MeasurementInput input{};
};
// What is known of the courses of rows, by id.
using CourseAnswers = std::map<std::string, courses::CourseAnswer, std::less<>>;

// What a batch came to.
struct ImportStep {
  MeasurementImport import{};  // as it is after it
  std::vector<ImportRowError> errors{};
  std::vector<std::string> recorded{};  // names
};
// Records the rows, the first of which is the import's next one. Whoever only checks rolls back.
// IMPORT_TAKEN_OVER; IMPORT_ROW_ORDER.
absl::StatusOr<ImportStep> ImportRows(OutcomesTx& tx, const CallContext& ctx, IdSource& ids,
                                      const Catalog& catalog, const MeasurementImport& import,
                                      absl::Span<const ImportedRow> rows,
                                      const CourseAnswers& courses);
// Notes how far it is now: in the transaction that recorded the rows, or where it only checks in
// one of its own. IMPORT_TAKEN_OVER.
absl::Status KeepImportStep(OutcomesTx& tx, const ImportStep& step);

// There are no more rows. IMPORT_TAKEN_OVER.
absl::StatusOr<MeasurementImport> CompleteImport(OutcomesTx& tx, const MeasurementImport& import);

// A row, or an opening, that is not the import's next one.
absl::Status OutOfOrder(const MeasurementImport& import);

}  // namespace ipt::outcomes
