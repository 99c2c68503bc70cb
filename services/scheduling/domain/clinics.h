// Use cases of clinics and their holidays. Values have passed availability_rules.h. Writers change
// rows, move calendars on and emit events in the given transaction; nothing else is touched, so a
// transaction may run again.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "platform/transaction/call_context.h"
#include "scheduling/domain/affected_sessions.h"
#include "scheduling/domain/store.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// ALREADY_EXISTS (RESOURCE_EXISTS) when the id is taken.
absl::StatusOr<Clinic> CreateClinic(SchedulingTx& tx, const CallContext& ctx, Clinic clinic);

// `before` is the locked row that `after` was made of. Another policy or zone makes the forecasts
// of all of the clinic's courses stale.
absl::StatusOr<Clinic> UpdateClinic(SchedulingTx& tx, const CallContext& ctx, const Clinic& before,
                                    Clinic after);

struct HolidaysCreated {
  std::vector<Holiday> holidays;
  AffectedSessions affected;  // booked ones to come on these days, by start
};

// REQUIRES: each day once. A day that is a holiday already takes its new name.
absl::StatusOr<HolidaysCreated> CreateHolidays(SchedulingTx& tx, const CallContext& ctx,
                                               const std::string& clinic_id,
                                               std::vector<Holiday> holidays);

// NOT_FOUND when the day is no holiday.
absl::Status DeleteHoliday(SchedulingTx& tx, const CallContext& ctx, const std::string& clinic_id,
                           absl::CivilDay day);

}  // namespace ipt::scheduling
