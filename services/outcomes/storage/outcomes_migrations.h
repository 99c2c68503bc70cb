// Outcomes' tables: component `outcomes` of the schema. Applied after the platform's own.
#pragma once

#include "platform/storage/migrator.h"

namespace ipt::outcomes {

const storage::Component& OutcomesMigrations();

}  // namespace ipt::outcomes
