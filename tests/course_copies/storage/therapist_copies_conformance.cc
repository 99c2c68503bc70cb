// The copy of scheduling's therapists and their time off, on both engines.
#include "course_copies/storage/course_copies_migrations.h"
#include "course_copies/storage/sql_therapist_copies.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/status_macros.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::courses {
namespace {

using ipt::testing::IsOk;
using storage::Connection;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TherapistCopiesTest : public ::testing::TestWithParam<storage::Dialect> {
 protected:
  CopiedTimeOff Off(const std::string& id, int from_hour, int to_hour, int64_t revision = 5) const {
    return {.time_off_id = id,
            .start = now_ + absl::Hours(from_hour),
            .end = now_ + absl::Hours(to_hour),
            .revision = revision};
  }
  template <typename Body>
  void Write(Body body) {
    EXPECT_OK(db_->Write({}, [&](Connection& conn) -> absl::Status { return body(conn); }));
  }
  void Put(const std::string& id, bool active, int64_t revision, const CopyStamp& stamp,
           const std::string& clinic = "north") {
    Write([&](Connection& conn) {
      return SqlTherapistCopies::PutTherapist(
          conn, {.clinic_id = clinic, .therapist_id = id, .active = active, .revision = revision},
          stamp);
    });
  }
  void PutOff(const std::string& id, const CopiedTimeOff& off, const CopyStamp& stamp) {
    Write([&](Connection& conn) {
      return SqlTherapistCopies::PutTimeOff(conn, "north", id, off, stamp);
    });
  }
  std::optional<SqlTherapistCopies::Found> Find(const std::string& id,
                                                const std::string& clinic = "north") {
    std::optional<SqlTherapistCopies::Found> found;
    EXPECT_OK(db_->Read({}, [&](Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(found, SqlTherapistCopies::Find(conn, clinic, id, now_));
      return absl::OkStatus();
    }));
    return found;
  }

  const absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  ipt::testing::TempDatabase db_{GetParam(), {CourseCopiesMigrations()}};
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(TherapistCopiesTest);

TEST_P(TherapistCopiesTest, ComeBackAsTheyWereWithWhatHasNotEnded) {
  PutOff("ana", Off("b", 2, 3), {.at = now_});
  PutOff("ana", Off("a", -5, 1), {.at = now_});
  PutOff("ana", Off("past", -9, 0), {.at = now_});
  PutOff("ben", Off("c", -1, 1), {.at = now_});
  EXPECT_EQ(Find("ana"), std::nullopt);
  Put("ana", true, 7, {.at = now_});
  const auto found = Find("ana");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->copied_at, now_);
  EXPECT_EQ(found->therapist.clinic_id, "north");
  EXPECT_EQ(found->therapist.therapist_id, "ana");
  EXPECT_TRUE(found->therapist.active);
  EXPECT_EQ(found->therapist.revision, 7);
  EXPECT_THAT(found->therapist.time_off, ElementsAre(Off("a", -5, 1), Off("b", 2, 3)));
  EXPECT_FALSE(Find("ana", "south").has_value());
}

TEST_P(TherapistCopiesTest, WhatIsNewerStaysUnlessItIsListed) {
  Put("ana", true, 5, {.at = now_});
  PutOff("ana", Off("a", -1, 1), {.at = now_});
  for (const bool listed : {false, true}) {
    const CopyStamp stamp{.source = listed ? CopySource::kListing : CopySource::kEvent, .at = now_};
    Put("ana", false, 4, stamp);
    PutOff("ana", Off("a", -1, 9, 4), stamp);
    EXPECT_EQ(Find("ana")->therapist.active, !listed);
    EXPECT_THAT(Find("ana")->therapist.time_off,
                ElementsAre(listed ? Off("a", -1, 9, 4) : Off("a", -1, 1)));
  }
  // Moved with the therapist's zone, and a change of the same write.
  PutOff("ana", Off("a", -2, 2, 6), {.at = now_});
  PutOff("ana", Off("a", -3, 3, 6), {.at = now_});
  Put("ana", true, 4, {.at = now_});
  EXPECT_TRUE(Find("ana")->therapist.active);
  EXPECT_THAT(Find("ana")->therapist.time_off, ElementsAre(Off("a", -3, 3, 6)));
}

TEST_P(TherapistCopiesTest, WhatIsTakenBackOrNotListedIsGone) {
  const CopyStamp first{.source = CopySource::kListing, .at = now_, .listing = 1};
  for (const char* id : {"ana", "ben"}) {
    Put(id, true, 5, first);
    PutOff(id, Off("a", -1, 1), first);
    PutOff(id, Off("b", -1, 2), first);
  }
  Put("eve", true, 5, first, "south");
  Write([&](Connection& conn) {
    return SqlTherapistCopies::DeleteTimeOff(conn, "north", "ana", "a");
  });
  EXPECT_THAT(Find("ana")->therapist.time_off, ElementsAre(Off("b", -1, 2)));
  EXPECT_THAT(Find("ben")->therapist.time_off, ElementsAre(Off("a", -1, 1), Off("b", -1, 2)));

  Put("ana", true, 5, {.source = CopySource::kListing, .at = now_, .listing = 2});
  Put("ana", true, 5, {.at = now_});  // an event keeps what it was marked with
  Write([&](Connection& conn) { return SqlTherapistCopies::DropUnlisted(conn, "north", 2); });
  ASSERT_TRUE(Find("ana").has_value());
  EXPECT_THAT(Find("ana")->therapist.time_off, IsEmpty());
  EXPECT_FALSE(Find("ben").has_value());
  EXPECT_TRUE(Find("eve", "south").has_value());
}

}  // namespace
}  // namespace ipt::courses
