// Measurements of one instrument as CSV (RFC 4180, UTF-8): a line a measurement, a column an item.
// docs/outcomes.md has the columns. A cell of a caller's own words that a spreadsheet would take
// for a formula begins with an apostrophe.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
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

// A cell as it stands in a line: guarded where it is a caller's own words, quoted where it must be.
std::string CsvCell(absl::string_view text);
std::string GuardedCsvCell(absl::string_view text);

}  // namespace ipt::outcomes
