// Formulation's tables, and those of the copy of scheduling's courses: component `formulation` of
// the schema. Applied after the platform's own.
#pragma once

#include "platform/storage/migrator.h"

namespace ipt::formulation {

const storage::Component& FormulationMigrations();

}  // namespace ipt::formulation
