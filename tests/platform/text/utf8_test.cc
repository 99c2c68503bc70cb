#include "platform/text/utf8.h"

#include <string>

#include "gtest/gtest.h"

namespace ipt {
namespace {

TEST(Utf8Test, TextOfEveryLengthOfCharacterIsText) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("plain"));
  EXPECT_TRUE(IsUtf8(std::string(1, '\0')));
  EXPECT_TRUE(IsUtf8("\xc2\x80 \xdf\xbf"));
  EXPECT_TRUE(IsUtf8("\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf"));
  EXPECT_TRUE(IsUtf8("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"));
}

TEST(Utf8Test, OverlongFormsSurrogatesAndWhatIsBeyondTheLastCharacterAreNot) {
  for (const char* bytes : {"\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",  // overlong
                            "\xed\xa0\x80", "\xed\xbf\xbf",  // surrogates
                            "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    EXPECT_FALSE(IsUtf8(bytes));
    EXPECT_FALSE(IsUtf8(std::string("before ") + bytes + " after"));
  }
}

TEST(Utf8Test, CharactersThatEndEarlyOrBeginInTheMiddleAreNot) {
  for (const char* bytes :
       {"\x80", "\xbf", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3(", "\xe2(\xa1"}) {
    EXPECT_FALSE(IsUtf8(bytes));
    EXPECT_FALSE(IsUtf8(std::string(bytes) + "."));
  }
}

}  // namespace
}  // namespace ipt
