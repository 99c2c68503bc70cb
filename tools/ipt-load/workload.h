// What a load run works on: clinics with therapists and courses whose sessions are all booked, for
// reads and plans; and, for bookings, therapists and courses of this run alone, so that no booking
// is refused.
//
// Bookings follow a plan that cannot collide: course k of a therapist owns one hour of the week,
// for the 16 weeks of its block.
//
// Thread-safe once made.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ipt-load/retrying_caller.h"

namespace ipt::load {

inline constexpr int kCourseSessions = 16;

// A course with none of its sessions booked yet; they start weekly from `first`.
struct OpenCourse {
  std::string name;
  absl::Time first;
};

// Where a new course of this run may go.
struct CoursePlace {
  std::string clinic;
  std::string therapist;
  absl::Time first;
};

struct WorkloadOptions {
  bool setup = true;                              // make the data; else take what the clinics have
  std::vector<std::string> clinics = {"load-0"};  // their ids
  int therapists = 8;                             // a clinic
  int courses = 64;                               // a clinic, booked in full
  int spare_courses = 0;                          // a clinic, to book sessions of
};

class Workload {
 public:
  static absl::StatusOr<std::unique_ptr<Workload>> Make(const Connections& connections,
                                                        const WorkloadOptions& options);

  const std::vector<std::string>& clinics() const { return clinics_; }
  // Their sessions are booked.
  const std::vector<std::string>& courses() const { return courses_; }

  // Of these courses; none before FindSessions.
  const std::vector<std::string>& sessions() const { return sessions_; }
  absl::Status FindSessions(const Connections& connections);

  // A prepared course, while there are any.
  std::optional<OpenCourse> TakeOpenCourse();
  // Where to open another one. Empty: five years of all therapists are booked, or nothing was set
  // up.
  std::optional<CoursePlace> NextPlace();

 private:
  struct Therapist {
    std::string clinic;
    std::string name;
    std::atomic<int> courses = 0;
  };

  std::vector<std::string> clinics_;
  std::vector<std::string> courses_;
  std::vector<std::string> sessions_;
  std::deque<Therapist> therapists_;
  std::atomic<size_t> next_therapist_ = 0;
  absl::Time base_;
  std::mutex mutex_;
  std::vector<OpenCourse> open_;
};

}  // namespace ipt::load
