#include "outcomes/domain/suppression.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <optional>
#include <vector>

#include "gmock/gmock.h"

namespace ipt::outcomes {
namespace {

using ::testing::ElementsAre;

SuppressionRow RateRow(int64_t hits, int64_t misses) {
  return {{{}, {hits + misses}, false}, {{0}, {hits, misses}, false}};
}

struct Table {
  std::vector<SuppressionRow> groups;
  SuppressionRow total;
};

Table Suppressed(std::vector<SuppressionRow> groups, int64_t least = 5) {
  Table table{std::move(groups), {}};
  table.total = table.groups.front();
  for (SuppressionBlock& block : table.total) {
    for (int64_t& part : block.parts) part = 0;
  }
  for (const SuppressionRow& row : table.groups) {
    for (size_t b = 0; b < row.size(); ++b) {
      for (size_t p = 0; p < row[b].parts.size(); ++p) table.total[b].parts[p] += row[b].parts[p];
    }
  }
  Suppress(least, table.groups, table.total);
  return table;
}

// Whether the rate's block is hidden, group by group and for the total.
std::vector<bool> Hidden(const Table& table, size_t block = 1) {
  std::vector<bool> hidden;
  for (const SuppressionRow& row : table.groups) hidden.push_back(row[block].hidden);
  hidden.push_back(table.total[block].hidden);
  return hidden;
}

TEST(SuppressionTest, FewHitsAndFewMissesAreHidden) {
  SuppressionRow total = RateRow(4, 20);
  std::vector<SuppressionRow> none;
  Suppress(5, none, total);
  EXPECT_FALSE(total[0].hidden);
  EXPECT_TRUE(total[1].hidden);
  total = RateRow(20, 4);
  Suppress(5, none, total);
  EXPECT_TRUE(total[1].hidden);
  for (const auto& [hits, misses] :
       {std::pair(5, 20), std::pair(20, 5), std::pair(0, 20), std::pair(20, 0), std::pair(0, 0)}) {
    total = RateRow(hits, misses);
    Suppress(5, none, total);
    EXPECT_FALSE(total[1].hidden) << hits << " " << misses;
  }
}

TEST(SuppressionTest, WhatRefinesAHiddenBlockIsHidden) {
  SuppressionRow total = {{{}, {4}, false}, {{0}, {0, 0}, false}, {{1}, {50}, false}};
  std::vector<SuppressionRow> none;
  Suppress(5, none, total);
  EXPECT_TRUE(total[1].hidden);
  EXPECT_TRUE(total[2].hidden);
}

TEST(SuppressionTest, OneHiddenGroupTakesAnotherWithIt) {
  // 3 hits would follow from the total: the least other group goes, too.
  const Table table = Suppressed({RateRow(3, 30), RateRow(10, 10), RateRow(40, 40)});
  EXPECT_THAT(Hidden(table), ElementsAre(true, true, false, false));
  EXPECT_THAT(Hidden(table, 0), ElementsAre(false, false, false, false));
}

TEST(SuppressionTest, TwoHiddenGroupsMayStillBeTooFewTogether) {
  const Table table =
      Suppressed({RateRow(1, 30), RateRow(2, 30), RateRow(10, 10), RateRow(40, 40)});
  EXPECT_THAT(Hidden(table), ElementsAre(true, true, true, false, false));
}

TEST(SuppressionTest, GroupsOfNobodyHideNobody) {
  const Table table = Suppressed({RateRow(3, 30), RateRow(0, 0), RateRow(10, 10)});
  EXPECT_THAT(Hidden(table), ElementsAre(true, false, true, false));
}

TEST(SuppressionTest, AtLastTheTotalIsHidden) {
  EXPECT_THAT(Hidden(Suppressed({RateRow(3, 30)})), ElementsAre(true, true));
  EXPECT_THAT(Hidden(Suppressed({RateRow(3, 30), RateRow(0, 20), RateRow(1, 20)})),
              ElementsAre(true, false, true, true));  // 4 of all
  EXPECT_THAT(Hidden(Suppressed({RateRow(3, 30), RateRow(0, 0)})), ElementsAre(true, false, true));
}

TEST(SuppressionTest, NothingIsHiddenBelowTwo) {
  EXPECT_THAT(Hidden(Suppressed({RateRow(1, 1), RateRow(40, 1)}, 1)),
              ElementsAre(false, false, false));
  EXPECT_THAT(Hidden(Suppressed({RateRow(1, 1), RateRow(40, 1)}, 0)),
              ElementsAre(false, false, false));
}

TEST(SuppressionTest, SaysWhetherANumberIsSmallItselfOrOnlyTellsOfOne) {
  const Table table = Suppressed({RateRow(20, 2), RateRow(10, 10), RateRow(20, 20)});
  ASSERT_THAT(Hidden(table), ElementsAre(true, true, false, false));
  EXPECT_FALSE(table.groups[0][1].complementary);
  EXPECT_TRUE(table.groups[1][1].complementary);
  // What refines a hidden block is hidden for the same reason.
  SuppressionRow row = {{{}, {9}, true, true}, {{0}, {9}}, {{0}, {4, 5}}};
  std::vector<SuppressionRow> none;
  Suppress(5, none, row);
  EXPECT_TRUE(row[1].complementary);
  EXPECT_TRUE(row[2].hidden);
  EXPECT_FALSE(row[2].complementary);
}

TEST(SuppressionTest, ABlockIsHiddenForADifferenceOnlyWhereTheOtherOneIsShown) {
  // 10 of 20 beside 8 of 20: two are in the one and not in the other.
  const auto row = [](int64_t misses) -> SuppressionRow {
    return {{{}, {20}}, {{0}, {8, misses}}, {{0}, {10, 10}, false, false, {{1, 2}}}};
  };
  std::vector<SuppressionRow> none;
  SuppressionRow shown = row(12);
  Suppress(5, none, shown);
  EXPECT_FALSE(shown[1].hidden);
  EXPECT_TRUE(shown[2].hidden);
  EXPECT_FALSE(shown[2].complementary);
  SuppressionRow hidden = row(3);
  Suppress(5, none, hidden);
  EXPECT_TRUE(hidden[1].hidden);
  EXPECT_FALSE(hidden[2].hidden);
}

TEST(SuppressionTest, ADifferenceDoesNotFollowFromTheTotalEither) {
  const auto row = [](int64_t hits, int64_t difference) -> SuppressionRow {
    return {{{}, {40}}, {{0}, {hits, 40 - hits}}, {{0}, {20, 20}, false, false, {{1, difference}}}};
  };
  // The first hides its hits, and with it the second; the differences of the two are few.
  std::vector<SuppressionRow> groups = {row(2, 1), row(18, 2), row(20, 10)};
  SuppressionRow total = {{{}, {120}}, {{0}, {40, 80}}, {{0}, {60, 60}, false, false, {{1, 13}}}};
  groups[1][2].differences[0].people = 0;
  Suppress(5, groups, total);
  ASSERT_FALSE(total[1].hidden);
  ASSERT_TRUE(groups[0][1].hidden);
  int64_t hidden = 0;
  for (const SuppressionRow& group : groups) {
    if (group[1].hidden || group[2].hidden) hidden += group[2].differences[0].people;
  }
  EXPECT_TRUE(total[2].hidden || hidden == 0 || hidden >= 5) << hidden;
}

TEST(SuppressionTest, AGreaterLeastOnlyHidesMoreAndSaysNothingNewOfWhatWasHidden) {
  Table table = Suppressed({RateRow(3, 20), RateRow(15, 10), RateRow(5, 55)});
  ASSERT_THAT(Hidden(table), ElementsAre(true, true, false, false));
  Suppress(20, table.groups, table.total);
  EXPECT_TRUE(table.groups[1][1].hidden);
  EXPECT_TRUE(table.groups[1][1].complementary);
  EXPECT_TRUE(table.groups[2][1].hidden);
}

// An attacker who adds and subtracts: from what is shown, and each time something new is known, all
// over again. A row knows its parts from their sum (the parent) and each other, a column from its
// total.
RC_GTEST_PROP(SuppressionPropertyTest, NothingHiddenFollowsFromSums, ()) {
  const int64_t least = *rc::gen::inRange<int64_t>(2, 12);
  std::vector<SuppressionRow> groups;
  const int count = *rc::gen::inRange(1, 7);
  for (int i = 0; i < count; ++i) {
    groups.push_back(RateRow(*rc::gen::inRange<int64_t>(0, 30), *rc::gen::inRange<int64_t>(0, 30)));
  }
  const Table table = Suppressed(groups, least);

  // known[row][column]: people, hits, misses; the total is the last row.
  std::vector<SuppressionRow> rows = table.groups;
  rows.push_back(table.total);
  auto truth = [&rows](size_t row, int column) {
    return column == 0 ? rows[row][0].parts[0] : rows[row][1].parts[column - 1];
  };
  std::vector<std::vector<std::optional<int64_t>>> known(rows.size(),
                                                         std::vector<std::optional<int64_t>>(3));
  for (size_t r = 0; r < rows.size(); ++r) {
    for (int c = 0; c < 3; ++c) {
      if (!rows[r][c == 0 ? 0 : 1].hidden) known[r][c] = truth(r, c);
    }
  }
  for (bool more = true; more;) {
    more = false;
    auto learn = [&](std::optional<int64_t>& cell, int64_t value) {
      if (cell.has_value()) return;
      cell = value;
      more = true;
    };
    for (auto& row : known) {
      if (row[1].has_value() && row[2].has_value()) learn(row[0], *row[1] + *row[2]);
      for (const int c : {1, 2}) {
        if (row[0].has_value() && row[c].has_value()) learn(row[3 - c], *row[0] - *row[c]);
      }
    }
    for (int c = 0; c < 3; ++c) {
      std::optional<size_t> missing;
      bool one = true;
      int64_t sum = 0;
      for (size_t r = 0; r + 1 < known.size(); ++r) {
        if (known[r][c].has_value()) {
          sum += *known[r][c];
        } else {
          one = !missing.has_value();
          missing = r;
          if (!one) break;
        }
      }
      if (!missing.has_value()) {
        learn(known.back()[c], sum);
      } else if (one && known.back()[c].has_value()) {
        learn(known[*missing][c], *known.back()[c] - sum);
      }
    }
  }
  for (size_t r = 0; r < rows.size(); ++r) {
    for (int c = 0; c < 3; ++c) {
      const int64_t value = truth(r, c);
      if (value > 0 && value < least) RC_ASSERT(!known[r][c].has_value());
    }
  }
  // And what all hidden groups have together, which anybody can compute, is not few either.
  for (int c = 0; c < 3; ++c) {
    if (!known.back()[c].has_value()) continue;
    int64_t hidden = *known.back()[c];
    for (size_t r = 0; r + 1 < known.size(); ++r) hidden -= known[r][c].value_or(0);
    RC_ASSERT(hidden == 0 || hidden >= least);
  }
}

}  // namespace
}  // namespace ipt::outcomes
