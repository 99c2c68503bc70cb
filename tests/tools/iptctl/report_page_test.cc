#include "iptctl/report_page.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "iptctl/whisker_svg.h"
#include "tests/tools/iptctl/chart_samples.h"
#include "tests/tools/iptctl/xml_elements.h"

namespace ipt::ctl {
namespace {

namespace o = outcomes::v1;
using samples::AddBenchmark;
using samples::Keep;
using samples::ReadXml;
using samples::SampleReport;
using samples::XmlDocument;
using samples::XmlElement;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// The text of a row's tooltip in the first drawing with that title.
std::string RowsOf(const XmlDocument& document, const std::string& title) {
  for (size_t i = 0; i < document.elements.size(); ++i) {
    const XmlElement& svg = document.elements[i];
    if (svg.tag != "svg") continue;
    bool named = false;
    for (const XmlElement& element : document.elements) {
      if (element.parent != static_cast<int>(i)) continue;
      if (element.tag == "title") named = element.text == title;
      if (named && element.tag == "desc") return element.text;
    }
  }
  return "";
}

size_t PlaceOf(const std::string& page, const char* text) {
  const size_t place = page.find(text);
  EXPECT_NE(place, std::string::npos) << text;
  return place;
}

TEST(ReportPageTest, IsWellFormedWholeAndInOrder) {
  const std::string page = ReportPage(SampleReport());
  Keep("report.html", page);
  EXPECT_EQ(ReadXml(page).error, "");
  for (const char* word : {"<script", "<img", "<link", "src=", "href=", "@import"}) {
    EXPECT_THAT(page, Not(HasSubstr(word)));
  }
  size_t last = 0;
  for (const char* heading :
       {"<h1>Outcomes of clinics/north", "To mind", "Paired data are under 90 %", "<h2>Paired data",
        "<h2>In short", "<h2>What became of the courses", "<h2>Recovery over both measures",
        "<h2>PHQ-9", "<h2>GAD-7", "<h2>How sessions were kept", "<h2>Published results",
        "<h2>All numbers", "<h2>What is not shown, and why", "<h2>What the words mean",
        "<footer>"}) {
    const size_t place = PlaceOf(page, heading);
    EXPECT_GT(place, last) << heading;
    last = place;
  }
  EXPECT_THAT(page, HasSubstr("closed from 2026-01-01 to 2026-06-30."));
  EXPECT_THAT(page, HasSubstr("a drop-out is: ended without agreement"));
  EXPECT_THAT(page, HasSubstr("Under 90 %: who left without a last score may have done worse."));
}

TEST(ReportPageTest, StatesBothNumbersAndTheInterval) {
  const XmlDocument document = ReadXml(ReportPage(SampleReport()));
  const std::string recovered = RowsOf(document, "Recovered");
  EXPECT_THAT(recovered, HasSubstr("All courses: 51 %, 49 of 96"));
  EXPECT_THAT(recovered, HasSubstr("Ana Ortiz: "));
  std::vector<std::string> cells;
  for (const XmlElement* cell : document.All("td")) cells.push_back(cell->text);
  EXPECT_THAT(cells, ::testing::Contains("51 % (49 of 96; 41 to 61 %)"));
  EXPECT_THAT(cells, ::testing::Contains("16.2 (5.4)"));
}

TEST(ReportPageTest, MarksWhatIsSuppressedWithWhyAndShowsNothingOfIt) {
  const XmlDocument document = ReadXml(ReportPage(SampleReport()));
  const std::string recovered = RowsOf(document, "Recovered");
  EXPECT_THAT(recovered, HasSubstr("Dai Evans: not shown: too few"));
  EXPECT_THAT(recovered, HasSubstr("Eira Rhys: not shown: would tell a small one"));
  EXPECT_THAT(RowsOf(document, "Reliably deteriorated"),
              HasSubstr("Cerys <b>Price</b> & Co: not shown: too few"));
  EXPECT_THAT(RowsOf(document, "Effect size, first to last (d)"),
              HasSubstr("Dai Evans: not shown: too few"));
  // No mark is drawn in such a row.
  for (size_t i = 0; i < document.elements.size(); ++i) {
    if (document.elements[i].Get("class") != "row missing") continue;
    for (const XmlElement& element : document.elements) {
      if (element.parent != static_cast<int>(i)) continue;
      EXPECT_TRUE(element.tag == "title" || element.tag == "text") << element.tag;
    }
  }
  // Their lines in the tables have no number.
  for (const XmlElement* heading : document.All("th")) {
    if (heading->text != "Dai Evans" && heading->text != "Eira Rhys") continue;
    for (const XmlElement& cell : document.elements) {
      if (cell.parent == heading->parent && cell.tag == "td") {
        EXPECT_THAT(cell.text, HasSubstr("not shown")) << heading->text;
      }
    }
  }
}

TEST(ReportPageTest, ZeroIsNoSuppressedNumber) {
  o::ClinicReport report = SampleReport();
  samples::Count(report.mutable_rows(0)->mutable_recovery()->mutable_reliably_deteriorated(), 0,
                 30);
  EXPECT_THAT(RowsOf(ReadXml(ReportPage(report)), "Reliably deteriorated"),
              HasSubstr("All courses: 0 %, 0 of 30"));
}

TEST(ReportPageTest, HoldsPublishedResultsBesideTheirOwnKindOnly) {
  const XmlDocument document = ReadXml(ReportPage(SampleReport()));
  const std::string effect = RowsOf(document, "Effect size, first to last (d)");
  EXPECT_THAT(effect, HasSubstr("BDI-II, pre-post, intention to treat: 1.26"));
  EXPECT_THAT(effect, Not(HasSubstr("control groups")));
  EXPECT_THAT(effect, Not(HasSubstr("drop-out")));
  EXPECT_THAT(RowsOf(document, "Dropped out"),
              HasSubstr("drop-out, all disorders: 20.6 % (17 to 24 %)"));
  EXPECT_THAT(RowsOf(document, "Recovered"), HasSubstr("recovery, of finished courses"));
  EXPECT_THAT(RowsOf(document, "Reliably improved"), Not(HasSubstr("recovery, of finished")));
  const std::string orientation = RowsOf(document, "For orientation only");
  EXPECT_THAT(orientation, HasSubstr("IPT against control groups, d: 0.63 (0.36 to 0.9)"));
  EXPECT_THAT(orientation, Not(HasSubstr("pre-post")));
  // Each with its caution.
  const std::string page = ReportPage(SampleReport());
  for (const char* id : {"va-2014", "linardon-2019", "cuijpers-2011", "nhs-target"}) {
    EXPECT_THAT(page, HasSubstr(absl::StrCat("Mind the population of ", id, ".")));
  }
}

TEST(ReportPageTest, WhatIsNotSaidToBeOfTheSameKindIsNotHeldToBe) {
  o::ClinicReport report = SampleReport();
  report.clear_benchmarks();
  AddBenchmark(&report, "x", "pre-post d of a trial", 0.9, o::COMPARABILITY_UNSPECIFIED);
  const XmlDocument document = ReadXml(ReportPage(report));
  EXPECT_THAT(RowsOf(document, "Effect size, first to last (d)"), Not(HasSubstr("trial")));
  EXPECT_THAT(ReportPage(report), HasSubstr("pre-post d of a trial"));
}

TEST(ReportPageTest, HoldsAnEffectOnDepressionBesideThoseOfDepressionOnly) {
  o::ClinicReport report = SampleReport();
  const auto drawn = [&report] {
    const XmlDocument document = ReadXml(ReportPage(report));
    const auto texts = document.All("desc");
    return std::count_if(texts.begin(), texts.end(), [](const XmlElement* desc) {
      return absl::StrContains(desc->text, "BDI-II, pre-post, intention to treat: 1.26");
    });
  };
  EXPECT_GT(drawn(), 0);
  report.set_depression_instrument("clinics/north/instruments/ces-d");
  EXPECT_EQ(drawn(), 0);
}

TEST(ReportPageTest, SaysWhatChangesAreCountedOf) {
  o::ClinicReport report = SampleReport();
  EXPECT_THAT(ReportPage(report), HasSubstr(" pairs"));
  EXPECT_THAT(ReportPage(report), HasSubstr("of the finished but those known to be no case"));
  report.mutable_query()->set_population(o::REPORT_POPULATION_CARRIED_FORWARD);
  const std::string page = ReportPage(report);
  EXPECT_THAT(RowsOf(ReadXml(page), "Effect size, first to last (d)"), HasSubstr(", 106 courses"));
  EXPECT_THAT(page, HasSubstr("at last, of all with a first score"));
  // Recovery is of pairs whatever the population is.
  EXPECT_THAT(page, HasSubstr("Recovered, of the pairs"));
}

TEST(ReportPageTest, AReportWithoutCoursesSaysSo) {
  o::ClinicReport report;
  report.set_clinic("clinics/north");
  const std::string page = ReportPage(report);
  EXPECT_EQ(ReadXml(page).error, "");
  EXPECT_THAT(page, HasSubstr("The period has no courses."));
}

TEST(ReportPageTest, AReportOfNothingButSuppressedRowsIsDrawn) {
  o::ClinicReport report = SampleReport();
  for (o::ReportRow& row : *report.mutable_rows()) {
    const std::string name = row.display_name();
    row.Clear();
    row.set_display_name(name);
    row.set_suppression(o::SUPPRESSION_SMALL);
  }
  const std::string page = ReportPage(report);
  Keep("report-suppressed.html", page);
  EXPECT_EQ(ReadXml(page).error, "");
  EXPECT_THAT(page, HasSubstr("not shown: too few"));
  EXPECT_THAT(page, Not(HasSubstr("class=\"dot\"")));
}

TEST(WhiskerSvgTest, PutsDotsAndWhiskersInProportion) {
  WhiskerPanel panel;
  panel.title = "Shares";
  panel.percent = true;
  panel.rows.push_back({"none", 0.0, 0.0, 0.25, "0 %", "", false, true});
  panel.rows.push_back({"half", 0.5, 0.25, 0.75, "50 %", "", false, false});
  panel.rows.push_back({"all", 1.0, 0.75, 1.0, "100 %", "", false, false});
  const XmlDocument document = ReadXml(WhiskerSvg(panel, 470, "x"));
  EXPECT_EQ(document.error, "");
  const auto dots = document.All("circle", "dot");
  ASSERT_THAT(dots, SizeIs(3));
  std::vector<double> x;
  for (const XmlElement* dot : dots) {
    double value = 0;
    ASSERT_TRUE(absl::SimpleAtod(dot->Get("cx"), &value));
    x.push_back(value);
  }
  EXPECT_NEAR(x[1], (x[0] + x[2]) / 2, 0.15);
  // Of "half": a whisker and its two ends.
  const auto whiskers = document.All("line", "whisker");
  ASSERT_THAT(whiskers, SizeIs(9));
  double low = 0, high = 0;
  ASSERT_TRUE(absl::SimpleAtod(whiskers[3]->Get("x1"), &low));
  ASSERT_TRUE(absl::SimpleAtod(whiskers[3]->Get("x2"), &high));
  EXPECT_NEAR(low, x[0] + (x[2] - x[0]) / 4, 0.15);
  EXPECT_NEAR(high, x[0] + (x[2] - x[0]) * 3 / 4, 0.15);
}

TEST(WhiskerSvgTest, ShowsEffectsBelowZero) {
  WhiskerPanel panel;
  panel.rows.push_back({"worse", -0.4, -0.9, 0.1, "-0.4", "", false, true});
  const XmlDocument document = ReadXml(WhiskerSvg(panel, 960, "x"));
  EXPECT_EQ(document.error, "");
  ASSERT_THAT(document.All("circle", "dot"), SizeIs(1));
  EXPECT_THAT(document.All("line", "axis"), SizeIs(1)) << "the line of no effect";
}

}  // namespace
}  // namespace ipt::ctl
