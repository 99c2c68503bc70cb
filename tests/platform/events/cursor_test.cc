#include "platform/events/cursor.h"

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt::events {
namespace {

TEST(CursorTest, ComesBackAsItWas) {
  const Cursor cursor{"e1f2", "north-1", 1234567890123};
  const std::string text = WriteCursor(cursor);
  for (const char c : text) EXPECT_TRUE(absl::ascii_isalnum(c) || c == '-' || c == '_');
  const auto read = ReadCursor(text);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, cursor);
}

TEST(CursorTest, WhatIsNoneIsNamed) {
  for (const std::string& text :
       {std::string(), std::string("?"), std::string("abcd"), std::string("clinics/a"),
        absl::WebSafeBase64Escape("1,e,c"), absl::WebSafeBase64Escape("2,e,c,5"),
        absl::WebSafeBase64Escape("1,e,c,-5"), absl::WebSafeBase64Escape("1,e,c,5,"),
        absl::WebSafeBase64Escape("1,e,c,x"), absl::WebSafeBase64Escape("1,e,c, 5"),
        WriteCursor({"e", "c", 5}) + "=", " " + WriteCursor({"e", "c", 5})}) {
    EXPECT_THAT(ReadCursor(text), testing::HasBadFields("cursor")) << text;
  }
}

}  // namespace
}  // namespace ipt::events
