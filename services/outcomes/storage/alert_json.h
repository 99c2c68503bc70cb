// The nested values of alerts' rows as JSON texts. The only place that knows their form: arrays of
// members in a fixed order, to which later versions may append. Instants are microseconds.
//
// Decode*: INTERNAL when the text is not what this file writes; never an exception.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "outcomes/domain/alert_types.h"

namespace ipt::outcomes {

// "therapists/ann", "desks/duty", or "" for nobody.
std::string EncodeRecipient(const AlertRecipient& recipient);
AlertRecipient DecodeRecipient(absl::string_view text);

std::string EncodeRecipients(const std::vector<AlertRecipient>& recipients);
absl::Status DecodeRecipients(absl::string_view text, std::vector<AlertRecipient>& recipients);

std::string EncodeSteps(const std::vector<AlertStep>& steps);
absl::Status DecodeSteps(absl::string_view text, std::vector<AlertStep>& steps);

// resolution, changes.
std::string EncodeAlertDetails(const Alert& alert);
absl::Status DecodeAlertDetails(absl::string_view text, Alert& alert);

std::string EncodeIds(const std::vector<std::string>& ids);

}  // namespace ipt::outcomes
