// What became of a course: each scale's trajectory, and over its measures of depression and anxiety
// the course's result. Made anew at every read, of the measurements as they stand (corrected ones
// by their present revision, none that was taken back), the clinic's policy, and what is known of
// the course in scheduling. Its focus stands beside them and changes none of them. Where nothing is
// known of it, scores go by their dates alone: all of them are of the course, in days of UTC, and
// there are no weeks, phases or counts of sessions.
//
// EvaluateOutcomes is a pure function; LoadOutcomes reads through the port and calls it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "outcomes/domain/alert_types.h"
#include "outcomes/domain/course_focus.h"
#include "outcomes/domain/drop_out.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/recovery.h"
#include "outcomes/domain/store.h"
#include "outcomes/domain/trajectory.h"
#include "outcomes/domain/types.h"

namespace ipt::outcomes {

// Why a score does not count in its series; the contract's numbers.
enum class Exclusion {
  kCounts = 0,
  kInvalid,
  kSuperseded,
  kOtherRange,
  kOtherVersion,
  kBindingProblem,
  kBeforeCourse
};

// One score of a series.
struct SeriesScore {
  size_t measurement = 0;  // of CourseOutcomes::measurements
  size_t score = 0;        // of its scores
  absl::CivilDay day;      // of its completion, in the course's zone
  CoursePart part = CoursePart::kUnspecified;
  Exclusion exclusion = Exclusion::kCounts;
  std::optional<size_t> placed{};  // of trajectory.scores; unset: it was not placed
};

// The scores of one scale, of one kind of respondent.
struct ScaleSeries {
  HeldInstrument instrument{};  // the version of its newest score
  std::string scale{};
  AnsweredBy respondent = AnsweredBy::kUnspecified;
  MeasureRules rules{};
  // The definition's, that the rules were made of.
  std::optional<CutOff> cut_off{};
  std::optional<ReliableChange> reliable_change{};
  std::vector<SeriesScore> scores{};  // by completion
  Trajectory trajectory{};
  bool watched = false;  // the rules of not on track are asked of it

  // The one that stands for a place in the trajectory.
  const SeriesScore& Placed(size_t placed) const;
};

enum class OutcomeState { kUnspecified = 0, kSoFar, kFinal, kVoid };

struct CourseOutcomes {
  std::string clinic_id{};
  std::string course_id{};
  OutcomePolicy policy{};
  courses::CourseAnswer course{};
  // Bound to the course as it is known now; without those that were taken back.
  std::vector<Measurement> measurements{};  // by completion
  // Measures of depression and anxiety first, then by instrument, scale and respondent.
  std::vector<ScaleSeries> series{};
  std::vector<Signal> missed{};  // that too many measures were missed in a row; see due_list.h
  std::string missed_of{};       // the instrument's name, of these
  std::vector<Alert> alerts{};   // by completion
  std::optional<CourseFocus> focus{};  // nullopt: none agreed, or not known
  FormulationAge formulation{};        // that `focus` is as of
  int64_t revision = 0;                // of the store, that all of this is of

  // Which scores were taken as first and last, in words.
  std::string score_choice{};
  int attended_sessions = 0;                        // of the treatment
  OutcomeState state = OutcomeState::kUnspecified;  // kUnspecified: nothing is known of the course
  std::string depression_instrument_id{};
  std::string anxiety_instrument_id{};
  RecoveryResult recovery{};
  // Whether the course is finished is not known.
  bool unverified = false;
  int drop_out_definition = 0;  // the contract's number
  std::optional<bool> drop_out{};
};

struct OutcomeQuery {
  std::string course_id{};
  bool all_scales = false;      // else totals
  std::string instrument_id{};  // only this one's measurements; empty: all
};

struct OutcomeInput {
  std::string clinic_id{};
  OutcomeQuery query{};
  OutcomePolicy policy{};
  courses::CourseAnswer course{};
  std::vector<HeldInstrument> instruments{};  // all versions of those that were measured with
  std::vector<Measurement> measurements{};    // of the course, also those taken back
};

// Fails where a measurement's instrument is not among `instruments`, and where the course's time
// zone is none.
absl::StatusOr<CourseOutcomes> EvaluateOutcomes(OutcomeInput input);

// NOT_FOUND where nothing is known of such a course and nothing was measured in it.
absl::StatusOr<CourseOutcomes> LoadOutcomes(OutcomesReader& reader, const Catalog& catalog,
                                            absl::string_view clinic_id, const OutcomeQuery& query,
                                            const courses::CourseAnswer& course, absl::Time now);

// The policy's measure of depression.
std::string DepressionInstrument(const OutcomePolicy& policy);
// The instrument that the rules of not on track are asked of.
std::string WatchedInstrument(const OutcomePolicy& policy);
// The policy's definition of drop-out.
DropOutDefinition DropOutOf(const OutcomePolicy& policy);

// Of the query's course (and instrument), by completion, those taken back among them. `window`: the
// policy's.
absl::StatusOr<std::vector<Measurement>> MeasurementsOf(OutcomesReader& reader,
                                                        absl::string_view clinic_id,
                                                        const OutcomeQuery& query,
                                                        absl::Duration window);
// The course's, resolved ones among them, by raising.
absl::StatusOr<std::vector<Alert>> AlertsOf(OutcomesReader& reader, absl::string_view clinic_id,
                                            const std::string& course_id);

// The series that speaks for a measure: what the patients answered by themselves, else what was
// read to them, else what a clinician rated. nullptr where none has a score that counts.
const ScaleSeries* SpeakingSeries(const std::vector<ScaleSeries>& series,
                                  absl::string_view instrument_id);

// What a rule would have expected at most, of a signal of this series. nullopt: it states none.
std::optional<double> ExpectedBy(const ScaleSeries& series, const Signal& signal);

}  // namespace ipt::outcomes
