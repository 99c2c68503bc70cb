#include "ipt-load/deliver.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/protobuf/arena.h"
#include "grpcpp/alarm.h"
#include "ipt-load/clinic_maker.h"
#include "platform/sync/countdown.h"

namespace ipt::load {
namespace {

// What a stream is given to end by itself once it is granted nothing more.
constexpr absl::Duration kGrace = absl::Seconds(3);

// What all streams share.
struct Delivering {
  const Connections& connections;
  const DeliverOptions& options;
  const absl::Time began;
  const absl::Time measure_from;
  const absl::Time until;
  // Credits that may still be granted, where the reminders are counted.
  std::atomic<int64_t> left;

  // Of `wanted` credits, those that may be granted now.
  int Grant(int wanted) {
    if (options.reminders == 0) return absl::Now() < until ? wanted : 0;
    const int64_t before = left.fetch_sub(wanted);
    return static_cast<int>(std::clamp<int64_t>(before, 0, wanted));
  }
};

// One stream, on a thread of its own.
class Gateway {
 public:
  Gateway(Delivering& run, size_t index)
      : run_(run),
        index_(index),
        clinic_(absl::StrCat("clinics/", run.options.clinics[index % run.options.clinics.size()])) {
  }

  void Work() {
    run_.connections.Prepare(context_);
    context_.set_deadline(absl::ToChronoTime(run_.until + 2 * kGrace));
    stream_ = run_.connections.at(index_).deliveries->StreamReminders(&context_);
    credits_ = run_.Grant(run_.options.credits);
    v1::StreamRemindersRequest open;
    open.mutable_open()->set_clinic(clinic_);
    open.mutable_open()->set_credits(credits_);
    stream_->Write(open);

    Countdown over(1);
    grpc::Alarm alarm;
    alarm.Set(absl::ToChronoTime(run_.until + kGrace), [&](bool due) {
      cut_off_ = due;
      if (due) context_.TryCancel();
      over.Done();
    });
    while (true) {
      // Answers are parsed into an arena, as a client in a hurry does.
      google::protobuf::Arena arena;
      auto& response = *google::protobuf::Arena::CreateMessage<v1::StreamRemindersResponse>(&arena);
      if (!stream_->Read(&response)) break;
      if (response.results_size() > 0) Hear(response);
      if (response.reminders_size() > 0) Take(response);
      if (credits_ == 0 && sent_.empty() && !done_) {
        done_ = true;
        stream_->WritesDone();
      }
    }
    const grpc::Status status = stream_->Finish();
    alarm.Cancel();
    over.Wait();
    if (status.ok() || (cut_off_ && run_.options.reminders == 0)) return;
    error_ = ToAbsl(status, "StreamReminders").ToString();
  }

  void AddTo(DeliverResult& result) const {
    result.done += done_count_;
    result.leased += leased_;
    for (const auto& [verdict, n] : refused_) result.refused[verdict] += n;
    if (!error_.empty()) result.errors.push_back(error_);
    result.completion.Merge(completion_);
    result.lateness.Merge(lateness_);
  }
  absl::Time last() const { return last_; }

 private:
  void Take(const v1::StreamRemindersResponse& response) {
    const absl::Time now = absl::Now();
    const int count = response.reminders_size();
    leased_ += count;
    credits_ -= count;
    v1::StreamRemindersRequest words;
    for (const v1::LeasedReminder& leased : response.reminders()) {
      const absl::Time due = FromTimestamp(leased.reminder().due_time());
      if (due >= run_.began && leased.reminder().attempt() == 1) lateness_.Add(now - due);
      v1::Completion& word = *words.mutable_completions()->add_completions();
      word.set_reminder(leased.reminder().name());
      word.set_lease_token(leased.lease_token());
      word.set_outcome(v1::ATTEMPT_OUTCOME_SENT);
    }
    sent_.push_back(now);
    stream_->Write(words);
    const int granted = run_.Grant(count);
    if (granted == 0) return;
    credits_ += granted;
    v1::StreamRemindersRequest more;
    more.mutable_credits()->set_credits(granted);
    stream_->Write(more);
  }

  void Hear(const v1::StreamRemindersResponse& response) {
    const absl::Time now = absl::Now();
    last_ = now;
    if (!sent_.empty()) {
      completion_.Add(now - sent_.front());
      sent_.pop_front();
    }
    const bool counts =
        run_.options.reminders > 0 || (now >= run_.measure_from && now < run_.until);
    for (const v1::LeaseResult& result : response.results()) {
      if (result.verdict() == v1::LEASE_VERDICT_APPLIED) {
        done_count_ += counts ? 1 : 0;
      } else {
        ++refused_[v1::LeaseVerdict_Name(result.verdict())];
      }
    }
  }

  Delivering& run_;
  const size_t index_;
  const std::string clinic_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::StreamRemindersRequest, v1::StreamRemindersResponse>>
      stream_;
  int credits_ = 0;
  std::deque<absl::Time> sent_;  // completions whose verdicts are to come
  bool done_ = false;
  std::atomic<bool> cut_off_ = false;

  int64_t done_count_ = 0;
  int64_t leased_ = 0;
  absl::Time last_;
  std::map<std::string, int64_t> refused_;
  std::string error_;
  Histogram completion_;
  Histogram lateness_;
};

}  // namespace

DeliverResult Deliver(const Connections& connections, const DeliverOptions& options) {
  const absl::Time began = absl::Now();
  Delivering run{connections,
                 options,
                 began,
                 began + options.warmup,
                 began + options.warmup + options.duration,
                 {options.reminders}};
  std::deque<Gateway> gateways;
  std::vector<std::thread> threads;
  for (int i = 0; i < options.streams; ++i) {
    threads.emplace_back(&Gateway::Work, &gateways.emplace_back(run, i));
  }
  for (std::thread& thread : threads) thread.join();

  DeliverResult result;
  absl::Time last = began;
  for (const Gateway& gateway : gateways) {
    gateway.AddTo(result);
    last = std::max(last, gateway.last());
  }
  result.measured = options.reminders > 0 ? last - began : options.duration;
  return result;
}

}  // namespace ipt::load
