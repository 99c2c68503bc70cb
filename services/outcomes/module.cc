#include "outcomes/module.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "course_copies/scheduling_copy.h"
#include "ipt/outcomes/v1/event_service.pb.h"
#include "outcomes/alerts/alert_keeper.h"
#include "outcomes/alerts/alert_metrics.h"
#include "outcomes/courses/alert_follower.h"
#include "outcomes/courses/result_keeper.h"
#include "outcomes/courses/settler.h"
#include "outcomes/domain/alerts.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/measurement_imports.h"
#include "outcomes/formulation_copy.h"
#include "outcomes/rpc/alert_handler.h"
#include "outcomes/rpc/alert_proto.h"
#include "outcomes/rpc/event_proto.h"
#include "outcomes/rpc/instrument_handler.h"
#include "outcomes/rpc/measurement_bulk_handler.h"
#include "outcomes/rpc/measurement_export.h"
#include "outcomes/rpc/measurement_handler.h"
#include "outcomes/rpc/measurement_plan_handler.h"
#include "outcomes/rpc/outcome_handler.h"
#include "outcomes/rpc/outcome_policy_handler.h"
#include "outcomes/rpc/report_handler.h"
#include "outcomes/storage/copied_directory.h"
#include "outcomes/storage/instrument_json.h"
#include "outcomes/storage/outcomes_migrations.h"
#include "outcomes/storage/sql_alert_store.h"
#include "outcomes/storage/sql_bulk_purge.h"
#include "outcomes/storage/sql_outcomes_store.h"
#include "platform/audit/audit_handler.h"
#include "platform/errors/status_macros.h"
#include "platform/events/event_handler.h"
#include "platform/follow/follow_migrations.h"
#include "platform/ids/ids.h"
#include "platform/peer/link.h"
#include "platform/server/peer_link.h"
#include "platform/storage/platform_migrations.h"

namespace ipt::outcomes {
namespace {

std::unique_ptr<AlertDirectory> OpenDirectory(storage::Connection& conn) {
  return std::make_unique<CopiedDirectory>(conn, courses::SchedulingDirectory::AgeOf);
}

using Events = events::EventHandler<v1::WatchEventsRequest, v1::WatchEventsResponse>;

class OutcomesModule final : public Module {
 public:
  OutcomesModule(const server::Platform& platform, std::unique_ptr<storage::Database> db,
                 std::vector<Instrument> shipped, std::unique_ptr<peer::Link> scheduling,
                 std::unique_ptr<peer::Link> formulation, const ModuleOptions& options)
      : options_(options),
        base_(platform, "outcomes", std::move(db), options.store.keep_answers),
        catalog_(std::move(shipped), ShippedText()),
        alert_metrics_(platform.metrics),
        store_(
            base_.db(), encoder_, alert_encoder_, OpenDirectory,
            [this](const std::array<int, 5>& raised) {
              base_.feed().OnCommitted();
              alert_metrics_.CountRaised(raised);
            },
            formulation == nullptr ? nullptr : FormulationSource::AgeOf),
        alert_store_(base_.db(), alert_encoder_, OpenDirectory,
                     [this] { base_.feed().OnCommitted(); }),
        keeper_(alert_store_, platform.clock, alert_metrics_),
        alert_follower_(alert_store_, platform.clock),
        scheduling_(platform, base_.db(), std::move(scheduling), ids_, &alert_follower_),
        courses_(scheduling_.directory()),
        settler_(store_, catalog_, courses_, platform.clock),
        results_(store_, catalog_, platform.clock),
        instruments_(store_, catalog_),
        measurements_(store_, catalog_, ids_, &courses_),
        plans_(store_, catalog_, ids_, courses_, courses_),
        bulk_(store_, catalog_, ids_, platform.clock, &courses_),
        policies_(store_, catalog_),
        outcomes_(store_, catalog_, &courses_),
        reports_(store_, catalog_, &courses_,
                 [this](absl::string_view clinic_id) { results_.Wake(clinic_id); }),
        alerts_(alert_store_, base_.feed(), ids_),
        events_(base_.feed(), platform.settings.event_heartbeat),
        audit_(base_.audit_reader()),
        instrument_service_("ipt.outcomes.v1.InstrumentService", platform.runtime),
        measurement_service_("ipt.outcomes.v1.MeasurementService", platform.runtime),
        plan_service_("ipt.outcomes.v1.MeasurementPlanService", platform.runtime),
        bulk_service_("ipt.outcomes.v1.MeasurementBulkService", platform.runtime),
        policy_service_("ipt.outcomes.v1.OutcomePolicyService", platform.runtime),
        outcome_service_("ipt.outcomes.v1.OutcomeService", platform.runtime),
        report_service_("ipt.outcomes.v1.ReportService", platform.runtime),
        alert_service_("ipt.outcomes.v1.AlertService", platform.runtime),
        event_service_("ipt.outcomes.v1.EventService", platform.runtime),
        audit_service_("ipt.audit.v1.AuditService", platform.runtime) {
    if (formulation != nullptr) {
      formulation_.emplace(platform, base_.db(), std::move(formulation), ids_);
    }
    Wire();
    base_.AuditReads(services());
    base_.DeleteByAge(
        kImportKept, PurgeImports,
        platform.metrics.Counter("ipt_measurement_imports_purged_total",
                                 "Imports and errors of their rows, deleted by age."));
    base_.DeleteByAge(kStatesKept, PurgeMeasurementStates,
                      platform.metrics.Counter("ipt_measurement_states_purged_total",
                                               "What measurements were before, deleted by age."));
  }

  const char* name() const override { return "outcomes"; }

  std::vector<rpc::RpcService*> services() override {
    std::vector<rpc::RpcService*> served = {
        &instrument_service_, &measurement_service_, &plan_service_,
        &bulk_service_,       &policy_service_,      &outcome_service_,
        &report_service_,     &alert_service_,       &event_service_};
    if (options_.serve_audit) served.push_back(&audit_service_);
    return served;
  }

  audit::AuditReader& audit_reader() override { return base_.audit_reader(); }

  absl::Status Probe() override { return base_.Probe(); }

  void Start() override {
    base_.Start();
    scheduling_.Start();
    if (formulation_.has_value()) formulation_->Start();
    settler_.Start();
    results_.Start();
    keeper_.Start();
  }

  void EndWithin(absl::Duration left) override {
    base_.EndWithin(left);
    scheduling_.EndCalls();
    if (formulation_.has_value()) formulation_->EndCalls();
  }

  void Stop() override {
    base_.BeginStop();
    scheduling_.Stop();
    if (formulation_.has_value()) formulation_->Stop();
    settler_.Stop();
    results_.Stop();
    keeper_.Stop();
    base_.EndStop();
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

    auto& n = plan_service_;
    n.Handle("CreateMeasurementPlan", plans_, &MeasurementPlanHandler::CreateMeasurementPlan);
    n.Handle("GetMeasurementPlan", plans_, &MeasurementPlanHandler::GetMeasurementPlan);
    n.Handle("ListMeasurementPlans", plans_, &MeasurementPlanHandler::ListMeasurementPlans);
    n.Handle("UpdateMeasurementPlan", plans_, &MeasurementPlanHandler::UpdateMeasurementPlan);
    n.Handle("DeleteMeasurementPlan", plans_, &MeasurementPlanHandler::DeleteMeasurementPlan);
    n.Handle("GetCourseMeasurementPlan", plans_, &MeasurementPlanHandler::GetCourseMeasurementPlan);
    n.Handle("UpdateCourseMeasurementPlan", plans_,
             &MeasurementPlanHandler::UpdateCourseMeasurementPlan);
    n.Handle("ResetCourseMeasurementPlan", plans_,
             &MeasurementPlanHandler::ResetCourseMeasurementPlan);
    n.Handle("ListDueMeasurements", plans_, &MeasurementPlanHandler::ListDueMeasurements);
    auto& b = bulk_service_;
    b.HandleBidi("ImportMeasurements", bulk_, &MeasurementBulkHandler::ImportMeasurements,
                 {"ipt.outcomes.v1.ImportRows.rows"});
    b.Handle("GetMeasurementImport", bulk_, &MeasurementBulkHandler::GetMeasurementImport);
    b.HandleStream("ExportMeasurements", bulk_, &MeasurementBulkHandler::ExportMeasurements);

    auto& p = policy_service_;
    p.Handle("GetOutcomePolicy", policies_, &OutcomePolicyHandler::GetOutcomePolicy);
    p.Handle("UpdateOutcomePolicy", policies_, &OutcomePolicyHandler::UpdateOutcomePolicy);

    auto& o = outcome_service_;
    o.Handle("GetTrajectory", outcomes_, &OutcomeHandler::GetTrajectory);
    o.Handle("GetCourseResult", outcomes_, &OutcomeHandler::GetCourseResult);

    auto& r = report_service_;
    r.Handle("GetClinicReport", reports_, &ReportHandler::GetClinicReport);
    r.HandleStream("StreamClinicReport", reports_, &ReportHandler::StreamClinicReport);

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

    event_service_.HandleStream("WatchEvents", events_, &Events::WatchEvents);
    audit_service_.Handle("ListAuditEntries", audit_, &audit::AuditHandler::ListAuditEntries);
  }

  const ModuleOptions options_;
  server::ServiceStore base_;
  const Catalog catalog_;
  const ProtoEventEncoder encoder_;
  const ProtoAlertEventEncoder alert_encoder_;
  RandomIdSource ids_;
  AlertMetrics alert_metrics_;
  SqlOutcomesStore store_;
  SqlAlertStore alert_store_;
  AlertKeeper keeper_;

  AlertFollower alert_follower_;
  courses::SchedulingCopy scheduling_;
  courses::SchedulingDirectory& courses_;
  std::optional<FormulationCopy> formulation_;  // unset: not followed
  Settler settler_;
  ResultKeeper results_;

  InstrumentHandler instruments_;
  MeasurementHandler measurements_;
  MeasurementPlanHandler plans_;
  MeasurementBulkHandler bulk_;
  OutcomePolicyHandler policies_;
  OutcomeHandler outcomes_;
  ReportHandler reports_;
  AlertHandler alerts_;
  Events events_;
  audit::AuditHandler audit_;

  rpc::RpcService instrument_service_;
  rpc::RpcService measurement_service_;
  rpc::RpcService plan_service_;
  rpc::RpcService bulk_service_;
  rpc::RpcService policy_service_;
  rpc::RpcService outcome_service_;
  rpc::RpcService report_service_;
  rpc::RpcService alert_service_;
  rpc::RpcService event_service_;
  rpc::RpcService audit_service_;
};

}  // namespace

std::vector<storage::Component> Components() {
  return {storage::PlatformMigrations(), follow::FollowMigrations(), OutcomesMigrations()};
}

absl::StatusOr<std::unique_ptr<Module>> OpenModule(const server::Platform& platform,
                                                   const ModuleOptions& options) {
  IPT_ASSIGN_OR_RETURN(std::vector<Instrument> shipped, ShippedInstruments());
  IPT_ASSIGN_OR_RETURN(std::unique_ptr<storage::Database> db,
                       server::OpenServiceStore(platform, options.store, Components()));
  IPT_ASSIGN_OR_RETURN(std::unique_ptr<peer::Link> scheduling,
                       courses::OpenSchedulingLink(platform, "outcomes", options.scheduling));
  std::unique_ptr<peer::Link> formulation;
  if (options.follow_formulation) {
    IPT_ASSIGN_OR_RETURN(
        formulation,
        server::OpenPeerLink(platform, kFormulation, options.formulation, CallerOfFormulation()));
  }
  return std::make_unique<OutcomesModule>(platform, std::move(db), std::move(shipped),
                                          std::move(scheduling), std::move(formulation), options);
}

}  // namespace ipt::outcomes
