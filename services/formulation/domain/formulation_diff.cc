#include "formulation/domain/formulation_diff.h"

#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "formulation/domain/names.h"

namespace ipt::formulation {
namespace {

std::string Written(const std::optional<int>& number) {
  return number.has_value() ? absl::StrCat(*number) : "";
}

std::string Written(const std::optional<absl::CivilDay>& day) {
  return day.has_value() ? absl::FormatCivilTime(*day) : "";
}

std::string Padded(int number) { return absl::StrCat(number < 10 ? "0" : "", number); }

std::string Written(const PartialDate& date) {
  std::string text = absl::StrCat(date.approximate ? "about " : "", date.year);
  if (date.month != 0) absl::StrAppend(&text, "-", Padded(date.month));
  if (date.day != 0) absl::StrAppend(&text, "-", Padded(date.day));
  return text;
}

absl::string_view Written(LifeEventKind kind) {
  static constexpr absl::string_view kNames[] = {"",
                                                 "LOSS_BY_DEATH",
                                                 "OTHER_LOSS",
                                                 "ROLE_CHANGE",
                                                 "DISPUTE",
                                                 "SYMPTOM_ONSET",
                                                 "SYMPTOM_WORSENING",
                                                 "SYMPTOM_IMPROVEMENT",
                                                 "EPISODE",
                                                 "TREATMENT",
                                                 "OTHER"};
  return kNames[static_cast<int>(kind)];
}

std::vector<std::string> IdsOf(const std::vector<FocusArea>& focus) {
  std::vector<std::string> ids;
  for (const FocusArea& area : focus) ids.push_back(area.problem_area_id);
  return ids;
}

std::vector<std::string> IdsOf(const std::vector<FormulationLink>& links) {
  std::vector<std::string> ids;
  for (const FormulationLink& link : links) ids.push_back(link.id);
  return ids;
}

// Those of `ids` that are among `others`, too.
std::vector<std::string> Common(const std::vector<std::string>& ids,
                                const std::vector<std::string>& others) {
  std::vector<std::string> common;
  for (const std::string& id : ids) {
    if (absl::c_linear_search(others, id)) common.push_back(id);
  }
  return common;
}

class Differ {
 public:
  Differ(absl::string_view clinic_id, absl::string_view course_id, const DiffSide& from,
         const DiffSide& to)
      : clinic_id_(clinic_id), course_id_(course_id), from_(from), to_(to) {}

  std::vector<FieldChange> Run() {
    const FormulationContent& a = from_.content;
    const FormulationContent& b = to_.content;
    Field("patient_narrative", a.patient_narrative, b.patient_narrative);
    Field("clinical_narrative", a.clinical_narrative, b.clinical_narrative);
    Elements(
        "focus", IdsOf(a.focus), IdsOf(b.focus),
        [](const DiffSide& side, size_t i) { return side.content.focus[i].reason; },
        [&](const std::string& path, size_t i, size_t j) {
          Field(path + ".reason", a.focus[i].reason, b.focus[j].reason);
        });
    Elements(
        "links", IdsOf(a.links), IdsOf(b.links),
        [](const DiffSide& side, size_t i) { return side.content.links[i].explanation; },
        [&](const std::string& path, size_t i, size_t j) { Link(path, a.links[i], b.links[j]); });
    Elements(
        "goals", a.goal_ids, b.goal_ids,
        [](const DiffSide& side, size_t i) {
          const GoalSnapshot* goal = side.snapshot.FindGoal(side.content.goal_ids[i]);
          return goal == nullptr ? "" : goal->description;
        },
        [](const std::string&, size_t, size_t) {});
    Contract(a.contract, b.contract);
    Snapshots();
    return std::move(changes_);
  }

 private:
  void Add(std::string path, FieldChangeKind kind, std::string before, std::string after) {
    changes_.push_back({std::move(path), kind, std::move(before), std::move(after)});
  }

  // A value that is empty is not there.
  void Field(std::string path, absl::string_view before, absl::string_view after) {
    if (before == after) return;
    const FieldChangeKind kind = before.empty()  ? FieldChangeKind::kAdded
                                 : after.empty() ? FieldChangeKind::kRemoved
                                                 : FieldChangeKind::kChanged;
    Add(std::move(path), kind, std::string(before), std::string(after));
  }

  // A list: what went, what came or changed in its new order, then whether what stayed is in
  // another order.
  template <typename TextOf, typename Inside>
  void Elements(const std::string& list, const std::vector<std::string>& before,
                const std::vector<std::string>& after, const TextOf& text_of,
                const Inside& inside) {
    const auto path = [&](const std::string& id) { return absl::StrCat(list, "[", id, "]"); };
    for (size_t i = 0; i < before.size(); ++i) {
      if (absl::c_linear_search(after, before[i])) continue;
      Add(path(before[i]), FieldChangeKind::kRemoved, text_of(from_, i), "");
    }
    for (size_t j = 0; j < after.size(); ++j) {
      const auto held = absl::c_find(before, after[j]);
      if (held == before.end()) {
        Add(path(after[j]), FieldChangeKind::kAdded, "", text_of(to_, j));
      } else {
        inside(path(after[j]), static_cast<size_t>(held - before.begin()), j);
      }
    }
    if (Common(before, after) != Common(after, before)) {
      Add(list, FieldChangeKind::kChanged, absl::StrJoin(before, ", "), absl::StrJoin(after, ", "));
    }
  }

  std::string EventName(const std::string& id) const {
    return id.empty() ? "" : LifeEventName(clinic_id_, course_id_, id);
  }
  std::string AreaName(const std::string& id) const {
    return id.empty() ? "" : ProblemAreaName(clinic_id_, course_id_, id);
  }

  void Link(const std::string& path, const FormulationLink& a, const FormulationLink& b) {
    Field(path + ".symptom_text", a.symptom_text, b.symptom_text);
    Field(path + ".symptom_event", EventName(a.symptom_event_id), EventName(b.symptom_event_id));
    Field(path + ".life_event", EventName(a.life_event_id), EventName(b.life_event_id));
    Field(path + ".problem_area", AreaName(a.problem_area_id), AreaName(b.problem_area_id));
    Field(path + ".goals", absl::StrJoin(a.goal_ids, ", "), absl::StrJoin(b.goal_ids, ", "));
    Field(path + ".explanation", a.explanation, b.explanation);
  }

  void Contract(const TreatmentContract& a, const TreatmentContract& b) {
    Field("contract.sessions", Written(a.sessions), Written(b.sessions));
    Field("contract.weeks", Written(a.weeks), Written(b.weeks));
    Field("contract.session_minutes", Written(a.session_minutes), Written(b.session_minutes));
    Field("contract.cadence_days", Written(a.cadence_days), Written(b.cadence_days));
    Field("contract.end_date", Written(a.end_date), Written(b.end_date));
    Field("contract.missed_session_policy", a.missed_session_policy, b.missed_session_policy);
    Field("contract.here_and_now_focus", a.here_and_now_focus, b.here_and_now_focus);
    Field("contract.practicalities", a.practicalities, b.practicalities);
  }

  // Where both name the same. Places are told by the content.
  void Snapshots() {
    for (const FocusSnapshot& b : to_.snapshot.problem_areas) {
      const FocusSnapshot* a = from_.snapshot.FindArea(b.problem_area_id);
      if (a == nullptr) continue;
      const std::string path = absl::StrCat("snapshot.problem_areas[", b.problem_area_id, "].");
      Field(path + "kind", CodeOf(a->kind), CodeOf(b.kind));
      Field(path + "display_name", a->display_name, b.display_name);
      Field(path + "plain_name", a->plain_name, b.plain_name);
      Field(path + "dispute_stage", CodeOf(a->dispute_stage), CodeOf(b.dispute_stage));
    }
    for (const GoalSnapshot& b : to_.snapshot.goals) {
      const GoalSnapshot* a = from_.snapshot.FindGoal(b.goal_id);
      if (a == nullptr) continue;
      const std::string path = absl::StrCat("snapshot.goals[", b.goal_id, "].");
      Field(path + "description", a->description, b.description);
      Field(path + "problem_area", AreaName(a->problem_area_id), AreaName(b.problem_area_id));
    }
    for (const LifeEventSnapshot& b : to_.snapshot.life_events) {
      const LifeEventSnapshot* a = from_.snapshot.FindLifeEvent(b.life_event_id);
      if (a == nullptr) continue;
      const std::string path = absl::StrCat("snapshot.life_events[", b.life_event_id, "].");
      Field(path + "kind", Written(a->kind), Written(b.kind));
      Field(path + "display_name", a->display_name, b.display_name);
      Field(path + "start_date", Written(a->start_date), Written(b.start_date));
    }
  }

  const absl::string_view clinic_id_;
  const absl::string_view course_id_;
  const DiffSide& from_;
  const DiffSide& to_;
  std::vector<FieldChange> changes_;
};

}  // namespace

std::vector<FieldChange> Diff(absl::string_view clinic_id, absl::string_view course_id,
                              const DiffSide& from, const DiffSide& to) {
  return Differ(clinic_id, course_id, from, to).Run();
}

}  // namespace ipt::formulation
