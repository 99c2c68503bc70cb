#include "platform/audit/audit_handler.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/paging.h"
#include "platform/rpc/proto_time.h"

namespace ipt::audit {
namespace {

std::string ToCursor(const AuditEntry& entry) {
  return absl::StrCat(absl::ToUnixMicros(entry.record.time), "/", entry.entry_id);
}

absl::StatusOr<std::optional<AuditCursor>> FromCursor(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('/', 1));
  int64_t micros = 0;
  if (!absl::SimpleAtoi(parts.first, &micros) || parts.second.empty()) {
    return InvalidField("page_token", "is not a token of this list");
  }
  return AuditCursor{absl::FromUnixMicros(micros), parts.second};
}

AuditFilter ReadFilter(const v1::ListAuditEntriesRequest& request, const std::string& clinic_id,
                       FieldViolations& bad) {
  AuditFilter filter;
  filter.clinic_id = clinic_id;
  filter.resource = request.resource();
  filter.caller = request.caller();
  if (!filter.resource.empty() && filter.resource != request.parent() &&
      !absl::StartsWith(filter.resource, absl::StrCat(request.parent(), "/"))) {
    bad.Add("resource", "must be the parent or a resource below it");
  }
  if (request.has_start_time()) {
    filter.since = rpc::ReadTime(request.start_time(), bad, "start_time");
  }
  if (request.has_end_time()) filter.until = rpc::ReadTime(request.end_time(), bad, "end_time");
  if (filter.since.has_value() && filter.until.has_value() && *filter.until <= *filter.since) {
    bad.Add("end_time", "must be after start_time");
  }
  return filter;
}

void WriteEntry(const AuditEntry& entry, v1::AuditEntry* out) {
  const AuditRecord& record = entry.record;
  out->set_name(absl::StrCat("clinics/", record.clinic_id, "/auditEntries/", entry.entry_id));
  rpc::WriteTime(record.time, out->mutable_time());
  rpc::WriteTime(record.last_time, out->mutable_last_time());
  out->set_caller(record.caller);
  out->set_method(record.method);
  out->set_access(record.write ? common::v1::ACCESS_WRITE : common::v1::ACCESS_READ);
  out->set_resource(record.resource);
  out->set_request_id(record.request_id);
  out->set_outcome(record.outcome);
  out->set_count(record.count);
}

}  // namespace

absl::StatusOr<v1::ListAuditEntriesResponse> AuditHandler::ListAuditEntries(
    const CallContext& ctx, const v1::ListAuditEntriesRequest& request) {
  FieldViolations bad;
  const AuditFilter filter = ReadFilter(request, ctx.clinic_id, bad);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  IPT_ASSIGN_OR_RETURN(const auto after, FromCursor(page.cursor));
  IPT_ASSIGN_OR_RETURN(auto entries, reader_.List(filter, after, page.size + 1, ctx.deadline));

  v1::ListAuditEntriesResponse response;
  if (entries.size() > static_cast<size_t>(page.size)) {
    entries.resize(page.size);
    response.set_next_page_token(rpc::NextPageToken(request, ToCursor(entries.back())));
  }
  for (const AuditEntry& entry : entries) WriteEntry(entry, response.add_audit_entries());
  return response;
}

}  // namespace ipt::audit
