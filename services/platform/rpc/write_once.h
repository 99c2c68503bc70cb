// Carries out a write once, however often it is retried: the answer is kept under the request_id in
// the transaction of the write, beside its audit entries.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/resource_name.h"
#include "platform/transaction/call_context.h"
#include "platform/transaction/write_log.h"

namespace ipt::rpc {

// Audits a write in its transaction: an entry for what it is about (`count`: how often it was
// done), and one for each other resource that it changed and whose audit would not show that entry:
// a resource's audit is of itself and of what lies beneath it.
template <typename Log>
absl::Status AuditWrite(Log& log, const CallContext& ctx, std::string about, int64_t count = 1) {
  AuditRecord audit;
  audit.clinic_id = ctx.clinic_id;
  audit.caller = ctx.caller->subject;
  audit.method = ctx.method;
  audit.write = true;
  audit.resource = about;
  audit.request_id = ctx.request_id;
  audit.count = count;
  audit.time = ctx.now;
  audit.last_time = ctx.now;
  IPT_RETURN_IF_ERROR(log.AppendAudit(audit));
  audit.count = 1;
  for (const std::string& changed : log.changed()) {
    if (about == changed || absl::StartsWith(about, absl::StrCat(changed, "/"))) continue;
    audit.resource = changed;
    IPT_RETURN_IF_ERROR(log.AppendAudit(audit));
  }
  return absl::OkStatus();
}

// Opens `store.Write` and runs `body` in it, unless this request was answered before: then that
// answer is given again, byte for byte. ALREADY_EXISTS (REQUEST_ID_REUSED) when the request_id was
// used for another content.
//
// Equal requests may run at once: FindAnswer has them take turns, so the second one gets the first
// one's answer and is not refused by what that has just done (the slot is taken, the id exists, the
// etag is old). And a retry's refusal is final: one that the client has given up on by its turn
// does nothing.
//
// With ctx.validate_only the body runs and all of it is rolled back; nothing is kept.
//
// `Store::Write(deadline, body)` runs the body in one transaction `Tx`, whose `log()` is a
// WriteLog.
template <typename Resp, typename Store, typename Body>
absl::StatusOr<Resp> WriteOnce(Store& store, const CallContext& ctx, Body&& body) {
  const RequestKey key{ctx.clinic_id, ctx.caller->subject, ctx.method, ctx.request_id};
  Resp response;
  bool rolled_back = false;
  absl::Status status = store.Write(ctx.deadline, [&](auto& tx) -> absl::Status {
    rolled_back = false;
    response.Clear();
    if (!ctx.validate_only) {
      IPT_ASSIGN_OR_RETURN(auto kept, tx.log().FindAnswer(key, ctx.content_hash));
      if (kept.has_value()) {
        if (!response.ParseFromString(*kept)) return Internal("a kept answer does not parse");
        return absl::OkStatus();
      }
      // It waited for its turn for so long. Its retry has decided, or will: nobody hears of this
      // one.
      if (ctx.abandoned && ctx.abandoned()) {
        return absl::CancelledError("the client gave up before the work began");
      }
    }
    IPT_ASSIGN_OR_RETURN(response, body(tx));
    if (ctx.validate_only) {
      rolled_back = true;
      return absl::CancelledError("validate_only");
    }
    IPT_RETURN_IF_ERROR(AuditWrite(tx.log(), ctx, ResourceWritten(response, ctx.resource)));
    return tx.log().KeepAnswer(key, ctx.content_hash, response.SerializeAsString(), ctx.now);
  });
  if (rolled_back) return response;
  IPT_RETURN_IF_ERROR(status);
  return response;
}

}  // namespace ipt::rpc
