#include "formulation/domain/warnings.h"

#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "formulation/domain/formulation.h"
#include "formulation/domain/names.h"

namespace ipt::formulation {
namespace {

bool SpeaksForEpisode(const OnsetLink& link) {
  return link.relation != EventRelation::kUnspecified && link.relation != EventRelation::kUnrelated;
}

bool IsDeath(const CourseParts& parts, const std::string& life_event_id) {
  const LifeEvent* event = parts.FindLifeEvent(life_event_id);
  return event != nullptr && event->kind == LifeEventKind::kLossByDeath;
}

bool HasDied(const CourseParts& parts, const std::string& relationship_id) {
  const Relationship* person = parts.FindRelationship(relationship_id);
  return person != nullptr && person->status == RelationshipStatus::kDeceased;
}

// The warnings of one area, under `prefix` in the resource that they are shown with.
class AreaWarnings {
 public:
  AreaWarnings(const ProblemArea& area, bool in_focus, const CourseParts& parts,
               const CourseProtocol& protocol)
      : area_(area), in_focus_(in_focus), parts_(parts), protocol_(protocol) {}

  std::vector<Warning> Run() {
    if (!protocol_.Has(area_.kind)) {
      Add(WarningCode::kKindNotInProtocol, "kind",
          "the course's protocol does not have this kind of area any more");
    }
    if (area_.kind == ProblemAreaKind::kGrief) LookAtGrief();
    if (area_.kind == ProblemAreaKind::kRoleDispute) LookAtDispute();
    if (area_.kind == ProblemAreaKind::kRoleTransition) LookAtTransition();
    LookAtEvidence();
    if (in_focus_) LookAtFocus();
    return std::move(warnings_);
  }

 private:
  void Add(WarningCode code, std::string field, std::string message) {
    warnings_.push_back({code, std::move(field),
                         ProblemAreaName(area_.clinic_id, area_.course_id, area_.problem_area_id),
                         std::move(message)});
  }

  void LookAtGrief() {
    const bool named = area_.grief.has_value() && !area_.grief->deceased_id.empty();
    if (!named) {
      Add(WarningCode::kPersonNotNamed, "grief.deceased", "it is not said who died");
    }
    const bool death = (named && HasDied(parts_, area_.grief->deceased_id)) ||
                       absl::c_any_of(area_.onset_links, [&](const OnsetLink& link) {
                         return SpeaksForEpisode(link) && IsDeath(parts_, link.life_event_id);
                       });
    if (!death) {
      Add(WarningCode::kGriefWithoutDeath, "",
          "grief is about a death, and nobody is said to have died: another loss is a role "
          "transition");
    }
  }

  void LookAtDispute() {
    if (area_.stage() == DisputeStage::kUnspecified) {
      Add(WarningCode::kDisputeWithoutStage, "role_dispute.stage",
          "the stage of the dispute, which decides what is worked on, is not said");
    }
    if (!area_.role_dispute.has_value() || area_.role_dispute->other_party_id.empty()) {
      Add(WarningCode::kPersonNotNamed, "role_dispute.other_party",
          "it is not said with whom the dispute is");
    }
  }

  void LookAtTransition() {
    std::vector<std::string> events;
    for (const OnsetLink& link : area_.onset_links) {
      if (SpeaksForEpisode(link)) events.push_back(link.life_event_id);
    }
    if (area_.role_transition.has_value() && !area_.role_transition->life_event_id.empty()) {
      events.push_back(area_.role_transition->life_event_id);
    }
    if (!events.empty() &&
        absl::c_all_of(events, [&](const std::string& id) { return IsDeath(parts_, id); })) {
      Add(WarningCode::kDeathAsTransition, "onset_links",
          "the area is tied to a death alone, and a death is grief");
    }
  }

  void LookAtEvidence() {
    const Area* defined = protocol_.FindArea(area_.kind);
    for (size_t i = 0; i < area_.evidence.size(); ++i) {
      const AreaEvidence& evidence = area_.evidence[i];
      const Criterion* criterion =
          defined == nullptr ? nullptr : defined->FindCriterion(evidence.criterion);
      if (criterion == nullptr) {
        Add(WarningCode::kUnknownCode, absl::StrCat("evidence[", i, "].criterion"),
            "the protocol does not have this criterion any more");
      } else if (in_focus_ && criterion->weight == Weight::kCore &&
                 evidence.finding == CriterionFinding::kAbsent) {
        Add(WarningCode::kCoreCriterionAbsent, absl::StrCat("evidence[", i, "]"),
            "a criterion that belongs to the area's definition is absent");
      }
    }
  }

  void LookAtFocus() {
    if (area_.kind != ProblemAreaKind::kInterpersonalDeficits) {
      if (absl::c_none_of(area_.onset_links, SpeaksForEpisode)) {
        Add(WarningCode::kFocusNotLinkedToOnset, "onset_links",
            "what ties the area to this episode is not said");
      }
      return;
    }
    const bool another = absl::c_any_of(parts_.areas, [&](const ProblemArea& other) {
      return other.kind != ProblemAreaKind::kInterpersonalDeficits &&
             PresentCriteria(other, protocol_) > 0;
    });
    if (another) {
      Add(WarningCode::kDeficitsNotLastResort, "",
          "this is the area of last resort, and another area has criteria that are present");
    }
  }

  const ProblemArea& area_;
  const bool in_focus_;
  const CourseParts& parts_;
  const CourseProtocol& protocol_;
  std::vector<Warning> warnings_;
};

// What a revision's names stood for, and what they stand for now.
void AddChangedSince(const FormulationRevision& revision, const CourseParts& parts,
                     const CourseProtocol& protocol, std::vector<Warning>& warnings) {
  const FormulationSnapshot now = SnapshotOf(revision.content, parts, protocol);
  const FormulationSnapshot& then = revision.snapshot;
  const auto add = [&](std::string field, std::string subject) {
    warnings.push_back({WarningCode::kChangedSince, std::move(field), std::move(subject),
                        "it reads otherwise now than in this revision"});
  };
  // What was taken away since, as only a superseded revision's can be, has not changed its words.
  for (size_t i = 0; i < then.problem_areas.size(); ++i) {
    const FocusSnapshot& area = then.problem_areas[i];
    const FocusSnapshot* present = now.FindArea(area.problem_area_id);
    if (present != nullptr &&
        (present->kind != area.kind || present->display_name != area.display_name)) {
      add(absl::StrCat("snapshot.problem_areas[", i, "]"),
          ProblemAreaName(revision.clinic_id, revision.course_id, area.problem_area_id));
    }
  }
  for (size_t i = 0; i < then.goals.size(); ++i) {
    const GoalSnapshot* present = now.FindGoal(then.goals[i].goal_id);
    if (present != nullptr && *present != then.goals[i]) {
      add(absl::StrCat("snapshot.goals[", i, "]"),
          GoalName(revision.clinic_id, revision.course_id, then.goals[i].goal_id));
    }
  }
  for (size_t i = 0; i < then.life_events.size(); ++i) {
    const LifeEventSnapshot* present = now.FindLifeEvent(then.life_events[i].life_event_id);
    if (present != nullptr && *present != then.life_events[i]) {
      add(absl::StrCat("snapshot.life_events[", i, "]"),
          LifeEventName(revision.clinic_id, revision.course_id, then.life_events[i].life_event_id));
    }
  }
}

void AddDifference(const std::optional<int>& stated, int planned, absl::string_view field,
                   std::vector<std::string>& differences) {
  if (stated.has_value() && planned != 0 && *stated != planned) {
    differences.push_back(std::string(field));
  }
}

}  // namespace

std::vector<std::string> ContractDifferences(const TreatmentContract& contract,
                                             const courses::CopiedCourse& course) {
  std::vector<std::string> differences;
  AddDifference(contract.sessions, course.planned_sessions, "contract.sessions", differences);
  AddDifference(contract.weeks, course.duration_weeks, "contract.weeks", differences);
  AddDifference(contract.cadence_days, course.cadence_days, "contract.cadence_days", differences);
  return differences;
}

std::vector<Warning> WarningsOf(const ProblemArea& area, bool in_focus, const CourseParts& parts,
                                const CourseProtocol& protocol) {
  return AreaWarnings(area, in_focus, parts, protocol).Run();
}

std::vector<Warning> WarningsOf(const FormulationRevision& revision, const CourseParts& parts,
                                const CourseProtocol& protocol,
                                const courses::CopiedCourse* course) {
  std::vector<Warning> warnings;
  const FormulationContent& content = revision.content;
  for (size_t i = 0; i < content.focus.size(); ++i) {
    const ProblemArea* area = parts.FindArea(content.focus[i].problem_area_id);
    if (area == nullptr) continue;
    for (Warning& warning : WarningsOf(*area, true, parts, protocol)) {
      warning.field = absl::StrCat("focus[", i, "]");
      warnings.push_back(std::move(warning));
    }
  }
  const TreatmentContract& contract = content.contract;
  if (!contract.sessions.has_value() || !contract.weeks.has_value() ||
      !contract.cadence_days.has_value() || contract.missed_session_policy.empty()) {
    warnings.push_back({WarningCode::kContractIncomplete, "contract", "",
                        "the contract does not say all of: sessions, weeks, how often, and what "
                        "becomes of missed sessions"});
  }
  if (course != nullptr) {
    for (std::string& field : ContractDifferences(contract, *course)) {
      warnings.push_back({WarningCode::kContractDiffers, std::move(field),
                          CourseName(course->clinic_id, course->course_id),
                          "the contract states it otherwise than the course's plan"});
    }
  }
  if (revision.state != RevisionState::kDraft) {
    AddChangedSince(revision, parts, protocol, warnings);
  }
  return warnings;
}

}  // namespace ipt::formulation
