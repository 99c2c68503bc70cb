// Numbers with their intervals, a row each: dots and whiskers, and plain bars. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace ipt::ctl {

struct WhiskerRow {
  std::string name;
  std::optional<double> value, low, high;
  std::string text;        // the number as people read it
  std::string why_not;     // where there is no value
  bool published = false;  // drawn otherwise, beneath a line of its own
  bool all = false;        // the row of all: others are seen beside it
};

struct WhiskerPanel {
  std::string title;
  std::string subtitle;
  bool percent = false;  // values are 0 to 1, and shown as 0 to 100 %
  std::vector<WhiskerRow> rows;
};

struct BarRow {
  std::string name;
  std::optional<double> share;  // 0 to 1, of the bar's length
  std::string text;
  std::string why_not;
  bool part = false;  // of the row above: lighter, and set in
};

struct BarPanel {
  std::string title;
  std::string subtitle;
  std::optional<double> mark;  // where a share should be
  std::string mark_name;
  std::vector<BarRow> rows;
};

// `id` is unique in a page; `width` under 400 is a telephone's.
std::string WhiskerSvg(const WhiskerPanel& panel, double width, absl::string_view id);
std::string BarSvg(const BarPanel& panel, double width, absl::string_view id);

}  // namespace ipt::ctl
