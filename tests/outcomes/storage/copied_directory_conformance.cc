// What alerts know of the copy of scheduling's courses, on both engines.
#include "outcomes/storage/copied_directory.h"

#include <memory>

#include "course_copies/storage/sql_course_copies.h"
#include "course_copies/storage/sql_therapist_copies.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "outcomes/domain/alerts.h"
#include "outcomes/rpc/alert_proto.h"
#include "outcomes/storage/outcomes_migrations.h"
#include "outcomes/storage/sql_alert_store.h"
#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"
#include "platform/storage/platform_migrations.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::outcomes {
namespace {

using ipt::testing::IsOk;
using ipt::testing::TempDatabase;
using storage::Connection;
using ::testing::ElementsAre;

class CopiedDirectoryTest : public ::testing::TestWithParam<storage::Dialect> {
 protected:
  const absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  ipt::testing::TempDatabase db_{GetParam(), {OutcomesMigrations()}};
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(CopiedDirectoryTest);

TEST_P(CopiedDirectoryTest, TellsWhoHasOpenCoursesAndWhichClinicsThereAre) {
  const auto put = [&](const char* clinic, const char* course_id, const char* therapist,
                       courses::CopiedCourseState state) {
    courses::CopiedCourse course;
    course.clinic_id = clinic;
    course.course_id = course_id;
    course.therapist_id = therapist;
    course.state = state;
    EXPECT_OK(db_->Write({}, [&](Connection& conn) {
      return courses::SqlCourseCopies::PutCourse(conn, course, {.at = now_}).status();
    }));
  };
  put("north", "c1", "zoe", courses::CopiedCourseState::kActive);
  put("north", "c2", "ben", courses::CopiedCourseState::kPlanned);
  put("north", "c3", "ben", courses::CopiedCourseState::kActive);
  put("north", "c4", "ann", courses::CopiedCourseState::kCompleted);
  put("north", "c5", "kim", courses::CopiedCourseState::kDiscontinued);
  put("west", "c1", "eve", courses::CopiedCourseState::kActive);
  put("east", "c1", "joe", courses::CopiedCourseState::kActive);
  EXPECT_OK(db_->Read({}, [&](Connection& conn) -> absl::Status {
    CopiedDirectory directory(conn);
    IPT_ASSIGN_OR_RETURN(const auto north, directory.TherapistsWithCourses("north", 10));
    EXPECT_THAT(north, ElementsAre("ben", "zoe"));
    IPT_ASSIGN_OR_RETURN(const auto first, directory.TherapistsWithCourses("north", 1));
    EXPECT_THAT(first, ElementsAre("ben"));
    IPT_ASSIGN_OR_RETURN(const auto clinics, directory.Clinics("", 10));
    EXPECT_THAT(clinics, ElementsAre("east", "north", "west"));
    IPT_ASSIGN_OR_RETURN(const auto two, directory.Clinics("", 2));
    EXPECT_THAT(two, ElementsAre("east", "north"));
    IPT_ASSIGN_OR_RETURN(const auto last, directory.Clinics("north", 10));
    EXPECT_THAT(last, ElementsAre("west"));
    return absl::OkStatus();
  }));
}

TEST_P(CopiedDirectoryTest, TellsWhoIsThere) {
  EXPECT_OK(db_->Write({}, [&](Connection& conn) -> absl::Status {
    for (const bool active : {true, false}) {
      IPT_RETURN_IF_ERROR(courses::SqlTherapistCopies::PutTherapist(
          conn, {.clinic_id = "north", .therapist_id = active ? "ana" : "gone", .active = active},
          {.at = now_}));
    }
    return courses::SqlTherapistCopies::PutTimeOff(
        conn, "north", "ana", {.time_off_id = "t1", .start = now_, .end = now_ + absl::Hours(9)},
        {.at = now_});
  }));
  static const absl::Time later = now_ + absl::Minutes(5);
  EXPECT_OK(db_->Read({}, [&](Connection& conn) -> absl::Status {
    CopiedDirectory directory(conn, [](Connection&, absl::string_view clinic_id, absl::Time) {
      EXPECT_EQ(clinic_id, "north");
      return absl::StatusOr<courses::CopyAge>(courses::CopyAge{.as_of = later, .current = true});
    });
    IPT_ASSIGN_OR_RETURN(TherapistPresence ana, directory.Presence("north", "ana", now_));
    EXPECT_TRUE(ana.known && ana.exists && ana.active && ana.current);
    EXPECT_EQ(ana.away_until, now_ + absl::Hours(9));
    EXPECT_EQ(ana.as_of, later);
    IPT_ASSIGN_OR_RETURN(ana, directory.Presence("north", "ana", now_ + absl::Hours(9)));
    EXPECT_EQ(ana.away_until, std::nullopt);
    IPT_ASSIGN_OR_RETURN(const auto gone, directory.Presence("north", "gone", now_));
    EXPECT_TRUE(gone.known && gone.exists && !gone.active);
    IPT_ASSIGN_OR_RETURN(const auto nobody, directory.Presence("north", "nobody", now_));
    EXPECT_FALSE(nobody.known);
    IPT_ASSIGN_OR_RETURN(const auto by_row, CopiedDirectory(conn).Presence("north", "ana", now_));
    EXPECT_EQ(by_row.as_of, now_);
    EXPECT_FALSE(by_row.current);
    return absl::OkStatus();
  }));
}

// From the copy to the alert: who is on leave is passed over at once.
TEST_P(CopiedDirectoryTest, AnAlertOfATherapistOnLeaveIsWithTheCover) {
  ProtoAlertEventEncoder encoder;
  TempDatabase db(GetParam(), {storage::PlatformMigrations(), OutcomesMigrations()});
  SqlAlertStore store(
      *db, encoder, [](Connection& conn) { return std::make_unique<CopiedDirectory>(conn); },
      [] {});
  RandomIdSource ids;
  const auto raise = [&](absl::Time now, const std::string& measurement) {
    Alert alert;
    EXPECT_OK(store.Write(absl::InfiniteFuture(), [&](AlertTx& tx) -> absl::Status {
      const AlertCause cause{.clinic_id = "north",
                             .course_id = "k1",
                             .therapist_id = "ana",
                             .measurement_id = measurement,
                             .measurement_revision = 1,
                             .instrument_id = "phq-9",
                             .instrument_version = 1,
                             .completed = now};
      const AlertFinding finding{
          .kind = AlertKind::kRiskItem, .rule = "q9", .item = "q9", .points = 1};
      IPT_ASSIGN_OR_RETURN(const auto raised, RaiseAlerts(tx, ids, cause, {finding}, now));
      IPT_ASSIGN_OR_RETURN(alert, tx.GetAlert("north", "k1", raised[0]));
      return absl::OkStatus();
    }));
    return alert;
  };
  EXPECT_OK(db->Write({}, [&](Connection& conn) -> absl::Status {
    IPT_RETURN_IF_ERROR(courses::SqlTherapistCopies::PutTherapist(
        conn, {.clinic_id = "north", .therapist_id = "ana", .active = true}, {.at = now_}));
    return courses::SqlTherapistCopies::PutTimeOff(
        conn, "north", "ana", {.time_off_id = "t1", .start = now_, .end = now_ + absl::Hours(9)},
        {.at = now_});
  }));
  const AlertRecipient ana{.therapist_id = "ana"};
  const Alert before = raise(now_ - absl::Minutes(1), "m1");
  EXPECT_EQ(before.assignee, ana);
  const Alert away = raise(now_, "m2");
  EXPECT_EQ(away.owner, ana);
  EXPECT_EQ(away.assignee, AlertRecipient{.desk = kDutyDesk});
  EXPECT_EQ(raise(now_ + absl::Hours(9), "m3").assignee, ana);
  // What waited with them is passed on once they are away.
  EXPECT_OK(store.Write(absl::InfiniteFuture(), [&](AlertTx& tx) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(const auto absent, FindAbsent(tx, now_, 10));
    EXPECT_THAT(absent, ElementsAre(std::make_pair("north", "ana")));
    IPT_RETURN_IF_ERROR(EscalateAbsent(tx, "north", "ana", now_, 10).status());
    IPT_ASSIGN_OR_RETURN(const Alert passed, tx.GetAlert("north", "k1", before.alert_id));
    EXPECT_EQ(passed.assignee, AlertRecipient{.desk = kDutyDesk});
    return absl::OkStatus();
  }));
}

}  // namespace
}  // namespace ipt::outcomes
