#include "scheduling/domain/course_state.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "scheduling/domain/course_reminders.h"
#include "scheduling/domain/forecast.h"
#include "scheduling/domain/time_zone.h"
#include "scheduling/domain/variants.h"

namespace ipt::scheduling {
namespace {

constexpr size_t kRefreshBatch = 25;
constexpr absl::Duration kPassOver = absl::Minutes(1);
// More at once are no single courses' fault; what is remembered is bounded.
constexpr size_t kMostPassedOver = 10'000;

// Whether a failure is the store's of the moment rather than a course's own.
bool IsStoreTrouble(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
         absl::IsAborted(status) || absl::IsDeadlineExceeded(status) || absl::IsCancelled(status);
}

absl::Status RefreshBatch(SchedulingStore& store, const std::string& clinic_id,
                          const std::vector<std::string>& course_ids, absl::Time now,
                          absl::Time deadline) {
  return store.Write(deadline, [&](SchedulingTx& tx) -> absl::Status {
    ClinicCalendars calendars(tx, clinic_id);
    for (const std::string& course_id : course_ids) {
      IPT_RETURN_IF_ERROR(RefreshCourse(tx, calendars, clinic_id, course_id, now).status());
    }
    return absl::OkStatus();
  });
}

// What the clinic's policy makes of a course, and followers keep. A projected start moves with each
// day that nothing is booked, and the deadline with it: that is told by no event.
bool BoundsMoved(const CourseProgress& before, const CourseProgress& after) {
  return before.phases != after.phases || before.mid_course_session != after.mid_course_session ||
         before.termination_session != after.termination_session ||
         (!after.start_projected && before.deadline != after.deadline);
}

}  // namespace

absl::string_view StateWord(CourseState state) {
  switch (state) {
    case CourseState::kUnspecified:
      return "UNSPECIFIED";
    case CourseState::kPlanned:
      return "PLANNED";
    case CourseState::kActive:
      return "ACTIVE";
    case CourseState::kPaused:
      return "PAUSED";
    case CourseState::kCompleted:
      return "COMPLETED";
    case CourseState::kDiscontinued:
      return "DISCONTINUED";
  }
  return "UNSPECIFIED";
}

absl::string_view StateWord(SessionState state) {
  switch (state) {
    case SessionState::kUnspecified:
      return "UNSPECIFIED";
    case SessionState::kBooked:
      return "BOOKED";
    case SessionState::kAttended:
      return "ATTENDED";
    case SessionState::kNoShow:
      return "NO_SHOW";
    case SessionState::kCancelled:
      return "CANCELLED";
  }
  return "UNSPECIFIED";
}

absl::string_view StateWord(ReminderState state) {
  switch (state) {
    case ReminderState::kUnspecified:
      return "UNSPECIFIED";
    case ReminderState::kScheduled:
      return "SCHEDULED";
    case ReminderState::kLeased:
      return "LEASED";
    case ReminderState::kSent:
      return "SENT";
    case ReminderState::kDead:
      return "DEAD";
    case ReminderState::kCancelled:
      return "CANCELLED";
    case ReminderState::kSuppressed:
      return "SUPPRESSED";
  }
  return "UNSPECIFIED";
}

absl::StatusOr<std::vector<Session>> AllSessions(SchedulingReader& reader,
                                                 absl::string_view clinic_id,
                                                 absl::string_view course_id) {
  SessionFilter filter;
  filter.course_id = std::string(course_id);
  return reader.ListSessions(clinic_id, filter, std::nullopt, kNoLimit);
}

absl::StatusOr<std::vector<size_t>> Derive(ClinicCalendars& calendars, Course& course,
                                           std::vector<Session>& sessions, absl::Time now) {
  const Variant* variant = FindVariant(course.variant_id);
  if (variant == nullptr) return Internal("a stored course has an unknown variant");
  IPT_ASSIGN_OR_RETURN(const absl::TimeZone zone, StoredZone(course.time_zone));
  IPT_ASSIGN_OR_RETURN(course.clinic_calendar_version, calendars.ClinicVersion());
  IPT_ASSIGN_OR_RETURN(course.therapist_calendar_version,
                       calendars.TherapistVersion(course.therapist_id));
  IPT_ASSIGN_OR_RETURN(const Clinic* clinic, calendars.GetClinic());
  return RefreshDerived(
      PhasedBy(clinic->policy, *variant), zone,
      clinic->policy.pause_cap_days.value_or(PolicyDefaults::kPauseCapDays), now, course, sessions,
      [&](Interval window) { return calendars.ForCourse(course, sessions, window); });
}

absl::StatusOr<bool> IsFresh(ClinicCalendars& calendars, const Course& course, absl::Time now) {
  if (!IsOpen(course.state)) return true;
  if (now >= course.valid_until) return false;
  IPT_ASSIGN_OR_RETURN(const int64_t clinic, calendars.ClinicVersion());
  IPT_ASSIGN_OR_RETURN(const int64_t therapist, calendars.TherapistVersion(course.therapist_id));
  return course.clinic_calendar_version == clinic && course.therapist_calendar_version == therapist;
}

absl::StatusOr<Course> CourseAt(SchedulingReader& reader, ClinicCalendars& calendars,
                                absl::string_view clinic_id, absl::string_view course_id,
                                absl::Time now) {
  IPT_ASSIGN_OR_RETURN(Course course, reader.GetCourse(clinic_id, course_id));
  IPT_ASSIGN_OR_RETURN(const bool fresh, IsFresh(calendars, course, now));
  if (fresh) return course;
  IPT_ASSIGN_OR_RETURN(auto sessions, AllSessions(reader, clinic_id, course_id));
  IPT_RETURN_IF_ERROR(Derive(calendars, course, sessions, now).status());
  return course;
}

absl::StatusOr<Course> RefreshCourse(SchedulingTx& tx, ClinicCalendars& calendars,
                                     absl::string_view clinic_id, absl::string_view course_id,
                                     absl::Time now) {
  IPT_ASSIGN_OR_RETURN(Course course, tx.LockCourse(clinic_id, course_id));
  return RefreshLocked(tx, calendars, std::move(course), now);
}

absl::StatusOr<Course> RefreshLocked(SchedulingTx& tx, ClinicCalendars& calendars, Course course,
                                     absl::Time now) {
  if (!IsOpen(course.state)) return course;
  const CourseState state_before = course.state;
  const CourseProgress progress_before = course.progress;
  const ForecastState forecast_before =
      course.forecast.has_value() ? course.forecast->state : ForecastState::kUnspecified;
  IPT_ASSIGN_OR_RETURN(auto sessions, AllSessions(tx, course.clinic_id, course.course_id));
  IPT_ASSIGN_OR_RETURN(const auto renumbered, Derive(calendars, course, sessions, now));
  IPT_RETURN_IF_ERROR(RewriteCourseReminders(tx, calendars, course, sessions, now));
  IPT_RETURN_IF_ERROR(tx.UpdateCourseDerived(course));
  if (!renumbered.empty()) {
    std::vector<Session> changed;
    for (size_t i : renumbered) changed.push_back(sessions[i]);
    IPT_RETURN_IF_ERROR(tx.UpdateSessionNumbers(changed));
    for (const Session& session : changed) {
      IPT_RETURN_IF_ERROR(tx.Emit(SessionChanged{session}, now));
    }
  }
  if (course.state != state_before || BoundsMoved(progress_before, course.progress)) {
    IPT_RETURN_IF_ERROR(tx.Emit(CourseChanged{course}, now));
  } else if (course.forecast.has_value() && course.forecast->state != forecast_before) {
    IPT_RETURN_IF_ERROR(tx.Emit(ForecastChanged{course, forecast_before}, now));
  }
  return course;
}

void FailedRefreshes::Note(CourseKey key, absl::Time now) {
  if (failed_.size() >= kMostPassedOver) failed_.clear();
  failed_[std::move(key)] = now + kPassOver;
}

std::set<CourseKey> FailedRefreshes::At(absl::Time now) {
  std::erase_if(failed_, [now](const auto& failure) { return failure.second <= now; });
  std::set<CourseKey> keys;
  for (const auto& [key, until] : failed_) keys.insert(key);
  return keys;
}

absl::StatusOr<RefreshResult> RefreshSome(SchedulingStore& store, const Clock& clock, int limit,
                                          absl::Time deadline, FailedRefreshes* failures) {
  const absl::Time now = clock.Now();
  const std::set<CourseKey> passed_over =
      failures == nullptr ? std::set<CourseKey>() : failures->At(now);
  // By clinic, then id: transactions that lock several courses take them in this order.
  std::map<std::string, std::vector<std::string>> stale;
  IPT_RETURN_IF_ERROR(store.Read(deadline, [&](SchedulingReader& reader) -> absl::Status {
    stale.clear();
    IPT_ASSIGN_OR_RETURN(const auto keys, reader.StaleCourses(now, limit, passed_over));
    for (const CourseKey& key : keys) stale[key.clinic_id].push_back(key.course_id);
    return absl::OkStatus();
  }));
  RefreshResult result;
  for (auto& [clinic_id, ids] : stale) {
    std::sort(ids.begin(), ids.end());
    for (size_t first = 0; first < ids.size(); first += kRefreshBatch) {
      const size_t last = std::min(ids.size(), first + kRefreshBatch);
      const std::vector<std::string> batch(ids.begin() + first, ids.begin() + last);
      const absl::Status done = RefreshBatch(store, clinic_id, batch, clock.Now(), deadline);
      if (done.ok()) {
        result.refreshed += static_cast<int>(batch.size());
        continue;
      }
      if (absl::IsUnavailable(done)) {  // no course's fault: the next would fare no better
        result.failed += static_cast<int>(batch.size());
        result.last_error = done;
        return result;
      }
      for (const std::string& id : batch) {
        if (absl::Status status = RefreshBatch(store, clinic_id, {id}, clock.Now(), deadline);
            status.ok()) {
          ++result.refreshed;
        } else {
          ++result.failed;
          result.last_error = status;
          if (failures != nullptr && !IsStoreTrouble(status)) failures->Note({clinic_id, id}, now);
        }
      }
    }
  }
  return result;
}

}  // namespace ipt::scheduling
