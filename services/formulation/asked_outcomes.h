// Outcomes as guides ask it, wired: a way to it, and the threads that ask.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "formulation/link/outcomes_measures.h"
#include "platform/peer/link.h"
#include "platform/peer/peer.h"
#include "platform/rpc/executor.h"
#include "platform/server/server.h"

namespace ipt::formulation {

class AskedOutcomes {
 public:
  // `in_process`: outcomes answers in this process.
  AskedOutcomes(const server::Platform& platform, std::unique_ptr<peer::Link> outcomes,
                bool in_process);

  DueMeasureSource& measures() { return measures_; }

  // No call to outcomes begins after it, nor goes on: before the server is shut down, which they
  // may lead to.
  void EndCalls() { outcomes_.Stop(); }
  void Stop() { threads_.Stop(); }

 private:
  bool Post(std::function<void()> ask);

  const int most_waiting_;  // guides at once
  std::atomic<int> waiting_ = 0;
  peer::Peer outcomes_;
  OutcomesMeasures measures_;
  rpc::Executor threads_;
};

}  // namespace ipt::formulation
