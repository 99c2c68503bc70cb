// Giving courses to another therapist. The booked sessions to come go along where the new therapist
// is free (with their own buffer); past ones stay with who held them. All or nothing, in the given
// transaction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/transaction/call_context.h"
#include "scheduling/domain/store.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

struct Transfer {
  Course course;                   // after it
  std::vector<Session> moved;      // by start
  std::vector<Session> cancelled;  // by start
};

struct TransferCourseCommand {
  std::string course_id;
  int64_t if_revision = 0;
  std::string therapist_id;
  bool cancel_conflicts = false;  // false: refuse with SERIES_CONFLICT
  std::string reason;
};
absl::StatusOr<Transfer> TransferCourse(SchedulingTx& tx, const CallContext& ctx,
                                        const TransferCourseCommand& command);

struct TransferCoursesCommand {
  std::string from_therapist_id;
  std::string to_therapist_id;          // another one
  std::vector<std::string> course_ids;  // empty: all open ones
  bool cancel_conflicts = false;
  std::string reason;
};
struct Transfers {
  std::vector<Transfer> transfers;  // by course id
  int64_t revision = 0;
};
absl::StatusOr<Transfers> TransferCourses(SchedulingTx& tx, const CallContext& ctx,
                                          const TransferCoursesCommand& command);

}  // namespace ipt::scheduling
