#include "formulation/domain/protocol.h"

#include <algorithm>

#include "absl/algorithm/container.h"

namespace ipt::formulation {
namespace {

template <typename T>
const T* FindByCode(const std::vector<T>& list, absl::string_view code) {
  const auto found = absl::c_find_if(list, [&](const T& entry) { return entry.code == code; });
  return found == list.end() ? nullptr : &*found;
}

// The entries of a phase, and of a stage if one is named: those that are of the stage alone, then
// the others.
template <typename T>
std::vector<const T*> EntriesIn(const std::vector<T>& list, Phase phase, absl::string_view stage) {
  std::vector<const T*> entries;
  for (const T& entry : list) {
    if (!absl::c_linear_search(entry.phases, phase)) continue;
    if (!stage.empty() && !entry.stages.empty() && !absl::c_linear_search(entry.stages, stage)) {
      continue;
    }
    entries.push_back(&entry);
  }
  if (!stage.empty()) {
    std::stable_partition(entries.begin(), entries.end(),
                          [](const T* entry) { return !entry->stages.empty(); });
  }
  return entries;
}

template <typename T>
void AddBases(const std::vector<T>& list, std::vector<const Basis*>& bases) {
  for (const T& entry : list) bases.push_back(&entry.basis);
}

void AddBases(const std::vector<Area>& areas, std::vector<const Basis*>& bases) {
  for (const Area& area : areas) {
    bases.push_back(&area.basis);
    AddBases(area.stages, bases);
    AddBases(area.criteria, bases);
    AddBases(area.goals, bases);
    AddBases(area.strategies, bases);
    AddBases(area.questions, bases);
  }
}

void AddBases(const Task& task, std::vector<const Basis*>& bases) {
  bases.push_back(&task.basis);
  AddBases(task.questions, bases);
}

void AddBases(const std::vector<Task>& tasks, std::vector<const Basis*>& bases) {
  for (const Task& task : tasks) AddBases(task, bases);
}

void AddBases(const Changes& changes, std::vector<const Basis*>& bases) {
  AddBases(changes.areas.added, bases);
  AddBases(changes.areas.removed, bases);
  AddBases(changes.areas.named, bases);
  for (const TaskAddition& addition : changes.tasks.added) AddBases(addition.task, bases);
  AddBases(changes.tasks.changed, bases);
  AddBases(changes.tasks.removed, bases);
  AddBases(changes.tools, bases);
  AddBases(changes.measures, bases);
  AddBases(changes.notes, bases);
}

// The last session of a phase, or of the one before it where the course has none of it.
int LastSessionOf(Phase phase, const std::vector<PhaseSpan>& phases) {
  int last = 0;
  for (const PhaseSpan& span : phases) {
    if (span.phase <= phase) last = std::max(last, span.last_session);
  }
  return last;
}

}  // namespace

const Criterion* Area::FindCriterion(absl::string_view criterion_code) const {
  return FindByCode(criteria, criterion_code);
}

const Strategy* Area::FindStrategy(absl::string_view strategy_code) const {
  return FindByCode(strategies, strategy_code);
}

const Stage* Area::FindStage(absl::string_view stage_code) const {
  return FindByCode(stages, stage_code);
}

std::vector<const Strategy*> Area::StrategiesIn(Phase phase, absl::string_view stage) const {
  return EntriesIn(strategies, phase, stage);
}

std::vector<const Question*> Area::QuestionsIn(Phase phase, absl::string_view stage) const {
  return EntriesIn(questions, phase, stage);
}

std::vector<std::string> Area::TechniquesIn(Phase phase, absl::string_view stage) const {
  std::vector<std::string> techniques;
  for (const Strategy* strategy : StrategiesIn(phase, stage)) {
    for (const std::string& technique : strategy->techniques) {
      if (!absl::c_linear_search(techniques, technique)) techniques.push_back(technique);
    }
  }
  return techniques;
}

bool Task::OfferedIn(Phase in) const { return phase == in || absl::c_linear_search(also, in); }

bool Technique::UsedIn(absl::string_view variant_id, absl::string_view tradition) const {
  return UsedEverywhere() || absl::c_linear_search(variants, variant_id) ||
         absl::c_linear_search(traditions, tradition);
}

std::vector<PhaseSpan> SessionSplit::Phases() const {
  std::vector<PhaseSpan> phases;
  int next = 1;
  const auto add = [&](Phase phase, int count) {
    if (count > 0) phases.push_back({phase, next, next + count - 1});
    next += count;
  };
  add(Phase::kInitial, initial);
  add(Phase::kMiddle, sessions - initial - ending);
  add(Phase::kEnding, ending);
  return phases;
}

const Area* ProtocolCatalog::FindArea(absl::string_view code) const {
  return FindByCode(areas, code);
}

const Task* ProtocolCatalog::FindTask(absl::string_view code) const {
  return FindByCode(tasks, code);
}

const Technique* ProtocolCatalog::FindTechnique(absl::string_view code) const {
  return FindByCode(techniques, code);
}

const Tradition* ProtocolCatalog::FindTradition(absl::string_view code) const {
  return FindByCode(traditions, code);
}

const Variant* ProtocolCatalog::FindVariant(absl::string_view id) const {
  const auto found = absl::c_find_if(variants, [&](const Variant& v) { return v.id == id; });
  return found == variants.end() ? nullptr : &*found;
}

const Area* Protocol::FindArea(absl::string_view code) const { return FindByCode(areas, code); }

const Task* Protocol::FindTask(absl::string_view code) const { return FindByCode(tasks, code); }

const Technique* Protocol::FindTechnique(absl::string_view code) const {
  return FindByCode(techniques, code);
}

std::vector<const Task*> Protocol::TasksIn(Phase phase) const {
  std::vector<const Task*> in;
  for (const Task& task : tasks) {
    if (task.OfferedIn(phase)) in.push_back(&task);
  }
  std::stable_partition(in.begin(), in.end(), [&](const Task* t) { return t->phase == phase; });
  return in;
}

int DueSession(const Task& task, const std::vector<PhaseSpan>& phases, int sessions) {
  const int end = std::max(1, LastSessionOf(task.phase, phases));
  switch (task.due.by) {
    case DueBy::kPhaseEnd:
      return end;
    case DueBy::kSession:
      return std::min(end, task.due.number);
    case DueBy::kHalfway:
      return std::min(end, (sessions + 1) / 2);
    case DueBy::kSessionsLeft:
      return std::max(1, std::min(end, sessions - task.due.number));
    case DueBy::kEachSession:
      break;
  }
  return 0;
}

std::vector<const Basis*> BasesOf(const ProtocolCatalog& catalog) {
  std::vector<const Basis*> bases;
  AddBases(catalog.areas, bases);
  AddBases(catalog.tasks, bases);
  AddBases(catalog.techniques, bases);
  AddBases(catalog.traditions, bases);
  for (const Tradition& tradition : catalog.traditions) AddBases(tradition.changes, bases);
  AddBases(catalog.variants, bases);
  for (const Variant& variant : catalog.variants) {
    bases.push_back(&variant.split.basis);
    AddBases(variant.changes, bases);
  }
  return bases;
}

std::vector<const Basis*> BasesOf(const Protocol& protocol) {
  std::vector<const Basis*> bases;
  bases.push_back(&protocol.split.basis);
  AddBases(protocol.areas, bases);
  AddBases(protocol.areas_left_out, bases);
  AddBases(protocol.tasks, bases);
  AddBases(protocol.techniques, bases);
  AddBases(protocol.tools, bases);
  AddBases(protocol.measures, bases);
  AddBases(protocol.notes, bases);
  return bases;
}

}  // namespace ipt::formulation
