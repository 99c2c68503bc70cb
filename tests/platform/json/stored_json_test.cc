#include "platform/json/stored_json.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt {
namespace {

using ipt::testing::StatusIs;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(StoredJsonTest, BytesThatAreNoUtf8AreReplaced) {
  const std::string text = DumpStored(json{{"note", "caf\xe9"}, {"of", json::array({1, 2})}});
  EXPECT_EQ(text, "{\"note\":\"caf\xef\xbf\xbd\",\"of\":[1,2]}");
  EXPECT_EQ(DumpStored(ParseStored(text)), text);
}

TEST(StoredJsonTest, WhatIsNoJsonIsDiscarded) {
  for (const char* text : {"", "{", "nothing", "[1,]", "{} {}"}) {
    EXPECT_TRUE(ParseStored(text).is_discarded()) << text;
  }
  EXPECT_FALSE(ParseStored("null").is_discarded());
}

// The text itself may be what a patient said.
TEST(StoredJsonTest, WhatCannotBeReadIsNamedAndNotShown) {
  const auto read = [](absl::string_view text) {
    int number = 0;
    absl::Status status =
        ReadStored(text, "course", [&](const json& value) { value.at("number").get_to(number); });
    EXPECT_EQ(number, status.ok() ? 7 : 0);
    return status;
  };
  EXPECT_OK(read(R"({"number":7})"));
  for (const char* text :
       {R"({"number":"secret"})", R"({"secret":7})", R"({"number":7,"secret")", ""}) {
    const absl::Status status = read(text);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal));
    EXPECT_THAT(std::string(status.message()), HasSubstr("a stored course cannot be read"));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace ipt
