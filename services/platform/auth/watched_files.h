// A value that is read from files and follows them: key sets, known clients, TLS material.
//
// The files are looked at every second (size, times, inode, through symbolic links, so that a
// replaced directory link as Kubernetes does it counts). A change that cannot be used
// (half-written, broken, key and certificate of different age) leaves the last good value in place,
// is reported, and is tried again until it can be.
//
// Thread-safe; one background thread each. `current()` costs a short lock.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ipt::auth {

// Told about every change that was taken over (OK) and, once for each new reason, about every one
// that was not: for a log line and a counter. Called on the watching thread, or in CheckNow().
using ReloadObserver = std::function<void(const absl::Status& result)>;

// The part without a value type: watches, reads, reports.
class FileWatcher {
 public:
  using Contents = std::vector<std::string>;  // In the order of the paths.
  using Loader = std::function<absl::Status(const Contents&)>;

  // Files above 1 MiB are refused. A status of the loader gets the paths put before it.
  FileWatcher(std::vector<std::string> paths, Loader loader, ReloadObserver observer);
  ~FileWatcher();
  FileWatcher(const FileWatcher&) = delete;
  FileWatcher& operator=(const FileWatcher&) = delete;

  // Loads if anything changed since the last good load. `observer` hears of it.
  absl::Status CheckNow();

  void Start(absl::Duration interval);

 private:
  // What identifies a file's state; empty where the file cannot be seen.
  std::string Fingerprint() const;
  absl::StatusOr<Contents> Read() const;

  const std::vector<std::string> paths_;
  const Loader loader_;
  const ReloadObserver observer_;

  std::mutex check_mutex_;  // One check at a time.
  std::string loaded_;      // Fingerprint of the last good load.
  std::string reported_;    // The last refusal that the observer has heard.

  std::mutex stop_mutex_;
  std::condition_variable stop_changed_;
  bool stopping_ = false;
  std::thread thread_;
};

template <typename T>
class WatchedFiles {
 public:
  using Parser =
      std::function<absl::StatusOr<std::shared_ptr<const T>>(const FileWatcher::Contents&)>;

  // Fails, with the file and the reason, when the first load fails: a broken file stops the start.
  static absl::StatusOr<std::unique_ptr<WatchedFiles>> Open(
      std::vector<std::string> paths, Parser parser, ReloadObserver observer = nullptr,
      absl::Duration interval = absl::Seconds(1)) {
    std::unique_ptr<WatchedFiles> files(
        new WatchedFiles(std::move(paths), std::move(parser), std::move(observer)));
    if (absl::Status loaded = files->watcher_.CheckNow(); !loaded.ok()) return loaded;
    files->watcher_.Start(interval);
    return files;
  }

  // The last good value; never null.
  std::shared_ptr<const T> current() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return current_;
  }

  absl::Status CheckNow() { return watcher_.CheckNow(); }

 private:
  WatchedFiles(std::vector<std::string> paths, Parser parser, ReloadObserver observer)
      : watcher_(
            std::move(paths),
            [this, parser = std::move(parser)](const FileWatcher::Contents& contents) {
              absl::StatusOr<std::shared_ptr<const T>> parsed = parser(contents);
              if (!parsed.ok()) return parsed.status();
              std::lock_guard<std::mutex> lock(mutex_);
              current_ = *std::move(parsed);
              return absl::OkStatus();
            },
            std::move(observer)) {}

  mutable std::mutex mutex_;
  std::shared_ptr<const T> current_;
  FileWatcher watcher_;  // Last: its thread uses the above.
};

// One file, read by one function: OpenWatchedFile("/etc/ipt/jwks.json", &JwkSet::Parse, observer).
template <typename T>
absl::StatusOr<std::unique_ptr<WatchedFiles<T>>> OpenWatchedFile(
    std::string path, absl::StatusOr<std::shared_ptr<const T>> (*parse)(absl::string_view),
    ReloadObserver observer = nullptr, absl::Duration interval = absl::Seconds(1)) {
  return WatchedFiles<T>::Open(
      {std::move(path)},
      [parse](const FileWatcher::Contents& contents) { return parse(contents[0]); },
      std::move(observer), interval);
}

}  // namespace ipt::auth
