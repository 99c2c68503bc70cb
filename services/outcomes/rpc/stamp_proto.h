// What every resource says of its own writes.
#pragma once

#include "outcomes/domain/types.h"
#include "platform/rpc/etag.h"
#include "platform/rpc/proto_time.h"

namespace ipt::outcomes {

// revision, create_time, update_time and etag. Nothing where there is no revision: a resource that
// only might be, or that nobody has written yet.
template <typename Resource>
void WriteStamp(const Stamp& stamp, Resource* out) {
  if (stamp.revision == 0) return;
  out->set_revision(stamp.revision);
  out->set_etag(rpc::Etag(stamp.revision));
  rpc::WriteTime(stamp.update_time, out->mutable_update_time());
  if constexpr (requires { out->mutable_create_time(); }) {
    rpc::WriteTime(stamp.create_time, out->mutable_create_time());
  }
}

}  // namespace ipt::outcomes
