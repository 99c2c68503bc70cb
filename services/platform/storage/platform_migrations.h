// The platform's own tables: idempotency, outbox, audit_entries, the revision counter. Every
// service's list of components begins with this one.
#pragma once

#include "platform/storage/migrator.h"

namespace ipt::storage {

const Component& PlatformMigrations();

}  // namespace ipt::storage
