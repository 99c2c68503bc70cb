// What the outcomes service keeps: instruments of a clinic, measurements with what was scored of
// them, the clinic's policy. Plain values. Enumerations have the contract's numbers, 0 for what is
// not stated.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "outcomes/domain/instrument.h"
#include "outcomes/domain/scoring.h"
#include "platform/errors/error.h"

namespace ipt::outcomes {

// What every row says of its own writes.
struct Stamp {
  int64_t revision = 0;  // 0: never written
  absl::Time create_time{};
  absl::Time update_time{};
};

// Who gave answers, and how. (Respondent is an instrument's own, coarser word.)
enum class AnsweredBy { kUnspecified = 0, kSelf, kClinicianRead, kProxy, kClinicianRated };

// ----------------------------------------------------------------------------------- instruments

enum class InstrumentOrigin { kUnspecified = 0, kSuite, kClinic, kLicensedPack };

// What a clinic decided of a version of an instrument, the suite's or its own.
struct InstrumentUse {
  std::string clinic_id{};
  std::string instrument_id{};
  int version = 0;
  bool retired = false;
  absl::Time retire_time{};  // where retired
  std::string retire_reason{};
  Stamp stamp{};
};

// A version of an instrument as a clinic has it.
struct HeldInstrument {
  std::string clinic_id{};
  Instrument definition{};  // its id and version, too
  InstrumentOrigin origin = InstrumentOrigin::kSuite;
  std::vector<AnsweredBy> respondents{};
  // Ids of the risk rules: of the definition's risk items, then of its risk totals.
  std::vector<std::string> risk_rules{};
  // The definition word for word as it was registered, for whoever reads it; empty: the suite's.
  std::string stated{};
  std::string caller{};
  bool retired = false;
  absl::Time retire_time{};
  std::string retire_reason{};
  // The newest version that is not retired.
  bool current = false;
  Stamp stamp{};
};

// ---------------------------------------------------------------------------------- measurements

enum class MeasurementState { kUnspecified = 0, kRecorded, kCorrected, kEnteredInError };
enum class AnswerMode {
  kUnspecified = 0,
  kPaper,
  kPortal,
  kClinicDevice,
  kTelephone,
  kVideo,
  kInterview,
  kRecords
};
enum class NoAnswer { kAnswered = 0, kLeftOut, kDeclined, kNotAsked, kNotApplicable };
enum class EnteredInErrorReason {
  kUnspecified = 0,
  kWrongPatient,
  kDuplicate,
  kTest,
  kWrongInstrument,
  kOther
};
enum class CoursePart { kUnspecified = 0, kBeforeTreatment, kTreatment, kFollowUp };
enum class UnverifiedFact { kUnspecified = 0, kCourse, kSession, kWeek, kCourseState, kTherapist };
enum class BindingProblem { kNone = 0, kNoSuchCourse, kNoSuchSession, kCourseInError };
enum class MeasurementChangeKind {
  kUnspecified = 0,
  kRecorded,
  kImported,
  kCorrected,
  kEnteredInError,
  kVerified,
  kRebound
};
enum class HeldScoreState { kUnspecified = 0, kComplete, kProrated, kInvalid };
enum class WhyInvalid {
  kNone = 0,
  kTooManyMissing,
  kAllItemsRequired,
  kNothingAnswered,
  kNotReported
};
enum class RiskOutcome { kUnspecified = 0, kFired, kUnknown, kBelow };

// An answer as it was given, and what it counts.
struct GivenAnswer {
  std::string item{};
  // One of the three, as it was given; `none` kAnswered where one of the first two is.
  std::string option{};
  std::optional<int> value{};
  NoAnswer none = NoAnswer::kAnswered;
  // What scoring made of it.
  std::string option_id{};
  std::optional<int> points{};
  bool implied = false;  // not given: it follows from another answer
  friend bool operator==(const GivenAnswer&, const GivenAnswer&) = default;
};

struct ReportedScore {
  std::string scale{};
  double points = 0;
  friend bool operator==(const ReportedScore&, const ReportedScore&) = default;
};

// A score of one scale, as it is kept for ever.
struct HeldScore {
  std::string scale{};
  HeldScoreState state = HeldScoreState::kInvalid;
  WhyInvalid why_invalid = WhyInvalid::kNone;
  Fraction exact{};  // where valid, in lowest terms; as `rounded`
  int rounded = 0;
  std::string band{};
  std::string band_label{};
  int answered = 0;
  std::vector<std::string> missing{};
  int maximum = 0;
  bool reported = false;
  std::optional<bool> at_caseness{};
  friend bool operator==(const HeldScore&, const HeldScore&) = default;
};

// What one risk rule found.
struct HeldRisk {
  std::string rule{};
  std::string item{};  // empty: it looks at the total
  RiskOutcome outcome = RiskOutcome::kUnspecified;
  std::optional<double> points{};
  std::string alert_id{};  // that it raised
  friend bool operator==(const HeldRisk&, const HeldRisk&) = default;
};

struct MeasurementChange {
  absl::Time time{};
  MeasurementChangeKind kind = MeasurementChangeKind::kUnspecified;
  std::string caller{};
  std::string reason{};
  int revision_number = 0;
};

struct EnteredInError {
  absl::Time time{};
  std::string caller{};
  EnteredInErrorReason reason = EnteredInErrorReason::kUnspecified;
  std::string note{};
};

struct Measurement {
  std::string clinic_id{};
  std::string course_id{};
  std::string measurement_id{};
  std::string instrument_id{};
  int instrument_version = 0;
  MeasurementState state = MeasurementState::kUnspecified;
  // Either answers or reported scores.
  std::vector<GivenAnswer> answers{};
  std::vector<ReportedScore> reported{};
  AnsweredBy respondent = AnsweredBy::kUnspecified;
  AnswerMode mode = AnswerMode::kUnspecified;
  std::string language{};
  absl::Time complete_time{};
  absl::Time receive_time{};
  std::string session_id{};
  int session_number = 0;
  int week_number = 0;
  int phase = 0;  // scheduling's number
  CoursePart occasion = CoursePart::kUnspecified;
  std::string plan_rule{};
  std::string external_id{};
  std::vector<HeldScore> scores{};  // the total first
  std::vector<HeldRisk> risks{};
  std::vector<UnverifiedFact> unverified{};
  BindingProblem binding_problem = BindingProblem::kNone;
  // Told when it is read, by the policy of then: never stored.
  bool superseded = false;
  int revision_number = 1;
  std::string correction_reason{};
  std::optional<EnteredInError> entered_in_error{};
  std::string caller{};
  std::vector<MeasurementChange> changes{};
  std::string import_id{};
  Stamp stamp{};
};

// --------------------------------------------------------------------------------------- imports

// How far an import is.
struct MeasurementImport {
  std::string clinic_id{};
  std::string import_id{};
  std::string display_name{};
  // What was completed before is history: its risk is kept, and nothing of it raises an alert.
  std::optional<absl::Time> history_before{};
  bool validate_only = false;
  // The stream that goes on with it; any other has been overtaken.
  std::string holder{};
  // All rows before it are dealt with: recorded, known, or failed.
  int64_t next_row = 1;
  int64_t recorded_rows = 0;
  int64_t known_rows = 0;
  int64_t failed_rows = 0;
  int64_t alerts = 0;
  bool complete = false;
  absl::Time create_time{};
  absl::Time update_time{};  // opened, or had a row, last
};

// Why a row was not brought in; nothing of the row.
struct ImportRowError {
  int64_t row = 0;
  std::string reason{};
  std::vector<FieldViolation> fields{};
  std::string message{};
};

// ---------------------------------------------------------------------------------------- policy

enum class ReviewLevel { kUnspecified = 0, kAmber, kRed };

struct ScaleRules {
  std::string instrument_id{};
  std::string scale{};  // empty: the total
  std::string cut_off_rule_set{};
  std::string reliable_change_rule_set{};
  friend bool operator==(const ScaleRules&, const ScaleRules&) = default;
};

// Unset: the default that the contract states.
struct NotOnTrackPolicy {
  std::string instrument_id{};
  std::optional<double> baseline_at_least{};
  std::optional<int> slow_start_days{};
  std::optional<int> slow_start_sessions{};
  std::optional<double> slow_start_percent{};
  std::optional<int> late_week{};
  std::optional<double> late_percent{};
  std::optional<int> missed_in_a_row{};
  std::vector<std::string> disabled_rules{};
  friend bool operator==(const NotOnTrackPolicy&, const NotOnTrackPolicy&) = default;
};

struct OutcomePolicy {
  std::string clinic_id{};
  int version = 0;  // 0: the suite's defaults
  std::string depression_instrument_id{};
  std::string anxiety_instrument_id{};
  std::vector<ScaleRules> scale_rules{};
  std::optional<double> response_percent{};
  std::optional<int> baseline_days{};
  std::optional<int> last_score_days{};
  std::optional<int> duplicate_minutes{};
  NotOnTrackPolicy not_on_track{};
  ReviewLevel review_alert_level = ReviewLevel::kUnspecified;
  bool no_review_alerts = false;
  int drop_out = 0;  // the contract's number
  std::optional<int> smallest_group{};
  Stamp stamp{};

  // Within which measurements of one instrument and respondent are one.
  absl::Duration DuplicateWindow() const { return absl::Minutes(duplicate_minutes.value_or(720)); }
  // How long after the last attended contact a score can be the course's last.
  int LastScoreDays() const { return last_score_days.value_or(14); }
  // nullptr: the instrument's first ones.
  const ScaleRules* RulesOf(absl::string_view instrument_id, absl::string_view scale) const;
};

}  // namespace ipt::outcomes
