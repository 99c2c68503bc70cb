// A day as well as people remember it: a year, a month, or a day. It stands for all of its days.
#pragma once

#include "absl/time/civil_time.h"
#include "platform/errors/field_violations.h"

namespace ipt::formulation {

struct PartialDate {
  int year = 0;
  int month = 0;             // 0: the whole year
  int day = 0;               // 0: the whole month
  bool approximate = false;  // changes how it is shown, not how it is compared
  friend bool operator==(const PartialDate&, const PartialDate&) = default;

  // Of a possible date.
  absl::CivilDay FirstDay() const;
  absl::CivilDay LastDay() const;
};

// A year from 1 to 9999, no day without a month, and one that the month has.
bool IsPossible(const PartialDate& date);

// All days of `a` lie before all of `b`.
bool LiesBefore(const PartialDate& a, const PartialDate& b);

// The order on a timeline: by the first day, the wider one first.
bool SortsBefore(const PartialDate& a, const PartialDate& b);

// Adds what is wrong with a date in the message field `field`.
void CheckPartialDate(const PartialDate& date, absl::string_view field, FieldViolations& bad);

}  // namespace ipt::formulation
