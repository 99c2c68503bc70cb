// Outcomes is asked as by ipt-suite, over the in-process channel and through the adapter with all
// its checks; what it answers is the test's.
#include "formulation/link/outcomes_measures.h"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "ipt/outcomes/v1/measurement_plan_service.pb.h"
#include "platform/errors/error.h"
#include "platform/observability/trace_context.h"
#include "platform/peer/link.h"
#include "platform/rpc/executor.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/rpc_service.h"
#include "platform/server/telemetry.h"
#include "tests/support/nobody_known.h"
#include "tests/support/status_matchers.h"

namespace ipt::formulation {
namespace {

namespace pb = ::ipt::outcomes::v1;
using ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kCourse[] = "clinics/north/courses/k1";
constexpr absl::CivilDay kDay(2026, 3, 2);
constexpr auto kUnavailable = DueMeasuresState::kUnavailable;
constexpr auto kNotPermitted = DueMeasuresState::kNotPermitted;

pb::DueMeasurement PhqOf(absl::CivilDay day, pb::DueState state) {
  pb::DueMeasurement due;
  due.set_course(kCourse);
  due.set_instrument("clinics/north/instruments/phq-9");
  due.set_instrument_display_name("PHQ-9");
  due.set_state(state);
  due.set_timing(pb::PLAN_TIMING_EVERY_SESSION);
  due.set_respondent(pb::RESPONDENT_SELF);
  due.set_session(absl::StrCat(kCourse, "/sessions/s9"));
  due.set_week_number(9);
  rpc::WriteDay(day, due.mutable_due_date());
  rpc::WriteDay(day + 1, due.mutable_overdue_date());
  return due;
}

// Into this process, with what a token file might hold.
class TokenLink final : public peer::Link {
 public:
  TokenLink(peer::InProcess& in_process, std::string authorization)
      : in_process_(in_process), authorization_(std::move(authorization)) {}
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel() const override {
    return in_process_.channel();
  }
  std::string Authorization(absl::string_view) override { return authorization_; }

 private:
  peer::InProcess& in_process_;
  const std::string authorization_;
};

class OutcomesMeasuresTest : public ::testing::Test {
 protected:
  using Response = pb::ListDueMeasurementsResponse;

  OutcomesMeasuresTest() {
    plans_.Handle<pb::ListDueMeasurementsRequest, Response>(
        "ListDueMeasurements",
        [this](const CallContext& ctx,
               const pb::ListDueMeasurementsRequest& request) -> absl::StatusOr<Response> {
          EXPECT_EQ(ctx.clinic_id, "north");
          EXPECT_EQ(ctx.caller->subject, "service:formulation/measures");
          EXPECT_THAT(ctx.caller->clinics, ElementsAre("north"));
          std::function<absl::StatusOr<Response>(const pb::ListDueMeasurementsRequest&)> answer;
          {
            std::lock_guard<std::mutex> lock(mutex_);
            requests_.push_back(request);
            trace_ = ctx.trace;
            answer = answer_;
          }
          return answer(request);
        });
    grpc::ServerBuilder builder;
    builder.RegisterService(&plans_);
    server_ = builder.BuildAndStart();
    in_process_.SetChannel(server_->InProcessChannel(peer::InProcessArguments()));
    Open(peer::MakeInProcessLink(in_process_, CallerOfOutcomes()));
    Answer([](const auto&) { return Known(); });
  }
  // As a server stops.
  ~OutcomesMeasuresTest() override {
    peer_->Stop();
    asking_.Stop();
    server_->Shutdown();
    executor_.Stop();
    in_process_.SetChannel(nullptr);
  }

  void Open(std::unique_ptr<peer::Link> link) {
    peer_ = std::make_unique<peer::Peer>(PeerOfOutcomes(), std::move(link), clock_, metrics_);
    measures_ = std::make_unique<OutcomesMeasures>(
        *peer_, [this](std::function<void()> ask) { return asking_.TryPost(std::move(ask)); },
        clock_);
  }
  void Answer(
      std::function<absl::StatusOr<Response>(const pb::ListDueMeasurementsRequest&)> answer) {
    std::lock_guard<std::mutex> lock(mutex_);
    answer_ = std::move(answer);
  }
  static Response Known() {
    Response response;
    response.mutable_scheduling()->set_current(true);
    response.mutable_scheduling()->mutable_as_of_time()->set_seconds(1'800'000'000);
    return response;
  }
  DueMeasures Ask(absl::Time deadline = absl::InfiniteFuture()) {
    return measures_
        ->Ask({.clinic_id = "north", .course_id = "k1", .last_day = kDay, .deadline = deadline})
        .get();
  }
  std::vector<pb::ListDueMeasurementsRequest> Requests() {
    std::lock_guard<std::mutex> lock(mutex_);
    return requests_;
  }
  std::optional<TraceContext> Trace() {
    std::lock_guard<std::mutex> lock(mutex_);
    return trace_;
  }

  SystemClock clock_;
  Metrics metrics_{"test", "0"};
  server::Telemetry telemetry_{metrics_, {}};
  ipt::testing::NobodyKnown nobody_;
  peer::InProcess in_process_{nobody_};
  rpc::Executor executor_{4, 64};
  rpc::StreamSet streams_{clock_, 16, absl::Hours(1)};
  const rpc::RpcRuntime runtime_{in_process_, clock_, executor_, telemetry_, streams_};
  rpc::RpcService plans_{"ipt.outcomes.v1.MeasurementPlanService", runtime_};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<peer::Peer> peer_;
  std::unique_ptr<OutcomesMeasures> measures_;
  rpc::Executor asking_{2, 2};

 private:
  std::mutex mutex_;
  std::function<absl::StatusOr<Response>(const pb::ListDueMeasurementsRequest&)> answer_;
  std::vector<pb::ListDueMeasurementsRequest> requests_;
  std::optional<TraceContext> trace_;  // of the last request
};

TEST_F(OutcomesMeasuresTest, TellsWhatOutcomesSaysPageByPage) {
  Answer([](const pb::ListDueMeasurementsRequest& request) {
    Response response = Known();
    const bool first = request.page_token().empty();
    *response.add_due_measurements() =
        PhqOf(kDay - (first ? 7 : 0), first ? pb::DUE_STATE_OVERDUE : pb::DUE_STATE_UPCOMING);
    if (first) response.set_next_page_token("more");
    return response;
  });
  const absl::Time before = clock_.Now();
  const DueMeasures due = Ask();
  EXPECT_EQ(due.state, DueMeasuresState::kKnown);
  const DueMeasure phq{.instrument_id = "phq-9",
                       .display_name = "PHQ-9",
                       .state = DueMeasureState::kUpcoming,
                       .occasion = 1,
                       .respondent = 1,
                       .session_id = "s9",
                       .week_number = 9,
                       .due_day = kDay,
                       .overdue_day = kDay + 1};
  DueMeasure earlier = phq;
  earlier.state = DueMeasureState::kOverdue;
  earlier.due_day = kDay - 7;
  earlier.overdue_day = kDay - 6;
  EXPECT_THAT(due.measures, ElementsAre(earlier, phq));
  EXPECT_GE(due.asked_at, before);
  EXPECT_TRUE(due.age.current);
  EXPECT_EQ(due.age.as_of, absl::FromUnixSeconds(1'800'000'000));

  const auto requests = Requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].parent(), kCourse);
  EXPECT_EQ(requests[0].due_before().day(), 3);  // the day after the last one
  EXPECT_THAT(requests[0].states(),
              ElementsAre(pb::DUE_STATE_UPCOMING, pb::DUE_STATE_DUE, pb::DUE_STATE_OVERDUE));
}

TEST_F(OutcomesMeasuresTest, OutcomesIsAskedInTheTraceOfTheGuide) {
  const TraceContext trace{.trace_id = std::string(32, 'a'),
                           .parent_id = std::string(16, 'b'),
                           .span_id = std::string(16, 'c'),
                           .state = ""};
  {
    const TraceScope scope(&trace);
    Ask();
  }
  ASSERT_TRUE(Trace().has_value());
  EXPECT_EQ(Trace()->trace_id, trace.trace_id);
  EXPECT_EQ(Trace()->parent_id, trace.span_id);
}

TEST_F(OutcomesMeasuresTest, ThatNothingIsDueIsKnownOnlyWhereTheCourseIs) {
  DueMeasures due = Ask();
  EXPECT_EQ(due.state, DueMeasuresState::kKnown);
  EXPECT_THAT(due.measures, IsEmpty());
  // As outcomes answers before its copy of scheduling has the course.
  Answer([](const auto&) { return Response(); });
  due = Ask();
  EXPECT_EQ(due.state, kUnavailable);
  EXPECT_TRUE(due.asked_at.has_value());
  Answer([](const auto&) -> absl::StatusOr<Response> {
    return NotFound("ipt.scheduling/Course", kCourse);
  });
  EXPECT_EQ(Ask().state, kUnavailable);
}

TEST_F(OutcomesMeasuresTest, ACallThatIsNotAllowedIsSaidToBe) {
  peer::LocalCaller caller = CallerOfOutcomes();
  EXPECT_THAT(caller.scopes, ElementsAre("outcomes.read"));
  caller.scopes = {"plans.read"};
  caller.subject = "service:formulation/others";
  Open(peer::MakeInProcessLink(in_process_, std::move(caller)));
  EXPECT_EQ(Ask().state, kNotPermitted);
  Open(std::make_unique<TokenLink>(in_process_, "Bearer of-an-age-ago"));
  EXPECT_EQ(Ask().state, kNotPermitted);
  // A token of another clinic.
  Open(std::make_unique<TokenLink>(in_process_,
                                   in_process_.Authorization(CallerOfOutcomes(), "south")));
  EXPECT_EQ(Ask().state, kNotPermitted);
  EXPECT_THAT(Requests(), IsEmpty());
}

TEST_F(OutcomesMeasuresTest, WhatOutcomesCannotSayIsNotGuessed) {
  for (const absl::Status& status :
       {absl::InternalError("its fault"), absl::UnimplementedError("an older one"),
        absl::InvalidArgumentError("its rules are others")}) {
    Answer([status](const auto&) -> absl::StatusOr<Response> { return status; });
    EXPECT_EQ(Ask().state, kUnavailable) << status;
  }
  // Of another course, and so nothing that may be shown.
  Answer([](const auto&) {
    Response response = Known();
    *response.add_due_measurements() = PhqOf(kDay, pb::DUE_STATE_DUE);
    response.add_due_measurements()->set_course("clinics/north/courses/k2");
    return response;
  });
  const DueMeasures due = Ask();
  EXPECT_EQ(due.state, kUnavailable);
  EXPECT_THAT(due.measures, IsEmpty());
  in_process_.SetChannel(nullptr);
  EXPECT_EQ(Ask().state, kUnavailable);
}

TEST_F(OutcomesMeasuresTest, NoMoreThanHalfOfTheTimeLeftIsWaited) {
  const auto go = std::make_shared<absl::Notification>();
  Answer([go](const auto&) {
    go->WaitForNotification();
    return Known();
  });
  const absl::Time begun = clock_.Now();
  EXPECT_EQ(Ask(begun + absl::Milliseconds(400)).state, kUnavailable);
  const absl::Duration waited = clock_.Now() - begun;
  EXPECT_GE(waited, absl::Milliseconds(150));
  EXPECT_LT(waited, kAskTime);
  EXPECT_EQ(Ask(begun).state, kUnavailable);  // it has passed
  // Of a call without an end no more than is said.
  EXPECT_EQ(Ask().state, kUnavailable);
  EXPECT_LT(clock_.Now() - begun, 3 * kAskTime);
  go->Notify();
}

// The threads that ask are held up by others, whose calls have more time.
TEST_F(OutcomesMeasuresTest, AQuestionThatHasNoTurnIsNotWaitedForLonger) {
  const auto go = std::make_shared<absl::Notification>();
  Answer([go](const auto&) {
    go->WaitForNotification();
    return Known();
  });
  const DueQuestion question{.clinic_id = "north", .course_id = "k1", .last_day = kDay};
  std::vector<std::future<DueMeasures>> before;
  for (int i = 0; i < 2; ++i) before.push_back(measures_->Ask(question));
  const absl::Time begun = clock_.Now();
  const DueMeasures due = Ask(begun + absl::Milliseconds(400));
  EXPECT_EQ(due.state, kUnavailable);
  EXPECT_EQ(due.asked_at, std::nullopt);
  EXPECT_LT(clock_.Now() - begun, absl::Seconds(1));
  go->Notify();
  for (std::future<DueMeasures>& each : before) {
    EXPECT_EQ(each.get().state, DueMeasuresState::kKnown);
  }
}

TEST_F(OutcomesMeasuresTest, AskingNeverWaitsAndTooManyDoWithout) {
  const auto go = std::make_shared<absl::Notification>();
  Answer([go](const auto&) {
    go->WaitForNotification();
    return Known();
  });
  const DueQuestion question{.clinic_id = "north", .course_id = "k1", .last_day = kDay};
  std::vector<std::future<DueMeasures>> asked;
  for (int i = 0; i < 20; ++i) asked.push_back(measures_->Ask(question));
  go->Notify();
  int known = 0;
  int without = 0;
  for (std::future<DueMeasures>& each : asked) {
    const DueMeasures due = each.get();
    known += due.state == DueMeasuresState::kKnown ? 1 : 0;
    without += due.state == kUnavailable && !due.asked_at.has_value() ? 1 : 0;
  }
  EXPECT_EQ(known + without, 20);
  EXPECT_GE(known, 2);     // that wait
  EXPECT_GE(without, 16);  // beside those that are asked
}

TEST(CopyOfDueMeasureTest, WhatNoReleaseSaysIsRefused) {
  const pb::DueMeasurement due = PhqOf(kDay, pb::DUE_STATE_DUE);
  EXPECT_OK(CopyOf(due, "north", "k1").status());
  EXPECT_THAT(CopyOf(due, "south", "k1").status(), StatusIs(absl::StatusCode::kInternal));
  const auto refused = [&](const std::function<void(pb::DueMeasurement&)>& spoil) {
    pb::DueMeasurement wrong = due;
    spoil(wrong);
    EXPECT_THAT(CopyOf(wrong, "north", "k1").status(), StatusIs(absl::StatusCode::kInternal));
  };
  refused([](auto& wrong) { wrong.set_instrument("phq-9"); });
  refused([](auto& wrong) { wrong.set_session("s9"); });
  refused([](auto& wrong) { wrong.clear_due_date(); });
  refused([](auto& wrong) { wrong.mutable_overdue_date()->set_month(13); });
  // Voluntary, for no session, by an older release.
  pb::DueMeasurement bare = due;
  bare.clear_session();
  bare.clear_overdue_date();
  bare.clear_timing();
  bare.clear_instrument_display_name();
  const auto copy = CopyOf(bare, "north", "k1");
  ASSERT_OK(copy);
  EXPECT_EQ(copy->session_id, "");
  EXPECT_EQ(copy->overdue_day, std::nullopt);
  EXPECT_EQ(copy->occasion, 0);
}

}  // namespace
}  // namespace ipt::formulation
