// Measurements of one instrument as CSV (RFC 4180, UTF-8): a line a measurement, a column an item.
// docs/outcomes.md has the columns. Cells of a caller's own words are guarded
// (platform/text/csv.h).
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ipt/outcomes/v1/measurement.pb.h"
#include "outcomes/domain/types.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

// Immutable, so thread-safe.
class MeasurementCsv {
 public:
  // The instrument's versions, by version: their items and scales are the columns, the newest one's
  // first.
  explicit MeasurementCsv(const std::vector<HeldInstrument>& versions);

  std::string Heading() const;
  // REQUIRES: it is of one of the versions.
  std::string Line(const pb::Measurement& measurement) const;

 private:
  std::vector<std::string> items_;
  std::vector<std::string> scales_;
  // Version and item -> the number beside each option.
  std::map<std::pair<int, std::string>, std::map<std::string, int>> values_;
};

}  // namespace ipt::outcomes
