#include "outcomes/module.h"

#include <array>
#include <atomic>
#include <optional>
#include <utility>
#include <vector>

#include "outcomes/alerts/alert_keeper.h"
#include "outcomes/alerts/alert_metrics.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/rpc/alert_handler.h"
#include "outcomes/rpc/alert_proto.h"
#include "outcomes/rpc/event_handler.h"
#include "outcomes/rpc/event_proto.h"
#include "outcomes/rpc/instrument_handler.h"
#include "outcomes/rpc/measurement_handler.h"
#include "outcomes/rpc/outcome_handler.h"
#include "outcomes/rpc/outcome_policy_handler.h"
#include "outcomes/storage/instrument_json.h"
#include "outcomes/storage/outcomes_migrations.h"
#include "outcomes/storage/own_directory.h"
#include "outcomes/storage/sql_alert_store.h"
#include "outcomes/storage/sql_outcomes_store.h"
#include "platform/audit/audit_handler.h"
#include "platform/audit/read_audit.h"
#include "platform/errors/status_macros.h"
#include "platform/events/feed.h"
#include "platform/ids/ids.h"
#include "platform/observability/log.h"
#include "platform/server/periodic.h"
#include "platform/storage/audit.h"
#include "platform/storage/idempotency.h"
#include "platform/storage/migrator.h"
#include "platform/storage/outbox.h"
#include "platform/storage/platform_migrations.h"

namespace ipt::outcomes {
namespace {

constexpr absl::Duration kPurgeEvery = absl::Minutes(5);
constexpr int kPurgeBatch = 1000;
constexpr absl::Duration kBackgroundDeadline = absl::Seconds(30);
// What the last audit entries and a round that runs may take when the process ends.
constexpr absl::Duration kStopTime = absl::Seconds(3);

std::vector<storage::Component> Components() {
  return {storage::PlatformMigrations(), OutcomesMigrations()};
}

std::unique_ptr<AlertDirectory> OpenDirectory(storage::Connection& conn) {
  return std::make_unique<OwnDirectory>(conn);
}

class OutcomesModule final : public Module {
 public:
  OutcomesModule(const server::Platform& platform, std::unique_ptr<storage::Database> db,
                 std::vector<Instrument> shipped, const ModuleOptions& options)
      : platform_(platform),
        options_(options),
        db_(std::move(db)),
        catalog_(std::move(shipped)),
        feed_(*db_, platform.clock, platform.shared.wake(), platform.metrics,
              {.topic = "outcomes-events"}),
        alert_metrics_(platform.metrics),
        store_(*db_, encoder_, alert_encoder_, OpenDirectory,
               [this](const std::array<int, 5>& raised) {
                 feed_.OnCommitted();
                 alert_metrics_.CountRaised(raised);
               }),
        alert_store_(*db_, alert_encoder_, OpenDirectory, [this] { feed_.OnCommitted(); }),
        keeper_(alert_store_, platform.clock, alert_metrics_),
        audit_reader_(*db_),
        read_audit_([this](const std::vector<AuditRecord>& batch) { return WriteAudit(batch); }),
        instruments_(store_, catalog_),
        measurements_(store_, catalog_, ids_),
        policies_(store_, catalog_),
        outcomes_(store_, catalog_),
        alerts_(alert_store_, feed_, ids_),
        events_(feed_, platform.settings.event_heartbeat),
        audit_(audit_reader_),
        instrument_service_("ipt.outcomes.v1.InstrumentService", platform.runtime),
        measurement_service_("ipt.outcomes.v1.MeasurementService", platform.runtime),
        policy_service_("ipt.outcomes.v1.OutcomePolicyService", platform.runtime),
        outcome_service_("ipt.outcomes.v1.OutcomeService", platform.runtime),
        alert_service_("ipt.outcomes.v1.AlertService", platform.runtime),
        event_service_("ipt.outcomes.v1.EventService", platform.runtime),
        audit_service_("ipt.audit.v1.AuditService", platform.runtime),
        audit_waiting_(platform.metrics.Gauge("ipt_audit_reads_waiting",
                                              "Audit entries of reads not yet durable.")),
        purged_(platform.metrics.Counter("ipt_answers_purged_total",
                                         "Answers kept for retries, deleted by age.")) {
    Wire();
    for (rpc::RpcService* service : services()) {
      platform.telemetry.SetReadAudit(service->name(), &read_audit_);
    }
  }

  const char* name() const override { return "outcomes"; }

  std::vector<rpc::RpcService*> services() override {
    std::vector<rpc::RpcService*> served = {&instrument_service_, &measurement_service_,
                                            &policy_service_,     &outcome_service_,
                                            &alert_service_,      &event_service_};
    if (options_.serve_audit) served.push_back(&audit_service_);
    return served;
  }

  audit::AuditReader& audit_reader() override { return audit_reader_; }

  absl::Status Probe() override {
    audit_waiting_.Set(static_cast<double>(read_audit_.waiting()));
    storage::CallOptions options;
    options.deadline = platform_.clock.Now() + absl::Seconds(2);
    return db_->Ping(options);
  }

  void Start() override {
    feed_.Start();
    keeper_.Start();
    purger_.emplace(kPurgeEvery, [this] { Purge(); });
  }

  void EndWithin(absl::Duration left) override { db_->EndWithin(left); }

  void Stop() override {
    stopping_ = true;
    db_->EndWithin(kStopTime);
    keeper_.Stop();
    feed_.Stop();
    purger_.reset();
    const absl::Status flushed = read_audit_.Stop();
    if (!flushed.ok()) {
      log::Line(log::Level::kError, "audit_not_written",
                {{log::Key::kCount, static_cast<int64_t>(read_audit_.waiting())},
                 {log::Key::kDetail, flushed.message()}});
    }
  }

 private:
  void Wire() {
    auto& i = instrument_service_;
    i.Handle("ListInstruments", instruments_, &InstrumentHandler::ListInstruments);
    i.Handle("GetInstrument", instruments_, &InstrumentHandler::GetInstrument);
    i.Handle("RegisterInstrument", instruments_, &InstrumentHandler::RegisterInstrument);
    i.Handle("RetireInstrument", instruments_, &InstrumentHandler::RetireInstrument);
    i.Handle("ReinstateInstrument", instruments_, &InstrumentHandler::ReinstateInstrument);

    auto& m = measurement_service_;
    m.Handle("RecordMeasurement", measurements_, &MeasurementHandler::RecordMeasurement);
    m.Handle("GetMeasurement", measurements_, &MeasurementHandler::GetMeasurement);
    m.Handle("ListMeasurements", measurements_, &MeasurementHandler::ListMeasurements);
    m.Handle("ListMeasurementRevisions", measurements_,
             &MeasurementHandler::ListMeasurementRevisions);
    m.Handle("CorrectMeasurement", measurements_, &MeasurementHandler::CorrectMeasurement);
    m.Handle("MarkMeasurementEnteredInError", measurements_,
             &MeasurementHandler::MarkMeasurementEnteredInError);

    auto& p = policy_service_;
    p.Handle("GetOutcomePolicy", policies_, &OutcomePolicyHandler::GetOutcomePolicy);
    p.Handle("UpdateOutcomePolicy", policies_, &OutcomePolicyHandler::UpdateOutcomePolicy);

    auto& o = outcome_service_;
    o.Handle("GetTrajectory", outcomes_, &OutcomeHandler::GetTrajectory);
    o.Handle("GetCourseResult", outcomes_, &OutcomeHandler::GetCourseResult);

    auto& a = alert_service_;
    a.Handle("GetAlert", alerts_, &AlertHandler::GetAlert);
    a.Handle("ListAlerts", alerts_, &AlertHandler::ListAlerts);
    a.Handle("AcknowledgeAlert", alerts_, &AlertHandler::AcknowledgeAlert);
    a.Handle("ResolveAlert", alerts_, &AlertHandler::ResolveAlert);
    a.Handle("EscalateAlert", alerts_, &AlertHandler::EscalateAlert);
    a.Handle("ReassignAlert", alerts_, &AlertHandler::ReassignAlert);
    a.Handle("ReopenAlert", alerts_, &AlertHandler::ReopenAlert);
    a.HandleStream("WatchAlerts", alerts_, &AlertHandler::WatchAlerts);
    a.Handle("GetAlertCoverage", alerts_, &AlertHandler::GetAlertCoverage);
    a.Handle("GetAlertRouting", alerts_, &AlertHandler::GetAlertRouting);
    a.Handle("ListAlertRoutings", alerts_, &AlertHandler::ListAlertRoutings);
    a.Handle("UpdateAlertRouting", alerts_, &AlertHandler::UpdateAlertRouting);
    a.Handle("ResetAlertRouting", alerts_, &AlertHandler::ResetAlertRouting);

    event_service_.HandleStream("WatchEvents", events_, &EventHandler::WatchEvents);
    audit_service_.Handle("ListAuditEntries", audit_, &audit::AuditHandler::ListAuditEntries);
  }

  storage::CallOptions Background() const {
    storage::CallOptions options;
    options.deadline = platform_.clock.Now() + kBackgroundDeadline;
    return options;
  }

  absl::Status WriteAudit(const std::vector<AuditRecord>& batch) {
    return db_->Write(Background(), [&](storage::Connection& conn) -> absl::Status {
      for (const AuditRecord& record : batch) {
        IPT_RETURN_IF_ERROR(storage::audit::Append(conn, record));
      }
      return absl::OkStatus();
    });
  }

  void Purge() {
    if (const absl::Status status = feed_.Purge(platform_.settings.keep_events); !status.ok()) {
      log::Line(log::Level::kWarning, "purge_failed", {{log::Key::kDetail, status.message()}});
    }
    const absl::Time before = platform_.clock.Now() - options_.keep_answers;
    int64_t deleted = kPurgeBatch;
    while (deleted >= kPurgeBatch && !stopping_) {
      const absl::Status status =
          db_->Write(Background(), [&](storage::Connection& conn) -> absl::Status {
            IPT_ASSIGN_OR_RETURN(deleted,
                                 storage::idempotency::PurgeOlderThan(conn, before, kPurgeBatch));
            return absl::OkStatus();
          });
      if (!status.ok()) {
        log::Line(log::Level::kWarning, "purge_failed", {{log::Key::kDetail, status.message()}});
        return;
      }
      purged_.Increment(static_cast<double>(deleted));
    }
  }

  const server::Platform& platform_;
  const ModuleOptions options_;
  const std::unique_ptr<storage::Database> db_;
  const Catalog catalog_;
  const ProtoEventEncoder encoder_;
  const ProtoAlertEventEncoder alert_encoder_;
  RandomIdSource ids_;
  events::Feed feed_;
  AlertMetrics alert_metrics_;
  SqlOutcomesStore store_;
  SqlAlertStore alert_store_;
  AlertKeeper keeper_;
  storage::audit::SqlAuditReader audit_reader_;
  audit::ReadAudit read_audit_;

  InstrumentHandler instruments_;
  MeasurementHandler measurements_;
  OutcomePolicyHandler policies_;
  OutcomeHandler outcomes_;
  AlertHandler alerts_;
  EventHandler events_;
  audit::AuditHandler audit_;

  rpc::RpcService instrument_service_;
  rpc::RpcService measurement_service_;
  rpc::RpcService policy_service_;
  rpc::RpcService outcome_service_;
  rpc::RpcService alert_service_;
  rpc::RpcService event_service_;
  rpc::RpcService audit_service_;

  prometheus::Gauge& audit_waiting_;
  prometheus::Counter& purged_;

  std::atomic<bool> stopping_ = false;
  std::optional<server::Periodic> purger_;
};

}  // namespace

absl::Status MigrateStore(storage::Database& db, const Clock& clock) {
  return storage::Migrate(db, Components(), clock);
}

absl::Status MarkStoreRestored(storage::Database& db) {
  IPT_RETURN_IF_ERROR(storage::CheckSchema(db, Components()));
  return db.Write({},
                  [](storage::Connection& conn) { return storage::outbox::MarkRestored(conn); });
}

absl::StatusOr<std::unique_ptr<Module>> OpenModule(const server::Platform& platform,
                                                   const ModuleOptions& options) {
  IPT_ASSIGN_OR_RETURN(std::vector<Instrument> shipped, ShippedInstruments());
  IPT_ASSIGN_OR_RETURN(std::unique_ptr<storage::Database> db,
                       server::OpenStore(platform, options.store));
  if (options.migrate) {
    IPT_RETURN_IF_ERROR(MigrateStore(*db, platform.clock));
  } else {
    IPT_RETURN_IF_ERROR(storage::CheckSchema(*db, Components()));
  }
  return std::make_unique<OutcomesModule>(platform, std::move(db), std::move(shipped), options);
}

}  // namespace ipt::outcomes
