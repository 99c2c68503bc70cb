#include "tests/scheduling/storage/scheduling_store_conformance.h"

namespace ipt::scheduling {
namespace {

class PatientsTest : public SchedulingStoreTest {
 protected:
  absl::StatusOr<std::string> FindOrAdd(const Identifier& patient, absl::string_view new_id) {
    return Write(
        [&](SchedulingTx& tx) { return tx.FindOrAddPatient("c1", patient, new_id, Now()); });
  }
  std::optional<std::string> Find(const Identifier& patient) {
    return Read([&](SchedulingReader& r) { return r.FindPatient("c1", patient); }).value();
  }
  absl::Status Change(absl::string_view id, const Identifier& to) {
    return Write([&](SchedulingTx& tx) { return tx.ChangePatientIdentifier("c1", id, to); });
  }
  absl::Status Merge(absl::string_view from, absl::string_view into) {
    return Write([&](SchedulingTx& tx) { return tx.MergePatient("c1", from, into); });
  }
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(PatientsTest);

TEST_P(PatientsTest, IsAddedOnceAndFoundByItsExactIdentifier) {
  AddBasics();
  const Identifier hard = {"urn:ü", kHardText};
  EXPECT_EQ(Find(hard), std::nullopt);
  EXPECT_EQ(FindOrAdd(hard, "x1").value(), "x1");
  EXPECT_EQ(FindOrAdd(hard, "x2").value(), "x1");
  EXPECT_EQ(Find(hard), "x1");
  EXPECT_EQ(Find({"URN:Ü", kHardText}), std::nullopt);
  EXPECT_EQ(Find({"urn:mrn", "VALUE-P1"}), std::nullopt);
  EXPECT_EQ(Read([](SchedulingReader& r) {
              return r.FindPatient("c2", {"urn:mrn", "value-p1"});
            }).value(),
            std::nullopt);
  // Another patient with an id that is taken.
  EXPECT_THAT(FindOrAdd({"urn:ü", "other"}, "x1"), StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_P(PatientsTest, IsLockedByTheSameIdentifier) {
  AddBasics();
  ASSERT_OK(Write([](SchedulingTx& tx) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(const auto found, tx.LockPatient("c1", {"urn:mrn", "value-p1"}));
    EXPECT_EQ(found, "p1");
    IPT_ASSIGN_OR_RETURN(const auto none, tx.LockPatient("c2", {"urn:mrn", "value-p1"}));
    EXPECT_EQ(none, std::nullopt);
    return absl::OkStatus();
  }));
}

TEST_P(PatientsTest, ANewIdentifierIsReadBackInEveryCourse) {
  AddBasics();
  ASSERT_OK_AND_ASSIGN(Course course, Insert(SampleCourse("k1")));
  const Identifier to = {"urn:new", "N-1"};
  ASSERT_OK(Change("p1", to));
  course.patient = to;
  EXPECT_EQ(GetCourse("k1").value(), course);
  EXPECT_EQ(Find(to), "p1");
  EXPECT_EQ(Find({"urn:mrn", "value-p1"}), std::nullopt);
}

TEST_P(PatientsTest, AnIdentifierOfAnotherPatientIsRefusedWithoutSayingWhose) {
  AddBasics();
  const absl::Status status = Change("p1", {"urn:mrn", "value-p2"});
  EXPECT_THAT(status, FailsWith(absl::StatusCode::kFailedPrecondition, reason::kPatientExists));
  EXPECT_EQ(status.ToString().find("value-p2"), std::string::npos);
  EXPECT_EQ(Find({"urn:mrn", "value-p1"}), "p1");
  EXPECT_OK(Change("p1", {"urn:mrn", "value-p1"}));  // its own
  EXPECT_THAT(Change("nope", {"urn:mrn", "x"}), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(PatientsTest, MergeGivesAllCoursesAndSessionsToTheOther) {
  AddBasics();
  Course closed = SampleCourse("k1", "p1");
  closed.state = CourseState::kCompleted;
  ASSERT_OK(Insert(closed));
  ASSERT_OK(Insert(SampleCourse("k2", "p2", "t2")));
  Session past = SampleSession("s1", 0);
  past.blocking = false;  // kept nobody's time; belongs to the patient all the same
  Session late = SampleSession("s2", 600);
  ASSERT_OK(Insert(std::vector<Session>{past, late}));
  Session other = SampleSession("s3", 0, "k2");
  other.patient_id = "p2";
  other.therapist_id = "t2";
  ASSERT_OK(Insert(std::vector<Session>{other}));

  ASSERT_OK(Merge("p1", "p2"));
  EXPECT_EQ(GetCourse("k1")->patient_id, "p2");
  EXPECT_EQ(GetCourse("k1")->patient, (Identifier{"urn:mrn", "value-p2"}));
  for (const char* id : {"s1", "s2"}) EXPECT_EQ(GetSession("k1", id)->patient_id, "p2");
  EXPECT_EQ(Find({"urn:mrn", "value-p1"}), std::nullopt);
  const auto busy = Read([](SchedulingReader& r) {
    return r.PatientBusy("c1", "p2", {At(0), At(1000)});
  });
  EXPECT_EQ(busy.value().size(), 2u);
  EXPECT_THAT(Merge("p1", "p2"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Merge("p2", "nope"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(PatientsTest, MergeOfOverlappingSessionsIsRefusedAndLeavesBoth) {
  AddBasics();
  Course closed = SampleCourse("k1", "p1");
  closed.state = CourseState::kCompleted;
  ASSERT_OK(Insert(closed));
  ASSERT_OK(Insert(SampleCourse("k2", "p2", "t2")));
  Session a = SampleSession("a", 0);
  Session b = SampleSession("b", 49, "k2");
  b.patient_id = "p2";
  b.therapist_id = "t2";
  ASSERT_OK(Insert(std::vector<Session>{a}));
  ASSERT_OK(Insert(std::vector<Session>{b}));
  EXPECT_THAT(Merge("p1", "p2"),
              FailsWith(absl::StatusCode::kFailedPrecondition, reason::kSlotTaken));
  EXPECT_EQ(GetSession("k1", "a")->patient_id, "p1");
  EXPECT_EQ(Find({"urn:mrn", "value-p1"}), "p1");
}

TEST_P(PatientsTest, MergeOfTwoOpenCoursesIsRefused) {
  AddCourses();
  const absl::Status refused = Merge("p1", "p2");
  EXPECT_THAT(refused, FailsWith(absl::StatusCode::kFailedPrecondition, reason::kOpenCourseExists));
  // Not what would help a new course alone.
  EXPECT_THAT(std::string(refused.message()), ::testing::HasSubstr("close one of them"));
  EXPECT_THAT(std::string(refused.message()), ::testing::Not(::testing::HasSubstr("concurrent")));
  EXPECT_EQ(GetCourse("k1")->patient_id, "p1");
}

}  // namespace
}  // namespace ipt::scheduling
