// Lines of a CSV file as rows of an import. The columns are those that `measurement export` writes;
// docs/outcomes.md has them. Names may be short: c1 for clinics/north/courses/c1.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ipt/outcomes/v1/measurement_bulk_service.pb.h"
#include "iptctl/field_value.h"
#include "iptctl/time_input.h"

namespace ipt::ctl {

class MeasurementRows {
 public:
  // `clinic` as its name. INVALID_ARGUMENT where a column is unknown, doubled or missing.
  static absl::StatusOr<MeasurementRows> Open(const std::vector<std::string>& heading,
                                              const std::string& clinic, const TimeContext& time);

  // INVALID_ARGUMENT where a line cannot be a row, with the column and never its value.
  absl::Status Read(const std::vector<std::string>& cells, outcomes::v1::ImportRow& row);

 private:
  MeasurementRows(std::string clinic, TimeContext time)
      : clinic_(std::move(clinic)), time_(std::move(time)) {}

  absl::Status ReadCell(const std::string& column, const std::string& cell,
                        outcomes::v1::ImportRow& row);

  const std::string clinic_;
  TimeContext time_;
  std::vector<std::string> columns_;
};

}  // namespace ipt::ctl
