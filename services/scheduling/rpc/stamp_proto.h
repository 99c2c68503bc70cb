// What every resource says of its own writes.
#pragma once

#include "platform/rpc/etag.h"
#include "platform/rpc/proto_time.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// revision and create_time, of resources that are never changed.
template <typename Resource>
void WriteCreation(const Stamp& stamp, Resource* out) {
  out->set_revision(stamp.revision);
  rpc::WriteTime(stamp.create_time, out->mutable_create_time());
}

// These, update_time and etag. No etag where there is no revision: a resource that only might be.
template <typename Resource>
void WriteStamp(const Stamp& stamp, Resource* out) {
  WriteCreation(stamp, out);
  rpc::WriteTime(stamp.update_time, out->mutable_update_time());
  if (stamp.revision != 0) out->set_etag(rpc::Etag(stamp.revision));
}

}  // namespace ipt::scheduling
