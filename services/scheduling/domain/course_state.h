// The derived values of courses: both clocks, state, numbering and forecast. Recomputed in the
// transaction of every change; where only time or shared calendars moved on, by RefreshCourse.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/time/clock.h"
#include "scheduling/domain/calendar_loader.h"
#include "scheduling/domain/reminder_types.h"
#include "scheduling/domain/store.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// "ACTIVE", as in the contract's enum without its prefix; for metadata of errors.
absl::string_view StateWord(CourseState state);
absl::string_view StateWord(SessionState state);
absl::string_view StateWord(ReminderState state);

// All sessions of a course, by start.
absl::StatusOr<std::vector<Session>> AllSessions(SchedulingReader& reader,
                                                 absl::string_view clinic_id,
                                                 absl::string_view course_id);

// Recomputes all derived values of the course and its sessions (all of them, by start) for `now`
// and notes which calendar versions they hold at. Returns the indices of the sessions whose number,
// phase or week changed. Writes nothing.
absl::StatusOr<std::vector<size_t>> Derive(ClinicCalendars& calendars, Course& course,
                                           std::vector<Session>& sessions, absl::Time now);

// Whether what is stored with the course still holds. Closed courses always are.
absl::StatusOr<bool> IsFresh(ClinicCalendars& calendars, const Course& course, absl::Time now);

// The course as it is at `now`, recomputed if need be and not stored. GetCourse's errors.
absl::StatusOr<Course> CourseAt(SchedulingReader& reader, ClinicCalendars& calendars,
                                absl::string_view clinic_id, absl::string_view course_id,
                                absl::Time now);

// Locks an open course, recomputes and stores its derived values and tells followers when its
// state, phases, deadline or its forecast's state moved. The revision stays: nobody changed the
// course. Leaves a closed one as it is.
absl::StatusOr<Course> RefreshCourse(SchedulingTx& tx, ClinicCalendars& calendars,
                                     absl::string_view clinic_id, absl::string_view course_id,
                                     absl::Time now);
// The same of a course that this transaction has locked.
absl::StatusOr<Course> RefreshLocked(SchedulingTx& tx, ClinicCalendars& calendars, Course course,
                                     absl::Time now);

// Which courses could not be refreshed of late: they are passed over for a minute, so that however
// many fail, again and again, the others have their turn. Used by one thread.
class FailedRefreshes {
 public:
  void Note(CourseKey key, absl::Time now);
  // Those to be passed over.
  std::set<CourseKey> At(absl::Time now);

 private:
  std::map<CourseKey, absl::Time> failed_;
};

// Keeps derived values fresh in the background.
struct RefreshResult {
  int refreshed = 0;
  int failed = 0;           // courses left stale by an error; they come again
  absl::Status last_error;  // of a failed one
};
// Refreshes at most `limit` stale courses, in batches of a clinic's courses a transaction, so that
// what they share is read once. A course that fails holds up none of the others; a store that is
// away ends the round, as `deadline` does. `failures` (may be null) goes from round to round.
absl::StatusOr<RefreshResult> RefreshSome(SchedulingStore& store, const Clock& clock, int limit,
                                          absl::Time deadline = absl::InfiniteFuture(),
                                          FailedRefreshes* failures = nullptr);

}  // namespace ipt::scheduling
