#include "outcomes/storage/copied_directory.h"

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

absl::StatusOr<TherapistPresence> CopiedDirectory::Presence(absl::string_view, absl::string_view,
                                                            absl::Time) {
  return TherapistPresence();
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
