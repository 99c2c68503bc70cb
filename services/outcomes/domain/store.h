// The port through which use cases reach the store. Its implementation lives in storage/.
//
// OutcomesStore is thread-safe. An OutcomesReader or OutcomesTx is one transaction: used by one
// thread, gone when the body returns. Bodies may run again after a conflict, so they have no effect
// but through the transaction. Every failure of the store itself comes as UNAVAILABLE, ABORTED or
// RESOURCE_EXHAUSTED with retry advice; a body returns such a status as it is.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "outcomes/domain/alert_tx.h"
#include "outcomes/domain/clinic_report.h"
#include "outcomes/domain/course_focus.h"
#include "outcomes/domain/course_result.h"
#include "outcomes/domain/events.h"
#include "outcomes/domain/plan_types.h"
#include "outcomes/domain/told_outcomes.h"
#include "outcomes/domain/types.h"
#include "platform/transaction/write_log.h"

namespace ipt::outcomes {

struct MeasurementFilter {
  std::string course_id{};  // empty: all courses
  std::vector<std::string> instrument_ids{};
  std::vector<MeasurementState> states{};  // empty: all but those taken back
  std::vector<AnsweredBy> respondents{};
  std::optional<absl::Time> from{};
  std::optional<absl::Time> before{};
  std::vector<CoursePart> occasions{};
  bool unsettled_only = false;
  bool risk_only = false;
  bool invalid_only = false;
  // Leaves out the answers, which are most of a measurement: outcomes are made of scores.
  bool without_answers = false;
};

// Keyset position in a list of measurements: the last one returned.
struct MeasurementCursor {
  absl::Time complete_time{};
  std::string course_id{};
  std::string measurement_id{};
};

// Keyset position in measurements by revision: the last one returned.
struct RevisionCursor {
  int64_t revision = 0;
  std::string course_id{};
  std::string measurement_id{};
};

// One after the other of these, in one course, may be the same form twice.
struct MeasurementSeries {
  std::string clinic_id{};
  std::string course_id{};
  std::string instrument_id{};
  AnsweredBy respondent = AnsweredBy::kUnspecified;
};

// A course with measurements that are unverified or wrongly bound.
struct UnsettledCourse {
  std::string clinic_id{};
  std::string course_id{};
};

// A course whose kept result is to be made anew. `generation` grows whenever anything changes of
// the course that its result is made of.
struct StaleResult {
  std::string clinic_id{};
  std::string course_id{};
  int64_t generation = 0;
  std::optional<ToldOutcomes> told{};  // of what it was before; nullopt: not known
};

// Kept results of a clinic that were made by the same rules, as ResultRules::made_by has them.
struct ResultMaker {
  std::string clinic_id{};
  std::string made_by{};
  friend bool operator==(const ResultMaker&, const ResultMaker&) = default;
};

class OutcomesReader {
 public:
  virtual ~OutcomesReader() = default;

  // The newest revision that was issued.
  virtual absl::StatusOr<int64_t> CurrentRevision() = 0;

  // The clinic's own instruments, by id and version; of one id, or (empty) all. Without `retired`
  // and `current`, which follow from the uses.
  virtual absl::StatusOr<std::vector<HeldInstrument>> ListRegistered(
      absl::string_view clinic_id, absl::string_view instrument_id) = 0;
  // By id and version; of one id, or (empty) all.
  virtual absl::StatusOr<std::vector<InstrumentUse>> ListInstrumentUses(
      absl::string_view clinic_id, absl::string_view instrument_id) = 0;

  // A clinic without a policy has the defaults: version 0.
  virtual absl::StatusOr<OutcomePolicy> GetPolicy(absl::string_view clinic_id) = 0;

  // `window`: the policy's, by which `superseded` is told. NOT_FOUND when absent.
  virtual absl::StatusOr<Measurement> GetMeasurement(absl::string_view clinic_id,
                                                     absl::string_view course_id,
                                                     absl::string_view measurement_id,
                                                     absl::Duration window) = 0;
  // By completion, course and id (all of them turned round: newest first); at most `limit`,
  // strictly after the position.
  virtual absl::StatusOr<std::vector<Measurement>> ListMeasurements(
      absl::string_view clinic_id, const MeasurementFilter& filter, bool newest_first,
      const std::optional<MeasurementCursor>& after, int limit, absl::Duration window) = 0;
  // As they were when `upto` was the newest revision, in the order of those that they had then; at
  // most `limit`, strictly after the position. `superseded` is as of now. Complete only once
  // WritersAreOver(a mark that was taken after `upto`).
  virtual absl::StatusOr<std::vector<Measurement>> ListMeasurementsAsOf(
      absl::string_view clinic_id, const MeasurementFilter& filter, int64_t upto,
      const RevisionCursor& after, int limit, absl::Duration window) = 0;
  // As platform/storage/revision.h explains.
  virtual absl::StatusOr<int64_t> MarkWriters() = 0;
  virtual absl::StatusOr<bool> WritersAreOver(int64_t mark) = 0;
  // Of all clinics, by clinic and course; strictly after `after`.
  virtual absl::StatusOr<std::vector<UnsettledCourse>> ListUnsettledCourses(
      const UnsettledCourse& after, int limit) = 0;
  // Revisions before the present one, by number.
  virtual absl::StatusOr<std::vector<Measurement>> ListPastRevisions(
      absl::string_view clinic_id, absl::string_view course_id, absl::string_view measurement_id,
      int after_number, int limit) = 0;
  // Of a series, those completed from `from` to `to` (both included) and not taken back.
  virtual absl::StatusOr<std::vector<Measurement>> ListNear(const MeasurementSeries& series,
                                                            absl::Time from, absl::Time to) = 0;
  // The one with this id elsewhere that was not taken back.
  virtual absl::StatusOr<std::optional<Measurement>> FindByExternalId(
      absl::string_view clinic_id, absl::string_view external_id) = 0;

  // NOT_FOUND when absent.
  virtual absl::StatusOr<MeasurementPlan> GetPlan(absl::string_view clinic_id,
                                                  absl::string_view plan_id) = 0;
  // A clinic's plans by id; at most `limit`, strictly after `after_id`.
  virtual absl::StatusOr<std::vector<MeasurementPlan>> ListPlans(absl::string_view clinic_id,
                                                                 absl::string_view after_id,
                                                                 int limit) = 0;
  // Of these courses, what is stored of plans of their own, by course.
  virtual absl::StatusOr<std::vector<StoredCoursePlan>> ListCoursePlans(
      absl::string_view clinic_id, const std::vector<std::string>& course_ids) = 0;
  // What was recorded in these courses by these instruments and not taken back; by course,
  // completion and id.
  virtual absl::StatusOr<std::vector<PlanAnswer>> ListAnswers(
      absl::string_view clinic_id, const std::vector<std::string>& course_ids,
      const std::vector<std::string>& instrument_ids) = 0;
  virtual absl::StatusOr<MeasurementImport> GetImport(absl::string_view clinic_id,
                                                      absl::string_view import_id) = 0;
  // By row, those after `after_row`.
  virtual absl::StatusOr<std::vector<ImportRowError>> ListImportErrors(absl::string_view clinic_id,
                                                                       absl::string_view import_id,
                                                                       int64_t after_row,
                                                                       int limit) = 0;
  // The patients (courses::CopiedCourse::patient_hash) of whom a copied course says that they have
  // died.
  virtual absl::StatusOr<std::set<std::string>> ListDeceased(absl::string_view clinic_id) = 0;
  // Whether this one is among them.
  virtual absl::StatusOr<bool> IsDeceased(absl::string_view clinic_id,
                                          absl::string_view patient_hash) = 0;
  // Kept results of courses of the period that were made by these rules and that `wants` takes,
  // asked before a result's measures are read. In no order, and maybe on another thread, which has
  // ended when this returns. In `stale`, the courses that may be of the period and have no such
  // result: at most `limit`.
  virtual absl::Status ReadCourseResults(const ResultMaker& made, const ReportPeriod& period,
                                         absl::FunctionRef<bool(const CourseResult&)> wants,
                                         absl::FunctionRef<void(const CourseResult&)> on_result,
                                         int limit, std::vector<std::string>& stale) = 0;
  // What changed since it was made. Of all clinics, by clinic and course; strictly after `after`.
  virtual absl::StatusOr<std::vector<StaleResult>> ListStaleResults(const StaleResult& after,
                                                                    int limit) = 0;
  // What is kept, whether by the rules of today or others: the next after `after`, by clinic and
  // rules.
  virtual absl::StatusOr<std::optional<ResultMaker>> NextResultMaker(const ResultMaker& after) = 0;
  // What is kept and was made by these rules, by course; at most `limit`.
  virtual absl::StatusOr<std::vector<StaleResult>> ListResultsMadeBy(const ResultMaker& made,
                                                                     absl::string_view after_course,
                                                                     int limit) = 0;
  // What is known of a course in scheduling, in this view; nullopt: nothing.
  virtual absl::StatusOr<std::optional<courses::CopiedCourse>> FindCourseCopy(
      absl::string_view clinic_id, absl::string_view course_id) = 0;

  // Whether focuses are known at all: without it there is none of any course.
  virtual bool follows_formulation() const = 0;
  // nullopt: none is agreed, or none is known.
  virtual absl::StatusOr<std::optional<CourseFocus>> FindCourseFocus(
      absl::string_view clinic_id, absl::string_view course_id) = 0;
  virtual absl::StatusOr<FormulationAge> GetFormulationAge(absl::string_view clinic_id,
                                                           absl::Time now) = 0;

  // Alerts, in this transaction.
  virtual AlertReader& alerts() = 0;
};

class OutcomesTx : public OutcomesReader {
 public:
  virtual WriteLog& log() = 0;
  virtual absl::Status Emit(const Event& event, absl::Time now) = 0;
  AlertTx& alerts() override = 0;

  // Writers of a clinic's instruments, policy and plans (`course_id` empty), or of a course, go one
  // after the other from here on; those of a course beside those of the clinic.
  virtual absl::Status LockScope(absl::string_view clinic_id, absl::string_view course_id) = 0;

  // Insert* and Update* set the stamp. ALREADY_EXISTS (RESOURCE_EXISTS) when the id is taken.
  virtual absl::Status InsertInstrument(HeldInstrument& instrument, absl::Time now) = 0;
  virtual absl::Status PutInstrumentUse(InstrumentUse& use, absl::Time now) = 0;
  virtual absl::Status PutPolicy(OutcomePolicy& policy, absl::Time now) = 0;
  virtual absl::Status InsertMeasurement(Measurement& measurement, absl::Time now) = 0;
  // Writes the present state. A new revision: after KeepRevision of the one before.
  virtual absl::Status UpdateMeasurement(Measurement& measurement, absl::Time now) = 0;
  virtual absl::Status KeepRevision(const Measurement& before) = 0;
  virtual absl::Status InsertPlan(MeasurementPlan& plan, absl::Time now) = 0;
  virtual absl::Status UpdatePlan(MeasurementPlan& plan, absl::Time now) = 0;
  virtual absl::Status DeletePlan(absl::string_view clinic_id, absl::string_view plan_id) = 0;
  virtual absl::Status PutCoursePlan(StoredCoursePlan& plan, absl::Time now) = 0;

  // nullopt when absent. Until the end of the transaction nobody else writes it.
  virtual absl::StatusOr<std::optional<MeasurementImport>> LockImport(
      absl::string_view clinic_id, absl::string_view import_id) = 0;
  // False when there is one by now.
  virtual absl::StatusOr<bool> InsertImport(const MeasurementImport& import) = 0;
  virtual absl::Status UpdateImport(const MeasurementImport& import) = 0;
  virtual absl::Status AddImportErrors(const MeasurementImport& import,
                                       const std::vector<ImportRowError>& errors) = 0;
  // Nothing where the course has changed since this generation, where its result was kept by these
  // rules already, and where another writer has the row, for which nobody waits: then false.
  // `told`: what followers know with this transaction's events.
  virtual absl::StatusOr<bool> KeepCourseResult(const StaleResult& of, absl::string_view made_by,
                                                const CourseResult& result,
                                                const ToldOutcomes& told) = 0;
  // Whoever marks results of several courses takes them in the order of their ids, before.
  virtual absl::Status LockCourseResult(absl::string_view clinic_id,
                                        absl::string_view course_id) = 0;
};

class OutcomesStore {
 public:
  virtual ~OutcomesStore() = default;
  // One consistent snapshot.
  virtual absl::Status Read(absl::Time deadline,
                            absl::FunctionRef<absl::Status(OutcomesReader&)> body) = 0;
  // One durable transaction; OK only after its commit.
  virtual absl::Status Write(absl::Time deadline,
                             absl::FunctionRef<absl::Status(OutcomesTx&)> body) = 0;
};

}  // namespace ipt::outcomes
