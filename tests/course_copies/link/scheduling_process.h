// The real scheduling service as a process of a test's own, on a SQLite file: it can be killed as a
// crash does it, and it goes when the test goes. And its clinic, filled by a client that outlasts
// that.
#pragma once

#include <sys/types.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "google/protobuf/message.h"
#include "platform/peer/peer.h"
#include "platform/time/clock.h"

namespace ipt::testing {

class SchedulingProcess {
 public:
  // Migrates and starts it; aborts the test where it cannot.
  SchedulingProcess();
  ~SchedulingProcess();

  void Start();
  void Kill();  // SIGKILL
  void Stop();  // SIGTERM, to its end
  // Between Stop and Start: what is stored now, and back to it.
  void Backup();
  void Restore();

  const std::string& address() const { return address_; }

 private:
  void Run(const std::vector<std::string>& words);
  pid_t Spawn(const std::vector<std::string>& words) const;

  std::string folder_;
  std::string address_;
  pid_t pid_ = -1;
};

// Calls by the methods' names, with requests as text; patient while the service is away.
class SchedulingClient {
 public:
  explicit SchedulingClient(const std::string& address);

  // "CourseService.GetCourse", "name: 'clinics/north/courses/c1'". A write gets a request_id.
  absl::StatusOr<std::unique_ptr<google::protobuf::Message>> Call(absl::string_view method,
                                                                  const std::string& request);

  // A clinic with two therapists and some courses, one of them under way.
  absl::Status MakeClinic(const std::string& clinic);
  // Does something that changes courses or sessions, whatever comes. Refusals are part of it.
  absl::Status Act(const std::string& clinic, std::mt19937& random);
  // All courses of the clinic with their sessions, as they would be copied.
  absl::StatusOr<std::vector<courses::CopiedCourse>> Courses(const std::string& clinic);

 private:
  std::vector<std::string> sessions_;
  SystemClock clock_;
  Metrics metrics_{"test", "0"};
  std::unique_ptr<peer::Peer> peer_;
};

}  // namespace ipt::testing
