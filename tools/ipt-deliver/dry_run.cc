#include "ipt-deliver/dry_run.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "ipt-deliver/payload.h"

namespace ipt::deliver {
namespace {

bool IsDue(const v1::Reminder& reminder, int64_t now_seconds) {
  return !reminder.has_next_attempt_time() || reminder.next_attempt_time().seconds() <= now_seconds;
}

bool HasOneOf(const v1::Reminder& reminder, const std::vector<v1::ReminderChannel>& channels) {
  return channels.empty() ||
         std::any_of(channels.begin(), channels.end(), [&](v1::ReminderChannel channel) {
           return std::find(reminder.channels().begin(), reminder.channels().end(), channel) !=
                  reminder.channels().end();
         });
}

}  // namespace

grpc::Status PrintDue(const ServerLink& link, const std::vector<std::string>& clinics,
                      const std::vector<v1::ReminderChannel>& channels, std::ostream& out) {
  const int64_t now = absl::ToUnixSeconds(absl::Now());
  for (const std::string& clinic : clinics) {
    v1::ListRemindersRequest request;
    request.set_parent(clinic);
    request.set_page_size(1000);
    request.add_states(v1::REMINDER_STATE_SCHEDULED);
    request.mutable_end_time()->set_seconds(now + 1);
    do {
      v1::ListRemindersResponse response;
      const grpc::Status status =
          link.Call(&ServerLink::Stubs::reminders, &v1::ReminderService::Stub::ListReminders,
                    request, response);
      if (!status.ok()) return status;
      for (const v1::Reminder& reminder : response.reminders()) {
        if (IsDue(reminder, now) && HasOneOf(reminder, channels)) {
          out << PayloadOf(reminder, "") << '\n';
        }
      }
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
  }
  return grpc::Status::OK;
}

}  // namespace ipt::deliver
