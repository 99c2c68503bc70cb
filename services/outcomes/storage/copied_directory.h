// What alerts know of scheduling: what the copy of its courses and therapists says. Of a therapist
// who is not in the copy nothing is known: they may have come a moment ago.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "outcomes/domain/alert_tx.h"
#include "platform/storage/database.h"

namespace ipt::outcomes {

// Of one transaction.
class CopiedDirectory final : public AlertDirectory {
 public:
  // How old a clinic's copy is, in the transaction.
  using AgeOf = absl::StatusOr<courses::CopyAge> (*)(storage::Connection& conn,
                                                     absl::string_view clinic_id, absl::Time now);
  // nullptr: as old as each row says.
  explicit CopiedDirectory(storage::Connection& conn, AgeOf age_of = nullptr)
      : conn_(conn), age_of_(age_of) {}

  absl::StatusOr<TherapistPresence> Presence(absl::string_view clinic_id,
                                             absl::string_view therapist_id,
                                             absl::Time now) override;
  absl::StatusOr<std::vector<std::string>> TherapistsWithCourses(absl::string_view clinic_id,
                                                                 int limit) override;
  absl::StatusOr<std::vector<std::string>> Clinics(absl::string_view after_id, int limit) override;

 private:
  storage::Connection& conn_;
  const AgeOf age_of_;
};

}  // namespace ipt::outcomes
