#include "iptctl/render_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ipt::ctl {
namespace {

namespace o = outcomes::v1;
using ::testing::HasSubstr;
using ::testing::Not;

void Put(int64_t hits, int64_t of, o::Rate* rate) {
  rate->set_hits(hits);
  rate->set_of(of);
  rate->set_share(static_cast<double>(hits) / static_cast<double>(of));
}

o::ClinicReport TwoTherapists() {
  o::ClinicReport report;
  report.set_clinic("clinics/north");
  report.mutable_query()->mutable_first_date()->set_year(2026);
  report.mutable_query()->mutable_first_date()->set_month(1);
  report.mutable_query()->mutable_first_date()->set_day(1);
  report.mutable_query()->set_basis(o::PERIOD_BASIS_CLOSED);
  report.mutable_query()->set_group_by(o::REPORT_GROUPING_THERAPIST);
  report.mutable_query()->set_smallest_group(5);
  report.add_cautions("Paired data of phq-9: 80.0 %.");
  for (const char* name : {"All", "ana"}) {
    o::ReportRow& row = *report.add_rows();
    row.set_display_name(name);
    row.mutable_flow()->set_courses(12);
    row.mutable_flow()->set_finished(10);
    Put(9, 12, row.mutable_flow()->mutable_completed());
    row.mutable_flow()->mutable_dropped_out()->set_suppression(o::SUPPRESSION_SMALL);
    row.mutable_attendance()->set_mean_sessions(11.25);
    Put(6, 10, row.mutable_recovery()->mutable_recovered());
    o::MeasureFigures& phq = *row.add_measures();
    phq.set_instrument("clinics/north/instruments/phq-9");
    phq.mutable_effect()->set_d(1.234);
    phq.mutable_effect()->mutable_interval()->set_low(0.9);
    phq.mutable_effect()->mutable_interval()->set_high(1.5);
    phq.mutable_effect()->set_first_mean(17.04);
  }
  o::ReportRow& few = *report.add_rows();
  few.set_display_name("ben");
  few.mutable_flow()->set_suppression(o::SUPPRESSION_COMPLEMENTARY);
  few.mutable_recovery()->mutable_recovered()->set_suppression(o::SUPPRESSION_COMPLEMENTARY);
  few.add_measures()->mutable_effect()->set_suppression(o::SUPPRESSION_COMPLEMENTARY);
  o::Benchmark& benchmark = *report.add_benchmarks();
  benchmark.set_measure("BDI-II, pre-post");
  benchmark.set_value(1.26);
  benchmark.set_comparability(o::COMPARABILITY_SAME_KIND);
  o::Benchmark& other = *report.add_benchmarks();
  other.set_measure("against controls");
  other.set_comparability(o::COMPARABILITY_FOR_ORIENTATION);
  return report;
}

TEST(RenderReportTest, ShowsARowAGroupAndWhatToMindFirst) {
  const std::string text = RenderReport(TwoTherapists(), {});
  EXPECT_THAT(text, HasSubstr("clinics/north  courses closed 2026-01-01"));
  EXPECT_LT(text.find("mind: Paired data of phq-9"), text.find("THERAPIST"));
  EXPECT_THAT(text, HasSubstr("THERAPIST  COURSES  FINISHED  COMPLETED   DROPPED OUT  SESSIONS"));
  EXPECT_THAT(text, HasSubstr("ana        12       10        75% (9/12)  few          11.2 "));
  EXPECT_THAT(text, HasSubstr("60% (6/10)"));
  EXPECT_THAT(text, HasSubstr("\nphq-9\n"));
  EXPECT_THAT(text, HasSubstr("1.23 (0.90 to 1.50)"));
  EXPECT_THAT(text, HasSubstr("BDI-II, pre-post  1.26"));
  EXPECT_THAT(text, Not(HasSubstr("against controls")));
}

TEST(RenderReportTest, SaysWhyANumberIsNotShown) {
  const std::string text = RenderReport(TwoTherapists(), {});
  EXPECT_THAT(text, HasSubstr("\nben        hidden   hidden "));
}

TEST(RenderReportTest, AnEmptyReportIsNoTrouble) {
  EXPECT_THAT(RenderReport(o::ClinicReport(), {}), HasSubstr("GROUP"));
}

}  // namespace
}  // namespace ipt::ctl
