// Formulation's focuses are followed as by ipt-suite, over the in-process channel and through the
// adapter with all its checks, from a formulation that the test fills: by lists, by events, after
// it was restored, while it is away. On both engines.
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "course_copies/storage/sql_course_copies.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "ipt/formulation/v1/event_service.pb.h"
#include "ipt/formulation/v1/formulation_service.pb.h"
#include "outcomes/link/formulation_source.h"
#include "outcomes/storage/outcomes_migrations.h"
#include "outcomes/storage/sql_course_focuses.h"
#include "platform/auth/authenticator.h"
#include "platform/errors/status_macros.h"
#include "platform/events/event_handler.h"
#include "platform/follow/follow_migrations.h"
#include "platform/follow/followers.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/resource_name.h"
#include "platform/server/server.h"
#include "platform/server/service_store.h"
#include "platform/storage/outbox.h"
#include "platform/storage/platform_migrations.h"
#include "platform/storage/sql_write_log.h"
#include "tests/support/eventually.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::outcomes {
namespace {

namespace pb = ::ipt::formulation::v1;
using ipt::testing::Eventually;
using ipt::testing::StatusIs;

constexpr absl::CivilDay kAgreedOn(2026, 3, 2);

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

pb::CourseFocus FocusOf(const std::string& clinic, const std::string& course,
                        pb::ProblemAreaKind kind, int64_t revision) {
  pb::CourseFocus focus;
  focus.set_course(absl::StrCat("clinics/", clinic, "/courses/", course));
  focus.set_primary_kind(kind);
  focus.set_first_primary_kind(pb::PROBLEM_AREA_KIND_GRIEF);
  rpc::WriteDay(kAgreedOn, focus.mutable_agreed_on());
  focus.set_revision_number(1);
  focus.set_revision(revision);
  return focus;
}

// What of formulation's contract is followed, over a store of its own.
class FakeFormulation {
 public:
  FakeFormulation(const server::Platform& platform, const std::string& folder)
      : store_(platform, "formulation",
               server::OpenServiceStore(
                   platform,
                   {.location = {.url = "sqlite://" + folder + "/formulation.db"}, .migrate = true},
                   {storage::PlatformMigrations()})
                   .value(),
               absl::Hours(48)),
        events_(store_.feed(), platform.settings.event_heartbeat),
        event_service_("ipt.formulation.v1.EventService", platform.runtime),
        formulation_service_("ipt.formulation.v1.FormulationService", platform.runtime) {
    event_service_.HandleStream("WatchEvents", events_, &Events::WatchEvents);
    formulation_service_.Handle<pb::ListCourseFocusesRequest, pb::ListCourseFocusesResponse>(
        "ListCourseFocuses",
        [this](const CallContext& ctx, const pb::ListCourseFocusesRequest& request) {
          return List(ctx, request);
        });
  }

  std::vector<rpc::RpcService*> services() { return {&event_service_, &formulation_service_}; }
  void Start() { store_.Start(); }
  void Stop() {
    store_.BeginStop();
    store_.EndStop();
  }

  // Without an event: as before the followers came.
  void Hold(const pb::CourseFocus& focus) {
    std::lock_guard<std::mutex> lock(mutex_);
    focuses_[focus.course()] = focus;
  }
  // By an event.
  void Agree(const pb::CourseFocus& focus) {
    Hold(focus);
    Tell(focus);
  }
  // What was told late, or again.
  void Tell(const pb::CourseFocus& focus) {
    pb::FormulationEvent event;
    *event.mutable_formulation_agreed()->mutable_focus() = focus;
    Append(focus.course(), "FORMULATION_AGREED", event);
  }
  // As a restore leaves it: other focuses, and no event of them.
  void Restore(const std::vector<pb::CourseFocus>& focuses) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      focuses_.clear();
    }
    for (const pb::CourseFocus& focus : focuses) Hold(focus);
    EXPECT_OK(store_.db().Write(
        {}, [](storage::Connection& conn) { return storage::outbox::MarkRestored(conn); }));
    store_.feed().OnCommitted();
  }
  void Append(const std::string& course, const std::string& kind,
              const pb::FormulationEvent& event) {
    EXPECT_OK(store_.db().Write({}, [&](storage::Connection& conn) {
      return storage::SqlWriteLog(conn).AppendEvent({.clinic_id = rpc::IdsOf(course)[0],
                                                     .subject = course + "/formulation",
                                                     .kind = kind,
                                                     .payload = event.SerializeAsString(),
                                                     .time = SystemClock().Now()});
    }));
    store_.feed().OnCommitted();
  }

 private:
  using Events = events::EventHandler<pb::WatchEventsRequest, pb::WatchEventsResponse>;

  // Two a page.
  absl::StatusOr<pb::ListCourseFocusesResponse> List(const CallContext& ctx,
                                                     const pb::ListCourseFocusesRequest& request) {
    pb::ListCourseFocusesResponse response;
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto it = focuses_.upper_bound(request.page_token()); it != focuses_.end(); ++it) {
      if (rpc::IdsOf(it->first)[0] != ctx.clinic_id) continue;
      if (response.course_focuses_size() == 2) {
        response.set_next_page_token(response.course_focuses(1).course());
        break;
      }
      *response.add_course_focuses() = it->second;
    }
    return response;
  }

  server::ServiceStore store_;
  Events events_;
  rpc::RpcService event_service_;
  rpc::RpcService formulation_service_;
  std::mutex mutex_;
  std::map<std::string, pb::CourseFocus> focuses_;
};

class FormulationFollowingTest : public ::testing::TestWithParam<storage::Dialect> {
 protected:
  FormulationFollowingTest() {
    grpc::ServerBuilder builder;
    for (rpc::RpcService* service : formulation_.services()) builder.RegisterService(service);
    server_ = builder.BuildAndStart();
    in_process_.SetChannel(server_->InProcessChannel(peer::InProcessArguments()));
    formulation_.Start();
    for (const char* clinic : {"north", "south"}) MeetClinic(clinic);
  }
  // As a server stops.
  ~FormulationFollowingTest() override {
    streams_.Stop();
    peer_.Stop();  // before the server: see peer::InProcess::SetChannel
    server_->Shutdown();
    followers_.reset();
    executor_.Stop();
    formulation_.Stop();
    in_process_.SetChannel(nullptr);
  }

  // A course of it has come from scheduling.
  void MeetClinic(const std::string& clinic) {
    courses::CopiedCourse course;
    course.clinic_id = clinic;
    course.course_id = "any";
    ASSERT_OK(
        courses::SqlCourseCopies(*db_).PutAnswer(course, clock_.Now(), absl::InfiniteFuture()));
  }
  void Follow() {
    follow::FollowersOptions options{.peer = kFormulation, .owner = absl::StrCat("o", ++owners_)};
    options.longest_pause = absl::Milliseconds(200);
    options.tick = absl::Milliseconds(20);
    options.look_for_clinics = absl::Milliseconds(20);
    followers_ = std::make_unique<follow::Followers>(options, *db_, source_, clock_, metrics_);
    followers_->Start();
  }

  std::optional<CourseFocus> Found(const std::string& clinic, const std::string& course) {
    std::optional<CourseFocus> found;
    EXPECT_OK(db_->Read({}, [&](storage::Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(found, SqlCourseFocuses::Find(conn, clinic, course));
      return absl::OkStatus();
    }));
    return found;
  }
  bool Becomes(const std::string& clinic, const std::string& course, pb::ProblemAreaKind kind) {
    return Eventually<10>([&] {
      const std::optional<CourseFocus> found = Found(clinic, course);
      return found.has_value() ? found->primary_kind == kind
                               : kind == pb::PROBLEM_AREA_KIND_UNSPECIFIED;
    });
  }
  courses::CopyAge Age(const std::string& clinic = "north") {
    courses::CopyAge age;
    EXPECT_OK(db_->Read({}, [&](storage::Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(age, FormulationSource::AgeOf(conn, clinic, clock_.Now()));
      return absl::OkStatus();
    }));
    return age;
  }

  SystemClock clock_;
  Metrics metrics_{"test", "0"};
  server::Telemetry telemetry_{metrics_, {}};
  const server::Settings settings_ = SomeSettings();
  auth::NoneAuthenticator anybody_;
  peer::InProcess in_process_{anybody_};
  rpc::Executor executor_{4, 64};
  rpc::StreamSet streams_{clock_, 16, absl::Hours(1)};
  const rpc::RpcRuntime runtime_{in_process_, clock_, executor_, telemetry_, streams_};
  const std::unique_ptr<cache::Shared> shared_ = cache::Shared::InProcess(clock_);
  const server::Platform platform_{settings_, clock_,   metrics_,   telemetry_,
                                   runtime_,  *shared_, in_process_};
  ipt::testing::TempDatabase db_{
      GetParam(),
      {storage::PlatformMigrations(), follow::FollowMigrations(), OutcomesMigrations()}};
  ipt::testing::TempDatabase folder_{storage::Dialect::kSqlite};
  FakeFormulation formulation_{platform_, folder_.folder()};
  std::unique_ptr<grpc::Server> server_;
  peer::Peer peer_{{.name = kFormulation},
                   peer::MakeInProcessLink(in_process_, CallerOfFormulation()),
                   clock_,
                   metrics_};
  FormulationSource source_{peer_, *db_};
  std::unique_ptr<follow::Followers> followers_;
  int owners_ = 0;
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(FormulationFollowingTest);

TEST_P(FormulationFollowingTest, FocusesAreCopiedByListsAndByEvents) {
  EXPECT_EQ(Age().as_of, absl::InfinitePast());
  for (const char* course : {"k1", "k2", "k3", "k4", "k5"}) {
    formulation_.Hold(FocusOf("north", course, pb::PROBLEM_AREA_KIND_GRIEF, 5));
  }
  formulation_.Hold(FocusOf("south", "k1", pb::PROBLEM_AREA_KIND_ROLE_DISPUTE, 6));
  Follow();
  for (const char* course : {"k1", "k2", "k3", "k4", "k5"}) {
    EXPECT_TRUE(Becomes("north", course, pb::PROBLEM_AREA_KIND_GRIEF)) << course;
  }
  EXPECT_TRUE(Becomes("south", "k1", pb::PROBLEM_AREA_KIND_ROLE_DISPUTE));
  EXPECT_TRUE(Eventually<10>([&] { return Age().current; }));

  pb::CourseFocus focus = FocusOf("north", "k3", pb::PROBLEM_AREA_KIND_ROLE_TRANSITION, 9);
  focus.set_secondary_kind(pb::PROBLEM_AREA_KIND_ROLE_DISPUTE);
  focus.set_revision_number(2);
  formulation_.Agree(focus);
  formulation_.Agree(FocusOf("north", "k9", pb::PROBLEM_AREA_KIND_ROLE_DISPUTE, 10));
  ASSERT_TRUE(Becomes("north", "k9", pb::PROBLEM_AREA_KIND_ROLE_DISPUTE));
  EXPECT_EQ(Found("north", "k3"), (CourseFocus{.clinic_id = "north",
                                               .course_id = "k3",
                                               .primary_kind = 3,
                                               .secondary_kind = 2,
                                               .agreed_on = kAgreedOn,
                                               .revision_number = 2,
                                               .first_primary_kind = 1,
                                               .revision = 9}));
  EXPECT_EQ(Found("south", "k3"), std::nullopt);
}

TEST_P(FormulationFollowingTest, OlderNewsNeverReplacesNewer) {
  Follow();
  ASSERT_TRUE(Eventually<10>([&] { return Age().current; }));
  formulation_.Agree(FocusOf("north", "k1", pb::PROBLEM_AREA_KIND_ROLE_DISPUTE, 9));
  formulation_.Tell(FocusOf("north", "k1", pb::PROBLEM_AREA_KIND_GRIEF, 5));
  formulation_.Agree(FocusOf("north", "k2", pb::PROBLEM_AREA_KIND_GRIEF, 10));
  ASSERT_TRUE(Becomes("north", "k2", pb::PROBLEM_AREA_KIND_GRIEF));
  EXPECT_EQ(Found("north", "k1")->primary_kind, pb::PROBLEM_AREA_KIND_ROLE_DISPUTE);
}

TEST_P(FormulationFollowingTest, ARestoredFormulationIsCopiedAnew) {
  Follow();
  ASSERT_TRUE(Eventually<10>([&] { return Age().current; }));
  formulation_.Agree(FocusOf("north", "k1", pb::PROBLEM_AREA_KIND_ROLE_DISPUTE, 9));
  formulation_.Agree(FocusOf("north", "k2", pb::PROBLEM_AREA_KIND_GRIEF, 10));
  ASSERT_TRUE(Becomes("north", "k2", pb::PROBLEM_AREA_KIND_GRIEF));
  formulation_.Restore({FocusOf("north", "k1", pb::PROBLEM_AREA_KIND_GRIEF, 4)});
  EXPECT_TRUE(Becomes("north", "k1", pb::PROBLEM_AREA_KIND_GRIEF));
  EXPECT_TRUE(Becomes("north", "k2", pb::PROBLEM_AREA_KIND_UNSPECIFIED));
  formulation_.Agree(FocusOf("north", "k2", pb::PROBLEM_AREA_KIND_ROLE_TRANSITION, 5));
  EXPECT_TRUE(Becomes("north", "k2", pb::PROBLEM_AREA_KIND_ROLE_TRANSITION));
}

// While nobody follows, what was agreed comes later; what is here stays, with its age.
TEST_P(FormulationFollowingTest, GoesOnWhereItWas) {
  Follow();
  ASSERT_TRUE(Eventually<10>([&] { return Age().current; }));
  formulation_.Agree(FocusOf("north", "k1", pb::PROBLEM_AREA_KIND_GRIEF, 3));
  ASSERT_TRUE(Becomes("north", "k1", pb::PROBLEM_AREA_KIND_GRIEF));
  followers_.reset();
  formulation_.Agree(FocusOf("north", "k1", pb::PROBLEM_AREA_KIND_ROLE_DISPUTE, 4));
  const courses::CopyAge age = Age();
  EXPECT_GT(age.as_of, absl::InfinitePast());
  EXPECT_EQ(Age().as_of, age.as_of);
  EXPECT_EQ(Found("north", "k1")->primary_kind, pb::PROBLEM_AREA_KIND_GRIEF);
  Follow();
  EXPECT_TRUE(Becomes("north", "k1", pb::PROBLEM_AREA_KIND_ROLE_DISPUTE));
}

TEST_P(FormulationFollowingTest, AClinicThatComesLaterIsFollowed) {
  formulation_.Hold(FocusOf("west", "k1", pb::PROBLEM_AREA_KIND_GRIEF, 3));
  Follow();
  ASSERT_TRUE(Eventually<10>([&] { return Age().current; }));
  EXPECT_EQ(Found("west", "k1"), std::nullopt);
  MeetClinic("west");
  EXPECT_TRUE(Becomes("west", "k1", pb::PROBLEM_AREA_KIND_GRIEF));
}

TEST(CourseFocusCopyTest, WhatNoReleaseSaysIsRefused) {
  const pb::CourseFocus focus = FocusOf("north", "k1", pb::PROBLEM_AREA_KIND_GRIEF, 3);
  EXPECT_OK(CopyOf(focus, "north").status());
  EXPECT_THAT(CopyOf(focus, "south").status(), StatusIs(absl::StatusCode::kInternal));
  pb::CourseFocus wrong = focus;
  wrong.set_course("clinics/north/patients/k1");
  EXPECT_THAT(CopyOf(wrong, "north").status(), StatusIs(absl::StatusCode::kInternal));
  wrong = focus;
  wrong.mutable_agreed_on()->set_month(13);
  EXPECT_THAT(CopyOf(wrong, "north").status(), StatusIs(absl::StatusCode::kInternal));
  // A kind of a later release comes as it is.
  wrong = focus;
  wrong.set_primary_kind(static_cast<pb::ProblemAreaKind>(77));
  EXPECT_EQ(CopyOf(wrong, "north")->primary_kind, 77);
}

}  // namespace
}  // namespace ipt::outcomes
