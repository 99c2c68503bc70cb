#include "platform/cache/due_index.h"

#include "absl/strings/cord.h"
#include "platform/ids/ids.h"

namespace ipt::cache {
namespace {

constexpr char kRebuildPayload[] = "ipt/rebuild-needed";

}  // namespace

absl::Status RebuildNeeded() {
  absl::Status status = absl::FailedPreconditionError(
      "the index was not built for this epoch; rebuild it from the store");
  status.SetPayload(kRebuildPayload, absl::Cord());
  return status;
}

bool IsRebuildNeeded(const absl::Status& status) {
  return status.GetPayload(kRebuildPayload).has_value();
}

std::string NewToken() {
  static RandomIdSource ids;
  return ids.NewUuid();
}

}  // namespace ipt::cache
