// Copy and scheduling in one process, as ipt-suite has them: followed and asked over the in-process
// channel, through the adapter with all its checks.
#include <random>

#include "absl/strings/str_cat.h"
#include "course_copies/link/scheduling_directory.h"
#include "course_copies/link/scheduling_source.h"
#include "course_copies/storage/course_copies_migrations.h"
#include "course_copies/storage/sql_course_copies.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "platform/auth/authenticator.h"
#include "platform/follow/follow_migrations.h"
#include "platform/follow/followers.h"
#include "platform/server/server.h"
#include "scheduling/module.h"
#include "tests/course_copies/link/scheduling_process.h"
#include "tests/support/eventually.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::courses {
namespace {

using ipt::testing::Eventually;
using ipt::testing::IsOk;
using ipt::testing::SchedulingClient;
using storage::Dialect;

server::Settings SomeSettings() {
  server::Settings settings;
  settings.auth = "none";
  settings.event_heartbeat = absl::Milliseconds(100);
  settings.keep_events = absl::Hours(24);
  settings.keep_reminders = absl::Hours(24);
  settings.database_sessions = 4;
  settings.statement_timeout = absl::Seconds(10);
  return settings;
}

class InProcessTest : public ::testing::Test {
 protected:
  InProcessTest() {
    auto module = scheduling::OpenModule(
        platform_, {.store = {.location = {.url = "sqlite://" + db_.folder() + "/scheduling.db"},
                              .migrate = true}});
    EXPECT_OK(module);
    module_ = *std::move(module);
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    for (rpc::RpcService* service : module_->services()) builder.RegisterService(service);
    server_ = builder.BuildAndStart();
    in_process_.SetChannel(server_->InProcessChannel(peer::InProcessArguments()));
    module_->Start();
    client_ = std::make_unique<SchedulingClient>(absl::StrCat("127.0.0.1:", port));
    peer_ = OpenPeer(CallerOfScheduling("tests"));
  }
  // As a server stops.
  ~InProcessTest() override {
    streams_.Stop();
    peer_->Stop();  // before the server: see peer::InProcess::SetChannel
    server_->Shutdown();
    followers_.reset();
    executor_.Stop();
    module_->Stop();
    in_process_.SetChannel(nullptr);
  }

  std::unique_ptr<peer::Peer> OpenPeer(peer::LocalCaller caller) {
    return std::make_unique<peer::Peer>(peer::PeerOptions{.name = kScheduling},
                                        peer::MakeInProcessLink(in_process_, std::move(caller)),
                                        clock_, metrics_);
  }
  void Follow() {
    source_ = std::make_unique<SchedulingSource>(*peer_);
    follow::FollowersOptions options{.peer = kScheduling, .owner = "a"};
    options.tick = absl::Milliseconds(20);
    options.look_for_clinics = absl::Milliseconds(20);
    followers_ = std::make_unique<follow::Followers>(options, *db_, *source_, clock_, metrics_);
    followers_->Start();
  }
  void Act() {
    std::mt19937 random(5);
    for (int i = 0; i < 30; ++i) {
      EXPECT_OK(client_->Act(i % 2 == 0 ? "north" : "south", random));
    }
  }
  void ExpectCopied(const std::string& clinic) {
    SqlCourseCopies copies(*db_);
    EXPECT_TRUE(Eventually<10>([&] {
      const auto courses = client_->Courses(clinic);
      EXPECT_OK(courses);
      for (const CopiedCourse& course : *courses) {
        const auto found = copies.Find(clinic, course.course_id, absl::InfiniteFuture());
        if (!found.ok() || !found->has_value() || (*found)->course != course) return false;
      }
      return !courses->empty();
    })) << clinic;
  }

  SystemClock clock_;
  Metrics metrics_{"test", "0"};
  server::Telemetry telemetry_{metrics_, {}};
  const server::Settings settings_ = SomeSettings();
  auth::NoneAuthenticator anybody_;  // for the clients of the network
  peer::InProcess in_process_{anybody_};
  rpc::Executor executor_{4, 64};
  rpc::StreamSet streams_{clock_, 16, absl::Hours(1)};
  const rpc::RpcRuntime runtime_{in_process_, clock_, executor_, telemetry_, streams_};
  const std::unique_ptr<cache::Shared> shared_ = cache::Shared::InProcess(clock_);
  const server::Platform platform_{settings_, clock_,   metrics_,   telemetry_,
                                   runtime_,  *shared_, in_process_};
  ipt::testing::TempDatabase db_{Dialect::kSqlite,
                                 {follow::FollowMigrations(), CourseCopiesMigrations()}};
  std::unique_ptr<server::Module> module_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<SchedulingClient> client_;
  std::unique_ptr<peer::Peer> peer_;
  std::unique_ptr<SchedulingSource> source_;
  std::unique_ptr<follow::Followers> followers_;
};

TEST_F(InProcessTest, FollowsAndAsksAsOverTheNetwork) {
  ASSERT_OK(client_->MakeClinic("north"));
  ASSERT_OK(client_->MakeClinic("south"));
  Follow();
  Act();
  for (const std::string clinic : {"north", "south"}) ExpectCopied(clinic);
  SchedulingDirectory directory(*db_, *peer_,
                                {.ask_time = absl::Seconds(20), .attempt_time = absl::Seconds(10)});
  const absl::Time now = clock_.Now();
  const auto answer = directory.FindCourse("north", "c5", {.max_age = absl::ZeroDuration()}, now,
                                           now + absl::Seconds(30));
  ASSERT_OK(answer);
  EXPECT_EQ(answer->known, CourseAnswer::Known::kVerified);
}

// A token of a release that copied no therapists.
TEST_F(InProcessTest, CoursesAreCopiedWithoutTheScopeOfTherapists) {
  ASSERT_OK(client_->MakeClinic("north"));
  ASSERT_OK(client_->MakeClinic("south"));
  Act();
  peer::LocalCaller caller = CallerOfScheduling("tests");
  ASSERT_EQ(caller.scopes.erase("therapists.read"), 1);
  peer_->Stop();
  peer_ = OpenPeer(std::move(caller));
  Follow();
  for (const std::string clinic : {"north", "south"}) ExpectCopied(clinic);
}

}  // namespace
}  // namespace ipt::courses
