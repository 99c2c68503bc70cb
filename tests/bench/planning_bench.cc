// What planning and forecasting cost with a realistic calendar: a therapist of 8 hours a day whose
// calendar is 80 % booked for 20 weeks, 16 weekly sessions, holidays, leave, patient windows.
// Targets: a plan below 1 ms, a forecast (run in each booking's transaction) below 150 us.
#include <benchmark/benchmark.h>

#include <random>

#include "scheduling/domain/forecast.h"
#include "scheduling/domain/planner.h"
#include "tests/scheduling/domain/course_fixture.h"

namespace ipt::scheduling {
namespace {

const absl::CivilDay kMonday(2026, 1, 5);

CalendarInputs BusyCalendar(int weeks, int percent) {
  const absl::TimeZone zone = Zone("Europe/London");
  CalendarInputs calendar = Calendar(zone, OfficeHours(9, 17));
  std::mt19937 random(7);
  for (int day = 0; day < 7 * weeks; ++day) {
    if (day % 7 >= 5) continue;
    for (int hour = 9; hour < 17; ++hour) {
      if (static_cast<int>(random() % 100) >= percent) continue;
      const absl::Time start = At(kMonday + day, hour, 0, zone);
      calendar.therapist_busy.push_back({start, start + absl::Hours(1)});
    }
  }
  calendar.time_off = {{At(kMonday + 42, 0, 0, zone), At(kMonday + 49, 0, 0, zone)}};
  for (int day : {3, 88, 91, 119, 140}) calendar.holidays.push_back(kMonday + day);
  calendar.buffer_minutes = 10;
  return calendar;
}

Course CourseWithWindows() {
  Course course = WeeklyCourse("Europe/London");
  course.preferred_windows = {{Weekday::kMonday, 540, 1020},
                              {Weekday::kTuesday, 540, 1020},
                              {Weekday::kWednesday, 720, 1020},
                              {Weekday::kThursday, 540, 1020}};
  return course;
}

std::vector<Session> Held(int count, SessionState state, int from = 0) {
  std::vector<Session> sessions;
  for (int i = from; i < from + count; ++i) {
    sessions.push_back(SessionAt(At(kMonday + 7 * i, 9, 0, Zone("Europe/London")), state));
  }
  return sessions;
}

// Argument: per cent booked. A new course, then one whose first two sessions were held.
void BM_PlanSixteenSessions(benchmark::State& state) {
  const absl::TimeZone zone = Zone("Europe/London");
  const CalendarInputs calendar = BusyCalendar(20, static_cast<int>(state.range(0)));
  const Course course = CourseWithWindows();
  const std::vector<Session> none;
  const PlanRequest request{course, DefaultVariant(), none, zone, 28, At(kMonday, 8, 0, zone), 0};
  int placed = 0;
  for (auto _ : state) placed = static_cast<int>(PlanCourse(request, calendar).sessions.size());
  state.counters["placed"] = placed;
}
BENCHMARK(BM_PlanSixteenSessions)->Arg(0)->Arg(50)->Arg(80)->Arg(95)->Unit(benchmark::kMicrosecond);

void BM_PlanRestOfCourse(benchmark::State& state) {
  const absl::TimeZone zone = Zone("Europe/London");
  const CalendarInputs calendar = BusyCalendar(20, static_cast<int>(state.range(0)));
  const Course course = CourseWithWindows();
  const std::vector<Session> held = Held(2, SessionState::kAttended);
  const PlanRequest request{course, DefaultVariant(), held, zone, 28, At(kMonday + 8, 8, 0, zone),
                            0};
  int placed = 0;
  for (auto _ : state) placed = static_cast<int>(PlanCourse(request, calendar).sessions.size());
  state.counters["placed"] = placed;
}
BENCHMARK(BM_PlanRestOfCourse)->Arg(0)->Arg(80)->Arg(95)->Unit(benchmark::kMicrosecond);

void Outlook(benchmark::State& state, const std::vector<Session>& sessions, int today) {
  const absl::TimeZone zone = Zone("Europe/London");
  const CalendarInputs calendar = BusyCalendar(20, static_cast<int>(state.range(0)));
  const Course course = CourseWithWindows();
  const absl::Time now = At(kMonday + today, 8, 0, zone);
  int forecast = 0;
  for (auto _ : state) {
    // The copy stands for the rows that a loader turns into spans.
    auto load = [&](Interval) -> absl::StatusOr<CalendarInputs> { return calendar; };
    forecast = static_cast<int>(
        ComputeOutlook({course, DefaultVariant(), sessions, zone, 28, now}, load)->forecast->state);
  }
  state.counters["state"] = forecast;
}

void BM_ForecastNothingBooked(benchmark::State& state) { Outlook(state, {}, 0); }
BENCHMARK(BM_ForecastNothingBooked)->Arg(0)->Arg(80)->Arg(95)->Unit(benchmark::kMicrosecond);

void BM_ForecastTwoHeld(benchmark::State& state) {
  Outlook(state, Held(2, SessionState::kAttended), 8);
}
BENCHMARK(BM_ForecastTwoHeld)->Arg(0)->Arg(80)->Arg(95)->Unit(benchmark::kMicrosecond);

void BM_ForecastHalfBooked(benchmark::State& state) {
  std::vector<Session> sessions = Held(2, SessionState::kAttended);
  for (Session& session : Held(6, SessionState::kBooked, 2)) sessions.push_back(session);
  Outlook(state, sessions, 8);
}
BENCHMARK(BM_ForecastHalfBooked)->Arg(80)->Unit(benchmark::kMicrosecond);

void BM_ForecastAllBooked(benchmark::State& state) {
  Outlook(state, Held(16, SessionState::kBooked), 0);
}
BENCHMARK(BM_ForecastAllBooked)->Arg(80)->Unit(benchmark::kMicrosecond);

void BM_FindFreeStarts(benchmark::State& state) {
  const absl::TimeZone zone = Zone("Europe/London");
  const CalendarInputs calendar = BusyCalendar(20, 80);
  const Interval window{At(kMonday, 8, 0, zone), At(kMonday + 92, 8, 0, zone)};
  size_t found = 0;
  for (auto _ : state) found = FindFreeStarts(calendar, window).size();
  state.counters["starts"] = static_cast<double>(found);
}
BENCHMARK(BM_FindFreeStarts)->Unit(benchmark::kMicrosecond);

void BM_CheckSlot(benchmark::State& state) {
  const absl::TimeZone zone = Zone("Europe/London");
  const CalendarInputs calendar = BusyCalendar(1, 80);
  const absl::Time start = At(kMonday + 1, 10, 0, zone);
  for (auto _ : state) {
    benchmark::DoNotOptimize(CheckSlot(calendar, {start, start + absl::Minutes(50)}));
  }
}
BENCHMARK(BM_CheckSlot)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ipt::scheduling

BENCHMARK_MAIN();
