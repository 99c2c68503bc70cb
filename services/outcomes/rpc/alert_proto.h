// Alerts, routings and coverage in the contract's messages.
#pragma once

#include <string>
#include <vector>

#include "ipt/outcomes/v1/alert.pb.h"
#include "outcomes/domain/alert_routing.h"
#include "outcomes/domain/alert_tx.h"
#include "outcomes/domain/alert_types.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

void WriteAlertRecipient(absl::string_view clinic_id, const AlertRecipient& recipient,
                         pb::AlertRecipient* out);
// Empty where nobody is named. The adapter has checked the names.
AlertRecipient ReadAlertRecipient(const pb::AlertRecipient& recipient);

// `other_open` are ids of the course's alerts.
void WriteAlert(const Alert& alert, const std::vector<std::string>& other_open, pb::Alert* out);

// As it is stated, for updates to be merged into.
void WriteStatedRouting(const AlertRouting& routing, pb::AlertRouting* out);
// As it holds: of the therapist (of `stated`, or who inherits), or of the clinic.
void WriteRouting(absl::string_view clinic_id, absl::string_view therapist_id,
                  const RoutingInForce& routing, const std::optional<AlertRouting>& stated,
                  pb::AlertRouting* out);
// What is stated, without names, times of writing and revisions.
AlertRouting ReadRouting(const pb::AlertRouting& routing, FieldViolations& bad);

void WriteCoverage(const AlertCoverage& coverage, pb::AlertCoverage* out);

class ProtoAlertEventEncoder final : public AlertEventEncoder {
 public:
  Encoded Encode(const AlertEvent& event) const override;
};

}  // namespace ipt::outcomes
