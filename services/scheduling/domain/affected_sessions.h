// Which booked sessions a change of a calendar touches: what callers are told to move or cancel.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "scheduling/domain/store.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// An answer names at most so many, so that it fits in a message.
inline constexpr int kAffectedTold = 500;

struct AffectedSessions {
  std::vector<Session> sessions;  // the first of them
  int total = 0;
};

// Leaves those that an answer names.
AffectedSessions Told(std::vector<Session> sessions);

// All sessions in `states` of a therapist (empty: of the clinic's all) that overlap `within`, by
// start; none is left out, however many there are.
absl::StatusOr<std::vector<Session>> SessionsWithin(SchedulingReader& reader,
                                                    absl::string_view clinic_id,
                                                    absl::string_view therapist_id,
                                                    std::vector<SessionState> states,
                                                    Interval within);

// The booked ones among them that have not ended by `now`: all of them, or those that an answer
// names, without reading more.
absl::StatusOr<std::vector<Session>> BookedSessions(SchedulingReader& reader,
                                                    absl::string_view clinic_id,
                                                    absl::string_view therapist_id, Interval within,
                                                    absl::Time now);
absl::StatusOr<AffectedSessions> AffectedWithin(SchedulingReader& reader,
                                                absl::string_view clinic_id,
                                                absl::string_view therapist_id, Interval within,
                                                absl::Time now);

}  // namespace ipt::scheduling
