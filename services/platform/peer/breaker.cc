#include "platform/peer/breaker.h"

#include <algorithm>
#include <utility>

namespace ipt::peer {

Breaker::Breaker(BreakerOptions options, std::function<double()> random)
    : options_(options), random_(std::move(random)), pause_(options.first_pause) {}

bool Breaker::Allow(absl::Time now) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!open_) return true;
  if (now < next_trial_) return false;
  next_trial_ = now + pause_;
  return true;
}

bool Breaker::Succeeded() {
  std::lock_guard<std::mutex> lock(mutex_);
  const bool was_open = open_;
  failures_ = 0;
  open_ = false;
  pause_ = options_.first_pause;
  next_trial_ = absl::InfinitePast();
  return was_open;
}

bool Breaker::Failed(absl::Time now) {
  std::lock_guard<std::mutex> lock(mutex_);
  ++failures_;
  if (open_) {
    pause_ = std::min(2 * pause_, options_.longest_pause);
    Pause(now);
    return false;
  }
  if (failures_ < options_.failures) return false;
  open_ = true;
  Pause(now);
  return true;
}

void Breaker::Pause(absl::Time now) { next_trial_ = now + pause_ * (0.5 + 0.5 * random_()); }

bool Breaker::open() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return open_;
}

absl::Time Breaker::next_trial() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return next_trial_;
}

}  // namespace ipt::peer
