// Alerts that a course is to be reviewed: its signals of not on track, where the clinic's policy
// makes alerts of them. In the transaction that writes the measurement.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "outcomes/domain/alert_types.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/not_on_track.h"
#include "outcomes/domain/store.h"
#include "outcomes/domain/types.h"
#include "platform/ids/ids.h"

namespace ipt::outcomes {

// After `written`, new or corrected, was stored: raises an alert for each signal of its course that
// holds now and never had one. A late form or a correction may make a signal begin at another
// score: the alert is of that one. A signal that holds on, or was dealt with, raises nothing again;
// one that begins anew does, unless its rule has an alert that is not resolved. Returns how many
// signals were passed on, those that have such an alert among them.
absl::StatusOr<int> RaiseReviews(OutcomesTx& tx, IdSource& ids, const Catalog& catalog,
                                 const OutcomePolicy& policy, const courses::CourseAnswer& course,
                                 const Measurement& written, absl::Time now);

// Of a course's alerts, the one that is about the signal: raised when it began, or, of one that
// holds, unresolved since its rule found something before. Null: the policy makes none of it.
const Alert* ReviewAlertOf(const std::vector<Alert>& alerts, const Signal& signal);

}  // namespace ipt::outcomes
