// A course in scheduling as guides, profiles and findings see it: its sessions by number, its
// phases, its days.
//
// Immutable, thread-safe. It points into the course, which must outlive it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "formulation/domain/protocol.h"

namespace ipt::formulation {

// A session that used up one of the agreed ones.
struct UsedSession {
  const courses::CopiedSession* session = nullptr;
  int number = 0;
  absl::CivilDay day{};  // in the course's time zone
  bool attended = false;
};

class CourseView {
 public:
  // What scheduling does not say of the plan is as the protocol has it.
  static absl::StatusOr<CourseView> Of(const courses::CopiedCourse& course,
                                       const Protocol& protocol);

  const courses::CopiedCourse& course() const { return *course_; }
  const std::vector<PhaseSpan>& phases() const { return phases_; }
  int planned_sessions() const { return planned_sessions_; }
  int mid_course_session() const { return (planned_sessions_ + 1) / 2; }
  // The first session of a phase; nullopt: the course has none of it.
  std::optional<int> FirstOf(Phase phase) const;
  // The first session that is not of the initial phase.
  int FirstAfterInitial() const;
  // The phase that a number lies in; beyond the agreed ones the last; nullopt of none (0).
  std::optional<Phase> PhaseOf(int number) const;

  // By number.
  const std::vector<UsedSession>& used() const { return used_; }
  // Those of them that were attended.
  const std::vector<UsedSession>& attended() const { return attended_; }
  // The number of the last one that was used up; 0: none was.
  int LastUsed() const { return used_.empty() ? 0 : used_.back().number; }
  int LastAttended() const { return attended_.empty() ? 0 : attended_.back().number; }
  // Agreed sessions to come after the one of this number.
  int SessionsLeftAfter(int number) const;
  // The number of the last session attended by a day; 0: before the first.
  int LastAttendedBy(absl::CivilDay day) const;
  // The first of a list with this number or a later one; nullptr: none.
  static const UsedSession* FirstFrom(const std::vector<UsedSession>& sessions, int number);

  absl::CivilDay DayOf(absl::Time time) const { return absl::CivilDay(zone_.At(time).cs); }

 private:
  CourseView() = default;

  const courses::CopiedCourse* course_ = nullptr;
  absl::TimeZone zone_;
  std::vector<PhaseSpan> phases_;
  int planned_sessions_ = 0;
  std::vector<UsedSession> used_;
  std::vector<UsedSession> attended_;
};

}  // namespace ipt::formulation
