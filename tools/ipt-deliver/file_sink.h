// Delivers by appending to a file, a line of JSON a reminder (NDJSON), for the owner alone.
//
// A batch is written as a whole and synced before any of it counts as sent. The file is this
// process' own while it is open (a lock); it is opened again when it was renamed or deleted, as log
// rotation does, or when Reopen() asks for it. A half-written line, of a crash or a full disk, is
// cut off: it was never acknowledged, and its reminder comes again.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ipt-deliver/sink.h"

namespace ipt::deliver {

class FileSink final : public Sink {
 public:
  static constexpr size_t kMostAtOnce = 500;

  // INVALID_ARGUMENT when the file cannot be had, or another process has it.
  static absl::StatusOr<std::unique_ptr<FileSink>> Open(const std::string& path);
  ~FileSink() override;

  std::vector<Outcome> Deliver(absl::Span<const Letter> letters) override;
  size_t senders() const override { return 1; }
  size_t most_at_once() const override { return kMostAtOnce; }
  int window() const override { return static_cast<int>(kMostAtOnce); }

  // Async-signal-safe: the next batch opens the file anew.
  void Reopen() { reopen_ = true; }

  // Opens the file anew where need be, appends the lines and syncs them. Not thread-safe.
  absl::Status Append(const std::string& lines);

 private:
  explicit FileSink(std::string path) : path_(std::move(path)) {}

  absl::Status OpenFile();
  void CloseFile();
  bool IsStillThere() const;

  const std::string path_;
  std::atomic<bool> reopen_{false};
  int fd_ = -1;
};

}  // namespace ipt::deliver
