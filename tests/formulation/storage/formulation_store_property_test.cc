// The store in memory, by which use cases are tested, and the store on SQL answer alike, whatever
// is done with a course.

#include <rapidcheck.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "course_copies/storage/course_copies_migrations.h"
#include "formulation/storage/formulation_migrations.h"
#include "formulation/storage/sql_formulation_store.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/platform_migrations.h"
#include "tests/formulation/formulation_fixture.h"
#include "tests/support/temp_database.h"

namespace ipt::formulation {
namespace {

// The range of generated integers includes its ends.
int Between(int least, int greatest) { return *rc::gen::inRange(least, greatest + 1); }

std::string OneOf(const std::vector<std::string>& words) {
  return words[Between(0, static_cast<int>(words.size()) - 1)];
}

class NoEvents final : public EventEncoder {
 public:
  Encoded Encode(const Event&) const override { return {"north", "subject", "KIND", "payload"}; }
};

// One of the two stores, and what it gives ids from.
struct Side {
  std::function<absl::Status(absl::FunctionRef<absl::Status(FormulationTx&)>)> write;
  NumberedIds ids{};
};

// Something that is done with a course, the same way on both sides.
using Deed = std::function<absl::Status(FormulationTx&, IdSource&)>;

class World {
 public:
  explicit World(const std::string& clinic)
      : course_(CourseOf("ipt-uk-16", 8)), ctx_(ContextAt(At(DayOfSession(8) + 1))) {
    course_.clinic_id = clinic;
    ctx_.clinic_id = clinic;
  }

  Deed AnyDeed() {
    if (Between(0, 1) == 0) return Between(0, 1) == 0 ? Forward() : AnyStep();
    switch (Between(0, 10)) {
      case 0:
        return AddPerson(OneOf({"m", "dad", "ann"}));
      case 1:
        return ChangePerson(OneOf({"m", "dad", "ann"}));
      case 2:
        return DropPerson(OneOf({"m", "dad", "ann"}));
      case 3:
        return AddEvent(OneOf({"fall", "quarrel"}));
      case 4:
        return AddArea(OneOf({"row", "mourning"}));
      case 5:
        return AddGoal(OneOf({"g-row", "g-mourning"}));
      case 6:
        return Rate(OneOf({"g-row", "g-mourning"}));
      case 7:
        return DropRating();
      case 8:
        return Work(Between(1, 9));
      case 9:
        return End();
      default:
        return Rule();
    }
  }
  // The next step towards an agreement, so that these come about.
  Deed Forward() {
    return Step(/*stale=*/false, [this, content = AnyContent()](auto& tx, auto& ids,
                                                                const auto& before, int64_t etag) {
      if (!before.pending.has_value() && before.current.has_value()) {
        return ReviseFormulation(tx, ctx_, before, before.current->stamp.revision,
                                 RevisionReason::kCorrection, "")
            .status();
      }
      if (!before.pending.has_value()) {
        return SaveDraft(tx, ctx_, ids, ShippedSet(), course_, before, {etag, content}).status();
      }
      if (before.pending->state == RevisionState::kDraft) {
        return ProposeFormulation(tx, ctx_, ShippedSet(), course_, before, etag).status();
      }
      return AgreeFormulation(tx, ctx_, course_, before,
                              {.if_revision = etag,
                               .agreed_on = DayOfSession(8),
                               .agreed_by = AgreementParty::kPatient,
                               .mode = AgreementMode::kOnline})
          .status();
    });
  }
  Deed AnyStep() {
    const bool stale = Between(0, 9) == 0;
    switch (Between(0, 8)) {
      case 0:
      case 1:
        return Step(stale, [this, content = AnyContent()](auto& tx, auto& ids, const auto& before,
                                                          int64_t etag) {
          return SaveDraft(tx, ctx_, ids, ShippedSet(), course_, before, {etag, content}).status();
        });
      case 2:
      case 3:
        return Step(stale, [this](auto& tx, auto&, const auto& before, int64_t etag) {
          return ProposeFormulation(tx, ctx_, ShippedSet(), course_, before, etag).status();
        });
      case 4:
      case 5:
        return Step(stale, [this, day = DayOfSession(Between(1, 9))](
                               auto& tx, auto&, const auto& before, int64_t etag) {
          return AgreeFormulation(tx, ctx_, course_, before,
                                  {.if_revision = etag,
                                   .agreed_on = day,
                                   .agreed_by = AgreementParty::kPatient,
                                   .mode = AgreementMode::kOnline})
              .status();
        });
      case 6:
        return Step(stale, [this](auto& tx, auto&, const auto& before, int64_t) {
          const int64_t etag =
              before.current.has_value() ? before.current->stamp.revision : int64_t{0};
          return ReviseFormulation(tx, ctx_, before, etag, RevisionReason::kCorrection, "")
              .status();
        });
      case 7:
        return Step(stale, [this](auto& tx, auto&, const auto& before, int64_t etag) {
          return WithdrawProposal(tx, ctx_, before, etag, "So.").status();
        });
      default:
        return Step(stale, [this](auto& tx, auto&, const auto& before, int64_t etag) {
          return DiscardDraft(tx, ctx_, before, etag).status();
        });
    }
  }

  // All that proposing needs, so that agreements come about.
  std::vector<Deed> Beginning() {
    return {AddPerson("m"),      AddEvent("fall"), AddEvent("quarrel"),  AddArea("row"),
            AddArea("mourning"), AddGoal("g-row"), AddGoal("g-mourning")};
  }

  const std::string& clinic() const { return course_.clinic_id; }
  const std::string& course() const { return course_.course_id; }

 private:
  template <typename Take>
  Deed Step(bool stale, Take take) {
    return [this, stale, take](FormulationTx& tx, IdSource& ids) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const auto before, tx.GetFormulation(clinic(), course()));
      const int64_t etag = before.pending.has_value() ? before.pending->stamp.revision : 0;
      return take(tx, ids, before, stale ? int64_t{987654321} : etag);
    };
  }
  static FormulationContent AnyContent() {
    FormulationContent content = FormulationWorld::Complete(OneOf({"row", "mourning"}));
    if (Between(0, 3) == 0) content.patient_narrative = OneOf({"", "One.", "Zwei ☃"});
    if (Between(0, 3) == 0) content.links.push_back({.symptom_text = "tired"});
    if (Between(0, 3) == 0) content.contract.sessions = Between(0, 20);
    return content;
  }

  Deed AddPerson(const std::string& id) {
    return [this, id](FormulationTx& tx, IdSource& ids) {
      return CreateRelationship(tx, ctx_, ids, course_, Person(id, RelationshipStatus::kCurrent))
          .status();
    };
  }
  Deed ChangePerson(const std::string& id) {
    const int satisfaction = Between(0, 10);
    return [this, id, satisfaction](FormulationTx& tx, IdSource&) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const auto before, tx.GetRelationship(clinic(), course(), id));
      Relationship after = before;
      after.satisfaction = satisfaction;
      return ChangeRelationship(tx, ctx_, before, after, 0).status();
    };
  }
  Deed DropPerson(const std::string& id) {
    return [this, id](FormulationTx& tx, IdSource&) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const auto before, tx.GetRelationship(clinic(), course(), id));
      return RemoveRelationship(tx, ctx_, before, 0);
    };
  }
  Deed AddEvent(const std::string& id) {
    const auto kind = id == "fall" ? LifeEventKind::kSymptomOnset : LifeEventKind::kDispute;
    return [this, id, kind](FormulationTx& tx, IdSource& ids) {
      return CreateLifeEvent(tx, ctx_, ids, course_, Happened(id, kind, {2025, 10})).status();
    };
  }
  Deed AddArea(const std::string& id) {
    const auto kind = id == "row" ? ProblemAreaKind::kRoleDispute : ProblemAreaKind::kGrief;
    return [this, id, kind](FormulationTx& tx, IdSource& ids) {
      return CreateProblemArea(tx, ctx_, ids, ShippedSet(), course_, AreaOf(id, kind)).status();
    };
  }
  Deed AddGoal(const std::string& id) {
    return [this, id](FormulationTx& tx, IdSource& ids) {
      return CreateGoal(tx, ctx_, ids, course_, GoalOf(id, id.substr(2))).status();
    };
  }
  Deed Rate(const std::string& id) {
    const GoalRating rating{.value = Between(0, 11),
                            .rater = static_cast<GoalRater>(Between(1, 2)),
                            .rated_on = DayOfSession(Between(1, 8)),
                            .note = OneOf({"", "better"})};
    return [this, id, rating](FormulationTx& tx, IdSource& ids) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const auto goal, tx.GetGoal(clinic(), course(), id));
      return RateGoal(tx, ctx_, ids, course_, goal, rating).status();
    };
  }
  Deed DropRating() {
    return [this](FormulationTx& tx, IdSource&) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const auto ratings, tx.ListRatings(clinic(), course(), {}, {}, 1));
      if (ratings.empty()) return absl::OkStatus();
      IPT_ASSIGN_OR_RETURN(const auto goal, tx.GetGoal(clinic(), course(), ratings[0].goal_id));
      return RemoveRating(tx, ctx_, goal, ratings[0]);
    };
  }
  Deed Work(int number) {
    const SessionWork work{.techniques = {Shipped().techniques[Between(0, 3)].code},
                           .process_notes = OneOf({"", "quiet"})};
    return [this, number, work](FormulationTx& tx, IdSource&) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const auto before,
                           tx.GetSessionWork(clinic(), course(), SessionId(number)));
      return RecordSessionWork(tx, ctx_, ShippedSet(), course_, before, work, 0).status();
    };
  }
  Deed End() {
    Termination termination{.gains = OneOf({"", "much"}), .plan_steps = {"walk"}};
    if (Between(0, 1) == 0) termination.plan_given_on = DayOfSession(Between(1, 8));
    return [this, termination](FormulationTx& tx, IdSource&) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const auto before, tx.GetTermination(clinic(), course()));
      return UpdateTermination(tx, ctx_, before, termination, 0).status();
    };
  }
  Deed Rule() {
    const FormulationPolicy policy{.max_focus_areas = Between(1, 3)};
    return [this, policy](FormulationTx& tx, IdSource&) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const auto before, tx.GetPolicy(clinic()));
      return UpdatePolicy(tx, ctx_, Shipped(), before, policy, 0).status();
    };
  }

  courses::CopiedCourse course_;
  CallContext ctx_;
};

// What a store says of the course. Revisions are counted differently, and are left out.
struct Answers {
  FormulationPolicy policy{};
  std::vector<Relationship> relationships{};
  std::vector<LifeEvent> events{};
  std::vector<ProblemArea> areas{};
  std::vector<Goal> goals{};
  std::vector<GoalRating> ratings{};
  CourseFormulation formulation{};
  std::vector<FormulationRevision> revisions{};
  std::vector<FormulationRevision> older{};
  std::vector<CourseFocus> focuses{};
  std::vector<SessionWork> work{};
  Termination termination{};
  std::vector<CourseRecords> records{};
  friend bool operator==(const Answers&, const Answers&) = default;
};

void Blank(Stamp& stamp) { stamp.revision = stamp.revision == 0 ? 0 : 1; }
template <typename T>
void Blank(std::vector<T>& rows) {
  for (T& row : rows) Blank(row.stamp);
}
template <typename T>
void Blank(std::optional<T>& row) {
  if (row.has_value()) Blank(row->stamp);
}

absl::Status Ask(FormulationReader& reader, const World& world, Answers& said) {
  const std::string& clinic = world.clinic();
  const std::string& course = world.course();
  IPT_ASSIGN_OR_RETURN(said.policy, reader.GetPolicy(clinic));
  IPT_ASSIGN_OR_RETURN(said.relationships, reader.ListRelationships(clinic, course));
  IPT_ASSIGN_OR_RETURN(said.events, reader.ListLifeEvents(clinic, course));
  IPT_ASSIGN_OR_RETURN(said.areas, reader.ListProblemAreas(clinic, course));
  IPT_ASSIGN_OR_RETURN(said.goals, reader.ListGoals(clinic, course));
  IPT_ASSIGN_OR_RETURN(said.ratings, reader.ListRatings(clinic, course, {}, {}, 100));
  IPT_ASSIGN_OR_RETURN(said.formulation, reader.GetFormulation(clinic, course));
  IPT_ASSIGN_OR_RETURN(said.revisions, reader.ListRevisions(clinic, course, {}, 0, 100));
  IPT_ASSIGN_OR_RETURN(said.older, reader.ListRevisions(clinic, course, {}, 2, 100));
  IPT_ASSIGN_OR_RETURN(said.focuses, reader.ListCourseFocuses(clinic, {}, "", 100));
  IPT_ASSIGN_OR_RETURN(said.work, reader.ListSessionWork(clinic, course));
  IPT_ASSIGN_OR_RETURN(said.termination, reader.GetTermination(clinic, course));
  IPT_ASSIGN_OR_RETURN(said.records, reader.ListCourseRecords(clinic, {course}));
  Blank(said.policy.stamp);
  Blank(said.relationships);
  Blank(said.events);
  Blank(said.areas);
  Blank(said.goals);
  for (Goal& goal : said.goals) {
    Blank(goal.ratings.first_patient);
    Blank(goal.ratings.last_patient);
    Blank(goal.ratings.last_therapist);
  }
  Blank(said.ratings);
  Blank(said.formulation.stamp);
  Blank(said.formulation.pending);
  Blank(said.formulation.current);
  Blank(said.revisions);
  Blank(said.older);
  for (CourseFocus& focus : said.focuses) focus.revision = 1;
  Blank(said.work);
  Blank(said.termination.stamp);
  return absl::OkStatus();
}

class StoresTest : public ::testing::TestWithParam<storage::Dialect> {
 protected:
  NoEvents encoder_;
  ipt::testing::TempDatabase db_{
      GetParam(),
      {storage::PlatformMigrations(), courses::CourseCopiesMigrations(), FormulationMigrations()}};
  SqlFormulationStore store_{*db_, encoder_};
  int clinics_ = 0;
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(StoresTest);

TEST_P(StoresTest, AnswerAlikeWhateverIsDone) {
  int superseded = 0;
  EXPECT_TRUE(rc::check([&] {
    World world(absl::StrCat("c", ++clinics_));
    MemoryTx memory;
    Side in_memory{[&](auto body) { return body(memory); }};
    Side on_sql{[&](auto body) { return store_.Write(absl::InfiniteFuture(), body); }};
    const auto compare = [&] {
      Answers of_memory;
      Answers of_sql;
      RC_ASSERT(Ask(memory, world, of_memory).ok());
      RC_ASSERT(store_
                    .Read(absl::InfiniteFuture(),
                          [&](FormulationReader& reader) { return Ask(reader, world, of_sql); })
                    .ok());
      RC_ASSERT(of_memory.relationships == of_sql.relationships);
      RC_ASSERT(of_memory.goals == of_sql.goals);
      RC_ASSERT(of_memory.ratings == of_sql.ratings);
      RC_ASSERT(of_memory.formulation == of_sql.formulation);
      RC_ASSERT(of_memory.revisions == of_sql.revisions);
      RC_ASSERT(of_memory.records == of_sql.records);
      RC_ASSERT(of_memory == of_sql);
      return of_sql.formulation.agreed_revisions;
    };
    std::vector<Deed> deeds = world.Beginning();
    for (int more = Between(1, 30); more > 0; --more) deeds.push_back(world.AnyDeed());
    int done = 0;
    for (const Deed& deed : deeds) {
      std::vector<absl::Status> ended;
      for (Side* side : {&in_memory, &on_sql}) {
        ended.push_back(side->write([&](FormulationTx& tx) -> absl::Status {
          IPT_RETURN_IF_ERROR(tx.LockScope(world.clinic(), world.course()));
          return deed(tx, side->ids);
        }));
      }
      RC_ASSERT(ended[0].code() == ended[1].code());
      RC_ASSERT(ErrorReasonOf(ended[0]) == ErrorReasonOf(ended[1]));
      if (++done % 8 == 0) compare();
    }
    const int agreements = compare();
    superseded += agreements > 1;
  }));
  EXPECT_GT(superseded, 0);
}

}  // namespace
}  // namespace ipt::formulation
