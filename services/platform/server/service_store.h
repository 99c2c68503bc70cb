// What a service that keeps its data in a store does beside answering calls: the events of its
// commits, the audit of its reads, what is deleted by age, its health, its end.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "platform/audit/audit_reader.h"
#include "platform/audit/read_audit.h"
#include "platform/events/feed.h"
#include "platform/rpc/rpc_service.h"
#include "platform/server/periodic.h"
#include "platform/server/server.h"
#include "platform/storage/audit.h"
#include "platform/storage/database.h"
#include "platform/storage/migrator.h"

namespace ipt::server {

struct ServiceStoreOptions {
  StoreLocation location;
  // True: bring the schema up to date first (the suite). False: refuse one that is not.
  bool migrate = false;
  // How long answers are kept under their request_id.
  absl::Duration keep_answers = absl::Hours(48);
};

// Opens the store whose schema has these components. FAILED_PRECONDITION when its schema is not
// this binary's.
absl::StatusOr<std::unique_ptr<storage::Database>> OpenServiceStore(
    const Platform& platform, const ServiceStoreOptions& options,
    absl::Span<const storage::Component> components);

// Readies a store that was put back from a copy, before a server is started on it: followers of the
// lost history are told to begin anew, and no revision that a client may have seen comes again.
absl::Status MarkStoreRestored(storage::Database& db,
                               absl::Span<const storage::Component> components);

// Thread-safe but for Start and what follows it, which the module calls in its own order.
class ServiceStore {
 public:
  // Deletes at most `limit` of what is older than `before`; how many it deleted.
  using DeleteOlder =
      absl::AnyInvocable<absl::StatusOr<int64_t>(storage::Connection&, absl::Time, int64_t) const>;

  // `service` names it in metrics and topics: "scheduling".
  ServiceStore(const Platform& platform, absl::string_view service,
               std::unique_ptr<storage::Database> db, absl::Duration keep_answers);

  storage::Database& db() { return *db_; }
  events::Feed& feed() { return feed_; }
  audit::AuditReader& audit_reader() { return audit_reader_; }

  // Has the reads of these audited.
  void AuditReads(absl::Span<rpc::RpcService* const> services);
  // Before Start.
  void DeleteByAge(absl::Duration age, DeleteOlder delete_older, prometheus::Counter& counter);
  // What is to be looked up for a gauge: every ten seconds in the background, never by a scrape.
  // One that fails leaves its gauge as it was: that the store is away is told elsewhere. Before
  // Start.
  using Measurement = absl::AnyInvocable<absl::Status()>;
  void Measure(Measurement measurement) { measurements_.push_back(std::move(measurement)); }
  // A deadline for work that no call waits for.
  absl::Time BackgroundDeadline() const;

  // What Module asks for.
  absl::Status Probe();
  void Start();
  void EndWithin(absl::Duration left) { db_->EndWithin(left); }
  // The end in two steps: background work is stopped between them.
  void BeginStop();
  void EndStop();
  bool stopping() const { return stopping_; }

 private:
  struct ByAge {
    absl::Duration age;
    DeleteOlder delete_older;
    prometheus::Counter& counter;
  };

  storage::CallOptions Background() const;
  absl::Status WriteAudit(const std::vector<AuditRecord>& batch);
  void Purge();
  absl::Status PurgeOlder(const ByAge& rule);
  absl::Status MeasureEvents();

  const Platform& platform_;
  const std::unique_ptr<storage::Database> db_;
  events::Feed feed_;
  storage::audit::SqlAuditReader audit_reader_;
  audit::ReadAudit read_audit_;
  prometheus::Gauge& audit_waiting_;
  prometheus::Gauge& oldest_event_;
  std::vector<ByAge> by_age_;
  std::vector<Measurement> measurements_;
  std::atomic<bool> stopping_ = false;
  std::optional<Periodic> purger_;
  std::optional<Periodic> measurer_;
};

}  // namespace ipt::server
