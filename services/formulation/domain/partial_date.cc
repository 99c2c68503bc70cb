#include "formulation/domain/partial_date.h"

namespace ipt::formulation {

absl::CivilDay PartialDate::FirstDay() const {
  return absl::CivilDay(year, month == 0 ? 1 : month, day == 0 ? 1 : day);
}

absl::CivilDay PartialDate::LastDay() const {
  if (month == 0) return absl::CivilDay(year, 12, 31);
  if (day == 0) return absl::CivilDay(absl::CivilMonth(year, month) + 1) - 1;
  return FirstDay();
}

bool IsPossible(const PartialDate& date) {
  if (date.year < 1 || date.year > 9999 || date.month < 0 || date.month > 12 || date.day < 0) {
    return false;
  }
  if (date.month == 0) return date.day == 0;
  if (date.day == 0) return true;
  // A civil day that does not exist becomes another one.
  const absl::CivilDay day(date.year, date.month, date.day);
  return date.day <= 31 && day.month() == date.month;
}

bool LiesBefore(const PartialDate& a, const PartialDate& b) { return a.LastDay() < b.FirstDay(); }

bool SortsBefore(const PartialDate& a, const PartialDate& b) {
  if (a.FirstDay() != b.FirstDay()) return a.FirstDay() < b.FirstDay();
  return a.LastDay() > b.LastDay();
}

void CheckPartialDate(const PartialDate& date, absl::string_view field, FieldViolations& bad) {
  if (!IsPossible(date)) {
    bad.In(field).Add("date", "must be a year (1 to 9999), a month of one, or a day that there is");
  }
}

}  // namespace ipt::formulation
