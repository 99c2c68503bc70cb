#include "scheduling/domain/numbering.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "tests/scheduling/domain/course_fixture.h"

namespace ipt::scheduling {
namespace {

using ::testing::ElementsAre;

const absl::CivilDay kStart(2026, 1, 5);

std::vector<Session> Weekly(const std::vector<SessionState>& states) {
  std::vector<Session> sessions;
  int day = 0;
  for (SessionState state : states) {
    sessions.push_back(SessionAt(At(kStart + day, 9, 0, Zone("Europe/London")), state));
    day += 7;
  }
  return sessions;
}

std::vector<int> Numbers(std::vector<Session> sessions) {
  NumberSessions(PhasesOf(DefaultVariant(), 16), WeekClock(kStart, 16, {}, 28),
                 Zone("Europe/London"), sessions);
  std::vector<int> numbers;
  for (const Session& session : sessions) numbers.push_back(session.session_number);
  return numbers;
}

TEST(NumberSessionsTest, SkipsSessionsThatUseNone) {
  using enum SessionState;
  auto sessions = Weekly({kAttended, kNoShow, kCancelled, kAttended, kBooked, kCancelled, kBooked});
  EXPECT_THAT(Numbers(sessions), ElementsAre(1, 0, 0, 2, 3, 0, 4));
  sessions[1].uses_session = true;  // by the clinic's policy
  EXPECT_THAT(Numbers(sessions), ElementsAre(1, 2, 0, 3, 4, 0, 5));
}

TEST(NumberSessionsTest, NumbersUsedSessionsBeforeOnesWithoutAttendance) {
  using enum SessionState;
  EXPECT_THAT(Numbers(Weekly({kAttended, kBooked, kAttended, kBooked})), ElementsAre(1, 3, 2, 4));
}

TEST(NumberSessionsTest, SetsPhaseAndWeekAndTellsWhatChanged) {
  using enum SessionState;
  auto sessions = Weekly({kAttended, kAttended, kAttended, kAttended, kBooked, kCancelled});
  const auto number = [&] {
    return NumberSessions(PhasesOf(DefaultVariant(), 16), WeekClock(kStart, 16, {}, 28),
                          Zone("Europe/London"), sessions);
  };
  EXPECT_THAT(number(), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(sessions[3].phase, Phase::kInitial);
  EXPECT_EQ(sessions[4].phase, Phase::kMiddle);
  EXPECT_EQ(sessions[5].phase, Phase::kUnspecified);
  EXPECT_EQ(sessions[4].week_number, 5);
  EXPECT_TRUE(number().empty());
  sessions[4].state = kCancelled;
  EXPECT_THAT(number(), ElementsAre(4));
}

TEST(CountSessionsTest, CountsAndFindsWhatComesNext) {
  using enum SessionState;
  const auto sessions = Weekly({kAttended, kNoShow, kBooked, kBooked, kBooked});
  // The third has passed without attendance recorded; the fourth is going on.
  const absl::Time now = sessions[3].interval.start + absl::Minutes(10);
  SessionCounts counts = CountSessions(16, sessions, now);
  EXPECT_EQ(counts.attended, 1);
  EXPECT_EQ(counts.used, 1);
  EXPECT_EQ(counts.booked, 3);
  EXPECT_EQ(counts.unrecorded, 1);
  EXPECT_EQ(counts.unbooked, 12);
  EXPECT_EQ(counts.excess, 0);
  EXPECT_EQ(counts.next, &sessions[3]);
  EXPECT_EQ(counts.next_number, 3);
  counts = CountSessions(1, sessions, now);
  EXPECT_EQ(counts.unbooked, 0);
  EXPECT_EQ(counts.excess, 3);
  EXPECT_EQ(counts.next_number, 0);
}

RC_GTEST_PROP(NumberSessionsPropertyTest, HasNoGaps, ()) {
  using enum SessionState;
  std::vector<Session> sessions = Weekly(*rc::gen::container<std::vector<SessionState>>(
      rc::gen::element(kBooked, kAttended, kNoShow, kCancelled)));
  int expected = 0;
  for (Session& session : sessions) {
    session.uses_session = session.state == kAttended || *rc::gen::arbitrary<bool>();
    expected += session.uses_session || session.state == kBooked;
  }
  const std::vector<int> numbers = Numbers(sessions);
  std::set<int> seen;
  for (int number : numbers) {
    if (number != 0) RC_ASSERT(seen.insert(number).second);
  }
  RC_ASSERT(static_cast<int>(seen.size()) == expected);
  if (!seen.empty()) {
    RC_ASSERT(*seen.begin() == 1);
    RC_ASSERT(*seen.rbegin() == expected);
  }
}

}  // namespace
}  // namespace ipt::scheduling
