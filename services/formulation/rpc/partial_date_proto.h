// Days as well as people remember them, on the wire.
#pragma once

#include "formulation/domain/partial_date.h"
#include "ipt/formulation/v1/partial_date.pb.h"

namespace ipt::formulation {
namespace pb = ::ipt::formulation::v1;

void WritePartialDate(const PartialDate& date, pb::PartialDate* out);
// As it is stated: the domain says whether there can be such a date.
PartialDate ReadPartialDate(const pb::PartialDate& in);

}  // namespace ipt::formulation
