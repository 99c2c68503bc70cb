#include "outcomes/rpc/report_csv.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "platform/text/csv.h"

namespace ipt::outcomes {
namespace {

constexpr char kHeading[] =
    "grouping,group,display_name,section,instrument,scale,figure,value,hits,of,low,high,"
    "suppression\r\n";

std::string Number(double value) { return absl::StrFormat("%.10g", value); }

class RowLines {
 public:
  RowLines(const pb::ReportRow& row, std::vector<std::string>& lines)
      : row_(row),
        lines_(lines),
        group_(absl::StrCat(
            row.grouping() == pb::REPORT_GROUPING_UNSPECIFIED
                ? ""
                : absl::StripPrefix(pb::ReportGrouping_Name(row.grouping()), "REPORT_GROUPING_"),
            ",", GuardedCsvCell(row.group()), ",", GuardedCsvCell(row.display_name()), ",")) {}

  void Write() {
    Flow();
    Attendance();
    Recovery();
    for (const pb::MeasureFigures& measure : row_.measures()) Measure(measure);
  }

 private:
  // `cells`: value, hits, of, low, high.
  void Add(absl::string_view figure, absl::string_view cells, pb::Suppression suppression) {
    const std::string why =
        suppression == pb::SUPPRESSION_UNSPECIFIED
            ? ""
            : std::string(absl::StripPrefix(pb::Suppression_Name(suppression), "SUPPRESSION_"));
    lines_.push_back(absl::StrCat(group_, section_, ",", figure, ",", cells, ",", why, "\r\n"));
  }
  void Value(absl::string_view figure, std::optional<double> value, pb::Suppression why) {
    Add(figure, absl::StrCat(value.has_value() ? Number(*value) : "", ",,,,"),
        value.has_value() ? pb::SUPPRESSION_UNSPECIFIED : why);
  }
  void Rate(absl::string_view figure, const pb::Rate& rate) {
    Add(figure,
        absl::StrJoin({rate.has_share() ? Number(rate.share()) : "",
                       rate.has_hits() ? absl::StrCat(rate.hits()) : "",
                       rate.has_of() ? absl::StrCat(rate.of()) : "",
                       rate.has_interval() ? Number(rate.interval().low()) : "",
                       rate.has_interval() ? Number(rate.interval().high()) : ""},
                      ","),
        rate.suppression());
  }

  void Flow() {
    section_ = "flow,,";
    const pb::CourseFlow& flow = row_.flow();
    const auto count = [&](absl::string_view figure, bool has, int64_t count) {
      Value(figure, has ? std::optional<double>(static_cast<double>(count)) : std::nullopt,
            flow.suppression());
    };
    count("courses", flow.has_courses(), flow.courses());
    count("open", flow.has_open(), flow.open());
    count("never_started", flow.has_never_started(), flow.never_started());
    count("finished", flow.has_finished(), flow.finished());
    Rate("completed", flow.completed());
    Rate("agreed_early", flow.agreed_early());
    Rate("dropped_out", flow.dropped_out());
    Rate("ended_otherwise", flow.ended_otherwise());
  }

  void Attendance() {
    section_ = "attendance,,";
    const pb::AttendanceFigures& attendance = row_.attendance();
    Rate("attended", attendance.attended());
    // Of the finished, as many as there are: hidden with them.
    const pb::Suppression why =
        row_.flow().has_finished() ? pb::SUPPRESSION_NOT_COMPUTABLE : row_.flow().suppression();
    Value("mean_sessions",
          attendance.has_mean_sessions() ? std::optional(attendance.mean_sessions()) : std::nullopt,
          why);
    Value("mean_weeks",
          attendance.has_mean_weeks() ? std::optional(attendance.mean_weeks()) : std::nullopt, why);
  }

  void Recovery() {
    section_ = "recovery,,";
    const pb::RecoveryFigures& recovery = row_.recovery();
    Rate("paired", recovery.paired());
    Rate("case_at_start", recovery.case_at_start());
    Rate("recovered", recovery.recovered());
    Rate("reliably_improved", recovery.reliably_improved());
    Rate("no_reliable_change", recovery.no_reliable_change());
    Rate("reliably_deteriorated", recovery.reliably_deteriorated());
    Rate("reliably_recovered", recovery.reliably_recovered());
    Rate("recovered_of_paired", recovery.recovered_of_paired());
    Rate("improved_of_paired", recovery.improved_of_paired());
  }

  void Measure(const pb::MeasureFigures& measure) {
    section_ =
        absl::StrCat("measure,", CsvCell(measure.instrument()), ",", CsvCell(measure.scale()));
    Rate("paired", measure.paired());
    const pb::EffectSize& effect = measure.effect();
    Add("effect_size",
        absl::StrJoin({effect.has_d() ? Number(effect.d()) : "", std::string(),
                       effect.has_pairs() ? absl::StrCat(effect.pairs()) : "",
                       effect.has_interval() ? Number(effect.interval().low()) : "",
                       effect.has_interval() ? Number(effect.interval().high()) : ""},
                      ","),
        effect.suppression());
    const auto mean = [&](absl::string_view figure, bool has, double value) {
      Value(figure, has ? std::optional(value) : std::nullopt, effect.suppression());
    };
    mean("first_mean", effect.has_first_mean(), effect.first_mean());
    mean("first_standard_deviation", effect.has_first_standard_deviation(),
         effect.first_standard_deviation());
    mean("last_mean", effect.has_last_mean(), effect.last_mean());
    mean("last_standard_deviation", effect.has_last_standard_deviation(),
         effect.last_standard_deviation());
    Rate("response", measure.response());
    Rate("remission", measure.remission());
    Rate("reliably_improved", measure.reliably_improved());
    Rate("reliably_deteriorated", measure.reliably_deteriorated());
    Rate("significantly_changed", measure.significantly_changed());
  }

  const pb::ReportRow& row_;
  std::vector<std::string>& lines_;
  const std::string group_;
  std::string section_;  // with instrument and scale
};

}  // namespace

std::vector<std::string> ReportLines(const pb::ClinicReport& report) {
  std::vector<std::string> lines = {kHeading};
  for (const pb::ReportRow& row : report.rows()) RowLines(row, lines).Write();
  return lines;
}

}  // namespace ipt::outcomes
