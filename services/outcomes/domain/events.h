// What other services and followers are told of. One event a changed resource, holding its new
// state.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "outcomes/domain/not_on_track.h"
#include "outcomes/domain/plan_types.h"
#include "outcomes/domain/types.h"

namespace ipt::outcomes {

struct MeasurementRecorded {
  Measurement measurement;
};
// The last of its changes says how.
struct MeasurementChanged {
  Measurement measurement;
};
struct MeasurementEnteredInError {
  Measurement measurement;
};
struct InstrumentChanged {
  HeldInstrument instrument;
};
struct PolicyChanged {
  OutcomePolicy policy;
};
struct PlanChanged {
  MeasurementPlan plan;
};
struct PlanDeleted {
  MeasurementPlan plan;  // as it was
};
// Made, changed, or taken away: then what is inherited.
struct CoursePlanChanged {
  CoursePlan plan;
};

struct CourseOutcomes;  // outcomes.h, which reads through the port that events are part of
// Of a course that is closed, or was when it was told of last.
struct CourseResultChanged {
  std::shared_ptr<const CourseOutcomes> outcomes;
};
// Of a signal of `outcomes`, or (`withdrawn`) one that is no longer among them.
struct SignalChanged {
  std::shared_ptr<const CourseOutcomes> outcomes;
  Signal signal;
  bool withdrawn = false;
};

using Event = std::variant<MeasurementRecorded, MeasurementChanged, MeasurementEnteredInError,
                           InstrumentChanged, PolicyChanged, PlanChanged, PlanDeleted,
                           CoursePlanChanged, CourseResultChanged, SignalChanged>;

// Turns an event into what the outbox keeps. Thread-safe. Implemented in rpc/, where protos are.
class EventEncoder {
 public:
  virtual ~EventEncoder() = default;
  struct Encoded {
    std::string clinic_id;
    std::string subject;
    std::string kind;
    std::string payload;
  };
  virtual Encoded Encode(const Event& event) const = 0;
};

}  // namespace ipt::outcomes
