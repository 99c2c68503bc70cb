// What stands out in courses, told to scheduling.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "formulation/domain/course_findings.h"
#include "platform/ids/ids.h"
#include "platform/peer/peer.h"

namespace ipt::formulation {

// Thread-safe. `scheduling` and `ids` outlive it.
class FindingNotes final : public FindingTeller {
 public:
  FindingNotes(peer::Peer& scheduling, IdSource& ids) : scheduling_(scheduling), ids_(ids) {}

  absl::Status Tell(absl::string_view clinic_id, absl::string_view course_id,
                    const std::vector<Finding>& findings, absl::Time deadline) override;

 private:
  peer::Peer& scheduling_;
  IdSource& ids_;
};

}  // namespace ipt::formulation
