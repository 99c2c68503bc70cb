// How the stored reminders of a course follow what is desired of it now. Pure functions,
// thread-safe.
//
// - One that waits or is leased is rewritten in place as soon as anything of it differs, and
//   withdrawn when nothing asks for it any more. Both give it a new generation: what a gateway
//   still has of the old one is void.
// - One that is over (sent, dead, too late, dropped) stays so, unless what it was about has moved:
// a
//   session to another time, a deadline to another day. Then it is due again, with the new time.
// - A reminder whose time has passed when it is made, or made due again: those of the day are sent
//   at once while the day lasts. Of a session's, none is sent while another of the same session to
//   the same recipient is still to come; else the nearest one is sent at once, if half of its lead
//   time is left (who just booked knows), or if they were told of another time before. The others
//   are suppressed as BORN_LATE.
#pragma once

#include <vector>

#include "absl/time/time.h"
#include "scheduling/domain/reminder_types.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

struct ReminderRewrite {
  std::vector<Reminder> inserted;  // without id
  std::vector<Reminder> updated;   // whole rows
  bool empty() const { return inserted.empty() && updated.empty(); }
};

// `stored`: all of the course. `desired`: DesiredReminders of it. Tests are left alone until the
// course is closed.
ReminderRewrite RewriteReminders(const Course& course, const std::vector<Session>& sessions,
                                 const ReminderPolicy& policy, const std::vector<Reminder>& desired,
                                 const std::vector<Reminder>& stored, absl::Time now);

// Whether two reminders of one key are about the same: what a person who got the one has been told.
bool SameSubject(const Reminder& a, const Reminder& b);

}  // namespace ipt::scheduling
