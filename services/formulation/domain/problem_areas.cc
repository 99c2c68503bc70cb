#include "formulation/domain/problem_areas.h"

#include <set>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "formulation/domain/formulation.h"
#include "formulation/domain/formulations.h"
#include "formulation/domain/names.h"
#include "formulation/domain/refusals.h"
#include "platform/errors/status_macros.h"

namespace ipt::formulation {
namespace {

constexpr size_t kMostAreaBytes = 32000;
constexpr char kNoRelationship[] = "must be a relationship of the same course";
constexpr char kNoLifeEvent[] = "must be a life event of the same course";

std::string NameOf(const ProblemArea& area) {
  return ProblemAreaName(area.clinic_id, area.course_id, area.problem_area_id);
}

size_t TextBytes(const ProblemArea& area) {
  size_t bytes = area.display_name.size() + area.patient_view.size() + area.therapist_view.size();
  for (const AreaEvidence& evidence : area.evidence) bytes += evidence.note.size();
  for (const OnsetLink& link : area.onset_links) bytes += link.note.size();
  if (area.grief.has_value()) {
    bytes += area.grief->circumstances.size() + area.grief->mourning.size();
  }
  if (area.role_dispute.has_value()) {
    bytes += area.role_dispute->issue.size() + area.role_dispute->patient_expectation.size() +
             area.role_dispute->other_expectation.size() + area.role_dispute->history.size();
  }
  if (area.role_transition.has_value()) {
    bytes += area.role_transition->old_role.size() + area.role_transition->new_role.size() +
             area.role_transition->losses.size() + area.role_transition->supports.size();
  }
  if (area.interpersonal_deficits.has_value()) {
    bytes += area.interpersonal_deficits->past_relationships.size() +
             area.interpersonal_deficits->patterns.size();
  }
  return bytes;
}

class AreaCheck {
 public:
  AreaCheck(const ProblemArea& area, const ProblemArea* before, const CourseParts& parts,
            const CourseProtocol& protocol, FieldViolations& bad)
      : area_(area), before_(before), parts_(parts), protocol_(protocol), bad_(bad) {}

  void Run() {
    if (area_.kind == ProblemAreaKind::kUnspecified) {
      bad_.Add("kind", "is required");
    } else if (before_ == nullptr && !protocol_.Has(area_.kind)) {
      bad_.Add("kind", "must be an area of the course's protocol");
    }
    if (IsBlank(area_.display_name)) bad_.Add("display_name", "is required");
    CheckEvidence();
    CheckLinks();
    CheckDetails();
    CheckIn(area_.patient_severity, 0, 10, "patient_severity", bad_);
    CheckIn(area_.therapist_severity, 0, 10, "therapist_severity", bad_);
    CheckIn(area_.rank, 0, static_cast<int>(kMostProblemAreas), "rank", bad_);
    CheckTotal(TextBytes(area_), kMostAreaBytes, bad_);
  }

 private:
  bool WasRecorded(const std::string& criterion) const {
    return before_ != nullptr && absl::c_any_of(before_->evidence, [&](const AreaEvidence& e) {
             return e.criterion == criterion;
           });
  }

  void CheckEvidence() {
    const Area* defined = protocol_.FindArea(area_.kind);
    std::set<std::string> seen;
    for (size_t i = 0; i < area_.evidence.size(); ++i) {
      const AreaEvidence& evidence = area_.evidence[i];
      FieldViolations at = bad_.At("evidence", i);
      const bool known =
          defined != nullptr && defined->FindCriterion(evidence.criterion) != nullptr;
      if (evidence.criterion.empty()) {
        at.Add("criterion", "is required");
      } else if (area_.kind != ProblemAreaKind::kUnspecified && !known &&
                 !WasRecorded(evidence.criterion)) {
        at.Add("criterion", "must be a criterion of this kind in the course's protocol");
      } else if (!seen.insert(evidence.criterion).second) {
        at.Add("criterion", "must be there once only");
      }
      if (evidence.finding == CriterionFinding::kUnspecified) at.Add("finding", "is required");
    }
  }

  void CheckLinks() {
    std::set<std::string> seen;
    for (size_t i = 0; i < area_.onset_links.size(); ++i) {
      const OnsetLink& link = area_.onset_links[i];
      FieldViolations at = bad_.At("onset_links", i);
      CheckOnce(link.life_event_id, parts_.FindLifeEvent(link.life_event_id) != nullptr,
                kNoLifeEvent, seen, at.In("life_event"));
      if (link.relation == EventRelation::kUnspecified) at.Add("relation", "is required");
    }
  }

  void CheckKind(bool is_set, ProblemAreaKind kind, absl::string_view field) {
    if (is_set && area_.kind != kind) bad_.Add(field, "must be unset of an area of this kind");
  }

  void CheckRelationship(const std::string& id, absl::string_view field, FieldViolations bad) {
    if (!id.empty() && parts_.FindRelationship(id) == nullptr) bad.Add(field, kNoRelationship);
  }

  void CheckDetails() {
    CheckKind(area_.grief.has_value(), ProblemAreaKind::kGrief, "grief");
    CheckKind(area_.role_dispute.has_value(), ProblemAreaKind::kRoleDispute, "role_dispute");
    CheckKind(area_.role_transition.has_value(), ProblemAreaKind::kRoleTransition,
              "role_transition");
    CheckKind(area_.interpersonal_deficits.has_value(), ProblemAreaKind::kInterpersonalDeficits,
              "interpersonal_deficits");
    if (area_.grief.has_value()) {
      CheckRelationship(area_.grief->deceased_id, "deceased", bad_.In("grief"));
    }
    if (area_.role_dispute.has_value()) {
      CheckRelationship(area_.role_dispute->other_party_id, "other_party", bad_.In("role_dispute"));
    }
    if (area_.role_transition.has_value() && !area_.role_transition->life_event_id.empty() &&
        parts_.FindLifeEvent(area_.role_transition->life_event_id) == nullptr) {
      bad_.In("role_transition").Add("life_event", kNoLifeEvent);
    }
  }

  const ProblemArea& area_;
  const ProblemArea* before_;
  const CourseParts& parts_;
  const CourseProtocol& protocol_;
  FieldViolations& bad_;
};

ProblemAreaNotice NoticeOf(const ProblemArea& area, const CourseFormulation& formulation) {
  return {{area.clinic_id, area.course_id, area.problem_area_id},
          area.kind,
          PositionOf(formulation, area.problem_area_id)};
}

absl::Status TellChanged(FormulationTx& tx, const CallContext& ctx, const ProblemArea& area) {
  IPT_ASSIGN_OR_RETURN(const auto formulation, tx.GetFormulation(area.clinic_id, area.course_id));
  return tx.Emit(ProblemAreaChanged{NoticeOf(area, formulation)}, ctx.now);
}

absl::Status CheckedArea(const FormulationGround& ground, const ProblemArea& area,
                         const ProblemArea* before, FieldViolations& bad) {
  CheckProblemArea(area, before, ground.parts, ground.protocol, bad.In("problem_area"));
  return bad.ToStatus();
}

}  // namespace

void CheckProblemArea(const ProblemArea& area, const ProblemArea* before, const CourseParts& parts,
                      const CourseProtocol& protocol, FieldViolations bad) {
  AreaCheck(area, before, parts, protocol, bad).Run();
}

void SortAreas(std::vector<ProblemArea>& areas) {
  const auto place = [](const ProblemArea& area) {
    return area.rank == 0 ? static_cast<int>(kMostProblemAreas) + 1 : area.rank;
  };
  absl::c_stable_sort(
      areas, [&](const ProblemArea& a, const ProblemArea& b) { return place(a) < place(b); });
}

absl::StatusOr<ProblemArea> CreateProblemArea(FormulationTx& tx, const CallContext& ctx,
                                              IdSource& ids, const ProtocolSet& protocols,
                                              const courses::CopiedCourse& course,
                                              ProblemArea area) {
  area.clinic_id = course.clinic_id;
  area.course_id = course.course_id;
  IPT_ASSIGN_OR_RETURN(
      const FormulationGround ground,
      ReadGround(tx, protocols, course.clinic_id, course.course_id, course.variant_id));
  FieldViolations bad;
  CheckNewId(area.problem_area_id, "problem_area_id", bad);
  IPT_RETURN_IF_ERROR(CheckedArea(ground, area, nullptr, bad));
  IPT_RETURN_IF_ERROR(RefuseMore(ground.parts.areas.size(), kMostProblemAreas,
                                 CourseName(course.clinic_id, course.course_id), "problemAreas"));
  if (area.problem_area_id.empty()) area.problem_area_id = ids.NewUuid();
  IPT_RETURN_IF_ERROR(tx.InsertProblemArea(area, ctx.now));
  IPT_RETURN_IF_ERROR(TellChanged(tx, ctx, area));
  return area;
}

absl::StatusOr<ProblemArea> ChangeProblemArea(FormulationTx& tx, const CallContext& ctx,
                                              const ProtocolSet& protocols,
                                              const courses::CopiedCourse& course,
                                              const ProblemArea& before, ProblemArea after,
                                              int64_t if_revision) {
  IPT_RETURN_IF_ERROR(
      CheckRevision(if_revision, before.stamp.revision, kProblemAreaType, NameOf(before)));
  after.clinic_id = before.clinic_id;
  after.course_id = before.course_id;
  after.problem_area_id = before.problem_area_id;
  after.kind = before.kind;
  after.stamp = before.stamp;
  IPT_ASSIGN_OR_RETURN(
      const FormulationGround ground,
      ReadGround(tx, protocols, before.clinic_id, before.course_id, course.variant_id));
  FieldViolations bad;
  IPT_RETURN_IF_ERROR(CheckedArea(ground, after, &before, bad));
  IPT_RETURN_IF_ERROR(tx.UpdateProblemArea(after, ctx.now));
  IPT_RETURN_IF_ERROR(TellChanged(tx, ctx, after));
  return after;
}

absl::Status RemoveProblemArea(FormulationTx& tx, const CallContext& ctx, const ProblemArea& area,
                               int64_t if_revision) {
  IPT_RETURN_IF_ERROR(
      CheckRevision(if_revision, area.stamp.revision, kProblemAreaType, NameOf(area)));
  const std::string& id = area.problem_area_id;
  std::vector<std::string> used_by;
  IPT_ASSIGN_OR_RETURN(const auto formulation, tx.GetFormulation(area.clinic_id, area.course_id));
  AddRevisionsThat(formulation, used_by, [&](const FormulationContent& content) {
    return NamesProblemArea(content, id);
  });
  IPT_ASSIGN_OR_RETURN(const auto goals, tx.ListGoals(area.clinic_id, area.course_id));
  for (const Goal& goal : goals) {
    if (goal.problem_area_id == id) {
      used_by.push_back(GoalName(goal.clinic_id, goal.course_id, goal.goal_id));
    }
  }
  IPT_ASSIGN_OR_RETURN(const auto work, tx.ListSessionWork(area.clinic_id, area.course_id));
  for (const SessionWork& done : work) {
    if (absl::c_any_of(done.focus_work,
                       [&](const FocusWork& focus) { return focus.problem_area_id == id; })) {
      used_by.push_back(SessionWorkName(done.clinic_id, done.course_id, done.session_id));
    }
  }
  IPT_RETURN_IF_ERROR(RefuseInUse(used_by));
  IPT_RETURN_IF_ERROR(tx.DeleteProblemArea(area));
  return tx.Emit(ProblemAreaDeleted{NoticeOf(area, formulation)}, ctx.now);
}

}  // namespace ipt::formulation
