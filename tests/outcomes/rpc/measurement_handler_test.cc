#include "outcomes/rpc/measurement_handler.h"

#include <functional>
#include <thread>

#include "gmock/gmock.h"
#include "outcomes/domain/alerts.h"
#include "outcomes/domain/policy.h"
#include "tests/outcomes/rpc/handler_fixture.h"

namespace ipt::outcomes {
namespace {

using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ipt::testing::StatusIs;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class MeasurementHandlerTest : public HandlerTest {
 protected:
  absl::StatusOr<pb::Measurement> Correct(const pb::Measurement& measurement,
                                          const std::vector<std::string>& paths) {
    pb::CorrectMeasurementRequest request;
    *request.mutable_measurement() = measurement;
    for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
    request.set_reason("misread");
    return measurements_.CorrectMeasurement(WriteCall(request), request);
  }
  absl::StatusOr<pb::MarkMeasurementEnteredInErrorResponse> TakeBack(const std::string& name,
                                                                     bool validate_only = false) {
    pb::MarkMeasurementEnteredInErrorRequest request;
    request.set_name(name);
    request.set_reason(pb::ENTERED_IN_ERROR_REASON_WRONG_PATIENT);
    request.set_validate_only(validate_only);
    return measurements_.MarkMeasurementEnteredInError(WriteCall(request), request);
  }
  static void SetItem(int item, int value, pb::Measurement& measurement) {
    for (pb::Answer& answer : *measurement.mutable_answers()->mutable_answers()) {
      if (answer.item() == absl::StrCat("q", item)) answer.set_value(value);
    }
  }
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(MeasurementHandlerTest);

TEST_P(MeasurementHandlerTest, KeepsAnswersVersionScoresAndRisk) {
  ASSERT_OK_AND_ASSIGN(const pb::Measurement recorded, Record(Phq9({1, 2, 3, 0, 1, 2, 3, 0, 1})));
  ASSERT_OK_AND_ASSIGN(const pb::Measurement read, Get(recorded.name()));
  EXPECT_EQ(read.SerializeAsString(), recorded.SerializeAsString());
  EXPECT_EQ(read.instrument_version(), 1);
  EXPECT_EQ(read.state(), pb::MEASUREMENT_STATE_RECORDED);
  ASSERT_EQ(read.answers().answers_size(), 9);
  EXPECT_EQ(read.answers().answers(2).value(), 3);
  EXPECT_EQ(read.answers().answers(2).option_id(), "a3");
  EXPECT_EQ(read.answers().answers(2).points(), 3);
  ASSERT_EQ(read.scores_size(), 1);
  EXPECT_EQ(read.scores(0).scale(), "total");
  EXPECT_EQ(read.scores(0).state(), pb::SCORE_STATE_COMPLETE);
  EXPECT_EQ(read.scores(0).exact().numerator(), 13);
  EXPECT_EQ(read.scores(0).exact().denominator(), 1);
  EXPECT_EQ(read.scores(0).exact().decimal(), "13");
  EXPECT_EQ(read.scores(0).rounded(), 13);
  EXPECT_EQ(read.scores(0).band(), "moderate");
  EXPECT_TRUE(read.scores(0).at_caseness());
  EXPECT_EQ(read.scores(0).answered_items(), 9);
  ASSERT_EQ(read.risks_size(), 1);
  EXPECT_EQ(read.risks(0).item(), "q9");
  EXPECT_EQ(read.risks(0).state(), pb::RISK_STATE_FIRED);
  EXPECT_EQ(read.risks(0).points(), 1);
  EXPECT_EQ(read.caller(), "tester");
  EXPECT_EQ(read.revision_number(), 1);
  EXPECT_FALSE(read.etag().empty());
  EXPECT_THAT(NewEvents(), ElementsAre("ALERT_RAISED", "MEASUREMENT_RECORDED"));
}

TEST_P(MeasurementHandlerTest, KeepsProratedScoresExactly) {
  // 10 points of 7 of 9 items.
  ASSERT_OK_AND_ASSIGN(const pb::Measurement recorded, Record(Phq9({2, 2, 2, 1, 1, 1, -1, -1, 1})));
  const pb::Score& score = recorded.scores(0);
  EXPECT_EQ(score.state(), pb::SCORE_STATE_PRORATED);
  EXPECT_EQ(score.exact().numerator(), 90);
  EXPECT_EQ(score.exact().denominator(), 7);
  EXPECT_EQ(score.exact().decimal(), "12.857143");
  EXPECT_EQ(score.rounded(), 13);
  EXPECT_EQ(score.missing_item_count(), 2);
  EXPECT_THAT(score.missing_items(), ElementsAre("q7", "q8"));
}

TEST_P(MeasurementHandlerTest, RaisesRiskWhateverTheTotalAlsoWithoutOne) {
  ASSERT_OK_AND_ASSIGN(const pb::Measurement least, Record(Phq9({0, 0, 0, 0, 0, 0, 0, 0, 1})));
  EXPECT_EQ(least.scores(0).rounded(), 1);
  ASSERT_THAT(Alerts(), SizeIs(1));
  EXPECT_EQ(Alerts()[0].kind, AlertKind::kRiskItem);
  EXPECT_EQ(least.risks(0).alert(),
            absl::StrCat("clinics/north/courses/k1/alerts/", Alerts()[0].alert_id));

  ASSERT_OK_AND_ASSIGN(const pb::Measurement invalid,
                       Record(Phq9({-1, -1, -1, -1, -1, 0, 0, 0, 2}, "k2")));
  EXPECT_EQ(invalid.scores(0).state(), pb::SCORE_STATE_INVALID);
  EXPECT_EQ(invalid.scores(0).invalid_reason(), pb::INVALID_REASON_TOO_MANY_MISSING);
  ASSERT_THAT(Alerts("k2"), SizeIs(1));
  EXPECT_EQ(Alerts("k2")[0].kind, AlertKind::kRiskItem);
}

TEST_P(MeasurementHandlerTest, AnUnansweredRiskItemIsToBeAskedAndNever0) {
  auto declined = Phq9({0, 0, 0, 0, 0, 0, 0, 0, -1});
  pb::Answer& answer = *declined.mutable_measurement()->mutable_answers()->add_answers();
  answer.set_item("q9");
  answer.set_none(pb::NO_ANSWER_DECLINED);
  ASSERT_OK_AND_ASSIGN(const pb::Measurement recorded, Record(declined));
  EXPECT_EQ(recorded.risks(0).state(), pb::RISK_STATE_UNKNOWN);
  EXPECT_FALSE(recorded.risks(0).has_points());
  ASSERT_THAT(Alerts(), SizeIs(1));
  EXPECT_EQ(Alerts()[0].kind, AlertKind::kRiskUnknown);

  pb::RecordMeasurementRequest total = Phq9({}, "k2");
  auto* reported = total.mutable_measurement()->mutable_reported()->add_scores();
  reported->set_scale("total");
  reported->set_points(14);
  ASSERT_OK_AND_ASSIGN(const pb::Measurement of_a_letter, Record(total));
  EXPECT_TRUE(of_a_letter.scores(0).reported());
  EXPECT_EQ(of_a_letter.scores(0).rounded(), 14);
  EXPECT_EQ(of_a_letter.risks(0).state(), pb::RISK_STATE_UNKNOWN);
  ASSERT_THAT(Alerts("k2"), SizeIs(1));
}

TEST_P(MeasurementHandlerTest, ALater0ClearsNothing) {
  ASSERT_OK(Record(Phq9({0, 0, 0, 0, 0, 0, 0, 0, 3})));
  now_ += absl::Hours(24 * 7);
  ASSERT_OK(Record(Phq9({0, 0, 0, 0, 0, 0, 0, 0, 0})));
  ASSERT_THAT(Alerts(), SizeIs(1));
  EXPECT_EQ(Alerts()[0].state, AlertState::kOpen);
}

TEST_P(MeasurementHandlerTest, IsNeverRefusedBecauseNothingIsKnownOfItsCourse) {
  auto request = Phq9({1, 1, 1, 1, 1, 1, 1, 1, 0});
  request.mutable_measurement()->set_session("clinics/north/courses/k1/sessions/s1");
  ASSERT_OK_AND_ASSIGN(const pb::Measurement recorded, Record(request));
  EXPECT_THAT(
      recorded.unverified(),
      ElementsAre(pb::UNVERIFIED_FACT_COURSE, pb::UNVERIFIED_FACT_SESSION, pb::UNVERIFIED_FACT_WEEK,
                  pb::UNVERIFIED_FACT_COURSE_STATE, pb::UNVERIFIED_FACT_THERAPIST));
  pb::ListMeasurementsRequest work;
  work.mutable_filter()->set_unsettled_only(true);
  EXPECT_THAT(Listed(work), ElementsAre(recorded.name()));
}

TEST_P(MeasurementHandlerTest, IsBoundToItsCourseWhereThatIsKnown) {
  FixedDirectory directory;
  MeasurementHandler handler(store_, catalog_, ids_, &directory);
  const auto request = Phq9({0, 0, 0, 0, 0, 0, 0, 0, 1});
  directory.answer.known = courses::CourseAnswer::Known::kAbsent;
  EXPECT_THAT(handler.RecordMeasurement(WriteCall(request), request),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Alerts(), IsEmpty());

  directory.answer.known = courses::CourseAnswer::Known::kVerified;
  courses::CopiedCourse& course = directory.answer.course.emplace();
  course.therapist_id = "ana";
  course.state = courses::CopiedCourseState::kActive;
  course.time_zone = "Europe/London";
  courses::CopiedSession& session = course.sessions.emplace_back();
  session.session_id = "s4";
  session.number = 4;
  session.phase = 2;
  session.start = now_;
  session.state = courses::CopiedSessionState::kBooked;
  ASSERT_OK_AND_ASSIGN(const pb::Measurement recorded,
                       handler.RecordMeasurement(WriteCall(request), request));
  EXPECT_THAT(recorded.unverified(), IsEmpty());
  EXPECT_EQ(recorded.session(), "clinics/north/courses/k1/sessions/s4");
  EXPECT_EQ(recorded.session_number(), 4);
  EXPECT_EQ(recorded.occasion(), pb::OCCASION_BEFORE_TREATMENT);
  ASSERT_THAT(Alerts(), SizeIs(1));
  EXPECT_EQ(Alerts()[0].therapist_id, "ana");
  EXPECT_EQ(Alerts()[0].owner.therapist_id, "ana");
}

// A session that was booked a moment ago, which the copy has not.
TEST_P(MeasurementHandlerTest, AsksForASessionThatTheCopyHasNot) {
  class Behind final : public courses::CourseDirectory {
   public:
    absl::StatusOr<courses::CourseAnswer> FindCourse(absl::string_view, absl::string_view,
                                                     const courses::CourseDemand& demand,
                                                     absl::Time, absl::Time) override {
      courses::CourseAnswer answer;
      answer.known = courses::CourseAnswer::Known::kVerified;
      courses::CopiedCourse& course = answer.course.emplace();
      course.time_zone = "Europe/London";
      course.state = courses::CopiedCourseState::kActive;
      if (demand.max_age == absl::ZeroDuration()) course.sessions.emplace_back().session_id = "s1";
      return answer;
    }
  } directory;
  MeasurementHandler handler(store_, catalog_, ids_, &directory);
  auto request = Phq9({1, 1, 1, 1, 1, 1, 1, 1, 0});
  request.mutable_measurement()->set_session("clinics/north/courses/k1/sessions/s1");
  EXPECT_OK(handler.RecordMeasurement(WriteCall(request), request).status());
  request.mutable_measurement()->set_session("clinics/north/courses/k1/sessions/s2");
  EXPECT_THAT(handler.RecordMeasurement(WriteCall(request), request),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(MeasurementHandlerTest, NamesAllBadAnswersAtOnce) {
  auto request = Phq9({1, 4, 1});
  auto& answers = *request.mutable_measurement()->mutable_answers();
  answers.add_answers()->set_item("q10");
  answers.mutable_answers(3)->set_value(0);
  answers.add_answers()->set_item("q1");
  answers.mutable_answers(4)->set_value(0);
  answers.add_answers()->set_item("q5");
  answers.mutable_answers(5)->set_option("often");
  answers.add_answers()->set_item("q6");
  answers.mutable_answers(6)->set_none(pb::NO_ANSWER_NOT_APPLICABLE);
  request.mutable_measurement()->set_respondent(pb::RESPONDENT_CLINICIAN_RATED);
  request.mutable_measurement()->set_language("not a tag");
  EXPECT_THAT(
      Record(request),
      HasBadFields("measurement.answers.answers[1].value", "measurement.answers.answers[3].item",
                   "measurement.answers.answers[4].item", "measurement.answers.answers[5].option",
                   "measurement.answers.answers[6].none", "measurement.respondent",
                   "measurement.language"));
  EXPECT_THAT(Listed(), IsEmpty());
  EXPECT_THAT(NewEvents(), IsEmpty());
}

TEST_P(MeasurementHandlerTest, SaysNothingOfAnswersInItsRefusals) {
  auto request = Phq9({1, 1, 1, 1, 1, 1, 1, 1, 77});
  const absl::Status refused = Record(request).status();
  EXPECT_THAT(std::string(refused.message()), Not(::testing::HasSubstr("77")));
  for (const FieldViolation& violation : FieldViolationsOf(refused)) {
    EXPECT_THAT(violation.description, Not(::testing::HasSubstr("77")));
  }
}

TEST_P(MeasurementHandlerTest, RefusesWhatHasNothingAnswered) {
  EXPECT_THAT(Record(Phq9({})), HasBadFields("measurement.answers"));
  auto request = Phq9({});
  pb::Answer& answer = *request.mutable_measurement()->mutable_answers()->add_answers();
  answer.set_item("q1");
  answer.set_none(pb::NO_ANSWER_LEFT_OUT);
  EXPECT_THAT(Record(request), HasBadFields("measurement.answers.answers"));
  auto unknown = Phq9({1});
  unknown.mutable_measurement()->set_instrument("clinics/north/instruments/phq-99");
  EXPECT_THAT(Record(unknown), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(MeasurementHandlerTest, RefusesWhatIsCompletedInTheFutureButForAClocksError) {
  auto request = Phq9({1, 1, 1, 1, 1, 1, 1, 1, 1});
  SetCompleted(now_ + absl::Minutes(5) + absl::Seconds(1), request);
  EXPECT_THAT(Record(request),
              FailsWith(absl::StatusCode::kFailedPrecondition, "COMPLETED_IN_FUTURE"));
  EXPECT_THAT(Alerts(), IsEmpty());
  SetCompleted(now_ + absl::Minutes(4), request);
  ASSERT_OK_AND_ASSIGN(const pb::Measurement recorded, Record(request));
  EXPECT_EQ(recorded.complete_time().seconds(), absl::ToUnixSeconds(now_));
}

TEST_P(MeasurementHandlerTest, LatePaperTakesItsPlaceByCompletion) {
  ASSERT_OK_AND_ASSIGN(const pb::Measurement today, Record(Phq9({1, 1, 1, 1, 1, 1, 1, 1, 0})));
  auto paper = Phq9({2, 2, 2, 2, 2, 2, 2, 2, 1});
  SetCompleted(now_ - absl::Hours(24 * 21), paper);
  ASSERT_OK_AND_ASSIGN(const pb::Measurement late, Record(paper));
  EXPECT_GT(late.receive_time().seconds(), late.complete_time().seconds());
  EXPECT_THAT(Listed(), ElementsAre(late.name(), today.name()));
  pb::ListMeasurementsRequest newest;
  newest.set_newest_first(true);
  newest.set_page_size(1);
  EXPECT_THAT(Listed(newest), ElementsAre(today.name(), late.name()));
  ASSERT_THAT(Alerts(), SizeIs(1));
  EXPECT_EQ(Alerts()[0].completed, absl::FromUnixSeconds(late.complete_time().seconds()));
}

TEST_P(MeasurementHandlerTest, RefusesTheSameAnswersWithinHoursAndTakesOthers) {
  ASSERT_OK_AND_ASSIGN(const pb::Measurement first, Record(Phq9({1, 1, 1, 1, 1, 1, 1, 1, 1})));
  now_ += absl::Hours(12);
  // Said by options instead of values: the same form all the same.
  auto again = Phq9({1, 1, 1, 1, 1, 1, 1, 1, 1});
  for (pb::Answer& answer : *again.mutable_measurement()->mutable_answers()->mutable_answers()) {
    answer.set_option("a1");
  }
  const auto refused = Record(again);
  EXPECT_THAT(refused, FailsWith(absl::StatusCode::kAlreadyExists, "MEASUREMENT_EXISTS"));
  EXPECT_EQ(ErrorMetadataOf(refused.status()).at("measurement"), first.name());
  EXPECT_THAT(Alerts(), SizeIs(1));

  ASSERT_OK_AND_ASSIGN(const pb::Measurement other, Record(Phq9({0, 1, 1, 1, 1, 1, 1, 1, 1})));
  ASSERT_OK_AND_ASSIGN(const pb::Measurement read, Get(first.name()));
  EXPECT_TRUE(read.superseded());
  EXPECT_FALSE(other.superseded());
  EXPECT_THAT(Alerts(), SizeIs(2));

  now_ += absl::Seconds(1);
  EXPECT_THAT(Record(Phq9({0, 1, 1, 1, 1, 1, 1, 1, 1})),
              FailsWith(absl::StatusCode::kAlreadyExists, "MEASUREMENT_EXISTS"));
  now_ += absl::Hours(12);
  EXPECT_OK(Record(Phq9({0, 1, 1, 1, 1, 1, 1, 1, 1})));
}

TEST_P(MeasurementHandlerTest, AnIdOfElsewhereIsOnceInAClinic) {
  auto request = Phq9({1, 1, 1, 1, 1, 1, 1, 1, 0});
  request.mutable_measurement()->set_external_id("form-1");
  ASSERT_OK_AND_ASSIGN(const pb::Measurement first, Record(request));
  auto other = Phq9({2, 1, 1, 1, 1, 1, 1, 1, 0}, "k2");
  other.mutable_measurement()->set_external_id("form-1");
  EXPECT_THAT(Record(other), FailsWith(absl::StatusCode::kAlreadyExists, "MEASUREMENT_EXISTS"));
  ASSERT_OK(TakeBack(first.name()));
  EXPECT_OK(Record(other));
}

TEST_P(MeasurementHandlerTest, ARetryHasTheFirstAnswerAndNoSecondAlert) {
  const auto request = Phq9({0, 0, 0, 0, 0, 0, 0, 0, 1});
  const CallContext ctx = WriteCall(request);
  ASSERT_OK_AND_ASSIGN(const pb::Measurement first, measurements_.RecordMeasurement(ctx, request));
  NewEvents();
  CallContext retry = ctx;
  retry.now += absl::Minutes(1);
  ASSERT_OK_AND_ASSIGN(const pb::Measurement again,
                       measurements_.RecordMeasurement(retry, request));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_THAT(Alerts(), SizeIs(1));
  EXPECT_THAT(Listed(), SizeIs(1));
  EXPECT_THAT(NewEvents(), IsEmpty());

  CallContext reused = ctx;
  const auto other = Phq9({1, 0, 0, 0, 0, 0, 0, 0, 1});
  reused.content_hash = rpc::ContentHash(other);
  EXPECT_THAT(measurements_.RecordMeasurement(reused, other),
              FailsWith(absl::StatusCode::kAlreadyExists, "REQUEST_ID_REUSED"));
}

TEST_P(MeasurementHandlerTest, AnIdThatIsTakenIsRefusedAlsoWithARisk) {
  auto request = Phq9({0, 0, 0, 0, 0, 0, 0, 0, 1});
  request.set_measurement_id("m1");
  ASSERT_OK(Record(request));
  auto other = Phq9({1, 0, 0, 0, 0, 0, 0, 0, 2});
  other.set_measurement_id("m1");
  EXPECT_THAT(Record(other), FailsWith(absl::StatusCode::kAlreadyExists, "RESOURCE_EXISTS"));
  EXPECT_THAT(Alerts(), SizeIs(1));
}

TEST_P(MeasurementHandlerTest, TryingWritesNothing) {
  auto request = Phq9({0, 0, 0, 0, 0, 0, 0, 0, 1});
  request.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(const pb::Measurement tried, Record(request));
  EXPECT_EQ(tried.scores(0).rounded(), 1);
  EXPECT_EQ(tried.risks(0).state(), pb::RISK_STATE_FIRED);
  EXPECT_EQ(tried.risks(0).alert(), "");
  EXPECT_EQ(tried.etag(), "");
  for (const char* table : {"measurements", "outbox", "audit_entries", "idempotency"}) {
    EXPECT_EQ(Count(table), 0) << table;
  }
  EXPECT_THAT(Alerts(), IsEmpty());
}

TEST_P(MeasurementHandlerTest, ACorrectionIsARevisionBesideTheOneBefore) {
  ASSERT_OK_AND_ASSIGN(const pb::Measurement first, Record(Phq9({1, 1, 1, 1, 1, 1, 1, 1, 0})));
  EXPECT_THAT(Alerts(), IsEmpty());
  NewEvents();
  now_ += absl::Hours(1);
  pb::Measurement change = first;
  SetItem(9, 2, change);
  ASSERT_OK_AND_ASSIGN(const pb::Measurement corrected, Correct(change, {"answers"}));
  EXPECT_EQ(corrected.revision_number(), 2);
  EXPECT_EQ(corrected.state(), pb::MEASUREMENT_STATE_CORRECTED);
  EXPECT_EQ(corrected.correction_reason(), "misread");
  EXPECT_EQ(corrected.scores(0).rounded(), 10);
  EXPECT_EQ(corrected.complete_time().seconds(), first.complete_time().seconds());
  EXPECT_EQ(corrected.create_time().seconds(), first.create_time().seconds());
  ASSERT_THAT(Alerts(), SizeIs(1));  // it came to light
  EXPECT_EQ(Alerts()[0].measurement_revision, 2);
  EXPECT_THAT(NewEvents(), Contains("MEASUREMENT_CHANGED"));

  ASSERT_OK_AND_ASSIGN(const pb::Measurement before, Get(first.name(), 1));
  EXPECT_EQ(before.SerializeAsString(), first.SerializeAsString());
  EXPECT_THAT(Get(first.name(), 3), StatusIs(absl::StatusCode::kNotFound));
  pb::ListMeasurementRevisionsRequest list;
  list.set_parent(first.name());
  list.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(auto page, measurements_.ListMeasurementRevisions(ReadCall(), list));
  ASSERT_EQ(page.measurements_size(), 1);
  EXPECT_EQ(page.measurements(0).revision_number(), 1);
  list.set_page_token(page.next_page_token());
  ASSERT_OK_AND_ASSIGN(page, measurements_.ListMeasurementRevisions(ReadCall(), list));
  ASSERT_EQ(page.measurements_size(), 1);
  EXPECT_EQ(page.measurements(0).revision_number(), 2);
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_P(MeasurementHandlerTest, AnAlertOfACorrectedAnswerStaysAndSaysSo) {
  ASSERT_OK_AND_ASSIGN(pb::Measurement first, Record(Phq9({1, 1, 1, 1, 1, 1, 1, 1, 3})));
  SetItem(9, 0, first);
  ASSERT_OK_AND_ASSIGN(const pb::Measurement corrected, Correct(first, {"answers"}));
  EXPECT_EQ(corrected.risks(0).state(), pb::RISK_STATE_BELOW);
  ASSERT_THAT(Alerts(), SizeIs(1));
  EXPECT_EQ(Alerts()[0].state, AlertState::kOpen);
  EXPECT_EQ(Alerts()[0].basis, AlertBasis::kCorrected);
}

TEST_P(MeasurementHandlerTest, ACorrectionOfAnOldStateIsRefused) {
  ASSERT_OK_AND_ASSIGN(pb::Measurement first, Record(Phq9({1, 1, 1, 1, 1, 1, 1, 1, 0})));
  SetItem(1, 2, first);
  ASSERT_OK(Correct(first, {"answers"}));
  SetItem(1, 3, first);
  EXPECT_THAT(Correct(first, {"answers"}), FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  first.clear_etag();
  EXPECT_OK(Correct(first, {"answers"}));
  EXPECT_THAT(Correct(first, {"instrument"}), HasBadFields("update_mask.paths[0]"));
  EXPECT_EQ(Get(first.name())->revision_number(), 3);
}

TEST_P(MeasurementHandlerTest, WhatIsTakenBackCountsNowhereAndItsAlertsStay) {
  auto request = Phq9({1, 1, 1, 1, 1, 1, 1, 1, 1});
  ASSERT_OK_AND_ASSIGN(const pb::Measurement wrong, Record(request));
  now_ += absl::Hours(1);
  ASSERT_OK_AND_ASSIGN(const auto tried, TakeBack(wrong.name(), true));
  EXPECT_EQ(tried.open_alerts_size(), 1);
  EXPECT_EQ(Get(wrong.name())->state(), pb::MEASUREMENT_STATE_RECORDED);

  ASSERT_OK_AND_ASSIGN(const auto taken, TakeBack(wrong.name()));
  EXPECT_EQ(taken.measurement().state(), pb::MEASUREMENT_STATE_ENTERED_IN_ERROR);
  EXPECT_EQ(taken.measurement().entered_in_error().caller(), "tester");
  EXPECT_THAT(taken.open_alerts(), ElementsAre(wrong.risks(0).alert()));
  ASSERT_THAT(Alerts(), SizeIs(1));
  EXPECT_EQ(Alerts()[0].state, AlertState::kOpen);
  EXPECT_EQ(Alerts()[0].basis, AlertBasis::kEnteredInError);
  EXPECT_THAT(Listed(), IsEmpty());
  pb::ListMeasurementsRequest all;
  all.mutable_filter()->add_states(pb::MEASUREMENT_STATE_ENTERED_IN_ERROR);
  EXPECT_THAT(Listed(all), ElementsAre(wrong.name()));
  EXPECT_OK(Get(wrong.name()));

  EXPECT_THAT(TakeBack(wrong.name()),
              FailsWith(absl::StatusCode::kFailedPrecondition, "MEASUREMENT_STATE"));
  EXPECT_THAT(Correct(wrong, {"answers"}), StatusIs(absl::StatusCode::kAborted));
  pb::Measurement unconditional = wrong;
  unconditional.clear_etag();
  EXPECT_THAT(Correct(unconditional, {"answers"}),
              FailsWith(absl::StatusCode::kFailedPrecondition, "MEASUREMENT_STATE"));
  // Of the right patient: its answers are no double of what was taken back.
  EXPECT_OK(Record(request));
}

TEST_P(MeasurementHandlerTest, AnotherClinicSeesNothing) {
  ASSERT_OK_AND_ASSIGN(const pb::Measurement recorded, Record(Phq9({1, 1, 1, 1, 1, 1, 1, 1, 1})));
  pb::GetMeasurementRequest get;
  get.set_name("clinics/south/courses/k1/measurements/" +
               recorded.name().substr(recorded.name().rfind('/') + 1));
  EXPECT_THAT(measurements_.GetMeasurement(ReadCall("south"), get),
              StatusIs(absl::StatusCode::kNotFound));
  pb::ListMeasurementsRequest list;
  list.set_parent("clinics/south/courses/-");
  ASSERT_OK_AND_ASSIGN(const auto page, measurements_.ListMeasurements(ReadCall("south"), list));
  EXPECT_EQ(page.measurements_size(), 0);
}

TEST_P(MeasurementHandlerTest, ListsByEachOfItsConditions) {
  ASSERT_OK_AND_ASSIGN(const pb::Measurement risky, Record(Phq9({1, 1, 1, 1, 1, 1, 1, 1, 1})));
  ASSERT_OK_AND_ASSIGN(const pb::Measurement invalid,
                       Record(Phq9({-1, -1, -1, 1, 1, 1, 1, 1, 0}, "k2")));
  auto read_aloud = Phq9({1, 1, 1, 1, 1, 1, 1, 1, 0}, "k3");
  read_aloud.mutable_measurement()->set_respondent(pb::RESPONDENT_CLINICIAN_READ);
  SetCompleted(now_ - absl::Hours(48), read_aloud);
  ASSERT_OK_AND_ASSIGN(const pb::Measurement read, Record(read_aloud));
  const auto with = [&](auto set) {
    pb::ListMeasurementsRequest request;
    request.set_parent("clinics/north/courses/-");
    set(*request.mutable_filter());
    return Listed(request);
  };
  EXPECT_THAT(with([](auto&) {}), SizeIs(3));
  EXPECT_THAT(with([](auto& f) { f.set_risk_only(true); }), ElementsAre(risky.name()));
  EXPECT_THAT(with([](auto& f) { f.set_invalid_only(true); }), ElementsAre(invalid.name()));
  EXPECT_THAT(with([](auto& f) { f.add_respondents(pb::RESPONDENT_CLINICIAN_READ); }),
              ElementsAre(read.name()));
  EXPECT_THAT(
      with([&](auto& f) { f.mutable_end_time()->set_seconds(absl::ToUnixSeconds(now_) - 3600); }),
      ElementsAre(read.name()));
  EXPECT_THAT(with([](auto& f) { f.add_instruments("clinics/north/instruments/gad-7"); }),
              IsEmpty());
  EXPECT_THAT(with([](auto& f) { f.add_instruments("clinics/north/instruments/phq-9"); }),
              SizeIs(3));
  EXPECT_THAT(with([](auto& f) { f.add_occasions(pb::OCCASION_FOLLOW_UP); }), IsEmpty());
}

TEST_P(MeasurementHandlerTest, DoublesThatComeAtOnceAreRecordedOnce) {
  constexpr int kCallers = 8;
  std::vector<absl::Status> results(kCallers);
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&, i] {
      results[i] = Record(Phq9({1, 1, 1, 1, 1, 1, 1, 1, 1})).status();
    });
  }
  for (std::thread& caller : callers) caller.join();
  int recorded = 0;
  for (const absl::Status& result : results) {
    if (result.ok()) {
      ++recorded;
    } else {
      EXPECT_THAT(result, FailsWith(absl::StatusCode::kAlreadyExists, "MEASUREMENT_EXISTS"));
    }
  }
  EXPECT_EQ(recorded, 1);
  EXPECT_THAT(Listed(), SizeIs(1));
  EXPECT_THAT(Alerts(), SizeIs(1));
}

TEST_P(MeasurementHandlerTest, AnIdOfElsewhereIsOnceHoweverManySendIt) {
  constexpr int kCallers = 6;
  std::vector<absl::Status> results(kCallers);
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&, i] {
      auto request = Phq9({1, 1, 1, 1, 1, 1, 1, 1, 0}, absl::StrCat("k", i));
      request.mutable_measurement()->set_external_id("form-1");
      do {
        results[i] = Record(request).status();
      } while (absl::IsAborted(results[i]));
    });
  }
  for (std::thread& caller : callers) caller.join();
  int recorded = 0;
  for (const absl::Status& result : results) {
    if (result.ok()) {
      ++recorded;
    } else {
      EXPECT_EQ(ErrorReasonOf(result), "MEASUREMENT_EXISTS");
    }
  }
  EXPECT_EQ(recorded, 1);
  EXPECT_EQ(Count("measurements"), 1);
}

TEST_P(MeasurementHandlerTest, AReadAsksForNoRevisionThatThereIsNot) {
  ASSERT_OK_AND_ASSIGN(const pb::Measurement recorded, Record(Phq9({1, 1, 1, 1, 1, 1, 1, 1, 0})));
  pb::GetMeasurementRequest request;
  request.set_name(recorded.name());
  request.set_min_revision(recorded.revision());
  EXPECT_OK(measurements_.GetMeasurement(ReadCall(), request));
  request.set_min_revision(recorded.revision() + 1'000'000);
  EXPECT_THAT(measurements_.GetMeasurement(ReadCall(), request),
              FailsWith(absl::StatusCode::kFailedPrecondition, "REVISION_NOT_REACHED"));
}

// The alerts of reviews, resolved ones too: the rule and the score that began it, oldest first.
class ReviewAlertsTest : public MeasurementHandlerTest {
 protected:
  // A week later, a form of that total without a risk.
  pb::Measurement RecordTotal(int total, absl::Duration late = absl::ZeroDuration()) {
    now_ += absl::Hours(24 * 7);
    std::vector<int> values(9, 0);
    for (int i = 0; i < total; ++i) ++values[i % 8];
    auto request = Phq9(values);
    SetCompleted(now_ - late, request);
    const auto recorded = Record(request);
    EXPECT_OK(recorded);
    return recorded.ok() ? *recorded : pb::Measurement();
  }
  std::vector<std::string> Reviews() {
    std::vector<std::string> found;
    for (const Alert& alert : Alerts("k1", {AlertState::kOpen, AlertState::kResolved})) {
      EXPECT_EQ(alert.kind, AlertKind::kReview);
      found.push_back(absl::StrCat(alert.rule, " ", alert.points.value_or(-1)));
    }
    return found;
  }
  void ResolveAll() {
    for (const Alert& alert : Alerts()) {
      ASSERT_OK(store_.Write(absl::InfiniteFuture(), [&](OutcomesTx& tx) {
        return Resolve(tx.alerts(), {"north", "k1", alert.alert_id}, ResolutionOutcome::kReviewed,
                       "ana", "seen", now_)
            .status();
      }));
    }
  }
  void SetPolicy(const std::function<void(OutcomePolicy&)>& change) {
    ASSERT_OK(store_.Write(absl::InfiniteFuture(), [&](OutcomesTx& tx) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const OutcomePolicy before, tx.GetPolicy("north"));
      OutcomePolicy after = before;
      change(after);
      return UpdatePolicy(tx, WriteCall(pb::GetMeasurementRequest()), before, after).status();
    }));
  }
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(ReviewAlertsTest);

// 6 points are a reliable change of the PHQ-9.
TEST_P(ReviewAlertsTest, AReliableWorseningIsOneAlertUntilItBeginsAnew) {
  RecordTotal(5);
  RecordTotal(10);
  EXPECT_THAT(Reviews(), IsEmpty());
  const pb::Measurement worse = RecordTotal(11);
  ASSERT_THAT(Reviews(), ElementsAre("deterioration 11"));
  const Alert alert = Alerts()[0];
  EXPECT_EQ(alert.measurement_id, worse.name().substr(worse.name().rfind('/') + 1));
  EXPECT_EQ(alert.measurement_revision, 1);
  EXPECT_EQ(alert.instrument_id, "phq-9");
  EXPECT_EQ(alert.signal_level, pb::SIGNAL_LEVEL_RED);
  EXPECT_EQ(alert.completed, absl::FromUnixSeconds(absl::ToUnixSeconds(now_)));
  EXPECT_FALSE(alert.escalate.has_value()) << "not urgent";
  RecordTotal(12);
  ResolveAll();
  RecordTotal(13);
  EXPECT_THAT(Reviews(), ElementsAre("deterioration 11")) << "it was seen, and holds on";
  RecordTotal(10);
  RecordTotal(12);
  EXPECT_THAT(Reviews(), ElementsAre("deterioration 11", "deterioration 12"));
}

TEST_P(ReviewAlertsTest, ALateFormAndACorrectionMayBeginASignalAtAnotherScore) {
  RecordTotal(8);
  RecordTotal(13);
  EXPECT_THAT(Reviews(), IsEmpty());
  // The first form of all comes last.
  pb::Measurement first = RecordTotal(7, absl::Hours(24 * 60));
  EXPECT_THAT(Reviews(), ElementsAre("deterioration 13"));
  SetItem(1, 3, first);  // 9
  ASSERT_OK(Correct(first, {"answers"}));
  EXPECT_THAT(Reviews(), ElementsAre("deterioration 13"));
  SetItem(1, 0, first);  // 6
  first.clear_etag();
  ASSERT_OK(Correct(first, {"answers"}));
  EXPECT_THAT(Reviews(), ElementsAre("deterioration 13")) << "it had that alert";
}

TEST_P(ReviewAlertsTest, ThePolicySaysWhichSignalsAreAlerts) {
  SetPolicy([](OutcomePolicy& policy) { policy.no_review_alerts = true; });
  RecordTotal(5);
  RecordTotal(15);
  EXPECT_THAT(Reviews(), IsEmpty());
  SetPolicy([](OutcomePolicy& policy) { policy.no_review_alerts = false; });
  RecordTotal(15);
  EXPECT_THAT(Reviews(), ElementsAre("deterioration 15")) << "the one that held all the while";
}

TEST_P(ReviewAlertsTest, TryingAndOtherMeasuresRaiseNone) {
  RecordTotal(5);
  now_ += absl::Hours(24 * 7);
  auto request = Phq9({2, 2, 2, 2, 2, 2, 2, 2, 0});
  request.set_validate_only(true);
  ASSERT_OK(Record(request));
  EXPECT_THAT(Reviews(), IsEmpty());
  SetPolicy([](OutcomePolicy& policy) { policy.not_on_track.instrument_id = "k10"; });
  request.set_validate_only(false);
  ASSERT_OK(Record(request));
  EXPECT_THAT(Reviews(), IsEmpty());
}

}  // namespace
}  // namespace ipt::outcomes
