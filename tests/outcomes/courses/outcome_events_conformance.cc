// What followers of events are told of courses' results and signals, and that they are told it
// once. On both engines.
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ipt/outcomes/v1/event.pb.h"
#include "tests/outcomes/courses/course_result_fixture.h"

namespace ipt::outcomes {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kCourse[] = "clinics/north/courses/k1";

class OutcomeEventsTest : public CourseResultTest {
 protected:
  // What has been told of results and signals since the last call.
  std::vector<pb::OutcomeEvent> Told() {
    std::vector<pb::OutcomeEvent> told;
    const std::string sql = absl::StrCat(
        "SELECT seq, subject, kind, payload FROM outbox WHERE seq > ", told_, " ORDER BY seq");
    EXPECT_OK(db_->Read({}, [&](storage::Connection& conn) {
      using enum storage::ColumnType;
      return conn.Query({sql, {kInt64, kText, kText, kBytes}}, {}, [&](const storage::Row& row) {
        told_ = row.Int64(0);
        const std::string kind = row.Text(2);
        if (kind != "COURSE_RESULT_CHANGED" && kind != "SIGNAL_CHANGED") return absl::OkStatus();
        EXPECT_EQ(row.Text(1), kCourse);
        EXPECT_TRUE(told.emplace_back().ParseFromString(row.Bytes(3)));
        EXPECT_EQ(kind == "SIGNAL_CHANGED", told.back().has_signal_changed());
        return absl::OkStatus();
      });
    }));
    return told;
  }
  std::vector<pb::OutcomeEvent> KeepAndTell() {
    EXPECT_GT(Keep(), 0);
    return Told();
  }
  // Of k1, in answers to all nine questions.
  pb::Measurement Correct(const std::string& name, int total) {
    pb::CorrectMeasurementRequest request;
    *request.mutable_measurement() = Phq9(Nine(total)).measurement();
    request.mutable_measurement()->set_name(name);
    request.mutable_update_mask()->add_paths("answers");
    request.set_reason("misread");
    const auto corrected = measurements_.CorrectMeasurement(WriteCall(request), request);
    EXPECT_OK(corrected.status());
    return corrected.value_or(pb::Measurement());
  }
  void TakeBack(const std::string& name) {
    pb::MarkMeasurementEnteredInErrorRequest wrong;
    wrong.set_name(name);
    wrong.set_reason(pb::ENTERED_IN_ERROR_REASON_TEST);
    EXPECT_OK(measurements_.MarkMeasurementEnteredInError(WriteCall(wrong), wrong));
  }
  void SetPolicy(int response_percent) {
    pb::UpdateOutcomePolicyRequest policy;
    policy.set_clinic("clinics/north");
    policy.mutable_policy()->set_response_percent(response_percent);
    policy.mutable_update_mask()->add_paths("response_percent");
    EXPECT_OK(policies_.UpdateOutcomePolicy(WriteCall(policy), policy));
  }
  // As after the migration that made the column.
  void ForgetWhatWasTold() {
    EXPECT_OK(db_->Write({}, [](storage::Connection& conn) {
      return conn
          .Execute(
              {"UPDATE course_results SET told = NULL, generation = generation + 1, stale = 1"})
          .status();
    }));
  }
  static std::vector<int> Nine(int total) {
    std::vector<int> values(9);
    for (size_t i = 0; i < 8; ++i) {
      values[i] = std::min(3, total);
      total -= values[i];
    }
    return values;
  }

 private:
  int64_t told_ = 0;
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(OutcomeEventsTest);

TEST_P(OutcomeEventsTest, AClosedCoursesResultIsToldWhereItHasChanged) {
  courses::CopiedCourse copy = CopyOf({.id = "k1"});
  Put(copy);
  EXPECT_THAT(KeepAndTell(), IsEmpty());  // closed, and nothing was measured
  Score("k1", 20, 4, 15, 3);
  std::vector<pb::OutcomeEvent> told = KeepAndTell();
  ASSERT_THAT(told, SizeIs(1));
  const pb::CourseResult& result = told[0].course_result_changed();
  EXPECT_EQ(result.course(), kCourse);
  EXPECT_EQ(result.state(), pb::RESULT_STATE_FINAL);
  EXPECT_EQ(result.recovery().recovered(), pb::VERDICT_YES);
  EXPECT_EQ(result.measures_size(), 2);
  EXPECT_GT(result.revision(), 0);
  EXPECT_EQ(result.score_choice(), "");
  EXPECT_FALSE(result.has_scheduling());

  // Made anew, and the same: another therapist, another version of the policy, the same once more.
  copy.therapist_id = "ben";
  Tell(copy);
  EXPECT_THAT(KeepAndTell(), IsEmpty());
  SetPolicy(50);
  EXPECT_THAT(KeepAndTell(), IsEmpty());
  EXPECT_EQ(Keep(), 0);
  EXPECT_THAT(Told(), IsEmpty());

  now_ += absl::Minutes(1);
  Fill("k1", "phq-9", 12, 8);  // of the same session, completed as late, recorded later
  told = KeepAndTell();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].course_result_changed().recovery().recovered(), pb::VERDICT_NO);

  // What it would be for another share of response.
  SetPolicy(30);
  told = KeepAndTell();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].course_result_changed().measures(0).change().response(), pb::VERDICT_YES);

  // After it: a follow-up is part of what is told.
  pb::RecordMeasurementRequest after = Phq9(Nine(7));
  SetCompleted(TimeOf(24), after);
  ASSERT_OK(Record(after));
  told = KeepAndTell();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].course_result_changed().follow_ups_size(), 1);
}

TEST_P(OutcomeEventsTest, AnOpenCourseHasNoResultToTellAndAReopenedOneNoneAnyMore) {
  courses::CopiedCourse copy = CopyOf({.id = "k1", .state = courses::CopiedCourseState::kActive});
  Put(copy);
  Score("k1", 20, 4, 15, 3);
  EXPECT_THAT(KeepAndTell(), IsEmpty());
  Tell(CopyOf({.id = "k1"}));
  ASSERT_THAT(KeepAndTell(), SizeIs(1));
  Tell(copy);
  const std::vector<pb::OutcomeEvent> told = KeepAndTell();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].course_result_changed().state(), pb::RESULT_STATE_SO_FAR);
  Fill("k1", "phq-9", 9, 7);
  EXPECT_THAT(KeepAndTell(), IsEmpty());
  Tell(CopyOf({.id = "k1",
               .state = courses::CopiedCourseState::kDiscontinued,
               .reason = courses::kClosedEnteredInError}));
  const std::vector<pb::OutcomeEvent> of_none = KeepAndTell();
  ASSERT_THAT(of_none, SizeIs(1));
  EXPECT_EQ(of_none[0].course_result_changed().state(), pb::RESULT_STATE_VOID);
}

TEST_P(OutcomeEventsTest, ASignalIsToldWhenItIsFoundEndsAndIsFoundNoMore) {
  Put(CopyOf({.id = "k1", .state = courses::CopiedCourseState::kActive}));
  Fill("k1", "phq-9", 10, 1);
  EXPECT_THAT(KeepAndTell(), IsEmpty());
  const pb::Measurement worse = Fill("k1", "phq-9", 20, 2);
  std::vector<pb::OutcomeEvent> told = KeepAndTell();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].signal_changed().course(), kCourse);
  EXPECT_FALSE(told[0].signal_changed().withdrawn());
  const pb::Signal& found = told[0].signal_changed().signal();
  EXPECT_EQ(found.rule(), "deterioration");
  EXPECT_EQ(found.level(), pb::SIGNAL_LEVEL_RED);
  EXPECT_EQ(found.measurement(), worse.name());
  EXPECT_EQ(found.baseline(), 10);
  EXPECT_EQ(found.score(), 20);
  EXPECT_EQ(found.text(), "");
  EXPECT_FALSE(found.has_source());
  EXPECT_FALSE(found.has_end_time());

  SetPolicy(60);  // another version of the rule's policy says nothing new
  EXPECT_THAT(KeepAndTell(), IsEmpty());
  Fill("k1", "gad-7", 9, 2);
  EXPECT_THAT(KeepAndTell(), IsEmpty());

  now_ += absl::Minutes(1);
  Correct(worse.name(), 22);
  told = KeepAndTell();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].signal_changed().signal().score(), 22);

  Fill("k1", "phq-9", 9, 3);
  told = KeepAndTell();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].signal_changed().signal().measurement(), worse.name());
  EXPECT_EQ(told[0].signal_changed().signal().end_time().seconds(), absl::ToUnixSeconds(TimeOf(3)));

  TakeBack(worse.name());
  told = KeepAndTell();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_TRUE(told[0].signal_changed().withdrawn());
  EXPECT_EQ(told[0].signal_changed().signal().rule(), "deterioration");
  EXPECT_EQ(told[0].signal_changed().signal().measurement(), worse.name());
  EXPECT_EQ(told[0].signal_changed().signal().level(), pb::SIGNAL_LEVEL_RED);
  EXPECT_EQ(told[0].signal_changed().signal().raise_time().seconds(),
            absl::ToUnixSeconds(TimeOf(2)));
  EXPECT_FALSE(told[0].signal_changed().signal().has_score());
}

// An upgraded store floods nobody, and goes on from there.
TEST_P(OutcomeEventsTest, WhatHoldsWhenTellingBeginsIsNotTold) {
  Put(CopyOf({.id = "k1"}));
  Score("k1", 10, 20, 15, 3, 4);
  ForgetWhatWasTold();
  EXPECT_THAT(KeepAndTell(), IsEmpty());
  now_ += absl::Minutes(1);
  Fill("k1", "phq-9", 3, 4);
  const std::vector<pb::OutcomeEvent> told = KeepAndTell();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[0].course_result_changed().recovery().recovered(), pb::VERDICT_YES);
  EXPECT_TRUE(told[1].signal_changed().withdrawn());
}

}  // namespace
}  // namespace ipt::outcomes
