// Followers of a service that misbehaves, on both engines: each event is applied exactly once, and
// in the end the copy is what the service has.
#include "platform/follow/followers.h"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/follow/follow_migrations.h"
#include "tests/support/eventually.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::follow {
namespace {

using ipt::testing::Eventually;
using ipt::testing::IsOk;
using storage::ColumnType;
using storage::Connection;
using storage::Row;
using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr char kTables[] =
    "CREATE TABLE copies (clinic_id TEXT NOT NULL, item TEXT NOT NULL, value BIGINT NOT NULL, "
    "listing BIGINT NOT NULL, PRIMARY KEY (clinic_id, item));"
    "CREATE TABLE applied (clinic_id TEXT NOT NULL, event TEXT NOT NULL, times BIGINT NOT NULL, "
    "PRIMARY KEY (clinic_id, event))";

using Items = std::map<std::string, int64_t>;

// A service with items per clinic, the events of their changes, and bad manners.
class Service final : public Source {
 public:
  void Set(const std::string& clinic, const std::string& item, int64_t value) {
    std::lock_guard<std::mutex> lock(mutex_);
    Clinic& of = clinics_[clinic];
    of.items[item] = value;
    of.events.push_back({item, value});
    changed_.notify_all();
  }
  // The clinic is put back to what it was: another history, without what came since.
  void Restore(const std::string& clinic, Items items) {
    std::lock_guard<std::mutex> lock(mutex_);
    Clinic& of = clinics_[clinic];
    of.items = std::move(items);
    of.events.clear();
    ++of.epoch;
    changed_.notify_all();
  }
  Items items(const std::string& clinic) {
    std::lock_guard<std::mutex> lock(mutex_);
    return clinics_[clinic].items;
  }

  // What goes wrong: out of so many steps one does. 0: nothing.
  std::atomic<int> end_one_in = 0;     // a stream ends, well or not
  std::atomic<int> refuse_one_in = 0;  // events cannot be applied
  std::atomic<int> list_fails = 0;     // so many listings break off in the middle
  std::atomic<bool> silent = false;    // streams say where they begin, and nothing else
  std::atomic<bool> heartbeats = true;
  std::atomic<int> watches = 0;
  std::atomic<int> open = 0;
  std::atomic<int> most_open = 0;

  absl::StatusOr<std::vector<std::string>> Clinics() override {
    std::lock_guard<std::mutex> lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, clinic] : clinics_) names.push_back(name);
    return names;
  }

  absl::StatusOr<std::unique_ptr<EventStream>> Watch(
      const std::string& clinic, const std::optional<std::string>& cursor) override {
    ++watches;
    std::lock_guard<std::mutex> lock(mutex_);
    const Clinic& of = clinics_[clinic];
    int epoch = of.epoch;
    int64_t at = static_cast<int64_t>(of.events.size());
    if (cursor.has_value()) {
      const std::vector<std::string> parts = absl::StrSplit(*cursor, '-');
      EXPECT_TRUE(absl::SimpleAtoi(parts.at(0), &epoch) && absl::SimpleAtoi(parts.at(1), &at));
    }
    return std::make_unique<Stream>(*this, clinic, epoch, at);
  }

  absl::Status List(const std::string& clinic, Listing& listing) override {
    const Items all = items(clinic);
    bool fail = false;
    if (int left = list_fails; left > 0) fail = list_fails.compare_exchange_strong(left, left - 1);
    size_t count = 0;
    for (const auto& [item, value] : all) {
      if (fail && ++count > all.size() / 2) return absl::UnavailableError("gone");
      IPT_RETURN_IF_ERROR(listing.Write(
          [&](Connection& conn) { return Put(conn, clinic, item, value, listing.number()); }));
    }
    return absl::OkStatus();
  }

  absl::Status DropUnlisted(Connection& conn, const std::string& clinic, int64_t number) override {
    return conn
        .Execute({"DELETE FROM copies WHERE clinic_id = :clinic AND listing < :listing"},
                 {clinic, number})
        .status();
  }

 private:
  struct Event {
    std::string item;
    int64_t value;
  };
  struct Clinic {
    int epoch = 1;
    Items items;
    std::vector<Event> events;
  };

  static absl::Status Put(Connection& conn, const std::string& clinic, const std::string& item,
                          int64_t value, int64_t listing) {
    return conn
        .Execute({"INSERT INTO copies (clinic_id, item, value, listing) "
                  "VALUES (:clinic, :item, :value, :listing) ON CONFLICT (clinic_id, item) "
                  "DO UPDATE SET value = excluded.value, listing = CASE WHEN excluded.listing > "
                  "copies.listing THEN excluded.listing ELSE copies.listing END"},
                 {clinic, item, value, listing})
        .status();
  }

  class Stream final : public EventStream {
   public:
    Stream(Service& service, std::string clinic, int epoch, int64_t at)
        : service_(service),
          clinic_(std::move(clinic)),
          epoch_(epoch),
          at_(at),
          random_(static_cast<unsigned>(service.watches)) {
      const int open = ++service_.open;
      int most = service_.most_open;
      while (open > most && !service_.most_open.compare_exchange_weak(most, open)) {
      }
    }
    ~Stream() override { --service_.open; }

    absl::StatusOr<std::optional<Batch>> Next() override {
      std::unique_lock<std::mutex> lock(service_.mutex_);
      const Clinic& of = service_.clinics_[clinic_];
      Batch batch;
      if (begun_) {
        if (const int one_in = service_.end_one_in; one_in > 0 && random_() % one_in == 0) {
          if (random_() % 2 == 0) return std::nullopt;
          return absl::UnavailableError("the server stops");
        }
        const auto ready = [&] {
          return cancelled_ || of.epoch != epoch_ ||
                 (!service_.silent && at_ < static_cast<int64_t>(of.events.size()));
        };
        if (service_.heartbeats && !service_.silent) {
          service_.changed_.wait_for(lock, std::chrono::milliseconds(5), ready);
        } else {
          service_.changed_.wait(lock, ready);
        }
      }
      if (cancelled_) return absl::CancelledError("cancelled");
      if (of.epoch != epoch_) return OutOfRange(reason::kResyncRequired, "another history");
      std::vector<std::pair<int64_t, Event>> events;
      if (begun_ && !service_.silent) {
        const int64_t upto =
            std::min<int64_t>(of.events.size(), at_ + 1 + static_cast<int64_t>(random_() % 4));
        for (; at_ < upto; ++at_) events.emplace_back(at_, of.events[at_]);
      }
      begun_ = true;
      batch.cursor = absl::StrCat(epoch_, "-", at_);
      batch.events = static_cast<int64_t>(events.size());
      batch.newest = absl::Now();
      const bool refuse = service_.refuse_one_in > 0 && random_() % service_.refuse_one_in == 0;
      batch.apply = [clinic = clinic_, epoch = epoch_, events,
                     refuse](Connection& conn) -> absl::Status {
        for (const auto& [position, event] : events) {
          IPT_RETURN_IF_ERROR(
              conn.Execute({"INSERT INTO applied (clinic_id, event, times) "
                            "VALUES (:clinic, :event, 1) ON CONFLICT (clinic_id, event) "
                            "DO UPDATE SET times = applied.times + 1"},
                           {clinic, absl::StrCat(epoch, "-", position)})
                  .status());
          IPT_RETURN_IF_ERROR(Put(conn, clinic, event.item, event.value, 0));
        }
        return refuse ? absl::InternalError("refused") : absl::OkStatus();
      };
      return batch;
    }

    void Cancel() override {
      std::lock_guard<std::mutex> lock(service_.mutex_);
      cancelled_ = true;
      service_.changed_.notify_all();
    }

   private:
    Service& service_;
    const std::string clinic_;
    const int epoch_;
    int64_t at_;
    bool begun_ = false;
    bool cancelled_ = false;
    std::mt19937 random_;
  };

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Clinic> clinics_;
};

class FollowersTest : public ::testing::TestWithParam<storage::Dialect> {
 protected:
  FollowersTest() {
    EXPECT_OK(db_->Write({}, [](Connection& conn) { return conn.ExecuteScript(kTables); }));
  }

  // Nothing waits longer than some milliseconds.
  std::unique_ptr<Followers> Start(const std::string& owner, storage::Database* db = nullptr) {
    FollowersOptions options = options_;
    options.peer = "service";
    options.owner = owner;
    auto followers = std::make_unique<Followers>(options, db == nullptr ? *db_ : *db, service_,
                                                 clock_, metrics_);
    followers->Start();
    return followers;
  }

  Items Copies(const std::string& clinic) {
    Items items;
    EXPECT_OK(db_->Read({}, [&](Connection& conn) {
      items.clear();
      return conn.Query({"SELECT item, value FROM copies WHERE clinic_id = :clinic",
                         {ColumnType::kText, ColumnType::kInt64}},
                        {clinic}, [&](const Row& row) {
                          items[row.Text(0)] = row.Int64(1);
                          return absl::OkStatus();
                        });
    }));
    return items;
  }
  std::map<std::string, int64_t> Applied(const std::string& clinic) {
    std::map<std::string, int64_t> times;
    EXPECT_OK(db_->Read({}, [&](Connection& conn) {
      times.clear();
      return conn.Query({"SELECT event, times FROM applied WHERE clinic_id = :clinic",
                         {ColumnType::kText, ColumnType::kInt64}},
                        {clinic}, [&](const Row& row) {
                          times[row.Text(0)] = row.Int64(1);
                          return absl::OkStatus();
                        });
    }));
    return times;
  }
  FeedPosition Position(const std::string& clinic) {
    FeedPosition position;
    EXPECT_OK(db_->Read({}, [&](Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const auto found, feed_table::Find(conn, {clinic, "service"}));
      position = found.value_or(FeedPosition{});
      return absl::OkStatus();
    }));
    return position;
  }
  bool UpToDate(const std::string& clinic) { return Copies(clinic) == service_.items(clinic); }
  double Gauge(const std::string& name) {
    return metrics_.Gauge(name, "", {{"peer", "service"}}).Value();
  }

  FollowersOptions options_{.peer = "",
                            .owner = "",
                            .first_pause = absl::Milliseconds(1),
                            .longest_pause = absl::Milliseconds(20),
                            .tick = absl::Milliseconds(5),
                            .look_for_clinics = absl::Milliseconds(20)};
  SystemClock clock_;
  Metrics metrics_{"test", "0"};
  Service service_;
  ipt::testing::TempDatabase db_{GetParam(), {FollowMigrations()}};
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(FollowersTest);

TEST_P(FollowersTest, ListsWhatThereIsAndAppliesWhatComes) {
  for (int i = 0; i < 10; ++i) service_.Set("north", absl::StrCat("old", i), i);
  const auto followers = Start("a");
  EXPECT_TRUE(Eventually([&] { return UpToDate("north"); }));
  EXPECT_TRUE(Eventually([&] { return !Position("north").cursor.empty(); }));
  for (int i = 0; i < 10; ++i) service_.Set("north", absl::StrCat("new", i % 3), i);
  EXPECT_TRUE(Eventually([&] { return UpToDate("north"); }));
  EXPECT_TRUE(Eventually([&] { return Position("north").events == 10; }));
  EXPECT_EQ(Applied("north").size(), 10);
}

// Two replicas at once, streams that end, events that cannot be applied, processes that go.
TEST_P(FollowersTest, AppliesEachEventOnceWhateverHappens) {
  const std::unique_ptr<storage::Database> other = db_.OpenAnother();
  for (const std::string clinic : {"north", "south"}) service_.Set(clinic, "first", 0);
  service_.end_one_in = 7;
  service_.refuse_one_in = 11;
  options_.lease = absl::Milliseconds(50);
  auto first = Start("a0");
  auto second = Start("b0", other.get());
  constexpr int kEvents = 400;
  std::thread writer([&] {
    for (int i = 1; i <= kEvents; ++i) {
      service_.Set(i % 3 == 0 ? "south" : "north", absl::StrCat("item", i % 20), i);
      if (i % 4 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  for (int i = 1; i <= 8; ++i) {
    // The last ones come to an end, also where a commit takes longer than the others' lease.
    if (i == 8) options_.lease = absl::Milliseconds(500);
    first.reset();
    first = Start(absl::StrCat("a", i));
    second.reset();
    second = Start(absl::StrCat("b", i), other.get());
  }
  writer.join();
  service_.end_one_in = 0;
  service_.refuse_one_in = 0;
  for (const std::string clinic : {"north", "south"}) {
    EXPECT_TRUE(Eventually([&] { return UpToDate(clinic) && !Position(clinic).cursor.empty(); }));
    EXPECT_THAT(Applied(clinic), Each(Pair(::testing::_, 1)));
    EXPECT_TRUE(Eventually(
        [&] { return Position(clinic).events == static_cast<int64_t>(Applied(clinic).size()); }));
  }
}

TEST_P(FollowersTest, ARestoredServiceIsListedAnewWithWhatItLost) {
  for (int i = 0; i < 6; ++i) service_.Set("north", absl::StrCat("item", i), i);
  const auto followers = Start("a");
  ASSERT_TRUE(Eventually([&] { return UpToDate("north"); }));
  const Items backup = service_.items("north");
  service_.Set("north", "item0", 100);
  service_.Set("north", "lost", 1);
  ASSERT_TRUE(Eventually([&] { return UpToDate("north"); }));
  const int64_t listings = Position("north").listings;

  service_.list_fails = 2;
  service_.Restore("north", backup);
  EXPECT_TRUE(Eventually([&] { return UpToDate("north"); }));
  EXPECT_EQ(Copies("north"), backup);
  EXPECT_GT(Position("north").listings, listings);
  EXPECT_EQ(service_.list_fails, 0);
  service_.Set("north", "item1", 200);
  EXPECT_TRUE(Eventually([&] { return UpToDate("north"); }));
}

TEST_P(FollowersTest, AStreamOnWhichNothingComesIsGivenUp) {
  service_.Set("north", "item", 1);
  service_.silent = true;
  options_.silence = absl::Milliseconds(200);
  const auto followers = Start("a");
  EXPECT_TRUE(Eventually([&] { return service_.watches >= 4; }));
  service_.silent = false;
  service_.Set("north", "item", 2);
  EXPECT_TRUE(Eventually([&] { return UpToDate("north"); }));
}

TEST_P(FollowersTest, HeartbeatsSayThatTheCopyIsUpToDate) {
  service_.Set("north", "item", 1);
  const auto followers = Start("a");
  ASSERT_TRUE(Eventually([&] { return Position("north").as_of > absl::InfinitePast(); }));
  const absl::Time then = clock_.Now();
  EXPECT_TRUE(Eventually([&] { return Position("north").as_of > then; }));
  EXPECT_TRUE(Eventually([&] { return Gauge("ipt_follower_feeds") == 1; }));
}

TEST_P(FollowersTest, NewClinicsAreFollowedOnceTheyAreMet) {
  options_.look_for_clinics = absl::Hours(1);
  service_.Set("north", "item", 1);
  const auto followers = Start("a");
  ASSERT_TRUE(Eventually([&] { return UpToDate("north"); }));
  service_.Set("south", "item", 1);
  followers->LookForClinics();
  EXPECT_TRUE(Eventually([&] { return UpToDate("south"); }));
}

TEST_P(FollowersTest, StopsWhileAStreamWaits) {
  service_.Set("north", "item", 1);
  service_.heartbeats = false;
  auto followers = Start("a");
  ASSERT_TRUE(Eventually([&] { return !Position("north").cursor.empty(); }));
  followers.reset();
  EXPECT_EQ(service_.open, 0);
}

// Replicas share PostgreSQL; the owner of a SQLite file is alone.
TEST_P(FollowersTest, OneReplicaFollowsAndTheOtherTakesOver) {
  if (GetParam() == storage::Dialect::kSqlite) GTEST_SKIP() << "one process owns the file";
  service_.Set("north", "item", 1);
  const std::unique_ptr<storage::Database> other = db_.OpenAnother();
  auto first = Start("a");
  ASSERT_TRUE(Eventually([&] { return !Position("north").cursor.empty(); }));
  options_.lease = absl::Seconds(2);  // how often it looks whether it may
  const auto second = Start("b", other.get());
  for (int i = 0; i < 20; ++i) service_.Set("north", "item", i);
  ASSERT_TRUE(Eventually([&] { return UpToDate("north"); }));
  EXPECT_EQ(service_.most_open, 1);
  first.reset();
  service_.Set("north", "item", 100);
  EXPECT_TRUE(Eventually([&] { return UpToDate("north"); }));
}

}  // namespace
}  // namespace ipt::follow
