// The closeness circles of an interpersonal inventory: the patient in the middle, around them the
// people, in the circle that the patient put them into. Shape and colour say what each relationship
// is like.
//
// A pure function. All texts are escaped.
#pragma once

#include <string>

#include "ipt/formulation/v1/inventory.pb.h"

namespace ipt::ctl {

struct ClosenessStyle {
  // Names stand to the left and right of the circles, tied to their marks by lines. Narrow: marks
  // have numbers, and the names stand beneath.
  bool narrow = false;
  std::string id;  // makes its inner ids unique in a page
  bool css = false;
};

std::string ClosenessSvg(const formulation::v1::InterpersonalInventory& inventory,
                         const ClosenessStyle& style);

}  // namespace ipt::ctl
