#include "formulation/rpc/formulation_policy_handler.h"

#include "gmock/gmock.h"
#include "tests/formulation/rpc/handler_fixture.h"

namespace ipt::formulation {
namespace {

using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FormulationPolicyHandlerTest : public HandlerTest {
 protected:
  pb::FormulationPolicy Read(const std::string& clinic = "north") {
    pb::GetFormulationPolicyRequest request;
    request.set_clinic("clinics/" + clinic);
    return policies_.GetFormulationPolicy(ReadCall(clinic), request).value();
  }
  static pb::UpdateFormulationPolicyRequest Asked(const pb::FormulationPolicy& policy,
                                                  const std::vector<std::string>& paths = {}) {
    pb::UpdateFormulationPolicyRequest request;
    request.set_clinic("clinics/north");
    *request.mutable_policy() = policy;
    for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
    return request;
  }
  absl::StatusOr<pb::FormulationPolicy> Update(const pb::FormulationPolicy& policy,
                                               const std::vector<std::string>& paths = {}) {
    const auto request = Asked(policy, paths);
    return policies_.UpdateFormulationPolicy(WriteCall(request), request);
  }

  FormulationPolicyHandler policies_{store_, protocols_};
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(FormulationPolicyHandlerTest);

TEST_P(FormulationPolicyHandlerTest, AClinicBeginsWithTheDefaults) {
  const pb::FormulationPolicy policy = Read();
  EXPECT_EQ(policy.name(), "clinics/north/formulationPolicy");
  EXPECT_EQ(policy.version(), 0);
  EXPECT_EQ(policy.tradition(), "");
  EXPECT_FALSE(policy.has_focus_by_session());
  EXPECT_EQ(policy.etag(), "");
  EXPECT_EQ(policy.revision(), 0);
  EXPECT_FALSE(policy.has_create_time());
}

TEST_P(FormulationPolicyHandlerTest, KeepsWhatIsStatedAndChangesWhatIsNamed) {
  pb::FormulationPolicy policy;
  policy.set_tradition("WMK");
  policy.set_max_focus_areas(1);
  policy.set_focus_by_session(5);
  policy.set_termination_sessions_before_end(4);
  policy.set_unrecorded_in_a_row(3);
  policy.set_record_days(0);
  policy.set_without_focus_work_in_a_row(2);
  policy.set_midpoint_grace_sessions(0);
  policy.add_disabled_rules(pb::FINDING_RULE_CONTRACT_DIFFERS);
  ASSERT_OK_AND_ASSIGN(const pb::FormulationPolicy first, Update(policy));
  EXPECT_EQ(first.version(), 1);
  EXPECT_EQ(Read().SerializeAsString(), first.SerializeAsString());
  EXPECT_TRUE(first.has_record_days());
  EXPECT_TRUE(first.has_midpoint_grace_sessions());
  EXPECT_GT(first.revision(), 0);
  EXPECT_THAT(NewEvents(), ElementsAre("POLICY_CHANGED"));
  EXPECT_EQ(Read("south").version(), 0);

  now_ += absl::Hours(1);
  pb::FormulationPolicy change;
  change.set_focus_by_session(6);
  change.set_etag(first.etag());
  const std::vector<std::string> paths = {"focus_by_session", "midpoint_grace_sessions"};
  ASSERT_OK_AND_ASSIGN(const pb::FormulationPolicy second, Update(change, paths));
  EXPECT_EQ(second.version(), 2);
  EXPECT_EQ(second.focus_by_session(), 6);
  EXPECT_FALSE(second.has_midpoint_grace_sessions());
  EXPECT_EQ(second.tradition(), "WMK");
  EXPECT_THAT(second.disabled_rules(), ElementsAre(pb::FINDING_RULE_CONTRACT_DIFFERS));
  EXPECT_EQ(second.create_time().seconds(), first.create_time().seconds());
  EXPECT_EQ(second.update_time().seconds(), first.update_time().seconds() + 3600);
  EXPECT_THAT(Update(change, paths), FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  EXPECT_EQ(Read().version(), 2);
}

TEST_P(FormulationPolicyHandlerTest, AStarSetsWhatIsUnsetToItsDefault) {
  pb::FormulationPolicy policy;
  policy.set_tradition("WMK");
  policy.set_record_days(7);
  ASSERT_OK(Update(policy));
  pb::FormulationPolicy other;
  other.set_focus_by_session(3);
  ASSERT_OK_AND_ASSIGN(const pb::FormulationPolicy after, Update(other, {"*"}));
  EXPECT_EQ(after.version(), 2);
  EXPECT_EQ(after.tradition(), "");
  EXPECT_FALSE(after.has_record_days());
  EXPECT_EQ(after.focus_by_session(), 3);
}

TEST_P(FormulationPolicyHandlerTest, NamesAllThatCannotBe) {
  pb::FormulationPolicy policy;
  policy.set_tradition("NO_SUCH");
  policy.set_max_focus_areas(3);
  policy.set_focus_by_session(0);
  policy.set_termination_sessions_before_end(11);
  policy.set_unrecorded_in_a_row(21);
  policy.set_record_days(32);
  policy.set_without_focus_work_in_a_row(0);
  policy.set_midpoint_grace_sessions(-1);
  policy.add_disabled_rules(pb::FINDING_RULE_UNSPECIFIED);
  policy.add_disabled_rules(pb::FINDING_RULE_TASK_OVERDUE);
  policy.add_disabled_rules(pb::FINDING_RULE_TASK_OVERDUE);
  EXPECT_THAT(Update(policy),
              HasBadFields("policy.tradition", "policy.max_focus_areas", "policy.focus_by_session",
                           "policy.termination_sessions_before_end", "policy.unrecorded_in_a_row",
                           "policy.record_days", "policy.without_focus_work_in_a_row",
                           "policy.midpoint_grace_sessions", "policy.disabled_rules[0]",
                           "policy.disabled_rules[2]"));
  EXPECT_THAT(Update(policy, {"version", "no_such"}),
              HasBadFields("update_mask.paths[0]", "update_mask.paths[1]"));
  EXPECT_EQ(Read().version(), 0);
  EXPECT_THAT(NewEvents(), IsEmpty());
}

TEST_P(FormulationPolicyHandlerTest, TryingChangesNothing) {
  pb::FormulationPolicy policy;
  policy.set_focus_by_session(5);
  auto request = Asked(policy);
  request.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(const pb::FormulationPolicy tried,
                       policies_.UpdateFormulationPolicy(WriteCall(request), request));
  EXPECT_EQ(tried.focus_by_session(), 5);
  EXPECT_EQ(tried.etag(), "");
  EXPECT_EQ(Read().version(), 0);
  EXPECT_THAT(NewEvents(), IsEmpty());
}

TEST_P(FormulationPolicyHandlerTest, ARetryGetsTheAnswerOfTheFirstTry) {
  pb::FormulationPolicy policy;
  policy.set_focus_by_session(5);
  const auto request = Asked(policy);
  const CallContext ctx = WriteCall(request);
  ASSERT_OK_AND_ASSIGN(const auto first, policies_.UpdateFormulationPolicy(ctx, request));
  ASSERT_OK_AND_ASSIGN(const auto again, policies_.UpdateFormulationPolicy(ctx, request));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(Read().version(), 1);
  EXPECT_THAT(NewEvents(), ElementsAre("POLICY_CHANGED"));
}

TEST_P(FormulationPolicyHandlerTest, AReadIsAsNewAsItIsAskedToBe) {
  pb::FormulationPolicy policy;
  policy.set_focus_by_session(5);
  ASSERT_OK_AND_ASSIGN(const pb::FormulationPolicy written, Update(policy));
  pb::GetFormulationPolicyRequest request;
  request.set_clinic("clinics/north");
  request.set_min_revision(written.revision());
  EXPECT_OK(policies_.GetFormulationPolicy(ReadCall(), request));
  request.set_min_revision(written.revision() + 1000);
  EXPECT_THAT(policies_.GetFormulationPolicy(ReadCall(), request),
              FailsWith(absl::StatusCode::kFailedPrecondition, "REVISION_NOT_REACHED"));
}

}  // namespace
}  // namespace ipt::formulation
