// Makes the clinics, therapists and courses that load runs on, through the API.
//
// All clinics are in UTC and all therapists work around the clock, so that hour h is a slot of
// every therapist, on every day.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ipt-load/retrying_caller.h"

namespace ipt::load {

absl::Status ToAbsl(const grpc::Status& status, absl::string_view doing);
std::string NewRequestId();
google::protobuf::Timestamp ToTimestamp(absl::Time time);
absl::Time FromTimestamp(const google::protobuf::Timestamp& time);

// Each returns the resource's name. An existing clinic is taken as it is.
absl::StatusOr<std::string> MakeClinic(RetryingCaller& caller, const std::string& id);
absl::StatusOr<std::string> MakeTherapist(RetryingCaller& caller, const std::string& clinic,
                                          const std::string& id);
v1::CreateCourseRequest CourseRequest(const std::string& clinic, const std::string& therapist,
                                      const std::string& patient, bool allow_concurrent);
absl::StatusOr<std::string> MakeCourse(RetryingCaller& caller, const std::string& clinic,
                                       const std::string& therapist, const std::string& patient,
                                       bool allow_concurrent);

// All of a clinic's sessions that match, page after page.
absl::StatusOr<std::vector<v1::Session>> ListAllSessions(RetryingCaller& caller,
                                                         v1::ListSessionsRequest request);
absl::StatusOr<std::vector<v1::Course>> ListAllCourses(RetryingCaller& caller,
                                                       const std::string& clinic);

// Runs `work(caller, i)` for i in [0, count) on `threads` threads. Stops at the first error and
// returns it.
absl::Status ForEach(const Connections& connections, size_t threads, size_t count,
                     const std::function<absl::Status(RetryingCaller&, size_t)>& work);

}  // namespace ipt::load
