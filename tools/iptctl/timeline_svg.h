// What happened in a patient's life, against what became of the symptoms, on one line of time. Days
// that are not known exactly are drawn as the spans that they stand for.
//
// A pure function. All texts are escaped.
#pragma once

#include <string>

#include "absl/time/civil_time.h"
#include "ipt/formulation/v1/inventory.pb.h"

namespace ipt::ctl {

struct TimelineStyle {
  double width = 960;
  std::string id;  // makes its inner ids unique in a page
  bool css = false;
};

// Empty where no event has a date.
std::string TimelineSvg(const formulation::v1::InterpersonalInventory& inventory,
                        absl::CivilDay today, const TimelineStyle& style);

}  // namespace ipt::ctl
