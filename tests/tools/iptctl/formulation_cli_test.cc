// `formulation show` and `guide show` against a server in this process that answers what it is told
// to, whatever is called.
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "client/channel.h"
#include "ipt/formulation/v1/event_service.pb.h"
#include "ipt/formulation/v1/formulation_service.pb.h"
#include "ipt/formulation/v1/goal_service.pb.h"
#include "ipt/formulation/v1/inventory_service.pb.h"
#include "ipt/formulation/v1/problem_area_service.pb.h"
#include "ipt/formulation/v1/protocol_service.pb.h"
#include "ipt/scheduling/v1/session_service.pb.h"
#include "iptctl/app.h"
#include "nlohmann/json.hpp"
#include "tests/support/fake_clock.h"
#include "tests/tools/iptctl/formulation_samples.h"
#include "tests/tools/iptctl/xml_elements.h"

namespace ipt::ctl {
namespace {

using samples::kCourse;
using samples::NameOf;
using samples::SampleFormulation;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

namespace f = formulation::v1;
namespace s = scheduling::v1;

// Answers a method with the bytes that are put down for it, and those without any with
// PERMISSION_DENIED.
class ScriptedService final : public grpc::CallbackGenericService {
 public:
  void Put(const std::string& method, const Message& answer) {
    const std::lock_guard<std::mutex> lock(mutex_);
    answers_["/ipt." + method] = answer.SerializeAsString();
  }
  void Remove(const std::string& method) {
    const std::lock_guard<std::mutex> lock(mutex_);
    answers_.erase("/ipt." + method);
  }
  // What the method was last asked.
  template <typename Request>
  Request Asked(const std::string& method) {
    const std::lock_guard<std::mutex> lock(mutex_);
    Request request;
    request.ParseFromString(requests_["/ipt." + method]);
    return request;
  }

 private:
  class Answer final : public grpc::ServerGenericBidiReactor {
   public:
    Answer(ScriptedService& service, std::string method)
        : service_(service), method_(std::move(method)) {
      StartRead(&request_);
    }
    void OnReadDone(bool ok) override {
      if (!ok) return Finish(grpc::Status::OK);
      const std::lock_guard<std::mutex> lock(service_.mutex_);
      grpc::Slice slice;
      if (request_.DumpToSingleSlice(&slice).ok()) {
        service_.requests_[method_].assign(reinterpret_cast<const char*>(slice.begin()),
                                           slice.size());
      }
      const auto it = service_.answers_.find(method_);
      if (it == service_.answers_.end()) {
        return Finish({grpc::StatusCode::PERMISSION_DENIED, "the scope is missing"});
      }
      const grpc::Slice bytes(it->second);
      response_ = grpc::ByteBuffer(&bytes, 1);
      StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
    }
    void OnDone() override { delete this; }

   private:
    ScriptedService& service_;
    const std::string method_;
    grpc::ByteBuffer request_, response_;
  };

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return new Answer(*this, context->method());
  }

  std::mutex mutex_;
  std::map<std::string, std::string> answers_, requests_;
};

struct Ran {
  int exit = 0;
  std::string out, err;
};

class FormulationCliTest : public ::testing::Test {
 protected:
  FormulationCliTest() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterCallbackGenericService(&service_);
    server_ = builder.BuildAndStart();
  }
  ~FormulationCliTest() override { server_->Shutdown(); }

  Ran RunWith(std::vector<std::string> args) {
    std::istringstream in;
    std::ostringstream out, err;
    RandomIdSource ids;
    Environment env{in, out, err, [](const std::string&) { return std::string(); }, clock_, ids};
    args.push_back(absl::StrCat("--server=127.0.0.1:", port_));
    const int exit = ctl::Run(args, env);
    return {exit, out.str(), err.str()};
  }

  void PutFormulation() {
    const FormulationFacts facts = SampleFormulation();
    f::Formulation formulation = facts.formulation;
    formulation.set_protocol("clinics/north/protocols/p");
    formulation.set_revision(41);
    service_.Put("formulation.v1.FormulationService/GetFormulation", formulation);
    service_.Put("formulation.v1.InventoryService/GetInterpersonalInventory", *facts.inventory);
    f::ListProblemAreasResponse areas;
    for (const auto& area : facts.areas) *areas.add_problem_areas() = area;
    service_.Put("formulation.v1.ProblemAreaService/ListProblemAreas", areas);
    f::ListGoalsResponse goals;
    for (const auto& goal : facts.goals) *goals.add_goals() = goal;
    service_.Put("formulation.v1.GoalService/ListGoals", goals);
    f::ListGoalRatingsResponse ratings;
    for (const auto& rating : facts.ratings) *ratings.add_ratings() = rating;
    service_.Put("formulation.v1.GoalService/ListGoalRatings", ratings);
    service_.Put("formulation.v1.ProtocolService/GetProtocol", *facts.protocol);
    f::ListFindingsResponse findings;
    for (const auto& finding : *facts.findings) *findings.add_findings() = finding;
    service_.Put("formulation.v1.ProtocolService/ListFindings", findings);
    service_.Put("scheduling.v1.CourseService/GetCourse", *facts.scheduled);
  }

  static s::Session SessionAt(const char* id, s::SessionState state, int64_t seconds) {
    s::Session session;
    session.set_name(NameOf("sessions", id));
    session.set_state(state);
    session.set_time_zone("Europe/London");
    session.mutable_start_time()->set_seconds(seconds);
    session.mutable_end_time()->set_seconds(seconds + 3000);
    return session;
  }

  ScriptedService service_;
  testing::FakeClock clock_{absl::FromUnixSeconds(1788253200)};  // 2026-09-01 09:00 UTC

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(FormulationCliTest, ShowsAFormulationOnTheTerminal) {
  PutFormulation();
  const Ran outcome = RunWith({"formulation", "show", "c1", "--clinic", "north"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("Agreed: revision 2"), HasSubstr("Somebody close has died. (core)"),
                    HasSubstr("patient first 2, last 7"), HasSubstr("middle phase"),
                    HasSubstr("[overdue] The mid-course review"), Not(HasSubstr("mind:"))));
  const auto request = service_.Asked<f::GetInterpersonalInventoryRequest>(
      "formulation.v1.InventoryService/GetInterpersonalInventory");
  EXPECT_EQ(request.min_revision(), 41) << "none of it older than the formulation";
}

TEST_F(FormulationCliTest, SaysWhatItMayNotReadAndShowsTheRest) {
  PutFormulation();
  service_.Remove("formulation.v1.InventoryService/GetInterpersonalInventory");
  service_.Remove("scheduling.v1.CourseService/GetCourse");
  const Ran outcome = RunWith({"formulation", "show", kCourse});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("People and timeline are not shown (PERMISSION_DENIED)."));
  EXPECT_THAT(outcome.out, HasSubstr("Losing Dad"));
  service_.Remove("formulation.v1.FormulationService/GetFormulation");
  EXPECT_EQ(RunWith({"formulation", "show", kCourse}).exit, 5);
}

TEST_F(FormulationCliTest, WritesAPageForItsOwnerAlone) {
  PutFormulation();
  const std::string file = absl::StrCat(::testing::TempDir(), "/formulation-", getpid(), ".html");
  const Ran outcome = RunWith({"formulation", "show", kCourse, "--html", file});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "wrote " + file + "\n");
  struct stat status {};
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const absl::StatusOr<std::string> page = client::ReadFile(file);
  std::filesystem::remove(file);
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(samples::ReadXml(*page).error, "");
  EXPECT_THAT(*page, HasSubstr("As it stood on 2026-09-01"));
  EXPECT_EQ(RunWith({"formulation", "show", kCourse, "--html", "/nowhere/at/all.html"}).exit, 1);
}

TEST_F(FormulationCliTest, PrintsAllOfItAsJson) {
  PutFormulation();
  service_.Remove("formulation.v1.ProtocolService/ListFindings");
  const Ran outcome = RunWith({"formulation", "show", kCourse, "-o", "json"});
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["formulation"]["state"], "FORMULATION_STATE_AGREED");
  EXPECT_EQ(json["goals"].size(), 3u);
  EXPECT_EQ(json["inventory"]["lifeEvents"].size(), 10u);
  EXPECT_EQ(json["missing"].size(), 1u);
  EXPECT_FALSE(json.contains("findings"));
}

TEST_F(FormulationCliTest, ShowsTheGuideOfTheNextSession) {
  s::ListSessionsResponse sessions;
  *sessions.add_sessions() = SessionAt("s1", s::SESSION_STATE_ATTENDED, 1788000000);
  *sessions.add_sessions() = SessionAt("s2", s::SESSION_STATE_CANCELLED, 1788260000);
  *sessions.add_sessions() = SessionAt("s3", s::SESSION_STATE_BOOKED, 1788270000);
  service_.Put("scheduling.v1.SessionService/ListSessions", sessions);
  f::SessionGuide guide;
  guide.mutable_standing()->set_session_number(2);
  guide.mutable_standing()->set_planned_sessions(16);
  guide.mutable_due_measures()->set_state(f::DUE_MEASURES_STATE_KNOWN);
  guide.mutable_due_measures()->add_measures()->set_instrument("clinics/north/instruments/phq-9");
  service_.Put("formulation.v1.ProtocolService/GetSessionGuide", guide);
  service_.Put("formulation.v1.ProblemAreaService/ListProblemAreas", f::ListProblemAreasResponse());
  const Ran outcome = RunWith({"guide", "show", "c1", "--clinic", "north"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("Guide for session 2 of 16"), HasSubstr("BST, booked"),
                                 HasSubstr("phq-9")));
  const auto asked = [&] {
    return service_
        .Asked<f::GetSessionGuideRequest>("formulation.v1.ProtocolService/GetSessionGuide")
        .session();
  };
  EXPECT_EQ(asked(), NameOf("sessions", "s3"));

  // None is booked any more: the last one that was held.
  sessions.mutable_sessions()->RemoveLast();
  service_.Put("scheduling.v1.SessionService/ListSessions", sessions);
  EXPECT_EQ(RunWith({"guide", "show", kCourse}).exit, 0);
  EXPECT_EQ(asked(), NameOf("sessions", "s1"));

  // One that is named is shown without scheduling, too.
  service_.Remove("scheduling.v1.SessionService/ListSessions");
  const Ran named = RunWith({"guide", "show", kCourse, "s9"});
  EXPECT_EQ(named.exit, 0) << named.err;
  EXPECT_EQ(asked(), NameOf("sessions", "s9"));
  EXPECT_THAT(named.out, HasSubstr("When the session is, is not shown (PERMISSION_DENIED)."));
  RunWith({"guide", "show", "c1", "courses/c1/sessions/s8", "--clinic", "north"});
  EXPECT_EQ(asked(), NameOf("sessions", "s8"));
  const Ran json = RunWith({"guide", "show", kCourse, "s9", "-o", "json"});
  const auto due = nlohmann::json::parse(json.out)["guide"]["dueMeasures"];
  EXPECT_EQ(due["state"], "DUE_MEASURES_STATE_KNOWN");
  EXPECT_EQ(due["measures"].size(), 1u);
}

TEST_F(FormulationCliTest, AGuideNeedsASession) {
  service_.Put("scheduling.v1.SessionService/ListSessions", s::ListSessionsResponse());
  EXPECT_THAT(RunWith({"guide", "show", kCourse}).err, HasSubstr("no session"));
  EXPECT_EQ(RunWith({"guide", "show"}).exit, 1);
  EXPECT_EQ(RunWith({"guide", "show", "a", "b", "c"}).exit, 1);
}

TEST_F(FormulationCliTest, FollowsEventsALineEach) {
  f::WatchEventsResponse events;
  f::Event& agreed = *events.add_events();
  agreed.set_kind(f::EVENT_KIND_FORMULATION_AGREED);
  agreed.set_subject(absl::StrCat(kCourse, "/formulation"));
  agreed.mutable_payload()->mutable_formulation_agreed()->set_state(f::FORMULATION_STATE_AGREED);
  f::Event& rated = *events.add_events();
  rated.set_kind(f::EVENT_KIND_GOAL_RATED);
  rated.set_subject(NameOf("goals", "g1"));
  rated.mutable_payload()->mutable_goal_rated()->set_rating_value(7);
  service_.Put("formulation.v1.EventService/WatchEvents", events);
  const Ran outcome = RunWith({"formulation", "watch", "north", "--count", "2"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("formulation-agreed  clinics/north/courses/c1/formulation  "
                                     "agreed\n"));
  EXPECT_THAT(outcome.out, HasSubstr("goal-rated  clinics/north/courses/c1/goals/g1  7\n"));
}

}  // namespace
}  // namespace ipt::ctl
