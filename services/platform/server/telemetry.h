// What operators see of calls and of the store: Prometheus metrics, the access log, slow calls and
// slow statements marked, and the audit of reads. Names, codes and times only.
//
// Thread-safe; outlives the services and databases that report to it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "platform/audit/read_audit.h"
#include "platform/observability/metrics.h"
#include "platform/rpc/call_observer.h"
#include "platform/storage/observer.h"

namespace ipt::server {

class Telemetry final : public rpc::CallObserver, public storage::StorageObserver {
 public:
  struct Limits {
    absl::Duration slow_call = absl::Milliseconds(500);
    absl::Duration slow_statement = absl::Milliseconds(100);
  };

  Telemetry(Metrics& metrics, Limits limits);
  ~Telemetry() override;

  // Makes the metrics of every method of this service; unknown methods are not counted.
  void AddService(const std::string& full_name);
  // Where entries of patient-bound reads of `full_name` go. REQUIRES: before the server starts; the
  // audit outlives the server.
  void SetReadAudit(const std::string& full_name, audit::ReadAudit* audit);

  void OnFinished(const rpc::FinishedCall& call) override;
  void OnStreamBegun(const rpc::FinishedCall& call) override;
  absl::Status BeforeRead(const rpc::MethodInfo& method) override;

  void OnStatement(absl::string_view sql, absl::Duration took, bool ok) override;
  void OnCommit(size_t transactions, absl::Duration took, bool ok) override;
  void OnSessionWait(absl::Duration waited, bool ok) override;
  void OnSessionsInUse(int in_use) override;
  void OnWriteQueue(size_t waiting) override;
  void OnRetry() override;
  void OnSessionLost() override;

 private:
  struct MethodMetrics;

  MethodMetrics* Find(const rpc::MethodInfo& method);
  void Audit(const rpc::FinishedCall& call);

  Metrics& metrics_;
  const Limits limits_;
  absl::flat_hash_map<std::string, std::unique_ptr<MethodMetrics>> methods_;
  absl::flat_hash_map<std::string, audit::ReadAudit*> audits_;  // by service

  prometheus::Histogram& statement_seconds_;
  prometheus::Counter& statement_errors_;
  prometheus::Histogram& commit_seconds_;
  prometheus::Counter& commits_;
  prometheus::Counter& committed_transactions_;
  prometheus::Counter& commit_errors_;
  prometheus::Histogram& session_wait_seconds_;
  prometheus::Counter& session_wait_errors_;
  prometheus::Gauge& sessions_in_use_;
  prometheus::Gauge& write_queue_;
  prometheus::Counter& retries_;
  prometheus::Counter& sessions_lost_;
};

}  // namespace ipt::server
