// Holds what a server was heard to acknowledge against what its store has, through the API.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ipt-load/booking_log.h"
#include "ipt-load/retrying_caller.h"

namespace ipt::load {

struct Verdict {
  int64_t sessions = 0;  // that block time, in the store
  int64_t acknowledged = 0;
  int64_t slots = 0;
  int64_t filled = 0;
  int64_t therapist_overlaps = 0;
  int64_t patient_overlaps = 0;
  int64_t missing = 0;                // acknowledged, and not there or not as acknowledged
  int64_t unknown = 0;                // there, and never acknowledged
  int64_t twice = 0;                  // acknowledged as new more than once
  std::vector<std::string> problems;  // one sentence each; the first 20

  bool ok(bool must_be_full) const {
    return therapist_overlaps + patient_overlaps + missing + unknown + twice == 0 &&
           (!must_be_full || filled == slots);
  }
};

absl::StatusOr<Verdict> Verify(RetryingCaller& caller, const Acknowledged& log);

}  // namespace ipt::load
