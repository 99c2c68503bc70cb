// Reads the lines that a query finds, beside the query: on a thread of its own once there are many.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace ipt::outcomes {

// Used by one thread; `read` is called on another one, or on that thread, never on both at a time.
class LineReader {
 public:
  using Read = absl::FunctionRef<void(absl::string_view line)>;

  // `read` outlives it.
  explicit LineReader(Read read) : read_(read) {}
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  ~LineReader() { Finish(); }

  // One line or several, with '\n' between.
  void Add(absl::string_view lines);
  // All that was added has been read when it returns.
  void Finish();

 private:
  void HandOver();
  void Work();
  void ReadAll(absl::string_view lines);  // each of which ends with '\n'

  const Read read_;
  std::string block_;  // not handed over yet
  std::thread thread_;
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::vector<std::string> handed_over_;
  bool finished_ = false;
};

}  // namespace ipt::outcomes
