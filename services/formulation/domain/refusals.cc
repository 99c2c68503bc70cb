#include "formulation/domain/refusals.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "formulation/domain/reasons.h"
#include "platform/ids/ids.h"

namespace ipt::formulation {
namespace {

constexpr size_t kMostNamedUsers = 20;
constexpr size_t kMostReasonBytes = 256;

}  // namespace

absl::Status RefuseMore(size_t count, size_t most, absl::string_view parent_name,
                        absl::string_view collection) {
  if (count < most) return absl::OkStatus();
  return FailedPrecondition(reason::kLimitReached, parent_name,
                            absl::StrCat("there are ", most, " already: there cannot be more"),
                            {{"of", std::string(collection)}, {"maximum", absl::StrCat(most)}});
}

absl::Status RefuseInUse(const std::vector<std::string>& used_by) {
  if (used_by.empty()) return absl::OkStatus();
  std::vector<PreconditionViolation> violations;
  for (size_t i = 0; i < std::min(used_by.size(), kMostNamedUsers); ++i) {
    violations.push_back({reason::kResourceInUse, used_by[i], "names it: change this first"});
  }
  return FailedPreconditions(reason::kResourceInUse, "something else names it", violations,
                             {{"used_by", absl::StrCat(used_by.size())}});
}

absl::Status CheckRevision(int64_t if_revision, int64_t revision, absl::string_view type,
                           absl::string_view name) {
  if (if_revision == 0 || if_revision == revision) return absl::OkStatus();
  return EtagMismatch(type, name);
}

void CheckIn(const std::optional<int>& value, int least, int most, absl::string_view field,
             FieldViolations& bad) {
  if (value.has_value() && (*value < least || *value > most)) {
    bad.Add(field, absl::StrCat("must be ", least, " to ", most));
  }
}

void CheckNewId(absl::string_view id, absl::string_view field, FieldViolations& bad) {
  if (!id.empty() && !IsValidId(id)) {
    bad.Add(field, "must be 1 to 63 of a-z, 0-9 and -, starting with a letter or digit");
  }
}

void CheckReason(absl::string_view text, bool required, FieldViolations& bad) {
  if (required && IsBlank(text)) bad.Add("reason", "is required");
  if (text.size() > kMostReasonBytes) {
    bad.Add("reason", absl::StrCat("must be at most ", kMostReasonBytes, " bytes"));
  }
}

void CheckTotal(size_t bytes, size_t most, FieldViolations& bad) {
  if (bytes > most) {
    bad.Add("", absl::StrCat("must have at most ", most, " bytes of text in all"));
  }
}

bool IsBlank(absl::string_view text) { return absl::StripAsciiWhitespace(text).empty(); }

void CheckOnce(const std::string& id, bool known, absl::string_view otherwise,
               std::set<std::string>& seen, FieldViolations bad) {
  if (!known) {
    bad.Add("", otherwise);
  } else if (!seen.insert(id).second) {
    bad.Add("", "must be there once only");
  }
}

}  // namespace ipt::formulation
