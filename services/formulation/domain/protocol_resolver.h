// What holds for a course, of all that the catalogue of the protocol says. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "formulation/domain/protocol.h"

namespace ipt::formulation {

// "ipt-uk-16--ipt-uk": the variant's id, and the tradition's code in the letters of an id.
std::string ProtocolId(absl::string_view variant_id, absl::string_view tradition);

// The catalogue as a course of this variant follows it in this tradition; an empty tradition is the
// one that the variant comes from. The tradition's changes come first and the variant's after them,
// so that where both speak of one thing, the variant's word stands. nullopt where the catalogue has
// no such variant or tradition.
std::optional<Protocol> ResolveProtocol(const ProtocolCatalog& catalog,
                                        absl::string_view variant_id, absl::string_view tradition);

// All protocols of a catalogue: each variant in each tradition, by id.
std::vector<Protocol> ResolveAll(const ProtocolCatalog& catalog);

}  // namespace ipt::formulation
