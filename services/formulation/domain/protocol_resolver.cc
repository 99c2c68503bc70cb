#include "formulation/domain/protocol_resolver.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace ipt::formulation {
namespace {

// What is said of one thing in two places rests on both, and on the weaker of them.
void Merge(const Basis& more, Basis& basis) {
  basis.evidence = std::max(basis.evidence, more.evidence);
  for (const std::string& source : more.sources) {
    if (!absl::c_linear_search(basis.sources, source)) basis.sources.push_back(source);
  }
  if (more.note.empty()) return;
  absl::StrAppend(&basis.note, basis.note.empty() ? "" : " ", more.note);
}

class Resolver {
 public:
  Resolver(const ProtocolCatalog& catalog, const Variant& variant, const Tradition& tradition)
      : catalog_(catalog), variant_(variant), tradition_(tradition) {}

  Protocol Run() {
    out_ = {.id = ProtocolId(variant_.id, tradition_.code),
            .variant_id = variant_.id,
            .tradition = tradition_.code,
            .name = variant_.name,
            .tradition_name = tradition_.name,
            .catalog = catalog_.name,
            .version = catalog_.version,
            .language = catalog_.language,
            .max_focus = std::min(kMaxFocus, variant_.max_focus),
            .split = variant_.split};
    for (const Technique& technique : catalog_.techniques) {
      if (technique.UsedIn(variant_.id, tradition_.code)) out_.techniques.push_back(technique);
    }
    ChooseAreas();
    out_.tasks = catalog_.tasks;
    for (const Changes* changes : {&tradition_.changes, &variant_.changes}) Apply(*changes);
    std::stable_sort(out_.tasks.begin(), out_.tasks.end(),
                     [](const Task& a, const Task& b) { return a.phase < b.phase; });
    CiteSources();
    return std::move(out_);
  }

 private:
  void ChooseAreas() {
    for (const Area& area : catalog_.areas) {
      const AreaChange* removed = Find(area.code, &AreaChanges::removed);
      if (removed != nullptr) {
        out_.areas_left_out.push_back({area.code, area.name, removed->why, removed->basis});
      } else if (area.standard || Find(area.code, &AreaChanges::added) != nullptr) {
        out_.areas.push_back(area);
        DropUnusedTechniques(out_.areas.back());
      }
    }
  }

  // nullptr where neither the variant nor the tradition speaks of the area.
  const AreaChange* Find(const std::string& area,
                         std::vector<AreaChange> AreaChanges::*list) const {
    for (const Changes* changes : {&variant_.changes, &tradition_.changes}) {
      for (const AreaChange& change : changes->areas.*list) {
        if (change.area == area) return &change;
      }
    }
    return nullptr;
  }

  void DropUnusedTechniques(Area& area) const {
    for (Strategy& strategy : area.strategies) {
      strategy.techniques.erase(
          std::remove_if(strategy.techniques.begin(), strategy.techniques.end(),
                         [&](const std::string& code) { return !out_.FindTechnique(code); }),
          strategy.techniques.end());
    }
  }

  void Apply(const Changes& changes) {
    for (const AreaNaming& naming : changes.areas.named) {
      for (Area& area : out_.areas) {
        if (area.code == naming.area) Rename(naming, area);
      }
    }
    for (const TaskRemoval& removal : changes.tasks.removed) {
      const auto gone = FindTask(removal.task);
      if (gone != out_.tasks.end()) out_.tasks.erase(gone);
    }
    for (const TaskChange& change : changes.tasks.changed) {
      const auto task = FindTask(change.task);
      if (task != out_.tasks.end()) Change(change, *task);
    }
    for (const TaskAddition& addition : changes.tasks.added) {
      const auto before = FindTask(addition.after);
      out_.tasks.insert(before == out_.tasks.end() ? before : before + 1, addition.task);
    }
    const auto append = [](const auto& more, auto& list) {
      list.insert(list.end(), more.begin(), more.end());
    };
    append(changes.tools, out_.tools);
    append(changes.measures, out_.measures);
    append(changes.notes, out_.notes);
  }

  static void Rename(const AreaNaming& naming, Area& area) {
    area.name = naming.name;
    if (!naming.plain_name.empty()) area.plain_name = naming.plain_name;
    Merge(naming.basis, area.basis);
  }

  static void Change(const TaskChange& change, Task& task) {
    if (change.name.has_value()) task.name = *change.name;
    if (change.phase.has_value()) task.phase = *change.phase;
    if (change.done_when.has_value()) task.done_when = *change.done_when;
    if (change.due.has_value()) task.due = *change.due;
    if (change.optional.has_value()) task.optional = *change.optional;
    task.basis = change.basis;
  }

  std::vector<Task>::iterator FindTask(absl::string_view code) {
    return absl::c_find_if(out_.tasks, [&](const Task& task) { return task.code == code; });
  }

  void CiteSources() {
    std::set<std::string> cited;
    for (const Basis* basis : BasesOf(out_))
      cited.insert(basis->sources.begin(), basis->sources.end());
    for (const Source& source : catalog_.sources) {
      if (cited.contains(source.key)) out_.sources.push_back(source);
    }
  }

  const ProtocolCatalog& catalog_;
  const Variant& variant_;
  const Tradition& tradition_;
  Protocol out_;
};

}  // namespace

std::string ProtocolId(absl::string_view variant_id, absl::string_view tradition) {
  return absl::StrCat(variant_id, "--",
                      absl::StrReplaceAll(absl::AsciiStrToLower(tradition), {{"_", "-"}}));
}

std::optional<Protocol> ResolveProtocol(const ProtocolCatalog& catalog,
                                        absl::string_view variant_id, absl::string_view tradition) {
  const Variant* variant = catalog.FindVariant(variant_id);
  if (variant == nullptr) return std::nullopt;
  const Tradition* followed =
      catalog.FindTradition(tradition.empty() ? absl::string_view(variant->tradition) : tradition);
  if (followed == nullptr) return std::nullopt;
  return Resolver(catalog, *variant, *followed).Run();
}

std::vector<Protocol> ResolveAll(const ProtocolCatalog& catalog) {
  std::vector<Protocol> all;
  for (const Variant& variant : catalog.variants) {
    for (const Tradition& tradition : catalog.traditions) {
      all.push_back(Resolver(catalog, variant, tradition).Run());
    }
  }
  std::sort(all.begin(), all.end(),
            [](const Protocol& a, const Protocol& b) { return a.id < b.id; });
  return all;
}

}  // namespace ipt::formulation
