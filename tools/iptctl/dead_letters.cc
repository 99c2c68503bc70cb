#include "iptctl/dead_letters.h"

#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "ipt/scheduling/v1/reminder_service.pb.h"
#include "iptctl/error_output.h"
#include "iptctl/render_table.h"
#include "nlohmann/json.hpp"

namespace ipt::ctl {
namespace {

namespace v1 = scheduling::v1;

constexpr char kList[] = "ipt.scheduling.v1.ReminderService.ListReminders";
constexpr char kReplay[] = "ipt.scheduling.v1.ReminderService.ReplayReminder";
constexpr char kDrop[] = "ipt.scheduling.v1.ReminderService.DropReminder";
constexpr int kShown = 20;
constexpr int kLettersPage = 1000;

std::string WhyText(const v1::Reminder& reminder) {
  const auto* value = v1::ReminderWhyNot_descriptor()->FindValueByNumber(reminder.why_not());
  return value == nullptr ? absl::StrCat(reminder.why_not()) : EnumText(*value);
}

// NO_ADDRESS, no-address and No_Address are the same.
std::string Folded(absl::string_view word) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(word), {{"_", "-"}});
}

bool IsBecause(const v1::Reminder& reminder, const std::string& word) {
  return word.empty() || Folded(WhyText(reminder)) == Folded(word) ||
         Folded(reminder.last_reason()) == Folded(word);
}

// The first of them, and how many there are of each kind.
std::string Overview(const v1::ListRemindersResponse& found, const ShowContext& context) {
  v1::ListRemindersResponse first;
  std::map<std::string, int> counts;
  for (const v1::Reminder& reminder : found.reminders()) {
    if (first.reminders_size() < kShown) *first.add_reminders() = reminder;
    ++counts[absl::StrCat(WhyText(reminder), reminder.last_reason().empty() ? "" : ", ",
                          reminder.last_reason())];
  }
  std::string out = RenderMessage(first, context);
  if (found.reminders_size() > kShown) {
    absl::StrAppend(&out, "... and ", found.reminders_size() - kShown, " more\n");
  }
  for (const auto& [why, count] : counts) absl::StrAppend(&out, count, "  ", why, "\n");
  return out;
}

// Whether others may fare better than one that was refused so.
bool IsOfOneAlone(grpc::StatusCode code) {
  return code == grpc::StatusCode::FAILED_PRECONDITION || code == grpc::StatusCode::NOT_FOUND ||
         code == grpc::StatusCode::ABORTED;
}

}  // namespace

int HandleDeadLetters(bool drop, const Message& request, Session& session) {
  v1::ListRemindersRequest list;
  list.ParseFromString(request.SerializeAsString());
  const std::string note = session.settings.Get("note");
  if (list.states_size() != 1 || list.states(0) != v1::REMINDER_STATE_DEAD) {
    return session.UsageError("these are of dead letters only: leave --state out");
  }
  if (drop && note.empty()) {
    return session.UsageError("say why, for whoever looks later: --note TEXT");
  }
  const bool yes = session.settings.Has("yes");
  if (!yes && !session.env.in_is_terminal) {
    return session.UsageError(
        "nobody can be asked here: add --yes, or look first with reminders list --state dead");
  }

  if (list.page_size() == 0) list.set_page_size(kLettersPage);
  // Pages are followed in the contract's own types.
  const MethodDescriptor& list_method = *FindMethod(kList);
  const auto asked_for = NewMessage(*list_method.input_type());
  const auto pages = NewMessage(*list_method.output_type());
  asked_for->ParseFromString(list.SerializeAsString());
  if (const int exit = session.CallPages(list_method, *asked_for, *pages, /*all=*/true))
    return exit;
  v1::ListRemindersResponse all;
  all.ParseFromString(pages->SerializeAsString());
  v1::ListRemindersResponse found;
  for (v1::Reminder& reminder : *all.mutable_reminders()) {
    if (IsBecause(reminder, session.settings.Get("because"))) {
      *found.add_reminders() = std::move(reminder);
    }
  }
  const int count = found.reminders_size();
  const bool json = session.settings.json_output;
  if (!json || !yes) (json ? session.env.err : session.env.out) << Overview(found, session.show());
  const std::string these = absl::StrCat(count, count == 1 ? " dead letter" : " dead letters");
  if (count > 0 && !yes &&
      !session.Confirm(absl::StrCat(drop ? "Drop these " : "Replay these ", these, "?"))) {
    session.env.err << "nothing was done\n";
    return 0;
  }

  const MethodDescriptor& method = *FindMethod(drop ? kDrop : kReplay);
  const char* const done_word = drop ? "dropped " : "replayed ";
  int done = 0, exit = 0;
  nlohmann::json refused = nlohmann::json::array();
  const auto progress = [&](const char* end) {
    if (!session.env.out_is_terminal || json) return;
    session.env.err << "\r" << done_word << done << " of " << count << end << std::flush;
  };
  Connection* const server = count > 0 ? session.connection() : nullptr;
  if (count > 0 && server == nullptr) return kExitUsage;
  for (const v1::Reminder& reminder : found.reminders()) {
    const std::string id = session.env.ids.NewUuid();
    v1::Reminder answer;
    v1::DropReminderRequest dropping;
    v1::ReplayReminderRequest replaying;
    dropping.set_name(reminder.name());
    dropping.set_reason(note);
    dropping.set_request_id(id);
    replaying.set_name(reminder.name());
    replaying.set_request_id(id);
    const Message& asked = drop ? static_cast<const Message&>(dropping) : replaying;
    const grpc::Status status = server->Call(method, asked, answer);
    if (status.ok()) {
      ++done;
      progress(" ");
      continue;
    }
    progress("\n");
    exit = ExitCodeOf(status.error_code());
    if (!IsOfOneAlone(status.error_code())) {
      session.env.err << DescribeError(status, "", json);
      if (!json) {
        session.env.err << "  " << done_word << done << " of " << count
                        << "; give the command again for the rest\n";
      }
      break;
    }
    refused.push_back({{"reminder", reminder.name()}, {"message", status.error_message()}});
    if (!json) {
      session.env.err << "refused: " << reminder.name() << ": " << status.error_message() << "\n";
    }
  }
  if (json) {
    const nlohmann::json result = {{drop ? "dropped" : "replayed", done}, {"refused", refused}};
    session.env.out << result.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
    return exit;
  }
  if (done > 0) progress("\n");
  if (count > 0) {
    session.env.out << done_word << done << " of " << these;
    if (!refused.empty()) session.env.out << ", refused " << refused.size();
    session.env.out << "\n";
  }
  return exit;
}

}  // namespace ipt::ctl
