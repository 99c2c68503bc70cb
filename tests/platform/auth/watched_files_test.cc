#include "platform/auth/watched_files.h"

#include <chrono>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "platform/auth/jwk_set.h"
#include "platform/auth/token_verifier.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_keys.h"

namespace ipt::auth {
namespace {

namespace fs = std::filesystem;
using ::ipt::testing::JwksOf;
using ::ipt::testing::TestKey;
using ::testing::HasSubstr;

class WatchedFilesTest : public ::testing::Test {
 protected:
  using Words = WatchedFiles<std::string>;

  WatchedFilesTest() {
    std::string name = absl::StrCat(::testing::TempDir(), "/watched_XXXXXX");
    folder_ = mkdtemp(name.data());
  }
  ~WatchedFilesTest() override { fs::remove_all(folder_); }

  void Write(const std::string& name, absl::string_view text) {
    std::ofstream(folder_ / name) << text;
    // Two writes may fall into one tick of the file system's clock.
    fs::last_write_time(folder_ / name,
                        fs::file_time_type::clock::now() + std::chrono::seconds(++writes_));
  }
  // Joins the files; "bad" anywhere is refused.
  absl::StatusOr<std::unique_ptr<Words>> Open(std::vector<std::string> names,
                                              absl::Duration interval = absl::Hours(1)) {
    for (std::string& name : names) name = folder_ / name;
    return Words::Open(
        names,
        [](const FileWatcher::Contents& contents)
            -> absl::StatusOr<std::shared_ptr<const std::string>> {
          const std::string joined = absl::StrJoin(contents, "+");
          if (joined.find("bad") != std::string::npos) {
            return absl::InvalidArgumentError("bad word");
          }
          return std::make_shared<const std::string>(joined);
        },
        [this](const absl::Status& result) {
          std::lock_guard<std::mutex> lock(mutex_);
          heard_.push_back(result);
        },
        interval);
  }
  size_t heard() {
    std::lock_guard<std::mutex> lock(mutex_);
    return heard_.size();
  }

  fs::path folder_;
  int writes_ = 0;
  std::mutex mutex_;
  std::vector<absl::Status> heard_;
};

TEST_F(WatchedFilesTest, StartFailsOnBrokenOrMissingFiles) {
  Write("a", "bad");
  const auto broken = Open({"a"});
  EXPECT_THAT(broken, testing::StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(broken.status().message()), HasSubstr("/a: bad word"));
  const auto missing = Open({"nowhere"});
  EXPECT_THAT(std::string(missing.status().message()),
              HasSubstr("/nowhere cannot be read: No such file"));
  Write("huge", std::string((1 << 20) + 1, 'x'));
  EXPECT_THAT(std::string(Open({"huge"}).status().message()), HasSubstr("more than 1048576 bytes"));
  EXPECT_THAT(std::string(Open({"."}).status().message()), HasSubstr("directory"));
}

TEST_F(WatchedFilesTest, KeepsTheLastGoodValueAndReportsOnce) {
  Write("a", "one");
  ASSERT_OK_AND_ASSIGN(const auto files, Open({"a"}));
  EXPECT_EQ(*files->current(), "one");
  EXPECT_EQ(heard(), 1u);
  EXPECT_OK(files->CheckNow());
  EXPECT_EQ(heard(), 1u) << "nothing changed, nothing said";

  Write("a", "bad");
  EXPECT_THAT(files->CheckNow(), testing::StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(files->CheckNow(), testing::StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(*files->current(), "one");
  EXPECT_EQ(heard(), 2u) << "the same refusal is said once";

  fs::remove(folder_ / "a");
  EXPECT_THAT(files->CheckNow(), testing::StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(*files->current(), "one");
  EXPECT_EQ(heard(), 3u) << "another reason";

  Write("a", "two");
  EXPECT_OK(files->CheckNow());
  EXPECT_EQ(*files->current(), "two");
  EXPECT_OK(heard_.back());
}

TEST_F(WatchedFilesTest, ReadsAllFilesTogether) {
  Write("a", "1");
  Write("b", "2");
  ASSERT_OK_AND_ASSIGN(const auto files, Open({"a", "b"}));
  Write("b", "3");
  ASSERT_OK(files->CheckNow());
  EXPECT_EQ(*files->current(), "1+3");
}

TEST_F(WatchedFilesTest, FollowsAReplacedDirectoryLink) {
  // As Kubernetes does it: key -> ..data/key, ..data -> ..v1, then ..data is renamed over.
  fs::create_directory(folder_ / "..v1");
  fs::create_directory(folder_ / "..v2");
  Write("..v1/key", "1");
  Write("..v2/key", "2");
  fs::create_symlink("..v1", folder_ / "..data");
  fs::create_symlink("..data/key", folder_ / "key");
  ASSERT_OK_AND_ASSIGN(const auto files, Open({"key"}));
  fs::create_symlink("..v2", folder_ / "..data_tmp");
  fs::rename(folder_ / "..data_tmp", folder_ / "..data");
  ASSERT_OK(files->CheckNow());
  EXPECT_EQ(*files->current(), "2");
}

TEST_F(WatchedFilesTest, BackgroundThreadTakesChangesOver) {
  Write("a", "one");
  ASSERT_OK_AND_ASSIGN(const auto files, Open({"a"}, absl::Milliseconds(5)));
  Write("a", "two");
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (*files->current() != "two" && absl::Now() < deadline)
    absl::SleepFor(absl::Milliseconds(2));
  EXPECT_EQ(*files->current(), "two");
}

TEST_F(WatchedFilesTest, RotatedKeySetReachesTheVerifier) {
  const TestKey first = TestKey::Ec("first"), second = TestKey::Ec("second");
  Write("jwks.json", JwksOf({&first}));
  ASSERT_OK_AND_ASSIGN(const auto keys, OpenWatchedFile(folder_ / "jwks.json", &JwkSet::Parse,
                                                        nullptr, absl::Hours(1)));
  const TokenVerifier verifier(
      {.issuer = testing::kTestIssuer, .audiences = {testing::kTestAudience}},
      [&] { return keys->current(); });
  const absl::Time now = absl::Now();
  const std::string old_token = first.Sign("ES256", testing::GoodClaims(now));
  const std::string new_token = second.Sign("ES256", testing::GoodClaims(now));
  EXPECT_OK(verifier.Verify(old_token, now));
  EXPECT_THAT(verifier.Verify(new_token, now),
              testing::StatusIs(absl::StatusCode::kUnauthenticated));

  Write("jwks.json", JwksOf({&first, &second}).substr(0, 200));  // Half-written.
  EXPECT_THAT(keys->CheckNow(), testing::StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_OK(verifier.Verify(old_token, now)) << "the last good key set goes on";

  Write("jwks.json", JwksOf({&first, &second}));
  ASSERT_OK(keys->CheckNow());
  EXPECT_OK(verifier.Verify(old_token, now));
  EXPECT_OK(verifier.Verify(new_token, now));

  Write("jwks.json", JwksOf({&second}));
  ASSERT_OK(keys->CheckNow());
  EXPECT_THAT(verifier.Verify(old_token, now),
              testing::StatusIs(absl::StatusCode::kUnauthenticated))
      << "a withdrawn key is worth nothing, remembered token or not";
}

}  // namespace
}  // namespace ipt::auth
