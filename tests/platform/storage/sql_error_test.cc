#include "platform/storage/sql_error.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/error.h"
#include "tests/support/status_matchers.h"

namespace ipt::storage {
namespace {

using ::ipt::testing::FailsWith;

TEST(SqlErrorTest, KindAndConstraintTravelInTheStatus) {
  const absl::Status status = SqlError(SqlErrorKind::kUniqueViolation, "x", "courses.open");
  EXPECT_EQ(SqlErrorKindOf(status), SqlErrorKind::kUniqueViolation);
  EXPECT_EQ(ConstraintNameOf(status), "courses.open");
  EXPECT_EQ(SqlErrorKindOf(absl::OkStatus()), SqlErrorKind::kNone);
  EXPECT_EQ(SqlErrorKindOf(NotFound("x", "y")), SqlErrorKind::kNone);
  EXPECT_EQ(ConstraintNameOf(NotFound("x", "y")), "");
}

TEST(SqlErrorTest, PostgresStatesHaveTheirKinds) {
  const auto kind = [](const char* sqlstate) {
    return SqlErrorKindOf(PostgresError(sqlstate, "", ""));
  };
  EXPECT_EQ(kind("23505"), SqlErrorKind::kUniqueViolation);
  EXPECT_EQ(kind("23P01"), SqlErrorKind::kExclusionViolation);
  EXPECT_EQ(kind("23503"), SqlErrorKind::kForeignKey);
  EXPECT_EQ(kind("23514"), SqlErrorKind::kCheck);
  EXPECT_EQ(kind("23502"), SqlErrorKind::kCheck);
  EXPECT_EQ(kind("P0001"), SqlErrorKind::kTriggerAbort);
  EXPECT_EQ(kind("40001"), SqlErrorKind::kSerialization);
  EXPECT_EQ(kind("40P01"), SqlErrorKind::kDeadlock);
  EXPECT_EQ(kind("57014"), SqlErrorKind::kTimeout);
  EXPECT_EQ(kind("55P03"), SqlErrorKind::kLocked);
  EXPECT_EQ(kind("57P01"), SqlErrorKind::kConnection);
  EXPECT_EQ(kind("08006"), SqlErrorKind::kConnection);
  EXPECT_EQ(kind("53300"), SqlErrorKind::kConnection);
  EXPECT_EQ(kind(""), SqlErrorKind::kConnection);
  EXPECT_EQ(kind("53100"), SqlErrorKind::kFull);
  EXPECT_EQ(kind("25006"), SqlErrorKind::kReadOnly);
  EXPECT_EQ(kind("XX001"), SqlErrorKind::kCorrupt);
  EXPECT_EQ(kind("22021"), SqlErrorKind::kBadText);
  EXPECT_EQ(kind("42P01"), SqlErrorKind::kOther);
}

TEST(SqlErrorTest, SqliteCodesHaveTheirKinds) {
  const auto kind = [](int code) { return SqlErrorKindOf(SqliteError(code, "")); };
  EXPECT_EQ(kind(2067), SqlErrorKind::kUniqueViolation);
  EXPECT_EQ(kind(1555), SqlErrorKind::kUniqueViolation);
  EXPECT_EQ(kind(787), SqlErrorKind::kForeignKey);
  EXPECT_EQ(kind(275), SqlErrorKind::kCheck);
  EXPECT_EQ(kind(1299), SqlErrorKind::kCheck);
  EXPECT_EQ(kind(1811), SqlErrorKind::kTriggerAbort);
  EXPECT_EQ(kind(13), SqlErrorKind::kFull);
  EXPECT_EQ(kind(8), SqlErrorKind::kReadOnly);
  EXPECT_EQ(kind(1032), SqlErrorKind::kReadOnly);
  EXPECT_EQ(kind(11), SqlErrorKind::kCorrupt);
  EXPECT_EQ(kind(26), SqlErrorKind::kCorrupt);
  EXPECT_EQ(kind(5), SqlErrorKind::kBusy);
  EXPECT_EQ(kind(9), SqlErrorKind::kTimeout);
  EXPECT_EQ(kind(1), SqlErrorKind::kOther);
}

TEST(SqlErrorTest, CodesAndReasonsAreThoseThatClientsKnow) {
  const auto error = [](SqlErrorKind kind) { return SqlError(kind, "x"); };
  using Kind = SqlErrorKind;
  for (Kind kind : {Kind::kSerialization, Kind::kDeadlock, Kind::kRetry}) {
    EXPECT_THAT(error(kind), FailsWith(absl::StatusCode::kAborted, reason::kStoreConflict));
  }
  for (Kind kind : {Kind::kConnection, Kind::kReadOnly, Kind::kCorrupt, Kind::kBusy}) {
    EXPECT_THAT(error(kind), FailsWith(absl::StatusCode::kUnavailable, reason::kStoreUnavailable));
    EXPECT_GT(RetryDelayOf(error(kind)), absl::ZeroDuration());
  }
  EXPECT_THAT(error(Kind::kFull),
              FailsWith(absl::StatusCode::kResourceExhausted, reason::kStoreFull));
  EXPECT_THAT(error(Kind::kTimeout),
              FailsWith(absl::StatusCode::kDeadlineExceeded, reason::kDeadlineExceeded));
  EXPECT_THAT(error(Kind::kOther), FailsWith(absl::StatusCode::kInternal, reason::kInternal));
}

TEST(SqlErrorTest, OnlyANameIsTakenFromATriggersMessage) {
  EXPECT_EQ(ConstraintNameOf(SqliteError(1811, "slot_taken")), "slot_taken");
  EXPECT_EQ(ConstraintNameOf(SqliteError(1811, "taken by Jane Doe")), "");
  EXPECT_EQ(ConstraintNameOf(PostgresError("P0001", "", "taken by Jane Doe")), "");
}

}  // namespace
}  // namespace ipt::storage
