// Many clients fight for few slots: they book one session or a series, move and cancel their own,
// and send off-grid bookings that straddle two slots, all at random. Patients are shared among
// clients, so that patients are fought for, too. When time is up, all slots left are filled one by
// one.
//
// Every refusal must be one that the contract explains and that this scenario can cause; whatever
// else comes back is a failure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ipt-load/booking_log.h"
#include "ipt-load/retrying_caller.h"

namespace ipt::load {

struct FightOptions {
  std::string clinic = "fight";  // a new one; its id
  int clients = 64;
  int slots = 200;
  int therapists = 4;
  absl::Duration duration = absl::Seconds(20);
  Patience patience;
};

struct FightResult {
  int64_t calls = 0;
  std::map<std::string, int64_t> acknowledged;  // by method
  std::map<std::string, int64_t> refused;       // by reason
  std::map<std::string, int64_t> failed;        // whatever must not happen, by what it was
  std::vector<std::string> failures;            // the first 20, in words
  RetryCounts retries;
  // Answers of calls that were repeated and whose work an earlier attempt had already done.
  int64_t found_again = 0;
  int64_t filled_at_the_end = 0;
  int64_t never_filled = 0;

  bool ok() const { return failed.empty() && never_filled == 0; }
};

// `log` must be empty. An error: the fight could not be set up.
absl::StatusOr<FightResult> Fight(const Connections& connections, const FightOptions& options,
                                  BookingLog& log);

}  // namespace ipt::load
