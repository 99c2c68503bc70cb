// Placing sessions into free time, one a local day, each as early as the rules allow. Forecast and
// planner stand on it.
//
// Cadence: sessions have places at least cadence_days apart and lie within tolerance_days of them;
// a fixed session is its own place. Because the earliest session also has the earliest place, and
// an earlier place never hinders what follows, placing each session as early as possible places the
// most sessions by any instant. The same holds without cadence, at most one a day.
//
// Days are indices into FirstFree::days(). Immutable values.
#pragma once

#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "scheduling/domain/availability.h"
#include "scheduling/domain/time_zone.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

struct Placement {
  absl::Time start;
  int day = 0;
  int wanted_day = 0;  // the first day that the rules allowed
  int place = 0;       // its place in the cadence
};

// The first free start of each local day of the course within a window: all that is asked where
// sessions are placed as early as possible.
class FirstFree {
 public:
  FirstFree(const CalendarInputs& inputs, Interval window);

  const Availability& availability() const { return availability_; }
  const LocalDays& days() const { return days_; }
  int size() const { return days_.size(); }

  bool free(int day) const { return next_free_[day] == day; }  // day < size()
  // The first free day from `day` on; size() if none.
  int NextFree(int day) const { return next_free_[day]; }
  // The first free start from `day` on that is not before that instant; false if none.
  bool Find(int day, absl::Time not_before, Placement& found) const;

 private:
  Availability availability_;
  LocalDays days_;
  std::vector<absl::Time> first_;  // by day; of no meaning where it is not free
  std::vector<int> next_free_;     // by day; one more than days
};

// And all the others.
class FreeDays : public FirstFree {
 public:
  FreeDays(const CalendarInputs& inputs, Interval window);

  // All free starts, and the index among them of a day's first one; day <= size().
  const std::vector<absl::Time>& starts() const { return starts_; }
  int first_start(int day) const { return first_start_[day]; }
  absl::Span<const absl::Time> starts(int day) const {
    return absl::MakeConstSpan(starts_).subspan(first_start_[day],
                                                first_start_[day + 1] - first_start_[day]);
  }

 private:
  std::vector<absl::Time> starts_;
  std::vector<int> first_start_;  // by day; one more than days
};

// A session that stays where it is.
struct FixedSession {
  int day = 0;  // may lie outside the days
  Interval interval;
};

// The fixed sessions of a course: used up or booked, by start.
std::vector<FixedSession> FixedSessions(const std::vector<Session>& sessions,
                                        const absl::TimeZone& zone, absl::CivilDay first_day);

struct PlacementRules {
  int first_day = 0;  // none before it
  int count = 0;
  int cadence_days = 7;
  int tolerance_days = 0;  // cut to less than half of the cadence
  bool keep_cadence = true;
  absl::Duration length{};                     // of a session
  absl::Duration buffer{};                     // kept between two of them
  absl::Time end_by = absl::InfiniteFuture();  // sessions end by then
  // Where set, receives the gaps between fixed sessions in which one more would have kept the
  // cadence but no day was free: [first day, day after the last).
  std::vector<std::pair<int, int>>* passed_over = nullptr;
};

// Finds the first day from `day` on (and its first start not before `not_before`) that can take a
// session; false when there is none.
using NextStart = absl::FunctionRef<bool(int day, absl::Time not_before, Placement& found)>;

// At most `count` placements in order; fewer when the free time ends or passes end_by.
std::vector<Placement> PlaceEarliest(const PlacementRules& rules,
                                     const std::vector<FixedSession>& fixed, NextStart next);
// Length and buffer are those of `free`.
std::vector<Placement> PlaceEarliest(PlacementRules rules, const std::vector<FixedSession>& fixed,
                                     const FirstFree& free);

}  // namespace ipt::scheduling
