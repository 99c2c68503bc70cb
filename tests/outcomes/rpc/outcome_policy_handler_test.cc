#include "outcomes/rpc/outcome_policy_handler.h"

#include "gmock/gmock.h"
#include "tests/outcomes/rpc/handler_fixture.h"

namespace ipt::outcomes {
namespace {

using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class OutcomePolicyHandlerTest : public HandlerTest {
 protected:
  pb::OutcomePolicy Read(const std::string& clinic = "north") {
    pb::GetOutcomePolicyRequest request;
    request.set_clinic("clinics/" + clinic);
    return policies_.GetOutcomePolicy(ReadCall(clinic), request).value();
  }
  absl::StatusOr<pb::OutcomePolicy> Update(const pb::OutcomePolicy& policy,
                                           const std::vector<std::string>& paths = {},
                                           bool validate_only = false) {
    pb::UpdateOutcomePolicyRequest request;
    request.set_clinic("clinics/north");
    *request.mutable_policy() = policy;
    for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
    request.set_validate_only(validate_only);
    return policies_.UpdateOutcomePolicy(WriteCall(request), request);
  }
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(OutcomePolicyHandlerTest);

TEST_P(OutcomePolicyHandlerTest, AClinicBeginsWithTheDefaults) {
  const pb::OutcomePolicy policy = Read();
  EXPECT_EQ(policy.name(), "clinics/north/outcomePolicy");
  EXPECT_EQ(policy.version(), 0);
  EXPECT_FALSE(policy.has_duplicate_minutes());
  EXPECT_EQ(policy.etag(), "");
  EXPECT_FALSE(policy.has_update_time());
}

TEST_P(OutcomePolicyHandlerTest, KeepsWhatIsStatedAndChangesWhatIsNamed) {
  pb::OutcomePolicy policy;
  policy.set_depression_instrument("clinics/north/instruments/epds");
  pb::ScaleRules* rules = policy.add_scale_rules();
  rules->set_instrument("clinics/north/instruments/gad-7");
  rules->set_reliable_change_rule_set("nhs-talking-therapies");
  policy.set_response_percent(40);
  policy.set_duplicate_minutes(0);
  policy.mutable_not_on_track()->set_late_week(10);
  policy.mutable_not_on_track()->add_disabled_rules("midpoint");
  policy.set_review_alert_level(pb::SIGNAL_LEVEL_AMBER);
  policy.set_smallest_group(7);
  ASSERT_OK_AND_ASSIGN(const pb::OutcomePolicy first, Update(policy));
  EXPECT_EQ(first.version(), 1);
  EXPECT_EQ(Read().SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(first.not_on_track().late_week(), 10);
  EXPECT_TRUE(first.has_duplicate_minutes());
  EXPECT_THAT(NewEvents(), ElementsAre("POLICY_CHANGED"));
  EXPECT_EQ(Read("south").version(), 0);

  pb::OutcomePolicy change;
  change.mutable_not_on_track()->set_late_week(14);
  change.set_etag(first.etag());
  ASSERT_OK_AND_ASSIGN(const pb::OutcomePolicy second, Update(change, {"not_on_track.late_week"}));
  EXPECT_EQ(second.version(), 2);
  EXPECT_EQ(second.not_on_track().late_week(), 14);
  EXPECT_THAT(second.not_on_track().disabled_rules(), ElementsAre("midpoint"));
  EXPECT_EQ(second.response_percent(), 40);
  EXPECT_THAT(Update(change, {"not_on_track.late_week"}),
              FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
}

TEST_P(OutcomePolicyHandlerTest, NamesAllThatCannotBe) {
  pb::OutcomePolicy policy;
  policy.set_depression_instrument("clinics/north/instruments/no-such");
  policy.set_response_percent(101);
  policy.set_duplicate_minutes(10081);
  policy.set_smallest_group(2);
  policy.mutable_not_on_track()->set_slow_start_days(6);
  policy.mutable_not_on_track()->add_disabled_rules("early");
  pb::ScaleRules* rules = policy.add_scale_rules();
  rules->set_instrument("clinics/north/instruments/phq-9");
  rules->set_cut_off_rule_set("nobodys");
  *policy.add_scale_rules() = *rules;
  policy.mutable_scale_rules(1)->clear_cut_off_rule_set();
  EXPECT_THAT(
      Update(policy),
      HasBadFields("policy.depression_instrument", "policy.response_percent",
                   "policy.duplicate_minutes", "policy.smallest_group",
                   "policy.not_on_track.slow_start_days", "policy.not_on_track.disabled_rules[0]",
                   "policy.scale_rules[0].cut_off_rule_set", "policy.scale_rules[1].scale"));
  EXPECT_EQ(Count("outcome_policies"), 0);
}

TEST_P(OutcomePolicyHandlerTest, TryingChangesNothing) {
  pb::OutcomePolicy policy;
  policy.set_response_percent(40);
  ASSERT_OK_AND_ASSIGN(const pb::OutcomePolicy tried, Update(policy, {}, true));
  EXPECT_EQ(tried.response_percent(), 40);
  EXPECT_EQ(tried.etag(), "");
  EXPECT_EQ(Read().version(), 0);
  EXPECT_THAT(NewEvents(), IsEmpty());
}

TEST_P(OutcomePolicyHandlerTest, ItsMinutesSayWhatIsOneForm) {
  pb::OutcomePolicy policy;
  policy.set_duplicate_minutes(1);
  ASSERT_OK(Update(policy));
  ASSERT_OK_AND_ASSIGN(const pb::Measurement first, Record(Phq9({1, 1, 1, 1, 1, 1, 1, 1, 0})));
  now_ += absl::Seconds(60);
  EXPECT_THAT(Record(Phq9({1, 1, 1, 1, 1, 1, 1, 1, 0})),
              FailsWith(absl::StatusCode::kAlreadyExists, "MEASUREMENT_EXISTS"));
  now_ += absl::Seconds(1);
  EXPECT_OK(Record(Phq9({1, 1, 1, 1, 1, 1, 1, 1, 0})));
  EXPECT_FALSE(Get(first.name())->superseded());
  policy.set_duplicate_minutes(10);
  ASSERT_OK(Update(policy));
  EXPECT_TRUE(Get(first.name())->superseded());
}

TEST_P(OutcomePolicyHandlerTest, ItsCutOffSaysWhoIsACase) {
  pb::OutcomePolicy policy;
  pb::ScaleRules* rules = policy.add_scale_rules();
  rules->set_instrument("clinics/north/instruments/gad-7");
  pb::GetInstrumentRequest get;
  get.set_name("clinics/north/instruments/gad-7");
  ASSERT_OK_AND_ASSIGN(const pb::Instrument gad, instruments_.GetInstrument(ReadCall(), get));
  std::string screening;
  for (const pb::CutOff& cut_off : gad.scales(0).cut_offs()) {
    if (cut_off.kind() == pb::CUT_OFF_KIND_SCREENING && cut_off.points() == 10) {
      screening = cut_off.rule_set();
    }
  }
  ASSERT_NE(screening, "");
  auto request = Phq9({2, 2, 1, 1, 1, 1, 1});  // 9: a case at 8, none at 10
  request.mutable_measurement()->set_instrument("clinics/north/instruments/gad-7");
  ASSERT_OK_AND_ASSIGN(const pb::Measurement by_default, Record(request));
  EXPECT_TRUE(by_default.scores(0).at_caseness());
  rules->set_cut_off_rule_set(screening);
  ASSERT_OK(Update(policy));
  now_ += absl::Hours(24);
  ASSERT_OK_AND_ASSIGN(const pb::Measurement by_policy, Record(request));
  ASSERT_TRUE(by_policy.scores(0).has_at_caseness());
  EXPECT_FALSE(by_policy.scores(0).at_caseness());
  // What was scored before stays.
  EXPECT_TRUE(Get(by_default.name())->scores(0).at_caseness());
}

}  // namespace
}  // namespace ipt::outcomes
