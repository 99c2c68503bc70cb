#include "scheduling/domain/therapists.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "scheduling/domain/availability.h"
#include "scheduling/domain/calendar_loader.h"
#include "scheduling/domain/interval_set.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/reasons.h"
#include "scheduling/domain/time_zone.h"

namespace ipt::scheduling {
namespace {

// For lists that are read whole: nothing is cut silently.

// Zones lie up to 26 hours apart: a day that is over in one may go on in another.
constexpr absl::Duration kZonesApart = absl::Hours(26);

absl::Status TouchCalendar(SchedulingTx& tx, const std::string& clinic_id,
                           const std::string& therapist_id) {
  return tx.TouchTherapistCalendars(clinic_id, {therapist_id}).status();
}

// What decides when the therapist works around `within`: weekly and extra hours.
absl::StatusOr<CalendarInputs> HoursOf(SchedulingReader& reader, const Therapist& therapist,
                                       Interval within) {
  CalendarInputs inputs;
  IPT_ASSIGN_OR_RETURN(inputs.therapist_zone, StoredZone(therapist.time_zone));
  inputs.working_hours = therapist.working_hours;
  IPT_ASSIGN_OR_RETURN(const auto extra,
                       reader.ListExtraHours(therapist.clinic_id, therapist.therapist_id,
                                             within.start, within.end, std::nullopt, kNoLimit));
  for (const ExtraHours& hours : extra) inputs.extra_hours.push_back(hours.interval);
  return inputs;
}

// These hours as instants.
absl::StatusOr<IntervalSet> HourSet(SchedulingReader& reader, const Therapist& therapist,
                                    Interval within) {
  IPT_ASSIGN_OR_RETURN(const CalendarInputs inputs, HoursOf(reader, therapist, within));
  return Availability(inputs, within).Left(Availability::kHours);
}

absl::StatusOr<std::vector<TimeOff>> TimeOffWithin(SchedulingReader& reader,
                                                   const Therapist& therapist, Interval within) {
  return reader.ListTimeOff(therapist.clinic_id, therapist.therapist_id, within.start, within.end,
                            std::nullopt, kNoLimit);
}

struct WorkTime {
  IntervalSet hours;
  IntervalSet time_off;
};
absl::StatusOr<WorkTime> WorkTimeOf(SchedulingReader& reader, const Therapist& therapist,
                                    Interval within) {
  WorkTime time;
  IPT_ASSIGN_OR_RETURN(time.hours, HourSet(reader, therapist, within));
  IPT_ASSIGN_OR_RETURN(const auto time_off, TimeOffWithin(reader, therapist, within));
  std::vector<Interval> spans;
  for (const TimeOff& off : time_off) spans.push_back(off.interval);
  time.time_off = IntervalSet(std::move(spans));
  return time;
}

// Lays the whole days off that are not over in the zone that the therapist has from now on.
absl::Status MoveDaysOff(SchedulingTx& tx, const CallContext& ctx, const Therapist& therapist) {
  IPT_ASSIGN_OR_RETURN(const absl::TimeZone zone, StoredZone(therapist.time_zone));
  IPT_ASSIGN_OR_RETURN(
      const auto time_off,
      TimeOffWithin(tx, therapist, {ctx.now - kZonesApart, absl::InfiniteFuture()}));
  for (TimeOff off : time_off) {
    if (!off.days.has_value()) continue;
    const Interval before = off.interval;
    off.interval = SpanOfDays(*off.days, zone);
    if (off.interval == before) continue;
    IPT_RETURN_IF_ERROR(tx.UpdateTimeOff(off, ctx.now));
    IPT_RETURN_IF_ERROR(tx.Emit(TimeOffMoved{off}, ctx.now));
  }
  return absl::OkStatus();
}

Interval SpanOf(const std::vector<Session>& by_start) {
  Interval span = by_start.front().interval;
  for (const Session& session : by_start) span.end = std::max(span.end, session.interval.end);
  return span;
}

// Whether it lay within the hours before and does not after: what was booked outside them on
// purpose is none of this change's doing.
bool IsLeftOutside(Interval session, const IntervalSet& before, const IntervalSet& after) {
  return before.Contains(session) && !after.Contains(session);
}

absl::Status ApplyClinicDefaults(SchedulingReader& reader, Therapist& therapist) {
  IPT_ASSIGN_OR_RETURN(Clinic clinic, reader.GetClinic(therapist.clinic_id));
  if (therapist.time_zone.empty()) therapist.time_zone = std::move(clinic.time_zone);
  if (!therapist.session_minutes.has_value()) {
    therapist.session_minutes =
        clinic.policy.session_minutes.value_or(PolicyDefaults::kSessionMinutes);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Therapist> CreateTherapist(SchedulingTx& tx, const CallContext& ctx,
                                          Therapist therapist) {
  IPT_RETURN_IF_ERROR(ApplyClinicDefaults(tx, therapist));
  IPT_RETURN_IF_ERROR(tx.InsertTherapist(therapist, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(TherapistChanged{therapist}, ctx.now));
  return therapist;
}

absl::StatusOr<TherapistUpdated> UpdateTherapist(SchedulingTx& tx, const CallContext& ctx,
                                                 const Therapist& before, Therapist after) {
  IPT_RETURN_IF_ERROR(ApplyClinicDefaults(tx, after));
  TherapistUpdated updated;
  const bool new_hours =
      after.working_hours != before.working_hours || after.time_zone != before.time_zone;
  if (new_hours || after.buffer_minutes != before.buffer_minutes) {
    IPT_RETURN_IF_ERROR(TouchCalendar(tx, after.clinic_id, after.therapist_id));
  }
  if (new_hours) {
    IPT_ASSIGN_OR_RETURN(auto booked, BookedSessions(tx, after.clinic_id, after.therapist_id,
                                                     {ctx.now, absl::InfiniteFuture()}, ctx.now));
    WorkTime old;
    if (!booked.empty()) {
      IPT_ASSIGN_OR_RETURN(old, WorkTimeOf(tx, before, SpanOf(booked)));
    }
    if (after.time_zone != before.time_zone) IPT_RETURN_IF_ERROR(MoveDaysOff(tx, ctx, after));
    if (!booked.empty()) {
      IPT_ASSIGN_OR_RETURN(const WorkTime left, WorkTimeOf(tx, after, SpanOf(booked)));
      std::erase_if(booked, [&](const Session& session) {
        const Interval at = session.interval;
        return !IsLeftOutside(at, old.hours, left.hours) &&
               (old.time_off.Overlaps(at) || !left.time_off.Overlaps(at));
      });
    }
    updated.affected = Told(std::move(booked));
  }
  IPT_RETURN_IF_ERROR(tx.UpdateTherapist(after, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(TherapistChanged{after}, ctx.now));
  updated.therapist = std::move(after);
  return updated;
}

absl::StatusOr<TherapistDeactivated> DeactivateTherapist(SchedulingTx& tx, const CallContext& ctx,
                                                         Therapist therapist, bool force) {
  const std::string& clinic_id = therapist.clinic_id;
  const std::string& therapist_id = therapist.therapist_id;
  IPT_RETURN_IF_ERROR(TouchCalendar(tx, clinic_id, therapist_id));
  CourseFilter open;
  open.states = {CourseState::kPlanned, CourseState::kActive, CourseState::kPaused};
  open.therapist_id = therapist_id;
  IPT_ASSIGN_OR_RETURN(const auto courses, tx.ListCourses(clinic_id, open, "", kNoLimit));
  if (!courses.empty() && !force) {
    return FailedPrecondition(
        reason::kTherapistHasCourses, TherapistName(clinic_id, therapist_id),
        absl::StrCat("the therapist has ", courses.size(),
                     " open courses; transfer them with TransferCourses first, or set force"),
        {{"count", absl::StrCat(courses.size())}});
  }
  TherapistDeactivated result;
  for (const Course& course : courses) result.open_courses.push_back(course.course_id);
  IPT_ASSIGN_OR_RETURN(result.affected, AffectedWithin(tx, clinic_id, therapist_id,
                                                       {ctx.now, absl::InfiniteFuture()}, ctx.now));
  therapist.active = false;
  IPT_RETURN_IF_ERROR(tx.UpdateTherapist(therapist, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(TherapistChanged{therapist}, ctx.now));
  result.therapist = std::move(therapist);
  return result;
}

absl::StatusOr<Therapist> ActivateTherapist(SchedulingTx& tx, const CallContext& ctx,
                                            Therapist therapist) {
  IPT_RETURN_IF_ERROR(TouchCalendar(tx, therapist.clinic_id, therapist.therapist_id));
  therapist.active = true;
  IPT_RETURN_IF_ERROR(tx.UpdateTherapist(therapist, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(TherapistChanged{therapist}, ctx.now));
  return therapist;
}

absl::StatusOr<TimeOffCreatedResult> CreateTimeOff(SchedulingTx& tx, const CallContext& ctx,
                                                   TimeOff time_off) {
  // First, so that the zone read after it is not changed by another transaction any more.
  IPT_RETURN_IF_ERROR(TouchCalendar(tx, time_off.clinic_id, time_off.therapist_id));
  IPT_ASSIGN_OR_RETURN(const Therapist therapist,
                       tx.GetTherapist(time_off.clinic_id, time_off.therapist_id));
  if (time_off.days.has_value()) {
    IPT_ASSIGN_OR_RETURN(const auto zone, StoredZone(therapist.time_zone));
    time_off.interval = SpanOfDays(*time_off.days, zone);
  }
  TimeOffCreatedResult result;
  IPT_ASSIGN_OR_RETURN(
      result.affected,
      AffectedWithin(tx, time_off.clinic_id, time_off.therapist_id, time_off.interval, ctx.now));
  IPT_RETURN_IF_ERROR(tx.InsertTimeOff(time_off, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(TimeOffCreated{time_off}, ctx.now));
  result.time_off = std::move(time_off);
  return result;
}

absl::Status DeleteTimeOff(SchedulingTx& tx, const CallContext& ctx, const std::string& clinic_id,
                           const std::string& therapist_id, absl::string_view time_off_id) {
  IPT_ASSIGN_OR_RETURN(TimeOff time_off, tx.GetTimeOff(clinic_id, therapist_id, time_off_id));
  IPT_RETURN_IF_ERROR(TouchCalendar(tx, clinic_id, therapist_id));
  IPT_RETURN_IF_ERROR(tx.DeleteTimeOff(clinic_id, therapist_id, time_off_id));
  return tx.Emit(TimeOffDeleted{std::move(time_off)}, ctx.now);
}

absl::StatusOr<ExtraHours> CreateExtraHours(SchedulingTx& tx, const CallContext& ctx,
                                            ExtraHours extra_hours) {
  IPT_RETURN_IF_ERROR(tx.GetTherapist(extra_hours.clinic_id, extra_hours.therapist_id).status());
  IPT_RETURN_IF_ERROR(TouchCalendar(tx, extra_hours.clinic_id, extra_hours.therapist_id));
  IPT_RETURN_IF_ERROR(tx.InsertExtraHours(extra_hours, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(ExtraHoursCreated{extra_hours}, ctx.now));
  return extra_hours;
}

absl::StatusOr<AffectedSessions> DeleteExtraHours(SchedulingTx& tx, const CallContext& ctx,
                                                  const std::string& clinic_id,
                                                  const std::string& therapist_id,
                                                  absl::string_view extra_hours_id) {
  IPT_ASSIGN_OR_RETURN(ExtraHours extra, tx.GetExtraHours(clinic_id, therapist_id, extra_hours_id));
  // First, so that the hours read after it are not changed by another transaction any more.
  IPT_RETURN_IF_ERROR(TouchCalendar(tx, clinic_id, therapist_id));
  IPT_ASSIGN_OR_RETURN(const Therapist therapist, tx.GetTherapist(clinic_id, therapist_id));
  IPT_ASSIGN_OR_RETURN(auto affected,
                       BookedSessions(tx, clinic_id, therapist_id, extra.interval, ctx.now));
  std::optional<IntervalSet> hours;
  if (!affected.empty()) {
    IPT_ASSIGN_OR_RETURN(hours, HourSet(tx, therapist, SpanOf(affected)));
  }
  IPT_RETURN_IF_ERROR(tx.DeleteExtraHours(clinic_id, therapist_id, extra_hours_id));
  if (!affected.empty()) {
    IPT_ASSIGN_OR_RETURN(const auto left, HourSet(tx, therapist, SpanOf(affected)));
    std::erase_if(affected, [&](const Session& session) {
      return !IsLeftOutside(session.interval, *hours, left);
    });
  }
  IPT_RETURN_IF_ERROR(tx.Emit(ExtraHoursDeleted{std::move(extra)}, ctx.now));
  return Told(std::move(affected));
}

absl::StatusOr<TherapistCalendar> GetTherapistCalendar(SchedulingReader& reader,
                                                       absl::string_view clinic_id,
                                                       absl::string_view therapist_id,
                                                       const DayRange& days) {
  IPT_ASSIGN_OR_RETURN(const Clinic clinic, reader.GetClinic(clinic_id));
  IPT_ASSIGN_OR_RETURN(const Therapist therapist, reader.GetTherapist(clinic_id, therapist_id));
  IPT_ASSIGN_OR_RETURN(const auto zone, StoredZone(therapist.time_zone));
  const Interval span = SpanOfDays(days, zone);
  IPT_ASSIGN_OR_RETURN(CalendarInputs inputs, HoursOf(reader, therapist, span));
  inputs.therapist_active = therapist.active;
  IPT_ASSIGN_OR_RETURN(inputs.clinic_zone, StoredZone(clinic.time_zone));

  TherapistCalendar calendar;
  calendar.time_zone = therapist.time_zone;
  // Seen from another zone, the clinic's days begin and end at other instants.
  const absl::CivilDay first = LocalDay(span.start, inputs.clinic_zone);
  const absl::CivilDay last = LocalDay(span.end - absl::Microseconds(1), inputs.clinic_zone);
  IPT_ASSIGN_OR_RETURN(const auto holidays, reader.ListHolidays(clinic_id, first, last, kNoLimit));
  for (const Holiday& holiday : holidays) inputs.holidays.push_back(holiday.day);
  IPT_ASSIGN_OR_RETURN(calendar.time_off, reader.ListTimeOff(clinic_id, therapist_id, span.start,
                                                             span.end, std::nullopt, kNoLimit));
  for (const TimeOff& time_off : calendar.time_off) inputs.time_off.push_back(time_off.interval);
  calendar.available =
      Intersect(Availability(inputs, span).Left(Availability::kTimeOff), IntervalSet({span}))
          .intervals();
  calendar.holidays = std::move(inputs.holidays);
  IPT_ASSIGN_OR_RETURN(
      calendar.sessions,
      SessionsWithin(reader, clinic_id, therapist_id,
                     {SessionState::kBooked, SessionState::kAttended, SessionState::kNoShow},
                     span));
  return calendar;
}

}  // namespace ipt::scheduling
