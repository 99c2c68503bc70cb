// What another service knows of scheduling's courses: a copy, kept by following scheduling's
// events, and how old it may be. Scheduling owns courses; here they are only read.
//
// Nothing has to be refused because scheduling is away: what could not be verified is said to be
// not verified, with the copy's age.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace ipt::courses {

// The numbers of these are the contract's (ipt.scheduling.v1); ones that it adds later come as they
// are.
enum class CopiedCourseState : int {
  kUnspecified = 0,
  kPlanned = 1,
  kActive = 2,
  kPaused = 3,
  kCompleted = 4,
  kDiscontinued = 5,
};
enum class CopiedSessionState : int {
  kUnspecified = 0,
  kBooked = 1,
  kAttended = 2,
  kNoShow = 3,
  kCancelled = 4,
};

// Of ipt.scheduling.v1.ClosureReason.
inline constexpr int kClosedAgreedEarly = 2;
inline constexpr int kClosedDeceased = 7;
inline constexpr int kClosedEnteredInError = 9;

// Days, both included, by which a pause moves the deadline.
struct CopiedPause {
  absl::CivilDay first_day;
  absl::CivilDay last_day;
  friend bool operator==(const CopiedPause&, const CopiedPause&) = default;
};

// A phase and its sessions, both included.
struct CopiedPhase {
  int phase = 0;  // ipt.scheduling.v1.Phase
  int first_session = 0;
  int last_session = 0;
  friend bool operator==(const CopiedPhase&, const CopiedPhase&) = default;
};

struct CopiedSession {
  std::string session_id{};
  std::string therapist_id{};
  int number = 0;  // 0: it uses up none
  int phase = 0;   // ipt.scheduling.v1.Phase
  int week = 0;    // of the course, from 1; 0 before its start
  absl::Time start{};
  absl::Time end{};
  CopiedSessionState state = CopiedSessionState::kUnspecified;
  int attendance = 0;  // ipt.scheduling.v1.AttendanceOutcome; 0 while none is recorded
  bool uses_session = false;
  int64_t revision = 0;

  // Attended, and one of the course's number.
  bool IsTreatment() const { return state == CopiedSessionState::kAttended && uses_session; }
  friend bool operator==(const CopiedSession&, const CopiedSession&) = default;
};

// What does not change while nobody changes the course: what scheduling projects or counts from
// today is left out.
struct CopiedCourse {
  std::string clinic_id{};
  std::string course_id{};
  // Equal for the courses of one patient of a clinic; the identifier itself stays in scheduling.
  std::string patient_hash{};
  std::string therapist_id{};
  std::string variant_id{};
  int indication = 0;  // ipt.scheduling.v1.Indication; 0: not stated
  // Never PAUSED, which depends on the day: see StateOn.
  CopiedCourseState state = CopiedCourseState::kUnspecified;
  std::optional<absl::Time> closed_at{};
  int closure_reason = 0;  // ipt.scheduling.v1.ClosureReason; 0: none
  bool drop_out = false;
  bool closed_early = false;
  std::string time_zone{};
  int planned_sessions = 0;
  int duration_weeks = 0;
  int cadence_days = 0;  // from session to session; 0: not known
  // When it came to scheduling, an imported one long after its start. UnixEpoch: not known.
  absl::Time create_time{};
  // The week clock: the day of the first attended session, and the last day of the course. Unset
  // until a session was attended.
  std::optional<absl::CivilDay> start_day{};
  std::optional<absl::CivilDay> deadline_day{};
  std::vector<CopiedPause> pauses{};      // by first day
  std::vector<CopiedPhase> phases{};      // by first session
  int64_t revision = 0;                   // scheduling's
  std::vector<CopiedSession> sessions{};  // by start, then id

  bool closed() const {
    return state == CopiedCourseState::kCompleted || state == CopiedCourseState::kDiscontinued;
  }
  // nullptr where there is none.
  const CopiedSession* FindSession(absl::string_view session_id) const {
    for (const CopiedSession& session : sessions) {
      if (session.session_id == session_id) return &session;
    }
    return nullptr;
  }
  // The week of the course that a day lies in, from 1, as scheduling's week clock says it; 0 before
  // its start, and while that is not known.
  int WeekOf(absl::CivilDay day) const;
  // The first day of a week that lies in no pause, of a course that starts on `start`.
  absl::CivilDay FirstDayOfWeek(absl::CivilDay start, int week) const;
  // Where the course stands on a day of its time zone, as scheduling says it.
  CopiedCourseState StateOn(absl::CivilDay day) const {
    if (closed()) return state;
    for (const CopiedPause& pause : pauses) {
      if (pause.first_day <= day && day <= pause.last_day) return CopiedCourseState::kPaused;
    }
    return state;
  }
  friend bool operator==(const CopiedCourse&, const CopiedCourse&) = default;

 private:
  // The days of pauses that do not count, disjoint.
  std::vector<CopiedPause> PassedOver(absl::CivilDay start) const;
};

// What is known of a course, and how well.
struct CourseAnswer {
  enum class Known {
    kVerified,     // as new as was asked for
    kNotVerified,  // scheduling could not be asked: `course` is an older copy, or nothing at all
    kAbsent,       // scheduling says that there is no such course in this clinic
  };
  Known known = Known::kNotVerified;
  std::optional<CopiedCourse> course{};
  // All of `course` was true at this instant. InfinitePast without one.
  absl::Time as_of = absl::InfinitePast();
  // Why it could not be verified; OK otherwise.
  absl::Status why{};

  absl::Duration Age(absl::Time now) const { return now - as_of; }
};

// How new an answer is to be.
struct CourseDemand {
  // A copy will do that was true so long ago. Zero: scheduling is asked.
  absl::Duration max_age = absl::Seconds(60);
  // Scheduling's revision that the answer has to hold, as its own answer gave it. 0: any.
  int64_t min_revision = 0;
};

// Whether it is scheduling's NOT_FOUND of the course itself. That of its clinic tells of our token,
// not of the course.
bool IsNoSuchCourse(const absl::Status& status, absl::string_view clinic_id,
                    absl::string_view course_id);

class CourseDirectory {
 public:
  virtual ~CourseDirectory() = default;

  // Looks at the copy and asks scheduling only where the copy does not do. Fails for nothing but
  // the store's own failures: that scheduling is away is an answer.
  virtual absl::StatusOr<CourseAnswer> FindCourse(absl::string_view clinic_id,
                                                  absl::string_view course_id,
                                                  const CourseDemand& demand, absl::Time now,
                                                  absl::Time deadline) = 0;
};

// How old a clinic's copy is.
struct CopyAge {
  // All of it was true at this instant; InfinitePast: nothing was ever copied.
  absl::Time as_of = absl::InfinitePast();
  // It is as new as CourseDemand asks for where nothing else is said.
  bool current = false;
};

// Which of a clinic's courses are listed.
struct CourseListing {
  std::string therapist_id{};  // empty: all
  // Open ones, and those closed at this instant or later.
  absl::Time closed_since{};
  // Those closed before it come without their sessions.
  absl::Time sessions_since{};
  // From this id on, and no more than so many (0: all).
  std::string from_course_id{};
  int limit = 0;
};

// What the copy says of them.
struct ListedCourses {
  std::vector<CopiedCourse> courses{};  // by id
  CopyAge age{};
};

// The courses of a clinic all together. Scheduling is not asked: what is known here has to do.
class CourseLister {
 public:
  virtual ~CourseLister() = default;
  virtual absl::StatusOr<ListedCourses> ListCourses(absl::string_view clinic_id,
                                                    const CourseListing& listing, absl::Time now,
                                                    absl::Time deadline) = 0;
};

// How far a clinic's copy goes.
class CopyHorizon {
 public:
  virtual ~CopyHorizon() = default;

  // All that happened to the clinic's courses until then is in the copy; nullopt: it is being made,
  // and courses are missing.
  virtual absl::StatusOr<std::optional<absl::Time>> CopiedUntil(absl::string_view clinic_id,
                                                                absl::Time deadline) = 0;
};

}  // namespace ipt::courses
