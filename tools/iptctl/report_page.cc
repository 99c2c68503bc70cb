#include "iptctl/report_page.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "iptctl/outcome_words.h"
#include "iptctl/page.h"
#include "iptctl/svg.h"
#include "iptctl/value_text.h"
#include "iptctl/whisker_svg.h"

namespace ipt::ctl {
namespace {

namespace o = outcomes::v1;

// Below it the rest is to be read with care; so say the definitions.
constexpr double kPairedWanted = 0.9;
constexpr char kNotShown[] = "not shown";

std::string Percent(double share) { return absl::StrCat(ShortNumber(share * 100, 0), " %"); }

std::string RowTitle(const o::ReportRow& row) {
  if (!row.display_name().empty()) return row.display_name();
  if (row.grouping() == o::REPORT_GROUPING_UNSPECIFIED) return "All courses";
  return row.group().empty() ? "not known" : row.group();
}

// In few words, for a cell.
std::string ShortWhy(o::Suppression suppression) {
  switch (suppression) {
    case o::SUPPRESSION_SMALL:
      return "not shown: too few";
    case o::SUPPRESSION_COMPLEMENTARY:
      return "not shown: would tell a small one";
    case o::SUPPRESSION_NOT_COMPUTABLE:
      return "not computable";
    default:
      return kNotShown;
  }
}

std::string WhyNot(const o::Rate& rate, o::Suppression row) {
  if (rate.suppression() != o::SUPPRESSION_UNSPECIFIED) return ShortWhy(rate.suppression());
  if (row != o::SUPPRESSION_UNSPECIFIED) return ShortWhy(row);
  return rate.has_of() && rate.of() == 0 ? "of none" : ShortWhy(o::SUPPRESSION_NOT_COMPUTABLE);
}

std::string OfText(const o::Rate& rate) {
  if (!rate.has_hits() || !rate.has_of()) return "";
  return absl::StrCat(rate.hits(), " of ", rate.of());
}

std::string RangeText(const o::Interval& interval, bool percent) {
  if (!percent) {
    return absl::StrCat(ShortNumber(interval.low(), 2), " to ", ShortNumber(interval.high(), 2));
  }
  return absl::StrCat(ShortNumber(interval.low() * 100, 0), " to ", Percent(interval.high()));
}

// For a table.
std::string RateCell(const o::Rate& rate, o::Suppression row) {
  if (!rate.has_share()) return WhyNot(rate, row);
  std::string text = Percent(rate.share());
  std::vector<std::string> more;
  if (const std::string of = OfText(rate); !of.empty()) more.push_back(of);
  if (rate.has_interval()) more.push_back(RangeText(rate.interval(), true));
  if (!more.empty()) absl::StrAppend(&text, " (", absl::StrJoin(more, "; "), ")");
  return text;
}

std::string CountCell(bool has, int64_t count, o::Suppression suppression) {
  return has ? absl::StrCat(count) : ShortWhy(suppression);
}

std::string MeasureTitle(const o::MeasureFigures& figures) {
  std::string name = absl::AsciiStrToUpper(LastSegment(figures.instrument()));
  if (!figures.scale().empty() && figures.scale() != "total") {
    absl::StrAppend(&name, ", ", figures.scale());
  }
  return name;
}

constexpr char kOfCases[] = "of the finished but those known to be no case at the start";

// What kind of number a publication states, as its words say.
enum class BenchmarkKind {
  kOther,
  kPrePost,
  kOtherEffect,
  kDropOut,
  kRecovery,
  kRemission,
  kPaired
};

BenchmarkKind KindOf(const o::Benchmark& benchmark) {
  const std::string words = absl::AsciiStrToLower(benchmark.measure());
  if (absl::StrContains(words, "drop-out") || absl::StrContains(words, "dropout") ||
      absl::StrContains(words, "drop out") || absl::StrContains(words, "dropped out")) {
    return BenchmarkKind::kDropOut;
  }
  if (absl::StrContains(words, "pre-post")) return BenchmarkKind::kPrePost;
  for (const absl::string_view word : absl::StrSplit(words, absl::ByAnyChar(" ,;()"))) {
    if (word == "d" || word == "g") return BenchmarkKind::kOtherEffect;
  }
  if (absl::StrContains(words, "paired") || absl::StrContains(words, "first and a last")) {
    return BenchmarkKind::kPaired;
  }
  if (absl::StrContains(words, "remission")) return BenchmarkKind::kRemission;
  if (absl::StrContains(words, "recover")) return BenchmarkKind::kRecovery;
  return BenchmarkKind::kOther;
}

bool IsShare(const o::Benchmark& benchmark) {
  if (benchmark.value() < 0 || benchmark.value() > 1) return false;
  switch (KindOf(benchmark)) {
    case BenchmarkKind::kPrePost:
    case BenchmarkKind::kOtherEffect:
      return false;
    case BenchmarkKind::kOther:
      return absl::StrContains(benchmark.measure(), "%");
    default:
      return true;
  }
}

std::string BenchmarkNumber(const o::Benchmark& benchmark) {
  std::string text = IsShare(benchmark)
                         ? absl::StrCat(ShortNumber(benchmark.value() * 100, 1), " %")
                         : ShortNumber(benchmark.value(), 2);
  if (benchmark.has_interval()) {
    absl::StrAppend(&text, " (", RangeText(benchmark.interval(), IsShare(benchmark)), ")");
  }
  return text;
}

WhiskerRow PublishedRow(const o::Benchmark& benchmark) {
  WhiskerRow row;
  row.name = benchmark.measure();
  row.published = true;
  row.value = benchmark.value();
  if (benchmark.has_interval()) {
    row.low = benchmark.interval().low();
    row.high = benchmark.interval().high();
  }
  row.text = BenchmarkNumber(benchmark);
  return row;
}

class ReportWriter {
 public:
  explicit ReportWriter(const o::ClinicReport& report) : report_(report) {}

  std::string Write() {
    const std::string title = absl::StrCat("Outcomes of ", report_.clinic());
    out_.Element("h1", title);
    WriteLead();
    WriteNotes("To mind", {report_.cautions().begin(), report_.cautions().end()}, out_);
    if (report_.rows().empty()) {
      out_.Element("p", "The period has no courses.");
    } else {
      WritePaired();
      WriteHeadline();
      WriteFlow();
      WriteRecovery();
      WriteMeasures();
      WriteAttendance();
    }
    WriteBenchmarks();
    WriteAllNumbers();
    WriteDefinitions();
    WriteFooter();
    return HtmlPage(title, out_.Finish());
  }

 private:
  using RateOf = std::function<const o::Rate&(const o::ReportRow&)>;

  const o::ReportRow& all() const { return report_.rows(0); }

  std::string NextId() { return absl::StrCat("f", ++figures_); }

  void Figure(const WhiskerPanel& panel, double wide) {
    WriteFigure(WhiskerSvg(panel, wide, NextId()), WhiskerSvg(panel, 340, NextId()), out_);
  }
  void Figure(const BarPanel& panel, double wide) {
    WriteFigure(BarSvg(panel, wide, NextId()), BarSvg(panel, 340, NextId()), out_);
  }

  void WriteLead() {
    const o::ReportQuery& query = report_.query();
    const bool started = query.basis() == o::PERIOD_BASIS_STARTED;
    out_.Element(
        "p",
        absl::StrCat("Courses ", started ? "whose first session was attended" : "closed", " from ",
                     IsoDay(query.first_date()), " to ", IsoDay(query.last_date()), "."),
        {{"class", "lead"}});
    std::vector<std::string> parts;
    parts.emplace_back(query.population() == o::REPORT_POPULATION_CARRIED_FORWARD
                           ? "Changes are of all with a first score; where there is no last one, "
                             "the last of any is carried forward"
                           : "Changes are of courses with a first and a last score");
    if (const std::string drop_out = SpokenEnum(query.drop_out()); !drop_out.empty()) {
      parts.push_back(absl::StrCat("a drop-out is: ", drop_out));
    }
    const auto only = [&parts](absl::string_view what, const std::vector<std::string>& which) {
      if (!which.empty()) {
        parts.push_back(absl::StrCat("only ", what, " ", absl::StrJoin(which, ", ")));
      }
    };
    std::vector<std::string> indications, therapists, instruments, focuses;
    for (const int value : query.indications()) {
      indications.push_back(SpokenEnum(static_cast<scheduling::v1::Indication>(value)));
    }
    for (const int value : query.focuses()) {
      focuses.push_back(SpokenEnum(static_cast<formulation::v1::ProblemAreaKind>(value)));
    }
    for (const std::string& name : query.therapists()) therapists.push_back(LastSegment(name));
    for (const std::string& name : query.instruments()) instruments.push_back(LastSegment(name));
    only("the indications", indications);
    only("the therapists", therapists);
    only("the variants", {query.variants().begin(), query.variants().end()});
    only("the instruments", instruments);
    only("the focuses", focuses);
    if (query.smallest_group() > 0) {
      parts.push_back(
          absl::StrCat("groups of fewer than ", query.smallest_group(), " courses are not shown"));
    }
    out_.Element("p", absl::StrCat(absl::StrJoin(parts, "; "), "."), {{"class", "lead"}});
  }

  static BarRow RateRow(std::string name, const o::Rate& rate, o::Suppression row_why) {
    BarRow row;
    row.name = std::move(name);
    if (rate.has_share()) {
      row.share = rate.share();
      row.text = absl::StrCat(Percent(rate.share()), ", ", OfText(rate));
    } else {
      row.why_not = WhyNot(rate, row_why);
    }
    return row;
  }

  void WritePaired() {
    out_.Element("h2", "Paired data");
    BarPanel panel;
    panel.mark = kPairedWanted;
    panel.mark_name = "90 %";
    panel.rows.push_back(
        RateRow("Both measures of recovery", all().recovery().paired(), all().suppression()));
    for (const o::MeasureFigures& figures : all().measures()) {
      panel.rows.push_back(RateRow(MeasureTitle(figures), figures.paired(), all().suppression()));
    }
    const o::Rate& paired = all().recovery().paired();
    std::string text = "Of the finished courses, those with a first and a last score. ";
    if (!paired.has_share()) {
      absl::StrAppend(&text, "How many have both is not shown: read all that follows with care.");
    } else if (paired.share() < kPairedWanted) {
      absl::StrAppend(&text,
                      "Under 90 %: who left without a last score may have done worse. Read all "
                      "that follows with care.");
    } else {
      absl::StrAppend(&text, "90 % or more: few are missing from what follows.");
    }
    out_.Element("p", text);
    Figure(panel, 960);
  }

  void Tile(absl::string_view name, const o::Rate& rate, absl::string_view of) {
    out_.Open("div", {{"class", "tile"}});
    out_.Element("span", name, {{"class", "name"}});
    if (rate.has_share()) {
      out_.Element("b", Percent(rate.share()));
      out_.Element("span", OfText(rate));
      out_.Element("span", of);
      if (rate.has_interval()) {
        out_.Element("span", absl::StrCat("95 % interval ", RangeText(rate.interval(), true)));
      }
    } else {
      out_.Element("b", WhyNot(rate, all().suppression()), {{"class", "hidden"}});
      out_.Element("span", of);
    }
    out_.Close();
  }

  void WriteHeadline() {
    out_.Element("h2", "In short");
    out_.Open("div", {{"class", "tiles"}});
    out_.Open("div", {{"class", "tile"}});
    const o::CourseFlow& flow = all().flow();
    out_.Element("span", "Courses", {{"class", "name"}});
    if (flow.has_courses()) {
      out_.Element("b", absl::StrCat(flow.courses()));
    } else {
      out_.Element("b", ShortWhy(FlowWhy(all())), {{"class", "hidden"}});
    }
    out_.Element("span", absl::StrCat("finished: ", CountCell(flow.has_finished(), flow.finished(),
                                                              FlowWhy(all()))));
    out_.Close();
    const o::RecoveryFigures& recovery = all().recovery();
    Tile("Recovered", recovery.recovered(), kOfCases);
    Tile("Reliably improved", recovery.reliably_improved(), "of all finished");
    Tile("Reliably recovered", recovery.reliably_recovered(), kOfCases);
    Tile("Reliably deteriorated", recovery.reliably_deteriorated(), "of all finished");
    Tile("Dropped out", flow.dropped_out(), OfWhichDropOut());
    out_.Close();
  }

  // By the widest definition those who never started are among them.
  const char* OfWhichDropOut() const {
    return report_.query().drop_out() == o::DROP_OUT_DEFINITION_ANY_NON_COMPLETION
               ? "of all closed courses"
               : "of the courses closed after their start";
  }

  static o::Suppression FlowWhy(const o::ReportRow& row) {
    return row.flow().suppression() != o::SUPPRESSION_UNSPECIFIED ? row.flow().suppression()
                                                                  : row.suppression();
  }

  void WriteFlow() {
    out_.Element("h2", "What became of the courses");
    const o::CourseFlow& flow = all().flow();
    BarPanel panel;
    const auto count = [&](const char* name, bool has, int64_t value, bool part) {
      BarRow row;
      row.name = name;
      row.part = part;
      if (has && flow.has_courses()) {
        row.share = flow.courses() > 0 ? static_cast<double>(value) / flow.courses() : 0;
        row.text = absl::StrCat(value);
      } else {
        row.why_not = ShortWhy(FlowWhy(all()));
      }
      panel.rows.push_back(std::move(row));
    };
    count("Courses", flow.has_courses(), flow.courses(), false);
    count("still open", flow.has_open(), flow.open(), true);
    count("closed before a session", flow.has_never_started(), flow.never_started(), true);
    count("finished", flow.has_finished(), flow.finished(), true);
    Figure(panel, 960);
    BarPanel ends;
    ends.title = "How the courses that had started ended";
    const o::Suppression why = FlowWhy(all());
    ends.rows.push_back(RateRow("Completed as agreed", flow.completed(), why));
    ends.rows.push_back(RateRow("Ended early, as agreed", flow.agreed_early(), why));
    ends.rows.push_back(RateRow("Dropped out", flow.dropped_out(), why));
    ends.rows.push_back(RateRow("Ended otherwise", flow.ended_otherwise(), why));
    Figure(ends, 960);
    out_.Open("div", {{"class", "panels"}});
    RatePanel(
        "Dropped out", OfWhichDropOut(),
        [](const o::ReportRow& row) -> const o::Rate& { return row.flow().dropped_out(); },
        BenchmarkKind::kDropOut);
    if (report_.rows_size() > 1) {
      RatePanel("Completed as agreed", "of the courses closed after their start",
                [](const o::ReportRow& row) -> const o::Rate& { return row.flow().completed(); });
    }
    out_.Close();
  }

  // What changes are counted of.
  bool CarriedForward() const {
    return report_.query().population() == o::REPORT_POPULATION_CARRIED_FORWARD;
  }
  const char* Counted() const { return CarriedForward() ? "courses" : "pairs"; }
  const char* Whose() const {
    return CarriedForward() ? "of all with a first score" : "of the pairs";
  }

  void RatePanel(const char* title, absl::string_view subtitle, const RateOf& rate_of,
                 BenchmarkKind beside = BenchmarkKind::kOther) {
    WhiskerPanel panel;
    panel.title = title;
    panel.subtitle = std::string(subtitle);
    panel.percent = true;
    for (const o::ReportRow& row : report_.rows()) {
      const o::Rate& rate = rate_of(row);
      WhiskerRow shown;
      shown.name = RowTitle(row);
      shown.all = &row == &all();
      if (rate.has_share()) {
        shown.value = rate.share();
        if (rate.has_interval()) {
          shown.low = rate.interval().low();
          shown.high = rate.interval().high();
        }
        shown.text = absl::StrCat(Percent(rate.share()), ", ", OfText(rate));
      } else {
        shown.why_not = WhyNot(rate, row.suppression());
      }
      panel.rows.push_back(std::move(shown));
    }
    AddPublished(beside, true, panel);
    Figure(panel, 470);
  }

  // Of the same kind only.
  void AddPublished(BenchmarkKind kind, bool shares, WhiskerPanel& panel) const {
    if (kind == BenchmarkKind::kOther) return;
    for (const o::Benchmark& benchmark : report_.benchmarks()) {
      if (benchmark.comparability() != o::COMPARABILITY_SAME_KIND || KindOf(benchmark) != kind ||
          IsShare(benchmark) != shares) {
        continue;
      }
      panel.rows.push_back(PublishedRow(benchmark));
    }
  }

  void WriteRecovery() {
    out_.Element("h2", "Recovery over both measures");
    out_.Open("div", {{"class", "panels"}});
    RatePanel(
        "Recovered", kOfCases,
        [](const o::ReportRow& row) -> const o::Rate& { return row.recovery().recovered(); },
        BenchmarkKind::kRecovery);
    RatePanel("Reliably recovered", kOfCases, [](const o::ReportRow& row) -> const o::Rate& {
      return row.recovery().reliably_recovered();
    });
    RatePanel("Reliably improved", "of all finished",
              [](const o::ReportRow& row) -> const o::Rate& {
                return row.recovery().reliably_improved();
              });
    RatePanel("Reliably deteriorated", "of all finished",
              [](const o::ReportRow& row) -> const o::Rate& {
                return row.recovery().reliably_deteriorated();
              });
    out_.Close();
  }

  static const o::MeasureFigures& FiguresOf(const o::ReportRow& row,
                                            const o::MeasureFigures& like) {
    for (const o::MeasureFigures& figures : row.measures()) {
      if (figures.instrument() == like.instrument() && figures.scale() == like.scale()) {
        return figures;
      }
    }
    return o::MeasureFigures::default_instance();
  }

  void WriteMeasures() {
    for (const o::MeasureFigures& measure : MeasuresOfAll()) {
      const std::string name = MeasureTitle(measure);
      out_.Element("h2", name);
      EffectPanel(measure);
      out_.Open("div", {{"class", "panels"}});
      const auto of = [&measure](const o::Rate& (o::MeasureFigures::*get)() const) {
        return [&measure, get](const o::ReportRow& row) -> const o::Rate& {
          return (FiguresOf(row, measure).*get)();
        };
      };
      const std::string whose = Whose();
      RatePanel("Response", absl::StrCat(whose, ", but first scores of 0"),
                of(&o::MeasureFigures::response));
      RatePanel("Remission", absl::StrCat("at last, ", whose), of(&o::MeasureFigures::remission),
                BenchmarkKind::kRemission);
      RatePanel("Reliably improved", whose, of(&o::MeasureFigures::reliably_improved));
      RatePanel("Reliably deteriorated", whose, of(&o::MeasureFigures::reliably_deteriorated));
      RatePanel("Clinically significant change", absl::StrCat(whose, " that were cases at first"),
                of(&o::MeasureFigures::significantly_changed));
      out_.Close();
      if (!measure.rule_sets().empty()) {
        out_.Element(
            "p", absl::StrCat("By the rule sets ", absl::StrJoin(measure.rule_sets(), ", "), "."),
            {{"class", "muted"}});
      }
    }
  }

  // Those of any row: a measure may be one of a group only.
  std::vector<o::MeasureFigures> MeasuresOfAll() const {
    std::vector<o::MeasureFigures> out;
    std::set<std::pair<std::string, std::string>> seen;
    for (const o::ReportRow& row : report_.rows()) {
      for (const o::MeasureFigures& figures : row.measures()) {
        if (seen.emplace(figures.instrument(), figures.scale()).second) out.push_back(figures);
      }
    }
    return out;
  }

  void EffectPanel(const o::MeasureFigures& measure) {
    WhiskerPanel panel;
    panel.title = "Effect size, first to last (d)";
    panel.subtitle = "positive is better; with its 95 % interval";
    std::vector<std::string> methods;
    for (const o::ReportRow& row : report_.rows()) {
      const o::EffectSize& effect = FiguresOf(row, measure).effect();
      WhiskerRow shown;
      shown.name = RowTitle(row);
      shown.all = &row == &all();
      if (effect.has_d()) {
        shown.value = effect.d();
        shown.text = ShortNumber(effect.d(), 2);
        if (effect.has_interval()) {
          shown.low = effect.interval().low();
          shown.high = effect.interval().high();
          absl::StrAppend(&shown.text, " (", RangeText(effect.interval(), false), ")");
        }
        if (effect.has_pairs()) {
          absl::StrAppend(&shown.text, ", ", effect.pairs(), " ", Counted());
        }
      } else {
        shown.why_not = ShortWhy(
            effect.suppression() != o::SUPPRESSION_UNSPECIFIED ? effect.suppression()
            : row.suppression() != o::SUPPRESSION_UNSPECIFIED  ? row.suppression()
                                                               : o::SUPPRESSION_NOT_COMPUTABLE);
      }
      for (const std::string& method : {effect.method(), effect.interval_method()}) {
        const bool known = std::find(methods.begin(), methods.end(), method) != methods.end();
        if (!method.empty() && !known) methods.push_back(method);
      }
      panel.rows.push_back(std::move(shown));
    }
    if (measure.instrument() == report_.depression_instrument()) {
      AddPublished(BenchmarkKind::kPrePost, false, panel);
    }
    Figure(panel, 960);
    for (const std::string& method : methods) out_.Element("p", method, {{"class", "muted"}});
  }

  void WriteAttendance() {
    out_.Element("h2", "How sessions were kept");
    out_.Open("div", {{"class", "panels"}});
    RatePanel(
        "Attended", "of the sessions held or not come to",
        [](const o::ReportRow& row) -> const o::Rate& { return row.attendance().attended(); });
    out_.Close();
    PageTable table{"Finished courses",
                    {{"Group"}, {"Mean attended sessions", true}, {"Mean weeks", true}},
                    {}};
    for (const o::ReportRow& row : report_.rows()) {
      const o::AttendanceFigures& figures = row.attendance();
      const auto mean = [&row](bool has, double value) {
        return has ? ShortNumber(value, 1) : ShortWhy(row.suppression());
      };
      table.rows.push_back({RowTitle(row),
                            mean(figures.has_mean_sessions(), figures.mean_sessions()),
                            mean(figures.has_mean_weeks(), figures.mean_weeks())});
    }
    WriteTable(table, out_);
  }

  void WriteBenchmarks() {
    if (report_.benchmarks().empty()) return;
    out_.Element("h2", "Published results");
    const auto table_of = [&](o::Comparability wanted, const char* caption) {
      PageTable table{
          caption,
          {{"What"}, {"Number", true}, {"Patients, studies"}, {"Mind"}, {"Publication"}},
          {}};
      for (const o::Benchmark& benchmark : report_.benchmarks()) {
        // What is not stated to be of the same kind is not held to be.
        const bool same = benchmark.comparability() == o::COMPARABILITY_SAME_KIND;
        if (same != (wanted == o::COMPARABILITY_SAME_KIND)) continue;
        std::vector<std::string> of;
        if (benchmark.patients() > 0) of.push_back(absl::StrCat(benchmark.patients(), " patients"));
        if (benchmark.studies() > 0) of.push_back(absl::StrCat(benchmark.studies(), " studies"));
        table.rows.push_back({benchmark.measure(), BenchmarkNumber(benchmark),
                              of.empty() ? "not stated" : absl::StrJoin(of, ", "),
                              benchmark.caution(), benchmark.citation()});
      }
      WriteTable(table, out_);
    };
    table_of(o::COMPARABILITY_SAME_KIND, "The same kind of number");
    WhiskerPanel panel;
    panel.title = "For orientation only";
    panel.subtitle =
        "effects against other groups: not to be held beside a change from first to last";
    for (const o::Benchmark& benchmark : report_.benchmarks()) {
      if (benchmark.comparability() != o::COMPARABILITY_SAME_KIND && !IsShare(benchmark) &&
          KindOf(benchmark) == BenchmarkKind::kOtherEffect) {
        panel.rows.push_back(PublishedRow(benchmark));
      }
    }
    if (!panel.rows.empty()) Figure(panel, 960);
    table_of(o::COMPARABILITY_FOR_ORIENTATION, "Another kind of number: for orientation only");
  }

  void WriteAllNumbers() {
    if (report_.rows().empty()) return;
    out_.Element("h2", "All numbers");
    PageTable flow{"Courses",
                   {{"Group"},
                    {"Courses", true},
                    {"Open", true},
                    {"Never started", true},
                    {"Finished", true},
                    {"Completed"},
                    {"Ended early, agreed"},
                    {"Dropped out"},
                    {"Otherwise"}},
                   {}};
    PageTable recovery{"Recovery over both measures: share (numbers; 95 % interval)",
                       {{"Group"},
                        {"Paired"},
                        {"Case at start"},
                        {"Recovered"},
                        {"Reliably improved"},
                        {"No reliable change"},
                        {"Reliably deteriorated"},
                        {"Reliably recovered"},
                        {"Recovered, of the pairs"},
                        {"Improved, of the pairs"}},
                       {}};
    for (const o::ReportRow& row : report_.rows()) {
      const o::CourseFlow& f = row.flow();
      const o::Suppression why = FlowWhy(row);
      flow.rows.push_back({RowTitle(row), CountCell(f.has_courses(), f.courses(), why),
                           CountCell(f.has_open(), f.open(), why),
                           CountCell(f.has_never_started(), f.never_started(), why),
                           CountCell(f.has_finished(), f.finished(), why),
                           RateCell(f.completed(), why), RateCell(f.agreed_early(), why),
                           RateCell(f.dropped_out(), why), RateCell(f.ended_otherwise(), why)});
      const o::RecoveryFigures& r = row.recovery();
      std::vector<std::string> cells = {RowTitle(row)};
      for (const o::Rate* rate :
           {&r.paired(), &r.case_at_start(), &r.recovered(), &r.reliably_improved(),
            &r.no_reliable_change(), &r.reliably_deteriorated(), &r.reliably_recovered(),
            &r.recovered_of_paired(), &r.improved_of_paired()}) {
        cells.push_back(RateCell(*rate, row.suppression()));
      }
      recovery.rows.push_back(std::move(cells));
    }
    WriteTable(flow, out_);
    WriteTable(recovery, out_);
    for (const o::MeasureFigures& measure : MeasuresOfAll()) WriteMeasureTable(measure);
  }

  void WriteMeasureTable(const o::MeasureFigures& measure) {
    PageTable table{absl::StrCat(MeasureTitle(measure), ": means (standard deviations), d, shares"),
                    {{"Group"},
                     {CarriedForward() ? "Courses" : "Pairs", true},
                     {"First"},
                     {"Last"},
                     {"d"},
                     {"Paired"},
                     {"Response"},
                     {"Remission"},
                     {"Reliably improved"},
                     {"Reliably deteriorated"},
                     {"Clinically significant"}},
                    {}};
    for (const o::ReportRow& row : report_.rows()) {
      const o::MeasureFigures& f = FiguresOf(row, measure);
      const o::EffectSize& e = f.effect();
      const o::Suppression why =
          e.suppression() != o::SUPPRESSION_UNSPECIFIED ? e.suppression() : row.suppression();
      const auto mean = [&](bool has, double value, bool has_sd, double sd) {
        if (!has) return ShortWhy(why);
        return absl::StrCat(ShortNumber(value, 1),
                            has_sd ? absl::StrCat(" (", ShortNumber(sd, 1), ")") : "");
      };
      table.rows.push_back(
          {RowTitle(row), CountCell(e.has_pairs(), e.pairs(), why),
           mean(e.has_first_mean(), e.first_mean(), e.has_first_standard_deviation(),
                e.first_standard_deviation()),
           mean(e.has_last_mean(), e.last_mean(), e.has_last_standard_deviation(),
                e.last_standard_deviation()),
           e.has_d() ? absl::StrCat(ShortNumber(e.d(), 2),
                                    e.has_interval()
                                        ? absl::StrCat(" (", RangeText(e.interval(), false), ")")
                                        : "")
                     : ShortWhy(why),
           RateCell(f.paired(), row.suppression()), RateCell(f.response(), row.suppression()),
           RateCell(f.remission(), row.suppression()),
           RateCell(f.reliably_improved(), row.suppression()),
           RateCell(f.reliably_deteriorated(), row.suppression()),
           RateCell(f.significantly_changed(), row.suppression())});
    }
    WriteTable(table, out_);
  }

  void WriteDefinitions() {
    out_.Element("h2", "What is not shown, and why");
    out_.Open("dl");
    for (const o::Suppression suppression :
         {o::SUPPRESSION_SMALL, o::SUPPRESSION_COMPLEMENTARY, o::SUPPRESSION_NOT_COMPUTABLE}) {
      out_.Element("dt", ShortWhy(suppression));
      out_.Element("dd", Spoken(suppression));
    }
    out_.Close();
    if (report_.definitions().empty()) return;
    out_.Element("h2", "What the words mean");
    out_.Open("dl");
    for (const o::ReportDefinition& definition : report_.definitions()) {
      out_.Element("dt", definition.term());
      out_.Element(
          "dd", absl::StrCat(definition.meaning(),
                             definition.source().empty() ? "" : " Source: ", definition.source()));
    }
    out_.Close();
  }

  void WriteFooter() {
    std::vector<std::string> parts;
    const absl::TimeZone utc = absl::UTCTimeZone();
    if (report_.has_create_time()) {
      parts.push_back(absl::StrCat("Made ", InstantText(InstantOf(report_.create_time()), utc)));
    }
    parts.push_back(absl::StrCat("of ", report_.measurements(), " measurements"));
    if (report_.unverified_measurements() > 0) {
      parts.push_back(absl::StrCat(report_.unverified_measurements(),
                                   " more left out: what they belong to could not be checked yet"));
    }
    const o::SchedulingView& view = report_.scheduling();
    if (view.has_as_of_time()) {
      parts.push_back(absl::StrCat("courses as of ", InstantText(InstantOf(view.as_of_time()), utc),
                                   view.current() ? "" : ", which may be older than now"));
    }
    parts.push_back(report_.policy_version() == 0 ? "by the suite's default policy"
                                                  : absl::StrCat("by the clinic's policy, version ",
                                                                 report_.policy_version()));
    parts.push_back(absl::StrCat("revision ", report_.revision()));
    out_.Element("footer", absl::StrCat(absl::StrJoin(parts, "; "), "."));
  }

  const o::ClinicReport& report_;
  Markup out_;
  int figures_ = 0;
};

}  // namespace

std::string ReportPage(const o::ClinicReport& report) { return ReportWriter(report).Write(); }

}  // namespace ipt::ctl
