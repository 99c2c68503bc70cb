#include "platform/rpc/proto_time.h"

namespace ipt::rpc {
namespace {

const absl::CivilDay kFirstDay(1900, 1, 1);
const absl::CivilDay kLastDay(9999, 12, 31);

}  // namespace

std::optional<absl::Time> ReadTime(const google::protobuf::Timestamp& time, FieldViolations& bad,
                                   absl::string_view field) {
  static const int64_t kFirst =
      absl::ToUnixSeconds(absl::FromCivil(kFirstDay, absl::UTCTimeZone()));
  static const int64_t kLast = absl::ToUnixSeconds(absl::FromCivil(kLastDay, absl::UTCTimeZone()));
  if (time.seconds() < kFirst || time.seconds() > kLast || time.nanos() < 0 ||
      time.nanos() > 999'999'999) {
    bad.Add(field, "must be an instant in the years 1900 to 9999");
    return std::nullopt;
  }
  return absl::FromUnixSeconds(time.seconds()) + absl::Microseconds(time.nanos() / 1000);
}

std::optional<absl::CivilDay> ReadDay(const google::type::Date& date, FieldViolations& bad,
                                      absl::string_view field) {
  // CivilDay normalises (31 February becomes 3 March), so what does not come back is no day.
  const absl::CivilDay day(date.year(), date.month(), date.day());
  if (day < kFirstDay || day > kLastDay || day.year() != date.year() ||
      day.month() != date.month() || day.day() != date.day()) {
    bad.Add(field, "must be a day of the calendar, with year (1900 to 9999), month and day set");
    return std::nullopt;
  }
  return day;
}

std::optional<int> ReadMinute(const google::type::TimeOfDay& time, FieldViolations& bad,
                              absl::string_view field) {
  const bool midnight = time.hours() == 24 && time.minutes() == 0;
  if (time.seconds() != 0 || time.nanos() != 0 || time.hours() < 0 || time.minutes() < 0 ||
      time.minutes() > 59 || (time.hours() > 23 && !midnight)) {
    bad.Add(field, "must be a time of day in whole minutes, 00:00 to 24:00");
    return std::nullopt;
  }
  return time.hours() * 60 + time.minutes();
}

void WriteTime(absl::Time time, google::protobuf::Timestamp* out) {
  const int64_t micros = absl::ToUnixMicros(time);
  int64_t seconds = micros / 1'000'000;
  int64_t rest = micros % 1'000'000;
  if (rest < 0) {
    --seconds;
    rest += 1'000'000;
  }
  out->set_seconds(seconds);
  out->set_nanos(static_cast<int32_t>(rest * 1000));
}

void WriteDay(absl::CivilDay day, google::type::Date* out) {
  out->set_year(static_cast<int32_t>(day.year()));
  out->set_month(day.month());
  out->set_day(day.day());
}

void WriteMinute(int minute_of_day, google::type::TimeOfDay* out) {
  out->set_hours(minute_of_day / 60);
  out->set_minutes(minute_of_day % 60);
}

}  // namespace ipt::rpc
