// The caller's min_revision, checked in the view of the store that it is read in.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"

namespace ipt {

// FAILED_PRECONDITION (REVISION_NOT_REACHED) when the store has not issued `min_revision`; 0 asks
// for nothing. `reader.CurrentRevision()` gives the newest that was issued.
template <typename Reader>
absl::Status CheckMinRevision(Reader& reader, int64_t min_revision) {
  if (min_revision <= 0) return absl::OkStatus();
  IPT_ASSIGN_OR_RETURN(const int64_t current, reader.CurrentRevision());
  if (min_revision <= current) return absl::OkStatus();
  return FailedPrecondition(
      reason::kRevisionNotReached, "min_revision",
      "the store has not reached this revision: it was restored, or the revision is of another "
      "store",
      {{"revision", absl::StrCat(current)}});
}

}  // namespace ipt
