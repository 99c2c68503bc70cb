#include "platform/server/telemetry.h"

#include <array>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "platform/errors/error.h"
#include "platform/observability/log.h"

namespace ipt::server {
namespace {

constexpr int kCodes = 17;

std::string CodeName(absl::StatusCode code) {
  return code == absl::StatusCode::kOk ? "OK" : absl::StatusCodeToString(code);
}

}  // namespace

struct Telemetry::MethodMetrics {
  std::array<prometheus::Counter*, kCodes> handled{};
  prometheus::Histogram* seconds = nullptr;   // unless it streams
  prometheus::Gauge* open_streams = nullptr;  // if it does
};

Telemetry::Telemetry(Metrics& metrics, Limits limits)
    : metrics_(metrics),
      limits_(limits),
      statement_seconds_(
          metrics.Histogram("db_query_seconds", "Time of SQL statements.", LatencyBuckets())),
      statement_errors_(metrics.Counter("db_query_errors_total", "SQL statements that failed.")),
      commit_seconds_(metrics.Histogram("db_commit_seconds", "Time of commits.", LatencyBuckets())),
      commits_(metrics.Counter("db_commits_total", "Commits.")),
      committed_transactions_(metrics.Counter(
          "db_transactions_total", "Transactions committed; several share a commit on SQLite.")),
      commit_errors_(metrics.Counter("db_commit_errors_total", "Commits that failed.")),
      session_wait_seconds_(metrics.Histogram(
          "db_pool_wait_seconds", "Time that calls wait for a session.", LatencyBuckets())),
      session_wait_errors_(
          metrics.Counter("db_pool_exhausted_total", "Calls that got no session in time.")),
      sessions_in_use_(metrics.Gauge("db_pool_in_use", "Sessions leased now.")),
      write_queue_(metrics.Gauge("db_write_queue_depth", "Writes waiting for SQLite's writer.")),
      retries_(metrics.Counter("db_retries_total", "Transactions run again after a conflict.")),
      sessions_lost_(metrics.Counter("db_sessions_lost_total", "Sessions that broke.")) {}

Telemetry::~Telemetry() = default;

void Telemetry::AddService(const std::string& full_name) {
  const auto* service =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(full_name);
  if (service == nullptr) return;
  for (int m = 0; m < service->method_count(); ++m) {
    const std::string& method = service->method(m)->name();
    const bool streams =
        service->method(m)->client_streaming() || service->method(m)->server_streaming();
    auto entry = std::make_unique<MethodMetrics>();
    for (int code = 0; code < kCodes; ++code) {
      entry->handled[code] =
          &metrics_.Counter("grpc_server_handled_total", "Calls finished, by code.",
                            {{"grpc_service", full_name},
                             {"grpc_method", method},
                             {"grpc_code", CodeName(static_cast<absl::StatusCode>(code))}});
    }
    const Metrics::Labels labels = {{"grpc_service", full_name}, {"grpc_method", method}};
    if (streams) {
      entry->open_streams = &metrics_.Gauge("rpc_open_streams", "Streams open now.", labels);
    } else {
      entry->seconds = &metrics_.Histogram("grpc_server_handling_seconds", "Time of calls.",
                                           LatencyBuckets(), labels);
    }
    methods_[absl::StrCat("/", full_name, "/", method)] = std::move(entry);
  }
}

void Telemetry::SetReadAudit(const std::string& full_name, audit::ReadAudit* audit) {
  audits_[full_name] = audit;
}

absl::Status Telemetry::BeforeRead(const rpc::MethodInfo& method) {
  const auto it = audits_.find(method.service());
  return it == audits_.end() ? absl::OkStatus() : it->second->MayRead();
}

Telemetry::MethodMetrics* Telemetry::Find(const rpc::MethodInfo& method) {
  const auto it = methods_.find(method.path());
  return it == methods_.end() ? nullptr : it->second.get();
}

// Reads of patient-bound data, and refused attempts of any call on it: a write that was carried out
// has its entry in its own transaction.
void Telemetry::Audit(const rpc::FinishedCall& call) {
  const CallContext& ctx = call.context;
  const bool refused = call.status.code() == absl::StatusCode::kPermissionDenied ||
                       call.status.code() == absl::StatusCode::kNotFound;
  if (!call.method.patient_data() || ctx.caller == nullptr || ctx.clinic_id.empty() ||
      (call.method.is_write() && !refused && !ctx.validate_only)) {
    return;
  }
  const auto it = audits_.find(call.method.service());
  if (it == audits_.end()) return;
  AuditRecord record;
  record.clinic_id = ctx.clinic_id;
  record.caller = ctx.caller->subject;
  record.method = ctx.method;
  record.write = call.method.is_write() && !ctx.validate_only;
  record.resource = ctx.resource;
  record.request_id = ctx.request_id;
  record.outcome = CodeName(call.status.code());
  record.time = ctx.now;
  record.last_time = ctx.now;
  it->second->Add(std::move(record));
}

void Telemetry::OnStreamBegun(const rpc::FinishedCall& call) {
  if (MethodMetrics* metrics = Find(call.method); metrics != nullptr) {
    metrics->open_streams->Increment();
  }
  Audit(call);  // it is read from now on, for as long as it may last
  const CallContext& ctx = call.context;
  log::Line(log::Level::kInfo, "stream_begun",
            {{log::Key::kMethod, ctx.method},
             {log::Key::kClinic, ctx.clinic_id},
             {log::Key::kCaller, ctx.caller->subject},
             {log::Key::kCallId, ctx.call_id}});
}

void Telemetry::OnFinished(const rpc::FinishedCall& call) {
  const CallContext& ctx = call.context;
  if (MethodMetrics* metrics = Find(call.method); metrics != nullptr) {
    const int code = static_cast<int>(call.status.code());
    if (code >= 0 && code < kCodes) metrics->handled[code]->Increment();
    if (metrics->seconds != nullptr) metrics->seconds->Observe(absl::ToDoubleSeconds(call.latency));
    if (call.stream_begun) metrics->open_streams->Decrement();
  }
  if (!call.stream_begun) Audit(call);

  const bool ours = call.status.code() == absl::StatusCode::kInternal ||
                    call.status.code() == absl::StatusCode::kUnknown;
  const log::Level level = ours ? log::Level::kError : log::Level::kInfo;
  if (!log::IsOn(level)) return;
  const std::string code = CodeName(call.status.code());
  const std::string reason = call.status.ok() ? "" : ErrorReasonOf(call.status);
  // What went wrong inside is for the log alone; other messages were the client's to read and may
  // quote its names.
  const absl::string_view detail = ours ? call.status.message() : absl::string_view();
  const double latency_ms = absl::ToDoubleMilliseconds(call.latency);
  const absl::string_view caller =
      ctx.caller == nullptr ? absl::string_view() : absl::string_view(ctx.caller->subject);
  if (call.latency >= limits_.slow_call && !call.stream_begun) {
    log::Line(level, "call",
              {{log::Key::kMethod, ctx.method},
               {log::Key::kCode, code},
               {log::Key::kReason, reason},
               {log::Key::kLatencyMs, latency_ms},
               {log::Key::kSlow, true},
               {log::Key::kClinic, ctx.clinic_id},
               {log::Key::kCaller, caller},
               {log::Key::kCallId, ctx.call_id},
               {log::Key::kRequestId, ctx.request_id},
               {log::Key::kDetail, detail}});
    return;
  }
  log::Line(level, "call",
            {{log::Key::kMethod, ctx.method},
             {log::Key::kCode, code},
             {log::Key::kReason, reason},
             {log::Key::kLatencyMs, latency_ms},
             {log::Key::kClinic, ctx.clinic_id},
             {log::Key::kCaller, caller},
             {log::Key::kCallId, ctx.call_id},
             {log::Key::kRequestId, ctx.request_id},
             {log::Key::kDetail, detail}});
}

void Telemetry::OnStatement(absl::string_view sql, absl::Duration took, bool ok) {
  statement_seconds_.Observe(absl::ToDoubleSeconds(took));
  if (!ok) statement_errors_.Increment();
  if (took >= limits_.slow_statement) {
    log::Line(log::Level::kWarning, "slow_sql",
              {{log::Key::kStatement, sql},
               {log::Key::kLatencyMs, absl::ToDoubleMilliseconds(took)},
               {log::Key::kSlow, true}});
  }
}

void Telemetry::OnCommit(size_t transactions, absl::Duration took, bool ok) {
  commit_seconds_.Observe(absl::ToDoubleSeconds(took));
  commits_.Increment();
  if (ok) {
    committed_transactions_.Increment(static_cast<double>(transactions));
  } else {
    commit_errors_.Increment();
  }
}

void Telemetry::OnSessionWait(absl::Duration waited, bool ok) {
  session_wait_seconds_.Observe(absl::ToDoubleSeconds(waited));
  if (!ok) session_wait_errors_.Increment();
}

void Telemetry::OnSessionsInUse(int in_use) { sessions_in_use_.Set(in_use); }
void Telemetry::OnWriteQueue(size_t waiting) { write_queue_.Set(static_cast<double>(waiting)); }
void Telemetry::OnRetry() { retries_.Increment(); }
void Telemetry::OnSessionLost() {
  sessions_lost_.Increment();
  log::Line(log::Level::kWarning, "store_session_lost", {});
}

}  // namespace ipt::server
