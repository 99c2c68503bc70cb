// Small things about text: columns of a terminal, likeness of words, paragraphs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace ipt::ctl {

// Columns that UTF-8 text takes on a terminal, without its colour codes. Characters that are two
// columns wide are not counted as such.
int DisplayWidth(absl::string_view text);

// `text` filled with blanks up to `width` columns.
std::string PadRight(absl::string_view text, int width);
std::string PadLeft(absl::string_view text, int width);

// `text` cut to at most `width` columns; `ellipsis` marks the cut. REQUIRES: no colour codes.
std::string Clip(absl::string_view text, int width, absl::string_view ellipsis);

// `text` with blanks in place of control characters and of those that turn the direction of text:
// foreign text must neither steer a terminal nor make a page show what it does not say.
std::string Printable(absl::string_view text);

// The candidate nearest to `word`, empty when none is near enough to be a slip of the keyboard.
std::string Nearest(absl::string_view word, const std::vector<std::string>& candidates);

// Words of `text` in lines of at most `width` columns, each begun by `indent` blanks.
std::string Wrap(absl::string_view text, int indent, int width);

// " (did you mean X?)", or nothing.
std::string DidYouMean(absl::string_view word, const std::vector<std::string>& candidates);

enum class Color { kNone, kBold, kDim, kRed, kGreen, kYellow, kBlue, kMagenta, kCyan };

// Wraps text into colours where they are on.
struct Paint {
  bool on = false;
  std::string operator()(Color color, absl::string_view text) const;
};

// "1 session", "2 sessions".
std::string Counted(int64_t count, absl::string_view noun);

}  // namespace ipt::ctl
