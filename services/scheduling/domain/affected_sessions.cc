#include "scheduling/domain/affected_sessions.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace ipt::scheduling {
absl::StatusOr<std::vector<Session>> SessionsWithin(SchedulingReader& reader,
                                                    absl::string_view clinic_id,
                                                    absl::string_view therapist_id,
                                                    std::vector<SessionState> states,
                                                    Interval within) {
  SessionFilter filter;
  filter.states = std::move(states);
  filter.therapist_id = std::string(therapist_id);
  filter.ends_after = within.start;
  if (within.end != absl::InfiniteFuture()) filter.starts_before = within.end;
  return reader.ListSessions(clinic_id, filter, std::nullopt, std::numeric_limits<int>::max());
}

absl::StatusOr<std::vector<Session>> BookedSessions(SchedulingReader& reader,
                                                    absl::string_view clinic_id,
                                                    absl::string_view therapist_id, Interval within,
                                                    absl::Time now) {
  if (within.end <= now) return std::vector<Session>();
  return SessionsWithin(reader, clinic_id, therapist_id, {SessionState::kBooked},
                        {std::max(within.start, now), within.end});
}

}  // namespace ipt::scheduling
