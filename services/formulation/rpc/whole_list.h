// Pages of a list that a course has at most a few hundred of: it is read, sorted and filtered whole
// for each page.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "platform/rpc/paging.h"

namespace ipt::formulation {

template <typename T>
struct ListPage {
  absl::Span<const T> entries;
  std::string next_cursor;  // empty at the end
};

// The entries of a page, at most `most`. It begins after the last one of the page before, wherever
// that is by now, or where that was if it is gone. So what is written between two pages can make
// entries that it moved, or that came before one that is gone, come twice or not at all.
template <typename T>
ListPage<T> PageOf(const std::vector<T>& list, const rpc::Page& page, int most,
                   std::string T::*id_of) {
  size_t begin = 0;
  if (!page.cursor.empty()) {
    const std::pair<absl::string_view, absl::string_view> place =
        absl::StrSplit(page.cursor, absl::MaxSplits(' ', 1));
    const auto last = std::find_if(list.begin(), list.end(),
                                   [&](const T& entry) { return entry.*id_of == place.second; });
    if (last != list.end()) {
      begin = last - list.begin() + 1;
    } else if (absl::SimpleAtoi(place.first, &begin)) {
      begin = std::min(begin, list.size());
    }
  }
  const size_t size = std::min<size_t>(std::min(page.size, most), list.size() - begin);
  ListPage<T> shown{absl::MakeConstSpan(list).subspan(begin, size), {}};
  const size_t end = begin + size;
  if (end < list.size()) shown.next_cursor = absl::StrCat(end - 1, " ", list[end - 1].*id_of);
  return shown;
}

}  // namespace ipt::formulation
