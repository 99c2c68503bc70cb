// Writers that go one after the other: a course's, or (without a course) those of a clinic's own
// settings. The service's schema has the table write_scopes (clinic_id, course_id).
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "platform/storage/database.h"

namespace ipt::storage {

// Waits for the scope's other writers, until the end of this transaction. SQLite needs none: its
// writer is one. PostgreSQL: statements of their own, so that whatever is read after them is newer
// than the last holder's commit.
absl::Status LockWriteScope(Connection& conn, absl::string_view clinic_id,
                            absl::string_view course_id);

}  // namespace ipt::storage
