#include "scheduling/domain/names.h"
#include "scheduling/storage/json_codec.h"
#include "scheduling/storage/sql_scheduling_tx.h"

namespace ipt::scheduling {
namespace {

using storage::ColumnType;
using storage::Row;
using storage::Statement;

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kText = ColumnType::kText;

constexpr Statement kGetSettings = {
    "SELECT k.reminder_version, a.policy, a.revision, a.updated_us, b.policy, b.revision, "
    "b.updated_us, f.opted_out, f.language, f.time_zone, f.gone, f.revision, f.updated_us "
    "FROM clinics k "
    "LEFT JOIN reminder_policies a ON a.clinic_id = k.clinic_id AND a.course_id = '' "
    "LEFT JOIN reminder_policies b ON b.clinic_id = k.clinic_id AND b.course_id = :course "
    "AND b.course_id <> '' "
    "LEFT JOIN contact_preferences f ON f.clinic_id = k.clinic_id AND f.patient_id = :patient "
    "WHERE k.clinic_id = :clinic",
    {kInt, kText, kInt, kInt, kText, kInt, kInt, kInt, kText, kText, kInt, kInt, kInt}};

constexpr Statement kPutPolicy = {
    "INSERT INTO reminder_policies (clinic_id, course_id, policy, revision, updated_us) "
    "VALUES (:clinic, :course, :policy, :revision, :updated) "
    "ON CONFLICT (clinic_id, course_id) DO UPDATE SET policy = excluded.policy, "
    "revision = excluded.revision, updated_us = excluded.updated_us"};
constexpr Statement kDeletePolicy = {
    "DELETE FROM reminder_policies WHERE clinic_id = :clinic AND course_id = :course"};
constexpr Statement kMoveOn = {
    "UPDATE clinics SET reminder_version = reminder_version + 1 WHERE clinic_id = :clinic"};

constexpr Statement kPutPreferences = {
    "INSERT INTO contact_preferences (clinic_id, patient_id, opted_out, language, time_zone, gone, "
    "revision, updated_us) VALUES (:clinic, :patient, :opted_out, :language, :zone, :gone, "
    ":revision, :updated) ON CONFLICT (clinic_id, patient_id) DO UPDATE SET "
    "opted_out = excluded.opted_out, language = excluded.language, "
    "time_zone = excluded.time_zone, gone = excluded.gone, revision = excluded.revision, "
    "updated_us = excluded.updated_us"};

constexpr Statement kGetSending = {
    "SELECT s.paused, s.max_per_minute, s.reason, s.caller, s.revision, s.updated_us "
    "FROM clinics k LEFT JOIN reminder_sending s ON s.clinic_id = k.clinic_id "
    "WHERE k.clinic_id = :clinic",
    {kInt, kInt, kText, kText, kInt, kInt}};
// The running minute's count stays as it is.
constexpr Statement kPutSending = {
    "INSERT INTO reminder_sending (clinic_id, paused, max_per_minute, reason, caller, window_us, "
    "window_used, revision, updated_us) VALUES (:clinic, :paused, :most, :reason, :caller, 0, 0, "
    ":revision, :updated) ON CONFLICT (clinic_id) DO UPDATE SET paused = excluded.paused, "
    "max_per_minute = excluded.max_per_minute, reason = excluded.reason, "
    "caller = excluded.caller, revision = excluded.revision, updated_us = excluded.updated_us"};

absl::Status ReadPolicy(const Row& row, size_t first, std::optional<HeldReminderPolicy>& held) {
  if (row.IsNull(first)) return absl::OkStatus();
  held.emplace();
  held->revision = row.Int64(first + 1);
  held->update_time = FromMicros(row.Int64(first + 2));
  return DecodeReminderPolicy(row.Text(first), held->policy);
}

}  // namespace

absl::StatusOr<ReminderSettings> SqlSchedulingTx::GetReminderSettings(
    absl::string_view clinic_id, absl::string_view course_id, absl::string_view patient_id) {
  return GetRow(kGetSettings, {course_id, patient_id, clinic_id}, kClinicType,
                ClinicName(clinic_id), [](const Row& row) -> absl::StatusOr<ReminderSettings> {
                  ReminderSettings settings;
                  settings.version = row.Int64(0);
                  IPT_RETURN_IF_ERROR(ReadPolicy(row, 1, settings.clinic));
                  IPT_RETURN_IF_ERROR(ReadPolicy(row, 4, settings.course));
                  if (row.IsNull(7)) return settings;
                  ContactPreferences& preferences = settings.preferences;
                  for (int i = static_cast<int>(ReminderChannel::kSms);
                       i <= static_cast<int>(ReminderChannel::kLetter); ++i) {
                    if ((row.Int64(7) & (int64_t{1} << i)) != 0) {
                      preferences.opted_out.push_back(static_cast<ReminderChannel>(i));
                    }
                  }
                  preferences.language = row.Text(8);
                  preferences.time_zone = row.Text(9);
                  preferences.gone = row.Bool(10);
                  preferences.revision = row.Int64(11);
                  preferences.update_time = FromMicros(row.Int64(12));
                  return settings;
                });
}

absl::StatusOr<SendingState> SqlSchedulingTx::GetSending(absl::string_view clinic_id) {
  return GetRow(kGetSending, {clinic_id}, kClinicType, ClinicName(clinic_id),
                [&](const Row& row) -> absl::StatusOr<SendingState> {
                  return SendingState{.clinic_id = std::string(clinic_id),
                                      .paused = row.Bool(0),
                                      .max_per_minute = static_cast<int>(row.Int64(1)),
                                      .reason = row.Text(2),
                                      .caller = row.Text(3),
                                      .revision = row.Int64(4),
                                      .update_time = FromMicros(row.Int64(5))};
                });
}

absl::Status SqlSchedulingTx::PutReminderPolicy(absl::string_view clinic_id,
                                                absl::string_view course_id,
                                                HeldReminderPolicy& policy, absl::Time now) {
  if (course_id.empty()) {
    IPT_RETURN_IF_ERROR(ExecuteOnRow(kMoveOn, {clinic_id}, kClinicType, ClinicName(clinic_id)));
  }
  Stamp stamp;
  IPT_RETURN_IF_ERROR(StampChanged(stamp, now));
  policy.revision = stamp.revision;
  policy.update_time = stamp.update_time;
  return conn_
      .Execute(kPutPolicy, {clinic_id, course_id, EncodeReminderPolicy(policy.policy),
                            policy.revision, policy.update_time})
      .status();
}

absl::Status SqlSchedulingTx::DeleteReminderPolicy(absl::string_view clinic_id,
                                                   absl::string_view course_id) {
  return conn_.Execute(kDeletePolicy, {clinic_id, course_id}).status();
}

absl::Status SqlSchedulingTx::PutContactPreferences(absl::string_view clinic_id,
                                                    absl::string_view patient_id,
                                                    ContactPreferences& preferences,
                                                    absl::Time now) {
  int64_t opted_out = 0;
  for (const ReminderChannel channel : preferences.opted_out) {
    opted_out |= int64_t{1} << static_cast<int>(channel);
  }
  Stamp stamp;
  IPT_RETURN_IF_ERROR(StampChanged(stamp, now));
  preferences.revision = stamp.revision;
  preferences.update_time = stamp.update_time;
  return conn_
      .Execute(kPutPreferences,
               {clinic_id, patient_id, opted_out, preferences.language, preferences.time_zone,
                preferences.gone, preferences.revision, preferences.update_time})
      .status();
}

absl::Status SqlSchedulingTx::PutSending(SendingState& sending, absl::Time now) {
  Stamp stamp;
  IPT_RETURN_IF_ERROR(StampChanged(stamp, now));
  sending.revision = stamp.revision;
  sending.update_time = stamp.update_time;
  return conn_
      .Execute(kPutSending, {sending.clinic_id, sending.paused, sending.max_per_minute,
                             sending.reason, sending.caller, sending.revision, sending.update_time})
      .status();
}

}  // namespace ipt::scheduling
