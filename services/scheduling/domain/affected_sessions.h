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

// All sessions in `states` of a therapist (empty: of the clinic's all) that overlap `within`, by
// start; none is left out, however many there are.
absl::StatusOr<std::vector<Session>> SessionsWithin(SchedulingReader& reader,
                                                    absl::string_view clinic_id,
                                                    absl::string_view therapist_id,
                                                    std::vector<SessionState> states,
                                                    Interval within);

// The booked ones among them that have not ended by `now`.
absl::StatusOr<std::vector<Session>> BookedSessions(SchedulingReader& reader,
                                                    absl::string_view clinic_id,
                                                    absl::string_view therapist_id, Interval within,
                                                    absl::Time now);

}  // namespace ipt::scheduling
