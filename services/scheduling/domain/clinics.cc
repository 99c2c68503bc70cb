#include "scheduling/domain/clinics.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/time_zone.h"

namespace ipt::scheduling {
namespace {

constexpr int kTherapistPage = 1000;

// The spans that `days` make, days that follow one another as one.
std::vector<DayRange> Runs(std::vector<absl::CivilDay> days) {
  std::sort(days.begin(), days.end());
  std::vector<DayRange> runs;
  for (const absl::CivilDay day : days) {
    if (!runs.empty() && runs.back().last + 1 == day) {
      runs.back().last = day;
    } else {
      runs.push_back({day, day});
    }
  }
  return runs;
}

// Takes every therapist's calendar, as whoever books does before looking at holidays: a booking
// either commits before, and is seen from here on, or sees what this transaction writes. Bookings
// so need no lock of the clinic, which all of them would share.
absl::Status HoldBookings(SchedulingTx& tx, const std::string& clinic_id) {
  std::vector<std::string> ids;
  std::string after;
  while (true) {
    IPT_ASSIGN_OR_RETURN(const auto page, tx.ListTherapists(clinic_id, {}, after, kTherapistPage));
    for (const Therapist& therapist : page) ids.push_back(therapist.therapist_id);
    if (page.size() < kTherapistPage) break;
    after = page.back().therapist_id;
  }
  return tx.TouchTherapistCalendars(clinic_id, ids).status();
}

}  // namespace

absl::StatusOr<Clinic> CreateClinic(SchedulingTx& tx, const CallContext& ctx, Clinic clinic) {
  IPT_RETURN_IF_ERROR(tx.InsertClinic(clinic, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(ClinicChanged{clinic}, ctx.now));
  return clinic;
}

absl::StatusOr<Clinic> UpdateClinic(SchedulingTx& tx, const CallContext& ctx, const Clinic& before,
                                    Clinic after) {
  if (after.time_zone != before.time_zone || after.policy != before.policy) {
    IPT_RETURN_IF_ERROR(tx.TouchClinicCalendar(after.clinic_id).status());
  }
  IPT_RETURN_IF_ERROR(tx.UpdateClinic(after, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(ClinicChanged{after}, ctx.now));
  return after;
}

absl::StatusOr<HolidaysCreated> CreateHolidays(SchedulingTx& tx, const CallContext& ctx,
                                               const std::string& clinic_id,
                                               std::vector<Holiday> holidays) {
  IPT_ASSIGN_OR_RETURN(const Clinic clinic, tx.GetClinic(clinic_id));
  IPT_ASSIGN_OR_RETURN(const absl::TimeZone zone, StoredZone(clinic.time_zone));
  IPT_RETURN_IF_ERROR(tx.TouchClinicCalendar(clinic_id).status());
  IPT_RETURN_IF_ERROR(HoldBookings(tx, clinic_id));

  HolidaysCreated created;
  std::vector<absl::CivilDay> days;
  for (Holiday& holiday : holidays) {
    IPT_RETURN_IF_ERROR(tx.PutHoliday(holiday, ctx.now));
    IPT_RETURN_IF_ERROR(tx.Emit(HolidayCreated{holiday}, ctx.now));
    days.push_back(holiday.day);
  }
  for (const DayRange& run : Runs(std::move(days))) {
    IPT_ASSIGN_OR_RETURN(auto affected,
                         AffectedWithin(tx, clinic_id, "", SpanOfDays(run, zone), ctx.now));
    // A day at least lies between two runs, so no session touches both.
    std::vector<Session>& told = created.affected.sessions;
    std::move(affected.sessions.begin(), affected.sessions.end(), std::back_inserter(told));
    if (told.size() > kAffectedTold) told.resize(kAffectedTold);
    created.affected.total += affected.total;
  }
  created.holidays = std::move(holidays);
  return created;
}

absl::Status DeleteHoliday(SchedulingTx& tx, const CallContext& ctx, const std::string& clinic_id,
                           absl::CivilDay day) {
  IPT_ASSIGN_OR_RETURN(const auto found, tx.ListHolidays(clinic_id, day, day, 1));
  if (found.empty()) {
    return NotFound(kHolidayType, HolidayName(clinic_id, absl::FormatCivilTime(day)));
  }
  IPT_RETURN_IF_ERROR(tx.TouchClinicCalendar(clinic_id).status());
  IPT_RETURN_IF_ERROR(tx.DeleteHoliday(clinic_id, day));
  return tx.Emit(HolidayDeleted{found.front()}, ctx.now);
}

}  // namespace ipt::scheduling
