// Draws a course's chart as SVG: the time line above (phases, sessions, signals, alerts), beneath
// it a plot an instrument, all on one time axis. A pure function: the same chart gives the same
// text.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "iptctl/course_chart.h"

namespace ipt::ctl {

struct SvgStyle {
  double width = 960;          // under 500: as for a telephone
  bool heading = true;         // the course's name above; a page has it already
  bool css = true;             // a file by itself
  absl::string_view id = "c";  // unique in a page
};

std::string ChartSvg(const CourseChart& chart, const SvgStyle& style);

// Where a plot's marks are, for the drawing and for who checks it.
struct PlotFrame {
  double left = 0, right = 0, top = 0, bottom = 0;
  ChartDay first = 0, last = 1;
  double minimum = 0, maximum = 1;

  double X(ChartDay at) const { return left + (at - first) / (last - first) * (right - left); }
  double Y(double score) const {
    return bottom - (score - minimum) / (maximum - minimum) * (bottom - top);
  }
};

}  // namespace ipt::ctl
