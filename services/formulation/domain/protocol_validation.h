// What must be true of the protocol's data beyond their form: references lead somewhere, codes are
// there once, every statement has its source, and no variant leaves an area without something to do
// or to ask in one of its phases.
#pragma once

#include <vector>

#include "formulation/domain/protocol.h"
#include "platform/errors/field_violations.h"

namespace ipt::formulation {

// Where errors go: a collector for each file of the data. Those of the lists are in the catalogue's
// order.
struct CatalogViolations {
  explicit CatalogViolations(const ProtocolCatalog& catalog)
      : areas(catalog.areas.size()),
        traditions(catalog.traditions.size()),
        variants(catalog.variants.size()) {}

  FieldViolations protocol;  // name, version, language
  FieldViolations sources;
  FieldViolations tasks;
  FieldViolations techniques;
  std::vector<FieldViolations> areas;
  std::vector<FieldViolations> traditions;
  std::vector<FieldViolations> variants;

  bool empty() const;
};

// Adds every error of a catalogue to `bad`.
void ValidateCatalog(const ProtocolCatalog& catalog, CatalogViolations& bad);

}  // namespace ipt::formulation
