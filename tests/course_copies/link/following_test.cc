// A copy beside the real scheduling service, which is killed and restarted while its events are
// applied: in the end the copy is what scheduling has. On both engines.
#include <atomic>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "course_copies/link/course_proto.h"
#include "course_copies/link/scheduling_directory.h"
#include "course_copies/link/scheduling_source.h"
#include "course_copies/storage/course_copies_migrations.h"
#include "course_copies/storage/sql_course_copies.h"
#include "course_copies/storage/sql_therapist_copies.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ipt/scheduling/v1/therapist_service.pb.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/follow/follow_migrations.h"
#include "platform/follow/followers.h"
#include "platform/peer/peer.h"
#include "tests/course_copies/link/scheduling_process.h"
#include "tests/support/eventually.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::courses {
namespace {

using ipt::testing::Eventually;
using ipt::testing::IsOk;
using ipt::testing::SchedulingClient;
using ipt::testing::SchedulingProcess;
using Known = CourseAnswer::Known;

class FollowingTest : public ::testing::TestWithParam<storage::Dialect> {
 protected:
  FollowingTest() { EXPECT_OK(client_.MakeClinic("north")); }

  std::unique_ptr<peer::Peer> OpenPeer() {
    peer::Settings settings;
    settings.target.server = scheduling_.address();
    auto link = peer::OpenNetworkLink(settings, clock_);
    EXPECT_OK(link);
    peer::PeerOptions options;
    options.name = kScheduling;
    options.breaker = {.failures = 5,
                       .first_pause = absl::Milliseconds(20),
                       .longest_pause = absl::Milliseconds(200)};
    return std::make_unique<peer::Peer>(options, *std::move(link), clock_, metrics_);
  }
  std::unique_ptr<follow::Followers> Follow() {
    follow::FollowersOptions options;
    options.peer = kScheduling;
    options.owner = absl::StrCat("owner", ++owners_);
    options.longest_pause = absl::Milliseconds(200);
    options.tick = absl::Milliseconds(20);
    auto followers = std::make_unique<follow::Followers>(options, *db_, source_, clock_, metrics_);
    followers->Start();
    return followers;
  }

  follow::FeedPosition Position() {
    follow::FeedPosition position;
    EXPECT_OK(db_->Read({}, [&](storage::Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const auto found,
                           follow::feed_table::Find(conn, {"north", kScheduling}));
      position = found.value_or(follow::FeedPosition{});
      return absl::OkStatus();
    }));
    return position;
  }
  int64_t CountCopies() {
    int64_t count = 0;
    EXPECT_OK(db_->Read({}, [&](storage::Connection& conn) {
      return conn.Query({"SELECT (SELECT COUNT(*) FROM course_copies) + "
                         "(SELECT COUNT(*) FROM course_session_copies)",
                         {storage::ColumnType::kInt64}},
                        {}, [&](const storage::Row& row) {
                          count = row.Int64(0);
                          return absl::OkStatus();
                        });
    }));
    return count;
  }
  // The first difference between the copy and what scheduling has now; empty: none.
  std::string Difference() {
    const auto courses = client_.Courses("north");
    EXPECT_OK(courses);
    int64_t rows = 0;
    for (const CopiedCourse& course : *courses) {
      rows += 1 + static_cast<int64_t>(course.sessions.size());
      const auto found = copies_.Find("north", course.course_id, absl::InfiniteFuture());
      EXPECT_OK(found);
      if (!found->has_value()) return absl::StrCat(course.course_id, " is missing");
      if ((*found)->course != course) return absl::StrCat(course.course_id, " differs");
    }
    if (const int64_t copied = CountCopies(); copied != rows) {
      return absl::StrCat(copied, " rows for ", rows);
    }
    return Position().cursor.empty() ? "it is being listed" : "";
  }
  CourseAnswer Find(const std::string& course, CourseDemand demand = {}) {
    const absl::Time now = clock_.Now();
    auto answer = directory_.FindCourse("north", course, demand, now, now + absl::Seconds(30));
    EXPECT_OK(answer);
    return answer.value_or(CourseAnswer{});
  }

  SystemClock clock_;
  Metrics metrics_{"test", "0"};
  SchedulingProcess scheduling_;
  SchedulingClient client_{scheduling_.address()};
  ipt::testing::TempDatabase db_{GetParam(),
                                 {follow::FollowMigrations(), CourseCopiesMigrations()}};
  SqlCourseCopies copies_{*db_};
  std::unique_ptr<peer::Peer> peer_ = OpenPeer();
  SchedulingSource source_{*peer_};
  SchedulingDirectory directory_{
      *db_, *peer_, {.ask_time = absl::Seconds(20), .attempt_time = absl::Seconds(10)}};
  int owners_ = 0;
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(FollowingTest);

TEST_P(FollowingTest, TheCopyIsExactAfterSchedulingAndFollowersWereKilled) {
  constexpr int kActs = 200;
  constexpr int kKills = 6;
  auto followers = Follow();
  std::atomic<int> acts = 0;
  absl::Status broken;
  std::thread writer([&] {
    std::mt19937 random(7);
    for (; acts < kActs && broken.ok(); ++acts) broken = client_.Act("north", random);
    acts = kActs;
  });
  for (int i = 1; i <= kKills; ++i) {
    EXPECT_TRUE(Eventually<10>([&] { return acts >= i * kActs / (kKills + 1); }));
    scheduling_.Kill();
    if (i % 2 == 0) {
      followers.reset();
      followers = Follow();
    }
    scheduling_.Start();
  }
  writer.join();
  EXPECT_OK(broken);
  std::string difference;
  EXPECT_TRUE(Eventually<10>([&] {
    difference = Difference();
    return difference.empty();
  })) << difference;
  EXPECT_GT(Position().events, kActs / 4);  // it was followed, not listed again and again
  peer_->Stop();
}

// As scheduling has them: by lists at first, by events then, and by lists again.
TEST_P(FollowingTest, WhoIsAwayIsCopiedByEventsAndByLists) {
  const std::string ana = "clinics/north/therapists/ana";
  const auto take_off = [&](const std::string& days) {
    const auto created = client_.Call("TherapistService.CreateTimeOff",
                                      absl::StrCat("parent: '", ana, "' time_off { ", days, " }"));
    EXPECT_OK(created);
    const auto& off =
        static_cast<const scheduling::v1::CreateTimeOffResponse&>(**created).time_off();
    const auto copy = CopyOf(off, "north");
    EXPECT_OK(copy);
    return std::make_pair(off.name(), copy->time_off);
  };
  const auto copied = [&](absl::Time now) {
    std::optional<SqlTherapistCopies::Found> found;
    EXPECT_OK(db_->Read({}, [&](storage::Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(found, SqlTherapistCopies::Find(conn, "north", "ana", now));
      return absl::OkStatus();
    }));
    return found;
  };
  const absl::Time now = clock_.Now();
  const auto becomes = [&](bool active, const std::vector<CopiedTimeOff>& off) {
    return Eventually<10>([&] {
      const auto found = copied(now);
      return found.has_value() && found->therapist.active == active &&
             found->therapist.time_off == off;
    });
  };
  const std::string range =
      "days { first { year: 2040 month: 7 day: 2 } last { year: 2040 "
      "month: 7 day: 8 } } reason: TIME_OFF_REASON_SICKNESS";
  auto [listed_name, listed] = take_off(range);
  // London's midnight, in summer.
  EXPECT_EQ(listed.start, absl::FromCivil(absl::CivilHour(2040, 7, 1, 23), absl::UTCTimeZone()));
  const auto followers = Follow();
  ASSERT_TRUE(becomes(true, {listed}));
  EXPECT_EQ(copied(listed.start)->therapist.AwayUntil(listed.start), listed.end);

  const auto [told_name, told] =
      take_off(absl::StrCat("time { start_time { seconds: ", absl::ToUnixSeconds(now) - 60,
                            " } end_time { seconds: ", absl::ToUnixSeconds(now) + 86400, " } }"));
  EXPECT_TRUE(becomes(true, {told, listed}));
  ASSERT_OK(client_.Call("TherapistService.UpdateTherapist",
                         absl::StrCat("therapist { name: '", ana, "' time_zone: 'Asia/Tokyo' } ",
                                      "update_mask { paths: 'time_zone' }")));
  const absl::Time tokyo = absl::FromCivil(absl::CivilHour(2040, 7, 1, 15), absl::UTCTimeZone());
  EXPECT_TRUE(
      Eventually<10>([&] { return copied(now)->therapist.time_off.back().start == tokyo; }));
  listed = copied(now)->therapist.time_off.back();
  ASSERT_OK(
      client_.Call("TherapistService.DeleteTimeOff", absl::StrCat("name: '", told_name, "'")));
  EXPECT_TRUE(becomes(true, {listed}));

  // A cursor of a release that copied no therapists: everything is listed, though nothing happens.
  const int64_t listings = Position().listings;
  ASSERT_OK(db_->Write({}, [&](storage::Connection& conn) -> absl::Status {
    IPT_RETURN_IF_ERROR(
        conn.ExecuteScript("DELETE FROM therapist_copies; "
                           "DELETE FROM time_off_copies; "
                           "UPDATE followed_feeds SET cursor = substr(cursor, 3)"));
    return absl::OkStatus();
  }));
  EXPECT_TRUE(becomes(true, {listed}));
  EXPECT_GT(Position().listings, listings);
  peer_->Stop();
}

TEST_P(FollowingTest, ARestoredSchedulingIsCopiedAnew) {
  std::mt19937 random(11);
  for (int i = 0; i < 20; ++i) ASSERT_OK(client_.Act("north", random));
  const auto followers = Follow();
  ASSERT_TRUE(Eventually<10>([&] { return Difference().empty(); }));
  scheduling_.Stop();
  scheduling_.Backup();
  scheduling_.Start();
  for (int i = 0; i < 30; ++i) ASSERT_OK(client_.Act("north", random));
  ASSERT_TRUE(Eventually<10>([&] { return Difference().empty(); }));
  const auto lost = client_.Courses("north");
  ASSERT_OK(lost);
  const int64_t listings = Position().listings;

  scheduling_.Stop();
  scheduling_.Restore();
  scheduling_.Start();
  const auto back = client_.Courses("north");
  ASSERT_OK(back);
  ASSERT_NE(*back, *lost);
  EXPECT_TRUE(Eventually<10>([&] { return Difference().empty(); }));
  EXPECT_GT(Position().listings, listings);
  for (int i = 0; i < 10; ++i) ASSERT_OK(client_.Act("north", random));
  EXPECT_TRUE(Eventually<10>([&] { return Difference().empty(); }));
  peer_->Stop();
}

TEST_P(FollowingTest, ACourseIsAskedForWhereTheCopyDoesNotDo) {
  CourseAnswer answer = Find("c5");
  EXPECT_EQ(answer.known, Known::kVerified);
  ASSERT_TRUE(answer.course.has_value());
  EXPECT_EQ(answer.course->state, CopiedCourseState::kActive);
  EXPECT_EQ(answer.course->sessions.size(), 2);
  EXPECT_TRUE(answer.course->start_day.has_value());
  EXPECT_LE(answer.Age(clock_.Now()), absl::Minutes(5));
  const auto kept = copies_.Find("north", "c5", absl::InfiniteFuture());
  ASSERT_OK(kept);
  ASSERT_TRUE(kept->has_value());
  EXPECT_EQ((*kept)->course, *answer.course);

  EXPECT_EQ(Find("nobody").known, Known::kAbsent);
  // A write that the caller has seen is in the answer, however young the copy.
  const auto changed =
      client_.Call("CourseService.UpdateCourse",
                   "course { name: 'clinics/north/courses/c5' indication: INDICATION_PTSD } "
                   "update_mask { paths: 'indication' }");
  ASSERT_OK(changed);
  const auto* revision = (*changed)->GetDescriptor()->FindFieldByName("revision");
  answer = Find("c5", {.max_age = absl::Hours(1),
                       .min_revision = (*changed)->GetReflection()->GetInt64(**changed, revision)});
  EXPECT_EQ(answer.known, Known::kVerified);
  EXPECT_EQ(answer.course->indication, 7);
}

TEST_P(FollowingTest, WhileSchedulingIsAwayTheAgeOfWhatIsKnownIsSaid) {
  const absl::Time asked = Find("c1").as_of;
  scheduling_.Kill();
  CourseAnswer answer = Find("c1", {.max_age = absl::Hours(1)});
  EXPECT_EQ(answer.known, Known::kVerified);  // young enough: nobody needs to be asked
  answer = Find("c1", {.max_age = absl::ZeroDuration()});
  EXPECT_EQ(answer.known, Known::kNotVerified);
  ASSERT_TRUE(answer.course.has_value());
  EXPECT_EQ(answer.course->therapist_id, "ana");
  EXPECT_EQ(answer.as_of, absl::FromUnixMicros(absl::ToUnixMicros(asked)));
  EXPECT_EQ(ErrorReasonOf(answer.why), reason::kPeerUnavailable);

  answer = Find("unknown");
  EXPECT_EQ(answer.known, Known::kNotVerified);
  EXPECT_FALSE(answer.course.has_value());
  EXPECT_EQ(answer.as_of, absl::InfinitePast());

  scheduling_.Start();
  EXPECT_TRUE(Eventually<10>(
      [&] { return Find("c1", {.max_age = absl::ZeroDuration()}).known == Known::kVerified; }));
  EXPECT_EQ(Find("unknown").known, Known::kAbsent);
}

// A clinic where nothing happens is as new as the last heartbeat.
TEST_P(FollowingTest, AQuietClinicIsKnownToBeUpToDate) {
  const auto followers = Follow();
  ASSERT_TRUE(Eventually<10>([&] { return Difference().empty(); }));
  const absl::Time then = clock_.Now();
  // By so much that a lost turn between two looks at the clock makes it no older than asked for.
  ASSERT_TRUE(Eventually<10>([&] { return Position().as_of > then + absl::Milliseconds(50); }));
  scheduling_.Kill();
  const CourseAnswer answer = Find("c1", {.max_age = clock_.Now() - then});
  EXPECT_EQ(answer.known, Known::kVerified);
  EXPECT_GT(answer.as_of, then);
  peer_->Stop();
}

}  // namespace
}  // namespace ipt::courses
