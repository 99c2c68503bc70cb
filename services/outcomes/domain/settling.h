// What of measurements could not be checked when they were recorded, checked once scheduling has
// answered.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/store.h"

namespace ipt::outcomes {

// Whether measurements of this course wait to be checked. Those whose binding is known to be wrong
// wait for a person.
absl::StatusOr<bool> WaitsForScheduling(OutcomesReader& reader, absl::string_view clinic_id,
                                        absl::string_view course_id);

// Binds what waits by an answer that is verified, or says that there is no such course. A session
// or course that does not exist becomes a binding problem; nothing is refused any more. Alerts
// learn what their measurement has learnt. No new revision: no answer and no score changes.
absl::Status SettleMeasurements(OutcomesTx& tx, const Catalog& catalog, absl::string_view clinic_id,
                                absl::string_view course_id, const courses::CourseAnswer& course,
                                absl::Time now);

}  // namespace ipt::outcomes
