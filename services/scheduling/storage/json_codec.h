// The nested values of scheduling's rows as JSON texts. The only place that knows their form.
//
// A structure is an array of its members in a fixed order (json_codec.cc names it), to which later
// versions may append; a row's several structures stand in an object, absent where unset. So a
// course is read in half the time that named members take. Instants are microseconds, days are days
// since 1970-01-01. Decoding passes over members that it does not know and takes absent ones for
// unset, so that rows of other versions can be read.
//
// Decode*: INTERNAL when the text is not what this file writes (a damaged row); never an exception.
// Texts that are not UTF-8 are refused at the edge; should one come here, its bad bytes become
// U+FFFD.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "scheduling/domain/reminder_types.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// Columns and JSON share these. InfinitePast and InfiniteFuture survive the way there and back.
int64_t ToMicros(absl::Time time);
absl::Time FromMicros(int64_t micros);
int64_t ToDayNumber(absl::CivilDay day);
absl::CivilDay FromDayNumber(int64_t day);

std::string EncodePolicy(const SchedulingPolicy& policy);
absl::Status DecodePolicy(absl::string_view text, SchedulingPolicy& policy);

std::string EncodeWindows(const std::vector<WeeklyWindow>& windows);
absl::Status DecodeWindows(absl::string_view text, std::vector<WeeklyWindow>& windows);

std::string EncodeStrings(const std::vector<std::string>& strings);
absl::Status DecodeStrings(absl::string_view text, std::vector<std::string>& strings);

// preferred_windows, pauses, closure, changes.
std::string EncodeCourseDetails(const Course& course);
absl::Status DecodeCourseDetails(absl::string_view text, Course& course);

// progress, forecast.
std::string EncodeCourseDerived(const Course& course);
absl::Status DecodeCourseDerived(absl::string_view text, Course& course);

// attendance, cancellation, changes.
std::string EncodeSessionDetails(const Session& session);
absl::Status DecodeSessionDetails(absl::string_view text, Session& session);

std::string EncodeReminderVariables(const ReminderVariables& variables);
absl::Status DecodeReminderVariables(absl::string_view text, ReminderVariables& variables);

std::string EncodeReminderPolicy(const ReminderPolicy& policy);
absl::Status DecodeReminderPolicy(absl::string_view text, ReminderPolicy& policy);

// Rows for SQL to join with (see JsonRows in sql_text.h).
std::string EncodeSessionKeys(const std::vector<Session>& sessions);     // course_id, session_id
std::string EncodeSessionNumbers(const std::vector<Session>& sessions);  // + number, phase, week
// In the order of RowsOf of sql_reminders.cc.
std::string EncodeReminders(const std::vector<Reminder>& reminders, absl::Time now);

}  // namespace ipt::scheduling
