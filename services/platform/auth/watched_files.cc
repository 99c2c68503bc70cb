#include "platform/auth/watched_files.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/errors/status_macros.h"

namespace ipt::auth {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string text(kMaxFileBytes + 1, '\0');
  errno = 0;
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "re"));
  const size_t size = file == nullptr ? 0 : std::fread(text.data(), 1, text.size(), file.get());
  if (file == nullptr || std::ferror(file.get()) != 0) {
    const std::string why = std::system_category().message(errno);
    return absl::NotFoundError(absl::StrCat(path, " cannot be read: ", why));
  }
  if (size > kMaxFileBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " has more than ", kMaxFileBytes, " bytes; is it the right file?"));
  }
  text.resize(size);
  return text;
}

}  // namespace

FileWatcher::FileWatcher(std::vector<std::string> paths, Loader loader, ReloadObserver observer)
    : paths_(std::move(paths)), loader_(std::move(loader)), observer_(std::move(observer)) {}

FileWatcher::~FileWatcher() {
  {
    std::lock_guard<std::mutex> lock(stop_mutex_);
    stopping_ = true;
  }
  stop_changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void FileWatcher::Start(absl::Duration interval) {
  thread_ = std::thread([this, every = absl::ToChronoMilliseconds(interval)] {
    std::unique_lock<std::mutex> lock(stop_mutex_);
    while (!stop_changed_.wait_for(lock, every, [this] { return stopping_; })) {
      lock.unlock();
      CheckNow().IgnoreError();  // The observer has heard of it.
      lock.lock();
    }
  });
}

absl::Status FileWatcher::CheckNow() {
  std::lock_guard<std::mutex> lock(check_mutex_);
  // Taken before reading: a change in between is found at the next look.
  const std::string fingerprint = Fingerprint();
  if (!fingerprint.empty() && fingerprint == loaded_) {
    reported_.clear();  // A refused change was taken back.
    return absl::OkStatus();
  }
  absl::StatusOr<Contents> contents = Read();
  absl::Status result = contents.status();
  if (result.ok()) {
    result = loader_(*contents);
    if (!result.ok()) {
      result = absl::Status(result.code(),
                            absl::StrCat(absl::StrJoin(paths_, ", "), ": ", result.message()));
    }
  }
  if (result.ok()) loaded_ = fingerprint;
  const std::string said = result.ToString();
  if (observer_ != nullptr && (result.ok() || said != reported_)) observer_(result);
  reported_ = result.ok() ? "" : said;
  return result;
}

std::string FileWatcher::Fingerprint() const {
  std::string fingerprint;
  for (const std::string& path : paths_) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return "";
    absl::StrAppend(&fingerprint, info.st_dev, ":", info.st_ino, ":", info.st_size, ":",
                    info.st_mtim.tv_sec, ".", info.st_mtim.tv_nsec, ":", info.st_ctim.tv_sec, ".",
                    info.st_ctim.tv_nsec, ";");
  }
  return fingerprint;
}

absl::StatusOr<FileWatcher::Contents> FileWatcher::Read() const {
  Contents contents;
  for (const std::string& path : paths_) {
    IPT_ASSIGN_OR_RETURN(contents.emplace_back(), ReadFile(path));
  }
  return contents;
}

}  // namespace ipt::auth
