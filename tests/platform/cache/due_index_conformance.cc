// Each promise of the due-index, on both implementations.
#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "platform/cache/due_index.h"
#include "tests/platform/cache/due_index_maker.h"
#include "tests/support/status_matchers.h"

namespace ipt::cache {
namespace {

using ::ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr char kClinic[] = "c1";
constexpr char kEpoch[] = "e1";
constexpr absl::Duration kLong = absl::Minutes(5);
// Shorter than a test takes, longer than a claim and what follows it.
constexpr absl::Duration kShort = absl::Seconds(1);

MATCHER(NeedsRebuild, "asks for a rebuild") {
  *result_listener << testing::Describe(testing::GetStatus(arg));
  return IsRebuildNeeded(testing::GetStatus(arg));
}

class DueIndexTest : public ::testing::TestWithParam<DueIndexKind> {
 protected:
  void SetUp() override {
    maker_ = MakeDueIndexMaker(GetParam());
    index_ = maker_->Open();
    Build(kClinic, kEpoch);
  }

  void Build(absl::string_view clinic, absl::string_view epoch) {
    ASSERT_OK_AND_ASSIGN(const RebuildTicket ticket, index_->BeginRebuild(clinic, epoch, kLong));
    ASSERT_EQ(ticket.outcome, RebuildTicket::kStarted);
    ASSERT_OK(index_->FinishRebuild(clinic, ticket.token, epoch));
  }

  // The index's clock may be another process'; on one machine they agree.
  absl::Time Ago(absl::Duration by) const { return absl::Now() - by; }
  absl::Time Ahead(absl::Duration by) const { return absl::Now() + by; }

  void Put(const std::string& id, int64_t generation, absl::Time due) {
    ASSERT_OK(index_->Upsert(kClinic, {DueEntry{id, generation, due}}));
  }
  std::vector<DueEntry> Many(const std::string& prefix, int count, absl::Time due) const {
    std::vector<DueEntry> entries;
    for (int i = 0; i < count; ++i) entries.push_back({absl::StrCat(prefix, i), 1, due});
    return entries;
  }
  Claimed Claim(int most = 100, absl::Duration lease = kLong) {
    auto claimed = index_->Claim(kClinic, kEpoch, most, lease);
    EXPECT_OK(claimed);
    return claimed.ok() ? *std::move(claimed) : Claimed{};
  }
  static std::vector<std::string> Ids(const std::vector<DueEntry>& entries) {
    std::vector<std::string> ids;
    for (const DueEntry& entry : entries) ids.push_back(entry.id);
    return ids;
  }
  std::optional<DueState> Know(const std::string& id) {
    auto states = index_->Lookup(kClinic, {id});
    EXPECT_OK(states);
    return states.ok() ? states->at(0) : std::nullopt;
  }

  std::unique_ptr<DueIndexMaker> maker_;
  std::unique_ptr<DueIndex> index_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, DueIndexTest, ::testing::ValuesIn(DueIndexKinds()),
                         [](const auto& info) { return DueIndexKindName(info.param); });

TEST_P(DueIndexTest, HandsOutWhatIsDueInDueOrder) {
  Put("late", 1, Ago(absl::Seconds(10)));
  Put("later", 2, Ago(absl::Seconds(20)));
  Put("ahead", 1, Ahead(absl::Hours(1)));
  const Claimed claimed = Claim();
  ASSERT_THAT(Ids(claimed.entries), ElementsAre("later", "late"));
  EXPECT_EQ(claimed.entries[0].generation, 2);
  EXPECT_THAT(Claim().entries, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const DueDepth depth, index_->Depth(kClinic));
  EXPECT_EQ(depth.queued, 1);
  EXPECT_EQ(depth.leased, 2);
}

TEST_P(DueIndexTest, NeverHandsOutEarlyAndHardlyLate) {
  const absl::Time due = Ahead(absl::Milliseconds(400));
  Put("a", 1, due);
  while (true) {
    const Claimed claimed = Claim();
    const absl::Time now = absl::Now();
    if (!claimed.entries.empty()) {
      EXPECT_GE(now, due);
      EXPECT_LE(now, due + absl::Seconds(30));  // 125 ms, and a busy machine
      EXPECT_GE(claimed.entries[0].due, due);
      EXPECT_LE(claimed.entries[0].due, due + absl::Milliseconds(125));
      break;
    }
    ASSERT_LE(claimed.next, due + absl::Milliseconds(125));
    absl::SleepFor(absl::Milliseconds(10));
  }
}

TEST_P(DueIndexTest, ClaimsAtMostWhatIsAskedForAndSaysThatThereIsMore) {
  ASSERT_OK(index_->Upsert(kClinic, Many("r", 10, Ago(absl::Seconds(5)))));
  const Claimed first = Claim(4);
  EXPECT_THAT(first.entries, SizeIs(4));
  EXPECT_LE(first.next, absl::Now());
  EXPECT_THAT(Claim(100).entries, SizeIs(6));
  EXPECT_THAT(Claim(0).entries, IsEmpty());
}

TEST_P(DueIndexTest, SaysWhenTheNextIsDue) {
  EXPECT_EQ(Claim().next, absl::InfiniteFuture());
  const absl::Time due = Ahead(absl::Hours(2));
  Put("a", 1, due);
  const Claimed claimed = Claim();
  EXPECT_GE(claimed.next, due);
  EXPECT_LE(claimed.next, due + absl::Milliseconds(125));
  Put("b", 1, Ago(absl::Seconds(1)));
  // The end of the lease comes before what is due in two hours.
  const Claimed leased = Claim(1, absl::Minutes(1));
  EXPECT_LE(leased.next, Ahead(absl::Minutes(1)));
  EXPECT_GE(leased.next, Ahead(absl::Seconds(30)));
}

TEST_P(DueIndexTest, HoldsFarAndNearTimes) {
  Put("past", 1, absl::InfinitePast());
  Put("future", 1, absl::InfiniteFuture());
  Put("last", DueIndex::kMaxGeneration, absl::FromUnixSeconds(4'102'444'800));  // the year 2100
  EXPECT_THAT(Ids(Claim().entries), ElementsAre("past"));
  const auto last = Know("last");
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->generation, DueIndex::kMaxGeneration);
  EXPECT_EQ(last->due, absl::FromUnixSeconds(4'102'444'800));
  EXPECT_TRUE(Know("future").has_value());
}

TEST_P(DueIndexTest, RefusesWhatItCannotHold) {
  EXPECT_THAT(index_->Upsert(kClinic, {DueEntry{"", 1, absl::Now()}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(index_->Upsert(kClinic, {DueEntry{std::string(64, 'x'), 1, absl::Now()}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(index_->Upsert(kClinic, {DueEntry{"a", -1, absl::Now()}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(index_->Upsert(kClinic, {DueEntry{"a", DueIndex::kMaxGeneration + 1, absl::Now()}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(index_->BeginRebuild(kClinic, "", kLong),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_FALSE(Know("a").has_value());
}

TEST_P(DueIndexTest, ALowerGenerationIsIgnored) {
  const absl::Time due = Ahead(absl::Hours(1));
  Put("a", 3, due);
  Put("a", 2, Ago(absl::Hours(1)));
  EXPECT_THAT(Claim().entries, IsEmpty());
  EXPECT_EQ(Know("a")->generation, 3);
  ASSERT_OK_AND_ASSIGN(const DueDepth depth, index_->Depth(kClinic));
  EXPECT_EQ(depth.queued, 1);
}

TEST_P(DueIndexTest, ALowerGenerationIsIgnoredWhileTheHigherIsLeased) {
  Put("a", 3, Ago(absl::Seconds(1)));
  const Claimed claimed = Claim();
  Put("a", 2, Ago(absl::Seconds(1)));
  EXPECT_THAT(Claim().entries, IsEmpty());
  EXPECT_TRUE(Know("a")->leased);
  EXPECT_EQ(*index_->Complete(kClinic, claimed.lease, {"a"}), 1);
}

TEST_P(DueIndexTest, OneBatchMayNameAnIdMoreThanOnce) {
  ASSERT_OK(index_->Upsert(
      kClinic, {DueEntry{"a", 1, Ago(absl::Seconds(1))}, DueEntry{"a", 3, Ahead(absl::Hours(1))},
                DueEntry{"a", 2, Ago(absl::Seconds(1))}}));
  EXPECT_EQ(Know("a")->generation, 3);
  EXPECT_THAT(Claim().entries, IsEmpty());
  EXPECT_EQ(index_->Depth(kClinic)->queued, 1);
}

TEST_P(DueIndexTest, EmptyBatchesAreNothing) {
  EXPECT_OK(index_->Upsert(kClinic, {}));
  EXPECT_OK(index_->Remove(kClinic, {}));
  EXPECT_EQ(*index_->Complete(kClinic, "lease", {}), 0);
  EXPECT_THAT(*index_->Lookup(kClinic, {}), IsEmpty());
  EXPECT_THAT(*index_->NextDue({}, kEpoch), IsEmpty());
}

TEST_P(DueIndexTest, AHigherGenerationReplacesALowerOne) {
  Put("a", 1, Ago(absl::Hours(1)));
  Put("a", 2, Ahead(absl::Hours(1)));
  EXPECT_THAT(Claim().entries, IsEmpty());
  EXPECT_EQ(Know("a")->generation, 2);
  Put("a", 3, Ago(absl::Seconds(1)));
  ASSERT_THAT(Claim().entries, SizeIs(1));
}

TEST_P(DueIndexTest, AHigherGenerationEndsTheLeaseOfALowerOne) {
  Put("a", 1, Ago(absl::Seconds(1)));
  const Claimed old = Claim();
  ASSERT_THAT(old.entries, SizeIs(1));
  Put("a", 2, Ago(absl::Seconds(1)));
  const Claimed fresh = Claim();
  ASSERT_THAT(fresh.entries, SizeIs(1));
  EXPECT_EQ(fresh.entries[0].generation, 2);
  EXPECT_EQ(*index_->Complete(kClinic, old.lease, {"a"}), 0);
  EXPECT_EQ(*index_->Release(kClinic, old.lease, {DueEntry{"a", 1, absl::Now()}}), 0);
  EXPECT_EQ(*index_->Complete(kClinic, fresh.lease, {"a"}), 1);
  EXPECT_FALSE(Know("a").has_value());
}

TEST_P(DueIndexTest, TheSameGenerationMovesAQueuedEntryButNotALeasedOne) {
  Put("a", 1, Ahead(absl::Hours(1)));
  Put("a", 1, Ago(absl::Seconds(1)));
  const Claimed claimed = Claim();
  ASSERT_THAT(claimed.entries, SizeIs(1));
  Put("a", 1, Ago(absl::Seconds(1)));
  EXPECT_THAT(Claim().entries, IsEmpty());
  EXPECT_EQ(*index_->Complete(kClinic, claimed.lease, {"a"}), 1);
}

TEST_P(DueIndexTest, RemovesQueuedAndLeased) {
  Put("a", 1, Ago(absl::Seconds(1)));
  const Claimed claimed = Claim();
  Put("b", 1, Ago(absl::Seconds(1)));
  ASSERT_OK(index_->Remove(
      kClinic, {DueEntry{"a", 1, {}}, DueEntry{"b", 2, {}}, DueEntry{"unknown", 1, {}}}));
  EXPECT_THAT(Claim().entries, IsEmpty());
  EXPECT_EQ(*index_->Complete(kClinic, claimed.lease, {"a"}), 0);
  ASSERT_OK_AND_ASSIGN(const DueDepth depth, index_->Depth(kClinic));
  EXPECT_EQ(depth.queued, 0);
  EXPECT_EQ(depth.leased, 0);
  EXPECT_EQ(depth.oldest, absl::InfiniteFuture());
}

TEST_P(DueIndexTest, RemovingAnOldGenerationLeavesANewerOne) {
  Put("a", 2, Ago(absl::Seconds(2)));
  Put("b", 2, Ago(absl::Seconds(1)));
  ASSERT_THAT(Claim(1).entries, SizeIs(1));
  ASSERT_OK(index_->Remove(kClinic, {DueEntry{"a", 1, {}}, DueEntry{"b", 1, {}}}));
  EXPECT_TRUE(Know("a")->leased);
  EXPECT_FALSE(Know("b")->leased);
}

TEST_P(DueIndexTest, ALeaseThatRunsOutIsOfferedAgain) {
  Put("a", 7, Ago(absl::Seconds(1)));
  const Claimed first = Claim(10, kShort);
  ASSERT_THAT(first.entries, SizeIs(1));
  EXPECT_THAT(Claim().entries, IsEmpty());
  absl::SleepFor(kShort + absl::Milliseconds(20));
  const Claimed second = Claim();
  ASSERT_THAT(second.entries, SizeIs(1));
  EXPECT_EQ(second.entries[0].generation, 7);
  EXPECT_EQ(second.entries[0].due, first.entries[0].due);
  EXPECT_NE(second.lease, first.lease);
  // The first holder is too late, whatever it does.
  EXPECT_EQ(*index_->Complete(kClinic, first.lease, {"a"}), 0);
  EXPECT_EQ(*index_->Extend(kClinic, first.lease, {"a"}, kLong), 0);
  EXPECT_EQ(*index_->Release(kClinic, first.lease, {DueEntry{"a", 7, absl::Now()}}), 0);
  EXPECT_EQ(*index_->Complete(kClinic, second.lease, {"a"}), 1);
}

TEST_P(DueIndexTest, ExtendingHoldsALease) {
  Put("a", 1, Ago(absl::Seconds(1)));
  Put("b", 1, Ago(absl::Seconds(1)));
  const Claimed claimed = Claim(10, kShort);
  EXPECT_EQ(*index_->Extend(kClinic, claimed.lease, {"a", "unknown"}, kLong), 1);
  absl::SleepFor(kShort + absl::Milliseconds(20));
  EXPECT_THAT(Ids(Claim().entries), ElementsAre("b"));
  EXPECT_EQ(*index_->Complete(kClinic, claimed.lease, {"a", "b"}), 1);
}

TEST_P(DueIndexTest, ReleasesToAnotherTime) {
  Put("now", 1, Ago(absl::Seconds(2)));
  Put("then", 4, Ago(absl::Seconds(1)));
  const Claimed claimed = Claim();
  EXPECT_EQ(*index_->Release(kClinic, claimed.lease,
                             {DueEntry{"now", 1, Ago(absl::Seconds(1))},
                              DueEntry{"then", 4, Ahead(absl::Hours(1))}, DueEntry{"not", 1, {}}}),
            2);
  EXPECT_THAT(Ids(Claim().entries), ElementsAre("now"));
  EXPECT_EQ(Know("then")->generation, 4);
  EXPECT_FALSE(Know("then")->leased);
  EXPECT_EQ(*index_->Complete(kClinic, claimed.lease, {"then"}), 0);
}

TEST_P(DueIndexTest, ClinicsDoNotMeet) {
  Build("c2", kEpoch);
  ASSERT_OK(index_->Upsert("c2", {DueEntry{"a", 1, Ago(absl::Seconds(1))}}));
  EXPECT_THAT(Claim().entries, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto claimed, index_->Claim("c2", kEpoch, 10, kLong));
  EXPECT_THAT(claimed.entries, SizeIs(1));
  EXPECT_EQ(*index_->Complete(kClinic, claimed.lease, {"a"}), 0);
}

TEST_P(DueIndexTest, NextDueIsAskedForManyClinicsAtOnce) {
  Build("c2", kEpoch);
  Build("c3", "another");
  const absl::Time due = Ahead(absl::Hours(1));
  ASSERT_OK(index_->Upsert("c2", {DueEntry{"a", 1, due}}));
  ASSERT_OK_AND_ASSIGN(const auto next, index_->NextDue({kClinic, "c2", "c3", "c4"}, kEpoch));
  ASSERT_THAT(next, SizeIs(4));
  EXPECT_EQ(next[0], absl::InfiniteFuture());
  ASSERT_TRUE(next[1].has_value());
  EXPECT_GE(*next[1], due);
  EXPECT_LE(*next[1], due + absl::Milliseconds(125));
  EXPECT_EQ(next[2], std::nullopt);
  EXPECT_EQ(next[3], std::nullopt);
}

TEST_P(DueIndexTest, BatchesBeyondTheMostAreCut) {
  const auto entries = Many("r", 1750, Ago(absl::Seconds(5)));
  ASSERT_OK(index_->Upsert(kClinic, entries));
  const Claimed first = Claim(5000);
  EXPECT_THAT(first.entries, SizeIs(DueIndex::kMaxBatch));
  std::set<std::string> seen;
  std::vector<Claimed> all{first};
  while (!all.back().entries.empty()) all.push_back(Claim(5000));
  for (const Claimed& claimed : all) {
    for (const DueEntry& entry : claimed.entries) EXPECT_TRUE(seen.insert(entry.id).second);
  }
  EXPECT_THAT(seen, SizeIs(1750));
  EXPECT_THAT(*index_->Lookup(kClinic, Ids(entries)), SizeIs(1750));
  EXPECT_EQ(*index_->Extend(kClinic, first.lease, Ids(entries), kLong), DueIndex::kMaxBatch);
  EXPECT_EQ(*index_->Complete(kClinic, first.lease, Ids(entries)), DueIndex::kMaxBatch);
  ASSERT_OK(index_->Remove(kClinic, entries));
  EXPECT_EQ(index_->Depth(kClinic)->leased, 0);
}

TEST_P(DueIndexTest, ClaimsAreExclusiveUnderConcurrency) {
  constexpr int kEntries = 4000;
  ASSERT_OK(index_->Upsert(kClinic, Many("r", kEntries, Ago(absl::Seconds(5)))));
  std::vector<std::vector<std::string>> got(4);
  std::vector<std::thread> threads;
  for (auto& mine : got) {
    threads.emplace_back([&] {
      while (true) {
        auto claimed = index_->Claim(kClinic, kEpoch, 17, kLong);
        ASSERT_OK(claimed);
        if (claimed->entries.empty()) return;
        const auto ids = Ids(claimed->entries);
        mine.insert(mine.end(), ids.begin(), ids.end());
        EXPECT_EQ(*index_->Complete(kClinic, claimed->lease, ids), static_cast<int>(ids.size()));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::string> seen;
  for (const auto& mine : got) {
    for (const std::string& id : mine) EXPECT_TRUE(seen.insert(id).second) << id;
  }
  EXPECT_THAT(seen, SizeIs(kEntries));
}

TEST_P(DueIndexTest, ConcurrentUpsertsLeaveTheHighestGeneration) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int64_t g = 1 + t; g <= 200; g += 4) {
        EXPECT_OK(index_->Upsert(kClinic, {DueEntry{"a", g, Ahead(absl::Seconds(1000 - g))}}));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(Know("a")->generation, 200);
  EXPECT_EQ(index_->Depth(kClinic)->queued, 1);
}

TEST_P(DueIndexTest, ScanSeesEveryQueuedEntry) {
  ASSERT_OK(index_->Upsert(kClinic, Many("r", 1300, Ahead(absl::Hours(1)))));
  std::map<std::string, int64_t> seen;
  std::string from;
  do {
    ASSERT_OK_AND_ASSIGN(const DuePage page, index_->Scan(kClinic, from));
    for (const DueEntry& entry : page.entries) seen[entry.id] = entry.generation;
    from = page.next;
  } while (!from.empty());
  EXPECT_THAT(seen, SizeIs(1300));
  EXPECT_EQ(seen["r7"], 1);
  EXPECT_THAT(index_->Scan(kClinic, "nonsense"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_P(DueIndexTest, LooksUpWhatItKnows) {
  const absl::Time due = absl::FromUnixSeconds(2'000'000'000);
  Put("queued", 5, due);
  Put("leased", 6, Ago(absl::Seconds(1)));
  Claim();
  ASSERT_OK_AND_ASSIGN(const auto states, index_->Lookup(kClinic, {"queued", "unknown", "leased"}));
  ASSERT_THAT(states, SizeIs(3));
  EXPECT_EQ(states[0]->generation, 5);
  EXPECT_EQ(states[0]->due, due);
  EXPECT_FALSE(states[0]->leased);
  EXPECT_FALSE(states[1].has_value());
  EXPECT_EQ(states[2]->generation, 6);
  EXPECT_TRUE(states[2]->leased);
  EXPECT_LE(states[2]->due, absl::Now());
}

TEST_P(DueIndexTest, AMissingOrAnotherEpochAsksForARebuild) {
  ASSERT_OK(index_->Upsert("c2", {DueEntry{"a", 1, Ago(absl::Seconds(1))}}));
  EXPECT_THAT(index_->Claim("c2", kEpoch, 10, kLong), NeedsRebuild());
  EXPECT_THAT(index_->Claim("never-seen", kEpoch, 10, kLong), NeedsRebuild());
  EXPECT_THAT(index_->Claim(kClinic, "e2", 10, kLong), NeedsRebuild());
  EXPECT_THAT(index_->Claim(kClinic, "", 10, kLong), NeedsRebuild());
  // Asking changed nothing.
  EXPECT_OK(index_->Claim(kClinic, kEpoch, 10, kLong));
}

// A store that was restored has gone back: its generations are lower than what the index was told
// of the history that is lost, and its times are others.
TEST_P(DueIndexTest, ANewEpochForgetsWhatAnotherOneHeld) {
  Put("lost", 1, Ago(absl::Seconds(1)));
  Put("moved", 3, Ahead(absl::Hours(1)));
  Put("leased", 3, Ago(absl::Minutes(1)));
  const Claimed before = Claim(1);
  ASSERT_THAT(Ids(before.entries), ElementsAre("leased"));
  ASSERT_OK_AND_ASSIGN(const RebuildTicket ticket, index_->BeginRebuild(kClinic, "e2", kLong));
  ASSERT_EQ(ticket.outcome, RebuildTicket::kStarted);
  ASSERT_OK(index_->Upsert(kClinic, {DueEntry{"moved", 2, Ago(absl::Seconds(2))},
                                     DueEntry{"leased", 2, Ago(absl::Seconds(1))}}));
  ASSERT_OK(index_->FinishRebuild(kClinic, ticket.token, "e2"));
  EXPECT_THAT(index_->Claim(kClinic, kEpoch, 10, kLong), NeedsRebuild());
  ASSERT_OK_AND_ASSIGN(const Claimed claimed, index_->Claim(kClinic, "e2", 10, kLong));
  EXPECT_THAT(Ids(claimed.entries), ElementsAre("moved", "leased"));
  EXPECT_EQ(*index_->Complete(kClinic, before.lease, {"leased"}), 0);
}

// Whose contents they are is known though their rebuild never ended.
TEST_P(DueIndexTest, AnInterruptedRebuildsContentsAreOfItsEpoch) {
  const auto begin_and_hang = [&](absl::string_view epoch) {
    RebuildTicket ticket;
    do {  // until the one before has run out
      ASSERT_OK_AND_ASSIGN(ticket, index_->BeginRebuild(kClinic, epoch, absl::Milliseconds(1)));
    } while (ticket.outcome == RebuildTicket::kBusy);
    ASSERT_EQ(ticket.outcome, RebuildTicket::kStarted);
  };
  begin_and_hang("e2");
  Put("a", 3, Ago(absl::Seconds(1)));
  begin_and_hang("e2");
  EXPECT_EQ(Know("a")->generation, 3);
  begin_and_hang("e3");
  EXPECT_FALSE(Know("a").has_value());
}

TEST_P(DueIndexTest, WhileItIsRebuiltClaimsAreRefusedAndWritesStay) {
  Put("before", 1, Ago(absl::Seconds(1)));
  ASSERT_OK_AND_ASSIGN(const RebuildTicket ticket,
                       index_->BeginRebuild(kClinic, kEpoch, kLong, /*again=*/true));
  ASSERT_EQ(ticket.outcome, RebuildTicket::kStarted);
  EXPECT_THAT(index_->Claim(kClinic, kEpoch, 10, kLong), NeedsRebuild());
  EXPECT_EQ(index_->NextDue({kClinic}, kEpoch)->at(0), std::nullopt);
  // Somebody else writes; then the rebuilder's older reading of the same row arrives.
  Put("meanwhile", 2, Ago(absl::Seconds(1)));
  Put("moved", 2, Ahead(absl::Hours(1)));
  ASSERT_OK(index_->Upsert(kClinic, {DueEntry{"from-sql", 1, Ago(absl::Seconds(1))},
                                     DueEntry{"moved", 1, Ago(absl::Seconds(1))}}));
  ASSERT_OK(index_->KeepRebuild(kClinic, ticket.token, kLong));
  EXPECT_THAT(index_->Claim(kClinic, kEpoch, 10, kLong), NeedsRebuild());
  ASSERT_OK(index_->FinishRebuild(kClinic, ticket.token, kEpoch));
  EXPECT_THAT(Ids(Claim().entries), UnorderedElementsAre("before", "meanwhile", "from-sql"));
}

TEST_P(DueIndexTest, OneRebuildsAtATime) {
  ASSERT_OK_AND_ASSIGN(const RebuildTicket none, index_->BeginRebuild(kClinic, kEpoch, kLong));
  EXPECT_EQ(none.outcome, RebuildTicket::kNotNeeded);
  ASSERT_OK_AND_ASSIGN(const RebuildTicket first, index_->BeginRebuild(kClinic, "e2", kLong));
  ASSERT_EQ(first.outcome, RebuildTicket::kStarted);
  ASSERT_OK_AND_ASSIGN(const RebuildTicket second, index_->BeginRebuild(kClinic, "e2", kLong));
  EXPECT_EQ(second.outcome, RebuildTicket::kBusy);
  EXPECT_THAT(index_->FinishRebuild(kClinic, "not-the-ticket", "e2"), NeedsRebuild());
  EXPECT_THAT(index_->FinishRebuild(kClinic, "", "e2"), NeedsRebuild());
  EXPECT_THAT(index_->Claim(kClinic, "e2", 10, kLong), NeedsRebuild());
  ASSERT_OK(index_->FinishRebuild(kClinic, first.token, "e2"));
  EXPECT_THAT(index_->FinishRebuild(kClinic, first.token, "e2"), NeedsRebuild());
  EXPECT_OK(index_->Claim(kClinic, "e2", 10, kLong));
}

TEST_P(DueIndexTest, ARebuilderThatHangsIsReplacedAndCannotFinish) {
  ASSERT_OK_AND_ASSIGN(const RebuildTicket slow, index_->BeginRebuild(kClinic, "e2", kShort));
  absl::SleepFor(kShort + absl::Milliseconds(20));
  ASSERT_OK_AND_ASSIGN(const RebuildTicket next, index_->BeginRebuild(kClinic, "e2", kLong));
  ASSERT_EQ(next.outcome, RebuildTicket::kStarted);
  EXPECT_THAT(index_->KeepRebuild(kClinic, slow.token, kLong), NeedsRebuild());
  EXPECT_THAT(index_->FinishRebuild(kClinic, slow.token, "e2"), NeedsRebuild());
  EXPECT_THAT(index_->Claim(kClinic, "e2", 10, kLong), NeedsRebuild());
  ASSERT_OK(index_->FinishRebuild(kClinic, next.token, "e2"));
  EXPECT_OK(index_->Claim(kClinic, "e2", 10, kLong));
}

TEST_P(DueIndexTest, AfterItsContentIsLostItAsksForARebuild) {
  Put("a", 1, Ago(absl::Seconds(1)));
  maker_->LoseContent(index_);
  EXPECT_THAT(index_->Claim(kClinic, kEpoch, 10, kLong), NeedsRebuild());
  // Writes are taken all the same, and do not make it look built.
  Put("b", 1, Ago(absl::Seconds(1)));
  EXPECT_THAT(index_->Claim(kClinic, kEpoch, 10, kLong), NeedsRebuild());
  EXPECT_EQ(index_->NextDue({kClinic}, kEpoch)->at(0), std::nullopt);
  // Of which history they were is not known.
  Build(kClinic, kEpoch);
  EXPECT_FALSE(Know("b").has_value());
  Put("c", 1, Ago(absl::Seconds(1)));
  EXPECT_THAT(Ids(Claim().entries), ElementsAre("c"));
}

TEST_P(DueIndexTest, ARebuildInWhichTheContentIsLostCannotFinish) {
  ASSERT_OK_AND_ASSIGN(const RebuildTicket ticket, index_->BeginRebuild(kClinic, "e2", kLong));
  Put("a", 1, Ago(absl::Seconds(1)));
  maker_->LoseContent(index_);
  EXPECT_THAT(index_->KeepRebuild(kClinic, ticket.token, kLong), NeedsRebuild());
  EXPECT_THAT(index_->FinishRebuild(kClinic, ticket.token, "e2"), NeedsRebuild());
  EXPECT_THAT(index_->Claim(kClinic, "e2", 10, kLong), NeedsRebuild());
}

}  // namespace
}  // namespace ipt::cache
