// A course's session clock: which session has which number, lies in which phase, and how many are
// attended, used up, booked and still to be booked.
//
// Numbers: sessions that used one up come first, by time, then the booked ones, by time; 1, 2, 3...
// without a gap. A session that uses none up (cancelled in time, a no-show that the policy
// forgives) has number 0 and no phase. Pure functions.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/time/time.h"
#include "scheduling/domain/types.h"
#include "scheduling/domain/variants.h"
#include "scheduling/domain/week_clock.h"

namespace ipt::scheduling {

struct SessionCounts {
  int attended = 0;
  int used = 0;
  int booked = 0;      // also those that have passed without attendance recorded
  int unbooked = 0;    // planned, but neither used nor booked
  int excess = 0;      // used or booked beyond the planned ones
  int unrecorded = 0;  // of the booked ones, those that have ended
  // Number of the session that comes next; 0 when all are used.
  int next_number = 0;
  // The first booked session that has not ended; nullptr if none. Points into `sessions`.
  const Session* next = nullptr;
};

// `sessions`: all of the course, by start.
SessionCounts CountSessions(int planned_sessions, const std::vector<Session>& sessions,
                            absl::Time now);

// Whether a session has used up one of the agreed ones.
inline bool IsUsed(const Session& session) {
  return session.uses_session && session.state != SessionState::kBooked;
}

// Sets session_number, phase and week_number of each session (all of the course, by start). Returns
// the indices of those that changed.
std::vector<size_t> NumberSessions(const std::vector<PhaseSpan>& phases, const WeekClock& clock,
                                   const absl::TimeZone& zone, std::vector<Session>& sessions);

}  // namespace ipt::scheduling
