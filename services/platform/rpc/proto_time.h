// Protobuf's times and days <-> Abseil's. Readers add a violation and return nullopt on anything
// that is not a real time or day in the years 1900 to 9999.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/type/date.pb.h"
#include "google/type/timeofday.pb.h"
#include "platform/errors/field_violations.h"

namespace ipt::rpc {

// Cut to whole microseconds, which is what the store keeps.
std::optional<absl::Time> ReadTime(const google::protobuf::Timestamp& time, FieldViolations& bad,
                                   absl::string_view field);
std::optional<absl::CivilDay> ReadDay(const google::type::Date& date, FieldViolations& bad,
                                      absl::string_view field);
// Minutes from midnight, 0 to 1440 (24:00); seconds are refused.
std::optional<int> ReadMinute(const google::type::TimeOfDay& time, FieldViolations& bad,
                              absl::string_view field);

void WriteTime(absl::Time time, google::protobuf::Timestamp* out);
void WriteDay(absl::CivilDay day, google::type::Date* out);
void WriteMinute(int minute_of_day, google::type::TimeOfDay* out);

}  // namespace ipt::rpc
