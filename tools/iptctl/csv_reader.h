// Reads CSV as RFC 4180 has it, UTF-8, one record after the other.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ipt::ctl {

// Lines end in CRLF or LF; a byte order mark at the beginning and empty lines are passed over.
class CsvReader {
 public:
  explicit CsvReader(std::istream& in) : in_(in) {}

  // False at the end. INVALID_ARGUMENT, with the line, for what is no CSV: nothing can be read
  // after it.
  absl::StatusOr<bool> Next(std::vector<std::string>& cells);

  // Bytes read so far.
  int64_t offset() const { return offset_; }

 private:
  int Get();
  absl::Status Wrong(absl::string_view what) const;

  std::istream& in_;
  int64_t offset_ = 0;
  int64_t line_ = 1;
  int64_t record_line_ = 1;  // where the record began
};

}  // namespace ipt::ctl
