// In what two formulations differ.
//
// Pure functions, thread-safe.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "formulation/domain/types.h"

namespace ipt::formulation {

enum class FieldChangeKind { kUnspecified = 0, kAdded, kRemoved, kChanged };

struct FieldChange {
  std::string path{};
  FieldChangeKind kind = FieldChangeKind::kUnspecified;
  std::string before{};  // empty where ADDED
  std::string after{};   // empty where REMOVED
  friend bool operator==(const FieldChange&, const FieldChange&) = default;
};

// What a formulation says, and what its names stand for: of a draft, what they stand for now.
struct DiffSide {
  const FormulationContent& content;
  const FormulationSnapshot& snapshot;
};

// In the order of the content's fields, then of the snapshot's. Elements of lists are matched by
// their ids, so that a list in another order is one change. Empty where nothing differs.
std::vector<FieldChange> Diff(absl::string_view clinic_id, absl::string_view course_id,
                              const DiffSide& from, const DiffSide& to);

}  // namespace ipt::formulation
