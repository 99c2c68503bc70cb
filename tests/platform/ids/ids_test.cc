#include "platform/ids/ids.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace ipt {
namespace {

TEST(IdsTest, AcceptsLowerCaseLettersDigitsAndDashes) {
  EXPECT_TRUE(IsValidId("a"));
  EXPECT_TRUE(IsValidId("0"));
  EXPECT_TRUE(IsValidId("north-clinic-2"));
  EXPECT_TRUE(IsValidId(std::string(63, 'x')));
}

TEST(IdsTest, RefusesEverythingElse) {
  for (const char* bad : {"", "-a", "A", "a_b", "a/b", "a b", "é", "-"}) {
    EXPECT_FALSE(IsValidId(bad)) << bad;
  }
  EXPECT_FALSE(IsValidId(std::string(64, 'x')));
}

TEST(IdsTest, MakesVersion4Uuids) {
  RandomIdSource ids;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string uuid = ids.NewUuid();
    EXPECT_TRUE(IsUuid(uuid)) << uuid;
    EXPECT_TRUE(IsValidId(uuid)) << uuid;
    EXPECT_EQ(uuid[14], '4');
    EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos);
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

TEST(IdsTest, TellsUuidsFromOthers) {
  EXPECT_TRUE(IsUuid("6F9619FF-8B86-D011-B42D-00C04FC964FF"));
  EXPECT_FALSE(IsUuid("6F9619FF8B86D011B42D00C04FC964FF"));
  EXPECT_FALSE(IsUuid("6F9619FF-8B86-D011-B42D-00C04FC964FG"));
  EXPECT_FALSE(IsUuid(""));
}

}  // namespace
}  // namespace ipt
