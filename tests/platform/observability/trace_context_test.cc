#include "platform/observability/trace_context.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace ipt {
namespace {

constexpr char kTraceId[] = "0af7651916cd43dd8448eb211c80319c";
constexpr char kParentId[] = "b7ad6b7169203331";

std::string Parent(absl::string_view version, absl::string_view trace, absl::string_view span,
                   absl::string_view flags) {
  return absl::StrCat(version, "-", trace, "-", span, "-", flags);
}

TEST(TraceContextTest, ReadsWhatTheStandardWrites) {
  const auto read = ReadTraceContext(Parent("00", kTraceId, kParentId, "01"), "congo=t61rcWkgMzE");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->trace_id, kTraceId);
  EXPECT_EQ(read->parent_id, kParentId);
  EXPECT_TRUE(read->sampled);
  EXPECT_EQ(read->state, "congo=t61rcWkgMzE");
  EXPECT_EQ(TraceParent(*read), Parent("00", kTraceId, read->span_id, "01"));
}

TEST(TraceContextTest, EachCallIsASpanOfItsOwn) {
  const std::string parent = Parent("00", kTraceId, kParentId, "00");
  const auto one = ReadTraceContext(parent, "");
  const auto two = ReadTraceContext(parent, "");
  ASSERT_TRUE(one.has_value() && two.has_value());
  EXPECT_NE(one->span_id, two->span_id);
  EXPECT_FALSE(one->sampled);
  // What it hands on can be read again.
  EXPECT_TRUE(ReadTraceContext(TraceParent(*one), "").has_value());
}

TEST(TraceContextTest, OfTheFlagsOnlyTheLastBitMeansSampled) {
  for (const auto& [flags, sampled] :
       {std::pair{"02", false}, {"03", true}, {"fe", false}, {"ff", true}}) {
    const auto read = ReadTraceContext(Parent("00", kTraceId, kParentId, flags), "");
    ASSERT_TRUE(read.has_value()) << flags;
    EXPECT_EQ(read->sampled, sampled) << flags;
  }
}

TEST(TraceContextTest, WhatIsNotOfTheStandardIsNoTrace) {
  const std::string good = Parent("00", kTraceId, kParentId, "01");
  const std::string upper = "0AF7651916CD43DD8448EB211C80319C";
  for (const std::string& wrong :
       {std::string(), good.substr(1), good.substr(0, good.size() - 1), good + "-", good + "-more",
        good + "0", Parent("ff", kTraceId, kParentId, "01"),
        Parent("0x", kTraceId, kParentId, "01"), Parent("00", upper, kParentId, "01"),
        Parent("00", std::string(32, '0'), kParentId, "01"),
        Parent("00", kTraceId, std::string(16, '0'), "01"),
        Parent("00", kTraceId, "b7ad6b716920333\"", "01"), Parent("00", kTraceId, kParentId, "0G"),
        std::string(good.size(), '-')}) {
    EXPECT_FALSE(ReadTraceContext(wrong, "").has_value()) << wrong;
  }
  std::string dashes = good;
  for (const size_t at : {2, 35, 52}) {
    dashes[at] = '0';
    EXPECT_FALSE(ReadTraceContext(dashes, "").has_value()) << dashes;
    dashes = good;
  }
}

TEST(TraceContextTest, ALaterVersionMaySayMore) {
  const std::string later = Parent("01", kTraceId, kParentId, "01");
  EXPECT_TRUE(ReadTraceContext(later, "").has_value());
  EXPECT_TRUE(ReadTraceContext(later + "-more", "").has_value());
  EXPECT_FALSE(ReadTraceContext(later + ".more", "").has_value());
}

TEST(TraceContextTest, AStateThatCannotBeHandedOnIsLeftOutAlone) {
  const std::string good = Parent("00", kTraceId, kParentId, "01");
  EXPECT_EQ(ReadTraceContext(good, std::string(512, 'a'))->state.size(), 512u);
  EXPECT_EQ(ReadTraceContext(good, std::string(513, 'a'))->state, "");
  EXPECT_EQ(ReadTraceContext(good, "a\nb")->state, "");
}

}  // namespace
}  // namespace ipt
