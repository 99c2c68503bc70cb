// Followers on both engines: nothing missed, nothing twice, in order; and who cannot go on is told.
#include "platform/events/feed.h"

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/events/watch.h"
#include "platform/storage/platform_migrations.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::events {
namespace {

using storage::Connection;
using storage::Dialect;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr absl::Duration kHeartbeat = absl::Seconds(30);

class Handle final : public rpc::StreamHandle {
 public:
  void Wake() override { ++wakes; }
  void End(const absl::Status&) override {}
  std::atomic<int> wakes{0};
};

// A process: its own database, its own feed; wakes are heard in the process only.
class Replica {
 public:
  explicit Replica(storage::Database& db)
      : wake_(), metrics_("test", "0"), feed_(db, clock_, wake_, metrics_, {}) {
    feed_.Start();
  }
  Feed& feed() { return feed_; }

 private:
  SystemClock clock_;
  cache::LocalWake wake_;
  Metrics metrics_;
  Feed feed_;
};

class FeedTest : public ::testing::TestWithParam<Dialect> {
 protected:
  absl::Status Append(const std::string& clinic, const std::string& subject,
                      const std::string& kind = "CHANGED",
                      absl::Time at = absl::FromUnixSeconds(1'900'000'000)) {
    return db_->Write({}, [&](Connection& conn) {
      return storage::outbox::Append(conn, {clinic, subject, kind, "", at}, 1);
    });
  }

  CallContext Context(const std::string& clinic = "north") {
    CallContext ctx;
    ctx.clinic_id = clinic;
    ctx.now = now_;
    return ctx;
  }
  absl::StatusOr<std::unique_ptr<Watch>> Open(const Start& start, Filter filter = {},
                                              const std::string& clinic = "north") {
    return Watch::Open(replica_.feed(), Context(clinic), start, std::move(filter), kHeartbeat,
                       handle_);
  }
  // The batches until nothing more comes for a while, after the first `least` events did.
  std::vector<std::string> Drain(Watch& watch, size_t least) {
    std::vector<std::string> subjects;
    for (int i = 0; i < 60'000; ++i) {
      const auto next = watch.Next(Context());
      EXPECT_OK(next.status());
      if (!next.ok()) break;
      if (next->response.has_value()) {
        cursor_ = next->response->cursor;
        for (const auto& event : next->response->events) subjects.push_back(event.event.subject);
      } else if (subjects.size() >= least) {
        break;
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
    return subjects;
  }

  testing::TempDatabase db_{GetParam(), {storage::PlatformMigrations()}};
  Replica replica_{*db_};
  std::shared_ptr<Handle> handle_ = std::make_shared<Handle>();
  absl::Time now_ = absl::FromUnixSeconds(1'900'000'000);
  std::string cursor_;
};

TEST_P(FeedTest, BeginsNowWithACursorAndTellsWhatFollows) {
  ASSERT_OK(Append("north", "before"));
  ASSERT_OK_AND_ASSIGN(const auto watch, Open({Start::From::kNow}));
  const auto first = watch->Next(Context());
  ASSERT_OK(first.status());
  ASSERT_TRUE(first->response.has_value());
  EXPECT_THAT(first->response->events, IsEmpty());
  EXPECT_OK(ReadCursor(first->response->cursor).status());
  ASSERT_OK(Append("south", "elsewhere"));
  ASSERT_OK(Append("north", "after"));
  EXPECT_THAT(Drain(*watch, 1), ElementsAre("after"));
  EXPECT_GT(handle_->wakes, 0);
}

TEST_P(FeedTest, GoesOnFromACursorAndFromTheOldestKept) {
  for (const char* subject : {"a", "b", "c"}) ASSERT_OK(Append("north", subject));
  ASSERT_OK_AND_ASSIGN(const auto all, Open({Start::From::kOldest}));
  EXPECT_THAT(Drain(*all, 3), ElementsAre("a", "b", "c"));
  ASSERT_OK(Append("north", "d"));
  ASSERT_OK_AND_ASSIGN(const auto rest, Open({Start::From::kCursor, cursor_}));
  EXPECT_THAT(Drain(*rest, 1), ElementsAre("d"));
  ASSERT_OK_AND_ASSIGN(const auto none, Open({Start::From::kCursor, cursor_}));
  EXPECT_THAT(Drain(*none, 0), IsEmpty());
}

TEST_P(FeedTest, FiltersByKindAndSubject) {
  ASSERT_OK(Append("north", "clinics/north/courses/1", "COURSE"));
  ASSERT_OK(Append("north", "clinics/north/courses/1/sessions/2", "SESSION"));
  ASSERT_OK(Append("north", "clinics/north/courses/11", "COURSE"));
  ASSERT_OK_AND_ASSIGN(const auto course,
                       Open({Start::From::kOldest}, {{}, "clinics/north/courses/1"}));
  EXPECT_THAT(Drain(*course, 2),
              ElementsAre("clinics/north/courses/1", "clinics/north/courses/1/sessions/2"));
  ASSERT_OK_AND_ASSIGN(const auto kind, Open({Start::From::kOldest}, {{"SESSION"}, ""}));
  EXPECT_THAT(Drain(*kind, 1), ElementsAre("clinics/north/courses/1/sessions/2"));
}

TEST_P(FeedTest, AHeartbeatMovesTheCursorPastWhatWasNotWanted) {
  ASSERT_OK_AND_ASSIGN(const auto watch, Open({Start::From::kOldest}, {{"NEVER"}, ""}));
  for (int i = 0; i < 450; ++i) ASSERT_OK(Append("north", "a"));
  EXPECT_THAT(Drain(*watch, 0), IsEmpty());
  int64_t position = 0;
  for (int i = 0; i < 60'000 && position < 450; ++i) {
    now_ += kHeartbeat;
    Drain(*watch, 0);
    ASSERT_OK_AND_ASSIGN(const Cursor cursor, ReadCursor(cursor_));
    position = cursor.position;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(position, 450);
}

TEST_P(FeedTest, ACursorThatCannotGoOnIsToldToResync) {
  const absl::Time old = absl::Now() - absl::Hours(2);
  for (int i = 0; i < 3; ++i) ASSERT_OK(Append("north", "a", "CHANGED", old));
  ASSERT_OK_AND_ASSIGN(const auto watch, Open({Start::From::kOldest}));
  ASSERT_OK(watch->Next(Context()).status());
  const auto resync = [](const absl::Status& status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange) << status;
    EXPECT_EQ(ErrorReasonOf(status), "RESYNC_REQUIRED");
  };
  const auto with = [&](const std::string& epoch, const std::string& clinic, int64_t position) {
    const auto opened = Open({Start::From::kCursor, WriteCursor({epoch, clinic, position})});
    return opened.ok() ? (*opened)->Next(Context()).status() : opened.status();
  };
  ASSERT_OK_AND_ASSIGN(const auto first, Open({Start::From::kNow}));
  ASSERT_OK_AND_ASSIGN(const auto begun, first->Next(Context()));
  ASSERT_OK_AND_ASSIGN(const Cursor cursor, ReadCursor(begun.response->cursor));
  EXPECT_OK(with(cursor.epoch, "north", cursor.position));
  resync(with(cursor.epoch, "south", cursor.position));
  resync(with("another", "north", cursor.position));
  resync(with(cursor.epoch, "north", cursor.position + 1000));
  EXPECT_THAT(Open({Start::From::kCursor, "nonsense"}).status(), testing::HasBadFields("cursor"));

  // The purge overtakes the follower that stands.
  EXPECT_EQ(Drain(*watch, 0).size() % 3, 0u);
  ASSERT_OK_AND_ASSIGN(const auto slow, Open({Start::From::kOldest}));
  ASSERT_OK(slow->Next(Context()).status());
  absl::Status overtaken;
  for (int i = 0; i < 60'000 && overtaken.ok(); ++i) {
    ASSERT_OK(replica_.feed().Purge(absl::Hours(1)));
    ASSERT_OK(Append("south", "b"));
    overtaken = with(cursor.epoch, "north", 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  resync(overtaken);
  ASSERT_OK_AND_ASSIGN(const auto oldest, Open({Start::From::kOldest}));
  EXPECT_THAT(Drain(*oldest, 0), IsEmpty());

  ASSERT_OK(db_->Write({}, [](Connection& conn) { return storage::outbox::MarkRestored(conn); }));
  absl::Status restored;
  for (int i = 0; i < 60'000 && restored.ok(); ++i) {
    restored = oldest->Next(Context()).status();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  resync(restored);
  EXPECT_THAT(replica_.feed().epoch(), Not(AnyOf("", cursor.epoch)));
}

// Writers that commit late, fail and overlap; two replicas that relay at once; followers of both
// that come back from their cursors.
TEST_P(FeedTest, EveryCommittedEventIsToldOnceAndASubjectsInOrder) {
  constexpr int kWriters = 6;
  constexpr int kWrites = 60;
  const std::unique_ptr<storage::Database> other =
      GetParam() == Dialect::kPostgres ? db_.OpenAnother() : nullptr;
  Replica second(other != nullptr ? *other : *db_);
  std::atomic<int> committed{0};
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      absl::BitGen random;
      for (int i = 0; i < kWrites; ++i) {
        const bool fail = absl::Bernoulli(random, 0.2);
        const auto pause = std::chrono::microseconds(absl::Uniform(random, 0, 3000));
        const absl::Status status = db_->Write({}, [&](Connection& conn) -> absl::Status {
          for (const char* half : {"", "+"}) {
            IPT_RETURN_IF_ERROR(storage::outbox::Append(
                conn, {"north", absl::StrCat(w), absl::StrCat(i, half), "", now_}, 1));
            std::this_thread::sleep_for(pause);
          }
          return fail ? absl::AbortedError("") : absl::OkStatus();
        });
        if (status.ok()) committed += 2;
        replica_.feed().OnCommitted();
      }
    });
  }
  std::atomic<bool> written{false};
  const auto follow = [&](Feed& feed, std::vector<std::pair<std::string, std::string>>& told) {
    absl::BitGen random;
    Start start{Start::From::kOldest};
    while (!written || static_cast<int>(told.size()) < committed) {
      const auto watch = Watch::Open(feed, Context(), start, {}, kHeartbeat, handle_);
      if (absl::IsUnavailable(watch.status())) continue;  // the relay takes its time: opened again
      ASSERT_OK(watch.status());
      for (int life = absl::Uniform(random, 1, 40); life > 0; --life) {
        const auto next = (*watch)->Next(Context());
        ASSERT_OK(next.status());
        if (!next->response.has_value()) {
          std::this_thread::sleep_for(std::chrono::milliseconds(2));
          continue;
        }
        for (const auto& event : next->response->events) {
          told.emplace_back(event.event.subject, event.event.kind);
        }
        start = {Start::From::kCursor, next->response->cursor};
      }
    }
  };
  std::vector<std::pair<std::string, std::string>> told[2];
  std::thread one([&] { follow(replica_.feed(), told[0]); });
  std::thread two([&] { follow(second.feed(), told[1]); });
  for (auto& writer : writers) writer.join();
  written = true;
  one.join();
  two.join();
  EXPECT_EQ(static_cast<int>(told[0].size()), committed);
  EXPECT_EQ(told[0], told[1]);
  std::map<std::string, double> last;
  for (const auto& [writer, kind] : told[0]) {
    const double at = std::stoi(kind) + (kind.back() == '+' ? 0.5 : 0);
    const auto [it, is_first] = last.try_emplace(writer, at);
    if (is_first) continue;
    EXPECT_GT(at, it->second) << writer;
    it->second = at;
  }
}

IPT_INSTANTIATE_ON_BOTH_ENGINES(FeedTest);

}  // namespace
}  // namespace ipt::events
