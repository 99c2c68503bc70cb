#include "formulation/domain/protocol_validation.h"

#include <set>
#include <string>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "platform/ids/ids.h"
#include "platform/text/utf8.h"

namespace ipt::formulation {
namespace {

constexpr size_t kMaxCodeBytes = 63;
constexpr size_t kMaxNameBytes = 200;
constexpr size_t kMaxTextBytes = 1000;
constexpr size_t kMaxLanguageBytes = 35;
constexpr int kMaxVersion = 1000000;
constexpr int kMaxSessions = 100;

// Words of A-Z and 0-9, joined by single underscores, the first of which begins with a letter.
bool IsUpperSnake(absl::string_view code) {
  if (code.empty() || code.size() > kMaxCodeBytes || !absl::ascii_isupper(code[0])) return false;
  return absl::c_all_of(absl::StrSplit(code, '_'), [](absl::string_view word) {
    return !word.empty() && absl::c_all_of(word, [](char c) {
      return absl::ascii_isupper(c) || absl::ascii_isdigit(c);
    });
  });
}

// Subtags of letters and digits, as BCP 47 has them.
bool IsLanguageTag(absl::string_view tag) {
  const std::vector<absl::string_view> subtags = absl::StrSplit(tag, '-');
  return tag.size() <= kMaxLanguageBytes && subtags[0].size() >= 2 &&
         absl::c_all_of(subtags[0], absl::ascii_isalpha) &&
         absl::c_all_of(subtags, [](absl::string_view subtag) {
           return !subtag.empty() && subtag.size() <= 8 &&
                  absl::c_all_of(subtag, absl::ascii_isalnum);
         });
}

void CheckText(absl::string_view text, absl::string_view field, size_t most, FieldViolations& bad) {
  if (absl::StripAsciiWhitespace(text).empty()) {
    bad.Add(field, "must not be empty");
  } else if (text.size() > most) {
    bad.Add(field, absl::StrCat("must be at most ", most, " bytes"));
  } else if (!IsUtf8(text) || absl::c_any_of(text, absl::ascii_iscntrl)) {
    bad.Add(field, "must be one line of UTF-8");
  }
}

absl::string_view NameOf(Phase phase) {
  switch (phase) {
    case Phase::kInitial:
      return "initial";
    case Phase::kMiddle:
      return "middle";
    case Phase::kEnding:
      return "ending";
  }
  return "";
}

class Validator {
 public:
  Validator(const ProtocolCatalog& catalog, CatalogViolations& bad)
      : catalog_(catalog), bad_(bad) {}

  void Run() {
    CheckHead();
    CheckSources();
    for (size_t i = 0; i < catalog_.areas.size(); ++i) {
      CheckArea(catalog_.areas[i], bad_.areas[i]);
    }
    CheckSome(catalog_.tasks, "tasks", bad_.tasks);
    for (size_t i = 0; i < catalog_.tasks.size(); ++i) {
      CheckTask(catalog_.tasks[i], bad_.tasks.At("tasks", i));
    }
    CheckSome(catalog_.techniques, "techniques", bad_.techniques);
    for (size_t i = 0; i < catalog_.techniques.size(); ++i) {
      CheckTechnique(catalog_.techniques[i], bad_.techniques.At("techniques", i));
    }
    for (size_t i = 0; i < catalog_.traditions.size(); ++i) {
      CheckTradition(catalog_.traditions[i], bad_.traditions[i]);
    }
    for (size_t i = 0; i < catalog_.variants.size(); ++i) {
      CheckVariant(catalog_.variants[i], bad_.variants[i]);
    }
    // What is used is known only after all was looked at.
    CheckUse();
  }

 private:
  void CheckHead() {
    CheckText(catalog_.name, "name", kMaxNameBytes, bad_.protocol);
    if (catalog_.version < 1 || catalog_.version > kMaxVersion) {
      bad_.protocol.Add("version", "must be 1 to 1000000");
    }
    if (!IsLanguageTag(catalog_.language)) {
      bad_.protocol.Add("language", "must be a BCP 47 tag, like en or pt-BR");
    }
  }

  void CheckSources() {
    CheckSome(catalog_.sources, "sources", bad_.sources);
    for (size_t i = 0; i < catalog_.sources.size(); ++i) {
      const Source& source = catalog_.sources[i];
      FieldViolations at = bad_.sources.At("sources", i);
      if (!IsValidId(source.key)) {
        at.Add("key", "must be 1 to 63 of a-z, 0-9 and \"-\", starting with a letter or digit");
      } else if (!sources_.insert(source.key).second) {
        at.Add("key", "must not be there twice");
      }
      CheckText(source.text, "text", kMaxTextBytes, at);
    }
  }

  void CheckArea(const Area& area, FieldViolations& bad) {
    CheckCode(area.code, bad);
    CheckKnown(area.code, kAreaCodes, bad);
    CheckText(area.name, "name", kMaxNameBytes, bad);
    CheckText(area.plain_name, "plain_name", kMaxNameBytes, bad);
    CheckText(area.definition, "definition", kMaxTextBytes, bad);
    CheckBasis(area.basis, bad);
    if (!area.stages.empty() && area.code != kRoleDispute) {
      bad.Add("stages", "must be empty: only ROLE_DISPUTE has stages");
    }
    for (size_t i = 0; i < area.stages.size(); ++i) {
      const Stage& stage = area.stages[i];
      FieldViolations at = bad.At("stages", i);
      CheckKnown(stage.code, kStageCodes, at);
      CheckText(stage.name, "name", kMaxNameBytes, at);
      CheckStatement(stage, at);
      if (absl::c_none_of(area.strategies, [&](const Strategy& strategy) {
            return absl::c_linear_search(strategy.stages, stage.code);
          })) {
        at.Add("code", "must be a stage of one strategy at least");
      }
    }
    CheckSome(area.criteria, "criteria", bad);
    for (size_t i = 0; i < area.criteria.size(); ++i) {
      CheckStatement(area.criteria[i], bad.At("criteria", i));
    }
    if (absl::c_none_of(area.criteria, [](const Criterion& criterion) {
          return criterion.weight == Weight::kCore;
        })) {
      bad.Add("criteria", "must have one at least whose weight is core");
    }
    CheckSome(area.goals, "goals", bad);
    for (size_t i = 0; i < area.goals.size(); ++i) {
      CheckStatement(area.goals[i], bad.At("goals", i));
    }
    for (size_t i = 0; i < area.strategies.size(); ++i) {
      FieldViolations at = bad.At("strategies", i);
      CheckStatement(area.strategies[i], at);
      CheckPhases(area.strategies[i], area, at);
      CheckTechniques(area.strategies[i].techniques, at);
    }
    CheckEachPhaseHas(area.strategies, "strategies", bad);
    for (size_t i = 0; i < area.questions.size(); ++i) {
      FieldViolations at = bad.At("questions", i);
      CheckStatement(area.questions[i], at);
      CheckPhases(area.questions[i], area, at);
    }
    CheckEachPhaseHas(area.questions, "questions", bad);
  }

  template <typename T>
  void CheckPhases(const T& entry, const Area& area, FieldViolations& at) {
    CheckSome(entry.phases, "phases", at);
    CheckNoneTwice(entry.phases, "phases", at);
    CheckNoneTwice(entry.stages, "stages", at);
    for (size_t i = 0; i < entry.stages.size(); ++i) {
      if (area.FindStage(entry.stages[i]) == nullptr) {
        at.At("stages", i).Add("", "must be the code of a stage of this area");
      }
    }
  }

  // A phase must have something whatever the stage is.
  template <typename T>
  void CheckEachPhaseHas(const std::vector<T>& list, absl::string_view field,
                         FieldViolations& bad) {
    for (const Phase phase : kPhases) {
      if (absl::c_none_of(list, [&](const T& entry) {
            return entry.stages.empty() && absl::c_linear_search(entry.phases, phase);
          })) {
        bad.Add(field, absl::StrCat("must have one at least of the ", NameOf(phase),
                                    " phase and of any stage"));
      }
    }
  }

  void CheckTechniques(const std::vector<std::string>& techniques, FieldViolations& at) {
    CheckNoneTwice(techniques, "techniques", at);
    bool everywhere = false;
    for (size_t i = 0; i < techniques.size(); ++i) {
      const Technique* technique = catalog_.FindTechnique(techniques[i]);
      if (technique == nullptr) {
        at.At("techniques", i).Add("", "must be the code of a technique");
      } else if (technique->UsedEverywhere()) {
        everywhere = true;
      }
    }
    if (!everywhere) at.Add("techniques", "must have one at least that is in use everywhere");
  }

  void CheckTask(const Task& task, FieldViolations at) {
    CheckCode(task.code, at);
    CheckText(task.name, "name", kMaxNameBytes, at);
    CheckText(task.done_when, "done_when", kMaxTextBytes, at);
    CheckBasis(task.basis, at);
    CheckNoneTwice(task.also, "also", at);
    if (absl::c_linear_search(task.also, task.phase)) {
      at.Add("also", "must be other phases than the task's own");
    }
    CheckDue(task.due, at.In("due"));
    for (size_t i = 0; i < task.questions.size(); ++i) {
      const Question& question = task.questions[i];
      FieldViolations in = at.At("questions", i);
      CheckStatement(question, in);
      if (!question.phases.empty()) in.Add("phases", "must be absent: the task has its phase");
      if (!question.stages.empty()) in.Add("stages", "must be absent: a task has no stages");
    }
  }

  static void CheckDue(const Due& due, FieldViolations at) {
    const bool counts = due.by == DueBy::kSession || due.by == DueBy::kSessionsLeft;
    if (counts && (due.number < 1 || due.number > kMaxSessions)) {
      at.Add("number", "must be 1 to 100");
    }
    if (!counts && due.number != 0) at.Add("number", "must be absent: nothing is counted");
    if (due.by == DueBy::kSessionsLeft) {
      if (due.from < due.number || due.from > kMaxSessions) {
        at.Add("from", "must be at least number, and at most 100");
      }
    } else if (due.from != 0) {
      at.Add("from", "must be absent but with sessions_left");
    }
  }

  void CheckTechnique(const Technique& technique, FieldViolations at) {
    CheckCode(technique.code, at);
    CheckText(technique.name, "name", kMaxNameBytes, at);
    CheckText(technique.description, "description", kMaxTextBytes, at);
    CheckBasis(technique.basis, at);
    CheckNoneTwice(technique.traditions, "traditions", at);
    for (size_t i = 0; i < technique.traditions.size(); ++i) {
      if (catalog_.FindTradition(technique.traditions[i]) == nullptr) {
        at.At("traditions", i).Add("", "must be the code of a tradition");
      }
    }
    CheckNoneTwice(technique.variants, "variants", at);
    for (size_t i = 0; i < technique.variants.size(); ++i) {
      if (catalog_.FindVariant(technique.variants[i]) == nullptr) {
        at.At("variants", i).Add("", "must be the id of a variant");
      }
    }
  }

  void CheckTradition(const Tradition& tradition, FieldViolations& bad) {
    CheckCode(tradition.code, bad);
    CheckText(tradition.name, "name", kMaxNameBytes, bad);
    CheckText(tradition.description, "description", kMaxTextBytes, bad);
    CheckBasis(tradition.basis, bad);
    CheckChanges(tradition.changes, bad);
  }

  void CheckVariant(const Variant& variant, FieldViolations& bad) {
    if (!IsValidId(variant.id)) {
      bad.Add("id", "must be 1 to 63 of a-z, 0-9 and \"-\", starting with a letter or digit");
    }
    CheckText(variant.name, "name", kMaxNameBytes, bad);
    CheckText(variant.description, "description", kMaxTextBytes, bad);
    CheckBasis(variant.basis, bad);
    if (catalog_.FindTradition(variant.tradition) == nullptr) {
      bad.Add("tradition", "must be the code of a tradition");
    }
    if (variant.max_focus < 1 || variant.max_focus > kMaxFocus) {
      bad.Add("max_focus", "must be 1 or 2");
    }
    FieldViolations split = bad.In("split");
    CheckBasis(variant.split.basis, split);
    const auto check = [&](int number, absl::string_view field) {
      const bool fits = number >= 1 && number <= kMaxSessions;
      if (!fits) split.Add(field, "must be 1 to 100");
      return fits;
    };
    const bool sessions = check(variant.split.sessions, "sessions");
    const bool initial = check(variant.split.initial, "initial");
    const bool ending = check(variant.split.ending, "ending");
    if (sessions && initial && ending &&
        variant.split.initial + variant.split.ending >= variant.split.sessions) {
      split.Add("sessions", "must leave one at least to the middle phase");
    }
    CheckChanges(variant.changes, bad);
  }

  void CheckChanges(const Changes& changes, FieldViolations& bad) {
    CheckAreaChanges(changes.areas, bad.In("areas"));
    CheckTaskChanges(changes.tasks, bad.In("tasks"));
    for (size_t i = 0; i < changes.tools.size(); ++i) {
      const Tool& tool = changes.tools[i];
      FieldViolations at = bad.At("tools", i);
      CheckCode(tool.code, at);
      CheckText(tool.name, "name", kMaxNameBytes, at);
      CheckText(tool.description, "description", kMaxTextBytes, at);
      CheckBasis(tool.basis, at);
    }
    for (size_t i = 0; i < changes.measures.size(); ++i) {
      const MeasureHint& measure = changes.measures[i];
      FieldViolations at = bad.At("measures", i);
      CheckText(measure.name, "name", kMaxNameBytes, at);
      if (!measure.instrument.empty() && !IsValidId(measure.instrument)) {
        at.Add("instrument", "must be the id of an instrument");
      }
      if (measure.every_sessions < 0 || measure.every_sessions > kMaxSessions) {
        at.Add("every_sessions", "must be 1 to 100, or absent");
      }
      CheckBasis(measure.basis, at);
    }
    for (size_t i = 0; i < changes.notes.size(); ++i) {
      CheckStatement(changes.notes[i], bad.At("notes", i));
    }
  }

  void CheckAreaChanges(const AreaChanges& changes, FieldViolations bad) {
    std::set<std::string> spoken_of;
    const auto check = [&](const std::vector<AreaChange>& list, const char* field, bool standard) {
      for (size_t i = 0; i < list.size(); ++i) {
        const AreaChange& change = list[i];
        FieldViolations at = bad.At(field, i);
        const Area* area = catalog_.FindArea(change.area);
        if (area == nullptr) {
          at.Add("area", "must be the code of an area");
        } else if (area->standard != standard) {
          at.Add("area", standard ? "must be a standard area" : "must be no standard area");
        } else if (!spoken_of.insert(change.area).second) {
          at.Add("area", "must not be there twice");
        }
        CheckText(change.why, "why", kMaxTextBytes, at);
        CheckBasis(change.basis, at);
      }
    };
    check(changes.added, "add", false);
    check(changes.removed, "remove", true);
    for (const AreaChange& change : changes.added) areas_added_.insert(change.area);
    std::set<std::string> named;
    for (size_t i = 0; i < changes.named.size(); ++i) {
      const AreaNaming& naming = changes.named[i];
      FieldViolations at = bad.At("name", i);
      if (catalog_.FindArea(naming.area) == nullptr) {
        at.Add("area", "must be the code of an area");
      } else if (!named.insert(naming.area).second) {
        at.Add("area", "must not be there twice");
      }
      CheckText(naming.name, "name", kMaxNameBytes, at);
      if (!naming.plain_name.empty()) CheckText(naming.plain_name, "plain_name", kMaxNameBytes, at);
      CheckBasis(naming.basis, at);
    }
  }

  void CheckTaskChanges(const TaskChanges& changes, FieldViolations bad) {
    std::set<std::string> spoken_of;
    const auto check = [&](const std::string& task, FieldViolations& at) {
      if (catalog_.FindTask(task) == nullptr) {
        at.Add("task", "must be the code of a task");
      } else if (!spoken_of.insert(task).second) {
        at.Add("task", "must not be there twice");
      }
    };
    for (size_t i = 0; i < changes.added.size(); ++i) {
      const TaskAddition& addition = changes.added[i];
      FieldViolations at = bad.At("add", i);
      CheckTask(addition.task, at.In("task"));
      const Task* before = catalog_.FindTask(addition.after);
      if (!addition.after.empty() && (before == nullptr || before->phase != addition.task.phase)) {
        at.Add("after", "must be the code of a task of the same phase");
      }
    }
    for (size_t i = 0; i < changes.changed.size(); ++i) {
      const TaskChange& change = changes.changed[i];
      FieldViolations at = bad.At("change", i);
      check(change.task, at);
      CheckBasis(change.basis, at);
      if (change.name.has_value()) CheckText(*change.name, "name", kMaxNameBytes, at);
      if (change.done_when.has_value()) {
        CheckText(*change.done_when, "done_when", kMaxTextBytes, at);
      }
      if (change.due.has_value()) CheckDue(*change.due, at.In("due"));
      if (!change.name.has_value() && !change.phase.has_value() && !change.done_when.has_value() &&
          !change.due.has_value() && !change.optional.has_value()) {
        at.Add("", "must change something");
      }
    }
    for (size_t i = 0; i < changes.removed.size(); ++i) {
      const TaskRemoval& removal = changes.removed[i];
      FieldViolations at = bad.At("remove", i);
      check(removal.task, at);
      CheckText(removal.why, "why", kMaxTextBytes, at);
      CheckBasis(removal.basis, at);
    }
  }

  void CheckUse() {
    for (size_t i = 0; i < catalog_.sources.size(); ++i) {
      if (!cited_.contains(catalog_.sources[i].key)) {
        bad_.sources.At("sources", i).Add("key", "is cited by nothing");
      }
    }
    for (size_t i = 0; i < catalog_.areas.size(); ++i) {
      const Area& area = catalog_.areas[i];
      if (!area.standard && !areas_added_.contains(area.code)) {
        bad_.areas[i].Add("standard", "must be true where no variant or tradition adds the area");
      }
    }
  }

  template <typename T>
  void CheckStatement(const T& statement, FieldViolations at) {
    CheckCode(statement.code, at);
    CheckText(statement.text, "text", kMaxTextBytes, at);
    CheckBasis(statement.basis, at);
  }

  // Codes are kept in records, and looked up without their kind: one means one thing.
  void CheckCode(const std::string& code, FieldViolations& at) {
    if (!IsUpperSnake(code)) {
      at.Add("code", "must be 1 to 63 of A-Z, 0-9 and \"_\", like ROLE_DISPUTE");
    } else if (!codes_.insert(code).second) {
      at.Add("code", "must be no code of anything else in the protocol");
    }
  }

  static void CheckKnown(absl::string_view code, absl::Span<const absl::string_view> known,
                         FieldViolations& at) {
    if (!absl::c_linear_search(known, code)) {
      at.Add("code", absl::StrCat("must be one of ", absl::StrJoin(known, ", ")));
    }
  }

  void CheckBasis(const Basis& basis, FieldViolations& at) {
    CheckSome(basis.sources, "sources", at);
    CheckNoneTwice(basis.sources, "sources", at);
    for (size_t i = 0; i < basis.sources.size(); ++i) {
      if (!sources_.contains(basis.sources[i])) {
        at.At("sources", i).Add("", "must be the key of a source");
      }
      cited_.insert(basis.sources[i]);
    }
    if (!basis.note.empty()) CheckText(basis.note, "note", kMaxTextBytes, at);
  }

  template <typename T>
  static void CheckSome(const std::vector<T>& list, absl::string_view field, FieldViolations& at) {
    if (list.empty()) at.Add(field, "must have one entry at least");
  }

  template <typename T>
  static void CheckNoneTwice(const std::vector<T>& list, absl::string_view field,
                             FieldViolations& at) {
    std::set<T> seen;
    for (size_t i = 0; i < list.size(); ++i) {
      if (!seen.insert(list[i]).second) at.At(field, i).Add("", "must not be there twice");
    }
  }

  const ProtocolCatalog& catalog_;
  CatalogViolations& bad_;
  std::set<std::string> sources_;
  std::set<std::string> cited_;
  std::set<std::string> codes_;
  std::set<std::string> areas_added_;
};

}  // namespace

bool CatalogViolations::empty() const {
  const auto none = [](const FieldViolations& bad) { return bad.empty(); };
  return protocol.empty() && sources.empty() && tasks.empty() && techniques.empty() &&
         absl::c_all_of(areas, none) && absl::c_all_of(traditions, none) &&
         absl::c_all_of(variants, none);
}

void ValidateCatalog(const ProtocolCatalog& catalog, CatalogViolations& bad) {
  Validator(catalog, bad).Run();
}

}  // namespace ipt::formulation
