#include "platform/cache/redis_url.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace ipt::cache {
namespace {

using ::ipt::testing::StatusIs;

TEST(RedisUrlTest, ReadsAServer) {
  ASSERT_OK_AND_ASSIGN(const RedisUrl url, ParseRedisUrl("redis://app@cache.example:6380/3"));
  ASSERT_EQ(url.addresses.size(), 1u);
  EXPECT_EQ(url.addresses[0].ToString(), "cache.example:6380");
  EXPECT_EQ(url.user, "app");
  EXPECT_EQ(url.db, 3);
  EXPECT_EQ(url.master, "");
  EXPECT_EQ(ParseRedisUrl("redis://localhost")->addresses[0].port, 6379);
  EXPECT_EQ(ParseRedisUrl("redis://localhost/")->db, 0);
  EXPECT_EQ(ParseRedisUrl("redis://[::1]:7000")->addresses[0].host, "::1");
  EXPECT_EQ(ParseRedisUrl("redis://[::1]:7000")->addresses[0].port, 7000);
}

TEST(RedisUrlTest, ReadsASocket) {
  ASSERT_OK_AND_ASSIGN(const RedisUrl url, ParseRedisUrl("unix:///run/redis/socket?db=2"));
  EXPECT_EQ(url.addresses[0].ToString(), "/run/redis/socket");
  EXPECT_EQ(url.db, 2);
}

TEST(RedisUrlTest, ReadsSentinels) {
  ASSERT_OK_AND_ASSIGN(const RedisUrl url, ParseRedisUrl("sentinel://app@a,b:26380/mymaster/1"));
  ASSERT_EQ(url.addresses.size(), 2u);
  EXPECT_EQ(url.addresses[0].ToString(), "a:26379");
  EXPECT_EQ(url.addresses[1].ToString(), "b:26380");
  EXPECT_EQ(url.master, "mymaster");
  EXPECT_EQ(url.user, "app");
  EXPECT_EQ(url.db, 1);
}

TEST(RedisUrlTest, RefusesWhatItCannotUseWithoutRepeatingIt) {
  for (const char* text : {"",
                           "localhost:6379",
                           "http://x",
                           "redis://",
                           "redis://:6379",
                           "redis://h:0",
                           "redis://h:70000",
                           "redis://h:x",
                           "redis://h/x",
                           "redis://h/-1",
                           "redis://h/0/1",
                           "redis://a,b",
                           "redis://[::1",
                           "redis://[::1]x",
                           "unix://relative",
                           "unix:///s?db=x",
                           "sentinel://a",
                           "sentinel://a/",
                           "sentinel://a/m/x",
                           "rediss://h",
                           "redis://user:secret@h"}) {
    const auto url = ParseRedisUrl(text);
    EXPECT_THAT(url, StatusIs(absl::StatusCode::kInvalidArgument)) << text;
    EXPECT_THAT(std::string(url.status().message()),
                ::testing::Not(::testing::HasSubstr("secret")));
  }
  EXPECT_THAT(std::string(ParseRedisUrl("rediss://h").status().message()),
              ::testing::HasSubstr("sidecar"));
}

}  // namespace
}  // namespace ipt::cache
