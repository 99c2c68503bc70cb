// Small-number suppression of a table with a row a group and a row of totals.
//
// A row is made of blocks; a block's parts are numbers of people that are published together, or
// that could be computed from what is. The rules, with k the least number that may be shown:
//   - a block is hidden where one of its parts is 1 to k - 1, with all its parts: a rate's misses
//     are a part as its hits are, so that neither follows from the other and their sum;
//   - a block is hidden where a block that it refines (its parents) is;
//   - a block is hidden where with an earlier one that is shown it would tell a difference, a
//   number
//     of people as well, of 1 to k - 1;
//   - where a block's total is shown, the groups that hide it are two or more, and each part and
//     difference summed over them is 0 or at least k: else the total less the groups shown would
//     tell what is hidden. The group with the least people is hidden next until that holds; at
//     last, the total.
//
// Blocks that are hidden already stay so, with their reason: a table that was suppressed can be
// suppressed again with a greater k, and then shows nothing that it did not show before.
//
// Not protected: what follows from two tables, of other people or of the same in other groups.
//
// Pure functions, thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ipt::outcomes {

struct SuppressionDifference {
  size_t beside = 0;  // index of an earlier block of the row, which tells it with this one
  int64_t people = 0;
};

struct SuppressionBlock {
  std::vector<size_t> parents;  // indices of earlier blocks of the row
  std::vector<int64_t> parts;
  bool hidden = false;
  bool complementary = false;  // hidden for what it would tell of others, not for itself
  std::vector<SuppressionDifference> differences{};
};

using SuppressionRow = std::vector<SuppressionBlock>;

// All rows have the same blocks with the same parents, and as many parts and differences; `total`'s
// are the sums of the groups'. Without groups only the first two rules apply. `least` below 2 hides
// nothing.
void Suppress(int64_t least, std::vector<SuppressionRow>& groups, SuppressionRow& total);

}  // namespace ipt::outcomes
