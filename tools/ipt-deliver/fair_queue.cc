#include "ipt-deliver/fair_queue.h"

#include <utility>

namespace ipt::deliver {

void FairQueue::Push(Job job) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    lines_[job.clinic].push_back(std::move(job));
    ++waiting_;
  }
  changed_.notify_one();
}

std::vector<Job> FairQueue::Take(size_t most) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return waiting_ > 0 || closed_; });
  std::vector<Job> taken;
  while (waiting_ > 0 && taken.size() < most) {
    std::deque<Job>& line = lines_[next_];
    next_ = (next_ + 1) % lines_.size();
    if (line.empty()) continue;
    taken.push_back(std::move(line.front()));
    line.pop_front();
    --waiting_;
  }
  return taken;
}

void FairQueue::Close() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

}  // namespace ipt::deliver
