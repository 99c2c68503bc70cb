// Leases and words about them on the wire. Readers check what is required: the adapter looks at the
// fields of the request itself only.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/repeated_field.h"
#include "ipt/scheduling/v1/delivery_service.pb.h"
#include "platform/errors/field_violations.h"
#include "scheduling/domain/delivery.h"

namespace ipt::scheduling {
namespace pb = ::ipt::scheduling::v1;

// 5 s to 10 min; unset: 60 s.
absl::Duration ReadLeaseDuration(bool present, const google::protobuf::Duration& duration,
                                 FieldViolations& bad);
// As LeaseCommand::channels.
std::optional<int64_t> ReadChannels(const google::protobuf::RepeatedField<int>& channels,
                                    FieldViolations& bad);

std::vector<Completion> ReadCompletions(
    const google::protobuf::RepeatedPtrField<pb::Completion>& completions, FieldViolations& bad);
std::vector<Extension> ReadExtensions(
    const google::protobuf::RepeatedPtrField<pb::LeaseExtension>& leases, FieldViolations& bad);
std::vector<DeliveryReport> ReadReports(
    const google::protobuf::RepeatedPtrField<pb::DeliveryReport>& reports, absl::Time now,
    FieldViolations& bad);

void WriteLeased(const Reminder& reminder, pb::LeasedReminder* out);
void WriteVerdict(const std::string& reminder_name, const Verdict& verdict, pb::LeaseResult* out);

}  // namespace ipt::scheduling
