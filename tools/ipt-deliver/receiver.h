// Whether what takes the reminders (a webhook, a file) works. While it does not, nothing is leased
// but one reminder a clinic now and then, to see whether it is back: an outage, a wrong path or a
// wrong key must not use up the attempts of a whole queue.
//
//        5 faults in a row            its pause is over            SENT, or refused as a message
//   UP ---------------------> DOWN ---------------------> TRYING ------------------------------> UP
//                              ^                             |
//                              +-----------------------------+  a fault; the next pause is longer
//
// Also down is a receiver that refuses one reminder after the other for good: from the 10th in a
// row on, with none accepted in between, they are kept for later instead.
//
// Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

#include "absl/random/random.h"
#include "absl/time/time.h"
#include "ipt-deliver/outcome.h"

namespace ipt::deliver {

class Receiver {
 public:
  enum class State { kUp, kDown, kTrying };

  static constexpr int kFaults = 5;
  static constexpr int kRefusals = 10;
  static constexpr absl::Duration kFirstPause = absl::Seconds(1);
  static constexpr absl::Duration kLongestPause = absl::Minutes(1);
  static constexpr absl::Duration kLongestAskedFor = absl::Minutes(5);

  // `on_change` hears each new state, and why: the reason of the last fault.
  using OnChange = std::function<void(State, const std::string& reason)>;
  explicit Receiver(OnChange on_change) : on_change_(std::move(on_change)) {}

  State state() const;
  bool MaySend() const { return state() != State::kDown; }

  // How much of a clinic's window may be leased now.
  int Window(int whole) const;

  // Learns from an attempt; returns what is to be said about it.
  Outcome Note(Outcome outcome);

  // Waits until it may be sent to; false: EndWaits() came first.
  bool AwaitTurn();
  void EndWaits();

 private:
  void Fall(absl::Duration asked_for);

  const OnChange on_change_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  State state_ = State::kUp;
  int faults_ = 0;
  int refusals_ = 0;
  absl::Duration pause_ = absl::ZeroDuration();
  std::chrono::steady_clock::time_point down_until_{};
  bool ending_ = false;
  absl::BitGen random_;
};

}  // namespace ipt::deliver
