// Whether anybody hears a clinic's alerts of risk: who listens, on whatever replica, and for whom
// nobody does. Listeners are rows that run out by themselves, so that a dead connection, or a dead
// server, is counted out.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "outcomes/domain/alert_tx.h"
#include "outcomes/domain/alert_types.h"

namespace ipt::outcomes {

// A listener takes a response at least so often (its heartbeat).
inline constexpr absl::Duration kListenerHeartbeat = absl::Seconds(10);
// After two of them, and some time on the way, it is counted out.
inline constexpr absl::Duration kListenerLife = absl::Seconds(25);
inline constexpr absl::Duration kCoverageWeek = absl::Hours(7 * 24);

// What listeners with these recipients (each empty: all) leave out of `expected`.
std::vector<AlertRecipient> Unheard(const std::vector<AlertListener>& listeners,
                                    const std::vector<AlertRecipient>& expected);

// Who has, or by the routing could have, an alert; in order.
absl::StatusOr<std::vector<AlertRecipient>> ExpectedRecipients(AlertReader& reader,
                                                               absl::string_view clinic_id,
                                                               absl::Time now);

// As it is at `now`. `since` is unset where the state was never looked at before.
absl::StatusOr<AlertCoverage> FindCoverage(AlertReader& reader, absl::string_view clinic_id,
                                           absl::Time now);

// Keeps the state as it is found, with since when, and tells of a change. Returns the new state;
// kUnspecified where it is as it was.
absl::StatusOr<CoverageState> UpdateCoverage(AlertTx& tx, absl::string_view clinic_id,
                                             absl::Time now);
// Whether UpdateCoverage would find another state than the one that is kept.
absl::StatusOr<bool> CoverageMoved(AlertReader& reader, absl::string_view clinic_id,
                                   absl::Time now);

}  // namespace ipt::outcomes
