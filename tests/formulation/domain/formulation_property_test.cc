// What holds of every course, whatever is done with its formulation.

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "formulation/domain/formulation_diff.h"
#include "tests/formulation/formulation_fixture.h"

namespace ipt::formulation {
namespace {

// With both ends; at every size, or the first cases would all be alike.
int Between(int least, int greatest) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(least, greatest + 1));
}

std::string OneOf(const std::vector<std::string>& words) {
  return words[Between(0, static_cast<int>(words.size()) - 1)];
}

std::optional<int> AnyNumber() {
  const int number = Between(0, 3);
  return number == 0 ? std::nullopt : std::optional<int>(number + 15);
}

// Often complete, often wrong: of few words and ids, so that two of them are often nearly equal.
FormulationContent AnyContent() {
  const std::vector<std::string> areas = {"row", "mourning", "alone", "nowhere"};
  const std::vector<std::string> goals = {"g-row", "g-mourning", "g-alone"};
  FormulationContent content = FormulationWorld::Complete(OneOf({"row", "mourning", "alone"}));
  if (Between(0, 2) == 0) content.patient_narrative = OneOf({"", "One.", "Two."});
  if (Between(0, 2) == 0) content.clinical_narrative = OneOf({"", "One.", "Two."});
  for (int more = Between(0, 2); more > 0; --more) {
    content.focus.push_back({OneOf(areas), OneOf({"", "Because."})});
    content.goal_ids.push_back(OneOf(goals));
  }
  if (Between(0, 3) == 0) content.links.push_back({.id = OneOf({"l1", "l2"})});
  if (Between(0, 3) == 0) {
    content.contract.sessions = AnyNumber();
    content.contract.weeks = AnyNumber();
    content.contract.missed_session_policy = OneOf({"", "Call us."});
  }
  return content;
}

// One that can be stored: ids are there once.
FormulationContent AnySoundContent(FormulationWorld& world) {
  FormulationContent content;
  FieldViolations bad;
  do {
    content = AnyContent();
    bad = FieldViolations();
    CheckContent(content, world.Ground().parts, 2, bad.In(""));
  } while (!bad.empty());
  return content;
}

// Any step with any etag, and any change to what a formulation names.
void TakeAnyStep(FormulationWorld& world) {
  const CourseFormulation before = world.Present();
  int64_t etag = world.PendingRevision();
  if (before.current.has_value() && Between(0, 2) == 0) etag = before.current->stamp.revision;
  if (Between(0, 5) == 0) etag = Between(0, 40);
  MemoryTx& tx = world.tx_;
  const CallContext& ctx = world.ctx_;
  switch (Between(0, 9)) {
    case 0:
    case 1:
      SaveDraft(tx, ctx, world.ids_, ShippedSet(), world.course_, before, {etag, AnyContent()})
          .IgnoreError();
      break;
    case 2:
    case 3:
      ProposeFormulation(tx, ctx, ShippedSet(), world.course_, before, etag).IgnoreError();
      break;
    case 4:
    case 5:
      AgreeFormulation(tx, ctx, world.course_, before,
                       {.if_revision = etag,
                        .agreed_on = DayOfSession(Between(1, 9)),
                        .agreed_by = AgreementParty::kPatient,
                        .mode = AgreementMode::kOnline})
          .IgnoreError();
      break;
    case 6:
      ReviseFormulation(tx, ctx, before, etag, RevisionReason::kCorrection, "").IgnoreError();
      break;
    case 7:
      WithdrawProposal(tx, ctx, before, etag, "So.").IgnoreError();
      break;
    case 8:
      DiscardDraft(tx, ctx, before, etag).IgnoreError();
      break;
    case 9: {
      const Goal goal = *tx.GetGoal("north", "k1", OneOf({"g-row", "g-mourning"}));
      Goal after = goal;
      after.description = OneOf({"To talk", "To mourn"});
      RC_ASSERT(ChangeGoal(tx, ctx, goal, after, 0).ok());
      FormulationPolicy policy = *tx.GetPolicy("north");
      policy.max_focus_areas = Between(1, 2);
      RC_ASSERT(tx.PutPolicy(policy, ctx.now).ok());
      break;
    }
  }
}

RC_GTEST_PROP(FormulationProperty, NoStepsLeadToTwoCurrentOnesThreeFociOrAnotherPast, ()) {
  FormulationWorld world;
  std::map<int, FormulationRevision> agreed;
  int agreements = 0;
  for (int step = Between(1, 40); step > 0; --step) {
    TakeAnyStep(world);
    const auto revisions = *world.tx_.ListRevisions("north", "k1", {}, 0, 1000);
    int current = 0;
    int pending = 0;
    for (const FormulationRevision& revision : revisions) {
      current += revision.state == RevisionState::kAgreed;
      pending += revision.state <= RevisionState::kProposed;
      RC_ASSERT(revision.content.focus.size() <= 2u);
      RC_ASSERT(revision.agreement.has_value() == (revision.state >= RevisionState::kAgreed));
      if (!revision.agreement.has_value()) continue;
      const auto [held, is_new] = agreed.insert({revision.number, revision});
      agreements += is_new;
      RC_ASSERT(held->second.content == revision.content);
      RC_ASSERT(held->second.snapshot == revision.snapshot);
      RC_ASSERT(held->second.agreement == revision.agreement);
      RC_ASSERT(held->second.reason == revision.reason);
    }
    RC_ASSERT(current <= 1);
    RC_ASSERT(pending <= 1);
    const CourseFormulation now = world.Present();
    RC_ASSERT(now.agreed_revisions == static_cast<int>(agreed.size()));
    // The last one that was agreed is the current one, and none was agreed on an earlier day.
    if (!agreed.empty()) {
      RC_ASSERT(now.current->number == agreed.rbegin()->first);
      for (const auto& [number, revision] : agreed) {
        RC_ASSERT(revision.agreement->agreed_on <= now.current->agreement->agreed_on);
      }
    }
  }
  RC_CLASSIFY(agreements > 0, "agreed");
  RC_CLASSIFY(agreements > 1, "superseded");
}

RC_GTEST_PROP(FormulationProperty, TwoOfThemDifferInNothingOnlyWhereTheyAreEqual, ()) {
  FormulationWorld world;
  const FormulationGround ground = world.Ground();
  const FormulationContent a = AnySoundContent(world);
  const FormulationContent b = Between(0, 4) == 0 ? a : AnySoundContent(world);
  const FormulationSnapshot x = SnapshotOf(a, ground.parts, ground.protocol);
  const FormulationSnapshot y = SnapshotOf(b, ground.parts, ground.protocol);
  const std::vector<FieldChange> forth = Diff("north", "k1", {a, x}, {b, y});
  const std::vector<FieldChange> back = Diff("north", "k1", {b, y}, {a, x});
  RC_ASSERT(forth.empty() == (a == b));
  RC_ASSERT(forth.size() == back.size());
  const auto count = [](const std::vector<FieldChange>& changes, FieldChangeKind kind) {
    return std::count_if(changes.begin(), changes.end(),
                         [&](const FieldChange& change) { return change.kind == kind; });
  };
  RC_ASSERT(count(forth, FieldChangeKind::kAdded) == count(back, FieldChangeKind::kRemoved));
  RC_CLASSIFY(a == b, "equal");
}

}  // namespace
}  // namespace ipt::formulation
