// A clinic's reminder queue as a picture for a terminal, and as a line. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "ipt/scheduling/v1/reminder_service.pb.h"
#include "iptctl/screen.h"
#include "iptctl/value_text.h"

namespace ipt::ctl {

struct QueueLook {
  scheduling::v1::ReminderQueue queue;
  scheduling::v1::SendingState sending;
  std::vector<scheduling::v1::Reminder> next;    // by due time
  std::vector<scheduling::v1::Reminder> leased;  // by the lease's end
  std::vector<scheduling::v1::Reminder> dead;    // newest first
};

// Sent a minute between two looks, as the count of the last 24 hours grew; nullopt: not known.
std::optional<double> SentPerMinute(const QueueLook& look, const QueueLook* before);

struct PictureFrame {
  Screen::Size size;
  absl::Duration interval;
  std::string trouble;  // why `look` is an old one; empty: it is not
};

// At most the size's columns and lines. `before`: the look before, if there was one.
std::string QueuePicture(const QueueLook& look, const QueueLook* before, const PictureFrame& frame,
                         const ShowContext& context);

// Without a newline.
std::string QueueLine(const QueueLook& look, const QueueLook* before, const ShowContext& context);
std::string QueueJson(const QueueLook& look, const QueueLook* before);

// "43s", "9m52s", "2h05m", "3d04h".
std::string SpanText(absl::Duration span);

}  // namespace ipt::ctl
