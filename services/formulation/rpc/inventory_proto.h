// The interpersonal inventory on the wire.
#pragma once

#include "absl/strings/string_view.h"
#include "formulation/domain/types.h"
#include "ipt/formulation/v1/inventory.pb.h"

namespace ipt::formulation {
namespace pb = ::ipt::formulation::v1;

void WriteRelationship(const Relationship& relationship, pb::Relationship* out);
void WriteLifeEvent(const LifeEvent& event, pb::LifeEvent* out);

// What a caller states of them; names and output-only fields are passed over.
Relationship ReadRelationship(const pb::Relationship& in);
LifeEvent ReadLifeEvent(const pb::LifeEvent& in, absl::string_view course_id);

}  // namespace ipt::formulation
