// The protocols that there are, and which of them a course follows. Immutable, so thread-safe.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"
#include "formulation/domain/protocol.h"
#include "formulation/domain/types.h"

namespace ipt::formulation {

// What holds for one course. It points into a ProtocolSet, which must outlive it.
struct CourseProtocol {
  const ProtocolCatalog* catalog = nullptr;
  // nullptr: the data have nothing of the course's variant.
  const Protocol* protocol = nullptr;

  // An area of this kind can be assessed. Where there is no protocol: any that the data have.
  bool Has(ProblemAreaKind kind) const;
  // As the protocol has it, and where it does not, as others do; nullptr: none does.
  const Area* FindArea(ProblemAreaKind kind) const;
  bool HasTask(absl::string_view code) const;
  bool HasTechnique(absl::string_view code) const;
  // The most focus areas, under this policy.
  int MaxFocus(const FormulationPolicy& policy) const;
};

class ProtocolSet {
 public:
  // A catalogue without errors (protocol_validation.h).
  explicit ProtocolSet(ProtocolCatalog catalog);
  ProtocolSet(const ProtocolSet&) = delete;
  ProtocolSet& operator=(const ProtocolSet&) = delete;

  const ProtocolCatalog& catalog() const { return catalog_; }
  const std::vector<Protocol>& all() const { return all_; }  // by id
  // nullptr where there is none.
  const Protocol* Find(absl::string_view protocol_id) const;
  // Of a course of this variant, in the policy's tradition. Where the data do not have that any
  // more, in the one that the variant comes from.
  CourseProtocol For(absl::string_view variant_id, const FormulationPolicy& policy) const;
  // Its protocol; one that asks for nothing where the data have nothing of the variant.
  const Protocol& Held(absl::string_view variant_id, const FormulationPolicy& policy) const;

 private:
  const ProtocolCatalog catalog_;
  const std::vector<Protocol> all_;
};

// Criteria of an area that are PRESENT and speak for it.
int PresentCriteria(const ProblemArea& area, const CourseProtocol& protocol);

}  // namespace ipt::formulation
