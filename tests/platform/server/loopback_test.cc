#include "platform/server/loopback.h"

#include "gtest/gtest.h"

namespace ipt::server {
namespace {

TEST(LoopbackTest, KnowsTheAddressesOfThisMachineAlone) {
  for (const char* address : {"127.0.0.1:50051", "127.0.0.1", "127.9.8.7:1", "localhost:50051",
                              "localhost", "[::1]:50051", "[::1]", "::1", "[0:0:0:0:0:0:0:1]:1",
                              "unix:/run/ipt.sock", "unix:///run/ipt.sock"}) {
    EXPECT_TRUE(IsLoopback(address)) << address;
  }
}

TEST(LoopbackTest, TakesAnythingElseForReachable) {
  for (const char* address : {"127.evil.example:1",
                              "127.0.0.1.evil.example:1",
                              "127.1:1",
                              "127.0.0.1x:1",
                              "127.0.0.256:1",
                              "127.0.0.1:1:1",
                              "localhost.evil.example:1",
                              "localhost:1.evil.example:1",
                              "0.0.0.0:50051",
                              "128.0.0.1:1",
                              "[::]:50051",
                              "::",
                              "[::1]evil:1",
                              "[::1].evil.example:1",
                              "[::1",
                              "[::2]:1",
                              "::1:50051",
                              "[127.0.0.1]x:1",
                              "evil.example:1",
                              "dns:///127.evil.example",
                              ":50051",
                              ""}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
}

}  // namespace
}  // namespace ipt::server
