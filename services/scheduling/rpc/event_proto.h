// Scheduling's events on the wire: what the outbox keeps and followers read.
#pragma once

#include "ipt/scheduling/v1/event.pb.h"
#include "scheduling/domain/events.h"

namespace ipt::scheduling {
namespace pb = ::ipt::scheduling::v1;

// Replaces what `out` holds.
void WriteEvent(const Event& event, pb::SchedulingEvent* out);

// Stateless. The payload is a serialized SchedulingEvent; the kind is the name of its field in
// upper case ("SESSION_CHANGED"), the subject the name of the resource that it is about.
class ProtoEventEncoder final : public EventEncoder {
 public:
  Encoded Encode(const Event& event) const override;
};

}  // namespace ipt::scheduling
