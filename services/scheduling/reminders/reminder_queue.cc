#include "scheduling/reminders/reminder_queue.h"

#include <algorithm>
#include <map>
#include <utility>

#include "platform/observability/log.h"

namespace ipt::scheduling {
namespace {

constexpr char kTopic[] = "reminders";
// Bridges the index's claim and the store's. Whoever dies between the two delays what it took by
// this much.
constexpr absl::Duration kIndexLease = absl::Seconds(3);
// More changes than this wait for an index that is away: the rest is left to the auditor.
constexpr size_t kMostChanges = 100'000;
constexpr absl::Duration kFeedEvery = absl::Seconds(1);
// A pause or a cap may be lifted at any time.
constexpr absl::Duration kLookAgain = absl::Seconds(1);

}  // namespace

ReminderQueue::ReminderQueue(cache::DueIndex& index, cache::Wake& wake, const Clock& clock,
                             QueueMetrics& metrics)
    : index_(index),
      wake_(wake),
      clock_(clock),
      metrics_(metrics),
      listener_(wake.Listen(kTopic, [this](absl::string_view clinic) { Heard(clinic); })),
      feeder_(kFeedEvery, [this] { Feed(); }) {}

ReminderQueue::~ReminderQueue() { listener_.reset(); }

void ReminderQueue::SetEpoch(const std::string& epoch) {
  std::lock_guard<std::mutex> lock(mutex_);
  epoch_ = epoch;
}

std::string ReminderQueue::epoch() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return epoch_;
}

void ReminderQueue::OnRebuildNeeded(std::function<void(const std::string&)> rebuild) {
  std::lock_guard<std::mutex> lock(mutex_);
  rebuild_ = std::move(rebuild);
}

void ReminderQueue::MarkIncomplete(const std::string& clinic) {
  std::lock_guard<std::mutex> lock(mutex_);
  incomplete_[clinic] = ++marks_;
}

int64_t ReminderQueue::IncompleteMark(const std::string& clinic) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto marked = incomplete_.find(clinic);
  return marked == incomplete_.end() ? 0 : marked->second;
}

void ReminderQueue::Unmark(const std::string& clinic, int64_t mark) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto marked = incomplete_.find(clinic);
  if (marked != incomplete_.end() && marked->second == mark) incomplete_.erase(marked);
}

ReminderQueue::Batch ReminderQueue::Take(absl::string_view clinic_id, int most, bool by_channel) {
  const absl::Time now = clock_.Now();
  Batch batch{.clinic_id = std::string(clinic_id),
              .ids = std::nullopt,
              .entries = {},
              .index_lease = "",
              .next = now + kLookAgain};
  std::string epoch;
  bool incomplete = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    epoch = epoch_;
    incomplete = incomplete_.contains(clinic_id);
    if (const auto held = hold_until_.find(clinic_id); held != hold_until_.end()) {
      if (now < held->second) {
        batch.ids.emplace();
        batch.next = held->second;
        return batch;
      }
      hold_until_.erase(held);
    }
  }
  if (by_channel) return batch;
  if (epoch.empty() || incomplete) {
    metrics_.fallback_claims.Increment();
    return batch;
  }
  auto claimed =
      index_.Claim(clinic_id, epoch, std::min(most, cache::DueIndex::kMaxBatch), kIndexLease);
  if (!claimed.ok()) {
    metrics_.fallback_claims.Increment();
    if (cache::IsRebuildNeeded(claimed.status())) {
      std::function<void(const std::string&)> rebuild;
      {
        std::lock_guard<std::mutex> lock(mutex_);
        rebuild = rebuild_;
      }
      if (rebuild) rebuild(batch.clinic_id);
    }
    return batch;
  }
  batch.entries = std::move(claimed->entries);
  batch.index_lease = std::move(claimed->lease);
  batch.next = claimed->next;
  batch.ids.emplace();
  for (const cache::DueEntry& entry : batch.entries) batch.ids->push_back(entry.id);
  return batch;
}

void ReminderQueue::Settle(const Batch& batch, const LeaseResult* result) {
  if (result != nullptr) {
    const absl::Time now = result->gate.now;
    metrics_.leased.Increment(static_cast<double>(result->leased.size()));
    for (const Reminder& reminder : result->leased) {
      if (reminder.attempt == 1) {
        metrics_.lateness.Observe(absl::ToDoubleSeconds(now - reminder.due));
      }
    }
    const bool no_room = result->gate.room.has_value() &&
                         *result->gate.room <= static_cast<int64_t>(result->leased.size());
    if (result->gate.paused || no_room) {
      std::lock_guard<std::mutex> lock(mutex_);
      hold_until_[batch.clinic_id] = now + kLookAgain;
    }
  }
  // What is leased in SQL waits there; the index hears of it again when the lease lapses.
  std::vector<cache::DueEntry> back;
  std::vector<std::string> done;
  if (result == nullptr) {
    back = batch.entries;
  } else if (batch.index_lease.empty()) {
    std::vector<cache::DueEntry> found;
    for (const Reminder& reminder : result->leased) {
      found.push_back({reminder.reminder_id, reminder.generation, reminder.due});
    }
    if (!found.empty()) (void)index_.Remove(batch.clinic_id, found);
    OnQueueChanged(result->refused);
    return;
  } else {
    for (const Reminder& reminder : result->leased) done.push_back(reminder.reminder_id);
    for (const QueueChange& refused : result->refused) {
      if (refused.next.has_value()) {
        back.push_back({refused.reminder_id, refused.generation, *refused.next});
      } else {
        done.push_back(refused.reminder_id);
      }
    }
  }
  // Should these fail, the index's own lease runs out, and SQL refuses what is not to be leased.
  if (!done.empty()) (void)index_.Complete(batch.clinic_id, batch.index_lease, done);
  if (!back.empty()) (void)index_.Release(batch.clinic_id, batch.index_lease, back);
  // Others have looked meanwhile, and seen nothing until the index's own lease would run out.
  const absl::Time soon = clock_.Now() + kLookAgain;
  const bool ring = result != nullptr && std::any_of(back.begin(), back.end(),
                                                     [&](const auto& b) { return b.due <= soon; });
  if (ring) wake_.Ring(kTopic, batch.clinic_id);
}

void ReminderQueue::OnQueueChanged(const std::vector<QueueChange>& changes) {
  if (changes.empty()) return;
  size_t dropped = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const size_t room = kMostChanges - std::min(kMostChanges, changes_.size());
    const size_t taken = std::min(room, changes.size());
    changes_.insert(changes_.end(), changes.begin(), changes.begin() + taken);
    dropped = changes.size() - taken;
    for (size_t i = taken; i < changes.size(); ++i) incomplete_[changes[i].clinic_id] = ++marks_;
  }
  if (dropped > 0) metrics_.changes_dropped.Increment(static_cast<double>(dropped));
  feeder_.Kick();
}

void ReminderQueue::OnWords(const WordResult& result) {
  metrics_.acked.Increment(result.sent);
  metrics_.retried.Increment(result.retried);
  metrics_.dead.Increment(result.dead);
  std::vector<QueueChange> queued;
  for (const QueueChange& change : result.changes) {
    if (change.next.has_value()) queued.push_back(change);
  }
  OnQueueChanged(queued);
}

void ReminderQueue::Flush() { Feed(); }

void ReminderQueue::Feed() {
  std::lock_guard<std::mutex> one_at_a_time(feeding_);
  std::vector<QueueChange> changes;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    changes.swap(changes_);
  }
  if (changes.empty()) return;
  struct Clinic {
    std::vector<cache::DueEntry> in;
    std::vector<cache::DueEntry> out;
    bool soon = false;
  };
  std::map<std::string, Clinic> clinics;
  const absl::Time now = clock_.Now();
  for (const QueueChange& change : changes) {
    Clinic& clinic = clinics[change.clinic_id];
    cache::DueEntry entry{change.reminder_id, change.generation,
                          change.next.value_or(absl::InfinitePast())};
    if (change.next.has_value() && *change.next < now + kIndexHorizon) {
      clinic.in.push_back(std::move(entry));
      clinic.soon = clinic.soon || *change.next < now + kLookAgain;
    } else {
      clinic.out.push_back(std::move(entry));
    }
  }
  for (const auto& [id, clinic] : clinics) {
    absl::Status status = absl::OkStatus();
    if (!clinic.out.empty()) status = index_.Remove(id, clinic.out);
    if (!clinic.in.empty()) status.Update(index_.Upsert(id, clinic.in));
    if (!status.ok()) {
      metrics_.changes_dropped.Increment(static_cast<double>(clinic.in.size() + clinic.out.size()));
      if (!clinic.in.empty()) MarkIncomplete(id);
    }
    if (clinic.soon) wake_.Ring(kTopic, id);
  }
}

std::unique_ptr<ReminderQueue::Watch> ReminderQueue::WatchClinic(const std::string& clinic_id,
                                                                 std::function<void()> heard) {
  return std::unique_ptr<Watch>(new Watch(*this, clinic_id, std::move(heard)));
}

void ReminderQueue::Heard(absl::string_view clinic_id) {
  std::lock_guard<std::mutex> lock(watches_mutex_);
  for (const auto& [clinic, watches] : watches_) {
    if (!clinic_id.empty() && clinic != clinic_id) continue;
    for (const Watch* watch : watches) watch->heard_();
  }
}

ReminderQueue::Watch::Watch(ReminderQueue& queue, std::string clinic_id,
                            std::function<void()> heard)
    : queue_(queue), clinic_id_(std::move(clinic_id)), heard_(std::move(heard)) {
  std::lock_guard<std::mutex> lock(queue_.watches_mutex_);
  queue_.watches_[clinic_id_].push_back(this);
}

ReminderQueue::Watch::~Watch() {
  std::lock_guard<std::mutex> lock(queue_.watches_mutex_);
  auto it = queue_.watches_.find(clinic_id_);
  std::erase(it->second, this);
  if (it->second.empty()) queue_.watches_.erase(it);
}

}  // namespace ipt::scheduling
