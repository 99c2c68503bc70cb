// The copy of scheduling's therapists and their time off. In transactions of the caller's.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "course_copies/domain/therapist_copies.h"
#include "course_copies/storage/sql_course_copies.h"
#include "platform/storage/database.h"

namespace ipt::courses {

class SqlTherapistCopies {
 public:
  // The therapist without their time off, or one span of it; what gives way is as for courses.
  static absl::Status PutTherapist(storage::Connection& conn, const CopiedTherapist& therapist,
                                   const CopyStamp& stamp);
  static absl::Status PutTimeOff(storage::Connection& conn, absl::string_view clinic_id,
                                 absl::string_view therapist_id, const CopiedTimeOff& time_off,
                                 const CopyStamp& stamp);
  // Nothing where there is none.
  static absl::Status DeleteTimeOff(storage::Connection& conn, absl::string_view clinic_id,
                                    absl::string_view therapist_id, absl::string_view time_off_id);
  // Deletes what listing `number` did not have.
  static absl::Status DropUnlisted(storage::Connection& conn, absl::string_view clinic_id,
                                   int64_t number);

  struct Found {
    CopiedTherapist therapist;
    absl::Time copied_at;
  };
  // With the time off that has not ended by `now`; nullopt: not in the copy.
  static absl::StatusOr<std::optional<Found>> Find(storage::Connection& conn,
                                                   absl::string_view clinic_id,
                                                   absl::string_view therapist_id, absl::Time now);
};

}  // namespace ipt::courses
