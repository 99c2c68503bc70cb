// Formulation's events on the wire: what the outbox keeps and followers read.
#pragma once

#include "formulation/domain/events.h"
#include "formulation/domain/types.h"
#include "ipt/formulation/v1/event.pb.h"
#include "ipt/formulation/v1/formulation.pb.h"

namespace ipt::formulation {
namespace pb = ::ipt::formulation::v1;

void WriteCourseFocus(const CourseFocus& focus, pb::CourseFocus* out);

// Stateless. The payload is a serialized FormulationEvent; the kind is the name of its field in
// upper case ("GOAL_CHANGED"), the subject the name of the resource that it is about: of a rating
// its goal, of a revision the course's formulation.
class ProtoEventEncoder final : public EventEncoder {
 public:
  Encoded Encode(const Event& event) const override;
};

}  // namespace ipt::formulation
