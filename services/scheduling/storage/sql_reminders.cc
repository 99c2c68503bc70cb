#include "absl/container/flat_hash_map.h"
#include "platform/ids/ids.h"
#include "platform/storage/sql_error.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/reasons.h"
#include "scheduling/storage/json_codec.h"
#include "scheduling/storage/reminder_row.h"
#include "scheduling/storage/sql_scheduling_tx.h"
#include "scheduling/storage/sql_text.h"

namespace ipt::scheduling {
namespace {

using storage::ColumnType;
using storage::Row;
using storage::Statement;

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kText = ColumnType::kText;

// What a rewriting sets, as EncodeReminders lays it out.
std::string RowsOf(storage::Dialect dialect) {
  return JsonRows(dialect, ":rows",
                  {{"reminder_id"},
                   {"course_id"},
                   {"session_id"},
                   {"therapist_id"},
                   {"patient_id"},
                   {"kind", true},
                   {"audience", true},
                   {"offset_minutes", true},
                   {"occurrence", true},
                   {"test", true},
                   {"generation", true},
                   {"due_us", true},
                   {"not_after_us", true},
                   {"state", true},
                   {"why_not", true},
                   {"next_us", true},
                   {"quiet_start", true},
                   {"quiet_end", true},
                   {"quiet_us", true},
                   {"attempt", true},
                   {"max_attempts", true},
                   {"hold_unknown", true},
                   {"lease_token", true},
                   {"channels"},
                   {"channel_mask", true},
                   {"template"},
                   {"language"},
                   {"variables"},
                   {"note"},
                   {"policy_version", true},
                   {"now_us", true}});
}

constexpr Statement kKeep = {
    "UPDATE reminders SET policy_version = :version WHERE clinic_id = :clinic "
    "AND course_id = :course AND state < 3 AND policy_version <> :version"};

// The attempt under way is of the generation before, or of an older one.
constexpr Statement kSupersede = {
    "UPDATE reminder_attempts SET outcome = 5, ended_us = :now WHERE clinic_id = :clinic "
    "AND reminder_id = :reminder AND generation < :generation AND outcome = 0"};

constexpr Statement kListAttempts = {
    "SELECT generation, attempt, lease_token, caller, leased_us, ended_us, outcome, reason "
    "FROM reminder_attempts WHERE clinic_id = :clinic AND reminder_id = :reminder "
    "ORDER BY generation, attempt",
    {kInt, kInt, kInt, kText, kInt, kInt, kInt, kText}};

constexpr Statement kCountQueue = {
    "SELECT COUNT(CASE WHEN state = 1 AND next_us > :now THEN 1 END), "
    "COUNT(CASE WHEN state = 1 AND next_us <= :now THEN 1 END), "
    "COUNT(CASE WHEN state = 2 THEN 1 END), "
    "COUNT(CASE WHEN state = 1 AND attempt > 0 THEN 1 END), "
    "MIN(CASE WHEN state = 1 AND next_us <= :now THEN next_us END), "
    "MIN(CASE WHEN state = 1 AND next_us > :now THEN next_us END) "
    "FROM reminders WHERE clinic_id = :clinic AND state < 3",
    {kInt, kInt, kInt, kInt, kInt, kInt}};
constexpr Statement kCountDead = {
    "SELECT COUNT(*) FROM reminders WHERE clinic_id = :clinic AND state = 4", {kInt}};
// Through reminders_by_age, whatever the clinic: what was sent since then was changed since then.
constexpr Statement kCountSent = {
    "SELECT COUNT(*) FROM reminders WHERE state NOT IN (1, 2) AND updated_us >= :since "
    "AND clinic_id || '' = :clinic AND state = 3 AND sent_us >= :since",
    {kInt}};

}  // namespace

absl::StatusOr<Reminder> SqlSchedulingTx::GetReminder(absl::string_view clinic_id,
                                                      absl::string_view reminder_id) {
  return GetRow({SELECT_REMINDER " AND r.reminder_id = :reminder", kReminderColumns},
                {clinic_id, reminder_id}, kReminderType, ReminderName(clinic_id, reminder_id),
                [&](const Row& row) { return ReminderOf(clinic_id, row); });
}

absl::StatusOr<std::vector<Reminder>> SqlSchedulingTx::ListReminders(
    absl::string_view clinic_id, const ReminderFilter& filter,
    const std::optional<ReminderCursor>& after, int limit) {
  FilteredQuery query(SELECT_REMINDER, {clinic_id});
  // A course has few: they are found through it and sorted, not sought in order of time among all.
  const char* due = filter.course_id.empty() ? "r.due_us" : "(r.due_us + 0)";
  if (!filter.course_id.empty()) query.And("r.course_id = :course", {filter.course_id});
  if (after.has_value()) {
    query.And(absl::StrCat("(", due, ", r.reminder_id) > (:after_due, :after_id)"),
              {after->due, after->reminder_id});
  }
  if (filter.states == std::vector<ReminderState>{ReminderState::kDead}) {
    query.And("r.state = 4");  // said so that their own index serves
  } else if (!filter.states.empty()) {
    query.AndIn("r.state", "state", filter.states);
  }
  if (!filter.kinds.empty()) query.AndIn("r.kind", "kind", filter.kinds);
  if (filter.due_from.has_value()) query.And(absl::StrCat(due, " >= :from"), {*filter.due_from});
  if (filter.due_before.has_value()) {
    query.And(absl::StrCat(due, " < :before"), {*filter.due_before});
  }
  query.OrderBy(absl::StrCat(due, ", r.reminder_id"), limit);
  return storage::GetRows(conn_, query.statement(kReminderColumns), query.params(),
                          [&](const Row& row) { return ReminderOf(clinic_id, row); });
}

absl::StatusOr<std::vector<DeliveryAttempt>> SqlSchedulingTx::ListAttempts(
    absl::string_view clinic_id, absl::string_view reminder_id) {
  return storage::GetRows(conn_, kListAttempts, {clinic_id, reminder_id},
                          [](const Row& row) -> absl::StatusOr<DeliveryAttempt> {
                            return DeliveryAttempt{
                                .generation = row.Int64(0),
                                .attempt = static_cast<int>(row.Int64(1)),
                                .lease_token = row.Int64(2),
                                .caller = row.Text(3),
                                .lease_time = FromMicros(row.Int64(4)),
                                .end_time = row.OptionalTime(5),
                                .outcome = static_cast<AttemptOutcome>(row.Int64(6)),
                                .reason = row.Text(7)};
                          });
}

absl::StatusOr<std::vector<std::string>> SqlSchedulingTx::LastReasons(
    absl::string_view clinic_id, const std::vector<std::string>& ids) {
  std::vector<std::string> reasons(ids.size());
  if (ids.empty()) return reasons;
  absl::flat_hash_map<std::string, size_t> place;
  for (size_t i = 0; i < ids.size(); ++i) place.emplace(ids[i], i);
  const std::string sql = absl::StrCat(
      "SELECT r.reminder_id, a.reason FROM reminders r JOIN reminder_attempts a "
      "ON a.clinic_id = r.clinic_id AND a.reminder_id = r.reminder_id "
      "AND a.generation = r.generation AND a.attempt = r.attempt "
      "WHERE r.clinic_id = :clinic AND r.reminder_id IN ",
      JsonElements(dialect(), ":ids"));
  IPT_RETURN_IF_ERROR(
      conn_.Query({sql, {kText, kText}}, {clinic_id, EncodeStrings(ids)}, [&](const Row& row) {
        if (const auto at = place.find(row.Text(0)); at != place.end()) {
          reasons[at->second] = row.Text(1);
        }
        return absl::OkStatus();
      }));
  return reasons;
}

absl::StatusOr<ReminderCounts> SqlSchedulingTx::CountReminders(absl::string_view clinic_id,
                                                               absl::Time now) {
  ReminderCounts counts;
  IPT_RETURN_IF_ERROR(conn_.Query(kCountQueue, {now, clinic_id}, [&](const Row& row) {
    counts.scheduled = row.Int64(0);
    counts.due = row.Int64(1);
    counts.leased = row.Int64(2);
    counts.retrying = row.Int64(3);
    counts.oldest_due = row.OptionalTime(4);
    counts.next_due = row.OptionalTime(5);
    return absl::OkStatus();
  }));
  const auto count_into = [](int64_t& count) {
    return [&count](const Row& row) {
      count = row.Int64(0);
      return absl::OkStatus();
    };
  };
  IPT_RETURN_IF_ERROR(conn_.Query(kCountDead, {clinic_id}, count_into(counts.dead)));
  IPT_RETURN_IF_ERROR(
      conn_.Query(kCountSent, {now - absl::Hours(24), clinic_id}, count_into(counts.sent_day)));
  return counts;
}

absl::StatusOr<std::vector<Reminder>> SqlSchedulingTx::LockReminders(absl::string_view clinic_id,
                                                                     absl::string_view course_id) {
  IPT_RETURN_IF_ERROR(LockRow("FROM reminders WHERE clinic_id = :clinic AND course_id = :course",
                              {clinic_id, course_id}));
  return storage::GetRows(conn_, {SELECT_REMINDER " AND r.course_id = :course", kReminderColumns},
                          {clinic_id, course_id},
                          [&](const Row& row) { return ReminderOf(clinic_id, row); });
}

absl::StatusOr<Reminder> SqlSchedulingTx::LockReminder(absl::string_view clinic_id,
                                                       absl::string_view reminder_id) {
  IPT_RETURN_IF_ERROR(
      LockRow("FROM reminders WHERE clinic_id = :clinic AND reminder_id = :reminder",
              {clinic_id, reminder_id}));
  return GetReminder(clinic_id, reminder_id);
}

absl::Status SqlSchedulingTx::InsertReminders(std::vector<Reminder>& reminders, absl::Time now) {
  if (reminders.empty()) return absl::OkStatus();
  const std::string& clinic_id = reminders.front().clinic_id;
  RandomIdSource ids;
  for (Reminder& reminder : reminders) {
    if (reminder.reminder_id.empty()) reminder.reminder_id = ids.NewUuid();
    reminder.create_time = reminder.update_time = FromMicros(ToMicros(now));
    if (IsQueued(reminder.state)) {
      queue_changes_.push_back(
          {clinic_id, reminder.reminder_id, reminder.generation, reminder.next});
    }
  }
  const std::string sql = absl::StrCat(
      "INSERT INTO reminders (clinic_id, reminder_id, course_id, session_id, therapist_id, "
      "patient_id, kind, audience, offset_minutes, occurrence, test, generation, due_us, "
      "not_after_us, state, why_not, next_us, quiet_start, quiet_end, quiet_us, attempt, "
      "max_attempts, hold_unknown, lease_token, channels, channel_mask, template, language, "
      "variables, note, "
      "policy_version, delivery, created_us, updated_us) "
      "SELECT CAST(:clinic AS TEXT), v.reminder_id, v.course_id, v.session_id, v.therapist_id, "
      "v.patient_id, "
      "v.kind, v.audience, v.offset_minutes, v.occurrence, v.test, v.generation, v.due_us, "
      "v.not_after_us, v.state, v.why_not, v.next_us, v.quiet_start, v.quiet_end, v.quiet_us, "
      "v.attempt, v.max_attempts, v.hold_unknown, v.lease_token, v.channels, v.channel_mask, "
      "v.template, "
      "v.language, v.variables, v.note, v.policy_version, 0, v.now_us, v.now_us FROM ",
      RowsOf(dialect()), " AS v");
  const absl::Status status =
      conn_.Execute({sql}, {clinic_id, EncodeReminders(reminders, now)}).status();
  if (storage::SqlErrorKindOf(status) == storage::SqlErrorKind::kUniqueViolation) {
    return AlreadyExists(::ipt::reason::kResourceExists, kReminderType,
                         ReminderName(clinic_id, reminders.front().reminder_id),
                         "the course has one of these reminders");
  }
  return status;
}

absl::Status SqlSchedulingTx::UpdateReminders(std::vector<Reminder>& reminders, absl::Time now) {
  if (reminders.empty()) return absl::OkStatus();
  const std::string& clinic_id = reminders.front().clinic_id;
  for (Reminder& reminder : reminders) {
    reminder.update_time = FromMicros(ToMicros(now));
    queue_changes_.push_back(
        {clinic_id, reminder.reminder_id, reminder.generation,
         IsQueued(reminder.state) ? std::optional<absl::Time>(reminder.next) : std::nullopt});
  }
  // The kind of reminder that it is stays, and what became of it is the delivery's.
  const std::string sql = absl::StrCat(
      "UPDATE reminders SET therapist_id = v.therapist_id, patient_id = v.patient_id, "
      "generation = v.generation, due_us = v.due_us, not_after_us = v.not_after_us, "
      "state = v.state, why_not = v.why_not, next_us = v.next_us, quiet_start = v.quiet_start, "
      "quiet_end = v.quiet_end, quiet_us = v.quiet_us, attempt = v.attempt, "
      "max_attempts = v.max_attempts, hold_unknown = v.hold_unknown, channels = v.channels, "
      "channel_mask = v.channel_mask, "
      "template = v.template, language = v.language, variables = v.variables, note = v.note, "
      "policy_version = v.policy_version, updated_us = v.now_us FROM ",
      RowsOf(dialect()),
      " AS v WHERE reminders.clinic_id = :clinic AND reminders.reminder_id = v.reminder_id");
  IPT_ASSIGN_OR_RETURN(const int64_t affected,
                       conn_.Execute({sql}, {EncodeReminders(reminders, now), clinic_id}));
  if (affected != static_cast<int64_t>(reminders.size())) {
    return NotFound(kReminderType, ReminderName(clinic_id, "-"));
  }
  for (const Reminder& reminder : reminders) {
    if (reminder.lease_token == 0) continue;  // never leased
    IPT_RETURN_IF_ERROR(
        conn_.Execute(kSupersede, {now, clinic_id, reminder.reminder_id, reminder.generation})
            .status());
  }
  return absl::OkStatus();
}

absl::Status SqlSchedulingTx::KeepReminders(absl::string_view clinic_id,
                                            absl::string_view course_id, int64_t version) {
  return conn_.Execute(kKeep, {version, clinic_id, course_id}).status();
}

}  // namespace ipt::scheduling
