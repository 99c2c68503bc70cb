// Draws a course: both of its clocks, its forecast, and its sessions week by week. At most 100
// columns wide, and free of what identifies the patient.
//
// A pure function: the same arguments give the same text.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "ipt/scheduling/v1/course.pb.h"
#include "ipt/scheduling/v1/session.pb.h"
#include "iptctl/text.h"

namespace ipt::ctl {

struct CourseStyle {
  bool ascii = false;
  Paint paint;
};

// `sessions`: the course's, in any order. `forecast`: nullptr for closed courses.
std::string RenderCourse(const scheduling::v1::Course& course,
                         const std::vector<scheduling::v1::Session>& sessions,
                         const scheduling::v1::Forecast* forecast, absl::Time now,
                         const CourseStyle& style);

}  // namespace ipt::ctl
