// Whole commands against a server in this process: what reaches it, what is printed, how it exits.
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipt/scheduling/v1/clinic_service.grpc.pb.h"
#include "ipt/scheduling/v1/course_service.grpc.pb.h"
#include "ipt/scheduling/v1/session_service.grpc.pb.h"
#include "iptctl/app.h"
#include "iptctl/command_table.h"
#include "iptctl/error_output.h"
#include "nlohmann/json.hpp"
#include "platform/errors/error.h"
#include "platform/errors/grpc_status.h"
#include "platform/server/reflection.h"
#include "tests/support/fake_clock.h"

namespace ipt::ctl {
namespace {

namespace v1 = scheduling::v1;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// What the server answers next; OK with an empty message unless a test says otherwise.
struct Script {
  std::function<absl::Status(const v1::GetCourseRequest&, v1::Course&)> get_course;
  std::function<absl::Status(const v1::PauseCourseRequest&, v1::PauseCourseResponse&)> pause;
  std::function<absl::Status(const v1::PlanCourseRequest&, v1::CoursePlan&)> plan;
  std::function<absl::Status(const v1::BookPlanRequest&, v1::BookPlanResponse&)> book_plan;
  std::function<absl::Status(const v1::ListSessionsRequest&, v1::ListSessionsResponse&)> sessions;
  std::string authorization;
};

template <typename Function, typename Request, typename Response>
grpc::Status Answer(const Function& function, const Request& request, Response& response) {
  return function ? ToGrpcStatus(function(request, response), "server-request-1")
                  : grpc::Status::OK;
}

class Courses final : public v1::CourseService::Service {
 public:
  explicit Courses(Script& script) : script_(script) {}
  grpc::Status GetCourse(grpc::ServerContext* context, const v1::GetCourseRequest* request,
                         v1::Course* response) override {
    const auto& metadata = context->client_metadata();
    if (const auto it = metadata.find("authorization"); it != metadata.end()) {
      script_.authorization = std::string(it->second.data(), it->second.size());
    }
    return Answer(script_.get_course, *request, *response);
  }
  grpc::Status PauseCourse(grpc::ServerContext*, const v1::PauseCourseRequest* request,
                           v1::PauseCourseResponse* response) override {
    return Answer(script_.pause, *request, *response);
  }
  grpc::Status PlanCourse(grpc::ServerContext*, const v1::PlanCourseRequest* request,
                          v1::CoursePlan* response) override {
    return Answer(script_.plan, *request, *response);
  }
  grpc::Status BookPlan(grpc::ServerContext*, const v1::BookPlanRequest* request,
                        v1::BookPlanResponse* response) override {
    return Answer(script_.book_plan, *request, *response);
  }

 private:
  Script& script_;
};

class Sessions final : public v1::SessionService::Service {
 public:
  explicit Sessions(Script& script) : script_(script) {}
  grpc::Status ListSessions(grpc::ServerContext*, const v1::ListSessionsRequest* request,
                            v1::ListSessionsResponse* response) override {
    return Answer(script_.sessions, *request, *response);
  }

 private:
  Script& script_;
};

struct Outcome {
  int exit = 0;
  std::string out, err;
};

class CliTest : public ::testing::Test {
 protected:
  explicit CliTest(bool with_reflection = true) : courses_(script_), sessions_(script_) {
    std::vector<std::string> services = {v1::CourseService::service_full_name(),
                                         v1::SessionService::service_full_name()};
    reflection_ = server::MakeReflectionService(services);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&courses_);
    builder.RegisterService(&sessions_);
    if (with_reflection) builder.RegisterService(reflection_.get());
    server_ = builder.BuildAndStart();
  }
  ~CliTest() override { server_->Shutdown(); }

  Outcome RunWith(const std::vector<std::string>& args, const std::string& typed = "",
                  bool terminal = false) {
    std::istringstream in(typed);
    std::ostringstream out, err;
    RandomIdSource ids;
    Environment env{in,
                    out,
                    err,
                    [&](const std::string& name) {
                      return env_.contains(name) ? env_.at(name) : std::string();
                    },
                    clock_,
                    ids,
                    terminal,
                    false};
    std::vector<std::string> all = args;
    if (port_ > 0) all.push_back("--server=127.0.0.1:" + std::to_string(port_));
    const int exit = ctl::Run(all, env);
    return {exit, out.str(), err.str()};
  }
  Outcome GetCourse(absl::Status status, std::vector<std::string> more = {}) {
    script_.get_course = [status](const auto&, auto&) { return status; };
    std::vector<std::string> args = {"course", "get", "clinics/north/courses/c1"};
    args.insert(args.end(), more.begin(), more.end());
    return RunWith(args);
  }

  Script script_;
  std::map<std::string, std::string> env_{{"LANG", "en_GB.UTF-8"}};
  testing::FakeClock clock_{absl::FromUnixSeconds(1788253200)};  // 2026-09-01 09:00 UTC
  int port_ = 0;

 private:
  Courses courses_;
  Sessions sessions_;
  std::unique_ptr<grpc::Service> reflection_;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(CliTest, PrintsAResource) {
  script_.get_course = [](const v1::GetCourseRequest& request, v1::Course& course) {
    course.set_name(request.name());
    course.set_state(v1::COURSE_STATE_ACTIVE);
    return absl::OkStatus();
  };
  const Outcome table = RunWith({"course", "get", "c1", "--clinic", "north"});
  EXPECT_EQ(table.exit, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("clinics/north/courses/c1"));
  EXPECT_THAT(table.out, HasSubstr("active"));

  const Outcome json = RunWith({"-o", "json", "course", "get", "clinics/north/courses/c1"});
  EXPECT_EQ(nlohmann::json::parse(json.out)["state"], "COURSE_STATE_ACTIVE");
}

TEST_F(CliTest, SendsTheToken) {
  RunWith({"course", "get", "c1", "--token", "abc"});
  EXPECT_EQ(script_.authorization, "Bearer abc");
}

TEST_F(CliTest, MapsErrorsToExitCodes) {
  EXPECT_EQ(GetCourse(InvalidField("name", "is malformed")).exit, 2);
  EXPECT_EQ(GetCourse(NotFound("Course", "clinics/north/courses/c1")).exit, 3);
  EXPECT_EQ(GetCourse(FailedPrecondition("COURSE_STATE", "c1", "reopen it")).exit, 4);
  EXPECT_EQ(GetCourse(EtagMismatch("Course", "c1")).exit, 4);
  EXPECT_EQ(GetCourse(AlreadyExists("RESOURCE_EXISTS", "Course", "c1", "taken")).exit, 4);
  EXPECT_EQ(GetCourse(Unauthenticated("no token")).exit, 5);
  EXPECT_EQ(GetCourse(PermissionDenied("SCOPE_MISSING", "scope missing")).exit, 5);
  EXPECT_EQ(GetCourse(ResourceExhausted("OVERLOADED", "busy", absl::Seconds(1))).exit, 6);
  EXPECT_EQ(GetCourse(DeadlineExceeded("late")).exit, 6);
  EXPECT_EQ(GetCourse(Internal("secret")).exit, 7);
  EXPECT_EQ(RunWith({"session", "get", "clinics/a/courses/b/sessions/c"}).exit, 7)
      << "UNIMPLEMENTED";
  EXPECT_EQ(RunWith({"course", "got"}).exit, 1);
}

TEST_F(CliTest, NamesEveryBadFieldOnALineOfItsOwn) {
  const Outcome outcome = GetCourse(InvalidFields(
      {{"course.cadence_days", "must be 1 to 92"}, {"course.patient.value", "is required"}}));
  EXPECT_THAT(outcome.err, StartsWith("iptctl: INVALID_ARGUMENT (INVALID_FIELDS): "));
  EXPECT_THAT(outcome.err, HasSubstr("\n  course.cadence_days: must be 1 to 92\n"));
  EXPECT_THAT(outcome.err, HasSubstr("\n  course.patient.value: is required\n"));
  EXPECT_THAT(outcome.err, HasSubstr("\n  what to do: "));
  EXPECT_THAT(outcome.err, HasSubstr("server's request: server-request-1"));
  EXPECT_THAT(outcome.out, IsEmpty());
}

TEST_F(CliTest, TellsViolatedPreconditionsAndWhatToDo) {
  const Outcome outcome = GetCourse(
      FailedPreconditions("SERIES_CONFLICT", "two sessions cannot be booked",
                          {{"SLOT_TAKEN", "sessions[3]", "take another time"},
                           {"COURSE_PAUSED", "sessions[5]", "take a day outside the pause"}}));
  EXPECT_THAT(outcome.err, HasSubstr("sessions[3]: SLOT_TAKEN: take another time"));
  EXPECT_THAT(outcome.err, HasSubstr("sessions[5]: COURSE_PAUSED"));
  EXPECT_THAT(outcome.err, HasSubstr("nothing was booked"));
}

TEST_F(CliTest, SaysNothingTwice) {
  const Outcome missing = GetCourse(NotFound("Course", "clinics/north/courses/c1"));
  EXPECT_EQ(missing.err.find("resource: "), missing.err.rfind("resource: ")) << missing.err;
  const Outcome state = GetCourse(FailedPrecondition("COURSE_STATE", "c1", "reopen it first"));
  EXPECT_EQ(state.err.find("reopen it"), state.err.rfind("reopen it")) << state.err;
}

TEST_F(CliTest, WritesErrorsAsJson) {
  const Outcome outcome = GetCourse(InvalidField("name", "is malformed"), {"--output", "json"});
  const auto error = nlohmann::json::parse(outcome.err)["error"];
  EXPECT_EQ(error["code"], "INVALID_ARGUMENT");
  EXPECT_EQ(error["reason"], "INVALID_FIELDS");
  EXPECT_EQ(error["fields"][0]["field"], "name");
  EXPECT_EQ(error["exitCode"], 2);
  const auto usage = nlohmann::json::parse(RunWith({"curse", "-o", "json"}).err)["error"];
  EXPECT_EQ(usage["code"], "USAGE");
  EXPECT_EQ(usage["exitCode"], 1);
}

TEST_F(CliTest, RepeatsUnavailableWithTheSameRequestIdOnly) {
  std::vector<std::string> ids;
  script_.pause = [&](const v1::PauseCourseRequest& request, v1::PauseCourseResponse&) {
    ids.push_back(request.request_id());
    return ids.size() < 3 ? Unavailable("STORE_UNAVAILABLE", "store", absl::Milliseconds(200))
                          : absl::OkStatus();
  };
  const std::vector<std::string> pause = {"course",      "pause",      "clinics/north/courses/c1",
                                          "--first-day", "2026-10-05", "--last-day",
                                          "2026-10-11"};
  const absl::Time begin = absl::Now();
  EXPECT_EQ(RunWith(pause).exit, 0);
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(400)) << "RetryInfo is obeyed";
  ASSERT_EQ(ids.size(), 3u);
  EXPECT_TRUE(IsUuid(ids[0]));
  EXPECT_EQ(ids[0], ids[1]);
  EXPECT_EQ(ids[0], ids[2]);
}

TEST_F(CliTest, GivesUpOnUnavailableAndNamesTheRequestId) {
  int calls = 0;
  script_.pause = [&](const auto&, auto&) {
    ++calls;
    return Unavailable("STORE_UNAVAILABLE", "store", absl::Milliseconds(1));
  };
  const std::string id = "3f0c1f6e-7c57-4a39-9d5e-0d5a6a2b9f11";
  const Outcome outcome = RunWith({"course", "pause", "c1", "--first-day", "2026-10-05",
                                   "--last-day", "2026-10-11", "--request-id", id});
  EXPECT_EQ(outcome.exit, 6);
  EXPECT_EQ(calls, 4);
  EXPECT_THAT(outcome.err, HasSubstr("request-id: " + id));
}

TEST_F(CliTest, RepeatsNothingElse) {
  int calls = 0;
  script_.get_course = [&](const auto&, auto&) {
    ++calls;
    return ResourceExhausted("OVERLOADED", "busy", absl::Milliseconds(1));
  };
  EXPECT_EQ(RunWith({"course", "get", "c1"}).exit, 6);
  EXPECT_EQ(calls, 1);
}

TEST_F(CliTest, WaitsNoLongerThanTheDeadline) {
  script_.get_course = [&](const auto&, auto&) {
    return Unavailable("STORE_UNAVAILABLE", "store", absl::Hours(1));
  };
  const absl::Time begin = absl::Now();
  EXPECT_EQ(RunWith({"course", "get", "c1", "--deadline", "2s"}).exit, 6);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(2));
}

TEST_F(CliTest, SaysThatNoServerAnswers) {
  port_ = 0;
  const Outcome outcome = RunWith({"course", "get", "c1", "--server", "127.0.0.1:1"});
  EXPECT_EQ(outcome.exit, 6);
  EXPECT_THAT(outcome.err, HasSubstr("check --server"));
}

TEST_F(CliTest, FollowsPages) {
  script_.sessions = [](const v1::ListSessionsRequest& request, v1::ListSessionsResponse& page) {
    EXPECT_EQ(request.parent(), "clinics/north/courses/-");
    page.add_sessions()->set_name("session-" + request.page_token());
    if (request.page_token().empty()) page.set_next_page_token("two");
    if (request.page_token() == "two") page.set_next_page_token("three");
    return absl::OkStatus();
  };
  const Outcome first = RunWith({"session", "list", "clinics/north"});
  EXPECT_THAT(first.out, Not(HasSubstr("session-two")));
  EXPECT_THAT(first.err, HasSubstr("--page-token two"));
  const Outcome all = RunWith({"session", "list", "clinics/north", "--all", "-o", "json"});
  const auto json = nlohmann::json::parse(all.out);
  ASSERT_EQ(json["sessions"].size(), 3u);
  EXPECT_EQ(json["sessions"][2]["name"], "session-three");
  EXPECT_FALSE(json.contains("nextPageToken"));
  EXPECT_EQ(RunWith({"course", "get", "c1", "--all"}).exit, 1);
}

TEST_F(CliTest, ShowsACourse) {
  script_.get_course = [](const v1::GetCourseRequest& request, v1::Course& course) {
    course.set_name(request.name());
    course.set_time_zone("Europe/London");
    course.set_revision(7);
    return absl::OkStatus();
  };
  script_.sessions = [](const v1::ListSessionsRequest& request, v1::ListSessionsResponse& page) {
    EXPECT_EQ(request.min_revision(), 7);
    auto* session = page.add_sessions();
    session->set_session_number(1);
    session->set_state(v1::SESSION_STATE_BOOKED);
    session->mutable_start_time()->set_seconds(1788336000);  // 2026-09-02
    session->mutable_end_time()->set_seconds(1788339000);
    return absl::OkStatus();
  };
  EXPECT_THAT(RunWith({"course", "show", "clinics/north/courses/c1"}).out, HasSubstr("1○"));
  EXPECT_THAT(RunWith({"course", "show", "clinics/north/courses/c1", "--ascii"}).out,
              HasSubstr("1o"));
  env_["LC_ALL"] = "C";
  EXPECT_THAT(RunWith({"course", "show", "clinics/north/courses/c1"}).out, HasSubstr("1o"));
  const auto json = nlohmann::json::parse(RunWith({"course", "show", "c1", "-o", "json"}).out);
  EXPECT_EQ(json["course"]["revision"], "7");
  EXPECT_EQ(json["sessions"].size(), 1u);
}

class BookPlanTest : public CliTest {
 protected:
  BookPlanTest() {
    script_.plan = [this](const v1::PlanCourseRequest& request, v1::CoursePlan& plan) {
      EXPECT_EQ(request.name(), "clinics/north/courses/c1");
      planned_ = request.session_count();
      for (int i = 0; i < 2; ++i) {
        auto* session = plan.add_sessions();
        session->set_session_number(i + 1);
        session->mutable_start_time()->set_seconds(1788336000 + i * 604800);
      }
      plan.set_unplaced_sessions(unplaced_);
      return absl::OkStatus();
    };
    script_.book_plan = [this](const v1::BookPlanRequest& request, v1::BookPlanResponse&) {
      ++bookings_;
      request_ = request;
      return absl::OkStatus();
    };
  }
  Outcome Book(std::vector<std::string> more, const std::string& typed = "",
               bool terminal = false) {
    std::vector<std::string> args = {"course", "book-plan", "clinics/north/courses/c1",
                                     "--from-plan"};
    args.insert(args.end(), more.begin(), more.end());
    return RunWith(args, typed, terminal);
  }

  v1::BookPlanRequest request_;
  int bookings_ = 0, planned_ = 0, unplaced_ = 0;
};

TEST_F(BookPlanTest, ShowsThePlanAndBooksIt) {
  const Outcome outcome = Book({"--yes", "--session-count", "2", "--etag", "e"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("2026-09-09"));
  EXPECT_EQ(planned_, 2);
  ASSERT_EQ(request_.slots_size(), 2);
  EXPECT_EQ(request_.slots(1).start_time().seconds(), 1788336000 + 604800);
  EXPECT_EQ(request_.etag(), "e");
  EXPECT_TRUE(IsUuid(request_.request_id()));
}

TEST_F(BookPlanTest, AsksFirst) {
  EXPECT_EQ(Book({}, "n\n", true).exit, 0);
  EXPECT_EQ(bookings_, 0);
  EXPECT_EQ(Book({}, "y\n", true).exit, 0);
  EXPECT_EQ(bookings_, 1);
  EXPECT_EQ(Book({}).exit, 1) << "nobody to ask";
  EXPECT_EQ(bookings_, 1);
}

TEST_F(BookPlanTest, BooksAPartOfACourseOnlyWhenTold) {
  unplaced_ = 3;
  const Outcome outcome = Book({"--yes"});
  EXPECT_EQ(outcome.exit, 4);
  EXPECT_EQ(bookings_, 0);
  EXPECT_THAT(outcome.err, HasSubstr("3 sessions found no time"));
  EXPECT_EQ(Book({"--yes", "--partial"}).exit, 0);
  EXPECT_EQ(bookings_, 1);
}

TEST_F(CliTest, ListsTheServersMethodsByReflection) {
  const Outcome outcome = RunWith({"methods"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  for (const google::protobuf::ServiceDescriptor* service :
       {v1::GetCourseRequest::descriptor()->file()->service(0),
        v1::GetSessionRequest::descriptor()->file()->service(0)}) {
    for (int m = 0; m < service->method_count(); ++m) {
      const std::string& name = service->method(m)->full_name();
      const Command* command = FindCommandOf(name);
      ASSERT_NE(command, nullptr) << name;
      EXPECT_THAT(outcome.out, HasSubstr(service->method(m)->name() + " "));
      EXPECT_THAT(outcome.out, HasSubstr(command->noun + " " + command->verb + "\n"));
    }
  }
}

class NoReflectionTest : public CliTest {
 protected:
  NoReflectionTest() : CliTest(/*with_reflection=*/false) {}
};

TEST_F(NoReflectionTest, PointsAtTheOfflineList) {
  const Outcome outcome = RunWith({"methods"});
  EXPECT_EQ(outcome.exit, 4);
  EXPECT_THAT(outcome.err, HasSubstr("--offline"));
  EXPECT_THAT(RunWith({"methods", "--offline"}).out,
              HasSubstr("/ipt.audit.v1.AuditService/ListAuditEntries"));
}

// Splits an example as a shell would: blanks, and single quotes around words with blanks.
std::vector<std::string> ShellWords(const std::string& text) {
  std::vector<std::string> words(1);
  bool quoted = false;
  for (char c : text) {
    if (c == '\'') {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

// Every example gets past the command line: what answers is the server, or its absence.
TEST_F(CliTest, UnderstandsEveryExample) {
  port_ = 0;
  env_["IPTCTL_SERVER"] = "127.0.0.1:1";
  env_["IPTCTL_DEADLINE"] = "50ms";
  env_["IPTCTL_ZONE"] = "Europe/London";
  for (const Command& command : Commands()) {
    const Outcome outcome = RunWith(ShellWords(command.example));
    EXPECT_EQ(outcome.exit, 6) << command.example << "\n" << outcome.err;
  }
}

TEST_F(CliTest, CallsMethodsByTheirFullName) {
  script_.get_course = [](const v1::GetCourseRequest& request, v1::Course& course) {
    course.set_name(request.name());
    return absl::OkStatus();
  };
  const Outcome outcome = RunWith(
      {"call", "ipt.scheduling.v1.CourseService/GetCourse", "--name", "clinics/a/courses/b"});
  EXPECT_THAT(outcome.out, HasSubstr("clinics/a/courses/b"));
  EXPECT_EQ(RunWith({"call", "no.such/Method"}).exit, 1);
}

TEST_F(CliTest, TakesTheRequestAsJson) {
  script_.pause = [](const v1::PauseCourseRequest& request, v1::PauseCourseResponse& response) {
    EXPECT_EQ(request.pause().last_day().day(), 12) << "a flag goes before JSON";
    EXPECT_EQ(request.pause().reason(), v1::PAUSE_REASON_OTHER);
    response.mutable_course()->set_name(request.name());
    return absl::OkStatus();
  };
  const char* json = R"({"name": "clinics/a/courses/b", "pause": {"reason": "PAUSE_REASON_OTHER",
      "firstDay": {"year": 2026, "month": 10, "day": 5},
      "lastDay": {"year": 2026, "month": 10, "day": 11}}})";
  const Outcome outcome =
      RunWith({"course", "pause", "--json", "@-", "--last-day", "2026-10-12"}, json);
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("clinics/a/courses/b"));
  EXPECT_EQ(RunWith({"course", "pause", "--json", "{oops"}).exit, 1);
  EXPECT_EQ(RunWith({"course", "pause", "--json", "@/nowhere"}).exit, 1);
}

TEST_F(CliTest, NotesHowATimeWasRead) {
  const Outcome outcome = RunWith(
      {"course", "plan", "c1", "--earliest-time", "2026-10-25T01:30", "--zone", "Europe/London"});
  EXPECT_THAT(outcome.err, HasSubstr("note: 2026-10-25T01:30 occurs twice"));
}

TEST_F(CliTest, SuggestsWhatWasMeant) {
  EXPECT_THAT(RunWith({"corse", "get"}).err, HasSubstr("did you mean course?"));
  EXPECT_THAT(RunWith({"course", "rezume", "x"}).err, HasSubstr("did you mean resume?"));
  EXPECT_THAT(RunWith({"course", "pause", "x", "--first-dya", "2026-10-05"}).err,
              AllOf(HasSubstr("--first-day?"), HasSubstr("iptctl course pause --help")));
  EXPECT_THAT(RunWith({"course", "pause", "x", "--from-plan"}).err,
              HasSubstr("iptctl course book-plan only"));
  EXPECT_THAT(RunWith({"course", "pause", "x", "--reason"}).err.substr(0, 60),
              HasSubstr("iptctl: "));
}

TEST_F(CliTest, Explains) {
  EXPECT_THAT(RunWith({"--help"}).out, HasSubstr("Exit codes:"));
  EXPECT_THAT(RunWith({"course", "--help"}).out, HasSubstr("course pause"));
  EXPECT_THAT(RunWith({"course", "pause", "-h"}).out, HasSubstr("--first-day DATE"));
  EXPECT_THAT(RunWith({"help", "course", "pause"}).out, HasSubstr("--first-day DATE"));
  EXPECT_THAT(RunWith({"help", "--all"}).out, HasSubstr("iptctl audit list"));
  EXPECT_THAT(RunWith({"--version"}).out, StartsWith("iptctl "));
  EXPECT_EQ(RunWith({"help", "nothing"}).exit, 1);
}

TEST(ExitCodeTest, CoversEveryCode) {
  const std::map<int, int> wanted = {{0, 0},  {1, 6},  {2, 7},  {3, 2},  {4, 6},  {5, 3},
                                     {6, 4},  {7, 5},  {8, 6},  {9, 4},  {10, 4}, {11, 2},
                                     {12, 7}, {13, 7}, {14, 6}, {15, 7}, {16, 5}};
  for (const auto& [code, exit] : wanted) {
    EXPECT_EQ(ExitCodeOf(static_cast<grpc::StatusCode>(code)), exit) << code;
  }
}

}  // namespace
}  // namespace ipt::ctl
