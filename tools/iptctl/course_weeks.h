// A course laid out in calendar weeks, Monday to Sunday, in its own time zone: what lies on which
// day. The drawing (render_course.h) only turns it into characters.
//
// Pure functions of their arguments; no clock, no machine zone.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "ipt/scheduling/v1/course.pb.h"
#include "ipt/scheduling/v1/session.pb.h"

namespace ipt::ctl {

enum class Mark {
  kAttended,
  kLate,
  kNoShow,
  kCancelled,
  kBooked,
  kUnrecorded,  // booked, over, and nobody recorded attendance
  kProjected,
};
inline constexpr int kMarks = 7;

struct MarkedSession {
  Mark mark = Mark::kBooked;
  int number = 0;  // 0: it uses up none
  absl::CivilSecond local;
  scheduling::v1::Phase phase = scheduling::v1::PHASE_UNSPECIFIED;
};

struct CourseDay {
  absl::CivilDay day;
  bool paused = false;
  bool today = false;
  bool deadline = false;
  std::vector<MarkedSession> sessions;  // by start
};

struct CourseWeek {
  int number = 0;  // of the course's week that begins in it; 0: none does
  std::array<CourseDay, 7> days;
  // What a reader should notice, e.g. "clocks go back", in the order of time.
  std::vector<std::string> notes;

  absl::CivilDay monday() const { return days[0].day; }
  bool empty() const;  // nothing in it to see but, perhaps, a pause
};

struct CourseWeeks {
  absl::TimeZone zone;
  absl::CivilDay today;
  std::optional<absl::CivilDay> start;
  std::optional<absl::CivilDay> deadline;
  // The wall-clock slot that most sessions keep; none when no two agree.
  std::optional<std::pair<absl::Weekday, int>> usual;  // minutes since 00:00
  std::vector<CourseWeek> weeks;                       // without gaps
};

// `sessions`: the course's, in any order. `forecast`: nullptr for closed courses.
CourseWeeks LayOutCourse(const scheduling::v1::Course& course,
                         const std::vector<scheduling::v1::Session>& sessions,
                         const scheduling::v1::Forecast* forecast, absl::Time now);

// Unset for a date that is not set.
std::optional<absl::CivilDay> DayOf(const google::type::Date& date);

}  // namespace ipt::ctl
