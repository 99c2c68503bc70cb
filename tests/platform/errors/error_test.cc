#include "platform/errors/error.h"

#include "gtest/gtest.h"
#include "platform/errors/field_violations.h"
#include "tests/support/status_matchers.h"

namespace ipt {
namespace {

using ::ipt::testing::FailsWith;
using ::ipt::testing::HasBadFields;

TEST(ErrorTest, InvalidFieldsNamesThemAll) {
  FieldViolations bad;
  bad.Add("name", "is required");
  bad.At("windows", 2).Add("end", "must be after start");
  bad.In("patient").In("identifier").Add("", "is required");
  EXPECT_THAT(bad.ToStatus(), HasBadFields("name", "windows[2].end", "patient.identifier"));
  EXPECT_THAT(bad.ToStatus(), FailsWith(absl::StatusCode::kInvalidArgument, "INVALID_FIELDS"));
}

TEST(ErrorTest, NoViolationIsOk) { EXPECT_OK(FieldViolations().ToStatus()); }

TEST(ErrorTest, RetryDelaySurvives) {
  EXPECT_EQ(RetryDelayOf(Unavailable("STORE_UNAVAILABLE", "later", absl::Milliseconds(1500))),
            absl::Milliseconds(1500));
  EXPECT_EQ(RetryDelayOf(absl::OkStatus()), absl::ZeroDuration());
}

TEST(ErrorTest, NamesEveryViolatedPrecondition) {
  const absl::Status status = FailedPreconditions(
      "SERIES_CONFLICT", "2 of 3 sessions",
      {{"SLOT_TAKEN", "slots[0]", "booked"}, {"PAST_DEADLINE", "slots[2]", "late"}},
      {{"conflicts", "2"}});
  EXPECT_EQ(ErrorReasonOf(status), "SERIES_CONFLICT");
  EXPECT_EQ(ErrorMetadataOf(status), (ErrorMetadata{{"conflicts", "2"}}));
  const auto violations = PreconditionViolationsOf(status);
  ASSERT_EQ(violations.size(), 2u);
  EXPECT_EQ(violations[1].reason, "PAST_DEADLINE");
  EXPECT_EQ(violations[1].subject, "slots[2]");
}

}  // namespace
}  // namespace ipt
