#include "ipt-deliver/signing_keys.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt::deliver {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Entry(const std::string& id, const std::string& secret) {
  return absl::StrCat("{\"id\": \"", id, "\", \"secret\": \"", absl::Base64Escape(secret), "\"}");
}
std::string File(const std::string& entries) { return absl::StrCat("{\"keys\": [", entries, "]}"); }

const std::string kOld(32, 'o');
const std::string kNew(32, 'n');

// RFC 4231, test cases 1, 2 and 6.
TEST(HmacTest, AgreesWithTheStandard) {
  EXPECT_EQ(HmacSha256Hex(std::string(20, '\x0b'), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(HmacSha256Hex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(HmacSha256Hex(std::string(131, '\xaa'),
                          "Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(SigningKeysTest, SignsWithAllKeys) {
  ASSERT_OK_AND_ASSIGN(const auto keys,
                       SigningKeys::Parse(File(Entry("old", kOld) + "," + Entry("new", kNew))));
  EXPECT_THAT(keys->ids(), ElementsAre("old", "new"));
  EXPECT_EQ(keys->Sign("1795847884", "{}"),
            absl::StrCat("v1=", HmacSha256Hex(kOld, "1795847884.{}"),
                         ";key=old, v1=", HmacSha256Hex(kNew, "1795847884.{}"), ";key=new"));
}

TEST(SigningKeysTest, RefusesWhatItCannotUseAndTellsNoSecret) {
  const auto problem = [](const std::string& text) {
    return std::string(SigningKeys::Parse(text).status().message());
  };
  EXPECT_THAT(problem(""), HasSubstr("must be {\"keys\""));
  EXPECT_THAT(problem("[]"), HasSubstr("must be {\"keys\""));
  EXPECT_THAT(problem(R"({"keys": [], "more": 1})"), HasSubstr("must be {\"keys\""));
  EXPECT_THAT(problem(File("")), HasSubstr("1 to 5 keys"));
  EXPECT_THAT(problem(File(R"({"id": "a"})")), HasSubstr("key 1: must have"));
  EXPECT_THAT(problem(File(Entry("a b", kOld))), HasSubstr("its id"));
  EXPECT_THAT(problem(File(Entry("a", kOld) + "," + Entry("a", kNew))), HasSubstr("two keys"));
  EXPECT_THAT(problem(File(Entry("a", std::string(31, 'x')))), HasSubstr("openssl rand"));
  EXPECT_THAT(problem(File(R"({"id": "a", "secret": "geheim!"})")),
              AllOf(HasSubstr("key a"), Not(HasSubstr("geheim"))));
  std::string six;
  for (int i = 0; i < 6; ++i) {
    absl::StrAppend(&six, i == 0 ? "" : ",", Entry(absl::StrCat("k", i), kOld));
  }
  EXPECT_THAT(problem(File(six)), HasSubstr("1 to 5 keys"));
}

class WatchKeysTest : public ::testing::Test {
 protected:
  ~WatchKeysTest() override { std::remove(path_.c_str()); }

  void Write(const std::string& text, mode_t mode) {
    const std::string aside = path_ + ".new";
    std::ofstream(aside) << text;
    ASSERT_EQ(chmod(aside.c_str(), mode), 0);
    ASSERT_EQ(std::rename(aside.c_str(), path_.c_str()), 0);
  }

  const std::string path_ =
      absl::StrCat(::testing::TempDir(), "/ipt_deliver_keys_", getpid(), ".json");
};

TEST_F(WatchKeysTest, FollowsTheFileAndKeepsTheLastGoodKeys) {
  Write(File(Entry("old", kOld)), 0600);
  ASSERT_OK_AND_ASSIGN(const auto keys, WatchKeys(path_, nullptr));
  Write(File(Entry("old", kOld) + "," + Entry("new", kNew)), 0440);
  EXPECT_OK(keys->CheckNow());
  EXPECT_THAT(keys->current()->ids(), ElementsAre("old", "new"));
  Write("{\"keys\": [{\"id\"", 0600);
  EXPECT_FALSE(keys->CheckNow().ok());
  EXPECT_THAT(keys->current()->ids(), ElementsAre("old", "new"));
  Write(File(Entry("new", kNew)), 0644);
  EXPECT_THAT(std::string(keys->CheckNow().message()), HasSubstr("mode 0644"));
  EXPECT_THAT(keys->current()->ids(), ElementsAre("old", "new"));
  ASSERT_EQ(chmod(path_.c_str(), 0600), 0);
  EXPECT_OK(keys->CheckNow());
  EXPECT_THAT(keys->current()->ids(), ElementsAre("new"));
}

TEST_F(WatchKeysTest, StartsWithNoBadFile) {
  EXPECT_THAT(std::string(WatchKeys(path_, nullptr).status().message()), HasSubstr(path_));
  for (const mode_t open : {0604, 0620, 0644, 0666}) {
    Write(File(Entry("old", kOld)), open);
    EXPECT_THAT(std::string(WatchKeys(path_, nullptr).status().message()), HasSubstr("chmod 600"))
        << open;
  }
}

}  // namespace
}  // namespace ipt::deliver
