// The rows of a CSV file, from one on; and what the file said up to each, so that a file that was
// changed meanwhile is found out.
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ipt/outcomes/v1/measurement_bulk_service.pb.h"
#include "iptctl/csv_reader.h"
#include "iptctl/measurement_rows.h"

namespace ipt::ctl {

// How far a file was brought in: so many rows, and what the heading and they said.
struct FileMark {
  int64_t row = 0;
  std::string hash;  // empty: not known
};

class RowFile {
 public:
  // `clinic` as its name. Rows up to the mark are to be what they were.
  RowFile(std::string path, std::string clinic, TimeContext time, FileMark mark = {})
      : path_(std::move(path)),
        clinic_(std::move(clinic)),
        time_(std::move(time)),
        mark_(std::move(mark)) {}

  // Passes over the rows before `row`. INVALID_ARGUMENT where the heading is none, where the file
  // ends before, and where it is not what it was.
  absl::Status OpenAt(int64_t row);

  // False at the end. A line that is no row gives an empty one, which a server refuses in its
  // place. INVALID_ARGUMENT for what is no CSV, and where the file is not what it was.
  absl::StatusOr<bool> Read(outcomes::v1::ImportRow& row);

  // Why a line was no row; nullptr: it was one.
  const std::string* WhyNot(int64_t row) const;
  // Up to a row that was passed over last, or read since.
  FileMark MarkAt(int64_t row) const;
  // Rows up to `dealt_with` are asked for no more, but for that one's mark; nor why not, up to
  // `told`.
  void Forget(int64_t dealt_with, int64_t told);

  // Bytes read so far.
  int64_t offset() const { return csv_.has_value() ? csv_->offset() : 0; }

 private:
  absl::Status CannotRead() const;
  void AddToHash();

  const std::string path_;
  const std::string clinic_;
  const TimeContext time_;
  const FileMark mark_;
  std::ifstream in_;
  std::optional<CsvReader> csv_;
  std::optional<MeasurementRows> rows_;
  std::vector<std::string> cells_;
  int64_t next_ = 1;
  std::string hash_;
  std::map<int64_t, std::string> hashes_;      // after each row
  std::map<int64_t, std::string> unreadable_;  // why
};

}  // namespace ipt::ctl
