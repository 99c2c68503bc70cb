#include "formulation/rpc/protocol_proto.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "formulation/domain/names.h"

namespace ipt::formulation {
namespace {

namespace sched = ::ipt::scheduling::v1;

// The contract has a value for each code that data may have (kAreaCodes, kStageCodes).
pb::ProblemAreaKind KindOfCode(const std::string& code) {
  pb::ProblemAreaKind kind = pb::PROBLEM_AREA_KIND_UNSPECIFIED;
  pb::ProblemAreaKind_Parse(absl::StrCat("PROBLEM_AREA_KIND_", code), &kind);
  return kind;
}
pb::DisputeStage StageOfCode(const std::string& code) {
  pb::DisputeStage stage = pb::DISPUTE_STAGE_UNSPECIFIED;
  pb::DisputeStage_Parse(absl::StrCat("DISPUTE_STAGE_", code), &stage);
  return stage;
}

void WriteBasis(const Basis& basis, pb::Basis* out) {
  out->set_evidence(static_cast<pb::Evidence>(basis.evidence));
  for (const std::string& source : basis.sources) out->add_sources(source);
  out->set_note(basis.note);
}

template <typename Message>
void WritePhases(const std::vector<Phase>& phases, Message* out) {
  for (const Phase phase : phases) out->add_phases(static_cast<sched::Phase>(phase));
}

template <typename Message>
void WriteStages(const std::vector<std::string>& stages, Message* out) {
  for (const std::string& stage : stages) out->add_stages(StageOfCode(stage));
}

void WriteArea(const Area& area, pb::ProtocolArea* out) {
  out->set_kind(KindOfCode(area.code));
  out->set_code(area.code);
  out->set_display_name(area.name);
  out->set_plain_name(area.plain_name);
  out->set_definition(area.definition);
  out->set_person(static_cast<pb::AreaPerson>(area.person));
  out->set_last_resort(area.last_resort);
  for (const Stage& stage : area.stages) {
    pb::AreaStage* written = out->add_stages();
    written->set_stage(StageOfCode(stage.code));
    written->set_display_name(stage.name);
    written->set_text(stage.text);
    WriteBasis(stage.basis, written->mutable_basis());
  }
  for (const Criterion& criterion : area.criteria) {
    pb::Criterion* written = out->add_criteria();
    written->set_code(criterion.code);
    written->set_text(criterion.text);
    written->set_weight(static_cast<pb::CriterionWeight>(criterion.weight));
    WriteBasis(criterion.basis, written->mutable_basis());
  }
  for (const AreaGoal& goal : area.goals) {
    pb::AreaGoal* written = out->add_goals();
    written->set_code(goal.code);
    written->set_text(goal.text);
    WriteBasis(goal.basis, written->mutable_basis());
  }
  for (const Strategy& strategy : area.strategies) WriteStrategy(strategy, out->add_strategies());
  for (const Question& question : area.questions) WriteQuestion(question, out->add_questions());
  WriteBasis(area.basis, out->mutable_basis());
}

void WriteLeftOut(const AreaLeftOut& area, pb::AreaLeftOut* out) {
  out->set_kind(KindOfCode(area.code));
  out->set_display_name(area.name);
  out->set_reason(area.why);
  WriteBasis(area.basis, out->mutable_basis());
}

void WriteTool(const Tool& tool, pb::ProtocolTool* out) {
  out->set_code(tool.code);
  out->set_display_name(tool.name);
  out->set_description(tool.description);
  WriteBasis(tool.basis, out->mutable_basis());
}

void WriteMeasure(const MeasureHint& measure, pb::MeasureHint* out) {
  out->set_display_name(measure.name);
  out->set_instrument_id(measure.instrument);
  out->set_every_sessions(measure.every_sessions);
  WriteBasis(measure.basis, out->mutable_basis());
}

void WriteNote(const Note& note, pb::ProtocolNote* out) {
  out->set_code(note.code);
  out->set_text(note.text);
  WriteBasis(note.basis, out->mutable_basis());
}

}  // namespace

std::string NameOfProtocol(absl::string_view clinic_id, absl::string_view protocol_id) {
  return protocol_id.empty() ? "" : ProtocolName(clinic_id, protocol_id);
}

void WriteSource(const Source& source, pb::Source* out) {
  out->set_key(source.key);
  out->set_citation(source.text);
}

void WriteQuestion(const Question& question, pb::Question* out) {
  out->set_code(question.code);
  out->set_text(question.text);
  WritePhases(question.phases, out);
  WriteStages(question.stages, out);
  WriteBasis(question.basis, out->mutable_basis());
}

void WriteStrategy(const Strategy& strategy, pb::Strategy* out) {
  out->set_code(strategy.code);
  out->set_text(strategy.text);
  WritePhases(strategy.phases, out);
  WriteStages(strategy.stages, out);
  for (const std::string& technique : strategy.techniques) out->add_techniques(technique);
  WriteBasis(strategy.basis, out->mutable_basis());
}

void WriteTask(const Task& task, pb::ProtocolTask* out) {
  out->set_code(task.code);
  out->set_display_name(task.name);
  out->set_phase(static_cast<sched::Phase>(task.phase));
  for (const Phase phase : task.also) out->add_also_phases(static_cast<sched::Phase>(phase));
  out->set_done_when(task.done_when);
  pb::TaskDue* due = out->mutable_due();
  due->set_by(static_cast<pb::TaskDueBy>(task.due.by));
  due->set_number(task.due.number);
  due->set_offered_from(task.due.from);
  out->set_voluntary(task.optional);
  for (const Question& question : task.questions) WriteQuestion(question, out->add_questions());
  WriteBasis(task.basis, out->mutable_basis());
}

void WriteTechnique(const Technique& technique, pb::Technique* out) {
  out->set_code(technique.code);
  out->set_display_name(technique.name);
  out->set_description(technique.description);
  out->set_family(static_cast<pb::TechniqueFamily>(technique.family));
  WriteBasis(technique.basis, out->mutable_basis());
}

void WriteSpan(const PhaseSpan& span, sched::PhaseSpan* out) {
  out->set_phase(static_cast<sched::Phase>(span.phase));
  out->set_first_session(span.first_session);
  out->set_last_session(span.last_session);
}

void WriteProtocolHead(absl::string_view clinic_id, const Protocol& protocol, bool in_use,
                       pb::Protocol* out) {
  out->set_name(ProtocolName(clinic_id, protocol.id));
  out->set_variant(protocol.variant_id);
  out->set_tradition(protocol.tradition);
  out->set_display_name(protocol.name);
  out->set_tradition_display_name(protocol.tradition_name);
  out->set_in_use(in_use);
  out->set_version(protocol.version);
  out->set_language(protocol.language);
  out->set_max_focus_areas(protocol.max_focus);
  for (const PhaseSpan& span : protocol.split.Phases()) WriteSpan(span, out->add_phases());
  WriteBasis(protocol.split.basis, out->mutable_phases_basis());
}

void WriteProtocol(absl::string_view clinic_id, const Protocol& protocol, bool in_use,
                   pb::Protocol* out) {
  WriteProtocolHead(clinic_id, protocol, in_use, out);
  for (const Area& area : protocol.areas) WriteArea(area, out->add_areas());
  for (const AreaLeftOut& area : protocol.areas_left_out) {
    WriteLeftOut(area, out->add_areas_left_out());
  }
  for (const Task& task : protocol.tasks) WriteTask(task, out->add_tasks());
  for (const Technique& technique : protocol.techniques) {
    WriteTechnique(technique, out->add_techniques());
  }
  for (const Tool& tool : protocol.tools) WriteTool(tool, out->add_tools());
  for (const MeasureHint& measure : protocol.measures) {
    WriteMeasure(measure, out->add_measures());
  }
  for (const Note& note : protocol.notes) WriteNote(note, out->add_notes());
  for (const Source& source : protocol.sources) WriteSource(source, out->add_sources());
}

}  // namespace ipt::formulation
