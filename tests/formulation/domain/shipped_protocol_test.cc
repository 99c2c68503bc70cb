// The protocol that the suite ships, against what is known of IPT apart from its files.

#include <algorithm>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "formulation/domain/protocol_resolver.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/formulation/protocols.h"

namespace ipt::formulation {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

Protocol Resolve(absl::string_view variant_id, absl::string_view tradition = "") {
  return ResolveProtocol(Shipped(), variant_id, tradition).value();
}

template <typename T>
std::vector<std::string> CodesOf(const std::vector<T>& list) {
  std::vector<std::string> codes;
  for (const T& entry : list) codes.push_back(entry.code);
  return codes;
}

std::vector<std::string> TasksOf(const Protocol& protocol, Phase phase) {
  std::vector<std::string> codes;
  for (const Task& task : protocol.tasks) {
    if (task.phase == phase) codes.push_back(task.code);
  }
  return codes;
}

// Every code of the catalogue, with repetitions.
std::vector<std::string> AllCodes() {
  std::vector<std::string> codes;
  const auto add = [&](const auto& list) {
    for (const auto& entry : list) codes.push_back(entry.code);
  };
  const auto add_tasks = [&](const std::vector<Task>& tasks) {
    add(tasks);
    for (const Task& task : tasks) add(task.questions);
  };
  const auto add_changes = [&](const Changes& changes) {
    for (const TaskAddition& addition : changes.tasks.added) add_tasks({addition.task});
    add(changes.tools);
    add(changes.notes);
  };
  add(Shipped().areas);
  for (const Area& area : Shipped().areas) {
    add(area.stages);
    add(area.criteria);
    add(area.goals);
    add(area.strategies);
    add(area.questions);
  }
  add_tasks(Shipped().tasks);
  add(Shipped().techniques);
  add(Shipped().traditions);
  for (const Tradition& tradition : Shipped().traditions) add_changes(tradition.changes);
  for (const Variant& variant : Shipped().variants) add_changes(variant.changes);
  return codes;
}

// sessions, initial, ending
using Split = std::tuple<int, int, int>;

TEST(ShippedProtocolTest, HasTheAreasTraditionsAndVariants) {
  EXPECT_THAT(CodesOf(Shipped().areas),
              ElementsAre("GRIEF", "GRIEF_FOR_THE_HEALTHY_SELF", "ROLE_DISPUTE", "ROLE_TRANSITION",
                          "INTERPERSONAL_DEFICITS"));
  EXPECT_THAT(CodesOf(Shipped().traditions), ElementsAre("IPT_INSTITUTE", "IPT_UK", "WMK"));
  EXPECT_EQ(Shipped().variants.size(), 12u);
  EXPECT_EQ(ResolveAll(Shipped()).size(), 36u);
}

TEST(ShippedProtocolTest, EachAreaIsCompleteInEachPhaseOfEveryVariantAndTradition) {
  int looked_at = 0;
  for (const Protocol& protocol : ResolveAll(Shipped())) {
    EXPECT_FALSE(protocol.areas.empty()) << protocol.id;
    EXPECT_GE(protocol.max_focus, 1) << protocol.id;
    EXPECT_LE(protocol.max_focus, 2) << protocol.id;
    const std::vector<std::string> in_use = CodesOf(protocol.techniques);
    const auto grounded = [&](const auto& list, const std::string& where) {
      EXPECT_FALSE(list.empty()) << where;
      for (const auto& entry : list) {
        EXPECT_FALSE(entry.basis.sources.empty()) << where << " " << entry.code;
        EXPECT_FALSE(entry.text.empty()) << where << " " << entry.code;
      }
    };
    for (const Area& area : protocol.areas) {
      const std::string where = absl::StrCat(protocol.id, " ", area.code);
      grounded(area.criteria, where);
      grounded(area.goals, where);
      EXPECT_FALSE(area.basis.sources.empty()) << where;
      std::vector<std::string> stages = {""};
      for (const Stage& stage : area.stages) stages.push_back(stage.code);
      for (const Phase phase : kPhases) {
        for (const std::string& stage : stages) {
          const std::string place = absl::StrCat(where, " ", static_cast<int>(phase), " ", stage);
          const auto strategies = area.StrategiesIn(phase, stage);
          const auto questions = area.QuestionsIn(phase, stage);
          EXPECT_GE(strategies.size(), 2u) << place;
          EXPECT_GE(questions.size(), 2u) << place;
          for (const Strategy* strategy : strategies) {
            EXPECT_FALSE(strategy->basis.sources.empty()) << place << " " << strategy->code;
            EXPECT_FALSE(strategy->techniques.empty()) << place << " " << strategy->code;
          }
          for (const Question* question : questions) {
            EXPECT_FALSE(question->basis.sources.empty()) << place << " " << question->code;
          }
          const std::vector<std::string> techniques = area.TechniquesIn(phase, stage);
          EXPECT_FALSE(techniques.empty()) << place;
          for (const std::string& code : techniques) {
            EXPECT_THAT(in_use, Contains(code)) << place;
            EXPECT_FALSE(protocol.FindTechnique(code)->basis.sources.empty()) << place;
          }
          ++looked_at;
        }
      }
    }
    for (const Phase phase : kPhases) {
      EXPECT_THAT(TasksOf(protocol, phase), Not(IsEmpty())) << protocol.id;
    }
    for (const Basis* basis : BasesOf(protocol)) {
      for (const std::string& key : basis->sources) {
        EXPECT_TRUE(std::any_of(protocol.sources.begin(), protocol.sources.end(),
                                [&](const Source& source) { return source.key == key; }))
            << protocol.id << " " << key;
      }
    }
  }
  // 36 protocols of 4 areas, less the deficits in 12 and with a fifth area in 3; three phases; the
  // disputes at any stage and at three.
  EXPECT_EQ(looked_at, (36 * 4 - 12 + 3 + 36 * 3) * 3);
}

TEST(ShippedProtocolTest, EveryCodeIsThereOnceInUpperSnake) {
  const std::regex upper_snake("[A-Z][A-Z0-9]*(_[A-Z0-9]+)*");
  std::set<std::string> seen;
  for (const std::string& code : AllCodes()) {
    EXPECT_TRUE(std::regex_match(code, upper_snake)) << code;
    EXPECT_TRUE(seen.insert(code).second) << code;
  }
  EXPECT_GT(seen.size(), 150u);
}

TEST(ShippedProtocolTest, EverySourceThatIsCitedExistsAndEveryOneIsCited) {
  std::set<std::string> cited;
  for (const Basis* basis : BasesOf(Shipped())) {
    EXPECT_FALSE(basis->sources.empty());
    cited.insert(basis->sources.begin(), basis->sources.end());
  }
  std::set<std::string> there;
  for (const Source& source : Shipped().sources) there.insert(source.key);
  EXPECT_EQ(cited, there);
}

TEST(ShippedProtocolTest, NothingIsAClinicsOwn) {
  for (const Basis* basis : BasesOf(Shipped())) EXPECT_NE(basis->evidence, Evidence::kClinic);
}

TEST(ShippedProtocolTest, WhatIsOnlyLikelyIsOfSplitsTheFifthAreaAndTheGroup) {
  for (const Area& area : Shipped().areas) {
    if (area.code == "GRIEF_FOR_THE_HEALTHY_SELF") continue;
    ProtocolCatalog alone;
    alone.areas = {area};
    for (const Basis* basis : BasesOf(alone)) EXPECT_NE(basis->evidence, Evidence::kLikely);
  }
  ProtocolCatalog rest;
  rest.tasks = Shipped().tasks;
  rest.techniques = Shipped().techniques;
  rest.traditions = Shipped().traditions;
  for (const Basis* basis : BasesOf(rest)) EXPECT_NE(basis->evidence, Evidence::kLikely);
}

// The sessions of the phases, as the literature has them where it says so.
TEST(ShippedProtocolTest, PhasesAreThoseOfThePublishedForms) {
  const std::map<std::string, Split> published = {
      {"ipt-uk-16", {16, 4, 4}}, {"ipt-wmk-16", {16, 3, 3}}, {"ipt-wmk-12", {12, 3, 3}},
      {"ipt-a-12", {12, 4, 3}},  {"ipc-6", {6, 2, 1}},       {"ipt-m", {24, 1, 1}}};
  const std::map<std::string, Split> proposed = {{"ipt-b-8", {8, 2, 1}},
                                                 {"ipt-group-8", {8, 1, 1}}};
  for (const Variant& variant : Shipped().variants) {
    const Split split = {variant.split.sessions, variant.split.initial, variant.split.ending};
    if (published.contains(variant.id)) {
      EXPECT_EQ(split, published.at(variant.id)) << variant.id;
      EXPECT_NE(variant.split.basis.evidence, Evidence::kLikely) << variant.id;
    } else {
      // A split that is the suite's own says so.
      EXPECT_EQ(variant.split.basis.evidence, Evidence::kLikely) << variant.id;
      EXPECT_THAT(variant.split.basis.note, HasSubstr("for the clinic to confirm")) << variant.id;
      if (proposed.contains(variant.id)) {
        EXPECT_EQ(split, proposed.at(variant.id)) << variant.id;
      }
    }
  }
  EXPECT_THAT(Resolve("ipt-uk-16").split.Phases(),
              ElementsAre(PhaseSpan{Phase::kInitial, 1, 4}, PhaseSpan{Phase::kMiddle, 5, 12},
                          PhaseSpan{Phase::kEnding, 13, 16}));
}

// Services do not include each other, so scheduling's variants are read as text.
TEST(ShippedProtocolTest, VariantsAreSchedulingsAndDivideIntoPhasesAsThere) {
  std::ifstream file(IPT_SCHEDULING_VARIANTS);
  std::stringstream text;
  text << file.rdbuf();
  const std::string source = text.str();
  const std::regex start("\\{\\.id = \"([^\"]+)\",");
  std::vector<std::string> ids;
  const auto end = std::sregex_iterator();
  for (auto found = std::sregex_iterator(source.begin(), source.end(), start); found != end;
       ++found) {
    const std::string id = (*found)[1];
    ids.push_back(id);
    const size_t from = found->position();
    const std::string entry = source.substr(from, source.find(".source = ", from) - from);
    const auto field = [&](const std::string& name) {
      std::smatch match;
      const std::regex value("\\." + name + " = \"?([^\",\n]*(?:, [^\"\n]*)?)\"?,\n");
      return std::regex_search(entry, match, value) ? match[1].str() : std::string();
    };
    const auto number = [&](const std::string& name) {
      int value = -1;
      EXPECT_TRUE(absl::SimpleAtoi(field(name), &value)) << id << " " << name;
      return value;
    };
    const Variant* variant = Shipped().FindVariant(id);
    ASSERT_NE(variant, nullptr) << id;
    EXPECT_EQ(variant->name, field("display_name"));
    EXPECT_EQ(variant->split.sessions, number("default_sessions")) << id;
    EXPECT_EQ(variant->split.initial, number("initial_sessions")) << id;
    EXPECT_EQ(variant->split.ending, number("termination_sessions")) << id;
    EXPECT_EQ(variant->split.basis.evidence == Evidence::kLikely,
              entry.find(".phases_proposed = true") != std::string::npos)
        << id;
    // The WHO's group is that of Weissman, Markowitz and Klerman.
    const std::string tradition = field("tradition");
    EXPECT_EQ(variant->tradition, tradition == "WHO" ? "WMK" : tradition) << id;
  }
  std::vector<std::string> ours;
  for (const Variant& variant : Shipped().variants) ours.push_back(variant.id);
  EXPECT_EQ(ids, ours);
}

TEST(ShippedProtocolTest, TasksAreThoseOfThePhases) {
  const Protocol standard = Resolve("ipt-wmk-16");
  EXPECT_THAT(
      TasksOf(standard, Phase::kInitial),
      UnorderedElementsAre("SYMPTOM_REVIEW", "DIAGNOSIS", "RISK_ASSESSMENT", "MEDICATION_REVIEW",
                           "PSYCHOEDUCATION", "SICK_ROLE", "TIMELINE", "INTERPERSONAL_INVENTORY",
                           "FOCUS_SELECTION", "FORMULATION", "GOALS", "CONTRACT"));
  EXPECT_THAT(TasksOf(standard, Phase::kMiddle),
              UnorderedElementsAre("MOOD_REVIEW", "FOCUS_WORK", "MIDPOINT_REVIEW"));
  EXPECT_THAT(TasksOf(standard, Phase::kEnding),
              UnorderedElementsAre("TERMINATION_RAISED", "PROGRESS_REVIEW", "GRIEF_OF_ENDING",
                                   "RELAPSE_PLAN", "NONRESPONSE_OR_CONTINUATION"));
  // Risk is never behind anything else.
  EXPECT_EQ(standard.tasks.front().code, "RISK_ASSESSMENT");
}

TEST(ShippedProtocolTest, TasksAreDueWhenTheLiteratureSaysSo) {
  const auto due = [](const std::string& variant, const std::string& task) {
    const Protocol protocol = Resolve(variant);
    return DueSession(*protocol.FindTask(task), protocol.split.Phases(), protocol.split.sessions);
  };
  EXPECT_EQ(due("ipt-uk-16", "FOCUS_SELECTION"), 4);
  EXPECT_EQ(due("ipt-wmk-12", "FOCUS_SELECTION"), 3);
  EXPECT_EQ(due("ipt-uk-16", "FORMULATION"), 4);
  EXPECT_EQ(due("ipt-uk-16", "MIDPOINT_REVIEW"), 8);
  EXPECT_EQ(due("ipt-uk-16", "TERMINATION_RAISED"), 14);
  EXPECT_EQ(due("ipc-6", "TERMINATION_RAISED"), 4);
  EXPECT_EQ(due("ipt-uk-16", "MOOD_REVIEW"), 0);
  EXPECT_EQ(due("ipt-uk-16", "RELAPSE_PLAN"), 16);
  const Protocol standard = Resolve("ipt-uk-16");
  EXPECT_TRUE(standard.FindTask("TERMINATION_RAISED")->OfferedIn(Phase::kMiddle));
  EXPECT_TRUE(standard.FindTask("MOOD_REVIEW")->OfferedIn(Phase::kEnding));
  for (const Protocol& protocol : ResolveAll(Shipped())) {
    // The focus is agreed before the middle phase, and the ending raised while two sessions are
    // left.
    EXPECT_LE(DueSession(*protocol.FindTask("FORMULATION"), protocol.split.Phases(),
                         protocol.split.sessions),
              protocol.split.initial)
        << protocol.id;
    EXPECT_LE(DueSession(*protocol.FindTask("TERMINATION_RAISED"), protocol.split.Phases(),
                         protocol.split.sessions),
              protocol.split.sessions - 2)
        << protocol.id;
  }
}

TEST(ShippedProtocolTest, DeficitsAreOfLastResortAndNoFocusOfTheInstitute) {
  EXPECT_TRUE(Shipped().areas.back().last_resort);
  EXPECT_THAT(CodesOf(Resolve("ipt-institute-12").areas),
              ElementsAre("GRIEF", "ROLE_DISPUTE", "ROLE_TRANSITION"));
  EXPECT_THAT(CodesOf(Resolve("ipt-institute-12").areas_left_out),
              ElementsAre("INTERPERSONAL_DEFICITS"));
  EXPECT_THAT(CodesOf(Resolve("ipt-wmk-16").areas),
              ElementsAre("GRIEF", "ROLE_DISPUTE", "ROLE_TRANSITION", "INTERPERSONAL_DEFICITS"));
}

TEST(ShippedProtocolTest, AreasHaveTheirTraditionsNames) {
  const auto name = [](const Protocol& protocol, const std::string& area) {
    return protocol.FindArea(area)->name;
  };
  EXPECT_EQ(name(Resolve("ipt-wmk-16"), "INTERPERSONAL_DEFICITS"), "Interpersonal deficits");
  EXPECT_EQ(name(Resolve("ipt-uk-16"), "INTERPERSONAL_DEFICITS"),
            "Interpersonal sensitivity or isolation");
  EXPECT_EQ(name(Resolve("ipt-a-12"), "INTERPERSONAL_DEFICITS"),
            "Interpersonal sensitivity or isolation");
  EXPECT_EQ(name(Resolve("ipt-institute-12"), "GRIEF"), "Grief and loss");
  EXPECT_EQ(name(Resolve("ipt-uk-16"), "GRIEF"), "Grief");
}

TEST(ShippedProtocolTest, OnlyIpsrtHasTheFifthArea) {
  for (const Protocol& protocol : ResolveAll(Shipped())) {
    EXPECT_EQ(protocol.FindArea("GRIEF_FOR_THE_HEALTHY_SELF") != nullptr,
              protocol.variant_id == "ipsrt")
        << protocol.id;
    EXPECT_EQ(protocol.FindTechnique("SOCIAL_RHYTHM") != nullptr, protocol.variant_id == "ipsrt");
    EXPECT_EQ(protocol.FindTask("SOCIAL_RHYTHM_REVIEW") != nullptr, protocol.variant_id == "ipsrt");
  }
}

TEST(ShippedProtocolTest, DisputesHaveTheirStagesAndWorkForEach) {
  const Area& dispute = *Shipped().FindArea("ROLE_DISPUTE");
  EXPECT_THAT(CodesOf(dispute.stages), ElementsAre("RENEGOTIATION", "IMPASSE", "DISSOLUTION"));
  EXPECT_EQ(dispute.person, Person::kOtherParty);
  for (const Stage& stage : dispute.stages) {
    // The stage's own comes first.
    EXPECT_THAT(dispute.StrategiesIn(Phase::kMiddle, stage.code).front()->stages,
                ElementsAre(stage.code));
    EXPECT_THAT(dispute.QuestionsIn(Phase::kMiddle, stage.code).front()->stages,
                ElementsAre(stage.code));
  }
  for (const Area& area : Shipped().areas) {
    EXPECT_EQ(area.stages.empty(), area.code != "ROLE_DISPUTE") << area.code;
  }
}

TEST(ShippedProtocolTest, GriefIsByDeathAlone) {
  const Area& grief = *Shipped().FindArea("GRIEF");
  EXPECT_EQ(grief.person, Person::kDeceased);
  EXPECT_EQ(grief.FindCriterion("DEATH_OF_SOMEONE_CLOSE")->weight, Weight::kCore);
  for (const Area& area : Shipped().areas) {
    EXPECT_EQ(area.person == Person::kDeceased, area.code == "GRIEF");
  }
}

TEST(ShippedProtocolTest, TechniquesAreInUseWhereTheyBelong) {
  const auto used_in = [](const std::string& technique) {
    std::set<std::string> ids;
    for (const Protocol& protocol : ResolveAll(Shipped())) {
      if (protocol.FindTechnique(technique) != nullptr) ids.insert(protocol.id);
    }
    return ids;
  };
  EXPECT_EQ(used_in("COMMUNICATION_ANALYSIS").size(), 36u);
  EXPECT_EQ(used_in("INTERPERSONAL_INCIDENT").size(), 12u);
  // The Institute's tradition, and IPT-A in the others.
  EXPECT_EQ(used_in("HOMEWORK").size(), 14u);
  EXPECT_THAT(used_in("HOMEWORK"), Contains("ipt-a-12--wmk"));
  EXPECT_THAT(used_in("HOMEWORK"), Not(Contains("ipt-uk-16--ipt-uk")));
  EXPECT_THAT(used_in("PARENT_SESSION"),
              ElementsAre("ipt-a-12--ipt-institute", "ipt-a-12--ipt-uk", "ipt-a-12--wmk"));
  EXPECT_THAT(
      CodesOf(Shipped().techniques),
      UnorderedElementsAre("NONDIRECTIVE_EXPLORATION", "DIRECT_ELICITATION",
                           "ENCOURAGEMENT_OF_AFFECT", "CLARIFICATION", "COMMUNICATION_ANALYSIS",
                           "DECISION_ANALYSIS", "ROLE_PLAY", "USE_OF_THERAPEUTIC_RELATIONSHIP",
                           "DIRECTIVE", "BEHAVIOUR_CHANGE", "CONTRACTING", "INTERPERSONAL_INCIDENT",
                           "HOMEWORK", "SOCIAL_RHYTHM", "CLOSENESS_CIRCLE", "PARENT_SESSION"));
}

TEST(ShippedProtocolTest, TheInstituteConcludesAndGoesOn) {
  const Protocol institute = Resolve("ipt-institute-12");
  EXPECT_TRUE(institute.FindTask("SICK_ROLE")->optional);
  EXPECT_THAT(institute.FindTask("CONTRACT")->done_when, HasSubstr("taper"));
  EXPECT_EQ(institute.tasks.back().code, "MAINTENANCE_CONTRACT");
  EXPECT_THAT(CodesOf(institute.tools), ElementsAre("INTERPERSONAL_CIRCLE", "CONFLICT_GRAPH",
                                                    "INTERPERSONAL_FORMULATION_AND_SUMMARY"));
  ASSERT_EQ(institute.measures.size(), 2u);
  EXPECT_EQ(institute.measures[0].instrument, "phq-9");
  EXPECT_EQ(institute.measures[1].instrument, "gad-7");
  EXPECT_EQ(institute.measures[1].every_sessions, 4);
  EXPECT_EQ(Resolve("ipt-uk-16").FindTask("MAINTENANCE_CONTRACT"), nullptr);
}

TEST(ShippedProtocolTest, AdolescentsKeepSchoolAndHaveAParentInvolved) {
  for (const char* tradition : {"WMK", "IPT_UK", "IPT_INSTITUTE"}) {
    const Protocol adolescents = Resolve("ipt-a-12", tradition);
    EXPECT_THAT(adolescents.FindTask("SICK_ROLE")->done_when, HasSubstr("school")) << tradition;
    ASSERT_NE(adolescents.FindTask("PARENT_INVOLVEMENT"), nullptr) << tradition;
    EXPECT_EQ(adolescents.FindTask("PARENT_INVOLVEMENT")->phase, Phase::kInitial) << tradition;
  }
}

TEST(ShippedProtocolTest, MaintenanceMakesANewContractAndGivesNoSickRole) {
  const Protocol maintenance = Resolve("ipt-m");
  EXPECT_EQ(maintenance.FindTask("SICK_ROLE"), nullptr);
  EXPECT_THAT(maintenance.FindTask("CONTRACT")->done_when, HasSubstr("prevent recurrence"));
}

}  // namespace
}  // namespace ipt::formulation
