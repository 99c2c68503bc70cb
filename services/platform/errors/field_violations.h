// Collects every bad field of a request before it is refused, with the path a client would write.
//
//   FieldViolations bad;
//   if (minutes < 20) bad.Add("session_minutes", "must be 20 to 120");
//   for (...) ValidateWindow(bad.At("windows", i), window);   // "windows[2].end"
//   IPT_RETURN_IF_ERROR(bad.ToStatus());
//
// Not thread-safe. Children write into their parent, which must outlive them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "platform/errors/error.h"

namespace ipt {

class FieldViolations {
 public:
  FieldViolations() = default;

  void Add(absl::string_view field, absl::string_view description) {
    if (sink().size() < kMost) sink().push_back({Path(field), std::string(description)});
  }

  // The collector of the message in `field`, or of one element of the repeated `field`.
  FieldViolations In(absl::string_view field) { return FieldViolations(&sink(), Path(field)); }
  FieldViolations At(absl::string_view field, size_t index) {
    return FieldViolations(&sink(), absl::StrCat(Path(field), "[", index, "]"));
  }

  bool empty() const { return parent_ != nullptr ? parent_->empty() : own_.empty(); }

  // OK when nothing was added, else INVALID_ARGUMENT naming every bad field.
  absl::Status ToStatus() const {
    if (empty()) return absl::OkStatus();
    return InvalidFields(parent_ != nullptr ? *parent_ : own_);
  }

 private:
  // Far more than an answer can carry: what a request of nothing but faults may cost.
  static constexpr size_t kMost = 1000;

  FieldViolations(std::vector<FieldViolation>* parent, std::string prefix)
      : parent_(parent), prefix_(std::move(prefix)) {}

  std::vector<FieldViolation>& sink() { return parent_ != nullptr ? *parent_ : own_; }
  std::string Path(absl::string_view field) const {
    if (prefix_.empty()) return std::string(field);
    return field.empty() ? prefix_ : absl::StrCat(prefix_, ".", field);
  }

  std::vector<FieldViolation>* parent_ = nullptr;
  std::string prefix_;
  std::vector<FieldViolation> own_;
};

}  // namespace ipt
