// The port of formulation in memory, for tests of use cases: one transaction that goes on for ever.
// Every write gets a revision of its own.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "formulation/domain/names.h"
#include "formulation/domain/store.h"
#include "platform/errors/error.h"

namespace ipt::formulation {

class MemoryLog final : public WriteLog {
 public:
  absl::StatusOr<std::optional<std::string>> FindAnswer(const RequestKey&,
                                                        absl::string_view) override {
    return std::optional<std::string>();
  }
  absl::Status KeepAnswer(const RequestKey&, absl::string_view, absl::string_view,
                          absl::Time) override {
    return absl::OkStatus();
  }
  absl::Status AppendEvent(const OutboxEvent&) override { return absl::OkStatus(); }
  absl::Status AppendAudit(const AuditRecord&) override { return absl::OkStatus(); }
  absl::StatusOr<int64_t> Revision() override { return 1; }
};

class MemoryTx final : public FormulationTx {
 public:
  // What was told, in order.
  std::vector<Event> events;

  template <typename T>
  int Told() const {
    return static_cast<int>(std::count_if(events.begin(), events.end(), [](const Event& event) {
      return std::holds_alternative<T>(event);
    }));
  }
  // The last event, which has to be such a one.
  template <typename T>
  const T& Last() const {
    return std::get<T>(events.back());
  }
  const std::vector<FormulationRevision>& superseded() const { return superseded_; }

  absl::StatusOr<int64_t> CurrentRevision() override { return revision_; }
  absl::StatusOr<FormulationPolicy> GetPolicy(absl::string_view clinic_id) override {
    const auto found = policies_.find(std::string(clinic_id));
    return found != policies_.end() ? found->second
                                    : FormulationPolicy{.clinic_id = std::string(clinic_id)};
  }

  absl::StatusOr<Relationship> GetRelationship(absl::string_view clinic, absl::string_view course,
                                               absl::string_view id) override {
    return relationships_.Get(clinic, course, id, kRelationshipType);
  }
  absl::StatusOr<std::vector<Relationship>> ListRelationships(absl::string_view clinic,
                                                              absl::string_view course) override {
    return relationships_.List(clinic, course);
  }
  absl::StatusOr<LifeEvent> GetLifeEvent(absl::string_view clinic, absl::string_view course,
                                         absl::string_view id) override {
    return life_events_.Get(clinic, course, id, kLifeEventType);
  }
  absl::StatusOr<std::vector<LifeEvent>> ListLifeEvents(absl::string_view clinic,
                                                        absl::string_view course) override {
    return life_events_.List(clinic, course);
  }
  absl::StatusOr<ProblemArea> GetProblemArea(absl::string_view clinic, absl::string_view course,
                                             absl::string_view id) override {
    return areas_.Get(clinic, course, id, kProblemAreaType);
  }
  absl::StatusOr<std::vector<ProblemArea>> ListProblemAreas(absl::string_view clinic,
                                                            absl::string_view course) override {
    return areas_.List(clinic, course);
  }
  absl::StatusOr<Goal> GetGoal(absl::string_view clinic, absl::string_view course,
                               absl::string_view id) override {
    return goals_.Get(clinic, course, id, kGoalType);
  }
  absl::StatusOr<std::vector<Goal>> ListGoals(absl::string_view clinic,
                                              absl::string_view course) override {
    return goals_.List(clinic, course);
  }
  absl::StatusOr<GoalRating> GetRating(absl::string_view clinic, absl::string_view course,
                                       absl::string_view goal, absl::string_view id) override {
    for (const GoalRating& rating : ratings_.List(clinic, course)) {
      if (rating.goal_id == goal && rating.rating_id == id) return rating;
    }
    return NotFound(kGoalRatingType, GoalRatingName(clinic, course, goal, id));
  }
  absl::StatusOr<std::vector<GoalRating>> ListRatings(absl::string_view clinic,
                                                      absl::string_view course,
                                                      const RatingFilter& filter,
                                                      const std::optional<RatingCursor>& after,
                                                      int limit) override {
    const auto place = [](const auto& of) {
      return std::tie(of.rated_on, of.revision, of.goal_id, of.rating_id);
    };
    std::vector<std::pair<RatingCursor, GoalRating>> found;
    for (const GoalRating& rating : ratings_.List(clinic, course)) {
      if (!filter.goal_id.empty() && rating.goal_id != filter.goal_id) continue;
      if (!filter.raters.empty() && std::find(filter.raters.begin(), filter.raters.end(),
                                              rating.rater) == filter.raters.end()) {
        continue;
      }
      RatingCursor at{*rating.rated_on, rating.stamp.revision, rating.goal_id, rating.rating_id};
      if (!after.has_value() || place(*after) < place(at)) found.push_back({at, rating});
    }
    std::sort(found.begin(), found.end(),
              [&](const auto& a, const auto& b) { return place(a.first) < place(b.first); });
    std::vector<GoalRating> ratings;
    for (const auto& [at, rating] : found) {
      if (ratings.size() < static_cast<size_t>(limit)) ratings.push_back(rating);
    }
    return ratings;
  }

  absl::StatusOr<CourseFormulation> GetFormulation(absl::string_view clinic,
                                                   absl::string_view course) override {
    const auto found = formulations_.find({std::string(clinic), std::string(course)});
    if (found != formulations_.end()) return found->second;
    return CourseFormulation{.clinic_id = std::string(clinic), .course_id = std::string(course)};
  }
  absl::StatusOr<FormulationRevision> GetRevision(absl::string_view clinic,
                                                  absl::string_view course, int number) override {
    for (const FormulationRevision& revision : Revisions(clinic, course)) {
      if (number == 0 ? revision.state < RevisionState::kAgreed : revision.number == number) {
        return revision;
      }
    }
    return NotFound(kRevisionType, RevisionName(clinic, course, number));
  }
  absl::StatusOr<std::vector<FormulationRevision>> ListRevisions(
      absl::string_view clinic, absl::string_view course, const std::vector<RevisionState>& states,
      int before_number, int limit) override {
    std::vector<FormulationRevision> revisions;
    for (const FormulationRevision& revision : Revisions(clinic, course)) {
      const bool pending = revision.state < RevisionState::kAgreed;
      if (before_number != 0 && (pending || revision.number >= before_number)) continue;
      if (!states.empty() &&
          std::find(states.begin(), states.end(), revision.state) == states.end()) {
        continue;
      }
      if (revisions.size() < static_cast<size_t>(limit)) revisions.push_back(revision);
    }
    return revisions;
  }
  absl::StatusOr<std::vector<CourseFocus>> ListCourseFocuses(absl::string_view clinic,
                                                             const CourseFocusFilter&,
                                                             absl::string_view after,
                                                             int limit) override {
    std::vector<CourseFocus> focuses;
    for (const auto& [key, formulation] : formulations_) {
      const auto focus = FocusOf(formulation);
      if (key.first == clinic && key.second > after && focus.has_value() &&
          focuses.size() < static_cast<size_t>(limit)) {
        focuses.push_back(*focus);
      }
    }
    return focuses;
  }

  absl::StatusOr<SessionWork> GetSessionWork(absl::string_view clinic, absl::string_view course,
                                             absl::string_view session) override {
    const auto found = work_.Get(clinic, course, session, kSessionWorkType);
    if (found.ok()) return found;
    return SessionWork{.clinic_id = std::string(clinic),
                       .course_id = std::string(course),
                       .session_id = std::string(session)};
  }
  absl::StatusOr<std::vector<SessionWork>> ListSessionWork(absl::string_view clinic,
                                                           absl::string_view course) override {
    return work_.List(clinic, course);
  }
  absl::StatusOr<Termination> GetTermination(absl::string_view clinic,
                                             absl::string_view course) override {
    const auto found = terminations_.find({std::string(clinic), std::string(course)});
    if (found != terminations_.end()) return found->second;
    return Termination{.clinic_id = std::string(clinic), .course_id = std::string(course)};
  }
  absl::StatusOr<std::vector<CourseRecords>> ListCourseRecords(
      absl::string_view clinic, const std::vector<std::string>& course_ids) override {
    std::vector<CourseRecords> all;
    for (const std::string& course : course_ids) {
      CourseRecords& records = all.emplace_back();
      records.course_id = course;
      std::vector<FormulationRevision> revisions = Revisions(clinic, course);
      std::reverse(revisions.begin(), revisions.end());
      for (const FormulationRevision& revision : revisions) {
        if (revision.agreement.has_value()) records.agreed.push_back(AgreedOf(revision));
        if (const auto time = ProposedTimeOf(revision)) records.proposed_time = time;
      }
      for (const Goal& goal : goals_.List(clinic, course)) {
        records.goals.push_back(RecordedOf(goal));
      }
      for (const SessionWork& work : work_.List(clinic, course)) {
        records.work.push_back(RecordedOf(work));
      }
      records.plan_given_on = GetTermination(clinic, course)->plan_given_on;
    }
    return all;
  }

  WriteLog& log() override { return log_; }
  absl::Status Emit(const Event& event, absl::Time) override {
    events.push_back(event);
    return absl::OkStatus();
  }
  absl::Status LockScope(absl::string_view, absl::string_view) override { return absl::OkStatus(); }

  absl::Status PutPolicy(FormulationPolicy& policy, absl::Time now) override {
    Stamped(policy.stamp, now);
    policies_[policy.clinic_id] = policy;
    return absl::OkStatus();
  }
  absl::Status InsertRelationship(Relationship& relationship, absl::Time now) override {
    return Insert(relationships_, relationship, now, kRelationshipType);
  }
  absl::Status UpdateRelationship(Relationship& relationship, absl::Time now) override {
    return Update(relationships_, relationship, now);
  }
  absl::Status DeleteRelationship(const Relationship& relationship) override {
    return relationships_.Delete(relationship);
  }
  absl::Status InsertLifeEvent(LifeEvent& event, absl::Time now) override {
    return Insert(life_events_, event, now, kLifeEventType);
  }
  absl::Status UpdateLifeEvent(LifeEvent& event, absl::Time now) override {
    return Update(life_events_, event, now);
  }
  absl::Status DeleteLifeEvent(const LifeEvent& event) override {
    return life_events_.Delete(event);
  }
  absl::Status InsertProblemArea(ProblemArea& area, absl::Time now) override {
    return Insert(areas_, area, now, kProblemAreaType);
  }
  absl::Status UpdateProblemArea(ProblemArea& area, absl::Time now) override {
    return Update(areas_, area, now);
  }
  absl::Status DeleteProblemArea(const ProblemArea& area) override { return areas_.Delete(area); }
  absl::Status InsertGoal(Goal& goal, absl::Time now) override {
    return Insert(goals_, goal, now, kGoalType);
  }
  absl::Status UpdateGoal(Goal& goal, absl::Time now) override { return Update(goals_, goal, now); }
  absl::Status DeleteGoal(const Goal& goal) override { return goals_.Delete(goal); }
  absl::Status InsertRating(GoalRating& rating, absl::Time now) override {
    return Insert(ratings_, rating, now, kGoalRatingType);
  }
  absl::Status DeleteRating(const GoalRating& rating) override { return ratings_.Delete(rating); }
  absl::Status PutFormulation(const CourseFormulation& before, CourseFormulation& after,
                              FormulationRevision* superseded, absl::Time now) override {
    if (after.pending.has_value() && after.pending != before.pending) {
      Stamped(after.pending->stamp, now);
    }
    if (after.current.has_value() && after.current != before.current) {
      Stamped(after.current->stamp, now);
    }
    if (superseded != nullptr) {
      Stamped(superseded->stamp, now);
      superseded_.push_back(*superseded);
    }
    Stamped(after.stamp, now);
    formulations_[{after.clinic_id, after.course_id}] = after;
    return absl::OkStatus();
  }
  absl::Status PutSessionWork(SessionWork& work, absl::Time now) override {
    if (work.stamp.revision == 0) return Insert(work_, work, now, kSessionWorkType);
    return Update(work_, work, now);
  }
  absl::Status PutTermination(Termination& termination, absl::Time now) override {
    Stamped(termination.stamp, now);
    terminations_[{termination.clinic_id, termination.course_id}] = termination;
    return absl::OkStatus();
  }

 private:
  // Rows in the order in which they were inserted.
  template <typename T>
  struct Table {
    std::string T::*id;
    std::vector<T> rows{};

    typename std::vector<T>::iterator Find(absl::string_view clinic, absl::string_view course,
                                           absl::string_view of) {
      return std::find_if(rows.begin(), rows.end(), [&](const T& row) {
        return row.clinic_id == clinic && row.course_id == course && row.*id == of;
      });
    }
    absl::StatusOr<T> Get(absl::string_view clinic, absl::string_view course, absl::string_view of,
                          absl::string_view type) {
      const auto found = Find(clinic, course, of);
      if (found == rows.end()) return NotFound(type, of);
      return *found;
    }
    std::vector<T> List(absl::string_view clinic, absl::string_view course) const {
      std::vector<T> list;
      for (const T& row : rows) {
        if (row.clinic_id == clinic && row.course_id == course) list.push_back(row);
      }
      return list;
    }
    absl::Status Delete(const T& row) {
      rows.erase(Find(row.clinic_id, row.course_id, row.*id));
      return absl::OkStatus();
    }
  };

  template <typename T>
  absl::Status Insert(Table<T>& table, T& row, absl::Time now, absl::string_view type) {
    if (table.Find(row.clinic_id, row.course_id, row.*table.id) != table.rows.end()) {
      return AlreadyExists(reason::kResourceExists, type, row.*table.id, "the id is taken");
    }
    Stamped(row.stamp, now);
    table.rows.push_back(row);
    return absl::OkStatus();
  }
  template <typename T>
  absl::Status Update(Table<T>& table, T& row, absl::Time now) {
    Stamped(row.stamp, now);
    *table.Find(row.clinic_id, row.course_id, row.*table.id) = row;
    return absl::OkStatus();
  }

  void Stamped(Stamp& stamp, absl::Time now) {
    if (stamp.revision == 0) stamp.create_time = now;
    stamp.revision = ++revision_;
    stamp.update_time = now;
  }

  // The newest first.
  std::vector<FormulationRevision> Revisions(absl::string_view clinic, absl::string_view course) {
    const CourseFormulation formulation = *GetFormulation(clinic, course);
    std::vector<FormulationRevision> revisions;
    if (formulation.pending.has_value()) revisions.push_back(*formulation.pending);
    if (formulation.current.has_value()) revisions.push_back(*formulation.current);
    for (auto it = superseded_.rbegin(); it != superseded_.rend(); ++it) {
      if (it->clinic_id == clinic && it->course_id == course) revisions.push_back(*it);
    }
    return revisions;
  }

  MemoryLog log_;
  int64_t revision_ = 0;
  std::map<std::string, FormulationPolicy> policies_;
  Table<Relationship> relationships_{&Relationship::relationship_id};
  Table<LifeEvent> life_events_{&LifeEvent::life_event_id};
  Table<ProblemArea> areas_{&ProblemArea::problem_area_id};
  Table<Goal> goals_{&Goal::goal_id};
  Table<GoalRating> ratings_{&GoalRating::rating_id};
  Table<SessionWork> work_{&SessionWork::session_id};
  std::map<std::pair<std::string, std::string>, CourseFormulation> formulations_;
  std::map<std::pair<std::string, std::string>, Termination> terminations_;
  std::vector<FormulationRevision> superseded_;
};

}  // namespace ipt::formulation
