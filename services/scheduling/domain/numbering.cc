#include "scheduling/domain/numbering.h"

#include <algorithm>

#include "scheduling/domain/time_zone.h"

namespace ipt::scheduling {

SessionCounts CountSessions(int planned_sessions, const std::vector<Session>& sessions,
                            absl::Time now) {
  SessionCounts counts;
  for (const Session& session : sessions) {
    if (session.state == SessionState::kAttended) ++counts.attended;
    if (IsUsed(session)) ++counts.used;
    if (session.state != SessionState::kBooked) continue;
    ++counts.booked;
    if (session.interval.end <= now) {
      ++counts.unrecorded;
    } else if (counts.next == nullptr) {
      counts.next = &session;
    }
  }
  counts.unbooked = std::max(0, planned_sessions - counts.used - counts.booked);
  counts.excess = std::max(0, counts.used + counts.booked - planned_sessions);
  if (counts.used < planned_sessions) {
    counts.next_number = std::min(counts.used + counts.unrecorded + 1, planned_sessions);
  }
  return counts;
}

std::vector<size_t> NumberSessions(const std::vector<PhaseSpan>& phases, const WeekClock& clock,
                                   const absl::TimeZone& zone, std::vector<Session>& sessions) {
  int next_used = 1;
  int next_booked = 1 + static_cast<int>(std::count_if(sessions.begin(), sessions.end(), IsUsed));
  std::vector<size_t> changed;
  for (size_t i = 0; i < sessions.size(); ++i) {
    Session& session = sessions[i];
    const int number = session.state == SessionState::kBooked ? next_booked++
                       : IsUsed(session)                      ? next_used++
                                                              : 0;
    const Phase phase = PhaseOf(phases, number);
    const int week = clock.WeekNumber(LocalDay(session.interval.start, zone));
    if (session.session_number == number && session.phase == phase && session.week_number == week) {
      continue;
    }
    session.session_number = number;
    session.phase = phase;
    session.week_number = week;
    changed.push_back(i);
  }
  return changed;
}

}  // namespace ipt::scheduling
