#include "formulation/domain/protocol_set.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "formulation/domain/protocol_resolver.h"

namespace ipt::formulation {

bool CourseProtocol::Has(ProblemAreaKind kind) const {
  if (protocol != nullptr) return protocol->FindArea(CodeOf(kind)) != nullptr;
  return catalog->FindArea(CodeOf(kind)) != nullptr;
}

const Area* CourseProtocol::FindArea(ProblemAreaKind kind) const {
  const Area* own = protocol == nullptr ? nullptr : protocol->FindArea(CodeOf(kind));
  return own != nullptr ? own : catalog->FindArea(CodeOf(kind));
}

bool CourseProtocol::HasTask(absl::string_view code) const {
  return (protocol != nullptr ? protocol->FindTask(code) : catalog->FindTask(code)) != nullptr;
}

bool CourseProtocol::HasTechnique(absl::string_view code) const {
  return (protocol != nullptr ? protocol->FindTechnique(code) : catalog->FindTechnique(code)) !=
         nullptr;
}

int CourseProtocol::MaxFocus(const FormulationPolicy& policy) const {
  const int most = protocol == nullptr ? kMaxFocus : std::min(kMaxFocus, protocol->max_focus);
  return std::min(most, policy.MaxFocusAreas());
}

ProtocolSet::ProtocolSet(ProtocolCatalog catalog)
    : catalog_(std::move(catalog)), all_(ResolveAll(catalog_)) {}

const Protocol* ProtocolSet::Find(absl::string_view protocol_id) const {
  const auto found = absl::c_find_if(all_, [&](const Protocol& p) { return p.id == protocol_id; });
  return found == all_.end() ? nullptr : &*found;
}

const Protocol& ProtocolSet::Held(absl::string_view variant_id,
                                  const FormulationPolicy& policy) const {
  static const auto* const kNone = new Protocol;
  const Protocol* held = For(variant_id, policy).protocol;
  return held != nullptr ? *held : *kNone;
}

CourseProtocol ProtocolSet::For(absl::string_view variant_id,
                                const FormulationPolicy& policy) const {
  CourseProtocol held{.catalog = &catalog_};
  const Variant* variant = catalog_.FindVariant(variant_id);
  if (variant == nullptr) return held;
  const bool followed =
      !policy.tradition.empty() && catalog_.FindTradition(policy.tradition) != nullptr;
  held.protocol = Find(ProtocolId(variant_id, followed ? policy.tradition : variant->tradition));
  return held;
}

int PresentCriteria(const ProblemArea& area, const CourseProtocol& protocol) {
  const Area* defined = protocol.FindArea(area.kind);
  if (defined == nullptr) return 0;
  return static_cast<int>(absl::c_count_if(area.evidence, [&](const AreaEvidence& evidence) {
    if (evidence.finding != CriterionFinding::kPresent) return false;
    const Criterion* criterion = defined->FindCriterion(evidence.criterion);
    return criterion != nullptr && criterion->weight != Weight::kContext;
  }));
}

}  // namespace ipt::formulation
