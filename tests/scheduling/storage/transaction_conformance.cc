// What holds for a transaction as a whole: all or nothing, one after another, one consistent view.
#include <atomic>
#include <thread>

#include "tests/scheduling/storage/scheduling_store_conformance.h"

namespace ipt::scheduling {
namespace {

class TransactionTest : public SchedulingStoreTest {
 protected:
  void SetUp() override { AddCourses(); }

  // A booking with all that it leaves behind.
  absl::Status Book(SchedulingTx& tx) {
    std::vector<Session> sessions = {SampleSession("s1", 0)};
    IPT_RETURN_IF_ERROR(tx.InsertSessions(sessions, Now()));
    IPT_RETURN_IF_ERROR(tx.Emit(SessionChanged{sessions[0]}, Now()));
    IPT_RETURN_IF_ERROR(tx.log().KeepAnswer(key_, "hash", "answer", Now()));
    AuditRecord record;
    record.clinic_id = "c1";
    record.caller = "caller";
    record.method = "BookSession";
    record.write = true;
    record.resource = "clinics/c1/courses/k1/sessions/s1";
    record.time = record.last_time = Now();
    return tx.log().AppendAudit(record);
  }
  int64_t Revision() {
    return Read([](SchedulingReader& r) { return r.CurrentRevision(); }).value();
  }

  const RequestKey key_ = {"c1", "caller", "BookSession", "request-1"};
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(TransactionTest);

TEST_P(TransactionTest, CommitLeavesRowEventAuditAndAnswer) {
  const int64_t events = Count("outbox");
  ASSERT_OK(Write([&](SchedulingTx& tx) { return Book(tx); }));
  EXPECT_EQ(Count("sessions"), 1);
  EXPECT_EQ(Count("outbox"), events + 1);
  EXPECT_EQ(Count("outbox WHERE clinic_id = 'c1' AND kind = 'KIND_10' AND subject = 'subject-10' "
                  "AND length(payload) = 16"),
            1);
  EXPECT_EQ(Count("audit_entries"), 1);
  ASSERT_OK_AND_ASSIGN(const auto answer,
                       Write([&](SchedulingTx& tx) { return tx.log().FindAnswer(key_, "hash"); }));
  EXPECT_EQ(answer, "answer");
}

TEST_P(TransactionTest, RollbackLeavesNothing) {
  EXPECT_THAT(Write([&](SchedulingTx& tx) -> absl::Status {
                IPT_RETURN_IF_ERROR(Book(tx));
                IPT_RETURN_IF_ERROR(tx.TouchTherapistCalendars("c1", {"t1"}).status());
                return FailedPrecondition("CHANGED_MIND", "x", "y");
              }),
              FailsWith(absl::StatusCode::kFailedPrecondition, "CHANGED_MIND"));
  for (const char* table : {"sessions", "outbox", "audit_entries", "idempotency"}) {
    EXPECT_EQ(Count(table), 0) << table;
  }
  EXPECT_EQ(
      Read([](SchedulingReader& r) { return r.TherapistCalendarVersion("c1", "t1"); }).value(), 1);
}

// A violation dooms the transaction even where its body goes on as if nothing had happened.
TEST_P(TransactionTest, ARefusedSessionTakesTheWholeTransactionWithIt) {
  ASSERT_OK(Insert(std::vector<Session>{SampleSession("taken", 0)}));
  const absl::Status status = store_.Write(Deadline(), [&](SchedulingTx& tx) -> absl::Status {
    IPT_RETURN_IF_ERROR(tx.FindOrAddPatient("c1", {"a", "b"}, "p9", Now()).status());
    std::vector<Session> sessions = {SampleSession("s1", 10)};
    EXPECT_THAT(tx.InsertSessions(sessions, Now()),
                FailsWith(absl::StatusCode::kFailedPrecondition, reason::kSlotTaken));
    return absl::OkStatus();
  });
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(Count("patients WHERE patient_id = 'p9'"), 0);
}

TEST_P(TransactionTest, AllRowsOfATransactionShareItsRevisionAndReadersSeeIt) {
  const int64_t before = Revision();
  int64_t written = 0;
  ASSERT_OK(Write([&](SchedulingTx& tx) -> absl::Status {
    Clinic clinic = SampleClinic("c2");
    IPT_RETURN_IF_ERROR(tx.InsertClinic(clinic, Now()));
    std::vector<Session> sessions = {SampleSession("s1", 0), SampleSession("s2", 100)};
    IPT_RETURN_IF_ERROR(tx.InsertSessions(sessions, Now()));
    EXPECT_EQ(clinic.stamp.revision, sessions[0].stamp.revision);
    EXPECT_EQ(sessions[1].stamp.revision, sessions[0].stamp.revision);
    EXPECT_EQ(tx.log().Revision().value(), clinic.stamp.revision);
    written = clinic.stamp.revision;
    return absl::OkStatus();
  }));
  EXPECT_GT(written, before);
  EXPECT_GE(Revision(), written);
}

TEST_P(TransactionTest, ATransactionReadsItsOwnWrites) {
  ASSERT_OK(Write([&](SchedulingTx& tx) -> absl::Status {
    std::vector<Session> sessions = {SampleSession("s1", 0)};
    IPT_RETURN_IF_ERROR(tx.InsertSessions(sessions, Now()));
    EXPECT_EQ(tx.GetSession("c1", "k1", "s1").value(), sessions[0]);
    EXPECT_EQ(tx.TherapistBusy("c1", "t1", {At(0), At(1)})->size(), 1u);
    return absl::OkStatus();
  }));
}

TEST_P(TransactionTest, AReaderKeepsItsViewWhileOthersWrite) {
  ASSERT_OK(Read([&](SchedulingReader& r) -> absl::Status {
    EXPECT_EQ(r.GetCourse("c1", "k1")->planned_sessions, 16);
    std::thread writer([&] {
      EXPECT_OK(Write([](SchedulingTx& tx) -> absl::Status {
        IPT_ASSIGN_OR_RETURN(Course course, tx.LockCourse("c1", "k1"));
        course.planned_sessions = 20;
        return tx.UpdateCourse(course, Now());
      }));
    });
    writer.join();
    EXPECT_EQ(r.GetCourse("c1", "k1")->planned_sessions, 16);
    return absl::OkStatus();
  }));
  EXPECT_EQ(GetCourse("k1")->planned_sessions, 20);
}

// Read, add one, write: without the lock, increments would be lost.
template <typename Increment>
void RunConcurrently(Increment increment) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) EXPECT_OK(increment());
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(TransactionTest, ALockedCourseIsChangedByOneAtATime) {
  RunConcurrently([&] {
    return store_.Write(Deadline(), [&](SchedulingTx& tx) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(Course course, tx.LockCourse("c1", "k1"));
      ++course.duration_weeks;
      return tx.UpdateCourse(course, Now());
    });
  });
  EXPECT_EQ(GetCourse("k1")->duration_weeks, 16 + 80);
}

TEST_P(TransactionTest, ALockedClinicIsChangedByOneAtATime) {
  RunConcurrently([&] {
    return store_.Write(Deadline(), [&](SchedulingTx& tx) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(Clinic clinic, tx.LockClinic("c1"));
      clinic.policy.pause_cap_days = clinic.policy.pause_cap_days.value() + 1;
      return tx.UpdateClinic(clinic, Now());
    });
  });
  EXPECT_EQ(Read([](SchedulingReader& r) { return r.GetClinic("c1"); })->policy.pause_cap_days,
            28 + 80);
}

// The count that a locked therapist is read with is of the moment after the wait for the lock.
TEST_P(TransactionTest, ALockedTherapistTakesNoMoreCoursesThanTheyMay) {
  std::atomic<int> next = 0, opened = 0;
  RunConcurrently([&] {
    const std::string id = absl::StrCat("n", next++);
    bool full = false;
    IPT_RETURN_IF_ERROR(store_.Write(Deadline(), [&](SchedulingTx& tx) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const Therapist therapist, tx.LockTherapist("c1", "t1"));
      full = therapist.open_courses >= *therapist.max_active_courses;
      if (full) return absl::OkStatus();
      IPT_RETURN_IF_ERROR(tx.FindOrAddPatient("c1", {"n", id}, id, Now()).status());
      Course course = SampleCourse(id, id);
      return tx.InsertCourse(course, Now());
    }));
    if (!full) ++opened;
    return absl::OkStatus();
  });
  EXPECT_EQ(opened, 11);  // of 12, k1 is there already
  EXPECT_EQ(Count("courses WHERE therapist_id = 't1'"), 12);
}

TEST_P(TransactionTest, CalendarsAreTakenInIdOrderWhateverTheOrderGiven) {
  std::atomic<int> turn = 0;
  RunConcurrently([&] {
    const bool forth = turn++ % 2 == 0;
    return store_.Write(Deadline(), [&](SchedulingTx& tx) {
      return tx
          .TouchTherapistCalendars("c1", forth ? std::vector<std::string>{"t1", "t2"}
                                               : std::vector<std::string>{"t2", "t1"})
          .status();
    });
  });
  for (const char* id : {"t1", "t2"}) {
    EXPECT_EQ(
        Read([&](SchedulingReader& r) { return r.TherapistCalendarVersion("c1", id); }).value(),
        81);
  }
}

TEST_P(TransactionTest, RacingForOneOpenCourseLetsOneIn) {
  ASSERT_OK(Write([](SchedulingTx& tx) {
    return tx.FindOrAddPatient("c1", {"urn:mrn", "new"}, "new", Now());
  }));
  std::atomic<int> next = 0, opened = 0;
  RunConcurrently([&]() -> absl::Status {
    const absl::Status status = Insert(SampleCourse(absl::StrCat("n", next++), "new")).status();
    if (status.ok()) ++opened;
    return ErrorReasonOf(status) == reason::kOpenCourseExists ? absl::OkStatus() : status;
  });
  EXPECT_EQ(opened, 1);
}

TEST_P(TransactionTest, RacingToAddOnePatientAddsOne) {
  std::atomic<int> next = 0;
  RunConcurrently([&] {
    return store_.Write(Deadline(), [&](SchedulingTx& tx) {
      return tx.FindOrAddPatient("c1", {"urn:mrn", "same"}, absl::StrCat("n", next++), Now())
          .status();
    });
  });
  EXPECT_EQ(Count("patients WHERE value = 'same'"), 1);
}

// A merge and bookings of the patient that it ends: no course or session is left behind.
TEST_P(TransactionTest, AMergeTakesAlongWhatIsAddedMeanwhile) {
  ASSERT_OK(Write([](SchedulingTx& tx) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(Course course, tx.LockCourse("c1", "k2"));
    course.state = CourseState::kCompleted;
    return tx.UpdateCourse(course, Now());
  }));
  std::thread booker([&] {
    for (int i = 0; i < 40; ++i) {
      EXPECT_OK(store_.Write(Deadline(), [&](SchedulingTx& tx) -> absl::Status {
        IPT_ASSIGN_OR_RETURN(const Course course, tx.LockCourse("c1", "k1"));
        Session session = SampleSession(absl::StrCat("s", i), 100 * i);
        session.patient_id = course.patient_id;
        std::vector<Session> sessions = {session};
        return tx.InsertSessions(sessions, Now());
      }));
    }
  });
  EXPECT_OK(
      store_.Write(Deadline(), [](SchedulingTx& tx) { return tx.MergePatient("c1", "p1", "p2"); }));
  booker.join();
  EXPECT_EQ(Count("sessions WHERE patient_id = 'p2'"), 40);
  EXPECT_EQ(Count("patients WHERE patient_id = 'p1'"), 0);
}

}  // namespace
}  // namespace ipt::scheduling
