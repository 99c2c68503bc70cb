// The port through which use cases reach the store. Its implementation lives in storage/.
//
// FormulationStore is thread-safe. A FormulationReader or FormulationTx is one transaction: used by
// one thread, gone when the body returns. Bodies may run again after a conflict, so they have no
// effect but through the transaction. Every failure of the store itself comes as UNAVAILABLE,
// ABORTED or RESOURCE_EXHAUSTED with retry advice; a body returns such a status as it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "formulation/domain/course_records.h"
#include "formulation/domain/events.h"
#include "formulation/domain/types.h"
#include "platform/transaction/write_log.h"

namespace ipt::formulation {

// Keyset position in ratings: the last one returned. They are by rated_on, then by revision and id.
struct RatingCursor {
  absl::CivilDay rated_on{};
  int64_t revision = 0;
  std::string goal_id{};
  std::string rating_id{};
};

struct RatingFilter {
  std::string goal_id{};            // empty: all goals of the course
  std::vector<GoalRater> raters{};  // empty: all
};

struct CourseFocusFilter {
  std::vector<ProblemAreaKind> kinds{};  // empty: all
  bool primary_only = false;
  std::optional<absl::CivilDay> agreed_from{};
  std::optional<absl::CivilDay> agreed_to{};
};

// What a course has is bounded (names of the use cases' limits), so most lists come whole.
class FormulationReader {
 public:
  virtual ~FormulationReader() = default;

  // The newest revision that was issued.
  virtual absl::StatusOr<int64_t> CurrentRevision() = 0;

  // A clinic without a policy has the defaults: version 0.
  virtual absl::StatusOr<FormulationPolicy> GetPolicy(absl::string_view clinic_id) = 0;

  // NOT_FOUND when absent; lists as they were entered.
  virtual absl::StatusOr<Relationship> GetRelationship(absl::string_view clinic_id,
                                                       absl::string_view course_id,
                                                       absl::string_view relationship_id) = 0;
  virtual absl::StatusOr<std::vector<Relationship>> ListRelationships(
      absl::string_view clinic_id, absl::string_view course_id) = 0;
  virtual absl::StatusOr<LifeEvent> GetLifeEvent(absl::string_view clinic_id,
                                                 absl::string_view course_id,
                                                 absl::string_view life_event_id) = 0;
  virtual absl::StatusOr<std::vector<LifeEvent>> ListLifeEvents(absl::string_view clinic_id,
                                                                absl::string_view course_id) = 0;
  virtual absl::StatusOr<ProblemArea> GetProblemArea(absl::string_view clinic_id,
                                                     absl::string_view course_id,
                                                     absl::string_view problem_area_id) = 0;
  virtual absl::StatusOr<std::vector<ProblemArea>> ListProblemAreas(
      absl::string_view clinic_id, absl::string_view course_id) = 0;
  virtual absl::StatusOr<Goal> GetGoal(absl::string_view clinic_id, absl::string_view course_id,
                                       absl::string_view goal_id) = 0;
  virtual absl::StatusOr<std::vector<Goal>> ListGoals(absl::string_view clinic_id,
                                                      absl::string_view course_id) = 0;
  virtual absl::StatusOr<GoalRating> GetRating(absl::string_view clinic_id,
                                               absl::string_view course_id,
                                               absl::string_view goal_id,
                                               absl::string_view rating_id) = 0;
  // By rated_on, then as they were recorded; at most `limit`, strictly after the position.
  virtual absl::StatusOr<std::vector<GoalRating>> ListRatings(
      absl::string_view clinic_id, absl::string_view course_id, const RatingFilter& filter,
      const std::optional<RatingCursor>& after, int limit) = 0;

  // A course without one has an empty one.
  virtual absl::StatusOr<CourseFormulation> GetFormulation(absl::string_view clinic_id,
                                                           absl::string_view course_id) = 0;
  // By its number, whatever its state; 0: the pending one. NOT_FOUND when absent.
  virtual absl::StatusOr<FormulationRevision> GetRevision(absl::string_view clinic_id,
                                                          absl::string_view course_id,
                                                          int number) = 0;
  // The newest first: the pending one, then by number; at most `limit`. `before_number` 0: from the
  // pending one on; else those with a smaller number that are not pending.
  virtual absl::StatusOr<std::vector<FormulationRevision>> ListRevisions(
      absl::string_view clinic_id, absl::string_view course_id,
      const std::vector<RevisionState>& states, int before_number, int limit) = 0;
  // Of a clinic, by course; at most `limit`, strictly after `after_course_id`.
  virtual absl::StatusOr<std::vector<CourseFocus>> ListCourseFocuses(
      absl::string_view clinic_id, const CourseFocusFilter& filter,
      absl::string_view after_course_id, int limit) = 0;

  // Where nothing is recorded: of revision 0.
  virtual absl::StatusOr<SessionWork> GetSessionWork(absl::string_view clinic_id,
                                                     absl::string_view course_id,
                                                     absl::string_view session_id) = 0;
  // As they were first recorded.
  virtual absl::StatusOr<std::vector<SessionWork>> ListSessionWork(absl::string_view clinic_id,
                                                                   absl::string_view course_id) = 0;
  // Where nothing was written: of revision 0.
  virtual absl::StatusOr<Termination> GetTermination(absl::string_view clinic_id,
                                                     absl::string_view course_id) = 0;

  // One for each of these courses, in their order.
  virtual absl::StatusOr<std::vector<CourseRecords>> ListCourseRecords(
      absl::string_view clinic_id, const std::vector<std::string>& course_ids) = 0;
};

class FormulationTx : public FormulationReader {
 public:
  virtual WriteLog& log() = 0;
  virtual absl::Status Emit(const Event& event, absl::Time now) = 0;

  // Writers of a clinic's policy (`course_id` empty), or of a course, go one after the other from
  // here on.
  virtual absl::Status LockScope(absl::string_view clinic_id, absl::string_view course_id) = 0;

  // All that write set the stamp. Insert*: ALREADY_EXISTS (RESOURCE_EXISTS) when the id is taken.
  virtual absl::Status PutPolicy(FormulationPolicy& policy, absl::Time now) = 0;
  virtual absl::Status InsertRelationship(Relationship& relationship, absl::Time now) = 0;
  virtual absl::Status UpdateRelationship(Relationship& relationship, absl::Time now) = 0;
  virtual absl::Status DeleteRelationship(const Relationship& relationship) = 0;
  virtual absl::Status InsertLifeEvent(LifeEvent& event, absl::Time now) = 0;
  virtual absl::Status UpdateLifeEvent(LifeEvent& event, absl::Time now) = 0;
  virtual absl::Status DeleteLifeEvent(const LifeEvent& event) = 0;
  virtual absl::Status InsertProblemArea(ProblemArea& area, absl::Time now) = 0;
  virtual absl::Status UpdateProblemArea(ProblemArea& area, absl::Time now) = 0;
  virtual absl::Status DeleteProblemArea(const ProblemArea& area) = 0;
  virtual absl::Status InsertGoal(Goal& goal, absl::Time now) = 0;
  virtual absl::Status UpdateGoal(Goal& goal, absl::Time now) = 0;
  virtual absl::Status DeleteGoal(const Goal& goal) = 0;
  virtual absl::Status InsertRating(GoalRating& rating, absl::Time now) = 0;
  virtual absl::Status DeleteRating(const GoalRating& rating) = 0;
  // Writes `after` in the place of `before`, which was read in this transaction: what differs of
  // pending and current, the formulation itself, and `superseded` (null: none), which was current.
  virtual absl::Status PutFormulation(const CourseFormulation& before, CourseFormulation& after,
                                      FormulationRevision* superseded, absl::Time now) = 0;
  virtual absl::Status PutSessionWork(SessionWork& work, absl::Time now) = 0;
  virtual absl::Status PutTermination(Termination& termination, absl::Time now) = 0;
};

class FormulationStore {
 public:
  virtual ~FormulationStore() = default;
  // One consistent snapshot.
  virtual absl::Status Read(absl::Time deadline,
                            absl::FunctionRef<absl::Status(FormulationReader&)> body) = 0;
  // One durable transaction; OK only after its commit.
  virtual absl::Status Write(absl::Time deadline,
                             absl::FunctionRef<absl::Status(FormulationTx&)> body) = 0;
};

}  // namespace ipt::formulation
