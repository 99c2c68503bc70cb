// `reminders watch`: looks at a clinic's reminder queue again and again, over restarts of the
// server, until it is stopped.
#pragma once

#include "iptctl/app.h"

namespace ipt::ctl {

// `request` is a GetReminderQueueRequest. Ends after --count looks, or with an error that another
// look would not heal.
int WatchReminders(const Message& request, Session& session);

}  // namespace ipt::ctl
