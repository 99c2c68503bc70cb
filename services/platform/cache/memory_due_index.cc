#include "platform/cache/memory_due_index.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "platform/cache/due_score.h"
#include "platform/errors/status_macros.h"

namespace ipt::cache {
struct MemoryDueIndex::Clinic {
  struct Entry {
    std::string id;
    int64_t score = 0;
  };
  // Entries are found by their id, which they hold themselves.
  struct IdHash {
    using is_transparent = void;
    size_t operator()(absl::string_view id) const { return absl::HashOf(id); }
    size_t operator()(const std::unique_ptr<Entry>& entry) const { return absl::HashOf(entry->id); }
  };
  struct IdEq {
    using is_transparent = void;
    static absl::string_view Of(absl::string_view id) { return id; }
    static absl::string_view Of(const std::unique_ptr<Entry>& entry) { return entry->id; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return Of(a) == Of(b);
    }
  };
  struct QueueOrder {
    bool operator()(const Entry* a, const Entry* b) const {
      return a->score != b->score ? a->score < b->score : a->id < b->id;
    }
  };
  struct Lease {
    std::string name;
    absl::Time until;
  };

  explicit Clinic(std::atomic<int64_t>& entries) : all_entries(entries) {}
  ~Clinic() { all_entries -= static_cast<int64_t>(by_id.size()); }

  std::atomic<int64_t>& all_entries;
  std::mutex mutex;
  // Every entry is in `by_id` and either in `queue` or in `leases` and `lease_ends`.
  absl::flat_hash_set<std::unique_ptr<Entry>, IdHash, IdEq> by_id;
  absl::btree_set<const Entry*, QueueOrder> queue;
  absl::flat_hash_map<const Entry*, Lease> leases;
  absl::btree_set<std::pair<absl::Time, const Entry*>> lease_ends;

  std::string epoch;   // empty: to be rebuilt
  std::string begun;   // whose contents these are, built or not
  std::string ticket;  // of the rebuild under way
  absl::Time ticket_until;

  Entry* Find(absl::string_view id) {
    const auto it = by_id.find(id);
    return it == by_id.end() ? nullptr : it->get();
  }
  void Unlease(const Entry* entry) {
    const auto it = leases.find(entry);
    if (it == leases.end()) return;
    lease_ends.erase({it->second.until, entry});
    leases.erase(it);
  }
  // Takes the entry out of the queue or its lease and queues it at `score`.
  void Requeue(Entry* entry, int64_t score) {
    queue.erase(entry);
    Unlease(entry);
    entry->score = score;
    queue.insert(entry);
  }
  void Erase(Entry* entry) {
    queue.erase(entry);
    Unlease(entry);
    by_id.erase(by_id.find(absl::string_view(entry->id)));
    --all_entries;
  }
  void Clear() {
    all_entries -= static_cast<int64_t>(by_id.size());
    queue.clear();
    leases.clear();
    lease_ends.clear();
    by_id.clear();
  }
  void EndLeases(absl::Time now) {
    while (!lease_ends.empty() && lease_ends.begin()->first <= now) {
      auto* entry = const_cast<Entry*>(lease_ends.begin()->second);
      Requeue(entry, entry->score);
    }
  }
  // Null unless `lease` holds the id.
  Entry* Held(absl::string_view lease, absl::string_view id) {
    Entry* entry = Find(id);
    if (entry == nullptr) return nullptr;
    const auto it = leases.find(entry);
    return it == leases.end() || it->second.name != lease ? nullptr : entry;
  }
  void SetLease(const Entry* entry, absl::string_view name, absl::Time until) {
    Unlease(entry);
    leases[entry] = {std::string(name), until};
    lease_ends.insert({until, entry});
  }
  absl::Time Next() const {
    absl::Time next = absl::InfiniteFuture();
    if (!queue.empty()) next = DueOf((*queue.begin())->score);
    if (!lease_ends.empty()) next = std::min(next, lease_ends.begin()->first);
    return next;
  }
};

MemoryDueIndex::MemoryDueIndex(const Clock& clock, int64_t most_entries)
    : clock_(clock), most_entries_(most_entries) {}

MemoryDueIndex::~MemoryDueIndex() = default;

MemoryDueIndex::Clinic& MemoryDueIndex::Of(absl::string_view clinic) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::unique_ptr<Clinic>& found = clinics_[clinic];
  if (found == nullptr) found = std::make_unique<Clinic>(entries_);
  return *found;
}

absl::Status MemoryDueIndex::Upsert(absl::string_view clinic, absl::Span<const DueEntry> entries) {
  IPT_RETURN_IF_ERROR(CheckEntries(entries));
  Clinic& of = Of(clinic);
  for (size_t begin = 0; begin < entries.size(); begin += kMaxBatch) {
    const auto batch = entries.subspan(begin, kMaxBatch);
    std::lock_guard<std::mutex> lock(of.mutex);
    if (entries_ + static_cast<int64_t>(batch.size()) > most_entries_) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the due-index holds its most of ", most_entries_, " entries"));
    }
    for (const DueEntry& entry : batch) {
      const int64_t score = ScoreOf(entry.generation, entry.due);
      Clinic::Entry* known = of.Find(entry.id);
      if (known == nullptr) {
        const auto it =
            of.by_id.insert(std::make_unique<Clinic::Entry>(Clinic::Entry{entry.id, score})).first;
        of.queue.insert(it->get());
        ++entries_;
        continue;
      }
      const int64_t generation = GenerationOf(known->score);
      const bool leased = of.leases.contains(known);
      if (entry.generation > generation || (entry.generation == generation && !leased)) {
        of.Requeue(known, score);
      }
    }
  }
  return absl::OkStatus();
}

absl::Status MemoryDueIndex::Remove(absl::string_view clinic, absl::Span<const DueEntry> entries) {
  IPT_RETURN_IF_ERROR(CheckEntries(entries));
  Clinic& of = Of(clinic);
  std::lock_guard<std::mutex> lock(of.mutex);
  for (const DueEntry& entry : entries) {
    Clinic::Entry* known = of.Find(entry.id);
    if (known != nullptr && GenerationOf(known->score) <= entry.generation) of.Erase(known);
  }
  return absl::OkStatus();
}

absl::StatusOr<Claimed> MemoryDueIndex::Claim(absl::string_view clinic, absl::string_view epoch,
                                              int most, absl::Duration lease_for) {
  const absl::Time now = clock_.Now();
  Clinic& of = Of(clinic);
  std::lock_guard<std::mutex> lock(of.mutex);
  if (epoch.empty() || of.epoch != epoch) return RebuildNeeded();
  of.EndLeases(now);
  Claimed claimed;
  claimed.lease = NewToken();
  const int64_t last_due = LastDueScore(now);
  most = std::clamp(most, 0, kMaxBatch);
  while (static_cast<int>(claimed.entries.size()) < most && !of.queue.empty() &&
         (*of.queue.begin())->score <= last_due) {
    const Clinic::Entry* entry = *of.queue.begin();
    of.queue.erase(of.queue.begin());
    of.SetLease(entry, claimed.lease, now + lease_for);
    claimed.entries.push_back({entry->id, GenerationOf(entry->score), DueOf(entry->score)});
  }
  claimed.next = of.Next();
  return claimed;
}

absl::StatusOr<int> MemoryDueIndex::Complete(absl::string_view clinic, absl::string_view lease,
                                             absl::Span<const std::string> ids) {
  Clinic& of = Of(clinic);
  std::lock_guard<std::mutex> lock(of.mutex);
  int held = 0;
  for (const std::string& id : ids) {
    Clinic::Entry* entry = of.Held(lease, id);
    if (entry == nullptr) continue;
    of.Erase(entry);
    ++held;
  }
  return held;
}

absl::StatusOr<int> MemoryDueIndex::Release(absl::string_view clinic, absl::string_view lease,
                                            absl::Span<const DueEntry> entries) {
  IPT_RETURN_IF_ERROR(CheckEntries(entries));
  Clinic& of = Of(clinic);
  std::lock_guard<std::mutex> lock(of.mutex);
  int held = 0;
  for (const DueEntry& entry : entries) {
    Clinic::Entry* known = of.Held(lease, entry.id);
    if (known == nullptr) continue;
    of.Requeue(known, ScoreOf(GenerationOf(known->score), entry.due));
    ++held;
  }
  return held;
}

absl::StatusOr<int> MemoryDueIndex::Extend(absl::string_view clinic, absl::string_view lease,
                                           absl::Span<const std::string> ids,
                                           absl::Duration lease_for) {
  const absl::Time now = clock_.Now();
  Clinic& of = Of(clinic);
  std::lock_guard<std::mutex> lock(of.mutex);
  int held = 0;
  for (const std::string& id : ids) {
    const Clinic::Entry* entry = of.Held(lease, id);
    if (entry == nullptr) continue;
    of.SetLease(entry, lease, now + lease_for);
    ++held;
  }
  return held;
}

absl::StatusOr<std::vector<std::optional<absl::Time>>> MemoryDueIndex::NextDue(
    absl::Span<const std::string> clinics, absl::string_view epoch) {
  std::vector<std::optional<absl::Time>> next;
  for (const std::string& clinic : clinics) {
    Clinic& of = Of(clinic);
    std::lock_guard<std::mutex> lock(of.mutex);
    next.push_back(epoch.empty() || of.epoch != epoch ? std::nullopt
                                                      : std::make_optional(of.Next()));
  }
  return next;
}

absl::StatusOr<DueDepth> MemoryDueIndex::Depth(absl::string_view clinic) {
  Clinic& of = Of(clinic);
  std::lock_guard<std::mutex> lock(of.mutex);
  return DueDepth{
      .queued = static_cast<int64_t>(of.queue.size()),
      .leased = static_cast<int64_t>(of.leases.size()),
      .oldest = of.queue.empty() ? absl::InfiniteFuture() : DueOf((*of.queue.begin())->score)};
}

absl::StatusOr<std::vector<std::optional<DueState>>> MemoryDueIndex::Lookup(
    absl::string_view clinic, absl::Span<const std::string> ids) {
  Clinic& of = Of(clinic);
  std::lock_guard<std::mutex> lock(of.mutex);
  std::vector<std::optional<DueState>> states;
  for (const std::string& id : ids) {
    const Clinic::Entry* entry = of.Find(id);
    if (entry == nullptr) {
      states.emplace_back();
    } else {
      states.push_back(
          DueState{GenerationOf(entry->score), DueOf(entry->score), of.leases.contains(entry)});
    }
  }
  return states;
}

absl::StatusOr<DuePage> MemoryDueIndex::Scan(absl::string_view clinic, absl::string_view from) {
  // "score id" of the last entry of the page before.
  Clinic::Entry after;
  if (!from.empty()) {
    const size_t space = from.find(' ');
    if (space == absl::string_view::npos ||
        !absl::SimpleAtoi(from.substr(0, space), &after.score)) {
      return absl::InvalidArgumentError("not a page of this index");
    }
    after.id = std::string(from.substr(space + 1));
  }
  Clinic& of = Of(clinic);
  std::lock_guard<std::mutex> lock(of.mutex);
  DuePage page;
  auto it = from.empty() ? of.queue.begin() : of.queue.upper_bound(&after);
  for (; it != of.queue.end() && page.entries.size() < kMaxBatch; ++it) {
    page.entries.push_back({(*it)->id, GenerationOf((*it)->score), DueOf((*it)->score)});
  }
  if (it != of.queue.end()) {
    const Clinic::Entry& last = **std::prev(it);
    page.next = absl::StrCat(last.score, " ", last.id);
  }
  return page;
}

absl::StatusOr<RebuildTicket> MemoryDueIndex::BeginRebuild(absl::string_view clinic,
                                                           absl::string_view epoch,
                                                           absl::Duration hold, bool again) {
  if (epoch.empty()) return absl::InvalidArgumentError("an epoch is not empty");
  const absl::Time now = clock_.Now();
  Clinic& of = Of(clinic);
  std::lock_guard<std::mutex> lock(of.mutex);
  if (!of.ticket.empty() && now < of.ticket_until) return RebuildTicket{RebuildTicket::kBusy, ""};
  if (of.epoch == epoch && !again) return RebuildTicket{RebuildTicket::kNotNeeded, ""};
  if (of.begun != epoch) of.Clear();
  of.epoch.clear();
  of.begun = std::string(epoch);
  of.ticket = NewToken();
  of.ticket_until = now + hold;
  return RebuildTicket{RebuildTicket::kStarted, of.ticket};
}

absl::Status MemoryDueIndex::KeepRebuild(absl::string_view clinic, absl::string_view token,
                                         absl::Duration hold) {
  const absl::Time now = clock_.Now();
  Clinic& of = Of(clinic);
  std::lock_guard<std::mutex> lock(of.mutex);
  if (token.empty() || of.ticket != token) return RebuildNeeded();
  of.ticket_until = now + hold;
  return absl::OkStatus();
}

absl::Status MemoryDueIndex::FinishRebuild(absl::string_view clinic, absl::string_view token,
                                           absl::string_view epoch) {
  if (epoch.empty()) return absl::InvalidArgumentError("an epoch is not empty");
  Clinic& of = Of(clinic);
  std::lock_guard<std::mutex> lock(of.mutex);
  if (token.empty() || of.ticket != token) return RebuildNeeded();
  of.epoch = std::string(epoch);
  of.ticket.clear();
  return absl::OkStatus();
}

}  // namespace ipt::cache
