#include "formulation/rpc/due_measure_proto.h"

#include "course_copies/rpc/scheduling_view.h"
#include "formulation/domain/names.h"
#include "platform/rpc/proto_time.h"

namespace ipt::formulation {
namespace {

static_assert(static_cast<int>(DueMeasuresState::kKnown) == pb::DUE_MEASURES_STATE_KNOWN);
static_assert(static_cast<int>(DueMeasuresState::kUnavailable) ==
              pb::DUE_MEASURES_STATE_UNAVAILABLE);
static_assert(static_cast<int>(DueMeasureState::kUpcoming) == pb::DUE_MEASURE_STATE_UPCOMING);
static_assert(static_cast<int>(DueMeasureState::kOverdue) == pb::DUE_MEASURE_STATE_OVERDUE);

}  // namespace

void WriteDueMeasures(absl::string_view clinic_id, absl::string_view course_id,
                      const DueMeasures& due, pb::DueMeasures* out) {
  out->set_state(static_cast<pb::DueMeasuresState>(due.state));
  for (const DueMeasure& measure : due.measures) {
    pb::DueMeasure* written = out->add_measures();
    written->set_instrument(InstrumentName(clinic_id, measure.instrument_id));
    written->set_display_name(measure.display_name);
    written->set_state(static_cast<pb::DueMeasureState>(measure.state));
    written->set_occasion(static_cast<pb::DueMeasureOccasion>(measure.occasion));
    written->set_respondent(static_cast<pb::DueMeasureRespondent>(measure.respondent));
    if (!measure.session_id.empty()) {
      written->set_session(SessionName(clinic_id, course_id, measure.session_id));
    }
    written->set_week_number(measure.week_number);
    rpc::WriteDay(measure.due_day, written->mutable_due_date());
    if (measure.overdue_day.has_value()) {
      rpc::WriteDay(*measure.overdue_day, written->mutable_overdue_date());
    }
  }
  if (!due.asked_at.has_value()) return;
  rpc::WriteTime(*due.asked_at, out->mutable_asked_time());
  if (due.state == DueMeasuresState::kKnown) {
    courses::WriteScheduling(due.age, out->mutable_scheduling());
  }
}

}  // namespace ipt::formulation
