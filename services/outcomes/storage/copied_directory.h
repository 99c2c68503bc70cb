// What alerts know of scheduling: what the copy of its courses says. Of therapists' leave it says
// nothing, so whether one is there is not known.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "outcomes/domain/alert_tx.h"
#include "platform/storage/database.h"

namespace ipt::outcomes {

// Of one transaction.
class CopiedDirectory final : public AlertDirectory {
 public:
  explicit CopiedDirectory(storage::Connection& conn) : conn_(conn) {}

  absl::StatusOr<TherapistPresence> Presence(absl::string_view clinic_id,
                                             absl::string_view therapist_id,
                                             absl::Time now) override;
  absl::StatusOr<std::vector<std::string>> TherapistsWithCourses(absl::string_view clinic_id,
                                                                 int limit) override;
  absl::StatusOr<std::vector<std::string>> Clinics(absl::string_view after_id, int limit) override;

 private:
  storage::Connection& conn_;
};

}  // namespace ipt::outcomes
