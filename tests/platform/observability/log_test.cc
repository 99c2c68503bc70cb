#include "platform/observability/log.h"

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "platform/observability/trace_context.h"

namespace ipt::log {
namespace {

TEST(LogTest, ALineIsOneJsonObject) {
  const std::string line = Format(
      Level::kWarning, "call",
      {{Key::kMethod, "/x/Get"}, {Key::kLatencyMs, 1.25}, {Key::kSlow, true}, {Key::kCount, 7}},
      1'800'000'000'000'001);
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json["time"], "2027-01-15T08:00:00.000001Z");
  EXPECT_EQ(json["level"], "warning");
  EXPECT_EQ(json["event"], "call");
  EXPECT_EQ(json["method"], "/x/Get");
  EXPECT_EQ(json["latency_ms"], 1.25);
  EXPECT_EQ(json["slow"], true);
  EXPECT_EQ(json["count"], 7);
}

TEST(LogTest, ValuesCannotBreakOutOfTheirLine) {
  const std::string hostile = "a\"},{\"level\":\"x\n\r\t\\\x01\x7f";
  const std::string line = Format(Level::kInfo, "call", {{Key::kCaller, hostile}}, 0);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(line)["caller"], hostile);
}

TEST(LogTest, EmptyTextsAreLeftOut) {
  const auto json = nlohmann::json::parse(Format(Level::kInfo, "call", {{Key::kReason, ""}}, 0));
  EXPECT_FALSE(json.contains("reason"));
}

TEST(LogTest, ALineSaysTheTraceThatItsThreadWorksFor) {
  const TraceContext trace{std::string(32, 'a'), std::string(16, 'b'), std::string(16, 'c'), false,
                           ""};
  const auto line = [] {
    return nlohmann::json::parse(Format(Level::kInfo, "call", {{Key::kMethod, "/x/Get"}}, 0));
  };
  {
    const TraceScope scope(&trace);
    EXPECT_EQ(line()["trace_id"], trace.trace_id);
    EXPECT_EQ(line()["parent_span_id"], trace.parent_id);
    EXPECT_EQ(line()["span_id"], trace.span_id);
    {
      const TraceScope none(nullptr);
      EXPECT_FALSE(line().contains("trace_id"));
    }
    EXPECT_TRUE(line().contains("trace_id"));
  }
  EXPECT_FALSE(line().contains("trace_id"));
}

}  // namespace
}  // namespace ipt::log
