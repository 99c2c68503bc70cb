// Idempotency, outbox, audit entries and revisions, on both engines.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/audit.h"
#include "platform/storage/idempotency.h"
#include "platform/storage/outbox.h"
#include "platform/storage/platform_migrations.h"
#include "platform/storage/revision.h"
#include "platform/storage/sql_write_log.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::storage {
namespace {

using ::ipt::testing::FailsWith;
using ::ipt::testing::IsOk;
using ::ipt::testing::TempDatabase;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixMicros(1'790'000'000'123'456);
const RequestKey kKey = {"north", "alice", "/ipt.X/Book", "5f0c"};

class PlatformTablesTest : public ::testing::TestWithParam<Dialect> {
 protected:
  absl::Status Write(Body body) { return db_->Write({}, body); }

  int64_t Count(absl::string_view table) {
    const std::string sql = absl::StrCat("SELECT COUNT(*) FROM ", table);
    int64_t count = -1;
    EXPECT_OK(db_->Read({}, [&](Connection& conn) {
      return conn.Query({sql, {ColumnType::kInt64}}, {}, [&](const Row& row) {
        count = row.Int64(0);
        return absl::OkStatus();
      });
    }));
    return count;
  }

  TempDatabase db_{GetParam(), {PlatformMigrations()}};
};

// One idempotent write: returns the answer, which is `fresh` only for the first of equal requests.
absl::StatusOr<std::string> Answer(Database& db, const RequestKey& key, absl::string_view hash,
                                   absl::string_view fresh) {
  std::string answer;
  IPT_RETURN_IF_ERROR(db.Write({}, [&](Connection& conn) -> absl::Status {
    SqlWriteLog log(conn);
    IPT_ASSIGN_OR_RETURN(auto seen, log.FindAnswer(key, hash));
    if (seen.has_value()) {
      answer = *seen;
      return absl::OkStatus();
    }
    answer = std::string(fresh);
    IPT_RETURN_IF_ERROR(log.AppendEvent({key.clinic_id, "x", "DONE", answer, kNow}));
    return log.KeepAnswer(key, hash, fresh, kNow);
  }));
  return answer;
}

TEST_P(PlatformTablesTest, AnEqualRequestGetsTheFirstAnswer) {
  const std::string first("one\0\xff", 5);
  EXPECT_EQ(Answer(*db_, kKey, "hash", first).value(), first);
  EXPECT_EQ(Answer(*db_, kKey, "hash", "two").value(), first);
  EXPECT_EQ(Count("outbox"), 1);
  // Another caller's, method's or clinic's request of the same id is another request.
  for (auto part : {&RequestKey::clinic_id, &RequestKey::caller, &RequestKey::method}) {
    RequestKey other = kKey;
    other.*part = "other";
    EXPECT_EQ(Answer(*db_, other, "hash", "two").value(), "two");
  }
}

TEST_P(PlatformTablesTest, AReusedRequestIdIsRefused) {
  ASSERT_OK(Answer(*db_, kKey, "hash", "one"));
  EXPECT_THAT(Answer(*db_, kKey, "other hash", "two"),
              FailsWith(absl::StatusCode::kAlreadyExists, reason::kRequestIdReused));
}

TEST_P(PlatformTablesTest, OfEqualRequestsAtOnceOneActsAndAllGetItsAnswer) {
  constexpr int kThreads = 64;
  std::vector<std::string> answers(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const auto answer = Answer(*db_, kKey, "hash", absl::StrCat("answer ", t));
      EXPECT_THAT(answer, IsOk());
      if (answer.ok()) answers[t] = *answer;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Count("idempotency"), 1);
  EXPECT_EQ(Count("outbox"), 1);
  for (const std::string& answer : answers) EXPECT_EQ(answer, answers[0]);
}

// Else a retry could be refused while what it repeats still waits, and is done with nobody to hear;
// or be refused by what that one has just done, instead of given its answer.
TEST_P(PlatformTablesTest, EqualRequestsGoOneAfterTheOther) {
  std::atomic<bool> first_is_in = false, second_has_looked = false;
  std::optional<std::string> seen;
  std::thread second;
  ASSERT_OK(Write([&](Connection& conn) -> absl::Status {
    IPT_RETURN_IF_ERROR(idempotency::Lookup(conn, kKey, "h").status());
    if (!first_is_in.exchange(true)) {
      second = std::thread([&] {
        EXPECT_OK(Write([&](Connection& other) -> absl::Status {
          const auto looked = idempotency::Lookup(other, kKey, "h");
          second_has_looked = true;
          if (looked.ok()) seen = *looked;
          return looked.status();
        }));
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // time to get it wrong
    EXPECT_FALSE(second_has_looked);
    return idempotency::Remember(conn, kKey, "h", "the answer", kNow);
  }));
  second.join();
  EXPECT_TRUE(second_has_looked);
  EXPECT_EQ(seen, "the answer");
}

TEST_P(PlatformTablesTest, OldAnswersArePurgedOldestFirst) {
  ASSERT_OK(Write([](Connection& conn) -> absl::Status {
    for (int i = 0; i < 10; ++i) {
      RequestKey key = kKey;
      key.request_id = absl::StrCat(i);
      IPT_RETURN_IF_ERROR(idempotency::Remember(conn, key, "h", "a", kNow + absl::Hours(i)));
    }
    return absl::OkStatus();
  }));
  const auto purge = [&](absl::Time before, int64_t limit) {
    int64_t purged = -1;
    EXPECT_OK(Write([&](Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(purged, idempotency::PurgeOlderThan(conn, before, limit));
      return absl::OkStatus();
    }));
    return purged;
  };
  EXPECT_EQ(purge(kNow + absl::Hours(5), 3), 3);
  EXPECT_EQ(purge(kNow + absl::Hours(5), 3), 2);
  EXPECT_EQ(purge(kNow + absl::Hours(5), 3), 0);
  RequestKey kept = kKey;
  kept.request_id = "5";
  EXPECT_EQ(Answer(*db_, kept, "h", "new").value(), "a");
  EXPECT_EQ(Count("idempotency"), 5);
}

TEST_P(PlatformTablesTest, AnEventOfARolledBackWriteIsNoEvent) {
  EXPECT_FALSE(Write([&](Connection& conn) -> absl::Status {
                 IPT_RETURN_IF_ERROR(outbox::Append(conn, {"north", "a", "CREATED", "", kNow}, 1));
                 return NotFound("x", "y");
               }).ok());
  EXPECT_EQ(Count("outbox"), 0);
}

class OutboxTest : public PlatformTablesTest {
 protected:
  absl::Status Append(const char* clinic, const char* subject, absl::Time at = kNow) {
    return Write([&](Connection& conn) {
      return outbox::Append(conn, {clinic, subject, "CHANGED", subject, at}, 7);
    });
  }
  int64_t Place(int64_t limit = 1000) {
    int64_t placed = -1;
    EXPECT_OK(Write([&](Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(placed, outbox::Place(conn, limit, outbox::IfBusy::kLeaveIt));
      return absl::OkStatus();
    }));
    return placed;
  }
  outbox::FeedState State() {
    outbox::FeedState state;
    EXPECT_OK(db_->Read({}, [&](Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(state, outbox::ReadFeed(conn));
      return absl::OkStatus();
    }));
    return state;
  }
  outbox::Page Read(const char* clinic, int64_t after, int64_t upto, int limit = 100,
                    size_t bytes = 1000) {
    outbox::Page page;
    EXPECT_OK(db_->Read({}, [&](Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(page, outbox::ReadPage(conn, clinic, after, upto, limit, bytes));
      return absl::OkStatus();
    }));
    return page;
  }
  static std::vector<std::string> Subjects(const outbox::Page& page) {
    std::vector<std::string> subjects;
    for (const auto& event : page.events) subjects.push_back(event.event.subject);
    return subjects;
  }
  bool relays() const { return GetParam() == Dialect::kPostgres; }
};

TEST_P(OutboxTest, EventsComeBackByClinicInTheOrderOfTheirPositions) {
  EXPECT_EQ(State().end, 0);
  ASSERT_OK(Append("north", "a"));
  ASSERT_OK(Append("south", "b"));
  ASSERT_OK(Append("north", "c", kNow - absl::Hours(1)));
  EXPECT_EQ(State().waiting, relays());
  EXPECT_EQ(Place(), relays() ? 3 : 0);
  EXPECT_EQ(State().end, 3);
  EXPECT_FALSE(State().waiting);
  const outbox::Page page = Read("north", 0, 3);
  EXPECT_THAT(Subjects(page), ElementsAre("a", "c"));
  EXPECT_TRUE(page.complete);
  EXPECT_EQ(page.events[1].position, 3);
  EXPECT_EQ(page.events[1].revision, 7);
  EXPECT_EQ(page.events[1].event.payload, "c");
  EXPECT_EQ(page.events[1].event.kind, "CHANGED");
  EXPECT_EQ(page.events[1].event.time, kNow - absl::Hours(1));
  EXPECT_NE(page.events[0].event_id, page.events[1].event_id);
  EXPECT_THAT(Subjects(Read("north", 1, 3)), ElementsAre("c"));
  EXPECT_THAT(Subjects(Read("north", 0, 2)), ElementsAre("a"));
}

TEST_P(OutboxTest, TellsSinceWhenTheFirstOneWaits) {
  const auto oldest = [&] {
    std::optional<absl::Time> found = absl::InfiniteFuture();
    EXPECT_OK(db_->Read({}, [&](Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(found, outbox::OldestWaiting(conn));
      return absl::OkStatus();
    }));
    return found;
  };
  EXPECT_EQ(oldest(), std::nullopt);
  ASSERT_OK(Append("north", "a", kNow - absl::Minutes(3)));
  ASSERT_OK(Append("south", "b", kNow - absl::Minutes(2)));
  // SQLite's commits give positions themselves: nothing ever waits.
  EXPECT_EQ(oldest(), relays() ? std::optional(kNow - absl::Minutes(3)) : std::nullopt);
  Place(1);
  EXPECT_EQ(oldest(), relays() ? std::optional(kNow - absl::Minutes(2)) : std::nullopt);
  Place();
  EXPECT_EQ(oldest(), std::nullopt);
}

TEST_P(OutboxTest, PagesAreBoundedInNumberAndBytes) {
  for (const char* subject : {"aaaa", "bbbb", "cccc", "d"}) ASSERT_OK(Append("north", subject));
  Place();
  EXPECT_THAT(Subjects(Read("north", 0, 4, 2)), ElementsAre("aaaa", "bbbb"));
  EXPECT_FALSE(Read("north", 0, 4, 2).complete);
  // What follows one that does not fit waits with it.
  EXPECT_THAT(Subjects(Read("north", 0, 4, 9, 10)), ElementsAre("aaaa", "bbbb"));
  EXPECT_FALSE(Read("north", 0, 4, 9, 10).complete);
  EXPECT_THAT(Subjects(Read("north", 0, 4, 9, 1)), ElementsAre("aaaa"));
  EXPECT_TRUE(Read("north", 0, 4, 9, 13).complete);
}

TEST_P(OutboxTest, PlacesInBoundedSteps) {
  if (!relays()) GTEST_SKIP() << "positions are given by the commit";
  for (int i = 0; i < 5; ++i) ASSERT_OK(Append("north", "a"));
  EXPECT_EQ(Place(2), 2);
  EXPECT_EQ(State().end, 2);
  EXPECT_TRUE(State().waiting);
  EXPECT_EQ(Place(2), 2);
  EXPECT_EQ(Place(2), 1);
  EXPECT_EQ(State().end, 5);
}

// Else who begins "now" while a relay is at it would be told what was committed before.
TEST_P(OutboxTest, WhoMustKnowThatAllIsPlacedWaitsForTheRelay) {
  if (!relays()) GTEST_SKIP() << "positions are given by the commit";
  ASSERT_OK(Append("north", "before"));
  std::thread beginner;
  std::atomic<int64_t> begun{-1};
  ASSERT_OK(Write([&](Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(const int64_t placed, outbox::Place(conn, 10, outbox::IfBusy::kLeaveIt));
    EXPECT_EQ(placed, 1);
    beginner = std::thread([&] {
      EXPECT_OK(Write([](Connection& other) {
        return outbox::Place(other, 10, outbox::IfBusy::kWait).status();
      }));
      begun = State().end;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // time to get it wrong
    EXPECT_EQ(begun, -1);
    return absl::OkStatus();
  }));
  beginner.join();
  EXPECT_EQ(begun, 1);
}

// A sequence is not commit order: the earlier number may be committed later.
TEST_P(OutboxTest, WhatIsNotYetCommittedIsNeverSteppedOver) {
  if (!relays()) GTEST_SKIP() << "one writer at a time";
  std::atomic<bool> inserted{false};
  std::atomic<bool> commit{false};
  std::thread slow([&] {
    EXPECT_OK(Write([&](Connection& conn) -> absl::Status {
      IPT_RETURN_IF_ERROR(outbox::Append(conn, {"north", "slow", "CHANGED", "", kNow}, 1));
      inserted = true;
      while (!commit) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      return absl::OkStatus();
    }));
  });
  while (!inserted) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ASSERT_OK(Append("north", "quick"));
  EXPECT_EQ(Place(), 1);
  EXPECT_THAT(Subjects(Read("north", 0, State().end)), ElementsAre("quick"));
  const int64_t read_up_to = State().end;
  commit = true;
  slow.join();
  EXPECT_EQ(Place(), 1);
  EXPECT_THAT(Subjects(Read("north", read_up_to, State().end)), ElementsAre("slow"));
}

TEST_P(OutboxTest, ASecondRelayLetsTheFirstOneWork) {
  if (!relays()) GTEST_SKIP();
  const auto other = db_.OpenAnother();
  ASSERT_OK(Append("north", "a"));
  ASSERT_OK(other->Write({}, [&](Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(const int64_t placed, outbox::Place(conn, 10, outbox::IfBusy::kLeaveIt));
    EXPECT_EQ(placed, 1);
    EXPECT_EQ(Place(), 0);  // at once, while the first one's is not yet committed
    return absl::OkStatus();
  }));
  EXPECT_EQ(State().end, 1);
}

TEST_P(OutboxTest, FindsTheClinicsThatHaveNews) {
  for (const char* clinic : {"north", "south", "north", "west"}) ASSERT_OK(Append(clinic, "a"));
  Place();
  ASSERT_OK(db_->Read({}, [&](Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(auto news, outbox::NewestByClinic(conn, 1, 3));
    std::sort(news.begin(), news.end());
    EXPECT_THAT(news, ElementsAre(std::pair("north", 3), std::pair("south", 2)));
    return absl::OkStatus();
  }));
}

TEST_P(OutboxTest, PurgesTheOldOnesFromTheBeginningOnly) {
  const absl::Time old = kNow - absl::Hours(2);
  for (const absl::Time at : {old, old, old, kNow, old}) ASSERT_OK(Append("north", "a", at));
  Place();
  const auto purge = [&](int64_t limit) {
    int64_t count = -1;
    EXPECT_OK(Write([&](Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(count, outbox::PurgeOlderThan(conn, kNow - absl::Hours(1), limit));
      return absl::OkStatus();
    }));
    return count;
  };
  EXPECT_EQ(purge(2), 2);
  EXPECT_EQ(State().purged, 2);
  EXPECT_EQ(purge(2), 1);
  EXPECT_EQ(purge(2), 0);
  EXPECT_EQ(State().purged, 3);
  EXPECT_EQ(State().end, 5);
  EXPECT_EQ(Count("outbox"), 2);
  EXPECT_EQ(Count("outbox_position"), 2);
  EXPECT_EQ(Read("north", 3, 5).events.size(), 2u);
}

TEST_P(OutboxTest, PositionsGoOnAfterAllWasPurged) {
  ASSERT_OK(Append("north", "a", kNow - absl::Hours(2)));
  Place();
  ASSERT_OK(
      Write([&](Connection& conn) { return outbox::PurgeOlderThan(conn, kNow, 10).status(); }));
  EXPECT_EQ(State().end, 1);
  ASSERT_OK(Append("north", "b"));
  Place();
  EXPECT_EQ(State().end, 2);
  EXPECT_THAT(Subjects(Read("north", State().purged, 2)), ElementsAre("b"));
}

TEST_P(OutboxTest, ARestoredStoreIsAnotherHistory) {
  const std::string epoch = State().epoch;
  EXPECT_GE(epoch.size(), 32u);
  db_.Reopen();
  EXPECT_EQ(State().epoch, epoch);
  const auto revision = [&](bool next) {
    int64_t value = -1;
    EXPECT_OK(Write([&](Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(value, next ? NextRevision(conn) : CurrentRevision(conn));
      return absl::OkStatus();
    }));
    return value;
  };
  const int64_t before = revision(true);
  ASSERT_OK(Write([](Connection& conn) { return outbox::MarkRestored(conn); }));
  EXPECT_NE(State().epoch, epoch);
  EXPECT_GE(revision(false), before + 1'000'000'000);
  EXPECT_GT(revision(true), before + 1'000'000'000);
}

ipt::audit::AuditFilter Where(const char* clinic, const char* resource = "",
                              const char* caller = "", std::optional<absl::Time> since = {},
                              std::optional<absl::Time> until = {}) {
  return {clinic, resource, caller, since, until};
}

class AuditTest : public PlatformTablesTest {
 protected:
  void SetUp() override {
    ASSERT_OK(Write([&](Connection& conn) -> absl::Status {
      const auto append = [&](const char* clinic, const char* caller, const char* resource,
                              int minute, bool write) {
        AuditRecord record;
        record.clinic_id = clinic;
        record.caller = caller;
        record.method = write ? "/ipt.X/Set" : "/ipt.X/Get";
        record.write = write;
        record.resource = resource;
        record.request_id = absl::StrCat("r", minute);
        record.count = write ? 1 : 7;
        record.time = kNow + absl::Minutes(minute);
        record.last_time = record.time + absl::Seconds(write ? 0 : 9);
        return audit::Append(conn, record);
      };
      IPT_RETURN_IF_ERROR(append("north", "alice", "clinics/north/courses/a", 0, true));
      IPT_RETURN_IF_ERROR(append("north", "bob", "clinics/north/courses/a/sessions/1", 1, false));
      IPT_RETURN_IF_ERROR(append("north", "alice", "clinics/north/courses/ab", 2, true));
      IPT_RETURN_IF_ERROR(append("south", "alice", "clinics/south/courses/a", 3, true));
      return append("north", "alice", "clinics/north/courses/a", 4, false);
    }));
  }

  std::vector<std::string> List(const ipt::audit::AuditFilter& filter,
                                const std::optional<ipt::audit::AuditCursor>& after = {},
                                int limit = 100) {
    audit::SqlAuditReader reader(*db_);
    const auto entries = reader.List(filter, after, limit, absl::InfiniteFuture());
    EXPECT_THAT(entries, IsOk());
    std::vector<std::string> ids;
    if (!entries.ok()) return ids;
    for (const auto& entry : *entries) ids.push_back(entry.record.request_id);
    return ids;
  }
};

TEST_P(AuditTest, ListsAClinicNewestFirst) {
  EXPECT_THAT(List(Where("north")), ElementsAre("r4", "r2", "r1", "r0"));
  EXPECT_THAT(List(Where("east")), IsEmpty());
}

TEST_P(AuditTest, FiltersCombine) {
  const char* course = "clinics/north/courses/a";
  EXPECT_THAT(List(Where("north", course)), ElementsAre("r4", "r1", "r0"));
  EXPECT_THAT(List(Where("north", "", "alice")), ElementsAre("r4", "r2", "r0"));
  EXPECT_THAT(List(Where("north", "", "", kNow + absl::Minutes(1), kNow + absl::Minutes(4))),
              ElementsAre("r2", "r1"));
  EXPECT_THAT(List(Where("north", course, "alice", kNow, kNow + absl::Minutes(4))),
              ElementsAre("r0"));
}

TEST_P(AuditTest, PagesStandStillWhileEntriesAreAdded) {
  audit::SqlAuditReader reader(*db_);
  std::optional<ipt::audit::AuditCursor> cursor;
  std::vector<std::string> seen;
  for (int page = 0; page < 5; ++page) {
    ASSERT_OK_AND_ASSIGN(auto entries,
                         reader.List(Where("north"), cursor, 1, absl::InfiniteFuture()));
    if (entries.empty()) break;
    seen.push_back(entries[0].record.request_id);
    cursor = {entries[0].record.time, entries[0].entry_id};
    ASSERT_OK(Write([&](Connection& conn) {
      AuditRecord record;
      record.clinic_id = "north";
      record.time = kNow + absl::Hours(1);
      return audit::Append(conn, record);
    }));
  }
  EXPECT_THAT(seen, ElementsAre("r4", "r2", "r1", "r0"));
}

TEST_P(AuditTest, AnEntryKeepsAllOfItsRecord) {
  audit::SqlAuditReader reader(*db_);
  ASSERT_OK_AND_ASSIGN(auto entries,
                       reader.List(Where("north", "", "bob"), {}, 10, absl::InfiniteFuture()));
  ASSERT_EQ(entries.size(), 1u);
  const AuditRecord& record = entries[0].record;
  EXPECT_EQ(record.clinic_id, "north");
  EXPECT_EQ(record.method, "/ipt.X/Get");
  EXPECT_FALSE(record.write);
  EXPECT_EQ(record.resource, "clinics/north/courses/a/sessions/1");
  EXPECT_EQ(record.outcome, "OK");
  EXPECT_EQ(record.count, 7);
  EXPECT_EQ(record.time, kNow + absl::Minutes(1));
  EXPECT_EQ(record.last_time, kNow + absl::Minutes(1) + absl::Seconds(9));
}

TEST_P(AuditTest, OldEntriesArePurged) {
  ASSERT_OK(Write([&](Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(int64_t purged, audit::PurgeOlderThan(conn, kNow + absl::Minutes(2), 100));
    EXPECT_EQ(purged, 2);
    return absl::OkStatus();
  }));
  EXPECT_THAT(List(Where("north")), ElementsAre("r4", "r2"));
}

TEST_P(PlatformTablesTest, RevisionsIncreaseOverTheWholeStore) {
  constexpr int kThreads = 8;
  constexpr int kWrites = 25;
  std::vector<std::vector<int64_t>> taken(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kWrites; ++i) {
        int64_t revision = 0;
        EXPECT_OK(Write([&](Connection& conn) -> absl::Status {
          SqlWriteLog log(conn);
          IPT_ASSIGN_OR_RETURN(revision, log.Revision());
          EXPECT_EQ(log.Revision().value(), revision);  // one a transaction
          return absl::OkStatus();
        }));
        taken[t].push_back(revision);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<int64_t> all;
  for (const auto& mine : taken) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
  EXPECT_GT(all.front(), 0);
  ASSERT_OK(db_->Read({}, [&](Connection& conn) -> absl::Status {
    EXPECT_EQ(CurrentRevision(conn).value(), all.back());
    return absl::OkStatus();
  }));
}

IPT_INSTANTIATE_ON_BOTH_ENGINES(PlatformTablesTest);
IPT_INSTANTIATE_ON_BOTH_ENGINES(OutboxTest);
IPT_INSTANTIATE_ON_BOTH_ENGINES(AuditTest);

}  // namespace
}  // namespace ipt::storage
