#include "scheduling/rpc/therapist_handler.h"

#include "tests/scheduling/rpc/handler_fixture.h"

namespace ipt::scheduling {
namespace {

using absl::CivilMinute;
using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kA[] = "clinics/north/therapists/a";

void AddWindow(pb::Therapist* therapist, google::type::DayOfWeek day, int from, int to) {
  auto* window = therapist->add_working_hours();
  window->set_day(day);
  window->mutable_start()->set_hours(from);
  window->mutable_end()->set_hours(to);
}
void Set(google::type::Date* date, absl::CivilDay day) {
  date->set_year(static_cast<int>(day.year()));
  date->set_month(day.month());
  date->set_day(day.day());
}
void Set(pb::TimeRange* range, absl::Time start, absl::Time end) {
  range->mutable_start_time()->set_seconds(absl::ToUnixSeconds(start));
  range->mutable_end_time()->set_seconds(absl::ToUnixSeconds(end));
}

class TherapistHandlerTest : public HandlerTest {
 protected:
  TherapistHandlerTest() {
    EXPECT_OK(store_.Write(absl::InfiniteFuture(), [&](SchedulingTx& tx) {
      Clinic clinic;
      clinic.clinic_id = "north";
      clinic.display_name = "North";
      clinic.time_zone = "Europe/London";
      clinic.policy.session_minutes = 45;
      return tx.InsertClinic(clinic, Now());
    }));
  }

  // Mondays 9 to 17, Tuesdays 9 to 12.
  static pb::CreateTherapistRequest NewTherapist(const std::string& id) {
    pb::CreateTherapistRequest request;
    request.set_parent("clinics/north");
    request.set_therapist_id(id);
    request.mutable_therapist()->set_display_name("Dr A");
    AddWindow(request.mutable_therapist(), google::type::MONDAY, 9, 17);
    AddWindow(request.mutable_therapist(), google::type::TUESDAY, 9, 12);
    return request;
  }
  absl::StatusOr<pb::Therapist> Create(const pb::CreateTherapistRequest& request) {
    return handler_.CreateTherapist(WriteCall(request), request);
  }
  void AddA() {
    ASSERT_OK(Create(NewTherapist("a")));
    NewEvents();
  }
  absl::StatusOr<pb::Therapist> Get() {
    pb::GetTherapistRequest request;
    request.set_name(kA);
    return handler_.GetTherapist(ReadCall(), request);
  }
  absl::StatusOr<pb::UpdateTherapistResponse> Update(pb::UpdateTherapistRequest request,
                                                     const std::string& path) {
    request.mutable_therapist()->set_name(kA);
    request.mutable_update_mask()->add_paths(path);
    return handler_.UpdateTherapist(WriteCall(request), request);
  }
  absl::StatusOr<pb::DeactivateTherapistResponse> Deactivate(bool force,
                                                             bool validate_only = false) {
    pb::DeactivateTherapistRequest request;
    request.set_name(kA);
    request.set_force(force);
    request.set_validate_only(validate_only);
    return handler_.DeactivateTherapist(WriteCall(request), request);
  }
  absl::StatusOr<pb::CreateTimeOffResponse> AddTimeOff(pb::CreateTimeOffRequest request) {
    request.set_parent(kA);
    return handler_.CreateTimeOff(WriteCall(request), request);
  }
  absl::StatusOr<pb::CreateTimeOffResponse> AddDaysOff(absl::CivilDay first, absl::CivilDay last) {
    pb::CreateTimeOffRequest request;
    Set(request.mutable_time_off()->mutable_days()->mutable_first(), first);
    Set(request.mutable_time_off()->mutable_days()->mutable_last(), last);
    return AddTimeOff(request);
  }
  absl::StatusOr<pb::ExtraHours> AddExtraHours(absl::Time start, absl::Time end) {
    pb::CreateExtraHoursRequest request;
    request.set_parent(kA);
    Set(request.mutable_extra_hours()->mutable_time(), start, end);
    return handler_.CreateExtraHours(WriteCall(request), request);
  }
  absl::StatusOr<pb::TherapistCalendar> Calendar(absl::CivilDay first, int days) {
    pb::GetTherapistCalendarRequest request;
    request.set_name(kA);
    Set(request.mutable_first_day(), first);
    request.set_days(days);
    return handler_.GetTherapistCalendar(ReadCall(), request);
  }
  static std::string SessionOf(int patient, int number) {
    return absl::StrCat("clinics/north/courses/kp", patient, "/sessions/s", number);
  }
  // "2026-11-02 09:00-17:00" of each span, in London.
  static std::vector<std::string> Spans(
      const google::protobuf::RepeatedPtrField<pb::TimeRange>& ranges) {
    std::vector<std::string> spans;
    const absl::TimeZone zone = *LoadZone("Europe/London");
    for (const auto& range : ranges) {
      spans.push_back(absl::StrCat(
          absl::FormatTime("%m-%d %H:%M-", absl::FromUnixSeconds(range.start_time().seconds()),
                           zone),
          absl::FormatTime("%H:%M", absl::FromUnixSeconds(range.end_time().seconds()), zone)));
    }
    return spans;
  }

  TherapistHandler handler_{store_, ids_};
};

TEST_F(TherapistHandlerTest, CreatesATherapistWithTheClinicsDefaults) {
  ASSERT_OK_AND_ASSIGN(const pb::Therapist created, Create(NewTherapist("a")));
  EXPECT_EQ(created.name(), kA);
  EXPECT_EQ(created.time_zone(), "Europe/London");
  EXPECT_EQ(created.session_minutes(), 45);
  EXPECT_EQ(created.buffer_minutes(), 0);
  EXPECT_TRUE(created.active());
  EXPECT_EQ(created.working_hours_size(), 2);
  EXPECT_THAT(NewEvents(), ElementsAre("therapist"));
  ASSERT_OK_AND_ASSIGN(const pb::Therapist read, Get());
  EXPECT_EQ(read.ShortDebugString(), created.ShortDebugString());
  EXPECT_THAT(Create(NewTherapist("a")),
              FailsWith(absl::StatusCode::kAlreadyExists, "RESOURCE_EXISTS"));
  ASSERT_OK_AND_ASSIGN(const pb::Therapist named, Create(NewTherapist("")));
  EXPECT_TRUE(IsUuid(named.name().substr(named.name().rfind('/') + 1))) << named.name();
}

TEST_F(TherapistHandlerTest, NamesEveryBadFieldOfANewTherapist) {
  auto request = NewTherapist("A b");
  AddWindow(request.mutable_therapist(), google::type::MONDAY, 16, 18);
  request.mutable_therapist()->set_time_zone("GMT+1");
  request.mutable_therapist()->add_languages("english!");
  EXPECT_THAT(Create(request), HasBadFields("therapist_id", "therapist.working_hours[2]",
                                            "therapist.time_zone", "therapist.languages[0]"));
}

TEST_F(TherapistHandlerTest, ListsByFilterAndPage) {
  auto a = NewTherapist("a");
  a.mutable_therapist()->add_languages("pt-BR");
  a.mutable_therapist()->add_variants("ipc-6");
  ASSERT_OK(Create(a));
  ASSERT_OK(Create(NewTherapist("b")));
  ASSERT_OK(Create(NewTherapist("c")));
  ASSERT_OK(Deactivate(false));

  const auto list = [&](auto fill) {
    pb::ListTherapistsRequest request;
    request.set_parent("clinics/north");
    request.set_page_size(1);
    fill(request);
    std::vector<std::string> ids;
    do {
      const auto page = handler_.ListTherapists(ReadCall(), request);
      EXPECT_OK(page);
      for (const auto& name : NamesOf(page->therapists())) ids.push_back(name.substr(25));
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return ids;
  };
  EXPECT_THAT(list([](auto&) {}), ElementsAre("a", "b", "c"));
  EXPECT_THAT(list([](auto& r) { r.set_active_only(true); }), ElementsAre("b", "c"));
  EXPECT_THAT(list([](auto& r) { r.set_language("PT-br"); }), ElementsAre("a"));
  EXPECT_THAT(list([](auto& r) { r.set_variant("ipc-6"); }), ElementsAre("a", "b", "c"));
  EXPECT_THAT(list([](auto& r) { r.set_variant("ipt-uk-16"); }), ElementsAre("b", "c"));

  pb::ListTherapistsRequest bad;
  bad.set_language("!");
  bad.set_variant("none");
  EXPECT_THAT(handler_.ListTherapists(ReadCall(), bad), HasBadFields("language", "variant"));
}

TEST_F(TherapistHandlerTest, NewHoursTellWhichSessionsTheyLeaveOutside) {
  AddA();
  AddCourse("p1", "a",
            {At(CivilMinute(2026, 10, 26, 16, 0)),    // past
             At(CivilMinute(2026, 11, 9, 9, 0)),      // stays inside
             At(CivilMinute(2026, 11, 9, 15, 30)),    // passes 16:00
             At(CivilMinute(2026, 11, 10, 11, 30)),   // was outside before: 12:20 past 12:00
             At(CivilMinute(2026, 11, 16, 16, 0))});  // outside, but in extra hours
  ASSERT_OK(
      AddExtraHours(At(CivilMinute(2026, 11, 16, 15, 0)), At(CivilMinute(2026, 11, 16, 19, 0))));
  NewEvents();
  const int64_t version = TherapistVersion("a");

  pb::UpdateTherapistRequest request;
  AddWindow(request.mutable_therapist(), google::type::MONDAY, 9, 16);
  AddWindow(request.mutable_therapist(), google::type::TUESDAY, 9, 12);
  request.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(const pb::Therapist before, Get());
  ASSERT_OK_AND_ASSIGN(auto answer, Update(request, "working_hours"));
  EXPECT_THAT(NamesOf(answer.affected_sessions()), ElementsAre(SessionOf(1, 3)));
  EXPECT_EQ(answer.therapist().etag(), before.etag());
  EXPECT_EQ(answer.therapist().working_hours(0).end().hours(), 16);
  EXPECT_THAT(NewEvents(), IsEmpty());
  EXPECT_EQ(TherapistVersion("a"), version);

  request.set_validate_only(false);
  ASSERT_OK_AND_ASSIGN(answer, Update(request, "working_hours"));
  EXPECT_THAT(NamesOf(answer.affected_sessions()), ElementsAre(SessionOf(1, 3)));
  EXPECT_NE(answer.therapist().etag(), before.etag());
  EXPECT_THAT(NewEvents(), ElementsAre("therapist"));
  EXPECT_EQ(TherapistVersion("a"), version + 1);
}

TEST_F(TherapistHandlerTest, AnotherZoneMovesTheHours) {
  AddA();
  AddCourse("p1", "a", {At(CivilMinute(2026, 11, 9, 9, 0)), At(CivilMinute(2026, 11, 9, 16, 10))});
  pb::UpdateTherapistRequest request;
  request.mutable_therapist()->set_time_zone("Europe/Paris");  // 9 to 17 becomes 8 to 16 London
  ASSERT_OK_AND_ASSIGN(const auto answer, Update(request, "time_zone"));
  EXPECT_THAT(NamesOf(answer.affected_sessions()), ElementsAre(SessionOf(1, 2)));
}

TEST_F(TherapistHandlerTest, AnotherZoneMovesTheDaysOff) {
  auto request = NewTherapist("a");
  request.mutable_therapist()->clear_working_hours();
  ASSERT_OK(Create(request));
  const absl::CivilDay day(2026, 11, 9);
  ASSERT_OK_AND_ASSIGN(const auto over, AddDaysOff(day - 9, day - 9));
  ASSERT_OK_AND_ASSIGN(const auto days, AddDaysOff(day, day + 1));
  pb::CreateTimeOffRequest exact;
  Set(exact.mutable_time_off()->mutable_time(), At(CivilMinute(2026, 11, 20, 9, 0)),
      At(CivilMinute(2026, 11, 20, 12, 0)));
  ASSERT_OK_AND_ASSIGN(const auto hours, AddTimeOff(exact));
  AddCourse("p1", "a",
            {At(CivilMinute(2026, 11, 9, 2, 0)),      // in the old days off only
             At(CivilMinute(2026, 11, 11, 2, 0)),     // 10 November, 21:00 in New York
             At(CivilMinute(2026, 11, 20, 10, 0))});  // in the hours off before and after
  NewEvents();

  pb::UpdateTherapistRequest update;
  update.mutable_therapist()->set_time_zone("America/New_York");
  update.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(auto answer, Update(update, "time_zone"));
  EXPECT_THAT(NamesOf(answer.affected_sessions()), ElementsAre(SessionOf(1, 2)));
  EXPECT_THAT(NewEvents(), IsEmpty());
  update.set_validate_only(false);
  ASSERT_OK_AND_ASSIGN(answer, Update(update, "time_zone"));
  EXPECT_THAT(NamesOf(answer.affected_sessions()), ElementsAre(SessionOf(1, 2)));
  EXPECT_THAT(NewEvents(), ElementsAre("time_off~", "therapist"));

  pb::ListTimeOffRequest list;
  list.set_parent(kA);
  ASSERT_OK_AND_ASSIGN(const auto listed, handler_.ListTimeOff(ReadCall(), list));
  ASSERT_EQ(listed.time_off_size(), 3);
  EXPECT_EQ(listed.time_off(0).ShortDebugString(), over.time_off().ShortDebugString())
      << "what is over stays as it was";
  const pb::TimeOff& moved = listed.time_off(1);
  EXPECT_EQ(moved.start_time().seconds(),
            absl::ToUnixSeconds(At(CivilMinute(2026, 11, 9, 0, 0), "America/New_York")));
  EXPECT_EQ(moved.end_time().seconds(),
            absl::ToUnixSeconds(At(CivilMinute(2026, 11, 11, 0, 0), "America/New_York")));
  EXPECT_EQ(moved.days().ShortDebugString(), days.time_off().days().ShortDebugString());
  EXPECT_GT(moved.revision(), days.time_off().revision());
  EXPECT_EQ(listed.time_off(2).ShortDebugString(), hours.time_off().ShortDebugString());
}

TEST_F(TherapistHandlerTest, AnUpdateThatTouchesNoHoursAffectsNothing) {
  AddA();
  AddCourse("p1", "a", {At(CivilMinute(2026, 11, 8, 9, 0))});  // a Sunday: outside already
  const int64_t version = TherapistVersion("a");
  pb::UpdateTherapistRequest request;
  request.mutable_therapist()->set_display_name("Dr B");
  ASSERT_OK_AND_ASSIGN(const auto answer, Update(request, "display_name"));
  EXPECT_EQ(answer.therapist().display_name(), "Dr B");
  EXPECT_EQ(answer.therapist().open_courses(), 1);
  EXPECT_THAT(answer.affected_sessions(), IsEmpty());
  EXPECT_EQ(TherapistVersion("a"), version);
}

TEST_F(TherapistHandlerTest, RefusesABadUpdate) {
  AddA();
  pb::UpdateTherapistRequest request;
  request.mutable_therapist()->set_session_minutes(3);
  EXPECT_THAT(Update(request, "session_minutes"), HasBadFields("therapist.session_minutes"));
  request.mutable_therapist()->set_etag("\"999\"");
  EXPECT_THAT(Update(request, "session_minutes"),
              FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  pb::UpdateTherapistRequest nameless;
  EXPECT_THAT(handler_.UpdateTherapist(WriteCall(nameless), nameless),
              HasBadFields("therapist.name"));
}

TEST_F(TherapistHandlerTest, DeactivatesOnlyWithoutOpenCoursesUnlessForced) {
  AddA();
  AddCourse("p1", "a", {At(CivilMinute(2026, 10, 26, 9, 0)), At(CivilMinute(2026, 11, 9, 9, 0))});
  AddCourse("p2", "a", {At(CivilMinute(2026, 11, 9, 10, 0))});
  EXPECT_THAT(Deactivate(false),
              FailsWith(absl::StatusCode::kFailedPrecondition, "THERAPIST_HAS_COURSES"));
  EXPECT_THAT(NewEvents(), IsEmpty());

  ASSERT_OK_AND_ASSIGN(auto answer, Deactivate(true, true));
  EXPECT_FALSE(answer.therapist().active());
  ASSERT_OK_AND_ASSIGN(pb::Therapist therapist, Get());
  EXPECT_TRUE(therapist.active());

  ASSERT_OK_AND_ASSIGN(answer, Deactivate(true));
  EXPECT_FALSE(answer.therapist().active());
  EXPECT_THAT(NamesOf(answer.affected_sessions()), ElementsAre(SessionOf(1, 2), SessionOf(2, 1)));
  EXPECT_THAT(answer.open_courses(),
              ElementsAre("clinics/north/courses/kp1", "clinics/north/courses/kp2"));
  EXPECT_THAT(NewEvents(), ElementsAre("therapist"));

  pb::ActivateTherapistRequest activate;
  activate.set_name(kA);
  activate.set_etag("\"1\"");
  EXPECT_THAT(handler_.ActivateTherapist(WriteCall(activate), activate),
              FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  activate.set_etag(answer.therapist().etag());
  ASSERT_OK_AND_ASSIGN(therapist, handler_.ActivateTherapist(WriteCall(activate), activate));
  EXPECT_TRUE(therapist.active());
}

TEST_F(TherapistHandlerTest, DaysOffAreDaysOfTheTherapistsZone) {
  AddA();
  AddCourse("p1", "a", {At(CivilMinute(2027, 3, 27, 23, 30)), At(CivilMinute(2027, 3, 29, 0, 0))});
  const int64_t version = TherapistVersion("a");
  // Clocks go forward on Sunday 28 March 2027: a day of 23 hours.
  ASSERT_OK_AND_ASSIGN(const auto answer,
                       AddDaysOff(absl::CivilDay(2027, 3, 28), absl::CivilDay(2027, 3, 28)));
  EXPECT_EQ(answer.time_off().end_time().seconds() - answer.time_off().start_time().seconds(),
            23 * 3600);
  EXPECT_EQ(answer.time_off().days().first().day(), 28);
  EXPECT_THAT(NamesOf(answer.affected_sessions()), ElementsAre(SessionOf(1, 1)));
  EXPECT_GT(answer.revision(), 0);
  EXPECT_THAT(NewEvents(), ElementsAre("time_off+"));
  EXPECT_EQ(TherapistVersion("a"), version + 1);

  pb::DeleteTimeOffRequest request;
  request.set_name(answer.time_off().name());
  ASSERT_OK(handler_.DeleteTimeOff(WriteCall(request), request));
  EXPECT_THAT(NewEvents(), ElementsAre("time_off-"));
  EXPECT_EQ(TherapistVersion("a"), version + 2);
  EXPECT_THAT(handler_.DeleteTimeOff(WriteCall(request), request),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(TherapistHandlerTest, TimeOffOfExactInstantsAffectsWhatOverlapsIt) {
  AddA();
  AddCourse("p1", "a",
            {At(CivilMinute(2026, 11, 9, 9, 0)), At(CivilMinute(2026, 11, 9, 10, 0)),
             At(CivilMinute(2026, 11, 9, 11, 0))});
  pb::CreateTimeOffRequest request;
  Set(request.mutable_time_off()->mutable_time(), At(CivilMinute(2026, 11, 9, 9, 50)),
      At(CivilMinute(2026, 11, 9, 11, 0)));
  request.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(const auto answer, AddTimeOff(request));
  EXPECT_THAT(NamesOf(answer.affected_sessions()), ElementsAre(SessionOf(1, 2)));
  EXPECT_EQ(answer.revision(), 0);
  EXPECT_EQ(answer.time_off().revision(), 0);
  pb::ListTimeOffRequest list;
  list.set_parent(kA);
  ASSERT_OK_AND_ASSIGN(const auto listed, handler_.ListTimeOff(ReadCall(), list));
  EXPECT_THAT(listed.time_off(), IsEmpty());
}

TEST_F(TherapistHandlerTest, TellsTheFirst500AffectedSessionsAndHowManyThereAre) {
  auto request = NewTherapist("a");
  request.mutable_therapist()->clear_working_hours();
  for (int day = 1; day <= 7; ++day) {
    AddWindow(request.mutable_therapist(), static_cast<google::type::DayOfWeek>(day), 0, 24);
  }
  ASSERT_OK(Create(request));
  std::vector<absl::Time> starts;
  starts.reserve(1200);
  for (int i = 0; i < 1200; ++i) {
    starts.push_back(At(CivilMinute(2026, 11, 3, 0, 0)) + i * absl::Hours(1));
  }
  AddCourse("p1", "a", starts);
  ASSERT_OK_AND_ASSIGN(const auto answer,
                       AddDaysOff(absl::CivilDay(2026, 11, 3), absl::CivilDay(2027, 11, 3)));
  EXPECT_EQ(answer.affected_sessions_size(), 500);
  EXPECT_EQ(answer.affected_sessions(499).name(), SessionOf(1, 500));
  EXPECT_EQ(answer.affected_count(), 1200);

  pb::UpdateTherapistRequest update;
  ASSERT_OK_AND_ASSIGN(const auto updated, Update(update, "working_hours"));
  EXPECT_EQ(updated.affected_sessions_size(), 500);
  EXPECT_EQ(updated.affected_count(), 1200);
  ASSERT_OK_AND_ASSIGN(const auto deactivated, Deactivate(true));
  EXPECT_EQ(deactivated.affected_sessions_size(), 500);
  EXPECT_EQ(deactivated.affected_count(), 1200);
}

TEST_F(TherapistHandlerTest, ListsTimeOffByStartInPages) {
  AddA();
  for (const int day : {20, 10, 15})
    ASSERT_OK(AddDaysOff(absl::CivilDay(2026, 11, day), absl::CivilDay(2026, 11, day)));
  pb::ListTimeOffRequest list;
  list.set_parent(kA);
  list.set_page_size(2);
  ASSERT_OK_AND_ASSIGN(auto page, handler_.ListTimeOff(ReadCall(), list));
  ASSERT_EQ(page.time_off_size(), 2);
  EXPECT_EQ(page.time_off(0).days().first().day(), 10);
  EXPECT_EQ(page.time_off(1).days().first().day(), 15);
  list.set_page_token(page.next_page_token());
  ASSERT_OK_AND_ASSIGN(page, handler_.ListTimeOff(ReadCall(), list));
  ASSERT_EQ(page.time_off_size(), 1);
  EXPECT_EQ(page.time_off(0).days().first().day(), 20);
  EXPECT_EQ(page.next_page_token(), "");

  list.clear_page_token();
  list.mutable_start_time()->set_seconds(absl::ToUnixSeconds(At(CivilMinute(2026, 11, 16, 0, 0))));
  ASSERT_OK_AND_ASSIGN(page, handler_.ListTimeOff(ReadCall(), list));
  EXPECT_EQ(page.time_off_size(), 1);
  list.set_parent("clinics/north/therapists/nobody");
  EXPECT_THAT(handler_.ListTimeOff(ReadCall(), list), StatusIs(absl::StatusCode::kNotFound));
  list.set_parent(kA);
  list.set_page_token("x");
  EXPECT_THAT(handler_.ListTimeOff(ReadCall(), list), HasBadFields("page_token"));
}

TEST_F(TherapistHandlerTest, NamesBadTimeOffAndExtraHours) {
  AddA();
  EXPECT_THAT(AddTimeOff({}), HasBadFields("time_off.period"));
  EXPECT_THAT(AddDaysOff(absl::CivilDay(2026, 11, 4), absl::CivilDay(2026, 11, 3)),
              HasBadFields("time_off.days.last"));
  EXPECT_THAT(AddExtraHours(Now(), Now()), HasBadFields("extra_hours.time.end_time"));
  EXPECT_THAT(AddExtraHours(Now(), Now() + absl::Hours(25)),
              HasBadFields("extra_hours.time.end_time"));
}

TEST_F(TherapistHandlerTest, ExtraHoursTakenBackTellWhatTheyLeaveOutside) {
  AddA();
  // Saturday 14 November, twice over from 10 to 11.
  ASSERT_OK_AND_ASSIGN(
      const pb::ExtraHours extra,
      AddExtraHours(At(CivilMinute(2026, 11, 14, 9, 0)), At(CivilMinute(2026, 11, 14, 12, 0))));
  ASSERT_OK(
      AddExtraHours(At(CivilMinute(2026, 11, 14, 10, 0)), At(CivilMinute(2026, 11, 14, 11, 0))));
  AddCourse("p1", "a",
            {At(CivilMinute(2026, 11, 14, 9, 0)), At(CivilMinute(2026, 11, 14, 10, 0)),
             At(CivilMinute(2026, 11, 14, 11, 0)), At(CivilMinute(2026, 11, 14, 12, 30))});
  EXPECT_THAT(NewEvents(), ElementsAre("extra+", "extra+"));
  const int64_t version = TherapistVersion("a");
  pb::ListExtraHoursRequest list;
  list.set_parent(kA);

  pb::DeleteExtraHoursRequest request;
  request.set_name(extra.name());
  request.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(auto answer, handler_.DeleteExtraHours(WriteCall(request), request));
  EXPECT_THAT(NamesOf(answer.affected_sessions()), ElementsAre(SessionOf(1, 1), SessionOf(1, 3)));
  EXPECT_EQ(answer.revision(), 0);
  ASSERT_OK_AND_ASSIGN(auto listed, handler_.ListExtraHours(ReadCall(), list));
  EXPECT_EQ(listed.extra_hours_size(), 2);

  request.set_validate_only(false);
  ASSERT_OK_AND_ASSIGN(answer, handler_.DeleteExtraHours(WriteCall(request), request));
  EXPECT_THAT(NamesOf(answer.affected_sessions()), ElementsAre(SessionOf(1, 1), SessionOf(1, 3)));
  EXPECT_GT(answer.revision(), 0);
  ASSERT_OK_AND_ASSIGN(listed, handler_.ListExtraHours(ReadCall(), list));
  EXPECT_EQ(listed.extra_hours_size(), 1);
  EXPECT_THAT(NewEvents(), ElementsAre("extra-"));
  EXPECT_EQ(TherapistVersion("a"), version + 1);
}

TEST_F(TherapistHandlerTest, ShowsTheCalendar) {
  AddA();
  ASSERT_OK(store_.Write(absl::InfiniteFuture(), [&](SchedulingTx& tx) {
    Holiday holiday{"north", absl::CivilDay(2026, 11, 10), "Closed", {}};
    return tx.PutHoliday(holiday, Now());
  }));
  pb::CreateTimeOffRequest away;
  Set(away.mutable_time_off()->mutable_time(), At(CivilMinute(2026, 11, 9, 12, 0)),
      At(CivilMinute(2026, 11, 9, 13, 0)));
  ASSERT_OK(AddTimeOff(away));
  ASSERT_OK(
      AddExtraHours(At(CivilMinute(2026, 11, 9, 17, 0)), At(CivilMinute(2026, 11, 9, 19, 0))));
  AddCourse("p1", "a", {At(CivilMinute(2026, 11, 8, 9, 0)), At(CivilMinute(2026, 11, 9, 9, 0))});
  AddCourse("p2", "a", {At(CivilMinute(2026, 11, 9, 10, 0))}, SessionState::kCancelled);
  AddCourse("p3", "a", {At(CivilMinute(2026, 11, 9, 10, 0))}, SessionState::kNoShow);

  ASSERT_OK_AND_ASSIGN(auto calendar, Calendar(absl::CivilDay(2026, 11, 9), 2));
  EXPECT_EQ(calendar.therapist(), kA);
  EXPECT_EQ(calendar.time_zone(), "Europe/London");
  EXPECT_THAT(Spans(calendar.available()), ElementsAre("11-09 09:00-12:00", "11-09 13:00-19:00"));
  EXPECT_EQ(calendar.time_off_size(), 1);
  ASSERT_EQ(calendar.holidays_size(), 1);
  EXPECT_EQ(calendar.holidays(0).day(), 10);
  EXPECT_THAT(NamesOf(calendar.sessions()), ElementsAre(SessionOf(1, 2), SessionOf(3, 1)));

  ASSERT_OK_AND_ASSIGN(calendar, Calendar(absl::CivilDay(2026, 11, 16), 0));
  EXPECT_THAT(Spans(calendar.available()), ElementsAre("11-16 09:00-17:00", "11-17 09:00-12:00"));
  ASSERT_OK(Deactivate(true));
  ASSERT_OK_AND_ASSIGN(calendar, Calendar(absl::CivilDay(2026, 11, 16), 7));
  EXPECT_THAT(calendar.available(), IsEmpty());
}

TEST_F(TherapistHandlerTest, TheCalendarOfAnotherZoneSeesTheClinicsDays) {
  auto request = NewTherapist("a");
  request.mutable_therapist()->set_time_zone("Pacific/Auckland");  // 13 hours before London
  ASSERT_OK(Create(request));
  ASSERT_OK(store_.Write(absl::InfiniteFuture(), [&](SchedulingTx& tx) {
    Holiday holiday{"north", absl::CivilDay(2026, 11, 8), "Closed", {}};
    return tx.PutHoliday(holiday, Now());
  }));
  // London's Sunday is Auckland's Sunday 13:00 to Monday 13:00.
  ASSERT_OK_AND_ASSIGN(const auto calendar, Calendar(absl::CivilDay(2026, 11, 9), 1));
  EXPECT_EQ(calendar.holidays_size(), 1);
  ASSERT_EQ(calendar.available_size(), 1);
  EXPECT_EQ(calendar.available(0).start_time().seconds(),
            absl::ToUnixSeconds(At(CivilMinute(2026, 11, 9, 13, 0), "Pacific/Auckland")));
}

TEST_F(TherapistHandlerTest, NamesBadCalendarSpans) {
  AddA();
  pb::GetTherapistCalendarRequest request;
  request.set_name(kA);
  request.set_days(93);
  EXPECT_THAT(handler_.GetTherapistCalendar(ReadCall(), request),
              HasBadFields("first_day", "days"));
  EXPECT_THAT(Calendar(absl::CivilDay(2026, 11, 9), -1), HasBadFields("days"));
}

TEST_F(TherapistHandlerTest, KnowsNothingOfATherapistWhoIsNotThere) {
  EXPECT_THAT(Get(), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(AddDaysOff(absl::CivilDay(2026, 11, 3), absl::CivilDay(2026, 11, 3)),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(AddExtraHours(Now(), Now() + absl::Hours(1)), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Deactivate(true), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Calendar(absl::CivilDay(2026, 11, 3), 1), StatusIs(absl::StatusCode::kNotFound));

  auto request = NewTherapist("a");
  request.set_parent("clinics/south");
  request.mutable_therapist()->set_time_zone("Europe/London");
  request.mutable_therapist()->set_session_minutes(50);
  CallContext ctx = WriteCall(request);
  ctx.clinic_id = "south";
  EXPECT_THAT(handler_.CreateTherapist(ctx, request), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace ipt::scheduling
