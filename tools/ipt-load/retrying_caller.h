// A client that does what the contract asks of one: a call whose outcome is not known, or that the
// server wants again, is sent again with the same bytes (so the same request_id), after the delay
// that the server asks for, until the answer is definite.
//
// For one thread.
#pragma once

#include <map>
#include <string>

#include "absl/random/random.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/alarm.h"
#include "ipt-load/connection.h"
#include "platform/sync/countdown.h"

namespace ipt::load {

struct Patience {
  absl::Duration total = absl::Seconds(60);    // from the first attempt; then the last error stands
  absl::Duration longest = absl::Seconds(30);  // cap on one delay, whatever the server asks
  // Share of first attempts that are given up within moments, so that the client does not hear what
  // became of them.
  double abandon = 0;
};

struct RetryCounts {
  std::map<std::string, int64_t> repeated;    // by ErrorFacts::name
  std::map<std::string, int64_t> with_delay;  // of those: with RetryInfo and pushback
  int64_t gave_up = 0;

  void Add(const RetryCounts& other) {
    for (const auto& [name, n] : other.repeated) repeated[name] += n;
    for (const auto& [name, n] : other.with_delay) with_delay[name] += n;
    gave_up += other.gave_up;
  }
};

class RetryingCaller {
 public:
  RetryingCaller(const Connections& connections, size_t index, const Patience& patience)
      : connections_(connections), stubs_(connections.at(index)), patience_(patience) {}

  const Stubs& stubs() const { return stubs_; }
  const RetryCounts& counts() const { return counts_; }
  // Of the last call that failed.
  const ErrorFacts& facts() const { return facts_; }
  // When the last attempt of the last call was sent, and whether it was not the first.
  absl::Time last_sent() const { return last_sent_; }
  bool repeated() const { return repeated_; }

  template <typename Stub, typename Request, typename Response>
  grpc::Status Call(const std::unique_ptr<Stub>& stub,
                    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response& response) {
    const absl::Time give_up = absl::Now() + patience_.total;
    absl::Duration backoff = absl::Milliseconds(20);
    for (repeated_ = false;; repeated_ = true) {
      grpc::ClientContext context;
      connections_.Prepare(context);
      last_sent_ = absl::Now();
      grpc::Status status;
      if (!repeated_ && absl::Bernoulli(random_, patience_.abandon)) {
        // Given up here only: the server goes on, and may well finish.
        Countdown over(1);
        grpc::Alarm alarm;
        alarm.Set(
            absl::ToChronoTime(last_sent_ + absl::Milliseconds(absl::Uniform(random_, 1, 50))),
            [&](bool due) {
              if (due) context.TryCancel();
              over.Done();
            });
        status = (stub.get()->*method)(&context, request, &response);
        alarm.Cancel();
        over.Wait();
      } else {
        status = (stub.get()->*method)(&context, request, &response);
      }
      if (status.ok()) return status;
      facts_ = FactsOf(status, context);
      if (!MayRepeat(status.error_code())) return status;
      if (absl::Now() >= give_up) {
        ++counts_.gave_up;
        return status;
      }
      ++counts_.repeated[facts_.name];
      if (facts_.has_retry_info && facts_.has_pushback) ++counts_.with_delay[facts_.name];
      absl::SleepFor(std::min(std::max(facts_.wait, backoff), patience_.longest) *
                     absl::Uniform(random_, 0.9, 1.1));
      backoff = std::min(backoff * 2, absl::Milliseconds(500));
    }
  }

 private:
  // CANCELLED and DEADLINE_EXCEEDED: the call may or may not have been done.
  static bool MayRepeat(grpc::StatusCode code) {
    return code == grpc::StatusCode::UNAVAILABLE || code == grpc::StatusCode::ABORTED ||
           code == grpc::StatusCode::RESOURCE_EXHAUSTED ||
           code == grpc::StatusCode::DEADLINE_EXCEEDED || code == grpc::StatusCode::CANCELLED;
  }

  const Connections& connections_;
  const Stubs& stubs_;
  const Patience patience_;
  absl::InsecureBitGen random_;
  RetryCounts counts_;
  ErrorFacts facts_;
  absl::Time last_sent_;
  bool repeated_ = false;
};

}  // namespace ipt::load
