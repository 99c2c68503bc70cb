// Outcomes' events on the wire: what the outbox keeps and followers read.
#pragma once

#include "ipt/outcomes/v1/event.pb.h"
#include "outcomes/domain/events.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

// Stateless. The payload is a serialized OutcomeEvent; the kind is the name of its field in upper
// case ("MEASUREMENT_RECORDED"), the subject the name of the resource that it is about.
class ProtoEventEncoder final : public EventEncoder {
 public:
  Encoded Encode(const Event& event) const override;
};

}  // namespace ipt::outcomes
