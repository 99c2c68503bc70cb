// What other services and followers are told of. One event a changed resource, holding its new
// state, so that replaying all events of a store rebuilds its calendars and courses.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "scheduling/domain/reminder_types.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

struct ClinicChanged {
  Clinic clinic;
};
struct HolidayCreated {
  Holiday holiday;
};
struct HolidayDeleted {
  Holiday holiday;
};
struct TherapistChanged {
  Therapist therapist;
};
struct TimeOffCreated {
  TimeOff time_off;
};
struct TimeOffDeleted {
  TimeOff time_off;
};
struct ExtraHoursCreated {
  ExtraHours extra_hours;
};
struct ExtraHoursDeleted {
  ExtraHours extra_hours;
};
// The course's row has a new revision. Where the course itself was changed, its last `changes`
// entry says how; else a session was. Derived values (progress, forecast) ride along.
struct CourseChanged {
  Course course;
};
// The forecast's state changed without a change of the course itself: by a session, by what shares
// its free time, or by the clock. Only in the first case did CourseChanged come before it.
struct ForecastChanged {
  Course course;
  ForecastState previous = ForecastState::kUnspecified;
};
// Any change of a session; its last `changes` entry says which, unless its number, phase or week
// alone moved.
struct SessionChanged {
  Session session;
};
// Whole days off that lie elsewhere since their therapist's zone changed.
struct TimeOffMoved {
  TimeOff time_off;
};

// What a clinic, or a course (else empty), sends; inherited: the course has no policy of its own
// any more. Single reminders and patients' wishes are told to nobody.
struct ReminderPolicyChanged {
  std::string clinic_id;
  std::string course_id;
  HeldReminderPolicy policy;
};
struct SendingChanged {
  SendingState sending;
};

using Event = std::variant<ClinicChanged, HolidayCreated, HolidayDeleted, TherapistChanged,
                           TimeOffCreated, TimeOffDeleted, ExtraHoursCreated, ExtraHoursDeleted,
                           CourseChanged, ForecastChanged, SessionChanged, TimeOffMoved,
                           ReminderPolicyChanged, SendingChanged>;

// Turns an event into what the outbox keeps. Thread-safe. Implemented in rpc/, where protos are.
class EventEncoder {
 public:
  virtual ~EventEncoder() = default;
  struct Encoded {
    std::string clinic_id;
    std::string subject;
    std::string kind;
    std::string payload;
  };
  virtual Encoded Encode(const Event& event) const = 0;
};

}  // namespace ipt::scheduling
