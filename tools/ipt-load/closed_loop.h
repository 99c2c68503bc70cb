// The load generator: a fixed number of calls is always in flight, each answered one followed at
// once by the next, drawn from a mix. Asynchronous (gRPC's callback API): lanes are not threads.
//
// A refused call is counted and followed by the next one, as any other; only after UNAVAILABLE a
// lane rests for 20 ms, so that a server that is away is not asked in a tight loop.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ipt-load/connection.h"
#include "ipt-load/forms.h"
#include "ipt-load/histogram.h"
#include "ipt-load/workload.h"

namespace ipt::load {

struct LoadOptions {
  std::map<std::string, int> mix;  // operation (see Operations()) -> weight
  int in_flight = 64;
  absl::Duration warmup = absl::Seconds(2);
  absl::Duration duration = absl::Seconds(10);
};

struct MethodResult {
  Histogram latency;                      // of all calls, failed ones too
  std::map<std::string, int64_t> errors;  // by ErrorFacts::name
  int64_t error_calls = 0;
  int64_t with_retry_info = 0;  // of the errors
  int64_t with_pushback = 0;
};

// Counts a call that failed into what its method came to.
void CountError(const grpc::Status& status, const grpc::ClientContext& context,
                MethodResult& result);

struct LoadResult {
  absl::Duration measured;
  std::map<std::string, MethodResult> methods;  // by operation
  bool ran_out = false;                         // no room was left for bookings
};

struct Operation {
  const char* name;
  const char* help;
};
const std::vector<Operation>& Operations();

// "get-course=80,plan=5" (a weight left out is 1). INVALID_ARGUMENT says what is wrong.
absl::StatusOr<std::map<std::string, int>> ParseMix(absl::string_view text);

// `forms`: what "record" records.
LoadResult RunLoad(const Connections& connections, Workload& workload, Forms& forms,
                   const LoadOptions& options);

}  // namespace ipt::load
