#include "formulation/domain/protocol_resolver.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/formulation/protocols.h"

namespace ipt::formulation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Protocol Resolve(absl::string_view variant_id, absl::string_view tradition) {
  return ResolveProtocol(Sample(), variant_id, tradition).value();
}

template <typename T>
std::vector<std::string> CodesOf(const std::vector<T>& list) {
  std::vector<std::string> codes;
  for (const T& entry : list) codes.push_back(entry.code);
  return codes;
}

TEST(ProtocolResolverTest, AVariantInItsOwnTraditionIsTheCatalogueAsItStands) {
  const Protocol plain = Resolve("plain", "");
  EXPECT_EQ(plain, Resolve("plain", "OLD"));
  EXPECT_EQ(plain.id, "plain--old");
  EXPECT_EQ(plain.variant_id, "plain");
  EXPECT_EQ(plain.tradition, "OLD");
  EXPECT_EQ(plain.name, "Plain");
  EXPECT_EQ(plain.tradition_name, "Old");
  EXPECT_EQ(plain.catalog, "Sample");
  EXPECT_EQ(plain.version, 3);
  EXPECT_EQ(plain.language, "en");
  EXPECT_EQ(plain.max_focus, 2);
  EXPECT_EQ(plain.split.sessions, 12);
  EXPECT_THAT(CodesOf(plain.areas), ElementsAre("ROLE_DISPUTE", "INTERPERSONAL_DEFICITS"));
  EXPECT_THAT(plain.areas_left_out, IsEmpty());
  EXPECT_EQ(plain.tasks, Sample().tasks);
  EXPECT_THAT(CodesOf(plain.techniques), ElementsAre("LISTEN"));
  EXPECT_THAT(plain.tools, IsEmpty());
  EXPECT_THAT(plain.notes, IsEmpty());
}

TEST(ProtocolResolverTest, AnUnknownVariantOrTraditionGivesNone) {
  EXPECT_EQ(ResolveProtocol(Sample(), "other", ""), std::nullopt);
  EXPECT_EQ(ResolveProtocol(Sample(), "plain", "OTHER"), std::nullopt);
  EXPECT_EQ(ResolveProtocol(Sample(), "", "OLD"), std::nullopt);
}

TEST(ProtocolResolverTest, ATraditionLeavesAnAreaOutAndSaysWhy) {
  const Protocol plain = Resolve("plain", "NEW");
  EXPECT_THAT(CodesOf(plain.areas), ElementsAre("ROLE_DISPUTE"));
  ASSERT_EQ(plain.areas_left_out.size(), 1u);
  EXPECT_EQ(plain.areas_left_out[0].code, "INTERPERSONAL_DEFICITS");
  EXPECT_EQ(plain.areas_left_out[0].name, "INTERPERSONAL_DEFICITS by name");
  EXPECT_EQ(plain.areas_left_out[0].why, "It is no focus.");
}

TEST(ProtocolResolverTest, AVariantAddsItsArea) {
  EXPECT_THAT(CodesOf(Resolve("special", "OLD").areas),
              ElementsAre("ROLE_DISPUTE", "GRIEF_FOR_THE_HEALTHY_SELF", "INTERPERSONAL_DEFICITS"));
  EXPECT_THAT(CodesOf(Resolve("special", "NEW").areas),
              ElementsAre("ROLE_DISPUTE", "GRIEF_FOR_THE_HEALTHY_SELF"));
}

TEST(ProtocolResolverTest, AnAreaHasTheTraditionsNameAndTheGroundOfBoth) {
  const Protocol plain = Resolve("plain", "NEW");
  const Area& dispute = *plain.FindArea("ROLE_DISPUTE");
  EXPECT_EQ(dispute.name, "A new dispute");
  EXPECT_EQ(dispute.plain_name, "ROLE_DISPUTE in plain words");
  EXPECT_EQ(dispute.basis, (Basis{Evidence::kEstablished, {"book", "paper"}, "So."}));
}

TEST(ProtocolResolverTest, TheVariantsNameStandsOverTheTraditions) {
  const Protocol special = Resolve("special", "NEW");
  EXPECT_EQ(special.FindArea("ROLE_DISPUTE")->name, "A special dispute");
  EXPECT_EQ(special.FindArea("ROLE_DISPUTE")->plain_name, "A quarrel");
}

TEST(ProtocolResolverTest, TasksComeByPhaseAfterAllChanges) {
  EXPECT_THAT(CodesOf(Resolve("plain", "OLD").tasks), ElementsAre("BEGIN", "WORK", "END"));
  EXPECT_THAT(CodesOf(Resolve("special", "OLD").tasks),
              ElementsAre("BEGIN", "AFTER_BEGIN", "LAST_OF_BEGINNING", "WORK"));
}

TEST(ProtocolResolverTest, ATaskHasWhatTheTraditionAndThenTheVariantChanged) {
  const Protocol both = Resolve("special", "NEW");
  const Task& begin = *both.FindTask("BEGIN");
  EXPECT_EQ(begin.name, "Begin specially");
  EXPECT_EQ(begin.done_when, "It has begun anew.");
  EXPECT_TRUE(begin.optional);
  EXPECT_EQ(begin.basis.sources, std::vector<std::string>{"book"});
  EXPECT_EQ(begin.questions.size(), 1u);
  const Task& work = *both.FindTask("WORK");
  EXPECT_EQ(work.phase, Phase::kEnding);
  EXPECT_EQ(work.due.by, DueBy::kHalfway);
  // And not where neither says so.
  EXPECT_FALSE(Resolve("special", "OLD").FindTask("BEGIN")->optional);
  EXPECT_EQ(Resolve("plain", "NEW").FindTask("BEGIN")->basis.evidence, Evidence::kClinic);
}

TEST(ProtocolResolverTest, TasksOfAPhaseComeBeforeThoseThatAreOfferedInItToo) {
  const Protocol plain = Resolve("plain", "OLD");
  const std::vector<const Task*> ending = plain.TasksIn(Phase::kEnding);
  ASSERT_EQ(ending.size(), 2u);
  EXPECT_EQ(ending[0]->code, "END");
  EXPECT_EQ(ending[1]->code, "WORK");
}

TEST(ProtocolResolverTest, StrategiesNameOnlyTechniquesThatAreInUse) {
  const auto techniques = [](const Protocol& protocol, absl::string_view strategy) {
    return protocol.FindArea("ROLE_DISPUTE")->FindStrategy(strategy)->techniques;
  };
  EXPECT_THAT(techniques(Resolve("plain", "OLD"), "ROLE_DISPUTE_IMPASSE"), ElementsAre("LISTEN"));
  EXPECT_THAT(techniques(Resolve("plain", "NEW"), "ROLE_DISPUTE_IMPASSE"),
              ElementsAre("TALK", "LISTEN"));
  EXPECT_THAT(techniques(Resolve("plain", "NEW"), "ROLE_DISPUTE_DISSOLUTION"),
              ElementsAre("LISTEN"));
  EXPECT_THAT(techniques(Resolve("special", "OLD"), "ROLE_DISPUTE_DISSOLUTION"),
              ElementsAre("DRILL", "LISTEN"));
  EXPECT_THAT(CodesOf(Resolve("special", "NEW").techniques),
              ElementsAre("LISTEN", "TALK", "DRILL"));
}

TEST(ProtocolResolverTest, ToolsMeasuresAndNotesAreThoseOfBoth) {
  const Protocol both = Resolve("special", "NEW");
  EXPECT_THAT(CodesOf(both.tools), ElementsAre("MAP"));
  ASSERT_EQ(both.measures.size(), 1u);
  EXPECT_EQ(both.measures[0].instrument, "phq-9");
  EXPECT_THAT(CodesOf(both.notes), ElementsAre("NEW_NOTE", "SPECIAL_NOTE"));
  EXPECT_THAT(CodesOf(Resolve("special", "OLD").notes), ElementsAre("SPECIAL_NOTE"));
}

TEST(ProtocolResolverTest, AVariantMayLowerTheNumberOfFocusesAndNothingRaisesIt) {
  EXPECT_EQ(Resolve("special", "OLD").max_focus, 1);
  ProtocolCatalog sample = Sample();
  sample.variants[0].max_focus = 5;
  EXPECT_EQ(ResolveProtocol(sample, "plain", "")->max_focus, 2);
}

TEST(ProtocolResolverTest, SourcesAreThoseThatTheProtocolCites) {
  const auto keys = [](const Protocol& protocol) {
    std::vector<std::string> keys;
    for (const Source& source : protocol.sources) keys.push_back(source.key);
    return keys;
  };
  EXPECT_THAT(keys(Resolve("plain", "OLD")), ElementsAre("book", "us"));
  EXPECT_THAT(keys(Resolve("plain", "NEW")), ElementsAre("book", "paper", "us"));
}

TEST(ProtocolResolverTest, AllProtocolsAreEachVariantInEachTradition) {
  std::vector<std::string> ids;
  for (const Protocol& protocol : ResolveAll(Sample())) {
    ids.push_back(protocol.id);
    EXPECT_EQ(protocol, Resolve(protocol.variant_id, protocol.tradition));
  }
  EXPECT_THAT(ids, ElementsAre("plain--new", "plain--old", "special--new", "special--old"));
  EXPECT_EQ(ProtocolId("ipt-uk-16", "IPT_INSTITUTE"), "ipt-uk-16--ipt-institute");
}

}  // namespace
}  // namespace ipt::formulation
