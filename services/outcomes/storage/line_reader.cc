#include "outcomes/storage/line_reader.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace ipt::outcomes {
namespace {

// Some hundred results. A report of fewer needs no thread.
constexpr size_t kBlock = size_t{64} << 10;

}  // namespace

void LineReader::Add(absl::string_view lines) {
  absl::StrAppend(&block_, lines, "\n");
  if (block_.size() >= kBlock) HandOver();
}

void LineReader::HandOver() {
  if (!thread_.joinable()) thread_ = std::thread([this] { Work(); });
  std::string next;
  next.reserve(kBlock + kBlock / 4);
  std::swap(next, block_);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    handed_over_.push_back(std::move(next));
  }
  changed_.notify_one();
}

void LineReader::Finish() {
  if (thread_.joinable()) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      finished_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  ReadAll(block_);
  block_.clear();
}

void LineReader::Work() {
  std::vector<std::string> blocks;
  while (true) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return finished_ || !handed_over_.empty(); });
      blocks.clear();
      blocks.swap(handed_over_);
    }
    if (blocks.empty()) return;
    for (const std::string& block : blocks) ReadAll(block);
  }
}

void LineReader::ReadAll(absl::string_view lines) {
  while (!lines.empty()) {
    const size_t end = lines.find('\n');
    read_(lines.substr(0, end));
    lines.remove_prefix(end + 1);
  }
}

}  // namespace ipt::outcomes
