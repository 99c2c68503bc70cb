#include "ipt-deliver/file_sink.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt::deliver {
namespace {

using ::testing::HasSubstr;

class FileSinkTest : public ::testing::Test {
 protected:
  FileSinkTest() { std::filesystem::create_directory(folder_); }
  ~FileSinkTest() override { std::filesystem::remove_all(folder_); }

  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const std::filesystem::path folder_ =
      absl::StrCat(::testing::TempDir(), "/ipt_deliver_file_", getpid());
  const std::string path_ = folder_ / "out.ndjson";
};

TEST_F(FileSinkTest, AppendsLinesForTheOwnerAlone) {
  ASSERT_OK_AND_ASSIGN(const auto sink, FileSink::Open(path_));
  const std::vector<Letter> letters = {{"k1", "{\"a\":1}"}, {"k2", "{\"a\":2}"}};
  const std::vector<Outcome> outcomes = sink->Deliver(letters);
  ASSERT_EQ(outcomes.size(), 2);
  EXPECT_EQ(outcomes[1].word, v1::ATTEMPT_OUTCOME_SENT);
  EXPECT_EQ(Read(path_), "{\"a\":1}\n{\"a\":2}\n");
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600);
}

TEST_F(FileSinkTest, GoesOnInANewFileWhenTheOldOneWasRotatedAway) {
  ASSERT_OK_AND_ASSIGN(const auto sink, FileSink::Open(path_));
  EXPECT_OK(sink->Append("1\n"));
  std::filesystem::rename(path_, path_ + ".1");
  EXPECT_OK(sink->Append("2\n"));
  std::filesystem::remove(path_);
  sink->Reopen();
  EXPECT_OK(sink->Append("3\n"));
  EXPECT_EQ(Read(path_ + ".1"), "1\n");
  EXPECT_EQ(Read(path_), "3\n");
}

TEST_F(FileSinkTest, CutsOffWhatACrashLeftHalfWritten) {
  std::ofstream(path_) << "{\"a\":1}\n{\"a\":2" << std::string(10'000, 'x');
  ASSERT_OK_AND_ASSIGN(const auto sink, FileSink::Open(path_));
  EXPECT_OK(sink->Append("3\n"));
  EXPECT_EQ(Read(path_), "{\"a\":1}\n3\n");
}

TEST_F(FileSinkTest, CutsOffWhatADiskWithoutRoomTookInPart) {
  ASSERT_OK_AND_ASSIGN(const auto sink, FileSink::Open(path_));
  EXPECT_OK(sink->Append("1\n"));
  // A limit on a file's size stands for the full disk.
  const auto limit_at = [](rlim_t bytes) {
    rlimit limit{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max : bytes;
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  };
  std::signal(SIGXFSZ, SIG_IGN);
  limit_at(1000);
  const absl::Status full = sink->Append(std::string(2000, '2') + "\n");
  limit_at(RLIM_INFINITY);
  EXPECT_THAT(std::string(full.message()), HasSubstr("cannot write " + path_));
  EXPECT_EQ(Read(path_), "1\n");
  EXPECT_OK(sink->Append("3\n"));
  EXPECT_EQ(Read(path_), "1\n3\n");
}

TEST_F(FileSinkTest, IsOfOneProcessAndNotAFolder) {
  ASSERT_OK_AND_ASSIGN(const auto sink, FileSink::Open(path_));
  EXPECT_THAT(std::string(FileSink::Open(path_).status().message()), HasSubstr("in use"));
  EXPECT_THAT(std::string(FileSink::Open(folder_).status().message()), HasSubstr("cannot open"));
  EXPECT_THAT(std::string(FileSink::Open("/dev/null").status().message()),
              HasSubstr("no regular file"));
  EXPECT_THAT(std::string(FileSink::Open(folder_ / "no/such").status().message()),
              HasSubstr("cannot open"));
}

}  // namespace
}  // namespace ipt::deliver
