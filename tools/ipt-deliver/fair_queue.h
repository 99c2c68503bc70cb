// What is leased and waits to be sent: a line a clinic, of which takers are given one each in turn,
// so that a clinic with much to send does not keep the others waiting.
//
// Thread-safe. Bounded by what desks lease: a window a clinic.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

#include "ipt/scheduling/v1/delivery_service.pb.h"

namespace ipt::deliver {

struct Job {
  size_t clinic = 0;  // its desk
  scheduling::v1::LeasedReminder leased;
  // The lease holds at least until then; on this machine's steady clock, so that a clock that is
  // wrong or set matters not.
  std::chrono::steady_clock::time_point held_until;
};

class FairQueue {
 public:
  explicit FairQueue(size_t clinics) : lines_(clinics) {}

  void Push(Job job);

  // Waits for jobs, takes at most `most`; empty: closed, and nothing is left.
  std::vector<Job> Take(size_t most);

  // Takers get what is left, then nothing.
  void Close();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::deque<Job>> lines_;
  size_t next_ = 0;  // whose turn it is
  size_t waiting_ = 0;
  bool closed_ = false;
};

}  // namespace ipt::deliver
