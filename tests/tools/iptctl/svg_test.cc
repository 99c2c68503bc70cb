#include "iptctl/svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "iptctl/text.h"
#include "tests/tools/iptctl/xml_elements.h"

namespace ipt::ctl {
namespace {

TEST(SvgTest, EscapesTextAndAttributes) {
  Markup out;
  out.Open("a", {{"b", "\"<&>'"}});
  out.Text("<&>\"'\n\x02");
  EXPECT_EQ(out.Finish(), "<a b=\"&quot;&lt;&amp;&gt;&#39;\">&lt;&amp;&gt;&quot;&#39;  </a>\n");
}

TEST(SvgTest, TakesNoCharacterThatXmlForbidsOrThatTurnsText) {
  EXPECT_EQ(XmlText("a\xE2\x80\xAE"
                    "b\xE2\x81\xA6"
                    "c\xEF\xBF\xBF"
                    "d\xC2\x85"
                    "e\xE2\x80\xA8"),
            "a b c d e ");
  EXPECT_EQ(XmlText("Zoë – 测试 …"), "Zoë – 测试 …");
}

TEST(SvgTest, WritesShortNumbers) {
  EXPECT_EQ(ShortNumber(12, 1), "12");
  EXPECT_EQ(ShortNumber(12.25, 1), "12.2");
  EXPECT_EQ(ShortNumber(-0.001, 1), "0");
  EXPECT_EQ(ShortNumber(100, 0), "100");
  EXPECT_EQ(ShortNumber(0.5, 3), "0.5");
}

TEST(SvgTest, ClipsToAWidth) {
  EXPECT_EQ(ClipToWidth("short", 100, 12), "short");
  const std::string cut = ClipToWidth("a rather long name for a band", 60, 12);
  EXPECT_LE(TextWidth(cut, 12), 66);
  EXPECT_THAT(cut, ::testing::EndsWith("…"));
  // Between characters, never within one.
  EXPECT_EQ(ClipToWidth("测试测试", 30, 12), "测…");
}

TEST(SvgTest, IsReadAsStrictlyAsItMust) {
  for (const char* bad : {"<a>", "<a></b>", "<a b=1/>", "<a>&nbsp;</a>", "<a>&</a>", "<a/><b/>",
                          "<a b=\"<\"/>", "<a b=\"1\" b=\"2\"/>", "", "<a>\x01</a>"}) {
    EXPECT_NE(samples::ReadXml(bad).error, "") << bad;
  }
  EXPECT_EQ(samples::ReadXml("<a b=\"1\">x<c/>y</a>").error, "");
}

}  // namespace
}  // namespace ipt::ctl
