// Scheduling as a service with a copy follows it: its courses, sessions and therapists, by events
// and by lists, into the copy.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "course_copies/domain/course_copies.h"
#include "course_copies/storage/sql_course_copies.h"
#include "platform/follow/source.h"
#include "platform/peer/in_process.h"
#include "platform/peer/peer.h"
#include "platform/storage/database.h"

namespace ipt::courses {

// The name of the service that is followed, in settings, metrics and the store.
inline constexpr char kScheduling[] = "scheduling";

// A service ("outcomes") as scheduling sees it where both share a process; a token needs the same
// scopes.
peer::LocalCaller CallerOfScheduling(absl::string_view service);

// What a service makes of its copy's changes beside the copy itself.
class CopyListener {
 public:
  virtual ~CopyListener() = default;

  // A course was copied that is new or newer than the copy's; in the same transaction, before its
  // sessions or after them. May run more than once for one change.
  virtual absl::Status OnCourse(storage::Connection& conn, const CopiedCourse& course) = 0;
};

// Thread-safe. `scheduling` and `listener` (may be nullptr) outlive it.
class SchedulingSource final : public follow::Source {
 public:
  explicit SchedulingSource(peer::Peer& scheduling, CopyListener* listener = nullptr)
      : scheduling_(scheduling), listener_(listener) {}

  absl::StatusOr<std::vector<std::string>> Clinics() override;
  absl::StatusOr<std::unique_ptr<follow::EventStream>> Watch(
      const std::string& clinic_id, const std::optional<std::string>& cursor) override;
  absl::Status List(const std::string& clinic_id, follow::Listing& listing) override;
  absl::Status DropUnlisted(storage::Connection& conn, const std::string& clinic_id,
                            int64_t number) override;

 private:
  // Of one therapist (their name), what has not ended when the listing began.
  absl::Status ListTimeOff(const std::string& clinic_id, const std::string& therapist,
                           const CopyStamp& stamp, follow::Listing& listing);
  // And the time off of each.
  absl::Status ListTherapists(const std::string& clinic_id, const CopyStamp& stamp,
                              follow::Listing& listing);
  absl::Status ListSessions(const std::string& clinic_id, const CopyStamp& stamp,
                            follow::Listing& listing);
  absl::Status ListCourses(const std::string& clinic_id, const CopyStamp& stamp,
                           follow::Listing& listing);

  peer::Peer& scheduling_;
  CopyListener* const listener_;
};

}  // namespace ipt::courses
