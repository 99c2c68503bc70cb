// Etags: what a caller sends back to be told of a conflict. Made of the revision at which the
// resource last changed.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "platform/errors/error.h"

namespace ipt::rpc {

inline std::string Etag(int64_t revision) { return absl::StrCat("\"", revision, "\""); }

// The revision that an etag was made of; 0 for an empty one (any will do), -1 for what is no etag
// of ours and so never current.
inline int64_t RevisionOfEtag(absl::string_view etag) {
  if (etag.empty()) return 0;
  int64_t revision = 0;
  if (!absl::ConsumePrefix(&etag, "\"") || !absl::ConsumeSuffix(&etag, "\"") ||
      !absl::SimpleAtoi(etag, &revision) || revision <= 0) {
    return -1;
  }
  return revision;
}

// OK for an empty etag and for the current one, else ABORTED (ETAG_MISMATCH).
inline absl::Status CheckEtag(absl::string_view etag, int64_t revision,
                              absl::string_view resource_type, absl::string_view resource_name) {
  if (etag.empty() || etag == Etag(revision)) return absl::OkStatus();
  return EtagMismatch(resource_type, resource_name);
}

}  // namespace ipt::rpc
