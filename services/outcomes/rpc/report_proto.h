// A clinic's report on the wire.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "ipt/outcomes/v1/report.pb.h"
#include "outcomes/domain/clinic_reports.h"
#include "platform/errors/field_violations.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

// What the adapter does not check: names are well-formed and of one clinic, values are of their
// enums.
ReportRequest ReadReportQuery(const pb::ReportQuery& in, FieldViolations& bad);

// What was known of the clinic's courses when its report was made.
struct ReportHorizon {
  bool current = false;
  // nullopt: courses are missing, or nothing is known of scheduling.
  std::optional<absl::Time> as_of{};
};

void WriteClinicReport(const ClinicReportView& view, absl::string_view clinic_id,
                       const ReportHorizon& horizon, absl::Time now, pb::ClinicReport* out);

}  // namespace ipt::outcomes
