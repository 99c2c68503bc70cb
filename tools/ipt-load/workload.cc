#include "ipt-load/workload.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "ipt-load/clinic_maker.h"
#include "platform/errors/status_macros.h"

namespace ipt::load {
namespace {

constexpr int kHoursAWeek = 24 * 7;
constexpr absl::Duration kWeek = absl::Hours(kHoursAWeek);
// Sessions may be booked five years ahead.
constexpr int kBlocks = 15;
constexpr int kBookedAtOnce = 16;

}  // namespace

std::optional<CoursePlace> Workload::NextPlace() {
  for (size_t tried = 0; tried < therapists_.size(); ++tried) {
    Therapist& therapist = therapists_[next_therapist_++ % therapists_.size()];
    const int k = therapist.courses++;
    const int block = k / kHoursAWeek;
    if (block >= kBlocks) continue;
    return CoursePlace{therapist.clinic, therapist.name,
                       base_ + block * kCourseSessions * kWeek + absl::Hours(k % kHoursAWeek)};
  }
  return std::nullopt;
}

absl::Status Workload::FindSessions(const Connections& connections) {
  RetryingCaller caller(connections, 0, Patience{});
  for (const std::string& course : courses_) {
    v1::ListSessionsRequest request;
    request.set_parent(course);
    IPT_ASSIGN_OR_RETURN(const auto sessions, ListAllSessions(caller, request));
    for (const v1::Session& session : sessions) sessions_.push_back(session.name());
  }
  if (sessions_.empty()) return absl::NotFoundError("the courses have no sessions");
  return absl::OkStatus();
}

std::optional<OpenCourse> Workload::TakeOpenCourse() {
  const std::lock_guard lock(mutex_);
  if (open_.empty()) return std::nullopt;
  OpenCourse course = std::move(open_.back());
  open_.pop_back();
  return course;
}

absl::StatusOr<std::unique_ptr<Workload>> Workload::Make(const Connections& connections,
                                                         const WorkloadOptions& options) {
  auto workload = std::make_unique<Workload>();
  workload->base_ = absl::UnixEpoch() +
                    absl::Floor(absl::Now() - absl::UnixEpoch(), absl::Hours(24)) + absl::Hours(48);
  RetryingCaller caller(connections, 0, Patience{});
  for (const std::string& id : options.clinics) {
    if (!options.setup) {
      workload->clinics_.push_back(absl::StrCat("clinics/", id));
      IPT_ASSIGN_OR_RETURN(const auto courses, ListAllCourses(caller, workload->clinics_.back()));
      for (const v1::Course& course : courses) workload->courses_.push_back(course.name());
      continue;
    }
    IPT_ASSIGN_OR_RETURN(workload->clinics_.emplace_back(), MakeClinic(caller, id));
  }
  if (!options.setup) {
    if (!workload->courses_.empty()) return workload;
    return absl::NotFoundError(absl::StrCat("no courses in ",
                                            absl::StrJoin(workload->clinics_, ", "),
                                            ": run with --setup first, or name other clinics"));
  }

  // Therapists of this run alone: their calendars are empty.
  const std::string run = NewRequestId().substr(0, 8);
  for (const std::string& clinic : workload->clinics_) {
    for (int t = 0; t < options.therapists; ++t) {
      IPT_ASSIGN_OR_RETURN(const std::string name,
                           MakeTherapist(caller, clinic, absl::StrCat("t", t, "-", run)));
      Therapist& therapist = workload->therapists_.emplace_back();
      therapist.clinic = clinic;
      therapist.name = name;
    }
  }
  const size_t booked = options.clinics.size() * options.courses;
  const size_t spare = options.clinics.size() * options.spare_courses;
  workload->courses_.resize(booked);
  IPT_RETURN_IF_ERROR(ForEach(
      connections, kBookedAtOnce, booked + spare,
      [&](RetryingCaller& maker, size_t i) -> absl::Status {
        const std::optional<CoursePlace> place = workload->NextPlace();
        if (!place.has_value()) {
          return absl::OutOfRangeError(
              "too many courses for so few therapists; raise --therapists");
        }
        IPT_ASSIGN_OR_RETURN(
            const std::string course,
            MakeCourse(maker, place->clinic, place->therapist, absl::StrCat(run, "-", i), false));
        if (i >= booked) {
          const std::lock_guard lock(workload->mutex_);
          workload->open_.push_back({course, place->first});
          return absl::OkStatus();
        }
        v1::BookPlanRequest request;
        request.set_name(course);
        request.set_request_id(NewRequestId());
        for (int n = 0; n < kCourseSessions; ++n) {
          *request.add_slots()->mutable_start_time() = ToTimestamp(place->first + n * kWeek);
        }
        v1::BookPlanResponse response;
        IPT_RETURN_IF_ERROR(
            ToAbsl(maker.Call(maker.stubs().courses, &v1::CourseService::Stub::BookPlan, request,
                              response),
                   "BookPlan"));
        workload->courses_[i] = course;
        return absl::OkStatus();
      }));
  return workload;
}

}  // namespace ipt::load
