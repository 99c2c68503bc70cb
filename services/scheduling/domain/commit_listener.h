// What a committed transaction changed, told to whoever keeps copies in this process.
#pragma once

#include <string>
#include <vector>

namespace ipt::scheduling {

struct CommittedChanges {
  struct Key {
    std::string clinic_id;
    std::string id;
  };
  std::vector<Key> courses{};     // their rows
  std::vector<Key> therapists{};  // their calendars
  // Everything of these clinics: their own calendar, or a patient's identity.
  std::vector<std::string> clinics{};

  bool empty() const { return courses.empty() && therapists.empty() && clinics.empty(); }
};

// Implementations are thread-safe and do not block.
class CommitListener {
 public:
  virtual ~CommitListener() = default;
  // Called after each commit and before the write is acknowledged; also for one of which the store
  // could not say whether it was committed.
  virtual void OnCommitted(const CommittedChanges& changes) = 0;
};

}  // namespace ipt::scheduling
