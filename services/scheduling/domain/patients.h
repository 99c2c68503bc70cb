// A patient's identifier, changed or merged. The suite keeps nothing else of a patient. Each runs
// in the given transaction, which must be rolled back when it fails; errors name request fields and
// never an identifier.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/transaction/call_context.h"
#include "scheduling/domain/store.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// Whoever opens a course holds its patient's other open courses first: a booking of one of them,
// which marks stale what shares the patient's free time, has then committed, so that the new
// course's forecast sees it, or waits, and finds the new course. Locks the patient, then the
// courses by id.
//
// Of a patient that is locked already (FindOrAddPatient).
absl::Status HoldOpenCourses(SchedulingTx& tx, const CallContext& ctx, const Identifier& patient);
// Of the course's patient, and the course itself. NOT_FOUND.
absl::Status HoldOpenCoursesBeside(SchedulingTx& tx, const CallContext& ctx,
                                   const std::string& course_id);

struct PatientCourses {
  std::vector<std::string> course_ids;  // all of the patient, sorted
  int64_t revision = 0;
};

// NOT_FOUND when the clinic has no patient `from`; PATIENT_EXISTS when another one has `to`.
absl::StatusOr<PatientCourses> ChangePatientIdentifier(SchedulingTx& tx, const CallContext& ctx,
                                                       const Identifier& from,
                                                       const Identifier& to);

// NOT_FOUND for either; SLOT_TAKEN and OPEN_COURSE_EXISTS as the store's MergePatient.
absl::StatusOr<PatientCourses> MergePatients(SchedulingTx& tx, const CallContext& ctx,
                                             const Identifier& from, const Identifier& into);

}  // namespace ipt::scheduling
