#include "iptctl/chart_page.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "iptctl/chart_svg.h"
#include "iptctl/outcome_words.h"
#include "iptctl/page.h"
#include "iptctl/svg.h"

namespace ipt::ctl {
namespace {

namespace o = outcomes::v1;

const ChartPoint* EndOf(const ChartSeries& series, bool first) {
  for (const ChartPoint& point : series.points) {
    if (first ? point.first : point.last) return &point;
  }
  return nullptr;
}

std::string EndText(const ChartSeries& series, bool first) {
  const ChartPoint* point = EndOf(series, first);
  if (point == nullptr || !point->score.has_value()) return "none";
  const std::string& band = point->source.score().band_display_name();
  return absl::StrCat(ShortNumber(*point->score, 3), band.empty() ? "" : ", ", band);
}

std::string EndDay(const ChartSeries& series, bool first) {
  const ChartPoint* point = EndOf(series, first);
  return point == nullptr ? "" : point->date;
}

std::string ChangeText(const o::MeasureChange& change) {
  if (!change.has_improvement()) return "no pair";
  std::string text = ImprovementWords(change.improvement());
  if (change.has_fall_share()) {
    absl::StrAppend(&text, " (", ShortNumber(change.fall_share() * 100, 0), " %)");
  }
  return text;
}

void WriteOutcomes(const CourseChart& chart, Markup& out) {
  PageTable table{"From the first to the last score",
                  {{"Measure"},
                   {"First"},
                   {.heading = "Day", .whole = true},
                   {"Last"},
                   {.heading = "Day", .whole = true},
                   {"Change"},
                   {"Reliable change"},
                   {"Response"},
                   {"Remission"},
                   {"Case at first"},
                   {"Case at last"},
                   {"Clinically significant change"}},
                  {}};
  std::vector<std::string> rules;
  for (const ChartSeries& series : chart.series) {
    const o::MeasureChange& change = series.change;
    table.rows.push_back({absl::StrCat(series.name, ", ", series.respondent), EndText(series, true),
                          EndDay(series, true), EndText(series, false), EndDay(series, false),
                          ChangeText(change), Spoken(change.reliable()), Spoken(change.response()),
                          Spoken(change.remission()), Spoken(change.case_at_first()),
                          Spoken(change.case_at_last()), Spoken(change.significant())});
    if (change.has_cut_off()) {
      rules.push_back(absl::StrCat(series.name, ": a case is ", series.cut_off_text, " (",
                                   change.cut_off().rule_set(), "). ",
                                   SourceWords(change.cut_off().source())));
    }
    if (change.has_reliable_change()) {
      rules.push_back(absl::StrCat(series.name, ": a change of ",
                                   ReliableChangeWords(change.reliable_change()), " is reliable (",
                                   change.reliable_change().rule_set(), "). ",
                                   SourceWords(change.reliable_change().source())));
    }
  }
  if (table.rows.empty()) return;
  out.Element("h2", "Result");
  WriteTable(table, out);
  if (!chart.score_choice.empty()) {
    out.Element("p", chart.score_choice, {{"class", "muted"}});
  }
  if (!rules.empty()) {
    out.Element("h3", "By these rules");
    out.Open("ul");
    for (const std::string& rule : rules) out.Element("li", rule);
    out.Close();
  }
  out.Element("p",
              "Improvement by points is positive, whichever way the scale goes. “Cannot be told” "
              "is not “no”: a score, a cut-off or a rule is missing.",
              {{"class", "muted"}});
}

void WriteSignals(const CourseChart& chart, Markup& out) {
  out.Element("h2", "To review");
  if (chart.signals.empty()) {
    out.Element("p", "No signal was found.");
    return;
  }
  out.Element("p",
              "A signal says “review”, never “stop”: some patients show little change before "
              "session 6 and do well.");
  out.Open("ul");
  for (const ChartSignal& signal : chart.signals) out.Element("li", signal.text);
  out.Close();
}

void WriteAlerts(const CourseChart& chart, Markup& out) {
  if (chart.alerts.empty()) return;
  out.Element("h2", "Alerts");
  PageTable table{"Alerts by the day of the answer", {{"Alert"}, {"State"}, {"Name"}}, {}};
  for (const ChartAlert& alert : chart.alerts) {
    table.rows.push_back({absl::StrCat(IsoDay(DayOfNumber(alert.at)), ": ", alert.kind),
                          alert.state, LastSegment(alert.name)});
  }
  WriteTable(table, out);
  out.Element("p", "Not an emergency service: how soon an alert is seen depends on who listens.",
              {{"class", "muted"}});
}

void WriteScores(const CourseChart& chart, Markup& out) {
  if (chart.series.empty()) return;
  out.Element("h2", "All scores");
  for (const ChartSeries& series : chart.series) {
    PageTable table{absl::StrCat(series.name, ", ", series.respondent),
                    {{.heading = "Day", .whole = true},
                     {"Week", true},
                     {"Session", true},
                     {"Score", true},
                     {"Band"},
                     {"Change from the first"},
                     {"Reliable"},
                     {"Remarks"}},
                    {}};
    for (const ChartPoint& point : series.points) {
      std::vector<std::string> remarks;
      if (point.first) remarks.emplace_back("first");
      if (point.last) remarks.emplace_back("last");
      if (point.follow_up) remarks.emplace_back("follow-up");
      if (point.source.score().state() == o::SCORE_STATE_PRORATED) remarks.emplace_back("prorated");
      if (point.source.score().reported()) remarks.emplace_back("reported without answers");
      for (const std::string& review : point.reviews) {
        remarks.push_back(absl::StrCat("review: ", review));
      }
      if (!point.counts()) remarks.push_back(absl::StrCat("does not count: ", point.why_not));
      const o::SeriesPoint& source = point.source;
      table.rows.push_back(
          {point.date, source.week_number() > 0 ? absl::StrCat(source.week_number()) : "",
           source.session_number() > 0 ? absl::StrCat(source.session_number()) : "",
           point.score.has_value() ? ShortNumber(*point.score, 3) : "none",
           source.score().band_display_name(), point.change,
           point.first || source.reliable() == o::RELIABLE_VERDICT_UNSPECIFIED
               ? ""
               : Spoken(source.reliable()),
           absl::StrJoin(remarks, "; ")});
    }
    WriteTable(table, out);
    for (const ChartGain& gain : series.gains) out.Element("p", gain.text);
  }
}

}  // namespace

std::string ChartPage(const CourseChart& chart) {
  Markup out;
  const std::string title = absl::StrCat("Outcomes of ", chart.course);
  out.Element("h1", title);
  std::vector<std::string> lead;
  if (chart.start.has_value()) lead.push_back(absl::StrCat("Began ", IsoDay(*chart.start)));
  lead.push_back(absl::StrCat(chart.sessions.size(), " sessions shown"));
  if (!chart.as_of.empty()) lead.push_back(absl::StrCat("as of ", chart.as_of));
  lead.push_back(chart.policy_version == 0
                     ? "the suite's default policy"
                     : absl::StrCat("the clinic's policy, version ", chart.policy_version));
  out.Element("p", absl::StrCat(absl::StrJoin(lead, "; "), "."), {{"class", "lead"}});
  WriteNotes("To mind", chart.notes, out);
  WriteFigure(ChartSvg(chart, {.width = 960, .heading = false, .css = false, .id = "w"}),
              ChartSvg(chart, {.width = 350, .heading = false, .css = false, .id = "n"}), out);
  WriteOutcomes(chart, out);
  WriteSignals(chart, out);
  WriteAlerts(chart, out);
  WriteScores(chart, out);
  return HtmlPage(title, out.Finish());
}

}  // namespace ipt::ctl
