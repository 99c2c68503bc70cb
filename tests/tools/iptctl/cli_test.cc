// Whole commands against a server in this process: what reaches it, what is printed, how it exits.
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <tuple>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/strip.h"
#include "ipt/common/v1/error_reason.pb.h"
#include "ipt/scheduling/v1/clinic_service.grpc.pb.h"
#include "ipt/scheduling/v1/course_service.grpc.pb.h"
#include "ipt/scheduling/v1/reminder_service.grpc.pb.h"
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
using ::testing::ContainsRegex;
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

  // The queue of reminders: what it holds, and what is said at each look.
  std::vector<v1::Reminder> reminders;
  std::vector<absl::StatusOr<v1::ReminderQueue>> looks;  // the last one stays
  v1::SendingState sending;
  std::function<absl::Status(const std::string& name)> handle;
  std::vector<std::string> replayed, dropped, notes;
  int lists = 0;
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

class Reminders final : public v1::ReminderService::Service {
 public:
  explicit Reminders(Script& script) : script_(script) {}
  grpc::Status GetReminderQueue(grpc::ServerContext*, const v1::GetReminderQueueRequest*,
                                v1::ReminderQueue* response) override {
    const absl::StatusOr<v1::ReminderQueue> look = script_.looks.front();
    if (script_.looks.size() > 1) script_.looks.erase(script_.looks.begin());
    if (look.ok()) *response = *look;
    return ToGrpcStatus(look.status(), "server-request-1");
  }
  grpc::Status GetSending(grpc::ServerContext*, const v1::GetSendingRequest*,
                          v1::SendingState* response) override {
    *response = script_.sending;
    return grpc::Status::OK;
  }
  // Two a page, so that pages are followed.
  grpc::Status ListReminders(grpc::ServerContext*, const v1::ListRemindersRequest* request,
                             v1::ListRemindersResponse* response) override {
    ++script_.lists;
    size_t at = request->page_token().empty() ? 0 : std::stoul(request->page_token());
    for (; at < script_.reminders.size() && response->reminders_size() < 2; ++at) {
      const v1::Reminder& reminder = script_.reminders[at];
      if (reminder.state() == request->states(0)) *response->add_reminders() = reminder;
    }
    if (at < script_.reminders.size()) response->set_next_page_token(std::to_string(at));
    return grpc::Status::OK;
  }
  grpc::Status ReplayReminder(grpc::ServerContext*, const v1::ReplayReminderRequest* request,
                              v1::Reminder*) override {
    return Handle(request->name(), script_.replayed);
  }
  grpc::Status DropReminder(grpc::ServerContext*, const v1::DropReminderRequest* request,
                            v1::Reminder*) override {
    script_.notes.push_back(request->reason());
    return Handle(request->name(), script_.dropped);
  }

 private:
  grpc::Status Handle(const std::string& name, std::vector<std::string>& done) {
    if (script_.handle) {
      const absl::Status status = script_.handle(name);
      if (!status.ok()) return ToGrpcStatus(status, "server-request-1");
    }
    done.push_back(name);
    return grpc::Status::OK;
  }
  Script& script_;
};

// Nobody waits; what is drawn is kept.
class FakeScreen final : public Screen {
 public:
  void Open(bool in_place) override { opened.push_back(in_place); }
  void Close() override { ++closed; }
  Size size() const override { return now; }
  void Draw(const std::string& picture) override { pictures.push_back(picture); }
  bool Wait(absl::Duration time) override {
    waits.push_back(time);
    if (!resize_to.has_value()) return true;
    now = *std::exchange(resize_to, std::nullopt);
    return false;
  }

  Size now;
  std::optional<Size> resize_to;
  std::vector<bool> opened;
  int closed = 0;
  std::vector<std::string> pictures;
  std::vector<absl::Duration> waits;
};

struct Outcome {
  int exit = 0;
  std::string out, err;
};

class CliTest : public ::testing::Test {
 protected:
  explicit CliTest(bool with_reflection = true)
      : courses_(script_), sessions_(script_), reminders_(script_) {
    std::vector<std::string> services = {v1::CourseService::service_full_name(),
                                         v1::SessionService::service_full_name(),
                                         v1::ReminderService::service_full_name()};
    reflection_ = server::MakeReflectionService(services);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&courses_);
    builder.RegisterService(&sessions_);
    builder.RegisterService(&reminders_);
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
                    out_is_terminal_,
                    &screen_};
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
  FakeScreen screen_;
  bool out_is_terminal_ = false;

 private:
  Courses courses_;
  Sessions sessions_;
  Reminders reminders_;
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

TEST_F(CliTest, AdvisesOnASecondOpenCourseWhatCanBeDoneByEveryCommand) {
  // Of a merge, too, whose courses are there already.
  const Outcome outcome =
      GetCourse(FailedPrecondition("OPEN_COURSE_EXISTS", "c1", "there is another"));
  EXPECT_THAT(outcome.err, HasSubstr("what to do: close the other course first; "));
  EXPECT_THAT(outcome.err, HasSubstr("only a new one"));
}

TEST_F(CliTest, SaysWhatToDoAboutEveryReasonOfTheDomain) {
  const auto* reasons = ipt::common::v1::ErrorReason_descriptor();
  int said = 0;
  for (int i = 0; i < reasons->value_count(); ++i) {
    if (reasons->value(i)->number() < 100) continue;  // what their codes say is enough
    const std::string reason(
        absl::StripPrefix(reasons->value(i)->name(), absl::string_view("ERROR_REASON_")));
    EXPECT_THAT(GetCourse(FailedPrecondition(reason, "c1", "no")).err,
                HasSubstr("\n  what to do: "))
        << reason;
    ++said;
  }
  EXPECT_GT(said, 20);
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
  EXPECT_EQ(RunWith({"course", "get", "c1", "--deadline", "20s"}).exit, 6);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(20));
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

class ReminderQueueTest : public CliTest {
 protected:
  ReminderQueueTest() {
    for (const auto& [id, why, reason] :
         {std::tuple{"r1", v1::REMINDER_WHY_NOT_ATTEMPTS_EXHAUSTED, "PROVIDER_TIMEOUT"},
          std::tuple{"r2", v1::REMINDER_WHY_NOT_REJECTED, "NO_ADDRESS"},
          std::tuple{"r3", v1::REMINDER_WHY_NOT_ATTEMPTS_EXHAUSTED, "PROVIDER_TIMEOUT"},
          std::tuple{"r4", v1::REMINDER_WHY_NOT_REJECTED, ""}}) {
      v1::Reminder& reminder = script_.reminders.emplace_back();
      reminder.set_name(Name(id));
      reminder.set_course("clinics/north/courses/c1");
      reminder.set_state(v1::REMINDER_STATE_DEAD);
      reminder.set_why_not(why);
      reminder.set_last_reason(reason);
      reminder.set_attempt(8);
    }
    script_.looks = {Queue(10, 100)};
  }
  static std::string Name(const std::string& id) { return "clinics/north/reminders/" + id; }
  // Each look is a minute after the one before.
  v1::ReminderQueue Queue(int due, int sent) {
    v1::ReminderQueue queue;
    queue.set_clinic("clinics/north");
    queue.mutable_as_of()->set_seconds(1788253200 + 60 * ++looks_);
    queue.set_due(due);
    queue.set_sent_day(sent);
    queue.set_dead(4);
    return queue;
  }
  Outcome Watch(std::vector<std::string> more = {}) {
    std::vector<std::string> args = {"reminders", "watch", "clinics/north"};
    args.insert(args.end(), more.begin(), more.end());
    return RunWith(args);
  }
  int looks_ = 0;
};

TEST_F(ReminderQueueTest, DeadLettersAreListedWithWhy) {
  const Outcome outcome = RunWith({"reminders", "list", "clinics/north", "--state", "dead"});
  EXPECT_THAT(outcome.out, HasSubstr("LAST REASON"));
  EXPECT_THAT(outcome.out, HasSubstr("attempts-exhausted  PROVIDER_TIMEOUT  8"));
}

TEST_F(ReminderQueueTest, DeadLettersAreReplayedTogether) {
  const Outcome outcome = RunWith({"reminders", "replay-many", "clinics/north", "--yes"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(script_.replayed,
              ::testing::ElementsAre(Name("r1"), Name("r2"), Name("r3"), Name("r4")));
  EXPECT_THAT(outcome.out, HasSubstr("2  attempts-exhausted, PROVIDER_TIMEOUT\n"));
  EXPECT_THAT(outcome.out, HasSubstr("replayed 4 of 4 dead letters\n"));
}

TEST_F(ReminderQueueTest, OnlyThoseOfAReasonAreHandled) {
  const std::vector<std::string> drop = {"reminders", "drop-many",         "clinics/north", "--yes",
                                         "--note",    "told by telephone", "--because"};
  const auto dropped_because = [&](const std::string& word) {
    script_.dropped.clear();
    std::vector<std::string> args = drop;
    args.push_back(word);
    EXPECT_EQ(RunWith(args).exit, 0) << word;
    return script_.dropped;
  };
  EXPECT_THAT(dropped_because("provider-timeout"), ::testing::ElementsAre(Name("r1"), Name("r3")));
  EXPECT_THAT(dropped_because("rejected"), ::testing::ElementsAre(Name("r2"), Name("r4")));
  EXPECT_THAT(dropped_because("NO_ADDRESS"), ::testing::ElementsAre(Name("r2")));
  EXPECT_THAT(dropped_because("nothing"), IsEmpty());
  EXPECT_THAT(script_.notes, ::testing::Each("told by telephone"));
}

TEST_F(ReminderQueueTest, ManyAreHandledOnlyWhenConfirmed) {
  const std::vector<std::string> replay = {"reminders", "replay-many", "clinics/north"};
  const Outcome no = RunWith(replay, "\n", true);
  EXPECT_EQ(no.exit, 0);
  EXPECT_THAT(no.err, HasSubstr("Replay these 4 dead letters? [y/N]"));
  EXPECT_EQ(RunWith(replay).exit, 1) << "nobody to ask";
  EXPECT_THAT(script_.replayed, IsEmpty());
  EXPECT_EQ(RunWith(replay, "y\n", true).exit, 0);
  EXPECT_EQ(script_.replayed.size(), 4u);
  EXPECT_THAT(RunWith({"reminders", "drop-many", "clinics/north", "--yes"}).err,
              HasSubstr("--note TEXT"));
  EXPECT_THAT(RunWith({"reminders", "drop-many", "clinics/north", "--yes", "--note", "x", "--state",
                       "scheduled"})
                  .err,
              HasSubstr("leave --state out"));
  EXPECT_THAT(script_.dropped, IsEmpty());
}

TEST_F(ReminderQueueTest, WhatIsRefusedIsToldAndTheOthersGoOn) {
  script_.handle = [](const std::string& name) {
    return name == Name("r2") ? FailedPrecondition("REMINDER_STATE", name, "it is too late")
                              : absl::OkStatus();
  };
  const Outcome outcome = RunWith({"reminders", "replay-many", "clinics/north", "--yes"});
  EXPECT_EQ(outcome.exit, 4);
  EXPECT_EQ(script_.replayed.size(), 3u);
  EXPECT_THAT(outcome.err, HasSubstr("refused: " + Name("r2")));
  EXPECT_THAT(outcome.out, HasSubstr("replayed 3 of 4 dead letters, refused 1\n"));
  const auto json = nlohmann::json::parse(
      RunWith({"reminders", "replay-many", "clinics/north", "--yes", "-o", "json"}).out);
  EXPECT_EQ(json["replayed"], 3);
  EXPECT_EQ(json["refused"][0]["reminder"], Name("r2"));
}

TEST_F(ReminderQueueTest, WhatOthersWouldSufferTooEndsIt) {
  script_.handle = [](const std::string& name) {
    return name == Name("r1") ? absl::OkStatus() : PermissionDenied("SCOPE_MISSING", "scope");
  };
  const Outcome outcome = RunWith({"reminders", "replay-many", "clinics/north", "--yes"});
  EXPECT_EQ(outcome.exit, 5);
  EXPECT_THAT(outcome.err, HasSubstr("replayed 1 of 4; give the command again for the rest"));
}

TEST_F(ReminderQueueTest, IsWatchedALineALook) {
  script_.looks = {Queue(10, 100), Queue(4, 112)};
  script_.sending.set_max_per_minute(600);
  const Outcome outcome = Watch({"--count", "2"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(outcome.out,
            "2026-09-01 09:02:00 UTC, due 10, leased 0, retrying 0, scheduled 0, dead 4, sent in "
            "24 h 100, sending at most 600 a minute\n"
            "2026-09-01 09:03:00 UTC, due 4, leased 0, retrying 0, scheduled 0, dead 4, sent in "
            "24 h 112, 12 a minute, sending at most 600 a minute\n");
  EXPECT_EQ(script_.lists, 0) << "nothing is read that is not shown";
  EXPECT_THAT(screen_.pictures, IsEmpty());
  EXPECT_THAT(screen_.waits, ::testing::ElementsAre(absl::Seconds(2)));
}

TEST_F(ReminderQueueTest, IsWatchedAsJson) {
  script_.looks = {Queue(10, 100), Queue(4, 112)};
  out_is_terminal_ = true;
  const Outcome outcome = Watch({"--count", "2", "--interval", "5s", "-o", "json"});
  std::istringstream lines(outcome.out);
  std::string first, second;
  std::getline(lines, first);
  std::getline(lines, second);
  EXPECT_FALSE(nlohmann::json::parse(first).contains("sentPerMinute"));
  EXPECT_EQ(nlohmann::json::parse(second)["sentPerMinute"], 12);
  EXPECT_EQ(nlohmann::json::parse(second)["queue"]["due"], "4");
  EXPECT_THAT(screen_.waits, ::testing::ElementsAre(absl::Seconds(5)));
}

TEST_F(ReminderQueueTest, IsDrawnInPlaceAndAnewWhenTheTerminalChanges) {
  script_.looks = {Queue(10, 100), Queue(4, 112)};
  out_is_terminal_ = true;
  screen_.resize_to = Screen::Size{.columns = 30, .lines = 5};
  const Outcome outcome = Watch({"--count", "2"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(screen_.opened, ::testing::ElementsAre(true));
  EXPECT_EQ(screen_.closed, 1);
  ASSERT_EQ(screen_.pictures.size(), 3u);
  EXPECT_THAT(screen_.pictures[0], HasSubstr("NO_ADDRESS"));
  EXPECT_EQ(std::count(screen_.pictures[1].begin(), screen_.pictures[1].end(), '\n'), 5);
  EXPECT_THAT(screen_.pictures[2], HasSubstr("\x1b[1m4 ")) << "the next look";
}

TEST_F(ReminderQueueTest, RemindersAreReadAgainOnlyWhereSomethingChanged) {
  script_.looks = {Queue(10, 100)};  // the same instant, over and over
  out_is_terminal_ = true;
  Watch({"--count", "1"});
  const int once = script_.lists;
  script_.lists = 0;
  Watch({"--count", "4"});
  EXPECT_EQ(script_.lists, once);
}

TEST_F(ReminderQueueTest, IsWatchedOverAnOutage) {
  const auto away = Unavailable("STORE_UNAVAILABLE", "the store is away", absl::Hours(1));
  script_.looks = {Queue(10, 100), away, Queue(4, 112)};
  out_is_terminal_ = true;
  const Outcome outcome = Watch({"--count", "2"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  ASSERT_EQ(screen_.pictures.size(), 3u);
  EXPECT_THAT(screen_.pictures[1], HasSubstr("no answer, this is how it was"));
  EXPECT_THAT(screen_.pictures[2], Not(HasSubstr("no answer")));
}

TEST_F(ReminderQueueTest, AWatchEndsWithWhatDoesNotHeal) {
  script_.looks = {Queue(10, 100), NotFound("Clinic", "clinics/north")};
  EXPECT_EQ(Watch().exit, 3);
  script_.looks = {Unavailable("STORE_UNAVAILABLE", "the store is away", absl::Hours(1))};
  const int before = static_cast<int>(screen_.opened.size());
  EXPECT_EQ(Watch().exit, 6) << "more likely a wrong address";
  EXPECT_EQ(screen_.opened.size(), before) << "told on the terminal as it was";
  for (const char* bad : {"0", "x"}) EXPECT_EQ(Watch({"--count", bad}).exit, 1);
  for (const char* bad : {"1ms", "2h", "x"}) EXPECT_EQ(Watch({"--interval", bad}).exit, 1);
}

TEST_F(CliTest, ListsTheServersMethodsByReflection) {
  const Outcome outcome = RunWith({"methods"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  for (const google::protobuf::ServiceDescriptor* service :
       {v1::GetCourseRequest::descriptor()->file()->service(0),
        v1::GetSessionRequest::descriptor()->file()->service(0),
        v1::GetReminderRequest::descriptor()->file()->service(0)}) {
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
  const Outcome offline = RunWith({"methods", "--offline"});
  EXPECT_EQ(offline.exit, 0) << offline.err;
  EXPECT_THAT(offline.out, HasSubstr("/ipt.audit.v1.AuditService/ListAuditEntries"));
  EXPECT_THAT(offline.out, ContainsRegex("/StreamReminders +-\n")) << "no command, and no harm";
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
  // The files that examples name, those that they would write, too.
  std::string folder = (std::filesystem::temp_directory_path() / "ipt-examples-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder);
  std::ofstream("forms.csv") << "course,instrument,respondent,complete_time,item.q1\n";
  for (const Command& command : Commands()) {
    const Outcome outcome = RunWith(ShellWords(command.example));
    EXPECT_EQ(outcome.exit, 6) << command.example << "\n" << outcome.err;
  }
  std::filesystem::current_path(before);
  std::filesystem::remove_all(folder);
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
  EXPECT_THAT(RunWith({"reminders", "queue", "clinics/north", "--count", "2"}).err,
              HasSubstr("iptctl events watch, outcomes watch, formulation watch, alert watch, "
                        "reminders watch only"));
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
