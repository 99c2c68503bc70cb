#include "scheduling/storage/reminder_row.h"

#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "platform/errors/status_macros.h"
#include "scheduling/storage/json_codec.h"

namespace ipt::scheduling {
namespace {

constexpr auto kInt = storage::ColumnType::kInt64;
constexpr auto kText = storage::ColumnType::kText;

std::optional<absl::Time> OptionalTime(const storage::Row& row, size_t column) {
  if (row.IsNull(column)) return std::nullopt;
  return FromMicros(row.Int64(column));
}

}  // namespace

const storage::ColumnTypes kReminderColumns = {
    kText, kText, kText, kText, kText, kText, kText, kInt, kInt, kInt, kInt,  kInt,
    kInt,  kInt,  kInt,  kInt,  kInt,  kInt,  kInt,  kInt, kInt, kInt, kInt,  kInt,
    kText, kText, kText, kText, kInt,  kInt,  kInt,  kInt, kInt, kInt, kText, kInt};

absl::StatusOr<Reminder> ReminderOf(absl::string_view clinic_id, const storage::Row& row) {
  Reminder r;
  r.clinic_id = std::string(clinic_id);
  r.reminder_id = row.Text(0);
  r.course_id = row.Text(1);
  r.key.session_id = row.Text(2);
  r.therapist_id = row.Text(3);
  r.patient_id = row.Text(4);
  r.patient = {row.Text(5), row.Text(6)};
  r.key.kind = static_cast<ReminderKind>(row.Int64(7));
  r.key.audience = static_cast<ReminderAudience>(row.Int64(8));
  r.key.offset_minutes = static_cast<int>(row.Int64(9));
  r.key.occurrence = row.Int64(10);
  r.test = row.Bool(11);
  r.generation = row.Int64(12);
  r.due = FromMicros(row.Int64(13));
  r.not_after = FromMicros(row.Int64(14));
  r.state = static_cast<ReminderState>(row.Int64(15));
  r.why_not = static_cast<ReminderWhyNot>(row.Int64(16));
  r.next = FromMicros(row.Int64(17));
  if (row.Int64(18) != row.Int64(19)) {
    r.quiet_hours = QuietHours{.start_minute = static_cast<int>(row.Int64(18)),
                               .end_minute = static_cast<int>(row.Int64(19))};
  }
  r.quiet_from = FromMicros(row.Int64(20));
  r.attempt = static_cast<int>(row.Int64(21));
  r.max_attempts = static_cast<int>(row.Int64(22));
  r.lease_token = row.Int64(23);
  r.channels = DecodeChannels(row.Text(24));
  r.template_key = row.Text(25);
  r.language = row.Text(26);
  IPT_RETURN_IF_ERROR(DecodeReminderVariables(row.Text(27), r.variables));
  r.policy_version = row.Int64(28);
  r.sent_time = OptionalTime(row, 29);
  r.delivery = static_cast<DeliveryOutcome>(row.Int64(30));
  r.delivery_time = OptionalTime(row, 31);
  r.create_time = FromMicros(row.Int64(32));
  r.update_time = FromMicros(row.Int64(33));
  r.note = row.Text(34);
  r.hold_unknown = row.Bool(35);
  return r;
}

std::string EncodeChannels(const std::vector<ReminderChannel>& channels) {
  return absl::StrJoin(channels, ",", [](std::string* out, ReminderChannel channel) {
    absl::StrAppend(out, static_cast<int>(channel));
  });
}

std::vector<ReminderChannel> DecodeChannels(absl::string_view text) {
  std::vector<ReminderChannel> channels;
  for (const absl::string_view part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    if (int number = 0; absl::SimpleAtoi(part, &number)) {
      channels.push_back(static_cast<ReminderChannel>(number));
    }
  }
  return channels;
}

int64_t ChannelMask(const std::vector<ReminderChannel>& channels) {
  int64_t mask = 0;
  for (const ReminderChannel channel : channels) mask |= int64_t{1} << static_cast<int>(channel);
  return mask;
}

}  // namespace ipt::scheduling
