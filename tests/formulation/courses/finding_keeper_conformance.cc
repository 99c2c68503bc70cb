// Scheduling is told what stands out, once a week and whenever it changes; on both engines.
#include "formulation/courses/finding_keeper.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/formulation/rpc/handler_fixture.h"
#include "tests/support/fake_clock.h"

namespace ipt::formulation {
namespace {

using ipt::testing::IsOk;
using ipt::testing::StatusIs;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FixedLister final : public courses::CourseLister {
 public:
  absl::StatusOr<courses::ListedCourses> ListCourses(absl::string_view,
                                                     const courses::CourseListing& listing,
                                                     absl::Time, absl::Time) override {
    EXPECT_EQ(listing.closed_since, absl::InfiniteFuture()) << "open ones only";
    courses::ListedCourses listed;
    for (const courses::CopiedCourse& course : courses) {
      if (course.course_id < listing.from_course_id) continue;
      if (static_cast<int>(listed.courses.size()) < listing.limit) listed.courses.push_back(course);
    }
    return listed;
  }
  std::vector<courses::CopiedCourse> courses;
};

class RecordingTeller final : public FindingTeller {
 public:
  absl::Status Tell(absl::string_view, absl::string_view course_id,
                    const std::vector<Finding>& findings, absl::Time) override {
    if (course_id == deaf) return absl::InternalError("this course cannot be handled");
    if (!status.ok()) return status;
    std::vector<std::string> ids;
    for (const Finding& finding : findings) ids.push_back(finding.finding_id);
    told.emplace_back(course_id, std::move(ids));
    return absl::OkStatus();
  }
  // What was told since the last call.
  std::vector<std::pair<std::string, std::vector<std::string>>> Take() {
    return std::exchange(told, {});
  }
  absl::Status status;
  std::string deaf;  // the course that cannot be told of
  std::vector<std::pair<std::string, std::vector<std::string>>> told;
};

class FindingKeeperConformance : public HandlerTest {
 protected:
  FindingKeeperConformance() {
    lister_.courses = {CourseOf("ipt-uk-16", 8)};
    // A clinic begins with its first formulation.
    EXPECT_THAT(store_.Write(absl::InfiniteFuture(),
                             [&](FormulationTx& tx) {
                               CourseFormulation begun{.clinic_id = "north", .course_id = "k0"};
                               begun.pending.emplace();
                               begun.pending->clinic_id = "north";
                               begun.pending->course_id = "k0";
                               return tx.PutFormulation({}, begun, nullptr, now_);
                             }),
                IsOk());
  }

  FixedLister lister_;
  RecordingTeller teller_;
  ToldFindings told_{*db_};
  // 2100: the store holds deadlines by the system's clock.
  ipt::testing::FakeClock clock_{absl::FromUnixSeconds(4'102'444'800)};
  FindingKeeper keeper_{store_, told_, protocols_, lister_, teller_, clock_, "one"};
};

TEST_P(FindingKeeperConformance, TellsOnceAndAgainWhenItChanges) {
  EXPECT_THAT(keeper_.TellOnce(), IsOk());
  const auto first = teller_.Take();
  ASSERT_EQ(first.size(), 1);
  EXPECT_EQ(first[0].first, "k1");
  EXPECT_THAT(first[0].second, Contains("FOCUS_NOT_AGREED")) << "eight sessions, and no focus";
  EXPECT_THAT(keeper_.TellOnce(), IsOk());
  EXPECT_THAT(teller_.Take(), IsEmpty());

  FindingKeeper another(store_, told_, protocols_, lister_, teller_, clock_, "another");
  EXPECT_THAT(another.TellOnce(), IsOk());
  EXPECT_THAT(teller_.Take(), IsEmpty()) << "another replica finds it told";

  lister_.courses = {CourseOf("ipt-uk-16", 1)};
  EXPECT_THAT(keeper_.TellOnce(), IsOk());
  EXPECT_THAT(teller_.Take(), ElementsAre(std::make_pair("k1", std::vector<std::string>())));
  EXPECT_THAT(keeper_.TellOnce(), IsOk());
  EXPECT_THAT(teller_.Take(), IsEmpty());
}

TEST_P(FindingKeeperConformance, OneCourseThatCannotBeToldOfHoldsUpNoOther) {
  lister_.courses.clear();
  for (int i = 0; i < 450; ++i) {
    lister_.courses.push_back(CourseOf("ipt-uk-16", 8));
    lister_.courses.back().course_id = absl::StrCat("k", 1000 + i);
  }
  teller_.deaf = "k1003";
  EXPECT_THAT(keeper_.TellOnce(), StatusIs(absl::StatusCode::kInternal));
  EXPECT_EQ(teller_.Take().size(), 449);
  teller_.deaf.clear();
  EXPECT_THAT(keeper_.TellOnce(), IsOk());
  const auto told = teller_.Take();
  ASSERT_EQ(told.size(), 1);
  EXPECT_EQ(told[0].first, "k1003");
}

TEST_P(FindingKeeperConformance, WhatAnotherReplicaBeganToTellIsToldAgain) {
  EXPECT_THAT(
      told_.Put("north", "k1", std::nullopt, "being told by one that died", absl::InfiniteFuture()),
      IsOk());
  EXPECT_THAT(keeper_.TellOnce(), IsOk());
  EXPECT_EQ(teller_.Take().size(), 1);
  EXPECT_THAT(keeper_.TellOnce(), IsOk());
  EXPECT_THAT(teller_.Take(), IsEmpty());
}

TEST_P(FindingKeeperConformance, AClinicWithoutAnyFormulationIsLeftInPeace) {
  EXPECT_EQ(*told_.NextClinic("", absl::InfiniteFuture()), "north");
  EXPECT_EQ(*told_.NextClinic("north", absl::InfiniteFuture()), std::nullopt);
}

TEST_P(FindingKeeperConformance, OnlyWhoSawWhatIsThereWrites) {
  const absl::Time later = absl::InfiniteFuture();
  EXPECT_TRUE(*told_.Put("north", "k1", std::nullopt, "a", later));
  EXPECT_FALSE(*told_.Put("north", "k1", std::nullopt, "b", later));
  EXPECT_FALSE(*told_.Put("north", "k1", "c", "b", later));
  EXPECT_TRUE(*told_.Put("north", "k1", "a", "b", later));
  EXPECT_EQ(told_.List("north", later)->at("k1"), "b");
}

TEST_P(FindingKeeperConformance, TellsAgainEachWeekShouldSchedulingHaveLostIt) {
  EXPECT_THAT(keeper_.TellOnce(), IsOk());
  const auto first = teller_.Take();
  clock_.Advance(absl::Hours(7 * 24));
  EXPECT_THAT(keeper_.TellOnce(), IsOk());
  EXPECT_EQ(teller_.Take(), first);
}

TEST_P(FindingKeeperConformance, WhatWasNotHeardIsToldAgain) {
  teller_.status = absl::UnavailableError("scheduling is away");
  EXPECT_THAT(keeper_.TellOnce(), StatusIs(absl::StatusCode::kUnavailable));
  teller_.status = absl::OkStatus();
  EXPECT_THAT(keeper_.TellOnce(), IsOk());
  EXPECT_EQ(teller_.Take().size(), 1);
}

TEST_P(FindingKeeperConformance, OfAClosedCourseNothingIsKept) {
  EXPECT_THAT(keeper_.TellOnce(), IsOk());
  EXPECT_EQ(Count("told_findings"), 1);
  teller_.Take();
  lister_.courses.clear();
  EXPECT_THAT(keeper_.TellOnce(), IsOk());
  EXPECT_EQ(Count("told_findings"), 0);
  EXPECT_THAT(teller_.Take(), IsEmpty()) << "scheduling withdrew it with the course";
}

IPT_INSTANTIATE_ON_BOTH_ENGINES(FindingKeeperConformance);

}  // namespace
}  // namespace ipt::formulation
