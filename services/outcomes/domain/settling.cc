#include "outcomes/domain/settling.h"

#include <optional>
#include <utility>
#include <vector>

#include "outcomes/domain/alerts.h"
#include "outcomes/domain/binding.h"
#include "outcomes/domain/due_list.h"
#include "outcomes/domain/measurement_alerts.h"
#include "outcomes/domain/names.h"
#include "outcomes/domain/own_work.h"
#include "platform/errors/status_macros.h"

namespace ipt::outcomes {
namespace {

constexpr size_t kMostAtOnce = 200;  // of a course; the rest comes with the next look

absl::StatusOr<std::vector<Measurement>> ListUnsettled(OutcomesReader& reader,
                                                       absl::string_view clinic_id,
                                                       absl::string_view course_id) {
  IPT_ASSIGN_OR_RETURN(const OutcomePolicy policy, reader.GetPolicy(clinic_id));
  MeasurementFilter filter;
  filter.course_id = std::string(course_id);
  filter.unsettled_only = true;
  std::vector<Measurement> waiting;
  std::optional<MeasurementCursor> after;
  while (true) {
    IPT_ASSIGN_OR_RETURN(std::vector<Measurement> page,
                         reader.ListMeasurements(clinic_id, filter, false, after, kMostAtOnce,
                                                 policy.DuplicateWindow()));
    if (page.empty()) return waiting;
    after = MeasurementCursor{page.back().complete_time, page.back().course_id,
                              page.back().measurement_id};
    const bool last = page.size() < kMostAtOnce;
    for (Measurement& m : page) {
      if (!m.unverified.empty()) waiting.push_back(std::move(m));
      if (waiting.size() == kMostAtOnce) return waiting;
    }
    if (last) return waiting;
  }
}

void Bind(const courses::CourseAnswer& course, Measurement& m) {
  Measurement bound = m;
  const absl::Status status = BindToCourse(course, bound);
  if (status.ok()) m = std::move(bound);
  // Another failure tells nothing of the measurement: it goes on waiting.
  if (!absl::IsNotFound(status)) return;
  m.unverified.clear();
  m.binding_problem = course.known == courses::CourseAnswer::Known::kAbsent
                          ? BindingProblem::kNoSuchCourse
                          : BindingProblem::kNoSuchSession;
}

}  // namespace

absl::StatusOr<bool> WaitsForScheduling(OutcomesReader& reader, absl::string_view clinic_id,
                                        absl::string_view course_id) {
  IPT_ASSIGN_OR_RETURN(const std::vector<Measurement> waiting,
                       ListUnsettled(reader, clinic_id, course_id));
  return !waiting.empty();
}

absl::Status SettleMeasurements(OutcomesTx& tx, const Catalog& catalog, absl::string_view clinic_id,
                                absl::string_view course_id, const courses::CourseAnswer& course,
                                absl::Time now) {
  IPT_RETURN_IF_ERROR(tx.LockScope(clinic_id, course_id));
  IPT_ASSIGN_OR_RETURN(std::vector<Measurement> waiting, ListUnsettled(tx, clinic_id, course_id));
  if (waiting.empty()) return absl::OkStatus();
  IPT_ASSIGN_OR_RETURN(const OutcomePolicy policy, tx.GetPolicy(clinic_id));
  for (Measurement& m : waiting) {
    Bind(course, m);
    if (!m.unverified.empty()) continue;
    IPT_RETURN_IF_ERROR(NameRule(tx, catalog, policy, course, now, m));
    m.changes.push_back({.time = now,
                         .kind = MeasurementChangeKind::kVerified,
                         .caller = kOwnCaller,
                         .reason = "",
                         .revision_number = m.revision_number});
    IPT_RETURN_IF_ERROR(tx.UpdateMeasurement(m, now));
    IPT_RETURN_IF_ERROR(tx.Emit(MeasurementChanged{m}, now));
    AlertCause cause;
    cause.clinic_id = m.clinic_id;
    cause.course_id = m.course_id;
    cause.measurement_id = m.measurement_id;
    cause.therapist_id = TherapistOf(course);
    IPT_RETURN_IF_ERROR(VerifyAlerts(tx.alerts(), cause, now));
    tx.log().NoteChanged(MeasurementName(m.clinic_id, m.course_id, m.measurement_id));
  }
  return AuditOwnWork(tx.log(), clinic_id, kRecordMethod, now);
}

}  // namespace ipt::outcomes
