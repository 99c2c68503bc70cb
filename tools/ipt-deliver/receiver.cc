#include "ipt-deliver/receiver.h"

#include <algorithm>
#include <chrono>

namespace ipt::deliver {

Receiver::State Receiver::state() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return state_;
}

int Receiver::Window(int whole) const {
  switch (state()) {
    case State::kUp:
      return whole;
    case State::kTrying:
      return 1;
    case State::kDown:
      return 0;
  }
  return 0;
}

void Receiver::Fall(absl::Duration asked_for) {
  state_ = State::kDown;
  pause_ = std::clamp(2 * pause_, kFirstPause, kLongestPause);
  // Several gateways that lost one receiver do not come back at once.
  const absl::Duration pause =
      std::max(pause_ * absl::Uniform(random_, 0.75, 1.0), std::min(asked_for, kLongestAskedFor));
  down_until_ = std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(pause);
}

Outcome Receiver::Note(Outcome outcome) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (outcome.word == v1::ATTEMPT_OUTCOME_SENT) refusals_ = 0;
  if (outcome.word == v1::ATTEMPT_OUTCOME_DEAD && ++refusals_ >= kRefusals) {
    outcome.word = v1::ATTEMPT_OUTCOME_RETRY;
    outcome.receiver_fault = true;
    faults_ = kFaults;
  }
  // What was under way when it fell says nothing new.
  if (state_ == State::kDown && outcome.word != v1::ATTEMPT_OUTCOME_SENT) return outcome;
  const State before = state_;
  if (!outcome.receiver_fault) {
    state_ = State::kUp;
    faults_ = 0;
    pause_ = absl::ZeroDuration();
  } else if (++faults_ >= kFaults || state_ == State::kTrying) {
    Fall(outcome.retry_delay);
  }
  const State now = state_;
  lock.unlock();
  if (now != before) {
    changed_.notify_all();
    on_change_(now, outcome.reason);
  }
  return outcome;
}

bool Receiver::AwaitTurn() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    if (ending_) return false;
    if (state_ != State::kDown) return true;
    if (std::chrono::steady_clock::now() >= down_until_) break;
    changed_.wait_until(lock, down_until_);
  }
  state_ = State::kTrying;
  lock.unlock();
  changed_.notify_all();
  on_change_(State::kTrying, "");
  return true;
}

void Receiver::EndWaits() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
}

}  // namespace ipt::deliver
