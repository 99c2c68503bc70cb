#include "platform/cache/wake.h"

#include <algorithm>

namespace ipt::cache {

class LocalWake::Entry final : public Wake::Listener {
 public:
  Entry(LocalWake& wake, absl::string_view topic, Heard heard)
      : topic(topic), heard(std::move(heard)), wake_(wake) {
    std::lock_guard<std::mutex> lock(wake_.mutex_);
    wake_.entries_.push_back(this);
  }
  ~Entry() override {
    std::lock_guard<std::mutex> lock(wake_.mutex_);
    wake_.entries_.erase(std::find(wake_.entries_.begin(), wake_.entries_.end(), this));
  }

  const std::string topic;
  const Heard heard;

 private:
  LocalWake& wake_;
};

void LocalWake::Ring(absl::string_view topic, absl::string_view detail) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const Entry* entry : entries_) {
    if (entry->topic == topic) entry->heard(detail);
  }
}

void LocalWake::RingAll() {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const Entry* entry : entries_) entry->heard("");
}

std::unique_ptr<Wake::Listener> LocalWake::Listen(absl::string_view topic, Heard heard) {
  return std::make_unique<Entry>(*this, topic, std::move(heard));
}

}  // namespace ipt::cache
