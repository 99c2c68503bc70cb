// The copy of formulation's focuses, wired: it follows formulation in the background.
#pragma once

#include <memory>

#include "outcomes/link/formulation_source.h"
#include "platform/follow/followers.h"
#include "platform/ids/ids.h"
#include "platform/peer/link.h"
#include "platform/peer/peer.h"
#include "platform/server/server.h"
#include "platform/storage/database.h"

namespace ipt::outcomes {

// The module's, in its own order. `db` (with the tables of follow and of outcomes) outlives it.
class FormulationCopy {
 public:
  FormulationCopy(const server::Platform& platform, storage::Database& db,
                  std::unique_ptr<peer::Link> formulation, IdSource& ids);

  void Start() { followers_.Start(); }
  // No call to formulation begins after it, nor goes on: before the server is shut down, which they
  // may lead to.
  void EndCalls() { formulation_.Stop(); }
  void Stop() { followers_.Stop(); }

 private:
  peer::Peer formulation_;
  FormulationSource source_;
  follow::Followers followers_;
};

}  // namespace ipt::outcomes
