// Runs a read and checks the caller's min_revision in the same view of the store.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/transaction/call_context.h"
#include "platform/transaction/min_revision.h"

namespace ipt::rpc {

// `store.Read(deadline, body)` gives `body` one consistent view, whose reader has
// CurrentRevision(). `body(reader)` returns absl::StatusOr<Resp>. FAILED_PRECONDITION
// (REVISION_NOT_REACHED) when the store is older than `min_revision`; 0 asks for nothing.
template <typename Resp, typename Store, typename Body>
absl::StatusOr<Resp> ReadView(Store& store, const CallContext& ctx, int64_t min_revision,
                              Body&& body) {
  absl::StatusOr<Resp> response = Internal("the store ran no body");
  IPT_RETURN_IF_ERROR(store.Read(ctx.deadline, [&](auto& reader) -> absl::Status {
    IPT_RETURN_IF_ERROR(CheckMinRevision(reader, min_revision));
    response = body(reader);
    return response.status();
  }));
  return response;
}

}  // namespace ipt::rpc
