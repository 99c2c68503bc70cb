// Every promise of the store's port (domain/store.h), on both engines.
#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "course_copies/storage/course_copies_migrations.h"
#include "formulation/domain/names.h"
#include "formulation/domain/reasons.h"
#include "formulation/storage/formulation_migrations.h"
#include "formulation/storage/sql_formulation_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/platform_migrations.h"
#include "platform/storage/sql_error.h"
#include "tests/support/query_plans.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::formulation {
namespace {

using ::ipt::testing::FailsWith;
using ::ipt::testing::StatusIs;
using storage::Connection;
using storage::SqlErrorKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr auto kNotFound = absl::StatusCode::kNotFound;
constexpr auto kTaken = absl::StatusCode::kAlreadyExists;

// Everything beyond ASCII that a text may hold, and what SQL and JSON would stumble over.
constexpr char kHardText[] = "Ünï ☃ 𝄞 'q' \"d\" \\ :name ? $1 % {} \n\t";

absl::Time At(int minutes) {
  return absl::FromUnixSeconds(1767225600 + 60 * minutes) + absl::Microseconds(7);
}
absl::CivilDay Day(int number) { return absl::CivilDay(2026, 1, 1) + number; }

class TestEncoder final : public EventEncoder {
 public:
  Encoded Encode(const Event& event) const override {
    return {"north", absl::StrCat("subject-", event.index()), absl::StrCat("KIND_", event.index()),
            std::string("payload\0with nul", 16)};
  }
};

// How many statements ran.
class StatementCounter final : public storage::StorageObserver {
 public:
  void OnStatement(absl::string_view, absl::Duration, bool) override { ++count; }
  std::atomic<int> count = 0;
};

// ------------------------------------------------------------------------------------- samples

Relationship FullRelationship(const std::string& id) {
  return {.clinic_id = "north",
          .course_id = "k1",
          .relationship_id = id,
          .display_name = kHardText,
          .kind = RelationshipKind::kOther,
          .status = RelationshipStatus::kDeceased,
          .start_date = PartialDate{1999, 2, 28, true},
          .end_date = PartialDate{2025},
          .closeness_circle = 3,
          .quality = RelationshipQuality::kEstranged,
          .contact_frequency = ContactFrequency::kNone,
          .contact_note = "c",
          .expectations = {{ExpectationHolder::kOther, kHardText, ExpectationFulfilment::kUnclear},
                           {ExpectationHolder::kPatient, "e", ExpectationFulfilment::kUnspecified}},
          .satisfying_aspects = "s",
          .unsatisfying_aspects = "u",
          .satisfaction = 0,
          .changes_wanted = "w",
          .confidant = false,
          .mood_link = "m",
          .attachment_notes = "a"};
}

LifeEvent FullLifeEvent(const std::string& id) {
  return {.clinic_id = "north",
          .course_id = "k1",
          .life_event_id = id,
          .kind = LifeEventKind::kOther,
          .display_name = kHardText,
          .start_date = PartialDate{2024, 11},
          .end_date = PartialDate{2025, 1, 2},
          .ongoing = true,
          .relationship_ids = {"b", "a"},
          .impact = -5,
          .description = "d"};
}

ProblemArea FullArea(const std::string& id) {
  return {.clinic_id = "north",
          .course_id = "k1",
          .problem_area_id = id,
          .kind = ProblemAreaKind::kGriefForTheHealthySelf,
          .display_name = kHardText,
          .evidence = {{"C1", CriterionFinding::kUnclear, "n"}, {"C2", CriterionFinding::kAbsent}},
          .onset_links = {{"e1", EventRelation::kUnrelated, "n"}},
          .grief = GriefDetail{"dad", "c", "m"},
          .role_dispute = RoleDisputeDetail{"p", DisputeStage::kDissolution, "i", "pe", "oe", "h"},
          .role_transition = RoleTransitionDetail{"e", "o", "n", "l", "s"},
          .interpersonal_deficits = InterpersonalDetail{"past", "patterns"},
          .patient_severity = 0,
          .therapist_severity = 10,
          .patient_view = "pv",
          .therapist_view = "tv",
          .change_prospect = ChangeProspect::kUnlikely,
          .rank = 2};
}

GoalRating FullRating(const std::string& id, absl::CivilDay day,
                      GoalRater rater = GoalRater::kPatient, const std::string& goal = "g1") {
  return {.clinic_id = "north",
          .course_id = "k1",
          .goal_id = goal,
          .rating_id = id,
          .value = 0,
          .rater = rater,
          .rated_on = day,
          .session_id = "s1",
          .note = kHardText,
          .caller = "ana@north"};
}

Goal FullGoal(const std::string& id) {
  GoalRating rating = FullRating("r1", Day(1), GoalRater::kPatient, id);
  rating.stamp = {.revision = 4, .create_time = At(1), .update_time = At(2)};
  return {.clinic_id = "north",
          .course_id = "k1",
          .goal_id = id,
          .description = kHardText,
          .problem_area_id = "row",
          .measure = "m",
          .target_date = Day(40),
          .state = GoalState::kAbandoned,
          .ratings = {.first_patient = rating,
                      .last_patient = rating,
                      .last_therapist = rating,
                      .count = 3},
          .changes = {{At(0), GoalState::kProposed, "ana", ""},
                      {At(5), GoalState::kAbandoned, "ben", "why"}}};
}

FormulationContent FullContent(const std::string& text = kHardText) {
  return {.patient_narrative = text,
          .clinical_narrative = "c",
          .focus = {{"row", ""}, {"mourning", "r"}},
          .links = {{.id = "l1",
                     .symptom_text = "t",
                     .life_event_id = "e",
                     .problem_area_id = "row",
                     .goal_ids = {"g2", "g1"},
                     .explanation = "x"},
                    {.id = "l2", .symptom_event_id = "fall"}},
          .goal_ids = {"g2", "g1"},
          .contract = {.sessions = 16,
                       .weeks = 17,
                       .session_minutes = 50,
                       .cadence_days = 7,
                       .end_date = Day(120),
                       .missed_session_policy = "m",
                       .here_and_now_focus = "h",
                       .practicalities = "p"}};
}

FormulationSnapshot FullSnapshot(ProblemAreaKind primary, ProblemAreaKind secondary) {
  FormulationSnapshot snapshot{
      .problem_areas = {{"row", FocusPosition::kPrimary, primary, kHardText, "plain",
                         DisputeStage::kImpasse}},
      .goals = {{"g2", "d", "row"}, {"g1", "", ""}},
      .life_events = {{"e", LifeEventKind::kOther, "n", PartialDate{2025, 3}}}};
  if (secondary != ProblemAreaKind::kUnspecified) {
    snapshot.problem_areas.push_back({"mourning", FocusPosition::kSecondary, secondary});
  }
  snapshot.problem_areas.push_back(
      {"alone", FocusPosition::kUnspecified, ProblemAreaKind::kInterpersonalDeficits, "x"});
  return snapshot;
}

FormulationRevision Draft(const std::string& course = "k1") {
  return {.clinic_id = "north",
          .course_id = course,
          .state = RevisionState::kDraft,
          .content = FullContent(),
          .reason = RevisionReason::kOther,
          .reason_text = "rt",
          .based_on = 3,
          .changes = {{At(0), RevisionChangeKind::kBegun, "ana", "b"}},
          .caller = "ana"};
}

SessionWork FullWork(const std::string& session) {
  return {.clinic_id = "north",
          .course_id = "k1",
          .session_id = session,
          .tasks = {{"TIMELINE", TaskWorkState::kDone, kHardText},
                    {"CLOSENESS", TaskWorkState::kBegun, ""}},
          .focus_work = {{"row", {"S2", "S1"}, ""}, {"mourning", {}, "n"}},
          .techniques = {"T2", "T1"},
          .mood_and_events = "m",
          .tryouts_reviewed = "r",
          .tryouts_agreed = "a",
          .process_notes = "p",
          .caller = "ana"};
}

Termination FullTermination() {
  return {.clinic_id = "north",
          .course_id = "k1",
          .gains = kHardText,
          .remaining_difficulties = "r",
          .feelings_about_ending = "f",
          .early_warning_signs = {"w1", "w2"},
          .risk_situations = {"r1"},
          .plan_steps = {"p1"},
          .contacts = {{"Ann", "call"}, {"Ben", ""}},
          .plan_given_on = Day(100),
          .nonresponse_plan = "n",
          .continuation = ContinuationDecision::kReferral,
          .continuation_note = "c",
          .decided_on = Day(101),
          .caller = "ana"};
}

FormulationPolicy FullPolicy(const std::string& clinic = "north") {
  return {.clinic_id = clinic,
          .version = 1,
          .tradition = "ipt-uk",
          .max_focus_areas = 1,
          .focus_by_session = 5,
          .termination_sessions_before_end = 3,
          .unrecorded_in_a_row = 4,
          .record_days = 0,
          .without_focus_work_in_a_row = 6,
          .midpoint_grace_sessions = 0,
          .disabled_rules = {FindingRule::kGoalsLeftOpen, FindingRule::kTaskOverdue}};
}

class FormulationStoreTest : public ::testing::TestWithParam<storage::Dialect> {
 protected:
  template <typename Body>
  auto Write(Body body) -> std::invoke_result_t<Body, FormulationTx&> {
    using Result = std::invoke_result_t<Body, FormulationTx&>;
    std::optional<Result> result;
    absl::Status status =
        store_.Write(absl::InfiniteFuture(), [&](FormulationTx& tx) -> absl::Status {
          IPT_RETURN_IF_ERROR(tx.LockScope("north", "k1"));
          result.emplace(body(tx));
          return ipt::testing::GetStatus(*result);
        });
    if (!status.ok()) return status;
    return *std::move(result);
  }
  template <typename Body>
  auto Read(Body body) -> std::invoke_result_t<Body, FormulationReader&> {
    using Result = std::invoke_result_t<Body, FormulationReader&>;
    std::optional<Result> result;
    const absl::Status status = store_.Read(absl::InfiniteFuture(), [&](FormulationReader& reader) {
      result.emplace(body(reader));
      return ipt::testing::GetStatus(*result);
    });
    if (!status.ok()) return status;
    return *std::move(result);
  }
  // What Read answers, which has to be there.
  template <typename Body>
  auto Must(Body body) -> typename std::invoke_result_t<Body, FormulationReader&>::value_type {
    auto result = Read(body);
    EXPECT_OK(result);
    if (!result.ok()) return {};
    return *std::move(result);
  }

  // Inserted at At(0).
  absl::Status Insert(Relationship& r) {
    return Write([&](FormulationTx& tx) { return tx.InsertRelationship(r, At(0)); });
  }
  absl::Status Insert(LifeEvent& e) {
    return Write([&](FormulationTx& tx) { return tx.InsertLifeEvent(e, At(0)); });
  }
  absl::Status Insert(ProblemArea& a) {
    return Write([&](FormulationTx& tx) { return tx.InsertProblemArea(a, At(0)); });
  }
  absl::Status Insert(Goal& g) {
    return Write([&](FormulationTx& tx) { return tx.InsertGoal(g, At(0)); });
  }
  absl::Status Insert(GoalRating& r) {
    return Write([&](FormulationTx& tx) { return tx.InsertRating(r, At(0)); });
  }
  absl::Status Put(SessionWork& work, int minutes = 0) {
    return Write([&](FormulationTx& tx) { return tx.PutSessionWork(work, At(minutes)); });
  }

  CourseFormulation Formulation(const std::string& course = "k1",
                                const std::string& clinic = "north") {
    return Must([&](FormulationReader& r) { return r.GetFormulation(clinic, course); });
  }
  // Writes what `step` makes of the formulation as it stands, and answers with what it wrote.
  template <typename Step>
  CourseFormulation Take(Step step, const std::string& course = "k1") {
    const auto written = Write([&](FormulationTx& tx) -> absl::StatusOr<CourseFormulation> {
      IPT_ASSIGN_OR_RETURN(const CourseFormulation before, tx.GetFormulation("north", course));
      CourseFormulation after = before;
      std::optional<FormulationRevision> superseded;
      step(after, superseded);
      IPT_RETURN_IF_ERROR(tx.PutFormulation(
          before, after, superseded.has_value() ? &*superseded : nullptr, At(++steps_)));
      return after;
    });
    EXPECT_OK(written);
    return written.ok() ? *written : CourseFormulation{};
  }
  CourseFormulation Begin(const std::string& course = "k1") {
    return Take([&](CourseFormulation& after, auto&) { after.pending = Draft(course); }, course);
  }
  CourseFormulation Propose(const std::string& course = "k1",
                            ProblemAreaKind primary = ProblemAreaKind::kRoleDispute,
                            ProblemAreaKind secondary = ProblemAreaKind::kGrief) {
    return Take(
        [&](CourseFormulation& after, auto&) {
          after.pending->number = ++after.last_number;
          after.pending->state = RevisionState::kProposed;
          after.pending->snapshot = FullSnapshot(primary, secondary);
          after.pending->changes.push_back({At(90), RevisionChangeKind::kProposed, "ana"});
        },
        course);
  }
  CourseFormulation Agree(const std::string& course = "k1", absl::CivilDay day = Day(20)) {
    return Take(
        [&](CourseFormulation& after, std::optional<FormulationRevision>& superseded) {
          if (after.current.has_value()) {
            superseded = after.current;
            superseded->state = RevisionState::kSuperseded;
            superseded->changes.push_back({At(99), RevisionChangeKind::kSuperseded, "ana"});
          }
          after.current = std::exchange(after.pending, std::nullopt);
          after.current->state = RevisionState::kAgreed;
          after.current->agreement = Agreement{.agreed_on = day,
                                               .agreed_by = AgreementParty::kGuardian,
                                               .mode = AgreementMode::kOnline,
                                               .session_id = "s4",
                                               .session_number = 4,
                                               .record_time = At(98),
                                               .caller = "ana"};
          ++after.agreed_revisions;
          if (!after.first_agreed_on.has_value()) {
            after.first_agreed_on = day;
            after.first_primary_kind = after.current->snapshot.problem_areas[0].kind;
          }
        },
        course);
  }
  void AgreeOn(const std::string& course, absl::CivilDay day, ProblemAreaKind primary,
               ProblemAreaKind secondary = ProblemAreaKind::kUnspecified) {
    Begin(course);
    Propose(course, primary, secondary);
    Agree(course, day);
  }

  absl::Status Script(const std::string& sql) {
    return db_->Write({}, [&](Connection& conn) { return conn.ExecuteScript(sql); });
  }
  int64_t Count(const std::string& from) {
    int64_t count = -1;
    EXPECT_OK(db_->Read({}, [&](Connection& conn) {
      return conn.Query(
          {absl::StrCat("SELECT COUNT(*) FROM ", from), {storage::ColumnType::kInt64}}, {},
          [&](const storage::Row& row) {
            count = row.Int64(0);
            return absl::OkStatus();
          });
    }));
    return count;
  }

  TestEncoder encoder_;
  StatementCounter statements_;
  ipt::testing::TempDatabase db_{
      GetParam(),
      {storage::PlatformMigrations(), courses::CourseCopiesMigrations(), FormulationMigrations()},
      {},
      nullptr,
      &statements_};
  std::atomic<int> commits_ = 0;
  SqlFormulationStore store_{*db_, encoder_, [this] { ++commits_; }};
  int steps_ = 0;
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(FormulationStoreTest);

// ----------------------------------------------------------------------------------- transactions

TEST_P(FormulationStoreTest, ATransactionHasOneRevisionAndTheNextOneMore) {
  Relationship first = FullRelationship("a");
  LifeEvent second = FullLifeEvent("b");
  ASSERT_OK(Write([&](FormulationTx& tx) -> absl::Status {
    IPT_RETURN_IF_ERROR(tx.InsertRelationship(first, At(0)));
    return tx.InsertLifeEvent(second, At(0));
  }));
  EXPECT_GT(first.stamp.revision, 0);
  EXPECT_EQ(first.stamp.revision, second.stamp.revision);
  EXPECT_EQ(Must([](FormulationReader& r) { return r.CurrentRevision(); }), first.stamp.revision);
  Relationship third = FullRelationship("c");
  ASSERT_OK(Insert(third));
  EXPECT_GT(third.stamp.revision, first.stamp.revision);
}

TEST_P(FormulationStoreTest, WhatFailsLeavesNothingAndTellsNobody) {
  EXPECT_THAT(Write([&](FormulationTx& tx) -> absl::Status {
                Relationship relationship = FullRelationship("a");
                IPT_RETURN_IF_ERROR(tx.InsertRelationship(relationship, At(0)));
                Goal goal = FullGoal("g1");
                IPT_RETURN_IF_ERROR(tx.InsertGoal(goal, At(0)));
                const CourseFormulation before{.clinic_id = "north", .course_id = "k1"};
                CourseFormulation after = before;
                after.pending = Draft();
                IPT_RETURN_IF_ERROR(tx.PutFormulation(before, after, nullptr, At(0)));
                IPT_RETURN_IF_ERROR(tx.Emit(DraftChanged{}, At(0)));
                return NotFound(kGoalType, "nothing");
              }),
              StatusIs(kNotFound));
  EXPECT_EQ(commits_, 0);
  for (const char* table :
       {"relationships", "goals", "formulations", "formulation_revisions", "outbox"}) {
    EXPECT_EQ(Count(table), 0) << table;
  }
}

TEST_P(FormulationStoreTest, EventsAreKeptAndACommitIsTold) {
  ASSERT_OK(Write([&](FormulationTx& tx) { return tx.Emit(GoalRated{}, At(3)); }));
  EXPECT_EQ(commits_, 1);
  EXPECT_EQ(Count("outbox WHERE clinic_id = 'north' AND subject = 'subject-13' "
                  "AND kind = 'KIND_13'"),
            1);
}

// One that has taken a course reads what the last one who had it has written.
TEST_P(FormulationStoreTest, WritersOfACourseGoOneAfterTheOther) {
  ASSERT_OK(Write([&](FormulationTx& tx) {
    Termination termination{.clinic_id = "north", .course_id = "k1"};
    return tx.PutTermination(termination, At(0));
  }));
  std::vector<std::thread> writers;
  writers.reserve(8);
  for (int i = 0; i < 8; ++i) {
    writers.emplace_back([&] {
      EXPECT_OK(Write([&](FormulationTx& tx) -> absl::Status {
        IPT_ASSIGN_OR_RETURN(Termination termination, tx.GetTermination("north", "k1"));
        termination.plan_steps.push_back("step");
        return tx.PutTermination(termination, At(1));
      }));
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_THAT(Must([](FormulationReader& r) { return r.GetTermination("north", "k1"); }).plan_steps,
              SizeIs(8));
}

// ----------------------------------------------------------------------------------------- policy

TEST_P(FormulationStoreTest, APolicyComesBackAsItWasWritten) {
  const auto get = [&](const std::string& clinic) {
    return Must([&](FormulationReader& r) { return r.GetPolicy(clinic); });
  };
  EXPECT_EQ(get("north"), FormulationPolicy{.clinic_id = "north"});
  FormulationPolicy policy = FullPolicy();
  ASSERT_OK(Write([&](FormulationTx& tx) { return tx.PutPolicy(policy, At(0)); }));
  EXPECT_EQ(policy.stamp.create_time, At(0));
  EXPECT_EQ(get("north"), policy);
  EXPECT_EQ(get("south"), FormulationPolicy{.clinic_id = "south"});

  FormulationPolicy empty{.clinic_id = "north", .version = 2, .stamp = policy.stamp};
  ASSERT_OK(Write([&](FormulationTx& tx) { return tx.PutPolicy(empty, At(1)); }));
  EXPECT_EQ(empty.stamp.create_time, At(0));
  EXPECT_EQ(empty.stamp.update_time, At(1));
  EXPECT_EQ(get("north"), empty);
}

// ----------------------------------------------------------------------- what a course has in
// lists

TEST_P(FormulationStoreTest, RelationshipsComeBackAsTheyWereWritten) {
  const auto list = [&](const std::string& clinic, const std::string& course) {
    return Must([&](FormulationReader& r) { return r.ListRelationships(clinic, course); });
  };
  Relationship z = FullRelationship("z");
  Relationship a{.clinic_id = "north", .course_id = "k1", .relationship_id = "a"};
  Relationship elsewhere = FullRelationship("a");
  elsewhere.course_id = "k2";
  Relationship abroad = FullRelationship("a");
  abroad.clinic_id = "south";
  for (Relationship* r : {&z, &a, &elsewhere, &abroad}) ASSERT_OK(Insert(*r));
  EXPECT_EQ(z.stamp.create_time, At(0));
  EXPECT_THAT(list("north", "k1"), ElementsAre(z, a));
  EXPECT_THAT(list("north", "k2"), ElementsAre(elsewhere));
  EXPECT_THAT(list("south", "k1"), ElementsAre(abroad));
  EXPECT_THAT(list("south", "k2"), IsEmpty());
  EXPECT_EQ(Must([](FormulationReader& r) { return r.GetRelationship("north", "k1", "z"); }), z);
  EXPECT_THAT(Read([](FormulationReader& r) { return r.GetRelationship("north", "k2", "z"); }),
              StatusIs(kNotFound));

  Relationship again = FullRelationship("z");
  EXPECT_THAT(Insert(again), FailsWith(kTaken, "RESOURCE_EXISTS"));
  Relationship after{
      .clinic_id = "north", .course_id = "k1", .relationship_id = "z", .stamp = z.stamp};
  ASSERT_OK(Write([&](FormulationTx& tx) { return tx.UpdateRelationship(after, At(1)); }));
  EXPECT_EQ(after.stamp.create_time, At(0));
  EXPECT_EQ(after.stamp.update_time, At(1));
  EXPECT_GT(after.stamp.revision, z.stamp.revision);
  EXPECT_THAT(list("north", "k1"), ElementsAre(after, a));
  ASSERT_OK(Write([&](FormulationTx& tx) { return tx.DeleteRelationship(after); }));
  EXPECT_THAT(list("north", "k1"), ElementsAre(a));
  EXPECT_THAT(list("north", "k2"), ElementsAre(elsewhere));
  EXPECT_THAT(Write([&](FormulationTx& tx) { return tx.DeleteRelationship(after); }),
              StatusIs(kNotFound));
  EXPECT_THAT(Write([&](FormulationTx& tx) { return tx.UpdateRelationship(after, At(1)); }),
              StatusIs(kNotFound));
}

TEST_P(FormulationStoreTest, LifeEventsComeBackAsTheyWereWritten) {
  const auto list = [&] {
    return Must([](FormulationReader& r) { return r.ListLifeEvents("north", "k1"); });
  };
  LifeEvent z = FullLifeEvent("z");
  LifeEvent a{.clinic_id = "north",
              .course_id = "k1",
              .life_event_id = "a",
              .start_date = PartialDate{.year = 2025}};
  LifeEvent elsewhere = FullLifeEvent("b");
  elsewhere.course_id = "k2";
  for (LifeEvent* e : {&z, &a, &elsewhere}) ASSERT_OK(Insert(*e));
  EXPECT_THAT(list(), ElementsAre(z, a));
  EXPECT_EQ(Must([](FormulationReader& r) { return r.GetLifeEvent("north", "k1", "a"); }), a);
  EXPECT_THAT(Read([](FormulationReader& r) { return r.GetLifeEvent("north", "k1", "b"); }),
              StatusIs(kNotFound));
  LifeEvent again = FullLifeEvent("a");
  EXPECT_THAT(Insert(again), FailsWith(kTaken, "RESOURCE_EXISTS"));
  z.description = "other";
  ASSERT_OK(Write([&](FormulationTx& tx) { return tx.UpdateLifeEvent(z, At(1)); }));
  EXPECT_THAT(list(), ElementsAre(z, a));
  ASSERT_OK(Write([&](FormulationTx& tx) { return tx.DeleteLifeEvent(z); }));
  EXPECT_THAT(list(), ElementsAre(a));
  EXPECT_THAT(Write([&](FormulationTx& tx) { return tx.DeleteLifeEvent(z); }), StatusIs(kNotFound));
}

TEST_P(FormulationStoreTest, ProblemAreasComeBackAsTheyWereWritten) {
  const auto list = [&] {
    return Must([](FormulationReader& r) { return r.ListProblemAreas("north", "k1"); });
  };
  ProblemArea z = FullArea("z");
  ProblemArea a{.clinic_id = "north", .course_id = "k1", .problem_area_id = "a"};
  // An empty detail is not the same as none.
  ProblemArea b{
      .clinic_id = "north", .course_id = "k1", .problem_area_id = "b", .grief = GriefDetail{}};
  for (ProblemArea* area : {&z, &a, &b}) ASSERT_OK(Insert(*area));
  EXPECT_THAT(list(), ElementsAre(z, a, b));
  EXPECT_EQ(Must([](FormulationReader& r) { return r.GetProblemArea("north", "k1", "z"); }), z);
  EXPECT_THAT(Read([](FormulationReader& r) { return r.GetProblemArea("south", "k1", "z"); }),
              StatusIs(kNotFound));
  ProblemArea again = FullArea("a");
  EXPECT_THAT(Insert(again), FailsWith(kTaken, "RESOURCE_EXISTS"));
  z.grief.reset();
  ASSERT_OK(Write([&](FormulationTx& tx) { return tx.UpdateProblemArea(z, At(1)); }));
  EXPECT_THAT(list(), ElementsAre(z, a, b));
  ASSERT_OK(Write([&](FormulationTx& tx) { return tx.DeleteProblemArea(b); }));
  EXPECT_THAT(list(), ElementsAre(z, a));
  EXPECT_THAT(Write([&](FormulationTx& tx) { return tx.DeleteProblemArea(b); }),
              StatusIs(kNotFound));
}

TEST_P(FormulationStoreTest, ListsComeAsEnteredAlsoWithinOneTransaction) {
  ASSERT_OK(Write([&](FormulationTx& tx) -> absl::Status {
    for (const char* id : {"m", "z", "a", "q"}) {
      Relationship relationship = FullRelationship(id);
      IPT_RETURN_IF_ERROR(tx.InsertRelationship(relationship, At(0)));
      SessionWork work = FullWork(id);
      IPT_RETURN_IF_ERROR(tx.PutSessionWork(work, At(0)));
      Goal goal = FullGoal(id);
      IPT_RETURN_IF_ERROR(tx.InsertGoal(goal, At(0)));
    }
    return absl::OkStatus();
  }));
  std::vector<std::string> ids;
  for (const auto& r :
       Must([](FormulationReader& r) { return r.ListRelationships("north", "k1"); })) {
    ids.push_back(r.relationship_id);
  }
  for (const auto& w :
       Must([](FormulationReader& r) { return r.ListSessionWork("north", "k1"); })) {
    ids.push_back(w.session_id);
  }
  for (const auto& g : Must([](FormulationReader& r) { return r.ListGoals("north", "k1"); })) {
    ids.push_back(g.goal_id);
  }
  EXPECT_THAT(ids, ElementsAre("m", "z", "a", "q", "m", "z", "a", "q", "m", "z", "a", "q"));
}

TEST_P(FormulationStoreTest, GoalsComeBackAsTheyWereWritten) {
  const auto list = [&] {
    return Must([](FormulationReader& r) { return r.ListGoals("north", "k1"); });
  };
  Goal z = FullGoal("z");
  Goal a{.clinic_id = "north", .course_id = "k1", .goal_id = "a", .state = GoalState::kProposed};
  Goal elsewhere = FullGoal("z");
  elsewhere.course_id = "k2";
  for (auto* rating : {&elsewhere.ratings.first_patient, &elsewhere.ratings.last_patient,
                       &elsewhere.ratings.last_therapist}) {
    (*rating)->course_id = "k2";
  }
  for (Goal* goal : {&z, &a, &elsewhere}) ASSERT_OK(Insert(*goal));
  EXPECT_THAT(list(), ElementsAre(z, a));
  EXPECT_EQ(Must([](FormulationReader& r) { return r.GetGoal("north", "k1", "a"); }), a);
  EXPECT_EQ(Must([](FormulationReader& r) { return r.GetGoal("north", "k2", "z"); }), elsewhere);
  EXPECT_THAT(Read([](FormulationReader& r) { return r.GetGoal("north", "k1", "b"); }),
              StatusIs(kNotFound));
  Goal again = FullGoal("a");
  EXPECT_THAT(Insert(again), FailsWith(kTaken, "RESOURCE_EXISTS"));
  z.state = GoalState::kActive;
  z.problem_area_id.clear();
  z.ratings = {};
  ASSERT_OK(Write([&](FormulationTx& tx) { return tx.UpdateGoal(z, At(1)); }));
  EXPECT_THAT(list(), ElementsAre(z, a));
  ASSERT_OK(Write([&](FormulationTx& tx) { return tx.DeleteGoal(a); }));
  EXPECT_THAT(list(), ElementsAre(z));
  EXPECT_THAT(Write([&](FormulationTx& tx) { return tx.DeleteGoal(a); }), StatusIs(kNotFound));
  EXPECT_THAT(Write([&](FormulationTx& tx) { return tx.UpdateGoal(a, At(1)); }),
              StatusIs(kNotFound));
}

TEST_P(FormulationStoreTest, RatingsComeByDayThenAsTheyWereRecordedPageByPage) {
  GoalRating late = FullRating("a", Day(9));
  GoalRating early = FullRating("b", Day(2), GoalRater::kTherapist);
  GoalRating early_later = FullRating("A", Day(2));
  GoalRating of_other = FullRating("c", Day(5), GoalRater::kPatient, "g2");
  GoalRating elsewhere = FullRating("d", Day(5));
  elsewhere.course_id = "k2";
  GoalRating before_the_epoch = FullRating("e", absl::CivilDay(1969, 12, 30));
  for (GoalRating* rating :
       {&late, &early, &early_later, &of_other, &elsewhere, &before_the_epoch}) {
    ASSERT_OK(Insert(*rating));
  }
  const auto list = [&](const RatingFilter& filter, const std::optional<RatingCursor>& after,
                        int limit) {
    return Must(
        [&](FormulationReader& r) { return r.ListRatings("north", "k1", filter, after, limit); });
  };
  EXPECT_THAT(list({}, {}, 100), ElementsAre(before_the_epoch, early, early_later, of_other, late));
  EXPECT_THAT(list({.goal_id = "g1"}, {}, 100),
              ElementsAre(before_the_epoch, early, early_later, late));
  EXPECT_THAT(list({.raters = {GoalRater::kTherapist}}, {}, 100), ElementsAre(early));
  EXPECT_THAT(list({.raters = {GoalRater::kTherapist, GoalRater::kPatient}}, {}, 100), SizeIs(5));
  EXPECT_THAT(list({.goal_id = "g2", .raters = {GoalRater::kTherapist}}, {}, 100), IsEmpty());
  std::vector<GoalRating> paged;
  std::optional<RatingCursor> after;
  for (auto page = list({}, after, 2); !page.empty(); page = list({}, after, 2)) {
    EXPECT_LE(page.size(), 2u);
    paged.insert(paged.end(), page.begin(), page.end());
    const GoalRating& last = page.back();
    after = RatingCursor{*last.rated_on, last.stamp.revision, last.goal_id, last.rating_id};
  }
  EXPECT_THAT(paged, ElementsAre(before_the_epoch, early, early_later, of_other, late));

  EXPECT_EQ(Must([](FormulationReader& r) { return r.GetRating("north", "k1", "g1", "a"); }), late);
  EXPECT_THAT(Read([](FormulationReader& r) { return r.GetRating("north", "k1", "g2", "a"); }),
              StatusIs(kNotFound));
  GoalRating again = FullRating("a", Day(3));
  EXPECT_THAT(Insert(again), FailsWith(kTaken, "RESOURCE_EXISTS"));
  ASSERT_OK(Write([&](FormulationTx& tx) { return tx.DeleteRating(late); }));
  EXPECT_THAT(list({}, {}, 100), ElementsAre(before_the_epoch, early, early_later, of_other));
  EXPECT_THAT(Write([&](FormulationTx& tx) { return tx.DeleteRating(late); }), StatusIs(kNotFound));
}

// Of one transaction, which has one revision: by goal and id, and none is passed over.
TEST_P(FormulationStoreTest, RatingsOfOneRevisionArePagedById) {
  ASSERT_OK(Write([&](FormulationTx& tx) -> absl::Status {
    for (const char* id : {"b", "c", "a"}) {
      for (const char* goal : {"g2", "g1"}) {
        GoalRating rating = FullRating(id, Day(1), GoalRater::kPatient, goal);
        IPT_RETURN_IF_ERROR(tx.InsertRating(rating, At(0)));
      }
    }
    return absl::OkStatus();
  }));
  std::vector<std::string> ids;
  std::optional<RatingCursor> after;
  for (int i = 0; i < 7; ++i) {
    const auto page =
        Must([&](FormulationReader& r) { return r.ListRatings("north", "k1", {}, after, 1); });
    if (page.empty()) break;
    ids.push_back(page[0].goal_id + page[0].rating_id);
    after = RatingCursor{Day(1), page[0].stamp.revision, page[0].goal_id, page[0].rating_id};
  }
  EXPECT_THAT(ids, ElementsAre("g1a", "g1b", "g1c", "g2a", "g2b", "g2c"));
}

// ------------------------------------------------------------------------------------ formulation

TEST_P(FormulationStoreTest, AFormulationComesBackAsItWasWrittenAtEachStep) {
  EXPECT_EQ(Formulation(), (CourseFormulation{.clinic_id = "north", .course_id = "k1"}));
  const CourseFormulation begun = Begin();
  EXPECT_EQ(begun.stamp.create_time, At(1));
  EXPECT_EQ(begun.pending->stamp.create_time, At(1));
  EXPECT_EQ(Formulation(), begun);
  const CourseFormulation proposed = Propose();
  EXPECT_EQ(proposed.pending->stamp.create_time, At(1));
  EXPECT_EQ(proposed.pending->stamp.update_time, At(2));
  EXPECT_EQ(Formulation(), proposed);
  const CourseFormulation agreed = Agree();
  EXPECT_EQ(agreed.current->stamp.create_time, At(1));
  EXPECT_EQ(Formulation(), agreed);
  // A revision beside it leaves it alone.
  const CourseFormulation revised = Begin();
  EXPECT_EQ(revised.current, agreed.current);
  EXPECT_EQ(Formulation(), revised);
  Propose();
  const CourseFormulation second = Agree("k1", Day(50));
  EXPECT_EQ(Formulation(), second);
  EXPECT_EQ(second.current->number, 2);
  EXPECT_EQ(second.first_agreed_on, Day(20));

  const auto past = Must([](FormulationReader& r) { return r.GetRevision("north", "k1", 1); });
  FormulationRevision expected = *agreed.current;
  expected.state = RevisionState::kSuperseded;
  expected.changes.push_back({At(99), RevisionChangeKind::kSuperseded, "ana"});
  expected.stamp.revision = second.stamp.revision;
  expected.stamp.update_time = second.stamp.update_time;
  EXPECT_EQ(past, expected);
  EXPECT_THAT(Read([](FormulationReader& r) { return r.GetRevision("north", "k1", 3); }),
              StatusIs(kNotFound));
  EXPECT_THAT(Read([](FormulationReader& r) { return r.GetRevision("north", "k1", 0); }),
              StatusIs(kNotFound));
  EXPECT_EQ(Formulation("k2"), (CourseFormulation{.clinic_id = "north", .course_id = "k2"}));
  EXPECT_EQ(Formulation("k1", "south"),
            (CourseFormulation{.clinic_id = "south", .course_id = "k1"}));
}

TEST_P(FormulationStoreTest, AnEmptyDraftStaysEmpty) {
  const CourseFormulation written = Take([](CourseFormulation& after, auto&) {
    after.pending = FormulationRevision{.clinic_id = "north", .course_id = "k1"};
  });
  EXPECT_EQ(Formulation(), written);
  EXPECT_EQ(Must([](FormulationReader& r) { return r.GetRevision("north", "k1", 0); }),
            *written.pending);
}

TEST_P(FormulationStoreTest, ADraftIsWrittenOverWithdrawnAndDiscarded) {
  Begin();
  const CourseFormulation saved = Take([](CourseFormulation& after, auto&) {
    after.pending->content = FullContent("other");
    after.pending->caller = "ben";
  });
  EXPECT_EQ(Formulation(), saved);
  Propose();
  const CourseFormulation withdrawn = Take([](CourseFormulation& after, auto&) {
    after.pending->state = RevisionState::kDraft;
    after.pending->snapshot = {};
  });
  EXPECT_EQ(Formulation(), withdrawn);
  EXPECT_EQ(withdrawn.pending->number, 1);
  const auto by = [&](int number) {
    return Read([&](FormulationReader& r) { return r.GetRevision("north", "k1", number); });
  };
  EXPECT_EQ(*by(0), *withdrawn.pending);
  EXPECT_EQ(*by(1), *withdrawn.pending);
  const CourseFormulation discarded =
      Take([](CourseFormulation& after, auto&) { after.pending.reset(); });
  EXPECT_EQ(Formulation(), discarded);
  EXPECT_EQ(Formulation().last_number, 1);
  EXPECT_THAT(by(0), StatusIs(kNotFound));
  EXPECT_THAT(by(1), StatusIs(kNotFound));
  EXPECT_EQ(Count("formulation_revisions"), 0);
  Begin();
  EXPECT_EQ(Propose().pending->number, 2);
}

TEST_P(FormulationStoreTest, RevisionsComeTheNewestFirst) {
  for (int i = 0; i < 3; ++i) {
    Begin();
    Propose();
    Agree();
  }
  AgreeOn("k2", Day(1), ProblemAreaKind::kGrief);
  const auto numbers = [&](const std::vector<RevisionState>& states, int before, int limit) {
    std::vector<int> numbers;
    for (const auto& revision : Must([&](FormulationReader& r) {
           return r.ListRevisions("north", "k1", states, before, limit);
         })) {
      numbers.push_back(revision.number);
    }
    return numbers;
  };
  EXPECT_THAT(numbers({}, 0, 10), ElementsAre(3, 2, 1));
  Begin();
  EXPECT_THAT(numbers({}, 0, 10), ElementsAre(0, 3, 2, 1));
  EXPECT_THAT(numbers({}, 0, 1), ElementsAre(0));
  EXPECT_THAT(numbers({}, 0, 2), ElementsAre(0, 3));
  EXPECT_THAT(numbers({}, 3, 10), ElementsAre(2, 1));
  EXPECT_THAT(numbers({}, 3, 1), ElementsAre(2));
  EXPECT_THAT(numbers({}, 1, 10), IsEmpty());
  EXPECT_THAT(numbers({RevisionState::kSuperseded}, 0, 10), ElementsAre(2, 1));
  EXPECT_THAT(numbers({RevisionState::kAgreed, RevisionState::kDraft}, 0, 10), ElementsAre(0, 3));
  EXPECT_THAT(numbers({RevisionState::kProposed}, 0, 10), IsEmpty());
  Propose();
  EXPECT_THAT(numbers({}, 0, 10), ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(numbers({}, 5, 10), ElementsAre(3, 2, 1));
  EXPECT_THAT(numbers({RevisionState::kProposed}, 0, 10), ElementsAre(4));
  const CourseFormulation present = Formulation();
  EXPECT_THAT(Must([](FormulationReader& r) {
                return r.ListRevisions("north", "k1",
                                       {RevisionState::kAgreed, RevisionState::kProposed}, 0, 10);
              }),
              ElementsAre(*present.pending, *present.current));
}

TEST_P(FormulationStoreTest, TheSchemaHoldsOnePendingAndOneCurrentRevision) {
  const std::string copy = "INSERT INTO formulation_revisions SELECT clinic_id, course_id, 77, ";
  const std::string rest =
      ", proposed_us, agreed_day, outline, changes, details, agreement, snapshot, content, "
      "revision, created_us, updated_us FROM formulation_revisions WHERE course_id = 'k1'";
  Begin();
  EXPECT_EQ(storage::SqlErrorKindOf(Script(copy + "2" + rest)), SqlErrorKind::kUniqueViolation);
  EXPECT_EQ(storage::SqlErrorKindOf(Script(copy + "3" + rest)), SqlErrorKind::kCheck);
  Propose();
  Agree();
  EXPECT_EQ(storage::SqlErrorKindOf(Script(copy + "3" + rest)), SqlErrorKind::kUniqueViolation);
  EXPECT_OK(Script(copy + "4" + rest));
}

TEST_P(FormulationStoreTest, WhatWasAgreedIsNeverWrittenOverOrDeleted) {
  Begin();
  Propose();
  Agree();
  Begin();
  Propose();
  const CourseFormulation agreed = Agree();
  for (const char* change : {"content = 'x'", "snapshot = 'x'", "agreement = 'x'", "details = 'x'",
                             "outline = 'x'", "agreed_day = 1", "number = number + 70",
                             "course_id = 'k9'", "created_us = 0", "state = state - 1"}) {
    for (const char* which : {"number = 1", "number = 2"}) {
      EXPECT_EQ(storage::SqlErrorKindOf(Script(
                    absl::StrCat("UPDATE formulation_revisions SET ", change, " WHERE ", which))),
                SqlErrorKind::kTriggerAbort)
          << change << which;
    }
  }
  EXPECT_EQ(storage::SqlErrorKindOf(Script("DELETE FROM formulation_revisions WHERE number = 1")),
            SqlErrorKind::kTriggerAbort);
  EXPECT_EQ(Formulation(), agreed);
  // Not by the store's own way either: of a current one, only its state and changes are written.
  Take([](CourseFormulation& after, auto&) {
    after.current->content.patient_narrative = "other";
    after.current->changes.push_back({At(3), RevisionChangeKind::kAgreed, "ben"});
  });
  EXPECT_EQ(Formulation().current->content, agreed.current->content);
  EXPECT_EQ(Formulation().current->changes.back().caller, "ben");
}

TEST_P(FormulationStoreTest, DamagedRowsAreErrorsThatNameTheirColumn) {
  Begin();
  ASSERT_OK(Script("UPDATE formulation_revisions SET content = '{\"secret\"'"));
  const auto read = Read([](FormulationReader& r) { return r.GetFormulation("north", "k1"); });
  EXPECT_THAT(read, StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(std::string(read.status().message()), HasSubstr("formulation_revisions.content"));
  EXPECT_THAT(std::string(read.status().message()), Not(HasSubstr("secret")));
  ASSERT_OK(Script("DELETE FROM formulation_revisions"));
  EXPECT_THAT(Read([](FormulationReader& r) { return r.GetFormulation("north", "k1"); }),
              StatusIs(absl::StatusCode::kInternal));
}

TEST_P(FormulationStoreTest, FocusesAreThoseThatAreAgreedByCourse) {
  AgreeOn("k3", Day(30), ProblemAreaKind::kGrief);
  AgreeOn("k1", Day(10), ProblemAreaKind::kRoleDispute, ProblemAreaKind::kGrief);
  AgreeOn("K2", Day(20), ProblemAreaKind::kInterpersonalDeficits);
  Begin("k0");
  Propose("k0");
  const auto courses = [&](const CourseFocusFilter& filter, const std::string& after = "",
                           int limit = 100, const std::string& clinic = "north") {
    std::vector<std::string> courses;
    for (const auto& focus : Must([&](FormulationReader& r) {
           return r.ListCourseFocuses(clinic, filter, after, limit);
         })) {
      courses.push_back(focus.course_id);
    }
    return courses;
  };
  EXPECT_THAT(courses({}), ElementsAre("K2", "k1", "k3"));
  EXPECT_THAT(courses({}, "", 2), ElementsAre("K2", "k1"));
  EXPECT_THAT(courses({}, "k1", 2), ElementsAre("k3"));
  EXPECT_THAT(courses({}, "k3"), IsEmpty());
  EXPECT_THAT(courses({}, "", 100, "south"), IsEmpty());
  const std::vector<ProblemAreaKind> grief = {ProblemAreaKind::kGrief};
  EXPECT_THAT(courses({.kinds = grief}), ElementsAre("k1", "k3"));
  EXPECT_THAT(courses({.kinds = grief, .primary_only = true}), ElementsAre("k3"));
  EXPECT_THAT(
      courses({.kinds = {ProblemAreaKind::kInterpersonalDeficits, ProblemAreaKind::kRoleDispute}}),
      ElementsAre("K2", "k1"));
  EXPECT_THAT(courses({.kinds = {ProblemAreaKind::kRoleTransition}}), IsEmpty());
  EXPECT_THAT(courses({.primary_only = true}), SizeIs(3));
  EXPECT_THAT(courses({.agreed_from = Day(20)}), ElementsAre("K2", "k3"));
  EXPECT_THAT(courses({.agreed_to = Day(20)}), ElementsAre("K2", "k1"));
  EXPECT_THAT(courses({.agreed_from = Day(11), .agreed_to = Day(29)}), ElementsAre("K2"));
  EXPECT_THAT(courses({.kinds = grief, .agreed_to = Day(29)}, "K2", 1), ElementsAre("k1"));

  // Each as it follows from its formulation, also once another one is agreed.
  AgreeOn("k1", Day(60), ProblemAreaKind::kRoleTransition);
  Begin("k1");
  const auto focuses =
      Must([](FormulationReader& r) { return r.ListCourseFocuses("north", {}, "", 100); });
  ASSERT_THAT(focuses, SizeIs(3));
  for (const CourseFocus& focus : focuses) {
    EXPECT_EQ(focus, FocusOf(Formulation(focus.course_id)));
  }
  EXPECT_EQ(focuses[1].primary_kind, ProblemAreaKind::kRoleTransition);
  EXPECT_EQ(focuses[1].first_primary_kind, ProblemAreaKind::kRoleDispute);
}

// --------------------------------------------------------------------------------- session, ending

TEST_P(FormulationStoreTest, SessionWorkComesBackAsItWasWritten) {
  const auto get = [&](const std::string& session, const std::string& clinic = "north") {
    return Must([&](FormulationReader& r) { return r.GetSessionWork(clinic, "k1", session); });
  };
  EXPECT_EQ(get("s1"), (SessionWork{.clinic_id = "north", .course_id = "k1", .session_id = "s1"}));
  SessionWork second = FullWork("s2");
  SessionWork first{.clinic_id = "north", .course_id = "k1", .session_id = "s1"};
  SessionWork elsewhere = FullWork("s1");
  elsewhere.course_id = "k2";
  ASSERT_OK(Put(second));
  ASSERT_OK(Put(first));
  ASSERT_OK(Put(elsewhere));
  EXPECT_GT(first.stamp.revision, 0);
  EXPECT_EQ(get("s2"), second);
  EXPECT_EQ(get("s1"), first);
  EXPECT_EQ(get("s1", "south").stamp.revision, 0);
  SessionWork again = FullWork("s2");
  EXPECT_THAT(Put(again), FailsWith(kTaken, "RESOURCE_EXISTS"));
  second.tasks.pop_back();
  second.focus_work.clear();
  ASSERT_OK(Put(second, 1));
  EXPECT_EQ(second.stamp.create_time, At(0));
  EXPECT_EQ(second.stamp.update_time, At(1));
  EXPECT_THAT(Must([](FormulationReader& r) { return r.ListSessionWork("north", "k1"); }),
              ElementsAre(second, first));
  SessionWork gone = FullWork("s3");
  gone.stamp.revision = 1;
  EXPECT_THAT(Put(gone), StatusIs(kNotFound));
}

TEST_P(FormulationStoreTest, ATerminationComesBackAsItWasWritten) {
  const auto get = [&](const std::string& course) {
    return Must([&](FormulationReader& r) { return r.GetTermination("north", course); });
  };
  EXPECT_EQ(get("k1"), (Termination{.clinic_id = "north", .course_id = "k1"}));
  Termination termination = FullTermination();
  ASSERT_OK(Write([&](FormulationTx& tx) { return tx.PutTermination(termination, At(0)); }));
  EXPECT_EQ(get("k1"), termination);
  EXPECT_EQ(get("k2"), (Termination{.clinic_id = "north", .course_id = "k2"}));
  Termination empty{.clinic_id = "north", .course_id = "k1", .stamp = termination.stamp};
  ASSERT_OK(Write([&](FormulationTx& tx) { return tx.PutTermination(empty, At(1)); }));
  EXPECT_EQ(empty.stamp.create_time, At(0));
  EXPECT_EQ(get("k1"), empty);
}

// --------------------------------------------------------------------------------------- records

TEST_P(FormulationStoreTest, RecordsOfCoursesAreWhatTheirPartsSay) {
  AgreeOn("k1", Day(10), ProblemAreaKind::kRoleDispute, ProblemAreaKind::kGrief);
  Begin();
  Propose();
  Agree("k1", Day(30));
  Begin();
  Propose();
  Goal goal = FullGoal("g2");
  Goal untouched = FullGoal("g1");
  untouched.changes.clear();
  SessionWork late = FullWork("s2");
  SessionWork first = FullWork("s1");
  Termination termination = FullTermination();
  ASSERT_OK(Insert(goal));
  ASSERT_OK(Insert(untouched));
  ASSERT_OK(Put(late));
  ASSERT_OK(Put(first));
  ASSERT_OK(Write([&](FormulationTx& tx) { return tx.PutTermination(termination, At(0)); }));
  AgreeOn("k2", Day(5), ProblemAreaKind::kGrief);
  Begin("k4");

  const auto records = Must([](FormulationReader& r) {
    return r.ListCourseRecords("north", {"k2", "none", "k1", "k4"});
  });
  ASSERT_THAT(records, SizeIs(4));
  const CourseFormulation present = Formulation();
  const auto past = Must([](FormulationReader& r) { return r.GetRevision("north", "k1", 1); });
  EXPECT_EQ(records[2], (CourseRecords{.course_id = "k1",
                                       .agreed = {AgreedOf(past), AgreedOf(*present.current)},
                                       .proposed_time = ProposedTimeOf(*present.pending),
                                       .goals = {RecordedOf(goal), RecordedOf(untouched)},
                                       .work = {RecordedOf(late), RecordedOf(first)},
                                       .plan_given_on = termination.plan_given_on}));
  EXPECT_TRUE(records[2].proposed_time.has_value());
  EXPECT_EQ(records[2].goals[1].state_time, At(0));
  EXPECT_EQ(records[0],
            (CourseRecords{.course_id = "k2", .agreed = {AgreedOf(*Formulation("k2").current)}}));
  EXPECT_EQ(records[1], CourseRecords{.course_id = "none"});
  EXPECT_EQ(records[3], CourseRecords{.course_id = "k4"});
  EXPECT_THAT(Must([](FormulationReader& r) { return r.ListCourseRecords("south", {"k1"}); }),
              ElementsAre(CourseRecords{.course_id = "k1"}));
  EXPECT_THAT(Must([](FormulationReader& r) { return r.ListCourseRecords("north", {}); }),
              IsEmpty());
  // A course that is asked for twice is answered for twice.
  const auto twice = Must([](FormulationReader& r) {
    return r.ListCourseRecords("north", {"k1", "k1"});
  });
  EXPECT_THAT(twice, ElementsAre(records[2], records[2]));
}

TEST_P(FormulationStoreTest, RecordsOfManyCoursesTakeAsManyStatementsAsOfOne) {
  const auto statements = [&](const std::vector<std::string>& ids) {
    const int before = statements_.count;
    Must([&](FormulationReader& r) { return r.ListCourseRecords("north", ids); });
    return statements_.count - before;
  };
  AgreeOn("k1", Day(10), ProblemAreaKind::kGrief);
  AgreeOn("k2", Day(10), ProblemAreaKind::kGrief);
  std::vector<std::string> many;
  many.reserve(300);
  for (int i = 0; i < 300; ++i) many.push_back(absl::StrCat("k", i));
  EXPECT_EQ(statements({"k1"}), 4);
  EXPECT_EQ(statements(many), 4);
}

// A draft is saved every few words.
TEST_P(FormulationStoreTest, ADraftIsSavedByFewStatementsAndOneCommit) {
  Begin();
  const int statements = statements_.count;
  const int commits = commits_;
  Take([](CourseFormulation& after, auto&) { after.pending->content = FullContent("other"); });
  // Read, the revision's number, its row, the course's; on PostgreSQL two for the lock.
  EXPECT_EQ(statements_.count - statements, GetParam() == storage::Dialect::kSqlite ? 4 : 6);
  EXPECT_EQ(commits_ - commits, 1);
}

// ----------------------------------------------------------------------------------------- costs

// What a course costs to read does not grow with the clinic, nor with what was agreed before.
TEST(FormulationStorePlanTest, QueriesFindTheirRowsThroughIndices) {
  ipt::testing::StatementRecorder recorder;
  ipt::testing::TempDatabase db{
      storage::Dialect::kSqlite,
      {storage::PlatformMigrations(), courses::CourseCopiesMigrations(), FormulationMigrations()},
      {},
      nullptr,
      &recorder};
  const TestEncoder encoder;
  SqlFormulationStore store(*db, encoder);
  recorder.Take();
  EXPECT_OK(store.Read(absl::InfiniteFuture(), [&](FormulationReader& r) -> absl::Status {
    IPT_RETURN_IF_ERROR(r.ListRelationships("north", "k1").status());
    IPT_RETURN_IF_ERROR(r.ListLifeEvents("north", "k1").status());
    IPT_RETURN_IF_ERROR(r.ListProblemAreas("north", "k1").status());
    IPT_RETURN_IF_ERROR(r.ListGoals("north", "k1").status());
    IPT_RETURN_IF_ERROR(r.ListSessionWork("north", "k1").status());
    IPT_RETURN_IF_ERROR(r.ListRatings("north", "k1", {}, {}, 10).status());
    IPT_RETURN_IF_ERROR(
        r.ListRatings("north", "k1", {}, RatingCursor{.goal_id = "g"}, 10).status());
    IPT_RETURN_IF_ERROR(r.ListRatings("north", "k1", {.goal_id = "g"}, {}, 10).status());
    IPT_RETURN_IF_ERROR(r.GetFormulation("north", "k1").status());
    IPT_RETURN_IF_ERROR(r.ListRevisions("north", "k1", {}, 0, 10).status());
    IPT_RETURN_IF_ERROR(r.ListCourseFocuses("north", {}, "", 10).status());
    return r.ListCourseRecords("north", {"k1"}).status();
  }));
  int plans = 0;
  for (const std::string& sql : recorder.Take()) {
    if (sql.rfind("SELECT", 0) != 0) continue;
    const std::string plan = ipt::testing::ExplainOnSqlite(*db, sql);
    ++plans;
    EXPECT_THAT(plan, Not(HasSubstr("SCAN f"))) << sql;
    EXPECT_THAT(plan, Not(HasSubstr("SCAN r"))) << sql;
    EXPECT_THAT(plan, Not(HasSubstr("SCAN g"))) << sql;
    EXPECT_THAT(plan, Not(HasSubstr("SCAN s"))) << sql;
    EXPECT_THAT(plan, Not(HasSubstr("SCAN w"))) << sql;
    EXPECT_THAT(plan, Not(HasSubstr("SCAN t"))) << sql;
    if (sql.find("ORDER BY rated_day") != std::string::npos) {
      const bool of_goal = sql.find("AND goal_id = ") != std::string::npos;
      EXPECT_THAT(plan, HasSubstr(of_goal ? "goal_ratings_of_goal_by_day" : "goal_ratings_by_day"));
      EXPECT_THAT(plan, Not(HasSubstr("TEMP B-TREE"))) << sql << plan;
    }
    // Rows with texts come in the order of an index, where they can be more than one.
    if (plan.find("INDEX formulation_revisions_one_pending ") != std::string::npos) continue;
    if (sql.find("document") != std::string::npos || sql.find("r.content") != std::string::npos) {
      EXPECT_THAT(plan, Not(HasSubstr("TEMP B-TREE FOR ORDER BY"))) << sql << plan;
    }
  }
  EXPECT_GE(plans, 15);
}

}  // namespace
}  // namespace ipt::formulation
