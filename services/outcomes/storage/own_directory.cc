#include "outcomes/storage/own_directory.h"

#include "platform/errors/status_macros.h"

namespace ipt::outcomes {
namespace {

// A step to the next clinic each: a clinic has many measurements.
constexpr storage::Statement kNextClinic = {
    "SELECT clinic_id FROM measurements WHERE clinic_id > :after ORDER BY clinic_id LIMIT 1",
    {storage::ColumnType::kText}};

}  // namespace

absl::StatusOr<TherapistPresence> OwnDirectory::Presence(absl::string_view, absl::string_view,
                                                         absl::Time) {
  return TherapistPresence();
}

absl::StatusOr<std::vector<std::string>> OwnDirectory::TherapistsWithCourses(absl::string_view,
                                                                             int) {
  return std::vector<std::string>();
}

absl::StatusOr<std::vector<std::string>> OwnDirectory::Clinics(absl::string_view after_id,
                                                               int limit) {
  std::vector<std::string> clinics;
  std::string after(after_id);
  while (clinics.size() < static_cast<size_t>(limit)) {
    IPT_ASSIGN_OR_RETURN(
        auto next,
        conn_.QueryOne(kNextClinic, {after}, [](const storage::Row& row) { return row.Text(0); }));
    if (!next.has_value()) break;
    after = *next;
    clinics.push_back(*std::move(next));
  }
  return clinics;
}

}  // namespace ipt::outcomes
