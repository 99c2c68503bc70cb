// Tells followers that there may be something new, so that they need not wait for their next poll.
// A wake may be lost, doubled or for nothing: who is woken looks for itself, and polls all the
// same.
//
// Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace ipt::cache {

class Wake {
 public:
  // Called with the detail of each wake of the topic, on any thread: quick, and never blocking. An
  // empty detail may mean anything: look for all.
  using Heard = std::function<void(absl::string_view detail)>;
  // Listens until destroyed; its destructor waits for a call under way.
  class Listener {
   public:
    virtual ~Listener() = default;
  };

  virtual ~Wake() = default;

  // Wakes who listens to `topic`, here and in other replicas. Never blocks. Neither word has spaces
  // or patient data; the detail may be empty.
  virtual void Ring(absl::string_view topic, absl::string_view detail) = 0;
  // The wake outlives its listeners.
  virtual std::unique_ptr<Listener> Listen(absl::string_view topic, Heard heard) = 0;
};

// Within this process.
class LocalWake final : public Wake {
 public:
  void Ring(absl::string_view topic, absl::string_view detail) override;
  std::unique_ptr<Listener> Listen(absl::string_view topic, Heard heard) override;
  // Wakes all listeners, with an empty detail: something may have been missed.
  void RingAll();

 private:
  class Entry;
  std::mutex mutex_;  // held while listeners are told, so that none goes meanwhile
  std::vector<Entry*> entries_;
};

}  // namespace ipt::cache
