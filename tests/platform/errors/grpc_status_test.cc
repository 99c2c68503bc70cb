#include "platform/errors/grpc_status.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "platform/errors/error.h"

namespace ipt {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

google::rpc::Status Details(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  return details;
}

TEST(GrpcStatusTest, MasksInternalDetail) {
  const auto status = ToGrpcStatus(Internal("SELECT secret FROM patients"), "req-1");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(), HasSubstr("req-1"));
  EXPECT_THAT(status.error_message(), Not(HasSubstr("secret")));
  EXPECT_THAT(status.error_details(), Not(HasSubstr("secret")));
}

TEST(GrpcStatusTest, CarriesErrorInfoAndBadRequest) {
  const auto status = ToGrpcStatus(InvalidField("zone", "is not an IANA time zone"), "req-2");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  google::rpc::ErrorInfo info;
  google::rpc::BadRequest bad;
  bool has_info = false;
  bool has_bad = false;
  const google::rpc::Status details = Details(status);
  for (const auto& any : details.details()) {
    has_info |= any.UnpackTo(&info);
    has_bad |= any.UnpackTo(&bad);
  }
  ASSERT_TRUE(has_info && has_bad);
  EXPECT_EQ(info.reason(), "INVALID_FIELDS");
  EXPECT_EQ(info.domain(), "ipt");
  ASSERT_EQ(bad.field_violations_size(), 1);
  EXPECT_EQ(bad.field_violations(0).field(), "zone");
}

TEST(GrpcStatusTest, KeepsInternalPayloadsInside) {
  absl::Status status = Unavailable("STORE_UNAVAILABLE", "try again", absl::Seconds(1));
  status.SetPayload("ipt.internal/x", absl::Cord("constraint_name"));
  const auto sent = ToGrpcStatus(status, "req-5");
  EXPECT_EQ(Details(sent).details_size(), 3);  // ErrorInfo, RetryInfo, RequestInfo
  EXPECT_THAT(sent.error_details(), Not(HasSubstr("constraint_name")));
}

TEST(GrpcStatusTest, AnothersAnswerComesInAsItWentOut) {
  for (const absl::Status& error :
       {InvalidField("zone", "wrong"), NotFound("Clinic", "clinics/a"),
        FailedPrecondition("SLOT_TAKEN", "clinics/a/courses/b", "taken", {{"state", "CLOSED"}}),
        Unavailable("STORE_UNAVAILABLE", "later", absl::Seconds(7))}) {
    const absl::Status read = FromGrpcStatus(ToGrpcStatus(error, "req-6"));
    EXPECT_EQ(read, error);  // their request's id is left out
    EXPECT_EQ(ErrorMetadataOf(read), ErrorMetadataOf(error));
  }
  EXPECT_EQ(FromGrpcStatus(grpc::Status::OK), absl::OkStatus());
  EXPECT_EQ(FromGrpcStatus(grpc::Status(grpc::StatusCode::UNAVAILABLE, "no details", "torn")),
            absl::UnavailableError("no details"));
}

TEST(GrpcStatusTest, ErrorInfoComesFirst) {
  for (const absl::Status& error :
       {InvalidField("zone", "wrong"), NotFound("Clinic", "clinics/a"),
        FailedPrecondition("SLOT_TAKEN", "clinics/a/courses/b", "taken"),
        Unavailable("STORE_UNAVAILABLE", "later", absl::Seconds(1))}) {
    const google::rpc::Status details = Details(ToGrpcStatus(error, "req-4"));
    ASSERT_GE(details.details_size(), 2);
    EXPECT_TRUE(details.details(0).Is<google::rpc::ErrorInfo>());
  }
}

TEST(GrpcStatusTest, CapsManyPreconditionsAndSaysHowManyAreLeftOut) {
  std::vector<PreconditionViolation> violations;
  for (int i = 0; i < 40; ++i) {
    violations.push_back({"THERAPIST_BOOKED", absl::StrCat("sessions[", i, "]"),
                          "the therapist has another session at that time; choose another one"});
  }
  const grpc::Status status = ToGrpcStatus(
      FailedPreconditions("SERIES_CONFLICT", "40 of 40 sessions cannot be booked", violations),
      "r-1");
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_LE(status.error_details().size(), 4096u);
  google::rpc::PreconditionFailure failure;
  for (const auto& any : details.details()) any.UnpackTo(&failure);
  ASSERT_GT(failure.violations_size(), 10);
  EXPECT_EQ(failure.violations(0).subject(), "sessions[0]");
  const int told = failure.violations_size() - 1;
  EXPECT_EQ(failure.violations(told).description(), absl::StrCat(40 - told, " more"));
}

TEST(GrpcStatusTest, CapsFatDetailsAndSaysHowManyAreLeftOut) {
  std::vector<FieldViolation> many;
  for (int i = 0; i < 500; ++i) many.push_back({absl::StrCat("sessions[", i, "].start"), "taken"});
  const auto status = ToGrpcStatus(InvalidFields(many), "req-3");
  EXPECT_LE(status.error_details().size(), 4096u);
  google::rpc::BadRequest bad;
  const google::rpc::Status details = Details(status);
  for (const auto& any : details.details()) any.UnpackTo(&bad);
  ASSERT_GT(bad.field_violations_size(), 10);
  EXPECT_THAT(bad.field_violations(bad.field_violations_size() - 1).description(),
              HasSubstr("more"));
}

}  // namespace
}  // namespace ipt
