#include "scheduling/domain/affected_sessions.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "platform/errors/status_macros.h"

namespace ipt::scheduling {
namespace {

SessionFilter FilterOf(absl::string_view therapist_id, std::vector<SessionState> states,
                       Interval within) {
  SessionFilter filter;
  filter.states = std::move(states);
  filter.therapist_id = std::string(therapist_id);
  filter.ends_after = within.start;
  if (within.end != absl::InfiniteFuture()) filter.starts_before = within.end;
  return filter;
}

}  // namespace

AffectedSessions Told(std::vector<Session> sessions) {
  AffectedSessions affected{.sessions = {}, .total = static_cast<int>(sessions.size())};
  if (affected.total > kAffectedTold) sessions.resize(kAffectedTold);
  affected.sessions = std::move(sessions);
  return affected;
}

absl::StatusOr<std::vector<Session>> SessionsWithin(SchedulingReader& reader,
                                                    absl::string_view clinic_id,
                                                    absl::string_view therapist_id,
                                                    std::vector<SessionState> states,
                                                    Interval within) {
  return reader.ListSessions(clinic_id, FilterOf(therapist_id, std::move(states), within),
                             std::nullopt, std::numeric_limits<int>::max());
}

absl::StatusOr<std::vector<Session>> BookedSessions(SchedulingReader& reader,
                                                    absl::string_view clinic_id,
                                                    absl::string_view therapist_id, Interval within,
                                                    absl::Time now) {
  if (within.end <= now) return std::vector<Session>();
  return SessionsWithin(reader, clinic_id, therapist_id, {SessionState::kBooked},
                        {std::max(within.start, now), within.end});
}

absl::StatusOr<AffectedSessions> AffectedWithin(SchedulingReader& reader,
                                                absl::string_view clinic_id,
                                                absl::string_view therapist_id, Interval within,
                                                absl::Time now) {
  AffectedSessions affected;
  if (within.end <= now) return affected;
  const SessionFilter filter =
      FilterOf(therapist_id, {SessionState::kBooked}, {std::max(within.start, now), within.end});
  IPT_ASSIGN_OR_RETURN(affected.sessions,
                       reader.ListSessions(clinic_id, filter, std::nullopt, kAffectedTold));
  affected.total = static_cast<int>(affected.sessions.size());
  if (affected.total == kAffectedTold) {
    IPT_ASSIGN_OR_RETURN(affected.total, reader.CountSessions(clinic_id, filter));
  }
  return affected;
}

}  // namespace ipt::scheduling
