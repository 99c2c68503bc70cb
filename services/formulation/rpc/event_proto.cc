#include "formulation/rpc/event_proto.h"

#include <string>
#include <utility>
#include <variant>

#include "absl/strings/ascii.h"
#include "formulation/domain/names.h"
#include "formulation/rpc/policy_proto.h"
#include "platform/rpc/proto_time.h"

namespace ipt::formulation {
namespace {

// Writes each kind of event into its field and names its subject and clinic.
struct EventWriter {
  pb::FormulationEvent* out;
  EventEncoder::Encoded* encoded;

  void operator()(const RelationshipChanged& event) {
    WriteEntry(event, RelationshipOf(event), out->mutable_relationship_changed());
  }
  void operator()(const RelationshipDeleted& event) {
    WriteEntry(event, RelationshipOf(event), out->mutable_relationship_deleted());
  }
  void operator()(const LifeEventChanged& event) {
    WriteEntry(event, LifeEventOf(event), out->mutable_life_event_changed());
  }
  void operator()(const LifeEventDeleted& event) {
    WriteEntry(event, LifeEventOf(event), out->mutable_life_event_deleted());
  }
  void operator()(const ProblemAreaChanged& event) {
    WriteArea(event, out->mutable_problem_area_changed());
  }
  void operator()(const ProblemAreaDeleted& event) {
    WriteArea(event, out->mutable_problem_area_deleted());
  }
  void operator()(const DraftChanged& event) {
    WriteFormulation(event, out->mutable_draft_changed());
  }
  void operator()(const DraftDiscarded& event) {
    WriteFormulation(event, out->mutable_draft_discarded());
  }
  void operator()(const FormulationProposed& event) {
    WriteFormulation(event, out->mutable_formulation_proposed());
  }
  void operator()(const ProposalWithdrawn& event) {
    WriteFormulation(event, out->mutable_proposal_withdrawn());
  }
  void operator()(const FormulationAgreed& event) {
    WriteFormulation(event, out->mutable_formulation_agreed());
  }
  void operator()(const GoalChanged& event) { WriteGoal(event, out->mutable_goal_changed()); }
  void operator()(const GoalDeleted& event) { WriteGoal(event, out->mutable_goal_deleted()); }
  void operator()(const GoalRated& event) { WriteRating(event, out->mutable_goal_rated()); }
  void operator()(const GoalRatingDeleted& event) {
    WriteRating(event, out->mutable_goal_rating_deleted());
  }
  void operator()(const SessionWorkChanged& event) {
    pb::SessionWorkNotice* notice = out->mutable_session_work_changed();
    notice->set_session(SessionName(event.clinic_id, event.course_id, event.id));
    notice->set_first(event.first);
    Name(event.clinic_id, SessionWorkName(event.clinic_id, event.course_id, event.id));
  }
  void operator()(const TerminationChanged& event) {
    out->mutable_termination_changed()->set_course(CourseName(event.clinic_id, event.course_id));
    Name(event.clinic_id, TerminationName(event.clinic_id, event.course_id));
  }
  void operator()(const PolicyChanged& event) {
    WritePolicy(event.policy, out->mutable_policy_changed());
    Name(event.policy.clinic_id, out->policy_changed().name());
  }

 private:
  void Name(const std::string& clinic_id, std::string subject) {
    encoded->clinic_id = clinic_id;
    encoded->subject = std::move(subject);
  }

  static std::string RelationshipOf(const EntryNotice& event) {
    return RelationshipName(event.clinic_id, event.course_id, event.id);
  }
  static std::string LifeEventOf(const EntryNotice& event) {
    return LifeEventName(event.clinic_id, event.course_id, event.id);
  }

  void WriteEntry(const EntryNotice& event, const std::string& name, pb::InventoryNotice* notice) {
    notice->set_course(CourseName(event.clinic_id, event.course_id));
    notice->set_name(name);
    Name(event.clinic_id, name);
  }
  void WriteArea(const ProblemAreaNotice& event, pb::ProblemAreaNotice* notice) {
    notice->set_name(ProblemAreaName(event.clinic_id, event.course_id, event.id));
    notice->set_kind(static_cast<pb::ProblemAreaKind>(event.kind));
    notice->set_focus(static_cast<pb::FocusPosition>(event.focus));
    Name(event.clinic_id, notice->name());
  }
  void WriteFormulation(const FormulationNotice& event, pb::FormulationNotice* notice) {
    notice->set_name(FormulationName(event.clinic_id, event.course_id));
    notice->set_revision_name(RevisionName(event.clinic_id, event.course_id, event.number));
    notice->set_number(event.number);
    notice->set_state(static_cast<pb::FormulationState>(event.state));
    if (event.focus.has_value()) WriteCourseFocus(*event.focus, notice->mutable_focus());
    Name(event.clinic_id, notice->name());
  }
  void WriteGoal(const GoalNotice& event, pb::GoalNotice* notice) {
    notice->set_name(GoalName(event.clinic_id, event.course_id, event.id));
    notice->set_state(static_cast<pb::GoalState>(event.state));
    Name(event.clinic_id, notice->name());
  }
  void WriteRating(const RatingNotice& event, pb::GoalNotice* notice) {
    WriteGoal(event, notice);
    notice->set_rating(GoalRatingName(event.clinic_id, event.course_id, event.id, event.rating_id));
    notice->set_rating_value(event.value);
    notice->set_rater(static_cast<pb::GoalRater>(event.rater));
  }
};

}  // namespace

void WriteCourseFocus(const CourseFocus& focus, pb::CourseFocus* out) {
  out->set_course(CourseName(focus.clinic_id, focus.course_id));
  out->set_primary_kind(static_cast<pb::ProblemAreaKind>(focus.primary_kind));
  out->set_secondary_kind(static_cast<pb::ProblemAreaKind>(focus.secondary_kind));
  rpc::WriteDay(focus.agreed_on, out->mutable_agreed_on());
  out->set_revision_number(focus.revision_number);
  out->set_first_primary_kind(static_cast<pb::ProblemAreaKind>(focus.first_primary_kind));
  out->set_revision(focus.revision);
}

EventEncoder::Encoded ProtoEventEncoder::Encode(const Event& event) const {
  pb::FormulationEvent written;
  Encoded encoded;
  std::visit(EventWriter{&written, &encoded}, event);
  const auto* kind = pb::FormulationEvent::descriptor()->FindFieldByNumber(written.event_case());
  encoded.kind = absl::AsciiStrToUpper(kind->name());
  encoded.payload = written.SerializeAsString();
  return encoded;
}

}  // namespace ipt::formulation
