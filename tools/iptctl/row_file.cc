#include "iptctl/row_file.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "openssl/sha.h"
#include "platform/errors/status_macros.h"
#include "platform/text/utf8.h"

namespace ipt::ctl {

absl::Status RowFile::CannotRead() const {
  return absl::InvalidArgumentError(absl::StrCat("cannot read ", path_));
}

// Of the cells, so that how lines end and cells are quoted makes no difference.
void RowFile::AddToHash() {
  std::string text = hash_;
  for (const std::string& cell : cells_) absl::StrAppend(&text, cell.size(), ":", cell);
  hash_.resize(SHA256_DIGEST_LENGTH);
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(hash_.data()));
}

absl::Status RowFile::OpenAt(int64_t row) {
  in_ = std::ifstream(path_, std::ios::binary);
  if (!in_) return CannotRead();
  csv_.emplace(in_);
  rows_.reset();
  next_ = 1;
  hash_.clear();
  hashes_.clear();
  unreadable_.clear();
  IPT_ASSIGN_OR_RETURN(const bool any, csv_->Next(cells_));
  if (!any) return absl::InvalidArgumentError("the file is empty: it begins with a heading");
  AddToHash();
  hashes_[0] = hash_;
  IPT_ASSIGN_OR_RETURN(MeasurementRows rows, MeasurementRows::Open(cells_, clinic_, time_));
  rows_.emplace(std::move(rows));
  while (next_ < row) {
    outcomes::v1::ImportRow passed;
    IPT_ASSIGN_OR_RETURN(const bool more, Read(passed));
    if (!more) {
      return absl::InvalidArgumentError("the file has fewer rows than were brought in of it");
    }
    Forget(next_ - 1, 0);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> RowFile::Read(outcomes::v1::ImportRow& row) {
  IPT_ASSIGN_OR_RETURN(const bool more, csv_->Next(cells_));
  if (in_.bad()) return CannotRead();
  if (!more) return false;
  AddToHash();
  hashes_[next_] = hash_;
  if (next_ == mark_.row && !mark_.hash.empty() && MarkAt(next_).hash != mark_.hash) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the file is not what it was when the import broke off: up to row ", next_,
        " it says something else. Go on with the file as it was, and bring in what was mended by "
        "another import"));
  }
  absl::Status status;
  for (const std::string& cell : cells_) {
    if (!IsUtf8(cell)) status = absl::InvalidArgumentError("the line is not valid UTF-8");
  }
  if (status.ok()) status = rows_->Read(cells_, row);
  if (!status.ok()) {
    row.Clear();
    unreadable_[next_] = std::string(status.message());
  }
  row.set_row(next_++);
  return true;
}

const std::string* RowFile::WhyNot(int64_t row) const {
  const auto found = unreadable_.find(row);
  return found == unreadable_.end() ? nullptr : &found->second;
}

FileMark RowFile::MarkAt(int64_t row) const {
  const auto found = hashes_.find(row);
  return {row, found == hashes_.end() ? "" : absl::BytesToHexString(found->second)};
}

void RowFile::Forget(int64_t dealt_with, int64_t told) {
  hashes_.erase(hashes_.begin(), hashes_.lower_bound(dealt_with));
  unreadable_.erase(unreadable_.begin(), unreadable_.upper_bound(told));
}

}  // namespace ipt::ctl
