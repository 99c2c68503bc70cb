#include "formulation/rpc/partial_date_proto.h"

namespace ipt::formulation {

void WritePartialDate(const PartialDate& date, pb::PartialDate* out) {
  out->mutable_date()->set_year(date.year);
  out->mutable_date()->set_month(date.month);
  out->mutable_date()->set_day(date.day);
  out->set_approximate(date.approximate);
}

PartialDate ReadPartialDate(const pb::PartialDate& in) {
  return {.year = in.date().year(),
          .month = in.date().month(),
          .day = in.date().day(),
          .approximate = in.approximate()};
}

}  // namespace ipt::formulation
