// One transaction of the SQL store: what the use cases' reader and transaction really are. Private
// to this folder; sql_<aggregate>.cc holds each aggregate's methods and SQL.
//
// A method that fails in SQL dooms its transaction, as storage/database.h says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "formulation/domain/store.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/database.h"
#include "platform/storage/rows.h"
#include "platform/storage/sql_write_log.h"

namespace ipt::formulation {

template <typename T>
struct EntryTable;

class SqlFormulationTx final : public FormulationTx {
 public:
  SqlFormulationTx(storage::Connection& conn, const EventEncoder& encoder)
      : conn_(conn), log_(conn), encoder_(encoder) {}

  // sql_formulation_store.cc
  WriteLog& log() override { return log_; }
  absl::Status Emit(const Event& event, absl::Time now) override;
  absl::StatusOr<int64_t> CurrentRevision() override;
  absl::Status LockScope(absl::string_view clinic_id, absl::string_view course_id) override;
  absl::StatusOr<FormulationPolicy> GetPolicy(absl::string_view clinic_id) override;
  absl::Status PutPolicy(FormulationPolicy& policy, absl::Time now) override;

  // sql_entries.cc
  absl::StatusOr<Relationship> GetRelationship(absl::string_view clinic_id,
                                               absl::string_view course_id,
                                               absl::string_view relationship_id) override;
  absl::StatusOr<std::vector<Relationship>> ListRelationships(absl::string_view clinic_id,
                                                              absl::string_view course_id) override;
  absl::Status InsertRelationship(Relationship& relationship, absl::Time now) override;
  absl::Status UpdateRelationship(Relationship& relationship, absl::Time now) override;
  absl::Status DeleteRelationship(const Relationship& relationship) override;
  absl::StatusOr<LifeEvent> GetLifeEvent(absl::string_view clinic_id, absl::string_view course_id,
                                         absl::string_view life_event_id) override;
  absl::StatusOr<std::vector<LifeEvent>> ListLifeEvents(absl::string_view clinic_id,
                                                        absl::string_view course_id) override;
  absl::Status InsertLifeEvent(LifeEvent& event, absl::Time now) override;
  absl::Status UpdateLifeEvent(LifeEvent& event, absl::Time now) override;
  absl::Status DeleteLifeEvent(const LifeEvent& event) override;
  absl::StatusOr<ProblemArea> GetProblemArea(absl::string_view clinic_id,
                                             absl::string_view course_id,
                                             absl::string_view problem_area_id) override;
  absl::StatusOr<std::vector<ProblemArea>> ListProblemAreas(absl::string_view clinic_id,
                                                            absl::string_view course_id) override;
  absl::Status InsertProblemArea(ProblemArea& area, absl::Time now) override;
  absl::Status UpdateProblemArea(ProblemArea& area, absl::Time now) override;
  absl::Status DeleteProblemArea(const ProblemArea& area) override;

  // sql_goals.cc
  absl::StatusOr<Goal> GetGoal(absl::string_view clinic_id, absl::string_view course_id,
                               absl::string_view goal_id) override;
  absl::StatusOr<std::vector<Goal>> ListGoals(absl::string_view clinic_id,
                                              absl::string_view course_id) override;
  absl::Status InsertGoal(Goal& goal, absl::Time now) override;
  absl::Status UpdateGoal(Goal& goal, absl::Time now) override;
  absl::Status DeleteGoal(const Goal& goal) override;
  absl::StatusOr<GoalRating> GetRating(absl::string_view clinic_id, absl::string_view course_id,
                                       absl::string_view goal_id,
                                       absl::string_view rating_id) override;
  absl::StatusOr<std::vector<GoalRating>> ListRatings(absl::string_view clinic_id,
                                                      absl::string_view course_id,
                                                      const RatingFilter& filter,
                                                      const std::optional<RatingCursor>& after,
                                                      int limit) override;
  absl::Status InsertRating(GoalRating& rating, absl::Time now) override;
  absl::Status DeleteRating(const GoalRating& rating) override;

  // sql_formulations.cc
  absl::StatusOr<CourseFormulation> GetFormulation(absl::string_view clinic_id,
                                                   absl::string_view course_id) override;
  absl::StatusOr<FormulationRevision> GetRevision(absl::string_view clinic_id,
                                                  absl::string_view course_id, int number) override;
  absl::StatusOr<std::vector<FormulationRevision>> ListRevisions(
      absl::string_view clinic_id, absl::string_view course_id,
      const std::vector<RevisionState>& states, int before_number, int limit) override;
  absl::StatusOr<std::vector<CourseFocus>> ListCourseFocuses(absl::string_view clinic_id,
                                                             const CourseFocusFilter& filter,
                                                             absl::string_view after_course_id,
                                                             int limit) override;
  absl::Status PutFormulation(const CourseFormulation& before, CourseFormulation& after,
                              FormulationRevision* superseded, absl::Time now) override;

  // sql_session_work.cc
  absl::StatusOr<SessionWork> GetSessionWork(absl::string_view clinic_id,
                                             absl::string_view course_id,
                                             absl::string_view session_id) override;
  absl::StatusOr<std::vector<SessionWork>> ListSessionWork(absl::string_view clinic_id,
                                                           absl::string_view course_id) override;
  absl::Status PutSessionWork(SessionWork& work, absl::Time now) override;
  absl::StatusOr<Termination> GetTermination(absl::string_view clinic_id,
                                             absl::string_view course_id) override;
  absl::Status PutTermination(Termination& termination, absl::Time now) override;

  // sql_course_records.cc
  absl::StatusOr<std::vector<CourseRecords>> ListCourseRecords(
      absl::string_view clinic_id, const std::vector<std::string>& course_ids) override;

 private:
  using Params = absl::Span<const storage::Value>;

  // Runs an INSERT that does nothing where the id is taken, and that is an error then.
  absl::Status Insert(const storage::Statement& statement, Params params, absl::string_view type,
                      absl::string_view name);
  // Runs a statement about one row: NOT_FOUND where there is none.
  absl::Status ExecuteOnRow(const storage::Statement& statement, Params params,
                            absl::string_view type, absl::string_view name);

  // Sets revision and times of a row that is written at `now`, to the precision of the store; the
  // first time is when it was created.
  absl::Status SetStamp(Stamp& stamp, absl::Time now);

  // sql_entries.cc: of what is kept as a document each.
  template <typename T>
  absl::StatusOr<T> GetEntry(const EntryTable<T>& table, absl::string_view clinic_id,
                             absl::string_view course_id, absl::string_view id);
  template <typename T>
  absl::StatusOr<std::vector<T>> ListEntries(const EntryTable<T>& table,
                                             absl::string_view clinic_id,
                                             absl::string_view course_id);
  template <typename T>
  absl::Status InsertEntry(const EntryTable<T>& table, T& entry, absl::Time now);
  template <typename T>
  absl::Status UpdateEntry(const EntryTable<T>& table, T& entry, absl::Time now);
  template <typename T>
  absl::Status DeleteEntry(const EntryTable<T>& table, const T& entry);

  // sql_formulations.cc
  absl::Status InsertRevision(FormulationRevision& revision, absl::Time now);
  // Writes over the course's pending revision, which may be agreed by that.
  absl::Status UpdatePending(FormulationRevision& revision, absl::Time now);
  // Of the one that is AGREED: its state and its changes.
  absl::Status UpdateCurrent(FormulationRevision& revision, absl::Time now);
  absl::Status PutCourseRow(CourseFormulation& formulation, absl::Time now);

  storage::Dialect dialect() const { return conn_.dialect(); }

  storage::Connection& conn_;
  storage::SqlWriteLog log_;
  const EventEncoder& encoder_;
};

// The last three columns of every row.
Stamp StampOf(const storage::Row& row, size_t revision_column);

}  // namespace ipt::formulation
