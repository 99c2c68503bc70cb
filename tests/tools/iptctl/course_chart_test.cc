// What a course's chart shows, and that the terminal, the picture and the page show it truly.
#include "iptctl/course_chart.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "iptctl/chart_page.h"
#include "iptctl/chart_svg.h"
#include "iptctl/chart_text.h"
#include "tests/tools/iptctl/chart_samples.h"
#include "tests/tools/iptctl/text_boxes.h"
#include "tests/tools/iptctl/xml_elements.h"

namespace ipt::ctl {
namespace {

using samples::FullCourse;
using samples::Keep;
using samples::LongCourse;
using samples::NumberOf;
using samples::Overlapping;
using samples::ReadXml;
using samples::SampleCourse;
using samples::TextBoxes;
using samples::XmlDocument;
using samples::XmlElement;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// The titles of an SVG's marks.
std::vector<std::string> TitlesOf(const XmlDocument& document) {
  std::vector<std::string> titles;
  for (const XmlElement* title : document.All("title")) titles.push_back(title->text);
  return titles;
}

// Elements that no page may have if it is whole by itself.
void ExpectSelfContained(const std::string& text) {
  for (const char* word : {"<script", "<img", "<link", "<iframe", "<image", "@import",
                           "src=", "href=", "url(http", "onload", "javascript:"}) {
    EXPECT_FALSE(absl::StrContains(text, word)) << word;
  }
}

std::string Draw(const SampleCourse& course, int width = 100, bool ascii = false) {
  ChartTextStyle style;
  style.width = width;
  style.ascii = ascii;
  return ChartText(PlanChart(course.facts), style);
}

TEST(CourseChartTest, PlacesScoresByTheirLocalInstant) {
  SampleCourse course;
  course.Course(16, 2);
  course.Score(course.Phq9(), 0, 18);
  const CourseChart chart = PlanChart(course.facts);
  // Noon of 2026-08-05, 20670 days after 1970-01-01.
  ASSERT_THAT(chart.series, SizeIs(1));
  EXPECT_DOUBLE_EQ(chart.series[0].points[0].at, 20670.5);
  EXPECT_EQ(chart.series[0].points[0].date, "2026-08-05");
  EXPECT_LT(chart.first, 20670.5);
  EXPECT_GT(chart.last, 20670 + 16 * 7);  // the deadline is on the axis
}

TEST(CourseChartTest, SaysWhichScoresAreFirstAndLastAndWhatCameOfThem) {
  const CourseChart chart = PlanChart(FullCourse().facts);
  const ChartSeries& phq = chart.series[0];
  const auto first = std::find_if(phq.points.begin(), phq.points.end(),
                                  [](const ChartPoint& point) { return point.first; });
  const auto last = std::find_if(phq.points.begin(), phq.points.end(),
                                 [](const ChartPoint& point) { return point.last; });
  EXPECT_EQ(first->score, 18);
  EXPECT_EQ(last->score, 6);
  EXPECT_EQ(phq.verdict,
            "18 at first, 6 so far: better by 12, reliably improved, response, no case any more");
  EXPECT_EQ(phq.cut_off_text, "10 or more");
  EXPECT_EQ(phq.corridor, std::make_pair(12.0, 24.0));
}

TEST(CourseChartTest, KeepsTheCorridorOnTheScale) {
  SampleCourse course;
  course.Score(course.Phq9(), 0, 25);
  EXPECT_EQ(PlanChart(course.facts).series[0].corridor, std::make_pair(19.0, 27.0));
}

TEST(CourseChartTest, OneScoreIsNoPair) {
  SampleCourse course;
  course.Score(course.Phq9(), 0, 25);
  EXPECT_THAT(PlanChart(course.facts).series[0].verdict, HasSubstr("one score is no pair"));
}

TEST(CourseChartTest, SaysWhyAScoreDoesNotCount) {
  const CourseChart chart = PlanChart(FullCourse().facts);
  std::vector<std::string> whys;
  for (const ChartPoint& point : chart.series[0].points) {
    if (!point.counts()) whys.push_back(point.why_not);
  }
  EXPECT_THAT(whys,
              ElementsAre("it is from before the course",
                          "a later form of the same hours, day or session counts in its place",
                          "more items are missing than the rule allows"));
}

TEST(CourseChartTest, WordsSignalsAsReview) {
  SampleCourse course = FullCourse();
  course.Signal(63, "late", outcomes::v1::SIGNAL_LEVEL_AMBER, "");
  course.facts.trajectory.mutable_signals()->rbegin()->set_text("not better");
  for (const ChartSignal& signal : PlanChart(course.facts).signals) {
    EXPECT_THAT(signal.text, ::testing::StartsWith("Review ")) << signal.text;
    EXPECT_THAT(signal.text, HasSubstr("review:"));
    EXPECT_THAT(signal.text, Not(HasSubstr("stop")));
  }
}

TEST(CourseChartTest, DrawsPhasesFromSessionToSession) {
  const CourseChart chart = PlanChart(FullCourse().facts);
  ASSERT_THAT(chart.phases, SizeIs(3));
  EXPECT_EQ(chart.phases[0].name, "initial");
  EXPECT_EQ(chart.phases[1].first, 20670 + 28);
  EXPECT_EQ(chart.phases[0].last, chart.phases[1].first);
  EXPECT_EQ(chart.phases[2].last, 20670 + 15 * 7 + 1);
}

TEST(CourseChartTest, TakesTheTrajectorysSessionsWhereSchedulingIsAway) {
  SampleCourse course;
  for (int i = 0; i < 3; ++i) {
    auto* session = course.facts.trajectory.add_sessions();
    session->mutable_start_time()->set_seconds(
        absl::ToUnixSeconds(course.At(course.start() + 7 * i)));
    session->set_session_number(i + 1);
    session->set_phase(scheduling::v1::PHASE_INITIAL);
    session->set_attended(i == 0);
    session->set_no_show(i == 1);
  }
  course.facts.missing = {"Sessions to come are not shown (UNAVAILABLE)."};
  const CourseChart chart = PlanChart(course.facts);
  ASSERT_THAT(chart.sessions, SizeIs(3));
  EXPECT_EQ(chart.sessions[0].attendance, ChartAttendance::kAttended);
  EXPECT_EQ(chart.sessions[1].attendance, ChartAttendance::kNoShow);
  EXPECT_EQ(chart.sessions[2].attendance, ChartAttendance::kBooked);
  EXPECT_THAT(chart.limits, IsEmpty());
  EXPECT_FALSE(chart.weeks) << "pauses are not known";
  EXPECT_THAT(Draw(course), HasSubstr("Sessions to come are not shown (UNAVAILABLE)."));
}

TEST(CourseChartTest, SaysWhenSchedulingIsBehind) {
  SampleCourse course;
  course.facts.trajectory.mutable_scheduling()->set_current(false);
  EXPECT_THAT(PlanChart(course.facts).notes, ElementsAre(HasSubstr("may be older than now")));
  course.facts.trajectory.mutable_scheduling()->clear_as_of_time();
  EXPECT_THAT(PlanChart(course.facts).notes, ElementsAre(HasSubstr("Nothing is known")));
}

TEST(CourseChartTest, CountsWeeksOnlyWherePausesDoNotMoveThem) {
  SampleCourse course = FullCourse();
  const auto weeks = [&] {
    int count = 0;
    for (const ChartTick& tick : TicksOf(PlanChart(course.facts), 10)) count += !tick.week.empty();
    return count;
  };
  EXPECT_GT(weeks(), 3);
  auto* pause = course.facts.course->add_pauses();
  samples::SetDay(pause->mutable_first_day(), absl::CivilDay(2026, 9, 7));
  samples::SetDay(pause->mutable_last_day(), absl::CivilDay(2026, 9, 13));
  EXPECT_EQ(weeks(), 0);
}

TEST(CourseChartTest, TicksAreWholeWeeksFromTheStartAndNoMoreThanFit) {
  const CourseChart chart = PlanChart(FullCourse().facts);
  for (const int at_most : {3, 5, 10, 40}) {
    const auto ticks = TicksOf(chart, at_most);
    EXPECT_LE(ticks.size(), at_most + 1u);
    ASSERT_GE(ticks.size(), 2u);
    for (const ChartTick& tick : ticks) {
      EXPECT_GE(tick.at, chart.first);
      EXPECT_LE(tick.at, chart.last);
    }
  }
  const auto ticks = TicksOf(chart, 10);
  EXPECT_TRUE(std::any_of(ticks.begin(), ticks.end(),
                          [](const ChartTick& tick) { return tick.week == "week 1"; }));
}

TEST(CourseChartTest, ScoreTicksAreRound) {
  EXPECT_THAT(ScoreTicks(0, 27, 7), ElementsAre(0, 5, 10, 15, 20, 25));
  EXPECT_THAT(ScoreTicks(10, 50, 5), ElementsAre(10, 20, 30, 40, 50));
  EXPECT_THAT(ScoreTicks(0, 1, 6), SizeIs(6));
  EXPECT_THAT(ScoreTicks(-0.4, 0.9, 5), ElementsAre(0, 0.5));
}

// ---- The picture

TEST(ChartSvgTest, IsWellFormedAndWholeByItself) {
  for (const double width : {340.0, 960.0}) {
    const std::string svg = ChartSvg(PlanChart(FullCourse().facts), {.width = width});
    Keep(absl::StrCat("full-", width, ".svg"), svg);
    const XmlDocument document = ReadXml(svg);
    EXPECT_EQ(document.error, "");
    EXPECT_EQ(document.elements[0].tag, "svg");
    EXPECT_EQ(document.elements[0].Get("role"), "img");
    EXPECT_EQ(document.elements[0].Get("aria-labelledby"), "c-t c-d");
    ASSERT_THAT(document.All("desc"), SizeIs(1));
    EXPECT_THAT(document.All("desc")[0]->text,
                HasSubstr("PHQ-9, answered by the patient: 10 scores"));
    ExpectSelfContained(svg);
  }
}

TEST(ChartSvgTest, PutsPointsAtTheirDayAndScore) {
  SampleCourse course;
  auto* phq = course.Phq9();
  course.Score(phq, 0, 27);
  course.Score(phq, 50, 0);
  course.Score(phq, 100, 13.5);
  const XmlDocument document = ReadXml(ChartSvg(PlanChart(course.facts), {}));
  std::vector<const XmlElement*> dots;
  for (const XmlElement* dot : document.All("circle", "dot")) {
    const std::string& css = document.elements[dot->parent].Get("class");
    if (absl::StartsWith(css, "point")) dots.push_back(dot);  // not the legend's
  }
  ASSERT_THAT(dots, SizeIs(3));
  const double left = NumberOf(*dots[0], "cx"), right = NumberOf(*dots[2], "cx");
  EXPECT_NEAR(NumberOf(*dots[1], "cx"), (left + right) / 2, 0.2);
  const double top = NumberOf(*dots[0], "cy"), bottom = NumberOf(*dots[1], "cy");
  EXPECT_LT(top, bottom);
  EXPECT_NEAR(NumberOf(*dots[2], "cy"), (top + bottom) / 2, 0.2);
  // The cut-off of 10 lies at 10 of 27.
  const auto cuts = document.All("line", "cut");
  ASSERT_FALSE(cuts.empty());
  EXPECT_NEAR(NumberOf(*cuts[0], "y1"), bottom - (bottom - top) * 10 / 27, 0.2);
  // All series have the same time axis.
  SampleCourse two = FullCourse();
  const XmlDocument both = ReadXml(ChartSvg(PlanChart(two.facts), {}));
  std::vector<double> firsts;
  for (const XmlElement* ring : both.All("circle", "ring")) firsts.push_back(NumberOf(*ring, "cx"));
  ASSERT_THAT(firsts, SizeIs(4));
  EXPECT_EQ(firsts[0], firsts[2]) << "both began on the same day";
}

TEST(ChartSvgTest, GivesEachMarkItsText) {
  const XmlDocument document = ReadXml(ChartSvg(PlanChart(FullCourse().facts), {}));
  const auto titles = TitlesOf(document);
  const auto has = [&](const std::string& text) {
    return std::any_of(titles.begin(), titles.end(),
                       [&](const std::string& title) { return absl::StrContains(title, text); });
  };
  EXPECT_TRUE(has("2026-08-05: 18 (moderately severe); first score; week 1"));
  EXPECT_TRUE(has("does not count: it is from before the course"));
  EXPECT_TRUE(has("2026-09-19: no score; week 7; does not count"));
  EXPECT_TRUE(has("Alert, 2026-08-12: risk item answered (item q9); open"));
  EXPECT_TRUE(has("risk unknown: ask (item q9); acknowledged"));
  EXPECT_TRUE(has("Review now, rule deterioration"));
  EXPECT_TRUE(has("Found 2026-10-07, stands."));
  EXPECT_TRUE(has("Session 5, 2026-09-02: the patient did not come; middle phase"));
  EXPECT_TRUE(has("Phase: termination"));
  EXPECT_TRUE(has("Sudden gain: 7 points"));
  EXPECT_TRUE(has("less than a reliable change (6 points or more)"));
  EXPECT_TRUE(has("moderately severe, 15 to 19"));
}

TEST(ChartSvgTest, DrawsWhatDoesNotCountHollowAndFormsWithoutScoreAsCrosses) {
  const XmlDocument document = ReadXml(ChartSvg(PlanChart(FullCourse().facts), {}));
  int hollow = 0, crosses = 0;
  for (const XmlElement& element : document.elements) {
    if (element.parent < 0 || document.elements[element.parent].Get("class") != "point excluded") {
      continue;
    }
    EXPECT_NE(element.Get("class"), "dot");
    hollow += element.Get("class") == "hollow";
    crosses += element.Get("class") == "cross";
  }
  EXPECT_EQ(hollow, 2);
  EXPECT_EQ(crosses, 1);
}

TEST(ChartSvgTest, EscapesWhatClinicsCallThings) {
  SampleCourse course;
  auto* series = course.Series("mood", "</text><script>alert('1')</script> & \x01 \"x\"", 10);
  SampleCourse::Band(series, "a <b> & c\xE2\x80\xAE", 0, 10);
  course.Score(series, 0, 5);
  const std::string page = ChartPage(PlanChart(course.facts));
  EXPECT_EQ(ReadXml(page).error, "");
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(&#39;1&#39;)"));
  ExpectSelfContained(page);
  EXPECT_THAT(page, Not(HasSubstr("\xE2\x80\xAE"))) << "text does not turn round";
}

TEST(ChartSvgTest, SaysNothingOfThePatient) {
  const SampleCourse course = FullCourse();
  EXPECT_THAT(ChartPage(PlanChart(course.facts)), Not(HasSubstr("SECRET")));
  EXPECT_THAT(ChartSvg(PlanChart(course.facts), {}), Not(HasSubstr("SECRET")));
  EXPECT_THAT(Draw(course), Not(HasSubstr("SECRET")));
}

void ExpectLabelsApart(const std::string& name, const std::string& svg) {
  const XmlDocument document = ReadXml(svg);
  ASSERT_EQ(document.error, "") << name;
  EXPECT_EQ(Overlapping(TextBoxes(document)), "") << name;
}

TEST(ChartSvgTest, KeepsLabelsApart) {
  SampleCourse many;  // twenty bands, long names
  auto* series = many.Series("long", "A questionnaire with a very long name, revised edition", 100);
  for (int i = 0; i < 20; ++i) {
    SampleCourse::Band(series, absl::StrCat("band number ", i, " of unusual severity"), 5 * i,
                       i == 19 ? 100 : 5 * i + 4);
  }
  SampleCourse::Rules(series, 52, 11);
  for (int i = 0; i < 30; ++i) many.Score(series, 3 * i, (i * 37) % 100);
  SampleCourse none;
  none.Course(16, 0);
  SampleCourse few;
  few.Course(12, 2);
  few.Score(few.Phq9(), 0, 27);
  SampleCourse flat;  // at the very top, and all alike
  auto* phq = flat.Phq9();
  for (int i = 0; i < 12; ++i) flat.Score(phq, 7 * i, 27);
  const std::pair<const char*, CourseChart> charts[] = {
      {"full", PlanChart(FullCourse().facts)}, {"long", PlanChart(LongCourse().facts)},
      {"many", PlanChart(many.facts)},         {"none", PlanChart(none.facts)},
      {"few", PlanChart(few.facts)},           {"flat", PlanChart(flat.facts)}};
  for (const auto& [name, chart] : charts) {
    for (const double width : {350.0, 960.0}) {
      ExpectLabelsApart(absl::StrCat(name, " at ", width), ChartSvg(chart, {.width = width}));
    }
    Keep(absl::StrCat("chart-", name, ".html"), ChartPage(chart));
    Keep(absl::StrCat("chart-", name, ".svg"), ChartSvg(chart, {}));
  }
}

TEST(ChartSvgTest, StaysInItsWidth) {
  for (const SampleCourse& course : {FullCourse(), LongCourse()}) {
    for (const double width : {350.0, 960.0}) {
      const XmlDocument document = ReadXml(ChartSvg(PlanChart(course.facts), {.width = width}));
      for (const XmlElement& element : document.elements) {
        for (const char* name : {"cx", "x1", "x2"}) {
          if (element.Get(name).empty() || element.Get("class") == "hatch") continue;
          EXPECT_GE(NumberOf(element, name), 0);
          EXPECT_LE(NumberOf(element, name), width);
        }
      }
    }
  }
}

// ---- The page

TEST(ChartPageTest, StatesInTablesWhatThePictureShows) {
  const std::string page = ChartPage(PlanChart(FullCourse().facts));
  const XmlDocument document = ReadXml(page);
  EXPECT_EQ(document.error, "");
  ExpectSelfContained(page);
  std::vector<std::string> cells;
  for (const char* tag : {"td", "th", "li", "caption"}) {
    for (const XmlElement* cell : document.All(tag)) cells.push_back(cell->text);
  }
  for (const char* text :
       {"18, moderately severe", "6, mild", "2026-10-07", "better by 12 (67 %)",
        "reliably improved", "recovered", "risk unknown: ask",
        "2026-08-12: risk item answered (item q9)", "does not count: it is from before the course",
        "PHQ-9: a case is 10 or more (nhs-talking-therapies). NHS Talking Therapies manual "
        "(established)"}) {
    EXPECT_TRUE(std::any_of(cells.begin(), cells.end(), [&](const std::string& cell) {
      return absl::StrContains(cell, text);
    })) << text;
  }
  // Twice drawn, for a screen and a telephone, and all ids are of one element.
  ASSERT_THAT(document.All("svg"), SizeIs(2));
  std::vector<std::string> ids;
  for (const XmlElement& element : document.elements) {
    if (!element.Get("id").empty()) ids.push_back(element.Get("id"));
  }
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
  EXPECT_EQ(document.elements[0].Get("lang"), "en");
  EXPECT_THAT(document.All("h1"), SizeIs(1));
}

TEST(ChartPageTest, SaysThatThereIsNothingYet) {
  SampleCourse course;
  const std::string page = ChartPage(PlanChart(course.facts));
  EXPECT_EQ(ReadXml(page).error, "");
  EXPECT_THAT(page, HasSubstr("No measure was recorded yet."));
}

// ---- The terminal

TEST(ChartTextTest, DrawsScoresBetweenTheirBands) {
  const std::string text = Draw(FullCourse());
  Keep("full.txt", text);
  Keep("long.txt", Draw(LongCourse()));
  EXPECT_THAT(text, ::testing::StartsWith("Outcomes of clinics/north/courses/c1\n"));
  EXPECT_THAT(text, HasSubstr("18 at first, 6 so far: better by 12, reliably improved"));
  for (const char* word : {"initial", "sessions", "review", "alerts", "cut 10", "moderately severe",
                           "week 1", "5 Aug", "Scores that do not count"}) {
    EXPECT_THAT(text, HasSubstr(word));
  }
  // The first mark stands higher than the last.
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  std::vector<size_t> rows;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (absl::StrContains(lines[i], "│") && absl::StrContains(lines[i], "◉")) rows.push_back(i);
  }
  ASSERT_THAT(rows, SizeIs(::testing::Ge(2u)));
  const size_t first = lines[rows[0]].find("◉"), last = lines[rows[1]].find("◉");
  EXPECT_LT(first, last);
}

TEST(ChartTextTest, FitsTheWidth) {
  SampleCourse wide = FullCourse();
  wide.facts.trajectory.mutable_series(0)->set_display_name(std::string(128, 'x'));
  wide.facts.trajectory.mutable_series(0)->mutable_bands(2)->set_display_name(
      std::string(128, 'y'));
  for (const SampleCourse& course : {FullCourse(), LongCourse(), wide}) {
    for (const int width : {50, 80, 160}) {
      for (const absl::string_view line : absl::StrSplit(Draw(course, width), '\n')) {
        EXPECT_LE(DisplayWidth(line), width) << line;
      }
    }
  }
}

TEST(ChartTextTest, IsPlainWhereAsked) {
  const std::string text = Draw(FullCourse(), 80, true);
  EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) {
    return c == '\n' || (c >= ' ' && c <= '~');
  })) << text;
  ChartTextStyle painted;
  painted.paint.on = true;
  const std::string colours = ChartText(PlanChart(FullCourse().facts), painted);
  EXPECT_THAT(colours, HasSubstr("\x1b[1m"));
}

TEST(ChartTextTest, DoesNotLetNamesSteerTheTerminal) {
  SampleCourse course;
  course.Score(course.Series("mood", "mood\x1b[2J\xC2\x9B", 10), 0, 5);
  const std::string text = Draw(course);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\xC2\x9B")));
}

}  // namespace
}  // namespace ipt::ctl
