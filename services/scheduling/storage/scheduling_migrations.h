// Scheduling's tables: component `scheduling` of the schema. Applied after the platform's own.
#pragma once

#include "platform/storage/migrator.h"

namespace ipt::scheduling {

const storage::Component& SchedulingMigrations();

}  // namespace ipt::scheduling
