#include "outcomes/domain/suppression.h"

#include <algorithm>

namespace ipt::outcomes {
namespace {

bool IsSmall(int64_t part, int64_t least) { return part > 0 && part < least; }

int64_t People(const SuppressionBlock& block) {
  int64_t people = 0;
  for (const int64_t part : block.parts) people += part;
  return people;
}

bool HasSmallPart(const SuppressionBlock& block, int64_t least) {
  return std::any_of(block.parts.begin(), block.parts.end(),
                     [least](int64_t part) { return IsSmall(part, least); });
}

bool TellsSmallDifference(const SuppressionRow& row, const SuppressionBlock& block, int64_t least) {
  return std::any_of(block.differences.begin(), block.differences.end(),
                     [&](const SuppressionDifference& difference) {
                       return !row[difference.beside].hidden && IsSmall(difference.people, least);
                     });
}

// nullptr where there is none; one that is itself small before one that is not.
const SuppressionBlock* HiddenParent(const SuppressionRow& row, const SuppressionBlock& block) {
  const SuppressionBlock* hidden = nullptr;
  for (const size_t parent : block.parents) {
    if (!row[parent].hidden) continue;
    if (hidden == nullptr || !row[parent].complementary) hidden = &row[parent];
  }
  return hidden;
}

// Whether the total tells of the groups that hide the block no more than it may.
bool IsSafe(int64_t least, const std::vector<SuppressionRow>& groups, const SuppressionRow& total,
            size_t block) {
  for (size_t i = 0; i < total[block].differences.size(); ++i) {
    const size_t beside = total[block].differences[i].beside;
    if (total[beside].hidden) continue;
    int64_t sum = 0;
    for (const SuppressionRow& row : groups) {
      if (row[block].hidden || row[beside].hidden) sum += row[block].differences[i].people;
    }
    if (IsSmall(sum, least)) return false;
  }
  int hidden = 0;
  std::vector<int64_t> sums(groups.front()[block].parts.size());
  for (const SuppressionRow& row : groups) {
    if (!row[block].hidden) continue;
    ++hidden;
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += row[block].parts[i];
  }
  if (hidden == 0) return true;
  return hidden >= 2 && std::none_of(sums.begin(), sums.end(),
                                     [least](int64_t sum) { return IsSmall(sum, least); });
}

// The shown group with the least people in the block, those with nobody last: they hide nothing.
SuppressionRow* NextToHide(std::vector<SuppressionRow>& groups, size_t block) {
  SuppressionRow* next = nullptr;
  auto rank = [block](const SuppressionRow& row) {
    const int64_t people = People(row[block]);
    return people == 0 ? INT64_MAX : people;
  };
  for (SuppressionRow& row : groups) {
    if (!row[block].hidden && (next == nullptr || rank(row) < rank(*next))) next = &row;
  }
  return next;
}

}  // namespace

// Parents come before their children, so that one pass from left to right is enough: what a later
// block hides never bears on an earlier one.
void Suppress(int64_t least, std::vector<SuppressionRow>& groups, SuppressionRow& total) {
  for (size_t block = 0; block < total.size(); ++block) {
    auto hide_small = [&](SuppressionRow& row) {
      SuppressionBlock& b = row[block];
      if (b.hidden) return;
      const SuppressionBlock* parent = HiddenParent(row, b);
      const bool small = HasSmallPart(b, least) || TellsSmallDifference(row, b, least);
      b.hidden = small || parent != nullptr;
      b.complementary = b.hidden && !small && parent->complementary;
    };
    for (SuppressionRow& row : groups) hide_small(row);
    hide_small(total);
    if (groups.empty()) continue;
    while (!total[block].hidden && !IsSafe(least, groups, total, block)) {
      SuppressionRow* next = NextToHide(groups, block);
      SuppressionBlock& hidden = (next != nullptr ? *next : total)[block];
      hidden.hidden = hidden.complementary = true;
    }
  }
}

}  // namespace ipt::outcomes
