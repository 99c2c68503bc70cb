// A lock that one process holds on a file for as long as it lives. The system lets go of it when
// the process ends, however it ends.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace ipt::storage {

class FileLock {
 public:
  // Creates `path` (mode 0600) where it is absent. INVALID_ARGUMENT, with a sentence that says what
  // to do, when another process holds the lock or the file cannot be made.
  static absl::StatusOr<std::unique_ptr<FileLock>> Take(const std::string& path) {
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return absl::InvalidArgumentError(absl::StrCat("cannot create ", path));
    std::unique_ptr<FileLock> lock(new FileLock(file));
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("another process serves from this file (it holds ", path,
                       "): stop it first, or use PostgreSQL for several replicas"));
    }
    return lock;
  }
  ~FileLock() { close(file_); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int file) : file_(file) {}
  const int file_;
};

}  // namespace ipt::storage
