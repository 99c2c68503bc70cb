#include "outcomes/rpc/alert_handler.h"

#include "outcomes/domain/reasons.h"
#include "platform/events/feed.h"
#include "tests/outcomes/alert_fixture.h"

namespace ipt::outcomes {
namespace {

using ::ipt::testing::FailsWith;
using ::ipt::testing::HasBadFields;
using ::ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AlertHandlerTest : public ::testing::Test, protected AlertTestBase {
 protected:
  AlertHandlerTest() : AlertTestBase(storage::Dialect::kSqlite) {}

  static std::string Name(const std::string& id) { return AlertName("north", "k1", id); }
  pb::AcknowledgeAlertRequest AckRequest(const std::string& id) {
    pb::AcknowledgeAlertRequest request;
    request.set_name(Name(id));
    request.set_note("calling");
    request.set_request_id(RandomIdSource().NewUuid());
    return request;
  }
  absl::StatusOr<pb::AlertRouting> Update(pb::UpdateAlertRoutingRequest request) {
    request.set_clinic("clinics/north");
    request.set_request_id(RandomIdSource().NewUuid());
    return handler_.UpdateAlertRouting(WriteCall(request, "UpdateAlertRouting"), request);
  }
  absl::StatusOr<pb::AlertRouting> Routing(const std::string& therapist = "") {
    pb::GetAlertRoutingRequest request;
    request.set_clinic("clinics/north");
    if (!therapist.empty()) request.set_therapist("clinics/north/therapists/" + therapist);
    return handler_.GetAlertRouting(ReadCall(), request);
  }

  cache::LocalWake wake_;
  Metrics metrics_{"test", "1"};
  events::Feed feed_{*db_, clock_, wake_, metrics_, {}};
  AlertHandler handler_{store_, feed_, ids_};
};

TEST_F(AlertHandlerTest, ShowsAnAlertInFull) {
  const std::string other = RaiseOne();
  const std::string id = RaiseOne(Q9(2));
  pb::GetAlertRequest request;
  request.set_name(Name(id));
  ASSERT_OK_AND_ASSIGN(const pb::Alert alert, handler_.GetAlert(ReadCall(), request));
  EXPECT_EQ(alert.name(), Name(id));
  EXPECT_EQ(alert.kind(), pb::ALERT_KIND_RISK_ITEM);
  EXPECT_EQ(alert.measurement(), "clinics/north/courses/k1/measurements/m2x");
  EXPECT_EQ(alert.instrument(), "clinics/north/instruments/phq-9");
  EXPECT_EQ(alert.points(), 2);
  EXPECT_EQ(alert.owner().therapist(), "clinics/north/therapists/ann");
  EXPECT_EQ(alert.escalate_time().seconds(), absl::ToUnixSeconds(start_) + 900);
  EXPECT_EQ(alert.basis(), pb::ALERT_BASIS_STANDS);
  EXPECT_THAT(alert.other_open_alerts(), ElementsAre(Name(other)));
  EXPECT_EQ(alert.changes_size(), 1);
  EXPECT_EQ(alert.etag(), absl::StrCat("\"", alert.revision(), "\""));
  EXPECT_FALSE(alert.has_acknowledge_time());
  EXPECT_FALSE(alert.has_resolution());
  EXPECT_FALSE(alert.has_first_sent_time());
  request.set_min_revision(alert.revision() + 1);
  EXPECT_THAT(handler_.GetAlert(ReadCall(), request),
              FailsWith(absl::StatusCode::kFailedPrecondition, reason::kRevisionNotReached));
  request.set_min_revision(0);
  request.set_name(AlertName("north", "k2", id));
  EXPECT_THAT(handler_.GetAlert(ReadCall(), request), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(AlertHandlerTest, ARetryGetsTheSameAnswerAndOneAuditEntry) {
  const std::string id = RaiseOne();
  const auto request = AckRequest(id);
  const CallContext ctx = WriteCall(request, "AcknowledgeAlert");
  ASSERT_OK_AND_ASSIGN(const pb::Alert first, handler_.AcknowledgeAlert(ctx, request));
  EXPECT_EQ(first.state(), pb::ALERT_STATE_ACKNOWLEDGED);
  EXPECT_EQ(first.acknowledged_by(), "dr-jones");
  EXPECT_EQ(first.changes(1).note(), "calling");
  ASSERT_OK_AND_ASSIGN(const pb::Alert again, handler_.AcknowledgeAlert(ctx, request));
  EXPECT_EQ(first.SerializeAsString(), again.SerializeAsString());
  EXPECT_EQ(Count(absl::StrCat("audit_entries WHERE action = 2 AND caller = 'dr-jones' "
                               "AND resource = '",
                               Name(id), "' AND request_id = '", request.request_id(), "'")),
            1);
}

TEST_F(AlertHandlerTest, EachWriteIsOfItsOwnFields) {
  const std::string id = RaiseOne();
  const auto write = [&](auto request, auto member) {
    request.set_name(Name(id));
    request.set_request_id(RandomIdSource().NewUuid());
    return (handler_.*member)(WriteCall(request), request);
  };
  pb::EscalateAlertRequest escalate;
  escalate.set_reason("away today");
  escalate.mutable_to()->set_desk("crisis");
  ASSERT_OK_AND_ASSIGN(pb::Alert alert, write(escalate, &AlertHandler::EscalateAlert));
  EXPECT_EQ(alert.assignee().desk(), "crisis");
  EXPECT_EQ(alert.changes(1).note(), "away today");
  pb::ReassignAlertRequest reassign;
  EXPECT_THAT(write(reassign, &AlertHandler::ReassignAlert), HasBadFields("owner.recipient"));
  reassign.mutable_owner()->set_therapist("clinics/north/therapists/bea");
  reassign.set_etag("\"1\"");
  EXPECT_THAT(write(reassign, &AlertHandler::ReassignAlert),
              FailsWith(absl::StatusCode::kAborted, ::ipt::reason::kEtagMismatch));
  reassign.set_etag(alert.etag());
  ASSERT_OK_AND_ASSIGN(alert, write(reassign, &AlertHandler::ReassignAlert));
  EXPECT_EQ(alert.owner().therapist(), "clinics/north/therapists/bea");
  pb::ResolveAlertRequest resolve;
  resolve.set_outcome(pb::RESOLUTION_OUTCOME_REFERRED_TO_CRISIS_CARE);
  resolve.set_note("by taxi");
  ASSERT_OK_AND_ASSIGN(alert, write(resolve, &AlertHandler::ResolveAlert));
  EXPECT_EQ(alert.state(), pb::ALERT_STATE_RESOLVED);
  EXPECT_EQ(alert.resolution().outcome(), pb::RESOLUTION_OUTCOME_REFERRED_TO_CRISIS_CARE);
  EXPECT_EQ(alert.resolution().note(), "by taxi");
  EXPECT_EQ(alert.resolution().caller(), "dr-jones");
  pb::ReopenAlertRequest reopen;
  reopen.set_reason("wrong patient");
  ASSERT_OK_AND_ASSIGN(alert, write(reopen, &AlertHandler::ReopenAlert));
  EXPECT_EQ(alert.state(), pb::ALERT_STATE_OPEN);
  EXPECT_FALSE(alert.has_resolution());
}

TEST_F(AlertHandlerTest, TheWorkListComesPageByPage) {
  std::vector<std::string> names;
  for (int i = 0; i < 3; ++i) {
    names.push_back(Name(RaiseOne()));
    clock_.Advance(absl::Seconds(1));
  }
  pb::ListAlertsRequest request;
  request.set_parent("clinics/north/courses/-");
  request.set_page_size(2);
  ASSERT_OK_AND_ASSIGN(pb::ListAlertsResponse page, handler_.ListAlerts(ReadCall(), request));
  ASSERT_EQ(page.alerts_size(), 2);
  EXPECT_EQ(page.alerts(0).name(), names[0]);
  request.set_page_token(page.next_page_token());
  ASSERT_OK_AND_ASSIGN(page, handler_.ListAlerts(ReadCall(), request));
  ASSERT_EQ(page.alerts_size(), 1);
  EXPECT_EQ(page.alerts(0).name(), names[2]);
  EXPECT_EQ(page.next_page_token(), "");
  request.add_states(pb::ALERT_STATE_RESOLVED);
  EXPECT_THAT(handler_.ListAlerts(ReadCall(), request), HasBadFields("page_token"));
  request.clear_page_token();
  request.add_kinds(pb::ALERT_KIND_UNSPECIFIED);
  request.mutable_assignee();
  request.mutable_start_time()->set_seconds(2000000000);
  request.mutable_end_time()->set_seconds(2000000000);
  EXPECT_THAT(handler_.ListAlerts(ReadCall(), request),
              HasBadFields("kinds[0]", "assignee.recipient", "end_time"));
  pb::ListAlertsRequest other;
  other.set_parent("clinics/north/courses/k1");
  other.set_measurement("clinics/north/courses/k2/measurements/m1");
  EXPECT_THAT(handler_.ListAlerts(ReadCall(), other), HasBadFields("measurement"));
  other.set_measurement("clinics/north/courses/k1/measurements/m2x");
  ASSERT_OK_AND_ASSIGN(page, handler_.ListAlerts(ReadCall(), other));
  ASSERT_EQ(page.alerts_size(), 1);
  EXPECT_EQ(page.alerts(0).name(), names[1]);
}

// ------------------------------------------------------------------------------------------
// routings

TEST_F(AlertHandlerTest, AClinicWithoutARoutingHasTheSuites) {
  ASSERT_OK_AND_ASSIGN(const pb::AlertRouting routing, Routing());
  EXPECT_EQ(routing.name(), "clinics/north/alertRouting");
  EXPECT_FALSE(routing.has_owner());
  ASSERT_EQ(routing.cover_size(), 1);
  EXPECT_EQ(routing.cover(0).desk(), "duty");
  ASSERT_EQ(routing.steps_size(), 1);
  EXPECT_EQ(routing.steps(0).after_minutes(), 15);
  EXPECT_EQ(routing.steps(0).to().desk(), "duty");
  EXPECT_EQ(routing.resolve_minutes(), 1440);
  EXPECT_FALSE(routing.inherited());
  EXPECT_EQ(routing.etag(), "");
  EXPECT_FALSE(routing.has_update_time());
}

TEST_F(AlertHandlerTest, ARoutingIsChangedFieldByField) {
  pb::UpdateAlertRoutingRequest request;
  request.mutable_routing()->add_cover()->set_desk("team");
  ASSERT_OK_AND_ASSIGN(pb::AlertRouting routing, Update(request));
  EXPECT_EQ(routing.cover(0).desk(), "team");
  EXPECT_EQ(routing.steps(0).to().desk(), "team");  // its steps are the cover's still
  EXPECT_NE(routing.etag(), "");
  request.Clear();
  request.mutable_routing()->set_etag(routing.etag());
  pb::EscalationStep* step = request.mutable_routing()->add_steps();
  step->set_after_minutes(5);
  step->mutable_to()->set_therapist("clinics/north/therapists/lead");
  ASSERT_OK_AND_ASSIGN(routing, Update(request));
  EXPECT_EQ(routing.cover(0).desk(), "team");
  EXPECT_EQ(routing.steps(0).to().therapist(), "clinics/north/therapists/lead");
  EXPECT_THAT(Update(request), FailsWith(absl::StatusCode::kAborted, ::ipt::reason::kEtagMismatch));
  // Named and unset: the suite's again.
  request.Clear();
  request.mutable_routing();
  request.mutable_update_mask()->add_paths("steps");
  ASSERT_OK_AND_ASSIGN(routing, Update(request));
  EXPECT_EQ(routing.steps(0).to().desk(), "team");
  request.mutable_update_mask()->add_paths("owner_away");
  EXPECT_THAT(Update(request), HasBadFields("update_mask.paths[1]"));
  request.Clear();
  request.mutable_routing()->set_resolve_minutes(-1);
  request.mutable_routing()->mutable_away_until_time()->set_seconds(2000000000);
  EXPECT_THAT(Update(request), HasBadFields("routing.resolve_minutes", "routing.away_until_time"));
  EXPECT_EQ(Count("outbox WHERE kind = 'ROUTING_CHANGED'"), 3);
}

TEST_F(AlertHandlerTest, ATherapistsOwnStartsFromTheClinicsAndCanBeTakenAway) {
  therapists_.Add("ann");
  pb::UpdateAlertRoutingRequest request;
  request.mutable_routing()->add_cover()->set_desk("team");
  ASSERT_OK(Update(request));
  ASSERT_OK_AND_ASSIGN(pb::AlertRouting routing, Routing("ann"));
  EXPECT_TRUE(routing.inherited());
  EXPECT_FALSE(routing.owner_away());
  EXPECT_TRUE(routing.scheduling().current());
  EXPECT_EQ(routing.cover(0).desk(), "team");
  EXPECT_EQ(routing.etag(), "");

  request.Clear();
  request.set_therapist("clinics/north/therapists/ann");
  request.mutable_routing()->mutable_away_until_time()->set_seconds(absl::ToUnixSeconds(start_) +
                                                                    60);
  ASSERT_OK_AND_ASSIGN(routing, Update(request));
  EXPECT_EQ(routing.name(), "clinics/north/therapists/ann/alertRouting");
  EXPECT_FALSE(routing.inherited());
  EXPECT_TRUE(routing.owner_away());
  EXPECT_EQ(routing.cover(0).desk(), "team");
  pb::ListAlertRoutingsRequest list;
  list.set_parent("clinics/north");
  ASSERT_OK_AND_ASSIGN(pb::ListAlertRoutingsResponse routings,
                       handler_.ListAlertRoutings(ReadCall(), list));
  ASSERT_EQ(routings.alert_routings_size(), 1);
  EXPECT_EQ(routings.alert_routings(0).name(), routing.name());

  pb::ResetAlertRoutingRequest reset;
  reset.set_therapist("clinics/north/therapists/ann");
  reset.set_request_id(RandomIdSource().NewUuid());
  ASSERT_OK_AND_ASSIGN(routing,
                       handler_.ResetAlertRouting(WriteCall(reset, "ResetAlertRouting"), reset));
  EXPECT_TRUE(routing.inherited());
  EXPECT_FALSE(routing.owner_away());
  ASSERT_OK_AND_ASSIGN(routings, handler_.ListAlertRoutings(ReadCall(), list));
  EXPECT_THAT(routings.alert_routings(), IsEmpty());
}

TEST_F(AlertHandlerTest, TryingARoutingLeavesNothing) {
  pb::UpdateAlertRoutingRequest request;
  request.set_clinic("clinics/north");
  request.mutable_routing()->add_cover()->set_desk("team");
  CallContext ctx = WriteCall(request, "UpdateAlertRouting");
  ctx.validate_only = true;
  ASSERT_OK_AND_ASSIGN(const pb::AlertRouting tried, handler_.UpdateAlertRouting(ctx, request));
  EXPECT_EQ(tried.cover(0).desk(), "team");
  EXPECT_EQ(tried.etag(), "");
  ASSERT_OK_AND_ASSIGN(const pb::AlertRouting routing, Routing());
  EXPECT_EQ(routing.cover(0).desk(), "duty");
}

}  // namespace
}  // namespace ipt::outcomes
