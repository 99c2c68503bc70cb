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

}  // namespace
}  // namespace ipt
