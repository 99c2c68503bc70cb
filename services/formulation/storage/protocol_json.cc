#include "formulation/storage/protocol_json.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "formulation/domain/protocol_validation.h"
#include "platform/errors/field_violations.h"
#include "platform/json/strict_json.h"

namespace ipt::formulation {
namespace {

constexpr JsonName<Evidence> kEvidence[] = {{Evidence::kSeen, "seen"},
                                            {Evidence::kEstablished, "established"},
                                            {Evidence::kLikely, "likely"},
                                            {Evidence::kClinic, "clinic"}};
constexpr JsonName<Phase> kPhaseNames[] = {
    {Phase::kInitial, "initial"}, {Phase::kMiddle, "middle"}, {Phase::kEnding, "ending"}};
constexpr JsonName<Weight> kWeights[] = {
    {Weight::kCore, "core"}, {Weight::kSupporting, "supporting"}, {Weight::kContext, "context"}};
constexpr JsonName<Person> kPersons[] = {{Person::kNobody, "nobody"},
                                         {Person::kDeceased, "deceased"},
                                         {Person::kOtherParty, "other_party"}};
constexpr JsonName<DueBy> kDueBy[] = {{DueBy::kPhaseEnd, "phase_end"},
                                      {DueBy::kSession, "session"},
                                      {DueBy::kHalfway, "halfway"},
                                      {DueBy::kSessionsLeft, "sessions_left"},
                                      {DueBy::kEachSession, "each_session"}};
constexpr JsonName<TechniqueFamily> kFamilies[] = {
    {TechniqueFamily::kExploratory, "exploratory"},
    {TechniqueFamily::kAffective, "affective"},
    {TechniqueFamily::kCommunication, "communication"},
    {TechniqueFamily::kBehavioural, "behavioural"},
    {TechniqueFamily::kDirective, "directive"},
    {TechniqueFamily::kRelational, "relational"},
    {TechniqueFamily::kAdjunctive, "adjunctive"}};

// The files that hold a list.
struct SourceList {
  std::vector<Source> sources;
};
struct TaskList {
  std::vector<Task> tasks;
};
struct TechniqueList {
  std::vector<Technique> techniques;
};
// And the one that says what all of them are.
struct Head {
  std::string name;
  int version = 0;
  std::string language;
};

struct Nothing {};

// The format: a visitor `v` is called with each key and its member. v.Key: must be there. v.Maybe:
// may be left out.
struct ProtocolFormat {
  using Context = Nothing;

  static absl::Span<const JsonName<Evidence>> NamesOf(Evidence) { return kEvidence; }
  static absl::Span<const JsonName<Phase>> NamesOf(Phase) { return kPhaseNames; }
  static absl::Span<const JsonName<Weight>> NamesOf(Weight) { return kWeights; }
  static absl::Span<const JsonName<Person>> NamesOf(Person) { return kPersons; }
  static absl::Span<const JsonName<DueBy>> NamesOf(DueBy) { return kDueBy; }
  static absl::Span<const JsonName<TechniqueFamily>> NamesOf(TechniqueFamily) { return kFamilies; }

  using Reader = JsonReader<ProtocolFormat>;

  static void VisitBasis(Reader& v, Basis& basis) {
    v.Key("evidence", basis.evidence);
    v.Key("sources", basis.sources);
    v.Maybe("note", basis.note);
  }

  static void Visit(Reader& v, Head& head) {
    v.Key("name", head.name);
    v.Key("version", head.version);
    v.Key("language", head.language);
  }

  static void Visit(Reader& v, SourceList& list) { v.Key("sources", list.sources); }
  static void Visit(Reader& v, Source& source) {
    v.Key("key", source.key);
    v.Key("text", source.text);
  }

  static void Visit(Reader& v, Area& area) {
    v.Key("code", area.code);
    v.Key("name", area.name);
    v.Key("plain_name", area.plain_name);
    v.Key("definition", area.definition);
    v.Key("person", area.person);
    v.Key("standard", area.standard);
    v.Key("last_resort", area.last_resort);
    VisitBasis(v, area.basis);
    v.Key("stages", area.stages);
    v.Key("criteria", area.criteria);
    v.Key("goals", area.goals);
    v.Key("strategies", area.strategies);
    v.Key("questions", area.questions);
  }

  static void Visit(Reader& v, Stage& stage) {
    v.Key("code", stage.code);
    v.Key("name", stage.name);
    v.Key("text", stage.text);
    VisitBasis(v, stage.basis);
  }

  static void Visit(Reader& v, Criterion& criterion) {
    v.Key("code", criterion.code);
    v.Key("text", criterion.text);
    v.Key("weight", criterion.weight);
    VisitBasis(v, criterion.basis);
  }

  static void Visit(Reader& v, AreaGoal& goal) {
    v.Key("code", goal.code);
    v.Key("text", goal.text);
    VisitBasis(v, goal.basis);
  }

  static void Visit(Reader& v, Strategy& strategy) {
    v.Key("code", strategy.code);
    v.Key("text", strategy.text);
    v.Key("phases", strategy.phases);
    v.Maybe("stages", strategy.stages);
    v.Key("techniques", strategy.techniques);
    VisitBasis(v, strategy.basis);
  }

  static void Visit(Reader& v, Question& question) {
    v.Key("code", question.code);
    v.Key("text", question.text);
    v.Maybe("phases", question.phases);
    v.Maybe("stages", question.stages);
    VisitBasis(v, question.basis);
  }

  static void Visit(Reader& v, TaskList& list) { v.Key("tasks", list.tasks); }
  static void Visit(Reader& v, Task& task) {
    v.Key("code", task.code);
    v.Key("name", task.name);
    v.Key("phase", task.phase);
    v.Maybe("also", task.also);
    v.Key("done_when", task.done_when);
    v.Key("due", task.due);
    v.Maybe("optional", task.optional);
    v.Maybe("questions", task.questions);
    VisitBasis(v, task.basis);
  }

  static void Visit(Reader& v, Due& due) {
    v.Key("by", due.by);
    v.Maybe("number", due.number);
    v.Maybe("from", due.from);
  }

  static void Visit(Reader& v, TechniqueList& list) { v.Key("techniques", list.techniques); }
  static void Visit(Reader& v, Technique& technique) {
    v.Key("code", technique.code);
    v.Key("name", technique.name);
    v.Key("description", technique.description);
    v.Key("family", technique.family);
    v.Maybe("traditions", technique.traditions);
    v.Maybe("variants", technique.variants);
    VisitBasis(v, technique.basis);
  }

  static void VisitChanges(Reader& v, Changes& changes) {
    v.Maybe("areas", changes.areas);
    v.Maybe("tasks", changes.tasks);
    v.Maybe("tools", changes.tools);
    v.Maybe("measures", changes.measures);
    v.Maybe("notes", changes.notes);
  }

  static void Visit(Reader& v, AreaChanges& areas) {
    v.Maybe("add", areas.added);
    v.Maybe("remove", areas.removed);
    v.Maybe("name", areas.named);
  }
  static void Visit(Reader& v, AreaChange& change) {
    v.Key("area", change.area);
    v.Key("why", change.why);
    VisitBasis(v, change.basis);
  }
  static void Visit(Reader& v, AreaNaming& naming) {
    v.Key("area", naming.area);
    v.Key("name", naming.name);
    v.Maybe("plain_name", naming.plain_name);
    VisitBasis(v, naming.basis);
  }

  static void Visit(Reader& v, TaskChanges& tasks) {
    v.Maybe("add", tasks.added);
    v.Maybe("change", tasks.changed);
    v.Maybe("remove", tasks.removed);
  }
  static void Visit(Reader& v, TaskAddition& addition) {
    v.Maybe("after", addition.after);
    v.Key("task", addition.task);
  }
  static void Visit(Reader& v, TaskChange& change) {
    v.Key("task", change.task);
    v.Maybe("name", change.name);
    v.Maybe("phase", change.phase);
    v.Maybe("done_when", change.done_when);
    v.Maybe("due", change.due);
    v.Maybe("optional", change.optional);
    VisitBasis(v, change.basis);
  }
  static void Visit(Reader& v, TaskRemoval& removal) {
    v.Key("task", removal.task);
    v.Key("why", removal.why);
    VisitBasis(v, removal.basis);
  }

  static void Visit(Reader& v, Tool& tool) {
    v.Key("code", tool.code);
    v.Key("name", tool.name);
    v.Key("description", tool.description);
    VisitBasis(v, tool.basis);
  }

  static void Visit(Reader& v, MeasureHint& measure) {
    v.Key("name", measure.name);
    v.Maybe("instrument", measure.instrument);
    v.Maybe("every_sessions", measure.every_sessions);
    VisitBasis(v, measure.basis);
  }

  static void Visit(Reader& v, Note& note) {
    v.Key("code", note.code);
    v.Key("text", note.text);
    VisitBasis(v, note.basis);
  }

  static void Visit(Reader& v, Tradition& tradition) {
    v.Key("code", tradition.code);
    v.Key("name", tradition.name);
    v.Key("description", tradition.description);
    VisitBasis(v, tradition.basis);
    VisitChanges(v, tradition.changes);
  }

  static void Visit(Reader& v, SessionSplit& split) {
    v.Key("sessions", split.sessions);
    v.Key("initial", split.initial);
    v.Key("ending", split.ending);
    VisitBasis(v, split.basis);
  }

  static void Visit(Reader& v, Variant& variant) {
    v.Key("id", variant.id);
    v.Key("name", variant.name);
    v.Key("description", variant.description);
    v.Key("tradition", variant.tradition);
    v.Key("max_focus", variant.max_focus);
    VisitBasis(v, variant.basis);
    v.Key("split", variant.split);
    VisitChanges(v, variant.changes);
  }
};

constexpr char kHead[] = "protocol.json";
constexpr char kSources[] = "sources.json";
constexpr char kTasks[] = "tasks.json";
constexpr char kTechniques[] = "techniques.json";
constexpr char kAreas[] = "areas/";
constexpr char kTraditions[] = "traditions/";
constexpr char kVariants[] = "variants/";

// One of the things that have a file each, and the file.
template <typename T>
struct Filed {
  std::string file;
  T value;
};

// The name of the file that a thing of this code must be in.
std::string FileOf(absl::string_view folder, absl::string_view code) {
  return absl::StrCat(folder, absl::StrReplaceAll(absl::AsciiStrToLower(code), {{"_", "-"}}),
                      ".json");
}

class CatalogReader {
 public:
  absl::StatusOr<ProtocolCatalog> Run(absl::Span<const EmbeddedFile> files) {
    std::map<absl::string_view, absl::string_view> texts;
    for (const EmbeddedFile& file : files) {
      if (!texts.emplace(file.name, file.text).second) AddLine(file.name, "is there twice");
    }
    for (const auto& [name, text] : texts) ReadFile(name, text);
    for (const char* name : {kHead, kSources, kTasks, kTechniques}) {
      if (!texts.contains(name)) AddLine(name, "is missing");
    }
    RequireSome(kAreas, areas_);
    RequireSome(kTraditions, traditions_);
    RequireSome(kVariants, variants_);
    if (!lines_.empty()) return Errors();

    ProtocolCatalog catalog = Assemble();
    CatalogViolations bad(catalog);
    ValidateCatalog(catalog, bad);
    AddLines(kHead, bad.protocol);
    AddLines(kSources, bad.sources);
    AddLines(kTasks, bad.tasks);
    AddLines(kTechniques, bad.techniques);
    AddLines(areas_, bad.areas);
    AddLines(traditions_, bad.traditions);
    AddLines(variants_, bad.variants);
    if (!lines_.empty()) return Errors();
    return catalog;
  }

 private:
  void ReadFile(absl::string_view name, absl::string_view text) {
    const bool json = absl::EndsWith(name, ".json");
    if (name == kHead) {
      Read(name, text, head_);
    } else if (name == kSources) {
      Read(name, text, sources_);
    } else if (name == kTasks) {
      Read(name, text, tasks_);
    } else if (name == kTechniques) {
      Read(name, text, techniques_);
    } else if (json && absl::StartsWith(name, kAreas)) {
      ReadFiled(kAreas, name, text, "code", &Area::code, areas_);
    } else if (json && absl::StartsWith(name, kTraditions)) {
      ReadFiled(kTraditions, name, text, "code", &Tradition::code, traditions_);
    } else if (json && absl::StartsWith(name, kVariants)) {
      ReadFiled(kVariants, name, text, "id", &Variant::id, variants_);
    } else {
      AddLine(name, "is no file of a protocol");
    }
  }

  template <typename T>
  bool Read(absl::string_view name, absl::string_view text, T& out) {
    OrderedJson json;
    if (const absl::Status parsed = ParseStrictly(name, text, json); !parsed.ok()) {
      lines_.emplace_back(parsed.message());
      return false;
    }
    FieldViolations bad;
    Nothing nothing;
    JsonReader<ProtocolFormat>::ReadValue(json, out, nothing, bad.In(""));
    AddLines(name, bad);
    return bad.empty();
  }

  template <typename T>
  void ReadFiled(absl::string_view folder, absl::string_view name, absl::string_view text,
                 absl::string_view key, std::string T::*code, std::vector<Filed<T>>& list) {
    Filed<T>& filed = list.emplace_back();
    filed.file = std::string(name);
    if (Read(name, text, filed.value) && FileOf(folder, filed.value.*code) != name) {
      AddLine(name, absl::StrCat(key, ": must be the file's name"));
    }
  }

  // Areas, traditions and variants come by code or id, but an area of last resort is never offered
  // before another.
  ProtocolCatalog Assemble() {
    std::sort(areas_.begin(), areas_.end(), [](const auto& a, const auto& b) {
      return std::tie(a.value.last_resort, a.value.code) <
             std::tie(b.value.last_resort, b.value.code);
    });
    std::sort(traditions_.begin(), traditions_.end(),
              [](const auto& a, const auto& b) { return a.value.code < b.value.code; });
    std::sort(variants_.begin(), variants_.end(),
              [](const auto& a, const auto& b) { return a.value.id < b.value.id; });
    ProtocolCatalog catalog{.name = head_.name,
                            .version = head_.version,
                            .language = head_.language,
                            .sources = std::move(sources_.sources),
                            .tasks = std::move(tasks_.tasks),
                            .techniques = std::move(techniques_.techniques)};
    for (auto& area : areas_) catalog.areas.push_back(std::move(area.value));
    for (auto& tradition : traditions_) catalog.traditions.push_back(std::move(tradition.value));
    for (auto& variant : variants_) catalog.variants.push_back(std::move(variant.value));
    return catalog;
  }

  template <typename T>
  void RequireSome(absl::string_view folder, const std::vector<Filed<T>>& list) {
    if (list.empty()) AddLine(folder, "must have one file at least");
  }

  void AddLine(absl::string_view file, absl::string_view error) {
    lines_.push_back(absl::StrCat(file, ": ", error));
  }

  void AddLines(absl::string_view file, const FieldViolations& bad) {
    const absl::Status status = InFile(file, bad);
    if (!status.ok()) lines_.emplace_back(status.message());
  }

  template <typename T>
  void AddLines(const std::vector<Filed<T>>& list, const std::vector<FieldViolations>& bad) {
    for (size_t i = 0; i < list.size(); ++i) AddLines(list[i].file, bad[i]);
  }

  absl::Status Errors() const { return absl::InvalidArgumentError(absl::StrJoin(lines_, "\n")); }

  Head head_;
  SourceList sources_;
  TaskList tasks_;
  TechniqueList techniques_;
  std::vector<Filed<Area>> areas_;
  std::vector<Filed<Tradition>> traditions_;
  std::vector<Filed<Variant>> variants_;
  std::vector<std::string> lines_;
};

}  // namespace

absl::StatusOr<ProtocolCatalog> ReadProtocolCatalog(absl::Span<const EmbeddedFile> files) {
  return CatalogReader().Run(files);
}

absl::StatusOr<ProtocolCatalog> ShippedProtocolCatalog() {
  return ReadProtocolCatalog(ProtocolFiles());
}

}  // namespace ipt::formulation
