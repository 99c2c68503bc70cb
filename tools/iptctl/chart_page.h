// A course's chart as a page: the drawing, and all that it shows in tables. A pure function.
#pragma once

#include <string>

#include "iptctl/course_chart.h"

namespace ipt::ctl {

std::string ChartPage(const CourseChart& chart);

}  // namespace ipt::ctl
