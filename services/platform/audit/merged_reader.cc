#include "platform/audit/merged_reader.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "platform/errors/status_macros.h"

namespace ipt::audit {

absl::StatusOr<std::vector<AuditEntry>> MergedAuditReader::List(
    const AuditFilter& filter, const std::optional<AuditCursor>& after, int limit,
    absl::Time deadline) {
  std::vector<AuditEntry> all;
  for (AuditReader* reader : readers_) {
    IPT_ASSIGN_OR_RETURN(std::vector<AuditEntry> some,
                         reader->List(filter, after, limit, deadline));
    all.insert(all.end(), std::make_move_iterator(some.begin()),
               std::make_move_iterator(some.end()));
  }
  std::sort(all.begin(), all.end(), [](const AuditEntry& a, const AuditEntry& b) {
    return std::tie(a.record.time, a.entry_id) > std::tie(b.record.time, b.entry_id);
  });
  if (all.size() > static_cast<size_t>(limit)) all.resize(limit);
  return all;
}

}  // namespace ipt::audit
