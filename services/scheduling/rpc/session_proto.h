// Sessions on the wire.
#pragma once

#include <vector>

#include "ipt/scheduling/v1/session.pb.h"
#include "scheduling/domain/affected_sessions.h"
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

// To an answer that lists affected_sessions.
template <typename Response>
void WriteAffected(const AffectedSessions& affected, Response& response) {
  WriteSessions(affected.sessions, response.mutable_affected_sessions());
  response.set_affected_count(affected.total);
}

}  // namespace ipt::scheduling
