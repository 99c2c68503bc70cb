// GoogleTest matchers for absl::Status and StatusOr (Debian's Abseil ships none).
//
//   EXPECT_THAT(result, IsOk());
//   ASSERT_OK_AND_ASSIGN(auto course, store.Get(name));
//   EXPECT_THAT(result, StatusIs(absl::StatusCode::kNotFound));
//   EXPECT_THAT(result, FailsWith(absl::StatusCode::kFailedPrecondition, "SLOT_TAKEN"));
//   EXPECT_THAT(result, HasBadFields("start_time", "windows[0].end"));
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "platform/errors/error.h"

namespace ipt::testing {

inline const absl::Status& GetStatus(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& GetStatus(const absl::StatusOr<T>& result) {
  return result.status();
}

inline std::string Describe(const absl::Status& status) {
  std::vector<std::string> fields;
  for (const auto& f : FieldViolationsOf(status)) fields.push_back(f.field);
  return absl::StrCat(absl::StatusCodeToString(status.code()), " ", ErrorReasonOf(status), " [",
                      absl::StrJoin(fields, ", "), "] ", std::string(status.message()));
}

MATCHER(IsOk, "is OK") {
  *result_listener << Describe(GetStatus(arg));
  return GetStatus(arg).ok();
}

MATCHER_P(StatusIs, code, absl::StrCat("has code ", absl::StatusCodeToString(code))) {
  *result_listener << Describe(GetStatus(arg));
  return GetStatus(arg).code() == code;
}

MATCHER_P2(FailsWith, code, reason,
           absl::StrCat("has code ", absl::StatusCodeToString(code), " and reason ", reason)) {
  *result_listener << Describe(GetStatus(arg));
  return GetStatus(arg).code() == code && ErrorReasonOf(GetStatus(arg)) == reason;
}

// INVALID_ARGUMENT that names exactly these fields, in any order.
template <typename... Fields>
auto HasBadFields(Fields... fields) {
  return ::testing::ResultOf(
      [](const auto& result) {
        std::vector<std::string> names;
        for (const auto& f : FieldViolationsOf(GetStatus(result))) names.push_back(f.field);
        return names;
      },
      ::testing::UnorderedElementsAre(std::string(fields)...));
}

#define IPT_TEST_CONCAT_INNER(a, b) a##b
#define IPT_TEST_CONCAT(a, b) IPT_TEST_CONCAT_INNER(a, b)
#define ASSERT_OK(expr) ASSERT_THAT((expr), ::ipt::testing::IsOk())
#define EXPECT_OK(expr) EXPECT_THAT((expr), ::ipt::testing::IsOk())
#define ASSERT_OK_AND_ASSIGN(lhs, expr) \
  ASSERT_OK_AND_ASSIGN_IMPL(IPT_TEST_CONCAT(ipt_result_, __LINE__), lhs, expr)
// NOLINTBEGIN(bugprone-macro-parentheses): names that are declared, or assigned to
#define ASSERT_OK_AND_ASSIGN_IMPL(tmp, lhs, expr) \
  auto tmp = (expr);                              \
  ASSERT_THAT(tmp, ::ipt::testing::IsOk());       \
  lhs = *std::move(tmp)
// NOLINTEND(bugprone-macro-parentheses)

}  // namespace ipt::testing
