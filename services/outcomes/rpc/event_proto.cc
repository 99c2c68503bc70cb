#include "outcomes/rpc/event_proto.h"

#include <variant>

#include "absl/strings/ascii.h"
#include "outcomes/domain/names.h"
#include "outcomes/domain/outcomes.h"
#include "outcomes/rpc/instrument_proto.h"
#include "outcomes/rpc/measurement_proto.h"
#include "outcomes/rpc/outcome_proto.h"
#include "outcomes/rpc/plan_proto.h"
#include "outcomes/rpc/policy_proto.h"

namespace ipt::outcomes {
namespace {

// Writes each kind of event into its field and names its subject and clinic.
struct Writer {
  pb::OutcomeEvent* out;
  EventEncoder::Encoded* encoded;

  void Name(const std::string& clinic_id, const std::string& subject) {
    encoded->clinic_id = clinic_id;
    encoded->subject = subject;
  }
  void operator()(const MeasurementRecorded& event) {
    WriteMeasurement(event.measurement, out->mutable_measurement_recorded());
    Name(event.measurement.clinic_id, out->measurement_recorded().name());
  }
  void operator()(const MeasurementChanged& event) {
    WriteMeasurement(event.measurement, out->mutable_measurement_changed());
    Name(event.measurement.clinic_id, out->measurement_changed().name());
  }
  void operator()(const MeasurementEnteredInError& event) {
    WriteMeasurement(event.measurement, out->mutable_measurement_entered_in_error());
    Name(event.measurement.clinic_id, out->measurement_entered_in_error().name());
  }
  void operator()(const InstrumentChanged& event) {
    WriteInstrument(event.instrument, out->mutable_instrument_changed());
    Name(event.instrument.clinic_id, out->instrument_changed().name());
  }
  void operator()(const PolicyChanged& event) {
    WritePolicy(event.policy, out->mutable_policy_changed());
    Name(event.policy.clinic_id, out->policy_changed().name());
  }
  void operator()(const PlanChanged& event) {
    WritePlan(event.plan, out->mutable_plan_changed());
    Name(event.plan.clinic_id, out->plan_changed().name());
  }
  void operator()(const PlanDeleted& event) {
    WritePlan(event.plan, out->mutable_plan_deleted());
    Name(event.plan.clinic_id, out->plan_deleted().name());
  }
  void operator()(const CoursePlanChanged& event) {
    WriteCoursePlan(event.plan, out->mutable_course_plan_changed());
    Name(event.plan.clinic_id, out->course_plan_changed().name());
  }
  // As the course was known when it was made, which a read of it may know better by now.
  void operator()(const CourseResultChanged& event) {
    pb::CourseResult* result = out->mutable_course_result_changed();
    WriteCourseResult(*event.outcomes, result);
    result->clear_score_choice();
    result->clear_scheduling();
    result->clear_formulation();
    Name(event.outcomes->clinic_id, result->course());
  }
  void operator()(const SignalChanged& event) {
    pb::SignalChange* change = out->mutable_signal_changed();
    change->set_course(CourseName(event.outcomes->clinic_id, event.outcomes->course_id));
    WriteSignal(*event.outcomes, event.signal, change->mutable_signal());
    change->mutable_signal()->clear_text();
    change->mutable_signal()->clear_source();
    if (event.withdrawn) change->mutable_signal()->clear_rule_version();
    change->set_withdrawn(event.withdrawn);
    Name(event.outcomes->clinic_id, change->course());
  }
};

}  // namespace

EventEncoder::Encoded ProtoEventEncoder::Encode(const Event& event) const {
  pb::OutcomeEvent written;
  Encoded encoded;
  std::visit(Writer{&written, &encoded}, event);
  const auto* kind = pb::OutcomeEvent::descriptor()->FindFieldByNumber(written.event_case());
  encoded.kind = absl::AsciiStrToUpper(kind->name());
  encoded.payload = written.SerializeAsString();
  return encoded;
}

}  // namespace ipt::outcomes
