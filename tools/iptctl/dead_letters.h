// `reminders replay-many` and `reminders drop-many`: dead letters of a clinic, many at once.
#pragma once

#include "iptctl/app.h"

namespace ipt::ctl {

// `request` is a ListRemindersRequest that says which. Shows them, asks, and goes through them one
// by one; what is refused stays, and is told.
int HandleDeadLetters(bool drop, const Message& request, Session& session);

}  // namespace ipt::ctl
