#include "formulation/domain/formulation.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "formulation/domain/names.h"
#include "formulation/domain/reasons.h"
#include "formulation/domain/refusals.h"
#include "platform/errors/status_macros.h"

namespace ipt::formulation {
namespace {

constexpr size_t kMostContentBytes = 64000;
constexpr size_t kMostLinkIdBytes = 63;

bool IsLinkId(absl::string_view id) {
  return !id.empty() && id.size() <= kMostLinkIdBytes && absl::c_all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

size_t TextBytes(const FormulationContent& content) {
  size_t bytes = content.patient_narrative.size() + content.clinical_narrative.size() +
                 content.contract.missed_session_policy.size() +
                 content.contract.here_and_now_focus.size() +
                 content.contract.practicalities.size();
  for (const FocusArea& focus : content.focus) bytes += focus.reason.size();
  for (const FormulationLink& link : content.links) {
    bytes += link.symptom_text.size() + link.explanation.size();
  }
  return bytes;
}

void CheckLink(const FormulationLink& link, const FormulationContent& content,
               const CourseParts& parts, FieldViolations& bad) {
  if (!link.symptom_event_id.empty()) {
    const LifeEvent* event = parts.FindLifeEvent(link.symptom_event_id);
    if (event == nullptr) {
      bad.Add("symptom_event", "must be a life event of the same course");
    } else if (!IsOfSymptoms(event->kind)) {
      bad.Add("symptom_event",
              "must be of kind SYMPTOM_ONSET, SYMPTOM_WORSENING or SYMPTOM_IMPROVEMENT");
    }
  }
  if (!link.life_event_id.empty() && parts.FindLifeEvent(link.life_event_id) == nullptr) {
    bad.Add("life_event", "must be a life event of the same course");
  }
  if (!link.problem_area_id.empty() && parts.FindArea(link.problem_area_id) == nullptr) {
    bad.Add("problem_area", "must be a problem area of the same course");
  }
  std::set<std::string> seen;
  for (size_t i = 0; i < link.goal_ids.size(); ++i) {
    CheckOnce(link.goal_ids[i], absl::c_linear_search(content.goal_ids, link.goal_ids[i]),
              "must be one of the goals that the formulation names", seen, bad.At("goals", i));
  }
}

void CheckContract(const TreatmentContract& contract, FieldViolations bad) {
  CheckIn(contract.sessions, 1, 100, "sessions", bad);
  CheckIn(contract.weeks, 1, 208, "weeks", bad);
  CheckIn(contract.session_minutes, 15, 240, "session_minutes", bad);
  CheckIn(contract.cadence_days, 1, 92, "cadence_days", bad);
}

absl::string_view NameOf(RevisionState state) {
  switch (state) {
    case RevisionState::kDraft:
      return "DRAFT";
    case RevisionState::kProposed:
      return "PROPOSED";
    case RevisionState::kAgreed:
      return "AGREED";
    case RevisionState::kSuperseded:
      return "SUPERSEDED";
    case RevisionState::kUnspecified:
      break;
  }
  return "NONE";
}

// FORMULATION_STATE: what stands in the way (null: that there is nothing), and what to do.
absl::Status StateForbids(const CourseFormulation& formulation, const FormulationRevision* way,
                          absl::string_view what_to_do) {
  return FailedPrecondition(
      reason::kFormulationState, FormulationName(formulation.clinic_id, formulation.course_id),
      what_to_do, {{"state", std::string(way == nullptr ? "NONE" : NameOf(way->state))}});
}

std::string NameOf(const FormulationRevision& revision) {
  return RevisionName(revision.clinic_id, revision.course_id, revision.number);
}

absl::Status CheckPresent(const FormulationRevision& revision, int64_t if_revision) {
  if (revision.stamp.revision == if_revision) return absl::OkStatus();
  return EtagMismatch(kRevisionType, NameOf(revision));
}

const FormulationRevision* PendingOf(const CourseFormulation& formulation) {
  return formulation.pending.has_value() ? &*formulation.pending : nullptr;
}

bool IsPending(const CourseFormulation& formulation, RevisionState state) {
  return formulation.pending.has_value() && formulation.pending->state == state;
}

void AddChange(RevisionChangeKind kind, absl::string_view reason, const StepBy& by,
               FormulationRevision& revision) {
  // What was agreed stays as it is, but that another takes its place.
  if (kind != RevisionChangeKind::kSuperseded) revision.caller = by.caller;
  revision.changes.push_back(
      {.time = by.now, .kind = kind, .caller = by.caller, .reason = std::string(reason)});
  if (revision.changes.size() > kMostKeptChanges) revision.changes.erase(revision.changes.begin());
}

FormulationRevision BeginDraft(const CourseFormulation& formulation, absl::string_view reason,
                               const StepBy& by) {
  FormulationRevision draft{.clinic_id = formulation.clinic_id,
                            .course_id = formulation.course_id,
                            .state = RevisionState::kDraft};
  AddChange(RevisionChangeKind::kBegun, reason, by, draft);
  return draft;
}

class OpenPointSearch {
 public:
  OpenPointSearch(const FormulationRevision& draft, const CourseParts& parts,
                  const CourseProtocol& protocol)
      : draft_(draft), content_(draft.content), parts_(parts), protocol_(protocol) {}

  std::vector<OpenPoint> Run() {
    if (IsBlank(content_.patient_narrative)) {
      Add(OpenPointCode::kNoPatientNarrative, "patient_narrative", "",
          "the formulation in the patient's words is missing");
    }
    SearchFocus();
    SearchLinks();
    SearchGoals();
    return std::move(points_);
  }

 private:
  void Add(OpenPointCode code, std::string field, std::string subject, std::string message) {
    points_.push_back({code, std::move(field), std::move(subject), std::move(message)});
  }

  std::string AreaName(const std::string& id) const {
    return ProblemAreaName(draft_.clinic_id, draft_.course_id, id);
  }

  // The goals of an area that the formulation names, those that were given up left out.
  int GoalsOf(const std::string& area_id) const {
    return static_cast<int>(absl::c_count_if(content_.goal_ids, [&](const std::string& id) {
      const Goal* goal = parts_.FindGoal(id);
      return goal != nullptr && goal->state != GoalState::kAbandoned &&
             goal->problem_area_id == area_id;
    }));
  }

  void SearchFocus() {
    if (content_.focus.empty()) {
      Add(OpenPointCode::kNoFocus, "focus", "", "a focus has to be chosen");
    }
    for (size_t i = 0; i < content_.focus.size(); ++i) {
      const FocusArea& focus = content_.focus[i];
      const std::string field = absl::StrCat("focus[", i, "]");
      const std::string name = AreaName(focus.problem_area_id);
      if (i > 0 && IsBlank(focus.reason)) {
        Add(OpenPointCode::kSecondFocusWithoutReason, absl::StrCat(field, ".reason"), name,
            "a second focus needs its reason");
      }
      const ProblemArea* area = parts_.FindArea(focus.problem_area_id);
      if (area == nullptr || PresentCriteria(*area, protocol_) == 0) {
        Add(OpenPointCode::kFocusWithoutCriterion, field, name,
            "no criterion that speaks for the area is recorded as present");
      }
      const int goals = GoalsOf(focus.problem_area_id);
      if (goals == 0) {
        Add(OpenPointCode::kFocusWithoutGoal, field, name, "the focus has no goal");
      } else if (goals > kMostGoalsOfFocus) {
        Add(OpenPointCode::kTooManyGoals, field, name,
            absl::StrCat("the focus has more than ", kMostGoalsOfFocus, " goals"));
      }
    }
  }

  void SearchLinks() {
    if (content_.links.empty()) {
      Add(OpenPointCode::kNoLink, "links", "",
          "nothing ties the symptoms to what happened and to what is worked on");
    }
    for (size_t i = 0; i < content_.links.size(); ++i) {
      const FormulationLink& link = content_.links[i];
      const bool symptom = !IsBlank(link.symptom_text) || !link.symptom_event_id.empty();
      if (symptom && !link.problem_area_id.empty()) continue;
      Add(OpenPointCode::kLinkIncomplete, absl::StrCat("links[", i, "]"), "",
          "the link needs a symptom and a problem area");
    }
  }

  void SearchGoals() {
    for (size_t i = 0; i < content_.goal_ids.size(); ++i) {
      const Goal* goal = parts_.FindGoal(content_.goal_ids[i]);
      const bool of_focus = goal != nullptr && goal->state != GoalState::kAbandoned &&
                            absl::c_any_of(content_.focus, [&](const FocusArea& focus) {
                              return focus.problem_area_id == goal->problem_area_id;
                            });
      if (of_focus) continue;
      Add(OpenPointCode::kGoalNotOfFocus, absl::StrCat("goals[", i, "]"),
          GoalName(draft_.clinic_id, draft_.course_id, content_.goal_ids[i]),
          "the goal serves no area in focus, or was given up");
    }
  }

  const FormulationRevision& draft_;
  const FormulationContent& content_;
  const CourseParts& parts_;
  const CourseProtocol& protocol_;
  std::vector<OpenPoint> points_;
};

absl::Status Incomplete(const std::vector<OpenPoint>& points) {
  std::vector<PreconditionViolation> violations;
  for (const OpenPoint& point : points) {
    violations.push_back({std::string(NameOf(point.code)), point.field, point.message});
  }
  return FailedPreconditions(reason::kFormulationIncomplete,
                             "the draft lacks what a proposal needs", violations,
                             {{"open_points", absl::StrCat(points.size())}});
}

}  // namespace

void CheckContent(const FormulationContent& content, const CourseParts& parts, int max_focus,
                  FieldViolations bad) {
  if (content.focus.size() > static_cast<size_t>(max_focus)) {
    bad.Add("focus", absl::StrCat("must be at most ", max_focus));
  }
  std::set<std::string> areas;
  for (size_t i = 0; i < content.focus.size(); ++i) {
    const std::string& id = content.focus[i].problem_area_id;
    CheckOnce(id, parts.FindArea(id) != nullptr, "must be a problem area of the same course", areas,
              bad.At("focus", i).In("problem_area"));
  }
  std::set<std::string> link_ids;
  for (size_t i = 0; i < content.links.size(); ++i) {
    const FormulationLink& link = content.links[i];
    FieldViolations at = bad.At("links", i);
    if (!link.id.empty() && !IsLinkId(link.id)) {
      at.Add("id", "must be 1 to 63 of a-z, 0-9 and -");
    } else if (!link.id.empty() && !link_ids.insert(link.id).second) {
      at.Add("id", "must differ from the other links' ids");
    }
    CheckLink(link, content, parts, at);
  }
  std::set<std::string> goals;
  for (size_t i = 0; i < content.goal_ids.size(); ++i) {
    const std::string& id = content.goal_ids[i];
    CheckOnce(id, parts.FindGoal(id) != nullptr, "must be a goal of the same course", goals,
              bad.At("goals", i));
  }
  CheckContract(content.contract, bad.In("contract"));
  CheckTotal(TextBytes(content), kMostContentBytes, bad);
}

absl::string_view NameOf(OpenPointCode code) {
  switch (code) {
    case OpenPointCode::kNoPatientNarrative:
      return "NO_PATIENT_NARRATIVE";
    case OpenPointCode::kNoFocus:
      return "NO_FOCUS";
    case OpenPointCode::kSecondFocusWithoutReason:
      return "SECOND_FOCUS_WITHOUT_REASON";
    case OpenPointCode::kFocusWithoutCriterion:
      return "FOCUS_WITHOUT_CRITERION";
    case OpenPointCode::kNoLink:
      return "NO_LINK";
    case OpenPointCode::kLinkIncomplete:
      return "LINK_INCOMPLETE";
    case OpenPointCode::kFocusWithoutGoal:
      return "FOCUS_WITHOUT_GOAL";
    case OpenPointCode::kTooManyGoals:
      return "TOO_MANY_GOALS";
    case OpenPointCode::kGoalNotOfFocus:
      return "GOAL_NOT_OF_FOCUS";
    case OpenPointCode::kUnspecified:
      break;
  }
  return "OPEN_POINT_CODE_UNSPECIFIED";
}

std::vector<OpenPoint> OpenPointsOf(const FormulationRevision& draft, const CourseParts& parts,
                                    const CourseProtocol& protocol) {
  return OpenPointSearch(draft, parts, protocol).Run();
}

FormulationSnapshot SnapshotOf(const FormulationContent& content, const CourseParts& parts,
                               const CourseProtocol& protocol) {
  FormulationSnapshot snapshot;
  const auto add_area = [&](const std::string& id, FocusPosition position) {
    const ProblemArea* area = parts.FindArea(id);
    if (area == nullptr || snapshot.FindArea(id) != nullptr) return;
    const Area* defined = protocol.FindArea(area->kind);
    snapshot.problem_areas.push_back({.problem_area_id = id,
                                      .position = position,
                                      .kind = area->kind,
                                      .display_name = area->display_name,
                                      .plain_name = defined == nullptr ? "" : defined->plain_name,
                                      .dispute_stage = area->stage()});
  };
  const auto add_event = [&](const std::string& id) {
    const LifeEvent* event = parts.FindLifeEvent(id);
    if (event == nullptr || snapshot.FindLifeEvent(id) != nullptr) return;
    snapshot.life_events.push_back({id, event->kind, event->display_name, *event->start_date});
  };
  for (size_t i = 0; i < content.focus.size(); ++i) {
    add_area(content.focus[i].problem_area_id,
             i == 0 ? FocusPosition::kPrimary : FocusPosition::kSecondary);
  }
  for (const FormulationLink& link : content.links) {
    add_area(link.problem_area_id, FocusPosition::kUnspecified);
    add_event(link.symptom_event_id);
    add_event(link.life_event_id);
  }
  for (const std::string& id : content.goal_ids) {
    if (const Goal* goal = parts.FindGoal(id); goal != nullptr) {
      snapshot.goals.push_back({id, goal->description, goal->problem_area_id});
    }
  }
  return snapshot;
}

bool NamesProblemArea(const FormulationContent& content, absl::string_view problem_area_id) {
  return absl::c_any_of(
             content.focus,
             [&](const FocusArea& focus) { return focus.problem_area_id == problem_area_id; }) ||
         absl::c_any_of(content.links, [&](const FormulationLink& link) {
           return link.problem_area_id == problem_area_id;
         });
}

bool NamesGoal(const FormulationContent& content, absl::string_view goal_id) {
  // A link's goals are among these.
  return absl::c_linear_search(content.goal_ids, goal_id);
}

bool NamesLifeEvent(const FormulationContent& content, absl::string_view life_event_id) {
  return absl::c_any_of(content.links, [&](const FormulationLink& link) {
    return link.life_event_id == life_event_id || link.symptom_event_id == life_event_id;
  });
}

void AddRevisionsThat(const CourseFormulation& formulation, std::vector<std::string>& names,
                      absl::FunctionRef<bool(const FormulationContent&)> is_such) {
  for (const auto* revision : {&formulation.pending, &formulation.current}) {
    if (revision->has_value() && is_such((*revision)->content)) names.push_back(NameOf(**revision));
  }
}

FocusPosition PositionOf(const CourseFormulation& formulation, absl::string_view problem_area_id) {
  if (!formulation.current.has_value()) return FocusPosition::kUnspecified;
  const FocusSnapshot* area = formulation.current->snapshot.FindArea(problem_area_id);
  return area == nullptr ? FocusPosition::kUnspecified : area->position;
}

bool IsOfDraft(const CourseFormulation& formulation, int64_t if_revision) {
  if (!IsPending(formulation, RevisionState::kDraft)) return if_revision == 0;
  return formulation.pending->stamp.revision == if_revision;
}

absl::StatusOr<CourseFormulation> SaveStep(const CourseFormulation& before, int64_t if_revision,
                                           FormulationContent content, const StepBy& by) {
  if (IsPending(before, RevisionState::kProposed)) {
    return StateForbids(before, PendingOf(before), "a proposal does not change: withdraw it first");
  }
  if (!IsOfDraft(before, if_revision)) {
    return EtagMismatch(kRevisionType, RevisionName(before.clinic_id, before.course_id, 0));
  }
  CourseFormulation after = before;
  if (!after.pending.has_value()) {
    if (before.current.has_value()) {
      return StateForbids(before, &*before.current,
                          "a formulation is agreed: begin its revision first");
    }
    after.pending = BeginDraft(before, "", by);
  }
  after.pending->content = std::move(content);
  after.pending->caller = by.caller;
  return after;
}

absl::StatusOr<CourseFormulation> ProposeStep(const CourseFormulation& before, int64_t if_revision,
                                              const CourseParts& parts,
                                              const CourseProtocol& protocol, const StepBy& by) {
  if (!IsPending(before, RevisionState::kDraft)) {
    return StateForbids(before, PendingOf(before), "only a draft is proposed: there is none");
  }
  IPT_RETURN_IF_ERROR(CheckPresent(*before.pending, if_revision));
  const std::vector<OpenPoint> points = OpenPointsOf(*before.pending, parts, protocol);
  if (!points.empty()) return Incomplete(points);
  CourseFormulation after = before;
  FormulationRevision& revision = *after.pending;
  if (revision.number == 0) {
    if (before.agreed_revisions >= kMostRevisions) {
      return RefuseMore(before.agreed_revisions, kMostRevisions,
                        FormulationName(before.clinic_id, before.course_id), "revisions");
    }
    revision.number = ++after.last_number;
  }
  revision.state = RevisionState::kProposed;
  revision.snapshot = SnapshotOf(revision.content, parts, protocol);
  AddChange(RevisionChangeKind::kProposed, "", by, revision);
  return after;
}

absl::StatusOr<CourseFormulation> WithdrawStep(const CourseFormulation& before, int64_t if_revision,
                                               absl::string_view reason, const StepBy& by) {
  if (!IsPending(before, RevisionState::kProposed)) {
    return StateForbids(before, PendingOf(before), "only a proposal is withdrawn: there is none");
  }
  IPT_RETURN_IF_ERROR(CheckPresent(*before.pending, if_revision));
  CourseFormulation after = before;
  after.pending->state = RevisionState::kDraft;
  after.pending->snapshot = {};
  AddChange(RevisionChangeKind::kWithdrawn, reason, by, *after.pending);
  return after;
}

absl::StatusOr<AgreedStep> AgreeStep(const CourseFormulation& before, int64_t if_revision,
                                     Agreement agreement, const StepBy& by) {
  if (!IsPending(before, RevisionState::kProposed)) {
    return StateForbids(before, PendingOf(before), "only a proposal is agreed: there is none");
  }
  IPT_RETURN_IF_ERROR(CheckPresent(*before.pending, if_revision));
  if (before.current.has_value() && agreement.agreed_on < before.current->agreement->agreed_on) {
    return InvalidField("agreed_on",
                        "must not be before the day on which the current formulation was agreed");
  }
  AgreedStep step{.after = before};
  CourseFormulation& after = step.after;
  if (before.current.has_value()) {
    step.superseded = before.current;
    step.superseded->state = RevisionState::kSuperseded;
    AddChange(RevisionChangeKind::kSuperseded, "", by, *step.superseded);
  }
  after.current = std::move(after.pending);
  after.pending.reset();
  agreement.record_time = by.now;
  agreement.caller = by.caller;
  after.current->state = RevisionState::kAgreed;
  after.current->agreement = std::move(agreement);
  AddChange(RevisionChangeKind::kAgreed, "", by, *after.current);
  ++after.agreed_revisions;
  if (!after.first_agreed_on.has_value()) {
    after.first_agreed_on = after.current->agreement->agreed_on;
    after.first_primary_kind = after.current->snapshot.problem_areas.front().kind;
  }
  return step;
}

absl::StatusOr<CourseFormulation> ReviseStep(const CourseFormulation& before, int64_t if_revision,
                                             RevisionReason reason, absl::string_view reason_text,
                                             const StepBy& by) {
  if (before.pending.has_value()) {
    return StateForbids(before, PendingOf(before), "a draft or a proposal exists already");
  }
  if (!before.current.has_value()) {
    return StateForbids(before, nullptr, "only what was agreed is revised: there is nothing");
  }
  IPT_RETURN_IF_ERROR(CheckPresent(*before.current, if_revision));
  CourseFormulation after = before;
  after.pending = BeginDraft(before, reason_text, by);
  after.pending->content = before.current->content;
  after.pending->reason = reason;
  after.pending->reason_text = std::string(reason_text);
  after.pending->based_on = before.current->number;
  return after;
}

absl::StatusOr<CourseFormulation> DiscardStep(const CourseFormulation& before,
                                              int64_t if_revision) {
  if (!IsPending(before, RevisionState::kDraft)) {
    return StateForbids(
        before, PendingOf(before),
        before.pending.has_value() ? "a proposal is withdrawn first" : "there is no draft");
  }
  IPT_RETURN_IF_ERROR(CheckPresent(*before.pending, if_revision));
  CourseFormulation after = before;
  after.pending.reset();
  return after;
}

}  // namespace ipt::formulation
