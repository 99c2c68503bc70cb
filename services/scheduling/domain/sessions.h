// Use cases of sessions: booked, moved, cancelled, attended. Each runs in the given transaction,
// which must be rolled back when it fails, and takes ctx.now as now and ctx.clinic_id as clinic.
//
// Refusals are FAILED_PRECONDITION with the reasons of reasons.h; values that only the instant or
// the store can judge are INVALID_ARGUMENT with the request's fields.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"
#include "scheduling/domain/booking.h"
#include "scheduling/domain/store.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

struct BookSessionCommand {
  std::string course_id;
  std::string session_id;  // empty: a new UUID
  absl::Time start;
  int session_minutes = 0;                     // 0: the course's
  Modality modality = Modality::kUnspecified;  // unspecified: the course's
  std::string location;
  BookingOverride override;
  bool retrospective = false;
};
absl::StatusOr<Session> BookSession(SchedulingTx& tx, const CallContext& ctx, IdSource& ids,
                                    const BookSessionCommand& command);

struct PlanSlot {
  absl::Time start;
  int session_minutes = 0;  // 0: the course's
  std::string location;
};
struct BookPlanCommand {
  std::string course_id;
  int64_t if_revision = 0;
  std::vector<PlanSlot> slots;  // not empty
};
struct BookedPlan {
  std::vector<Session> sessions;  // by start
  Course course;
};
// All or nothing: SERIES_CONFLICT names every slot that cannot be booked.
absl::StatusOr<BookedPlan> BookPlan(SchedulingTx& tx, const CallContext& ctx, IdSource& ids,
                                    const BookPlanCommand& command);
// Adds a violation for each slot whose start no plan may have, or has twice.
void CheckSlots(const std::vector<PlanSlot>& slots, absl::Time now, FieldViolations& bad);

// What may change of a session beside its time and state.
struct SessionDetails {
  Modality modality = Modality::kUnspecified;
  std::string location;
};
// `redraft` makes the new details of the session as locked.
absl::StatusOr<Session> UpdateSession(
    SchedulingTx& tx, const CallContext& ctx, const std::string& course_id,
    const std::string& session_id, int64_t if_revision,
    absl::FunctionRef<absl::StatusOr<SessionDetails>(const Session&)> redraft);

struct RescheduleCommand {
  std::string course_id;
  std::string session_id;
  int64_t if_revision = 0;
  absl::Time start;
  int session_minutes = 0;  // 0: as before
  bool following = false;   // all booked ones after it, too
  std::string reason;
  BookingOverride override;
};
struct Rescheduled {
  std::vector<Session> sessions;  // the moved ones, by start
  int64_t revision = 0;
};
// In place: same ids. Those that follow move by the same local days and minutes; a local time that
// does not exist that day is read as RFC 5545 says.
absl::StatusOr<Rescheduled> RescheduleSession(SchedulingTx& tx, const CallContext& ctx,
                                              const RescheduleCommand& command);

struct CancelSessionCommand {
  std::string course_id;
  std::string session_id;
  int64_t if_revision = 0;
  CancelledBy cancelled_by = CancelledBy::kUnspecified;
  std::string reason;
};
absl::StatusOr<Session> CancelSession(SchedulingTx& tx, const CallContext& ctx,
                                      const CancelSessionCommand& command);

struct RecordAttendanceCommand {
  std::string course_id;
  std::string session_id;
  int64_t if_revision = 0;
  AttendanceOutcome outcome = AttendanceOutcome::kUnspecified;
  AttendanceSource source = AttendanceSource::kUnspecified;  // unspecified: the therapist
  std::string correction_reason;  // needed where attendance was recorded before
};
// Also of a closed course, and beyond the agreed number of sessions: what happened does not depend
// on when it is written down, nor on what was agreed. A correction that would leave a completed
// course without an attended session is refused.
absl::StatusOr<Session> RecordAttendance(SchedulingTx& tx, const CallContext& ctx,
                                         const RecordAttendanceCommand& command);

}  // namespace ipt::scheduling
