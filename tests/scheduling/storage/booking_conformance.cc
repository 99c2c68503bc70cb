// No double booking: by the store, past the store, and at any concurrency.
#include <atomic>
#include <map>
#include <thread>

#include "tests/scheduling/storage/scheduling_store_conformance.h"

namespace ipt::scheduling {
namespace {

class BookingTest : public SchedulingStoreTest {
 protected:
  void SetUp() override { AddCourses(); }

  // A session of course k2 (patient p2) with therapist t1.
  static Session OfOtherPatient(const std::string& id, int64_t start) {
    Session session = SampleSession(id, start, "k2");
    session.patient_id = "p2";
    return session;
  }
  static Session OfOtherTherapist(const std::string& id, int64_t start) {
    Session session = SampleSession(id, start);
    session.therapist_id = "t2";
    return session;
  }
  absl::Status InsertOne(const Session& session) {
    return Insert(std::vector<Session>{session}).status();
  }
  // As a careless program would write it, past the store and its code.
  absl::Status RawInsert(const std::string& id, const std::string& course,
                         const std::string& therapist, const std::string& patient, int64_t start) {
    return Sql(absl::StrCat(
        "INSERT INTO sessions (clinic_id, course_id, session_id, therapist_id, patient_id, "
        "start_us, end_us, blocked_until_us, blocking, time_zone, state, modality, location, "
        "uses_session, sequence, details, session_number, phase, week_number, revision, "
        "created_us, updated_us) VALUES ('c1', '",
        course, "', '", id, "', '", therapist, "', '", patient, "', ",
        absl::ToUnixMicros(At(start)), ", ", absl::ToUnixMicros(At(start + 50)), ", ",
        absl::ToUnixMicros(At(start + 60)), ", 1, 'UTC', 1, 1, '', 0, 0, '{}', 0, 0, 0, 1, 0, 0)"));
  }
  bool RefusedAsTaken(const absl::Status& status) const {
    const storage::SqlErrorKind kind = storage::SqlErrorKindOf(status);
    return kind == (GetParam() == storage::Dialect::kSqlite
                        ? storage::SqlErrorKind::kTriggerAbort
                        : storage::SqlErrorKind::kExclusionViolation);
  }
  // Pairs of blocking sessions that take the same therapist or patient at the same time.
  int64_t Overlaps() {
    return Count(
        "sessions a JOIN sessions b ON a.clinic_id = b.clinic_id "
        "AND (a.course_id, a.session_id) < (b.course_id, b.session_id) "
        "AND a.blocking = 1 AND b.blocking = 1 "
        "AND ((a.therapist_id = b.therapist_id AND a.start_us < b.blocked_until_us "
        "      AND b.start_us < a.blocked_until_us) "
        " OR (a.patient_id = b.patient_id AND a.start_us < b.end_us AND b.start_us < a.end_us))");
  }
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(BookingTest);

auto SlotTaken() { return FailsWith(absl::StatusCode::kFailedPrecondition, reason::kSlotTaken); }

TEST_P(BookingTest, ATherapistIsTakenUntilTheEndOfTheBuffer) {
  ASSERT_OK(InsertOne(SampleSession("s1", 100)));
  EXPECT_THAT(InsertOne(OfOtherPatient("s2", 100)), SlotTaken());
  EXPECT_THAT(InsertOne(OfOtherPatient("s2", 159)), SlotTaken());
  EXPECT_THAT(InsertOne(OfOtherPatient("s2", 41)), SlotTaken());  // its own buffer
  EXPECT_OK(InsertOne(OfOtherPatient("s2", 160)));
  EXPECT_OK(InsertOne(OfOtherPatient("s3", 40)));
  EXPECT_EQ(Overlaps(), 0);
}

TEST_P(BookingTest, APatientIsTakenUntilTheEndOfTheSession) {
  ASSERT_OK(InsertOne(SampleSession("s1", 100)));
  EXPECT_THAT(InsertOne(OfOtherTherapist("s2", 149)), SlotTaken());
  EXPECT_THAT(InsertOne(OfOtherTherapist("s2", 51)), SlotTaken());
  EXPECT_OK(InsertOne(OfOtherTherapist("s2", 150)));
  EXPECT_OK(InsertOne(OfOtherTherapist("s3", 50)));
}

TEST_P(BookingTest, ALongSessionIsMetFromItsFirstToItsLastMinute) {
  Session longest = SampleSession("s1", 0);
  longest.interval.end = At(240);
  longest.blocked_until = At(360);
  ASSERT_OK(InsertOne(longest));
  EXPECT_THAT(InsertOne(OfOtherPatient("s2", 359)), SlotTaken());
  EXPECT_THAT(InsertOne(OfOtherTherapist("s2", 239)), SlotTaken());
  Session around = OfOtherPatient("s2", -10);
  around.interval.end = At(20);
  around.blocked_until = At(30);
  EXPECT_THAT(InsertOne(around), SlotTaken());
  EXPECT_OK(InsertOne(OfOtherPatient("s2", 360)));
  EXPECT_OK(InsertOne(OfOtherTherapist("s3", 240)));
}

TEST_P(BookingTest, TheErrorNamesTheSessionThatWasRefusedAndNobodyElse) {
  ASSERT_OK(InsertOne(SampleSession("s1", 100)));
  const absl::Status one = InsertOne(OfOtherPatient("s2", 100));
  EXPECT_THAT(one.ToString(), ::testing::HasSubstr("clinics/c1/courses/k2/sessions/s2"));
  const absl::Status series = Insert({OfOtherPatient("a", 0), OfOtherPatient("b", 100)}).status();
  EXPECT_THAT(series.ToString(), ::testing::HasSubstr("sessions[1]"));
  for (const absl::Status& status : {one, series}) {
    EXPECT_THAT(status, SlotTaken());
    for (const char* secret : {"k1", "p1", "s1", "value-"}) {
      EXPECT_EQ(status.ToString().find(secret), std::string::npos) << status.ToString();
    }
  }
  EXPECT_THAT(GetSession("k2", "a"), StatusIs(absl::StatusCode::kNotFound));  // all or nothing
}

TEST_P(BookingTest, WhatDoesNotBlockIsInNobodysWay) {
  Session cancelled = SampleSession("s1", 100);
  cancelled.blocking = false;
  ASSERT_OK(InsertOne(cancelled));
  ASSERT_OK(InsertOne(SampleSession("s2", 100)));
  Session imported = SampleSession("s3", 100);
  imported.blocking = false;
  EXPECT_OK(InsertOne(imported));
  // Until it comes back.
  cancelled.blocking = true;
  EXPECT_THAT(Update({cancelled}), SlotTaken());
}

TEST_P(BookingTest, AMoveIntoATakenPlaceIsRefusedAndLeavesItWhereItWas) {
  ASSERT_OK_AND_ASSIGN(const auto before,
                       Insert({SampleSession("s1", 0), SampleSession("s2", 100)}));
  EXPECT_THAT(Update({SampleSession("s1", 90)}), SlotTaken());
  EXPECT_EQ(GetSession("k1", "s1").value(), before[0]);
  EXPECT_OK(Update({SampleSession("s1", 30)}));  // over its own old place
}

TEST_P(BookingTest, ASeriesMovesOntoItsOwnOldPlaces) {
  std::vector<Session> series;
  for (int i = 0; i < 16; ++i) series.push_back(SampleSession(absl::StrCat("s", i), 60 * i));
  ASSERT_OK(Insert(series));
  for (int64_t step : {60, -60, 30}) {  // onto the next, onto the one before, between the two
    for (Session& session : series) {
      session.interval.start += absl::Minutes(step);
      session.interval.end += absl::Minutes(step);
      session.blocked_until += absl::Minutes(step);
    }
    ASSERT_OK(Update(series)) << step;
    EXPECT_EQ(Overlaps(), 0);
    EXPECT_EQ(Count("sessions WHERE blocking = 1"), 16);
  }
  // Onto somebody else's: refused as a whole, and every session is still in its place.
  ASSERT_OK(InsertOne(OfOtherPatient("x", 60 * 16 + 30)));
  std::vector<Session> moved = series;
  for (Session& session : moved) {
    session.interval.start += absl::Minutes(60);
    session.interval.end += absl::Minutes(60);
    session.blocked_until += absl::Minutes(60);
  }
  const absl::Status status = Update(moved).status();
  EXPECT_THAT(status, SlotTaken());
  EXPECT_THAT(status.ToString(), ::testing::HasSubstr("sessions[15]"));
  for (const Session& session : series) {
    const Session stored = GetSession("k1", session.session_id).value();
    EXPECT_EQ(stored.interval, session.interval);
    EXPECT_TRUE(stored.blocking);
  }
}

TEST_P(BookingTest, TwoSessionsOfASeriesMayNotMeet) {
  EXPECT_THAT(Insert({SampleSession("s1", 0), SampleSession("s2", 30)}), SlotTaken());
  ASSERT_OK(Insert({SampleSession("s1", 0), SampleSession("s2", 100)}));
  EXPECT_THAT(Update({SampleSession("s1", 0), SampleSession("s2", 30)}), SlotTaken());
}

TEST_P(BookingTest, ASeriesOutOfOrderIsRefused) {
  EXPECT_THAT(Insert({SampleSession("s1", 100), SampleSession("s2", 0)}),
              StatusIs(absl::StatusCode::kInternal));
}

// What stands when the store's code is not asked: a schema without its constraint or trigger
// fails here.
TEST_P(BookingTest, TheSchemaItselfRefusesRawSql) {
  ASSERT_OK(RawInsert("s1", "k1", "t1", "p1", 100));
  EXPECT_TRUE(RefusedAsTaken(RawInsert("s2", "k2", "t1", "p2", 159)));
  EXPECT_TRUE(RefusedAsTaken(RawInsert("s2", "k2", "t1", "p2", 41)));
  EXPECT_TRUE(RefusedAsTaken(RawInsert("s2", "k2", "t2", "p1", 149)));
  EXPECT_TRUE(RefusedAsTaken(RawInsert("s2", "k2", "t2", "p1", 51)));
  ASSERT_OK(RawInsert("s2", "k2", "t1", "p2", 160));
  for (const char* change :
       {"start_us = start_us - 60000000, end_us = end_us - 60000000", "therapist_id = 't1'",
        "patient_id = 'p1', start_us = start_us - 600000000"}) {
    const absl::Status status =
        Sql(absl::StrCat("UPDATE sessions SET ", change, " WHERE session_id = 's2'"));
    EXPECT_EQ(RefusedAsTaken(status), absl::string_view(change) != "therapist_id = 't1'") << change;
  }
  ASSERT_OK(Sql("UPDATE sessions SET blocking = 0 WHERE session_id = 's1'"));
  ASSERT_OK(RawInsert("s3", "k2", "t1", "p2", 100));
  EXPECT_TRUE(RefusedAsTaken(Sql("UPDATE sessions SET blocking = 1 WHERE session_id = 's1'")));
  EXPECT_EQ(Overlaps(), 0);
}

TEST_P(BookingTest, TheSchemaRefusesWhatCannotBe) {
  ASSERT_OK(RawInsert("s1", "k1", "t1", "p1", 100));
  for (const char* change :
       {"end_us = start_us", "end_us = start_us + 14400000001", "blocked_until_us = end_us - 1",
        "blocked_until_us = end_us + 7200000001", "state = 0", "state = 5", "blocking = 2",
        "course_id = 'nope'"}) {
    EXPECT_FALSE(Sql(absl::StrCat("UPDATE sessions SET ", change)).ok()) << change;
  }
  for (const char* change : {"open = 0", "state = 6", "patient_id = 'nope'",
                             "therapist_id = 'nope'", "allow_concurrent = 2"}) {
    EXPECT_FALSE(Sql(absl::StrCat("UPDATE courses SET ", change)).ok()) << change;
  }
}

// 16 threads want the same 40 slots of one therapist, each for a patient of its own.
TEST_P(BookingTest, RacingThreadsFillEverySlotOnce) {
  constexpr int kThreads = 16, kSlots = 40;
  for (int i = 0; i < kThreads; ++i) {
    const std::string id = absl::StrCat("racer", i);
    ASSERT_OK(Write([&](SchedulingTx& tx) {
      return tx.FindOrAddPatient("c1", {"urn:race", id}, id, Now());
    }));
    ASSERT_OK(Insert(SampleCourse(id, id)));
  }
  std::atomic<int> booked = 0, unexplained = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::string id = absl::StrCat("racer", t);
      for (int i = 0; i < kSlots; ++i) {
        const int slot = (i * 7 + t * 3) % kSlots;  // each in another order
        // Half of them say beforehand whose calendar they want, half of them just write.
        absl::Status status;
        do {
          status = store_.Write(Deadline(), [&](SchedulingTx& tx) -> absl::Status {
            if (t % 2 == 0) {
              IPT_RETURN_IF_ERROR(tx.TouchTherapistCalendars("c1", {"t1"}).status());
            }
            Session session = SampleSession(absl::StrCat("s", slot), 60 * slot, id);
            session.patient_id = id;
            std::vector<Session> sessions = {session};
            return tx.InsertSessions(sessions, Now());
          });
        } while (absl::IsAborted(status));  // lost against others more often than it may retry
        if (status.ok()) {
          ++booked;
        } else if (ErrorReasonOf(status) != reason::kSlotTaken) {
          ++unexplained;
          ADD_FAILURE() << status;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(booked, kSlots);
  EXPECT_EQ(unexplained, 0);
  EXPECT_EQ(Count("sessions"), kSlots);
  EXPECT_EQ(Overlaps(), 0);
}

// Two series over the same slots, many times: one wins, the other is told, nobody waits for long.
TEST_P(BookingTest, RacingSeriesAreAllOrNothing) {
  constexpr int kRounds = 10, kSessions = 8;
  std::atomic<int> won = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::thread> threads;
    for (int side = 0; side < 2; ++side) {
      threads.emplace_back([&, side] {
        std::vector<Session> series;
        for (int i = 0; i < kSessions; ++i) {
          const std::string id = absl::StrCat("r", round, "s", i);
          const int64_t start = 10000 * round + 60 * i;
          series.push_back(side == 0 ? SampleSession(id, start) : OfOtherPatient(id, start));
        }
        const absl::Status status = store_.Write(Deadline(), [&](SchedulingTx& tx) -> absl::Status {
          IPT_RETURN_IF_ERROR(tx.TouchTherapistCalendars("c1", {"t1"}).status());
          return tx.InsertSessions(series, Now());
        });
        if (status.ok()) {
          ++won;
        } else {
          EXPECT_THAT(status, SlotTaken());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(won, kRounds);
  EXPECT_EQ(Count("sessions"), kRounds * kSessions);
}

}  // namespace
}  // namespace ipt::scheduling
