#include "formulation/rpc/formulation_proto.h"

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "course_copies/rpc/scheduling_view.h"
#include "formulation/domain/formulation.h"
#include "formulation/domain/names.h"
#include "formulation/domain/warnings.h"
#include "formulation/rpc/entry_field.h"
#include "formulation/rpc/partial_date_proto.h"
#include "formulation/rpc/warning_proto.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/stamp.h"

namespace ipt::formulation {
namespace {

void WriteContract(const TreatmentContract& contract, pb::TreatmentContract* out) {
  if (contract.sessions.has_value()) out->set_sessions(*contract.sessions);
  if (contract.weeks.has_value()) out->set_weeks(*contract.weeks);
  if (contract.session_minutes.has_value()) out->set_session_minutes(*contract.session_minutes);
  if (contract.cadence_days.has_value()) out->set_cadence_days(*contract.cadence_days);
  if (contract.end_date.has_value()) rpc::WriteDay(*contract.end_date, out->mutable_end_date());
  out->set_missed_session_policy(contract.missed_session_policy);
  out->set_here_and_now_focus(contract.here_and_now_focus);
  out->set_practicalities(contract.practicalities);
}

TreatmentContract ReadContract(const pb::TreatmentContract& in, FieldViolations bad) {
  TreatmentContract contract;
  if (in.has_sessions()) contract.sessions = in.sessions();
  if (in.has_weeks()) contract.weeks = in.weeks();
  if (in.has_session_minutes()) contract.session_minutes = in.session_minutes();
  if (in.has_cadence_days()) contract.cadence_days = in.cadence_days();
  if (in.has_end_date()) contract.end_date = rpc::ReadDay(in.end_date(), bad, "end_date");
  contract.missed_session_policy = in.missed_session_policy();
  contract.here_and_now_focus = in.here_and_now_focus();
  contract.practicalities = in.practicalities();
  return contract;
}

// Writes what ids of one course stand for.
class CourseWriter {
 public:
  CourseWriter(absl::string_view clinic_id, absl::string_view course_id)
      : clinic_id_(clinic_id), course_id_(course_id) {}

  void Write(const FormulationContent& content, pb::FormulationContent* out) const {
    out->set_patient_narrative(content.patient_narrative);
    out->set_clinical_narrative(content.clinical_narrative);
    for (const FocusArea& focus : content.focus) {
      pb::FocusArea* written = out->add_focus();
      written->set_problem_area(AreaName(focus.problem_area_id));
      written->set_reason(focus.reason);
    }
    for (const FormulationLink& link : content.links) Write(link, out->add_links());
    for (const std::string& id : content.goal_ids) out->add_goals(GoalNamed(id));
    if (!content.contract.empty()) WriteContract(content.contract, out->mutable_contract());
  }

  void Write(const FormulationSnapshot& snapshot, pb::FormulationSnapshot* out) const {
    for (const FocusSnapshot& area : snapshot.problem_areas) {
      pb::FocusSnapshot* written = out->add_problem_areas();
      written->set_problem_area(AreaName(area.problem_area_id));
      written->set_position(static_cast<pb::FocusPosition>(area.position));
      written->set_kind(static_cast<pb::ProblemAreaKind>(area.kind));
      written->set_display_name(area.display_name);
      written->set_plain_name(area.plain_name);
      written->set_dispute_stage(static_cast<pb::DisputeStage>(area.dispute_stage));
    }
    for (const GoalSnapshot& goal : snapshot.goals) {
      pb::GoalSnapshot* written = out->add_goals();
      written->set_goal(GoalNamed(goal.goal_id));
      written->set_description(goal.description);
      written->set_problem_area(AreaName(goal.problem_area_id));
    }
    for (const LifeEventSnapshot& event : snapshot.life_events) {
      pb::LifeEventSnapshot* written = out->add_life_events();
      written->set_life_event(EventName(event.life_event_id));
      written->set_kind(static_cast<pb::LifeEventKind>(event.kind));
      written->set_display_name(event.display_name);
      WritePartialDate(event.start_date, written->mutable_start_date());
    }
  }

  void Write(const Agreement& agreement, pb::Agreement* out) const {
    rpc::WriteDay(agreement.agreed_on, out->mutable_agreed_on());
    out->set_agreed_by(static_cast<pb::AgreementParty>(agreement.agreed_by));
    out->set_mode(static_cast<pb::AgreementMode>(agreement.mode));
    if (!agreement.session_id.empty()) {
      out->set_session(SessionName(clinic_id_, course_id_, agreement.session_id));
    }
    out->set_session_number(agreement.session_number);
    rpc::WriteTime(agreement.record_time, out->mutable_record_time());
    out->set_caller(agreement.caller);
  }

 private:
  // No id, no name.
  std::string AreaName(const std::string& id) const {
    return id.empty() ? "" : ProblemAreaName(clinic_id_, course_id_, id);
  }
  std::string GoalNamed(const std::string& id) const {
    return GoalName(clinic_id_, course_id_, id);
  }
  std::string EventName(const std::string& id) const {
    return id.empty() ? "" : LifeEventName(clinic_id_, course_id_, id);
  }

  void Write(const FormulationLink& link, pb::FormulationLink* out) const {
    out->set_id(link.id);
    if (!link.symptom_event_id.empty()) {
      out->set_symptom_event(EventName(link.symptom_event_id));
    } else if (!link.symptom_text.empty()) {
      out->set_symptom_text(link.symptom_text);
    }
    out->set_life_event(EventName(link.life_event_id));
    out->set_problem_area(AreaName(link.problem_area_id));
    for (const std::string& id : link.goal_ids) out->add_goals(GoalNamed(id));
    out->set_explanation(link.explanation);
  }

  const absl::string_view clinic_id_;
  const absl::string_view course_id_;
};

template <typename List>
std::vector<std::string> ReadGoals(const List& in, absl::string_view course_id,
                                   FieldViolations& bad) {
  std::vector<std::string> ids;
  for (int i = 0; i < in.size(); ++i) {
    FieldViolations at = bad.At("goals", i);
    ids.push_back(ReadEntryId(course_id, in[i], "", at));
  }
  return ids;
}

FormulationLink ReadLink(const pb::FormulationLink& in, absl::string_view course_id,
                         FieldViolations bad) {
  FormulationLink link;
  link.id = in.id();
  link.symptom_text = in.symptom_text();
  link.symptom_event_id = ReadEntryId(course_id, in.symptom_event(), "symptom_event", bad);
  link.life_event_id = ReadEntryId(course_id, in.life_event(), "life_event", bad);
  link.problem_area_id = ReadEntryId(course_id, in.problem_area(), "problem_area", bad);
  link.goal_ids = ReadGoals(in.goals(), course_id, bad);
  link.explanation = in.explanation();
  return link;
}

void WriteOpenPoint(const OpenPoint& point, pb::OpenPoint* out) {
  out->set_code(static_cast<pb::OpenPointCode>(point.code));
  out->set_field(point.field);
  out->set_subject(point.subject);
  out->set_message(point.message);
}

const courses::CopiedCourse* CopyIn(const courses::CourseAnswer& course) {
  return course.course.has_value() ? &*course.course : nullptr;
}

bool PendingDiffers(const CourseFormulation& formulation, const FormulationGround& ground) {
  return formulation.current.has_value() && formulation.pending.has_value() &&
         !DiffRevisions(*formulation.current, *formulation.pending, ground).empty();
}

}  // namespace

void WriteContent(absl::string_view clinic_id, absl::string_view course_id,
                  const FormulationContent& content, pb::FormulationContent* out) {
  CourseWriter(clinic_id, course_id).Write(content, out);
}

FormulationContent ReadContent(const pb::FormulationContent& in, absl::string_view course_id,
                               FieldViolations bad) {
  FormulationContent content;
  content.patient_narrative = in.patient_narrative();
  content.clinical_narrative = in.clinical_narrative();
  for (int i = 0; i < in.focus_size(); ++i) {
    FieldViolations at = bad.At("focus", i);
    content.focus.push_back(
        {.problem_area_id = ReadEntryId(course_id, in.focus(i).problem_area(), "problem_area", at),
         .reason = in.focus(i).reason()});
  }
  for (int i = 0; i < in.links_size(); ++i) {
    content.links.push_back(ReadLink(in.links(i), course_id, bad.At("links", i)));
  }
  content.goal_ids = ReadGoals(in.goals(), course_id, bad);
  content.contract = ReadContract(in.contract(), bad.In("contract"));
  return content;
}

void WriteRevision(const FormulationRevision& revision, const RevisionContext& context,
                   pb::FormulationRevision* out) {
  const FormulationGround& ground = context.ground;
  const CourseWriter writer(revision.clinic_id, revision.course_id);
  out->set_name(RevisionName(revision.clinic_id, revision.course_id, revision.number));
  out->set_number(revision.number);
  out->set_state(static_cast<pb::RevisionState>(revision.state));
  writer.Write(revision.content, out->mutable_content());
  if (revision.state == RevisionState::kDraft) {
    for (const OpenPoint& point : OpenPointsOf(revision, ground.parts, ground.protocol)) {
      WriteOpenPoint(point, out->add_open_points());
    }
  } else {
    writer.Write(revision.snapshot, out->mutable_snapshot());
  }
  out->set_reason(static_cast<pb::RevisionReason>(revision.reason));
  out->set_reason_text(revision.reason_text);
  out->set_based_on(revision.based_on);
  if (revision.agreement.has_value()) writer.Write(*revision.agreement, out->mutable_agreement());
  for (const Warning& warning :
       WarningsOf(revision, ground.parts, ground.protocol, CopyIn(context.course))) {
    WriteWarning(warning, out->add_warnings());
  }
  for (const RevisionChange& change : revision.changes) {
    pb::RevisionChange* written = out->add_changes();
    rpc::WriteTime(change.time, written->mutable_time());
    written->set_kind(static_cast<pb::RevisionChangeKind>(change.kind));
    written->set_caller(change.caller);
    written->set_reason(change.reason);
  }
  out->set_caller(revision.caller);
  rpc::WriteStamp(revision.stamp, out);
  courses::WriteScheduling(context.course, out->mutable_scheduling());
}

void WriteFormulation(const CourseFormulation& formulation, const RevisionContext& context,
                      pb::Formulation* out) {
  const FormulationGround& ground = context.ground;
  out->set_name(FormulationName(formulation.clinic_id, formulation.course_id));
  out->set_state(static_cast<pb::FormulationState>(formulation.state()));
  if (formulation.current.has_value()) {
    WriteRevision(*formulation.current, context, out->mutable_current());
  }
  if (formulation.pending.has_value()) {
    WriteRevision(*formulation.pending, context, out->mutable_pending());
  }
  out->set_pending_differs(PendingDiffers(formulation, ground));
  out->set_agreed_revisions(formulation.agreed_revisions);
  if (ground.protocol.protocol != nullptr) {
    out->set_protocol(ProtocolName(formulation.clinic_id, ground.protocol.protocol->id));
  }
  out->set_max_focus_areas(ground.max_focus());
  rpc::WriteStamp(formulation.stamp, out);
  courses::WriteScheduling(context.course, out->mutable_scheduling());
}

void WriteFieldChange(const FieldChange& change, pb::FieldChange* out) {
  out->set_path(change.path);
  out->set_kind(static_cast<pb::FieldChangeKind>(change.kind));
  out->set_before(change.before);
  out->set_after(change.after);
}

void WriteConflict(const DraftConflict& conflict, const std::string& base_etag,
                   const RevisionContext& context, pb::FormulationConflict* out) {
  WriteContent(conflict.theirs.clinic_id, conflict.theirs.course_id, conflict.mine,
               out->mutable_mine());
  WriteRevision(conflict.theirs, context, out->mutable_theirs());
  out->set_base_etag(base_etag);
  for (const FieldChange& change : conflict.differences) {
    WriteFieldChange(change, out->add_differences());
  }
}

void WritePatientCopy(const PatientCopy& copy, pb::PatientCopy* out) {
  out->set_revision_name(RevisionName(copy.clinic_id, copy.course_id, copy.number));
  out->set_number(copy.number);
  out->set_state(static_cast<pb::RevisionState>(copy.state));
  if (copy.agreed_on.has_value()) rpc::WriteDay(*copy.agreed_on, out->mutable_agreed_on());
  out->set_narrative(copy.narrative);
  for (const PatientFocus& focus : copy.focus) {
    pb::PatientFocus* written = out->add_focus();
    written->set_position(static_cast<pb::FocusPosition>(focus.position));
    written->set_heading(focus.heading);
    written->set_display_name(focus.display_name);
    for (const std::string& goal : focus.goals) written->add_goals(goal);
  }
  if (!copy.contract.empty()) WriteContract(copy.contract, out->mutable_contract());
  out->set_language(copy.language);
  out->set_revision(copy.revision);
}

}  // namespace ipt::formulation
