#include "outcomes/rpc/measurement_plan_handler.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "course_copies/storage/sql_course_copies.h"
#include "gmock/gmock.h"
#include "outcomes/rpc/outcome_handler.h"
#include "tests/outcomes/rpc/handler_fixture.h"

namespace ipt::outcomes {
namespace {

using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kDepression[] = "clinics/north/measurementPlans/depression";

// What the copy says of a clinic's courses.
class FixedLister final : public courses::CourseLister {
 public:
  absl::StatusOr<courses::ListedCourses> ListCourses(absl::string_view,
                                                     const courses::CourseListing& wanted,
                                                     absl::Time, absl::Time) override {
    ++asked;
    courses::ListedCourses answer = listed;
    if (!wanted.therapist_id.empty()) {
      answer.courses.clear();
      for (const courses::CopiedCourse& course : listed.courses) {
        if (course.therapist_id == wanted.therapist_id) answer.courses.push_back(course);
      }
    }
    return answer;
  }
  courses::ListedCourses listed;
  int asked = 0;
};

// Weekly courses of depression from Monday, 5 January 2026, 10:00, in London.
class MeasurementPlanHandlerTest : public HandlerTest {
 protected:
  MeasurementPlanHandlerTest() {
    now_ = TimeOf(0);
    directory_.answer.known = courses::CourseAnswer::Known::kVerified;
    directory_.answer.as_of = now_;
    directory_.answer.course = Course("k1", 0, 4);
    lister_.listed.age.as_of = now_;
    lister_.listed.age.current = true;
  }

  static absl::Time TimeOf(int day) {
    return absl::FromCivil(absl::CivilHour(2026, 1, 5 + day, 10), absl::UTCTimeZone());
  }
  static google::type::Date Date(int day) {
    const absl::CivilDay of = absl::CivilDay(2026, 1, 5) + day;
    google::type::Date date;
    date.set_year(static_cast<int>(of.year()));
    date.set_month(of.month());
    date.set_day(of.day());
    return date;
  }
  static int DayOf(const google::type::Date& date) {
    return static_cast<int>(absl::CivilDay(date.year(), date.month(), date.day()) -
                            absl::CivilDay(2026, 1, 5));
  }
  static courses::CopiedCourse Course(const std::string& id, int attended, int booked) {
    courses::CopiedCourse course;
    course.clinic_id = "north";
    course.course_id = id;
    course.therapist_id = "ana";
    course.indication = 1;
    course.state = courses::CopiedCourseState::kActive;
    course.time_zone = "Europe/London";
    course.planned_sessions = 16;
    course.duration_weeks = 16;
    course.phases = {{1, 1, 3}, {2, 4, 13}, {3, 14, 16}};
    if (attended > 0) course.start_day = absl::CivilDay(2026, 1, 5);
    for (int number = 1; number <= attended + booked; ++number) {
      courses::CopiedSession& session = course.sessions.emplace_back();
      session.session_id = absl::StrCat("s", number);
      session.number = number;
      session.week = number;
      session.start = TimeOf(7 * (number - 1));
      session.end = session.start + absl::Minutes(50);
      session.state = number <= attended ? courses::CopiedSessionState::kAttended
                                         : courses::CopiedSessionState::kBooked;
      session.uses_session = true;
    }
    return course;
  }

  static void AddRule(const std::string& id, pb::PlanTiming timing, pb::MeasurementPlan& plan,
                      const std::string& instrument = "phq-9") {
    pb::MeasurementRule& rule = *plan.add_rules();
    rule.set_id(id);
    rule.set_instrument("clinics/north/instruments/" + instrument);
    rule.set_timing(timing);
  }
  static pb::MeasurementPlan EverySession() {
    pb::MeasurementPlan plan;
    plan.set_display_name("Depression");
    plan.add_indications(scheduling::v1::INDICATION_DEPRESSION);
    AddRule("each", pb::PLAN_TIMING_EVERY_SESSION, plan);
    return plan;
  }
  absl::StatusOr<pb::MeasurementPlan> Create(const pb::MeasurementPlan& plan,
                                             const std::string& id = "depression",
                                             bool validate_only = false) {
    pb::CreateMeasurementPlanRequest request;
    request.set_parent("clinics/north");
    request.set_measurement_plan_id(id);
    *request.mutable_measurement_plan() = plan;
    request.set_validate_only(validate_only);
    return plans_.CreateMeasurementPlan(WriteCall(request), request);
  }
  absl::StatusOr<pb::MeasurementPlan> GetPlan(const std::string& name = kDepression,
                                              const std::string& clinic = "north") {
    pb::GetMeasurementPlanRequest request;
    request.set_name(name);
    return plans_.GetMeasurementPlan(ReadCall(clinic), request);
  }
  absl::StatusOr<pb::MeasurementPlan> Update(const pb::MeasurementPlan& plan,
                                             const std::vector<std::string>& paths = {}) {
    pb::UpdateMeasurementPlanRequest request;
    *request.mutable_measurement_plan() = plan;
    for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
    return plans_.UpdateMeasurementPlan(WriteCall(request), request);
  }
  absl::StatusOr<pb::DeleteMeasurementPlanResponse> Delete(const std::string& name,
                                                           const std::string& etag = "") {
    pb::DeleteMeasurementPlanRequest request;
    request.set_name(name);
    request.set_etag(etag);
    return plans_.DeleteMeasurementPlan(WriteCall(request), request);
  }
  absl::StatusOr<pb::CourseMeasurementPlan> CoursePlan() {
    pb::GetCourseMeasurementPlanRequest request;
    request.set_course("clinics/north/courses/k1");
    return plans_.GetCourseMeasurementPlan(ReadCall(), request);
  }
  absl::StatusOr<pb::CourseMeasurementPlan> SetCourse(const pb::CourseMeasurementPlan& plan,
                                                      const std::vector<std::string>& paths = {}) {
    pb::UpdateCourseMeasurementPlanRequest request;
    request.set_course("clinics/north/courses/k1");
    *request.mutable_measurement_plan() = plan;
    for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
    return plans_.UpdateCourseMeasurementPlan(WriteCall(request), request);
  }
  absl::StatusOr<pb::CourseMeasurementPlan> ResetCourse() {
    pb::ResetCourseMeasurementPlanRequest request;
    request.set_course("clinics/north/courses/k1");
    return plans_.ResetCourseMeasurementPlan(WriteCall(request), request);
  }
  absl::StatusOr<pb::ListDueMeasurementsResponse> Due(pb::ListDueMeasurementsRequest request = {}) {
    if (request.parent().empty()) request.set_parent("clinics/north/courses/k1");
    return plans_.ListDueMeasurements(ReadCall(), request);
  }
  // "each 7 DUE", in order.
  std::vector<std::string> Shown(pb::ListDueMeasurementsRequest request = {}) {
    std::vector<std::string> shown;
    const auto response = Due(std::move(request));
    EXPECT_THAT(response, ipt::testing::IsOk());
    if (!response.ok()) return shown;
    for (const pb::DueMeasurement& due : response->due_measurements()) {
      shown.push_back(absl::StrCat(due.rule(), " ", DayOf(due.due_date()), " ",
                                   pb::DueState_Name(due.state()).substr(10)));
    }
    return shown;
  }
  static pb::ListDueMeasurementsRequest AllStates() {
    pb::ListDueMeasurementsRequest request;
    for (int state = 1; state <= 5; ++state) request.add_states(static_cast<pb::DueState>(state));
    return request;
  }
  // Another course of the clinic's, as the copy has it.
  void PutCopy(const courses::CopiedCourse& course) {
    EXPECT_OK(db_->Write({}, [&](storage::Connection& conn) {
      return courses::SqlCourseCopies::PutCourse(conn, course, {.at = now_}).status();
    }));
  }
  pb::Measurement Take(int day, int points = 1, const std::string& course = "k1") {
    auto request = Phq9({points, 1, 1, 1, 1, 1, 1, 1, 0}, course);
    SetCompleted(TimeOf(day) - absl::Minutes(30), request);
    const auto recorded = recorder_.RecordMeasurement(WriteCall(request), request);
    EXPECT_THAT(recorded, ipt::testing::IsOk());
    return recorded.value_or(pb::Measurement());
  }

  FixedDirectory directory_;
  FixedLister lister_;
  MeasurementHandler recorder_{store_, catalog_, ids_, &directory_};
  MeasurementPlanHandler plans_{store_, catalog_, ids_, directory_, lister_};
  OutcomeHandler outcomes_{store_, catalog_, &directory_};
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(MeasurementPlanHandlerTest);

// ---- A clinic's plans

TEST_P(MeasurementPlanHandlerTest, APlanIsKeptAsItIsStated) {
  pb::MeasurementPlan plan = EverySession();
  AddRule("later", pb::PLAN_TIMING_FOLLOW_UP, plan, "gad-7");
  pb::MeasurementRule& rule = *plan.mutable_rules(1);
  rule.add_months(6);
  rule.add_months(3);
  rule.set_respondent(pb::RESPONDENT_SELF);
  rule.set_open_days_before(0);
  rule.set_grace_days(62);
  rule.set_catch_up(pb::CATCH_UP_ALWAYS);
  rule.set_voluntary(true);
  ASSERT_OK_AND_ASSIGN(const pb::MeasurementPlan created, Create(plan));
  EXPECT_EQ(created.name(), kDepression);
  EXPECT_NE(created.etag(), "");
  EXPECT_EQ(created.rules(1).SerializeAsString(), rule.SerializeAsString());
  EXPECT_EQ(created.indications(0), scheduling::v1::INDICATION_DEPRESSION);
  EXPECT_EQ(GetPlan()->SerializeAsString(), created.SerializeAsString());
  EXPECT_THAT(NewEvents(), ElementsAre("PLAN_CHANGED"));
  EXPECT_THAT(GetPlan("clinics/south/measurementPlans/depression", "south"),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Create(pb::MeasurementPlan(plan), "Bad Id"), HasBadFields("measurement_plan_id"));
}

TEST_P(MeasurementPlanHandlerTest, AnIdAndAnIndicationAreTakenOnce) {
  ASSERT_OK(Create(EverySession()));
  const auto taken = Create(EverySession(), "other");
  EXPECT_THAT(taken, FailsWith(absl::StatusCode::kFailedPrecondition, "INDICATION_TAKEN"));
  EXPECT_EQ(ErrorMetadataOf(taken.status())["plan"], kDepression);
  EXPECT_EQ(ErrorMetadataOf(taken.status())["indication"], "INDICATION_DEPRESSION");
  pb::MeasurementPlan for_all = EverySession();
  for_all.clear_indications();
  EXPECT_THAT(Create(for_all), FailsWith(absl::StatusCode::kAlreadyExists, "RESOURCE_EXISTS"));
  ASSERT_OK(Create(for_all, "all"));
  EXPECT_THAT(Create(for_all, "all-too"),
              FailsWith(absl::StatusCode::kFailedPrecondition, "INDICATION_TAKEN"));
  // Nor can one be taken by a change.
  pb::MeasurementPlan change = for_all;
  change.set_name("clinics/north/measurementPlans/all");
  change.add_indications(scheduling::v1::INDICATION_DEPRESSION);
  EXPECT_THAT(Update(change), FailsWith(absl::StatusCode::kFailedPrecondition, "INDICATION_TAKEN"));
  EXPECT_EQ(Count("measurement_plans"), 2);
}

TEST_P(MeasurementPlanHandlerTest, NamesAllThatIsWrongAndWritesNothing) {
  pb::MeasurementPlan plan = EverySession();
  plan.clear_display_name();
  AddRule("each", pb::PLAN_TIMING_EVERY_WEEKS, plan, "no-such");
  EXPECT_THAT(
      Create(plan),
      HasBadFields("measurement_plan.display_name", "measurement_plan.rules[1].id",
                   "measurement_plan.rules[1].instrument", "measurement_plan.rules[1].weeks"));
  EXPECT_EQ(Count("measurement_plans"), 0);
  pb::RetireInstrumentRequest retire;
  retire.set_name("clinics/north/instruments/phq-9");
  ASSERT_OK(instruments_.RetireInstrument(WriteCall(retire), retire));
  EXPECT_THAT(Create(EverySession()), HasBadFields("measurement_plan.rules[0].instrument"));
}

TEST_P(MeasurementPlanHandlerTest, RetriesAndTriesChangeNothing) {
  ASSERT_OK_AND_ASSIGN(const pb::MeasurementPlan tried, Create(EverySession(), "", true));
  EXPECT_EQ(tried.etag(), "");
  EXPECT_EQ(Count("measurement_plans"), 0);
  EXPECT_THAT(NewEvents(), IsEmpty());
  pb::CreateMeasurementPlanRequest request;
  request.set_parent("clinics/north");
  *request.mutable_measurement_plan() = EverySession();
  const CallContext ctx = WriteCall(request);
  ASSERT_OK_AND_ASSIGN(const pb::MeasurementPlan first, plans_.CreateMeasurementPlan(ctx, request));
  ASSERT_OK_AND_ASSIGN(const pb::MeasurementPlan again, plans_.CreateMeasurementPlan(ctx, request));
  EXPECT_EQ(first.SerializeAsString(), again.SerializeAsString());
  EXPECT_EQ(Count("measurement_plans"), 1);
}

TEST_P(MeasurementPlanHandlerTest, IsChangedByFieldsAndGuardedByItsEtag) {
  ASSERT_OK_AND_ASSIGN(const pb::MeasurementPlan created, Create(EverySession()));
  pb::MeasurementPlan change;
  change.set_name(kDepression);
  change.set_display_name("All of it");
  change.set_etag(created.etag());
  ASSERT_OK_AND_ASSIGN(const pb::MeasurementPlan changed, Update(change, {"display_name"}));
  EXPECT_EQ(changed.display_name(), "All of it");
  EXPECT_THAT(changed.rules(), SizeIs(1));
  EXPECT_GT(changed.revision(), created.revision());
  EXPECT_EQ(changed.create_time().seconds(), created.create_time().seconds());
  EXPECT_THAT(Update(change), FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  change.clear_etag();
  EXPECT_THAT(Update(change, {"name"}), HasBadFields("update_mask.paths[0]"));
  EXPECT_THAT(Update(pb::MeasurementPlan()), HasBadFields("measurement_plan.name"));
  change.set_name("clinics/north/measurementPlans/no-such");
  EXPECT_THAT(Update(change), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(NewEvents(), ElementsAre("PLAN_CHANGED", "PLAN_CHANGED"));
}

TEST_P(MeasurementPlanHandlerTest, IsTakenAwayOnce) {
  ASSERT_OK_AND_ASSIGN(const pb::MeasurementPlan created, Create(EverySession()));
  EXPECT_THAT(Delete(kDepression, "\"1000000\""),
              FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  ASSERT_OK_AND_ASSIGN(const auto deleted, Delete(kDepression, created.etag()));
  EXPECT_GT(deleted.revision(), created.revision());
  EXPECT_THAT(GetPlan(), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Delete(kDepression), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(NewEvents(), ElementsAre("PLAN_CHANGED", "PLAN_DELETED"));
}

TEST_P(MeasurementPlanHandlerTest, AClinicsPlansAreListedInPages) {
  for (int indication = 1; indication <= 5; ++indication) {
    pb::MeasurementPlan plan = EverySession();
    plan.set_indications(0, static_cast<scheduling::v1::Indication>(indication));
    ASSERT_OK(Create(plan, absl::StrCat("p", 6 - indication)));
  }
  pb::ListMeasurementPlansRequest request;
  request.set_parent("clinics/north");
  request.set_page_size(2);
  std::vector<std::string> names;
  do {
    ASSERT_OK_AND_ASSIGN(const auto page, plans_.ListMeasurementPlans(ReadCall(), request));
    for (const auto& plan : page.measurement_plans()) names.push_back(plan.name().substr(31));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(names, ElementsAre("p1", "p2", "p3", "p4", "p5"));
  request.set_parent("clinics/south");
  ASSERT_OK_AND_ASSIGN(const auto south, plans_.ListMeasurementPlans(ReadCall("south"), request));
  EXPECT_THAT(south.measurement_plans(), IsEmpty());
}

// ---- A course's plan

TEST_P(MeasurementPlanHandlerTest, ACourseInheritsThePlanThatHolds) {
  ASSERT_OK_AND_ASSIGN(const pb::CourseMeasurementPlan none, CoursePlan());
  EXPECT_TRUE(none.inherited());
  EXPECT_EQ(none.inherited_from(), "");
  EXPECT_THAT(none.rules(), IsEmpty());
  EXPECT_EQ(none.etag(), "");
  ASSERT_OK_AND_ASSIGN(const pb::MeasurementPlan plan, Create(EverySession()));
  pb::MeasurementPlan for_all = EverySession();
  for_all.clear_indications();
  for_all.mutable_rules(0)->set_id("any");
  ASSERT_OK(Create(for_all, "all"));
  ASSERT_OK_AND_ASSIGN(const pb::CourseMeasurementPlan inherited, CoursePlan());
  EXPECT_EQ(inherited.name(), "clinics/north/courses/k1/measurementPlan");
  EXPECT_EQ(inherited.inherited_from(), kDepression);
  EXPECT_EQ(inherited.rules(0).id(), "each");
  EXPECT_EQ(inherited.etag(), plan.etag());
  EXPECT_FALSE(inherited.has_update_time());
  EXPECT_TRUE(inherited.scheduling().current());
  // What is known of the course decides; and who goes follows the plan for all.
  directory_.answer.course->indication = 5;
  EXPECT_EQ(CoursePlan()->rules(0).id(), "any");
  directory_.answer.course->indication = 1;
  ASSERT_OK(Delete(kDepression));
  EXPECT_EQ(CoursePlan()->rules(0).id(), "any");
  directory_.answer.course.reset();
  directory_.answer.known = courses::CourseAnswer::Known::kNotVerified;
  ASSERT_OK_AND_ASSIGN(const pb::CourseMeasurementPlan unknown, CoursePlan());
  EXPECT_TRUE(unknown.inherited());
  EXPECT_THAT(unknown.rules(), IsEmpty());
  EXPECT_FALSE(unknown.scheduling().current());
  directory_.answer.known = courses::CourseAnswer::Known::kAbsent;
  EXPECT_THAT(CoursePlan(), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(MeasurementPlanHandlerTest, ACourseHasAPlanOfItsOwnUntilItIsReset) {
  ASSERT_OK(Create(EverySession()));
  ASSERT_OK_AND_ASSIGN(const pb::CourseMeasurementPlan inherited, CoursePlan());
  pb::CourseMeasurementPlan change = inherited;
  change.mutable_rules(0)->set_voluntary(true);
  ASSERT_OK_AND_ASSIGN(const pb::CourseMeasurementPlan own, SetCourse(change));
  EXPECT_FALSE(own.inherited());
  EXPECT_EQ(own.inherited_from(), "");
  EXPECT_TRUE(own.has_update_time());
  EXPECT_TRUE(own.rules(0).voluntary());
  EXPECT_EQ(CoursePlan()->SerializeAsString(), own.SerializeAsString());
  // Somebody else has changed it meanwhile.
  EXPECT_THAT(SetCourse(change), FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  // A change of the clinic's plan does not touch it.
  pb::MeasurementPlan plan = EverySession();
  plan.set_name(kDepression);
  plan.mutable_rules(0)->set_id("changed");
  ASSERT_OK(Update(plan));
  EXPECT_EQ(CoursePlan()->rules(0).id(), "each");
  ASSERT_OK_AND_ASSIGN(const pb::CourseMeasurementPlan back, ResetCourse());
  EXPECT_TRUE(back.inherited());
  EXPECT_EQ(back.rules(0).id(), "changed");
  // It is as new as this write; its etag is the clinic's plan's, which a change starts from.
  EXPECT_GT(back.revision(), own.revision());
  EXPECT_EQ(back.etag(), GetPlan()->etag());
  EXPECT_EQ(CoursePlan()->SerializeAsString(), back.SerializeAsString());
  EXPECT_THAT(NewEvents(), ElementsAre("PLAN_CHANGED", "COURSE_PLAN_CHANGED", "PLAN_CHANGED",
                                       "COURSE_PLAN_CHANGED"));
  ASSERT_OK_AND_ASSIGN(const pb::CourseMeasurementPlan again, ResetCourse());
  EXPECT_EQ(again.SerializeAsString(), back.SerializeAsString());
  EXPECT_THAT(NewEvents(), IsEmpty());
  // It may have one again.
  pb::CourseMeasurementPlan next = back;
  next.mutable_rules(0)->set_id("mine");
  ASSERT_OK(SetCourse(next));
  EXPECT_FALSE(CoursePlan()->inherited());
}

TEST_P(MeasurementPlanHandlerTest, ACoursesPlanMayAskForNothing) {
  ASSERT_OK(Create(EverySession()));
  // It starts from the clinic's.
  ASSERT_OK_AND_ASSIGN(const pb::CourseMeasurementPlan same, SetCourse({}));
  EXPECT_THAT(same.rules(), SizeIs(1));
  ASSERT_OK_AND_ASSIGN(const pb::CourseMeasurementPlan empty, SetCourse({}, {"rules"}));
  EXPECT_THAT(empty.rules(), IsEmpty());
  EXPECT_FALSE(CoursePlan()->inherited());
  now_ = TimeOf(0);
  EXPECT_THAT(Shown(), IsEmpty());
}

TEST_P(MeasurementPlanHandlerTest, ACoursesPlanIsCheckedToo) {
  pb::CourseMeasurementPlan plan;
  pb::MeasurementRule& rule = *plan.add_rules();
  rule.set_id("-");
  rule.set_timing(pb::PLAN_TIMING_FOLLOW_UP);
  EXPECT_THAT(SetCourse(plan),
              HasBadFields("measurement_plan.rules[0].id", "measurement_plan.rules[0].instrument",
                           "measurement_plan.rules[0].months"));
  directory_.answer.course.reset();
  directory_.answer.known = courses::CourseAnswer::Known::kNotVerified;
  EXPECT_THAT(SetCourse(plan), FailsWith(absl::StatusCode::kUnavailable, "PEER_UNAVAILABLE"));
  directory_.answer.known = courses::CourseAnswer::Known::kAbsent;
  EXPECT_THAT(SetCourse(plan), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(Count("course_plans"), 0);
}

TEST_P(MeasurementPlanHandlerTest, APlanOutlivesItsInstrument) {
  pb::MeasurementPlan plan = EverySession();
  AddRule("fear", pb::PLAN_TIMING_END, plan, "gad-7");
  ASSERT_OK(Create(plan));
  pb::RetireInstrumentRequest retire;
  retire.set_name("clinics/north/instruments/gad-7");
  ASSERT_OK(instruments_.RetireInstrument(WriteCall(retire), retire));
  plan.set_name(kDepression);
  plan.mutable_rules(0)->set_grace_days(3);
  ASSERT_OK_AND_ASSIGN(const pb::MeasurementPlan changed, Update(plan));
  EXPECT_THAT(changed.rules(), SizeIs(2));
  pb::CourseMeasurementPlan own = CoursePlan().value();
  own.mutable_rules(0)->set_grace_days(4);
  ASSERT_OK(SetCourse(own));
  plan.mutable_rules(1)->set_grace_days(3);
  EXPECT_THAT(Update(plan), HasBadFields("measurement_plan.rules[1].instrument"));
}

// ---- Since when it is asked

TEST_P(MeasurementPlanHandlerTest, AChangedRuleBeginsAnew) {
  now_ = TimeOf(-10);
  ASSERT_OK(Create(EverySession()));
  directory_.answer.course = Course("k1", 3, 0);
  now_ = TimeOf(14);
  auto request = AllStates();
  request.mutable_due_before()->CopyFrom(Date(15));
  EXPECT_THAT(Shown(request), ElementsAre("each 0 MISSED", "each 7 MISSED", "each 14 DUE"));
  pb::MeasurementPlan plan = EverySession();
  plan.set_name(kDepression);
  plan.mutable_rules(0)->set_open_days_before(2);
  ASSERT_OK(Update(plan));
  EXPECT_THAT(Shown(request), SizeIs(3));
  // Who could not have answered is not behind.
  plan.mutable_rules(0)->set_respondent(pb::RESPONDENT_CLINICIAN_READ);
  ASSERT_OK(Update(plan));
  EXPECT_THAT(Shown(request), ElementsAre("each 14 DUE"));
}

TEST_P(MeasurementPlanHandlerTest, ANewMonthBeginsByItself) {
  now_ = TimeOf(-10);
  pb::MeasurementPlan plan = EverySession();
  plan.clear_rules();
  AddRule("later", pb::PLAN_TIMING_FOLLOW_UP, plan);
  plan.mutable_rules(0)->add_months(3);
  ASSERT_OK(Create(plan));
  directory_.answer.course = Course("k1", 1, 0);
  directory_.answer.course->state = courses::CopiedCourseState::kCompleted;
  directory_.answer.course->closed_at = TimeOf(0);
  now_ = TimeOf(120);
  auto request = AllStates();
  request.mutable_due_before()->CopyFrom(Date(500));
  EXPECT_THAT(Shown(request), ElementsAre("later 90 OVERDUE"));
  plan.set_name(kDepression);
  plan.mutable_rules(0)->clear_months();
  for (const int month : {2, 3, 6}) plan.mutable_rules(0)->add_months(month);
  ASSERT_OK(Update(plan));
  EXPECT_THAT(Shown(request), ElementsAre("later 90 OVERDUE", "later 181 UPCOMING"));
}

TEST_P(MeasurementPlanHandlerTest, APlanThatComesToBeForACourseAsksItFromThenOn) {
  now_ = TimeOf(-10);
  pb::MeasurementPlan for_all = EverySession();
  for_all.clear_indications();
  for_all.mutable_rules(0)->set_id("any");
  ASSERT_OK(Create(for_all, "all"));
  pb::MeasurementPlan plan = EverySession();
  plan.set_indications(0, scheduling::v1::INDICATION_PTSD);
  ASSERT_OK(Create(plan));
  directory_.answer.course = Course("k1", 6, 0);
  auto request = AllStates();
  request.mutable_due_before()->CopyFrom(Date(36));
  now_ = TimeOf(14);
  EXPECT_THAT(Shown(request), SizeIs(6));  // for all
  // The other plan takes the indication on, and owes nothing of what was before.
  plan.set_name(kDepression);
  plan.add_indications(scheduling::v1::INDICATION_DEPRESSION);
  ASSERT_OK(Update(plan));
  EXPECT_THAT(Shown(request), ElementsAre("each 14 DUE", "each 21 UPCOMING", "each 28 UPCOMING",
                                          "each 35 UPCOMING"));
  plan.set_display_name("Renamed");
  now_ = TimeOf(15);
  ASSERT_OK(Update(plan));
  EXPECT_THAT(Shown(request), SizeIs(4));
  // It leaves the indication to the plan for all.
  now_ = TimeOf(21);
  plan.mutable_indications()->RemoveLast();
  NewEvents();
  ASSERT_OK(Update(plan));
  EXPECT_THAT(NewEvents(), ElementsAre("PLAN_CHANGED", "PLAN_CHANGED"));
  EXPECT_THAT(Shown(request), ElementsAre("any 21 DUE", "any 28 UPCOMING", "any 35 UPCOMING"));
  // And once more, by going.
  plan.add_indications(scheduling::v1::INDICATION_DEPRESSION);
  ASSERT_OK(Update(plan));
  now_ = TimeOf(28);
  ASSERT_OK(Delete(kDepression));
  EXPECT_THAT(Shown(request), ElementsAre("any 28 DUE", "any 35 UPCOMING"));
  // Who was asked by it all along still is.
  directory_.answer.course->indication = scheduling::v1::INDICATION_OTHER;
  EXPECT_THAT(Shown(request), SizeIs(6));
}

TEST_P(MeasurementPlanHandlerTest, APlanThatBecomesOneForAllGoesOnForWhomItWasFor) {
  now_ = TimeOf(-10);
  pb::MeasurementPlan plan = EverySession();
  ASSERT_OK(Create(plan));
  directory_.answer.course = Course("k1", 3, 0);
  auto request = AllStates();
  request.mutable_due_before()->CopyFrom(Date(15));
  now_ = TimeOf(14);
  plan.set_name(kDepression);
  plan.clear_indications();
  ASSERT_OK(Update(plan, {"indications"}));
  EXPECT_THAT(Shown(request), SizeIs(3));
  directory_.answer.course->indication = scheduling::v1::INDICATION_OTHER;
  EXPECT_THAT(Shown(request), ElementsAre("each 14 DUE"));
  // And one for all that is for some only.
  now_ = TimeOf(15);
  plan.add_indications(scheduling::v1::INDICATION_OTHER);
  ASSERT_OK(Update(plan));
  EXPECT_THAT(Shown(request), ElementsAre("each 14 OVERDUE"));
}

TEST_P(MeasurementPlanHandlerTest, AResetCourseFollowsTheClinicsPlanFromThenOn) {
  now_ = TimeOf(-10);
  pb::MeasurementPlan plan = EverySession();
  AddRule("fear", pb::PLAN_TIMING_EVERY_SESSION, plan, "gad-7");
  ASSERT_OK(Create(plan));
  directory_.answer.course = Course("k1", 3, 0);
  pb::CourseMeasurementPlan own = CoursePlan().value();
  own.mutable_rules()->RemoveLast();
  ASSERT_OK(SetCourse(own));
  now_ = TimeOf(14);
  ASSERT_OK(ResetCourse());
  auto request = AllStates();
  request.mutable_due_before()->CopyFrom(Date(15));
  const std::vector<std::string> asked = {"each 0 MISSED", "each 7 MISSED", "each 14 DUE",
                                          "fear 14 DUE"};
  EXPECT_EQ(Shown(request), asked);
  lister_.listed.courses = {*directory_.answer.course};
  request.set_parent("clinics/north/courses/-");
  EXPECT_EQ(Shown(request), asked);
}

TEST_P(MeasurementPlanHandlerTest, AnImportedCourseOwesNothingOfItsPast) {
  now_ = TimeOf(-10);
  ASSERT_OK(Create(EverySession()));
  now_ = TimeOf(14);
  directory_.answer.course = Course("k1", 3, 0);
  directory_.answer.course->create_time = TimeOf(8);
  auto request = AllStates();
  request.mutable_due_before()->CopyFrom(Date(15));
  EXPECT_THAT(Shown(request), ElementsAre("each 14 DUE"));
}

// ---- What is due

TEST_P(MeasurementPlanHandlerTest, WhatIsDueFollowsFromPlanCourseAndAnswers) {
  now_ = TimeOf(-10);
  ASSERT_OK(Create(EverySession()));
  EXPECT_THAT(Shown(), IsEmpty());
  now_ = TimeOf(0) - absl::Hours(1);
  EXPECT_THAT(Shown(), ElementsAre("each 0 DUE"));
  ASSERT_OK_AND_ASSIGN(const auto response, Due());
  const pb::DueMeasurement& due = response.due_measurements(0);
  EXPECT_EQ(due.course(), "clinics/north/courses/k1");
  EXPECT_EQ(due.therapist(), "clinics/north/therapists/ana");
  EXPECT_EQ(due.instrument(), "clinics/north/instruments/phq-9");
  EXPECT_EQ(due.instrument_version(), 1);
  EXPECT_EQ(due.respondent(), pb::RESPONDENT_SELF);
  EXPECT_EQ(due.session(), "clinics/north/courses/k1/sessions/s1");
  EXPECT_EQ(due.week_number(), 1);
  EXPECT_EQ(DayOf(due.open_date()), -3);
  EXPECT_EQ(DayOf(due.overdue_date()), 1);
  EXPECT_FALSE(due.projected());
  EXPECT_EQ(due.timing(), pb::PLAN_TIMING_EVERY_SESSION);
  EXPECT_EQ(due.instrument_display_name(), "Patient Health Questionnaire-9 (PHQ-9)");
  EXPECT_TRUE(response.scheduling().current());

  now_ = TimeOf(0);
  const pb::Measurement taken = Take(0);
  EXPECT_EQ(taken.plan_rule(), "each");
  EXPECT_THAT(Shown(), IsEmpty());
  pb::ListDueMeasurementsRequest done;
  done.add_states(pb::DUE_STATE_DONE);
  ASSERT_OK_AND_ASSIGN(const auto all_done, Due(done));
  ASSERT_THAT(all_done.due_measurements(), SizeIs(1));
  EXPECT_EQ(all_done.due_measurements(0).measurement(), taken.name());
  // Taken back, it is due again.
  pb::MarkMeasurementEnteredInErrorRequest back;
  back.set_name(taken.name());
  back.set_reason(pb::ENTERED_IN_ERROR_REASON_TEST);
  ASSERT_OK(recorder_.MarkMeasurementEnteredInError(WriteCall(back), back));
  EXPECT_THAT(Shown(), ElementsAre("each 0 DUE"));
  now_ = TimeOf(1);
  EXPECT_THAT(Shown(), ElementsAre("each 0 OVERDUE"));
  // A plan's change holds at once.
  pb::MeasurementPlan plan = EverySession();
  plan.set_name(kDepression);
  plan.mutable_rules(0)->set_grace_days(5);
  ASSERT_OK(Update(plan));
  EXPECT_THAT(Shown(), ElementsAre("each 0 DUE"));
}

TEST_P(MeasurementPlanHandlerTest, ACorrectedSessionMovesWhatItFulfils) {
  now_ = TimeOf(-10);
  ASSERT_OK(Create(EverySession()));
  now_ = TimeOf(7);
  const pb::Measurement taken = Take(7);
  EXPECT_EQ(taken.session(), "clinics/north/courses/k1/sessions/s2");
  auto request = AllStates();
  request.mutable_due_before()->CopyFrom(Date(8));
  EXPECT_THAT(Shown(request), ElementsAre("each 0 MISSED", "each 7 DONE"));
  pb::CorrectMeasurementRequest correct;
  correct.mutable_measurement()->set_name(taken.name());
  correct.mutable_measurement()->set_session("clinics/north/courses/k1/sessions/s1");
  correct.mutable_update_mask()->add_paths("session");
  correct.set_reason("the first one's");
  ASSERT_OK(recorder_.CorrectMeasurement(WriteCall(correct), correct));
  EXPECT_THAT(Shown(request), ElementsAre("each 0 DONE", "each 7 DUE"));
}

TEST_P(MeasurementPlanHandlerTest, IsFilteredByStateInstrumentTherapistDayAndMisses) {
  now_ = TimeOf(-10);
  pb::MeasurementPlan plan = EverySession();
  AddRule("fear", pb::PLAN_TIMING_BASELINE, plan, "gad-7");
  plan.mutable_rules(1)->set_catch_up(pb::CATCH_UP_NEVER);
  ASSERT_OK(Create(plan));
  now_ = TimeOf(14);
  directory_.answer.course = Course("k1", 2, 2);
  EXPECT_THAT(Shown(), ElementsAre("each 14 DUE"));
  auto all = AllStates();
  // 31 days ahead, where sessions are projected.
  EXPECT_THAT(Shown(all), ElementsAre("each 0 MISSED", "fear 0 MISSED", "each 7 MISSED",
                                      "each 14 DUE", "each 21 UPCOMING", "each 28 UPCOMING",
                                      "each 35 UPCOMING", "each 42 UPCOMING"));
  all.mutable_due_before()->CopyFrom(Date(15));
  EXPECT_THAT(Shown(all), SizeIs(4));
  all.set_missed_in_a_row_at_least(2);
  EXPECT_THAT(Shown(all), ElementsAre("each 14 DUE"));
  all.clear_missed_in_a_row_at_least();
  all.set_instrument("clinics/north/instruments/gad-7");
  EXPECT_THAT(Shown(all), ElementsAre("fear 0 MISSED"));
  all.set_therapist("clinics/north/therapists/ben");
  EXPECT_THAT(Shown(all), IsEmpty());
  all.set_therapist("clinics/north/therapists/ana");
  EXPECT_THAT(Shown(all), SizeIs(1));

  pb::ListDueMeasurementsRequest bad;
  bad.add_states(pb::DUE_STATE_UNSPECIFIED);
  bad.mutable_due_before()->set_month(13);
  bad.set_missed_in_a_row_at_least(-1);
  EXPECT_THAT(Due(bad), HasBadFields("states[0]", "due_before", "missed_in_a_row_at_least"));
}

TEST_P(MeasurementPlanHandlerTest, WhereNothingIsKnownNothingIsDueAndThatIsSaid) {
  ASSERT_OK(Create(EverySession()));
  directory_.answer.known = courses::CourseAnswer::Known::kNotVerified;
  ASSERT_OK_AND_ASSIGN(const auto old, Due());
  EXPECT_THAT(old.due_measurements(), SizeIs(1));  // by the copy
  EXPECT_FALSE(old.scheduling().current());
  EXPECT_TRUE(old.scheduling().has_as_of_time());
  directory_.answer.course.reset();
  directory_.answer.as_of = absl::InfinitePast();
  ASSERT_OK_AND_ASSIGN(const auto unknown, Due());
  EXPECT_THAT(unknown.due_measurements(), IsEmpty());
  EXPECT_FALSE(unknown.scheduling().has_as_of_time());
  directory_.answer.known = courses::CourseAnswer::Known::kAbsent;
  EXPECT_THAT(Due(), StatusIs(absl::StatusCode::kNotFound));
  pb::ListDueMeasurementsRequest later;
  later.set_min_revision(1'000'000);
  directory_.answer.known = courses::CourseAnswer::Known::kNotVerified;
  EXPECT_THAT(Due(later), FailsWith(absl::StatusCode::kFailedPrecondition, "REVISION_NOT_REACHED"));
}

TEST_P(MeasurementPlanHandlerTest, OfOneWhoHasDiedNoCourseIsAskedFor) {
  now_ = TimeOf(-10);
  pb::MeasurementPlan plan = EverySession();
  AddRule("later", pb::PLAN_TIMING_FOLLOW_UP, plan);
  plan.mutable_rules(1)->add_months(3);
  ASSERT_OK(Create(plan));
  // The treatment is over; a year later another one ends by the patient's death.
  courses::CopiedCourse done = Course("k1", 4, 0);
  done.patient_hash = "p1";
  done.state = courses::CopiedCourseState::kCompleted;
  done.closed_at = TimeOf(22);
  directory_.answer.course = done;
  courses::CopiedCourse other = Course("k2", 4, 0);
  other.patient_hash = "p2";
  lister_.listed.courses = {done, other};
  now_ = TimeOf(22 + 90);
  courses::CopiedCourse last = Course("k9", 1, 0);
  last.patient_hash = "p1";
  PutCopy(last);
  pb::ListDueMeasurementsRequest all;
  all.set_parent("clinics/north/courses/-");
  EXPECT_THAT(Shown(), ElementsAre("later 112 DUE"));
  EXPECT_THAT(Shown(all), ElementsAre("each 21 OVERDUE", "later 112 DUE"));
  last.state = courses::CopiedCourseState::kDiscontinued;
  last.closed_at = TimeOf(100);
  last.closure_reason = courses::kClosedDeceased;
  ++last.revision;
  // In another clinic it says nothing.
  last.clinic_id = "south";
  PutCopy(last);
  EXPECT_THAT(Shown(), SizeIs(1));
  last.clinic_id = "north";
  PutCopy(last);
  EXPECT_THAT(Shown(), IsEmpty());
  EXPECT_THAT(Shown(all), ElementsAre("each 21 OVERDUE"));
}

// Two thousand open courses: each page of their list costs what is on it.
TEST_P(MeasurementPlanHandlerTest, ALargeClinicIsReadOnceForAllPages) {
  now_ = TimeOf(-10);
  ASSERT_OK(Create(EverySession()));
  for (int i = 0; i < 2000; ++i) {
    courses::CopiedCourse course = Course(absl::StrCat("k", 10'000 + i), 3, 1);
    if (i % 100 == 0) course.therapist_id = "ben";
    if (i % 2 == 0) {  // a day later, each
      for (courses::CopiedSession& session : course.sessions) session.start += absl::Hours(24);
    }
    lister_.listed.courses.push_back(std::move(course));
  }
  now_ = TimeOf(15);
  Take(15, 1, "k10001");
  pb::ListDueMeasurementsRequest request;
  request.set_parent("clinics/north/courses/-");
  request.set_page_size(300);
  std::vector<std::tuple<int, std::string, std::string>> seen;
  int pages = 0;
  do {
    ASSERT_OK_AND_ASSIGN(const auto page, Due(request));
    ++pages;
    ASSERT_LE(page.due_measurements_size(), 300);
    EXPECT_TRUE(page.scheduling().current());
    for (const auto& due : page.due_measurements()) {
      seen.emplace_back(DayOf(due.due_date()), due.course(), due.rule());
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 7);
  EXPECT_EQ(lister_.asked, 1);
  EXPECT_THAT(seen, SizeIs(1999));  // one has answered
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(std::set(seen.begin(), seen.end()).size(), seen.size());
  EXPECT_EQ(std::get<0>(seen.front()), 14);
  EXPECT_EQ(std::get<0>(seen.back()), 15);
  request.set_therapist("clinics/north/therapists/ben");
  EXPECT_THAT(Due(request)->due_measurements(), SizeIs(20));
}

TEST_P(MeasurementPlanHandlerTest, AListGoesOnWhereNobodyKnowsItAnyMore) {
  now_ = TimeOf(-10);
  ASSERT_OK(Create(EverySession()));
  for (int i = 0; i < 5; ++i) lister_.listed.courses.push_back(Course(absl::StrCat("k", i), 1, 1));
  now_ = TimeOf(0);
  pb::ListDueMeasurementsRequest request;
  request.set_parent("clinics/north/courses/-");
  request.set_page_size(2);
  ASSERT_OK_AND_ASSIGN(const auto first, Due(request));
  request.set_page_token(first.next_page_token());
  // Another replica goes on, although one of those seen is answered by now.
  Take(0, 1, "k1");
  MeasurementPlanHandler other(store_, catalog_, ids_, directory_, lister_);
  ASSERT_OK_AND_ASSIGN(const auto second, other.ListDueMeasurements(ReadCall(), request));
  ASSERT_THAT(second.due_measurements(), SizeIs(2));
  EXPECT_EQ(second.due_measurements(0).course(), "clinics/north/courses/k2");
  EXPECT_EQ(lister_.asked, 2);
  // Each page elsewhere: both replicas know the list by now, whoever gave out the token.
  auto next = request;
  next.set_page_token(second.next_page_token());
  ASSERT_OK_AND_ASSIGN(const auto third, Due(next));
  ASSERT_THAT(third.due_measurements(), SizeIs(1));
  EXPECT_EQ(third.due_measurements(0).course(), "clinics/north/courses/k4");
  EXPECT_EQ(third.next_page_token(), "");
  ASSERT_OK(other.ListDueMeasurements(ReadCall(), next));
  ASSERT_OK(Due(request));
  ASSERT_OK(other.ListDueMeasurements(ReadCall(), request));
  EXPECT_EQ(lister_.asked, 2);
  // And the same one, much later.
  now_ += absl::Minutes(2);
  ASSERT_OK_AND_ASSIGN(const auto late, Due(request));
  EXPECT_EQ(late.due_measurements(0).course(), "clinics/north/courses/k2");
  EXPECT_EQ(lister_.asked, 3);
  // A token is of its list.
  request.set_therapist("clinics/north/therapists/ana");
  EXPECT_THAT(Due(request), HasBadFields("page_token"));
}

TEST_P(MeasurementPlanHandlerTest, ClosedCoursesAreListedForTheirFollowUps) {
  now_ = TimeOf(0);
  pb::MeasurementPlan plan = EverySession();
  AddRule("later", pb::PLAN_TIMING_FOLLOW_UP, plan);
  plan.mutable_rules(1)->add_months(3);
  ASSERT_OK(Create(plan));
  courses::CopiedCourse closed = Course("k1", 4, 0);
  closed.state = courses::CopiedCourseState::kCompleted;
  closed.closed_at = TimeOf(22);
  closed.sessions.clear();  // as they come, long after
  lister_.listed.courses = {closed};
  now_ = TimeOf(22 + 120);
  pb::ListDueMeasurementsRequest request = AllStates();
  request.set_parent("clinics/north/courses/-");
  ASSERT_OK_AND_ASSIGN(const auto listed, Due(request));
  ASSERT_THAT(listed.due_measurements(), SizeIs(1));
  EXPECT_EQ(listed.due_measurements(0).rule(), "later");
  EXPECT_EQ(listed.due_measurements(0).follow_up_months(), 3);
  EXPECT_EQ(listed.due_measurements(0).state(), pb::DUE_STATE_OVERDUE);
}

TEST_P(MeasurementPlanHandlerTest, TooManyMissedInARowAreASignal) {
  now_ = TimeOf(-10);
  ASSERT_OK(Create(EverySession()));
  directory_.answer.course = Course("k1", 5, 2);
  now_ = TimeOf(0);
  Take(0, 3);
  now_ = TimeOf(26);
  pb::GetTrajectoryRequest request;
  request.set_course("clinics/north/courses/k1");
  ASSERT_OK_AND_ASSIGN(const pb::Trajectory seen, outcomes_.GetTrajectory(ReadCall(), request));
  ASSERT_THAT(seen.signals(), SizeIs(1));
  const pb::Signal& signal = seen.signals(0);
  EXPECT_EQ(signal.rule(), "no-measure");
  EXPECT_EQ(signal.level(), pb::SIGNAL_LEVEL_AMBER);
  EXPECT_EQ(signal.measurement(), "");
  // The third, of day 21, could be made up for until day 25.
  EXPECT_EQ(signal.raise_time().seconds(), absl::ToUnixSeconds(TimeOf(25) - absl::Hours(10)));
  EXPECT_FALSE(signal.has_end_time());
  EXPECT_EQ(signal.text(), "PHQ-9: review: 3 due measures missed in a row");
  now_ = TimeOf(28);
  const pb::Measurement taken = Take(28, 0);
  ASSERT_OK_AND_ASSIGN(const pb::Trajectory ended, outcomes_.GetTrajectory(ReadCall(), request));
  ASSERT_THAT(ended.signals(), SizeIs(1));
  EXPECT_EQ(ended.signals(0).end_time().seconds(), taken.complete_time().seconds());
  // The clinic may switch it off.
  pb::UpdateOutcomePolicyRequest policy;
  policy.set_clinic("clinics/north");
  policy.mutable_policy()->mutable_not_on_track()->add_disabled_rules("no-measure");
  ASSERT_OK(policies_.UpdateOutcomePolicy(WriteCall(policy), policy));
  EXPECT_THAT(outcomes_.GetTrajectory(ReadCall(), request)->signals(), IsEmpty());
}

}  // namespace
}  // namespace ipt::outcomes
