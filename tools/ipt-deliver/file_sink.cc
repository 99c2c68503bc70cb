#include "ipt-deliver/file_sink.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "platform/errors/status_macros.h"
#include "platform/observability/log.h"

namespace ipt::deliver {
namespace {

absl::Status Failed(absl::string_view what, const std::string& path, int error) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, " ", path, ": ", std::system_category().message(error)));
}

// So that the file's name is there after a crash, too.
void SyncFolder(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const int fd = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)fsync(fd);
  close(fd);
}

// Where the last whole line ends.
off_t EndOfLines(int fd, off_t size) {
  char block[4096];
  while (size > 0) {
    const auto length = std::min<off_t>(size, sizeof(block));
    if (pread(fd, block, length, size - length) != length) return -1;
    const absl::string_view text(block, length);
    if (const auto end = text.rfind('\n'); end != absl::string_view::npos) {
      return size - length + static_cast<off_t>(end) + 1;
    }
    size -= length;
  }
  return 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileSink>> FileSink::Open(const std::string& path) {
  std::unique_ptr<FileSink> sink(new FileSink(path));
  IPT_RETURN_IF_ERROR(sink->OpenFile());
  return sink;
}

FileSink::~FileSink() { CloseFile(); }

std::vector<Outcome> FileSink::Deliver(absl::Span<const Letter> letters) {
  std::string lines;
  for (const Letter& letter : letters) absl::StrAppend(&lines, letter.body, "\n");
  const absl::Status written = Append(lines);
  if (!written.ok()) {
    log::Line(log::Level::kError, "file_failed",
              {{log::Key::kDetail, absl::string_view(written.message())}});
  }
  return std::vector<Outcome>(letters.size(), written.ok() ? Sent() : ReceiverFault("FILE_FAILED"));
}

void FileSink::CloseFile() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

absl::Status FileSink::OpenFile() {
  CloseFile();
  const int fd = open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Failed("cannot open", path_, errno);
  fd_ = fd;
  struct stat info {};
  absl::Status usable;
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    usable = absl::InvalidArgumentError(
        absl::StrCat(path_, " is in use by another process; give each a file of its own"));
  } else if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    usable = absl::InvalidArgumentError(absl::StrCat(path_, " is no regular file"));
  } else {
    const off_t end = EndOfLines(fd, info.st_size);
    if (end < 0 || (end != info.st_size && ftruncate(fd, end) != 0)) {
      usable = Failed("cannot repair", path_, errno);
    }
  }
  if (!usable.ok()) CloseFile();
  SyncFolder(path_);
  return usable;
}

bool FileSink::IsStillThere() const {
  struct stat at_path {};
  struct stat open_file {};
  return fd_ >= 0 && stat(path_.c_str(), &at_path) == 0 && fstat(fd_, &open_file) == 0 &&
         at_path.st_ino == open_file.st_ino && at_path.st_dev == open_file.st_dev;
}

absl::Status FileSink::Append(const std::string& lines) {
  if (reopen_.exchange(false) || !IsStillThere()) {
    IPT_RETURN_IF_ERROR(OpenFile());
    log::Line(log::Level::kInfo, "file_opened", {{log::Key::kPath, path_}});
  }
  struct stat before {};
  if (fstat(fd_, &before) != 0) return Failed("cannot look at", path_, errno);
  absl::string_view left = lines;
  while (!left.empty()) {
    const ssize_t written = write(fd_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) break;
    left.remove_prefix(static_cast<size_t>(written));
  }
  if (left.empty() && fdatasync(fd_) == 0) return absl::OkStatus();
  const absl::Status failed = Failed("cannot write", path_, errno);
  // None of it counts as sent. Where cutting it off fails, too, opening the file anew does so.
  (void)ftruncate(fd_, before.st_size);
  CloseFile();
  return failed;
}

}  // namespace ipt::deliver
