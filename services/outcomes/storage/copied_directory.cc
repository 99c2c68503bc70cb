#include "outcomes/storage/copied_directory.h"

#include <algorithm>

#include "course_copies/storage/sql_therapist_copies.h"
#include "platform/errors/status_macros.h"

namespace ipt::outcomes {
namespace {

// PLANNED and ACTIVE: a copy is never PAUSED.
constexpr storage::Statement kTherapists = {
    "SELECT DISTINCT therapist_id FROM course_copies WHERE clinic_id = :clinic AND state IN (1, 2) "
    "ORDER BY therapist_id LIMIT :limit",
    {storage::ColumnType::kText}};
// A step to the next clinic each: a clinic has many measurements. NULL: there is none.
constexpr storage::Statement kNextClinic = {
    "SELECT MIN(clinic_id) FROM (SELECT MIN(clinic_id) AS clinic_id FROM measurements "
    "WHERE clinic_id > :after UNION ALL SELECT MIN(clinic_id) FROM course_copies "
    "WHERE clinic_id > :after) AS nearest",
    {storage::ColumnType::kText}};

}  // namespace

absl::StatusOr<TherapistPresence> CopiedDirectory::Presence(absl::string_view clinic_id,
                                                            absl::string_view therapist_id,
                                                            absl::Time now) {
  IPT_ASSIGN_OR_RETURN(const auto found,
                       courses::SqlTherapistCopies::Find(conn_, clinic_id, therapist_id, now));
  TherapistPresence presence;
  if (!found.has_value()) return presence;
  presence.known = true;
  presence.exists = true;
  presence.active = found->therapist.active;
  presence.away_until = found->therapist.AwayUntil(now);
  presence.as_of = found->copied_at;
  if (age_of_ == nullptr) return presence;
  IPT_ASSIGN_OR_RETURN(const courses::CopyAge age, age_of_(conn_, clinic_id, now));
  presence.as_of = std::max(presence.as_of, age.as_of);
  presence.current = age.current;
  return presence;
}

absl::StatusOr<std::vector<std::string>> CopiedDirectory::TherapistsWithCourses(
    absl::string_view clinic_id, int limit) {
  std::vector<std::string> therapists;
  IPT_RETURN_IF_ERROR(conn_.Query(kTherapists, {clinic_id, limit}, [&](const storage::Row& row) {
    therapists.push_back(row.Text(0));
    return absl::OkStatus();
  }));
  return therapists;
}

absl::StatusOr<std::vector<std::string>> CopiedDirectory::Clinics(absl::string_view after_id,
                                                                  int limit) {
  std::vector<std::string> clinics;
  std::string after(after_id);
  bool more = true;
  while (more && clinics.size() < static_cast<size_t>(limit)) {
    IPT_RETURN_IF_ERROR(conn_.Query(kNextClinic, {after}, [&](const storage::Row& row) {
      more = !row.IsNull(0);
      if (more) clinics.push_back(after = row.Text(0));
      return absl::OkStatus();
    }));
  }
  return clinics;
}

}  // namespace ipt::outcomes
