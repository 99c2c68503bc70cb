// Protocols for tests: the shipped catalogue, and a small one that has a bit of everything.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "formulation/domain/protocol.h"
#include "formulation/storage/protocol_json.h"

namespace ipt::formulation {

inline const ProtocolCatalog& Shipped() {
  static const auto* const kShipped = new ProtocolCatalog(ShippedProtocolCatalog().value());
  return *kShipped;
}

// An area of which each part has a code that begins with the area's, with one thing of each phase.
inline Area SampleArea(const std::string& code, const Basis& basis) {
  Area area{.code = code,
            .name = absl::StrCat(code, " by name"),
            .plain_name = absl::StrCat(code, " in plain words"),
            .definition = "What it is.",
            .criteria = {{absl::StrCat(code, "_C1"), "It is so.", Weight::kCore, basis}},
            .goals = {{absl::StrCat(code, "_G1"), "Be better.", basis}},
            .basis = basis};
  for (const Phase phase : kPhases) {
    const int number = static_cast<int>(phase);
    area.strategies.push_back(
        {absl::StrCat(code, "_S", number), "Do this.", {phase}, {}, {"LISTEN"}, basis});
    area.questions.push_back({absl::StrCat(code, "_Q", number), "How so?", {phase}, {}, basis});
  }
  return area;
}

inline Task SampleTask(const std::string& code, Phase phase, const Basis& basis) {
  return {.code = code,
          .name = absl::StrCat(code, " by name"),
          .phase = phase,
          .done_when = "It has been done.",
          .basis = basis};
}

// Areas ROLE_DISPUTE, with two stages, INTERPERSONAL_DEFICITS, of last resort, and
// GRIEF_FOR_THE_HEALTHY_SELF, which only the variant "special" has; tasks BEGIN, WORK and END;
// traditions OLD and NEW; variants "plain" and "special".
inline ProtocolCatalog Sample() {
  const Basis book{Evidence::kEstablished, {"book"}, ""};
  const Basis us{Evidence::kClinic, {"us"}, ""};
  ProtocolCatalog sample{.name = "Sample", .version = 3, .language = "en"};
  sample.sources = {{"book", "A book."}, {"paper", "A paper."}, {"us", "Ourselves."}};

  Area dispute = SampleArea("ROLE_DISPUTE", book);
  dispute.stages = {{"IMPASSE", "Impasse", "They are silent.", book},
                    {"DISSOLUTION", "Dissolution", "It is over.", book}};
  dispute.strategies.push_back(
      {"ROLE_DISPUTE_IMPASSE", "Speak up.", {Phase::kMiddle}, {"IMPASSE"}, {"TALK", "LISTEN"}, us});
  dispute.strategies.push_back({"ROLE_DISPUTE_DISSOLUTION",
                                "Let go.",
                                {Phase::kMiddle},
                                {"DISSOLUTION"},
                                {"DRILL", "LISTEN"},
                                book});
  dispute.questions.push_back(
      {"ROLE_DISPUTE_Q_IMPASSE", "How long?", {Phase::kMiddle}, {"IMPASSE"}, book});
  Area healthy_self = SampleArea("GRIEF_FOR_THE_HEALTHY_SELF", book);
  healthy_self.standard = false;
  Area deficits = SampleArea("INTERPERSONAL_DEFICITS", book);
  deficits.last_resort = true;
  sample.areas = {dispute, healthy_self, deficits};

  sample.tasks = {SampleTask("BEGIN", Phase::kInitial, book),
                  SampleTask("WORK", Phase::kMiddle, book),
                  SampleTask("END", Phase::kEnding, book)};
  sample.tasks[1].due.by = DueBy::kEachSession;
  sample.tasks[1].also = {Phase::kEnding};
  sample.tasks[0].questions = {{"BEGIN_Q", "Shall we?", {}, {}, book}};

  sample.techniques = {
      {"LISTEN", "Listening", "Say nothing.", TechniqueFamily::kExploratory, {}, {}, book},
      {"TALK", "Talking", "Say something.", TechniqueFamily::kDirective, {"NEW"}, {}, book},
      {"DRILL", "Drill", "Do it.", TechniqueFamily::kBehavioural, {}, {"special"}, book}};

  Tradition old{.code = "OLD", .name = "Old", .description = "As ever.", .basis = book};
  Tradition young{.code = "NEW", .name = "New", .description = "Not as ever.", .basis = book};
  young.changes.areas.removed = {{"INTERPERSONAL_DEFICITS", "It is no focus.", book}};
  young.changes.areas.named = {
      {"ROLE_DISPUTE", "A new dispute", "", {Evidence::kSeen, {"paper"}, "So."}}};
  young.changes.tasks.changed = {
      {.task = "BEGIN", .done_when = "It has begun anew.", .optional = true, .basis = us},
      {.task = "WORK", .due = Due{DueBy::kHalfway}, .basis = us}};
  young.changes.tools = {{"MAP", "Map", "A map.", book}};
  young.changes.measures = {{"PHQ-9", "phq-9", 4, book}};
  young.changes.notes = {{"NEW_NOTE", "Mind this.", book}};
  sample.traditions = {young, old};

  Variant plain{.id = "plain",
                .name = "Plain",
                .description = "As it comes.",
                .tradition = "OLD",
                .split = {12, 3, 3, book},
                .basis = book};
  Variant special = plain;
  special.id = "special";
  special.tradition = "NEW";
  special.max_focus = 1;
  special.changes.areas.added = {{"GRIEF_FOR_THE_HEALTHY_SELF", "It is needed.", book}};
  special.changes.areas.named = {{"ROLE_DISPUTE", "A special dispute", "A quarrel", book}};
  special.changes.tasks.added = {{"", SampleTask("LAST_OF_BEGINNING", Phase::kInitial, book)},
                                 {"BEGIN", SampleTask("AFTER_BEGIN", Phase::kInitial, book)}};
  special.changes.tasks.changed = {{.task = "BEGIN", .name = "Begin specially", .basis = book},
                                   {.task = "WORK", .phase = Phase::kEnding, .basis = book}};
  special.changes.tasks.removed = {{"END", "There is none.", book}};
  special.changes.notes = {{"SPECIAL_NOTE", "Mind that.", book}};
  sample.variants = {plain, special};
  return sample;
}

}  // namespace ipt::formulation
