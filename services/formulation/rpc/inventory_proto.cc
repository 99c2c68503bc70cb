#include "formulation/rpc/inventory_proto.h"

#include <string>

#include "formulation/domain/names.h"
#include "formulation/rpc/course_entry.h"
#include "formulation/rpc/partial_date_proto.h"
#include "platform/rpc/stamp.h"

namespace ipt::formulation {

void WriteRelationship(const Relationship& relationship, pb::Relationship* out) {
  const Relationship& r = relationship;
  out->Clear();
  out->set_name(RelationshipName(r.clinic_id, r.course_id, r.relationship_id));
  out->set_display_name(r.display_name);
  out->set_kind(static_cast<pb::RelationshipKind>(r.kind));
  out->set_status(static_cast<pb::RelationshipStatus>(r.status));
  if (r.start_date.has_value()) WritePartialDate(*r.start_date, out->mutable_start_date());
  if (r.end_date.has_value()) WritePartialDate(*r.end_date, out->mutable_end_date());
  if (r.closeness_circle.has_value()) out->set_closeness_circle(*r.closeness_circle);
  out->set_quality(static_cast<pb::RelationshipQuality>(r.quality));
  out->set_contact_frequency(static_cast<pb::ContactFrequency>(r.contact_frequency));
  out->set_contact_note(r.contact_note);
  for (const Expectation& expectation : r.expectations) {
    pb::Expectation& written = *out->add_expectations();
    written.set_holder(static_cast<pb::ExpectationHolder>(expectation.holder));
    written.set_text(expectation.text);
    written.set_fulfilment(static_cast<pb::ExpectationFulfilment>(expectation.fulfilment));
  }
  out->set_satisfying_aspects(r.satisfying_aspects);
  out->set_unsatisfying_aspects(r.unsatisfying_aspects);
  if (r.satisfaction.has_value()) out->set_satisfaction(*r.satisfaction);
  out->set_changes_wanted(r.changes_wanted);
  if (r.confidant.has_value()) out->set_confidant(*r.confidant);
  out->set_mood_link(r.mood_link);
  out->set_attachment_notes(r.attachment_notes);
  rpc::WriteStamp(r.stamp, out);
}

void WriteLifeEvent(const LifeEvent& event, pb::LifeEvent* out) {
  out->Clear();
  out->set_name(LifeEventName(event.clinic_id, event.course_id, event.life_event_id));
  out->set_kind(static_cast<pb::LifeEventKind>(event.kind));
  out->set_display_name(event.display_name);
  if (event.start_date.has_value()) WritePartialDate(*event.start_date, out->mutable_start_date());
  if (event.end_date.has_value()) WritePartialDate(*event.end_date, out->mutable_end_date());
  out->set_ongoing(event.ongoing);
  for (const std::string& id : event.relationship_ids) {
    out->add_relationships(RelationshipName(event.clinic_id, event.course_id, id));
  }
  if (event.impact.has_value()) out->set_impact(*event.impact);
  out->set_description(event.description);
  rpc::WriteStamp(event.stamp, out);
}

Relationship ReadRelationship(const pb::Relationship& in) {
  Relationship r;
  r.display_name = in.display_name();
  r.kind = static_cast<RelationshipKind>(in.kind());
  r.status = static_cast<RelationshipStatus>(in.status());
  if (in.has_start_date()) r.start_date = ReadPartialDate(in.start_date());
  if (in.has_end_date()) r.end_date = ReadPartialDate(in.end_date());
  if (in.has_closeness_circle()) r.closeness_circle = in.closeness_circle();
  r.quality = static_cast<RelationshipQuality>(in.quality());
  r.contact_frequency = static_cast<ContactFrequency>(in.contact_frequency());
  r.contact_note = in.contact_note();
  for (const pb::Expectation& expectation : in.expectations()) {
    r.expectations.push_back(
        {.holder = static_cast<ExpectationHolder>(expectation.holder()),
         .text = expectation.text(),
         .fulfilment = static_cast<ExpectationFulfilment>(expectation.fulfilment())});
  }
  r.satisfying_aspects = in.satisfying_aspects();
  r.unsatisfying_aspects = in.unsatisfying_aspects();
  if (in.has_satisfaction()) r.satisfaction = in.satisfaction();
  r.changes_wanted = in.changes_wanted();
  if (in.has_confidant()) r.confidant = in.confidant();
  r.mood_link = in.mood_link();
  r.attachment_notes = in.attachment_notes();
  return r;
}

LifeEvent ReadLifeEvent(const pb::LifeEvent& in, absl::string_view course_id) {
  LifeEvent event;
  event.kind = static_cast<LifeEventKind>(in.kind());
  event.display_name = in.display_name();
  if (in.has_start_date()) event.start_date = ReadPartialDate(in.start_date());
  if (in.has_end_date()) event.end_date = ReadPartialDate(in.end_date());
  event.ongoing = in.ongoing();
  for (const std::string& name : in.relationships()) {
    event.relationship_ids.push_back(EntryIdIn(course_id, name));
  }
  if (in.has_impact()) event.impact = in.impact();
  event.description = in.description();
  return event;
}

}  // namespace ipt::formulation
