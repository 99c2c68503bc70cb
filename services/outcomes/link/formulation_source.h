// Formulation as outcomes follows it: which focus the courses of a clinic have, by events and by
// lists, into the copy.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "ipt/formulation/v1/formulation.pb.h"
#include "outcomes/domain/course_focus.h"
#include "platform/follow/source.h"
#include "platform/peer/in_process.h"
#include "platform/peer/peer.h"
#include "platform/storage/database.h"

namespace ipt::outcomes {

// The name of the service that is followed, in settings, metrics and the store.
inline constexpr char kFormulation[] = "formulation";

// Outcomes as formulation sees it where both share a process; a token needs the same scopes.
peer::LocalCaller CallerOfFormulation();

// INTERNAL for what no release of formulation says: a name of another form or of another clinic, a
// day that is none.
absl::StatusOr<CourseFocus> CopyOf(const ::ipt::formulation::v1::CourseFocus& focus,
                                   absl::string_view clinic_id);

// Thread-safe. `formulation` and `db`, the store of the copy, outlive it.
class FormulationSource final : public follow::Source {
 public:
  FormulationSource(peer::Peer& formulation, storage::Database& db)
      : formulation_(formulation), db_(db) {}

  // Those of which anything is stored here: formulation lists none, and of others no focus is
  // asked for.
  absl::StatusOr<std::vector<std::string>> Clinics() override;
  absl::StatusOr<std::unique_ptr<follow::EventStream>> Watch(
      const std::string& clinic_id, const std::optional<std::string>& cursor) override;
  absl::Status List(const std::string& clinic_id, follow::Listing& listing) override;
  absl::Status DropUnlisted(storage::Connection& conn, const std::string& clinic_id,
                            int64_t number) override;

  // In a transaction of the caller's.
  static absl::StatusOr<courses::CopyAge> AgeOf(storage::Connection& conn,
                                                absl::string_view clinic_id, absl::Time now);

 private:
  peer::Peer& formulation_;
  storage::Database& db_;
};

}  // namespace ipt::outcomes
