// Sessions on the wire.
#pragma once

#include <vector>

#include "ipt/scheduling/v1/session.pb.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {
namespace pb = ::ipt::scheduling::v1;

// Replaces what `out` holds.
void WriteSession(const Session& session, pb::Session* out);
template <typename Sessions>
void WriteSessions(const std::vector<Session>& sessions, Sessions* out) {
  out->Clear();
  for (const Session& session : sessions) WriteSession(session, out->Add());
}

}  // namespace ipt::scheduling
