// The copy of formulation's course focuses. Everything is in a transaction of the caller's.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "outcomes/domain/course_focus.h"
#include "platform/storage/database.h"

namespace ipt::outcomes {

class SqlCourseFocuses {
 public:
  // How old a clinic's copy is, in the transaction.
  using AgeOf = absl::StatusOr<courses::CopyAge> (*)(storage::Connection& conn,
                                                     absl::string_view clinic_id, absl::Time now);

  // As an event tells it: nothing where the copy has a newer revision.
  static absl::Status PutTold(storage::Connection& conn, const CourseFocus& focus);
  // As listing `number` has it: whatever the copy has, since a restored formulation has gone back.
  static absl::Status PutListed(storage::Connection& conn, const CourseFocus& focus,
                                int64_t number);
  // Deletes what listing `number` did not have.
  static absl::Status DropUnlisted(storage::Connection& conn, absl::string_view clinic_id,
                                   int64_t number);
  // nullopt: the copy has none.
  static absl::StatusOr<std::optional<CourseFocus>> Find(storage::Connection& conn,
                                                         absl::string_view clinic_id,
                                                         absl::string_view course_id);
};

}  // namespace ipt::outcomes
