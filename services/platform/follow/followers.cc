#include "platform/follow/followers.h"

#include <algorithm>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/observability/log.h"

namespace ipt::follow {
namespace {

using storage::Connection;

// A response that had to be waited for this long was sent just now.
constexpr absl::Duration kWaited = absl::Milliseconds(2);
// What keeping a lease may take.
constexpr absl::Duration kRenewTime = absl::Seconds(3);
// What giving a lease back may take when the process ends.
constexpr absl::Duration kReleaseTime = absl::Seconds(2);

}  // namespace

// One clinic.
class Followers::Feed {
 public:
  Feed(Followers& followers, std::string clinic_id)
      : followers_(followers),
        key_{std::move(clinic_id), followers.options_.peer},
        begun_(followers.clock_.Now()) {
    thread_ = std::thread([this] { Run(); });
  }
  ~Feed() { thread_.join(); }

  const std::string& clinic_id() const { return key_.clinic_id; }

  // Ends what waits on the network.
  void Cancel() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stream_ != nullptr) stream_->Cancel();
  }

  // Gives a silent stream up, and keeps the lease. `store_away`: whether it turned out that there
  // is nothing to keep it in; the other feeds need not find out, too.
  void Tick(absl::Time now, bool& store_away) {
    std::optional<int64_t> renew;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (stream_ != nullptr && reading_since_.has_value() &&
          now - *reading_since_ > followers_.options_.silence) {
        silent_ = true;
        stream_->Cancel();
      }
      if (fence_.has_value() && now - renewed_ > followers_.options_.lease / 3) renew = fence_;
    }
    if (!renew.has_value() || store_away) return;
    const absl::Status status =
        followers_.db_.Write(followers_.Within(kRenewTime), [&](Connection& conn) {
          return feed_table::Renew(conn, key_, *renew, now + followers_.options_.lease);
        });
    store_away = !status.ok() && !absl::IsAborted(status);
    std::lock_guard<std::mutex> lock(mutex_);
    if (status.ok()) renewed_ = now;
    if (!absl::IsAborted(status) || fence_ != renew) return;
    fence_.reset();
    lost_ = true;
    if (stream_ != nullptr) stream_->Cancel();
  }

  struct State {
    bool followed = false;
    absl::Time as_of;
    absl::Time event_time;
  };
  State state() {
    std::lock_guard<std::mutex> lock(mutex_);
    // What was never listed lags since it was first tried.
    const bool never = position_.as_of == absl::InfinitePast();
    return {fence_.has_value(), never ? begun_ : position_.as_of, position_.event_time};
  }

 private:
  void Run() {
    const FollowersOptions& options = followers_.options_;
    absl::Duration pause = options.first_pause;
    bool failing = false;
    while (!followers_.stopping()) {
      heard_ = false;
      const absl::StatusOr<bool> mine = Take();
      const absl::Status status = mine.ok() && *mine ? Follow() : mine.status();
      if (followers_.stopping()) break;
      if (heard_) pause = options.first_pause;
      if (mine.ok() && !*mine) {
        // Another replica follows; its lease is looked at again before long.
        if (!followers_.Pause(options.lease / 4 * (0.5 + followers_.Random()))) break;
        continue;
      }
      if (status.ok() && heard_) continue;  // it had reached its age
      const bool resync = ErrorReasonOf(status) == reason::kResyncRequired;
      if (resync) {
        log::Line(log::Level::kWarning, "follower_resync",
                  {{log::Key::kService, key_.peer},
                   {log::Key::kClinic, key_.clinic_id},
                   {log::Key::kDetail, status.message()}});
        if (ForgetCursor().ok()) {
          failing = false;
          if (!followers_.Pause(pause * followers_.Random())) break;
          continue;
        }
      }
      if (!status.ok() && !absl::IsAborted(status)) {
        followers_.errors_.Increment();
        if (!failing || heard_) {
          log::Line(log::Level::kWarning, "follower_failed",
                    {{log::Key::kService, key_.peer},
                     {log::Key::kClinic, key_.clinic_id},
                     {log::Key::kDetail, status.message()}});
        }
        failing = true;
      }
      const absl::Duration wait = std::max(
          pause * (0.5 + 0.5 * followers_.Random()),
          std::min(heard_ ? absl::ZeroDuration() : RetryDelayOf(status), options.longest_pause));
      pause = std::min(2 * pause, options.longest_pause);
      if (!followers_.Pause(wait)) break;
    }
    Release();
  }

  // Whether this process may follow now.
  absl::StatusOr<bool> Take() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (fence_.has_value()) return true;
    }
    const absl::Time now = followers_.clock_.Now();
    std::optional<feed_table::Lease> lease;
    IPT_RETURN_IF_ERROR(
        followers_.db_.Write(followers_.Within(followers_.options_.lease), [&](Connection& conn) {
          auto taken = feed_table::Take(conn, key_, followers_.options_.owner, now,
                                        now + followers_.options_.lease, followers_.alone_);
          if (taken.ok()) lease = *std::move(taken);
          return taken.status();
        }));
    if (!lease.has_value()) return false;
    std::lock_guard<std::mutex> lock(mutex_);
    fence_ = lease->fence;
    lost_ = false;
    position_ = std::move(lease->position);
    renewed_ = now;
    return true;
  }

  void Release() {
    std::optional<int64_t> fence;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      std::swap(fence, fence_);
    }
    if (!fence.has_value()) return;
    followers_.db_
        .Write(followers_.Within(kReleaseTime),
               [&](Connection& conn) { return feed_table::Release(conn, key_, *fence); })
        .IgnoreError();  // then it ends by itself
  }

  absl::Status LostLease() const {
    return Aborted(reason::kStoreConflict, "another process follows these events by now");
  }

  // A transaction of the owner of the lease. Afterwards, a lease that turned out to be lost is
  // gone.
  absl::Status Write(absl::FunctionRef<absl::Status(Connection&, int64_t fence)> body) {
    std::optional<int64_t> fence;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      fence = fence_;
    }
    if (!fence.has_value()) return LostLease();
    const absl::Status status =
        followers_.db_.Write(followers_.Within(followers_.options_.transaction),
                             [&](Connection& conn) { return body(conn, *fence); });
    if (!status.ok()) {
      // Lost, or it is not known what became of it: the row says where to go on.
      std::lock_guard<std::mutex> lock(mutex_);
      if (fence_ == fence) fence_.reset();
    }
    return status;
  }

  absl::Status Advance(const FeedPosition& to, absl::FunctionRef<absl::Status(Connection&)> apply) {
    IPT_RETURN_IF_ERROR(Write([&](Connection& conn, int64_t fence) -> absl::Status {
      IPT_RETURN_IF_ERROR(feed_table::Advance(conn, key_, fence, position_.cursor, to));
      return apply(conn);
    }));
    std::lock_guard<std::mutex> lock(mutex_);
    position_ = to;
    return absl::OkStatus();
  }

  absl::Status ForgetCursor() {
    int64_t number = 0;
    IPT_RETURN_IF_ERROR(Write([&](Connection& conn, int64_t fence) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(number, feed_table::BeginListing(conn, key_, fence));
      return absl::OkStatus();
    }));
    std::lock_guard<std::mutex> lock(mutex_);
    position_.cursor.clear();
    position_.listings = number;
    return absl::OkStatus();
  }

  // From the cursor, or from a list on, until the stream ends.
  absl::Status Follow() {
    std::optional<std::string> cursor;
    if (!position_.cursor.empty()) cursor = position_.cursor;
    IPT_ASSIGN_OR_RETURN(std::unique_ptr<EventStream> stream,
                         followers_.source_.Watch(key_.clinic_id, cursor));
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stream_ = stream.get();
      silent_ = false;
    }
    if (followers_.stopping()) stream->Cancel();
    const absl::Status status = Apply(*stream);
    std::lock_guard<std::mutex> lock(mutex_);
    stream_ = nullptr;
    reading_since_.reset();
    return status;
  }

  absl::Status Apply(EventStream& stream) {
    absl::Time waited_from;
    IPT_ASSIGN_OR_RETURN(std::optional<Batch> first, Next(stream, waited_from));
    if (!first.has_value()) return absl::OkStatus();
    heard_ = true;
    if (position_.cursor.empty()) {
      IPT_RETURN_IF_ERROR(ListAnew(*first, waited_from));
    } else if (first->events > 0) {
      return Internal("the first response of a stream has events");
    }
    while (true) {
      IPT_ASSIGN_OR_RETURN(const std::optional<Batch> batch, Next(stream, waited_from));
      if (!batch.has_value()) return absl::OkStatus();
      const absl::Time now = followers_.clock_.Now();
      FeedPosition to = position_;
      to.cursor = batch->cursor;
      to.events += batch->events;
      if (batch->events > 0) {
        to.event_time = std::max(to.event_time, batch->newest);
        to.as_of = std::max(to.as_of, std::min(batch->newest, now));
      } else if (now - waited_from >= kWaited) {
        to.as_of = std::max(to.as_of, now);
      }
      IPT_RETURN_IF_ERROR(Advance(to, [&](Connection& conn) {
        return batch->events > 0 ? batch->apply(conn) : absl::OkStatus();
      }));
      followers_.events_.Increment(static_cast<double>(batch->events));
    }
  }

  absl::StatusOr<std::optional<Batch>> Next(EventStream& stream, absl::Time& waited_from) {
    waited_from = followers_.clock_.Now();
    {
      std::lock_guard<std::mutex> lock(mutex_);
      reading_since_ = waited_from;
    }
    absl::StatusOr<std::optional<Batch>> next = stream.Next();
    std::lock_guard<std::mutex> lock(mutex_);
    reading_since_.reset();
    if (!next.ok() && lost_) return LostLease();
    if (!next.ok() && silent_) {
      return Unavailable(reason::kPeerUnavailable,
                         absl::StrCat("nothing came from ", key_.peer, " for ",
                                      absl::FormatDuration(followers_.options_.silence)),
                         absl::ZeroDuration(), {{"service", key_.peer}});
    }
    return next;
  }

  class FeedListing final : public Listing {
   public:
    FeedListing(Feed& feed, int64_t number, absl::Time begun)
        : feed_(feed), number_(number), begun_(begun) {}
    int64_t number() const override { return number_; }
    absl::Time begun() const override { return begun_; }
    absl::Status Write(absl::FunctionRef<absl::Status(Connection&)> body) override {
      if (feed_.followers_.stopping()) return absl::CancelledError("this process stops");
      return feed_.Write([&](Connection& conn, int64_t fence) -> absl::Status {
        IPT_RETURN_IF_ERROR(feed_table::Hold(conn, feed_.key_, fence));
        return body(conn);
      });
    }

   private:
    Feed& feed_;
    const int64_t number_;
    const absl::Time begun_;
  };

  // The stream has begun at `first`: what changes from here on comes by it, in its turn.
  absl::Status ListAnew(const Batch& first, absl::Time as_of) {
    IPT_RETURN_IF_ERROR(ForgetCursor());
    followers_.listings_.Increment();
    FeedListing listing(*this, position_.listings, as_of);
    IPT_RETURN_IF_ERROR(followers_.source_.List(key_.clinic_id, listing));
    FeedPosition to = position_;
    to.cursor = first.cursor;
    to.as_of = as_of;
    return Advance(to, [&](Connection& conn) {
      return followers_.source_.DropUnlisted(conn, key_.clinic_id, listing.number());
    });
  }

  Followers& followers_;
  const FeedKey key_;
  const absl::Time begun_;
  bool heard_ = false;  // of this feed's thread: the present stream has said something

  std::mutex mutex_;
  std::optional<int64_t> fence_;  // while the lease is ours, as far as is known
  absl::Time renewed_;
  FeedPosition position_;  // written by this feed's thread alone
  EventStream* stream_ = nullptr;
  std::optional<absl::Time> reading_since_;
  bool silent_ = false;
  bool lost_ = false;

  std::thread thread_;
};

Followers::Followers(FollowersOptions options, storage::Database& db, Source& source,
                     const Clock& clock, Metrics& metrics)
    : options_(std::move(options)),
      db_(db),
      source_(source),
      clock_(clock),
      alone_(db.dialect() == storage::Dialect::kSqlite),
      feeds_followed_(metrics.Gauge("ipt_follower_feeds",
                                    "Clinics whose events this replica follows.",
                                    {{"peer", options_.peer}})),
      lag_(metrics.Gauge("ipt_follower_lag_seconds",
                         "How long ago the copy that lags most was up to date.",
                         {{"peer", options_.peer}})),
      event_age_(metrics.Gauge("ipt_follower_last_event_age_seconds",
                               "How long ago the newest event applied had happened.",
                               {{"peer", options_.peer}})),
      events_(metrics.Counter("ipt_follower_events_total", "Events of another service applied.",
                              {{"peer", options_.peer}})),
      listings_(metrics.Counter("ipt_follower_resyncs_total",
                                "Times that everything of a clinic was listed anew.",
                                {{"peer", options_.peer}})),
      errors_(metrics.Counter("ipt_follower_errors_total",
                              "Streams of events, or their application, that failed.",
                              {{"peer", options_.peer}})) {}

Followers::~Followers() { Stop(); }

void Followers::Start() {
  ticker_.emplace(options_.tick, [this] { Tick(); });
}

void Followers::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  stop_changed_.notify_all();
  ticker_.reset();
  for (const auto& feed : feeds_) feed->Cancel();
  feeds_.clear();
}

void Followers::LookForClinics() {
  std::lock_guard<std::mutex> lock(mutex_);
  look_ = true;
}

bool Followers::stopping() {
  std::lock_guard<std::mutex> lock(mutex_);
  return stopping_;
}

bool Followers::Pause(absl::Duration pause) {
  std::unique_lock<std::mutex> lock(mutex_);
  stop_changed_.wait_for(lock, absl::ToChronoNanoseconds(pause), [this] { return stopping_; });
  return !stopping_;
}

double Followers::Random() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

storage::CallOptions Followers::Within(absl::Duration time) const {
  storage::CallOptions options;
  options.deadline = clock_.Now() + time;
  return options;
}

void Followers::FindClinics() {
  const absl::StatusOr<std::vector<std::string>> clinics = source_.Clinics();
  if (!clinics.ok()) {
    if (!clinics_failing_) {
      log::Line(
          log::Level::kWarning, "follower_failed",
          {{log::Key::kService, options_.peer}, {log::Key::kDetail, clinics.status().message()}});
    }
    clinics_failing_ = true;
    errors_.Increment();
    LookForClinics();
    return;
  }
  clinics_failing_ = false;
  std::set<std::string> known;
  for (const auto& feed : feeds_) known.insert(feed->clinic_id());
  for (const std::string& clinic : *clinics) {
    if (known.insert(clinic).second) feeds_.push_back(std::make_unique<Feed>(*this, clinic));
  }
}

void Followers::Tick() {
  bool look = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) return;
    look = std::exchange(look_, false);
  }
  if (look || clock_.Now() - looked_ >= options_.look_for_clinics) {
    looked_ = clock_.Now();
    FindClinics();
  }
  int followed = 0;
  absl::Time oldest = absl::InfiniteFuture();
  absl::Time newest = absl::InfinitePast();
  bool store_away = false;
  for (const auto& feed : feeds_) {
    const absl::Time now = clock_.Now();
    feed->Tick(now, store_away);
    const Feed::State state = feed->state();
    if (!state.followed) continue;
    ++followed;
    oldest = std::min(oldest, state.as_of);
    newest = std::max(newest, state.event_time);
  }
  const absl::Time now = clock_.Now();
  const auto age = [&](absl::Time time) {
    return time == absl::InfiniteFuture() || time == absl::InfinitePast()
               ? 0.0
               : std::max(0.0, absl::ToDoubleSeconds(now - time));
  };
  feeds_followed_.Set(followed);
  lag_.Set(age(oldest));
  event_age_.Set(age(newest));
}

}  // namespace ipt::follow
