#include "ipt-load/alert_way.h"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "ipt-load/clinic_maker.h"

namespace ipt::load {
namespace {

// What alerts are given to come once all calls are answered.
constexpr absl::Duration kLastAlerts = absl::Seconds(5);
// What a stream is given to begin.
constexpr absl::Duration kStreamBeginning = absl::Seconds(10);

// The risk answers that were sent, by the names of their measurements, and whether their alerts
// came.
class Ledger {
 public:
  void Sent(const std::string& measurement, absl::Time due, bool measured) {
    const std::lock_guard<std::mutex> lock(mutex_);
    sent_[measurement] = {due, measured};
  }
  // The call failed: nobody can say whether its alert will come.
  void Failed(const std::string& measurement) {
    const std::lock_guard<std::mutex> lock(mutex_);
    sent_.erase(measurement);
    if (sent_.empty()) none_left_.notify_all();
  }
  void Heard(const std::string& measurement, absl::Time now) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = sent_.find(measurement);
    if (it == sent_.end()) return;  // somebody else's
    if (it->second.measured) way_.Add(now - it->second.due);
    sent_.erase(it);
    if (sent_.empty()) none_left_.notify_all();
  }
  // Waits for those that are still to come. Returns how many never did.
  int64_t Await(absl::Duration patience) {
    std::unique_lock<std::mutex> lock(mutex_);
    none_left_.wait_for(lock, absl::ToChronoNanoseconds(patience),
                        [this] { return sent_.empty(); });
    return static_cast<int64_t>(sent_.size());
  }
  // REQUIRES: nobody writes any more.
  const Histogram& way() const { return way_; }

 private:
  struct Due {
    absl::Time due;
    bool measured = false;
  };

  std::mutex mutex_;
  std::condition_variable none_left_;
  absl::flat_hash_map<std::string, Due> sent_;
  Histogram way_;
};

// Listens to one clinic's alerts of risk, on a thread of its own, from the first moment on.
class Listener {
 public:
  Listener(const Connections& connections, size_t index, std::string clinic, Ledger& ledger)
      : connections_(connections),
        index_(index),
        clinic_(std::move(clinic)),
        ledger_(ledger),
        thread_(&Listener::Listen, this) {}
  ~Listener() { End().IgnoreError(); }

  // It hears whatever is raised from now on.
  absl::Status AwaitBeginning() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!changed_.wait_for(lock, absl::ToChronoNanoseconds(kStreamBeginning),
                           [this] { return begun_; })) {
      return absl::UnavailableError(absl::StrCat("WatchAlerts of ", clinic_, " does not begin"));
    }
    return error_;
  }

  // Returns how the stream ended, where it did so by itself.
  absl::Status End() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      over_ = true;
      if (context_ != nullptr) context_->TryCancel();
    }
    if (thread_.joinable()) thread_.join();
    const std::lock_guard<std::mutex> lock(mutex_);
    return error_;
  }

 private:
  void Listen() {
    ov1::WatchAlertsRequest request;
    request.set_parent(clinic_);
    request.set_listener("ipt-load");
    request.add_kinds(ov1::ALERT_KIND_RISK_ITEM);
    request.add_kinds(ov1::ALERT_KIND_RISK_SCORE);
    request.add_kinds(ov1::ALERT_KIND_RISK_UNKNOWN);
    // A stream ends by itself after some minutes; the next one goes on from its cursor.
    absl::Status status;
    while (status.ok() && Follow(request, status)) {
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!over_) error_ = status;
    Begun();
  }
  // REQUIRES: mutex_.
  void Begun() {
    if (!std::exchange(begun_, true)) changed_.notify_all();
  }

  // One stream to its end. False: it is over.
  bool Follow(ov1::WatchAlertsRequest& request, absl::Status& status) {
    grpc::ClientContext context;
    connections_.PrepareStream(context);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (over_) return false;
      context_ = &context;
    }
    const auto stream = connections_.at(index_).alerts->WatchAlerts(&context, request);
    ov1::WatchAlertsResponse response;
    while (stream->Read(&response)) {
      const absl::Time now = absl::Now();
      for (const ov1::AlertNotice& notice : response.notices()) {
        if (notice.change() != ov1::ALERT_CHANGE_KIND_RAISED) continue;
        ledger_.Heard(notice.alert().measurement(), now);
      }
      request.set_cursor(response.cursor());
      const std::lock_guard<std::mutex> lock(mutex_);
      Begun();
    }
    status = ToAbsl(stream->Finish(), "WatchAlerts");
    const std::lock_guard<std::mutex> lock(mutex_);
    context_ = nullptr;
    return !over_;
  }

  const Connections& connections_;
  const size_t index_;
  const std::string clinic_;
  Ledger& ledger_;
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  bool begun_ = false;
  grpc::ClientContext* context_ = nullptr;  // of the stream that is open
  bool over_ = false;
  absl::Status error_;
  std::thread thread_;  // last: it uses the others
};

// Sends forms when they are due, and keeps what became of them.
class Pacer {
 public:
  Pacer(const Connections& connections, Forms& forms, const AlertWayOptions& options,
        Ledger& ledger)
      : connections_(connections),
        forms_(forms),
        options_(options),
        ledger_(ledger),
        began_(absl::Now()),
        measure_from_(began_ + options.warmup),
        until_(measure_from_ + options.duration) {}

  // Returns once all calls are answered.
  void Run() {
    for (int64_t i = 0;; ++i) {
      const absl::Time due = began_ + absl::Seconds(static_cast<double>(i) / options_.rate);
      if (due >= until_) break;
      absl::SleepFor(due - absl::Now());
      Send(static_cast<size_t>(i), due);
    }
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return in_flight_ == 0; });
  }

  // REQUIRES: it has run.
  AlertWayResult TakeResult() { return std::move(result_); }

 private:
  struct Pending {
    grpc::ClientContext context;
    Form form;
    std::string name;
    ov1::Measurement response;
  };

  void Send(size_t i, absl::Time due) {
    auto pending = std::make_shared<Pending>();
    pending->form = forms_.Next();
    const ov1::RecordMeasurementRequest& request = pending->form.request;
    pending->name = absl::StrCat(request.parent(), "/measurements/", request.measurement_id());
    if (pending->form.risk) ledger_.Sent(pending->name, due, due >= measure_from_);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ++in_flight_;
    }
    connections_.Prepare(pending->context);
    connections_.at(i).measurements->async()->RecordMeasurement(
        &pending->context, &request, &pending->response,
        [this, pending, due](const grpc::Status& status) { Answered(*pending, due, status); });
  }

  void Answered(const Pending& pending, absl::Time due, const grpc::Status& status) {
    const absl::Time now = absl::Now();
    if (!status.ok() && pending.form.risk) ledger_.Failed(pending.name);
    const std::lock_guard<std::mutex> lock(mutex_);
    // Under the lock: who waits for the last one may end this as soon as it can take it.
    if (--in_flight_ == 0) changed_.notify_all();
    if (due < measure_from_) return;
    result_.calls.latency.Add(now - due);
    if (status.ok()) {
      result_.raised += pending.form.risk ? 1 : 0;
      result_.unverified += pending.response.unverified_size() > 0 ? 1 : 0;
    } else {
      CountError(status, pending.context, result_.calls);
    }
  }

  const Connections& connections_;
  Forms& forms_;
  const AlertWayOptions& options_;
  Ledger& ledger_;
  const absl::Time began_;
  const absl::Time measure_from_;
  const absl::Time until_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t in_flight_ = 0;
  AlertWayResult result_;
};

}  // namespace

absl::StatusOr<AlertWayResult> MeasureAlertWay(const Connections& connections, Forms& forms,
                                               const AlertWayOptions& options) {
  Ledger ledger;
  std::deque<Listener> listeners;
  for (size_t i = 0; i < options.clinics.size(); ++i) {
    listeners.emplace_back(connections, i, options.clinics[i], ledger);
  }
  for (Listener& listener : listeners) {
    if (absl::Status begun = listener.AwaitBeginning(); !begun.ok()) return begun;
  }
  Pacer pacer(connections, forms, options, ledger);
  pacer.Run();
  AlertWayResult result = pacer.TakeResult();
  result.measured = options.duration;
  result.missing = ledger.Await(kLastAlerts);
  for (Listener& listener : listeners) {
    const absl::Status ended = listener.End();
    if (!ended.ok()) result.errors.push_back(ended.ToString());
  }
  result.way = ledger.way();
  return result;
}

}  // namespace ipt::load
