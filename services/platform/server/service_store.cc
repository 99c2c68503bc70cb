#include "platform/server/service_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/errors/status_macros.h"
#include "platform/observability/log.h"
#include "platform/storage/idempotency.h"
#include "platform/storage/outbox.h"

namespace ipt::server {
namespace {

constexpr absl::Duration kPurgeEvery = absl::Minutes(5);
constexpr absl::Duration kMeasureEvery = absl::Seconds(10);
constexpr int64_t kPurgeBatch = 1000;
constexpr absl::Duration kBackgroundDeadline = absl::Seconds(30);
constexpr absl::Duration kProbeDeadline = absl::Seconds(2);
// What the last audit entries and a round that runs may take when the process ends.
constexpr absl::Duration kStopTime = absl::Seconds(3);

}  // namespace

absl::StatusOr<std::unique_ptr<storage::Database>> OpenServiceStore(
    const Platform& platform, const ServiceStoreOptions& options,
    absl::Span<const storage::Component> components) {
  IPT_ASSIGN_OR_RETURN(std::unique_ptr<storage::Database> db,
                       OpenStore(platform, options.location));
  if (options.migrate) {
    IPT_RETURN_IF_ERROR(storage::Migrate(*db, components, platform.clock));
  } else {
    IPT_RETURN_IF_ERROR(storage::CheckSchema(*db, components));
  }
  return db;
}

absl::Status MarkStoreRestored(storage::Database& db,
                               absl::Span<const storage::Component> components) {
  IPT_RETURN_IF_ERROR(storage::CheckSchema(db, components));
  return db.Write({},
                  [](storage::Connection& conn) { return storage::outbox::MarkRestored(conn); });
}

ServiceStore::ServiceStore(const Platform& platform, absl::string_view service,
                           std::unique_ptr<storage::Database> db, absl::Duration keep_answers)
    : platform_(platform),
      db_(std::move(db)),
      feed_(*db_, platform.clock, platform.shared.wake(), platform.metrics,
            {.topic = absl::StrCat(service, "-events")}),
      audit_reader_(*db_),
      read_audit_([this](const std::vector<AuditRecord>& batch) { return WriteAudit(batch); }),
      audit_waiting_(platform.metrics.Gauge("ipt_audit_reads_waiting",
                                            "Audit entries of reads not yet durable.",
                                            {{"service", std::string(service)}})),
      oldest_event_(platform.metrics.Gauge("ipt_events_oldest_waiting_seconds",
                                           "How long the oldest event waits for its position.",
                                           {{"service", std::string(service)}})) {
  Measure([this] { return MeasureEvents(); });
  DeleteByAge(keep_answers, storage::idempotency::PurgeOlderThan,
              platform.metrics.Counter("ipt_answers_purged_total",
                                       "Answers kept for retries, deleted by age."));
}

void ServiceStore::AuditReads(absl::Span<rpc::RpcService* const> services) {
  for (rpc::RpcService* service : services) {
    platform_.telemetry.SetReadAudit(service->name(), &read_audit_);
  }
}

void ServiceStore::DeleteByAge(absl::Duration age, DeleteOlder delete_older,
                               prometheus::Counter& counter) {
  by_age_.push_back({age, std::move(delete_older), counter});
}

absl::Time ServiceStore::BackgroundDeadline() const {
  return platform_.clock.Now() + kBackgroundDeadline;
}

absl::Status ServiceStore::Probe() {
  audit_waiting_.Set(static_cast<double>(read_audit_.waiting()));
  storage::CallOptions options;
  options.deadline = platform_.clock.Now() + kProbeDeadline;
  return db_->Ping(options);
}

void ServiceStore::Start() {
  feed_.Start();
  purger_.emplace(kPurgeEvery, [this] { Purge(); });
  measurer_.emplace(kMeasureEvery, [this] {
    for (Measurement& measurement : measurements_) measurement().IgnoreError();
  });
}

void ServiceStore::BeginStop() {
  stopping_ = true;
  db_->EndWithin(kStopTime);
}

void ServiceStore::EndStop() {
  feed_.Stop();
  purger_.reset();
  measurer_.reset();
  const absl::Status flushed = read_audit_.Stop();
  if (!flushed.ok()) {
    log::Line(log::Level::kError, "audit_not_written",
              {{log::Key::kCount, static_cast<int64_t>(read_audit_.waiting())},
               {log::Key::kDetail, flushed.message()}});
  }
}

storage::CallOptions ServiceStore::Background() const {
  storage::CallOptions options;
  options.deadline = BackgroundDeadline();
  return options;
}

absl::Status ServiceStore::MeasureEvents() {
  std::optional<absl::Time> oldest;
  IPT_RETURN_IF_ERROR(db_->Read(Background(), [&](storage::Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(oldest, storage::outbox::OldestWaiting(conn));
    return absl::OkStatus();
  }));
  // A replica whose clock is ahead may have stamped it.
  const absl::Time now = platform_.clock.Now();
  oldest_event_.Set(absl::ToDoubleSeconds(now - std::min(now, oldest.value_or(now))));
  return absl::OkStatus();
}

absl::Status ServiceStore::WriteAudit(const std::vector<AuditRecord>& batch) {
  return db_->Write(Background(), [&](storage::Connection& conn) -> absl::Status {
    for (const AuditRecord& record : batch) {
      IPT_RETURN_IF_ERROR(storage::audit::Append(conn, record));
    }
    return absl::OkStatus();
  });
}

void ServiceStore::Purge() {
  const auto note = [](const absl::Status& status) {
    if (status.ok()) return;
    log::Line(log::Level::kWarning, "purge_failed", {{log::Key::kDetail, status.message()}});
  };
  note(feed_.Purge(platform_.settings.keep_events));
  for (const ByAge& rule : by_age_) note(PurgeOlder(rule));
}

absl::Status ServiceStore::PurgeOlder(const ByAge& rule) {
  const absl::Time before = platform_.clock.Now() - rule.age;
  int64_t deleted = kPurgeBatch;
  while (deleted >= kPurgeBatch && !stopping_) {
    IPT_RETURN_IF_ERROR(db_->Write(Background(), [&](storage::Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(deleted, rule.delete_older(conn, before, kPurgeBatch));
      return absl::OkStatus();
    }));
    rule.counter.Increment(static_cast<double>(deleted));
  }
  return absl::OkStatus();
}

}  // namespace ipt::server
