#include "ipt-load/clinic_maker.h"

#include <atomic>
#include <mutex>
#include <thread>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/time_util.h"
#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"

namespace ipt::load {

using google::protobuf::util::TimeUtil;

absl::Status ToAbsl(const grpc::Status& status, absl::string_view doing) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(
      static_cast<absl::StatusCode>(status.error_code()),
      absl::StrCat(doing, ": ", CodeName(status.error_code()), ": ", status.error_message()));
}

std::string NewRequestId() {
  static RandomIdSource ids;
  return ids.NewUuid();
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  return TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(time));
}

absl::Time FromTimestamp(const google::protobuf::Timestamp& time) {
  return absl::FromUnixMicros(TimeUtil::TimestampToMicroseconds(time));
}

absl::StatusOr<std::string> MakeClinic(RetryingCaller& caller, const std::string& id) {
  v1::CreateClinicRequest request;
  request.set_clinic_id(id);
  request.mutable_clinic()->set_display_name(id);
  request.mutable_clinic()->set_time_zone("Etc/UTC");
  request.set_request_id(NewRequestId());
  v1::Clinic clinic;
  const grpc::Status status =
      caller.Call(caller.stubs().clinics, &v1::ClinicService::Stub::CreateClinic, request, clinic);
  if (!status.ok() && status.error_code() != grpc::StatusCode::ALREADY_EXISTS) {
    return ToAbsl(status, "CreateClinic");
  }
  return absl::StrCat("clinics/", id);
}

absl::StatusOr<std::string> MakeTherapist(RetryingCaller& caller, const std::string& clinic,
                                          const std::string& id) {
  v1::CreateTherapistRequest request;
  request.set_parent(clinic);
  request.set_therapist_id(id);
  request.mutable_therapist()->set_display_name(id);
  for (int day = 1; day <= 7; ++day) {
    auto* hours = request.mutable_therapist()->add_working_hours();
    hours->set_day(static_cast<google::type::DayOfWeek>(day));
    hours->mutable_start()->set_hours(0);
    hours->mutable_end()->set_hours(24);
  }
  request.set_request_id(NewRequestId());
  v1::Therapist therapist;
  IPT_RETURN_IF_ERROR(
      ToAbsl(caller.Call(caller.stubs().therapists, &v1::TherapistService::Stub::CreateTherapist,
                         request, therapist),
             "CreateTherapist"));
  return therapist.name();
}

v1::CreateCourseRequest CourseRequest(const std::string& clinic, const std::string& therapist,
                                      const std::string& patient, bool allow_concurrent) {
  v1::CreateCourseRequest request;
  request.set_parent(clinic);
  request.mutable_course()->mutable_patient()->set_system("urn:ipt-load");
  request.mutable_course()->mutable_patient()->set_value(patient);
  request.mutable_course()->set_therapist(therapist);
  request.mutable_course()->set_allow_concurrent(allow_concurrent);
  request.set_request_id(NewRequestId());
  return request;
}

absl::StatusOr<std::string> MakeCourse(RetryingCaller& caller, const std::string& clinic,
                                       const std::string& therapist, const std::string& patient,
                                       bool allow_concurrent) {
  v1::Course course;
  IPT_RETURN_IF_ERROR(
      ToAbsl(caller.Call(caller.stubs().courses, &v1::CourseService::Stub::CreateCourse,
                         CourseRequest(clinic, therapist, patient, allow_concurrent), course),
             "CreateCourse"));
  return course.name();
}

absl::StatusOr<std::vector<v1::Session>> ListAllSessions(RetryingCaller& caller,
                                                         v1::ListSessionsRequest request) {
  std::vector<v1::Session> all;
  request.set_page_size(500);
  do {
    v1::ListSessionsResponse page;
    IPT_RETURN_IF_ERROR(ToAbsl(caller.Call(caller.stubs().sessions,
                                           &v1::SessionService::Stub::ListSessions, request, page),
                               "ListSessions"));
    all.insert(all.end(), page.sessions().begin(), page.sessions().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return all;
}

absl::StatusOr<std::vector<v1::Course>> ListAllCourses(RetryingCaller& caller,
                                                       const std::string& clinic) {
  std::vector<v1::Course> all;
  v1::ListCoursesRequest request;
  request.set_parent(clinic);
  request.set_page_size(500);
  do {
    v1::ListCoursesResponse page;
    IPT_RETURN_IF_ERROR(ToAbsl(
        caller.Call(caller.stubs().courses, &v1::CourseService::Stub::ListCourses, request, page),
        "ListCourses"));
    all.insert(all.end(), page.courses().begin(), page.courses().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return all;
}

absl::Status ForEach(const Connections& connections, size_t threads, size_t count,
                     const std::function<absl::Status(RetryingCaller&, size_t)>& work) {
  std::mutex mutex;
  absl::Status first_error;
  std::atomic<size_t> next = 0;
  std::vector<std::thread> running;
  for (size_t t = 0; t < std::min(threads, count); ++t) {
    running.emplace_back([&, t] {
      RetryingCaller caller(connections, t, Patience{});
      for (size_t i = next++; i < count; i = next++) {
        const absl::Status status = work(caller, i);
        if (status.ok()) continue;
        const std::lock_guard lock(mutex);
        if (first_error.ok()) first_error = status;
        next = count;
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  return first_error;
}

}  // namespace ipt::load
