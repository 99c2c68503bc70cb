#include "formulation/rpc/inventory_handler.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "course_copies/rpc/scheduling_view.h"
#include "formulation/domain/course_access.h"
#include "formulation/domain/inventory.h"
#include "formulation/domain/names.h"
#include "formulation/rpc/course_entry.h"
#include "formulation/rpc/course_write.h"
#include "formulation/rpc/entry_field.h"
#include "formulation/rpc/inventory_proto.h"
#include "formulation/rpc/whole_list.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/etag.h"
#include "platform/rpc/field_mask.h"
#include "platform/rpc/paging.h"
#include "platform/rpc/read_view.h"
#include "platform/rpc/resource_name.h"
#include "platform/rpc/stated.h"

namespace ipt::formulation {
namespace {

using courses::CourseAnswer;

constexpr int kMostRelationshipsAPage = 100;
constexpr int kMostLifeEventsAPage = 200;

// What was only tried has no revision.
pb::Relationship WrittenFor(const CallContext& ctx, Relationship relationship) {
  if (ctx.validate_only) relationship.stamp.revision = 0;
  pb::Relationship response;
  WriteRelationship(relationship, &response);
  return response;
}

pb::LifeEvent WrittenFor(const CallContext& ctx, LifeEvent event) {
  if (ctx.validate_only) event.stamp.revision = 0;
  pb::LifeEvent response;
  WriteLifeEvent(event, &response);
  return response;
}

// Which relationships are listed. Empty: all.
struct RelationshipFilter {
  std::vector<RelationshipKind> kinds{};
  std::vector<RelationshipStatus> statuses{};
  bool confidants_only = false;

  bool Takes(const Relationship& relationship) const {
    const bool not_stated = relationship.status == RelationshipStatus::kUnspecified;
    const auto status = not_stated ? RelationshipStatus::kCurrent : relationship.status;
    return (kinds.empty() || absl::c_linear_search(kinds, relationship.kind)) &&
           (statuses.empty() || absl::c_linear_search(statuses, status)) &&
           (!confidants_only || relationship.confidant == true);
  }
};

// Which life events are. Empty: all.
struct LifeEventFilter {
  std::vector<LifeEventKind> kinds{};
  std::string relationship_id{};

  bool Takes(const LifeEvent& event) const {
    return (kinds.empty() || absl::c_linear_search(kinds, event.kind)) &&
           (relationship_id.empty() ||
            absl::c_linear_search(event.relationship_ids, relationship_id));
  }
};

template <typename T, typename Filter>
void KeepTaken(const Filter& filter, std::vector<T>& list) {
  std::erase_if(list, [&](const T& entry) { return !filter.Takes(entry); });
}

}  // namespace

absl::StatusOr<pb::InterpersonalInventory> InventoryHandler::GetInterpersonalInventory(
    const CallContext& ctx, const pb::GetInterpersonalInventoryRequest& request) {
  const std::string course_id = rpc::IdsOf(request.course())[1];
  IPT_ASSIGN_OR_RETURN(const CourseAnswer course, FindCourseToRead(courses_, ctx, course_id));
  return rpc::ReadView<pb::InterpersonalInventory>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::InterpersonalInventory> {
        IPT_ASSIGN_OR_RETURN(auto relationships,
                             reader.ListRelationships(ctx.clinic_id, course_id));
        IPT_ASSIGN_OR_RETURN(auto events, reader.ListLifeEvents(ctx.clinic_id, course_id));
        IPT_ASSIGN_OR_RETURN(const int64_t revision, reader.CurrentRevision());
        SortInventory(relationships);
        SortTimeline(events);
        pb::InterpersonalInventory response;
        response.set_course(CourseName(ctx.clinic_id, course_id));
        for (const Relationship& relationship : relationships) {
          WriteRelationship(relationship, response.add_relationships());
        }
        for (const LifeEvent& event : events) WriteLifeEvent(event, response.add_life_events());
        response.set_revision(revision);
        courses::WriteScheduling(course, response.mutable_scheduling());
        return response;
      });
}

absl::StatusOr<pb::Relationship> InventoryHandler::CreateRelationship(
    const CallContext& ctx, const pb::CreateRelationshipRequest& request) {
  const std::string course_id = rpc::IdsOf(request.parent())[1];
  return WriteToCourse<pb::Relationship>(
      store_, courses_, ctx, course_id, "",
      [&](FormulationTx& tx, const CourseAnswer& course) -> absl::StatusOr<pb::Relationship> {
        Relationship relationship = ReadRelationship(request.relationship());
        relationship.relationship_id = request.relationship_id();
        IPT_ASSIGN_OR_RETURN(relationship,
                             formulation::CreateRelationship(tx, ctx, ids_, *course.course,
                                                             std::move(relationship)));
        return WrittenFor(ctx, std::move(relationship));
      });
}

absl::StatusOr<pb::Relationship> InventoryHandler::GetRelationship(
    const CallContext& ctx, const pb::GetRelationshipRequest& request) {
  const EntryIds ids(request.name());
  return rpc::ReadView<pb::Relationship>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::Relationship> {
        IPT_ASSIGN_OR_RETURN(const Relationship relationship,
                             reader.GetRelationship(ctx.clinic_id, ids.course_id, ids.entry_id));
        pb::Relationship response;
        WriteRelationship(relationship, &response);
        return response;
      });
}

absl::StatusOr<pb::ListRelationshipsResponse> InventoryHandler::ListRelationships(
    const CallContext& ctx, const pb::ListRelationshipsRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  FieldViolations bad;
  const RelationshipFilter filter{
      .kinds = rpc::ReadStated<RelationshipKind>(request.kinds(), bad, "kinds"),
      .statuses = rpc::ReadStated<RelationshipStatus>(request.statuses(), bad, "statuses"),
      .confidants_only = request.confidants_only()};
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  const std::string course_id = rpc::IdsOf(request.parent())[1];
  return rpc::ReadView<pb::ListRelationshipsResponse>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::ListRelationshipsResponse> {
        IPT_ASSIGN_OR_RETURN(auto list, reader.ListRelationships(ctx.clinic_id, course_id));
        KeepTaken(filter, list);
        SortInventory(list);
        const auto shown =
            PageOf(list, page, kMostRelationshipsAPage, &Relationship::relationship_id);
        pb::ListRelationshipsResponse response;
        for (const Relationship& relationship : shown.entries) {
          WriteRelationship(relationship, response.add_relationships());
        }
        if (!shown.next_cursor.empty()) {
          response.set_next_page_token(rpc::NextPageToken(request, shown.next_cursor));
        }
        return response;
      });
}

absl::StatusOr<pb::Relationship> InventoryHandler::UpdateRelationship(
    const CallContext& ctx, const pb::UpdateRelationshipRequest& request) {
  const EntryIds ids(request.relationship().name());
  return WriteToCourse<pb::Relationship>(
      store_, courses_, ctx, ids.course_id, "",
      [&](FormulationTx& tx, const CourseAnswer&) -> absl::StatusOr<pb::Relationship> {
        IPT_ASSIGN_OR_RETURN(const Relationship before,
                             tx.GetRelationship(ctx.clinic_id, ids.course_id, ids.entry_id));
        pb::Relationship merged;
        WriteRelationship(before, &merged);
        IPT_RETURN_IF_ERROR(rpc::MergeByMask(request.update_mask(), request.relationship(), merged,
                                             "relationship"));
        IPT_ASSIGN_OR_RETURN(
            Relationship after,
            ChangeRelationship(tx, ctx, before, ReadRelationship(merged),
                               rpc::RevisionOfEtag(request.relationship().etag())));
        return WrittenFor(ctx, std::move(after));
      });
}

absl::StatusOr<pb::DeleteRelationshipResponse> InventoryHandler::DeleteRelationship(
    const CallContext& ctx, const pb::DeleteRelationshipRequest& request) {
  const EntryIds ids(request.name());
  return WriteToCourse<pb::DeleteRelationshipResponse>(
      store_, courses_, ctx, ids.course_id, "",
      [&](FormulationTx& tx,
          const CourseAnswer&) -> absl::StatusOr<pb::DeleteRelationshipResponse> {
        IPT_ASSIGN_OR_RETURN(const Relationship relationship,
                             tx.GetRelationship(ctx.clinic_id, ids.course_id, ids.entry_id));
        IPT_RETURN_IF_ERROR(
            RemoveRelationship(tx, ctx, relationship, rpc::RevisionOfEtag(request.etag())));
        IPT_ASSIGN_OR_RETURN(const int64_t revision, tx.log().Revision());
        pb::DeleteRelationshipResponse response;
        response.set_revision(revision);
        return response;
      });
}

absl::StatusOr<pb::LifeEvent> InventoryHandler::CreateLifeEvent(
    const CallContext& ctx, const pb::CreateLifeEventRequest& request) {
  const std::string course_id = rpc::IdsOf(request.parent())[1];
  return WriteToCourse<pb::LifeEvent>(
      store_, courses_, ctx, course_id, "",
      [&](FormulationTx& tx, const CourseAnswer& course) -> absl::StatusOr<pb::LifeEvent> {
        LifeEvent event = ReadLifeEvent(request.life_event(), course_id);
        event.life_event_id = request.life_event_id();
        IPT_ASSIGN_OR_RETURN(
            event, formulation::CreateLifeEvent(tx, ctx, ids_, *course.course, std::move(event)));
        return WrittenFor(ctx, std::move(event));
      });
}

absl::StatusOr<pb::LifeEvent> InventoryHandler::GetLifeEvent(
    const CallContext& ctx, const pb::GetLifeEventRequest& request) {
  const EntryIds ids(request.name());
  return rpc::ReadView<pb::LifeEvent>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::LifeEvent> {
        IPT_ASSIGN_OR_RETURN(const LifeEvent event,
                             reader.GetLifeEvent(ctx.clinic_id, ids.course_id, ids.entry_id));
        pb::LifeEvent response;
        WriteLifeEvent(event, &response);
        return response;
      });
}

absl::StatusOr<pb::ListLifeEventsResponse> InventoryHandler::ListLifeEvents(
    const CallContext& ctx, const pb::ListLifeEventsRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  const std::string course_id = rpc::IdsOf(request.parent())[1];
  FieldViolations bad;
  const LifeEventFilter filter{
      .kinds = rpc::ReadStated<LifeEventKind>(request.kinds(), bad, "kinds"),
      .relationship_id = ReadEntryId(course_id, request.relationship(), "relationship", bad)};
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return rpc::ReadView<pb::ListLifeEventsResponse>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::ListLifeEventsResponse> {
        IPT_ASSIGN_OR_RETURN(auto list, reader.ListLifeEvents(ctx.clinic_id, course_id));
        KeepTaken(filter, list);
        SortTimeline(list);
        const auto shown = PageOf(list, page, kMostLifeEventsAPage, &LifeEvent::life_event_id);
        pb::ListLifeEventsResponse response;
        for (const LifeEvent& event : shown.entries) {
          WriteLifeEvent(event, response.add_life_events());
        }
        if (!shown.next_cursor.empty()) {
          response.set_next_page_token(rpc::NextPageToken(request, shown.next_cursor));
        }
        return response;
      });
}

absl::StatusOr<pb::LifeEvent> InventoryHandler::UpdateLifeEvent(
    const CallContext& ctx, const pb::UpdateLifeEventRequest& request) {
  const EntryIds ids(request.life_event().name());
  return WriteToCourse<pb::LifeEvent>(
      store_, courses_, ctx, ids.course_id, "",
      [&](FormulationTx& tx, const CourseAnswer&) -> absl::StatusOr<pb::LifeEvent> {
        IPT_ASSIGN_OR_RETURN(const LifeEvent before,
                             tx.GetLifeEvent(ctx.clinic_id, ids.course_id, ids.entry_id));
        pb::LifeEvent merged;
        WriteLifeEvent(before, &merged);
        IPT_RETURN_IF_ERROR(
            rpc::MergeByMask(request.update_mask(), request.life_event(), merged, "life_event"));
        IPT_ASSIGN_OR_RETURN(LifeEvent after,
                             ChangeLifeEvent(tx, ctx, before, ReadLifeEvent(merged, ids.course_id),
                                             rpc::RevisionOfEtag(request.life_event().etag())));
        return WrittenFor(ctx, std::move(after));
      });
}

absl::StatusOr<pb::DeleteLifeEventResponse> InventoryHandler::DeleteLifeEvent(
    const CallContext& ctx, const pb::DeleteLifeEventRequest& request) {
  const EntryIds ids(request.name());
  return WriteToCourse<pb::DeleteLifeEventResponse>(
      store_, courses_, ctx, ids.course_id, "",
      [&](FormulationTx& tx, const CourseAnswer&) -> absl::StatusOr<pb::DeleteLifeEventResponse> {
        IPT_ASSIGN_OR_RETURN(const LifeEvent event,
                             tx.GetLifeEvent(ctx.clinic_id, ids.course_id, ids.entry_id));
        IPT_RETURN_IF_ERROR(RemoveLifeEvent(tx, ctx, event, rpc::RevisionOfEtag(request.etag())));
        IPT_ASSIGN_OR_RETURN(const int64_t revision, tx.log().Revision());
        pb::DeleteLifeEventResponse response;
        response.set_revision(revision);
        return response;
      });
}

}  // namespace ipt::formulation
