// Courses for tests: weekly on Mondays at 10 in London, from 5 January 2026.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "course_copies/domain/course_copies.h"
#include "formulation/domain/protocol_resolver.h"
#include "formulation/domain/protocol_set.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"
#include "platform/zone/time_zone.h"
#include "tests/formulation/protocols.h"

namespace ipt::formulation {

inline const ProtocolSet& ShippedSet() {
  static const auto* const kSet = new ProtocolSet(Shipped());
  return *kSet;
}

inline absl::CivilDay DayOfSession(int number) {
  return absl::CivilDay(2026, 1, 5) + 7 * (number - 1);
}

inline absl::Time At(absl::CivilDay day, int hour = 10) {
  return absl::FromCivil(absl::CivilHour(day.year(), day.month(), day.day(), hour),
                         *LoadZone("Europe/London"));
}

inline std::string SessionId(int number) { return absl::StrCat("s", number); }

// Of the variant's usual length, with the first `attended` sessions attended and one booked.
inline courses::CopiedCourse CourseOf(absl::string_view variant_id, int attended) {
  const SessionSplit& split = Shipped().FindVariant(variant_id)->split;
  courses::CopiedCourse course;
  course.clinic_id = "north";
  course.course_id = "k1";
  course.therapist_id = "ana";
  course.variant_id = std::string(variant_id);
  course.state = courses::CopiedCourseState::kActive;
  course.time_zone = "Europe/London";
  course.planned_sessions = split.sessions;
  course.duration_weeks = split.sessions;
  course.cadence_days = 7;
  for (const PhaseSpan& span : split.Phases()) {
    course.phases.push_back({static_cast<int>(span.phase), span.first_session, span.last_session});
  }
  for (int number = 1; number <= std::min(attended + 1, split.sessions); ++number) {
    const bool held = number <= attended;
    course.sessions.push_back({.session_id = SessionId(number),
                               .number = number,
                               .week = number,
                               .start = At(DayOfSession(number)),
                               .end = At(DayOfSession(number), 11),
                               .state = held ? courses::CopiedSessionState::kAttended
                                             : courses::CopiedSessionState::kBooked,
                               .uses_session = held});
  }
  if (attended > 0) course.start_day = DayOfSession(1);
  return course;
}

class NumberedIds final : public IdSource {
 public:
  std::string NewUuid() override { return absl::StrCat("new-", ++last_); }

 private:
  int last_ = 0;
};

inline CallContext ContextAt(absl::Time now) {
  auto caller = std::make_shared<Caller>();
  caller->subject = "ana@north";
  CallContext ctx;
  ctx.caller = std::move(caller);
  ctx.now = now;
  ctx.clinic_id = "north";
  return ctx;
}

}  // namespace ipt::formulation
