// Measurements, policies, plans and errors of imports as JSON texts. The only place that knows
// their form.
//
// Members have names, and what is not set is left out, so that rows of other versions can be read.
// Decode*: INTERNAL when the text is not what this file writes (a damaged row); never an exception.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "outcomes/domain/plan_types.h"
#include "outcomes/domain/types.h"

namespace ipt::outcomes {

// All of a measurement but its place (clinic, course, id), its stamp, and what is told on reading.
std::string EncodeMeasurement(const Measurement& measurement);
absl::Status DecodeMeasurement(absl::string_view text, Measurement& measurement);
// Leaves the answers out: it passes over them unread, which takes a third of the time.
absl::Status DecodeWithoutAnswers(absl::string_view text, Measurement& measurement);

// All of it but clinic, version and stamp.
std::string EncodePolicy(const OutcomePolicy& policy);
absl::Status DecodePolicy(absl::string_view text, OutcomePolicy& policy);

// All of it but clinic, id and stamp.
std::string EncodePlan(const MeasurementPlan& plan);
absl::Status DecodePlan(absl::string_view text, MeasurementPlan& plan);
// All of it but its row.
std::string EncodeImportRowError(const ImportRowError& error);
absl::Status DecodeImportRowError(absl::string_view text, ImportRowError& error);
// All of it but clinic, course and stamp.
std::string EncodeCoursePlan(const StoredCoursePlan& plan);
absl::Status DecodeCoursePlan(absl::string_view text, StoredCoursePlan& plan);

std::string EncodeStrings(const std::vector<std::string>& strings);
absl::Status DecodeStrings(absl::string_view text, std::vector<std::string>& strings);
std::string EncodeRespondents(const std::vector<AnsweredBy>& respondents);
absl::Status DecodeRespondents(absl::string_view text, std::vector<AnsweredBy>& respondents);

}  // namespace ipt::outcomes
