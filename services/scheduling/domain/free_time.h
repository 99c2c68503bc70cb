// Looking for free time: slots of therapists, and plans of courses. Writes nothing and holds
// nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/transaction/call_context.h"
#include "scheduling/domain/store.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

inline constexpr int kSlotSearchDays = 92;

struct SlotQuery {
  std::vector<std::string> therapist_ids;  // empty: all active ones
  Interval within;                         // start < end, at most kSlotSearchDays long
  int session_minutes = 0;                 // 0: each therapist's
  std::string language;
  std::string variant_id;
  std::string course_id;  // empty: none
  // Empty, or of a session to be treated as not there.
  std::string ignore_course_id;
  std::string ignore_session_id;
};

// Keyset position: the last slot returned.
struct SlotCursor {
  absl::Time start;
  std::string therapist_id;
};

// Free times by start, then therapist, strictly after `after`, at most `limit`. NOT_FOUND for a
// therapist, course or session that is named and does not exist.
absl::StatusOr<std::vector<Slot>> FindSlots(SchedulingReader& reader, const CallContext& ctx,
                                            const SlotQuery& query,
                                            const std::optional<SlotCursor>& after, int limit);

struct PlannedCourse {
  Course course;
  CoursePlan plan;
};
// COURSE_STATE for a closed course. `earliest` in the past means now.
absl::StatusOr<PlannedCourse> PlanSessions(SchedulingReader& reader, const CallContext& ctx,
                                           const std::string& course_id, absl::Time earliest,
                                           int session_count);

}  // namespace ipt::scheduling
