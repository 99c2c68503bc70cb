// When a session can take place: a therapist's hours less absences, holidays and bookings, met with
// the patient's windows and the course's pauses.
//
// Hours and windows are wall-clock time of their zone on each day. Windows that touch are one
// stretch, and a session lies within one stretch. Time off and holidays go before extra hours. Free
// starts lie on a grid: multiples of slot_minutes on the wall clock past the start of each working
// window, and past the start of each span of extra hours. A grid time that clocks skip is not
// offered; one that they repeat is offered once, the first.
//
// Immutable after construction, so thread-safe; keeps no reference to its inputs.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "scheduling/domain/interval_set.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// All that decides when a session can be. Lists in any order.
struct CalendarInputs {
  absl::TimeZone therapist_zone;  // of working_hours
  absl::TimeZone clinic_zone;     // of holidays
  absl::TimeZone course_zone;     // of patient_windows and pauses
  bool therapist_active = true;   // false: never free
  std::vector<WeeklyWindow> working_hours;
  std::vector<Interval> extra_hours;
  std::vector<Interval> time_off;
  std::vector<absl::CivilDay> holidays;
  std::vector<Interval> therapist_busy;  // with the buffers after them
  std::vector<Interval> patient_busy;
  std::vector<WeeklyWindow> patient_windows;  // empty: any time
  std::vector<DayRange> pauses;
  std::vector<Interval> own_sessions;  // of the course: take the time of both, buffers included
  int session_minutes = PolicyDefaults::kSessionMinutes;
  int buffer_minutes = 0;  // kept free of bookings after each session
  int slot_minutes = PolicyDefaults::kSlotMinutes;
};

// Takes over what the course itself says: zone, windows, pauses, session length and, as
// own_sessions, those of `sessions` that keep time.
void ApplyCourse(const Course& course, const absl::TimeZone& zone,
                 const std::vector<Session>& sessions, CalendarInputs& inputs);

class Availability {
 public:
  // Lays out what `inputs` say of `window`. Spans of the inputs outside it do no harm.
  Availability(const CalendarInputs& inputs, Interval window);

  absl::Duration length() const { return length_; }  // of a session
  absl::Duration buffer() const { return buffer_; }  // kept free after it

  // Starts at which a session of session_minutes fits, sorted; each session lies within the window.
  std::vector<absl::Time> FreeStarts() const;
  // The first of them in [from, before), without laying out the others; `before` if none.
  absl::Time FirstStart(absl::Time from, absl::Time before) const;

  // Why a session may not take place then, in this order, each once: PAUSE, HOLIDAY, TIME_OFF,
  // OUTSIDE_HOURS, THERAPIST_BOOKED (its own buffer included), PATIENT_BOOKED, PATIENT_WINDOWS.
  // Empty: it may, on the grid or off it. REQUIRES: session within the window.
  std::vector<DeviationReason> Check(Interval session) const;

  // What takes time away, step by step, for saying which step took the last room.
  enum Layer { kHours, kPauses, kHolidays, kTimeOff, kTherapistBusy, kPatient, kLayers };
  // Whether a session could start within `span` if only the steps up to `layer` took time away. The
  // grid is not asked.
  bool HasRoom(Interval span, Layer layer) const;
  // What the steps up to `layer` leave of the hours; not cut to the window.
  const IntervalSet& Left(Layer layer) const { return left_[layer]; }

 private:
  // Where grid starts may lie.
  struct GridWindow {
    Interval span;
    bool even = true;  // no clock change that day: the grid is even in real time
    absl::CivilDay day{};
    int start_minute = 0;
    int end_minute = 0;
  };

  // Calls visit(start) for each start of `grid` that lies within `free` and not before `from`, in
  // order, until one returns false.
  template <typename Visit>
  void VisitStarts(const GridWindow& grid, const Interval& free, absl::Time from,
                   Visit visit) const;

  absl::TimeZone therapist_zone_;
  Interval window_;
  absl::Duration length_;
  absl::Duration buffer_;
  absl::Duration slot_;
  std::vector<GridWindow> grid_;                        // by start
  absl::Duration longest_grid_ = absl::ZeroDuration();  // span of them
  IntervalSet pauses_;
  IntervalSet holidays_;
  IntervalSet time_off_;
  IntervalSet therapist_busy_;  // each span widened to the front by the session's own buffer
  IntervalSet patient_busy_;
  std::optional<IntervalSet> patient_windows_;  // unset: any time
  std::array<IntervalSet, kLayers> left_;       // of the hours, after each step
};

// Why a session may not take place then, as Availability::Check; for a single booking.
std::vector<DeviationReason> CheckSlot(const CalendarInputs& inputs, Interval session);

// Free starts in a window, as Availability::FreeStarts; sessions lie within it.
std::vector<absl::Time> FindFreeStarts(const CalendarInputs& inputs, Interval window);

}  // namespace ipt::scheduling
