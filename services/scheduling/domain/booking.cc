#include "scheduling/domain/booking.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/errors/status_macros.h"
#include "scheduling/domain/availability.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/numbering.h"
#include "scheduling/domain/reasons.h"
#include "scheduling/domain/time_zone.h"
#include "scheduling/domain/week_clock.h"

namespace ipt::scheduling {
namespace {

// How far beyond the deadline a forecast looks at first.
constexpr absl::Duration kForecastMargin = absl::Hours(24 * 30);

std::string Utc(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

bool Overlap(Interval a, Interval b) { return a.start < b.end && b.start < a.end; }

// Gathers the refusals of one session after the other.
class Findings {
 public:
  void Add(size_t index, absl::string_view reason, absl::string_view description,
           ErrorMetadata metadata = {}) {
    refusals_.push_back(
        {index, {std::string(reason), "", std::string(description)}, std::move(metadata)});
  }
  std::vector<Refusal> Take() { return std::move(refusals_); }

 private:
  std::vector<Refusal> refusals_;
};

absl::StatusOr<absl::Time> DeadlineWith(const PlacementRequest& request, const absl::TimeZone& zone,
                                        int pause_cap_days) {
  std::vector<Session> all = request.others;
  all.insert(all.end(), request.placed.begin(), request.placed.end());
  std::sort(all.begin(), all.end(),
            [](const Session& a, const Session& b) { return a.interval.start < b.interval.start; });
  const auto start = FindCourseStart(all, zone);
  if (!start.has_value()) return absl::InfiniteFuture();
  return WeekClock(start->day, request.course.duration_weeks, request.course.pauses, pause_cap_days)
      .Deadline(zone);
}

// What Availability finds, told as refusals.
void AddAvailability(const std::vector<DeviationReason>& found, const PlacementRequest& request,
                     size_t index, Findings& findings) {
  std::vector<std::string> outside;
  bool paused = false;
  std::vector<std::string> taken;
  for (DeviationReason reason : found) {
    switch (reason) {
      case DeviationReason::kPause:
        paused = true;
        break;
      case DeviationReason::kHoliday:
        outside.push_back("HOLIDAY");
        break;
      case DeviationReason::kTimeOff:
        outside.push_back("TIME_OFF");
        break;
      case DeviationReason::kOutsideHours:
        outside.push_back("OUTSIDE_HOURS");
        break;
      case DeviationReason::kTherapistBooked:
        taken.push_back("THERAPIST");
        break;
      case DeviationReason::kPatientBooked:
        taken.push_back("PATIENT");
        break;
      default:
        break;  // the patient's windows are wishes: plans keep them, a booking may not
    }
  }
  if (!request.retrospective) {
    if (paused && !request.override.during_pause) {
      findings.Add(index, reason::kCoursePaused,
                   "the day lies in a pause of the course; resume it, take another day, or "
                   "override during_pause");
    }
    if (!outside.empty() && !request.override.outside_availability) {
      findings.Add(
          index, reason::kOutsideAvailability,
          absl::StrCat("the therapist is not available then (", absl::StrJoin(outside, ", "),
                       "); take a time that FindSlots gives, or override "
                       "outside_availability"),
          {{"reasons", absl::StrJoin(outside, ",")}});
    }
  }
  if (!taken.empty()) {
    findings.Add(index, reason::kSlotTaken,
                 absl::StrCat(taken.size() == 2       ? "therapist and patient are"
                              : taken[0] == "PATIENT" ? "the patient is"
                                                      : "the therapist is",
                              " booked at that time; take a time that FindSlots gives"),
                 {{"taken", absl::StrJoin(taken, ",")}});
  }
}

}  // namespace

std::string HistoryReason(absl::string_view reason, const BookingOverride& override) {
  if (override.reason.empty()) return std::string(reason);
  if (reason.empty()) return override.reason;
  return absl::StrCat(reason, "; override: ", override.reason);
}

void CheckStart(absl::Time start, absl::Time now, bool retrospective, FieldViolations& bad,
                absl::string_view field) {
  if (absl::ToUnixMicros(start) % 60'000'000 != 0) {
    bad.Add(field, "must be a whole minute");
  } else if (retrospective) {
    if (start >= now || start < now - absl::Hours(24 * kRetrospectiveDays)) {
      bad.Add(field, absl::StrCat("must be in the past ", kRetrospectiveDays,
                                  " days where the session is retrospective"));
    }
  } else if (start <= now) {
    bad.Add(field, "must be in the future");
  } else if (start > now + absl::Hours(24 * kBookAheadDays)) {
    bad.Add(field, "must not be more than five years ahead");
  }
}

absl::StatusOr<std::vector<Refusal>> CheckPlacements(ClinicCalendars& calendars,
                                                     const PlacementRequest& request) {
  IPT_ASSIGN_OR_RETURN(const Clinic* clinic, calendars.GetClinic());
  IPT_ASSIGN_OR_RETURN(const absl::TimeZone zone, StoredZone(request.course.time_zone));
  IPT_ASSIGN_OR_RETURN(
      const absl::Time deadline,
      DeadlineWith(request, zone,
                   clinic->policy.pause_cap_days.value_or(PolicyDefaults::kPauseCapDays)));
  const SessionCounts counts =
      CountSessions(request.course.planned_sessions, request.others, request.now);
  Interval hull = request.placed.front().interval;
  for (const Session& session : request.placed) {
    hull.end = std::max(hull.end, std::max(session.blocked_until, session.interval.end));
  }
  // Loaded is more than is looked at: the forecast that follows asks for it.
  Interval window{std::min(request.now, hull.start), hull.end};
  if (deadline != absl::InfiniteFuture()) window.end = std::max(window.end, deadline);
  window.end += kForecastMargin;
  IPT_ASSIGN_OR_RETURN(const CalendarInputs inputs,
                       calendars.ForCourse(request.course, request.others, window));
  const Availability availability(inputs, hull);

  Findings findings;
  for (size_t i = 0; i < request.placed.size(); ++i) {
    const Session& session = request.placed[i];
    if (!request.retrospective && !request.moves &&
        counts.used + counts.booked + static_cast<int>(i) >= request.course.planned_sessions) {
      findings.Add(i, reason::kSessionLimit,
                   "all agreed sessions are used or booked; extend the course first",
                   {{"planned_sessions", absl::StrCat(request.course.planned_sessions)}});
    }
    if (!request.retrospective && !request.override.past_deadline &&
        session.interval.end > deadline) {
      findings.Add(i, reason::kPastDeadline,
                   "the session would end after the course's deadline; extend or pause the "
                   "course, or override past_deadline",
                   {{"deadline", Utc(deadline)}});
    }
    std::vector<DeviationReason> found = availability.Check(session.interval);
    for (size_t k = 0; k < i; ++k) {
      const Session& earlier = request.placed[k];
      if (Overlap(session.interval, earlier.interval)) {
        found.push_back(DeviationReason::kPatientBooked);
      }
      if (Overlap({session.interval.start, session.blocked_until},
                  {earlier.interval.start, earlier.blocked_until})) {
        found.push_back(DeviationReason::kTherapistBooked);
      }
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    AddAvailability(found, request, i, findings);
  }
  return findings.Take();
}

absl::Status RefuseOne(absl::string_view subject, const std::vector<Refusal>& refusals) {
  std::vector<PreconditionViolation> violations;
  ErrorMetadata metadata;
  for (const Refusal& refusal : refusals) {
    violations.push_back(refusal.violation);
    violations.back().subject = std::string(subject);
    metadata.insert(refusal.metadata.begin(), refusal.metadata.end());
  }
  const PreconditionViolation& first = violations.front();
  return FailedPreconditions(first.reason, first.description, violations, std::move(metadata));
}

absl::Status RefuseSeries(absl::string_view field, size_t count,
                          const std::vector<Refusal>& refusals) {
  std::vector<PreconditionViolation> violations;
  std::vector<size_t> bad;
  for (const Refusal& refusal : refusals) {
    if (bad.empty() || bad.back() != refusal.index) bad.push_back(refusal.index);
    violations.push_back(refusal.violation);
    violations.back().subject = absl::StrCat(field, "[", refusal.index, "]");
  }
  return FailedPreconditions(
      reason::kSeriesConflict,
      absl::StrCat(bad.size(), " of ", count, " sessions cannot be booked; none was"), violations,
      {{"conflicts", absl::StrCat(bad.size())}, {"sessions", absl::StrCat(count)}});
}

absl::Status CheckTherapistActive(const Therapist& therapist) {
  if (therapist.active) return absl::OkStatus();
  return FailedPrecondition(reason::kTherapistInactive,
                            TherapistName(therapist.clinic_id, therapist.therapist_id),
                            "the therapist is not active; choose another one");
}

absl::Status CheckTherapistTakes(const Therapist& therapist, absl::string_view variant_id,
                                 int open_courses, int more) {
  IPT_RETURN_IF_ERROR(CheckTherapistActive(therapist));
  if (!therapist.variants.empty() && std::find(therapist.variants.begin(), therapist.variants.end(),
                                               variant_id) == therapist.variants.end()) {
    return FailedPrecondition(reason::kTherapistLacksVariant,
                              TherapistName(therapist.clinic_id, therapist.therapist_id),
                              "the therapist does not offer the course's variant",
                              {{"variant", std::string(variant_id)}});
  }
  return CheckTherapistHasRoom(therapist, open_courses, more);
}

absl::Status CheckTherapistHasRoom(const Therapist& therapist, int open_courses, int more) {
  if (therapist.max_active_courses.has_value() &&
      open_courses + more > *therapist.max_active_courses) {
    return FailedPrecondition(
        reason::kTherapistFull, TherapistName(therapist.clinic_id, therapist.therapist_id),
        "the therapist has as many open courses as they may; choose another one or raise "
        "max_active_courses",
        {{"open_courses", absl::StrCat(open_courses)},
         {"max_active_courses", absl::StrCat(*therapist.max_active_courses)}});
  }
  return absl::OkStatus();
}

}  // namespace ipt::scheduling
