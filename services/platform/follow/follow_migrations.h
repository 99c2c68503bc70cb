// The table of who follows another service's events. For the list of components of such a service.
#pragma once

#include "platform/storage/migrator.h"

namespace ipt::follow {

const storage::Component& FollowMigrations();

}  // namespace ipt::follow
