#include "platform/events/feed.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/observability/log.h"

namespace ipt::events {
namespace {

using storage::Connection;
using storage::outbox::FeedState;

constexpr int64_t kPlaceAtOnce = 20'000;
constexpr int kPageEvents = 200;
constexpr size_t kPageBytes = 1 << 20;
constexpr int64_t kPurgeAtOnce = 1000;
// How long who begins waits for a relay: it may be a replica that hangs.
constexpr absl::Duration kRelayTime = absl::Seconds(1);
constexpr absl::Duration kLookTime = absl::Seconds(10);
constexpr absl::Duration kPurgeTime = absl::Seconds(30);
// Commits that follow one another share a look.
constexpr absl::Duration kRest = absl::Milliseconds(5);

}  // namespace

Feed::Follower::~Follower() {
  std::lock_guard<std::mutex> lock(feed_.mutex_);
  feed_.followers_.erase(this);
}

Feed::Mark Feed::Follower::mark() const {
  std::lock_guard<std::mutex> lock(feed_.mutex_);
  const FeedState& state = feed_.state_;
  if (state.epoch.empty()) return {begun_.epoch, begun_.end, begun_.purged, newest_};
  if (state.epoch != begun_.epoch) return {state.epoch, state.end, state.purged, newest_};
  return {state.epoch, std::max(state.end, begun_.end), std::max(state.purged, begun_.purged),
          newest_};
}

Feed::Feed(storage::Database& db, const Clock& clock, cache::Wake& wake, Metrics& metrics,
           Options options)
    : db_(db),
      clock_(clock),
      wake_(wake),
      options_(std::move(options)),
      told_(metrics.Counter("ipt_events_told_total", "Events sent to followers.")),
      placed_(metrics.Counter("ipt_events_placed_total",
                              "Events given a position by this replica's relay (PostgreSQL).")),
      errors_(metrics.Counter("ipt_event_feed_errors_total",
                              "Looks for new events that failed; followers wait meanwhile.")),
      purged_(metrics.Counter("ipt_events_purged_total", "Events deleted by age.")) {}

Feed::~Feed() { Stop(); }

void Feed::Start() {
  listener_ = wake_.Listen(options_.topic, [this](absl::string_view) { Ring(); });
  thread_ = std::thread([this] { Run(); });
}

void Feed::Stop() {
  listener_.reset();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  woken_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::string Feed::epoch() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return state_.epoch;
}

void Feed::OnCommitted() { wake_.Ring(options_.topic, ""); }

void Feed::Ring() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (rung_) return;
    rung_ = true;
  }
  woken_.notify_all();
}

absl::StatusOr<std::unique_ptr<Feed::Follower>> Feed::Follow(const std::string& clinic_id,
                                                             std::function<void()> wake,
                                                             absl::Time deadline) {
  storage::CallOptions options;
  options.deadline = deadline;
  options.single_statement = true;
  FeedState state;
  const auto read = [&](Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(state, storage::outbox::ReadFeed(conn));
    return absl::OkStatus();
  };
  IPT_RETURN_IF_ERROR(db_.Read(options, read));
  if (state.waiting) {
    const absl::Time patience = std::min(deadline, clock_.Now() + kRelayTime);
    const absl::Status placed = PlaceWaiting(patience, storage::outbox::IfBusy::kWait);
    if (absl::IsDeadlineExceeded(placed) && patience < deadline) {
      return Unavailable(reason::kStoreUnavailable,
                         "events are not given their places now; open the stream again",
                         absl::Seconds(1));
    }
    IPT_RETURN_IF_ERROR(placed);
    IPT_RETURN_IF_ERROR(db_.Read(options, read));
  }
  auto follower = std::unique_ptr<Follower>(new Follower(*this, clinic_id, std::move(wake)));
  std::lock_guard<std::mutex> lock(mutex_);
  follower->begun_ = state;
  // Nothing is known of this clinic yet: there may be something up to the very end.
  follower->newest_ = std::max(state.end, state_.end);
  followers_.insert(follower.get());
  woken_.notify_all();  // it may have rested, having nobody to tell
  return follower;
}

absl::StatusOr<storage::outbox::Page> Feed::Read(absl::string_view clinic_id, int64_t after,
                                                 int64_t upto, absl::Time deadline) {
  storage::CallOptions options;
  options.deadline = deadline;
  options.single_statement = true;
  storage::outbox::Page page;
  IPT_RETURN_IF_ERROR(db_.Read(options, [&](Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(
        page, storage::outbox::ReadPage(conn, clinic_id, after, upto, kPageEvents, kPageBytes));
    return absl::OkStatus();
  }));
  return page;
}

absl::Status Feed::Purge(absl::Duration keep) {
  const absl::Time before = clock_.Now() - keep;
  int64_t deleted = kPurgeAtOnce;
  while (deleted == kPurgeAtOnce) {
    IPT_RETURN_IF_ERROR(db_.Write(Within(kPurgeTime), [&](Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(deleted, storage::outbox::PurgeOlderThan(conn, before, kPurgeAtOnce));
      return absl::OkStatus();
    }));
    purged_.Increment(static_cast<double>(deleted));
  }
  return absl::OkStatus();
}

storage::CallOptions Feed::Within(absl::Duration time) const {
  storage::CallOptions options;
  options.deadline = clock_.Now() + time;
  return options;
}

absl::Status Feed::PlaceWaiting(absl::Time deadline, storage::outbox::IfBusy if_busy) {
  storage::CallOptions options;
  options.deadline = deadline;
  int64_t placed = kPlaceAtOnce;
  while (placed == kPlaceAtOnce) {
    IPT_RETURN_IF_ERROR(db_.Write(options, [&](Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(placed, storage::outbox::Place(conn, kPlaceAtOnce, if_busy));
      return absl::OkStatus();
    }));
    placed_.Increment(static_cast<double>(placed));
  }
  return absl::OkStatus();
}

absl::Status Feed::Look() {
  storage::CallOptions single = Within(kLookTime);
  single.single_statement = true;
  FeedState now;
  const auto read = [&](Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(now, storage::outbox::ReadFeed(conn));
    return absl::OkStatus();
  };
  IPT_RETURN_IF_ERROR(db_.Read(single, read));
  if (now.waiting) {
    IPT_RETURN_IF_ERROR(PlaceWaiting(clock_.Now() + kLookTime, storage::outbox::IfBusy::kLeaveIt));
    IPT_RETURN_IF_ERROR(db_.Read(single, read));
  }

  FeedState before;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    before = state_;
    if (now.epoch == before.epoch && now.end <= before.end) {
      state_.purged = std::max(state_.purged, now.purged);
      return absl::OkStatus();
    }
  }
  const bool same_history = now.epoch == before.epoch;
  std::map<std::string, int64_t> newest;
  if (same_history) {
    IPT_RETURN_IF_ERROR(db_.Read(single, [&](Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const auto found,
                           storage::outbox::NewestByClinic(conn, before.end, now.end));
      newest = {found.begin(), found.end()};
      return absl::OkStatus();
    }));
  }
  std::lock_guard<std::mutex> lock(mutex_);
  state_ = now;
  for (Follower* follower : followers_) {
    const auto it = newest.find(follower->clinic_id_);
    if (same_history && it == newest.end()) continue;
    follower->newest_ = std::max(follower->newest_, same_history ? it->second : now.end);
    follower->wake_();
  }
  return absl::OkStatus();
}

void Feed::Run() {
  bool failing = false;
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    rung_ = false;
    lock.unlock();
    const absl::Status status = Look();
    if (!status.ok()) {
      errors_.Increment();
      if (!failing) {
        log::Line(log::Level::kWarning, "event_feed_failed",
                  {{log::Key::kDetail, status.message()}});
      }
    }
    failing = !status.ok();
    lock.lock();
    const bool followed = !followers_.empty();
    const auto stop_or_rung = [this] { return stopping_ || rung_; };
    if (!followed || failing) {
      // A commit alone is no reason to look for nobody.
      const size_t before = followers_.size();
      woken_.wait_for(lock, absl::ToChronoNanoseconds(options_.idle_poll),
                      [&] { return stopping_ || followers_.size() > before; });
    } else {
      woken_.wait_for(lock, absl::ToChronoNanoseconds(kRest), [this] { return stopping_; });
      woken_.wait_for(lock, absl::ToChronoNanoseconds(options_.poll), stop_or_rung);
    }
  }
}

}  // namespace ipt::events
