// Documents that are not what was written are damaged rows: an error that names the column, and
// holds nothing of the document.
#include "formulation/storage/formulation_json.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt::formulation {
namespace {

using ::ipt::testing::IsOk;
using ::ipt::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

template <typename T>
void ExpectDamaged(absl::Status (*decode)(absl::string_view, T&), const std::string& text,
                   const std::string& column) {
  T value;
  const absl::Status status = decode(text, value);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal)) << text;
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(column), Not(HasSubstr("secret"))));
}

absl::Status (*const kDecodeProposed)(absl::string_view, FormulationSnapshot&) =
    [](absl::string_view text, FormulationSnapshot& snapshot) {
      return DecodeSnapshot(text, RevisionState::kProposed, snapshot);
    };

TEST(FormulationJsonTest, WhatIsNotWrittenStaysWhatItIs) {
  Relationship relationship;
  EXPECT_EQ(EncodeRelationship(relationship), "{}");
  EXPECT_OK(DecodeRelationship("{}", relationship));
  EXPECT_EQ(relationship, Relationship{});
}

TEST(FormulationJsonTest, ZeroAndFalseAreNotUnset) {
  Relationship relationship;
  relationship.satisfaction = 0;
  relationship.confidant = false;
  Relationship read;
  EXPECT_OK(DecodeRelationship(EncodeRelationship(relationship), read));
  EXPECT_EQ(read, relationship);
}

TEST(FormulationJsonTest, RefusesWhatIsNoSuchDocument) {
  for (const char* text : {"",
                           "{",
                           "null",
                           "[]",
                           "7",
                           "\"secret\"",
                           R"({"display_name": 1})",
                           R"({"secret": "x"})",
                           R"({"kind": 13})",
                           R"({"kind": -1})",
                           R"({"kind": "secret"})",
                           R"({"kind": 1.5})",
                           R"({"satisfaction": 99999999999})",
                           R"({"satisfaction": 18446744073709551615})",
                           R"({"satisfaction": null})",
                           R"({"confidant": 1})",
                           R"({"start": 2020})",
                           R"({"start": {"year": 2020, "secret": 1}})",
                           R"({"expectations": {}})",
                           R"({"expectations": ["secret"]})",
                           R"({"expectations": [{"holder": 3}]})",
                           "{\"display_name\": \"secret \xff\"}"}) {
    ExpectDamaged(DecodeRelationship, text, "relationships.document");
  }
}

TEST(FormulationJsonTest, NamesEachColumn) {
  const std::string text = R"({"secret": "secret"})";
  ExpectDamaged(DecodeLifeEvent, text, "life_events.document");
  ExpectDamaged(DecodeProblemArea, text, "problem_areas.document");
  ExpectDamaged(DecodeGoal, text, "goals.document");
  ExpectDamaged(DecodeContent, text, "formulation_revisions.content");
  ExpectDamaged(kDecodeProposed, text, "formulation_revisions.snapshot");
  ExpectDamaged(DecodeAgreement, text, "formulation_revisions.agreement");
  ExpectDamaged(DecodeDetails, text, "formulation_revisions.details");
  ExpectDamaged(DecodeChanges, text, "formulation_revisions.changes");
  ExpectDamaged(DecodeOutline, text, "formulation_revisions.outline");
  ExpectDamaged(DecodeWorkDone, text, "session_work.done");
  ExpectDamaged(DecodeWorkNotes, text, "session_work.notes");
  ExpectDamaged(DecodeTermination, text, "terminations.document");
  ExpectDamaged(DecodePolicy, text, "formulation_policies.policy");
}

TEST(FormulationJsonTest, RefusesDaysThatNobodyLives) {
  ExpectDamaged(DecodeAgreement, R"({"agreed_on": 9223372036854775807})", "agreement");
  ExpectDamaged(DecodeAgreement, R"({"agreed_on": -719163})", "agreement");
  Agreement agreement;
  EXPECT_OK(DecodeAgreement(R"({"agreed_on": -719162})", agreement));
  EXPECT_EQ(agreement.agreed_on, absl::CivilDay(1, 1, 1));
}

TEST(FormulationJsonTest, AnEventHasItsStartAndDatesArePossible) {
  for (const char* text : {R"({})", R"({"start": {}})", R"({"start": {"year": 2025, "day": 1}})",
                           R"({"start": {"year": 2025, "month": 13}})",
                           R"({"start": {"year": 2025}, "end": {"year": 2025, "month": -1}})"}) {
    ExpectDamaged(DecodeLifeEvent, text, "life_events.document");
  }
  LifeEvent event;
  EXPECT_OK(DecodeLifeEvent(R"({"start": {"year": 2025}})", event));
  ExpectDamaged(DecodeRelationship, R"({"start": {"month": 2}})", "relationships.document");
}

TEST(FormulationJsonTest, WhatWasProposedHasItsFocus) {
  for (const char* text :
       {R"({})", R"({"areas": []})", R"({"areas": [{"area": "row"}]})",
        R"({"areas": [{"area": "row", "position": 2}, {"area": "mourning", "position": 1}]})",
        R"({"areas": [{"area": "row", "position": 1}], "life_events": [{"life_event": "e"}]})"}) {
    ExpectDamaged(kDecodeProposed, text, "formulation_revisions.snapshot");
  }
  FormulationSnapshot snapshot;
  EXPECT_OK(DecodeSnapshot("{}", RevisionState::kDraft, snapshot));
  EXPECT_OK(kDecodeProposed(R"({"areas": [{"area": "row", "position": 1}]})", snapshot));
}

TEST(FormulationJsonTest, NotesAreOfTheWorkThatWasDone) {
  ExpectDamaged(DecodeWorkNotes, R"({"tasks": ["secret"]})", "session_work.notes");
  ExpectDamaged(DecodeWorkNotes, R"({"focus": ["secret"]})", "session_work.notes");
  SessionWork work{.tasks = {{.task = "TIMELINE"}}};
  EXPECT_THAT(DecodeWorkNotes("{}", work), StatusIs(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace ipt::formulation
