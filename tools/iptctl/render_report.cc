#include "iptctl/render_report.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "iptctl/contract.h"
#include "iptctl/outcome_words.h"

namespace ipt::ctl {
namespace {

namespace o = outcomes::v1;

constexpr int kReportWidth = 100;

using Cells = std::vector<std::string>;

// What stands for a number that is not shown.
std::string HiddenText(o::Suppression why) {
  switch (why) {
    case o::SUPPRESSION_SMALL:
      return "few";
    case o::SUPPRESSION_COMPLEMENTARY:
      return "hidden";
    default:
      return "-";
  }
}

std::string ShareText(const o::Rate& rate) {
  if (!rate.has_share()) return HiddenText(rate.suppression());
  return absl::StrFormat("%.0f%% (%d/%d)", 100 * rate.share(), rate.hits(), rate.of());
}

std::string CountText(bool shown, int64_t count, const o::CourseFlow& flow) {
  return shown ? absl::StrCat(count) : HiddenText(flow.suppression());
}

std::string DecimalText(bool shown, double value, o::Suppression why) {
  return shown ? absl::StrFormat("%.1f", value) : HiddenText(why);
}

std::string EffectText(const o::EffectSize& effect) {
  if (!effect.has_d()) return HiddenText(effect.suppression());
  return absl::StrFormat("%.2f (%.2f to %.2f)", effect.d(), effect.interval().low(),
                         effect.interval().high());
}

void AppendCells(const std::vector<Cells>& lines, const Paint& paint, std::string& out) {
  std::vector<int> widths(lines.front().size());
  for (const Cells& line : lines) {
    for (size_t c = 0; c < line.size(); ++c) {
      widths[c] = std::max(widths[c], DisplayWidth(line[c]));
    }
  }
  for (size_t i = 0; i < lines.size(); ++i) {
    std::string text;
    for (size_t c = 0; c < lines[i].size(); ++c) {
      const std::string cell = PadRight(lines[i][c], widths[c]);
      absl::StrAppend(&text, i == 0 ? paint(Color::kBold, cell) : cell, "  ");
    }
    absl::StrAppend(&out, absl::StripTrailingAsciiWhitespace(text), "\n");
  }
}

std::string DayText(const google::type::Date& date) {
  return absl::StrFormat("%04d-%02d-%02d", date.year(), date.month(), date.day());
}

template <typename Enum>
std::string WordOf(Enum value) {
  const auto* found = google::protobuf::GetEnumDescriptor<Enum>()->FindValueByNumber(value);
  return found == nullptr ? "" : EnumText(*found);
}

std::string GroupHeading(const o::ClinicReport& report) {
  if (report.query().group_by() == o::REPORT_GROUPING_UNSPECIFIED) return "GROUP";
  return absl::AsciiStrToUpper(WordOf(report.query().group_by()));
}

}  // namespace

std::string RenderReport(const o::ClinicReport& report, const Paint& paint) {
  const o::ReportQuery& query = report.query();
  std::string out =
      absl::StrCat(paint(Color::kBold, report.clinic()), "  courses ", WordOf(query.basis()), " ",
                   DayText(query.first_date()), " to ", DayText(query.last_date()), ", ",
                   report.measurements(), " measurements\nscores: ", WordOf(query.population()),
                   "; drop-out: ", WordOf(query.drop_out()), "; numbers of fewer than ",
                   query.smallest_group(), " are not shown\n");
  for (const std::string& caution : report.cautions()) {
    const std::string text = Wrap(absl::StrCat("mind: ", caution), 0, kReportWidth);
    absl::StrAppend(&out, paint(Color::kYellow, absl::StripTrailingAsciiWhitespace(text)), "\n");
  }

  out += "\n";
  std::vector<Cells> lines = {{GroupHeading(report), "COURSES", "FINISHED", "COMPLETED",
                               "DROPPED OUT", "SESSIONS", "PAIRED", "RECOVERED", "IMPROVED",
                               "DETERIORATED"}};
  for (const o::ReportRow& row : report.rows()) {
    const o::CourseFlow& flow = row.flow();
    const o::RecoveryFigures& recovery = row.recovery();
    const o::AttendanceFigures& attendance = row.attendance();
    lines.push_back(
        {row.display_name(), CountText(flow.has_courses(), flow.courses(), flow),
         CountText(flow.has_finished(), flow.finished(), flow), ShareText(flow.completed()),
         ShareText(flow.dropped_out()),
         DecimalText(attendance.has_mean_sessions(), attendance.mean_sessions(),
                     flow.has_finished() ? o::SUPPRESSION_NOT_COMPUTABLE : flow.suppression()),
         ShareText(recovery.paired()), ShareText(recovery.recovered()),
         ShareText(recovery.reliably_improved()), ShareText(recovery.reliably_deteriorated())});
  }
  AppendCells(lines, paint, out);

  const int measures = report.rows_size() == 0 ? 0 : report.rows(0).measures_size();
  for (int m = 0; m < measures; ++m) {
    const std::string& name = report.rows(0).measures(m).instrument();
    absl::StrAppend(&out, "\n", paint(Color::kBold, LastSegment(name)), "\n");
    lines = {{GroupHeading(report), "PAIRED", "FIRST", "LAST", "EFFECT SIZE D", "RESPONSE",
              "REMISSION", "IMPROVED", "DETERIORATED"}};
    for (const o::ReportRow& row : report.rows()) {
      if (m >= row.measures_size()) continue;
      const o::MeasureFigures& figures = row.measures(m);
      const o::EffectSize& effect = figures.effect();
      lines.push_back(
          {row.display_name(), ShareText(figures.paired()),
           DecimalText(effect.has_first_mean(), effect.first_mean(), effect.suppression()),
           DecimalText(effect.has_last_mean(), effect.last_mean(), effect.suppression()),
           EffectText(effect), ShareText(figures.response()), ShareText(figures.remission()),
           ShareText(figures.reliably_improved()), ShareText(figures.reliably_deteriorated())});
    }
    AppendCells(lines, paint, out);
  }

  absl::StrAppend(&out, "\n", paint(Color::kBold, "published, to hold beside it"), "\n");
  lines = {{"WHAT", "VALUE", "WHO"}};
  for (const o::Benchmark& benchmark : report.benchmarks()) {
    if (benchmark.comparability() != o::COMPARABILITY_SAME_KIND) continue;
    lines.push_back(
        {benchmark.measure(), absl::StrFormat("%.3g", benchmark.value()), benchmark.citation()});
  }
  AppendCells(lines, paint, out);
  out += "Each with its cautions, and all definitions: --output json.\n";
  return out;
}

}  // namespace ipt::ctl
