#include "scheduling/storage/reminder_purge.h"

#include "platform/errors/status_macros.h"

namespace ipt::scheduling {
namespace {

using storage::Statement;

constexpr Statement kPurgeReminders = {
    "DELETE FROM reminders WHERE (clinic_id, reminder_id) IN (SELECT r.clinic_id, r.reminder_id "
    "FROM reminders r WHERE r.state NOT IN (1, 2) AND r.updated_us < :before AND NOT EXISTS "
    "(SELECT 1 FROM courses c WHERE c.clinic_id = r.clinic_id AND c.course_id = r.course_id "
    "AND c.open = 1) ORDER BY r.updated_us LIMIT :limit)"};

constexpr Statement kPurgeAttempts = {
    "DELETE FROM reminder_attempts WHERE (clinic_id, reminder_id, generation, attempt) IN "
    "(SELECT clinic_id, reminder_id, generation, attempt FROM reminder_attempts "
    "WHERE leased_us < :before ORDER BY leased_us LIMIT :limit)"};

}  // namespace

absl::StatusOr<int64_t> PurgeReminders(storage::Connection& conn, absl::Time before,
                                       int64_t limit) {
  IPT_ASSIGN_OR_RETURN(const int64_t reminders, conn.Execute(kPurgeReminders, {before, limit}));
  IPT_ASSIGN_OR_RETURN(const int64_t attempts, conn.Execute(kPurgeAttempts, {before, limit}));
  return reminders + attempts;
}

}  // namespace ipt::scheduling
