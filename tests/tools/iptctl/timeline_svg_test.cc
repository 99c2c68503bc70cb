#include "iptctl/timeline_svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/iptctl/chart_samples.h"
#include "tests/tools/iptctl/formulation_samples.h"
#include "tests/tools/iptctl/text_boxes.h"
#include "tests/tools/iptctl/xml_elements.h"

namespace ipt::ctl {
namespace {

using samples::AddEvent;
using samples::FullInventory;
using samples::Keep;
using samples::NumberOf;
using samples::Overlapping;
using samples::ReadXml;
using samples::SampleInventory;
using samples::SetDate;
using samples::TextBoxes;
using samples::XmlDocument;
using samples::XmlElement;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

namespace f = formulation::v1;

constexpr absl::CivilDay kToday(2026, 11, 29);
const TimelineStyle kWide{.width = 960, .id = "t", .css = true};
const TimelineStyle kNarrow{.width = 350, .id = "t", .css = true};

// The bars that stand for spans, but the legend's.
std::vector<const XmlElement*> Spans(const XmlDocument& document, const char* css = "spanned") {
  std::vector<const XmlElement*> spans;
  for (const XmlElement* rect : document.All("rect", css)) {
    if (document.elements[rect->parent].tag == "g") spans.push_back(rect);
  }
  return spans;
}

TEST(TimelineSvgTest, DrawsWhatHappenedAgainstTheSymptoms) {
  const std::string svg = TimelineSvg(SampleInventory(), kToday, kWide);
  Keep("timeline.svg", svg);
  Keep("timeline-narrow.svg", TimelineSvg(SampleInventory(), kToday, kNarrow));
  const XmlDocument document = ReadXml(svg);
  EXPECT_EQ(document.error, "");
  const std::string words = document.All("desc").front()->text;
  EXPECT_THAT(words, HasSubstr("Death of father: loss by death, 12 Mar 2026, impact on mood -5."));
  EXPECT_THAT(words, HasSubstr("Quarrel with T. about the house: dispute, about Jun 2026."));
  EXPECT_THAT(words, HasSubstr("Sertraline: treatment, since 20 Jul 2026."));
  EXPECT_THAT(words, HasSubstr("episode, 2009 to May 2010."));
  EXPECT_THAT(words, Not(HasSubstr("does not know when")));
  // The onset goes through both halves.
  EXPECT_THAT(document.All("line", "cut"), SizeIs(2));
}

TEST(TimelineSvgTest, DrawsAYearAndAMonthAsSpansInProportion) {
  f::InterpersonalInventory inventory;
  AddEvent(inventory, "year", f::LIFE_EVENT_KIND_OTHER, 2025);
  AddEvent(inventory, "month", f::LIFE_EVENT_KIND_OTHER, 2025, 11);
  AddEvent(inventory, "day", f::LIFE_EVENT_KIND_OTHER, 2026, 3, 12);
  const XmlDocument document = ReadXml(TimelineSvg(inventory, kToday, kWide));
  const auto spans = Spans(document);
  ASSERT_THAT(spans, SizeIs(2));
  EXPECT_NEAR(NumberOf(*spans[0], "width") / NumberOf(*spans[1], "width"), 365.0 / 30, 0.2);
}

TEST(TimelineSvgTest, TellsWhatIsCertainFromWhatMayBe) {
  f::InterpersonalInventory inventory;
  f::LifeEvent& lasted = AddEvent(inventory, "lasted", f::LIFE_EVENT_KIND_EPISODE, 2024);
  SetDate(lasted.mutable_end_date()->mutable_date(), 2026);
  f::LifeEvent& within = AddEvent(inventory, "within", f::LIFE_EVENT_KIND_EPISODE, 2025);
  SetDate(within.mutable_end_date()->mutable_date(), 2025);
  const XmlDocument document = ReadXml(TimelineSvg(inventory, kToday, kWide));
  EXPECT_THAT(Spans(document), SizeIs(2));
  const auto certain = Spans(document, "lasting");
  ASSERT_THAT(certain, SizeIs(1));
  EXPECT_LT(NumberOf(*certain[0], "width"), NumberOf(*Spans(document)[0], "width"));
}

TEST(TimelineSvgTest, NoWordsLieOverAnother) {
  for (const TimelineStyle& style : {kWide, kNarrow}) {
    for (const f::InterpersonalInventory& inventory : {SampleInventory(), FullInventory()}) {
      const XmlDocument document = ReadXml(TimelineSvg(inventory, kToday, style));
      ASSERT_EQ(document.error, "");
      const auto names = TextBoxes(document, "name");
      EXPECT_THAT(names, Not(IsEmpty()));
      EXPECT_EQ(Overlapping(names), "");
      for (const auto& name : names) {
        EXPECT_GE(name.left, 0) << name.text;
        EXPECT_LE(name.right, style.width) << name.text;
      }
    }
  }
  Keep("timeline-full.svg", TimelineSvg(FullInventory(), kToday, kWide));
}

TEST(TimelineSvgTest, LongAgoIsDrawnCloserAndSaysSo) {
  const std::string svg = TimelineSvg(SampleInventory(), kToday, kWide);
  EXPECT_THAT(svg, HasSubstr("Years left of the double line"));
  f::InterpersonalInventory recent;
  AddEvent(recent, "onset", f::LIFE_EVENT_KIND_SYMPTOM_ONSET, 2026, 4);
  AddEvent(recent, "move", f::LIFE_EVENT_KIND_ROLE_CHANGE, 2026, 2);
  EXPECT_THAT(TimelineSvg(recent, kToday, kWide), Not(HasSubstr("double line")));
}

TEST(TimelineSvgTest, WithoutADateThereIsNoPicture) {
  f::InterpersonalInventory inventory;
  EXPECT_EQ(TimelineSvg(inventory, kToday, kWide), "");
  AddEvent(inventory, "some day", f::LIFE_EVENT_KIND_OTHER, 0);
  EXPECT_EQ(TimelineSvg(inventory, kToday, kWide), "");
}

TEST(TimelineSvgTest, OddDatesAndHostileWordsAreDrawn) {
  f::InterpersonalInventory inventory;
  AddEvent(inventory, samples::kHostile, f::LIFE_EVENT_KIND_LOSS_BY_DEATH, 1);
  AddEvent(inventory, "due", f::LIFE_EVENT_KIND_ROLE_CHANGE, 9999, 12, 31).set_ongoing(true);
  AddEvent(inventory, "new", static_cast<f::LifeEventKind>(77), 2026);
  f::LifeEvent& turned = AddEvent(inventory, "turned", f::LIFE_EVENT_KIND_EPISODE, 2026);
  SetDate(turned.mutable_end_date()->mutable_date(), 2020, 1, 1);
  const std::string svg = TimelineSvg(inventory, kToday, kWide);
  EXPECT_EQ(ReadXml(svg).error, "");
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(svg, Not(HasSubstr("\"?\"")));
}

}  // namespace
}  // namespace ipt::ctl
