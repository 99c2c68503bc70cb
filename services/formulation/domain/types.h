// What the formulation service keeps: a course's interpersonal inventory, its problem areas, its
// formulation with all that was agreed before, goals, what was done in sessions, how it ends; and a
// clinic's policy. Plain values. Enumerations have the contract's numbers, 0 for what is not
// stated. Ids are the last parts of names: all of them but clinics' are of the same course.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "formulation/domain/partial_date.h"

namespace ipt::formulation {

// What every row says of its own writes.
struct Stamp {
  int64_t revision = 0;  // 0: never written
  absl::Time create_time{};
  absl::Time update_time{};
  friend bool operator==(const Stamp&, const Stamp&) = default;
};

// ------------------------------------------------------------------------------------- inventory

enum class RelationshipKind {
  kUnspecified = 0,
  kPartner,
  kParent,
  kChild,
  kSibling,
  kOtherFamily,
  kFriend,
  kColleague,
  kSupervisor,
  kProfessional,
  kNeighbourOrCommunity,
  kPet,
  kOther
};
enum class RelationshipStatus { kUnspecified = 0, kCurrent, kPast, kDeceased };
enum class RelationshipQuality {
  kUnspecified = 0,
  kSupportive,
  kConflictual,
  kMixed,
  kDistant,
  kEstranged
};
enum class ContactFrequency {
  kUnspecified = 0,
  kDaily,
  kSeveralTimesAWeek,
  kWeekly,
  kMonthly,
  kRarely,
  kNone
};
enum class ExpectationHolder { kUnspecified = 0, kPatient, kOther };
enum class ExpectationFulfilment { kUnspecified = 0, kMet, kPartlyMet, kUnmet, kUnclear };

struct Expectation {
  ExpectationHolder holder = ExpectationHolder::kUnspecified;
  std::string text{};
  ExpectationFulfilment fulfilment = ExpectationFulfilment::kUnspecified;
  friend bool operator==(const Expectation&, const Expectation&) = default;
};

struct Relationship {
  std::string clinic_id{};
  std::string course_id{};
  std::string relationship_id{};
  std::string display_name{};
  RelationshipKind kind = RelationshipKind::kUnspecified;
  RelationshipStatus status = RelationshipStatus::kUnspecified;  // which is as kCurrent
  std::optional<PartialDate> start_date{};
  std::optional<PartialDate> end_date{};
  std::optional<int> closeness_circle{};
  RelationshipQuality quality = RelationshipQuality::kUnspecified;
  ContactFrequency contact_frequency = ContactFrequency::kUnspecified;
  std::string contact_note{};
  std::vector<Expectation> expectations{};
  std::string satisfying_aspects{};
  std::string unsatisfying_aspects{};
  std::optional<int> satisfaction{};
  std::string changes_wanted{};
  std::optional<bool> confidant{};
  std::string mood_link{};
  std::string attachment_notes{};
  Stamp stamp{};
  friend bool operator==(const Relationship&, const Relationship&) = default;
};

enum class LifeEventKind {
  kUnspecified = 0,
  kLossByDeath,
  kOtherLoss,
  kRoleChange,
  kDispute,
  kSymptomOnset,
  kSymptomWorsening,
  kSymptomImprovement,
  kEpisode,
  kTreatment,
  kOther
};
inline bool IsOfSymptoms(LifeEventKind kind) {
  return kind >= LifeEventKind::kSymptomOnset && kind <= LifeEventKind::kSymptomImprovement;
}

struct LifeEvent {
  std::string clinic_id{};
  std::string course_id{};
  std::string life_event_id{};
  LifeEventKind kind = LifeEventKind::kUnspecified;
  std::string display_name{};
  std::optional<PartialDate> start_date{};  // unset only before it was checked
  std::optional<PartialDate> end_date{};
  bool ongoing = false;
  std::vector<std::string> relationship_ids{};
  std::optional<int> impact{};
  std::string description{};
  Stamp stamp{};
  friend bool operator==(const LifeEvent&, const LifeEvent&) = default;
};

// --------------------------------------------------------------------------------- problem areas

enum class ProblemAreaKind {
  kUnspecified = 0,
  kGrief,
  kRoleDispute,
  kRoleTransition,
  kInterpersonalDeficits,
  kGriefForTheHealthySelf
};
enum class CriterionFinding { kUnspecified = 0, kPresent, kAbsent, kUnclear };
enum class EventRelation { kUnspecified = 0, kBeforeOnset, kAtOnset, kMaintains, kUnrelated };
enum class DisputeStage { kUnspecified = 0, kRenegotiation, kImpasse, kDissolution };
enum class ChangeProspect { kUnspecified = 0, kLikely, kPossible, kUnlikely };
enum class FocusPosition { kUnspecified = 0, kPrimary, kSecondary };

// The codes of the protocol's data, which are the contract's names without their prefixes; empty
// for what is not stated.
absl::string_view CodeOf(ProblemAreaKind kind);
absl::string_view CodeOf(DisputeStage stage);

struct AreaEvidence {
  std::string criterion{};
  CriterionFinding finding = CriterionFinding::kUnspecified;
  std::string note{};
  friend bool operator==(const AreaEvidence&, const AreaEvidence&) = default;
};

struct OnsetLink {
  std::string life_event_id{};
  EventRelation relation = EventRelation::kUnspecified;
  std::string note{};
  friend bool operator==(const OnsetLink&, const OnsetLink&) = default;
};

struct GriefDetail {
  std::string deceased_id{};
  std::string circumstances{};
  std::string mourning{};
  friend bool operator==(const GriefDetail&, const GriefDetail&) = default;
};
struct RoleDisputeDetail {
  std::string other_party_id{};
  DisputeStage stage = DisputeStage::kUnspecified;
  std::string issue{};
  std::string patient_expectation{};
  std::string other_expectation{};
  std::string history{};
  friend bool operator==(const RoleDisputeDetail&, const RoleDisputeDetail&) = default;
};
struct RoleTransitionDetail {
  std::string life_event_id{};
  std::string old_role{};
  std::string new_role{};
  std::string losses{};
  std::string supports{};
  friend bool operator==(const RoleTransitionDetail&, const RoleTransitionDetail&) = default;
};
struct InterpersonalDetail {
  std::string past_relationships{};
  std::string patterns{};
  friend bool operator==(const InterpersonalDetail&, const InterpersonalDetail&) = default;
};

struct ProblemArea {
  std::string clinic_id{};
  std::string course_id{};
  std::string problem_area_id{};
  ProblemAreaKind kind = ProblemAreaKind::kUnspecified;
  std::string display_name{};
  std::vector<AreaEvidence> evidence{};
  std::vector<OnsetLink> onset_links{};
  // At most the one of its kind.
  std::optional<GriefDetail> grief{};
  std::optional<RoleDisputeDetail> role_dispute{};
  std::optional<RoleTransitionDetail> role_transition{};
  std::optional<InterpersonalDetail> interpersonal_deficits{};
  std::optional<int> patient_severity{};
  std::optional<int> therapist_severity{};
  std::string patient_view{};
  std::string therapist_view{};
  ChangeProspect change_prospect = ChangeProspect::kUnspecified;
  int rank = 0;  // 0: not ranked
  Stamp stamp{};
  friend bool operator==(const ProblemArea&, const ProblemArea&) = default;

  DisputeStage stage() const {
    return role_dispute.has_value() ? role_dispute->stage : DisputeStage::kUnspecified;
  }
};

// ----------------------------------------------------------------------------------------- goals

enum class GoalState {
  kUnspecified = 0,
  kProposed,
  kActive,
  kAchieved,
  kPartlyAchieved,
  kNotAchieved,
  kAbandoned
};
enum class GoalRater { kUnspecified = 0, kPatient, kTherapist };

struct GoalChange {
  absl::Time time{};
  GoalState state = GoalState::kUnspecified;
  std::string caller{};
  std::string reason{};
  friend bool operator==(const GoalChange&, const GoalChange&) = default;
};

struct GoalRating {
  std::string clinic_id{};
  std::string course_id{};
  std::string goal_id{};
  std::string rating_id{};
  std::optional<int> value{};  // unset only before it was checked
  GoalRater rater = GoalRater::kUnspecified;
  std::optional<absl::CivilDay> rated_on{};  // unset only before it was checked
  std::string session_id{};
  std::string note{};
  std::string caller{};
  Stamp stamp{};
  friend bool operator==(const GoalRating&, const GoalRating&) = default;
};

// What a goal says of its ratings.
struct RatingSummary {
  std::optional<GoalRating> first_patient{};
  std::optional<GoalRating> last_patient{};
  std::optional<GoalRating> last_therapist{};
  int count = 0;
  friend bool operator==(const RatingSummary&, const RatingSummary&) = default;
};

struct Goal {
  std::string clinic_id{};
  std::string course_id{};
  std::string goal_id{};
  std::string description{};
  std::string problem_area_id{};
  std::string measure{};
  std::optional<absl::CivilDay> target_date{};
  GoalState state = GoalState::kUnspecified;
  RatingSummary ratings{};
  std::vector<GoalChange> changes{};  // oldest first, the last 50
  Stamp stamp{};
  friend bool operator==(const Goal&, const Goal&) = default;
};

// ----------------------------------------------------------------------------------- formulation

enum class FormulationState { kUnspecified = 0, kNone, kDraft, kProposed, kAgreed };
enum class RevisionState { kUnspecified = 0, kDraft, kProposed, kAgreed, kSuperseded };
enum class RevisionReason {
  kUnspecified = 0,
  kFocusChanged,
  kNewInformation,
  kContractChanged,
  kMidpointReview,
  kCorrection,
  kOther
};
enum class AgreementParty { kUnspecified = 0, kPatient, kPatientWithCarer, kGuardian };
enum class AgreementMode { kUnspecified = 0, kInSession, kInWriting, kByTelephone, kOnline };
enum class RevisionChangeKind {
  kUnspecified = 0,
  kBegun,
  kProposed,
  kWithdrawn,
  kAgreed,
  kSuperseded
};

struct FocusArea {
  std::string problem_area_id{};
  std::string reason{};
  friend bool operator==(const FocusArea&, const FocusArea&) = default;
};

struct FormulationLink {
  std::string id{};
  // One of the two, or none.
  std::string symptom_text{};
  std::string symptom_event_id{};
  std::string life_event_id{};
  std::string problem_area_id{};
  std::vector<std::string> goal_ids{};
  std::string explanation{};
  friend bool operator==(const FormulationLink&, const FormulationLink&) = default;
};

struct TreatmentContract {
  std::optional<int> sessions{};
  std::optional<int> weeks{};
  std::optional<int> session_minutes{};
  std::optional<int> cadence_days{};
  std::optional<absl::CivilDay> end_date{};
  std::string missed_session_policy{};
  std::string here_and_now_focus{};
  std::string practicalities{};
  friend bool operator==(const TreatmentContract&, const TreatmentContract&) = default;

  // Nothing is said in it: the same as none.
  bool empty() const { return *this == TreatmentContract{}; }
};

struct FormulationContent {
  std::string patient_narrative{};
  std::string clinical_narrative{};
  std::vector<FocusArea> focus{};  // the first is the primary one
  std::vector<FormulationLink> links{};
  std::vector<std::string> goal_ids{};
  TreatmentContract contract{};
  friend bool operator==(const FormulationContent&, const FormulationContent&) = default;
};

struct FocusSnapshot {
  std::string problem_area_id{};
  FocusPosition position = FocusPosition::kUnspecified;  // of an area that only a link names
  ProblemAreaKind kind = ProblemAreaKind::kUnspecified;
  std::string display_name{};
  std::string plain_name{};
  DisputeStage dispute_stage = DisputeStage::kUnspecified;
  friend bool operator==(const FocusSnapshot&, const FocusSnapshot&) = default;
};
struct GoalSnapshot {
  std::string goal_id{};
  std::string description{};
  std::string problem_area_id{};
  friend bool operator==(const GoalSnapshot&, const GoalSnapshot&) = default;
};
struct LifeEventSnapshot {
  std::string life_event_id{};
  LifeEventKind kind = LifeEventKind::kUnspecified;
  std::string display_name{};
  PartialDate start_date{};
  friend bool operator==(const LifeEventSnapshot&, const LifeEventSnapshot&) = default;
};
struct FormulationSnapshot {
  std::vector<FocusSnapshot> problem_areas{};  // the focus, then those that links name
  std::vector<GoalSnapshot> goals{};           // in the content's order
  std::vector<LifeEventSnapshot> life_events{};
  friend bool operator==(const FormulationSnapshot&, const FormulationSnapshot&) = default;

  // nullptr where there is none.
  const FocusSnapshot* FindArea(absl::string_view problem_area_id) const;
  const GoalSnapshot* FindGoal(absl::string_view goal_id) const;
  const LifeEventSnapshot* FindLifeEvent(absl::string_view life_event_id) const;
};

struct Agreement {
  absl::CivilDay agreed_on{};
  AgreementParty agreed_by = AgreementParty::kUnspecified;
  AgreementMode mode = AgreementMode::kUnspecified;
  std::string session_id{};
  int session_number = 0;
  absl::Time record_time{};
  std::string caller{};
  friend bool operator==(const Agreement&, const Agreement&) = default;
};

struct RevisionChange {
  absl::Time time{};
  RevisionChangeKind kind = RevisionChangeKind::kUnspecified;
  std::string caller{};
  std::string reason{};
  friend bool operator==(const RevisionChange&, const RevisionChange&) = default;
};

struct FormulationRevision {
  std::string clinic_id{};
  std::string course_id{};
  int number = 0;  // 0 before it was first proposed
  RevisionState state = RevisionState::kDraft;
  FormulationContent content{};
  FormulationSnapshot snapshot{};  // empty while it is a draft
  RevisionReason reason = RevisionReason::kUnspecified;
  std::string reason_text{};
  int based_on = 0;
  std::optional<Agreement> agreement{};
  std::vector<RevisionChange> changes{};  // oldest first, the last 50
  std::string caller{};
  Stamp stamp{};
  friend bool operator==(const FormulationRevision&, const FormulationRevision&) = default;
};

// A course's formulation as it stands. What was superseded is kept beside it.
struct CourseFormulation {
  std::string clinic_id{};
  std::string course_id{};
  std::optional<FormulationRevision> pending{};  // DRAFT or PROPOSED
  std::optional<FormulationRevision> current{};  // AGREED
  int last_number = 0;                           // the last one that was given
  int agreed_revisions = 0;                      // the current one included
  // Of the one that was agreed first.
  std::optional<absl::CivilDay> first_agreed_on{};
  ProblemAreaKind first_primary_kind = ProblemAreaKind::kUnspecified;
  Stamp stamp{};  // of the last write to any of it
  friend bool operator==(const CourseFormulation&, const CourseFormulation&) = default;

  FormulationState state() const;
};

// Which focus a course has, as agreed, without a word of what was said.
struct CourseFocus {
  std::string clinic_id{};
  std::string course_id{};
  ProblemAreaKind primary_kind = ProblemAreaKind::kUnspecified;
  ProblemAreaKind secondary_kind = ProblemAreaKind::kUnspecified;  // there is none
  absl::CivilDay agreed_on{};
  int revision_number = 0;
  ProblemAreaKind first_primary_kind = ProblemAreaKind::kUnspecified;
  int64_t revision = 0;
  friend bool operator==(const CourseFocus&, const CourseFocus&) = default;
};
// nullopt where none is agreed.
std::optional<CourseFocus> FocusOf(const CourseFormulation& formulation);

// --------------------------------------------------------------------------------------- session

enum class TaskWorkState { kUnspecified = 0, kBegun, kDone };

struct TaskWork {
  std::string task{};
  TaskWorkState state = TaskWorkState::kUnspecified;
  std::string note{};
  friend bool operator==(const TaskWork&, const TaskWork&) = default;
};
struct FocusWork {
  std::string problem_area_id{};
  std::vector<std::string> strategies{};
  std::string note{};
  friend bool operator==(const FocusWork&, const FocusWork&) = default;
};

struct SessionWork {
  std::string clinic_id{};
  std::string course_id{};
  std::string session_id{};
  std::vector<TaskWork> tasks{};
  std::vector<FocusWork> focus_work{};
  std::vector<std::string> techniques{};
  std::string mood_and_events{};
  std::string tryouts_reviewed{};
  std::string tryouts_agreed{};
  std::string process_notes{};
  std::string caller{};
  Stamp stamp{};  // revision 0: nothing is recorded
  friend bool operator==(const SessionWork&, const SessionWork&) = default;
};

// ---------------------------------------------------------------------------------------- ending

enum class ContinuationDecision {
  kUnspecified = 0,
  kUndecided,
  kEnd,
  kMaintenance,
  kFollowUp,
  kOtherTreatment,
  kReferral
};

struct HelpContact {
  std::string display_name{};
  std::string how{};
  friend bool operator==(const HelpContact&, const HelpContact&) = default;
};

struct Termination {
  std::string clinic_id{};
  std::string course_id{};
  std::string gains{};
  std::string remaining_difficulties{};
  std::string feelings_about_ending{};
  std::vector<std::string> early_warning_signs{};
  std::vector<std::string> risk_situations{};
  std::vector<std::string> plan_steps{};
  std::vector<HelpContact> contacts{};
  std::optional<absl::CivilDay> plan_given_on{};
  std::string nonresponse_plan{};
  ContinuationDecision continuation = ContinuationDecision::kUnspecified;
  std::string continuation_note{};
  std::optional<absl::CivilDay> decided_on{};
  std::string caller{};
  Stamp stamp{};  // revision 0: nothing was written
  friend bool operator==(const Termination&, const Termination&) = default;
};

// ---------------------------------------------------------------------------------------- policy

enum class FindingRule {
  kUnspecified = 0,
  kFocusNotAgreed,
  kProposalWaiting,
  kWorkNotRecorded,
  kSessionWithoutFocusWork,
  kSessionWithoutTechnique,
  kMidpointReviewMissed,
  kTerminationNotRaised,
  kTaskOverdue,
  kContractDiffers,
  kFocusWithoutGoal,
  kGoalsLeftOpen
};

// Unset fields have the suite's defaults, which the functions of the same names give.
struct FormulationPolicy {
  std::string clinic_id{};
  int version = 0;          // 0: the suite's defaults
  std::string tradition{};  // empty: of each variant the one that it comes from
  std::optional<int> max_focus_areas{};
  std::optional<int> focus_by_session{};
  std::optional<int> termination_sessions_before_end{};  // unset: as the protocol says
  std::optional<int> unrecorded_in_a_row{};
  std::optional<int> record_days{};
  std::optional<int> without_focus_work_in_a_row{};
  std::optional<int> midpoint_grace_sessions{};
  std::vector<FindingRule> disabled_rules{};
  Stamp stamp{};
  friend bool operator==(const FormulationPolicy&, const FormulationPolicy&) = default;

  int MaxFocusAreas() const { return max_focus_areas.value_or(2); }
  int FocusBySession() const { return focus_by_session.value_or(4); }
  int UnrecordedInARow() const { return unrecorded_in_a_row.value_or(2); }
  int RecordDays() const { return record_days.value_or(3); }
  int WithoutFocusWorkInARow() const { return without_focus_work_in_a_row.value_or(1); }
  int MidpointGraceSessions() const { return midpoint_grace_sessions.value_or(1); }
};

}  // namespace ipt::formulation
