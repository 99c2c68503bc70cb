// What a measurement's risk means for alerts, in the transaction that writes it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "course_copies/domain/course_copies.h"
#include "outcomes/domain/alerts.h"
#include "outcomes/domain/store.h"
#include "outcomes/domain/types.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {

// The course's therapist; empty: not known.
std::string TherapistOf(const courses::CourseAnswer& course);

// What an alert that this revision of a measurement raises is about.
AlertCause CauseOf(const Measurement& measurement, std::string therapist_id);

// For a new measurement, or a new revision of one: raises what its risks ask for, and notes each
// alert with its risk. `therapist_id`: the course's; empty: not known.
absl::Status RaiseFor(OutcomesTx& tx, const CallContext& ctx, IdSource& ids,
                      std::string therapist_id, Measurement& measurement);

// For one that was taken back: its alerts stay, and say so. The ids of those that are not resolved,
// oldest first.
absl::StatusOr<std::vector<std::string>> NoteTakenBack(OutcomesTx& tx, const CallContext& ctx,
                                                       const Measurement& measurement);

}  // namespace ipt::outcomes
