// Scheduling as outcomes follows it: its courses and sessions, by events and by lists, into the
// copy.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "outcomes/domain/course_copies.h"
#include "platform/follow/source.h"
#include "platform/peer/in_process.h"
#include "platform/peer/peer.h"

namespace ipt::outcomes {

// The name of the service that is followed, in settings, metrics and the store.
inline constexpr char kScheduling[] = "scheduling";

// Outcomes as scheduling sees it where both share a process; a token needs the same scopes.
peer::LocalCaller OutcomesCaller();

// Thread-safe. `scheduling` outlives it.
class SchedulingSource final : public follow::Source {
 public:
  // What follows from a course that was copied, in the same transaction. May run more than once.
  using OnCourse = std::function<absl::Status(storage::Connection&, const CopiedCourse&)>;

  explicit SchedulingSource(peer::Peer& scheduling, OnCourse on_course = nullptr)
      : scheduling_(scheduling), on_course_(std::move(on_course)) {}

  absl::StatusOr<std::vector<std::string>> Clinics() override;
  absl::StatusOr<std::unique_ptr<follow::EventStream>> Watch(
      const std::string& clinic_id, const std::optional<std::string>& cursor) override;
  absl::Status List(const std::string& clinic_id, follow::Listing& listing) override;
  absl::Status DropUnlisted(storage::Connection& conn, const std::string& clinic_id,
                            int64_t number) override;

 private:
  peer::Peer& scheduling_;
  const OnCourse on_course_;
};

}  // namespace ipt::outcomes
