// Recording measurements, correcting them, taking them back. A measurement keeps the answers as
// they were given, the version that they answer, and what was scored of them by that version; a
// correction is a new revision beside the one before; one that is taken back stays to be read and
// counts nowhere.
//
// Each function runs in the caller's transaction. What it refuses, it refuses before it writes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/store.h"
#include "outcomes/domain/types.h"
#include "platform/errors/field_violations.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {

// How far ahead of the server's clock a form may have been completed: a clock's error.
inline constexpr absl::Duration kCompletedAhead = absl::Minutes(5);
// A measurement that was corrected so often is taken back, and recorded anew.
inline constexpr int kMostRevisions = 100;

// What a caller states of a measurement. `complete_time` unset: now.
struct MeasurementInput {
  std::string instrument_id{};
  int instrument_version = 0;  // 0: the current one
  std::vector<GivenAnswer> answers{};
  std::vector<ReportedScore> reported{};
  AnsweredBy respondent = AnsweredBy::kUnspecified;
  AnswerMode mode = AnswerMode::kUnspecified;
  std::string language{};
  std::optional<absl::Time> complete_time{};
  std::string session_id{};
  std::string external_id{};
};

// Scores `input` by the instrument: fills in what its answers count, and gives the scores and risks
// that are kept. Adds every answer that cannot be to `bad`, under the names that the contract has
// in a Measurement ("answers.answers[3].value").
struct Scored {
  std::vector<GivenAnswer> answers{};  // with implied ones
  std::vector<HeldScore> scores{};
  std::vector<HeldRisk> risks{};
};
absl::StatusOr<Scored> ScoreMeasurement(const HeldInstrument& instrument,
                                        const OutcomePolicy& policy, const MeasurementInput& input,
                                        FieldViolations& bad);

// `course`: what is known of it. COMPLETED_IN_FUTURE; MEASUREMENT_EXISTS; INSTRUMENT_RETIRED;
// INVALID_FIELDS; NOT_FOUND for an instrument that the clinic does not have, and for a course or
// session that scheduling says there is not.
absl::StatusOr<Measurement> RecordMeasurement(OutcomesTx& tx, const CallContext& ctx, IdSource& ids,
                                              const Catalog& catalog,
                                              const courses::CourseAnswer& course,
                                              absl::string_view course_id,
                                              absl::string_view measurement_id,
                                              MeasurementInput input);

// The same for who records many: what is alike for all of them is read before, the course's scope
// is locked, and reviews are raised afterwards (review_alerts.h).
struct RecordCommand {
  std::string course_id{};
  std::string measurement_id{};  // empty: a new one
  MeasurementInput input{};
  // The clinic's with input.external_id, as FindByExternalId gives it.
  std::optional<Measurement> same_external_id{};
  std::string import_id{};  // that brings it in; empty: none
  bool history = false;     // its risk is kept, and raises no alert
};
struct Recorded {
  Measurement measurement{};  // without `superseded`
  // Of an import: it was there already, by its external_id and with the same content.
  bool known = false;
};
absl::StatusOr<Recorded> RecordOne(OutcomesTx& tx, const CallContext& ctx, IdSource& ids,
                                   const Catalog& catalog, const OutcomePolicy& policy,
                                   const HeldInstrument& instrument,
                                   const courses::CourseAnswer& course, RecordCommand command);

struct CorrectionCommand {
  MeasurementInput input{};  // all of it, merged; its instrument is the measurement's
  std::string reason{};
};
// `before` was read in this transaction, with its course's scope locked. MEASUREMENT_STATE for one
// that was taken back, MEASUREMENT_HISTORY_FULL.
absl::StatusOr<Measurement> CorrectMeasurement(OutcomesTx& tx, const CallContext& ctx,
                                               IdSource& ids, const Catalog& catalog,
                                               const courses::CourseAnswer& course,
                                               const Measurement& before,
                                               CorrectionCommand command);

struct TakeBackCommand {
  std::string course_id{};
  std::string measurement_id{};
  int64_t if_revision = 0;  // 0: any
  EnteredInErrorReason reason = EnteredInErrorReason::kUnspecified;
  std::string note{};
};
struct TakenBack {
  Measurement measurement{};
  std::vector<std::string> open_alert_ids{};  // oldest first
};
absl::StatusOr<TakenBack> TakeBackMeasurement(OutcomesTx& tx, const CallContext& ctx,
                                              const TakeBackCommand& command);

// REVISION: the present state for 0 or its own number. NOT_FOUND for one that there is not.
absl::StatusOr<Measurement> ReadRevision(OutcomesReader& reader, absl::string_view clinic_id,
                                         absl::string_view course_id,
                                         absl::string_view measurement_id, int revision_number);

}  // namespace ipt::outcomes
