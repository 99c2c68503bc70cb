#include "formulation/module.h"

#include <utility>

#include "course_copies/scheduling_copy.h"
#include "course_copies/storage/course_copies_migrations.h"
#include "formulation/asked_outcomes.h"
#include "formulation/courses/finding_keeper.h"
#include "formulation/domain/protocol_set.h"
#include "formulation/link/finding_notes.h"
#include "formulation/protocol_folder.h"
#include "formulation/rpc/event_proto.h"
#include "formulation/rpc/formulation_handler.h"
#include "formulation/rpc/formulation_policy_handler.h"
#include "formulation/rpc/goal_handler.h"
#include "formulation/rpc/inventory_handler.h"
#include "formulation/rpc/problem_area_handler.h"
#include "formulation/rpc/protocol_handler.h"
#include "formulation/storage/formulation_migrations.h"
#include "formulation/storage/protocol_json.h"
#include "formulation/storage/sql_formulation_store.h"
#include "formulation/storage/told_findings.h"
#include "ipt/formulation/v1/event_service.pb.h"
#include "platform/audit/audit_handler.h"
#include "platform/errors/status_macros.h"
#include "platform/events/event_handler.h"
#include "platform/follow/follow_migrations.h"
#include "platform/ids/ids.h"
#include "platform/server/peer_link.h"
#include "platform/storage/platform_migrations.h"

namespace ipt::formulation {
namespace {

using Events = events::EventHandler<v1::WatchEventsRequest, v1::WatchEventsResponse>;

class FormulationModule final : public Module {
 public:
  FormulationModule(const server::Platform& platform, std::unique_ptr<storage::Database> db,
                    ProtocolCatalog protocols, std::unique_ptr<peer::Link> scheduling,
                    std::unique_ptr<AskedOutcomes> outcomes, const ModuleOptions& options)
      : serve_audit_(options.serve_audit),
        base_(platform, "formulation", std::move(db), options.store.keep_answers),
        protocols_(std::move(protocols)),
        store_(base_.db(), encoder_, [this] { base_.feed().OnCommitted(); }),
        scheduling_(platform, base_.db(), std::move(scheduling), ids_),
        courses_(scheduling_.directory()),
        outcomes_(std::move(outcomes)),
        told_(base_.db()),
        notes_(scheduling_.scheduling(), ids_),
        findings_(store_, told_, protocols_, courses_, notes_, platform.clock, ids_.NewUuid()),
        inventory_(store_, ids_, courses_),
        areas_(store_, protocols_, ids_, courses_),
        formulations_(store_, protocols_, ids_, courses_),
        goals_(store_, ids_, courses_),
        protocol_(store_, protocols_, courses_, courses_,
                  outcomes_ == nullptr ? nullptr : &outcomes_->measures()),
        policies_(store_, protocols_),
        events_(base_.feed(), platform.settings.event_heartbeat),
        audit_(base_.audit_reader()),
        inventory_service_("ipt.formulation.v1.InventoryService", platform.runtime),
        area_service_("ipt.formulation.v1.ProblemAreaService", platform.runtime),
        formulation_service_("ipt.formulation.v1.FormulationService", platform.runtime),
        goal_service_("ipt.formulation.v1.GoalService", platform.runtime),
        protocol_service_("ipt.formulation.v1.ProtocolService", platform.runtime),
        policy_service_("ipt.formulation.v1.FormulationPolicyService", platform.runtime),
        event_service_("ipt.formulation.v1.EventService", platform.runtime),
        audit_service_("ipt.audit.v1.AuditService", platform.runtime) {
    Wire();
    base_.AuditReads(services());
  }

  const char* name() const override { return "formulation"; }

  std::vector<rpc::RpcService*> services() override {
    std::vector<rpc::RpcService*> served = {
        &inventory_service_, &area_service_,   &formulation_service_, &goal_service_,
        &protocol_service_,  &policy_service_, &event_service_};
    if (serve_audit_) served.push_back(&audit_service_);
    return served;
  }

  audit::AuditReader& audit_reader() override { return base_.audit_reader(); }

  absl::Status Probe() override { return base_.Probe(); }

  void Start() override {
    base_.Start();
    scheduling_.Start();
    findings_.Start();
  }

  void EndWithin(absl::Duration left) override {
    base_.EndWithin(left);
    scheduling_.EndCalls();
    if (outcomes_ != nullptr) outcomes_->EndCalls();
  }

  void Stop() override {
    base_.BeginStop();
    scheduling_.Stop();
    findings_.Stop();
    if (outcomes_ != nullptr) outcomes_->Stop();
    base_.EndStop();
  }

 private:
  void Wire() {
    auto& i = inventory_service_;
    i.Handle("GetInterpersonalInventory", inventory_, &InventoryHandler::GetInterpersonalInventory);
    i.Handle("CreateRelationship", inventory_, &InventoryHandler::CreateRelationship);
    i.Handle("GetRelationship", inventory_, &InventoryHandler::GetRelationship);
    i.Handle("ListRelationships", inventory_, &InventoryHandler::ListRelationships);
    i.Handle("UpdateRelationship", inventory_, &InventoryHandler::UpdateRelationship);
    i.Handle("DeleteRelationship", inventory_, &InventoryHandler::DeleteRelationship);
    i.Handle("CreateLifeEvent", inventory_, &InventoryHandler::CreateLifeEvent);
    i.Handle("GetLifeEvent", inventory_, &InventoryHandler::GetLifeEvent);
    i.Handle("ListLifeEvents", inventory_, &InventoryHandler::ListLifeEvents);
    i.Handle("UpdateLifeEvent", inventory_, &InventoryHandler::UpdateLifeEvent);
    i.Handle("DeleteLifeEvent", inventory_, &InventoryHandler::DeleteLifeEvent);

    auto& a = area_service_;
    a.Handle("CreateProblemArea", areas_, &ProblemAreaHandler::CreateProblemArea);
    a.Handle("GetProblemArea", areas_, &ProblemAreaHandler::GetProblemArea);
    a.Handle("ListProblemAreas", areas_, &ProblemAreaHandler::ListProblemAreas);
    a.Handle("UpdateProblemArea", areas_, &ProblemAreaHandler::UpdateProblemArea);
    a.Handle("DeleteProblemArea", areas_, &ProblemAreaHandler::DeleteProblemArea);

    auto& f = formulation_service_;
    f.Handle("GetFormulation", formulations_, &FormulationHandler::GetFormulation);
    f.Handle("SaveFormulationDraft", formulations_, &FormulationHandler::SaveFormulationDraft);
    f.Handle("ProposeFormulation", formulations_, &FormulationHandler::ProposeFormulation);
    f.Handle("WithdrawProposal", formulations_, &FormulationHandler::WithdrawProposal);
    f.Handle("AgreeFormulation", formulations_, &FormulationHandler::AgreeFormulation);
    f.Handle("ReviseFormulation", formulations_, &FormulationHandler::ReviseFormulation);
    f.Handle("DiscardFormulationDraft", formulations_,
             &FormulationHandler::DiscardFormulationDraft);
    f.Handle("ListFormulationRevisions", formulations_,
             &FormulationHandler::ListFormulationRevisions);
    f.Handle("GetFormulationRevision", formulations_, &FormulationHandler::GetFormulationRevision);
    f.Handle("DiffFormulationRevisions", formulations_,
             &FormulationHandler::DiffFormulationRevisions);
    f.Handle("GetPatientCopy", formulations_, &FormulationHandler::GetPatientCopy);
    f.Handle("ListCourseFocuses", formulations_, &FormulationHandler::ListCourseFocuses);

    auto& g = goal_service_;
    g.Handle("CreateGoal", goals_, &GoalHandler::CreateGoal);
    g.Handle("GetGoal", goals_, &GoalHandler::GetGoal);
    g.Handle("ListGoals", goals_, &GoalHandler::ListGoals);
    g.Handle("UpdateGoal", goals_, &GoalHandler::UpdateGoal);
    g.Handle("ChangeGoalState", goals_, &GoalHandler::ChangeGoalState);
    g.Handle("DeleteGoal", goals_, &GoalHandler::DeleteGoal);
    g.Handle("RateGoal", goals_, &GoalHandler::RateGoal);
    g.Handle("ListGoalRatings", goals_, &GoalHandler::ListGoalRatings);
    g.Handle("DeleteGoalRating", goals_, &GoalHandler::DeleteGoalRating);

    auto& p = protocol_service_;
    p.Handle("ListProtocols", protocol_, &ProtocolHandler::ListProtocols);
    p.Handle("GetProtocol", protocol_, &ProtocolHandler::GetProtocol);
    p.Handle("GetSessionGuide", protocol_, &ProtocolHandler::GetSessionGuide);
    p.Handle("RecordSessionWork", protocol_, &ProtocolHandler::RecordSessionWork);
    p.Handle("GetSessionWork", protocol_, &ProtocolHandler::GetSessionWork);
    p.Handle("ListSessionWork", protocol_, &ProtocolHandler::ListSessionWork);
    p.Handle("GetTermination", protocol_, &ProtocolHandler::GetTermination);
    p.Handle("UpdateTermination", protocol_, &ProtocolHandler::UpdateTermination);
    p.Handle("GetProtocolAdherence", protocol_, &ProtocolHandler::GetProtocolAdherence);
    p.Handle("ListFindings", protocol_, &ProtocolHandler::ListFindings);

    auto& c = policy_service_;
    c.Handle("GetFormulationPolicy", policies_, &FormulationPolicyHandler::GetFormulationPolicy);
    c.Handle("UpdateFormulationPolicy", policies_,
             &FormulationPolicyHandler::UpdateFormulationPolicy);

    event_service_.HandleStream("WatchEvents", events_, &Events::WatchEvents);
    audit_service_.Handle("ListAuditEntries", audit_, &audit::AuditHandler::ListAuditEntries);
  }

  const bool serve_audit_;
  server::ServiceStore base_;
  const ProtocolSet protocols_;
  const ProtoEventEncoder encoder_;
  RandomIdSource ids_;
  SqlFormulationStore store_;
  courses::SchedulingCopy scheduling_;
  courses::SchedulingDirectory& courses_;
  const std::unique_ptr<AskedOutcomes> outcomes_;  // nullptr: guides do without
  ToldFindings told_;
  FindingNotes notes_;
  FindingKeeper findings_;

  InventoryHandler inventory_;
  ProblemAreaHandler areas_;
  FormulationHandler formulations_;
  GoalHandler goals_;
  ProtocolHandler protocol_;
  FormulationPolicyHandler policies_;
  Events events_;
  audit::AuditHandler audit_;

  rpc::RpcService inventory_service_;
  rpc::RpcService area_service_;
  rpc::RpcService formulation_service_;
  rpc::RpcService goal_service_;
  rpc::RpcService protocol_service_;
  rpc::RpcService policy_service_;
  rpc::RpcService event_service_;
  rpc::RpcService audit_service_;
};

}  // namespace

std::vector<storage::Component> Components() {
  return {storage::PlatformMigrations(), follow::FollowMigrations(),
          courses::CourseCopiesMigrations(), FormulationMigrations()};
}

absl::StatusOr<std::unique_ptr<Module>> OpenModule(const server::Platform& platform,
                                                   const ModuleOptions& options) {
  IPT_ASSIGN_OR_RETURN(ProtocolCatalog protocols, options.protocol_dir.empty()
                                                      ? ShippedProtocolCatalog()
                                                      : ReadProtocolFolder(options.protocol_dir));
  IPT_ASSIGN_OR_RETURN(std::unique_ptr<storage::Database> db,
                       server::OpenServiceStore(platform, options.store, Components()));
  IPT_ASSIGN_OR_RETURN(
      std::unique_ptr<peer::Link> scheduling,
      courses::OpenSchedulingLink(platform, "formulation", options.scheduling, {"findings.write"}));
  std::unique_ptr<AskedOutcomes> outcomes;
  if (options.ask_outcomes) {
    IPT_ASSIGN_OR_RETURN(
        std::unique_ptr<peer::Link> link,
        server::OpenPeerLink(platform, kOutcomes, options.outcomes, CallerOfOutcomes()));
    outcomes = std::make_unique<AskedOutcomes>(platform, std::move(link),
                                               /*in_process=*/!options.outcomes.has_value());
  }
  return std::make_unique<FormulationModule>(platform, std::move(db), std::move(protocols),
                                             std::move(scheduling), std::move(outcomes), options);
}

}  // namespace ipt::formulation
