#include "formulation/domain/inventory.h"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "absl/algorithm/container.h"
#include "formulation/domain/formulation.h"
#include "formulation/domain/names.h"
#include "formulation/domain/refusals.h"
#include "platform/errors/status_macros.h"

namespace ipt::formulation {
namespace {

constexpr size_t kMostRelationshipBytes = 16000;

std::string NameOf(const Relationship& relationship) {
  return RelationshipName(relationship.clinic_id, relationship.course_id,
                          relationship.relationship_id);
}

std::string NameOf(const LifeEvent& event) {
  return LifeEventName(event.clinic_id, event.course_id, event.life_event_id);
}

EntryNotice NoticeOf(const Relationship& relationship) {
  return {relationship.clinic_id, relationship.course_id, relationship.relationship_id};
}

EntryNotice NoticeOf(const LifeEvent& event) {
  return {event.clinic_id, event.course_id, event.life_event_id};
}

void CheckOrder(const std::optional<PartialDate>& start, const std::optional<PartialDate>& end,
                FieldViolations& bad) {
  if (start.has_value()) CheckPartialDate(*start, "start_date", bad);
  if (end.has_value()) CheckPartialDate(*end, "end_date", bad);
  if (start.has_value() && end.has_value() && IsPossible(*start) && IsPossible(*end) &&
      LiesBefore(*end, *start)) {
    bad.Add("end_date", "must not be before start_date");
  }
}

size_t TextBytes(const Relationship& relationship) {
  size_t bytes = relationship.display_name.size() + relationship.contact_note.size() +
                 relationship.satisfying_aspects.size() + relationship.unsatisfying_aspects.size() +
                 relationship.changes_wanted.size() + relationship.mood_link.size() +
                 relationship.attachment_notes.size();
  for (const Expectation& expectation : relationship.expectations) bytes += expectation.text.size();
  return bytes;
}

absl::Status CheckedEvent(FormulationTx& tx, const LifeEvent& event) {
  IPT_ASSIGN_OR_RETURN(const auto relationships,
                       tx.ListRelationships(event.clinic_id, event.course_id));
  FieldViolations bad;
  CheckLifeEvent(event, relationships, bad.In("life_event"));
  return bad.ToStatus();
}

}  // namespace

void CheckRelationship(const Relationship& relationship, FieldViolations bad) {
  if (IsBlank(relationship.display_name)) bad.Add("display_name", "is required");
  if (relationship.kind == RelationshipKind::kUnspecified) bad.Add("kind", "is required");
  CheckOrder(relationship.start_date, relationship.end_date, bad);
  const bool goes_on = relationship.status == RelationshipStatus::kUnspecified ||
                       relationship.status == RelationshipStatus::kCurrent;
  if (goes_on && relationship.end_date.has_value()) {
    bad.Add("end_date", "must be unset where the relationship is CURRENT");
  }
  CheckIn(relationship.closeness_circle, 1, 3, "closeness_circle", bad);
  CheckIn(relationship.satisfaction, 0, 10, "satisfaction", bad);
  for (size_t i = 0; i < relationship.expectations.size(); ++i) {
    FieldViolations at = bad.At("expectations", i);
    const Expectation& expectation = relationship.expectations[i];
    if (expectation.holder == ExpectationHolder::kUnspecified) at.Add("holder", "is required");
    if (IsBlank(expectation.text)) at.Add("text", "is required");
  }
  CheckTotal(TextBytes(relationship), kMostRelationshipBytes, bad);
}

void CheckLifeEvent(const LifeEvent& event, const std::vector<Relationship>& relationships,
                    FieldViolations bad) {
  if (event.kind == LifeEventKind::kUnspecified) bad.Add("kind", "is required");
  if (IsBlank(event.display_name)) bad.Add("display_name", "is required");
  if (!event.start_date.has_value()) bad.Add("start_date", "is required");
  CheckOrder(event.start_date, event.end_date, bad);
  if (event.ongoing && event.end_date.has_value()) {
    bad.Add("ongoing", "must be false where there is an end_date");
  }
  std::set<std::string> seen;
  for (size_t i = 0; i < event.relationship_ids.size(); ++i) {
    const std::string& id = event.relationship_ids[i];
    const bool known = absl::c_any_of(
        relationships, [&](const Relationship& r) { return r.relationship_id == id; });
    CheckOnce(id, known, "must be a relationship of the same course", seen,
              bad.At("relationships", i));
  }
  CheckIn(event.impact, -5, 5, "impact", bad);
}

void SortInventory(std::vector<Relationship>& relationships) {
  const auto place = [](const Relationship& relationship) {
    const auto status = std::max(relationship.status, RelationshipStatus::kCurrent);
    return std::make_tuple(status, relationship.closeness_circle.value_or(4));
  };
  absl::c_stable_sort(relationships, [&](const Relationship& a, const Relationship& b) {
    return place(a) < place(b);
  });
}

void SortTimeline(std::vector<LifeEvent>& events) {
  absl::c_stable_sort(events, [](const LifeEvent& a, const LifeEvent& b) {
    return SortsBefore(*a.start_date, *b.start_date);
  });
}

absl::StatusOr<Relationship> CreateRelationship(FormulationTx& tx, const CallContext& ctx,
                                                IdSource& ids, const courses::CopiedCourse& course,
                                                Relationship relationship) {
  relationship.clinic_id = course.clinic_id;
  relationship.course_id = course.course_id;
  FieldViolations bad;
  CheckNewId(relationship.relationship_id, "relationship_id", bad);
  CheckRelationship(relationship, bad.In("relationship"));
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_ASSIGN_OR_RETURN(const auto others, tx.ListRelationships(course.clinic_id, course.course_id));
  IPT_RETURN_IF_ERROR(RefuseMore(others.size(), kMostRelationships,
                                 CourseName(course.clinic_id, course.course_id), "relationships"));
  if (relationship.relationship_id.empty()) relationship.relationship_id = ids.NewUuid();
  IPT_RETURN_IF_ERROR(tx.InsertRelationship(relationship, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(RelationshipChanged{NoticeOf(relationship)}, ctx.now));
  return relationship;
}

absl::StatusOr<Relationship> ChangeRelationship(FormulationTx& tx, const CallContext& ctx,
                                                const Relationship& before, Relationship after,
                                                int64_t if_revision) {
  IPT_RETURN_IF_ERROR(
      CheckRevision(if_revision, before.stamp.revision, kRelationshipType, NameOf(before)));
  after.clinic_id = before.clinic_id;
  after.course_id = before.course_id;
  after.relationship_id = before.relationship_id;
  after.stamp = before.stamp;
  FieldViolations bad;
  CheckRelationship(after, bad.In("relationship"));
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_RETURN_IF_ERROR(tx.UpdateRelationship(after, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(RelationshipChanged{NoticeOf(after)}, ctx.now));
  return after;
}

absl::Status RemoveRelationship(FormulationTx& tx, const CallContext& ctx,
                                const Relationship& relationship, int64_t if_revision) {
  IPT_RETURN_IF_ERROR(CheckRevision(if_revision, relationship.stamp.revision, kRelationshipType,
                                    NameOf(relationship)));
  const std::string& id = relationship.relationship_id;
  std::vector<std::string> used_by;
  IPT_ASSIGN_OR_RETURN(const auto events,
                       tx.ListLifeEvents(relationship.clinic_id, relationship.course_id));
  for (const LifeEvent& event : events) {
    if (absl::c_linear_search(event.relationship_ids, id)) used_by.push_back(NameOf(event));
  }
  IPT_ASSIGN_OR_RETURN(const auto areas,
                       tx.ListProblemAreas(relationship.clinic_id, relationship.course_id));
  for (const ProblemArea& area : areas) {
    if ((area.grief.has_value() && area.grief->deceased_id == id) ||
        (area.role_dispute.has_value() && area.role_dispute->other_party_id == id)) {
      used_by.push_back(ProblemAreaName(area.clinic_id, area.course_id, area.problem_area_id));
    }
  }
  IPT_RETURN_IF_ERROR(RefuseInUse(used_by));
  IPT_RETURN_IF_ERROR(tx.DeleteRelationship(relationship));
  return tx.Emit(RelationshipDeleted{NoticeOf(relationship)}, ctx.now);
}

absl::StatusOr<LifeEvent> CreateLifeEvent(FormulationTx& tx, const CallContext& ctx, IdSource& ids,
                                          const courses::CopiedCourse& course, LifeEvent event) {
  event.clinic_id = course.clinic_id;
  event.course_id = course.course_id;
  FieldViolations bad;
  CheckNewId(event.life_event_id, "life_event_id", bad);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_RETURN_IF_ERROR(CheckedEvent(tx, event));
  IPT_ASSIGN_OR_RETURN(const auto others, tx.ListLifeEvents(course.clinic_id, course.course_id));
  IPT_RETURN_IF_ERROR(RefuseMore(others.size(), kMostLifeEvents,
                                 CourseName(course.clinic_id, course.course_id), "lifeEvents"));
  if (event.life_event_id.empty()) event.life_event_id = ids.NewUuid();
  IPT_RETURN_IF_ERROR(tx.InsertLifeEvent(event, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(LifeEventChanged{NoticeOf(event)}, ctx.now));
  return event;
}

absl::StatusOr<LifeEvent> ChangeLifeEvent(FormulationTx& tx, const CallContext& ctx,
                                          const LifeEvent& before, LifeEvent after,
                                          int64_t if_revision) {
  IPT_RETURN_IF_ERROR(
      CheckRevision(if_revision, before.stamp.revision, kLifeEventType, NameOf(before)));
  after.clinic_id = before.clinic_id;
  after.course_id = before.course_id;
  after.life_event_id = before.life_event_id;
  after.stamp = before.stamp;
  IPT_RETURN_IF_ERROR(CheckedEvent(tx, after));
  IPT_RETURN_IF_ERROR(tx.UpdateLifeEvent(after, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(LifeEventChanged{NoticeOf(after)}, ctx.now));
  return after;
}

absl::Status RemoveLifeEvent(FormulationTx& tx, const CallContext& ctx, const LifeEvent& event,
                             int64_t if_revision) {
  IPT_RETURN_IF_ERROR(
      CheckRevision(if_revision, event.stamp.revision, kLifeEventType, NameOf(event)));
  const std::string& id = event.life_event_id;
  std::vector<std::string> used_by;
  IPT_ASSIGN_OR_RETURN(const auto areas, tx.ListProblemAreas(event.clinic_id, event.course_id));
  for (const ProblemArea& area : areas) {
    const bool linked =
        absl::c_any_of(area.onset_links, [&](const OnsetLink& l) { return l.life_event_id == id; });
    if (linked || (area.role_transition.has_value() && area.role_transition->life_event_id == id)) {
      used_by.push_back(ProblemAreaName(area.clinic_id, area.course_id, area.problem_area_id));
    }
  }
  IPT_ASSIGN_OR_RETURN(const auto formulation, tx.GetFormulation(event.clinic_id, event.course_id));
  AddRevisionsThat(formulation, used_by,
                   [&](const FormulationContent& content) { return NamesLifeEvent(content, id); });
  IPT_RETURN_IF_ERROR(RefuseInUse(used_by));
  IPT_RETURN_IF_ERROR(tx.DeleteLifeEvent(event));
  return tx.Emit(LifeEventDeleted{NoticeOf(event)}, ctx.now);
}

}  // namespace ipt::formulation
