#include "outcomes/rpc/outcome_handler.h"

#include <algorithm>
#include <map>

#include "gmock/gmock.h"
#include "outcomes/domain/alerts.h"
#include "outcomes/domain/outcomes.h"
#include "tests/outcomes/rpc/handler_fixture.h"

namespace ipt::outcomes {
namespace {

using ipt::testing::FailsWith;
using ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kPhq9[] = "phq-9";
constexpr char kGad7[] = "gad-7";

// A weekly course from Monday, 5 January 2026, 10:00, in London.
class OutcomeHandlerTest : public HandlerTest {
 protected:
  OutcomeHandlerTest() {
    now_ = TimeOf(16, 1);
    directory_.answer.known = courses::CourseAnswer::Known::kVerified;
    directory_.answer.as_of = now_;
    courses::CopiedCourse& course = directory_.answer.course.emplace();
    course.clinic_id = "north";
    course.course_id = "k1";
    course.therapist_id = "ana";
    course.state = courses::CopiedCourseState::kActive;
    course.time_zone = "Europe/London";
    course.planned_sessions = 16;
    course.phases = {{1, 1, 3}, {2, 4, 13}, {3, 14, 16}};
  }

  courses::CopiedCourse& course() { return *directory_.answer.course; }

  // Sessions are on days 0, 7, 14, ..., numbered from 1.
  static absl::Time TimeOf(int session, int days_after = 0) {
    return absl::FromCivil(absl::CivilHour(2026, 1, 5 + 7 * (session - 1) + days_after, 10),
                           absl::UTCTimeZone());
  }
  // So many sessions were attended.
  void Attend(int sessions) {
    for (int number = 1; number <= sessions; ++number) {
      courses::CopiedSession& session = course().sessions.emplace_back();
      session.session_id = absl::StrCat("s", number);
      session.number = number;
      session.phase = number <= 3 ? 1 : number <= 13 ? 2 : 3;
      session.start = TimeOf(number);
      session.end = session.start + absl::Minutes(50);
      session.state = courses::CopiedSessionState::kAttended;
      session.uses_session = true;
    }
    course().start_day = absl::CivilDay(2026, 1, 5);
  }
  void Close(int session) {
    course().state = courses::CopiedCourseState::kCompleted;
    course().closed_at = TimeOf(session) + absl::Hours(1);
  }

  // `total` points of an instrument of items of 0 to 3; of PHQ-9 none of item 9.
  static pb::RecordMeasurementRequest Form(const std::string& instrument, int total,
                                           absl::Time completed) {
    std::vector<int> values(instrument == kPhq9 ? 9 : 7);
    for (size_t i = 0; i < values.size() && i < 8; ++i) {
      values[i] = std::min(3, total);
      total -= values[i];
    }
    EXPECT_EQ(total, 0);
    pb::RecordMeasurementRequest request = Phq9(values);
    request.mutable_measurement()->set_instrument("clinics/north/instruments/" + instrument);
    SetCompleted(completed, request);
    return request;
  }
  // Filled in half an hour before its session.
  pb::Measurement Fill(const std::string& instrument, int total, int session) {
    return Take(Form(instrument, total, TimeOf(session) - absl::Minutes(30)));
  }
  pb::Measurement Take(const pb::RecordMeasurementRequest& request) {
    const auto recorded = handler_.RecordMeasurement(WriteCall(request), request);
    EXPECT_THAT(recorded, ipt::testing::IsOk());
    return recorded.value_or(pb::Measurement());
  }
  void SetPolicy(const pb::OutcomePolicy& policy) {
    pb::UpdateOutcomePolicyRequest request;
    request.set_clinic("clinics/north");
    *request.mutable_policy() = policy;
    for (const char* path :
         {"scale_rules", "response_percent", "baseline_days", "last_score_days", "not_on_track"}) {
      request.mutable_update_mask()->add_paths(path);
    }
    ASSERT_OK(policies_.UpdateOutcomePolicy(WriteCall(request), request));
  }

  absl::StatusOr<pb::Trajectory> Seen(pb::GetTrajectoryRequest request = {},
                                      const std::string& clinic = "north") {
    request.set_course("clinics/" + clinic + "/courses/k1");
    return outcomes_.GetTrajectory(ReadCall(clinic), request);
  }
  absl::StatusOr<pb::CourseResult> Result(const std::string& clinic = "north") {
    pb::GetCourseResultRequest request;
    request.set_course("clinics/" + clinic + "/courses/k1");
    return outcomes_.GetCourseResult(ReadCall(clinic), request);
  }
  static std::vector<double> Counted(const pb::MeasureSeries& series) {
    std::vector<double> scores;
    for (const pb::SeriesPoint& point : series.points()) {
      if (point.exclusion() == pb::SERIES_EXCLUSION_UNSPECIFIED) {
        scores.push_back(point.score().rounded());
      }
    }
    return scores;
  }
  static std::vector<std::string> Rules(const pb::Trajectory& trajectory) {
    std::vector<std::string> rules;
    for (const pb::Signal& signal : trajectory.signals()) rules.push_back(signal.rule());
    return rules;
  }

  FixedDirectory directory_;
  MeasurementHandler handler_{store_, catalog_, ids_, &directory_};
  OutcomeHandler outcomes_{store_, catalog_, &directory_};
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(OutcomeHandlerTest);

TEST_P(OutcomeHandlerTest, ACourseIsReadAsItsFormsStandNow) {
  Attend(16);
  Close(16);
  const std::vector<int> phq = {20, 20, 19, 19, 18, 18, 17, 9, 8, 9, 8, 7, 6, 5, 4, 4};
  std::map<int, std::string> names;
  for (int session = 1; session <= 15; ++session) {
    if (session == 8) continue;  // its paper form lies in a drawer
    names[session] = Fill(kPhq9, phq[session - 1], session).name();
  }
  const pb::Measurement misread = Fill(kPhq9, 10, 16);
  names[16] = misread.name();
  const pb::Measurement of_another = Take(Form(kPhq9, 24, TimeOf(10, 2)));
  for (const auto& [session, total] : std::map<int, int>{{1, 12}, {5, 12}, {9, 9}, {16, 6}}) {
    Fill(kGad7, total, session);
  }

  ASSERT_OK_AND_ASSIGN(const pb::Trajectory before, Seen());
  ASSERT_EQ(before.series_size(), 2);
  EXPECT_THAT(Counted(before.series(0)),
              ElementsAre(20, 20, 19, 19, 18, 18, 17, 8, 9, 24, 8, 7, 6, 5, 4, 10));
  EXPECT_THAT(before.series(0).sudden_gains(), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const pb::CourseResult misread_result, Result());
  EXPECT_EQ(misread_result.recovery().recovered(), pb::VERDICT_NO);
  EXPECT_EQ(misread_result.recovery().reliable(), pb::RELIABLE_OUTCOME_IMPROVED);

  names[8] = Fill(kPhq9, 9, 8).name();  // months late
  pb::MarkMeasurementEnteredInErrorRequest wrong;
  wrong.set_name(of_another.name());
  wrong.set_reason(pb::ENTERED_IN_ERROR_REASON_WRONG_PATIENT);
  ASSERT_OK(handler_.MarkMeasurementEnteredInError(WriteCall(wrong), wrong));
  pb::CorrectMeasurementRequest correct;
  *correct.mutable_measurement() = Form(kPhq9, 4, TimeOf(16)).measurement();
  correct.mutable_measurement()->set_name(misread.name());
  correct.mutable_update_mask()->add_paths("answers");
  correct.set_reason("misread");
  ASSERT_OK(handler_.CorrectMeasurement(WriteCall(correct), correct));

  ASSERT_OK_AND_ASSIGN(const pb::Trajectory seen, Seen());
  EXPECT_EQ(seen.course(), "clinics/north/courses/k1");
  ASSERT_EQ(seen.series_size(), 2);
  const pb::MeasureSeries& series = seen.series(0);
  EXPECT_EQ(series.instrument(), "clinics/north/instruments/phq-9");
  EXPECT_EQ(series.scale(), "total");
  EXPECT_EQ(series.display_name(), "PHQ-9");
  EXPECT_EQ(series.respondent(), pb::RESPONDENT_SELF);
  EXPECT_EQ(series.direction(), pb::DIRECTION_HIGHER_IS_WORSE);
  EXPECT_EQ(series.maximum(), 27);
  EXPECT_EQ(series.bands_size(), 5);
  EXPECT_EQ(Counted(series), std::vector<double>(phq.begin(), phq.end()));
  EXPECT_EQ(series.points_size(), 16);
  const pb::SeriesPoint& late = series.points(7);
  EXPECT_EQ(late.measurement(), names[8]);
  EXPECT_EQ(late.session(), "clinics/north/courses/k1/sessions/s8");
  EXPECT_EQ(late.session_number(), 8);
  EXPECT_EQ(late.week_number(), 8);
  EXPECT_EQ(late.occasion(), pb::OCCASION_TREATMENT);
  EXPECT_EQ(late.local_date().month(), 2);
  EXPECT_EQ(late.local_date().day(), 23);
  EXPECT_EQ(late.improvement(), 11);
  EXPECT_EQ(late.improvement_from_previous(), 8);
  EXPECT_DOUBLE_EQ(late.fall_share(), 0.55);
  EXPECT_EQ(late.reliable(), pb::RELIABLE_VERDICT_IMPROVED);
  EXPECT_FALSE(series.points(0).has_improvement_from_previous());

  const pb::MeasureChange& change = series.change();
  EXPECT_EQ(change.first_measurement(), names[1]);
  EXPECT_EQ(change.first_choice(), pb::SCORE_CHOICE_FIRST_OF_COURSE);
  EXPECT_EQ(change.last_measurement(), names[16]);
  EXPECT_EQ(change.last_choice(), pb::SCORE_CHOICE_LAST_OF_COURSE);
  EXPECT_EQ(change.first(), 20);
  EXPECT_EQ(change.last(), 4);
  EXPECT_EQ(change.improvement(), 16);
  EXPECT_DOUBLE_EQ(change.fall_share(), 0.8);
  EXPECT_EQ(change.case_at_first(), pb::VERDICT_YES);
  EXPECT_EQ(change.case_at_last(), pb::VERDICT_NO);
  EXPECT_EQ(change.response(), pb::VERDICT_YES);
  EXPECT_EQ(change.remission(), pb::VERDICT_YES);
  EXPECT_EQ(change.reliable(), pb::RELIABLE_VERDICT_IMPROVED);
  EXPECT_EQ(change.significant(), pb::SIGNIFICANT_CHANGE_RECOVERED);
  EXPECT_EQ(change.cut_off().points(), 10);
  EXPECT_EQ(change.cut_off().kind(), pb::CUT_OFF_KIND_CASENESS);
  EXPECT_EQ(change.reliable_change().points(), 6);
  EXPECT_THAT(change.reliable_change().source().citation(), HasSubstr("NHS"));

  ASSERT_EQ(series.sudden_gains_size(), 1);
  EXPECT_EQ(series.sudden_gains(0).before_measurement(), names[7]);
  EXPECT_EQ(series.sudden_gains(0).after_measurement(), names[8]);
  EXPECT_EQ(series.sudden_gains(0).fall(), 8);
  EXPECT_EQ(series.sudden_gains(0).state(), pb::SUDDEN_GAIN_STATE_FOUND);

  // 18 of 20 on day 28, the fifth session; 9 at the eighth.
  ASSERT_THAT(Rules(seen), ElementsAre("slow-start"));
  const pb::Signal& signal = seen.signals(0);
  EXPECT_EQ(signal.level(), pb::SIGNAL_LEVEL_AMBER);
  EXPECT_EQ(signal.rule_version(), 0);
  EXPECT_EQ(signal.measurement(), names[5]);
  EXPECT_EQ(signal.baseline(), 20);
  EXPECT_EQ(signal.score(), 18);
  EXPECT_EQ(signal.expected(), 16);
  EXPECT_EQ(signal.raise_time().seconds(), absl::ToUnixSeconds(TimeOf(5)) - 1800);
  EXPECT_EQ(signal.end_time().seconds(), absl::ToUnixSeconds(TimeOf(8)) - 1800);
  EXPECT_THAT(signal.text(), StartsWith("PHQ-9: review: "));
  EXPECT_EQ(signal.source().evidence(), pb::EVIDENCE_TO_CONFIRM);

  EXPECT_EQ(seen.series(1).change().improvement(), 6);
  EXPECT_EQ(seen.series(1).change().remission(), pb::VERDICT_NOT_EVALUATED);
  EXPECT_THAT(seen.series(1).sudden_gains(), IsEmpty());
  ASSERT_EQ(seen.sessions_size(), 16);
  EXPECT_EQ(seen.sessions(3).session_number(), 4);
  EXPECT_EQ(seen.sessions(3).phase(), 2);
  EXPECT_TRUE(seen.sessions(3).attended());
  EXPECT_EQ(seen.start_date().day(), 5);
  EXPECT_TRUE(seen.scheduling().current());
  EXPECT_EQ(seen.scheduling().as_of_time().seconds(), absl::ToUnixSeconds(now_));
  EXPECT_THAT(seen.score_choice(), HasSubstr("up to 14 days after the last attended contact"));

  ASSERT_OK_AND_ASSIGN(const pb::CourseResult result, Result());
  EXPECT_EQ(result.state(), pb::RESULT_STATE_FINAL);
  EXPECT_TRUE(result.recovery().finished());
  EXPECT_EQ(result.recovery().no_outcome(), pb::NO_OUTCOME_UNSPECIFIED);
  EXPECT_EQ(result.recovery().case_at_start(), pb::VERDICT_YES);
  EXPECT_EQ(result.recovery().reliable(), pb::RELIABLE_OUTCOME_IMPROVED);
  EXPECT_EQ(result.recovery().recovered(), pb::VERDICT_YES);
  EXPECT_EQ(result.recovery().reliably_recovered(), pb::VERDICT_YES);
  EXPECT_EQ(result.recovery().anxiety_instrument(), "clinics/north/instruments/gad-7");
  ASSERT_EQ(result.measures_size(), 2);
  EXPECT_EQ(result.measures(0).scores(), 16);
  EXPECT_EQ(result.measures(0).change().SerializeAsString(), change.SerializeAsString());
  EXPECT_EQ(result.measures(1).scores(), 4);
  EXPECT_EQ(result.attended_sessions(), 16);
  EXPECT_EQ(result.planned_sessions(), 16);
  EXPECT_EQ(result.drop_out(), pb::VERDICT_NO);
  EXPECT_EQ(result.drop_out_definition(), pb::DROP_OUT_DEFINITION_ENDED_WITHOUT_AGREEMENT);
  EXPECT_EQ(result.closure().time().seconds(), absl::ToUnixSeconds(TimeOf(16)) + 3600);
  EXPECT_GT(result.revision(), misread_result.revision());
}

TEST_P(OutcomeHandlerTest, AnOpenCourseIsReadSoFar) {
  Attend(5);
  for (const int session : {1, 2, 3, 4}) Fill(kPhq9, 20, session);
  EXPECT_THAT(Rules(*Seen()), IsEmpty());  // day 21
  Fill(kPhq9, 17, 5);                      // day 28: 15 %
  ASSERT_OK_AND_ASSIGN(const pb::Trajectory seen, Seen());
  ASSERT_THAT(Rules(seen), ElementsAre("slow-start"));
  EXPECT_EQ(seen.signals(0).level(), pb::SIGNAL_LEVEL_AMBER);
  EXPECT_FALSE(seen.signals(0).has_end_time());
  EXPECT_EQ(seen.series(0).change().last_choice(), pb::SCORE_CHOICE_LATEST);
  EXPECT_THAT(seen.score_choice(), HasSubstr("so far: the course is open"));
  ASSERT_OK_AND_ASSIGN(const pb::CourseResult result, Result());
  EXPECT_EQ(result.state(), pb::RESULT_STATE_SO_FAR);
  EXPECT_FALSE(result.recovery().finished());
  EXPECT_EQ(result.recovery().no_outcome(), pb::NO_OUTCOME_NOT_FINISHED);
  EXPECT_EQ(result.recovery().case_at_start(), pb::VERDICT_YES);
  EXPECT_EQ(result.recovery().recovered(), pb::VERDICT_NOT_EVALUATED);
  EXPECT_EQ(result.drop_out(), pb::VERDICT_NOT_EVALUATED);
  EXPECT_FALSE(result.has_closure());
}

// As a report counts: who never started is a drop-out by the widest definition, and in no other
// rate.
TEST_P(OutcomeHandlerTest, ACourseThatNeverStartedIsInTheWidestRateOfDropOutsOnly) {
  Close(1);
  course().state = courses::CopiedCourseState::kDiscontinued;
  course().closure_reason = 1;
  course().drop_out = true;
  EXPECT_EQ(Result()->drop_out(), pb::VERDICT_NOT_EVALUATED);
  pb::UpdateOutcomePolicyRequest request;
  request.set_clinic("clinics/north");
  request.mutable_policy()->set_drop_out(pb::DROP_OUT_DEFINITION_ANY_NON_COMPLETION);
  request.mutable_update_mask()->add_paths("drop_out");
  ASSERT_OK(policies_.UpdateOutcomePolicy(WriteCall(request), request));
  EXPECT_EQ(Result()->drop_out(), pb::VERDICT_YES);
}

TEST_P(OutcomeHandlerTest, AReliableRiseIsToBeReviewedAtOnce) {
  Attend(2);
  Fill(kPhq9, 12, 1);
  Fill(kPhq9, 17, 2);
  EXPECT_THAT(Rules(*Seen()), IsEmpty());
  const pb::Measurement worse = Take(Form(kPhq9, 18, TimeOf(2, 3)));
  ASSERT_OK_AND_ASSIGN(const pb::Trajectory seen, Seen());
  ASSERT_THAT(Rules(seen), ElementsAre("deterioration"));
  EXPECT_EQ(seen.signals(0).level(), pb::SIGNAL_LEVEL_RED);
  EXPECT_EQ(seen.signals(0).measurement(), worse.name());
}

TEST_P(OutcomeHandlerTest, ASignalNamesTheAlertThatIsAboutIt) {
  Attend(6);
  Fill(kPhq9, 12, 1);
  Fill(kPhq9, 18, 2);
  ASSERT_OK_AND_ASSIGN(pb::Trajectory seen, Seen());
  ASSERT_THAT(Rules(seen), ElementsAre("deterioration"));
  ASSERT_EQ(seen.alerts_size(), 1);
  const std::string first = seen.alerts(0).alert();
  EXPECT_EQ(seen.signals(0).alert(), first);
  // It ends and begins anew while nobody has seen to the alert, which is about both.
  Fill(kPhq9, 12, 3);
  Fill(kPhq9, 19, 4);
  ASSERT_OK_AND_ASSIGN(seen, Seen());
  ASSERT_THAT(Rules(seen), ElementsAre("deterioration", "deterioration"));
  ASSERT_EQ(seen.alerts_size(), 1);
  EXPECT_EQ(seen.signals(0).alert(), first);
  EXPECT_EQ(seen.signals(1).alert(), first);
  // Once it is resolved, what begins anew has one of its own.
  ASSERT_OK(store_.Write(absl::InfiniteFuture(), [&](OutcomesTx& tx) {
    return Resolve(tx.alerts(), {"north", "k1", first.substr(first.rfind('/') + 1)},
                   ResolutionOutcome::kReviewed, "ana", "seen", now_)
        .status();
  }));
  ASSERT_OK_AND_ASSIGN(seen, Seen());
  EXPECT_EQ(seen.signals(0).alert(), "");
  EXPECT_EQ(seen.signals(1).alert(), first);
  Fill(kPhq9, 12, 5);
  Fill(kPhq9, 20, 6);
  ASSERT_OK_AND_ASSIGN(seen, Seen());
  ASSERT_THAT(Rules(seen),
              ElementsAre("deterioration", "slow-start", "deterioration", "deterioration"));
  ASSERT_EQ(seen.alerts_size(), 2);
  EXPECT_EQ(seen.signals(0).alert(), seen.alerts(1).alert());
  EXPECT_EQ(seen.signals(1).alert(), "") << "amber: alerts are made of red ones alone";
}

TEST_P(OutcomeHandlerTest, ASignalOfWhichThePolicyMakesNoAlertNamesNone) {
  pb::UpdateOutcomePolicyRequest request;
  request.set_clinic("clinics/north");
  request.mutable_policy()->set_no_review_alerts(true);
  request.mutable_update_mask()->add_paths("no_review_alerts");
  ASSERT_OK(policies_.UpdateOutcomePolicy(WriteCall(request), request));
  Attend(2);
  Fill(kPhq9, 12, 1);
  Fill(kPhq9, 18, 2);
  ASSERT_OK_AND_ASSIGN(const pb::Trajectory seen, Seen());
  ASSERT_THAT(Rules(seen), ElementsAre("deterioration"));
  EXPECT_EQ(seen.signals(0).alert(), "");
}

TEST_P(OutcomeHandlerTest, ASingleScoreIsNoOutcome) {
  Attend(2);
  Close(2);
  Fill(kPhq9, 20, 1);
  ASSERT_OK_AND_ASSIGN(const pb::CourseResult of_one_measure, Result());
  EXPECT_TRUE(of_one_measure.recovery().finished());
  EXPECT_EQ(of_one_measure.recovery().no_outcome(), pb::NO_OUTCOME_NO_SCORE);
  EXPECT_EQ(of_one_measure.recovery().case_at_start(), pb::VERDICT_YES);
  Fill(kGad7, 3, 1);
  Fill(kGad7, 3, 2);
  ASSERT_OK_AND_ASSIGN(const pb::CourseResult result, Result());
  EXPECT_EQ(result.recovery().no_outcome(), pb::NO_OUTCOME_SINGLE_SCORE);
  EXPECT_EQ(result.recovery().reliable(), pb::RELIABLE_OUTCOME_UNSPECIFIED);
  EXPECT_EQ(result.recovery().recovered(), pb::VERDICT_NOT_EVALUATED);
  const pb::MeasureChange& change = result.measures(0).change();
  EXPECT_EQ(change.first(), 20);
  EXPECT_FALSE(change.has_last());
  EXPECT_EQ(change.last_measurement(), "");
  EXPECT_EQ(change.last_choice(), pb::SCORE_CHOICE_UNSPECIFIED);
  EXPECT_FALSE(change.has_improvement());
  EXPECT_EQ(change.case_at_first(), pb::VERDICT_YES);
  EXPECT_EQ(change.response(), pb::VERDICT_NOT_EVALUATED);
  EXPECT_EQ(change.reliable(), pb::RELIABLE_VERDICT_NOT_EVALUATED);
}

TEST_P(OutcomeHandlerTest, OneAttendedSessionIsNoFinishedCourse) {
  Attend(2);
  Close(2);
  course().sessions[1].state = courses::CopiedSessionState::kNoShow;
  course().state = courses::CopiedCourseState::kDiscontinued;
  course().closure_reason = 1;
  course().drop_out = true;
  for (const int session : {1, 2}) {
    Fill(kPhq9, 20, session);
    Fill(kGad7, 10, session);
  }
  ASSERT_OK_AND_ASSIGN(const pb::CourseResult result, Result());
  EXPECT_EQ(result.attended_sessions(), 1);
  EXPECT_EQ(result.state(), pb::RESULT_STATE_FINAL);
  EXPECT_EQ(result.recovery().no_outcome(), pb::NO_OUTCOME_NOT_FINISHED);
  EXPECT_EQ(result.drop_out(), pb::VERDICT_YES);
  EXPECT_TRUE(Seen()->sessions(1).no_show());
  // Opened by mistake, it counts nowhere.
  course().closure_reason = courses::kClosedEnteredInError;
  ASSERT_OK_AND_ASSIGN(const pb::CourseResult nothing, Result());
  EXPECT_EQ(nothing.state(), pb::RESULT_STATE_VOID);
  EXPECT_EQ(nothing.drop_out(), pb::VERDICT_NOT_EVALUATED);
}

TEST_P(OutcomeHandlerTest, ScoresFromBeforeAndAfterTheCourseAreNotItsOwn) {
  Attend(3);
  Close(3);
  const pb::Measurement referral = Take(Form(kPhq9, 24, TimeOf(1, -10)));
  const pb::Measurement first = Fill(kPhq9, 20, 1);
  const pb::Measurement last = Take(Form(kPhq9, 9, TimeOf(3, 5)));
  const pb::Measurement follow_up = Take(Form(kPhq9, 4, TimeOf(3, 91)));
  ASSERT_OK_AND_ASSIGN(const pb::Trajectory seen, Seen());
  const pb::MeasureSeries& series = seen.series(0);
  ASSERT_EQ(series.points_size(), 4);
  EXPECT_EQ(series.points(0).exclusion(), pb::SERIES_EXCLUSION_BEFORE_COURSE);
  EXPECT_EQ(series.points(0).occasion(), pb::OCCASION_BEFORE_TREATMENT);
  EXPECT_FALSE(series.points(0).has_improvement());
  EXPECT_EQ(series.points(2).occasion(), pb::OCCASION_TREATMENT);
  EXPECT_EQ(series.points(3).occasion(), pb::OCCASION_FOLLOW_UP);
  EXPECT_EQ(series.points(3).improvement(), 16);
  EXPECT_EQ(series.change().first_measurement(), first.name());
  EXPECT_EQ(series.change().last_measurement(), last.name());

  ASSERT_OK_AND_ASSIGN(const pb::CourseResult result, Result());
  EXPECT_EQ(result.measures(0).scores(), 2);
  ASSERT_EQ(result.follow_ups_size(), 1);
  const pb::FollowUpResult& after = result.follow_ups(0);
  EXPECT_EQ(after.months(), 3);
  EXPECT_EQ(after.measurement(), follow_up.name());
  EXPECT_EQ(after.from_first().first_measurement(), first.name());
  EXPECT_EQ(after.from_first().improvement(), 16);
  EXPECT_EQ(after.from_first().last_choice(), pb::SCORE_CHOICE_FOLLOW_UP);
  EXPECT_EQ(after.from_last().first_measurement(), last.name());
  EXPECT_EQ(after.from_last().improvement(), 5);
  EXPECT_EQ(after.from_last().reliable(), pb::RELIABLE_VERDICT_UNCHANGED);

  pb::OutcomePolicy policy;
  policy.set_baseline_days(10);
  policy.set_last_score_days(4);
  SetPolicy(policy);
  ASSERT_OK_AND_ASSIGN(const pb::Trajectory wider, Seen());
  EXPECT_EQ(wider.policy_version(), 1);
  EXPECT_EQ(wider.series(0).change().first_measurement(), referral.name());
  EXPECT_EQ(wider.series(0).change().last_measurement(), first.name());
  EXPECT_THAT(wider.score_choice(), HasSubstr("10 days before the first attended contact"));
}

TEST_P(OutcomeHandlerTest, ThePolicySaysByWhichRules) {
  Attend(6);
  Close(6);
  for (const int session : {1, 5, 6}) Fill(kPhq9, session == 1 ? 20 : 18, session);
  Fill(kGad7, 9, 1);
  Fill(kGad7, 5, 6);
  ASSERT_OK_AND_ASSIGN(const pb::Trajectory by_default, Seen());
  EXPECT_THAT(Rules(by_default), ElementsAre("slow-start"));
  EXPECT_EQ(by_default.series(1).change().case_at_first(), pb::VERDICT_YES);
  EXPECT_EQ(by_default.series(1).change().reliable(), pb::RELIABLE_VERDICT_IMPROVED);
  EXPECT_EQ(by_default.series(1).change().response(), pb::VERDICT_NO);

  pb::OutcomePolicy policy;
  pb::ScaleRules* rules = policy.add_scale_rules();
  rules->set_instrument("clinics/north/instruments/gad-7");
  rules->set_cut_off_rule_set("spitzer-2006");
  rules->set_reliable_change_rule_set("delgadillo");
  policy.set_response_percent(40);
  policy.mutable_not_on_track()->add_disabled_rules("slow-start");
  SetPolicy(policy);
  ASSERT_OK_AND_ASSIGN(const pb::Trajectory by_policy, Seen());
  EXPECT_THAT(Rules(by_policy), IsEmpty());
  const pb::MeasureChange& change = by_policy.series(1).change();
  EXPECT_EQ(change.case_at_first(), pb::VERDICT_NO);
  EXPECT_EQ(change.cut_off().points(), 10);
  EXPECT_EQ(change.cut_off().rule_set(), "spitzer-2006");
  EXPECT_EQ(change.reliable(), pb::RELIABLE_VERDICT_UNCHANGED);
  EXPECT_EQ(change.reliable_change().points(), 5);
  EXPECT_EQ(change.response(), pb::VERDICT_YES);

  policy.mutable_not_on_track()->clear_disabled_rules();
  policy.mutable_not_on_track()->set_slow_start_days(35);
  SetPolicy(policy);
  ASSERT_OK_AND_ASSIGN(const pb::Trajectory later, Seen());
  ASSERT_THAT(Rules(later), ElementsAre("slow-start"));
  EXPECT_EQ(later.signals(0).rule_version(), 2);
  EXPECT_EQ(later.signals(0).raise_time().seconds(), absl::ToUnixSeconds(TimeOf(6)) - 1800);
}

TEST_P(OutcomeHandlerTest, SaysWhatItKnowsOfTheCourse) {
  Attend(6);
  Fill(kPhq9, 20, 1);
  Fill(kPhq9, 8, 6);
  directory_.answer.known = courses::CourseAnswer::Known::kNotVerified;
  directory_.answer.as_of = now_ - absl::Hours(2);
  ASSERT_OK_AND_ASSIGN(const pb::Trajectory stale, Seen());
  EXPECT_FALSE(stale.scheduling().current());
  EXPECT_EQ(stale.scheduling().as_of_time().seconds(), absl::ToUnixSeconds(now_) - 7200);
  EXPECT_EQ(stale.series(0).change().improvement(), 12);

  directory_.answer = courses::CourseAnswer();
  ASSERT_OK_AND_ASSIGN(const pb::Trajectory by_dates, Seen());
  EXPECT_FALSE(by_dates.scheduling().current());
  EXPECT_FALSE(by_dates.scheduling().has_as_of_time());
  EXPECT_EQ(by_dates.sessions_size(), 0);
  EXPECT_FALSE(by_dates.has_start_date());
  EXPECT_THAT(by_dates.score_choice(), StartsWith("By dates alone"));
  EXPECT_THAT(Counted(by_dates.series(0)), ElementsAre(20, 8));
  EXPECT_EQ(by_dates.series(0).change().improvement(), 12);
  ASSERT_OK_AND_ASSIGN(const pb::CourseResult unverified, Result());
  EXPECT_EQ(unverified.state(), pb::RESULT_STATE_UNSPECIFIED);
  EXPECT_EQ(unverified.recovery().no_outcome(), pb::NO_OUTCOME_UNVERIFIED);

  directory_.answer.known = courses::CourseAnswer::Known::kAbsent;
  ASSERT_OK_AND_ASSIGN(const pb::Trajectory absent, Seen());
  EXPECT_EQ(absent.series(0).points(0).exclusion(), pb::SERIES_EXCLUSION_BINDING_PROBLEM);
  EXPECT_FALSE(absent.series(0).change().has_first());
}

TEST_P(OutcomeHandlerTest, AnotherClinicSeesNothing) {
  Attend(2);
  Fill(kPhq9, 20, 1);
  directory_.answer = courses::CourseAnswer();
  EXPECT_THAT(Seen({}, "south"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Result("south"), StatusIs(absl::StatusCode::kNotFound));
  directory_.answer.known = courses::CourseAnswer::Known::kAbsent;
  EXPECT_THAT(Seen({}, "south"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_OK(Seen());
}

TEST_P(OutcomeHandlerTest, ACourseWithoutScoresIsEmpty) {
  Attend(2);
  ASSERT_OK_AND_ASSIGN(const pb::Trajectory seen, Seen());
  EXPECT_EQ(seen.series_size(), 0);
  EXPECT_EQ(seen.sessions_size(), 2);
  Close(2);
  EXPECT_EQ(Result()->recovery().no_outcome(), pb::NO_OUTCOME_NO_SCORE);
}

TEST_P(OutcomeHandlerTest, TellsWhatDoesNotCountAndWhy) {
  Attend(3);
  auto half = Form(kPhq9, 9, TimeOf(1) - absl::Minutes(30));
  half.mutable_measurement()->mutable_answers()->mutable_answers()->DeleteSubrange(3, 5);
  Take(half);
  Fill(kPhq9, 20, 2);
  Take(Form(kPhq9, 19, TimeOf(2) + absl::Minutes(90)));  // within the policy's hours
  // An item that does not apply: of another range than the rest.
  pb::RecordMeasurementRequest wsas = Form(kGad7, 0, TimeOf(3));
  wsas.mutable_measurement()->set_instrument("clinics/north/instruments/wsas");
  wsas.mutable_measurement()->clear_answers();
  for (int item = 1; item <= 5; ++item) {
    pb::Answer& answer = *wsas.mutable_measurement()->mutable_answers()->add_answers();
    answer.set_item(absl::StrCat("q", item));
    if (item == 1) {
      answer.set_none(pb::NO_ANSWER_NOT_APPLICABLE);
    } else {
      answer.set_value(4);
    }
  }
  Take(wsas);
  ASSERT_OK_AND_ASSIGN(const pb::Trajectory seen, Seen());
  ASSERT_EQ(seen.series_size(), 2);
  const pb::MeasureSeries& series = seen.series(0);
  ASSERT_EQ(series.points_size(), 3);
  EXPECT_EQ(series.points(0).exclusion(), pb::SERIES_EXCLUSION_INVALID);
  EXPECT_EQ(series.points(1).exclusion(), pb::SERIES_EXCLUSION_SUPERSEDED);
  EXPECT_THAT(Counted(series), ElementsAre(19));
  EXPECT_EQ(seen.series(1).points(0).exclusion(), pb::SERIES_EXCLUSION_OTHER_RANGE);
}

TEST_P(OutcomeHandlerTest, RespondentsAreNeverMixed) {
  Attend(2);
  auto read = Form(kPhq9, 15, TimeOf(1) - absl::Minutes(30));
  read.mutable_measurement()->set_respondent(pb::RESPONDENT_CLINICIAN_READ);
  Take(read);
  Fill(kPhq9, 12, 2);
  Fill(kGad7, 9, 2);
  ASSERT_OK_AND_ASSIGN(const pb::Trajectory seen, Seen());
  ASSERT_EQ(seen.series_size(), 3);
  EXPECT_THAT(Counted(seen.series(0)), ElementsAre(12));
  EXPECT_EQ(seen.series(0).respondent(), pb::RESPONDENT_SELF);
  EXPECT_THAT(Counted(seen.series(1)), ElementsAre(15));
  EXPECT_EQ(seen.series(1).respondent(), pb::RESPONDENT_CLINICIAN_READ);

  pb::GetTrajectoryRequest only;
  only.add_instruments("clinics/north/instruments/gad-7");
  ASSERT_OK_AND_ASSIGN(const pb::Trajectory anxiety, Seen(only));
  ASSERT_EQ(anxiety.series_size(), 1);
  EXPECT_THAT(anxiety.series(0).instrument(), EndsWith("gad-7"));
}

TEST_P(OutcomeHandlerTest, ShowsTheCoursesAlerts) {
  Attend(1);
  auto risk = Phq9({0, 0, 0, 0, 0, 0, 0, 0, 2});
  SetCompleted(TimeOf(1), risk);
  const pb::Measurement recorded = Take(risk);
  ASSERT_OK_AND_ASSIGN(const pb::Trajectory seen, Seen());
  ASSERT_EQ(seen.alerts_size(), 1);
  EXPECT_EQ(seen.alerts(0).alert(), recorded.risks(0).alert());
  EXPECT_EQ(seen.alerts(0).kind(), pb::ALERT_KIND_RISK_ITEM);
  EXPECT_EQ(seen.alerts(0).state(), pb::ALERT_STATE_OPEN);
  EXPECT_EQ(seen.alerts(0).complete_time().seconds(), absl::ToUnixSeconds(TimeOf(1)));
}

TEST_P(OutcomeHandlerTest, AReadAsksForNoRevisionThatThereIsNot) {
  Attend(1);
  const pb::Measurement recorded = Fill(kPhq9, 20, 1);
  pb::GetTrajectoryRequest request;
  request.set_min_revision(recorded.revision());
  ASSERT_OK_AND_ASSIGN(const pb::Trajectory seen, Seen(request));
  EXPECT_GE(seen.revision(), recorded.revision());
  request.set_min_revision(recorded.revision() + 1'000'000);
  EXPECT_THAT(Seen(request),
              FailsWith(absl::StatusCode::kFailedPrecondition, "REVISION_NOT_REACHED"));
}

}  // namespace
}  // namespace ipt::outcomes
