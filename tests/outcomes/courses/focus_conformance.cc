// Which focus a course has in what is said of it: in its result, its trajectory, a clinic's report
// and what followers are told. On both engines.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ipt/outcomes/v1/event.pb.h"
#include "outcomes/rpc/outcome_handler.h"
#include "outcomes/rpc/report_handler.h"
#include "outcomes/storage/sql_course_focuses.h"
#include "tests/outcomes/courses/course_result_fixture.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using ipt::testing::HasBadFields;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
namespace formulation = ::ipt::formulation::v1;

constexpr int kGrief = formulation::PROBLEM_AREA_KIND_GRIEF;
constexpr int kDispute = formulation::PROBLEM_AREA_KIND_ROLE_DISPUTE;
constexpr int kTransition = formulation::PROBLEM_AREA_KIND_ROLE_TRANSITION;

// What is asked for as the age of the copy.
courses::CopyAge age;

absl::StatusOr<courses::CopyAge> AgeOf(storage::Connection&, absl::string_view, absl::Time) {
  return age;
}

class NowhereElse final : public courses::CopyHorizon {
 public:
  explicit NowhereElse(absl::Time until) : until_(until) {}
  absl::StatusOr<std::optional<absl::Time>> CopiedUntil(absl::string_view, absl::Time) override {
    return std::optional<absl::Time>(until_);
  }

 private:
  const absl::Time until_;
};

class FocusTest : public CourseResultTest {
 protected:
  explicit FocusTest(SqlCourseFocuses::AgeOf formulation_age = AgeOf)
      : CourseResultTest(formulation_age) {
    age = {.as_of = now_, .current = true};
    directory_.answer.known = courses::CourseAnswer::Known::kVerified;
    directory_.answer.as_of = now_;
    directory_.answer.course = CopyOf({.id = "k1"});
  }

  static CourseFocus Focus(const std::string& course, int kind, int64_t revision = 7) {
    return {.clinic_id = "north",
            .course_id = course,
            .primary_kind = kind,
            .secondary_kind = 0,
            .agreed_on = absl::CivilDay(2026, 1, 26),
            .revision_number = 1,
            .first_primary_kind = kind,
            .revision = revision};
  }
  void Agree(const CourseFocus& focus) {
    ASSERT_OK(db_->Write(
        {}, [&](storage::Connection& conn) { return SqlCourseFocuses::PutTold(conn, focus); }));
  }
  void List(const CourseFocus& focus, int64_t number) {
    ASSERT_OK(db_->Write({}, [&](storage::Connection& conn) {
      return SqlCourseFocuses::PutListed(conn, focus, number);
    }));
  }
  void DropUnlisted(int64_t number) {
    ASSERT_OK(db_->Write({}, [&](storage::Connection& conn) {
      return SqlCourseFocuses::DropUnlisted(conn, "north", number);
    }));
  }
  std::optional<CourseFocus> Found(const std::string& course) {
    std::optional<CourseFocus> found;
    EXPECT_OK(db_->Read({}, [&](storage::Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(found, SqlCourseFocuses::Find(conn, "north", course));
      return absl::OkStatus();
    }));
    return found;
  }

  pb::ClinicReport ByFocus(const std::vector<int>& focuses = {}) {
    pb::GetClinicReportRequest request;
    request.set_clinic("clinics/north");
    request.mutable_query()->mutable_first_date()->set_year(2026);
    request.mutable_query()->mutable_first_date()->set_month(1);
    request.mutable_query()->mutable_first_date()->set_day(1);
    *request.mutable_query()->mutable_last_date() = request.query().first_date();
    request.mutable_query()->mutable_last_date()->set_month(12);
    request.mutable_query()->set_group_by(pb::REPORT_GROUPING_FOCUS);
    for (const int focus : focuses) {
      request.mutable_query()->add_focuses(static_cast<formulation::ProblemAreaKind>(focus));
    }
    const auto report = reports_.GetClinicReport(ReadCall(), request);
    EXPECT_OK(report.status());
    return report.value_or(pb::ClinicReport());
  }
  // Courses by group, that of all without a name; -1: hidden.
  static std::map<std::string, int64_t> Courses(const pb::ClinicReport& report) {
    std::map<std::string, int64_t> courses;
    for (const pb::ReportRow& row : report.rows()) {
      const bool all = row.grouping() == pb::REPORT_GROUPING_UNSPECIFIED;
      courses[all ? "all" : row.group()] = row.flow().has_courses() ? row.flow().courses() : -1;
    }
    return courses;
  }
  pb::CourseResult Result() {
    pb::GetCourseResultRequest request;
    request.set_course("clinics/north/courses/k1");
    const auto result = outcomes_.GetCourseResult(ReadCall(), request);
    EXPECT_OK(result.status());
    return result.value_or(pb::CourseResult());
  }
  pb::Trajectory Seen() {
    pb::GetTrajectoryRequest request;
    request.set_course("clinics/north/courses/k1");
    const auto seen = outcomes_.GetTrajectory(ReadCall(), request);
    EXPECT_OK(seen.status());
    return seen.value_or(pb::Trajectory());
  }
  // The results that followers have been told of since the last call.
  std::vector<pb::CourseResult> Told() {
    std::vector<pb::CourseResult> told;
    const std::string sql = absl::StrCat("SELECT seq, payload FROM outbox WHERE seq > ", told_,
                                         " AND kind = 'COURSE_RESULT_CHANGED' ORDER BY seq");
    EXPECT_OK(db_->Read({}, [&](storage::Connection& conn) {
      using enum storage::ColumnType;
      return conn.Query({sql, {kInt64, kBytes}}, {}, [&](const storage::Row& row) {
        told_ = row.Int64(0);
        pb::OutcomeEvent event;
        EXPECT_TRUE(event.ParseFromString(row.Bytes(1)));
        told.push_back(event.course_result_changed());
        return absl::OkStatus();
      });
    }));
    return told;
  }

  FixedDirectory directory_;
  NowhereElse horizon_{now_};
  ReportHandler reports_{store_, catalog_, &horizon_};
  OutcomeHandler outcomes_{store_, catalog_, &directory_};

 private:
  int64_t told_ = 0;
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(FocusTest);

TEST_P(FocusTest, OlderNewsNeverReplacesNewer) {
  CourseFocus later = Focus("k1", kDispute, 9);
  later.secondary_kind = kTransition;
  later.revision_number = 2;
  later.first_primary_kind = kGrief;
  Agree(later);
  EXPECT_EQ(Found("k1"), later);
  Agree(Focus("k1", kGrief, 8));
  EXPECT_EQ(Found("k1"), later);
  Agree(later);  // told again
  EXPECT_EQ(Found("k1"), later);
  EXPECT_EQ(Found("k2"), std::nullopt);
}

// A formulation that was restored has gone back: its list is what holds.
TEST_P(FocusTest, AListingReplacesEverything) {
  Agree(Focus("k1", kDispute, 9));
  Agree(Focus("k2", kGrief, 12));
  List(Focus("k1", kGrief, 4), 3);
  DropUnlisted(3);
  EXPECT_EQ(Found("k1"), Focus("k1", kGrief, 4));
  EXPECT_EQ(Found("k2"), std::nullopt);
  Agree(Focus("k1", kTransition, 5));
  DropUnlisted(3);  // told since, and of that listing all the same
  EXPECT_EQ(Found("k1"), Focus("k1", kTransition, 5));
}

TEST_P(FocusTest, AnotherFocusMakesTheResultAnewAlsoAfterTheCourse) {
  Put(CopyOf({.id = "k1"}));
  Score("k1", 20, 4, 15, 3);
  EXPECT_EQ(Keep(), 1);
  Agree(Focus("k1", kGrief, 7));
  EXPECT_EQ(Keep(), 1);
  Agree(Focus("k1", kGrief, 8));  // of what nothing follows
  EXPECT_EQ(Keep(), 0);
  CourseFocus revised = Focus("k1", kDispute, 9);
  revised.first_primary_kind = kGrief;
  Agree(revised);
  EXPECT_EQ(Keep(), 1);
  Agree(Focus("k1", kGrief, 8));
  EXPECT_EQ(Keep(), 0);
  List(Focus("k2", kGrief), 1);  // the first that is known of this course
  EXPECT_EQ(Keep(), 1);
  Put(CopyOf({.id = "k2"}));
  EXPECT_EQ(Keep(), 1);
  DropUnlisted(1);
  EXPECT_EQ(Keep(), 1);
  EXPECT_FALSE(Result().has_focus());
}

TEST_P(FocusTest, AResultAndATrajectorySayIt) {
  Put(CopyOf({.id = "k1"}));
  Score("k1", 20, 4, 15, 3);
  EXPECT_FALSE(Result().has_focus());
  EXPECT_TRUE(Result().formulation().followed());
  CourseFocus focus = Focus("k1", kGrief);
  focus.secondary_kind = kTransition;
  Agree(focus);
  const pb::CourseResult result = Result();
  EXPECT_EQ(result.focus().primary_kind(), formulation::PROBLEM_AREA_KIND_GRIEF);
  EXPECT_EQ(result.focus().secondary_kind(), formulation::PROBLEM_AREA_KIND_ROLE_TRANSITION);
  EXPECT_EQ(result.focus().agreed_on().day(), 26);
  EXPECT_EQ(result.focus().revision_number(), 1);
  EXPECT_EQ(result.focus().first_primary_kind(), formulation::PROBLEM_AREA_KIND_UNSPECIFIED);
  EXPECT_TRUE(result.formulation().current());
  EXPECT_EQ(result.formulation().as_of_time().seconds(), absl::ToUnixSeconds(now_));
  EXPECT_EQ(Seen().focus().DebugString(), result.focus().DebugString());
  EXPECT_EQ(Seen().formulation().DebugString(), result.formulation().DebugString());

  focus = Focus("k1", kDispute, 8);
  focus.first_primary_kind = kGrief;
  Agree(focus);
  EXPECT_EQ(Result().focus().first_primary_kind(), formulation::PROBLEM_AREA_KIND_GRIEF);
  // While formulation is away: what was known last, and that it is not new.
  age = {.as_of = now_ - absl::Hours(3), .current = false};
  EXPECT_EQ(Seen().focus().primary_kind(), formulation::PROBLEM_AREA_KIND_ROLE_DISPUTE);
  EXPECT_TRUE(Seen().formulation().followed());
  EXPECT_FALSE(Seen().formulation().current());
  EXPECT_TRUE(Seen().formulation().has_as_of_time());
  age = {};
  EXPECT_FALSE(Seen().formulation().has_as_of_time());
}

TEST_P(FocusTest, FollowersAreToldOfAnotherFocusOnce) {
  Put(CopyOf({.id = "k1"}));
  Score("k1", 20, 4, 15, 3);
  Keep();
  const std::vector<pb::CourseResult> before = Told();
  ASSERT_THAT(before, SizeIs(1));
  EXPECT_FALSE(before[0].has_focus());
  EXPECT_FALSE(before[0].has_formulation());
  Agree(Focus("k1", kGrief));
  Keep();
  const std::vector<pb::CourseResult> told = Told();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].focus().primary_kind(), formulation::PROBLEM_AREA_KIND_GRIEF);
  EXPECT_FALSE(told[0].has_formulation());
  Agree(Focus("k1", kGrief, 8));
  Keep();
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_P(FocusTest, AReportIsByFocusWhetherItsResultsWereKeptOrNot) {
  for (int i = 0; i < 20; ++i) {
    const std::string id = absl::StrCat("k", i);
    Put(CopyOf({.id = id}));
    Score(id, 20, i % 2 == 0 ? 4 : 14, 15, 3);
    if (i < 7) Agree(Focus(id, kGrief));
    if (i >= 7 && i < 13) Agree(Focus(id, kDispute));
  }
  const pb::ClinicReport made = ByFocus();
  EXPECT_THAT(Courses(made),
              ElementsAre(Pair("", 7), Pair("PROBLEM_AREA_KIND_GRIEF", 7),
                          Pair("PROBLEM_AREA_KIND_ROLE_DISPUTE", 6), Pair("all", 20)));
  EXPECT_EQ(made.rows(1).display_name(), "None agreed, or not known");
  EXPECT_EQ(made.rows(2).display_name(), "Grief");
  EXPECT_EQ(made.rows(3).display_name(), "Role dispute");
  EXPECT_EQ(made.rows(3).grouping(), pb::REPORT_GROUPING_FOCUS);
  EXPECT_TRUE(made.formulation().followed());
  EXPECT_TRUE(made.formulation().current());
  EXPECT_THAT(made.cautions(), IsEmpty());
  const pb::ClinicReport some = ByFocus({kDispute, kGrief, kDispute});
  EXPECT_THAT(Courses(some),
              ElementsAre(Pair("PROBLEM_AREA_KIND_GRIEF", 7),
                          Pair("PROBLEM_AREA_KIND_ROLE_DISPUTE", 6), Pair("all", 13)));
  EXPECT_THAT(some.query().focuses(), ElementsAre(kGrief, kDispute));
  EXPECT_EQ(Courses(ByFocus({kTransition}))["all"], 0);
  pb::StreamClinicReportRequest as_csv;
  *as_csv.mutable_query() = made.query();
  ASSERT_OK_AND_ASSIGN(auto stream, reports_.StreamClinicReport(ReadCall(), as_csv, nullptr));
  ASSERT_OK_AND_ASSIGN(const auto part, stream->NextResponse(ReadCall()));
  EXPECT_THAT(part.response->csv(),
              AllOf(HasSubstr("\r\nFOCUS,,\"None agreed, or not known\",flow,,,courses,7,"),
                    HasSubstr("\r\nFOCUS,PROBLEM_AREA_KIND_GRIEF,Grief,flow,,,courses,7,")));

  EXPECT_EQ(Keep(), 20);
  pb::ClinicReport kept = ByFocus();
  kept.set_revision(made.revision());  // of what followers were told
  EXPECT_EQ(kept.DebugString(), made.DebugString());
  Agree(Focus("k0", kDispute, 8));
  EXPECT_EQ(Courses(ByFocus())["PROBLEM_AREA_KIND_ROLE_DISPUTE"], 7);
}

// Two of a kind are too few, and would follow from the others and all.
TEST_P(FocusTest, FewOfAFocusAreNotShown) {
  for (int i = 0; i < 20; ++i) {
    const std::string id = absl::StrCat("k", i);
    Put(CopyOf({.id = id}));
    Agree(Focus(id, i < 2 ? kTransition : i < 8 ? kGrief : kDispute));
  }
  const pb::ClinicReport report = ByFocus();
  EXPECT_THAT(
      Courses(report),
      ElementsAre(Pair("PROBLEM_AREA_KIND_GRIEF", -1), Pair("PROBLEM_AREA_KIND_ROLE_DISPUTE", 12),
                  Pair("PROBLEM_AREA_KIND_ROLE_TRANSITION", -1), Pair("all", 20)));
  EXPECT_EQ(report.rows(1).suppression(), pb::SUPPRESSION_COMPLEMENTARY);
  EXPECT_EQ(report.rows(3).suppression(), pb::SUPPRESSION_SMALL);
  EXPECT_EQ(ByFocus({kTransition}).rows(0).suppression(), pb::SUPPRESSION_SMALL);
}

TEST_P(FocusTest, AReportSaysHowOldWhatIsKnownOfFocusesIs) {
  for (int i = 0; i < 6; ++i) Put(CopyOf({.id = absl::StrCat("k", i)}));
  age = {.as_of = now_ - absl::Hours(3), .current = false};
  pb::ClinicReport report = ByFocus();
  EXPECT_FALSE(report.formulation().current());
  EXPECT_THAT(report.cautions(), Contains(HasSubstr("Formulation is away")));
  age = {};
  report = ByFocus();
  EXPECT_FALSE(report.formulation().has_as_of_time());
  EXPECT_THAT(report.cautions(), Contains(HasSubstr("is not all in yet")));
  EXPECT_THAT(report.definitions(),
              Contains(::testing::Property(&pb::ReportDefinition::term, "focus")));
}

TEST_P(FocusTest, AFocusThatIsAskedForHasToBeStated) {
  pb::GetClinicReportRequest request;
  request.mutable_query()->add_focuses(formulation::PROBLEM_AREA_KIND_UNSPECIFIED);
  EXPECT_THAT(reports_.GetClinicReport(ReadCall(), request).status(),
              HasBadFields("query.first_date", "query.last_date", "query.focuses[0]"));
}

class NoFormulationTest : public FocusTest {
 protected:
  NoFormulationTest() : FocusTest(nullptr) {}
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(NoFormulationTest);

// Also where it was followed once.
TEST_P(NoFormulationTest, WhatIsNotFollowedIsNotKnownAndSaidToBe) {
  for (int i = 0; i < 6; ++i) {
    Put(CopyOf({.id = absl::StrCat("k", i)}));
    Agree(Focus(absl::StrCat("k", i), kGrief));
  }
  const pb::ClinicReport report = ByFocus();
  EXPECT_THAT(Courses(report), ElementsAre(Pair("", 6), Pair("all", 6)));
  EXPECT_EQ(report.rows(1).display_name(), "Not known: formulation is not followed");
  EXPECT_FALSE(report.formulation().followed());
  EXPECT_THAT(report.cautions(), Contains(HasSubstr("Formulation is not followed")));
  EXPECT_EQ(Courses(ByFocus({kGrief}))["all"], 0);
  EXPECT_FALSE(Result().has_focus());
  EXPECT_FALSE(Result().formulation().followed());
  EXPECT_FALSE(Seen().formulation().followed());

  // Once it is followed, what was made without it does not count.
  Keep();
  SqlOutcomesStore followed(
      *db_, encoder_, alert_encoder_,
      [](storage::Connection& conn) { return std::make_unique<CopiedDirectory>(conn); }, nullptr,
      AgeOf);
  ReportHandler reports(followed, catalog_, &horizon_);
  pb::GetClinicReportRequest request;
  request.set_clinic("clinics/north");
  *request.mutable_query() = report.query();
  const auto now = reports.GetClinicReport(ReadCall(), request);
  ASSERT_OK(now.status());
  EXPECT_THAT(Courses(*now), ElementsAre(Pair("PROBLEM_AREA_KIND_GRIEF", 6), Pair("all", 6)));
}

TEST_P(NoFormulationTest, AReportThatDoesNotAskForAFocusSaysNothingOfIt) {
  pb::GetClinicReportRequest request;
  request.set_clinic("clinics/north");
  *request.mutable_query() = ByFocus().query();
  request.mutable_query()->clear_group_by();
  const auto report = reports_.GetClinicReport(ReadCall(), request);
  ASSERT_OK(report.status());
  EXPECT_THAT(report->cautions(), Not(Contains(HasSubstr("ormulation"))));
  EXPECT_FALSE(report->formulation().followed());
}

}  // namespace
}  // namespace ipt::outcomes
