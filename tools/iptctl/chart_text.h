// Draws a course's chart for a terminal. A pure function: the same chart gives the same text. Lines
// are no wider than the style says.
#pragma once

#include <string>

#include "iptctl/course_chart.h"
#include "iptctl/text.h"

namespace ipt::ctl {

struct ChartTextStyle {
  int width = 80;  // 50 and more
  bool ascii = false;
  Paint paint;
};

std::string ChartText(const CourseChart& chart, const ChartTextStyle& style);

}  // namespace ipt::ctl
