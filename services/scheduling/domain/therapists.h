// Use cases of therapists and their calendars. Values have passed availability_rules.h. Writers
// change rows, move calendars on and emit events in the given transaction; nothing else is touched,
// so a transaction may run again.
//
// A writer takes the therapist's calendar before it looks at sessions: no booking slips in between
// what it reads and its commit.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "platform/transaction/call_context.h"
#include "scheduling/domain/affected_sessions.h"
#include "scheduling/domain/store.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// Zone and session length, where unset, become the clinic's of the moment. ALREADY_EXISTS
// (RESOURCE_EXISTS) when the id is taken.
absl::StatusOr<Therapist> CreateTherapist(SchedulingTx& tx, const CallContext& ctx,
                                          Therapist therapist);

struct TherapistUpdated {
  Therapist therapist;
  // Booked ones to come that the change leaves outside the hours, or in days off that moved.
  AffectedSessions affected;
};

// `before` is the locked row that `after` was made of; what `after` leaves unset is defaulted as at
// creation. Whole days off that are not over move with the zone.
absl::StatusOr<TherapistUpdated> UpdateTherapist(SchedulingTx& tx, const CallContext& ctx,
                                                 const Therapist& before, Therapist after);

struct TherapistDeactivated {
  Therapist therapist;
  AffectedSessions affected;              // booked ones to come, by start
  std::vector<std::string> open_courses;  // ids, in order
};

// `therapist` is the locked row. FAILED_PRECONDITION (THERAPIST_HAS_COURSES, metadata "count")
// while courses are open, unless `force`.
absl::StatusOr<TherapistDeactivated> DeactivateTherapist(SchedulingTx& tx, const CallContext& ctx,
                                                         Therapist therapist, bool force);

// `therapist` is the locked row.
absl::StatusOr<Therapist> ActivateTherapist(SchedulingTx& tx, const CallContext& ctx,
                                            Therapist therapist);

struct TimeOffCreatedResult {
  TimeOff time_off;
  AffectedSessions affected;  // booked ones to come that overlap it, by start
};

// Where days are given, the interval is made of them in the therapist's zone.
absl::StatusOr<TimeOffCreatedResult> CreateTimeOff(SchedulingTx& tx, const CallContext& ctx,
                                                   TimeOff time_off);
absl::Status DeleteTimeOff(SchedulingTx& tx, const CallContext& ctx, const std::string& clinic_id,
                           const std::string& therapist_id, absl::string_view time_off_id);

absl::StatusOr<ExtraHours> CreateExtraHours(SchedulingTx& tx, const CallContext& ctx,
                                            ExtraHours extra_hours);
// Returns the booked sessions to come that this leaves outside the hours, by start.
absl::StatusOr<AffectedSessions> DeleteExtraHours(SchedulingTx& tx, const CallContext& ctx,
                                                  const std::string& clinic_id,
                                                  const std::string& therapist_id,
                                                  absl::string_view extra_hours_id);

struct TherapistCalendar {
  std::string time_zone;
  std::vector<Interval> available;  // weekly and extra hours without time off and holidays
  std::vector<TimeOff> time_off;
  std::vector<absl::CivilDay> holidays;
  std::vector<Session> sessions;  // all that were not cancelled
};

// What the therapist's calendar says of `days`, days of their zone. An inactive therapist is never
// available.
absl::StatusOr<TherapistCalendar> GetTherapistCalendar(SchedulingReader& reader,
                                                       absl::string_view clinic_id,
                                                       absl::string_view therapist_id,
                                                       const DayRange& days);

}  // namespace ipt::scheduling
