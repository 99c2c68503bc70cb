// A reminder put straight into the store, for tests of what becomes of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "scheduling/domain/reminder_types.h"

namespace ipt::scheduling {

struct TestRow {
  std::string id = "r1";
  std::string course = "k1";
  absl::Duration due = -absl::Minutes(1);  // from the test's now
  absl::Duration not_after = absl::Hours(1);
  std::optional<absl::Duration> next{};  // as due
  int max_attempts = 8;
  bool hold_unknown = false;
  int channel = 1;
  int policy_version = 1;
  std::optional<absl::Duration> quiet_from{};  // none
};

inline std::string InsertReminder(const TestRow& row, absl::Time now,
                                  const std::string& clinic = "c1",
                                  const std::string& patient = "p1",
                                  const std::string& therapist = "t1") {
  const auto micros = [&](absl::Duration from_now) { return absl::ToUnixMicros(now + from_now); };
  const int64_t quiet_us =
      row.quiet_from.has_value() ? micros(*row.quiet_from) : absl::ToUnixMicros(kNoQuietTime);
  return absl::StrFormat(
      "INSERT INTO reminders (clinic_id, reminder_id, course_id, session_id, therapist_id, "
      "patient_id, kind, audience, offset_minutes, occurrence, test, generation, due_us, "
      "not_after_us, state, why_not, next_us, quiet_start, quiet_end, quiet_us, attempt, "
      "max_attempts, hold_unknown, lease_token, channels, channel_mask, template, language, "
      "variables, "
      "policy_version, delivery, created_us, updated_us) VALUES ('%s', '%s', '%s', 's-%s', "
      "'%s', '%s', 1, 1, 60, 0, 0, 1, %d, %d, 1, 0, %d, 0, %d, %d, 0, %d, %d, 0, '%d', %d, "
      "'key', 'en', '[null,null,\"UTC\"]', %d, 0, 0, 0);",
      clinic, row.id, row.course, row.id, therapist, patient, micros(row.due),
      micros(row.not_after), micros(row.next.value_or(row.due)),
      row.quiet_from.has_value() ? 1439 : 0, quiet_us, row.max_attempts, row.hold_unknown,
      row.channel, 1 << row.channel, row.policy_version);
}

}  // namespace ipt::scheduling
