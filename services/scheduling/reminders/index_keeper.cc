#include "scheduling/reminders/index_keeper.h"

#include <algorithm>
#include <future>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "platform/errors/status_macros.h"
#include "platform/observability/log.h"

namespace ipt::scheduling {
namespace {

constexpr absl::Duration kEvery = absl::Seconds(1);
constexpr int kSweepBatch = 500;
constexpr int kPage = 500;
constexpr int kRebuildPage = 5000;
// How long one is held to rebuild without a sign of life.
constexpr absl::Duration kRebuildHold = absl::Seconds(30);
// Due for so long and still there: somebody should have taken it, or the index does not have it.
constexpr absl::Duration kOverdue = absl::Seconds(2);
// Pages that are compared in a round; with one round a second, 20,000 entries a second.
constexpr int kAuditPages = 40;
// What enters the horizon is missing in the index rightly.
constexpr absl::Duration kEntering = absl::Hours(1);
// The index keeps times to an eighth of a second.
constexpr absl::Duration kSameTime = absl::Milliseconds(250);
constexpr absl::Duration kClockWarning = absl::Seconds(2);
// Counting costs what it counts: seldom, and not all of a queue that an outage has left.
constexpr int64_t kCountMost = 100'000;
constexpr int kCountRounds = 10;

cache::DueEntry DueOf(const QueueEntry& entry) {
  return {entry.reminder_id, entry.generation, entry.next};
}

// What SQL lets wait in the index for a moment: it was tried and could not be leased just then.
constexpr absl::Duration kHeldBack = absl::Seconds(62);

// Whether the index has an entry as SQL has it.
bool IsRight(const cache::DueState& state, const QueueEntry& entry, absl::Time now) {
  if (state.generation != entry.generation) return state.generation > entry.generation;
  if (state.leased || absl::AbsDuration(state.due - entry.next) <= kSameTime) return true;
  return entry.next <= now && state.due <= now + kHeldBack;
}

}  // namespace

IndexKeeper::IndexKeeper(SchedulingStore& store, ReminderQueue& queue, const Clock& own,
                         StoreClock& store_clock)
    : store_(store), queue_(queue), own_(own), store_clock_(store_clock) {
  queue_.OnRebuildNeeded([this](const std::string& clinic) {
    std::lock_guard<std::mutex> lock(mutex_);
    asked_.insert(clinic);
    if (indexer_.has_value()) indexer_->Kick();
  });
}

IndexKeeper::~IndexKeeper() { Stop(); }

void IndexKeeper::Start() {
  std::lock_guard<std::mutex> lock(mutex_);
  sweeper_.emplace(kEvery, [this] { Report("SWEEP", SweepOnce(), sweep_failing_); });
  indexer_.emplace(kEvery, [this] { Report("DUE_INDEX", IndexOnce(), index_failing_); });
}

void IndexKeeper::Stop() {
  queue_.OnRebuildNeeded(nullptr);
  sweeper_.reset();
  indexer_.reset();
}

// Once when it begins, once when it is over; the counter has the rest.
void IndexKeeper::Report(const char* what, const absl::Status& status, bool& failing) {
  if (!status.ok()) queue_.metrics().errors.Increment();
  if (!status.ok() && !failing) {
    log::Line(log::Level::kWarning, "reminder_keeper_failed",
              {{log::Key::kReason, what}, {log::Key::kDetail, status.message()}});
  }
  failing = !status.ok();
}

absl::Status IndexKeeper::CheckClock() {
  const absl::Time before = own_.Now();
  absl::Time store_now = before;
  IPT_RETURN_IF_ERROR(store_.Read(Deadline(), [&](SchedulingReader& reader) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(store_now, reader.queue().StoreNow(before));
    return absl::OkStatus();
  }));
  const absl::Time after = own_.Now();
  if (store_now == before) return absl::OkStatus();  // the store has no clock of its own
  store_clock_.Learn(before, store_now, after);
  const absl::Duration offset = store_clock_.offset();
  queue_.metrics().clock_offset.Set(absl::ToDoubleSeconds(offset));
  const bool apart = absl::AbsDuration(offset) > kClockWarning;
  if (apart && !clock_warned_) {
    log::Line(log::Level::kWarning, "clock_differs",
              {{log::Key::kDetail,
                absl::StrCat("the store's clock is ", absl::FormatDuration(offset),
                             " ahead of this machine's: set one of them right; reminders go by "
                             "the store's")}});
  }
  clock_warned_ = apart;
  return absl::OkStatus();
}

absl::Status IndexKeeper::SweepOnce() {
  IPT_RETURN_IF_ERROR(CheckClock());
  bool more = true;
  while (more) {
    // Nothing is written where there is nothing to do.
    bool any = false;
    IPT_RETURN_IF_ERROR(store_.Read(Deadline(), [&](SchedulingReader& reader) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(any, reader.queue().AnyToSweep(store_clock_.Now()));
      return absl::OkStatus();
    }));
    if (!any) break;
    SweepResult swept;
    IPT_RETURN_IF_ERROR(store_.Write(Deadline(), [&](SchedulingTx& tx) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(swept, Sweep(tx.delivery(), own_.Now(), kSweepBatch));
      return absl::OkStatus();
    }));
    QueueMetrics& metrics = queue_.metrics();
    metrics.lapsed.Increment(swept.lapsed);
    metrics.dead.Increment(swept.dead);
    metrics.too_late.Increment(swept.too_late);
    queue_.OnQueueChanged(swept.changes);
    more = swept.more;
  }
  std::vector<QueueHead> heads;
  IPT_RETURN_IF_ERROR(store_.Read(Deadline(), [&](SchedulingReader& reader) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(heads, reader.queue().QueueHeads());
    return absl::OkStatus();
  }));
  return Measure(heads);
}

absl::Status IndexKeeper::Measure(const std::vector<QueueHead>& heads) {
  const absl::Time now = store_clock_.Now();
  absl::Time oldest = now;
  for (const QueueHead& head : heads) {
    if (!head.paused) oldest = std::min(oldest, head.next);
  }
  QueueMetrics& metrics = queue_.metrics();
  metrics.oldest_overdue.Set(absl::ToDoubleSeconds(now - oldest));
  if (rounds_++ % kCountRounds != 0) return absl::OkStatus();
  QueueCounts counts;
  IPT_RETURN_IF_ERROR(store_.Read(Deadline(), [&](SchedulingReader& reader) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(counts, reader.queue().CountQueue(now, kCountMost));
    return absl::OkStatus();
  }));
  metrics.due_now.Set(static_cast<double>(counts.due));
  metrics.leased_now.Set(static_cast<double>(counts.leased));
  metrics.dead_now.Set(static_cast<double>(counts.dead));
  return absl::OkStatus();
}

absl::Status IndexKeeper::IndexOnce() {
  std::vector<QueueHead> heads;
  std::string epoch;
  IPT_RETURN_IF_ERROR(store_.Read(Deadline(), [&](SchedulingReader& reader) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(epoch, reader.queue().QueueEpoch());
    IPT_ASSIGN_OR_RETURN(heads, reader.queue().QueueHeads());
    return absl::OkStatus();
  }));
  queue_.SetEpoch(epoch);
  std::vector<std::string> clinics;
  {
    // A clinic that is asked for is indexed though it has nothing: its gateway then waits for the
    // index, not for SQL.
    std::lock_guard<std::mutex> lock(mutex_);
    for (const std::string& clinic : std::exchange(asked_, {})) {
      const auto at = std::lower_bound(
          heads.begin(), heads.end(), clinic,
          [](const QueueHead& head, const std::string& id) { return head.clinic_id < id; });
      if (at == heads.end() || at->clinic_id != clinic) {
        heads.insert(at, {.clinic_id = clinic, .next = absl::InfiniteFuture()});
      }
    }
  }
  for (const QueueHead& head : heads) clinics.push_back(head.clinic_id);
  if (clinics.empty()) return absl::OkStatus();
  IPT_ASSIGN_OR_RETURN(const auto next, queue_.index().NextDue(clinics, epoch));
  const absl::Time now = store_clock_.Now();
  int64_t depth = 0;
  for (size_t i = 0; i < clinics.size(); ++i) {
    const int64_t mark = queue_.IncompleteMark(clinics[i]);
    if (!next[i].has_value()) {
      IPT_RETURN_IF_ERROR(Rebuild(clinics[i]));
    } else if (mark != 0) {
      IPT_ASSIGN_OR_RETURN(const bool all, BringBack(clinics[i], now));
      if (all) queue_.Unmark(clinics[i], mark);
    } else if (heads[i].next < now - kOverdue) {
      IPT_RETURN_IF_ERROR(BringBack(clinics[i], now - kOverdue).status());
    }
    IPT_ASSIGN_OR_RETURN(const cache::DueDepth clinic_depth, queue_.index().Depth(clinics[i]));
    depth += clinic_depth.queued + clinic_depth.leased;
  }
  queue_.metrics().depth.Set(static_cast<double>(depth));
  return Audit(heads);
}

absl::StatusOr<std::vector<QueueEntry>> IndexKeeper::Page(const std::string& clinic,
                                                          absl::Time after,
                                                          const std::string& after_id,
                                                          absl::Time before, int limit) {
  std::vector<QueueEntry> page;
  IPT_RETURN_IF_ERROR(store_.Read(Deadline(), [&](SchedulingReader& reader) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(page, reader.queue().QueuePage(clinic, after, after_id, before, limit));
    return absl::OkStatus();
  }));
  return page;
}

absl::Status IndexKeeper::Rebuild(const std::string& clinic) {
  const absl::Time begun = own_.Now();
  const std::string epoch = queue_.epoch();
  cache::DueIndex& index = queue_.index();
  IPT_ASSIGN_OR_RETURN(const cache::RebuildTicket ticket,
                       index.BeginRebuild(clinic, epoch, kRebuildHold));
  if (ticket.outcome != cache::RebuildTicket::kStarted) return absl::OkStatus();
  const absl::Time before = store_clock_.Now() + kIndexHorizon;
  int64_t count = 0;
  // SQL reads a page while the index takes the one before.
  std::future<absl::Status> taken;
  QueueEntry last;
  last.next = absl::UnixEpoch();
  for (bool more = true; more;) {
    IPT_ASSIGN_OR_RETURN(const auto page,
                         Page(clinic, last.next, last.reminder_id, before, kRebuildPage));
    std::vector<cache::DueEntry> entries;
    entries.reserve(page.size());
    for (const QueueEntry& entry : page) entries.push_back(DueOf(entry));
    if (taken.valid()) IPT_RETURN_IF_ERROR(taken.get());
    taken = std::async(std::launch::async, [&, entries = std::move(entries)]() -> absl::Status {
      IPT_RETURN_IF_ERROR(index.Upsert(clinic, entries));
      return index.KeepRebuild(clinic, ticket.token, kRebuildHold);
    });
    count += static_cast<int64_t>(page.size());
    more = page.size() == kRebuildPage;
    if (more) last = page.back();
  }
  IPT_RETURN_IF_ERROR(taken.get());
  IPT_RETURN_IF_ERROR(index.FinishRebuild(clinic, ticket.token, epoch));
  queue_.metrics().rebuilds.Increment();
  log::Line(log::Level::kInfo, "due_index_rebuilt",
            {{log::Key::kClinic, clinic},
             {log::Key::kCount, count},
             {log::Key::kLatencyMs, absl::ToDoubleMilliseconds(own_.Now() - begun)}});
  return absl::OkStatus();
}

absl::Status IndexKeeper::Put(const std::string& clinic,
                              const std::vector<cache::DueEntry>& entries) {
  const absl::Status status = queue_.index().Upsert(clinic, entries);
  if (!status.ok()) queue_.MarkIncomplete(clinic);
  return status;
}

absl::StatusOr<bool> IndexKeeper::BringBack(const std::string& clinic, absl::Time before) {
  IPT_ASSIGN_OR_RETURN(const auto overdue, Page(clinic, absl::UnixEpoch(), "", before, kPage));
  std::vector<std::string> ids;
  for (const QueueEntry& entry : overdue) ids.push_back(entry.reminder_id);
  IPT_ASSIGN_OR_RETURN(const auto known, queue_.index().Lookup(clinic, ids));
  std::vector<cache::DueEntry> missing;
  for (size_t i = 0; i < overdue.size(); ++i) {
    if (!known[i].has_value() || known[i]->generation < overdue[i].generation) {
      missing.push_back(DueOf(overdue[i]));
    }
  }
  const bool all = overdue.size() < kPage;
  if (missing.empty()) return all;
  IPT_RETURN_IF_ERROR(Put(clinic, missing));
  queue_.metrics().mended_added.Increment(static_cast<double>(missing.size()));
  return all;
}

// Goes round all clinics, from where the last round ended.
absl::Status IndexKeeper::Audit(const std::vector<QueueHead>& clinics) {
  for (int pages = 0; pages < kAuditPages; ++pages) {
    auto at = std::lower_bound(
        clinics.begin(), clinics.end(), audit_.clinic,
        [](const QueueHead& head, const std::string& clinic) { return head.clinic_id < clinic; });
    const bool wrapped = at == clinics.end();
    if (wrapped) at = clinics.begin();
    if (at->clinic_id != audit_.clinic) {
      audit_ = Position();
      audit_.clinic = at->clinic_id;
    }
    IPT_ASSIGN_OR_RETURN(const bool clinic_done, AuditPage(audit_.clinic));
    if (clinic_done) {
      audit_ = Position();
      audit_.clinic = at->clinic_id + "\x01";  // the next one after it
      if (at + 1 == clinics.end()) {
        audit_.clinic.clear();
        return absl::OkStatus();  // all of it, once
      }
    }
  }
  return absl::OkStatus();
}

// One page of the auditor's clinic; true when it was the last.
absl::StatusOr<bool> IndexKeeper::AuditPage(const std::string& clinic) {
  cache::DueIndex& index = queue_.index();
  const absl::Time now = store_clock_.Now();
  if (!audit_.of_index) {
    IPT_ASSIGN_OR_RETURN(const auto page,
                         Page(clinic, audit_.next, audit_.id, now + kIndexHorizon, kPage));
    std::vector<std::string> ids;
    for (const QueueEntry& entry : page) ids.push_back(entry.reminder_id);
    IPT_ASSIGN_OR_RETURN(const auto known, index.Lookup(clinic, ids));
    std::vector<cache::DueEntry> missing;
    int64_t mended = 0;
    for (size_t i = 0; i < page.size(); ++i) {
      const bool right = known[i].has_value() && IsRight(*known[i], page[i], now);
      if (right) continue;
      missing.push_back(DueOf(page[i]));
      mended += known[i].has_value() || page[i].next < now + kIndexHorizon - kEntering;
    }
    if (!missing.empty()) {
      IPT_RETURN_IF_ERROR(Put(clinic, missing));
      queue_.metrics().mended_added.Increment(static_cast<double>(mended));
    }
    if (page.size() < kPage) {
      audit_.of_index = true;
      audit_.id.clear();
    } else {
      audit_.next = page.back().next;
      audit_.id = page.back().reminder_id;
    }
    return false;
  }
  // The index first, then SQL: what was put into the index was committed before.
  IPT_ASSIGN_OR_RETURN(const cache::DuePage page, index.Scan(clinic, audit_.id));
  std::vector<std::string> ids;
  for (const cache::DueEntry& entry : page.entries) ids.push_back(entry.id);
  std::vector<QueueEntry> queued;
  IPT_RETURN_IF_ERROR(store_.Read(Deadline(), [&](SchedulingReader& reader) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(queued, reader.queue().FindQueued(clinic, ids));
    return absl::OkStatus();
  }));
  absl::flat_hash_map<std::string, bool> waits;
  for (const QueueEntry& entry : queued) waits[entry.reminder_id] = !entry.leased;
  std::vector<cache::DueEntry> wrong;
  for (const cache::DueEntry& entry : page.entries) {
    const auto it = waits.find(entry.id);
    if (it == waits.end() || !it->second) wrong.push_back(entry);
  }
  if (!wrong.empty()) {
    IPT_RETURN_IF_ERROR(index.Remove(clinic, wrong));
    queue_.metrics().mended_removed.Increment(static_cast<double>(wrong.size()));
  }
  audit_.id = page.next;
  return page.next.empty();
}

}  // namespace ipt::scheduling
