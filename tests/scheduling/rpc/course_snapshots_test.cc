// GetCourse over several replicas that share copies in Redis: each replica a store, a handler and a
// Redis client of its own over one database.
#include <future>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "scheduling/storage/shared_course_snapshots.h"
#include "tests/scheduling/rpc/booking_fixture.h"
#include "tests/support/redis_process.h"

namespace ipt::scheduling {
namespace {

class CourseSnapshotsTest : public BookingTest {
 protected:
  struct Replica {
    Replica(storage::Database& db, const EventEncoder& encoder, IdSource& ids,
            const cache::RedisOptions& options)
        : redis(options),
          snapshots(redis, [this] { return history; }),
          store(db, encoder, &snapshots),
          courses(store, ids, nullptr, &snapshots),
          sessions(store, ids) {}
    cache::RedisClient redis;
    std::string history = "h1";
    SharedCourseSnapshots snapshots;
    SqlSchedulingStore store;
    CourseHandler courses;
    SessionHandler sessions;
  };

  void SetUp() override {
    auto server = ipt::testing::RedisProcess::Create();
    ASSERT_OK(server);
    redis_ = *std::move(server);
    for (auto* replica : {&one_, &two_}) {
      cache::RedisOptions options;
      options.url = *cache::ParseRedisUrl(redis_->Url());
      options.command_timeout = absl::Seconds(5);
      *replica = std::make_unique<Replica>(*db_, encoder_, ids_, options);
      ASSERT_TRUE((*replica)->redis.AwaitConnected(absl::Seconds(10)));
    }
    name_ = OpenCourse("p1");
    LearnScripts();
  }

  // The first fill at a server waits for its script to be sent in full; the tests' do not.
  void LearnScripts() {
    Ask(*one_);
    while (!Copy(*one_).has_value()) absl::SleepFor(absl::Milliseconds(1));
    ASSERT_OK(redis_->Run({"FLUSHALL"}));
  }

  // What the replica answers by the shared copy alone; nullopt where it would ask the store.
  std::optional<pb::Course> Copy(Replica& replica, const pb::GetCourseRequest& request) {
    std::promise<std::shared_ptr<const std::string>> answer;
    replica.courses.GetCourseFromSnapshot(
        Read(), request,
        [&](std::shared_ptr<const std::string> found) { answer.set_value(found); });
    const auto found = answer.get_future().get();
    if (found == nullptr) return std::nullopt;
    pb::Course course;
    EXPECT_TRUE(course.ParseFromString(*found));
    return course;
  }
  std::optional<pb::Course> Copy(Replica& replica) { return Copy(replica, Request()); }
  pb::GetCourseRequest Request() const {
    pb::GetCourseRequest request;
    request.set_name(name_);
    return request;
  }
  std::string Key() const { return CourseSnapshotKey("north", name_.substr(name_.rfind('/') + 1)); }
  pb::Course Ask(Replica& replica) {
    const auto course = replica.courses.GetCourse(Read(), Request());
    EXPECT_OK(course);
    AwaitSent(replica);
    return course.value_or(pb::Course());
  }
  // What the replica has sent so far, Redis has carried out: it takes what one client sends in its
  // order, but another one's might be taken before. Without Redis there is nothing to wait for.
  static void AwaitSent(Replica& replica) { (void)replica.redis.Call({"PING"}); }
  absl::Status SetMinutes(Replica& replica, int minutes) {
    pb::UpdateCourseRequest request;
    request.mutable_course()->set_name(name_);
    request.mutable_course()->set_session_minutes(minutes);
    return replica.courses.UpdateCourse(Write(request), request).status();
  }

  std::unique_ptr<ipt::testing::RedisProcess> redis_;
  std::unique_ptr<Replica> one_;
  std::unique_ptr<Replica> two_;
  std::string name_;
};

TEST_F(CourseSnapshotsTest, WhatOneReplicaReadAnotherAnswers) {
  EXPECT_EQ(Copy(*two_), std::nullopt);
  const pb::Course read = Ask(*one_);
  EXPECT_EQ(TimeOf(read.read_time()), now_);
  const auto copy = Copy(*two_);
  ASSERT_TRUE(copy.has_value());
  EXPECT_EQ(copy->SerializeAsString(), read.SerializeAsString());
}

TEST_F(CourseSnapshotsTest, AWriteOfAnyReplicaDropsTheCopy) {
  Ask(*one_);
  ASSERT_TRUE(Copy(*one_).has_value());
  ASSERT_OK(SetMinutes(*two_, 75));
  AwaitSent(*two_);
  EXPECT_EQ(Copy(*one_), std::nullopt);
  EXPECT_EQ(Ask(*one_).session_minutes(), 75);
  EXPECT_EQ(Copy(*two_)->session_minutes(), 75);
}

TEST_F(CourseSnapshotsTest, AReadThatBeganBeforeAWriteLeavesNoCopy) {
  const std::string ticket = one_->snapshots.BeginFill(Key());
  ASSERT_FALSE(ticket.empty());
  const pb::Course old = Get(name_);
  ASSERT_OK(SetMinutes(*two_, 75));
  AwaitSent(*two_);
  one_->snapshots.Fill(Key(), ticket, old.revision(), old.SerializeAsString(), kKeepSnapshots);
  EXPECT_EQ(Copy(*one_), std::nullopt);
}

TEST_F(CourseSnapshotsTest, TheBackgroundsRefreshDropsTheCopy) {
  Ask(*one_);
  AddTimeOff("a", Monday(1, 0), Monday(3, 0));  // by a store that tells nobody
  ASSERT_TRUE(Copy(*one_).has_value());
  ipt::testing::FakeClock clock(now_);
  ASSERT_OK_AND_ASSIGN(const RefreshResult result, RefreshSome(two_->store, clock, 10));
  ASSERT_GE(result.refreshed, 1);
  AwaitSent(*two_);
  EXPECT_EQ(Copy(*one_), std::nullopt);
}

TEST_F(CourseSnapshotsTest, FreshAndANewerRevisionAskTheStore) {
  const pb::Course read = Ask(*one_);
  pb::GetCourseRequest request = Request();
  request.set_min_revision(read.revision());
  EXPECT_TRUE(Copy(*one_, request).has_value());
  request.set_min_revision(read.revision() + 1);
  EXPECT_EQ(Copy(*one_, request), std::nullopt);
  request = Request();
  request.set_consistency(ipt::common::v1::CONSISTENCY_FRESH);
  EXPECT_EQ(Copy(*one_, request), std::nullopt);
}

TEST_F(CourseSnapshotsTest, ACopyDoesNotOutliveItsDerivedValues) {
  Ask(*one_);
  ASSERT_OK_AND_ASSIGN(const std::string keys, redis_->Run({"KEYS", "*"}));
  EXPECT_EQ(keys, absl::StrCat("course:h1:", Key()));
  ASSERT_OK_AND_ASSIGN(const std::string left, redis_->Run({"PTTL", keys}));
  EXPECT_GT(std::stoi(left), 20'000);
  EXPECT_LE(std::stoi(left), 30'000);
  // Twenty seconds before midnight in London.
  ASSERT_OK(redis_->Run({"FLUSHALL"}));
  now_ = At(CivilMinute(2026, 11, 3, 0, 0)) - absl::Seconds(20);
  Ask(*one_);
  ASSERT_OK_AND_ASSIGN(const std::string short_left, redis_->Run({"PTTL", keys}));
  EXPECT_GT(std::stoi(short_left), 0);
  EXPECT_LE(std::stoi(short_left), 20'000);
}

TEST_F(CourseSnapshotsTest, ListsOfDeadlinesAreSharedForAWhile) {
  pb::ListDeadlinesRequest request;
  request.set_parent("clinics/north");
  const auto find = [&](Replica& replica) -> std::optional<pb::ListDeadlinesResponse> {
    std::promise<std::shared_ptr<const std::string>> answer;
    replica.courses.ListDeadlinesFromSnapshot(
        Read(), request,
        [&](std::shared_ptr<const std::string> found) { answer.set_value(found); });
    const auto found = answer.get_future().get();
    pb::ListDeadlinesResponse list;
    if (found == nullptr || !list.ParseFromString(*found)) return std::nullopt;
    return list;
  };
  EXPECT_EQ(find(*one_), std::nullopt);
  ASSERT_OK_AND_ASSIGN(const auto list, one_->courses.ListDeadlines(Read(), request));
  AwaitSent(*one_);
  ASSERT_EQ(list.deadlines_size(), 1);
  EXPECT_EQ(list.deadlines(0).course(), name_);
  EXPECT_EQ(TimeOf(list.read_time()), now_);
  ASSERT_TRUE(find(*two_).has_value());
  EXPECT_EQ(find(*two_)->SerializeAsString(), list.SerializeAsString());
  // Another list, and one that has to be newer, are not this one.
  request.set_page_size(1);
  EXPECT_EQ(find(*two_), std::nullopt);
  request.set_page_size(0);
  const pb::Course other = *two_->courses.CreateCourse(Write(NewCourse("p2")), NewCourse("p2"));
  EXPECT_TRUE(find(*one_).has_value());
  request.set_min_revision(other.revision());
  EXPECT_EQ(find(*one_), std::nullopt);
  ASSERT_OK_AND_ASSIGN(const auto fresh, one_->courses.ListDeadlines(Read(), request));
  EXPECT_EQ(fresh.deadlines_size(), 2);
  // The newer list has taken the older one's place.
  AwaitSent(*one_);
  EXPECT_EQ(find(*two_)->deadlines_size(), 2);
}

// What Redis has of a history that a restore ended is not answered, though its revision is newer.
TEST_F(CourseSnapshotsTest, ARestoreEndsTheCopies) {
  Ask(*one_);
  one_->history = two_->history = "h2";
  EXPECT_EQ(Copy(*one_), std::nullopt);
  Ask(*two_);
  EXPECT_TRUE(Copy(*one_).has_value());
}

TEST_F(CourseSnapshotsTest, WithoutRedisTheStoreAnswers) {
  Ask(*one_);
  redis_->Kill();
  EXPECT_EQ(Copy(*one_), std::nullopt);
  EXPECT_EQ(Ask(*one_).name(), name_);
  ASSERT_OK(SetMinutes(*one_, 75));
  ASSERT_OK(redis_->Start());
  ASSERT_TRUE(one_->redis.AwaitConnected(absl::Seconds(10)));
  LearnScripts();
  EXPECT_EQ(Ask(*one_).session_minutes(), 75);
  EXPECT_EQ(Copy(*one_)->session_minutes(), 75);
}

}  // namespace
}  // namespace ipt::scheduling
