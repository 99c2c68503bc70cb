// A page of HTML that is whole by itself: it fetches nothing, runs nothing, reads well on paper, in
// the dark, on a telephone and aloud. It is well-formed XML, too.
//
// Pure. All texts are escaped.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "iptctl/svg.h"

namespace ipt::ctl {

struct PageColumn {
  std::string heading;
  bool number = false;  // to the right
  bool whole = false;   // in one line: days
};

struct PageTable {
  std::string caption;
  std::vector<PageColumn> columns;
  std::vector<std::vector<std::string>> rows;  // of as many cells; the first is the row's heading
};

// Nothing where it has no rows.
void WriteTable(const PageTable& table, Markup& out);

// A box with what to mind; nothing where there are none.
void WriteNotes(absl::string_view heading, const std::vector<std::string>& notes, Markup& out);

// A picture drawn twice: for a screen or paper, and for a telephone.
void WriteFigure(absl::string_view wide, absl::string_view narrow, Markup& out);

// `body`: what is in <main>, well-formed.
std::string HtmlPage(absl::string_view title, absl::string_view body);

}  // namespace ipt::ctl
