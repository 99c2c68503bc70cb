// Which measures are due for a session: what outcomes says of the course, and what of it belongs to
// that session.
//
// The functions are pure and thread-safe.
#pragma once

#include <future>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"

namespace ipt::formulation {

// The numbers of these are the contract's.
enum class DueMeasuresState {
  kUnspecified = 0,
  kKnown,
  kNotConfigured,
  kNotPermitted,
  kUnavailable
};
enum class DueMeasureState { kUnspecified = 0, kUpcoming, kDue, kOverdue };

struct DueMeasure {
  std::string instrument_id{};
  std::string display_name{};
  DueMeasureState state = DueMeasureState::kUnspecified;
  // The contract's numbers; ones that outcomes adds later come as they are.
  int occasion = 0;
  int respondent = 0;
  std::string session_id{};  // empty: it is for none, or for one that is not booked
  int week_number = 0;
  absl::CivilDay due_day;
  std::optional<absl::CivilDay> overdue_day{};
  friend bool operator==(const DueMeasure&, const DueMeasure&) = default;
};

struct DueMeasures {
  DueMeasuresState state = DueMeasuresState::kUnspecified;
  std::vector<DueMeasure> measures{};    // by day
  std::optional<absl::Time> asked_at{};  // unset: outcomes was not asked
  // What outcomes knows of the course is of then.
  courses::CopyAge age{};
};

// Whether anything can be due for the session: it is booked, or the last one that was attended, and
// the course is open.
bool CanBeDueFor(const courses::CopiedCourse& course, const courses::CopiedSession& session);

// The session's day, in the course's time zone.
absl::StatusOr<absl::CivilDay> DayOfSession(const courses::CopiedCourse& course,
                                            const courses::CopiedSession& session);

// Of those that have their day up to the session's: its own, those that can be answered now, and
// upcoming ones of no session after the day of the session before it. INTERNAL where this machine
// does not know the course's time zone.
absl::StatusOr<std::vector<DueMeasure>> DueFor(const courses::CopiedCourse& course,
                                               const courses::CopiedSession& session,
                                               std::vector<DueMeasure> of_course);

struct DueQuestion {
  std::string clinic_id{};
  std::string course_id{};
  absl::CivilDay last_day;  // of those that are asked for
  absl::Time deadline = absl::InfiniteFuture();
};

// Asks outcomes.
class DueMeasureSource {
 public:
  virtual ~DueMeasureSource() = default;
  // What of the course is to come, due or overdue, up to that day. Begins at once and never waits;
  // what it gives is there within two seconds, or half of what is left until the deadline, and is
  // an answer whatever has become of outcomes.
  virtual std::future<DueMeasures> Ask(DueQuestion question) = 0;
};

}  // namespace ipt::formulation
