#include "scheduling/domain/variants.h"

#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ipt::scheduling {
namespace {

using ::testing::ElementsAre;

std::vector<int> LastSessions(const std::vector<PhaseSpan>& phases) {
  std::vector<int> last;
  for (const PhaseSpan& span : phases) last.push_back(span.last_session);
  return last;
}
std::vector<int> PhasesOf(const char* id) {
  const Variant* variant = FindVariant(id);
  EXPECT_NE(variant, nullptr) << id;
  if (variant == nullptr) return {};
  return LastSessions(PhasesOf(*variant, variant->default_sessions));
}

TEST(VariantsTest, HaveBoundsThatTheirUsualCourseFits) {
  std::set<std::string> traditions;
  for (const Variant& v : Variants()) {
    SCOPED_TRACE(v.id);
    EXPECT_LE(1, v.min_sessions);
    EXPECT_LE(v.min_sessions, v.default_sessions);
    EXPECT_LE(v.default_sessions, v.max_sessions);
    EXPECT_LE(v.min_weeks, v.default_weeks);
    EXPECT_LE(v.default_weeks, v.max_weeks);
    EXPECT_LE(v.cadence_days, MostCadenceDays(v, v.default_sessions, v.default_weeks));
    EXPECT_LT(v.initial_sessions + v.termination_sessions, v.default_sessions);
    EXPECT_FALSE(v.source.empty());
    traditions.insert(v.tradition);
  }
  EXPECT_THAT(traditions, ElementsAre("IPT_INSTITUTE", "IPT_UK", "WHO", "WMK"));
}

TEST(VariantsTest, DivideAsTheirSourcesSay) {
  EXPECT_THAT(PhasesOf("ipt-uk-16"), ElementsAre(4, 12, 16));
  EXPECT_THAT(PhasesOf("ipt-wmk-16"), ElementsAre(3, 13, 16));
  EXPECT_THAT(PhasesOf("ipt-wmk-12"), ElementsAre(3, 9, 12));
  EXPECT_THAT(PhasesOf("ipt-a-12"), ElementsAre(4, 9, 12));
  EXPECT_THAT(PhasesOf("ipc-6"), ElementsAre(2, 5, 6));
  for (const char* id : {"ipt-uk-16", "ipt-wmk-16", "ipt-wmk-12", "ipt-a-12", "ipc-6", "ipt-m"}) {
    EXPECT_FALSE(FindVariant(id)->phases_proposed) << id;
  }
  for (const char* id :
       {"ipsrt", "ipt-b-8", "ipt-ed-20", "ipt-group-8", "ipt-institute-12", "ipt-ptsd-14"}) {
    EXPECT_TRUE(FindVariant(id)->phases_proposed) << id;
  }
}

TEST(VariantsTest, DivideAsAPolicySaysOfThem) {
  const Variant& brief = *FindVariant("ipt-b-8");
  SchedulingPolicy policy;
  policy.variant_phases = {{"ipt-uk-16", 2, 2}, {"ipt-b-8", 1, 3}};
  EXPECT_THAT(LastSessions(PhasesOf(PhasedBy(policy, brief), 8)), ElementsAre(1, 5, 8));
  policy.variant_phases.pop_back();
  EXPECT_THAT(LastSessions(PhasesOf(PhasedBy(policy, brief), 8)), ElementsAre(2, 7, 8));
}

TEST(VariantsTest, SpaceSessionsByTheWeeksThatTheyHave) {
  const Variant& acute = *FindVariant("ipt-uk-16");
  for (const auto& [sessions, weeks, most] : std::vector<std::tuple<int, int, int>>{{16, 16, 7},
                                                                                    {12, 16, 10},
                                                                                    {16, 12, 5},
                                                                                    {8, 16, 15},
                                                                                    {2, 12, 83},
                                                                                    {2, 16, 92},
                                                                                    {1, 12, 92}}) {
    EXPECT_EQ(MostCadenceDays(acute, sessions, weeks), most) << sessions << " in " << weeks;
    // The last one on the last day at the latest, and not with a day more.
    EXPECT_LE((sessions - 1) * most, 7 * weeks - 1);
    if (most < kMaxCadenceDays) {
      EXPECT_GT((sessions - 1) * (most + 1), 7 * weeks - 1);
    }
  }
  EXPECT_EQ(MostCadenceDays(*FindVariant("ipsrt"), 36, 104), 28) << "it tapers";
  EXPECT_EQ(MostCadenceDays(*FindVariant("ipt-m"), 24, 104), 31);
}

}  // namespace
}  // namespace ipt::scheduling
