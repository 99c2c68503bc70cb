// What the formulation contract's small messages are called in front of clinicians.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "ipt/formulation/v1/formulation.pb.h"
#include "ipt/formulation/v1/inventory.pb.h"
#include "ipt/formulation/v1/partial_date.pb.h"

namespace ipt::ctl {

// The days that a partial date stands for, both included.
struct DaySpan {
  absl::CivilDay first;
  absl::CivilDay last;
  bool about = false;
};

// Nothing where it is not set.
std::optional<DaySpan> SpanOf(const formulation::v1::PartialDate& date);

// "12 Mar 2019", "about Mar 2019", "2009"; empty where it is not set.
std::string DateWords(const formulation::v1::PartialDate& date);
// "Mar 2019 to May 2020", "since 2009", "Mar 2019"; "no date".
std::string DateWords(const formulation::v1::LifeEvent& event);

// "circle 1, the closest"; "not placed".
std::string CircleWords(const formulation::v1::Relationship& person);

// "weekly", "every 14 days"; empty where 0.
std::string CadenceWords(int days);

// "Role dispute".
std::string Capitalized(absl::string_view words);

}  // namespace ipt::ctl
