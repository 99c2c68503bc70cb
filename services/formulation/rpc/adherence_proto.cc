#include "formulation/rpc/adherence_proto.h"

#include <string>

#include "formulation/domain/names.h"
#include "formulation/rpc/protocol_proto.h"
#include "formulation/rpc/session_work_proto.h"
#include "platform/rpc/proto_time.h"

namespace ipt::formulation {
namespace {

namespace sched = ::ipt::scheduling::v1;

pb::AdherenceVerdict VerdictOf(AdherenceVerdict verdict) {
  return static_cast<pb::AdherenceVerdict>(verdict);
}

void WriteFraction(const Fraction& fraction, pb::Fraction* out) {
  out->set_count(fraction.count);
  out->set_of(fraction.of);
}

void WritePhaseAdherence(absl::string_view clinic_id, absl::string_view course_id,
                         const PhaseAdherence& phase, pb::PhaseAdherence* out) {
  out->set_phase(static_cast<sched::Phase>(phase.phase));
  if (phase.span.has_value()) WriteSpan(*phase.span, out->mutable_span());
  out->set_expected(phase.expected);
  out->set_done(phase.done);
  out->set_late(phase.late);
  out->set_missing(phase.missing);
  out->set_open(phase.open);
  for (const TaskProgress& progress : phase.tasks) {
    WriteProgress(clinic_id, course_id, progress, out->add_tasks());
  }
}

void WriteTechniqueCounts(const ProtocolAdherence& adherence, pb::ProtocolAdherence* out) {
  for (const FamilyCount& family : adherence.families) {
    pb::FamilyCount* written = out->add_families();
    written->set_family(static_cast<pb::TechniqueFamily>(family.family));
    written->set_sessions(family.sessions);
    written->set_uses(family.uses);
  }
  for (const TechniqueCount& technique : adherence.techniques) {
    pb::TechniqueCount* written = out->add_techniques();
    written->set_technique(technique.technique);
    if (technique.defined != nullptr) {
      written->set_display_name(technique.defined->name);
      written->set_family(static_cast<pb::TechniqueFamily>(technique.defined->family));
    }
    written->set_sessions(technique.sessions);
  }
}

}  // namespace

void WriteFinding(absl::string_view clinic_id, const Finding& finding, pb::Finding* out) {
  const std::string& course_id = finding.course_id;
  out->set_course(CourseName(clinic_id, course_id));
  out->set_finding_id(finding.finding_id);
  out->set_rule(static_cast<pb::FindingRule>(finding.rule));
  out->set_rule_version(finding.rule_version);
  out->set_severity(static_cast<pb::FindingSeverity>(finding.severity));
  out->set_message(finding.message);
  if (!finding.therapist_id.empty()) {
    out->set_therapist(TherapistName(clinic_id, finding.therapist_id));
  }
  if (!finding.session_id.empty()) {
    out->set_session(SessionName(clinic_id, course_id, finding.session_id));
  }
  out->set_session_number(finding.session_number);
  if (finding.since_day.has_value()) {
    rpc::WriteDay(*finding.since_day, out->mutable_since_date());
  }
  if (finding.phase.has_value()) out->set_phase(static_cast<sched::Phase>(*finding.phase));
  out->set_task(finding.task);
  if (!finding.problem_area_id.empty()) {
    out->set_problem_area(ProblemAreaName(clinic_id, course_id, finding.problem_area_id));
  }
  out->set_due_session_number(finding.due_session_number);
  out->set_protocol(NameOfProtocol(clinic_id, finding.protocol_id));
  out->set_protocol_version(finding.protocol_version);
  out->set_policy_version(finding.policy_version);
}

void WriteAdherence(absl::string_view clinic_id, absl::string_view course_id,
                    const Protocol& protocol, const FormulationPolicy& policy,
                    const ProtocolAdherence& adherence, pb::ProtocolAdherence* out) {
  out->set_course(CourseName(clinic_id, course_id));
  out->set_protocol(NameOfProtocol(clinic_id, protocol.id));
  out->set_protocol_version(protocol.version);
  out->set_policy_version(policy.version);
  for (const PhaseAdherence& phase : adherence.phases) {
    WritePhaseAdherence(clinic_id, course_id, phase, out->add_phases());
  }
  if (adherence.focus_agreed_session_number.has_value()) {
    out->set_focus_agreed_session_number(*adherence.focus_agreed_session_number);
  }
  if (adherence.first_agreed_on.has_value()) {
    rpc::WriteDay(*adherence.first_agreed_on, out->mutable_first_agreed_on());
  }
  out->set_focus_agreed_in_time(VerdictOf(adherence.focus_agreed_in_time));
  out->set_formulation_before_middle(VerdictOf(adherence.formulation_before_middle));
  out->set_agreed_formulations(adherence.agreed_formulations);
  out->set_midpoint_review_in_time(VerdictOf(adherence.midpoint_review_in_time));
  if (adherence.sessions_left_when_ending_raised.has_value()) {
    out->set_sessions_left_when_ending_raised(*adherence.sessions_left_when_ending_raised);
  }
  out->set_ending_raised_in_time(VerdictOf(adherence.ending_raised_in_time));
  WriteFraction(adherence.sessions_recorded, out->mutable_sessions_recorded());
  WriteFraction(adherence.middle_sessions_with_focus_work,
                out->mutable_middle_sessions_with_focus_work());
  WriteFraction(adherence.sessions_with_technique, out->mutable_sessions_with_technique());
  WriteTechniqueCounts(adherence, out);
}

}  // namespace ipt::formulation
