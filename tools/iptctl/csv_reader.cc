#include "iptctl/csv_reader.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace ipt::ctl {
namespace {

// Far more than any measurement's line; what is longer has lost a quote.
constexpr size_t kLongestRecord = 1 << 20;
constexpr char kMark[] = "\xEF\xBB\xBF";

}  // namespace

int CsvReader::Get() {
  const int c = in_.get();
  if (c == std::istream::traits_type::eof()) return c;
  ++offset_;
  if (c == '\n') ++line_;
  return c;
}

absl::Status CsvReader::Wrong(absl::string_view what) const {
  return absl::InvalidArgumentError(absl::StrCat("line ", record_line_, ": ", what));
}

absl::StatusOr<bool> CsvReader::Next(std::vector<std::string>& cells) {
  constexpr int kEnd = std::istream::traits_type::eof();
  cells.clear();
  const bool first = offset_ == 0;
  record_line_ = line_;
  std::string cell;
  size_t size = 0;
  bool quoted = false;  // the cell began with a quote
  bool open = false;    // and has not ended with one
  while (true) {
    const int c = Get();
    if (++size > kLongestRecord) return Wrong("a record of more than 1 MiB: is a quote missing?");
    if (open) {
      if (c == kEnd) return Wrong("the file ends within quotes");
      if (c != '"') {
        cell.push_back(static_cast<char>(c));
      } else if (in_.peek() == '"') {
        Get();
        cell.push_back('"');
      } else {
        open = false;
      }
      continue;
    }
    if (c == '\r' && in_.peek() == '\n') continue;
    if (c == ',' || c == '\n' || c == kEnd) {
      if (first && cells.empty() && absl::StartsWith(cell, kMark)) cell.erase(0, 3);
      const bool empty = cells.empty() && cell.empty() && !quoted;
      if (c == kEnd && empty) return false;
      if (c == '\n' && empty) {
        record_line_ = line_;
        continue;
      }
      cells.push_back(std::move(cell));
      cell.clear();
      quoted = false;
      if (c != ',') return true;
      if (in_.peek() == kEnd) {
        cells.emplace_back();
        return true;
      }
    } else if (c == '"' && !quoted && (cell.empty() || (first && cell == kMark))) {
      cell.clear();
      quoted = open = true;
    } else if (quoted || c == '"') {
      return Wrong("a quote within a cell: put the cell in quotes, and double each of its own");
    } else {
      cell.push_back(static_cast<char>(c));
    }
  }
}

}  // namespace ipt::ctl
