// The measurements that load records: PHQ-9s with all nine items, of courses in turn, one a week,
// falling as in treatment. None is like another one of its course near it in time, so that none is
// refused as recorded already.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "ipt-load/connection.h"

namespace ipt::load {

struct Form {
  ov1::RecordMeasurementRequest request;  // with ids of its own
  bool risk = false;                      // it raises an alert
};

// Thread-safe.
class Forms {
 public:
  // `courses`: their names. `risk`: the share of forms with a risk answer, 0 to 1. All forms were
  // completed in the year before `now`.
  Forms(std::vector<std::string> courses, double risk, absl::Time now);

  // REQUIRES: there are courses.
  Form Next();

 private:
  const std::vector<std::string> courses_;
  const double risk_;
  const absl::Time first_;
  std::atomic<size_t> next_ = 0;
};

// Has the server find each of the courses once, so that it has its copy of them from scheduling
// before anything is measured. Records nothing.
absl::Status Introduce(const Connections& connections, const std::vector<std::string>& courses);

}  // namespace ipt::load
