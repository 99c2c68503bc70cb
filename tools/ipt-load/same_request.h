// Many equal requests with one request_id at once: one booking, one answer.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "ipt-load/retrying_caller.h"

namespace ipt::load {

struct SameRequestResult {
  int64_t calls = 0;
  int64_t different_answers = 0;  // rounds whose answers were not all the same bytes
  int64_t refused = 0;
  int64_t retries = 0;
  int64_t stored = 0;  // sessions of the course afterwards
  int64_t rounds = 0;
  std::string course;
  std::string first_error;

  bool ok() const { return different_answers == 0 && refused == 0 && stored == rounds; }
};

// `rounds` bookings, each sent by `clients` at once, in a new clinic.
absl::StatusOr<SameRequestResult> SendSameRequests(const Connections& connections,
                                                   const std::string& clinic, int clients,
                                                   int rounds);

}  // namespace ipt::load
