#include "iptctl/file_output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "platform/errors/status_macros.h"

namespace ipt::ctl {
namespace {

constexpr mode_t kOwnerAlone = S_IRUSR | S_IWUSR;

absl::Status CannotWrite(const std::string& path) {
  return absl::InvalidArgumentError(absl::StrCat("cannot write ", path));
}

}  // namespace

absl::Status MakePrivateFile(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kOwnerAlone);
  if (fd < 0) return CannotWrite(path);
  struct stat status {};
  // A terminal or a pipe stays what it is.
  const bool made =
      fstat(fd, &status) == 0 && (!S_ISREG(status.st_mode) || fchmod(fd, kOwnerAlone) == 0);
  return close(fd) == 0 && made ? absl::OkStatus() : CannotWrite(path);
}

absl::Status PutInPlace(const std::string& from, const std::string& to) {
  const int fd = open(from.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return CannotWrite(from);
  const bool on_disk = fsync(fd) == 0;
  close(fd);
  if (!on_disk) return CannotWrite(from);
  return std::rename(from.c_str(), to.c_str()) == 0 ? absl::OkStatus() : CannotWrite(to);
}

absl::Status WriteWhole(const std::string& path, absl::string_view text) {
  const std::string half = path + ".new";
  IPT_RETURN_IF_ERROR(MakePrivateFile(half));
  std::ofstream out(half, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  const bool moved = out && std::rename(half.c_str(), path.c_str()) == 0;
  return moved ? absl::OkStatus() : CannotWrite(path);
}

}  // namespace ipt::ctl
