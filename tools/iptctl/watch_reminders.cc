#include "iptctl/watch_reminders.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ipt/scheduling/v1/reminder_service.pb.h"
#include "iptctl/error_output.h"
#include "iptctl/time_input.h"
#include "iptctl/watch_picture.h"

namespace ipt::ctl {
namespace {

namespace v1 = scheduling::v1;

constexpr absl::Duration kUsualInterval = absl::Seconds(2);
constexpr absl::Duration kShortest = absl::Milliseconds(200);
constexpr absl::Duration kLongest = absl::Hours(1);
// Reading reminders is audited: not at every look, unless something changed.
constexpr absl::Duration kReadAgain = absl::Seconds(10);
// More than fit on a screen are of no use.
constexpr int kRows = 50;
constexpr int kRemindersPage = 1000;
// So many pages of dead letters are gone through for the newest of them.
constexpr int kDeadPages = 10;

std::string Service(const char* method) {
  return absl::StrCat("ipt.scheduling.v1.ReminderService.", method);
}

class Watcher {
 public:
  Watcher(const std::string& clinic, Connection& server) : clinic_(clinic), server_(server) {}

  // What the queue is like now; with_reminders: the lists, too, where they may have changed.
  grpc::Status Look(bool with_reminders, QueueLook& look) {
    v1::GetReminderQueueRequest queue;
    queue.set_clinic(clinic_);
    v1::GetSendingRequest sending;
    sending.set_clinic(clinic_);
    grpc::Status status = Call("GetReminderQueue", queue, look.queue);
    if (status.ok()) status = Call("GetSending", sending, look.sending);
    if (!status.ok() || !with_reminders) return status;
    const absl::Time now = absl::FromUnixSeconds(look.queue.as_of().seconds());
    const auto counts =
        std::make_tuple(look.queue.scheduled(), look.queue.due(), look.queue.leased(),
                        look.queue.retrying(), look.queue.dead(), look.queue.sent_day());
    if (counts == counts_ && now < read_at_ + kReadAgain) {
      look.next = lists_.next;
      look.leased = lists_.leased;
      look.dead = lists_.dead;
      return status;
    }
    status = ReadLists(look, now);
    if (!status.ok()) return status;
    lists_ = look;
    counts_ = counts;
    read_at_ = now;
    return status;
  }

 private:
  using Counts = std::tuple<int64_t, int64_t, int64_t, int64_t, int64_t, int64_t>;

  grpc::Status Call(const char* method, const Message& request, Message& response) {
    return server_.Call(*FindMethod(Service(method)), request, response);
  }

  grpc::Status ReadLists(QueueLook& look, absl::Time now) {
    grpc::Status status = ReadFirst(v1::REMINDER_STATE_SCHEDULED, look.next);
    if (status.ok() && look.queue.leased() > 0) {
      status = ReadFirst(v1::REMINDER_STATE_LEASED, look.leased);
    }
    std::sort(look.leased.begin(), look.leased.end(),
              [](const v1::Reminder& a, const v1::Reminder& b) {
                return a.lease_expire_time().seconds() < b.lease_expire_time().seconds();
              });
    if (status.ok() && look.queue.dead() > 0) status = ReadDead(now, look.dead);
    return status;
  }

  grpc::Status ReadFirst(v1::ReminderState state, std::vector<v1::Reminder>& out) {
    v1::ListRemindersRequest request;
    request.set_parent(clinic_);
    request.set_page_size(kRows);
    request.add_states(state);
    v1::ListRemindersResponse page;
    const grpc::Status status = Call("ListReminders", request, page);
    out.assign(page.reminders().begin(), page.reminders().end());
    return status;
  }

  // Lists begin with the oldest: what fell due in the last hour, else in a longer time.
  grpc::Status ReadDead(absl::Time now, std::vector<v1::Reminder>& out) {
    for (const absl::Duration back :
         {absl::Hours(1), absl::Hours(24), absl::Hours(24 * 7), absl::InfiniteDuration()}) {
      v1::ListRemindersRequest request;
      request.set_parent(clinic_);
      request.set_page_size(kRemindersPage);
      request.add_states(v1::REMINDER_STATE_DEAD);
      if (back != absl::InfiniteDuration()) {
        request.mutable_start_time()->set_seconds(absl::ToUnixSeconds(now - back));
      }
      out.clear();
      for (int pages = 0; pages < kDeadPages; ++pages) {
        v1::ListRemindersResponse page;
        const grpc::Status status = Call("ListReminders", request, page);
        if (!status.ok()) return status;
        out.insert(out.end(), page.reminders().begin(), page.reminders().end());
        if (page.next_page_token().empty()) break;
        request.set_page_token(page.next_page_token());
      }
      if (out.size() >= static_cast<size_t>(kRows)) break;
    }
    std::reverse(out.begin(), out.end());
    if (out.size() > static_cast<size_t>(kRows)) out.resize(kRows);
    return grpc::Status::OK;
  }

  const std::string clinic_;
  Connection& server_;
  QueueLook lists_;
  Counts counts_{};
  absl::Time read_at_ = absl::InfinitePast();
};

bool Heals(grpc::StatusCode code) {
  return code == grpc::StatusCode::UNAVAILABLE || code == grpc::StatusCode::RESOURCE_EXHAUSTED ||
         code == grpc::StatusCode::DEADLINE_EXCEEDED || code == grpc::StatusCode::CANCELLED;
}

}  // namespace

int WatchReminders(const Message& request, Session& session) {
  int64_t left = -1;
  if (session.settings.Has("count") &&
      (!absl::SimpleAtoi(session.settings.Get("count"), &left) || left < 1)) {
    return session.UsageError("--count: how many looks, 1 or more");
  }
  absl::Duration interval = kUsualInterval;
  if (session.settings.Has("interval")) {
    const absl::StatusOr<absl::Duration> span = ParseSpan(session.settings.Get("interval"));
    if (!span.ok() || *span < kShortest || *span > kLongest) {
      return session.UsageError("--interval: write a span of time from 200ms to 1h, such as 5s");
    }
    interval = *span;
  }
  Connection* const server = session.connection();
  if (server == nullptr) return kExitUsage;
  Environment& env = session.env;
  const bool json = session.settings.json_output;
  const bool in_place = env.out_is_terminal && !json;
  Watcher watcher(StringField(request, "clinic"), *server);

  std::optional<QueueLook> last, before;
  std::string trouble;
  while (true) {
    QueueLook look;
    const grpc::Status status = watcher.Look(in_place, look);
    if (status.ok()) {
      // After the first answer: a wrong address is told on the terminal as it was.
      if (!last.has_value()) env.screen->Open(in_place);
      before = std::exchange(last, std::move(look));
      trouble.clear();
    } else if (!last.has_value() || !Heals(status.error_code())) {
      env.screen->Close();
      env.err << DescribeError(status, "", json);
      return ExitCodeOf(status.error_code());
    } else {
      if (trouble.empty() && !in_place) {
        env.err << "note: " << status.error_message() << "; trying again\n";
      }
      const std::pair<std::string, std::string> lines =
          absl::StrSplit(status.error_message(), absl::MaxSplits('\n', 1));
      trouble = absl::StrCat("no answer, this is how it was; trying again: ", lines.first);
    }
    const QueueLook* const old = before.has_value() ? &*before : nullptr;
    const auto draw = [&] {
      env.screen->Draw(QueuePicture(
          *last, old, {.size = env.screen->size(), .interval = interval, .trouble = trouble},
          session.show()));
    };
    if (in_place) {
      draw();
    } else if (status.ok()) {
      env.out << (json ? QueueJson(*last, old) : QueueLine(*last, old, session.show())) << "\n"
              << std::flush;
    }
    if (left > 0 && status.ok() && --left == 0) {
      env.screen->Close();
      return 0;
    }
    // On a screen of another size the same is drawn anew, at once.
    absl::Duration pause = interval;
    while (!env.screen->Wait(pause)) {
      if (in_place) draw();
      pause = std::min(pause, absl::Seconds(1));
    }
  }
}

}  // namespace ipt::ctl
