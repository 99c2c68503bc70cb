// Small-number suppression of a table with a row a group and a row of totals.
//
// A row is made of blocks; a block's parts are numbers of people that are published together, or
// that could be computed from what is. The rules, with k the least number that may be shown:
//   - a block is hidden where one of its parts is 1 to k - 1, with all its parts: a rate's misses
//     are a part as its hits are, so that neither follows from the other and their sum;
//   - a block is hidden where a block that it refines (its parents) is;
//   - where a block's total is shown, the groups that hide it are two or more, and each part summed
//     over them is 0 or at least k: else the total less the groups shown would tell what is hidden.
//     The group with the least people is hidden next until that holds; at last, the total.
//
// Not protected: what follows from two reports over filters of different width.
//
// Pure functions, thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ipt::outcomes {

struct SuppressionBlock {
  std::vector<size_t> parents;  // indices of earlier blocks of the row
  std::vector<int64_t> parts;
  bool hidden = false;
  bool complementary = false;  // hidden for what it would tell of others, not for itself
};

using SuppressionRow = std::vector<SuppressionBlock>;

// All rows have the same blocks with the same parents and number of parts; `total`'s parts are the
// sums of the groups'. Without groups only the first two rules apply. `least` below 2 hides
// nothing.
void Suppress(int64_t least, std::vector<SuppressionRow>& groups, SuppressionRow& total);

}  // namespace ipt::outcomes
