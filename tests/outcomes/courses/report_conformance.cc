// A clinic's report over a real store: of what is stored now, whether its results were kept before
// or not. On both engines.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "course_copies/storage/sql_course_copies.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "outcomes/domain/clinic_reports.h"
#include "outcomes/rpc/report_csv.h"
#include "outcomes/rpc/report_handler.h"
#include "tests/outcomes/courses/course_result_fixture.h"
#include "tests/support/query_plans.h"
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
  absl::Status SetPolicy(absl::FunctionRef<void(pb::UpdateOutcomePolicyRequest&)> set) {
    pb::UpdateOutcomePolicyRequest request;
    request.set_clinic("clinics/north");
    set(request);
    return policies_.UpdateOutcomePolicy(WriteCall(request), request).status();
  }
  absl::Status SetResponse(double percent) {
    return SetPolicy([&](pb::UpdateOutcomePolicyRequest& request) {
      request.mutable_policy()->set_response_percent(percent);
      request.mutable_update_mask()->add_paths("response_percent");
    });
  }
  struct Begun {
    StaleResult of;
    std::string made_by;
    CourseResult result;
  };
  // What a keeper has made of a course, and not written yet.
  Begun Begin(const std::string& course) {
    Begun begun;
    EXPECT_OK(store_.Read(absl::InfiniteFuture(), [&](OutcomesReader& reader) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const std::vector<StaleResult> stale, reader.ListStaleResults({}, 10));
      for (const StaleResult& one : stale) {
        if (one.course_id == course) begun.of = one;
      }
      IPT_ASSIGN_OR_RETURN(const ResultRules rules, LoadResultRules(reader, catalog_, "north"));
      begun.made_by = rules.made_by;
      IPT_ASSIGN_OR_RETURN(begun.result, MakeCourseResult(reader, rules, "north", course));
      return absl::OkStatus();
    }));
    EXPECT_EQ(begun.of.course_id, course);
    return begun;
  }
  // Whether it was kept.
  static absl::StatusOr<bool> Write(OutcomesTx& tx, const Begun& begun) {
    return tx.KeepCourseResult(begun.of, begun.made_by, begun.result, {});
  }
  bool End(const Begun& begun) {
    bool kept = false;
    EXPECT_OK(store_.Write(absl::InfiniteFuture(), [&](OutcomesTx& tx) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(kept, Write(tx, begun));
      return absl::OkStatus();
    }));
    return kept;
  }
  absl::Status Run(const std::string& sql) {
    return db_->Write({}, [&](storage::Connection& conn) { return conn.Execute({sql}).status(); });
  }
  // How it would go about a report's statement if there were many rows.
  static std::string ExplainOnPostgres(storage::Database& db, const std::string& sql) {
    std::string plan;
    EXPECT_OK(db.Write({}, [&](storage::Connection& conn) -> absl::Status {
      for (const char* way : {"seqscan", "bitmapscan"}) {
        IPT_RETURN_IF_ERROR(
            conn.Execute({absl::StrCat("SET LOCAL enable_", way, " = off")}).status());
      }
      const std::string explain = absl::StrCat("EXPLAIN ", sql);
      return conn.Query({explain, {storage::ColumnType::kText}}, {"north", "rules", 20'000, 20'090},
                        [&](const storage::Row& row) {
                          absl::StrAppend(&plan, row.Text(0), "\n");
                          return absl::OkStatus();
                        });
    }));
    return plan;
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
  EXPECT_EQ(report.rows(1).measures(1).effect().method(), "");  // the same
  EXPECT_EQ(report.depression_instrument(), "clinics/north/instruments/phq-9");
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
      ASSERT_OK(Run("UPDATE course_results SET stale = 1"));
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

  ASSERT_OK(SetResponse(60));
  EXPECT_EQ(Count("course_results WHERE stale = 1"), 0);  // no row is touched
  EXPECT_EQ(Keep(), 2);
  // What no result is made of: alerts, and how a report counts.
  ASSERT_OK(SetPolicy([](pb::UpdateOutcomePolicyRequest& request) {
    request.mutable_policy()->set_smallest_group(10);
    request.mutable_policy()->set_no_review_alerts(true);
    for (const char* path : {"smallest_group", "no_review_alerts"}) {
      request.mutable_update_mask()->add_paths(path);
    }
  }));
  EXPECT_EQ(Keep(), 0);
  // What followers are told of results and signals.
  ASSERT_OK(SetPolicy([](pb::UpdateOutcomePolicyRequest& request) {
    request.mutable_policy()->set_drop_out(pb::DROP_OUT_DEFINITION_UNDER_HALF_ATTENDED);
    request.mutable_update_mask()->add_paths("drop_out");
  }));
  EXPECT_EQ(Keep(), 2);
  ASSERT_OK(SetPolicy([](pb::UpdateOutcomePolicyRequest& request) {
    request.mutable_policy()->mutable_not_on_track()->set_late_week(10);
    request.mutable_update_mask()->add_paths("not_on_track");
  }));
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
  const Begun begun = Begin("k1");
  Fill("k1", "phq-9", 9, 8);  // the same session's, completed later
  EXPECT_FALSE(End(begun));
  EXPECT_EQ(Stale(), 1);
  // Nor twice: who keeps it first tells of it.
  const Begun again = Begin("k1");
  EXPECT_TRUE(End(again));
  EXPECT_FALSE(End(again));
  EXPECT_EQ(Stale(), 0);
}

// Ten at 60 %: a response by the half, none by 70 %.
TEST_P(ReportTest, AResultOfRulesThatChangedMeanwhileDoesNotCount) {
  for (int i = 0; i < 10; ++i) {
    Put(CopyOf({.id = absl::StrCat("k", i)}));
    Score(absl::StrCat("k", i), 20, 8, 15, 3);
  }
  const auto responses = [&] {
    const auto report = Report();
    EXPECT_OK(report.status());
    return report->rows(0).measures(1).response().hits();
  };
  EXPECT_EQ(responses(), 10);
  std::vector<Begun> begun;
  begun.reserve(10);
  for (int i = 0; i < 10; ++i) begun.push_back(Begin(absl::StrCat("k", i)));
  ASSERT_OK(SetResponse(70));
  for (const Begun& one : begun) EXPECT_TRUE(End(one));
  EXPECT_EQ(Count("course_results WHERE stale = 1"), 0);
  EXPECT_EQ(responses(), 0);
  EXPECT_EQ(Keep(), 10);
  EXPECT_EQ(responses(), 0);
  EXPECT_EQ(Stale(), 0);
}

// Before the policy's change is committed a course comes, and a keeper makes it by what it sees.
TEST_P(ReportTest, ACourseThatComesWhileThePolicyChangesIsNotCountedByTheOldOne) {
  if (GetParam() == storage::Dialect::kSqlite) GTEST_SKIP() << "its writers go one after the other";
  const std::unique_ptr<storage::Database> another = db_.OpenAnother();
  SqlOutcomesStore other(*another, encoder_, alert_encoder_, [](storage::Connection& conn) {
    return std::make_unique<CopiedDirectory>(conn);
  });
  ASSERT_OK(other.Write(absl::InfiniteFuture(), [&](OutcomesTx& tx) -> absl::Status {
    IPT_RETURN_IF_ERROR(tx.LockScope("north", ""));
    OutcomePolicy after{.clinic_id = "north", .version = 1, .response_percent = 70};
    IPT_RETURN_IF_ERROR(tx.PutPolicy(after, now_));
    for (int i = 0; i < 5; ++i) {
      Put(CopyOf({.id = absl::StrCat("k", i)}));
      Score(absl::StrCat("k", i), 20, 8, 15, 3);
    }
    EXPECT_EQ(Keep(), 5);
    EXPECT_EQ(Report()->rows(0).measures(1).response().hits(), 5);
    return absl::OkStatus();
  }));
  EXPECT_EQ(Report()->rows(0).measures(1).response().hits(), 0);
  EXPECT_EQ(Keep(), 5);
  EXPECT_EQ(Report()->rows(0).measures(1).response().hits(), 0);
}

// A session that comes before its course meets whoever makes the course.
TEST_P(ReportTest, ASessionBeforeItsCourseMarksTheResult) {
  const courses::CopiedCourse copy = CopyOf({.id = "k1"});
  ASSERT_OK(db_->Write({}, [&](storage::Connection& conn) {
    return courses::SqlCourseCopies::PutSession(conn, "north", "k1", copy.sessions[0],
                                                {.at = now_});
  }));
  EXPECT_EQ(Stale(), 1);
  EXPECT_EQ(Keep(), 1);
  Put(copy);
  EXPECT_EQ(Keep(), 1);
}

TEST_P(ReportTest, AKeeperWaitsForNoOtherWriter) {
  if (GetParam() == storage::Dialect::kSqlite) GTEST_SKIP() << "its writers go one after the other";
  Put(CopyOf({.id = "k1"}));
  Put(CopyOf({.id = "k2"}));
  const Begun k1 = Begin("k1");
  const Begun k2 = Begin("k2");
  const std::unique_ptr<storage::Database> another = db_.OpenAnother();
  ASSERT_OK(another->Write({}, [&](storage::Connection& conn) -> absl::Status {
    IPT_RETURN_IF_ERROR(conn.Execute({"UPDATE course_results SET generation = generation + 1 "
                                      "WHERE course_id = 'k1'"})
                            .status());
    // Passed over, and not waited for until this is over, which it then never were.
    EXPECT_OK(store_.Write(absl::Now() + absl::Seconds(5), [&](OutcomesTx& tx) -> absl::Status {
      EXPECT_FALSE(Write(tx, k1).value_or(true));
      EXPECT_TRUE(Write(tx, k2).value_or(false));
      return absl::OkStatus();
    }));
    return absl::OkStatus();
  }));
  EXPECT_EQ(Count("course_results WHERE stale = 1 AND course_id = 'k1'"), 1);
  EXPECT_EQ(Count("course_results WHERE stale = 0 AND course_id = 'k2'"), 1);
}

TEST_P(ReportTest, MakesOnlyWhatCanBeOfThePeriod) {
  for (int i = 0; i < 6; ++i) Put(CopyOf({.id = absl::StrCat("k", i)}));
  Put(CopyOf({.id = "open", .state = courses::CopiedCourseState::kActive}));
  Fill("nobody", "phq-9", 12, 1);
  const auto stale = [&](PeriodBasis basis, absl::CivilDay first, absl::CivilDay last) {
    std::vector<std::string> stale;
    const ResultMaker made{"north", MadeByNow()};
    EXPECT_OK(store_.Read(absl::InfiniteFuture(), [&](OutcomesReader& reader) {
      return reader.ReadCourseResults(
          made, {basis, first, last}, [](const CourseResult&) { return true; },
          [](const CourseResult&) {}, 100, stale);
    }));
    std::sort(stale.begin(), stale.end());
    return stale;
  };
  // Sessions from 5 January on; closed on 2 March.
  const absl::CivilDay begun(2026, 1, 5);
  const absl::CivilDay closed(2026, 3, 2);
  for (const bool made : {false, true}) {
    if (made) {
      Keep();
      ASSERT_OK(SetResponse(60));  // by other rules now
    }
    EXPECT_THAT(stale(PeriodBasis::kClosed, closed, closed), SizeIs(6));
    EXPECT_THAT(stale(PeriodBasis::kClosed, closed + 3, closed + 90), IsEmpty());
    EXPECT_THAT(stale(PeriodBasis::kClosed, begun, begun), ElementsAre("nobody"));
    EXPECT_THAT(stale(PeriodBasis::kStarted, begun, begun), SizeIs(8));
    EXPECT_THAT(stale(PeriodBasis::kStarted, begun - 90, begun - 3), IsEmpty());
  }
}

// An index entry of PostgreSQL has a greatest size.
TEST_P(ReportTest, ReadsResultsOfAnySize) {
  for (const int measures : {1, 20, 40, 400}) {
    const std::string id = absl::StrCat("k", measures);
    Put(CopyOf({.id = id}));
    Begun begun = Begin(id);
    for (int i = 0; i < measures; ++i) {
      begun.result.measures.push_back(  // of names that no compression makes short
          {.instrument_id = ids_.NewUuid(), .rule_sets = ids_.NewUuid()});
    }
    EXPECT_TRUE(End(begun));
  }
  ASSERT_EQ(Stale(), 0);
  for (const PeriodBasis basis : {PeriodBasis::kClosed, PeriodBasis::kStarted}) {
    std::vector<size_t> read;
    std::vector<std::string> stale;
    EXPECT_OK(store_.Read(absl::InfiniteFuture(), [&](OutcomesReader& reader) {
      return reader.ReadCourseResults(
          {"north", MadeByNow()},
          {basis, absl::CivilDay(2025, 12, 1), absl::CivilDay(2026, 12, 31)},
          [](const CourseResult&) { return true; },
          [&](const CourseResult& result) { read.push_back(result.measures.size()); }, 100, stale);
    }));
    EXPECT_THAT(stale, IsEmpty());
    EXPECT_THAT(read, ::testing::UnorderedElementsAre(1, 20, 40, 400));
  }
}

// A row costs a page, an entry of the index a hundredth of one.
TEST_P(ReportTest, LooksUpNoRowOfTheTable) {
  const bool sqlite = GetParam() == storage::Dialect::kSqlite;
  ipt::testing::StatementRecorder recorder;
  ipt::testing::TempDatabase db{
      GetParam(), {storage::PlatformMigrations(), OutcomesMigrations()}, {}, nullptr, &recorder};
  SqlOutcomesStore store{*db, encoder_, alert_encoder_, [](storage::Connection& conn) {
                           return std::make_unique<CopiedDirectory>(conn);
                         }};
  int plans = 0;
  for (const PeriodBasis basis : {PeriodBasis::kClosed, PeriodBasis::kStarted}) {
    recorder.Take();
    EXPECT_OK(store.Read(absl::InfiniteFuture(), [&](OutcomesReader& reader) {
      std::vector<std::string> stale;
      return reader.ReadCourseResults(
          {"north", "rules"}, {basis, absl::CivilDay(2026, 1, 1), absl::CivilDay(2026, 3, 31)},
          [](const CourseResult&) { return true; }, [](const CourseResult&) {}, 100, stale);
    }));
    for (const std::string& sql : recorder.Take()) {
      const bool large = absl::StrContains(sql, "> 2000");
      if (!absl::StrContains(sql, sqlite ? "group_concat" : "string_agg")) continue;
      ++plans;
      EXPECT_THAT(sqlite ? ipt::testing::ExplainOnSqlite(*db, sql) : ExplainOnPostgres(*db, sql),
                  HasSubstr(sqlite  ? "USING COVERING INDEX course_results_kept"
                            : large ? "Index Scan using course_results_large"
                                    : "Index Only Scan using course_results_in_reports"));
    }
  }
  EXPECT_EQ(plans, sqlite ? 2 : 4);
}

TEST_P(ReportTest, WhereTooManyAreToBeMadeItSaysSoAndHasThemMade) {
  FillClinic();
  Keep();
  ASSERT_OK(SetResponse(60));
  std::vector<std::string> wanted;
  ReportHandler reports(store_, catalog_, &horizon_, [&](absl::string_view clinic_id) {
    wanted.emplace_back(clinic_id);
    keeper_.Wake(clinic_id);
  });
  pb::GetClinicReportRequest request;
  request.set_clinic("clinics/north");
  *request.mutable_query() = Year();
  CallContext ctx = ReadCall();
  ctx.deadline = ctx.now + absl::Milliseconds(110);  // time for 22 of the 23
  const absl::Status refused = reports.GetClinicReport(ctx, request).status();
  EXPECT_THAT(refused, FailsWith(absl::StatusCode::kUnavailable, "RESULTS_BEING_MADE"));
  EXPECT_GT(RetryDelayOf(refused), absl::ZeroDuration());
  EXPECT_THAT(wanted, ElementsAre("north"));
  // Of a period without them there is one.
  request.mutable_query()->mutable_first_date()->set_month(6);
  EXPECT_OK(reports.GetClinicReport(ctx, request).status());
  *request.mutable_query() = Year();
  EXPECT_EQ(Keep(), 23);
  EXPECT_OK(reports.GetClinicReport(ctx, request).status());
  EXPECT_THAT(wanted, SizeIs(1));
}

TEST_P(ReportTest, MakesOutdatedResultsOfEveryClinic) {
  for (const char* clinic : {"north", "south"}) {
    Put(CopyOf({.id = "k1", .clinic = clinic}));
    Put(CopyOf({.id = "k2", .clinic = clinic}));
  }
  Keep();
  const std::string now = MadeByNow();
  ASSERT_OK(Run("UPDATE course_results SET made_by = '' WHERE course_id = 'k1'"));
  ASSERT_OK(
      Run("UPDATE course_results SET made_by = 'zz' "
          "WHERE course_id = 'k2' AND clinic_id = 'south'"));
  EXPECT_EQ(Keep(), 3);
  EXPECT_EQ(MadeByNow(), now);
}

TEST_P(ReportTest, ADamagedRowIsMadeAnew) {
  FillClinic();
  Keep();
  ASSERT_OK_AND_ASSIGN(const pb::ClinicReport whole, Report());
  ASSERT_OK(Run("UPDATE course_results SET result = 'x' WHERE course_id = 'k3'"));
  ASSERT_OK(Run("UPDATE course_results SET result = result || 'x' WHERE course_id = 'k4'"));
  ASSERT_OK_AND_ASSIGN(const pb::ClinicReport report, Report());
  EXPECT_EQ(report.DebugString(), whole.DebugString());
}

// A course in New York that closes at eight in the evening of the last day of the year.
TEST_P(ReportTest, DaysAreThoseOfTheCoursesZone) {
  for (int i = 0; i < 5; ++i) {
    courses::CopiedCourse copy = CopyOf({.id = absl::StrCat("k", i)});
    copy.time_zone = "America/New_York";
    copy.closed_at = absl::FromCivil(absl::CivilHour(2027, 1, 1, 1), absl::UTCTimeZone());
    Put(copy);
  }
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Report()->rows(0).flow().courses(), 5);
    Keep();
  }
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
  ASSERT_OK(SetPolicy([](pb::UpdateOutcomePolicyRequest& request) {
    request.mutable_policy()->set_smallest_group(30);
    request.mutable_policy()->set_drop_out(pb::DROP_OUT_DEFINITION_ANY_NON_COMPLETION);
    request.mutable_update_mask()->add_paths("smallest_group");
    request.mutable_update_mask()->add_paths("drop_out");
  }));
  pb::ReportQuery query = Year();
  query.set_smallest_group(3);
  ASSERT_OK_AND_ASSIGN(const pb::ClinicReport report, Report(query));
  EXPECT_EQ(report.query().smallest_group(), 30);
  EXPECT_EQ(report.query().drop_out(), pb::DROP_OUT_DEFINITION_ANY_NON_COMPLETION);
  EXPECT_EQ(report.policy_version(), 1);
  EXPECT_EQ(report.rows(0).suppression(), pb::SUPPRESSION_SMALL);
  EXPECT_EQ(report.measurements(), 0);
  for (const pb::Benchmark& benchmark : report.benchmarks()) {
    if (!absl::StrContains(benchmark.measure(), "drop-out")) continue;
    EXPECT_EQ(benchmark.comparability(), pb::COMPARABILITY_FOR_ORIENTATION) << benchmark.id();
  }
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

// A band is called in a clinic's own words, which a spreadsheet would run.
TEST(ReportCsvTest, GuardsNamesOfGroups) {
  pb::ClinicReport report;
  pb::ReportRow& row = *report.add_rows();
  row.set_grouping(pb::REPORT_GROUPING_BASELINE_BAND);
  row.set_group("-mild");
  row.set_display_name("=HYPERLINK(1)");
  EXPECT_THAT(ReportLines(report)[1],
              ::testing::StartsWith("BASELINE_BAND,'-mild,'=HYPERLINK(1),flow,"));
}

}  // namespace
}  // namespace ipt::outcomes
