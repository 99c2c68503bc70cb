#include "ipt-deliver/desk.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/time/clock.h"
#include "platform/observability/log.h"

namespace ipt::deliver {
namespace {

using std::chrono::steady_clock;

constexpr int kMostWords = 500;
// A stream that lived so long was a good one.
constexpr absl::Duration kGoodLife = absl::Seconds(5);

void WriteDuration(absl::Duration duration, google::protobuf::Duration* out) {
  absl::Duration rest;
  out->set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &rest));
  out->set_nanos(static_cast<int>(absl::ToInt64Nanoseconds(rest)));
}

absl::Time ReadTime(const google::protobuf::Timestamp& stamp) {
  return absl::FromUnixSeconds(stamp.seconds()) + absl::Nanoseconds(stamp.nanos());
}

steady_clock::duration Steady(absl::Duration duration) {
  return std::chrono::duration_cast<steady_clock::duration>(absl::ToChronoNanoseconds(duration));
}

}  // namespace

Desk::Desk(std::string clinic, size_t index, DeskOptions options, ServerLink& link,
           Receiver& receiver, FairQueue& queue, Tally& tally, OnFatal on_fatal)
    : clinic_(std::move(clinic)),
      index_(index),
      options_(std::move(options)),
      link_(link),
      receiver_(receiver),
      queue_(queue),
      tally_(tally),
      on_fatal_(std::move(on_fatal)) {}

Desk::~Desk() {
  StopLeasing();
  CancelStream();
  Abandon();
  if (lease_thread_.joinable()) lease_thread_.join();
  if (acknowledge_thread_.joinable()) acknowledge_thread_.join();
}

void Desk::Start() {
  leasing_ = true;
  acknowledge_thread_ = std::thread([this] { Acknowledge(); });
  lease_thread_ = std::thread([this] {
    Lease();
    leasing_ = false;
  });
}

// ---------------------------------------------------------------------------------------- leasing

void Desk::Lease() {
  int leased = 0;
  if (!LeaseUntilAnswered(leased)) return;
  begun_ = true;
  log::Line(log::Level::kInfo, "begun", {{log::Key::kClinic, clinic_}, {log::Key::kCount, leased}});
  if (options_.once) {
    RunOnce();
  } else {
    RunStreams();
  }
}

grpc::Status Desk::LeaseByCall(int& leased) {
  v1::LeaseRemindersRequest request;
  request.set_clinic(clinic_);
  request.set_max_reminders(options_.window);
  WriteDuration(options_.lease, request.mutable_lease_duration());
  for (const v1::ReminderChannel channel : options_.channels) request.add_channels(channel);
  if (options_.once && options_.channels.empty()) {
    // Where channels are named the suite asks its store what is due, not its index, which hears of
    // a commit a moment later. A stream hears of it then; this would never.
    for (int channel = v1::ReminderChannel_MIN + 1; channel <= v1::ReminderChannel_MAX; ++channel) {
      request.add_channels(static_cast<v1::ReminderChannel>(channel));
    }
  }
  request.set_request_id(link_.NewRequestId());
  const SteadyTime asked = steady_clock::now();
  v1::LeaseRemindersResponse response;
  grpc::Status status = link_.Call(&ServerLink::Stubs::deliveries,
                                   &v1::DeliveryService::Stub::LeaseReminders, request, response);
  if (!status.ok()) return status;
  leased = response.reminders_size();
  Accept(response.mutable_reminders(), asked + Steady(options_.lease));
  return status;
}

bool Desk::LeaseUntilAnswered(int& leased) {
  const absl::Time give_up = absl::Now() + options_.connect_within;
  Pause pause;
  bool told = false;
  for (;;) {
    const grpc::Status status = LeaseByCall(leased);
    if (status.ok()) return true;
    const absl::Duration span = pause.Next(status);
    if (!MayHeal(status.error_code()) || absl::Now() + span >= give_up) {
      on_fatal_(status);
      return false;
    }
    if (!std::exchange(told, true)) {
      log::Line(log::Level::kWarning, "server_away",
                {{log::Key::kClinic, clinic_},
                 {log::Key::kReason, ReasonOf(status)},
                 {log::Key::kDetail, status.error_message()}});
    }
    if (!Sleep(span)) return false;
    link_.Reach();
  }
}

void Desk::RunOnce() {
  int leased = 0;
  do {
    // All is said about what was leased: a course's next reminder is given only then.
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return outstanding_ == 0 || stopping_ || abandoned_; });
      if (stopping_ || abandoned_) return;
    }
    if (!receiver_.MaySend()) return;
    if (!LeaseUntilAnswered(leased)) return;
  } while (leased > 0);
}

void Desk::RunStreams() {
  Pause pause;
  while (receiver_.AwaitTurn()) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (stopping_) return;
    }
    link_.Reach();
    bool useful = false;
    const grpc::Status status = RunStream(useful);
    if (useful) pause.Reset();
    // A stream that ended well had grown old, or the receiver fell.
    if (status.ok() && useful) continue;
    if (!status.ok()) {
      tally_.AddStreamBreak();
      log::Line(log::Level::kWarning, "stream_broke",
                {{log::Key::kClinic, clinic_},
                 {log::Key::kReason, ReasonOf(status)},
                 {log::Key::kDetail, status.error_message()}});
    }
    if (!Sleep(pause.Next(status))) return;
  }
}

grpc::Status Desk::RunStream(bool& useful) {
  const auto stubs = link_.stubs();
  grpc::ClientContext context;
  link_.Prepare(context);
  const absl::Time began = absl::Now();
  const std::unique_ptr<Stream> stream = stubs->deliveries->StreamReminders(&context);
  v1::StreamRemindersRequest request;
  v1::StreamOpen& open = *request.mutable_open();
  open.set_clinic(clinic_);
  WriteDuration(options_.lease, open.mutable_lease_duration());
  for (const v1::ReminderChannel channel : options_.channels) open.add_channels(channel);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    context_ = &context;
    credits_ = std::max(0, receiver_.Window(options_.window) - outstanding_);
    open.set_credits(credits_);
  }
  // It may wait for a connection: not under the lock that those who send need.
  stream->Write(request);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stream_ = stream.get();
    closing_ = false;
    if (stopping_ || !receiver_.MaySend()) {
      CloseStream();
    } else {
      GrantCredits();
    }
  }
  v1::StreamRemindersResponse response;
  while (stream->Read(&response)) {
    useful = true;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      credits_ = std::max(0, credits_ - response.reminders_size());
    }
    Accept(response.mutable_reminders(), steady_clock::now() + Steady(options_.lease));
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    useful = useful || closing_ || absl::Now() - began >= kGoodLife;
    stream_ = nullptr;
    context_ = nullptr;
  }
  return stream->Finish();
}

void Desk::Accept(google::protobuf::RepeatedPtrField<v1::LeasedReminder>* leased,
                  SteadyTime held_until) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    outstanding_ += leased->size();
  }
  for (v1::LeasedReminder& each : *leased) {
    Job job{.clinic = index_, .leased = std::move(each), .held_until = held_until};
    // It may have been long on its way. Where this machine's clock is ahead, that costs an
    // extension.
    const absl::Duration left = ReadTime(job.leased.reminder().lease_expire_time()) - absl::Now();
    job.held_until = std::min(held_until, steady_clock::now() + Steady(left));
    queue_.Push(std::move(job));
  }
}

void Desk::GrantCredits() {
  if (stream_ == nullptr || closing_) return;
  const int more = receiver_.Window(options_.window) - outstanding_ - credits_;
  if (more <= 0) return;
  v1::StreamRemindersRequest request;
  request.mutable_credits()->set_credits(more);
  if (stream_->Write(request)) credits_ += more;
}

void Desk::CloseStream() {
  if (stream_ == nullptr || std::exchange(closing_, true)) return;
  stream_->WritesDone();
}

bool Desk::Sleep(absl::Duration span) {
  std::unique_lock<std::mutex> lock(mutex_);
  return !changed_.wait_for(lock, absl::ToChronoNanoseconds(span), [this] { return stopping_; });
}

void Desk::OnReceiver() {
  const Receiver::State state = receiver_.state();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (state == Receiver::State::kDown) {
    CloseStream();
  } else {
    GrantCredits();
  }
}

void Desk::StopLeasing() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    CloseStream();
  }
  changed_.notify_all();
}

void Desk::CancelStream() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (context_ != nullptr) context_->TryCancel();
}

// ---------------------------------------------------------------------------------------- sending

Desk::Readiness Desk::PrepareToSend(Job& job) {
  const v1::Reminder& reminder = job.leased.reminder();
  if (reminder.has_expire_time() &&
      ReadTime(reminder.expire_time()) - absl::Now() < options_.timeout) {
    return Readiness::kTooLate;
  }
  if (job.held_until - steady_clock::now() >= Steady(options_.timeout)) return Readiness::kSend;
  v1::ExtendLeasesRequest request;
  request.set_clinic(clinic_);
  v1::LeaseExtension& lease = *request.add_leases();
  lease.set_reminder(reminder.name());
  lease.set_lease_token(job.leased.lease_token());
  WriteDuration(options_.lease, request.mutable_lease_duration());
  request.set_request_id(link_.NewRequestId());
  const SteadyTime asked = steady_clock::now();
  v1::ExtendLeasesResponse response;
  const grpc::Status status = link_.Call(
      &ServerLink::Stubs::deliveries, &v1::DeliveryService::Stub::ExtendLeases, request, response);
  if (!status.ok() || response.results_size() != 1 ||
      response.results(0).verdict() != v1::LEASE_VERDICT_APPLIED) {
    log::Line(
        log::Level::kWarning, "lease_lost",
        {{log::Key::kClinic, clinic_},
         {log::Key::kReason,
          status.ok() ? v1::LeaseVerdict_Name(response.results(0).verdict()) : ReasonOf(status)}});
    return Readiness::kLost;
  }
  job.held_until = asked + Steady(options_.lease);
  return job.held_until - steady_clock::now() >= Steady(options_.timeout) ? Readiness::kSend
                                                                          : Readiness::kLost;
}

void Desk::Done(const Job& job, const Outcome& outcome) {
  v1::Completion word;
  word.set_reminder(job.leased.reminder().name());
  word.set_lease_token(job.leased.lease_token());
  word.set_outcome(outcome.word);
  word.set_reason(outcome.reason);
  if (outcome.retry_delay > absl::ZeroDuration()) {
    WriteDuration(outcome.retry_delay, word.mutable_retry_delay());
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    words_.push_back(std::move(word));
  }
  changed_.notify_all();
}

void Desk::Drop(const Job&) {
  tally_.AddLost(index_);
  Settle(1);
}

int Desk::outstanding() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return outstanding_;
}

// ---------------------------------------------------------------------------------- acknowledging

void Desk::Settle(int count) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    outstanding_ -= count;
    GrantCredits();
  }
  changed_.notify_all();
}

void Desk::Acknowledge() {
  for (;;) {
    v1::CompleteRemindersRequest request;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return !words_.empty() || abandoned_; });
      if (abandoned_) return;
      // A reminder whose lease ran out meanwhile may have come again: its second word waits.
      absl::flat_hash_set<std::string> named;
      while (!words_.empty() && request.completions_size() < kMostWords &&
             named.insert(words_.front().reminder()).second) {
        *request.add_completions() = std::move(words_.front());
        words_.pop_front();
      }
    }
    request.set_clinic(clinic_);
    request.set_request_id(link_.NewRequestId());
    if (!Say(request)) return;
    Settle(request.completions_size());
  }
}

bool Desk::Say(const v1::CompleteRemindersRequest& request) {
  const absl::Time give_up =
      options_.once ? absl::Now() + options_.connect_within : absl::InfiniteFuture();
  Pause pause;
  bool told = false;
  for (;;) {
    v1::CompleteRemindersResponse response;
    const grpc::Status status =
        link_.Call(&ServerLink::Stubs::deliveries, &v1::DeliveryService::Stub::CompleteReminders,
                   request, response);
    if (status.ok()) {
      for (const v1::LeaseResult& result : response.results()) {
        if (result.verdict() == v1::LEASE_VERDICT_APPLIED ||
            result.verdict() == v1::LEASE_VERDICT_REPEATED) {
          continue;
        }
        tally_.AddLost(index_);
        log::Line(log::Level::kWarning, "word_came_too_late",
                  {{log::Key::kClinic, clinic_},
                   {log::Key::kReason, v1::LeaseVerdict_Name(result.verdict())}});
      }
      return true;
    }
    if (!std::exchange(told, true)) {
      log::Line(log::Level::kWarning, "acknowledge_failed",
                {{log::Key::kClinic, clinic_},
                 {log::Key::kReason, ReasonOf(status)},
                 {log::Key::kCount, request.completions_size()},
                 {log::Key::kDetail, status.error_message()}});
    }
    // The server's word on this very request: it will be the same next time. The leases run out.
    if (status.error_code() == grpc::StatusCode::INVALID_ARGUMENT) return true;
    if (absl::Now() >= give_up) {
      on_fatal_(status);
      return false;
    }
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait_for(lock, absl::ToChronoNanoseconds(pause.Next(status)),
                      [this] { return abandoned_; });
    if (abandoned_) return false;
    lock.unlock();
    link_.Reach();
  }
}

int64_t Desk::Abandon() {
  int64_t left = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    abandoned_ = true;
    left = outstanding_;
  }
  changed_.notify_all();
  return left;
}

}  // namespace ipt::deliver
