#include "scheduling/rpc/clinic_handler.h"

#include "tests/scheduling/rpc/handler_fixture.h"

namespace ipt::scheduling {
namespace {

using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ClinicHandlerTest : public HandlerTest {
 protected:
  absl::StatusOr<pb::Clinic> Create(const std::string& id) {
    pb::CreateClinicRequest request;
    request.set_clinic_id(id);
    request.mutable_clinic()->set_display_name("Clinic");
    request.mutable_clinic()->set_time_zone("Europe/London");
    return handler_.CreateClinic(WriteCall(request), request);
  }
  // Clinic north and its therapist a.
  void AddNorth() {
    ASSERT_OK(Create("north"));
    ASSERT_OK(store_.Write(absl::InfiniteFuture(), [&](SchedulingTx& tx) {
      Therapist therapist;
      therapist.clinic_id = "north";
      therapist.therapist_id = "a";
      therapist.display_name = "Dr A";
      therapist.time_zone = "Europe/London";
      return tx.InsertTherapist(therapist, Now());
    }));
    NewEvents();
  }
  absl::StatusOr<pb::Clinic> Update(const pb::Clinic& clinic,
                                    const std::vector<std::string>& paths) {
    pb::UpdateClinicRequest request;
    *request.mutable_clinic() = clinic;
    request.mutable_clinic()->set_name("clinics/north");
    for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
    return handler_.UpdateClinic(WriteCall(request), request);
  }
  static pb::CreateHolidaysRequest Holidays(const std::vector<absl::CivilDay>& days) {
    pb::CreateHolidaysRequest request;
    request.set_parent("clinics/north");
    for (const absl::CivilDay day : days) {
      auto* holiday = request.add_holidays();
      holiday->mutable_date()->set_year(static_cast<int>(day.year()));
      holiday->mutable_date()->set_month(day.month());
      holiday->mutable_date()->set_day(day.day());
      holiday->set_display_name("Closed");
    }
    return request;
  }
  absl::StatusOr<pb::CreateHolidaysResponse> Create(const pb::CreateHolidaysRequest& request) {
    return handler_.CreateHolidays(WriteCall(request), request);
  }
  std::vector<std::string> ListedHolidays(int page_size = 0) {
    pb::ListHolidaysRequest request;
    request.set_parent("clinics/north");
    request.set_page_size(page_size);
    std::vector<std::string> names;
    do {
      const auto page = handler_.ListHolidays(ReadCall(), request);
      EXPECT_OK(page);
      for (const auto& name : NamesOf(page->holidays())) names.push_back(name);
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return names;
  }

  ClinicHandler handler_{store_};
};

TEST_F(ClinicHandlerTest, CreatesAClinicOnceAndReadsItBack) {
  ASSERT_OK_AND_ASSIGN(const pb::Clinic created, Create("north"));
  EXPECT_EQ(created.name(), "clinics/north");
  EXPECT_GT(created.revision(), 0);
  EXPECT_FALSE(created.etag().empty());
  EXPECT_THAT(NewEvents(), ElementsAre("clinic"));

  pb::GetClinicRequest get;
  get.set_name("clinics/north");
  get.set_min_revision(created.revision());
  ASSERT_OK_AND_ASSIGN(const pb::Clinic read, handler_.GetClinic(ReadCall(), get));
  EXPECT_EQ(read.ShortDebugString(), created.ShortDebugString());
  EXPECT_THAT(Create("north"), FailsWith(absl::StatusCode::kAlreadyExists, "RESOURCE_EXISTS"));
}

TEST_F(ClinicHandlerTest, AnswersARetryWithTheFirstAnswer) {
  pb::CreateClinicRequest request;
  request.set_clinic_id("north");
  request.mutable_clinic()->set_display_name("Clinic");
  request.mutable_clinic()->set_time_zone("Europe/London");
  const CallContext ctx = WriteCall(request);
  ASSERT_OK_AND_ASSIGN(const pb::Clinic first, handler_.CreateClinic(ctx, request));
  ASSERT_OK_AND_ASSIGN(const pb::Clinic again, handler_.CreateClinic(ctx, request));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_THAT(NewEvents(), ElementsAre("clinic"));
}

TEST_F(ClinicHandlerTest, NamesEveryBadFieldOfANewClinic) {
  pb::CreateClinicRequest request;
  request.set_clinic_id("North!");
  request.mutable_clinic()->set_time_zone("Europe/Nowhere");
  request.mutable_clinic()->mutable_policy()->set_cadence_days(6);
  request.mutable_clinic()->mutable_policy()->set_cadence_tolerance_days(3);
  EXPECT_THAT(handler_.CreateClinic(WriteCall(request), request),
              HasBadFields("clinic_id", "clinic.display_name", "clinic.time_zone",
                           "clinic.policy.cadence_tolerance_days"));
  EXPECT_THAT(NewEvents(), IsEmpty());
}

TEST_F(ClinicHandlerTest, RefusesARevisionThatTheStoreHasNotReached) {
  ASSERT_OK_AND_ASSIGN(const pb::Clinic created, Create("north"));
  pb::GetClinicRequest get;
  get.set_name("clinics/north");
  get.set_min_revision(created.revision() + 1);
  EXPECT_THAT(handler_.GetClinic(ReadCall(), get),
              FailsWith(absl::StatusCode::kFailedPrecondition, "REVISION_NOT_REACHED"));
}

TEST_F(ClinicHandlerTest, ListsTheCallersClinicsOnly) {
  for (const char* id : {"east", "north", "south", "west"}) ASSERT_OK(Create(id));
  auto caller = std::make_shared<Caller>();
  caller->clinics = {"west", "north", "unknown"};
  CallContext ctx = ReadCall("");
  ctx.caller = caller;
  pb::ListClinicsRequest request;
  request.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(auto page, handler_.ListClinics(ctx, request));
  EXPECT_THAT(NamesOf(page.clinics()), ElementsAre("clinics/north"));
  request.set_page_token(page.next_page_token());
  ASSERT_OK_AND_ASSIGN(page, handler_.ListClinics(ctx, request));
  EXPECT_THAT(NamesOf(page.clinics()), ElementsAre("clinics/west"));
  EXPECT_EQ(page.next_page_token(), "");

  caller->all_clinics = true;
  ASSERT_OK_AND_ASSIGN(page, handler_.ListClinics(ctx, {}));
  EXPECT_EQ(page.clinics_size(), 4);
  caller->all_clinics = false;
  caller->clinics.clear();
  ASSERT_OK_AND_ASSIGN(page, handler_.ListClinics(ctx, {}));
  EXPECT_EQ(page.clinics_size(), 0);
}

TEST_F(ClinicHandlerTest, UpdatesTheMaskedFieldsAndStalesForecastsWhereRulesChanged) {
  AddNorth();
  const int64_t version = ClinicVersion();
  pb::Clinic clinic;
  clinic.set_display_name("North Clinic");
  clinic.set_time_zone("Europe/Paris");
  ASSERT_OK_AND_ASSIGN(pb::Clinic updated, Update(clinic, {"display_name"}));
  EXPECT_EQ(updated.display_name(), "North Clinic");
  EXPECT_EQ(updated.time_zone(), "Europe/London");
  EXPECT_EQ(ClinicVersion(), version);

  clinic.mutable_policy()->set_pause_cap_days(14);
  ASSERT_OK_AND_ASSIGN(updated, Update(clinic, {"policy.pause_cap_days"}));
  EXPECT_EQ(updated.policy().pause_cap_days(), 14);
  EXPECT_EQ(ClinicVersion(), version + 1);
  ASSERT_OK(Update(clinic, {"time_zone"}));
  EXPECT_EQ(ClinicVersion(), version + 2);
  EXPECT_THAT(NewEvents(), ElementsAre("clinic", "clinic", "clinic"));
}

TEST_F(ClinicHandlerTest, RefusesAStaleEtagAndABadMergeAndChangesNothing) {
  AddNorth();
  pb::GetClinicRequest get;
  ASSERT_OK_AND_ASSIGN(const pb::Clinic first, handler_.GetClinic(ReadCall(), get));
  pb::Clinic clinic = first;
  clinic.set_display_name("Second");
  ASSERT_OK(Update(clinic, {"display_name"}));
  EXPECT_THAT(Update(clinic, {"display_name"}),
              FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));

  clinic.clear_etag();
  clinic.mutable_policy()->set_cadence_days(4);
  clinic.mutable_policy()->set_cadence_tolerance_days(2);
  EXPECT_THAT(Update(clinic, {"policy"}), HasBadFields("clinic.policy.cadence_tolerance_days"));
  EXPECT_THAT(Update(clinic, {"name", "colour"}),
              HasBadFields("update_mask.paths[0]", "update_mask.paths[1]"));
  pb::UpdateClinicRequest nameless;
  EXPECT_THAT(handler_.UpdateClinic(WriteCall(nameless), nameless), HasBadFields("clinic.name"));
  EXPECT_THAT(NewEvents(), ElementsAre("clinic"));
}

TEST_F(ClinicHandlerTest, HolidaysTellTheFirst500AffectedSessionsAndHowManyThereAre) {
  AddNorth();
  std::vector<absl::Time> starts;
  starts.reserve(30 * 24);
  for (int i = 0; i < 30 * 24; ++i) {
    starts.push_back(At(absl::CivilMinute(2026, 12, 1, 0, 0)) + i * absl::Hours(1));
  }
  AddCourse("p1", "a", starts);
  std::vector<absl::CivilDay> days;
  for (int day = 1; day <= 23; ++day) {
    if (day != 21) days.emplace_back(2026, 12, day);  // 480 sessions, and 48 after a day between
  }
  ASSERT_OK_AND_ASSIGN(const auto answer, Create(Holidays(days)));
  EXPECT_EQ(answer.affected_sessions_size(), 500);
  EXPECT_EQ(answer.affected_count(), 528);
  EXPECT_EQ(answer.affected_sessions(480).name(), "clinics/north/courses/kp1/sessions/s505");
}

TEST_F(ClinicHandlerTest, AnotherZoneMovesHolidaysAndNoSession) {
  AddNorth();
  AddCourse("p1", "a",
            {At(absl::CivilMinute(2026, 12, 25, 2, 0)),    // 24 December in New York
             At(absl::CivilMinute(2026, 12, 26, 2, 0))});  // 25 December in New York
  auto request = Holidays({absl::CivilDay(2026, 12, 25)});
  ASSERT_OK_AND_ASSIGN(auto answer, Create(request));
  EXPECT_THAT(NamesOf(answer.affected_sessions()),
              ElementsAre("clinics/north/courses/kp1/sessions/s1"));
  const pb::Session before = answer.affected_sessions(0);
  pb::Clinic clinic;
  clinic.set_time_zone("America/New_York");
  ASSERT_OK(Update(clinic, {"time_zone"}));
  // Asked again, the day tells what falls on it now.
  request.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(answer, Create(request));
  EXPECT_THAT(NamesOf(answer.affected_sessions()),
              ElementsAre("clinics/north/courses/kp1/sessions/s2"));
  ASSERT_OK(store_.Read(absl::InfiniteFuture(), [&](SchedulingReader& reader) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(const Session session, reader.GetSession("north", "kp1", "s1"));
    EXPECT_EQ(absl::ToUnixSeconds(session.interval.start), before.start_time().seconds());
    EXPECT_EQ(session.stamp.revision, before.revision());
    return absl::OkStatus();
  }));
}

TEST_F(ClinicHandlerTest, HolidaysTellWhichBookedSessionsTheyAffect) {
  AddNorth();
  AddCourse("p1", "a",
            {At(absl::CivilMinute(2026, 12, 24, 23, 30)),  // into the 25th
             At(absl::CivilMinute(2026, 12, 26, 9, 0)),    // the second day
             At(absl::CivilMinute(2026, 12, 27, 0, 0)),    // the day after
             At(absl::CivilMinute(2027, 1, 1, 23, 55))});
  AddCourse("p2", "a", {At(absl::CivilMinute(2026, 12, 25, 10, 0))}, SessionState::kCancelled);
  const int64_t version = ClinicVersion();
  auto request = Holidays(
      {absl::CivilDay(2027, 1, 1), absl::CivilDay(2026, 12, 26), absl::CivilDay(2026, 12, 25)});
  request.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(auto answer, Create(request));
  const auto affected =
      ElementsAre("clinics/north/courses/kp1/sessions/s1", "clinics/north/courses/kp1/sessions/s2",
                  "clinics/north/courses/kp1/sessions/s4");
  EXPECT_THAT(NamesOf(answer.affected_sessions()), affected);
  EXPECT_EQ(answer.revision(), 0);
  EXPECT_EQ(answer.holidays(0).revision(), 0);
  EXPECT_THAT(ListedHolidays(), IsEmpty());
  EXPECT_THAT(NewEvents(), IsEmpty());
  EXPECT_EQ(ClinicVersion(), version);

  request.set_validate_only(false);
  ASSERT_OK_AND_ASSIGN(answer, Create(request));
  EXPECT_THAT(NamesOf(answer.affected_sessions()), affected);
  EXPECT_GT(answer.revision(), 0);
  EXPECT_EQ(answer.holidays(0).revision(), answer.revision());
  EXPECT_THAT(ListedHolidays(1),
              ElementsAre("clinics/north/holidays/2026-12-25", "clinics/north/holidays/2026-12-26",
                          "clinics/north/holidays/2027-01-01"));
  EXPECT_THAT(NewEvents(), ElementsAre("holiday+", "holiday+", "holiday+"));
  EXPECT_EQ(ClinicVersion(), version + 1);
}

TEST_F(ClinicHandlerTest, APastHolidayAffectsNoSession) {
  AddNorth();
  AddCourse("p1", "a",
            {At(absl::CivilMinute(2026, 11, 2, 9, 0)),    // over
             At(absl::CivilMinute(2026, 11, 2, 11, 30)),  // under way
             At(absl::CivilMinute(2026, 11, 2, 15, 0))});
  ASSERT_OK_AND_ASSIGN(const auto answer, Create(Holidays({absl::CivilDay(2026, 11, 2)})));
  EXPECT_THAT(NamesOf(answer.affected_sessions()),
              ElementsAre("clinics/north/courses/kp1/sessions/s2",
                          "clinics/north/courses/kp1/sessions/s3"));
  ASSERT_OK_AND_ASSIGN(const auto past, Create(Holidays({absl::CivilDay(2026, 11, 1)})));
  EXPECT_THAT(past.affected_sessions(), IsEmpty());
}

TEST_F(ClinicHandlerTest, AHolidayAnnouncedAgainTakesItsNewName) {
  AddNorth();
  auto request = Holidays({absl::CivilDay(2026, 12, 25)});
  ASSERT_OK(Create(request));
  request.mutable_holidays(0)->set_display_name("Christmas");
  ASSERT_OK(Create(request));
  pb::ListHolidaysRequest list;
  list.set_parent("clinics/north");
  list.mutable_first_day()->set_year(2026);
  list.mutable_first_day()->set_month(12);
  list.mutable_first_day()->set_day(25);
  ASSERT_OK_AND_ASSIGN(auto page, handler_.ListHolidays(ReadCall(), list));
  ASSERT_EQ(page.holidays_size(), 1);
  EXPECT_EQ(page.holidays(0).display_name(), "Christmas");
  list.mutable_first_day()->set_day(26);
  ASSERT_OK_AND_ASSIGN(page, handler_.ListHolidays(ReadCall(), list));
  EXPECT_EQ(page.holidays_size(), 0);
}

TEST_F(ClinicHandlerTest, DeletesAHoliday) {
  AddNorth();
  ASSERT_OK(Create(Holidays({absl::CivilDay(2026, 12, 25)})));
  NewEvents();
  const int64_t version = ClinicVersion();
  pb::DeleteHolidayRequest request;
  request.set_name("clinics/north/holidays/2026-12-25");
  ASSERT_OK_AND_ASSIGN(const auto answer, handler_.DeleteHoliday(WriteCall(request), request));
  EXPECT_GT(answer.revision(), 0);
  EXPECT_THAT(ListedHolidays(), IsEmpty());
  EXPECT_THAT(NewEvents(), ElementsAre("holiday-"));
  EXPECT_EQ(ClinicVersion(), version + 1);
  EXPECT_THAT(handler_.DeleteHoliday(WriteCall(request), request),
              StatusIs(absl::StatusCode::kNotFound));
  for (const char* odd : {"2026-2-3", "2026-02-30", "easter"}) {
    request.set_name(absl::StrCat("clinics/north/holidays/", odd));
    EXPECT_THAT(handler_.DeleteHoliday(WriteCall(request), request), HasBadFields("name")) << odd;
  }
}

TEST_F(ClinicHandlerTest, KnowsNothingOfAClinicThatIsNotThere) {
  pb::ListHolidaysRequest list;
  list.set_parent("clinics/north");
  EXPECT_THAT(handler_.ListHolidays(ReadCall(), list), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Create(Holidays({absl::CivilDay(2026, 12, 25)})),
              StatusIs(absl::StatusCode::kNotFound));
  pb::Clinic clinic;
  clinic.set_display_name("x");
  EXPECT_THAT(Update(clinic, {"display_name"}), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace ipt::scheduling
