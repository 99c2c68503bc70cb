// What a committed transaction changed in the queue of reminders, told to whoever indexes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace ipt::scheduling {

struct QueueChange {
  std::string clinic_id;
  std::string reminder_id;
  int64_t generation = 0;
  // When it may next be leased, or its lease ends; nullopt: it has left the queue.
  std::optional<absl::Time> next;
};

// Implementations are thread-safe and do not block.
class QueueListener {
 public:
  virtual ~QueueListener() = default;
  // Called after the commit, in no order among concurrent writers: the higher generation is the
  // newer word. Best effort: a process that dies between commit and call has told nobody.
  virtual void OnQueueChanged(const std::vector<QueueChange>& changes) = 0;
};

}  // namespace ipt::scheduling
