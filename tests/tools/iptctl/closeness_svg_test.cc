#include "iptctl/closeness_svg.h"

#include <cmath>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "tests/tools/iptctl/chart_samples.h"
#include "tests/tools/iptctl/formulation_samples.h"
#include "tests/tools/iptctl/text_boxes.h"
#include "tests/tools/iptctl/xml_elements.h"

namespace ipt::ctl {
namespace {

using samples::AddPerson;
using samples::FullInventory;
using samples::Keep;
using samples::NumberOf;
using samples::Overlapping;
using samples::ReadXml;
using samples::SampleInventory;
using samples::TextBoxes;
using samples::XmlDocument;
using samples::XmlElement;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

namespace f = formulation::v1;

const ClosenessStyle kWide{.narrow = false, .id = "c", .css = true};
const ClosenessStyle kNarrow{.narrow = true, .id = "c", .css = true};

std::string DescriptionOf(const XmlDocument& document) {
  return document.All("desc").front()->text;
}

TEST(ClosenessSvgTest, IsWellFormedAndSaysWhoIsWhereInWords) {
  const std::string svg = ClosenessSvg(SampleInventory(), kWide);
  Keep("closeness.svg", svg);
  Keep("closeness-narrow.svg", ClosenessSvg(SampleInventory(), kNarrow));
  const XmlDocument document = ReadXml(svg);
  EXPECT_EQ(document.error, "");
  EXPECT_THAT(DescriptionOf(document), HasSubstr("In circle 1, the closest: 3; in circle 2: 2; in "
                                                 "circle 3: 3; not placed: 1."));
  EXPECT_THAT(DescriptionOf(document),
              HasSubstr("Father (died): parent, circle 1, the closest, supportive."));
  EXPECT_THAT(DescriptionOf(document), HasSubstr("A., colleague (past)"));
  EXPECT_THAT(DescriptionOf(document), HasSubstr("the choir: neighbour or community, not placed"));
  EXPECT_THAT(svg, HasSubstr("Not placed in a circle"));
}

TEST(ClosenessSvgTest, PutsEachPersonIntoTheirOwnCircle) {
  f::InterpersonalInventory inventory;
  for (int i = 0; i < 60; ++i) {
    AddPerson(inventory, absl::StrCat(i), f::RELATIONSHIP_KIND_FRIEND, i % 3 + 1,
              f::RELATIONSHIP_QUALITY_SUPPORTIVE);
  }
  const XmlDocument document = ReadXml(ClosenessSvg(inventory, kWide));
  const auto rings = document.All("circle", "circle");
  ASSERT_THAT(rings, SizeIs(4));  // three, from the outermost, and the patient's
  const double x = NumberOf(*rings[0], "cx"), y = NumberOf(*rings[0], "cy");
  std::vector<double> radii;
  for (const XmlElement* ring : rings) radii.push_back(NumberOf(*ring, "r"));
  std::vector<int> inside(4);
  for (size_t i = 0; i < document.elements.size(); ++i) {
    const XmlElement& mark = document.elements[i];
    // Those of the legend are in no group.
    if (mark.tag != "circle" || !absl::StrContains(mark.Get("class"), "person") ||
        document.elements[mark.parent].tag != "g") {
      continue;
    }
    const double far = std::hypot(NumberOf(mark, "cx") - x, NumberOf(mark, "cy") - y);
    for (int ring = 0; ring < 3; ++ring) {
      if (far < radii[ring] && far > radii[ring + 1]) {
        ++inside[3 - ring];
        EXPECT_GT(radii[ring] - far, 6) << "on the line";
      }
    }
  }
  EXPECT_THAT(inside, ::testing::ElementsAre(0, 20, 20, 20));
}

TEST(ClosenessSvgTest, NoNameAndNoMarkLiesOverAnother) {
  for (const ClosenessStyle& style : {kWide, kNarrow}) {
    for (const f::InterpersonalInventory& inventory : {SampleInventory(), FullInventory()}) {
      const XmlDocument document = ReadXml(ClosenessSvg(inventory, style));
      ASSERT_EQ(document.error, "");
      const auto names = TextBoxes(document, "name");
      EXPECT_THAT(names, SizeIs(inventory.relationships_size()));
      EXPECT_EQ(Overlapping(names), "");
      const double width = NumberOf(document.elements.front(), "width");
      const double height = NumberOf(document.elements.front(), "height");
      for (const auto& name : names) {
        EXPECT_GE(name.left, 0) << name.text;
        EXPECT_LE(name.right, width) << name.text;
        EXPECT_LE(name.bottom, height) << name.text;
      }
      std::vector<std::pair<double, double>> marks;
      for (const XmlElement* mark : document.All("circle", "person")) {
        marks.emplace_back(NumberOf(*mark, "cx"), NumberOf(*mark, "cy"));
      }
      for (size_t i = 0; i < marks.size(); ++i) {
        for (size_t j = i + 1; j < marks.size(); ++j) {
          EXPECT_GT(std::hypot(marks[i].first - marks[j].first, marks[i].second - marks[j].second),
                    11);
        }
      }
    }
  }
  Keep("closeness-full.svg", ClosenessSvg(FullInventory(), kWide));
  Keep("closeness-full-narrow.svg", ClosenessSvg(FullInventory(), kNarrow));
}

TEST(ClosenessSvgTest, HoldsAHundredInOneCircle) {
  f::InterpersonalInventory inventory;
  for (int i = 0; i < 100; ++i) {
    AddPerson(inventory, absl::StrCat("P", i), f::RELATIONSHIP_KIND_FRIEND, 1,
              f::RELATIONSHIP_QUALITY_SUPPORTIVE);
  }
  const XmlDocument document = ReadXml(ClosenessSvg(inventory, kWide));
  EXPECT_EQ(document.error, "");
  EXPECT_EQ(Overlapping(TextBoxes(document, "name")), "");
}

TEST(ClosenessSvgTest, TellsQualitiesByShapeAsWellAsByColour) {
  const XmlDocument document = ReadXml(ClosenessSvg(SampleInventory(), kWide));
  EXPECT_THAT(document.All("path", "conflictual"), SizeIs(3));  // line, mark, legend
  EXPECT_THAT(document.All("circle", "supportive"), SizeIs(5));
  EXPECT_THAT(document.All("rect", "unstated"), SizeIs(2));
  std::set<std::string> shapes;
  for (const char* css : {"conflictual", "mixed", "estranged"}) {
    const std::string d = document.All("path", css).back()->Get("d");
    std::string commands;
    for (const char c : d) {
      if (c >= 'A' && c <= 'Z') commands += c;
    }
    shapes.insert(commands);
  }
  EXPECT_THAT(shapes, SizeIs(3));
}

TEST(ClosenessSvgTest, HostileNamesStayNames) {
  f::InterpersonalInventory inventory;
  AddPerson(inventory, samples::kHostile, f::RELATIONSHIP_KIND_FRIEND, 1,
            f::RELATIONSHIP_QUALITY_MIXED);
  AddPerson(inventory, samples::kHostile, f::RELATIONSHIP_KIND_FRIEND, 0,
            static_cast<f::RelationshipQuality>(99));
  for (const ClosenessStyle& style : {kWide, kNarrow}) {
    const std::string svg = ClosenessSvg(inventory, style);
    EXPECT_EQ(ReadXml(svg).error, "");
    EXPECT_THAT(svg, Not(HasSubstr("<script")));
  }
}

TEST(ClosenessSvgTest, NobodyIsNoTrouble) {
  EXPECT_EQ(ReadXml(ClosenessSvg({}, kWide)).error, "");
  EXPECT_EQ(ReadXml(ClosenessSvg({}, kNarrow)).error, "");
}

}  // namespace
}  // namespace ipt::ctl
