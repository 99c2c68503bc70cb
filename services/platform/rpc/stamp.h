// What a resource says of its own writes.
#pragma once

#include "platform/rpc/etag.h"
#include "platform/rpc/proto_time.h"

namespace ipt::rpc {

// revision, create_time, update_time and etag, of a domain's `stamp`; of a resource without one of
// these, the others. Nothing where there is no revision: a resource that only might be, or that
// nobody has written yet.
template <typename Stamp, typename Resource>
void WriteStamp(const Stamp& stamp, Resource* out) {
  if (stamp.revision == 0) return;
  out->set_revision(stamp.revision);
  if constexpr (requires { out->set_etag(""); }) out->set_etag(Etag(stamp.revision));
  if constexpr (requires { out->mutable_update_time(); }) {
    WriteTime(stamp.update_time, out->mutable_update_time());
  }
  if constexpr (requires { out->mutable_create_time(); }) {
    WriteTime(stamp.create_time, out->mutable_create_time());
  }
}

}  // namespace ipt::rpc
