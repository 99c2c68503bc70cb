#include "formulation/rpc/problem_area_proto.h"

#include <string>

#include "formulation/domain/formulation.h"
#include "formulation/domain/names.h"
#include "formulation/domain/protocol_set.h"
#include "formulation/domain/warnings.h"
#include "formulation/rpc/course_entry.h"
#include "formulation/rpc/warning_proto.h"
#include "platform/rpc/stamp.h"

namespace ipt::formulation {
namespace {

class DetailWriter {
 public:
  DetailWriter(const ProblemArea& area, pb::ProblemArea* out) : area_(area), out_(out) {}

  void Run() {
    if (area_.grief.has_value()) Write(*area_.grief, out_->mutable_grief());
    if (area_.role_dispute.has_value()) Write(*area_.role_dispute, out_->mutable_role_dispute());
    if (area_.role_transition.has_value()) {
      Write(*area_.role_transition, out_->mutable_role_transition());
    }
    if (area_.interpersonal_deficits.has_value()) {
      Write(*area_.interpersonal_deficits, out_->mutable_interpersonal_deficits());
    }
  }

 private:
  std::string Person(const std::string& id) {
    return id.empty() ? "" : RelationshipName(area_.clinic_id, area_.course_id, id);
  }
  std::string Happened(const std::string& id) {
    return id.empty() ? "" : LifeEventName(area_.clinic_id, area_.course_id, id);
  }

  void Write(const GriefDetail& detail, pb::GriefDetail* out) {
    out->set_deceased(Person(detail.deceased_id));
    out->set_circumstances(detail.circumstances);
    out->set_mourning(detail.mourning);
  }
  void Write(const RoleDisputeDetail& detail, pb::RoleDisputeDetail* out) {
    out->set_other_party(Person(detail.other_party_id));
    out->set_stage(static_cast<pb::DisputeStage>(detail.stage));
    out->set_issue(detail.issue);
    out->set_patient_expectation(detail.patient_expectation);
    out->set_other_expectation(detail.other_expectation);
    out->set_history(detail.history);
  }
  void Write(const RoleTransitionDetail& detail, pb::RoleTransitionDetail* out) {
    out->set_life_event(Happened(detail.life_event_id));
    out->set_old_role(detail.old_role);
    out->set_new_role(detail.new_role);
    out->set_losses(detail.losses);
    out->set_supports(detail.supports);
  }
  void Write(const InterpersonalDetail& detail, pb::InterpersonalDetail* out) {
    out->set_past_relationships(detail.past_relationships);
    out->set_patterns(detail.patterns);
  }

  const ProblemArea& area_;
  pb::ProblemArea* out_;
};

void ReadDetail(const pb::ProblemArea& in, absl::string_view course_id, ProblemArea& area) {
  switch (in.detail_case()) {
    case pb::ProblemArea::kGrief:
      area.grief = {.deceased_id = EntryIdIn(course_id, in.grief().deceased()),
                    .circumstances = in.grief().circumstances(),
                    .mourning = in.grief().mourning()};
      break;
    case pb::ProblemArea::kRoleDispute:
      area.role_dispute = {.other_party_id = EntryIdIn(course_id, in.role_dispute().other_party()),
                           .stage = static_cast<DisputeStage>(in.role_dispute().stage()),
                           .issue = in.role_dispute().issue(),
                           .patient_expectation = in.role_dispute().patient_expectation(),
                           .other_expectation = in.role_dispute().other_expectation(),
                           .history = in.role_dispute().history()};
      break;
    case pb::ProblemArea::kRoleTransition:
      area.role_transition = {
          .life_event_id = EntryIdIn(course_id, in.role_transition().life_event()),
          .old_role = in.role_transition().old_role(),
          .new_role = in.role_transition().new_role(),
          .losses = in.role_transition().losses(),
          .supports = in.role_transition().supports()};
      break;
    case pb::ProblemArea::kInterpersonalDeficits:
      area.interpersonal_deficits = {
          .past_relationships = in.interpersonal_deficits().past_relationships(),
          .patterns = in.interpersonal_deficits().patterns()};
      break;
    case pb::ProblemArea::DETAIL_NOT_SET:
      break;
  }
}

}  // namespace

void WriteProblemArea(const ProblemArea& area, pb::ProblemArea* out) {
  out->Clear();
  out->set_name(ProblemAreaName(area.clinic_id, area.course_id, area.problem_area_id));
  out->set_kind(static_cast<pb::ProblemAreaKind>(area.kind));
  out->set_display_name(area.display_name);
  for (const AreaEvidence& evidence : area.evidence) {
    pb::AreaEvidence& written = *out->add_evidence();
    written.set_criterion(evidence.criterion);
    written.set_finding(static_cast<pb::CriterionFinding>(evidence.finding));
    written.set_note(evidence.note);
  }
  for (const OnsetLink& link : area.onset_links) {
    pb::OnsetLink& written = *out->add_onset_links();
    written.set_life_event(LifeEventName(area.clinic_id, area.course_id, link.life_event_id));
    written.set_relation(static_cast<pb::EventRelation>(link.relation));
    written.set_note(link.note);
  }
  DetailWriter(area, out).Run();
  if (area.patient_severity.has_value()) out->set_patient_severity(*area.patient_severity);
  if (area.therapist_severity.has_value()) out->set_therapist_severity(*area.therapist_severity);
  out->set_patient_view(area.patient_view);
  out->set_therapist_view(area.therapist_view);
  out->set_change_prospect(static_cast<pb::ChangeProspect>(area.change_prospect));
  out->set_rank(area.rank);
  rpc::WriteStamp(area.stamp, out);
}

void WriteStanding(const ProblemArea& area, const CourseFormulation& formulation,
                   const FormulationGround& ground, pb::ProblemArea* out) {
  const FocusPosition focus = PositionOf(formulation, area.problem_area_id);
  out->set_focus(static_cast<pb::FocusPosition>(focus));
  out->set_present_criteria(PresentCriteria(area, ground.protocol));
  const bool in_focus = focus != FocusPosition::kUnspecified;
  for (const Warning& warning : WarningsOf(area, in_focus, ground.parts, ground.protocol)) {
    WriteWarning(warning, out->add_warnings());
  }
}

ProblemArea ReadProblemArea(const pb::ProblemArea& in, absl::string_view course_id) {
  ProblemArea area;
  area.kind = static_cast<ProblemAreaKind>(in.kind());
  area.display_name = in.display_name();
  for (const pb::AreaEvidence& evidence : in.evidence()) {
    area.evidence.push_back({.criterion = evidence.criterion(),
                             .finding = static_cast<CriterionFinding>(evidence.finding()),
                             .note = evidence.note()});
  }
  for (const pb::OnsetLink& link : in.onset_links()) {
    area.onset_links.push_back({.life_event_id = EntryIdIn(course_id, link.life_event()),
                                .relation = static_cast<EventRelation>(link.relation()),
                                .note = link.note()});
  }
  ReadDetail(in, course_id, area);
  if (in.has_patient_severity()) area.patient_severity = in.patient_severity();
  if (in.has_therapist_severity()) area.therapist_severity = in.therapist_severity();
  area.patient_view = in.patient_view();
  area.therapist_view = in.therapist_view();
  area.change_prospect = static_cast<ChangeProspect>(in.change_prospect());
  area.rank = in.rank();
  return area;
}

}  // namespace ipt::formulation
