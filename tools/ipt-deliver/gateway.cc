#include "ipt-deliver/gateway.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "absl/time/clock.h"
#include "ipt-deliver/payload.h"
#include "platform/observability/log.h"

namespace ipt::deliver {
namespace {

using std::chrono::steady_clock;

// How long streams have to end by themselves when it stops.
constexpr absl::Duration kStreamsEnd = absl::Seconds(3);

int64_t SteadyNanos() {
  return std::chrono::nanoseconds(steady_clock::now().time_since_epoch()).count();
}

// Looks again and again, since what it waits for is told to nobody; false: not in time.
template <typename Condition>
bool WaitFor(absl::Duration span, const Condition& condition) {
  const int64_t end = SteadyNanos() + absl::ToInt64Nanoseconds(span);
  while (!condition()) {
    if (SteadyNanos() >= end) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return true;
}

const char* WordOf(const Outcome& outcome) {
  switch (outcome.word) {
    case v1::ATTEMPT_OUTCOME_SENT:
      return "SENT";
    case v1::ATTEMPT_OUTCOME_DEAD:
      return "DEAD";
    default:
      return "RETRY";
  }
}

}  // namespace

Gateway::Gateway(const std::vector<std::string>& clinics, DeskOptions options, ServerLink& link,
                 Sink& sink, Tally& tally)
    : timeout_(options.timeout),
      sink_(sink),
      tally_(tally),
      receiver_([this](Receiver::State state, const std::string& reason) {
        tally_.SetReceiverUp(state == Receiver::State::kUp);
        if (state == Receiver::State::kDown) {
          log::Line(log::Level::kError, "receiver_down", {{log::Key::kReason, reason}});
        } else if (state == Receiver::State::kUp) {
          log::Line(log::Level::kInfo, "receiver_up", {});
        }
        for (const auto& desk : desks_) desk->OnReceiver();
      }),
      queue_(clinics.size()),
      last_send_(std::numeric_limits<int64_t>::max()) {
  options.window = sink.window();
  for (const std::string& clinic : clinics) {
    desks_.push_back(std::make_unique<Desk>(clinic, desks_.size(), options, link, receiver_, queue_,
                                            tally_, [this](const grpc::Status& status) {
                                              const std::lock_guard<std::mutex> lock(mutex_);
                                              if (!fatal_.has_value()) fatal_ = status;
                                            }));
  }
}

Gateway::~Gateway() { Stop(absl::ZeroDuration()); }

void Gateway::Start() {
  for (size_t i = 0; i < sink_.senders(); ++i) senders_.emplace_back([this] { Send(); });
  for (const auto& desk : desks_) desk->Start();
}

bool Gateway::HasBegun() const {
  return std::all_of(desks_.begin(), desks_.end(),
                     [](const auto& desk) { return desk->has_begun(); });
}

bool Gateway::IsThrough() const {
  if (fatal().has_value()) return true;
  return std::none_of(desks_.begin(), desks_.end(),
                      [](const auto& desk) { return desk->leasing() || desk->outstanding() > 0; });
}

std::optional<grpc::Status> Gateway::fatal() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return fatal_;
}

int64_t Gateway::Stop(absl::Duration grace) {
  const int64_t end = SteadyNanos() + absl::ToInt64Nanoseconds(grace);
  last_send_ = end - absl::ToInt64Nanoseconds(timeout_);
  receiver_.EndWaits();
  for (const auto& desk : desks_) desk->StopLeasing();
  const auto leasing_is_over = [this] {
    return std::none_of(desks_.begin(), desks_.end(),
                        [](const auto& desk) { return desk->leasing(); });
  };
  WaitFor(std::min(kStreamsEnd, grace), leasing_is_over);
  // Streams that did not end are cut, and one that was just being opened, too.
  while (!leasing_is_over()) {
    for (const auto& desk : desks_) desk->CancelStream();
    absl::SleepFor(absl::Milliseconds(5));
  }
  WaitFor(absl::Nanoseconds(end - SteadyNanos()), [this] {
    return std::all_of(desks_.begin(), desks_.end(),
                       [](const auto& desk) { return desk->outstanding() == 0; });
  });
  int64_t left = 0;
  for (const auto& desk : desks_) left += desk->Abandon();
  queue_.Close();
  for (std::thread& sender : senders_) sender.join();
  senders_.clear();
  return left;
}

void Gateway::GiveBack(const Job& job, const char* reason) {
  const Outcome outcome = Retry(reason);
  tally_.AddGivenBack(job.clinic, outcome);
  desks_[job.clinic]->Done(job, outcome);
}

void Gateway::Sift(std::vector<Job>& jobs) {
  const auto is_out = [this](Job& job) {
    if (SteadyNanos() > last_send_) {
      GiveBack(job, "GATEWAY_STOPPING");
      return true;
    }
    if (!receiver_.MaySend()) {
      GiveBack(job, "RECEIVER_DOWN");
      return true;
    }
    switch (desks_[job.clinic]->PrepareToSend(job)) {
      case Desk::Readiness::kSend:
        return false;
      case Desk::Readiness::kTooLate:
        GiveBack(job, "TOO_LATE");
        return true;
      case Desk::Readiness::kLost:
        desks_[job.clinic]->Drop(job);
        return true;
    }
    return true;
  };
  jobs.erase(std::remove_if(jobs.begin(), jobs.end(), is_out), jobs.end());
}

void Gateway::Send() {
  for (;;) {
    std::vector<Job> jobs = queue_.Take(sink_.most_at_once());
    if (jobs.empty()) return;
    Sift(jobs);
    // Of many, leases that held may have worn off while others were extended.
    Sift(jobs);
    if (jobs.empty()) continue;
    std::vector<Letter> letters;
    for (const Job& job : jobs) {
      letters.push_back({.idempotency_key = job.leased.idempotency_key(),
                         .body = PayloadOf(job.leased.reminder(), job.leased.idempotency_key())});
    }
    const int64_t began = SteadyNanos();
    const std::vector<Outcome> outcomes = sink_.Deliver(letters);
    const absl::Duration latency = absl::Nanoseconds(SteadyNanos() - began);
    for (size_t i = 0; i < jobs.size(); ++i) {
      const Outcome outcome = receiver_.Note(outcomes[i]);
      tally_.AddSend(jobs[i].clinic, outcome, latency);
      log::Line(log::Level::kInfo, "delivery",
                {{log::Key::kClinic, desks_[jobs[i].clinic]->clinic()},
                 {log::Key::kCode, WordOf(outcome)},
                 {log::Key::kReason, outcome.reason},
                 {log::Key::kLatencyMs, absl::ToDoubleMilliseconds(latency)}});
      desks_[jobs[i].clinic]->Done(jobs[i], outcome);
    }
  }
}

}  // namespace ipt::deliver
