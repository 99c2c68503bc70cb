#include "iptctl/flag_binding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "ipt/formulation/v1/goal_service.pb.h"
#include "ipt/formulation/v1/inventory_service.pb.h"
#include "ipt/scheduling/v1/clinic_service.pb.h"
#include "ipt/scheduling/v1/course_service.pb.h"
#include "ipt/scheduling/v1/session_service.pb.h"
#include "ipt/scheduling/v1/therapist_service.pb.h"
#include "iptctl/positionals.h"
#include "iptctl/resource_names.h"
#include "tests/support/status_matchers.h"

namespace ipt::ctl {
namespace {

namespace v1 = scheduling::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

ValueContext Context() {
  ValueContext context;
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone("Europe/London", &zone));
  context.time.zone = zone;
  context.time.now = absl::FromUnixSeconds(1767225600);  // 2026-01-01
  return context;
}

// Applies the flags to an empty request, in the generated type.
template <typename Request>
absl::StatusOr<Request> Bind(const std::vector<FlagText>& flags,
                             const std::vector<const char*>& specs = {},
                             const std::vector<std::string>& words = {},
                             ValueContext context = Context()) {
  const Descriptor* type = nullptr;
  for (const MethodDescriptor* method : ContractMethods()) {
    if (method->input_type()->full_name() == Request::descriptor()->full_name()) {
      type = method->input_type();
    }
  }
  const auto request = NewMessage(*type);
  std::vector<Positional> positionals;
  for (const char* spec : specs) positionals.emplace_back(spec);
  absl::Status status = ApplyPositionals(positionals, words, context, *request);
  if (status.ok()) status = RequestFlags(*type).Apply(flags, context, *request);
  if (!status.ok()) return status;
  Request typed;
  typed.ParseFromString(request->SerializeAsString());
  return typed;
}

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

template <typename Request>
std::vector<std::string> Paths(const Request& request) {
  return {request.update_mask().paths().begin(), request.update_mask().paths().end()};
}

TEST(FlagBindingTest, BindsEveryKindOfField) {
  ASSERT_OK_AND_ASSIGN(const auto request,
                       Bind<v1::CreateTherapistRequest>({{"display-name", "Ana"},
                                                         {"therapist.session-minutes", "45"},
                                                         {"working-hours", "mon-wed 09:00-12:00"},
                                                         {"working_hours", "fri 13:00-24:00"},
                                                         {"language", "en"},
                                                         {"languages", "es"},
                                                         {"request-id", "r1"}}));
  const v1::Therapist& therapist = request.therapist();
  EXPECT_EQ(therapist.display_name(), "Ana");
  EXPECT_EQ(therapist.session_minutes(), 45);
  ASSERT_EQ(therapist.working_hours_size(), 4);
  EXPECT_EQ(therapist.working_hours(2).day(), google::type::WEDNESDAY);
  EXPECT_EQ(therapist.working_hours(3).start().hours(), 13);
  EXPECT_EQ(therapist.working_hours(3).end().hours(), 24);
  EXPECT_THAT(therapist.languages(), ElementsAre("en", "es"));
  EXPECT_EQ(request.request_id(), "r1");
}

TEST(FlagBindingTest, BindsDatesIdentifiersAndEnums) {
  ASSERT_OK_AND_ASSIGN(const auto pause,
                       Bind<v1::PauseCourseRequest>({{"first-day", "2026-10-05"},
                                                     {"pause.last-day", "2026-10-11"},
                                                     {"reason", "patient-away"},
                                                     {"cancel-sessions", "true"}}));
  EXPECT_EQ(pause.pause().first_day().month(), 10);
  EXPECT_EQ(pause.pause().last_day().day(), 11);
  EXPECT_EQ(pause.pause().reason(), v1::PAUSE_REASON_PATIENT_AWAY);
  EXPECT_TRUE(pause.cancel_sessions());

  ASSERT_OK_AND_ASSIGN(
      const auto course,
      Bind<v1::CreateCourseRequest>({{"patient", "urn:oid:1.2|a|47"}, {"modality", "IN_PERSON"}}));
  EXPECT_EQ(course.course().patient().system(), "urn:oid:1.2|a");
  EXPECT_EQ(course.course().patient().value(), "47");
  EXPECT_EQ(course.course().modality(), v1::MODALITY_IN_PERSON);
}

TEST(FlagBindingTest, BindsDatesAsWellAsTheyAreKnown) {
  const auto start = [](const char* text) -> std::string {
    const auto request = Bind<formulation::v1::CreateLifeEventRequest>({{"start-date", text}});
    if (!request.ok()) return MessageOf(request.status());
    const formulation::v1::PartialDate& date = request->life_event().start_date();
    return absl::StrCat(date.approximate() ? "~" : "", date.date().year(), "-", date.date().month(),
                        "-", date.date().day());
  };
  EXPECT_EQ(start("2009"), "2009-0-0");
  EXPECT_EQ(start("2009-03"), "2009-3-0");
  EXPECT_EQ(start("2009-03-12"), "2009-3-12");
  EXPECT_EQ(start("~2009-03"), "~2009-3-0");
  EXPECT_EQ(start("about 2009"), "~2009-0-0");
  EXPECT_EQ(start("today"), "2026-1-1");
  for (const char* bad : {"2009-13", "2009-02-30", "spring", "~", ""}) {
    EXPECT_THAT(start(bad), HasSubstr("write 2009, 2009-03")) << bad;
  }
}

TEST(FlagBindingTest, BindsMessagesAsPairsOrJson) {
  ASSERT_OK_AND_ASSIGN(
      const auto request,
      Bind<v1::ImportCourseRequest>(
          {{"past-session", "start-time=2026-06-01T09:00,outcome=attended,modality=video"},
           {"past-sessions", R"({"startTime": "2026-06-08T08:00:00Z", "outcome": 3})"},
           {"pause", "first-day=2026-06-15,last-day=2026-06-21,reason=illness"}}));
  ASSERT_EQ(request.past_sessions_size(), 2);
  EXPECT_EQ(request.past_sessions(0).start_time().seconds(), 1780300800);  // 08:00Z: summer time
  EXPECT_EQ(request.past_sessions(0).modality(), v1::MODALITY_VIDEO);
  EXPECT_EQ(request.past_sessions(1).outcome(), v1::ATTENDANCE_OUTCOME_NO_SHOW);
  EXPECT_EQ(request.pauses(0).reason(), v1::PAUSE_REASON_ILLNESS);
}

TEST(FlagBindingTest, TakesOneMemberOfAOneof) {
  ASSERT_OK_AND_ASSIGN(const auto request,
                       Bind<v1::CreateTimeOffRequest>({{"days", "2026-08-03..2026-08-14"}}));
  EXPECT_EQ(request.time_off().days().last().day(), 14);
  EXPECT_THAT(MessageOf(Bind<v1::CreateTimeOffRequest>(
                            {{"days", "2026-08-03"}, {"time", "2026-08-03T09:00..10:00"}})
                            .status()),
              HasSubstr("not both"));
}

TEST(FlagBindingTest, MakesTheMaskFromTheFlags) {
  ASSERT_OK_AND_ASSIGN(const auto clinic, Bind<v1::UpdateClinicRequest>({{"pause-cap-days", "42"},
                                                                         {"display-name", "North"},
                                                                         {"etag", "\"e1\""}}));
  EXPECT_THAT(Paths(clinic), ElementsAre("display_name", "policy.pause_cap_days"));
  EXPECT_EQ(clinic.clinic().etag(), "\"e1\"");
  EXPECT_EQ(clinic.clinic().policy().pause_cap_days(), 42);
}

TEST(FlagBindingTest, TakesAFieldBackByAnEmptyValue) {
  ASSERT_OK_AND_ASSIGN(
      const auto request,
      Bind<v1::UpdateTherapistRequest>(
          {{"session-minutes", ""}, {"languages", ""}, {"validate-only", "true"}}));
  EXPECT_THAT(Paths(request), ElementsAre("languages", "session_minutes"));
  EXPECT_FALSE(request.therapist().has_session_minutes());
  EXPECT_TRUE(request.validate_only());
}

TEST(FlagBindingTest, KeepsAMaskThatIsGiven) {
  ASSERT_OK_AND_ASSIGN(const auto request, Bind<v1::UpdateClinicRequest>(
                                               {{"display-name", "North"}, {"update-mask", "*"}}));
  EXPECT_THAT(Paths(request), ElementsAre("*"));
}

TEST(FlagBindingTest, RefusesAnUpdateOfNothing) {
  EXPECT_THAT(MessageOf(Bind<v1::UpdateClinicRequest>({{"etag", "e"}}).status()),
              HasSubstr("nothing to change"));
}

TEST(FlagBindingTest, OffersNoFieldThatTheServerSets) {
  const RequestFlags flags(
      *FindMethod("ipt.scheduling.v1.CourseService.CreateCourse")->input_type());
  for (const char* hidden : {"course.state", "course.etag", "course.name", "course.pauses"}) {
    EXPECT_EQ(flags.Find(hidden), nullptr) << hidden;
  }
  const RequestFlags update(
      *FindMethod("ipt.scheduling.v1.CourseService.UpdateCourse")->input_type());
  EXPECT_EQ(update.Find("therapist"), nullptr) << "immutable";
  EXPECT_NE(update.Find("etag"), nullptr);
}

TEST(FlagBindingTest, ExplainsWhatIsWrong) {
  const auto message = [](std::vector<FlagText> flags) {
    return MessageOf(Bind<v1::RescheduleSessionRequest>(flags).status());
  };
  EXPECT_THAT(message({{"start-tme", "now"}}), HasSubstr("did you mean --start-time?"));
  EXPECT_THAT(message({{"scope", "thiss"}}), HasSubstr("did you mean this?"));
  EXPECT_THAT(message({{"scope", "all"}}), HasSubstr("this-and-following"));
  EXPECT_THAT(message({{"session-minutes", "fifty"}}), HasSubstr("--session-minutes: "));
  EXPECT_THAT(message({{"session-minutes", "99999999999"}}), HasSubstr("not a number"));
  EXPECT_THAT(message({{"reason", "a"}, {"reason", "b"}}), HasSubstr("more than once"));
  EXPECT_THAT(message({{"validate-only", "perhaps"}}), HasSubstr("true or false"));
  EXPECT_THAT(
      MessageOf(Bind<v1::PlanCourseRequest>({{"earliest-time", "2026-03-29T01:30"}}).status()),
      HasSubstr("does not exist in Europe/London"));
}

TEST(FlagBindingTest, RefusesAnAmbiguousTail) {
  // Ending a name that two fields share; each is reached by its whole path.
  const RequestFlags flags(
      *FindMethod("ipt.scheduling.v1.SessionService.RescheduleSession")->input_type());
  ASSERT_NE(flags.Find("reason"), nullptr);
  EXPECT_EQ(flags.Find("reason")->path, "reason");
  EXPECT_EQ(flags.Find("override.reason")->path, "override.reason");
}

TEST(FlagBindingTest, NeverRepeatsAnIdentifier) {
  EXPECT_THAT(MessageOf(Bind<v1::CreateCourseRequest>({{"patient", "998877"}}).status()),
              Not(HasSubstr("998877")));
}

TEST(PositionalsTest, SplitsNewNames) {
  ASSERT_OK_AND_ASSIGN(const auto named,
                       Bind<v1::CreateTherapistRequest>({}, {"THERAPIST=parent+therapist_id"},
                                                        {"clinics/north/therapists/ana"}));
  EXPECT_EQ(named.parent(), "clinics/north");
  EXPECT_EQ(named.therapist_id(), "ana");
  ASSERT_OK_AND_ASSIGN(const auto unnamed,
                       Bind<v1::BookSessionRequest>({}, {"SESSION=parent+session_id"},
                                                    {"clinics/north/courses/c1"}));
  EXPECT_EQ(unnamed.parent(), "clinics/north/courses/c1");
  EXPECT_EQ(unnamed.session_id(), "");
}

TEST(PositionalsTest, CompletesNamesBelowTheDefaultClinic) {
  ValueContext context = Context();
  context.clinic = "north";
  ASSERT_OK_AND_ASSIGN(const auto course,
                       Bind<v1::TransferCourseRequest>({}, {"COURSE=name", "THERAPIST=therapist"},
                                                       {"c1", "ben"}, context));
  EXPECT_EQ(course.name(), "clinics/north/courses/c1");
  EXPECT_EQ(course.therapist(), "clinics/north/therapists/ben");
  ASSERT_OK_AND_ASSIGN(const auto list,
                       Bind<v1::ListSessionsRequest>({}, {"COURSE=parent"}, {}, context));
  EXPECT_EQ(list.parent(), "clinics/north/courses/-");
  ASSERT_OK_AND_ASSIGN(
      const auto holiday,
      Bind<v1::CreateHolidaysRequest>(
          {}, {"CLINIC=parent", "DATE=holidays.date", "[NAME]=holidays.display_name"},
          {"2026-12-25", "Christmas"}, context));
  EXPECT_EQ(holiday.parent(), "clinics/north");
  EXPECT_EQ(holiday.holidays(0).date().day(), 25);
  EXPECT_EQ(holiday.holidays(0).display_name(), "Christmas");
  ASSERT_OK_AND_ASSIGN(
      const auto therapist,
      Bind<v1::CreateTherapistRequest>({}, {"THERAPIST=parent+therapist_id"}, {"ana"}, context));
  EXPECT_EQ(therapist.therapist_id(), "ana");
}

TEST(PositionalsTest, TakesACourseForAllOfItsGoals) {
  ASSERT_OK_AND_ASSIGN(const auto request, Bind<formulation::v1::ListGoalRatingsRequest>(
                                               {}, {"GOAL=parent"}, {"clinics/north/courses/c1"}));
  EXPECT_EQ(request.parent(), "clinics/north/courses/c1/goals/-");
}

TEST(PositionalsTest, CountsWords) {
  EXPECT_THAT(MessageOf(Bind<v1::GetCourseRequest>({}, {"COURSE=name"}, {}).status()),
              HasSubstr("COURSE is missing"));
  EXPECT_THAT(MessageOf(Bind<v1::GetCourseRequest>({}, {"COURSE=name"}, {"a", "b"}).status()),
              HasSubstr("\"b\" is one word too many"));
  ASSERT_OK_AND_ASSIGN(const auto batch,
                       Bind<v1::BatchGetCoursesRequest>({}, {"CLINIC=parent", "COURSE...=names"},
                                                        {"north", "a", "b"}));
  EXPECT_EQ(batch.parent(), "clinics/north");
  EXPECT_THAT(batch.names(), ElementsAre("a", "b"));
}

}  // namespace
}  // namespace ipt::ctl
