#include <algorithm>

#include "tests/scheduling/storage/scheduling_store_conformance.h"

namespace ipt::scheduling {
namespace {

class SessionsTest : public SchedulingStoreTest {
 protected:
  void SetUp() override { AddCourses(); }

  std::vector<std::string> Ids(const SessionFilter& filter,
                               const std::optional<SessionCursor>& after = {}, int limit = 100) {
    std::vector<std::string> ids;
    const auto found =
        Read([&](SchedulingReader& r) { return r.ListSessions("c1", filter, after, limit); });
    EXPECT_OK(found);
    for (const Session& session : *found) {
      ids.push_back(session.session_id);
    }
    if (!after.has_value() && static_cast<int>(ids.size()) < limit) {
      EXPECT_EQ(Read([&](SchedulingReader& r) { return r.CountSessions("c1", filter); }).value(),
                static_cast<int>(ids.size()));
    }
    return ids;
  }
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(SessionsTest);

Session FullSession(const std::string& id, int64_t start_minute) {
  Session session = SampleSession(id, start_minute);
  session.interval.start += absl::Microseconds(1);
  session.modality = Modality::kTelephone;
  session.location = kHardText;
  session.state = SessionState::kNoShow;
  session.attendance = {AttendanceOutcome::kNoShow, AttendanceSource::kFrontDesk, At(1)};
  session.cancellation = {CancelledBy::kClinic, true, At(2)};
  session.uses_session = true;
  session.sequence = 3;
  for (int i = 0; i < 50; ++i) {
    session.changes.push_back({At(i), SessionChangeKind::kRescheduled, "caller", kHardText,
                               i % 2 == 0 ? std::optional<absl::Time>(At(-i)) : std::nullopt,
                               AttendanceOutcome::kAttendedLate, "t2"});
  }
  session.session_number = 16;
  session.phase = Phase::kTermination;
  session.week_number = 15;
  return session;
}

TEST_P(SessionsTest, RoundTripKeepsEveryField) {
  Session imported = SampleSession("imported", 2000);  // 30 years ago, and nobody's time
  imported.interval = {absl::FromUnixSeconds(-800000000), absl::FromUnixSeconds(-800000000 + 60)};
  imported.blocked_until = absl::InfinitePast();
  imported.blocking = false;
  ASSERT_OK_AND_ASSIGN(
      const auto inserted,
      Insert(std::vector<Session>{imported, SampleSession("bare", 0), FullSession("full", 1000)}));
  for (const Session& session : inserted) {
    EXPECT_GT(session.stamp.revision, 0);
    EXPECT_EQ(session.stamp.create_time, Now());
    EXPECT_EQ(GetSession("k1", session.session_id).value(), session);
  }
  EXPECT_EQ(Read([](SchedulingReader& r) { return r.ListSessions("c1", {}, {}, 9); }).value(),
            inserted);
}

TEST_P(SessionsTest, UpdateReplacesEveryFieldButCreation) {
  ASSERT_OK_AND_ASSIGN(const auto before, Insert(std::vector<Session>{SampleSession("s1", 0)}));
  Session session = FullSession("s1", 500);
  session.stamp = before[0].stamp;
  session.therapist_id = "t2";
  session.time_zone = "Asia/Tokyo";
  ASSERT_OK_AND_ASSIGN(const auto after, Update({session}, At(30)));
  EXPECT_GT(after[0].stamp.revision, before[0].stamp.revision);
  EXPECT_EQ(after[0].stamp.create_time, Now());
  EXPECT_EQ(after[0].stamp.update_time, At(30));
  EXPECT_EQ(GetSession("k1", "s1").value(), after[0]);
}

TEST_P(SessionsTest, AbsentAndTakenAreSaid) {
  ASSERT_OK(Insert(std::vector<Session>{SampleSession("s1", 0)}));
  // Its own id at its own place is a taken id, not a taken slot.
  EXPECT_THAT(Insert(std::vector<Session>{SampleSession("s1", 0)}),
              FailsWith(absl::StatusCode::kAlreadyExists, "RESOURCE_EXISTS"));
  const auto absent = FailsWith(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND");
  EXPECT_THAT(GetSession("k1", "nope"), absent);
  EXPECT_THAT(GetSession("k2", "s1"), absent);
  EXPECT_THAT(Update({SampleSession("nope", 900)}), absent);
  EXPECT_THAT(Write([](SchedulingTx& tx) {
                return tx.UpdateSessionNumbers({SampleSession("s1", 0), SampleSession("nope", 0)});
              }),
              absent);
}

TEST_P(SessionsTest, NumbersAreStoredWithoutANewRevision) {
  ASSERT_OK_AND_ASSIGN(auto sessions,
                       Insert(std::vector<Session>{SampleSession("s1", 0), SampleSession("s2", 100),
                                                   SampleSession("s3", 200)}));
  std::vector<Session> numbered = {sessions[0], sessions[2]};
  for (size_t i = 0; i < numbered.size(); ++i) {
    numbered[i].session_number = 5 + static_cast<int>(i);
    numbered[i].phase = Phase::kMiddle;
    numbered[i].week_number = -1;
  }
  ASSERT_OK(Write([&](SchedulingTx& tx) { return tx.UpdateSessionNumbers(numbered); }));
  EXPECT_EQ(GetSession("k1", "s1").value(), numbered[0]);
  EXPECT_EQ(GetSession("k1", "s2").value(), sessions[1]);
  EXPECT_EQ(GetSession("k1", "s3").value(), numbered[1]);
  EXPECT_OK(Write([](SchedulingTx& tx) { return tx.UpdateSessionNumbers({}); }));
}

TEST_P(SessionsTest, ListsCombineFilters) {
  Session other = SampleSession("d", 100, "k2");
  other.patient_id = "p2";
  other.therapist_id = "t2";
  Session attended = SampleSession("a", 0);
  attended.state = SessionState::kAttended;
  Session cancelled = SampleSession("c", 200);
  cancelled.state = SessionState::kCancelled;
  cancelled.blocking = false;
  ASSERT_OK(Insert({attended, SampleSession("b", 100), cancelled, SampleSession("e", 200)}));
  ASSERT_OK(Insert(std::vector<Session>{other}));
  const auto ids = [&](auto set) {
    SessionFilter filter;
    set(filter);
    return Ids(filter);
  };
  EXPECT_THAT(Ids({}), ElementsAre("a", "b", "d", "c", "e"));  // b, d: k1 before k2
  EXPECT_THAT(ids([](auto& f) { f.course_id = "k1"; }), ElementsAre("a", "b", "c", "e"));
  EXPECT_THAT(ids([](auto& f) { f.therapist_id = "t2"; }), ElementsAre("d"));
  EXPECT_THAT(ids([](auto& f) {
                f.states = {SessionState::kCancelled, SessionState::kAttended};
              }),
              ElementsAre("a", "c"));
  EXPECT_THAT(ids([](auto& f) { f.ends_after = At(150); }), ElementsAre("c", "e"));
  EXPECT_THAT(ids([](auto& f) { f.ends_after = At(149); }), ElementsAre("b", "d", "c", "e"));
  EXPECT_THAT(ids([](auto& f) { f.starts_before = At(200); }), ElementsAre("a", "b", "d"));
  EXPECT_THAT(ids([](auto& f) { f.unrecorded_at = At(149); }), IsEmpty());
  EXPECT_THAT(ids([](auto& f) { f.unrecorded_at = At(150); }), ElementsAre("b", "d"));
  EXPECT_THAT(ids([](auto& f) {
                f.course_id = "k1";
                f.therapist_id = "t1";
                f.states = {SessionState::kBooked};
                f.ends_after = At(100);
                f.starts_before = At(201);
                f.unrecorded_at = At(250);
              }),
              ElementsAre("b", "e"));
}

// A list that looks back for sessions that have begun must not miss the longest that there may be.
TEST_P(SessionsTest, TheLongestSessionIsFoundUntilItsEnd) {
  Session longest = SampleSession("s1", 0);
  longest.interval.end = At(240);
  longest.blocked_until = At(360);
  ASSERT_OK(Insert(std::vector<Session>{longest}));
  SessionFilter filter;
  filter.ends_after = At(240) - absl::Microseconds(1);
  EXPECT_THAT(Ids(filter), ElementsAre("s1"));
  const Interval last = {At(360) - absl::Microseconds(1), At(400)};
  EXPECT_EQ(Read([&](SchedulingReader& r) { return r.TherapistBusy("c1", "t1", last); })->size(),
            1u);
  const Interval last_of_patient = {At(240) - absl::Microseconds(1), At(400)};
  EXPECT_EQ(
      Read([&](SchedulingReader& r) { return r.PatientBusy("c1", "p1", last_of_patient); })->size(),
      1u);
}

TEST_P(SessionsTest, PagesAreStableWhileSessionsAreAdded) {
  const auto cursor = [](const Session& s) {
    return SessionCursor{s.interval.start, s.course_id, s.session_id};
  };
  Session same_start = SampleSession("z", 100, "k2");
  same_start.patient_id = "p2";
  same_start.therapist_id = "t2";
  const Session b = SampleSession("b", 100);
  ASSERT_OK(Insert({SampleSession("a", 0), b, SampleSession("c", 200)}));
  ASSERT_OK(Insert(std::vector<Session>{same_start}));
  EXPECT_THAT(Ids({}, {}, 2), ElementsAre("a", "b"));
  ASSERT_OK(Insert({SampleSession("early", -100), SampleSession("late", 300)}));
  EXPECT_THAT(Ids({}, cursor(b), 2), ElementsAre("z", "c"));
  EXPECT_THAT(Ids({}, cursor(same_start), 9), ElementsAre("c", "late"));
  SessionFilter filter;
  filter.course_id = "k1";
  EXPECT_THAT(Ids(filter, cursor(b), 9), ElementsAre("c", "late"));
}

TEST_P(SessionsTest, BusySpansAreThoseThatBlockAndOverlap) {
  Session cancelled = SampleSession("x", 100);
  cancelled.blocking = false;
  cancelled.state = SessionState::kCancelled;
  Session recorded = SampleSession("r", 100);
  recorded.state = SessionState::kNoShow;
  ASSERT_OK(Insert({SampleSession("a", 0), cancelled, recorded, SampleSession("b", 200)}));
  const auto therapist = [&](int64_t from, int64_t to) {
    return Read([&](SchedulingReader& r) {
             return r.TherapistBusy("c1", "t1", {At(from), At(to)});
           })
        .value();
  };
  const auto patient = [&](int64_t from, int64_t to) {
    return Read([&](SchedulingReader& r) {
             return r.PatientBusy("c1", "p1", {At(from), At(to)});
           })
        .value();
  };
  const BusySpan a = {{At(0), At(60)}, "k1", "a"}, r = {{At(100), At(160)}, "k1", "r"},
                 b = {{At(200), At(260)}, "k1", "b"};
  EXPECT_THAT(therapist(-1000, 1000), ElementsAre(a, r, b));
  EXPECT_THAT(therapist(59, 200), ElementsAre(a, r));
  EXPECT_THAT(therapist(60, 100), IsEmpty());
  EXPECT_THAT(patient(49, 201), ElementsAre(BusySpan{{At(0), At(50)}, "k1", "a"},
                                            BusySpan{{At(100), At(150)}, "k1", "r"},
                                            BusySpan{{At(200), At(250)}, "k1", "b"}));
  EXPECT_THAT(patient(50, 100), IsEmpty());
  EXPECT_THAT(Read([](SchedulingReader& reader) {
                return reader.TherapistBusy("c2", "t1", {At(0), At(1000)});
              }).value(),
              IsEmpty());
}

}  // namespace
}  // namespace ipt::scheduling
