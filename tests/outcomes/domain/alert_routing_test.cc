#include "outcomes/domain/alert_routing.h"

#include "outcomes/domain/alert_coverage.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using ::ipt::testing::HasBadFields;
using ::ipt::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

AlertRecipient Desk(const std::string& id) { return {.desk = id}; }
AlertRecipient Therapist(const std::string& id) { return {.therapist_id = id}; }

TEST(AlertRoutingTest, NobodyStatesAnythingAndTheDutyDeskCovers) {
  const RoutingInForce routing = InForce(std::nullopt, std::nullopt);
  EXPECT_TRUE(routing.owner.empty());
  EXPECT_THAT(routing.cover, ElementsAre(Desk("duty")));
  EXPECT_THAT(routing.steps, ElementsAre(AlertStep{.after_minutes = 15}));
  EXPECT_EQ(routing.resolve_minutes, 1440);
}

TEST(AlertRoutingTest, ATherapistsOwnStandsInPlaceOfTheClinics) {
  AlertRouting clinic;
  clinic.owner = Desk("intake");
  clinic.cover = {Desk("clinic-cover")};
  clinic.steps = {{.after_minutes = 5, .to = Desk("lead")}};
  clinic.resolve_minutes = 60;
  AlertRouting own;
  RoutingInForce routing = InForce(clinic, own);
  // What is empty is the clinic's; but the owner of a therapist's routing is the therapist.
  EXPECT_TRUE(routing.owner.empty());
  EXPECT_EQ(routing.cover, clinic.cover);
  EXPECT_EQ(routing.steps, clinic.steps);
  EXPECT_EQ(routing.resolve_minutes, 60);
  own.cover = {Therapist("bea")};
  own.resolve_minutes = 0;
  routing = InForce(clinic, own);
  EXPECT_THAT(routing.cover, ElementsAre(Therapist("bea")));
  EXPECT_EQ(routing.steps, clinic.steps);
  EXPECT_EQ(routing.resolve_minutes, 0);
  EXPECT_EQ(InForce(clinic, std::nullopt).owner, Desk("intake"));
}

absl::Status Check(const AlertRouting& routing) {
  FieldViolations bad;
  CheckRouting(routing, bad);
  return bad.ToStatus();
}

TEST(AlertRoutingTest, EveryBadFieldIsNamed) {
  AlertRouting routing;
  EXPECT_OK(Check(routing));
  routing.owner = Desk("-no");
  routing.cover = {Desk("duty"), Desk("duty"), {}};
  routing.steps = {{.after_minutes = 0, .to = Desk("a")},
                   {.after_minutes = 10081, .to = Desk("a")},
                   {.after_minutes = 10080}};
  routing.resolve_minutes = 43201;
  routing.away_until = absl::UnixEpoch();
  EXPECT_THAT(Check(routing),
              HasBadFields("owner.desk", "cover[1]", "cover[2].recipient", "steps[0].after_minutes",
                           "steps[1].after_minutes", "steps[2].to.recipient", "resolve_minutes",
                           "away_until_time"));
  routing = {};
  routing.therapist_id = "ann";
  routing.away_until = absl::UnixEpoch();
  routing.resolve_minutes = 43200;
  routing.steps = {{.after_minutes = 1, .to = Therapist("x")}};
  EXPECT_OK(Check(routing));
  routing.cover.assign(11, Desk("a"));
  for (int i = 0; i < 11; ++i) routing.cover[i].desk = std::string(1, static_cast<char>('a' + i));
  routing.steps.assign(11, {.after_minutes = 1, .to = Desk("a")});
  EXPECT_THAT(Check(routing), HasBadFields("cover", "steps"));
}

TEST(AlertCoverageTest, WhoListensForAllLeavesNobodyOut) {
  const std::vector<AlertRecipient> expected = {Desk("duty"), Therapist("ann"), Therapist("bea")};
  const AlertListener all{};
  AlertListener some{};
  some.recipients = {Therapist("ann"), Desk("other")};
  EXPECT_THAT(Unheard({}, expected), ElementsAre(Desk("duty"), Therapist("ann"), Therapist("bea")));
  EXPECT_THAT(Unheard({some}, expected), ElementsAre(Desk("duty"), Therapist("bea")));
  EXPECT_THAT(Unheard({some, all}, expected), IsEmpty());
}

}  // namespace
}  // namespace ipt::outcomes
