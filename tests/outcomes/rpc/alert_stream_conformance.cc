// WatchAlerts on both engines: what is not resolved first, then what is new; nothing lost, nothing
// told for nothing; and who listens is known.
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "outcomes/alerts/alert_keeper.h"
#include "outcomes/rpc/alert_handler.h"
#include "platform/errors/status_macros.h"
#include "platform/events/feed.h"
#include "tests/outcomes/alert_fixture.h"

namespace ipt::outcomes {
namespace {

using ::ipt::testing::FailsWith;
using ::ipt::testing::HasBadFields;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Far more than anything takes.
constexpr std::chrono::seconds kPatience(60);

class Handle final : public rpc::StreamHandle {
 public:
  void Wake() override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      woken_ = true;
    }
    condition_.notify_all();
  }
  void End(const absl::Status&) override {}
  bool AwaitWake() {
    std::unique_lock<std::mutex> lock(mutex_);
    const bool woken = condition_.wait_for(lock, kPatience, [&] { return woken_; });
    woken_ = false;
    return woken;
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool woken_ = false;
};

class AlertStreamTest : public AlertTest {
 protected:
  // A process with a feed of its own. Commits ring where a test says so.
  struct Replica {
    Replica(storage::Database& db, AlertStore& store, const Clock& clock, IdSource& ids)
        : feed(db, clock, wake, metrics, {.topic = "outcomes-events"}), handler(store, feed, ids) {
      feed.Start();
    }
    cache::LocalWake wake;
    Metrics metrics{"test", "1"};
    events::Feed feed;
    AlertHandler handler;
  };
  void SetUp() override {
    on_commit_ = [this] { here_.feed.OnCommitted(); };
  }
  void TearDown() override { on_commit_ = nullptr; }

  struct Follower {
    std::shared_ptr<Handle> handle{};
    std::unique_ptr<AlertHandler::Stream> stream{};
  };
  static pb::WatchAlertsRequest Ask(bool include_open = false, const std::string& cursor = "") {
    pb::WatchAlertsRequest request;
    request.set_parent("clinics/north");
    request.set_include_open(include_open);
    request.set_cursor(cursor);
    request.set_listener("pager");
    return request;
  }
  absl::StatusOr<Follower> Watch(const pb::WatchAlertsRequest& request, AlertHandler& handler) {
    Follower follower{.handle = std::make_shared<Handle>()};
    IPT_ASSIGN_OR_RETURN(follower.stream,
                         handler.WatchAlerts(ReadCall(), request, follower.handle));
    return follower;
  }
  absl::StatusOr<Follower> Watch(const pb::WatchAlertsRequest& request) {
    return Watch(request, here_.handler);
  }
  // The next response, however long it takes.
  pb::WatchAlertsResponse Next(Follower& follower) {
    while (true) {
      const CallContext ctx = ReadCall();
      auto next = follower.stream->NextResponse(ctx);
      EXPECT_OK(next);
      if (!next.ok()) return {};
      if (next->response.has_value()) return *std::move(next->response);
      if (next->again <= ctx.now) continue;
      EXPECT_TRUE(follower.handle->AwaitWake()) << "nothing was told";
      if (HasFailure()) return {};
    }
  }
  // Whether there is anything to send now.
  bool Quiet(Follower& follower) {
    for (int i = 0; i < 100; ++i) {
      const CallContext ctx = ReadCall();
      const auto next = follower.stream->NextResponse(ctx);
      EXPECT_OK(next);
      if (!next.ok() || next->response.has_value()) return false;
      if (next->again > ctx.now) return true;
    }
    return false;
  }
  static std::vector<std::string> Ids(const pb::WatchAlertsResponse& response) {
    std::vector<std::string> ids;
    for (const pb::AlertNotice& notice : response.notices()) {
      ids.push_back(notice.alert().name().substr(notice.alert().name().rfind('/') + 1));
    }
    return ids;
  }
  // Ids of notices, in order, until there are so many.
  std::vector<std::string> Take(Follower& follower, size_t count) {
    std::vector<std::string> ids;
    while (ids.size() < count && !HasFailure()) {
      for (std::string& id : Ids(Next(follower))) ids.push_back(std::move(id));
    }
    return ids;
  }
  absl::Status Pass(const std::string& id, const AlertRecipient& to) {
    return Write(
               [&](AlertTx& tx) { return EscalateByHand(tx, Ref(id), to, "x", "y", clock_.Now()); })
        .status();
  }
  int64_t Listeners() {
    return Count(
        absl::StrCat("alert_listeners WHERE expires_us > ", absl::ToUnixMicros(clock_.Now())));
  }

  Replica here_{*db_, store_, clock_, ids_};
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(AlertStreamTest);

TEST_P(AlertStreamTest, TheFirstResponseComesAtOnceAndThenHeartbeats) {
  RaiseOne();
  ASSERT_OK_AND_ASSIGN(Follower follower, Watch(Ask()));
  const pb::WatchAlertsResponse first = Next(follower);
  EXPECT_THAT(first.notices(), IsEmpty());
  EXPECT_TRUE(first.caught_up());
  EXPECT_NE(first.cursor(), "");
  EXPECT_TRUE(Quiet(follower));
  clock_.Advance(kListenerHeartbeat - absl::Microseconds(1));
  EXPECT_TRUE(Quiet(follower));
  clock_.Advance(absl::Microseconds(1));
  const pb::WatchAlertsResponse heartbeat = Next(follower);
  EXPECT_THAT(heartbeat.notices(), IsEmpty());
  EXPECT_FALSE(heartbeat.caught_up());
  EXPECT_NE(heartbeat.cursor(), "");
}

TEST_P(AlertStreamTest, TellsAtOnceWhatIsRaisedAndWhatBecomesOfIt) {
  ASSERT_OK_AND_ASSIGN(Follower follower, Watch(Ask()));
  Next(follower);
  const std::string id = RaiseOne();
  const pb::WatchAlertsResponse raised = Next(follower);
  ASSERT_THAT(Ids(raised), ElementsAre(id));
  const pb::AlertNotice& notice = raised.notices(0);
  EXPECT_EQ(notice.change(), pb::ALERT_CHANGE_KIND_RAISED);
  EXPECT_EQ(notice.alert().state(), pb::ALERT_STATE_OPEN);
  EXPECT_EQ(notice.alert().patient().value(), "4711");
  EXPECT_EQ(notice.alert().assignee().therapist(), "clinics/north/therapists/ann");
  EXPECT_EQ(notice.revision(), Get(id).revision);
  ASSERT_OK(Pass(id, Desk("duty")));
  const pb::WatchAlertsResponse passed = Next(follower);
  ASSERT_THAT(Ids(passed), ElementsAre(id));
  EXPECT_EQ(passed.notices(0).change(), pb::ALERT_CHANGE_KIND_ESCALATED);
  EXPECT_EQ(passed.notices(0).alert().assignee().desk(), "duty");
}

TEST_P(AlertStreamTest, WhatIsNotResolvedComesFirstInPagesOfWhatFits) {
  std::vector<std::string> open;
  for (int i = 0; i < 205; ++i) {
    open.push_back(RaiseOne());
    clock_.Advance(absl::Milliseconds(1));
  }
  ASSERT_OK(Write([&](AlertTx& tx) {
    return Resolve(tx, Ref(open[0]), ResolutionOutcome::kRiskAssessed, "x", "", clock_.Now());
  }));
  open.erase(open.begin());
  ASSERT_OK_AND_ASSIGN(Follower follower, Watch(Ask(true)));
  const pb::WatchAlertsResponse first = Next(follower);
  EXPECT_THAT(first.notices(), SizeIs(200));
  EXPECT_FALSE(first.caught_up());
  EXPECT_EQ(first.notices(0).change(), pb::ALERT_CHANGE_KIND_UNSPECIFIED);
  const pb::WatchAlertsResponse second = Next(follower);
  EXPECT_THAT(second.notices(), SizeIs(4));
  EXPECT_TRUE(second.caught_up());
  std::vector<std::string> told = Ids(first);
  for (const std::string& id : Ids(second)) told.push_back(id);
  EXPECT_EQ(told, open);

  // Who dies after the first page goes on with the second.
  const std::string later = RaiseOne();
  ASSERT_OK_AND_ASSIGN(Follower again, Watch(Ask(false, first.cursor())));
  const pb::WatchAlertsResponse rest = Next(again);
  EXPECT_TRUE(rest.caught_up());
  ASSERT_THAT(rest.notices(), SizeIs(5));
  EXPECT_EQ(Ids(rest).back(), later);
  EXPECT_TRUE(Quiet(again));  // it was among them, and is not told twice
}

TEST_P(AlertStreamTest, NoneOpenIsSaidAtOnce) {
  ASSERT_OK_AND_ASSIGN(Follower follower, Watch(Ask(true)));
  const pb::WatchAlertsResponse first = Next(follower);
  EXPECT_TRUE(first.caught_up());
  EXPECT_THAT(first.notices(), IsEmpty());
}

TEST_P(AlertStreamTest, WhatIsRaisedWhileTheStreamBeginsIsToldOnce) {
  const std::string before = RaiseOne();
  clock_.Advance(absl::Milliseconds(1));
  ASSERT_OK_AND_ASSIGN(Follower follower, Watch(Ask(true)));
  // After events begin, before the store is read: it is in both.
  const std::string between = RaiseOne();
  EXPECT_THAT(Ids(Next(follower)), ElementsAre(before, between));
  const std::string after = RaiseOne();
  EXPECT_THAT(Take(follower, 1), ElementsAre(after));
  // A change of what was among the first is told.
  ASSERT_OK(Pass(between, Desk("duty")));
  EXPECT_THAT(Take(follower, 1), ElementsAre(between));
  EXPECT_TRUE(Quiet(follower));
}

TEST_P(AlertStreamTest, AtAnyMomentNothingIsLostAndNothingDoubled) {
  constexpr int kAlerts = 80;
  std::atomic<bool> done = false;
  std::vector<std::string> raised;
  std::thread writer([&] {
    for (int i = 0; i < kAlerts; ++i) raised.push_back(RaiseOne());
    done = true;
  });
  std::vector<Follower> followers;
  while (followers.size() < 12) {
    const bool last = done;
    auto follower = Watch(Ask(true));
    EXPECT_OK(follower);
    if (!follower.ok()) break;
    followers.push_back(*std::move(follower));
    if (last) break;
  }
  writer.join();
  for (Follower& follower : followers) {
    const std::vector<std::string> told = Take(follower, kAlerts);
    EXPECT_TRUE(Quiet(follower));
    EXPECT_EQ(std::multiset<std::string>(told.begin(), told.end()),
              std::multiset<std::string>(raised.begin(), raised.end()));
  }
}

TEST_P(AlertStreamTest, GoesOnFromItsCursorOverWhatItMissed) {
  ASSERT_OK_AND_ASSIGN(Follower follower, Watch(Ask()));
  Next(follower);
  const std::string first = RaiseOne();
  const std::string cursor = Next(follower).cursor();
  follower.stream.reset();
  const std::string second = RaiseOne();
  ASSERT_OK(Pass(first, Desk("duty")));
  ASSERT_OK_AND_ASSIGN(Follower again, Watch(Ask(false, cursor)));
  EXPECT_THAT(Take(again, 2), ElementsAre(second, first));
  EXPECT_TRUE(Quiet(again));
}

// As if the process had died between the commit and the wake, or another one had written.
TEST_P(AlertStreamTest, WithoutAnyWakeThePollFindsIt) {
  ASSERT_OK_AND_ASSIGN(Follower follower, Watch(Ask()));
  Next(follower);
  on_commit_ = nullptr;
  const std::string id = RaiseOne();
  EXPECT_THAT(Take(follower, 1), ElementsAre(id));
}

TEST_P(AlertStreamTest, AnEscalationReachesTheListenersOfAnotherReplica) {
  const std::unique_ptr<storage::Database> other_db = db_.OpenAnother();
  SqlAlertStore other_store(*other_db, encoder_, OpenDirectory(), [] {});
  Replica there(*other_db, other_store, clock_, ids_);
  ASSERT_OK_AND_ASSIGN(Follower follower, Watch(Ask(), there.handler));
  Next(follower);
  const std::string id = RaiseOne();
  EXPECT_THAT(Take(follower, 1), ElementsAre(id));
  clock_.Advance(absl::Minutes(15));
  Metrics metrics("test", "1");
  AlertMetrics alert_metrics(metrics);
  ASSERT_OK(AlertKeeper(store_, clock_, alert_metrics).EscalateOnce());
  while (!HasFailure()) {
    const pb::WatchAlertsResponse response = Next(follower);
    if (response.notices().empty()) continue;  // a heartbeat
    ASSERT_THAT(Ids(response), ElementsAre(id));
    EXPECT_EQ(response.notices(0).change(), pb::ALERT_CHANGE_KIND_ESCALATED);
    break;
  }
}

TEST_P(AlertStreamTest, WhoListensForSomeHearsOfTheirsAndOfWhatLeavesThem) {
  RaiseOne(Q9(1), "bea");
  const std::string open = RaiseOne();
  pb::WatchAlertsRequest request = Ask(true);
  request.add_recipients()->set_therapist("clinics/north/therapists/ann");
  request.add_recipients()->set_desk("crisis");
  ASSERT_OK_AND_ASSIGN(Follower follower, Watch(request));
  EXPECT_THAT(Ids(Next(follower)), ElementsAre(open));
  RaiseOne(Q9(1), "bea");
  const std::string mine = RaiseOne();
  EXPECT_THAT(Take(follower, 1), ElementsAre(mine));
  ASSERT_OK(Pass(mine, Desk("duty")));  // leaves: told once more
  EXPECT_THAT(Take(follower, 1), ElementsAre(mine));
  ASSERT_OK(Pass(mine, Desk("other")));  // no concern of theirs
  ASSERT_OK(Pass(mine, Desk("crisis")));
  EXPECT_THAT(Take(follower, 1), ElementsAre(mine));
  EXPECT_TRUE(Quiet(follower));
}

TEST_P(AlertStreamTest, WhatIsForOthersDoesNotPutTheHeartbeatOff) {
  pb::WatchAlertsRequest request = Ask();
  request.add_recipients()->set_desk("crisis");
  ASSERT_OK_AND_ASSIGN(Follower follower, Watch(request));
  const std::string begun = Next(follower).cursor();
  for (int second = 1; second < 10; ++second) {
    clock_.Advance(absl::Seconds(1));
    RaiseOne();
    ASSERT_TRUE(follower.handle->AwaitWake());
    EXPECT_TRUE(Quiet(follower));
  }
  clock_.Advance(absl::Seconds(1));
  const pb::WatchAlertsResponse heartbeat = Next(follower);
  EXPECT_THAT(heartbeat.notices(), IsEmpty());
  EXPECT_NE(heartbeat.cursor(), begun);
}

TEST_P(AlertStreamTest, OnlyTheKindsThatAreAskedFor) {
  const std::string review = RaiseOne({.kind = AlertKind::kReview, .rule = "midpoint"});
  RaiseOne();
  pb::WatchAlertsRequest request = Ask(true);
  request.add_kinds(pb::ALERT_KIND_REVIEW);
  ASSERT_OK_AND_ASSIGN(Follower follower, Watch(request));
  EXPECT_THAT(Ids(Next(follower)), ElementsAre(review));
  RaiseOne();
  const std::string another =
      RaiseOne({.kind = AlertKind::kReview, .rule = "late", .signal_level = 1});
  EXPECT_THAT(Take(follower, 1), ElementsAre(another));
  EXPECT_EQ(Listeners(), 0);  // without risk it is no listening
}

TEST_P(AlertStreamTest, WhoTakesResponsesListens) {
  ASSERT_OK_AND_ASSIGN(Follower follower, Watch(Ask()));
  EXPECT_EQ(Listeners(), 1);
  const auto coverage = [&] {
    pb::GetAlertCoverageRequest request;
    request.set_clinic("clinics/north");
    const auto found = here_.handler.GetAlertCoverage(ReadCall(), request);
    EXPECT_OK(found);
    return found.value_or(pb::AlertCoverage());
  };
  EXPECT_EQ(coverage().state(), pb::COVERAGE_STATE_COVERED);
  ASSERT_EQ(coverage().listeners_size(), 1);
  EXPECT_EQ(coverage().listeners(0).label(), "pager");
  EXPECT_EQ(coverage().listeners(0).caller(), "dr-jones");
  Next(follower);
  for (int i = 0; i < 6; ++i) {
    clock_.Advance(kListenerHeartbeat);
    Next(follower);
    EXPECT_EQ(Listeners(), 1);
  }
  // The last one was sent, and nobody asks for another.
  clock_.Advance(kListenerLife);
  EXPECT_EQ(Listeners(), 0);
  EXPECT_EQ(coverage().state(), pb::COVERAGE_STATE_NOBODY);
  // It comes back.
  Next(follower);
  EXPECT_EQ(Listeners(), 1);
  // It goes: another stream has ten seconds to come, so that nobody is told of a gap.
  follower.stream->OnOver(ReadCall());
  clock_.Advance(absl::Seconds(10) - absl::Microseconds(1));
  EXPECT_EQ(Listeners(), 1);
  clock_.Advance(absl::Microseconds(1));
  EXPECT_EQ(Listeners(), 0);
}

TEST_P(AlertStreamTest, AnObserverListensToNothing) {
  pb::WatchAlertsRequest request = Ask(true);
  request.clear_listener();
  request.set_observer(true);
  const std::string id = RaiseOne();
  ASSERT_OK_AND_ASSIGN(Follower follower, Watch(request));
  EXPECT_THAT(Ids(Next(follower)), ElementsAre(id));
  EXPECT_TRUE(Quiet(follower));
  EXPECT_EQ(Listeners(), 0);
  EXPECT_EQ(Get(id).first_sent, std::nullopt);
}

TEST_P(AlertStreamTest, WhenItWasFirstSentIsKept) {
  const std::string id = RaiseOne();
  ASSERT_OK_AND_ASSIGN(Follower follower, Watch(Ask(true)));
  EXPECT_THAT(Ids(Next(follower)), ElementsAre(id));
  EXPECT_EQ(Get(id).first_sent, std::nullopt);  // on its way
  const Alert before = Get(id);
  EXPECT_TRUE(Quiet(follower));
  EXPECT_EQ(Get(id).first_sent, clock_.Now());
  EXPECT_EQ(Get(id).revision, before.revision);
  const std::string later = RaiseOne();
  EXPECT_THAT(Take(follower, 1), ElementsAre(later));
  EXPECT_TRUE(Quiet(follower));
  EXPECT_TRUE(Get(later).first_sent.has_value());
}

TEST_P(AlertStreamTest, BadRequestsAreNamed) {
  pb::WatchAlertsRequest request = Ask(true, "x");
  request.clear_listener();
  request.add_recipients();
  request.add_kinds(pb::ALERT_KIND_UNSPECIFIED);
  EXPECT_THAT(Watch(request).status(),
              HasBadFields("include_open", "listener", "recipients[0].recipient", "kinds[0]"));
  EXPECT_THAT(Watch(Ask(false, "nonsense")).status(), HasBadFields("cursor"));
  EXPECT_EQ(Listeners(), 0);
}

TEST_P(AlertStreamTest, ARestoredStoreAsksForABeginningAnew) {
  ASSERT_OK_AND_ASSIGN(Follower follower, Watch(Ask()));
  const std::string cursor = Next(follower).cursor();
  ASSERT_OK(db_->Write(
      {}, [](storage::Connection& conn) { return storage::outbox::MarkRestored(conn); }));
  // Servers are stopped while a store is restored.
  Replica restarted(*db_, store_, clock_, ids_);
  EXPECT_THAT(Watch(Ask(false, cursor), restarted.handler).status(),
              FailsWith(absl::StatusCode::kOutOfRange, ::ipt::reason::kResyncRequired));
}

}  // namespace
}  // namespace ipt::outcomes
