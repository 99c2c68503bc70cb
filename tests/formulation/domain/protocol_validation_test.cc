#include "formulation/domain/protocol_validation.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/error.h"
#include "tests/formulation/protocols.h"

namespace ipt::formulation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// "areas[0].strategies[1].techniques: must ..." for all that is wrong with the sample once edited.
std::vector<std::string> ErrorsAfter(const std::function<void(ProtocolCatalog&)>& edit) {
  ProtocolCatalog catalog = Sample();
  edit(catalog);
  CatalogViolations bad(catalog);
  ValidateCatalog(catalog, bad);
  std::vector<std::string> errors;
  const auto add = [&](const std::string& place, const FieldViolations& violations) {
    for (const FieldViolation& violation : FieldViolationsOf(violations.ToStatus())) {
      errors.push_back(absl::StrCat(place, violation.field, ": ", violation.description));
    }
  };
  const auto add_all = [&](const char* list, const std::vector<FieldViolations>& violations) {
    for (size_t i = 0; i < violations.size(); ++i) {
      add(absl::StrCat(list, "[", i, "]."), violations[i]);
    }
  };
  add("", bad.protocol);
  add("", bad.sources);
  add("", bad.tasks);
  add("", bad.techniques);
  add_all("areas", bad.areas);
  add_all("traditions", bad.traditions);
  add_all("variants", bad.variants);
  EXPECT_EQ(bad.empty(), errors.empty());
  return errors;
}

std::string ErrorAfter(const std::function<void(ProtocolCatalog&)>& edit) {
  const std::vector<std::string> errors = ErrorsAfter(edit);
  EXPECT_EQ(errors.size(), 1u) << ::testing::PrintToString(errors);
  return errors.empty() ? "" : errors.front();
}

TEST(ProtocolValidationTest, TheSampleIsSound) {
  EXPECT_THAT(ErrorsAfter([](ProtocolCatalog&) {}), IsEmpty());
}

TEST(ProtocolValidationTest, TheHeadIsChecked) {
  EXPECT_EQ(ErrorAfter([](auto& c) { c.name = " "; }), "name: must not be empty");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.version = 0; }), "version: must be 1 to 1000000");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.language = "english language"; }),
            "language: must be a BCP 47 tag, like en or pt-BR");
}

TEST(ProtocolValidationTest, EverySourceThatIsCitedExistsAndEveryOneIsCited) {
  EXPECT_EQ(ErrorAfter([](auto& c) {
              c.areas[0].criteria[0].basis.sources = {"book", "no-book"};
            }),
            "areas[0].criteria[0].sources[1]: must be the key of a source");
  EXPECT_EQ(ErrorAfter([](auto& c) {
              c.sources.push_back({"more", "More."});
            }),
            "sources[3].key: is cited by nothing");
  EXPECT_EQ(ErrorAfter([](auto& c) {
              c.sources.push_back({"book", "Again."});
            }),
            "sources[3].key: must not be there twice");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.sources[0].text = ""; }),
            "sources[0].text: must not be empty");
}

TEST(ProtocolValidationTest, EveryStatementHasASource) {
  const auto without = [](Basis& basis) { basis.sources.clear(); };
  const std::string missing = "sources: must have one entry at least";
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.areas[0].basis); }), "areas[0]." + missing);
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.areas[0].stages[1].basis); }),
            "areas[0].stages[1]." + missing);
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.areas[0].goals[0].basis); }),
            "areas[0].goals[0]." + missing);
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.areas[0].strategies[1].basis); }),
            "areas[0].strategies[1]." + missing);
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.areas[0].questions[1].basis); }),
            "areas[0].questions[1]." + missing);
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.tasks[0].basis); }), "tasks[0]." + missing);
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.tasks[0].questions[0].basis); }),
            "tasks[0].questions[0]." + missing);
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.techniques[0].basis); }),
            "techniques[0]." + missing);
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.traditions[1].basis); }),
            "traditions[1]." + missing);
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.traditions[0].changes.areas.removed[0].basis); }),
            "traditions[0].areas.remove[0]." + missing);
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.traditions[0].changes.tasks.changed[1].basis); }),
            "traditions[0].tasks.change[1]." + missing);
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.traditions[0].changes.tools[0].basis); }),
            "traditions[0].tools[0]." + missing);
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.traditions[0].changes.measures[0].basis); }),
            "traditions[0].measures[0]." + missing);
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.traditions[0].changes.notes[0].basis); }),
            "traditions[0].notes[0]." + missing);
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.variants[0].basis); }), "variants[0]." + missing);
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.variants[0].split.basis); }),
            "variants[0].split." + missing);
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.variants[1].changes.areas.added[0].basis); }),
            "variants[1].areas.add[0]." + missing);
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.variants[1].changes.areas.named[0].basis); }),
            "variants[1].areas.name[0]." + missing);
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.variants[1].changes.tasks.added[1].task.basis); }),
            "variants[1].tasks.add[1].task." + missing);
  EXPECT_EQ(ErrorAfter([&](auto& c) { without(c.variants[1].changes.tasks.removed[0].basis); }),
            "variants[1].tasks.remove[0]." + missing);
}

TEST(ProtocolValidationTest, CodesAreUpperSnake) {
  const std::string error = ": must be 1 to 63 of A-Z, 0-9 and \"_\", like ROLE_DISPUTE";
  for (const char* code :
       {"", "first", "_FIRST", "FIRST_", "FI__RST", "1FIRST", "FIR-ST", "FIR ST"}) {
    EXPECT_EQ(ErrorAfter([&](auto& c) { c.areas[0].goals[0].code = code; }),
              "areas[0].goals[0].code" + error)
        << code;
  }
  EXPECT_EQ(ErrorAfter([](auto& c) { c.areas[0].goals[0].code = std::string(64, 'A'); }),
            "areas[0].goals[0].code" + error);
  EXPECT_THAT(ErrorsAfter([](auto& c) { c.areas[0].goals[0].code = "A1_2"; }), IsEmpty());
}

TEST(ProtocolValidationTest, ACodeIsThereOnceInTheWholeProtocol) {
  const std::string error = "code: must be no code of anything else in the protocol";
  EXPECT_EQ(ErrorAfter([](auto& c) { c.areas[1].goals[0].code = "ROLE_DISPUTE_C1"; }),
            "areas[1].goals[0]." + error);
  EXPECT_EQ(ErrorAfter([](auto& c) { c.tasks[0].questions[0].code = "ROLE_DISPUTE"; }),
            "tasks[0].questions[0]." + error);
  EXPECT_EQ(ErrorAfter([](auto& c) { c.variants[1].changes.tasks.added[0].task.code = "END"; }),
            "variants[1].tasks.add[0].task." + error);
  EXPECT_EQ(ErrorAfter([](auto& c) { c.variants[1].changes.notes[0].code = "NEW_NOTE"; }),
            "variants[1].notes[0]." + error);
  EXPECT_EQ(ErrorAfter([](auto& c) { c.traditions[0].changes.tools[0].code = "TALK"; }),
            "traditions[0].tools[0]." + error);
}

TEST(ProtocolValidationTest, TextsAreOneLineEach) {
  EXPECT_EQ(ErrorAfter([](auto& c) { c.areas[0].definition = "a\nb"; }),
            "areas[0].definition: must be one line of UTF-8");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.areas[0].plain_name = "\xff"; }),
            "areas[0].plain_name: must be one line of UTF-8");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.tasks[0].done_when = std::string(1001, 'a'); }),
            "tasks[0].done_when: must be at most 1000 bytes");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.techniques[0].name = std::string(201, 'a'); }),
            "techniques[0].name: must be at most 200 bytes");
}

TEST(ProtocolValidationTest, AnAreaHasSomethingToDoAndToAskInEachPhase) {
  for (size_t i = 0; i < 3; ++i) {
    const std::string phase = std::vector<std::string>{"initial", "middle", "ending"}[i];
    const std::string rest =
        absl::StrCat("must have one at least of the ", phase, " phase and of any stage");
    // What it has for its stages alone is not enough.
    EXPECT_EQ(ErrorAfter(
                  [&](auto& c) { c.areas[0].strategies.erase(c.areas[0].strategies.begin() + i); }),
              "areas[0].strategies: " + rest);
    EXPECT_EQ(
        ErrorAfter([&](auto& c) { c.areas[0].questions.erase(c.areas[0].questions.begin() + i); }),
        "areas[0].questions: " + rest);
  }
}

TEST(ProtocolValidationTest, AnAreaHasCriteriaOneOfThemCoreAndGoals) {
  EXPECT_EQ(ErrorAfter([](auto& c) { c.areas[0].criteria[0].weight = Weight::kSupporting; }),
            "areas[0].criteria: must have one at least whose weight is core");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.areas[0].goals.clear(); }),
            "areas[0].goals: must have one entry at least");
}

TEST(ProtocolValidationTest, StagesArePartsOfTheirArea) {
  EXPECT_EQ(ErrorAfter([](auto& c) {
              c.areas[0].strategies[3].stages = {"IMPASSE", "LUKEWARM"};
            }),
            "areas[0].strategies[3].stages[1]: must be the code of a stage of this area");
  EXPECT_EQ(
      ErrorAfter([](auto& c) {
        c.areas[0].stages.push_back({"RENEGOTIATION", "Mild", "It is mild.", c.areas[0].basis});
      }),
      "areas[0].stages[2].code: must be a stage of one strategy at least");
}

TEST(ProtocolValidationTest, AreasAndStagesAreThoseOfTheContract) {
  EXPECT_THAT(ErrorsAfter([](auto& c) {
                c.areas[1].code = "ENVY";
                c.variants[1].changes.areas.added[0].area = "ENVY";
              }),
              ElementsAre("areas[1].code: must be one of GRIEF, ROLE_DISPUTE, ROLE_TRANSITION, "
                          "INTERPERSONAL_DEFICITS, GRIEF_FOR_THE_HEALTHY_SELF"));
  EXPECT_THAT(ErrorsAfter([](auto& c) {
                c.areas[0].stages[0].code = "STALEMATE";
                for (Strategy& strategy : c.areas[0].strategies) strategy.stages.clear();
                for (Question& question : c.areas[0].questions) question.stages.clear();
                c.areas[0].strategies[3].stages = {"STALEMATE", "DISSOLUTION"};
              }),
              ElementsAre("areas[0].stages[0].code: must be one of RENEGOTIATION, IMPASSE, "
                          "DISSOLUTION"));
  EXPECT_EQ(ErrorAfter([](auto& c) {
              c.areas[1].stages = {c.areas[0].stages[0]};
              c.areas[1].stages[0].code = "RENEGOTIATION";
              c.areas[1].strategies.push_back(c.areas[1].strategies[0]);
              c.areas[1].strategies.back().code = "MORE";
              c.areas[1].strategies.back().stages = {"RENEGOTIATION"};
            }),
            "areas[1].stages: must be empty: only ROLE_DISPUTE has stages");
}

TEST(ProtocolValidationTest, AStrategyHasATechniqueThatIsInUseEverywhere) {
  const std::string error = "must have one at least that is in use everywhere";
  EXPECT_EQ(ErrorAfter([](auto& c) {
              c.areas[0].strategies[3].techniques = {"TALK", "DRILL"};
            }),
            "areas[0].strategies[3].techniques: " + error);
  EXPECT_EQ(ErrorAfter([](auto& c) { c.areas[0].strategies[3].techniques.clear(); }),
            "areas[0].strategies[3].techniques: " + error);
  EXPECT_EQ(ErrorAfter([](auto& c) { c.areas[0].strategies[3].techniques[0] = "SHOUT"; }),
            "areas[0].strategies[3].techniques[0]: must be the code of a technique");
}

TEST(ProtocolValidationTest, NothingIsNamedTwice) {
  EXPECT_EQ(ErrorAfter([](auto& c) {
              c.areas[0].strategies[0].phases = {Phase::kInitial, Phase::kInitial};
            }),
            "areas[0].strategies[0].phases[1]: must not be there twice");
  EXPECT_EQ(ErrorAfter([](auto& c) {
              c.areas[0].strategies[0].techniques = {"LISTEN", "LISTEN"};
            }),
            "areas[0].strategies[0].techniques[1]: must not be there twice");
  EXPECT_EQ(ErrorAfter([](auto& c) {
              c.tasks[0].basis.sources = {"book", "book"};
            }),
            "tasks[0].sources[1]: must not be there twice");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.variants[1].changes.tasks.removed[0].task = "BEGIN"; }),
            "variants[1].tasks.remove[0].task: must not be there twice");
}

TEST(ProtocolValidationTest, ADueRuleSaysWhatItNeedsAndNoMore) {
  const auto due = [](Due due) { return ErrorsAfter([&](auto& c) { c.tasks[0].due = due; }); };
  EXPECT_THAT(due({DueBy::kSession, 4}), IsEmpty());
  EXPECT_THAT(due({DueBy::kSessionsLeft, 2, 4}), IsEmpty());
  EXPECT_THAT(due({DueBy::kSession}), ElementsAre("tasks[0].due.number: must be 1 to 100"));
  EXPECT_THAT(due({DueBy::kHalfway, 3}),
              ElementsAre("tasks[0].due.number: must be absent: nothing is counted"));
  EXPECT_THAT(due({DueBy::kSessionsLeft, 2, 1}),
              ElementsAre("tasks[0].due.from: must be at least number, and at most 100"));
  EXPECT_THAT(due({DueBy::kSession, 2, 4}),
              ElementsAre("tasks[0].due.from: must be absent but with sessions_left"));
}

TEST(ProtocolValidationTest, ATasksQuestionsHaveNeitherPhaseNorStage) {
  EXPECT_EQ(ErrorAfter([](auto& c) { c.tasks[0].questions[0].phases = {Phase::kInitial}; }),
            "tasks[0].questions[0].phases: must be absent: the task has its phase");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.tasks[0].questions[0].stages = {"IMPASSE"}; }),
            "tasks[0].questions[0].stages: must be absent: a task has no stages");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.tasks[0].also = {Phase::kInitial}; }),
            "tasks[0].also: must be other phases than the task's own");
}

TEST(ProtocolValidationTest, ReferencesLeadSomewhere) {
  EXPECT_EQ(ErrorAfter([](auto& c) { c.techniques[1].traditions = {"NEWER"}; }),
            "techniques[1].traditions[0]: must be the code of a tradition");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.techniques[2].variants = {"very-special"}; }),
            "techniques[2].variants[0]: must be the id of a variant");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.variants[0].tradition = "NEWER"; }),
            "variants[0].tradition: must be the code of a tradition");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.traditions[0].changes.areas.removed[0].area = "THIRD"; }),
            "traditions[0].areas.remove[0].area: must be the code of an area");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.traditions[0].changes.areas.named[0].area = "THIRD"; }),
            "traditions[0].areas.name[0].area: must be the code of an area");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.traditions[0].changes.tasks.changed[0].task = "REST"; }),
            "traditions[0].tasks.change[0].task: must be the code of a task");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.variants[1].changes.tasks.removed[0].task = "REST"; }),
            "variants[1].tasks.remove[0].task: must be the code of a task");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.variants[1].changes.tasks.added[1].after = "END"; }),
            "variants[1].tasks.add[1].after: must be the code of a task of the same phase");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.traditions[0].changes.measures[0].instrument = "PHQ 9"; }),
            "traditions[0].measures[0].instrument: must be the id of an instrument");
}

TEST(ProtocolValidationTest, OnlyWhatIsNotStandardIsAddedAndOnlyWhatIsIsRemoved) {
  EXPECT_THAT(
      ErrorsAfter([](auto& c) { c.variants[1].changes.areas.added[0].area = "ROLE_DISPUTE"; }),
      ElementsAre("areas[1].standard: must be true where no variant or tradition adds the "
                  "area",
                  "variants[1].areas.add[0].area: must be no standard area"));
  EXPECT_EQ(ErrorAfter([](auto& c) {
              c.traditions[0].changes.areas.removed[0].area = "GRIEF_FOR_THE_HEALTHY_SELF";
            }),
            "traditions[0].areas.remove[0].area: must be a standard area");
}

TEST(ProtocolValidationTest, AChangeChangesSomething) {
  EXPECT_EQ(ErrorAfter([](auto& c) { c.traditions[0].changes.tasks.changed[1].due.reset(); }),
            "traditions[0].tasks.change[1]: must change something");
}

TEST(ProtocolValidationTest, AVariantHasSessionsOfEachPhaseAndAtMostTwoFocuses) {
  EXPECT_EQ(ErrorAfter([](auto& c) { c.variants[0].max_focus = 3; }),
            "variants[0].max_focus: must be 1 or 2");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.variants[0].max_focus = 0; }),
            "variants[0].max_focus: must be 1 or 2");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.variants[0].split.sessions = 6; }),
            "variants[0].split.sessions: must leave one at least to the middle phase");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.variants[0].split.ending = 0; }),
            "variants[0].split.ending: must be 1 to 100");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.variants[0].id = "Plain"; }),
            "variants[0].id: must be 1 to 63 of a-z, 0-9 and \"-\", starting with a letter or "
            "digit");
}

}  // namespace
}  // namespace ipt::formulation
