// Who follows, and from where, on both engines.
#include "platform/follow/feed_table.h"

#include "gtest/gtest.h"
#include "platform/errors/status_macros.h"
#include "platform/follow/follow_migrations.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::follow {
namespace {

using feed_table::Lease;
using ipt::testing::IsOk;
using ipt::testing::StatusIs;
using storage::Connection;

class FeedTableTest : public ::testing::TestWithParam<storage::Dialect> {
 protected:
  std::optional<Lease> Take(const std::string& owner, bool even_if_taken = false,
                            const FeedKey& key = {"north", "scheduling"}) {
    std::optional<Lease> lease;
    EXPECT_OK(db_->Write({}, [&](Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(
          lease, feed_table::Take(conn, key, owner, now_, now_ + absl::Seconds(30), even_if_taken));
      return absl::OkStatus();
    }));
    return lease;
  }
  template <typename Body>
  absl::Status Write(Body body) {
    return db_->Write({}, [&](Connection& conn) -> absl::Status { return body(conn); });
  }
  std::optional<FeedPosition> Find(const FeedKey& key = {"north", "scheduling"}) {
    std::optional<FeedPosition> position;
    EXPECT_OK(db_->Read({}, [&](Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(position, feed_table::Find(conn, key));
      return absl::OkStatus();
    }));
    return position;
  }
  absl::Status Advance(int64_t fence, const std::string& from, const FeedPosition& to) {
    return Write(
        [&](Connection& conn) { return feed_table::Advance(conn, key_, fence, from, to); });
  }

  const FeedKey key_{"north", "scheduling"};
  absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  ipt::testing::TempDatabase db_{GetParam(), {FollowMigrations()}};
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(FeedTableTest);

TEST_P(FeedTableTest, ANewFeedBeginsWithAListing) {
  EXPECT_EQ(Find(), std::nullopt);
  const auto lease = Take("a");
  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(lease->position, FeedPosition{});
  EXPECT_EQ(Find(), FeedPosition{});
}

TEST_P(FeedTableTest, OneOwnerAtATime) {
  ASSERT_TRUE(Take("a").has_value());
  EXPECT_FALSE(Take("b").has_value());
  EXPECT_TRUE(Take("a").has_value());  // again: it does not know what became of its own
  now_ += absl::Seconds(29);
  EXPECT_FALSE(Take("b").has_value());
  now_ += absl::Seconds(1);
  EXPECT_TRUE(Take("b").has_value());
  EXPECT_FALSE(Take("a").has_value());
  EXPECT_TRUE(Take("a", true).has_value());
}

TEST_P(FeedTableTest, ClinicsAndServicesAreApart) {
  ASSERT_TRUE(Take("a").has_value());
  EXPECT_TRUE(Take("b", false, {"south", "scheduling"}).has_value());
  EXPECT_TRUE(Take("c", false, {"north", "formulation"}).has_value());
}

TEST_P(FeedTableTest, APositionComesBackAsItWas) {
  const auto lease = Take("a");
  const FeedPosition to{"c1", now_, now_ - absl::Seconds(3), 7, 0};
  ASSERT_OK(Advance(lease->fence, "", to));
  EXPECT_EQ(Find(), to);
  EXPECT_EQ(Take("a")->position, to);
}

TEST_P(FeedTableTest, AnOwnerThatWasOvertakenWritesNothing) {
  const int64_t old = Take("a")->fence;
  now_ += absl::Seconds(31);
  const int64_t fence = Take("b")->fence;
  EXPECT_GT(fence, old);
  const auto refused = StatusIs(absl::StatusCode::kAborted);
  EXPECT_THAT(Advance(old, "", {.cursor = "c1"}), refused);
  EXPECT_THAT(Write([&](Connection& conn) { return feed_table::Renew(conn, key_, old, now_); }),
              refused);
  EXPECT_THAT(Write([&](Connection& conn) { return feed_table::Release(conn, key_, old); }),
              refused);
  EXPECT_THAT(Write([&](Connection& conn) { return feed_table::Hold(conn, key_, old); }), refused);
  EXPECT_THAT(
      Write([&](Connection& conn) { return feed_table::BeginListing(conn, key_, old).status(); }),
      refused);
  EXPECT_EQ(Find(), FeedPosition{});
  EXPECT_OK(Advance(fence, "", {.cursor = "c1"}));
}

TEST_P(FeedTableTest, ACursorMovesFromWhereItIs) {
  const int64_t fence = Take("a")->fence;
  ASSERT_OK(Advance(fence, "", {.cursor = "c1"}));
  EXPECT_THAT(Advance(fence, "", {.cursor = "c2"}), StatusIs(absl::StatusCode::kAborted));
  EXPECT_OK(Advance(fence, "c1", {.cursor = "c2"}));
}

TEST_P(FeedTableTest, WhatIsReleasedIsFreeAtOnceAndWhatIsRenewedLaterOn) {
  int64_t fence = Take("a")->fence;
  ASSERT_OK(Write([&](Connection& conn) { return feed_table::Release(conn, key_, fence); }));
  fence = Take("b")->fence;
  ASSERT_OK(Write([&](Connection& conn) {
    return feed_table::Renew(conn, key_, fence, now_ + absl::Seconds(90));
  }));
  now_ += absl::Seconds(89);
  EXPECT_FALSE(Take("a").has_value());
  now_ += absl::Seconds(1);
  EXPECT_TRUE(Take("a").has_value());
}

TEST_P(FeedTableTest, AListingForgetsTheCursorAndHasANumberOfItsOwn) {
  const int64_t fence = Take("a")->fence;
  ASSERT_OK(Advance(fence, "", {.cursor = "c1", .events = 4}));
  for (const int64_t number : {1, 2}) {
    ASSERT_OK(Write([&](Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const int64_t listing, feed_table::BeginListing(conn, key_, fence));
      EXPECT_EQ(listing, number);
      return absl::OkStatus();
    }));
  }
  EXPECT_EQ(Find(), (FeedPosition{.cursor = "", .events = 4, .listings = 2}));
}

}  // namespace
}  // namespace ipt::follow
