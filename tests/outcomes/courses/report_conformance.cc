// A clinic's report over a real store: of what is stored now, whether its results were kept before
// or not. On both engines.
#include <algorithm>
#include <map>

#include "course_copies/storage/sql_course_copies.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "outcomes/domain/clinic_reports.h"
#include "outcomes/rpc/report_handler.h"
#include "tests/outcomes/courses/course_result_fixture.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class FixedHorizon final : public courses::CopyHorizon {
 public:
  absl::StatusOr<std::optional<absl::Time>> CopiedUntil(absl::string_view, absl::Time) override {
    return until;
  }
  std::optional<absl::Time> until;
};

class ReportTest : public CourseResultTest {
 protected:
  ReportTest() { horizon_.until = now_; }

  // Twelve of ana's, eight of ben's, three of cyd's.
  void FillClinic() {
    int number = 0;
    for (const auto& [therapist, count] :
         std::map<std::string, int>{{"ana", 12}, {"ben", 8}, {"cyd", 3}}) {
      for (int i = 0; i < count; ++i, ++number) {
        const std::string id = absl::StrCat("k", number);
        Put(CopyOf({.id = id, .therapist = therapist}));
        Score(id, 12 + number % 8, number % 3 == 0 ? 14 : 4, 9, number % 4 == 0 ? 9 : 3);
      }
    }
  }

  static pb::ReportQuery Year() {
    pb::ReportQuery query;
    query.mutable_first_date()->set_year(2026);
    query.mutable_first_date()->set_month(1);
    query.mutable_first_date()->set_day(1);
    query.mutable_last_date()->set_year(2026);
    query.mutable_last_date()->set_month(12);
    query.mutable_last_date()->set_day(31);
    return query;
  }
  absl::StatusOr<pb::ClinicReport> Report(const pb::ReportQuery& query = Year(),
                                          const std::string& clinic = "north",
                                          int64_t min_revision = 0) {
    pb::GetClinicReportRequest request;
    request.set_clinic("clinics/" + clinic);
    *request.mutable_query() = query;
    request.set_min_revision(min_revision);
    return reports_.GetClinicReport(ReadCall(clinic), request);
  }
  FixedHorizon horizon_;
  ReportHandler reports_{store_, catalog_, &horizon_};
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(ReportTest);

TEST_P(ReportTest, CountsAClinicsCoursesByTherapist) {
  FillClinic();
  pb::ReportQuery query = Year();
  query.set_group_by(pb::REPORT_GROUPING_THERAPIST);
  ASSERT_OK_AND_ASSIGN(const pb::ClinicReport report, Report(query));
  EXPECT_EQ(report.clinic(), "clinics/north");
  EXPECT_EQ(report.query().basis(), pb::PERIOD_BASIS_CLOSED);
  EXPECT_EQ(report.query().population(), pb::REPORT_POPULATION_PAIRED);
  EXPECT_EQ(report.query().drop_out(), pb::DROP_OUT_DEFINITION_ENDED_WITHOUT_AGREEMENT);
  EXPECT_EQ(report.query().smallest_group(), 5);
  EXPECT_EQ(report.measurements(), 92);
  EXPECT_EQ(report.unverified_measurements(), 0);
  EXPECT_THAT(report.cautions(), IsEmpty());
  EXPECT_TRUE(report.scheduling().current());
  EXPECT_GT(report.revision(), 0);
  ASSERT_EQ(report.rows_size(), 4);

  const pb::ReportRow& all = report.rows(0);
  EXPECT_EQ(all.grouping(), pb::REPORT_GROUPING_UNSPECIFIED);
  EXPECT_EQ(all.flow().courses(), 23);
  EXPECT_EQ(all.flow().finished(), 23);
  EXPECT_EQ(all.flow().completed().hits(), 23);
  EXPECT_DOUBLE_EQ(all.attendance().mean_sessions(), 8);
  EXPECT_DOUBLE_EQ(all.attendance().mean_weeks(), 7);
  // 15 of 23 fell to 4 points, 17 to 3: of numbers with neither 0 by 3 nor by 4, 11 recovered.
  EXPECT_EQ(all.recovery().recovered().hits(), 11);
  EXPECT_EQ(all.recovery().recovered().of(), 23);
  EXPECT_GT(all.recovery().recovered().interval().high(), all.recovery().recovered().share());
  ASSERT_EQ(all.measures_size(), 2);
  EXPECT_EQ(all.measures(1).instrument(), "clinics/north/instruments/phq-9");
  EXPECT_EQ(all.measures(1).scale(), "total");
  EXPECT_EQ(all.measures(1).effect().pairs(), 23);
  EXPECT_GT(all.measures(1).effect().d(), 1);
  EXPECT_THAT(all.measures(1).effect().method(), HasSubstr("standard deviation of first"));
  EXPECT_EQ(all.measures(1).remission().hits(), 15);
  EXPECT_THAT(all.measures(1).rule_sets(), Not(IsEmpty()));

  EXPECT_EQ(report.rows(1).group(), "clinics/north/therapists/ana");
  EXPECT_EQ(report.rows(1).grouping(), pb::REPORT_GROUPING_THERAPIST);
  EXPECT_EQ(report.rows(1).flow().courses(), 12);
  // Three are too few, and with the eight they would be told from all.
  EXPECT_EQ(report.rows(2).suppression(), pb::SUPPRESSION_COMPLEMENTARY);
  EXPECT_EQ(report.rows(3).suppression(), pb::SUPPRESSION_SMALL);
  for (const int row : {2, 3}) {
    EXPECT_FALSE(report.rows(row).flow().has_courses());
    EXPECT_FALSE(report.rows(row).recovery().recovered().has_hits());
    EXPECT_FALSE(report.rows(row).measures(1).effect().has_d());
    EXPECT_FALSE(report.rows(row).attendance().has_mean_weeks());
  }
  EXPECT_THAT(report.definitions(), Not(IsEmpty()));
  EXPECT_THAT(report.benchmarks(), Not(IsEmpty()));
}

TEST_P(ReportTest, IsTheSameWithKeptResultsAsWithout) {
  FillClinic();
  Put(CopyOf({.id = "left",
              .attended = 3,
              .state = courses::CopiedCourseState::kDiscontinued,
              .reason = 1}));
  Fill("left", "phq-9", 20, 1);
  Put(CopyOf({.id = "open", .state = courses::CopiedCourseState::kActive}));
  EXPECT_EQ(Keep(), 25);  // and told to followers, which moves the revision
  for (const auto basis : {pb::PERIOD_BASIS_CLOSED, pb::PERIOD_BASIS_STARTED}) {
    for (const auto grouping : {pb::REPORT_GROUPING_INDICATION, pb::REPORT_GROUPING_BASELINE_BAND,
                                pb::REPORT_GROUPING_MONTH, pb::REPORT_GROUPING_VARIANT}) {
      pb::ReportQuery query = Year();
      query.set_basis(basis);
      query.set_group_by(grouping);
      query.set_population(pb::REPORT_POPULATION_CARRIED_FORWARD);
      ASSERT_OK(db_->Write({}, [](storage::Connection& conn) {
        return conn.Execute({"UPDATE course_results SET stale = 1"}).status();
      }));
      ASSERT_OK_AND_ASSIGN(const pb::ClinicReport made, Report(query));
      EXPECT_EQ(Keep(), 25);
      ASSERT_OK_AND_ASSIGN(const pb::ClinicReport kept, Report(query));
      EXPECT_EQ(made.DebugString(), kept.DebugString());
      EXPECT_EQ(kept.rows(0).flow().courses(), basis == pb::PERIOD_BASIS_CLOSED ? 24 : 25);
    }
  }
}

TEST_P(ReportTest, EveryChangeOfACourseMarksItsResult) {
  courses::CopiedCourse copy = CopyOf({.id = "k1"});
  courses::CopiedCourse other = CopyOf({.id = "k2"});
  Put(copy);
  Put(other);
  Score("k1", 20, 4, 15, 3);
  EXPECT_EQ(Keep(), 2);

  const pb::Measurement recorded = Fill("k1", "phq-9", 6, 5);
  EXPECT_EQ(Keep(), 1);
  pb::CorrectMeasurementRequest correct;
  correct.mutable_measurement()->set_name(recorded.name());
  correct.mutable_measurement()->set_mode(pb::ANSWER_MODE_PAPER);
  correct.mutable_update_mask()->add_paths("mode");
  correct.set_reason("misread");
  ASSERT_OK(measurements_.CorrectMeasurement(WriteCall(correct), correct));
  EXPECT_EQ(Keep(), 1);
  pb::MarkMeasurementEnteredInErrorRequest wrong;
  wrong.set_name(recorded.name());
  wrong.set_reason(pb::ENTERED_IN_ERROR_REASON_TEST);
  ASSERT_OK(measurements_.MarkMeasurementEnteredInError(WriteCall(wrong), wrong));
  EXPECT_EQ(Keep(), 1);

  copy.therapist_id = "ben";
  Tell(copy);
  EXPECT_EQ(Keep(), 1);
  copy.sessions[7].state = courses::CopiedSessionState::kNoShow;
  Tell(copy);
  EXPECT_EQ(Keep(), 1);
  // Another forecast moves nothing that counts.
  copy.deadline_day = absl::CivilDay(2026, 9, 9);
  Tell(copy);
  EXPECT_EQ(Keep(), 0);

  pb::UpdateOutcomePolicyRequest policy;
  policy.set_clinic("clinics/north");
  policy.mutable_policy()->set_response_percent(60);
  policy.mutable_update_mask()->add_paths("response_percent");
  ASSERT_OK(policies_.UpdateOutcomePolicy(WriteCall(policy), policy));
  EXPECT_EQ(Keep(), 2);
  ASSERT_OK(db_->Write({}, [](storage::Connection& conn) {
    return courses::SqlCourseCopies::DropUnlisted(conn, "north", 1);
  }));
  EXPECT_EQ(Keep(), 2);
  EXPECT_EQ(Report()->rows(0).flow().courses(), 0);
}

// A result that was made before a change is not written over it.
TEST_P(ReportTest, AResultIsKeptOnlyOfWhatIsStillSo) {
  Put(CopyOf({.id = "k1"}));
  Score("k1", 20, 4, 15, 3);
  std::vector<StaleResult> stale;
  CourseResult made;
  ASSERT_OK(store_.Read(absl::InfiniteFuture(), [&](OutcomesReader& reader) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(stale, reader.ListStaleResults({}, 10));
    IPT_ASSIGN_OR_RETURN(const ResultRules rules, LoadResultRules(reader, catalog_, "north"));
    IPT_ASSIGN_OR_RETURN(made, MakeCourseResult(reader, rules, "north", "k1"));
    return absl::OkStatus();
  }));
  ASSERT_THAT(stale, SizeIs(1));
  Fill("k1", "phq-9", 9, 8);  // the same session's, completed later
  const auto keep = [&](const StaleResult& of) {
    bool kept = false;
    EXPECT_OK(store_.Write(absl::InfiniteFuture(), [&](OutcomesTx& tx) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(kept, tx.KeepCourseResult(of, made, {}));
      return absl::OkStatus();
    }));
    return kept;
  };
  EXPECT_FALSE(keep(stale[0]));
  EXPECT_EQ(Stale(), 1);
  // Nor twice: who keeps it first tells of it.
  ++stale[0].generation;
  EXPECT_TRUE(keep(stale[0]));
  EXPECT_FALSE(keep(stale[0]));
  EXPECT_EQ(Stale(), 0);
}

TEST_P(ReportTest, ReadsACorrectionAtOnce) {
  FillClinic();
  Keep();
  pb::ReportQuery query = Year();
  query.add_instruments("clinics/north/instruments/phq-9");
  ASSERT_OK_AND_ASSIGN(const pb::ClinicReport before, Report(query));
  ASSERT_EQ(before.rows(0).measures_size(), 1);
  now_ += absl::Minutes(1);
  const pb::Measurement later = Fill("k0", "phq-9", 0, 8);
  ASSERT_OK_AND_ASSIGN(const pb::ClinicReport after, Report(query, "north", later.revision()));
  EXPECT_EQ(after.rows(0).measures(0).remission().hits(),
            before.rows(0).measures(0).remission().hits() + 1);
  EXPECT_EQ(after.measurements(), before.measurements() + 1);
  EXPECT_GE(after.revision(), later.revision());
  EXPECT_THAT(Report(query, "north", after.revision() + 1000),
              FailsWith(absl::StatusCode::kFailedPrecondition, "REVISION_NOT_REACHED"));
}

TEST_P(ReportTest, OtherClinicsAndOtherTimesAreNotOfIt) {
  FillClinic();
  Put(CopyOf({.id = "south-1", .clinic = "south"}));
  EXPECT_EQ(Report(Year(), "south")->rows(0).flow().suppression(), pb::SUPPRESSION_SMALL);
  EXPECT_EQ(Report(Year(), "south")->measurements(), 0);
  pb::ReportQuery query = Year();
  query.mutable_first_date()->set_month(3);
  query.mutable_first_date()->set_day(3);
  EXPECT_EQ(Report(query)->rows(0).flow().courses(), 0);  // they closed on the second
  query.mutable_first_date()->set_day(2);
  EXPECT_EQ(Report(query)->rows(0).flow().courses(), 23);
  query.add_therapists("clinics/north/therapists/ana");
  EXPECT_EQ(Report(query)->rows(0).flow().courses(), 12);
  query.add_indications(ipt::scheduling::v1::INDICATION_PTSD);
  EXPECT_EQ(Report(query)->rows(0).flow().courses(), 0);
}

TEST_P(ReportTest, SaysWhatIsToBeMinded) {
  for (int i = 0; i < 10; ++i) {
    const std::string id = absl::StrCat("k", i);
    Put(CopyOf({.id = id}));
    if (i < 8) {
      Score(id, 12 + i, 4, 9, 3);
    } else {
      Fill(id, "phq-9", 12, 1);
    }
  }
  // Of a course that scheduling has not told of yet.
  Fill("nobody", "phq-9", 12, 1);
  horizon_.until = now_ - absl::Hours(3);
  ASSERT_OK_AND_ASSIGN(const pb::ClinicReport report, Report());
  EXPECT_THAT(report.cautions(),
              ElementsAre(HasSubstr("both measures of recovery: 80.0 %"),
                          HasSubstr("gad-7: 80.0 %"), HasSubstr("phq-9: 80.0 % of the finished"),
                          HasSubstr("1 measurement is left out"), HasSubstr("Scheduling is away")));
  EXPECT_EQ(report.unverified_measurements(), 1);
  EXPECT_EQ(report.rows(0).flow().courses(), 10);
  EXPECT_FALSE(report.scheduling().current());
  EXPECT_TRUE(report.scheduling().has_as_of_time());
  horizon_.until.reset();
  EXPECT_THAT(Report()->cautions(), Contains(HasSubstr("not all in yet")));
  EXPECT_FALSE(Report()->scheduling().has_as_of_time());
}

TEST_P(ReportTest, NamesAllThatIsWrongOfAQuery) {
  pb::ReportQuery query;
  query.mutable_first_date()->set_year(2026);
  query.mutable_first_date()->set_month(2);
  query.mutable_first_date()->set_day(30);
  query.add_indications(ipt::scheduling::v1::INDICATION_UNSPECIFIED);
  query.add_variants("");
  query.set_smallest_group(1001);
  EXPECT_THAT(Report(query).status(),
              HasBadFields("query.first_date", "query.last_date", "query.indications[0]",
                           "query.variants[0]", "query.smallest_group"));
  query = Year();
  query.mutable_last_date()->set_year(2025);
  EXPECT_THAT(Report(query).status(), HasBadFields("query.last_date"));
  query.mutable_last_date()->set_year(2036);
  EXPECT_THAT(Report(query).status(), HasBadFields("query.last_date"));
  query.mutable_last_date()->set_month(1);
  query.mutable_last_date()->set_day(1);
  EXPECT_OK(Report(query).status());
  query.add_instruments("clinics/north/instruments/phq-9");
  query.add_instruments("clinics/north/instruments/phq-99");
  EXPECT_THAT(Report(query).status(), HasBadFields("query.instruments[1]"));
}

TEST_P(ReportTest, ShowsNoFewerThanThePolicyWants) {
  FillClinic();
  pb::UpdateOutcomePolicyRequest policy;
  policy.set_clinic("clinics/north");
  policy.mutable_policy()->set_smallest_group(30);
  policy.mutable_policy()->set_drop_out(pb::DROP_OUT_DEFINITION_ANY_NON_COMPLETION);
  policy.mutable_update_mask()->add_paths("smallest_group");
  policy.mutable_update_mask()->add_paths("drop_out");
  ASSERT_OK(policies_.UpdateOutcomePolicy(WriteCall(policy), policy));
  pb::ReportQuery query = Year();
  query.set_smallest_group(3);
  ASSERT_OK_AND_ASSIGN(const pb::ClinicReport report, Report(query));
  EXPECT_EQ(report.query().smallest_group(), 30);
  EXPECT_EQ(report.query().drop_out(), pb::DROP_OUT_DEFINITION_ANY_NON_COMPLETION);
  EXPECT_EQ(report.policy_version(), 1);
  EXPECT_EQ(report.rows(0).suppression(), pb::SUPPRESSION_SMALL);
  EXPECT_EQ(report.measurements(), 0);
}

TEST_P(ReportTest, StreamsTheSameAsCsv) {
  FillClinic();
  pb::StreamClinicReportRequest request;
  request.set_clinic("clinics/north");
  *request.mutable_query() = Year();
  request.mutable_query()->set_group_by(pb::REPORT_GROUPING_THERAPIST);
  ASSERT_OK_AND_ASSIGN(auto stream, reports_.StreamClinicReport(ReadCall(), request, nullptr));
  ASSERT_OK_AND_ASSIGN(const auto part, stream->NextResponse(ReadCall()));
  EXPECT_TRUE(part.end);
  ASSERT_TRUE(part.response.has_value());
  EXPECT_TRUE(part.response->complete());
  EXPECT_GT(part.response->revision(), 0);
  const std::string& csv = part.response->csv();
  EXPECT_THAT(csv, ::testing::StartsWith(
                       "grouping,group,display_name,section,instrument,scale,figure,value,hits,of,"
                       "low,high,suppression\r\n"
                       ",,All,flow,,,courses,23,,,,,\r\n"));
  EXPECT_THAT(csv, HasSubstr("\r\n,,All,measure,clinics/north/instruments/phq-9,total,remission,"
                             "0.652173913,15,23,"));
  EXPECT_THAT(csv, HasSubstr("\r\nTHERAPIST,clinics/north/therapists/cyd,cyd,flow,,,courses,,,,,,"
                             "SMALL\r\n"));
  const int64_t lines = std::count(csv.begin(), csv.end(), '\n');
  EXPECT_EQ(lines, 1 + 4 * (8 + 3 + 9 + 2 * 11));
  request.mutable_query()->clear_last_date();
  EXPECT_THAT(reports_.StreamClinicReport(ReadCall(), request, nullptr).status(),
              HasBadFields("query.last_date"));
}

}  // namespace
}  // namespace ipt::outcomes
